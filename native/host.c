/* SPDX-License-Identifier: MIT */
/* The phases `host` and `map`: what the monitor does in the caller's own namespaces, and undoes at
 * the end. */
#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#include "monitor.h"

enum { LOCK_SHARED = 1, LOCK_EXCLUSIVE = 2, LOCK_NO_WAIT = 4 };

/* A mount point that was missing in a writable root directory, made for this jail or one before. */
struct made {
    struct made *before;
    int parent;
    int is_directory;
    const char *name;
};
static struct made *last_made;
/* The root directory, locked by every jail that has mount points in it: taking one away would take
 * away what another jail has mounted there (since Linux 3.15 rmdir(2) detaches the mounts of other
 * mount namespaces). */
static int locked_root; /* or 0, which is the caller's */

static int check_open(struct jail *jail, s64 fd) {
    long flags = fd == jail->plan_fd ? -EBADF : sys(fcntl, fd, F_GETFD, 0);

    /* what came through execve has no FD_CLOEXEC; what has it is ours */
    if (flags < 0 || flags & FD_CLOEXEC)
        return fail(jail, STEP_FCNTL, flags < 0 ? flags : -EBADF);
    return 0;
}

static int op_pass_fd(struct jail *jail, const struct op_pass_fd *op) {
    if (check_open(jail, (s64)op->fd) < 0)
        return -1;
    if (op->fd < 3)
        return 0;
    if (jail->passed_count == MAX_PASSED_FDS)
        return fail(jail, STEP_FCNTL, -EMFILE);
    jail->passed[jail->passed_count++] = (int)op->fd;
    return 0;
}

int host_take_descriptors(struct jail *jail) {
    int keep[MAX_PASSED_FDS + 3] = {jail->plan_fd, (int)jail->supervise.status_fd, -1};

    for (u32 i = 0; i < jail->plan.count; i++) {
        const struct operation *op = &jail->plan.operation[i];
        jail->failure.op = (s32)i;
        if (op->opcode == OP_PASS_FD && op_pass_fd(jail, fields(op, pass_fd)) < 0)
            return -1;
        if (op->opcode == OP_SUPERVISE && jail->supervise.status_fd >= 0 &&
            check_open(jail, jail->supervise.status_fd) < 0)
            return -1;
        if (op->opcode == OP_SECCOMP && fields(op, seccomp)->flags & SECCOMP_NOTIFY) {
            keep[2] = (int)fields(op, seccomp)->notify_fd;
            if (check_open(jail, keep[2]) < 0)
                return -1;
        }
    }
    jail->failure.op = -1;
    memcpy(keep + 3, jail->passed, sizeof jail->passed);
    close_others(keep, jail->passed_count + 3);
    return 0;
}

