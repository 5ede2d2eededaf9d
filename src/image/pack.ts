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
import { Header, type HeaderData } from "tar/header";
import { TsjailError } from "../error.ts";
import { describeErrno } from "../profile/parse.ts";
import { type ByteString, fromText, toPath, toText } from "./bytes.ts";
import type { Owner, Owners } from "./owners.ts";
import { readAttributes } from "./system.ts";
import type { EntryType } from "./tar.ts";

export interface PackWish {
  /** An overlay's upper directory: whiteouts and opaque directories become what images have for them. */
  readonly isLayer?: boolean;
  /** What files can't say of themselves, by path. */
  readonly owners?: Owners;
  /** s since 1970; nothing is newer (SOURCE_DATE_EPOCH). */
  readonly newest?: number | undefined;
  /** Opens what its owner may not read; returns what puts it back. */
  readonly unlock?: (path: ByteString) => (() => void) | undefined;
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
  const restore = packing.unlock?.(place);
  try {
    const stats = lstatSync(toPath(place), { bigint: true });
    const attributes = guardRead(place, () => readAttributes(place));
    const mode = restore === undefined ? undefined : restoredMode.get(restore);
    yield* writeEntry(packing, path, {
      stats,
      attributes,
      type: "directory",
      ...(mode === undefined ? {} : { mode }),
    });
    if (packing.isLayer && attributes.get("user.overlay.opaque")?.toString() === "y") {
      yield* writeMark(packing, path === "" ? ".wh..wh..opq" : `${path}/.wh..wh..opq`, stats);
    }
    const names = guardRead(place, () => readdirSync(toPath(place), "latin1")).sort();
    for (const name of names) yield* packEntry(packing, path === "" ? name : `${path}/${name}`);
  } finally {
    restore?.();
  }
}

/** The mode that unlock() has changed. */
export const restoredMode = new WeakMap<() => void, number>();

