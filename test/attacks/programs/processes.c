/* SPDX-License-Identifier: MIT */
/* Attacks on processes outside, and on tsjail's own inside. Words: a pid of the host's, mostly; the
 * victim is `attack victim`, which tells where its secret lies. */
#include <dirent.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "attack.h"

static char secret[64];

/* Not an attack: what is attacked. It holds the secret in its memory and an open file, and stands
 * in a directory. */
static void victim(char **words) {
    int fd = open(words[1], O_RDONLY);

    if (chdir(words[0]) < 0 || fd < 0 || read(fd, secret, sizeof secret - 1) <= 0)
        exit(66);
    /* Where Yama lets only ancestors trace, it would hide what the jail has to hold. */
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    printf("%d %lu %d\n", getpid(), (unsigned long)(uintptr_t)secret, fd);
    fflush(stdout);
    for (;;)
        pause();
}

static pid_t read_pid(char **words) {
    return atoi(words[0]);
}

static void trace(char **words) {
    if (ptrace(PTRACE_SEIZE, read_pid(words), 0, 0) == 0 ||
        ptrace(PTRACE_ATTACH, read_pid(words), 0, 0) == 0)
        escaped("traced");
    held("ptrace");
}

static void write_memory(char **words) {
    char data[8] = "changed";
    struct iovec mine = {data, sizeof data},
                 theirs = {(void *)strtoul(words[1], NULL, 10), sizeof data};

    if (process_vm_writev(read_pid(words), &mine, 1, &theirs, 1, 0) > 0)
        escaped("written");
    held("process_vm_writev");
}

static void read_memory(char **words) {
    char data[8];
    struct iovec mine = {data, sizeof data},
                 theirs = {(void *)strtoul(words[1], NULL, 10), sizeof data};

    if (process_vm_readv(read_pid(words), &mine, 1, &theirs, 1, 0) > 0)
        escaped("read");
    held("process_vm_readv");
}

static void take_descriptor(char **words) {
    int pidfd = (int)syscall(SYS_pidfd_open, read_pid(words), 0);

    if (pidfd < 0)
        held("pidfd_open");
    if (syscall(SYS_pidfd_getfd, pidfd, atoi(words[2]), 0) >= 0)
        escaped("taken");
    held("pidfd_getfd");
}

static void send_signal(char **words) {
    int pidfd = (int)syscall(SYS_pidfd_open, read_pid(words), 0);

    if (kill(read_pid(words), SIGCONT) == 0)
        escaped("kill");
    if (syscall(SYS_tgkill, read_pid(words), read_pid(words), SIGCONT) == 0)
        escaped("tgkill");
    if (pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0) == 0)
        escaped("pidfd_send_signal");
    held("kill");
}

/* Whoever is in the caller's process group. The victim is started in that of tsjail. */
static void signal_group(char **words) {
    (void)words;
    signal(SIGUSR1, SIG_IGN);
    kill(0, SIGUSR1);
    errno = 0;
    held("kill of the own group");
}

static void change_priority(char **words) {
    struct sched_param parameters = {0};
    struct rlimit limit = {100, 100};

    if (setpriority(PRIO_PROCESS, (id_t)read_pid(words), 19) == 0)
        escaped("setpriority");
    if (sched_setscheduler(read_pid(words), SCHED_IDLE, &parameters) == 0)
        escaped("sched_setscheduler");
    if (syscall(SYS_prlimit64, read_pid(words), RLIMIT_NOFILE, &limit, NULL) == 0)
        escaped("prlimit");
    if (syscall(SYS_ioprio_set, 1, read_pid(words), 3 << 13) == 0)
        escaped("ioprio_set");
    held("setpriority");
}

/* Of the caller's process group. The whole user's (PRIO_USER) would be tried on whoever runs the
 * tests. */
static void change_group_priority(char **words) {
    (void)words;
    setpriority(PRIO_PGRP, 0, 19);
    errno = 0;
    held("setpriority of the own group");
}

