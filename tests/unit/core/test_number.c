/* Number texts: Java's forms, round trips, bad texts, exact decimals. */
#include "../unit.h"
#include "core/core.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct buf buf;

static const char *print(double d)
{
    buf.len = 0;
    print_double(&buf, d);
    return buf_z(&buf);
}

TEST(number, doubles_print_as_java_does)
{
    static const struct {
        double d;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {-1, "-1.0"},
        {100, "100.0"},
        {0.1, "0.1"},
        {0.5, "0.5"},
        {12.34, "12.34"},
        {-12.34, "-12.34"},
        {9999999.999, "9999999.999"},
        {9999999, "9999999.0"},
        {9999999.999999998, "9999999.999999998"},
        {1e7, "1.0E7"},
        {-1e7, "-1.0E7"},
        {12345678, "1.2345678E7"},
        {123456789, "1.23456789E8"},
        {0.001, "0.001"},
        {0.0010000000000000002, "0.0010000000000000002"},
        {9.999999999999998e-4, "9.999999999999998E-4"},
        {9.9e-4, "9.9E-4"},
        {1e-5, "1.0E-5"},
        {1e23, "1.0E23"},
        {2e23, "2.0E23"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {100.0 / 3, "33.333333333333336"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.1, "1.1"},
        {1e21, "1.0E21"},
        {9007199254740993, "9.007199254740992E15"},
        {DBL_MAX, "1.7976931348623157E308"},
        {DBL_MIN, "2.2250738585072014E-308"},
        {4.9e-324, "4.9E-324"},
        {9.9e-324, "9.9E-324"},
        {1.5e-323, "1.5E-323"},
        {1e-322, "9.9E-323"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {NAN, "NaN"},
        {-NAN, "NaN"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_TEXT(print(cases[i].d), cases[i].text);
    buf_free(&buf);
}

static double random_bits(void)
{
    uint64_t bits = 0;
    double d;
    for (int i = 0; i < 5; i++)
        bits = bits << 15 ^ (uint64_t)rand();
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* The fewest digits: no shorter text reads back, checked with %.Ne. */
static void check_round_trip(double d)
{
    double back = 0;
    const char *text = print(d);
    CHECK(parse_double(str_from(text), &back));
    if (d != d) {
        CHECK(back != back);
        return;
    }
    if (memcmp(&back, &d, sizeof d) != 0)
        CHECK_TEXT(text, "(its value)");
    int digits = 0, leading = 1;
    for (const char *p = text; *p && *p != 'E'; p++) {
        if (*p >= '1' && *p <= '9')
            leading = 0;
        digits += *p >= '0' && *p <= '9' && !leading;
    }
    char shorter[64];
    for (int n = 1; n < digits; n++) {
        snprintf(shorter, sizeof shorter, "%.*e", n - 1, d);
        if (strtod(shorter, NULL) == d && n > 1 && !strstr(text, "0E") && !strstr(text, ".0"))
            CHECK_TEXT(text, shorter);
    }
}

TEST(number, random_doubles_round_trip)
{
    srand(1);
    for (int i = 0; i < 20000; i++)
        check_round_trip(random_bits());
    for (int i = 0; i < 20000; i++) {
        check_round_trip(rand() / 1000.0);
        check_round_trip(-(rand() % 100000) / 1e5);
        check_round_trip(rand() / (rand() + 1.0));
        check_round_trip((rand() % 10000000) + rand() / (RAND_MAX + 1.0));
    }
    buf_free(&buf);
}

static bool reads(const char *text, double expected)
{
    double d = 12345;
    bool ok = parse_double(str_from(text), &d);
    ok &= memcmp(&d, &expected, sizeof d) == 0 || (d != d && expected != expected);
    if (!ok)
        fprintf(stderr, "\n%s is read as %.17g\n", text, d);
    return ok;
}

TEST(number, doubles_read_as_java_does)
{
    CHECK(reads("1", 1) && reads("+1", 1) && reads("-1", -1) && reads("1.5", 1.5) && reads(".5", .5) && reads("5.", 5));
    CHECK(reads(" \t1.5\n ", 1.5) && reads("1e3", 1000) && reads("1E+3", 1000) && reads("1e-3", 0.001));
    CHECK(reads("1d", 1) && reads("1D", 1) && reads("1.5f", 1.5) && reads("1e3F", 1000));
    CHECK(reads("0x1p3", 8) && reads("-0X1.8P1", -3) && reads("0x.8p0", .5) && reads("0x1p3d", 8) &&
          reads("0xfp0", 15));
    CHECK(reads("NaN", NAN) && reads("-NaN", NAN) && reads("Infinity", INFINITY) && reads("-Infinity", -INFINITY));
    CHECK(reads("0", 0) && reads("-0", -0.0) && reads("-0.0e5", -0.0) && reads("00012", 12) && reads("0e999999", 0));
    CHECK(reads("1e400", INFINITY) && reads("-1e400", -INFINITY) && reads("1e-400", 0) &&
          reads("1e99999999999", INFINITY));
    CHECK(reads("0x1p5000", INFINITY) && reads("0x1p-5000", 0));
    CHECK(reads("4.9e-324", 4.9e-324) && reads("2.4e-324", 0) && reads("1.7976931348623157e308", DBL_MAX));
    CHECK(reads("2.2250738585072012e-308", 2.2250738585072012e-308) &&
          reads("123456789012345678901234567890", 1.2345678901234568e29));
    CHECK(reads("9007199254740993", 9007199254740992) && reads("0.000000000000000000000000000001", 1e-30));
    CHECK(reads("1.00000000000000000000000000000000000000000", 1) && reads("10000000000000000000000", 1e22));
    CHECK(reads("8.5070591730234616e37", 8.5070591730234616e37) && reads("8.41e21", 8.41e21));
}

TEST(number, texts_that_are_no_doubles)
{
    static const char *const bad[] = {
        "",      " ",   "+",   "-",   ".",        "e5",        "1e",   "1e+", "1.2.3", "1 2",   "--1",
        "+-1",   "nan", "NAN", "inf", "infinity", "Infinityx", "NaNd", "0x",  "0x1",   "0xp3",  "0x1p",
        "0x.p1", "1dd", "1x",  "d",   "0x1d",     "1_000",     "1,5",  "½",   "1e5.5", "0x1.8", "Infinityf"};
    double d;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse_double(str_from(bad[i]), &d))
            CHECK_TEXT(bad[i], "(refused)");
    CHECK(!parse_double(STR("1\0"
                            "1"),
                        &d));
    CHECK(!parse_double((struct str){NULL, 0}, &d));
}

TEST(number, long_texts)
{
    static char text[100001];
    double d;
    memset(text, '0', 100000);
    text[0] = '1';
    CHECK(parse_double(str_from(text), &d) && d == INFINITY);
    memcpy(text, "0.", 2);
    text[99999] = '1';
    CHECK(parse_double(str_from(text), &d) && d == 0);
    memset(text, '9', 100000);
    memcpy(text, "0.", 2);
    CHECK(parse_double(str_from(text), &d) && d == 1);
}

TEST(number, random_texts_read_as_strtod_does)
{
    srand(2);
    for (int i = 0; i < 100000; i++) {
        char text[64];
        snprintf(text, sizeof text, "%d.%0*de%d", rand() % 1000, 1 + rand() % 12, rand() % 1000, rand() % 80 - 40);
        double d = 0, expected = strtod(text, NULL);
        CHECK(parse_double(str_from(text), &d));
        if (d != expected)
            CHECK_TEXT(text, "(its value)");
    }
}

TEST(number, integers)
{
    static const char *const bad[] = {"",
                                      "+",
                                      "-",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "1e3",
                                      "0x1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999",
                                      "--1",
                                      "+-1",
                                      "1L",
                                      "½",
                                      "\xD9",
                                      "1\xD9"};
    int64_t v = 0;
    CHECK(parse_i64(STR("9223372036854775807"), &v) && v == INT64_MAX);
    CHECK(parse_i64(STR("-9223372036854775808"), &v) && v == INT64_MIN);
    CHECK(parse_i64(STR("+7"), &v) && v == 7);
    CHECK(parse_i64(STR("-0"), &v) && v == 0);
    CHECK(parse_i64(STR("000000000000000000000000012"), &v) && v == 12);
    CHECK(parse_i64(STR("-١٢3"), &v) && v == -123);
    CHECK(parse_i64(STR("９０"), &v) && v == 90);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse_i64(str_from(bad[i]), &v))
            CHECK_TEXT(bad[i], "(refused)");
    CHECK(!parse_i64((struct str){NULL, 0}, &v));
}

static const char *plain(int128 v, unsigned scale)
{
    buf.len = 0;
    print_decimal(&buf, v, scale);
    return buf_z(&buf);
}

static const char *sci(int128 v, unsigned scale)
{
    buf.len = 0;
    print_decimal_sci(&buf, v, scale);
    return buf_z(&buf);
}

TEST(decimal, prints)
{
    int128 nines = decimal_pow10(38) - 1;
    CHECK_TEXT(plain(0, 0), "0");
    CHECK_TEXT(plain(0, 3), "0.000");
    CHECK_TEXT(plain(-5, 3), "-0.005");
    CHECK_TEXT(plain(12300, 3), "12.300");
    CHECK_TEXT(plain(nines, 0), "99999999999999999999999999999999999999");
    CHECK_TEXT(plain(-nines, 38), "-0.99999999999999999999999999999999999999");
    CHECK_TEXT(plain(decimal_pow10(36), 18), "1000000000000000000.000000000000000000");
    CHECK_TEXT(plain(1, 10), "0.0000000001");
    CHECK_TEXT(sci(1, 10), "1E-10");
    CHECK_TEXT(sci(12, 8), "1.2E-7");
    CHECK_TEXT(sci(-12, 8), "-1.2E-7");
    CHECK_TEXT(sci(1, 6), "0.000001");
    CHECK_TEXT(sci(1, 7), "1E-7");
    CHECK_TEXT(sci(0, 10), "0E-10");
    CHECK_TEXT(sci(0, 2), "0.00");
    CHECK_TEXT(sci(12300, 3), "12.300");
    buf_free(&buf);
}

static bool decimal_is(const char *text, int128 unscaled, int scale)
{
    int128 v = -77;
    int s = -77;
    return parse_decimal(str_from(text), &v, &s) && v == unscaled && s == scale;
}

TEST(decimal, reads)
{
    static const char *const bad[] = {"",
                                      "+",
                                      ".",
                                      "1e",
                                      "1e+",
                                      "e1",
                                      "1.2.3",
                                      " 1",
                                      "1 ",
                                      "1x",
                                      "NaN",
                                      "0x1",
                                      "1e5.5",
                                      "1e99999999999",
                                      "100000000000000000000000000000000000000",
                                      "--1"};
    CHECK(decimal_is("0", 0, 0) && decimal_is("-0", 0, 0) && decimal_is("1.50", 150, 2) && decimal_is("-1.5", -15, 1));
    CHECK(decimal_is("1.", 1, 0) && decimal_is(".5", 5, 1) && decimal_is("1e3", 1, -3) && decimal_is("1.5E-3", 15, 4));
    CHECK(decimal_is("+00000000000000000000000000000000000000000007", 7, 0) && decimal_is("1E+2", 1, -2));
    CHECK(decimal_is("99999999999999999999999999999999999999", decimal_pow10(38) - 1, 0));
    CHECK(decimal_is("0.000", 0, 3));
    int128 v;
    int scale;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse_decimal(str_from(bad[i]), &v, &scale))
            CHECK_TEXT(bad[i], "(refused)");
    CHECK(!parse_decimal((struct str){NULL, 0}, &v, &scale));
}

static bool rescales(int128 v, int from, int to, int128 expected)
{
    int128 out = -77;
    return decimal_rescale(v, from, to, &out) && out == expected;
}

TEST(decimal, rescales_half_up)
{
    CHECK(rescales(15, 1, 0, 2) && rescales(-15, 1, 0, -2) && rescales(14, 1, 0, 1) && rescales(-14, 1, 0, -1));
    CHECK(rescales(25, 1, 0, 3) && rescales(99, 2, 1, 10) && rescales(1, 2, 1, 0) && rescales(5, 1, 3, 500));
    CHECK(rescales(0, 0, 1000, 0) && rescales(7, 1000, 0, 0) && rescales(5, -3, 0, 5000) && rescales(5001, 0, -3, 5));
    int128 half = decimal_pow10(38) / 2, out;
    CHECK(rescales(half, 38, 0, 1) && rescales(half - 1, 38, 0, 0) && rescales(-half, 38, 0, -1));
    CHECK(rescales(decimal_pow10(38), 39, 0, 0));
    CHECK(!decimal_rescale(10, 0, 38, &out) && !decimal_rescale(1, 0, 39, &out) &&
          rescales(1, 0, 38, decimal_pow10(38)));
}

TEST(decimal, counts_digits)
{
    CHECK_INT(decimal_digits(0), 1);
    CHECK_INT(decimal_digits(-9), 1);
    for (unsigned n = 1; n <= 38; n++) {
        CHECK_INT(decimal_digits(decimal_pow10(n)), n + 1);
        CHECK_INT(decimal_digits(1 - decimal_pow10(n)), n);
        CHECK(decimal_pow10(n) == decimal_pow10(n - 1) * 10);
    }
}
