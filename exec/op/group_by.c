/* GROUP BY: gives rows the grouping expressions as their key.
 *
 * Streams: rows without value are left out, and rows for which any part of the key is null; but when the key stays as
 * it is, it may have parts that are null. Tables: a change whose group stays is one row; one whose group changes is
 * two: a removal from the old group (kind DELETE, with the previous row), then an addition to the new one. */
#include "exec/op/project.h"

#include <stdio.h>

static void group_frame(struct buf *out, const struct projection *p, uint32_t item)
{
    (void)p;
    buf_printf(out, "Error calculating group-by column with index %u", item);
}

/* Index of the first null part of a row's key; n_keys: none. */
static uint32_t null_part(const struct batch *b, uint32_t n_keys, uint32_t row)
{
    uint32_t c = 0;
    while (c < n_keys && !column_is_null(&b->columns[c], row))
        c++;
    return c;
}

static void report_null(struct op *op, uint32_t part)
{
    char text[128];
    snprintf(text, sizeof text,
             "Group-by column with index %u resolved to null. The source row will be excluded from the table.", part);
    op_report(op, ERROR_RECORD, op->step->context, text, NULL, NULL);
}

static bool any_key_nullable(const struct batch *b, uint32_t n_keys)
{
    for (uint32_t c = 0; c < n_keys; c++)
        if (b->columns[c].valid)
            return true;
    return false;
}

static enum status emit_grouped(struct op *op, struct batch *out, struct diag *d)
{
    uint32_t n_keys = op->step->schema.n_keys, n = 0;
    if (!any_key_nullable(out, n_keys))
        return op_emit(op, out, d);
    uint16_t *selection = arena_alloc(&out->arena, out->n_selected * sizeof *selection);
    if (!selection)
        return diag_nomem(d);
    BATCH_EACH (out, i, row) {
        uint32_t part = null_part(out, n_keys, row);
        if (part == n_keys)
            selection[n++] = (uint16_t)row;
        else
            report_null(op, part);
    }
    out->selection = selection;
    out->n_selected = n;
    return op_emit(op, out, d);
}

static enum status group_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct batch *in = b, *out = NULL;
    bool same_key = op->step->kind == STEP_STREAM_GROUP_BY_KEY;
    (void)port;
    if (b->null_value) {
        uint16_t *live;
        uint32_t n;
        in = live_rows(b, &live, &n) ? batch_select(b, live, n) : NULL;
        if (!in)
            return diag_nomem(d);
        in->null_value = NULL;
    }
    enum status st = project_rows(op->state, in, op->step->schema.n_keys, group_frame, expression_frame, &out, d);
    if (st == STATUS_OK && same_key) {
        st = op_emit(op, out, d);
    } else if (st == STATUS_OK) {
        out->null_key = NULL;
        st = emit_grouped(op, out, d);
    }
    batch_drop(out);
    if (in != b)
        batch_drop(in);
    return st;
}

const struct op_def op_group_by = {
    .name = "group by",
    .before = BEFORE_UNUSED,
    .open = projection_open_select,
    .push = group_push,
    .close = projection_close,
};

/* ---- tables ------------------------------------------------------------------------------------------------- */

static bool keys_are_same(const struct batch *x, const struct batch *y, uint32_t n_keys, uint32_t row)
{
    for (uint32_t c = 0; c < n_keys; c++) {
        struct value a = column_get(&x->columns[c], row), b = column_get(&y->columns[c], row);
        if (!value_eq(&a, &b))
            return false;
    }
    return true;
}

static void set_row(struct column *to, const struct column *from, uint32_t first, uint32_t last, uint32_t to_row,
                    uint32_t from_row)
{
    for (uint32_t c = first; c < last; c++) {
        struct value v = column_get(&from[c], from_row);
        column_set(&to[c], to_row, &v);
    }
}

static void null_row(struct column *to, uint32_t first, uint32_t last, uint32_t row)
{
    for (uint32_t c = first; c < last; c++)
        column_set_null(&to[c], row);
}

