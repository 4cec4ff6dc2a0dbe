/* GROUP BY with a SESSION window. A row joins all sessions of its key that it touches into one; the joined ones are
 * removed (a tombstone each), unless the row falls on a session of a single point. Late is judged by the end of the
 * joined session. */
#include "exec/op/windowed.h"

struct sessions {
    struct windowed w;
    char *fixed; /* the joined state */
};

static enum status session_open(struct op *op, struct diag *d)
{
    struct sessions *x = ARENA_NEW(&op->task->arena, struct sessions);
    enum status st = windowed_open(x ? &x->w : NULL, op, d);
    if (st != STATUS_OK)
        return st;
    x->fixed = arena_zalloc(&op->task->arena, x->w.agg.fixed_size);
    return x->fixed ? STATUS_OK : diag_nomem(d);
}

/* The session that a row makes. */
struct joined {
    const struct agg_row *r;
    struct session **found;
    uint32_t n_found;
    int64_t start, end;
};

/* Headers do not go with results of rows: Kafka Streams has them not either. */
static uint32_t add_result(struct agg *g, const struct agg_row *r, int64_t start, int64_t end)
{
    uint32_t at = rows_add(&g->out, end);
    agg_copy_row(g, at, r->b->columns, r->row);
    g->out.start[at] = start;
    g->out.end[at] = end;
    return at;
}

static enum status emit_removed(struct agg *g, const struct agg_row *r, const struct session *s, struct diag *d)
{
    enum status st = agg_room(g, r->b, d);
    if (st != STATUS_OK)
        return st;
    uint32_t at = add_result(g, r, s->start, s->end);
    agg_remove(g, at);
    return g->op->emits_before ? agg_before(g, at, r, &s->entry, d) : STATUS_OK;
}

/* The state before the row: that of a one-point session that the row falls on is the only one that is not removed. */
static enum status begin_result(struct agg *g, const struct joined *j, struct diag *d)
{
    return agg_begin(g, j->r, j->n_found && j->start == j->end ? &j->found[0]->entry : NULL, d);
}

static enum status join_found(struct sessions *x, const struct joined *j, struct diag *d)
{
    agg_init(&x->w.agg, x->fixed);
    for (uint32_t i = 0; i < j->n_found; i++) {
        const struct entry *e = &j->found[i]->entry;
        enum status st = agg_merge(&x->w.agg, x->fixed, e->fixed, str_make(e->var, e->var_len), d);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

static enum status remove_found(struct agg *g, const struct joined *j, struct diag *d)
{
    for (uint32_t i = 0; i < j->n_found; i++)
        if (!store_remove_session(g->op->store, j->found[i]))
            return diag_nomem(d);
    return STATUS_OK;
}

static enum status put_session(struct sessions *x, const struct joined *j, struct diag *d)
{
    struct agg *g = &x->w.agg;
    bool created;
    struct session *s = store_put_session(g->op->store, j->r->key, j->r->hash, j->start, j->end, &created);
    if (!s)
        return diag_nomem(d);
    memcpy(s->entry.fixed, x->fixed, g->fixed_size);
    s->entry.ts = j->end;
    return agg_save(g, &s->entry, j->r->now, j->r->row, d);
}

static enum status find_sessions(struct windowed *w, struct joined *j, struct diag *d)
{
    int64_t gap = w->spec.size, ts = j->r->b->ts[j->r->row];
    arena_clear(&w->scratch);
    if (store_sessions(w->agg.op->store, j->r->key, j->r->hash, ts < INT64_MIN + gap ? INT64_MIN : ts - gap,
                       ts > INT64_MAX - gap ? INT64_MAX : ts + gap, &w->scratch, &j->found, &j->n_found) != STATUS_OK)
        return diag_nomem(d);
    j->start = j->end = ts;
    for (uint32_t i = 0; i < j->n_found; i++) {
        if (j->found[i]->start < j->start)
            j->start = j->found[i]->start;
        if (j->found[i]->end > j->end)
            j->end = j->found[i]->end;
    }
    return STATUS_OK;
}

/* The states of found sessions are needed until they are removed, the joined one from then on: the variable states live
 * in the kernel, so tombstones go out before the joining. */
static enum status add_row(struct windowed *w, const struct agg_row *r, int64_t observed, struct diag *d)
{
    struct sessions *x = (struct sessions *)w;
    struct agg *g = &w->agg;
    struct joined j = {.r = r};
    enum status st = STATUS_OK;
    g->seq = ++store_marks(g->op->store)->seq;
    TRY(find_sessions(w, &j, d));
    if (j.end < observed - w->spec.grace - w->spec.size)
        return st; /* too late */
    bool removes = j.n_found && j.start != j.end;
    for (uint32_t i = 0; removes && g->emit && i < j.n_found; i++)
        TRY(emit_removed(g, r, j.found[i], d));
    if (g->emit)
        TRY(begin_result(g, &j, d));
    TRY(join_found(x, &j, d));
    if (removes)
        TRY(remove_found(g, &j, d));
    TRY(agg_step(g, x->fixed, r->now, r->row, false, d));
    TRY(put_session(x, &j, d));
    if (g->emit)
        TRY(agg_results(g, x->fixed, g->out.b, add_result(g, r, j.start, j.end), d));
done:
    return st;
}

static void prefetch(struct windowed *w, int64_t ts, uint64_t hash)
{
    (void)ts;
    store_prefetch(store_table(w->agg.op->store), hash);
}

static const struct windowed_rows rows = {add_row, prefetch};

static enum status session_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    (void)port;
    return windowed_push(op, b, &rows, 2, d);
}

const struct op_def op_session_aggregate = {
    .name = "session aggregate",
    .before = BEFORE_UNUSED,
    .open = session_open,
    .push = session_push,
    .flush = agg_flush,
    .close = windowed_close,
};
