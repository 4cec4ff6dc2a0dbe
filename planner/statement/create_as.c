/* CREATE ... AS SELECT: the sink that a query makes, its formats, topic and schema. */
#include "planner/logical/logical.h"

/* Functions whose state is a few plain numbers here, but a STRUCT in ksqlDB. */
static bool has_struct_state(const char *name)
{
    static const char *const structs[] = {"AVG",         "ATTR",          "CORRELATION",     "EARLIEST_BY_OFFSET",
                                          "STDDEV_SAMP", "STDDEV_SAMPLE", "LATEST_BY_OFFSET"};
    for (size_t i = 0; i < sizeof structs / sizeof *structs; i++)
        if (strcmp(name, structs[i]) == 0)
            return true;
    return false;
}

static bool has_nested_state(struct planner *p, const struct aggregate_item *item)
{
    const struct resolved_call *call = item->call;
    const struct aggregate *ops = call->variant->aggregate;
    struct aggregate_call probe = {.ops = ops,
                                   .n_args = item->n_args,
                                   .arg_types = (const struct type *const *)call->param_types,
                                   .literals = item->literals,
                                   .n_literals = item->n_literals,
                                   .result_type = call->result,
                                   .arena = p->a};
    const struct type *state = ops->state_type ? ops->state_type(p->a, &probe) : NULL;
    return (state && type_is_nested(state)) || has_struct_state(call->function->name);
}

/* States that are lists or structs need a value format that can hold them, as ksqlDB's changelogs are in that format.
 */
static enum status check_states(struct planner *p, const struct logical *node, enum format_kind value_format)
{
    bool flat = value_format == FORMAT_DELIMITED || value_format == FORMAT_KAFKA;
    for (uint32_t i = 0; node->kind == LOGICAL_AGGREGATE && flat && i < node->aggregate.n_calls; i++) {
        if (has_nested_state(p, &node->aggregate.calls[i]))
            return plan_error(p, p->statement->span,
                              "One of the functions used in the statement has an intermediate type that the value "
                              "format can not handle. Please remove the function or change the format.\nConsider "
                              "up-voting https://github.com/confluentinc/ksql/issues/3950, which will resolve this "
                              "limitation");
    }
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        enum status st = check_states(p, node->inputs[i], value_format);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

/* ---- CREATE AS: the sink ---- */

struct creating_as {
    struct planner *p;
    const struct ast_create_as *ast;
    struct with with;
    struct query q;
    struct logical_query lq;
    struct source *sink;
};

static const struct source *from_source(const struct creating_as *c)
{
    return c->q.sources[0].source;
}

/* Properties of the source's format are inherited where the format is the same. */
static void inherit_side(struct format_spec *spec, struct serde_properties *serde, const struct with_side *side,
                         const struct format_spec *from, const struct serde_properties *from_serde)
{
    *serde = side->serde;
    spec->delimiter = side->delimiter;
    if (spec->kind != from->kind)
        return;
    if (spec->kind == FORMAT_DELIMITED && !side->has_delimiter)
        spec->delimiter = from->delimiter;
    if (spec->kind == FORMAT_PROTOBUF && !side->serde.schema_full_name)
        serde->schema_full_name = from_serde->schema_full_name;
}

static enum status named_formats(struct creating_as *c)
{
    enum format_kind kind;
    enum status st = STATUS_OK;
    if (c->with.key.format.p)
        TRY(format_from_name(c->p, c->with.key.format, c->with.key.format_span, &kind));
    if (c->with.value.format.p)
        TRY(format_from_name(c->p, c->with.value.format, c->with.value.format_span, &kind));
done:
    return st;
}

static enum status key_format(struct creating_as *c, uint32_t n_keys, struct format_spec *spec)
{
    const struct source *from = from_source(c);
    struct str name;
    enum status st = STATUS_OK;
    spec->kind = from->formats.key.kind;
    if (c->with.key.format.p)
        TRY(format_from_name(c->p, c->with.key.format, c->with.key.format_span, &spec->kind));
    else if (spec->kind == FORMAT_NONE && n_keys) {
        if (!planner_property(c->p, "ksql.persistence.default.format.key", &name))
            name = STR("KAFKA");
        TRY(format_from_name(c->p, name, c->ast->head.span, &spec->kind));
    }
    if (n_keys == 0 && ast_keys_given(&c->q.ast->partition_by)) {
        if (c->with.key.format.p && !c->with.key.format_from_both && spec->kind != FORMAT_NONE)
            return plan_error(c->p, c->with.key.format_span, "Key format specified for stream without key columns.");
        spec->kind = FORMAT_NONE;
    }
done:
    return st;
}

static enum status sink_formats(struct creating_as *c)
{
    const struct source *from = from_source(c);
    struct source *sink = c->sink;
    struct topic_formats *formats = &sink->formats;
    enum status st = STATUS_OK;
    TRY(key_format(c, sink->schema.n_keys, &formats->key));
    formats->value.kind = from->formats.value.kind;
    if (c->with.value.format.p)
        TRY(format_from_name(c->p, c->with.value.format, c->with.value.format_span, &formats->value.kind));
    TRY(format_check_properties(c->p, formats->key.kind, &c->with.key));
    TRY(format_check_properties(c->p, formats->value.kind, &c->with.value));
    inherit_side(&formats->key, &sink->key_properties, &c->with.key, &from->formats.key, &from->key_properties);
    inherit_side(&formats->value, &sink->value_properties, &c->with.value, &from->formats.value,
                 &from->value_properties);
    format_take_properties(&formats->key, &sink->key_properties);
    format_take_properties(&formats->value, &sink->value_properties);
    TRY(format_name_key(c->p, &formats->key, sink->name));
    formats->window = sink->schema.window;
    formats->window_size = sink->schema.window_size;
    TRY(wrap_value(c->p, &formats->value, source_n_values(sink), c->with.has_wrap ? c->with.wrap : -1,
                   &sink->value_properties.wrap));
    wrap_key(&formats->key, sink->schema.n_keys, &sink->key_properties.wrap);
done:
    return st;
}

static enum status sink_schema(struct creating_as *c)
{
    const struct schema *schema = &c->lq.root->schema;
    struct schema_column *columns = PLAN_ARRAY(c->p, struct schema_column, schema->n_columns);
    if (!columns)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < schema->n_columns; i++) {
        columns[i] = schema->columns[i];
        columns[i].role = i < schema->n_keys ? ROLE_KEY : ROLE_VALUE;
    }
    enum status st = schema_from_columns(c->p, columns, schema->n_columns, c->sink);
    c->sink->schema.window = schema->window;
    c->sink->schema.window_size = schema->window_size;
    return st;
}

