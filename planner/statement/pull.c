/* Pull queries on tables: which rows, which columns. They need a table that exactly one query keeps. */
#include "planner/planner_int.h"

/* The query whose state is the table: its CREATE AS, or the one of a SOURCE TABLE. */
static const struct catalog_query *keeper_of(const struct catalog *c, const struct source *s)
{
    if (s->created_by)
        return catalog_query(c, str_from(s->created_by));
    MAP_EACH (catalog_queries(c), e) {
        const struct catalog_query *query = e->value;
        if (query->kind == QUERY_SOURCE_TABLE && query->n_sources == 1 && str_eq(query->sources[0], s->name))
            return query;
    }
    return NULL;
}

static enum status bind_where(struct planner *p, const struct query *q, const struct schema *schema,
                              const struct ast_expr *plain, const struct expr **where)
{
    struct binder b;
    binder_init(&b, p, schema);
    b.magic_time = b.is_pull = true;
    enum status st = check_pull_likes(p, q, plain);
    if (st != STATUS_OK)
        return st;
    *where = bind_predicate(&b, plain, "WHERE");
    return *where ? STATUS_OK : p->d->code;
}

static enum status bind_select(struct planner *p, struct query *q, const struct schema *schema,
                               struct planned_pull *pull)
{
    struct binder b;
    binder_init(&b, p, schema);
    b.is_pull = true;
    const struct expr **items = PLAN_ARRAY(p, const struct expr *, q->n_items);
    struct schema_column *columns = PLAN_ARRAY(p, struct schema_column, q->n_items);
    bool *is_key = PLAN_ARRAY(p, bool, q->n_items);
    if (!items || !columns || !is_key)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < q->n_items; i++) {
        const struct ast_expr *plain = query_plain(p, q, q->items[i].expr);
        if (!plain || !(items[i] = bind_item(&b, plain, "expression")))
            return p->d->code;
        columns[i] = (struct schema_column){.name = q->items[i].name, .type = items[i]->type, .role = ROLE_VALUE};
        int key = schema_find(schema, q->items[i].name);
        is_key[i] = (key >= 0 && (uint32_t)key < schema->n_keys) ||
                    (schema->window != WINDOW_NONE && is_window_bound(q->items[i].name));
    }
    pull->n_items = q->n_items;
    pull->items = items;
    pull->is_key = is_key;
    pull->schema = (struct schema){.n_columns = q->n_items, .columns = columns};
    return STATUS_OK;
}

static enum status check_duplicates(struct planner *p, const struct query *q, const struct planned_pull *pull)
{
    for (uint32_t i = 0; i < q->n_items; i++)
        for (uint32_t j = 0; j < i; j++)
            if (str_eq(q->items[i].name, q->items[j].name))
                return plan_error(p, q->items[i].span,
                                  "Duplicate %s columns found in schema: `" STR_FMT "` " STR_FMT "%s",
                                  pull->is_key[i] ? "key" : "value", STR_ARG(q->items[i].name),
                                  STR_ARG(type_text(p, pull->schema.columns[i].type)), pull->is_key[i] ? " KEY" : "");
    return STATUS_OK;
}

static enum status check_stars(struct planner *p, const struct query *q)
{
    for (uint32_t i = 0; i < q->n_items && q->n_items > 1; i++)
        if (q->items[i].kind == ITEM_STAR)
            return plan_error(p, q->items[i].span,
                              "Pull queries only support wildcards in the projects if they are the only expression");
    return STATUS_OK;
}

enum status plan_pull(struct planner *p, struct query *q, struct planned *out)
{
    const struct source *s = q->sources[0].source;
    struct planned_pull *pull = PLAN_NEW(p, struct planned_pull);
    if (!pull)
        return STATUS_NOMEM;
    enum status st = STATUS_OK;
    const struct ast_expr *where = NULL;
    if (q->where && !(where = query_plain(p, q, q->where)))
        return p->d->code;
    TRY(check_stars(p, q));
    if (where)
        TRY(bind_where(p, q, &s->schema, where, &pull->where));
    TRY(query_expand_stars(p, q, &s->schema));
    TRY(bind_select(p, q, &s->schema, pull));
    TRY(check_duplicates(p, q, pull));
    const struct catalog_query *keeper = keeper_of(p->catalog, s);
    if (!keeper)
        TRY(plan_error(p, q->ast->span,
                       "The `" STR_FMT "` table isn't queryable. To derive a queryable table, you can do 'CREATE TABLE "
                       "QUERYABLE_" STR_FMT " AS SELECT * FROM " STR_FMT
                       "'. See https://cnfl.io/queries for more info.\n"
                       "Add EMIT CHANGES if you intended to issue a push query.",
                       STR_ARG(s->name), STR_ARG(s->name), STR_ARG(s->name)));
    TRY(check_pull_where(p, q, where));
    pull->source = s;
    pull->query_id = str_dup(p->a, str_from(keeper->id)).p;
    pull->limit = q->ast->has_limit ? q->ast->limit : -1;
    out->kind = PLANNED_PULL;
    out->pull = pull;
    TRY(pull->query_id ? format_check_registry(p, s->topic, &s->formats) : plan_nomem(p));
done:
    return st;
}
