/* The kernel of aggregations: see agg.h. */
#include "exec/op/agg.h"

#include "formats/row.h"

/* ---- opening -------------------------------------------------------------------------------------------- */

static enum status open_call(struct agg *g, struct agg_call *c, const struct step_aggregate_call *s, struct diag *d)
{
    struct arena *a = &g->op->task->arena;
    const struct type **types = ARENA_ARRAY(a, const struct type *, s->n_args);
    if (!types)
        return diag_nomem(d);
    for (uint32_t i = 0; i < s->n_args; i++)
        types[i] = g->input->columns[s->args[i]].type;
    c->args = s->args;
    c->n_args = s->n_args;
    c->call = (struct aggregate_call){.ops = s->call->variant->aggregate,
                                      .n_args = s->n_args,
                                      .arg_types = types,
                                      .literals = s->literals,
                                      .n_literals = s->n_literals,
                                      .limit = s->limit,
                                      .result_type = s->call->result,
                                      .arena = &g->scratch};
    uint32_t size = c->call.ops->size(&c->call);
    c->variable = size ? -1 : (int32_t)g->n_variable++;
    c->at = g->fixed_size;
    g->fixed_size += (size + 7) & ~7u;
    if (size)
        return STATUS_OK;
    c->call.state_type = c->call.ops->state_type(a, &c->call);
    return c->call.state_type ? STATUS_OK : diag_nomem(d);
}

static bool make_rooms(struct agg *g, const struct step *step)
{
    struct arena *a = &g->op->task->arena;
    uint32_t n = g->n_required + g->n_variable, max_args = 0;
    for (uint32_t i = 0; i < g->n_calls; i++)
        max_args = g->calls[i].n_args > max_args ? g->calls[i].n_args : max_args;
    g->row = ARENA_ARRAY(a, struct column, n);
    g->saved = ARENA_ARRAY(a, struct column, n);
    g->states = ARENA_ARRAY(a, struct value, g->n_variable);
    g->state_types = ARENA_ARRAY(a, const struct type *, g->n_variable);
    g->args = ARENA_ARRAY(a, struct value, max_args);
    if (!g->row || !g->saved || !g->states || !g->state_types || !g->args)
        return false;
    for (uint32_t i = 0; i < g->n_required; i++)
        if (!column_init(&g->saved[i], g->input->columns[step->aggregate.required[i]].type, 1, true, a))
            return false;
    for (uint32_t i = 0; i < g->n_calls; i++) {
        const struct agg_call *c = &g->calls[i];
        if (c->variable < 0)
            continue;
        uint32_t at = g->n_required + (uint32_t)c->variable;
        g->state_types[c->variable] = c->call.state_type;
        if (!column_init(&g->row[at], c->call.state_type, 1, true, a) ||
            !column_init(&g->saved[at], c->call.state_type, 1, true, a))
            return false;
    }
    return true;
}

enum status agg_open(struct agg *g, struct op *op, struct store_options store, struct diag *d)
{
    const struct step *step = op->step;
    *g = (struct agg){.op = op,
                      .input = &step->inputs[0]->schema,
                      .n_calls = step->aggregate.n_calls,
                      .n_required = step->aggregate.n_required,
                      .required = step->aggregate.required};
    arena_init(&g->scratch, 0);
    buf_init(&g->bytes, 0);
    g->out = (struct row_builder){
        .op = op, .schema = &step->schema, .is_table = true, .windowed = step->aggregate.window.kind != WINDOW_NONE};
    g->calls = ARENA_ARRAY(&op->task->arena, struct agg_call, g->n_calls);
    if (!g->calls)
        return diag_nomem(d);
    for (uint32_t i = 0; i < g->n_calls; i++) {
        enum status st = open_call(g, &g->calls[i], &step->aggregate.calls[i], d);
        if (st != STATUS_OK)
            return st;
    }
    if (!make_rooms(g, step))
        return diag_nomem(d);
    store.name = step->aggregate.store;
    store.fixed_size = g->fixed_size;
    return op_store(op, store, d);
}

