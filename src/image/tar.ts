// Reads tar archives: ustar, GNU (long names, sparse files) and pax (also sparse 0.1 and 1.0). In: chunks of bytes. Out:
// one call for each entry, and its content in pieces; nothing waits, and no more than a header is held in memory.
// Numbers and checksums are read by node-tar's Header (header.ts). Its reader, as all of npm, loses extended attributes, leaves sparse
// files packed, and takes an archive that was cut off between entries for whole.
// Next: unpack.ts.
import { type ByteString, toText } from "./bytes.ts";
import { invalid } from "./failure.ts";
import { decodeHeader, parsePax, type Raw, readNumber, readOctal, readString, readTime } from "./header.ts";
import { checkExtents, type Extent, parseMap10, parseMapText, readGnuExtents } from "./sparse.ts";

export type EntryType =
  | "file"
  | "link"
  | "symlink"
  | "character-device"
  | "block-device"
  | "directory"
  | "fifo";

export interface Entry {
  /** As the archive has it. */
  readonly path: ByteString;
  readonly type: EntryType;
  /** Twelve bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** ns since 1970. */
  readonly mtime: bigint;
  /** What a link leads to. */
  readonly target: ByteString;
  /** Of the file, with its holes. */
  readonly size: number;
  readonly major: number;
  readonly minor: number;
  readonly attributes: ReadonlyMap<string, Buffer>;
  /** Where the content belongs; undefined for a file without holes. */
  readonly extents: readonly Extent[] | undefined;
}

/** Takes the content of an entry. */
export interface Sink {
  write(bytes: Buffer): void;
  end(): void;
}

type Visit = (entry: Entry) => Sink | undefined;
/** So many bytes at once, or the next piece of so many. */
type Request = { readonly all: number } | { readonly some: number };
type Parsing<T> = Generator<Request, T, Buffer>;

const block = 512;
/** Bytes of a long name or of extended headers: attributes of 64 KiB each, and names of 4 KiB. */
const maxExtra = 4 * 1024 * 1024;

export class TarReader {
  readonly #parsing: Parsing<void>;
  #request: Request;
  #held: Buffer[] = [];
  #heldLength = 0;
  readonly #state = { ended: false, atStart: true };
  readonly #subject: string;

  /** @param subject what the archive is to a person: "The layer sha256:…" */
  constructor(subject: string, visit: Visit) {
    this.#subject = subject;
    this.#parsing = readEntries(subject, visit, this.#state);
    this.#request = this.#parsing.next().value as Request;
  }

  /** The archive's mark of its end was there. */
  get hasEnded(): boolean {
    return this.#state.ended;
  }

  /** @throws TsjailError `image_invalid`, and whatever the visitor throws */
  feed(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      const wanted = "all" in this.#request ? this.#request.all : Math.min(this.#request.some, rest.length);
      const piece = rest.subarray(0, wanted - this.#heldLength);
      rest = rest.subarray(piece.length);
      if (this.#heldLength + piece.length < wanted) {
        this.#held.push(Buffer.from(piece));
        this.#heldLength += piece.length;
        return;
      }
      const whole = this.#heldLength === 0 ? piece : Buffer.concat([...this.#held, piece]);
      this.#held = [];
      this.#heldLength = 0;
      this.#request = this.#parsing.next(whole).value as Request;
    }
  }

