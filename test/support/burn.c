/* SPDX-License-Identifier: MIT */
/* strace counts each process's calls of a name from its first one. This makes some that fail, and then becomes the
 * program that is tested: what is counted in it begins far away, and only its children have a first one again.
 *   burn COUNT NUMBER PROGRAM WORD…   without a C library (native/start.c), so that no other call comes before */
#include "sys.h"

int run(struct start *start)
{
    int count, number;

    if (start->argc < 4)
        return 2;
    count = parse_number(start->argv[1]);
    number = parse_number(start->argv[2]);
    for (int i = 0; i < count; i++)
        sys6(number, -1, -1, -1, -1, -1, -1);
    sys(execve, start->argv[3], start->argv + 3, start->envp);
    return 2;
}
