/* GROUP BY and aggregates. Below the aggregate a select ("Prepare") computes the grouping expressions and the
 * arguments; above it HAVING and the projection see the keys and one column a call. The rules are those of
 * rules.md 5.1. */
#include "planner/planner_int.h"

enum { MAX_AGGREGATES = 256 };

struct aggregation {
    struct planner *p;
    struct query *q;
    const struct logical *input;
    struct projection *proj;
    uint32_t n_groups;
    const struct ast_expr **groups; /* plain */
    uint32_t n_calls;
    const struct ast_expr *calls[MAX_AGGREGATES]; /* plain, distinct */
    struct aggregate_item items[MAX_AGGREGATES];
    /* Prepare: the old keys, then these. */
    uint32_t n_args;
    const struct ast_expr *args[2 * MAX_AGGREGATES];
    const struct expr *arg_exprs[2 * MAX_AGGREGATES];
    bool keeps_key;
};

static bool is_group(const struct aggregation *g, const struct ast_expr *e, uint32_t *which)
{
    for (uint32_t i = 0; i < g->n_groups; i++)
        if (ast_expr_eq(g->groups[i], e)) {
            *which = i;
            return true;
        }
    return false;
}

/* ---- what may be selected
 * --------------------------------------------------------------------------------------------- */

struct free_columns {
    const struct aggregation *g;
    bool seen_aggregate;
    const struct ast_expr *bad; /* the first column that is not grouped by */
};

static bool is_own_bound(const struct aggregation *g, const struct ast_expr *e)
{
    return g->q->window && e->kind == AST_COLUMN && is_window_bound(e->text) &&
           schema_find(&g->input->schema, e->text) < 0;
}

static bool find_free_column(void *data, const struct ast_expr *e)
{
    struct free_columns *f = data;
    uint32_t which;
    if (f->bad)
        return false;
    if ((!f->seen_aggregate || e->kind == AST_COLUMN) && is_group(f->g, e, &which))
        return false;
    if (ast_is_aggregate(e)) {
        f->seen_aggregate = true;
        return false;
    }
    if (e->kind == AST_COLUMN && !is_own_bound(f->g, e))
        f->bad = e;
    return true;
}

static enum status check_free_columns(struct aggregation *g)
{
    struct buf list;
    buf_init(&list, 0);
    struct span where = g->q->ast->span;
    for (uint32_t i = 0; i < g->q->n_items; i++) {
        struct free_columns f = {.g = g};
        ast_walk(g->proj->plain[i], find_free_column, &f);
        if (!f.bad)
            continue;
        if (list.len == 0)
            where = g->q->items[i].span;
        else
            buf_puts(&list, STR(", "));
        ast_expr_print(&list, g->proj->plain[i]);
    }
    enum status st = STATUS_OK;
    if (list.len)
        st = plan_error(g->p, where,
                        "Non-aggregate SELECT expression(s) not part of GROUP BY: %s\nEither add the column(s) to the "
                        "GROUP BY or remove them from the SELECT.",
                        buf_z(&list));
    buf_free(&list);
    return st;
}

static enum status check_having(struct aggregation *g, const struct ast_expr *having)
{
    struct free_columns f = {.g = g};
    ast_walk(having, find_free_column, &f);
    if (!f.bad)
        return STATUS_OK;
    struct str text = ast_expr_text(g->p->a, f.bad);
    return plan_error(g->p, f.bad->span,
                      "Non-aggregate HAVING expression not part of GROUP BY: " STR_FMT
                      "\nConsider switching the HAVING clause to a WHERE clause before the GROUP BY.",
                      STR_ARG(text));
}

static enum status bound_misplaced(struct aggregation *g, const struct ast_expr *e)
{
    return plan_error(g->p, e->span,
                      "Window bounds column " STR_FMT
                      " can only be used in the SELECT clause of windowed aggregations and can not be passed to "
                      "aggregate functions.\nSee https://github.com/confluentinc/ksql/issues/4397",
                      STR_ARG(e->text));
}

struct bound_search {
    const struct aggregation *g;
    const struct ast_expr *found;
};

