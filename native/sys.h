/* SPDX-License-Identifier: MIT */
/* The ground the executor stands on: fixed-size types, system calls without a C library, and the
 * few string functions that it needs. A static C library would be most of the binary and most of
 * its start-up time. */
#ifndef TSJAIL_SYS_H
#define TSJAIL_SYS_H

#include <asm/unistd.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;
typedef unsigned long size_t;
#define NULL ((void *)0)

_Static_assert(sizeof(long) == 8 && sizeof(void *) == 8, "64-bit only");

/* The kernel's answer as it is: a negative errno, or the result. */
static inline long sys6(long nr, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
#else
#error "tsjail runs on x86-64 and arm64"
#endif
}

/* sys(openat, dirfd, path, flags): up to six arguments, the rest zero. */
#define SYS_PICK(_0, _1, _2, _3, _4, _5, _6, name, ...) name
#define SYS_0(nr) sys6(nr, 0, 0, 0, 0, 0, 0)
#define SYS_1(nr, a) sys6(nr, (long)(a), 0, 0, 0, 0, 0)
#define SYS_2(nr, a, b) sys6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS_3(nr, a, b, c) sys6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS_4(nr, a, b, c, d) sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS_5(nr, a, b, c, d, e) sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define SYS_6(nr, a, b, c, d, e, f)                                                                \
    sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define SYS_ARGS(...)                                                                              \
    SYS_PICK(__VA_ARGS__, SYS_6, SYS_5, SYS_4, SYS_3, SYS_2, SYS_1, SYS_0, )(__VA_ARGS__)
#define sys(name, ...) SYS_ARGS(__NR_##name __VA_OPT__(, ) __VA_ARGS__)

#define sys_exit(status)                                                                           \
    do {                                                                                           \
        sys(exit_group, status);                                                                   \
        __builtin_trap();                                                                          \
    } while (0)

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

/* What the kernel hands to a new process, found on its stack (getauxval(3)). */
struct start {
    int argc;
    char **argv;
    char **envp;
    int secure;         /* AT_SECURE: setuid, setgid or file capabilities */
    const void *random; /* AT_RANDOM: 16 bytes */
};
int run(struct start *start);

/* Short texts put together in a fixed buffer: paths below /proc, id maps, JSON lines. What does not
 * fit is cut and `full` set. */
struct text {
    size_t length;
    int full;
    char data[1000];
};
void text_add(struct text *text, const char *more);
void text_add_number(struct text *text, s64 number);
void text_add_hexadecimal(struct text *text, u64 number, int digits);
/* At most so many bytes of what others have named: what would move a terminal's cursor (C0, DEL,
 * and C1 in UTF-8) is replaced. */
void text_add_printable(struct text *text, const char *more, size_t most);

/* A decimal number that fits in 31 bits and nothing else, or -1. */
int parse_number(const char *text);

/* Writes all of it, or returns a negative errno. */
long write_all(int fd, const void *data, size_t length);

#endif
