// The executor on bytes, descriptors and words that no tsjail would give it. In: those. Out: what it said, and whether
// anything of it is left. The well-behaved twin is test/support/executor.ts.
import { type SpawnSyncOptions, spawnSync } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { executor, scratch } from "../support/executor.ts";
import type { Outcome } from "../support/process.ts";

/** What native/node.c says to V8. */
export const nodeFlags: readonly string[] = [
  "--no-opt",
  "--no-maglev",
  "--no-sparkplug",
  "--min-semi-space-size=4",
  "--no-rehash-snapshot",
];

export interface Run extends Outcome {
  pid: number;
}

export interface RunWish {
  env?: NodeJS.ProcessEnv;
  /** As of spawnSync(): descriptors 0, 1, 2, … */
  stdio?: SpawnSyncOptions["stdio"];
  /** Instead of the executor. */
  program?: string;
  uid?: number;
  cwd?: string;
}

/** Runs the executor with these words; stdin is empty. */
export function runWords(words: readonly string[], wish: RunWish = {}): Run {
  const result = spawnSync(wish.program ?? executor(), words, {
    stdio: wish.stdio ?? ["ignore", "pipe", "pipe"],
    env: wish.env ?? process.env,
    timeout: 20_000,
    killSignal: "SIGKILL",
    ...(wish.uid === undefined ? {} : { uid: wish.uid, gid: wish.uid }),
    ...(wish.cwd === undefined ? {} : { cwd: wish.cwd }),
  });
  if (result.error !== undefined) throw result.error;
  const text = (bytes: Buffer | null): string => bytes?.toString() ?? "";
  const { status, signal, pid } = result;
  return { status, signal, pid, stdout: text(result.stdout), stderr: text(result.stderr) };
}

let files = 0;
/** A file with these bytes, and an open descriptor for it; gone with this process. */
export function openBytes(bytes: Uint8Array): { path: string; fd: number } {
  const path = join(scratch(), `${files++}.bytes`);
  writeFileSync(path, bytes);
  return { path, fd: openSync(path, "r") };
}

/** Runs the executor on these bytes as descriptor 3. */
export function runBytes(bytes: Uint8Array, command: readonly string[] = [], wish: RunWish = {}): Run {
  const { fd } = openBytes(bytes);
  try {
    const words = ["--plan-fd", "3", ...(command.length > 0 ? ["--", ...command] : [])];
    return runWords(words, { stdio: ["ignore", "pipe", "pipe", fd], ...wish });
  } finally {
    closeSync(fd);
  }
}

export const damaged = /^tsjail: the plan is damaged, or was made by another version of tsjail\n$/;

/** One line, exit status 125, nothing else. */
export function expectRefusal(run: Run, line: RegExp, what: string): void {
  assert.is(run.signal, null, `${what}: ended by ${run.signal}`);
  assert.match(run.stderr, line, `${what}: ${JSON.stringify(run.stderr)}`);
  assert.is(run.stderr.split("\n").length, 2, `${what}: more than a line: ${run.stderr}`);
  assert.is(run.stdout, "", what);
  assert.is(run.status, 125, `${what}: status ${run.status}`);
}
