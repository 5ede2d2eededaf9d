// What else the machine brings: FUSE, cgroup delegation, tools, Node. In: files and PATH. Out: rows; apart from Node
// none of this is needed for the main job.
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { TsjailError } from "../error.ts";
import { bad, good, note, type Row } from "./row.ts";

export interface Machine {
  /** Where the machine's tree begins; "/" but in tests. */
  readonly root: string;
  readonly path: string;
  readonly nodeVersion: string;
}

export function checkMachine(machine: Machine): Row[] {
  return [checkFuse(machine), checkCgroup(machine), ...checkTools(machine), checkNode(machine)];
}

/** @param readVersion throws TsjailError where there is none */
export function checkLibseccomp(readVersion: () => string): Row {
  const subject = "libseccomp";
  try {
    return good(subject, `${readVersion()}: filters of system calls can be made of files`);
  } catch (error) {
    if (!(error instanceof TsjailError)) throw error;
    return note(subject, "not here; the shipped filters do without it, those from files don't", error.hint);
  }
}

/** Who lays layers, where `overlay` is "auto"; the row of overlays says whether the kernel can. */
export function checkLayerServer(found: { program: string | undefined; isReady: boolean }): Row {
  const subject = "fuse-overlayfs";
  const use = "layers over root's files (user.emulate), and those that overlayfs doesn't take";
  if (found.isReady) return good(subject, `${found.program} lays ${use}; all others are the kernel's`);
  const why =
    found.program === undefined ? "not here" : `${found.program} is here, and /dev/fuse can't be opened`;
  return note(
    subject,
    `${why}: all layers are the kernel's; it would lay ${use}`,
    found.program === undefined
      ? "sudo apt-get install fuse-overlayfs   # or: sudo dnf install fuse-overlayfs"
      : "sudo modprobe fuse && sudo chmod 0666 /dev/fuse",
  );
}

const readWrite = constants.R_OK | constants.W_OK;

function canAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function checkFuse({ root }: Machine): Row {
  if (canAccess(join(root, "dev/fuse"), readWrite)) return good("/dev/fuse", "can be opened");
  return note("/dev/fuse", "can't be opened; only FUSE file systems need it", "sudo modprobe fuse");
}

/** cgroups(7): a user may make cgroups below one whose directory was given to them. */
export function checkCgroup({ root }: Pick<Machine, "root">): Row {
  const subject = "cgroup";
  const own = /^0::(\/.*)$/m.exec(readText(join(root, "proc/self/cgroup")) ?? "")?.[1];
  const top = join(root, "sys/fs/cgroup");
  const advice = "systemd-run --user --scope -p Delegate=yes tsjail …   # where systemd runs";
  if (own === undefined || readText(join(top, "cgroup.controllers")) === undefined) {
    return note(subject, "cgroup v2 is not mounted at /sys/fs/cgroup; no shipped profile needs it");
  }
  const directory = join(top, own);
  const controllers = (readText(join(directory, "cgroup.controllers")) ?? "").trim();
  if (!canAccess(directory, constants.W_OK) || !canAccess(join(directory, "cgroup.procs"), constants.W_OK)) {
    return note(subject, `${own} is not delegated to this user; no shipped profile needs it`, advice);
  }
  return good(subject, `${own} is writable, with ${controllers === "" ? "no controllers" : controllers}`);
}

const tools: readonly (readonly [name: string, use: string])[] = [
  ["fuse-overlayfs", "overlays where the kernel refuses its own"],
  ["pasta", "networks of a jail's own"],
  ["slirp4netns", "the same, on older systems"],
  ["systemd-run", "a delegated cgroup"],
];

/** Optional, all of them: one row. newuidmap is named because people look for it. */
function checkTools({ path }: Machine): Row[] {
  const found = tools.filter(([name]) => isOnPath(name, path)).map(([name]) => name);
  const missing = tools.filter(([name]) => !found.includes(name)).map(([name, use]) => `${name} (${use})`);
  const have = found.length === 0 ? "" : `found ${found.join(", ")}`;
  const lack = missing.length === 0 ? "" : `not here, and optional: ${missing.join(", ")}`;
  return [
    good("tools", [have, lack].filter((part) => part !== "").join("; ")),
    good("newuidmap", "not needed: tsjail maps the one id that every user may map"),
  ];
}

function isOnPath(name: string, path: string): boolean {
  return path.split(delimiter).some((directory) => {
    const candidate = join(directory === "" ? "." : directory, name);
    return canAccess(candidate, constants.X_OK) && statSync(candidate).isFile();
  });
}

function checkNode({ nodeVersion }: Machine): Row {
  const major = Number(/^v?(\d+)/.exec(nodeVersion)?.[1] ?? 0);
  if (major >= 20) return good("Node", nodeVersion);
  return bad("Node", `${nodeVersion} is too old`, "Install Node 20 or later: https://nodejs.org");
}
