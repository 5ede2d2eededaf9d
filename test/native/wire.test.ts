// time-limit: 600s
// The reader of plans and bytes that lie. In: a real plan, broken in one place. Out: the same line and 125 each time,
// and nothing of the plan carried out; the plan as it was starts a jail. What is refused here decodePlan refuses too.
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  maxOperations,
  maxPlanBytes,
  type Operation,
  type OperationName,
  operations,
} from "../../src/plan/operations.ts";
import { decodePlan, encodePlan, headerBytes, recordBytes } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { makePlan, scratch } from "../support/executor.ts";
import { findLeft } from "../support/process.ts";
import { suite } from "../support/suite.ts";
import { header, makeBlob, opcodeOf, PlanBytes, phaseOf, record } from "./bytes.ts";
import { damaged, expectRefusal, type Run, runBytes } from "./run.ts";

const test = suite("native/wire");
const origin = "a test";
const required = (Object.keys(operations) as OperationName[]).filter(
  (name) => "required" in operations[name],
);

/** Every kind of field is in it; its first deed would be a directory on the host. */
function makeSample(): PlanBytes {
  const host: Operation[] = [
    { op: "signals", origin, ignored: 0 },
    { op: "mount_point", origin, root: watched(), target: "/made", kind: "directory" },
  ];
  const jail: Operation[] = [
    { op: "directory", origin, target: "/here", mode: 0o755 },
    {
      op: "file",
      origin,
      target: "/file",
      content: Buffer.from("a\0b"),
      mode: 0o444,
      flags: [],
      set: ["ro"],
    },
    { op: "hide", origin, target: "/nowhere" },
    { op: "hostname", origin, name: "jail" },
    { op: "oom_score_adj", origin, value: 500 },
  ];
  const command: Operation[] = [
    { op: "umask", origin, mask: 0o22 },
    { op: "nice", origin, value: 1 },
    { op: "rlimit", origin, resource: "core", soft: 0, hard: 0 },
  ];
  return new PlanBytes(encodePlan(makePlan({ host, jail, command })));
}

let place: string | undefined;
/** A directory in which a plan that is carried out makes another one. */
function watched(): string {
  if (place === undefined) {
    place = join(scratch(), "watched");
    mkdirSync(place);
  }
  return place;
}

function expectDamage(plan: PlanBytes, what: string): void {
  const run = runBytes(plan.bytes, ["true"]);
  expectRefusal(run, damaged, what);
  expectNothing(run, what);
  assert.throws(() => decodePlan(plan.bytes), /plan/);
}

function expectNothing(run: Run, what: string): void {
  assert.equal(readdirSync(watched()), [], what);
  assert.equal(findLeft("no such marker", run.pid), [], what);
}

/** A blob with this content instead of the one that a field has now. */
function replacing(plan: PlanBytes, name: OperationName, field: string, blob: Uint8Array): PlanBytes {
  const { plan: longer, at } = plan.appending(blob);
  return longer.slot(name, field, BigInt(at));
}

test.needs("userns")("carries out the plan that the other tests break, and undoes it", () => {
  const run = runBytes(makeSample().bytes, ["sh", "-c", "umask; cat /proc/sys/kernel/hostname; exit 7"]);
  assert.is(run.stderr, "");
  assert.is(run.stdout, "0022\njail\n");
  assert.is(run.status, 7);
  expectNothing(run, "the jail has ended");
});

test.needs("userns")("carries it out after its records were taken apart and put together", () => {
  const { count } = makeSample();
  const same = makeSample().arrange(Array.from({ length: count }, (_, index) => index));
  assert.equal(same.bytes, makeSample().bytes);
  const shorter = makeSample().without("hostname");
  assert.is(shorter.count, count - 1);
  assert.is(runBytes(shorter.bytes, ["true"]).status, 0);
});

