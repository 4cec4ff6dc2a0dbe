/* Tasks: builds the operators of a stage, pushes records into its sources, flushes, restores. What the operators do is
 * in op/. */
#include "exec/exec_int.h"

/* ---- which operator runs a step ---------------------------------------------------------------------------- */

static const struct op_def *aggregate_for(const struct step *s)
{
    switch (s->aggregate.window.kind) {
    case WINDOW_NONE:
        return &op_aggregate;
    case WINDOW_SESSION:
        return &op_session_aggregate;
    case WINDOW_TUMBLING:
    case WINDOW_HOPPING:
        return &op_window_aggregate;
    }
    return NULL;
}

const struct op_def *op_for(const struct step *s)
{
    switch (s->kind) {
    case STEP_STREAM_SOURCE:
    case STEP_TABLE_SOURCE:
        return &op_source;
    case STEP_REPARTITION_SOURCE:
        return &op_repartition_source;
    case STEP_STREAM_FILTER:
    case STEP_TABLE_FILTER:
        return &op_filter;
    case STEP_STREAM_SELECT:
    case STEP_TABLE_SELECT:
        return &op_project;
    case STEP_STREAM_SELECT_KEY:
    case STEP_TABLE_SELECT_KEY:
        return &op_select_key;
    case STEP_STREAM_GROUP_BY:
        return &op_group_by;
    case STEP_STREAM_GROUP_BY_KEY:
        return s->select.exprs ? &op_group_by : &op_pass;
    case STEP_TABLE_GROUP_BY:
        return &op_table_group_by;
    case STEP_STREAM_FLAT_MAP:
        return &op_flat_map;
    case STEP_STREAM_AGGREGATE:
    case STEP_STREAM_WINDOWED_AGGREGATE:
        return aggregate_for(s);
    case STEP_TABLE_AGGREGATE:
        return &op_table_aggregate;
    case STEP_TABLE_SUPPRESS: /* the aggregate below emits on close */
        return &op_pass;
    case STEP_STREAM_SINK:
    case STEP_TABLE_SINK:
        return &op_sink;
    case STEP_REPARTITION_SINK:
        return &op_repartition_sink;
    case STEP_CLIENT_SINK:
        return &op_client_sink;
    case STEP_STREAM_STREAM_JOIN:
        return &op_stream_stream_join;
    case STEP_STREAM_TABLE_JOIN:
        return &op_stream_table_join;
    case STEP_TABLE_TABLE_JOIN:
        return s->join.outer == OUTER_NONE ? &op_table_table_inner_join : &op_table_table_join;
    case STEP_FOREIGN_KEY_JOIN:
        return &op_foreign_key_join;
    case STEP_FOREIGN_KEY_ANSWER:
        return &op_foreign_key_answer;
    }
    return NULL;
}

static const struct op_def *side_for(const struct step *s, uint32_t port)
{
    if (s->kind == STEP_STREAM_STREAM_JOIN)
        return &op_stream_join_side;
    return s->kind == STEP_FOREIGN_KEY_ANSWER && port == 0 ? &op_subscriptions : &op_table_join_side;
}

/* ---- building ----------------------------------------------------------------------------------------------- */

const char *join_side_store(const struct step *s, uint32_t port)
{
    switch (s->kind) {
    case STEP_STREAM_STREAM_JOIN:
    case STEP_STREAM_TABLE_JOIN:
    case STEP_TABLE_TABLE_JOIN:
        return s->join.stores[port];
    case STEP_FOREIGN_KEY_JOIN:
        return port == 0 ? s->foreign_key.store : NULL;
    case STEP_FOREIGN_KEY_ANSWER:
        return s->answer.stores[port];
    default:
        return NULL;
    }
}

static uint32_t count_ops(const struct step *s)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i < s->n_inputs; i++)
        n += count_ops(s->inputs[i]) + (join_side_store(s, i) != NULL);
    return n;
}

static struct op *new_op(struct task *t, const struct op_def *def, const struct step *s, struct op *inputs[2])
{
    struct op *op = &t->ops[t->n_ops++];
    *op = (struct op){.def = def, .task = t, .step = s, .inputs = {inputs[0], inputs[1]}};
    for (uint32_t i = 0; i < 2 && inputs[i]; i++) {
        inputs[i]->parent = op;
        inputs[i]->port = i;
    }
    return op;
}

/* Fills t->ops from inputs to users; the result is the operator of `s`. */
static struct op *add_op(struct task *t, const struct step *s)
{
    struct op *inputs[2] = {NULL, NULL};
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        inputs[i] = add_op(t, s->inputs[i]);
        if (join_side_store(s, i))
            inputs[i] = new_op(t, side_for(s, i), s, (struct op *[2]){inputs[i], NULL});
    }
    return new_op(t, op_for(s), s, inputs);
}

static struct op *find_op(struct task *t, const struct step *s)
{
    for (uint32_t i = 0; i < t->n_ops; i++)
        if (t->ops[i].step == s)
            return &t->ops[i];
    return NULL;
}

