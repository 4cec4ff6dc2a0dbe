/* Queries on workers, over a log in memory: draining, going on from recorded positions, several stages and partitions,
 * failures, fencing, a memory budget. Output is read back from the sink topic. */
#include "op_harness.h"

#include "exec/exec_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PARTITIONS = 4, KEYS = 500 };

struct service {
    struct op_test t;
    struct log *log;
    struct exec_options options;
    struct query_settings settings;
    struct executor *executor;
    char dir[64];
};

static void check_ok(enum status st, const struct diag *d)
{
    CHECK_TEXT(d->message, "");
    REQUIRE(st == STATUS_OK);
}

static void make_topic(struct service *s, const char *name, int32_t n)
{
    struct diag d = DIAG_INIT;
    const struct topic_spec spec = {.name = name, .n_partitions = n};
    check_ok(topic_create(s->log, &spec, &d), &d);
}

static void setup(struct service *s, void (*build)(struct op_test *))
{
    struct diag d = DIAG_INIT;
    memset(s, 0, sizeof *s);
    op_setup(&s->t);
    build(&s->t);
    const struct embedded_options embedded = {.path = NULL};
    check_ok(log_open_embedded(&embedded, &s->log, &d), &d);
    make_topic(s, "in", PARTITIONS);
    make_topic(s, "out", PARTITIONS);
    s->options =
        (struct exec_options){.service_id = "test_", .topic_prefix = "prefix_", .exactly_once = true, .drain = true};
    s->settings = (struct query_settings){.commit_interval_ms = 20};
}

static void start(struct service *s, uint32_t n_workers)
{
    struct diag d = DIAG_INIT;
    check_ok(executor_create(s->log, &s->options, n_workers, &s->executor, &d), &d);
    check_ok(executor_start(s->executor, &s->t.plan, &s->settings, &d), &d);
}

static void stop(struct service *s)
{
    struct diag d = DIAG_INIT;
    check_ok(executor_close(s->executor, &d), &d);
    s->executor = NULL;
}

static void run_drained(struct service *s, uint32_t n_workers)
{
    start(s, n_workers);
    CHECK(executor_wait_drained(s->executor, 60000));
    struct query_status status = {0};
    REQUIRE(executor_status(s->executor, "Q_1", &status));
    CHECK_TEXT(status.message, "");
    CHECK_INT(status.state, QUERY_DRAINED);
    stop(s);
}

static void teardown(struct service *s)
{
    log_close(s->log);
    op_teardown(&s->t);
}

/* Records number [first, first + n): key number % KEYS, value "1,g<number % 7>". */
static void produce(struct service *s, uint32_t first, uint32_t n)
{
    struct diag d = DIAG_INIT;
    struct log_writer *w;
    check_ok(writer_open(s->log, NULL, &w, &d), &d);
    check_ok(writer_begin(w, &d), &d);
    for (uint32_t i = first; i < first + n; i++) {
        char key[32], value[32];
        struct record r = {.key = {key, (uint32_t)snprintf(key, sizeof key, "key%u", i % KEYS)},
                           .value = {value, (uint32_t)snprintf(value, sizeof value, "1,g%u", i % 7)},
                           .ts = i};
        check_ok(writer_append(w, "in", -1, &r, 1, &d), &d);
    }
    check_ok(writer_commit(w, &d), &d);
    writer_close(w);
}

struct output { /* the sink topic: how many records, and the last value of each key */
    uint64_t n, last_total, all_total;
    struct map last;
};

static void take_record(struct output *o, const struct record *r)
{
    char text[64];
    snprintf(text, sizeof text, STR_FMT, STR_ARG(r->value));
    const char *comma = strrchr(text, ',');
    uint64_t value = strtoull(comma ? comma + 1 : text, NULL, 10);
    o->n++;
    o->all_total += value;
    o->last_total -= (uintptr_t)map_get(&o->last, r->key);
    o->last_total += value;
    REQUIRE(map_put(&o->last, r->key, (void *)(uintptr_t)value));
}

