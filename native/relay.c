/* SPDX-License-Identifier: MIT */
/* Copies bytes between the caller's terminal and the jail's pty, one direction each, never blocking
 * the monitor for long: what is read next is read when the last of what came before has been
 * written. Called by monitor.c. */
#include <asm-generic/errno.h>
#include <linux/fcntl.h>

#include "monitor.h"

enum { STUCK_MILLISECONDS = 5000, PTY_HOLDS = 65536 + 8192 };

static char input_data[16384], output_data[65536];

/* A terminal can be opened again, so that O_NONBLOCK is ours alone: on the descriptor that we were
 * given it would be set for the shell too. Where that is refused (a terminal of another user's,
 * after su) writes are small. */
static void open_screen(struct relay *relay, int screen) {
    struct text path = {0};
    long fd;

    text_add(&path, "/proc/self/fd/");
    text_add_number(&path, screen);
    fd = relay->is_terminal
             ? sys(openat, AT_FDCWD, path.data, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
             : -EINVAL;
    relay->screen = fd < 0 ? screen : (int)fd;
    relay->chunk = fd >= 0 ? sizeof output_data : relay->is_terminal ? 256 : 4096;
}

void relay_start(struct relay *relay, const struct terminal *terminal) {
    *relay = (struct relay){.input = {.data = input_data}, .output = {.data = output_data}};
    relay->is_terminal = is_terminal(terminal->screen);
    open_screen(relay, terminal->screen);
    relay->is_open = 1;
}

void relay_watch(const struct relay *relay, const struct terminal *terminal,
                 struct pollfd *keyboard, struct pollfd *master, struct pollfd *screen) {
    keyboard->fd = master->fd = screen->fd = -1;
    if (!relay->is_open)
        return;
    if (terminal->keyboard >= 0 && !terminal->input_ended && !terminal->background &&
        !relay->input.length)
        *keyboard = (struct pollfd){terminal->keyboard, POLLIN, 0};
    /* without an event to wait for POLLHUP would still wake us, again and again */
    if (!relay->output.length || relay->input.length)
        *master = (struct pollfd){
            terminal->master,
            (short)((relay->output.length ? 0 : POLLIN) | (relay->input.length ? POLLOUT : 0)), 0};
    if (relay->output.length)
        *screen = (struct pollfd){relay->screen, POLLOUT, 0};
}

static void write_some(struct stream *stream, int fd, size_t chunk) {
    size_t length = stream->length < chunk ? stream->length : chunk;
    long n = sys(write, fd, stream->data + stream->start, length);

    if (n < 0 && n != -EAGAIN && n != -EINTR)
        n = (long)stream->length; /* nobody reads it any more */
    if (n <= 0)
        return;
    stream->start += (size_t)n;
    stream->length -= (size_t)n;
}

static long read_some(struct stream *stream, int fd, size_t size) {
    long n = sys(read, fd, stream->data, size);

    stream->start = 0;
    stream->length = n > 0 ? (size_t)n : 0;
    return n;
}

static void read_keyboard(struct relay *relay, struct terminal *terminal) {
    long n = read_some(&relay->input, terminal->keyboard, sizeof input_data);

    if (n > 0 || n == -EAGAIN || n == -EINTR)
        return;
    /* EIO, with SIGTTIN blocked: another process group has the terminal now */
    if (n < 0 && terminal->keyboard == terminal->outer && !is_foreground(terminal)) {
        terminal->background = 1;
        return;
    }
    terminal->input_ended = 1;
    if (n == 0 && terminal->keyboard != terminal->outer) {
        /* a pipe or a file has ended: for a terminal that is ^D at the start of a line */
        relay->input.data[0] = 4;
        relay->input.length = 1;
    }
}

void relay_move(struct relay *relay, struct terminal *terminal, const struct pollfd *keyboard,
                const struct pollfd *master, const struct pollfd *screen) {
    if (screen->fd >= 0 && screen->revents)
        write_some(&relay->output, relay->screen, relay->chunk);
    if (keyboard->fd >= 0 && keyboard->revents)
        read_keyboard(relay, terminal);
    if (master->fd < 0)
        return;
    if (relay->input.length && master->revents & (POLLOUT | POLLERR))
        write_some(&relay->input, terminal->master, sizeof input_data);
    if (!relay->output.length && master->revents & (POLLIN | POLLHUP | POLLERR)) {
        long n = read_some(&relay->output, terminal->master, sizeof output_data);
        if (n == 0 || (n < 0 && n != -EAGAIN && n != -EINTR))
            relay->is_open = 0; /* EIO: nothing has the other end open, init included */
        else if (relay->output.length)
            write_some(&relay->output, relay->screen, relay->chunk);
    }
}

/* No more than a pty can hold, and not for ever: the other side may go on writing. */
void relay_drain(struct relay *relay, struct terminal *terminal) {
    s64 until = now_milliseconds() + STUCK_MILLISECONDS;
    size_t drained = 0;

    while (relay->output.length || (relay->is_open && drained < PTY_HOLDS)) {
        struct pollfd screen = {relay->screen, POLLOUT, 0};
        s64 patience = until - now_milliseconds();
        struct timespec64 time = {patience / 1000, patience % 1000 * 1000000};

        if (!relay->output.length) {
            long n = read_some(&relay->output, terminal->master, sizeof output_data);
            if (n <= 0)
                break;
            drained += (size_t)n;
        }
        if (patience <= 0 || sys(ppoll, &screen, 1, &time, NULL, 8) <= 0)
            break;
        write_some(&relay->output, relay->screen, relay->chunk);
    }
}
