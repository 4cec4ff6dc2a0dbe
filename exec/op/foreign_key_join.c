/* A join by a foreign key, where the left rows are: tells changes of left rows to where the right rows are, and makes
 * results of the answers. The instructions are those of Kafka Streams 4.1.
 *
 * Where there is no foreign key there is nobody to ask: a left join makes the result at once. */
#include "exec/op/foreign_key.h"

#include "exec/op/join.h"
#include "exec/op/project.h"
#include "formats/row.h"

struct foreign_key_join {
    struct projection *key;
    struct repartition_writer *subscriptions;
    struct table_rows *results; /* NULL: they are not kept */
    struct buf row;
};

static enum status join_open(struct op *op, struct diag *d)
{
    const struct step *step = op->step;
    struct foreign_key_join *s = ARENA_NEW(&op->task->arena, struct foreign_key_join);
    op->state = s;
    if (!s)
        return diag_nomem(d);
    buf_init(&s->row, 0);
    enum status st = projection_create(op, &step->foreign_key.foreign_key, 1, &s->key, d);
    if (st == STATUS_OK)
        st = repartition_writer_open(op, step->foreign_key.subscriptions, &s->subscriptions, d);
    const struct table_rows_options kept = {.store = step->foreign_key.result_store, .schema = &step->schema};
    return st == STATUS_OK && kept.store ? table_rows_open(op, &kept, &s->results, d) : st;
}

static void join_close(struct op *op)
{
    struct foreign_key_join *s = op->state;
    projection_free(s->key);
    repartition_writer_close(s->subscriptions);
    table_rows_close(s->results);
    buf_free(&s->row);
}

/* The hash of a left row's value: of the row that is kept, or of one of a batch. */
static int64_t hash_of_entry(const struct entry *e)
{
    return (int64_t)key_hash(str_make(e->var ? e->var : "", e->var_len));
}

static bool hash_of_row(struct op *op, const struct batch *b, uint32_t row, int64_t *hash)
{
    struct foreign_key_join *s = op->state;
    const struct schema *left = &op->step->inputs[0]->schema;
    s->row.len = 0;
    row_put_columns(&s->row, b->columns + left->n_keys, left->n_columns - left->n_keys, row);
    *hash = (int64_t)key_hash(str_make(s->row.len ? s->row.p : "", s->row.len));
    return !s->row.failed;
}

/* ---- results ---------------------------------------------------------------------------------------------------- */

/* Results for some rows of a batch, whose first columns are the left key's. */
struct results {
    struct op *op;
    struct batch *b;
    uint16_t *selection;
    uint32_t n;
    uint8_t *is;  /* by row: 0: a tombstone */
    uint8_t *met; /* whether a right row shows */
    uint8_t *kinds;
};

static bool results_begin(struct results *x, struct op *op, struct batch *b)
{
    struct arena *a = &b->arena;
    *x = (struct results){.op = op, .b = b};
    x->selection = arena_alloc(a, b->n_selected * sizeof *x->selection);
    x->is = arena_zalloc(a, b->n_rows);
    x->met = arena_zalloc(a, b->n_rows);
    x->kinds = arena_zalloc(a, b->n_rows);
    return x->selection && x->is && x->met && x->kinds;
}

static void add_result(struct results *x, uint32_t row, bool is, bool met)
{
    x->is[row] = is;
    x->met[row] = is && met;
    x->kinds[row] = is ? ROW_UPSERT : ROW_DELETE;
    x->selection[x->n++] = (uint16_t)row;
}

/* `left`: keys and values of the left rows; `right`: values of the right ones. */
static enum status emit_results(const struct results *x, const struct column *left, const struct column *right,
                                struct diag *d)
{
    const struct step *step = x->op->step;
    const struct foreign_key_join *s = x->op->state;
    const struct join_halves halves = {.schema = &step->schema,
                                       .columns = step->foreign_key.columns,
                                       .port = 0,
                                       .arrived = left,
                                       .arrived_shown = x->is,
                                       .met = right,
                                       .met_shown = x->met};
    if (x->n == 0)
        return STATUS_OK;
    struct batch *out = batch_derive(x->b, step->schema.n_columns);
    if (!out || !join_make_columns(out->columns, &halves, x->b, &out->arena)) {
        batch_drop(out);
        return diag_nomem(d);
    }
    out->kinds = x->kinds;
    out->null_value = NULL;
    out->selection = x->selection;
    out->n_selected = x->n;
    enum status st = s->results ? table_rows_push(s->results, out, d) : op_emit(x->op, out, d);
    batch_drop(out);
    return st;
}

