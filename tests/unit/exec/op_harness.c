/* The harness of op_harness.h. */
#include "op_harness.h"

#include "exec/exec_int.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- plans -------------------------------------------------------------------------------------------------- */

void op_setup(struct op_test *t)
{
    memset(t, 0, sizeof *t);
    arena_init(&t->arena, 0);
    t->plan = (struct plan){.arena = &t->arena, .query_id = "Q_1", .limit = -1, .stages = t->stages};
}

void op_teardown(struct op_test *t)
{
    arena_free(&t->arena);
}

static const struct type *type_named(struct op_test *t, const char *name)
{
    static const struct {
        const char *name;
        const struct type *type;
    } types[] = {
        {"STRING", &TYPE_STRING}, {"BIGINT", &TYPE_BIGINT},       {"INT", &TYPE_INT},
        {"DOUBLE", &TYPE_DOUBLE}, {"TIMESTAMP", &TYPE_TIMESTAMP}, {"BOOLEAN", &TYPE_BOOLEAN},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    REQUIRE(strcmp(name, "ARRAY") == 0);
    return type_array(&t->arena, &TYPE_STRING);
}

struct schema op_schema(struct op_test *t, const char *text)
{
    struct schema_column *columns = ARENA_ARRAY(&t->arena, struct schema_column, 16);
    struct schema s = {.columns = columns};
    char *copy = arena_dup(&t->arena, text, strlen(text) + 1), *save;
    for (char *part = strtok_r(copy, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
        char name[32], type[32], role[32] = "";
        REQUIRE(sscanf(part, " %31s %31s %31s", name, type, role) >= 2);
        struct schema_column *c = &columns[s.n_columns++];
        c->name = str_dup(&t->arena, str_from(name));
        c->type = type_named(t, type);
        c->role = strcmp(role, "KEY") == 0 ? ROLE_KEY : ROLE_VALUE;
        s.n_keys += c->role == ROLE_KEY;
    }
    return s;
}

static struct topic_formats text_formats(const struct schema *s)
{
    return (struct topic_formats){.key = {.kind = s->n_keys ? FORMAT_KAFKA : FORMAT_NONE},
                                  .value = {.kind = FORMAT_DELIMITED, .delimiter = ',', .wrapped = true}};
}

struct step *op_step(struct op_test *t, enum step_kind kind, const struct step *input, const char *columns)
{
    REQUIRE(t->n_steps < OP_STEPS);
    struct step *s = &t->steps[t->n_steps++];
    *s = (struct step){.kind = kind, .context = "Step"};
    s->schema = columns ? op_schema(t, columns) : input->schema;
    if (input) {
        s->n_inputs = 1;
        s->inputs[0] = input;
    }
    return s;
}

struct step *op_source_step(struct op_test *t, bool table, const char *columns)
{
    struct step *s = op_step(t, table ? STEP_TABLE_SOURCE : STEP_STREAM_SOURCE, NULL, columns);
    s->context = "KsqlTopic";
    s->source.topic = "in";
    s->source.topic_schema = s->schema;
    s->source.formats = text_formats(&s->schema);
    s->source.store = table ? "KsqlTopic-Reduce" : NULL;
    return s;
}

struct step *op_sink_step(struct op_test *t, const struct step *input, bool table)
{
    struct step *s = op_step(t, table ? STEP_TABLE_SINK : STEP_STREAM_SINK, input, NULL);
    s->sink.topic = "out";
    s->sink.formats = text_formats(&s->schema);
    for (const struct step *x = input; x; x = x->n_inputs ? x->inputs[0] : NULL)
        if (x->kind == STEP_STREAM_WINDOWED_AGGREGATE)
            s->sink.formats.window = x->aggregate.window.kind;
    op_stage(t, s);
    return s;
}

void op_stage(struct op_test *t, const struct step *root)
{
    const struct step *source = root;
    while (source->n_inputs)
        source = source->inputs[0];
    uint32_t i = t->plan.n_stages++;
    REQUIRE(i < OP_STAGES);
    t->sources[i] = source;
    t->stages[i] = (struct stage){.root = root, .n_sources = 1, .sources = &t->sources[i]};
    t->plan.sink = root;
}

struct step *op_repartition(struct op_test *t, const struct step *input, bool table)
{
    struct step *sink = op_step(t, STEP_REPARTITION_SINK, input, NULL);
    sink->repartition.name = "Aggregate-GroupBy-repartition";
    sink->repartition.is_table = table;
    sink->repartition.shown_formats = text_formats(&sink->schema);
    op_stage(t, sink);
    struct step *source = op_step(t, STEP_REPARTITION_SOURCE, NULL, NULL == input ? "" : "K STRING KEY");
    source->schema = input->schema;
    source->repartition = sink->repartition;
    return source;
}

/* ---- expressions -------------------------------------------------------------------------------------------- */

static struct expr *node(struct op_test *t, enum expr_kind kind, const struct type *type)
{
    struct expr *e = ARENA_NEW(&t->arena, struct expr);
    e->kind = kind;
    e->type = type;
    return e;
}

const struct expr *op_column(struct op_test *t, const struct schema *s, uint32_t column)
{
    struct expr *e = node(t, EXPR_COLUMN, s->columns[column].type);
    e->column = column;
    e->name = s->columns[column].name;
    return e;
}

const struct expr *const *op_exprs(struct op_test *t, uint32_t n, ...)
{
    const struct expr **list = ARENA_ARRAY(&t->arena, const struct expr *, n);
    va_list args;
    va_start(args, n);
    for (uint32_t i = 0; i < n; i++)
        list[i] = va_arg(args, const struct expr *);
    va_end(args);
    return list;
}

static const struct expr *pair(struct op_test *t, enum expr_kind kind, int op, const struct type *type,
                               const struct expr *x, const struct expr *y)
{
    struct expr *e = node(t, kind, type);
    e->op = (uint8_t)op;
    e->n_args = 2;
    e->args = op_exprs(t, 2, x, y);
    return e;
}

const struct expr *op_compare(struct op_test *t, const struct expr *x, enum compare_op op, int64_t bigint)
{
    struct expr *literal = node(t, EXPR_LITERAL, &TYPE_BIGINT);
    literal->value = (struct value){.kind = KIND_BIGINT, .i64 = bigint};
    return pair(t, EXPR_COMPARE, op, &TYPE_BOOLEAN, x, literal);
}

const struct expr *op_divide(struct op_test *t, const struct expr *x, const struct expr *y)
{
    return pair(t, EXPR_ARITH, ARITH_DIV, &TYPE_BIGINT, x, y);
}

const struct expr *op_array(struct op_test *t, const struct expr *x, const struct expr *y)
{
    return pair(t, EXPR_ARRAY, 0, type_array(&t->arena, x->type), x, y);
}

/* ---- aggregates --------------------------------------------------------------------------------------------- */

static uint32_t eight_bytes(const struct aggregate_call *c)
{
    (void)c;
    return 8;
}

static void zero(const struct aggregate_call *c, void *state)
{
    (void)c;
    memset(state, 0, 8);
}

static bool add_i64(void *state, int64_t n)
{
    int64_t v;
    memcpy(&v, state, sizeof v);
    v += n;
    memcpy(state, &v, sizeof v);
    return true;
}

static bool count_step(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    (void)args;
    return add_i64(state, 1);
}

static bool count_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    (void)args;
    return add_i64(state, -1);
}

static bool sum_step(struct aggregate_call *c, void *state, const struct value *args)
{
    if (args[0].kind != KIND_NULL && args[0].i64 == 666) {
        snprintf(c->error, sizeof c->error, "Numeric field overflow");
        return false;
    }
    return add_i64(state, args[0].kind == KIND_NULL ? 0 : args[0].i64);
}

static bool sum_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    return add_i64(state, args[0].kind == KIND_NULL ? 0 : -args[0].i64);
}

