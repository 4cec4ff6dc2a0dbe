/* String views: comparison, UTF-8, copies. */
#include "../unit.h"
#include "core/core.h"

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

TEST(str, equality)
{
    CHECK(str_eq(STR("abc"), STR("abc")));
    CHECK(!str_eq(STR("abc"), STR("abd")));
    CHECK(!str_eq(STR("abc"), STR("ab")));
    CHECK(str_eq((struct str){NULL, 0}, STR("")));
    CHECK(str_eq_nocase(STR("aBz{"), STR("AbZ{")));
    CHECK(!str_eq_nocase(STR("["), STR("{")));
    CHECK(!str_eq_nocase(STR("é"), STR("É")));
    CHECK(!str_eq_nocase(STR("a"), STR("ab")));
    CHECK(str_starts(STR("abc"), STR("ab")) && str_starts(STR("abc"), STR("")) && !str_starts(STR("a"), STR("ab")));
}

TEST(str, order)
{
    CHECK_INT(sign(str_cmp(STR("a"), STR("b"))), -1);
    CHECK_INT(sign(str_cmp(STR("b"), STR("abc"))), 1);
    CHECK_INT(sign(str_cmp(STR("ab"), STR("abc"))), -1);
    CHECK_INT(sign(str_cmp(STR("\x80"), STR("a"))), 1);
    CHECK_INT(str_cmp(STR("x"), STR("x")), 0);
    CHECK_INT(str_cmp((struct str){NULL, 0}, STR("")), 0);
}

TEST(str, order_by_utf16_units)
{
    CHECK_INT(sign(str_cmp(STR("😀"), STR("\uFFFD"))), 1);
    CHECK_INT(sign(str_cmp_utf16(STR("😀"), STR("\uFFFD"))), -1);
    CHECK_INT(sign(str_cmp_utf16(STR("a\uE000"), STR("a😀"))), 1);
    CHECK_INT(sign(str_cmp_utf16(STR("\uD7FF"), STR("😀"))), -1);
    CHECK_INT(sign(str_cmp_utf16(STR("😀"), STR("😁"))), -1);
    CHECK_INT(sign(str_cmp_utf16(STR("\uE000"), STR("\uFFFD"))), -1);
    CHECK_INT(sign(str_cmp_utf16(STR("😀"), STR("😀a"))), -1);
    CHECK_INT(sign(str_cmp_utf16(STR("B2"), STR("b2"))), -1);
    CHECK_INT(str_cmp_utf16(STR("😀"), STR("😀")), 0);
}

TEST(str, utf8)
{
    static const char *const good[] = {
        "",           "abc",        "plain text of more than eight bytes",   "é", "\u0800", "\uD7FF", "\uE000",
        "\U00010000", "\U0010FFFF", "mixed é and 😀 and plain text behind it"};
    static const char *const bad[] = {"\x80",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xC3",
                                      "a\xC3(",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xE2\x82",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFF",
                                      "eight chars and then \xFE",
                                      "\xF0\x9F\x98",
                                      "\xE2\x28\xA1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(str_is_utf8(str_from(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!str_is_utf8(str_from(bad[i])));
    CHECK(str_is_utf8(STR("a\0b")));
    CHECK(str_is_utf8((struct str){NULL, 0}));
}

TEST(str, copies)
{
    struct arena a;
    arena_init(&a, 0);
    CHECK_TEXT(str_dup(&a, str_make("abcdef", 3)).p, "abc");
    CHECK_TEXT(str_dup(&a, (struct str){NULL, 0}).p, "");
    CHECK_TEXT(str_upper_ascii(&a, STR("aZé{`")).p, "AZé{`");
    struct str s = str_printf(&a, "%d %s", 1, "x");
    CHECK_INT(s.len, 3);
    CHECK_TEXT(s.p, "1 x");
    arena_free(&a);
    arena_init(&a, 1);
    CHECK(str_dup(&a, STR("x")).p == NULL && a.failed);
    CHECK(str_upper_ascii(&a, STR("x")).p == NULL);
    CHECK(str_printf(&a, "x").p == NULL);
    arena_free(&a);
}
