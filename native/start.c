/* SPDX-License-Identifier: MIT */
/* From the kernel's first instruction to run(), and the string functions of sys.h. What comes next
 * is main.c.
 *
 * The binary is position independent and has no relocations (the build checks that), so nothing has
 * to be patched before C code runs. With TSJAIL_HOSTED an ordinary C library does this part: for
 * sanitizers and fuzzers. */
#include <linux/auxvec.h>

#include "sys.h"

#ifndef TSJAIL_HOSTED
/* Without a value of its own: then the file has no page of data, which each process would copy. */
__attribute__((visibility("hidden"))) unsigned long __stack_chk_guard;

__attribute__((noreturn, visibility("hidden"))) void __stack_chk_fail(void) {
    for (;;)
        __builtin_trap();
}

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ((u8 *)to)[i] = ((const u8 *)from)[i];
        __asm__ volatile("" ::: "memory"); /* or gcc turns the loop into a call of memcpy */
    }
    return to;
}

void *memset(void *to, int byte, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ((u8 *)to)[i] = (u8)byte;
        __asm__ volatile("" ::: "memory");
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n) {
    const u8 *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

size_t strlen(const char *text) {
    size_t n = 0;
    while (text[n]) {
        n++;
        __asm__ volatile("" ::: "memory");
    }
    return n;
}

int strcmp(const char *a, const char *b) {
    while (*a && *a == *b)
        a++, b++;
    return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n) {
    for (; n && *a && *a == *b; n--)
        a++, b++;
    return n ? (u8)*a - (u8)*b : 0;
}
#endif

void text_add(struct text *text, const char *more) {
    for (; *more; more++) {
        if (text->length + 1 >= sizeof text->data) {
            text->full = 1;
            return;
        }
        text->data[text->length++] = *more;
        text->data[text->length] = 0;
    }
}

/* The bytes of a character that a terminal obeys instead of showing it: C0, C1, and what turns the
 * line around, breaks it or can't be seen (U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F);
 * else 0. */
static size_t control_length(const u8 *letter) {
    if (*letter < ' ' || *letter == 0x7f)
        return 1;
    if (*letter == 0xc2 && (letter[1] & 0xe0) == 0x80)
        return 2;
    if (*letter != 0xe2)
        return 0;
    if (letter[1] == 0x80)
        return (letter[2] >= 0x8b && letter[2] <= 0x8f) || (letter[2] >= 0xa8 && letter[2] <= 0xae)
                   ? 3
                   : 0;
    return letter[1] == 0x81 && (letter[2] & 0xf0) == 0xa0 ? 3 : 0;
}

void text_add_printable(struct text *text, const char *more, size_t most) {
    size_t i = 0;

    while (more[i] && i < most) {
        size_t length = control_length((const u8 *)more + i);
        char letter[2] = {more[i], 0};
        if (length)
            letter[0] = '?';
        text_add(text, letter);
        i += length ? length : 1;
    }
    if (more[i])
        text_add(text, "...");
}

void text_add_number(struct text *text, s64 number) {
    char digits[24];
    size_t at = sizeof digits;
    u64 rest = number < 0 ? -(u64)number : (u64)number;

    digits[--at] = 0;
    do
        digits[--at] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        digits[--at] = '-';
    text_add(text, digits + at);
}

void text_add_hexadecimal(struct text *text, u64 number, int digits) {
    while (digits-- > 0)
        text_add(text, (const char[2]){"0123456789abcdef"[(number >> (4 * digits)) & 15], 0});
}

int parse_number(const char *text) {
    long number = 0;

    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        number = number * 10 + (*text - '0');
        if (number > 0x7fffffff)
            return -1;
    }
    return (int)number;
}

long write_all(int fd, const void *data, size_t length) {
    for (size_t done = 0; done < length;) {
        long n = sys(write, fd, (const char *)data + done, length - done);
        if (n == -4 /* EINTR */)
            continue;
        if (n < 0)
            return n;
        done += (size_t)n;
    }
    return 0;
}

static void read_stack(struct start *start, long *stack) {
    long *at;

    start->argc = (int)stack[0];
    start->argv = (char **)(stack + 1);
    start->envp = start->argv + start->argc + 1;
    for (at = (long *)start->envp; *at; at++)
        ;
    for (at++; *at != AT_NULL; at += 2) {
        if (*at == AT_SECURE)
            start->secure = (int)at[1];
        if (*at == AT_RANDOM)
            start->random = (const void *)at[1];
    }
}

#ifndef TSJAIL_HOSTED
/* Changes the stack guard, so it must not have one of its own. */
__attribute__((noreturn, used, no_stack_protector)) void start_c(long *stack) {
    struct start start = {0};

    read_stack(&start, stack);
    if (start.random) /* always, since Linux 2.6.29 */
        __stack_chk_guard = *(const unsigned long *)start.random;
    sys_exit(run(&start));
}

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl _start\n"
        ".type _start,@function\n"
        "_start:\n"
        "    endbr64\n"
        "    xor %ebp, %ebp\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call start_c\n"
        "    ud2\n");
#else
__asm__(".text\n"
        ".globl _start\n"
        ".type _start,%function\n"
        "_start:\n"
        "    bti c\n"
        "    mov x29, #0\n"
        "    mov x30, #0\n"
        "    mov x0, sp\n"
        "    and sp, x0, #-16\n"
        "    bl start_c\n"
        "    brk #0\n");
#endif
#else
int main(int argc, char **argv);
int main(int argc, char **argv) {
    struct start start = {0};

    read_stack(&start, (long *)(argv - 1));
    start.argc = argc;
    return run(&start);
}
/* The jail is left by _exit, and its memory is the kernel's to free. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "detect_leaks=0:handle_segv=0:allow_user_segv_handler=1";
}
#endif