static bool merge_i64(struct aggregate_call *c, void *state, const void *other)
{
    int64_t v;
    (void)c;
    memcpy(&v, other, sizeof v);
    return add_i64(state, v);
}

static bool result_i64(struct aggregate_call *c, const void *state, struct value *out)
{
    (void)c;
    out->kind = KIND_BIGINT;
    memcpy(&out->i64, state, sizeof out->i64);
    return true;
}

static uint32_t variable(const struct aggregate_call *c)
{
    (void)c;
    return 0;
}

static const struct type *list_type(struct arena *a, const struct aggregate_call *c)
{
    (void)c;
    return type_array(a, &TYPE_STRING);
}

static void empty_list(const struct aggregate_call *c, void *state)
{
    struct nested *list = ARENA_NEW(c->arena, struct nested);
    *(struct value *)state = (struct value){.kind = KIND_ARRAY, .nested = list};
}

static bool append(struct arena *a, struct value *list, const struct value *items, uint32_t n)
{
    const struct nested *old = list->nested;
    struct nested *now = ARENA_NEW(a, struct nested);
    struct value *all = ARENA_ARRAY(a, struct value, old->n + n);
    if (!now || !all)
        return false;
    if (old->n)
        memcpy(all, old->items, old->n * sizeof *all);
    if (n)
        memcpy(all + old->n, items, n * sizeof *items);
    *now = (struct nested){.n = old->n + n, .items = all};
    list->nested = now;
    return true;
}

