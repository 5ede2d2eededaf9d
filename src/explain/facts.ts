// What this machine says about itself, as far as it bears on starting a jail. A thing that can't be read is a fact
// too. In: /proc and a few files. Out: one frozen Facts value; explain.ts and the doctor both judge by it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ContainerKind, findContainer } from "./container.ts";
import { type FileFact, probeFile } from "./files.ts";
import { type NamespaceKind, namespaceKinds } from "./kinds.ts";
import { type Mount, parseMounts } from "./mounts.ts";

/** What was read, or why it could not be. `absent`: the kernel or the machine has no such thing. */
export type Fact<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly absent: boolean; readonly why: string };

/** From /proc/self/status, proc_pid_status(5). */
export interface ProcessStatus {
  readonly uid: number;
  readonly euid: number;
  readonly gid: number;
  readonly egid: number;
  readonly noNewPrivs: boolean;
  /** "none", "strict" or "filter". */
  readonly seccomp: "none" | "strict" | "filter";
  /** How many seccomp filters are attached; kernel 5.9 and later. */
  readonly seccompFilters: number | undefined;
  readonly effective: bigint;
  readonly bounding: bigint;
}

export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

export interface Facts {
  /** uname -r, "6.8.0-31-generic". */
  readonly kernel: Fact<string>;
  readonly distribution: Fact<{ readonly id: string; readonly version: string; readonly name: string }>;
  readonly process: Fact<ProcessStatus>;
  /** /proc/self/uid_map: more than one range, or not all ids, means that we are in a user namespace already. */
  readonly uidMap: Fact<readonly IdRange[]>;
  /** /proc/self/setgroups. */
  readonly setgroups: Fact<"allow" | "deny">;
  /** user.max_*_namespaces, namespaces(7): how many of each kind may be created. */
  readonly maxNamespaces: Readonly<Record<NamespaceKind, Fact<number>>>;
  /** kernel.unprivileged_userns_clone: a patch of Debian, Arch's linux-hardened and others. */
  readonly unprivilegedUsernsClone: Fact<boolean>;
  /** kernel.apparmor_restrict_unprivileged_userns: Ubuntu 23.10 and later. */
  readonly apparmorRestrictUserns: Fact<boolean>;
  /** The AppArmor profile we run under and its mode, "docker-default (enforce)"; "unconfined" for none. */
  readonly apparmorLabel: Fact<string>;
  /** Whether SELinux enforces. */
  readonly selinuxEnforcing: Fact<boolean>;
  /** fs.mount-max. */
  readonly mountMax: Fact<number>;
  readonly mounts: Fact<readonly Mount[]>;
  /** Whether our root directory is that of the mount namespace: false after chroot(2). */
  readonly chroot: Fact<boolean>;
  readonly container: ContainerKind | undefined;
  /** The PATH of whoever started tsjail. */
  readonly path: string;
  /** The caller's working directory. */
  readonly cwd: string;
  /** What programs run here, as Node names it: "x64", "arm64". */
  readonly machine: string;
  /** The executor's own path, where it is known. */
  readonly executor: string | undefined;
  /** Looks at a file of the host's, without following a symbolic link at its end. */
  readonly probeFile: (path: string) => FileFact;
  /** The process that has a kept layer, by what its lock says. */
  readonly readHolder: (lock: string) => Fact<number>;
}

export interface FactsRequest {
  /** Where the machine's tree begins; for tests. Default "/". */
  readonly root?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly executor?: string | undefined;
}

/** Reads everything that Facts has; never throws. */
export function readFacts(request: FactsRequest = {}): Facts {
  const { root = "/", environment = process.env, executor } = request;
  const read = <T>(path: string, parse: (text: string) => T | undefined): Fact<T> =>
    readFact(root, path, parse);
  const mounts = read("proc/self/mountinfo", parseMounts);
  return Object.freeze({
    kernel: read("proc/sys/kernel/osrelease", (text) => text.trim()),
    distribution: readDistribution(root),
    process: read("proc/self/status", parseStatus),
    uidMap: read("proc/self/uid_map", parseIdMap),
    setgroups: read("proc/self/setgroups", (text) => (text.trim() === "deny" ? "deny" : "allow")),
    maxNamespaces: readLimits(root),
    unprivilegedUsernsClone: read("proc/sys/kernel/unprivileged_userns_clone", parseSwitch),
    apparmorRestrictUserns: read("proc/sys/kernel/apparmor_restrict_unprivileged_userns", parseSwitch),
    apparmorLabel: readApparmorLabel(root),
    selinuxEnforcing: read("sys/fs/selinux/enforce", parseSwitch),
    mountMax: read("proc/sys/fs/mount-max", parseNumber),
    mounts,
    // A chroot hides the mount that "/" is on, unless the new root is itself a mount point.
    chroot: mounts.known ? known(!mounts.value.some(({ target }) => target === "/")) : mounts,
    container: findContainer(root, environment),
    path: environment.PATH ?? "",
    cwd: readCwd(),
    machine: process.arch,
    executor,
    probeFile: (path: string) => probeFile(join(root, path)),
    readHolder: (lock: string) => read(lock, parseNumber),
  });
}

