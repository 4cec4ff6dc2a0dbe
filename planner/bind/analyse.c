/* The rules of a query that need no types, in the order in which ksqlDB finds them (rules.md 5.1): reserved names and
 * table functions in SELECT, unknown columns, formats that cannot be grouped, push and pull rules. */
#include "planner/planner_int.h"

/* ---- SELECT items ---------------------------------------------------------------------------------------------------
 */

static enum status check_item_name(struct planner *p, const struct query *q, const struct query_item *item)
{
    if (item->kind != ITEM_EXPR || !is_pseudo_name(item->name))
        return STATUS_OK;
    bool renamed = item->is_aliased && !(item->expr->kind == AST_COLUMN && str_eq(item->expr->text, item->name));
    if (renamed)
        return plan_error(p, item->span,
                          "`" STR_FMT "` is a reserved column name. You cannot use it as an alias for a column.",
                          STR_ARG(item->name));
    if (q->purpose == PURPOSE_PERSISTENT)
        return plan_error(p, item->span,
                          "Reserved column name in select: `" STR_FMT "`. Please remove or alias the column.",
                          STR_ARG(item->name));
    return STATUS_OK;
}

struct table_function_check {
    struct planner *p;
    const struct ast_expr *outer; /* the table function or CASE around */
    bool found;
    enum status st;
};

static void check_table_functions(struct table_function_check *c, const struct ast_expr *e)
{
    const struct ast_expr *outer = c->outer;
    if (c->st != STATUS_OK)
        return;
    if (ast_is_table_function(e)) {
        c->found = true;
        struct str text = outer ? ast_expr_text(c->p->a, outer) : STR("");
        if (outer && outer->kind == AST_CASE)
            c->st = plan_error(c->p, e->span, "Table functions cannot be used in CASE: " STR_FMT, STR_ARG(text));
        else if (outer)
            c->st = plan_error(c->p, e->span, "Table functions cannot be nested: " STR_FMT, STR_ARG(text));
    }
    if (ast_is_table_function(e) || e->kind == AST_CASE)
        c->outer = e;
    for (uint32_t i = 0; i < e->n_args; i++)
        check_table_functions(c, e->args[i]);
    c->outer = outer;
}

static enum status check_items(struct planner *p, const struct query *q, bool *has_table_functions)
{
    struct table_function_check c = {.p = p};
    bool has_aggregates = false;
    for (uint32_t i = 0; i < q->n_items; i++) {
        enum status st = check_item_name(p, q, &q->items[i]);
        if (st != STATUS_OK)
            return st;
        if (!q->items[i].expr)
            continue;
        has_aggregates = has_aggregates || ast_has_aggregate(q->items[i].expr);
        check_table_functions(&c, q->items[i].expr);
        if (c.st == STATUS_OK && c.found && (has_aggregates || q->n_group_by))
            c.st = plan_error(p, q->items[i].span, "Table functions cannot be used with aggregations.");
        if (c.st != STATUS_OK)
            return c.st;
    }
    *has_table_functions = c.found;
    return STATUS_OK;
}

/* ---- unknown columns ---- */

struct column_check {
    struct planner *p;
    const struct query *q;
    const char *clause;
    enum status st;
};

static bool is_known(const struct query *q, const struct ast_expr *e)
{
    for (uint32_t i = 0; i < q->n_sources; i++) {
        const struct schema *schema = &q->sources[i].source->schema;
        if (e->source.len && !str_eq(e->source, q->sources[i].alias))
            continue;
        if (schema_find(schema, e->text) >= 0)
            return true;
        if (is_window_bound(e->text) ? schema->window != WINDOW_NONE : is_pseudo_name(e->text))
            return true;
    }
    /* The bounds of the query's own window. */
    return q->n_sources == 1 && q->window && is_window_bound(e->text);
}

static bool may_be_synthetic_key(const struct column_check *c, const struct ast_expr *e)
{
    return c->q->n_sources > 1 && !c->q->n_group_by && e->source.len == 0 && str_starts(e->text, STR("ROWKEY")) &&
           strcmp(c->clause, "SELECT") == 0;
}

static bool check_column(void *data, const struct ast_expr *e)
{
    struct column_check *c = data;
    if (c->st != STATUS_OK || e->kind != AST_COLUMN || is_known(c->q, e) || may_be_synthetic_key(c, e))
        return c->st == STATUS_OK;
    struct str name = ast_expr_text(c->p->a, e);
    if (strcmp(c->clause, "PARTITION BY") == 0)
        c->st = plan_error_placed(c->p, e->span,
                                  "PARTITION BY column '" STR_FMT "' cannot be resolved. '" STR_FMT
                                  "' must be a column in the source schema since PARTITION BY is applied on the input.",
                                  STR_ARG(name), STR_ARG(name));
    else
        c->st =
            plan_error_placed(c->p, e->span, "%s column '" STR_FMT "' cannot be resolved.", c->clause, STR_ARG(name));
    return false;
}

static enum status check_columns(struct planner *p, const struct query *q, const char *clause,
                                 const struct ast_expr *const *exprs, uint32_t n)
{
    struct column_check c = {p, q, clause, STATUS_OK};
    for (uint32_t i = 0; i < n; i++)
        if (exprs[i])
            ast_walk(exprs[i], check_column, &c);
    return c.st;
}

