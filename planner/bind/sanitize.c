/* First pass over a query: finds its sources, qualifies every column with the alias of its source, and gives unnamed
 * items a name. Errors carry "Exception while preparing statement: ". */
#include "planner/planner_int.h"

static enum status prepare_failed(struct planner *p, enum status st)
{
    if (st == STATUS_STATEMENT || st == STATUS_INVALID)
        diag_prefix(p->d, "Exception while preparing statement: ");
    return st;
}

/* ---- sources ------------------------------------------------------------------------------------------------------
 */

static enum status find_source(struct planner *p, const struct ast_source *ast, struct query_source *out)
{
    out->source = catalog_source(p->catalog, ast->name.text);
    out->alias = ast->alias.text.p ? ast->alias.text : ast->name.text;
    out->span = ast->span;
    if (out->source) {
        out->source = source_copy_into(p, out->source); /* the plan may outlive the catalog's entry */
        return out->source ? STATUS_OK : STATUS_NOMEM;
    }
    struct buf hint;
    buf_init(&hint, 0);
    catalog_hint(&hint, p->catalog, ast->name.text, 0);
    enum status st = plan_error(p, ast->name.span, STR_FMT " does not exist.%s", STR_ARG(ast->name.text), buf_z(&hint));
    buf_free(&hint);
    return prepare_failed(p, st);
}

static enum status find_sources(struct planner *p, struct query *q)
{
    q->n_sources = 1 + q->ast->n_joins;
    q->sources = PLAN_ARRAY(p, struct query_source, q->n_sources);
    q->n_joins = q->ast->n_joins;
    q->joins = PLAN_ARRAY(p, struct query_join, q->n_joins);
    if (!q->sources || !q->joins)
        return STATUS_NOMEM;
    enum status st = find_source(p, &q->ast->from, &q->sources[0]);
    for (uint32_t i = 0; st == STATUS_OK && i < q->ast->n_joins; i++)
        st = find_source(p, &q->ast->joins[i].source, &q->sources[i + 1]);
    return st;
}

/* ---- qualification --------------------------------------------------------------------------------------------------
 */

static bool source_has(const struct source *s, struct str name)
{
    if (is_window_bound(name) && s->schema.window == WINDOW_NONE)
        return schema_find(&s->schema, name) >= 0;
    return is_pseudo_name(name) || schema_find(&s->schema, name) >= 0;
}

static uint32_t count_having(const struct query *q, struct str name, uint32_t *first)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < q->n_sources; i++)
        if (source_has(q->sources[i].source, name) && n++ == 0)
            *first = i;
    return n;
}

static int compare_strs(const void *x, const void *y)
{
    return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

static void ambiguous(struct planner *p, const struct query *q, const struct ast_expr *e)
{
    struct str *names = PLAN_ARRAY(p, struct str, q->n_sources);
    uint32_t n = 0;
    for (uint32_t i = 0; names && i < q->n_sources; i++)
        if (source_has(q->sources[i].source, e->text))
            names[n++] = str_printf(p->a, STR_FMT "." STR_FMT, STR_ARG(q->sources[i].alias), STR_ARG(e->text));
    if (!names)
        return;
    qsort(names, n, sizeof *names, compare_strs);
    struct buf list;
    buf_init(&list, 0);
    print_list(&list, names, n, " or ");
    enum status st = plan_error_placed(p, e->span, "Column '" STR_FMT "' is ambiguous. Could be %s.", STR_ARG(e->text),
                                       buf_z(&list));
    buf_free(&list);
    (void)prepare_failed(p, st);
}

struct qualifier {
    struct planner *p;
    const struct query *q;
    const struct ast_expr *lambdas[16]; /* those around the node; deeper ones are not checked for reuse */
    uint32_t depth;
};

static bool is_alias(const struct query *q, struct str name)
{
    for (uint32_t i = 0; i < q->n_sources; i++)
        if (str_eq(q->sources[i].alias, name))
            return true;
    return false;
}

static enum status check_qualifier(struct planner *p, const struct query *q, struct str name, struct span span)
{
    if (is_alias(q, name))
        return STATUS_OK;
    return plan_error(p, span, "Failed to prepare statement: '" STR_FMT "' is not a valid stream/table name or alias.",
                      STR_ARG(name));
}

static const struct ast_expr *qualify_column(struct qualifier *f, const struct ast_expr *e)
{
    if (e->source.len)
        return check_qualifier(f->p, f->q, e->source, e->span) == STATUS_OK ? e : NULL;
    uint32_t first = 0, n = count_having(f->q, e->text, &first);
    if (n == 0)
        return e; /* analysis says which clause it is unknown in */
    if (n > 1) {
        ambiguous(f->p, f->q, e);
        return NULL;
    }
    return ast_column(f->p, f->q->sources[first].alias, e->text, e->span);
}

static enum status check_lambda(struct qualifier *f, const struct ast_expr *e)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < e->n_names && st == STATUS_OK; i++) {
        uint32_t first;
        if (count_having(f->q, e->names[i].text, &first))
            st = plan_error(f->p, e->names[i].span, "Lambda function argument can't be a column name: " STR_FMT,
                            STR_ARG(e->names[i].text));
        for (uint32_t outer = 0; outer < f->depth && st == STATUS_OK; outer++)
            for (uint32_t j = 0; j < f->lambdas[outer]->n_names && st == STATUS_OK; j++)
                if (str_eq(f->lambdas[outer]->names[j].text, e->names[i].text))
                    st = plan_error(f->p, e->names[i].span, "Reusing lambda arguments in nested lambda is not allowed");
    }
    return prepare_failed(f->p, st);
}

