/* The physical plan as text: ksqlDB's executionPlan, and the stages in full. */
#include "planner/planner_int.h"

const char *step_kind_name(enum step_kind kind)
{
    static const char *const names[] = {
        [STEP_STREAM_SOURCE] = "StreamSource",
        [STEP_TABLE_SOURCE] = "TableSource",
        [STEP_STREAM_FILTER] = "StreamFilter",
        [STEP_TABLE_FILTER] = "TableFilter",
        [STEP_STREAM_SELECT] = "StreamSelect",
        [STEP_TABLE_SELECT] = "TableSelect",
        [STEP_STREAM_FLAT_MAP] = "StreamFlatMap",
        [STEP_STREAM_SELECT_KEY] = "StreamSelectKey",
        [STEP_TABLE_SELECT_KEY] = "TableSelectKey",
        [STEP_STREAM_GROUP_BY] = "StreamGroupBy",
        [STEP_STREAM_GROUP_BY_KEY] = "StreamGroupByKey",
        [STEP_TABLE_GROUP_BY] = "TableGroupBy",
        [STEP_STREAM_AGGREGATE] = "StreamAggregate",
        [STEP_STREAM_WINDOWED_AGGREGATE] = "StreamWindowedAggregate",
        [STEP_TABLE_AGGREGATE] = "TableAggregate",
        [STEP_TABLE_SUPPRESS] = "TableSuppress",
        [STEP_STREAM_STREAM_JOIN] = "StreamStreamJoin",
        [STEP_STREAM_TABLE_JOIN] = "StreamTableJoin",
        [STEP_TABLE_TABLE_JOIN] = "TableTableJoin",
        [STEP_FOREIGN_KEY_JOIN] = "ForeignKeyTableTableJoin",
        [STEP_FOREIGN_KEY_ANSWER] = "ForeignKeyAnswer",
        [STEP_STREAM_SINK] = "StreamSink",
        [STEP_TABLE_SINK] = "TableSink",
        [STEP_REPARTITION_SINK] = "RepartitionSink",
        [STEP_REPARTITION_SOURCE] = "RepartitionSource",
        [STEP_CLIENT_SINK] = "ClientSink",
    };
    return names[kind];
}

/* The word that EXPLAIN shows; NULL: the step is not shown. */
static const char *step_word(enum step_kind kind)
{
    switch (kind) {
    case STEP_STREAM_SOURCE:
    case STEP_TABLE_SOURCE:
        return "SOURCE";
    case STEP_STREAM_FILTER:
    case STEP_TABLE_FILTER:
        return "FILTER";
    case STEP_STREAM_SELECT:
    case STEP_TABLE_SELECT:
        return "PROJECT";
    case STEP_STREAM_FLAT_MAP:
        return "FLAT_MAP";
    case STEP_STREAM_SELECT_KEY:
    case STEP_TABLE_SELECT_KEY:
        return "REKEY";
    case STEP_STREAM_GROUP_BY:
    case STEP_STREAM_GROUP_BY_KEY:
    case STEP_TABLE_GROUP_BY:
        return "GROUP_BY";
    case STEP_STREAM_AGGREGATE:
    case STEP_STREAM_WINDOWED_AGGREGATE:
    case STEP_TABLE_AGGREGATE:
        return "AGGREGATE";
    case STEP_TABLE_SUPPRESS:
        return "SUPPRESS";
    case STEP_STREAM_STREAM_JOIN:
    case STEP_STREAM_TABLE_JOIN:
    case STEP_TABLE_TABLE_JOIN:
    case STEP_FOREIGN_KEY_JOIN:
        return "JOIN";
    case STEP_STREAM_SINK:
    case STEP_TABLE_SINK:
        return "SINK";
    case STEP_FOREIGN_KEY_ANSWER: /* ksqlDB's join is one step */
    case STEP_REPARTITION_SINK:
    case STEP_REPARTITION_SOURCE:
    case STEP_CLIENT_SINK:
        return NULL;
    }
    return NULL;
}

static void print_schema(struct buf *out, const struct schema *schema)
{
    for (uint32_t i = 0; i < schema->n_columns; i++) {
        if (i)
            buf_puts(out, STR(", "));
        ast_format_name(out, schema->columns[i].name);
        buf_putc(out, ' ');
        type_print(out, schema->columns[i].type);
        if (i < schema->n_keys)
            buf_puts(out, STR(" KEY"));
    }
}

static void print_logger(struct buf *out, const struct plan *p, const struct step *s)
{
    buf_printf(out, "%s.", p->query_id);
    for (const char *c = s->context; *c; c++)
        buf_putc(out, *c == '-' ? '.' : *c);
    if (s->kind == STEP_STREAM_SOURCE || s->kind == STEP_TABLE_SOURCE)
        buf_puts(out, STR(".Source"));
}

