/* SPDX-License-Identifier: MIT */
/* Reads the list of sides and starts one. posix_spawn(3) is vfork(2) and execve(2) in glibc: it
 * costs the same for every side, and next to nothing. Next: times.c, crowd.c, stream.c. */
#define _GNU_SOURCE
#include "sides.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *next, *end;

void give_up(const char *format, ...) {
    va_list list;

    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    exit(1);
}

static char *read_word(void) {
    char *word = next;

    if (next >= end)
        give_up("the list of sides ends too early");
    next += strlen(next) + 1;
    return word;
}

static long read_number(void) {
    char *rest, *word = read_word();
    long number = strtol(word, &rest, 10);

    if (*word == 0 || *rest != 0 || number < 0)
        give_up("not a number: %s", word);
    return number;
}

static char **read_list(void) {
    size_t count = (size_t)read_number();
    char **list = calloc(count + 1, sizeof *list);

    if (!list)
        give_up("out of memory");
    for (size_t i = 0; i < count; i++)
        list[i] = read_word();
    return list;
}

static void read_input(void) {
    size_t size = 1 << 16, length = 0, got;
    char *text = malloc(size);

    while (text && (got = fread(text + length, 1, size - length, stdin)) > 0) {
        length += got;
        if (length == size)
            text = realloc(text, size *= 2);
    }
    if (!text || length == 0 || text[length - 1] != 0)
        give_up("there is no list of sides on standard input");
    next = text;
    end = text + length;
}

struct sides read_sides(void) {
    struct sides sides;

    read_input();
    sides.count = (size_t)read_number();
    sides.list = calloc(sides.count + 1, sizeof *sides.list);
    if (!sides.list)
        give_up("out of memory");
    for (size_t i = 0; i < sides.count; i++) {
        struct side *side = &sides.list[i];
        side->runs = read_number();
        side->plan = read_word();
        side->emptied = read_word();
        side->argv = read_list();
        side->envp = read_list();
    }
    return sides;
}

pid_t start_side(const struct side *side, int input, int output) {
    posix_spawn_file_actions_t actions;
    int error;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    /* dup2(2) onto itself clears close-on-exec there. */
    posix_spawn_file_actions_adddup2(&actions, input, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    if (*side->plan)
        posix_spawn_file_actions_addopen(&actions, 3, side->plan, O_RDONLY, 0);
    error = posix_spawn(&pid, side->argv[0], &actions, NULL, side->argv, side->envp);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        give_up("%s: %s", side->argv[0], strerror(error));
    return pid;
}

long long now(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}
