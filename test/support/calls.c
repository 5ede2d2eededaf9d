/* SPDX-License-Identifier: MIT */
/* Makes one system call after the other, each in a child of its own, and says what the kernel answered: "name ok",
 * "name EPERM", "name SIGSYS". Each word of the command line is one call; test/support/calls.ts compiles it. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The same on x86-64 and arm64 since Linux 5.1. */
enum { IO_URING_SETUP = 425, CLONE3 = 435 };

static long reap(long child)
{
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid((pid_t)child, NULL, __WALL);
    return child;
}

static long make_thread_like(unsigned long flags)
{
    return reap(syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0));
}

static long trace_child(void)
{
    pid_t child = fork();
    int status;
    long result;

    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
            _exit(1);
        raise(SIGSTOP);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
        errno = EPERM;
        return -1;
    }
    result = ptrace(PTRACE_CONT, child, 0, 0);
    waitpid(child, &status, 0);
    return result;
}

static long call_foreign(const char *name)
{
#ifdef __x86_64__
    long result;

    if (strcmp(name, "x32") == 0)
        return syscall(0x40000000 + SYS_getpid);
    /* "i386" is getpid, "i386:288" a call by its number, with arguments that none takes */
    result = name[4] == ':' ? atol(name + 5) : 20;
    __asm__ volatile("int $0x80"
                     : "+a"(result)
                     : "b"(-1L), "c"(0L), "d"(0L)
                     : "memory");
    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    return result;
#else
    (void)name;
    errno = ENOSYS;
    return -1;
#endif
}

static long attempt(const char *name)
{
    char byte = 0;
    struct clone_args args = {.exit_signal = SIGCHLD};

    if (strncmp(name, "socket:", 7) == 0)
        return syscall(SYS_socket, strtoul(name + 7, NULL, 0), SOCK_STREAM, 0);
    if (strncmp(name, "datagram:", 9) == 0)
        return syscall(SYS_socket, strtoul(name + 9, NULL, 0), SOCK_DGRAM, 0);
    if (strncmp(name, "raw:", 4) == 0)
        return syscall(SYS_socket, strtoul(name + 4, NULL, 0), SOCK_RAW, 0);
    if (strncmp(name, "clone:", 6) == 0)
        return make_thread_like(strtoul(name + 6, NULL, 0));
    if (strncmp(name, "unshare:", 8) == 0)
        return syscall(SYS_unshare, strtoul(name + 8, NULL, 0));
    if (strncmp(name, "personality:", 12) == 0)
        return syscall(SYS_personality, strtoul(name + 12, NULL, 0));
    if (strncmp(name, "ioctl:", 6) == 0)
        return syscall(SYS_ioctl, 0, strtoul(name + 6, NULL, 0), &byte);
    if (strcmp(name, "clone3") == 0)
        return reap(syscall(CLONE3, &args, sizeof args));
    if (strcmp(name, "ptrace") == 0)
        return trace_child();
    if (strcmp(name, "x32") == 0 || strncmp(name, "i386", 4) == 0)
        return call_foreign(name);
    if (strcmp(name, "getpid") == 0)
        return syscall(SYS_getpid);
    if (strcmp(name, "uname") == 0)
        return syscall(SYS_uname, (char[1024]){0});
    if (strcmp(name, "keyctl") == 0)
        return syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 1, 0, 0);
    if (strcmp(name, "add_key") == 0)
        return syscall(SYS_add_key, "user", "tsjail test", "x", 1, -3);
    if (strcmp(name, "request_key") == 0)
        return syscall(SYS_request_key, "user", "tsjail test", NULL, -3);
    if (strcmp(name, "bpf") == 0)
        return syscall(SYS_bpf, 0, NULL, 0);
    if (strcmp(name, "perf_event_open") == 0)
        return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
    if (strcmp(name, "userfaultfd") == 0)
        return syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */);
    if (strcmp(name, "io_uring_setup") == 0)
        return syscall(IO_URING_SETUP, 1, (char[120]){0});
    if (strcmp(name, "mount") == 0)
        return syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL);
    if (strcmp(name, "sethostname") == 0)
        return syscall(SYS_sethostname, "x", 1);
    if (strcmp(name, "chroot") == 0)
        return syscall(SYS_chroot, "/");
    if (strcmp(name, "open_by_handle_at") == 0)
        return syscall(SYS_open_by_handle_at, -1, NULL, 0);
    if (strcmp(name, "memfd_create") == 0)
        return syscall(SYS_memfd_create, "x", 0);
    if (strncmp(name, "number:", 7) == 0)
        return syscall(strtol(name + 7, NULL, 0), 0, 0, 0, 0, 0, 0);
    errno = EINVAL;
    return -1;
}

int main(int argc, char **argv)
{
    prctl(PR_SET_DUMPABLE, 0); /* no core files */
    for (int i = 1; i < argc; i++) {
        int status;
        pid_t child;

        fflush(stdout);
        child = fork();
        if (child == 0) {
            long result = attempt(argv[i]);
            _exit(result >= 0 ? 0 : errno);
        }
        waitpid(child, &status, 0);
        if (WIFSIGNALED(status))
            printf("%s SIG%s\n", argv[i], sigabbrev_np(WTERMSIG(status)));
        else if (WEXITSTATUS(status) == 0)
            printf("%s ok\n", argv[i]);
        else
            printf("%s %s\n", argv[i], strerrorname_np(WEXITSTATUS(status)));
    }
    return 0;
}
