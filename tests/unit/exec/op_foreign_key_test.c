/* Joins by foreign keys: what each change of a left or right row gives, in which order and with which time. */
#include "op_harness.h"

#include <stdio.h>

#define L(k, v, t)                                                                                                     \
    {                                                                                                                  \
        .key = (k), .value = (v), .ts = (t), .source = 1                                                               \
    }
#define R(k, v, t)                                                                                                     \
    {                                                                                                                  \
        .key = (k), .value = (v), .ts = (t)                                                                            \
    }
#define COUNT(list) (sizeof(list) / sizeof *(list))

/* Left: K, F (the foreign key), A. Right: K, C. Result: K, F, A, C. */
static struct step *join(struct op_test *t, enum join_outer outer)
{
    struct step *left = op_source_step(t, true, "K STRING KEY, F STRING, A BIGINT");
    struct step *right = op_source_step(t, true, "K STRING KEY, C STRING");
    left->source.store = right->source.store = NULL;
    return op_foreign_key_step(t, outer, left, right, op_column(t, &left->schema, 1),
                               "K STRING KEY, F STRING, A BIGINT, C STRING", "L1 L2 R1");
}

static void check(enum join_outer outer, const struct op_input *in, size_t n, const char *expected)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, join(&t, outer), true);
    t.one_by_one = true;
    op_check(&t, in, (uint32_t)n, expected);
    op_teardown(&t);
}

#define CHECK_BOTH(in, inner, left)                                                                                    \
    do {                                                                                                               \
        check(OUTER_NONE, in, COUNT(in), inner);                                                                       \
        check(OUTER_LEFT, in, COUNT(in), left);                                                                        \
    } while (0)

/* ---- changes of left rows -------------------------------------------------------------------------------------- */

TEST(op_foreign_key_join, left_inserts)
{
    static const struct op_input in[] = {R("f", "one", 50), L("a", "f,1", 10), L("b", "g,2", 60), L("c", ",3", 70),
                                         L("d", "f,4", 80)};
    CHECK_BOTH(in, "a=f,1,one@50\nd=f,4,one@80\n", "a=f,1,one@50\nb=g,2,@60\nc=,3,@70\nd=f,4,one@80\n");
}

TEST(op_foreign_key_join, left_updates_with_the_same_key)
{
    static const struct op_input in[] = {R("f", "one", 5),  L("a", "f,1", 10), L("a", "f,2", 11), L("a", "f,2", 4),
                                         L("b", "g,1", 12), L("b", "g,2", 13), L("c", ",1", 14),  L("c", ",2", 15)};
    CHECK_BOTH(in, "a=f,1,one@10\na=f,2,one@11\na=f,2,one@5\n",
               "a=f,1,one@10\na=f,2,one@11\na=f,2,one@5\nb=g,1,@12\nb=g,2,@13\nc=,1,@14\nc=,2,@15\n");
}

TEST(op_foreign_key_join, left_updates_of_the_key)
{
    static const struct op_input in[] = {
        R("f", "one", 1),  R("g", "two", 2),  L("a", "f,1", 10),  L("a", "g,1", 11),
        L("a", "h,1", 12), R("f", "uno", 13), R("g", "due", 14), /* nobody is there any more */
        L("a", "f,2", 15), L("a", ",2", 16),  R("f", "eins", 17), L("a", "g,3", 18),
        L("b", ",4", 19),  L("b", "h,4", 20), R("h", "drei", 21)};
    CHECK_BOTH(in, "a=f,1,one@10\na=g,1,two@11\na=null@12\na=f,2,uno@15\na=null@16\na=g,3,due@18\nb=h,4,drei@21\n",
               "a=f,1,one@10\na=g,1,two@11\na=h,1,@12\na=f,2,uno@15\na=,2,@16\na=g,3,due@18\nb=,4,@19\nb=h,4,@20\n"
               "b=h,4,drei@21\n");
}

TEST(op_foreign_key_join, left_deletions)
{
    static const struct op_input in[] = {R("f", "one", 50), L("a", "f,1", 10), L("a", NULL, 11), L("a", NULL, 12),
                                         L("b", "g,1", 13), L("b", NULL, 14),  L("c", ",1", 15), L("c", NULL, 16),
                                         R("f", "uno", 17), L("zz", NULL, 18), L("a", "f,9", 19)};
    CHECK_BOTH(in, "a=f,1,one@50\na=null@50\nb=null@14\na=f,9,uno@19\n",
               "a=f,1,one@50\na=null@11\nb=g,1,@13\nb=null@14\nc=,1,@15\nc=null@16\na=f,9,uno@19\n");
}

