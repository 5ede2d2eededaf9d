/* SPDX-License-Identifier: MIT */
/* What the parts of the executor share: the state of one jail, how a failure is told, and the
 * messages between the monitor and init. Read main.c first, then monitor.c, init.c, and mount.c,
 * setup.c, command.c for the operations. */
#ifndef TSJAIL_JAIL_H
#define TSJAIL_JAIL_H
#include <asm/termbits.h>
#include <asm/termios.h>

#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>

#include "wire.h"

enum { EXIT_TSJAIL = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, EXIT_TIMEOUT = 124 };

/* Why a start failed: which operation (-1: none), doing what, and the kernel's errno (positive). */
struct failure {
    s32 op;
    u32 step;
    u32 reason;
    s32 error;
};

/* Between the monitor and init, over a socket pair that keeps messages apart. */
enum message_type {
    MESSAGE_GO = 1,   /* to init: the id maps are written */
    MESSAGE_SIGNAL,   /* to init: `value` to the command, or with `group` to its process group */
    MESSAGE_CONTINUE, /* to init: the command was stopped with the monitor and goes on */
    MESSAGE_KILL,     /* to init: end everything, where the kernel does not do it with init */
    MESSAGE_FAILED,   /* from init: `failure` */
    MESSAGE_PTY,      /* from init: the jail's pty, as a descriptor */
    MESSAGE_LISTENER, /* from the command: the listener of its filter, as a descriptor */
    MESSAGE_LAYERS,   /* from init: the connection of the FUSE file system that operation `value`
                         makes */
    MESSAGE_READY,    /* from init: the command has been executed */
    MESSAGE_STOPPED,  /* from init: the command was stopped by signal `value` */
    MESSAGE_EXITED,   /* from init: the command's wait status is `value` */
};
struct message {
    u32 type;
    s32 value;
    u32 group;
    struct failure failure;
};
/* 0 or a negative errno; `pass` is a descriptor to send along, or -1. */
long message_send(int socket, const struct message *message, int pass);
/* 1, 0 at the end of the channel, or a negative errno; `passed` gets the descriptor that came
 * along, or -1. */
long message_receive(int socket, struct message *message, int *passed);

/* The exit status of a shell for a wait status: 128+n for signal n. */
int exit_code(int status);

struct terminal {
    int wanted;         /* bit n: descriptor n of the command becomes the jail's pty */
    int keyboard;       /* the descriptor that is read, or -1 */
    int screen;         /* the descriptor that is written, or -1 */
    int outer;          /* the caller's terminal, for its modes and size, or -1 */
    int master;         /* our end of the jail's pty, or -1 */
    int raw;            /* the caller's terminal is in raw mode */
    int background;     /* we are not its foreground process group */
    int borrowed_modes; /* the pty still has the modes that a line editor had set */
    int input_ended;
    struct termios modes; /* the caller's terminal as we found it */
    struct winsize size;
};

/* A directory of the jail that is held open. */
struct directory {
    const char *path; /* from `length` on it is something else */
    size_t length;
    int fd;        /* or -1 */
    int is_own;    /* names made in it appear only in the jail */
    int is_staged; /* and it lies on the stage */
};

/* One jail. The monitor fills in the first part; init has a copy of it from clone3 and fills in the
 * second. */
struct jail {
    struct plan plan;
    int plan_fd;
    int node;       /* the process that has compiled the plan and is ending now, or 0 */
    char **command; /* from the command line, or NULL: the plan's */
    char **argv;    /* our own, to be wiped in init */
    struct op_supervise supervise;
    u64 namespaces;
    u64 signal_mask;      /* the caller's */
    int ignores_children; /* the caller ignored SIGCHLD, and so does the command */
    char **environment;   /* the command's */
    int passed[MAX_PASSED_FDS];
    u32 passed_count;
    struct terminal terminal;
    int socket;         /* to the other side */
    int layer;          /* the lock of a kept layer, or -1 */
    int is_layer_busy;  /* another jail has it */
    int held[MAX_HELD]; /* the locks of volumes and the image */
    u32 held_count;
    char scratch_name[32]; /* of the directory on disk for what is thrown away, or empty */
    int scratch_lock;      /* that directory, locked, or -1 */
    struct failure failure;
    const char *said; /* what a program said whose end is the failure, or NULL */

