/* SPDX-License-Identifier: MIT */
/* What a program that started tsjail learns on --status-fd: one JSON object a line, "started" and
 * "exited". Nothing of it comes from the jail but numbers. */
#include <asm/stat.h>
#include <linux/fcntl.h>

#include "monitor.h"

static const char namespace_names[8][8] = {"cgroup", "ipc",  "mnt",  "net",
                                           "pid",    "time", "user", "uts"};
static u64 namespace_inodes[8];

void status_look(const struct jail *jail, int pid) {
    if (jail->supervise.status_fd < 0)
        return;
    for (u32 i = 0; i < 8; i++) {
        struct text path = {0};
        struct stat stat;

        text_add(&path, "/proc/");
        text_add_number(&path, pid);
        text_add(&path, "/ns/");
        text_add(&path, namespace_names[i]);
        if (!sys(newfstatat, AT_FDCWD, path.data, &stat, 0))
            namespace_inodes[i] = stat.st_ino;
    }
}

void status_started(const struct jail *jail, int pid) {
    struct text line = {0};

    if (jail->supervise.status_fd < 0)
        return;
    text_add(&line, "{\"event\":\"started\",\"pid\":");
    text_add_number(&line, pid);
    text_add(&line, ",\"namespaces\":{");
    for (u32 i = 0, some = 0; i < 8; i++) {
        if (!namespace_inodes[i])
            continue;
        text_add(&line, some++ ? ",\"" : "\"");
        text_add(&line, namespace_names[i]);
        text_add(&line, "\":");
        text_add_number(&line, (s64)namespace_inodes[i]);
    }
    text_add(&line, "}}\n");
    write_all((int)jail->supervise.status_fd, line.data, line.length);
}

void status_exited(const struct jail *jail, int status, int timed_out, const struct usage *usage) {
    struct text line = {0};

    if (jail->supervise.status_fd < 0)
        return;
    text_add(&line, "{\"event\":\"exited\",\"status\":");
    if (status & 0x7f)
        text_add(&line, "null");
    else
        text_add_number(&line, (status >> 8) & 0xff);
    text_add(&line, ",\"signal\":");
    if (status & 0x7f)
        text_add_number(&line, status & 0x7f);
    else
        text_add(&line, "null");
    text_add(&line, timed_out ? ",\"timedOut\":true" : ",\"timedOut\":false");
    text_add(&line, ",\"rusage\":{\"userMicroseconds\":");
    text_add_number(&line, usage->user_seconds * 1000000 + usage->user_microseconds);
    text_add(&line, ",\"systemMicroseconds\":");
    text_add_number(&line, usage->system_seconds * 1000000 + usage->system_microseconds);
    text_add(&line, ",\"maxRssKib\":");
    text_add_number(&line, usage->max_rss_kib);
    text_add(&line, "}}\n");
    write_all((int)jail->supervise.status_fd, line.data, line.length);
}
