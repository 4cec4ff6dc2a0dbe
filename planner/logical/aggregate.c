/* GROUP BY and aggregates. Below the aggregate a select ("Prepare") computes the grouping expressions and the
 * arguments; above it HAVING and the projection see the keys and one column a call. */
#include "planner/logical/aggregate_int.h"

/* ---- arguments ---- */

/* Index among the columns behind the old keys of Prepare. */
static enum status add_arg(struct aggregation *g, const struct ast_expr *ast, const struct expr *bound, uint32_t *at)
{
    for (*at = 0; *at < g->n_args; (*at)++)
        if (ast_expr_eq(g->args[*at], ast) && type_eq(g->arg_exprs[*at]->type, bound->type))
            return STATUS_OK;
    if (g->n_args == sizeof g->args / sizeof *g->args)
        return plan_error(g->p, ast->span, "Too many arguments of aggregate functions in one query");
    g->args[g->n_args] = ast;
    g->arg_exprs[g->n_args++] = bound;
    return STATUS_OK;
}

static enum status take_literal(struct aggregation *g, const struct ast_expr *call, uint32_t i,
                                const struct expr *bound, struct aggregate_item *item)
{
    if (bound->kind == EXPR_CAST && bound->args[0]->kind == EXPR_LITERAL)
        bound = bound->args[0];
    if (bound->kind != EXPR_LITERAL) {
        struct str text = ast_expr_text(g->p->a, call->args[i]);
        return plan_error(g->p, call->args[i]->span,
                          "Parameter %u passed to function " STR_FMT
                          " must be a literal constant, but was expression: '" STR_FMT "'",
                          i + 1, STR_ARG(call->text), STR_ARG(text));
    }
    ((struct value *)(uintptr_t)item->literals)[item->n_literals++] = bound->value;
    return STATUS_OK;
}

/* COUNT(*) and COUNT() count rows: any argument that is never null will do, and a constant travels cheaply. */
static const struct ast_expr *with_default_arg(struct planner *p, const struct ast_expr *call)
{
    struct ast_expr *copy = PLAN_NEW(p, struct ast_expr), *one = PLAN_NEW(p, struct ast_expr);
    const struct ast_expr **args = PLAN_ARRAY(p, const struct ast_expr *, 1);
    if (!copy || !one || !args)
        return NULL;
    *one = (struct ast_expr){.kind = AST_INT, .depth = 1, .span = call->span, .integer = 1};
    args[0] = one;
    *copy = *call;
    copy->star = false;
    copy->n_args = 1;
    copy->args = args;
    return copy;
}

/* ksql.functions.collect_list.limit and the like. */
static int64_t configured_limit(const struct planner *p, const struct function *f)
{
    char name[128];
    struct str value;
    int64_t limit;
    int n = snprintf(name, sizeof name, "ksql.functions.%s.limit", f->name);
    for (int i = 0; i < n && i < (int)sizeof name; i++)
        if (name[i] >= 'A' && name[i] <= 'Z')
            name[i] = (char)(name[i] - 'A' + 'a');
    return planner_property(p, name, &value) && parse_i64(value, &limit) && limit > 0 ? limit : 0;
}

/* What the function itself says about its literals. */
static enum status check_literals(struct planner *p, const struct ast_expr *call, const struct aggregate_item *item)
{
    const struct aggregate *ops = item->call->variant->aggregate;
    const char *problem = ops->check ? ops->check(item->literals, item->n_literals) : NULL;
    if (!problem)
        return STATUS_OK;
    struct str text = ast_expr_text(p->a, call);
    return plan_error(p, call->span, "Failed to create aggregate function: " STR_FMT ": %s", STR_ARG(text), problem);
}