function* packEntry(packing: Packing, path: ByteString): Generator<Buffer> {
  const place = at(packing, path);
  const stats = lstatSync(toPath(place), { bigint: true });
  if (stats.isDirectory()) return yield* packDirectory(packing, path);
  if (stats.isSocket()) return;
  const isWhiteout = stats.isCharacterDevice() && stats.rdev === 0n;
  if (packing.isLayer && isWhiteout) {
    const cut = path.lastIndexOf("/") + 1;
    return yield* writeMark(packing, `${path.slice(0, cut)}.wh.${path.slice(cut)}`, stats);
  }
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
  const restore = packing.unlock?.(place);
  try {
    const attributes = guardRead(place, () => readAttributes(place));
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

function guardRead<T>(place: ByteString, read: () => T): T {
  try {
    return read();
  } catch (cause) {
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
  readonly mode?: number;
  readonly target?: ByteString;
}

/** A whiteout or the mark of an opaque directory: an empty file. */
function* writeMark(packing: Packing, path: ByteString, stats: BigIntStats): Generator<Buffer> {
  yield* encodeEntry(packing, { path, type: "file", mode: 0o600, mtime: stats.mtimeNs, uid: 0, gid: 0 });
}

function* writeEntry(packing: Packing, path: ByteString, packed: Packed): Generator<Buffer> {
  const { stats, attributes, type, size, target } = packed;
  const owner: Owner = packing.owners?.get(toText(path)) ?? {};
  const kept = new Map(
    [...attributes].filter(([name]) => name.startsWith("user.") && !name.startsWith("user.overlay.")),
  );
  for (const [name, value] of Object.entries(owner.attributes ?? {})) {
    if (!name.startsWith("user.overlay.")) kept.set(name, Buffer.from(value, "base64"));
  }
  yield* encodeEntry(packing, {
    path: type === "directory" ? `${path === "" ? "." : path}/` : path,
    type,
    mode: (owner.mode ?? packed.mode ?? Number(stats.mode)) & 0o7777,
    mtime: stats.mtimeNs,
    uid: owner.uid ?? insideId(stats.uid, process.getuid?.()),
    gid: owner.gid ?? insideId(stats.gid, process.getgid?.()),
    attributes: type === "link" ? new Map() : kept,
    ...(size === undefined ? {} : { size }),
    ...(target === undefined ? {} : { target }),
    ...(type.endsWith("device") ? { device: stats.rdev } : {}),
  });
}

/** The user's own are root's inside. */
const insideId = (id: bigint, own: number | undefined): number => (Number(id) === own ? 0 : Number(id));

interface Encoded {
  readonly path: ByteString;
  readonly type: EntryType;
  readonly mode: number;
  /** ns */
  readonly mtime: bigint;
  readonly uid: number;
  readonly gid: number;
  readonly size?: number;
  readonly target?: ByteString;
  readonly device?: bigint;
  readonly attributes?: ReadonlyMap<string, Buffer>;
}

const maxOctal = 0o7777777;
const second = 1_000_000_000n;

function* encodeEntry({ newest }: Packing, entry: Encoded): Generator<Buffer> {
  const limit = newest === undefined ? undefined : BigInt(newest) * second;
  const mtime = limit !== undefined && entry.mtime > limit ? limit : entry.mtime;
  const seconds = Number(mtime / second);
  const records: [string, string | Buffer][] = [];
  const fitsTime = mtime >= 0n && seconds < 2 ** 31 && mtime % second === 0n;
  if (!fitsTime) records.push(["mtime", formatTime(mtime)]);
  if (entry.uid > maxOctal) records.push(["uid", String(entry.uid)]);
  if (entry.gid > maxOctal) records.push(["gid", String(entry.gid)]);
  for (const [name, value] of [...(entry.attributes ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) {
    records.push([`SCHILY.xattr.${name}`, value]);
  }
  const [major, minor] = splitDevice(entry.device ?? 0n);
  const fields: Fields = {
    path: entry.path,
    mode: entry.mode,
    uid: entry.uid > maxOctal ? 0 : entry.uid,
    gid: entry.gid > maxOctal ? 0 : entry.gid,
    size: entry.size ?? 0,
    mtime: new Date(Math.min(Math.max(seconds, 0), 2 ** 31 - 1) * 1000),
    linkpath: entry.target ?? "",
    devmaj: major,
    devmin: minor,
  };
  // ustar's names are short and ASCII.
  const isPlain = (text: string) => /^[\x20-\x7E]*$/.test(text);
  const fits = isPlain(entry.path) && isPlain(fields.linkpath) && fitsHeader(entry.type, fields);
  if (!fits) {
    records.unshift(["path", toPath(entry.path)]);
    if (entry.target !== undefined) records.unshift(["linkpath", toPath(entry.target)]);
  }
  if (records.length > 0) yield* encodePax(records, fields);
  const short = { path: shortName(entry.path), linkpath: entry.target === undefined ? "" : "link" };
  yield encodeHeader(entry.type, fits ? fields : { ...fields, ...short });
}

type Fields = Required<
  Pick<HeaderData, "path" | "mode" | "uid" | "gid" | "size" | "mtime" | "linkpath" | "devmaj" | "devmin">
>;

const codes = {
  file: "0",
  link: "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
  pax: "x",
} as const;

function makeHeader(type: keyof typeof codes, fields: Fields): Header {
  const header = new Header(fields);
  header.type = codes[type] as never;
  return header;
}

/** Sizes above 8 GiB are written as GNU tar does it, which all readers know. */
function fitsHeader(type: keyof typeof codes, fields: Fields): boolean {
  const header = makeHeader(type, { ...fields, size: 0 });
  return header.encode() === false;
}

function encodeHeader(type: keyof typeof codes, fields: Fields): Buffer {
  const bytes = Buffer.alloc(block);
  makeHeader(type, fields).encode(bytes);
  return bytes;
}

const shortName = (path: ByteString): string => {
  const slash = path.endsWith("/") ? "/" : "";
  return `PaxEntry/${path
    .replace(/[^\x21-\x7E]/g, "_")
    .replace(/\/$/, "")
    .slice(-60)
    .replaceAll("/", "_")}${slash}`;
};

/** pax(1): "LENGTH KEY=VALUE\n", the length being that of the whole record. */
function* encodePax(
  records: readonly (readonly [string, string | Buffer])[],
  fields: Fields,
): Generator<Buffer> {
  const pieces = records.map(([key, value]) => {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from("\n")]);
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    return Buffer.concat([Buffer.from(String(length)), rest]);
  });
  const body = Buffer.concat(pieces);
  const { mtime } = fields;
  const header = { path: "PaxHeader", mode: 0o644, uid: 0, gid: 0, size: body.length, mtime, linkpath: "" };
  yield encodeHeader("pax", { ...header, devmaj: 0, devmin: 0 });
  yield body;
  if (body.length % block > 0) yield Buffer.alloc(block - (body.length % block));
}

function formatTime(mtime: bigint): string {
  const [sign, value] = mtime < 0n ? ["-", -mtime] : ["", mtime];
  const fraction = String(value % second)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${sign}${value / second}${fraction === "" ? "" : `.${fraction}`}`;
}

/** makedev(3) */
function splitDevice(device: bigint): [number, number] {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return [Number(major & 0xffffffffn), Number(minor & 0xffffffffn)];
}

/** The header of a plain file of no particular time. */
export function encodeFile(path: ByteString, size: number): Generator<Buffer> {
  return encodeEntry(
    { root: "", seen: new Map() },
    { path, type: "file", mode: 0o644, mtime: 0n, uid: 0, gid: 0, size },
  );
}
