/* JSON functions, and the JSON reader under them. */
#include "call_text.h"
#include "functions/json_text.h"

#include <stdio.h>

TEST(json, extract)
{
    CHECK_CALL("EXTRACTJSONFIELD('{\"a\": {\"b\": [1, {\"c\": \"x\"}]}}', '$.a.b[1].c')", "x");
    CHECK_CALL("EXTRACTJSONFIELD('{\"a\": {\"b\": [1, 2.50]}}', '$.a.b')", "[1,2.50]");
    CHECK_CALL("EXTRACTJSONFIELD('{\"array\": [1.23450]}', '$.array[0]')", "1.23450");
    CHECK_CALL("EXTRACTJSONFIELD('{\"array\": [1]}', '$.array[-1]')", "! Invalid JSON path: '$.array[-1]'");
    CHECK_CALL("EXTRACTJSONFIELD('{\"@type\": 1e3}', '$.@type')", "1E+3");
    CHECK_CALL("EXTRACTJSONFIELD('{\"a b\": true}', '$[\"a b\"]')", "true");
    CHECK_CALL("EXTRACTJSONFIELD('{\"a\": null}', '$.a')", "null");
    CHECK_CALL("EXTRACTJSONFIELD('{\"a\": 1}', '$.b')", "null");
    CHECK_CALL("EXTRACTJSONFIELD('{\"a\": 1} rest', '$.a')", "1");
    CHECK_CALL("EXTRACTJSONFIELD('', '$.a')", "null");
    CHECK_CALL("EXTRACTJSONFIELD('{\"a\": 1', '$.a')", "! Invalid JSON format: ',' was expected at offset 7");
    CHECK_CALL("EXTRACTJSONFIELD('7', '$')", "7");
    CHECK_CALL("EXTRACTJSONFIELD('{}', 'a')", "! Invalid JSON path: 'a'");
    CHECK_CALL("EXTRACTJSONFIELD('{\"a\": 1, \"a\": 2}', '$.a')", "2");
    CHECK_CALL("EXTRACTJSONFIELD(null:STRING, '$.a')", "null");
}

TEST(json, arrays_and_objects)
{
    CHECK_CALL("IS_JSON_STRING('[1]')", "true");
    CHECK_CALL("IS_JSON_STRING('{')", "false");
    CHECK_CALL("IS_JSON_STRING('')", "false");
    CHECK_CALL("IS_JSON_STRING(null:STRING)", "false");
    CHECK_CALL("JSON_ARRAY_LENGTH('[1, [2]]')", "2");
    CHECK_CALL("JSON_ARRAY_LENGTH('{}')", "null");
    CHECK_CALL("JSON_ARRAY_CONTAINS('[1, 2.0, \"3\", null, true]', 2)", "false");
    CHECK_CALL("JSON_ARRAY_CONTAINS('[1, 2.0, \"3\", null, true]', 2e0)", "true");
    CHECK_CALL("JSON_ARRAY_CONTAINS('[1, 2.0, \"3\", null, true]', '3')", "true");
    CHECK_CALL("JSON_ARRAY_CONTAINS('[1, 2.0, \"3\", null, true]', null:INT)", "true");
    CHECK_CALL("JSON_ARRAY_CONTAINS('[1', 1)", "false");
    CHECK_CALL("JSON_KEYS('{\"b\": 1, \"a\": 2, \"b\": 3}')", "[b, a]");
    CHECK_CALL("JSON_KEYS('[]')", "null");
    CHECK_CALL("JSON_RECORDS('{\"Red\": 3, \"Green\": \"five\", \"x\": [1]}')", "{Red=3, x=[1], Green=five}");
    CHECK_CALL("JSON_ITEMS('[{\"a\": 1}, \"b\", 2.50]')", "[{\"a\":1}, \"b\", 2.50]");
}

