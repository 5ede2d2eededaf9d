/* SPDX-License-Identifier: MIT */
/* The memory that a start needs, and how it goes back: a jail may then be idle for hours. */
#include <linux/mman.h>

#include "jail.h"

/* The largest that a kernel may have. */
#if defined(__aarch64__)
enum { PAGE = 65536 };
#else
enum { PAGE = 4096 };
#endif
enum { FIRST = 65536, STACK = 4 * 65536 };

/* What did not fit into the first piece; the header is part of it. */
struct piece {
    struct piece *before;
    size_t length;
};

/* Most of what is needed fits in, which costs no system call and no memory that the command's
 * limits could refuse. */
static u64 first[FIRST / sizeof(u64)] __attribute__((aligned(PAGE)));
static struct piece *last;

void *allocate(size_t length) {
    static const char message[] = "tsjail: out of memory\n";
    static size_t used;
    size_t words = (length + sizeof *first - 1) / sizeof *first;
    long at;

    if (words <= array_length(first) - used) {
        used += words;
        return first + used - words;
    }
    length += sizeof *last;
    at = sys(mmap, NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at < 0 && at > -4096) {
        write_all(2, message, sizeof message - 1);
        sys_exit(EXIT_TSJAIL);
    }
    *(struct piece *)at = (struct piece){last, length};
    last = (void *)at;
    return last + 1;
}

void release_start(struct jail *jail) {
    struct piece *piece = last;
    /* some of it further down, for what the compiler puts below this variable */
    unsigned long in_use = ((unsigned long)&piece - 512) & ~(PAGE - 1ul);

    jail->plan = (struct plan){0};
    sys(madvise, first, sizeof first, MADV_DONTNEED);
    for (last = NULL; piece;) {
        struct piece *before = piece->before;
        sys(munmap, piece, piece->length);
        piece = before;
    }
    /* what was never in use is no mapping: ENOMEM, and the rest is released (madvise(2)) */
    sys(madvise, in_use - STACK, STACK, MADV_DONTNEED);
}
