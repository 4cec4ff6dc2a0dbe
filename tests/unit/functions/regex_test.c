/* Regular expressions: Java's syntax on PCRE2. */
#include "call_text.h"
#include "functions/regex.h"

#include <stdio.h>

static const char *first_match(const char *pattern, const char *text)
{
    static char shown[512];
    char error[256];
    uint32_t start, end;
    struct regex *r = regex_compile(str_from(pattern), error, sizeof error);
    if (!r) {
        snprintf(shown, sizeof shown, "! %s", error);
        return shown;
    }
    enum regex_result found = regex_find(r, str_from(text), 0, error, sizeof error);
    if (found == REGEX_MATCH && regex_group(r, 0, &start, &end))
        snprintf(shown, sizeof shown, "%u-%u", start, end);
    else
        snprintf(shown, sizeof shown, "%s", found == REGEX_ERROR ? error : "none");
    regex_free(r);
    return shown;
}

TEST(regex, extract)
{
    CHECK_CALL("REGEXP_EXTRACT('test.', 'some_test_string')", "test_");
    CHECK_CALL("REGEXP_EXTRACT('test.', 'anothertest')", "null");
    CHECK_CALL("REGEXP_EXTRACT('(.*) (.*)', 'steven zhang', 2)", "zhang");
    CHECK_CALL("REGEXP_EXTRACT('(.*) (.*)', 'steven zhang', 3)", "null");
    CHECK_CALL("REGEXP_EXTRACT('(a)|(b)', 'b', 1)", "null");
    CHECK_CALL("REGEXP_EXTRACT('.*', 'a', -1)", "! No group -1");
    CHECK_CALL("REGEXP_EXTRACT(null:STRING, 'a')", "null");
    CHECK_CALL("REGEXP_EXTRACT_ALL('test.', 'some_test_string_testabab')", "[test_, testa]");
    CHECK_CALL("REGEXP_EXTRACT_ALL('(a)|(b)', 'ab', 1)", "[a, null]");
    CHECK_CALL("REGEXP_EXTRACT_ALL('x', 'abc')", "[]");
    CHECK_CALL("REGEXP_EXTRACT_ALL('x*', 'ax')", "[, x, ]");
    CHECK_CALL("REGEXP_EXTRACT('(', 'a')", "! missing closing parenthesis");
}

TEST(regex, replace)
{
    CHECK_CALL("REGEXP_REPLACE('baabbabaa', '(ab)+', 'cat')", "bacatbcataa");
    CHECK_CALL("REGEXP_REPLACE('abc', 'x*', '-')", "-a-b-c-");
    CHECK_CALL("REGEXP_REPLACE('abc', 'b*', '-')", "-a--c-");
    CHECK_CALL("REGEXP_REPLACE('john smith', '(\\w+) (\\w+)', '$2, $1')", "smith, john");
    CHECK_CALL("REGEXP_REPLACE('ab', '(?<x>a)', '${x}${x}')", "aab");
    CHECK_CALL("REGEXP_REPLACE('a', '(a)', '$12')", "a2");
    CHECK_CALL("REGEXP_REPLACE('a', 'a', '\\$1')", "$1");
    CHECK_CALL("REGEXP_REPLACE('a', 'a', '$9')", "! No group 9");
    CHECK_CALL("REGEXP_REPLACE('a', 'a', '$')", "! Illegal group reference");
    CHECK_CALL("REGEXP_REPLACE('a', 'a', '${y}')", "! No group with name {y}");
    CHECK_CALL("REGEXP_REPLACE('a', 'a', '\\')", "! character to be escaped is missing");
    CHECK_CALL("REGEXP_REPLACE('\xC3\xA9', '', '-')", "-\xC3\xA9-");
}

