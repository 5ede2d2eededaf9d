/* SPDX-License-Identifier: MIT */
/* Keys belong to a user of the kernel's, whatever the user namespace (keyrings(7)). The caller's
 * session keyring comes along into a new one; the jail gets an empty one of its own, so that file
 * systems don't find the caller's keys by way of it. The user's other keyrings are found by their
 * numbers, which can be guessed, so the system calls for keys are refused altogether: by the
 * command's filter, where the plan has one (src/seccomp/keys.ts sees to that), else by one of ours.
 * Called by init.c, before the operations. */
#include <asm-generic/errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>

#include "jail.h"

/* Programs for the processor's 32-bit sibling have other numbers for the three system calls (x86:
 * also x32, which is x86-64 with one bit set). A third kind of program is refused them whole. */
#if defined(__x86_64__)
enum { ARCH = AUDIT_ARCH_X86_64, OTHER_ARCH = AUDIT_ARCH_I386, OTHER_ADD_KEY = 286 };
#else
enum { ARCH = AUDIT_ARCH_AARCH64, OTHER_ARCH = AUDIT_ARCH_ARM, OTHER_ADD_KEY = 309 };
#endif
_Static_assert(__NR_request_key == __NR_add_key + 1 && __NR_keyctl == __NR_add_key + 2, "in a row");

/* seccomp(2): add_key, request_key and keyctl answer ENOSYS. */
static long refuse_keyrings(void) {
    static const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4 /* seccomp_data.arch */),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (u32)ARCH, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0 /* seccomp_data.nr */),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xbfffffff),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, __NR_add_key, 0, 6),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, __NR_keyctl, 5, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (u32)OTHER_ARCH, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, OTHER_ADD_KEY, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, OTHER_ADD_KEY + 2, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {array_length(filter), (struct sock_filter *)filter};

    return sys(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

int leave_keyring(struct jail *jail) {
    long joined = sys(keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0), error;
    /* Where a filter around us refuses keyctl, it refuses it to the command too. */
    int refused = joined == -ENOSYS || joined == -EPERM;

    /* A keyring counts against the user's quota of 200 keys, also for a while after its jail ended.
     * Without one of its own the jail can't ask for what is in the caller's either. */
    if (joined < 0 && joined != -EDQUOT && !refused)
        return fail(jail, STEP_KEYCTL, joined);
    if (plan_find(&jail->plan, OP_SECCOMP))
        return 0;
    error = refuse_keyrings();
    return error < 0 && !refused ? fail(jail, STEP_KEYCTL, error) : 0;
}
