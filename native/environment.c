/* SPDX-License-Identifier: MIT */
/* The command's environment: what the plan sets, what it lets through of the caller's, and defaults
 * for what neither has. Called by init.c; and the look-up of a variable, for all. */
#include "jail.h"

const char *find_variable(char *const *environment, const char *name) {
    size_t length = strlen(name);

    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

const char *find_search_path(char *const *environment) {
    const char *path = find_variable(environment, "PATH");

    return path ? path : "/usr/local/bin:/usr/bin:/bin";
}

/* `*` stands for any bytes, none included. */
static int matches(const char *pattern, const char *name, size_t length) {
    const char *star = NULL;
    size_t at = 0, resume = 0;

    while (at < length) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = at;
        } else if (*pattern == name[at]) {
            pattern++;
            at++;
        } else if (star) {
            pattern = star;
            at = ++resume;
        } else {
            return 0;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

static int is_matched(const struct blob *patterns, const char *name, size_t length) {
    for (const char *each = NULL; (each = list_next(patterns, each));)
        if (matches(each, name, length))
            return 1;
    return 0;
}

/* Of this process alone: sd_listen_fds(3), and our own front. */
static int is_ours(const char *name, size_t length) {
    static const char ours[][16] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "TSJAIL_FRONT"};

    for (size_t i = 0; i < array_length(ours); i++)
        if (strlen(ours[i]) == length && memcmp(ours[i], name, length) == 0)
            return 1;
    return 0;
}

/* The length of NAME in NAME=VALUE, or 0: no variable. */
static size_t name_length(const char *variable) {
    size_t length = 0;

    while (variable[length] && variable[length] != '=')
        length++;
    return variable[length] ? length : 0;
}

static int has_name(char *const *environment, const char *variable) {
    size_t length = name_length(variable) + 1;

    for (; *environment; environment++)
        if (strncmp(*environment, variable, length) == 0)
            return 1;
    return 0;
}

static int is_passed(const struct op_environment *op, const char *variable) {
    size_t length = name_length(variable);

    return length && is_matched(op->pass, variable, length) &&
           !is_matched(op->unset, variable, length) && !is_ours(variable, length);
}

char **make_environment(const struct jail *jail, char *const *inherited) {
    const struct op_environment *op = fields(plan_find(&jail->plan, OP_ENVIRONMENT), environment);
    size_t count = list_count(op->list) + list_count(op->defaults), length = 0, at = 0;
    char **environment, *text;

    for (char *const *each = inherited; *each; each++) {
        if (!is_passed(op, *each))
            continue;
        count++;
        length += strlen(*each) + 1;
    }
    environment = allocate((count + 2) * sizeof *environment);
    text = allocate(length);
    for (const char *each = NULL; (each = list_next(op->list, each));)
        environment[at++] = (char *)each;
    for (; *inherited; inherited++) {
        if (!is_passed(op, *inherited) || has_name(environment, *inherited))
            continue;
        length = strlen(*inherited) + 1;
        environment[at++] = memcpy(text, *inherited, length);
        text += length;
    }
    for (const char *each = NULL; (each = list_next(op->defaults, each));)
        if (!has_name(environment, each))
            environment[at++] = (char *)each;
    return environment;
}
