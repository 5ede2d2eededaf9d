/* SPDX-License-Identifier: MIT */
/* The life of a jail as the caller's process sees it: the phase `host`, clone3, the id maps, and
 * then one loop over signals, the messages of init, the terminal and the clock, until init has
 * ended and everything is undone. */
#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/sched.h>
#include <linux/signalfd.h>
#include <linux/time.h>

#include "monitor.h"

enum {
    SIG_HUP = 1,
    SIG_INT = 2,
    SIG_QUIT = 3,
    SIG_KILL = 9,
    SIG_PIPE = 13,
    SIG_TERM = 15,
    SIG_CHLD = 17,
    SIG_CONT = 18,
    SIG_STOP = 19
};
enum { SIG_TSTP = 20, SIG_TTIN = 21, SIG_TTOU = 22, SIG_WINCH = 28 };
enum { FROM_KERNEL = 0x80 /* SI_KERNEL, as for the keys of a terminal */ };
enum { BACKGROUND_CHECK_MILLISECONDS = 200, MAX_CHANNEL_ERRORS = 10 };

struct watch {
    int pid, pidfd;
    int parent; /* a pidfd of the process that started us, or -1 */
    int signals;
    int emulator; /* the process that answers for root emulation, or 0 */
    int ready, started, channel_ended, channel_errors;
    int has_status, status; /* of the command, as init told it */
    int timed_out, killed;
    int early;             /* a signal that ended the jail before there was a command to take it */
    s64 deadline, kill_at; /* milliseconds of CLOCK_MONOTONIC, or 0 */
    struct relay relay;
};

s64 now_milliseconds(void) {
    struct timespec64 now;

    sys(clock_gettime, CLOCK_MONOTONIC, &now);
    return now.seconds * 1000 + now.nanoseconds / 1000000;
}

/* So many milliseconds from now; what no clock will ever show is cut. */
static s64 after(u64 milliseconds) {
    const u64 most = 1ull << 52;

    return now_milliseconds() + (s64)(milliseconds < most ? milliseconds : most);
}

static void kill_jail(struct jail *jail, struct watch *watch) {
    struct message message = {.type = MESSAGE_KILL};

    watch->killed = 1;
    if (!(jail->namespaces & CLONE_NEWPID) && watch->started &&
        message_send(jail->socket, &message, -1) == 0)
        return;
    sys(pidfd_send_signal, watch->pidfd, SIG_KILL, NULL, 0);
}

static void send_signal(struct jail *jail, struct watch *watch, int number, int group) {
    struct message message = {.type = MESSAGE_SIGNAL, .value = number, .group = (u32)group};

    if (jail->supervise.flags & SUPERVISE_INIT)
        message_send(jail->socket, &message, -1);
    else
        sys(pidfd_send_signal, watch->pidfd, number, NULL, 0);
}

/* Every child of clone3's kind starts with these. CLONE_NEWTIME is a flag of clone3 alone. */
static long clone_init(struct jail *jail, int *pidfd) {
    u64 late = jail->late_network ? CLONE_NEWNET : 0;
    struct clone_args args = {.flags = CLONE_NEWUSER | CLONE_PIDFD | (jail->namespaces & ~late),
                              .pidfd = (u64)(size_t)pidfd,
                              .exit_signal = SIG_CHLD};
    long pid = sys(clone3, &args, sizeof args);

    /* filters of container engines answer one of these, so that libc falls back to clone(2) */
    if (pid != -ENOSYS && pid != -EPERM)
        return pid;
    jail->late_time = !!(jail->namespaces & CLONE_NEWTIME);
    return sys(clone, (args.flags & ~(u64)CLONE_NEWTIME) | SIG_CHLD, 0, pidfd, 0, 0);
}

