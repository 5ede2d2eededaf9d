/* SPDX-License-Identifier: MIT */
/* Root emulation, the monitor's part: credentials of processes that set ids which the jail does not
 * have (src/seccomp/emulate.ts says which calls are asked about here, monitor.c begins it).
 * All of it is a tale told to the jail's processes about themselves: nothing is decided by it.
 *
 * What a process has been told is kept in the process: the kernel passes resource limits on to
 * children and through execve(2), and RLIMIT_LOCKS limits nothing since Linux 2.4.25. Its soft
 * limit is the number of a set of credentials here; a number that stands for none is what the jail
 * began with. So there is nothing to look up by pid, and nothing to forget when a process ends. */
#include <asm-generic/errno.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "emulate.h"
#include "monitor.h"

enum { REAL, EFFECTIVE, SAVED, FILES, KINDS };
enum { MAX_GROUPS = 64, MAX_SETS = 4096, MAX_KERNEL_GROUPS = 65536 };
enum { KEEP = 0xffffffff };
/* Newer than some headers: Linux 6.6, and 6.13. */
enum { SET_FLAGS = 0x40082104, SYNC_WAKE_UP = 1, SETXATTRAT = 463 };

struct credentials {
    u32 uid[KINDS], gid[KINDS];
    u32 keep; /* PR_SET_KEEPCAPS */
    u32 kept; /* it was set when root was given up: groups can still be changed */
    u32 has_groups, group_count, group[MAX_GROUPS];
};

/* The first is what the jail begins with. */
static struct credentials sets[MAX_SETS];
static u32 set_count;

u32 word(const struct question *question, int index) {
    return (u32)question->call.data.args[index];
}

int is_waiting(const struct question *question) {
    return sys(ioctl, question->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &question->call.id) == 0;
}

/* Its memory, held before it is made sure that it is its. */
static long open_memory(const struct question *question, u64 flags) {
    struct text path = {0};
    long fd;

    text_add(&path, "/proc/");
    text_add_number(&path, question->call.pid);
    text_add(&path, "/mem");
    fd = sys(openat, AT_FDCWD, path.data, flags | O_CLOEXEC);
    if (fd < 0 || is_waiting(question))
        return fd;
    sys(close, fd);
    return -ESRCH;
}

long read_memory(const struct question *question, u64 from, void *to, size_t length) {
    long fd = open_memory(question, O_RDONLY), n;

    if (fd < 0)
        return -EFAULT;
    n = sys(pread64, fd, to, length, from);
    sys(close, fd);
    return n < 0 ? -EFAULT : n;
}

static long write_memory(const struct question *question, u64 to, const void *from, size_t length) {
    long fd = open_memory(question, O_RDWR), n;

    if (fd < 0)
        return -EFAULT;
    n = sys(pwrite64, fd, from, length, to);
    sys(close, fd);
    return n == (long)length ? 0 : -EFAULT;
}

static const struct credentials *find_credentials(struct question *question) {
    question->limit = (struct rlimit64){~0ull, ~0ull};
    sys(prlimit64, question->call.pid, RLIMIT_LOCKS, NULL, &question->limit);
    return &sets[question->limit.rlim_cur < set_count ? question->limit.rlim_cur : 0];
}

static long keep_credentials(struct question *question, const struct credentials *wanted) {
    u32 number = 0;

    while (number < set_count && memcmp(&sets[number], wanted, sizeof *wanted) != 0)
        number++;
    /* as where there are too many processes of a user (setuid(2)) */
    if (number == MAX_SETS || (number && number >= question->limit.rlim_max))
        return -EAGAIN;
    if (number == set_count)
        sets[set_count++] = *wanted;
    question->limit.rlim_cur = number ? number : question->limit.rlim_max;
    if (!is_waiting(question))
        return -ESRCH;
    return sys(prlimit64, question->call.pid, RLIMIT_LOCKS, &question->limit, NULL) < 0 ? -EAGAIN
                                                                                        : 0;
}

static int is_one_of(u32 id, const u32 *old, int kinds) {
    for (int kind = 0; kind < kinds; kind++)
        if (old[kind] == id)
            return 1;
    return 0;
}

/* As in kernel/sys.c. */
static long set_one(u32 *id, u32 wanted, int privileged) {
    if (wanted == KEEP)
        return -EINVAL;
    if (!privileged && wanted != id[REAL] && wanted != id[SAVED])
        return -EPERM;
    if (privileged)
        id[REAL] = id[SAVED] = wanted;
    id[EFFECTIVE] = id[FILES] = wanted;
    return 0;
}

