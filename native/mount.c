/* SPDX-License-Identifier: MIT */
/* The operations that put the jail's tree of files together. Everything goes by descriptor: a mount
 * is made detached, given its attributes, and then moved to a target that was resolved below the
 * new root, so that no symbolic link and no race can send it anywhere else. What comes before is in
 * init.c, what comes after in setup.c. */
#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/stat.h>

#include "jail.h"

/* The old root, the stage, and what a host may have mounted over its own root. */
enum { MAX_COVERS = 16 };
enum {
    O_FLAGS_PATH = O_PATH | O_CLOEXEC,
    STAGE_ATTRIBUTES = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
    ALL_ATTRIBUTES = STAGE_ATTRIBUTES | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC
};

static int is_missing(long error) {
    return error == -ENOENT || error == -ENOTDIR;
}

static int is_mount_point_failure(const struct jail *jail) {
    const struct failure *failure = &jail->failure;

    return failure->reason == REASON_MOUNT_POINT_MISSING || is_missing(-failure->error) ||
           failure->error == EROFS;
}

int attach(struct jail *jail, int mount, const struct target *target) {
    /* without a name, on the descriptor itself; a name is new, and so no symbolic link */
    u32 flags = MOVE_MOUNT_F_EMPTY_PATH | (target->is_new ? 0 : MOVE_MOUNT_T_EMPTY_PATH);
    long error = sys(move_mount, mount, "", target->directory, target->name, flags);

    return error < 0 ? fail(jail, STEP_MOVE_MOUNT, error) : 0;
}

/* Whether something can be mounted there: a directory on a directory, a file on anything else. */
static int check_target(struct jail *jail, const struct target *target, int is_directory) {
    struct stat stat;

    if (target->is_new || sys(newfstatat, target->directory, "", &stat, AT_EMPTY_PATH) ||
        S_ISDIR(stat.st_mode) == !!is_directory)
        return 0;
    return fail_because(jail, STEP_MOVE_MOUNT, REASON_WRONG_KIND);
}

/* Moves the mount to its target, which is made where it may be; closes neither. */
int attach_at(struct jail *jail, int mount, const char *path, int is_directory) {
    struct target target;
    int result;

    if (find_mount_point(jail, path, is_directory, &target) < 0)
        return -1;
    result = check_target(jail, &target, is_directory);
    if (result == 0)
        result = attach(jail, mount, &target);
    leave_target(&target);
    return result;
}

int set_attributes(struct jail *jail, int mount, const struct mount_attr *attr, u32 flags) {
    long error;

    if (!attr->attr_set && !attr->attr_clr && !attr->propagation)
        return 0;
    error = sys(mount_setattr, mount, "", AT_EMPTY_PATH | flags, attr, sizeof *attr);
    return error < 0 ? fail(jail, STEP_MOUNT_SETATTR, error) : 0;
}

