/* SPDX-License-Identifier: MIT */
/* Layers over one another: overlayfs, which an unprivileged user may mount since Linux 5.11 with
 * its notes in user.* attributes (`userxattr`). In: directories of the host's, and where the
 * uppermost is kept; without one it lies on a tmpfs that goes with the jail, or on disk where
 * scratch.c has made a directory. Mounted on the stage,
 * and then moved to its target as every mount is (mount.c). */
#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "jail.h"

enum { O_FLAGS = O_PATH | O_DIRECTORY, MAX_LAYERS = 160 };

/* The options of mount(2), in which every layer is a number of /proc/self/fd: mount(2) takes one
 * page of them, and 128 paths may need more. */
struct layers {
    struct text options;
    u32 count;
    int fd[MAX_LAYERS];
    int is_on_disk; /* the one that is written to */
    u64 mode;       /* of the uppermost one that is there: what will be seen of the top directory */
};

/* The directory that the monitor has made (scratch.c), once more: layers have to lie on mounts of
 * our own namespace, and its descriptor leads to one of the caller's. */
static int open_scratch_directory(struct jail *jail) {
    const struct operation *made = plan_find(&jail->plan, OP_SCRATCH_DIRECTORY);
    long parent = open_below(AT_FDCWD, fields(made, scratch_directory)->parent, O_FLAGS,
                             RESOLVE_NO_MAGICLINKS),
         fd;

    if (parent < 0)
        return fail(jail, STEP_OPENAT2, parent);
    fd = open_below((int)parent, jail->scratch_name, O_FLAGS | O_NOFOLLOW, RESOLVE_BENEATH);
    sys(close, parent);
    if (fd >= 0 && lies_at((int)fd, jail->scratch_lock, "") != 1)
        fd = -ESTALE;
    jail->scratch = (int)fd;
    return fd < 0 ? fail(jail, STEP_OPENAT2, fd) : 0;
}

