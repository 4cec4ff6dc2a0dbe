/* Logical nodes to steps, cut into stages at repartition topics. Names and contexts are ksqlDB's
 * (streams-semantics.md 16). */
#include "planner/physical/physical_int.h"

struct step *step_new(struct lowering *w, enum step_kind kind, const struct logical *node, struct fragment *f)
{
    struct step *s = PLAN_NEW(w->p, struct step);
    if (!s)
        return NULL;
    s->kind = kind;
    s->context = node->context;
    s->schema = node->schema;
    if (f->top) {
        s->n_inputs = 1;
        s->inputs[0] = f->top;
    }
    f->top = s;
    return s;
}

/* ---- what the source must deliver besides columns -------------------------------------------------------------------
 */

static bool note_pseudo(void *data, const struct expr *e)
{
    struct fragment *f = data;
    if (e->kind == EXPR_PSEUDO) {
        f->needs_partition = f->needs_partition || e->op == PSEUDO_ROWPARTITION;
        f->needs_offset = f->needs_offset || e->op == PSEUDO_ROWOFFSET;
    }
    return true;
}

void note_exprs(struct fragment *f, const struct expr *const *exprs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        expr_walk(exprs[i], note_pseudo, f);
}

void settle_sources(struct fragment *f)
{
    for (uint32_t i = 0; i < f->n_sources; i++) {
        struct step *s = f->sources[i];
        if (s->kind == STEP_REPARTITION_SOURCE)
            continue;
        s->source.needs_partition = s->source.needs_partition || f->needs_partition;
        s->source.needs_offset = s->source.needs_offset || f->needs_offset;
    }
    f->needs_partition = f->needs_offset = false;
}

/* ---- stages ---- */

bool fragment_add_source(struct lowering *w, struct fragment *f, struct step *source)
{
    if (f->n_sources == MAX_SOURCES) {
        (void)plan_error(w->p, w->q->ast->span, "The query reads too many topics at once");
        return false;
    }
    f->sources[f->n_sources++] = source;
    return true;
}

bool close_stage(struct lowering *w, const struct fragment *f)
{
    if (w->n_stages == MAX_STAGES) {
        (void)plan_error(w->p, w->q->ast->span, "The query needs too many repartition topics");
        return false;
    }
    struct fragment settled = *f;
    settle_sources(&settled);
    const struct step **sources = PLAN_ARRAY(w->p, const struct step *, f->n_sources);
    if (!sources)
        return false;
    for (uint32_t i = 0; i < f->n_sources; i++)
        sources[i] = f->sources[i];
    w->stages[w->n_stages++] =
        (struct stage){.root = f->top, .n_sources = f->n_sources, .sources = sources, .has_state = f->has_state};
    return !f->after || close_stage(w, f->after);
}

/* What ksqlDB would write to the topic: the source's formats, with JSON for keys that the key format cannot hold. */
static struct topic_formats internal_formats(const struct lowering *w, const struct schema *schema)
{
    struct topic_formats formats = w->q->sources[0].source->formats;
    struct buf reason;
    buf_init(&reason, 0);
    formats.window = WINDOW_NONE;
    formats.window_size = 0;
    formats.key.schema_id = formats.value.schema_id = 0; /* of the source's columns */
    if (formats.key.kind == FORMAT_NONE)
        formats.key = (struct format_spec){.kind = FORMAT_KAFKA};
    if (!format_accepts(formats.key.kind, schema->columns, schema->n_keys, true, &reason))
        formats.key = (struct format_spec){.kind = FORMAT_JSON};
    buf_free(&reason);
    return formats;
}

bool repartition(struct lowering *w, const struct logical *node, struct fragment *f, const struct moved *moved)
{
    struct step *sink = step_new(w, STEP_REPARTITION_SINK, node, f);
    if (!sink)
        return false;
    sink->repartition.name = moved->topic;
    sink->repartition.keep_null_keys = moved->keep_null_keys;
    sink->repartition.is_table = is_table(node);
    sink->repartition.shown_formats = moved->formats;
    if (!close_stage(w, f))
        return false;
    *f = (struct fragment){0};
    struct step *source = step_new(w, STEP_REPARTITION_SOURCE, node, f);
    if (!source)
        return false;
    source->repartition = sink->repartition;
    return fragment_add_source(w, f, source);
}

/* ---- nodes ---- */

