/* SPDX-License-Identifier: MIT */
/* Attacks that want rights: capabilities, other users' ids, keys, files of the kernel's that root
 * may write. */
#include <dirent.h>
#include <ftw.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#include "attack.h"

static unsigned long long read_status(const char *file, const char *key) {
    static char data[8192];
    char *line;

    if (read_file(file, data, sizeof data) <= 0 || !(line = strstr(data, key)))
        return 0;
    return strtoull(line + strlen(key), NULL, 16);
}

static void new_user_namespace(char **words) {
    (void)words;
    if (unshare(CLONE_NEWUSER) == 0)
        escaped("unshare");
    if (errno == EPERM || errno == EINVAL || errno == ENOSPC || errno == EUSERS)
        held("unshare");
    held("unshare, oddly");
}

static void clone_user_namespace(char **words) {
    struct clone_args wish = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &wish, sizeof wish);

    (void)words;
    /* clone(2) looks at the low 32 bits only. */
    if (child < 0)
        child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (child < 0)
        child = syscall(SYS_clone, 1ul << 32 | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (child == 0)
        _exit(0);
    if (child > 0)
        escaped("clone");
    held("clone");
}

/* The namespaces of whatever has more: by its files in procfs, by pidfd. Words: the pid. */
static void join_namespaces(char **words) {
    static const char *const names[] = {"user", "mnt", "net", "pid", "ipc", "uts", "cgroup"};
    char path[64], mine[64] = "", theirs[64] = "";
    int pidfd = (int)syscall(SYS_pidfd_open, atoi(words[0]), 0);

    if (pidfd >= 0 && setns(pidfd, CLONE_NEWUSER | CLONE_NEWNS) == 0)
        escaped("by pidfd");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "/proc/%s/ns/%s", words[0], names[i]);
        if (readlink(path, theirs, sizeof theirs - 1) < 0)
            continue;
        int fd = open(path, O_RDONLY);
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        if (readlink(path, mine, sizeof mine - 1) > 0 && strcmp(mine, theirs) != 0 && fd >= 0 &&
            setns(fd, 0) == 0)
            escaped("%s", path);
    }
    held("setns");
}

static void regain(char **words) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2], all[2];

    (void)words;
    /* What is only not effective comes back. */
    if (syscall(SYS_capget, &header, none) == 0) {
        none[0].effective = none[1].effective = 0;
        syscall(SYS_capset, &header, none);
    }
    memset(all, 0xff, sizeof all);
    syscall(SYS_capget, &header, none);
    for (int i = 0; i < 2; i++)
        none[i].effective = none[i].inheritable = none[i].permitted;
    syscall(SYS_capset, &header, all);
    syscall(SYS_capset, &header, none);
    for (int number = 0; number < 64; number++)
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0);
    prctl(PR_SET_SECUREBITS, 0, 0, 0, 0);
    setresgid(0, 0, 0);
    setresuid(0, 0, 0);
    if (read_status("/proc/self/status", "CapEff:") != 0 ||
        read_status("/proc/self/status", "CapAmb:") != 0)
        escaped("capabilities %llx", read_status("/proc/self/status", "CapEff:"));
    held("no capability");
}

/* In the jail nothing of what the caller had is left. */
static void list_capabilities(char **words) {
    static const char *const sets[] = {"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"};

    (void)words;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (read_status("/proc/self/status", sets[i]) != 0)
            escaped("%s %llx", sets[i], read_status("/proc/self/status", sets[i]));
    errno = 0;
    held("none in any set");
}

/* Not the bounding set, which everybody has outside. */
static void hold_capabilities(char **words) {
    (void)words;
    if (read_status("/proc/self/status", "CapPrm:") != 0)
        escaped("CapPrm: %llx", read_status("/proc/self/status", "CapPrm:"));
    errno = 0;
    held("none permitted");
}

