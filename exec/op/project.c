/* Select: computes the columns of the output. The kernel is shared by streams and tables, and by what changes keys
 * (key.c ...). */
#include "exec/op/project.h"

enum status projection_create(struct op *op, const struct expr *const *exprs, uint32_t n, struct projection **out,
                              struct diag *d)
{
    struct arena *a = &op->task->arena;
    struct projection *p = *out = ARENA_NEW(a, struct projection);
    if (!p)
        return diag_nomem(d);
    *p = (struct projection){.op = op, .exprs = exprs, .n = n};
    arena_init(&p->scratch, 0);
    p->progs = ARENA_ARRAY(a, struct expr_prog *, n);
    if (!p->progs)
        return diag_nomem(d);
    for (uint32_t i = 0; i < n; i++) {
        enum status st = expr_compile(exprs[i], a, &p->progs[i], d);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

void projection_free(struct projection *p)
{
    for (uint32_t i = 0; p && p->progs && i < p->n; i++)
        expr_release(p->progs[i]);
    if (p)
        arena_free(&p->scratch);
}

enum status projection_open(struct op *op, const struct expr *const *exprs, uint32_t n, struct diag *d)
{
    struct projection *p;
    enum status st = projection_create(op, exprs, n, &p, d);
    op->state = p;
    return st;
}

enum status projection_open_select(struct op *op, struct diag *d)
{
    return projection_open(op, op->step->select.exprs, op->step->schema.n_columns, d);
}

void projection_close(struct op *op)
{
    projection_free(op->state);
}

void print_expr(struct buf *out, const struct expr *e)
{
    if (e->text.len)
        buf_puts(out, e->text);
    else
        expr_print(out, e);
}

void expression_frame(struct buf *out, const struct projection *p, uint32_t item)
{
    buf_puts(out, STR("Error computing expression "));
    print_expr(out, p->exprs[item]);
}

struct reporting {
    const struct projection *p;
    projection_frame frame;
    uint32_t item;
};

static void report(void *data, uint32_t row, const char *message)
{
    const struct reporting *r = data;
    struct buf text;
    buf_init(&text, 0);
    (void)row;
    r->frame(&text, r->p, r->item);
    buf_printf(&text, ": %s", message);
    op_report(r->p->op, ERROR_EXPRESSION, r->p->op->step->context, buf_z(&text), NULL, NULL);
    buf_free(&text);
}

enum status projection_run(struct projection *p, const struct batch *in, struct batch *out, uint32_t first,
                           uint32_t last, projection_frame frame, struct diag *d)
{
    struct reporting reporting = {.p = p, .frame = frame};
    struct expr_errors errors = {.report = report, .data = &reporting};
    struct expr_run run = {
        .arena = &out->arena, .scratch = &p->scratch, .now_ms = op_wall_ms(p->op), .errors = frame ? &errors : NULL};
    for (uint32_t i = first; i < last; i++) {
        reporting.item = i;
        if (expr_eval(p->progs[i], in, &out->columns[i], &run) != STATUS_OK)
            return diag_nomem(d);
        arena_clear(&p->scratch);
    }
    return STATUS_OK;
}

bool live_rows(struct batch *b, uint16_t **selection, uint32_t *n)
{
    *n = 0;
    *selection = arena_alloc(&b->arena, b->n_selected * sizeof **selection);
    if (!*selection)
        return false;
    BATCH_EACH (b, i, row)
        if (!row_is_dead(b, row))
            (*selection)[(*n)++] = (uint16_t)row;
    return true;
}

/* Gives the column nulls at the dead rows; its validity may be shared, so it gets its own. */
static bool null_dead_rows(struct column *c, struct batch *out)
{
    size_t size = ((size_t)out->n_rows + 63) / 64 * sizeof *c->valid;
    uint64_t *valid = arena_alloc(&out->arena, size);
    if (!valid)
        return false;
    if (c->valid)
        memcpy(valid, c->valid, size);
    else
        memset(valid, 0xFF, size);
    c->valid = valid;
    BATCH_EACH (out, i, row)
        if (row_is_dead(out, row))
            column_set_null(c, row);
    return true;
}

/* Items [first, last), which are null for dead rows. */
static enum status run_live(struct projection *p, struct batch *in, struct batch *out, uint32_t first, uint32_t last,
                            projection_frame frame, struct diag *d)
{
    if (!in->kinds && !in->null_value)
        return projection_run(p, in, out, first, last, frame, d);
    uint16_t *selection;
    uint32_t n;
    if (!live_rows(in, &selection, &n))
        return diag_nomem(d);
    struct batch *live = batch_select(in, selection, n);
    if (!live)
        return diag_nomem(d);
    enum status st = projection_run(p, live, out, first, last, frame, d);
    for (uint32_t c = first; st == STATUS_OK && n < in->n_selected && c < last; c++)
        st = null_dead_rows(&out->columns[c], out) ? STATUS_OK : diag_nomem(d);
    batch_drop(live);
    return st;
}

/* Whether an expression reads a column that is not one of the first n. */
static bool reads_beyond(const struct expr *e, uint32_t n)
{
    if (e->kind == EXPR_COLUMN)
        return e->column >= n;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (reads_beyond(e->args[i], n))
            return true;
    return false;
}

/* Keys of all rows. Those that need columns which a row without value does not have are null for it. */
static enum status run_keys(struct projection *p, struct batch *in, struct batch *out, uint32_t n_keys,
                            projection_frame frame, struct diag *d)
{
    for (uint32_t i = 0; i < n_keys; i++) {
        bool of_keys = !reads_beyond(p->exprs[i], p->op->step->inputs[0]->schema.n_keys);
        enum status st =
            of_keys ? projection_run(p, in, out, i, i + 1, frame, d) : run_live(p, in, out, i, i + 1, frame, d);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

enum status project_rows(struct projection *p, struct batch *in, uint32_t n_keys, projection_frame key_frame,
                         projection_frame value_frame, struct batch **out, struct diag *d)
{
    *out = batch_derive(in, p->n);
    if (!*out)
        return diag_nomem(d);
    enum status st = run_keys(p, in, *out, n_keys, key_frame, d);
    if (st == STATUS_OK)
        st = run_live(p, in, *out, n_keys, p->n, value_frame, d);
    if (st == STATUS_OK)
        return st;
    batch_drop(*out);
    *out = NULL;
    return st;
}

/* The previous rows that exist, among the live rows of `in`. */
static struct batch *rows_before(struct batch *in)
{
    uint16_t *selection = arena_alloc(&in->arena, in->n_selected * sizeof *selection);
    uint32_t n = 0;
    if (!selection)
        return NULL;
    BATCH_EACH (in, i, row)
        if (in->has_before[row])
            selection[n++] = (uint16_t)row;
    return batch_select(in->before, selection, n);
}

/* The same with the previous rows, where they are wanted and there. */
static enum status project_both(struct projection *p, struct batch *in, uint32_t n_keys, projection_frame key_frame,
                                projection_frame value_frame, struct batch **out, struct diag *d)
{
    enum status st = project_rows(p, in, n_keys, key_frame, value_frame, out, d);
    if (st != STATUS_OK || !in->before || !p->op->emits_before)
        return st;
    struct batch *before = rows_before(in), *projected = NULL;
    st = before ? project_rows(p, before, n_keys, NULL, NULL, &projected, d) : diag_nomem(d);
    batch_drop(before);
    if (st == STATUS_OK) {
        (*out)->before = projected;
        (*out)->has_before = in->has_before;
        if (batch_own(*out, projected, batch_drop))
            return STATUS_OK;
        st = diag_nomem(d);
    }
    batch_drop(*out);
    *out = NULL;
    return st;
}

/* ---- the operator ------------------------------------------------------------------------------------------- */

static void select_frame(struct buf *out, const struct projection *p, uint32_t item)
{
    uint32_t n_keys = p->op->step->schema.n_keys;
    struct str name = p->op->step->schema.columns[item].name;
    expression_frame(out, p, item);
    buf_printf(out, " for column " STR_FMT " with index %u", STR_ARG(name), item < n_keys ? item : item - n_keys);
}

static enum status project_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct batch *out;
    (void)port;
    enum status st = project_both(op->state, b, op->step->schema.n_keys, select_frame, select_frame, &out, d);
    if (st == STATUS_OK)
        st = op_emit(op, out, d);
    batch_drop(out);
    return st;
}

const struct op_def op_project = {
    .name = "select",
    .before = BEFORE_AS_PARENT,
    .open = projection_open_select,
    .push = project_push,
    .close = projection_close,
};

/* ---- select key --------------------------------------------------------------------------------------------- */

static void key_frame(struct buf *out, const struct projection *p, uint32_t item)
{
    buf_puts(out, STR("Error computing new key from expression "));
    print_expr(out, p->exprs[item]);
}

/* The key's null-ness is that of the new columns from here on. */
static enum status select_key_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct batch *out;
    (void)port;
    enum status st = project_both(op->state, b, op->step->schema.n_keys, key_frame, select_frame, &out, d);
    if (st == STATUS_OK) {
        out->null_key = NULL;
        st = op_emit(op, out, d);
    }
    batch_drop(out);
    return st;
}

const struct op_def op_select_key = {
    .name = "select key",
    .before = BEFORE_AS_PARENT,
    .open = projection_open_select,
    .push = select_key_push,
    .close = projection_close,
};

/* ---- nothing at all ------------------------------------------------------------------------------------------- */

static enum status pass_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    (void)port;
    return op_emit(op, b, d);
}

const struct op_def op_pass = {.name = "pass", .before = BEFORE_AS_PARENT, .push = pass_push};