static bool list_step(struct aggregate_call *c, void *state, const struct value *args)
{
    return append(c->arena, state, args, 1);
}

static bool list_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    struct value *list = state, kept = *list;
    empty_list(c, list);
    bool found = false, ok = !c->arena->failed;
    for (uint32_t i = 0; ok && i < kept.nested->n; i++) {
        if (!found && value_eq(&kept.nested->items[i], args))
            found = true;
        else
            ok = append(c->arena, list, &kept.nested->items[i], 1);
    }
    return ok;
}

static bool list_merge(struct aggregate_call *c, void *state, const void *other)
{
    const struct value *theirs = other;
    return append(c->arena, state, theirs->nested->items, theirs->nested->n);
}

static bool list_result(struct aggregate_call *c, const void *state, struct value *out)
{
    const struct nested *list = ((const struct value *)state)->nested;
    struct buf text;
    buf_init(&text, 0);
    for (uint32_t i = 0; i < list->n; i++) {
        if (i)
            buf_putc(&text, '+');
        buf_puts(&text, list->items[i].kind == KIND_NULL ? STR("null") : list->items[i].str);
    }
    *out = (struct value){.kind = KIND_STRING, .str = str_dup(c->arena, buf_str(&text))};
    bool ok = !text.failed && !c->arena->failed;
    c->arena->failed |= !ok; /* how the operator tells it from an error of the data */
    buf_free(&text);
    return ok;
}

static const struct aggregate aggregates[] = {
    [OP_COUNT] = {eight_bytes, NULL, zero, count_step, count_undo, merge_i64, result_i64},
    [OP_SUM] = {eight_bytes, NULL, zero, sum_step, sum_undo, merge_i64, result_i64},
    [OP_COLLECT] = {variable, list_type, empty_list, list_step, list_undo, list_merge, list_result},
};

struct step *op_aggregate_step(struct op_test *t, enum step_kind kind, const struct step *input, const char *columns,
                               uint32_t n_required, const uint32_t *required, uint32_t n_calls,
                               const enum op_aggregate *calls, const uint32_t *args)
{
    struct step *s = op_step(t, kind, input, columns);
    struct step_aggregate_call *list = ARENA_ARRAY(&t->arena, struct step_aggregate_call, n_calls);
    for (uint32_t i = 0; i < n_calls; i++) {
        struct function_variant *v = ARENA_NEW(&t->arena, struct function_variant);
        struct resolved_call *call = ARENA_NEW(&t->arena, struct resolved_call);
        v->aggregate = &aggregates[calls[i]];
        *call = (struct resolved_call){
            .variant = v, .n_args = 1, .n_columns = 1, .result = calls[i] == OP_COLLECT ? &TYPE_STRING : &TYPE_BIGINT};
        list[i] = (struct step_aggregate_call){
            .call = call, .n_args = calls[i] != OP_COUNT, .args = arena_dup(&t->arena, &args[i], sizeof *args)};
    }
    s->aggregate.n_required = n_required;
    s->aggregate.required = required;
    s->aggregate.n_calls = n_calls;
    s->aggregate.calls = list;
    s->aggregate.store = "Aggregate-Aggregate-Materialize";
    return s;
}

