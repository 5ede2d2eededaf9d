// In: a [[mount]] of type dev. Out: a small /dev of the jail's own: six devices, its own terminals, shared memory and
// message queues. Whatever the profile wants at one of these paths itself is left to it.
import type { Operation } from "../plan/operations.ts";
import { isMapped, ownerOptions } from "./ids.ts";
import type { Intent } from "./intent.ts";
import type { Mounted, Mounting } from "./mounting.ts";
import { partOf } from "./request.ts";

/** Device numbers of Documentation/admin-guide/devices.txt. */
const devices = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["full", 1, 7],
  ["random", 1, 8],
  ["urandom", 1, 9],
  ["tty", 5, 0],
] as const;

const symlinks = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
  ["ptmx", "pts/ptmx"],
] as const;

/** The group `tty` of every distribution; a terminal's slave belongs to it (pts(4)). */
const ttyGroup = 5;

export function compileDev(mounting: Mounting, intent: Intent, shm: readonly string[]): Mounted {
  const { request, claimed } = mounting;
  const { path } = intent;
  const origin = partOf("mount type dev", intent.origin);
  const at = (name: string) => `${path}/${name}`;
  const isFree = (name: string) => !claimed.has(at(name));
  const mounts: Operation[] = [
    mount(mounting, origin, "tmpfs", path, ["mode=0755"], ["nosuid", "noexec"]),
    ...devices
      .filter(([name]) => isFree(name))
      .map(
        ([name, major, minor]): Operation => ({
          op: "device",
          origin,
          source: `/dev/${name}`,
          target: at(name),
          major,
          minor,
        }),
      ),
    ...symlinks
      .filter(([name]) => isFree(name))
      .map(([name, text]): Operation => ({ op: "symlink", origin, target: at(name), text })),
  ];
  if (isFree("pts")) mounts.push(compileTerminals(mounting, at("pts"), origin));
  const bare = ["nosuid", "nodev", "noexec"] as const;
  if (isFree("shm")) mounts.push(mount(mounting, origin, "tmpfs", at("shm"), ["mode=1777", ...shm], bare));
  const ownQueues = request.profile.namespaces.ipc === "private";
  if (ownQueues && isFree("mqueue")) mounts.push(compileQueues(mounting, at("mqueue"), origin));
  return { mounts, terminal: compilePty(mounting, intent, origin), seals: [seal(path, origin)] };
}

/** POSIX message queues. Those of an ipc namespace of others can't be mounted, so the host's are bound. */
export function compileQueues(mounting: Mounting, target: string, origin: string): Operation {
  const set = ["nosuid", "nodev", "noexec"] as const;
  if (mounting.request.profile.namespaces.ipc === "private") {
    return { op: "mount", origin, fstype: "mqueue", target, options: [], flags: [], set };
  }
  const propagation = mounting.resolved.slave ? "private" : "none";
  return { op: "bind", origin, source: "/dev/mqueue", target, flags: ["recursive"], set, propagation };
}

/** A gid that is not mapped is EINVAL; the slave then keeps the group of whoever opens it. */
function compileTerminals(mounting: Mounting, target: string, origin: string): Operation {
  const options = ["newinstance", "ptmxmode=0666", "mode=0620"];
  if (isMapped(mounting.ids.ranges.gid, ttyGroup)) options.push(`gid=${ttyGroup}`);
  return { op: "mount", origin, fstype: "devpts", target, options, flags: [], set: ["nosuid", "noexec"] };
}

/** The /dev that has the jail's terminals: the one at its usual place, should a profile have more than one. */
export function findTerminals(intents: readonly Intent[]): Intent | undefined {
  const all = intents.filter(({ content }) => content.kind === "dev");
  return all.find(({ path }) => path === "/dev") ?? all[0];
}

function compilePty({ request, resolved }: Mounting, intent: Intent, origin: string): Operation[] {
  if (request.profile.process.tty === "never" || findTerminals(resolved.intents) !== intent) return [];
  return [{ op: "pty", origin, ptmx: `${intent.path}/pts/ptmx`, console: `${intent.path}/console` }];
}

function mount(
  { ids }: Mounting,
  origin: string,
  fstype: "tmpfs",
  target: string,
  options: readonly string[],
  set: Extract<Operation, { op: "mount" }>["set"],
): Operation {
  return { op: "mount", origin, fstype, target, options: [...options, ...ownerOptions(ids)], flags: [], set };
}

function seal(target: string, origin: string): Operation {
  return { op: "attributes", origin, target, flags: [], set: ["ro"] };
}
