/* Columns from the schema registry: those that CREATE STREAM and CREATE TABLE leave out (rules.md 4.1 and 7.3), and the check
 * of a query's columns against the schema that CREATE AS names, and of keys that INSERT VALUES writes. Nothing is registered here. */
#include "planner/planner_int.h"

static const char *side_name(bool is_key)
{
    return is_key ? "key" : "value";
}

/* The same in the names of properties. */
static const char *side_prefix(bool is_key)
{
    return is_key ? "KEY" : "VALUE";
}

/* ---- fetching ---- */

static enum status not_there(struct planner *p, const char *topic, bool is_key, int32_t id)
{
    char which[300];
    if (id)
        snprintf(which, sizeof which, "Schema Id: %d", (int)id);
    else
        snprintf(which, sizeof which, "Subject: %s-%s", topic, side_name(is_key));
    enum status st = plan_error(p, p->statement->span,
                                "Schema for message %ss on topic '%s' does not exist in the Schema Registry.\n%s\n"
                                "Possible causes include:\n"
                                "- The topic itself does not exist\n\t-> Use SHOW TOPICS; to check\n"
                                "- Messages on the topic are not serialized using a format Schema Registry supports\n"
                                "\t-> Use PRINT '%s' FROM BEGINNING; to verify\n"
                                "- The schema is registered on a different instance of the Schema Registry\n"
                                "- You do not have permissions to access the Schema Registry.",
                                side_name(is_key), topic, which, topic);
    return st;
}

static enum status fetch(struct planner *p, const char *topic, bool is_key, const struct format_spec *spec,
                         const struct registered_schema **out)
{
    struct registry *r = p->context->registry;
    struct diag own = DIAG_INIT;
    if (!r)
        return format_lacks_registry(p->d, STATUS_STATEMENT, p->statement->span, spec->kind, topic);
    struct str subject = str_printf(p->a, "%s-%s", topic, side_name(is_key));
    if (!subject.p)
        return plan_nomem(p);
    enum status st =
        spec->schema_id ? registry_by_id(r, spec->schema_id, out, &own) : registry_by_subject(r, subject, 0, out, &own);
    if (st == STATUS_NOT_FOUND)
        return not_there(p, topic, is_key, spec->schema_id);
    if (st == STATUS_NOMEM)
        return plan_nomem(p);
    if (st != STATUS_OK)
        return diag_set_at(p->d, st, p->statement->span, "Schema registry fetch for topic %s failed. Topic: %s: %s",
                           side_name(is_key), topic, own.message);
    return STATUS_OK;
}

/* The schema's columns; `topic` is for the error. */
static enum status read_columns(struct planner *p, const char *topic, bool is_key, const struct format_spec *spec,
                                const struct registered_schema *schema, const struct schema_column **columns,
                                uint32_t *n)
{
    struct diag own = DIAG_INIT;
    enum status st = columns_from_schema(spec, p->context->registry, schema, is_key, p->a, columns, n, &own);
    if (st == STATUS_OK)
        return st;
    if (st == STATUS_NOMEM)
        return plan_nomem(p);
    if (st == STATUS_NOT_FOUND) /* there is a schema, but no message of the name that was asked for */
        return not_there(p, topic, is_key, spec->schema_id);
    if (st != STATUS_INVALID && st != STATUS_STATEMENT)
        return diag_set_at(p->d, st, p->statement->span, "%s", own.message);
    return plan_error(
        p, p->statement->span,
        "Unable to verify if the %s schema for topic: %s is compatible with ksqlDB.\nReason: %s\nSchema:" STR_FMT,
        side_name(is_key), topic, own.message, schema->text.len > 500 ? 500 : (int)schema->text.len, schema->text.p);
}

/* ---- the columns of CREATE STREAM and TABLE ---- */

static enum status check_type(struct planner *p, bool is_key, const struct format_spec *spec,
                              const struct registered_schema *schema)
{
    if (schema->type == format_schema_type(spec->kind))
        return STATUS_OK;
    const char *actual = format_name(format_of_schema(schema->type));
    return plan_error(p, p->statement->span,
                      "%s schema is not in the expected format. You may want to set %s_FORMAT to '%s'.\n"
                      "expected format: %s\nactual format from Schema Registry: %s",
                      is_key ? "Key" : "Value", side_prefix(is_key), actual, format_name(spec->kind), actual);
}

