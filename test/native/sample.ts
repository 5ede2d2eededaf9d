// The plan that the tests of the reader break, and what they expect then. In: nothing. Out: its bytes; that a broken
// one was refused, by the executor as by decodePlan, and nothing done. Used by wire.test.ts and wire-fields.test.ts.
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Operation, type OperationName, operations } from "../../src/plan/operations.ts";
import { decodePlan, encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { makePlan, scratch } from "../support/executor.ts";
import { findLeft } from "../support/process.ts";
import { PlanBytes } from "./bytes.ts";
import { damaged, expectRefusal, type Run, runBytes } from "./run.ts";

const origin = "a test";
export const required = (Object.keys(operations) as OperationName[]).filter(
  (name) => "required" in operations[name],
);

/** Every kind of field is in it; its first deed would be a directory on the host. */
export function makeSample(): PlanBytes {
  const facts: Operation[] = [
    { op: "fact_invocation", origin, package: "/p", options: ["-p", "dev"], commands: ["run"] },
    { op: "fact_machine", origin, release: "", version: "", machine: "vax" },
    { op: "fact_kind", origin, path: "/nowhere", kind: "file", flags: ["follow"] },
  ];
  const host: Operation[] = [
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
    { op: "hide", origin, target: "/nowhere", flags: [] },
    { op: "hostname", origin, name: "jail" },
    { op: "oom_score_adj", origin, value: 500 },
  ];
  const command: Operation[] = [
    { op: "umask", origin, mask: 0o22 },
    { op: "nice", origin, value: 1 },
    { op: "rlimit", origin, resource: "core", soft: 0, hard: 0 },
  ];
  return new PlanBytes(encodePlan([...facts, ...makePlan({ host, jail, command })]));
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

export function expectDamage(plan: PlanBytes, what: string): void {
  const run = runBytes(plan.bytes, ["true"]);
  expectRefusal(run, damaged, what);
  expectNothing(run, what);
  assert.throws(() => decodePlan(plan.bytes), /plan/);
}

export function expectNothing(run: Run, what: string): void {
  assert.equal(readdirSync(watched()), [], what);
  assert.equal(findLeft("no such marker", run.pid), [], what);
}

/** A blob with this content instead of the one that a field has now. */
export function replacing(plan: PlanBytes, name: OperationName, field: string, blob: Uint8Array): PlanBytes {
  const { plan: longer, at } = plan.appending(blob);
  return longer.slot(name, field, BigInt(at));
}

/** Only what no plan can do without, and `hide` until there are that many. */
export function withHides(count: number): PlanBytes {
  const sample = makeSample();
  const indexes = requiredOf(sample);
  const filler = Array<number>(count - indexes.length).fill(sample.indexOf("hide"));
  return sample.arrange([...indexes, ...filler].sort((a, b) => a - b));
}

export function shorten(sample: PlanBytes): PlanBytes {
  return sample.arrange(requiredOf(sample).sort((a, b) => a - b));
}

function requiredOf(sample: PlanBytes): number[] {
  return required.map((name) => sample.indexOf(name));
}
