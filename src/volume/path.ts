// A volume at a path of the host's that does not exist yet. In: the path. Out: the directory, with those on the way to it
// that were missing, by the user's umask; only in directories that are the user's own, and by no link of anybody else's.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { type Origin, TsjailError } from "../error.ts";
import { followLinks, splitPath } from "../host/links.ts";
import { quoteWord } from "../plan/escape.ts";
import { describeErrno } from "../profile/parse.ts";

export interface PathWish {
  readonly kind: "path";
  readonly path: string;
  /** The directory in which it is made: links followed. */
  readonly base: string;
  /** What is missing below. */
  readonly names: readonly string[];
  readonly origin: Origin;
}

const euid = (): number | undefined => process.geteuid?.();

/** Where it would be made.
 * @throws TsjailError `volume_failed` where it may not be */
export function findPlace(path: string, origin: Origin): PathWish {
  const fail = (why: string, cause?: unknown) => refuse(path, why, origin, cause);
  const look = (place: string, read: typeof statSync | typeof lstatSync): Stats | undefined => {
    try {
      return read(place, { throwIfNoEntry: false });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
      throw fail(`${quoteWord(place)} can't be looked at (${describeErrno(cause)})`, cause);
    }
  };
  let there = path;
  let stats = look(there, statSync);
  for (; stats === undefined; stats = look(there, statSync)) {
    // What nobody has made yet a link must not decide: an earlier jail may have put it there.
    if (look(there, lstatSync) !== undefined) throw fail(`${quoteWord(there)} is a symbolic link to nothing`);
    there = dirname(there);
  }
  const base = followLinks(there, (place) => {
    const link = look(place, lstatSync);
    if (!link?.isSymbolicLink()) return undefined;
    if (link.uid !== 0 && link.uid !== euid())
      throw fail(`${quoteWord(place)} is a symbolic link of another user's`);
    return readlinkSync(place);
  });
  if (base === undefined) throw fail("there are too many symbolic links on its way");
  if (!stats.isDirectory()) throw fail(`${quoteWord(there)} is no directory`);
  if (stats.uid !== euid()) throw fail(`${quoteWord(there)} belongs to another user`);
  return { kind: "path", path, base, names: splitPath(path.slice(there.length)), origin };
}

function refuse(path: string, why: string, origin: Origin, cause?: unknown): TsjailError {
  return new TsjailError("volume_failed", `The directory ${quoteWord(path)} can't be made: ${why}.`, {
    origin,
    detail: "A volume's directory is made only below a directory of your own.",
    hint: "Make it yourself, or choose another path.",
    cause,
  });
}

/** O_PATH of the kernel, which Node has no name for: what may not be read can be gone through. */
const O_PATH = 0o10000000;
const flags = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Every step is one name below an open directory: nobody's rename meanwhile leads elsewhere.
 * @param made takes what was made, shallow before deep
 * @throws TsjailError `volume_failed` */
export function makePath({ path, base, names, origin }: PathWish, made: string[]): void {
  let place = base;
  let fd: number | undefined;
  try {
    fd = openSync(base, flags);
    for (const name of names) {
      if (fstatSync(fd).uid !== euid())
        throw refuse(path, `${quoteWord(place)} belongs to another user`, origin);
      const step = `/proc/self/fd/${fd}/${name}`;
      place = `${place === "/" ? "" : place}/${name}`;
      if (makeDirectory(step)) made.push(place);
      const next = openSync(step, flags);
      closeSync(fd);
      fd = next;
    }
  } catch (cause) {
    if (cause instanceof TsjailError) throw cause;
    throw refuse(path, `${quoteWord(place)}: ${describeErrno(cause)}`, origin, cause);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** @returns false where another start was faster */
function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