static bool look_for_bound(void *data, const struct ast_expr *e)
{
    struct bound_search *s = data;
    if (!s->found && is_own_bound(s->g, e))
        s->found = e;
    return !s->found;
}

static const struct ast_expr *find_bound(const struct aggregation *g, const struct ast_expr *e)
{
    struct bound_search s = {g, NULL};
    if (e)
        ast_walk(e, look_for_bound, &s);
    return s.found;
}

/* ---- collecting the calls
 * --------------------------------------------------------------------------------------------- */

static enum status add_call(struct aggregation *g, const struct ast_expr *e)
{
    for (uint32_t i = 0; i < g->n_calls; i++)
        if (ast_expr_eq(g->calls[i], e))
            return STATUS_OK;
    struct str text = ast_expr_text(g->p->a, e);
    for (uint32_t i = 0; i < e->n_args; i++) {
        if (ast_has_aggregate(e->args[i]))
            return plan_error(g->p, e->span, "Aggregate functions can not be nested: " STR_FMT, STR_ARG(text));
        const struct ast_expr *bound = find_bound(g, e->args[i]);
        if (bound)
            return bound_misplaced(g, bound);
    }
    if (g->n_calls == MAX_AGGREGATES)
        return plan_error(g->p, e->span, "Too many aggregate functions in one query");
    g->items[g->n_calls].text = text;
    g->calls[g->n_calls++] = e;
    return STATUS_OK;
}

struct call_search {
    struct aggregation *g;
    enum status st;
};

static bool collect_call(void *data, const struct ast_expr *e)
{
    struct call_search *s = data;
    if (s->st == STATUS_OK && e->kind == AST_CALL && !ast_function(e))
        s->st = plan_error(s->g->p, e->span, "Can't find any functions with the name '" STR_FMT "'", STR_ARG(e->text));
    if (s->st == STATUS_OK && ast_is_aggregate(e)) {
        s->st = add_call(s->g, e);
        return false;
    }
    return s->st == STATUS_OK;
}

static enum status collect_calls(struct aggregation *g, const struct ast_expr *having)
{
    struct call_search s = {g, STATUS_OK};
    for (uint32_t i = 0; i < g->q->n_items; i++)
        ast_walk(g->proj->plain[i], collect_call, &s);
    if (having)
        ast_walk(having, collect_call, &s);
    return s.st;
}

/* ---- arguments
 * --------------------------------------------------------------------------------------------------------- */

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
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < call->n_args && st == STATUS_OK; i++) {
        if (i >= bound->call->n_columns)
            st = take_literal(g, call, i, bound->args[i], item);
        else
            st = add_arg(g, call->args[i], bound->args[i], &args[item->n_args++]);
    }
    return st;
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

/* ---- grouping
 * ----------------------------------------------------------------------------------------------------------- */

static enum status check_groups(struct aggregation *g)
{
    for (uint32_t i = 0; i < g->n_groups; i++) {
        const struct ast_expr *group = g->groups[i];
        if (ast_has_aggregate(group)) {
            const struct ast_expr *e = group;
            while (!ast_is_aggregate(e)) { /* the first one down the tree */
                uint32_t j = 0;
                while (!ast_has_aggregate(e->args[j]))
                    j++;
                e = e->args[j];
            }
            return plan_error(g->p, e->span,
                              "GROUP BY does not support aggregate functions: " STR_FMT " is an aggregate function.",
                              STR_ARG(e->text));
        }
        const struct ast_expr *bound = find_bound(g, group);
        if (bound)
            return bound_misplaced(g, bound);
    }
    return STATUS_OK;
}

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
    g->proj->n_keys = q->n_group_by;
    g->proj->keys = q->group_by;
    g->proj->key_texts = texts;
    g->proj->key_kind = "grouping expression";
    g->proj->is_grouped = true;
    g->proj->context = "Aggregate-Project";
    return STATUS_OK;
}

/* ---- nodes
 * --------------------------------------------------------------------------------------------------------------- */

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

