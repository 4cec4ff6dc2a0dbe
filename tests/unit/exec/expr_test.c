/* What expressions give: nulls, failures and their scope, laziness, nested values, lambdas, pseudo columns. */
#include "expr_build.h"

enum { A, B, D, S, BOOL, LIST, MAP, COLUMNS };

/* A INT: 1 null 3; B INT: 0 2 null; D DOUBLE: 1.5 NaN null; S STRING: "abc" null "a\nb"; BOOL: true false null;
 * LIST: [1, 2] null [null]; MAP: {k=1} null {} */
static void setup(struct expr_test *t)
{
    expr_setup(t);
    t->in = batch_create(COLUMNS);
    REQUIRE(t->in != NULL);
    struct arena *a = &t->in->arena;
    struct batch *in = t->in;
    in->n_rows = in->n_selected = 3;
    const struct type *types[COLUMNS] = {&TYPE_INT,
                                         &TYPE_INT,
                                         &TYPE_DOUBLE,
                                         &TYPE_STRING,
                                         &TYPE_BOOLEAN,
                                         type_array(a, &TYPE_INT),
                                         type_map(a, &TYPE_STRING, &TYPE_INT)};
    for (int i = 0; i < COLUMNS; i++) {
        REQUIRE(column_init(&in->columns[i], types[i], 3, true, a));
        for (uint32_t row = 0; row < 3; row++)
            if (row == (i == B || i == D || i == BOOL ? 2 : 1))
                column_set_null(&in->columns[i], row);
    }
    in->columns[A].i32[0] = 1;
    in->columns[A].i32[2] = 3;
    in->columns[B].i32[0] = 0;
    in->columns[B].i32[1] = 2;
    in->columns[D].f64[0] = 1.5;
    in->columns[D].f64[1] = __builtin_nan("");
    in->columns[S].str[0] = STR("abc");
    in->columns[S].str[2] = STR("a\nb");
    in->columns[BOOL].u8[0] = 1;
    in->columns[BOOL].u8[1] = 0;
    struct value *items = ARENA_ARRAY(a, struct value, 3), *keys = ARENA_ARRAY(a, struct value, 1);
    struct nested *nested = ARENA_ARRAY(a, struct nested, 4);
    items[0] = (struct value){.kind = KIND_INT, .i32 = 1};
    items[1] = (struct value){.kind = KIND_INT, .i32 = 2};
    keys[0] = (struct value){.kind = KIND_STRING, .str = STR("k")};
    nested[0] = (struct nested){.n = 2, .items = items};
    nested[1] = (struct nested){.n = 1, .items = items + 2};
    nested[2] = (struct nested){.n = 1, .items = items, .keys = keys};
    in->columns[LIST].nested[0] = &nested[0];
    in->columns[LIST].nested[2] = &nested[1];
    in->columns[MAP].nested[0] = &nested[2];
    in->columns[MAP].nested[2] = &nested[3];
    int64_t *ts = ARENA_ARRAY(a, int64_t, 3);
    ts[0] = 100;
    ts[1] = 200;
    ts[2] = 300;
    in->ts = ts;
}

#define COL(i) expr_column(&t, i)
#define NODE(kind, op, type, n, ...) expr_node(&t, kind, op, type, n, __VA_ARGS__)
#define BOOLEAN(kind, op, n, ...) expr_node(&t, kind, op, &TYPE_BOOLEAN, n, __VA_ARGS__)
#define CHECK_SHOWN(e, values, failures)                                                                               \
    do {                                                                                                               \
        CHECK_TEXT(expr_shown(&t, e), values);                                                                         \
        CHECK_TEXT(t.errors, failures);                                                                                \
    } while (0)

