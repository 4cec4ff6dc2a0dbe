/* EARLIEST_BY_OFFSET and LATEST_BY_OFFSET. The state is an array of values with the sequence number of their rows,
 * oldest first; the numbers decide when two sessions merge. Literals: how many (then the result is an array), and
 * whether nulls are left out (usually they are). */
#include "functions/aggregate/list_state.h"
#include "functions/functions_int.h"
#include "functions/text.h"

#include <stdlib.h>

static const struct type *state_type(struct arena *a, const struct aggregate_call *c)
{
    struct field *fields = ARENA_ARRAY(a, struct field, 2);
    if (!fields)
        return NULL;
    fields[0] = (struct field){STR("SEQ"), &TYPE_BIGINT};
    fields[1] = (struct field){STR("VAL"), c->arg_types[0]};
    const struct type *entry = type_struct(a, fields, 2);
    return entry ? type_array(a, entry) : NULL;
}

static bool ignores_nulls(const struct aggregate_call *c)
{
    for (uint32_t i = 0; i < c->n_literals; i++)
        if (c->literals[i].kind == KIND_BOOLEAN)
            return c->literals[i].boolean;
    return true;
}

static bool gives_array(const struct aggregate_call *c)
{
    return c->n_literals > 0 && c->literals[0].kind == KIND_INT;
}

static const char *check_count(const struct value *literals, uint32_t n, const char *text)
{
    return n > 0 && literals[0].kind == KIND_INT && literals[0].i32 < 1 ? text : NULL;
}

static const char *check_earliest(const struct value *literals, uint32_t n)
{
    return check_count(literals, n, "earliestN must be 1 or greater");
}

static const char *check_latest(const struct value *literals, uint32_t n)
{
    return check_count(literals, n, "latestN must be 1 or greater");
}

static uint32_t how_many(const struct aggregate_call *c)
{
    return gives_array(c) ? (uint32_t)c->literals[0].i32 : 1;
}

static bool make_entry(struct aggregate_call *c, const struct value *v, struct value *out)
{
    struct value fields[2] = {value_bigint(c->seq), *v};
    return struct_new(c, fields, 2, out);
}

static bool earliest_step(struct aggregate_call *c, void *state, const struct value *args)
{
    struct value *list = state, entry;
    if ((value_is_null(&args[0]) && ignores_nulls(c)) || list_n(list) >= how_many(c))
        return true;
    return make_entry(c, &args[0], &entry) && list_insert(c, list, list_n(list), &entry, UINT32_MAX, list);
}

static bool drop_oldest(struct aggregate_call *c, struct value *list)
{
    while (list_n(list) > how_many(c))
        if (!list_remove(c, list, 0, list))
            return false;
    return true;
}

static bool latest_step(struct aggregate_call *c, void *state, const struct value *args)
{
    struct value *list = state, entry;
    if (value_is_null(&args[0]) && ignores_nulls(c))
        return true;
    return make_entry(c, &args[0], &entry) && list_insert(c, list, list_n(list), &entry, UINT32_MAX, list) &&
           drop_oldest(c, list);
}

/* Both lists by their numbers; on a tie the first list's come first. */
static bool merge_lists(struct aggregate_call *c, struct value *list, const struct value *more)
{
    uint32_t n = list_n(list), m = list_n(more), i = 0, j = 0;
    struct value made, *items = list_new(c, n + m, &made);
    if (!items)
        return false;
    while (i + j < n + m) {
        const struct value *x = i < n ? &list->nested->items[i] : NULL, *y = j < m ? &more->nested->items[j] : NULL;
        bool first = x && (!y || x->nested->items[0].i64 <= y->nested->items[0].i64);
        items[i + j] = first ? *x : *y;
        i += first;
        j += !first;
    }
    *list = made;
    return true;
}

static bool earliest_merge(struct aggregate_call *c, void *state, const void *other)
{
    struct value *list = state;
    if (!merge_lists(c, list, other))
        return false;
    while (list_n(list) > how_many(c))
        if (!list_remove(c, list, list_n(list) - 1, list))
            return false;
    return true;
}

static bool latest_merge(struct aggregate_call *c, void *state, const void *other)
{
    return merge_lists(c, state, other) && drop_oldest(c, state);
}

static bool result(struct aggregate_call *c, const void *state, struct value *out)
{
    const struct value *list = state;
    uint32_t n = list_n(list);
    if (!gives_array(c)) {
        *out = n ? list->nested->items[n - 1].nested->items[1] : VALUE_NULL;
        return true;
    }
    struct value *items = list_new(c, n, out);
    for (uint32_t i = 0; items && i < n; i++)
        items[i] = list->nested->items[i].nested->items[1];
    return items != NULL;
}

static const struct aggregate earliest = {.check = check_earliest,
                                          .size = variable_size,
                                          .state_type = state_type,
                                          .init = list_init,
                                          .step = earliest_step,
                                          .merge = earliest_merge,
                                          .result = result};
static const struct aggregate latest = {.check = check_latest,
                                        .size = variable_size,
                                        .state_type = state_type,
                                        .init = list_init,
                                        .step = latest_step,
                                        .merge = latest_merge,
                                        .result = result};

#define BY_OFFSET(ops, count)                                                                                          \
    VARIANTS(AGGREGATE("(T val) -> T", ops), AGGREGATE("(T val; BOOLEAN ignoreNulls) -> T", ops),                      \
             AGGREGATE("(T val; INT " count ") -> ARRAY<T>", ops),                                                     \
             AGGREGATE("(T val; INT " count ", BOOLEAN ignoreNulls) -> ARRAY<T>", ops)),                               \
        .n_literal_args = 2
#define AGG(upper, text)                                                                                               \
    .name = (upper), .declared_name = (upper), .kind = FUNCTION_AGGREGATE, .category = "AGGREGATE",                    \
    .description = (text)

static const struct function table[] = {
    {AGG("EARLIEST_BY_OFFSET", "The oldest value or values"), BY_OFFSET(&earliest, "earliestN")},
    {AGG("LATEST_BY_OFFSET", "The newest value or values"), BY_OFFSET(&latest, "latestN")},
};

const struct function_family functions_agg_offset = FAMILY(table);
