/* The small things of ops.h. */
#include "exec/op/ops.h"

int64_t op_wall_ms(const struct op *op)
{
    const struct exec_clock *clock = &op->task->options.clock;
    return clock->wall_ms ? clock->wall_ms(clock->data) : 0;
}

static struct value header_value(const struct record_header *h)
{
    return h->is_null ? VALUE_NULL : (struct value){.kind = KIND_BYTES, .str = h->value};
}

struct value header_find(const struct headers *headers, struct str name)
{
    for (uint32_t i = headers ? headers->n : 0; i-- > 0;)
        if (str_eq(headers->items[i].key, name))
            return header_value(&headers->items[i]);
    return VALUE_NULL;
}

bool headers_array(struct arena *a, const struct headers *headers, struct value *out)
{
    uint32_t n = headers ? headers->n : 0;
    struct nested *list = ARENA_NEW(a, struct nested), *pairs = ARENA_ARRAY(a, struct nested, n);
    struct value *items = ARENA_ARRAY(a, struct value, n), *cells = ARENA_ARRAY(a, struct value, (size_t)n * 2);
    if (!list || !pairs || !items || !cells)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        cells[2 * i] = (struct value){.kind = KIND_STRING, .str = headers->items[i].key};
        cells[2 * i + 1] = header_value(&headers->items[i]);
        pairs[i] = (struct nested){.n = 2, .items = &cells[2 * i]};
        items[i] = (struct value){.kind = KIND_STRUCT, .nested = &pairs[i]};
    }
    *list = (struct nested){.n = n, .items = items};
    *out = (struct value){.kind = KIND_ARRAY, .nested = list};
    return true;
}
