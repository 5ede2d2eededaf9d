// Why a filter of system calls can't be loaded. In: failures of seccomp(2) in the operations `emulate` and `seccomp`. Out:
// rules; next is executor.ts.
import { adviseUnfiltered, describeAround } from "./container.ts";
import { readValue } from "./facts.ts";
import { adviseCommands, type Failure, type Rule } from "./rule.ts";

const ops = ["emulate", "seccomp"] as const;
const steps = ["seccomp"] as const;
const isFiltered = ({ facts }: Failure): boolean => readValue(facts.process)?.seccomp === "filter";
const withoutFilter = ({ operation }: Failure): string =>
  operation?.op === "emulate"
    ? "Or do without it: take user.emulate out of the profile"
    : 'Or do without it, in the profile: seccomp = "off" in [security]';

/** Ahead of those on system calls that are missing, which know less. */
export const seccompRules: readonly Rule[] = [
  {
    name: "seccomp_filtered",
    ops,
    steps,
    errnos: ["EPERM", "ENOSYS"],
    when: isFiltered,
    why: ({ facts }) =>
      `A seccomp filter around tsjail${describeAround(facts.container)} lets nobody add one of their own: it refuses ` +
      "seccomp(2).",
    fix: (failure) => `${adviseUnfiltered(failure.facts.container)}\n${withoutFilter(failure)}`,
  },
  {
    name: "seccomp_missing",
    ops,
    steps,
    errnos: ["ENOSYS", "EINVAL"],
    code: "host_unsupported",
    why: "This kernel has no filters of system calls, or not the kind that the plan asks for: CONFIG_SECCOMP_FILTER.",
    fix: (failure) =>
      `${adviseCommands("See what it has:", "zgrep SECCOMP /proc/config.gz /boot/config-$(uname -r)", "cat /proc/sys/kernel/seccomp/actions_avail")}\n${withoutFilter(failure)}`,
  },
  {
    name: "seccomp_privilege",
    ops,
    steps,
    errnos: ["EACCES"],
    why: "Without no_new_privs the kernel takes a filter only from a process with CAP_SYS_ADMIN (seccomp(2)).",
    fix: 'Write no_new_privs = true in [security] of the profile, or seccomp = "off".',
  },
  {
    name: "seccomp_memory",
    ops,
    steps,
    errnos: ["ENOMEM"],
    why: "There is no memory for the filter, or all filters around the command have more than 32,768 instructions in sum.",
    fix: "Start fewer jails inside each other.",
  },
  {
    name: "seccomp_listener",
    ops,
    steps,
    errnos: ["EBUSY"],
    why: "A filter around tsjail has a supervisor already, and there can be only one (seccomp_unotify(2)).",
    fix: "Run tsjail outside of it, or use a filter that asks nobody, and no user.emulate.",
  },
  {
    name: "seccomp_supervisor",
    ops,
    steps: ["sendmsg", "recvmsg", "fcntl"],
    why: "The filter's supervisor can't be reached: the socket for it is not open, or nobody reads it any more.",
    fix: "Keep both ends of the socket open until the jail has ended.",
  },
];