TEST(regex, split)
{
    CHECK_CALL("REGEXP_SPLIT_TO_ARRAY('aabcda', '(ab|cd)')", "[a, , a]");
    CHECK_CALL("REGEXP_SPLIT_TO_ARRAY('xabx', 'x')", "[, ab, ]");
    CHECK_CALL("REGEXP_SPLIT_TO_ARRAY('abc', '')", "[a, b, c]");
    CHECK_CALL("REGEXP_SPLIT_TO_ARRAY('xaxbxx', 'x*')", "[, , a, , b]");
    CHECK_CALL("REGEXP_SPLIT_TO_ARRAY('', 'x')", "[]");
    CHECK_CALL("REGEXP_SPLIT_TO_ARRAY('abc', null:STRING)", "null");
}

TEST(regex, java_syntax)
{
    CHECK_TEXT(first_match("[a-z&&[^b]]+", "bbaccb"), "2-5");
    CHECK_TEXT(first_match("[a-c[x-z]]+", "mbxq"), "1-3");
    CHECK_TEXT(first_match("[^a-c[x-z]]+", "bxmm"), "2-4");
    CHECK_TEXT(first_match("[a-z&&[def]&&[^e]]+", "aefd"), "2-4");
    CHECK_TEXT(first_match("[]a]+", "x]a"), "1-3");
    CHECK_TEXT(first_match("\\p{Alpha}+\\p{Punct}", "12ab!"), "2-5");
    CHECK_TEXT(first_match("\\p{Lu}", "a\xC3\x9C"), "1-3");
    CHECK_TEXT(first_match("\\p{IsL}\\P{L}", "1a2"), "1-3");
    CHECK_TEXT(first_match("\\pL+", "1ab"), "1-3");
    CHECK_TEXT(first_match("\\u00e9\\x41", "\xC3\xA9"
                                           "A"),
               "0-3");
    CHECK_TEXT(first_match("\\ud83d\\ude00", "a\xF0\x9F\x98\x80"), "1-5");
    CHECK_TEXT(first_match("\\0101", "A"), "0-1");
    CHECK_TEXT(first_match("\\Qa.b\\E+", "a.bb"), "0-4");
    CHECK_TEXT(first_match("a++b", "aab"), "0-3");
    CHECK_TEXT(first_match("(?<n>a)\\k<n>", "xaa"), "1-3");
    CHECK_TEXT(first_match("(?i)ABC", "xabc"), "1-4");
    CHECK_TEXT(first_match("(?iu:ABC)", "xabc"), "1-4");
    CHECK_TEXT(first_match("\\bcaf\xC3\xA9\\b", "caf\xC3\xA9"), "0-5");
    CHECK_TEXT(first_match("\\w+", "\xC3\xA9"
                                   "a"),
               "2-3");
    CHECK_TEXT(first_match("\\s", "\xC2\xA0\x0B"), "2-3");
}

TEST(regex, line_ends)
{
    CHECK_TEXT(first_match("a.b", "a\nb"), "none");
    CHECK_TEXT(first_match("a.b", "a\xE2\x80\xA8"
                                  "b"),
               "none");
    CHECK_TEXT(first_match("a.b", "a\x0B"
                                  "b"),
               "0-3");
    CHECK_TEXT(first_match("(?s)a.b", "a\nb"), "0-3");
    CHECK_TEXT(first_match("a$", "a\r\n"), "0-1");
    CHECK_TEXT(first_match("a$", "a\n"), "0-1");
    CHECK_TEXT(first_match("a$", "a\nb"), "none");
    CHECK_TEXT(first_match("(?m)a$", "a\nb"), "0-1");
    CHECK_TEXT(first_match("^b", "a\nb"), "none");
    CHECK_TEXT(first_match("(?m)^b", "a\nb"), "2-3");
}

