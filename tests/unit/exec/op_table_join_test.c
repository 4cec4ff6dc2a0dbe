/* Joins of streams and tables with tables on the whole key: which rows come out, when, and with which time. */
#include "op_harness.h"

#define L(k, v, t)                                                                                                     \
    {                                                                                                                  \
        .key = (k), .value = (v), .ts = (t)                                                                            \
    }
#define R(k, v, t)                                                                                                     \
    {                                                                                                                  \
        .key = (k), .value = (v), .ts = (t), .source = 1                                                               \
    }
#define COUNT(list) (sizeof(list) / sizeof *(list))

static const char left_columns[] = "K STRING KEY, A BIGINT, B STRING";
static const char right_columns[] = "K STRING KEY, C STRING";
static const char joined[] = "K STRING KEY, A BIGINT, C STRING, LK STRING, RK STRING";
static const char places[] = "L1 R1 L0 R0";

static struct step *join(struct op_test *t, enum step_kind kind, enum join_outer outer)
{
    struct step *left = op_source_step(t, kind == STEP_TABLE_TABLE_JOIN, left_columns);
    struct step *right = op_source_step(t, true, right_columns);
    left->source.store = right->source.store = NULL; /* kept by the sides */
    return op_join_step(t, kind, outer, left, right, joined, places);
}

static void check(enum step_kind kind, enum join_outer outer, const struct op_input *in, size_t n, const char *expected)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, join(&t, kind, outer), kind == STEP_TABLE_TABLE_JOIN);
    t.show_headers = kind == STEP_STREAM_TABLE_JOIN;
    op_check(&t, in, (uint32_t)n, expected);
    op_teardown(&t);
}

/* ---- a stream and a table ---------------------------------------------------------------------------------------- */

static const struct op_input lookups[] = {
    {.key = "x", .value = "1,a", .ts = 10, .header = "h0"}, /* nothing there yet */
    R("x", "one", 50),
    {.key = "x", .value = "2,a", .ts = 11, .header = "h1"}, /* whatever the time of the table's row */
    {.key = "y", .value = "3,a", .ts = 12},
    {.key = "x", .value = NULL, .ts = 13}, /* dropped */
    {.key = NULL, .value = "4,a", .ts = 14},
    R("x", "uno", 5), /* the later arrival wins */
    R("y", NULL, 6),
    R(NULL, "nobody", 7),
    {.key = "x", .value = "5,", .ts = 9},
    {.key = NULL, .value = "6,a", .ts = 14},
    R("x", NULL, 60),
    {.key = "x", .value = "7,a", .ts = 15},
    R("x", "\"\"", 61), /* an empty row is a row */
    {.key = "x", .value = "8,a", .ts = 16},
};

TEST(op_stream_table_join, inner)
{
    check(STEP_STREAM_TABLE_JOIN, OUTER_NONE, lookups, COUNT(lookups),
          "x=2,one,x,x@11 h1\nx=5,uno,x,x@9 -\nx=8,,x,x@16 -\n");
}

TEST(op_stream_table_join, left)
{
    check(STEP_STREAM_TABLE_JOIN, OUTER_LEFT, lookups, COUNT(lookups),
          "x=1,,x,@10 h0\nx=2,one,x,x@11 h1\ny=3,,y,@12 -\nnull=4,,,@14 -\nx=5,uno,x,x@9 -\nnull=6,,,@14 -\n"
          "x=7,,x,@15 -\nx=8,,x,x@16 -\n");
}

/* Stores below the filter and in the side: neither keeps a change back from the stream. */
TEST(op_stream_table_join, sees_the_newest_row_when_changes_are_coalesced)
{
    struct op_test t;
    op_setup(&t);
    struct step *left = op_source_step(&t, false, left_columns);
    struct step *right = op_source_step(&t, true, "K STRING KEY, C BIGINT");
    struct step *f = op_step(&t, STEP_TABLE_FILTER, right, NULL);
    f->filter.predicate = op_compare(&t, op_column(&t, &right->schema, 1), COMPARE_GE, 5);
    op_sink_step(
        &t, op_join_step(&t, STEP_STREAM_TABLE_JOIN, OUTER_LEFT, left, f, "K STRING KEY, A BIGINT, C BIGINT", "L1 R1"),
        false);
    const struct op_input in[] = {R("x", "7", 1),   L("x", "1,a", 2), R("x", "8", 3),  L("x", "2,a", 4), R("x", "2", 5),
                                  L("x", "3,a", 6), R("x", "9", 7),   R("x", NULL, 8), L("x", "4,a", 9)};
    static const char expected[] = "x=1,7@2\nx=2,8@4\nx=3,@6\nx=4,@9\n";
    OP_CHECK(&t, in, expected);
    t.cache_bytes = 1;
    OP_CHECK(&t, in, expected);
    op_teardown(&t);
}

