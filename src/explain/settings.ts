// Why a setting of the jail or of the command can't be made: limits, priorities, names, kernel parameters, ids.
// In: failures of those operations. Out: rules; next is executor.ts.
import { quoteWord } from "../plan/escape.ts";
import { adviseCommands, type Failure, type Rule } from "./rule.ts";

/** The letters of bash's `ulimit`, where it has one. */
const ulimitLetters: Readonly<Record<string, string>> = {
  ...{ core: "c", data: "d", nice: "e", fsize: "f", sigpending: "i", memlock: "l", rss: "m", nofile: "n" },
  ...{ msgqueue: "q", rtprio: "r", rttime: "R", stack: "s", cpu: "t", nproc: "u", as: "v", locks: "x" },
};

const resourceOf = ({ operation }: Failure): string => (operation?.op === "rlimit" ? operation.resource : "");
/** The option that asked for a descriptor, and which one. */
const nameDescriptor = ({ operation }: Failure): [string, number] =>
  operation?.op === "supervise"
    ? ["--status-fd", operation.status_fd]
    : ["--fd", operation?.op === "pass_fd" ? operation.fd : 3];
const sysctlOf = ({ operation }: Failure): string => (operation?.op === "sysctl" ? operation.name : "");

const limitRules: readonly Rule[] = [
  {
    name: "rlimit_raised",
    ops: ["rlimit"],
    errnos: ["EPERM"],
    why: (failure) =>
      `The profile asks for more ${resourceOf(failure)} than the hard limit that tsjail was started with; only root can ` +
      "raise that (getrlimit(2)).",
    fix: (failure) =>
      adviseCommands(
        "See the hard limit, then ask for no more, or have it raised in /etc/security/limits.conf:",
        `bash -c 'ulimit -H${ulimitLetters[resourceOf(failure)] ?? "a"}'`,
      ),
  },
  {
    name: "rlimit_order",
    ops: ["rlimit"],
    errnos: ["EINVAL"],
    why: "The soft limit is above the hard one.",
    fix: "Correct the limit in [rlimits] of the profile.",
  },
  {
    name: "nice_lowered",
    ops: ["nice"],
    errnos: ["EACCES", "EPERM"],
    why: "Only root may give a command a better priority than tsjail has, beyond what RLIMIT_NICE allows (setpriority(2)).",
    fix: adviseCommands(
      "Write a larger number for `nice` in [process], or have the limit raised; it is now:",
      "bash -c 'ulimit -e'",
    ),
  },
  {
    name: "oom_lowered",
    ops: ["oom_score_adj"],
    errnos: ["EACCES", "EPERM"],
    why:
      "Only root may make a process less likely to be killed when memory runs out: a user may raise oom_score_adj and " +
      "can't lower it again.",
    fix: adviseCommands(
      "Write no less for `oom_score_adj` in [process] than tsjail is started with:",
      "cat /proc/self/oom_score_adj",
    ),
  },
  {
    name: "oom_range",
    ops: ["oom_score_adj"],
    errnos: ["EINVAL"],
    why: "oom_score_adj goes from -1000 to 1000.",
    fix: "Correct `oom_score_adj` in [process] of the profile.",
  },
];

const nameRules: readonly Rule[] = [
  {
    name: "hostname_host",
    ops: ["hostname", "domainname"],
    errnos: ["EPERM"],
    why: "A host name can be set only in a uts namespace of the jail's own.",
    fix: 'Write uts = "private" in [namespaces], or take the name out of the profile.',
  },
  {
    name: "hostname_length",
    ops: ["hostname", "domainname"],
    errnos: ["EINVAL", "ENAMETOOLONG"],
    why: "The name is longer than 64 bytes, the most that the kernel keeps (sethostname(2)).",
    fix: "Choose a shorter name in the profile.",
  },
  {
    name: "loopback_refused",
    last: true,
    ops: ["loopback"],
    errnos: ["EPERM", "EACCES"],
    why: "The jail has a network namespace of its own and may not change it: its capabilities were taken away.",
    fix: adviseCommands(
      "See what the machine permits, and what the kernel has noted:",
      "tsjail doctor",
      "sudo dmesg | tail",
    ),
  },
  {
    name: "loopback_missing",
    ops: ["loopback"],
    errnos: ["ENODEV", "EAFNOSUPPORT"],
    why: "The kernel, or a filter around tsjail, gives the jail no loopback interface or no IPv4 sockets.",
    fix: 'Write mode = "host" in [network] of the profile, if the jail may use the host\'s network.',
  },
];