TEST(regex, what_java_has_not)
{
    const char *bad[] = {"(?R)", "(?1)", "a\\Kb", "(?P<n>a)", "(?(1)a)", "(*FAIL)", "\\g1", "(?|a)",
                         "[a",   "\\y",  "a{2",   "(?#c)",    "\\u12",   "(?C1)",   "\\"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (strcmp(bad[i], "a{2") != 0)
            CHECK(first_match(bad[i], "aa")[0] == '!');
}

TEST(regex, no_pattern_runs_away)
{
    char text[64];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const char *result = first_match("(a+)+(?:b|c)\\1x", text);
    CHECK(strcmp(result, "none") == 0 || strncmp(result, "Matching failed", 15) == 0);
    struct buf nested;
    buf_init(&nested, 0);
    for (int i = 0; i < 5000; i++)
        buf_putc(&nested, '[');
    CHECK(first_match(buf_z(&nested), "a")[0] == '!');
    buf_free(&nested);
}

TEST(url, parts)
{
    CHECK_CALL("URL_EXTRACT_HOST('http://test@confluent.io:8080/nested/path?query&jobs')", "confluent.io");
    CHECK_CALL("URL_EXTRACT_PORT('http://test@confluent.io:8080/nested/path?query&jobs')", "8080");
    CHECK_CALL("URL_EXTRACT_PORT('http://test@confluent.io')", "null");
    CHECK_CALL("URL_EXTRACT_PATH('')", "");
    CHECK_CALL("URL_EXTRACT_HOST('')", "null");
    CHECK_CALL("URL_EXTRACT_PATH('http://')", "! URL input has invalid syntax: http://");
    CHECK_CALL("URL_EXTRACT_PATH('file:///x')", "/x");
    CHECK_CALL("URL_EXTRACT_PATH('http://www.test.com?query#fragment')", "");
    CHECK_CALL("URL_EXTRACT_PATH('http://a.b/x%20y')", "/x y");
    CHECK_CALL("URL_EXTRACT_QUERY('http://www.test.com/path?q1&q2')", "q1&q2");
    CHECK_CALL("URL_EXTRACT_QUERY('http://a.b/path')", "null");
    CHECK_CALL("URL_EXTRACT_FRAGMENT('http://www.test.com/?query#fragment')", "fragment");
    CHECK_CALL("URL_EXTRACT_PROTOCOL('www.confluent.io')", "null");
    CHECK_CALL("URL_EXTRACT_PROTOCOL('https://x')", "https");
    CHECK_CALL("URL_EXTRACT_HOST('http://under_score/x')", "null");
    CHECK_CALL("URL_EXTRACT_HOST('http://[::1]:80/')", "[::1]");
    CHECK_CALL("URL_EXTRACT_HOST('http://127.0.0.1/')", "127.0.0.1");
    CHECK_CALL("URL_EXTRACT_PATH('http://a b/')", "! URL input has invalid syntax: http://a b/");
    CHECK_CALL("URL_EXTRACT_PATH('http://a/{x}')", "! URL input has invalid syntax: http://a/{x}");
    CHECK_CALL("URL_EXTRACT_PATH('http://a/%zz')", "! URL input has invalid syntax: http://a/%zz");
    CHECK_CALL("URL_EXTRACT_PARAMETER('http://t/?one=a&two=url%20encoded&three', 'two')", "url encoded");
    CHECK_CALL("URL_EXTRACT_PARAMETER('http://t/?one=a&three', 'three')", "");
    CHECK_CALL("URL_EXTRACT_PARAMETER('http://t/?one=a', 'two')", "null");
}

TEST(url, parameters)
{
    CHECK_CALL("URL_ENCODE_PARAM('?foo $bar-_.*~\xC3\xA9')", "%3Ffoo+%24bar-_.*%7E%C3%A9");
    CHECK_CALL("URL_DECODE_PARAM('%3Ffoo+%24bar')", "?foo $bar");
    CHECK_CALL("URL_DECODE_PARAM('%C3')", "\xEF\xBF\xBD");
    CHECK_CALL("URL_DECODE_PARAM('%')", "! url_decode udf encountered an encoding exception while decoding: %");
}