static int start_init(struct jail *jail, struct watch *watch) {
    struct message go = {.type = MESSAGE_GO};
    int pair[2];
    long error = sys(socketpair, 1 /* AF_UNIX */, 5 /* SOCK_SEQPACKET */ | O_CLOEXEC, 0, pair), pid;

    if (error < 0)
        return fail(jail, STEP_SOCKETPAIR, error);
    /* but for whoever wants to know the namespaces' numbers: status_look() sees them all */
    jail->late_network = jail->namespaces & CLONE_NEWNET && jail->supervise.status_fd < 0;
    jail->failure.op = (s32)(plan_find(&jail->plan, OP_CLONE) - jail->plan.operation);
    pid = clone_init(jail, &watch->pidfd);
    if (pid < 0)
        return fail(jail, STEP_CLONE3, pid);
    if (pid == 0) {
        sys(close, pair[0]);
        jail->socket = pair[1];
        init(jail);
    }
    sys(close, pair[1]);
    jail->socket = pair[0];
    watch->pid = (int)pid;
    jail->failure.op = -1;
    if (host_write_maps(jail, watch->pid) < 0)
        return -1;
    status_look(jail, watch->pid);
    error = message_send(jail->socket, &go, -1);
    return error < 0 ? fail(jail, STEP_SENDMSG, error) : 0;
}

/* PR_SET_PDEATHSIG would speak of the thread that started us, and leave no time to tidy up. */
static int watch_parent(struct jail *jail, struct watch *watch) {
    long parent = sys(getppid), fd;

    watch->parent = -1;
    if (!(jail->supervise.flags & SUPERVISE_DIE_WITH_PARENT) || parent == 0)
        return 0; /* 0: a parent in another pid namespace */
    fd = sys(pidfd_open, parent, 0);
    if (fd >= 0)
        watch->parent = (int)fd;
    if (fd == -ESRCH || sys(getppid) != parent)
        return fail(jail, STEP_PIDFD_OPEN, -ESRCH);
    return fd < 0 ? fail(jail, STEP_PIDFD_OPEN, fd) : 0;
}

/* What the command has now is not kept open here too, or the other ends would never see it closed.
 */
static void let_go_of_descriptors(struct jail *jail) {
    const struct terminal *terminal = &jail->terminal;
    s64 status_fd = jail->supervise.status_fd;

    for (int fd = 0; fd < 3; fd++)
        if (fd != status_fd &&
            (terminal->master < 0 ||
             (fd != terminal->keyboard && fd != terminal->screen && fd != terminal->outer)))
            sys(close, fd);
    for (u32 i = 0; i < jail->passed_count; i++)
        if (jail->passed[i] != status_fd)
            sys(close, jail->passed[i]);
    sys(close, jail->plan_fd);
}

/* It may have ended before its SIGCHLD was one of our messages. */
static void reap_node(struct jail *jail) {
    if (jail->node && sys(wait4, jail->node, NULL, 1 /* WNOHANG */, NULL) != 0)
        jail->node = 0;
}

/* It answers for as long as there is a jail. Without it calls would fail that the profile promises
 * (ENOSYS), so the jail ends with it. */
static void miss_helpers(struct jail *jail, struct watch *watch) {
    if (watch->emulator && sys(wait4, watch->emulator, NULL, 1 /* WNOHANG */, NULL) != 0) {
        watch->emulator = 0;
        kill_jail(jail, watch);
    }
    /* and there are no layers without the program that lays them */
    if (server_missed())
        kill_jail(jail, watch);
}

static void note_start(struct jail *jail, struct watch *watch) {
    watch->started = 1;
    reap_node(jail);
    status_started(jail, watch->pid);
    let_go_of_descriptors(jail);
    if (!host_has_to_undo())
        release_start(jail);
}

/* To whoever answers in the filter's place: our caller has the other end of the socket, or, for
 * root emulation, a process of our own. */
