/* SPDX-License-Identifier: MIT */
/* How the fuzzer makes plans of plans. Bytes changed at random would never get past the header, so
 * most changes are of one operation, slot or blob, and then the header's figures are put right.
 * Called by libFuzzer; plan.c is what it drives. */
#include "wire.h"

/* What is covered in here is of no interest: the fuzzer would keep plans for it. */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)

size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, u32 seed);
void *memmove(void *to, const void *from, size_t n);

enum { HEADER = 32, RECORD = 56, HEADER_COUNT = 12, HEADER_CHECKSUM = 20 };

struct draft {
    u8 *data;
    size_t size, max_size;
    u32 count;
    u64 chance;
};

static u32 get32(const struct draft *draft, size_t at) {
    u32 value;

    memcpy(&value, draft->data + at, 4);
    return value;
}

static void put(struct draft *draft, size_t at, const void *value, size_t size) {
    memcpy(draft->data + at, value, size);
}

/* xorshift64* */
static u32 pick(struct draft *draft, u64 below) {
    draft->chance ^= draft->chance >> 12;
    draft->chance ^= draft->chance << 25;
    draft->chance ^= draft->chance >> 27;
    return (u32)((draft->chance * 0x2545f4914f6cdd1dull >> 33) % (below ? below : 1));
}

static size_t record_at(u32 index) {
    return HEADER + (size_t)index * RECORD;
}

static size_t blobs_at(const struct draft *draft) {
    return record_at(draft->count);
}

/* Some operation, or none in a plan without any. */
static size_t any_record(struct draft *draft) {
    return draft->count ? record_at(pick(draft, draft->count)) : 0;
}

static size_t any_slot(struct draft *draft) {
    size_t at = any_record(draft);

    return at ? at + 8 + 8 * pick(draft, PLAN_SLOTS) : 0;
}

/* An offset that is as likely a blob's as not. */
static u64 any_offset(struct draft *draft) {
    size_t length = draft->size - blobs_at(draft);
    size_t at = any_slot(draft);
    u64 value = 0;

    if (at && pick(draft, 2))
        memcpy(&value, draft->data + at, 8);
    else
        value = blobs_at(draft) + (pick(draft, length + 8) & (pick(draft, 4) ? ~3u : ~0u));
    return value;
}

static void change_slot(struct draft *draft) {
    static const u64 edges[] = {0,          1,          2,           3,          0x7fffffff,
                                0x80000000, 0xffffffff, 0x100000000, 1ull << 63, ~0ull};
    size_t at = any_slot(draft);
    u64 value;

    if (!at)
        return;
    memcpy(&value, draft->data + at, 8);
    switch (pick(draft, 4)) {
    case 0:
        value = edges[pick(draft, sizeof edges / sizeof *edges)];
        break;
    case 1:
        value ^= 1ull << pick(draft, 64);
        break;
    default:
        value = any_offset(draft);
    }
    put(draft, at, &value, 8);
}

/* Another opcode, with the phase that it wants. */
static void change_opcode(struct draft *draft) {
    size_t at = any_record(draft);
    u16 head[2] = {(u16)pick(draft, OP_END + 1), 0};

    if (!at)
        return;
    if (head[0] && head[0] < OP_END)
        head[1] = op_types[head[0] - 1].phase;
    put(draft, at, head, pick(draft, 8) ? 4 : 2);
}

/* What the offsets of all records have to follow when the blobs move. */
static void shift_offsets(struct draft *draft, s64 by) {
    for (u32 i = 0; i < draft->count; i++) {
        size_t at = record_at(i);
        u32 origin = get32(draft, at + 4) + (u32)by;
        u16 opcode;

        put(draft, at + 4, &origin, 4);
        memcpy(&opcode, draft->data + at, 2);
        for (u32 slot = 0; opcode && opcode < OP_END && slot < op_types[opcode - 1].fields;
             slot++) {
            u32 kind = op_types[opcode - 1].field[slot].kind;
            u64 value;
            if (kind != FIELD_STRING && kind != FIELD_PATH && kind != FIELD_LIST &&
                kind != FIELD_BYTES)
                continue;
            memcpy(&value, draft->data + at + 8 + 8 * slot, 8);
            value += (u64)by;
            put(draft, at + 8 + 8 * slot, &value, 8);
        }
    }
}

static void repeat_operation(struct draft *draft) {
    u8 copy[RECORD];
    size_t from = any_record(draft), to;

    if (!from || draft->size + RECORD > draft->max_size)
        return;
    shift_offsets(draft, RECORD);
    memcpy(copy, draft->data + from, RECORD);
    to = pick(draft, 2) ? from : record_at(pick(draft, draft->count + 1));
    memmove(draft->data + to + RECORD, draft->data + to, draft->size - to);
    put(draft, to, copy, RECORD);
    draft->size += RECORD;
    draft->count++;
}

