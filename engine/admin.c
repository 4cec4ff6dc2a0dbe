/* Statements that only look: LIST/SHOW, DESCRIBE, EXPLAIN, ASSERT TOPIC. Answers are tables of texts. */
#include "engine/engine_int.h"

/* A table of texts under construction. */
struct text_table {
    struct arena arena;
    size_t n_columns, n_cells, cap_cells;
    const char **cells;
    bool failed;
};

static void table_init(struct text_table *t, size_t n_columns)
{
    *t = (struct text_table){.n_columns = n_columns};
    arena_init(&t->arena, 0);
}

static void table_free(struct text_table *t)
{
    mem_free(t->cells);
    arena_free(&t->arena);
}

static void table_put(struct text_table *t, struct str s)
{
    if (t->n_cells == t->cap_cells) {
        size_t cap = t->cap_cells ? t->cap_cells * 2 : 64;
        const char **cells = mem_realloc(t->cells, cap * sizeof *cells);
        if (!cells) {
            t->failed = true;
            return;
        }
        t->cells = cells;
        t->cap_cells = cap;
    }
    t->cells[t->n_cells] = str_dup(&t->arena, s).p;
    t->failed |= !t->cells[t->n_cells];
    t->n_cells++;
}

static void table_put_z(struct text_table *t, const char *z)
{
    table_put(t, str_from(z ? z : ""));
}

static void table_put_number(struct text_table *t, int64_t v)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)v);
    table_put_z(t, text);
}

static enum status table_send(struct text_table *t, const struct engine_sink *sink, const char *title,
                              const char *const *columns, struct diag *d)
{
    enum status st = STATUS_OK;
    if (t->failed)
        st = diag_nomem(d);
    else if (sink && sink->table)
        st = sink->table(sink->data, title, columns, t->n_columns, t->cells, t->n_cells / t->n_columns);
    table_free(t);
    return st;
}

static enum status list_sources(struct engine *e, bool tables, const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Name", "Kafka Topic", "Key Format", "Value Format", "Windowed"};
    struct text_table t;
    table_init(&t, 5);
    MAP_EACH(catalog_sources(e->catalog), entry) {
        const struct source *s = entry->value;
        if (s->is_table != tables)
            continue;
        table_put(&t, s->name);
        table_put_z(&t, s->topic);
        table_put_z(&t, format_name(s->formats.key.kind));
        table_put_z(&t, format_name(s->formats.value.kind));
        table_put_z(&t, s->schema.window != WINDOW_NONE ? "true" : "false");
    }
    return table_send(&t, sink, tables ? "Tables" : "Streams", columns, d);
}

static enum status list_topics(struct engine *e, bool all, const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Kafka Topic", "Partitions", "Partition Replicas"};
    struct text_table t;
    struct topic_spec *topics;
    size_t n;
    table_init(&t, 3);
    enum status st = topic_list(e->log, &t.arena, &topics, &n, d);
    if (st != STATUS_OK) {
        table_free(&t);
        return st;
    }
    for (size_t i = 0; i < n; i++) {
        if (!all && topics[i].name[0] == '_')
            continue; /* internal: of weir, of Kafka */
        table_put_z(&t, topics[i].name);
        table_put_number(&t, topics[i].n_partitions);
        table_put_number(&t, topics[i].replicas > 0 ? topics[i].replicas : 1);
    }
    return table_send(&t, sink, "Topics", columns, d);
}

static const char *state_name(const struct query_status *s)
{
    static const char *const names[] = {"RUNNING", "RECOVERING", "ERROR", "DRAINED", "STOPPED"};
    return names[s->state];
}

static enum status list_queries(struct engine *e, const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Query ID", "Status", "Sink Name", "State KB", "Records In", "Records Out",
                                          "Query String"};
    struct text_table t;
    table_init(&t, 7);
    MAP_EACH(catalog_queries(e->catalog), entry) {
        const struct catalog_query *q = entry->value;
        struct query_status s = {.state = QUERY_STOPPED};
        executor_status(e->executor, q->id, &s);
        table_put_z(&t, q->id);
        table_put_z(&t, state_name(&s));
        table_put(&t, q->sink.p ? q->sink : STR(""));
        table_put_number(&t, (int64_t)(s.memory / 1024));
        table_put_number(&t, s.records_in);
        table_put_number(&t, s.records_out);
        table_put(&t, q->sql);
    }
    return table_send(&t, sink, "Queries", columns, d);
}

