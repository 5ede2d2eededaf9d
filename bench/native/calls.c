/* SPDX-License-Identifier: MIT */
/* What a system call costs. argv: ROUNDS. Out: lines "CALL NANOSECONDS", the least of several
 * passes. Linked statically, so that it runs in any root. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PASSES = 9 };
static int zero;

static void call_getpid(void) {
    syscall(SYS_getpid);
}

static void call_read(void) {
    char byte;
    if (read(zero, &byte, 1) != 1)
        exit(1);
}

static void call_openat(void) {
    int fd = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        exit(1);
    close(fd);
}

/* Filters that look at arguments are run for this one each time; the others the kernel remembers
 * (Linux 5.11). */
static void call_ioctl(void) {
    struct winsize size;
    ioctl(zero, TIOCGWINSZ, &size);
}

static double measure(void (*call)(void), long rounds) {
    double least = 1e18;

    for (int pass = 0; pass < PASSES; pass++) {
        struct timespec from, to;
        double each;

        clock_gettime(CLOCK_MONOTONIC, &from);
        for (long i = 0; i < rounds; i++)
            call();
        clock_gettime(CLOCK_MONOTONIC, &to);
        each = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
               (double)rounds;
        least = each < least ? each : least;
    }
    return least;
}

int main(int argc, char **argv) {
    long rounds = argc > 1 ? atol(argv[1]) : 100000;

    zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    printf("getpid %.2f\n", measure(call_getpid, rounds));
    printf("read %.2f\n", measure(call_read, rounds));
    printf("openat+close %.2f\n", measure(call_openat, rounds / 4));
    printf("ioctl %.2f\n", measure(call_ioctl, rounds));
    return 0;
}
