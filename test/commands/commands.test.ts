// The commands that end by themselves, run in this process: what they print, write and return.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { TsjailError } from "../../src/error.ts";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { makeSurroundings, runLine } from "./fixture.ts";

const test = suite("commands");
const small = '[root]\ntype = "empty"\n[process]\ntty = "never"\n';
const fails = (code: string, message: RegExp) => (error: Error) => {
  assert.ok(error instanceof TsjailError, String(error));
  assert.is(error.code, code);
  assert.match(error.message, message);
  return true;
};

test("plan prints every operation with its origin, and the command", async (context) => {
  const around = makeSurroundings(context);
  writeFileSync(join(around.cwd, "jail.toml"), small);
  const { status, stdout } = await runLine(["plan", "-p", "./jail.toml", "ls", "-l"], around);
  assert.is(status, 0);
  assert.match(stdout, /pivot/);
  assert.match(stdout, /root_tmpfs.*# root\.type in \.\/jail\.toml:2/);
  assert.match(stdout, /command +ls -l/);
});

test("plan --json is the same plan as data", async (context) => {
  const around = makeSurroundings(context);
  writeFileSync(join(around.cwd, "jail.toml"), small);
  const { stdout } = await runLine(
    ["plan", "--json", "-p", "./jail.toml", "--hostname", "box", "ls"],
    around,
  );
  const { operations } = JSON.parse(stdout);
  const hostname = operations.find(({ op }: { op: string }) => op === "hostname");
  assert.is(hostname.name, "box");
  assert.match(hostname.origin, "--hostname box");
});

test("plan of each shipped profile can be made", async (context) => {
  const around = makeSurroundings(context);
  for (const name of ["base", "dev", "ci", "offline", "untrusted"]) {
    assert.is((await runLine(["plan", "-p", name, "true"], around)).status, 0, name);
  }
});

test("every option that changes the jail changes its plan", async (context) => {
  const around = makeSurroundings(context);
  writeFileSync(
    join(around.cwd, "jail.toml"),
    '[root]\ntype = "empty"\n[[mount]]\ntype = "dev"\ntarget = "/dev"\n',
  );
  mkdirSync(join(around.cwd, "data"));
  const plan = async (...options: string[]) =>
    (await runLine(["plan", "-p", "./jail.toml", ...options, "true"], around)).stdout;
  const plain = await plan();
  const lines = [
    ["--set", "rlimits.nofile=512"],
    ["--bind", "data:/data"],
    ["--tmpfs", "/scratch:1M"],
    ["--env", "A=1"],
    ["--net", "host"],
    ["--root", "data"],
    ["--user", "5"],
    ["--hostname", "box"],
    ["--timeout", "5s"],
    ["--tty"],
    ["--no-tty"],
    ["--no-init"],
    ["--fd", "3"],
    ["--status-fd", "3"],
  ];
  for (const options of lines) assert.is.not(await plan(...options), plain, options.join(" "));
});

test("check says that a good profile has no problems", async (context) => {
  const around = makeSurroundings(context);
  writeFileSync(join(around.cwd, "jail.toml"), small);
  const { status, stdout } = await runLine(["check", "./jail.toml"], around);
  assert.is(status, 0);
  assert.match(stdout, /^\.\/jail\.toml: no problems/);
});

test("check names all problems of a bad one", async (context) => {
  const around = makeSurroundings(context);
  writeFileSync(join(around.cwd, "bad.toml"), 'hostnam = "x"\n[rlimits]\nnofile = "many"\n');
  await assert.rejects(runLine(["check", "./bad.toml"], around), (error) => {
    assert.ok(error instanceof TsjailError);
    assert.is(error.exitStatus, 125);
    const text = `${error.message}\n${error.detail}\n${error.hint}`;
    assert.match(text, /hostnam/);
    assert.match(text, /nofile/);
    return true;
  });
});

test("init writes a profile that is valid, and touches nothing that exists", async (context) => {
  const around = makeSurroundings(context);
  const { status, log } = await runLine(["init"], around);
  assert.is(status, 0);
  assert.match(log, /wrote tsjail\.toml.*tsjail trust/);
  const path = join(around.cwd, "tsjail.toml");
  assert.is(parse(readFileSync(path, "utf8")).extends, "base");
  assert.is((await runLine(["check", "./tsjail.toml"], around)).status, 0);
  writeFileSync(path, "mine");
  await assert.rejects(runLine(["init"], around), fails("usage", /tsjail\.toml exists already/));
  assert.is(readFileSync(path, "utf8"), "mine");
});

test("init writes where it is told, but not through a symbolic link", async (context) => {
  const around = makeSurroundings(context);
  const { log } = await runLine(["init", "ci.toml"], around);
  assert.match(log, /tsjail --profile \.\/ci\.toml bash/);
  symlinkSync("elsewhere", join(around.cwd, "link.toml"));
  await assert.rejects(runLine(["init", "link.toml"], around), fails("usage", /exists already/));
  assert.is(existsSync(join(around.cwd, "elsewhere")), false);
  await assert.rejects(
    runLine(["init", "no/where.toml"], around),
    fails("usage", /can't be written \(ENOENT\)/),
  );
});

test("a ./tsjail.toml is used only while it is trusted", async (context) => {
  const around = makeSurroundings(context);
  const path = join(around.cwd, "tsjail.toml");
  writeFileSync(path, `${small}hostname = "mine"\n`.replace(/^(.*)\n(hostname.*)\n$/s, "$2\n$1\n"));
  const plan = () => runLine(["plan", "true"], around);
  await assert.rejects(plan(), fails("profile_untrusted", /tsjail\.toml has not been trusted/));
  assert.match((await runLine(["trust"], around)).log, /\.\/tsjail\.toml: trusted as it is now/);
  assert.match((await plan()).stdout, /hostname +mine/);
  writeFileSync(path, small);
  await assert.rejects(plan(), fails("profile_untrusted", /changed since/));
  assert.is((await runLine(["trust", "tsjail.toml"], around)).status, 0);
  assert.is((await plan()).status, 0);
});

test("trust can be taken back, once", async (context) => {
  const around = makeSurroundings(context);
  writeFileSync(join(around.cwd, "tsjail.toml"), small);
  await runLine(["trust"], around);
  assert.match((await runLine(["trust", "--revoke"], around)).log, /no longer trusted/);
  await assert.rejects(runLine(["plan", "true"], around), fails("profile_untrusted", /not been trusted/));
  await assert.rejects(runLine(["trust", "--revoke"], around), fails("usage", /is not trusted/));
});

test("an explicit --profile needs no trust", async (context) => {
  const around = makeSurroundings(context);
  writeFileSync(join(around.cwd, "tsjail.toml"), small);
  assert.is((await runLine(["plan", "--profile", "./tsjail.toml", "true"], around)).status, 0);
});

test("schema is a JSON Schema that knows the profile's keys", async (context) => {
  const { stdout } = await runLine(["schema"], makeSurroundings(context));
  const { $schema, properties } = JSON.parse(stdout);
  assert.match($schema, "json-schema.org");
  assert.ok("files" in properties && "rlimits" in properties);
});

test("completion refuses a shell it doesn't know", async (context) => {
  const around = makeSurroundings(context);
  await assert.rejects(runLine(["completion", "tcsh"], around), fails("usage", /a shell called tcsh/));
  assert.match((await runLine(["completion", "bash"], around)).stdout, /complete -F _tsjail tsjail/);
});