static enum status bind_aggregate(struct aggregation *g, uint32_t at)
{
    struct planner *p = g->p;
    struct binder b;
    binder_init(&b, p, &g->input->schema);
    const struct ast_expr *call = g->calls[at];
    struct aggregate_item *item = &g->items[at];
    if (call->n_args == 0 && !(call = with_default_arg(p, call)))
        return STATUS_NOMEM;
    const struct expr *bound = bind_call_of(&b, call, FUNCTION_AGGREGATE);
    uint32_t *args = bound ? PLAN_ARRAY(p, uint32_t, call->n_args) : NULL;
    item->literals = bound ? PLAN_ARRAY(p, struct value, call->n_args) : NULL;
    if (!args || !item->literals)
        return p->d->code;
    item->call = bound->call;
    item->args = args;
    item->limit = configured_limit(p, bound->call->function);
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < call->n_args && st == STATUS_OK; i++) {
        if (i >= bound->call->n_columns)
            st = take_literal(g, call, i, bound->args[i], item);
        else
            st = add_arg(g, call->args[i], bound->args[i], &args[item->n_args++]);
    }
    return st == STATUS_OK ? check_literals(p, call, item) : st;
}

static enum status check_undo(struct aggregation *g)
{
    struct str names[MAX_AGGREGATES];
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_calls; i++)
        if (!g->items[i].call->variant->aggregate->undo)
            names[n++] = str_from(g->items[i].call->function->name);
    if (n == 0)
        return STATUS_OK;
    struct buf list;
    buf_init(&list, 0);
    print_list(&list, names, n, " and ");
    enum status st = plan_error(g->p, g->q->ast->span,
                                "The aggregation function%s %s cannot be applied to a table source, only to a stream "
                                "source.",
                                n > 1 ? "s" : "", buf_z(&list));
    buf_free(&list);
    return st;
}

/* ---- grouping ---- */

static enum status plain_groups(struct aggregation *g)
{
    const struct query *q = g->q;
    struct str *texts = PLAN_ARRAY(g->p, struct str, q->n_group_by);
    g->n_groups = q->n_group_by;
    g->groups = PLAN_ARRAY(g->p, const struct ast_expr *, q->n_group_by);
    for (uint32_t i = 0; i < q->n_group_by; i++) {
        if (!texts || !g->groups || !(g->groups[i] = query_plain(g->p, q, q->group_by[i])))
            return g->p->d->code;
        texts[i] = ast_expr_text(g->p->a, g->groups[i]);
    }
    g->proj->n_keys = g->proj->n_key_texts = q->n_group_by;
    g->proj->keys = q->group_by;
    g->proj->key_texts = texts;
    g->proj->key_kind = "grouping expression";
    g->proj->rule = KEYS_GROUPED;
    g->proj->context = "Aggregate-Project";
    return STATUS_OK;
}

/* ---- nodes ---- */

static const struct logical *build_prepare(struct aggregation *g)
{
    struct planner *p = g->p;
    const struct schema *from = &g->input->schema;
    uint32_t n_keys = from->n_keys, n = n_keys + g->n_args;
    struct logical *node = logical_new(p, LOGICAL_PROJECT, "Aggregate-Prepare", g->input);
    struct schema_column *columns = PLAN_ARRAY(p, struct schema_column, n);
    const struct expr **exprs = PLAN_ARRAY(p, const struct expr *, n);
    if (!node || !columns || !exprs)
        return NULL;
    for (uint32_t k = 0; k < n_keys; k++) {
        columns[k] = from->columns[k];
        if (!(exprs[k] = expr_column(p, from, k)))
            return NULL;
    }
    for (uint32_t i = 0; i < g->n_args; i++) {
        columns[n_keys + i] = (struct schema_column){
            .name = str_printf(p->a, "KSQL_INTERNAL_COL_%u", i), .type = g->arg_exprs[i]->type, .role = ROLE_VALUE};
        exprs[n_keys + i] = g->arg_exprs[i];
    }
    node->schema.columns = columns;
    node->schema.n_columns = n;
    node->select.exprs = exprs;
    return node;
}

