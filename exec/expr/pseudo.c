/* Pseudo columns: what a batch knows of its rows beside the columns. A missing one reads as null. */
#include "exec/expr/expr_int.h"

static void *pseudo_cells(const struct batch *in, enum pseudo which)
{
    switch (which) {
    case PSEUDO_ROWTIME:
        return (void *)(uintptr_t)in->ts;
    case PSEUDO_ROWPARTITION:
        return (void *)(uintptr_t)in->partition;
    case PSEUDO_ROWOFFSET:
        return (void *)(uintptr_t)in->offset;
    case PSEUDO_WINDOWSTART:
        return (void *)(uintptr_t)in->window_start;
    case PSEUDO_WINDOWEND:
        return (void *)(uintptr_t)in->window_end;
    default:
        return NULL;
    }
}

static struct value header_value(const struct record_header *h)
{
    return h->is_null ? VALUE_NULL : (struct value){.kind = KIND_BYTES, .str = h->value};
}

bool headers_array(struct arena *a, const struct headers *headers, struct value *out)
{
    uint32_t n = headers ? headers->n : 0;
    struct nested *list = ARENA_NEW(a, struct nested), *structs = ARENA_ARRAY(a, struct nested, n);
    struct value *items = ARENA_ARRAY(a, struct value, n), *fields = ARENA_ARRAY(a, struct value, (size_t)n * 2);
    if (!list || !structs || !items || !fields)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        fields[2 * i] = (struct value){.kind = KIND_STRING, .str = headers->items[i].key};
        fields[2 * i + 1] = header_value(&headers->items[i]);
        structs[i] = (struct nested){.n = 2, .items = &fields[2 * i]};
        items[i] = (struct value){.kind = KIND_STRUCT, .nested = &structs[i]};
    }
    *list = (struct nested){.n = n, .items = items};
    *out = (struct value){.kind = KIND_ARRAY, .nested = list};
    return true;
}

struct value header_find(const struct headers *headers, struct str key)
{
    for (uint32_t i = headers ? headers->n : 0; i > 0; i--)
        if (str_eq(headers->items[i - 1].key, key))
            return header_value(&headers->items[i - 1]);
    return VALUE_NULL;
}

bool pseudo_row(struct eval *x, const struct expr *e, uint32_t row, struct value *out)
{
    const struct batch *in = x->in;
    enum pseudo which = (enum pseudo)e->op;
    if (which == PSEUDO_HEADERS || which == PSEUDO_HEADER) {
        const struct headers *headers = in->headers ? in->headers[row] : NULL;
        if (which == PSEUDO_HEADER)
            *out = header_find(headers, e->name);
        else if (!headers_array(x->run->arena, headers, out))
            x->nomem = true;
        return !x->nomem;
    }
    struct column c = {.type = e->type, .data = pseudo_cells(in, which)};
    *out = c.data ? column_get(&c, row) : VALUE_NULL;
    return true;
}

bool pseudo_vec(struct eval *x, const struct node *n, struct rows rows, struct vec *out)
{
    const struct expr *e = n->e;
    void *cells = pseudo_cells(x->in, (enum pseudo)e->op);
    *out = (struct vec){.column = {.type = e->type, .data = cells}};
    if (cells)
        return true;
    if (e->op != PSEUDO_HEADERS && e->op != PSEUDO_HEADER) {
        *out = (struct vec){.constant = true, .value = VALUE_NULL};
        return true;
    }
    if (!vec_init(x, n, true, out))
        return false;
    ROWS_EACH(rows, i, row)
    {
        struct value v;
        if (!pseudo_row(x, e, row, &v))
            return false;
        column_set(&out->column, row, &v);
    }
    return true;
}