static long set_two(u32 *id, u32 real, u32 effective, int privileged) {
    u32 before = id[REAL];
    const u32 old[] = {id[REAL], id[EFFECTIVE], id[SAVED]};

    if (real != KEEP && !privileged && !is_one_of(real, old, 2))
        return -EPERM;
    if (effective != KEEP && !privileged && !is_one_of(effective, old, 3))
        return -EPERM;
    if (real != KEEP)
        id[REAL] = real;
    if (effective != KEEP)
        id[EFFECTIVE] = effective;
    if (real != KEEP || (effective != KEEP && effective != before))
        id[SAVED] = id[EFFECTIVE];
    id[FILES] = id[EFFECTIVE];
    return 0;
}

static long set_three(u32 *id, const struct question *question, int privileged) {
    const u32 old[] = {id[REAL], id[EFFECTIVE], id[SAVED]};

    for (int kind = REAL; kind <= SAVED; kind++) {
        u32 wanted = word(question, kind);
        if (wanted == KEEP)
            continue;
        if (!privileged && !is_one_of(wanted, old, 3))
            return -EPERM;
        id[kind] = wanted;
    }
    id[FILES] = id[EFFECTIVE];
    return 0;
}

/* Nothing tells of a refusal: the id before it is the answer (setfsuid(2)). */
static long set_files(u32 *id, u32 wanted, int privileged) {
    u32 before = id[FILES];

    if (wanted != KEEP && (privileged || is_one_of(wanted, id, KINDS)))
        id[FILES] = wanted;
    return (long)before;
}

static long set_groups(const struct question *question, struct credentials *credentials,
                       int privileged) {
    u32 count = word(question, 0);
    size_t length = count * sizeof credentials->group[0];

    if (!privileged)
        return -EPERM;
    if (count > MAX_KERNEL_GROUPS)
        return -EINVAL;
    if (count > MAX_GROUPS)
        return -ENOMEM;
    memset(credentials->group, 0, sizeof credentials->group);
    credentials->has_groups = 1;
    credentials->group_count = count;
    if (count && read_memory(question, question->call.data.args[1], credentials->group, length) !=
                     (long)length)
        return -EFAULT;
    return 0;
}

/* The call is carried out as it stands. Nothing depends on what is in memory by then: it is the
 * kernel that refuses. */
static long go_on(struct question *question) {
    question->response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    return 0;
}

static long set_ids(struct question *question) {
    struct credentials next = *find_credentials(question);
    const u32 root = sets[0].uid[REAL];
    int privileged = next.uid[EFFECTIVE] == root, groups = privileged || next.kept;
    int was_root = is_one_of(root, next.uid, FILES);
    long result = 0, kept;

    switch (question->call.data.nr) {
    case __NR_setuid:
        result = set_one(next.uid, word(question, 0), privileged);
        break;
    case __NR_setgid:
        result = set_one(next.gid, word(question, 0), groups);
        break;
    case __NR_setreuid:
        result = set_two(next.uid, word(question, 0), word(question, 1), privileged);
        break;
    case __NR_setregid:
        result = set_two(next.gid, word(question, 0), word(question, 1), groups);
        break;
    case __NR_setresuid:
        result = set_three(next.uid, question, privileged);
        break;
    case __NR_setresgid:
        result = set_three(next.gid, question, groups);
        break;
    case __NR_setfsuid:
        result = set_files(next.uid, word(question, 0), privileged);
        break;
    case __NR_setfsgid:
        result = set_files(next.gid, word(question, 0), groups);
        break;
    case __NR_setgroups:
        result = set_groups(question, &next, groups);
        break;
    }
    if (result < 0)
        return result;
    if (is_one_of(root, next.uid, FILES))
        next.kept = 0;
    else if (was_root)
        next.kept = next.keep;
    kept = keep_credentials(question, &next);
    return kept < 0 ? kept : result;
}

static long keep_capabilities(struct question *question) {
    struct credentials next = *find_credentials(question);

    next.keep = word(question, 1);
    if (next.keep <= 1)
        keep_credentials(question, &next);
    return go_on(question);
}

static long get_three(const struct question *question, const u32 *id) {
    for (int kind = REAL; kind <= SAVED; kind++)
        if (write_memory(question, question->call.data.args[kind], &id[kind], sizeof *id) < 0)
            return -EFAULT;
    return 0;
}

static long get_groups(struct question *question, const struct credentials *credentials) {
    u32 count = credentials->group_count;

    if (!word(question, 0))
        return (long)count;
    if ((s32)word(question, 0) < (s32)count)
        return -EINVAL;
    if (count && write_memory(question, question->call.data.args[1], credentials->group,
                              count * sizeof credentials->group[0]) < 0)
        return -EFAULT;
    return (long)count;
}

