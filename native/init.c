/* SPDX-License-Identifier: MIT */
/* Pid 1 of the jail: waits for its id maps, carries out the phase `jail`, forks the command
 * (command.c), and then reaps, delivers signals and tells the monitor how the command ended. It
 * holds no privilege by then, cannot be traced (it is not dumpable) and hears only the monitor. */
#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/signalfd.h>

#include "monitor.h"

enum { SIGCHLD_NUMBER = 17, SIGKILL_NUMBER = 9, SIGCONT_NUMBER = 18 };
enum { NO_HANG = 1, UNTRACED = 2, ALL_CHILDREN = 0x40000000 };

static int has_own_pids(const struct jail *jail) {
    return !!(jail->namespaces & CLONE_NEWPID);
}

static void report_and_exit(struct jail *jail) {
    struct message message = {.type = MESSAGE_FAILED, .failure = jail->failure};

    /* not sendmsg(2), which the command's filter may refuse */
    while (sys(write, jail->socket, &message, sizeof message) == -EINTR)
        ;
    sys_exit(EXIT_TSJAIL);
}

/* With a pid namespace of our own the kernel ends everything in it with us, and us with the
 * monitor. The signal is forgotten when ids change (prctl(2)), hence twice. */
static void die_with_monitor(struct jail *jail) {
    struct pollfd channel = {jail->socket, 0, 0};
    struct timespec64 now = {0, 0};
    long error = has_own_pids(jail) ? sys(prctl, PR_SET_PDEATHSIG, SIGKILL_NUMBER, 0, 0, 0)
                                    : sys(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

    if (error >= 0)
        error = sys(ppoll, &channel, 1, &now, NULL, 8);
    if (error < 0) {
        fail(jail, STEP_PRCTL, error);
        report_and_exit(jail);
    }
    if (error > 0 && channel.revents & (POLLHUP | POLLERR))
        sys_exit(EXIT_TSJAIL);
}

/* CLONE_NEWTIME is a flag of clone3 alone. Where that is refused the namespace is made here, for
 * the command; op_time_offsets makes its own in any case. */
static void make_late_time(struct jail *jail) {
    long error;

    if (!jail->late_time || plan_find(&jail->plan, OP_TIME_OFFSETS))
        return;
    jail->failure.op = (s32)(plan_find(&jail->plan, OP_CLONE) - jail->plan.operation);
    error = sys(unshare, CLONE_NEWTIME);
    if (error < 0)
        fail(jail, STEP_UNSHARE, error);
    if (error < 0 || enter_time_namespace(jail) < 0)
        report_and_exit(jail);
    jail->failure.op = -1;
}

static void carry_out(struct jail *jail) {
    for (u32 i = 0; i < jail->plan.count; i++) {
        if (jail->plan.operation[i].phase != PHASE_JAIL)
            continue;
        jail->failure.op = (s32)i;
        if (set_up(jail, &jail->plan.operation[i]) < 0)
            report_and_exit(jail);
    }
    jail->failure.op = -1;
}

/* Its memory and its files in /proc are nobody's business but the host's: it knows paths there. */
static void become_untraceable(struct jail *jail) {
    long error = sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);

    if (error >= 0 && sys(prctl, PR_GET_DUMPABLE, 0, 0, 0, 0) == 0)
        return;
    fail(jail, STEP_PRCTL, error);
    report_and_exit(jail);
}

/* A session of its own: no terminal of the caller's is its controlling terminal, so TIOCSTI has no
 * effect. With a pty, init leads the session, so that the command's process group is not an
 * orphaned one and can be stopped. */
static void make_session(struct jail *jail) {
    long error = sys(setsid);

    if (error < 0) {
        fail(jail, STEP_SETSID, error);
        report_and_exit(jail);
    }
    if (jail->slave >= 0) {
        error = sys(ioctl, jail->slave, TIOCSCTTY, 0);
        if (error < 0) {
            fail(jail, STEP_IOCTL, error);
            report_and_exit(jail);
        }
    }
}

static void become_command(struct jail *jail) {
    if (!(jail->supervise.flags & SUPERVISE_INIT)) {
        execute(jail);
        report_and_exit(jail);
    }
    if (!has_own_pids(jail))
        sys(prctl, PR_SET_PDEATHSIG, SIGKILL_NUMBER, 0, 0, 0);
    if (jail->slave >= 0) {
        int group = (int)sys(getpid);
        long error = sys(setpgid, 0, 0);
        if (error >= 0)
            error = sys(ioctl, jail->slave, TIOCSPGRP, &group);
        if (error < 0) {
            fail(jail, STEP_IOCTL, error);
            report_and_exit(jail);
        }
    } else {
        make_session(jail);
    }
    execute(jail);
    report_and_exit(jail);
}

