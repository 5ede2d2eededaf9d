// In: a [[mount]] of type proc. Out: the mount, and what is masked on it or made read-only, as OCI runtimes do
// (runtime-spec maskedPaths and readonlyPaths, with the defaults that Docker and Podman give them).
import type { Operation } from "../plan/operations.ts";
import { mapsHostRoot } from "./ids.ts";
import type { Intent } from "./intent.ts";
import type { Mounted, Mounting } from "./mounting.ts";
import { partOf } from "./request.ts";

/** What tells of the machine or of its other users; and where the kernel's functions are, for attacks on it. */
const masked = [
  "acpi",
  "asound",
  "interrupts",
  "kallsyms",
  "kcore",
  "keys",
  "latency_stats",
  "sched_debug",
  "scsi",
  "timer_list",
  "timer_stats",
];

/** What only root can read, and in a jail without capabilities still could. */
const maskedForRoot = ["kmsg", "kpagecgroup", "kpagecount", "kpageflags", "slabinfo", "vmallocinfo"];

/** What changes the machine. */
const readonly = ["bus", "fs", "irq", "sys", "sysrq-trigger"];

export function compileProc(mounting: Mounting, intent: Intent): Mounted {
  const { request, resolved } = mounting;
  const target = intent.path;
  const origin = partOf("mount type proc", intent.origin);
  const set = ["nosuid", "nodev", "noexec"] as const;
  // A procfs shows the pid namespace of whoever mounts it, and the host's is not ours to mount (EPERM).
  const mount: Operation =
    request.profile.namespaces.pid === "private"
      ? { op: "mount", origin, fstype: "proc", target, options: [], flags: [], set }
      : {
          op: "bind",
          origin,
          source: "/proc",
          target,
          flags: ["recursive"],
          set,
          propagation: resolved.slave ? "private" : "none",
        };
  return { mounts: [mount], masks: compileMasks(mounting, target, origin) };
}

function compileMasks(mounting: Mounting, directory: string, origin: string): Operation[] {
  if (!isMaskable(mounting)) return [];
  const isFree = (target: string) => !mounting.claimed.has(target);
  const place = (name: string) => `${directory}/${name}`;
  return [
    ...[...masked, ...(mapsHostRoot(mounting.ids) ? maskedForRoot : [])]
      .map(place)
      .filter(isFree)
      .map((target): Operation => ({ op: "hide", origin, target, flags: [] })),
    ...readonly
      .map(place)
      .filter(isFree)
      .map((target): Operation => ({ op: "readonly", origin, target, flags: ["optional"] })),
  ];
}

/**
 * Over a procfs or sysfs with masks the kernel refuses a further, unmasked one to a nested user namespace ("mount too
 * revealing", mount_namespaces(7)), so nesting rules them out. File modes still protect what the masks would, unless a
 * user of the jail is root on the host.
 */
export function isMaskable({ request, ids }: Mounting): boolean {
  return !request.profile.namespaces.nested || mapsHostRoot(ids);
}