static int pass_listener(struct jail *jail, struct watch *watch, int listener) {
    const struct operation *emulate = plan_find(&jail->plan, OP_EMULATE);
    const struct operation *op = emulate ? emulate : plan_find(&jail->plan, OP_SECCOMP);
    struct message empty = {0};
    long error;

    jail->failure.op = (s32)(op - jail->plan.operation);
    if (listener < 0)
        return fail(jail, STEP_RECVMSG, -EMFILE);
    error = emulate ? emulation_start(fields(emulate, emulate), listener)
                    : message_send((int)fields(op, seccomp)->notify_fd, &empty, listener);
    sys(close, listener);
    if (error < 0)
        return fail(jail, emulate ? STEP_FORK : STEP_SENDMSG, error);
    if (emulate)
        watch->emulator = (int)error;
    jail->failure.op = -1;
    return 0;
}

static void hear_init(struct jail *jail, struct watch *watch, const struct message *message,
                      int passed) {
    switch (message->type) {
    case MESSAGE_FAILED:
        jail->failure = message->failure;
        watch->ready = -1;
        break;
    case MESSAGE_PTY:
        if (passed < 0) { /* no room in our table of descriptors (unix(7), MSG_CTRUNC) */
            fail(jail, STEP_RECVMSG, -EMFILE);
            watch->ready = -1;
            break;
        }
        terminal_start(jail, passed);
        relay_start(&watch->relay, &jail->terminal);
        break;
    case MESSAGE_LISTENER:
        if (pass_listener(jail, watch, passed) < 0)
            watch->ready = -1;
        break;
    case MESSAGE_LAYERS:
        if (server_start(jail, message->value, passed) < 0)
            watch->ready = -1;
        sys(close, passed);
        break;
    case MESSAGE_READY:
        if (watch->ready)
            break;
        watch->ready = 1;
        if (jail->supervise.flags & SUPERVISE_INIT)
            note_start(jail, watch);
        break;
    case MESSAGE_STOPPED:
        if (jail->terminal.master < 0)
            break;
        relay_drain(&watch->relay, &jail->terminal);
        terminal_suspend(jail);
        break;
    case MESSAGE_EXITED:
        watch->has_status = 1;
        watch->status = message->value;
        break;
    }
}

static void read_channel(struct jail *jail, struct watch *watch) {
    struct message message;
    int passed;

    long result = message_receive(jail->socket, &message, &passed);

    if (result > 0) {
        hear_init(jail, watch, &message, passed);
        return;
    }
    /* The message is still queued (ENOBUFS, ENOMEM). Without a channel init ends by itself, with
     * the command's status. */
    if (result < 0 && watch->started && watch->channel_errors++ < MAX_CHANNEL_ERRORS)
        return;
    watch->channel_ended = 1;
    if (result < 0 && !watch->started) {
        fail(jail, STEP_RECVMSG, result);
        watch->ready = -1;
        return;
    }
    /* without an init: execve has closed its end */
    if (watch->ready == 1 && !watch->started)
        note_start(jail, watch);
}

/* SIGTSTP from outside. With a pty init tells us when the command has stopped, and MESSAGE_STOPPED
 * does the rest. */
static void stop_with_jail(struct jail *jail, struct watch *watch) {
    send_signal(jail, watch, SIG_STOP, 1);
    if (jail->terminal.master >= 0)
        return;
    suspend(0);
    send_signal(jail, watch, SIG_CONT, 1);
}

/* By the caller, as nohup(1) does it. */
static int is_ignored(u32 signal) {
    u64 action[4] = {0};

    return sys(rt_sigaction, signal, NULL, action, 8) == 0 && action[0] == 1;
}

