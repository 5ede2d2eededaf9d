// `tsjail --front PACKAGE WORD…`, what bin/tsjail executes. In: words, PATH, signals and limits as a caller may have
// them. Out: what a stand-in for Node gets to see. src/launch/front.ts reads TSJAIL_FRONT.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCapabilities } from "../../src/facts/kernel.ts";
import { readLandlock } from "../../src/facts/landlock.ts";
import * as assert from "../support/assert.ts";
import { executor } from "../support/executor.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { expectRefusal, nodeFlags, runWords } from "./run.ts";

const test = suite("native/front");
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
const notFound = /^tsjail: node is not in PATH; tsjail needs Node.js 20 or later to read profiles\n$/;
const notRun = /^tsjail: node was found in PATH and can't be executed\n$/;

/** A directory with a `node` that prints its words, or what else the script does. */
function makeNode({ cleanup }: TestContext, script = `printf '%s\\0' "$@"`, mode = 0o755): string {
  const directory = mkdtempSync(join(tmpdir(), "tsjail-front-"));
  cleanup(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "node"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, "node"), mode);
  return directory;
}

/** TSJAIL_FRONT as Node gets it, when the executor is started by this shell script; "$0" is the executor. */
function readFront(context: TestContext, script: string, env: NodeJS.ProcessEnv = {}): string {
  const path = makeNode(context, `printf '%s' "$TSJAIL_FRONT"`);
  const result = spawnSync("/bin/sh", ["-c", script, executor()], {
    encoding: "utf8",
    env: { PATH: `${path}:/usr/bin:/bin`, ...env },
  });
  assert.is(`${result.status} ${result.stderr}`, "0 ");
  return result.stdout;
}

const start = `exec "$0" --front /p`;
const ignored = (front: string): bigint => BigInt(/ ignored=(0x[0-9a-f]{16}) plan=/.exec(front)?.[1] ?? "-1");

test("executes node from PATH with the package's cli.cjs and every word as it is", (context) => {
  const words = ["--profile", "a b", "", "*", "$HOME", "it's", "--", "\\n", '"', "ü", "-"];
  const run = runWords(["--front", "/some where", ...words], { env: { PATH: makeNode(context) } });
  assert.equal(run.stdout.split("\0").slice(0, -1), [...nodeFlags, "/some where/dist/cli.cjs", ...words]);
  assert.equal([run.status, run.stderr], [0, ""]);
});

test("passes bytes that are no UTF-8 through", (context) => {
  const script = `exec "$0" --front /p "$(printf 'a\\377\\200b')" "$(printf '\\001\\033')"`;
  const path = makeNode(context);
  const result = spawnSync("/bin/sh", ["-c", script, executor()], { env: { PATH: `${path}:/usr/bin:/bin` } });
  assert.is(
    result.stdout.toString("latin1"),
    `${nodeFlags.join("\0")}\0/p/dist/cli.cjs\0a\xff\x80b\0\x01\x1b\0`,
  );
});

test("takes ten thousand words and an argument of 100 KB", (context) => {
  const words = [...Array.from({ length: 10_000 }, (_, index) => String(index)), "x".repeat(100_000)];
  const path = makeNode(context, `echo "$#"`);
  const run = runWords(["--front", "/p", ...words], { env: { PATH: path } });
  assert.is(run.stdout, `${10_002 + nodeFlags.length}\n`);
});

test("leaves the environment as it is, apart from its own variable", (context) => {
  const path = makeNode(context, "exec /usr/bin/env -0");
  const env = { PATH: path, A: "1", EMPTY: "", TSJAIL_FRONT: "version=9", TSJAIL_FRONTIER: "stays" };
  const names = runWords(["--front", "/p"], { env }).stdout.split("\0").slice(0, -1);
  const mine = names.filter((one) => one.startsWith("TSJAIL_FRONT="));
  assert.is(mine.length, 1, mine.join(" "));
  assert.match(mine[0] as string, /^TSJAIL_FRONT=version=\d/);
  const rest = names.filter((one) => !/^(TSJAIL_FRONT|PWD|SHLVL|_|OLDPWD)=/.test(one)).sort();
  assert.equal(rest, ["A=1", "EMPTY=", `PATH=${path}`, "TSJAIL_FRONTIER=stays"]);
});