static int lock_root(struct jail *jail, const char *root) {
    long error;

    if (locked_root > 0)
        return 0;
    locked_root = (int)sys(openat, AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (locked_root < 0)
        return fail(jail, STEP_OPEN, locked_root);
    error = sys(flock, locked_root, LOCK_SHARED);
    return error < 0 ? fail(jail, STEP_OPEN, error) : 0;
}

/* A mark on what is made: should this jail not be the last one here, or be killed, a later one
 * takes it away. */
static const char mark[] = "user.tsjail.mount_point";

static int is_marked(int directory, const char *name) {
    long fd = sys(openat, directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int marked = fd >= 0 && sys(fgetxattr, fd, mark, NULL, 0) >= 0;

    sys(close, fd);
    return marked;
}

static void set_mark(int directory, const char *name) {
    long fd = sys(openat, directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    sys(fsetxattr, fd, mark, "1", 1, 0);
    sys(close, fd);
}

static int op_mount_point(struct jail *jail, const struct op_mount_point *op) {
    char parent[4096];
    const char *name = op->target + strlen(op->target);
    struct made *made;
    long directory, there, error = 0;

    if (lock_root(jail, op->root) < 0)
        return -1;
    while (name > op->target && name[-1] != '/')
        name--;
    memcpy(parent, op->target, (size_t)(name - op->target));
    parent[name - op->target] = 0;
    directory = open_below(locked_root, parent, O_PATH, IN_ROOT);
    if (directory < 0)
        return fail(jail, STEP_OPENAT2, directory);
    there = open_below(locked_root, op->target, O_PATH, IN_ROOT);
    sys(close, there);
    if ((there < 0 && there != -ENOENT) || (there >= 0 && !is_marked((int)directory, name))) {
        sys(close, directory);
        return there < 0 ? fail(jail, STEP_OPENAT2, there) : 0;
    }
    if (there < 0) {
        error = op->kind == 0 ? sys(mkdirat, directory, name, 0755)
                              : sys(mknodat, directory, name, S_IFREG | 0644, 0);
        if (!error)
            set_mark((int)directory, name);
        /* another jail was faster; or it is a link that leads nowhere, which init will say */
        if (error == -EEXIST) {
            if (!is_marked((int)directory, name)) {
                sys(close, directory);
                return 0;
            }
            error = 0;
        }
    }
    if (error < 0) {
        sys(close, directory);
        return fail(jail, op->kind == 0 ? STEP_MKDIRAT : STEP_MKNODAT, error);
    }
    made = allocate(sizeof *made);
    *made = (struct made){last_made, (int)directory, op->kind == 0, name};
    last_made = made;
    return 0;
}

/* What is open has to be still what has that name: its remover, who had the lock before us, may
 * have been faster, and what lies there now another one, or nothing. */
static int check_name(struct jail *jail, long fd, const char *path) {
    int result = lies_at((int)fd, AT_FDCWD, path);

    if (result < 0)
        return fail(jail, STEP_FSTAT, result);
    return result ? 0 : fail(jail, STEP_OPEN, -ENOENT);
}

/* Whoever finds it locked reads there who has it. The lock ends with the last of its descriptors,
 * ours and that of init: whatever kills us, nobody is left waiting for a jail that is gone. */
static int op_layer(struct jail *jail, const struct op_layer *op) {
    struct text holder = {0};
    long fd = sys(openat, AT_FDCWD, op->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600),
         error;

    if (fd < 0)
        return fail(jail, STEP_OPEN, fd);
    error = sys(flock, fd, LOCK_EXCLUSIVE | LOCK_NO_WAIT);
    if (error == -EAGAIN && op->busy) {
        jail->is_layer_busy = 1;
        sys(close, fd);
        return 0;
    }
    if (error < 0)
        return fail(jail, STEP_FLOCK, error);
    jail->layer = (int)fd;
    if (check_name(jail, fd, op->lock) < 0)
        return -1;
    text_add_number(&holder, sys(getpid));
    text_add(&holder, "\n");
    error = sys(ftruncate, fd, 0);
    if (error >= 0)
        error = write_all((int)fd, holder.data, holder.length);
    return error < 0 ? fail(jail, STEP_WRITE, error) : 0;
}

/* Jails share a volume or an image; who removes it has the lock alone. It is not made here: where
 * it is missing what it stands for is. */
static int op_hold(struct jail *jail, const struct op_hold *op) {
    long fd, error;

    if (jail->held_count == MAX_HELD)
        return fail(jail, STEP_OPEN, -EMFILE);
    fd = sys(openat, AT_FDCWD, op->lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return fail(jail, STEP_OPEN, fd);
    jail->held[jail->held_count++] = (int)fd;
    error = sys(flock, fd, LOCK_SHARED | LOCK_NO_WAIT);
    if (error < 0)
        return fail(jail, STEP_FLOCK, error);
    if (check_name(jail, fd, op->lock) < 0)
        return -1;
    sys(utimensat, fd, NULL, NULL, 0);
    return 0;
}

int host_set_up(struct jail *jail) {
    for (u32 i = 0; i < jail->plan.count; i++) {
        const struct operation *op = &jail->plan.operation[i];
        int result = 0;

        jail->failure.op = (s32)i;
        if (op->opcode == OP_MOUNT_POINT)
            result = op_mount_point(jail, fields(op, mount_point));
        else if (op->opcode == OP_LAYER)
            result = op_layer(jail, fields(op, layer));
        else if (op->opcode == OP_HOLD)
            result = op_hold(jail, fields(op, hold));
        else if (op->opcode == OP_SCRATCH_DIRECTORY)
            result = scratch_make(jail, fields(op, scratch_directory));
        else if (op->opcode == OP_CLONE)
            jail->namespaces = fields(op, clone)->namespaces;
        if (result < 0)
            return -1;
    }
    jail->failure.op = -1;
    return 0;
}

int host_has_to_undo(void) {
    return last_made != NULL;
}

/* Only what is still as we made it: an empty directory, an empty file. */
void host_undo(void) {
    if (last_made && sys(flock, locked_root, LOCK_EXCLUSIVE | LOCK_NO_WAIT) < 0)
        return;
    for (; last_made; last_made = last_made->before) {
        struct stat stat;

        if (last_made->is_directory)
            sys(unlinkat, last_made->parent, last_made->name, AT_REMOVEDIR);
        else if (!sys(newfstatat, last_made->parent, last_made->name, &stat, AT_SYMLINK_NOFOLLOW) &&
                 S_ISREG(stat.st_mode) && stat.st_size == 0)
            sys(unlinkat, last_made->parent, last_made->name, 0);
        sys(close, last_made->parent);
    }
}

static int write_proc(struct jail *jail, int pid, const char *name, const char *value) {
    struct text path = {0};

    text_add(&path, "/proc/");
    text_add_number(&path, pid);
    text_add(&path, name);
    return write_file(jail, path.data, value);
}

int host_write_maps(struct jail *jail, int pid) {
    for (u32 i = 0; i < jail->plan.count; i++) {
        const struct operation *op = &jail->plan.operation[i];
        int result = 0;

        jail->failure.op = (s32)i;
        if (op->opcode == OP_SETGROUPS)
            result = write_proc(jail, pid, "/setgroups",
                                fields(op, setgroups)->policy ? "allow" : "deny");
        else if (op->opcode == OP_UID_MAP)
            result = write_proc(jail, pid, "/uid_map", fields(op, uid_map)->map);
        else if (op->opcode == OP_GID_MAP)
            result = write_proc(jail, pid, "/gid_map", fields(op, gid_map)->map);
        if (result < 0)
            return -1;
    }
    jail->failure.op = -1;
    return 0;
}