export function known<T>(value: T): Fact<T> {
  return { known: true, value };
}

export function unknown(why: string, absent = false): Fact<never> {
  return { known: false, absent, why };
}

/** The value of a fact, or undefined. */
export function readValue<T>(fact: Fact<T>): T | undefined {
  return fact.known ? fact.value : undefined;
}

function readFact<T>(root: string, path: string, parse: (text: string) => T | undefined): Fact<T> {
  let text: string;
  try {
    text = readFileSync(join(root, path), "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    return unknown(`/${path} can't be read: ${code}`, code === "ENOENT" || code === "ENOTDIR");
  }
  const value = parse(text);
  return value === undefined ? unknown(`/${path} has an unexpected form`) : known(value);
}

function parseNumber(text: string): number | undefined {
  return /^\d{1,15}\s*$/.test(text) ? Number(text) : undefined;
}

function parseSwitch(text: string): boolean | undefined {
  const number = parseNumber(text);
  return number === undefined ? undefined : number !== 0;
}

function parseIdMap(text: string): IdRange[] {
  return text
    .trim()
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
      return { inside, outside, count };
    });
}

/** @param text /proc/PID/status */
export function parseStatus(text: string): ProcessStatus | undefined {
  const values = new Map(
    text.split("\n").map((line) => [line.split(":")[0] ?? "", line.split(":")[1]?.trim() ?? ""]),
  );
  const [uid, euid] = (values.get("Uid") ?? "").split(/\s+/).map(Number);
  const [gid, egid] = (values.get("Gid") ?? "").split(/\s+/).map(Number);
  if (uid === undefined || euid === undefined || gid === undefined || egid === undefined) return undefined;
  const mask = (name: string) => {
    const digits = values.get(name) ?? "";
    return /^[0-9a-f]+$/.test(digits) ? BigInt(`0x${digits}`) : 0n;
  };
  const filters = values.get("Seccomp_filters");
  return {
    uid,
    euid,
    gid,
    egid,
    noNewPrivs: values.get("NoNewPrivs") === "1",
    seccomp: values.get("Seccomp") === "2" ? "filter" : values.get("Seccomp") === "1" ? "strict" : "none",
    seccompFilters: filters === undefined ? undefined : Number(filters),
    effective: mask("CapEff"),
    bounding: mask("CapBnd"),
  };
}

function readLimits(root: string): Facts["maxNamespaces"] {
  const entries = Object.entries(namespaceKinds).map(([kind, { limit }]) => {
    return [kind, readFact(root, `proc/sys/user/max_${limit}_namespaces`, parseNumber)];
  });
  return Object.fromEntries(entries) as Facts["maxNamespaces"];
}

/** It may have been removed meanwhile. */
function readCwd(): string {
  try {
    return process.cwd();
  } catch {
    return "/";
  }
}

function readApparmorLabel(root: string): Fact<string> {
  // Without AppArmor as the major security module, attr/current belongs to another one, or gives EINVAL.
  const enabled = readFact(root, "sys/module/apparmor/parameters/enabled", (text) => text.trim());
  if (!enabled.known || enabled.value !== "Y") return unknown("AppArmor is not in use", true);
  const parse = (text: string) => text.replace(/[\0\n]/g, "");
  const own = readFact(root, "proc/self/attr/apparmor/current", parse);
  return own.known ? own : readFact(root, "proc/self/attr/current", parse);
}

function readDistribution(root: string): Facts["distribution"] {
  const parse = (text: string) => {
    const read = (name: string) => new RegExp(`^${name}=["']?(.*?)["']?$`, "m").exec(text)?.[1] ?? "";
    return { id: read("ID"), version: read("VERSION_ID"), name: read("PRETTY_NAME") };
  };
  const etc = readFact(root, "etc/os-release", parse);
  return etc.known ? etc : readFact(root, "usr/lib/os-release", parse);
}
