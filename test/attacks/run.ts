// How one attack is run: without a jail, in a jail, in one that lacks layers, under nothing but the filter of system
// calls. In: an attack, its world. Out: "escaped" or "held", by what the program says and what the host shows; anything
// else is an error. Next: attack.ts.
import { spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../../src/plan/operations.ts";
import { decodePlan } from "../../src/plan/wire.ts";
import { startExecutor } from "../support/executor.ts";
import { tsjail } from "../support/jail.ts";
import { type Watched, watch } from "../support/process.ts";
import type { Attack, ProfileName } from "./attack.ts";
import { type Layer, switchOff } from "./layers.ts";
import type { Verdict } from "./results.ts";
import type { World } from "./world.ts";

export interface Said {
  readonly word: Verdict;
  readonly said: string;
}

async function judge(attack: Attack, world: World, running: Watched): Promise<Said> {
  await attack.during?.(world, running);
  const { stdout, stderr, status, signal } = await running.ended;
  const said = `${attack.name}\n${stdout}${stderr}(${status ?? signal})`;
  const word = (["escaped", "held"] as const).find((each) => new RegExp(`^${each}: `, "m").test(stdout));
  if (attack.harm?.(world)) return { word: "escaped", said: `the host was changed: ${said}` };
  // The filter's answer to a foreign ABI: SIGSYS, as the jail's exit status or of the program itself.
  if (word === undefined && (status === 128 + 31 || signal === "SIGSYS")) return { word: "held", said };
  if (word === undefined) throw new Error(`the attack gave no verdict: ${said}`);
  return { word, said };
}

const stdioOf = (attack: Attack, world: World) =>
  ["pipe", "pipe", "pipe", ...(attack.descriptors?.(world) ?? [])] as const;

const environmentOf = (attack: Attack, world: World) => ({
  ...process.env,
  PWD: world.project,
  ...world.env,
  ...attack.environment,
});

function run(attack: Attack, world: World, words: readonly string[]): Promise<Said> {
  const child = spawn(words[0] as string, words.slice(1), {
    cwd: world.project,
    env: environmentOf(attack, world),
    stdio: [...stdioOf(attack, world)],
    detached: true,
  });
  if (attack.during === undefined) child.stdin?.end();
  return judge(attack, world, watch(child));
}

/** Without a jail. `before`: words of the program's own that lead to the attack. */
export function runTwin(attack: Attack, world: World, before: readonly string[] = []): Promise<Said> {
  attack.prepare?.(world);
  const words = (attack.twin?.words ?? attack.words)(world);
  return run(attack, world, [...(attack.twin?.through?.(world) ?? []), world.program, ...before, ...words]);
}

/** Without a jail, but with the filter of the profile's. */
export async function runFiltered(attack: Attack, world: World, profile: ProfileName): Promise<Said> {
  const path = await writeFilter(attack, world, profile);
  return runTwin(attack, world, ["filtered", path]);
}

/** As an array of struct sock_filter. */
export async function writeFilter(attack: Attack, world: World, profile: ProfileName): Promise<string> {
  const operation = (await compilePlan(attack, world, profile)).find(({ op }) => op === "seccomp");
  if (operation?.op !== "seccomp") throw new Error(`${profile} has no filter of system calls`);
  const path = join(world.directory, `${profile}.filter`);
  writeFileSync(path, operation.filter);
  return path;
}

const options = (attack: Attack, world: World) => [
  "--bind",
  world.program,
  "--bind",
  world.shown,
  ...(attack.options?.(world) ?? []),
];

export function runJail(attack: Attack, world: World, profile: ProfileName): Promise<Said> {
  attack.prepare?.(world);
  const words = [tsjail, "-p", profile, ...options(attack, world), "--", world.program];
  return run(attack, world, [...(attack.through?.(world) ?? []), ...words, ...attack.words(world)]);
}

const plans = new Map<string, Promise<Plan>>();

function compilePlan(attack: Attack, world: World, profile: ProfileName): Promise<Plan> {
  const words = options(attack, world);
  const key = [profile, ...words].join("\0");
  let plan = plans.get(key);
  if (plan === undefined) {
    plan = compileOnce(world, profile, words);
    plans.set(key, plan);
  }
  return plan;
}

async function compileOnce(world: World, profile: ProfileName, words: readonly string[]): Promise<Plan> {
  const path = join(world.directory, `${plans.size}.plan`);
  const env = { ...process.env, PWD: world.project, ...world.env };
  const argv = ["compile", profile, "-o", path, ...words];
  const { status, stderr } = await watch(spawn(tsjail, argv, { cwd: world.project, env })).ended;
  if (status !== 0) throw new Error(`${profile} can't be compiled: ${stderr}`);
  const plan = decodePlan(readFileSync(path));
  rmSync(path);
  // What it depends on changes while it is attacked: it is to be carried out all the same.
  return plan.filter(({ op }) => !op.startsWith("fact_"));
}

/** In a jail that lacks these layers. */
export async function runPlan(
  attack: Attack,
  world: World,
  profile: ProfileName,
  off: readonly Layer[],
): Promise<Said> {
  attack.prepare?.(world);
  const plan = switchOff(await compilePlan(attack, world, profile), off);
  const child = startExecutor([world.program, ...attack.words(world)], {
    plan,
    stdio: [...stdioOf(attack, world)],
    through: attack.through?.(world) ?? [],
    env: environmentOf(attack, world),
    detached: true,
  });
  if (attack.during === undefined) child.stdin?.end();
  return judge(attack, world, watch(child));
}
