/* SPDX-License-Identifier: MIT */
/* The executor's command line. `--front` is how bin/tsjail starts it, for a person, who may do
 * so directly as well: where a plan was kept for the
 * same command line (cache.c), or is shipped (`run FILE`), that is carried out; else it hands over
 * to Node, which compiles a profile. `--plan-fd` is how Node comes back: a plan is read, checked
 * and carried out (monitor.c). */
#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>

#include "front.h"

char **inherited_environment;

int refuse(const char *message) {
    struct text text = {0};

    text_add(&text, "tsjail: ");
    text_add(&text, message);
    text_add(&text, "\n");
    if (text.full)
        text.data[text.length - 1] = '\n';
    write_all(2, text.data, text.length);
    return EXIT_TSJAIL;
}

/* All of it into our own memory, where nobody can change it after it has been checked. */
long read_plan(struct jail *jail) {
    struct stat stat;
    long error = sys(newfstatat, jail->plan_fd, "", &stat, AT_EMPTY_PATH);
    size_t length = 0;
    char *bytes;

    if (error < 0)
        return error;
    if (stat.st_size <= 0 || stat.st_size > PLAN_MAX_BYTES)
        return -EFBIG;
    bytes = allocate((size_t)stat.st_size);
    while (length < (size_t)stat.st_size) {
        long n = sys(pread64, jail->plan_fd, bytes + length, (size_t)stat.st_size - length, length);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return n ? n : -EIO;
        length += (size_t)n;
    }
    return plan_check(&jail->plan, bytes, length) < 0 ? -EBADMSG : 0;
}

/* Descriptors 0 to 2 exist from here on, so that nothing of ours gets their numbers. */
static void hold_standard_descriptors(void) {
    for (int fd = 0; fd < 3; fd++)
        if (sys(fcntl, fd, F_GETFD, 0) == -EBADF &&
            sys(openat, AT_FDCWD, "/dev/null", O_RDWR) != fd)
            sys_exit(EXIT_TSJAIL); /* there is nowhere to say why */
}

static struct jail *make_jail(char **argv) {
    static struct jail place;
    struct jail *jail = &place;

    *jail = (struct jail){.plan_fd = -1, .root = -1, .stage = -1, .proc = -1};
    jail->slave = jail->socket = jail->ruleset = jail->layer = jail->scratch = -1;
    jail->scratch_lock = -1;
    jail->argv = argv;
    return jail;
}

/* argv: tsjail --plan-fd N [-- COMMAND…] */
static int run_plan(const struct start *start) {
    struct jail *jail = make_jail(start->argv);

    jail->plan_fd = start->argc < 3 ? -1 : parse_number(start->argv[2]);
    if (jail->plan_fd < 3)
        return refuse("--plan-fd wants the number of an open descriptor above 2");
    if (start->argc > 3) {
        if (strcmp(start->argv[3], "--") != 0)
            return refuse("a command comes after --");
        if (start->argc > 4)
            jail->command = start->argv + 4;
    }
    if (read_plan(jail) < 0)
        return refuse("the plan is damaged, or was made by another version of tsjail");
    return monitor(jail);
}

static int has_slash(const char *word) {
    for (; *word; word++)
        if (*word == '/')
            return 1;
    return 0;
}

enum { PATH_BYTES = 4096 };

static int refuse_file(const char *file, const char *why, const char *which) {
    struct text text = {0};

    text_add_printable(&text, file, PATH_BYTES);
    text_add(&text, why);
    text_add_printable(&text, which, PATH_BYTES);
    return refuse(text.data);
}

static int refuse_stranger(const char *file, const struct operation *fact) {
    static const char hint[] = "; compile it again here: tsjail compile PROFILE -o FILE";
    struct text which = {0};

    switch (fact->opcode) {
    case OP_FACT_CALLER:
        if ((u64)sys(getuid) == fields(fact, fact_caller)->uid &&
            (u64)sys(getgid) == fields(fact, fact_caller)->gid) {
            text_add(&which, "a user with other capabilities");
            break;
        }
        text_add(&which, "another user: uid ");
        text_add_number(&which, (s64)fields(fact, fact_caller)->uid);
        text_add(&which, ", gid ");
        text_add_number(&which, (s64)fields(fact, fact_caller)->gid);
        break;
    case OP_FACT_MACHINE:
        text_add(&which, "another kind of machine: ");
        text_add(&which, fields(fact, fact_machine)->machine);
        break;
    case OP_FACT_DIRECTORY:
        text_add(&which, "another current directory: ");
        text_add(&which, fields(fact, fact_directory)->path);
        break;
    case OP_FACT_VARIABLE:
        text_add(&which, "another value of $");
        text_add(&which, fields(fact, fact_variable)->name);
        break;
    case OP_FACT_LANDLOCK:
        text_add(&which, "a kernel with another Landlock: ABI ");
        text_add_number(&which, (s64)fields(fact, fact_landlock)->abi);
        break;
    case OP_FACT_MOUNTS:
        text_add(&which, "a host with other things mounted");
        break;
    default:
        text_add(&which, "a host with something else at ");
        text_add(&which, fields(fact, fact_kind)->path);
    }
    text_add(&which, hint);
    return refuse_file(file, " was compiled for ", which.data);
}

/* It decides what the jail is like, as a program decides what it does. */
static int is_trusted(int fd) {
    struct stat stat;

    return sys(newfstatat, fd, "", &stat, AT_EMPTY_PATH) == 0 &&
           (stat.st_uid == 0 || stat.st_uid == (u64)sys(geteuid)) && !(stat.st_mode & 022);
}

