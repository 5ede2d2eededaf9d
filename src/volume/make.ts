// Volumes, made. In: those that a start needs and that are missing (launch/volumes.ts). Out: all of them, or none: each
// with a name is made aside and then renamed, so that nobody sees half of one, and of two who make the same one at once
// the second takes what the first has made.
import { closeSync, lstatSync, mkdirSync, renameSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isForeign, isOurs, makeDirectories } from "../directory.ts";
import { addOrigin, type Origin, TsjailError } from "../error.ts";
import { explainFailure } from "../image/failure.ts";
import { removeTree } from "../image/remove.ts";
import { makeScratch, sweep } from "../image/scratch.ts";
import { quoteShell, quoteWord } from "../plan/escape.ts";
import { type CopyWish, copyContent } from "./copy.ts";
import type { VolumeRecord } from "./list.ts";
import { makePath, type PathWish } from "./path.ts";
import { scratchDirectory, volumePlaces } from "./place.ts";

export interface NamedWish {
  readonly kind: "name";
  readonly name: string;
  readonly directory: string;
  /** The name of the profile. */
  readonly profile: string;
  readonly origin: Origin;
  readonly copy: CopyWish | undefined;
}

export type VolumeWish = NamedWish | PathWish;

/** @throws TsjailError `volume_failed` */
export function makeVolumes(wishes: readonly VolumeWish[]): void {
  const named = wishes.filter((wish) => wish.kind === "name");
  const made: string[] = [];
  try {
    withDrafts(named, (place) => {
      for (const wish of wishes) if (wish.kind === "path") makePath(wish, made);
      for (const { name, directory } of named) publish(join(place, name), directory);
    });
  } catch (error) {
    for (const path of made.reverse()) tryRemove(path);
    throw error;
  }
}

/** Makes them all in a directory that goes at the end, with what is left in it. */
function withDrafts(wishes: readonly NamedWish[], work: (place: string) => void): void {
  const [first] = wishes;
  if (first === undefined) {
    work("");
    return;
  }
  const volumes = dirname(first.directory);
  try {
    useScratch(volumes, (place) => {
      for (const wish of wishes) draft(wish, join(place, wish.name));
      work(place);
    });
  } catch (error) {
    throw addOrigin(explainFailure(error, "The making of a volume", volumes, "volume_failed"), first.origin);
  }
}

/** Runs `work` with a new directory for what is not to be seen. */
export function useScratch(volumes: string, work: (place: string) => void): void {
  prepareDirectory(volumes);
  const parent = scratchDirectory(volumes);
  makeDirectories(parent);
  sweep(parent);
  const { path, fd } = makeScratch(parent);
  try {
    work(path);
  } finally {
    removeTree(path);
    closeSync(fd);
  }
}

function prepareDirectory(volumes: string): void {
  if (process.geteuid?.() === 0 && isForeign(volumes)) {
    throw new TsjailError("volume_failed", `${quoteWord(volumes)} is in another user's directory.`, {
      hint: "Set HOME or XDG_DATA_HOME to a directory of your own (sudo -H).",
    });
  }
  makeDirectories(volumes);
  const status = lstatSync(volumes);
  if (status.isDirectory() && isOurs(status)) return;
  throw new TsjailError("volume_failed", `${quoteWord(volumes)} can be written by others.`, {
    hint: `What is in it is shown to jails: chmod go-w ${quoteShell(volumes)}, or remove it.`,
  });
}

function draft({ copy, profile, origin }: NamedWish, place: string): void {
  const { data, lock, about } = volumePlaces(place);
  mkdirSync(place, { mode: 0o700 });
  mkdirSync(data, { mode: 0o755 });
  try {
    if (copy !== undefined) copyContent(copy, data);
  } catch (error) {
    throw addOrigin(error, origin);
  }
  const record: VolumeRecord = { created: new Date().toISOString(), profile };
  writeFileSync(about, `${JSON.stringify(record)}\n`, { mode: 0o600, flag: "wx" });
  writeFileSync(lock, "", { mode: 0o600, flag: "wx" });
}

function publish(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    // Another start was faster: rename(2) takes no place of a directory that is not empty.
    if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

function tryRemove(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Somebody else has a use for it already.
  }
}
