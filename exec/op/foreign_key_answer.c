/* A join by a foreign key, where the right rows are: answers subscriptions as they come, and tells a change of a right
 * row to all who have subscribed to its key. The answer to a subscription has the later time of both; a change has its
 * own time. */
#include "exec/op/foreign_key.h"

#include "exec/key.h"

struct answer {
    struct arena scratch;
};

static enum status answer_open(struct op *op, struct diag *d)
{
    struct answer *s = ARENA_NEW(&op->task->arena, struct answer);
    op->state = s;
    if (!s)
        return diag_nomem(d);
    arena_init(&s->scratch, 0);
    return STATUS_OK;
}

static void answer_close(struct op *op)
{
    struct answer *s = op->state;
    arena_free(&s->scratch);
}

struct answers { /* being built for a batch */
    struct row_builder r;
    struct batch *b; /* what is answered; its cells are shared */
    uint32_t expected;
};

static void set_cell(struct batch *b, uint32_t place, uint32_t row, struct value v)
{
    column_set(&b->columns[b->n_columns - place], row, &v);
}

/* A row with all but its key, which is the caller's, who finds it in *row. `values`: of the right row `from`; NULL:
 * none. */
static enum status add_answer(struct answers *x, const struct column *values, uint32_t from, int64_t ts,
                              struct value hash, int32_t partition, uint32_t *row, struct diag *d)
{
    struct row_builder *r = &x->r;
    uint32_t n_keys = r->schema->n_keys, n_values = r->schema->n_columns - n_keys - ANSWER_EXTRA;
    if (rows_full(r)) {
        enum status st = rows_emit(r, d);
        if (st != STATUS_OK)
            return st;
    }
    if (!r->b && (!rows_begin(r, x->expected) || !batch_own(r->b, batch_keep(x->b), (void (*)(void *))batch_drop)))
        return diag_nomem(d);
    *row = rows_add(r, ts);
    for (uint32_t c = 0; c < n_values; c++) {
        struct value v = values ? column_get(&values[c], from) : VALUE_NULL;
        column_set(&r->b->columns[n_keys + c], *row, &v);
    }
    set_cell(r->b, ANSWER_FOUND, *row, (struct value){.kind = KIND_BOOLEAN, .boolean = values != NULL});
    set_cell(r->b, ANSWER_HASH, *row, hash);
    set_cell(r->b, ANSWER_PARTITION, *row, (struct value){.kind = KIND_INT, .i32 = partition});
    return STATUS_OK;
}

static void copy_headers(struct row_builder *r, uint32_t row, const struct batch *b, uint32_t from)
{
    if (!b->headers || !b->headers[from])
        return;
    r->headers[row] = b->headers[from];
    r->any_headers = true;
}

/* ---- subscriptions ---------------------------------------------------------------------------------------------- */

static enum status answer_row(struct answers *x, const struct table_found *right, uint32_t row, struct diag *d)
{
    struct batch *b = x->b;
    int32_t instruction = column_from_end(b, SUBSCRIPTION_INSTRUCTION)->i32[row];
    const struct entry *found = right->entries[row];
    if (instruction == UNSUBSCRIBE || (instruction == SUBSCRIBE_ANSWER_FOUND && !found))
        return STATUS_OK;
    int64_t ts = found && found->ts > b->ts[row] ? found->ts : b->ts[row];
    bool shows = found && instruction != UNSUBSCRIBE_AND_ANSWER;
    uint32_t at, n_keys = x->r.schema->n_keys, first = b->n_columns - SUBSCRIPTION_EXTRA - n_keys;
    enum status st =
        add_answer(x, shows ? right->values : NULL, row, ts, column_get(column_from_end(b, SUBSCRIPTION_HASH), row),
                   column_from_end(b, SUBSCRIPTION_PARTITION)->i32[row], &at, d);
    for (uint32_t c = 0; st == STATUS_OK && c < n_keys; c++) {
        struct value v = column_get(&b->columns[first + c], row);
        column_set(&x->r.b->columns[c], at, &v);
    }
    if (st == STATUS_OK)
        copy_headers(&x->r, at, b, row);
    return st;
}

static enum status answer_subscriptions(struct answers *x, struct diag *d)
{
    struct table_found right;
    enum status st = table_rows_find(x->r.op->inputs[1]->state, x->b, false, &right, d);
    BATCH_EACH (x->b, i, row)
        if (st == STATUS_OK)
            st = answer_row(x, &right, row, d);
    return st;
}

/* ---- right rows ------------------------------------------------------------------------------------------------- */

static enum status tell(struct answers *x, struct str key, uint64_t hash, uint32_t row, struct diag *d)
{
    struct op *op = x->r.op;
    struct answer *s = op->state;
    struct batch *b = x->b;
    const struct column *values = b->kinds[row] == ROW_DELETE ? NULL : b->columns + op->step->inputs[1]->schema.n_keys;
    struct subscription *list;
    size_t n;
    enum status st = subscriptions_find(op->inputs[0], key, hash, &s->scratch, &list, &n, d);
    for (size_t i = 0; i < n && st == STATUS_OK; i++) {
        uint32_t at;
        x->expected = n - i > BATCH_ROWS ? BATCH_ROWS : (uint32_t)(n - i);
        st = add_answer(x, values, row, b->ts[row], (struct value){.kind = KIND_BIGINT, .i64 = list[i].hash},
                        list[i].partition, &at, d);
        if (st == STATUS_OK && !subscription_key(&list[i], x->r.b->columns, x->r.schema->n_keys, at, &x->r.b->arena))
            st = diag_nomem(d);
        if (st == STATUS_OK)
            copy_headers(&x->r, at, b, row);
    }
    arena_clear(&s->scratch);
    return st;
}

static enum status tell_changes(struct answers *x, struct diag *d)
{
    const struct schema *schema = &x->r.op->step->inputs[1]->schema;
    struct str *keys;
    uint64_t *hashes;
    if (keys_encode(schema->columns, schema->n_keys, x->b, &x->b->arena, &keys, &hashes) != STATUS_OK)
        return diag_nomem(d);
    enum status st = STATUS_OK;
    BATCH_EACH (x->b, i, row)
        if (st == STATUS_OK && keys[i].p)
            st = tell(x, keys[i], hashes[i], row, d);
    return st;
}

static enum status answer_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct answers x = {.r = {.op = op, .schema = &op->step->schema}, .b = b, .expected = b->n_selected};
    enum status st = port == 0 ? answer_subscriptions(&x, d) : tell_changes(&x, d);
    if (st == STATUS_OK)
        st = rows_emit(&x.r, d);
    rows_drop(&x.r);
    return st;
}

const struct op_def op_foreign_key_answer = {
    .name = "foreign key answer",
    .before = BEFORE_UNUSED,
    .open = answer_open,
    .push = answer_push,
    .close = answer_close,
};