test("refuses every truncation", { timeLimit: 300 }, () => {
  const { bytes, blobs } = shorten(makeSample());
  // Behind the records it is the same check again and again: each length there would take minutes.
  for (let length = 0; length < bytes.length; length += length < blobs ? 1 : 7) {
    expectRefusal(runBytes(bytes.subarray(0, length)), damaged, `${length} of ${bytes.length} bytes`);
  }
});

test("refuses every truncation that says its new length", { timeLimit: 300 }, () => {
  const { bytes } = shorten(makeSample());
  const whole = bytes.length - paddingOf(bytes);
  for (let length = headerBytes; length < whole; length += 5) {
    const cut = new PlanBytes(bytes.subarray(0, length)).u32(header.length, length);
    expectRefusal(runBytes(cut.bytes), damaged, `${length} of ${bytes.length} bytes`);
  }
});

/** The zeros behind the last blob's NUL: nobody needs them. */
function paddingOf(bytes: Buffer): number {
  let last = bytes.length;
  while (bytes[last - 1] === 0) last--;
  return bytes.length - last - 1;
}

test("refuses trailing bytes", () => {
  const { bytes } = makeSample();
  for (const more of [1, 3, 4, 4096]) {
    expectDamage(new PlanBytes(Buffer.concat([bytes, Buffer.alloc(more)])), `${more} bytes too many`);
  }
});

test("refuses a header with any figure changed", () => {
  const sample = makeSample();
  const { count, blobs, bytes } = sample;
  const wrong: Record<keyof typeof header, readonly number[]> = {
    magic: [0, 0x504a5355, 0x54534a50, 0xffffffff],
    version: [0, 2, 0x01000000, 0xffffffff],
    length: [0, headerBytes, bytes.length - 1, bytes.length + 1, 0x7fffffff, 0xffffffff],
    // The last one: times 56 it is 40 beyond 2^32.
    count: [0, 1, count - 1, count + 1, maxOperations, maxOperations + 1, 0xffffffff, 76_695_845],
    blobs: [0, headerBytes, blobs - 4, blobs - 1, blobs + 4, blobs + recordBytes, 0xffffffff],
    zero: [1, 0x80000000],
  };
  for (const [figure, values] of Object.entries(wrong)) {
    for (const value of values) {
      const plan = sample.u32(header[figure as keyof typeof header], value);
      expectDamage(plan, `${figure} = ${value}`);
    }
  }
  for (const offset of [header.zero + 4, header.zero + 8])
    expectDamage(sample.u32(offset, 1), `zero ${offset}`);
});

test("refuses a count whose size in bytes wraps around, with the figures made to fit", () => {
  const count = 76_695_845; // times 56 it is 40 beyond 2^32
  const plan = makeSample()
    .u32(header.count, count)
    .u32(header.blobs, (headerBytes + count * recordBytes) >>> 0);
  expectDamage(plan, "a count that wraps");
});

test("refuses unknown operations and operations in the wrong phase", () => {
  const sample = makeSample();
  for (const index of [0, sample.count - 1]) {
    for (const opcode of [0, Object.keys(operations).length + 1, 0x7fff, 0xffff]) {
      const at = sample.recordAt(index) + record.opcode;
      expectDamage(
        sample.with((bytes) => bytes.writeUInt16LE(opcode, at)),
        `opcode ${opcode} at ${index}`,
      );
    }
    for (const phase of [0, 1, 2, 3, 4, 0xffff]) {
      if (phase === phaseOf(sample.nameOf(index))) continue;
      const at = sample.recordAt(index) + record.phase;
      expectDamage(
        sample.with((bytes) => bytes.writeUInt16LE(phase, at)),
        `phase ${phase} at ${index}`,
      );
    }
  }
});

test("refuses operations out of the order of their phases", () => {
  for (const name of ["command", "pivot", "uid_map"] as const) {
    expectDamage(makeSample().moving(name, "first"), `${name} first`);
  }
  for (const name of ["clone", "uid_map", "pivot"] as const) {
    expectDamage(makeSample().moving(name, "last"), `${name} last`);
  }
});

