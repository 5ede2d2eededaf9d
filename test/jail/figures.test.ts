// What a warm start may cost, counted where clocks are too noisy to tell. In: the shipped profiles, strace. Out: their
// system calls, the command's own left out, and the executor's size, against the figures below: who makes one grow
// changes it here, in the same commit, and says why there.
// time-limit: 120s
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodePlan } from "../../src/plan/wire.ts";
import * as assert from "../support/assert.ts";
import { until, watch } from "../support/process.ts";
import { suite } from "../support/suite.ts";

/** For an ordinary user of a Debian 12: operations of the plan, and system calls of monitor, init and the command's
 * process until the command is executed; without one for each path that is compared, since how many there are depends
 * on where the home is. */
const figures = {
  base: { operations: 114, calls: 679 },
  dev: { operations: 145, calls: 697 },
  ci: { operations: 118, calls: 698 },
  offline: { operations: 147, calls: 720 },
  untrusted: { operations: 100, calls: 569 },
} as const;
/** Other machines have other entries in / and /etc: more than this none of them costs. */
const callsPerOperation = 8;
/** Bytes, of gcc 12 for x86-64; of another compiler a tenth more. */
const executorSize = 78_824;
/** KiB of its own that the monitor of an idle jail has: what a start needed has been given back. */
const idleMemory = 28;

const test = suite("figures").needs("user", "x64", "userns", "command:strace", "command:cc");
const root = fileURLToPath(new URL("../..", import.meta.url));
const executor = join(root, "dist/linux-x64/tsjail");

/** A home and a project that are the same everywhere: each directory on the way to them costs calls. */
function inWorld<T>(
  work: (start: (words: readonly string[], through?: readonly string[]) => string) => T,
): T {
  const home = mkdtempSync("/tmp/tsjail-figures-");
  const cwd = join(home, "project");
  mkdirSync(cwd);
  const { PATH, XDG_CACHE_HOME } = process.env;
  const env = { PATH, XDG_CACHE_HOME, HOME: home, SHELL: "/bin/sh" };
  try {
    return work((words, through = []) => {
      const [program = "", ...rest] = [...through, executor, ...words];
      const { status, stdout, stderr } = spawnSync(program, rest, { cwd, env, encoding: "utf8" });
      assert.equal([status, stderr], [0, ""], words.join(" "));
      return stdout;
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Waiting, which happens as often as chance has it. */
const waits = new Set(["ppoll", "futex"]);

/** The calls until each process has become the command. */
function countCalls(trace: string): number {
  const commands = new Set<string>();
  let count = 0;
  for (const line of trace.split("\n")) {
    const [, pid = "", started, resumed] = /^(\d+) +(?:(\w+)\(|<\.\.\. (\w+) resumed>)/.exec(line) ?? [];
    const isExecuted = (started ?? resumed) === "execve" && line.endsWith(" = 0");
    if (started !== undefined && !waits.has(started) && !commands.has(pid)) count++;
    if (isExecuted && (resumed !== undefined || line.includes('execve("/bin/true"'))) commands.add(pid);
  }
  return count;
}

/** The paths that the executor compares before it uses the plan that was kept. */
function countPaths(profile: string): number {
  const directory = join(process.env.XDG_CACHE_HOME ?? "/", "tsjail/plans");
  const plans = readdirSync(directory).map((name) => decodePlan(readFileSync(join(directory, name))));
  const plan = plans.find((each) =>
    each.some((op) => op.op === "fact_invocation" && op.options.includes(profile)),
  );
  assert.ok(plan, `a plan of ${profile} is kept`);
  return plan.filter(({ op }) => op === "fact_file" || op === "fact_kind" || op === "fact_link").length;
}

for (const [profile, figure] of Object.entries(figures)) {
  test(`a warm start of ${profile} makes no more system calls than are recorded`, () => {
    const [operations, calls] = inWorld((start) => {
      const words = ["-p", profile, "--no-tty", "/bin/true"];
      const plan = JSON.parse(start(["plan", "--json", ...words])) as { operations: unknown[] };
      // Once to keep the plan, and again where something had only just been written; what goes on beside us may still
      // make a start compile anew, or try an older plan first.
      for (let round = 0; round < 3; round++) start(words);
      const counts = Array.from({ length: 5 }, () => {
        const trace = join(process.env.XDG_CACHE_HOME ?? "/", `trace-${profile}`);
        start(words, ["strace", "-f", "-qq", "-o", trace]);
        const text = readFileSync(trace, "latin1");
        const isWarm = !/execve\("[^"]*node"/.test(text);
        return isWarm ? countCalls(text) - countPaths(profile) : Number.POSITIVE_INFINITY;
      });
      return [plan.operations.length, Math.min(...counts)] as const;
    });
    const more = Math.max(0, operations - figure.operations);
    const shown = `${profile}: { operations: ${operations}, calls: ${calls} }`;
    assert.ok(calls <= figure.calls + more * callsPerOperation, shown);
    // A figure that is never met guards nothing.
    if (operations === figure.operations) assert.ok(calls > figure.calls - 20, `lower it: ${shown}`);
  });
}

test("a cold start loads no koffi, which takes as long as compiling", () => {
  inWorld((start) => {
    const trace = join(process.env.XDG_CACHE_HOME ?? "/", "trace-cold");
    start(["--no-cache", "-p", "dev", "--no-tty", "/bin/true"], ["strace", "-f", "-qq", "-o", trace]);
    const text = readFileSync(trace, "latin1");
    assert.match(text, /run\.cjs/, "Node was started");
    assert.not.match(text, /koffi/);
  });
});

test("the executor is no larger than is recorded", () => {
  const { size } = statSync(executor);
  const version = execFileSync("cc", ["-dumpversion"], { encoding: "utf8" }).trim();
  const most = version.startsWith("12") ? executorSize : executorSize * 1.1;
  assert.ok(size <= most, `${size} bytes`);
});

test("the monitor of an idle jail keeps nothing of what its start needed", async () => {
  const jail = watch(spawn(executor, ["-p", "dev", "--no-tty", "sh", "-c", "echo idle; read end"]));
  await jail.waitFor("idle");
  const own = () => {
    const memory = readFileSync(`/proc/${jail.child.pid}/smaps_rollup`, "utf8");
    return Number(/^Anonymous: +(\d+) kB$/m.exec(memory)?.[1]);
  };
  await until(() => own() <= idleMemory, `${own()} KiB to become ${idleMemory}`);
  jail.child.stdin?.end("\n");
  assert.equal((await jail.ended).status, 0);
});
