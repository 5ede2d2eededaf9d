// The command's environment as the executor makes it (native/environment.c): what the plan sets, what it lets through
// of the caller's, defaults for the rest. In: the four lists, and a caller's environment of any bytes. Out: every
// string that the command finds, in order. What a profile makes of the lists is in test/compile/environment.test.ts.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { type PlanWish, probe, runExecutor, scratch } from "../support/executor.ts";
import { suite } from "../support/suite.ts";

const test = suite("native/environment").needs("userns", "command:cc", "command:base64");

type Lists = NonNullable<PlanWish["environment"]>;
type Wish = Omit<PlanWish, "environment"> & { stdio?: ("ignore" | "pipe")[] };

/** Strings of latin1, that is of bytes; in the order in which the command has them. */
async function resolve(inherited: readonly string[], lists: Lists, wish: Wish = {}): Promise<string[]> {
  const file = join(scratch(), "environ");
  writeFileSync(file, inherited.map((one) => `${one}\0`).join(""), "latin1");
  const through = [probe(), "become", file];
  const look = ["base64", "-w", "0", "/proc/self/environ"];
  const outcome = await runExecutor(look, { ...wish, environment: lists, through });
  assert.equal([outcome.status, outcome.stderr], [0, ""]);
  return Buffer.from(outcome.stdout, "base64").toString("latin1").split("\0").slice(0, -1);
}

test("without a list there is nothing, whatever the caller has", async () => {
  assert.equal(await resolve(["A=1", "PATH=/usr/bin"], {}), []);
  assert.equal(await resolve([], { pass: ["*"] }), []);
});

test("names are passed as they are, in the caller's order, with any value", async () => {
  const caller = ["B=2", "AB=3", "A=1", "C=", "D==x=y", "E=a\nb \t'\"$A\\"];
  assert.equal(await resolve(caller, { pass: ["A", "C", "D", "E", "F"] }), [...caller.slice(2)]);
  assert.equal(await resolve(caller, { pass: ["*"] }), caller);
});

test("a * in a pattern stands for any bytes, none included, and nothing else is special", async () => {
  const names = ["A", "AA", "AXA", "AXAXB", "BA", "LC_ALL", "LC_", "LC", "a", "A.B", "A*", "A?"];
  const caller = names.map((name) => `${name}=1`);
  const matching: Record<string, string[]> = {
    "A*": ["A", "AA", "AXA", "AXAXB", "A.B", "A*", "A?"],
    "*A": ["A", "AA", "AXA", "BA"],
    "A*A": ["AA", "AXA"],
    "*A*": ["A", "AA", "AXA", "AXAXB", "BA", "LC_ALL", "A.B", "A*", "A?"],
    "A*A*B": ["AXAXB"],
    "**": names,
    "A**": ["A", "AA", "AXA", "AXAXB", "A.B", "A*", "A?"],
    "LC_*": ["LC_ALL", "LC_"],
    "*C": ["LC"],
    "A.B": ["A.B"],
    "A?": ["A?"],
    "[A]": [],
    "A=1": [],
    "*=*": [],
    "": [],
  };
  for (const [pattern, expected] of Object.entries(matching)) {
    const found = await resolve(caller, { pass: [pattern] });
    assert.equal(
      found,
      expected.map((name) => `${name}=1`),
      pattern,
    );
  }
});

test("a pattern with many stars takes no longer than others", async () => {
  const name = "A".repeat(5000);
  const started = performance.now();
  assert.equal(await resolve([`${name}=1`], { pass: [`${"*A".repeat(500)}*B`] }), []);
  assert.equal(await resolve([`${name}=1`], { pass: [`${"*A".repeat(500)}*`] }), [`${name}=1`]);
  assert.ok(performance.now() - started < 5000);
});

