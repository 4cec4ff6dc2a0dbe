/* CREATE STREAM and CREATE TABLE over a topic: the rules of rules.md 4.1, in their order. */
#include "planner/logical/logical.h"

struct inferred {
    const struct schema_column *columns;
    uint32_t n;
};

struct creating {
    struct planner *p;
    const struct ast_create_source *ast;
    struct with with;
    struct source *source;
    struct inferred inferred_keys, inferred_values; /* columns that the statement does not list */
    struct schema_column *columns;                  /* all: from the registry and from the statement */
    uint32_t n_columns;
    bool wraps_anyway; /* the schema of a single value is that of a record, whatever the session's properties say */
};

static const char *kind_of(const struct creating *c)
{
    return c->ast->is_table ? "table" : "stream";
}

/* ---- formats ---- */

static enum status side_format(struct creating *c, const struct with_side *side, bool is_key, struct format_spec *spec)
{
    struct planner *p = c->p;
    struct str name = side->format;
    if (!name.p && is_key && !planner_property(p, "ksql.persistence.default.format.key", &name))
        name = STR("KAFKA");
    if (!name.p && !is_key && !planner_property(p, "ksql.persistence.default.format.value", &name))
        return plan_error(
            p, c->ast->head.span,
            "Statement is missing the 'VALUE_FORMAT' property from the WITH clause. Either provide one or "
            "set a default via the 'ksql.persistence.default.format.value' config.");
    enum status st = format_from_name(p, name, side->format_span, &spec->kind);
    spec->delimiter = side->delimiter;
    return st;
}

static bool is_key_role(enum ast_role role)
{
    return role == AST_ROLE_KEY || role == AST_ROLE_PRIMARY_KEY;
}

static bool has_columns_of(const struct creating *c, bool keys)
{
    for (uint32_t i = 0; i < c->ast->n_elements; i++) {
        enum ast_role role = c->ast->elements[i].role;
        if (is_key_role(role) == keys && role != AST_ROLE_HEADER && role != AST_ROLE_HEADERS)
            return true;
    }
    return false;
}

/* Takes the side's columns from the schema registry if the statement has none and the format knows one. */
static enum status infer_side(struct creating *c, bool is_key)
{
    struct planner *p = c->p;
    struct format_spec *spec = is_key ? &c->source->formats.key : &c->source->formats.value;
    const struct with_side *side = is_key ? &c->with.key : &c->with.value;
    struct inferred *out = is_key ? &c->inferred_keys : &c->inferred_values;
    const char *name = is_key ? "KEY" : "VALUE";
    bool has_id = side->serde.schema_id >= 0, has_columns = has_columns_of(c, is_key);
    if (p->context->recorded)
        return STATUS_OK;
    if (has_id && !format_has_registry(spec->kind))
        return plan_error(p, c->ast->head.span,
                          "%s_FORMAT should support schema inference when %s_SCHEMA_ID is provided. Current format is "
                          "%s.",
                          name, name, format_name(spec->kind));
    if (has_id && has_columns)
        return plan_error(p, c->ast->head.span,
                          "Table elements and %s_SCHEMA_ID cannot both exist for create statement.", name);
    if (!format_has_registry(spec->kind) || has_columns)
        return STATUS_OK;
    struct str topic = str_dup(p->a, c->with.topic);
    if (!topic.p)
        return plan_nomem(p);
    bool bare = !is_key && c->with.has_wrap && !c->with.wrap;
    enum status st = infer_columns(p, topic.p, is_key, bare, spec, &out->columns, &out->n);
    if (st == STATUS_OK && !is_key && out->n == 1 && !c->with.has_wrap &&
        !planner_flag(p, "ksql.persistence.wrap.single.values", true))
        c->wraps_anyway = c->with.has_wrap = c->with.wrap = true;
    return st;
}

static enum status resolve_formats(struct creating *c)
{
    struct topic_formats *formats = &c->source->formats;
    enum status st = STATUS_OK;
    TRY(side_format(c, &c->with.key, true, &formats->key));
    TRY(side_format(c, &c->with.value, false, &formats->value));
    TRY(format_check_properties(c->p, formats->key.kind, &c->with.key));
    TRY(format_check_properties(c->p, formats->value.kind, &c->with.value));
    format_take_properties(&formats->key, &c->with.key.serde);
    format_take_properties(&formats->value, &c->with.value.serde);
    TRY(infer_side(c, true));
    TRY(infer_side(c, false));
    TRY(format_name_key(c->p, &formats->key, c->source->name));
    c->source->key_properties = c->with.key.serde;
    c->source->value_properties = c->with.value.serde;
    formats->window = c->with.window;
    formats->window_size = c->with.window_size;
done:
    return st;
}

