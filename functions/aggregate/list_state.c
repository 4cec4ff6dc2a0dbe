/* Variable states that are arrays. */
#include "functions/aggregate/list_state.h"

#include <stdio.h>

bool aggregate_error(struct aggregate_call *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->error, sizeof c->error, format, args);
    va_end(args);
    return false;
}

struct value *list_new(struct aggregate_call *c, uint32_t n, struct value *out)
{
    struct nested *list = ARENA_NEW(c->arena, struct nested);
    if (!list || !(list->items = ARENA_ARRAY(c->arena, struct value, n))) {
        aggregate_error(c, "Out of memory");
        return NULL;
    }
    list->n = n;
    *out = (struct value){.kind = KIND_ARRAY, .nested = list};
    return list->items;
}

bool list_insert(struct aggregate_call *c, const struct value *list, uint32_t at, const struct value *item,
                 uint32_t most, struct value *out)
{
    uint32_t n = list_n(list), total = n + 1 > most ? most : n + 1;
    const struct value *old = list_items(list);
    struct value made, *items = list_new(c, total, &made);
    if (!items)
        return false;
    for (uint32_t i = 0; i < total; i++)
        items[i] = i < at ? old[i] : i == at ? *item : old[i - 1];
    *out = made;
    return true;
}

bool list_remove(struct aggregate_call *c, const struct value *list, uint32_t at, struct value *out)
{
    const struct value *old = list_items(list);
    struct value made, *items = list_new(c, list_n(list) - 1, &made);
    if (!items)
        return false;
    for (uint32_t i = 0; i < made.nested->n; i++)
        items[i] = old[i < at ? i : i + 1];
    *out = made;
    return true;
}

bool list_result(struct aggregate_call *c, const void *state, struct value *out)
{
    const struct value *list = state;
    *out = *list;
    return !value_is_null(list) || list_new(c, 0, out);
}

void list_init(const struct aggregate_call *c, void *state)
{
    (void)c;
    *(struct value *)state = VALUE_NULL;
}

uint32_t variable_size(const struct aggregate_call *c)
{
    (void)c;
    return 0;
}

bool struct_new(struct aggregate_call *c, const struct value *fields, uint32_t n, struct value *out)
{
    struct nested *made = ARENA_NEW(c->arena, struct nested);
    if (!made || !(made->items = arena_dup(c->arena, fields, n * sizeof *fields)))
        return aggregate_error(c, "Out of memory");
    made->n = n;
    *out = (struct value){.kind = KIND_STRUCT, .nested = made};
    return true;
}