enum status infer_columns(struct planner *p, const char *topic, bool is_key, bool bare, struct format_spec *spec,
                          const struct schema_column **columns, uint32_t *n)
{
    enum status st = STATUS_OK;
    const struct registered_schema *schema;
    enum wrap_feature ignored;
    if (is_key)
        wrap_key(spec, 1, &ignored);
    else
        spec->wrapped = !bare;
    TRY(fetch(p, topic, is_key, spec, &schema));
    TRY(check_type(p, is_key, spec, schema));
    TRY(read_columns(p, topic, is_key, spec, schema, columns, n));
done:
    return st;
}

static bool take_header(const struct ast_element *from, struct ast_element *to)
{
    *to = *from;
    return from->role == AST_ROLE_HEADER || from->role == AST_ROLE_HEADERS;
}

static enum status to_element(struct planner *p, const struct schema_column *column, bool is_table,
                              struct ast_element *out)
{
    *out = (struct ast_element){.name = {.text = column->name}};
    if (column->role == ROLE_KEY)
        out->role = is_table ? AST_ROLE_PRIMARY_KEY : AST_ROLE_KEY;
    struct str type = type_text(p, column->type);
    return type.p ? parser_type_text(p->a, type, &out->type, p->d) : STATUS_NOMEM;
}

static enum status add_wrapping(struct planner *p, struct ast_properties *with)
{
    struct ast_property *items = PLAN_ARRAY(p, struct ast_property, with->n + 1);
    struct ast_expr *yes = PLAN_NEW(p, struct ast_expr);
    if (!items || !yes)
        return STATUS_NOMEM;
    *yes = (struct ast_expr){.kind = AST_BOOLEAN, .boolean = true};
    memcpy(items, with->items, with->n * sizeof *items);
    items[with->n++] = (struct ast_property){.name = {.text = STR("WRAP_SINGLE_VALUE")}, .value = yes};
    with->items = items;
    return STATUS_OK;
}

enum status infer_fill(struct planner *p, const struct ast_create_source *ast, const struct schema_column *columns,
                       uint32_t n, bool wrap, struct str *out)
{
    enum status st = STATUS_OK;
    struct ast_create_source filled = *ast;
    struct ast_element *elements = PLAN_ARRAY(p, struct ast_element, n + ast->n_elements);
    struct buf text;
    buf_init(&text, 0);
    if (!elements)
        return STATUS_NOMEM;
    filled.n_elements = 0;
    for (uint32_t i = 0; i < n; i++)
        if (columns[i].role == ROLE_KEY || columns[i].role == ROLE_VALUE)
            TRY(to_element(p, &columns[i], ast->is_table, &elements[filled.n_elements++]));
    for (uint32_t i = 0; i < ast->n_elements; i++)
        filled.n_elements += take_header(&ast->elements[i], &elements[filled.n_elements]);
    if (wrap)
        TRY(add_wrapping(p, &filled.with));
    filled.elements = elements;
    filled.has_elements = true;
    ast_format_stmt(&text, &filled.head);
    buf_putc(&text, ';');
    *out = planner_take(p, &text);
    return out->p ? STATUS_OK : STATUS_NOMEM;
done:
    buf_free(&text);
    return st;
}

/* ---- the schema of CREATE AS ---- */

static bool same_column(const struct schema_column *x, const struct schema_column *y)
{
    return str_eq(x->name, y->name) && type_eq(x->type, y->type);
}

static enum status compare_columns(struct planner *p, bool is_key, const struct schema_column *columns, uint32_t n,
                                   const struct schema_column *wanted, uint32_t n_wanted)
{
    struct schema_column *differing = PLAN_ARRAY(p, struct schema_column, n);
    uint32_t n_differing = 0;
    if (!differing)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        if (i >= n_wanted || !same_column(&columns[i], &wanted[i]))
            differing[n_differing++] = columns[i];
    if (!n_differing)
        return STATUS_OK;
    struct buf mine, theirs;
    buf_init(&mine, 0);
    buf_init(&theirs, 0);
    schema_print(&mine,
                 &(struct schema){.n_columns = n_differing, .n_keys = is_key ? n_differing : 0, .columns = differing});
    schema_print(&theirs, &(struct schema){.n_columns = n_wanted, .n_keys = is_key ? n_wanted : 0, .columns = wanted});
    enum status st = plan_error(p, p->statement->span,
                                "The following %s columns are changed, missing or reordered: [%s]. Schema from schema "
                                "registry is [%s]",
                                side_name(is_key), buf_z(&mine), buf_z(&theirs));
    buf_free(&mine);
    buf_free(&theirs);
    return st;
}

