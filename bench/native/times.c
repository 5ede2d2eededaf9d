/* SPDX-License-Identifier: MIT */
/* How long each side takes from its start to its end. argv: ROUNDS WARMUPS; in: the sides
 * (sides.h). In each round every side runs at most once, in an order that is drawn anew, so that
 * each follows each other one as often: a kernel still busy with the remains of one start is a
 * burden for all alike. Out: lines "SIDE NANOSECONDS STATUS KILOBYTES", the last being the resident
 * memory of the largest process at its largest. */
#define _GNU_SOURCE
#include "sides.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int nothing;

/* In: a directory of the one before. Layers have directories that even their owner can't read. */
static void empty(int parent, const char *name) {
    int fd = -1;
    DIR *directory;

    if (fchmodat(parent, name, 0700, 0) == 0)
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return; /* the first start may have to make it */
    directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory)
        give_up("%s can't be opened: %s", name, strerror(errno));
    for (struct dirent *entry; (entry = readdir(directory));) {
        int is_directory = entry->d_type == DT_DIR;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (is_directory)
            empty(fd, entry->d_name);
        if (unlinkat(fd, entry->d_name, is_directory ? AT_REMOVEDIR : 0) < 0)
            give_up("%s can't be removed: %s", entry->d_name, strerror(errno));
    }
    closedir(directory);
}

static void run(size_t number, const struct side *side, int is_warmup) {
    struct rusage usage;
    long long start;
    pid_t pid;
    int status;

    if (*side->emptied)
        empty(AT_FDCWD, side->emptied);
    start = now();
    pid = start_side(side, nothing, nothing);
    while (wait4(pid, &status, 0, &usage) < 0)
        if (errno != EINTR)
            give_up("wait4 failed");
    if (!is_warmup)
        printf("%zu %lld %d %ld\n", number, now() - start,
               WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), usage.ru_maxrss);
}

static void shuffle(size_t *order, size_t count) {
    static unsigned long long state = 88172645463325252ull; /* xorshift64 */

    for (size_t i = count; i > 1; i--) {
        size_t kept, other;
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        other = state % i;
        kept = order[i - 1], order[i - 1] = order[other], order[other] = kept;
    }
}

int main(int argc, char **argv) {
    struct sides sides = read_sides();
    size_t *order = calloc(sides.count + 1, sizeof *order);
    long rounds, warmups;

    if (argc != 3 || !order)
        give_up("usage: times ROUNDS WARMUPS <SIDES");
    rounds = atol(argv[1]), warmups = atol(argv[2]);
    nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (size_t i = 0; i < sides.count; i++)
        order[i] = i;
    for (long round = -warmups; round < rounds; round++) {
        shuffle(order, sides.count);
        for (size_t i = 0; i < sides.count; i++) {
            const struct side *side = &sides.list[order[i]];
            /* A slow side takes part in some of the rounds, evenly spread. */
            if (round < 0 || round * side->runs / rounds != (round + 1) * side->runs / rounds)
                run(order[i], side, round < 0);
        }
    }
    return 0;
}
