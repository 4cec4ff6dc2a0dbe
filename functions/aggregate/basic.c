/* COUNT, SUM, AVG, MIN, MAX, SUM_LIST. The states are fixed bytes, but for MIN and MAX of texts and bytes. */
#include "functions/aggregate/list_state.h"
#include "functions/decimal_ops.h"
#include "functions/functions_int.h"
#include "functions/text.h"

static uint32_t size_8(const struct aggregate_call *c)
{
    (void)c;
    return 8;
}

static uint32_t size_16(const struct aggregate_call *c)
{
    (void)c;
    return 16;
}

static void zero_8(const struct aggregate_call *c, void *state)
{
    (void)c;
    memset(state, 0, 8);
}

static void zero_16(const struct aggregate_call *c, void *state)
{
    (void)c;
    memset(state, 0, 16);
}

/* ---- COUNT ----------------------------------------------------------------------------------------------------------
 */

static bool count_step(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    *(int64_t *)state += !value_is_null(&args[0]);
    return true;
}

static bool count_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    *(int64_t *)state -= !value_is_null(&args[0]);
    return true;
}

static bool bigint_merge(struct aggregate_call *c, void *state, const void *other)
{
    (void)c;
    *(int64_t *)state = (int64_t)(*(uint64_t *)state + *(const uint64_t *)other);
    return true;
}

static bool bigint_result(struct aggregate_call *c, const void *state, struct value *out)
{
    (void)c;
    *out = value_bigint(*(const int64_t *)state);
    return true;
}

static const struct aggregate count = {.size = size_8,
                                       .init = zero_8,
                                       .step = count_step,
                                       .undo = count_undo,
                                       .merge = bigint_merge,
                                       .result = bigint_result};

/* ---- SUM of INT and BIGINT: one 64-bit sum; that of INTs is cut when it is read, which wraps alike
 * ------------------------ */

static int64_t whole(const struct value *v)
{
    return v->kind == KIND_INT ? v->i32 : v->kind == KIND_BIGINT ? v->i64 : 0;
}

static void add_whole(void *state, int64_t v)
{
    *(int64_t *)state = (int64_t)(*(uint64_t *)state + (uint64_t)v);
}

static bool whole_step(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    add_whole(state, whole(&args[0]));
    return true;
}

static bool whole_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    add_whole(state, (int64_t)(0 - (uint64_t)whole(&args[0])));
    return true;
}

static bool int_result(struct aggregate_call *c, const void *state, struct value *out)
{
    (void)c;
    uint64_t sum = *(const uint64_t *)state;
    *out = value_int((int32_t)(uint32_t)sum);
    return true;
}

static const struct aggregate sum_int = {.size = size_8,
                                         .init = zero_8,
                                         .step = whole_step,
                                         .undo = whole_undo,
                                         .merge = bigint_merge,
                                         .result = int_result};
static const struct aggregate sum_bigint = {.size = size_8,
                                            .init = zero_8,
                                            .step = whole_step,
                                            .undo = whole_undo,
                                            .merge = bigint_merge,
                                            .result = bigint_result};

/* ---- SUM of DOUBLE
 * ------------------------------------------------------------------------------------------------------------ */

static bool double_step(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    if (!value_is_null(&args[0]))
        *(double *)state += args[0].f64;
    return true;
}

static bool double_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    if (!value_is_null(&args[0]))
        *(double *)state -= args[0].f64;
    return true;
}

static bool double_merge(struct aggregate_call *c, void *state, const void *other)
{
    (void)c;
    *(double *)state += *(const double *)other;
    return true;
}

static bool double_result(struct aggregate_call *c, const void *state, struct value *out)
{
    (void)c;
    *out = value_double(*(const double *)state);
    return true;
}

static const struct aggregate sum_double = {.size = size_8,
                                            .init = zero_8,
                                            .step = double_step,
                                            .undo = double_undo,
                                            .merge = double_merge,
                                            .result = double_result};

