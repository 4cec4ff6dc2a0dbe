/* Random expressions over random columns with nulls and selections: column mode and row mode must agree, in values and
 * in failures, and a predicate must select the rows in which it is true. */
#include "expr_build.h"

#include <stdio.h>

enum { ROWS = 200, COLUMNS = 8 };

static uint64_t seed;

static uint32_t pick(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % n;
}

static const struct type *decimal_type;

static const struct type *column_type(uint32_t i)
{
    const struct type *types[COLUMNS] = {&TYPE_INT,    &TYPE_BIGINT, &TYPE_DOUBLE,    &TYPE_BOOLEAN,
                                         &TYPE_STRING, decimal_type, &TYPE_TIMESTAMP, &TYPE_INT};
    return types[i];
}

static const int64_t odd_numbers[] = {0, 1, -1, 2, 7, INT32_MIN, INT32_MAX, INT64_MIN, INT64_MAX, 1000000007};

static void fill_cell(struct expr_test *t, struct column *c, uint32_t row)
{
    int64_t n = pick(2) ? odd_numbers[pick(10)] : (int64_t)pick(10) - 5;
    switch (c->type->kind) {
    case KIND_INT:
        c->i32[row] = (int32_t)n;
        break;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        c->i64[row] = n;
        break;
    case KIND_DOUBLE:
        c->f64[row] = pick(12) == 0 ? __builtin_nan("") : pick(12) == 0 ? -0.0 : (double)n / 4;
        break;
    case KIND_BOOLEAN:
        c->u8[row] = (uint8_t)pick(2);
        break;
    case KIND_DECIMAL:
        c->i128[row] = (int32_t)n % 100000;
        break;
    default: {
        static const char *const texts[] = {"", "a", "ab", "b\nc", "%", "_x", "\xC3\xA9", "12", "-3", "1.5"};
        c->str[row] = str_dup(&t->arena, str_from(texts[pick(10)]));
    }
    }
}

static void make_batch(struct expr_test *t, uint32_t rows)
{
    t->in = batch_create(COLUMNS);
    REQUIRE(t->in != NULL);
    t->in->n_rows = t->in->n_selected = rows;
    int64_t *ts = ARENA_ARRAY(&t->in->arena, int64_t, rows);
    for (uint32_t i = 0; i < rows; i++)
        ts[i] = 1000 + i;
    t->in->ts = ts;
    for (uint32_t i = 0; i < COLUMNS; i++) {
        bool nullable = pick(4) != 0;
        struct column *c = &t->in->columns[i];
        REQUIRE(column_init(c, column_type(i), rows, nullable, &t->in->arena));
        for (uint32_t row = 0; row < rows; row++) {
            fill_cell(t, c, row);
            if (nullable && pick(5) == 0)
                column_set_null(c, row);
        }
    }
    if (pick(2)) {
        uint32_t n = 0;
        uint16_t *selection = ARENA_ARRAY(&t->in->arena, uint16_t, rows);
        for (uint32_t row = 0; row < rows; row++)
            if (pick(3) == 0)
                selection[n++] = (uint16_t)row;
        t->in->selection = selection;
        t->in->n_selected = n;
    }
}

static struct expr *random_expr(struct expr_test *t, const struct type *type, int depth);

static struct expr *random_leaf(struct expr_test *t, const struct type *type)
{
    uint32_t start = pick(COLUMNS);
    if (pick(3))
        for (uint32_t i = 0; i < COLUMNS; i++)
            if (type_eq(column_type((start + i) % COLUMNS), type))
                return expr_column(t, (start + i) % COLUMNS);
    if (pick(10) == 0)
        return expr_null(t, type);
    switch (type->kind) {
    case KIND_INT:
        return expr_int(t, (int32_t)odd_numbers[pick(10)]);
    case KIND_BIGINT:
        return expr_bigint(t, odd_numbers[pick(10)]);
    case KIND_DOUBLE:
        return expr_double(t, (double)odd_numbers[pick(10)] / 2);
    case KIND_BOOLEAN:
        return expr_bool(t, pick(2));
    case KIND_STRING:
        return expr_text(t, pick(2) ? "a" : "%_\n");
    case KIND_DECIMAL:
        return expr_decimal(t, type, (int64_t)pick(1000) - 500);
    default:
        return expr_null(t, type);
    }
}

