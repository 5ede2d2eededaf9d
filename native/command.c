/* SPDX-License-Identifier: MIT */
/* The last steps of the process that becomes the command: its descriptors, the operations of the
 * phase `command`, its signals, execve(2). Called by init.c in a child of init, or in init itself
 * where the plan wants no init. */
#include <asm-generic/errno.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/resource.h>

#include "jail.h"

static int op_workdir(struct jail *jail, const struct op_workdir *op) {
    char here[4096];
    long error = sys(chdir, op->path);

    if (error < 0)
        return fail(jail, STEP_CHDIR, error);
    /* "(unreachable)" in front: a directory that is not below our root (getcwd(2)) */
    error = sys(getcwd, here, sizeof here);
    if (error < 0)
        return fail(jail, STEP_GETCWD, error);
    return here[0] == '/' ? 0 : fail_because(jail, STEP_GETCWD, REASON_OUTSIDE_ROOT);
}

static int op_nice(struct jail *jail, const struct op_nice *op) {
    long error = sys(setpriority, PRIO_PROCESS, 0, op->value);

    return error < 0 ? fail(jail, STEP_SETPRIORITY, error) : 0;
}

static int op_rlimit(struct jail *jail, const struct op_rlimit *op) {
    struct rlimit64 limit = {op->soft, op->hard};
    long error = sys(prlimit64, 0, op->resource, &limit, NULL);

    return error < 0 ? fail(jail, STEP_PRLIMIT, error) : 0;
}

int prepare_command(struct jail *jail, const struct operation *op) {
    switch (op->opcode) {
    case OP_WORKDIR:
        return op_workdir(jail, fields(op, workdir));
    case OP_UMASK:
        sys(umask, fields(op, umask)->mask & 0777);
        return 0;
    case OP_NICE:
        return op_nice(jail, fields(op, nice));
    case OP_RLIMIT:
        return op_rlimit(jail, fields(op, rlimit));
    case OP_LANDLOCK:
        return op_landlock(jail, fields(op, landlock));
    case OP_LANDLOCK_PATH:
        return op_landlock_path(jail, fields(op, landlock_path));
    case OP_LANDLOCK_PORT:
        return op_landlock_port(jail, fields(op, landlock_port));
    case OP_ENVIRONMENT:
    case OP_EMULATE:
    case OP_SECCOMP:
    case OP_COMMAND:
        return 0; /* execute() reads them */
    }
    return fail_because(jail, STEP_PLAN, REASON_MALFORMED);
}

/* 0, 1 and 2 in their places, and whatever else is open set to be closed by execve, but for what
 * was asked for. */
static int arrange_descriptors(struct jail *jail) {
    long error = sys(close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);

    if (error < 0)
        return fail(jail, STEP_CLOSE_RANGE, error);
    for (int fd = 0; fd < 3; fd++) {
        error = jail->terminal.wanted & (1 << fd) ? sys(dup3, jail->slave, fd, 0)
                                                  : sys(fcntl, fd, F_SETFD, 0);
        if (error < 0)
            return fail(jail, STEP_DUP, error);
    }
    for (u32 i = 0; i < jail->passed_count; i++) {
        error = sys(fcntl, jail->passed[i], F_SETFD, 0);
        if (error < 0)
            return fail(jail, STEP_FCNTL, error);
    }
    return 0;
}

/* What the caller has ignored the command ignores, as after any execve(2); our own only change of
 * that is taken back. */
static void restore_signals(const struct jail *jail) {
    u64 action[4] = {1 /* SIG_IGN */};

    if (jail->ignores_children)
        sys(rt_sigaction, 17 /* SIGCHLD */, action, NULL, 8);
    sys(rt_sigprocmask, 2 /* SIG_SETMASK */, &jail->signal_mask, NULL, 8);
}

static char **list_array(const struct blob *list) {
    char **array = allocate((list_count(list) + 1) * sizeof *array);
    size_t at = 0;

    for (const char *each = NULL; (each = list_next(list, each));)
        array[at++] = (char *)each;
    return array;
}

/* sd_listen_fds(3): only now is the command's pid known. */
static void add_listen_pid(const struct jail *jail) {
    static struct text listen_pid;
    char **end = jail->environment;

    if (!(jail->supervise.flags & SUPERVISE_LISTEN_FDS))
        return;
    text_add(&listen_pid, "LISTEN_PID=");
    text_add_number(&listen_pid, sys(getpid));
    while (*end)
        end++;
    *end = listen_pid.data;
}

