// In: valid plans and damaged bytes. Out: that encodePlan and decodePlan are inverse, and refuse all else.
import fc from "fast-check";
import { TsjailError } from "../../src/error.ts";
import { infinity, type Operation, type Plan, planMagic, planVersion } from "../../src/plan/operations.ts";
import { decodePlan, encodePlan, headerBytes, recordBytes } from "../../src/plan/wire.ts";
import { PlanBytes } from "../native/bytes.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { arbitraryPlan } from "./arbitrary.ts";
import { planWith, smallest } from "./sample.ts";

const test = suite("plan/wire");

/** Refused with this code and a message that fits. */
function refuses(call: () => unknown, code: string, message: RegExp): void {
  assert.throws(
    call,
    (error) => error instanceof TsjailError && error.code === code && message.test(error.message),
  );
}

/** With the checksum that is right afterwards. */
const change = (plan: Plan, edit: (bytes: Buffer) => void): Uint8Array =>
  new PlanBytes(encodePlan(plan)).with(edit).bytes;

const bind: Operation = {
  op: "bind",
  origin: "files.read[0] in dev.toml:7",
  source: "/usr",
  target: "/usr",
  flags: ["recursive"],
  set: ["ro", "nosuid"],
  propagation: "none",
};

test("what was encoded decodes to the same plan", () => {
  fc.assert(
    fc.property(arbitraryPlan, (plan) => {
      assert.equal(decodePlan(encodePlan(plan)), plan);
    }),
  );
});

test("the same plan always has the same bytes", () => {
  assert.equal(encodePlan(smallest), encodePlan(structuredClone(smallest)));
  assert.equal(encodePlan(decodePlan(encodePlan(smallest))), encodePlan(smallest));
});

test("the header is as documented", () => {
  const bytes = Buffer.from(encodePlan(smallest));
  const words = Array.from({ length: 8 }, (_, index) => bytes.readUInt32LE(index * 4));
  const blobs = headerBytes + smallest.length * recordBytes;
  assert.equal(words, [planMagic, planVersion, bytes.length, smallest.length, blobs, words[5], 0, 0]);
  assert.is(bytes.length % 4, 0);
  assert.equal(new PlanBytes(bytes).sealed().bytes, bytes, "the checksum is FNV-1a over the other words");
  assert.is(bytes.toString("latin1", 0, 4), "TSJP");
  assert.is(recordBytes, 56);
});

test("numbers are little endian, signed ones are extended to 64 bits, and infinity is all ones", () => {
  const plan = planWith({ op: "rlimit", origin: "", resource: "nofile", soft: 1024, hard: infinity });
  const bytes = Buffer.from(encodePlan(plan));
  const status = headerBytes + 8 + 8 * 4;
  assert.is(bytes.readBigInt64LE(status), -1n, "supervise.status_fd");
  const rlimit = headerBytes + plan.findIndex(({ op }) => op === "rlimit") * recordBytes + 8;
  assert.equal(
    [0, 8, 16].map((slot) => bytes.readBigUInt64LE(rlimit + slot)),
    [7n, 1024n, infinity],
  );
});

test("a string that occurs often is stored once", () => {
  const once = encodePlan(planWith(bind)).length;
  assert.is(encodePlan(planWith(bind, bind, bind)).length, once + 2 * recordBytes);
});

test("every byte changed to anything is noticed by the checksum; with the checksum put right it is an error or a valid plan", {
  timeLimit: 60,
}, () => {
  const bytes = Buffer.from(encodePlan(planWith(bind)));
  let refused = 0;
  for (let offset = 0; offset < bytes.length; offset++) {
    for (const flip of [0x01, 0x02, 0x40, 0x80, 0xff]) {
      const damaged = new PlanBytes(bytes).unsealed((copy) => {
        copy[offset] = (copy[offset] ?? 0) ^ flip;
      });
      refuses(() => decodePlan(damaged.bytes), "plan_invalid", /plan/);
      try {
        encodePlan(decodePlan(damaged.sealed().bytes));
      } catch (error) {
        assert.ok(
          error instanceof TsjailError && error.code === "plan_invalid",
          `${offset}: ${String(error)}`,
        );
        refused++;
      }
    }
  }
  assert.ok(refused > bytes.length * 2, `only ${refused} of ${bytes.length * 5} were refused`);
});

test("a plan cut short anywhere is refused, and the whole one is not", () => {
  const bytes = encodePlan(planWith(bind));
  for (let length = 0; length < bytes.length; length++) {
    refuses(() => decodePlan(bytes.subarray(0, length)), "plan_invalid", /plan/);
  }
  assert.ok(decodePlan(bytes));
});

test("bytes of chance are refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.throws(
        () => decodePlan(bytes),
        (error) => error instanceof TsjailError,
      );
    }),
  );
});

test("a plan of another version is refused, and the message names both versions", () => {
  const bytes = change(smallest, (copy) => copy.writeUInt32LE(9, 4));
  refuses(() => decodePlan(bytes), "plan_invalid", /plan version 9; this one has plan version 1/);
});