static enum status list_functions(const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Function Name", "Type", "Category"};
    static const char *const kinds[] = {"SCALAR", "AGGREGATE", "TABLE"};
    struct text_table t;
    size_t n;
    const struct function *const *all = functions_all(&n);
    table_init(&t, 3);
    for (size_t i = 0; i < n; i++) {
        table_put_z(&t, all[i]->name);
        table_put_z(&t, kinds[all[i]->kind]);
        table_put_z(&t, all[i]->category);
    }
    return table_send(&t, sink, "Functions", columns, d);
}

static enum status list_pairs(const struct map *m, const char *title, const char *const *columns,
                              const struct engine_sink *sink, struct diag *d)
{
    struct text_table t;
    table_init(&t, 2);
    MAP_EACH(m, entry) {
        table_put(&t, entry->key);
        table_put_z(&t, entry->value);
    }
    return table_send(&t, sink, title, columns, d);
}

static enum status list_types(struct engine *e, const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Type Name", "Schema"};
    struct text_table t;
    struct buf b;
    table_init(&t, 2);
    buf_init(&b, 0);
    MAP_EACH(catalog_types(e->catalog), entry) {
        const struct custom_type *type = entry->value;
        b.len = 0;
        type_print(&b, type->type);
        table_put(&t, type->name);
        table_put(&t, buf_str(&b));
    }
    t.failed |= b.failed;
    buf_free(&b);
    return table_send(&t, sink, "Types", columns, d);
}

static enum status unsupported(const struct ast_stmt *statement, const char *what, struct diag *d)
{
    return diag_set_at(d, STATUS_UNSUPPORTED, statement->span, "not supported yet: %s", what);
}

static enum status list(struct session *s, const struct ast_list *l, const struct engine_sink *sink, struct diag *d)
{
    static const char *const property_columns[] = {"Property", "Value"};
    static const char *const variable_columns[] = {"Variable Name", "Value"};
    switch (l->what) {
    case LIST_STREAMS: return list_sources(s->engine, false, sink, d);
    case LIST_TABLES: return list_sources(s->engine, true, sink, d);
    case LIST_TOPICS: return list_topics(s->engine, l->all, sink, d);
    case LIST_QUERIES: return list_queries(s->engine, sink, d);
    case LIST_FUNCTIONS: return list_functions(sink, d);
    case LIST_TYPES: return list_types(s->engine, sink, d);
    case LIST_PROPERTIES: return list_pairs(&s->properties, "Properties", property_columns, sink, d);
    case LIST_VARIABLES: return list_pairs(&s->variables, "Variables", variable_columns, sink, d);
    case LIST_CONNECTORS: return unsupported(&l->head, "LIST CONNECTORS", d);
    case LIST_CONNECTOR_PLUGINS: return unsupported(&l->head, "LIST CONNECTOR PLUGINS", d);
    }
    return STATUS_OK;
}

static const char *role_name(const struct source *s, const struct schema_column *c)
{
    switch (c->role) {
    case ROLE_KEY: return s->is_table ? "primary key" : "key";
    case ROLE_HEADERS:
    case ROLE_HEADER: return "headers";
    default: return "";
    }
}

static enum status describe_source(struct engine *e, const struct ast_describe *statement, const struct engine_sink *sink,
                                   struct diag *d)
{
    static const char *const columns[] = {"Field", "Type", "Role"};
    const struct source *s = catalog_source(e->catalog, statement->name.text);
    struct text_table t;
    struct buf b;
    buf_init(&b, 0);
    if (!s) {
        catalog_hint(&b, e->catalog, statement->name.text, 0);
        diag_set_at(d, STATUS_INVALID, statement->name.span, "Could not find STREAM/TABLE '" STR_FMT "' in the Metastore%s",
                    STR_ARG(statement->name.text), buf_z(&b));
        buf_free(&b);
        return STATUS_INVALID;
    }
    table_init(&t, 3);
    for (uint32_t i = 0; i < s->schema.n_columns; i++) {
        const struct schema_column *c = &s->schema.columns[i];
        b.len = 0;
        type_print(&b, c->type);
        table_put(&t, c->name);
        table_put(&t, buf_str(&b));
        table_put_z(&t, role_name(s, c));
    }
    t.failed |= b.failed;
    b.len = 0;
    buf_printf(&b, "%s " STR_FMT " (topic %s, key %s, value %s)", source_kind_name(s), STR_ARG(s->name), s->topic,
               format_name(s->formats.key.kind), format_name(s->formats.value.kind));
    enum status st = table_send(&t, sink, buf_z(&b), columns, d);
    buf_free(&b);
    return st;
}