/* A side has the step of its join. */
static bool is_side(const struct op *op)
{
    return op->parent && op->parent->step == op->step;
}

static enum status connect(struct task *t, struct diag *d)
{
    for (uint32_t i = t->n_ops; i-- > 0;) { /* users first */
        struct op *op = &t->ops[i];
        if (!op->def)
            return diag_set(d, STATUS_UNSUPPORTED, "%s cannot be run yet", step_kind_name(op->step->kind));
        if (!op->parent)
            continue;
        enum before_need need = op->parent->def->before;
        op->emits_before = need == BEFORE_WANTED || (need == BEFORE_AS_PARENT && op->parent->emits_before);
        if (op->step->kind == STEP_REPARTITION_SOURCE && !op->step->repartition.is_table)
            op->emits_before = false;
        /* What a foreign key join asks comes back later anyway. */
        op->is_below_side =
            is_side(op->parent) || (op->parent->is_below_side && op->parent->step->kind != STEP_FOREIGN_KEY_JOIN);
    }
    t->sources = ARENA_ARRAY(&t->arena, struct op *, t->stage->n_sources);
    if (!t->sources)
        return diag_nomem(d);
    for (uint32_t i = 0; i < t->stage->n_sources; i++) {
        t->sources[i] = find_op(t, t->stage->sources[i]);
        if (!t->sources[i])
            return diag_set(d, STATUS_INVALID, "A source of the stage is not below its root");
    }
    return STATUS_OK;
}

static enum status open_ops(struct task *t, struct diag *d)
{
    for (uint32_t i = 0; i < t->n_ops; i++) {
        struct op *op = &t->ops[i];
        enum status st = op->def->open ? op->def->open(op, d) : STATUS_OK;
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

enum status task_create(const struct plan *p, uint32_t stage, int32_t partition, const struct exec_options *options,
                        const struct task_output *out, struct task **task, struct diag *d)
{
    *task = NULL;
    struct task *t = mem_calloc(1, sizeof *t);
    if (!t)
        return diag_nomem(d);
    arena_init(&t->arena, 0);
    t->plan = p;
    t->stage = &p->stages[stage];
    t->partition = partition;
    t->options = *options;
    t->out = *out;
    t->stream_time = INT64_MIN;
    t->limit_left = p->limit;
    enum status st = STATUS_OK;
    t->ops = ARENA_ARRAY(&t->arena, struct op, count_ops(t->stage->root));
    if (!t->ops)
        st = diag_nomem(d);
    if (st == STATUS_OK) {
        add_op(t, t->stage->root);
        st = connect(t, d);
    }
    if (st == STATUS_OK)
        st = open_ops(t, d);
    if (st != STATUS_OK) {
        task_destroy(t);
        return st;
    }
    *task = t;
    return STATUS_OK;
}

void task_destroy(struct task *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; i < t->n_ops; i++) {
        struct op *op = &t->ops[i];
        if (op->def && op->def->close && op->state)
            op->def->close(op);
        store_destroy(op->store);
    }
    snapshot_close(t->snapshot);
    arena_free(&t->arena);
    mem_free(t);
}

/* ---- running ------------------------------------------------------------------------------------------------ */

enum status task_push(struct task *t, uint32_t source, const struct record_batch *records, struct diag *d)
{
    struct op *op = t->sources[source];
    uint32_t step = t->row_by_row ? 1 : t->options.batch_rows ? t->options.batch_rows : BATCH_ROWS;
    if (step > BATCH_ROWS)
        step = BATCH_ROWS;
    for (uint32_t from = 0; from < records->n && !t->stopped; from += step) {
        uint32_t to = records->n - from < step ? records->n : from + step;
        enum status st = op->def->read(op, records, from, to, d);
        if (st != STATUS_OK)
            return st;
    }
    if (op->step->kind != STEP_REPARTITION_SOURCE)
        t->n_in += records->n;
    return t->snapshot ? snapshot_status(t->snapshot, d) : STATUS_OK;
}

enum status task_flush(struct task *t, struct diag *d)
{
    for (uint32_t i = 0; i < t->n_ops; i++) {
        struct op *op = &t->ops[i];
        enum status st = op->def->flush ? op->def->flush(op, d) : STATUS_OK;
        if (st != STATUS_OK)
            return st;
    }
    return t->snapshot ? snapshot_status(t->snapshot, d) : STATUS_OK;
}

int64_t task_stream_time(const struct task *t)
{
    return t->stream_time;
}

void task_set_stream_time(struct task *t, int64_t stream_time)
{
    t->stream_time = stream_time;
}

void task_counts(const struct task *t, int64_t *in, int64_t *out, int64_t *errors)
{
    *in = t->n_in;
    *out = t->n_out;
    *errors = t->n_errors;
}

size_t task_memory(const struct task *t)
{
    size_t bytes = t->snapshot ? snapshot_memory(t->snapshot) : 0;
    for (uint32_t i = 0; i < t->n_ops; i++)
        bytes += t->ops[i].store ? store_memory(t->ops[i].store) : 0;
    return bytes;
}

/* ---- codecs ------------------------------------------------------------------------------------------------- */

struct format_spec op_format(const struct op *op, const struct format_spec *format, const char *topic, bool is_key,
                             struct schema_site *site)
{
    return format_at(format, op->task->options.registry, topic, is_key, site);
}

/* ---- state -------------------------------------------------------------------------------------------------- */

const char *changelog_topic(struct arena *a, const struct plan *p, const char *store,
                            const struct exec_options *options)
{
    return arena_printf(a, "%s%s-%s-changelog", options->topic_prefix ? options->topic_prefix : "", p->query_id, store);
}

const char *repartition_topic(struct arena *a, const struct plan *p, const struct step *s,
                              const struct exec_options *options)
{
    return arena_printf(a, "%s%s-%s", options->topic_prefix ? options->topic_prefix : "", p->query_id,
                        s->repartition.name);
}

static const char *own_store(const struct step *s)
{
    switch (s->kind) {
    case STEP_TABLE_SOURCE:
        return s->source.store;
    case STEP_STREAM_AGGREGATE:
    case STEP_STREAM_WINDOWED_AGGREGATE:
    case STEP_TABLE_AGGREGATE:
        return s->aggregate.store;
    case STEP_STREAM_STREAM_JOIN:
        return s->join.pending_store;
    case STEP_FOREIGN_KEY_JOIN:
        return s->foreign_key.result_store;
    default:
        return NULL;
    }
}

uint32_t step_stores(const struct step *s, const char *names[STEP_STORES])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_inputs; i++)
        if (join_side_store(s, i))
            names[n++] = join_side_store(s, i);
    if (own_store(s))
        names[n++] = own_store(s);
    return n;
}