enum status check_schema_id(struct planner *p, const char *topic, bool is_key, const struct format_spec *spec,
                            const struct schema_column *columns, uint32_t n)
{
    enum status st = STATUS_OK;
    const struct registered_schema *schema;
    const struct schema_column *wanted;
    uint32_t n_wanted;
    if (!spec->schema_id || p->context->recorded)
        return STATUS_OK;
    if (!format_has_registry(spec->kind))
        return plan_error(p, p->statement->span,
                          "%s_SCHEMA_ID is provided but format %s doesn't support registering in Schema Registry",
                          side_prefix(is_key), format_name(spec->kind));
    TRY(fetch(p, topic, is_key, spec, &schema));
    if (schema->type != format_schema_type(spec->kind))
        return plan_error(p, p->statement->span,
                          "Format and fetched schema type using %s_SCHEMA_ID %d are different. Format: [%s], Fetched "
                          "schema type: [%s].",
                          side_prefix(is_key), (int)spec->schema_id, format_name(spec->kind),
                          schema_type_name(schema->type));
    TRY(read_columns(p, topic, is_key, spec, schema, &wanted, &n_wanted));
    st = compare_columns(p, is_key, columns, n, wanted, n_wanted);
done:
    return st;
}

/* ---- keys of INSERT VALUES ---- */

/* Names may be in any case. */
static bool same_type(const struct type *x, const struct type *y)
{
    if (x->kind != y->kind || !type_is_nested(x))
        return type_eq(x, y);
    if (x->kind != KIND_STRUCT)
        return (x->kind == KIND_ARRAY || same_type(x->key, y->key)) && same_type(x->element, y->element);
    bool same = x->n_fields == y->n_fields;
    for (uint32_t i = 0; same && i < x->n_fields; i++)
        same = str_eq_nocase(x->fields[i].name, y->fields[i].name) && same_type(x->fields[i].type, y->fields[i].type);
    return same;
}

static bool same_keys(const struct source *s, const struct schema_column *columns, uint32_t n)
{
    bool same = n == s->schema.n_keys, is_named = s->formats.key.wrapped;
    for (uint32_t i = 0; same && i < n; i++)
        same = (!is_named || str_eq_nocase(columns[i].name, s->schema.columns[i].name)) &&
               same_type(columns[i].type, s->schema.columns[i].type);
    return same;
}

enum status check_insert_key(struct planner *p, const struct source *s)
{
    const struct format_spec *key = &s->formats.key;
    const struct registered_schema *schema;
    const struct schema_column *columns;
    uint32_t n;
    struct diag own = DIAG_INIT;
    if (!format_has_registry(key->kind) || key->schema_id || !s->schema.n_keys || !p->context->registry)
        return STATUS_OK;
    struct str subject = str_printf(p->a, "%s-key", s->topic);
    if (!subject.p)
        return plan_nomem(p);
    if (registry_by_subject(p->context->registry, subject, 0, &schema, &own) != STATUS_OK ||
        schema->type != format_schema_type(key->kind) ||
        columns_from_schema(key, p->context->registry, schema, true, p->a, &columns, &n, &own) != STATUS_OK ||
        same_keys(s, columns, n))
        return STATUS_OK; /* what the registry has to say otherwise, it says to the encoder */
    struct buf theirs, mine;
    buf_init(&theirs, 0);
    buf_init(&mine, 0);
    schema_print(&theirs, &(struct schema){.n_columns = n, .n_keys = n, .columns = columns});
    schema_print(&mine, &(struct schema){
                            .n_columns = s->schema.n_keys, .n_keys = s->schema.n_keys, .columns = s->schema.columns});
    enum status st = plan_invalid(p, p->statement->span,
                                  "Cannot INSERT VALUES into data source `" STR_FMT "`. ksqlDB generated schema would "
                                  "overwrite existing key schema.\n\tExisting Schema: [%s]\n\tksqlDB Generated: [%s]",
                                  STR_ARG(s->name), buf_z(&theirs), buf_z(&mine));
    buf_free(&theirs);
    buf_free(&mine);
    return st;
}