/* A detached copy of the tree at `path` below `from`, with these attributes. */
static int clone_tree(struct jail *jail, int from, const char *path, u32 flags,
                      const struct mount_attr *attr) {
    long fd = sys(open_tree, from, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

    if (fd < 0)
        return fail(jail, STEP_OPEN_TREE, fd);
    if (set_attributes(jail, (int)fd, attr, flags & AT_RECURSIVE) == 0)
        return (int)fd;
    sys(close, fd);
    return -1;
}

/* A new file system, detached: the options are NAME or NAME=VALUE. */
int make_mount(struct jail *jail, const char *fstype, const struct blob *options, u64 attributes) {
    char name[256];
    long context = sys(fsopen, fstype, FSOPEN_CLOEXEC), error = 0;

    if (context < 0)
        return fail(jail, STEP_FSOPEN, context);
    for (const char *option = NULL; options && (option = list_next(options, option));) {
        size_t length = 0;
        while (option[length] && option[length] != '=')
            length++;
        if (length >= sizeof name)
            return fail(jail, STEP_FSCONFIG, -EINVAL);
        memcpy(name, option, length);
        name[length] = 0;
        error = option[length]
                    ? sys(fsconfig, context, FSCONFIG_SET_STRING, name, option + length + 1, 0)
                    : sys(fsconfig, context, FSCONFIG_SET_FLAG, name, NULL, 0);
        if (error < 0)
            break;
    }
    if (!error)
        error = sys(fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (error < 0) {
        sys(close, context);
        return fail(jail, STEP_FSCONFIG, error);
    }
    error = sys(fsmount, context, FSMOUNT_CLOEXEC, attributes);
    sys(close, context);
    return error < 0 ? fail(jail, STEP_FSMOUNT, error) : (int)error;
}

/* Over the root directory of the host's tree. Paths still begin below it, since "/" does not cross
 * a mount on the root itself: the sources stay as they are until pivot_root. */
int attach_over_root(struct jail *jail, int mount) {
    long error = sys(move_mount, mount, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);

    return error < 0 ? fail(jail, STEP_MOVE_MOUNT, error) : 0;
}

int op_propagation(struct jail *jail, const struct op_propagation *op) {
    struct mount_attr attr = {.propagation = op->mode};
    long error =
        op->mode ? sys(mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof attr) : -EINVAL;

    return error < 0 ? fail(jail, STEP_MOUNT_SETATTR, error) : 0;
}

int op_stage(struct jail *jail) {
    int mount = make_mount(jail, "tmpfs", NULL, STAGE_ATTRIBUTES);
    long error;

    if (mount < 0 || attach_over_root(jail, mount) < 0)
        return -1;
    jail->stage = mount;
    error = remember_own(jail, mount);
    if (error < 0)
        return fail(jail, STEP_FSTAT, error);
    jail->stage_device = jail->own[0];
    error = sys(mkdirat, mount, "directory", 0555);
    if (error < 0)
        return fail(jail, STEP_MKDIRAT, error);
    error = sys(mknodat, mount, "file", S_IFREG | 0444, 0);
    return error < 0 ? fail(jail, STEP_MKNODAT, error) : 0;
}

/* A detached mount of a file or directory of the stage, or of the root, which is one of those. */
static int clone_staged(struct jail *jail, int directory, const char *name, u64 attributes) {
    u64 inherited = directory == jail->stage ? STAGE_ATTRIBUTES : 0;
    struct mount_attr attr = {.attr_set = attributes, .attr_clr = ALL_ATTRIBUTES & ~attributes};

    if (attributes == inherited)
        attr = (struct mount_attr){0};
    return clone_tree(jail, directory, name, 0, &attr);
}

/* The mode of a tmpfs of which nothing else is asked, or -1. */
static int plain_mode(const struct blob *options) {
    const char *option = list_next(options, NULL);
    int mode = 0;

    if (!option || memcmp(option, "mode=", 5) != 0 || list_next(options, option))
        return -1;
    for (option += 5; *option >= '0' && *option <= '7' && mode <= 01777; option++)
        mode = mode * 8 + *option - '0';
    return *option || mode > 01777 ? -1 : mode;
}

/* A new directory of the stage, as a detached mount. */
static int make_scratch(struct jail *jail, int mode, u64 attributes) {
    struct text name = {0};
    long error;

    text_add_number(&name, jail->staged++);
    error = sys(mkdirat, jail->stage, name.data, mode);
    return error < 0 ? fail(jail, STEP_MKDIRAT, error)
                     : clone_staged(jail, jail->stage, name.data, attributes);
}

int op_root_tmpfs(struct jail *jail, const struct op_root_tmpfs *op) {
    int mode = jail->stage < 0 ? -1 : plain_mode(op->options);
    int mount = mode < 0 ? make_mount(jail, "tmpfs", op->options, STAGE_ATTRIBUTES)
                         : make_scratch(jail, mode, STAGE_ATTRIBUTES);

    if (mount < 0 || attach_over_root(jail, mount) < 0)
        return -1;
    jail->root = mount;
    remember_own(jail, mount);
    return 0;
}

int op_root_bind(struct jail *jail, const struct op_root_bind *op) {
    struct mount_attr attr = {.attr_set = op->set, .propagation = MS_PRIVATE};
    int mount = clone_tree(jail, AT_FDCWD, op->source, AT_RECURSIVE, &attr);

    if (mount < 0 || attach_over_root(jail, mount) < 0)
        return -1;
    jail->root = mount;
    return 0;
}

static int check_kind(struct jail *jail, int mount, u64 flags, int *is_directory) {
    struct stat stat;
    long error = sys(newfstatat, mount, "", &stat, AT_EMPTY_PATH);

    if (error < 0)
        return fail(jail, STEP_FSTAT, error);
    *is_directory = S_ISDIR(stat.st_mode);
    if (S_ISLNK(stat.st_mode))
        return fail(jail, STEP_OPEN_TREE, -ELOOP);
    if ((flags & BIND_DIRECTORY && !*is_directory) || (flags & BIND_FILE && *is_directory))
        return fail_because(jail, STEP_OPEN_TREE, REASON_WRONG_KIND);
    return 0;
}

/* nofollow: no symbolic link at the end, and none on the way either, where whoever owns a directory
 * of the root could have put one since it was listed. */
static int clone_source(struct jail *jail, const struct op_bind *op) {
    struct mount_attr attr = {.attr_set = op->set, .propagation = op->propagation};
    u32 flags = op->flags & BIND_RECURSIVE ? AT_RECURSIVE : 0;
    long source;
    int mount;

    if (!(op->flags & BIND_NOFOLLOW))
        return clone_tree(jail, AT_FDCWD, op->source, flags, &attr);
    source = open_below(AT_FDCWD, op->source, O_PATH, RESOLVE_NO_SYMLINKS);
    if (source < 0)
        return fail(jail, STEP_OPENAT2, source);
    mount = clone_tree(jail, (int)source, "", flags | AT_EMPTY_PATH, &attr);
    sys(close, source);
    return mount;
}

int op_bind(struct jail *jail, const struct op_bind *op) {
    int mount = clone_source(jail, op), is_directory = 0, result = -1;

    if (mount < 0)
        return op->flags & BIND_OPTIONAL && is_missing(-jail->failure.error) ? 0 : -1;
    if (check_kind(jail, mount, op->flags, &is_directory) == 0) {
        result = attach_at(jail, mount, op->target, is_directory);
        if (result < 0 && op->flags & BIND_OPTIONAL && is_mount_point_failure(jail))
            result = 0;
    }
    sys(close, mount);
    return result;
}

/* To make a tmpfs, and to take it away again, takes longer than all else about a mount. So those of
 * which no more than a mode is asked are directories of the stage, and where the mount point is a
 * new one there, it is that directory itself, bound over itself: one memory for all of them, and
 * each is a mount of its own still. */
static int attach_scratch(struct jail *jail, const struct op_mount *op, int mode) {
    struct target target;
    int mount, result = -1;

    if (find_target(jail, op->target, 1, (u64)mode, &target) < 0)
        return -1;
    if (check_target(jail, &target, 1) == 0) {
        mount = target.is_new && jail->directory.is_staged
                    ? clone_staged(jail, target.directory, target.name, op->set)
                    : make_scratch(jail, mode, op->set);
        if (mount >= 0)
            result = attach(jail, mount, &target);
        sys(close, mount);
    }
    leave_target(&target);
    return result;
}

static int attach_new(struct jail *jail, const struct op_mount *op) {
    int mount = make_mount(jail, op->fstype, op->options, op->set), result;

    if (mount < 0)
        return -1;
    result = attach_at(jail, mount, op->target, 1);
    if (result == 0 && strcmp(op->fstype, "tmpfs") == 0)
        remember_own(jail, mount);
    if (result == 0 && jail->proc < 0 && strcmp(op->fstype, "proc") == 0)
        jail->proc = mount;
    else
        sys(close, mount);
    return result;
}

int op_mount(struct jail *jail, const struct op_mount *op) {
    int is_tmpfs = strcmp(op->fstype, "tmpfs") == 0;
    int mode = is_tmpfs && jail->stage >= 0 ? plain_mode(op->options) : -1, result;

    /* it shows the network namespace of whoever makes it */
    if (strcmp(op->fstype, "sysfs") == 0 && join_network(jail) < 0)
        return -1;
    result = mode < 0 ? attach_new(jail, op) : attach_scratch(jail, op, mode);
    return result < 0 && op->flags & TARGET_OPTIONAL && is_mount_point_failure(jail) ? 0 : result;
}

/* Whether what was opened lies on a file system of this kind (statfs(2)). */
int is_of_type(int fd, long magic) {
    struct {
        long type, rest[32];
    } file_system;

    return sys(fstatfs, fd, &file_system) == 0 && file_system.type == magic;
}

/* Without a pid namespace of our own no procfs can be mounted, since the host's belongs to somebody
 * else. The host's will do where it is really that: what is below sys/user is the reader's own. */
static int open_host_proc(struct jail *jail) {
    long fd = sys(openat, AT_FDCWD, "/proc", O_FLAGS_PATH | O_NOFOLLOW);

    if (fd < 0)
        return fail(jail, STEP_OPEN, fd);
    if (!is_of_type((int)fd, PROC_SUPER_MAGIC)) {
        sys(close, fd);
        return fail_because(jail, STEP_FSTATFS, REASON_NOT_PROCFS);
    }
    return (int)fd;
}

/* Where a fresh one is refused because the one around us is partly covered, as in containers, that
 * one has to do; whether its sys/ can be written is found out by whoever opens it. */
int open_own_proc(struct jail *jail) {
    if (jail->proc >= 0)
        return 0;
    if (jail->namespaces & CLONE_NEWPID)
        jail->proc = make_mount(jail, "proc", NULL,
                                MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (!(jail->namespaces & CLONE_NEWPID) || (jail->proc < 0 && jail->failure.error == EPERM))
        jail->proc = open_host_proc(jail);
    return jail->proc < 0 ? -1 : 0;
}

static u32 device_number(u64 major, u64 minor) {
    return (u32)((minor & 0xff) | (major << 8) | ((minor & ~0xffull) << 12));
}

static int check_device(struct jail *jail, int mount, const struct op_device *op) {
    struct stat stat;

    if (sys(newfstatat, mount, "", &stat, AT_EMPTY_PATH) == 0 && S_ISCHR(stat.st_mode) &&
        (u32)stat.st_rdev == device_number(op->major, op->minor))
        return 0;
    return fail_because(jail, STEP_FSTAT, REASON_WRONG_DEVICE);
}

int op_device(struct jail *jail, const struct op_device *op) {
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                              .propagation = MS_PRIVATE};
    int mount = clone_tree(jail, AT_FDCWD, op->source, AT_SYMLINK_NOFOLLOW, &attr), result = -1;

    if (mount < 0)
        return -1;
    if (check_device(jail, mount, op) == 0)
        result = attach_at(jail, mount, op->target, 0);
    sys(close, mount);
    return result;
}

int op_directory(struct jail *jail, const struct op_directory *op) {
    struct target target;

    if (find_target(jail, op->target, 1, op->mode & 07777, &target) < 0)
        return -1;
    leave_target(&target);
    return 0;
}

static int is_link(int directory, const char *name, const char *text) {
    char there[4096];
    long length = sys(readlinkat, directory, name, there, sizeof there - 1);

    return length >= 0 && (size_t)length == strlen(text) &&
           memcmp(there, text, (size_t)length) == 0;
}

int op_symlink(struct jail *jail, const struct op_symlink *op) {
    char name[256];
    long error;

    if (enter_parent(jail, op->target, name) < 0)
        return -1;
    if (!jail->directory.is_own)
        return fail_because(jail, STEP_SYMLINKAT, REASON_MOUNT_POINT_MISSING);
    error = sys(symlinkat, op->text, jail->directory.fd, name);
    /* a kept layer has it from the last time, or the root that a layer lies over has it itself */
    if (error == -EEXIST && is_link(jail->directory.fd, name, op->text))
        return 0;
    return error < 0 ? fail(jail, STEP_SYMLINKAT, error) : 0;
}

static int stage_file(struct jail *jail, const char *name, const struct blob *content, u64 mode) {
    long fd = sys(openat, jail->stage, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 07777),
         error;

    if (fd < 0)
        return fail(jail, STEP_OPEN, fd);
    error = write_all((int)fd, content->data, content->length);
    sys(close, fd);
    return error < 0 ? fail(jail, STEP_WRITE, error) : 0;
}

static int attach_file(struct jail *jail, const struct op_file *op, const struct target *target) {
    struct text name = {0};
    int mount, result = -1;

    if (check_target(jail, target, 0) < 0)
        return -1;
    text_add_number(&name, jail->staged++);
    if (stage_file(jail, name.data, op->content, op->mode) < 0)
        return -1;
    mount = clone_staged(jail, jail->stage, name.data, op->set);
    if (mount >= 0)
        result = attach(jail, mount, target);
    sys(close, mount);
    return result;
}

int op_file(struct jail *jail, const struct op_file *op) {
    struct target target;
    int result;

    if (jail->stage < 0)
        return fail_because(jail, STEP_OPEN, REASON_OUT_OF_ORDER);
    if (find_mount_point(jail, op->target, 0, &target) < 0)
        return op->flags & TARGET_OPTIONAL && is_mount_point_failure(jail) ? 0 : -1;
    result = attach_file(jail, op, &target);
    leave_target(&target);
    return result;
}

/* Over what a path of the jail leads to. */
static int attach_over(struct jail *jail, int mount, long fd) {
    struct target target = {.directory = (int)fd};

    forget_directory(jail);
    return attach(jail, mount, &target);
}

static int hide(struct jail *jail, long target) {
    struct stat stat;
    int mount, result = -1;
    long error = sys(newfstatat, target, "", &stat, AT_EMPTY_PATH);

    if (error < 0)
        return fail(jail, STEP_FSTAT, error);
    mount = clone_staged(jail, jail->stage, S_ISDIR(stat.st_mode) ? "directory" : "file",
                         STAGE_ATTRIBUTES | MOUNT_ATTR_RDONLY);
    if (mount >= 0)
        result = attach_over(jail, mount, target);
    sys(close, mount);
    return result;
}

/* What init can't reach with all of its capabilities, nobody in the jail can: the ids in the way
 * are not mapped. */
static int is_closed(long target, u64 flags) {
    return target == -EACCES && flags & TARGET_OPTIONAL;
}

int op_hide(struct jail *jail, const struct op_hide *op) {
    long target = resolve(jail, op->target);
    int result;

    if (jail->stage < 0)
        return fail_because(jail, STEP_OPEN_TREE, REASON_OUT_OF_ORDER);
    if (is_missing(target) || is_closed(target, op->flags))
        return 0;
    if (target < 0)
        return fail(jail, STEP_OPENAT2, target);
    result = hide(jail, target);
    sys(close, target);
    return result;
}

/* A bind of the target over itself, with everything below it; closes the target. */
static int cover_itself(struct jail *jail, long target, u64 set) {
    struct mount_attr attr = {.attr_set = set};
    int mount, result = -1;

    if (target < 0)
        return fail(jail, STEP_OPENAT2, target);
    mount = clone_tree(jail, (int)target, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr);
    if (mount >= 0)
        result = attach_over(jail, mount, target);
    sys(close, mount);
    sys(close, target);
    return result;
}

int op_readonly(struct jail *jail, const struct op_readonly *op) {
    long target = resolve(jail, op->target);

    if ((op->flags & TARGET_OPTIONAL && is_missing(target)) || is_closed(target, op->flags))
        return 0;
    return cover_itself(jail, target, MOUNT_ATTR_RDONLY);
}

int op_pin(struct jail *jail, const struct op_pin *op) {
    long target =
        jail->root < 0 ? -EBADF : open_below(jail->root, op->target, O_PATH | O_NOFOLLOW, IN_ROOT);

    return is_missing(target) || target == -EACCES ? 0 : cover_itself(jail, target, 0);
}

int op_attributes(struct jail *jail, const struct op_attributes *op) {
    long target = resolve(jail, op->target);
    struct mount_attr attr = {.attr_set = op->set};
    int result;

    if (target < 0)
        return fail(jail, STEP_OPENAT2, target);
    result = set_attributes(jail, (int)target, &attr,
                            op->flags & ATTRIBUTES_RECURSIVE ? AT_RECURSIVE : 0);
    sys(close, target);
    return result;
}

/* What a path leads to, as a mount and an inode. */
static int identify(int directory, const char *path, struct statx *statx) {
    return sys(statx, directory, path, AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, statx) == 0 &&
           statx->stx_mask & STATX_MNT_ID;
}

/* 1: "/.." is the new root itself. It crosses whatever is mounted over the root, which "/" does
 * not. */
static int is_uncovered(const struct jail *jail) {
    struct statx root, above;

    return identify(jail->root, "", &root) && identify(AT_FDCWD, "/..", &above) &&
           root.stx_mnt_id == above.stx_mnt_id && root.stx_ino == above.stx_ino;
}

int op_pivot(struct jail *jail) {
    struct statx root, now;
    long error;

    if (jail->root < 0)
        return fail_because(jail, STEP_PIVOT_ROOT, REASON_OUT_OF_ORDER);
    error = sys(fchdir, jail->root);
    if (error < 0)
        return fail(jail, STEP_CHDIR, error);
    /* Deeper in the old tree the stage goes with it. Each unmounting waits for all processors
     * (namespace_unlock() in the kernel's fs/namespace.c). */
    if (jail->stage >= 0)
        sys(move_mount, jail->stage, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH);
    /* pivot_root(".", ".") stacks the old root on the new one (pivot_root(2), NOTES), and with it
     * what was stacked on the old one. Each of these has to go. */
    error = sys(pivot_root, ".", ".");
    if (error < 0)
        return fail(jail, STEP_PIVOT_ROOT, error);
    for (int covers = 0; covers < MAX_COVERS && !is_uncovered(jail); covers++) {
        error = sys(umount2, ".", 2 /* MNT_DETACH */);
        if (error < 0)
            return fail(jail, STEP_UMOUNT2, error);
    }
    error = sys(chdir, "/");
    if (error < 0)
        return fail(jail, STEP_CHDIR, error);
    if (!is_uncovered(jail) || !identify(jail->root, "", &root) || !identify(AT_FDCWD, "/", &now) ||
        root.stx_mnt_id != now.stx_mnt_id || root.stx_ino != now.stx_ino)
        return fail_because(jail, STEP_PIVOT_ROOT, REASON_OUTSIDE_ROOT);
    return 0;
}
