// How system calls fail: the errno for each, those that never do, and those whose failure does no harm, with the
// reason. In: a call that strace has shown. Used by start.test.ts.
import type { SystemCall } from "../support/inject.ts";

/** Where a start can go on with less, EPERM is what hardened machines answer; elsewhere it is what runs out. */
const errnos: Readonly<Record<string, string>> = {
  capget: "EPERM",
  capset: "EPERM",
  chdir: "EACCES",
  clone: "EAGAIN",
  clone3: "ENOSPC",
  close: "EIO",
  close_range: "ENOSYS",
  dup3: "EMFILE",
  execve: "EACCES",
  fchdir: "EACCES",
  fcntl: "EINVAL",
  fsconfig: "EINVAL",
  fsmount: "EPERM",
  fsopen: "EPERM",
  fstatfs: "EIO",
  futex: "EAGAIN",
  getcwd: "ENOENT",
  ioctl: "EIO",
  keyctl: "ENOMEM",
  landlock_add_rule: "ENOMEM",
  landlock_create_ruleset: "EOPNOTSUPP",
  landlock_restrict_self: "E2BIG",
  madvise: "ENOMEM",
  seccomp: "ENOMEM",
  mkdirat: "ENOSPC",
  mknodat: "EPERM",
  mmap: "ENOMEM",
  mount_setattr: "EPERM",
  move_mount: "EINVAL",
  munmap: "ENOMEM",
  newfstatat: "EACCES",
  open_tree: "EPERM",
  openat: "EACCES",
  openat2: "EMFILE",
  pidfd_open: "EMFILE",
  pidfd_send_signal: "EPERM",
  pivot_root: "EINVAL",
  ppoll: "ENOMEM",
  prctl: "EPERM",
  pread64: "EIO",
  prlimit64: "EPERM",
  read: "EIO",
  recvmsg: "ENOBUFS",
  rt_sigaction: "EINVAL",
  rt_sigprocmask: "EINVAL",
  sendmsg: "ENOBUFS",
  setdomainname: "EPERM",
  setgroups: "EPERM",
  sethostname: "EPERM",
  setns: "EPERM",
  setpgid: "EPERM",
  setpriority: "EACCES",
  setresgid: "EPERM",
  setresuid: "EAGAIN",
  setsid: "EPERM",
  signalfd4: "EMFILE",
  socket: "EACCES",
  socketpair: "EMFILE",
  statx: "EPERM",
  symlinkat: "ENOSPC",
  umount2: "EBUSY",
  unlinkat: "EACCES",
  unshare: "EPERM",
  wait4: "ECHILD",
  write: "EPERM",
};

export function pickErrno(name: string): string {
  const errno = errnos[name];
  if (errno === undefined) throw new Error(`test/faults/errno.ts does not say how ${name} fails`);
  return errno;
}

type Rule = readonly [name: string, text: RegExp, why: string];

/** Calls that no kernel fails as they are made here. */
const unfailing: readonly Rule[] = [
  ["clock_gettime", /./, "CLOCK_MONOTONIC is always there"],
  ["close", /./, "close(2): on Linux the descriptor is gone whatever it answers"],
  ["exit", /./, "does not answer"],
  ["exit_group", /./, "does not answer"],
  ["getpgid", /./, "of itself"],
  ["getpid", /./, "always answers"],
  ["getppid", /./, "always answers"],
  ["gettid", /./, "always answers"],
  ["read", /, 128\) /, "of a signalfd, when poll(2) has just said that there is something to read"],
  [
    "ioctl",
    /^ioctl\(\d, (SNDCTL_TMR_STOP or )?TCSETSW, .*ICANON/,
    "giving the terminal back: nothing is left to try",
  ],
  ["rt_sigaction", /./, "fails for a bad pointer, and for KILL and STOP, which nobody asks about"],
  ["rt_sigprocmask", /./, "fails for a bad pointer"],
  ["unlinkat", /./, "taking a mount point away: nothing is left to try"],
  ["umask", /./, "always answers"],
  ["wait4", /./, "of a child that is there, without blocking or with EINTR looked at"],
];

/** Calls whose failure leaves the jail as it would be. */
const harmless: readonly Rule[] = [
  ["clone3", /CLONE_THREAD/, "init makes the network namespace without a thread"],
  [
    "close_range",
    /, 0\) /,
    "what the command closes for itself too, and what nobody reaches: init can't be traced",
  ],
  ["fcntl", /F_GETFD/, "a standard descriptor counts as open then, as it is unless the caller closed it"],
  ["futex", /./, "asked again"],
  ["ioctl", /TCGETS|TIOCGPGRP/, "not a terminal, or not ours: the descriptor is passed on as it is"],
  ["ioctl", /WINSZ/, "the size of the screen"],
  ["ioctl", /TCSETSW?,/, "the modes of the terminal: keys arrive by the line"],
  ["madvise", /./, "what the start needed is kept for longer"],
  ["move_mount", /AT_FDCWD, "\/proc"/, "the stage is then unmounted by itself"],
  ["munmap", /./, "what the start needed is kept for longer"],
  ["newfstatat", /AT_EMPTY_PATH/, "is the source a directory? move_mount(2) refuses what does not fit"],
  ["newfstatat", /\/ns\//, "one namespace less in what --status-fd says"],
  [
    "openat",
    /O_NOFOLLOW\|O_CLOEXEC\) /,
    "the mark on a mount point is for the jails after one that was killed",
  ],
  ["openat", /\/proc\/self\/fd/, "a description of one's own of the terminal; the caller's serves as well"],
  ["ppoll", /./, "asked again, or asked for what comes by another way too"],
  ["recvmsg", /iov_base=""/, "the end of the channel"],
  ["statx", /./, "an unknown cover of the root is taken away until it is known that there is none"],
  ["write", /event/, "--status-fd has no reader"],
];

/**
 * Calls by which the monitor learns of a command that runs already: it may have done its work by then, or they are made
 * again. (What is said can't always be told apart: strace reads nothing of an init that can't be traced.)
 */
const late: readonly Rule[] = [
  ["recvmsg", /./, "what init has to tell"],
  ["sendmsg", /./, "what init has to tell"],
];

const fits = (rules: readonly Rule[], { name, text }: SystemCall): boolean => {
  return rules.some(([ruleName, pattern]) => ruleName === name && pattern.test(text));
};

export const isUnfailing = (call: SystemCall): boolean => fits(unfailing, call);
export const isLate = (call: SystemCall): boolean => fits(late, call);
export const isHarmless = (call: SystemCall): boolean => fits(harmless, call) || isLate(call);
