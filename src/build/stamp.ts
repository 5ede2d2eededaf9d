// What makes a second build fast: a step is skipped while its inputs are what they were when its
// outputs were written. In: names of files; out: fresh or not. Stamps live in dist/.stamps.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./problem.ts";

export interface Step {
  name: string;
  /** Files that the step reads. */
  inputs: string[];
  /** Files that the step writes: all of them have to be there. */
  outputs: string[];
  /** Whatever else decides about the result: flags, versions. */
  settings?: unknown;
}

/** Runs the work unless its result is there already. True when it ran. */
export async function runStep(step: Step, work: () => Promise<void>): Promise<boolean> {
  const path = join(root, "dist/.stamps", step.name);
  const print = fingerprint(step);
  if (step.outputs.every((output) => existsSync(output)) && readStamp(path) === print) return false;
  await work();
  writeAtomically(path, print);
  return true;
}

/** Every file below a directory whose name ends so; none when there is no such directory. */
export function listFiles(directory: string, ...endings: string[]): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .sort()
    .map((name) => join(directory, name));
}

/** Written beside its place and renamed: whoever reads it meanwhile sees the old one, whole. */
export function writeAtomically(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const fresh = `${path}.${process.pid}.new`;
  writeFileSync(fresh, content);
  renameSync(fresh, path);
}

function fingerprint({ inputs, settings }: Step): string {
  const lines = inputs.map((path) => {
    const { size, mtimeMs, ino } = statSync(path);
    return `${path} ${size} ${mtimeMs} ${ino}`;
  });
  return [JSON.stringify(settings ?? null), process.version, ...lines, ""].join("\n");
}

function readStamp(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
