/* Mathematical functions, and DECIMAL arithmetic. */
#include "call_text.h"
#include "functions/decimal_ops.h"

TEST(math, signs_and_whole_numbers)
{
    CHECK_CALL("ABS(-2147483648)", "-2147483648");
    CHECK_CALL("ABS(-5L)", "5");
    CHECK_CALL("ABS(-1.50)", "1.50");
    CHECK_CALL("ABS(-1.5e0)", "1.5");
    CHECK_TEXT(call_type("ABS(-1.50)"), "DECIMAL(3, 2)");
    CHECK_CALL("SIGN(-3.0e0)", "-1");
    CHECK_CALL("SIGN(0L)", "0");
    CHECK_TEXT(call_type("SIGN(1e0)"), "INTEGER");
    CHECK_CALL("CEIL(-1.5)", "-1.0");
    CHECK_CALL("CEIL(1.1)", "2.0");
    CHECK_CALL("FLOOR(-1.1)", "-2.0");
    CHECK_CALL("FLOOR(-1.1e0)", "-2.0");
    CHECK_CALL("CEIL(7)", "7");
}

TEST(math, round)
{
    CHECK_CALL("ROUND(1.5e0)", "2");
    CHECK_CALL("ROUND(-1.5e0)", "-1");
    CHECK_CALL("ROUND(2.5e0)", "3");
    CHECK_CALL("ROUND(-1.7e0)", "-2");
    CHECK_CALL("ROUND(0.49999999999999994e0)", "0");
    CHECK_CALL("ROUND(NaN)", "0");
    CHECK_CALL("ROUND(1e300)", "9223372036854775807");
    CHECK_TEXT(call_type("ROUND(7)"), "BIGINT");
    CHECK_CALL("ROUND(12345.678e0, 2)", "12345.68");
    CHECK_CALL("ROUND(-12345.678e0, -2)", "-12300.0");
    CHECK_CALL("ROUND(-1.1e0, -1)", "0.0");
    CHECK_CALL("ROUND(-0.25e0, 1)", "-0.2");
    CHECK_CALL("ROUND(0.25e0, 1)", "0.3");
    CHECK_CALL("ROUND(1.2e0, 100)", "1.2");
    CHECK_CALL("ROUND(1.2e0, -100)", "0.0");
    CHECK_CALL("ROUND(NaN, 1)", "! Infinite or NaN");
    CHECK_CALL("ROUND(12345678987654321.2345678987654321)", "12345678987654321");
    CHECK_CALL("ROUND(12345678987654321.2345678987654321, 10)", "12345678987654321.2345678988000000");
    CHECK_CALL("ROUND(12345678987654321.2345678987654321, -2)", "12345678987654300.0000000000000000");
    CHECK_TEXT(call_type("ROUND(12.34)"), "DECIMAL(2, 0)");
    CHECK_TEXT(call_type("ROUND(12.34, 1)"), "DECIMAL(4, 2)");
    CHECK_CALL("ROUND(null:DOUBLE, 1)", "null");
    CHECK_CALL("ROUND(12.34, -2147483648)", "0.00");
    CHECK_CALL("TRUNC(12.5e0, -2147483648)", "0.0");
    CHECK_CALL("ROUND(12.34, 2147483647)", "12.34");
}

TEST(math, trunc)
{
    CHECK_CALL("TRUNC(-1.7e0)", "-1");
    CHECK_CALL("TRUNC(12345.678e0, -1)", "12340.0");
    CHECK_CALL("TRUNC(-12345.678e0, 2)", "-12345.67");
    CHECK_CALL("TRUNC(-12.99)", "-12");
    CHECK_CALL("TRUNC(-12.99, 1)", "-12.90");
    CHECK_CALL("TRUNC(2147483648L)", "2147483648");
}

TEST(math, transcendental)
{
    CHECK_CALL("ACOS(2)", "NaN");
    CHECK_CALL("EXP(0L)", "1.0");
    CHECK_CALL("LN(0e0)", "-Infinity");
    CHECK_CALL("LOG(2, 8)", "3.0");
    CHECK_CALL("LOG(1e0, 8e0)", "NaN");
    CHECK_CALL("LOG(0, 8)", "NaN");
    CHECK_CALL("LOG(1)", "0.0");
    CHECK_CALL("POWER(15, -1)", "0.06666666666666667");
    CHECK_CALL("POWER(1e0, NaN)", "NaN");
    CHECK_CALL("SQRT(16)", "4.0");
    CHECK_CALL("SQRT(-1)", "NaN");
    CHECK_CALL("CBRT(27e0)", "3.0");
    CHECK_CALL("DEGREES(0)", "0.0");
    CHECK_CALL("PI()", "3.141592653589793");
    CHECK_CALL("COT(0)", "Infinity");
    CHECK_CALL("ATAN2(0, -3)", "3.141592653589793");
    CHECK_CALL("SQRT(4.0)", "2.0");
}

