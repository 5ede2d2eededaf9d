/* SPDX-License-Identifier: MIT */
/* Attacks on what a machine has only so much of. Each stops by itself, far from where it would
 * hurt: what counts is whether something was in its way, and whether tsjail ends it when told. */
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "attack.h"

/* Processes that ignore what can be ignored, each in a session of its own. Words: how many. */
static void fork_many(char **words) {
    int wanted = atoi(words[0]), made = 0;

    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    for (; made < wanted; made++) {
        pid_t child = fork();
        if (child < 0)
            break;
        if (child == 0) {
            setsid();
            if (fork() > 0) /* an orphan: init's */
                _exit(0);
            for (;;)
                pause();
        }
    }
    printf("made %d\n", made);
    fflush(stdout);
    for (;;)
        pause();
}

/* As many at a time, and then none. Words: how many. */
static void fork_without_end(char **words) {
    int wanted = atoi(words[0]), made = 0;
    pid_t *children = calloc((size_t)wanted, sizeof *children);

    while (made < wanted) {
        pid_t child = fork();
        if (child < 0)
            break;
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                pause();
        }
        children[made++] = child;
    }
    for (int i = 0; i < made; i++)
        kill(children[i], SIGKILL);
    if (made < wanted) {
        errno = EAGAIN;
        held("fork, after %d", made);
    }
    escaped("%d processes", made);
}

/* Words: how many. */
static void open_many(char **words) {
    int wanted = atoi(words[0]), made = 0;
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    while (made < wanted && dup(0) >= 0)
        made++;
    if (made < wanted)
        held("dup, after %d", made);
    escaped("%d descriptors", made);
}

/* How much could be written, without writing it. Words: the most that is harmless, in MiB;
 * directories. */
static void measure_space(char **words) {
    struct statvfs status;
    unsigned long long most = strtoull(words[0], NULL, 10) << 20, most_files = 1 << 20, size;
    unsigned long seen[64];
    int count = 0;

    for (char **each = words + 1; *each; each++) {
        int is_new = 1;
        char path[256];
        snprintf(path, sizeof path, "%s/.space.%d", *each, getpid());
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        if (fd < 0)
            continue;
        close(fd);
        unlink(path);
        if (statvfs(*each, &status) < 0)
            continue;
        for (int i = 0; i < count; i++)
            is_new &= seen[i] != status.f_fsid;
        if (!is_new || count == 64)
            continue;
        seen[count++] = status.f_fsid;
        size = (unsigned long long)status.f_blocks * status.f_frsize;
        if (size == 0 || size > most)
            escaped("%s takes %llu MiB", *each, size >> 20);
        if (status.f_files == 0 || status.f_files > most_files)
            escaped("%s takes %llu files", *each, (unsigned long long)status.f_files);
    }
    errno = 0;
    held("%d places, none too large", count);
}

/* Words: a directory, how many MiB. */
static void fill(char **words) {
    static char data[1 << 20];
    char path[4096];
    int wanted = atoi(words[1]), made = 0, fd, error;

    snprintf(path, sizeof path, "%s/fill.%d", words[0], getpid());
    fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);
    if (fd < 0)
        held("open");
    unlink(path);
    while (made < wanted && write(fd, data, sizeof data) == (ssize_t)sizeof data)
        made++;
    error = errno;
    close(fd);
    errno = error;
    if (made < wanted)
        held("write, after %d MiB", made);
    escaped("%d MiB", made);
}

/* Words: a directory, how many. All are links to nothing, and are taken away. */
static void make_files(char **words) {
    char path[4096];
    int wanted = atoi(words[1]), made = 0, error;

    for (; made < wanted; made++) {
        snprintf(path, sizeof path, "%s/attack.%d.%d", words[0], getpid(), made);
        if (symlink("x", path) < 0)
            break;
    }
    error = errno;
    for (int i = 0; i < made; i++) {
        snprintf(path, sizeof path, "%s/attack.%d.%d", words[0], getpid(), i);
        unlink(path);
    }
    errno = error;
    if (made < wanted)
        held("symlink, after %d", made);
    escaped("%d files", made);
}

static void take_terminals(char **words) {
    int wanted = atoi(words[0]), made = 0;

    while (made < wanted && open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0)
        made++;
    printf("made %d\n", made);
    fflush(stdout);
    sleep(5);
    held("open, after %d", made);
}

static void take_memory(char **words) {
    size_t size = (size_t)atoi(words[0]) << 20, page = 4096;
    char *memory = malloc(size);

    for (size_t at = 0; memory && at < size; at += page)
        memory[at] = 1;
    if (memory)
        escaped("%zu MiB", size >> 20);
    held("malloc");
}

static void flood(char **words) {
    static char data[65536];

    (void)words;
    memset(data, 'x', sizeof data);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    for (;;)
        if (write(1, data, sizeof data) < 0 && write(2, data, sizeof data) < 0)
            usleep(1000);
}

const struct attack resources[] = {{"fork_many", fork_many},
                                   {"fork_without_end", fork_without_end},
                                   {"open_many", open_many},
                                   {"measure_space", measure_space},
                                   {"fill", fill},
                                   {"make_files", make_files},
                                   {"take_terminals", take_terminals},
                                   {"take_memory", take_memory},
                                   {"flood", flood},
                                   {0}};
