// Failures of the executor's own: how it was started, what it was given, and kernels that lack what it needs.
// In: failures with a reason, and system calls that don't exist. Out: rules; next is execution.ts.
import { adviseUnfiltered, describeAround } from "./container.ts";
import { readValue } from "./facts.ts";
import { initRules } from "./init.ts";
import { adviseCommands, type Failure, type Rule } from "./rule.ts";

const report = "Please report this with the output of `tsjail plan` and `tsjail doctor`.";

/** Ahead of all others. */
export const executorRules: readonly Rule[] = [
  {
    name: "setuid",
    reasons: ["setuid"],
    why:
      "The executor is installed setuid, setgid or with file capabilities. It needs no privileges, and refuses to run " +
      "with any that its caller doesn't have.",
    fix: ({ facts }) => {
      const path = facts.executor ?? "/path/of/the/executor";
      return adviseCommands("Take them away:", `sudo chmod u-s,g-s ${path}`, `sudo setcap -r ${path}`);
    },
  },
  {
    name: "malformed",
    reasons: ["malformed"],
    code: "plan_invalid",
    why: "The executor doesn't accept the plan: it is damaged, or was made by another version of tsjail.",
    fix: "Install tsjail again, so that all its parts have the same version.",
  },
  {
    name: "no_command",
    reasons: ["no_command"],
    code: "usage",
    why: "Neither the command line nor the profile names a command.",
    fix: 'Name one (tsjail --profile FILE -- COMMAND …), or write command = ["…"] in the profile.',
  },
  {
    name: "arguments",
    steps: ["arguments"],
    reasons: ["errno", "malformed"],
    code: "internal",
    why: "The executor doesn't understand the arguments that it was started with.",
    fix: "Install tsjail again, so that all its parts have the same version.",
  },
  ...initRules,
  {
    name: "out_of_order",
    reasons: ["out_of_order"],
    code: "plan_invalid",
    why: "This operation needs another one before it, such as the root that it acts on.",
    fix: `A plan written by tsjail never has this. ${report}`,
  },
  {
    name: "not_procfs",
    last: true,
    reasons: ["not_procfs"],
    why: "What is mounted on /proc is not a procfs. tsjail writes nothing there, for it may be a trap.",
    fix: adviseCommands("See what is there:", "findmnt /proc", "stat -f /proc"),
  },
];

/** The Linux version that has a system call first; the man pages' HISTORY sections. */
const callVersions: Readonly<Record<string, string>> = {
  ...{ openat2: "5.6", open_tree: "5.2", move_mount: "5.2", fsopen: "5.2", fsconfig: "5.2", fsmount: "5.2" },
  ...{ mount_setattr: "5.12", clone3: "5.3", pidfd_open: "5.3", close_range: "5.9" },
};

/** The oldest Linux that has all that tsjail needs. */
export const oldestKernel = "5.14";

/** Whether a release such as "6.8.0-31-generic" is older than a version such as "5.14". */
export function isOlder(release: string, version: string): boolean {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  const [leastMajor = 0, leastMinor = 0] = version.split(".").map(Number);
  return major < leastMajor || (major === leastMajor && minor < leastMinor);
}

const isOldKernel = ({ facts }: Failure): boolean => isOlder(readValue(facts.kernel) ?? "99", oldestKernel);
const isFiltered = ({ facts }: Failure): boolean => readValue(facts.process)?.seccomp === "filter";
const around = ({ facts }: Failure): string => describeAround(facts.container);
const adviseUpdate = ({ facts }: Failure): string =>
  adviseUnfiltered(facts.container, "Update the container engine, or start");

const newCalls = ["open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "mount_setattr"] as const;

export const kernelRules: readonly Rule[] = [
  {
    name: "kernel_too_old",
    errnos: ["ENOSYS", "EINVAL", "E2BIG"],
    when: isOldKernel,
    code: "host_unsupported",
    why: ({ facts, report }) => {
      const since = callVersions[report.step];
      const call = since === undefined ? "" : ` ${report.step}(2) exists since Linux ${since}.`;
      return `This machine runs Linux ${readValue(facts.kernel)}; tsjail needs ${oldestKernel} or later.${call}`;
    },
    fix: "Update the kernel. RHEL 9, Debian 12, Ubuntu 22.04 and everything later have one that is new enough.",
  },
  {
    name: "call_filtered",
    errnos: ["ENOSYS"],
    when: isFiltered,
    why: (failure) =>
      `A seccomp filter around tsjail${around(failure)} doesn't know ${failure.report.step}(2), though the kernel has ` +
      "it: filters of container engines and libseccomp versions older than the kernel do so.",
    fix: adviseUpdate,
  },
  {
    name: "call_missing",
    errnos: ["ENOSYS"],
    why: ({ report }) =>
      `This kernel, or whatever stands in for it (gVisor, WSL 1), has no ${report.step}(2).`,
    fix: "Run tsjail on Linux itself; a virtual machine will do.",
  },
  {
    name: "openat2_filtered",
    steps: ["openat2"],
    errnos: ["EPERM"],
    // A path that may not be looked up is EACCES (path_resolution(7)), so this one isn't the kernel's.
    when: isFiltered,
    why: (failure) =>
      `A seccomp filter around tsjail${around(failure)} refuses openat2(2): systemd-nspawn's and older versions of ` +
      "Docker's do.",
    fix: adviseUpdate,
  },
  {
    name: "mount_call_filtered",
    last: true,
    steps: newCalls,
    errnos: ["EPERM"],
    when: isFiltered,
    why: (failure) =>
      `A seccomp filter around tsjail${around(failure)} probably refuses ${failure.report.step}(2): systemd-nspawn's ` +
      "and older versions of Docker's do.",
    fix: adviseUpdate,
  },
];
