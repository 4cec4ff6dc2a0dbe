/* COLLECT_LIST, COLLECT_SET, HISTOGRAM, ATTR: states that grow with what they have seen. */
#include "functions/aggregate/list_state.h"
#include "functions/functions_int.h"
#include "functions/text.h"

enum { HISTOGRAM_LIMIT = 1000 };

static const struct type *array_state_type(struct arena *a, const struct aggregate_call *c)
{
    return type_array(a, c->arg_types[0]);
}

static bool is_full(const struct aggregate_call *c, const struct value *list)
{
    return c->limit > 0 && list_n(list) >= (uint64_t)c->limit;
}

static int64_t find(const struct value *list, const struct value *item)
{
    for (int64_t i = (int64_t)list_n(list) - 1; i >= 0; i--)
        if (value_eq(&list->nested->items[i], item))
            return i;
    return -1;
}

/* ---- COLLECT_LIST, COLLECT_SET
 * ----------------------------------------------------------------------------------------------- */

static bool append(struct aggregate_call *c, struct value *list, const struct value *item)
{
    return is_full(c, list) || list_insert(c, list, list_n(list), item, UINT32_MAX, list);
}

static bool list_step(struct aggregate_call *c, void *state, const struct value *args)
{
    return append(c, state, &args[0]);
}

static bool list_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    int64_t at = find(state, &args[0]);
    return at < 0 || list_remove(c, state, (uint32_t)at, state);
}

static bool list_merge(struct aggregate_call *c, void *state, const void *other)
{
    struct value *list = state, made;
    const struct value *more = other;
    uint64_t n = list_n(list), total = n + list_n(more);
    if (c->limit > 0 && total > (uint64_t)c->limit)
        total = n > (uint64_t)c->limit ? n : (uint64_t)c->limit;
    struct value *items = total <= UINT32_MAX ? list_new(c, (uint32_t)total, &made) : NULL;
    if (!items)
        return aggregate_error(c, "Out of memory");
    for (uint64_t i = 0; i < total; i++)
        items[i] = i < n ? list->nested->items[i] : more->nested->items[i - n];
    *list = made;
    return true;
}

static bool set_step(struct aggregate_call *c, void *state, const struct value *args)
{
    return find(state, &args[0]) >= 0 || append(c, state, &args[0]);
}

static bool set_merge(struct aggregate_call *c, void *state, const void *other)
{
    const struct value *more = other;
    for (uint32_t i = 0; i < list_n(more); i++)
        if (!set_step(c, state, &more->nested->items[i]))
            return false;
    return true;
}

static const struct aggregate collect_list = {.size = variable_size,
                                              .state_type = array_state_type,
                                              .init = list_init,
                                              .step = list_step,
                                              .undo = list_undo,
                                              .merge = list_merge,
                                              .result = list_result};
static const struct aggregate collect_set = {.size = variable_size,
                                             .state_type = array_state_type,
                                             .init = list_init,
                                             .step = set_step,
                                             .merge = set_merge,
                                             .result = list_result};

/* ---- HISTOGRAM
 * ----------------------------------------------------------------------------------------------------------------------
 */

static const struct type *histogram_state_type(struct arena *a, const struct aggregate_call *c)
{
    return c->result_type ? c->result_type : type_map(a, &TYPE_STRING, &TYPE_BIGINT);
}

/* Copies the map with room for one more, and changes the count of a key: not below zero, and no new key when full. */
static bool histogram_change(struct aggregate_call *c, struct value *state, const struct value *key, int64_t change)
{
    uint32_t n = list_n(state), at = 0;
    const struct nested *old = n ? state->nested : NULL;
    if (value_is_null(key))
        return true;
    while (at < n && !value_eq(&old->keys[at], key))
        at++;
    if (at == n && (n >= HISTOGRAM_LIMIT || change < 0))
        return true;
    struct nested *map = ARENA_NEW(c->arena, struct nested);
    if (!map || !(map->keys = ARENA_ARRAY(c->arena, struct value, (size_t)n + 1)) ||
        !(map->items = ARENA_ARRAY(c->arena, struct value, (size_t)n + 1)))
        return aggregate_error(c, "Out of memory");
    for (uint32_t i = 0; i < n; i++) {
        map->keys[i] = old->keys[i];
        map->items[i] = old->items[i];
    }
    int64_t count = (at < n ? old->items[at].i64 : 0) + change;
    map->keys[at] = *key;
    map->items[at] = value_bigint(count);
    map->n = at == n ? n + 1 : n;
    if (count <= 0) {
        map->n--;
        for (uint32_t i = at; i < map->n; i++) {
            map->keys[i] = map->keys[i + 1];
            map->items[i] = map->items[i + 1];
        }
    }
    *state = (struct value){.kind = KIND_MAP, .nested = map};
    return value_map_order(c->arena, map->keys, map->items, &map->n) || aggregate_error(c, "Out of memory");
}