TEST(expr, arithmetic)
{
    struct expr_test t;
    setup(&t);
    CHECK_SHOWN(NODE(EXPR_ARITH, ARITH_ADD, &TYPE_INT, 2, COL(A), COL(B)), "1|null|null",
                "1:Arithmetic on null;2:Arithmetic on null;");
    CHECK_SHOWN(NODE(EXPR_ARITH, ARITH_DIV, &TYPE_INT, 2, expr_int(&t, 7), COL(B)), "null|3|null",
                "0:/ by zero;2:Arithmetic on null;");
    CHECK_SHOWN(NODE(EXPR_ARITH, ARITH_DIV, &TYPE_DOUBLE, 2, expr_double(&t, 1), expr_double(&t, 0)),
                "Infinity|Infinity|Infinity", "");
    CHECK_SHOWN(NODE(EXPR_ARITH, ARITH_DIV, &TYPE_INT, 2, expr_int(&t, INT32_MIN), expr_int(&t, -1)),
                "-2147483648|-2147483648|-2147483648", "");
    CHECK_SHOWN(NODE(EXPR_ARITH, ARITH_MOD, &TYPE_INT, 2, expr_int(&t, -7), expr_int(&t, 2)), "-1|-1|-1", "");
    CHECK_SHOWN(NODE(EXPR_ARITH, ARITH_ADD, &TYPE_INT, 2, expr_int(&t, INT32_MAX), expr_int(&t, 1)),
                "-2147483648|-2147483648|-2147483648", "");
    CHECK_SHOWN(NODE(EXPR_ARITH, ARITH_ADD, &TYPE_STRING, 2, COL(S), expr_text(&t, "!")), "abc!|null!|a\nb!", "");
    CHECK_SHOWN(NODE(EXPR_NEGATE, 0, &TYPE_INT, 1, COL(A)), "-1|null|-3", "1:Negation of null;");
    const struct type *d31 = type_decimal(&t.arena, 3, 1), *d96 = type_decimal(&t.arena, 9, 6);
    CHECK_SHOWN(NODE(EXPR_ARITH, ARITH_DIV, d96, 2, expr_decimal(&t, d31, 101), expr_decimal(&t, d31, 30)),
                "null|null|null", "0:Rounding necessary;1:Rounding necessary;2:Rounding necessary;");
    CHECK_SHOWN(NODE(EXPR_ARITH, ARITH_DIV, d96, 2, expr_decimal(&t, d31, 101), expr_decimal(&t, d31, 20)),
                "5.050000|5.050000|5.050000", "");
    expr_teardown(&t);
}

TEST(expr, comparison_with_null_is_false)
{
    struct expr_test t;
    setup(&t);
    struct expr *eq = BOOLEAN(EXPR_COMPARE, COMPARE_EQ, 2, COL(A), expr_int(&t, 1));
    CHECK_SHOWN(eq, "true|false|false", "");
    CHECK_SHOWN(BOOLEAN(EXPR_NOT, 0, 1, eq), "false|true|true", "");
    CHECK_SHOWN(BOOLEAN(EXPR_COMPARE, COMPARE_NE, 2, COL(A), COL(B)), "true|false|false", "");
    CHECK_SHOWN(BOOLEAN(EXPR_COMPARE, COMPARE_DISTINCT, 2, COL(A), COL(B)), "true|true|true", "");
    CHECK_SHOWN(BOOLEAN(EXPR_COMPARE, COMPARE_NOT_DISTINCT, 2, COL(A), COL(A)), "true|true|true", "");
    CHECK_SHOWN(BOOLEAN(EXPR_COMPARE, COMPARE_EQ, 2, COL(D), COL(D)), "true|false|false", "");
    CHECK_SHOWN(BOOLEAN(EXPR_COMPARE, COMPARE_NE, 2, COL(D), expr_double(&t, 2)), "true|false|false", "");
    CHECK_SHOWN(BOOLEAN(EXPR_COMPARE, COMPARE_EQ, 2, COL(LIST), COL(LIST)), "true|false|true", "");
    CHECK_SHOWN(BOOLEAN(EXPR_COMPARE, COMPARE_LT, 2, COL(S), expr_text(&t, "b")), "true|false|true", "");
    CHECK_SHOWN(BOOLEAN(EXPR_BETWEEN, 0, 3, COL(A), expr_int(&t, 1), COL(B)), "false|false|false", "");
    CHECK_SHOWN(BOOLEAN(EXPR_BETWEEN, 0, 3, COL(A), expr_int(&t, 1), expr_int(&t, 3)), "true|false|true", "");
    CHECK_SHOWN(BOOLEAN(EXPR_IN, 0, 3, COL(A), expr_int(&t, 3), expr_null(&t, &TYPE_INT)), "false|false|true", "");
    CHECK_SHOWN(BOOLEAN(EXPR_IS_NULL, 0, 1, COL(A)), "false|true|false", "");
    CHECK_SHOWN(BOOLEAN(EXPR_IS_NOT_NULL, 0, 1, expr_null(&t, &TYPE_INT)), "false|false|false", "");
    const struct type *d31 = type_decimal(&t.arena, 3, 1), *d32 = type_decimal(&t.arena, 3, 2);
    CHECK_SHOWN(BOOLEAN(EXPR_COMPARE, COMPARE_EQ, 2, expr_decimal(&t, d31, 10), expr_decimal(&t, d32, 100)),
                "true|true|true", "");
    expr_teardown(&t);
}