static long try_execute(const char *file, char **argv, char **environment) {
    long error = sys(execve, file, argv, environment);
    char **shell;
    size_t count = 0;

    if (error != -ENOEXEC)
        return error;
    /* a script without "#!", for which exec(3) has always taken the shell */
    while (argv[count])
        count++;
    shell = allocate((count + 2) * sizeof *shell);
    shell[0] = (char *)"sh";
    shell[1] = (char *)file;
    for (size_t i = 1; i < count; i++)
        shell[i + 1] = argv[i];
    sys(execve, "/bin/sh", shell, environment);
    return error;
}

/* execvp(3): the first entry of PATH where it can be executed; a refusal is only told when there is
 * no other. */
static long search_and_execute(char **argv, char **environment) {
    const char *path = find_search_path(environment);
    size_t name_length = strlen(argv[0]);
    long result = -ENOENT;

    if (name_length == 0)
        return -ENOENT;
    for (size_t i = 0; i < name_length; i++)
        if (argv[0][i] == '/')
            return try_execute(argv[0], argv, environment);
    while (1) {
        char file[4096];
        size_t length = 0;
        long error;

        while (path[length] && path[length] != ':')
            length++;
        if (length + name_length + 2 <= sizeof file) {
            memcpy(file, path, length);
            if (length)
                file[length++] = '/';
            memcpy(file + length, argv[0], name_length + 1);
            error = try_execute(file, argv, environment);
            if (error != -ENOENT && error != -ENOTDIR && (error != -EACCES || result == -ENOENT))
                result = error;
            if (error != -ENOENT && error != -ENOTDIR && error != -EACCES)
                return error;
        }
        while (*path && *path != ':')
            path++;
        if (!*path)
            return result;
        path++;
    }
}

/* The words of the command, or NULL. Memory is had before the command's limits can refuse it. */
static char **find_words(struct jail *jail) {
    const struct operation *command = plan_find(&jail->plan, OP_COMMAND);

    jail->failure.op = (s32)(command - jail->plan.operation);
    if (jail->command && *jail->command)
        return jail->command;
    if (fields(command, command)->argv->length)
        return list_array(fields(command, command)->argv);
    fail_because(jail, STEP_EXECVE, REASON_NO_COMMAND);
    return NULL;
}

/* Before the filter, which need not let it through. */
static int apply_landlock(struct jail *jail) {
    const struct operation *op = plan_find(&jail->plan, OP_LANDLOCK);

    if (!op)
        return 0;
    jail->failure.op = (s32)(op - jail->plan.operation);
    return restrict_command(jail);
}

/* What comes after it is bound by it: from there on nothing but execve(2), and write(2) to say why
 * that failed. */
static int filter_calls(struct jail *jail) {
    const struct operation *op = plan_find(&jail->plan, OP_EMULATE);

    if (op) {
        jail->failure.op = (s32)(op - jail->plan.operation);
        if (load_emulation(jail, fields(op, emulate)) < 0)
            return -1;
    }
    op = plan_find(&jail->plan, OP_SECCOMP);
    if (!op)
        return 0;
    jail->failure.op = (s32)(op - jail->plan.operation);
    return load_filter(jail, fields(op, seccomp));
}

void execute(struct jail *jail) {
    char **argv = find_words(jail);

    if (!argv)
        return;
    add_listen_pid(jail);
    jail->failure.op = -1;
    if (arrange_descriptors(jail) < 0)
        return;
    sys(umask, jail->umask);
    for (u32 i = 0; i < jail->plan.count; i++) {
        const struct operation *op = &jail->plan.operation[i];

        jail->failure.op = (s32)i;
        if (op->phase == PHASE_COMMAND && prepare_command(jail, op) < 0)
            return;
    }
    if (!(jail->supervise.flags & SUPERVISE_INIT)) {
        /* nobody is left to say it afterwards: the end of the channel, at execve, completes it */
        struct message ready = {.type = MESSAGE_READY};
        message_send(jail->socket, &ready, -1);
    }
    restore_signals(jail);
    if (apply_landlock(jail) < 0 || filter_calls(jail) < 0)
        return;
    jail->failure.op = (s32)(plan_find(&jail->plan, OP_COMMAND) - jail->plan.operation);
    fail(jail, STEP_EXECVE, search_and_execute(argv, jail->environment));
}
