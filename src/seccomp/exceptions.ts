// What a profile lets beyond a policy, or takes from it: its own answers, its capabilities, `nested`. In: those. Out:
// guards, which are asked before the policy; shipped.ts puts them there.
import type { capabilityNames } from "../plan/capabilities.ts";
import { type Action, allow, answerErrno, type Guard } from "./policy.ts";

type CapabilityName = (typeof capabilityNames)[number];

export interface Wishes {
  /** What the profile answers itself, by name of the call. */
  readonly answers: Readonly<Record<string, Action>>;
  readonly capabilities: readonly CapabilityName[];
  /** Whether programs may make user namespaces of their own. */
  readonly nested: boolean;
}

const mounting = [
  ...["chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount"],
  ...[
    "open_tree",
    "open_tree_attr",
    "pivot_root",
    "setdomainname",
    "sethostname",
    "setns",
    "umount2",
    "unshare",
  ],
];

/** Calls that fail without the capability anyway, and do something in a user namespace or are harmless with it. */
const byCapability: { readonly [N in CapabilityName]?: readonly string[] } = {
  CAP_BPF: ["bpf"],
  CAP_DAC_READ_SEARCH: ["open_by_handle_at"],
  CAP_PERFMON: ["perf_event_open"],
  CAP_SYSLOG: ["syslog"],
  CAP_SYS_ADMIN: [...mounting, "clone", "fanotify_init", "fanotify_mark", "quotactl", "quotactl_fd"],
  CAP_SYS_BOOT: ["reboot"],
  CAP_SYS_CHROOT: ["chroot"],
  CAP_SYS_MODULE: ["delete_module", "finit_module", "init_module"],
  CAP_SYS_NICE: ["get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"],
  CAP_SYS_PACCT: ["acct"],
  CAP_SYS_PTRACE: ["kcmp", "pidfd_getfd", "process_madvise"],
  CAP_SYS_RAWIO: ["ioperm", "iopl"],
  CAP_SYS_TIME: ["clock_settime", "settimeofday"],
  CAP_SYS_TTY_CONFIG: ["vhangup"],
};

const CLONE_NEWUSER = 0x1000_0000;
const AF_PACKET = 17;

const refuseFlags = (names: readonly string[], bits: number): Guard => ({
  names,
  argument: { index: 0, is: "any bit of", values: [bits] },
  action: answerErrno("EPERM"),
});

/** In the order in which they are asked. */
export function listExceptions({ answers, capabilities, nested }: Wishes): Guard[] {
  // By name: a profile that is written in another order gives the same program.
  const names = Object.keys(answers).sort();
  const guards = names.flatMap((name): Guard[] => {
    const action = answers[name];
    return action === undefined ? [] : [{ names: [name], action }];
  });
  if (nested) guards.push({ names: [...mounting, "clone", "clone3"], action: allow });
  // Other namespaces are CAP_SYS_ADMIN's to make; a user namespace gives all capabilities to anybody.
  else if (capabilities.includes("CAP_SYS_ADMIN"))
    guards.push(refuseFlags(["clone", "unshare"], CLONE_NEWUSER));
  if (capabilities.includes("CAP_NET_RAW")) {
    guards.push({
      names: ["socket"],
      argument: { index: 0, is: "one of", values: [AF_PACKET] },
      action: allow,
    });
  }
  const opened = capabilities.flatMap((name) => byCapability[name] ?? []);
  if (opened.length > 0) guards.push({ names: [...new Set(opened)].sort(), action: allow });
  return guards;
}
