/* SPDX-License-Identifier: MIT */
/* Loads the command's filters of system calls, which src/seccomp has made: no policy is here.
 * Called by command.c as the last thing before execve(2), so that they bind the command and all
 * that comes of it, and neither init nor the monitor. */
#include <asm-generic/errno.h>
#include <linux/filter.h>
#include <linux/resource.h>
#include <linux/seccomp.h>

#include "jail.h"

/* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is newer than some headers (Linux 5.19). */
_Static_assert(SECCOMP_LOG == SECCOMP_FILTER_FLAG_LOG &&
                   SECCOMP_SPEC_ALLOW == SECCOMP_FILTER_FLAG_SPEC_ALLOW &&
                   SECCOMP_NOTIFY == SECCOMP_FILTER_FLAG_NEW_LISTENER,
               "as in src/plan/operations.ts");

/* The listener, if flags ask for one. */
static long load(struct jail *jail, const struct blob *filter, u64 flags) {
    struct sock_fprog program = {(u16)(filter->length / sizeof(struct sock_filter)),
                                 (struct sock_filter *)(void *)filter->data};
    long result;

    if (filter->length == 0 || filter->length % sizeof(struct sock_filter) ||
        filter->length / sizeof(struct sock_filter) > BPF_MAXINSNS)
        return fail_because(jail, STEP_SECCOMP, REASON_MALFORMED);
    result = sys(seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    return result < 0 ? fail(jail, STEP_SECCOMP, result) : result;
}

/* execve closes the listener here (O_CLOEXEC): without it the command would be told that no call
 * it asks about exists. */
static int hand_over(struct jail *jail, long listener) {
    struct message message = {.type = MESSAGE_LISTENER};
    long error = message_send(jail->socket, &message, (int)listener);

    return error < 0 ? fail(jail, STEP_SENDMSG, error) : 0;
}

int load_filter(struct jail *jail, const struct op_seccomp *op) {
    long listener = load(jail, op->filter, op->flags);

    return listener < 0 || !(op->flags & SECCOMP_NOTIFY) ? (int)listener
                                                         : hand_over(jail, listener);
}

/* Ids are remembered in this limit, from its end on down (emulate.c). */
static int open_limit(struct jail *jail) {
    struct rlimit64 limit;
    long error = sys(prlimit64, 0, RLIMIT_LOCKS, NULL, &limit);

    limit.rlim_cur = limit.rlim_max;
    if (error >= 0)
        error = sys(prlimit64, 0, RLIMIT_LOCKS, &limit, NULL);
    return error < 0 ? fail(jail, STEP_PRLIMIT, error) : 0;
}

int load_emulation(struct jail *jail, const struct op_emulate *op) {
    long listener = open_limit(jail);

    if (listener == 0)
        listener = load(jail, op->filter, SECCOMP_NOTIFY);
    return listener < 0 ? (int)listener : hand_over(jail, listener);
}
