// A package, a home and a working directory of a test's own, so that everything that a plan is compiled from can be
// changed. In: the files of the profile. Out: starts of it, warm ones without a Node to fall back to. Used by the
// tests of the plan cache.
import { spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Plan } from "../../src/plan/operations.ts";
import { decodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { executor } from "../support/executor.ts";
import { makeDirectory, removeDirectory } from "../support/jail.ts";
import { pause } from "../support/process.ts";
import type { TestContext } from "../support/suite.ts";

const checkout = join(import.meta.dirname, "../..");
/** Where the front finds no Node: whatever works then is warm. */
export const nowhere = "/nonexistent";
const needsNode = "tsjail: node is not in PATH; tsjail needs Node.js 20 or later to read profiles\n";

export interface Ending {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartWish {
  readonly cwd?: string;
  /** Over the world's own; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Words before tsjail. */
  readonly through?: readonly string[];
  /** Instead of the world's package. */
  readonly program?: string;
  readonly input?: string;
}

export interface World {
  /** Everything is below it: pkg, home, config, work, cache, and what the test writes. */
  readonly path: string;
  readonly work: string;
  /** Where plans are kept. */
  readonly plans: string;
  /** Changes the environment of all later starts. */
  readonly environment: Record<string, string | undefined>;
  at(name: string): string;
  write(name: string, text: string | Uint8Array): string;
  link(name: string, target: string): string;
  /** With Node in PATH. */
  start(words: readonly string[], wish?: StartWish): Ending;
  /** Without: a warm start works, a cold one can't. */
  tryWarm(words: readonly string[], wish?: StartWish): Ending;
  startAsync(words: readonly string[], wish?: StartWish): Promise<Ending>;
  /** The names of the plans that are kept, and whatever else lies there. */
  list(): string[];
  /** The only plan that is kept. */
  readKept(): { path: string; bytes: Buffer; plan: Plan };
  /** The only record of trust. */
  recordName(): string;
}

/** Files that were written less than 50 ms ago keep a plan from being kept. */
export const settle = (): Promise<void> => pause(80);

/** Copies of what a package is made of; the executor is the one under test. */
function makePackage(directory: string): void {
  const platform = `linux-${process.arch}`;
  mkdirSync(join(directory, "bin"), { recursive: true });
  mkdirSync(join(directory, "dist", platform), { recursive: true });
  for (const name of ["bin/tsjail", "dist/cli.cjs", "dist/run.cjs", "dist/program.cjs", "package.json"]) {
    copyFileSync(join(checkout, name), join(directory, name));
  }
  copyFileSync(executor(), join(directory, "dist", platform, "tsjail"));
  cpSync(join(checkout, "profiles"), join(directory, "profiles"), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(directory, "node_modules"));
}

export function makeWorld({ cleanup }: TestContext, files: Readonly<Record<string, string>> = {}): World {
  const path = makeDirectory("cache");
  cleanup(() => removeDirectory(path));
  const at = (name: string) => join(path, name);
  const work = at("work");
  for (const name of ["home", "config", "work"]) mkdirSync(at(name));
  makePackage(at("pkg"));
  const write = (name: string, text: string | Uint8Array) => {
    mkdirSync(dirname(at(name)), { recursive: true });
    writeFileSync(at(name), text);
    return at(name);
  };
  const link = (name: string, target: string) => {
    mkdirSync(dirname(at(name)), { recursive: true });
    symlinkSync(target, at(name));
    return at(name);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  const environment: Record<string, string | undefined> = {
    HOME: at("home"),
    USER: "somebody",
    SHELL: "/bin/sh",
    BASE: path,
    XDG_CACHE_HOME: at("cache"),
    XDG_CONFIG_HOME: at("config"),
    XDG_DATA_HOME: at("data"),
  };
  const describe = (words: readonly string[], PATH: string, wish: StartWish) => {
    const [program = "", ...rest] = [...(wish.through ?? []), wish.program ?? at("pkg/bin/tsjail"), ...words];
    const env = { PATH, ...environment, ...wish.env };
    return { program, rest, options: { cwd: wish.cwd ?? work, env } };
  };
  const run = (words: readonly string[], PATH: string, wish: StartWish): Ending => {
    const { program, rest, options } = describe(words, PATH, wish);
    const result = spawnSync(program, rest, {
      ...options,
      input: wish.input ?? "",
      encoding: "utf8",
      timeout: 20_000,
      killSignal: "SIGKILL",
    });
    if (result.error !== undefined) throw result.error;
    return { status: result.status, stdout: result.stdout, stderr: result.stderr };
  };
  const withNode = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
  const plans = at("cache/tsjail/plans");
  const list = () => {
    try {
      return readdirSync(plans).sort();
    } catch {
      return [];
    }
  };
  return {
    path,
    work,
    plans,
    environment,
    at,
    write,
    link,
    start: (words, wish = {}) => run(words, withNode, wish),
    tryWarm: (words, wish = {}) => run(words, nowhere, wish),
    startAsync: (words, wish = {}) => startAsync(describe(words, withNode, wish)),
    list,
    recordName() {
      const [name = "", ...more] = readdirSync(at("data/tsjail/trusted"));
      assert.equal(more, []);
      return name;
    },
    readKept() {
      const names = list();
      assert.is(names.length, 1, `kept: ${names.join(" ")}`);
      const kept = join(plans, names[0] as string);
      const bytes = readFileSync(kept);
      return { path: kept, bytes, plan: decodePlan(bytes) };
    },
  };
}

interface Described {
  readonly program: string;
  readonly rest: readonly string[];
  readonly options: { cwd: string; env: NodeJS.ProcessEnv };
}

function startAsync({ program, rest, options }: Described): Promise<Ending> {
  return new Promise((fulfil, reject) => {
    const child = spawn(program, rest, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => err.push(bytes));
    child.once("error", reject);
    child.once("close", (status) => {
      fulfil({ status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
  });
}

export const isCold = ({ status, stdout, stderr }: Ending): boolean =>
  status === 125 && stdout === "" && stderr === needsNode;

export function expectCold(ending: Ending, what: string): void {
  assert.ok(isCold(ending), `${what}: it was warm: ${JSON.stringify(ending)}`);
}

export function expectEnding(ending: Ending, stdout: string, what: string): void {
  assert.equal(ending, { status: 0, stdout, stderr: "" }, `${what}: ${JSON.stringify(ending)}`);
}

/** Starts it cold, then warm: the plan is kept, and both do the same. */
export async function warmUp(world: World, words: readonly string[], wish: StartWish = {}): Promise<Ending> {
  await settle();
  const cold = world.start(words, wish);
  const warm = world.tryWarm(words, wish);
  assert.equal(warm, cold, `cold and warm: ${JSON.stringify({ cold, warm })}`);
  return warm;
}

/** Puts a file's times back to what they were: only the change time tells. */
export function keepingTimes(path: string, change: () => void): void {
  const { atime, mtime } = statSync(path);
  change();
  utimesSync(path, atime, mtime);
}
