/* Finding the catalog and the queries again, and following what other servers record: every recorded statement is planned and
 * applied once more, in order. Nothing is started, created, deleted or recorded meanwhile; the queries that are left at the end are
 * started then. A query that runs here already is stopped, paused and replaced as if the statement were our own. */
#include "engine/engine_int.h"

#define FOLLOW_EVERY_NS INT64_C(50000000)
#define RETRY_NS INT64_C(1000000000)

static enum status run_recorded(struct session *s, const struct command *c, struct arena *a, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct ast_stmt *statement;
    session_clear_properties(s); /* only those of then count */
    for (uint32_t i = 0; i < c->n_properties; i++)
        TRY(session_set(s, c->names[i], c->values[i], d));
    s->written = c->written;
    TRY(parser_statement(a, c->statement, NULL, &statement, d));
    TRY(parser_prepare(statement, d));
    st = statement_carry_out(s, statement, false, NULL, d);
done:
    return st;
}

bool is_refusal(enum status st)
{
    return st == STATUS_PARSE || st == STATUS_STATEMENT || st == STATUS_INVALID || st == STATUS_UNSUPPORTED ||
           st == STATUS_NOT_FOUND;
}

bool is_passing(enum status st)
{
    return st == STATUS_IO || st == STATUS_TIMEOUT;
}

/* A statement that is refused now (its topic was deleted behind our back, say) is left out, and the operator told: what
 * does not need it goes on. */
static enum status replay_one(struct engine *e, const struct command *c, struct diag *d)
{
    enum status st = STATUS_OK;
    struct session *s = NULL;
    struct arena a;
    struct diag own = DIAG_INIT;
    arena_init(&a, 0);
    TRY(session_create(e, &s, d));
    int64_t next = c->query_number < e->next_query_number ? e->next_query_number : c->query_number + 1;
    e->next_query_number = c->query_number;
    st = run_recorded(s, c, &a, &own);
    e->next_query_number = next; /* the same on every server, as it follows from the records alone */
    if (is_refusal(st)) {
        engine_notice(e, "a recorded statement is left out: %s\nStatement: " STR_FMT, own.message,
                      STR_ARG(c->statement));
        st = STATUS_OK;
    } else if (st != STATUS_OK && d) {
        *d = own;
        diag_context(d, c->statement.p, c->statement.len);
    }
done:
    session_destroy(s);
    arena_free(&a);
    return st;
}

static enum status apply(struct engine *e, bool to_end, bool *news, struct diag *d)
{
    e->replaying = true;
    enum status st = commands_read(e, to_end, replay_one, news, d);
    e->replaying = false;
    enum status started = queries_start(e, st == STATUS_OK ? d : NULL);
    return st == STATUS_OK ? started : st;
}

enum status engine_catch_up(struct engine *e, bool *news, struct diag *d)
{
    return apply(e, true, news, d);
}

bool engine_follow(struct engine *e, bool now)
{
    bool news = false;
    struct diag own = DIAG_INIT;
    int64_t ns = clock_mono_ns();
    if (ns < e->retry_ns || (!now && ns - e->followed_ns < FOLLOW_EVERY_NS))
        return false;
    e->followed_ns = ns;
    if (apply(e, false, &news, &own) == STATUS_OK) {
        e->following_fails = false;
        return news;
    }
    e->retry_ns = clock_mono_ns() + RETRY_NS;
    if (!e->following_fails)
        engine_notice(e, "cannot follow what other servers record, and will try again: %s", own.message);
    e->following_fails = true;
    return news;
}
