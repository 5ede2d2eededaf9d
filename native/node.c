/* SPDX-License-Identifier: MIT */
/* Node as a child that compiles: it gets our words and environment, a memory file for the plan and
 * an eventfd. When the plan is written it tells how many of our last words are the command, plus
 * one, and kills itself: we go on while the kernel takes its memory apart. Where it ends without
 * that, it has said why, or done what else was wanted. So we stay what the caller has started, with
 * the caller's signals, limits and descriptors. The other side is src/launch/start.ts. */
#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>

#include "front.h"

enum { SIG_KILL = 9, SIG_CHLD = 17 };
enum { BAD_OPTION = 9 }; /* Node's exit status for an option that it does not know */

struct desk {
    int plan, ready, node; /* descriptors, the last one a pidfd */
    int pid, is_plain;     /* without the options below */
};

/* The caller's signal dispositions and soft limit of open files, which Node changes for itself
 * before any JavaScript runs, what a system call tells sooner than /proc, and the words of
 * bin/tsjail. src/launch/front.ts and src/facts read this again. */
static void describe_caller(struct text *front, const char *package, const struct desk *desk) {
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
    text_add(front, " landlock=");
    text_add_number(front, find_landlock());
    text_add(front, " capabilities=");
    text_add_hexadecimal(front, effective_capabilities(), 16);
    text_add(front, " ignored=0x");
    text_add_hexadecimal(front, ignored, 16);
    text_add(front, " plan=");
    text_add_number(front, desk->plan);
    text_add(front, " ready=");
    text_add_number(front, desk->ready);
    text_add(front, " package=");
    text_add(front, package);
}