int op_scratch(struct jail *jail, const struct op_scratch *op) {
    struct target target = {.directory = jail->stage, .is_new = 1, .name = "scratch"};
    int mount;
    long error;

    if (jail->stage < 0)
        return fail_because(jail, STEP_MKDIRAT, REASON_OUT_OF_ORDER);
    if (*jail->scratch_name)
        return open_scratch_directory(jail);
    jail->scratch = jail->stage;
    if (!op->options->length)
        return 0;
    error = sys(mkdirat, jail->stage, target.name, 0700);
    if (error < 0)
        return fail(jail, STEP_MKDIRAT, error);
    mount = make_mount(jail, "tmpfs", op->options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (mount < 0)
        return -1;
    jail->scratch = mount;
    /* layers have to lie on mounts of our own namespace; this one goes with the stage */
    return attach(jail, mount, &target);
}

static int add_layer(struct jail *jail, struct layers *layers, const char *separator, long fd) {
    if (fd < 0)
        return fail(jail, STEP_OPENAT2, fd);
    text_add(&layers->options, separator);
    text_add_number(&layers->options, fd);
    if (layers->count == MAX_LAYERS || layers->options.full) {
        sys(close, fd);
        return fail(jail, STEP_MOUNT, -E2BIG);
    }
    layers->fd[layers->count++] = (int)fd;
    return 0;
}

static long open_layer(const char *path) {
    return open_below(AT_FDCWD, path, O_FLAGS, RESOLVE_NO_MAGICLINKS);
}

/* What is in a layer that is written to a jail has made: no link that it has left is followed. */
static long open_written(const char *path) {
    return open_below(AT_FDCWD, path, O_FLAGS | O_NOFOLLOW, RESOLVE_NO_MAGICLINKS);
}

static int add_lower(struct jail *jail, struct layers *layers, long fd) {
    struct stat stat;
    int is_first = layers->count == 0;

    if (add_layer(jail, layers, is_first ? "userxattr,lowerdir=" : ":", fd) < 0)
        return -1;
    if (is_first)
        layers->mode = sys(newfstatat, fd, "", &stat, AT_EMPTY_PATH) ? 0755 : stat.st_mode & 07777;
    return 0;
}

/* A directory of a layer that is written to, made where it is missing. */
static long open_upper(struct jail *jail, const char *path, u64 mode) {
    struct text name = {0};
    long error;

    if (*path && !jail->is_layer_busy) {
        sys(mkdirat, AT_FDCWD, path, mode);
        return open_written(path);
    }
    text_add_number(&name, jail->staged++);
    error = sys(mkdirat, jail->scratch, name.data, mode);
    return error < 0 ? error : open_below(jail->scratch, name.data, O_FLAGS, RESOLVE_BENEATH);
}

static int add_layers(struct jail *jail, struct layers *layers, const struct op_overlay *op) {
    if (*op->upper && jail->is_layer_busy) {
        long fd = open_written(op->upper);

        /* missing: who has the layer has no use for this part of it */
        if (fd != -ENOENT && add_lower(jail, layers, fd) < 0)
            return -1;
    }
    for (const char *path = NULL; (path = list_next(op->lower, path));)
        if (add_lower(jail, layers, open_layer(path)) < 0)
            return -1;
    layers->is_on_disk = *jail->scratch_name || (*op->upper && !jail->is_layer_busy);
    if (jail->scratch < 0 && (!*op->upper || jail->is_layer_busy))
        return fail_because(jail, STEP_MKDIRAT, REASON_OUT_OF_ORDER);
    if (add_layer(jail, layers, ",upperdir=", open_upper(jail, op->upper, layers->mode)) < 0)
        return -1;
    if (add_layer(jail, layers, ",workdir=", open_upper(jail, op->work, 0700)) < 0)
        return -1;
    /* What is thrown away need never reach the disk: with this the kernel writes nothing out for
     * fsync(2), nor at the end (Linux 5.10). */
    if (*jail->scratch_name && (!*op->upper || jail->is_layer_busy))
        text_add(&layers->options, ",volatile");
    return layers->options.full ? fail(jail, STEP_MOUNT, -E2BIG) : 0;
}

/* Where there is no room for its work directory the kernel mounts the layers all the same, and
 * nothing can be written to them (fs/overlayfs/super.c). */
static int is_read_only(long mount) {
    struct statfs status;

    return sys(fstatfs, mount, &status) < 0 || status.f_flags & 1 /* ST_RDONLY, statfs(2) */;
}

/* A descriptor of the layers' mount, on a directory of the stage. */
static int mount_layers(struct jail *jail, const struct layers *layers, u64 set) {
    struct mount_attr attr = {.attr_set = set};
    struct text name = {0}, point = {0};
    long fd, error;

    text_add_number(&name, jail->staged++);
    error = sys(mkdirat, jail->stage, name.data, 0700);
    if (error < 0)
        return fail(jail, STEP_MKDIRAT, error);
    fd = open_below(jail->stage, name.data, O_FLAGS, RESOLVE_BENEATH);
    if (fd < 0)
        return fail(jail, STEP_OPENAT2, fd);
    text_add_number(&point, fd);
    /* init is somewhere of the caller's until pivot_root, and asks for absolute paths only */
    error = sys(chdir, "/proc/self/fd");
    if (error < 0)
        fail(jail, STEP_CHDIR, error);
    else if ((error = sys(mount, "overlay", point.data, "overlay", 0, layers->options.data)) < 0)
        fail(jail, STEP_MOUNT, error);
    sys(close, fd);
    if (error < 0)
        return -1;
    fd = open_below(jail->stage, name.data, O_FLAGS, RESOLVE_BENEATH);
    if (fd < 0)
        return fail(jail, STEP_OPENAT2, fd);
    if (layers->is_on_disk && is_read_only(fd))
        fail(jail, STEP_MOUNT, -EROFS);
    else if (set_attributes(jail, (int)fd, &attr, 0) == 0)
        return (int)fd;
    sys(close, fd);
    return -1;
}

static int make_overlay(struct jail *jail, const struct op_overlay *op) {
    static struct layers layers;
    int mount = -1;

    if (jail->stage < 0)
        return fail_because(jail, STEP_MKDIRAT, REASON_OUT_OF_ORDER);
    layers.count = 0;
    layers.options = (struct text){0};
    if (add_layers(jail, &layers, op) == 0)
        mount = mount_layers(jail, &layers, op->set);
    while (layers.count > 0)
        sys(close, layers.fd[--layers.count]);
    /* where mount points are missing they can be made: they appear in the uppermost layer */
    if (mount >= 0)
        remember_own(jail, mount);
    return mount;
}

/* fsconfig(2), NAME=NUMBER. */
static long set_number(long context, const char *name, u64 number) {
    struct text value = {0};

    text_add_number(&value, (s64)number);
    return sys(fsconfig, context, FSCONFIG_SET_STRING, name, value.data, 0);
}

/* A FUSE file system of the jail's user namespace; its ids are those of the jail (fs/fuse/inode.c).
 * The kernel checks modes and owners for the server, which sees nobody's but its own. */
static int mount_connection(struct jail *jail, long connection, u64 set) {
    long context = sys(fsopen, "fuse", FSOPEN_CLOEXEC), error;

    if (context < 0)
        return fail(jail, STEP_FSOPEN, context);
    error = set_number(context, "fd", (u64)connection);
    if (!error)
        error = sys(fsconfig, context, FSCONFIG_SET_STRING, "source", "fuse-overlayfs", 0);
    if (!error)
        error = sys(fsconfig, context, FSCONFIG_SET_STRING, "rootmode", "40000", 0);
    if (!error)
        error = set_number(context, "user_id", (u64)sys(geteuid));
    if (!error)
        error = set_number(context, "group_id", (u64)sys(getegid));
    if (!error)
        error = sys(fsconfig, context, FSCONFIG_SET_FLAG, "allow_other", NULL, 0);
    if (!error)
        error = sys(fsconfig, context, FSCONFIG_SET_FLAG, "default_permissions", NULL, 0);
    if (!error)
        error = sys(fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (error < 0) {
        sys(close, context);
        return fail(jail, STEP_FSCONFIG, error);
    }
    error = sys(fsmount, context, FSMOUNT_CLOEXEC, set);
    sys(close, context);
    return error < 0 ? fail(jail, STEP_FSMOUNT, error) : (int)error;
}

/* The layers of a server (server.c), which the monitor starts when it gets the connection. */
static int make_served(struct jail *jail, u64 set) {
    struct message message = {.type = MESSAGE_LAYERS, .value = jail->failure.op};
    long connection = sys(openat, AT_FDCWD, "/dev/fuse", O_RDWR | O_CLOEXEC);
    long error = 0;
    int mount;

    if (connection < 0)
        return fail(jail, STEP_OPEN, connection);
    mount = mount_connection(jail, connection, set);
    if (mount >= 0) {
        error = message_send(jail->socket, &message, (int)connection);
        if (error < 0)
            fail(jail, STEP_SENDMSG, error);
    }
    /* before anything is asked: with the last one that is closed the kernel knows of a server's
     * end, and nobody waits for it */
    sys(close, connection);
    if (mount < 0)
        return -1;
    if (!error && (error = remember_own(jail, mount)) < 0)
        fail(jail, STEP_FSTAT, error);
    if (!error)
        return mount;
    sys(close, mount);
    return -1;
}

static int make_layers(struct jail *jail, const struct op_overlay *op) {
    return op->by == BY_FUSE ? make_served(jail, op->set) : make_overlay(jail, op);
}

int op_overlay(struct jail *jail, const struct op_overlay *op) {
    int mount = make_layers(jail, op), result;

    if (mount < 0)
        return -1;
    result = attach_at(jail, mount, op->target, 1);
    sys(close, mount);
    return result;
}

int op_root_overlay(struct jail *jail, const struct op_root_overlay *op) {
    struct op_overlay layers = {op->lower, op->upper, op->work, "/", op->set, op->by};
    int mount = make_layers(jail, &layers);

    if (mount < 0 || attach_over_root(jail, mount) < 0)
        return -1;
    jail->root = mount;
    return 0;
}
