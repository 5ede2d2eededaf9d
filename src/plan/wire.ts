// A plan as the executor reads it: a header, one record per operation, then every string once.
// In: a Plan, or bytes. Out: the other. docs/plan.md describes the bytes; native/wire.c is the reader of them.
import { isUtf8 } from "node:buffer";
import { TsjailError } from "../error.ts";
import { BlobReader, BlobWriter, damaged } from "./blobs.ts";
import { checkPlan, phaseNumber } from "./check.ts";
import {
  type FieldType,
  maxOperations,
  maxPlanBytes,
  type Operation,
  type Plan,
  planMagic,
  planVersion,
  slotsPerOperation,
} from "./operations.ts";
import { listFields, opcodes, operationNames, readField, type Value } from "./table.ts";

export const headerBytes = 32;
export const recordBytes = 8 + 8 * slotsPerOperation;

/** Where the header has the checksum of everything else. */
const checksumOffset = 20;

/** The head of a record: u16 opcode, u16 phase, u32 origin. */
const recordHead = 8;

/**
 * The bytes of a plan. Flags are stored as a set, so their order is lost; everything else comes back as it was.
 * @throws TsjailError `internal` for a plan that breaks its own rules or is larger than `maxPlanBytes`
 */
export function encodePlan(plan: Plan): Uint8Array {
  checkPlan(plan, "internal");
  const blobOffset = headerBytes + plan.length * recordBytes;
  const blobs = new BlobWriter(blobOffset);
  const records = new Uint8Array(blobOffset);
  const view = viewBytes(records);
  let offset = headerBytes;
  for (const operation of plan) {
    writeRecord(view, offset, operation, blobs);
    offset += recordBytes;
  }
  if (blobs.end > maxPlanBytes) {
    throw new TsjailError(
      "internal",
      `The plan would have ${blobs.end} bytes; ${maxPlanBytes} is the most.`,
      {
        hint: 'Mount large files with `type = "bind"` instead of writing their content into the profile.',
      },
    );
  }
  const bytes = new Uint8Array(blobs.end);
  const header = new Uint32Array(bytes.buffer, 0, headerBytes / 4);
  bytes.set(records);
  header.set([planMagic, planVersion, blobs.end, plan.length, blobOffset]);
  bytes.set(blobs.join(), blobOffset);
  header[checksumOffset / 4] = sumWords(bytes);
  return bytes;
}

/** FNV-1a over the 32-bit words but the checksum itself: any single changed word is seen. */
function sumWords(bytes: Uint8Array): number {
  const view = viewBytes(bytes);
  let hash = 0x811c9dc5;
  for (let offset = 0; offset + 4 <= bytes.length; offset += 4) {
    if (offset !== checksumOffset) hash = Math.imul(hash ^ view.getInt32(offset, true), 0x01000193);
  }
  return hash >>> 0;
}

// V8 has the methods of DataView and Uint8Array built in, where those of Buffer are JavaScript: a start runs each of
// them once and cold, and pays for compiling it. The machines that we run on have the least byte first.
const viewBytes = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function writeRecord(target: DataView, offset: number, operation: Operation, blobs: BlobWriter): void {
  target.setUint16(offset, opcodes.get(operation.op) ?? 0, true);
  target.setUint16(offset + 2, phaseNumber(operation.op), true);
  target.setUint32(offset + 4, blobs.addText(operation.origin), true);
  let slot = offset + recordHead;
  for (const { name, type } of listFields(operation.op)) {
    writeSlot(target, slot, toNumber(type, readField(operation, name) ?? 0, blobs));
    slot += 8;
  }
}

/** Into eight bytes that are zero. */
function writeSlot(target: DataView, offset: number, value: number | bigint): void {
  if (typeof value === "number" && value >= 0 && value <= 0xffff_ffff) target.setUint32(offset, value, true);
  else target.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
}

function toNumber(type: FieldType, value: Value, blobs: BlobWriter): number | bigint {
  switch (type.type) {
    case "u32":
    case "u64":
    case "i32":
      return value as number | bigint;
    case "flags":
      return joinFlags(type.names, value as readonly string[]);
    case "choice":
      return type.names[value as string] ?? 0;
    case "bytes":
      return blobs.add(value as Uint8Array);
    case "list":
      return blobs.addText((value as readonly string[]).map((item) => `${item}\0`).join(""));
    case "string":
    case "path":
      return blobs.addText(value as string);
  }
}

function joinFlags(bits: Readonly<Record<string, number>>, names: readonly string[]): number {
  let joined = 0;
  for (const name of names) joined |= bits[name] ?? 0;
  return joined >>> 0;
}

/**
 * The plan that these bytes hold. Numbers of 64 bits are `number` where they fit exactly, else `bigint`; flags are
 * in the order of the table.
 * @throws TsjailError `plan_invalid` unless every byte is as `encodePlan` would have written it
 */
