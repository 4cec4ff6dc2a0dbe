/* DROP, ALTER and custom types (rules.md 4.2, 4.3). */
#include "planner/planner_int.h"

static struct planned_ddl *ddl_new(struct planner *p, enum ddl_kind kind, struct str name, struct planned *out)
{
    struct planned_ddl *ddl = PLAN_NEW(p, struct planned_ddl);
    if (!ddl)
        return NULL;
    ddl->kind = kind;
    ddl->name = name;
    out->kind = PLANNED_DDL;
    out->ddl = ddl;
    return ddl;
}

static enum status say(struct planner *p, struct planned *out, const char *message)
{
    out->message = message;
    return message ? STATUS_OK : plan_nomem(p);
}

/* ---- DROP STREAM, DROP TABLE ---- */

static bool reads(const struct catalog_query *query, struct str name)
{
    for (uint32_t i = 0; i < query->n_sources; i++)
        if (str_eq(query->sources[i], name))
            return true;
    return false;
}

struct users {
    struct buf readers, writers, sinks; /* ids of INSERT queries; names of CREATE AS results */
};

static void add_to(struct buf *list, struct str name)
{
    buf_puts(list, list->len ? STR(", ") : STR(""));
    buf_puts(list, name);
}

static void find_users(const struct catalog *c, const struct source *s, struct users *u)
{
    MAP_EACH (catalog_queries(c), e) {
        const struct catalog_query *query = e->value;
        bool own = s->created_by && str_eq(str_from(query->id), str_from(s->created_by));
        if (query->kind == QUERY_INSERT && reads(query, s->name))
            add_to(&u->readers, str_from(query->id));
        if (query->kind == QUERY_INSERT && str_eq(query->sink, s->name))
            add_to(&u->writers, str_from(query->id));
        if (query->kind == QUERY_CREATE_AS && !own && reads(query, s->name))
            add_to(&u->sinks, query->sink);
    }
}

static enum status check_unused(struct planner *p, const struct ast_drop *ast, const struct source *s)
{
    struct users u;
    buf_init(&u.readers, 0);
    buf_init(&u.writers, 0);
    buf_init(&u.sinks, 0);
    find_users(p->catalog, s, &u);
    enum status st = STATUS_OK;
    if (u.readers.len || u.writers.len)
        st = plan_invalid(p, ast->head.span,
                          "Cannot drop " STR_FMT ".\nThe following queries read from this source: [%s].\nThe following "
                          "queries write into this source: [%s].\nYou need to terminate them before dropping " STR_FMT
                          ".",
                          STR_ARG(s->name), buf_z(&u.readers), buf_z(&u.writers), STR_ARG(s->name));
    else if (u.sinks.len)
        st = plan_invalid(p, ast->head.span,
                          "Cannot drop " STR_FMT ".\nThe following streams and/or tables read from this source: [%s].\n"
                          "You need to drop them before dropping " STR_FMT ".",
                          STR_ARG(s->name), buf_z(&u.sinks), STR_ARG(s->name));
    buf_free(&u.readers);
    buf_free(&u.writers);
    buf_free(&u.sinks);
    return st;
}

static enum status check_delete_topic(struct planner *p, const struct ast_drop *ast, const struct source *s)
{
    if (s->read_only)
        return plan_error(p, ast->head.span, "Cannot delete topic for read-only source: " STR_FMT, STR_ARG(s->name));
    struct buf others;
    buf_init(&others, 0);
    MAP_EACH (catalog_sources(p->catalog), e) {
        const struct source *other = e->value;
        if (!str_eq(other->name, s->name) && strcmp(other->topic, s->topic) == 0)
            add_to(&others, other->name);
    }
    enum status st = STATUS_OK;
    if (others.len)
        st = plan_error(p, ast->head.span, "Refusing to delete topic. Found other data sources (%s) using topic %s",
                        buf_z(&others), s->topic);
    buf_free(&others);
    return st;
}

