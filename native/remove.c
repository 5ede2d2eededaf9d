/* SPDX-License-Identifier: MIT */
/* Everything in a directory is removed, as the plain user whose files they are: with any modes, at
 * any depth, and with no more than four descriptors. Nothing of it is of use to anybody, so nothing
 * has to stay where it is: a directory with something in it is moved up, to be the next one whose
 * entries are removed. No name is looked up in more than one step, and no link is followed. Asked
 * by scratch.c, once no process of a jail can change the tree any more. */
#include <asm-generic/errno.h>
#include <linux/fcntl.h>

#include "monitor.h"

/* struct linux_dirent64 of getdents(2). */
struct entry {
    u64 inode;
    s64 next;
    u16 length;
    u8 type;
    char name[];
};

const char *next_entry(struct names *names) {
    while (1) {
        const struct entry *entry = (const void *)(names->data + names->at);

        if (names->at < names->length) {
            names->at += entry->length;
            if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0)
                return entry->name;
            continue;
        }
        names->at = 0;
        names->length = sys(getdents64, names->directory, names->data, sizeof names->data);
        if (names->length <= 0)
            return NULL;
    }
}

static int is_full(long error) {
    return error == -ENOTEMPTY || error == -EEXIST;
}

static long remove_entry(int directory, const char *name) {
    long error = sys(unlinkat, directory, name, 0);

    return error == -EISDIR ? sys(unlinkat, directory, name, AT_REMOVEDIR) : error;
}

/* It can be read, written and moved from now on. By way of a descriptor: fchmodat(2) would follow a
 * link. */
static void open_up(int directory, const char *name) {
    struct text path = {0};
    long fd = sys(openat, directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return;
    text_add(&path, "/proc/self/fd/");
    text_add_number(&path, fd);
    sys(fchmodat, AT_FDCWD, path.data, 0700);
    sys(close, fd);
}

/* To a name that is free, or an empty directory's, which it replaces. */
static long move_up(int top, int directory, const char *name) {
    static s64 number;
    long error;

    open_up(directory, name);
    do {
        struct text free = {0};

        text_add_number(&free, number++);
        error = sys(renameat, directory, name, top, free.data);
    } while (is_full(error) || error == -ENOTDIR);
    return error;
}

/* Whether that has brought us any further. */
static int empty(int top, const char *name) {
    struct names names = {0};
    int is_further = 0;
    long fd;

    open_up(top, name);
    fd = sys(openat, top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return 0;
    names.directory = (int)fd;
    for (const char *each; (each = next_entry(&names));) {
        long error = remove_entry((int)fd, each);

        if (is_full(error))
            error = move_up(top, (int)fd, each);
        is_further |= !error;
    }
    sys(close, fd);
    return !sys(unlinkat, top, name, AT_REMOVEDIR) || is_further;
}

void remove_all(int directory) {
    int is_further;

    do {
        struct names names = {.directory = directory};

        is_further = 0;
        sys(lseek, directory, 0, 0 /* SEEK_SET */);
        for (const char *name; (name = next_entry(&names));) {
            long error = remove_entry(directory, name);

            if (is_full(error) ? empty(directory, name) : !error)
                is_further = 1;
        }
    } while (is_further);
}
