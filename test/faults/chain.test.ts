// time-limit: 200s
// The same through the whole: Node, the executor, and the program that puts a failure into words. In: bin/tsjail
// below strace, which fails system calls that Node itself does not make. Out: the message that a person reads.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { isPlain } from "../support/inject.ts";
import { tsjail } from "../support/jail.ts";
import { findLeft, makeMarker, type Outcome, watch } from "../support/process.ts";
import { skip, suite } from "../support/suite.ts";

const test = suite("faults, whole").needs("userns", "command:strace");

function run(name: string, errno: string, marker: string, at = 1): Promise<Outcome> {
  const inject = ["-e", `trace=${name}`, "-e", `inject=${name}:error=${errno}:when=${at}`];
  const command = [tsjail, "-p", "base", "--", "sh", "-c", `echo ran; : ${marker}`];
  const stdio = ["ignore", "pipe", "pipe"] as const;
  const child = spawn("strace", ["-f", "-qq", "-o", "/dev/null", ...inject, ...command], {
    cwd: "/",
    stdio: [...stdio],
  });
  return watch(child, 40).ended;
}

const cases: readonly [name: string, errno: string, words: RegExp][] = [
  ["fsopen", "EPERM", /tmpfs|fsopen/],
  ["mount_setattr", "ENOSYS", /5\.12|mount_setattr/],
  ["open_tree", "EACCES", /open_tree|permission|EACCES/i],
  ["pivot_root", "EINVAL", /pivot_root/],
  ["sethostname", "EPERM", /host ?name/i],
  ["capset", "EPERM", /capset|capabilit/i],
  ["signalfd4", "EMFILE", /signalfd|EMFILE|too many/i],
];

test("a failed call becomes one message that says what and why", { timeLimit: 180 }, async () => {
  if (!isPlain()) skip("the sanitized executor makes calls of its own");
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  for (const [name, errno, words] of cases) {
    const marker = makeMarker();
    const outcome = await run(name, errno, marker);
    const what = `${name}: ${JSON.stringify(outcome)}`;
    assert.equal([outcome.status, outcome.stdout], [125, ""], what);
    assert.match(outcome.stderr, words, what);
    assert.is(outcome.stderr.match(/^tsjail: /gm)?.length, 1, what);
    assert.not.match(outcome.stderr, /^ +at .*\.(js|ts)/m, what);
    assert.equal(findLeft(marker), [], what);
  }
  assert.is(readFileSync("/proc/self/mountinfo", "utf8"), mounts);
});

test("the twin, where nothing fails", { timeLimit: 60 }, async () => {
  const outcome = await run("sethostname", "EPERM", makeMarker(), 9);
  assert.equal([outcome.status, outcome.stdout, outcome.stderr], [0, "ran\n", ""]);
});