void agg_close(struct agg *g)
{
    rows_drop(&g->out);
    arena_free(&g->scratch);
    buf_free(&g->bytes);
}

/* ---- one group's state ----------------------------------------------------------------------------------- */

static void *state_of(struct agg *g, const struct agg_call *c, char *fixed)
{
    return c->variable < 0 ? (void *)(fixed + c->at) : (void *)&g->states[c->variable];
}

void agg_init(struct agg *g, char *fixed)
{
    if (g->n_variable)
        arena_clear(&g->scratch);
    for (uint32_t i = 0; i < g->n_calls; i++)
        g->calls[i].call.ops->init(&g->calls[i].call, state_of(g, &g->calls[i], fixed));
}

static enum status unreadable(struct agg *g, struct diag *d)
{
    return diag_set(d, STATUS_RUNTIME, "A row of %s cannot be read", store_name(g->op->store));
}

/* The variable part into the saved columns; texts are copied, for the entry is about to change. */
static enum status read_saved(struct agg *g, struct str var, struct arena *a, struct diag *d)
{
    struct str copy = str_dup(a, var);
    if (a->failed)
        return diag_nomem(d);
    struct row_cursor c = row_cursor(copy);
    if (row_get_columns(&c, g->saved, g->n_required + g->n_variable, 0, a))
        return STATUS_OK;
    return a->failed ? diag_nomem(d) : unreadable(g, d);
}

enum status agg_load(struct agg *g, struct str var, struct diag *d)
{
    if (!g->n_variable)
        return STATUS_OK;
    arena_clear(&g->scratch);
    enum status st = read_saved(g, var, &g->scratch, d);
    for (uint32_t i = 0; st == STATUS_OK && i < g->n_variable; i++)
        g->states[i] = column_get(&g->saved[g->n_required + i], 0);
    return st;
}

static enum status failed(struct agg *g, const struct agg_call *c, struct diag *d)
{
    if (g->scratch.failed || (g->out.b && g->out.b->arena.failed))
        return diag_nomem(d);
    return diag_set(d, STATUS_RUNTIME, "%s", c->call.error);
}

enum status agg_step(struct agg *g, char *fixed, const struct column *cells, uint32_t row, bool undo, struct diag *d)
{
    if (g->scratch.failed) /* states could not be made */
        return diag_nomem(d);
    for (uint32_t i = 0; i < g->n_calls; i++) {
        struct agg_call *c = &g->calls[i];
        for (uint32_t arg = 0; arg < c->n_args; arg++)
            g->args[arg] = column_get(&cells[c->args[arg]], row);
        const struct aggregate *ops = c->call.ops;
        c->call.seq = g->seq;
        bool ok = undo ? ops->undo && ops->undo(&c->call, state_of(g, c, fixed), g->args)
                       : ops->step(&c->call, state_of(g, c, fixed), g->args);
        if (!ok)
            return failed(g, c, d);
    }
    return STATUS_OK;
}

enum status agg_merge(struct agg *g, char *fixed, const char *other, struct str other_var, struct diag *d)
{
    if (g->n_variable) {
        enum status st = read_saved(g, other_var, &g->scratch, d);
        if (st != STATUS_OK)
            return st;
    }
    for (uint32_t i = 0; i < g->n_calls; i++) {
        struct agg_call *c = &g->calls[i];
        struct value theirs = VALUE_NULL;
        if (c->variable >= 0)
            theirs = column_get(&g->saved[g->n_required + (uint32_t)c->variable], 0);
        const void *from = c->variable < 0 ? (const void *)(other + c->at) : (const void *)&theirs;
        if (!c->call.ops->merge(&c->call, state_of(g, c, fixed), from))
            return failed(g, c, d);
    }
    return STATUS_OK;
}

