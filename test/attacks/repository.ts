// Directories as somebody else's repository would be, and tsjail started in them. In: a world. Out: what it said. Next:
// own.test.ts, names.test.ts.
import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tsjail } from "../support/jail.ts";
import { type Outcome, watch } from "../support/process.ts";
import type { TestContext } from "../support/suite.ts";
import type { World } from "./world.ts";

let count = 0;
export function makeRepository(world: World, { cleanup }: TestContext, name = "repository"): string {
  const directory = join(world.directory, `${count++}`, name);
  mkdirSync(directory, { recursive: true });
  cleanup(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** tsjail with these words in this directory, on no terminal. */
export function runIn(world: World, cwd: string, words: readonly string[]): Promise<Outcome> {
  const env = { ...process.env, PWD: cwd, ...world.env };
  return watch(spawn(tsjail, words, { cwd, env })).ended;
}