static void begin_command(void *jail) {
    become_command(jail);
}

/* We go on when the command has been executed, or has told the monitor why it could not be: until
 * then it has the use of our memory (CLONE_VFORK), which costs less than a copy of it. */
static int fork_command(struct jail *jail) {
    static char stack[32768] __attribute__((aligned(16)));
    struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK,
                              .exit_signal = SIGCHLD_NUMBER,
                              .stack = (u64)(size_t)stack,
                              .stack_size = sizeof stack};
    long pid = spawn(&args, begin_command, jail);

    if (pid == -ENOSYS || pid == -EPERM) { /* as in clone_init() */
        pid = sys(clone, CLONE_VFORK | SIGCHLD_NUMBER, 0, 0, 0, 0);
        if (pid == 0)
            become_command(jail);
    }
    if (pid < 0) {
        fail(jail, STEP_FORK, pid);
        report_and_exit(jail);
    }
    return (int)pid;
}

/* The words of the command line, in one piece, where forget_caller() leaves them alone. */
static void keep_command(struct jail *jail) {
    size_t count = 0, length = 0;
    char **copy, *text;

    for (; jail->command && jail->command[count]; count++)
        length += strlen(jail->command[count]) + 1;
    if (!count)
        return;
    copy = allocate((count + 1) * sizeof *copy);
    text = allocate(length);
    for (size_t i = 0; i < count; i++) {
        length = strlen(jail->command[i]) + 1;
        copy[i] = memcpy(text, jail->command[i], length);
        text += length;
    }
    copy[count] = NULL;
    jail->command = copy;
}

extern char **inherited_environment;

/* What /proc/1 would show of the caller: its command line, and the environment that it started us
 * with. Neither is needed any more in this process. */
static void forget_caller(struct jail *jail) {
    static const char name[] = "tsjail";
    char **word = jail->argv;
    char *begin = *word, *end = begin;

    if (!begin)
        return;
    for (; *word; word++)
        end = *word + strlen(*word) + 1;
    for (word++; *word; word++)
        end = *word + strlen(*word) + 1;
    if (end > begin + sizeof name) {
        memset(begin, 0, (size_t)(end - begin));
        memcpy(begin, name, sizeof name);
    }
}

/* Without a pid namespace nothing ends our descendants but us. They all come to us when their
 * parents die, since we are a subreaper, so each round reaches the next generation. */
static void end_descendants(int children) {
    static char list[65536];
    long n, killed, idle = 0;

    do {
        killed = 0;
        n = sys(pread64, children, list, sizeof list, 0);
        for (long i = 0, pid = 0; i < n; i++) {
            if (list[i] >= '0' && list[i] <= '9') {
                pid = pid * 10 + (list[i] - '0');
            } else if (pid) {
                killed += sys(kill, pid, SIGKILL_NUMBER) == 0;
                pid = 0;
            }
        }
        idle = killed ? 0 : idle + 1;
        for (; killed > 0; killed--)
            sys(wait4, -1, NULL, ALL_CHILDREN, NULL);
        /* idle: what is left can't be killed by us (another id of a mapped range) */
    } while (n >= 0 && idle < 100 && sys(wait4, -1, NULL, NO_HANG | ALL_CHILDREN, NULL) != -ECHILD);
}

/* Everything that init serves with once the command runs. */
struct service {
    int command;
    int signals;  /* a signalfd for SIGCHLD */
    int children; /* /proc/self/task/TID/children, or -1 */
};

/* Our own status says what the command's was, should the message about it be lost; without one it
 * never looks like success. */
static void end_jail(struct jail *jail, const struct service *service, int status) {
    if (!has_own_pids(jail))
        end_descendants(service->children);
    sys_exit(status);
}

