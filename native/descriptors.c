/* SPDX-License-Identifier: MIT */
/* Which descriptors a process of ours has open: those that it needs, whatever the caller left open.
 * A pipe's end that nobody here uses would keep its other end waiting for the whole life of the
 * jail. */
#include <asm/stat.h>
#include <linux/fcntl.h>

#include "jail.h"

void close_others(const int *keep, u32 count) {
    int sorted[MAX_PASSED_FDS + MAX_HELD + 8];
    u32 length = 0;
    int next = 3;

    for (u32 i = 0; i < count && length < array_length(sorted); i++) {
        u32 at = length;
        if (keep[i] < 3)
            continue;
        for (; at > 0 && sorted[at - 1] > keep[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = keep[i];
        length++;
    }
    for (u32 i = 0; i < length; i++) {
        if (sorted[i] > next)
            sys(close_range, next, sorted[i] - 1, 0);
        next = sorted[i] + 1;
    }
    sys(close_range, next, ~0u, 0);
}

int lies_at(int fd, int directory, const char *path) {
    struct stat held, there;
    long error = sys(newfstatat, fd, "", &held, AT_EMPTY_PATH);

    if (error < 0)
        return (int)error;
    return sys(newfstatat, directory, path, &there, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0 &&
           held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}