/* ---- changes of right rows -------------------------------------------------------------------------------------- */

TEST(op_foreign_key_join, right_changes_go_to_all_in_the_order_of_their_serialised_keys)
{
    static const struct op_input in[] = {
        L("2", "f,1", 10),
        L("10", "f,2", 20),
        L("1", "f,3", 30),
        L("x", "g,4", 40),
        {.key = "f", .value = "one", .ts = 5, .header = "h"}, /* the time and the headers of the change alone */
        R("f", "one", 6),
        R("f", NULL, 7),
        R("f", NULL, 8),
        R("none", "zero", 9),
        R(NULL, "null", 9)};
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, join(&t, OUTER_NONE), true);
    t.one_by_one = t.show_headers = true;
    OP_CHECK(&t, in,
             "1=f,3,one@5 h\n10=f,2,one@5 h\n2=f,1,one@5 h\n1=f,3,one@6 -\n10=f,2,one@6 -\n2=f,1,one@6 -\n"
             "1=null@7 -\n10=null@7 -\n2=null@7 -\n1=null@8 -\n10=null@8 -\n2=null@8 -\n");
    op_teardown(&t);
    check(OUTER_LEFT, in, COUNT(in),
          "2=f,1,@10\n10=f,2,@20\n1=f,3,@30\nx=g,4,@40\n1=f,3,one@5\n10=f,2,one@5\n2=f,1,one@5\n"
          "1=f,3,one@6\n10=f,2,one@6\n2=f,1,one@6\n1=f,3,@7\n10=f,2,@7\n2=f,1,@7\n1=f,3,@8\n10=f,2,@8\n2=f,1,@8\n");
}

/* Numbers sort as they do big-endian: negative ones behind the others. */
TEST(op_foreign_key_join, order_of_numbers)
{
    struct op_test t;
    op_setup(&t);
    struct step *left = op_source_step(&t, true, "K BIGINT KEY, F STRING");
    struct step *right = op_source_step(&t, true, "K STRING KEY, C STRING");
    left->source.store = right->source.store = NULL;
    op_sink_step(&t,
                 op_foreign_key_step(&t, OUTER_NONE, left, right, op_column(&t, &left->schema, 1),
                                     "K BIGINT KEY, C STRING, L BIGINT", "R1 L0"),
                 true);
    t.one_by_one = true;
    const struct op_input in[] = {{.key = "10", .value = "f", .ts = 1, .source = 1, .long_key = true},
                                  {.key = "-1", .value = "f", .ts = 1, .source = 1, .long_key = true},
                                  {.key = "2", .value = "f", .ts = 1, .source = 1, .long_key = true},
                                  R("f", "one", 2),
                                  {.key = "2", .value = NULL, .ts = 3, .source = 1, .long_key = true}};
    OP_CHECK(&t, in, "2=one,2@2\n10=one,10@2\n-1=one,-1@2\n2=null@3\n");
    op_teardown(&t);
}

/* Keys of which one begins with the other, and the same left key with several foreign keys. */
TEST(op_foreign_key_join, keys_that_look_alike)
{
    static const struct op_input in[] = {L("a", "f,1", 1),  L("b", "fa,2", 2),    L("fa", "f,3", 3), L("", "f,4", 4),
                                         R("f", "one", 5),  R("fa", "two", 6),    L("a", "fa,1", 7), R("f", "uno", 8),
                                         R("fa", "due", 9), L("a", "\"\",1", 10), R("", "empty", 11)};
    check(OUTER_NONE, in, COUNT(in),
          "=f,4,one@5\na=f,1,one@5\nfa=f,3,one@5\nb=fa,2,two@6\na=fa,1,two@7\n=f,4,uno@8\nfa=f,3,uno@8\n"
          "a=fa,1,due@9\nb=fa,2,due@9\na=null@10\n");
}

/* ---- answers that are out of date ------------------------------------------------------------------------------- */

