/* WHERE and HAVING. Streams: rows that do not pass, or have no value, go. Tables: the change of a row that passes
 * neither before nor now goes; one that passed before and does not now becomes a tombstone. Where the previous rows are
 * not known, a row that does not pass is a tombstone, as in Kafka Streams. */
#include "exec/op/project.h"

struct filter {
    const struct expr *predicate;
    struct expr_prog *prog;
    struct arena scratch;
};

static enum status filter_open(struct op *op, struct diag *d)
{
    struct filter *f = ARENA_NEW(&op->task->arena, struct filter);
    op->state = f;
    if (!f)
        return diag_nomem(d);
    arena_init(&f->scratch, 0);
    f->predicate = op->step->filter.predicate;
    return expr_compile(f->predicate, &op->task->arena, &f->prog, d);
}

static void filter_close(struct op *op)
{
    struct filter *f = op->state;
    expr_release(f->prog);
    arena_free(&f->scratch);
}

static void report(void *data, uint32_t row, const char *message)
{
    struct op *op = data;
    struct filter *f = op->state;
    struct buf text;
    buf_init(&text, 0);
    (void)row;
    buf_puts(&text, STR("Error evaluating predicate "));
    print_expr(&text, f->predicate);
    buf_printf(&text, ": %s", message);
    op_report(op, ERROR_EXPRESSION, op->step->context, buf_z(&text), NULL, NULL);
    buf_free(&text);
}

/* The rows of `in` (those of candidates[0..n), or all its live ones when candidates is NULL) that pass; memory from
 * in's arena. */
static enum status passing(struct op *op, struct batch *in, uint16_t *candidates, uint32_t n_candidates, bool silent,
                           uint16_t **selection, uint32_t *n, struct diag *d)
{
    struct filter *f = op->state;
    struct expr_errors errors = {.report = report, .data = op};
    struct expr_run run = {
        .arena = &in->arena, .scratch = &f->scratch, .now_ms = op_wall_ms(op), .errors = silent ? NULL : &errors};
    struct batch view = *in; /* the same rows, another selection */
    if (candidates) {
        view.selection = candidates;
        view.n_selected = n_candidates;
    }
    *selection = arena_alloc(&in->arena, view.n_selected * sizeof **selection + 1);
    if (!*selection)
        return diag_nomem(d);
    run.arena = &in->arena;
    enum status st = expr_filter(f->prog, &view, *selection, n, &run);
    arena_clear(&f->scratch);
    return st == STATUS_OK ? STATUS_OK : diag_nomem(d);
}

static enum status emit_selected(struct op *op, struct batch *b, uint16_t *selection, uint32_t n, struct diag *d)
{
    if (n == b->n_selected)
        return op_emit(op, b, d);
    if (n == 0)
        return STATUS_OK;
    struct batch *out = batch_select(b, selection, n);
    if (!out)
        return diag_nomem(d);
    enum status st = op_emit(op, out, d);
    batch_drop(out);
    return st;
}

static enum status filter_stream(struct op *op, struct batch *b, struct diag *d)
{
    uint16_t *live = NULL, *selection;
    uint32_t n_live = 0, n;
    if (b->null_value && !live_rows(b, &live, &n_live))
        return diag_nomem(d);
    enum status st = passing(op, b, live, n_live, false, &selection, &n, d);
    return st == STATUS_OK ? emit_selected(op, b, selection, n, d) : st;
}

/* ---- tables ------------------------------------------------------------------------------------------------- */

static void mark(uint8_t *marks, const uint16_t *rows, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        marks[rows[i]] = 1;
}

static enum status passed_before(struct op *op, struct batch *b, uint8_t *marks, struct diag *d)
{
    uint16_t *candidates = arena_alloc(&b->arena, b->n_selected * sizeof *candidates + 1), *selection;
    uint32_t n_candidates = 0, n;
    if (!candidates)
        return diag_nomem(d);
    BATCH_EACH (b, i, row)
        if (b->has_before[row])
            candidates[n_candidates++] = (uint16_t)row;
    enum status st = passing(op, b->before, candidates, n_candidates, true, &selection, &n, d);
    if (st == STATUS_OK)
        mark(marks, selection, n);
    return st;
}

/* Value columns of rows that do not pass are nulls from here on. */
static enum status null_values(struct batch *out, const struct batch *b, uint32_t n_keys, const uint8_t *passes,
                               struct diag *d)
{
    size_t size = ((size_t)b->n_rows + 63) / 64 * sizeof(uint64_t);
    for (uint32_t c = n_keys; c < b->n_columns; c++) {
        uint64_t *valid = arena_alloc(&out->arena, size);
        if (!valid)
            return diag_nomem(d);
        if (b->columns[c].valid)
            memcpy(valid, b->columns[c].valid, size);
        else
            memset(valid, 0xFF, size);
        out->columns[c].valid = valid;
        BATCH_EACH (out, i, row)
            if (!passes[row])
                column_set_null(&out->columns[c], row);
    }
    return STATUS_OK;
}

static enum status emit_changes(struct op *op, struct batch *b, const uint8_t *now, const uint8_t *before,
                                struct diag *d)
{
    uint16_t *selection = arena_alloc(&b->arena, b->n_selected * sizeof *selection);
    uint32_t n = 0, n_now = 0;
    if (!selection)
        return diag_nomem(d);
    BATCH_EACH (b, i, row)
        if (now[row] || before[row]) {
            selection[n++] = (uint16_t)row;
            n_now += now[row];
        }
    struct batch *out = n ? batch_select(b, selection, n) : NULL;
    if (!out)
        return n ? diag_nomem(d) : STATUS_OK;
    uint8_t *kinds = arena_alloc(&out->arena, b->n_rows);
    enum status st = kinds ? STATUS_OK : diag_nomem(d);
    if (st == STATUS_OK) {
        BATCH_EACH (out, i, row)
            kinds[row] = now[row] ? ROW_UPSERT : ROW_DELETE;
        out->kinds = kinds;
        if (out->before)
            out->has_before = before;
        if (n_now < n)
            st = null_values(out, b, op->step->schema.n_keys, now, d);
    }
    if (st == STATUS_OK)
        st = op_emit(op, out, d);
    batch_drop(out);
    return st;
}

static enum status filter_table(struct op *op, struct batch *b, struct diag *d)
{
    uint16_t *live, *selection;
    uint32_t n_live, n;
    uint8_t *now = arena_zalloc(&b->arena, b->n_rows), *before = arena_zalloc(&b->arena, b->n_rows);
    if (!now || !before || !live_rows(b, &live, &n_live))
        return diag_nomem(d);
    enum status st = passing(op, b, live, n_live, false, &selection, &n, d);
    if (st != STATUS_OK)
        return st;
    mark(now, selection, n);
    if (b->before)
        st = passed_before(op, b, before, d);
    else
        memset(before, 1, b->n_rows);
    return st == STATUS_OK ? emit_changes(op, b, now, before, d) : st;
}

static enum status filter_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    (void)port;
    return op->step->kind == STEP_TABLE_FILTER ? filter_table(op, b, d) : filter_stream(op, b, d);
}

const struct op_def op_filter = {
    .name = "filter",
    .before = BEFORE_WANTED,
    .open = filter_open,
    .push = filter_push,
    .close = filter_close,
};
