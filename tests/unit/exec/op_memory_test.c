/* Every allocation of a task may fail: it says so, or did without, and gives everything back. (Leaks are found by the
 * sanitizer that the tests run under.) */
#include "op_harness.h"

#include <stdio.h>

static const enum op_aggregate calls[] = {OP_COUNT, OP_COLLECT};
static const uint32_t args[] = {1, 2};
static const uint32_t required[] = {2};

static void build_stateless(struct op_test *t)
{
    struct step *s = op_source_step(t, false, "K STRING KEY, A BIGINT, B STRING");
    struct step *f = op_step(t, STEP_STREAM_FILTER, s, NULL);
    f->filter.predicate = op_compare(t, op_column(t, &s->schema, 1), COMPARE_GT, 1);
    struct step *m = op_step(t, STEP_STREAM_FLAT_MAP, f, "K STRING KEY, A BIGINT, B STRING, X STRING");
    m->flat_map.n_calls = 1;
    m->flat_map.calls = op_exprs(t, 1, op_array(t, op_column(t, &s->schema, 2), op_column(t, &s->schema, 0)));
    op_sink_step(t, m, false);
}

static void build_aggregate(struct op_test *t, struct window_spec w)
{
    struct step *s = op_source_step(t, false, "K STRING KEY, A BIGINT, B STRING");
    enum step_kind kind = w.kind == WINDOW_NONE ? STEP_STREAM_AGGREGATE : STEP_STREAM_WINDOWED_AGGREGATE;
    struct step *a =
        op_aggregate_step(t, kind, s, "K STRING KEY, B STRING, N BIGINT, L STRING", 1, required, 2, calls, args);
    a->aggregate.window = w;
    struct step *f = op_step(t, STEP_TABLE_FILTER, a, NULL);
    f->filter.predicate = op_compare(t, op_column(t, &a->schema, 2), COMPARE_GT, 1);
    op_sink_step(t, f, true);
}

static void build_plain(struct op_test *t)
{
    build_aggregate(t, (struct window_spec){.kind = WINDOW_NONE});
}

static void build_hopping(struct op_test *t)
{
    build_aggregate(
        t, (struct window_spec){.kind = WINDOW_HOPPING, .size = 10, .advance = 5, .grace = 0, .retention = 10});
}

static void build_session(struct op_test *t)
{
    build_aggregate(t, (struct window_spec){.kind = WINDOW_SESSION, .size = 3, .grace = 10, .retention = 13});
}

static void build_table(struct op_test *t)
{
    struct step *s = op_source_step(t, true, "K STRING KEY, A BIGINT, G STRING");
    struct step *g = op_step(t, STEP_TABLE_GROUP_BY, s, "G STRING KEY, A BIGINT, K STRING");
    g->select.exprs =
        op_exprs(t, 3, op_column(t, &s->schema, 2), op_column(t, &s->schema, 1), op_column(t, &s->schema, 0));
    op_sink_step(t,
                 op_aggregate_step(t, STEP_TABLE_AGGREGATE, g, "G STRING KEY, K STRING, N BIGINT, L STRING", 1,
                                   required, 2, calls, args),
                 true);
}

static void build_stream_stream(struct op_test *t)
{
    const struct step *left = op_source_step(t, false, "K STRING KEY, A BIGINT, B STRING");
    const struct step *right = op_source_step(t, false, "K STRING KEY, C BIGINT, D STRING");
    struct step *s =
        op_stream_join_step(t, OUTER_BOTH, left, right, "K STRING KEY, A BIGINT, B STRING, C BIGINT, D STRING");
    s->join.before = s->join.after = 5;
    s->join.has_grace = true;
    s->join.pending_store = "Join-waiting";
    op_sink_step(t, s, false);
}

/* ---- joins: their inputs read the same records ------------------------------------------------------------------ */

static struct step *join_input(struct op_test *t, bool table)
{
    struct step *s = op_source_step(t, table, "K STRING KEY, A BIGINT, B STRING");
    s->source.store = NULL;
    return s;
}

static void build_stream_table(struct op_test *t)
{
    op_sink_step(t,
                 op_join_step(t, STEP_STREAM_TABLE_JOIN, OUTER_LEFT, join_input(t, false), join_input(t, true),
                              "K STRING KEY, A BIGINT, B STRING, R STRING", "L1 R2 R0"),
                 false);
}

static void build_table_table(struct op_test *t)
{
    struct step *j = op_join_step(t, STEP_TABLE_TABLE_JOIN, OUTER_BOTH, join_input(t, true), join_input(t, true),
                                  "K STRING KEY, A BIGINT, B STRING, R STRING", "L1 R2 R0");
    struct step *f = op_step(t, STEP_TABLE_FILTER, j, NULL);
    f->filter.predicate = op_compare(t, op_column(t, &j->schema, 1), COMPARE_GT, 1);
    op_sink_step(t, f, true);
}