/* ---- columns ---- */

static bool is_headers_type(const struct type *t)
{
    const struct type *s = t->kind == KIND_ARRAY ? t->element : NULL;
    return s && s->kind == KIND_STRUCT && s->n_fields == 2 && str_eq(s->fields[0].name, STR("KEY")) &&
           s->fields[0].type->kind == KIND_STRING && str_eq(s->fields[1].name, STR("VALUE")) &&
           s->fields[1].type->kind == KIND_BYTES;
}

static enum status check_header_type(struct planner *p, const struct ast_element *e, const struct type *t)
{
    if (e->role == AST_ROLE_HEADERS && !is_headers_type(t))
        return plan_error(
            p, e->span,
            "Invalid type for HEADERS column: expected ARRAY<STRUCT<`KEY` STRING, `VALUE` BYTES>>, got " STR_FMT,
            STR_ARG(type_text(p, t)));
    if (e->role == AST_ROLE_HEADER && t->kind != KIND_BYTES)
        return plan_error(p, e->span, "Invalid type for HEADER('" STR_FMT "') column: expected BYTES, got " STR_FMT,
                          STR_ARG(e->header), STR_ARG(type_text(p, t)));
    return STATUS_OK;
}

/* Types are checked when the statement is prepared, before anything else is. */
static enum status resolve_types(struct creating *c, struct schema_column *columns)
{
    static const enum column_role roles[] = {
        [AST_ROLE_NONE] = ROLE_VALUE,      [AST_ROLE_KEY] = ROLE_KEY,       [AST_ROLE_PRIMARY_KEY] = ROLE_KEY,
        [AST_ROLE_HEADERS] = ROLE_HEADERS, [AST_ROLE_HEADER] = ROLE_HEADER,
    };
    struct planner *p = c->p;
    for (uint32_t i = 0; i < c->ast->n_elements; i++) {
        const struct ast_element *e = &c->ast->elements[i];
        columns[i] = (struct schema_column){
            .name = e->name.text, .type = planner_type(p, e->type), .role = roles[e->role], .header = e->header};
        enum status st = columns[i].type ? check_header_type(p, e, columns[i].type) : p->d->code;
        if (st != STATUS_OK) {
            if (st != STATUS_NOMEM)
                diag_prefix(p->d, "Failed to prepare statement: ");
            return st;
        }
    }
    return STATUS_OK;
}

static enum status check_header_columns(struct creating *c)
{
    bool has_all = false;
    for (uint32_t i = 0; i < c->ast->n_elements; i++) {
        const struct ast_element *e = &c->ast->elements[i];
        if (e->role != AST_ROLE_HEADERS && e->role != AST_ROLE_HEADER)
            continue;
        if (has_all)
            return plan_error(c->p, e->span, "Schema already contains a HEADERS column.");
        has_all = e->role == AST_ROLE_HEADERS;
        for (uint32_t j = 0; j < i; j++) {
            const struct ast_element *other = &c->ast->elements[j];
            if (other->role == AST_ROLE_HEADER && (has_all || str_eq(other->header, e->header)))
                return plan_error(c->p, e->span, "Schema already contains a HEADER('" STR_FMT "') column.",
                                  STR_ARG(other->header));
        }
        if (!planner_flag(c->p, "ksql.headers.columns.enabled", true))
            return plan_error(c->p, e->span, "Cannot create %s because schema with headers columns is disabled.",
                              c->ast->is_table ? "TABLE" : "STREAM");
    }
    return STATUS_OK;
}

static uint32_t append(struct schema_column *to, const struct inferred *from)
{
    if (from->n)
        memcpy(to, from->columns, from->n * sizeof *to);
    return from->n;
}

/* Inferred keys, the statement's columns, inferred values. */
static enum status add_inferred(struct creating *c, const struct schema_column *declared)
{
    const struct inferred own = {declared, c->ast->n_elements};
    c->columns = PLAN_ARRAY(c->p, struct schema_column, c->inferred_keys.n + own.n + c->inferred_values.n);
    if (!c->columns)
        return STATUS_NOMEM;
    c->n_columns = append(c->columns, &c->inferred_keys);
    c->n_columns += append(c->columns + c->n_columns, &own);
    c->n_columns += append(c->columns + c->n_columns, &c->inferred_values);
    return STATUS_OK;
}

