/* Stream-stream joins: which rows meet, in which order, and what becomes of those that meet nobody. Expectations are worked
 * out by hand from the rules in exec/op/stream_join.c. */
#include "op_harness.h"

#include "exec/exec_int.h"

#include <stdio.h>

static struct step *join_of(struct op_test *t, enum join_outer outer, int64_t before, int64_t after, int64_t grace)
{
    const struct step *left = op_source_step(t, false, "K STRING KEY, L STRING");
    const struct step *right = op_source_step(t, false, "K STRING KEY, R STRING");
    struct step *s =
        op_stream_join_step(t, outer, left, right, "K STRING KEY, L STRING, R STRING");
    s->join.before = before;
    s->join.after = after;
    s->join.grace = grace;
    return s;
}

/* GRACE PERIOD. */
static struct step *waiting_join(struct op_test *t, enum join_outer outer, int64_t before, int64_t after, int64_t grace)
{
    struct step *s = join_of(t, outer, before, after, grace);
    s->join.has_grace = true;
    s->join.pending_store = outer == OUTER_NONE ? NULL : "Join-waiting";
    return s;
}

TEST(op_stream_join, pairs_are_within_the_window_in_the_order_of_time)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, join_of(&t, OUTER_NONE, 10, 5, 1000), false);
    const struct op_input in[] = {IN("a", "1", 100),   IN_2("a", "x", 89), IN_2("a", "y", 90), IN_2("a", "z", 105),
                                  IN_2("a", "q", 106), IN_2("b", "r", 100), IN("a", "2", 99),
                                  /* duplicates, out of order */
                                  IN_2("a", "y", 90), IN("a", "3", 100), IN("b", "4", 110), IN("b", "5", 111)};
    OP_CHECK(&t, in,
             "a=1,y@100\na=1,z@105\n"
             "a=2,x@99\na=2,y@99\n"
             "a=2,y@99\na=1,y@100\n" /* the second y: 99 before 100 */
             "a=3,y@100\na=3,y@100\na=3,z@105\n"
             "b=4,r@110\n");
    op_teardown(&t);
}

TEST(op_stream_join, null_keys_and_values_meet_nobody)
{
    static const char *const expected[] = {
        [OUTER_NONE] = "a=1,z@14\n",
        [OUTER_LEFT] = "null=2,@2\na=1,@4\na=3,@3\na=1,z@14\n",
        [OUTER_BOTH] = "null=2,@2\nnull=,y@2\na=1,@4\na=3,@3\na=1,z@14\n",
    };
    for (int outer = OUTER_NONE; outer <= OUTER_BOTH; outer++) {
        struct op_test t;
        op_setup(&t);
        op_sink_step(&t, join_of(&t, (enum join_outer)outer, 10, 10, 1000), false);
        const struct op_input in[] = {IN("a", NULL, 1),  IN_2("a", NULL, 1), IN(NULL, "2", 2),
                                      IN_2(NULL, "y", 2), IN(NULL, NULL, 2),  IN("a", "1", 4),
                                      IN("a", "3", 3),    IN_2("a", NULL, 3), IN_2("a", "z", 14)};
        OP_CHECK(&t, in, expected[outer]);
        op_teardown(&t);
    }
}

TEST(op_stream_join, a_side_forgets_by_its_own_time)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, join_of(&t, OUTER_NONE, 10, 10, 5), false); /* 25 are kept */
    const struct op_input in[] = {IN("a", "1", 100), IN("a", "2", 124), IN_2("a", "x", 100), IN("b", "3", 125),
                                  IN_2("a", "y", 101), /* 101 is the lowest that the left side knows now */
                                  IN("a", "4", 101), IN_2("a", "z", 101), IN("a", "5", 100), IN_2("a", "u", 100),
                                  IN_2("b", "v", 1000), IN("b", "6", 1000), IN("a", "7", 101)};
    OP_CHECK(&t, in,
             "a=1,x@100\n"
             "a=4,x@101\na=4,y@101\n"
             "a=4,z@101\n"
             "a=5,x@100\na=5,y@101\na=5,z@101\n" /* too late to be kept, but the right side has not forgotten */
             "a=4,u@101\n"
             "b=6,v@1000\n");
    op_teardown(&t);
}

TEST(op_stream_join, without_grace_rows_alone_go_on_at_once)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, join_of(&t, OUTER_LEFT, 10, 10, 1000), false);
    const struct op_input in[] = {IN("a", "1", 100), IN_2("a", "x", 105), IN_2("b", "y", 105), IN("b", "2", 200)};
    OP_CHECK(&t, in, "a=1,@100\na=1,x@105\nb=2,@200\n");
    op_teardown(&t);
}