test("bytes after the end are refused, also where the header counts them in", () => {
  const bytes = encodePlan(smallest);
  refuses(() => decodePlan(Buffer.concat([bytes, Buffer.alloc(4)])), "plan_invalid", /should have/);
  const longer = new PlanBytes(Buffer.concat([bytes, Buffer.alloc(8)])).u32(8, bytes.length + 8);
  refuses(() => decodePlan(longer.bytes), "plan_invalid", /no operation refers to/);
  const odd = new PlanBytes(Buffer.concat([bytes, Buffer.alloc(1)])).u32(8, bytes.length + 1);
  refuses(() => decodePlan(odd.bytes), "plan_invalid", /checksum/);
});

test("a wrong checksum is refused, and so are two words that have changed places", () => {
  const sample = new PlanBytes(encodePlan(planWith(bind)));
  const wrong = sample.unsealed((copy) => copy.writeUInt32LE((copy.readUInt32LE(20) ^ 1) >>> 0, 20));
  refuses(() => decodePlan(wrong.bytes), "plan_invalid", /checksum/);
  const { at } = sample.blobOf("bind", "source");
  const swapped = sample.unsealed((copy) =>
    copy
      .subarray(at, at + 8)
      .swap64()
      .swap32(),
  );
  assert.not.equal(swapped.bytes, sample.bytes);
  refuses(() => decodePlan(swapped.bytes), "plan_invalid", /checksum/);
});

test("a slot that the operation has no field for must be zero", () => {
  const pivot = smallest.findIndex(({ op }) => op === "pivot");
  const bytes = change(smallest, (copy) => copy.writeUInt8(1, headerBytes + pivot * recordBytes + 8));
  refuses(() => decodePlan(bytes), "plan_invalid", /a value too many in operation 4 \(pivot\)/);
});

test("an offset must be that of a string, not within one", () => {
  const workdir = headerBytes + smallest.findIndex(({ op }) => op === "workdir") * recordBytes + 8;
  const bytes = change(smallest, (copy) => copy.writeUInt32LE(copy.readUInt32LE(workdir) + 4, workdir));
  refuses(() => decodePlan(bytes), "plan_invalid", /no string at offset/);
  const far = change(smallest, (copy) => copy.writeBigUInt64LE(2n ** 63n, workdir));
  refuses(() => decodePlan(far), "plan_invalid", /no string at offset/);
});

test("operations keep to the order of their phases, and required ones are there exactly once", () => {
  const [first, ...rest] = smallest;
  assert.ok(first);
  refuses(() => encodePlan([...rest, first]), "internal", /supervise\): it belongs to the host phase/);
  refuses(() => encodePlan(rest), "internal", /lacks these operations: supervise/);
  refuses(() => encodePlan([first, ...smallest]), "internal", /only once/);
  const swapped = change(planWith(bind, { ...bind }), (copy) => {
    copy.copyWithin(headerBytes, headerBytes + recordBytes, headerBytes + 2 * recordBytes);
  });
  refuses(() => decodePlan(swapped), "plan_invalid", /only once|lacks|refers/);
});

test("values out of range are refused, and those at the edge are not", () => {
  const umask = (mask: number) => planWith({ op: "umask", origin: "", mask });
  assert.ok(encodePlan(umask(0xffff_ffff)));
  for (const mask of [0x1_0000_0000, -1, 1.5, Number.NaN, -0]) {
    refuses(() => encodePlan(umask(mask)), "internal", /\(umask\): mask must be/);
  }
  const limit = (soft: number | bigint) =>
    planWith({ op: "rlimit", origin: "", resource: "cpu", soft, hard: 0 });
  assert.ok(encodePlan(limit(infinity)));
  refuses(() => encodePlan(limit(infinity + 1n)), "internal", /soft is out of range/);
  refuses(() => encodePlan(limit(2 ** 53)), "internal", /soft must be an integer/);
});

test("paths are absolute, shorter than PATH_MAX, and without NUL", () => {
  const at = (path: string) => () => encodePlan(planWith({ op: "workdir", origin: "", path }));
  assert.ok(at(`/${"a".repeat(4094)}`)());
  refuses(at(`/${"a".repeat(4095)}`), "internal", /shorter than 4096/);
  refuses(at(`/${"ä".repeat(2048)}`), "internal", /shorter than 4096/);
  refuses(at("home"), "internal", /absolute/);
  refuses(at(""), "internal", /absolute/);
  refuses(at("/a\0b"), "internal", /NUL/);
  refuses(at("/\ud800"), "internal", /Unicode/);
});

test("an unknown operation, field, flag or choice is refused", () => {
  const odd = (operation: object) => () => encodePlan(planWith(operation as Operation));
  refuses(odd({ ...bind, flags: ["recursive", "toString"] }), "internal", /unknown flag/);
  refuses(odd({ ...bind, propagation: "constructor" }), "internal", /none of its choices/);
  refuses(odd({ ...bind, sources: "/usr" }), "internal", /no field sources/);
  refuses(() => encodePlan([...smallest, { op: "mnt" } as never]), "internal", /no such operation/);
});

test("more operations or bytes than the executor reads are refused", () => {
  const many = Array.from({ length: 65_536 }, () => bind);
  refuses(() => encodePlan(planWith(...many)), "internal", /65536 is the most/);
  const content = new Uint8Array(64 * 1024 * 1024);
  const file: Operation = { op: "file", origin: "", target: "/a", content, mode: 0o444, flags: [], set: [] };
  refuses(() => encodePlan(planWith(file)), "internal", /67108864 is the most/);
});