/* ---- SUM of DECIMAL: an unscaled number in the scale of the type
 * ------------------------------------------------------------------ */

/* Adds; a sum beyond the type's precision is first cut to its digits, and then refused, as the text of the error shows.
 */
static bool decimal_add_to(struct aggregate_call *c, void *state, int128 v)
{
    const struct type *t = c->result_type;
    int128 sum, rounded;
    memcpy(&sum, state, sizeof sum);
    if (__builtin_add_overflow(sum, v, &sum))
        return aggregate_error(c, "Numeric field overflow");
    int excess = decimal_digits(sum) - t->precision, scale = t->scale - excess;
    if (excess > 0) {
        if (!decimal_round(sum, t->scale, scale, DECIMAL_HALF_UP, &rounded) ||
            !decimal_fit(rounded, scale > 0 ? scale : 0, t, &sum, c->error, sizeof c->error))
            return false;
    }
    memcpy(state, &sum, sizeof sum);
    return true;
}

static bool decimal_step(struct aggregate_call *c, void *state, const struct value *args)
{
    return value_is_null(&args[0]) || decimal_add_to(c, state, *args[0].decimal);
}

static bool decimal_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    return value_is_null(&args[0]) || decimal_add_to(c, state, -*args[0].decimal);
}

static bool decimal_merge(struct aggregate_call *c, void *state, const void *other)
{
    int128 v;
    memcpy(&v, other, sizeof v);
    return decimal_add_to(c, state, v);
}

static bool decimal_result(struct aggregate_call *c, const void *state, struct value *out)
{
    *out = (struct value){.kind = KIND_DECIMAL, .decimal = arena_dup(c->arena, state, sizeof(int128))};
    return out->decimal || aggregate_error(c, "Out of memory");
}

static const struct aggregate sum_decimal = {.size = size_16,
                                             .init = zero_16,
                                             .step = decimal_step,
                                             .undo = decimal_undo,
                                             .merge = decimal_merge,
                                             .result = decimal_result};

static const struct type *same_type(struct arena *a, const struct type *const *args, uint32_t n, struct diag *d)
{
    (void)a, (void)n, (void)d;
    return args[0];
}

/* ---- AVG: sum and count
 * ------------------------------------------------------------------------------------------------------------- */

struct average {
    union {
        int64_t whole;
        double real;
    } sum;
    int64_t count;
};

static bool average_change(struct aggregate_call *c, struct average *s, const struct value *v, int sign)
{
    if (value_is_null(v))
        return true;
    if (c->arg_types[0]->kind == KIND_DOUBLE)
        s->sum.real += sign * v->f64;
    else
        add_whole(&s->sum.whole, sign < 0 ? (int64_t)(0 - (uint64_t)whole(v)) : whole(v));
    s->count += sign;
    return true;
}

static bool average_step(struct aggregate_call *c, void *state, const struct value *args)
{
    return average_change(c, state, &args[0], 1);
}

static bool average_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    return average_change(c, state, &args[0], -1);
}

static bool average_merge(struct aggregate_call *c, void *state, const void *other)
{
    struct average *s = state;
    const struct average *o = other;
    if (c->arg_types[0]->kind == KIND_DOUBLE)
        s->sum.real += o->sum.real;
    else
        add_whole(&s->sum.whole, o->sum.whole);
    s->count += o->count;
    return true;
}

/* The sum of INTs is a 32-bit number in ksqlDB, which wraps. */
static bool average_result(struct aggregate_call *c, const void *state, struct value *out)
{
    const struct average *s = state;
    enum type_kind kind = c->arg_types[0]->kind;
    double sum = kind == KIND_DOUBLE ? s->sum.real
                 : kind == KIND_INT  ? (double)(int32_t)(uint32_t)(uint64_t)s->sum.whole
                                     : (double)s->sum.whole;
    *out = value_double(s->count ? sum / (double)s->count : 0.0);
    return true;
}

