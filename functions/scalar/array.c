/* Functions of arrays. Elements are equal as in Java: NaN is NaN, 0.0 is not -0.0, null is null. */
#include "functions/functions_int.h"
#include "functions/text.h"
#include "functions/value_set.h"

#include <stdlib.h>

enum { SERIES_LIMIT = 10000000 };

/* ---- parts ---------------------------------------------------------------------------------------------------------
 */

static bool array_length(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    *result = value_int((int32_t)args[0].nested->n);
    return true;
}

static bool array_contains(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    bool found = false;
    for (uint32_t i = 0; !value_is_null(&args[0]) && i < args[0].nested->n && !found; i++)
        found = value_eq(&args[0].nested->items[i], &args[1]);
    *result = value_boolean(found);
    return true;
}

static bool array_concat(struct call *c, const struct value *args, struct value *result)
{
    if (value_is_null(&args[0]) || value_is_null(&args[1])) {
        *result = value_is_null(&args[0]) ? args[1] : args[0];
        return true;
    }
    const struct nested *x = args[0].nested, *y = args[1].nested;
    struct nested *list = return_array(c, (size_t)x->n + y->n, result);
    if (!list)
        return false;
    for (uint32_t i = 0; i < list->n; i++)
        list->items[i] = i < x->n ? x->items[i] : y->items[i - x->n];
    return true;
}

static bool array_remove(struct call *c, const struct value *args, struct value *result)
{
    *result = VALUE_NULL;
    if (value_is_null(&args[0]))
        return true;
    const struct nested *from = args[0].nested;
    struct nested *list = return_array(c, from->n, result);
    if (!list)
        return false;
    list->n = 0;
    for (uint32_t i = 0; i < from->n; i++)
        if (!value_eq(&from->items[i], &args[1]))
            list->items[list->n++] = from->items[i];
    return true;
}

/* Positions from 1, both included; null means open. */
static bool slice(struct call *c, const struct value *args, struct value *result)
{
    *result = VALUE_NULL;
    if (value_is_null(&args[0]))
        return true;
    const struct nested *from = args[0].nested;
    int64_t start = value_is_null(&args[1]) ? 0 : (int64_t)args[1].i32 - 1;
    int64_t end = value_is_null(&args[2]) ? (int64_t)from->n : args[2].i32;
    if (start < 0 || end > (int64_t)from->n || start > end)
        return true;
    struct nested *list = return_array(c, (size_t)(end - start), result);
    for (uint32_t i = 0; list && i < list->n; i++)
        list->items[i] = from->items[start + i];
    return list != NULL;
}

/* ---- extremes, order
 * ------------------------------------------------------------------------------------------------------ */

static bool extreme(struct call *c, const struct value *args, int sign, struct value *result)
{
    const struct nested *list = args[0].nested;
    *result = VALUE_NULL;
    if (c->arg_types[0]->element->kind >= KIND_ARRAY)
        return call_error(c, "Elements cannot be ordered");
    for (uint32_t i = 0; i < list->n; i++)
        if (!value_is_null(&list->items[i]) && (value_is_null(result) || value_cmp(&list->items[i], result) * sign > 0))
            *result = list->items[i];
    return true;
}

static bool array_max(struct call *c, const struct value *args, struct value *result)
{
    return extreme(c, args, 1, result);
}

static bool array_min(struct call *c, const struct value *args, struct value *result)
{
    return extreme(c, args, -1, result);
}

/* Nulls come last either way. */
static int sort_cmp(const struct value *x, const struct value *y, int sign)
{
    if (value_is_null(x) || value_is_null(y))
        return value_is_null(x) - value_is_null(y);
    return value_cmp(x, y) * sign;
}

static int ascending(const void *x, const void *y)
{
    return sort_cmp(x, y, 1);
}

static int descending(const void *x, const void *y)
{
    return sort_cmp(x, y, -1);
}