TEST(op_stream_join, rows_alone_wait_for_the_end_of_their_window)
{
    struct op_test t;
    op_setup(&t);
    t.show_headers = true;
    op_sink_step(&t, waiting_join(&t, OUTER_LEFT, 10, 10, 0), false);
    const struct op_input in[] = {IN_H("a", "1", 100, "1"),
                                  IN_H("c", "2", 110, "2"), /* 100 + 10 < 110 does not hold */
                                  {.key = "c", .value = "x", .ts = 111, .source = 1, .header = "3"},
                                  {.key = "a", .value = "y", .ts = 105, .source = 1, .header = "4"}, /* and yet */
                                  IN_H("a", "3", 90, "5"), /* its window is over */
                                  IN_H("z", NULL, 500, "6"), IN_H("b", "4", 499, "7"), IN_H("b", "5", 499, "8"),
                                  IN_H("d", "6", 510, "9")};
    OP_CHECK(&t, in, "a=1,@100 3\nc=2,x@111 3\na=1,y@105 4\na=3,@90 5\nb=4,@499 9\nb=5,@499 9\n");
    op_teardown(&t);
}

TEST(op_stream_join, waiting_rows_go_in_the_order_of_time_right_before_left_and_key)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, waiting_join(&t, OUTER_BOTH, 10, 10, 5), false);
    const struct op_input in[] = {IN("b", "1", 100),   IN("a", "2", 100),   IN_2("d", "x", 100),  IN_2("c", "y", 100),
                                  IN("e", "3", 99),    IN("b", "4", 100),   IN_2("f", "z", 101),  IN("g", "5", 102),
                                  IN_2("g", "u", 104), IN("j", "6", 103),   IN_2("h", "v", 115), IN_2("h", "w", 116),
                                  IN("i", "7", 118),   IN("i", "8", 119)};
    OP_CHECK(&t, in,
             "g=5,u@104\n"
             "e=3,@99\n" /* 115: 99 + 15 < 115 */
             "c=,y@100\nd=,x@100\na=2,@100\nb=1,@100\nb=4,@100\n"
             "f=,z@101\nj=6,@103\n"); /* 119: 116 saw f and j, of both sides: 103 + 15 < 119 */
    op_teardown(&t);
}

TEST(op_stream_join, of_waiting_rows_the_last_seen_says_when_to_look_again)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, waiting_join(&t, OUTER_LEFT, 10, 10, 0), false);
    const struct op_input in[] = {IN("a", "1", 100),   IN("b", "2", 105),   IN("c", "3", 109),  IN_2("x", "x", 111),
                                  IN_2("x", "y", 116), IN_2("x", "z", 119), IN_2("x", "u", 120)};
    /* 111 saw all up to 109, so nothing is looked at before 120, though b was due at 116 */
    OP_CHECK(&t, in, "a=1,@100\nb=2,@105\nc=3,@109\n");
    CHECK_TEXT(op_run(&t, in, 6, 4096, 0, 0), "a=1,@100\n");
    op_teardown(&t);
}

static struct step *window_source(struct op_test *t, const char *columns)
{
    struct step *s = op_source_step(t, false, columns);
    s->source.formats.window = WINDOW_TUMBLING;
    s->source.formats.window_size = 10;
    return s;
}

TEST(op_stream_join, keys_of_windows_meet_only_within_the_window)
{
    struct op_test t;
    op_setup(&t);
    struct step *s =
        op_stream_join_step(&t, OUTER_BOTH, window_source(&t, "K STRING KEY, L STRING"),
                            window_source(&t, "K STRING KEY, R STRING"), "K STRING KEY, L STRING, R STRING");
    s->join.before = s->join.after = 100;
    s->join.has_grace = true;
    s->join.pending_store = "Join-waiting";
    op_sink_step(&t, s, false);
    const struct op_input in[] = {{.key = "a", .value = "1", .ts = 5, .windowed = true, .start = 0},
                                  {.key = "a", .value = "x", .ts = 15, .windowed = true, .start = 10, .source = 1},
                                  {.key = "a", .value = "2", .ts = 12, .windowed = true, .start = 10},
                                  {.key = "a", .value = "3", .ts = 200, .windowed = true, .start = 200}};
    OP_CHECK(&t, in, "a[10]=2,x@15\na[0]=1,@5\n");
    op_teardown(&t);
}