/* The parser has seen to those that the statement lists. */
static enum status check_duplicates(struct creating *c)
{
    for (uint32_t i = 0; i < c->n_columns; i++)
        for (uint32_t j = 0; j < i; j++)
            if (str_eq(c->columns[i].name, c->columns[j].name)) {
                struct buf name;
                buf_init(&name, 0);
                name_print_quoted(&name, c->columns[i].name);
                enum status st = plan_error(c->p, c->ast->head.span, "Duplicate column names: %s", buf_z(&name));
                buf_free(&name);
                return st;
            }
    return STATUS_OK;
}

static enum status check_columns(struct creating *c)
{
    struct planner *p = c->p;
    if (c->n_columns == 0)
        return plan_error(p, c->ast->head.span, "No columns supplied.");
    for (uint32_t i = 0; i < c->n_columns; i++)
        if (is_pseudo_name(c->columns[i].name))
            return plan_error(p, c->ast->head.span,
                              "'" STR_FMT "' is a reserved column name. You cannot use it as a name for a column.",
                              STR_ARG(c->columns[i].name));
    enum status st = c->inferred_keys.n || c->inferred_values.n ? check_duplicates(c) : STATUS_OK;
    return st == STATUS_OK ? check_header_columns(c) : st;
}

static enum status check_wrapping(struct creating *c)
{
    struct source *s = c->source;
    enum status st = wrap_value(c->p, &s->formats.value, source_n_values(s), c->with.has_wrap ? c->with.wrap : -1,
                                &s->value_properties.wrap);
    wrap_key(&s->formats.key, s->schema.n_keys, &s->key_properties.wrap);
    return st;
}

static enum status check_source_rules(struct creating *c)
{
    struct planner *p = c->p;
    struct source *s = c->source;
    if (s->is_table && s->schema.n_keys == 0 && c->inferred_values.n && s->formats.value.schema_id)
        return plan_error(
            p, c->ast->head.span,
            "Tables require a PRIMARY KEY. Please define the PRIMARY KEY.\nUse a partial schema to define "
            "the primary key and still load the value columns from the Schema Registry, for "
            "example:\n\tCREATE TABLE " STR_FMT " (ID INT PRIMARY KEY) WITH (...);",
            STR_ARG(s->name));
    if (s->is_table && s->schema.n_keys == 0)
        return plan_error(p, c->ast->head.span, "Tables require a PRIMARY KEY. Please define the PRIMARY KEY.");
    const struct source *old = catalog_source(p->catalog, s->name);
    if (c->ast->or_replace && (c->ast->is_source || (old && old->read_only)))
        return plan_error(p, c->ast->head.span,
                          "Cannot add %s '" STR_FMT "': CREATE OR REPLACE is not supported on source %ss.", kind_of(c),
                          STR_ARG(s->name), kind_of(c));
    return STATUS_OK;
}

static enum status check_schema(struct creating *c)
{
    struct source *s = c->source;
    enum status st =
        format_check_schema(c->p, &s->formats.key, s->key_properties.wrap, s->schema.columns, s->schema.n_keys, true);
    if (st == STATUS_OK)
        st = format_check_schema(c->p, &s->formats.value, s->value_properties.wrap, source_value_columns(s),
                                 source_n_values(s), false);
    if (st == STATUS_OK && s->schema.window != WINDOW_NONE && s->schema.n_keys == 0)
        st = plan_error(c->p, c->ast->head.span, "Windowed sources require a key column.");
    return st;
}

static enum status resolve_timestamp(struct creating *c)
{
    c->source->timestamp_column = c->with.timestamp;
    return timestamp_resolve(c->p, &c->source->schema, c->with.timestamp, c->with.timestamp_format,
                             &c->source->timestamp);
}

/* ---- a SOURCE TABLE keeps itself ---- */

