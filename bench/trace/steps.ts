// The steps that a start is told in, and which system call belongs to which. Used by timeline.ts and picture.ts.

export const steps = {
  spawn: "fork and exec of the program",
  shell: "bin/tsjail, the shell script",
  prepare: "the program itself: libraries, options, plan",
  namespaces: "clone: the namespaces",
  ids: "user and group ids",
  mounts: "mounts, and the change of root",
  files: "mount points, links, files",
  settings: "network, names, limits",
  rights: "capabilities and other rights",
  launch: "fork and exec of the command",
  command: "/bin/true",
  end: "exit: the jail is taken apart",
  waiting: "one process waits for another to wake up",
} as const;

export type Step = keyof typeof steps;
export const stepNames = Object.keys(steps) as Step[];

const calls: Readonly<Record<string, Step>> = Object.fromEntries(
  (
    [
      [
        "mounts",
        "open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr newmount mount umount pivot_root statfs " +
          "fstatfs chroot statmount listmount",
      ],
      [
        "rights",
        "capset capget prctl setgroups setresuid setresgid setfsuid seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self keyctl",
      ],
      [
        "settings",
        "socket ioctl sethostname setdomainname sendto sendmsg recvfrom recvmsg bind prlimit64 setrlimit " +
          "getsockname setpriority umask",
      ],
    ] as const
  ).flatMap(([step, names]) => names.split(" ").map((name) => [name, step] as const)),
);

/** What init does with a system call; whatever isn't named is about files. */
export const stepOfCall = (name: string): Step => calls[name] ?? "files";

/** In these a process waits for another one, which is at work meanwhile. */
export const waitingCalls = new Set(
  "wait4 waitid poll ppoll epoll_wait epoll_pwait select pselect6 read recvfrom recvmsg futex rt_sigsuspend".split(
    " ",
  ),
);
