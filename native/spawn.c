/* SPDX-License-Identifier: MIT */
/* A thread, or a child that shares our memory until it executes another program: clone3(2) onto a
 * stack of its own, which takes a few lines of assembly, since C has no word for it. Used by
 * network.c and init.c. */
#include <asm-generic/errno.h>

#include "jail.h"

#ifdef TSJAIL_HOSTED
/* The sanitizers want to know of every stack. */
long spawn(struct clone_args *args, void (*begin)(void *), void *argument) {
    (void)args, (void)begin, (void)argument;
    return -ENOSYS;
}
#else
long spawn(struct clone_args *args, void (*begin)(void *), void *argument) {
#if defined(__x86_64__)
    long result = __NR_clone3;
    register void *r8 __asm__("r8") = (void *)begin;
    register void *r9 __asm__("r9") = argument;

    __asm__ volatile("syscall\n"
                     "test %%rax, %%rax\n"
                     "jnz 1f\n"
                     "xor %%ebp, %%ebp\n"
                     "mov %%r9, %%rdi\n"
                     "call *%%r8\n"
                     "mov %[exit], %%eax\n"
                     "xor %%edi, %%edi\n"
                     "syscall\n"
                     "1:\n"
                     : "+a"(result)
                     : "D"(args), "S"(sizeof *args), "r"(r8), "r"(r9), [exit] "i"(__NR_exit)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = __NR_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = sizeof *args;
    register void *x9 __asm__("x9") = (void *)begin;
    register void *x10 __asm__("x10") = argument;

    __asm__ volatile("svc 0\n"
                     "cbnz x0, 1f\n"
                     "mov x29, #0\n"
                     "mov x0, x10\n"
                     "blr x9\n"
                     "mov x8, %[exit]\n"
                     "mov x0, #0\n"
                     "svc 0\n"
                     "1:\n"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x9), "r"(x10), [exit] "i"(__NR_exit)
                     : "memory");
    return x0;
#endif
}
#endif
