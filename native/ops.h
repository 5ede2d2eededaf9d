/* SPDX-License-Identifier: MIT */
/* Generated from src/plan/operations.ts by `npm run generate`; do not edit. clang-format off */
// clang-format off
#ifndef TSJAIL_OPS_H
#define TSJAIL_OPS_H
#include "sys.h"

#define PLAN_MAGIC 0x504a5354u
#define PLAN_VERSION 1
#define PLAN_SLOTS 6
#define PLAN_MAX_OPERATIONS 65536
#define PLAN_MAX_BYTES 67108864
#define MAX_PASSED_FDS 64
#define MAX_HELD 65

struct blob {
    u32 length;
    char data[];
};

enum phase {
    PHASE_FACT = 0,
    PHASE_HOST = 1,
    PHASE_MAP = 2,
    PHASE_JAIL = 3,
    PHASE_COMMAND = 4,
};
enum opcode {
    OP_FACT_INVOCATION = 1,
    OP_FACT_CALLER = 2,
    OP_FACT_MACHINE = 3,
    OP_FACT_DIRECTORY = 4,
    OP_FACT_VARIABLE = 5,
    OP_FACT_FILE = 6,
    OP_FACT_KIND = 7,
    OP_FACT_LINK = 8,
    OP_FACT_LANDLOCK = 9,
    OP_FACT_MOUNTS = 10,
    OP_EXPLAIN = 11,
    OP_SUPERVISE = 12,
    OP_PASS_FD = 13,
    OP_MOUNT_POINT = 14,
    OP_LAYER = 15,
    OP_HOLD = 16,
    OP_SCRATCH_DIRECTORY = 17,
    OP_LAYER_SERVER = 18,
    OP_CLONE = 19,
    OP_SETGROUPS = 20,
    OP_UID_MAP = 21,
    OP_GID_MAP = 22,
    OP_OOM_SCORE_ADJ = 23,
    OP_TIME_OFFSETS = 24,
    OP_PROPAGATION = 25,
    OP_STAGE = 26,
    OP_ROOT_TMPFS = 27,
    OP_ROOT_BIND = 28,
    OP_SCRATCH = 29,
    OP_ROOT_OVERLAY = 30,
    OP_OVERLAY = 31,
    OP_BIND = 32,
    OP_MOUNT = 33,
    OP_DEVICE = 34,
    OP_DIRECTORY = 35,
    OP_SYMLINK = 36,
    OP_FILE = 37,
    OP_HIDE = 38,
    OP_READONLY = 39,
    OP_PIN = 40,
    OP_ATTRIBUTES = 41,
    OP_PTY = 42,
    OP_SYSCTL = 43,
    OP_HOSTNAME = 44,
    OP_DOMAINNAME = 45,
    OP_LOOPBACK = 46,
    OP_PIVOT = 47,
    OP_IDS = 48,
    OP_CAPABILITIES = 49,
    OP_NO_NEW_PRIVS = 50,
    OP_WORKDIR = 51,
    OP_UMASK = 52,
    OP_NICE = 53,
    OP_RLIMIT = 54,
    OP_ENVIRONMENT = 55,
    OP_LANDLOCK = 56,
    OP_LANDLOCK_PATH = 57,
    OP_LANDLOCK_PORT = 58,
    OP_EMULATE = 59,
    OP_SECCOMP = 60,
    OP_COMMAND = 61,
    OP_END = 62,
};
enum step {
    STEP_NONE = 0,
    STEP_OPEN = 1,
    STEP_OPENAT2 = 2,
    STEP_OPEN_TREE = 3,
    STEP_MOUNT_SETATTR = 4,
    STEP_MOVE_MOUNT = 5,
    STEP_FSOPEN = 6,
    STEP_FSCONFIG = 7,
    STEP_FSMOUNT = 8,
    STEP_MKDIRAT = 9,
    STEP_SYMLINKAT = 10,
    STEP_MKNODAT = 11,
    STEP_UNLINKAT = 12,
    STEP_FSTAT = 13,
    STEP_FSTATFS = 14,
    STEP_READ = 15,
    STEP_WRITE = 16,
    STEP_CLONE3 = 17,
    STEP_FORK = 18,
    STEP_UNSHARE = 19,
    STEP_SOCKETPAIR = 20,
    STEP_SENDMSG = 21,
    STEP_RECVMSG = 22,
    STEP_SIGNALFD = 23,
    STEP_TIMERFD = 24,
    STEP_POLL = 25,
    STEP_PIDFD_OPEN = 26,
    STEP_WAIT = 27,
    STEP_KILL = 28,
    STEP_DUP = 29,
    STEP_FCNTL = 30,
    STEP_CLOSE_RANGE = 31,
    STEP_IOCTL = 32,
    STEP_MMAP = 33,
    STEP_PRCTL = 34,
    STEP_CAPSET = 35,
    STEP_SETGROUPS = 36,
    STEP_SETRESGID = 37,
    STEP_SETRESUID = 38,
    STEP_SETHOSTNAME = 39,
    STEP_SETDOMAINNAME = 40,
    STEP_SETSID = 41,
    STEP_SOCKET = 42,
    STEP_PIVOT_ROOT = 43,
    STEP_UMOUNT2 = 44,
    STEP_CHDIR = 45,
    STEP_GETCWD = 46,
    STEP_SETPRIORITY = 47,
    STEP_PRLIMIT = 48,
    STEP_EXECVE = 49,
    STEP_PLAN = 50,
    STEP_ARGUMENTS = 51,
    STEP_KEYCTL = 52,
    STEP_SIGPROCMASK = 53,
    STEP_SECCOMP = 54,
    STEP_LANDLOCK_CREATE_RULESET = 55,
    STEP_LANDLOCK_ADD_RULE = 56,
    STEP_LANDLOCK_RESTRICT_SELF = 57,
    STEP_MOUNT = 58,
    STEP_FLOCK = 59,
};
enum reason {
    REASON_ERRNO = 0,
    REASON_MOUNT_POINT_MISSING = 1,
    REASON_WRONG_KIND = 2,
    REASON_WRONG_DEVICE = 3,
    REASON_NOT_PROCFS = 4,
    REASON_OUT_OF_ORDER = 5,
    REASON_INIT_DIED = 6,
    REASON_CREDENTIALS = 7,
    REASON_OUTSIDE_ROOT = 8,
    REASON_SETUID = 9,
    REASON_MALFORMED = 10,
    REASON_NO_COMMAND = 11,
    REASON_NO_PTY = 12,
    REASON_SERVER_ENDED = 13,
    REASON_OTHER_MAKER = 14,
};
enum {
    SUPERVISE_INIT = 1,
    SUPERVISE_DIE_WITH_PARENT = 2,
    SUPERVISE_LISTEN_FDS = 4,
    SUPERVISE_SUPERVISOR = 8,
};
enum {
    TTY_NEVER = 0,
    TTY_AUTO = 1,
    TTY_ALWAYS = 2,
};
enum {
    BIND_RECURSIVE = 1,
    BIND_OPTIONAL = 2,
    BIND_NOFOLLOW = 4,
    BIND_DIRECTORY = 8,
    BIND_FILE = 16,
};
enum {
    TARGET_OPTIONAL = 2,
};
enum {
    ATTRIBUTES_RECURSIVE = 1,
};
enum {
    SECCOMP_LOG = 2,
    SECCOMP_SPEC_ALLOW = 4,
    SECCOMP_NOTIFY = 8,
    SECCOMP_WAIT_KILLABLE = 32,
};
enum {
    LANDLOCK_EXECUTE = 1,
    LANDLOCK_WRITE_FILE = 2,
    LANDLOCK_READ_FILE = 4,
    LANDLOCK_READ_DIR = 8,
    LANDLOCK_REMOVE_DIR = 16,
    LANDLOCK_REMOVE_FILE = 32,
    LANDLOCK_MAKE_CHAR = 64,
    LANDLOCK_MAKE_DIR = 128,
    LANDLOCK_MAKE_REG = 256,
    LANDLOCK_MAKE_SOCK = 512,
    LANDLOCK_MAKE_FIFO = 1024,
    LANDLOCK_MAKE_BLOCK = 2048,
    LANDLOCK_MAKE_SYM = 4096,
    LANDLOCK_REFER = 8192,
    LANDLOCK_TRUNCATE = 16384,
    LANDLOCK_IOCTL_DEV = 32768,
};
enum {
    FACT_FOLLOW = 1,
};
enum {
    KIND_ABSENT = 0,
    KIND_UNREADABLE = 1,
    KIND_DIRECTORY = 2,
    KIND_FILE = 3,
    KIND_SYMLINK = 4,
    KIND_OTHER = 5,
};
enum {
    BY_KERNEL = 0,
    BY_FUSE = 1,
};

