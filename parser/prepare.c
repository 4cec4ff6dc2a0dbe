/* What is checked when a statement's turn has come: the mistake that the builder found in it, and that every qualified
 * name names a source of its statement. Whether sources and columns exist is the planner's business. */
#include "parser/parser_int.h"

static bool is_source(struct str name, const struct ast_source *s)
{
    return str_eq(name, s->name.text) || (s->alias.text.p && str_eq(name, s->alias.text));
}

static bool is_known(const struct ast_query *q, struct str name)
{
    if (!q)
        return false;
    if (is_source(name, &q->from))
        return true;
    for (uint32_t i = 0; i < q->n_joins; i++) {
        if (is_source(name, &q->joins[i].source))
            return true;
    }
    return false;
}

static enum status unknown(struct diag *d, struct span where, struct str name)
{
    return diag_set_at(d, STATUS_STATEMENT, where,
                       "Failed to prepare statement: '" STR_FMT "' is not a valid stream/table name or alias.",
                       STR_ARG(name));
}

/* `q` NULL: there are no sources. `e` may be NULL. */
static enum status check_expr(const struct ast_query *q, const struct ast_expr *e, struct diag *d)
{
    enum status st = STATUS_OK;
    if (!e)
        return STATUS_OK;
    if (e->kind == AST_COLUMN && e->source.len && !is_known(q, e->source))
        return unknown(d, e->span, e->source);
    for (uint32_t i = 0; i < e->n_args; i++)
        TRY(check_expr(q, e->args[i], d));
done:
    return st;
}

static enum status check_exprs(const struct ast_query *q, const struct ast_expr *const *exprs, uint32_t n,
                               struct diag *d)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < n; i++)
        TRY(check_expr(q, exprs[i], d));
done:
    return st;
}

static enum status check_query(const struct ast_query *q, struct diag *d)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < q->n_joins; i++)
        TRY(check_expr(q, q->joins[i].on, d));
    for (uint32_t i = 0; i < q->n_items; i++) {
        const struct ast_item *item = &q->items[i];
        if (item->kind == ITEM_SOURCE_STAR && !is_known(q, item->source.text))
            TRY(unknown(d, item->span, item->source.text));
        TRY(check_expr(q, item->expr, d));
    }
    TRY(check_expr(q, q->where, d));
    TRY(check_exprs(q, q->group_by.exprs, q->group_by.n, d));
    TRY(check_exprs(q, q->partition_by.exprs, q->partition_by.n, d));
    TRY(check_expr(q, q->having, d));
done:
    return st;
}

static enum status check_statement(const struct ast_stmt *s, struct diag *d)
{
    switch (s->kind) {
    case STMT_QUERY:
        return check_query(((const struct ast_stmt_query *)s)->query, d);
    case STMT_CREATE_AS:
        return check_query(((const struct ast_create_as *)s)->query, d);
    case STMT_INSERT_SELECT:
        return check_query(((const struct ast_insert_select *)s)->query, d);
    case STMT_INSERT_VALUES:
    case STMT_ASSERT_VALUES:
    case STMT_ASSERT_NULL_VALUES: {
        const struct ast_insert_values *v = (const struct ast_insert_values *)s;
        return check_exprs(NULL, v->values, v->n_values, d);
    }
    case STMT_EXPLAIN: {
        const struct ast_explain *e = (const struct ast_explain *)s;
        return e->statement ? check_statement(e->statement, d) : STATUS_OK;
    }
    default:
        return STATUS_OK;
    }
}

enum status parser_prepare(const struct ast_stmt *s, struct diag *d)
{
    if (!s->mistake)
        return check_statement(s, d);
    if (d && d->code == STATUS_OK)
        *d = *s->mistake;
    return s->mistake->code;
}
