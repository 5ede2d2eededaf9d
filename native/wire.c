/* SPDX-License-Identifier: MIT */
/* From bytes to a plan. Nothing of a plan is acted on before all of it has been checked here. What
 * acts on it is monitor.c (phases host and map) and init.c (jail and command). */
#include "wire.h"

struct header {
    u32 magic, version, length, count, blobs, checksum, zero[2];
};

_Static_assert(sizeof(struct header) == 32, "as in src/plan/wire.ts");
_Static_assert(sizeof(struct operation) == 56, "as in src/plan/wire.ts");

static const struct blob *find_blob(const struct plan *plan, u64 offset) {
    const struct header *header = (const void *)plan->bytes;
    const struct blob *blob;

    if (offset < header->blobs || offset % 4 || offset > plan->length - sizeof *blob)
        return NULL;
    blob = (const void *)(plan->bytes + offset);
    /* the bytes and their NUL */
    if (blob->length >= plan->length - offset - sizeof *blob || blob->data[blob->length])
        return NULL;
    return blob;
}

static int is_string(const struct blob *blob) {
    for (u32 i = 0; i < blob->length; i++)
        if (!blob->data[i])
            return 0;
    return 1;
}

static int is_path(const struct blob *blob) {
    return blob->length < 4096 && blob->data[0] == '/' && is_string(blob);
}

static int is_list(const struct blob *blob) {
    return blob->length == 0 || blob->data[blob->length - 1] == 0;
}

static int check_field(const struct plan *plan, u32 kind, u32 allowed, u64 *slot) {
    const struct blob *blob;

    switch (kind) {
    case FIELD_U32:
        return *slot <= 0xffffffff;
    case FIELD_I32:
        return (s64)*slot == (s32)*slot;
    case FIELD_U64:
        return 1;
    case FIELD_FLAGS:
        return (*slot & ~(u64)allowed) == 0;
    case FIELD_CHOICE:
        return *slot <= allowed;
    case FIELD_ONE_BIT:
        return (*slot & ~(u64)allowed) == 0 && (*slot & (*slot - 1)) == 0;
    }
    blob = find_blob(plan, *slot);
    if (!blob)
        return 0;
    *slot = (u64)(size_t)blob;
    if (kind == FIELD_STRING || kind == FIELD_PATH) {
        *slot = (u64)(size_t)blob->data;
        return kind == FIELD_PATH ? is_path(blob) : is_string(blob);
    }
    return kind == FIELD_BYTES || (kind == FIELD_LIST && is_list(blob));
}

static int check_operation(const struct plan *plan, struct operation *op) {
    const struct op_type *type;
    const struct blob *origin = find_blob(plan, op->origin);

    if (op->opcode == 0 || op->opcode >= OP_END || !origin || !is_string(origin))
        return 0;
    type = &op_types[op->opcode - 1];
    if (op->phase != type->phase)
        return 0;
    for (u32 i = 0; i < PLAN_SLOTS; i++) {
        if (i >= type->fields
                ? op->slot[i] != 0
                : !check_field(plan, type->field[i].kind, type->field[i].allowed, &op->slot[i]))
            return 0;
    }
    return 1;
}

/* Of a plan that lay on a disk for a while: no single changed word goes unseen. FNV-1a over the
 * 32-bit words, the checksum itself left out. */
static u32 checksum(const void *bytes, size_t length) {
    const u32 *word = bytes;
    u32 hash = 2166136261;

    for (size_t i = 0; i < length / sizeof *word; i++)
        if (i != __builtin_offsetof(struct header, checksum) / sizeof *word)
            hash = (hash ^ word[i]) * 16777619;
    return hash;
}

int plan_check(struct plan *plan, void *bytes, size_t length) {
    const struct header *header = bytes;
    u32 seen[OP_END] = {0};

    *plan = (struct plan){.bytes = bytes, .length = length};
    if (length < sizeof *header || length > PLAN_MAX_BYTES || header->magic != PLAN_MAGIC ||
        header->version != PLAN_VERSION || header->length != length ||
        header->count > PLAN_MAX_OPERATIONS ||
        header->blobs != sizeof *header + header->count * sizeof(struct operation) ||
        header->blobs > length || header->zero[0] || header->zero[1] || length % 4 ||
        header->checksum != checksum(bytes, length))
        return -1;
    plan->operation = (void *)(plan->bytes + sizeof *header);
    plan->count = header->count;
    for (u32 i = 0; i < plan->count; i++) {
        struct operation *op = &plan->operation[i];
        if (!check_operation(plan, op) || (i > 0 && op->phase < op[-1].phase))
            return -1;
        seen[op->opcode]++;
    }
    for (u32 opcode = 1; opcode < OP_END; opcode++) {
        if (op_types[opcode - 1].once && seen[opcode] > 1)
            return -1;
        if (op_types[opcode - 1].required && seen[opcode] != 1)
            return -1;
    }
    return 0;
}

struct operation *plan_find(const struct plan *plan, u32 opcode) {
    for (u32 i = 0; i < plan->count; i++)
        if (plan->operation[i].opcode == opcode)
            return &plan->operation[i];
    return NULL;
}

const char *plan_origin(const struct plan *plan, const struct operation *op) {
    return plan->bytes + op->origin + sizeof(struct blob);
}

const char *plan_text(const struct operation *op, u32 kind, u32 *at) {
    const struct op_type *type = &op_types[op->opcode - 1];

    while (*at < type->fields)
        if (type->field[(*at)++].kind == kind)
            return (const char *)(size_t)op->slot[*at - 1];
    return NULL;
}

size_t list_count(const struct blob *list) {
    size_t count = 0;

    for (u32 i = 0; i < list->length; i++)
        count += list->data[i] == 0;
    return count;
}

const char *list_next(const struct blob *list, const char *previous) {
    const char *next = previous ? previous + strlen(previous) + 1 : list->data;

    return next < list->data + list->length ? next : NULL;
}