enum status agg_save(struct agg *g, struct entry *e, const struct column *cells, uint32_t row, struct diag *d)
{
    if (g->n_required + g->n_variable == 0)
        return STATUS_OK;
    g->bytes.len = 0;
    if (g->n_variable == 0) {
        for (uint32_t i = 0; i < g->n_required; i++)
            g->row[i] = cells[g->required[i]];
        row_put_columns(&g->bytes, g->row, g->n_required, row);
    } else {
        for (uint32_t i = 0; i < g->n_required; i++) {
            struct value v = column_get(&cells[g->required[i]], row);
            column_set(&g->saved[i], 0, &v);
            g->row[i] = g->saved[i];
        }
        for (uint32_t i = 0; i < g->n_variable; i++)
            column_set(&g->row[g->n_required + i], 0, &g->states[i]);
        row_put_columns(&g->bytes, g->row, g->n_required + g->n_variable, 0);
    }
    if (g->bytes.failed || !store_set_var(g->op->store, e, g->bytes.p, (uint32_t)g->bytes.len))
        return diag_nomem(d);
    return STATUS_OK;
}

enum status agg_update(struct agg *g, struct entry *e, bool created, const struct batch *b, uint32_t row,
                       struct diag *d)
{
    enum status st = STATUS_OK;
    if (created)
        agg_init(g, e->fixed);
    else
        TRY(agg_load(g, str_make(e->var, e->var_len), d));
    TRY(agg_step(g, e->fixed, b->columns, row, false, d));
    TRY(agg_save(g, e, b->columns, row, d));
    if (created || b->ts[row] > e->ts)
        e->ts = b->ts[row];
done:
    return st;
}

/* ---- results -------------------------------------------------------------------------------------------- */

static void drop_batch(void *b)
{
    batch_drop(b);
}

enum status agg_room(struct agg *g, uint32_t expected, struct batch *in, struct diag *d)
{
    if (rows_full(&g->out)) {
        enum status st = rows_emit(&g->out, d);
        if (st != STATUS_OK)
            return st;
    }
    if (g->out.b)
        return STATUS_OK;
    if (!rows_begin(&g->out, expected) || (in && !batch_own(g->out.b, batch_keep(in), drop_batch)))
        return diag_nomem(d);
    return STATUS_OK;
}

enum status agg_results(struct agg *g, const char *fixed, struct batch *b, uint32_t row, struct diag *d)
{
    struct column *columns = b->columns + g->out.schema->n_keys + g->n_required;
    struct arena *to = &g->out.b->arena;
    for (uint32_t i = 0; i < g->n_calls; i++) {
        struct agg_call *c = &g->calls[i];
        struct value v = VALUE_NULL, copy;
        c->call.arena = c->variable < 0 ? to : &g->scratch;
        bool ok = c->call.ops->result(&c->call, state_of(g, c, (char *)(uintptr_t)fixed), &v);
        c->call.arena = &g->scratch;
        if (!ok)
            return failed(g, c, d);
        /* Texts may lie in the state, which changes. */
        bool plain = v.kind < KIND_STRING && v.kind != KIND_DECIMAL;
        if (!plain && !value_copy(to, &copy, &v))
            return diag_nomem(d);
        column_set(&columns[i], row, plain ? &v : &copy);
    }
    return STATUS_OK;
}

