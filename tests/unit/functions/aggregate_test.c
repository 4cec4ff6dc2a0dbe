/* Aggregates: steps, undo, merge of sessions, literals. */
#include "call_text.h"
#include "functions/functions_int.h"

TEST(aggregate, count_and_sum)
{
    CHECK_AGGREGATE("COUNT", "", "1; null:INT; 2; - 1", "1|1|2|1");
    CHECK_AGGREGATE("SUM", "", "2147483647; 1; null:INT; - 1; + 5",
                    "2147483647|-2147483648|-2147483648|2147483647|-2147483644");
    CHECK_AGGREGATE("SUM", "", "9223372036854775807L; 1L", "9223372036854775807|-9223372036854775808");
    CHECK_AGGREGATE("SUM", "", "5.4e0; 100.1e0; - 5.4e0", "5.4|105.5|100.1");
    CHECK_AGGREGATE("SUM_LIST", "", "[1, null, 2]; null:ARRAY<INT>; [3]; - [1]", "3|3|6|5");
    CHECK_AGGREGATE("SUM_LIST", "", "[1e0, 2.5e0]; + [1e0]", "3.5|4.5");
    CHECK_TEXT(aggregate_text("SUM", "", "'a'"),
               "! Function 'SUM' does not accept parameters (STRING).\nValid alternatives are:\nSUM(DECIMAL val)\n"
               "SUM(DOUBLE val)\nSUM(BIGINT val)\nSUM(INT val)\nFor detailed information on a function run: DESCRIBE "
               "FUNCTION <Function-Name>;");
}

TEST(aggregate, decimal_sum_overflows)
{
    CHECK_AGGREGATE("SUM", "", "500.9; 300.8; - 300.8; + 0.1", "500.9|801.7|500.9|501.0");
    CHECK_AGGREGATE(
        "SUM", "", "500.9; 500.9",
        "500.9|! Numeric field overflow: A field with precision 4 and scale 1 must round to an absolute value "
        "less than 10^3. Got 1002");
}

TEST(aggregate, extremes)
{
    CHECK_AGGREGATE("MAX", "", "3; null:INT; 7; 5; + 9", "3|3|7|7|9");
    CHECK_AGGREGATE("MIN", "", "null:STRING; 'b'; 'a'; + 'A'", "null|b|a|A");
    CHECK_AGGREGATE("MIN", "", "2.50; 1.25; 9.99", "2.50|1.25|1.25");
    CHECK_AGGREGATE("MAX", "", "1e0; NaN; 2e0", "1.0|NaN|NaN");
    CHECK_AGGREGATE("MAX", "", "-1e0; -5e-1", "-1.0|-0.5");
    CHECK_AGGREGATE("MIN", "", "DATE'2020-01-02'; DATE'1960-01-01'", "2020-01-02|1960-01-01");
    CHECK_AGGREGATE("MAX", "", "TIMESTAMP'1970-01-01'; null:TIMESTAMP",
                    "1970-01-01T00:00:00.000|1970-01-01T00:00:00.000");
    CHECK(aggregate_text("MAX", "", "true")[0] == '!');
}

TEST(aggregate, average)
{
    CHECK_AGGREGATE("AVG", "", "null:INT; 1; 2; null:INT; 4; - 4", "0.0|1.0|1.5|1.5|2.3333333333333335|1.5");
    CHECK_AGGREGATE("AVG", "", "-1.8e0; 9223372036854.775e0; + 100e0",
                    "-1.8|4.611686018426487E12|3.0744573456509917E12");
    CHECK_AGGREGATE("AVG", "", "2147483647; 2147483647", "2.147483647E9|-1.0");
}