static struct output read_output(struct service *s)
{
    struct output o = {0};
    struct diag d = DIAG_INIT;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        struct log_reader *reader;
        int64_t at, end;
        check_ok(topic_offsets(s->log, "out", p, &at, &end, NULL, &d), &d);
        check_ok(reader_open(s->log, &reader, &d), &d);
        check_ok(reader_assign(reader, "out", p, at, &d), &d);
        while (at < end) {
            struct record_batch *b;
            check_ok(reader_poll(reader, 100, BATCH_ROWS, &b, &d), &d);
            for (uint32_t i = 0; b && i < b->n; i++)
                take_record(&o, &b->records[i]);
            if (b) {
                at = b->next_offset;
                record_batch_drop(b);
            }
        }
        reader_close(reader);
    }
    map_free(&o.last);
    return o;
}

static const enum op_aggregate calls[] = {OP_COUNT, OP_SUM};
static const uint32_t args[] = {1, 1};

static void build_count(struct op_test *t)
{
    struct step *s = op_source_step(t, false, "K STRING KEY, A BIGINT, B STRING");
    op_sink_step(
        t, op_aggregate_step(t, STEP_STREAM_AGGREGATE, s, "K STRING KEY, N BIGINT, S BIGINT", 0, NULL, 2, calls, args),
        true);
}

static void build_regroup(struct op_test *t)
{
    struct step *s = op_source_step(t, false, "K STRING KEY, A BIGINT, B STRING");
    struct step *g = op_step(t, STEP_STREAM_GROUP_BY, s, "B STRING KEY, A BIGINT, B2 STRING");
    const struct expr *b = op_column(t, &s->schema, 2);
    g->select.exprs = op_exprs(t, 3, b, op_column(t, &s->schema, 1), b);
    struct step *r = op_repartition(t, g, false);
    op_sink_step(
        t, op_aggregate_step(t, STEP_STREAM_AGGREGATE, r, "B STRING KEY, N BIGINT, S BIGINT", 0, NULL, 2, calls, args),
        true);
}

/* After n records of value 1: n results, the last ones of all keys add up to n. */
static void check_output(struct service *s, uint64_t n)
{
    struct output o = read_output(s);
    CHECK_INT(o.n, n);
    CHECK_INT(o.last_total, n);
}

TEST(worker, drains_and_goes_on_from_recorded_positions)
{
    for (uint32_t n_workers = 1; n_workers <= 3; n_workers++) {
        struct service s;
        setup(&s, build_count);
        run_drained(&s, n_workers); /* nothing there */
        check_output(&s, 0);
        produce(&s, 0, 3000);
        run_drained(&s, n_workers);
        check_output(&s, 3000);
        run_drained(&s, n_workers); /* nothing new */
        check_output(&s, 3000);
        produce(&s, 3000, 2000);
        run_drained(&s, n_workers);
        check_output(&s, 5000);
        teardown(&s);
    }
}

TEST(worker, drains_stages_behind_stages)
{
    for (uint32_t n_workers = 1; n_workers <= 2; n_workers++) {
        struct service s;
        setup(&s, build_regroup);
        produce(&s, 0, 10000);
        run_drained(&s, n_workers);
        check_output(&s, 10000);
        produce(&s, 10000, 500);
        run_drained(&s, n_workers);
        check_output(&s, 10500);
        teardown(&s);
    }
}

TEST(worker, coalesces_between_commits)
{
    struct service s;
    setup(&s, build_count);
    s.settings.cache_bytes = 10 << 20;
    produce(&s, 0, 20000);
    run_drained(&s, 2);
    struct output o = read_output(&s);
    CHECK_INT(o.last_total, 20000);
    CHECK(o.n >= KEYS && o.n < 20000);
    teardown(&s);
}

