/* The door of the planner: which statement goes to whom, the changes in the catalog, EXPLAIN. */
#include "planner/logical/logical.h"

static enum status dispatch(struct planner *p, const struct ast_stmt *s, struct planned *out)
{
    switch (s->kind) {
    case STMT_CREATE_SOURCE:
        return plan_create_source(p, (const struct ast_create_source *)s, out);
    case STMT_CREATE_AS:
        return plan_create_as(p, (const struct ast_create_as *)s, out);
    case STMT_INSERT_SELECT:
        return plan_insert_select(p, (const struct ast_insert_select *)s, out);
    case STMT_INSERT_VALUES:
        return plan_insert_values(p, (const struct ast_insert_values *)s, out);
    case STMT_QUERY:
        return plan_select(p, (const struct ast_stmt_query *)s, out);
    case STMT_DROP_SOURCE:
        return plan_drop_source(p, (const struct ast_drop *)s, out);
    case STMT_ALTER_SOURCE:
        return plan_alter_source(p, (const struct ast_alter_source *)s, out);
    case STMT_CREATE_TYPE:
        return plan_create_type(p, (const struct ast_create_type *)s, out);
    case STMT_DROP_TYPE:
        return plan_drop_type(p, (const struct ast_drop *)s, out);
    default:
        out->kind = PLANNED_ADMIN;
        return STATUS_OK;
    }
}

static void add_statement(struct diag *d, const struct ast_stmt *s)
{
    if (d->where.line == 0)
        d->where = s->span;
    if (d->code == STATUS_STATEMENT)
        diag_context(d, s->text.p, s->text.len);
}

enum status planner_plan_statement(const struct planner_context *context, struct arena *a,
                                   const struct ast_stmt *statement, struct planned *out, struct diag *d)
{
    struct diag own = DIAG_INIT; /* the passes look at it to tell an error from "nothing" */
    struct planner p = {.context = context, .catalog = context->catalog, .statement = statement, .a = a, .d = &own};
    p.nested_errors_fail = !planner_flag(&p, "ksql.nested.error.set.null", true);
    *out = (struct planned){.statement = statement};
    enum status st = dispatch(&p, statement, out);
    if (st == STATUS_OK && a->failed)
        st = diag_nomem(&own);
    if (st == STATUS_OK)
        return st;
    if (own.code != STATUS_OK)
        st = own.code; /* the first error wins, whatever was made of it later */
    add_statement(&own, statement);
    if (d && d->code == STATUS_OK)
        *d = own;
    return st;
}

/* ---- the catalog ---- */

static enum status apply_source(struct catalog *c, const struct source *from)
{
    struct source *s = source_create();
    if (!s)
        return STATUS_NOMEM;
    if (source_copy(&s->arena, s, from))
        return catalog_put_source(c, s);
    source_drop(s);
    return STATUS_NOMEM;
}

static enum status apply_ddl(struct catalog *c, const struct planned_ddl *ddl)
{
    switch (ddl->kind) {
    case DDL_CREATE_SOURCE:
    case DDL_ALTER_SOURCE:
        return apply_source(c, ddl->source);
    case DDL_DROP_SOURCE:
        (void)catalog_remove_source(c, ddl->name);
        if (ddl->terminates)
            (void)catalog_remove_query(c, str_from(ddl->terminates));
        return STATUS_OK;
    case DDL_CREATE_TYPE:
        return catalog_put_type(c, ddl->name, ddl->type);
    case DDL_DROP_TYPE:
        (void)catalog_remove_type(c, ddl->name);
        return STATUS_OK;
    }
    return STATUS_OK;
}

static enum status apply_query(struct catalog *c, const struct planned *p)
{
    struct str sources[64];
    struct catalog_query query = {.id = p->query_id,
                                  .kind = p->query_kind,
                                  .sink = p->sink,
                                  .sources = sources,
                                  .sql = p->statement->text,
                                  .plan = p->plan};
    for (uint32_t i = 0; i < p->plan->n_source_names && i < 64; i++)
        sources[query.n_sources++] = str_from(p->plan->sources[i]);
    return catalog_put_query(c, &query);
}

enum status planner_apply(struct catalog *c, const struct planned *p, struct diag *d)
{
    enum status st = p->ddl ? apply_ddl(c, p->ddl) : STATUS_OK;
    bool keeps_query = p->kind == PLANNED_PERSISTENT || (p->kind == PLANNED_DDL && p->plan);
    if (st == STATUS_OK && keeps_query)
        st = apply_query(c, p);
    return st == STATUS_NOMEM ? diag_nomem(d) : st;
}

/* ---- EXPLAIN ---- */

void planner_explain(struct buf *out, const struct planned *p)
{
    buf_puts(out, STR("statement:\n"));
    ast_format_stmt(out, p->statement);
    buf_puts(out, STR(";\n"));
    if (p->logical) {
        buf_puts(out, STR("\nlogical plan:\n"));
        logical_print(out, p->logical);
    }
    if (p->rewritten) {
        buf_puts(out, STR("\nrewritten plan:\n"));
        logical_print(out, p->rewritten);
    }
    if (p->plan) {
        buf_puts(out, STR("\nphysical plan:\n"));
        plan_describe(out, p->plan);
        buf_puts(out, STR("\nexecution plan:\n"));
        plan_print(out, p->plan);
    }
}
