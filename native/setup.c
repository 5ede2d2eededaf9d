/* SPDX-License-Identifier: MIT */
/* The operations of the phase `jail` that are not mounts, and the table from opcode to function.
 * Run by init, in plan order; when all are done init has no privilege left. What comes next is
 * command.c. */
#include <asm-generic/errno.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "jail.h"

int write_file(struct jail *jail, const char *path, const char *value) {
    long fd = sys(openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC), n;

    if (fd < 0)
        return fail(jail, STEP_OPEN, fd);
    n = sys(write, fd, value, strlen(value));
    sys(close, fd);
    return n < 0 ? fail(jail, STEP_WRITE, n) : 0;
}

static int op_oom_score_adj(struct jail *jail, const struct op_oom_score_adj *op) {
    struct text value = {0};

    text_add_number(&value, op->value);
    return write_file(jail, "/proc/self/oom_score_adj", value.data);
}

/* unshare(2) makes a time namespace for the children only. Before Linux 6.3 a process between the
 * two can't even vfork (EINVAL), so it is joined at once, once its offsets are written: then they
 * are final (time_namespaces(7)). */
int enter_time_namespace(struct jail *jail) {
    long fd, error;

    if (join_network(jail) < 0) /* setns(2): EUSERS where there is another thread */
        return -1;
    fd = sys(openat, AT_FDCWD, "/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(jail, STEP_OPEN, fd);
    error = sys(setns, fd, CLONE_NEWTIME);
    sys(close, fd);
    return error < 0 ? fail(jail, STEP_UNSHARE, error) : 0;
}

static int op_time_offsets(struct jail *jail, const struct op_time_offsets *op) {
    long error = sys(unshare, CLONE_NEWTIME);

    if (error < 0)
        return fail(jail, STEP_UNSHARE, error);
    if (write_file(jail, "/proc/self/timens_offsets", op->offsets) < 0)
        return -1;
    return enter_time_namespace(jail);
}

static int op_sysctl(struct jail *jail, const struct op_sysctl *op) {
    struct open_how how = {.flags = O_WRONLY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
    struct text path = {0};
    long fd, n;

    /* A procfs that was mounted by us and nothing else: what is at /proc of the new root may be
     * anything. */
    if (memcmp(op->name, "net.", 4) == 0 && join_network(jail) < 0)
        return -1;
    if (open_own_proc(jail) < 0)
        return -1;
    text_add(&path, "sys/");
    text_add(&path, op->name);
    for (size_t i = 4; i < path.length; i++)
        if (path.data[i] == '.')
            path.data[i] = '/';
    if (path.full)
        return fail(jail, STEP_OPENAT2, -ENAMETOOLONG);
    do
        fd = sys(openat2, jail->proc, path.data, &how, sizeof how);
    while (fd == -EAGAIN);
    if (fd < 0)
        return fail(jail, STEP_OPENAT2, fd);
    n = sys(write, fd, op->value, strlen(op->value));
    sys(close, fd);
    return n < 0 ? fail(jail, STEP_WRITE, n) : 0;
}

static int op_hostname(struct jail *jail, const struct op_hostname *op) {
    long error = sys(sethostname, op->name, strlen(op->name));

    return error < 0 ? fail(jail, STEP_SETHOSTNAME, error) : 0;
}

static int op_domainname(struct jail *jail, const struct op_domainname *op) {
    long error = sys(setdomainname, op->name, strlen(op->name));

    return error < 0 ? fail(jail, STEP_SETDOMAINNAME, error) : 0;
}

static int set_capabilities(struct jail *jail, u64 effective, u64 inheritable) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(u32)effective, (u32)effective, (u32)inheritable},
        {(u32)(effective >> 32), (u32)(effective >> 32), (u32)(inheritable >> 32)}};
    long error = sys(capset, &header, data);

    return error < 0 ? fail(jail, STEP_CAPSET, error) : 0;
}

static int check_capabilities(struct jail *jail, u64 keep) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    if (sys(capget, &header, data) < 0 || data[0].inheritable != (u32)keep ||
        data[1].inheritable != (u32)(keep >> 32) || data[0].permitted != (u32)keep ||
        data[1].permitted != (u32)(keep >> 32) || data[0].effective != (u32)keep ||
        data[1].effective != (u32)(keep >> 32))
        return fail_because(jail, STEP_CAPSET, REASON_CREDENTIALS);
    for (u32 cap = 0; cap < 64; cap++) {
        long wanted = (long)(keep >> cap & 1),
             in_bounds = sys(prctl, PR_CAPBSET_READ, cap, 0, 0, 0);
        if (in_bounds == -EINVAL)
            break; /* the kernel has no more of them */
        if (in_bounds < 0)
            return fail(jail, STEP_PRCTL, in_bounds);
        /* what is not permitted can't be ambient (capabilities(7)) */
        if (in_bounds != wanted ||
            (wanted && sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) != 1))
            return fail_because(jail, STEP_PRCTL, REASON_CREDENTIALS);
    }
    return 0;
}

