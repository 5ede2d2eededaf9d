// Where images are kept: $XDG_DATA_HOME/tsjail/store. In: the environment. Out: a Store, with its directories made,
// locked for as long as it is used, and without what dead makers left. Next: blobs.ts, layers.ts, images.ts.
import {
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdtempSync,
  openSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { isForeign, isOurs, makeDirectories } from "../directory.ts";
import { TsjailError } from "../error.ts";
import { quoteShell } from "../plan/escape.ts";
import { explainFailure } from "./failure.ts";
import { type Environment, type Place, storeDirectory } from "./place.ts";
import { removeTree } from "./remove.ts";
import type { LockKind } from "./system.ts";

export interface Store extends Place {
  /** …/tsjail/store */
  readonly directory: string;
  /** A directory of this use's own, gone at its end. New blobs and layers lie there, in blobs and layers, until
   * registerImage() moves them to where they belong. */
  readonly scratch: string;
}

/** How long somebody else's use is waited for, in ms. */
const patience = 10_000;

/**
 * Runs `work` on the store. Makers of images hold it `shared`, so that nothing they count on goes away; who removes
 * something holds it `exclusive`.
 * @throws TsjailError `store_failed`, also in the place of what a full disk and the like throw in `work`
 */
export async function useStore<T>(
  environment: Environment,
  { lock, doing }: { readonly lock: LockKind; readonly doing: string },
  work: (store: Store) => T | Promise<T>,
): Promise<T> {
  const directory = storeDirectory(environment);
  const held: number[] = [];
  let scratch: string | undefined;
  try {
    prepareDirectories(directory);
    held.push(await takeLock(directory, lock));
    const { makeScratch, sweep } = await import("./scratch.ts");
    const parent = join(directory, "tmp");
    sweep(parent);
    const made = makeScratch(parent);
    held.push(made.fd);
    scratch = made.path;
    for (const part of ["blobs", "layers"]) makeDirectories(join(scratch, part));
    return await work({ directory, scratch });
  } catch (error) {
    throw explainFailure(error, doing, directory);
  } finally {
    if (scratch !== undefined) removeTree(scratch);
    for (const fd of held) closeSync(fd);
  }
}

function prepareDirectories(directory: string): void {
  if (isForeign(directory)) {
    throw new TsjailError("store_failed", `${directory} is in another user's directory.`, {
      hint: "Set HOME or XDG_DATA_HOME to a directory of your own (sudo -H).",
    });
  }
  for (const part of ["blobs/sha256", "layers", "images", "tmp"]) makeDirectories(join(directory, part));
  const status = lstatSync(directory);
  if (status.isDirectory() && isOurs(status)) return;
  throw new TsjailError("store_failed", `${directory} can be written by others.`, {
    hint: `What it holds becomes jails: chmod go-w ${quoteShell(directory)}, or remove it.`,
  });
}

async function takeLock(directory: string, kind: LockKind): Promise<number> {
  const { tryLock } = await import("./system.ts");
  const fd = openSync(join(directory, "lock"), constants.O_RDWR | constants.O_CREAT, 0o600);
  for (const end = performance.now() + patience; !tryLock(fd, kind); await pause(50)) {
    if (performance.now() < end) continue;
    closeSync(fd);
    throw new TsjailError("store_failed", `Another tsjail is using the images in ${directory}.`, {
      hint: "Wait until it has ended, then try again.",
    });
  }
  return fd;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A whole file, on the disk before it gets its name. */
export function writeWhole(store: Store, path: string, text: string): void {
  const fresh = nameTemporary(store);
  const fd = openSync(fresh, "wx", 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, path);
}

/** A new directory in the scratch. */
export function makeTemporary(store: Store): string {
  return mkdtempSync(join(store.scratch, "d-"));
}

let files = 0;
/** The path of a new file in the scratch. */
export const nameTemporary = (store: Store): string => join(store.scratch, `f-${files++}`);

/** rename(2), of a directory whose own mode may forbid it. */
export function moveAside(from: string, to: string): void {
  chmodSync(from, 0o700);
  renameSync(from, to);
}