void agg_copy_row(struct agg *g, struct batch *b, uint32_t row, const struct column *cells, uint32_t from)
{
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
        enum status st = read_saved(g, var, to, d);
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

enum status agg_before(struct agg *g, uint32_t row, const struct column *cells, uint32_t from, const char *fixed,
                       struct str var, int64_t ts, struct diag *d)
{
    struct batch *before = g->out.b->before;
    for (uint32_t c = 0; c < g->out.schema->n_keys; c++) {
        struct value v = column_get(&cells[c], from);
        column_set(&before->columns[c], row, &v);
    }
    g->out.has_before[row] = 1;
    g->out.before_ts[row] = ts;
    return put_stored(g, before, row, fixed, var, d);
}

static void no_before(struct agg *g, uint32_t row)
{
    struct batch *before = g->out.b->before;
    for (uint32_t c = 0; c < before->n_columns; c++)
        column_set_null(&before->columns[c], row);
}

enum status agg_begin(struct agg *g, uint32_t expected, struct batch *b, uint32_t row, const struct entry *before,
                      struct diag *d)
{
    enum status st = agg_room(g, expected, b, d);
    if (st != STATUS_OK || !g->op->emits_before)
        return st;
    if (before)
        return agg_before(g, g->out.n, b->columns, row, before->fixed, str_make(before->var, before->var_len),
                          before->ts, d);
    no_before(g, g->out.n);
    return STATUS_OK;
}

enum status agg_add(struct agg *g, const struct batch *b, const struct column *cells, uint32_t row, int64_t ts,
                    const char *fixed, uint32_t *at, struct diag *d)
{
    *at = rows_add(&g->out, ts);
    agg_copy_row(g, g->out.b, *at, cells, row);
    if (b->headers && b->headers[row]) {
        g->out.headers[*at] = b->headers[row];
        g->out.any_headers = true;
    }
    return agg_results(g, fixed, g->out.b, *at, d);
}

static void null_values(struct agg *g, struct batch *b, uint32_t row)
{
    for (uint32_t c = g->out.schema->n_keys; c < b->n_columns; c++)
        column_set_null(&b->columns[c], row);
}

static enum status stored_before(struct agg *g, const struct agg_stored *x, struct str key, uint32_t row,
                                 struct diag *d)
{
    struct batch *before = g->out.b->before;
    if (!x->old_fixed) {
        no_before(g, row);
        return STATUS_OK;
    }
    if (!key_decode(key, g->out.schema->n_keys, before->columns, row, &g->out.b->arena))
        return unreadable(g, d);
    g->out.has_before[row] = 1;
    g->out.before_ts[row] = x->old_ts;
    return put_stored(g, before, row, x->old_fixed, x->old_var, d);
}

enum status agg_add_stored(struct agg *g, const struct agg_stored *x, uint32_t expected, const struct headers *headers,
                           struct diag *d)
{
    enum status st = agg_room(g, expected, NULL, d);
    if (st != STATUS_OK)
        return st;
    struct batch *b = g->out.b;
    uint32_t row = rows_add(&g->out, x->ts);
    struct str key = str_dup(&b->arena, x->key);
    if (b->arena.failed)
        return diag_nomem(d);
    if (!key_decode(key, g->out.schema->n_keys, b->columns, row, &b->arena))
        return unreadable(g, d);
    if (g->out.windowed) {
        g->out.start[row] = x->start;
        g->out.end[row] = x->end;
    }
    if (headers) {
        g->out.headers[row] = headers;
        g->out.any_headers = true;
    }
    if (b->before) {
        st = stored_before(g, x, key, row, d);
        if (st != STATUS_OK)
            return st;
    }
    if (!x->dead)
        return put_stored(g, b, row, x->fixed, x->var, d);
    g->out.kinds[row] = ROW_DELETE;
    null_values(g, b, row);
    return STATUS_OK;
}

enum status agg_emit(struct agg *g, struct diag *d)
{
    return rows_emit(&g->out, d);
}

static enum status emit_changes(struct agg *g, int64_t window_size, struct diag *d)
{
    const struct store *s = g->op->store;
    uint32_t n = store_changes(s);
    for (uint32_t i = 0; i < n; i++) {
        const struct change *c = store_change(s, i);
        if (!change_counts(c))
            continue;
        struct agg_stored x = {.key = entry_key(c->entry),
                               .start = c->start,
                               .end = window_size ? c->start + window_size : c->end,
                               .ts = c->entry->ts,
                               .dead = (c->entry->flags & ENTRY_DEAD) != 0,
                               .fixed = c->entry->fixed,
                               .var = str_make(c->entry->var, c->entry->var_len),
                               .old_fixed = c->old_fixed,
                               .old_var = str_make(c->old_var, c->old_var_len),
                               .old_ts = c->old_ts};
        enum status st = agg_add_stored(g, &x, n - i, NULL, d);
        if (st != STATUS_OK)
            return st;
    }
    return agg_emit(g, d);
}

enum status agg_flush(struct agg *g, int64_t window_size, bool emit, struct diag *d)
{
    enum status st = emit ? emit_changes(g, window_size, d) : STATUS_OK;
    return st == STATUS_OK ? op_flush_store(g->op, d) : st;
}