TEST(json, concat)
{
    CHECK_CALL("JSON_CONCAT('{\"a\": 1}', '{\"b\": 2}')", "{\"a\":1,\"b\":2}");
    CHECK_CALL("JSON_CONCAT('{\"a\": {\"5\": 6}}', '{\"a\": {\"3\": 4}}')", "{\"a\":{\"3\":4}}");
    CHECK_CALL("JSON_CONCAT('[1, 2]', '{\"a\": 1}', '4')", "[1,2,{\"a\":1},4]");
    CHECK_CALL("JSON_CONCAT('null', 'null')", "[null,null]");
    CHECK_CALL("JSON_CONCAT('[1, [2]]', '[[[3]], [[[4]]]]')", "[1,[2],[[3]],[[[4]]]]");
    CHECK_CALL("JSON_CONCAT('1', '')", "null");
    CHECK_CALL("JSON_CONCAT('[]', '[]')", "[]");
    CHECK_CALL("JSON_CONCAT('{}', '{}')", "{}");
}

TEST(json, from_values)
{
    CHECK_CALL("TO_JSON_STRING('a\"b')", "\"a\\\"b\"");
    CHECK_CALL("TO_JSON_STRING(null:INT)", "null");
    CHECK_CALL("TO_JSON_STRING({'b': [1, null], 'a': []:INT})", "{\"a\":[],\"b\":[1,null]}");
    CHECK_CALL("TO_JSON_STRING(struct(Z: 1, A: 'x'))", "{\"A\":\"x\",\"Z\":1}");
    CHECK_CALL("TO_JSON_STRING(TIME'16:43:40')", "\"16:43:40\"");
    CHECK_CALL("TO_JSON_STRING(DATE'1972-09-27')", "\"1972-09-27\"");
    CHECK_CALL("TO_JSON_STRING(TIMESTAMP'1971-11-28T23:46:40')", "\"1971-11-28T23:46:40.000\"");
    CHECK_CALL("TO_JSON_STRING(x'21')", "\"IQ==\"");
    CHECK_CALL("TO_JSON_STRING(0.0000000001)", "0.0000000001");
    CHECK_CALL("TO_JSON_STRING(NaN)", "\"NaN\"");
}

static const char *reprinted(const char *text)
{
    static char shown[512];
    char error[256];
    struct arena a;
    struct buf out;
    arena_init(&a, 0);
    buf_init(&out, 0);
    const struct json *j = json_parse(&a, str_from(text), error, sizeof error);
    if (j)
        json_print(&out, j);
    snprintf(shown, sizeof shown, "%s", j ? buf_z(&out) : "bad");
    buf_free(&out);
    arena_free(&a);
    return shown;
}

TEST(json, reader)
{
    CHECK_TEXT(reprinted(" [ 1 , -2.5e3 , \"\\u00e9\\n\\ud83d\\ude00\" , true , false , null ] "),
               "[1,-2.5E+3,\"\xC3\xA9\\n\xF0\x9F\x98\x80\",true,false,null]");
    CHECK_TEXT(reprinted("\"\\ud83d\""), "\"?\"");
    const char *bad[] = {"[",       "[1",        "[1,",      "[1,]", "{",  "{\"a\"", "{\"a\":",  "{\"a\":1,}", "{a:1}",
                         "01",      "1.",        ".5",       "+1",   "1e", "-",      "tru",      "nul",        "\"",
                         "\"\\x\"", "\"\\u12\"", "\"a\nb\"", "'a'",  "}",  "[1}",    "{\"a\" 1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_TEXT(reprinted(bad[i]), "bad");
    char deep[4096];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    CHECK_TEXT(reprinted(deep), "bad");
    memset(deep, '1', 1500);
    deep[1500] = '\0';
    CHECK_TEXT(reprinted(deep), "bad");
}

static const char *file_error(const char *text)
{
    static char error[256];
    struct arena a;
    arena_init(&a, 0);
    error[0] = '\0';
    CHECK((json_parse_file(&a, str_from(text), error, sizeof error) == NULL) == (error[0] != '\0'));
    arena_free(&a);
    return error;
}

TEST(json, files)
{
    CHECK_TEXT(file_error("// one\n{\"a\": /* two */ [1, // three\n 2]}\n/* four\n */"), "");
    CHECK_TEXT(file_error("{}\n\n[]"), "line 3: something stands behind the document");
    CHECK_TEXT(file_error("[1,\n /* no end"), "line 2: unexpected end");
    CHECK_TEXT(file_error(" \n"), "line 2: unexpected end");
    CHECK_TEXT(file_error("/"), "line 1: unexpected character");
    CHECK_TEXT(reprinted("/* none */ 1"), "bad");
}