static bool array_sort(struct call *c, const struct value *args, struct value *result)
{
    bool down = false;
    *result = VALUE_NULL;
    if (value_is_null(&args[0]))
        return true;
    if (c->n_args == 2) {
        struct str order = value_is_null(&args[1]) ? STR("") : text_trim(args[1].str);
        down = str_eq_nocase(order, STR("DESC")) || str_eq_nocase(order, STR("DESCENDING"));
        if (!down && !str_eq_nocase(order, STR("ASC")) && !str_eq_nocase(order, STR("ASCENDING")))
            return true;
    }
    if (c->arg_types[0]->element->kind >= KIND_ARRAY)
        return call_error(c, "Elements cannot be ordered");
    const struct nested *from = args[0].nested;
    struct nested *list = return_array(c, from->n, result);
    if (!list)
        return false;
    if (from->n) {
        memcpy(list->items, from->items, from->n * sizeof *list->items);
        qsort(list->items, list->n, sizeof *list->items, down ? descending : ascending);
    }
    return true;
}

/* ---- sets
 * -----------------------------------------------------------------------------------------------------------------------
 */

static bool add_all(struct value_set *set, const struct nested *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        value_set_add(set, &list->items[i]);
    return true;
}

static bool return_set(struct call *c, const struct value_set *set, struct value *result)
{
    struct nested *list = return_array(c, set->n, result);
    for (uint32_t i = 0; list && i < set->n; i++)
        list->items[i] = *set->items[i];
    return list != NULL;
}

static bool array_distinct(struct call *c, const struct value *args, struct value *result)
{
    struct value_set set;
    if (!value_set_init(&set, c->arena, args[0].nested->n))
        return return_nomem(c);
    add_all(&set, args[0].nested);
    return return_set(c, &set, result);
}

static bool array_union(struct call *c, const struct value *args, struct value *result)
{
    struct value_set set;
    const struct nested *x = args[0].nested, *y = args[1].nested;
    if (x->n > UINT32_MAX - y->n || !value_set_init(&set, c->arena, x->n + y->n))
        return return_nomem(c);
    add_all(&set, x);
    add_all(&set, y);
    return return_set(c, &set, result);
}

/* The distinct elements of the first that are in the second, or that are not. */
static bool select_elements(struct call *c, const struct value *args, bool wanted, struct value *result)
{
    struct value_set set, other;
    const struct nested *x = args[0].nested, *y = args[1].nested;
    if (!value_set_init(&set, c->arena, x->n) || !value_set_init(&other, c->arena, y->n))
        return return_nomem(c);
    add_all(&other, y);
    for (uint32_t i = 0; i < x->n; i++)
        if (value_set_has(&other, &x->items[i]) == wanted)
            value_set_add(&set, &x->items[i]);
    return return_set(c, &set, result);
}

static bool array_intersect(struct call *c, const struct value *args, struct value *result)
{
    return select_elements(c, args, true, result);
}

static bool array_except(struct call *c, const struct value *args, struct value *result)
{
    return select_elements(c, args, false, result);
}

/* ---- ARRAY_JOIN, GENERATE_SERIES
 * --------------------------------------------------------------------------------------------------- */

static bool array_join(struct call *c, const struct value *args, struct value *result)
{
    const struct type *element = c->arg_types[0]->element;
    struct str delimiter = c->n_args == 1 ? STR(",") : value_is_null(&args[1]) ? STR("") : args[1].str;
    struct buf out;
    *result = VALUE_NULL;
    if (value_is_null(&args[0]))
        return true;
    for (uint32_t i = 0; element->kind > KIND_STRING && i < args[0].nested->n; i++)
        if (!value_is_null(&args[0].nested->items[i]))
            return call_error(c, "error: hit element of type %s which is currently not supported",
                              type_base_name(element->kind));
    buf_init(&out, 0);
    for (uint32_t i = 0; i < args[0].nested->n; i++) {
        const struct value *v = &args[0].nested->items[i];
        if (i)
            buf_puts(&out, delimiter);
        value_print_element(&out, v, element);
    }
    return return_buf(c, &out, result);
}

static int64_t whole(const struct value *v)
{
    return v->kind == KIND_INT ? v->i32 : v->i64;
}

static bool generate_series(struct call *c, const struct value *args, struct value *result)
{
    int64_t start = whole(&args[0]), end = whole(&args[1]);
    int64_t step = c->n_args == 3 ? args[2].i32 : end >= start ? 1 : -1;
    if (step == 0)
        return call_error(c, "GENERATE_SERIES step cannot be zero");
    if (start != end && (start < end) != (step > 0))
        return call_error(c, "GENERATE_SERIES step has wrong sign");
    uint64_t distance = start < end ? (uint64_t)end - (uint64_t)start : (uint64_t)start - (uint64_t)end;
    uint64_t n = distance / (uint64_t)(step < 0 ? -step : step) + 1;
    if (n > SERIES_LIMIT)
        return call_error(c, "GENERATE_SERIES would give more than %d elements", SERIES_LIMIT);
    struct nested *list = return_array(c, n, result);
    for (uint32_t i = 0; list && i < list->n; i++) {
        int64_t v = (int64_t)((uint64_t)start + (uint64_t)step * i);
        list->items[i] = args[0].kind == KIND_INT ? value_int((int32_t)v) : value_bigint(v);
    }
    return list != NULL;
}

