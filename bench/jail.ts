// tsjail's own sides: the executor, as a link in PATH has it; through bin/tsjail, npm's way; and the executor on a plan that
// is ready. In: a profile. Out: candidates. What shows that a start is warm: a node that counts its starts.
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { executorPath, findProcessor } from "../src/build/native.ts";
import { root } from "../src/build/problem.ts";
import { type Bench, type Candidate, type Side, trySide } from "./bench.ts";
import { BenchProblem } from "./problem.ts";
import type { Entry } from "./row.ts";

export const shim = join(root, "bin/tsjail");
export const executor = (): string => process.env.TSJAIL_EXECUTOR || executorPath(findProcessor());
export const shipped = (name: string): string => join(import.meta.dirname, "profiles", `${name}.toml`);

/** The names that rows and targets use. */
export const sides = {
  tsjail: "tsjail",
  shim: "tsjail, through bin/tsjail",
  plan: "tsjail, a plan at hand",
} as const;

/** @throws BenchProblem when the checkout is not built */
export function requireBuild(): void {
  if (!existsSync(executor())) throw new BenchProblem("tsjail is not built: run `npm run build` first");
}

export function jailSide(bench: Bench, profile: string, command: readonly string[]): Side {
  const argv = [findLink(bench), "-p", profile, "--", ...command];
  const note = "the executor, which a link in PATH leads to, and a cached plan";
  return { side: sides.tsjail, argv, env: bench.scratch.countingEnv, note };
}

/** tsjail as a link in PATH has it. */
export function findLink(bench: Bench): string {
  const link = join(bench.scratch.directory, "bin/tsjail");
  if (!existsSync(link)) symlinkSync(executor(), link);
  return link;
}

function shimSide(bench: Bench, profile: string, command: readonly string[]): Side {
  const argv = [shim, "-p", profile, "--", ...command];
  const note = "the shell script that npm links to, before the same";
  return { side: sides.shim, argv, env: bench.scratch.countingEnv, note };
}

/** Whether the third start of a command line goes without Node; the first two may fill the cache. */
function findColdness(bench: Bench, side: Side): string | undefined {
  for (let start = 0; start < 2; start++) {
    const { missing } = trySide(side);
    if (missing !== undefined) return missing;
  }
  const before = bench.scratch.countNode();
  const { missing } = trySide(side);
  if (missing !== undefined) return missing;
  if (bench.scratch.countNode() === before) return undefined;
  return "not warm: Node was started for the third run too (no cached plan)";
}

export function checkWarm(bench: Bench, side: Side): Candidate {
  const missing = findColdness(bench, side);
  return missing === undefined ? side : { side: side.side, missing };
}

/** What Node hands to the executor, caught by a program in the executor's place. */
function catchPlan(bench: Bench, profile: string): string {
  const { directory, countingEnv } = bench.scratch;
  const [catcher, plan] = [join(directory, "bin/catcher"), join(directory, `${plans++}.plan`)];
  const script = `#!/bin/sh
case $1 in
--plan-fd) exec cat "/proc/self/fd/$2" >${plan} ;;
*) exec ${executor()} "$@" ;;
esac
`;
  writeFileSync(catcher, script, { mode: 0o755 });
  const { missing } = trySide({
    side: "catcher",
    argv: [shim, "-p", profile, "--", "/bin/true"],
    env: { ...countingEnv, TSJAIL_EXECUTOR: catcher, XDG_CACHE_HOME: join(directory, "no-cache") },
  });
  if (missing !== undefined) throw new BenchProblem(missing);
  if (!existsSync(plan)) throw new BenchProblem("the executor was not given a plan");
  return plan;
}
let plans = 0;

function planSide(bench: Bench, profile: string, command: readonly string[]): Candidate {
  const note = "the executor, given a plan that Node has compiled before: no look-up in the cache";
  try {
    const argv = [executor(), "--plan-fd", "3", "--", ...command];
    return {
      side: sides.plan,
      argv,
      env: bench.scratch.countingEnv,
      plan: catchPlan(bench, profile),
      note,
    };
  } catch (error) {
    if (error instanceof BenchProblem) return { side: sides.plan, missing: error.message };
    throw error;
  }
}

export function jailSides(bench: Bench, profile: string, command: readonly string[]): Candidate[] {
  return [
    checkWarm(bench, jailSide(bench, profile, command)),
    checkWarm(bench, shimSide(bench, profile, command)),
    planSide(bench, profile, command),
  ];
}

/** Whether a start of Node would be one of this side. */
const isCounted = (bench: Bench, { env, plan }: Side): boolean =>
  env === bench.scratch.countingEnv && plan === undefined;

/** In the order in which a target takes them. */
export const judged = [sides.tsjail, sides.plan];

/** Measures, and takes back what was said to be warm and was not: Node must not have been started meanwhile. */
export function measureWarm(
  bench: Bench,
  candidates: readonly Candidate[],
  measure: (candidates: readonly Candidate[]) => Entry[],
): Entry[] {
  const before = bench.scratch.countNode();
  const entries = measure(candidates);
  const count = bench.scratch.countNode() - before;
  if (count === 0) return entries;
  const missing = `not warm: Node was started ${count} times while it was measured`;
  const warm = candidates.filter((each) => "argv" in each && isCounted(bench, each)).map(({ side }) => side);
  return entries.map((entry) =>
    warm.includes(entry.side) ? { side: entry.side, samples: [], missing: entry.missing ?? missing } : entry,
  );
}
