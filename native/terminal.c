/* SPDX-License-Identifier: MIT */
/* The jail's own terminal: a pty from the jail's devpts, of which the monitor holds the other end
 * and copies bytes between it and the caller's terminal. The jail never has a descriptor of the
 * caller's terminal, so no ioctl of the jail's (TIOCSTI, TIOCLINUX, TIOCSETD, termios) reaches it.
 * What calls this is monitor.c, and init.c for op_pty. */
#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#include "jail.h"

int is_terminal(int fd) {
    struct termios modes;

    /* one that has been hung up gives EIO; it is as dead for the jail as for us */
    return sys(ioctl, fd, TCGETS, &modes) == 0;
}

static int pick(int wanted, int first, int second, int third) {
    if (wanted & (1 << first))
        return first;
    return wanted & (1 << second) ? second : third;
}

int terminal_look(struct jail *jail) {
    struct terminal *terminal = &jail->terminal;

    *terminal = (struct terminal){.keyboard = -1, .screen = -1, .outer = -1, .master = -1};
    if (jail->supervise.tty == TTY_NEVER)
        return 0;
    for (int fd = 0; fd < 3; fd++)
        if (is_terminal(fd))
            terminal->wanted |= 1 << fd;
    if (terminal->wanted) {
        terminal->outer = pick(terminal->wanted, 0, 1, 2);
        sys(ioctl, terminal->outer, TCGETS, &terminal->modes);
        sys(ioctl, terminal->outer, TIOCGWINSZ, &terminal->size);
    }
    if (terminal->wanted & 1)
        terminal->keyboard = 0;
    if (terminal->wanted)
        terminal->screen = pick(terminal->wanted, 1, 2, 0);
    if (jail->supervise.tty == TTY_ALWAYS) {
        terminal->wanted = 7;
        terminal->keyboard = 0;
        terminal->screen = 1;
    }
    /* or the jail would get the caller's own terminal */
    if (terminal->wanted && !plan_find(&jail->plan, OP_PTY))
        return fail_because(jail, STEP_NONE, REASON_NO_PTY);
    return 0;
}

/* What was opened has to be a pty of a devpts: the jail's root could hold anything under that name.
 */
static int check_slave(struct jail *jail, int fd) {
    struct stat stat;

    if (!is_of_type(fd, DEVPTS_SUPER_MAGIC) || sys(newfstatat, fd, "", &stat, AT_EMPTY_PATH) < 0 ||
        !S_ISCHR(stat.st_mode))
        return fail_because(jail, STEP_FSTAT, REASON_WRONG_DEVICE);
    return 0;
}

