/* SPDX-License-Identifier: MIT */
/* The channel between the monitor and init: whole messages, with a descriptor along where one has
 * to be passed (unix(7), SCM_RIGHTS). Who says what is in jail.h. */
#include <asm-generic/errno.h>
#include <linux/uio.h>

#include "jail.h"

/* struct msghdr and struct cmsghdr as the kernel has them; its headers keep the first to itself. */
struct kernel_msghdr {
    void *name;
    s32 name_length;
    struct iovec *iov;
    size_t iov_length;
    void *control;
    size_t control_length;
    u32 flags;
};
struct rights {
    size_t length;
    s32 level, type;
    s32 fd, padding;
};
enum { RIGHTS_LENGTH = 20, SOL_SOCKET_LEVEL = 1, SCM_RIGHTS_TYPE = 1 };
enum { MSG_DONTWAIT_FLAG = 0x40, MSG_NOSIGNAL_FLAG = 0x4000, MSG_CMSG_CLOEXEC_FLAG = 0x40000000 };

long message_send(int socket, const struct message *message, int pass) {
    struct iovec iov = {(void *)message, sizeof *message};
    struct rights rights = {RIGHTS_LENGTH, SOL_SOCKET_LEVEL, SCM_RIGHTS_TYPE, pass, 0};
    struct kernel_msghdr header = {.iov = &iov, .iov_length = 1};
    /* The monitor must not wait for an init that is stopped: what finds no room is dropped, as the
     * kernel drops a signal that is pending already. */
    u32 flags = MSG_NOSIGNAL_FLAG | (message->type <= MESSAGE_KILL ? MSG_DONTWAIT_FLAG : 0);
    long n;

    if (pass >= 0) {
        header.control = &rights;
        header.control_length = sizeof rights;
    }
    do
        n = sys(sendmsg, socket, &header, flags);
    while (n == -EINTR);
    return n < 0 ? n : 0;
}

long message_receive(int socket, struct message *message, int *passed) {
    struct iovec iov = {message, sizeof *message};
    struct rights rights = {0};
    struct kernel_msghdr header = {
        .iov = &iov, .iov_length = 1, .control = &rights, .control_length = sizeof rights};
    long n;

    do
        n = sys(recvmsg, socket, &header, MSG_CMSG_CLOEXEC_FLAG);
    while (n == -EINTR);
    if (passed)
        *passed = -1;
    if (n == -ECONNRESET)
        return 0;
    if (n <= 0)
        return n;
    if (header.control_length >= RIGHTS_LENGTH && rights.type == SCM_RIGHTS_TYPE) {
        if (passed)
            *passed = rights.fd;
        else
            sys(close, rights.fd);
    }
    return n == sizeof *message ? 1 : -EPROTO;
}

int exit_code(int status) {
    return status & 0x7f ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
}
