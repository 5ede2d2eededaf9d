/* SPDX-License-Identifier: MIT */
/* What a test runs inside a jail where no shell will do: signals by number, ioctls on a terminal.
 * executor.ts compiles it. One word says what to do; the answers are lines on stdout. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By system call: libc keeps 32 and 33 to itself. */
static void set_mask(int how, unsigned long mask)
{
    syscall(SYS_rt_sigprocmask, how, &mask, NULL, sizeof mask);
}

static int end_by(int number)
{
    prctl(PR_SET_DUMPABLE, 0); /* no core file */
    set_mask(SIG_SETMASK, 0);
    syscall(SYS_kill, getpid(), number);
    return 77;
}

/* Names every signal that comes, until the one that ends it. */
static int catch_until(int last)
{
    siginfo_t info;
    unsigned long all = ~0ul;
    long number;

    set_mask(SIG_SETMASK, all);
    printf("ready\n");
    fflush(stdout);
    do {
        number = syscall(SYS_rt_sigtimedwait, &all, &info, NULL, sizeof all);
        if (number < 0)
            continue;
        printf("%ld\n", number);
        fflush(stdout);
    } while (number != last);
    return 0;
}

/* As if these had been typed on the terminal. */
static int type_on(int fd, const char *text)
{
    for (; *text; text++)
        if (ioctl(fd, TIOCSTI, text) < 0) {
            printf("TIOCSTI: %s\n", strerror(errno));
            return 1;
        }
    printf("TIOCSTI: done\n");
    return 0;
}

/* The console's paste buffer, and its state of the shift keys. */
static int ask_console(int fd)
{
    char paste[1] = {3}, shift[1] = {6};

    printf("TIOCLINUX paste: %s\n", ioctl(fd, TIOCLINUX, paste) < 0 ? strerror(errno) : "done");
    printf("TIOCLINUX shift: %s\n", ioctl(fd, TIOCLINUX, shift) < 0 ? strerror(errno) : "done");
    return 0;
}

static void print_file(const char *path)
{
    char data[65536];
    int fd = open(path, O_RDONLY);
    ssize_t length = fd < 0 ? -1 : read(fd, data, sizeof data);

    printf("== %s\n", path);
    if (length < 0)
        printf("%s", strerror(errno));
    else
        fwrite(data, 1, (size_t)length, stdout);
    printf("\n");
    if (fd >= 0)
        close(fd);
}

static void print_link(const char *path)
{
    char data[4096];
    ssize_t length = readlink(path, data, sizeof data);

    printf("%s -> %.*s\n", path, length < 0 ? 0 : (int)length, data);
}

/* All that a jail is, as the command sees it, by one process. */
static int view(void)
{
    static const char *const files[] = {"/proc/self/status", "/proc/self/mountinfo", "/proc/self/limits",
                                        "/proc/1/environ",   "/proc/1/cmdline",      "/proc/sys/kernel/hostname"};
    static const char *const spaces[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
    char path[100];

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        print_file(files[i]);
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
        snprintf(path, sizeof path, "/proc/self/ns/%s", spaces[i]);
        print_link(path);
    }
    for (int fd = 0; fd < 64; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf("descriptor %d\n", fd);
    print_link("/proc/self/cwd");
    printf("pid %d parent %d session %d group %d umask %o\n", getpid(), getppid(), getsid(0), getpgid(0), umask(0));
    printf("terminal %d\n", open("/dev/tty", O_RDWR) >= 0);
    return 7;
}

/* Becomes a program whose environment is the strings of a file, each with its NUL, whatever they are:
 * no shell and no library would start one with two of a name, or with none. */
static int become(const char *path, char **argv)
{
    static char data[1 << 21], *environment[1 << 18];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, data, sizeof data);
    size_t count = 0;

    for (char *each = data; each < data + length; each += strlen(each) + 1)
        environment[count++] = each;
    execve(argv[0], argv, environment);
    perror(argv[0]);
    return 79;
}

int main(int argc, char **argv)
{
    int number = argc > 2 ? atoi(argv[2]) : 0;

    if (argc == 3 && strcmp(argv[1], "signal") == 0)
        return end_by(number);
    if (argc == 3 && strcmp(argv[1], "exit") == 0)
        return number;
    if (argc == 3 && strcmp(argv[1], "catch") == 0)
        return catch_until(number);
    if (argc == 4 && strcmp(argv[1], "type") == 0)
        return type_on(number, argv[3]);
    if (argc == 3 && strcmp(argv[1], "console") == 0)
        return ask_console(number);
    if (argc > 3 && strcmp(argv[1], "become") == 0)
        return become(argv[2], argv + 3);
    if (argc == 2 && strcmp(argv[1], "view") == 0)
        return view();
    return 78;
}