TEST(expr, logic_is_lazy)
{
    struct expr_test t;
    setup(&t);
    struct expr *fails = BOOLEAN(EXPR_COMPARE, COMPARE_EQ, 2, NODE(EXPR_ARITH, ARITH_DIV, &TYPE_INT, 2, COL(A), COL(B)),
                                 expr_int(&t, 0));
    struct expr *is_one = BOOLEAN(EXPR_COMPARE, COMPARE_EQ, 2, COL(A), expr_int(&t, 1));
    CHECK_SHOWN(BOOLEAN(EXPR_OR, 0, 2, is_one, fails), "true|null|null", "1:Arithmetic on null;2:Arithmetic on null;");
    CHECK_SHOWN(BOOLEAN(EXPR_AND, 0, 2, is_one, fails), "null|false|false", "0:/ by zero;");
    CHECK_SHOWN(BOOLEAN(EXPR_AND, 0, 2, COL(BOOL), is_one), "true|false|null", "2:A condition is null;");
    CHECK_SHOWN(BOOLEAN(EXPR_OR, 0, 2, is_one, COL(BOOL)), "true|false|null", "2:A condition is null;");
    CHECK_SHOWN(BOOLEAN(EXPR_AND, 0, 2, is_one, expr_bool(&t, true)), "true|false|false", "");
    CHECK_SHOWN(BOOLEAN(EXPR_NOT, 0, 1, COL(BOOL)), "false|true|null", "2:NOT of null;");
    expr_teardown(&t);
}

TEST(expr, chains)
{
    struct expr_test t;
    setup(&t);
    struct expr *fails = BOOLEAN(EXPR_COMPARE, COMPARE_EQ, 2, NODE(EXPR_ARITH, ARITH_DIV, &TYPE_INT, 2, COL(A), COL(B)),
                                 expr_int(&t, 0));
    struct expr *is_one = BOOLEAN(EXPR_COMPARE, COMPARE_EQ, 2, COL(A), expr_int(&t, 1));
    struct expr *is_two = BOOLEAN(EXPR_COMPARE, COMPARE_EQ, 2, COL(B), expr_int(&t, 2));
    CHECK_SHOWN(BOOLEAN(EXPR_OR, 0, 3, is_one, is_two, fails), "true|true|null", "2:Arithmetic on null;");
    CHECK_SHOWN(BOOLEAN(EXPR_OR, 0, 3, fails, is_one, is_two), "null|null|null",
                "0:/ by zero;1:Arithmetic on null;2:Arithmetic on null;");
    CHECK_SHOWN(BOOLEAN(EXPR_OR, 0, 3, is_two, expr_bool(&t, false), is_one), "true|true|false", "");
    CHECK_SHOWN(BOOLEAN(EXPR_AND, 0, 3, is_one, expr_bool(&t, true), COL(BOOL)), "true|false|false", "");
    CHECK_SHOWN(NODE(EXPR_ARITH, ARITH_ADD, &TYPE_STRING, 3, COL(S), expr_text(&t, "!"), COL(S)),
                "abc!abc|null!null|a\nb!a\nb", "");
    struct expr *so_far = NODE(EXPR_SO_FAR, 0, &TYPE_INT, 0, NULL);
    struct expr *plus = NODE(EXPR_ARITH, ARITH_ADD, &TYPE_INT, 2, so_far, expr_int(&t, 2));
    struct expr *times = NODE(EXPR_ARITH, ARITH_MUL, &TYPE_INT, 2, so_far, expr_int(&t, 10));
    struct expr *inner = NODE(EXPR_CHAIN, 0, &TYPE_INT, 3, COL(B), plus, times);
    struct expr *minus = NODE(EXPR_ARITH, ARITH_SUB, &TYPE_INT, 2, so_far, inner);
    CHECK_SHOWN(NODE(EXPR_CHAIN, 0, &TYPE_INT, 3, COL(A), plus, times), "30|null|50", "1:Arithmetic on null;");
    CHECK_SHOWN(NODE(EXPR_CHAIN, 0, &TYPE_INT, 3, expr_int(&t, 1), minus, plus), "-17|-37|null",
                "2:Arithmetic on null;");
    expr_teardown(&t);
}

