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

static void build_join(struct op_test *t)
{
    const struct step *left = op_source_step(t, false, "K STRING KEY, A BIGINT, B STRING");
    const struct step *right = op_source_step(t, false, "K STRING KEY, C BIGINT, D STRING");
    struct step *s = op_join_step(t, STEP_STREAM_STREAM_JOIN, left, right, OUTER_BOTH,
                                  "K STRING KEY, A BIGINT, B STRING, C BIGINT, D STRING");
    s->join.before = s->join.after = 5;
    s->join.has_grace = true;
    s->join.pending_store = "Join-waiting";
    op_sink_step(t, s, false);
}

static enum status swallow(void *data, const char *topic, int32_t partition, const struct record *records, size_t n,
                           struct diag *d)
{
    (void)topic;
    (void)partition;
    (void)records;
    (void)d;
    *(size_t *)data += n;
    return STATUS_OK;
}

static void no_drop(struct record_batch *b)
{
    (void)b;
}

enum { RECORDS = 24 };

static enum status run_once(struct op_test *t, const struct exec_options *options, struct record *records,
                            size_t *n_out)
{
    struct diag d = DIAG_INIT;
    struct task *task = NULL;
    const struct task_output out = {.append = swallow, .data = n_out};
    struct record_batch b = {.refs = 1000, .n = RECORDS, .topic = "in", .records = records, .destroy = no_drop};
    enum status st = task_create(&t->plan, 0, 0, options, &out, &task, &d);
    for (uint32_t source = 0; st == STATUS_OK && source < t->plan.stages[0].n_sources; source++)
        st = task_push(task, source, &b, &d);
    if (st == STATUS_OK)
        st = task_flush(task, &d);
    task_destroy(task);
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
    size_t n_out = 0, n_all;
    CHECK_INT(run_once(&t, &options, records, &n_out), STATUS_OK);
    n_all = n_out;
    CHECK(n_all > 5);
    enum status st = STATUS_NOMEM;
    long nth = 1;
    for (; st == STATUS_NOMEM && nth < 5000; nth++) {
        mem_fail_after(nth);
        n_out = 0;
        st = run_once(&t, &options, records, &n_out);
        mem_fail_after(0);
    }
    CHECK_INT(st, STATUS_OK);
    CHECK_INT(n_out, n_all); /* all or an error */
    CHECK(nth > 10);
    op_teardown(&t);
}

TEST(op_memory, every_allocation_may_fail)
{
    void (*const builds[])(struct op_test *) = {build_stateless, build_plain, build_hopping, build_session,
                                                build_table,     build_join};
    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++) {
        fail_everywhere(builds[i], 0);
        fail_everywhere(builds[i], 1);
    }
}
