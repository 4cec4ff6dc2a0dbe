/* The statement that errors show behind "Statement:": as it reads once names are qualified and items named. */
#include "planner/planner_int.h"

static bool echo_items(struct planner *p, const struct query *q, struct ast_query *out)
{
    struct ast_item *items = PLAN_ARRAY(p, struct ast_item, q->n_items);
    for (uint32_t i = 0; items && i < q->n_items; i++) {
        const struct query_item *item = &q->items[i];
        items[i] = (struct ast_item){.kind = item->kind, .span = item->span, .expr = item->expr};
        items[i].source.text = item->source;
        if (item->kind == ITEM_EXPR)
            items[i].alias.text = item->name;
    }
    out->items = items;
    out->n_items = q->n_items;
    return items != NULL;
}

static struct ast_keys echo_keys(const struct ast_keys *written, const struct ast_expr *const *exprs, uint32_t n)
{
    struct ast_keys keys = *written;
    if (n == keys.n)
        keys.exprs = exprs;
    return keys;
}

/* Joins are shown as written: only their names are not qualified. */
static bool echo_query(struct planner *p, const struct query *q, struct ast_query *out)
{
    *out = *q->ast;
    out->from.alias.text = q->sources[0].alias;
    out->where = q->where;
    out->having = q->having;
    out->group_by = echo_keys(&q->ast->group_by, q->group_by, q->n_group_by);
    out->partition_by = echo_keys(&q->ast->partition_by, q->partition_by, q->n_partition_by);
    if (out->emit == EMIT_NONE)
        out->emit = EMIT_CHANGES;
    return echo_items(p, q, out);
}

void echo_create_as(struct planner *p, const struct ast_create_as *ast, const struct query *q)
{
    struct diag *usual = p->d, aside = DIAG_INIT; /* memory may be out: then the statement is shown as written */
    struct ast_query query;
    struct ast_create_as copy = *ast;
    struct buf text;
    p->d = &aside;
    buf_init(&text, 0);
    if (echo_query(p, q, &query)) {
        copy.query = &query;
        ast_format_stmt(&text, &copy.head);
        if (!text.failed)
            diag_context(usual, text.p, text.len);
    }
    buf_free(&text);
    p->d = usual;
}
