/* SPDX-License-Identifier: MIT */
/* Restricts the command by Landlock (landlock(7)), as src/compile/landlock.ts has it: no policy is
 * here. The rules are put together by the process that becomes the command, and bind it and all
 * that comes of it, neither init nor the monitor. Called by command.c; next is seccomp.c. */
#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#include "jail.h"

/* <linux/landlock.h> is younger than some kernels' headers, and its structs grow: a longer one is
 * taken as long as what the kernel does not know of it is zero. */
struct ruleset {
    u64 fs, net, scoped;
};
struct path_rule {
    u64 rights;
    s32 fd;
} __attribute__((packed));
struct port_rule {
    u64 rights, port;
};
enum { RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2 };

/* Other rights to what is no directory are EINVAL. */
static const u64 file_rights = LANDLOCK_EXECUTE | LANDLOCK_WRITE_FILE | LANDLOCK_READ_FILE |
                               LANDLOCK_TRUNCATE | LANDLOCK_IOCTL_DEV;

static long add_path(const struct jail *jail, int fd, u64 rights) {
    struct path_rule rule = {rights, fd};
    long error = sys(landlock_add_rule, jail->ruleset, RULE_PATH_BENEATH, &rule, 0);

    if (error != -EINVAL)
        return error;
    rule.rights &= file_rights;
    return sys(landlock_add_rule, jail->ruleset, RULE_PATH_BENEATH, &rule, 0);
}

/* 1, 0 or a negative errno */
static long is_directory(int fd) {
    struct stat stat;
    long error = sys(newfstatat, fd, "", &stat, AT_EMPTY_PATH);

    return error < 0 ? error : S_ISDIR(stat.st_mode);
}

/* What is handed in lies beyond the jail's mounts, and so below no path of ours: it can be opened
 * again (/dev/stdin) as far as the descriptor itself goes, and a directory be used as before.
 * EBADFD: a pipe, a socket, or something else without a path, which Landlock leaves alone. */
static int add_descriptor(struct jail *jail, const struct op_landlock *op, int fd) {
    long mode = sys(fcntl, fd, F_GETFL, 0), kind = mode < 0 ? mode : is_directory(fd), error;
    u64 rights = 0;

    if (kind < 0)
        return fail(jail, STEP_FCNTL, kind);
    if (kind || mode & O_PATH || (mode & O_ACCMODE) != O_WRONLY)
        rights |= op->readable;
    if (kind || mode & O_PATH || (mode & O_ACCMODE) != O_RDONLY)
        rights |= op->writable;
    error = rights ? add_path(jail, fd, kind ? rights : rights & file_rights) : 0;
    return error < 0 && error != -EBADFD ? fail(jail, STEP_LANDLOCK_ADD_RULE, error) : 0;
}

int op_landlock(struct jail *jail, const struct op_landlock *op) {
    struct ruleset ruleset = {op->fs, op->net, op->scoped};
    long fd = sys(landlock_create_ruleset, &ruleset, sizeof ruleset, 0);

    if (fd < 0)
        return fail(jail, STEP_LANDLOCK_CREATE_RULESET, fd);
    jail->ruleset = (int)fd;
    if (!op->fs)
        return 0;
    for (int i = 0; i < 3; i++)
        if (add_descriptor(jail, op, i) < 0)
            return -1;
    for (u32 i = 0; i < jail->passed_count; i++)
        if (add_descriptor(jail, op, jail->passed[i]) < 0)
            return -1;
    return 0;
}

/* What is not there, or can't be reached by us, the command can't reach either. */
int op_landlock_path(struct jail *jail, const struct op_landlock_path *op) {
    long fd = open_below(AT_FDCWD, op->path, O_PATH | O_CLOEXEC, RESOLVE_NO_MAGICLINKS), error;

    if (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES)
        return 0;
    if (fd < 0)
        return fail(jail, STEP_OPENAT2, fd);
    error = add_path(jail, (int)fd, op->rights);
    sys(close, fd);
    return error < 0 ? fail(jail, STEP_LANDLOCK_ADD_RULE, error) : 0;
}

int op_landlock_port(struct jail *jail, const struct op_landlock_port *op) {
    struct port_rule rule = {op->rights, op->port};
    long error = sys(landlock_add_rule, jail->ruleset, RULE_NET_PORT, &rule, 0);

    return error < 0 ? fail(jail, STEP_LANDLOCK_ADD_RULE, error) : 0;
}

int restrict_command(struct jail *jail) {
    long error = sys(landlock_restrict_self, jail->ruleset, 0);

    return error < 0 ? fail(jail, STEP_LANDLOCK_RESTRICT_SELF, error) : 0;
}
