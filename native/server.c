/* SPDX-License-Identifier: MIT */
/* fuse-overlayfs, which lays layers over one another where the kernel's overlayfs can't: over a
 * tree with other file systems in it, and over files of ids that are not mapped. Init has mounted
 * the FUSE file system (overlay.c) and sent its connection; the monitor starts one server for each
 * here, as the plain user and beside the jail. It is in a user and a mount namespace of its own:
 * what the host mounts later is not in its layers, and where it could see more than the jail may
 * (/proc, /dev, tsjail's own directories) something empty lies over its lower layers. */
#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/stat.h>

#include "monitor.h"

enum { MAX_SERVERS = 16, PATIENCE_MILLISECONDS = 5000, GRACE_MILLISECONDS = 500 };
enum { SIG_KILL = 9, SIG_CHLD = 17, NO_HANG = 1 };
enum { O_FLAGS = O_PATH | O_DIRECTORY, MAX_LAYERS = 160 };

/* Nothing lies on it that the server needs, or that anyone lays a layer over. */
static const char stage[] = "/sys";

static struct server {
    int pid;  /* or 0, once it is waited for */
    int said; /* the end of a pipe, from its standard error */
    s32 op;
    int has_ended, status;
} servers[MAX_SERVERS];
static u32 server_count;

/* The layers as the server is told of them: names in `stage`, where it begins. */
struct arrangement {
    int stage;
    u64 uid, gid; /* the caller's */
    struct text lower;
    int covers;
    u64 mode; /* of the uppermost one that is there: what will be seen of the top directory */
};

/* Every id that is not the user's own is nobody's in there, and squashed by the server anyway. */
static int map_id(struct jail *jail, const char *path, u64 id) {
    struct text map = {0};

    text_add_number(&map, (s64)id);
    text_add(&map, " ");
    text_add_number(&map, (s64)id);
    text_add(&map, " 1\n");
    return write_file(jail, path, map.data);
}

