/* Joins with tables on the whole key. What a row meets is the present row of the other input, in that input's side
 * (table_side.c); each row gives at most one, so that the batch goes on with more columns and a selection.
 *
 * Of two tables the arriving change is in its own side already, and only the other side is looked at: its row is the
 * same for the result as it was and as it is now. So where changes are coalesced, those of the side that is told of them
 * first meet the rows of the other side as they were before its own changes, which then meet the first's new ones. (Not
 * below an outer join whose previous results nobody needs: there the newest row is as good, and says less.) */
#include "exec/op/join.h"
#include "exec/op/table_rows.h"

/* ---- a stream and a table --------------------------------------------------------------------------------------- */

/* The rows that go on. */
static uint16_t *select_rows(struct batch *b, const uint8_t *has_partner, bool all, uint32_t *n)
{
    uint16_t *selection = arena_alloc(&b->arena, b->n_selected * sizeof *selection + 1);
    *n = 0;
    BATCH_EACH (b, i, row)
        if (selection && (all || has_partner[row]) && !(b->null_value && b->null_value[row]))
            selection[(*n)++] = (uint16_t)row;
    return selection;
}

static enum status stream_table_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    const struct step *step = op->step;
    struct table_found table;
    enum status st = table_rows_find(op->inputs[1 - port]->state, b, false, &table, d);
    if (st != STATUS_OK)
        return st;
    uint32_t n;
    uint16_t *selection = select_rows(b, table.is_there, step->join.outer == OUTER_LEFT, &n);
    if (selection && n == 0)
        return STATUS_OK;
    struct batch *out = selection ? batch_derive(b, step->schema.n_columns) : NULL;
    const struct join_halves halves = {.schema = &step->schema,
                                       .columns = step->join.columns,
                                       .port = port,
                                       .arrived = b->columns,
                                       .met = table.values,
                                       .met_shown = table.is_there};
    if (!out || !join_make_columns(out->columns, &halves, b, &out->arena)) {
        batch_drop(out);
        return diag_nomem(d);
    }
    out->selection = selection;
    out->n_selected = n;
    out->null_value = NULL;
    st = op_emit(op, out, d);
    batch_drop(out);
    return st;
}

const struct op_def op_stream_table_join = {
    .name = "stream-table join",
    .before = BEFORE_UNUSED,
    .push = stream_table_push,
};

/* ---- two tables -------------------------------------------------------------------------------------------------- */

/* One batch of changes; by row. */
struct changes {
    struct op *op;
    struct batch *b;
    uint32_t port;
    struct table_found other;
    uint8_t *now, *old;        /* whether the arriving half is there, and was */
    uint8_t *is, *was;         /* the same of the result */
    uint8_t *met_is, *met_was; /* whether the other half shows in it */
    uint8_t *kinds;
    int64_t *ts, *before_ts;
    uint16_t *selection;
    uint32_t n;
};

static bool begin(struct changes *c)
{
    struct arena *a = &c->b->arena;
    uint8_t **const flags[] = {&c->now, &c->old, &c->is, &c->was, &c->met_is, &c->met_was, &c->kinds};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        *flags[i] = arena_zalloc(a, c->b->n_rows);
    c->ts = arena_zalloc(a, c->b->n_rows * sizeof *c->ts);
    c->before_ts = arena_zalloc(a, c->b->n_rows * sizeof *c->before_ts);
    c->selection = arena_alloc(a, c->b->n_selected * sizeof *c->selection);
    c->n = 0;
    return !a->failed;
}

/* Whether there is a result, from whether its halves are there. `alone`: the arriving half makes one by itself;
 * `other_alone`: the other one. */
static bool has_result(bool half, bool other, bool alone, bool other_alone)
{
    return half ? other || alone : other && other_alone;
}

/* What becomes of a row. A change that meets a row of the other side is always handed on, be it the removal of what was
 * not there; one that meets none only where its side stands alone, and if it is not nothing to nothing. */
