// What a new volume begins with. In: the directories that are a jail's root, one over another, and a path in it. Out: a
// copy of what the root has there, of the user's own. Jails may be writing there meanwhile: every step is one name below
// an open directory (proc_pid_fd(5)), and no symbolic link is followed but by name, from the root. make.ts calls it.
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { TsjailError } from "../error.ts";
import { followLinks, splitPath } from "../host/links.ts";
import { type ByteString, fromText, toPath, toText } from "../image/bytes.ts";
import { contentAttributes } from "../image/pack.ts";
import { listExtents, readAttributes } from "../image/system.ts";
import type { Entry, EntryType } from "../image/tar.ts";
import { Tree } from "../image/tree.ts";
import { type Found, findName, isOpaque, listAll } from "../layer/merged.ts";
import { describeErrno } from "../profile/parse.ts";

export interface CopyWish {
  /** The uppermost first. */
  readonly layers: readonly string[];
  readonly path: string;
  /** Paths of the jail that are not copied, with all that is in them. */
  readonly leftOut: readonly string[];
}

/** Open directories that are one in the jail, the uppermost first, by their descriptors. */
type Merged = readonly Buffer[];

interface Copying {
  readonly tree: Tree;
  /** The place of the root that is copied, for messages. */
  readonly from: ByteString;
  /** From the top of the copy. */
  readonly leftOut: ReadonlySet<ByteString>;
  /** The first path of a file with several names, by device and inode. */
  readonly seen: Map<string, ByteString>;
}

const chunk = 256 * 1024;

/** @param to an empty directory
 * @throws TsjailError `volume_failed` for what can't be copied, or an errno of the file system that is written to */
export function copyContent({ layers, path, leftOut }: CopyWish, to: string): void {
  const subject = `What the root has at ${path}`;
  try {
    copyMerged({ layers, path, leftOut }, subject, to);
  } catch (error) {
    // The copy's words are those of an archive that is unpacked.
    if (!(error instanceof TsjailError) || error.code !== "image_invalid") throw error;
    throw new TsjailError("volume_failed", error.message, { hint: advice, cause: error });
  }
}

function copyMerged({ layers, path, leftOut }: CopyWish, subject: string, to: string): void {
  withDirectories(
    layers.map((layer) => Buffer.from(layer)),
    constants.O_DIRECTORY,
    (all) => {
      const opaque = all.findIndex(isOpaque);
      const root = opaque === -1 ? all : all.slice(0, opaque + 1);
      const end = followLinks(fromText(path), (place) => readLink(root, place));
      if (end === undefined) throw refuse(path, "has too many symbolic links on its way");
      const tree = new Tree(to, subject, false);
      const inside = leftOut.flatMap((each) => {
        const name = fromText(each);
        return name.startsWith(`${end}/`) ? name.slice(end.length + 1) : [];
      });
      const copying: Copying = { tree, from: end, leftOut: new Set(inside), seen: new Map() };
      reach(root, splitPath(end), (found, at) => {
        if (at !== undefined) copyDirectory(copying, "", at);
        else if (found !== undefined) throw refuse(path, "is no directory, and a volume is one");
      });
      tree.finish();
    },
  );
}

const advice = "Give it another target, or let it begin empty: copy = false";

function refuse(path: string, why: string, cause?: unknown): TsjailError {
  return new TsjailError("volume_failed", `The volume can't begin with ${path} of the root: it ${why}.`, {
    hint: advice,
    cause,
  });
}

/** What a symbolic link of the root says. */
function readLink(root: Merged, place: ByteString): ByteString | undefined {
  return reach(root, splitPath(place), (found) =>
    found?.stats.isSymbolicLink() ? readlinkSync(found.places[0] as Buffer, "latin1") : undefined,
  );
}

/** Goes to a path that has no links in it; `at` is it where it is a directory. */
function reach<T>(
  at: Merged,
  names: readonly ByteString[],
  visit: (found: Found | undefined, at: Merged | undefined) => T,
  from: ByteString = "",
): T {
  const [name, ...rest] = names;
  if (name === undefined) return visit(undefined, at);
  const found = findName(at, toPath(name));
  const path = `${from}/${name}`;
  if (found?.stats.isDirectory()) return enter(found, path, (next) => reach(next, rest, visit, path));
  return visit(rest.length === 0 ? found : undefined, undefined);
}

