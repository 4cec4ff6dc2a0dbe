/* COUNT_DISTINCT: an estimate by HyperLogLog (Flajolet et al. 2007) with 2^14 registers, and with ksqlDB's hashes, so
 * that the estimates are the same. The state is a BYTES: entries of register (2 bytes) and rank, sorted, while they are
 * few; then a byte for each register. */
#include "functions/aggregate/list_state.h"
#include "functions/functions_int.h"
#include "functions/text.h"

#include <math.h>

enum { LOG2M = 14, M = 1 << LOG2M, ENTRY = 3, SPARSE_LIMIT = 1500 };

/* ---- 32-bit hashes after Appleby's MurmurHash2
 * ------------------------------------------------------------------------------ */

static const uint32_t multiplier = 0x5bd1e995;

static uint32_t mix(uint32_t k)
{
    k *= multiplier;
    k ^= k >> 24;
    return k * multiplier;
}

static uint32_t finish(uint32_t h)
{
    h ^= h >> 13;
    h *= multiplier;
    return h ^ h >> 15;
}

static uint32_t hash_bits(uint64_t bits)
{
    uint32_t h = mix((uint32_t)bits);
    return finish(h * multiplier ^ mix((uint32_t)(bits >> 32)));
}

/* The rest of less than 4 bytes is taken from the end, and its bytes are signed: unlike the original. */
static uint32_t hash_text(struct str s)
{
    const signed char *p = (const signed char *)s.p;
    uint32_t h = 0xFFFFFFFFu ^ s.len, rest = s.len % 4;
    for (uint32_t i = 0; i + 4 <= s.len; i += 4) {
        uint32_t word;
        memcpy(&word, p + i, sizeof word);
        h = h * multiplier ^ mix(word);
    }
    if (rest >= 3)
        h ^= (uint32_t)(int32_t)p[s.len - 3] << 16;
    if (rest >= 2)
        h ^= (uint32_t)(int32_t)p[s.len - 2] << 8;
    if (rest >= 1) {
        h ^= (uint32_t)(int32_t)p[s.len - 1];
        h *= multiplier;
    }
    return finish(h);
}

static uint32_t hash_value(const struct aggregate_call *c, const struct value *v)
{
    struct buf text;
    switch ((enum type_kind)v->kind) {
    case KIND_INT:
        return hash_bits((uint64_t)(int64_t)v->i32);
    case KIND_BIGINT:
    case KIND_DOUBLE:
        return hash_bits((uint64_t)v->i64);
    case KIND_STRING:
        return hash_text(v->str);
    default:
        buf_init(&text, 0);
        value_print_element(&text, v, c->arg_types[0]);
        uint32_t h = hash_text(buf_str(&text));
        buf_free(&text);
        return h;
    }
}

/* ---- registers
 * --------------------------------------------------------------------------------------------------------------------
 */

static bool is_dense(struct str s)
{
    return s.len == M;
}

static uint32_t entry_register(const char *p)
{
    return (uint32_t)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

static bool set_state(struct aggregate_call *c, struct value *state, const char *p, uint32_t len)
{
    *state = (struct value){.kind = KIND_BYTES, .str = str_make(p, len)};
    return p || aggregate_error(c, "Out of memory");
}

static bool make_dense(struct aggregate_call *c, struct value *state)
{
    struct str s = value_is_null(state) ? STR("") : state->str;
    char *dense = arena_zalloc(c->arena, M);
    for (uint32_t i = 0; dense && i < s.len; i += ENTRY)
        dense[entry_register(s.p + i)] = s.p[i + 2];
    return set_state(c, state, dense, M);
}

static bool offer_dense(struct aggregate_call *c, struct value *state, uint32_t reg, uint32_t rank)
{
    if ((unsigned char)state->str.p[reg] >= rank)
        return true;
    char *copy = arena_dup(c->arena, state->str.p, M);
    if (copy)
        copy[reg] = (char)rank;
    return set_state(c, state, copy, M);
}

static bool offer(struct aggregate_call *c, struct value *state, uint32_t reg, uint32_t rank)
{
    struct str s = value_is_null(state) ? STR("") : state->str;
    if (is_dense(s))
        return offer_dense(c, state, reg, rank);
    uint32_t at = 0;
    while (at < s.len && entry_register(s.p + at) < reg)
        at += ENTRY;
    bool found = at < s.len && entry_register(s.p + at) == reg;
    if (found && (unsigned char)s.p[at + 2] >= rank)
        return true;
    if (!found && s.len + ENTRY > SPARSE_LIMIT * ENTRY)
        return make_dense(c, state) && offer_dense(c, state, reg, rank);
    uint32_t len = s.len + (found ? 0 : ENTRY);
    char *made = arena_alloc(c->arena, len);
    if (made) {
        memcpy(made, s.p, at);
        made[at] = (char)(reg >> 8);
        made[at + 1] = (char)reg;
        made[at + 2] = (char)rank;
        memcpy(made + at + ENTRY, s.p + at + (found ? ENTRY : 0), len - at - ENTRY);
    }
    return set_state(c, state, made, len);
}

static const struct type *state_type(struct arena *a, const struct aggregate_call *c)
{
    (void)a, (void)c;
    return &TYPE_BYTES;
}

static bool step(struct aggregate_call *c, void *state, const struct value *args)
{
    if (value_is_null(&args[0]))
        return true;
    uint32_t h = hash_value(c, &args[0]);
    uint32_t rank = (uint32_t)__builtin_clz(h << LOG2M | ((1u << (LOG2M - 1)) + 1)) + 1;
    return offer(c, state, h >> (32 - LOG2M), rank);
}

static bool merge(struct aggregate_call *c, void *state, const void *other)
{
    const struct value *more = other;
    struct str s = value_is_null(more) ? STR("") : more->str;
    bool dense = is_dense(s);
    for (uint32_t i = 0; i < s.len; i += dense ? 1 : ENTRY) {
        uint32_t rank = (unsigned char)s.p[dense ? i : i + 2];
        if (rank && !offer(c, state, dense ? i : entry_register(s.p + i), rank))
            return false;
    }
    return true;
}

static bool result(struct aggregate_call *c, const void *state, struct value *out)
{
    const struct value *v = state;
    struct str s = value_is_null(v) ? STR("") : v->str;
    double sum = 0, zeros = 0;
    (void)c;
    if (is_dense(s)) {
        for (uint32_t i = 0; i < M; i++) {
            sum += ldexp(1.0, -(unsigned char)s.p[i]);
            zeros += s.p[i] == 0;
        }
    } else {
        zeros = M - s.len / ENTRY;
        sum = zeros;
        for (uint32_t i = 0; i < s.len; i += ENTRY)
            sum += ldexp(1.0, -(unsigned char)s.p[i + 2]);
    }
    double estimate = 0.7213 / (1 + 1.079 / M) * M * M / sum;
    if (estimate <= 2.5 * M && zeros > 0)
        estimate = M * log(M / zeros);
    *out = value_bigint((int64_t)floor(estimate + 0.5));
    return true;
}

static const struct aggregate count_distinct = {
    .size = variable_size, .state_type = state_type, .init = list_init, .step = step, .merge = merge, .result = result};

static const struct function table[] = {
    {.name = "COUNT_DISTINCT",
     .declared_name = "COUNT_DISTINCT",
     .kind = FUNCTION_AGGREGATE,
     .category = "AGGREGATE",
     .description = "About how many distinct values there are",
     VARIANTS(AGGREGATE("(T val) -> BIGINT", &count_distinct))},
};

const struct function_family functions_agg_distinct = FAMILY(table);