const sysctlRules: readonly Rule[] = [
  {
    name: "sysctl_missing",
    ops: ["sysctl"],
    errnos: ["ENOENT", "ENOTDIR"],
    why: (failure) => `This kernel has no ${quoteWord(sysctlOf(failure))}, or not in the jail's namespaces.`,
    fix: (failure) =>
      adviseCommands("Look for it:", `ls -l /proc/sys/${sysctlOf(failure).replaceAll(".", "/")}`),
  },
  {
    name: "sysctl_denied",
    ops: ["sysctl"],
    errnos: ["EACCES", "EPERM", "EROFS"],
    why: (failure) =>
      `${quoteWord(sysctlOf(failure))} belongs to the whole machine, not to one of the jail's namespaces, or the ` +
      "namespace that it belongs to is the host's.",
    fix: "Only what a namespace has of its own can be set: kernel.* of ipc and uts, net.* of net, user.* of user.",
  },
  {
    name: "sysctl_value",
    ops: ["sysctl"],
    errnos: ["EINVAL", "ERANGE"],
    why: (failure) => `The kernel doesn't accept this value for ${quoteWord(sysctlOf(failure))}.`,
    fix: "Correct the value in the profile.",
  },
];

const identityRules: readonly Rule[] = [
  {
    name: "id_unmapped",
    ops: ["ids"],
    errnos: ["EINVAL"],
    why: "The id that the command is to have isn't mapped into the jail.",
    fix: "Map it in [user] of the profile, or choose uid and gid that are mapped.",
  },
  {
    name: "groups_denied",
    ops: ["ids"],
    steps: ["setgroups"],
    errnos: ["EPERM"],
    why: "setgroups(2) is denied in this user namespace or in one around it.",
    fix: "Take `map` out of [user] in the profile.",
  },
  {
    name: "credentials_left",
    reasons: ["credentials"],
    why: "After it was to be given up, a capability or an id was still there. tsjail starts nothing in such a jail.",
    fix: "Please report this with the output of `tsjail plan` and `tsjail doctor`.",
  },
  {
    name: "capability_refused",
    last: true,
    ops: ["capabilities", "no_new_privs"],
    errnos: ["EPERM", "EINVAL"],
    why: "The kernel doesn't let the jail's init change its capabilities, which it had at the start.",
    fix: adviseCommands(
      "See what the machine permits, and what the kernel has noted:",
      "tsjail doctor",
      "sudo dmesg | tail",
    ),
  },
];

const terminalRules: readonly Rule[] = [
  {
    name: "pty_exhausted",
    ops: ["pty"],
    errnos: ["ENOSPC"],
    why: "No more terminals can be opened on this machine: kernel.pty.max is reached.",
    fix: adviseCommands(
      "See how many there are, then raise the limit:",
      "cat /proc/sys/kernel/pty/nr",
      "sudo sysctl -w kernel.pty.max=8192",
    ),
  },
  {
    name: "pty_missing",
    ops: ["pty"],
    errnos: ["ENOENT", "ENXIO", "ENODEV"],
    why: "The jail has no devpts of its own to open a terminal from.",
    fix: 'Mount a /dev in the profile ([[mount]] type = "dev"), or write tty = "never" in [process].',
  },
  {
    name: "pty_absent",
    reasons: ["no_pty"],
    why:
      "The jail is to have a terminal, since tsjail was started on one or the profile asks for it, but it shows no /dev " +
      "of its own to open one from. The caller's terminal itself is never passed on.",
    fix: 'Mount a /dev in the profile ([[mount]] type = "dev"), or redirect: tsjail … < /dev/null 2>&1 | cat',
  },
  {
    name: "descriptor_closed",
    ops: ["pass_fd", "supervise"],
    errnos: ["EBADF"],
    why: (failure) =>
      `${nameDescriptor(failure).join(" ")}: that descriptor is not open in the program that started tsjail.`,
    fix: (failure) => {
      const [option, fd] = nameDescriptor(failure);
      const opening = `${fd}${option === "--fd" ? "<" : ">"} FILE`;
      return adviseCommands(
        "Open it in the shell, under the same number:",
        `tsjail ${option} ${fd} … ${opening}`,
      );
    },
  },
  {
    name: "descriptors_exhausted",
    errnos: ["EMFILE", "ENFILE"],
    why: "No more files can be opened: the limit RLIMIT_NOFILE, or fs.file-max of the machine, is reached.",
    fix: adviseCommands(
      "See the limits, then raise the soft one in the shell that starts tsjail:",
      "ulimit -Hn; ulimit -Sn",
      "ulimit -Sn 4096",
    ),
  },
];

export const settingRules: readonly Rule[] = [
  ...limitRules,
  ...nameRules,
  ...sysctlRules,
  ...identityRules,
  ...terminalRules,
];