/* The command's end is the jail's end. */
static void reap(struct jail *jail, const struct service *service) {
    struct message message = {0};
    int status;
    long pid;

    while ((pid = sys(wait4, -1, &status, NO_HANG | UNTRACED | ALL_CHILDREN, NULL)) != 0) {
        if (pid < 0)
            end_jail(jail, service, EXIT_TSJAIL); /* there is no way to hear of the command again */
        if (pid != service->command)
            continue;
        message.value = status;
        if ((status & 0xff) == 0x7f) {
            message.type = MESSAGE_STOPPED;
            message.value = (status >> 8) & 0xff;
            if (jail->slave >= 0)
                message_send(jail->socket, &message, -1);
            continue;
        }
        message.type = MESSAGE_EXITED;
        message_send(jail->socket, &message, -1);
        end_jail(jail, service, exit_code(status));
    }
}

static void obey(struct jail *jail, const struct service *service, const struct message *message) {
    switch (message->type) {
    case MESSAGE_SIGNAL:
        sys(kill, message->group ? -service->command : service->command, message->value);
        break;
    case MESSAGE_CONTINUE:
        sys(kill, -service->command, SIGCONT_NUMBER);
        break;
    case MESSAGE_KILL:
        end_jail(jail, service, EXIT_TSJAIL);
        break;
    }
}

static void serve(struct jail *jail, const struct service *service) {
    struct signalfd_siginfo info;
    struct message message;
    struct pollfd poll[2];

    while (1) {
        poll[0] = (struct pollfd){service->signals, POLLIN, 0};
        poll[1] = (struct pollfd){jail->socket, POLLIN, 0};
        if (sys(ppoll, poll, 2, NULL, NULL, 8) < 0)
            continue;
        if (poll[1].revents) {
            if (message_receive(jail->socket, &message, NULL) <= 0)
                end_jail(jail, service, EXIT_TSJAIL);
            obey(jail, service, &message);
        }
        if (poll[0].revents) {
            sys(read, service->signals, &info, sizeof info);
            reap(jail, service);
        }
    }
}

static long open_children(const struct jail *jail) {
    struct text path = {0};

    if (has_own_pids(jail))
        return -1;
    text_add(&path, "/proc/self/task/");
    text_add_number(&path, sys(gettid));
    text_add(&path, "/children");
    return sys(openat, AT_FDCWD, path.data, O_RDONLY | O_CLOEXEC);
}

static struct service prepare_service(struct jail *jail) {
    u64 mask = 1ull << (SIGCHLD_NUMBER - 1);
    struct service service = {.children = -1};
    long fd = sys(signalfd4, -1, &mask, sizeof mask, O_CLOEXEC | O_NONBLOCK);

    service.signals = (int)fd;
    if (fd < 0)
        fail(jail, STEP_SIGNALFD, fd);
    else if (!has_own_pids(jail)) {
        fd = open_children(jail);
        service.children = (int)fd;
        if (fd < 0)
            fail(jail, STEP_OPEN, fd);
    }
    if (fd < 0)
        report_and_exit(jail);
    return service;
}

/* All but what init goes on with. The locks are among it: they are not to end before the jail. */
static void close_rest(const struct jail *jail, const struct service *service) {
    int keep[MAX_HELD + 6] = {jail->socket,     jail->slave,       jail->layer,
                              service->signals, service->children, jail->scratch_lock};

    memcpy(keep + 6, jail->held, jail->held_count * sizeof *keep);
    close_others(keep, 6 + jail->held_count);
}

void init(struct jail *jail) {
    struct message message = {0};
    struct service service;

    jail->failure = (struct failure){.op = -1};
    jail->directory.fd = -1;
    die_with_monitor(jail);
    start_network(jail);
    if (message_receive(jail->socket, &message, NULL) <= 0 || message.type != MESSAGE_GO)
        sys_exit(EXIT_TSJAIL);
    keep_command(jail);
    jail->environment = make_environment(jail, inherited_environment);
    forget_caller(jail);
    if (leave_keyring(jail) < 0)
        report_and_exit(jail);
    service = prepare_service(jail);
    jail->umask = (u32)sys(umask, 0);
    make_late_time(jail);
    carry_out(jail);
    become_untraceable(jail);
    die_with_monitor(jail);
    if (jail->slave >= 0 || !(jail->supervise.flags & SUPERVISE_INIT))
        make_session(jail);
    if (!(jail->supervise.flags & SUPERVISE_INIT))
        become_command(jail);
    service.command = fork_command(jail);
    message = (struct message){.type = MESSAGE_READY};
    if (message_send(jail->socket, &message, -1) < 0)
        end_jail(jail, &service, EXIT_TSJAIL);
    /* or whoever reads what the command writes would wait for us */
    sys(close_range, 0, 2, 0);
    close_rest(jail, &service);
    release_start(jail);
    serve(jail, &service);
}