/* Key columns of the group: the grouping expressions; without GROUP BY one constant. */
static enum status group_keys(struct aggregation *g, struct binder *b, struct schema_column *columns,
                              const struct expr **exprs)
{
    struct planner *p = g->p;
    unsigned next = 0;
    for (uint32_t i = 0; i < g->n_groups; i++) {
        const struct ast_expr *group = g->groups[i];
        if (!(exprs[i] = bind_item(b, group, "GroupBy")))
            return p->d->code;
        struct str name = new_key_name(p, b->schema, group, &next);
        columns[i] = (struct schema_column){.name = name, .type = exprs[i]->type, .role = ROLE_KEY};
        enum status st = check_no_map_key(p, name, exprs[i]->type, group->span);
        if (st != STATUS_OK || !name.p)
            return st;
    }
    if (g->n_groups)
        return STATUS_OK;
    exprs[0] = expr_literal(p, (struct value){.kind = KIND_BIGINT, .i64 = 0}, &TYPE_BIGINT);
    columns[0] = (struct schema_column){.name = STR("ROWKEY"), .type = &TYPE_BIGINT, .role = ROLE_KEY};
    return exprs[0] ? STATUS_OK : STATUS_NOMEM;
}

/* Prepare computes the grouping expressions too, behind the arguments, unless the key stays. */
static const struct logical *build_group(struct aggregation *g)
{
    struct planner *p = g->p;
    uint32_t n_groups = g->n_groups ? g->n_groups : 1, n_args = g->n_args;
    struct schema_column *columns = PLAN_ARRAY(p, struct schema_column, n_groups + n_args);
    const struct expr **exprs = PLAN_ARRAY(p, const struct expr *, n_groups + n_args);
    struct binder b;
    binder_init(&b, p, &g->input->schema);
    if (!columns || !exprs || group_keys(g, &b, columns, exprs) != STATUS_OK)
        return NULL;
    for (uint32_t i = 0; i < n_groups && !g->keeps_key; i++) {
        if (g->n_args == sizeof g->args / sizeof *g->args) {
            (void)plan_error(p, g->q->ast->span, "Too many arguments of aggregate functions in one query");
            return NULL;
        }
        g->arg_exprs[g->n_args++] = exprs[i];
    }
    const struct logical *prepare = build_prepare(g);
    struct logical *node = prepare ? logical_new(p, LOGICAL_GROUP, "Aggregate-GroupBy", prepare) : NULL;
    if (!node)
        return NULL;
    uint32_t n_old = prepare->schema.n_keys;
    for (uint32_t i = 0; i < n_groups; i++)
        if (!(exprs[i] = expr_column(p, &prepare->schema, g->keeps_key ? i : n_old + n_args + i)))
            return NULL;
    for (uint32_t i = 0; i < n_args; i++) {
        columns[n_groups + i] = prepare->schema.columns[n_old + i];
        if (!(exprs[n_groups + i] = expr_column(p, &prepare->schema, n_old + i)))
            return NULL;
    }
    node->schema = (struct schema){.n_columns = n_groups + n_args, .n_keys = n_groups, .columns = columns};
    node->select.exprs = exprs;
    node->select.keeps_key = g->keeps_key;
    return node;
}

static const struct logical *build_aggregate(struct aggregation *g, const struct logical *group,
                                             const struct ast_expr *having)
{
    struct planner *p = g->p;
    uint32_t n_keys = group->schema.n_keys, n = n_keys + g->n_calls;
    struct logical *node = logical_new(p, LOGICAL_AGGREGATE, "Aggregate-Aggregate", group);
    struct schema_column *columns = PLAN_ARRAY(p, struct schema_column, n);
    struct aggregate_item *calls = PLAN_ARRAY(p, struct aggregate_item, g->n_calls);
    if (!node || !columns || !calls)
        return NULL;
    memcpy(columns, group->schema.columns, n_keys * sizeof *columns);
    for (uint32_t i = 0; i < g->n_calls; i++) {
        calls[i] = g->items[i];
        for (uint32_t j = 0; j < calls[i].n_args; j++)
            ((uint32_t *)(uintptr_t)calls[i].args)[j] += n_keys;
        columns[n_keys + i] = (struct schema_column){
            .name = str_printf(p->a, "KSQL_AGG_VARIABLE_%u", i), .type = calls[i].call->result, .role = ROLE_VALUE};
    }
    node->schema.columns = columns;
    node->schema.n_columns = n;
    node->changelog = CHANGELOG_RETRACT;
    node->aggregate.n_calls = g->n_calls;
    node->aggregate.calls = calls;
    node->aggregate.reads = aggregate_reads(g, having);
    node->aggregate.functions = aggregate_functions(g);
    if (!node->aggregate.reads.p || !node->aggregate.functions.p)
        return NULL;
    if (g->q->window) {
        if (window_bind(p, g->q->window, g->q->is_final, &node->aggregate.window) != STATUS_OK)
            return NULL;
        node->schema.window = g->q->window->kind;
        node->schema.window_size = g->q->window->kind == WINDOW_SESSION ? 0 : node->aggregate.window.size;
    }
    return node;
}