    int root;                   /* the new root, or -1 */
    int stage;                  /* the hidden tmpfs, or -1 */
    int scratch;                /* where layers lie that are thrown away, or -1 */
    int proc;                   /* the root of a procfs for this pid namespace, or -1 */
    int slave;                  /* the command's end of the pty, or -1 */
    int ruleset;                /* of Landlock, for the command, or -1 */
    int staged;                 /* files made on the stage so far */
    int late_network;           /* init makes the network namespace (network.c) */
    int late_time;              /* clone3 was refused: init makes the time namespace with unshare */
    struct directory directory; /* of the last target */
    u64 stage_device;           /* its number, or 0 */
    u64 *own;                   /* device numbers of the jail's own file systems */
    u32 own_count;
    u32 umask; /* the caller's */
};

/* Notes what failed and returns -1: `return fail(jail, STEP_OPEN, fd)` where fd is a negative
 * errno. */
int fail(struct jail *jail, enum step step, long error);
int fail_because(struct jail *jail, enum step step, enum reason reason);

/* fail.c: the end of a start that failed, in the monitor, after everything has been undone. Does
 * not return. */
void explain_and_exit(struct jail *jail);

/* Runs one operation of the phase `jail`, or `command`. 0, or -1 with jail->failure set (but for
 * its `op`). */
int set_up(struct jail *jail, const struct operation *op);
int prepare_command(struct jail *jail, const struct operation *op);

/* mount.c */
int op_propagation(struct jail *jail, const struct op_propagation *op);
int op_stage(struct jail *jail);
int op_root_tmpfs(struct jail *jail, const struct op_root_tmpfs *op);
int op_root_bind(struct jail *jail, const struct op_root_bind *op);
int op_scratch(struct jail *jail, const struct op_scratch *op);
int op_root_overlay(struct jail *jail, const struct op_root_overlay *op);
int op_overlay(struct jail *jail, const struct op_overlay *op);
int op_bind(struct jail *jail, const struct op_bind *op);
int op_mount(struct jail *jail, const struct op_mount *op);
int op_device(struct jail *jail, const struct op_device *op);
int op_directory(struct jail *jail, const struct op_directory *op);
int op_symlink(struct jail *jail, const struct op_symlink *op);
int op_file(struct jail *jail, const struct op_file *op);
int op_hide(struct jail *jail, const struct op_hide *op);
int op_readonly(struct jail *jail, const struct op_readonly *op);
int op_pin(struct jail *jail, const struct op_pin *op);
int op_attributes(struct jail *jail, const struct op_attributes *op);
int op_pivot(struct jail *jail);
int open_own_proc(struct jail *jail);
int is_of_type(int fd, long magic);

int set_attributes(struct jail *jail, int mount, const struct mount_attr *attr, u32 flags);
int make_mount(struct jail *jail, const char *fstype, const struct blob *options, u64 attributes);
int attach_at(struct jail *jail, int mount, const char *path, int is_directory);
int attach_over_root(struct jail *jail, int mount);

/* setup.c: one write(2); and into the time namespace that unshare(2) has made */
int write_file(struct jail *jail, const char *path, const char *value);
int enter_time_namespace(struct jail *jail);

/* openat2(2), tried again where the kernel could not be sure; what a path may not leave, or cross.
 */
long open_below(int root, const char *path, u64 flags, u64 resolve_flags);
#define IN_ROOT (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

/* A descriptor (O_PATH) of what `path` is below the new root, or a negative errno. */
long resolve(const struct jail *jail, const char *path);

