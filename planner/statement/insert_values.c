/* INSERT INTO ... VALUES: one row of constants, coerced strictly to the columns (rules.md 6.1, 3.3). */
#include "planner/planner_int.h"

struct inserting {
    struct planner *p;
    const struct ast_insert_values *ast;
    const struct source *target;
    struct value *values; /* one a column of the schema */
    bool *given;
    int64_t rowtime;
};

/* Whether a value of one type may stand for another without a CAST (rules.md 3.3). */
static bool coerces_strictly(const struct type *from, const struct type *to)
{
    if (from->kind == KIND_NULL || type_eq(from, to))
        return true;
    if (type_is_numeric(from) && type_is_numeric(to))
        return from->kind <= to->kind;
    if (from->kind == KIND_STRING)
        return to->kind == KIND_DATE || to->kind == KIND_TIME || to->kind == KIND_TIMESTAMP || to->kind == KIND_BYTES;
    if (from->kind != to->kind)
        return false;
    if (from->kind == KIND_STRUCT) {
        for (uint32_t i = 0; i < from->n_fields; i++) {
            int at = type_field(to, from->fields[i].name);
            if (at < 0 || !coerces_strictly(from->fields[i].type, to->fields[at].type))
                return false;
        }
        return true;
    }
    return type_is_nested(from) && coerces_strictly(from->element, to->element) &&
           (from->kind != KIND_MAP || coerces_strictly(from->key, to->key));
}

static enum status row_error(struct inserting *w, struct span where, const char *text)
{
    return plan_error(w->p, where, "Failed to insert values into '" STR_FMT "'. %s", STR_ARG(w->ast->target.text),
                      text);
}

/* ---- the target ---- */

static enum status check_target(struct inserting *w)
{
    struct planner *p = w->p;
    struct span where = w->ast->target.span;
    const struct source *s = catalog_source(p->catalog, w->ast->target.text);
    struct str enabled;
    if (planner_property(p, "ksql.insert.into.values.enabled", &enabled) && !str_eq_nocase(enabled, STR("true")))
        return plan_invalid(p, where,
                            "The server has disabled INSERT INTO ... VALUES functionality. To enable it, restart your "
                            "ksqlDB server with 'ksql.insert.into.values.enabled'=true");
    if (!s) {
        struct buf hint;
        buf_init(&hint, 0);
        catalog_hint(&hint, p->catalog, w->ast->target.text, 0);
        enum status st = plan_invalid(p, where, "Cannot insert values into an unknown stream/table: `" STR_FMT "`%s",
                                      STR_ARG(w->ast->target.text), buf_z(&hint));
        buf_free(&hint);
        return st;
    }
    if (s->schema.window != WINDOW_NONE)
        return plan_invalid(p, where, "Cannot insert values into windowed stream/table!");
    if (s->read_only)
        return plan_invalid(p, where, "Cannot insert values into read-only %s: " STR_FMT, source_kind_name(s),
                            STR_ARG(s->name));
    w->target = source_copy_into(p, s);
    return w->target ? STATUS_OK : STATUS_NOMEM;
}

static bool is_header(const struct schema_column *c)
{
    return c->role == ROLE_HEADERS || c->role == ROLE_HEADER;
}

static enum status check_headers(struct inserting *w)
{
    struct buf list;
    buf_init(&list, 0);
    for (uint32_t i = 0; i < w->target->schema.n_columns; i++) {
        const struct schema_column *c = &w->target->schema.columns[i];
        bool named = w->ast->n_columns == 0;
        for (uint32_t j = 0; j < w->ast->n_columns; j++)
            named = named || str_eq(w->ast->columns[j].text, c->name);
        if (is_header(c) && named)
            buf_printf(&list, "%s" STR_FMT, list.len ? ", " : "", STR_ARG(c->name));
    }
    enum status st = STATUS_OK;
    if (list.len)
        st = plan_invalid(w->p, w->ast->target.span, "Cannot insert into HEADER columns: %s", buf_z(&list));
    buf_free(&list);
    return st;
}

