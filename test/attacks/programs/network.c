/* SPDX-License-Identifier: MIT */
/* Attacks through sockets, and through what processes share beside them: System V and POSIX IPC. */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "attack.h"

static void connect_loopback(char **words) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(words[0]))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        escaped("connected");
    held("connect");
}

/* A name beginning with @ is an abstract one. */
static void connect_unix(char **words) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(words[0]));

    strncpy(address.sun_path, words[0], sizeof address.sun_path - 1);
    if (words[0][0] == '@')
        address.sun_path[0] = 0;
    else
        length++;
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, length) == 0)
        escaped("connected");
    /* An abstract name is as long as its binder said, zeros included. */
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        escaped("connected");
    held("connect");
}

/* The socket is enough: it is connected nowhere. Words: family, type, protocol. */
static void make_socket(char **words) {
    static const unsigned long highs[] = {0, 1ul << 32};

    for (size_t i = 0; i < sizeof highs / sizeof highs[0]; i++)
        if (syscall(SYS_socket, highs[i] | strtoul(words[0], NULL, 10), atoi(words[1]),
                    atoi(words[2])) >= 0)
            escaped("there is a socket");
    held("socket");
}

/* A socket that sees what the host's devices see. Words: the host's network namespace; family,
 * type, protocol. */
static void watch_host(char **words) {
    char mine[64] = "";

    if (readlink("/proc/self/ns/net", mine, sizeof mine - 1) < 0)
        held("readlink");
    if (strcmp(mine, words[0]) != 0) {
        errno = 0;
        held("another network namespace");
    }
    make_socket(words + 1);
}

/* Lists the listening sockets, looking for one with this port. */
static void list_sockets(char **words) {
    struct {
        struct nlmsghdr header;
        uint8_t family, protocol, extensions, pad;
        uint32_t states;
        uint16_t source, destination;
        uint8_t rest[44];
    } request = {
        .header = {sizeof request, 20 /* SOCK_DIAG_BY_FAMILY */, NLM_F_REQUEST | NLM_F_DUMP, 1, 0},
        .family = AF_INET,
        .protocol = IPPROTO_TCP,
        .states = ~0u};
    static char data[65536];
    int fd = socket(AF_NETLINK, SOCK_RAW, 4 /* NETLINK_SOCK_DIAG */);
    uint16_t port = htons((uint16_t)atoi(words[0]));
    struct timeval wait = {1, 0};

    if (fd < 0 || send(fd, &request, sizeof request, 0) < 0)
        held("netlink");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    for (;;) {
        ssize_t length = recv(fd, data, sizeof data, 0);
        struct nlmsghdr *each = (struct nlmsghdr *)data;
        if (length <= 0)
            break;
        for (; NLMSG_OK(each, (size_t)length); each = NLMSG_NEXT(each, length)) {
            if (each->nlmsg_type == NLMSG_DONE || each->nlmsg_type == NLMSG_ERROR)
                held("the port is not listed");
            if (memcmp((char *)NLMSG_DATA(each) + 4, &port, 2) == 0)
                escaped("the port is listed");
        }
    }
    held("the port is not listed");
}

/* Not an attack: objects for those below, and then the words. */
static void with_ipc(char **words) {
    key_t key = atoi(words[0]);
    int shm = shmget(key, 4096, IPC_CREAT | 0600), msg = msgget(key, IPC_CREAT | 0600),
        sem = semget(key, 1, IPC_CREAT | 0600);
    mqd_t queue = mq_open(words[1], O_CREAT | O_RDWR, 0600, NULL);
    int file = shm_open(words[1], O_CREAT | O_RDWR, 0600);
    char *memory = shmat(shm, NULL, 0);
    pid_t child;

    if (shm < 0 || msg < 0 || sem < 0 || queue < 0 || file < 0 || memory == (void *)-1 ||
        write(file, "a secret", 8) != 8)
        exit(71);
    strcpy(memory, "a secret");
    child = fork();
    if (child == 0) {
        execv(words[2], words + 2);
        _exit(72);
    }
    waitpid(child, NULL, 0);
    shmctl(shm, IPC_RMID, NULL);
    msgctl(msg, IPC_RMID, NULL);
    semctl(sem, 0, IPC_RMID);
    mq_unlink(words[1]);
    shm_unlink(words[1]);
    exit(0);
}

static void share_memory(char **words) {
    int id = shmget(atoi(words[0]), 0, 0);
    char *memory = id < 0 ? (void *)-1 : shmat(id, NULL, 0);

    if (memory != (void *)-1 && strcmp(memory, "a secret") == 0)
        escaped("memory of the host");
    for (int each = 0; each < 64; each++)
        if ((memory = shmat(each, NULL, SHM_RDONLY)) != (void *)-1)
            escaped("a segment, by its number");
    held("shmget");
}

static void share_messages(char **words) {
    if (msgget(atoi(words[0]), 0) >= 0)
        escaped("a message queue of the host");
    if (semget(atoi(words[0]), 0, 0) >= 0)
        escaped("semaphores of the host");
    held("msgget");
}

static void open_queue(char **words) {
    if (mq_open(words[1], O_RDWR) >= 0)
        escaped("a message queue of the host");
    held("mq_open");
}

static void open_shared(char **words) {
    if (shm_open(words[1], O_RDWR, 0) >= 0)
        escaped("shared memory of the host");
    held("shm_open");
}

/* Not an attack: a terminal of the host's, whose path is put in the place of "%"; then the words.
 */
static void with_terminal(char **words) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    char data[64] = "";
    pid_t child;

    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        exit(75);
    for (char **each = words; *each; each++)
        if (strcmp(*each, "%") == 0)
            *each = ptsname(master);
    child = fork();
    if (child == 0) {
        execv(words[0], words);
        _exit(76);
    }
    waitpid(child, NULL, 0);
    if (read(master, data, sizeof data - 1) > 0 && strstr(data, "attack"))
        escaped("it is on the terminal");
    exit(0);
}

/* Words: its path. The one who has the other end knows whether it arrives. */
static void write_terminal(char **words) {
    int fd = open(words[0], O_RDWR | O_NOCTTY | O_NONBLOCK);

    if (fd < 0 || write(fd, "attack\n", 7) != 7)
        held("open");
    usleep(1000);
    held("written, to this one or another");
}

const struct attack network[] = {{"connect_loopback", connect_loopback},
                                 {"connect_unix", connect_unix},
                                 {"make_socket", make_socket},
                                 {"watch_host", watch_host},
                                 {"list_sockets", list_sockets},
                                 {"with_ipc", with_ipc},
                                 {"share_memory", share_memory},
                                 {"share_messages", share_messages},
                                 {"open_queue", open_queue},
                                 {"open_shared", open_shared},
                                 {"with_terminal", with_terminal},
                                 {"write_terminal", write_terminal},
                                 {0}};
