/* LIST and SHOW. */
#include "engine/engine_int.h"

/* The topics that ksqlDB hides by default, and weir's own. */
static bool is_hidden(struct str topic)
{
    static const char *const prefixes[] = {"_confluent", "__confluent", "_weir-"};
    static const char *const names[] = {"_schemas",        "__consumer_offsets", "__transaction_state",
                                        "connect-configs", "connect-offsets",    "connect-status",
                                        "connect-statuses"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (str_starts(topic, str_from(prefixes[i])))
            return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(topic, str_from(names[i])))
            return true;
    return false;
}

static enum status show_sources(struct engine *e, bool tables, const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Name", "Kafka Topic", "Key Format", "Value Format", "Windowed"};
    struct text_table t;
    text_table_init(&t, 5);
    MAP_EACH (catalog_sources(e->catalog), entry) {
        const struct source *s = entry->value;
        if (s->is_table != tables)
            continue;
        text_table_put(&t, s->name);
        text_table_put_z(&t, s->topic);
        text_table_put_z(&t, format_name(s->formats.key.kind));
        text_table_put_z(&t, format_name(s->formats.value.kind));
        text_table_put_z(&t, s->schema.window != WINDOW_NONE ? "true" : "false");
    }
    return text_table_send(&t, sink, tables ? "Tables" : "Streams", columns, d);
}

static enum status show_topics(struct engine *e, bool all, const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Kafka Topic", "Partitions", "Partition Replicas"};
    struct text_table t;
    struct topic_spec *topics;
    size_t n;
    text_table_init(&t, 3);
    enum status st = topic_list(e->log, &t.arena, &topics, &n, d);
    if (st != STATUS_OK) {
        text_table_free(&t);
        return st;
    }
    for (size_t i = 0; i < n; i++) {
        if (!all && is_hidden(str_from(topics[i].name)))
            continue;
        text_table_put_z(&t, topics[i].name);
        text_table_put_number(&t, topics[i].n_partitions);
        text_table_put_number(&t, topics[i].replicas > 0 ? topics[i].replicas : 1);
    }
    return text_table_send(&t, sink, "Topics", columns, d);
}

static enum status show_queries(struct engine *e, const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Query ID",   "Status",      "Sink Name",   "State KB",
                                          "Records In", "Records Out", "Query String"};
    struct text_table t;
    text_table_init(&t, 7);
    MAP_EACH (catalog_queries(e->catalog), entry) {
        const struct catalog_query *q = entry->value;
        struct query_status s;
        queries_status(e, q->id, &s);
        text_table_put_z(&t, q->id);
        text_table_put_z(&t, query_state_name(s.state));
        text_table_put(&t, q->sink.p ? q->sink : STR(""));
        text_table_put_number(&t, (int64_t)(s.memory / 1024));
        text_table_put_number(&t, s.records_in);
        text_table_put_number(&t, s.records_out);
        text_table_put(&t, q->sql);
    }
    return text_table_send(&t, sink, "Queries", columns, d);
}

static enum status show_functions(const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Function Name", "Type", "Category"};
    static const char *const kinds[] = {"SCALAR", "AGGREGATE", "TABLE"};
    struct text_table t;
    size_t n;
    const struct function *const *all = functions_all(&n);
    text_table_init(&t, 3);
    for (size_t i = 0; i < n; i++) {
        text_table_put_z(&t, all[i]->name);
        text_table_put_z(&t, kinds[all[i]->kind]);
        text_table_put_z(&t, all[i]->category);
    }
    return text_table_send(&t, sink, "Functions", columns, d);
}

static enum status show_types(struct engine *e, const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Type Name", "Schema"};
    struct text_table t;
    text_table_init(&t, 2);
    MAP_EACH (catalog_types(e->catalog), entry) {
        const struct custom_type *type = entry->value;
        text_table_put(&t, type->name);
        text_table_put_type(&t, type->type);
    }
    return text_table_send(&t, sink, "Types", columns, d);
}

static enum status show_variables(const struct session *s, const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Variable Name", "Value"};
    struct text_table t;
    text_table_init(&t, 2);
    MAP_EACH (&s->variables, entry) {
        text_table_put(&t, entry->key);
        text_table_put_z(&t, entry->value);
    }
    return text_table_send(&t, sink, "Variables", columns, d);
}

static void put_property(struct text_table *t, struct str name, bool of_streams, const char *set, const char *otherwise)
{
    text_table_put(t, name);
    text_table_put_z(t, of_streams ? "KSQL STREAMS" : "KSQL");
    text_table_put_z(t, set ? "SESSION" : "");
    text_table_put_z(t, set ? set : otherwise);
}

/* Known properties with what holds for this session, then settings of Kafka's clients. */
static enum status show_properties(const struct session *s, const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Property", "Scope", "Default override", "Effective Value"};
    struct text_table t;
    size_t n;
    const struct property *all = properties_all(&n);
    struct buf registry;
    buf_init(&registry, 0);
    registry_show(s->engine, &registry);
    text_table_init(&t, 4);
    t.failed |= registry.failed;
    for (size_t i = 0; i < n; i++) {
        bool is_service = !strcmp(all[i].name, "ksql.service.id");
        bool is_registry = registry_property(str_from(all[i].name));
        const char *otherwise = is_service    ? s->engine->options.service_id
                                : is_registry ? buf_z(&registry)
                                              : all[i].otherwise;
        struct str name = str_printf(&t.arena, "%s%s", property_is_stream(&all[i]) ? "ksql.streams." : "", all[i].name);
        put_property(&t, name, property_is_stream(&all[i]), session_property(s, all[i].name), otherwise);
    }
    MAP_EACH (&s->properties, entry)
        if (!property_find(entry->key))
            put_property(&t, entry->key, true, entry->value, NULL);
    buf_free(&registry);
    return text_table_send(&t, sink, "Properties", columns, d);
}

enum status show(struct session *s, const struct ast_list *l, const struct engine_sink *sink, struct diag *d)
{
    if (l->extended && (l->what == LIST_STREAMS || l->what == LIST_TABLES))
        return describe_sources(s->engine, l->what == LIST_TABLES, true, sink, d);
    switch (l->what) {
    case LIST_STREAMS:
        return show_sources(s->engine, false, sink, d);
    case LIST_TABLES:
        return show_sources(s->engine, true, sink, d);
    case LIST_TOPICS:
        return show_topics(s->engine, l->all, sink, d);
    case LIST_QUERIES:
        return show_queries(s->engine, sink, d);
    case LIST_FUNCTIONS:
        return show_functions(sink, d);
    case LIST_TYPES:
        return show_types(s->engine, sink, d);
    case LIST_PROPERTIES:
        return show_properties(s, sink, d);
    case LIST_VARIABLES:
        return show_variables(s, sink, d);
    case LIST_CONNECTORS:
        return unsupported(&l->head, "LIST CONNECTORS", d);
    case LIST_CONNECTOR_PLUGINS:
        return unsupported(&l->head, "LIST CONNECTOR PLUGINS", d);
    }
    return STATUS_OK;
}
