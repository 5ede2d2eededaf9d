// time-limit: 300s
// The reader of plans and values that their field can't have: figures, offsets, strings, lists, paths. In: a real plan
// with one slot or blob changed. Out: the same line and 125 each time. The rest of the reader is in wire.test.ts.
import { type OperationName, operations } from "../../src/plan/operations.ts";
import { headerBytes, recordBytes } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makeBlob, opcodeOf, phaseOf, record } from "./bytes.ts";
import { expectRefusal, runBytes } from "./run.ts";
import { expectDamage, makeSample, replacing } from "./sample.ts";

const test = suite("native/wire-fields");
/** A string, a path, a list and bytes. */
const oneOfEachKind = [
  ["hostname", "name"],
  ["workdir", "path"],
  ["environment", "list"],
  ["file", "content"],
] as const;

test("refuses figures that their field can't hold", () => {
  const sample = makeSample();
  const wrong: readonly [OperationName, string, readonly bigint[]][] = [
    ["umask", "mask", [1n << 32n, 1n << 63n, -1n]],
    ["oom_score_adj", "value", [1n << 31n, (1n << 32n) - 1n, 1n << 32n, 1n << 63n, -(1n << 31n) - 1n]],
    ["supervise", "status_fd", [(1n << 32n) - 1n, 1n << 31n]],
    ["supervise", "flags", [16n, 1n << 32n, -1n]],
    ["supervise", "tty", [3n, 1n << 32n, -1n]],
    ["clone", "namespaces", [1n, 0x10000000n, 1n << 32n, -1n]],
    ["setgroups", "policy", [2n, -1n]],
    ["propagation", "mode", [1n, (1n << 17n) | (1n << 18n), 1n << 32n, -1n]],
    ["mount", "set", [0x100n, 1n << 40n]],
    ["rlimit", "resource", [16n, 1n << 32n, -1n]],
    ["mount_point", "kind", [2n, -1n]],
    ["fact_kind", "kind", [6n, -1n]],
    ["fact_kind", "flags", [2n, 1n << 32n]],
  ];
  for (const [name, field, values] of wrong) {
    for (const value of values) expectDamage(sample.slot(name, field, value), `${name}.${field} = ${value}`);
  }
});

test("refuses a value in a slot that the operation does not have", () => {
  const sample = makeSample();
  for (const [name, slot] of [
    ["pivot", 0],
    ["hostname", 1],
    ["supervise", 5],
    ["loopback", 5],
  ] as const) {
    const at = sample.recordAt(sample.indexOf(name)) + record.slots + 8 * slot;
    for (const value of [1n, 1n << 63n])
      expectDamage(sample.u64(at, value), `${name}, slot ${slot} = ${value}`);
  }
});

test("refuses offsets that lead to no blob", () => {
  const sample = makeSample();
  const { length } = sample.bytes;
  const offsets = [0, 4, headerBytes, sample.blobs - 4, length - 4, length, length + 4, 2 ** 31, 2 ** 32 - 4];
  const { at } = sample.blobOf("hostname", "name");
  for (const offset of [...offsets, at + 1, at + 2, at + 3]) {
    for (const [name, field] of oneOfEachKind) {
      expectDamage(sample.slot(name, field, BigInt(offset)), `${name}.${field} at ${offset}`);
    }
    const origin = sample.recordAt(sample.indexOf("pivot")) + record.origin;
    expectDamage(sample.u32(origin, offset), `origin at ${offset}`);
  }
  for (const offset of [-1n, -4n, 1n << 63n, (1n << 32n) + BigInt(at), BigInt(at) - (1n << 32n)]) {
    expectDamage(sample.slot("hostname", "name", offset), `hostname.name at ${offset}`);
  }
});

test("refuses blobs that say a wrong length", () => {
  const sample = makeSample();
  for (const [name, field] of oneOfEachKind) {
    const { at, length } = sample.blobOf(name, field);
    const rest = sample.bytes.length - at - 4;
    const wrong = [length - 1, rest, rest + 1, rest + 4, 0x7fffffff, 0xfffffffb, 0xffffffff];
    for (const value of wrong) expectDamage(sample.u32(at, value), `${name}.${field} of ${value} bytes`);
  }
});

