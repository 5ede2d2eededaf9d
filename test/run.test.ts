// The runner and its suite(): every way in which uvu says "passed" about something that did not
// pass, each beside a good twin. In: small test files in a temporary directory; out: what
// test/run.ts prints last, and its exit code.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as assert from "./support/assert.ts";
import { suite, type TestContext } from "./support/suite.ts";

const test = suite("run");
const support = join(import.meta.dirname, "support");
const header = `import { suite, skip } from ${JSON.stringify(join(support, "suite.ts"))};
import * as assert from ${JSON.stringify(join(support, "assert.ts"))};
const test = suite("fixture");
`;
const good = `${header}test("is good", () => assert.is(1, 1));\n`;

interface Run {
  last: string;
  output: string;
  code: number | null;
}

function write({ cleanup }: TestContext, files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), "tsjail-run-"));
  cleanup(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "package.json"), '{ "type": "module" }');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

function listArguments(directory: string, more: string[]): string[] {
  const runner = join(import.meta.dirname, "run.ts");
  return ["--import", import.meta.resolve("tsx"), runner, "--no-build", "--dir", directory, ...more];
}

function cleanEnvironment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { TSJAIL_MUST_WORK, TSJAIL_TEST_GREP, TSJAIL_TEST_REPORT, ...env } = process.env;
  return { ...env, ...more };
}

function run(directory: string, more: string[] = [], env: NodeJS.ProcessEnv = {}): Run {
  const options = { encoding: "utf8", env: cleanEnvironment(env), cwd: directory } as const;
  const { stdout, stderr, status } = spawnSync(process.execPath, listArguments(directory, more), options);
  return { last: stdout.trimEnd().split("\n").at(-1) ?? "", output: stdout + stderr, code: status };
}

/** One fixture file, and what has to be said about it. */
function judges(title: string, text: string, last: string, mention = /./): void {
  test(`${title}: ${last}`, (context) => {
    const result = run(write(context, { "one.test.ts": text }));
    assert.is(result.last, last, result.output);
    assert.match(result.output, mention);
    assert.is(result.code, last.includes(" 0 failed") ? 0 : 1);
  });
}

judges("a file with a good test", good, "1 passed, 0 failed");
test("files of one run have a directory in common, and it goes with the run", (context) => {
  const text = `${header}import { appendFileSync, readFileSync } from "node:fs";
test("tells", () => {
  const path = process.env.TSJAIL_TEST_SCRATCH + "/common";
  appendFileSync(path, "here\\n");
  const lines = readFileSync(path, "utf8");
  appendFileSync(process.env.SEEN, process.env.TSJAIL_TEST_SCRATCH + " " + lines.length + "\\n");
});`;
  const directory = write(context, { "one.test.ts": text, "two.test.ts": text });
  const seen = join(directory, "seen");
  const { last, output } = run(directory, ["--jobs", "1"], { SEEN: seen });
  assert.is(last, "2 passed, 0 failed", output);
  const [first = "", second] = readFileSync(seen, "utf8").split("\n");
  const scratch = first.replace(/ 5$/, "");
  assert.equal([first, second], [`${scratch} 5`, `${scratch} 10`]);
  assert.not(existsSync(scratch));
});
judges("a failed assertion", `${good}test("is bad", () => assert.is(1, 2));`, "1 passed, 1 failed", /is bad/);
judges("a thrown string", `${good}test("throws", () => { throw "text"; });`, "1 passed, 1 failed", /text/);
judges("a thrown null", `${header}test("throws", () => { throw null; });`, "0 passed, 1 failed", /null/);
judges("a rejected promise", `${good}test("rejects", async () => { throw 1; });`, "1 passed, 1 failed");
judges(
  "before() that throws",
  `${good}test.before(() => { throw new Error("no ground"); });`,
  "0 passed, 1 failed",
  /no ground/,
);
judges(
  "after() that throws",
  `${good}test.after(() => { throw "left over"; });`,
  "1 passed, 1 failed",
  /left over/,
);
judges("a file without tests", header, "0 passed, 1 failed", /has no tests/);
judges("a file that is not ours", "export {};", "0 passed, 1 failed", /no test ran/);
judges("a file that can't be loaded", `${good}throw new Error("at load");`, "0 passed, 1 failed", /at load/);
judges("a test after a top-level await", `${good}await null;\ntest("late", () => {});`, "2 passed, 0 failed");
judges(
  "a file that exits in a test",
  `${good}test("exits", () => process.exit(0));\ntest("never", () => {});`,
  "1 passed, 2 failed",
  /2 of 3 tests were never finished/,
);
judges(
  "an error after the last test",
  `${good}test("late", () => { setTimeout(() => { throw new Error("too late"); }, 50); });`,
  "2 passed, 1 failed",
  /too late/,
);
judges(
  "a test that never ends",
  `${header}test("hangs", { timeLimit: 0.1 }, () => new Promise(() => {}));\ntest("goes on", () => {});`,
  "1 passed, 1 failed",
  /time limit of 0\.1 s/,
);
judges(
  "an async function given to throws()",
  `${header}test("x", () => assert.throws(async () => { throw new Error(); }));`,
  "0 passed, 1 failed",
  /rejects/,
);
judges("a skip", `${good}test("x", () => skip("no moon"));`, "1 passed, 0 failed, 1 skipped", /no moon/);
judges(
  "a missing capability",
  `${good}test.needs("command:no-such-command")("x", () => {});`,
  "1 passed, 0 failed, 1 skipped",
  /no-such-command is not installed/,
);
judges(
  "a test for another user",
  `${good}test.needs("root")("x", () => {});\ntest.needs("user")("y", () => {});`,
  "2 passed, 0 failed",
  /1 not for this user/,
);

