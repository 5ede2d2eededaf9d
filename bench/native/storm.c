/* SPDX-License-Identifier: MIT */
/* What a package manager does to a file system: `storm DIRECTORY PACKAGES` writes that many packages
 * there, each of some twenty small files in directories five deep, every file under a name of its own
 * first and then renamed, as careful programs do; looks at each one, reads it, and removes it all.
 * Static, so that it runs in any root. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 5, DEPTH = 4 };

static char content[8192];

static void give_up(const char *what, const char *path) {
    fprintf(stderr, "storm: %s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

__attribute__((format(printf, 2, 3))) static char *format(char path[256], const char *text, ...) {
    va_list list;

    va_start(list, text);
    vsnprintf(path, 256, text, list);
    va_end(list);
    return path;
}

static void write_file(const char *path, size_t size) {
    char draft[272];
    int fd;

    snprintf(draft, sizeof draft, "%s.draft", path);
    fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, content, size) != (ssize_t)size || close(fd) < 0)
        give_up("write", draft);
    if (rename(draft, path) < 0)
        give_up("rename", path);
}

static void read_file(const char *path) {
    static char text[sizeof content];
    struct stat found;
    int fd;

    if (stat(path, &found) < 0)
        give_up("stat", path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text) != found.st_size)
        give_up("read", path);
    close(fd);
}

/* A directory with its files and the one below it; then that one's, the other way round to remove. */
static void visit(const char *place, void (*each)(const char *path, size_t size), int is_removal) {
    char path[256], inner[256];

    for (int depth = 0; depth < DEPTH; depth++) {
        int length = snprintf(path, sizeof path, "%s", place);
        int level = is_removal ? DEPTH - 1 - depth : depth;
        for (int i = 0; i < level; i++)
            length += snprintf(path + length, sizeof path - (size_t)length, "/lib-%d", i);
        if (!is_removal && each == write_file && mkdir(path, 0755) < 0)
            give_up("mkdir", path);
        for (int i = 0; i < FILES; i++)
            each(format(inner, "%.200s/module-%d.js", path, i),
                 (size_t)(200 + 1500 * i + 37 * depth));
        if (is_removal && rmdir(path) < 0)
            give_up("rmdir", path);
    }
}

static void look(const char *path, size_t size) {
    (void)size;
    read_file(path);
}

static void drop(const char *path, size_t size) {
    (void)size;
    if (unlink(path) < 0)
        give_up("unlink", path);
}

int main(int argc, char **argv) {
    long count = argc == 3 ? atol(argv[2]) : 0;
    char modules[256], place[256];

    if (count < 1) {
        fputs("usage: storm DIRECTORY PACKAGES\n", stderr);
        return 2;
    }
    memset(content, 'x', sizeof content);
    if (mkdir(format(modules, "%.150s/node_modules", argv[1]), 0755) < 0)
        give_up("mkdir", modules);
    for (long i = 0; i < count; i++)
        visit(format(place, "%.170s/package-%ld", modules, i), write_file, 0);
    for (long i = 0; i < count; i++)
        visit(format(place, "%.170s/package-%ld", modules, i), look, 0);
    for (long i = 0; i < count; i++)
        visit(format(place, "%.170s/package-%ld", modules, i), drop, 1);
    if (rmdir(modules) < 0)
        give_up("rmdir", modules);
    return 0;
}