static bool add_name(struct lowering *w, struct str name)
{
    for (uint32_t i = 0; i < w->n_names; i++)
        if (str_eq(str_from(w->names[i]), name))
            return true;
    struct str copy = str_dup(w->p->a, name);
    if (!copy.p || w->n_names == MAX_SOURCES) {
        (void)plan_nomem(w->p);
        return false;
    }
    w->names[w->n_names++] = copy.p;
    return true;
}

static bool ends_with(struct str s, struct str end)
{
    return s.len >= end.len && str_eq(str_make(s.p + s.len - end.len, end.len), end);
}

/* What the properties say about times: ksql.timestamp.throw.on.invalid for those of columns, for those of records the
 * class that Kafka Streams is told to use. */
static void times_of_records(const struct planner *p, struct timestamp_spec *ts)
{
    struct str name = STR("");
    if (ts->kind != TS_RECORD) {
        ts->bad = planner_flag(p, "ksql.timestamp.throw.on.invalid", false) ? BAD_TIME_FAIL : BAD_TIME_USUAL;
        return;
    }
    if (!planner_property(p, "ksql.streams.default.timestamp.extractor", &name))
        (void)planner_property(p, "default.timestamp.extractor", &name);
    if (ends_with(name, STR("WallclockTimestampExtractor")))
        ts->kind = TS_WALL_CLOCK;
    ts->bad = ends_with(name, STR("LogAndSkipOnInvalidTimestamp"))         ? BAD_TIME_SKIP
              : ends_with(name, STR("UsePartitionTimeOnInvalidTimestamp")) ? BAD_TIME_LAST
                                                                           : BAD_TIME_USUAL;
}

static bool lower_source(struct lowering *w, const struct logical *node, struct fragment *f)
{
    const struct source *source = node->source.source;
    struct step *s = step_new(w, is_table(node) ? STEP_TABLE_SOURCE : STEP_STREAM_SOURCE, node, f);
    if (!s || !add_name(w, source->name))
        return false;
    s->source.source_name = source->name;
    s->source.topic = source->topic;
    s->source.formats = source->formats;
    s->source.topic_schema = source->schema;
    s->source.timestamp = source->timestamp;
    times_of_records(w->p, &s->source.timestamp);
    s->source.reads = node->source.reads;
    for (uint32_t i = 0; i < node->schema.n_columns; i++) {
        enum column_role role = node->schema.columns[i].role;
        s->source.needs_headers = s->source.needs_headers || role == ROLE_HEADERS || role == ROLE_HEADER;
    }
    if (node->source.is_materialized) {
        s->source.store = arena_printf(w->p->a, "%s-Reduce", node->context);
        f->has_state = true;
        if (!s->source.store)
            return false;
    }
    return fragment_add_source(w, f, s);
}

static bool lower_select(struct lowering *w, const struct logical *node, struct fragment *f)
{
    bool table = is_table(node);
    enum step_kind kind = node->kind == LOGICAL_REKEY     ? (table ? STEP_TABLE_SELECT_KEY : STEP_STREAM_SELECT_KEY)
                          : node->kind == LOGICAL_PROJECT ? (table ? STEP_TABLE_SELECT : STEP_STREAM_SELECT)
                          : node->select.keeps_key        ? STEP_STREAM_GROUP_BY_KEY
                          : table                         ? STEP_TABLE_GROUP_BY
                                                          : STEP_STREAM_GROUP_BY;
    struct step *s = step_new(w, kind, node, f);
    if (!s)
        return false;
    s->select.exprs = node->select.exprs;
    note_exprs(f, node->select.exprs, node->schema.n_columns);
    if (node->kind == LOGICAL_REKEY && node->select.moved)
        return repartition(w, node, f, node->select.moved);
    if (node->kind != LOGICAL_GROUP || node->select.keeps_key)
        return true;
    struct moved moved = {.topic = arena_printf(w->p->a, "%s-repartition", node->context),
                          .formats = internal_formats(w, &node->schema)};
    if (!moved.topic)
        (void)plan_nomem(w->p);
    return moved.topic && repartition(w, node, f, &moved);
}

