// The second half of a plan's bytes: strings, lists and file contents, each stored once.
// In: bytes to store, or the area as it was read. Out: offsets, or bytes; next is wire.ts.
import { TsjailError } from "../error.ts";

/** A blob's length on the wire: u32 length, the bytes, one NUL, padding to 4. */
const wireLength = (length: number): number => 4 * Math.ceil((4 + length + 1) / 4);
const zeros = "\0".repeat(4);

/** All of it is one string with a character for each byte: V8 joins and compares those sooner than Buffers. */
export class BlobWriter {
  readonly #offsets = new Map<string, number>();
  #end: number;
  #area = "";

  constructor(start: number) {
    this.#end = start;
  }

  /** Where the area ends: the length of the whole plan once everything is added. */
  get end(): number {
    return this.#end;
  }

  /** @returns the offset of these bytes from the start of the plan */
  add(bytes: Uint8Array): number {
    return this.#add(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"));
  }

  /** The same for a string in UTF-8. */
  addText(text: string): number {
    const isAscii = Buffer.byteLength(text) === text.length;
    return this.#add(isAscii ? text : Buffer.from(text).toString("latin1"));
  }

  #add(bytes: string): number {
    const known = this.#offsets.get(bytes);
    if (known !== undefined) return known;
    const offset = this.#end;
    const { length } = bytes;
    this.#offsets.set(bytes, offset);
    this.#end = offset + wireLength(length);
    const padding = zeros.slice(4 + length - wireLength(length));
    this.#area += `${String.fromCharCode(length & 255, (length >> 8) & 255, (length >> 16) & 255, length >>> 24)}${bytes}${padding}`;
    return offset;
  }

  join(): Uint8Array {
    return Buffer.from(this.#area, "latin1");
  }
}

/** Reads the blob area once from end to end, so that every later look-up is of a blob known to be whole. */
export class BlobReader {
  readonly #blobs = new Map<number, Buffer>();
  readonly #used = new Set<number>();

  constructor(plan: Buffer, start: number) {
    let offset = start;
    while (offset < plan.length) {
      if (offset + 5 > plan.length) throw damaged("ends within a string");
      const length = plan.readUInt32LE(offset);
      const end = offset + wireLength(length);
      if (end > plan.length) throw damaged("ends within a string");
      if (plan.subarray(offset + 4 + length, end).some((byte) => byte !== 0)) {
        throw damaged("has a string without its end");
      }
      this.#blobs.set(offset, plan.subarray(offset + 4, offset + 4 + length));
      offset = end;
    }
  }

  /** The bytes at an offset; a view, not a copy. */
  read(offset: number): Buffer {
    const blob = this.#blobs.get(offset);
    if (blob === undefined) throw damaged(`has no string at offset ${offset}`);
    this.#used.add(offset);
    return blob;
  }

  /** Every byte of a plan belongs to an operation: what nothing refers to has no business there. */
  checkAllUsed(): void {
    if (this.#used.size !== this.#blobs.size) throw damaged("has bytes that no operation refers to");
  }
}

/** @param what the rest of a sentence that begins with "The plan" */
export function damaged(what: string): TsjailError {
  return new TsjailError("plan_invalid", `The plan is damaged: it ${what}.`, {
    hint: "Make it again with the same version of tsjail that runs it.",
  });
}
