// What `tsjail cache` lists and removes. In: a directory with plans, damaged ones, and other things. Out: entries,
// newest first; what is left afterwards.
import { existsSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clearKept, listKept } from "../../src/cache/list.ts";
import type { Operation } from "../../src/plan/operations.ts";
import { encodePlan } from "../../src/plan/wire.ts";
import { planWith } from "../plan/sample.ts";
import * as assert from "../support/assert.ts";
import { makeDirectory, removeDirectory } from "../support/jail.ts";
import { suite, type TestContext } from "../support/suite.ts";

const test = suite("cache/list");
const fails = (code: string) => (error: Error) => "code" in error && error.code === code;

function makeScratch({ cleanup }: TestContext): string {
  const directory = makeDirectory("list");
  cleanup(() => removeDirectory(directory));
  return directory;
}

const origin = "a test";
const makePlan = (options: readonly string[], path = "/work"): Uint8Array => {
  const facts: Operation[] = [
    { op: "fact_invocation", origin, package: "/p", options, commands: [] },
    { op: "fact_directory", origin, path },
  ];
  return encodePlan(planWith(...facts));
};

/** A file of an age in seconds. */
function put(directory: string, name: string, bytes: Uint8Array | string, age = 0): void {
  writeFileSync(join(directory, name), bytes);
  const time = Math.floor(Date.now() / 1000) - age;
  utimesSync(join(directory, name), time, time);
}

test("there is nothing in a directory that does not exist, or is empty", (context) => {
  const directory = makeScratch(context);
  for (const path of [directory, join(directory, "none"), join(directory, "no/ne")]) {
    assert.equal([listKept(path), clearKept(path)], [[], 0]);
  }
});

test("lists plans with their command line and directory, the newest first", (context) => {
  const directory = makeScratch(context);
  const bytes = makePlan(["-p", "dev"], "/work\nx");
  put(directory, "0123abcd-0", bytes, 50);
  put(directory, "0123abcd-1", makePlan([]), 90);
  put(directory, "ffffffff-3", makePlan(["--hostname", ""]), 10);
  const kept = listKept(directory);
  assert.equal(
    kept.map(({ invocation }) => invocation),
    [
      { options: ["--hostname", ""], directory: "/work" },
      { options: ["-p", "dev"], directory: "/work\nx" },
      { options: [], directory: "/work" },
    ],
  );
  assert.equal([kept[1]?.size, kept[1]?.file], [bytes.length, join(directory, "0123abcd-0")]);
  const age = Date.now() - (kept[1]?.time ?? 0);
  assert.ok(age >= 49_000 && age < 60_000, String(age));
});

test("lists what is of no use without an invocation, whatever it is", (context) => {
  const directory = makeScratch(context);
  const bytes = makePlan(["-p", "dev"]);
  const changed = Uint8Array.from(bytes).fill(7, 40, 44);
  put(directory, "00000000-0", "");
  put(directory, "00000000-1", "no plan");
  put(directory, "00000000-2", bytes.subarray(0, bytes.length - 4));
  put(directory, "00000000-3", changed);
  put(directory, "00000001-0", encodePlan(planWith()));
  mkdirSync(join(directory, "00000001-1"));
  symlinkSync("00000001-0", join(directory, "00000001-2"));
  symlinkSync("nowhere", join(directory, "00000001-3"));
  const kept = listKept(directory);
  assert.equal([kept.length, kept.filter((one) => "invocation" in one).length], [8, 0]);
});

test("neither lists nor removes what is not its own", (context) => {
  const directory = makeScratch(context);
  const names = [
    "0123abcd",
    "0123abcd-4",
    "0123ABCD-0",
    "0123abcd-0x",
    "x0123abcd-0",
    "0123abcd-0.new",
    "readme",
  ];
  for (const name of names) put(directory, name, makePlan([]));
  assert.equal([listKept(directory), clearKept(directory)], [[], 0]);
  assert.equal(readdirSync(directory).sort(), [...names].sort());
});

test("removes every plan, what is in their place, and what a store has left behind", (context) => {
  const directory = makeScratch(context);
  const outside = join(directory, "outside");
  mkdirSync(join(directory, "plans"));
  mkdirSync(outside);
  writeFileSync(join(outside, "file"), "");
  const plans = join(directory, "plans");
  put(plans, "0123abcd-0", makePlan([]));
  put(plans, "0123abcd-1", "damaged");
  put(plans, "0123abcd-0.77.new", makePlan([]));
  mkdirSync(join(plans, "0123abcd-2/deep"), { recursive: true });
  symlinkSync("../outside", join(plans, "0123abcd-3"));
  assert.is(clearKept(plans), 4);
  assert.equal(readdirSync(plans), []);
  assert.ok(existsSync(join(outside, "file")));
});

test("tells of a directory that is none", (context) => {
  const directory = makeScratch(context);
  writeFileSync(join(directory, "plans"), "");
  assert.throws(() => listKept(join(directory, "plans")), fails("ENOTDIR"));
  assert.throws(() => clearKept(join(directory, "plans")), fails("ENOTDIR"));
});
