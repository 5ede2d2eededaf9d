// The jail's tree as a plan makes it, followed without entering it: where does a path of the jail come from?
// In: a plan, a path, a look at the host's files. Out: a Sight; next is execution.ts.
import { posix } from "node:path";
import type { Operation, Plan } from "../plan/operations.ts";
import type { FileFact } from "./files.ts";

type MountOperation = Extract<
  Operation,
  {
    op:
      | "root_tmpfs"
      | "root_bind"
      | "root_overlay"
      | "overlay"
      | "bind"
      | "mount"
      | "device"
      | "file"
      | "hide";
  }
>;

export type Sight =
  | {
      readonly seen: true;
      /** Its path in the jail, with every symbolic link followed. */
      readonly path: string;
      /** Its path on the host; undefined for what only the jail has. */
      readonly hostPath: string | undefined;
      readonly file: FileFact;
      /** What shows it. */
      readonly by: Operation | undefined;
    }
  | {
      readonly seen: false;
      /** How far the path could be followed. */
      readonly path: string;
      /**
       * `hidden`: by a `hide` operation. `covered`: a file system of the jail's own is there. `missing`: what the
       * jail shows there has no such file. `denied`: the host lets nobody look. `loop`: too many symbolic links.
       */
      readonly because: "hidden" | "covered" | "missing" | "denied" | "loop";
      readonly by: Operation | undefined;
    };

type Probe = (path: string) => FileFact;

/** MAXSYMLINKS of the kernel; path_resolution(7). */
const mostLinks = 40;

/**
 * Follows a path through the jail. Attributes of mounts don't matter here, only what is where.
 * @param path absolute, in the jail
 */
export function followPath(plan: Plan, path: string, probe: Probe): Sight {
  const waiting = split(path);
  let at = "/";
  let links = 0;
  let last = lookAt(plan, at, probe);
  while (waiting.length > 0) {
    const name = waiting.shift() ?? "";
    const next = name === ".." ? posix.dirname(at) : posix.join(at, name);
    last = lookAt(plan, next, probe);
    if (!last.seen) return last;
    if (last.file.kind === "symlink") {
      if (++links > mostLinks) return { seen: false, path: next, because: "loop", by: last.by };
      waiting.unshift(...split(last.file.target));
      if (last.file.target.startsWith("/")) at = "/";
      continue;
    }
    if (last.file.kind !== "directory" && waiting.length > 0) {
      return { seen: false, path: posix.join(next, waiting[0] ?? ""), because: "missing", by: last.by };
    }
    at = next;
  }
  return last.seen && last.path !== at ? lookAt(plan, at, probe) : last;
}

const split = (path: string): string[] => path.split("/").filter((name) => name !== "" && name !== ".");

/** One path, without following links. */
function lookAt(plan: Plan, path: string, probe: Probe): Sight {
  const by = findCover(plan, path, probe);
  const hostPath = by === undefined ? undefined : translate(by, path);
  if (hostPath !== undefined) {
    const file = probe(hostPath);
    if (file.kind === "missing" || file.kind === "denied") {
      // A mount point that was made on what is below: seen, whatever the host has there.
      if (isMountPoint(plan, path)) return { seen: true, path, hostPath: undefined, file: directory, by };
      return { seen: false, path, because: file.kind, by };
    }
    return { seen: true, path, hostPath, file, by };
  }
  const own = findOwn(plan, path, by);
  if (own !== undefined) return { seen: true, path, hostPath: undefined, file: own, by };
  return { seen: false, path, because: by?.op === "hide" ? "hidden" : "covered", by };
}

const directory: FileFact = { kind: "directory" };

const isBelow = (path: string, top: string): boolean =>
  top === "/" || path === top || path.startsWith(top.endsWith("/") ? top : `${top}/`);

/** Where a mount operation puts its mount; undefined for other operations. */
export function findTarget(operation: Operation): string | undefined {
  switch (operation.op) {
    case "root_tmpfs":
    case "root_bind":
    case "root_overlay":
      return "/";
    case "overlay":
    case "bind":
    case "mount":
    case "device":
    case "file":
    case "hide":
      return posix.normalize(operation.target).replace(/(.)\/$/, "$1");
    default:
      return undefined;
  }
}

/** The last mount on the path or above it: what is seen there. */
function findCover(plan: Plan, path: string, probe: Probe): MountOperation | undefined {
  const covers = plan.filter((operation) => {
    const target = findTarget(operation);
    return target !== undefined && isBelow(path, target) && !isPassedOver(operation, probe);
  });
  return covers.at(-1) as MountOperation | undefined;
}

function isPassedOver(operation: Operation, probe: Probe): boolean {
  if (operation.op !== "bind" || !operation.flags.includes("optional")) return false;
  return probe(operation.source).kind === "missing";
}

/** What a layer itself has is not looked at; of several below it nobody can say which it would be. */
function findSource(by: MountOperation): string | undefined {
  if (by.op === "bind" || by.op === "root_bind" || by.op === "device") return by.source;
  const isLayered = by.op === "root_overlay" || by.op === "overlay";
  return isLayered && by.lower.length === 1 ? by.lower[0] : undefined;
}

/** The host's path behind a path of the jail; undefined where the mount is not of the host's tree. */
function translate(by: MountOperation, path: string): string | undefined {
  const source = findSource(by);
  if (source === undefined) return undefined;
  const target = findTarget(by) ?? "/";
  return posix.join(source, path.slice(target === "/" ? 0 : target.length));
}

function isMountPoint(plan: Plan, path: string): boolean {
  return plan.some((operation) => {
    const target = findTarget(operation);
    return target !== undefined && target !== "/" && isBelow(target, path);
  });
}

/** What a file system of the jail's own has at a path. */
function findOwn(plan: Plan, path: string, by: MountOperation | undefined): FileFact | undefined {
  const link = plan.findLast((operation) => operation.op === "symlink" && operation.target === path);
  if (link?.op === "symlink") return { kind: "symlink", target: link.text };
  if (by?.op === "file") {
    return { kind: "file", mode: by.mode, interpreter: undefined, format: "unknown", machine: undefined };
  }
  if (by === undefined || by.op === "hide") return undefined;
  if (path === findTarget(by) || isMountPoint(plan, path)) return directory;
  // Only those that were made since: what an earlier operation made is covered.
  const made = plan.slice(plan.indexOf(by)).some((operation) => {
    return operation.op === "directory" && isBelow(operation.target, path);
  });
  if (made) return directory;
  // procfs and its like have files of their own, of which the plan says nothing.
  return by.op === "mount" && by.fstype !== "tmpfs" ? directory : undefined;
}
