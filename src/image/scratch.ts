// Where something is made, or taken away, that is not to be seen half done. In: a directory for such things. Out: a new
// one in it, whose maker holds a lock on it for as long as it lives; and the end of those whose makers are dead. Used by
// store.ts and by src/volume.
import { closeSync, constants, existsSync, mkdtempSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { removeTree } from "./remove.ts";
import { tryLock } from "./system.ts";

export interface Scratch {
  readonly path: string;
  /** What holds the lock. */
  readonly fd: number;
}

/** The lock is flock(2)'s, on the directory itself. */
export function makeScratch(parent: string): Scratch {
  for (;;) {
    const path = mkdtempSync(join(parent, "make-"));
    const fd = tryOpen(path);
    if (fd === undefined) continue;
    // Somebody's sweep() may have come in between.
    if (tryLock(fd, "exclusive") && existsSync(path)) return { path, fd };
    closeSync(fd);
  }
}

/** Removes what was half made by those who have been killed. */
export function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    const path = join(parent, name);
    const fd = tryOpen(path);
    try {
      if (fd !== undefined && tryLock(fd, "exclusive")) removeTree(path);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ENOTDIR" || code === "ELOOP") {
      removeTree(path);
      return undefined;
    }
    throw error;
  }
}
