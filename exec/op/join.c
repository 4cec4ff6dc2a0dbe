/* The columns of a join's result. */
#include "exec/op/join.h"

/* `in`, but null where `shown` is 0. */
static bool mask(struct column *out, const struct column *in, const struct batch *rows, const uint8_t *shown,
                 struct arena *a)
{
    size_t size = ((size_t)rows->n_rows + 63) / 64 * sizeof *out->valid;
    uint64_t *valid = arena_alloc(a, size);
    if (!valid)
        return false;
    if (in->valid)
        memcpy(valid, in->valid, size);
    else
        memset(valid, 0xFF, size);
    *out = *in;
    out->valid = valid;
    BATCH_EACH (rows, i, row)
        if (!shown[row])
            column_set_null(out, row);
    return true;
}

bool join_make_columns(struct column *out, const struct join_halves *h, const struct batch *rows, struct arena *a)
{
    uint32_t n_keys = h->schema->n_keys;
    memcpy(out, h->arrived, n_keys * sizeof *out);
    for (uint32_t c = n_keys; c < h->schema->n_columns; c++) {
        const struct join_column *from = &h->columns[c - n_keys];
        bool is_own = from->input == h->port;
        const struct column *in =
            is_own || from->column < n_keys ? &h->arrived[from->column] : &h->met[from->column - n_keys];
        const uint8_t *shown = is_own ? h->arrived_shown : h->met_shown;
        out[c] = *in;
        if (shown && !mask(&out[c], in, rows, shown, a))
            return false;
    }
    return true;
}