/* ---- table
 * ---------------------------------------------------------------------------------------------------------------------------
 */

#define ARRAY(upper, lower, text) .name = (upper), .declared_name = (lower), .category = "ARRAY", .description = (text)
#define SET_VARIANT(fn) VARIANTS(CALL_NOT_NULL("(ARRAY<T> array1, ARRAY<T> array2) -> ARRAY<T>", fn))

static const struct function table[] = {
    {ARRAY("ARRAY_CONCAT", "ARRAY_CONCAT", "All elements of two arrays"),
     VARIANTS(CALL("(ARRAY<T> array1, ARRAY<T> array2) -> ARRAY<T>", array_concat))},
    {ARRAY("ARRAY_CONTAINS", "ARRAY_CONTAINS", "Whether a value is in an array"),
     VARIANTS(CALL("(ARRAY<T> array, T val) -> BOOLEAN", array_contains))},
    {ARRAY("ARRAY_DISTINCT", "array_distinct", "Each element once"),
     VARIANTS(CALL_NOT_NULL("(ARRAY<T> array) -> ARRAY<T>", array_distinct))},
    {ARRAY("ARRAY_EXCEPT", "array_except", "The distinct elements of the first that are not in the second"),
     SET_VARIANT(array_except)},
    {ARRAY("ARRAY_INTERSECT", "array_intersect", "The distinct elements that are in both"),
     SET_VARIANT(array_intersect)},
    {ARRAY("ARRAY_JOIN", "ARRAY_JOIN", "The elements as one text"),
     VARIANTS(CALL("(ARRAY<T> array) -> STRING", array_join),
              CALL("(ARRAY<T> array, STRING delimiter) -> STRING", array_join))},
    {ARRAY("ARRAY_LENGTH", "ARRAY_LENGTH", "The number of elements"),
     VARIANTS(CALL_NOT_NULL("(ARRAY<T> array) -> INT", array_length))},
    {ARRAY("ARRAY_MAX", "array_max", "The largest element that is not null"),
     VARIANTS(CALL_NOT_NULL("(ARRAY<T> array) -> T", array_max))},
    {ARRAY("ARRAY_MIN", "array_min", "The smallest element that is not null"),
     VARIANTS(CALL_NOT_NULL("(ARRAY<T> array) -> T", array_min))},
    {ARRAY("ARRAY_REMOVE", "array_remove", "Drops the elements that equal a value"),
     VARIANTS(CALL("(ARRAY<T> array, T victim) -> ARRAY<T>", array_remove))},
    {ARRAY("ARRAY_SORT", "array_sort", "Sorts the elements, nulls last"),
     VARIANTS(CALL("(ARRAY<T> input) -> ARRAY<T>", array_sort),
              CALL("(ARRAY<T> input, STRING direction) -> ARRAY<T>", array_sort))},
    {ARRAY("ARRAY_UNION", "array_union", "The distinct elements of both"), SET_VARIANT(array_union)},
    {ARRAY("GENERATE_SERIES", "generate_series", "The numbers from a start to an end"),
     VARIANTS(CALL_NOT_NULL("(INT start, INT end) -> ARRAY<INT>", generate_series),
              CALL_NOT_NULL("(INT start, INT end, INT step) -> ARRAY<INT>", generate_series),
              CALL_NOT_NULL("(BIGINT start, BIGINT end) -> ARRAY<BIGINT>", generate_series),
              CALL_NOT_NULL("(BIGINT start, BIGINT end, INT step) -> ARRAY<BIGINT>", generate_series))},
    {ARRAY("SLICE", "slice", "The elements between two positions"),
     VARIANTS(CALL("(ARRAY<T> in, INT from, INT to) -> ARRAY<T>", slice))},
};

const struct function_family functions_array = FAMILY(table);