static void hear_signal(struct jail *jail, struct watch *watch) {
    struct signalfd_siginfo info;

    if (sys(read, watch->signals, &info, sizeof info) != sizeof info)
        return;
    switch (info.ssi_signo) {
    case SIG_CHLD:
        reap_node(jail);
        miss_helpers(jail, watch);
        break;
    case SIG_PIPE:
        break;
    case SIG_WINCH:
        if (jail->terminal.master >= 0)
            terminal_resize(jail);
        else
            send_signal(jail, watch, SIG_WINCH, 0);
        break;
    case SIG_TSTP:
    case SIG_TTIN:
    case SIG_TTOU:
        stop_with_jail(jail, watch);
        break;
    case SIG_CONT:
        terminal_continue(jail);
        send_signal(jail, watch, SIG_CONT, 1);
        break;
    case SIG_HUP:
    case SIG_INT:
    case SIG_QUIT:
    case SIG_TERM:
        if (!watch->started && !is_ignored(info.ssi_signo)) {
            watch->early = (int)info.ssi_signo;
            kill_jail(jail, watch);
            break;
        }
        /* fall through */
    default:
        send_signal(jail, watch, (int)info.ssi_signo, info.ssi_code == FROM_KERNEL);
    }
}

static void check_clock(struct jail *jail, struct watch *watch) {
    s64 now;

    terminal_check_foreground(jail);
    if (!watch->deadline && !watch->kill_at)
        return;
    now = now_milliseconds();
    if (watch->deadline && now >= watch->deadline) {
        watch->deadline = 0;
        watch->timed_out = 1;
        if (!watch->started) {
            kill_jail(jail, watch);
            return;
        }
        send_signal(jail, watch, SIG_TERM, 1);
        send_signal(jail, watch, SIG_CONT, 1);
        if (jail->supervise.kill_after)
            watch->kill_at = after(jail->supervise.kill_after);
    }
    if (watch->kill_at && now >= watch->kill_at) {
        watch->kill_at = 0;
        kill_jail(jail, watch);
    }
}

static struct timespec64 *time_to_wait(const struct jail *jail, const struct watch *watch,
                                       struct timespec64 *time) {
    s64 until = watch->deadline ? watch->deadline : watch->kill_at;
    s64 wait = until ? until - now_milliseconds() : -1;

    if (jail->terminal.background && (wait < 0 || wait > BACKGROUND_CHECK_MILLISECONDS))
        wait = BACKGROUND_CHECK_MILLISECONDS;
    else if (!until)
        return NULL;
    wait = wait < 0 ? 0 : wait + 1;
    *time = (struct timespec64){wait / 1000, wait % 1000 * 1000000};
    return time;
}

enum { SIGNALS, CHANNEL, INIT, PARENT, KEYBOARD, MASTER, SCREEN, SOURCES };

/* Until init has ended, or has told why it could not start. */
static void watch_jail(struct jail *jail, struct watch *watch) {
    struct pollfd poll[SOURCES];

    while (watch->ready >= 0) {
        struct timespec64 time;

        poll[SIGNALS] = (struct pollfd){watch->signals, POLLIN, 0};
        poll[CHANNEL] = (struct pollfd){watch->channel_ended ? -1 : jail->socket, POLLIN, 0};
        poll[INIT] = (struct pollfd){watch->pidfd, POLLIN, 0};
        poll[PARENT] = (struct pollfd){watch->parent, POLLIN, 0};
        relay_watch(&watch->relay, &jail->terminal, &poll[KEYBOARD], &poll[MASTER], &poll[SCREEN]);
        /* Before the command is the foreground group of its terminal, ^C would reach nobody. The
         * caller's terminal keeps the keys until then. */
        if (!watch->started)
            poll[KEYBOARD].fd = -1;
        if (sys(ppoll, poll, SOURCES, time_to_wait(jail, watch, &time), NULL, 8) < 0)
            continue;
        if (poll[CHANNEL].revents)
            read_channel(jail, watch);
        else if (poll[INIT].revents)
            return;
        /* first all that init has told: the signal may be for a command that has started */
        if (poll[SIGNALS].revents && !poll[CHANNEL].revents)
            hear_signal(jail, watch);
        if (poll[PARENT].revents) {
            watch->parent = -1;
            kill_jail(jail, watch);
        }
        relay_move(&watch->relay, &jail->terminal, &poll[KEYBOARD], &poll[MASTER], &poll[SCREEN]);
        check_clock(jail, watch);
    }
}

