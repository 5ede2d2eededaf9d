/* SPDX-License-Identifier: MIT */
/* The network namespace. The kernel takes longer over one than over all other namespaces, and no
 * mount but that of sysfs has to do with it: so a thread of init makes it, and brings its loopback
 * device up, while init makes the mounts. Called by init.c and setup.c. */
#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/sockios.h>

#include "jail.h"

/* In a pid namespace that is still empty: so that the command is number 2, as everybody expects. */
enum { THREAD = 100 };
enum { FOR_THREADS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD };

static struct {
    int is_awaited, is_made;
    int thread; /* its id, until it has ended */
    int wants_loopback;
    int fd; /* of the namespace that a thread has made, or -1 */
    enum step step;
    long error;
} network;

static long note(enum step step, long error) {
    network.step = step;
    network.error = error < 0 ? error : 0;
    return error;
}

/* netdevice(7): the part of struct ifreq that is used, and any socket will do. The kernel gives lo
 * its addresses when it comes up. */
static void bring_up_loopback(int socket) {
    struct {
        char name[16];
        short flags;
        char rest[22];
    } request = {.name = "lo", .flags = 1 /* IFF_UP */};

    note(STEP_IOCTL, sys(ioctl, socket, SIOCSIFFLAGS, &request));
}

static int open_socket(void) {
    return (int)note(STEP_SOCKET, sys(socket, 1 /* AF_UNIX */, 2 /* SOCK_DGRAM */ | O_CLOEXEC, 0));
}

/* The thread's: what it makes is its own at first. */
static void make_network(void *in_thread) {
    int fd;

    if (note(STEP_UNSHARE, sys(unshare, CLONE_NEWNET)) < 0)
        return;
    network.is_made = 1;
    fd = open_socket();
    if (fd >= 0 && network.wants_loopback)
        bring_up_loopback(fd);
    if (network.error == 0 && in_thread)
        network.fd = (int)note(STEP_IOCTL, sys(ioctl, fd, SIOCGSKNS));
    sys(close, fd);
}

void start_network(struct jail *jail) {
    static char stack[8192] __attribute__((aligned(16)));
    struct clone_args args = {.flags = FOR_THREADS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
                              .parent_tid = (u64)(size_t)&network.thread,
                              .child_tid = (u64)(size_t)&network.thread,
                              .stack = (u64)(size_t)stack,
                              .stack_size = sizeof stack};
    int number = THREAD;

    if (!jail->late_network)
        return;
    if (jail->namespaces & CLONE_NEWPID) {
        args.set_tid = (u64)(size_t)&number;
        args.set_tid_size = 1;
    }
    network.wants_loopback = !!plan_find(&jail->plan, OP_LOOPBACK);
    network.fd = -1;
    network.is_awaited = 1;
    if (spawn(&args, make_network, jail) < 0)
        make_network(NULL); /* clone3(2) is refused, or there are no more processes to be had */
}

int join_network(struct jail *jail) {
    u32 culprit;
    int thread;

    if (!network.is_awaited)
        return 0;
    network.is_awaited = 0;
    while ((thread = __atomic_load_n(&network.thread, __ATOMIC_ACQUIRE)) != 0)
        sys(futex, &network.thread, FUTEX_WAIT, thread, NULL, NULL, 0);
    culprit = network.is_made && network.wants_loopback ? OP_LOOPBACK : OP_CLONE;
    if (network.fd >= 0) {
        culprit = OP_CLONE;
        note(STEP_UNSHARE, sys(setns, network.fd, CLONE_NEWNET));
        sys(close, network.fd);
    }
    if (network.error == 0)
        return 0;
    jail->failure.op = (s32)(plan_find(&jail->plan, culprit) - jail->plan.operation);
    return fail(jail, network.step, network.error);
}

int op_loopback(struct jail *jail) {
    int fd;

    if (jail->late_network)
        return join_network(jail);
    fd = open_socket();
    if (fd >= 0)
        bring_up_loopback(fd);
    sys(close, fd);
    return network.error < 0 ? fail(jail, network.step, network.error) : 0;
}
