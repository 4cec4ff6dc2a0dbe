/* LIKE against a plain recursive matcher. */
#include "exec/expr/expr_int.h"
#include "../unit.h"

static bool like(const char *pattern, const char *text)
{
    struct arena a;
    arena_init(&a, 0);
    struct like *l = like_compile(&a, str_from(pattern), '!');
    REQUIRE(l != NULL);
    bool result = like_matches(l, str_from(text));
    arena_free(&a);
    return result;
}

TEST(like, basics)
{
    CHECK(like("", ""));
    CHECK(!like("", "a"));
    CHECK(like("%", ""));
    CHECK(like("a", "a"));
    CHECK(!like("a", "A"));
    CHECK(like("a%c", "abbc"));
    CHECK(like("a_c", "a\xC3\xA9"
                      "c"));
    CHECK(like("a_c", "a\xF0\x9F\x98\x80"
                      "c"));
    CHECK(!like("a_c", "ac"));
    CHECK(like("%b%", "abc"));
    CHECK(like("100!%", "100%"));
    CHECK(!like("100!%", "1000"));
    CHECK(like("a!_b", "a_b"));
    CHECK(!like("a!_b", "axb"));
    CHECK(like("!!", "!"));
    CHECK(like("a!", "a!"));
    CHECK(like("%ab%ab", "abab"));
    CHECK(!like("%ab%ab", "ab"));
}

TEST(like, stops_at_line_ends)
{
    CHECK(!like("%", "a\nb"));
    CHECK(!like("a_b", "a\rb"));
    CHECK(!like("%", "\xE2\x80\xA8"));
    CHECK(!like("%", "\xC2\x85"));
    CHECK(like("%", "\xC2\xA0\x0B"));
    CHECK(like("%\n%", "a\nb"));
    CHECK(!like("%\n%", "a\nb\nc"));
}

/* p matches t, where '%' and '_' do not cover '\n'. */
static bool reference(const char *p, const char *t)
{
    if (*p == '%')
        return reference(p + 1, t) || (*t && *t != '\n' && reference(p, t + 1));
    if (*p == '\0' || *t == '\0')
        return *p == *t;
    return (*p == *t || (*p == '_' && *t != '\n')) && reference(p + 1, t + 1);
}

TEST(like, agrees_with_the_definition)
{
    static const char p_chars[] = "ab\n%_", t_chars[] = "ab\n";
    uint64_t seed = 3;
    for (int round = 0; round < 30000; round++) {
        char p[8], t[10];
        for (int k = 0; k < 2; k++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            char *to = k ? t : p;
            uint32_t n = (uint32_t)(seed >> 33) % (k ? 9 : 7), bits = (uint32_t)(seed >> 40);
            for (uint32_t i = 0; i < n; i++, bits = bits * 1103515245 + 12345)
                to[i] = k ? t_chars[bits / 7 % 3] : p_chars[bits / 7 % 5];
            to[n] = '\0';
        }
        CHECK_INT(like(p, t), reference(p, t));
    }
}