/* ---- running ------------------------------------------------------------------------------------------------ */

enum { MAX_CHANGELOGS = 2 }; /* a stage */
struct stored {              /* records of a topic */
    char topic[128];
    struct record records[4096];
    uint32_t n;
};

struct run {
    struct op_test *t;
    struct exec_options options;
    struct arena arena;
    struct stored between[OP_STAGES]; /* what a stage reads, behind the first */
    struct stored changelog[OP_STAGES][MAX_CHANGELOGS];
    struct task *tasks[OP_STAGES];
    uint32_t pushed[OP_STAGES];
    struct buf text, errors;
    struct task_output out[OP_STAGES];
    struct {
        struct run *run;
        uint32_t stage;
    } ports[OP_STAGES];
};

static struct stored *changelog_named(struct run *r, uint32_t stage, const char *topic)
{
    struct stored *c = r->changelog[stage];
    while (c->topic[0] && strcmp(c->topic, topic) != 0)
        c++;
    REQUIRE(c < r->changelog[stage] + MAX_CHANGELOGS);
    snprintf(c->topic, sizeof c->topic, "%s", topic);
    return c;
}

static void store_record(struct run *r, struct stored *to, const struct record *record)
{
    struct record *copy = &to->records[to->n];
    *copy = *record;
    copy->offset = to->n++;
    if (copy->key.p)
        copy->key = str_dup(&r->arena, record->key);
    if (copy->value.p)
        copy->value = str_dup(&r->arena, record->value);
    if (record->headers) {
        struct headers *headers = ARENA_NEW(&r->arena, struct headers);
        struct record_header *items = ARENA_ARRAY(&r->arena, struct record_header, record->headers->n);
        for (uint32_t i = 0; i < record->headers->n; i++)
            items[i] = (struct record_header){.key = str_dup(&r->arena, record->headers->items[i].key),
                                              .value = str_dup(&r->arena, record->headers->items[i].value)};
        *headers = (struct headers){record->headers->n, items};
        copy->headers = headers;
    }
}

static int64_t be64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return (int64_t)__builtin_bswap64(v);
}

static void show_record(struct run *r, const struct record *record)
{
    const struct step *sink = r->t->plan.sink;
    struct str key = record->key;
    enum window_kind window = sink->sink.formats.window;
    if (key.p && window != WINDOW_NONE)
        key.len -= window == WINDOW_SESSION ? 16 : 8;
    if (!key.p)
        buf_puts(&r->text, STR("null"));
    else if (sink->schema.columns[0].type->kind == KIND_BIGINT)
        buf_put_i64(&r->text, be64(key.p));
    else
        buf_puts(&r->text, key);
    if (key.p && window == WINDOW_SESSION)
        buf_printf(&r->text, "[%" PRId64 ",%" PRId64 "]", be64(key.p + key.len + 8), be64(key.p + key.len));
    else if (key.p && window != WINDOW_NONE)
        buf_printf(&r->text, "[%" PRId64 "]", be64(key.p + key.len));
    buf_putc(&r->text, '=');
    buf_puts(&r->text, record->value.p ? record->value : STR("null"));
    buf_printf(&r->text, "@%" PRId64, record->ts);
    if (r->t->show_headers)
        buf_printf(&r->text, " %.*s", record->headers ? (int)record->headers->items[0].value.len : 1,
                   record->headers ? record->headers->items[0].value.p : "-");
    buf_putc(&r->text, '\n');
}

