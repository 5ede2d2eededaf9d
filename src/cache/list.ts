// What is kept, for `tsjail cache`. In: the directory of the plans. Out: one entry for each, newest first; and all of
// it removed.
import { lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { decodePlan } from "../plan/wire.ts";
import { isLeftover, isPlanName } from "./place.ts";

export interface KeptPlan {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Our options, and where they were given; undefined for a file that is no plan of this version. */
  readonly invocation?: { readonly options: readonly string[]; readonly directory: string };
}

/** @throws an errno of readdir(3), but for a directory that does not exist */
export function listKept(directory: string): KeptPlan[] {
  const kept = listNames(directory)
    .filter(isPlanName)
    .flatMap((name): KeptPlan[] => {
      const file = `${directory}/${name}`;
      const status = lstatSync(file, { throwIfNoEntry: false });
      if (status === undefined) return [];
      const invocation = status.isFile() ? readInvocation(file) : undefined;
      return [{ file, size: status.size, time: status.mtimeMs, ...(invocation && { invocation }) }];
    });
  return kept.sort((a, b) => b.time - a.time);
}

/** Removes every plan, and what an interrupted store has left.
 * @returns how many plans there were */
export function clearKept(directory: string): number {
  const names = listNames(directory).filter((name) => isPlanName(name) || isLeftover(name));
  for (const name of names) rmSync(`${directory}/${name}`, { force: true, recursive: true });
  return names.filter(isPlanName).length;
}

/** Removes what V8 has compiled of tsjail itself (loader.ts). */
export function clearCode(directory: string): void {
  if (lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) rmSync(directory, { recursive: true });
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function readInvocation(file: string): KeptPlan["invocation"] {
  try {
    const plan = decodePlan(readFileSync(file));
    const invocation = plan.find(({ op }) => op === "fact_invocation");
    const place = plan.find(({ op }) => op === "fact_directory");
    if (invocation?.op !== "fact_invocation" || place?.op !== "fact_directory") return undefined;
    return { options: invocation.options, directory: place.path };
  } catch {
    return undefined; // damaged, of another version, or just removed: the executor passes over it too
  }
}