static enum status sink_topic(struct creating_as *c, struct planned_topic *topic)
{
    struct planner *p = c->p;
    struct str prefix = STR(""), name;
    (void)planner_property(p, "ksql.output.topic.name.prefix", &prefix);
    name = c->with.topic.p ? str_dup(p->a, c->with.topic)
                           : str_printf(p->a, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(c->ast->name.text));
    if (!name.p)
        return plan_nomem(p);
    bool windowed = c->sink->schema.window != WINDOW_NONE;
    *topic = (struct planned_topic){
        .name = name.p, .compact = c->ast->is_table, .delete_old = !c->ast->is_table || windowed};
    if (c->with.retention_ms >= 0 && c->ast->is_table && !windowed)
        return plan_error(
            p, c->ast->with.span,
            "Invalid config variable in the WITH clause: RETENTION_MS. Non-windowed tables do not support "
            "retention.");
    enum status st = topic_for_sink(p, &c->with, from_source(c), c->ast->head.span, topic);
    c->sink->topic = topic->name;
    c->sink->partitions = topic->partitions;
    return st;
}

static enum status check_kind(struct creating_as *c)
{
    if (c->lq.is_table == c->ast->is_table)
        return STATUS_OK;
    return plan_error(c->p, c->ast->head.span,
                      "Invalid result type. Your SELECT query produces a %s. Please use CREATE %s AS SELECT statement "
                      "instead.",
                      c->lq.is_table ? "TABLE" : "STREAM", c->lq.is_table ? "TABLE" : "STREAM");
}

static enum status check_sink_schema(struct creating_as *c)
{
    struct source *s = c->sink;
    enum status st =
        format_check_schema(c->p, &s->formats.key, s->key_properties.wrap, s->schema.columns, s->schema.n_keys, true);
    if (st == STATUS_OK)
        st = format_check_schema(c->p, &s->formats.value, s->value_properties.wrap, source_value_columns(s),
                                 source_n_values(s), false);
    if (st == STATUS_OK)
        st = check_schema_id(c->p, s->topic, true, &s->formats.key, s->schema.columns, s->schema.n_keys);
    if (st == STATUS_OK)
        st = check_schema_id(c->p, s->topic, false, &s->formats.value, source_value_columns(s), source_n_values(s));
    return st;
}

static const char *query_id_for(struct creating_as *c, const struct source *old)
{
    struct planner *p = c->p;
    char *id;
    if (old && old->created_by)
        id = arena_printf(p->a, "%s", old->created_by);
    else
        id = arena_printf(p->a, "%s_" STR_FMT "_%llu", c->ast->is_table ? "CTAS" : "CSAS", STR_ARG(c->ast->name.text),
                          (unsigned long long)p->context->query_number);
    if (!id)
        (void)plan_nomem(p);
    return id;
}