test("refuses a string, a path or an origin with a NUL in it", () => {
  const sample = makeSample();
  const inside = (name: OperationName, field: string) => {
    const { at } = sample.blobOf(name, field);
    return sample.with((bytes) => bytes.writeUInt8(0, at + 5));
  };
  expectDamage(inside("hostname", "name"), "hostname");
  expectDamage(inside("workdir", "path"), "workdir");
  expectDamage(inside("uid_map", "map"), "uid_map");
  const at = sample.bytes.readUInt32LE(sample.recordAt(0) + record.origin);
  expectDamage(
    sample.with((bytes) => bytes.writeUInt8(0, at + 5)),
    "origin",
  );
});

test("refuses a blob without its NUL", () => {
  const sample = makeSample();
  for (const [name, field] of oneOfEachKind) {
    const { at, length } = sample.blobOf(name, field);
    const plan = sample.with((bytes) => bytes.writeUInt8(0x41, at + 4 + length));
    expectDamage(plan, `${name}.${field}`);
  }
  // The last four bytes of a plan: a blob of three letters has no room for its NUL, and one of four none at all.
  const tail = sample.appending(Buffer.from([3, 0, 0, 0, 0x61, 0x62, 0x63, 0x64]));
  expectDamage(tail.plan.slot("hostname", "name", BigInt(tail.at)), "no room for the NUL");
  const end = sample.appending(Buffer.from([4, 0, 0, 0, 0x61, 0x62, 0x63, 0x64]));
  expectDamage(end.plan.slot("hostname", "name", BigInt(end.at)), "the NUL would be behind the end");
});

test("refuses a list whose last string does not end", () => {
  const sample = makeSample();
  for (const field of [
    ["environment", "list"],
    ["command", "argv"],
    ["explain", "argv"],
  ] as const) {
    for (const text of ["A", "A=1\0B"]) {
      const plan = replacing(sample, field[0], field[1], makeBlob(text));
      expectDamage(plan, `${field[0]}: ${JSON.stringify(text)}`);
    }
  }
});

test.needs("userns")("takes a list of empty strings, and one of none", () => {
  // decodePlan wants every blob to be used by somebody; the executor only that what is used is whole.
  for (const [text, status] of [
    ["\0\0\0", 0],
    ["", 0],
  ] as const) {
    const plan = replacing(makeSample(), "environment", "list", makeBlob(text));
    assert.is(runBytes(plan.bytes, ["/bin/true"]).status, status, JSON.stringify(text));
  }
});

test("refuses paths that are relative, empty or too long", () => {
  const sample = makeSample();
  for (const path of ["", "tmp", "./tmp", "\\tmp", `/${"a".repeat(4095)}`, `/${"a/".repeat(40_000)}`]) {
    const plan = replacing(sample, "workdir", "path", makeBlob(path));
    expectDamage(plan, `${path.slice(0, 20)} of ${path.length} letters`);
  }
});

test.needs("userns")("takes the longest path there is, and the kernel refuses it", () => {
  const path = "/".repeat(4095);
  const plan = replacing(makeSample(), "workdir", "path", makeBlob(path));
  assert.is(runBytes(plan.bytes, ["pwd"]).stdout, "/\n");
  const missing = replacing(makeSample(), "workdir", "path", makeBlob(`/${"a/".repeat(2047)}`));
  expectRefusal(
    runBytes(missing.bytes, ["pwd"]),
    / failed: chdir: errno 2 \(ENOENT\)\n$/,
    "a missing directory",
  );
});

test("never crashes on two plans in one: blobs inside blobs", () => {
  // Memory-safe as it stands, and so allowed to be either refused or run; what it must not do is read outside.
  const sample = makeSample();
  const inner = makeBlob("jail");
  const { plan, at } = sample.appending(makeBlob(Buffer.concat([inner, Buffer.alloc(4)])));
  const run = runBytes(plan.slot("hostname", "name", BigInt(at + 4)).bytes, ["true"]);
  assert.is(run.signal, null);
  if (run.status !== 0) assert.is(run.status, 125, run.stderr);
});

test("knows every operation that TypeScript knows", () => {
  // The sample with an operation of each kind in turn: a wrong number for it is noticed by the phase or the fields.
  for (const name of Object.keys(operations) as OperationName[]) {
    assert.ok(opcodeOf(name) > 0);
    const sample = makeSample();
    const at = sample.recordAt(sample.indexOf("directory"));
    const other = sample.with((bytes) => {
      bytes.writeUInt16LE(opcodeOf(name), at + record.opcode);
      bytes.writeUInt16LE(phaseOf(name), at + record.phase);
      bytes.fill(0xff, at + record.slots, at + recordBytes);
    });
    expectDamage(other, `${name} with nothing but ones`);
  }
});