struct op_fact_invocation {
    const char *package;
    const struct blob *options;
    const struct blob *commands;
};
struct op_fact_caller {
    u64 uid;
    u64 gid;
    u64 capabilities;
};
struct op_fact_machine {
    const char *release;
    const char *version;
    const char *machine;
};
struct op_fact_directory {
    const char *path;
};
struct op_fact_variable {
    const char *name;
    u64 state;
    const char *value;
};
struct op_fact_file {
    const char *path;
    u64 device;
    u64 inode;
    u64 size;
    u64 modified;
    u64 changed;
};
struct op_fact_kind {
    const char *path;
    u64 kind;
    u64 flags;
};
struct op_fact_link {
    const char *path;
    const char *text;
};
struct op_fact_landlock {
    u64 abi;
};
struct op_fact_mounts {
    const struct blob *text;
};
struct op_explain {
    const struct blob *argv;
};
struct op_supervise {
    u64 flags;
    u64 tty;
    u64 timeout;
    u64 kill_after;
    s64 status_fd;
};
struct op_pass_fd {
    u64 fd;
};
struct op_mount_point {
    const char *root;
    const char *target;
    u64 kind;
};
struct op_layer {
    const char *lock;
    u64 busy;
};
struct op_hold {
    const char *lock;
};
struct op_scratch_directory {
    const char *parent;
};
struct op_layer_server {
    const char *program;
    const struct blob *options;
    const struct blob *scratch;
    const struct blob *cover;
};
struct op_clone {
    u64 namespaces;
};
struct op_setgroups {
    u64 policy;
};
struct op_uid_map {
    const char *map;
};
struct op_gid_map {
    const char *map;
};
struct op_oom_score_adj {
    s64 value;
};
struct op_time_offsets {
    const char *offsets;
};
struct op_propagation {
    u64 mode;
};
struct op_root_tmpfs {
    const struct blob *options;
};
struct op_root_bind {
    const char *source;
    u64 set;
};
struct op_scratch {
    const struct blob *options;
};
struct op_root_overlay {
    const struct blob *lower;
    const char *upper;
    const char *work;
    u64 set;
    u64 by;
};
struct op_overlay {
    const struct blob *lower;
    const char *upper;
    const char *work;
    const char *target;
    u64 set;
    u64 by;
};
struct op_bind {
    const char *source;
    const char *target;
    u64 flags;
    u64 set;
    u64 propagation;
};
struct op_mount {
    const char *fstype;
    const char *target;
    const struct blob *options;
    u64 flags;
    u64 set;
};
struct op_device {
    const char *source;
    const char *target;
    u64 major;
    u64 minor;
};
struct op_directory {
    const char *target;
    u64 mode;
};
struct op_symlink {
    const char *target;
    const char *text;
};
struct op_file {
    const char *target;
    const struct blob *content;
    u64 mode;
    u64 flags;
    u64 set;
};
struct op_hide {
    const char *target;
    u64 flags;
};
struct op_readonly {
    const char *target;
    u64 flags;
};
struct op_pin {
    const char *target;
};
struct op_attributes {
    const char *target;
    u64 flags;
    u64 set;
};
struct op_pty {
    const char *ptmx;
    const char *console;
};
struct op_sysctl {
    const char *name;
    const char *value;
};
struct op_hostname {
    const char *name;
};
struct op_domainname {
    const char *name;
};
struct op_ids {
    u64 uid;
    u64 gid;
    u64 groups;
};
struct op_capabilities {
    u64 keep;
};
struct op_workdir {
    const char *path;
};
struct op_umask {
    u64 mask;
};
struct op_nice {
    s64 value;
};
struct op_rlimit {
    u64 resource;
    u64 soft;
    u64 hard;
};
struct op_environment {
    const struct blob *list;
    const struct blob *pass;
    const struct blob *unset;
    const struct blob *defaults;
};
struct op_landlock {
    u64 fs;
    u64 net;
    u64 scoped;
    u64 readable;
    u64 writable;
};
struct op_landlock_path {
    const char *path;
    u64 rights;
};
struct op_landlock_port {
    u64 port;
    u64 rights;
};
struct op_emulate {
    const struct blob *filter;
    u64 uid;
    u64 gid;
};
struct op_seccomp {
    const struct blob *filter;
    u64 flags;
    s64 notify_fd;
};
struct op_command {
    const struct blob *argv;
};

