/* SPDX-License-Identifier: MIT */
/* What is measured: a list of command lines, read from standard input, and how one of them is
 * started. In: strings, each ended by NUL: the number of sides, then for each its runs, its plan (a
 * file for descriptor 3, or nothing), a directory that times.c empties before each start (or nothing), the number of its words, the words, the number of its variables, the variables. Used by
 * times.c, crowd.c and stream.c. */
#ifndef BENCH_SIDES_H
#define BENCH_SIDES_H
#include <spawn.h>
#include <stdio.h>
#include <sys/types.h>

struct side {
    long runs;
    const char *plan, *emptied;
    char **argv, **envp;
};

struct sides {
    size_t count;
    struct side *list;
};

__attribute__((noreturn, format(printf, 1, 2))) void give_up(const char *format, ...);
struct sides read_sides(void);
/* Descriptors 0 and 1 of the new process; 2 is ours. Everything else has to be close-on-exec. */
pid_t start_side(const struct side *side, int input, int output);
long long now(void); /* CLOCK_MONOTONIC, ns */

#endif