TEST(op_stream_join, results_hold_the_columns_that_are_asked_for)
{
    struct op_test t;
    op_setup(&t);
    const struct step *left = op_source_step(&t, false, "K STRING KEY, A BIGINT, B STRING, C DOUBLE");
    const struct step *right = op_source_step(&t, false, "K STRING KEY, D STRING, E BOOLEAN");
    static const struct join_column columns[] = {{1, 2}, {0, 2}, {1, 0}, {0, 0}, {0, 2}, {0, 1}};
    struct step *s = op_step(&t, STEP_STREAM_STREAM_JOIN, left,
                             "K STRING KEY, E BOOLEAN, B STRING, RK STRING, LK STRING, B2 STRING, A BIGINT");
    s->inputs[s->n_inputs++] = right;
    s->join.columns = columns;
    s->join.outer = OUTER_BOTH;
    s->join.before = s->join.after = 10;
    s->join.has_grace = true;
    s->join.stores[0] = "Join-left";
    s->join.stores[1] = "Join-right";
    s->join.pending_store = "Join-waiting";
    op_sink_step(&t, s, false);
    const struct op_input in[] = {IN("a", "1,one,1.5", 100), IN_2("a", "x,true", 100), IN_2("b", "y,", 101),
                                  IN("b", "2,,", 101),       IN("c", "3,three,", 102), IN_2("d", "z,false", 103),
                                  IN("e", "4,four,", 200)};
    OP_CHECK(&t, in,
             "a=true,one,a,a,one,1@100\nb=,,b,b,,2@101\n"
             "c=,three,,c,three,3@102\nd=false,,d,,,@103\n");
    op_teardown(&t);
}

TEST(op_stream_join, joins_of_joins)
{
    struct op_test t;
    op_setup(&t);
    struct step *inner = waiting_join(&t, OUTER_LEFT, 10, 10, 0);
    struct step *outer =
        op_stream_join_step(&t, OUTER_LEFT, inner, op_source_step(&t, false, "K STRING KEY, X STRING"),
                            "K STRING KEY, L STRING, R STRING, X STRING");
    outer->join.before = outer->join.after = 10;
    outer->join.grace = 1000;
    outer->join.stores[0] = "Outer-left";
    outer->join.stores[1] = "Outer-right";
    op_sink_step(&t, outer, false);
    const struct op_input in[] = {{.key = "a", .value = "p", .ts = 95, .source = 2}, IN("a", "1", 100),
                                  IN_2("a", "x", 103), IN("b", "2", 104),
                                  {.key = "a", .value = "q", .ts = 113, .source = 2}, IN(NULL, "3", 110),
                                  IN_2("c", "y", 120)};
    OP_CHECK(&t, in, "a=1,x,p@103\na=1,x,q@113\nnull=3,,@110\nb=2,,@104\n");
    op_teardown(&t);
}

/* ---- a model: the rules, by plain lists ----------------------------------------------------------------------- */

enum { MODEL_ROWS = 5000 };
struct model_row {
    int64_t ts;
    char key, side;
    char value[12];
};
struct model {
    struct model_row rows[2][MODEL_ROWS], waiting[MODEL_ROWS];
    uint32_t n[2], n_waiting;
    int64_t time[2], stream_time, min_time;
    const struct step *join;
    struct buf text;
};

static void model_emit(struct model *m, char key, const char *left, const char *right, int64_t ts)
{
    buf_printf(&m->text, "%.*s=%s,%s@%lld\n", key ? 1 : 4, key ? &key : "null", left, right, (long long)ts);
}

static void model_alone(struct model *m, const struct model_row *r)
{
    model_emit(m, r->key, r->side ? "" : r->value, r->side ? r->value : "", r->ts);
}

static int64_t model_after(const struct model *m, int side)
{
    return side ? m->join->join.before : m->join->join.after;
}

static bool waits_before(const struct model_row *x, const struct model_row *y)
{
    if (x->ts != y->ts)
        return x->ts < y->ts;
    return x->side != y->side ? x->side > y->side : x->key < y->key;
}

static void model_wait(struct model *m, const struct model_row *r)
{
    uint32_t at = m->n_waiting++;
    for (; at > 0 && waits_before(r, &m->waiting[at - 1]); at--)
        m->waiting[at] = m->waiting[at - 1];
    m->waiting[at] = *r;
    if (r->ts < m->min_time)
        m->min_time = r->ts;
}