static enum status join_flush(struct op *op, struct diag *d)
{
    const struct foreign_key_join *s = op->state;
    return s->results ? table_rows_flush(s->results, d) : STATUS_OK;
}

/* ---- changes of left rows --------------------------------------------------------------------------------------- */

struct changes { /* one batch of them */
    struct op *op;
    struct batch *b;
    const struct column *now, *before; /* their foreign keys */
    struct row_builder r;              /* subscriptions */
    struct results results;            /* of those without a foreign key */
};

static enum status write_subscriptions(struct changes *c, struct diag *d)
{
    const struct foreign_key_join *s = c->op->state;
    struct batch *out = rows_take(&c->r);
    enum status st = out ? repartition_write(s->subscriptions, out, d) : STATUS_OK;
    batch_drop(out);
    return st;
}

static enum status subscribe(struct changes *c, uint32_t row, const struct column *key, enum instruction instruction,
                             struct diag *d)
{
    struct row_builder *r = &c->r;
    uint32_t n_left = c->op->step->schema.n_keys, n_keys = r->schema->n_keys, n = r->schema->n_columns;
    struct value hash = {.kind = KIND_BIGINT};
    if (rows_full(r)) {
        enum status st = write_subscriptions(c, d);
        if (st != STATUS_OK)
            return st;
    }
    if (!rows_begin(r, c->b->n_selected * 2) || !hash_of_row(c->op, c->b, row, &hash.i64))
        return diag_nomem(d);
    if (row_is_dead(c->b, row))
        hash = VALUE_NULL;
    uint32_t at = rows_add(r, c->b->ts[row]);
    struct value v = column_get(key, row);
    column_set(&r->b->columns[0], at, &v);
    for (uint32_t k = 0; k < n_left; k++) {
        v = column_get(&c->b->columns[k], row);
        column_set(&r->b->columns[n_keys + k], at, &v);
    }
    v = (struct value){.kind = KIND_INT, .i32 = (int32_t)instruction};
    column_set(&r->b->columns[n - SUBSCRIPTION_INSTRUCTION], at, &v);
    column_set(&r->b->columns[n - SUBSCRIPTION_HASH], at, &hash);
    v = (struct value){.kind = KIND_INT, .i32 = c->op->task->partition};
    column_set(&r->b->columns[n - SUBSCRIPTION_PARTITION], at, &v);
    if (c->b->headers && c->b->headers[row]) {
        r->headers[at] = c->b->headers[row];
        r->any_headers = true;
    }
    return STATUS_OK;
}

static bool same_keys(const struct changes *c, uint32_t row)
{
    struct value x = column_get(c->now, row), y = column_get(c->before, row);
    return value_eq(&x, &y);
}

static enum status tell_change(struct changes *c, uint32_t row, struct diag *d)
{
    const struct batch *b = c->b;
    bool is_left = c->op->step->foreign_key.outer == OUTER_LEFT;
    bool is = !row_is_dead(b, row), was = b->before && b->has_before[row];
    bool key_now = is && !column_is_null(c->now, row), key_before = was && !column_is_null(c->before, row);
    enum status st = STATUS_OK;
    if (!is && !was)
        return STATUS_OK;
    if (!key_now) {
        if (key_before)
            st = subscribe(c, row, c->before, is_left ? UNSUBSCRIBE : UNSUBSCRIBE_AND_ANSWER, d);
        if (is_left)
            add_result(&c->results, row, is, false);
        return st;
    }
    bool moves = key_before && !same_keys(c, row);
    if (moves)
        st = subscribe(c, row, c->before, UNSUBSCRIBE, d);
    if (st == STATUS_OK)
        st = subscribe(c, row, c->now, is_left || moves ? SUBSCRIBE_AND_ANSWER : SUBSCRIBE_ANSWER_FOUND, d);
    return st;
}