/* The step that fills a repartition topic. */
static const struct step *producer_of(const struct plan *p, const struct step *source)
{
    for (uint32_t i = 0; i < p->n_stages; i++) {
        const struct step *root = p->stages[i].root;
        if (root->kind == STEP_REPARTITION_SINK && strcmp(root->repartition.name, source->repartition.name) == 0)
            return root;
    }
    return NULL;
}

static void print_step(struct buf *out, const struct plan *p, const struct step *s, int depth)
{
    const char *word = step_word(s->kind);
    if (word) {
        for (int i = 0; i < depth; i++)
            buf_putc(out, '\t');
        buf_printf(out, " > [ %s ] | Schema: ", word);
        print_schema(out, &s->schema);
        buf_puts(out, STR(" | Logger: "));
        print_logger(out, p, s);
        buf_putc(out, '\n');
        depth++;
    }
    if (s->kind == STEP_REPARTITION_SOURCE && (s = producer_of(p, s)) == NULL)
        return;
    for (uint32_t i = 0; i < s->n_inputs; i++)
        print_step(out, p, s->inputs[i], depth);
}

void plan_print(struct buf *out, const struct plan *p)
{
    print_step(out, p, p->sink, 0);
}

/* ---- in full ---- */

static void print_exprs(struct buf *out, const struct step *s)
{
    for (uint32_t i = 0; i < s->schema.n_columns; i++) {
        buf_printf(out, "%s" STR_FMT " := ", i ? ", " : "", STR_ARG(s->schema.columns[i].name));
        expr_print(out, s->select.exprs[i]);
    }
}

static void print_formats(struct buf *out, const struct topic_formats *f)
{
    buf_printf(out, " key %s value %s%s", format_name(f->key.kind), format_name(f->value.kind),
               f->value.wrapped ? "" : " bare");
}

static void print_reads(struct buf *out, const struct step *s)
{
    buf_printf(out, STR_FMT " topic %s", STR_ARG(s->source.source_name), s->source.topic);
    print_formats(out, &s->source.formats);
    buf_puts(out, STR(" reads"));
    for (uint32_t i = 0; i < s->schema.n_columns; i++) {
        const struct source_read *read = &s->source.reads[i];
        const struct schema_column *column = &s->source.topic_schema.columns[read->column];
        const struct type *t = column->type;
        buf_printf(out, "%s " STR_FMT, i ? "," : "", STR_ARG(column->name));
        for (uint32_t j = 0; j < read->n_path; j++) {
            buf_printf(out, "->" STR_FMT, STR_ARG(t->fields[read->path[j]].name));
            t = t->fields[read->path[j]].type;
        }
    }
    if (s->source.needs_partition || s->source.needs_offset || s->source.needs_headers)
        buf_printf(out, " with%s%s%s", s->source.needs_partition ? " partition" : "",
                   s->source.needs_offset ? " offset" : "", s->source.needs_headers ? " headers" : "");
    if (s->source.store)
        buf_printf(out, " store %s", s->source.store);
}

static void print_aggregate(struct buf *out, const struct step *s)
{
    for (uint32_t i = 0; i < s->aggregate.n_calls; i++) {
        const struct step_aggregate_call *call = &s->aggregate.calls[i];
        buf_printf(out, "%s%s(", i ? ", " : "", call->call->function->name);
        for (uint32_t j = 0; j < call->n_args; j++)
            buf_printf(out, "%s" STR_FMT, j ? ", " : "", STR_ARG(s->inputs[0]->schema.columns[call->args[j]].name));
        for (uint32_t j = 0; j < call->n_literals; j++) {
            buf_puts(out, call->n_args + j ? STR(", ") : STR(""));
            value_print(out, &call->literals[j], call->call->param_types[call->n_args + j]);
        }
        buf_putc(out, ')');
    }
    const struct window_spec *w = &s->aggregate.window;
    if (w->kind != WINDOW_NONE)
        buf_printf(out, " window size %lld advance %lld grace %lld retention %lld%s", (long long)w->size,
                   (long long)w->advance, (long long)w->grace, (long long)w->retention, w->emit_final ? " final" : "");
    buf_printf(out, " store %s", s->aggregate.store);
}

static void print_topic(struct buf *out, const struct step *s)
{
    buf_printf(out, "%s%s%s%s key %s", s->repartition.name, s->repartition.is_table ? " of a table" : "",
               s->repartition.keep_null_keys ? " with null keys" : "",
               s->repartition.to_partition ? " by the last column" : "",
               format_name(s->repartition.shown_formats.key.kind));
}

