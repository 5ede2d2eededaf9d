// --status-fd: JSON lines for programs. In: the executor with a pipe for them, and bin/tsjail.

import { spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import type { Readable } from "node:stream";
import * as assert from "../support/assert.ts";
import { type StartWish, startExecutor } from "../support/executor.ts";
import { tsjail } from "../support/jail.ts";
import { listProcesses, type Outcome, until, watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";

const test = suite("status").needs("userns", "command:cc");

interface Started {
  event: "started";
  pid: number;
  namespaces: Record<string, number>;
}
interface Exited {
  event: "exited";
  status: number | null;
  signal: number | null;
  timedOut: boolean;
  rusage: { userMicroseconds: number; systemMicroseconds: number; maxRssKib: number };
}

async function report(
  command: string[],
  wish: StartWish = {},
): Promise<{ lines: [Started, Exited]; outcome: Outcome }> {
  const supervise = { ...wish.supervise, status_fd: 3 };
  const child = startExecutor(command, { ...wish, supervise, stdio: ["ignore", "pipe", "pipe", "pipe"] });
  const heard: Buffer[] = [];
  (child.stdio[3] as NodeJS.ReadableStream).on("data", (bytes: Buffer) => heard.push(bytes));
  const outcome = await watch(child).ended;
  const text = Buffer.concat(heard).toString();
  assert.match(text, /^(\{.*\}\n)*$/);
  return {
    lines: text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line)) as [Started, Exited],
    outcome,
  };
}

test("says when the jail has started, and how the command has ended", async () => {
  const { lines, outcome } = await report(["sh", "-c", "exit 7"]);
  assert.is(outcome.status, 7);
  assert.equal(
    lines.map(({ event }) => event),
    ["started", "exited"],
  );
  const { rusage, ...exited } = lines[1];
  assert.equal(exited, { event: "exited", status: 7, signal: null, timedOut: false });
  for (const value of Object.values(rusage))
    assert.ok(Number.isInteger(value) && value >= 0, JSON.stringify(rusage));
  assert.ok(rusage.maxRssKib > 100, JSON.stringify(rusage));
});

test("the pid is init's as the host sees it, and the namespaces are the ones that the command is in", async () => {
  const script =
    'for name in cgroup ipc mnt net pid time user uts; do echo "$name $(readlink /proc/self/ns/$name)"; done';
  const { lines, outcome } = await report(["sh", "-c", script]);
  const inside = outcome.stdout
    .trim()
    .split("\n")
    .map((line) => line.split(" ") as [string, string]);
  const { namespaces } = lines[0];
  assert.equal(Object.keys(namespaces), ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"]);
  for (const [name, link] of inside) {
    assert.is(link, `${name}:[${namespaces[name]}]`);
    assert.is.not(link, readlinkSync(`/proc/self/ns/${name}`), `${name} is another one than ours`);
  }
});

test("the pid leads to the jail's processes while it runs", async () => {
  const supervise = { status_fd: 3 };
  const child = startExecutor(["sleep", "20"], { supervise, stdio: ["ignore", "pipe", "pipe", "pipe"] });
  let text = "";
  (child.stdio[3] as NodeJS.ReadableStream).on("data", (bytes: Buffer) => (text += bytes));
  const ended = watch(child).ended;
  await until(() => text.includes("\n"), "the line");
  const { pid } = JSON.parse(text) as Started;
  const processes = listProcesses();
  assert.is(processes.find((one) => one.pid === pid)?.parent, child.pid);
  assert.is(processes.find((one) => one.parent === pid)?.words, "sleep 20");
  child.kill("SIGKILL");
  await ended;
  await until(() => !listProcesses().some((one) => one.pid === pid), "init to end");
});

test("a signal is told as one, and a timeout as one", async () => {
  const killed = await report(["/probe", "signal", "9"]);
  assert.equal([killed.lines[1].status, killed.lines[1].signal, killed.outcome.status], [null, 9, 137]);
  const late = await report(["sleep", "20"], { supervise: { timeout: 200 } });
  assert.equal([late.lines[1].signal, late.lines[1].timedOut, late.outcome.status], [15, true, 124]);
});

test("without an init as well", async () => {
  const { lines, outcome } = await report(["sh", "-c", "exit 7"], { supervise: { flags: [] } });
  assert.is(outcome.status, 7);
  assert.equal(
    lines.map(({ event }) => event),
    ["started", "exited"],
  );
  assert.equal([lines[1].status, lines[1].signal], [7, null]);
});

test("the time that the command and its children used is counted", async () => {
  const busy = "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done";
  const { lines } = await report(["sh", "-c", `(${busy}) & wait`]);
  const { userMicroseconds, systemMicroseconds } = lines[1].rusage;
  assert.ok(userMicroseconds + systemMicroseconds > 20_000, JSON.stringify(lines[1]));
});

test("a jail that can't start, or a command that isn't there, is no started and no exited", async () => {
  const { lines, outcome } = await report(["no-such-command"]);
  assert.is(outcome.status, 127);
  assert.equal(lines, []);
});

test("a reader that is gone changes nothing", async () => {
  const child = startExecutor(["sh", "-c", "sleep 0.3; echo ran; exit 6"], {
    supervise: { status_fd: 3 },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  (child.stdio[3] as Readable).destroy();
  const outcome = await watch(child).ended;
  assert.equal([outcome.status, outcome.stdout, outcome.stderr], [6, "ran\n", ""]);
});

test("--status-fd through Node, to a descriptor that the command does not have", async () => {
  const script = 'exec "$@" 9>&1 >&2';
  const argv = [
    "-c",
    script,
    "bash",
    tsjail,
    "-p",
    "base",
    "--status-fd",
    "9",
    "--",
    "sh",
    "-c",
    "[ -e /proc/self/fd/9 ]; exit $?",
  ];
  const outcome = await watch(spawn("bash", argv, { cwd: "/", stdio: ["ignore", "pipe", "pipe"] })).ended;
  assert.equal([outcome.status, outcome.stderr], [1, ""]);
  const events = outcome.stdout
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { event: string }).event);
  assert.equal(events, ["started", "exited"]);
});

test("--status-fd for one that is not open is an error, found by Node or from a plan that was kept", async () => {
  for (const more of ["--no-cache", ""]) {
    const start = (redirection: string) => {
      const line = `exec "$0" -p base ${more} --status-fd 9 -- true ${redirection}`;
      return watch(spawn("bash", ["-c", line, tsjail], { cwd: "/", stdio: ["ignore", "pipe", "pipe"] }))
        .ended;
    };
    const open = await start("9>&1");
    assert.equal([open.status, open.stderr], [0, ""]);
    assert.match(open.stdout, "exited");
    const outcome = await start("");
    assert.is(outcome.status, 125);
    assert.match(outcome.stderr, /--status-fd 9.*not open/s);
    assert.match(outcome.stderr, /tsjail --status-fd 9 … 9>/);
  }
});
