// What tests of filters made here need: libseccomp, and files in Docker's format. In: nothing. Out: a probe for
// needs(), the files.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readVersion } from "../../src/seccomp/libseccomp.ts";

/** A reason, where there is no libseccomp. */
export function needsLibseccomp(): string | undefined {
  try {
    readVersion();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const directory = join(import.meta.dirname, "data");

/** Files in Docker's format by name: ours, and Docker's and Podman's own where they have been put there (data/README.md). */
export const engineFiles: ReadonlyMap<string, string> = new Map(
  ["engine", "docker", "podman"]
    .map((name) => [name, join(directory, `${name}.json`)] as const)
    .filter(([name, path]) => name === "engine" || existsSync(path)),
);

export function readEngineFile(name: string): string {
  const path = engineFiles.get(name);
  if (path === undefined) throw new Error(`there is no ${name}.json`);
  return readFileSync(path, "utf8");
}
