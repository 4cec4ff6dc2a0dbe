/* INSERT INTO ... SELECT: a query whose rows go to a stream that is there. */
#include "planner/logical/logical.h"

static enum status find_target(struct planner *p, const struct ast_insert_select *ast, const struct source **target)
{
    const struct source *s = catalog_source(p->catalog, ast->target.text);
    enum status st = STATUS_OK;
    if (!s)
        st = plan_error_placed(p, ast->target.span, "Source `" STR_FMT "` does not exist.", STR_ARG(ast->target.text));
    else if (s->is_table)
        st = plan_error(p, ast->target.span,
                        "INSERT INTO can only be used to insert into a stream. " STR_FMT " is a table.",
                        STR_ARG(s->name));
    else if (s->n_headers)
        st = plan_error(p, ast->target.span, "Cannot insert into " STR_FMT " because it has header columns",
                        STR_ARG(s->name));
    else if (s->read_only)
        st = plan_error(p, ast->target.span, "Cannot insert into read-only stream: " STR_FMT, STR_ARG(s->name));
    if (st != STATUS_OK) {
        diag_prefix(p->d, "Exception while preparing statement: ");
        return st;
    }
    *target = source_copy_into(p, s);
    return *target ? STATUS_OK : STATUS_NOMEM;
}

static enum status incompatible(struct planner *p, const struct schema *result, const struct schema *sink)
{
    struct buf a, b;
    buf_init(&a, 0);
    buf_init(&b, 0);
    schema_print(&a, result);
    schema_print(&b, sink);
    enum status st = plan_error(p, p->statement->span,
                                "Incompatible schema between results and sink.\nResult schema is %s\nSink schema is %s",
                                buf_z(&a), buf_z(&b));
    buf_free(&a);
    buf_free(&b);
    return st;
}

/* Literal numbers become what the sink wants; other expressions must fit by their type. */
static bool column_goes_into(const struct schema_column *from, const struct expr *e, const struct schema_column *to)
{
    const struct type *x = from->type, *y = to->type;
    if (!str_eq(from->name, to->name))
        return false;
    if (e->kind == EXPR_LITERAL && type_is_numeric(x) && y->kind == KIND_DECIMAL)
        return true;
    if (type_eq(x, y))
        return true;
    if (!type_is_numeric(x) || !type_is_numeric(y))
        return false;
    if (y->kind != KIND_DECIMAL)
        return x->kind < y->kind;
    unsigned precision = x->kind == KIND_INT ? 10 : x->kind == KIND_BIGINT ? 19 : x->precision;
    unsigned scale = x->kind == KIND_DECIMAL ? x->scale : 0;
    return x->kind <= KIND_DECIMAL && scale <= y->scale && precision - scale <= (unsigned)(y->precision - y->scale);
}

/* A select on top that casts what is narrower than the sink's columns; the root itself if nothing is. */
static const struct logical *cast_to_sink(struct planner *p, const struct logical *root, const struct source *target)
{
    const struct schema *from = &root->schema, *to = &target->schema;
    bool fits = from->n_columns == to->n_columns && from->n_keys == to->n_keys, same = true;
    for (uint32_t i = 0; fits && i < from->n_columns; i++) {
        fits = column_goes_into(&from->columns[i], root->select.exprs[i], &to->columns[i]);
        same = same && type_eq(from->columns[i].type, to->columns[i].type);
    }
    if (!fits) {
        (void)incompatible(p, from, to);
        return NULL;
    }
    if (same)
        return root;
    struct logical *node = arena_dup(p->a, root, sizeof *root);
    const struct expr **exprs = PLAN_ARRAY(p, const struct expr *, from->n_columns);
    if (!node || !exprs) {
        (void)plan_nomem(p);
        return NULL;
    }
    for (uint32_t i = 0; i < from->n_columns; i++)
        if (!(exprs[i] = expr_cast(p, root->select.exprs[i], to->columns[i].type)))
            return NULL;
    node->select.exprs = exprs;
    node->schema.columns = to->columns;
    return node;
}

static enum status insert_query_id(struct planner *p, const struct with *w, struct span where, const char **out)
{
    static const char *const reserved[] = {"INSERTQUERY_", "CTAS_", "CSAS_", "CST_"};
    if (!w->query_id.p) {
        *out = arena_printf(p->a, "INSERTQUERY_%llu", (unsigned long long)p->context->query_number);
        return *out ? STATUS_OK : plan_nomem(p);
    }
    struct str id = str_upper_ascii(p->a, w->query_id);
    if (!id.p)
        return plan_nomem(p);
    *out = str_dup(p->a, id).p;
    for (int i = 0; i < 4; i++)
        if (str_starts(id, str_from(reserved[i])))
            return plan_error(p, where,
                              "Query IDs must not start with a reserved query ID prefix (INSERTQUERY_, CTAS_, CSAS_, "
                              "CST_). Got '" STR_FMT "'.",
                              STR_ARG(id));
    for (uint32_t i = 0; i < id.len; i++) {
        char ch = id.p[i];
        if (!((ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_'))
            return plan_error(p, where,
                              "Query IDs may contain only alphanumeric characters and '_'. Got: '" STR_FMT "'",
                              STR_ARG(id));
    }
    if (catalog_query(p->catalog, id))
        return plan_error(p, where, "Query ID '" STR_FMT "' already exists.", STR_ARG(id));
    return *out ? STATUS_OK : plan_nomem(p);
}

enum status plan_insert_select(struct planner *p, const struct ast_insert_select *ast, struct planned *out)
{
    struct query *q = PLAN_NEW(p, struct query);
    if (!q)
        return STATUS_NOMEM;
    struct with w;
    struct logical_query lq = {0};
    const struct source *target = NULL;
    const char *id = NULL;
    q->purpose = PURPOSE_PERSISTENT;
    q->sink = ast->target.text;
    enum status st = STATUS_OK;
    TRY(with_parse(p, &ast->with, WITH_INSERT, &w));
    TRY(find_target(p, ast, &target));
    TRY(query_sanitize(p, ast->query, q));
    TRY(query_analyse(p, q));
    TRY(query_to_logical(p, q, &lq));
    TRY(logical_check_sink(p, &lq));
    if (lq.is_table)
        TRY(plan_error(p, ast->head.span,
                       "Incompatible data sink and query result. Data sink (" STR_FMT
                       ") type is KSTREAM but select query result is KTABLE.",
                       STR_ARG(target->name)));
    out->logical = cast_to_sink(p, lq.root, target);
    out->rewritten = out->logical ? rewrite_all(p, out->logical) : NULL;
    if (!out->rewritten || !(out->rewritten = rewrite_changelog(p, out->rewritten, false)))
        return p->d->code;
    TRY(insert_query_id(p, &w, ast->with.span, &id));
    struct sink_target sink = {.kind = TARGET_TOPIC,
                               .name = target->name,
                               .topic = target->topic,
                               .formats = target->formats,
                               .timestamp = target->timestamp};
    struct plan *plan = physical_plan(p, out->rewritten, &sink, q, id);
    if (!plan)
        return p->d->code;
    plan->n_output = lq.n_output;
    plan->output_columns = lq.output;
    out->kind = PLANNED_PERSISTENT;
    out->plan = plan;
    out->query_id = id;
    out->query_kind = QUERY_INSERT;
    out->sink = target->name;
    out->message = arena_printf(p->a, "Created query with ID %s", id);
    TRY(check_registries(p, q, target));
done:
    return st;
}