static const struct aggregate average = {.size = size_16,
                                         .init = zero_16,
                                         .step = average_step,
                                         .undo = average_undo,
                                         .merge = average_merge,
                                         .result = average_result};

/* ---- SUM_LIST
 * --------------------------------------------------------------------------------------------------------------------------
 */

static bool list_change(struct aggregate_call *c, void *state, const struct value *list, int sign)
{
    bool real = c->arg_types[0]->element->kind == KIND_DOUBLE;
    for (uint32_t i = 0; i < list_n(list); i++) {
        const struct value *v = &list->nested->items[i];
        if (value_is_null(v))
            continue;
        if (real)
            *(double *)state += sign * v->f64;
        else
            add_whole(state, sign < 0 ? (int64_t)(0 - (uint64_t)whole(v)) : whole(v));
    }
    return true;
}

static bool list_step(struct aggregate_call *c, void *state, const struct value *args)
{
    return list_change(c, state, &args[0], 1);
}

static bool list_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    return list_change(c, state, &args[0], -1);
}

#define SUM_LIST(name, merger, reader)                                                                                 \
    static const struct aggregate name = {                                                                             \
        .size = size_8, .init = zero_8, .step = list_step, .undo = list_undo, .merge = (merger), .result = (reader)}
SUM_LIST(sum_list_int, bigint_merge, int_result);
SUM_LIST(sum_list_bigint, bigint_merge, bigint_result);
SUM_LIST(sum_list_double, double_merge, double_result);

/* ---- MIN, MAX: whether there is one (8 bytes), and the cell
 * -------------------------------------------------------------------------------- */

static bool is_variable(const struct aggregate_call *c)
{
    return c->arg_types[0]->kind == KIND_STRING || c->arg_types[0]->kind == KIND_BYTES;
}

static uint32_t extreme_size(const struct aggregate_call *c)
{
    return is_variable(c) ? 0 : c->arg_types[0]->kind == KIND_DECIMAL ? 24 : 16;
}

static const struct type *extreme_state_type(struct arena *a, const struct aggregate_call *c)
{
    (void)a;
    return c->arg_types[0];
}

static void extreme_init(const struct aggregate_call *c, void *state)
{
    if (is_variable(c))
        *(struct value *)state = VALUE_NULL;
    else
        memset(state, 0, extreme_size(c));
}

/* `room` backs a DECIMAL. */
static struct value extreme_read(const struct aggregate_call *c, const void *state, int128 *room)
{
    if (is_variable(c))
        return *(const struct value *)state;
    struct value v = {.kind = KIND_NULL};
    if (*(const int64_t *)state == 0)
        return v;
    const char *cell = (const char *)state + 8;
    v.kind = c->arg_types[0]->kind;
    if (v.kind == KIND_DECIMAL) {
        memcpy(room, cell, sizeof *room);
        v.decimal = room;
    } else {
        memcpy(&v.i64, cell, sizeof v.i64);
    }
    return v;
}

static void extreme_write(const struct aggregate_call *c, void *state, const struct value *v)
{
    char *cell = (char *)state + 8;
    if (is_variable(c)) {
        *(struct value *)state = *v;
        return;
    }
    *(int64_t *)state = 1;
    if (v->kind == KIND_DECIMAL) {
        memcpy(cell, v->decimal, sizeof *v->decimal);
    } else {
        int64_t bits = v->kind == KIND_INT || v->kind == KIND_DATE || v->kind == KIND_TIME ? v->i32 : v->i64;
        memcpy(cell, &bits, sizeof bits);
    }
}

static bool extreme_take(struct aggregate_call *c, void *state, const struct value *v, int sign)
{
    int128 room;
    struct value old = extreme_read(c, state, &room);
    if (!value_is_null(v) && (value_is_null(&old) || value_cmp(v, &old) * sign > 0))
        extreme_write(c, state, v);
    return true;
}

