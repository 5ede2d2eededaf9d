/* SPDX-License-Identifier: MIT */
/* What runs in a jail that is measured: static and tiny, so that it adds next to nothing. `inside
 * idle` writes a byte and waits for the end of its input; `inside pour BYTES` writes that many, in
 * lines; `inside true` ends, which is what /bin/true of an image does. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char block[1 << 16];

static int pour(long long rest) {
    memset(block, 'x', sizeof block);
    for (size_t i = 63; i < sizeof block; i += 64)
        block[i] = '\n';
    while (rest > 0) {
        ssize_t n = write(1, block, rest < (long long)sizeof block ? (size_t)rest : sizeof block);
        if (n <= 0)
            return 1;
        rest -= n;
    }
    return 0;
}

static int idle(void) {
    if (write(1, ".", 1) != 1)
        return 1;
    while (read(0, block, 1) > 0)
        ;
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "pour") == 0)
        return pour(atoll(argv[2]));
    if (argc == 2 && strcmp(argv[1], "true") == 0)
        return 0;
    return idle();
}