static const struct ast_expr *qualify_node(void *data, const struct ast_expr *e);

static const struct ast_expr *qualify_lambda(struct qualifier *f, const struct ast_expr *e)
{
    if (check_lambda(f, e) != STATUS_OK)
        return NULL;
    bool tracked = f->depth < sizeof f->lambdas / sizeof *f->lambdas;
    if (tracked)
        f->lambdas[f->depth++] = e;
    const struct ast_expr *body = ast_rewrite(f->p, e->args[0], qualify_node, f);
    if (tracked)
        f->depth--;
    struct ast_expr *copy = body ? arena_dup(f->p->a, e, sizeof *e) : NULL;
    const struct ast_expr **args = body ? PLAN_ARRAY(f->p, const struct ast_expr *, 1) : NULL;
    if (!copy || !args) {
        if (body)
            (void)plan_nomem(f->p);
        return NULL;
    }
    args[0] = body;
    copy->args = args;
    return copy;
}

/* Types are checked when the statement is prepared. */
static bool check_cast(struct qualifier *f, const struct ast_expr *e)
{
    bool ok = planner_type(f->p, e->type) != NULL;
    if (!ok && f->p->d->code == STATUS_STATEMENT)
        diag_prefix(f->p->d, "Failed to prepare statement: ");
    return ok;
}

static const struct ast_expr *qualify_node(void *data, const struct ast_expr *e)
{
    if (e->kind == AST_CAST && !check_cast(data, e))
        return NULL;
    if (e->kind == AST_COLUMN)
        return qualify_column(data, e);
    if (e->kind == AST_LAMBDA)
        return qualify_lambda(data, e);
    return NULL;
}

static const struct ast_expr *qualify(struct qualifier *f, const struct ast_expr *e)
{
    f->depth = 0;
    return ast_rewrite(f->p, e, qualify_node, f);
}

/* ---- names of items ---- */

static bool name_in_sources(const struct query *q, struct str name)
{
    for (uint32_t i = 0; i < q->n_sources; i++)
        if (schema_find(&q->sources[i].source->schema, name) >= 0)
            return true;
    return false;
}

struct names_before {
    const struct query *q;
    uint32_t n;
};

static bool name_taken(void *data, struct str name)
{
    const struct names_before *before = data;
    for (uint32_t i = 0; i < before->n; i++)
        if (before->q->items[i].name.p && str_eq(before->q->items[i].name, name))
            return true;
    return name_in_sources(before->q, name);
}

static struct str without_number(struct str name)
{
    uint32_t end = name.len;
    while (end && name.p[end - 1] >= '0' && name.p[end - 1] <= '9')
        end--;
    return end > 1 && end < name.len && name.p[end - 1] == '_' ? str_make(name.p, end - 1) : name;
}

struct str free_field_name(struct planner *p, struct str field, bool (*taken)(void *data, struct str name), void *data)
{
    struct str base = without_number(field), name = base;
    for (unsigned n = 1; name.p && taken(data, name); n++)
        name = str_printf(p->a, STR_FMT "_%u", STR_ARG(base), n);
    if (!name.p)
        (void)plan_nomem(p);
    return name;
}