/* All inputs of a run are pushed before what follows is read: only the answers to the present row count. */
TEST(op_foreign_key_join, drops_answers_that_are_out_of_date)
{
    static const struct op_input in[] = {R("f", "one", 1),  R("g", "two", 2),  L("a", "f,1", 10), L("a", "g,1", 11),
                                         L("b", "f,2", 12), L("b", NULL, 13),  L("c", "f,3", 14), L("c", "f,4", 15),
                                         L("d", "f,5", 16), L("d", "g,6", 17), L("d", "f,5", 18)};
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, join(&t, OUTER_NONE), true);
    /* of d the first answer is as good as the last one; b's has gone with the row */
    CHECK_TEXT(op_run(&t, in, COUNT(in), 4096, 0, 0),
               "a=g,1,two@11\nb=null@13\nc=f,4,one@15\nd=f,5,one@16\nd=f,5,one@18\n");
    CHECK_TEXT(op_run(&t, in, COUNT(in), 1, 0, 0),
               "a=g,1,two@11\nb=null@13\nc=f,4,one@15\nd=f,5,one@16\nd=f,5,one@18\n");
    op_teardown(&t);
}

/* ---- coalescing, operators around -------------------------------------------------------------------------------- */

TEST(op_foreign_key_join, coalesces_changes_of_both_sides)
{
    static const struct op_input in[] = {L("a", "f,1", 10), L("a", "f,2", 11), R("f", "one", 12), R("f", "two", 13),
                                         L("b", "f,3", 14), L("b", NULL, 15),  L("c", ",4", 16),  L("a", "g,5", 17)};
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, join(&t, OUTER_LEFT), true);
    t.cache_bytes = 1;
    CHECK_TEXT(op_run(&t, in, COUNT(in), 4096, 0, 0), "c=,4,@16\na=g,5,@17\n");
    CHECK_TEXT(op_run(&t, in, COUNT(in), 4096, 0, 4), "a=f,2,two@13\nc=,4,@16\na=g,5,@17\n");
    op_teardown(&t);
}

/* Left rows change again before the answer to their last change is there: a result that must go goes all the same. */
TEST(op_foreign_key_join, removals_that_come_late_count)
{
    static const struct op_input in[] = {R("f", "one", 1), L("a", "f,1", 2), L("b", "f,2", 3), L("c", "f,3", 4),
                                         R("h", "two", 5), L("a", NULL, 6),  L("a", "g,1", 7), L("b", NULL, 8),
                                         L("b", ",2", 9),  L("c", ",3", 10), L("c", NULL, 11), R("g", "six", 12)};
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, join(&t, OUTER_NONE), true);
    CHECK_TEXT(op_run(&t, in, 11, 4096, 0, 0),
               "a=f,1,one@2\nb=f,2,one@3\nc=f,3,one@4\nb=null@8\nc=null@10\na=null@7\n");
    CHECK_TEXT(op_run(&t, in, COUNT(in), 4096, 0, 0),
               "a=f,1,one@2\nb=f,2,one@3\nc=f,3,one@4\nb=null@8\nc=null@10\na=null@7\na=g,1,six@12\n");
    op_teardown(&t);
}

TEST(op_foreign_key_join, key_that_cannot_be_computed_is_none)
{
    struct op_test t;
    op_setup(&t);
    struct step *left = op_source_step(&t, true, "K STRING KEY, A BIGINT, B BIGINT");
    struct step *right = op_source_step(&t, true, "K BIGINT KEY, C STRING");
    left->source.store = right->source.store = NULL;
    const struct expr *key = op_divide(&t, op_column(&t, &left->schema, 1), op_column(&t, &left->schema, 2));
    op_sink_step(
        &t,
        op_foreign_key_step(&t, OUTER_LEFT, left, right, key, "K STRING KEY, A BIGINT, B BIGINT, C STRING", "L1 L2 R1"),
        true);
    t.one_by_one = true;
    const struct op_input in[] = {{.key = "2", .value = "two", .ts = 1, .long_key = true},
                                  L("a", "4,2", 2),
                                  L("a", "4,0", 3),
                                  L("a", "6,3", 4),
                                  {.key = "2", .value = "zwei", .ts = 5, .long_key = true}};
    OP_CHECK(&t, in, "a=4,2,two@2\na=4,0,@3\na=6,3,two@4\na=6,3,zwei@5\n");
    CHECK(strstr(t.errors, "Error computing expression") == t.errors);
    CHECK(strchr(t.errors, ';') == t.errors + strlen(t.errors) - 1); /* once, not again as the previous row */
    op_teardown(&t);
}

