// In: the arguments that the executor appends. Out: that parseReport takes exactly those.
import fc from "fast-check";
import { TsjailError } from "../../src/error.ts";
import { reasons, steps } from "../../src/plan/operations.ts";
import { formatReport, parseReport } from "../../src/plan/report.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";

const test = suite("plan/report");
const words = (text: string) => text.split(" ");

test("the executor's figures become names", () => {
  assert.equal(parseReport(words("--plan-fd 3 --op 12 --step 3 --reason 0 --errno 2")), {
    ...{
      op: 12,
      step: "open_tree",
      reason: "errno",
      errno: 2,
      planFd: 3,
      command: undefined,
      executor: undefined,
    },
  });
  const { op, planFd, command } = parseReport(
    words("--plan-fd -1 --op -1 --step 0 --reason 9 --errno 0 -- ls --op 5"),
  );
  assert.equal([op, planFd, command], [-1, undefined, ["ls", "--op", "5"]]);
});

test("what was formatted parses to the same report", () => {
  const report = fc
    .record({
      op: fc.integer({ min: -1, max: 65_535 }),
      step: fc.constantFrom(...steps),
      reason: fc.constantFrom(...reasons),
      errno: fc.integer({ min: 0, max: 4095 }),
      planFd: fc.option(fc.nat(1000), { nil: undefined }),
      command: fc.option(fc.array(fc.string()), { nil: undefined }),
      executor: fc.option(fc.constant("/usr/bin/tsjail"), { nil: undefined }),
    })
    // fast-check makes some records without a prototype, which `equal` tells from others.
    .map((value) => ({ ...value }));
  fc.assert(
    fc.property(report, (value) => {
      assert.equal(parseReport(formatReport(value)), value);
    }),
  );
});

test("anything else is refused as an internal error", () => {
  const good = "--plan-fd 3 --op 12 --step 3 --reason 0 --errno 2";
  assert.ok(parseReport(words(good)));
  const bad = [
    ...[
      "",
      "--op 1",
      `${good} --op 1`,
      `${good} --more 1`,
      `${good} extra`,
      good.replace("--errno 2", "--errno"),
    ],
    ...[
      good.replace("3 --op", "x --op"),
      good.replace("--step 3", "--step 99"),
      good.replace("--reason 0", "--reason -1"),
    ],
    ...[
      good.replace("--errno 2", "--errno 5000"),
      good.replace("--op 12", "--op 1e3"),
      good.replace("--op 12", "--op -2"),
    ],
  ];
  for (const text of bad) {
    assert.throws(
      () => parseReport(words(text)),
      (error) => error instanceof TsjailError && error.code === "internal",
    );
  }
});
