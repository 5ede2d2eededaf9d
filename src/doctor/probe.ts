// Small jails that show what the kernel lets us do: only trying tells, since on some systems a user namespace can be
// created and is worth nothing. In: the executor and some operations. Out: whether it went, or why not and what helps.
import { spawnSync } from "node:child_process";
import { closeSync, writeSync } from "node:fs";
import type { TsjailError } from "../error.ts";
import { createMemoryFile } from "../native.ts";
import type { Operation, Plan } from "../plan/operations.ts";
import { encodePlan } from "../plan/wire.ts";
import { encodeProgram } from "../seccomp/bpf.ts";
import { readShipped } from "../seccomp/shipped.ts";
import { machines } from "../seccomp/syscalls.ts";

export type Answer =
  | { readonly works: true; readonly milliseconds: number }
  | { readonly works: false; readonly why: string; readonly fix: string | undefined };

export interface ProbeTools {
  readonly executor: string;
  /** Turns the executor's report on a failure into a message (explain/explain.ts). */
  readonly explain: (plan: Plan, words: readonly string[]) => TsjailError;
}

/** Where the executor is inside: it is the command, since a static program needs nothing else of the host. */
const command = "/tsjail";
const origin = "tsjail doctor";
/** sh prints the report's words, one per line, for explain to read here. */
const reporter = ["/bin/sh", "-c", 'printf "%s\\n" "$@"', "sh"];

/** Starts a jail with these operations before its pivot. */
export function probeJail(tools: ProbeTools, operations: readonly Operation[] = []): Answer {
  const plan = writePlan(tools.executor, operations);
  const bytes = encodePlan(plan);
  const fd = createMemoryFile("tsjail-probe");
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at);
    const started = performance.now();
    const result = spawnSync(tools.executor, ["--plan-fd", "3"], {
      stdio: ["ignore", "pipe", "pipe", fd],
      encoding: "utf8",
      env: {},
      timeout: 20_000,
    });
    const milliseconds = Math.round(performance.now() - started);
    if (result.error !== undefined) return { works: false, why: result.error.message, fix: undefined };
    if (/^tsjail-executor /.test(result.stdout)) return { works: true, milliseconds };
    return explainAnswer(tools, plan, result);
  } finally {
    closeSync(fd);
  }
}

function explainAnswer(
  tools: ProbeTools,
  plan: Plan,
  result: { stdout: string; stderr: string; status: number | null },
): Answer {
  const words = result.stdout.split("\n").slice(0, -1);
  if (words[0] !== "--plan-fd") {
    const said = result.stderr.trim();
    return {
      works: false,
      why: said === "" ? `the executor ended with status ${result.status}` : said,
      fix: undefined,
    };
  }
  const error = tools.explain(plan, words);
  const why = [error.message, error.detail].filter((part) => part !== undefined).join(" ");
  return { works: false, why: why.replaceAll(/\s*\n\s*/g, " "), fix: dropOwnAdvice(error.hint) };
}

/** "tsjail doctor" is no help in its own report. */
function dropOwnAdvice(hint: string | undefined): string | undefined {
  return hint
    ?.split("\n")
    .filter((line) => line.trim() !== "tsjail doctor")
    .join("\n");
}

function writePlan(executor: string, operations: readonly Operation[]): Plan {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  return [
    { op: "explain", origin, argv: reporter },
    {
      op: "supervise",
      origin,
      flags: ["init", "die_with_parent"],
      tty: "never",
      timeout: 10_000,
      kill_after: 1000,
      status_fd: -1,
    },
    // All that base has, and the user namespace.
    { op: "clone", origin, namespaces: ["mount", "cgroup", "uts", "ipc", "pid", "net", "time"] },
    { op: "setgroups", origin, policy: "deny" },
    { op: "uid_map", origin, map: `${uid} ${uid} 1\n` },
    { op: "gid_map", origin, map: `${gid} ${gid} 1\n` },
    { op: "propagation", origin, mode: "private" },
    { op: "stage", origin },
    { op: "root_tmpfs", origin, options: [] },
    {
      op: "bind",
      origin,
      source: executor,
      target: command,
      flags: ["file"],
      set: ["ro"],
      propagation: "none",
    },
    ...operations.filter(({ op }) => op !== "seccomp"),
    { op: "pivot", origin },
    { op: "capabilities", origin, keep: 0 },
    { op: "no_new_privs", origin },
    { op: "workdir", origin, path: "/" },
    { op: "environment", origin, list: [], pass: [], unset: [], defaults: [] },
    ...operations.filter(({ op }) => op === "seccomp"),
    { op: "command", origin, argv: [command, "--version"] },
  ];
}

function fresh(fstype: string, target: string): Operation {
  return { op: "mount", origin, fstype, target, options: [], flags: [], set: ["nosuid", "nodev", "noexec"] };
}

export const freshProc = fresh("proc", "/proc");
export const freshSys = fresh("sysfs", "/sys");
export const messageQueues = fresh("mqueue", "/mqueue");

/** What keeps a jail from making user namespaces, unless its profile says `nested = true`. */
export const noNesting: Operation = {
  op: "sysctl",
  origin,
  name: "user.max_user_namespaces",
  value: "0",
};

/** A private devpts, as every jail with a terminal has. */
export const privateTerminals: Operation = {
  op: "mount",
  origin,
  fstype: "devpts",
  target: "/pts",
  options: ["newinstance", "ptmxmode=0666", "mode=620"],
  flags: [],
  set: ["nosuid", "noexec"],
};

/** The filter of system calls that profiles have unless they say otherwise; undefined for other machines than ours. */
export function defaultFilter(): Operation | undefined {
  const machine = machines.find((each) => each === process.arch);
  if (machine === undefined) return undefined;
  const filter = encodeProgram(readShipped("default", machine, []));
  return { op: "seccomp", origin, filter, flags: [], notify_fd: -1 };
}

/** @param directory has the empty directories lower, upper and work */
export function overlay(directory: string): Operation {
  const options = ["lower", "upper", "work"].map((name) => `${name}dir=${directory}/${name}`);
  // Without userxattr an overlay needs CAP_SYS_ADMIN on the host (Linux 5.11).
  return {
    op: "mount",
    origin,
    fstype: "overlay",
    target: "/overlay",
    options: [...options, "userxattr"],
    flags: [],
    set: [],
  };
}
