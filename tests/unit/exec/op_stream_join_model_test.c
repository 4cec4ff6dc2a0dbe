/* Stream-stream joins against a model, which follows the rules by plain lists; a busy key; and that what has expired is
 * freed. */
#include "op_harness.h"

#include "exec/exec_int.h"

#include <stdio.h>

/* ---- the model ------------------------------------------------------------------------------------------------ */

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
static void make_inputs(struct op_input *in, uint32_t n, uint32_t seed, uint32_t n_keys, uint32_t pace,
                        char (*values)[12])
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
    } joins[] = {{10, 10, 0, true},     {0, 20, 5, true},     {20, 0, 0, true},   {0, 0, 3, true},
                 {0, 0, 0, true},       {7, 3, 100, true},    {10, 10, 0, false}, {3, 30, 9, false},
                 {1000, 1000, 0, true}, {5, 5, 100000, true}, {2, 9, 9000, false}};
    enum { FEW = 20 };
    static struct op_input in[OP_INPUTS];
    static char values[OP_INPUTS][12];
    uint32_t alone = 0, seed = 1;
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        for (int outer = OUTER_NONE; outer <= OUTER_BOTH; outer++, seed++) {
            struct op_test t;
            op_setup(&t);
            struct step *s = op_within_step(&t, joins[i].waits, (enum join_outer)outer, joins[i].before, joins[i].after,
                                            joins[i].grace);
            op_sink_step(&t, s, false);
            make_inputs(in, FEW, seed, 1 + seed % 3, 1 + seed % 3, values);
            op_check(&t, in, FEW, model_text(&t, s, in, FEW));
            for (uint32_t round = 0; round < 10; round++) {
                make_inputs(in, OP_INPUTS, seed + round * 1000, 1 + round % 5, 1 + (seed + round) % 3, values);
                const char *expected = model_text(&t, s, in, OP_INPUTS);
                CHECK_TEXT(op_run(&t, in, OP_INPUTS, 4096, 20 + round, round), expected);
                CHECK_TEXT(op_run(&t, in, OP_INPUTS, 1 + round, 0, 0), expected);
                alone += strstr(expected, ",@") != NULL;
            }
            op_teardown(&t);
        }
    }
    CHECK(alone > 150);
}

/* Thousands of rows of one key: many chunks a bucket, results of more than a batch. */
TEST(op_stream_join, a_busy_key_has_many_rows)
{
    enum { N = 2000 };
    static struct op_input in[N];
    static char values[N][12];
    for (uint32_t pace = 0; pace < 2; pace++) {
        struct op_test t;
        op_setup(&t);
        struct step *s = op_within_step(&t, true, OUTER_BOTH, pace ? 40 : 0, pace ? 30 : 5, 500);
        op_sink_step(&t, s, false);
        make_inputs(in, N, 77, 1 + pace, pace, values);
        in[N - 1] = (struct op_input)IN("a", "last", 1000000);
        const char *expected = model_text(&t, s, in, N);
        CHECK(strlen(expected) > 40000);
        CHECK(strcmp(op_run(&t, in, N, 4096, 0, 0), expected) == 0);
        CHECK(strcmp(op_run(&t, in, N, 3, 1100, 0), expected) == 0);
        CHECK(strcmp(op_run(&t, in, N, 4096, 1555, 100), expected) == 0);
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
    op_sink_step(&t, op_within_step(&t, true, OUTER_BOTH, 100, 100, 100), false);
    const struct exec_options options = {.topic_prefix = "p"};
    const struct task_output out = {.append = swallow, .data = &n_out};
    REQUIRE(task_create(&t.plan, 0, 0, &options, &out, &task, &d) == STATUS_OK);
    enum { N = 500 };
    static struct record records[N];
    static char keys[N][24];
    for (uint32_t round = 0; round < 200; round++) {
        for (uint32_t i = 0; i < N; i++) {
            uint32_t number = round * N + i;
            records[i] =
                (struct record){.key = {keys[i], (uint32_t)snprintf(keys[i], sizeof *keys, "%u:%u", round % 3, number)},
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
