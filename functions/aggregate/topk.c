/* TOPK and TOPKDISTINCT: a sorted array, largest first. TOPK with further columns keeps structs, sorted by the first.
 */
#include "functions/aggregate/list_state.h"
#include "functions/functions_int.h"
#include "functions/text.h"

static const struct type *state_type(struct arena *a, const struct aggregate_call *c)
{
    (void)a;
    return c->result_type;
}

static const char *check_count(const struct value *literals, uint32_t n)
{
    bool is_count = n > 0 && literals[n - 1].kind == KIND_INT && literals[n - 1].i32 >= 0;
    return is_count ? NULL : "the number of values must be 0 or more";
}

static uint32_t how_many(const struct aggregate_call *c)
{
    return (uint32_t)c->literals[c->n_literals - 1].i32;
}

static const struct value *sort_key(const struct value *entry)
{
    return entry->kind == KIND_STRUCT ? &entry->nested->items[0] : entry;
}

/* Puts an entry behind those that are not smaller. */
static bool put(struct aggregate_call *c, struct value *list, const struct value *entry, bool distinct)
{
    uint32_t k = how_many(c), n = list_n(list), at = 0;
    for (; at < n; at++) {
        int order = value_cmp(sort_key(entry), sort_key(&list->nested->items[at]));
        if (order == 0 && distinct)
            return true;
        if (order > 0)
            break;
    }
    return at >= k || list_insert(c, list, at, entry, k, list);
}

static bool topk_step(struct aggregate_call *c, void *state, const struct value *args)
{
    struct value entry = args[0];
    if (value_is_null(&args[0]))
        return true;
    if (c->n_args > 1 && !struct_new(c, args, c->n_args, &entry))
        return false;
    return put(c, state, &entry, false);
}

static bool distinct_step(struct aggregate_call *c, void *state, const struct value *args)
{
    return value_is_null(&args[0]) || put(c, state, &args[0], true);
}

static bool merge_all(struct aggregate_call *c, struct value *list, const struct value *more, bool distinct)
{
    for (uint32_t i = 0; i < list_n(more); i++)
        if (!put(c, list, &more->nested->items[i], distinct))
            return false;
    return true;
}

static bool topk_merge(struct aggregate_call *c, void *state, const void *other)
{
    return merge_all(c, state, other, false);
}

static bool distinct_merge(struct aggregate_call *c, void *state, const void *other)
{
    return merge_all(c, state, other, true);
}

static const struct aggregate topk = {.check = check_count,
                                      .size = variable_size,
                                      .state_type = state_type,
                                      .init = list_init,
                                      .step = topk_step,
                                      .merge = topk_merge,
                                      .result = list_result};
static const struct aggregate topkdistinct = {.check = check_count,
                                              .size = variable_size,
                                              .state_type = state_type,
                                              .init = list_init,
                                              .step = distinct_step,
                                              .merge = distinct_merge,
                                              .result = list_result};

/* ARRAY<T>, or with further columns ARRAY<STRUCT<sort_col T, col0 .., col1 ..>>. The last argument is the count. */
static const struct type *topk_type(struct arena *a, const struct type *const *args, uint32_t n, struct diag *d)
{
    const struct type *element = args[0];
    if (n > 2) {
        struct field *fields = ARENA_ARRAY(a, struct field, n - 1);
        for (uint32_t i = 0; fields && i + 1 < n; i++) {
            fields[i].name = i == 0 ? STR("sort_col") : str_printf(a, "col%u", i - 1);
            fields[i].type = args[i];
        }
        element = fields ? type_struct(a, fields, n - 1) : NULL;
    }
    const struct type *t = element ? type_array(a, element) : NULL;
    if (!t)
        diag_nomem(d);
    return t;
}

#define TOPK(type)                                                                                                     \
    {                                                                                                                  \
        .signature = "(" type " sortCol, ANY... otherCols; INT k) -> ARRAY<ANY> *", .aggregate = &topk,                \
        .result_type = topk_type                                                                                       \
    }
#define DISTINCT(type) AGGREGATE("(" type " val; INT k) -> ARRAY<" type ">", &topkdistinct)
#define AGG(upper, text)                                                                                               \
    .name = (upper), .declared_name = (upper), .kind = FUNCTION_AGGREGATE, .category = "AGGREGATE",                    \
    .description = (text), .n_literal_args = 1

static const struct function table[] = {
    {AGG("TOPK", "The largest values, perhaps with further columns"),
     VARIANTS(TOPK("INT"), TOPK("BIGINT"), TOPK("DOUBLE"), TOPK("STRING"))},
    {AGG("TOPKDISTINCT", "The largest distinct values"),
     VARIANTS(DISTINCT("INT"), DISTINCT("BIGINT"), DISTINCT("DOUBLE"), DISTINCT("STRING"),
              {.signature = "(DECIMAL val; INT k) -> ARRAY<DECIMAL> *",
               .aggregate = &topkdistinct,
               .result_type = topk_type},
              DISTINCT("DATE"), DISTINCT("TIME"), DISTINCT("TIMESTAMP"), DISTINCT("BYTES"))},
};

const struct function_family functions_agg_topk = FAMILY(table);
