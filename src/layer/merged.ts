// Directories over one another, looked at as overlayfs does it (Documentation/filesystems/overlayfs.rst of the kernel): a
// device 0:0 stands for "not here", and an opaque directory covers those below it. In: the directories, a name. Out: what
// the name stands for. Used by diff.ts, for the paths of a profile over an image (host/layered.ts), and for what a
// volume begins with (volume/copy.ts).
import { lstatSync, readdirSync, type Stats } from "node:fs";
import { readAttribute } from "../image/system.ts";

/** The directories of a name, the uppermost first; or the one thing that is no directory. */
export interface Found {
  readonly stats: Stats;
  readonly places: readonly Buffer[];
}

const slash = Buffer.from("/");
export const below = (directory: Buffer, name: Buffer): Buffer => Buffer.concat([directory, slash, name]);

export const isWhiteout = (stats: Stats): boolean => stats.isCharacterDevice() && stats.rdev === 0;
/** Whoever has written it: the uppermost may be fuse-overlayfs's (image/marks.ts). */
export const isOpaque = (path: Buffer): boolean =>
  ["user.overlay.opaque", "user.fuseoverlayfs.opaque"].some(
    (name) => readAttribute(path.toString("latin1"), name) === "y",
  );

/** @param directories the uppermost first */
export function findName(directories: readonly Buffer[], name: Buffer): Found | undefined {
  const places: Buffer[] = [];
  let top: Stats | undefined;
  for (const [index, directory] of directories.entries()) {
    const place = below(directory, name);
    const stats = look(place);
    if (stats === undefined) continue;
    if (isWhiteout(stats)) break;
    if (!stats.isDirectory()) return top === undefined ? { stats, places: [place] } : { stats: top, places };
    top ??= stats;
    places.push(place);
    if (index + 1 < directories.length && isOpaque(place)) break;
  }
  return top === undefined ? undefined : { stats: top, places };
}

/** A name longer than a file system takes is one that a link may say all the same. */
const nothing: ReadonlySet<string> = new Set(["EACCES", "ENAMETOOLONG"]);

/** Undefined where nothing is, or nobody can look. */
export function look(place: Buffer): Stats | undefined {
  try {
    return lstatSync(place, { throwIfNoEntry: false });
  } catch (error) {
    if (nothing.has((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

/** The names that stand for something. */
export function listAll(directories: readonly Buffer[]): Buffer[] {
  const names = new Map<string, Buffer>();
  for (const directory of directories)
    for (const name of listNames(directory)) names.set(name.toString("latin1"), name);
  return [...names.values()].sort(Buffer.compare).filter((name) => findName(directories, name) !== undefined);
}

/** Sorted; none where it can't be listed. */
export function listNames(directory: Buffer): Buffer[] {
  try {
    return readdirSync(directory.length === 0 ? "/" : directory, { encoding: "buffer" }).sort(Buffer.compare);
  } catch (error) {
    if (["EACCES", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