static void build_foreign_key(struct op_test *t)
{
    struct step *left = join_input(t, true);
    op_sink_step(t,
                 op_foreign_key_step(t, OUTER_LEFT, left, join_input(t, true), op_column(t, &left->schema, 0),
                                     "K STRING KEY, A BIGINT, B STRING, R STRING", "L1 L2 R2"),
                 true);
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

/* What stages write for each other, kept without allocating. */
static struct {
    struct record records[256];
    const char *topics[256];
    uint32_t n;
    char bytes[1 << 16];
    size_t used;
    struct record_batch batches[512]; /* of all that was pushed: operators keep them */
    uint32_t n_batches;
} between;
static size_t n_out;

static struct str keep_bytes(struct str s)
{
    REQUIRE(between.used + s.len <= sizeof between.bytes);
    char *to = between.bytes + between.used;
    memcpy(to, s.p, s.len);
    between.used += s.len;
    return str_make(to, s.len);
}

static enum status take_output(void *data, const char *topic, int32_t partition, const struct record *records, size_t n,
                               struct diag *d)
{
    (void)data;
    (void)partition;
    (void)d;
    n_out += n;
    for (size_t i = 0; strstr(topic, "-topic") && i < n; i++) {
        REQUIRE(between.n < 256);
        between.topics[between.n] = strstr(topic, "RESPONSE") ? "RESPONSE" : "REGISTRATION";
        between.records[between.n] = records[i];
        between.records[between.n].key = keep_bytes(records[i].key);
        between.records[between.n++].value = keep_bytes(records[i].value);
    }
    return STATUS_OK;
}

static void no_drop(struct record_batch *b)
{
    (void)b;
}

enum { RECORDS = 24 };

static enum status push(struct task *task, uint32_t source, struct record *records, uint32_t n, struct diag *d)
{
    REQUIRE(between.n_batches < 512);
    struct record_batch *b = &between.batches[between.n_batches++];
    *b = (struct record_batch){.refs = 1000, .n = n, .topic = "in", .records = records, .destroy = no_drop};
    return task_push(task, source, b, d);
}

/* The records to all sources that read topics. */
static enum status push_topics(struct op_test *t, struct task **tasks, struct record *records, struct diag *d)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < t->plan.n_stages; i++)
        for (uint32_t k = 0; k < t->stages[i].n_sources && st == STATUS_OK; k++)
            if (t->sources[i][k]->kind != STEP_REPARTITION_SOURCE)
                st = push(tasks[i], k, records, RECORDS, d);
    return st;
}

static enum status push_between(struct op_test *t, struct task **tasks, uint32_t *at, struct diag *d)
{
    enum status st = STATUS_OK;
    for (; *at < between.n && st == STATUS_OK; ++*at)
        for (uint32_t i = 0; i < t->plan.n_stages; i++)
            for (uint32_t k = 0; k < t->stages[i].n_sources && st == STATUS_OK; k++)
                if (t->sources[i][k]->kind == STEP_REPARTITION_SOURCE &&
                    strstr(t->sources[i][k]->repartition.name, between.topics[*at]))
                    st = push(tasks[i], k, &between.records[*at], 1, d);
    return st;
}

static enum status run_once(struct op_test *t, const struct exec_options *options, struct record *records)
{
    struct diag d = DIAG_INIT;
    struct task *tasks[OP_STAGES] = {NULL};
    const struct task_output out = {.append = take_output};
    enum status st = STATUS_OK;
    uint32_t at = 0;
    n_out = between.used = between.n = between.n_batches = 0;
    for (uint32_t i = 0; i < t->plan.n_stages && st == STATUS_OK; i++)
        st = task_create(&t->plan, i, 0, options, &out, &tasks[i], &d);
    if (st == STATUS_OK)
        st = push_topics(t, tasks, records, &d);
    for (int round = 0; round < 4 && st == STATUS_OK; round++) {
        st = push_between(t, tasks, &at, &d);
        for (uint32_t i = 0; i < t->plan.n_stages && st == STATUS_OK; i++)
            st = task_flush(tasks[i], &d);
    }
    for (uint32_t i = 0; i < t->plan.n_stages; i++)
        task_destroy(tasks[i]);
    CHECK(st == d.code || st == STATUS_OK);
    return st;
}

static void fail_everywhere(void (*build)(struct op_test *), size_t cache_bytes)
{
    struct op_test t;
    op_setup(&t);
    build(&t);
    const struct exec_options options = {.topic_prefix = "p", .cache_bytes = cache_bytes};
    static char texts[RECORDS][2][32];
    static struct record records[RECORDS];
    for (uint32_t i = 0; i < RECORDS; i++)
        records[i] = (struct record){
            .key = {texts[i][0], (uint32_t)snprintf(texts[i][0], 32, "a key that is long %u", i % 5)},
            .value = {texts[i][1],
                      i % 9 == 8 ? 0 : (uint32_t)snprintf(texts[i][1], 32, "%u,group number %u", i, i % 3)},
            .ts = i * 2};
    for (uint32_t i = 8; i < RECORDS; i += 9)
        records[i].value = str_make(NULL, 0);
    CHECK_INT(run_once(&t, &options, records), STATUS_OK);
    size_t n_all = n_out;
    CHECK(n_all > 5);
    enum status st = STATUS_NOMEM;
    long nth = 1;
    for (; st == STATUS_NOMEM && nth < 5000; nth++) {
        mem_fail_after(nth);
        st = run_once(&t, &options, records);
        mem_fail_after(0);
    }
    CHECK_INT(st, STATUS_OK);
    CHECK_INT(n_out, n_all); /* all or an error */
    CHECK(nth > 10);
    op_teardown(&t);
}

TEST(op_memory, every_allocation_may_fail)
{
    void (*const builds[])(struct op_test *) = {build_stateless,    build_plain,       build_hopping,
                                                build_session,      build_table,       build_stream_stream,
                                                build_stream_table, build_table_table, build_foreign_key};
    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++) {
        fail_everywhere(builds[i], 0);
        fail_everywhere(builds[i], 1);
    }
}