enum field { FIELD_U32, FIELD_I32, FIELD_U64, FIELD_STRING, FIELD_PATH, FIELD_LIST, FIELD_BYTES,
             FIELD_FLAGS, FIELD_CHOICE, FIELD_ONE_BIT };

struct op_type {
    u8 phase, once, required, fields;
    struct {
        u32 kind;
        u32 allowed;
    } field[PLAN_SLOTS];
};

/* By opcode - 1. */
static const struct op_type op_types[] = {
    {PHASE_FACT, 1, 0, 3, {{FIELD_STRING, 0}, {FIELD_LIST, 0}, {FIELD_LIST, 0}}},
    {PHASE_FACT, 1, 0, 3, {{FIELD_U32, 0}, {FIELD_U32, 0}, {FIELD_U64, 0}}},
    {PHASE_FACT, 1, 0, 3, {{FIELD_STRING, 0}, {FIELD_STRING, 0}, {FIELD_STRING, 0}}},
    {PHASE_FACT, 1, 0, 1, {{FIELD_STRING, 0}}},
    {PHASE_FACT, 0, 0, 3, {{FIELD_STRING, 0}, {FIELD_CHOICE, 1}, {FIELD_STRING, 0}}},
    {PHASE_FACT, 0, 0, 6, {{FIELD_PATH, 0}, {FIELD_U64, 0}, {FIELD_U64, 0}, {FIELD_U64, 0}, {FIELD_U64, 0}, {FIELD_U64, 0}}},
    {PHASE_FACT, 0, 0, 3, {{FIELD_PATH, 0}, {FIELD_CHOICE, 5}, {FIELD_FLAGS, 0x1}}},
    {PHASE_FACT, 0, 0, 2, {{FIELD_PATH, 0}, {FIELD_STRING, 0}}},
    {PHASE_FACT, 1, 0, 1, {{FIELD_U32, 0}}},
    {PHASE_FACT, 1, 0, 1, {{FIELD_BYTES, 0}}},
    {PHASE_HOST, 1, 0, 1, {{FIELD_LIST, 0}}},
    {PHASE_HOST, 1, 1, 5, {{FIELD_FLAGS, 0xf}, {FIELD_CHOICE, 2}, {FIELD_U64, 0}, {FIELD_U64, 0}, {FIELD_I32, 0}}},
    {PHASE_HOST, 0, 0, 1, {{FIELD_U32, 0}}},
    {PHASE_HOST, 0, 0, 3, {{FIELD_PATH, 0}, {FIELD_PATH, 0}, {FIELD_CHOICE, 1}}},
    {PHASE_HOST, 1, 0, 2, {{FIELD_PATH, 0}, {FIELD_CHOICE, 1}}},
    {PHASE_HOST, 0, 0, 1, {{FIELD_PATH, 0}}},
    {PHASE_HOST, 1, 0, 1, {{FIELD_PATH, 0}}},
    {PHASE_HOST, 1, 0, 4, {{FIELD_PATH, 0}, {FIELD_LIST, 0}, {FIELD_LIST, 0}, {FIELD_LIST, 0}}},
    {PHASE_HOST, 1, 1, 1, {{FIELD_FLAGS, 0x6e020080}}},
    {PHASE_MAP, 1, 0, 1, {{FIELD_CHOICE, 1}}},
    {PHASE_MAP, 1, 1, 1, {{FIELD_STRING, 0}}},
    {PHASE_MAP, 1, 1, 1, {{FIELD_STRING, 0}}},
    {PHASE_JAIL, 1, 0, 1, {{FIELD_I32, 0}}},
    {PHASE_JAIL, 1, 0, 1, {{FIELD_STRING, 0}}},
    {PHASE_JAIL, 1, 0, 1, {{FIELD_ONE_BIT, 0x1e0000}}},
    {PHASE_JAIL, 1, 0, 0, {{0, 0}}},
    {PHASE_JAIL, 1, 0, 1, {{FIELD_LIST, 0}}},
    {PHASE_JAIL, 1, 0, 2, {{FIELD_PATH, 0}, {FIELD_FLAGS, 0x20000f}}},
    {PHASE_JAIL, 1, 0, 1, {{FIELD_LIST, 0}}},
    {PHASE_JAIL, 1, 0, 5, {{FIELD_LIST, 0}, {FIELD_STRING, 0}, {FIELD_STRING, 0}, {FIELD_FLAGS, 0x20000f}, {FIELD_CHOICE, 1}}},
    {PHASE_JAIL, 0, 0, 6, {{FIELD_LIST, 0}, {FIELD_STRING, 0}, {FIELD_STRING, 0}, {FIELD_PATH, 0}, {FIELD_FLAGS, 0x20000f}, {FIELD_CHOICE, 1}}},
    {PHASE_JAIL, 0, 0, 5, {{FIELD_PATH, 0}, {FIELD_PATH, 0}, {FIELD_FLAGS, 0x1f}, {FIELD_FLAGS, 0x20000f}, {FIELD_ONE_BIT, 0x1e0000}}},
    {PHASE_JAIL, 0, 0, 5, {{FIELD_STRING, 0}, {FIELD_PATH, 0}, {FIELD_LIST, 0}, {FIELD_FLAGS, 0x2}, {FIELD_FLAGS, 0x20000f}}},
    {PHASE_JAIL, 0, 0, 4, {{FIELD_PATH, 0}, {FIELD_PATH, 0}, {FIELD_U32, 0}, {FIELD_U32, 0}}},
    {PHASE_JAIL, 0, 0, 2, {{FIELD_PATH, 0}, {FIELD_U32, 0}}},
    {PHASE_JAIL, 0, 0, 2, {{FIELD_PATH, 0}, {FIELD_STRING, 0}}},
    {PHASE_JAIL, 0, 0, 5, {{FIELD_PATH, 0}, {FIELD_BYTES, 0}, {FIELD_U32, 0}, {FIELD_FLAGS, 0x2}, {FIELD_FLAGS, 0x20000f}}},
    {PHASE_JAIL, 0, 0, 2, {{FIELD_PATH, 0}, {FIELD_FLAGS, 0x2}}},
    {PHASE_JAIL, 0, 0, 2, {{FIELD_PATH, 0}, {FIELD_FLAGS, 0x2}}},
    {PHASE_JAIL, 0, 0, 1, {{FIELD_PATH, 0}}},
    {PHASE_JAIL, 0, 0, 3, {{FIELD_PATH, 0}, {FIELD_FLAGS, 0x1}, {FIELD_FLAGS, 0x20000f}}},
    {PHASE_JAIL, 1, 0, 2, {{FIELD_PATH, 0}, {FIELD_PATH, 0}}},
    {PHASE_JAIL, 0, 0, 2, {{FIELD_STRING, 0}, {FIELD_STRING, 0}}},
    {PHASE_JAIL, 1, 0, 1, {{FIELD_STRING, 0}}},
    {PHASE_JAIL, 1, 0, 1, {{FIELD_STRING, 0}}},
    {PHASE_JAIL, 1, 0, 0, {{0, 0}}},
    {PHASE_JAIL, 1, 1, 0, {{0, 0}}},
    {PHASE_JAIL, 1, 0, 3, {{FIELD_U32, 0}, {FIELD_U32, 0}, {FIELD_CHOICE, 1}}},
    {PHASE_JAIL, 1, 1, 1, {{FIELD_U64, 0}}},
    {PHASE_JAIL, 1, 0, 0, {{0, 0}}},
    {PHASE_COMMAND, 1, 1, 1, {{FIELD_PATH, 0}}},
    {PHASE_COMMAND, 1, 0, 1, {{FIELD_U32, 0}}},
    {PHASE_COMMAND, 1, 0, 1, {{FIELD_I32, 0}}},
    {PHASE_COMMAND, 0, 0, 3, {{FIELD_CHOICE, 15}, {FIELD_U64, 0}, {FIELD_U64, 0}}},
    {PHASE_COMMAND, 1, 1, 4, {{FIELD_LIST, 0}, {FIELD_LIST, 0}, {FIELD_LIST, 0}, {FIELD_LIST, 0}}},
    {PHASE_COMMAND, 1, 0, 5, {{FIELD_FLAGS, 0xffff}, {FIELD_FLAGS, 0x3}, {FIELD_FLAGS, 0x3}, {FIELD_FLAGS, 0xffff}, {FIELD_FLAGS, 0xffff}}},
    {PHASE_COMMAND, 0, 0, 2, {{FIELD_PATH, 0}, {FIELD_FLAGS, 0xffff}}},
    {PHASE_COMMAND, 0, 0, 2, {{FIELD_U32, 0}, {FIELD_FLAGS, 0x3}}},
    {PHASE_COMMAND, 1, 0, 3, {{FIELD_BYTES, 0}, {FIELD_U32, 0}, {FIELD_U32, 0}}},
    {PHASE_COMMAND, 1, 0, 3, {{FIELD_BYTES, 0}, {FIELD_FLAGS, 0x2e}, {FIELD_I32, 0}}},
    {PHASE_COMMAND, 1, 1, 1, {{FIELD_LIST, 0}}},
};