static enum status make_plan(struct creating_as *c, const struct source *old, struct planned *out)
{
    struct planner *p = c->p;
    struct source *sink = c->sink;
    struct sink_target target = {.kind = TARGET_TOPIC,
                                 .name = str_dup(p->a, sink->name),
                                 .topic = sink->topic,
                                 .formats = sink->formats,
                                 .timestamp = sink->timestamp};
    const char *id = target.name.p ? query_id_for(c, old) : NULL;
    struct plan *plan = id ? physical_plan(p, out->rewritten, &target, &c->q, id) : NULL;
    struct planned_ddl *ddl = plan ? PLAN_NEW(p, struct planned_ddl) : NULL;
    if (!ddl)
        return p->d->code == STATUS_OK ? plan_nomem(p) : p->d->code;
    sink->created_by = id;
    *ddl = (struct planned_ddl){.kind = DDL_CREATE_SOURCE, .name = sink->name, .source = sink, .replaces = old != NULL};
    plan->n_output = c->lq.n_output;
    plan->output_columns = c->lq.output;
    out->kind = PLANNED_PERSISTENT;
    out->ddl = ddl;
    out->plan = plan;
    out->query_id = id;
    out->query_kind = QUERY_CREATE_AS;
    out->sink = target.name;
    out->replaces_query = old != NULL;
    out->message = arena_printf(p->a, "Created query with ID %s", id);
    return STATUS_OK;
}

/* Everything that ksqlDB does in its sandbox first; its errors carry the frame of that. */
static enum status plan_sink_query(struct creating_as *c, struct planned *out)
{
    struct planner *p = c->p;
    enum status st = STATUS_OK;
    TRY(query_analyse(p, &c->q));
    TRY(named_formats(c));
    TRY(plan_logical(p, &c->q, c->ast->is_table, &c->lq, out));
    TRY(check_kind(c));
    TRY(sink_schema(c));
    TRY(sink_formats(c));
    TRY(timestamp_resolve(p, &c->sink->schema, c->with.timestamp, c->with.timestamp_format, &c->sink->timestamp));
    c->sink->timestamp_column = c->with.timestamp;
    TRY(logical_check_sink(p, &c->lq));
    TRY(sink_topic(c, &out->topic));
    TRY(check_states(p, c->lq.root, from_source(c)->formats.value.kind));
    TRY(check_sink_schema(c));
    const struct source *old = catalog_source(p->catalog, c->ast->name.text);
    if (old && c->ast->or_replace && old->read_only)
        TRY(plan_error(p, c->ast->head.span,
                       "Cannot add %s '" STR_FMT "': CREATE OR REPLACE is not supported on source %ss.",
                       source_kind_name(c->sink), STR_ARG(c->sink->name), source_kind_name(c->sink)));
    TRY(check_name_free(p, c->ast->name.text, c->ast->is_table, c->ast->or_replace));
    TRY(make_plan(c, old, out));
    if (old) {
        TRY(check_replaceable(p, old, c->sink));
        TRY(check_query_replaceable(p, old, out->plan));
    }
done:
    return st;
}

enum status plan_create_as(struct planner *p, const struct ast_create_as *ast, struct planned *out)
{
    struct creating_as *c = PLAN_NEW(p, struct creating_as);
    if (!c)
        return STATUS_NOMEM;
    c->p = p;
    c->ast = ast;
    c->q.purpose = PURPOSE_PERSISTENT;
    c->q.is_create_as = true;
    c->q.is_create_table = ast->is_table;
    c->q.sink = ast->name.text;
    enum status st = STATUS_OK;
    TRY(with_parse(p, &ast->with, WITH_CREATE_AS, &c->with));
    TRY(query_sanitize(p, ast->query, &c->q));
    const struct source *old = catalog_source(p->catalog, ast->name.text);
    if (ast->if_not_exists && old) {
        out->kind = PLANNED_NOTHING;
        out->message = arena_printf(p->a, "Cannot add %s `" STR_FMT "`: A %s with the same name already exists.",
                                    ast->is_table ? "table" : "stream", STR_ARG(ast->name.text), source_kind_name(old));
        return out->message ? STATUS_OK : plan_nomem(p);
    }
    if (!(c->sink = source_new(p, ast->name.text, ast->is_table)))
        return STATUS_NOMEM;
    st = plan_sink_query(c, out);
    if (st == STATUS_STATEMENT || st == STATUS_INVALID) {
        diag_prefix(p->d, "Could not determine output schema for query due to error: ");
        echo_create_as(p, ast, &c->q);
    }
    if (st == STATUS_OK)
        st = check_registries(p, &c->q, c->sink);
done:
    return st;
}