/* ---- above the aggregate ---- */

struct above {
    struct aggregation *g;
    const struct logical *node;
};

/* Grouping expressions become key columns, calls become their result columns. */
static const struct ast_expr *lift(void *data, const struct ast_expr *e)
{
    struct above *w = data;
    const struct schema *schema = &w->node->schema;
    uint32_t which;
    if (is_group(w->g, e, &which))
        return ast_column(w->g->p, (struct str){NULL, 0}, schema->columns[which].name, e->span);
    if (!ast_is_aggregate(e))
        return NULL;
    for (uint32_t i = 0; i < w->g->n_calls; i++)
        if (ast_expr_eq(w->g->calls[i], e))
            return ast_column(w->g->p, (struct str){NULL, 0}, schema->columns[schema->n_keys + i].name, e->span);
    return NULL;
}

static const struct logical *build_having(struct aggregation *g, const struct logical *input,
                                          const struct ast_expr *having)
{
    struct planner *p = g->p;
    struct above w = {g, input};
    struct binder b;
    binder_init(&b, p, &input->schema);
    b.magic_time = true;
    const struct ast_expr *lifted = ast_rewrite(p, having, lift, &w);
    const struct expr *predicate = lifted ? bind_predicate(&b, lifted, "HAVING") : NULL;
    struct logical *node = predicate ? logical_new(p, LOGICAL_FILTER, "Aggregate-HavingFilter", input) : NULL;
    if (node)
        node->filter.predicate = predicate;
    return node;
}

static enum status bind_aggregates(struct aggregation *g)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < g->n_calls && st == STATUS_OK; i++)
        st = bind_aggregate(g, i);
    bool on_table = g->input->changelog != CHANGELOG_APPEND;
    if (st == STATUS_OK && on_table)
        st = check_undo(g);
    if (st == STATUS_OK && on_table && g->q->window)
        st = plan_error(g->p, g->q->window->span, "Windowing not supported for table aggregations.");
    g->keeps_key = g->n_groups && !on_table && exprs_are_key(&g->input->schema, g->groups, g->n_groups);
    if (st == STATUS_OK && g->input->schema.window != WINDOW_NONE)
        st = plan_error(g->p, g->q->ast->group_by.span,
                        g->keeps_key ? "Group by on windowed should always require rekey"
                                     : "Implicit repartitioning of windowed sources is not supported. See "
                                       "https://github.com/confluentinc/ksql/issues/4385.");
    return st;
}

const struct logical *logical_aggregate(struct planner *p, struct query *q, const struct logical *input,
                                        struct projection *proj)
{
    struct aggregation *g = PLAN_NEW(p, struct aggregation);
    if (!g)
        return NULL;
    *g = (struct aggregation){.p = p, .q = q, .input = input, .proj = proj};
    if (plain_groups(g) != STATUS_OK)
        return NULL;
    const struct ast_expr *having = q->having ? query_plain(p, q, q->having) : NULL;
    if ((q->having && !having) || aggregate_check(g, having) != STATUS_OK || bind_aggregates(g) != STATUS_OK)
        return NULL;
    const struct logical *node = build_group(g);
    if (node)
        node = build_aggregate(g, node, having);
    if (!node || aggregate_check_groups(g) != STATUS_OK)
        return NULL;
    struct above w = {g, node};
    for (uint32_t i = 0; i < q->n_items; i++)
        if (!(proj->plain[i] = ast_rewrite(p, proj->plain[i], lift, &w)))
            return NULL;
    return having ? build_having(g, node, having) : node;
}