/* A program that is set-user-ID, run with nothing to read. Words: it, and its own. */
static void run_setuid(char **words) {
    int input[2];
    char path[64], data[4096], *line;
    unsigned ids[4] = {0, 0, 0, 0};
    pid_t child;

    if (pipe(input) < 0 || (child = fork()) < 0)
        held("fork");
    if (child == 0) {
        dup2(input[0], 0);
        close(input[1]);
        execv(words[0], words);
        _exit(68);
    }
    snprintf(path, sizeof path, "/proc/%d/status", child);
    for (int round = 0; round < 40; round++) {
        usleep(5000);
        if (read_file(path, data, sizeof data) <= 0 || !(line = strstr(data, "Uid:")))
            break;
        sscanf(line, "Uid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]);
        if (ids[1] != getuid() || ids[2] != getuid()) {
            kill(child, SIGKILL);
            escaped("it runs as user %u", ids[1]);
        }
        if (waitpid(child, NULL, WNOHANG) == child) {
            errno = 0;
            held("it ended, and was nobody else");
        }
    }
    kill(child, SIGKILL);
    errno = 0;
    held("it runs as user %u", ids[1]);
}

static void run_words(char **words) {
    execv(words[0], words);
    held("execve");
}

/* Words: the serial number of a keyring of the user's outside, the description of a key in it. */
static void read_key(char **words) {
    char data[64] = "";
    long key;

    if (syscall(SYS_keyctl, KEYCTL_LINK, atoi(words[0]), KEY_SPEC_SESSION_KEYRING, 0, 0) < 0)
        held("keyctl");
    key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", words[1], 0);
    if (key < 0 || syscall(SYS_keyctl, KEYCTL_READ, key, data, sizeof data, 0) < 0)
        held("keyctl");
    escaped("the key says: %s", data);
}

/* A key that the caller's session has. */
static void read_session_key(char **words) {
    static const int rings[] = {KEY_SPEC_SESSION_KEYRING, KEY_SPEC_USER_KEYRING,
                                KEY_SPEC_USER_SESSION_KEYRING, KEY_SPEC_PROCESS_KEYRING};
    char data[64] = "";

    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++) {
        long key = syscall(SYS_keyctl, KEYCTL_SEARCH, rings[i], "user", words[0], 0);
        if (key > 0 && syscall(SYS_keyctl, KEYCTL_READ, key, data, sizeof data, 0) >= 0)
            escaped("the key says: %s", data);
    }
    if (syscall(SYS_request_key, "user", words[0], NULL, KEY_SPEC_THREAD_KEYRING) > 0)
        escaped("request_key");
    held("keyctl");
}

/* Not an attack: a session with a key in it, in which the words are run. With "user" first, the key
 * is in the user's keyring, and "%" among the words is that ring's serial number. */
static void with_key(char **words) {
    int is_user = strcmp(words[0], "user") == 0;
    static char serial[16];

    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
        syscall(SYS_add_key, "user", words[1], "a secret", 9,
                is_user ? KEY_SPEC_USER_KEYRING : KEY_SPEC_SESSION_KEYRING) < 0)
        exit(69);
    snprintf(serial, sizeof serial, "%ld",
             syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1));
    for (char **each = words; *each; each++)
        if (strcmp(*each, "%") == 0)
            *each = serial;
    execv(words[2], words + 2);
    exit(70);
}

/* Not an attack: takes all keys with this beginning out of the user's keyring. */
static void drop_keys(char **words) {
    int32_t keys[256];
    char data[256];
    long length = syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_USER_KEYRING, keys, sizeof keys, 0);

    for (long i = 0; i < length / 4 && i < 256; i++) {
        memset(data, 0, sizeof data);
        if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, keys[i], data, sizeof data - 1, 0) > 0 &&
            strrchr(data, ';') && strncmp(strrchr(data, ';') + 1, words[0], strlen(words[0])) == 0)
            syscall(SYS_keyctl, KEYCTL_UNLINK, keys[i], KEY_SPEC_USER_KEYRING, 0, 0);
    }
    exit(0);
}

