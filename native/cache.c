/* SPDX-License-Identifier: MIT */
/* Plans that Node has compiled before and kept: $XDG_CACHE_HOME/tsjail/plans/HASH-SLOT. The hash
 * only finds the file; what the plan is for stands in it, and is compared (facts.c). Whatever is
 * not in order here is no error: Node compiles then, and says what is wrong. src/cache writes. */
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "front.h"

/* As in src/cache/place.ts. */
enum { SLOTS = 4, MAX_OPTION_WORDS = 256 };

/* FNV-1a over the bytes of the strings and their NULs. */
static u32 add_to_hash(u32 hash, const char *text) {
    do
        hash = (hash ^ (u8)*text) * 16777619;
    while (*text++);
    return hash;
}

/* Under sudo(8) without -H it is not: somebody else decides what lies there. */
static int is_own_directory(const char *path) {
    struct stat stat;

    return sys(newfstatat, AT_FDCWD, path, &stat, 0) == 0 &&
           (stat.st_uid == (u64)sys(geteuid) || stat.st_uid == 0);
}

/* Where the XDG Base Directory Specification has caches. */
static int find_directory(struct text *path, char *const *environment) {
    const char *base = find_variable(environment, "XDG_CACHE_HOME");
    const char *rest = "/tsjail/plans/";

    if (!base || base[0] != '/') {
        base = find_variable(environment, "HOME");
        rest = "/.cache/tsjail/plans/";
    }
    if (!base || base[0] != '/' || !is_own_directory(base))
        return -1;
    text_add(path, base);
    text_add(path, rest);
    return path->full ? -1 : 0;
}

static void add_name(struct text *path, u32 hash, u32 slot) {
    text_add_hexadecimal(path, hash, 8);
    text_add(path, "-");
    text_add_number(path, slot);
}

/* Ours, and nobody else can have written it. */
static int is_private(int fd) {
    struct stat stat;

    return sys(newfstatat, fd, "", &stat, AT_EMPTY_PATH) == 0 && S_ISREG(stat.st_mode) &&
           stat.st_uid == (u64)sys(geteuid) && (stat.st_mode & 07777) == 0600;
}

static int is_in(const struct blob *list, const char *word) {
    for (const char *each = NULL; (each = list_next(list, each));)
        if (strcmp(each, word) == 0)
            return 1;
    return 0;
}

/* `count` words of ours, and then, unless it comes after "--", no word that we would take for one
 * of our own commands, or for the profile of an environment (@NAME). */
static int is_same_invocation(const struct plan *plan, const struct invocation *now, int count) {
    const struct operation *fact = plan_find(plan, OP_FACT_INVOCATION);
    const struct op_fact_invocation *kept;
    const char *word = NULL;

    if (!fact)
        return 0;
    kept = fields(fact, fact_invocation);
    if (strcmp(kept->package, now->package) != 0 || list_count(kept->options) != (size_t)count)
        return 0;
    for (int i = 0; i < count; i++) {
        word = list_next(kept->options, word);
        if (strcmp(word, now->words[i]) != 0)
            return 0;
    }
    return count == now->count ||
           (now->words[count][0] != '@' && !is_in(kept->commands, now->words[count]));
}

/* 1: it is for us. 0: it is not. -1: there is none. */
static int try_plan(struct jail *jail, const struct invocation *now, int count, const char *path) {
    const struct op_supervise *supervise;
    long fd = sys(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return -1;
    jail->plan_fd = (int)fd;
    if (is_private(jail->plan_fd) && read_plan(jail) == 0 &&
        is_same_invocation(&jail->plan, now, count) &&
        !find_false_fact(&jail->plan, now->environment)) {
        supervise = fields(plan_find(&jail->plan, OP_SUPERVISE), supervise);
        if (!(supervise->flags & SUPERVISE_SUPERVISOR))
            return 1;
    }
    sys(close, fd);
    jail->plan_fd = -1;
    return 0;
}

/* Where our options can end: before the first word that isn't one, or "--". Whether it is not the
 * value of an option is known to Node alone, which has kept a plan for the right place only. */
static int can_end_at(const struct invocation *now, int count) {
    const char *word;

    if (count == now->count)
        return 1;
    word = now->words[count];
    return word[0] && (word[0] != '-' || strcmp(word, "--") == 0);
}

/* Without any word there must be a command in the plan. */
static int take_command(struct jail *jail, const struct invocation *now, int count) {
    const struct operation *command = plan_find(&jail->plan, OP_COMMAND);

    if (count < now->count && strcmp(now->words[count], "--") == 0)
        count++;
    if (count < now->count)
        jail->command = now->words + count;
    return jail->command || fields(command, command)->argv->length;
}

int find_kept_plan(struct jail *jail, const struct invocation *now) {
    struct text directory = {0};
    char here[4096];
    u32 hash = 2166136261;

    if (find_directory(&directory, now->environment) < 0 || sys(getcwd, here, sizeof here) < 0)
        return 0;
    hash = add_to_hash(add_to_hash(hash, now->package), here);
    for (int count = 0; count <= now->count && count <= MAX_OPTION_WORDS; count++) {
        for (u32 slot = 0; slot < SLOTS && can_end_at(now, count); slot++) {
            struct text path = directory;
            int found;

            add_name(&path, hash, slot);
            found = path.full ? -1 : try_plan(jail, now, count, path.data);
            if (found > 0)
                return take_command(jail, now, count);
            if (found < 0)
                break;
        }
        if (count == now->count || strcmp(now->words[count], "--") == 0)
            break;
        hash = add_to_hash(hash, now->words[count]);
    }
    return 0;
}