/* One row of output: (now, before), of which one may be missing. */
static void add_change(struct row_builder *r, const struct batch *in, const struct batch *now,
                       const struct batch *before, uint32_t row)
{
    uint32_t n_keys = r->schema->n_keys, n = r->schema->n_columns, at = rows_add(r, in->ts[row]);
    if (now) {
        set_row(r->b->columns, now->columns, 0, n, at, row);
    } else {
        set_row(r->b->columns, before->columns, 0, n_keys, at, row);
        null_row(r->b->columns, n_keys, n, at);
        r->kinds[at] = ROW_DELETE;
    }
    if (before) {
        set_row(r->b->before->columns, before->columns, 0, n, at, row);
        r->before_ts[at] = before->ts[row];
        r->has_before[at] = 1;
    } else {
        null_row(r->b->before->columns, 0, n, at);
    }
    if (in->headers && in->headers[row]) {
        r->headers[at] = in->headers[row];
        r->any_headers = true;
    }
}

static enum status regroup(struct op *op, struct batch *b, struct batch *now, struct diag *d)
{
    struct row_builder r = {.op = op, .schema = &op->step->schema, .is_table = true};
    uint32_t n_keys = op->step->schema.n_keys;
    enum status st = STATUS_OK;
    BATCH_EACH (now, i, row) {
        const struct batch *x = row_is_dead(b, row) ? NULL : now;
        const struct batch *y = b->before && b->has_before[row] ? now->before : NULL;
        uint32_t part = x ? null_part(x, n_keys, row) : n_keys;
        if (part < n_keys) {
            report_null(op, part);
            x = NULL;
        }
        if (y && null_part(y, n_keys, row) < n_keys)
            y = NULL;
        if (r.b && r.n + 2 > r.cap)
            TRY(rows_emit(&r, d));
        if (!r.b && (!rows_begin(&r, b->n_selected * 2 + 1) || !batch_own(r.b, batch_keep(now), batch_drop)))
            TRY(diag_nomem(d));
        if (x && y && keys_are_same(x, y, n_keys, row)) {
            add_change(&r, b, x, y, row);
            continue;
        }
        if (y)
            add_change(&r, b, NULL, y, row);
        if (x)
            add_change(&r, b, x, NULL, row);
    }
    TRY(rows_emit(&r, d));
done:
    rows_drop(&r);
    return st;
}

/* Groups of the previous rows into now->before. */
static enum status group_before(struct op *op, struct batch *b, struct batch *now, struct diag *d)
{
    struct batch *before = NULL;
    uint16_t *selection = arena_alloc(&b->arena, b->n_selected * sizeof *selection);
    uint32_t n = 0;
    if (!b->before)
        return STATUS_OK;
    if (!selection)
        return diag_nomem(d);
    BATCH_EACH (b, i, row)
        if (b->has_before[row])
            selection[n++] = (uint16_t)row;
    struct batch *in = batch_select(b->before, selection, n);
    enum status st = in ? project_rows(op->state, in, op->step->schema.n_keys, NULL, NULL, &before, d) : diag_nomem(d);
    batch_drop(in);
    if (st != STATUS_OK)
        return st;
    now->before = before;
    return batch_own(now, before, batch_drop) ? STATUS_OK : diag_nomem(d);
}

static enum status table_group_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct batch *now = NULL;
    (void)port;
    uint16_t *live;
    uint32_t n;
    /* Grouping expressions are computed for rows that exist only. */
    if (!live_rows(b, &live, &n))
        return diag_nomem(d);
    struct batch *in = batch_select(b, live, n);
    enum status st = in ? project_rows(op->state, in, op->step->schema.n_keys, group_frame, expression_frame, &now, d)
                        : diag_nomem(d);
    if (st == STATUS_OK) {
        now->selection = b->selection;
        now->n_selected = b->n_selected;
        st = group_before(op, b, now, d);
    }
    if (st == STATUS_OK)
        st = regroup(op, b, now, d);
    batch_drop(now);
    batch_drop(in);
    return st;
}

const struct op_def op_table_group_by = {
    .name = "table group by",
    .before = BEFORE_WANTED,
    .open = projection_open_select,
    .push = table_group_push,
    .close = projection_close,
};
