/* The kernel of aggregations, its results: of a row, and of what the store holds (changed, or closed). See agg.h. */
#include "exec/op/agg.h"

enum status agg_room(struct agg *g, struct batch *in, struct diag *d)
{
    if (rows_full(&g->out)) {
        enum status st = rows_emit(&g->out, d);
        if (st != STATUS_OK)
            return st;
    }
    if (g->out.b)
        return STATUS_OK;
    if (!rows_begin(&g->out, g->expected) || (in && !batch_own(g->out.b, batch_keep(in), batch_drop)))
        return diag_nomem(d);
    return STATUS_OK;
}

void agg_copy_row(struct agg *g, uint32_t row, const struct column *cells, uint32_t from)
{
    struct batch *b = g->out.b;
    uint32_t n_keys = g->out.schema->n_keys;
    for (uint32_t c = 0; c < n_keys; c++) {
        struct value v = column_get(&cells[c], from);
        column_set(&b->columns[c], row, &v);
    }
    for (uint32_t i = 0; i < g->n_required; i++) {
        struct value v = column_get(&cells[g->required[i]], from);
        column_set(&b->columns[n_keys + i], row, &v);
    }
}

/* Required columns and results of a stored state into a row. */
static enum status put_stored(struct agg *g, struct batch *b, uint32_t row, const char *fixed, struct str var,
                              struct diag *d)
{
    uint32_t n_keys = g->out.schema->n_keys;
    struct arena *to = &g->out.b->arena;
    if (g->n_required + g->n_variable) {
        enum status st = agg_read(g, var, to, d);
        if (st != STATUS_OK)
            return st;
    }
    for (uint32_t i = 0; i < g->n_required; i++) {
        struct value v = column_get(&g->saved[i], 0);
        if (v.kind == KIND_DECIMAL) { /* lies in the column, which is used again */
            struct value copy;
            if (!value_copy(to, &copy, &v))
                return diag_nomem(d);
            v = copy;
        }
        column_set(&b->columns[n_keys + i], row, &v);
    }
    for (uint32_t i = 0; i < g->n_variable; i++)
        g->states[i] = column_get(&g->saved[g->n_required + i], 0);
    return agg_results(g, fixed, b, row, d);
}

enum status agg_before(struct agg *g, uint32_t at, const struct agg_row *r, const struct entry *e, struct diag *d)
{
    struct batch *before = g->out.b->before;
    for (uint32_t c = 0; c < g->out.schema->n_keys; c++) {
        struct value v = column_get(&r->b->columns[c], r->row);
        column_set(&before->columns[c], at, &v);
    }
    g->out.has_before[at] = 1;
    g->out.before_ts[at] = e->ts;
    return put_stored(g, before, at, e->fixed, str_make(e->var, e->var_len), d);
}

static void no_before(struct agg *g, uint32_t row)
{
    struct batch *before = g->out.b->before;
    for (uint32_t c = 0; c < before->n_columns; c++)
        column_set_null(&before->columns[c], row);
}

enum status agg_begin(struct agg *g, const struct agg_row *r, const struct entry *before, struct diag *d)
{
    enum status st = agg_room(g, r->b, d);
    if (st != STATUS_OK || !g->op->emits_before)
        return st;
    if (before)
        return agg_before(g, g->out.n, r, before, d);
    no_before(g, g->out.n);
    return STATUS_OK;
}

enum status agg_add(struct agg *g, const struct agg_row *r, const struct column *cells, int64_t start,
                    const struct entry *e, struct diag *d)
{
    uint32_t at = rows_add(&g->out, e->ts);
    agg_copy_row(g, at, cells, r->row);
    if (g->out.windowed) {
        g->out.start[at] = start;
        g->out.end[at] = start + g->window_size;
    }
    if (r->b->headers && r->b->headers[r->row]) {
        g->out.headers[at] = r->b->headers[r->row];
        g->out.any_headers = true;
    }
    return agg_results(g, e->fixed, g->out.b, at, d);
}

