// Why the jail's root can't take the place of the caller's: what pivot_root(2) and its kin want of "/".
// In: failures of the roots, of `propagation` and `pivot`. Out: rules; next is workdir.ts.
import { readValue } from "./facts.ts";
import { adviseCommands, type Rule } from "./rule.ts";

export const pivotRules: readonly Rule[] = [
  {
    name: "pivot_initramfs",
    ops: ["pivot", "root_tmpfs", "root_bind"],
    errnos: ["EINVAL"],
    when: ({ facts }) =>
      (readValue(facts.mounts) ?? []).some(({ target, fstype }) => target === "/" && fstype === "rootfs"),
    why: "The root directory is the initial ramfs (rootfs), which pivot_root(2) can't leave.",
    fix: "Boot into a root file system of its own, or move the tree to a tmpfs with switch_root(8) first.",
  },
  {
    name: "pivot_refused",
    ops: ["pivot", "propagation", "root_tmpfs", "root_bind"],
    steps: ["pivot_root", "move_mount", "mount_setattr"],
    errnos: ["EINVAL", "EBUSY"],
    why: "pivot_root(2) needs a root that is a mount point and isn't shared; in a chroot or an initramfs it is neither.",
    fix: adviseCommands("See what the root is here:", "findmnt -o TARGET,FSTYPE,PROPAGATION /"),
  },
];
