/* Tasks with snapshots on a log in memory: killed at any commit they go on as if nothing had happened, with what the
 * snapshot holds and what the changelog adds; and a tight memory limit changes nothing but the memory. */
#include "op_harness.h"

#include "exec/exec_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PER_COMMIT = 500 };

struct world {
    struct op_test t;
    struct log *log;
    struct log_writer *writer;
    struct exec_options options;
    struct task *task;
    char dir[64];
    size_t limit, peak;
    uint64_t digest; /* of everything that went out and was committed */
    uint64_t open_digest;
};

static enum status take(void *data, const char *topic, int32_t partition, const struct record *records, size_t n,
                        struct diag *d)
{
    struct world *w = data;
    if (strstr(topic, "-changelog"))
        return writer_append(w->writer, topic, partition, records, n, d);
    for (size_t i = 0; i < n; i++)
        w->open_digest = w->open_digest * 31 + key_hash(records[i].key) * 7 +
                         (records[i].value.p ? key_hash(records[i].value) : 3) + (uint64_t)records[i].ts;
    return STATUS_OK;
}

static void check_ok(enum status st, const struct diag *d)
{
    CHECK_TEXT(d->message, "");
    REQUIRE(st == STATUS_OK);
}

static void read_changelog(struct world *w, const char *topic)
{
    struct diag d = DIAG_INIT;
    struct log_reader *reader;
    int64_t begin, end, at = task_snapshot_offset(w->task, topic);
    check_ok(topic_offsets(w->log, topic, 0, &begin, &end, NULL, &d), &d);
    if (at < begin)
        at = begin;
    check_ok(reader_open(w->log, &reader, &d), &d);
    check_ok(reader_assign(reader, topic, 0, at, &d), &d);
    while (at < end) {
        struct record_batch *b;
        check_ok(reader_poll(reader, 100, BATCH_ROWS, &b, &d), &d);
        if (!b)
            continue;
        check_ok(task_restore(w->task, topic, b, &d), &d);
        at = b->next_offset;
        record_batch_drop(b);
    }
    reader_close(reader);
}

static void start_task(struct world *w)
{
    struct diag d = DIAG_INIT;
    const struct task_output out = {.append = take, .data = w};
    check_ok(task_create(&w->t.plan, 0, 0, &w->options, &out, &w->task, &d), &d);
    check_ok(task_use_snapshot(w->task, w->log, w->limit, &d), &d);
    const char **names;
    size_t n;
    check_ok(stage_changelogs(&w->t.plan, 0, &w->options, &w->t.arena, &names, &n, &d), &d);
    for (size_t i = 0; i < n; i++)
        read_changelog(w, names[i]);
}

static void start_world(struct world *w, void (*build)(struct op_test *), size_t limit, bool snapshots)
{
    struct diag d = DIAG_INIT;
    memset(w, 0, sizeof *w);
    op_setup(&w->t);
    build(&w->t);
    snprintf(w->dir, sizeof w->dir, "/tmp/weir-task-XXXXXX");
    REQUIRE(mkdtemp(w->dir) != NULL);
    w->limit = limit;
    w->options = (struct exec_options){
        .topic_prefix = "prefix_", .state_dir = snapshots ? w->dir : NULL, .memory_budget = limit};
    const struct embedded_options embedded = {.path = NULL};
    check_ok(log_open_embedded(&embedded, &w->log, &d), &d);
    const char **names;
    size_t n;
    check_ok(stage_changelogs(&w->t.plan, 0, &w->options, &w->t.arena, &names, &n, &d), &d);
    for (size_t i = 0; i < n; i++) {
        const struct topic_spec spec = {.name = names[i], .n_partitions = 1, .compact = true};
        check_ok(topic_create(w->log, &spec, &d), &d);
    }
    check_ok(writer_open(w->log, NULL, &w->writer, &d), &d);
    start_task(w);
}

