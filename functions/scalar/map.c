/* Functions of maps. Results are listed in the order of a java.util.HashMap. */
#include "functions/functions_int.h"
#include "functions/text.h"

#include <stdlib.h>

static bool return_items(struct call *c, const struct value *items, uint32_t n, struct value *result)
{
    struct nested *list = return_array(c, n, result);
    if (list && n)
        memcpy(list->items, items, n * sizeof *items);
    return list != NULL;
}

static bool map_keys(struct call *c, const struct value *args, struct value *result)
{
    return return_items(c, args[0].nested->keys, args[0].nested->n, result);
}

static bool map_values(struct call *c, const struct value *args, struct value *result)
{
    return return_items(c, args[0].nested->items, args[0].nested->n, result);
}

static bool as_map(struct call *c, const struct value *args, struct value *result)
{
    const struct nested *keys = args[0].nested, *items = args[1].nested;
    struct nested *map = new_map(c, keys->n);
    for (uint32_t i = 0; map && i < keys->n; i++) {
        map->keys[i] = keys->items[i];
        map->items[i] = i < items->n ? items->items[i] : VALUE_NULL;
    }
    return map && return_map(c, map, result);
}

static bool map_union(struct call *c, const struct value *args, struct value *result)
{
    static const struct nested empty;
    const struct nested *maps[2] = {value_is_null(&args[0]) ? &empty : args[0].nested,
                                    value_is_null(&args[1]) ? &empty : args[1].nested};
    *result = VALUE_NULL;
    if (value_is_null(&args[0]) && value_is_null(&args[1]))
        return true;
    struct nested *map = new_map(c, (size_t)maps[0]->n + maps[1]->n);
    uint32_t at = 0;
    for (int m = 0; map && m < 2; m++) {
        for (uint32_t i = 0; i < maps[m]->n; i++, at++) {
            map->keys[at] = maps[m]->keys[i];
            map->items[at] = maps[m]->items[i];
        }
    }
    return map && return_map(c, map, result);
}

/* ---- ENTRIES -------------------------------------------------------------------------------------------------------
 */

static int entry_cmp(const void *x, const void *y)
{
    const struct value *a = x, *b = y;
    const struct value *left = &a->nested->items[0], *right = &b->nested->items[0];
    if (value_is_null(left) || value_is_null(right))
        return value_is_null(right) - value_is_null(left);
    return value_cmp(left, right);
}

static bool entries(struct call *c, const struct value *args, struct value *result)
{
    const struct nested *map = args[0].nested;
    struct nested *list = return_array(c, map->n, result);
    struct nested *structs = ARENA_ARRAY(c->arena, struct nested, map->n);
    struct value *fields = ARENA_ARRAY(c->arena, struct value, (size_t)map->n * 2);
    if (!list || !structs || !fields)
        return return_nomem(c);
    for (uint32_t i = 0; i < map->n; i++) {
        fields[2 * i] = map->keys[i];
        fields[2 * i + 1] = map->items[i];
        structs[i] = (struct nested){.n = 2, .items = &fields[2 * i]};
        list->items[i] = (struct value){.kind = KIND_STRUCT, .nested = &structs[i]};
    }
    if (args[1].boolean && list->n)
        qsort(list->items, list->n, sizeof *list->items, entry_cmp);
    return true;
}

#define ENTRIES(type)                                                                                                  \
    CALL_NOT_NULL("(MAP<STRING, " type "> map, BOOLEAN sorted) -> ARRAY<STRUCT<K STRING, V " type ">>", entries)
#define MAP(upper, lower, text) .name = (upper), .declared_name = (lower), .category = "MAP", .description = (text)

static const struct function table[] = {
    {MAP("AS_MAP", "as_map", "A map of an array of keys and one of values"),
     VARIANTS(CALL_NOT_NULL("(ARRAY<STRING> keys, ARRAY<T> values) -> MAP<STRING, T>", as_map))},
    {MAP("ENTRIES", "entries", "The entries of a map as structs"),
     VARIANTS(ENTRIES("INT"), ENTRIES("BIGINT"), ENTRIES("DOUBLE"), ENTRIES("BOOLEAN"), ENTRIES("STRING"))},
    {MAP("MAP_KEYS", "map_keys", "The keys of a map"),
     VARIANTS(CALL_NOT_NULL("(MAP<STRING, T> input) -> ARRAY<STRING>", map_keys))},
    {MAP("MAP_UNION", "map_union", "The entries of two maps; those of the second win"),
     VARIANTS(CALL("(MAP<STRING, T> map1, MAP<STRING, T> map2) -> MAP<STRING, T>", map_union))},
    {MAP("MAP_VALUES", "map_values", "The values of a map"),
     VARIANTS(CALL_NOT_NULL("(MAP<STRING, T> input) -> ARRAY<T>", map_values))},
};

const struct function_family functions_map = FAMILY(table);
