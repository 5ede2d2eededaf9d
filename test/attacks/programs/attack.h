/* SPDX-License-Identifier: MIT */
/* What all attacks share. An attack is a function that gets the words behind its name and ends with
 * escaped() or held(): one line on standard output, "escaped: how" or "held: what stopped it". */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct attack {
    const char *name;
    void (*run)(char **words);
};

/* One list for each file, each ended by {0}. */
extern const struct attack files[], processes[], privileges[], network[], resources[], calls[];

__attribute__((format(printf, 1, 2))) _Noreturn void escaped(const char *format, ...);
/* With errno, as it is. */
__attribute__((format(printf, 1, 2))) _Noreturn void held(const char *format, ...);

/* The content of a file, or -1. */
ssize_t read_file(const char *path, char *data, size_t size);
/* Ends with escaped() if the file can be read and begins with the text. */
void try_secret(int directory, const char *path, const char *secret);
