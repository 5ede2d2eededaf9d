/* SPDX-License-Identifier: MIT */
/* For seccomp.test.ts: starts the executor with a socket as its descriptor 5 and a plan as 4, gets the listener of the
 * command's filter over it, and says yes to every call that is asked about. Its status is the executor's. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int receive(int socket)
{
    char data[64], control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {data, sizeof data};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *rights;
    int fd = -1;

    if (recvmsg(socket, &header, MSG_CMSG_CLOEXEC) <= 0)
        return -1;
    rights = CMSG_FIRSTHDR(&header);
    if (rights && rights->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(rights), sizeof fd);
    return fd;
}

static void answer(int listener)
{
    while (1) {
        struct seccomp_notif question = {0};
        struct seccomp_notif_resp response = {0};
        struct pollfd poll_listener = {listener, POLLIN, 0};

        if (poll(&poll_listener, 1, -1) < 0 || poll_listener.revents & (POLLHUP | POLLERR))
            return;
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &question) < 0) {
            if (errno == EINTR || errno == ENOENT)
                continue;
            return;
        }
        response.id = question.id;
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
    }
}

int main(int argc, char **argv)
{
    int pair[2], status = 0, plan, listener;
    pid_t child;

    if (argc < 3 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return 99;
    child = fork();
    if (child == 0) {
        plan = fcntl(open(argv[1], O_RDONLY), F_DUPFD, 10);
        pair[1] = fcntl(pair[1], F_DUPFD, 10);
        dup2(plan, 4);
        dup2(pair[1], 5);
        close(plan);
        close(pair[1]);
        execv(argv[2], argv + 2);
        _exit(98);
    }
    close(pair[1]);
    listener = receive(pair[0]);
    if (listener >= 0)
        answer(listener);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
