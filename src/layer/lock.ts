// Who has a kept layer. In: its directory. Out: work done under its lock, or the process that has it. The lock is
// flock(2)'s: the executor holds it as long as the jail lives (native/host.c), and it ends with whoever holds it.
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { TsjailError } from "../error.ts";
import { tryLock } from "../image/system.ts";
import { quoteWord } from "../plan/escape.ts";
import { layerPlaces } from "./place.ts";

/** The process that has the layer, undefined where nobody has it; 0 where it doesn't say. */
export function findHolder(directory: string): number | undefined {
  const fd = openLock(directory);
  if (fd === undefined) return undefined;
  try {
    return tryLock(fd, "exclusive") ? undefined : readHolder(directory);
  } finally {
    closeSync(fd);
  }
}

/** @throws TsjailError `layer_busy` where a jail has it */
export function withLayer<T>(name: string, directory: string, work: () => T): T {
  const fd = openLock(directory, constants.O_CREAT);
  try {
    if (fd === undefined || tryLock(fd, "exclusive")) return work();
    const pid = readHolder(directory);
    const who = pid === 0 ? "another jail" : `the jail of process ${pid}`;
    throw new TsjailError("layer_busy", `The layer ${quoteWord(name)} is in use by ${who}.`, {
      hint: "End that jail first.",
    });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Undefined where no jail has ever run in it.
 * @param create makes it then: the first jail may come meanwhile */
function openLock(directory: string, create = 0): number | undefined {
  try {
    return openSync(layerPlaces(directory).lock, constants.O_RDONLY | constants.O_NOFOLLOW | create, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function readHolder(directory: string): number {
  const text = readFileSync(layerPlaces(directory).lock, "latin1");
  return /^[1-9]\d*\n$/.test(text) ? Number(text) : 0;
}
