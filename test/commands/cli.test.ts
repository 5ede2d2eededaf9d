// cli.ts as a process: exit statuses, what goes to which descriptor, and what of the environment it leaves alone.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "../support/assert.ts";
import { suite } from "../support/suite.ts";
import { root } from "./fixture.ts";

const test = suite("cli");
const directory = mkdtempSync(join(tmpdir(), "tsjail-cli-"));
test.after(() => rmSync(directory, { recursive: true, force: true }));
const cli = ["--import", import.meta.resolve("tsx"), join(root, "src/cli.ts")];

function run(argv: readonly string[], environment: Record<string, string> = {}) {
  return spawnSync(process.execPath, [...cli, ...argv], {
    encoding: "utf8",
    cwd: directory,
    env: { PATH: process.env.PATH ?? "", HOME: directory, ...environment },
  });
}

test("--version is one line on standard output", () => {
  const { status, stdout, stderr } = run(["--version"]);
  assert.equal([status, stderr], [0, ""]);
  assert.match(stdout, /^tsjail \d+\.\d+\.\d+\n$/);
});

test("--help goes to standard output, without colours where that is no terminal", () => {
  const { status, stdout, stderr } = run(["--help"]);
  assert.equal([status, stderr], [0, ""]);
  assert.match(stdout, "USAGE tsjail");
  assert.not.match(stdout, "\u001B");
  assert.match(run(["--help"], { FORCE_COLOR: "1" }).stdout, "\u001B[");
  assert.not.match(run(["--help"], { FORCE_COLOR: "1", NO_COLOR: "1" }).stdout, "\u001B");
});

test("an error goes to standard error, with status 125 and a hint", () => {
  const { status, stdout, stderr } = run(["--profil", "dev", "ls"]);
  assert.equal([status, stdout], [125, ""]);
  assert.is(
    stderr,
    "tsjail: There is no option --profil.\n  hint: Did you mean --profile? `--help` lists all of them.\n",
  );
});

test("a profile that isn't there is an error that says where it was looked for", () => {
  const { status, stderr } = run(["-p", "bsae", "ls"], {
    TSJAIL_FRONT: "version=0.1.0 nofile=1:1 ignored=0x0",
  });
  assert.is(status, 125);
  assert.match(stderr, /There is no profile "bsae"\. Did you mean "base"\?/);
});

test("check ends with 125 and all problems, or with 0", () => {
  writeFileSync(join(directory, "bad.toml"), "hostnam = 1\nworkdi = 2\n");
  const bad = run(["check", "./bad.toml"]);
  assert.is(bad.status, 125);
  assert.match(bad.stderr, "hostnam");
  assert.match(bad.stderr, "workdi");
  writeFileSync(join(directory, "good.toml"), '[root]\ntype = "empty"\n[process]\ntty = "never"\n');
  assert.is(run(["check", "./good.toml"]).status, 0);
});

test("init writes into the current directory and says so on standard error", () => {
  const { status, stdout, stderr } = run(["init", "new.toml"]);
  assert.equal([status, stdout], [0, ""]);
  assert.match(stderr, /^tsjail: wrote new\.toml/);
  assert.is(run(["init", "new.toml"]).status, 125);
});

test("a reader that has gone is no bug of ours", async () => {
  const child = spawn(process.execPath, [...cli, "schema"], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.destroy();
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const status = await new Promise((resolve) => child.on("close", resolve));
  assert.equal([status, stderr], [141, ""]);
});

test("a current directory that is gone is an error, not a bug", () => {
  const line = `mkdir gone; cd gone; rmdir ../gone; exec "$@" plan true`;
  const result = spawnSync("sh", ["-c", line, "sh", process.execPath, ...cli], {
    encoding: "utf8",
    cwd: directory,
    env: { PATH: process.env.PATH ?? "" },
  });
  assert.is.not(result.status, 0);
  assert.not.match(result.stderr, /bug in tsjail/);
});

test("no variable of the caller's is in the plan, though a profile passes everything", () => {
  writeFileSync(
    join(directory, "all.toml"),
    '[root]\ntype = "empty"\n[process]\ntty = "never"\n[env]\nclear = false\n',
  );
  const front = "version=0.1.0 nofile=100:200 ignored=0x0";
  const { stdout } = run(["plan", "-p", "./all.toml", "true"], { TSJAIL_FRONT: front, SEEN: "yes" });
  assert.match(stdout, /environment .*passed: \*/);
  assert.not.match(stdout, /SEEN|yes|TSJAIL_FRONT|nofile/);
});

test("explain words the executor's report, with the command's status", () => {
  const { status, stderr } = run([
    "explain",
    ..."--plan-fd -1 --op -1 --step 0 --reason 0 --errno 1".split(" "),
  ]);
  assert.is(status, 125);
  assert.match(stderr, /^tsjail: /);
});

test("a report that can't be read is a bug, and says so", () => {
  const { status, stderr } = run(["explain", "nonsense"]);
  assert.is(status, 125);
  assert.match(stderr, /report can't be read: nonsense/);
});

test("an executable profile runs itself, with options, subcommands and commands after it", () => {
  mkdirSync(join(directory, "bin"));
  const words = [process.execPath, ...cli].map((word) => `'${word}'`).join(" ");
  writeFileSync(join(directory, "bin/tsjail"), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  const profile = join(directory, "jail.toml");
  const text =
    '#!/usr/bin/env -S tsjail --profile\nhostname = "itself"\n[root]\ntype = "empty"\n[process]\ntty = "never"\n';
  writeFileSync(profile, text);
  chmodSync(profile, 0o755);
  const result = spawnSync("./jail.toml", ["--timeout", "3s", "plan", "ls", "--help"], {
    encoding: "utf8",
    cwd: directory,
    env: { PATH: `${join(directory, "bin")}:${process.env.PATH}`, HOME: directory },
  });
  assert.is(result.stderr, "");
  assert.match(result.stdout, /hostname +itself/);
  assert.match(result.stdout, /timeout 3 s/);
  assert.match(result.stdout, /command +ls --help/);
});
