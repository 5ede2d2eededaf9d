// A directory as a tar archive: the same content gives the same bytes. In: a root file system, or the upper directory of
// a layer. Out: pieces of the archive, in an order of names. import.ts and commit.ts make layers of it.
import {
  type BigIntStats,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { TsjailError } from "../error.ts";
import { describeErrno } from "../profile/parse.ts";
import { quoteShort } from "../profile/quote.ts";
import { type ByteString, fromText, toPath, toText } from "./bytes.ts";
import { encodeEntry } from "./encode.ts";
import type { LayerMarks } from "./marks.ts";
import type { Owner, Owners } from "./owners.ts";
import { readAttributes } from "./system.ts";
import type { EntryType } from "./tar.ts";

export interface PackWish {
  /** An overlay's upper directory: whiteouts and opaque directories become what images have for them. */
  readonly marks?: LayerMarks;
  /** What files can't say of themselves, by path. */
  readonly owners?: Owners;
  /** s since 1970; nothing is newer (SOURCE_DATE_EPOCH). */
  readonly newest?: number | undefined;
  /** Opens what its owner may not read; returns what puts it back. */
  readonly unlock?: (path: ByteString, stats: BigIntStats) => (() => void) | undefined;
  /** A file or directory, with all that is in it, that is no part of the content. */
  readonly isLeftOut?: (
    path: ByteString,
    attributes: ReadonlyMap<string, Buffer>,
    stats: BigIntStats,
  ) => boolean;
}

interface Packing extends PackWish {
  readonly root: ByteString;
  /** The first path of a file with several names, by device and inode. */
  readonly seen: Map<string, ByteString>;
}

const block = 512;
const chunk = 256 * 1024;

/** @throws TsjailError `image_invalid` for what can't be read */
export function* packTree(directory: string, wish: PackWish = {}): Generator<Buffer> {
  const packing: Packing = { ...wish, root: fromText(directory), seen: new Map() };
  yield* packDirectory(packing, "");
  yield Buffer.alloc(2 * block);
}

const at = ({ root }: Packing, path: ByteString): ByteString => (path === "" ? root : `${root}/${path}`);

function* packDirectory(packing: Packing, path: ByteString): Generator<Buffer> {
  const place = at(packing, path);
  const stats = guardRead(place, () => lstatSync(toPath(place), { bigint: true }));
  const restore = packing.unlock?.(place, stats);
  try {
    const attributes = guardRead(place, () => readAttributes(place));
    const names = guardRead(place, () => readdirSync(toPath(place), "latin1")).sort();
    if (packing.isLeftOut?.(place, attributes, stats)) return;
    // The top of a layer is nobody's in particular: its times change with every mount point.
    if (path !== "" || !packing.marks)
      yield* writeEntry(packing, path, { stats, attributes, type: "directory" });
    const isOpaque = packing.marks?.isOpaque(
      (name) => attributes.get(name)?.toString(),
      (name) => names.includes(name),
    );
    if (isOpaque) {
      yield* writeMark(packing, path === "" ? ".wh..wh..opq" : `${path}/.wh..wh..opq`, stats);
    }
    for (const name of names) yield* packEntry(packing, path === "" ? name : `${path}/${name}`);
  } finally {
    restore?.();
  }
}

function* packEntry(packing: Packing, path: ByteString): Generator<Buffer> {
  const place = at(packing, path);
  const stats = guardRead(place, () => lstatSync(toPath(place), { bigint: true }));
  const cut = path.lastIndexOf("/") + 1;
  const name = path.slice(cut);
  if (packing.marks?.isNothing(name)) return;
  if (stats.isSocket()) return;
  const isDevice = stats.isCharacterDevice() && stats.rdev === 0n;
  const removed = stats.isDirectory() ? undefined : packing.marks?.findRemoved(name, isDevice);
  if (removed !== undefined) {
    return yield* writeMark(packing, `${path.slice(0, cut)}.wh.${removed}`, stats);
  }
  if (name.startsWith(".wh.")) throw meansRemoved(place);
  if (stats.isDirectory()) return yield* packDirectory(packing, path);
  const key = `${stats.dev}:${stats.ino}`;
  const first = stats.nlink > 1n ? packing.seen.get(key) : undefined;
  if (first !== undefined) {
    return yield* writeEntry(packing, path, { stats, attributes: new Map(), type: "link", target: first });
  }
  packing.seen.set(key, path);
  if (stats.isSymbolicLink()) {
    const target = readlinkSync(toPath(place), "latin1");
    return yield* writeEntry(packing, path, { stats, attributes: new Map(), type: "symlink", target });
  }
  if (stats.isFile()) return yield* packFile(packing, path, stats);
  const type = stats.isFIFO() ? "fifo" : stats.isBlockDevice() ? "block-device" : "character-device";
  yield* writeEntry(packing, path, { stats, attributes: new Map(), type });
}

function* packFile(packing: Packing, path: ByteString, stats: BigIntStats): Generator<Buffer> {
  const place = at(packing, path);
  const restore = packing.unlock?.(place, stats);
  try {
    const attributes = guardRead(place, () => readAttributes(place));
    if (packing.isLeftOut?.(place, attributes, stats)) return;
    const fd = guardRead(place, () => openSync(toPath(place), constants.O_RDONLY | constants.O_NOFOLLOW));
    try {
      const size = Number(stats.size);
      yield* writeEntry(packing, path, { stats, attributes, type: "file", size });
      for (let done = 0; done < size; ) {
        const buffer = Buffer.allocUnsafe(Math.min(chunk, size - done));
        const count = readSync(fd, buffer, 0, buffer.length, done);
        if (count === 0) throw changed(place);
        done += count;
        yield buffer.subarray(0, count);
      }
      if (size % block > 0) yield Buffer.alloc(block - (size % block));
    } finally {
      closeSync(fd);
    }
  } finally {
    restore?.();
  }
}

function changed(place: ByteString): TsjailError {
  return new TsjailError("image_invalid", `${toText(place)} has become shorter while it was read.`, {
    hint: "End what is writing there, then try again.",
  });
}

/** Overlayfs and every other file system take such a name; in an image another one would be gone. */
const meansRemoved = (place: ByteString): TsjailError =>
  new TsjailError("image_invalid", `${toText(place)} can't be in an image.`, {
    detail: "Names that begin with .wh. say in a layer's archive what is removed.",
    hint: "Give it another name, or remove it.",
  });

const reachesTooFar = (place: ByteString, cause: unknown): TsjailError =>
  new TsjailError("image_invalid", `A path is too long to be read: ${quoteShort(toText(place), 200)}.`, {
    detail: `It has ${place.length} bytes, and the kernel takes 4095 at a time (ENAMETOOLONG).`,
    hint: "Give its directories shorter names, or remove them.",
    cause,
  });

function guardRead<T>(place: ByteString, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENAMETOOLONG") throw reachesTooFar(place, cause);
    throw new TsjailError("image_invalid", `${toText(place)} can't be read: ${describeErrno(cause)}.`, {
      hint: "If it is another user's: sudo tar -C DIRECTORY -c . | tsjail image import - --name NAME",
      cause,
    });
  }
}

