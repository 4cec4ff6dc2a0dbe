/* TRANSFORM, FILTER and REDUCE: functions that call lambdas for each element or entry. */
#include "functions/functions_int.h"
#include "functions/text.h"

static bool transform_array(struct call *c, const struct value *args, struct value *result)
{
    *result = VALUE_NULL;
    if (value_is_null(&args[0]))
        return true;
    const struct nested *from = args[0].nested;
    struct nested *list = return_array(c, from->n, result);
    for (uint32_t i = 0; list && i < from->n; i++)
        if (!c->invoke(c, 1, &from->items[i], 1, &list->items[i]))
            return false;
    return list != NULL;
}

static bool transform_map(struct call *c, const struct value *args, struct value *result)
{
    *result = VALUE_NULL;
    if (value_is_null(&args[0]))
        return true;
    const struct nested *from = args[0].nested;
    struct nested *map = new_map(c, from->n);
    for (uint32_t i = 0; map && i < from->n; i++) {
        struct value entry[2] = {from->keys[i], from->items[i]};
        if (!c->invoke(c, 1, entry, 2, &map->keys[i]) || !c->invoke(c, 2, entry, 2, &map->items[i]))
            return false;
    }
    if (!map || !return_map(c, map, result))
        return false;
    return map->n == from->n || call_error(c, "Duplicate key");
}

static bool keeps(struct call *c, const struct value *entry, uint32_t n, bool *keep)
{
    struct value v;
    if (!c->invoke(c, 1, entry, n, &v))
        return false;
    if (value_is_null(&v))
        return call_error(c, "The predicate of FILTER is null");
    *keep = v.boolean;
    return true;
}

static bool filter_array(struct call *c, const struct value *args, struct value *result)
{
    *result = VALUE_NULL;
    if (value_is_null(&args[0]))
        return true;
    const struct nested *from = args[0].nested;
    struct nested *list = return_array(c, from->n, result);
    if (!list)
        return false;
    list->n = 0;
    for (uint32_t i = 0; i < from->n; i++) {
        bool keep;
        if (!keeps(c, &from->items[i], 1, &keep))
            return false;
        if (keep)
            list->items[list->n++] = from->items[i];
    }
    return true;
}

static bool filter_map(struct call *c, const struct value *args, struct value *result)
{
    *result = VALUE_NULL;
    if (value_is_null(&args[0]))
        return true;
    const struct nested *from = args[0].nested;
    struct nested *map = new_map(c, from->n);
    if (!map)
        return false;
    map->n = 0;
    for (uint32_t i = 0; i < from->n; i++) {
        struct value entry[2] = {from->keys[i], from->items[i]};
        bool keep;
        if (!keeps(c, entry, 2, &keep))
            return false;
        if (keep) {
            map->keys[map->n] = entry[0];
            map->items[map->n++] = entry[1];
        }
    }
    return return_map(c, map, result);
}

/* Arguments: the collection, the first state, the lambda of (state, element) or (state, key, value). */
static bool reduce(struct call *c, const struct value *args, struct value *result)
{
    *result = args[1];
    if (value_is_null(&args[0]) || value_is_null(&args[1]))
        return true;
    const struct nested *from = args[0].nested;
    bool map = args[0].kind == KIND_MAP;
    for (uint32_t i = 0; i < from->n; i++) {
        struct value entry[3] = {*result, map ? from->keys[i] : from->items[i], map ? from->items[i] : VALUE_NULL};
        if (!c->invoke(c, 2, entry, map ? 3 : 2, result))
            return false;
    }
    return true;
}

#define LAMBDA(upper, lower, text)                                                                                     \
    .name = (upper), .declared_name = (lower), .category = "LAMBDA", .description = (text)

static const struct function table[] = {
    {LAMBDA("FILTER", "filter", "Keeps the elements or entries for which a lambda is true"),
     VARIANTS(CALL("(ARRAY<T> array, LAMBDA(T) => BOOLEAN lambda) -> ARRAY<T>", filter_array),
              CALL("(MAP<K, V> map, LAMBDA(K, V) => BOOLEAN lambda) -> MAP<K, V>", filter_map))},
    {LAMBDA("REDUCE", "reduce", "Folds a collection into one value"),
     VARIANTS(CALL("(ARRAY<T> list, S state, LAMBDA(S, T) => S reduceFunction) -> S", reduce),
              CALL("(MAP<K, V> map, S state, LAMBDA(S, K, V) => S reduceFunction) -> S", reduce))},
    {LAMBDA("TRANSFORM", "transform", "Applies lambdas to each element or entry"),
     VARIANTS(CALL("(ARRAY<T> array, LAMBDA(T) => R function) -> ARRAY<R>", transform_array),
              CALL("(MAP<K, V> map, LAMBDA(K, V) => R keyFunction, LAMBDA(K, V) => T valueFunction) -> MAP<R, T>",
                   transform_map))},
};

const struct function_family functions_lambda = FAMILY(table);
