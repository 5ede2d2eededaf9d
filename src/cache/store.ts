// Keeps a compiled plan for the next start with the same command line. In: the bytes of a plan with its facts.
// Out: a file in the cache, or nothing: a cache that can't be written is no error. native/cache.c reads it.
import { existsSync, lstatSync, readdirSync, renameSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { isForeign, isOurs, makeDirectories } from "../directory.ts";
import { isLeftover, isPlanName, slots } from "./place.ts";

/** Plans, and bytes, that are kept at most; the oldest go first. */
export const maxPlans = 512;
export const maxBytes = 32 * 1024 * 1024;
const leftoverMilliseconds = 60 * 60 * 1000;

/** Makes the directory where it is missing, for this user alone; not in another user's place, as HOME is under
 * sudo(8) without -H, and not a home (three levels up), of which some are meant to be missing.
 * @returns whether it is there, and nobody else can write in it */
export function prepareDirectory(directory: string): boolean {
  try {
    if (isForeign(directory) || !existsSync(dirname(dirname(dirname(directory))))) return false;
    makeDirectories(directory);
    const status = lstatSync(directory, { bigint: true });
    return status.isDirectory() && isOurs(status);
  } catch {
    return false;
  }
}

/** The newest plan of a command line is in slot 0; older ones move up, and out.
 * @param name hashInvocation()'s */
export function storePlan(directory: string, name: string, bytes: Uint8Array): void {
  if (bytes.length > maxBytes || !prepareDirectory(directory)) return;
  const fresh = `${directory}/${name}-0.${process.pid}.new`;
  try {
    sweep(directory, bytes.length);
    writeFileSync(fresh, bytes, { flag: "wx", mode: 0o600 });
    for (let slot = slots - 1; slot > 0; slot--) tryRename(directory, name, slot);
    renameSync(fresh, `${directory}/${name}-0`);
  } catch {
    tryUnlink(fresh);
  }
}

function tryRename(directory: string, name: string, slot: number): void {
  try {
    renameSync(`${directory}/${name}-${slot - 1}`, `${directory}/${name}-${slot}`);
  } catch {
    // There is none yet, or another tsjail has just moved it.
  }
}

function tryUnlink(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone already.
  }
}

/** Makes room for one more. */
function sweep(directory: string, wanted: number): void {
  const names = readdirSync(directory);
  const old = Date.now() - leftoverMilliseconds;
  for (const name of names.filter(isLeftover)) {
    const path = `${directory}/${name}`;
    if ((statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? old) < old) tryUnlink(path);
  }
  const plans = names.filter(isPlanName).flatMap((name) => {
    const path = `${directory}/${name}`;
    const status = statSync(path, { throwIfNoEntry: false });
    return status === undefined ? [] : [{ path, size: status.size, time: status.mtimeMs }];
  });
  plans.sort((a, b) => b.time - a.time);
  let total = wanted;
  for (const [index, { path, size }] of plans.entries()) {
    total += size;
    if (index + 1 >= maxPlans || total > maxBytes) tryUnlink(path);
  }
}