interface Packed {
  readonly stats: BigIntStats;
  readonly attributes: ReadonlyMap<string, Buffer>;
  readonly type: EntryType;
  readonly size?: number;
  readonly target?: ByteString;
}

/** Setuid and setgid, which were taken away on the disk, for a file that has kept the rest of its mode. */
function findMode({ mode }: Owner, found: number): number {
  return mode !== undefined && (mode & 0o1777) === found ? mode : found;
}

/** A whiteout or the mark of an opaque directory: an empty file. */
function* writeMark(packing: Packing, path: ByteString, stats: BigIntStats): Generator<Buffer> {
  yield* encodeEntry(
    { path, type: "file", mode: 0o600, mtime: stats.mtimeNs, uid: 0, gid: 0 },
    packing.newest,
  );
}

function* writeEntry(packing: Packing, path: ByteString, packed: Packed): Generator<Buffer> {
  const { stats, attributes, type, size, target } = packed;
  const owner: Owner = packing.owners?.get(toText(path)) ?? {};
  const kept = contentAttributes(attributes);
  for (const [name, value] of Object.entries(owner.attributes ?? {})) {
    if (!name.startsWith("user.overlay.")) kept.set(name, Buffer.from(value, "base64"));
  }
  yield* encodeEntry(
    {
      path: type === "directory" ? `${path === "" ? "." : path}/` : path,
      type,
      mode: findMode(owner, Number(stats.mode) & 0o7777),
      mtime: stats.mtimeNs,
      uid: owner.uid ?? insideId(stats.uid, process.getuid?.()),
      gid: owner.gid ?? insideId(stats.gid, process.getgid?.()),
      attributes: type === "link" ? new Map() : kept,
      ...(size === undefined ? {} : { size }),
      ...(target === undefined ? {} : { target }),
      ...(type.endsWith("device") ? { device: stats.rdev } : {}),
    },
    packing.newest,
  );
}

/** Those that belong to a file itself, and not to what it is in. */
export function contentAttributes(attributes: ReadonlyMap<string, Buffer>): Map<string, Buffer> {
  return new Map(
    [...attributes].filter(([name]) => /^user\.(?!overlay\.|fuseoverlayfs\.|tsjail\.)/.test(name)),
  );
}

/** The user's own are root's inside. */
const insideId = (id: bigint, own: number | undefined): number => (Number(id) === own ? 0 : Number(id));