/* Files that change the machine: opening is enough, nothing is written. */
static void open_writable(char **words) {
    for (; *words; words++)
        if (open(*words, O_WRONLY | O_CLOEXEC | O_NONBLOCK) >= 0)
            escaped("%s is open for writing", *words);
    held("open");
}

static void open_readable(char **words) {
    char data[64];

    for (; *words; words++)
        if (read_file(*words, data, sizeof data) > 0)
            escaped("%s was read", *words);
    held("open");
}

static char found[512];
static int look_at(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    int fd;

    (void)status;
    if (kind == FTW_D && walk->level > 5)
        return 0;
    if (kind != FTW_F)
        return 0;
    fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return 0;
    close(fd);
    snprintf(found, sizeof found, "%s", path);
    return 1;
}

static void find_writable(char **words) {
    for (; *words; words++)
        if (nftw(*words, look_at, 16, FTW_PHYS | FTW_MOUNT) == 1)
            escaped("%s is open for writing", found);
    held("nothing below it can be opened for writing");
}

static void mount_cgroups(char **words) {
    char made[] = "/tmp/tsjail-attack.XXXXXX", path[64];

    (void)words;
    if (!mkdtemp(made))
        held("mkdtemp");
    if (mount("cgroup", made, "cgroup", 0, "none,name=attack") == 0)
        snprintf(path, sizeof path, "%s/release_agent", made);
    else if (mount("cgroup2", made, "cgroup2", 0, NULL) == 0)
        snprintf(path, sizeof path, "%s/cgroup.procs", made);
    else
        held("mount");
    if (access(path, F_OK) == 0)
        escaped("%s is there", path);
    held("%s", path);
}

static void make_device(char **words) {
    char path[64];
    int fd;

    snprintf(path, sizeof path, "/tmp/tsjail-attack.%d", getpid());
    if (mknod(path, S_IFCHR | 0600, makedev((unsigned)atoi(words[0]), (unsigned)atoi(words[1]))) <
        0)
        held("mknod");
    fd = open(path, O_RDONLY | O_NONBLOCK);
    unlink(path);
    if (fd >= 0)
        escaped("the device is open");
    held("open");
}

static void read_kernel_log(char **words) {
    char data[4096];

    (void)words;
    if (klogctl(3, data, sizeof data) >= 0)
        escaped("syslog(2)");
    if (read(open("/dev/kmsg", O_RDONLY | O_NONBLOCK), data, sizeof data) > 0)
        escaped("/dev/kmsg");
    if (read(open("/proc/kmsg", O_RDONLY | O_NONBLOCK), data, sizeof data) > 0)
        escaped("/proc/kmsg");
    held("syslog");
}

static void read_symbols(char **words) {
    char data[4096];

    (void)words;
    if (read_file("/proc/kallsyms", data, sizeof data) > 0 && strtoull(data, NULL, 16) != 0)
        escaped("addresses of the kernel");
    held("zeros");
}

const struct attack privileges[] = {{"new_user_namespace", new_user_namespace},
                                    {"clone_user_namespace", clone_user_namespace},
                                    {"join_namespaces", join_namespaces},
                                    {"regain", regain},
                                    {"list_capabilities", list_capabilities},
                                    {"hold_capabilities", hold_capabilities},
                                    {"run_setuid", run_setuid},
                                    {"run_words", run_words},
                                    {"read_key", read_key},
                                    {"read_session_key", read_session_key},
                                    {"with_key", with_key},
                                    {"drop_keys", drop_keys},
                                    {"open_writable", open_writable},
                                    {"open_readable", open_readable},
                                    {"find_writable", find_writable},
                                    {"mount_cgroups", mount_cgroups},
                                    {"make_device", make_device},
                                    {"read_kernel_log", read_kernel_log},
                                    {"read_symbols", read_symbols},
                                    {0}};