export function decodePlan(plan: Uint8Array): Plan {
  const bytes = Buffer.from(plan.buffer, plan.byteOffset, plan.byteLength);
  const count = readHeader(bytes);
  const blobs = new BlobReader(bytes, headerBytes + count * recordBytes);
  const decoded = Array.from({ length: count }, (_, index) => readRecord(bytes, index, blobs));
  blobs.checkAllUsed();
  checkPlan(decoded, "plan_invalid");
  return decoded;
}

/** @returns the number of operations */
function readHeader(bytes: Buffer): number {
  if (bytes.length < 8 || bytes.readUInt32LE(0) !== planMagic) {
    throw new TsjailError("plan_invalid", "This is not a plan: it doesn't begin with the bytes TSJP.", {
      hint: "`tsjail plan` prints a plan for people; the executor reads the binary form that tsjail hands to it.",
    });
  }
  const version = bytes.readUInt32LE(4);
  if (version !== planVersion) {
    throw new TsjailError(
      "plan_invalid",
      `The plan was made by a tsjail with plan version ${version}; this one has plan version ${planVersion}.`,
      { hint: "Install tsjail again, so that all its parts have the same version." },
    );
  }
  if (bytes.length < headerBytes) throw damaged("ends within its header");
  if (bytes.length > maxPlanBytes) throw damaged(`has ${bytes.length} bytes; ${maxPlanBytes} is the most`);
  const total = bytes.readUInt32LE(8);
  if (total !== bytes.length) throw damaged(`should have ${total} bytes and has ${bytes.length}`);
  const count = bytes.readUInt32LE(12);
  if (count > maxOperations) throw damaged(`has ${count} operations; ${maxOperations} is the most`);
  const blobOffset = headerBytes + count * recordBytes;
  if (blobOffset > bytes.length) throw damaged("ends within its operations");
  if (bytes.readUInt32LE(16) !== blobOffset) throw damaged("has its strings at the wrong place");
  if (bytes.subarray(checksumOffset + 4, headerBytes).some((byte) => byte !== 0))
    throw damaged("has something unknown in its header");
  if (bytes.length % 4 !== 0 || bytes.readUInt32LE(checksumOffset) !== sumWords(bytes))
    throw damaged("does not have the checksum that it says it has");
  return count;
}

function readRecord(bytes: Buffer, index: number, blobs: BlobReader): Operation {
  const offset = headerBytes + index * recordBytes;
  const opcode = bytes.readUInt16LE(offset);
  const op = operationNames[opcode - 1];
  if (op === undefined) throw damaged(`has an unknown operation, number ${opcode}, at index ${index}`);
  const here = `in operation ${index} (${op})`;
  if (bytes.readUInt16LE(offset + 2) !== phaseNumber(op)) throw damaged(`has the wrong phase ${here}`);
  const operation: Record<string, Value> = {
    op,
    origin: readString(blobs.read(bytes.readUInt32LE(offset + 4))),
  };
  const fields = listFields(op);
  for (let slot = 0; slot < slotsPerOperation; slot++) {
    const value = bytes.readBigUInt64LE(offset + recordHead + 8 * slot);
    const field = fields[slot];
    if (field === undefined) {
      if (value !== 0n) throw damaged(`has a value too many ${here}`);
      continue;
    }
    const { name, type } = field;
    const decoded = fromSlot(type, value, blobs);
    if (decoded === undefined) throw damaged(`has a value out of range for ${name} ${here}`);
    operation[name] = decoded;
  }
  return operation as unknown as Operation;
}

/** @returns undefined for a value that no such field can have */
function fromSlot(type: FieldType, value: bigint, blobs: BlobReader): Value | undefined {
  switch (type.type) {
    case "u32":
      return value <= 0xffff_ffffn ? Number(value) : undefined;
    case "i32": {
      const signed = BigInt.asIntN(64, value);
      return BigInt.asIntN(32, signed) === signed ? Number(signed) : undefined;
    }
    case "u64":
      return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
    case "flags": {
      const names = Object.keys(type.names).filter((name) => (value & BigInt(type.names[name] ?? 0)) !== 0n);
      return BigInt(joinFlags(type.names, names)) === value ? names : undefined;
    }
    case "choice":
      return Object.keys(type.names).find((name) => BigInt(type.names[name] ?? 0) === value);
    case "bytes":
      return Uint8Array.from(readBlob(value, blobs));
    case "list":
      return readList(readBlob(value, blobs));
    case "string":
    case "path":
      return readString(readBlob(value, blobs));
  }
}

function readBlob(value: bigint, blobs: BlobReader): Buffer {
  // Offsets are u32: a larger one is no blob's, and Number() of it is none either.
  return blobs.read(Number(value));
}

function readString(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw damaged("has a string that is not UTF-8");
  return bytes.toString();
}

function readList(bytes: Buffer): string[] | undefined {
  if (bytes.length === 0) return [];
  if (bytes[bytes.length - 1] !== 0) return undefined;
  return readString(bytes.subarray(0, -1)).split("\0");
}
