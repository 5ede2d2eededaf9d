/* SPDX-License-Identifier: MIT */
/* How a failed start is told. Inside the jail it is a message to the monitor; the monitor becomes
 * the plan's `explain` program, which knows the words. Without one, a terse line. */
#include <asm-generic/errno.h>

#include "jail.h"

int fail(struct jail *jail, enum step step, long error) {
    jail->failure.step = step;
    jail->failure.reason = REASON_ERRNO;
    jail->failure.error = (s32)-error;
    return -1;
}

int fail_because(struct jail *jail, enum step step, enum reason reason) {
    jail->failure.step = step;
    jail->failure.reason = reason;
    jail->failure.error = 0;
    return -1;
}

static int is_command_failure(const struct jail *jail) {
    s32 op = jail->failure.op;

    return jail->failure.step == STEP_EXECVE && jail->failure.reason == REASON_ERRNO && op >= 0 &&
           (u32)op < jail->plan.count && jail->plan.operation[op].opcode == OP_COMMAND;
}

static int exit_status(const struct jail *jail) {
    if (!is_command_failure(jail))
        return EXIT_TSJAIL;
    return jail->failure.error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

enum { MAX_SUBJECT = 300 }; /* bytes; there has to be room for the rest of the line */

/* The paths of an operation, source and target; else its first text; of the command, its name. */
static void add_subject(struct text *text, const struct jail *jail, const struct operation *op) {
    u32 at = 0, rest = 0;
    const char *first = plan_text(op, FIELD_PATH, &at), *second = NULL;

    if (first)
        second = plan_text(op, FIELD_PATH, &at);
    else if (op->opcode == OP_COMMAND)
        first = jail->command ? *jail->command : list_next(fields(op, command)->argv, NULL);
    else
        first = plan_text(op, FIELD_STRING, &rest);
    if (first && *first) {
        text_add(text, " ");
        text_add_printable(text, first, MAX_SUBJECT);
    }
    if (second && strcmp(first, second) != 0) {
        text_add(text, " -> ");
        text_add_printable(text, second, MAX_SUBJECT);
    }
}

static void add_cause(struct text *text, const struct jail *jail) {
    const struct failure *failure = &jail->failure;
    s32 error = failure->error;

    if (failure->step && failure->step < array_length(step_names)) {
        text_add(text, step_names[failure->step]);
        text_add(text, ": ");
    }
    if (failure->reason && failure->reason < array_length(reason_names)) {
        text_add(text, reason_names[failure->reason]);
        if (!error)
            return;
        text_add(text, " (");
        text_add_number(text, error);
        text_add(text, ")");
        if (jail->said && *jail->said) {
            text_add(text, ": ");
            text_add(text, jail->said);
        }
        return;
    }
    text_add(text, "errno ");
    text_add_number(text, error);
    if (error > 0 && (size_t)error < array_length(errno_names)) {
        text_add(text, " (");
        text_add(text, errno_names[error]);
        text_add(text, ")");
    }
}

static void print_terse(const struct jail *jail) {
    const struct failure *failure = &jail->failure;
    struct text text = {0};

    text_add(&text, "tsjail: ");
    if (failure->op >= 0 && (u32)failure->op < jail->plan.count) {
        const struct operation *op = &jail->plan.operation[failure->op];
        const char *origin = plan_origin(&jail->plan, op);
        text_add(&text, op_names[op->opcode - 1]);
        add_subject(&text, jail, op);
        if (op->opcode == OP_COMMAND && jail->command)
            origin = "command line";
        text_add(&text, " (");
        text_add_printable(&text, origin, MAX_SUBJECT / 2);
        text_add(&text, ") failed: ");
    } else {
        text_add(&text, "the start failed: ");
    }
    add_cause(&text, jail);
    text_add(&text, "\n");
    write_all(2, text.data, text.length);
}

/* The explainer's own arguments, our figures, the command. */
static char **explain_argv(const struct jail *jail, const struct blob *program) {
    static const char option[5][12] = {"--plan-fd", "--op", "--step", "--reason", "--errno"};
    static struct text number[5];
    const s32 value[5] = {jail->plan_fd, jail->failure.op, (s32)jail->failure.step,
                          (s32)jail->failure.reason, jail->failure.error};
    size_t words = 0, at = 0;
    char **argv;

    for (char **word = jail->command; word && *word; word++)
        words++;
    argv = allocate((list_count(program) + 14 + words) * sizeof *argv);
    for (const char *word = NULL; (word = list_next(program, word));)
        argv[at++] = (char *)word;
    for (u32 i = 0; i < 5; i++) {
        text_add_number(&number[i], value[i]);
        argv[at++] = (char *)option[i];
        argv[at++] = number[i].data;
    }
    if (jail->said && *jail->said) {
        argv[at++] = (char *)"--said";
        argv[at++] = (char *)jail->said;
    }
    if (words)
        argv[at++] = (char *)"--";
    for (size_t i = 0; i < words; i++)
        argv[at++] = jail->command[i];
    return argv;
}

extern char **inherited_environment;

void explain_and_exit(struct jail *jail) {
    const struct operation *explain = jail->plan.count ? plan_find(&jail->plan, OP_EXPLAIN) : NULL;
    u64 mask = jail->signal_mask;

    if (explain && fields(explain, explain)->argv->length) {
        char **argv = explain_argv(jail, fields(explain, explain)->argv);
        sys(fcntl, jail->plan_fd, 2 /* F_SETFD */, 0);
        sys(rt_sigprocmask, 2 /* SIG_SETMASK */, &mask, NULL, sizeof mask);
        sys(execve, argv[0], argv, inherited_environment);
        sys(rt_sigprocmask, 2, &(u64){~0ull}, NULL, sizeof mask);
    }
    print_terse(jail);
    sys_exit(exit_status(jail));
}