/* ---- two tables -------------------------------------------------------------------------------------------------- */

static const struct op_input both[] = {
    L("x", "1,a", 10),                    /* 0 alone */
    R("x", "one", 5),                     /* 1 meets, an older time */
    L("x", "2,a", 20),                    /* 2 */
    L("x", "2,a", 21),                    /* 3 equal content is said again */
    L("x", NULL, 22),                     /* 4 left goes, right stays */
    L("x", NULL, 23),                     /* 5 once more */
    R("x", "uno", 24),                    /* 6 right alone */
    R("x", NULL, 25),                     /* 7 both are gone */
    R("x", NULL, 26),   L("x", NULL, 27), /* 8, 9 nothing to nothing */
    R("y", "two", 30),  R("y", NULL, 31), /* 10, 11 right alone, and gone */
    L("z", "3,a", 32),  L("z", NULL, 33), /* 12, 13 left alone, and gone */
    L("v", "4,a", 40),  R("v", NULL, 41), /* 14, 15 no right row is removed */
    R("v", "four", 39), R("v", NULL, 38), /* 16, 17 */
};

TEST(op_table_table_join, inner)
{
    check(STEP_TABLE_TABLE_JOIN, OUTER_NONE, both, COUNT(both),
          "x=1,one,x,x@10\nx=2,one,x,x@20\nx=2,one,x,x@21\nx=null@22\nx=null@23\nv=null@41\nv=4,four,v,v@40\n"
          "v=null@40\n");
}

TEST(op_table_table_join, left)
{
    check(STEP_TABLE_TABLE_JOIN, OUTER_LEFT, both, COUNT(both),
          "x=1,,x,@10\nx=1,one,x,x@10\nx=2,one,x,x@20\nx=2,one,x,x@21\nx=null@22\nx=null@23\n"
          "z=3,,z,@32\nz=null@33\nv=4,,v,@40\nv=4,,v,@41\nv=4,four,v,v@40\nv=4,,v,@40\n");
}

TEST(op_table_table_join, full)
{
    check(STEP_TABLE_TABLE_JOIN, OUTER_BOTH, both, COUNT(both),
          "x=1,,x,@10\nx=1,one,x,x@10\nx=2,one,x,x@20\nx=2,one,x,x@21\nx=,one,,x@22\nx=,one,,x@23\n"
          "x=,uno,,x@24\nx=null@25\ny=,two,,y@30\ny=null@31\nz=3,,z,@32\nz=null@33\n"
          "v=4,,v,@40\nv=4,,v,@41\nv=4,four,v,v@40\nv=4,,v,@40\n");
}

TEST(op_table_table_join, one_output_a_side_and_key_when_changes_are_coalesced)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, join(&t, STEP_TABLE_TABLE_JOIN, OUTER_NONE), true);
    t.cache_bytes = 1;
    const struct op_input in[] = {L("x", "1,a", 10), L("x", "2,a", 11), R("x", "one", 12), R("x", "uno", 13),
                                  L("y", "9,a", 14), R("z", NULL, 15),  L("x", "3,a", 16), R("x", NULL, 17)};
    /* the left side's changes are handed on first, and meet the rows that the right side has handed on so far */
    CHECK_TEXT(op_run(&t, in, 7, 4096, 0, 0), "x=3,uno,x,x@16\n");
    CHECK_TEXT(op_run(&t, in, 7, 4096, 0, 4), "x=2,uno,x,x@13\nx=3,uno,x,x@16\n");
    CHECK_TEXT(op_run(&t, in, 8, 4096, 0, 1), "x=2,one,x,x@12\nx=2,uno,x,x@13\nx=3,uno,x,x@16\nx=null@17\n");
    op_teardown(&t);
}

/* A filter above needs the row before; one below gives tombstones only for rows that passed. */
static struct step *filter(struct op_test *t, const struct step *input, uint32_t column, int64_t least)
{
    struct step *f = op_step(t, STEP_TABLE_FILTER, input, NULL);
    f->filter.predicate = op_compare(t, op_column(t, &input->schema, column), COMPARE_GE, least);
    return f;
}

