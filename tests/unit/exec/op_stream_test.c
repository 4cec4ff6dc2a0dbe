/* Operators of streams: sources, filters, selects, keys, table functions, aggregation without windows. */
#include "op_harness.h"

#include <stdio.h>

TEST(op_source, keeps_null_keys_and_values_of_streams)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, op_source_step(&t, false, "K STRING KEY, A BIGINT, B STRING"), false);
    const struct op_input in[] = {IN("x", "1,one", 10), IN(NULL, "2,two", 11), IN("y", NULL, 12), IN("z", ",", 13)};
    OP_CHECK(&t, in, "x=1,one@10\nnull=2,two@11\ny=null@12\nz=,@13\n");
    op_teardown(&t);
}

TEST(op_source, skips_bad_records_and_reports_them)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, op_source_step(&t, false, "K STRING KEY, A BIGINT"), false);
    const struct op_input in[] = {IN("x", "1", 10), IN("x", "1,2", 11), IN("x", "nonsense", 12), IN("x", "2", 13)};
    OP_CHECK(&t, in, "x=1@10\nx=2@13\n");
    CHECK(t.errors[0] != '\0');
    op_teardown(&t);
}

TEST(op_source, takes_the_time_of_a_column)
{
    struct op_test t;
    op_setup(&t);
    struct step *s = op_source_step(&t, false, "K STRING KEY, T BIGINT");
    s->source.timestamp = (struct timestamp_spec){.kind = TS_BIGINT, .column = 1};
    op_sink_step(&t, s, false);
    const struct op_input in[] = {IN("x", "100", 1), IN("x", "-1", 2), IN("x", NULL, 3), IN("y", "0", 4)};
    OP_CHECK(&t, in, "x=100@100\ny=0@0\n");
    op_teardown(&t);
}

TEST(op_source, takes_the_time_of_a_text)
{
    struct op_test t;
    op_setup(&t);
    struct step *s = op_source_step(&t, false, "K STRING KEY, T STRING");
    s->source.timestamp = (struct timestamp_spec){.kind = TS_STRING, .column = 1, .format = STR("yyyy-MM-dd HH:mm X")};
    op_sink_step(&t, s, false);
    const struct op_input in[] = {IN("x", "1970-01-02 00:00 Z", 1), IN("x", "1970-01-02 00:00 +01", 2),
                                  IN("x", "yesterday", 3), IN("x", "1960-01-02 00:00 Z", 4)};
    OP_CHECK(&t, in, "x=1970-01-02 00:00 Z@86400000\nx=1970-01-02 00:00 +01@82800000\n");
    CHECK(strstr(t.errors, "Failed to extract timestamp from row: ") == t.errors);
    op_teardown(&t);
}

TEST(op_source, refuses_a_bad_pattern)
{
    struct op_test t;
    op_setup(&t);
    struct step *s = op_source_step(&t, false, "K STRING KEY, T STRING");
    s->source.timestamp = (struct timestamp_spec){.kind = TS_STRING, .column = 1, .format = STR("bob")};
    op_sink_step(&t, s, false);
    struct diag d = DIAG_INIT;
    struct task *task = NULL;
    const struct exec_options options = {.topic_prefix = "p"};
    const struct task_output out = {0};
    CHECK_INT(task_create(&t.plan, 0, 0, &options, &out, &task, &d), STATUS_INVALID);
    CHECK(d.message[0] != '\0');
    CHECK(task == NULL);
    op_teardown(&t);
}

TEST(op_source, without_key_columns_ignores_the_keys)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, op_source_step(&t, false, "A BIGINT, B STRING"), false);
    const struct op_input in[] = {IN("x", "1,one", 10), IN(NULL, "2,two", 11)};
    OP_CHECK(&t, in, "null=1,one@10\nnull=2,two@11\n");
    op_teardown(&t);
}

TEST(op_source, stops_at_a_negative_record_time)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, op_source_step(&t, false, "K STRING KEY, A BIGINT"), false);
    const struct op_input in[] = {IN("x", "100", 1), IN("x", "1", -5)};
    op_check_fails(&t, in, 2, "negative");
    op_teardown(&t);
}