/* Not an attack: a parent to be attacked, in the place of init. */
static void run(char **words) {
    pid_t child;

    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* as for the victim */
    child = fork();
    if (child == 0) {
        execv(words[0], words);
        _exit(67);
    }
    for (;;)
        if (waitpid(child, NULL, 0) == child)
            exit(0);
}

static void enter_proc(char **words) {
    static const char *const names[] = {
        "root/etc/passwd", "cwd/secret", "environ", "fd/3", "maps", "mem", "exe"};
    char path[128], data[16];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", read_pid(words), names[i]);
        if (strcmp(names[i], "mem") == 0 ? open(path, O_RDWR) >= 0
                                         : read_file(path, data, sizeof data) > 0)
            escaped("%s", path);
    }
    held("/proc/%s", words[0]);
}

/* Every process that procfs shows: one of them may be the victim under another number, or another
 * of the host's. */
static void find_secret(char **words) {
    char path[128];
    DIR *list = opendir("/proc");

    for (struct dirent *each; list && (each = readdir(list));) {
        if (atoi(each->d_name) == 0 || atoi(each->d_name) == getpid())
            continue;
        snprintf(path, sizeof path, "/proc/%d/cwd/secret", atoi(each->d_name));
        try_secret(AT_FDCWD, path, words[0]);
        snprintf(path, sizeof path, "/proc/%d/root%s", atoi(each->d_name), words[1]);
        try_secret(AT_FDCWD, path, words[0]);
    }
    held("no process leads to the secret");
}

/* The parent is init, in a jail. */
static void kill_parent(char **words) {
    pid_t parent = getppid();

    (void)words;
    for (int number = 1; number <= 64; number++)
        if (number != SIGSTOP && number != SIGTSTP && number != SIGTTIN && number != SIGTTOU &&
            number != SIGKILL)
            kill(parent, number);
    kill(parent, SIGKILL);
    usleep(50000);
    if (getppid() != parent)
        escaped("the parent died");
    kill(parent, SIGSTOP);
    usleep(50000);
    char path[64], data[512], *state;
    snprintf(path, sizeof path, "/proc/%d/stat", parent);
    if (read_file(path, data, sizeof data) > 0 && (state = strrchr(data, ')')) && state[2] == 'T') {
        kill(parent, SIGCONT);
        escaped("the parent was stopped");
    }
    errno = 0;
    held("the parent lives");
}

static void trace_parent(char **words) {
    static const char *const names[] = {"mem", "environ", "fd/0", "exe", "maps", "cwd/.", "root/."};
    char path[64];
    pid_t parent = getppid();

    (void)words;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", parent, names[i]);
        if (open(path, O_RDONLY | O_NONBLOCK) >= 0)
            escaped("%s was opened", path);
    }
    if (ptrace(PTRACE_SEIZE, parent, 0, 0) == 0)
        escaped("the parent is traced");
    held("ptrace of the parent");
}

/* CVE-2019-5736: keep a descriptor of the program that runs us, and write to it when it no longer
 * runs. */
static void overwrite_parent(char **words) {
    char path[64];
    int fd = -1, target;
    pid_t parent = getppid();

    (void)words;
    snprintf(path, sizeof path, "/proc/%d/exe", parent);
    fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        held("%s", path);
    kill(parent, SIGKILL);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (int round = 0; round < 100; round++) {
        target = open(path, O_WRONLY);
        if (target >= 0)
            escaped("the program of the parent is open for writing");
        if (errno != ETXTBSY)
            break;
        usleep(10000);
    }
    held("%s", path);
}

const struct attack processes[] = {{"victim", victim},
                                   {"trace", trace},
                                   {"write_memory", write_memory},
                                   {"read_memory", read_memory},
                                   {"take_descriptor", take_descriptor},
                                   {"send_signal", send_signal},
                                   {"signal_group", signal_group},
                                   {"change_priority", change_priority},
                                   {"change_group_priority", change_group_priority},
                                   {"run", run},
                                   {"enter_proc", enter_proc},
                                   {"find_secret", find_secret},
                                   {"kill_parent", kill_parent},
                                   {"trace_parent", trace_parent},
                                   {"overwrite_parent", overwrite_parent},
                                   {0}};
