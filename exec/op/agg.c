/* The kernel of aggregations, the state of a group: see agg.h. Results are in agg_out.c. */
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
    const struct window_spec *window = &step->aggregate.window;
    *g = (struct agg){.op = op,
                      .emit = !op_coalesces(op) && !window->emit_final,
                      .window_size = window->kind == WINDOW_SESSION ? 0 : window->size,
                      .input = &step->inputs[0]->schema,
                      .n_calls = step->aggregate.n_calls,
                      .n_required = step->aggregate.n_required,
                      .required = step->aggregate.required};
    arena_init(&g->scratch, 0);
    buf_init(&g->bytes, 0);
    g->out = (struct row_builder){
        .op = op, .schema = &step->schema, .is_table = true, .windowed = window->kind != WINDOW_NONE};
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

enum status agg_unreadable(struct agg *g, struct diag *d)
{
    return diag_set(d, STATUS_RUNTIME, "A row of %s cannot be read", store_name(g->op->store));
}

enum status agg_read(struct agg *g, struct str var, struct arena *a, struct diag *d)
{
    struct str copy = str_dup(a, var);
    if (a->failed)
        return diag_nomem(d);
    struct row_cursor c = row_cursor(copy);
    if (row_get_columns(&c, g->saved, g->n_required + g->n_variable, 0, a))
        return STATUS_OK;
    return a->failed ? diag_nomem(d) : agg_unreadable(g, d);
}

static enum status load(struct agg *g, struct str var, struct diag *d)
{
    if (!g->n_variable)
        return STATUS_OK;
    arena_clear(&g->scratch);
    enum status st = agg_read(g, var, &g->scratch, d);
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
        enum status st = agg_read(g, other_var, &g->scratch, d);
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

enum status agg_apply(struct agg *g, struct table *t, int64_t start, const struct agg_row *r, struct diag *d)
{
    struct store *s = g->op->store;
    const struct column *cells = r->now ? r->now : r->old;
    int64_t ts = r->b->ts[r->row];
    enum status st = STATUS_OK;
    bool created;
    struct entry *e = store_put(s, t, start, r->key, r->hash, &created);
    if (!e || !store_touch(s, t, start, e, !created))
        return diag_nomem(d);
    if (g->emit)
        TRY(agg_begin(g, r, created ? NULL : e, d));
    if (created)
        agg_init(g, e->fixed);
    else
        TRY(load(g, str_make(e->var, e->var_len), d));
    if (r->old && !created)
        TRY(agg_step(g, e->fixed, r->old, r->row, true, d));
    if (r->now)
        TRY(agg_step(g, e->fixed, r->now, r->row, false, d));
    TRY(agg_save(g, e, cells, r->row, d));
    if (created || ts > e->ts)
        e->ts = ts;
    if (g->emit)
        TRY(agg_add(g, r, cells, start, e, d));
done:
    return st;
}