static void print_from(struct buf *out, const struct step *s, enum join_outer outer, const struct join_column *columns)
{
    static const char *const outers[] = {"inner", "left", "full"};
    buf_puts(out, str_from(outers[outer]));
    for (uint32_t i = s->schema.n_keys; i < s->schema.n_columns; i++) {
        const struct join_column *from = &columns[i - s->schema.n_keys];
        buf_printf(out, "%s" STR_FMT " := %u." STR_FMT, i > s->schema.n_keys ? ", " : " ",
                   STR_ARG(s->schema.columns[i].name), from->input,
                   STR_ARG(s->inputs[from->input]->schema.columns[from->column].name));
    }
}

static void print_join(struct buf *out, const struct step *s)
{
    print_from(out, s, s->join.outer, s->join.columns);
    if (s->kind == STEP_STREAM_STREAM_JOIN)
        buf_printf(out, " within (%lld, %lld) grace %lld%s", (long long)s->join.before, (long long)s->join.after,
                   (long long)s->join.grace, s->join.has_grace ? "" : " by default");
    buf_puts(out, STR(" stores"));
    for (int i = 0; i < 2; i++)
        if (s->join.stores[i])
            buf_printf(out, " %s", s->join.stores[i]);
    if (s->join.pending_store)
        buf_printf(out, " %s", s->join.pending_store);
}

static void print_foreign_key(struct buf *out, const struct step *s)
{
    print_from(out, s, s->foreign_key.outer, s->foreign_key.columns);
    buf_puts(out, STR(" on "));
    expr_print(out, s->foreign_key.foreign_key);
    buf_printf(out, " store %s%s%s subscriptions to %s", s->foreign_key.store, s->foreign_key.result_store ? ", " : "",
               s->foreign_key.result_store ? s->foreign_key.result_store : "",
               s->foreign_key.subscriptions->repartition.name);
}

static void describe_step(struct buf *out, const struct step *s)
{
    buf_printf(out, "%s ", step_kind_name(s->kind));
    switch (s->kind) {
    case STEP_STREAM_SOURCE:
    case STEP_TABLE_SOURCE:
        print_reads(out, s);
        break;
    case STEP_STREAM_FILTER:
    case STEP_TABLE_FILTER:
        expr_print(out, s->filter.predicate);
        break;
    case STEP_STREAM_SELECT:
    case STEP_TABLE_SELECT:
    case STEP_STREAM_SELECT_KEY:
    case STEP_TABLE_SELECT_KEY:
    case STEP_STREAM_GROUP_BY:
    case STEP_STREAM_GROUP_BY_KEY:
    case STEP_TABLE_GROUP_BY:
        print_exprs(out, s);
        break;
    case STEP_STREAM_FLAT_MAP:
        for (uint32_t i = 0; i < s->flat_map.n_calls; i++) {
            buf_puts(out, i ? STR(", ") : STR(""));
            expr_print(out, s->flat_map.calls[i]);
        }
        break;
    case STEP_STREAM_AGGREGATE:
    case STEP_STREAM_WINDOWED_AGGREGATE:
    case STEP_TABLE_AGGREGATE:
        print_aggregate(out, s);
        break;
    case STEP_STREAM_SINK:
    case STEP_TABLE_SINK:
        buf_printf(out, STR_FMT " topic %s", STR_ARG(s->sink.sink_name), s->sink.topic);
        print_formats(out, &s->sink.formats);
        break;
    case STEP_REPARTITION_SINK:
    case STEP_REPARTITION_SOURCE:
        print_topic(out, s);
        break;
    case STEP_STREAM_STREAM_JOIN:
    case STEP_STREAM_TABLE_JOIN:
    case STEP_TABLE_TABLE_JOIN:
        print_join(out, s);
        break;
    case STEP_FOREIGN_KEY_JOIN:
        print_foreign_key(out, s);
        break;
    case STEP_FOREIGN_KEY_ANSWER:
        buf_printf(out, "stores %s, %s", s->answer.stores[0], s->answer.stores[1]);
        break;
    default:
        break;
    }
}

static void describe_tree(struct buf *out, const struct step *s, int depth)
{
    buf_printf(out, "%*s", 2 * depth, "");
    describe_step(out, s);
    buf_puts(out, STR("   -- "));
    print_schema(out, &s->schema);
    buf_putc(out, '\n');
    for (uint32_t i = 0; i < s->n_inputs; i++)
        describe_tree(out, s->inputs[i], depth + 1);
}

void plan_describe(struct buf *out, const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_stages; i++) {
        buf_printf(out, "stage %u%s\n", i, p->stages[i].has_state ? " (state)" : "");
        describe_tree(out, p->stages[i].root, 1);
    }
    if (p->sink->kind != STEP_CLIENT_SINK)
        return;
    buf_puts(out, STR("output:"));
    for (uint32_t i = 0; i < p->n_output; i++)
        buf_printf(out, "%s " STR_FMT, i ? "," : "", STR_ARG(p->schema.columns[p->output_columns[i]].name));
    if (p->limit >= 0)
        buf_printf(out, " limit %lld", (long long)p->limit);
    buf_putc(out, '\n');
}