test("a run of zero tests fails", (context) => {
  const directory = write(context, { "one.test.ts": good });
  for (const more of [["no-such-file"], ["--grep", "no such title"]]) {
    const result = run(directory, more);
    assert.is(result.last, "0 passed, 1 failed");
    assert.is(result.code, 1);
  }
});

test("an unknown option is refused", (context) => {
  const result = run(write(context, { "one.test.ts": good }), ["--job", "3"]);
  assert.match(result.output, /--job/);
  assert.is(result.code, 1);
});

test("a skip fails where everything must work", (context) => {
  const directory = write(context, { "one.test.ts": `${good}test("x", () => skip("no moon"));` });
  const result = run(directory, [], { TSJAIL_MUST_WORK: "1" });
  assert.is(result.last, "1 passed, 1 failed");
  assert.match(result.output, /no moon/);
});

test("arguments choose files, by any part of their name", (context) => {
  const directory = write(context, { "a/one.test.ts": good, "a/two.test.ts": good, "b/three.test.ts": good });
  assert.is(run(directory).last, "3 passed, 0 failed");
  assert.is(run(directory, ["a/"]).last, "2 passed, 0 failed");
  assert.is(run(directory, ["one", "three"]).last, "2 passed, 0 failed");
  assert.is(run(directory, ["--except", "one"]).last, "2 passed, 0 failed");
});

test("cleanup runs last in first out, however the test ends", (context) => {
  const text = `${header}test("x", ({ cleanup }) => {
    cleanup(() => console.log("cleaned 1")); cleanup(() => console.log("cleaned 2")); throw new Error("x");
  });`;
  assert.match(run(write(context, { "one.test.ts": text })).output, /cleaned 2\n.*cleaned 1/);
});

test("serial files run alone, and last", (context) => {
  const note = (name: string) => `${header}import { appendFileSync } from "node:fs";
    test("x", async () => {
      appendFileSync("log", "${name}<"); await new Promise((r) => setTimeout(r, 300)); appendFileSync("log", ">");
    });`;
  const files = { "a.serial.test.ts": note("a"), "b.serial.test.ts": note("b"), "c.test.ts": note("c") };
  const directory = write(context, files);
  assert.is(run(directory, ["--jobs", "4"]).last, "3 passed, 0 failed");
  assert.is(readFileSync(join(directory, "log"), "utf8"), "c<>a<>b<>");
});

test("at its time limit a file ends with all that it started, and nothing else", async (context) => {
  const sleeper = `import { spawn } from "node:child_process";
    import { writeFileSync } from "node:fs";
    const child = spawn("sleep", ["1000"]);
    writeFileSync("pid", String(child.pid));\n`;
  const hanging = `// time-limit: 1s\n${header}${sleeper}test("hangs", () => { for (;;); });`;
  const directory = write(context, { "good.test.ts": good, "hanging.test.ts": hanging });
  const bystander = spawn("sleep", ["1000"]);
  context.cleanup(() => bystander.kill());
  const result = run(directory);
  assert.is(result.last, "1 passed, 1 failed", result.output);
  assert.match(result.output, /time limit of 1 s/);
  const pid = Number(readFileSync(join(directory, "pid"), "utf8"));
  assert.not.ok(isRunning(pid), "the child of the file is gone");
  assert.ok(isRunning(bystander.pid ?? 0), "the bystander is not");
});

test("an interrupted run ends its files", async (context) => {
  const waiting = `${header}import { writeFileSync } from "node:fs";
    test("waits", () => { writeFileSync("pid", String(process.pid)); return new Promise(() => {}); });
    setInterval(() => {}, 1000);`;
  const directory = write(context, { "one.test.ts": waiting });
  const runner = spawn(process.execPath, listArguments(directory, []), {
    env: cleanEnvironment(),
    cwd: directory,
  });
  const ended = new Promise((resolve) => runner.once("exit", (_, signal) => resolve(signal)));
  while (!existsSync(join(directory, "pid"))) await new Promise((resolve) => setTimeout(resolve, 50));
  runner.kill("SIGTERM");
  assert.is(await ended, "SIGTERM");
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.not.ok(isRunning(Number(readFileSync(join(directory, "pid"), "utf8"))));
});

/** A zombie that nobody has reaped yet counts as gone. */
function isRunning(pid: number): boolean {
  const status = `/proc/${pid}/stat`;
  return existsSync(status) && !/\) [ZX] /.test(readFileSync(status, "utf8"));
}