TEST(op_table_table_join, filters_above_and_below)
{
    static const struct op_input in[] = {L("x", "1,a", 1), R("x", "one", 2),  L("x", "5,a", 3), R("x", "uno", 4),
                                         L("x", "2,a", 5), L("x", NULL, 6),   R("x", NULL, 7),  L("x", NULL, 8),
                                         L("y", "1,a", 9), R("y", "two", 10), L("y", NULL, 11), L("y", "7,a", 12),
                                         R("y", NULL, 13), R("y", NULL, 14)};
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, filter(&t, join(&t, STEP_TABLE_TABLE_JOIN, OUTER_LEFT), 1, 3), true);
    OP_CHECK(&t, in, "x=5,one,x,x@3\nx=5,uno,x,x@4\nx=null@5\ny=7,two,y,y@12\ny=7,,y,@13\ny=7,,y,@14\n");
    op_teardown(&t);
    op_setup(&t);
    struct step *left = op_source_step(&t, true, left_columns), *right = op_source_step(&t, true, right_columns);
    right->source.store = NULL;
    left->source.store = "below";
    struct step *j = op_join_step(&t, STEP_TABLE_TABLE_JOIN, OUTER_NONE, filter(&t, left, 1, 3), right, joined, places);
    op_sink_step(&t, j, true);
    OP_CHECK(&t, in, "x=5,one,x,x@3\nx=5,uno,x,x@4\nx=null@5\ny=7,two,y,y@12\ny=null@13\ny=null@14\n");
    t.cache_bytes = 1; /* the store below does not hold anything back from the side */
    CHECK_TEXT(op_run(&t, in, COUNT(in), 4096, 0, 0), "");
    CHECK_TEXT(op_run(&t, in, 12, 4096, 0, 0), "y=7,two,y,y@12\n");
    op_teardown(&t);
}

/* What the side that is handed on first meets is what the other side has handed on so far: else a result that must go
 * would never have been there. */
TEST(op_table_table_join, changes_of_both_sides_at_once)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, join(&t, STEP_TABLE_TABLE_JOIN, OUTER_NONE), true);
    t.cache_bytes = 1;
    const struct op_input in[] = {L("x", "1,a", 10), R("x", "one", 11), L("x", NULL, 12),  R("x", NULL, 13),
                                  L("y", "1,a", 14), R("y", "two", 15), L("y", "2,a", 16), R("y", NULL, 17)};
    CHECK_TEXT(op_run(&t, in, 4, 4096, 0, 2), "x=1,one,x,x@11\nx=null@12\n");
    CHECK_TEXT(op_run(&t, in, COUNT(in), 4096, 0, 6), "y=1,two,y,y@15\ny=2,two,y,y@16\ny=null@17\n");
    op_teardown(&t);
    op_setup(&t);
    op_sink_step(&t, filter(&t, join(&t, STEP_TABLE_TABLE_JOIN, OUTER_LEFT), 1, 3), true);
    t.cache_bytes = 1;
    CHECK_TEXT(op_run(&t, in, 4, 4096, 0, 2), "");
    op_teardown(&t);
}

TEST(op_table_table_join, groups_of_results_take_back_what_was_added)
{
    static const enum op_aggregate calls[] = {OP_COUNT, OP_SUM};
    static const uint32_t args[] = {0, 1};
    struct op_test t;
    op_setup(&t);
    struct step *j = join(&t, STEP_TABLE_TABLE_JOIN, OUTER_NONE);
    struct step *g = op_step(&t, STEP_TABLE_GROUP_BY, j, "G STRING KEY, A BIGINT");
    g->select.exprs = op_exprs(&t, 2, op_column(&t, &j->schema, 2), op_column(&t, &j->schema, 1));
    op_sink_step(
        &t, op_aggregate_step(&t, STEP_TABLE_AGGREGATE, g, "G STRING KEY, N BIGINT, S BIGINT", 0, NULL, 2, calls, args),
        true);
    t.cache_bytes = 1;
    const struct op_input in[] = {L("x", "1,a", 1), R("x", "one", 2), L("y", "2,a", 3), R("y", "two", 4),
                                  L("x", "7,a", 5), R("x", "two", 6), L("y", NULL, 7),  R("y", "one", 8)};
    CHECK_TEXT(op_run(&t, in, COUNT(in), 4096, 0, 4), "one=1,1@2\ntwo=1,2@4\none=0,0@6\ntwo=1,7@7\n");
    op_teardown(&t);
}