static struct expr *long_logic(struct expr_test *t, enum expr_kind kind, struct expr *first, uint32_t n)
{
    struct expr *e = expr_node(t, kind, 0, &TYPE_BOOLEAN, 1, first);
    const struct expr **args = ARENA_ARRAY(&t->arena, const struct expr *, n);
    args[0] = first;
    for (uint32_t i = 1; i < n; i++)
        args[i] = expr_node(t, EXPR_COMPARE, kind == EXPR_OR ? COMPARE_EQ : COMPARE_NE, &TYPE_BOOLEAN, 2,
                            expr_column(t, A), expr_int(t, (int32_t)i + 2));
    e->args = args;
    e->n_args = n;
    return e;
}

TEST(expr, long_logic)
{
    struct expr_test t;
    setup(&t);
    struct expr *half = BOOLEAN(EXPR_COMPARE, COMPARE_EQ, 2, NODE(EXPR_ARITH, ARITH_DIV, &TYPE_INT, 2, COL(A), COL(B)),
                                expr_int(&t, 0));
    for (uint32_t n = 2; n <= 20000; n = n * 3 + 1) {
        CHECK_SHOWN(long_logic(&t, EXPR_OR, COL(BOOL), n), "true|false|null", "2:A condition is null;");
        CHECK_SHOWN(long_logic(&t, EXPR_OR, expr_bool(&t, false), n), "false|false|true", "");
        CHECK_SHOWN(long_logic(&t, EXPR_AND, expr_bool(&t, true), n), "true|false|false", "");
        CHECK_SHOWN(long_logic(&t, EXPR_AND, half, n), "null|null|null",
                    "0:/ by zero;1:Arithmetic on null;2:Arithmetic on null;");
    }
    expr_teardown(&t);
}

TEST(expr, like)
{
    struct expr_test t;
    setup(&t);
    struct expr *like = BOOLEAN(EXPR_LIKE, 0, 2, COL(S), expr_text(&t, "a%"));
    CHECK_SHOWN(like, "true|null|false", "1:LIKE on null;");
    CHECK_SHOWN(BOOLEAN(EXPR_NOT, 0, 1, like), "false|null|true", "1:LIKE on null;");
    struct expr *escaped = BOOLEAN(EXPR_LIKE, 0, 2, COL(S), expr_text(&t, "a!_%"));
    escaped->escape = '!';
    CHECK_SHOWN(escaped, "false|null|false", "1:LIKE on null;");
    expr_teardown(&t);
}

TEST(expr, case_takes_the_first_hit)
{
    struct expr_test t;
    setup(&t);
    struct expr *is_one = BOOLEAN(EXPR_COMPARE, COMPARE_EQ, 2, COL(A), expr_int(&t, 1));
    struct expr *fails = NODE(EXPR_ARITH, ARITH_DIV, &TYPE_INT, 2, COL(A), COL(B));
    CHECK_SHOWN(NODE(EXPR_CASE, 0, &TYPE_INT, 3, is_one, expr_int(&t, 10), fails), "10|null|null",
                "1:Arithmetic on null;2:Arithmetic on null;");
    CHECK_SHOWN(NODE(EXPR_CASE, 0, &TYPE_INT, 2, is_one, expr_int(&t, 10)), "10|null|null", "");
    CHECK_SHOWN(NODE(EXPR_CASE, 0, &TYPE_STRING, 3, COL(BOOL), COL(S), expr_text(&t, "no")), "abc|no|null",
                "2:A condition is null;");
    expr_teardown(&t);
}