/* By opcode - 1, by step, by reason, by errno. */
static const char op_names[][18] = {
    "fact_invocation",
    "fact_caller",
    "fact_machine",
    "fact_directory",
    "fact_variable",
    "fact_file",
    "fact_kind",
    "fact_link",
    "fact_landlock",
    "fact_mounts",
    "explain",
    "supervise",
    "pass_fd",
    "mount_point",
    "layer",
    "hold",
    "scratch_directory",
    "layer_server",
    "clone",
    "setgroups",
    "uid_map",
    "gid_map",
    "oom_score_adj",
    "time_offsets",
    "propagation",
    "stage",
    "root_tmpfs",
    "root_bind",
    "scratch",
    "root_overlay",
    "overlay",
    "bind",
    "mount",
    "device",
    "directory",
    "symlink",
    "file",
    "hide",
    "readonly",
    "pin",
    "attributes",
    "pty",
    "sysctl",
    "hostname",
    "domainname",
    "loopback",
    "pivot",
    "ids",
    "capabilities",
    "no_new_privs",
    "workdir",
    "umask",
    "nice",
    "rlimit",
    "environment",
    "landlock",
    "landlock_path",
    "landlock_port",
    "emulate",
    "seccomp",
    "command",
};
static const char step_names[][24] = {
    "none",
    "open",
    "openat2",
    "open_tree",
    "mount_setattr",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "mkdirat",
    "symlinkat",
    "mknodat",
    "unlinkat",
    "fstat",
    "fstatfs",
    "read",
    "write",
    "clone3",
    "fork",
    "unshare",
    "socketpair",
    "sendmsg",
    "recvmsg",
    "signalfd",
    "timerfd",
    "poll",
    "pidfd_open",
    "wait",
    "kill",
    "dup",
    "fcntl",
    "close_range",
    "ioctl",
    "mmap",
    "prctl",
    "capset",
    "setgroups",
    "setresgid",
    "setresuid",
    "sethostname",
    "setdomainname",
    "setsid",
    "socket",
    "pivot_root",
    "umount2",
    "chdir",
    "getcwd",
    "setpriority",
    "prlimit",
    "execve",
    "plan",
    "arguments",
    "keyctl",
    "sigprocmask",
    "seccomp",
    "landlock_create_ruleset",
    "landlock_add_rule",
    "landlock_restrict_self",
    "mount",
    "flock",
};
static const char reason_names[][20] = {
    "errno",
    "mount point missing",
    "wrong kind",
    "wrong device",
    "not procfs",
    "out of order",
    "init died",
    "credentials",
    "outside root",
    "setuid",
    "malformed",
    "no command",
    "no pty",
    "server ended",
    "other maker",
};
static const char errno_names[][13] = {
    "",
    "EPERM",
    "ENOENT",
    "ESRCH",
    "EINTR",
    "EIO",
    "ENXIO",
    "E2BIG",
    "ENOEXEC",
    "EBADF",
    "ECHILD",
    "EAGAIN",
    "ENOMEM",
    "EACCES",
    "EFAULT",
    "ENOTBLK",
    "EBUSY",
    "EEXIST",
    "EXDEV",
    "ENODEV",
    "ENOTDIR",
    "EISDIR",
    "EINVAL",
    "ENFILE",
    "EMFILE",
    "ENOTTY",
    "ETXTBSY",
    "EFBIG",
    "ENOSPC",
    "ESPIPE",
    "EROFS",
    "EMLINK",
    "EPIPE",
    "EDOM",
    "ERANGE",
    "EDEADLK",
    "ENAMETOOLONG",
    "ENOLCK",
    "ENOSYS",
    "ENOTEMPTY",
    "ELOOP",
};
#endif