static int attach_console(struct jail *jail, const char *console) {
    long mount =
        sys(open_tree, jail->slave, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    struct target target;
    int result;

    if (mount < 0)
        return fail(jail, STEP_OPEN_TREE, mount);
    if (find_mount_point(jail, console, 0, &target) < 0)
        return -1;
    result = attach(jail, (int)mount, &target);
    leave_target(&target);
    sys(close, mount);
    return result;
}

int op_pty(struct jail *jail, const struct op_pty *op) {
    struct message message = {.type = MESSAGE_PTY};
    int unlocked = 0;
    long master, error;

    if (!jail->terminal.wanted)
        return 0;
    if (jail->root < 0)
        return fail_because(jail, STEP_OPENAT2, REASON_OUT_OF_ORDER);
    master = open_below(jail->root, op->ptmx, O_RDWR | O_NOCTTY | O_NONBLOCK, IN_ROOT);
    if (master < 0)
        return fail(jail, STEP_OPENAT2, master);
    error = sys(ioctl, master, TIOCSPTLCK, &unlocked);
    if (error < 0)
        return fail(jail, STEP_IOCTL, error);
    /* by descriptor, not by the name below /dev/pts (CVE-2025-52565 is what happens otherwise) */
    error = sys(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (error < 0)
        return fail(jail, STEP_IOCTL, error);
    jail->slave = (int)error;
    if (check_slave(jail, jail->slave) < 0)
        return -1;
    if (jail->terminal.outer >= 0) {
        struct termios modes = jail->terminal.modes;

        /* Where no keyboard is relayed the caller's terminal stays cooked and adds the carriage
         * returns itself. */
        if (jail->terminal.keyboard < 0)
            modes.c_oflag &= ~(tcflag_t)OPOST;
        sys(ioctl, jail->slave, TCSETS, &modes);
        sys(ioctl, jail->slave, TIOCSWINSZ, &jail->terminal.size);
    }
    if (attach_console(jail, op->console) < 0)
        return -1;
    error = message_send(jail->socket, &message, (int)master);
    sys(close, master);
    return error < 0 ? fail(jail, STEP_SENDMSG, error) : 0;
}

int is_foreground(const struct terminal *terminal) {
    int group = 0;

    if (sys(ioctl, terminal->outer, TIOCGPGRP, &group) < 0)
        return 1; /* not our controlling terminal: nobody else's job control is in the way */
    return group == sys(getpgid, 0);
}

/* Raw, as cfmakeraw(3) says, so that every key goes to the jail's terminal and is understood there.
 */
static void make_raw(struct terminal *terminal) {
    struct termios raw = terminal->modes;

    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_oflag &= ~(tcflag_t)OPOST;
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    raw.c_cflag |= CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    terminal->raw = sys(ioctl, terminal->outer, TCSETSW, &raw) == 0;
}

static void take_terminal(struct jail *jail) {
    struct terminal *terminal = &jail->terminal;

    if (terminal->outer < 0 || !(terminal->wanted & 1) || terminal->keyboard != terminal->outer)
        return;
    terminal->background = !is_foreground(terminal);
    if (terminal->background || terminal->raw)
        return;
    sys(ioctl, terminal->outer, TCGETS, &terminal->modes);
    /* started in the background, the jail's terminal has the modes of a shell's line editor until
     * now */
    if (terminal->borrowed_modes)
        sys(ioctl, terminal->master, TCSETS, &terminal->modes);
    terminal->borrowed_modes = 0;
    make_raw(terminal);
}

void terminal_start(struct jail *jail, int master) {
    jail->terminal.master = master;
    take_terminal(jail);
    jail->terminal.borrowed_modes = jail->terminal.background;
    terminal_resize(jail);
}

void terminal_resize(struct jail *jail) {
    struct terminal *terminal = &jail->terminal;

    if (terminal->outer < 0 || terminal->master < 0)
        return;
    if (sys(ioctl, terminal->outer, TIOCGWINSZ, &terminal->size) == 0)
        sys(ioctl, terminal->master, TIOCSWINSZ, &terminal->size);
}

void terminal_restore(struct jail *jail) {
    struct terminal *terminal = &jail->terminal;

    /* in the background it is somebody else's, with modes that they have set */
    if (terminal->raw && is_foreground(terminal))
        sys(ioctl, terminal->outer, TCSETSW, &terminal->modes);
    terminal->raw = 0;
}

/* The default action of SIGTSTP, which the kernel leaves out where no shell is there to continue us
 * (an orphaned process group). Back after SIGCONT, the shell's fg or bg. */
void suspend(int whole_group) {
    u64 stop = 1ull << (20 /* SIGTSTP */ - 1);

    sys(kill, whole_group ? 0 : sys(getpid), 20);
    sys(rt_sigprocmask, 1 /* SIG_UNBLOCK */, &stop, NULL, sizeof stop);
    sys(rt_sigprocmask, 0 /* SIG_BLOCK */, &stop, NULL, sizeof stop);
}

void terminal_suspend(struct jail *jail) {
    struct message go_on = {.type = MESSAGE_CONTINUE};

    terminal_restore(jail);
    suspend(1); /* as ^Z does it: `tsjail … | less` stops as a whole */
    terminal_continue(jail);
    message_send(jail->socket, &go_on, -1);
}

void terminal_continue(struct jail *jail) {
    struct terminal *terminal = &jail->terminal;
    struct termios modes;

    if (terminal->master < 0 || terminal->outer < 0)
        return;
    /* stopped with SIGSTOP, we could not give the terminal back: the shell has set its own modes */
    if (terminal->raw && sys(ioctl, terminal->outer, TCGETS, &modes) == 0 && modes.c_lflag & ICANON)
        terminal->raw = 0;
    take_terminal(jail);
    terminal_resize(jail);
}

void terminal_check_foreground(struct jail *jail) {
    if (jail->terminal.background)
        take_terminal(jail);
}