TEST(op_sink, takes_the_time_of_a_column_and_stream_time_for_tombstones)
{
    struct op_test t;
    op_setup(&t);
    struct step *sink = op_sink_step(&t, op_source_step(&t, false, "K STRING KEY, T BIGINT"), false);
    sink->sink.timestamp = (struct timestamp_spec){.kind = TS_BIGINT, .column = 1};
    const struct op_input in[] = {IN("a", "7", 100), IN("b", NULL, 50), IN("c", "-3", 60), IN("d", "9", 300),
                                  IN("e", NULL, 70)};
    OP_CHECK(&t, in, "a=7@7\nb=null@100\nd=9@9\ne=null@300\n");
    op_teardown(&t);
}

TEST(op_filter, drops_rows_of_streams_without_value_and_those_that_fail)
{
    struct op_test t;
    op_setup(&t);
    struct step *s = op_source_step(&t, false, "K STRING KEY, A BIGINT, B BIGINT");
    struct step *f = op_step(&t, STEP_STREAM_FILTER, s, NULL);
    f->filter.predicate =
        op_compare(&t, op_divide(&t, op_column(&t, &s->schema, 1), op_column(&t, &s->schema, 2)), COMPARE_GT, 2);
    op_sink_step(&t, f, false);
    const struct op_input in[] = {IN("a", "9,3", 1), IN("b", "4,2", 2), IN("c", "9,0", 3),
                                  IN("d", NULL, 4),  IN("e", "8,2", 5), IN(NULL, "6,2", 6)};
    OP_CHECK(&t, in, "a=9,3@1\ne=8,2@5\nnull=6,2@6\n");
    CHECK(strstr(t.errors, "Error evaluating predicate") == t.errors);
    op_teardown(&t);
}

TEST(op_select, passes_null_values_and_makes_failed_columns_null)
{
    struct op_test t;
    op_setup(&t);
    struct step *s = op_source_step(&t, false, "K STRING KEY, A BIGINT, B BIGINT");
    struct step *p = op_step(&t, STEP_STREAM_SELECT, s, "K STRING KEY, Q BIGINT, A BIGINT");
    const struct expr *a = op_column(&t, &s->schema, 1), *b = op_column(&t, &s->schema, 2);
    p->select.exprs = op_exprs(&t, 3, op_column(&t, &s->schema, 0), op_divide(&t, a, b), a);
    op_sink_step(&t, p, false);
    const struct op_input in[] = {IN("a", "9,3", 1), IN("b", "4,0", 2), IN("c", NULL, 3)};
    OP_CHECK(&t, in, "a=3,9@1\nb=,4@2\nc=null@3\n");
    CHECK(strstr(t.errors, "for column Q with index 0") != NULL);
    CHECK(strchr(t.errors, ';') == t.errors + strlen(t.errors) - 1); /* not for the row without value */
    op_teardown(&t);
}

TEST(op_select_key, keeps_rows_whose_key_becomes_null)
{
    struct op_test t;
    op_setup(&t);
    struct step *s = op_source_step(&t, false, "K STRING KEY, A BIGINT, B STRING");
    struct step *p = op_step(&t, STEP_STREAM_SELECT_KEY, s, "A BIGINT KEY, K STRING");
    p->select.exprs = op_exprs(&t, 2, op_column(&t, &s->schema, 1), op_column(&t, &s->schema, 0));
    op_sink_step(&t, p, false);
    const struct op_input in[] = {IN("a", "9,", 1), IN("b", ",x", 2), IN(NULL, "5,", 3), IN("d", NULL, 4)};
    OP_CHECK(&t, in, "9=a@1\nnull=b@2\n5=@3\nnull=null@4\n");
    op_teardown(&t);
}