/* Ends what is left of it, and undoes everything on the host. */
static int finish(struct jail *jail, struct watch *watch, struct usage *usage) {
    int status = EXIT_TSJAIL << 8, is_lost;

    if (watch->pid > 0) {
        if (!watch->started)
            sys(pidfd_send_signal, watch->pidfd, SIG_KILL, NULL, 0);
        while (sys(wait4, watch->pid, &status, 0, usage) == -EINTR)
            ;
    }
    if (jail->terminal.master >= 0)
        relay_drain(&watch->relay, &jail->terminal);
    terminal_restore(jail);
    host_undo();
    is_lost = server_end();
    if (watch->emulator) {
        sys(kill, watch->emulator, SIG_KILL);
        while (sys(wait4, watch->emulator, NULL, 0, NULL) == -EINTR)
            ;
    }
    scratch_end(jail);
    /* it may still be keeping the plan, which the next start is to find */
    while (jail->node && sys(wait4, jail->node, NULL, 0, NULL) == -EINTR)
        ;
    /* that what the command read was gone (SIGBUS) is not its own end */
    if (watch->has_status && !is_lost)
        return watch->status;
    return watch->killed || is_lost ? SIG_KILL : status;
}

/* Ignored by whoever started us it would stay ignored through execve, and the kernel would reap
 * our children, and those of init, before we could ask how they ended (wait(2), NOTES). */
static void expect_children(struct jail *jail) {
    u64 action[4] = {0}, before[4] = {0};

    sys(rt_sigaction, SIG_CHLD, action, before, 8);
    jail->ignores_children = before[0] == 1;
}

/* What has to be there before anything is made: our signals as messages, the caller's descriptors.
 */
static int prepare(struct jail *jail, struct watch *watch) {
    /* all but those that a bug of our own raises: ILL TRAP BUS FPE SEGV SYS */
    u64 mask = ~0ull & ~(1ull << 3 | 1ull << 4 | 1ull << 6 | 1ull << 7 | 1ull << 10 | 1ull << 30);
    long error = sys(rt_sigprocmask, 2 /* SIG_SETMASK */, &mask, &jail->signal_mask, sizeof mask);

    if (error < 0)
        return fail(jail, STEP_SIGPROCMASK, error);
    expect_children(jail);
    if (host_take_descriptors(jail) < 0)
        return -1;
    watch->signals = (int)sys(signalfd4, -1, &mask, sizeof mask, O_CLOEXEC | O_NONBLOCK);
    if (watch->signals < 0)
        return fail(jail, STEP_SIGNALFD, watch->signals);
    if (jail->supervise.timeout)
        watch->deadline = after(jail->supervise.timeout);
    return terminal_look(jail) < 0 ? -1 : watch_parent(jail, watch);
}

int monitor(struct jail *jail) {
    struct watch watch = {.parent = -1};
    struct usage usage = {0};
    struct text said = {0};
    int status, is_blamed = 0;

    jail->failure = (struct failure){.op = -1};
    jail->terminal = (struct terminal){.keyboard = -1, .screen = -1, .outer = -1, .master = -1};
    jail->supervise = *fields(plan_find(&jail->plan, OP_SUPERVISE), supervise);
    if (prepare(jail, &watch) == 0 && host_set_up(jail) == 0 && start_init(jail, &watch) == 0)
        watch_jail(jail, &watch);
    else
        watch.ready = -1;
    if (!watch.started)
        is_blamed = server_blame(jail, &said);
    status = finish(jail, &watch, &usage);
    if (!watch.started) {
        if (watch.timed_out || watch.early)
            return watch.timed_out ? EXIT_TIMEOUT : 128 + watch.early;
        if (watch.ready >= 0 && !is_blamed)
            jail->failure = (struct failure){-1, STEP_WAIT, REASON_INIT_DIED, status & 0x7f};
        jail->said = said.data;
        explain_and_exit(jail);
    }
    status_exited(jail, status, watch.timed_out, &usage);
    return watch.timed_out ? EXIT_TIMEOUT : exit_code(status);
}