static enum status describe_function(const struct ast_describe *statement, const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Variation"};
    const struct function *f = function_find(statement->name.text);
    struct text_table t;
    struct buf b;
    if (!f)
        return diag_set_at(d, STATUS_INVALID, statement->name.span, "Can't find any functions with the name '" STR_FMT "'",
                           STR_ARG(statement->name.text));
    table_init(&t, 1);
    buf_init(&b, 0);
    for (uint32_t i = 0; i < f->n_variants; i++) {
        b.len = 0;
        function_print_variant(&b, f, &f->variants[i]);
        table_put(&t, buf_str(&b));
    }
    t.failed |= b.failed;
    b.len = 0;
    buf_printf(&b, "%s: %s", f->name, f->description ? f->description : "");
    enum status st = table_send(&t, sink, buf_z(&b), columns, d);
    buf_free(&b);
    return st;
}

static enum status describe(struct session *s, const struct ast_describe *statement, const struct engine_sink *sink,
                            struct diag *d)
{
    switch (statement->what) {
    case DESCRIBE_SOURCE: return describe_source(s->engine, statement, sink, d);
    case DESCRIBE_STREAMS: return list_sources(s->engine, false, sink, d);
    case DESCRIBE_TABLES: return list_sources(s->engine, true, sink, d);
    case DESCRIBE_FUNCTION: return describe_function(statement, sink, d);
    case DESCRIBE_CONNECTOR: return unsupported(&statement->head, "DESCRIBE CONNECTOR", d);
    }
    return STATUS_OK;
}

static enum status explain(struct session *s, const struct ast_explain *statement, const struct engine_sink *sink,
                           struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena a;
    struct buf out;
    struct planned p = {0};
    arena_init(&a, 0);
    buf_init(&out, 0);
    if (statement->statement) {
        struct planner_context context;
        session_context(s, &context);
        TRY(parser_prepare(statement->statement, d));
        TRY(planner_plan_statement(&context, &a, statement->statement, &p, d));
        if (!p.plan && !p.pull) {
            st = diag_set(d, STATUS_INVALID, "The provided statement does not run a ksql query");
            goto done;
        }
        planner_explain(&out, &p);
    } else {
        const struct catalog_query *q = catalog_query(s->engine->catalog, statement->query.text);
        if (!q || !q->plan) {
            st = diag_set_at(d, STATUS_INVALID, statement->query.span,
                             "Query with id:" STR_FMT " does not exist, use SHOW QUERIES to view the full set of queries.",
                             STR_ARG(statement->query.text));
            goto done;
        }
        plan_print(&out, q->plan);
    }
    if (out.failed)
        st = diag_nomem(d);
    else
        sink_message(sink, buf_z(&out));
done:
    buf_free(&out);
    arena_free(&a);
    return st;
}

enum status admin_execute(struct session *s, const struct ast_stmt *statement, const struct engine_sink *sink,
                          struct diag *d)
{
    switch (statement->kind) {
    case STMT_LIST: return list(s, (const struct ast_list *)statement, sink, d);
    case STMT_DESCRIBE: return describe(s, (const struct ast_describe *)statement, sink, d);
    case STMT_EXPLAIN: return explain(s, (const struct ast_explain *)statement, sink, d);
    case STMT_PRINT: return unsupported(statement, "PRINT", d);
    case STMT_PAUSE: return unsupported(statement, "PAUSE", d);
    case STMT_RESUME: return unsupported(statement, "RESUME", d);
    case STMT_ALTER_SYSTEM: return unsupported(statement, "ALTER SYSTEM", d);
    case STMT_ASSERT_TOPIC: return unsupported(statement, "ASSERT TOPIC", d);
    case STMT_ASSERT_SCHEMA: return unsupported(statement, "ASSERT SCHEMA", d);
    case STMT_CREATE_CONNECTOR: return unsupported(statement, "CREATE CONNECTOR", d);
    case STMT_DROP_CONNECTOR: return unsupported(statement, "DROP CONNECTOR", d);
    default: return unsupported(statement, "this statement", d);
    }
}