static enum status plan_source_table(struct creating *c, struct planned *out)
{
    struct planner *p = c->p;
    char *id = arena_printf(p->a, "CST_" STR_FMT "_%llu", STR_ARG(c->source->name),
                            (unsigned long long)p->context->query_number);
    struct ast_query *ast = PLAN_NEW(p, struct ast_query);
    struct query *q = PLAN_NEW(p, struct query);
    struct query_source *sources = PLAN_NEW(p, struct query_source);
    const struct logical *node = logical_source(p, c->source, "KsqlTopic");
    if (!id || !ast || !q || !sources || !node)
        return plan_nomem(p);
    *sources = (struct query_source){.source = c->source, .alias = c->source->name};
    q->ast = ast;
    q->n_sources = 1;
    q->sources = sources;
    struct sink_target target = {.kind = TARGET_CLIENT};
    out->logical = node;
    out->rewritten = rewrite_changelog(p, node, true);
    struct plan *plan = out->rewritten ? physical_plan(p, out->rewritten, &target, q, id) : NULL;
    if (!plan)
        return p->d->code;
    ((struct step *)(uintptr_t)plan->stages[0].sources[0])->source.force_changelog = true;
    out->plan = plan;
    out->query_id = id;
    out->query_kind = QUERY_SOURCE_TABLE;
    return format_check_registry(p, c->source->topic, &c->source->formats);
}

/* ---- the statement ---- */

static enum status already_there(struct creating *c, struct planned *out)
{
    const struct source *old = catalog_source(c->p->catalog, c->ast->name.text);
    out->kind = PLANNED_NOTHING;
    out->message = arena_printf(c->p->a, "Cannot add %s `" STR_FMT "`: A %s with the same name already exists.",
                                kind_of(c), STR_ARG(c->ast->name.text), source_kind_name(old));
    return out->message ? STATUS_OK : plan_nomem(c->p);
}

static enum status finish(struct creating *c, struct planned *out)
{
    struct planner *p = c->p;
    struct planned_ddl *ddl = PLAN_NEW(p, struct planned_ddl);
    if (!ddl)
        return STATUS_NOMEM;
    const struct source *old = catalog_source(p->catalog, c->source->name);
    *ddl = (struct planned_ddl){
        .kind = DDL_CREATE_SOURCE, .name = c->source->name, .source = c->source, .replaces = old != NULL};
    out->kind = PLANNED_DDL;
    out->ddl = ddl;
    out->message = c->ast->is_table ? "Table created" : "Stream created";
    enum status st = old ? check_replaceable(p, old, c->source) : STATUS_OK;
    if (st == STATUS_OK && (c->inferred_keys.n || c->inferred_values.n)) {
        st = infer_fill(p, c->ast, c->columns, c->n_columns, c->wraps_anyway, &out->filled);
        c->source->sql = out->filled;
    }
    if (st == STATUS_OK && c->ast->is_source && c->ast->is_table)
        st = plan_source_table(c, out);
    return st;
}

enum status plan_create_source(struct planner *p, const struct ast_create_source *ast, struct planned *out)
{
    struct creating c = {.p = p, .ast = ast, .source = source_new(p, ast->name.text, ast->is_table)};
    struct schema_column *columns = PLAN_ARRAY(p, struct schema_column, ast->n_elements);
    if (!c.source || !columns)
        return STATUS_NOMEM;
    enum status st = STATUS_OK;
    c.source->read_only = ast->is_source;
    TRY(resolve_types(&c, columns));
    TRY(with_parse(p, &ast->with, WITH_CREATE_SOURCE, &c.with));
    if (ast->is_table && c.with.retention_ms >= 0)
        TRY(plan_error(p, ast->with.span,
                       "Invalid config variable in the WITH clause: RETENTION_MS. Non-windowed tables do not support "
                       "retention."));
    TRY(resolve_formats(&c));
    TRY(topic_for_source(p, &c.with, ast->head.span, &out->topic));
    TRY(add_inferred(&c, columns));
    TRY(check_columns(&c));
    TRY(schema_from_columns(p, c.columns, c.n_columns, c.source));
    c.source->schema.window = c.with.window;
    c.source->schema.window_size = c.with.window_size;
    c.source->topic = out->topic.name;
    c.source->partitions = out->topic.partitions;
    out->topic.compact = ast->is_table;
    out->topic.delete_old = !ast->is_table;
    TRY(check_wrapping(&c));
    if (!ast->is_table)
        TRY(resolve_timestamp(&c));
    if (ast->if_not_exists && catalog_source(p->catalog, ast->name.text))
        return already_there(&c, out);
    TRY(check_source_rules(&c));
    TRY(check_name_free(p, ast->name.text, ast->is_table, ast->or_replace));
    if (ast->is_table)
        TRY(resolve_timestamp(&c));
    TRY(check_schema(&c));
    TRY(finish(&c, out));
done:
    return st;
}
