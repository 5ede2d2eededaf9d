/* SPDX-License-Identifier: MIT */
/* The executor's command line. `--front` is how a person starts it: it hands over to Node, which
 * compiles a profile.
 * `--plan-fd` is how Node comes back: a plan is read, checked and carried out (monitor.c). */
#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/resource.h>

#include "jail.h"

char **inherited_environment;

static int refuse(const char *message) {
    struct text text = {0};

    text_add(&text, "tsjail: ");
    text_add(&text, message);
    text_add(&text, "\n");
    write_all(2, text.data, text.length);
    return EXIT_TSJAIL;
}

/* The caller's signal dispositions and soft limit of open files, which Node changes for itself
 * before any JavaScript runs. src/launch reads this again. */
static void describe_caller(struct text *front) {
    struct rlimit64 files = {0, 0};
    u64 ignored = 0;

    for (u32 signal = 1; signal <= 64; signal++) {
        u64 action[4] = {0};
        if (sys(rt_sigaction, signal, NULL, action, 8) == 0 && action[0] == 1)
            ignored |= 1ull << (signal - 1);
    }
    sys(prlimit64, 0, RLIMIT_NOFILE, NULL, &files);
    text_add(front, "TSJAIL_FRONT=version=" TSJAIL_VERSION " nofile=");
    text_add_number(front, (s64)files.rlim_cur);
    text_add(front, ":");
    text_add_number(front, (s64)files.rlim_max);
    text_add(front, " ignored=0x");
    for (int shift = 60; shift >= 0; shift -= 4) {
        const char digit[2] = {"0123456789abcdef"[(ignored >> shift) & 15], 0};
        text_add(front, digit);
    }
}

static long execute_from_path(const char *name, char **argv, char **environment) {
    const char *path = "/usr/local/bin:/usr/bin:/bin";
    long error = -ENOENT;

    for (char **each = environment; *each; each++)
        if (memcmp(*each, "PATH=", 5) == 0) {
            path = *each + 5;
            break;
        }
    while (1) {
        struct text file = {0};
        const char *end = path;
        for (; *end && *end != ':'; end++) {
            const char letter[2] = {*end, 0};
            text_add(&file, letter);
        }
        text_add(&file, "/");
        text_add(&file, name);
        if (!file.full && end > path) {
            long result;
            /* all of it: without /proc Node can't find out where it is */
            argv[0] = file.data;
            result = sys(execve, file.data, argv, environment);
            if (result != -ENOENT && result != -ENOTDIR)
                error = result;
        }
        if (!*end)
            return error;
        path = end + 1;
    }
}

/* argv: tsjail --front PACKAGE WORD… */
static int front(const struct start *start) {
    static struct text script, description;
    char **argv, **environment;
    size_t count = 0;

    if (start->argc < 3)
        return refuse("--front wants the directory of the package");
    text_add(&script, start->argv[2]);
    text_add(&script, "/dist/cli.js");
    describe_caller(&description);
    if (script.full)
        return refuse("the path of the package is too long");
    argv = allocate((size_t)(start->argc + 2) * sizeof *argv);
    argv[0] = (char *)"node";
    argv[1] = script.data;
    for (int i = 3; i < start->argc; i++)
        argv[i - 1] = start->argv[i];
    while (start->envp[count])
        count++;
    environment = allocate((count + 2) * sizeof *environment);
    environment[0] = description.data;
    for (size_t i = 0, at = 1; i < count; i++)
        if (memcmp(start->envp[i], "TSJAIL_FRONT=", 13) != 0)
            environment[at++] = start->envp[i];
    if (execute_from_path("node", argv, environment) == -ENOENT)
        return refuse("node is not in PATH; tsjail needs Node.js 20 or later to read profiles");
    return refuse("node was found in PATH and can't be executed");
}

/* All of it into our own memory, where nobody can change it after it has been checked. */
static long read_plan(struct jail *jail) {
    struct stat stat;
    long error = sys(newfstatat, jail->plan_fd, "", &stat, AT_EMPTY_PATH);
    size_t length = 0;
    char *bytes;

    if (error < 0)
        return error;
    if (stat.st_size <= 0 || stat.st_size > PLAN_MAX_BYTES)
        return -EFBIG;
    bytes = allocate((size_t)stat.st_size);
    while (length < (size_t)stat.st_size) {
        long n = sys(pread64, jail->plan_fd, bytes + length, (size_t)stat.st_size - length, length);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return n ? n : -EIO;
        length += (size_t)n;
    }
    return plan_check(&jail->plan, bytes, length) < 0 ? -EBADMSG : 0;
}

/* Descriptors 0 to 2 exist from here on, so that nothing of ours gets their numbers. */
static void hold_standard_descriptors(void) {
    for (int fd = 0; fd < 3; fd++)
        if (sys(fcntl, fd, F_GETFD, 0) == -EBADF &&
            sys(openat, AT_FDCWD, "/dev/null", O_RDWR) != fd)
            sys_exit(EXIT_TSJAIL); /* there is nowhere to say why */
}

/* argv: tsjail --plan-fd N [-- COMMAND…] */
static int run_plan(const struct start *start) {
    struct jail *jail = allocate(sizeof *jail);

    *jail = (struct jail){.root = -1, .stage = -1, .proc = -1, .slave = -1, .socket = -1};
    jail->argv = start->argv;
    jail->plan_fd = start->argc < 3 ? -1 : parse_number(start->argv[2]);
    if (jail->plan_fd < 3)
        return refuse("--plan-fd wants the number of an open descriptor above 2");
    if (start->argc > 3) {
        if (strcmp(start->argv[3], "--") != 0)
            return refuse("a command comes after --");
        if (start->argc > 4)
            jail->command = start->argv + 4;
    }
    if (read_plan(jail) < 0)
        return refuse("the plan is damaged, or was made by another version of tsjail");
    return monitor(jail);
}

static int print_version(void) {
    struct text text = {0};

    text_add(&text, "tsjail-executor " TSJAIL_VERSION " plan ");
    text_add_number(&text, PLAN_VERSION);
    text_add(&text, "\n");
    return write_all(1, text.data, text.length) < 0 ? EXIT_TSJAIL : 0;
}

int run(struct start *start) {
    hold_standard_descriptors();
    inherited_environment = start->envp;
    if (start->secure)
        return refuse("the executor must not be setuid, setgid or have file capabilities; it needs "
                      "no privilege");
    if (start->argc >= 2 && strcmp(start->argv[1], "--front") == 0)
        return front(start);
    if (start->argc >= 2 && strcmp(start->argv[1], "--plan-fd") == 0)
        return run_plan(start);
    if (start->argc == 2 && strcmp(start->argv[1], "--version") == 0)
        return print_version();
    return refuse("this is the executor of tsjail; start bin/tsjail instead");
}
