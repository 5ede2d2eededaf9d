// time-limit: 300s
// Attacks on what a machine has only so much of, each kept far from where it would hurt. In: programs/resources.c.
// What is promised: tsjail survives, and the jail ends, all of it, when it is told to; `untrusted` has limits besides.
import { spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import * as assert from "../support/assert.ts";
import { startJail, tsjail } from "../support/jail.ts";
import { pause, until } from "../support/process.ts";
import { attacks, profiles } from "./attack.ts";
import { noteResult } from "./results.ts";
import type { World } from "./world.ts";

const title = "resources";
const attack = attacks(title);
const test = attack.test.needs("userns", "command:cc");

/** Processes of the host's whose program is the attack's, wherever they are. */
function countAttackers(): number {
  const { program, victim } = attack.world();
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name) || Number(name) === victim.child.pid) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, "utf8").startsWith(`${program}\0`);
    } catch {
      return false;
    }
  }).length;
}

for (const profile of profiles) {
  const start = (options: readonly string[], ...words: readonly string[]) => {
    const { program, project, env } = attack.world();
    const shown = ["--bind", program, ...options];
    return startJail({ profile, options: shown, command: [program, ...words], cwd: project, env, input: "" });
  };
  const note = (name: string) =>
    noteResult(title, { name, layers: ["kill on death"], words: () => [] }, profile, "held");

  test(`a hundred processes that ignore signals are gone with the jail: ${profile}`, async () => {
    for (const [options, signal] of [
      [[], "SIGTERM"],
      [[], "SIGKILL"],
      [["--timeout", "3s", "--set", "process.kill_after='200ms'"], undefined],
    ] as const) {
      const running = start(options, "fork_many", "100");
      await running.waitFor("made 100");
      if (signal !== undefined) await until(() => countAttackers() >= 100, "all of them to be there");
      if (signal === "SIGTERM") running.child.kill("SIGTERM");
      await pause(20);
      running.child.kill(signal === undefined ? "SIGCONT" : "SIGKILL");
      await running.ended;
      await until(() => countAttackers() === 0, "all of them to be gone");
    }
    note("leave processes behind that ignore signals");
  });

  test(`output without end is ended by the time limit, read or not: ${profile}`, async () => {
    const { program, project, env } = attack.world();
    const words = [
      "-p",
      profile,
      "--bind",
      program,
      "--timeout",
      "300ms",
      "--set",
      "process.kill_after='200ms'",
    ];
    for (const reader of ["read", "unread", "closed"] as const) {
      const stdio = ["ignore", "pipe", "pipe"] as const;
      const child = spawn(tsjail, [...words, "--", program, "flood"], {
        cwd: project,
        env: { ...process.env, PWD: project, ...env },
        stdio: [...stdio],
      });
      const ended = new Promise<number | null>((done) => child.once("exit", done));
      if (reader === "read") child.stdout?.resume();
      if (reader === "closed") child.stdout?.destroy();
      assert.is(await ended, 124, reader);
      child.stdout?.destroy();
      child.stderr?.destroy();
    }
    note("write output without end");
  });
}

attack({
  name: "open descriptors without end",
  layers: ["rlimits"],
  profiles: ["untrusted"],
  words: () => ["open_many", "1000"],
});

attack({
  name: "fork without end",
  layers: ["rlimits"],
  profiles: ["untrusted"],
  // RLIMIT_NPROC does not hold for root of the host, in whatever namespace (fork(2), EAGAIN).
  needs: ["user"],
  words: () => ["fork_without_end", "600"],
});

attack({
  name: "take more memory than is meant",
  layers: ["rlimits"],
  profiles: ["untrusted"],
  options: () => ["--set", "rlimits.data='64M'"],
  words: () => ["take_memory", "96"],
});

const writable = ["/tmp", "/home", "/root", "/run", "/srv", "/mnt", "/media", "/var/tmp", "/dev/shm", "/dev"];

attack({
  name: "fill the jail's own memory file systems, /dev/shm among them",
  layers: [],
  profiles: ["base", "dev", "ci", "offline"],
  words: () => ["measure_space", "1024", ...writable],
  open: {
    base: "tmpfs has no limit but half of the memory",
    dev: "tmpfs has no limit but half of the memory",
    ci: "tmpfs has no limit but half of the memory",
    offline: "tmpfs has no limit but half of the memory",
  },
});

attack({
  name: "fill any of the places that can be written",
  layers: ["limits of tmpfs"],
  profiles: ["untrusted"],
  words: () => ["measure_space", "1024", ...writable],
});

const [tooMuch, tooMany] = [80, 17_000];

/** Nothing of the host's: a directory that is gone afterwards. */
const inProject = ({ project }: World) => project;

attack({
  name: "fill a file system in memory",
  layers: ["limits of tmpfs"],
  profiles: ["untrusted"],
  words: () => ["fill", "/home", String(tooMuch)],
  twin: { words: (world) => ["fill", inProject(world), String(tooMuch)] },
});

attack({
  name: "use up its inodes",
  layers: ["limits of tmpfs"],
  profiles: ["untrusted"],
  words: () => ["make_files", "/home", String(tooMany)],
  // In memory too, as it takes long elsewhere; they are gone afterwards.
  twin: { words: () => ["make_files", "/dev/shm", String(tooMany)] },
});

test("taking terminals leaves the host some", async () => {
  const { program, project, env } = attack.world();
  const running = startJail({
    profile: "base",
    options: ["--bind", program],
    command: [program, "take_terminals", "500"],
    cwd: project,
    env,
  });
  await running.waitFor("made ");
  closeSync(openSync("/dev/ptmx", "r+"));
  running.child.kill("SIGKILL");
  await running.ended;
  noteResult(
    title,
    { name: "take all terminals", layers: ["kernel limits"], words: () => [] },
    "base",
    "held",
  );
});
