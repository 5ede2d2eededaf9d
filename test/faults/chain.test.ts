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

/** Behind Node; and from a plan that was kept, once a start has kept one. */
const ways = ["--no-cache", "--no-tty"] as const;
type Way = (typeof ways)[number];

function run(name: string, errno: string, marker: string, way: Way, at = 1): Promise<Outcome> {
  const inject = ["-e", `trace=${name}`, "-e", `inject=${name}:error=${errno}:when=${at}`];
  const command = [tsjail, "-p", "base", way, "--", "sh", "-c", `echo ran; : ${marker}`];
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
  const all = ways.flatMap((way) => cases.map((one) => [way, ...one] as const));
  for (const [way, name, errno, words] of all) {
    const marker = makeMarker();
    const outcome = await run(name, errno, marker, way);
    const what = `${name}, ${way}: ${JSON.stringify(outcome)}`;
    assert.equal([outcome.status, outcome.stdout], [125, ""], what);
    assert.match(outcome.stderr, words, what);
    assert.is(outcome.stderr.match(/^tsjail: /gm)?.length, 1, what);
    assert.not.match(outcome.stderr, /^ +at .*\.(js|ts)/m, what);
    assert.equal(findLeft(marker), [], what);
  }
  assert.is(readFileSync("/proc/self/mountinfo", "utf8"), mounts);
});

test("the twin, where nothing fails", { timeLimit: 60 }, async () => {
  for (const way of ways) {
    const outcome = await run("sethostname", "EPERM", makeMarker(), way, 9);
    assert.equal([outcome.status, outcome.stdout, outcome.stderr], [0, "ran\n", ""]);
  }
});
