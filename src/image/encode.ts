// Entries of tar archives, ustar as far as that goes, else with extended headers. In: what an entry is. Out: its headers.
// pack.ts and export.ts write archives with it.
import { Header, type HeaderData } from "tar/header";
import { type ByteString, toPath } from "./bytes.ts";
import type { EntryType } from "./tar.ts";

export interface Encoded {
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

const block = 512;
const maxOctal = 0o7777777;
const second = 1_000_000_000n;

export function* encodeEntry(entry: Encoded, newest?: number): Generator<Buffer> {
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

/** The header of a plain file of no particular time; of a directory, where the name ends with a slash. */
export function encodeFile(path: ByteString, size: number): Generator<Buffer> {
  const [type, mode] = path.endsWith("/") ? (["directory", 0o755] as const) : (["file", 0o644] as const);
  return encodeEntry({ path, type, mode, mtime: 0n, uid: 0, gid: 0, size });
}
