// calls.c, compiled, and run in a jail or beside it. In: words for calls. Out: what each was answered.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { scratch } from "./executor.ts";
import { hostTree, type Jail, mount, shout } from "./jail.ts";

/** Compiled once for each process; the directory is gone at its end. */
export function callsProgram(): string {
  const path = join(scratch(), "calls");
  if (existsSync(path)) return path;
  const source = join(import.meta.dirname, "calls.c");
  const result = spawnSync(process.env.CC || "cc", ["-O1", "-o", path, source], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`calls.c can't be compiled: ${result.error ?? result.stderr}`);
  chmodSync(scratch(), 0o755);
  return path;
}

const parse = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, string]),
  );

/** The answers in a jail: the host's tree with a profile's further text. */
export async function callInJail(toml: string, calls: readonly string[], wish: Partial<Jail> = {}) {
  const program = mount("bind", { source: callsProgram(), target: "/dev/shm/calls" });
  return parse(
    await shout({ toml: hostTree + program + toml, ...wish, command: ["/dev/shm/calls", ...calls] }),
  );
}

/** The answers without any. */
export function callOutside(calls: readonly string[]): Record<string, string> {
  const { stdout } = spawnSync(callsProgram(), [...calls], { encoding: "utf8" });
  return parse(stdout);
}
