/* DESCRIBE: the columns of a source, and with EXTENDED what is known around it; the variants of a function. */
#include "engine/engine_int.h"

static const char *role_name(const struct source *s, const struct schema_column *c)
{
    switch (c->role) {
    case ROLE_KEY:
        return s->is_table ? "primary key" : "key";
    case ROLE_HEADERS:
    case ROLE_HEADER:
        return "headers";
    case ROLE_VALUE:
        return "";
    }
    return "";
}

static enum status describe_columns(const struct source *s, const struct engine_sink *sink, struct diag *d)
{
    static const char *const columns[] = {"Field", "Type", "Role"};
    struct text_table t;
    text_table_init(&t, 3);
    for (uint32_t i = 0; i < s->schema.n_columns; i++) {
        const struct schema_column *c = &s->schema.columns[i];
        text_table_put(&t, c->name);
        text_table_put_type(&t, c->type);
        text_table_put_z(&t, role_name(s, c));
    }
    struct str title =
        str_printf(&t.arena, "%s " STR_FMT " (topic %s, key %s, value %s)", source_kind_name(s), STR_ARG(s->name),
                   s->topic, format_name(s->formats.key.kind), format_name(s->formats.value.kind));
    if (!title.p) {
        text_table_free(&t);
        return diag_nomem(d);
    }
    return text_table_send(&t, sink, title.p, columns, d);
}

static void put_pair(struct text_table *t, const char *name, struct str value)
{
    text_table_put_z(t, name);
    text_table_put(t, value);
}

static const char *window_name(enum window_kind kind)
{
    static const char *const names[] = {"", "TUMBLING", "HOPPING", "SESSION"};
    return names[kind];
}

static struct str timestamp_text(const struct source *s)
{
    return s->timestamp_column.p ? s->timestamp_column : STR("Not set - using <ROWTIME>");
}

static bool reads(const struct catalog_query *q, struct str name)
{
    for (uint32_t i = 0; i < q->n_sources; i++)
        if (str_eq(q->sources[i], name))
            return true;
    return false;
}

static void put_queries(struct text_table *t, struct engine *e, const struct source *s, bool writing)
{
    MAP_EACH (catalog_queries(e->catalog), entry) {
        const struct catalog_query *q = entry->value;
        struct query_status status;
        if (writing ? !q->sink.p || !str_eq(q->sink, s->name) : !reads(q, s->name))
            continue;
        queries_status(e, q->id, &status);
        put_pair(t, writing ? "Written by" : "Read by",
                 str_printf(&t->arena, "%s (%s)", q->id, query_state_name(status.state)));
    }
}

/* Records in the topic now, over all partitions; -1: the log cannot tell. */
static int64_t count_records(struct log *log, const char *topic, int32_t n_partitions)
{
    int64_t n = 0, begin, end;
    for (int32_t i = 0; i < n_partitions; i++) {
        if (topic_offsets(log, topic, i, &begin, &end, NULL, NULL) != STATUS_OK)
            return -1;
        n += end - begin;
    }
    return n;
}

static enum status describe_around(struct engine *e, const struct source *s, const struct engine_sink *sink,
                                   struct diag *d)
{
    static const char *const columns[] = {"Property", "Value"};
    struct text_table t;
    struct topic_spec spec;
    text_table_init(&t, 2);
    put_pair(&t, "Timestamp field", timestamp_text(s));
    put_pair(&t, "Window", str_from(window_name(s->schema.window)));
    if (topic_describe(e->log, s->topic, &spec, NULL) == STATUS_OK)
        put_pair(&t, "Kafka topic",
                 str_printf(&t.arena, "%s (partitions: %d, replication: %d, records: %lld)", s->topic,
                            (int)spec.n_partitions, spec.replicas > 0 ? spec.replicas : 1,
                            (long long)count_records(e->log, s->topic, spec.n_partitions)));
    else
        put_pair(&t, "Kafka topic", str_printf(&t.arena, "%s (does not exist)", s->topic));
    put_pair(&t, "Statement", s->sql);
    put_queries(&t, e, s, false);
    put_queries(&t, e, s, true);
    t.failed |= t.arena.failed;
    return text_table_send(&t, sink, "Runtime", columns, d);
}

static enum status describe_source(struct engine *e, const struct ast_describe *statement,
                                   const struct engine_sink *sink, struct diag *d)
{
    const struct source *s = catalog_source(e->catalog, statement->name.text);
    if (!s) {
        struct buf hint;
        buf_init(&hint, 0);
        catalog_hint(&hint, e->catalog, statement->name.text, 0);
        enum status st = diag_set_at(d, STATUS_INVALID, statement->name.span,
                                     "Could not find STREAM/TABLE '" STR_FMT "' in the Metastore%s",
                                     STR_ARG(statement->name.text), buf_z(&hint));
        buf_free(&hint);
        return st;
    }
    enum status st = describe_columns(s, sink, d);
    return st == STATUS_OK && statement->extended ? describe_around(e, s, sink, d) : st;
}

enum status describe_sources(struct engine *e, bool tables, bool extended, const struct engine_sink *sink,
                             struct diag *d)
{
    enum status st = STATUS_OK;
    MAP_EACH (catalog_sources(e->catalog), entry) {
        const struct source *s = entry->value;
        if (s->is_table != tables)
            continue;
        TRY(describe_columns(s, sink, d));
        if (extended)
            TRY(describe_around(e, s, sink, d));
    }
done:
    return st;
}

static enum status describe_function(const struct ast_describe *statement, const struct engine_sink *sink,
                                     struct diag *d)
{
    static const char *const columns[] = {"Variation"};
    const struct function *f = function_find(statement->name.text);
    struct text_table t;
    struct buf b;
    if (!f)
        return diag_set_at(d, STATUS_INVALID, statement->name.span,
                           "Can't find any functions with the name '" STR_FMT "'", STR_ARG(statement->name.text));
    text_table_init(&t, 1);
    buf_init(&b, 0);
    for (uint32_t i = 0; i < f->n_variants; i++) {
        b.len = 0;
        function_print_variant(&b, f, &f->variants[i]);
        text_table_put(&t, buf_str(&b));
    }
    t.failed |= b.failed;
    b.len = 0;
    buf_printf(&b, "%s: %s", f->name, f->description ? f->description : "");
    enum status st = text_table_send(&t, sink, buf_z(&b), columns, d);
    buf_free(&b);
    return st;
}

enum status describe(struct session *s, const struct ast_describe *statement, const struct engine_sink *sink,
                     struct diag *d)
{
    switch (statement->what) {
    case DESCRIBE_SOURCE:
        return describe_source(s->engine, statement, sink, d);
    case DESCRIBE_STREAMS:
        return describe_sources(s->engine, false, statement->extended, sink, d);
    case DESCRIBE_TABLES:
        return describe_sources(s->engine, true, statement->extended, sink, d);
    case DESCRIBE_FUNCTION:
        return describe_function(statement, sink, d);
    case DESCRIBE_CONNECTOR:
        return unsupported(&statement->head, "DESCRIBE CONNECTOR", d);
    }
    return STATUS_OK;
}