TEST(worker, stopping_with_forget_begins_anew)
{
    struct service s;
    struct diag d = DIAG_INIT;
    setup(&s, build_regroup);
    produce(&s, 0, 700);
    start(&s, 2);
    CHECK(executor_wait_drained(s.executor, 60000));
    check_ok(executor_stop(s.executor, "Q_1", QUERY_FORGET, &d), &d);
    struct query_status status;
    CHECK(!executor_status(s.executor, "Q_1", &status));
    struct topic_spec spec;
    CHECK_INT(topic_describe(s.log, "prefix_Q_1-Aggregate-GroupBy-repartition", &spec, NULL), STATUS_NOT_FOUND);
    CHECK_INT(topic_describe(s.log, "prefix_Q_1-Aggregate-Aggregate-Materialize-changelog", &spec, NULL),
              STATUS_NOT_FOUND);
    stop(&s);
    run_drained(&s, 2);
    struct output o = read_output(&s);
    CHECK_INT(o.n, 1400); /* everything again */
    CHECK_INT(o.last_total, 700);
    teardown(&s);
}

TEST(worker, a_failing_query_is_told_and_leaves_nothing_of_its_last_transaction)
{
    struct service s;
    struct diag d = DIAG_INIT;
    setup(&s, build_count);
    produce(&s, 0, 100);
    struct log_writer *w;
    check_ok(writer_open(s.log, NULL, &w, &d), &d);
    check_ok(writer_begin(w, &d), &d);
    const struct record bad = {.key = STR("key1"), .value = STR("666,x"), .ts = 1000};
    check_ok(writer_append(w, "in", -1, &bad, 1, &d), &d);
    check_ok(writer_commit(w, &d), &d);
    writer_close(w);
    start(&s, 1);
    CHECK(executor_wait_drained(s.executor, 60000));
    struct query_status status = {0};
    REQUIRE(executor_status(s.executor, "Q_1", &status));
    CHECK_INT(status.state, QUERY_FAILED);
    CHECK(strstr(status.message, "Numeric field overflow") != NULL);
    stop(&s);
    struct output o = read_output(&s);
    CHECK(o.n < 101);
    teardown(&s);
}

TEST(worker, one_process_at_a_time_runs_a_service_on_the_embedded_log)
{
    struct service s;
    struct diag d = DIAG_INIT;
    setup(&s, build_regroup);
    s.options.drain = false;
    s.settings.commit_interval_ms = 1;
    produce(&s, 0, 4000);
    start(&s, 2);
    struct executor *second = NULL;
    CHECK_INT(executor_create(s.log, &s.options, 2, &second, &d), STATUS_EXISTS);
    CHECK(strstr(d.message, "test_") != NULL);
    CHECK(second == NULL);
    clock_sleep_ms(30);
    stop(&s); /* somewhere on the way */
    s.options.drain = true;
    produce(&s, 4000, 4000);
    run_drained(&s, 2);
    check_output(&s, 8000);
    teardown(&s);
}

TEST(worker, a_running_query_is_not_started_again)
{
    struct service s;
    struct diag d = DIAG_INIT;
    setup(&s, build_count);
    s.options.drain = false;
    start(&s, 2);
    CHECK_INT(executor_start(s.executor, &s.t.plan, &s.settings, &d), STATUS_EXISTS);
    diag_clear(&d);
    check_ok(executor_stop(s.executor, "Q_1", QUERY_KEEP, &d), &d);
    check_ok(executor_start(s.executor, &s.t.plan, &s.settings, &d), &d);
    stop(&s);
    teardown(&s);
}

static void build_filter(struct op_test *t)
{
    struct step *s = op_source_step(t, false, "K STRING KEY, A BIGINT, B STRING");
    struct step *f = op_step(t, STEP_STREAM_FILTER, s, NULL);
    f->filter.predicate = op_compare(t, op_column(t, &s->schema, 1), COMPARE_GT, 0);
    op_sink_step(t, f, false);
}

TEST(worker, sink_rows_keep_their_partition_and_order)
{
    struct service s;
    setup(&s, build_filter);
    produce(&s, 0, 9000);
    run_drained(&s, 3);
    struct diag d = DIAG_INIT;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        int64_t begin, in_end, out_end;
        check_ok(topic_offsets(s.log, "in", p, &begin, &in_end, NULL, &d), &d);
        check_ok(topic_offsets(s.log, "out", p, &begin, &out_end, NULL, &d), &d);
        CHECK(in_end > 0);
        CHECK_INT(out_end, in_end); /* the same keys in the same partitions */
    }
    teardown(&s);
}

