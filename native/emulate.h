/* SPDX-License-Identifier: MIT */
/* The parts of root emulation: what is told (emulate.c), and what is put in a device's place
 * (stand_in.c). */
#ifndef TSJAIL_EMULATE_H
#define TSJAIL_EMULATE_H
#include <linux/resource.h>
#include <linux/seccomp.h>

#include "jail.h"

/* One call that waits for its answer. */
struct question {
    int listener;
    struct seccomp_notif call;
    struct seccomp_notif_resp response;
    struct rlimit64 limit;
};

/* Whether it still does: else its pid may be another process's by now. */
int is_waiting(const struct question *question);
/* How much there was of its memory, or a negative errno. */
long read_memory(const struct question *question, u64 from, void *to, size_t length);
/* The low half of an argument. */
u32 word(const struct question *question, int index);

/* Makes a file where a device is to be made: 0 or a negative errno. */
long make_stand_in(const struct question *question);
#endif
