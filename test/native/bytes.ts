// A plan's bytes as something that can be broken in one place. In: what encodePlan wrote. Out: the same with one wrong
// number, or with operations taken out, doubled or in another order; and with the checksum that then is the right one,
// so that whatever else looks at the bytes gets to see them. Used by wire.test.ts.
import { phaseNumber } from "../../src/plan/check.ts";
import type { FieldType, OperationName } from "../../src/plan/operations.ts";
import { listFields, opcodes, operationNames } from "../../src/plan/table.ts";
import { headerBytes, recordBytes } from "../../src/plan/wire.ts";

/** Where the numbers of the header are. */
export const header = {
  magic: 0,
  version: 4,
  length: 8,
  count: 12,
  blobs: 16,
  checksum: 20,
  zero: 24,
} as const;

/** Where the numbers of a record are, from its start. */
export const record = { opcode: 0, phase: 2, origin: 4, slots: 8 } as const;

const isBlob = ({ type }: FieldType): boolean => ["string", "path", "list", "bytes"].includes(type);

export class PlanBytes {
  readonly bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes);
  }

  get count(): number {
    return this.bytes.readUInt32LE(header.count);
  }

  get blobs(): number {
    return this.bytes.readUInt32LE(header.blobs);
  }

  nameOf(index: number): OperationName {
    return operationNames[this.bytes.readUInt16LE(this.recordAt(index)) - 1] as OperationName;
  }

  /** The first operation of this name. */
  indexOf(name: OperationName): number {
    const found = Array.from({ length: this.count }, (_, index) => index).find(
      (index) => this.nameOf(index) === name,
    );
    if (found === undefined) throw new Error(`the sample plan has no ${name}`);
    return found;
  }

  recordAt(index: number): number {
    return headerBytes + index * recordBytes;
  }

  /** Where a field's slot is, from the start of the plan. */
  slotAt(name: OperationName, field: string): number {
    const slot = listFields(name).findIndex((one) => one.name === field);
    if (slot < 0) throw new Error(`${name} has no field ${field}`);
    return this.recordAt(this.indexOf(name)) + record.slots + 8 * slot;
  }

  /** Where the blob that a field refers to is, and its length. */
  blobOf(name: OperationName, field: string): { at: number; length: number } {
    const at = Number(this.bytes.readBigUInt64LE(this.slotAt(name, field)));
    return { at, length: this.bytes.readUInt32LE(at) };
  }

  with(change: (bytes: Buffer) => unknown): PlanBytes {
    const changed = new PlanBytes(this.bytes);
    change(changed.bytes);
    return changed.sealed();
  }

  /** The same bytes, whatever they are, with the checksum of them. */
  sealed(): PlanBytes {
    const sealed = new PlanBytes(this.bytes);
    if (sealed.bytes.length >= headerBytes)
      sealed.bytes.writeUInt32LE(sumWords(sealed.bytes), header.checksum);
    return sealed;
  }

  /** Without a new checksum. */
  unsealed(change: (bytes: Buffer) => unknown): PlanBytes {
    const changed = new PlanBytes(this.bytes);
    change(changed.bytes);
    return changed;
  }

  u32(offset: number, value: number): PlanBytes {
    return this.with((bytes) => bytes.writeUInt32LE(value >>> 0, offset));
  }

  u64(offset: number, value: bigint): PlanBytes {
    return this.with((bytes) => bytes.writeBigUInt64LE(BigInt.asUintN(64, value), offset));
  }

  slot(name: OperationName, field: string, value: bigint): PlanBytes {
    return this.u64(this.slotAt(name, field), value);
  }

  /** Other records in front of the same blobs; every offset and figure of the header is put right. */
  arrange(order: readonly number[]): PlanBytes {
    const delta = (order.length - this.count) * recordBytes;
    const records = order.map((index) => {
      const at = this.recordAt(index);
      return moveOffsets(Buffer.from(this.bytes.subarray(at, at + recordBytes)), this.nameOf(index), delta);
    });
    const bytes = Buffer.concat([
      this.bytes.subarray(0, headerBytes),
      ...records,
      this.bytes.subarray(this.blobs),
    ]);
    return new PlanBytes(bytes)
      .u32(header.length, bytes.length)
      .u32(header.count, order.length)
      .u32(header.blobs, headerBytes + order.length * recordBytes);
  }

  without(name: OperationName): PlanBytes {
    const left = this.indexOf(name);
    return this.arrange(this.order().filter((index) => index !== left));
  }

  /** The operation twice, side by side. */
  doubling(name: OperationName): PlanBytes {
    const twice = this.indexOf(name);
    return this.arrange(this.order().flatMap((index) => (index === twice ? [index, index] : [index])));
  }

  /** The operation as the first of all, or as the last. */
  moving(name: OperationName, end: "first" | "last"): PlanBytes {
    const moved = this.indexOf(name);
    const rest = this.order().filter((index) => index !== moved);
    return this.arrange(end === "first" ? [moved, ...rest] : [...rest, moved]);
  }

  /** The blobs with these bytes behind them, as part of the plan; and where those begin. */
  appending(more: Uint8Array): { plan: PlanBytes; at: number } {
    const at = this.bytes.length;
    const bytes = Buffer.concat([this.bytes, more]);
    return { plan: new PlanBytes(bytes).u32(header.length, bytes.length), at };
  }

  private order(): number[] {
    return Array.from({ length: this.count }, (_, index) => index);
  }
}

/** FNV-1a, 32 bits at a time, without the word that it is written to. */
function sumWords(bytes: Buffer): number {
  let hash = 0x811c9dc5;
  for (let offset = 0; offset + 4 <= bytes.length; offset += 4) {
    if (offset === header.checksum) continue;
    hash = Math.imul(hash ^ bytes.readUInt32LE(offset), 0x01000193);
  }
  return hash >>> 0;
}

function moveOffsets(one: Buffer, name: OperationName, delta: number): Buffer {
  one.writeUInt32LE(one.readUInt32LE(record.origin) + delta, record.origin);
  for (const [slot, { type }] of listFields(name).entries()) {
    if (!isBlob(type)) continue;
    const at = record.slots + 8 * slot;
    one.writeBigUInt64LE(one.readBigUInt64LE(at) + BigInt(delta), at);
  }
  return one;
}

/** A blob as it stands in a plan. */
export function makeBlob(content: string | Uint8Array, length?: number): Buffer {
  const bytes = Buffer.from(content as string);
  const blob = Buffer.alloc(4 * Math.ceil((bytes.length + 5) / 4));
  blob.writeUInt32LE(length ?? bytes.length, 0);
  bytes.copy(blob, 4);
  return blob;
}

/** The number that stands for an operation, or its phase. */
export const opcodeOf = (name: OperationName): number => opcodes.get(name) ?? 0;
export const phaseOf = (name: OperationName): number => phaseNumber(name);
