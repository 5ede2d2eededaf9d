/* SPDX-License-Identifier: MIT */
/* The monitor's own parts: the loop (monitor.c), the relay of the terminal (relay.c), the reports
 * for programs (status.c) and what is made on the host for a while (host.c). */
#ifndef TSJAIL_MONITOR_H
#define TSJAIL_MONITOR_H
#include <linux/poll.h>

#include "jail.h"

struct timespec64 {
    s64 seconds, nanoseconds;
};

/* struct rusage of getrusage(2), as wait4(2) fills it in. */
struct usage {
    s64 user_seconds, user_microseconds, system_seconds, system_microseconds;
    s64 max_rss_kib;
    s64 rest[13];
};

s64 now_milliseconds(void);

struct stream {
    char *data;
    size_t start, length;
};
struct relay {
    int is_open, is_terminal;
    int screen;
    size_t chunk;
    struct stream input, output;
};
void relay_start(struct relay *relay, const struct terminal *terminal);
void relay_watch(const struct relay *relay, const struct terminal *terminal,
                 struct pollfd *keyboard, struct pollfd *master, struct pollfd *screen);
void relay_move(struct relay *relay, struct terminal *terminal, const struct pollfd *keyboard,
                const struct pollfd *master, const struct pollfd *screen);
void relay_drain(struct relay *relay, struct terminal *terminal);

/* host.c: the phases `host` and `map`, and their undoing. */
/* First, before there are descriptors of our own: which of the caller's are kept; the rest is
 * closed. */
int host_take_descriptors(struct jail *jail);
int host_set_up(struct jail *jail);
int host_write_maps(struct jail *jail, int pid);
void host_undo(void);
int host_has_to_undo(void);

/* scratch.c: a directory on disk for the layers that are thrown away. */
int scratch_make(struct jail *jail, const struct op_scratch_directory *op);
/* Once the jail is gone: so is the directory. */
void scratch_end(const struct jail *jail);
/* remove.c: empties a directory, whatever is in it, as far as this user can. */
void remove_all(int directory);
/* The next name in a directory but "." and "..", or NULL at its end. */
struct names {
    int directory;
    long length, at;
    char data[8192] __attribute__((aligned(8)));
};
const char *next_entry(struct names *names);

/* emulate.c: credentials that the jail's processes are told they have. */
/* The process that tells them, to be killed at the end; or a negative errno. */
long emulation_start(const struct op_emulate *op, int listener);

/* server.c: fuse-overlayfs, beside the jail. */
/* Starts it for an operation, with the connection of its file system; or -1 with jail->failure set.
 */
int server_start(struct jail *jail, s32 op, int connection);
/* Whether one has ended by itself. */
int server_missed(void);
/* Whether a start has failed because a server has ended: that becomes the failure, with what it
 * said. */
int server_blame(struct jail *jail, struct text *said);
/* Once the jail is gone: all of them have ended. Whether one has failed. */
int server_end(void);

/* status.c: JSON lines on the plan's status_fd. The inodes are read before init stops being
 * dumpable. */
void status_look(const struct jail *jail, int pid);
void status_started(const struct jail *jail, int pid);
void status_exited(const struct jail *jail, int status, int timed_out, const struct usage *usage);

#endif
