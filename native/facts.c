/* SPDX-License-Identifier: MIT */
/* What a plan was compiled from: who called, on which machine, which files were read. A plan that
 * was kept (cache.c) or shipped (main.c) is only carried out where all of that is still so. */
#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/utsname.h>

#include "front.h"

u64 effective_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};

    if (sys(capget, &header, data) < 0)
        return ~0ull;
    return data[0].effective | (u64)data[1].effective << 32;
}

static int is_same_caller(const struct op_fact_caller *fact) {
    return (u64)sys(getuid) == fact->uid && (u64)sys(geteuid) == fact->uid &&
           (u64)sys(getgid) == fact->gid && (u64)sys(getegid) == fact->gid &&
           effective_capabilities() == fact->capabilities;
}

static int is_as_wanted(const char *wanted, const char *value) {
    return !*wanted || strcmp(wanted, value) == 0;
}

static int is_same_machine(const struct op_fact_machine *fact) {
    struct new_utsname name;

    return sys(uname, &name) == 0 && is_as_wanted(fact->release, name.release) &&
           is_as_wanted(fact->version, name.version) && is_as_wanted(fact->machine, name.machine);
}

static int is_same_directory(const struct op_fact_directory *fact) {
    char here[4096];

    return sys(getcwd, here, sizeof here) > 0 && strcmp(here, fact->path) == 0;
}

static int is_same_variable(const struct op_fact_variable *fact, char *const *environment) {
    const char *value = find_variable(environment, fact->name);

    return value ? fact->state == 1 && strcmp(value, fact->value) == 0 : fact->state == 0;
}

static u64 nanoseconds(struct statx_timestamp time) {
    return (u64)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* As stat(2) has it, and makedev(3). */
static u64 device_number(u64 major, u64 minor) {
    return (major & ~0xfffull) << 32 | (major & 0xfff) << 8 | (minor & ~0xffull) << 12 |
           (minor & 0xff);
}

/* AT_STATX_FORCE_SYNC: open(2), by which the file was read, asks a file server anew as well. */
static int is_same_file(const struct op_fact_file *fact) {
    const u32 wanted = STATX_INO | STATX_SIZE | STATX_MTIME | STATX_CTIME;
    struct statx stat;

    return sys(statx, AT_FDCWD, fact->path, AT_STATX_FORCE_SYNC, wanted, &stat) == 0 &&
           (stat.stx_mask & wanted) == wanted &&
           device_number(stat.stx_dev_major, stat.stx_dev_minor) == fact->device &&
           stat.stx_ino == fact->inode && stat.stx_size == fact->size &&
           nanoseconds(stat.stx_mtime) == fact->modified &&
           nanoseconds(stat.stx_ctime) == fact->changed;
}

static u64 find_kind(const struct op_fact_kind *fact) {
    struct stat stat;
    int flags = fact->flags & FACT_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW;
    long error = sys(newfstatat, AT_FDCWD, fact->path, &stat, flags);

    if (error < 0)
        return error == -ENOENT || error == -ENOTDIR ? KIND_ABSENT : KIND_UNREADABLE;
    switch (stat.st_mode & S_IFMT) {
    case S_IFDIR:
        return KIND_DIRECTORY;
    case S_IFREG:
        return KIND_FILE;
    case S_IFLNK:
        return KIND_SYMLINK;
    }
    return KIND_OTHER;
}

static int is_same_link(const struct op_fact_link *fact) {
    char text[4096];
    long length = sys(readlinkat, AT_FDCWD, fact->path, text, sizeof text);

    return length >= 0 && (size_t)length == strlen(fact->text) &&
           memcmp(text, fact->text, (size_t)length) == 0;
}

static int is_same_mounts(const struct op_fact_mounts *fact) {
    char part[4096];
    long fd = sys(openat, AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), n;
    size_t at = 0;

    if (fd < 0)
        return 0;
    while ((n = sys(read, fd, part, sizeof part)) > 0) {
        if ((size_t)n > fact->text->length - at ||
            memcmp(part, fact->text->data + at, (size_t)n) != 0)
            break;
        at += (size_t)n;
    }
    sys(close, fd);
    return n == 0 && at == fact->text->length;
}

u32 find_landlock(void) {
    long abi = sys(landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);

    return abi < 0 ? 0 : (u32)abi;
}

static int holds(const struct operation *fact, char *const *environment) {
    switch (fact->opcode) {
    case OP_FACT_INVOCATION:
        return 1; /* whoever looked for the plan has compared it */
    case OP_FACT_CALLER:
        return is_same_caller(fields(fact, fact_caller));
    case OP_FACT_MACHINE:
        return is_same_machine(fields(fact, fact_machine));
    case OP_FACT_DIRECTORY:
        return is_same_directory(fields(fact, fact_directory));
    case OP_FACT_VARIABLE:
        return is_same_variable(fields(fact, fact_variable), environment);
    case OP_FACT_FILE:
        return is_same_file(fields(fact, fact_file));
    case OP_FACT_KIND:
        return find_kind(fields(fact, fact_kind)) == fields(fact, fact_kind)->kind;
    case OP_FACT_LANDLOCK:
        return find_landlock() == fields(fact, fact_landlock)->abi;
    case OP_FACT_MOUNTS:
        return is_same_mounts(fields(fact, fact_mounts));
    case OP_FACT_LINK:
        return is_same_link(fields(fact, fact_link));
    }
    return 0;
}

const struct operation *find_false_fact(const struct plan *plan, char *const *environment) {
    for (u32 i = 0; i < plan->count && plan->operation[i].phase == PHASE_FACT; i++)
        if (!holds(&plan->operation[i], environment))
            return &plan->operation[i];
    return NULL;
}
