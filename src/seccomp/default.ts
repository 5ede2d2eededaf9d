// The policy "default": what ordinary programs need, and nothing that changes the system, makes namespaces or is known
// more for its holes than for its use. It refuses all that Docker's refuses to a container without capabilities; a test
// compares the two. In: nothing. Out: a Policy; exceptions.ts adds what a profile permits beyond it. Next: shipped.ts.
import { allow, answerErrno, type Guard, type Policy } from "./policy.ts";

const list = (words: string): string[] => words.trim().split(/\s+/);

/** Every call that is let through, by what it is about. */
export const allowed = {
  files:
    list(`access cachestat chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat
    faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync flock fstat fstatfs
    fsync ftruncate futimesat getcwd getdents getdents64 lchown link linkat listmount lseek lstat mkdir mkdirat mknod
    mknodat name_to_handle_at newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2
    read readahead readlink readlinkat readv rename renameat renameat2 rmdir sendfile splice stat statfs statmount statx
    symlink symlinkat sync sync_file_range syncfs tee truncate umask unlink unlinkat utime utimensat utimes vmsplice
    write writev`),
  attributes:
    list(`fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat
    llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat`),
  events:
    list(`epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 inotify_add_watch
    inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit poll
    ppoll pselect6 select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_settime`),
  memory:
    list(`brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mprotect
    mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages`),
  processes:
    list(`arch_prctl clone execve execveat exit exit_group fork futex futex_requeue futex_wait futex_waitv futex_wake
    get_robust_list get_thread_area getpgid getpgrp getpid getppid getrlimit getrusage getsid gettid kill landlock_add_rule
    landlock_create_ruleset landlock_restrict_self personality pidfd_open pidfd_send_signal prctl prlimit64
    process_vm_readv process_vm_writev ptrace restart_syscall rseq seccomp set_robust_list set_thread_area
    set_tid_address setpgid setrlimit setsid uretprobe vfork wait4 waitid`),
  signals:
    list(`pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
    rt_tgsigqueueinfo sigaltstack tgkill tkill`),
  scheduling: list(`getcpu getpriority ioprio_get ioprio_set sched_get_priority_max sched_get_priority_min
    sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity
    sched_setattr sched_setparam sched_setscheduler sched_yield setpriority`),
  ids: list(`capget capset getegid geteuid getgid getgroups getresgid getresuid getuid setfsgid setfsuid setgid setgroups
    setregid setresgid setresuid setreuid setuid`),
  time: list(`adjtimex alarm clock_adjtime clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep
    setitimer time timer_create timer_delete timer_getoverrun timer_gettime timer_settime times`),
  sockets:
    list(`accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg
    sendmsg sendto setsockopt shutdown socket socketpair`),
  messages:
    list(`mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd semctl
    semget semop semtimedop shmat shmctl shmdt shmget`),
  system: list("getrandom ioctl sysinfo uname"),
};

/** Every call that is refused with EPERM, and why. */
export const refused = {
  "the jail's mounts are settled":
    list(`chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree
    open_tree_attr pivot_root umount2`),
  "namespaces are settled": list("setdomainname sethostname setns unshare"),
  "keyrings are not kept apart by namespaces": list("add_key keyctl request_key"),
  "large parts of the kernel with a long record of holes":
    list(`bpf io_uring_enter io_uring_register io_uring_setup
    modify_ldt perf_event_open userfaultfd`),
  "files by number, past all paths": list("open_by_handle_at"),
  "descriptors and advice by way of other processes": list("kcmp pidfd_getfd process_madvise"),
  "where memory lies is the system's to say": list(`get_mempolicy mbind migrate_pages move_pages set_mempolicy
    set_mempolicy_home_node`),
  "the system's own affairs":
    list(`acct clock_settime delete_module fanotify_init fanotify_mark finit_module init_module
    ioperm iopl kexec_file_load kexec_load lookup_dcookie quotactl quotactl_fd reboot settimeofday swapoff swapon sysfs
    syslog uselib ustat vhangup`),
};

/** Every call that is answered as if it did not exist, and why. */
export const hidden = {
  "clone3's flags lie in memory, where no filter sees them; libc falls back to clone": ["clone3"],
  "newer than what programs rely on":
    list(`file_getattr file_setattr listns lsm_get_self_attr lsm_list_modules
    lsm_set_self_attr rseq_slice_yield uprobe`),
  "never there, or not any more":
    list(`_sysctl afs_syscall create_module epoll_ctl_old epoll_wait_old get_kernel_syms
    getpmsg nfsservctl putpmsg query_module security tuxcall vserver`),
};

/** CLONE_NEW* of clone(2) but for CLONE_NEWTIME, which only clone3 takes. */
export const namespaceBits = 0x7e02_0000;

/** socket(2): AF_UNIX, AF_INET, AF_INET6, and AF_NETLINK, by which libc asks for the network's devices. */
const families = [1, 2, 10, 16];

/** personality(2): PER_LINUX, PER_LINUX32, both with UNAME26, and the question what it is. As Docker has it. */
const personalities = [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/** TIOCSTI and TIOCLINUX of ioctl_tty(2) type on a terminal what its shell then reads. The kernel looks at the low 32
 * bits of the number alone: a filter that compares all 64 is passed with any bit above set (CVE-2019-10063). */
const typing = [0x5412, 0x541c];

/** Each lets through on the spot: such calls are looked at every time, the kernel remembers only those whose arguments
 * don't matter (Linux 5.11). */
export const guards: readonly Guard[] = [
  {
    names: ["ioctl"],
    argument: { index: 1, is: "one of", values: typing },
    action: answerErrno("EPERM"),
    otherwise: allow,
  },
  {
    names: ["socket", "socketpair"],
    argument: { index: 0, is: "none of", values: families },
    action: answerErrno("EAFNOSUPPORT"),
    otherwise: allow,
  },
  {
    names: ["clone"],
    argument: { index: 0, is: "any bit of", values: [namespaceBits] },
    action: answerErrno("EPERM"),
    otherwise: allow,
  },
  {
    names: ["personality"],
    argument: { index: 0, is: "none of", values: personalities },
    action: answerErrno("EPERM"),
    otherwise: allow,
  },
];

export const defaultPolicy: Policy = {
  subordinate: [],
  foreign: { type: "kill_process" },
  otherwise: answerErrno("EPERM"),
  unknown: answerErrno("ENOSYS"),
  guards,
  rules: [
    { names: Object.values(allowed).flat(), action: allow, comparisons: [] },
    { names: Object.values(hidden).flat(), action: answerErrno("ENOSYS"), comparisons: [] },
  ],
};
