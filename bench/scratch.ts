// What a run needs on disk: a directory of its own with the compiled measuring programs, a node that counts its starts,
// an empty home and an empty cache. In: nothing. Out: paths; gone at the end. Used by bench.ts.
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { BenchProblem } from "./problem.ts";

export interface Scratch {
  readonly directory: string;
  /** Programs of bench/native. */
  readonly times: string;
  readonly crowd: string;
  readonly stream: string;
  readonly inside: string;
  readonly storm: string;
  readonly floor: string;
  /** The environment of every side. */
  readonly env: Readonly<Record<string, string>>;
  /** The same, with a node that is counted first in PATH. */
  readonly countingEnv: Readonly<Record<string, string>>;
  /** How often that node was started so far. */
  countNode(): number;
}

const sources = join(import.meta.dirname, "native");

function compile(output: string, ...flags: string[]): string {
  const compiler = process.env.CC || "cc";
  const { status, error, stderr } = spawnSync(compiler, ["-O2", "-o", output, ...flags], {
    cwd: sources,
    encoding: "utf8",
  });
  if (status !== 0) throw new BenchProblem(`bench/native can't be compiled: ${error?.message ?? stderr}`);
  return output;
}

export function makeScratch(): Scratch {
  const directory = mkdtempSync(join(tmpdir(), "tsjail-bench-"));
  process.on("exit", () => {
    // Kept layers have directories that even their owner can't read.
    spawnSync("chmod", ["-R", "u+rwx", directory]);
    rmSync(directory, { recursive: true, force: true });
  });
  const bin = join(directory, "bin");
  for (const name of ["bin", "home", "cache"]) mkdirSync(join(directory, name));
  // A jail may hide places as /tmp/x only from other users, so that other users' rights matter for peers with a daemon.
  chmodSync(directory, 0o755);
  const count = join(directory, "count");
  appendFileSync(count, "");
  writeFileSync(join(bin, "node"), `#!/bin/sh\necho . >>${count}\nexec '${process.execPath}' "$@"\n`);
  chmodSync(join(bin, "node"), 0o755);
  const path = process.env.PATH ?? "/usr/bin:/bin";
  const env = {
    PATH: `${path}:/usr/sbin:/sbin`,
    HOME: join(directory, "home"),
    USER: userInfo().username,
    LOGNAME: userInfo().username,
    LANG: "C.UTF-8",
    TERM: "xterm",
    XDG_CACHE_HOME: join(directory, "cache"),
    ...pick("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "TSJAIL_EXECUTOR"),
  };
  return {
    directory,
    times: compile(join(directory, "times"), "times.c", "sides.c"),
    crowd: compile(join(directory, "crowd"), "crowd.c", "sides.c"),
    stream: compile(join(directory, "stream"), "stream.c", "sides.c"),
    storm: compile(join(directory, "storm"), "-static", "storm.c"),
    inside: compile(join(directory, "inside"), "-static", "inside.c"),
    floor: compile(join(directory, "floor"), "-static", "floor.c"),
    env,
    countingEnv: { ...env, PATH: `${bin}:${env.PATH}` },
    countNode: () => (existsSync(count) ? readFileSync(count, "utf8").split("\n").length - 1 : 0),
  };
}

function pick(...names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