TEST(expr, scope_of_failures)
{
    struct expr_test t;
    setup(&t);
    struct expr *sum = NODE(EXPR_ARITH, ARITH_ADD, &TYPE_INT, 2, COL(A), COL(B));
    /* In an argument the whole item fails, in a CAST, an item or a call within a call only that value. */
    CHECK_SHOWN(expr_call(&t, "COALESCE", 2, sum, expr_int(&t, 0)), "1|null|null",
                "1:Arithmetic on null;2:Arithmetic on null;");
    struct expr *cast = NODE(EXPR_CAST, 0, &TYPE_INT, 1, COL(S));
    CHECK_SHOWN(expr_call(&t, "COALESCE", 2, cast, expr_int(&t, 0)), "0|0|0",
                "0:For input string: \"abc\";2:For input string: \"a\nb\";");
    CHECK_SHOWN(NODE(EXPR_ARRAY, 0, type_array(&t.arena, &TYPE_INT), 2, COL(A), sum), "[1, 1]|[null, null]|[3, null]",
                "1:Arithmetic on null;2:Arithmetic on null;");
    struct expr *bad = expr_call(&t, "BAD_UDF", 1, COL(A));
    CHECK_SHOWN(bad, "null|null|null", "0:boom!;1:boom!;2:boom!;");
    CHECK_SHOWN(expr_call(&t, "COALESCE", 2, bad, expr_int(&t, 0)), "0|0|0", "0:boom!;1:boom!;2:boom!;");
    CHECK_SHOWN(NODE(EXPR_ARITH, ARITH_ADD, &TYPE_INT, 2, bad, expr_int(&t, 0)), "null|null|null",
                "0:boom!;1:boom!;2:boom!;");
    expr_teardown(&t);
}

TEST(expr, nested_values)
{
    struct expr_test t;
    setup(&t);
    CHECK_SHOWN(NODE(EXPR_SUBSCRIPT, 0, &TYPE_INT, 2, COL(LIST), expr_int(&t, 1)), "1|null|null", "");
    CHECK_SHOWN(NODE(EXPR_SUBSCRIPT, 0, &TYPE_INT, 2, COL(LIST), expr_int(&t, -1)), "2|null|null", "");
    CHECK_SHOWN(NODE(EXPR_SUBSCRIPT, 0, &TYPE_INT, 2, COL(LIST), expr_int(&t, 0)), "null|null|null", "");
    CHECK_SHOWN(NODE(EXPR_SUBSCRIPT, 0, &TYPE_INT, 2, COL(LIST), expr_int(&t, 3)), "null|null|null", "");
    CHECK_SHOWN(NODE(EXPR_SUBSCRIPT, 0, &TYPE_INT, 2, COL(MAP), expr_text(&t, "k")), "1|null|null", "");
    const struct type *map = type_map(&t.arena, &TYPE_STRING, &TYPE_INT);
    CHECK_SHOWN(NODE(EXPR_MAP, 0, map, 4, expr_text(&t, "x"), COL(A), expr_text(&t, "x"), COL(B)),
                "{x=0}|{x=2}|{x=null}", "");
    struct field fields[2] = {{STR("F"), &TYPE_INT}, {STR("G"), &TYPE_STRING}};
    const struct type *structure = type_struct(&t.arena, fields, 2);
    struct expr *made = NODE(EXPR_STRUCT, 0, structure, 2, COL(A), COL(S));
    CHECK_SHOWN(made, "Struct{F=1,G=abc}|Struct{}|Struct{F=3,G=a\nb}", "");
    struct expr *field = NODE(EXPR_FIELD, 0, &TYPE_STRING, 1, made);
    field->column = 1;
    CHECK_SHOWN(field, "abc|null|a\nb", "");
    field = NODE(EXPR_FIELD, 0, &TYPE_INT, 1, expr_null(&t, structure));
    CHECK_SHOWN(field, "null|null|null", "");
    expr_teardown(&t);
}