void agg_remove(struct agg *g, uint32_t row)
{
    struct batch *b = g->out.b;
    g->out.kinds[row] = ROW_DELETE;
    for (uint32_t c = g->out.schema->n_keys; c < b->n_columns; c++)
        column_set_null(&b->columns[c], row);
}

/* ---- results of stored groups ---------------------------------------------------------------------------- */

/* A group of the store as it is, and as it was. */
struct stored {
    const struct entry *e;
    int64_t start, end;    /* of its window; end: of sessions only */
    const char *old_fixed; /* NULL: there was none */
    struct str old_var;
    int64_t old_ts;
};

static enum status stored_before(struct agg *g, const struct stored *x, struct str key, uint32_t row, struct diag *d)
{
    struct batch *before = g->out.b->before;
    if (!x->old_fixed) {
        no_before(g, row);
        return STATUS_OK;
    }
    if (!key_decode(key, g->out.schema->n_keys, before->columns, row, &g->out.b->arena))
        return agg_unreadable(g, d);
    g->out.has_before[row] = 1;
    g->out.before_ts[row] = x->old_ts;
    return put_stored(g, before, row, x->old_fixed, x->old_var, d);
}

/* One of `n` that are still to come. */
static enum status add_stored(struct agg *g, const struct stored *x, size_t n, const struct headers *headers,
                              struct diag *d)
{
    enum status st = STATUS_OK;
    g->expected = n > BATCH_ROWS ? BATCH_ROWS : (uint32_t)n;
    TRY(agg_room(g, NULL, d));
    struct batch *b = g->out.b;
    uint32_t row = rows_add(&g->out, x->e->ts);
    struct str key = str_dup(&b->arena, entry_key(x->e));
    if (b->arena.failed)
        return diag_nomem(d);
    if (!key_decode(key, g->out.schema->n_keys, b->columns, row, &b->arena))
        return agg_unreadable(g, d);
    if (g->out.windowed) {
        g->out.start[row] = x->start;
        g->out.end[row] = g->window_size ? x->start + g->window_size : x->end;
    }
    if (headers) {
        g->out.headers[row] = headers;
        g->out.any_headers = true;
    }
    if (b->before)
        TRY(stored_before(g, x, key, row, d));
    if (x->e->flags & ENTRY_DEAD)
        agg_remove(g, row);
    else
        TRY(put_stored(g, b, row, x->e->fixed, str_make(x->e->var, x->e->var_len), d));
done:
    return st;
}

enum status agg_add_closed(struct agg *g, int64_t lo, int64_t hi, struct arena *a, const struct headers *headers,
                           struct diag *d)
{
    struct entry_ref *refs;
    size_t n;
    enum status st = STATUS_OK;
    TRY(store_collect(g->op->store, lo, hi, a, &refs, &n, d));
    for (size_t i = 0; i < n; i++) {
        const struct stored x = {.e = refs[i].entry, .start = refs[i].start, .end = refs[i].end};
        TRY(add_stored(g, &x, n - i, headers, d));
    }
    if (headers) /* they belong to the batch at hand */
        TRY(agg_emit(g, d));
done:
    return st;
}

enum status agg_emit(struct agg *g, struct diag *d)
{
    return rows_emit(&g->out, d);
}

static enum status emit_changes(struct agg *g, struct diag *d)
{
    const struct store *s = g->op->store;
    uint32_t n = store_changes(s);
    for (uint32_t i = 0; i < n; i++) {
        const struct change *c = store_change(s, i);
        if (!change_counts(c))
            continue;
        const struct stored x = {.e = c->entry,
                                 .start = c->start,
                                 .end = c->end,
                                 .old_fixed = c->old_fixed,
                                 .old_var = str_make(c->old_var, c->old_var_len),
                                 .old_ts = c->old_ts};
        enum status st = add_stored(g, &x, n - i, NULL, d);
        if (st != STATUS_OK)
            return st;
    }
    return agg_emit(g, d);
}

enum status agg_flush(struct op *op, struct diag *d)
{
    struct agg *g = op->state;
    enum status st = op_coalesces(op) && !op->step->aggregate.window.emit_final ? emit_changes(g, d) : STATUS_OK;
    return st == STATUS_OK ? op_flush_store(op, d) : st;
}
