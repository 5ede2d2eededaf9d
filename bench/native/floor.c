/* SPDX-License-Identifier: MIT */
/* The least that the sandbox of bench/profiles/warm.toml can cost: the same namespaces, read-only
 * root, /proc and /dev in straight-line code, without a plan, checks, messages, signals or a
 * terminal. argv: the command. For comparison only. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            perror(#call);                                                                         \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};

static void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    CHECK(fd);
    CHECK(write(fd, text, strlen(text)));
    close(fd);
}

static int make_fs(const char *type, const char *option, const char *value) {
    int context = (int)syscall(SYS_fsopen, type, 1), fd;

    CHECK(context);
    if (option)
        CHECK(syscall(SYS_fsconfig, context, value ? 1 : 0, option, value, 0));
    CHECK(syscall(SYS_fsconfig, context, 6, NULL, NULL, 0));
    fd = (int)syscall(SYS_fsmount, context, 1, MOUNT_ATTR_NOSUID);
    CHECK(fd);
    close(context);
    return fd;
}

static void attach(int tree, int where, const char *path) {
    CHECK(syscall(SYS_move_mount, tree, "", where, path, 4));
}

/* In a copy of the host's tree that is not attached anywhere. */
static void build(void) {
    struct mount_attr private = {.propagation = 1 << 18};
    struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
    int root, dev;

    CHECK(syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &private, sizeof private));
    root = (int)syscall(SYS_open_tree, AT_FDCWD, "/", 1 | O_CLOEXEC | AT_RECURSIVE);
    CHECK(root);
    CHECK(syscall(SYS_mount_setattr, root, "", AT_EMPTY_PATH | AT_RECURSIVE, &readonly,
                  sizeof readonly));
    /* Onto /tmp, and from there it becomes the root. */
    CHECK(syscall(SYS_move_mount, root, "", AT_FDCWD, "/tmp", 4));
    attach(make_fs("proc", NULL, NULL), root, "proc");
    dev = make_fs("tmpfs", "mode", "0755");
    attach(dev, root, "dev");
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        char path[32];
        int fd;
        snprintf(path, sizeof path, "/dev/%s", devices[i]);
        fd = openat(dev, devices[i], O_CREAT | O_RDONLY | O_CLOEXEC, 0644);
        CHECK(fd);
        close(fd);
        fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, 1 | O_CLOEXEC);
        CHECK(fd);
        attach(fd, dev, devices[i]);
        close(fd);
    }
    CHECK(mkdirat(dev, "pts", 0755));
    CHECK(mkdirat(dev, "shm", 01777));
    attach(make_fs("devpts", "newinstance", NULL), dev, "pts");
    CHECK(fchdir(root));
    CHECK(syscall(SYS_pivot_root, ".", "."));
    CHECK(syscall(SYS_umount2, ".", 2));
}

static int run_init(char **argv) {
    int status = 0;
    pid_t command;

    build();
    CHECK(prctl(PR_SET_PDEATHSIG, 9));
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    command = vfork();
    if (command == 0) {
        execv(argv[1], argv + 1);
        _exit(127);
    }
    CHECK(command);
    while (waitpid(-1, &status, 0) != command)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv) {
    int status = 0, go[2];
    char path[64], map[64], byte = 0;
    pid_t init;

    if (argc < 2)
        return 1;
    CHECK(pipe2(go, O_CLOEXEC));
    init = (pid_t)syscall(SYS_clone,
                          CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |
                              CLONE_NEWNET | CLONE_NEWCGROUP | 17,
                          NULL, NULL, NULL, NULL);
    CHECK(init);
    if (init == 0) {
        CHECK(read(go[0], &byte, 1));
        _exit(run_init(argv));
    }
    snprintf(path, sizeof path, "/proc/%d/setgroups", init);
    write_file(path, "deny");
    snprintf(path, sizeof path, "/proc/%d/uid_map", init);
    snprintf(map, sizeof map, "%u %u 1", getuid(), getuid());
    write_file(path, map);
    snprintf(path, sizeof path, "/proc/%d/gid_map", init);
    snprintf(map, sizeof map, "%u %u 1", getgid(), getgid());
    write_file(path, map);
    CHECK(write(go[1], &byte, 1));
    CHECK(waitpid(init, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