/* The foreign keys of the changes' rows as they are, or were, among those that are, or were, there: a batch with one
 * column. */
static enum status foreign_keys(struct op *op, struct batch *in, const struct batch *changes, bool before,
                                struct batch **out, struct diag *d)
{
    const struct foreign_key_join *s = op->state;
    uint16_t *selection = arena_alloc(&in->arena, changes->n_selected * sizeof *selection + 1);
    uint32_t n = 0;
    *out = NULL;
    if (!selection)
        return diag_nomem(d);
    BATCH_EACH (changes, i, row)
        if (before ? changes->has_before[row] : !row_is_dead(changes, row))
            selection[n++] = (uint16_t)row;
    struct batch *rows = batch_select(in, selection, n);
    *out = rows ? batch_derive(rows, 1) : NULL;
    enum status st =
        *out ? projection_run(s->key, rows, *out, 0, 1, before ? NULL : expression_frame, d) : diag_nomem(d);
    batch_drop(rows);
    return st;
}

static enum status tell_all(struct changes *c, struct diag *d)
{
    enum status st = STATUS_OK;
    BATCH_EACH (c->b, i, row)
        if (st == STATUS_OK)
            st = tell_change(c, row, d);
    return st == STATUS_OK ? write_subscriptions(c, d) : st;
}

static enum status left_changed(struct op *op, struct batch *b, struct diag *d)
{
    struct changes c = {.op = op, .b = b, .r = {.op = op, .schema = &op->step->foreign_key.subscriptions->schema}};
    struct batch *now = NULL, *before = NULL;
    enum status st = foreign_keys(op, b, b, false, &now, d);
    if (st == STATUS_OK && b->before)
        st = foreign_keys(op, b->before, b, true, &before, d);
    if (st == STATUS_OK && !results_begin(&c.results, op, b))
        st = diag_nomem(d);
    if (st == STATUS_OK) {
        c.now = &now->columns[0];
        c.before = before ? &before->columns[0] : NULL;
        st = tell_all(&c, d);
    }
    rows_drop(&c.r);
    batch_drop(now);
    batch_drop(before);
    if (st != STATUS_OK || c.results.n == 0)
        return st;
    /* No right row shows: any cells will do, of the right types. */
    const struct schema *answers = &op->step->inputs[1]->schema;
    uint32_t n_right = answers->n_columns - answers->n_keys;
    struct column *nothing = ARENA_ARRAY(&b->arena, struct column, n_right);
    for (uint32_t i = 0; nothing && i < n_right; i++)
        if (!column_init(&nothing[i], answers->columns[answers->n_keys + i].type, b->n_rows, true, &b->arena))
            nothing = NULL;
    return nothing ? emit_results(&c.results, b->columns, nothing, d) : diag_nomem(d);
}

/* ---- answers that there is nobody, and that are out of date ------------------------------------------------------- */

/* In an inner join the present left row may have asked to be answered only if it meets somebody, while the result that
 * is to go belongs to a left row before it. Without a left row, or without a foreign key, the result goes. Else the
 * present row asks again, for an answer in any case. */
struct late {
    uint16_t *rows; /* whose left rows are there */
    uint32_t n;
    uint8_t *removed; /* by row */
};

static bool is_current(const struct batch *b, uint32_t row, const struct entry *e)
{
    const struct column *hash = column_from_end(b, ANSWER_HASH);
    bool is_known = !column_is_null(hash, row);
    return e ? is_known && hash->i64[row] == hash_of_entry(e) : !is_known;
}