static bool histogram_step(struct aggregate_call *c, void *state, const struct value *args)
{
    return histogram_change(c, state, &args[0], 1);
}

static bool histogram_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    return histogram_change(c, state, &args[0], -1);
}

static bool histogram_merge(struct aggregate_call *c, void *state, const void *other)
{
    const struct value *more = other;
    for (uint32_t i = 0; i < list_n(more); i++)
        if (!histogram_change(c, state, &more->nested->keys[i], more->nested->items[i].i64))
            return false;
    return true;
}

static bool histogram_result(struct aggregate_call *c, const void *state, struct value *out)
{
    *out = *(const struct value *)state;
    if (!value_is_null(out))
        return true;
    *out = (struct value){.kind = KIND_MAP, .nested = ARENA_NEW(c->arena, struct nested)};
    return out->nested || aggregate_error(c, "Out of memory");
}

static const struct aggregate histogram = {.size = variable_size,
                                           .state_type = histogram_state_type,
                                           .init = list_init,
                                           .step = histogram_step,
                                           .undo = histogram_undo,
                                           .merge = histogram_merge,
                                           .result = histogram_result};

/* ---- ATTR: the distinct values with their counts
 * ---------------------------------------------------------------------------------------- */

static const struct type *attr_state_type(struct arena *a, const struct aggregate_call *c)
{
    struct field *fields = ARENA_ARRAY(a, struct field, 2);
    if (!fields)
        return NULL;
    fields[0] = (struct field){STR("VALUE"), c->arg_types[0]};
    fields[1] = (struct field){STR("COUNT"), &TYPE_INT};
    const struct type *entry = type_struct(a, fields, 2);
    return entry ? type_array(a, entry) : NULL;
}

static bool attr_change(struct aggregate_call *c, struct value *state, const struct value *v, int32_t change)
{
    uint32_t n = list_n(state), at = 0;
    const struct value *old = list_items(state);
    while (at < n && !value_eq(&old[at].nested->items[0], v))
        at++;
    if (at == n && change <= 0)
        return true;
    int32_t count = (at < n ? old[at].nested->items[1].i32 : 0) + change;
    struct value made, entry, fields[2] = {*v, value_int(count < 0 ? 0 : count)};
    if (!struct_new(c, fields, 2, &entry))
        return false;
    if (at == n)
        return list_insert(c, state, n, &entry, UINT32_MAX, state);
    struct value *items = list_new(c, n, &made);
    if (!items)
        return false;
    memcpy(items, old, n * sizeof *items);
    items[at] = entry;
    *state = made;
    return true;
}

static bool attr_step(struct aggregate_call *c, void *state, const struct value *args)
{
    return attr_change(c, state, &args[0], 1);
}

static bool attr_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    return attr_change(c, state, &args[0], -1);
}

static bool attr_merge(struct aggregate_call *c, void *state, const void *other)
{
    const struct value *more = other;
    for (uint32_t i = 0; i < list_n(more); i++) {
        const struct nested *entry = more->nested->items[i].nested;
        if (!attr_change(c, state, &entry->items[0], entry->items[1].i32))
            return false;
    }
    return true;
}

static bool attr_result(struct aggregate_call *c, const void *state, struct value *out)
{
    uint32_t found = 0;
    (void)c;
    *out = VALUE_NULL;
    for (uint32_t i = 0; i < list_n(state); i++) {
        const struct nested *entry = list_items(state)[i].nested;
        if (entry->items[1].i32 > 0) {
            *out = entry->items[0];
            found++;
        }
    }
    if (found != 1)
        *out = VALUE_NULL;
    return true;
}

static const struct aggregate attr = {.size = variable_size,
                                      .state_type = attr_state_type,
                                      .init = list_init,
                                      .step = attr_step,
                                      .undo = attr_undo,
                                      .merge = attr_merge,
                                      .result = attr_result};

#define AGG(upper, text)                                                                                               \
    .name = (upper), .declared_name = (upper), .kind = FUNCTION_AGGREGATE, .category = "AGGREGATE",                    \
    .description = (text)

static const struct function table[] = {
    {AGG("ATTR", "The one value that all rows have, else null"), VARIANTS(AGGREGATE("(T val) -> T", &attr))},
    {AGG("COLLECT_LIST", "All values as an array"), VARIANTS(AGGREGATE("(T val) -> ARRAY<T>", &collect_list))},
    {AGG("COLLECT_SET", "The distinct values as an array"), VARIANTS(AGGREGATE("(T val) -> ARRAY<T>", &collect_set))},
    {AGG("HISTOGRAM", "How often each text occurs"),
     VARIANTS(AGGREGATE("(STRING val) -> MAP<STRING, BIGINT>", &histogram))},
};

const struct function_family functions_agg_collect = FAMILY(table);
