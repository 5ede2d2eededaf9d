// time-limit: 240s
// The monitor's end is the jail's end, and its parent's end is the monitor's, at whatever moment they come. In: the
// executor on a small plan, and bin/tsjail, with Node in the middle of its work.
import { spawn } from "node:child_process";
import * as assert from "../support/assert.ts";
import { runExecutor, startExecutor } from "../support/executor.ts";
import { startJail } from "../support/jail.ts";
import { findLeft, makeMarker, pause, watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";

const test = suite("monitor").needs("userns", "command:cc");

/** The jail's processes: its command bears the marker, its init is in the monitor's process group. */
async function expectNothingLeft(marker: string, group: number | undefined, what: string): Promise<void> {
  const end = performance.now() + 10_000;
  while (findLeft(marker, group).length > 0 && performance.now() < end) await pause(20);
  const left = findLeft(marker, group);
  for (const { pid } of left) process.kill(pid, "SIGKILL");
  assert.equal(left, [], what);
}

const waiting = (marker: string): string[] => {
  return [
    "bash",
    "-c",
    `(setsid sh -c 'sleep 60; : ${marker}' &) ; while :; do sleep 0.01; done; : ${marker}`,
  ];
};

test("SIGKILL to the monitor at any moment of the start leaves nothing", { timeLimit: 90 }, async () => {
  const all = ["mount", "pid", "uts", "ipc", "net", "cgroup", "time"] as const;
  const variants = [
    {},
    { supervise: { flags: [] } },
    { namespaces: all.filter((name) => name !== "pid") },
    { supervise: { flags: ["init"] } },
  ] as const;
  for (let step = 0; step < 80; step++) {
    const marker = makeMarker();
    const child = startExecutor(waiting(marker), { ...variants[step % variants.length], detached: true });
    const ended = watch(child).ended;
    // spawn() returns when the executor has been executed: the first steps hit it as it reads its plan.
    const delay = step < 60 ? Math.floor(step / 4) * 0.5 : step * 2;
    const end = performance.now() + delay;
    while (performance.now() < end) if (delay > 10) await pause(5);
    child.kill("SIGKILL");
    await expectNothingLeft(marker, child.pid, `variant ${step % variants.length}, after ${delay} ms`);
    assert.is((await ended).signal, "SIGKILL");
  }
});

/** Kills bin/tsjail a little later each time. */
async function killLater(options: string[], steps: number, milliseconds: number): Promise<void> {
  for (let step = 0; step < steps; step++) {
    const marker = makeMarker();
    const running = startJail({ profile: "base", options, command: waiting(marker) });
    await pause(step * milliseconds);
    running.child.kill("SIGKILL");
    await expectNothingLeft(marker, undefined, `after ${step * milliseconds} ms`);
    assert.is((await running.ended).signal, "SIGKILL");
  }
}

test("the same for bin/tsjail, which is sh, then Node, then the monitor", { timeLimit: 90 }, () =>
  killLater(["--no-cache"], 24, 15),
);

test("the same where a plan was kept, and sh becomes the monitor at once", { timeLimit: 90 }, async () => {
  assert.is((await startJail({ profile: "base", command: ["true"] }).ended).status, 0);
  await killLater([], 24, 1);
});

test("a fault in the monitor ends the jail as well", async () => {
  for (const name of ["SIGSEGV", "SIGBUS", "SIGSYS", "SIGTRAP"] as const) {
    const marker = makeMarker();
    const child = startExecutor(["bash", "-c", `echo ready; sleep 60; : ${marker}`], {
      detached: true,
      through: ["bash", "-c", 'ulimit -c 0; exec "$@"', "bash"],
    });
    const running = watch(child);
    await running.waitFor("ready");
    child.kill(name);
    await running.ended;
    await expectNothingLeft(marker, child.pid, name);
  }
});

test("SIGKILL to init ends the jail with 137", async () => {
  const marker = makeMarker();
  const child = startExecutor(["bash", "-c", `echo ready; sleep 60; : ${marker}`], { detached: true });
  const running = watch(child);
  await running.waitFor("ready");
  const init = findLeft(marker, child.pid).find(({ parent }) => parent === child.pid);
  process.kill(init?.pid as number, "SIGKILL");
  assert.is((await running.ended).status, 137);
  await expectNothingLeft(marker, child.pid, "init");
});

/** A shell that starts the jail and waits; the answer is the shell and the marker of the jail's command. */
function startBelow(flags: readonly ("init" | "die_with_parent")[], script = '"$@" & wait') {
  const marker = makeMarker();
  const child = startExecutor(["bash", "-c", `echo ready; sleep 60; : ${marker}`], {
    supervise: { flags },
    through: ["bash", "-c", script, "bash"],
    detached: true,
  });
  return { marker, child, running: watch(child) };
}

test("the end of the process that started it is the jail's end", async () => {
  for (const name of ["SIGKILL", "SIGTERM"] as const) {
    const { marker, child, running } = startBelow(["init", "die_with_parent"]);
    await running.waitFor("ready");
    child.kill(name);
    await expectNothingLeft(marker, child.pid, name);
    await running.ended;
  }
});

test("with die_with_parent = false it lives on, until it is ended", async () => {
  const { marker, child, running } = startBelow(["init"]);
  await running.waitFor("ready");
  child.kill("SIGKILL");
  await pause(500);
  const command = findLeft(marker).find(({ words }) => words.startsWith("bash -c echo"));
  assert.ok(command !== undefined, "the command is alive");
  process.kill(command?.pid as number, "SIGKILL");
  await expectNothingLeft(marker, child.pid, "afterwards");
  await running.ended;
});

test("the same with a profile: die_with_parent is on unless it says no", async () => {
  const marker = makeMarker();
  const script = '"$0" -p base -- bash -c "$1" & wait';
  const { tsjail } = await import("../support/jail.ts");
  const command = `echo ready; sleep 60; : ${marker}`;
  const shell = spawn("bash", ["-c", script, tsjail, command], {
    cwd: "/",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const running = watch(shell);
  await running.waitFor("ready");
  shell.kill("SIGKILL");
  await expectNothingLeft(marker, undefined, "the shell was killed");
});

test("a hundred jails one after the other leave no process and no zombie", { timeLimit: 60 }, async () => {
  for (let i = 0; i < 100; i++) assert.is((await runExecutor(["true"])).status, 0);
  const zombies = spawn("ps", ["-o", "stat=", "--ppid", String(process.pid)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  assert.not.match((await watch(zombies).ended).stdout, /Z/);
});