test("refuses a plan that lacks a required operation", () => {
  assert.ok(required.length >= 8);
  for (const name of required) expectDamage(makeSample().without(name), `no ${name}`);
});

test("refuses twice what may be there once", () => {
  const sample = makeSample();
  const names = Array.from({ length: sample.count }, (_, index) => sample.nameOf(index));
  const once = [...new Set(names)].filter(
    (name) => "once" in operations[name] || "required" in operations[name],
  );
  assert.ok(once.length >= 15);
  for (const name of once) expectDamage(sample.doubling(name), `${name} twice`);
});

test.needs("userns")("takes twice what may be there more than once", () => {
  for (const name of ["rlimit", "hide", "directory"] as const) {
    const run = runBytes(makeSample().doubling(name).bytes, ["true"]);
    assert.is(`${run.status} ${run.stderr}`, "0 ", name);
  }
});

test("refuses figures that their field can't hold", () => {
  const sample = makeSample();
  const wrong: readonly [OperationName, string, readonly bigint[]][] = [
    ["umask", "mask", [1n << 32n, 1n << 63n, -1n]],
    ["oom_score_adj", "value", [1n << 31n, (1n << 32n) - 1n, 1n << 32n, 1n << 63n, -(1n << 31n) - 1n]],
    ["supervise", "status_fd", [(1n << 32n) - 1n, 1n << 31n]],
    ["supervise", "flags", [8n, 1n << 32n, -1n]],
    ["supervise", "tty", [3n, 1n << 32n, -1n]],
    ["clone", "namespaces", [1n, 0x10000000n, 1n << 32n, -1n]],
    ["setgroups", "policy", [2n, -1n]],
    ["propagation", "mode", [1n, (1n << 17n) | (1n << 18n), 1n << 32n, -1n]],
    ["mount", "set", [0x100n, 1n << 40n]],
    ["rlimit", "resource", [16n, 1n << 32n, -1n]],
    ["mount_point", "kind", [2n, -1n]],
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
    for (const [name, field] of [
      ["hostname", "name"],
      ["workdir", "path"],
      ["environment", "list"],
      ["file", "content"],
    ] as const) {
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
  for (const [name, field] of [
    ["hostname", "name"],
    ["workdir", "path"],
    ["environment", "list"],
    ["file", "content"],
  ] as const) {
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
  for (const [name, field] of [
    ["hostname", "name"],
    ["workdir", "path"],
    ["environment", "list"],
    ["file", "content"],
  ] as const) {
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
  expectRefusal(runBytes(missing.bytes, ["pwd"]), /step \d+.* errno 2\n$/, "a missing directory");
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

test("takes as many operations as a plan may have, and not one more", { timeLimit: 60 }, () => {
  const most = withHides(maxOperations);
  // It is read, and then fails where it has to: there is nothing to pivot to.
  const read = runBytes(most.bytes, ["true"]);
  assert.is(read.status, 125);
  assert.not.match(read.stderr, damaged);
  expectDamage(withHides(maxOperations + 1), "one operation too many");
});

/** Only what no plan can do without, and `hide` until there are that many. */
function withHides(count: number): PlanBytes {
  const sample = makeSample();
  const indexes = requiredOf(sample);
  const filler = Array<number>(count - indexes.length).fill(sample.indexOf("hide"));
  return sample.arrange([...indexes, ...filler].sort((a, b) => a - b));
}

function shorten(sample: PlanBytes): PlanBytes {
  return sample.arrange(requiredOf(sample).sort((a, b) => a - b));
}

function requiredOf(sample: PlanBytes): number[] {
  return required.map((name) => sample.indexOf(name));
}

test("refuses a plan larger than the largest before it reads it", { timeLimit: 60 }, () => {
  const { plan } = makeSample().appending(new Uint8Array(maxPlanBytes));
  expectDamage(plan, "more than 64 MiB");
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
