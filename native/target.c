/* SPDX-License-Identifier: MIT */
/* Where in the jail a mount or a link goes. Paths are resolved below the new root; what is missing
 * is made, in the jail's own file systems only. Called by mount.c and terminal.c. */
#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "jail.h"

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

static u64 device_of(int fd) {
    struct stat stat;

    return sys(newfstatat, fd, "", &stat, AT_EMPTY_PATH) ? 0 : stat.st_dev;
}

long remember_own(struct jail *jail, int fd) {
    struct stat stat;
    long error = sys(newfstatat, fd, "", &stat, AT_EMPTY_PATH);

    if (error < 0)
        return error;
    if (!jail->own)
        jail->own = allocate((jail->plan.count + 1) * sizeof *jail->own);
    jail->own[jail->own_count++] = stat.st_dev;
    return 0;
}

/* Whether a name made in a directory there appears only in the jail. Mount points are never made on
 * the host. */
static int is_own(const struct jail *jail, u64 device) {
    for (u32 i = 0; device && i < jail->own_count; i++)
        if (jail->own[i] == device)
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

/* Where the last name of a path begins. */
static size_t last_name(const char *path, size_t length) {
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 1 && path[length - 1] != '/')
        length--;
    return length;
}

/* The longest part of `path` that exists, opened; *at is where the rest begins. */
static long resolve_existing(const struct jail *jail, const char *path, size_t *at) {
    char part[4096];
    long fd = -ENOENT;

    *at = strlen(path);
    memcpy(part, path, *at + 1);
    while (*at > 1 && fd == -ENOENT) {
        *at = last_name(path, *at);
        part[*at] = 0;
        fd = resolve(jail, part);
    }
    return fd;
}

/* A mark on a mount point that a kept layer is left with, as host.c has it: nobody's change. */
static void set_mark(int parent, const char *name) {
    long fd = sys(openat, parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    sys(fsetxattr, fd, "user.tsjail.mount_point", "1", 1, 0);
    sys(close, fd);
}

static long make_name(const struct jail *jail, int parent, const char *name, int is_directory,
                      u64 mode) {
    long error = is_directory ? sys(mkdirat, parent, name, mode)
                              : sys(mknodat, parent, name, S_IFREG | mode, 0);

    if (error == 0 && jail->layer >= 0)
        set_mark(parent, name);
    return error;
}

static int fail_to_make(struct jail *jail, int is_directory, long error) {
    /* EEXIST: a symbolic link that leads nowhere; for the path as a whole that is ENOENT */
    return fail(jail, is_directory ? STEP_MKDIRAT : STEP_MKNODAT,
                error == -EEXIST ? -ENOENT : error);
}

/* Opens the directory at `path`, made where it is missing, and those on the way to it. */
static int make_directories(struct jail *jail, const char *path) {
    char name[256];
    size_t at;
    long fd = resolve_existing(jail, path, &at), error;

    while (fd >= 0 && next_name(path, &at, name)) {
        int parent = (int)fd;

        if (!is_own(jail, device_of(parent))) {
            sys(close, parent);
            return fail_because(jail, STEP_MKDIRAT, REASON_MOUNT_POINT_MISSING);
        }
        error = make_name(jail, parent, name, 1, 0755);
        fd = error < 0 ? error
                       : open_below(parent, name, O_PATH, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        sys(close, parent);
        if (error < 0)
            return fail_to_make(jail, 1, error);
    }
    return fd < 0 ? fail(jail, STEP_OPENAT2, fd) : (int)fd;
}

void forget_directory(struct jail *jail) {
    if (jail->directory.fd >= 0)
        sys(close, jail->directory.fd);
    jail->directory = (struct directory){.fd = -1};
}

/* Opens the directory of a target, or finds it open: targets of one directory come in a row, and a
 * mount on one of its names does not change where its own path leads. Whoever mounts by another way
 * forgets it. */
static int enter_directory(struct jail *jail, const char *path, size_t length) {
    struct directory *directory = &jail->directory;
    char part[4096];
    u64 device;
    long fd;

    if (directory->fd >= 0 && directory->length == length &&
        memcmp(directory->path, path, length) == 0)
        return 0;
    forget_directory(jail);
    memcpy(part, path, length);
    part[length] = 0;
    fd = open_below(jail->root, part, O_PATH | O_DIRECTORY, IN_ROOT);
    if (fd == -ENOENT)
        fd = make_directories(jail, part);
    else if (fd < 0)
        fail(jail, STEP_OPENAT2, fd);
    if (fd < 0)
        return -1;
    device = device_of((int)fd);
    *directory = (struct directory){path, length, (int)fd, .is_own = is_own(jail, device)};
    directory->is_staged = device && device == jail->stage_device;
    return 0;
}

int enter_parent(struct jail *jail, const char *path, char name[256]) {
    size_t at = last_name(path, strlen(path));

    if (jail->root < 0)
        return fail_because(jail, STEP_OPENAT2, REASON_OUT_OF_ORDER);
    if (enter_directory(jail, path, at) < 0)
        return -1;
    if (!next_name(path, &at, name) && path[at])
        return fail(jail, STEP_OPENAT2, -ENAMETOOLONG);
    return 0;
}

int find_target(struct jail *jail, const char *path, int is_directory, u64 mode,
                struct target *target) {
    long fd;

    *target = (struct target){0};
    if (enter_parent(jail, path, target->name) < 0)
        return -1;
    /* Most often it is missing. What exists is EEXIST before it is anything else. */
    if (target->name[0] && jail->directory.is_own) {
        fd = make_name(jail, jail->directory.fd, target->name, is_directory, mode);
        if (fd < 0 && fd != -EEXIST)
            return fail_to_make(jail, is_directory, fd);
        target->directory = jail->directory.fd;
        target->is_new = fd == 0;
        if (target->is_new)
            return 0;
    }
    fd = resolve(jail, path);
    if (fd == -ENOENT)
        return jail->directory.is_own
                   ? fail_to_make(jail, is_directory, fd)
                   : fail_because(jail, STEP_MKDIRAT, REASON_MOUNT_POINT_MISSING);
    if (fd < 0)
        return fail(jail, STEP_OPENAT2, fd);
    *target = (struct target){.directory = (int)fd};
    return 0;
}

void leave_target(const struct target *target) {
    if (!target->is_new)
        sys(close, target->directory);
}

int find_mount_point(struct jail *jail, const char *path, int is_directory, struct target *target) {
    return find_target(jail, path, is_directory, is_directory ? 0755 : 0644, target);
}