static void model_flush(struct model *m, int side)
{
    int64_t grace = m->join->join.grace;
    bool open[2] = {false, false};
    uint32_t kept = 0, at = 0;
    if (m->min_time == INT64_MAX || m->min_time + model_after(m, side) + grace >= m->stream_time)
        return;
    m->min_time = INT64_MAX;
    for (; at < m->n_waiting && !(open[0] && open[1]); at++) {
        const struct model_row *w = &m->waiting[at];
        m->min_time = w->ts;
        if (w->ts + model_after(m, w->side) + grace >= m->stream_time) {
            open[(int)w->side] = true;
            m->waiting[kept++] = *w;
        } else {
            model_alone(m, w);
        }
    }
    memmove(m->waiting + kept, m->waiting + at, (m->n_waiting - at) * sizeof *m->waiting);
    m->n_waiting = kept + m->n_waiting - at;
}

static void model_forget(struct model *m, const struct model_row *r)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->n_waiting; i++) {
        const struct model_row *w = &m->waiting[i];
        if (w->ts != r->ts || w->key != r->key || w->side != r->side)
            m->waiting[kept++] = *w;
    }
    m->n_waiting = kept;
}

/* Pairs of a row, in the order of the other side's (time, arrival). */
static uint32_t model_pairs(struct model *m, const struct model_row *r)
{
    int side = r->side, other = !side;
    int64_t back = model_after(m, other), on = model_after(m, side), n = 0;
    int64_t keep = m->join->join.before + m->join->join.after + m->join->join.grace;
    for (int64_t ts = r->ts - back; ts <= r->ts + on; ts++) {
        for (uint32_t i = 0; i < m->n[other]; i++) {
            const struct model_row *h = &m->rows[other][i];
            if (h->ts != ts || h->key != r->key || ts < m->time[other] - keep + 1)
                continue;
            n++;
            if (m->join->join.has_grace)
                model_forget(m, h);
            model_emit(m, r->key, side ? h->value : r->value, side ? r->value : h->value, r->ts > ts ? r->ts : ts);
        }
    }
    return (uint32_t)n;
}

static void model_push(struct model *m, const struct op_input *in)
{
    enum join_outer kind = m->join->join.outer;
    struct model_row r = {.ts = in->ts, .key = in->key ? in->key[0] : 0, .side = (char)in->source};
    bool outer = r.side ? kind == OUTER_BOTH : kind != OUTER_NONE, grace = m->join->join.has_grace;
    if (r.ts > m->stream_time)
        m->stream_time = r.ts;
    if (!in->value)
        return;
    snprintf(r.value, sizeof r.value, "%s", in->value);
    if (!r.key) {
        if (outer)
            model_alone(m, &r);
        return;
    }
    if (grace && r.ts == m->stream_time)
        model_flush(m, r.side);
    if (model_pairs(m, &r) == 0 && outer) {
        if (!grace || r.ts + model_after(m, r.side) < m->stream_time)
            model_alone(m, &r);
        else
            model_wait(m, &r);
    }
    if (r.ts > m->time[(int)r.side])
        m->time[(int)r.side] = r.ts;
    m->rows[(int)r.side][m->n[(int)r.side]++] = r;
}

static uint32_t draw(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

/* Inputs that go on in time by about `pace` ms, some of them late. */
static void make_inputs(struct op_input *in, uint32_t n, uint32_t seed, uint32_t n_keys, uint32_t pace, char (*values)[12])
{
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    int64_t now = 1000;
    for (uint32_t i = 0; i < n; i++) {
        now += draw(&seed, 2 * pace + 1);
        if (draw(&seed, 40) == 0)
            now += 30 * pace;
        snprintf(values[i], sizeof *values, "%u", i);
        in[i] = (struct op_input){.key = draw(&seed, 25) ? keys[draw(&seed, n_keys)] : NULL,
                                  .value = draw(&seed, 25) ? values[i] : NULL,
                                  .ts = now - (draw(&seed, 3) ? 0 : draw(&seed, 12 * pace + 2)),
                                  .source = (int)draw(&seed, 2)};
    }
}

static const char *model_text(struct op_test *t, const struct step *join, const struct op_input *in, uint32_t n)
{
    struct model *m = mem_calloc(1, sizeof *m);
    REQUIRE(m != NULL);
    m->join = join;
    m->time[0] = m->time[1] = m->stream_time = -1;
    m->min_time = INT64_MAX;
    for (uint32_t i = 0; i < n; i++)
        model_push(m, &in[i]);
    const char *text = str_dup(&t->arena, buf_str(&m->text)).p;
    buf_free(&m->text);
    mem_free(m);
    return text ? text : "";
}

TEST(op_stream_join, does_what_the_model_does)
{
    static const struct {
        int64_t before, after, grace;
        bool waits;
    } joins[] = {{10, 10, 0, true},  {0, 20, 5, true},   {20, 0, 0, true},  {0, 0, 3, true},      {0, 0, 0, true},
                 {7, 3, 100, true},  {10, 10, 0, false}, {3, 30, 9, false}, {1000, 1000, 0, true}, {5, 5, 100000, true},
                 {2, 9, 9000, false}};
    static struct op_input in[OP_INPUTS];
    static char values[OP_INPUTS][12];
    uint32_t alone = 0, seed = 1;
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        for (int outer = OUTER_NONE; outer <= OUTER_BOTH; outer++, seed++) {
            struct op_test t;
            op_setup(&t);
            struct step *s = (joins[i].waits ? waiting_join : join_of)(&t, (enum join_outer)outer, joins[i].before,
                                                                       joins[i].after, joins[i].grace);
            op_sink_step(&t, s, false);
            make_inputs(in, OP_INPUTS, seed, 1 + seed % 5, 1 + seed % 3, values);
            const char *expected = model_text(&t, s, in, OP_INPUTS);
            op_check(&t, in, OP_INPUTS, expected);
            for (uint32_t every = 1; every < 9; every += 3)
                CHECK_TEXT(op_run(&t, in, OP_INPUTS, 4096, 20, every), expected);
            alone += strstr(expected, ",@") != NULL;
            op_teardown(&t);
        }
    }
    CHECK(alone > 15);
}