TEST(expr, lambdas)
{
    struct expr_test t;
    setup(&t);
    struct expr *plus = NODE(EXPR_ARITH, ARITH_ADD, &TYPE_INT, 2, expr_var(&t, 0, &TYPE_INT), COL(A));
    CHECK_SHOWN(expr_call(&t, "TRANSFORM", 2, COL(LIST), expr_lambda(&t, 0, 1, plus)), "[2, 3]|null|null",
                "2:Arithmetic on null;");
    struct expr *big = BOOLEAN(EXPR_COMPARE, COMPARE_GT, 2, expr_var(&t, 0, &TYPE_INT), expr_int(&t, 1));
    CHECK_SHOWN(expr_call(&t, "FILTER", 2, COL(LIST), expr_lambda(&t, 0, 1, big)), "[2]|null|[]", "");
    struct expr *add =
        NODE(EXPR_ARITH, ARITH_ADD, &TYPE_INT, 2, expr_var(&t, 0, &TYPE_INT), expr_var(&t, 1, &TYPE_INT));
    CHECK_SHOWN(expr_call(&t, "REDUCE", 3, COL(LIST), expr_int(&t, 10), expr_lambda(&t, 0, 2, add)), "13|10|null",
                "2:Arithmetic on null;");
    /* The inner lambda sees the parameter of the outer one. */
    struct expr *inner =
        NODE(EXPR_ARITH, ARITH_MUL, &TYPE_INT, 2, expr_var(&t, 0, &TYPE_INT), expr_var(&t, 1, &TYPE_INT));
    struct expr *each = expr_call(&t, "TRANSFORM", 2, COL(LIST), expr_lambda(&t, 1, 1, inner));
    CHECK_SHOWN(expr_call(&t, "TRANSFORM", 2, COL(LIST), expr_lambda(&t, 0, 1, each)), "[[1, 2], [2, 4]]|null|null",
                "2:Arithmetic on null;");
    struct expr *key = expr_call(&t, "UCASE", 1, expr_var(&t, 0, &TYPE_STRING));
    CHECK_SHOWN(expr_call(&t, "TRANSFORM", 3, COL(MAP), expr_lambda(&t, 0, 2, key),
                          expr_lambda(&t, 2, 2, expr_var(&t, 3, &TYPE_INT))),
                "{K=1}|null|{}", "");
    expr_teardown(&t);
}

TEST(expr, pseudo_columns)
{
    struct expr_test t;
    struct record_header items[2] = {{STR("a"), STR("1"), false}, {STR("a"), {NULL, 0}, true}};
    struct headers one = {2, items};
    const struct headers *headers[3] = {&one, NULL, NULL};
    setup(&t);
    t.in->headers = headers;
    CHECK_SHOWN(NODE(EXPR_PSEUDO, PSEUDO_ROWTIME, &TYPE_BIGINT, 0, NULL), "100|200|300", "");
    CHECK_SHOWN(NODE(EXPR_PSEUDO, PSEUDO_WINDOWSTART, &TYPE_BIGINT, 0, NULL), "null|null|null", "");
    struct field fields[2] = {{STR("KEY"), &TYPE_STRING}, {STR("VALUE"), &TYPE_BYTES}};
    const struct type *list = type_array(&t.arena, type_struct(&t.arena, fields, 2));
    struct expr *all = NODE(EXPR_PSEUDO, PSEUDO_HEADERS, list, 0, NULL);
    CHECK_SHOWN(expr_call(&t, "ARRAY_LENGTH", 1, all), "2|0|0", "");
    struct expr *last = NODE(EXPR_PSEUDO, PSEUDO_HEADER, &TYPE_BYTES, 0, NULL);
    last->name = STR("a");
    CHECK_SHOWN(BOOLEAN(EXPR_IS_NULL, 0, 1, last), "true|true|true", "");
    items[1].is_null = false;
    items[1].value = STR("2");
    CHECK_SHOWN(expr_call(&t, "FROM_BYTES", 2, last, expr_text(&t, "utf8")), "2|null|null", "");
    expr_teardown(&t);
}

TEST(expr, columns_are_shared)
{
    struct expr_test t;
    struct expr_prog *p;
    struct column c;
    setup(&t);
    struct expr_run run = {&t.in->arena, &t.scratch, 0, NULL};
    REQUIRE(expr_compile(COL(A), &t.arena, &p, NULL) == STATUS_OK);
    REQUIRE(expr_eval(p, t.in, &c, &run) == STATUS_OK);
    CHECK(c.i32 == t.in->columns[A].i32 && c.valid == t.in->columns[A].valid);
    expr_release(p);
    /* A failure must not touch the bitmap of the column that it comes from. */
    uint64_t before = t.in->columns[A].valid[0];
    struct expr *e = NODE(EXPR_ARITH, ARITH_DIV, &TYPE_BIGINT, 2, NODE(EXPR_CAST, 0, &TYPE_BIGINT, 1, COL(A)),
                          NODE(EXPR_CAST, 0, &TYPE_BIGINT, 1, COL(B)));
    CHECK_SHOWN(e, "null|null|null", "0:/ by zero;1:Arithmetic on null;2:Arithmetic on null;");
    CHECK(t.in->columns[A].valid[0] == before);
    expr_teardown(&t);
}

