// time-limit: 600s
// The reader of plans and bytes that lie: the header, the records, their number and order. In: a real plan, broken in
// one place. Out: the same line and 125 each time, and nothing of the plan carried out; the plan as it was starts a jail.
// What is in the records is in wire-fields.test.ts.
import { maxOperations, maxPlanBytes, operations } from "../../src/plan/operations.ts";
import { headerBytes, recordBytes } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { header, PlanBytes, phaseOf, record } from "./bytes.ts";
import { damaged, expectRefusal, runBytes } from "./run.ts";
import { expectDamage, expectNothing, makeSample, required, shorten, withHides } from "./sample.ts";

const test = suite("native/wire");

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
    const cut = new PlanBytes(bytes.subarray(0, length)).sealed();
    expectRefusal(runBytes(cut.bytes), damaged, `${length} of ${bytes.length} bytes`);
  }
});

test("refuses every truncation that says its new length", { timeLimit: 300 }, () => {
  const { bytes } = shorten(makeSample());
  const whole = bytes.length - paddingOf(bytes);
  for (let length = headerBytes; length < whole; length += 4) {
    const cut = new PlanBytes(bytes.subarray(0, length)).u32(header.length, length);
    expectRefusal(runBytes(cut.bytes), damaged, `${length} of ${bytes.length} bytes`);
  }
});

test("refuses trailing bytes", () => {
  const { bytes } = makeSample();
  for (const more of [1, 3, 4, 4096]) {
    const longer = new PlanBytes(Buffer.concat([bytes, Buffer.alloc(more)])).sealed();
    expectDamage(longer, `${more} bytes too many`);
  }
});

test("refuses a header with any figure changed", () => {
  const sample = makeSample();
  const { count, blobs, bytes } = sample;
  const wrong: Record<Exclude<keyof typeof header, "checksum">, readonly number[]> = {
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
  expectDamage(sample.u32(header.zero + 4, 1), "the last word");
});

test("refuses any checksum but the right one, and any other word that changed without it", () => {
  const sample = shorten(makeSample());
  const { bytes } = sample;
  const right = bytes.readUInt32LE(header.checksum);
  for (const wrong of [0, right ^ 1, right ^ 0x80000000, ~right]) {
    const plan = sample.unsealed((copy) => copy.writeUInt32LE(wrong >>> 0, header.checksum));
    expectDamage(plan, `checksum ${wrong}`);
  }
  // One bit, wherever it is: of an origin, for instance, that nothing else would ever notice.
  const offsets = Array.from(
    { length: Math.floor(bytes.length / 52) },
    (_, index) => index * 52 + (index % 52),
  );
  for (const offset of offsets.filter((each) => each < bytes.length)) {
    const flip = 1 << (offset % 8);
    const plan = sample.unsealed((copy) => copy.writeUInt8((copy[offset] ?? 0) ^ flip, offset));
    expectDamage(plan, `byte ${offset}`);
  }
});

test("refuses a length that is no multiple of four", () => {
  const { bytes } = makeSample();
  for (const more of [1, 2, 3]) {
    const longer = Buffer.concat([bytes, Buffer.alloc(more)]);
    expectDamage(new PlanBytes(longer).u32(header.length, longer.length), `${more} bytes`);
  }
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
    for (const phase of [0, 1, 2, 3, 4, 5, 0xffff]) {
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
  for (const name of ["command", "pivot", "uid_map", "supervise"] as const) {
    expectDamage(makeSample().moving(name, "first"), `${name} first`);
  }
  for (const name of ["fact_machine", "clone", "uid_map", "pivot"] as const) {
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

test("takes as many operations as a plan may have, and not one more", { timeLimit: 60 }, () => {
  const most = withHides(maxOperations);
  // It is read, and then fails where it has to: there is nothing to pivot to.
  const read = runBytes(most.bytes, ["true"]);
  assert.is(read.status, 125);
  assert.not.match(read.stderr, damaged);
  expectDamage(withHides(maxOperations + 1), "one operation too many");
});

test("refuses a plan larger than the largest before it reads it", { timeLimit: 60 }, () => {
  const { plan } = makeSample().appending(new Uint8Array(maxPlanBytes));
  expectDamage(plan, "more than 64 MiB");
});

/** The zeros behind the last blob's NUL: nobody needs them. */
function paddingOf(bytes: Buffer): number {
  let last = bytes.length;
  while (bytes[last - 1] === 0) last--;
  return bytes.length - last - 1;
}