static bool lower_aggregate(struct lowering *w, const struct logical *node, struct fragment *f)
{
    bool windowed = node->aggregate.window.kind != WINDOW_NONE;
    struct step *s = step_new(w,
                              is_table(node->inputs[0]) ? STEP_TABLE_AGGREGATE
                              : windowed                ? STEP_STREAM_WINDOWED_AGGREGATE
                                                        : STEP_STREAM_AGGREGATE,
                              node, f);
    uint32_t n = node->aggregate.n_calls;
    struct step_aggregate_call *calls = s ? PLAN_ARRAY(w->p, struct step_aggregate_call, n) : NULL;
    if (!calls)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const struct aggregate_item *item = &node->aggregate.calls[i];
        calls[i] = (struct step_aggregate_call){.call = item->call,
                                                .n_args = item->n_args,
                                                .args = item->args,
                                                .literals = item->literals,
                                                .n_literals = item->n_literals,
                                                .limit = item->limit};
    }
    s->aggregate.n_calls = n;
    s->aggregate.calls = calls;
    s->aggregate.window = node->aggregate.window;
    s->aggregate.reads = node->aggregate.reads;
    s->aggregate.functions = node->aggregate.functions;
    s->aggregate.store = arena_printf(w->p->a, "%s-Materialize", node->context);
    f->has_state = true;
    return s->aggregate.store != NULL;
}

static bool lower_other(struct lowering *w, const struct logical *node, struct fragment *f)
{
    bool filter = node->kind == LOGICAL_FILTER;
    struct step *s = step_new(w,
                              !filter          ? STEP_STREAM_FLAT_MAP
                              : is_table(node) ? STEP_TABLE_FILTER
                                               : STEP_STREAM_FILTER,
                              node, f);
    if (!s)
        return false;
    if (filter) {
        s->filter.predicate = node->filter.predicate;
        note_exprs(f, &node->filter.predicate, 1);
    } else {
        s->flat_map.n_calls = node->flat_map.n_calls;
        s->flat_map.calls = node->flat_map.calls;
        note_exprs(f, node->flat_map.calls, node->flat_map.n_calls);
    }
    return true;
}

bool lower(struct lowering *w, const struct logical *node, struct fragment *f)
{
    if (node->kind == LOGICAL_JOIN)
        return lower_join(w, node, f);
    if (node->n_inputs && !lower(w, node->inputs[0], f))
        return false;
    switch (node->kind) {
    case LOGICAL_SOURCE:
        return lower_source(w, node, f);
    case LOGICAL_PROJECT:
    case LOGICAL_REKEY:
    case LOGICAL_GROUP:
        return lower_select(w, node, f);
    case LOGICAL_AGGREGATE:
        return lower_aggregate(w, node, f);
    case LOGICAL_FILTER:
    case LOGICAL_FLAT_MAP:
        return lower_other(w, node, f);
    case LOGICAL_JOIN:
        break;
    }
    return false;
}

/* ---- the plan ---- */

static bool lower_sink(struct lowering *w, const struct logical *root, const struct sink_target *target,
                       struct fragment *f)
{
    bool client = target->kind == TARGET_CLIENT;
    struct step *s = step_new(w,
                              client           ? STEP_CLIENT_SINK
                              : is_table(root) ? STEP_TABLE_SINK
                                               : STEP_STREAM_SINK,
                              root, f);
    if (!s)
        return false;
    if (!client) {
        s->context = target->name.p;
        s->sink.sink_name = target->name;
        s->sink.topic = target->topic;
        s->sink.formats = target->formats;
        s->sink.timestamp = target->timestamp;
    } else {
        s->context = "Client";
    }
    return close_stage(w, f);
}

struct plan *physical_plan(struct planner *p, const struct logical *root, const struct sink_target *target,
                           const struct query *q, const char *query_id)
{
    struct lowering *w = PLAN_NEW(p, struct lowering);
    struct plan *plan = PLAN_NEW(p, struct plan);
    if (!w || !plan)
        return NULL;
    w->p = p;
    w->q = q;
    struct fragment f = {0};
    if (!lower(w, root, &f) || !lower_sink(w, root, target, &f)) {
        if (p->d->code == STATUS_OK)
            (void)plan_nomem(p);
        return NULL;
    }
    plan->arena = p->a;
    plan->query_id = query_id;
    plan->result = !is_table(root)                      ? RESULT_STREAM
                   : root->schema.window != WINDOW_NONE ? RESULT_WINDOWED_TABLE
                                                        : RESULT_TABLE;
    plan->schema = root->schema;
    plan->n_stages = w->n_stages;
    plan->stages = arena_dup(p->a, w->stages, w->n_stages * sizeof *w->stages);
    plan->sources = arena_dup(p->a, w->names, w->n_names * sizeof *w->names);
    plan->n_source_names = w->n_names;
    plan->sink = f.top;
    plan->limit = q->ast->has_limit ? q->ast->limit : -1;
    if (!plan->stages || !plan->sources) {
        (void)plan_nomem(p);
        return NULL;
    }
    return plan;
}
