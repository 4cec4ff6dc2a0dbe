/* Aggregates that only the conformance cases call. Most add up numbers and the lengths of texts, beginning with what
 * their literals give. */
#include "functions/aggregate/list_state.h"
#include "functions/functions_int.h"
#include "functions/text.h"

static uint32_t size_8(const struct aggregate_call *c)
{
    (void)c;
    return 8;
}

static int64_t worth(const struct value *v)
{
    switch ((enum type_kind)v->kind) {
    case KIND_INT:
        return v->i32;
    case KIND_BIGINT:
        return v->i64;
    case KIND_STRING:
        return text_utf16_len(v->str);
    default:
        return 0;
    }
}

/* Sums wrap as Java's do. */
static int64_t plus(int64_t x, int64_t y)
{
    return (int64_t)((uint64_t)x + (uint64_t)y);
}

static int64_t worth_of_all(const struct value *values, uint32_t n)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum = plus(sum, worth(&values[i]));
    return sum;
}

static void zero(const struct aggregate_call *c, void *state)
{
    (void)c;
    *(int64_t *)state = 0;
}

static void from_literals(const struct aggregate_call *c, void *state)
{
    *(int64_t *)state = worth_of_all(c->literals, c->n_literals);
}

static bool add(struct aggregate_call *c, void *state, const struct value *args)
{
    *(int64_t *)state = plus(*(int64_t *)state, worth_of_all(args, c->n_args));
    return true;
}

static bool take_away(struct aggregate_call *c, void *state, const struct value *args)
{
    *(int64_t *)state = plus(*(int64_t *)state, plus(~worth_of_all(args, c->n_args), 1));
    return true;
}

static bool merge(struct aggregate_call *c, void *state, const void *other)
{
    (void)c;
    *(int64_t *)state = plus(*(int64_t *)state, *(const int64_t *)other);
    return true;
}

static bool sum(struct aggregate_call *c, const void *state, struct value *out)
{
    (void)c;
    *out = value_bigint(*(const int64_t *)state);
    return true;
}

static bool sum_and_literals(struct aggregate_call *c, const void *state, struct value *out)
{
    *out = value_bigint(plus(*(const int64_t *)state, worth_of_all(c->literals, c->n_literals)));
    return true;
}

#define SUMMING(name, start, subtract, reader)                                                                         \
    static const struct aggregate name = {                                                                             \
        .size = size_8, .init = (start), .step = add, .undo = (subtract), .merge = merge, .result = (reader)}
SUMMING(table_sum, zero, take_away, sum);
SUMMING(stream_sum, zero, NULL, sum);
SUMMING(sum_from_literals, from_literals, NULL, sum);
SUMMING(sum_then_literals, zero, NULL, sum_and_literals);

static bool add_double(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    *(double *)state += value_is_null(&args[0]) ? 0 : args[0].f64;
    return true;
}

static bool merge_double(struct aggregate_call *c, void *state, const void *other)
{
    (void)c;
    *(double *)state += *(const double *)other;
    return true;
}

static bool double_sum(struct aggregate_call *c, const void *state, struct value *out)
{
    (void)c;
    *out = value_double(*(const double *)state);
    return true;
}

static const struct aggregate sum_double = {
    .size = size_8, .init = zero, .step = add_double, .merge = merge_double, .result = double_sum};

/* ---- sums of the fields A and B
 * --------------------------------------------------------------------------------------------- */

static bool add_fields(struct aggregate_call *c, void *state, const struct value *args)
{
    int32_t *sums = state;
    (void)c;
    if (!value_is_null(&args[0])) {
        sums[0] = (int32_t)plus(sums[0], worth(&args[0].nested->items[0]));
        sums[1] = (int32_t)plus(sums[1], worth(&args[0].nested->items[1]));
    }
    return true;
}

