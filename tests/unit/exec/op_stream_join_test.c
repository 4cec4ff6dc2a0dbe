/* Stream-stream joins: which rows meet, in which order, and what becomes of those that meet nobody. Expectations are
 * worked out by hand from the rules in exec/op/stream_join.c. */
#include "op_harness.h"

TEST(op_stream_join, pairs_are_within_the_window_in_the_order_of_time)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, op_within_step(&t, false, OUTER_NONE, 10, 5, 1000), false);
    const struct op_input in[] = {IN("a", "1", 100), IN_2("a", "x", 89), IN_2("a", "y", 90), IN_2("a", "z", 105),
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
        op_sink_step(&t, op_within_step(&t, false, (enum join_outer)outer, 10, 10, 1000), false);
        const struct op_input in[] = {IN("a", NULL, 1),   IN_2("a", NULL, 1), IN(NULL, "2", 2),
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
    op_sink_step(&t, op_within_step(&t, false, OUTER_NONE, 10, 10, 5), false); /* 25 are kept */
    const struct op_input in[] = {IN("a", "1", 100),    IN("a", "2", 124),   IN_2("a", "x", 100), IN("b", "3", 125),
                                  IN_2("a", "y", 101), /* 101 is the lowest that the left side knows now */
                                  IN("a", "4", 101),    IN_2("a", "z", 101), IN("a", "5", 100),   IN_2("a", "u", 100),
                                  IN_2("b", "v", 1000), IN("b", "6", 1000),  IN("a", "7", 101)};
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
    op_sink_step(&t, op_within_step(&t, false, OUTER_LEFT, 10, 10, 1000), false);
    const struct op_input in[] = {IN("a", "1", 100), IN_2("a", "x", 105), IN_2("b", "y", 105), IN("b", "2", 200)};
    OP_CHECK(&t, in, "a=1,@100\na=1,x@105\nb=2,@200\n");
    op_teardown(&t);
}

TEST(op_stream_join, rows_alone_wait_for_the_end_of_their_window)
{
    struct op_test t;
    op_setup(&t);
    t.show_headers = true;
    op_sink_step(&t, op_within_step(&t, true, OUTER_LEFT, 10, 10, 0), false);
    const struct op_input in[] = {IN_H("a", "1", 100, "1"),
                                  IN_H("c", "2", 110, "2"), /* 100 + 10 < 110 does not hold */
                                  {.key = "c", .value = "x", .ts = 111, .source = 1, .header = "3"},
                                  {.key = "a", .value = "y", .ts = 105, .source = 1, .header = "4"}, /* and yet */
                                  IN_H("a", "3", 90, "5"), /* its window is over */
                                  IN_H("z", NULL, 500, "6"),
                                  IN_H("b", "4", 499, "7"),
                                  IN_H("b", "5", 499, "8"),
                                  IN_H("d", "6", 510, "9")};
    OP_CHECK(&t, in, "a=1,@100 3\nc=2,x@111 3\na=1,y@105 4\na=3,@90 5\nb=4,@499 9\nb=5,@499 9\n");
    op_teardown(&t);
}

TEST(op_stream_join, waiting_rows_go_in_the_order_of_time_right_before_left_and_key)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, op_within_step(&t, true, OUTER_BOTH, 10, 10, 5), false);
    const struct op_input in[] = {IN("b", "1", 100),   IN("a", "2", 100), IN_2("d", "x", 100), IN_2("c", "y", 100),
                                  IN("e", "3", 99),    IN("b", "4", 100), IN_2("f", "z", 101), IN("g", "5", 102),
                                  IN_2("g", "u", 104), IN("j", "6", 103), IN_2("h", "v", 115), IN_2("h", "w", 116),
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
    op_sink_step(&t, op_within_step(&t, true, OUTER_LEFT, 10, 10, 0), false);
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
    struct step *inner = op_within_step(&t, true, OUTER_LEFT, 10, 10, 0);
    struct step *outer = op_stream_join_step(&t, OUTER_LEFT, inner, op_source_step(&t, false, "K STRING KEY, X STRING"),
                                             "K STRING KEY, L STRING, R STRING, X STRING");
    outer->join.before = outer->join.after = 10;
    outer->join.grace = 1000;
    outer->join.stores[0] = "Outer-left";
    outer->join.stores[1] = "Outer-right";
    op_sink_step(&t, outer, false);
    const struct op_input in[] = {
        {.key = "a", .value = "p", .ts = 95, .source = 2},  IN("a", "1", 100),  IN_2("a", "x", 103), IN("b", "2", 104),
        {.key = "a", .value = "q", .ts = 113, .source = 2}, IN(NULL, "3", 110), IN_2("c", "y", 120)};
    OP_CHECK(&t, in, "a=1,x,p@103\na=1,x,q@113\nnull=3,,@110\nb=2,,@104\n");
    op_teardown(&t);
}