TEST(math, greatest)
{
    CHECK_CALL("GREATEST(1, null, 3)", "3");
    CHECK_CALL("LEAST('b', 'a')", "a");
    CHECK_CALL("GREATEST(1.5, 12.25)", "12.25");
    CHECK_CALL("LEAST(1.5, 12.25)", "1.50");
    CHECK_CALL("GREATEST(null:INT, null:INT)", "null");
    CHECK_CALL("GREATEST(1, 2e0)", "2.0");
    CHECK_CALL("NULLIF(1, 1)", "null");
    CHECK_CALL("NULLIF(1, null)", "1");
    CHECK_CALL("COALESCE(null, null, 3)", "3");
    CHECK_CALL("IFNULL(null:STRING, 'x')", "x");
}

static const struct type *decimal(struct arena *a, unsigned precision, unsigned scale)
{
    return type_decimal(a, precision, scale);
}

TEST(decimal, arithmetic_is_exact_or_refused)
{
    struct arena a;
    int128 v;
    arena_init(&a, 0);
    CHECK(decimal_add(105, 1, 250, 2, decimal(&a, 5, 2), &v) && v == 1300);
    CHECK(decimal_sub(1, 0, 1, 2, decimal(&a, 5, 2), &v) && v == 99);
    CHECK(decimal_mul(15, 1, -15, 1, decimal(&a, 5, 2), &v) && v == -225);
    CHECK(decimal_div(101, 1, 20, 1, decimal(&a, 8, 6), &v) && v == 5050000);
    CHECK(!decimal_div(101, 1, 30, 1, decimal(&a, 8, 6), &v));
    CHECK(!decimal_div(1, 0, 0, 0, decimal(&a, 8, 6), &v));
    CHECK(decimal_div(-10, 0, 4, 0, decimal(&a, 8, 1), &v) && v == -25);
    CHECK(decimal_div(100, 2, 1, 0, decimal(&a, 8, 0), &v) && v == 1);
    CHECK(!decimal_div(150, 2, 1, 0, decimal(&a, 8, 0), &v));
    CHECK(decimal_mod(101, 1, -20, 1, decimal(&a, 3, 1), &v) && v == 1);
    CHECK(decimal_mod(-101, 1, 20, 1, decimal(&a, 3, 1), &v) && v == -1);
    CHECK(!decimal_add(99, 0, 1, 0, decimal(&a, 2, 0), &v));
    int128 big = decimal_pow10(37);
    CHECK(!decimal_mul(big, 0, big, 0, decimal(&a, 38, 0), &v));
    CHECK(!decimal_add(big, 0, 1, 30, decimal(&a, 38, 30), &v));
    arena_free(&a);
}

TEST(decimal, comparison_ignores_scale)
{
    CHECK_INT(decimal_cmp(10, 1, 100, 2), 0);
    CHECK_INT(decimal_cmp(10, 1, 101, 2), -1);
    CHECK_INT(decimal_cmp(-10, 1, -101, 2), 1);
    CHECK_INT(decimal_cmp(decimal_pow10(38), 0, 1, 38), 1);
    CHECK_INT(decimal_cmp(-decimal_pow10(38), 0, 1, 38), -1);
    CHECK_INT(decimal_cmp(0, 0, 0, 38), 0);
}

TEST(decimal, conversions)
{
    CHECK(decimal_to_double(12345, 2) == 123.45);
    CHECK(decimal_to_double(decimal_pow10(38), 38) == 1.0);
    CHECK_INT(decimal_to_i64(-199, 2), -1);
    int128 v;
    CHECK(decimal_round(15, 1, 0, DECIMAL_HALF_UP, &v) && v == 2);
    CHECK(decimal_round(15, 1, 0, DECIMAL_HALF_DOWN, &v) && v == 1);
    CHECK(decimal_round(-15, 1, 0, DECIMAL_HALF_UP, &v) && v == -2);
    CHECK(decimal_round(-11, 1, 0, DECIMAL_FLOOR, &v) && v == -2);
    CHECK(decimal_round(-11, 1, 0, DECIMAL_CEIL, &v) && v == -1);
    CHECK(decimal_round(155, 0, -1, DECIMAL_HALF_UP, &v) && v == 160);
    CHECK(decimal_round(1, 0, -60, DECIMAL_CEIL, &v) == false || v > 0);
}
