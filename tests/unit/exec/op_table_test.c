/* Operators of tables: materialised sources, filters, grouping, aggregation with undo. */
#include "op_harness.h"

TEST(op_table, forwards_upserts_and_tombstones_and_drops_null_keys)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, op_source_step(&t, true, "K STRING KEY, A BIGINT, B STRING"), true);
    const struct op_input in[] = {{.key = "x", .value = "1,one", .ts = 10}, {.key = NULL, .value = "2,two", .ts = 11},
                                  {.key = "x", .value = NULL, .ts = 5},     {.key = "unknown", .value = NULL, .ts = 12},
                                  {.key = "x", .value = "1,one", .ts = 6},  {.key = "x", .value = "1,one", .ts = 3}};
    OP_CHECK(&t, in, "x=1,one@10\nx=null@5\nunknown=null@12\nx=1,one@6\nx=1,one@3\n");
    t.cache_bytes = 1;
    CHECK_TEXT(op_run(&t, in, 6, 4096, 0, 0), "x=1,one@3\n");
    CHECK_TEXT(op_run(&t, in, 6, 4096, 0, 3), "x=1,one@3\n");
    CHECK_TEXT(op_run(&t, in, 6, 4096, 0, 1), "x=1,one@10\nx=null@5\nx=1,one@6\nx=1,one@3\n");
    op_teardown(&t);
}

static struct step *filtered(struct op_test *t, bool stored)
{
    struct step *s = op_source_step(t, true, "K STRING KEY, A BIGINT, B STRING");
    if (!stored)
        s->source.store = NULL;
    struct step *f = op_step(t, STEP_TABLE_FILTER, s, NULL);
    f->filter.predicate = op_compare(t, op_column(t, &s->schema, 1), COMPARE_GT, 5);
    return f;
}

static const struct op_input changes[] = {
    {.key = "a", .value = "1,x", .ts = 1},                                       /* fails */
    {.key = "a", .value = "7,x", .ts = 2},                                       /* passes */
    {.key = "a", .value = "8,y", .ts = 3},                                       /* still */
    {.key = "a", .value = "2,y", .ts = 4},                                       /* no more: tombstone */
    {.key = "a", .value = NULL, .ts = 5},                                        /* failed before: nothing */
    {.key = "b", .value = "9,z", .ts = 6}, {.key = "b", .value = NULL, .ts = 7}, /* passed before: tombstone */
    {.key = "c", .value = NULL, .ts = 8},                                        /* unknown: nothing */
};

TEST(op_table, filter_looks_at_the_previous_row)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, filtered(&t, true), true);
    OP_CHECK(&t, changes, "a=7,x@2\na=8,y@3\na=null@4\nb=9,z@6\nb=null@7\n");
    op_teardown(&t);
}

TEST(op_table, filter_without_store_emits_tombstones_for_all_that_fail)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, filtered(&t, false), true);
    OP_CHECK(&t, changes, "a=null@1\na=7,x@2\na=8,y@3\na=null@4\na=null@5\nb=9,z@6\nb=null@7\nc=null@8\n");
    op_teardown(&t);
}

TEST(op_table, select_below_a_filter_maps_both_halves)
{
    struct op_test t;
    op_setup(&t);
    struct step *s = op_source_step(&t, true, "K STRING KEY, A BIGINT, B BIGINT");
    struct step *p = op_step(&t, STEP_TABLE_SELECT, s, "K STRING KEY, Q BIGINT");
    p->select.exprs = op_exprs(&t, 2, op_column(&t, &s->schema, 0),
                               op_divide(&t, op_column(&t, &s->schema, 1), op_column(&t, &s->schema, 2)));
    struct step *f = op_step(&t, STEP_TABLE_FILTER, p, NULL);
    f->filter.predicate = op_compare(&t, op_column(&t, &p->schema, 1), COMPARE_GE, 3);
    op_sink_step(&t, f, true);
    const struct op_input in[] = {{.key = "a", .value = "9,3", .ts = 1},
                                  {.key = "a", .value = "4,4", .ts = 2},
                                  {.key = "a", .value = "4,0", .ts = 3},
                                  {.key = "a", .value = "8,2", .ts = 4},
                                  {.key = "a", .value = NULL, .ts = 5}};
    OP_CHECK(&t, in, "a=3@1\na=null@2\na=4@4\na=null@5\n");
    CHECK(strstr(t.errors, "Error computing expression") == t.errors);
    CHECK(strchr(t.errors, ';') == t.errors + strlen(t.errors) - 1); /* once, not again as the previous row */
    op_teardown(&t);
}