static void end_world(struct world *w)
{
    task_destroy(w->task);
    task_forget_snapshots(&w->options, &w->t.plan);
    CHECK_INT(rmdir(w->dir), 0); /* nothing is left */
    writer_close(w->writer);
    log_close(w->log);
    op_teardown(&w->t);
}

static void no_drop(struct record_batch *b)
{
    (void)b;
}

/* Records number [first, first + n) of an endless stream of orders; with several sources each has its part of them. */
static void push(struct world *w, uint32_t first, uint32_t n, uint32_t n_keys)
{
    struct diag d = DIAG_INIT;
    struct record *records = calloc(n, sizeof *records);
    char(*text)[2][32] = calloc(n, sizeof *text);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t number = first + i, key = number * 2654435761u % n_keys;
        int klen = snprintf(text[i][0], 32, "customer %u", key);
        int vlen = snprintf(text[i][1], 32, "%u,v%u", number % 97, number % 13);
        records[i] = (struct record){.key = {text[i][0], (uint32_t)klen},
                                     .value = {text[i][1], (uint32_t)vlen},
                                     .ts = number / 4,
                                     .offset = number};
    }
    uint32_t n_sources = w->t.plan.stages[0].n_sources, done = 0;
    for (uint32_t source = 0; source < n_sources; source++) {
        uint32_t part = (n - done) / (n_sources - source);
        struct record_batch b = {.refs = 1000, .n = part, .topic = "in", .records = records + done, .destroy = no_drop};
        check_ok(task_push(w->task, source, &b, &d), &d);
        done += part;
    }
    free(records);
    free(text);
}

static void run(struct world *w, uint32_t commits, uint32_t n_keys, uint32_t kill_every)
{
    for (uint32_t c = 0; c < commits; c++) {
        struct diag d = DIAG_INIT;
        check_ok(writer_begin(w->writer, &d), &d);
        w->open_digest = w->digest;
        push(w, c * PER_COMMIT, PER_COMMIT, n_keys);
        bool killed = kill_every && c % kill_every == kill_every - 1 && c % 2 == 0;
        if (killed) { /* before the commit: this round is done again */
            check_ok(task_flush(w->task, &d), &d);
            writer_abort(w->writer);
            task_destroy(w->task);
            start_task(w);
            check_ok(writer_begin(w->writer, &d), &d);
            w->open_digest = w->digest;
            push(w, c * PER_COMMIT, PER_COMMIT, n_keys);
        }
        check_ok(task_flush(w->task, &d), &d);
        check_ok(writer_commit(w->writer, &d), &d);
        w->digest = w->open_digest;
        check_ok(task_committed(w->task, w->log, w->limit, &d), &d);
        if (w->limit && task_memory(w->task) > w->peak)
            w->peak = task_memory(w->task);
        if (kill_every && c % kill_every == kill_every - 1 && !killed) { /* after it */
            if (c % 3 == 0 && w->task->snapshot) {                       /* with a snapshot of now */
                w->task->last_fold_ns = 0;
                check_ok(task_committed(w->task, w->log, w->limit, &d), &d);
            }
            task_destroy(w->task);
            start_task(w);
        }
    }
}

static const enum op_aggregate calls[] = {OP_COUNT, OP_SUM};
static const uint32_t args[] = {1, 1};
static const uint32_t required[] = {2};

static void build_aggregate(struct op_test *t)
{
    struct step *s = op_source_step(t, false, "K STRING KEY, A BIGINT, B STRING");
    op_sink_step(t,
                 op_aggregate_step(t, STEP_STREAM_AGGREGATE, s, "K STRING KEY, B STRING, N BIGINT, S BIGINT", 1,
                                   required, 2, calls, args),
                 true);
}

static struct step *windows(struct op_test *t, struct window_spec spec)
{
    struct step *s = op_source_step(t, false, "K STRING KEY, A BIGINT, B STRING");
    struct step *a = op_aggregate_step(t, STEP_STREAM_WINDOWED_AGGREGATE, s,
                                       "K STRING KEY, B STRING, N BIGINT, S BIGINT", 1, required, 2, calls, args);
    a->aggregate.window = spec;
    return a;
}

