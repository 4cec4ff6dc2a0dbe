/* Joins by foreign keys on workers: two stages that read each other's output, over partitions of different numbers.
 * They must end, have joined everything, and leave no topic behind. */
#include "op_harness.h"

#include "exec/exec_int.h"

#include <stdio.h>
#include <unistd.h>

enum { LEFT_PARTITIONS = 4, RIGHT_PARTITIONS = 3, N_LEFT = 2000, N_RIGHT = 50 };

static const struct {
    const char *topic;
    int32_t n_partitions;
} internal[] = {
    {"prefix_Q_1-REGISTRATION-2-topic", RIGHT_PARTITIONS},     {"prefix_Q_1-RESPONSE-2-topic", LEFT_PARTITIONS},
    {"prefix_Q_1-subscriptions4-changelog", RIGHT_PARTITIONS}, {"prefix_Q_1-right4-changelog", RIGHT_PARTITIONS},
    {"prefix_Q_1-left7-changelog", LEFT_PARTITIONS},
};
enum { N_INTERNAL = sizeof internal / sizeof *internal };

struct service {
    struct op_test t;
    struct log *log;
    struct exec_options options;
    size_t cache_bytes;
    int32_t end_of[LEFT_PARTITIONS]; /* how much of the output has been read */
    struct map last;                 /* of the output: key -> value */
    struct arena arena;
};

static void check_ok(enum status st, const struct diag *d)
{
    CHECK_TEXT(d->message, "");
    REQUIRE(st == STATUS_OK);
}

static void build(struct op_test *t)
{
    struct step *left = op_source_step(t, true, "K STRING KEY, F STRING, A BIGINT");
    struct step *right = op_source_step(t, true, "K STRING KEY, C STRING");
    left->source.store = right->source.store = NULL;
    left->source.topic = "left";
    right->source.topic = "right";
    op_sink_step(t,
                 op_foreign_key_step(t, OUTER_LEFT, left, right, op_column(t, &left->schema, 1),
                                     "K STRING KEY, F STRING, A BIGINT, C STRING", "L1 L2 R1"),
                 true);
}

static void setup(struct service *s, bool exchanged)
{
    static const struct topic_spec topics[] = {{.name = "left", .n_partitions = LEFT_PARTITIONS},
                                               {.name = "right", .n_partitions = RIGHT_PARTITIONS},
                                               {.name = "out", .n_partitions = LEFT_PARTITIONS}};
    struct diag d = DIAG_INIT;
    memset(s, 0, sizeof *s);
    op_setup(&s->t);
    build(&s->t);
    if (exchanged) { /* the order of stages in a circle does not matter */
        struct stage first = s->t.stages[0];
        s->t.stages[0] = s->t.stages[1];
        s->t.stages[1] = first;
    }
    const struct embedded_options embedded = {.path = NULL};
    check_ok(log_open_embedded(&embedded, &s->log, &d), &d);
    for (int i = 0; i < 3; i++)
        check_ok(topic_create(s->log, &topics[i], &d), &d);
    s->options =
        (struct exec_options){.service_id = "test_", .topic_prefix = "prefix_", .exactly_once = true, .drain = true};
}

static void teardown(struct service *s)
{
    log_close(s->log);
    map_free(&s->last);
    arena_free(&s->arena);
    op_teardown(&s->t);
}

