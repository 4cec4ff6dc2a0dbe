/* Time windows and sessions: bounds, order, late rows, closing. Expectations are worked out by hand from the rules in
 * the headers of exec/op/window.c and session.c. */
#include "op_harness.h"

static const enum op_aggregate count_list[] = {OP_COUNT, OP_COLLECT};
static const uint32_t args[] = {0, 1};

static struct step *windowed(struct op_test *t, struct window_spec w)
{
    struct step *s = op_source_step(t, false, "K STRING KEY, V STRING");
    struct step *a = op_aggregate_step(t, STEP_STREAM_WINDOWED_AGGREGATE, s, "K STRING KEY, N BIGINT, L STRING", 0,
                                       NULL, 2, count_list, args);
    a->aggregate.window = w;
    return a;
}

static struct window_spec tumbling(int64_t size, int64_t grace, bool final)
{
    return (struct window_spec){.kind = WINDOW_TUMBLING,
                                .size = size,
                                .advance = size,
                                .grace = grace,
                                .retention = size + grace,
                                .emit_final = final};
}

TEST(op_window, tumbling_accepts_rows_until_end_plus_grace)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, windowed(&t, tumbling(10, 5, false)), true);
    const struct op_input in[] = {IN("a", "p", 3),   IN("a", "q", 0),  IN("b", "r", 9),
                                  IN("a", "s", 10),  IN("a", "t", 14), IN("a", "u", 5), /* 10 > 14 - 5: accepted */
                                  IN("b", "v", 15),  IN("a", "w", 9),                   /* 10 > 15 - 5 does not hold */
                                  IN(NULL, "x", 99), IN("a", "y", 10), IN("a", NULL, 12)};
    OP_CHECK(&t, in,
             "a[0]=1,p@3\na[0]=2,p+q@3\nb[0]=1,r@9\na[10]=1,s@10\na[10]=2,s+t@14\na[0]=3,p+q+u@5\nb[10]=1,v@15\n"
             "a[10]=3,s+t+y@14\n");
    op_teardown(&t);
}

TEST(op_window, hopping_emits_windows_in_order_and_skips_those_below_zero)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(
        &t,
        windowed(&t,
                 (struct window_spec){.kind = WINDOW_HOPPING, .size = 10, .advance = 4, .grace = 0, .retention = 10}),
        true);
    const struct op_input in[] = {IN("a", "p", 3), IN("a", "q", 9), IN("a", "r", 13), IN("a", "s", 7)};
    /* 13: 4, 8, 12. 7 at stream time 13: [0,10) is closed, [4,14) is not */
    OP_CHECK(&t, in,
             "a[0]=1,p@3\na[0]=2,p+q@9\na[4]=1,q@9\na[8]=1,q@9\na[4]=2,q+r@13\na[8]=2,q+r@13\na[12]=1,r@13\n"
             "a[4]=3,q+r+s@13\n");
    op_teardown(&t);
}

TEST(op_window, coalesces_windows)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, windowed(&t, tumbling(10, 5, false)), true);
    t.cache_bytes = 1;
    const struct op_input in[] = {IN("b", "p", 3), IN("a", "q", 0), IN("b", "r", 9), IN("a", "s", 12),
                                  IN("b", "t", 30)};
    CHECK_TEXT(op_run(&t, in, 5, 4096, 0, 0), "b[0]=2,p+r@9\na[0]=1,q@0\na[10]=1,s@12\nb[30]=1,t@30\n");
    op_teardown(&t);
}

TEST(op_window, final_results_come_once_when_the_window_closes)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, windowed(&t, tumbling(10, 2, true)), true);
    t.show_headers = true;
    const struct op_input in[] = {IN_H("b", "p", 3, "1"), IN_H("a", "q", 1, "2"),  IN_H("b", "r", 11, "3"),
                                  IN_H("c", "s", 9, "4"), IN_H("a", "t", 12, "5"), IN_H("c", "u", 4, "6"),
                                  IN_H("a", "v", 23, "7")};
    OP_CHECK(&t, in, "a[0]=1,q@1 5\nb[0]=1,p@3 5\nc[0]=1,s@9 5\na[10]=1,t@12 7\nb[10]=1,r@11 7\n");
    op_teardown(&t);
}

TEST(op_window, final_results_are_lost_when_time_jumps_behind_retention)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, windowed(&t, tumbling(2, 0, true)), true);
    const struct op_input in[] = {IN("a", "p", 1), IN("a", "q", 2), IN("a", "r", 100), IN("a", "s", 102)};
    /* 2 closes [0,2). 100 hides [2,4): its start is below 100 - 2. 102 closes [100,102) */
    OP_CHECK(&t, in, "a[0]=1,p@1\na[100]=1,r@100\n");
    op_teardown(&t);
}