static void build_windows(struct op_test *t)
{
    op_sink_step(t,
                 windows(t,
                         (struct window_spec){
                             .kind = WINDOW_HOPPING, .size = 1000, .advance = 500, .grace = 200, .retention = 1200}),
                 true);
}

static void build_final_windows(struct op_test *t)
{
    op_sink_step(t,
                 windows(t, (struct window_spec){.kind = WINDOW_TUMBLING,
                                                 .size = 1000,
                                                 .advance = 1000,
                                                 .grace = 200,
                                                 .retention = 3000,
                                                 .emit_final = true}),
                 true);
}

static void build_sessions(struct op_test *t)
{
    op_sink_step(
        t, windows(t, (struct window_spec){.kind = WINDOW_SESSION, .size = 40, .grace = 100, .retention = 140}), true);
}

static void build_final_sessions(struct op_test *t)
{
    op_sink_step(t,
                 windows(t,
                         (struct window_spec){
                             .kind = WINDOW_SESSION, .size = 40, .grace = 100, .retention = 140, .emit_final = true}),
                 true);
}

static void build_table(struct op_test *t)
{
    struct step *s = op_source_step(t, true, "K STRING KEY, A BIGINT, B STRING");
    struct step *f = op_step(t, STEP_TABLE_FILTER, s, NULL);
    f->filter.predicate = op_compare(t, op_column(t, &s->schema, 1), COMPARE_GT, 50);
    op_sink_step(t, f, true);
}

static void build_join_of(struct op_test *t, int64_t before, int64_t after, int64_t grace)
{
    const struct step *left = op_source_step(t, false, "K STRING KEY, A BIGINT, B STRING");
    const struct step *right = op_source_step(t, false, "K STRING KEY, C BIGINT, D STRING");
    struct step *s =
        op_stream_join_step(t, OUTER_BOTH, left, right, "K STRING KEY, A BIGINT, B STRING, C BIGINT, D STRING");
    s->join.before = before;
    s->join.after = after;
    s->join.grace = grace;
    s->join.has_grace = true;
    s->join.pending_store = "Join-waiting";
    op_sink_step(t, s, false);
}

static void build_join(struct op_test *t)
{
    build_join_of(t, 400, 300, 900);
}

static void build_busy_join(struct op_test *t)
{
    build_join_of(t, 40, 30, 9000);
}

static void (*const builds[])(struct op_test *) = {
    build_aggregate, build_windows, build_final_windows, build_sessions, build_final_sessions, build_table, build_join};

static uint64_t digest_of(void (*build)(struct op_test *), uint32_t commits, uint32_t n_keys, uint32_t kill_every,
                          size_t limit, bool snapshots)
{
    struct world w;
    start_world(&w, build, limit, snapshots);
    run(&w, commits, n_keys, kill_every);
    CHECK(w.peak <= limit);
    end_world(&w);
    return w.digest;
}

TEST(task_snapshot, kills_leave_no_trace)
{
    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++) {
        uint64_t undisturbed = digest_of(builds[i], 12, 300, 0, 0, false);
        CHECK(undisturbed != 0);
        CHECK(digest_of(builds[i], 12, 300, 3, 0, false) == undisturbed);
        CHECK(digest_of(builds[i], 12, 300, 3, 0, true) == undisturbed);
    }
}

TEST(task_snapshot, a_tight_limit_changes_nothing_but_the_memory)
{
    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++) {
        bool sessions = builds[i] == build_sessions || builds[i] == build_final_sessions; /* their index stays */
        size_t limit = sessions ? 900 << 10 : 600 << 10;
        uint64_t roomy = digest_of(builds[i], 22, 5000, 0, 0, false);
        CHECK(digest_of(builds[i], 22, 5000, 0, limit, true) == roomy);
        CHECK(digest_of(builds[i], 22, 5000, 7, limit, true) == roomy);
    }
}