static struct expr *random_literal(struct expr_test *t, const struct type *type)
{
    struct expr *e = random_leaf(t, type);
    while (e->kind != EXPR_LITERAL)
        e = random_leaf(t, type);
    return e;
}

static struct expr *long_list(struct expr_test *t, const struct type *type, int depth)
{
    struct expr *l[12];
    for (int i = 0; i < 12; i++)
        l[i] = random_literal(t, type);
    return expr_node(t, EXPR_IN, 0, &TYPE_BOOLEAN, 13, random_expr(t, type, depth), l[0], l[1], l[2], l[3], l[4], l[5],
                     l[6], l[7], l[8], l[9], l[10], l[11]);
}

static struct expr *random_boolean(struct expr_test *t, int depth)
{
    const struct type *type = column_type(pick(COLUMNS));
    struct expr *a, *b;
    switch (pick(11)) {
    case 0:
        a = random_expr(t, &TYPE_BOOLEAN, depth);
        b = random_expr(t, &TYPE_BOOLEAN, depth);
        return expr_node(t, pick(2) ? EXPR_AND : EXPR_OR, 0, &TYPE_BOOLEAN, 3, a, b,
                         random_expr(t, &TYPE_BOOLEAN, depth));
    case 1:
        return expr_node(t, pick(2) ? EXPR_AND : EXPR_OR, 0, &TYPE_BOOLEAN, 2, random_expr(t, &TYPE_BOOLEAN, depth),
                         random_expr(t, &TYPE_BOOLEAN, depth));
    case 2:
        return expr_node(t, EXPR_NOT, 0, &TYPE_BOOLEAN, 1, random_expr(t, &TYPE_BOOLEAN, depth));
    case 3:
        return expr_node(t, pick(2) ? EXPR_IS_NULL : EXPR_IS_NOT_NULL, 0, &TYPE_BOOLEAN, 1,
                         random_expr(t, type, depth));
    case 4:
        a = random_expr(t, type, depth);
        b = random_expr(t, type, depth);
        return expr_node(t, EXPR_BETWEEN, 0, &TYPE_BOOLEAN, 3, a, b, random_expr(t, type, depth));
    case 5:
        return expr_node(t, EXPR_LIKE, 0, &TYPE_BOOLEAN, 2, random_expr(t, &TYPE_STRING, depth),
                         pick(3) ? expr_text(t, pick(2) ? "a%" : "%_") : random_expr(t, &TYPE_STRING, depth));
    case 6:
        if (pick(4) == 0)
            return long_list(t, type, depth);
        return expr_node(t, EXPR_IN, 0, &TYPE_BOOLEAN, 3, random_expr(t, type, depth), random_leaf(t, type),
                         random_leaf(t, type));
    default:
        a = random_expr(t, type, depth);
        b = random_expr(t, type, depth);
        return expr_node(t, EXPR_COMPARE, (int)pick(8), &TYPE_BOOLEAN, 2, a, b);
    }
}

static struct expr *random_expr(struct expr_test *t, const struct type *type, int depth)
{
    struct expr *a, *b;
    if (depth == 0 || pick(4) == 0)
        return random_leaf(t, type);
    depth--;
    switch (pick(type_is_numeric(type) || type->kind == KIND_STRING ? 6 : 3)) {
    case 0:
        a = random_expr(t, &TYPE_BOOLEAN, depth);
        b = random_expr(t, type, depth);
        return pick(2) ? expr_node(t, EXPR_CASE, 0, type, 3, a, b, random_expr(t, type, depth))
                       : expr_node(t, EXPR_CASE, 0, type, 2, a, b);
    case 1:
        a = random_expr(t, type, depth);
        return expr_call(t, "COALESCE", 2, a, random_expr(t, type, depth));
    case 2:
        return type->kind == KIND_BOOLEAN ? random_boolean(t, depth) : random_leaf(t, type);
    case 3:
        a = random_expr(t, column_type(type->kind == KIND_STRING ? pick(COLUMNS) : pick(3)), depth);
        return expr_node(t, EXPR_CAST, 0, type, 1, a);
    case 4:
        if (type->kind != KIND_STRING)
            return expr_node(t, EXPR_NEGATE, 0, type, 1, random_expr(t, type, depth));
        /* fallthrough */
    default:
        a = random_expr(t, type, depth);
        return expr_node(t, EXPR_ARITH, type->kind == KIND_STRING ? ARITH_ADD : (int)pick(5), type, 2, a,
                         random_expr(t, type, depth));
    }
}