static long execute_from_path(const char *name, char **argv, char **environment) {
    const char *path = find_search_path(environment);
    long error = -ENOENT;

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

/* Node 20 reads and parses all certificates of this file at its start, for 50 ms, and we have no
 * use for them. src/cli.ts gives the variable its name back. */
static char *rename_variable(char *variable) {
    static const char costly[] = "NODE_EXTRA_CA_CERTS=", prefix[] = "TSJAIL_";
    size_t length = strlen(variable) + 1;
    char *renamed;

    if (strncmp(variable, costly, sizeof costly - 1) != 0)
        return variable;
    renamed = allocate(sizeof prefix - 1 + length);
    memcpy(renamed, prefix, sizeof prefix - 1);
    memcpy(renamed + sizeof prefix - 1, variable, length);
    return renamed;
}

static char **make_node_environment(char **inherited, char *description) {
    char **environment;
    size_t count = 0, at = 0;

    while (inherited[count])
        count++;
    environment = allocate((count + 2) * sizeof *environment);
    environment[at++] = description;
    for (size_t i = 0; i < count; i++)
        if (strncmp(inherited[i], "TSJAIL_FRONT=", 13) != 0)
            environment[at++] = rename_variable(inherited[i]);
    return environment;
}

/* V8's compilers are no help to a program that is over in 20 ms, nor are a garbage collector and
 * hash tables that nobody can foresee, and all of them have to be paid for. */
static const char options[][32] = {"--no-opt", "--no-maglev", "--no-sparkplug",
                                   "--min-semi-space-size=4", "--no-rehash-snapshot"};

/* node PACKAGE/dist/cli.cjs WORD…, in the child, which ends with us. */
static int become_node(const struct invocation *invocation, const struct desk *desk, int parent) {
    size_t at = 0;
    static struct text script, description;
    char **argv = allocate(((size_t)invocation->count + array_length(options) + 3) * sizeof *argv),
         **environment;

    sys(prctl, PR_SET_PDEATHSIG, SIG_KILL);
    if (sys(getppid) != parent)
        return EXIT_TSJAIL;
    sys(fcntl, desk->plan, F_SETFD, 0);
    sys(fcntl, desk->ready, F_SETFD, 0);
    text_add(&script, invocation->package);
    text_add(&script, "/dist/cli.cjs");
    describe_caller(&description, invocation->package, desk);
    if (script.full || description.full)
        return refuse("the path of the package is too long");
    argv[at++] = (char *)"node";
    for (size_t i = 0; i < array_length(options) && !desk->is_plain; i++)
        argv[at++] = (char *)options[i];
    argv[at++] = script.data;
    for (int i = 0; i < invocation->count; i++)
        argv[at++] = invocation->words[i];
    environment = make_node_environment(invocation->environment, description.data);
    if (execute_from_path("node", argv, environment) == -ENOENT)
        return refuse("node is not in PATH; tsjail needs Node.js 20 or later to read profiles");
    return refuse("node was found in PATH and can't be executed");
}

static int open_desk(struct desk *desk) {
    desk->plan = (int)sys(memfd_create, "tsjail-plan", MFD_CLOEXEC);
    desk->ready = (int)sys(eventfd2, 0, O_CLOEXEC);
    return desk->plan < 0 || desk->ready < 0 ? -1 : 0;
}

static int wait_for_end(const struct desk *desk) {
    int status = EXIT_TSJAIL << 8;

    while (sys(wait4, desk->pid, &status, 0, NULL) == -EINTR)
        ;
    return status;
}

/* As if Node had been executed in our place. */
static int end_as(int status) {
    if (status & 0x7f) {
        u64 action[4] = {0};
        sys(rt_sigaction, status & 0x7f, action, NULL, 8);
        sys(kill, sys(getpid), status & 0x7f);
    }
    return exit_code(status);
}

/* The number of words plus one, or 0 where Node has ended without. */
static u64 wait_for_plan(const struct desk *desk) {
    struct pollfd poll[2] = {{desk->ready, POLLIN, 0}, {desk->node, POLLIN, 0}};
    u64 words = 0;

    while (sys(ppoll, poll, 2, NULL, NULL, 8) < 0)
        ;
    if (poll[0].revents && sys(read, desk->ready, &words, sizeof words) != sizeof words)
        return 0;
    return words;
}

/* The number of words plus one, or 0 with *status. */
static u64 run_node(const struct invocation *invocation, struct desk *desk, int *status) {
    int parent = (int)sys(getpid);
    u64 words;

    desk->pid = (int)sys(clone, CLONE_PIDFD | SIG_CHLD, 0, &desk->node, 0, 0);
    if (desk->pid == 0)
        sys_exit(become_node(invocation, desk, parent));
    if (desk->pid < 0) {
        *status = refuse("no process can be started for node") << 8;
        return 0;
    }
    words = wait_for_plan(desk);
    if (words == 0 || words - 1 > (u64)invocation->count) {
        *status = wait_for_end(desk);
        words = 0;
    }
    sys(close, desk->node);
    return words;
}

int compile_with_node(struct jail *jail, const struct invocation *invocation) {
    u64 action[4] = {0}, before[4] = {0}, words;
    struct desk desk = {0};
    int status = 0;

    if (open_desk(&desk) < 0)
        return refuse("there are no descriptors left to start node with");
    /* ignored, it would have the kernel reap Node before we could ask how it ended */
    sys(rt_sigaction, SIG_CHLD, action, before, 8);
    words = run_node(invocation, &desk, &status);
    if (words == 0 && status == BAD_OPTION << 8) {
        desk.is_plain = 1; /* a later Node: what it has no option for it will have to do */
        words = run_node(invocation, &desk, &status);
    }
    if (words == 0)
        return end_as(status);
    sys(rt_sigaction, SIG_CHLD, before, NULL, 8);
    sys(close, desk.ready);
    jail->node = desk.pid;
    jail->plan_fd = desk.plan;
    if (words > 1)
        jail->command = invocation->words + invocation->count - (words - 1);
    if (read_plan(jail) < 0)
        return refuse("the plan is damaged, or was made by another version of tsjail");
    return -1;
}