int retain_capabilities(struct jail *jail, u64 keep) {
    if (set_capabilities(jail, keep, keep) < 0)
        return -1;
    for (u32 cap = 0; cap < 64; cap++) {
        long error = 0;

        if (keep & (1ull << cap))
            error = sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
        if (error < 0)
            return fail(jail, STEP_PRCTL, error);
    }
    return 0;
}

/* Setuid programs and file capabilities give nothing back: the bounding set is the same mask.
 * Ambient capabilities are how a command that is not root inside gets the ones it may keep
 * (capabilities(7)). */
static int op_capabilities(struct jail *jail, const struct op_capabilities *op) {
    long error;

    for (u32 cap = 0; cap < 64; cap++) {
        if (op->keep & (1ull << cap))
            continue;
        error = sys(prctl, PR_CAPBSET_DROP, cap, 0, 0, 0);
        if (error == -EINVAL)
            break;
        if (error < 0)
            return fail(jail, STEP_PRCTL, error);
    }
    error = sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (error < 0)
        return fail(jail, STEP_PRCTL, error);
    if (retain_capabilities(jail, op->keep) < 0)
        return -1;
    return check_capabilities(jail, op->keep);
}

/* Going from uid 0 to another one would clear the capabilities that the operations after this one
 * need. */
static int op_ids(struct jail *jail, const struct op_ids *op) {
    long error = op->groups ? sys(setgroups, 0, NULL) : 0;

    /* -1 would leave the id as it is (setresuid(2)) */
    if (op->uid == 0xffffffff || op->gid == 0xffffffff)
        return fail(jail, STEP_SETRESUID, -EINVAL);
    if (error < 0)
        return fail(jail, STEP_SETGROUPS, error);
    error = sys(prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (error < 0)
        return fail(jail, STEP_PRCTL, error);
    error = sys(setresgid, op->gid, op->gid, op->gid);
    if (error < 0)
        return fail(jail, STEP_SETRESGID, error);
    error = sys(setresuid, op->uid, op->uid, op->uid);
    if (error < 0)
        return fail(jail, STEP_SETRESUID, error);
    sys(prctl, PR_SET_KEEPCAPS, 0, 0, 0, 0);
    {
        struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        struct __user_cap_data_struct data[2];
        error = sys(capget, &header, data);
        if (error < 0)
            return fail(jail, STEP_CAPSET, error);
        return set_capabilities(jail, data[0].permitted | (u64)data[1].permitted << 32, 0);
    }
}

static int op_no_new_privs(struct jail *jail) {
    long error = sys(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

    return error < 0 ? fail(jail, STEP_PRCTL, error) : 0;
}

int set_up(struct jail *jail, const struct operation *op) {
    switch (op->opcode) {
    case OP_OOM_SCORE_ADJ:
        return op_oom_score_adj(jail, fields(op, oom_score_adj));
    case OP_TIME_OFFSETS:
        return op_time_offsets(jail, fields(op, time_offsets));
    case OP_PROPAGATION:
        return op_propagation(jail, fields(op, propagation));
    case OP_STAGE:
        return op_stage(jail);
    case OP_ROOT_TMPFS:
        return op_root_tmpfs(jail, fields(op, root_tmpfs));
    case OP_ROOT_BIND:
        return op_root_bind(jail, fields(op, root_bind));
    case OP_SCRATCH:
        return op_scratch(jail, fields(op, scratch));
    case OP_ROOT_OVERLAY:
        return op_root_overlay(jail, fields(op, root_overlay));
    case OP_OVERLAY:
        return op_overlay(jail, fields(op, overlay));
    case OP_BIND:
        return op_bind(jail, fields(op, bind));
    case OP_MOUNT:
        return op_mount(jail, fields(op, mount));
    case OP_DEVICE:
        return op_device(jail, fields(op, device));
    case OP_DIRECTORY:
        return op_directory(jail, fields(op, directory));
    case OP_SYMLINK:
        return op_symlink(jail, fields(op, symlink));
    case OP_FILE:
        return op_file(jail, fields(op, file));
    case OP_HIDE:
        return op_hide(jail, fields(op, hide));
    case OP_READONLY:
        return op_readonly(jail, fields(op, readonly));
    case OP_PIN:
        return op_pin(jail, fields(op, pin));
    case OP_ATTRIBUTES:
        return op_attributes(jail, fields(op, attributes));
    case OP_PTY:
        return op_pty(jail, fields(op, pty));
    case OP_SYSCTL:
        return op_sysctl(jail, fields(op, sysctl));
    case OP_HOSTNAME:
        return op_hostname(jail, fields(op, hostname));
    case OP_DOMAINNAME:
        return op_domainname(jail, fields(op, domainname));
    case OP_LOOPBACK:
        return op_loopback(jail);
    case OP_PIVOT:
        return join_network(jail) < 0 ? -1 : op_pivot(jail);
    case OP_IDS:
        return op_ids(jail, fields(op, ids));
    case OP_CAPABILITIES:
        return op_capabilities(jail, fields(op, capabilities));
    case OP_NO_NEW_PRIVS:
        return op_no_new_privs(jail);
    }
    return fail_because(jail, STEP_PLAN, REASON_MALFORMED);
}
