// time-limit: 120s
// Profiles of chance. In: arbitrary.ts. Out: whatever is in the file, it loads, or a TsjailError says what is wrong, in a
// message for a person and with exit status 125; what loads compiles, or the same; and a plan comes back from its bytes.
import fc from "fast-check";
import { compile } from "../../src/compile/index.ts";
import { formatError, TsjailError } from "../../src/error.ts";
import { checkPlan } from "../../src/plan/check.ts";
import { decodePlan, encodePlan } from "../../src/plan/wire.ts";
import type { LoadedProfile } from "../../src/profile/load.ts";
import { debian, noRun } from "../compile/fixture.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { anyBytes, anyText, arbitraryProfile, writeToml } from "./arbitrary.ts";
import { makeDirectory } from "./directory.ts";

const test = suite("profile/fuzz");
const limits = { timeLimit: 60 };

/** What a terminal would obey, and what turns the direction of writing. */
const controls = /[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u;

/** How long one file may take: far more than any does, and far less than somebody waits. */
const longest = 5000;

/** Undefined where it was refused as it should be. */
function loadOrRefuse<T>(work: () => T): T | undefined {
  const began = performance.now();
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TsjailError)) throw error;
    assert.is(error.exitStatus, 125, error.message);
    assert.is.not(error.code, "internal", error.message);
    const shown = formatError(error);
    assert.ok(shown !== "" && !controls.test(shown), JSON.stringify(shown));
    return undefined;
  } finally {
    const took = performance.now() - began;
    assert.ok(took < longest, `it took ${Math.round(took)} ms`);
  }
}

function loadAll(
  context: Parameters<typeof makeDirectory>[0],
  files: fc.Arbitrary<string | Uint8Array>,
  runs: number,
) {
  const directory = makeDirectory(context);
  const path = `${directory.path}/work/fuzz.toml`;
  let loaded = 0;
  fc.assert(
    fc.property(files, (content) => {
      directory.write("work/fuzz.toml", content);
      if (loadOrRefuse(() => directory.load(path)) !== undefined) loaded++;
    }),
    { numRuns: runs },
  );
  return loaded;
}

test("any bytes load or are refused", limits, (context) => {
  const runs = 1000;
  assert.ok(loadAll(context, anyBytes, runs) < runs);
});

test("any keys with any values load or are refused", limits, (context) => {
  const runs = 1000;
  const loaded = loadAll(context, anyText, runs);
  assert.ok(loaded > 0 && loaded < runs, `${loaded} of ${runs} loaded`);
});

test("what a --set says loads or is refused", limits, (context) => {
  const directory = makeDirectory(context);
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 20 }), fc.anything(), (key, value) => {
      const override = { key, value, option: "--set" };
      loadOrRefuse(() => directory.load(undefined, [override]));
    }),
    { numRuns: 1000 },
  );
  const known = directory.load(undefined, [
    { key: "hostname", value: "known", option: "--set hostname=known" },
  ]);
  assert.is(known.profile.hostname, "known");
});

function compileOrRefuse(loaded: LoadedProfile): boolean {
  const plan = loadOrRefuse(() => compile(loaded, debian, { ...noRun, command: ["true"] }));
  if (plan === undefined) return false;
  checkPlan(plan, "internal");
  // Flags have no order, and a number of 64 bits has two forms; what is written down has one.
  const [bytes, back] = [encodePlan(plan), decodePlan(encodePlan(plan))];
  assert.ok(Buffer.compare(encodePlan(back), bytes) === 0, "the bytes differ");
  assert.is(back.length, plan.length);
  return true;
}

test(
  "a profile that fits the schema compiles to a plan that comes back from its bytes",
  limits,
  (context) => {
    const directory = makeDirectory(context);
    const path = `${directory.path}/work/fuzz.toml`;
    let [runs, loads, plans] = [0, 0, 0];
    fc.assert(
      fc.property(arbitraryProfile, (table) => {
        runs++;
        directory.write("work/fuzz.toml", writeToml(table));
        const loaded = loadOrRefuse(() => directory.load(path));
        if (loaded === undefined) return;
        loads++;
        if (compileOrRefuse(loaded)) plans++;
      }),
      { numRuns: 1000 },
    );
    console.log(`  of ${runs} profiles ${loads} loaded and ${plans} compiled`);
    assert.ok(plans >= runs / 20, `only ${plans} of ${runs} compiled`);
  },
);