/* Keys with so many rows that these are in several entries. */
TEST(task_snapshot, busy_keys_of_joins_come_back)
{
    uint64_t roomy = digest_of(build_busy_join, 22, 3, 0, 0, false);
    CHECK(digest_of(build_busy_join, 22, 3, 0, 200 << 10, true) == roomy);
    CHECK(digest_of(build_busy_join, 22, 3, 7, 200 << 10, true) == roomy);
}

TEST(task_snapshot, a_changelog_without_a_snapshot_is_read_back_within_the_limit)
{
    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++) {
        struct world w;
        size_t limit = 600 << 10, most = 0;
        start_world(&w, builds[i], 0, true);
        run(&w, 22, 5000, 0);
        most = task_memory(w.task);
        task_destroy(w.task);
        task_forget_snapshots(&w.options, &w.t.plan);
        w.limit = limit;
        start_task(&w);
        CHECK(most < limit || task_memory(w.task) < most); /* stores of what expires are small */
        CHECK(task_memory(w.task) <= limit);
        uint64_t roomy = digest_of(builds[i], 22, 5000, 0, 0, false);
        CHECK(w.digest == roomy);
        end_world(&w);
    }
}

TEST(task_snapshot, ahead_of_the_log_is_not_used)
{
    struct world w;
    start_world(&w, build_aggregate, 0, true);
    run(&w, 4, 100, 0);
    w.task->last_fold_ns = 0;
    struct diag d = DIAG_INIT;
    check_ok(task_committed(w.task, w.log, 0, &d), &d);
    task_destroy(w.task);
    struct log *old = w.log; /* the file stays, the log begins again */
    writer_close(w.writer);
    log_close(old);
    const struct embedded_options embedded = {.path = NULL};
    check_ok(log_open_embedded(&embedded, &w.log, &d), &d);
    const struct topic_spec spec = {
        .name = "prefix_Q_1-Aggregate-Aggregate-Materialize-changelog", .n_partitions = 1, .compact = true};
    check_ok(topic_create(w.log, &spec, &d), &d);
    check_ok(writer_open(w.log, NULL, &w.writer, &d), &d);
    start_task(&w);
    CHECK_INT(task_snapshot_offset(w.task, spec.name), -1);
    w.digest = 0;
    run(&w, 4, 100, 0);
    CHECK(w.digest == digest_of(build_aggregate, 4, 100, 0, 0, false));
    end_world(&w);
}

static int64_t fake_ms(void *data)
{
    return *(const int64_t *)data;
}

/* A key's tombstone may have gone from the changelog: a file that is older than that counts only if nothing came after
 * it. */
TEST(task_snapshot, older_than_tombstones_live_is_not_used)
{
    static const int64_t hour = 3600 * 1000;
    const char *const changelog = "prefix_Q_1-Aggregate-Aggregate-Materialize-changelog";
    for (int behind = 0; behind < 2; behind++) {
        struct world w;
        int64_t now = 1000 * hour;
        struct diag d = DIAG_INIT;
        start_world(&w, build_aggregate, 0, true);
        w.options.clock = w.task->options.clock = (struct exec_clock){.wall_ms = fake_ms, .data = &now};
        run(&w, 4, 100, 0);
        w.task->last_fold_ns = 0;
        check_ok(task_committed(w.task, w.log, 0, &d), &d);
        int64_t begin, end;
        check_ok(topic_offsets(w.log, changelog, 0, &begin, &end, NULL, &d), &d);
        if (behind)
            run(&w, 1, 100, 0);
        for (int i = 0; i < 2; i++, now += 13 * hour) {
            task_destroy(w.task);
            start_task(&w);
            CHECK_INT(task_snapshot_offset(w.task, changelog), behind && i == 1 ? -1 : end);
        }
        end_world(&w);
    }
}