test("unset takes away what pass lets through, by name and by pattern, and nothing that is set", async () => {
  const caller = ["A=1", "AB=2", "GH_TOKEN=3", "TOKEN=4"];
  assert.equal(await resolve(caller, { pass: ["*"], unset: ["A", "*_TOKEN"] }), ["AB=2", "TOKEN=4"]);
  assert.equal(await resolve(caller, { pass: ["*"], unset: ["*"] }), []);
  const lists = { list: ["A=mine"], pass: ["A*"], unset: ["*"], defaults: ["TOKEN=default"] };
  assert.equal(await resolve(caller, lists), ["A=mine", "TOKEN=default"]);
});

test("what is set comes before what is passed, and that before a default", async () => {
  const lists = { list: ["A=set", "E="], pass: ["A", "B", "E"], defaults: ["A=d", "B=d", "C=d", "E=d"] };
  assert.equal(await resolve(["A=caller", "B=caller", "C=caller"], lists), [
    ...["A=set", "E=", "B=caller", "C=d"],
  ]);
  // An empty value is a value; a name that only begins alike is another one.
  assert.equal(await resolve(["B=", "CC=caller"], { ...lists, pass: ["B", "CC"] }), [
    ...["A=set", "E=", "B=", "CC=caller", "C=d"],
  ]);
});

test("what is of the executor's process alone never passes, even by its name", async () => {
  const ours = ["LISTEN_PID=1", "LISTEN_FDS=2", "LISTEN_FDNAMES=a:b", "TSJAIL_FRONT=version=0"];
  const others = ["LISTEN_FD=1", "LISTEN_FDSX=1", "XLISTEN_FDS=1", "TSJAIL_FRONTIER=1", "TSJAIL_EXECUTOR=/x"];
  const pass = ["*", "LISTEN_*", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "TSJAIL_FRONT"];
  assert.equal(await resolve([...ours, ...others], { pass }), others);
  assert.equal(await resolve(ours, { pass, list: ["LISTEN_FDS=1"] }), ["LISTEN_FDS=1"]);
});

test("LISTEN_PID is the command's own where the plan says so, also in an environment that has nothing else", async () => {
  const supervise = { flags: ["init", "listen_fds"] } as const;
  const inherited = ["LISTEN_PID=77", "A=1"];
  assert.equal(await resolve(inherited, { pass: ["*"] }, { supervise }), ["A=1", "LISTEN_PID=2"]);
  assert.equal(await resolve(inherited, {}, { supervise }), ["LISTEN_PID=2"]);
});

test("of two of the same name the first one is passed", async () => {
  assert.equal(await resolve(["A=1", "B=1", "A=2", "A="], { pass: ["*"] }), ["A=1", "B=1"]);
  assert.equal(await resolve(["A=1", "A=2"], { pass: ["A"], unset: ["A"] }), []);
});

test("strings that are no variables are not passed: without a name, without a =, or empty", async () => {
  const caller = ["=x", "=", "A", "", "A=1", "=C:=C:\\"];
  for (const pass of [["*"], ["", "A"], ["*", ""]]) assert.equal(await resolve(caller, { pass }), ["A=1"]);
});

test("bytes that are not UTF-8 pass, in names and in values", async () => {
  const caller = ["A=\xff\x80\xc3", "\xfe\xff=1", "\xc3\xa4=\x01\x1b", "=\xff"];
  assert.equal(await resolve(caller, { pass: ["*"] }), caller.slice(0, 3));
  assert.equal(await resolve(caller, { pass: ["ä"] }), ["\xc3\xa4=\x01\x1b"]);
  assert.equal(await resolve(caller, { pass: ["*"], unset: ["ä", "A"] }), ["\xfe\xff=1"]);
});

test("an environment of a megabyte passes whole, and one of ten thousand variables", {
  timeLimit: 60,
}, async () => {
  const large = Array.from({ length: 10 }, (_, index) => `LARGE_${index}=${String(index).repeat(100_000)}`);
  assert.equal(await resolve(large, { pass: ["LARGE_*"], defaults: ["A=1"] }), [...large, "A=1"]);
  const many = Array.from({ length: 10_000 }, (_, index) => `VARIABLE_${index}=${index}`);
  assert.equal(
    await resolve(many, { pass: ["*"], unset: ["*9"] }),
    many.filter((one) => !/9=/.test(one)),
  );
});