/* ---- GROUP BY ------------------------------------------------------------------------------------------------- */

static const enum op_aggregate calls[] = {OP_COUNT, OP_SUM, OP_COLLECT};
static const uint32_t args[] = {0, 1, 2};
static const uint32_t required[] = {2};

static void build_grouping(struct op_test *t, uint32_t n_calls, bool repartition)
{
    struct step *s = op_source_step(t, true, "K STRING KEY, A BIGINT, G STRING");
    struct step *g = op_step(t, STEP_TABLE_GROUP_BY, s, "G STRING KEY, A BIGINT, K STRING");
    g->select.exprs =
        op_exprs(t, 3, op_column(t, &s->schema, 2), op_column(t, &s->schema, 1), op_column(t, &s->schema, 0));
    struct step *from = repartition ? op_repartition(t, g, true) : g;
    const char *columns = n_calls == 3 ? "G STRING KEY, K STRING, N BIGINT, S BIGINT, L STRING"
                                       : "G STRING KEY, K STRING, N BIGINT, S BIGINT";
    op_sink_step(t, op_aggregate_step(t, STEP_TABLE_AGGREGATE, from, columns, 1, required, n_calls, calls, args), true);
}

static const struct op_input rows[] = {
    {.key = "a", .value = "1,g", .ts = 10}, {.key = "b", .value = "2,g", .ts = 12},
    {.key = "a", .value = "5,g", .ts = 11}, /* group stays: one result */
    {.key = "a", .value = "5,h", .ts = 9},  /* moves: old group first */
    {.key = "b", .value = NULL, .ts = 20},  /* last row of the group: stays with 0 */
    {.key = "zz", .value = NULL, .ts = 21}, /* unknown: nothing */
    {.key = "a", .value = "6,", .ts = 22},  /* into no group: removal only */
    {.key = "a", .value = "7,g", .ts = 5},  /* from no group */
};

TEST(op_table_group_by, undoes_before_it_adds)
{
    static const char expected[] =
        "g=a,1,1,a@10\ng=b,2,3,a+b@12\ng=a,2,7,b+a@12\ng=a,1,2,b@12\nh=a,1,5,a@9\ng=b,0,0,@20\n"
        "h=a,0,0,@22\ng=a,1,7,a@20\n";
    for (int repartition = 0; repartition < 2; repartition++) {
        struct op_test t;
        op_setup(&t);
        build_grouping(&t, 3, repartition);
        OP_CHECK(&t, rows, expected);
        op_teardown(&t);
    }
}

TEST(op_table_group_by, of_fixed_states)
{
    struct op_test t;
    op_setup(&t);
    build_grouping(&t, 2, true);
    OP_CHECK(&t, rows,
             "g=a,1,1@10\ng=b,2,3@12\ng=a,2,7@12\ng=a,1,2@12\nh=a,1,5@9\ng=b,0,0@20\nh=a,0,0@22\ng=a,1,7@20\n");
    op_teardown(&t);
}

TEST(op_table_group_by, coalesces)
{
    struct op_test t;
    op_setup(&t);
    build_grouping(&t, 2, true);
    t.cache_bytes = 1;
    /* the source's changes of a key come as one, from nothing to its last row */
    CHECK_TEXT(op_run(&t, rows, 8, 4096, 0, 0), "g=a,1,7@5\n");
    CHECK_TEXT(op_run(&t, rows, 8, 4096, 0, 3), "g=b,2,7@12\ng=b,0,0@20\nh=a,1,5@9\nh=a,0,0@9\ng=a,1,7@20\n");
    op_teardown(&t);
}
