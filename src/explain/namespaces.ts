// Why namespaces can't be created: what clone(2), namespaces(7) and time_namespaces(7) say, and what the facts add.
// In: failures of `clone` and of the clocks. Out: rules; next is idmap.ts.
import { restrictedCloneRule } from "./apparmor.ts";
import { adviseUnfiltered, describeAround } from "./container.ts";
import { readValue } from "./facts.ts";
import { namespaceKinds } from "./kinds.ts";
import { adviseDisabled, limitRules, listKinds } from "./limits.ts";
import { adviseCommands, type Failure, type Rule } from "./rule.ts";

const isFiltered = ({ facts }: Failure): boolean => readValue(facts.process)?.seccomp === "filter";

const userRules: readonly Rule[] = [
  {
    name: "userns_disabled",
    ops: ["clone"],
    errnos: ["ENOSPC", "EUSERS", "EPERM"],
    when: ({ facts }) => readValue(facts.maxNamespaces.user) === 0,
    why: "User namespaces are switched off on this machine: user.max_user_namespaces is 0.",
    fix: adviseDisabled(["user"]),
  },
  {
    name: "userns_clone_disabled",
    ops: ["clone"],
    errnos: ["EPERM"],
    when: ({ facts }) => readValue(facts.unprivilegedUsernsClone) === false,
    why: "User namespaces are for root only on this machine: kernel.unprivileged_userns_clone is 0.",
    fix: adviseCommands(
      "Allow them to everybody, now and after the next boot:",
      "sudo sysctl -w kernel.unprivileged_userns_clone=1",
      "echo kernel.unprivileged_userns_clone=1 | sudo tee /etc/sysctl.d/90-user-namespaces.conf",
    ),
  },
  {
    name: "userns_chroot",
    ops: ["clone"],
    errnos: ["EPERM"],
    when: ({ facts }) => readValue(facts.chroot) === true,
    why: "tsjail runs in a chroot, and the kernel creates no user namespace there (Linux 3.9; unshare(2)).",
    fix: "Enter the tree with a program that uses pivot_root(2), such as systemd-nspawn or tsjail itself, not chroot.",
  },
  {
    name: "userns_seccomp",
    ops: ["clone"],
    errnos: ["EPERM", "EACCES"],
    when: isFiltered,
    why: ({ facts }) =>
      facts.container === undefined
        ? "A seccomp filter around tsjail refuses new namespaces: a container's, or a systemd unit's " +
          "(RestrictNamespaces=, SystemCallFilter=)."
        : `A seccomp filter around tsjail${describeAround(facts.container)} refuses new namespaces. Docker's and ` +
          "Podman's default filters do so in a container without CAP_SYS_ADMIN.",
    fix: ({ facts }) => adviseUnfiltered(facts.container),
  },
  {
    name: "userns_unmapped",
    ops: ["clone"],
    errnos: ["EPERM"],
    when: ({ facts }) => readValue(facts.process)?.euid === 65534,
    why: "tsjail runs as a user that the surrounding user namespace doesn't map (it appears as 65534, nobody).",
    fix: "Run tsjail as a user that is mapped: see /proc/self/uid_map for those that are.",
  },
  restrictedCloneRule,
  {
    name: "userns_refused",
    last: true,
    ops: ["clone"],
    errnos: ["EPERM", "EACCES"],
    why:
      "Something on this machine forbids user namespaces: a chroot or a seccomp filter around tsjail, a security module " +
      "(AppArmor, SELinux), or the kernel's configuration.",
    fix: adviseCommands(
      "See what the machine permits, and what the kernel has noted:",
      "tsjail doctor",
      "sudo dmesg | tail",
    ),
  },
];

const cloneRules: readonly Rule[] = [
  {
    name: "namespaces_exhausted",
    ops: ["clone", "time_offsets"],
    errnos: ["ENOSPC", "EUSERS"],
    why: ({ facts, plan }) => {
      const limits = listKinds(plan).map(
        (kind) => `${namespaceKinds[kind].limit}: ${readValue(facts.maxNamespaces[kind]) ?? "unknown"}`,
      );
      return (
        "A limit on the number of namespaces is reached, here or in a user namespace around: one of " +
        `user.max_*_namespaces (${limits.join(", ")}), or 32 nested user namespaces.`
      );
    },
    fix: adviseCommands(
      "See the limits and who holds namespaces, then raise a limit or end some jails:",
      "grep . /proc/sys/user/max_*_namespaces",
      "lsns --output-all",
      "sudo sysctl -w user.max_user_namespaces=15000   # or the one that is reached",
    ),
  },
  {
    name: "processes_exhausted",
    ops: ["clone", "supervise", "command"],
    steps: ["clone3", "fork", "execve"],
    errnos: ["EAGAIN"],
    why:
      "No more processes may be created: the limit RLIMIT_NPROC of this user, pids.max of the cgroup, or " +
      "kernel.pid_max is reached.",
    fix: adviseCommands(
      "See the limits, then end some processes or raise one (in a profile it is `nproc` in [rlimits]):",
      "ulimit -u; ps --no-headers -u $(id -u) -L | wc -l",
      "cat /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/pids.max",
    ),
  },
  {
    name: "namespace_unsupported",
    ops: ["clone", "time_offsets"],
    errnos: ["EINVAL"],
    why: ({ plan }) => {
      const clone = plan.find(({ op }) => op === "clone");
      const names = clone?.op === "clone" ? clone.namespaces.join(", ") : "";
      return `The kernel was built without one of the namespaces that this jail wants: user, ${names}.`;
    },
    fix: adviseCommands(
      'See which exist, and give the missing one up in the profile ([namespaces], for example time = "host"):',
      "ls /proc/self/ns",
    ),
  },
  {
    name: "out_of_memory",
    errnos: ["ENOMEM"],
    why: "The kernel has no memory left for this, or the cgroup around tsjail has none.",
    fix: adviseCommands(
      "See what is left:",
      "free -h",
      "cat /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/memory.max",
    ),
  },
];

const clockRules: readonly Rule[] = [
  {
    name: "clock_range",
    ops: ["time_offsets"],
    errnos: ["ERANGE"],
    why: "An offset is too large: a clock would run before 0 or past 146 years (time_namespaces(7)).",
    fix: "Choose offsets in [namespaces] time_offsets that are not below minus the uptime (see /proc/uptime).",
  },
  {
    name: "clock_late",
    ops: ["time_offsets"],
    errnos: ["EACCES"],
    why: "The offsets of a time namespace can be set only before a process is in it (time_namespaces(7)).",
    fix: "This is a bug in tsjail: please report it with the output of `tsjail plan`.",
  },
  {
    name: "clock_missing",
    ops: ["time_offsets"],
    errnos: ["ENOENT"],
    why: "The kernel has no time namespaces (CONFIG_TIME_NS).",
    fix: 'Write time = "host" in [namespaces] of the profile.',
  },
];

// A limit of 0 says more than that some limit is reached.
export const namespaceRules: readonly Rule[] = [...clockRules, ...userRules, ...limitRules, ...cloneRules];
