// What Node hands over to the executor that has started it (native/node.c). In: a stand-in for Node that writes a plan,
// a count of words, neither, or nonsense. Out: how the executor goes on.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { executor, makePlan } from "../support/executor.ts";
import { until } from "../support/process.ts";
import { suite, type TestContext } from "../support/suite.ts";
import { damaged, expectRefusal, runWords } from "./run.ts";

const test = suite("native/node").needs("userns", "command:cc");

/** `node` as a shell script. `hand N` hands the plan over, for the last N-1 words. */
function makeNode(
  { cleanup }: TestContext,
  script: string,
  plan = encodePlan(makePlan()),
): NodeJS.ProcessEnv {
  const directory = mkdtempSync(join(tmpdir(), "tsjail-node-"));
  cleanup(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "plan"), plan);
  const text = `#!/bin/sh
plan=\${TSJAIL_FRONT#* plan=} ready=\${TSJAIL_FRONT#* ready=}
plan=\${plan%% *} ready=\${ready%% *}
hand() { cat ${directory}/plan >&$plan; printf "\\\\$1\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0" >&$ready; }
${script}
`;
  writeFileSync(join(directory, "node"), text, { mode: 0o755 });
  return { PATH: `${directory}:/usr/bin:/bin`, HOME: directory, DIRECTORY: directory };
}

const words = ["--front", "/p", "-p", "x", "--"];

test("a plan that is handed over is carried out, on as many of the last words as it says", (context) => {
  const env = makeNode(context, "hand 4; kill -KILL $$");
  const run = runWords([...words, "sh", "-c", "echo done; exit 7"], { env });
  assert.equal([run.status, run.stdout, run.stderr], [7, "done\n", ""]);
});

test("the process stays the same one, with its limits, signals and descriptors", (context) => {
  const env = makeNode(context, "ulimit -n 64; hand 4; kill -KILL $$");
  const script = `trap '' USR1; ulimit -Sn 99; exec 9</dev/null; exec ${executor()} "$@"`;
  const show = "ulimit -n; grep SigIgn /proc/self/status; ls /proc/self/fd";
  const argv = ["-c", script, "sh", ...words, "sh", "-c", show];
  const result = spawnSync("sh", argv, { env, encoding: "utf8" });
  assert.is(result.stderr, "");
  assert.equal(result.stdout.split(/\s+/).slice(0, 3), ["99", "SigIgn:", "0000000000000200"]);
  assert.not.match(result.stdout, "memfd");
});

test("where nothing is handed over its end is ours", (context) => {
  for (const [script, status] of [
    ["exit 0", 0],
    ["exit 125", 125],
    ["hand 0; exit 3", 3],
    [`cat "$DIRECTORY/plan" >&$plan; exit 4`, 4],
    ["printf '\\1' >&$ready; exit 5", 5],
    // More words than there are.
    ["hand 20; exit 6", 6],
  ] as const) {
    const run = runWords([...words, "true"], { env: makeNode(context, script) });
    assert.is(run.status, status, script);
    assert.is(run.stdout, "", script);
  }
  for (const signal of ["SIGTERM", "SIGKILL", "SIGINT"] as const) {
    const run = runWords(words, { env: makeNode(context, `kill -${signal.slice(3)} $$`) });
    assert.equal([run.status, run.signal], [null, signal]);
  }
});

test("a Node that does not know one of our options is started once more without them", (context) => {
  const env = makeNode(context, `case $1 in --*) exit 9 ;; esac; hand 2; kill -KILL $$`);
  const run = runWords([...words, "true"], { env });
  assert.equal([run.status, run.stderr], [0, ""]);
  // And no more than once.
  assert.is(runWords([...words, "true"], { env: makeNode(context, "exit 9") }).status, 9);
});

test("a caller that ignores SIGCHLD gets the same end", (context) => {
  const env = makeNode(context, "exit 9");
  const result = spawnSync("sh", ["-c", `trap '' CHLD; exec ${executor()} "$@"`, "sh", ...words], { env });
  assert.is(result.status, 9);
});

test("a plan that is damaged is refused", (context) => {
  const env = makeNode(context, "hand 2; kill -KILL $$", Buffer.from("TSJP"));
  expectRefusal(runWords([...words, "true"], { env }), damaged, "damaged");
});

/** The pid that the script has written, or 0 as long as it has not. */
function readPid({ DIRECTORY = "" }: NodeJS.ProcessEnv): number {
  try {
    return Number(/^(\d+)\n/.exec(readFileSync(join(DIRECTORY, "pid"), "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** A zombie, too, is there. */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("nothing is left of it while the command runs", async (context) => {
  const env = makeNode(context, `echo $$ >"$DIRECTORY/pid"; hand 3; kill -KILL $$`);
  const child = spawn(executor(), [...words, "sleep", "60"], { env, stdio: "ignore" });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  await until(() => readPid(env) !== 0 && !isThere(readPid(env)), "Node is gone");
  assert.is(child.exitCode, null);
  child.kill("SIGTERM");
  assert.is(await ended, 143);
});

test("it ends with the executor that has started it", async (context) => {
  const env = makeNode(context, `echo $$ >"$DIRECTORY/pid"; exec sleep 60`);
  const child = spawn(executor(), words, { env, stdio: "ignore" });
  await until(() => readPid(env) !== 0, "Node has started");
  child.kill("SIGKILL");
  await until(() => !isThere(readPid(env)), "Node is gone");
  assert.is(child.signalCode, "SIGKILL");
});
