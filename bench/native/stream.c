/* SPDX-License-Identifier: MIT */
/* How fast the output of each side arrives. argv: pipe or pty, BYTES, ROUNDS; in: the sides
 * (sides.h), each of which writes BYTES. The clock runs from the first byte to the last. Out: lines
 * "SIDE NANOSECONDS STATUS". */
#define _GNU_SOURCE
#include "sides.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static char block[1 << 16];

struct channel {
    int ours, theirs;
};

static struct channel open_channel(int is_pty) {
    struct channel channel;
    int ends[2];

    if (!is_pty) {
        if (pipe2(ends, O_CLOEXEC) < 0)
            give_up("pipe: %s", strerror(errno));
        return (struct channel){ends[0], ends[1]};
    }
    channel.ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (channel.ours < 0 || grantpt(channel.ours) < 0 || unlockpt(channel.ours) < 0)
        give_up("a terminal: %s", strerror(errno));
    channel.theirs = ioctl(channel.ours, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (channel.theirs < 0)
        give_up("a terminal: %s", strerror(errno));
    return channel;
}

/* In ns; an end before all has arrived is an error. A pty's end is EIO (pty(7)). */
static long long drain(int fd, long long expected) {
    long long first = 0, got = 0;

    while (got < expected) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            give_up("the output ends after %lld of %lld bytes", got, expected);
        if (first == 0)
            first = now();
        /* A terminal writes \r\n for \n (ONLCR, termios(3)). */
        for (ssize_t i = 0; i < n; i++)
            got += block[i] != '\r';
    }
    return now() - first;
}

static void run(size_t number, const struct side *side, int is_pty, long long bytes) {
    struct channel channel = open_channel(is_pty);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC), status = 0;
    pid_t pid = start_side(side, is_pty ? channel.theirs : nothing, channel.theirs);
    long long time;

    close(channel.theirs);
    time = drain(channel.ours, bytes);
    /* Whatever else is said must not block it. */
    while (read(channel.ours, block, sizeof block) > 0)
        ;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(channel.ours);
    close(nothing);
    printf("%zu %lld %d\n", number, time,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char **argv) {
    struct sides sides = read_sides();

    if (argc != 4)
        give_up("usage: stream pipe|pty BYTES ROUNDS <SIDES");
    for (long round = 0; round < atol(argv[3]); round++)
        for (size_t i = 0; i < sides.count; i++)
            run(i, &sides.list[i], strcmp(argv[1], "pty") == 0, atoll(argv[2]));
    return 0;
}
