// `tsjail compile`: where the plan goes, and what is in it. In: profiles and places. Out: files and errors. What the
// executor makes of such a file: shipped.test.ts.
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Operation, OperationName } from "../../src/plan/operations.ts";
import { decodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { expectRefusal, makeSurroundings, runLine, type Surroundings } from "./fixture.ts";

const test = suite("compile");
const small = '[root]\ntype = "empty"\n[process]\ntty = "never"\n';

const read = (around: Surroundings, name: string) => decodePlan(readFileSync(join(around.cwd, name)));
const list = (plan: readonly Operation[], op: OperationName) => plan.filter((one) => one.op === op);

const refuses = (around: Surroundings, argv: readonly string[], message: RegExp, code?: string) =>
  expectRefusal(["compile", ...argv], around, message, code);

test("writes the plan, and says how it is run", async (context) => {
  const around = makeSurroundings(context);
  writeFileSync(join(around.cwd, "jail.toml"), small);
  const { status, stdout, log } = await runLine(["compile", "./jail.toml", "-o", "jail.plan"], around);
  assert.equal([status, stdout], [0, ""]);
  assert.is(log, "./jail.toml: compiled. Run it with `tsjail run ./jail.plan COMMAND`.\n");
  assert.ok(list(read(around, "jail.plan"), "pivot").length === 1);
});

test("how it is run is said in words that can be copied", async (context) => {
  const around = makeSurroundings(context);
  writeFileSync(join(around.cwd, "jail.toml"), `command = ["id"]\n${small}`);
  mkdirSync(join(around.cwd, "a dir"));
  const tell = async (output: string) =>
    (await runLine(["compile", "./jail.toml", "--output", output], around)).log;
  assert.match(await tell("a b.plan"), /`tsjail run '\.\/a b\.plan'`/);
  assert.match(await tell("a dir/x"), /`tsjail run 'a dir\/x'`/);
  assert.match(await tell(join(around.cwd, "x")), /`tsjail run \/.*\/x`/);
});

test("has neither an explainer nor anything of this Node and package in it", async (context) => {
  const around = makeSurroundings(context);
  await runLine(["compile", "base", "-o", "x"], { ...around, self: ["/a/node", "/a/cli.js"] });
  const plan = read(around, "x");
  assert.equal(list(plan, "explain"), []);
  assert.equal(list(plan, "fact_invocation"), []);
  assert.equal(list(plan, "fact_file"), []);
  assert.equal(list(plan, "fact_caller").length, 1);
  const bytes = readFileSync(join(around.cwd, "x"), "latin1");
  assert.is(bytes.includes("/a/node"), false);
});

test("takes the options that change the jail, and not those of a single start", async (context) => {
  const around = makeSurroundings(context);
  writeFileSync(join(around.cwd, "jail.toml"), small);
  await runLine(
    ["compile", "--hostname", "box", "./jail.toml", "--set", "rlimits.nofile=77", "-o", "x"],
    around,
  );
  const plan = read(around, "x");
  assert.is((list(plan, "hostname")[0] as { name: string }).name, "box");
  assert.is((list(plan, "rlimit")[0] as { soft: bigint }).soft.toString(), "77");
  for (const options of [["--no-cache"], ["--fd", "3"], ["--status-fd", "3"], ["--profile", "base"]]) {
    await refuses(around, ["base", "-o", "y", ...options], /There is no option/);
  }
  assert.is(readdirSync(around.cwd).includes("y"), false);
});

test("wants a profile and a place, each once", async (context) => {
  const around = makeSurroundings(context);
  await refuses(around, ["base"], /needs to know where the plan goes/);
  await refuses(around, ["base", "-o", ""], /needs to know where the plan goes/);
  await refuses(around, ["base", "-o"], /--output has no value/);
  await refuses(around, ["-o", "x"], /needs PROFILE/);
  await refuses(around, ["base", "more", "-o", "x"], /"more" is too many/);
  await refuses(around, ["nosuch", "-o", "x"], /There is no profile "nosuch"/, "profile_not_found");
  writeFileSync(join(around.cwd, "bad.toml"), "hostnam = 1\n");
  await refuses(around, ["./bad.toml", "-o", "x"], /hostnam is not a key/, "profile_invalid");
  assert.is(readdirSync(around.cwd).includes("x"), false);
  await runLine(["compile", "base", "-o", "x", "-o", "y"], around);
  assert.equal(
    readdirSync(around.cwd).filter((name) => /^[xy]$/.test(name)),
    ["y"],
  );
});

test("can be written by its owner alone, and read by all, whatever the umask", async (context) => {
  const around = makeSurroundings(context);
  for (const mask of [0o002, 0o000, 0o077, 0o777]) {
    const before = process.umask(mask);
    try {
      await runLine(["compile", "base", "-o", `${mask}.plan`], around);
    } finally {
      process.umask(before);
    }
    assert.is(statSync(join(around.cwd, `${mask}.plan`)).mode & 0o7777, 0o644, String(mask));
  }
});

test("replaces a plan as a whole, also behind a link, and leaves nothing else", async (context) => {
  const around = makeSurroundings(context);
  const path = join(around.cwd, "x.plan");
  writeFileSync(path, "old");
  chmodSync(path, 0o666);
  symlinkSync("x.plan", join(around.cwd, "latest"));
  const before = lstatSync(path).ino;
  await runLine(["compile", "base", "-o", "latest"], around);
  assert.is(readlinkSync(join(around.cwd, "latest")), "x.plan");
  assert.ok(read(around, "x.plan").length > 10);
  assert.equal([lstatSync(path).ino === before, lstatSync(path).mode & 0o777], [false, 0o644]);
  assert.equal(readdirSync(around.cwd).sort(), ["latest", "x.plan"]);
});

test("says why a place can't be written, and leaves nothing there", async (context) => {
  const around = makeSurroundings(context);
  mkdirSync(join(around.cwd, "directory"));
  writeFileSync(join(around.cwd, "file"), "");
  await refuses(around, ["base", "-o", "directory"], /"directory" is a directory/);
  await refuses(around, ["base", "-o", "directory/"], /"directory\/" is a directory/);
  await refuses(around, ["base", "-o", "."], /"\." is a directory/);
  await refuses(
    around,
    ["base", "-o", "no/where"],
    /"no\/where" can't be written: there is no such directory/,
  );
  await refuses(around, ["base", "-o", "file/x"], /can't be written: a part of its path is not a directory/);
  await refuses(around, ["base", "-o", "/dev/null"], /"\/dev\/null" is not a regular file/);
  await refuses(around, ["base", "-o", "/proc/self/x"], /can't be written/);
  await refuses(around, ["base", "-o", "x".repeat(300)], /can't be written: its name is too long/);
  await refuses(around, ["base", "-o", "bad\u001B[2J/x"], /"bad\\u001b\[2J\/x"/);
  assert.equal(readdirSync(around.cwd).sort(), ["directory", "file"]);
});

test.needs("user")("says so where it may not write", async (context) => {
  const around = makeSurroundings(context);
  mkdirSync(join(around.cwd, "closed"));
  for (const [mode, what] of [
    [0o500, "writing"],
    [0, "looking"],
  ] as const) {
    chmodSync(join(around.cwd, "closed"), mode);
    await refuses(around, ["base", "-o", "closed/x"], /"closed\/x" can't be written: permission denied/);
    assert.is(statSync(join(around.cwd, "closed")).mode & 0o777, mode, what);
  }
});

test("keeps nothing in the cache, and makes no directory unless the jail could", async (context) => {
  const around = makeSurroundings(context);
  await runLine(["compile", "base", "-o", "x"], around);
  assert.equal(readdirSync(around.cwd), ["x"]);
  await runLine(["compile", "base", "-o", "x", "--bind", `${around.cwd}:${around.cwd}:rw`], around);
  assert.equal(readdirSync(around.cwd).sort(), [".cache", ".config", ".local", "x"]);
});

test("depends on tsjail's own directories only where the jail has them writable", async (context) => {
  const around = makeSurroundings(context);
  const places = (name: string) =>
    list(read(around, name), "fact_kind").flatMap((fact) => ("path" in fact ? [String(fact.path)] : []));
  await runLine(["compile", "base", "-o", "x"], around);
  assert.equal(
    places("x").filter((path) => path.includes(".cache")),
    [],
  );
  const write = ["--set", `files.write=["${around.cwd}"]`];
  await runLine(["compile", "base", "-o", "y", ...write], around);
  assert.ok(places("y").includes(join(around.cwd, ".cache/tsjail")));
});