/* struct posix_acl_xattr_entry of acl(5): whether it names somebody whom the jail does not know. */
static int names_others(const struct question *question) {
    struct {
        u16 tag, rights;
        u32 id;
    } entry[64];
    enum { HEADER = 4, USER = 2, GROUP = 8 };
    u64 length = question->call.data.args[3];
    long n;

    if (length < HEADER || length > HEADER + sizeof entry)
        return 0;
    n = read_memory(question, question->call.data.args[2] + HEADER, entry, length - HEADER);
    for (long i = 0; i < n / (long)sizeof entry[0]; i++)
        if ((entry[i].tag == USER && entry[i].id != sets[0].uid[REAL]) ||
            (entry[i].tag == GROUP && entry[i].id != sets[0].gid[REAL]))
            return 1;
    return 0;
}

static int starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* What only root may say of a file, and whom its ACL names, is forgotten like its owner. */
static long set_attribute(struct question *question) {
    char name[32] = {0};
    int is_at = question->call.data.nr == SETXATTRAT;

    if (read_memory(question, question->call.data.args[is_at ? 3 : 1], name, sizeof name - 1) <= 0)
        return go_on(question);
    if (starts_with(name, "trusted.") || starts_with(name, "security."))
        return 0;
    if (!is_at && starts_with(name, "system.posix_acl_") && names_others(question))
        return 0;
    return go_on(question);
}

static long find_answer(struct question *question) {
    const struct credentials *now = find_credentials(question);

    switch (question->call.data.nr) {
    case __NR_getuid:
        return (long)now->uid[REAL];
    case __NR_geteuid:
        return (long)now->uid[EFFECTIVE];
    case __NR_getgid:
        return (long)now->gid[REAL];
    case __NR_getegid:
        return (long)now->gid[EFFECTIVE];
    case __NR_getresuid:
        return now == sets ? go_on(question) : get_three(question, now->uid);
    case __NR_getresgid:
        return now == sets ? go_on(question) : get_three(question, now->gid);
    case __NR_getgroups:
        return now->has_groups ? get_groups(question, now) : go_on(question);
    case __NR_setxattr:
    case __NR_lsetxattr:
    case __NR_fsetxattr:
    case SETXATTRAT:
        return set_attribute(question);
#ifdef __NR_mknod
    case __NR_mknod:
#endif
    case __NR_mknodat:
        return make_stand_in(question);
    case __NR_prctl:
        return keep_capabilities(question);
    }
    return set_ids(question);
}

static void answer_one(int listener) {
    struct question question = {.listener = listener};
    struct timespec64 pause = {0, 1000000};
    long result;

    if (sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &question.call) < 0) {
        /* Who asked has been killed meanwhile (ENOENT). At the jail's end that is said again and
         * again, and the monitor, which then kills us, may be waiting for this processor. */
        sys(ppoll, NULL, 0, &pause, NULL, 8);
        return;
    }
    result = find_answer(&question);
    question.response.id = question.call.id;
    question.response.val = result < 0 ? 0 : result;
    question.response.error = result < 0 ? (s32)result : 0;
    sys(ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, &question.response);
}

static struct { int listener, parent; } teller;

static void tell(void *unused) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    static const struct __user_cap_data_struct none[2];
    int listener = teller.listener;

    (void)unused;
    /* Root's own are not needed, and what is done for the jail is not done with them: over the
     * jail's processes the maker of its user namespace has all of them (user_namespaces(7)). */
    if (sys(capset, &header, none) < 0)
        sys_exit(EXIT_TSJAIL);
    sys(prctl, PR_SET_PDEATHSIG, 9 /* SIGKILL */, 0, 0, 0);
    if (sys(getppid) != teller.parent)
        sys_exit(0);
    /* or whoever is at the other end of a pipe would wait for us */
    sys(close_range, 0, listener - 1, 0);
    sys(close_range, listener + 1, ~0u, 0);
    while (1)
        answer_one(listener);
}

/* A process of its own: the memory that it reads is the jail's, which may see to it that a page
 * never comes (fuse(4)), and the monitor has a clock to look after. */
long emulation_start(const struct op_emulate *op, int listener) {
    static char stack[32768] __attribute__((aligned(16)));
    struct clone_args args = {.flags = CLONE_VM,
                              .exit_signal = 17 /* SIGCHLD */,
                              .stack = (u64)(size_t)stack,
                              .stack_size = sizeof stack};
    long pid;

    set_count = 1;
    for (int kind = 0; kind < KINDS; kind++) {
        sets[0].uid[kind] = (u32)op->uid;
        sets[0].gid[kind] = (u32)op->gid;
    }
    /* Who asks and who answers take turns, on one processor. */
    sys(ioctl, listener, SET_FLAGS, SYNC_WAKE_UP);
    teller.listener = listener;
    teller.parent = (int)sys(getpid);
    pid = spawn(&args, tell, NULL);
    if (pid == -ENOSYS || pid == -EPERM) { /* as in clone_init() */
        pid = sys(clone, 17 /* SIGCHLD */, 0, 0, 0, 0);
        if (pid == 0)
            tell(NULL);
    }
    return pid;
}
