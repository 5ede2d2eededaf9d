// A layer as a tar archive, in the form that images have (OCI image specification, "layer.md"): a whiteout is an empty
// file .wh.NAME, an opaque directory has a file .wh..wh..opq. In: an upper directory. Out: pieces of the archive, sorted
// by name: the same content gives the same bytes. Owners are 0:0: on disk all is the user's own. Used by `layer export`.
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
} from "node:fs";
import { readAttribute } from "./calls.ts";

const block = 512;
const chunk = 1 << 18;
const slash = Buffer.from("/");

interface Entry {
  /** Without a slash at its begin. */
  readonly path: Buffer;
  readonly type: "file" | "directory" | "symlink" | "link" | "fifo";
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  /** s since 1970. */
  readonly mtime: number;
  readonly target?: Buffer;
}

const typeFlags = { file: "0", link: "1", symlink: "2", directory: "5", fifo: "6" } as const;

/** @throws an errno where something can't be read */
export function* packLayer(upper: string): Generator<Buffer> {
  yield* packDirectory(Buffer.from(upper), Buffer.alloc(0), new Map());
  yield Buffer.alloc(2 * block);
}

type Names = Map<string, Buffer>;

function* packDirectory(directory: Buffer, path: Buffer, names: Names): Generator<Buffer> {
  const at = (name: Buffer) => (path.length === 0 ? name : Buffer.concat([path, slash, name]));
  const { mtimeMs } = lstatSync(directory);
  if (path.length > 0 && readAttribute(directory, "user.overlay.opaque") === "y")
    yield* packEmpty(at(Buffer.from(".wh..wh..opq")), mtimeMs);
  for (const name of readdirSync(directory, { encoding: "buffer" }).sort(Buffer.compare)) {
    const place = Buffer.concat([directory, slash, name]);
    const stats = lstatSync(place);
    if (readAttribute(place, "user.tsjail.mount_point") !== undefined && isEmpty(place, stats)) continue;
    if (stats.isCharacterDevice() && stats.rdev === 0)
      yield* packEmpty(at(Buffer.concat([Buffer.from(".wh."), name])), stats.mtimeMs);
    else yield* packOne(place, at(name), stats, names);
    if (stats.isDirectory()) yield* packDirectory(place, at(name), names);
  }
}

const isEmpty = (place: Buffer, stats: Stats): boolean =>
  stats.isDirectory() ? readdirSync(place).length === 0 : stats.size === 0;

function* packEmpty(path: Buffer, mtimeMs: number): Generator<Buffer> {
  yield* formatEntry({ path, type: "file", mode: 0o644, size: 0, mtime: Math.floor(mtimeMs / 1000) });
}

/** Sockets belong to processes that are gone, and devices an ordinary user can't make. */
function* packOne(place: Buffer, path: Buffer, stats: Stats, names: Names): Generator<Buffer> {
  const mode = stats.mode & 0o7777;
  const mtime = Math.floor(stats.mtimeMs / 1000);
  const add = (type: Entry["type"], size = 0, target?: Buffer) =>
    formatEntry({ path, type, mode, size, mtime, ...(target && { target }) });
  const key = `${stats.dev}:${stats.ino}`;
  const first = stats.isDirectory() ? undefined : names.get(key);
  if (stats.nlink > 1 && !stats.isDirectory() && first === undefined) names.set(key, path);
  if (first !== undefined) yield* add("link", 0, first);
  else if (stats.isDirectory()) yield* add("directory");
  else if (stats.isSymbolicLink()) yield* add("symlink", 0, readlinkSync(place, { encoding: "buffer" }));
  else if (stats.isFIFO()) yield* add("fifo");
  else if (stats.isFile()) {
    yield* add("file", stats.size);
    yield* readContent(place, stats.size);
  }
}

/** As many bytes as the header says, whatever becomes of the file meanwhile. */
function* readContent(place: Buffer, size: number): Generator<Buffer> {
  const fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (let left = size; left > 0; ) {
      const piece = Buffer.alloc(Math.min(chunk, left));
      const length = readSync(fd, piece, 0, piece.length, null);
      if (length === 0) throw Object.assign(new Error("the file became shorter"), { code: "EIO" });
      yield piece.subarray(0, length);
      left -= length;
    }
  } finally {
    closeSync(fd);
  }
  yield pad(size);
}

const pad = (size: number): Buffer => Buffer.alloc((block - (size % block)) % block);

/** A ustar header, with one of pax (pax(1)) before it for what doesn't fit. */
function* formatEntry(entry: Entry): Generator<Buffer> {
  const records = [
    ...(entry.path.length > 100 ? [formatRecord("path", entry.path)] : []),
    ...(entry.target && entry.target.length > 100 ? [formatRecord("linkpath", entry.target)] : []),
    ...(entry.size >= 8 ** 11 ? [formatRecord("size", Buffer.from(String(entry.size)))] : []),
  ];
  if (records.length > 0) {
    const body = Buffer.concat(records);
    const path = Buffer.from("PaxHeader");
    yield formatHeader({ path, type: "file", mode: 0o644, size: body.length, mtime: 0 }, "x");
    yield body;
    yield pad(body.length);
  }
  yield formatHeader(entry, typeFlags[entry.type]);
}

/** "LENGTH KEY=VALUE\n", where the length counts itself. */
function formatRecord(key: string, value: Buffer): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from("\n")]);
}

function formatHeader({ path, mode, size, mtime, target }: Entry, flag: string): Buffer {
  const header = Buffer.alloc(block);
  const octal = (value: number, at: number, width: number) =>
    header.write(
      value
        .toString(8)
        .padStart(width - 1, "0")
        .slice(-(width - 1)),
      at,
      "latin1",
    );
  path.copy(header, 0, 0, 100);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size < 8 ** 11 ? size : 0, 124, 12);
  octal(Math.max(mtime, 0), 136, 12);
  header.write("        ", 148, "latin1");
  header.write(flag, 156, "latin1");
  target?.copy(header, 157, 0, 100);
  header.write("ustar\0" + "00", 257, "latin1");
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}
