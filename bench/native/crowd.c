/* SPDX-License-Identifier: MIT */
/* Many jails of the first side at once. argv: COUNT, and `pss` to read its processes' memory; in:
 * the sides (sides.h), whose command is `inside idle`. All are started, each says a byte when its
 * command runs; then all are let go by the end of their input. Out: one line "NANOSECONDS BYTES
 * FAILED", the bytes being what MemAvailable fell by, or with `pss` the proportional memory of all
 * processes but the commands. */
#define _GNU_SOURCE
#include "sides.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static long long read_field(const char *path, const char *name) {
    char line[256];
    long long value = -1;
    FILE *file = fopen(path, "re");

    if (!file)
        return -1;
    while (value < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            value = atoll(line + strlen(name));
    fclose(file);
    return value;
}

static void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        give_up("%s: %s", path, strerror(errno));
    close(fd);
}

/* Init makes itself undumpable, so that only CAP_SYS_PTRACE over the user namespace it was executed
 * in can look at its memory (ptrace(2), ptrace access mode checking). An ordinary user has that in
 * a user namespace of their own, and loses it at the next execve(2): we keep it, the sides are
 * started without. */
static void gain_sight(void) {
    char map[64];
    unsigned uid = getuid(), gid = getgid();

    if (unshare(CLONE_NEWUSER) < 0)
        give_up("a user namespace to look from: %s", strerror(errno));
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "%u %u 1", uid, uid);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "%u %u 1", gid, gid);
    write_file("/proc/self/gid_map", map);
}

static pid_t find_parent(pid_t pid, char *name) {
    char path[64], line[512], *last;
    FILE *file;
    pid_t parent = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return 0;
    if (fgets(line, sizeof line, file) && (last = strrchr(line, ')'))) {
        *last = 0;
        snprintf(name, 32, "%s", strchr(line, '(') + 1);
        parent = atoi(last + 4);
    }
    fclose(file);
    return parent;
}

static int is_below(pid_t pid, pid_t top) {
    char name[32];

    while (pid > 1 && pid != top)
        pid = find_parent(pid, name);
    return pid == top;
}

/* In bytes. */
static long long add_memory(void) {
    DIR *proc = opendir("/proc");
    long long sum = 0;

    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        char path[64], name[32] = "";
        pid_t pid = atoi(entry->d_name);
        long long kilobytes;
        if (pid <= 0 || pid == getpid() || !is_below(pid, getpid()) ||
            find_parent(pid, name) == 0 || strcmp(name, "inside") == 0)
            continue;
        snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
        kilobytes = read_field(path, "Pss:");
        if (kilobytes < 0)
            give_up("%s of %s can't be read: %s", path, name, strerror(errno));
        sum += kilobytes * 1024;
    }
    closedir(proc);
    return sum;
}

/* Network namespaces are freed by a worker, long after their jails: the remains of one side are no
 * burden of the next. */
static void await_quiet(void) {
    long long last = 0, available = -1;

    for (int tries = 0; tries < 40 && (tries < 4 || available > last + 1024); tries++) {
        last = available;
        usleep(250000);
        available = read_field("/proc/meminfo", "MemAvailable:");
    }
}

/* How many never said that they run. */
static long await_all(int fd, long count) {
    char said[4096];
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    while (count > 0) {
        ssize_t n;
        if (poll(&poll_fd, 1, 20000) <= 0)
            break;
        n = read(fd, said, sizeof said);
        if (n <= 0)
            break;
        count -= n;
    }
    return count;
}

int main(int argc, char **argv) {
    struct sides sides = read_sides();
    int is_pss = argc == 3 && strcmp(argv[2], "pss") == 0, input[2], output[2];
    long count = argc > 1 ? atol(argv[1]) : 0, failed, bad = 0;
    long long before, bytes, start, paused;

    if (count < 1 || sides.count != 1)
        give_up("usage: crowd COUNT [pss] <SIDE");
    if (is_pss)
        gain_sight();
    if (pipe2(input, O_CLOEXEC) < 0 || pipe2(output, O_CLOEXEC) < 0)
        give_up("pipe: %s", strerror(errno));
    if (count > 1)
        await_quiet();
    before = read_field("/proc/meminfo", "MemAvailable:") * 1024;
    start = now();
    for (long i = 0; i < count; i++)
        start_side(&sides.list[0], input[0], output[1]);
    close(output[1]);
    failed = await_all(output[0], count);
    paused = now();
    bytes = is_pss ? add_memory() : before - read_field("/proc/meminfo", "MemAvailable:") * 1024;
    start += now() - paused; /* looking is not part of it */
    close(input[1]);
    for (long i = 0; i < count; i++) {
        int status = 0;
        while (wait(&status) < 0 && errno == EINTR)
            ;
        bad += status != 0;
    }
    printf("%lld %lld %ld\n", now() - start, bytes, failed > bad ? failed : bad);
    return 0;
}