TEST(op_flat_map, makes_a_row_an_item)
{
    struct op_test t;
    op_setup(&t);
    struct step *s = op_source_step(&t, false, "K STRING KEY, A STRING, B STRING");
    struct step *f = op_step(&t, STEP_STREAM_FLAT_MAP, s, "K STRING KEY, A STRING, B STRING, X STRING");
    f->flat_map.n_calls = 1;
    f->flat_map.calls = op_exprs(&t, 1, op_array(&t, op_column(&t, &s->schema, 1), op_column(&t, &s->schema, 2)));
    op_sink_step(&t, f, false);
    t.show_headers = true;
    const struct op_input in[] = {IN_H("a", "p,q", 1, "h1"), IN("b", NULL, 2), IN("c", "r,s", 3)};
    OP_CHECK(&t, in, "a=p,q,p@1 h1\na=p,q,q@1 h1\nc=r,s,r@3 -\nc=r,s,s@3 -\n");
    op_teardown(&t);
}

/* ---- aggregation -------------------------------------------------------------------------------------------- */

static const enum op_aggregate count_sum_list[] = {OP_COUNT, OP_SUM, OP_COLLECT};
static const uint32_t args_of_a_b[] = {0, 1, 2};
static const uint32_t column_b[] = {2};

static struct step *grouped(struct op_test *t, uint32_t n_calls)
{
    struct step *s = op_source_step(t, false, "K STRING KEY, A BIGINT, B STRING");
    struct step *g = op_step(t, STEP_STREAM_GROUP_BY_KEY, s, NULL);
    return op_aggregate_step(t, STEP_STREAM_AGGREGATE, g,
                             n_calls == 3 ? "K STRING KEY, B STRING, N BIGINT, S BIGINT, L STRING"
                                          : "K STRING KEY, B STRING, N BIGINT, S BIGINT",
                             1, column_b, n_calls, count_sum_list, args_of_a_b);
}

static const struct op_input rows[] = {IN_H("a", "1,x", 10, "1"),  IN_H("b", "2,y", 12, "2"), IN_H("a", "3,z", 5, "3"),
                                       IN_H(NULL, "9,n", 20, "4"), IN("a", NULL, 30),         IN("b", ",w", 13),
                                       IN("a", "4,v", 11)};

TEST(op_aggregate, emits_every_change)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, grouped(&t, 3), true);
    OP_CHECK(&t, rows, "a=x,1,1,x@10\nb=y,1,2,y@12\na=z,2,4,x+z@10\nb=w,2,2,y+w@13\na=v,3,8,x+z+v@11\n");
    t.show_headers = true;
    CHECK_TEXT(op_run(&t, rows, 4, 4096, 0, 0), "a=x,1,1,x@10 1\nb=y,1,2,y@12 2\na=z,2,4,x+z@10 3\n");
    op_teardown(&t);
}

TEST(op_aggregate, of_fixed_states_only)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, grouped(&t, 2), true);
    OP_CHECK(&t, rows, "a=x,1,1@10\nb=y,1,2@12\na=z,2,4@10\nb=w,2,2@13\na=v,3,8@11\n");
    op_teardown(&t);
}

TEST(op_aggregate, emits_the_last_change_of_a_key_when_coalescing)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, grouped(&t, 3), true);
    t.cache_bytes = 1 << 20;
    uint32_t n = sizeof rows / sizeof *rows;
    CHECK_TEXT(op_run(&t, rows, n, 4096, 0, 0), "a=v,3,8,x+z+v@11\nb=w,2,2,y+w@13\n");
    CHECK_TEXT(op_run(&t, rows, n, 1, 0, 0), "a=v,3,8,x+z+v@11\nb=w,2,2,y+w@13\n");
    CHECK_TEXT(op_run(&t, rows, n, 4096, 0, 3), "a=z,2,4,x+z@10\nb=y,1,2,y@12\nb=w,2,2,y+w@13\na=v,3,8,x+z+v@11\n");
    op_teardown(&t);
}

TEST(op_aggregate, failure_stops_the_query)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, grouped(&t, 2), true);
    const struct op_input in[] = {IN("a", "1,x", 1), IN("a", "666,x", 2)};
    op_check_fails(&t, in, 2, "Numeric field overflow");
    op_teardown(&t);
}