static bool merge_fields(struct aggregate_call *c, void *state, const void *other)
{
    int32_t *sums = state;
    const int32_t *more = other;
    (void)c;
    sums[0] = (int32_t)plus(sums[0], more[0]);
    sums[1] = (int32_t)plus(sums[1], more[1]);
    return true;
}

static bool fields(struct aggregate_call *c, const void *state, struct value *out)
{
    const int32_t *sums = state;
    struct value values[2] = {value_int(sums[0]), value_int(sums[1])};
    return struct_new(c, values, 2, out);
}

static const struct aggregate sum_fields = {
    .size = size_8, .init = zero, .step = add_fields, .merge = merge_fields, .result = fields};

/* ---- the first arguments of rows without null
 * ----------------------------------------------------------------------------------- */

static const struct type *first_list_type(struct arena *a, const struct aggregate_call *c)
{
    return type_array(a, c->arg_types[0]);
}

static bool collect_complete(struct aggregate_call *c, void *state, const struct value *args)
{
    for (uint32_t i = 0; i < c->n_args; i++)
        if (value_is_null(&args[i]))
            return true;
    return list_insert(c, state, list_n(state), &args[0], UINT32_MAX, state);
}

static bool merge_lists(struct aggregate_call *c, void *state, const void *other)
{
    const struct value *more = other;
    for (uint32_t i = 0; i < list_n(more); i++)
        if (!list_insert(c, state, list_n(state), &more->nested->items[i], UINT32_MAX, state))
            return false;
    return true;
}

static const struct aggregate complete_rows = {.size = variable_size,
                                               .state_type = first_list_type,
                                               .init = list_init,
                                               .step = collect_complete,
                                               .merge = merge_lists,
                                               .result = list_result};

#define TESTING(upper)                                                                                                 \
    .name = (upper), .declared_name = (upper), .kind = FUNCTION_AGGREGATE, .category = "TEST",                         \
    .description = "For tests"
#define PAIR "STRUCT<A INT, B INT>"

static const struct function table[] = {
    {TESTING("TEST_UDAF"),
     VARIANTS(AGGREGATE("(BIGINT) -> BIGINT", &table_sum), AGGREGATE("(INT) -> BIGINT", &table_sum),
              AGGREGATE("(DOUBLE) -> DOUBLE", &sum_double),
              AGGREGATE("(STRING; STRING initialString) -> BIGINT", &sum_from_literals),
              AGGREGATE("(" PAIR ") -> " PAIR, &sum_fields)),
     .n_literal_args = 1},
    {TESTING("VAR_ARG"), VARIANTS(AGGREGATE("(BIGINT, STRING...) -> BIGINT", &stream_sum))},
    {TESTING("MID_VAR_ARG"),
     VARIANTS(AGGREGATE("(BIGINT, STRING...; INT first, INT second) -> BIGINT", &sum_then_literals)),
     .n_literal_args = 2},
    {TESTING("MULTI_ARG"),
     VARIANTS(AGGREGATE("(BIGINT, STRING; INT initArg1, STRING... initArg2) -> BIGINT", &sum_from_literals)),
     .n_literal_args = 8},
    {TESTING("FOUR_ARG"),
     VARIANTS(
         AGGREGATE("(BIGINT, STRING, STRING, STRING; INT initArg1, STRING... initArg2) -> BIGINT", &sum_from_literals)),
     .n_literal_args = 8},
    {TESTING("FIVE_ARG"),
     VARIANTS(AGGREGATE("(BIGINT, STRING, STRING, STRING, INT; INT initArg1, STRING... initArg2) -> BIGINT",
                        &sum_from_literals)),
     .n_literal_args = 8},
    {TESTING("GENERIC_VAR_ARG"), VARIANTS(AGGREGATE("(A, B, C...) -> ARRAY<A>", &complete_rows))},
    {TESTING("OBJ_COL_ARG"), VARIANTS(AGGREGATE("(INT, ANY...) -> ARRAY<INT>", &complete_rows))},
};

const struct function_family functions_testing_aggregates = FAMILY(table);