static enum status drop_missing(struct planner *p, const struct ast_drop *ast, struct planned *out)
{
    struct str name = ast->name.text;
    if (ast->if_exists) {
        out->kind = PLANNED_NOTHING;
        return say(p, out, arena_printf(p->a, "Source `" STR_FMT "` does not exist.", STR_ARG(name)));
    }
    struct buf hint;
    buf_init(&hint, 0);
    catalog_hint(&hint, p->catalog, name, ast->is_table ? 't' : 's');
    enum status st = plan_invalid(p, ast->name.span, "%s " STR_FMT " does not exist.%s",
                                  ast->is_table ? "Table" : "Stream", STR_ARG(name), buf_z(&hint));
    buf_free(&hint);
    return st;
}

/* The query that ends with the source: its own CREATE AS, or the one that keeps a SOURCE TABLE. */
static const char *own_query(struct planner *p, const struct source *s)
{
    if (s->created_by)
        return str_dup(p->a, str_from(s->created_by)).p;
    MAP_EACH (catalog_queries(p->catalog), e) {
        const struct catalog_query *query = e->value;
        if (query->kind == QUERY_SOURCE_TABLE && reads(query, s->name))
            return str_dup(p->a, str_from(query->id)).p;
    }
    return NULL;
}

enum status plan_drop_source(struct planner *p, const struct ast_drop *ast, struct planned *out)
{
    const struct source *s = catalog_source(p->catalog, ast->name.text);
    if (!s)
        return drop_missing(p, ast, out);
    enum status st = STATUS_OK;
    if (s->is_table != ast->is_table)
        return plan_invalid(p, ast->name.span, "Incompatible data source type is %s, but statement was DROP %s",
                            source_kind_name(s), ast->is_table ? "table" : "stream");
    if (ast->delete_topic)
        TRY(check_delete_topic(p, ast, s));
    TRY(check_unused(p, ast, s));
    struct planned_ddl *ddl = ddl_new(p, DDL_DROP_SOURCE, ast->name.text, out);
    if (!ddl)
        return STATUS_NOMEM;
    ddl->is_table = ast->is_table;
    ddl->delete_topic = ast->delete_topic;
    ddl->drop_topic = ast->delete_topic ? str_dup(p->a, str_from(s->topic)).p : NULL;
    ddl->terminates = own_query(p, s);
    TRY(say(p, out, arena_printf(p->a, "Source `" STR_FMT "` (topic: %s) was dropped.", STR_ARG(s->name), s->topic)));
done:
    return st;
}

/* ---- ALTER ---- */

static enum status check_alter(struct planner *p, const struct ast_alter_source *ast, const struct source *s)
{
    const char *kind = ast->is_table ? "table" : "stream";
    if (!s)
        return plan_invalid(p, ast->name.span, "Source " STR_FMT " does not exist.", STR_ARG(ast->name.text));
    if (s->is_table != ast->is_table)
        return plan_invalid(p, ast->name.span, "Incompatible data source type is %s, but statement was ALTER %s",
                            s->is_table ? "TABLE" : "STREAM", ast->is_table ? "TABLE" : "STREAM");
    if (s->read_only)
        return plan_invalid(p, ast->name.span,
                            "Cannot alter %s '" STR_FMT "': ALTER operations are not supported on source %ss.", kind,
                            STR_ARG(s->name), kind);
    if (s->created_by)
        return plan_invalid(p, ast->name.span, "ALTER command is not supported for CREATE ... AS statements.");
    return STATUS_OK;
}

static enum status altered_columns(struct planner *p, const struct ast_alter_source *ast, const struct source *old,
                                   struct schema_column *columns)
{
    uint32_t n = old->schema.n_columns;
    for (uint32_t i = 0; i < n; i++)
        columns[i] = old->schema.columns[old->declared[i]];
    for (uint32_t i = 0; i < ast->n_elements; i++) {
        const struct ast_element *e = &ast->elements[i];
        for (uint32_t j = 0; j < n + i; j++)
            if (str_eq(columns[j].name, e->name.text))
                return plan_invalid(p, e->span,
                                    "Cannot add column `" STR_FMT
                                    "` to schema. A column with the same name already exists.",
                                    STR_ARG(e->name.text));
        if (is_pseudo_name(e->name.text))
            return plan_error(p, e->span,
                              "'" STR_FMT "' is a reserved column name. You cannot use it as a name for a column.",
                              STR_ARG(e->name.text));
        columns[n + i] =
            (struct schema_column){.name = e->name.text, .type = planner_type(p, e->type), .role = ROLE_VALUE};
        if (!columns[n + i].type)
            return p->d->code;
    }
    return STATUS_OK;
}