static enum status list_late(const struct op *op, const struct batch *b, const struct table_found *left,
                             struct late *late, struct arena *a, struct diag *d)
{
    late->n = 0;
    late->rows = arena_alloc(a, b->n_selected * sizeof *late->rows + 1);
    late->removed = arena_zalloc(a, b->n_rows + 1);
    if (!late->rows || !late->removed)
        return diag_nomem(d);
    BATCH_EACH (b, i, row) {
        if (op->step->foreign_key.outer == OUTER_LEFT || column_from_end(b, ANSWER_FOUND)->u8[row] ||
            is_current(b, row, left->entries[row]))
            continue;
        if (left->entries[row])
            late->rows[late->n++] = (uint16_t)row;
        else
            late->removed[row] = 1;
    }
    return STATUS_OK;
}

static enum status ask_again(struct op *op, struct batch *rows, const struct column *keys, struct late *late,
                             struct diag *d)
{
    struct changes c = {.op = op, .b = rows, .r = {.op = op, .schema = &op->step->foreign_key.subscriptions->schema}};
    enum status st = STATUS_OK;
    BATCH_EACH (rows, i, row) {
        if (column_is_null(keys, row))
            late->removed[row] = 1;
        else if (st == STATUS_OK)
            st = subscribe(&c, row, keys, SUBSCRIBE_AND_ANSWER, d);
    }
    if (st == STATUS_OK)
        st = write_subscriptions(&c, d);
    rows_drop(&c.r);
    return st;
}

/* `columns`: the present left rows. */
static enum status take_late(struct op *op, struct batch *b, const struct table_found *left,
                             const struct column *columns, struct late *late, struct diag *d)
{
    const struct foreign_key_join *s = op->state;
    uint32_t n_columns = op->step->inputs[0]->schema.n_columns;
    enum status st = list_late(op, b, left, late, &b->arena, d);
    if (st != STATUS_OK || late->n == 0)
        return st;
    struct batch *rows = batch_derive(b, n_columns), *keys = NULL;
    if (rows) {
        memcpy(rows->columns, columns, n_columns * sizeof *columns);
        rows->selection = late->rows;
        rows->n_selected = late->n;
        rows->ts = left->ts;
        rows->kinds = NULL;
        rows->null_value = NULL;
        keys = batch_derive(rows, 1);
    }
    st = keys ? projection_run(s->key, rows, keys, 0, 1, NULL, d) : diag_nomem(d);
    if (st == STATUS_OK)
        st = ask_again(op, rows, &keys->columns[0], late, d);
    batch_drop(keys);
    batch_drop(rows);
    return st;
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static enum status take_answers(struct op *op, struct batch *b, struct diag *d)
{
    const struct schema *left = &op->step->inputs[0]->schema;
    const struct column *found = column_from_end(b, ANSWER_FOUND);
    struct results x;
    struct table_found rows;
    struct late late;
    enum status st = table_rows_find(op->inputs[0]->state, b, false, &rows, d);
    if (st != STATUS_OK)
        return st;
    struct column *columns = ARENA_ARRAY(&b->arena, struct column, left->n_columns);
    if (!columns || !results_begin(&x, op, b))
        return diag_nomem(d);
    memcpy(columns, b->columns, left->n_keys * sizeof *columns);
    memcpy(columns + left->n_keys, rows.values, (left->n_columns - left->n_keys) * sizeof *columns);
    st = take_late(op, b, &rows, columns, &late, d);
    if (st != STATUS_OK)
        return st;
    BATCH_EACH (b, i, row) {
        const struct entry *e = rows.entries[row];
        bool met = found->u8[row];
        if (is_current(b, row, e))
            add_result(&x, row, e && (met || op->step->foreign_key.outer == OUTER_LEFT), met);
        else if (late.removed[row])
            add_result(&x, row, false, false);
        /* Else it is out of date: the answer to what the left row is now is on its way. */
    }
    return emit_results(&x, columns, b->columns + left->n_keys, d);
}

static enum status join_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    return port == 0 ? left_changed(op, b, d) : take_answers(op, b, d);
}

const struct op_def op_foreign_key_join = {
    .name = "foreign key join",
    .before = BEFORE_WANTED,
    .open = join_open,
    .push = join_push,
    .flush = join_flush,
    .close = join_close,
};
