// Why a file system of the jail's own can't be mounted: procfs and sysfs above all, which the kernel gives out only
// where nothing would be revealed. In: failures of `mount`, `stage` and the roots. Out: rules; next is binds.ts.
import { readValue } from "./facts.ts";
import { adviseWhole, forbidsNesting, isSysCovered } from "./limits.ts";
import { explainRevealing } from "./mounts.ts";
import { adviseCommands, type Failure, hasNamespace, type Rule } from "./rule.ts";

const fstypeOf = ({ operation }: Failure): string => (operation?.op === "mount" ? operation.fstype : "tmpfs");
const targetOf = ({ operation }: Failure): string => (operation?.op === "mount" ? operation.target : "/");

/** The profile's choice that shows the surrounding file system in place of a fresh one. */
function adviseBind(
  start: "Show" | "Or show",
  source: string,
  failure: Failure,
  loss: string,
  ...more: readonly string[]
): string {
  const lines = ["[[mount]]", 'type = "bind"', `source = "${source}"`, `target = "${targetOf(failure)}"`];
  return adviseCommands(`${start} the surrounding one, in the profile (${loss}):`, ...lines, ...more);
}

/** Where the surrounding /proc/sys can't be written, neither can what keeps the jail from nesting. */
function adviseNested({ facts, plan }: Failure): readonly string[] {
  if (!forbidsNesting(plan) || !isSysCovered(facts)) return [];
  return ["[namespaces]", "nested = true   # it can't be forbidden here: /proc/sys is read-only or covered"];
}

/** File systems that show a namespace, and need to own it. */
const owners = [
  {
    fstype: "proc",
    namespace: "pid",
    key: "namespaces.pid",
    advice: 'Write pid = "private" in [namespaces], or show the host\'s:',
  },
  {
    fstype: "sysfs",
    namespace: "net",
    key: "network.mode",
    advice: 'Write mode = "none" in [network], or show the host\'s:',
  },
  {
    fstype: "cgroup2",
    namespace: "cgroup",
    key: "namespaces.cgroup",
    advice: 'Write cgroup = "private" in [namespaces], or show the host\'s:',
  },
  {
    fstype: "mqueue",
    namespace: "ipc",
    key: "namespaces.ipc",
    advice: 'Write ipc = "private" in [namespaces], or show the host\'s:',
  },
] as const;

const findOwner = (failure: Failure) =>
  owners.find(
    ({ fstype, namespace }) => fstype === fstypeOf(failure) && !hasNamespace(failure.plan, namespace),
  );

export const filesystemRules: readonly Rule[] = [
  {
    name: "namespace_not_owned",
    ops: ["mount"],
    errnos: ["EPERM"],
    when: (failure) => findOwner(failure) !== undefined,
    why: (failure) => {
      const owner = findOwner(failure);
      return (
        `A fresh ${fstypeOf(failure)} shows a ${owner?.namespace} namespace, and mounting it takes one of the jail's ` +
        `own; this profile keeps the host's (${owner?.key}).`
      );
    },
    fix: (failure) => {
      const source =
        { proc: "/proc", sysfs: "/sys", mqueue: "/dev/mqueue", cgroup2: "/sys/fs/cgroup" }[
          fstypeOf(failure)
        ] ?? targetOf(failure);
      const bind = ["[[mount]]", 'type = "bind"', `source = "${source}"`, `target = "${targetOf(failure)}"`];
      return adviseCommands(findOwner(failure)?.advice ?? "", ...bind);
    },
  },
  {
    name: "proc_too_revealing",
    ops: ["mount"],
    steps: ["fsmount"],
    errnos: ["EPERM"],
    when: (failure) => fstypeOf(failure) === "proc",
    why: ({ facts }) => {
      const cause = explainRevealing(readValue(facts.mounts) ?? [], "proc");
      return (
        "The kernel mounts a fresh procfs in a user namespace only where the surrounding /proc is wholly visible, so " +
        `that nothing is revealed that was hidden. ${cause === undefined ? "It is not" : `Here ${cause}`}. ` +
        'The kernel\'s log then says "VFS: Mount too revealing".'
      );
    },
    fix: (failure) =>
      [
        adviseWhole(failure.facts),
        adviseBind(
          "Or show",
          "/proc",
          failure,
          "the processes outside are then seen, though not touched",
          ...adviseNested(failure),
        ),
      ].join("\n"),
  },
  {
    name: "sysfs_too_revealing",
    ops: ["mount"],
    steps: ["fsmount"],
    errnos: ["EPERM"],
    when: (failure) => fstypeOf(failure) === "sysfs",
    why: ({ facts }) => {
      const cause = explainRevealing(readValue(facts.mounts) ?? [], "sysfs");
      return (
        "The kernel mounts a fresh sysfs in a user namespace only where the surrounding /sys is wholly visible, and " +
        `then no more writable than that. ${cause === undefined ? "It is not so here" : `Here ${cause}`}.`
      );
    },
    fix: (failure) => adviseBind("Show", "/sys", failure, "it then shows the network devices of the host"),
  },
  {
    name: "filesystem_refused",
    ops: ["mount"],
    errnos: ["EPERM"],
    when: (failure) => !["tmpfs", "devpts", "mqueue", "proc", "sysfs", "overlay"].includes(fstypeOf(failure)),
    why: (failure) =>
      `The kernel doesn't let an unprivileged user mount a file system of type ${fstypeOf(failure)}.`,
    fix: "Mount it on the host and show it with a bind.",
  },
  {
    name: "filesystem_unknown",
    ops: ["mount", "stage", "root_tmpfs"],
    errnos: ["ENODEV"],
    why: (failure) =>
      `The kernel has no file system of type ${fstypeOf(failure)}, or its module isn't loaded.`,
    fix: (failure) =>
      adviseCommands("Load it, or take the mount out of the profile:", `sudo modprobe ${fstypeOf(failure)}`),
  },
  {
    name: "tmpfs_option",
    ops: ["mount", "root_tmpfs"],
    errnos: ["EINVAL"],
    when: (failure) => fstypeOf(failure) === "tmpfs",
    why: "The kernel doesn't accept one of the tmpfs's options: a size or a number of inodes out of range.",
    fix: "Correct `size`, `inodes` or `mode` of that mount in the profile (tmpfs(5)).",
  },
  {
    name: "devpts_option",
    ops: ["mount"],
    errnos: ["EINVAL"],
    when: (failure) => fstypeOf(failure) === "devpts",
    why: "The kernel doesn't accept one of the devpts's options; a `gid=` must be mapped into the jail.",
    fix: "Please report this with the output of `tsjail plan`: the options are tsjail's own.",
  },
  {
    name: "filesystem_option",
    ops: ["mount"],
    steps: ["fsconfig"],
    errnos: ["EINVAL"],
    why: (failure) =>
      `This kernel doesn't accept one of the options of the file system ${fstypeOf(failure)}.`,
    fix: adviseCommands("See what it says of it:", "sudo dmesg | tail"),
  },
  {
    name: "tmpfs_full",
    ops: ["file", "directory", "symlink", "bind", "mount", "device", "hide", "readonly"],
    steps: ["mkdirat", "symlinkat", "mknodat", "write"],
    errnos: ["ENOSPC", "EDQUOT"],
    why: "The tmpfs that this is made on is full: its size or its number of inodes is used up.",
    fix: "Give that tmpfs more room in the profile (`size`, `inodes`), or put less into it.",
  },
];
