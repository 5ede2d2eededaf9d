/* SPDX-License-Identifier: MIT */
/* Sets and asks for ids by bare system calls, one for each word of the command line, and says what the kernel answered:
 * "setresuid:1,2,3 ok", "get 1,2,3,2 0,0,0,0 5,6". Words: any call that sets ids, with its arguments; get, all of them
 * again; calls, each of the get calls alone; keep:N, PR_SET_KEEPCAPS; fork, the rest is a child's; exec, the rest is a
 * new program's; threads, each of two has asked; limit:N. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name;
    long number;
} calls[] = {
    {"setuid", SYS_setuid},       {"setgid", SYS_setgid},       {"setreuid", SYS_setreuid},
    {"setregid", SYS_setregid},   {"setresuid", SYS_setresuid}, {"setresgid", SYS_setresgid},
    {"setfsuid", SYS_setfsuid},   {"setfsgid", SYS_setfsgid},
};

static void say(const char *word, long result)
{
    if (result < 0)
        printf("%s %s\n", word, strerrorname_np(errno));
    else if (result > 0)
        printf("%s %ld\n", word, result);
    else
        printf("%s ok\n", word);
}

static void get(void)
{
    unsigned id[3] = {77, 77, 77}, group[100];
    long count;

    syscall(SYS_getresuid, &id[0], &id[1], &id[2]);
    printf("get %u,%u,%u,%ld ", id[0], id[1], id[2], syscall(SYS_setfsuid, -1));
    syscall(SYS_getresgid, &id[0], &id[1], &id[2]);
    printf("%u,%u,%u,%ld ", id[0], id[1], id[2], syscall(SYS_setfsgid, -1));
    count = syscall(SYS_getgroups, 100, group);
    for (long i = 0; i < count; i++)
        printf("%s%u", i ? "," : "", group[i]);
    printf("\n");
}

static void *ask(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++)
        if (syscall(SYS_getuid) != syscall(SYS_geteuid))
            return "differ";
    return NULL;
}

static void ask_together(void)
{
    pthread_t thread[2];
    void *answer[2];

    for (int i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, ask, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], &answer[i]);
    printf("threads %s\n", answer[0] || answer[1] ? "differ" : "ok");
}

static int numbers(const char *text, unsigned *into)
{
    int count = 0;

    for (; text && *text; text += *text == ',')
        into[count++] = (unsigned)strtol(text, (char **)&text, 10);
    return count;
}

static void call(const char *word, const char *name, const char *arguments)
{
    unsigned n[128] = {0};
    int count = numbers(arguments, n);

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(name, calls[i].name) == 0)
            say(word, syscall(calls[i].number, n[0], n[1], n[2]));
    if (strcmp(name, "setgroups") == 0)
        say(word, syscall(SYS_setgroups, count, n));
    else if (strcmp(name, "groups") == 0)
        say(word, syscall(SYS_setgroups, n[0], (void *)(uintptr_t)n[1]));
    else if (strcmp(name, "getgroups") == 0)
        say(word, syscall(SYS_getgroups, n[0], (void *)(uintptr_t)n[1]));
    else if (strcmp(name, "keep") == 0)
        say(word, prctl(PR_SET_KEEPCAPS, n[0], 0, 0, 0));
    else if (strcmp(name, "limit") == 0)
        say(word, setrlimit(RLIMIT_LOCKS, &(struct rlimit){n[0], n[0]}));
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int at = 1; at < argc; at++) {
        char name[32] = {0};
        const char *colon = strchr(argv[at], ':');
        int status = 0;

        memcpy(name, argv[at], colon ? (size_t)(colon - argv[at]) : strlen(argv[at]));
        if (strcmp(name, "get") == 0) {
            get();
        } else if (strcmp(name, "calls") == 0) {
            printf("calls %ld,%ld,%ld,%ld\n", syscall(SYS_getuid), syscall(SYS_geteuid), syscall(SYS_getgid),
                   syscall(SYS_getegid));
        } else if (strcmp(name, "threads") == 0) {
            ask_together();
        } else if (strcmp(name, "fork") == 0) {
            if (fork() > 0) {
                wait(&status);
                return WEXITSTATUS(status);
            }
        } else if (strcmp(name, "exec") == 0) {
            argv[at] = argv[0];
            execv(argv[0], argv + at);
        } else {
            call(argv[at], name, colon ? colon + 1 : NULL);
        }
    }
    return 0;
}