static struct step *having(struct op_test *t, struct step *aggregate)
{
    struct step *f = op_step(t, STEP_TABLE_FILTER, aggregate, NULL);
    f->filter.predicate = op_compare(t, op_column(t, &aggregate->schema, 3), COMPARE_GT, 3);
    return f;
}

TEST(op_filter, having_emits_a_tombstone_only_for_rows_that_passed_before)
{
    struct op_test t;
    op_setup(&t);
    op_sink_step(&t, having(&t, grouped(&t, 2)), true);
    const struct op_input in[] = {IN("a", "1,x", 1),  IN("a", "3,x", 2), IN("a", "4,y", 3),
                                  IN("a", "-6,z", 4), IN("a", "0,z", 5), IN("b", "9,x", 6)};
    OP_CHECK(&t, in, "a=x,2,4@2\na=y,3,8@3\na=null@4\nb=x,1,9@6\n");
    t.cache_bytes = 1;
    CHECK_TEXT(op_run(&t, in, 6, 4096, 0, 0), "b=x,1,9@6\n");
    CHECK_TEXT(op_run(&t, in, 6, 4096, 0, 2), "a=x,2,4@2\na=null@4\nb=x,1,9@6\n");
    op_teardown(&t);
}

TEST(op_group_by, goes_through_a_repartition_topic)
{
    struct op_test t;
    op_setup(&t);
    struct step *s = op_source_step(&t, false, "K STRING KEY, A BIGINT, B STRING");
    struct step *g = op_step(&t, STEP_STREAM_GROUP_BY, s, "B STRING KEY, A BIGINT, B2 STRING");
    const struct expr *b = op_column(&t, &s->schema, 2);
    g->select.exprs = op_exprs(&t, 3, b, op_column(&t, &s->schema, 1), b);
    struct step *r = op_repartition(&t, g, false);
    op_sink_step(&t,
                 op_aggregate_step(&t, STEP_STREAM_AGGREGATE, r, "B STRING KEY, B2 STRING, N BIGINT, S BIGINT", 1,
                                   column_b, 2, count_sum_list, args_of_a_b),
                 true);
    t.show_headers = true;
    const struct op_input in[] = {IN_H("a", "1,x", 1, "1"), IN_H("b", "2,x", 2, "2"), IN("c", "3,", 3),
                                  IN("d", NULL, 4),         IN(NULL, "5,y", 5),       IN("a", ",x", 6)};
    OP_CHECK(&t, in, "x=x,1,1@1 1\nx=x,2,3@2 2\ny=y,1,5@5 -\nx=x,3,3@6 -\n");
    CHECK(strstr(t.errors, "Group-by column with index 0 resolved to null.") == t.errors);
    op_teardown(&t);
}

TEST(op_group_by, of_bigint_keys_and_many_groups)
{
    struct op_test t;
    op_setup(&t);
    struct step *s = op_source_step(&t, false, "K BIGINT KEY, A BIGINT");
    op_sink_step(&t,
                 op_aggregate_step(&t, STEP_STREAM_AGGREGATE, s, "K BIGINT KEY, N BIGINT, S BIGINT", 0, NULL, 2,
                                   count_sum_list, args_of_a_b),
                 true);
    enum { N = 2000 };
    struct op_input *in = mem_calloc(N, sizeof *in);
    REQUIRE(in != NULL);
    char keys[N][8];
    for (int i = 0; i < N; i++) {
        snprintf(keys[i], sizeof keys[i], "%d", i * 7919 % 500 - 250);
        in[i] = (struct op_input){.key = keys[i], .value = "2", .ts = i, .long_key = true};
    }
    const char *large = op_run(&t, in, N, 4096, 0, 0);
    CHECK(strstr(large, "-250=1,2@0\n") == large);
    CHECK(strstr(large, "=4,8@1999\n") != NULL);
    CHECK_TEXT(op_run(&t, in, N, 3, 0, 0), large);
    CHECK_TEXT(op_run(&t, in, N, 100, 777, 0), large);
    mem_free(in);
    op_teardown(&t);
}
