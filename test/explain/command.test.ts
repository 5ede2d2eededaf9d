// In: the executor's arguments and a plan on a descriptor. Out: that runExplain gives the whole message, always.
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFailure } from "../../src/build/sample.ts";
import { chapters } from "../../src/build/samples.ts";
import { formatError } from "../../src/error.ts";
import { runExplain } from "../../src/explain/command.ts";
import { explain } from "../../src/explain/explain.ts";
import { formatReport } from "../../src/plan/report.ts";
import { encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("explain/command");

function open({ cleanup }: TestContext, bytes: Uint8Array): number {
  const directory = mkdtempSync(join(tmpdir(), "tsjail-explain-"));
  cleanup(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "plan");
  writeFileSync(path, bytes);
  const fd = openSync(path, "r");
  cleanup(() => closeSync(fd));
  return fd;
}

const sample = chapters.flatMap(({ samples }) => samples).find(({ name }) => name === "source_missing");
const failure = makeFailure(sample ?? { name: "", operation: undefined, step: "none", cause: "EIO" });
const argv = (planFd: number, more: object = {}) => formatReport({ ...failure.report, planFd, ...more });

test("the plan is read from the beginning, wherever its descriptor stands", (context) => {
  const fd = open(context, encodePlan(failure.plan));
  readSync(fd, Buffer.alloc(100));
  const error = runExplain(argv(fd), failure.facts);
  assert.is(formatError(error), formatError(explain(failure.plan, failure.report, failure.facts)));
  assert.is(error.exitStatus, 125);
});

test("a plan that can't be read still gives a message with step and errno", (context) => {
  const error = runExplain(argv(open(context, Buffer.from("nonsense"))), failure.facts);
  assert.match(error.message, /open_tree failed with ENOENT \(2\)/);
  assert.match(runExplain(argv(999_999), failure.facts).message, /ENOENT/);
});

test("where the executor found the plan malformed, our reader says what is wrong with it", (context) => {
  const bytes = encodePlan(failure.plan);
  const fd = open(context, bytes.subarray(0, bytes.length - 4));
  const error = runExplain(argv(fd, { op: -1, step: "plan", reason: "malformed", errno: 0 }), failure.facts);
  assert.is(error.code, "plan_invalid");
  assert.match(error.message, /should have \d+ bytes and has \d+/);
});

test("arguments that aren't the executor's give an error too", () => {
  assert.is(runExplain(["--op", "x"]).code, "internal");
  assert.is(runExplain([]).code, "internal");
});

test("facts that throw don't hide the failure", (context) => {
  const fd = open(context, encodePlan(failure.plan));
  const facts = {
    ...failure.facts,
    probeFile: () => {
      throw new Error("no luck");
    },
  };
  const error = runExplain(argv(fd, { errno: 13 }), facts);
  assert.match(formatError(error), /no luck[\s\S]*--errno 13/);
});