  /** Nothing follows.
   * @throws TsjailError `image_invalid` where something is missing */
  end(): void {
    if (this.#state.ended) return;
    const isBetween = this.#state.atStart && this.#heldLength === 0;
    if (!isBetween) throw invalid(this.#subject, "is cut off in the middle of an entry");
  }
}

interface Pax {
  readonly fields: ReadonlyMap<string, ByteString>;
}
const none: Pax = { fields: new Map() };

function* readEntries(
  subject: string,
  visit: Visit,
  state: { ended: boolean; atStart: boolean },
): Parsing<void> {
  let globals = none;
  let [pax, longName, longTarget] = [none, "", ""];
  for (;;) {
    const header = yield { all: block };
    state.atStart = false;
    const raw = decodeHeader(header, subject);
    if (raw === undefined) break;
    const flag = String.fromCharCode(header[156] ?? 0);
    if ("xgLK".includes(flag)) {
      const bytes = yield* readExtra(raw.size, subject);
      if (flag === "x") pax = { fields: new Map([...pax.fields, ...parsePax(bytes, subject)]) };
      else if (flag === "g") globals = { fields: new Map([...globals.fields, ...parsePax(bytes, subject)]) };
      else if (flag === "L") longName = readString(bytes);
      else longTarget = readString(bytes);
      continue;
    }
    const fields = new Map([...globals.fields, ...pax.fields]);
    yield* readEntry(subject, visit, { header, raw, flag, fields, longName, longTarget });
    [pax, longName, longTarget] = [none, "", ""];
    state.atStart = true;
  }
  state.ended = true;
  // What follows the end is nobody's.
  for (;;) yield { some: Number.MAX_SAFE_INTEGER };
}

interface Found {
  readonly header: Buffer;
  readonly raw: Raw;
  readonly flag: string;
  readonly fields: ReadonlyMap<string, ByteString>;
  readonly longName: ByteString;
  readonly longTarget: ByteString;
}

function* readEntry(subject: string, visit: Visit, found: Found): Parsing<void> {
  const { fields, raw } = found;
  let size = readNumber(fields.get("size")) ?? raw.size;
  if (!Number.isSafeInteger(size) || size < 0) throw invalid(subject, "has an entry of impossible size");
  const type = readType(found, subject);
  if (type === "directory" || type === undefined) {
    // GNU's dumpdir and volume headers may have content, which is of no use here.
    const length = type === undefined ? size : 0;
    if (type !== undefined) visit(describeEntry(found, type, 0, undefined));
    yield* passContent(length, undefined);
    return;
  }
  let extents: readonly Extent[] | undefined;
  let realSize = size;
  if (found.flag === "S") {
    const more: Buffer[] = [];
    for (let last = found.header[482]; last !== 0 && last !== undefined; last = more.at(-1)?.[504]) {
      more.push(Buffer.from(yield { all: block }));
      if (more.length * block > maxExtra) throw invalid(subject, "has a sparse file of too many pieces");
    }
    ({ extents, realSize } = readGnuExtents(found.header, more, subject));
  } else if (fields.has("GNU.sparse.map")) {
    extents = parseMapText(fields.get("GNU.sparse.map") ?? "", subject);
    realSize = readNumber(fields.get("GNU.sparse.size")) ?? Number.NaN;
  } else if (fields.get("GNU.sparse.major") === "1") {
    const map = yield* parseMap10(size, subject);
    extents = map.extents;
    size -= map.length;
    realSize = readNumber(fields.get("GNU.sparse.realsize")) ?? Number.NaN;
  } else if ([...fields.keys()].some((key) => key.startsWith("GNU.sparse."))) {
    throw invalid(
      subject,
      "has a sparse file in a form that is not known",
      "Write it with tar --format=gnu.",
    );
  }
  checkExtents(subject, extents, size, realSize);
  yield* passContent(size, visit(describeEntry(found, type, realSize, extents)));
}

/** @returns undefined for what is no file at all */
function readType({ flag, raw, header, fields }: Found, subject: string): EntryType | undefined {
  switch (flag) {
    case "\0":
    case "0":
    case "7":
      return header[156] !== 0x37 && !fields.has("path") && raw.name.endsWith("/") ? "directory" : "file";
    case "S":
      return "file";
    case "1":
      return "link";
    case "2":
      return "symlink";
    case "3":
      return "character-device";
    case "4":
      return "block-device";
    case "5":
    case "D":
      return "directory";
    case "6":
      return "fifo";
    case "V":
      return undefined;
    default:
      throw invalid(subject, `has an entry of a kind that is not known (${JSON.stringify(flag)})`);
  }
}

function describeEntry(
  { header, raw, fields, longName, longTarget }: Found,
  type: EntryType,
  size: number,
  extents: readonly Extent[] | undefined,
): Entry {
  const attributes = new Map<string, Buffer>();
  for (const [key, value] of fields) {
    if (key.startsWith("SCHILY.xattr.")) attributes.set(toText(key.slice(13)), Buffer.from(value, "latin1"));
  }
  return {
    path: fields.get("GNU.sparse.name") ?? fields.get("path") ?? (longName || raw.name),
    type,
    mode: (raw.mode ?? 0) & 0o7777,
    uid: readNumber(fields.get("uid")) ?? raw.uid ?? 0,
    gid: readNumber(fields.get("gid")) ?? raw.gid ?? 0,
    mtime:
      readTime(fields.get("mtime")) ??
      BigInt(Math.floor(Number(raw.mtime ?? 0) / 1000) || 0) * 1_000_000_000n,
    target: fields.get("linkpath") ?? (longTarget || raw.target),
    size,
    major: readOctal(header, 329),
    minor: readOctal(header, 337),
    attributes,
    extents,
  };
}

function* passContent(size: number, sink: Sink | undefined): Parsing<void> {
  for (let left = size; left > 0; ) {
    const bytes = yield { some: left };
    left -= bytes.length;
    sink?.write(bytes);
  }
  sink?.end();
  const padding = (block - (size % block)) % block;
  if (padding > 0) yield { all: padding };
}

function* readExtra(size: number, subject: string): Parsing<Buffer> {
  if (!(size >= 0 && size <= maxExtra)) throw invalid(subject, "has a header of impossible size");
  if (size === 0) return Buffer.alloc(0);
  const bytes = yield { all: Math.ceil(size / block) * block };
  return bytes.subarray(0, size);
}