static struct str made_up_name(struct planner *p, const struct query *q, unsigned *next)
{
    struct str name;
    do
        name = str_printf(p->a, "KSQL_COL_%u", (*next)++);
    while (name.p && name_in_sources(q, name));
    return name;
}

static struct str column_item_name(struct planner *p, const struct query *q, const struct ast_expr *e)
{
    uint32_t first;
    bool clashes = q->n_sources > 1 && (count_having(q, e->text, &first) > 1 || is_pseudo_name(e->text));
    return clashes ? query_column_name(p, q, e) : e->text;
}

static enum status name_item(struct planner *p, struct query *q, uint32_t at, unsigned *next)
{
    struct query_item *item = &q->items[at];
    if (item->is_aliased)
        return STATUS_OK;
    if (item->expr->kind == AST_COLUMN)
        item->name = column_item_name(p, q, item->expr);
    else if (item->expr->kind == AST_DEREF)
        item->name = free_field_name(p, item->expr->text, name_taken, &(struct names_before){q, at});
    else
        item->name = made_up_name(p, q, next);
    return item->name.p ? STATUS_OK : plan_nomem(p);
}

static enum status sanitize_items(struct planner *p, struct query *q, struct qualifier *f)
{
    unsigned next = 0;
    q->n_items = q->ast->n_items;
    q->items = PLAN_ARRAY(p, struct query_item, q->n_items);
    if (!q->items)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < q->n_items; i++) {
        const struct ast_item *ast = &q->ast->items[i];
        struct query_item *item = &q->items[i];
        item->kind = ast->kind;
        item->span = ast->span;
        item->source = ast->source.text;
        item->is_aliased = ast->alias.text.p != NULL;
        item->name = ast->alias.text;
        if (ast->kind == ITEM_SOURCE_STAR) {
            enum status st = check_qualifier(p, q, item->source, item->span);
            if (st != STATUS_OK)
                return st;
        }
        if (ast->expr && !(item->expr = qualify(f, ast->expr)))
            return p->d->code;
        enum status st = ast->kind == ITEM_EXPR ? name_item(p, q, i, &next) : STATUS_OK;
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

/* ---- clauses ---- */

static enum status sanitize_keys(struct qualifier *f, const struct ast_keys *keys, const char *clause, uint32_t *n,
                                 const struct ast_expr ***out)
{
    struct planner *p = f->p;
    *n = keys->n;
    *out = PLAN_ARRAY(p, const struct ast_expr *, keys->n);
    for (uint32_t i = 0; i < keys->n; i++) {
        if (!*out || !((*out)[i] = qualify(f, keys->exprs[i])))
            return p->d->code;
        for (uint32_t j = 0; j < i; j++)
            if (ast_expr_eq((*out)[j], (*out)[i])) {
                struct str text = ast_expr_text(p->a, (*out)[i]);
                return prepare_failed(
                    p, plan_error(p, (*out)[i]->span, "Duplicate %s expression: " STR_FMT, clause, STR_ARG(text)));
            }
    }
    return STATUS_OK;
}

enum status query_sanitize(struct planner *p, const struct ast_query *ast, struct query *q)
{
    q->ast = ast;
    q->window = ast->window;
    q->is_final = ast->emit == EMIT_FINAL;
    enum status st = find_sources(p, q);
    struct qualifier f = {.p = p, .q = q};
    if (st == STATUS_OK)
        st = sanitize_items(p, q, &f);
    for (uint32_t i = 0; st == STATUS_OK && i < ast->n_joins; i++) {
        q->joins[i].ast = &ast->joins[i];
        if (!(q->joins[i].on = qualify(&f, ast->joins[i].on)))
            st = p->d->code;
    }
    if (st == STATUS_OK && ast->where && !(q->where = qualify(&f, ast->where)))
        st = p->d->code;
    if (st == STATUS_OK)
        st = sanitize_keys(&f, &ast->group_by, "GROUP BY", &q->n_group_by, &q->group_by);
    if (st == STATUS_OK)
        st = sanitize_keys(&f, &ast->partition_by, "PARTITION BY", &q->n_partition_by, &q->partition_by);
    if (st == STATUS_OK && ast->having && !(q->having = qualify(&f, ast->having)))
        st = p->d->code;
    return st;
}
