// The second half of a plan's bytes: strings, lists and file contents, each stored once.
// In: bytes to store, or the area as it was read. Out: offsets, or bytes; next is wire.ts.
import { TsjailError } from "../error.ts";

/** A blob's length on the wire: u32 length, the bytes, one NUL, padding to 4. */
const wireLength = (length: number): number => 4 * Math.ceil((4 + length + 1) / 4);

export class BlobWriter {
  readonly #offsets = new Map<string, number>();
  readonly #blobs: Uint8Array[] = [];
  /** Of strings that are there already: most origins come more than once. */
  readonly #texts = new Map<string, number>();
  readonly #start: number;
  #end: number;

  constructor(start: number) {
    this.#start = start;
    this.#end = start;
  }

  /** Where the area ends: the length of the whole plan once everything is added. */
  get end(): number {
    return this.#end;
  }

  /** @returns the offset of these bytes from the start of the plan */
  add(bytes: Uint8Array): number {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    const known = this.#offsets.get(key);
    if (known !== undefined) return known;
    const offset = this.#end;
    this.#offsets.set(key, offset);
    this.#blobs.push(bytes);
    this.#end = offset + wireLength(bytes.length);
    return offset;
  }

  /** The same for a string in UTF-8. */
  addText(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const offset = this.add(Buffer.from(text));
    this.#texts.set(text, offset);
    return offset;
  }

  writeTo(target: Buffer): void {
    let offset = this.#start;
    for (const blob of this.#blobs) {
      target.writeUInt32LE(blob.length, offset);
      target.set(blob, offset + 4);
      offset += wireLength(blob.length);
    }
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
