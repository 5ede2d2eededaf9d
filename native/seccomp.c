/* SPDX-License-Identifier: MIT */
/* Loads the command's filter of system calls, which src/seccomp has made: no policy is here. Called
 * by command.c as the last thing before execve(2), so that it binds the command and all that comes
 * of it, and neither init nor the monitor. */
#include <asm-generic/errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "jail.h"

/* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is newer than some headers (Linux 5.19). */
_Static_assert(SECCOMP_LOG == SECCOMP_FILTER_FLAG_LOG &&
                   SECCOMP_SPEC_ALLOW == SECCOMP_FILTER_FLAG_SPEC_ALLOW &&
                   SECCOMP_NOTIFY == SECCOMP_FILTER_FLAG_NEW_LISTENER,
               "as in src/plan/operations.ts");

int load_filter(struct jail *jail, const struct op_seccomp *op) {
    const struct blob *filter = op->filter;
    struct sock_fprog program = {(u16)(filter->length / sizeof(struct sock_filter)),
                                 (struct sock_filter *)(void *)filter->data};
    struct message message = {.type = MESSAGE_LISTENER};
    long result;

    if (filter->length == 0 || filter->length % sizeof(struct sock_filter) ||
        filter->length / sizeof(struct sock_filter) > BPF_MAXINSNS)
        return fail_because(jail, STEP_SECCOMP, REASON_MALFORMED);
    result = sys(seccomp, SECCOMP_SET_MODE_FILTER, op->flags, &program);
    if (result < 0)
        return fail(jail, STEP_SECCOMP, result);
    if (!(op->flags & SECCOMP_NOTIFY))
        return 0;
    /* the listener, which execve closes here (O_CLOEXEC): without it the command would be told that
     * no call it asks about exists */
    result = message_send(jail->socket, &message, (int)result);
    return result < 0 ? fail(jail, STEP_SENDMSG, result) : 0;
}