/* Thousands of rows of one key: many chunks a bucket, results of more than a batch. */
TEST(op_stream_join, a_busy_key_has_many_rows)
{
    enum { N = 3000 };
    static struct op_input in[N];
    static char values[N][12];
    for (uint32_t pace = 0; pace < 2; pace++) {
        struct op_test t;
        op_setup(&t);
        struct step *s = waiting_join(&t, OUTER_BOTH, pace ? 40 : 0, pace ? 30 : 5, 500);
        op_sink_step(&t, s, false);
        make_inputs(in, N, 77, 1 + pace, pace, values);
        in[N - 1] = (struct op_input)IN("a", "last", 1000000);
        const char *expected = model_text(&t, s, in, N);
        CHECK(strlen(expected) > 100000);
        CHECK(strcmp(op_run(&t, in, N, 4096, 0, 0), expected) == 0);
        CHECK(strcmp(op_run(&t, in, N, 3, 1700, 0), expected) == 0);
        CHECK(strcmp(op_run(&t, in, N, 4096, 2222, 100), expected) == 0);
        op_teardown(&t);
    }
}

/* ---- memory --------------------------------------------------------------------------------------------------- */

static enum status swallow(void *data, const char *topic, int32_t partition, const struct record *records, size_t n,
                           struct diag *d)
{
    (void)topic, (void)partition, (void)records, (void)d;
    *(size_t *)data += n;
    return STATUS_OK;
}

static void no_drop(struct record_batch *b)
{
    (void)b;
}

TEST(op_stream_join, what_has_expired_is_freed)
{
    struct op_test t;
    struct diag d = DIAG_INIT;
    struct task *task;
    size_t n_out = 0, most = 0;
    op_setup(&t);
    op_sink_step(&t, waiting_join(&t, OUTER_BOTH, 100, 100, 100), false);
    const struct exec_options options = {.topic_prefix = "p"};
    const struct task_output out = {.append = swallow, .data = &n_out};
    REQUIRE(task_create(&t.plan, 0, 0, &options, &out, &task, &d) == STATUS_OK);
    enum { N = 500 };
    static struct record records[N];
    static char keys[N][24];
    for (uint32_t round = 0; round < 200; round++) {
        for (uint32_t i = 0; i < N; i++) {
            uint32_t number = round * N + i;
            records[i] = (struct record){
                .key = {keys[i], (uint32_t)snprintf(keys[i], sizeof *keys, "%u:%u", round % 3, number)},
                .value = STR("some text"),
                .ts = number,
                .offset = number};
        }
        struct record_batch b = {.refs = 1000, .n = N, .topic = "in", .records = records, .destroy = no_drop};
        REQUIRE(task_push(task, round % 2, &b, &d) == STATUS_OK);
        REQUIRE(task_flush(task, &d) == STATUS_OK);
        if (round == 19)
            most = task_memory(task);
    }
    CHECK(n_out > 100000);
    CHECK(task_memory(task) <= most * 3 / 2);
    task_destroy(task);
    op_teardown(&t);
}
