// Signals: what the caller sends arrives at the command, and the command starts with what the caller had ignored and
// with nothing else. In: the executor on a small plan, and bin/tsjail, behind which Node has been.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import * as assert from "../support/assert.ts";
import { runExecutor, startExecutor } from "../support/executor.ts";
import { startJail, tsjail } from "../support/jail.ts";
import { findLeft, makeMarker, pause, readField, until, watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";

const test = suite("signals").needs("userns", "command:cc");
const { signals } = constants;

/** KILL and STOP can't be caught. CHLD and PIPE are about the monitor's own children and pipes. TSTP, TTIN and TTOU
 * stop the jail. The rest is what the kernel says of a fault: it is the monitor's own, and ends it. */
const notForwarded: readonly NodeJS.Signals[] = [
  "SIGKILL",
  "SIGSTOP",
  "SIGCHLD",
  "SIGPIPE",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGILL",
  "SIGTRAP",
  "SIGBUS",
  "SIGFPE",
  "SIGSEGV",
  "SIGSYS",
];
const forwarded = Array.from({ length: 64 }, (_, index) => index + 1).filter(
  (number) => !notForwarded.some((name) => signals[name] === number),
);

test("every signal that can be forwarded reaches the command, once", async () => {
  const jail = watch(startExecutor(["/probe", "catch", "15"]));
  await jail.waitFor("ready\n");
  const others = forwarded.filter((number) => number !== signals.SIGTERM);
  for (const number of others) {
    process.kill(jail.child.pid as number, number);
    await jail.waitFor(`\n${number}\n`);
  }
  jail.child.kill("SIGTERM");
  const outcome = await jail.ended;
  assert.is(outcome.status, 0);
  assert.equal(outcome.stdout.trim().split("\n").slice(1).map(Number), [...others, signals.SIGTERM]);
});

test("without an init as well", async () => {
  const jail = watch(startExecutor(["/probe", "catch", "15"], { supervise: { flags: [] } }));
  await jail.waitFor("ready\n");
  for (const number of [signals.SIGHUP, signals.SIGUSR1, 40]) {
    process.kill(jail.child.pid as number, number);
    await jail.waitFor(`\n${number}\n`);
  }
  jail.child.kill("SIGTERM");
  assert.is((await jail.ended).status, 0);
});

test("a signal that nobody catches ends the command, and the jail with 128 + its number", async () => {
  for (const name of ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGALRM"] as const) {
    const jail = watch(startExecutor(["sh", "-c", "ulimit -c 0; echo ready; exec sleep 30"]));
    await jail.waitFor("ready");
    await pause(30);
    jail.child.kill(name);
    assert.is((await jail.ended).status, 128 + signals[name], name);
  }
});

test("SIGTSTP stops the monitor and the jail, SIGCONT lets both go on", async () => {
  const marker = `61.${process.pid}`; // seconds, and found again by it
  // A shell with job control: in a process group without one, SIGTSTP stops nobody. What bash's `wait` answers for a
  // job that was stopped once is not reliable, hence the status descriptor.
  const child = startExecutor(["sh", "-c", `echo ready; exec sleep ${marker}`], {
    through: ["bash", "-c", 'set -m; "$@" & wait -f $!', "bash"],
    supervise: { status_fd: 3 },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let report = "";
  child.stdio[3]?.on("data", (bytes: Buffer) => (report += bytes));
  const shell = watch(child);
  await shell.waitFor("ready");
  const monitor = findLeft(marker).find(({ parent }) => parent === child.pid)?.pid as number;
  const find = () => findLeft(marker).find(({ words }) => words.startsWith("sleep"))?.pid as number;
  await until(() => find() !== undefined, "the command to become sleep");
  const command = find();
  process.kill(monitor, "SIGTSTP");
  await until(() => readState(command) === "T", "the command to be stopped");
  await until(() => readState(monitor) === "T", "the monitor to be stopped");
  process.kill(monitor, "SIGCONT");
  await until(() => readState(monitor) !== "T" && readState(command) !== "T", "both to go on");
  process.kill(monitor, "SIGTERM");
  await shell.ended;
  assert.match(report, '"event":"exited","status":null,"signal":15');
});

test("where no shell is there to continue it, SIGTSTP stops nobody", async () => {
  const marker = makeMarker();
  const child = startExecutor(["sh", "-c", `echo ready; sleep 0.5; echo done; : ${marker}`], {
    detached: true,
  });
  const running = watch(child);
  await running.waitFor("ready");
  child.kill("SIGTSTP");
  assert.equal([(await running.ended).status, running.stdout()], [0, "ready\ndone\n"]);
});

test("the command starts with no signal blocked, and none ignored", async () => {
  for (const flags of [["init"], []] as const) {
    const status = (await runExecutor(["cat", "/proc/self/status"], { supervise: { flags } })).stdout;
    for (const field of ["SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd"]) {
      assert.is(readField(status, field), "0000000000000000", `${field}, ${flags}`);
    }
  }
});

test("it starts with those ignored that its caller ignores, SIGCHLD among them", async () => {
  for (const numbers of [[1, 17, 40], [1, 40], [17]]) {
    const ignore = `use POSIX; sigaction($_, POSIX::SigAction->new("IGNORE")) for (${numbers}); exec @ARGV`;
    for (const flags of [["init"], []] as const) {
      const outcome = await runExecutor(["cat", "/proc/self/status"], {
        ...{ through: ["perl", "-e", ignore, "--"], supervise: { flags } },
      });
      const expected = numbers.reduce((set, one) => set | (1n << BigInt(one - 1)), 0n);
      assert.is(readField(outcome.stdout, "SigIgn"), expected.toString(16).padStart(16, "0"), ignore);
    }
  }
});

test("a signal mask of the caller's is the command's", async () => {
  const block = "use POSIX; sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGUSR1)); exec @ARGV";
  const outcome = await runExecutor(["cat", "/proc/self/status"], { through: ["perl", "-e", block, "--"] });
  assert.is(readField(outcome.stdout, "SigBlk"), "0000000000000200");
});

/** What `cat /proc/self/status` says in a jail that was started by this shell script; "$@" is the jail. */
async function readStatusBehind(script: string, options = ["--no-cache"]): Promise<string> {
  const jail = [tsjail, "-p", "base", ...options, "--", "cat", "/proc/self/status"];
  const argv = ["-c", script, "bash", ...jail];
  const outcome = await watch(spawn("bash", argv, { cwd: "/", stdio: ["ignore", "pipe", "pipe"] })).ended;
  assert.equal([outcome.status, outcome.stderr], [0, ""]);
  return outcome.stdout;
}

test("Node's own SIGPIPE and SIGXFSZ are not ignored in the jail", async () => {
  const status = await readStatusBehind('exec "$@"');
  for (const field of ["SigBlk", "SigIgn"]) assert.is(readField(status, field), "0000000000000000", field);
});

test("what the caller ignores stays ignored through Node, and where a plan was kept and there is no Node", async () => {
  const ignored = ["HUP", "PIPE", "USR2"];
  const expected = ignored.reduce((set, name) => set + 2 ** (signals[`SIG${name}` as NodeJS.Signals] - 1), 0);
  for (const options of [["--no-cache"], [], []]) {
    const status = await readStatusBehind(`trap '' ${ignored.join(" ")}; exec "$@"`, options);
    assert.is(readField(status, "SigIgn"), expected.toString(16).padStart(16, "0"), options.join());
  }
  // The plan that was kept says nothing of them: it is as good for a caller who ignores none.
  assert.is(readField(await readStatusBehind('exec "$@"', []), "SigIgn"), "0000000000000000");
});

test("a writer whose reader is gone is ended by SIGPIPE", async () => {
  const script = '"$@" | head -n 1; echo "${PIPESTATUS[0]}"';
  for (const options of [["--no-cache"], [], []]) {
    const argv = ["-c", script, "bash", tsjail, "-p", "base", ...options, "--", "yes"];
    const child = spawn("bash", argv, { cwd: "/", stdio: ["ignore", "pipe", "inherit"] });
    assert.is((await watch(child).ended).stdout, "y\n141\n");
  }
});

test("SIGTERM and SIGINT while tsjail is still starting end it, with nothing left", {
  timeLimit: 60,
}, async () => {
  for (const [at, name] of [
    [5, "SIGTERM"],
    [40, "SIGINT"],
    [80, "SIGTERM"],
    [130, "SIGINT"],
    [200, "SIGTERM"],
  ] as const) {
    const marker = makeMarker();
    // Not a shell: where the start was over already, one would wait for its child before it minds a SIGINT.
    const options = ["--no-cache"];
    const running = startJail({ profile: "base", options, command: ["perl", "-e", "sleep 60", marker] });
    await pause(at);
    running.child.kill(name);
    const ending = await running.ended;
    assert.ok(
      ending.signal === name || ending.status === 128 + signals[name],
      JSON.stringify({ at, ending }),
    );
    assert.equal(findLeft(marker), []);
  }
});

function readState(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.charAt(stat.lastIndexOf(")") + 2);
}
