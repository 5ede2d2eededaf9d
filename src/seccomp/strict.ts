// The policy "strict", for programs that compute: they read files and standard input, work with threads and child
// processes, write files and standard output. No sockets of their own, no shared memory or messages of System V or
// POSIX, no other users, no owners, modes or attributes of files, no tracing, no devices. In: nothing. Out: a Policy.
// Next: shipped.ts.
import { guards, hidden } from "./default.ts";
import { allow, answerErrno, type Guard, type Policy } from "./policy.ts";

const list = (words: string): string[] => words.trim().split(/\s+/);

export const strictlyAllowed = {
  files:
    list(`access chdir close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 fallocate
    fchdir fcntl fdatasync flock fstat fstatfs fsync ftruncate getcwd getdents getdents64 lseek lstat mkdir mkdirat
    newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink
    readlinkat readv rename renameat renameat2 rmdir sendfile splice stat statfs statx sync_file_range tee truncate umask
    unlink unlinkat write writev`),
  events:
    list(`epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 poll ppoll pselect6
    select timerfd_create timerfd_gettime timerfd_settime`),
  memory:
    list(`brk madvise map_shadow_stack membarrier mincore mmap mprotect mremap mseal msync munmap pkey_alloc
    pkey_free pkey_mprotect`),
  processes:
    list(`arch_prctl clone execve exit exit_group fork futex futex_requeue futex_wait futex_waitv futex_wake
    get_robust_list getpgid getpgrp getpid getppid getrlimit getrusage getsid gettid kill prctl prlimit64 restart_syscall
    rseq set_robust_list set_tid_address setpgid setsid uretprobe vfork wait4 waitid`),
  signals:
    list(`pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait sigaltstack tgkill
    tkill`),
  scheduling:
    list(`getcpu getpriority sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
    sched_getparam sched_getscheduler sched_yield`),
  ids: list("capget getegid geteuid getgid getgroups getresgid getresuid getuid"),
  time: list(`alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time timer_create
    timer_delete timer_getoverrun timer_gettime timer_settime times`),
  /** Standard input and output may be sockets, of which programs ask what they are. */
  sockets: list("getpeername getsockname getsockopt shutdown"),
  system: list("getrandom ioctl sysinfo uname"),
};

/** ioctl_tty(2) and ioctl(2): what libc asks of any descriptor, and job control. TCGETS TCSETS TCSETSW TCSETSF TIOCGPGRP
 * TIOCSPGRP TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX */
const controls = [0x5401, 0x5402, 0x5403, 0x5404, 0x540f, 0x5410, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451];

const strictGuards: readonly Guard[] = [
  {
    names: ["ioctl"],
    argument: { index: 1, is: "none of", values: controls },
    // As a descriptor that has no such operation: programs go on.
    action: answerErrno("ENOTTY"),
    otherwise: allow,
  },
  ...guards.filter(({ names }) => names.includes("clone")),
];

export const strictPolicy: Policy = {
  subordinate: [],
  foreign: { type: "kill_process" },
  otherwise: answerErrno("EPERM"),
  unknown: answerErrno("ENOSYS"),
  guards: strictGuards,
  rules: [
    { names: Object.values(strictlyAllowed).flat(), action: allow, comparisons: [] },
    { names: Object.values(hidden).flat(), action: answerErrno("ENOSYS"), comparisons: [] },
  ],
};