static enum status take_output(void *data, const char *topic, int32_t partition, const struct record *records, size_t n,
                               struct diag *d)
{
    struct run *r = *(struct run **)data;
    uint32_t stage = *(uint32_t *)((char *)data + sizeof(struct run *));
    (void)d;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(topic, "out") == 0) {
            show_record(r, &records[i]);
        } else if (strstr(topic, "-changelog")) {
            CHECK_INT(partition, 0);
            store_record(r, changelog_named(r, stage, topic), &records[i]);
        } else {
            CHECK_TEXT(topic, "prefix_Q_1-Aggregate-GroupBy-repartition");
            store_record(r, &r->between[stage + 1], &records[i]);
        }
    }
    return STATUS_OK;
}

static void take_error(void *data, const struct processing_error *e)
{
    struct run *r = data;
    buf_printf(&r->errors, "%s;", e->message);
}

static void make_task(struct run *r, uint32_t stage)
{
    struct diag d = DIAG_INIT;
    enum status st = task_create(&r->t->plan, stage, 0, &r->options, &r->out[stage], &r->tasks[stage], &d);
    CHECK_TEXT(d.message, "");
    REQUIRE(st == STATUS_OK);
}

static void ignore_drop(struct record_batch *b)
{
    mem_free(b);
}

/* A batch of its own for every push: it must live as long as someone keeps it, and no longer. */
static enum status push(struct run *r, uint32_t stage, uint32_t source, const struct record *records, uint32_t n,
                        struct diag *d)
{
    struct record_batch *b = mem_alloc(sizeof *b);
    *b = (struct record_batch){.refs = 1,
                               .n = n,
                               .partition = 0,
                               .topic = "in",
                               .records = (struct record *)(uintptr_t)records,
                               .destroy = ignore_drop};
    enum status st = task_push(r->tasks[stage], source, b, d);
    if (--b->refs == 0)
        mem_free(b);
    return st;
}

