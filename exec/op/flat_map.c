/* Table functions in a select: each row becomes as many rows as its longest list has items; shorter lists are filled up
 * with nulls. No row, no list, no items: nothing. Output columns: the input's, then one a call. */
#include "exec/op/project.h"

static enum status flat_map_open(struct op *op, struct diag *d)
{
    return projection_open(op, op->step->flat_map.calls, op->step->flat_map.n_calls, d);
}

static uint32_t items_of(const struct column *c, uint32_t row)
{
    return column_is_null(c, row) ? 0 : c->nested[row]->n;
}

static uint32_t rows_of(const struct batch *lists, uint32_t row)
{
    uint32_t n = 0;
    for (uint32_t c = 0; c < lists->n_columns; c++) {
        uint32_t items = items_of(&lists->columns[c], row);
        n = items > n ? items : n;
    }
    return n;
}

static bool fill_items(struct batch *out, uint32_t c, const struct type *type, const struct column *list,
                       const uint16_t *rows, const uint32_t *places, uint32_t n)
{
    const struct value nothing = VALUE_NULL;
    if (!column_init(&out->columns[c], type, n, true, &out->arena))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        bool there = places[i] < items_of(list, rows[i]);
        column_set(&out->columns[c], i, there ? &list->nested[rows[i]]->items[places[i]] : &nothing);
    }
    return true;
}

static enum status emit_rows(struct op *op, struct batch *b, struct batch *lists, const uint16_t *rows,
                             const uint32_t *places, uint32_t n, struct diag *d)
{
    const struct schema *schema = &op->step->schema;
    struct batch *out = batch_gather(b, rows, n, schema->n_columns);
    if (!out)
        return diag_nomem(d);
    enum status st = STATUS_OK;
    for (uint32_t c = 0; c < lists->n_columns && st == STATUS_OK; c++)
        if (!fill_items(out, b->n_columns + c, schema->columns[b->n_columns + c].type, &lists->columns[c], rows, places,
                        n))
            st = diag_nomem(d);
    out->null_value = NULL;
    if (st == STATUS_OK)
        st = op_emit(op, out, d);
    batch_drop(out);
    return st;
}

static enum status expand(struct op *op, struct batch *b, struct batch *lists, struct diag *d)
{
    uint16_t *rows = arena_alloc(&lists->arena, BATCH_ROWS * sizeof *rows);
    uint32_t *places = arena_alloc(&lists->arena, BATCH_ROWS * sizeof *places), n = 0;
    if (!rows || !places)
        return diag_nomem(d);
    BATCH_EACH (lists, i, row) {
        uint32_t n_rows = rows_of(lists, row);
        for (uint32_t place = 0; place < n_rows; place++) {
            rows[n] = (uint16_t)row;
            places[n++] = place;
            if (n < BATCH_ROWS)
                continue;
            enum status st = emit_rows(op, b, lists, rows, places, n, d);
            if (st != STATUS_OK)
                return st;
            n = 0;
        }
    }
    return n ? emit_rows(op, b, lists, rows, places, n, d) : STATUS_OK;
}

static enum status flat_map_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct projection *p = op->state;
    uint16_t *live;
    uint32_t n;
    (void)port;
    if (!live_rows(b, &live, &n))
        return diag_nomem(d);
    struct batch *in = batch_select(b, live, n), *lists = in ? batch_derive(in, p->n) : NULL;
    enum status st = lists ? projection_run(p, in, lists, 0, p->n, expression_frame, d) : diag_nomem(d);
    if (st == STATUS_OK)
        st = expand(op, in, lists, d);
    batch_drop(lists);
    batch_drop(in);
    return st;
}

const struct op_def op_flat_map = {
    .name = "flat map",
    .before = BEFORE_UNUSED,
    .open = flat_map_open,
    .push = flat_map_push,
    .close = projection_close,
};