/* (A by foreign key B) LEFT JOIN C, as a table of three. */
TEST(op_foreign_key_join, below_a_join_of_tables)
{
    struct op_test t;
    op_setup(&t);
    struct step *j = join(&t, OUTER_NONE);
    struct step *third = op_source_step(&t, true, "K STRING KEY, D STRING");
    third->source.store = NULL;
    op_sink_step(
        &t, op_join_step(&t, STEP_TABLE_TABLE_JOIN, OUTER_LEFT, j, third, "K STRING KEY, C STRING, D STRING", "L3 R1"),
        true);
    t.one_by_one = true;
    const struct op_input in[] = {
        R("f", "one", 1), L("a", "f,1", 2), {.key = "a", .value = "III", .ts = 3, .source = 2}, R("f", "uno", 4),
        R("f", NULL, 5),  R("f", NULL, 6),  {.key = "a", .value = "IV", .ts = 7, .source = 2}};
    OP_CHECK(&t, in, "a=one,@2\na=one,III@3\na=uno,III@4\na=null@5\na=null@6\n");
    op_teardown(&t);
}

/* With its results kept, an aggregation above can undo them. */
TEST(op_foreign_key_join, below_an_aggregation)
{
    static const enum op_aggregate calls[] = {OP_COUNT, OP_SUM};
    static const uint32_t args[] = {0, 1};
    struct op_test t;
    op_setup(&t);
    struct step *j = join(&t, OUTER_LEFT);
    j->foreign_key.result_store = "results";
    struct step *g = op_step(&t, STEP_TABLE_GROUP_BY, j, "G STRING KEY, A BIGINT");
    g->select.exprs = op_exprs(&t, 2, op_column(&t, &j->schema, 3), op_column(&t, &j->schema, 2));
    op_sink_step(
        &t, op_aggregate_step(&t, STEP_TABLE_AGGREGATE, g, "G STRING KEY, N BIGINT, S BIGINT", 0, NULL, 2, calls, args),
        true);
    t.one_by_one = true;
    const struct op_input in[] = {R("f", "one", 1), L("a", "f,1", 2), L("b", "f,2", 3), L("a", "f,5", 4),
                                  R("f", "two", 5), L("a", NULL, 6),  L("b", ",3", 7)};
    OP_CHECK(&t, in,
             "one=1,1@2\none=2,3@3\none=2,7@4\none=1,2@5\ntwo=1,5@5\none=0,0@5\ntwo=2,7@5\ntwo=1,2@6\ntwo=0,0@7\n");
    op_teardown(&t);
}

/* Results that are not kept: a filter says a tombstone for all that fail. */
TEST(op_foreign_key_join, below_a_filter)
{
    struct op_test t;
    op_setup(&t);
    struct step *j = join(&t, OUTER_NONE), *f = op_step(&t, STEP_TABLE_FILTER, j, NULL);
    f->filter.predicate = op_compare(&t, op_column(&t, &j->schema, 2), COMPARE_GE, 5);
    op_sink_step(&t, f, true);
    t.one_by_one = true;
    const struct op_input in[] = {R("f", "one", 1), L("a", "f,1", 2), L("a", "f,5", 3), L("a", "f,2", 4)};
    OP_CHECK(&t, in, "a=null@2\na=f,5,one@3\na=null@4\n");
    op_teardown(&t);
}

/* ---- many ------------------------------------------------------------------------------------------------------- */

TEST(op_foreign_key_join, many_left_rows_of_one_key)
{
    enum { N = 3000 };
    static struct op_input in[N + 2];
    static char keys[N][16], values[N][32];
    struct op_test t;
    struct buf expected;
    buf_init(&expected, 0);
    op_setup(&t);
    op_sink_step(&t, join(&t, OUTER_NONE), true);
    in[0] = (struct op_input)R("f", "one", 1);
    for (int i = 0; i < N; i++) {
        snprintf(keys[i], sizeof keys[i], "k%04d", N - 1 - i);
        snprintf(values[i], sizeof values[i], "%s,%d", i % 3 ? "f" : "g", i);
        in[i + 1] = (struct op_input){.key = keys[i], .value = values[i], .ts = i, .source = 1};
        if (i % 3)
            buf_printf(&expected, "%s=%s,one@%d\n", keys[i], values[i], i > 1 ? i : 1);
    }
    in[N + 1] = (struct op_input)R("f", "two", 7);
    for (int i = N; i-- > 0;)
        if (i % 3)
            buf_printf(&expected, "%s=%s,two@7\n", keys[i], values[i]);
    CHECK_TEXT(op_run(&t, in, N + 2, 4096, 0, 0), buf_z(&expected));
    CHECK_TEXT(op_run(&t, in, N + 2, 97, 1000, 0), buf_z(&expected));
    buf_free(&expected);
    op_teardown(&t);
}
