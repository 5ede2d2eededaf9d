// One system call of a start fails. In: how a jail is started. Out: the calls that its processes make, by name
// and number, and what happens when one of them has failed, by strace's `-e inject`. Used by test/faults/.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findProcessor, listFlags } from "../../src/build/native.ts";
import { root } from "../../src/build/problem.ts";
import { executor, type StartWish, scratch, startExecutor } from "./executor.ts";
import { type Watched, watch } from "./process.ts";

/** `network` is the thread of init that makes the network namespace. */
export type Role = "monitor" | "init" | "network" | "command";

export interface SystemCall {
  readonly role: Role;
  readonly name: string;
  /** Its number for the kernel of this processor. */
  readonly number: number;
  /** Which one of this name it is in its process, from 1. */
  readonly at: number;
  /** As strace shows it. */
  readonly text: string;
}

/** More than any process of a start makes of one kind. */
const burned = 300;

/** The program of burn.c. */
export function compileBurner(): string {
  const path = join(scratch(), "burn");
  if (existsSync(path)) return path;
  const flags = listFlags({ processor: findProcessor(), hosted: false });
  const sources = [join(import.meta.dirname, "burn.c"), join(root, "native/start.c")];
  const argv = [...flags, `-I${join(root, "native")}`, "-o", path, ...sources, "-lgcc"];
  const result = spawnSync(process.env.CC || "cc", argv, { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`burn.c can't be compiled: ${result.error ?? result.stderr}`);
  return path;
}

/** Starts a jail once and lists the calls of the monitor, of init and its thread, and of the command until it is executed. */
export async function recordCalls(command: readonly string[], wish: StartWish): Promise<SystemCall[]> {
  const directory = mkdtempSync(join(scratch(), "calls-"));
  const strace = ["strace", "-ff", "-n", "-qq", "-s", "60", "-o", join(directory, "log")];
  const outcome = await watch(
    startExecutor(command, { ...wish, through: [...(wish.through ?? []), ...strace] }),
  ).ended;
  if (outcome.status === 125) throw new Error(`the start to be recorded failed: ${JSON.stringify(outcome)}`);
  const logs = new Map<number, Call[]>();
  for (const name of readdirSync(directory)) {
    logs.set(Number(name.split(".").at(-1)), parseLog(readFileSync(join(directory, name), "utf8")));
  }
  rmSync(directory, { recursive: true });
  return assignRoles(logs);
}

type Call = Omit<SystemCall, "role"> & { result: string };

function parseLog(log: string): Call[] {
  const counts = new Map<string, number>();
  return log.split("\n").flatMap((line): Call[] => {
    const match = /^\[ *(\d+)\] (\w+)\((.*)\) += (.*)$/.exec(line);
    if (match === null) return [];
    const [, number, name, , result] = match as unknown as [string, string, string, string, string];
    const at = (counts.get(name) ?? 0) + 1;
    counts.set(name, at);
    return [{ name, number: Number(number), at, text: line.replace(/^\[ *\d+\] /, ""), result }];
  });
}

function assignRoles(logs: ReadonlyMap<number, readonly Call[]>): SystemCall[] {
  const find = (pid: number): readonly Call[] => {
    const log = logs.get(pid);
    if (log === undefined) throw new Error(`no record of process ${pid}; there are ${[...logs.keys()]}`);
    return log;
  };
  const [monitor] = [...logs].find(([, log]) => log.some(({ name }) => name === "clone3")) ?? [0];
  const init = Number(find(monitor).find(({ name }) => name === "clone3")?.result);
  const network = [...logs].find(
    ([pid, log]) =>
      pid !== init && log.some(({ name, text }) => name === "unshare" && text.includes("CLONE_NEWNET")),
  )?.[0];
  const known = [monitor, init, network];
  const command = [...logs.keys()].filter((pid) => !known.includes(pid)).sort((a, b) => a - b)[0];
  const label = (role: Role, log: readonly Call[]) => log.map(({ result, ...call }) => ({ ...call, role }));
  const begin = (log: readonly Call[]) => {
    const executed = log.findIndex(({ name, result }) => name === "execve" && result === "0");
    return executed === -1 ? log : log.slice(0, executed + 1);
  };
  return [
    // Its own execve is not one of its calls.
    ...label("monitor", find(monitor)).filter(({ name }) => name !== "execve"),
    ...label("init", begin(find(init))),
    ...label("network", network === undefined ? [] : find(network)),
    ...label("command", command === undefined ? [] : begin(find(command))),
  ];
}

/** Its answer does not depend on its arguments, so they can't keep it from doing something. */
const unburnable = ["setsid", "umask", "exit_group", "getpid", "getppid"];

/** The words that make a process's calls of this kind begin far away. */
function burn(path: string, call: SystemCall): string[] {
  return unburnable.includes(call.name) ? [] : [path, String(burned), String(call.number)];
}

/**
 * Starts it again, and this call answers with this error. The plan has to show the burner as /burn: behind it the
 * command is not hit.
 */
export function startInjected(
  call: SystemCall,
  errno: string,
  command: readonly string[],
  wish: StartWish,
): Watched {
  const inject = ["-e", `trace=${call.name}`, "-e", `inject=${call.name}:error=${errno}:when=${call.at}`];
  // Where children are followed the monitor must not be hit before them.
  const follow = call.role === "monitor" ? [] : ["-f", "--", ...burn(compileBurner(), call)];
  const through = [...(wish.through ?? []), "strace", "-qq", "-o", "/dev/null", ...inject, ...follow];
  const inside = call.role === "monitor" ? command : [...burn("/burn", call), ...command];
  return watch(startExecutor(inside, { ...wish, through }), 10);
}

/** Whether the executor is the one that gets published: the sanitized one makes calls of its own. */
export const isPlain = (): boolean => !executor().includes("sanitize");