TEST(aggregate, deviation)
{
    CHECK_AGGREGATE("STDDEV_SAMPLE", "", "100L; 500L; null:BIGINT; + 300L; - 300L",
                    "0.0|282.842712474619|282.842712474619|200.0|282.842712474619");
    CHECK_AGGREGATE("STDDEV_SAMP", "", "10; 0", "0.0|50.0");
    CHECK_AGGREGATE("STDDEV_SAMP", "", "50; 10; 7; 6", "0.0|800.0|576.3333333333334|450.9166666666667");
    CHECK_AGGREGATE("CORRELATION", "", "1.5e0, 8e0; -3.5e0, -2e0; 13e0, null:DOUBLE; -4.5e0, -1e0",
                    "NaN|1.0|1.0|0.969629200754072");
    CHECK_AGGREGATE("CORRELATION", "", "1, 8; -3, -2; 5, 5; - 5, 5", "NaN|1.0|0.6820482925847124|1.0");
}

TEST(aggregate, collect)
{
    CHECK_AGGREGATE("COLLECT_LIST", "", "1; null:INT; 2; 1; - 1; + 9; - 7",
                    "[1]|[1, null]|[1, null, 2]|[1, null, 2, 1]|[1, null, 2]|[1, null, 2, 9]|[1, null, 2, 9]");
    CHECK_AGGREGATE("COLLECT_SET", "", "1; null:INT; 1; null:INT; + 1; + 3",
                    "[1]|[1, null]|[1, null]|[1, null]|[1, null]|[1, null, 3]");
    CHECK_AGGREGATE("HISTOGRAM", "", "'foo'; 'bar'; 'foo'; + 'bar'; - 'foo'; - 'foo'; - 'zzz'; null:STRING",
                    "{foo=1}|{bar=1, foo=1}|{bar=1, foo=2}|{bar=2, foo=2}|{bar=2, foo=1}|{bar=2}|{bar=2}|{bar=2}");
    CHECK_AGGREGATE("ATTR", "", "'1'; '1'; '2'; - '2'; + '1'; null:STRING; - null:STRING", "1|1|null|1|1|null|1");
    CHECK_AGGREGATE("ATTR", "", "null:STRING; '2'", "null|null");
}

TEST(aggregate, by_offset)
{
    CHECK_AGGREGATE("EARLIEST_BY_OFFSET", "", "null:INT; 12; 13; + 14", "null|12|12|12");
    CHECK_AGGREGATE("EARLIEST_BY_OFFSET", "false", "null:INT; 12", "null|null");
    CHECK_AGGREGATE("EARLIEST_BY_OFFSET", "2", "null:INT; 12; null:INT; 13; 14", "[]|[12]|[12]|[12, 13]|[12, 13]");
    CHECK_AGGREGATE("EARLIEST_BY_OFFSET", "2, false", "12; null:INT; 13", "[12]|[12, null]|[12, null]");
    CHECK_AGGREGATE("EARLIEST_BY_OFFSET", "0", "1", "! earliestN must be 1 or greater");
    CHECK_AGGREGATE("LATEST_BY_OFFSET", "-1, true", "1", "! latestN must be 1 or greater");
    CHECK_AGGREGATE("TOPK", "-1", "1", "! the number of values must be 0 or more");
    CHECK_AGGREGATE("LATEST_BY_OFFSET", "", "12; null:INT; 13; + 14; + null:INT", "12|12|13|14|14");
    CHECK_AGGREGATE("LATEST_BY_OFFSET", "false", "12; null:INT; 13; + null:INT", "12|null|13|null");
    CHECK_AGGREGATE("LATEST_BY_OFFSET", "2", "1; 2; 3; + 4", "[1]|[1, 2]|[2, 3]|[3, 4]");
    CHECK_AGGREGATE("LATEST_BY_OFFSET", "2, true", "1; null:INT; 3", "[1]|[1]|[1, 3]");
}

TEST(aggregate, top)
{
    CHECK_AGGREGATE("TOPK", "3", "0; 100; null:INT; 99; 7; 100; + 98",
                    "[0]|[100, 0]|[100, 0]|[100, 99, 0]|[100, 99, 7]|[100, 100, 99]|[100, 100, 99]");
    CHECK_AGGREGATE("TOPK", "2", "'a', 1; 'c', null:INT; null:STRING, 2; 'c', 3",
                    "[Struct{sort_col=a,col0=1}]|[Struct{sort_col=c}, Struct{sort_col=a,col0=1}]|"
                    "[Struct{sort_col=c}, Struct{sort_col=a,col0=1}]|[Struct{sort_col=c}, Struct{sort_col=c,col0=3}]");
    CHECK_AGGREGATE("TOPKDISTINCT", "3", "0; 100; 99; 100; + 98",
                    "[0]|[100, 0]|[100, 99, 0]|[100, 99, 0]|[100, 99, 98]");
    CHECK_AGGREGATE("TOPKDISTINCT", "1", "9.8; 9.9", "[9.8]|[9.9]");
    CHECK_AGGREGATE("TOPK", "0", "1", "[]");
}

