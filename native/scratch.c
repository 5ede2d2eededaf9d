/* SPDX-License-Identifier: MIT */
/* The layers that are thrown away, where they lie on disk: a directory for this jail alone, made
 * before there is one, locked by monitor and init for as long as it lives, and removed by the
 * monitor at its end (remove.c). What a monitor has left behind that was killed nobody has locked:
 * the next start that makes such a directory removes it. overlay.c and server.c put layers in it.
 */
#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "monitor.h"

enum { LOCK_EXCLUSIVE = 2, LOCK_NO_WAIT = 4, TRIES = 100, RANDOM_DIGITS = 16 };
enum { O_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

/* Where it lies, for the end: by then the plan has been given back. */
static int parent;

static int make_parents(struct jail *jail, const char *path) {
    char part[4096] = "/";

    for (size_t i = 1;; i++) {
        long error;

        if (path[i] && path[i] != '/') {
            part[i] = path[i];
            continue;
        }
        part[i] = 0;
        error = sys(mkdirat, AT_FDCWD, part, 0700);
        if (error < 0 && error != -EEXIST)
            return fail(jail, STEP_MKDIRAT, error);
        if (!path[i])
            return 0;
        part[i] = '/';
    }
}

static int open_parent(struct jail *jail, const char *path) {
    struct stat stat;
    long fd = sys(openat, AT_FDCWD, path, O_FLAGS), error;

    if (fd == -ENOENT) {
        if (make_parents(jail, path) < 0)
            return -1;
        fd = sys(openat, AT_FDCWD, path, O_FLAGS);
    }
    if (fd < 0)
        return fail(jail, STEP_OPEN, fd);
    parent = (int)fd;
    error = sys(newfstatat, fd, "", &stat, AT_EMPTY_PATH);
    /* whoever else can write there could put another directory in the place of ours */
    if (!error && (stat.st_uid != (u64)sys(geteuid) || stat.st_mode & 022))
        error = -EPERM;
    return error < 0 ? fail(jail, STEP_FSTAT, error) : 0;
}

/* PID-RANDOM: what has another form is not ours to remove. */
static int is_ours(const char *name) {
    const char *at = name;
    int digits = 0;

    while (*at >= '0' && *at <= '9')
        at++;
    if (at == name || *at++ != '-')
        return 0;
    while ((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'f'))
        at++, digits++;
    return !*at && digits == RANDOM_DIGITS;
}

/* The lock is held meanwhile, so that two of us don't take one directory apart. */
static void sweep(void) {
    struct names names = {.directory = parent};

    for (const char *name; (name = next_entry(&names));) {
        long fd = is_ours(name) ? sys(openat, parent, name, O_FLAGS | O_NOFOLLOW) : -ENOENT;

        if (fd < 0)
            continue;
        if (sys(flock, fd, LOCK_EXCLUSIVE | LOCK_NO_WAIT) == 0) {
            remove_all((int)fd);
            sys(unlinkat, parent, name, AT_REMOVEDIR);
        }
        sys(close, fd);
    }
}

/* 1, or 0 where another start has taken it for one that was left behind, before it was locked; or
 * -1 with jail->failure set. */
static int try_to_make(struct jail *jail) {
    struct text name = {0};
    u64 random = 0;
    long fd, error;

    sys(getrandom, &random, sizeof random, 1 /* GRND_NONBLOCK */);
    text_add_number(&name, sys(getpid));
    text_add(&name, "-");
    text_add_hexadecimal(&name, random, RANDOM_DIGITS);
    error = sys(mkdirat, parent, name.data, 0700);
    if (error < 0)
        return error == -EEXIST ? 0 : fail(jail, STEP_MKDIRAT, error);
    fd = sys(openat, parent, name.data, O_FLAGS | O_NOFOLLOW);
    if (fd == -ENOENT)
        return 0;
    if (fd < 0) {
        sys(unlinkat, parent, name.data, AT_REMOVEDIR);
        return fail(jail, STEP_OPEN, fd);
    }
    error = sys(flock, fd, LOCK_EXCLUSIVE | LOCK_NO_WAIT);
    if (error == 0 && lies_at((int)fd, parent, name.data) == 1) {
        memcpy(jail->scratch_name, name.data, name.length + 1);
        jail->scratch_lock = (int)fd;
        return 1;
    }
    sys(close, fd);
    if (error == 0 || error == -EAGAIN)
        return 0;
    sys(unlinkat, parent, name.data, AT_REMOVEDIR);
    return fail(jail, STEP_FLOCK, error);
}

int scratch_make(struct jail *jail, const struct op_scratch_directory *op) {
    long mask = sys(umask, 0);
    int result = open_parent(jail, op->parent);

    if (result == 0) {
        sweep();
        for (int tries = 0; tries < TRIES && result == 0; tries++)
            result = try_to_make(jail);
        if (result == 0)
            result = fail(jail, STEP_MKDIRAT, -EEXIST);
    }
    sys(umask, mask);
    return result < 0 ? -1 : 0;
}

/* What can't be removed is left to the next start: it is no failure of the jail's. */
void scratch_end(const struct jail *jail) {
    if (jail->scratch_lock < 0)
        return;
    remove_all(jail->scratch_lock);
    sys(unlinkat, parent, jail->scratch_name, AT_REMOVEDIR);
}