#define EXTREME(name, sign)                                                                                            \
    static bool name##_step(struct aggregate_call *c, void *state, const struct value *args)                           \
    {                                                                                                                  \
        return extreme_take(c, state, &args[0], sign);                                                                 \
    }                                                                                                                  \
    static bool name##_merge(struct aggregate_call *c, void *state, const void *other)                                 \
    {                                                                                                                  \
        int128 room;                                                                                                   \
        struct value v = extreme_read(c, other, &room);                                                                \
        return extreme_take(c, state, &v, sign);                                                                       \
    }
EXTREME(max, 1)
EXTREME(min, -1)

static bool extreme_result(struct aggregate_call *c, const void *state, struct value *out)
{
    int128 room;
    *out = extreme_read(c, state, &room);
    if (out->kind == KIND_DECIMAL)
        out->decimal = arena_dup(c->arena, &room, sizeof room);
    return out->kind != KIND_DECIMAL || out->decimal || aggregate_error(c, "Out of memory");
}

static const struct aggregate max = {.size = extreme_size,
                                     .state_type = extreme_state_type,
                                     .init = extreme_init,
                                     .step = max_step,
                                     .merge = max_merge,
                                     .result = extreme_result};
static const struct aggregate min = {.size = extreme_size,
                                     .state_type = extreme_state_type,
                                     .init = extreme_init,
                                     .step = min_step,
                                     .merge = min_merge,
                                     .result = extreme_result};

/* ---- table
 * ---------------------------------------------------------------------------------------------------------------------------------
 */

#define EXTREME_VARIANTS(ops)                                                                                          \
    VARIANTS(AGGREGATE("(INT val) -> INT", ops), AGGREGATE("(BIGINT val) -> BIGINT", ops),                             \
             AGGREGATE("(DOUBLE val) -> DOUBLE", ops),                                                                 \
             {.signature = "(DECIMAL val) -> DECIMAL *", .aggregate = (ops), .result_type = same_type},                \
             AGGREGATE("(DATE val) -> DATE", ops), AGGREGATE("(TIME val) -> TIME", ops),                               \
             AGGREGATE("(TIMESTAMP val) -> TIMESTAMP", ops), AGGREGATE("(STRING val) -> STRING", ops),                 \
             AGGREGATE("(BYTES val) -> BYTES", ops))
#define AGG(upper, text)                                                                                               \
    .name = (upper), .declared_name = (upper), .kind = FUNCTION_AGGREGATE, .category = "AGGREGATE",                    \
    .description = (text)

static const struct function table[] = {
    {AGG("AVG", "The average of the values that are not null"),
     VARIANTS(AGGREGATE("(BIGINT val) -> DOUBLE", &average), AGGREGATE("(INT val) -> DOUBLE", &average),
              AGGREGATE("(DOUBLE val) -> DOUBLE", &average))},
    {AGG("COUNT", "The number of rows, or of values that are not null"),
     VARIANTS(AGGREGATE("(T val) -> BIGINT", &count))},
    {AGG("MAX", "The largest value"), EXTREME_VARIANTS(&max)},
    {AGG("MIN", "The smallest value"), EXTREME_VARIANTS(&min)},
    {AGG("SUM", "The sum of the values that are not null"),
     VARIANTS({.signature = "(DECIMAL val) -> DECIMAL *", .aggregate = &sum_decimal, .result_type = same_type},
              AGGREGATE("(DOUBLE val) -> DOUBLE", &sum_double), AGGREGATE("(BIGINT val) -> BIGINT", &sum_bigint),
              AGGREGATE("(INT val) -> INT", &sum_int))},
    {AGG("SUM_LIST", "The sum of all elements of arrays"),
     VARIANTS(AGGREGATE("(ARRAY<DOUBLE> val) -> DOUBLE", &sum_list_double),
              AGGREGATE("(ARRAY<INT> val) -> INT", &sum_list_int),
              AGGREGATE("(ARRAY<BIGINT> val) -> BIGINT", &sum_list_bigint))},
};

const struct function_family functions_agg_basic = FAMILY(table);
