// In: a [[mount]] of type sys. Out: a read-only /sys, and the masks that OCI runtimes put on it.
import type { Operation } from "../plan/operations.ts";
import type { Intent } from "./intent.ts";
import type { Mounted, Mounting } from "./mounting.ts";
import { isMaskable } from "./proc.ts";
import { partOf } from "./request.ts";

/** Firmware tables; power meters, from which other users' secrets can be read (CVE-2020-8694). */
const masked = ["firmware", "devices/virtual/powercap"];

export function compileSys(mounting: Mounting, intent: Intent): Mounted {
  const { request, resolved, claimed } = mounting;
  const target = intent.path;
  const origin = partOf("mount type sys", intent.origin);
  const set = ["ro", "nosuid", "nodev", "noexec"] as const;
  // A sysfs shows the network namespace of whoever mounts it, and the host's is not ours to mount (EPERM).
  const mount: Operation =
    request.profile.network.mode === "none"
      ? { op: "mount", origin, fstype: "sysfs", target, options: [], flags: [], set }
      : {
          op: "bind",
          origin,
          source: "/sys",
          target,
          flags: ["recursive"],
          set,
          propagation: resolved.slave ? "private" : "none",
        };
  const paths = isMaskable(mounting) ? masked.map((name) => `${target}/${name}`) : [];
  const masks = paths
    .filter((path) => !claimed.has(path))
    .map((path): Operation => ({ op: "hide", origin, target: path, flags: [] }));
  const hasParts = [...claimed].some((path) => path.startsWith(`${target}/`));
  if (mount.op === "bind" || hasParts) return { mounts: [mount], masks };
  // It has to wait for the network namespace, which is made while the other mounts are (native/network.c).
  return { masks: [mount, ...masks] };
}