static enum status collect_changelogs(const struct plan *p, const struct step *s, const struct exec_options *options,
                                      struct arena *a, const char **names, size_t *n, struct diag *d)
{
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        enum status st = collect_changelogs(p, s->inputs[i], options, a, names, n, d);
        if (st != STATUS_OK)
            return st;
    }
    const char *stores[STEP_STORES];
    uint32_t n_stores = step_stores(s, stores);
    for (uint32_t i = 0; i < n_stores; i++)
        if (!(names[(*n)++] = changelog_topic(a, p, stores[i], options)))
            return diag_nomem(d);
    return STATUS_OK;
}

enum status stage_changelogs(const struct plan *p, uint32_t stage, const struct exec_options *options, struct arena *a,
                             const char ***names, size_t *n, struct diag *d)
{
    const struct step *root = p->stages[stage].root;
    *n = 0;
    *names = ARENA_ARRAY(a, const char *, (size_t)count_ops(root));
    return *names ? collect_changelogs(p, root, options, a, *names, n, d) : diag_nomem(d);
}

enum status task_restore(struct task *t, const char *changelog, const struct record_batch *records, struct diag *d)
{
    for (uint32_t i = 0; i < t->n_ops; i++) {
        struct op *op = &t->ops[i];
        if (!op->changelog || strcmp(op->changelog, changelog) != 0)
            continue;
        enum status st = store_restore(op->store, records->records, records->n, d);
        return st == STATUS_OK ? task_restored(t, op, records->next_offset, d) : st;
    }
    return diag_set(d, STATUS_NOT_FOUND, "No store of this task has the changelog %s", changelog);
}

enum status op_store(struct op *op, struct store_options options, struct diag *d)
{
    struct task *t = op->task;
    op->changelog = changelog_topic(&t->arena, t->plan, options.name, &t->options);
    options.keep_old |= op->emits_before && op_coalesces(op);
    return op->changelog ? store_create(&options, &op->store, d) : diag_nomem(d);
}

static enum status append_changes(void *data, const struct record *records, size_t n, struct diag *d)
{
    struct op *op = data;
    struct task_output *out = &op->task->out;
    return out->append ? out->append(out->data, op->changelog, op->task->partition, records, n, d) : STATUS_OK;
}

enum status op_flush_store(struct op *op, struct diag *d)
{
    enum status st = store_write_changes(op->store, append_changes, op, d);
    store_clear_changes(op->store);
    return st;
}

/* ---- the processing log ----------------------------------------------------------------------------------- */

void op_report(struct op *op, int kind, const char *logger, const char *message, const struct record *record,
               const struct record_batch *from)
{
    struct task *t = op->task;
    t->n_errors++;
    if (!t->options.on_error)
        return;
    struct processing_error e = {
        .query_id = t->plan->query_id,
        .logger = logger,
        .message = message,
        .topic = from ? from->topic : NULL,
        .partition = from ? from->partition : -1,
        .offset = record ? record->offset : -1,
        .record = record ? record->value : str_make(NULL, 0),
    };
    memcpy(&e.kind, &kind, sizeof e.kind);
    t->options.on_error(t->options.on_error_data, &e);
}