/* Waits until the sink topic has `n` records; false: it has not within a minute. */
static bool wait_for_output(struct service *s, int64_t n)
{
    int64_t until = clock_mono_ns() + INT64_C(60000000000), have = -1;
    while (have < n && clock_mono_ns() < until) {
        have = 0;
        for (int32_t p = 0; p < PARTITIONS; p++) {
            int64_t begin = 0, end = 0;
            CHECK_INT(topic_offsets(s->log, "out", p, &begin, &end, NULL, NULL), STATUS_OK);
            have += end - begin;
        }
        clock_sleep_ms(2);
    }
    return have == n;
}

TEST(worker, queries_read_together_and_those_behind_catch_up)
{
    struct service s;
    struct diag d = DIAG_INIT;
    setup(&s, build_filter);
    s.options.drain = false;
    s.options.batch_rows = 7;
    produce(&s, 0, 20000);
    start(&s, 2);
    CHECK(wait_for_output(&s, 20000));
    struct plan second = s.t.plan, third = s.t.plan;
    second.query_id = "Q_2";
    third.query_id = "Q_3";
    check_ok(executor_start(s.executor, &second, &s.settings, &d), &d);
    produce(&s, 20000, 5000); /* while the second is behind */
    s.settings.paused = true;
    check_ok(executor_start(s.executor, &third, &s.settings, &d), &d);
    CHECK(wait_for_output(&s, 50000));
    CHECK(executor_pause(s.executor, "Q_2", true));
    clock_sleep_ms(50);
    produce(&s, 25000, 1000);
    CHECK(wait_for_output(&s, 51000)); /* of the first alone */
    CHECK(executor_pause(s.executor, "Q_2", false));
    CHECK(executor_pause(s.executor, "Q_3", false));
    CHECK(wait_for_output(&s, 78000));
    check_ok(executor_stop(s.executor, "Q_1", QUERY_KEEP, &d), &d);
    produce(&s, 26000, 1000);
    CHECK(wait_for_output(&s, 80000));
    stop(&s);
    teardown(&s);
}

static void produce_wide(struct service *s, uint32_t first, uint32_t n)
{
    struct diag d = DIAG_INIT;
    struct log_writer *w;
    check_ok(writer_open(s->log, NULL, &w, &d), &d);
    check_ok(writer_begin(w, &d), &d);
    for (uint32_t i = first; i < first + n; i++) {
        char key[64];
        uint32_t number = i * 2654435761u % 30000;
        struct record r = {.key = {key, (uint32_t)snprintf(key, sizeof key, "a key that is rather long %u", number)},
                           .value = STR("1,x"),
                           .ts = i};
        check_ok(writer_append(w, "in", -1, &r, 1, &d), &d);
    }
    check_ok(writer_commit(w, &d), &d);
    writer_close(w);
}

TEST(worker, stays_within_the_memory_budget)
{
    struct service s;
    setup(&s, build_count);
    snprintf(s.dir, sizeof s.dir, "/tmp/weir-worker-XXXXXX");
    REQUIRE(mkdtemp(s.dir) != NULL);
    REQUIRE(rmdir(s.dir) == 0); /* it is made where it is missing */
    s.options.state_dir = s.dir;
    s.options.memory_budget = 2 << 20; /* the state is about twice as large */
    for (uint32_t round = 0; round < 3; round++) {
        produce_wide(&s, round * 20000, 20000);
        start(&s, 2);
        CHECK(executor_wait_drained(s.executor, 120000));
        struct query_status status = {0};
        REQUIRE(executor_status(s.executor, "Q_1", &status));
        CHECK_TEXT(status.message, "");
        CHECK_INT(status.state, QUERY_DRAINED);
        CHECK(status.memory <= s.options.memory_budget);
        stop(&s);
        check_output(&s, (round + 1) * 20000);
    }
    task_forget_snapshots(&s.options, &s.t.plan);
    CHECK_INT(rmdir(s.dir), 0);
    teardown(&s);
}
