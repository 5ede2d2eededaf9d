// The executor without Node and profiles before it: a plan written by hand, carried out by dist/linux-*/tsjail in a
// few milliseconds. In: what a test wants of the plan. Out: a process, and what it said. jail.ts starts the whole.
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { executorPath, findProcessor } from "../../src/build/native.ts";
import type { Operation, Plan } from "../../src/plan/operations.ts";
import { encodePlan } from "../../src/plan/wire.ts";
import { type Outcome, watch } from "./process.ts";

type Of<K extends Operation["op"]> = Extract<Operation, { op: K }>;
type Namespaces = Of<"clone">["namespaces"];

export interface PlanWish {
  supervise?: Partial<Of<"supervise">>;
  /** All but the user namespace, which is always new. */
  namespaces?: Namespaces;
  host?: readonly Operation[];
  /** Before the root is made read-only. */
  jail?: readonly Operation[];
  command?: readonly Operation[];
  /** NAME=VALUE; or the lists of the operation, empty where they are not given. */
  environment?: readonly string[] | Partial<Omit<Of<"environment">, "op" | "origin">>;
  workdir?: string;
  /** The program that words a failure; none: the executor's own terse line. */
  explain?: readonly string[];
}

export interface StartWish extends PlanWish {
  /** Instead of the plan that the rest describes. */
  plan?: Plan;
  /** Put before the executor: strace, setsid, … */
  through?: readonly string[];
  /** As of spawn(); the plan's descriptor comes after them. */
  stdio?: NonNullable<Extract<SpawnOptions["stdio"], readonly unknown[]>>;
  env?: NodeJS.ProcessEnv;
  detached?: boolean;
}

export const executor = (): string => process.env.TSJAIL_EXECUTOR || executorPath(findProcessor());

const origin = "a test";
export const allNamespaces: Namespaces = ["mount", "pid", "uts", "ipc", "net", "cgroup", "time"];

let directory: string | undefined;
/** A directory for this test process, gone at its end. */
export function scratch(): string {
  if (directory === undefined) {
    const made = mkdtempSync(join(tmpdir(), "tsjail-e2e-"));
    process.on("exit", () => rmSync(made, { recursive: true, force: true }));
    directory = made;
  }
  return directory;
}

/** probe.c, compiled; /probe in the jails of makePlan. */
export function probe(): string {
  const path = join(scratch(), "probe");
  if (existsSync(path)) return path;
  const source = join(import.meta.dirname, "probe.c");
  const result = spawnSync(process.env.CC || "cc", ["-O1", "-o", path, source], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`probe.c can't be compiled: ${result.error ?? result.stderr}`);
  return path;
}

/** The host's tools, read-only; a private /tmp, /proc and /dev; no capability, no network. */
export function makePlan(wish: PlanWish = {}): Plan {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  const keys = { origin };
  return [
    { op: "explain", ...keys, argv: wish.explain ?? [] },
    {
      op: "supervise",
      ...keys,
      flags: ["init", "die_with_parent"],
      tty: "auto",
      timeout: 0,
      kill_after: 1000,
      status_fd: -1,
      ...wish.supervise,
    },
    ...(wish.host ?? []),
    { op: "clone", ...keys, namespaces: wish.namespaces ?? allNamespaces },
    { op: "setgroups", ...keys, policy: "deny" },
    { op: "uid_map", ...keys, map: `${uid} ${uid} 1\n` },
    { op: "gid_map", ...keys, map: `${gid} ${gid} 1\n` },
    { op: "propagation", ...keys, mode: "private" },
    { op: "stage", ...keys },
    { op: "root_tmpfs", ...keys, options: ["mode=0755"] },
    ...["/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64"].filter(existsSync).map(showPath),
    bind(probe(), "/probe", ["ro"]),
    ...proc(wish.namespaces ?? allNamespaces),
    mount("tmpfs", "/tmp", ["mode=1777"]),
    ...devices(),
    ...(wish.jail ?? []),
    { op: "attributes", ...keys, target: "/", flags: [], set: ["ro"] },
    { op: "loopback", ...keys },
    { op: "pivot", ...keys },
    { op: "capabilities", ...keys, keep: 0 },
    { op: "no_new_privs", ...keys },
    { op: "workdir", ...keys, path: wish.workdir ?? "/tmp" },
    ...(wish.command ?? []),
    makeEnvironment(wish.environment ?? ordinary),
    { op: "command", ...keys, argv: [] },
  ];
}