static const struct logical *build_aggregate(struct aggregation *g, const struct logical *group)
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
    if (g->q->window) {
        if (window_bind(p, g->q->window, g->q->is_final, &node->aggregate.window) != STATUS_OK)
            return NULL;
        node->schema.window = g->q->window->kind;
        node->schema.window_size = g->q->window->kind == WINDOW_SESSION ? 0 : node->aggregate.window.size;
    }
    return node;
}

/* ---- above the aggregate
 * ------------------------------------------------------------------------------------------------ */

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

static enum status check_rules(struct aggregation *g, const struct ast_expr *having)
{
    enum status st = collect_calls(g, having);
    if (st == STATUS_OK)
        st = check_groups(g);
    if (st == STATUS_OK && g->n_groups && g->n_calls == 0)
        st = plan_error(g->p, g->q->ast->group_by.span,
                        "GROUP BY requires aggregate functions in either the SELECT or HAVING clause.");
    if (st == STATUS_OK)
        st = check_free_columns(g);
    if (st == STATUS_OK && having)
        st = check_having(g, having);
    const struct ast_expr *bound = st == STATUS_OK ? find_bound(g, having) : NULL;
    if (bound)
        st = bound_misplaced(g, bound);
    return st;
}

/* A CREATE AS needs a key, and so a GROUP BY. */
static enum status check_has_groups(struct aggregation *g)
{
    if (g->n_groups || g->q->purpose != PURPOSE_PERSISTENT)
        return STATUS_OK;
    struct buf list;
    buf_init(&list, 0);
    for (uint32_t i = 0; i < g->n_calls; i++) {
        buf_puts(&list, i ? STR(", ") : STR(""));
        if (g->calls[i]->n_args)
            ast_expr_print(&list, g->calls[i]);
        else
            buf_printf(&list, STR_FMT "(ROWTIME)", STR_ARG(g->calls[i]->text));
    }
    enum status st = plan_error(g->p, g->q->ast->span,
                                "CREATE TABLE AS SELECT statement does not support aggregate function [%s] without a "
                                "GROUP BY clause.",
                                buf_z(&list));
    buf_free(&list);
    return st;
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
    if ((q->having && !having) || check_rules(g, having) != STATUS_OK || bind_aggregates(g) != STATUS_OK)
        return NULL;
    const struct logical *node = build_group(g);
    if (node)
        node = build_aggregate(g, node);
    if (!node || check_has_groups(g) != STATUS_OK)
        return NULL;
    struct above w = {g, node};
    for (uint32_t i = 0; i < q->n_items; i++)
        if (!(proj->plain[i] = ast_rewrite(p, proj->plain[i], lift, &w)))
            return NULL;
    return having ? build_having(g, node, having) : node;
}

/* ---- windows
 * -------------------------------------------------------------------------------------------------------------- */

enum status window_bind(struct planner *p, const struct ast_window *w, bool is_final, struct window_spec *out)
{
    const int64_t day = MS_PER_DAY;
    *out = (struct window_spec){.kind = w->kind, .size = w->size.ms, .emit_final = is_final};
    out->advance = w->kind == WINDOW_HOPPING ? w->advance.ms : out->size;
    out->has_grace = ast_duration_given(&w->grace);
    out->grace = out->has_grace ? w->grace.ms : out->size < day ? day - out->size : 0;
    if (out->size <= 0 && w->kind != WINDOW_SESSION)
        return plan_error(p, w->size.span, "Window size must be larger than zero");
    if (out->advance <= 0 && w->kind == WINDOW_HOPPING)
        return plan_error(p, w->advance.span, "Window advance interval must be larger than zero");
    if (out->advance > out->size)
        return plan_error(p, w->advance.span,
                          "Window advance interval should be less than or equal to window duration");
    int64_t least;
    if (__builtin_add_overflow(out->size, out->grace, &least))
        return plan_error(p, w->span, "Window size and grace period are too long together");
    out->retention = ast_duration_given(&w->retention) ? w->retention.ms : least;
    if (out->retention < least)
        return plan_error(p, w->retention.span,
                          "Window retention must be at least the window's size plus its grace period: %lld ms, but is "
                          "%lld ms",
                          (long long)least, (long long)out->retention);
    return STATUS_OK;
}
