/* Guessing formats from bytes. */
#include "engine/guess.h"
#include "tests/unit/unit.h"

static struct buf text;

static const char *formats(const struct guess *g)
{
    text.len = 0;
    guess_print_formats(g, &text);
    return buf_z(&text);
}

static const char *formats_of(struct str bytes, bool is_key)
{
    struct guess g;
    guess_init(&g, is_key);
    guess_narrow(&g, bytes);
    return formats(&g);
}

static const char *shown(struct str bytes, bool is_key)
{
    struct guess g;
    guess_init(&g, is_key);
    guess_narrow(&g, bytes);
    text.len = 0;
    guess_print(&g, bytes, &text);
    return buf_z(&text);
}

#define BYTES(literal) str_make(literal, sizeof(literal) - 1)

TEST(engine_guess, formats)
{
    buf_init(&text, 0);
    CHECK_TEXT(formats_of(STR("plain text"), false), "KAFKA_STRING");
    CHECK_TEXT(formats_of(STR(""), false), "KAFKA_STRING");
    CHECK_TEXT(formats_of(STR("{\"a\": [1, true, null, {\"b\": \"\\\"}\"}]}"), false), "JSON or KAFKA_STRING");
    CHECK_TEXT(formats_of(STR(" -1.5e3 "), false), "JSON or KAFKA_BIGINT or KAFKA_DOUBLE or KAFKA_STRING");
    CHECK_TEXT(formats_of(BYTES("\0\0\0\1"), false), "KAFKA_INT");
    CHECK_TEXT(formats_of(BYTES("\0\0\0\0\0\0\0\1"), true),
               "AVRO or PROTOBUF or JSON_SR or KAFKA_BIGINT or KAFKA_DOUBLE");
    CHECK_TEXT(formats_of(BYTES("\0\0\0\0\1ab"), false), "AVRO or PROTOBUF or JSON_SR");
    CHECK_TEXT(formats_of(BYTES("\xff\xfe\xfd"), false), "UNRECOGNIZED_BYTES");
    CHECK_TEXT(formats_of(BYTES("key\0\0\1\x8b\xcf\xe5\x68\0"), true),
               "HOPPING(KAFKA_STRING) or TUMBLING(KAFKA_STRING)");
    CHECK_TEXT(formats_of(BYTES("key\0\0\1\x8b\xcf\xe5\x68\0"), false), "UNRECOGNIZED_BYTES");
    CHECK_TEXT(formats_of(BYTES("k\0\0\1\x8b\xcf\xe5\x68\5\0\0\1\x8b\xcf\xe5\x68\0"), true), "SESSION(KAFKA_STRING)");
    buf_free(&text);
}

TEST(engine_guess, what_is_not_json)
{
    static const char *const bad[] = {"{",
                                      "}",
                                      "[1,]",
                                      "[,1]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{a:1}",
                                      "[1 2]",
                                      "\"",
                                      "\"\\\"",
                                      "1 2",
                                      "+1",
                                      "tru",
                                      "{\"a\":1]",
                                      "[1}",
                                      "{\"a\":1,}",
                                      ",",
                                      "[]]",
                                      "{\"a\":1 \"b\":2}",
                                      "e5",
                                      "{,}"};
    static const char *const good[] = {
        "[]",     "{}", "[[],{}]", "null", "0", "\"\\\\\"", "{\"a\":{\"b\":[]}}", " [ 1 , 2 ] ", "{\"a\":1,\"b\":2}",
        "[{},{}]"};
    buf_init(&text, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (strncmp(formats_of(str_from(bad[i]), false), "JSON", 4) == 0)
            CHECK_TEXT(bad[i], "not JSON");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (strncmp(formats_of(str_from(good[i]), false), "JSON", 4) != 0)
            CHECK_TEXT(good[i], "JSON");
    char deep[3000];
    memset(deep, '[', sizeof deep);
    CHECK_TEXT(formats_of(str_make(deep, sizeof deep), false), "KAFKA_STRING");
    for (size_t n = 0; n < 40; n++) /* prefixes are looked at within their bounds */
        (void)formats_of(str_make("{\"a\\u00e9\": [1.5e3, \"x\\\"\", {\"b\": null}]}", n), true);
    buf_free(&text);
}

TEST(engine_guess, narrowing)
{
    struct guess g;
    buf_init(&text, 0);
    guess_init(&g, true);
    CHECK(strstr(formats(&g), "no data processed") != NULL);
    CHECK(!guess_narrow(&g, str_make(NULL, 0)));
    CHECK(guess_narrow(&g, STR("1234")));
    CHECK_TEXT(formats(&g), "JSON or KAFKA_INT or KAFKA_STRING");
    CHECK(!guess_narrow(&g, STR("1235")));
    CHECK(guess_narrow(&g, STR("12")));
    CHECK_TEXT(formats(&g), "JSON or KAFKA_STRING");
    CHECK(guess_narrow(&g, STR("x")));
    CHECK_TEXT(formats(&g), "KAFKA_STRING");
    CHECK(guess_narrow(&g, BYTES("\0")));
    CHECK_TEXT(formats(&g), "UNRECOGNIZED_BYTES");
    buf_free(&text);
}

TEST(engine_guess, showing)
{
    buf_init(&text, 0);
    CHECK_TEXT(shown(str_make(NULL, 0), false), "<null>");
    CHECK_TEXT(shown(STR("text"), false), "1952807028"); /* four bytes are an INT first, as in ksqlDB */
    CHECK_TEXT(shown(STR("texts"), false), "texts");
    CHECK_TEXT(shown(BYTES("\xff\xff\xff\xff"), false), "-1");
    CHECK_TEXT(shown(BYTES("\xff\xff\xff\xff\xff\xff\xff\xfe"), false), "-2");
    CHECK_TEXT(shown(BYTES("\xff\0a\\"
                           "b"),
                     false),
               "\\xFF\\x00a\\x5Cb");
    CHECK_TEXT(shown(BYTES("key\0\0\1\x8b\xcf\xe5\x68\0"), true), "[key@1700000000000/-]");
    CHECK_TEXT(shown(BYTES("k\0\0\1\x8b\xcf\xe5\x68\5\0\0\1\x8b\xcf\xe5\x68\0"), true),
               "[k@1700000000000/1700000000005]");
    buf_free(&text);
}