static void remove_operation(struct draft *draft) {
    size_t at = any_record(draft);

    if (!at)
        return;
    shift_offsets(draft, -RECORD);
    memmove(draft->data + at, draft->data + at + RECORD, draft->size - at - RECORD);
    draft->size -= RECORD;
    draft->count--;
}

/* The length of a blob, or a byte of it. */
static void change_blob(struct draft *draft) {
    u64 at = any_offset(draft);

    if (at < blobs_at(draft) || draft->size < 5 || at > draft->size - 5)
        return;
    if (pick(draft, 2)) {
        u32 length =
            pick(draft, 3) ? get32(draft, at) + pick(draft, 9) - 4 : (u32)(draft->size - at);
        put(draft, at, &length, 4);
    } else {
        u64 byte = at + 4 + pick(draft, get32(draft, at) + 1ull);
        if (byte < draft->size)
            draft->data[byte] = (u8)("\0/A=\xff"[pick(draft, 5)]);
    }
}

/* A new blob at the end, and a slot that refers to it. */
static void append_blob(struct draft *draft) {
    u32 length = pick(draft, 12), padded = (length + 8) & ~3u;
    u64 at = (draft->size + 3) & ~3ull;
    size_t slot = any_slot(draft);

    if (!slot || at + padded > draft->max_size)
        return;
    memset(draft->data + draft->size, 0, at + padded - draft->size);
    put(draft, at, &length, 4);
    for (u32 i = 0; i < length; i++)
        draft->data[at + 4 + i] = (u8)("//aA\0=\xc3"[pick(draft, 7)]);
    put(draft, slot, &at, 8);
    draft->size = at + padded;
}

static void change_bytes(struct draft *draft) {
    draft->size = LLVMFuzzerMutate(draft->data, draft->size, draft->max_size);
}

/* As in native/wire.c: without it the reader would look at nothing else. */
static u32 sum_words(const struct draft *draft) {
    u32 hash = 2166136261;

    for (size_t at = 0; at + 4 <= draft->size; at += 4)
        if (at != HEADER_CHECKSUM)
            hash = (hash ^ get32(draft, at)) * 16777619;
    return hash;
}

/* The header as this size, this number of operations and these bytes want it. */
static void repair_header(struct draft *draft) {
    u32 fields[8] = {PLAN_MAGIC, PLAN_VERSION, 0, draft->count, 0, 0, 0, 0}, sum;

    if (draft->size < HEADER)
        return;
    draft->size &= ~(size_t)3;
    fields[2] = (u32)draft->size;
    if (draft->count > (draft->size - HEADER) / RECORD)
        fields[3] = draft->count = (u32)((draft->size - HEADER) / RECORD);
    fields[4] = (u32)blobs_at(draft);
    put(draft, 0, fields, sizeof fields);
    sum = sum_words(draft);
    put(draft, HEADER_CHECKSUM, &sum, sizeof sum);
}

/* Operations in the order of their phases, as a plan has them; those of one phase stay in order. */
static void sort_operations(struct draft *draft) {
    for (u32 i = 1; i < draft->count; i++) {
        for (u32 j = i; j > 0 && j + 64 > i; j--) {
            u8 copy[RECORD], *here = draft->data + record_at(j), *before = here - RECORD;
            if ((here[2] | here[3] << 8) >= (before[2] | before[3] << 8))
                break;
            memcpy(copy, here, RECORD);
            memcpy(here, before, RECORD);
            memcpy(before, copy, RECORD);
        }
    }
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, u32 seed) {
    static void (*const changes[])(struct draft *) = {
        change_slot,      change_slot, change_opcode, repeat_operation,
        remove_operation, change_blob, append_blob,   change_bytes};
    struct draft draft = {data, size, max_size, 0, seed * 0x9e3779b97f4a7c15ull | 1};
    u32 rounds = 1 + pick(&draft, 4);

    if (size < HEADER)
        return LLVMFuzzerMutate(data, size, max_size);
    draft.count = get32(&draft, HEADER_COUNT);
    if (draft.count > (size - HEADER) / RECORD)
        draft.count = (u32)((size - HEADER) / RECORD);
    while (rounds--) {
        changes[pick(&draft, sizeof changes / sizeof *changes)](&draft);
        if (draft.size < HEADER)
            return draft.size;
        if (draft.count > (draft.size - HEADER) / RECORD)
            draft.count = (u32)((draft.size - HEADER) / RECORD);
    }
    if (pick(&draft, 4))
        sort_operations(&draft);
    /* and now and then a header that lies */
    if (pick(&draft, 32))
        repair_header(&draft);
    return draft.size;
}

#pragma clang attribute pop
