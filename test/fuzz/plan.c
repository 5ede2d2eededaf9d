/* SPDX-License-Identifier: MIT */
/* A libFuzzer target for the executor's reader of plans (native/wire.c). In: any bytes. After
 * plan_check has taken them, everything that the executor will rely on is looked at once more, in
 * the plainest way. mutate.c makes the bytes; src/build/fuzz.ts compiles and runs it. */
#include "wire.h"

void *malloc(size_t size);
void free(void *memory);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* A false one is a crash, and its line is in the stack trace. */
#define expect(truth)                                                                              \
    do {                                                                                           \
        if (!(truth))                                                                              \
            __builtin_trap();                                                                      \
    } while (0)

static volatile size_t check_sum;

static const u8 *end_of(const struct plan *plan) {
    return (const u8 *)plan->bytes + plan->length;
}

/* Reads every byte of it: a sanitizer sees those that are not ours. */
static void expect_string(const struct plan *plan, const char *text) {
    const u8 *byte = (const u8 *)text;

    expect(byte >= (const u8 *)(plan->operation + plan->count) && byte < end_of(plan));
    while (*byte) {
        check_sum += *byte++;
        expect(byte < end_of(plan));
    }
}

static void expect_blob(const struct plan *plan, const struct blob *blob) {
    const u8 *data = (const u8 *)blob->data;

    expect((const u8 *)blob >= (const u8 *)(plan->operation + plan->count));
    expect((size_t)blob % 4 == 0 && data < end_of(plan));
    expect(blob->length < (size_t)(end_of(plan) - data));
    for (u32 i = 0; i < blob->length; i++)
        check_sum += data[i];
    expect(data[blob->length] == 0);
}

static void expect_list(const struct plan *plan, const struct blob *list) {
    size_t count = 0, length = 0;

    expect_blob(plan, list);
    for (const char *each = NULL; (each = list_next(list, each)); count++) {
        expect_string(plan, each);
        length += strlen(each) + 1;
    }
    expect(count == list_count(list) && length == list->length);
}

static void expect_field(const struct plan *plan, u32 kind, u32 allowed, u64 slot) {
    const void *pointer = (const void *)(size_t)slot;

    switch (kind) {
    case FIELD_U32:
        expect(slot >> 32 == 0);
        break;
    case FIELD_I32:
        expect((s64)slot >= -0x80000000ll && (s64)slot <= 0x7fffffff);
        break;
    case FIELD_FLAGS:
        expect((slot | allowed) == allowed);
        break;
    case FIELD_CHOICE:
        expect(slot <= allowed);
        break;
    case FIELD_ONE_BIT:
        expect((slot | allowed) == allowed && __builtin_popcountll(slot) <= 1);
        break;
    case FIELD_STRING:
        expect_string(plan, pointer);
        break;
    case FIELD_PATH:
        expect_string(plan, pointer);
        expect(*(const char *)pointer == '/' && strlen(pointer) < 4096);
        break;
    case FIELD_LIST:
        expect_list(plan, pointer);
        break;
    case FIELD_BYTES:
        expect_blob(plan, pointer);
        break;
    default:
        expect(kind == FIELD_U64);
    }
}

static void expect_operation(const struct plan *plan, const struct operation *op) {
    const struct op_type *type;

    expect(op->opcode >= 1 && op->opcode < OP_END);
    type = &op_types[op->opcode - 1];
    expect(op->phase == type->phase && (op == plan->operation || op->phase >= op[-1].phase));
    expect_string(plan, plan_origin(plan, op));
    for (u32 i = 0; i < PLAN_SLOTS; i++) {
        if (i < type->fields)
            expect_field(plan, type->field[i].kind, type->field[i].allowed, op->slot[i]);
        else
            expect(op->slot[i] == 0);
    }
}

static void expect_plan(const struct plan *plan) {
    u32 seen[OP_END] = {0};

    for (u32 i = 0; i < plan->count; i++) {
        expect_operation(plan, &plan->operation[i]);
        seen[plan->operation[i].opcode]++;
    }
    for (u32 opcode = 1; opcode < OP_END; opcode++) {
        const struct op_type *type = &op_types[opcode - 1];
        const struct operation *first = plan_find(plan, opcode);
        expect(seen[opcode] <= 1 || !(type->once || type->required));
        expect(seen[opcode] >= 1 || !type->required);
        expect(!!first == !!seen[opcode] && (!first || first->opcode == opcode));
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
    /* of exactly that size, so that one byte too far is seen; plan_check changes it */
    u8 *bytes = malloc(size ? size : 1);
    struct plan plan;

    memcpy(bytes, data, size);
    if (plan_check(&plan, bytes, size) == 0)
        expect_plan(&plan);
    free(bytes);
    return 0;
}
