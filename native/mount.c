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
    MOVE_BY_DESCRIPTOR = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
};

long open_below(int root, const char *path, u64 flags, u64 resolve_flags) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve_flags};
    long fd;

    /* EAGAIN: something was renamed meanwhile and the kernel could not be sure (openat2(2)) */
    do
        fd = sys(openat2, root, path, &how, sizeof how);
    while (fd == -EAGAIN || fd == -EINTR);
    return fd;
}

long resolve(const struct jail *jail, const char *path) {
    if (jail->root < 0)
        return -ENOTDIR;
    return open_below(jail->root, path, O_PATH, IN_ROOT);
}

static int is_missing(long error) {
    return error == -ENOENT || error == -ENOTDIR;
}

static void remember_own(struct jail *jail, int fd) {
    struct stat stat;

    if (!jail->own)
        jail->own = allocate((jail->plan.count + 1) * sizeof *jail->own);
    if (!sys(newfstatat, fd, "", &stat, AT_EMPTY_PATH))
        jail->own[jail->own_count++] = stat.st_dev;
}

/* Whether a name made in this directory appears only in the jail. Mount points are never made on
 * the host. */
static int is_own(const struct jail *jail, int directory) {
    struct stat stat;

    if (sys(newfstatat, directory, "", &stat, AT_EMPTY_PATH))
        return 0;
    for (u32 i = 0; i < jail->own_count; i++)
        if (jail->own[i] == stat.st_dev)
            return 1;
    return 0;
}

/* The name at `path + *at`, copied to `name`; *at moves past it and its slashes. 0 at the end. */
static int next_name(const char *path, size_t *at, char name[256]) {
    size_t length = 0;

    while (path[*at] == '/')
        ++*at;
    while (path[*at] && path[*at] != '/') {
        if (length == 255)
            return 0;
        name[length++] = path[(*at)++];
    }
    name[length] = 0;
    return length > 0;
}

/* The longest part of `path` that exists, opened; *at is where the rest begins. */
static long resolve_existing(const struct jail *jail, const char *path, size_t *at) {
    char part[4096];
    long fd = -ENOENT;

    *at = strlen(path);
    memcpy(part, path, *at + 1);
    while (*at > 1 && fd == -ENOENT) {
        while (*at > 1 && part[*at - 1] == '/')
            --*at;
        while (*at > 1 && part[*at - 1] != '/')
            --*at;
        part[*at] = 0;
        fd = resolve(jail, part);
    }
    return fd;
}