TEST(aggregate, count_distinct)
{
    CHECK_AGGREGATE("COUNT_DISTINCT", "", "'one'; 'two'; 'one'; null:STRING; + 'three'", "1|2|2|2|3");
    CHECK_AGGREGATE("COUNT_DISTINCT", "", "1; 1; 2", "1|1|2");
    CHECK_AGGREGATE("COUNT_DISTINCT", "", "[1]; [2]; [1]", "1|2|2");
}

/* Many values: the estimate stays close, over the change of representation. */
TEST(aggregate, count_distinct_of_many)
{
    struct diag d = DIAG_INIT;
    struct arena a, kept;
    struct resolved_call call;
    arena_init(&a, 0);
    arena_init(&kept, 0);
    REQUIRE(functions_init(true, &d) == STATUS_OK);
    struct arg_info arg = {&TYPE_BIGINT, 0};
    REQUIRE(function_resolve(&kept, function_find(STR("COUNT_DISTINCT")), &arg, 1, NULL, NULL, &call, &d) == STATUS_OK);
    const struct aggregate *ops = call.variant->aggregate;
    struct aggregate_call c = {
        .ops = ops, .n_args = 1, .arg_types = call.param_types, .result_type = call.result, .arena = &a};
    struct value state = VALUE_NULL, copy, out;
    for (int64_t i = 1; i <= 20000; i++) {
        struct value v = {.kind = KIND_BIGINT, .i64 = i};
        REQUIRE(ops->step(&c, &state, &v));
        if (i % 1000 != 0)
            continue;
        REQUIRE(ops->result(&c, &state, &out));
        CHECK(out.i64 > i * 97 / 100 && out.i64 < i * 103 / 100);
        arena_clear(&kept);
        REQUIRE(value_copy(&kept, &copy, &state));
        arena_clear(&a);
        REQUIRE(value_copy(&a, &state, &copy));
    }
    arena_free(&a);
    arena_free(&kept);
}

TEST(aggregate, of_the_conformance_cases)
{
    CHECK_AGGREGATE("MID_VAR_ARG", "7, 3", "6L, 'hi', 'hello'; null:BIGINT, null:STRING, 'a'", "23|24");
    CHECK_AGGREGATE("MID_VAR_ARG", "7, 3", "6L", "16");
    CHECK_AGGREGATE("MULTI_ARG", "5, '10', '20', '3'", "6L, 'hi'; 2L, 'a'", "18|21");
    CHECK_AGGREGATE("GENERIC_VAR_ARG", "", "6.1, 5, 100.4e0, 3.2e0; null:DECIMAL(2,1), 1, 1e0, 1e0", "[6.1]|[6.1]");
    CHECK_AGGREGATE("OBJ_COL_ARG", "", "6, 5L, true, 'x'; 7, null:BIGINT, true, 'x'", "[6]|[6]");
    CHECK_AGGREGATE("TEST_UDAF", "", "struct(A: 1, B: 2); struct(A: 2, B: 3)", "Struct{A=1,B=2}|Struct{A=3,B=5}");
    CHECK_TEXT(
        aggregate_text("MID_VAR_ARG", "2, 3", "'a', 'b'"),
        "! Function 'MID_VAR_ARG' does not accept parameters (STRING, STRING, INTEGER, INTEGER).\nValid alternatives "
        "are:\nMID_VAR_ARG(BIGINT, VARCHAR..., INT first, INT second)\nFor detailed information on a function run: "
        "DESCRIBE FUNCTION <Function-Name>;");
}
