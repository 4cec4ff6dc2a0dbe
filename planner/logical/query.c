/* From the analysed query to relational algebra: source, WHERE, PARTITION BY, table functions, aggregation, projection,
 * in the order in which ksqlDB types them. Joins (join.c) take the place of the source. */
#include "planner/logical/logical.h"

static const struct logical *logical_filter(struct planner *p, const struct query *q, const struct logical *input)
{
    struct binder b;
    binder_init(&b, p, &input->schema);
    b.magic_time = true;
    b.joined = q->n_joins ? q : NULL;
    const struct ast_expr *plain = query_plain(p, q, q->where);
    const struct expr *predicate = plain ? bind_predicate(&b, plain, "WHERE") : NULL;
    struct logical *node = predicate ? logical_new(p, LOGICAL_FILTER, "WhereFilter", input) : NULL;
    if (node)
        node->filter.predicate = predicate;
    return node;
}

/* The key columns of a plain source, as the projection must name them. */
static enum status source_keys(struct planner *p, const struct query *q, const struct schema *schema,
                               struct projection *proj)
{
    const struct ast_expr **keys = PLAN_ARRAY(p, const struct ast_expr *, schema->n_keys);
    struct str *texts = PLAN_ARRAY(p, struct str, schema->n_keys);
    for (uint32_t i = 0; i < schema->n_keys; i++) {
        if (!keys || !texts || !(keys[i] = ast_column(p, q->sources[0].alias, schema->columns[i].name, q->ast->span)))
            return STATUS_NOMEM;
        texts[i] = schema->columns[i].name;
    }
    proj->rule = KEYS_ALL;
    proj->n_keys = proj->n_key_texts = schema->n_keys;
    proj->keys = keys;
    proj->key_texts = texts;
    proj->key_kind = "key column";
    return STATUS_OK;
}

/* The items in plain form: names as the input's schema has them. */
static enum status plain_items(struct planner *p, const struct query *q, struct projection *proj)
{
    const struct ast_expr **plain = PLAN_ARRAY(p, const struct ast_expr *, q->n_items);
    const struct ast_expr **shown = PLAN_ARRAY(p, const struct ast_expr *, q->n_items);
    for (uint32_t i = 0; i < q->n_items; i++) {
        if (!plain || !shown || !(plain[i] = query_plain(p, q, q->items[i].expr)))
            return p->d->code;
        shown[i] = plain[i];
    }
    proj->plain = plain;
    proj->shown = shown;
    return STATUS_OK;
}

static bool is_aggregation(const struct query *q)
{
    if (q->n_group_by || (q->having && ast_has_aggregate(q->having)))
        return true;
    for (uint32_t i = 0; i < q->n_items; i++)
        if (q->items[i].expr && ast_has_aggregate(q->items[i].expr))
            return true;
    return false;
}

static const struct logical *from_where_partition(struct planner *p, struct query *q, struct projection *proj)
{
    const struct logical *node =
        q->n_joins ? logical_joins(p, q, proj) : logical_source(p, q->sources[0].source, "KsqlTopic");
    if (node && q->where)
        node = logical_filter(p, q, node);
    if (!node || (q->n_joins == 0 && source_keys(p, q, &node->schema, proj) != STATUS_OK))
        return NULL;
    return ast_keys_given(&q->ast->partition_by) ? logical_rekey(p, q, node, proj) : node;
}

static enum status check_window(struct planner *p, const struct query *q, bool aggregates)
{
    if (q->window && !aggregates)
        return plan_error_placed(p, q->window->span, "WINDOW clause requires a GROUP BY clause.");
    if (q->is_final && !(q->window && aggregates))
        return plan_error(p, q->ast->span, "EMIT FINAL is only supported for windowed aggregations.");
    return STATUS_OK;
}

enum status query_to_logical(struct planner *p, struct query *q, struct logical_query *out)
{
    struct projection proj = {.context = "Project"};
    const struct logical *node = from_where_partition(p, q, &proj);
    if (!node)
        return p->d->code;
    enum status st = query_expand_stars(p, q, &node->schema);
    if (st == STATUS_OK)
        st = plain_items(p, q, &proj);
    if (st != STATUS_OK)
        return st;
    bool aggregates = is_aggregation(q);
    if (!aggregates && (st = check_window(p, q, false)) != STATUS_OK)
        return st;
    node = aggregates ? logical_aggregate(p, q, node, &proj) : logical_flat_map(p, q, node, &proj);
    if (node && aggregates && check_window(p, q, true) != STATUS_OK)
        return p->d->code;
    if (node)
        node = logical_project(p, q, node, &proj, out);
    if (!node)
        return p->d->code;
    out->root = node;
    out->is_table = node->changelog != CHANGELOG_APPEND;
    return STATUS_OK;
}