static enum status push_between(struct run *r, struct diag *d)
{
    for (uint32_t stage = 1; stage < r->t->plan.n_stages; stage++) {
        struct stored *from = &r->between[stage];
        enum status st = push(r, stage, 0, from->records + r->pushed[stage], from->n - r->pushed[stage], d);
        r->pushed[stage] = from->n;
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

static enum status flush(struct run *r, struct diag *d)
{
    for (uint32_t stage = 0; stage < r->t->plan.n_stages; stage++) {
        enum status st = push_between(r, d);
        if (st == STATUS_OK)
            st = task_flush(r->tasks[stage], d);
        if (st != STATUS_OK)
            return st;
    }
    return push_between(r, d);
}

static enum status restart(struct run *r, struct diag *d)
{
    enum status st = flush(r, d);
    for (uint32_t stage = 0; stage < r->t->plan.n_stages && st == STATUS_OK; stage++) {
        int64_t stream_time = task_stream_time(r->tasks[stage]);
        task_destroy(r->tasks[stage]);
        make_task(r, stage);
        task_set_stream_time(r->tasks[stage], stream_time);
        const char **names;
        size_t n;
        st = stage_changelogs(&r->t->plan, stage, &r->options, &r->arena, &names, &n, d);
        for (size_t i = 0; i < n && st == STATUS_OK; i++) {
            struct stored *c = changelog_named(r, stage, names[i]);
            struct record_batch b = {.refs = 1, .n = c->n, .records = c->records};
            st = task_restore(r->tasks[stage], names[i], &b, d);
        }
    }
    return st;
}

static struct str key_bytes(struct run *r, const struct op_input *in)
{
    if (!in->key)
        return str_make(NULL, 0);
    if (!in->long_key)
        return str_from(in->key);
    uint64_t v = __builtin_bswap64((uint64_t)strtoll(in->key, NULL, 10));
    return str_make(arena_dup(&r->arena, &v, sizeof v), sizeof v);
}

static void make_record(struct run *r, const struct op_input *in, struct record *out, uint32_t offset)
{
    *out = (struct record){.key = key_bytes(r, in),
                           .value = in->value ? str_from(in->value) : str_make(NULL, 0),
                           .ts = in->ts,
                           .offset = offset};
    if (!in->header)
        return;
    struct record_header *item = ARENA_NEW(&r->arena, struct record_header);
    struct headers *headers = ARENA_NEW(&r->arena, struct headers);
    *item = (struct record_header){.key = STR("h"), .value = str_from(in->header)};
    *headers = (struct headers){1, item};
    out->headers = headers;
}

static enum status run_inputs(struct run *r, const struct op_input *inputs, uint32_t n, uint32_t restart_at,
                              uint32_t flush_every, struct diag *d)
{
    struct record *records = ARENA_ARRAY(&r->arena, struct record, n);
    for (uint32_t i = 0; i < n; i++)
        make_record(r, &inputs[i], &records[i], i);
    for (uint32_t from = 0; from < n;) {
        uint32_t to = from + 1;
        while (to < n && to != restart_at && (!flush_every || to % flush_every) &&
               inputs[to].source == inputs[from].source)
            to++;
        if (from == restart_at && restart_at) {
            enum status st = restart(r, d);
            if (st != STATUS_OK)
                return st;
        }
        enum status st = push(r, 0, (uint32_t)inputs[from].source, records + from, to - from, d);
        if (st == STATUS_OK && flush_every)
            st = flush(r, d);
        if (st == STATUS_OK)
            st = push_between(r, d);
        if (st != STATUS_OK)
            return st;
        from = to;
    }
    return flush(r, d);
}

static enum status run_all(struct op_test *t, const struct op_input *inputs, uint32_t n, uint32_t batch_rows,
                           uint32_t restart_at, uint32_t flush_every, const char **text, struct diag *d)
{
    struct run *r = mem_calloc(1, sizeof *r);
    REQUIRE(r != NULL);
    r->t = t;
    r->options = (struct exec_options){.topic_prefix = "prefix_",
                                       .batch_rows = batch_rows,
                                       .cache_bytes = t->cache_bytes,
                                       .on_error = take_error,
                                       .on_error_data = r};
    for (uint32_t i = 0; i < t->plan.n_stages; i++) {
        r->ports[i].run = r;
        r->ports[i].stage = i;
        r->out[i] = (struct task_output){.append = take_output, .data = &r->ports[i]};
        make_task(r, i);
    }
    enum status st = run_inputs(r, inputs, n, restart_at, flush_every, d);
    for (uint32_t i = 0; i < t->plan.n_stages; i++)
        task_destroy(r->tasks[i]);
    *text = str_dup(&t->arena, buf_str(&r->text)).p;
    t->errors = str_dup(&t->arena, buf_str(&r->errors)).p;
    buf_free(&r->text);
    buf_free(&r->errors);
    arena_free(&r->arena);
    mem_free(r);
    return st;
}

const char *op_run(struct op_test *t, const struct op_input *inputs, uint32_t n, uint32_t batch_rows,
                   uint32_t restart_at, uint32_t flush_every)
{
    struct diag d = DIAG_INIT;
    const char *text;
    enum status st = run_all(t, inputs, n, batch_rows, restart_at, flush_every, &text, &d);
    CHECK_TEXT(d.message, "");
    CHECK_INT(st, STATUS_OK);
    return text;
}

void op_check(struct op_test *t, const struct op_input *inputs, uint32_t n, const char *expected)
{
    static const uint32_t sizes[] = {4096, 1, 3};
    for (size_t i = 0; i < 3; i++) {
        CHECK_TEXT(op_run(t, inputs, n, sizes[i], 0, 0), expected);
        for (uint32_t at = 1; at < n; at++)
            CHECK_TEXT(op_run(t, inputs, n, sizes[i], at, 0), expected);
    }
}

void op_check_fails(struct op_test *t, const struct op_input *inputs, uint32_t n, const char *message)
{
    static const uint32_t sizes[] = {4096, 1, 3};
    for (size_t i = 0; i < 3; i++) {
        struct diag d = DIAG_INIT;
        const char *text;
        CHECK_INT(run_all(t, inputs, n, sizes[i], 0, 0, &text, &d), STATUS_RUNTIME);
        CHECK(strstr(d.message, message) != NULL);
    }
}