/* ---- values ---- */

static const char *format_help(enum type_kind kind)
{
    return kind == KIND_TIMESTAMP ? ". Timestamp format must be yyyy-mm-ddThh:mm:ss[.S]"
           : kind == KIND_TIME    ? ". Time format must be hh:mm:ss[.S]"
           : kind == KIND_DATE    ? ". Date format must be yyyy-mm-dd"
                                  : "";
}

static enum status wrong_type(struct inserting *w, const struct ast_expr *ast, struct str column, const struct type *to,
                              const struct type *from, const struct value *v)
{
    struct buf text;
    buf_init(&text, 0);
    buf_puts(&text, STR("Expected type "));
    type_print(&text, to);
    buf_printf(&text, " for field `" STR_FMT "` but got ", STR_ARG(column));
    type_print(&text, from);
    buf_putc(&text, '(');
    value_print(&text, v, from);
    buf_printf(&text, ")%s", format_help(to->kind));
    enum status st = row_error(w, ast->span, buf_z(&text));
    buf_free(&text);
    return st;
}

static bool find_column(void *data, const struct ast_expr *e)
{
    const struct ast_expr **found = data;
    if (e->kind == AST_COLUMN && !*found)
        *found = e;
    return !*found;
}

static enum status compute(struct planner *p, const struct ast_expr *ast, const struct expr *e, struct value *v)
{
    char error[512] = "";
    if (e->kind == EXPR_LITERAL) {
        *v = e->value;
        return STATUS_OK;
    }
    if (!p->context->evaluate)
        return plan_unsupported(p, ast->span, "this expression in INSERT VALUES");
    if (p->context->evaluate(e, p->a, p->context->now_ms, v, error, sizeof error))
        return STATUS_OK;
    return error[0] ? plan_error(p, ast->span, "%s", error) : plan_nomem(p);
}

static enum status eval_value(struct inserting *w, const struct ast_expr *ast, struct value *v,
                              const struct type **type)
{
    static const struct schema nothing = {0};
    struct planner *p = w->p;
    const struct ast_expr *column = NULL;
    ast_walk(ast, find_column, &column);
    if (column) {
        struct str text = ast_expr_text(p->a, column);
        char *message = arena_printf(p->a, "Unsupported column reference in insert value: " STR_FMT, STR_ARG(text));
        return message ? row_error(w, column->span, message) : plan_nomem(p);
    }
    struct binder b;
    binder_init(&b, p, &nothing);
    const struct expr *e = bind_expr(&b, ast);
    enum status st = e ? compute(p, ast, e, v) : p->d->code;
    if (st == STATUS_STATEMENT) {
        char prefix[160];
        snprintf(prefix, sizeof prefix, "Failed to insert values into '" STR_FMT "'. ", STR_ARG(w->ast->target.text));
        diag_prefix(p->d, prefix);
    }
    *type = e ? e->type : NULL;
    return st;
}

static enum status set_column(struct inserting *w, uint32_t index, const struct ast_expr *ast)
{
    const struct schema_column *c = &w->target->schema.columns[index];
    struct value v = VALUE_NULL;
    const struct type *from;
    char error[256];
    enum status st = eval_value(w, ast, &v, &from);
    if (st != STATUS_OK)
        return st;
    w->given[index] = true;
    if (value_is_null(&v))
        return STATUS_OK;
    if (!coerces_strictly(from, c->type))
        return wrong_type(w, ast, c->name, c->type, from, &v);
    if (type_eq(from, c->type)) {
        w->values[index] = v;
        return STATUS_OK;
    }
    if (!cast_value(w->p->a, &v, from, c->type, &w->values[index], error, sizeof error))
        return wrong_type(w, ast, c->name, c->type, from, &v);
    return STATUS_OK;
}

