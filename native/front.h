/* SPDX-License-Identifier: MIT */
/* Between a command line and a plan, without Node: plans that were kept, and plans that were
 * shipped. */
#ifndef TSJAIL_FRONT_H
#define TSJAIL_FRONT_H
#include "jail.h"

/* A command line of ours, without the program's own name. */
struct invocation {
    const char *package; /* the directory of the package, as bin/tsjail wrote it */
    char **words;
    int count;
    char **environment;
};

/* main.c: reads and checks what jail->plan_fd has. 0 or a negative errno. */
long read_plan(struct jail *jail);

/* main.c: says why on standard error. The exit status. */
int refuse(const char *message);

/* node.c: fills in `jail` and returns -1, or returns the exit status to end with. */
int compile_with_node(struct jail *jail, const struct invocation *invocation);

/* facts.c: the first thing that isn't any more as the plan has it, or NULL. */
const struct operation *find_false_fact(const struct plan *plan, char *const *environment);

/* facts.c: capget(2). */
u64 effective_capabilities(void);

/* facts.c: the ABI of Landlock; 0 where there is none, it is switched off, or a filter hides it. */
u32 find_landlock(void);

/* cache.c: fills in `jail` and returns 1 where a plan was kept for this command line and still
 * holds. */
int find_kept_plan(struct jail *jail, const struct invocation *invocation);

#endif