static enum status check_all_columns(struct planner *p, const struct query *q)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < q->n_joins && st == STATUS_OK; i++)
        st = check_columns(p, q, "JOIN ON", &q->joins[i].on, 1);
    if (st == STATUS_OK)
        st = check_columns(p, q, "WHERE", &q->where, 1);
    if (st == STATUS_OK)
        st = check_columns(p, q, "GROUP BY", q->group_by, q->n_group_by);
    if (st == STATUS_OK)
        st = check_columns(p, q, "PARTITION BY", q->partition_by, q->n_partition_by);
    if (st == STATUS_OK)
        st = check_columns(p, q, "HAVING", &q->having, 1);
    for (uint32_t i = 0; i < q->n_items && st == STATUS_OK; i++)
        st = check_columns(p, q, "SELECT", &q->items[i].expr, 1);
    return st;
}

/* ---- others ---- */

static enum status check_kafka_format(struct planner *p, const struct query *q)
{
    const char *what = q->n_sources > 1 ? "JOIN" : q->n_group_by ? "GROUP BY" : NULL;
    struct str names[16];
    uint32_t n = 0;
    for (uint32_t i = 0; what && i < q->n_sources && n < 16; i++)
        if (q->sources[i].source->formats.value.kind == FORMAT_KAFKA)
            names[n++] = q->sources[i].source->name;
    if (n == 0)
        return STATUS_OK;
    struct buf list;
    buf_init(&list, 0);
    print_list(&list, names, n, ", ");
    enum status st = plan_error(
        p, q->ast->span,
        "Source(s) %s are using the 'KAFKA' value format. This format does not yet support %s.\n"
        "Either use an intermediate query to re-serialize the data in another format, or use another format.",
        buf_z(&list), what);
    buf_free(&list);
    return st;
}

static enum status pull_error(struct planner *p, const struct query *q, const char *what)
{
    return plan_error(p, q->ast->span,
                      "Pull queries don't support %s. See https://cnfl.io/queries for more info.\n"
                      "Add EMIT CHANGES if you intended to issue a push query.",
                      what);
}

struct pull_columns {
    struct planner *p;
    struct buf names;
    bool seen[2];
};

static bool find_disallowed(void *data, const struct ast_expr *e)
{
    struct pull_columns *c = data;
    bool is_offset = str_eq(e->text, STR("ROWOFFSET"));
    if (e->kind != AST_COLUMN || !(is_offset || str_eq(e->text, STR("ROWPARTITION"))) || c->seen[is_offset])
        return true;
    c->seen[is_offset] = true;
    buf_printf(&c->names, "%s`" STR_FMT "`", c->names.len ? ", " : "", STR_ARG(e->text));
    return true;
}

/* Where a record stands in its topic is not known of a table's row. */
static enum status check_pull_columns(struct planner *p, const struct query *q, bool in_where)
{
    struct pull_columns c = {.p = p};
    buf_init(&c.names, 0);
    if (in_where)
        ast_walk(q->where, find_disallowed, &c);
    for (uint32_t i = 0; i < q->n_items && !in_where; i++)
        ast_walk(q->items[i].expr, find_disallowed, &c);
    enum status st = STATUS_OK;
    if (c.names.len)
        st = plan_error(p, q->ast->span,
                        "Pull queries don't support the following columns in %s clauses: %s\n"
                        " See https://cnfl.io/queries for more info.\n"
                        "Add EMIT CHANGES if you intended to issue a push query.",
                        in_where ? "WHERE" : "SELECT", buf_z(&c.names));
    buf_free(&c.names);
    return st;
}

static enum status check_pull(struct planner *p, const struct query *q)
{
    const struct ast_query *ast = q->ast;
    bool has_aggregates = false;
    for (uint32_t i = 0; i < q->n_items; i++)
        has_aggregates = has_aggregates || (q->items[i].expr && ast_has_aggregate(q->items[i].expr));
    const char *clause = q->n_joins                         ? "JOIN clauses"
                         : ast->window                      ? "WINDOW clauses"
                         : q->n_group_by || has_aggregates  ? "GROUP BY clauses"
                         : q->n_partition_by                ? "PARTITION BY clauses"
                         : q->having                        ? "HAVING clauses"
                         : ast->has_limit && ast->limit < 0 ? "negative integers in the LIMIT clause"
                                                            : NULL;
    if (clause)
        return pull_error(p, q, clause);
    if (ast->has_limit && !planner_flag(p, "ksql.query.pull.limit.clause.enabled", true))
        return plan_error(p, q->ast->limit_span,
                          "LIMIT clause in pull queries is currently disabled. You can enable them by setting "
                          "ksql.query.pull.limit.clause.enabled=true. See https://cnfl.io/queries for more info.\n"
                          "Add EMIT CHANGES if you intended to issue a push query.");
    enum status st = check_pull_columns(p, q, false);
    return st == STATUS_OK ? check_pull_columns(p, q, true) : st;
}

static enum status check_windowed_table(struct planner *p, const struct query *q)
{
    for (uint32_t i = 0; i < q->n_sources; i++) {
        const struct source *s = q->sources[i].source;
        if (q->purpose == PURPOSE_PERSISTENT && s->is_table && s->schema.window != WINDOW_NONE)
            return plan_error(p, q->sources[i].span, "KSQL does not support persistent queries on windowed tables.");
    }
    return STATUS_OK;
}

enum status query_analyse(struct planner *p, struct query *q)
{
    bool has_table_functions = false;
    enum status st = query_analyse_joins(p, q);
    if (st == STATUS_OK)
        st = check_items(p, q, &has_table_functions);
    if (st == STATUS_OK)
        st = check_all_columns(p, q);
    if (st == STATUS_OK)
        st = check_kafka_format(p, q);
    if (st == STATUS_OK && q->purpose == PURPOSE_PULL)
        st = check_pull(p, q);
    if (st == STATUS_OK)
        st = check_windowed_table(p, q);
    if (st == STATUS_OK && has_table_functions && q->sources[0].source->is_table)
        st = plan_error(p, q->ast->span, "Table source is not supported with table functions");
    return st;
}