/* Left row i of a round: key "l<i>", foreign key number (i + round) % (N_RIGHT + 5): some are not there. */
static void produce(struct service *s, int round, int n_left, int n_right)
{
    struct diag d = DIAG_INIT;
    struct log_writer *w;
    char key[32], value[32];
    check_ok(writer_open(s->log, NULL, &w, &d), &d);
    check_ok(writer_begin(w, &d), &d);
    for (int i = 0; i < n_left || i < n_right; i++) {
        struct record left = {
            .key = {key, (uint32_t)snprintf(key, sizeof key, "l%d", i)},
            .value = {value, (uint32_t)snprintf(value, sizeof value, "r%d,%d", (i + round) % (N_RIGHT + 5), round)},
            .ts = i};
        if (i < n_left)
            check_ok(writer_append(w, "left", -1, &left, 1, &d), &d);
        struct record right = {.key = {key, (uint32_t)snprintf(key, sizeof key, "r%d", i)},
                               .value = {value, (uint32_t)snprintf(value, sizeof value, "right%d/%d", i, round)},
                               .ts = i};
        if (i < n_right)
            check_ok(writer_append(w, "right", -1, &right, 1, &d), &d);
    }
    check_ok(writer_commit(w, &d), &d);
    writer_close(w);
}

static void run(struct service *s, uint32_t n_workers, bool forget)
{
    struct diag d = DIAG_INIT;
    struct executor *x;
    struct query_status status = {0};
    const struct query_settings settings = {.commit_interval_ms = 5, .cache_bytes = s->cache_bytes};
    check_ok(executor_create(s->log, &s->options, n_workers, &x, &d), &d);
    check_ok(executor_start(x, &s->t.plan, &settings, &d), &d);
    CHECK(executor_wait_drained(x, 60000));
    REQUIRE(executor_status(x, "Q_1", &status));
    CHECK_TEXT(status.message, "");
    CHECK_INT(status.state, QUERY_DRAINED);
    if (forget)
        check_ok(executor_stop(x, "Q_1", QUERY_FORGET, &d), &d);
    check_ok(executor_close(x, &d), &d);
}

static void read_output(struct service *s)
{
    struct diag d = DIAG_INIT;
    for (int32_t p = 0; p < LEFT_PARTITIONS; p++) {
        struct log_reader *reader;
        int64_t at, end;
        check_ok(topic_offsets(s->log, "out", p, &at, &end, NULL, &d), &d);
        check_ok(reader_open(s->log, &reader, &d), &d);
        check_ok(reader_assign(reader, "out", p, s->end_of[p], &d), &d);
        for (at = s->end_of[p]; at < end;) {
            struct record_batch *b;
            check_ok(reader_poll(reader, 100, BATCH_ROWS, &b, &d), &d);
            for (uint32_t i = 0; b && i < b->n; i++)
                REQUIRE(
                    map_put(&s->last, b->records[i].key, (void *)(uintptr_t)str_dup(&s->arena, b->records[i].value).p));
            if (b) {
                at = b->next_offset;
                record_batch_drop(b);
            }
        }
        s->end_of[p] = (int32_t)end;
        reader_close(reader);
    }
}

/* The last result of each left row, as of a round of left rows and one of right rows. */
static void check_results(struct service *s, int left, int right)
{
    read_output(s);
    for (int i = 0; i < N_LEFT; i++) {
        char key[32], expected[64];
        int foreign = (i + left) % (N_RIGHT + 5);
        snprintf(key, sizeof key, "l%d", i);
        snprintf(expected, sizeof expected, foreign < N_RIGHT ? "r%d,%d,right%d/%d" : "r%d,%d,", foreign, left, foreign,
                 right);
        CHECK_TEXT(map_get(&s->last, str_from(key)), expected);
    }
}

static int32_t partitions_of(struct service *s, const char *topic)
{
    struct topic_spec spec;
    return topic_describe(s->log, topic, &spec, NULL) == STATUS_OK ? spec.n_partitions : 0;
}

