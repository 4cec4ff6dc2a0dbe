/* The harness of op_harness.h: running a plan, whole and with a restart in the middle. */
#include "op_harness.h"

#include "exec/exec_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_CHANGELOGS = 6 }; /* a stage */
struct stored {              /* records of a topic */
    char topic[128];
    struct record records[4096];
    uint32_t n;
};

struct run {
    struct op_test *t;
    struct exec_options options;
    struct arena arena;
    struct stored between[OP_STAGES][OP_SOURCES]; /* what a stage reads of other stages */
    struct stored changelog[OP_STAGES][MAX_CHANGELOGS];
    struct task *tasks[OP_STAGES];
    uint32_t pushed[OP_STAGES][OP_SOURCES];
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

/* Where the records of a repartition topic go: to the source that reads it. */
static struct stored *reader_of(struct run *r, const char *topic)
{
    static const char prefix[] = "prefix_Q_1-";
    REQUIRE(strncmp(topic, prefix, sizeof prefix - 1) == 0);
    for (uint32_t stage = 0; stage < r->t->plan.n_stages; stage++)
        for (uint32_t i = 0; i < r->t->plan.stages[stage].n_sources; i++) {
            const struct step *s = r->t->plan.stages[stage].sources[i];
            if (s->kind == STEP_REPARTITION_SOURCE && strcmp(s->repartition.name, topic + sizeof prefix - 1) == 0)
                return &r->between[stage][i];
        }
    REQUIRE(!"the topic is read");
    return NULL;
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
            store_record(r, reader_of(r, topic), &records[i]);
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

/* What stages have written for each other, until there is nothing more. */
static enum status push_between(struct run *r, struct diag *d)
{
    for (bool any = true; any;) {
        any = false;
        for (uint32_t stage = 0; stage < r->t->plan.n_stages; stage++)
            for (uint32_t i = 0; i < r->t->plan.stages[stage].n_sources; i++) {
                const struct stored *from = &r->between[stage][i];
                uint32_t at = r->pushed[stage][i];
                if (at == from->n)
                    continue;
                any = true;
                r->pushed[stage][i] = from->n;
                enum status st = push(r, stage, i, from->records + at, from->n - at, d);
                if (st != STATUS_OK)
                    return st;
            }
    }
    return STATUS_OK;
}

static enum status flush_tasks(struct run *r, struct diag *d)
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

static uint32_t n_between(const struct run *r)
{
    uint32_t n = 0;
    for (uint32_t stage = 0; stage < OP_STAGES; stage++)
        for (uint32_t i = 0; i < OP_SOURCES; i++)
            n += r->between[stage][i].n;
    return n;
}

/* Until a flush writes nothing more for other stages. */
static enum status flush(struct run *r, struct diag *d)
{
    for (;;) {
        uint32_t n = n_between(r);
        enum status st = flush_tasks(r, d);
        if (st != STATUS_OK || n_between(r) == n)
            return st;
    }
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
    if (in->windowed) {
        uint64_t start = __builtin_bswap64((uint64_t)in->start);
        size_t len = strlen(in->key);
        char *p = arena_alloc(&r->arena, len + sizeof start);
        memcpy(p, in->key, len);
        memcpy(p + len, &start, sizeof start);
        return str_make(p, len + sizeof start);
    }
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

/* The topic's place: its stage and the number of its source there. */
static void find_topic(const struct plan *p, int topic, uint32_t *stage, uint32_t *source)
{
    for (*stage = 0; *stage < p->n_stages; ++*stage)
        for (*source = 0; *source < p->stages[*stage].n_sources; ++*source)
            if (p->stages[*stage].sources[*source]->kind != STEP_REPARTITION_SOURCE && topic-- == 0)
                return;
    REQUIRE(!"the topic is there");
}

static enum status run_inputs(struct run *r, const struct op_input *inputs, uint32_t n, uint32_t restart_at,
                              uint32_t flush_every, struct diag *d)
{
    struct record *records = ARENA_ARRAY(&r->arena, struct record, n);
    for (uint32_t i = 0; i < n; i++)
        make_record(r, &inputs[i], &records[i], i);
    for (uint32_t from = 0; from < n;) {
        uint32_t to = from + 1;
        while (to < n && to != restart_at && (!flush_every || to % flush_every) && !r->t->one_by_one &&
               inputs[to].source == inputs[from].source)
            to++;
        uint32_t stage, source;
        find_topic(&r->t->plan, inputs[from].source, &stage, &source);
        if (from == restart_at && restart_at) {
            enum status st = restart(r, d);
            if (st != STATUS_OK)
                return st;
        }
        enum status st = push(r, stage, source, records + from, to - from, d);
        if (st == STATUS_OK && flush_every && to % flush_every == 0)
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
