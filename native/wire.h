/* SPDX-License-Identifier: MIT */
/* A plan in memory, checked. wire.c makes it; everything else reads it. */
#ifndef TSJAIL_WIRE_H
#define TSJAIL_WIRE_H
#include "ops.h"

/* One operation. Once plan_check has passed, slots of strings, paths, lists and bytes hold
 * pointers, so that the struct op_NAME of ops.h lies over `slot`. */
struct operation {
    u16 opcode;
    u16 phase;
    u32 origin;
    u64 slot[PLAN_SLOTS];
};

struct plan {
    char *bytes;
    size_t length;
    struct operation *operation;
    u32 count;
};

/* The fields of an operation, as the struct of its opcode. */
#define fields(op, name) ((const struct op_##name *)(const void *)(op)->slot)

/* Checks everything about `length` bytes and fills in `plan`. 0, or -1: malformed. Changes the
 * bytes. */
int plan_check(struct plan *plan, void *bytes, size_t length);

/* The only operation of this opcode, or NULL. */
struct operation *plan_find(const struct plan *plan, u32 opcode);

const char *plan_origin(const struct plan *plan, const struct operation *op);

/* Its next field of the kind FIELD_STRING or FIELD_PATH, from slot *at on, or NULL. */
const char *plan_text(const struct operation *op, u32 kind, u32 *at);

/* The number of strings in a list, and its strings, one after the other: next = list_next(list,
 * next), from NULL. */
size_t list_count(const struct blob *list);
const char *list_next(const struct blob *list, const char *previous);
#endif