TEST(worker_join, drains_a_circle_of_stages)
{
    for (uint32_t n_workers = 1; n_workers <= 3; n_workers++)
        for (int exchanged = 0; exchanged < 2; exchanged++) {
            struct service s;
            setup(&s, exchanged);
            s.cache_bytes = n_workers == 2 ? 1 << 20 : 0;
            run(&s, n_workers, false); /* nothing there */
            produce(&s, 0, N_LEFT, N_RIGHT);
            run(&s, n_workers, false);
            check_results(&s, 0, 0);
            for (size_t i = 0; i < N_INTERNAL; i++)
                CHECK_INT(partitions_of(&s, internal[i].topic), internal[i].n_partitions);
            produce(&s, 1, 0, N_RIGHT); /* what was subscribed is told, from restored state */
            run(&s, n_workers, false);
            check_results(&s, 0, 1);
            produce(&s, 2, N_LEFT, 0);
            run(&s, n_workers, false);
            check_results(&s, 2, 1);
            produce(&s, 3, N_LEFT, N_RIGHT);
            run(&s, n_workers, true);
            check_results(&s, 3, 3);
            for (size_t i = 0; i < N_INTERNAL; i++)
                CHECK_INT(partitions_of(&s, internal[i].topic), 0);
            teardown(&s);
        }
}

/* The same while records are still being written, and without an end of their own. */
TEST(worker_join, keeps_up_with_its_inputs)
{
    struct service s;
    struct diag d = DIAG_INIT;
    struct executor *x;
    const struct query_settings settings = {.commit_interval_ms = 5, .cache_bytes = 1 << 20};
    setup(&s, false);
    s.options.drain = false;
    check_ok(executor_create(s.log, &s.options, 2, &x, &d), &d);
    check_ok(executor_start(x, &s.t.plan, &settings, &d), &d);
    for (int round = 0; round < 10; round++)
        produce(&s, round, N_LEFT, N_RIGHT);
    check_ok(executor_close(x, &d), &d);
    s.options.drain = true;
    run(&s, 2, false);
    check_results(&s, 9, 9);
    teardown(&s);
}

/* Most of the state is in snapshots alone, subscriptions too. */
TEST(worker_join, within_a_memory_budget)
{
    struct service s;
    char dir[64];
    snprintf(dir, sizeof dir, "/tmp/weir-unit-join.%d", (int)getpid());
    setup(&s, false);
    s.options.state_dir = dir;
    s.options.memory_budget = 600 << 10;
    produce(&s, 0, N_LEFT, N_RIGHT);
    run(&s, 2, false);
    check_results(&s, 0, 0);
    for (int round = 1; round < 4; round++) {
        produce(&s, round, round == 2 ? N_LEFT : 0, N_RIGHT);
        run(&s, 2, false);
        check_results(&s, round >= 2 ? 2 : 0, round);
    }
    run(&s, 2, true); /* the files of the query go with it */
    CHECK_INT(rmdir(dir), 0);
    teardown(&s);
}

static enum status count_rows(void *data, const struct batch *b, bool *stop, struct diag *d)
{
    (void)stop;
    (void)d;
    *(uint64_t *)data += b->n_selected;
    return STATUS_OK;
}

/* A client's query has topics of its own while it runs. */
TEST(worker_join, of_a_client_ends_where_its_inputs_do)
{
    struct service s;
    struct diag d = DIAG_INIT;
    struct executor *x;
    uint64_t n_rows = 0;
    setup(&s, false);
    s.options.drain = false;
    produce(&s, 0, N_LEFT, N_RIGHT);
    struct step *client = op_step(&s.t, STEP_CLIENT_SINK, s.t.plan.sink->inputs[0], NULL);
    s.t.stages[1].root = s.t.plan.sink = client;
    check_ok(executor_create(s.log, &s.options, 1, &x, &d), &d);
    const struct transient_run run = {.settings = {.commit_interval_ms = 5}, .until = TRANSIENT_DRAIN};
    const struct task_output out = {.rows = count_rows, .data = &n_rows};
    check_ok(executor_run_transient(x, &s.t.plan, &run, &out, &d), &d);
    CHECK(n_rows >= N_LEFT); /* some first without their right row */
    CHECK(n_rows <= 2 * N_LEFT);
    check_ok(executor_close(x, &d), &d);
    for (size_t i = 0; i < N_INTERNAL; i++)
        CHECK_INT(partitions_of(&s, internal[i].topic), 0);
    teardown(&s);
}