function enter<T>(found: Found, path: ByteString, work: (at: Merged) => T): T {
  const flags = constants.O_DIRECTORY | constants.O_NOFOLLOW;
  return withDirectories(found.places, flags, work, path);
}

/** As paths that lead to what is open, whatever has its name now. One that can't be listed would seem empty. */
function withDirectories<T>(
  places: readonly Buffer[],
  flags: number,
  work: (at: Merged) => T,
  path: ByteString = "/",
): T {
  const fds: number[] = [];
  try {
    for (const place of places) {
      const fd = guard(path, () => openSync(place, constants.O_RDONLY | flags));
      fds.push(fd);
      guard(path, () => accessSync(`/proc/self/fd/${fd}/.`, constants.R_OK | constants.X_OK));
    }
    return work(fds.map((fd) => Buffer.from(`/proc/self/fd/${fd}/.`)));
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

function guard<T>(path: ByteString, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw refuse(toText(path), `can't be read (${describeErrno(cause)})`, cause);
  }
}

const shown = ({ from }: Copying, path: ByteString): ByteString => `${from}/${path}`;

function copyDirectory(copying: Copying, path: ByteString, at: Merged): void {
  const top = at[0] as Buffer;
  addEntry(copying, path, "directory", top, lstatSync(top, { bigint: true }));
  for (const name of listAll(at)) {
    const bytes = name.toString("latin1");
    const inner = path === "" ? bytes : `${path}/${bytes}`;
    const found = copying.leftOut.has(inner) ? undefined : findName(at, name);
    if (found?.stats.isDirectory())
      enter(found, shown(copying, inner), (next) => copyDirectory(copying, inner, next));
    else if (found !== undefined) copyFile(copying, inner, found.places[0] as Buffer);
  }
}

/** Sockets are of no use to anybody else, and devices can't be made. */
function copyFile(copying: Copying, path: ByteString, place: Buffer): void {
  const stats = lstatSync(place, { bigint: true });
  const key = `${stats.dev}:${stats.ino}`;
  const first = stats.nlink > 1n ? copying.seen.get(key) : undefined;
  if (first !== undefined) {
    addEntry(copying, path, "link", place, stats, { target: first });
    return;
  }
  if (stats.isSymbolicLink()) {
    const target = readlinkSync(place, "latin1");
    addEntry(copying, path, "symlink", place, stats, { target });
  } else if (stats.isFIFO()) addEntry(copying, path, "fifo", place, stats);
  else if (stats.isFile()) copyRegular(copying, path, place);
  else return;
  copying.seen.set(key, path);
}

function copyRegular(copying: Copying, path: ByteString, place: Buffer): void {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const fd = guard(shown(copying, path), () => openSync(place, flags));
  try {
    const stats = fstatSync(fd, { bigint: true });
    const size = Number(stats.size);
    const isSparse = stats.isFile() && Number(stats.blocks) * 512 < size;
    const extents = isSparse ? listExtents(fd, size) : undefined;
    const sink = addEntry(copying, path, "file", place, stats, { size, extents });
    const buffer = Buffer.allocUnsafe(chunk);
    for (const { offset, length } of extents ?? [{ offset: 0, length: size }]) {
      for (let done = 0; done < length; ) {
        const count = readSync(fd, buffer, 0, Math.min(chunk, length - done), offset + done);
        if (count === 0) throw refuse(toText(shown(copying, path)), "has become shorter while it was read");
        sink?.write(buffer.subarray(0, count));
        done += count;
      }
    }
    sink?.end();
  } finally {
    closeSync(fd);
  }
}

function addEntry(
  { tree }: Copying,
  path: ByteString,
  type: EntryType,
  place: Buffer,
  stats: { readonly mode: bigint; readonly mtimeNs: bigint },
  more: Partial<Entry> = {},
) {
  const hasOwn = type === "directory" || type === "file";
  return tree.add({
    path,
    type,
    mode: Number(stats.mode) & 0o7777,
    mtime: stats.mtimeNs,
    attributes: hasOwn ? contentAttributes(readAttributes(place.toString("latin1"))) : new Map(),
    ...{ uid: 0, gid: 0, target: "", size: 0, major: 0, minor: 0, extents: undefined },
    ...more,
  });
}
