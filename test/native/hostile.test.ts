// time-limit: 180s
// A jail that works against its monitor, and a caller who starts it in odd ways. In: plans by hand. Out: the clock, the
// parent and the caller's own things are where they were. What a plan's bytes can do is in wire.test.ts.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import koffi from "koffi";
import type { Operation } from "../../src/plan/operations.ts";
import { encodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { makePlan, runExecutor, startExecutor } from "../support/executor.ts";
import { findLeft, listProcesses, pause, until, watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";
import { runBytes } from "./run.ts";

const all = suite("native/hostile");
const test = all.needs("userns");
const perl = all.needs("userns", "command:perl");
const origin = "a test";

const childOf = (pid: number | undefined): number | undefined =>
  listProcesses().find(({ parent }) => parent === pid)?.pid;

test("an init that is stopped, and a thousand signals for it, don't stop the clock", async () => {
  const child = startExecutor(["sleep", "60"], { supervise: { timeout: 1500, kill_after: 200 } });
  const { ended } = watch(child);
  await until(() => listProcesses().some(({ words }) => words === "sleep 60"), "the command to run");
  process.kill(childOf(child.pid) as number, "SIGSTOP");
  // Real-time signals queue up, each as a message to init.
  const numbers = Array.from({ length: 1000 }, (_, index) => 35 + (index % 25));
  for (const number of numbers) {
    process.kill(child.pid as number, number);
    if (number === 59) await pause(1);
  }
  assert.is((await ended).status, 124);
  assert.equal(findLeft("no such marker", child.pid), []);
});

test("a command that stops itself while others write as fast as they can doesn't stop the clock", async () => {
  const script = `for n in 1 2 3 4; do yes xxxxxxxxxxxxxxxx & done; sleep 0.3; kill -STOP $$; wait`;
  const supervise = { tty: "always", timeout: 1000, kill_after: 200 } as const;
  // In a group of its own, which nobody would continue, it is not stopped itself.
  const child = startExecutor(["sh", "-c", script], { supervise, detached: true });
  const started = performance.now();
  child.stdout?.pause();
  const reader = setInterval(() => child.stdout?.read(4096), 20);
  const status = await new Promise((resolve) => child.once("exit", resolve));
  clearInterval(reader);
  child.stdout?.destroy();
  assert.is(status, 124);
  // Twice five seconds are how long it waits for a terminal that takes nothing.
  assert.ok(performance.now() - started < 15_000, `${performance.now() - started} ms`);
});

test("times that no clock will ever show are no limit", async () => {
  for (const time of [2n ** 64n - 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 53n, 2n ** 32n]) {
    const outcome = await runExecutor(["sh", "-c", "exit 7"], {
      supervise: { timeout: time, kill_after: time },
    });
    assert.is(`${outcome.status} ${outcome.stderr}`, "7 ", String(time));
  }
});

test("descriptors of the monitor's own can't be asked for", () => {
  for (let fd = 4; fd < 16; fd++) {
    const host: Operation[] = [{ op: "pass_fd", origin, fd }];
    for (const wish of [{ host }, { supervise: { status_fd: fd } }]) {
      const run = runBytes(encodePlan(makePlan(wish)), ["true"]);
      assert.is(run.status, 125, `descriptor ${fd}: ${JSON.stringify(run)}`);
      assert.match(run.stderr, /errno 9 \(EBADF\)\n$/);
    }
  }
  // The plan is descriptor 3 here; the twin is one that the caller has.
  const plan = (fd: number) => encodePlan(makePlan({ supervise: { status_fd: fd } }));
  assert.is(runBytes(plan(3), ["true"]).status, 125);
  assert.match(runBytes(plan(1), ["true"]).stdout, /"event":"exited"/);
});

perl("a caller who ignores SIGCHLD learns how the command ended", async () => {
  const script = `$SIG{CHLD} = "IGNORE"; exec @ARGV`;
  const through = ["perl", "-e", script];
  for (const flags of [["init"], []] as const) {
    const outcome = await runExecutor(["sh", "-c", "exit 7"], { through, supervise: { flags } });
    assert.is(`${outcome.status} ${outcome.stderr}`, "7 ");
  }
});

const numbers = {
  x64: { add: 248, request: 249, keyctl: 250 },
  arm64: { add: 217, request: 218, keyctl: 219 },
};
const number = numbers[process.arch === "arm64" ? "arm64" : "x64"];

const libc = koffi.load(null);
const calls = {
  keyctl: libc.func("long syscall(long number, long operation, void *argument)"),
  find: libc.func("long syscall(long number, long operation, long id, long create)"),
  add: libc.func("long syscall(long number, str type, str name, str payload, long length, long keyring)"),
};
const addKey = (name: string, text: string): boolean =>
  calls.add(number.add, "user", name, text, text.length, -3) >= 0;

/** A new session keyring of this process, and of what it starts, with a key in it. */
function makeKeyring(): void {
  calls.keyctl(number.keyctl, 1, null);
  if (!addKey("tsjail-test", "a secret")) throw new Error(`add_key failed, errno ${koffi.errno()}`);
}

/** Asks for the key and prints what is in it. */
const readKey = `my ($type, $name, $text) = ("user", "tsjail-test", "\\0" x 64);
my $key = syscall(${number.request}, $type, $name, 0, 0);
my $length = $key < 0 ? -1 : syscall(${number.keyctl}, 11, $key, $text, 64);
print $length < 0 ? "no key" : substr($text, 0, $length)`;

perl("the caller's session keyring stays outside", async () => {
  makeKeyring();
  const outside = await watch(spawn("perl", ["-e", readKey], { stdio: ["ignore", "pipe", "pipe"] })).ended;
  assert.is(`${outside.stdout}${outside.stderr}`, "a secret");
  const inside = await runExecutor(["perl", "-e", readKey]);
  assert.is(`${inside.stdout}${inside.stderr}`, "no key");
});

all.needs(
  "user",
  "userns",
  "command:perl",
)("a user who has all the keys they may have starts jails", async () => {
  makeKeyring();
  try {
    // 200 are an ordinary user's (keyrings(7)). A keyring counts too, for a while also one that is in use no more.
    const keys = Array.from({ length: 1000 }, (_, index) => index);
    assert.ok(
      keys.some((index) => !addKey(`tsjail-test-${index}`, "x")),
      "the quota was not reached",
    );
    const outcomes = await Promise.all([1, 2, 3].map(() => runExecutor(["perl", "-e", readKey])));
    for (const { status, stdout, stderr } of outcomes) assert.is(`${status} ${stdout}${stderr}`, "0 no key");
  } finally {
    calls.keyctl(number.keyctl, 1, null);
  }
});

/** KEYCTL_DESCRIBE of a keyring by its number, and the errno. */
const describeKeyring = (serial: number) =>
  `my $text = "\\0" x 200; my $length = syscall(${number.keyctl}, 6, ${serial}, $text, 200);
print $length < 0 ? "errno " . int($!) : "length $length"`;

perl("no keyring of the user's is reached by its number", async () => {
  // KEYCTL_GET_KEYRING_ID of KEY_SPEC_USER_KEYRING: it is there for every process of this user's, in any namespace.
  const serial = calls.find(number.keyctl, 0, -4, 1);
  assert.ok(Number(serial) > 0);
  const script = describeKeyring(Number(serial));
  const outside = await watch(spawn("perl", ["-e", script], { stdio: ["ignore", "pipe", "pipe"] })).ended;
  assert.match(outside.stdout, /^length \d+$/);
  const inside = await runExecutor(["perl", "-e", script]);
  assert.is(`${inside.stdout}${inside.stderr}`, `errno ${constants.errno.ENOSYS}`);
});

test("twenty thousand words don't stay in memory", async ({ cleanup }) => {
  const words = Array.from({ length: 20_000 }, () => "x");
  const child = startExecutor(["sh", "-c", "echo ready; cat", ...words], { stdio: ["pipe", "pipe", "pipe"] });
  const { waitFor, ended } = watch(child);
  cleanup(() => child.kill("SIGKILL"));
  await waitFor("ready");
  const status = await watch(spawn("cat", [`/proc/${childOf(child.pid)}/status`])).ended;
  const kib = Number(/VmRSS:\s+(\d+) kB/.exec(status.stdout)?.[1]);
  // Twenty thousand pages of their own would be 80 MB. A sanitizer's shadow counts too.
  assert.ok(kib > 0 && kib < 40_000, `${kib} KiB`);
  child.stdin?.end();
  assert.is((await ended).status, 0);
});

test("nobody but the executor is named by /proc/1, from the first moment", async () => {
  const outcome = await runExecutor(["cat", "/proc/1/cmdline"]);
  assert.match(outcome.stdout, /^tsjail\0+$/);
});
