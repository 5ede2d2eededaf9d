// time-limit: 240s
// The fuzzer of test/fuzz/ runs for ten seconds in every test run; `npm run fuzz -- --seconds N` runs it for longer.
// In: clang with libFuzzer. Out: no plan that breaks the reader, and a reader that was reached everywhere.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeFuzzing, fuzz, whyNoFuzzer } from "../../src/build/fuzz.ts";
import { root } from "../../src/build/problem.ts";
import { operationNames } from "../../src/plan/table.ts";
import { decodePlan, encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makeSeeds } from "./seeds.ts";

const test = suite("fuzz");
const directory = mkdtempSync(join(tmpdir(), "tsjail-fuzz-"));
const libFuzzer = () => whyNoFuzzer(directory);
const seconds = 10;

test.after(() => rmSync(directory, { recursive: true, force: true }));

test("begins with plans that hold every operation, and are plans", () => {
  const seeds = makeSeeds();
  const names = new Set(seeds.flatMap((plan) => plan.map(({ op }) => op)));
  assert.equal(
    [...operationNames].filter((name) => !names.has(name)),
    [],
  );
  for (const plan of seeds) assert.is(decodePlan(encodePlan(plan)).length, plan.length);
});

test.needs("command:clang", libFuzzer)(
  "finds no plan that breaks the reader",
  { timeLimit: 200 },
  async () => {
    const result = await fuzz({ seconds, directory });
    console.log(describeFuzzing(result, seconds));
    assert.ok(result.plans > 1000, `${result.plans} plans`);
    assert.ok(result.kept > 20, `${result.kept} kept`);
    if (result.taken === undefined || result.branches === undefined) return;
    assert.ok(result.taken / result.branches > 0.85, `${result.taken} of ${result.branches} branches`);
  },
);

test.needs("command:clang", libFuzzer)("would find a check that is missing", { timeLimit: 200 }, async () => {
  // The twin: the reader without the line that looks at a blob's length is found out at once.
  const copy = join(directory, "broken");
  for (const part of ["native", "test/fuzz"]) mkdirSync(join(copy, part), { recursive: true });
  for (const file of [
    "native/sys.h",
    "native/wire.h",
    "native/ops.h",
    "test/fuzz/plan.c",
    "test/fuzz/mutate.c",
  ])
    copyFileSync(join(root, file), join(copy, file));
  const reader = readFileSync(join(root, "native/wire.c"), "utf8");
  const check = /blob->length >= plan->length - offset - sizeof \*blob \|\|\s*/;
  assert.match(reader, check, "the check has another form now: change this test");
  writeFileSync(join(copy, "native/wire.c"), reader.replace(check, ""));
  await assert.rejects(
    fuzz({ seconds: 30, directory: join(directory, "found"), source: copy }),
    /the reader of plans is broken:[\s\S]*(AddressSanitizer|UndefinedBehaviorSanitizer|deadly signal)/,
  );
});