test("keeps certificates from Node that it would read and nobody would use", (context) => {
  const path = makeNode(context, "exec /usr/bin/env -0");
  const env = { PATH: path, NODE_EXTRA_CA_CERTS: "/c", NODE_EXTRA_CA_CERTS_TOO: "1" };
  const names = runWords(["--front", "/p"], { env }).stdout.split("\0");
  assert.equal(names.filter((one) => one.includes("CERTS")).sort(), [
    "NODE_EXTRA_CA_CERTS_TOO=1",
    "TSJAIL_NODE_EXTRA_CA_CERTS=/c",
  ]);
});

test("says its version, the caller's open files limit, no signal, and the package as it was given", (context) => {
  const front = readFront(context, `ulimit -Sn 100; ulimit -Hn 200; ${start}`);
  assert.is(
    front.replace(/ plan=[3-9] ready=[3-9] /, " "),
    `version=${version} nofile=100:200 landlock=${readLandlock()} capabilities=${readCapabilities().toString(16).padStart(16, "0")} ignored=0x0000000000000000 package=/p`,
  );
});

test("says which signals the caller ignores", (context) => {
  const numbers = { HUP: 1, INT: 2, QUIT: 3, USR1: 10, PIPE: 13, TERM: 15, TSTP: 20, WINCH: 28 };
  for (const [name, number] of Object.entries(numbers)) {
    const front = readFront(context, `trap '' ${name}; ${start}`);
    assert.is(ignored(front), 1n << BigInt(number - 1), name);
  }
  assert.is(ignored(readFront(context, `trap '' INT QUIT; ${start}`)), 6n);
  assert.is(ignored(readFront(context, `trap : INT; ${start}`)), 0n);
});

test.needs("command:nohup")("sees nohup(1)", (context) => {
  const path = makeNode(context, `printf '%s' "$TSJAIL_FRONT"`);
  const env = { PATH: `${path}:/usr/bin:/bin` };
  const result = spawnSync("nohup", [executor(), "--front", "/p"], {
    encoding: "utf8",
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  assert.is(ignored(result.stdout), 1n);
});

test("takes the first node in PATH that can be executed", (context) => {
  const [good, plain] = [makeNode(context), makeNode(context, "exit 9", 0o644)];
  const other = makeNode(context, "exit 8");
  const paths = [
    `${good}:${other}`,
    `/nowhere:${good}`,
    `:${good}`,
    `/etc/passwd:${good}`,
    `${plain}:${good}`,
  ];
  for (const path of [...paths, `${"/x".repeat(2000)}:${good}`]) {
    const run = runWords(["--front", "/p"], { env: { PATH: path }, cwd: "/" });
    assert.is(
      `${run.status} ${run.stdout}`,
      `0 ${nodeFlags.join("\0")}\0/p/dist/cli.cjs\0`,
      path.slice(0, 60),
    );
  }
});

test("says when there is no node", (context) => {
  const empty = makeNode(context);
  rmSync(join(empty, "node"));
  for (const PATH of [empty, "/nowhere:/etc/passwd", "", ":::", `${"/x".repeat(3000)}`]) {
    const run = runWords(["--front", "/p", "bash"], { env: { PATH }, cwd: "/" });
    expectRefusal(run, notFound, PATH.slice(0, 40));
  }
});

test("says when the node that there is can't be executed", (context) => {
  const plain = makeNode(context, "exit 9", 0o644);
  const directory = mkdtempSync(join(tmpdir(), "tsjail-front-"));
  context.cleanup(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, "node"));
  const garbage = makeNode(context);
  writeFileSync(join(garbage, "node"), "\x7fELF garbage");
  for (const PATH of [plain, directory, garbage]) {
    expectRefusal(runWords(["--front", "/p"], { env: { PATH } }), notRun, PATH);
  }
});

test("wants a package whose path fits", (context) => {
  const env = { PATH: makeNode(context) };
  assert.is(runWords(["--front", `/${"x".repeat(700)}`], { env }).status, 0);
  const long = `/${"x".repeat(5000)}`;
  expectRefusal(
    runWords(["--front", long], { env }),
    /^tsjail: the path of the package is too long\n$/,
    "long",
  );
});
