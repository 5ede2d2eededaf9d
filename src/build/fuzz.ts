// `npm run fuzz [-- --seconds N]`: libFuzzer against the executor's reader of plans, with AddressSanitizer and
// UndefinedBehaviorSanitizer. In: test/fuzz/ and native/wire.c; out: what was tried and how much of the reader it
// reached, or the plan that broke it. The corpus stays in dist/fuzz/, so the next run goes on from there.
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeSeeds } from "../../test/fuzz/seeds.ts";
import { BuildProblem, isScript, root, runScript, shown } from "./problem.ts";

export interface FuzzOptions {
  /** How long the fuzzer runs. */
  seconds: number;
  /** Where it is compiled, and where the corpus is. */
  directory: string;
  /** Where native/ and test/fuzz/ are: this checkout unless a test says otherwise. */
  source?: string;
}

export interface FuzzResult {
  /** Plans tried. */
  plans: number;
  /** Plans kept because they reach something new. */
  kept: number;
  /** Branches of native/wire.c that the kept plans take, and all there are; undefined without llvm-symbolizer. */
  taken: number | undefined;
  branches: number | undefined;
}

const clang = process.env.CLANG || "clang";
const common = [
  "-g",
  "-O1",
  "-std=gnu11",
  "-fno-strict-aliasing",
  "-DTSJAIL_HOSTED",
  "-Wall",
  "-Wextra",
  "-Werror",
];
const sanitized = ["-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"];
/** Sanitizers add branches of their own, and inlining hides whose a branch is. */
const counted = ["-fsanitize=fuzzer", "-fno-inline"];
/** The longest plan that is tried, in bytes: room for a few hundred operations. */
const longest = 16_384;

/** Compiles the fuzzer and runs it. @throws BuildProblem when something is found, or nothing can be compiled */
export async function fuzz({ seconds, directory, source = root }: FuzzOptions): Promise<FuzzResult> {
  const [seeds, corpus] = [join(directory, "seeds"), join(directory, "corpus")];
  mkdirSync(corpus, { recursive: true });
  writeSeeds(seeds);
  const fuzzer = await compileFuzzer(join(directory, "plan"), sanitized, source);
  const limits = [`-max_total_time=${seconds}`, `-max_len=${longest}`, "-timeout=10", "-rss_limit_mb=2048"];
  const argv = [...limits, "-print_final_stats=1", `-artifact_prefix=${directory}/`, corpus, seeds];
  const printed = await runFuzzer(fuzzer, argv, seconds);
  const plans = Number(/stat::number_of_executed_units:\s*(\d+)/.exec(printed)?.[1] ?? 0);
  const kept = readdirSync(corpus).length;
  return { plans, kept, ...(await countBranches(directory, [corpus, seeds], source)) };
}

/** Why there can be no fuzzing here, or undefined: for tests. */
export async function whyNoFuzzer(directory: string): Promise<string | undefined> {
  try {
    mkdirSync(directory, { recursive: true });
    await compileFuzzer(join(directory, "probe"), sanitized, root);
    return undefined;
  } catch (error) {
    if (error instanceof BuildProblem) return error.message.split("\n")[0];
    throw error;
  }
}

async function compileFuzzer(output: string, flags: readonly string[], source: string): Promise<string> {
  const sources = ["test/fuzz/plan.c", "test/fuzz/mutate.c", "native/wire.c"].map((path) =>
    join(source, path),
  );
  const argv = [...common, ...flags, "-I", join(source, "native"), "-o", output, ...sources];
  const { execa } = await import("execa");
  const result = await execa(clang, argv, { cwd: root, all: true, reject: false, env: { LC_ALL: "C" } });
  if (result.code === "ENOENT") {
    throw new BuildProblem(`fuzzing needs clang (CLANG names another one).\n${packages}`);
  }
  if (
    /cannot find .*clang_rt|unable to find library|no such file or directory: .*clang_rt/.test(
      result.all ?? "",
    )
  ) {
    throw new BuildProblem(`this clang has no fuzzer library.\n${packages}`);
  }
  if (result.failed) throw new BuildProblem(`the fuzzer does not compile:\n${result.all}`);
  return output;
}

const packages = `Install clang and its runtime libraries:
  Debian, Ubuntu   apt-get install clang libclang-rt-dev llvm   (older: libclang-rt-14-dev)
  Fedora           dnf install clang compiler-rt llvm`;

/** @returns everything that it printed */
async function runFuzzer(fuzzer: string, argv: readonly string[], seconds: number): Promise<string> {
  const { execa } = await import("execa");
  const result = await execa(fuzzer, argv, {
    all: true,
    reject: false,
    stdin: "ignore",
    // It ends by itself; a mutator that hangs would not.
    timeout: (seconds + 120) * 1000,
    env: { ASAN_OPTIONS: "detect_leaks=0", UBSAN_OPTIONS: "print_stacktrace=1" },
  });
  if (!result.failed) return result.all ?? "";
  const artifact = /Test unit written to (\S+)/.exec(result.all ?? "")?.[1];
  const again = artifact === undefined ? "" : `\nOnce more, alone: ${shown(fuzzer)} ${shown(artifact)}`;
  const told = (result.all ?? "").split("\n").filter((line) => !/^#\d+\s/.test(line));
  throw new BuildProblem(`the reader of plans is broken:\n${told.slice(-60).join("\n")}${again}`);
}

/** Runs what was kept once more, in a fuzzer that has the reader's own branches and no others. */
async function countBranches(
  directory: string,
  corpora: readonly string[],
  source: string,
): Promise<Pick<FuzzResult, "taken" | "branches">> {
  const counter = await compileFuzzer(join(directory, "coverage"), counted, source);
  const printed = await runFuzzer(counter, ["-runs=0", "-print_coverage=1", ...corpora], 60);
  const functions = [...printed.matchAll(/^COVERED_FUNC: .* edges: (\d+)\/(\d+) .*\/native\/wire\.c:/gm)];
  if (functions.length === 0) return { taken: undefined, branches: undefined };
  const sum = (group: number) => functions.reduce((total, match) => total + Number(match[group]), 0);
  return { taken: sum(1), branches: sum(2) };
}

/** "3,385,766 plans in 60 s, 549 kept; 96 of 101 branches of native/wire.c taken" */
export function describeFuzzing({ plans, kept, taken, branches }: FuzzResult, seconds: number): string {
  const reached =
    taken === undefined
      ? "how much of native/wire.c that reached is unknown without llvm-symbolizer"
      : `${taken} of ${branches} branches of native/wire.c taken`;
  return `${plans.toLocaleString("en")} plans in ${seconds} s, ${kept.toLocaleString("en")} kept; ${reached}`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: "string", default: "30" } } });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1) {
    throw new BuildProblem(`--seconds ${values.seconds}: not a positive number.`);
  }
  const result = await fuzz({ seconds, directory: join(root, "dist/fuzz") });
  console.log(describeFuzzing(result, seconds));
}

if (isScript(import.meta)) await runScript(main);