enum status plan_alter_source(struct planner *p, const struct ast_alter_source *ast, struct planned *out)
{
    const struct source *old = catalog_source(p->catalog, ast->name.text);
    enum status st = check_alter(p, ast, old);
    if (st != STATUS_OK)
        return st;
    uint32_t n = old->schema.n_columns + ast->n_elements;
    struct source *s = source_copy_into(p, old);
    struct schema_column *columns = PLAN_ARRAY(p, struct schema_column, n);
    struct planned_ddl *ddl = ddl_new(p, DDL_ALTER_SOURCE, ast->name.text, out);
    if (!s || !columns || !ddl)
        return STATUS_NOMEM;
    TRY(altered_columns(p, ast, s, columns));
    struct schema old_schema = s->schema;
    TRY(schema_from_columns(p, columns, n, s));
    if (s->timestamp.kind != TS_RECORD)
        s->timestamp.column = (uint32_t)schema_find(&s->schema, old_schema.columns[s->timestamp.column].name);
    s->formats.value.wrapped = s->value_properties.wrap == WRAP_NONE ? s->formats.value.wrapped : true;
    s->value_properties.wrap = WRAP_NONE;
    TRY(format_check_schema(p, &s->formats.value, WRAP_NONE, source_value_columns(s), source_n_values(s), false));
    ddl->source = s;
    ddl->is_table = ast->is_table;
    TRY(say(
        p, out,
        arena_printf(p->a, "%s " STR_FMT " altered.", ast->is_table ? "Table" : "Stream", STR_ARG(ast->name.text))));
done:
    return st;
}

/* ---- types ---- */

enum status plan_create_type(struct planner *p, const struct ast_create_type *ast, struct planned *out)
{
    struct str name = ast->name.text;
    const struct custom_type *old = catalog_type(p->catalog, name);
    if (old) {
        struct str text = type_text(p, old->type);
        if (!ast->if_not_exists)
            return plan_invalid(p, ast->name.span,
                                "Cannot register custom type '" STR_FMT
                                "' since it is already registered with type: " STR_FMT,
                                STR_ARG(name), STR_ARG(text));
        out->kind = PLANNED_NOTHING;
        return say(
            p, out,
            arena_printf(p->a, STR_FMT " is already registered with type " STR_FMT, STR_ARG(name), STR_ARG(text)));
    }
    struct planned_ddl *ddl = ddl_new(p, DDL_CREATE_TYPE, name, out);
    if (!ddl || !(ddl->type = planner_type(p, ast->type)))
        return p->d->code;
    return say(p, out,
               arena_printf(p->a, "Registered custom type with name '" STR_FMT "' and SQL type " STR_FMT, STR_ARG(name),
                            STR_ARG(type_text(p, ddl->type))));
}

enum status plan_drop_type(struct planner *p, const struct ast_drop *ast, struct planned *out)
{
    struct str name = ast->name.text;
    if (!catalog_type(p->catalog, name)) {
        if (!ast->if_exists)
            return plan_invalid(p, ast->name.span, "Type " STR_FMT " does not exist.", STR_ARG(name));
        out->kind = PLANNED_NOTHING;
        return say(p, out, arena_printf(p->a, "Type '" STR_FMT "' does not exist", STR_ARG(name)));
    }
    if (!ddl_new(p, DDL_DROP_TYPE, name, out))
        return STATUS_NOMEM;
    return say(p, out, arena_printf(p->a, "Dropped type '" STR_FMT "'", STR_ARG(name)));
}
