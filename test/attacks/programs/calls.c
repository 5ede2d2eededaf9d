/* SPDX-License-Identifier: MIT */
/* System calls that a filter is to refuse, also by the ways around one: other ABIs, clone3,
 * io_uring. */
#include <linux/bpf.h>
#include <elf.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "attack.h"

/* The low 32 bits are what the kernel looks at, so a filter that compares 64 is passed.
 * CVE-2017-5226. Words: a descriptor of the terminal, and what to type there. */
static void type_there(char **words) {
    static const unsigned long highs[] = {0, 1ul << 32, 0xfffffffful << 32};

    for (size_t i = 0; i < sizeof highs / sizeof highs[0]; i++)
        if (syscall(SYS_ioctl, atoi(words[0]), highs[i] | TIOCSTI, words[1]) == 0)
            escaped("typed, with %lx above", highs[i]);
    held("ioctl");
}

#ifdef __x86_64__
/* 20 is getpid of i386. */
static void call_i386(char **words) {
    long result;

    (void)words;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    if (result == getpid())
        escaped("a system call of i386");
    errno = (int)-result;
    held("int 0x80");
}

/* add_key (286), of which a filter for x86-64 alone knows nothing. */
static void key_by_i386(char **words) {
    long result;
    /* Below 4 GiB: a 32-bit address. */
    static const char type[] = "user", name[] = "tsjail";

    (void)words;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(286L), "b"(type), "c"(name), "d"("x"), "S"(1L), "D"((long)-2)
                     : "memory", "r8", "r9", "r10", "r11");
    if (result > 0 || result == -14 /* EFAULT: it was tried */)
        escaped("add_key by i386");
    errno = (int)-result;
    held("int 0x80");
}

static void call_x32(char **words) {
    (void)words;
    if (syscall(0x40000000 | SYS_getpid) == getpid())
        escaped("a system call of x32");
    held("x32");
}
#else
static void call_i386(char **words) {
    (void)words, held("not this processor");
}
static void key_by_i386(char **words) {
    (void)words, held("not this processor");
}
static void call_x32(char **words) {
    (void)words, held("not this processor");
}
#endif

static void set_up_ring(char **words) {
    static char parameters[120];

    (void)words;
    if (syscall(SYS_io_uring_setup, 4, parameters) >= 0)
        escaped("io_uring");
    held("io_uring_setup");
}

static void load_bpf(char **words) {
    union bpf_attr attributes = {
        .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

    (void)words;
    if (syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes) >= 0)
        escaped("bpf");
    held("bpf");
}

static void count_events(char **words) {
    struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE,
                                         .size = sizeof attributes,
                                         .config = PERF_COUNT_SW_TASK_CLOCK,
                                         .exclude_kernel = 1,
                                         .exclude_hv = 1};

    (void)words;
    if (syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0) >= 0)
        escaped("perf_event_open");
    held("perf_event_open");
}

static int can_handle_faults(void) {
    /* UFFD_USER_MODE_ONLY, which is everybody's from Linux 5.11 on */
    return syscall(SYS_userfaultfd, 1) >= 0 || syscall(SYS_userfaultfd, 0) >= 0;
}

static void fault_in_user_space(char **words) {
    (void)words;
    if (can_handle_faults())
        escaped("userfaultfd");
    held("userfaultfd");
}

/* Without the filter it is the terminal's driver that answers, ENOTTY for one that is no console:
 * then the request has got through. A terminal of the jail's own will do. */
static void ask_console(char **words) {
    static const unsigned long highs[] = {0, 1ul << 32, 0xfffffffful << 32};
    int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    char request = 3; /* TIOCL_PASTESEL */

    (void)words;
    if (fd < 0)
        held("open");
    for (size_t i = 0; i < sizeof highs / sizeof highs[0]; i++)
        if (syscall(SYS_ioctl, fd, highs[i] | TIOCLINUX, &request) == 0 || errno == ENOTTY)
            escaped("the driver was asked, with %lx above", highs[i]);
    held("ioctl");
}

/* Before Linux 4.8 a tracer could change the number of a call that the filter had let through. */
static void change_call(char **words) {
    pid_t child = fork();
    int status = 0;

    (void)words;
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        /* The first argument is userfaultfd's; getpriority fails with both (no such process). */
        int is_refused = syscall(SYS_getpriority, 1, 0x7ffffff0) < 0 &&
                         syscall(SYS_getpriority, 0, 0x7ffffff0) < 0;
        _exit(is_refused ? 1 : 42);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
        held("ptrace");
    ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    for (int is_entry = 1;; is_entry = !is_entry) {
        struct user_regs_struct registers;
        struct iovec all = {&registers, sizeof registers};
        if (ptrace(PTRACE_SYSCALL, child, 0, 0) < 0 || waitpid(child, &status, 0) != child ||
            !WIFSTOPPED(status))
            break;
        ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &all);
#ifdef __x86_64__
        if (is_entry && registers.orig_rax == SYS_getpriority) {
            registers.orig_rax = SYS_userfaultfd;
            ptrace(PTRACE_SETREGSET, child, NT_PRSTATUS, &all);
        }
#else
        int number = SYS_userfaultfd;
        struct iovec one = {&number, sizeof number};
        if (is_entry && registers.regs[8] == SYS_getpriority)
            ptrace(PTRACE_SETREGSET, child, 0x404 /* NT_ARM_SYSTEM_CALL */, &one);
#endif
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 42)
        escaped("userfaultfd, as another call");
    errno = 0;
    held("the changed call failed");
}

/* Filters only add up: one that lets everything through changes nothing. */
static void loosen_filter(char **words) {
    struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, all};

    (void)words;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
    prctl(PR_SET_SECCOMP, 0, 0, 0, 0);
    if (can_handle_faults())
        escaped("userfaultfd");
    held("userfaultfd");
}

static void add_key(char **words) {
    (void)words;
    if (syscall(SYS_add_key, "user", "tsjail-attack", "x", 1, -2 /* process keyring */) >= 0)
        escaped("add_key");
    held("add_key");
}

static void change_personality(char **words) {
    static const unsigned long highs[] = {0, 1ul << 32, 0xfffffffful << 32};

    (void)words;
    for (size_t i = 0; i < sizeof highs / sizeof highs[0]; i++)
        if (syscall(SYS_personality, highs[i] | READ_IMPLIES_EXEC) >= 0 &&
            personality(0xffffffff) & READ_IMPLIES_EXEC)
            escaped("READ_IMPLIES_EXEC, with %lx above", highs[i]);
    held("personality");
}

const struct attack calls[] = {{"type_there", type_there},
                               {"call_i386", call_i386},
                               {"key_by_i386", key_by_i386},
                               {"call_x32", call_x32},
                               {"set_up_ring", set_up_ring},
                               {"load_bpf", load_bpf},
                               {"count_events", count_events},
                               {"fault_in_user_space", fault_in_user_space},
                               {"add_key", add_key},
                               {"change_personality", change_personality},
                               {"ask_console", ask_console},
                               {"change_call", change_call},
                               {"loosen_filter", loosen_filter},
                               {0}};