const ordinary = ["PATH=/usr/bin:/bin", "HOME=/tmp", "TERM=xterm", "LC_ALL=C.UTF-8", "PS1=jail> "];

function makeEnvironment(wish: NonNullable<PlanWish["environment"]>): Operation {
  const lists = "length" in wish ? { list: wish } : wish;
  return { op: "environment", origin, list: [], pass: [], unset: [], defaults: [], ...lists };
}

export function bind(source: string, target: string, set: Of<"bind">["set"] = []): Operation {
  return { op: "bind", origin, source, target, flags: ["recursive"], set, propagation: "private" };
}

export function mount(fstype: string, target: string, options: readonly string[] = []): Operation {
  const set: Of<"mount">["set"] = fstype === "devpts" ? ["nosuid", "noexec"] : ["nosuid", "nodev"];
  return { op: "mount", origin, fstype, target, options, flags: [], set };
}

function showPath(path: string): Operation {
  try {
    return { op: "symlink", origin, target: path, text: readlinkSync(path) };
  } catch {
    return bind(path, path, ["ro", "nosuid", "nodev"]);
  }
}

/** A procfs can only be mounted where the pid namespace is new too. */
function proc(namespaces: Namespaces): Operation[] {
  return [namespaces.includes("pid") ? mount("proc", "/proc") : bind("/proc", "/proc")];
}

function devices(): Operation[] {
  const nodes = { null: [1, 3], zero: [1, 5], urandom: [1, 9], tty: [5, 0] } as const;
  return [
    mount("tmpfs", "/dev", ["mode=0755"]),
    ...Object.entries(nodes).map(([name, [major, minor]]): Operation => {
      return { op: "device", origin, source: `/dev/${name}`, target: `/dev/${name}`, major, minor };
    }),
    mount("devpts", "/dev/pts", ["newinstance", "ptmxmode=0666", "mode=0620"]),
    { op: "symlink", origin, target: "/dev/ptmx", text: "pts/ptmx" },
    { op: "symlink", origin, target: "/dev/fd", text: "/proc/self/fd" },
    { op: "pty", origin, ptmx: "/dev/pts/ptmx", console: "/dev/console" },
  ];
}

let plans = 0;
/** The plan as a file; the caller takes it away, or the end of this process. */
export function writePlan(plan: Plan): string {
  const path = join(scratch(), `${plans++}.plan`);
  writeFileSync(path, encodePlan(plan));
  return path;
}

/** Starts the executor on a plan. It is the first process of `through`, or `through`'s child. */
export function startExecutor(command: readonly string[], wish: StartWish = {}): ChildProcess {
  const path = writePlan(wish.plan ?? makePlan(wish));
  const fd = openSync(path, "r");
  try {
    const stdio = [...(wish.stdio ?? ["ignore", "pipe", "pipe"])];
    const words = [...(wish.through ?? []), executor(), "--plan-fd", String(stdio.length), "--", ...command];
    const env = wish.env ?? process.env;
    return spawn(words[0] as string, words.slice(1), { stdio: [...stdio, fd], env, detached: wish.detached });
  } finally {
    closeSync(fd);
    rmSync(path);
  }
}

/** Starts it and waits for its end, at most 20 s. */
export function runExecutor(command: readonly string[], wish: StartWish = {}): Promise<Outcome> {
  return watch(startExecutor(command, wish)).ended;
}