static void print_row(struct buf *out, const struct value *v, const struct type *type)
{
    value_print(out, v, type);
    buf_putc(out, value_is_null(v) ? '!' : '|');
}

/* All rows, one by one. */
static void shown_by_row(struct expr_test *t, const struct expr *e, struct buf *out, const struct expr_run *run)
{
    struct expr_prog *p;
    REQUIRE(expr_compile(e, &t->arena, &p, NULL) == STATUS_OK);
    BATCH_EACH (t->in, i, row) {
        struct value v;
        REQUIRE(expr_eval_row(p, t->in, row, &v, run) == STATUS_OK);
        print_row(out, &v, e->type);
    }
    expr_release(p);
}

static void shown_by_column(struct expr_test *t, const struct expr *e, struct buf *out, const struct expr_run *run)
{
    struct expr_prog *p;
    struct column c;
    REQUIRE(expr_compile(e, &t->arena, &p, NULL) == STATUS_OK);
    REQUIRE(expr_eval(p, t->in, &c, run) == STATUS_OK);
    arena_clear(&t->scratch); /* the result must not depend on it */
    BATCH_EACH (t->in, i, row) {
        struct value v = column_get(&c, row);
        print_row(out, &v, e->type);
    }
    expr_release(p);
}

static void check_filter(struct expr_test *t, const struct expr *e, struct str by_row, const struct expr_run *run)
{
    struct expr_prog *p;
    uint16_t selection[ROWS];
    uint32_t n = 0, at = 0;
    REQUIRE(expr_compile(e, &t->arena, &p, NULL) == STATUS_OK);
    REQUIRE(expr_filter(p, t->in, selection, &n, run) == STATUS_OK);
    const char *cell = by_row.p;
    BATCH_EACH (t->in, i, row) {
        if (*cell == 't') {
            CHECK(at < n && selection[at] == row);
            at++;
        }
        cell = strpbrk(cell, "|!") + 1;
    }
    CHECK_INT(n, at);
    expr_release(p);
}

static void check_one(struct expr_test *t, uint32_t rows)
{
    static char row_errors[sizeof t->errors];
    struct buf by_row, by_column;
    expr_setup(t);
    decimal_type = type_decimal(&t->arena, 12, 2);
    make_batch(t, rows);
    struct expr_run run = {&t->in->arena, &t->scratch, 0, &t->sink};
    const struct expr *e = random_expr(t, pick(3) ? column_type(pick(COLUMNS)) : &TYPE_BOOLEAN, 4);
    buf_init(&by_row, 0);
    buf_init(&by_column, 0);
    shown_by_row(t, e, &by_row, &run);
    memcpy(row_errors, t->errors, sizeof row_errors);
    t->errors[0] = '\0';
    shown_by_column(t, e, &by_column, &run);
    CHECK_TEXT(buf_z(&by_column), buf_z(&by_row));
    CHECK_TEXT(t->errors, row_errors);
    if (e->type->kind == KIND_BOOLEAN)
        check_filter(t, e, buf_str(&by_row), &run);
    buf_free(&by_row);
    buf_free(&by_column);
    expr_teardown(t);
}

TEST(expr_differential, columns_and_rows_agree)
{
    struct expr_test t;
    for (seed = 1; seed < 3000;) {
        uint64_t start = seed;
        check_one(&t, pick(10) ? pick(ROWS) + 1 : pick(2));
        seed = start + 1;
    }
}