TEST(op_table_table_join, of_three)
{
    struct op_test t;
    op_setup(&t);
    struct step *j = join(&t, STEP_TABLE_TABLE_JOIN, OUTER_NONE);
    struct step *third = op_source_step(&t, true, right_columns);
    third->source.store = NULL;
    op_sink_step(&t,
                 op_join_step(&t, STEP_TABLE_TABLE_JOIN, OUTER_BOTH, j, third,
                              "K STRING KEY, A BIGINT, C STRING, D STRING", "L1 L2 R1"),
                 true);
    const struct op_input in[] = {L("x", "1,a", 1),
                                  R("x", "one", 2),
                                  {.key = "x", .value = "I", .ts = 3, .source = 2},
                                  L("x", NULL, 4),
                                  L("x", NULL, 5), /* the inner tombstone is said again, and so is the outer row */
                                  {.key = "x", .value = NULL, .ts = 6, .source = 2},
                                  L("x", NULL, 7)};
    OP_CHECK(&t, in, "x=1,one,@2\nx=1,one,I@3\nx=,,I@4\nx=,,I@5\nx=null@6\n");
    t.cache_bytes = 1;
    CHECK_TEXT(op_run(&t, in, 3, 4096, 0, 0), "x=1,one,I@3\nx=1,one,I@3\n");
    op_teardown(&t);
}

static struct step *count_windows(struct op_test *t)
{
    static const enum op_aggregate calls[] = {OP_COUNT};
    static const uint32_t args[] = {1};
    struct step *a = op_aggregate_step(t, STEP_STREAM_WINDOWED_AGGREGATE, op_source_step(t, false, left_columns),
                                       "K STRING KEY, N BIGINT", 0, NULL, 1, calls, args);
    a->aggregate.window =
        (struct window_spec){.kind = WINDOW_TUMBLING, .size = 10, .advance = 10, .grace = 1000, .retention = 1010};
    a->schema.window = a->aggregate.window.kind;
    a->aggregate.store = arena_printf(&t->arena, "counts%u", t->n_steps);
    return a;
}

/* The window is part of the key. */
TEST(op_table_table_join, of_windows)
{
    struct op_test t;
    op_setup(&t);
    struct step *left = count_windows(&t), *right = count_windows(&t);
    op_sink_step(
        &t,
        op_join_step(&t, STEP_TABLE_TABLE_JOIN, OUTER_BOTH, left, right, "K STRING KEY, N BIGINT, M BIGINT", "L1 R1"),
        true);
    const struct op_input in[] = {L("x", "1,a", 1),  R("x", "1,a", 11), L("x", "1,a", 12), L("x", "1,a", 2),
                                  R("x", "1,a", 13), R("y", "1,a", 3),  R("x", "1,a", 4)};
    OP_CHECK(&t, in, "x[0]=1,@1\nx[10]=,1@11\nx[10]=1,1@12\nx[0]=2,@2\nx[10]=1,2@13\ny[0]=,1@3\nx[0]=2,1@4\n");
    t.cache_bytes = 1;
    CHECK_TEXT(op_run(&t, in, COUNT(in), 4096, 0, 0),
               "x[0]=2,1@4\nx[10]=1,2@13\nx[10]=1,2@13\ny[0]=,1@3\nx[0]=2,1@4\n");
    op_teardown(&t);
}

/* Many keys, more than a batch, against a second way of computing the same. */
TEST(op_table_table_join, many_keys)
{
    enum { N = 3000 };
    static struct op_input in[N];
    static char keys[N][16], values[N][32];
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, join(&t, STEP_TABLE_TABLE_JOIN, OUTER_NONE), true);
    struct buf expected;
    buf_init(&expected, 0);
    for (int i = 0; i < N; i++) {
        int key = i % 1000;
        snprintf(keys[i], sizeof keys[i], "key%d", key);
        snprintf(values[i], sizeof values[i], i < 2000 ? "%d,text" : "text%d", i);
        in[i] = (struct op_input){.key = keys[i], .value = values[i], .ts = i, .source = i >= 2000};
        if (i >= 2000)
            buf_printf(&expected, "key%d=%d,text%d,key%d,key%d@%d\n", key, key + 1000, i, key, key, i);
    }
    CHECK_TEXT(op_run(&t, in, N, 4096, 0, 0), buf_z(&expected));
    CHECK_TEXT(op_run(&t, in, N, 7, 1500, 0), buf_z(&expected));
    buf_free(&expected);
    op_teardown(&t);
}
