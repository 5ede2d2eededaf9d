/* SPDX-License-Identifier: MIT */
/* Root emulation: mknod(2) of a device makes an empty file, so that its owner, mode and times can
 * be set, as tar, dpkg and mknod(1) do next, and so that it is refused where any file would be.
 * Called by emulate.c, outside of the jail; so whatever path the jail names is looked up by its
 * text below the jail's own root, where openat2(2) keeps it, and never by a descriptor that it
 * holds. */
#include <asm-generic/errno.h>
#include <linux/fcntl.h>

#include "emulate.h"

enum { PATH_BYTES = 4096 };

/* /proc/PID/… of the process that asks. */
static void name_of(const struct question *question, struct text *path, const char *what) {
    *path = (struct text){0};
    text_add(path, "/proc/");
    text_add_number(path, question->call.pid);
    text_add(path, what);
}

/* Where its relative paths begin, as a path of its own. */
static long find_base(const struct question *question, int directory, char *to) {
    struct text path;
    long length;

    if (directory == AT_FDCWD) {
        name_of(question, &path, "/cwd");
    } else {
        name_of(question, &path, "/fd/");
        text_add_number(&path, directory);
    }
    length = sys(readlinkat, AT_FDCWD, path.data, to, PATH_BYTES - 1);
    if (length < 0)
        return -EBADF;
    to[length] = 0;
    return to[0] == '/' ? length : -ENOTDIR;
}

/* The jail's root, which none of its processes has left. */
static long open_root(const struct question *question) {
    struct text path;
    char link[2];
    long fd;

    name_of(question, &path, "/root");
    /* with a root of its own, chroot(2), its paths are not those of the links above */
    if (sys(readlinkat, AT_FDCWD, path.data, link, sizeof link) != 1)
        return -EPERM;
    fd = sys(openat, AT_FDCWD, path.data, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || is_waiting(question))
        return fd;
    sys(close, fd);
    return -ESRCH;
}

/* The whole path, and where its last name begins: in two parts. */
static long find_path(const struct question *question, int directory, u64 from, char *to,
                      char **name) {
    static const size_t most = PATH_BYTES;
    char text[PATH_BYTES];
    long got = read_memory(question, from, text, sizeof text), base = 0;
    size_t length = 0;

    if (got < 0)
        return got;
    while (length < (size_t)got && text[length])
        length++;
    if (length == 0 || length == (size_t)got)
        return length ? -ENAMETOOLONG : -ENOENT;
    if (text[0] != '/')
        base = find_base(question, directory, to);
    if (base < 0)
        return base;
    if ((size_t)base + length + 2 > most)
        return -ENAMETOOLONG;
    to[base] = '/';
    memcpy(to + base + 1, text, length + 1);
    *name = to + base + 1 + length;
    while ((*name)[-1] != '/')
        (*name)--;
    (*name)[-1] = 0;
    return **name ? 0 : -ENOENT;
}

long make_stand_in(const struct question *question) {
    int is_at = question->call.data.nr == __NR_mknodat;
    u32 mode = word(question, is_at ? 2 : 1);
    char path[PATH_BYTES], *name;
    long result = find_path(question, is_at ? (s32)word(question, 0) : AT_FDCWD,
                            question->call.data.args[is_at], path, &name);
    long root, parent;

    if (result < 0)
        return result;
    root = open_root(question);
    if (root < 0)
        return root;
    parent = open_below((int)root, path[0] ? path : "/", O_PATH | O_DIRECTORY, IN_ROOT);
    sys(close, root);
    if (parent < 0)
        return parent;
    result = sys(mknodat, parent, name, 0100000 /* S_IFREG */ | (mode & 0777), 0);
    sys(close, parent);
    return result;
}
