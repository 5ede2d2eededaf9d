/* SPDX-License-Identifier: MIT */
/* `attack NAME WORD…`: runs one attack. Static, so that it runs in every jail. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "attack.h"

void escaped(const char *format, ...) {
    va_list list;

    va_start(list, format);
    printf("escaped: ");
    vprintf(format, list);
    printf("\n");
    fflush(stdout);
    _exit(0);
}

void held(const char *format, ...) {
    int error = errno;
    va_list list;

    va_start(list, format);
    printf("held: ");
    vprintf(format, list);
    printf(": %s\n", strerror(error));
    fflush(stdout);
    _exit(0);
}

ssize_t read_file(const char *path, char *data, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, data, size - 1);

    if (fd >= 0)
        close(fd);
    data[length < 0 ? 0 : length] = 0;
    return length;
}

void try_secret(int directory, const char *path, const char *secret) {
    char data[256] = "";
    int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (read(fd, data, sizeof data - 1) > 0 && strncmp(data, secret, strlen(secret)) == 0)
        escaped("%s was read", path);
    close(fd);
}

/* Not an attack: from here on under a filter and nothing else. */
static void load_filter(const char *path) {
    static struct sock_filter filter[BPF_MAXINSNS];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, filter, sizeof filter);
    struct sock_fprog program = {(unsigned short)(length / (ssize_t)sizeof *filter), filter};

    close(fd);
    if (length <= 0)
        exit(73);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
        return;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        exit(74);
}

/* Words before it: "filtered" and a file. */
int main(int argc, char **argv) {
    const struct attack *const lists[] = {files, processes, privileges, network, resources, calls};

    if (argc > 3 && strcmp(argv[1], "filtered") == 0) {
        load_filter(argv[2]);
        argc -= 2;
        argv += 2;
    }
    if (argc < 2)
        return 64;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (const struct attack *each = lists[i]; each->name; each++)
            if (strcmp(each->name, argv[1]) == 0) {
                each->run(argv + 2);
                return 65;
            }
    fprintf(stderr, "no attack is called %s\n", argv[1]);
    return 64;
}