/* A detached copy of what `fd` leads to, or of what lies at `path` of it. */
static int copy_tree(struct jail *jail, int fd, const char *path, u32 flags, u64 set) {
    struct mount_attr attr = {.attr_set = set, .propagation = MS_PRIVATE};
    long copy = sys(open_tree, fd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

    if (copy < 0)
        return fail(jail, STEP_OPEN_TREE, copy);
    if (set_attributes(jail, (int)copy, &attr, flags & AT_RECURSIVE) < 0)
        return -1;
    return (int)copy;
}

/* Over what `target` is, an empty directory or file: a new one each time, since two paths with one
 * inode are one place to the server. */
static int cover(struct jail *jail, struct arrangement *layers, int target) {
    struct stat stat;
    struct text name = {0};
    long error = sys(newfstatat, target, "", &stat, AT_EMPTY_PATH);
    int empty;

    if (error < 0)
        return fail(jail, STEP_FSTAT, error);
    text_add(&name, "empty");
    text_add_number(&name, layers->covers++);
    error = S_ISDIR(stat.st_mode) ? sys(mkdirat, layers->stage, name.data, 0755)
                                  : sys(mknodat, layers->stage, name.data, S_IFREG | 0644, 0);
    if (error < 0)
        return fail(jail, STEP_MKDIRAT, error);
    empty = copy_tree(jail, layers->stage, name.data, 0,
                      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (empty < 0)
        return -1;
    error =
        sys(move_mount, empty, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    sys(close, empty);
    return error < 0 ? fail(jail, STEP_MOVE_MOUNT, error) : 0;
}

/* What is below the directory, or NULL. */
static const char *path_below(const char *path, const char *directory) {
    size_t length = strlen(directory);

    while (length > 0 && directory[length - 1] == '/')
        length--;
    if (strncmp(path, directory, length) != 0 || path[length] != '/' || !path[length + 1])
        return NULL;
    return path + length + 1;
}

static int cover_all(struct jail *jail, struct arrangement *layers, int lower,
                     const char *directory, const struct blob *covers) {
    for (const char *path = NULL; (path = list_next(covers, path));) {
        const char *rest = path_below(path, directory);
        long target = rest ? open_below(lower, rest, O_PATH | O_NOFOLLOW,
                                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)
                           : -ENOENT;
        int result;

        /* where nothing is, or where this user can't get to, the server can't either */
        if (target == -ENOENT || target == -ENOTDIR || target == -EACCES)
            continue;
        if (target < 0)
            return fail(jail, STEP_OPENAT2, target);
        result = cover(jail, layers, (int)target);
        sys(close, target);
        if (result < 0)
            return -1;
    }
    return 0;
}

/* The layers as they are before `stage` is covered. */
static int copy_lower(struct jail *jail, const struct op_overlay *op, int *lower, u32 most) {
    u32 count = 0;

    for (const char *path = NULL; (path = list_next(op->lower, path)); count++) {
        long fd = open_below(AT_FDCWD, path, O_FLAGS, RESOLVE_NO_MAGICLINKS);

        if (fd < 0)
            return fail(jail, STEP_OPENAT2, fd);
        if (count == most)
            return fail(jail, STEP_MOUNT, -E2BIG);
        lower[count] = copy_tree(jail, (int)fd, "", AT_EMPTY_PATH | AT_RECURSIVE,
                                 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
        sys(close, fd);
        if (lower[count] < 0)
            return -1;
    }
    return (int)count;
}

static int attach_lower(struct jail *jail, struct arrangement *layers, const struct op_overlay *op,
                        const struct blob *covers) {
    int lower[MAX_LAYERS] = {-1};
    int count = copy_lower(jail, op, lower, array_length(lower)), number = 0;
    const char *path = NULL;
    struct stat stat;
    long error;

    if (count < 0)
        return -1;
    error = sys(move_mount, layers->stage, "", AT_FDCWD, stage, MOVE_MOUNT_F_EMPTY_PATH);
    if (error < 0)
        return fail(jail, STEP_MOVE_MOUNT, error);
    layers->mode =
        sys(newfstatat, lower[0], "", &stat, AT_EMPTY_PATH) ? 0755 : stat.st_mode & 07777;
    for (; (path = list_next(op->lower, path)); number++) {
        struct text name = {0};

        text_add_number(&name, number);
        text_add(&layers->lower, number ? ":" : "lowerdir=");
        text_add(&layers->lower, name.data);
        error = sys(mkdirat, layers->stage, name.data, 0700);
        if (error < 0)
            return fail(jail, STEP_MKDIRAT, error);
        error =
            sys(move_mount, lower[number], "", layers->stage, name.data, MOVE_MOUNT_F_EMPTY_PATH);
        if (error < 0)
            return fail(jail, STEP_MOVE_MOUNT, error);
        if (cover_all(jail, layers, lower[number], path, covers) < 0)
            return -1;
    }
    return layers->lower.full ? fail(jail, STEP_MOUNT, -E2BIG) : 0;
}

/* How much of two paths is one directory: up to its slash. */
static size_t common_length(const char *one, const char *other) {
    size_t length = 0;

    for (size_t i = 0; one[i] && one[i] == other[i]; i++)
        if (one[i] == '/')
            length = i;
    return length;
}

/* Where what is kept lies: the server is told no long path, and none with a ':', by which it takes
 * paths apart. Both directories are on one mount, between which it renames. */
static int attach_kept(struct jail *jail, const struct arrangement *layers, const char *path,
                       size_t length) {
    char directory[4096];
    long error =
        length < sizeof directory ? sys(mkdirat, layers->stage, "kept", 0700) : -ENAMETOOLONG;
    int copy;

    if (error < 0)
        return fail(jail, STEP_MKDIRAT, error);
    memcpy(directory, path, length);
    directory[length ? length : 1] = 0;
    directory[0] = '/';
    copy = copy_tree(jail, AT_FDCWD, directory, AT_RECURSIVE, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (copy < 0)
        return -1;
    error = sys(move_mount, copy, "", layers->stage, "kept", MOVE_MOUNT_F_EMPTY_PATH);
    sys(close, copy);
    return error < 0 ? fail(jail, STEP_MOVE_MOUNT, error) : 0;
}

/* A directory that is written to, by a name in the stage. No link that a jail may have left at its
 * end is followed: it is looked at first. */
static int add_written(struct jail *jail, const struct arrangement *layers, const char *name,
                       const char *path, size_t kept, u64 mode) {
    char text[4096 + 8] = "kept/";
    long fd, error;

    if (!*path) {
        error = sys(mkdirat, layers->stage, name, mode);
        return error < 0 ? fail(jail, STEP_MKDIRAT, error) : 0;
    }
    if (strlen(path) >= 4096)
        return fail(jail, STEP_MOUNT, -ENAMETOOLONG);
    memcpy(text + 5, path + kept + 1, strlen(path + kept + 1) + 1);
    sys(mkdirat, layers->stage, text, mode);
    fd = open_below(layers->stage, text, O_FLAGS | O_NOFOLLOW, RESOLVE_NO_MAGICLINKS);
    if (fd < 0)
        return fail(jail, STEP_OPENAT2, fd);
    sys(close, fd);
    error = sys(symlinkat, text, layers->stage, name);
    return error < 0 ? fail(jail, STEP_SYMLINKAT, error) : 0;
}

static int add_upper(struct jail *jail, const struct arrangement *layers,
                     const struct op_overlay *op) {
    size_t kept = common_length(op->upper, op->work);

    if (*op->upper && attach_kept(jail, layers, op->upper, kept) < 0)
        return -1;
    return add_written(jail, layers, "upper", op->upper, kept, layers->mode) < 0 ||
                   add_written(jail, layers, "work", op->work, kept, 0700) < 0
               ? -1
               : 0;
}

/* The kernel's overlayfs has a directory `work` in its own, and takes none with something in
 * `incompat` there (fs/overlayfs/super.c, ovl_workdir_cleanup()): so neither goes on with what the
 * other has written. The server's own lies beside it. */
static int claim_work(struct jail *jail, const char *path) {
    static const char names[3][32] = {"work", "work/incompat", "work/incompat/fuse-overlayfs"};
    long fd = open_below(AT_FDCWD, path, O_FLAGS | O_NOFOLLOW, RESOLVE_NO_MAGICLINKS), error = 0,
         mark;
    int is_new;

    if (fd < 0)
        return fail(jail, STEP_OPENAT2, fd);
    mark = open_below((int)fd, names[2], O_FLAGS, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    is_new = mark == -ENOENT;
    if (is_new && (error = sys(mkdirat, fd, names[0], 0700)) == -EEXIST) {
        sys(close, fd);
        return fail_because(jail, STEP_MKDIRAT, REASON_OTHER_MAKER);
    }
    for (u32 i = 1; is_new && !error && i < array_length(names); i++)
        error = sys(mkdirat, fd, names[i], 0700);
    if (!error) {
        error = sys(mkdirat, fd, "fuse", 0700);
        error = error == -EEXIST ? 0 : error;
    }
    sys(close, mark);
    sys(close, fd);
    return error < 0 ? fail(jail, STEP_MKDIRAT, error) : 0;
}

static int arrange(struct jail *jail, struct arrangement *layers, const struct op_overlay *op,
                   const struct op_layer_server *server) {
    struct mount_attr attr = {.propagation = MS_PRIVATE};
    long error;

    if (write_file(jail, "/proc/self/setgroups", "deny") < 0 ||
        map_id(jail, "/proc/self/uid_map", layers->uid) < 0 ||
        map_id(jail, "/proc/self/gid_map", layers->gid) < 0)
        return -1;
    error = sys(mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof attr);
    if (error < 0)
        return fail(jail, STEP_MOUNT_SETATTR, error);
    layers->stage =
        make_mount(jail, "tmpfs", server->scratch, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (layers->stage < 0 || attach_lower(jail, layers, op, server->cover) < 0 ||
        add_upper(jail, layers, op) < 0 || (*op->work && claim_work(jail, op->work) < 0))
        return -1;
    error = sys(fchdir, layers->stage);
    return error < 0 ? fail(jail, STEP_CHDIR, error) : 0;
}

/* With no descriptors but those that it needs, and nothing of the caller's environment. The lock of
 * a layer on disk is held until the server is done with it. */
static void become_server(struct jail *jail, const struct arrangement *layers, int connection,
                          int said, int report, const struct op_layer_server *server, int is_kept) {
    char **argv = allocate((2 * list_count(server->options) + 8) * sizeof *argv);
    char *environment[] = {NULL};
    struct text point = {0};
    u64 none = 0;
    u32 at = 0;
    long error;

    text_add(&point, "/dev/fd/");
    text_add_number(&point, connection);
    argv[at++] = (char *)server->program;
    argv[at++] = (char *)"-f";
    argv[at++] = (char *)"-o";
    argv[at++] = (char *)layers->lower.data;
    argv[at++] = (char *)"-o";
    argv[at++] =
        (char *)(is_kept ? "upperdir=upper,workdir=work/fuse" : "upperdir=upper,workdir=work");
    for (const char *option = NULL; (option = list_next(server->options, option));) {
        argv[at++] = (char *)"-o";
        argv[at++] = (char *)option;
    }
    argv[at++] = point.data;
    argv[at] = NULL;
    /* not the foreground's: ^C is the command's, which may want to write still */
    sys(setsid);
    for (int fd = 0; fd < 3; fd++)
        sys(dup3, said, fd, 0);
    close_others((int[]){connection, jail->layer, jail->scratch_lock, report}, 4);
    sys(fcntl, connection, F_SETFD, 0);
    sys(fcntl, jail->layer, F_SETFD, 0);
    sys(fcntl, jail->scratch_lock, F_SETFD, 0);
    sys(rt_sigprocmask, 2 /* SIG_SETMASK */, &none, NULL, sizeof none);
    /* It makes a directory of mode 0, as dpkg wants it, and then has to get into it. This counts
     * for files whose owner and group are the user's own (capable_wrt_inode_uidgid() of the
     * kernel). */
    if (retain_capabilities(jail, 1u << CAP_DAC_OVERRIDE) < 0)
        return;
    error = sys(execve, server->program, argv, environment);
    fail(jail, STEP_EXECVE, error);
}

/* What is thrown away and lies on disk is to the server as what is kept. */
static const char *name_on_disk(const struct jail *jail, const char *kind, s32 index) {
    const char *parent =
        fields(plan_find(&jail->plan, OP_SCRATCH_DIRECTORY), scratch_directory)->parent;
    size_t length = strlen(parent);
    struct text rest = {0};
    char *path;

    text_add(&rest, "/");
    text_add(&rest, jail->scratch_name);
    text_add(&rest, kind);
    text_add_number(&rest, index);
    path = allocate(length + rest.length + 1);
    memcpy(path, parent, length + 1);
    memcpy(path + length, rest.data, rest.length + 1);
    return path;
}

static void be_server(struct jail *jail, s32 index, struct arrangement *arrangement, int connection,
                      int said, int report) {
    const struct operation *op = &jail->plan.operation[index];
    const struct op_root_overlay *root = fields(op, root_overlay);
    struct op_overlay layers = {root->lower, root->upper, root->work, "/", root->set, root->by};
    const struct op_layer_server *server =
        fields(plan_find(&jail->plan, OP_LAYER_SERVER), layer_server);

    if (op->opcode == OP_OVERLAY)
        layers = *fields(op, overlay);
    jail->failure.op = index;
    if (!*layers.upper && *jail->scratch_name) {
        layers.upper = name_on_disk(jail, "/upper", index);
        layers.work = name_on_disk(jail, "/work", index);
    }
    if (arrange(jail, arrangement, &layers, server) == 0) {
        jail->failure.op = (s32)(plan_find(&jail->plan, OP_LAYER_SERVER) - jail->plan.operation);
        become_server(jail, arrangement, connection, said, report, server, *layers.work != 0);
    }
    write_all(report, &jail->failure, sizeof jail->failure);
    sys_exit(EXIT_TSJAIL);
}

static int is_served(const struct jail *jail, s32 index) {
    const struct operation *op;

    if (index < 0 || (u32)index >= jail->plan.count || !plan_find(&jail->plan, OP_LAYER_SERVER))
        return 0;
    op = &jail->plan.operation[index];
    return op->opcode == OP_OVERLAY
               ? fields(op, overlay)->by == BY_FUSE
               : op->opcode == OP_ROOT_OVERLAY && fields(op, root_overlay)->by == BY_FUSE;
}

/* Until it has become the program, or has told why it could not: its end of the pipe is closed by
 * execve(2). */
static int hear_report(struct jail *jail, int report) {
    struct failure failure;
    long n;

    do
        n = sys(read, report, &failure, sizeof failure);
    while (n == -EINTR);
    if (n != sizeof failure)
        return 0;
    jail->failure = failure;
    return -1;
}

static int start(struct jail *jail, s32 index, int connection, const int *said, const int *report) {
    struct server *server = &servers[server_count];
    struct arrangement arrangement = {.uid = (u64)sys(geteuid), .gid = (u64)sys(getegid)};
    long pid = sys(clone, CLONE_NEWUSER | CLONE_NEWNS | SIG_CHLD, 0, 0, 0, 0);

    if (pid == 0)
        be_server(jail, index, &arrangement, connection, said[1], report[1]);
    sys(close, said[1]);
    sys(close, report[1]);
    if (pid < 0)
        return fail(jail, STEP_FORK, pid);
    if (hear_report(jail, report[0]) < 0) {
        while (sys(wait4, pid, NULL, 0, NULL) == -EINTR)
            ;
        return -1;
    }
    *server = (struct server){.pid = (int)pid, .said = said[0], .op = index};
    server_count++;
    return 0;
}

int server_start(struct jail *jail, s32 index, int connection) {
    int said[2], report[2], result;
    long error;

    jail->failure.op = index;
    if (!is_served(jail, index))
        return fail_because(jail, STEP_RECVMSG, REASON_OUT_OF_ORDER);
    if (connection < 0 || server_count == MAX_SERVERS)
        return fail(jail, STEP_RECVMSG, -EMFILE);
    /* what it says is read when it has ended; a full pipe does not hold it up */
    error = sys(pipe2, said, O_CLOEXEC | O_NONBLOCK);
    if (error < 0)
        return fail(jail, STEP_DUP, error);
    error = sys(pipe2, report, O_CLOEXEC);
    if (error < 0) {
        sys(close, said[0]);
        sys(close, said[1]);
        return fail(jail, STEP_DUP, error);
    }
    result = start(jail, index, connection, said, report);
    sys(close, report[0]);
    if (result == 0)
        jail->failure.op = -1;
    return result;
}

int server_missed(void) {
    int missed = 0;

    for (u32 i = 0; i < server_count; i++) {
        struct server *server = &servers[i];

        if (!server->pid || sys(wait4, server->pid, &server->status, NO_HANG, NULL) == 0)
            continue;
        server->pid = 0;
        server->has_ended = missed = 1;
    }
    return missed;
}

/* Waits for its end until then. */
static int wait_until(const struct server *server, s64 time) {
    struct timespec64 left;
    long pidfd = sys(pidfd_open, server->pid, 0);
    struct pollfd poll = {(int)pidfd, POLLIN, 0};
    s64 wait = time - now_milliseconds();

    wait = wait < 0 ? 0 : wait;
    left = (struct timespec64){wait / 1000, wait % 1000 * 1000000};
    if (pidfd >= 0)
        sys(ppoll, &poll, 1, &left, NULL, 8);
    sys(close, pidfd);
    return poll.revents != 0;
}

/* The first line that it has said. */
static void read_said(const struct server *server, struct text *text) {
    char line[300];
    long n = sys(read, server->said, line, sizeof line - 1), end = 0;

    while (end < n && line[end] != '\n')
        end++;
    line[end] = 0;
    text_add_printable(text, line, sizeof line);
}

/* An error of init's may be no more than the sign that a server is gone, or going. */
int server_blame(struct jail *jail, struct text *said) {
    s64 until = now_milliseconds() + GRACE_MILLISECONDS;
    s32 error = jail->failure.error;
    int is_sign = jail->failure.reason == REASON_ERRNO &&
                  (error == ENOTCONN || error == ECONNABORTED || error == EIO);

    for (u32 i = 0; i < server_count; i++)
        if (servers[i].pid && is_sign)
            wait_until(&servers[i], until);
    server_missed();
    for (u32 i = 0; i < server_count; i++) {
        if (!servers[i].has_ended)
            continue;
        jail->failure = (struct failure){servers[i].op, STEP_WAIT, REASON_SERVER_ENDED,
                                         exit_code(servers[i].status)};
        read_said(&servers[i], said);
        return 1;
    }
    return 0;
}

/* With the jail its file system has gone, to which the kernel has written everything before; by
 * that the server ends, perhaps before init is seen to have, with whatever status a full disk has
 * left it. One that a signal has ended has failed, unless it is ours. */
int server_end(void) {
    s64 until = server_count ? now_milliseconds() + PATIENCE_MILLISECONDS : 0;
    int has_failed = 0;

    for (u32 i = 0; i < server_count; i++) {
        struct server *server = &servers[i];
        int is_made_to = server->pid && !wait_until(server, until);

        if (is_made_to)
            sys(kill, server->pid, SIG_KILL);
        while (server->pid && sys(wait4, server->pid, &server->status, 0, NULL) == -EINTR)
            ;
        server->pid = 0;
        has_failed |= (server->status & 0x7f) != 0 && !is_made_to;
    }
    return has_failed;
}