/* words: run FILE COMMAND…. -1 where FILE is no plan; a name without a slash never is, so that
 * nobody's directory can put one in the way of a command. */
static int run_shipped(const struct start *start, char **words, int count) {
    static const u32 magic = PLAN_MAGIC;
    struct jail *jail;
    const struct operation *fact;
    char **command;
    char head[4];
    long fd;

    if (count < 2 || strcmp(words[0], "run") != 0 || words[1][0] == '-' || !has_slash(words[1]))
        return -1;
    fd = sys(openat, AT_FDCWD, words[1], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    if (sys(pread64, fd, head, sizeof head, 0) != sizeof head ||
        memcmp(head, &magic, sizeof head) != 0) {
        sys(close, fd);
        return -1;
    }
    jail = make_jail(start->argv);
    jail->plan_fd = (int)fd;
    if (!is_trusted(jail->plan_fd))
        return refuse_file(words[1], " is not used: others than you and root could write to it",
                           "");
    if (read_plan(jail) < 0)
        return refuse_file(words[1], " is damaged, or was made by another version of tsjail", "");
    fact = find_false_fact(&jail->plan, start->envp);
    if (fact)
        return refuse_stranger(words[1], fact);
    if (plan_find(&jail->plan, OP_EXPLAIN) ||
        fields(plan_find(&jail->plan, OP_SUPERVISE), supervise)->flags & SUPERVISE_SUPERVISOR)
        return refuse_file(words[1], " is not a plan that `tsjail compile` has made", "");
    command = words + 2;
    if (*command && strcmp(*command, "--") == 0)
        command++;
    else if (*command && **command == '-')
        return refuse_file(words[1],
                           " takes no options, which were said when it was compiled: ", *command);
    if (*command)
        jail->command = command;
    else if (!fields(plan_find(&jail->plan, OP_COMMAND), command)->argv->length)
        return refuse_file(words[1], " names no command: tsjail run FILE COMMAND", "");
    return monitor(jail);
}

static int front(const struct start *start, const struct invocation *invocation) {
    struct jail *jail = make_jail(start->argv);

    int status = find_kept_plan(jail, invocation) ? -1 : compile_with_node(jail, invocation);

    return status < 0 ? monitor(jail) : status;
}

static size_t find_parent(const char *path, size_t end) {
    while (end > 0 && path[--end] != '/')
        ;
    return end;
}

/* The package that we lie in: PACKAGE/dist/PLATFORM/tsjail, or node_modules/@tsjail/PLATFORM/tsjail
 * beside it, or below it. The names count: an executor that was put somewhere alone must not run
 * what lies in the directories above it, which may be anybody's. */
static int find_package(struct text *package) {
    static const struct {
        char name[12];
        int up;
        char down[8];
    } place[] = {{"/dist", 1, ""}, {"/@tsjail", 1, "/tsjail"}, {"/@tsjail", 2, ""}};
    char self[sizeof package->data];
    long length = sys(readlinkat, AT_FDCWD, "/proc/self/exe", self, sizeof self - 1);
    size_t within, parent;

    if (length <= 0 || length == sizeof self - 1)
        return -1;
    within = find_parent(self, find_parent(self, (size_t)length));
    parent = find_parent(self, within);
    self[within] = 0;
    for (size_t i = 0; i < array_length(place); i++) {
        struct text script;
        size_t end = place[i].up == 1 ? parent : find_parent(self, parent);

        if (strcmp(self + parent, place[i].name) != 0)
            continue;
        *package = (struct text){.length = end};
        memcpy(package->data, self, end);
        text_add(package, place[i].down);
        script = *package;
        text_add(&script, "/dist/cli.cjs");
        if (!script.full && sys(faccessat, AT_FDCWD, script.data, 4 /* R_OK */) == 0)
            return 0;
    }
    return -1;
}

/* What a person or bin/tsjail has typed. */
static int start_jail(const struct start *start, const char *package, char **words) {
    struct invocation invocation = {.package = package, .words = words};
    static struct text found;
    int status;

    invocation.environment = start->envp;
    invocation.count = start->argc - (int)(words - start->argv);
    status = run_shipped(start, words, invocation.count);
    if (status >= 0)
        return status;
    if (!package && find_package(&found) < 0)
        return refuse("this is the executor alone, which carries out plans: tsjail run ./FILE "
                      "COMMAND; for profiles it has to lie in the package tsjail");
    if (!package)
        invocation.package = found.data;
    return front(start, &invocation);
}

static int print_version(void) {
    struct text text = {0};

    text_add(&text, "tsjail-executor " TSJAIL_VERSION " plan ");
    text_add_number(&text, PLAN_VERSION);
    text_add(&text, "\n");
    return write_all(1, text.data, text.length) < 0 ? EXIT_TSJAIL : 0;
}

int run(struct start *start) {
    hold_standard_descriptors();
    inherited_environment = start->envp;
    if (start->secure)
        return refuse("the executor must not be setuid, setgid or have file capabilities; it needs "
                      "no privilege");
    if (start->argc >= 3 && strcmp(start->argv[1], "--front") == 0)
        return start_jail(start, start->argv[2], start->argv + 3);
    if (start->argc >= 2 && strcmp(start->argv[1], "--plan-fd") == 0)
        return run_plan(start);
    if (start->argc == 2 && strcmp(start->argv[1], "--version") == 0)
        return print_version();
    return start_jail(start, NULL, start->argv + (start->argc > 0));
}