static void judge(struct changes *c, uint32_t row)
{
    const struct batch *b = c->b;
    enum join_outer outer = c->op->step->join.outer;
    bool other = c->other.is_there[row];
    bool alone = outer == OUTER_BOTH || (outer == OUTER_LEFT && c->port == 0);
    bool other_alone = outer == OUTER_BOTH || (outer == OUTER_LEFT && c->port == 1);
    c->now[row] = b->kinds[row] != ROW_DELETE;
    c->old[row] = b->before && b->has_before[row];
    if (!other && !(alone && (c->now[row] || c->old[row])))
        return;
    c->is[row] = has_result(c->now[row], other, alone, other_alone);
    c->was[row] = has_result(c->old[row], other, alone, other_alone);
    c->met_is[row] = other && c->is[row];
    c->met_was[row] = other && c->was[row];
    c->kinds[row] = c->is[row] ? ROW_UPSERT : ROW_DELETE;
    int64_t floor = other ? c->other.ts[row] : INT64_MIN;
    c->ts[row] = b->ts[row] > floor ? b->ts[row] : floor;
    if (c->old[row])
        c->before_ts[row] = b->before->ts[row] > floor ? b->before->ts[row] : floor;
    else
        c->before_ts[row] = floor;
    c->selection[c->n++] = (uint16_t)row;
}

static bool add_before(const struct changes *c, struct batch *out)
{
    const struct batch *b = c->b;
    const struct join_halves halves = {.schema = &c->op->step->schema,
                                       .columns = c->op->step->join.columns,
                                       .port = c->port,
                                       .arrived = b->before->columns,
                                       .arrived_shown = c->old,
                                       .met = c->other.values,
                                       .met_shown = c->met_was};
    struct batch *before = batch_derive(b->before, out->n_columns);
    if (!before || !batch_own(out, before, batch_drop) ||
        !join_make_columns(before->columns, &halves, b, &before->arena))
        return false;
    memcpy(before->columns, out->columns, c->op->step->schema.n_keys * sizeof *before->columns);
    before->ts = c->before_ts;
    out->before = before;
    out->has_before = c->was;
    return true;
}

static enum status emit_results(const struct changes *c, struct diag *d)
{
    const struct join_halves halves = {.schema = &c->op->step->schema,
                                       .columns = c->op->step->join.columns,
                                       .port = c->port,
                                       .arrived = c->b->columns,
                                       .arrived_shown = c->now,
                                       .met = c->other.values,
                                       .met_shown = c->met_is};
    struct batch *out = batch_derive(c->b, c->op->step->schema.n_columns);
    if (!out || !join_make_columns(out->columns, &halves, c->b, &out->arena) ||
        (c->op->emits_before && c->b->before && !add_before(c, out))) {
        batch_drop(out);
        return diag_nomem(d);
    }
    out->kinds = c->kinds;
    out->ts = c->ts;
    out->selection = c->selection;
    out->n_selected = c->n;
    enum status st = op_emit(c->op, out, d);
    batch_drop(out);
    return st;
}

static enum status table_table_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct changes c = {.op = op, .b = b, .port = port};
    bool as_told = op->step->join.outer == OUTER_NONE || op->emits_before;
    enum status st = table_rows_find(op->inputs[1 - port]->state, b, as_told, &c.other, d);
    if (st != STATUS_OK)
        return st;
    if (!begin(&c))
        return diag_nomem(d);
    BATCH_EACH (b, i, row)
        judge(&c, row);
    return c.n ? emit_results(&c, d) : STATUS_OK;
}

const struct op_def op_table_table_join = {
    .name = "table-table join",
    .before = BEFORE_WANTED,
    .push = table_table_push,
};

/* What was there before makes no difference to which rows there are. */
const struct op_def op_table_table_inner_join = {
    .name = "table-table inner join",
    .before = BEFORE_AS_PARENT,
    .push = table_table_push,
};
