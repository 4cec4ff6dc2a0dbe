/* Mistakes that the grammar lets pass and that are found when a part of a statement is complete: duplicates, kinds of
 * key columns, types of header columns, counts. Only the first mistake of a statement is kept. */
#include "parser/parser_int.h"

static bool is_type_named(const struct ast_type *t, struct str name)
{
    return t->kind == AST_TYPE_NAME && str_eq(t->name.text, name);
}

static bool is_string(const struct ast_type *t)
{
    return is_type_named(t, STR("STRING")) || is_type_named(t, STR("VARCHAR"));
}

static bool is_header_list(const struct ast_type *t)
{
    if (t->kind != AST_TYPE_ARRAY || t->element->kind != AST_TYPE_STRUCT || t->element->n_fields != 2)
        return false;
    const struct ast_field *f = t->element->fields;
    return str_eq(f[0].name.text, STR("KEY")) && is_string(f[0].type) && str_eq(f[1].name.text, STR("VALUE")) &&
           is_type_named(f[1].type, STR("BYTES"));
}

/* As messages show types; as written where it cannot be resolved without the custom types. */
static void print_type(struct builder *b, struct buf *out, const struct ast_type *t)
{
    const struct type *type;
    if (parser_type(b->arena, t, NULL, NULL, &type, NULL) == STATUS_OK)
        type_print(out, type);
    else
        ast_format_type(out, t);
}

static void check_header(struct builder *b, const struct ast_element *e)
{
    struct buf got;
    if (e->role == AST_ROLE_HEADERS ? is_header_list(e->type) : is_type_named(e->type, STR("BYTES")))
        return;
    buf_init(&got, 0);
    print_type(b, &got, e->type);
    if (e->role == AST_ROLE_HEADERS)
        build_mistake(b, e->span,
                      "Invalid type for HEADERS column: expected ARRAY<STRUCT<`KEY` STRING, `VALUE` BYTES>>, got %s",
                      buf_z(&got));
    else
        build_mistake(b, e->span, "Invalid type for HEADER('" STR_FMT "') column: expected BYTES, got %s",
                      STR_ARG(e->header), buf_z(&got));
    buf_free(&got);
}

static void check_key_kind(struct builder *b, bool is_table, const struct ast_element *e)
{
    bool primary = e->role == AST_ROLE_PRIMARY_KEY;
    if (primary == is_table)
        return;
    struct buf name;
    buf_init(&name, 0);
    name_print_quoted(&name, e->name.text);
    build_mistake_bare(b, e->span, buf_z(&name),
                       "Line: %u, Col: %u: Column %s is a '%s' column: please use '%s' for %s.\n"
                       "Tables have PRIMARY KEYs, which are unique and NON NULL.\n"
                       "Streams have KEYs, which have no uniqueness or NON NULL constraints.",
                       e->span.line, e->span.column, buf_z(&name), primary ? "PRIMARY KEY" : "KEY",
                       primary ? "KEY" : "PRIMARY KEY", is_table ? "tables" : "streams");
    buf_free(&name);
}

static void check_duplicate_elements(struct builder *b, const struct ast_element *elements, uint32_t n)
{
    struct map seen;
    struct buf names;
    map_init(&seen);
    buf_init(&names, 1000);
    for (uint32_t i = 0; i < n; i++) {
        struct str name = elements[i].name.text;
        void *before = map_get(&seen, name);
        if (before == &seen) {
            buf_puts(&names, names.len ? STR(", ") : STR(""));
            name_print_quoted(&names, name);
        }
        /* The second value marks a name that was reported. */
        if (!map_put(&seen, name, before ? (void *)&names : (void *)&seen))
            build_nomem(b);
    }
    if (names.len)
        build_mistake(b, elements[0].span, "Duplicate column names: %s", buf_z(&names));
    buf_free(&names);
    map_free(&seen);
}

void check_elements(struct builder *b, bool is_table, const struct ast_element *elements, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct ast_element *e = &elements[i];
        if (e->role == AST_ROLE_KEY || e->role == AST_ROLE_PRIMARY_KEY)
            check_key_kind(b, is_table, e);
        else if (e->role != AST_ROLE_NONE)
            check_header(b, e);
    }
    check_duplicate_elements(b, elements, n);
}

void check_keys(struct builder *b, const char *clause, const struct ast_keys *keys)
{
    struct map seen;
    struct buf text;
    if (keys->n == 0) {
        build_mistake(b, keys->span, "%s requires at least one expression", clause);
        return;
    }
    map_init(&seen);
    buf_init(&text, 0);
    for (uint32_t i = 0; keys->n > 1 && i < keys->n && !b->mistake && b->status == STATUS_OK; i++) {
        text.len = 0;
        ast_format_expr(&text, keys->exprs[i]);
        if (text.failed) {
            build_nomem(b);
        } else if (map_get(&seen, buf_str(&text))) {
            text.len = 0;
            ast_expr_print(&text, keys->exprs[i]);
            build_mistake(b, keys->exprs[i]->span, "Duplicate %s expression: %s", clause, buf_z(&text));
        } else if (!map_put(&seen, buf_str(&text), &seen)) {
            build_nomem(b);
        }
    }
    buf_free(&text);
    map_free(&seen);
}

void check_columns(struct builder *b, const struct ast_insert_values *s)
{
    struct buf columns, values;
    buf_init(&columns, 600);
    buf_init(&values, 600);
    for (uint32_t i = 0; i < s->n_columns && !columns.failed; i++) {
        buf_puts(&columns, i ? STR(", ") : STR(""));
        name_print_quoted(&columns, s->columns[i].text);
    }
    for (uint32_t i = 0; i < s->n_values && !values.failed; i++) {
        buf_puts(&values, i ? STR(", ") : STR(""));
        ast_expr_print(&values, s->values[i]);
    }
    build_mistake(b, s->target.span, "Expected number columns and values to match: [%.*s], [%.*s]", (int)columns.len,
                  columns.len ? columns.p : "", (int)values.len, values.len ? values.p : "");
    buf_free(&columns);
    buf_free(&values);
}
