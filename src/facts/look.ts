// Every look at this machine that a plan depends on. In: a path, a name. Out: what was seen; and while recordLooks()
// runs, a note of it, from which facts.ts makes what the executor compares before it uses the plan again.
// src/profile and src/host look through here and in no other way.
import {
  accessSync,
  type BigIntStats,
  constants,
  fstatSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  statSync,
} from "node:fs";
import type { factKinds } from "../plan/operations.ts";
import { readLandlock } from "./landlock.ts";

export type SeenKind = keyof typeof factKinds;

export type Look =
  | FileLook
  | { readonly type: "kind"; readonly path: string; readonly kind: SeenKind; readonly follow: boolean }
  | { readonly type: "link"; readonly path: string; readonly text: string }
  | { readonly type: "variable"; readonly name: string; readonly value: string | undefined }
  | { readonly type: "landlock"; readonly abi: number }
  | { readonly type: "mounts"; readonly text: string }
  | { readonly type: "directory" }
  | { readonly type: "unrepeatable"; readonly why: string };

export interface FileLook {
  readonly type: "file";
  readonly path: string;
  readonly stats: BigIntStats;
  /** CLOCK_REALTIME just before, in ns. */
  readonly time: bigint;
  /** It is a directory, and its entries were listed. */
  readonly listed: boolean;
}

// Of the one synchronous call of recordLooks() that is going on.
let noted: Map<string, Look> | undefined;

/** Runs `work` and returns, beside its value, everything that was looked at meanwhile, each thing once. */
export function recordLooks<T>(work: () => T): { value: T; looks: readonly Look[] } {
  const outer = noted;
  const own = new Map<string, Look>();
  noted = own;
  try {
    return { value: work(), looks: [...own.values()] };
  } finally {
    noted = outer;
  }
}

/** The first look counts: what was seen later is compared with it when the plan is used again. */
function note(key: string, look: Look): void {
  if (noted !== undefined && !noted.has(key)) noted.set(key, look);
}

/** What lies at a path; `follow` a symbolic link there. */
export function lookAtKind(path: string, follow = false): SeenKind {
  const kind = findKind(path, follow);
  note(`kind ${follow} ${path}`, { type: "kind", path, kind, follow });
  return kind;
}

/** Without a note: of what never changes. */
export function findKind(path: string, follow = false): SeenKind {
  try {
    // Most of what is asked about isn't there, and an exception costs more than the call.
    const stats = (follow ? statSync : lstatSync)(path, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return "absent";
    if (stats.isSymbolicLink()) return "symlink";
    return stats.isDirectory() ? "directory" : stats.isFile() ? "file" : "other";
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    // A NUL in it, which no path has.
    return ["ENOENT", "ENOTDIR", "ERR_INVALID_ARG_VALUE"].includes(code) ? "absent" : "unreadable";
  }
}

/** What the symbolic link at a path says; an exception where there is none. */
export function lookAtLink(path: string): string {
  const text = readlinkSync(path);
  note(`link ${path}`, { type: "link", path, text });
  return text;
}

/** What is about to be read through a descriptor. Asked before the reading, it tells later whether that saw the
 * whole of one state. */
export function lookAtOpened(path: string, descriptor: number): BigIntStats {
  const time = readClock();
  return noteFile(path, fstatSync(descriptor, { bigint: true }), time);
}

/** A directory that is about to be listed: its times change with every entry that comes, goes or is replaced. */
export function lookAtListed(path: string): void {
  const time = readClock();
  noteFile(path, statSync(path, { bigint: true }), time, true);
}

/** A program of ours, links to it followed. */
export function lookAtProgram(path: string): void {
  const time = readClock();
  noteFile(path, statSync(path, { bigint: true }), time);
}

/** A program of somebody else's that is to be started: whether it can be. */
export function lookAtExecutable(path: string): boolean {
  if (lookAtKind(path, true) !== "file") return false;
  lookAtProgram(path);
  return canAccess(path, constants.X_OK);
}

/** A device that is to be opened: whether this user may read and write it. */
export function lookAtDevice(path: string): boolean {
  return lookAtOwner(path)?.isCharacterDevice() === true && canAccess(path, constants.R_OK | constants.W_OK);
}

function canAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    // Groups and ACLs decide, of which no fact tells.
    noteUnrepeatable(`${path} can't be used`);
    return false;
  }
}

/** Owner, mode and times of what lies at a path, not of what a link there leads to; undefined where nothing is. */
export function lookAtOwner(path: string): BigIntStats | undefined {
  const time = readClock();
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats !== undefined && !stats.isSymbolicLink()) return noteFile(path, stats, time);
  lookAtKind(path);
  return stats;
}

/** What could not be read. That it isn't there is a fact, if it still isn't; whether it can be read later is none that
 * stat(2) tells: groups, ACLs and security modules decide, and errors pass. */
export function noteUnread(path: string, error: unknown): void {
  const { code = "an error" } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" && lookAtKind(path, true) === "absent") return;
  noteUnrepeatable(`${path} could not be read (${code})`);
}

const readClock = (): bigint => BigInt(Date.now()) * 1_000_000n;

function noteFile(path: string, stats: BigIntStats, time: bigint, listed = false): BigIntStats {
  note(`file ${path}`, { type: "file", path, stats, time, listed });
  return stats;
}

/** A variable of the caller's environment. */
export function lookAtVariable(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
): string | undefined {
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  note(`variable ${name}`, { type: "variable", name, value });
  return value;
}

/** The ABI of Landlock, 0 for none. */
export function lookAtLandlock(): number {
  const abi = readLandlock();
  note("landlock", { type: "landlock", abi });
  return abi;
}

/**
 * Where something is mounted (proc_pid_mountinfo(5)). It is no fact of a kept plan's: mounts come and go, and most don't
 * matter. One that does stops the start, and the message says what to do (explain/overlays.ts).
 */
export function lookAtMounts(): string[] {
  return [...new Set(lookAtMountTable().points.map(({ path }) => path))].sort();
}

export interface MountPoint {
  readonly path: string;
  /** "ext4", "fuse.sshfs" */
  readonly type: string;
}

/** The same with types, in the order of mounting, and the text that noteMounts() wants where it matters. */
export function lookAtMountTable(): { text: string; points: MountPoint[] } {
  const bytes = readFileSync("/proc/self/mountinfo");
  const decode = (path: string) =>
    path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
  const points = bytes
    .toString("utf8")
    .trimEnd()
    .split("\n")
    .map((line): MountPoint => {
      const [before = "", after = ""] = line.split(" - ");
      return { path: decode(before.split(" ")[4] ?? "/"), type: after.split(" ")[0] ?? "" };
    });
  return { text: bytes.toString("latin1"), points };
}

/** The plan depends on where things are mounted. */
export function noteMounts(text: string): void {
  note("mounts", { type: "mounts", text });
}

/** The current directory was made use of. */
export function noteDirectory(): void {
  note("directory", { type: "directory" });
}

/** Something was used that can't be compared in a moment: a plan made of it is used once. */
export function noteUnrepeatable(why: string): void {
  note(`unrepeatable ${why}`, { type: "unrepeatable", why });
}