static enum status set_rowtime(struct inserting *w, const struct ast_expr *ast)
{
    struct value v = VALUE_NULL;
    const struct type *from;
    enum status st = eval_value(w, ast, &v, &from);
    if (st != STATUS_OK)
        return st;
    if (v.kind == KIND_INT)
        w->rowtime = v.i32;
    else if (v.kind == KIND_BIGINT)
        w->rowtime = v.i64;
    else if (!value_is_null(&v))
        return wrong_type(w, ast, STR("ROWTIME"), &TYPE_BIGINT, from, &v);
    return STATUS_OK;
}

static enum status set_named(struct inserting *w, const struct ast_name *name, const struct ast_expr *value)
{
    struct planner *p = w->p;
    int index = schema_find(&w->target->schema, name->text);
    if (index >= 0)
        return set_column(w, (uint32_t)index, value);
    if (str_eq(name->text, STR("ROWTIME")))
        return set_rowtime(w, value);
    if (is_pseudo_name(name->text) && !is_window_bound(name->text))
        return plan_invalid(p, name->span, "Inserting into column `" STR_FMT "` is not allowed.", STR_ARG(name->text));
    char *message = arena_printf(p->a, "Column name `" STR_FMT "` does not exist.", STR_ARG(name->text));
    return message ? row_error(w, name->span, message) : plan_nomem(p);
}

static enum status check_count(struct inserting *w)
{
    if (w->ast->n_columns || w->ast->n_values == w->target->schema.n_columns)
        return STATUS_OK;
    struct buf text;
    buf_init(&text, 0);
    buf_puts(&text, STR("Expected a value for each column. Expected Columns: ["));
    for (uint32_t i = 0; i < w->target->schema.n_columns; i++) {
        buf_puts(&text, i ? STR(", ") : STR(""));
        name_print_quoted(&text, w->target->schema.columns[i].name);
    }
    buf_puts(&text, STR("]. Got ["));
    for (uint32_t i = 0; i < w->ast->n_values; i++) {
        buf_puts(&text, i ? STR(", ") : STR(""));
        ast_expr_print(&text, w->ast->values[i]);
    }
    buf_putc(&text, ']');
    enum status st = row_error(w, w->ast->target.span, buf_z(&text));
    buf_free(&text);
    return st;
}

static enum status check_keys(struct inserting *w)
{
    const struct schema *schema = &w->target->schema;
    struct buf missing;
    buf_init(&missing, 0);
    for (uint32_t i = 0; i < schema->n_keys; i++)
        if (!w->given[i])
            buf_printf(&missing, "%s" STR_FMT, missing.len ? ", " : "", STR_ARG(schema->columns[i].name));
    enum status st = STATUS_OK;
    if (w->target->is_table && missing.len) {
        char *message =
            arena_printf(w->p->a, "Value for primary key column(s) %s is required for tables", buf_z(&missing));
        st = message ? row_error(w, w->ast->target.span, message) : plan_nomem(w->p);
    }
    buf_free(&missing);
    return st;
}

enum status plan_insert_values(struct planner *p, const struct ast_insert_values *ast, struct planned *out)
{
    struct inserting w = {.p = p, .ast = ast, .rowtime = p->context->now_ms};
    struct planned_insert *insert = NULL;
    enum status st = STATUS_OK;
    TRY(check_target(&w));
    TRY(check_headers(&w));
    TRY(check_count(&w));
    uint32_t n = w.target->schema.n_columns;
    w.values = PLAN_ARRAY(p, struct value, n);
    w.given = PLAN_ARRAY(p, bool, n);
    insert = PLAN_NEW(p, struct planned_insert);
    if (!w.values || !w.given || !insert)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < ast->n_values; i++) {
        if (ast->n_columns)
            TRY(set_named(&w, &ast->columns[i], ast->values[i]));
        else
            TRY(set_column(&w, i, ast->values[i]));
    }
    TRY(check_keys(&w));
    TRY(format_check_registry(p, w.target->topic, &w.target->formats));
    TRY(check_insert_key(p, w.target));
    *insert = (struct planned_insert){.target = w.target, .values = w.values, .rowtime = w.rowtime};
    out->kind = PLANNED_INSERT_VALUES;
    out->insert = insert;
done:
    return st;
}