/* Makes one name in one of the jail's own directories and opens it; closes the directory. */
static int make_own(struct jail *jail, int parent, const char *name, int is_directory, u64 mode) {
    long error, fd = -1;

    if (!is_own(jail, parent)) {
        sys(close, parent);
        return fail_because(jail, STEP_MKDIRAT, REASON_MOUNT_POINT_MISSING);
    }
    error = is_directory ? sys(mkdirat, parent, name, mode)
                         : sys(mknodat, parent, name, S_IFREG | mode, 0);
    if (!error)
        fd = open_below(parent, name, O_PATH, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    sys(close, parent);
    /* EEXIST: a symbolic link that leads nowhere; for the path as a whole that is ENOENT */
    if (error < 0)
        return fail(jail, is_directory ? STEP_MKDIRAT : STEP_MKNODAT,
                    error == -EEXIST ? -ENOENT : error);
    return fd < 0 ? fail(jail, STEP_OPENAT2, fd) : (int)fd;
}

/* Opens `path`, made where it is missing: directories on the way, and at the end what is asked for.
 */
static int make_path(struct jail *jail, const char *path, int is_directory, u64 mode) {
    char name[256];
    size_t at;
    long fd = resolve(jail, path);

    if (jail->root < 0)
        return fail_because(jail, STEP_OPENAT2, REASON_OUT_OF_ORDER);
    if (fd == -ENOENT) {
        fd = resolve_existing(jail, path, &at);
        while (fd >= 0 && next_name(path, &at, name)) {
            size_t rest = at;
            char after[256];
            int is_last = !next_name(path, &rest, after) && !after[0];

            fd = make_own(jail, (int)fd, name, !is_last || is_directory, is_last ? mode : 0755);
            if (fd < 0)
                return -1;
        }
    }
    return fd < 0 ? fail(jail, STEP_OPENAT2, fd) : (int)fd;
}

int make_target(struct jail *jail, const char *path, int is_directory) {
    return make_path(jail, path, is_directory, is_directory ? 0755 : 0644);
}

static int is_mount_point_failure(const struct jail *jail) {
    const struct failure *failure = &jail->failure;

    return failure->reason == REASON_MOUNT_POINT_MISSING || is_missing(-failure->error);
}

int attach(struct jail *jail, int mount, int target) {
    long error = sys(move_mount, mount, "", target, "", MOVE_BY_DESCRIPTOR);

    return error < 0 ? fail(jail, STEP_MOVE_MOUNT, error) : 0;
}

/* Moves the mount to its target, which is made where it may be; closes neither. */
static int attach_at(struct jail *jail, int mount, const char *path, int is_directory) {
    int target = make_target(jail, path, is_directory);
    struct stat stat;
    int result;

    if (target < 0)
        return -1;
    if (!sys(newfstatat, target, "", &stat, AT_EMPTY_PATH) &&
        S_ISDIR(stat.st_mode) != !!is_directory)
        result = fail_because(jail, STEP_MOVE_MOUNT, REASON_WRONG_KIND);
    else
        result = attach(jail, mount, target);
    sys(close, target);
    return result;
}

static int set_attributes(struct jail *jail, int mount, u64 set, u64 propagation, int recursive) {
    struct mount_attr attr = {.attr_set = set, .propagation = propagation};
    long error;

    if (!set && !propagation)
        return 0;
    error = sys(mount_setattr, mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr,
                sizeof attr);
    return error < 0 ? fail(jail, STEP_MOUNT_SETATTR, error) : 0;
}

/* A detached copy of the tree at `path` below `from`. */
static int clone_tree(struct jail *jail, int from, const char *path, u32 flags) {
    long fd = sys(open_tree, from, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

    return fd < 0 ? fail(jail, STEP_OPEN_TREE, fd) : (int)fd;
}

/* A new file system, detached: the options are NAME or NAME=VALUE. */
static int make_mount(struct jail *jail, const char *fstype, const struct blob *options,
                      u64 attributes) {
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
static int attach_over_root(struct jail *jail, int mount) {
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
    int mount = make_mount(jail, "tmpfs", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    long error;

    if (mount < 0 || attach_over_root(jail, mount) < 0)
        return -1;
    jail->stage = mount;
    error = sys(mkdirat, mount, "directory", 0555);
    if (error < 0)
        return fail(jail, STEP_MKDIRAT, error);
    error = sys(mknodat, mount, "file", S_IFREG | 0444, 0);
    return error < 0 ? fail(jail, STEP_MKNODAT, error) : 0;
}

int op_root_tmpfs(struct jail *jail, const struct op_root_tmpfs *op) {
    int mount = make_mount(jail, "tmpfs", op->options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);

    if (mount < 0 || attach_over_root(jail, mount) < 0)
        return -1;
    jail->root = mount;
    remember_own(jail, mount);
    return 0;
}

int op_root_bind(struct jail *jail, const struct op_root_bind *op) {
    int mount = clone_tree(jail, AT_FDCWD, op->source, AT_RECURSIVE);

    if (mount < 0 || set_attributes(jail, mount, op->set, MS_PRIVATE, 1) < 0 ||
        attach_over_root(jail, mount) < 0)
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
static int clone_source(struct jail *jail, const char *path, int recursive, int nofollow) {
    u32 flags = recursive ? AT_RECURSIVE : 0;
    long source;
    int mount;

    if (!nofollow)
        return clone_tree(jail, AT_FDCWD, path, flags);
    source = open_below(AT_FDCWD, path, O_PATH, RESOLVE_NO_SYMLINKS);
    if (source < 0)
        return fail(jail, STEP_OPENAT2, source);
    mount = clone_tree(jail, (int)source, "", flags | AT_EMPTY_PATH);
    sys(close, source);
    return mount;
}

int op_bind(struct jail *jail, const struct op_bind *op) {
    int recursive = !!(op->flags & BIND_RECURSIVE), is_directory = 0;
    int mount = clone_source(jail, op->source, recursive, !!(op->flags & BIND_NOFOLLOW));
    int result = -1;

    if (mount < 0)
        return op->flags & BIND_OPTIONAL && is_missing(-jail->failure.error) ? 0 : -1;
    if (check_kind(jail, mount, op->flags, &is_directory) == 0 &&
        set_attributes(jail, mount, op->set, op->propagation, recursive) == 0) {
        result = attach_at(jail, mount, op->target, is_directory);
        if (result < 0 && op->flags & BIND_OPTIONAL && is_mount_point_failure(jail))
            result = 0;
    }
    sys(close, mount);
    return result;
}

int op_mount(struct jail *jail, const struct op_mount *op) {
    int mount = make_mount(jail, op->fstype, op->options, op->set);
    int result;

    if (mount < 0)
        return -1;
    result = attach_at(jail, mount, op->target, 1);
    if (result < 0 && op->flags & TARGET_OPTIONAL && is_mount_point_failure(jail))
        result = 0;
    else if (result == 0 && strcmp(op->fstype, "tmpfs") == 0)
        remember_own(jail, mount);
    if (result == 0 && jail->proc < 0 && strcmp(op->fstype, "proc") == 0)
        jail->proc = mount;
    else
        sys(close, mount);
    return result;
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

int op_device(struct jail *jail, const struct op_device *op) {
    long fd = sys(openat, AT_FDCWD, op->source, O_FLAGS_PATH | O_NOFOLLOW), error;
    struct stat stat;
    int mount, result = -1;

    if (fd < 0)
        return fail(jail, STEP_OPEN, fd);
    error = sys(newfstatat, fd, "", &stat, AT_EMPTY_PATH);
    if (error < 0 || !S_ISCHR(stat.st_mode) ||
        (u32)stat.st_rdev != device_number(op->major, op->minor)) {
        sys(close, fd);
        return fail_because(jail, STEP_FSTAT, REASON_WRONG_DEVICE);
    }
    mount = clone_tree(jail, (int)fd, "", AT_EMPTY_PATH);
    sys(close, fd);
    if (mount < 0)
        return -1;
    if (set_attributes(jail, mount, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, MS_PRIVATE, 0) == 0)
        result = attach_at(jail, mount, op->target, 0);
    sys(close, mount);
    return result;
}

int op_directory(struct jail *jail, const struct op_directory *op) {
    int fd = make_path(jail, op->target, 1, op->mode & 07777);

    if (fd < 0)
        return -1;
    sys(close, fd);
    return 0;
}

int op_symlink(struct jail *jail, const struct op_symlink *op) {
    char parent[4096];
    size_t end = strlen(op->target), start = end;
    int directory;
    long error;

    while (start > 1 && op->target[start - 1] != '/')
        start--;
    memcpy(parent, op->target, start);
    parent[start] = 0;
    directory = make_path(jail, parent, 1, 0755);
    if (directory < 0)
        return -1;
    if (is_own(jail, directory))
        error = sys(symlinkat, op->text, directory, op->target + start);
    else
        error = 1;
    sys(close, directory);
    if (error > 0)
        return fail_because(jail, STEP_SYMLINKAT, REASON_MOUNT_POINT_MISSING);
    return error < 0 ? fail(jail, STEP_SYMLINKAT, error) : 0;
}

/* A copy of a file or directory of the stage, read-only and more, over the target. */
static int attach_staged(struct jail *jail, const char *name, u64 set, int target) {
    int mount = clone_tree(jail, jail->stage, name, 0);
    int result = -1;

    if (mount < 0)
        return -1;
    if (set_attributes(jail, mount, set, MS_PRIVATE, 0) == 0)
        result = attach(jail, mount, target);
    sys(close, mount);
    return result;
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

int op_file(struct jail *jail, const struct op_file *op) {
    struct text name = {0};
    struct stat stat;
    int target, result;

    if (jail->stage < 0)
        return fail_because(jail, STEP_OPEN, REASON_OUT_OF_ORDER);
    target = make_target(jail, op->target, 0);
    if (target < 0)
        return op->flags & TARGET_OPTIONAL && is_mount_point_failure(jail) ? 0 : -1;
    text_add_number(&name, jail->staged++);
    if (!sys(newfstatat, target, "", &stat, AT_EMPTY_PATH) && S_ISDIR(stat.st_mode))
        result = fail_because(jail, STEP_MOVE_MOUNT, REASON_WRONG_KIND);
    else if ((result = stage_file(jail, name.data, op->content, op->mode)) == 0)
        result = attach_staged(jail, name.data, op->set, target);
    sys(close, target);
    return result;
}

int op_hide(struct jail *jail, const struct op_hide *op) {
    long target = resolve(jail, op->target), error;
    struct stat stat;
    int result;

    if (jail->stage < 0)
        return fail_because(jail, STEP_OPEN_TREE, REASON_OUT_OF_ORDER);
    if (is_missing(target))
        return 0;
    if (target < 0)
        return fail(jail, STEP_OPENAT2, target);
    error = sys(newfstatat, target, "", &stat, AT_EMPTY_PATH);
    if (error < 0)
        result = fail(jail, STEP_FSTAT, error);
    else
        result = attach_staged(jail, S_ISDIR(stat.st_mode) ? "directory" : "file",
                               MOUNT_ATTR_RDONLY, (int)target);
    sys(close, target);
    return result;
}

int op_readonly(struct jail *jail, const struct op_readonly *op) {
    long target = resolve(jail, op->target);
    int mount, result = -1;

    if (op->flags & TARGET_OPTIONAL && is_missing(target))
        return 0;
    if (target < 0)
        return fail(jail, STEP_OPENAT2, target);
    mount = clone_tree(jail, (int)target, "", AT_EMPTY_PATH | AT_RECURSIVE);
    if (mount >= 0) {
        if (set_attributes(jail, mount, MOUNT_ATTR_RDONLY, 0, 1) == 0)
            result = attach(jail, mount, (int)target);
        sys(close, mount);
    }
    sys(close, target);
    return result;
}

int op_attributes(struct jail *jail, const struct op_attributes *op) {
    long target = resolve(jail, op->target);
    int result;

    if (target < 0)
        return fail(jail, STEP_OPENAT2, target);
    result = set_attributes(jail, (int)target, op->set, 0, !!(op->flags & ATTRIBUTES_RECURSIVE));
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
    /* pivot_root(".", ".") stacks the old root on the new one (pivot_root(2), NOTES), and with it
     * what was stacked on the old one, the stage. Each of these has to go. */
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
