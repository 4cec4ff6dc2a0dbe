/* Finding the catalog and the queries again: every recorded statement is planned and applied once more, in order.
 * Nothing is started, created or deleted meanwhile; the queries that are left at the end are started then. */
#include "engine/engine_int.h"

static enum status run_recorded(struct session *s, const struct command *c, struct arena *a, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct ast_stmt *statement;
    session_clear_properties(s); /* only those of then count */
    for (uint32_t i = 0; i < c->n_properties; i++)
        TRY(session_set(s, c->names[i], c->values[i], d));
    TRY(parser_statement(a, c->statement, NULL, &statement, d));
    TRY(parser_prepare(statement, d));
    switch (statement->kind) {
    case STMT_TERMINATE:
    case STMT_PAUSE:
    case STMT_RESUME:
        return control_execute(s, (const struct ast_query_control *)statement, NULL, d);
    default:
        return statement_execute(s, statement, false, NULL, d);
    }
done:
    return st;
}

/* The user's or the world's fault, not a lack of memory or of the log. */
static bool is_refusal(enum status st)
{
    return st == STATUS_PARSE || st == STATUS_STATEMENT || st == STATUS_INVALID || st == STATUS_UNSUPPORTED ||
           st == STATUS_NOT_FOUND;
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
    e->next_query_number = c->query_number;
    st = run_recorded(s, c, &a, &own);
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

enum status engine_replay(struct engine *e, struct diag *d)
{
    e->replaying = true;
    enum status st = commands_read(e, replay_one, d);
    e->replaying = false;
    return st == STATUS_OK ? queries_start(e, d) : st;
}
