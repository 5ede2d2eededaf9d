// `tsjail cache ls|clear`: what it prints, and how it fails. In: a home with kept plans. Out: lines, JSON, errors.
import { chmodSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashInvocation } from "../../src/cache/place.ts";
import type { Operation } from "../../src/plan/operations.ts";
import { encodePlan } from "../../src/plan/wire.ts";
import { planWith } from "../plan/sample.ts";
import * as assert from "../support/assert.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { expectRefusal, makeSurroundings, runLine, type Surroundings } from "./fixture.ts";

const test = suite("cache");

interface Kept extends Surroundings {
  readonly plans: string;
}

/** A home in which plans are kept, made at the turn of a minute each. */
function makeKept(context: TestContext, ...lines: (readonly string[])[]): Kept {
  const around = makeSurroundings(context);
  const plans = join(around.cwd, ".cache/tsjail/plans");
  mkdirSync(plans, { recursive: true });
  lines.forEach((options, index) => {
    const facts: Operation[] = [
      { op: "fact_invocation", origin: "a test", package: "/p", options, commands: [] },
      { op: "fact_directory", origin: "a test", path: "/a place" },
    ];
    const file = join(plans, `${hashInvocation({ packageWord: "/p", options, commands: [] }, "/a place")}-0`);
    writeFileSync(file, encodePlan(planWith(...facts)));
    const time = Date.UTC(2021, 4, 6, 7, index) / 1000;
    utimesSync(file, time, time);
  });
  return { ...around, plans };
}

const refuses = (around: Surroundings, argv: readonly string[], message: RegExp, code?: string) =>
  expectRefusal(["cache", ...argv], around, message, code);

test("ls has a line for each plan, the newest first, that can be read as a command line", async (context) => {
  const around = makeKept(context, ["-p", "dev"], [], ["--env", "A=b c\u001B[2J"]);
  const { status, stdout, log } = await runLine(["cache", "ls"], around);
  assert.equal([status, log], [0, ""]);
  const lines = stdout.replace(/ +\d+ bytes {2}/g, " SIZE ").split("\n");
  assert.equal(lines, [
    '2021-05-06 07:02:00 SIZE tsjail --env "A=b c\\x1b[2J"  in "/a place"',
    '2021-05-06 07:01:00 SIZE tsjail  in "/a place"',
    '2021-05-06 07:00:00 SIZE tsjail -p dev  in "/a place"',
    "",
  ]);
});

test("ls says what is of no use", async (context) => {
  const around = makeKept(context, []);
  writeFileSync(join(around.plans, "00000000-0"), "junk");
  const { stdout } = await runLine(["cache", "ls"], around);
  assert.match(stdout, /^\S+ \S+ +4 bytes {2}of no use: damaged, or of another version\n.*tsjail/);
});

test("ls --json is the same as data", async (context) => {
  const around = makeKept(context, ["-p", "dev"]);
  writeFileSync(join(around.plans, "00000000-0"), "junk");
  const { stdout } = await runLine(["cache", "ls", "--json"], around);
  const [junk, plan, ...rest] = JSON.parse(stdout);
  assert.equal(rest, []);
  assert.equal(plan.invocation, { options: ["-p", "dev"], directory: "/a place" });
  assert.equal([plan.time, plan.file.startsWith(around.plans)], [Date.UTC(2021, 4, 6, 7), true]);
  assert.equal([junk.size, "invocation" in junk], [4, false]);
});

test("ls says when there is nothing, and where it would be", async (context) => {
  const around = makeSurroundings(context);
  const { status, stdout, log } = await runLine(["cache", "ls"], around);
  assert.equal([status, stdout, log], [0, "", `No plan is kept in ${around.cwd}/.cache/tsjail/plans.\n`]);
  assert.is((await runLine(["cache", "--json", "ls"], around)).stdout, "[]\n");
  assert.equal(readdirSync(around.cwd), []);
});

test("clear removes them and says how many", async (context) => {
  const around = makeKept(context, [], ["-p", "dev"]);
  writeFileSync(join(around.plans, "notes"), "mine");
  assert.is((await runLine(["cache", "clear"], around)).log, "2 plans removed.\n");
  assert.equal(readdirSync(around.plans), ["notes"]);
  assert.is((await runLine(["cache", "clear"], around)).log, "0 plans removed.\n");
  writeFileSync(join(around.plans, "00000000-0"), "junk");
  assert.is((await runLine(["cache", "clear"], around)).log, "1 plan removed.\n");
  const { stdout, log } = await runLine(["cache", "clear", "--json"], around);
  assert.equal([stdout, log], ['{"removed":0}\n', ""]);
});

test("XDG_CACHE_HOME comes before HOME, unless it is relative", async (context) => {
  const around = makeKept(context, []);
  const count = async (environment: Record<string, string>) =>
    JSON.parse((await runLine(["cache", "ls", "--json"], { ...around, environment })).stdout).length;
  assert.is(await count({ HOME: "/nowhere", XDG_CACHE_HOME: join(around.cwd, ".cache") }), 1);
  assert.is(await count({ HOME: around.cwd, XDG_CACHE_HOME: ".cache" }), 1);
  assert.is(await count({ HOME: around.cwd, XDG_CACHE_HOME: "/nowhere" }), 0);
});

test("without a home there is nothing to list", async (context) => {
  const around = makeSurroundings(context);
  for (const environment of [{}, { HOME: "" }, { HOME: "relative", XDG_CACHE_HOME: "too" }]) {
    for (const action of ["ls", "clear"]) {
      await refuses(
        { ...around, environment },
        [action],
        /neither XDG_CACHE_HOME nor HOME/,
        "variable_unset",
      );
    }
  }
});

test("refuses what it does not know", async (context) => {
  const around = makeKept(context, []);
  await refuses(around, [], /needs ACTION: ls or clear/);
  await refuses(around, ["lss"], /does not know "lss"/);
  await refuses(around, ["\u001B[2J"], /does not know "\\u001b\[2J"/);
  await refuses(around, ["ls", "more"], /"more" is too many/);
  await refuses(around, ["clear", "--all"], /There is no option --all/);
  assert.is(readdirSync(around.plans).length, 1);
});

test("says why the directory can't be read", async (context) => {
  const around = makeSurroundings(context);
  mkdirSync(join(around.cwd, ".cache/tsjail"), { recursive: true });
  writeFileSync(join(around.cwd, ".cache/tsjail/plans"), "");
  await refuses(around, ["ls"], /plans can't be read: a part of its path is not a directory/);
  await refuses(around, ["clear"], /plans can't be cleared: a part of its path/);
});

test.needs("user")("says so where it may not look, or remove", async (context) => {
  const around = makeKept(context, []);
  chmodSync(around.plans, 0);
  await refuses(around, ["ls"], /can't be read: permission denied/);
  chmodSync(around.plans, 0o500);
  await refuses(around, ["clear"], /can't be cleared: permission denied/);
  assert.is(readdirSync(around.plans).length, 1);
  chmodSync(around.plans, 0o700);
});