/* ---- sessions ------------------------------------------------------------------------------------------------- */

static struct window_spec session(int64_t gap, int64_t grace, bool final)
{
    return (struct window_spec){
        .kind = WINDOW_SESSION, .size = gap, .grace = grace, .retention = gap + grace, .emit_final = final};
}

TEST(op_session, joins_sessions_and_removes_the_joined)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, windowed(&t, session(10, 100, false)), true);
    t.show_headers = true;
    const struct op_input in[] = {IN_H("a", "p", 0, "1"), IN("a", "q", 0),  IN("a", "r", 10), IN("b", "s", 5),
                                  IN("a", "t", 30),       IN("a", "u", 20), IN("a", "v", 15)};
    OP_CHECK(&t, in,
             "a[0,0]=1,p@0 -\n"
             "a[0,0]=2,p+q@0 -\n" /* same point: no tombstone */
             "a[0,0]=null@0 -\na[0,10]=3,p+q+r@10 -\n"
             "b[5,5]=1,s@5 -\n"
             "a[30,30]=1,t@30 -\n"
             "a[0,10]=null@10 -\na[30,30]=null@30 -\na[0,30]=5,p+q+r+t+u@30 -\n"
             "a[0,30]=null@30 -\na[0,30]=6,p+q+r+t+u+v@30 -\n");
    op_teardown(&t);
}

TEST(op_session, drops_late_rows_unless_they_touch_a_live_session)
{
    struct op_test t;
    op_setup(&t);
    struct window_spec spec = session(10, 5, false);
    spec.retention = 100;
    op_sink_step(&t, windowed(&t, spec), true);
    const struct op_input in[] = {IN("a", "p", 20), IN("b", "q", 35), IN("a", "r", 19), /* 19 < 35-5-10? no */
                                  IN("a", "s", 12), IN("b", "t", 50), IN("a", "u", 34), IN("c", "v", 35)};
    OP_CHECK(&t, in,
             "a[20,20]=1,p@20\nb[35,35]=1,q@35\n"
             "a[20,20]=null@20\na[19,20]=2,p+r@20\n"
             "a[19,20]=null@20\na[12,20]=3,p+r+s@20\n"
             "b[50,50]=1,t@50\n"
             "c[35,35]=1,v@35\n");
    op_teardown(&t);
}

TEST(op_session, behind_the_retention_are_not_joined)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, windowed(&t, session(10, 5, false)), true);
    /* the session of 20 is hidden at 35 (20 <= 35 - 15); so 25 does not join it, and does not come too late itself */
    const struct op_input in[] = {IN("a", "p", 20), IN("b", "q", 35), IN("a", "r", 25), IN("a", "s", 19)};
    OP_CHECK(&t, in, "a[20,20]=1,p@20\nb[35,35]=1,q@35\na[25,25]=1,r@25\na[25,25]=null@25\na[19,25]=2,r+s@25\n");
    op_teardown(&t);
}

TEST(op_session, final_results_come_when_the_gap_and_the_grace_have_passed)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, windowed(&t, session(10, 5, true)), true);
    const struct op_input in[] = {IN("b", "p", 1),  IN("a", "q", 1),  IN("a", "r", 4),
                                  IN("b", "s", 17), IN("c", "t", 20), IN("c", "u", 100)};
    /* 17: closes ends <= 1: b[1,1]. 20: closes ends <= 4: a[1,4]. 100: b[17,17], c[20,20] */
    OP_CHECK(&t, in, "b[1,1]=1,p@1\na[1,4]=2,q+r@4\nb[17,17]=1,s@17\nc[20,20]=1,t@20\n");
    op_teardown(&t);
}

TEST(op_session, tombstones_of_short_lived_sessions_vanish_when_coalescing)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, windowed(&t, session(10, 100, false)), true);
    t.cache_bytes = 1;
    const struct op_input in[] = {IN("a", "p", 0), IN("a", "q", 5), IN("b", "r", 7), IN("a", "s", 12)};
    CHECK_TEXT(op_run(&t, in, 4, 4096, 0, 0), "b[7,7]=1,r@7\na[0,12]=3,p+q+s@12\n");
    CHECK_TEXT(op_run(&t, in, 4, 4096, 0, 2), "a[0,5]=2,p+q@5\nb[7,7]=1,r@7\na[0,5]=null@5\na[0,12]=3,p+q+s@12\n");
    op_teardown(&t);
}