TEST(expr, constants_need_no_batch)
{
    struct expr_test t;
    struct expr_prog *p;
    struct value v;
    setup(&t);
    struct expr_run run = {&t.in->arena, &t.scratch, 1234, NULL};
    struct expr *e =
        NODE(EXPR_ARITH, ARITH_ADD, &TYPE_BIGINT, 2, expr_call(&t, "UNIX_TIMESTAMP", 0), expr_bigint(&t, 1));
    REQUIRE(expr_compile(e, &t.arena, &p, NULL) == STATUS_OK);
    REQUIRE(expr_eval_row(p, NULL, 0, &v, &run) == STATUS_OK);
    CHECK_INT(v.i64, 1235);
    expr_release(p);
    expr_teardown(&t);
}

/* Every allocation fails once: the evaluation says so, and nothing leaks. */
TEST(expr, out_of_memory)
{
    struct expr_test t;
    setup(&t);
    struct expr *pattern = expr_call(&t, "REGEXP_REPLACE", 3, COL(S), expr_text(&t, "(b)"), expr_text(&t, "<$1>"));
    struct expr *date = expr_call(&t, "FORMAT_TIMESTAMP", 2,
                                  NODE(EXPR_CAST, 0, &TYPE_TIMESTAMP, 1, expr_text(&t, "2020")), expr_text(&t, "yyyy"));
    struct expr *e = expr_call(&t, "CONCAT", 2, pattern, date);
    bool done = false;
    for (long n = 1; !done && n < 1000; n++) {
        struct arena own, out, scratch;
        struct expr_prog *p = NULL;
        struct column c;
        arena_init(&own, 0);
        arena_init(&out, 0);
        arena_init(&scratch, 0);
        struct expr_run run = {&out, &scratch, 0, NULL};
        mem_fail_after(n);
        enum status st = expr_compile(e, &own, &p, NULL);
        if (st == STATUS_OK)
            st = expr_eval(p, t.in, &c, &run);
        long calls = mem_calls();
        mem_fail_after(0);
        CHECK(st == STATUS_OK || st == STATUS_NOMEM);
        done = st == STATUS_OK && calls >= 0 && n > 60;
        expr_release(p);
        arena_free(&own);
        arena_free(&out);
        arena_free(&scratch);
    }
    CHECK(done);
    CHECK_SHOWN(e, "a<b>c2020|2020|a\n<b>2020", "");
    expr_teardown(&t);
}

TEST(expr, constants)
{
    struct expr_test t;
    setup(&t);
    struct value v;
    char error[64];
    struct expr *half = NODE(EXPR_ARITH, ARITH_DIV, &TYPE_INT, 2, expr_int(&t, 9), expr_int(&t, 2));
    REQUIRE(expr_constant(half, &t.arena, 0, &v, error, sizeof error));
    CHECK_INT(v.i32, 4);
    CHECK_TEXT(error, "");
    struct expr *fails = NODE(EXPR_ARITH, ARITH_DIV, &TYPE_INT, 2, expr_int(&t, 9), expr_int(&t, 0));
    CHECK(!expr_constant(fails, &t.arena, 0, &v, error, sizeof error));
    CHECK_TEXT(error, "/ by zero");
    /* a null inside, in a query; an error here */
    struct expr *cast = NODE(EXPR_CAST, 0, &TYPE_BIGINT, 1, fails);
    CHECK(!expr_constant(expr_call(&t, "COALESCE", 2, cast, expr_bigint(&t, 1)), &t.arena, 0, &v, error, sizeof error));
    CHECK_TEXT(error, "/ by zero");
    REQUIRE(expr_constant(expr_call(&t, "UNIX_TIMESTAMP", 0), &t.arena, 77, &v, error, sizeof error));
    CHECK_INT(v.i64, 77);
    for (long n = 1; n < 100; n++) {
        mem_fail_after(n);
        struct arena a;
        arena_init(&a, 0);
        bool ok = expr_constant(half, &a, 0, &v, error, sizeof error);
        mem_fail_after(0);
        arena_free(&a);
        if (ok)
            break;
        CHECK_TEXT(error, "");
        CHECK(n < 50);
    }
    expr_teardown(&t);
}