/* target.c: where something goes. A new name in a directory, or a descriptor and no name. */
struct target {
    int directory;
    int is_new;
    char name[256];
};
/* Names made in this file system, or directory of it, appear only in the jail. 0 or a negative
 * errno. */
long remember_own(struct jail *jail, int fd);
/* The directory of `path`, as jail->directory, and its last name; 0, or -1 with jail->failure set.
 */
int enter_parent(struct jail *jail, const char *path, char name[256]);
void forget_directory(struct jail *jail);
/* What is there, or made first where it is missing and its place is ours. To be left again. */
int find_target(struct jail *jail, const char *path, int is_directory, u64 mode,
                struct target *target);
int find_mount_point(struct jail *jail, const char *path, int is_directory, struct target *target);
void leave_target(const struct target *target);
int attach(struct jail *jail, int mount, const struct target *target);

/* terminal.c */
int terminal_look(struct jail *jail);                   /* monitor, before clone */
int op_pty(struct jail *jail, const struct op_pty *op); /* init */
void terminal_start(struct jail *jail, int master);     /* monitor */
void terminal_resize(struct jail *jail);                /* monitor, on SIGWINCH */
void terminal_suspend(struct jail *jail);               /* monitor: stops it with the command */
void terminal_continue(struct jail *jail);              /* monitor, on SIGCONT */
int is_terminal(int fd);
int is_foreground(const struct terminal *terminal);
void suspend(int whole_group);
void terminal_restore(struct jail *jail);          /* monitor, on every way out */
void terminal_check_foreground(struct jail *jail); /* monitor, while in the background */

/* descriptors.c: closes everything above 2 but these; a negative number stands for none. */
void close_others(const int *keep, u32 count);
/* Whether what is open lies at a path, a link there not followed; "" is the directory itself. 1, 0
 * or a negative errno. */
int lies_at(int fd, int directory, const char *path);

/* network.c: its namespace is begun early, and entered where it is needed. */
void start_network(struct jail *jail);
int join_network(struct jail *jail);
int op_loopback(struct jail *jail);

/* spawn.c: clone3(2) of something that shares our memory, from `begin` on. */
long spawn(struct clone_args *args, void (*begin)(void *), void *argument);

/* seccomp.c: the command's filters of system calls. 0, or -1 with jail->failure set. */
int load_emulation(struct jail *jail, const struct op_emulate *op);
int load_filter(struct jail *jail, const struct op_seccomp *op);

/* landlock.c: its rules, and what puts them in force. 0, or -1 with jail->failure set. */
int op_landlock(struct jail *jail, const struct op_landlock *op);
int op_landlock_path(struct jail *jail, const struct op_landlock_path *op);
int op_landlock_port(struct jail *jail, const struct op_landlock_port *op);
int restrict_command(struct jail *jail);

/* keyring.c: none of the caller's keys is the jail's. */
int leave_keyring(struct jail *jail);

/* init.c: pid 1. Does not return. */
void init(struct jail *jail);
/* environment.c: the command's, with room for one more variable. Copies what it takes. */
char **make_environment(const struct jail *jail, char *const *inherited);
/* The value, or NULL. */
const char *find_variable(char *const *environment, const char *name);
/* $PATH, or what is searched without one. */
const char *find_search_path(char *const *environment);
/* setup.c: these capabilities and no others, through execve too (ambient, capabilities(7)). 0, or
 * -1 with jail->failure set. */
int retain_capabilities(struct jail *jail, u64 keep);
/* command.c: becomes the command, or returns with jail->failure set. */
void execute(struct jail *jail);

/* monitor.c: the whole life of a jail. Returns the exit status. */
int monitor(struct jail *jail);

/* memory.c: zero-filled, until the start is over. */
void *allocate(size_t length);
/* Gives all of that back, the plan with it, and what the stack took once below what is in use. */
void release_start(struct jail *jail);

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

#endif
