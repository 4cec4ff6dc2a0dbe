/* Garbage, huge inputs and exhausted memory: nothing crashes, nothing leaks, and errors are said. */
#include "call_text.h"
#include "functions/functions_int.h"
#include "functions/json_text.h"
#include "functions/regex.h"

#include <stdio.h>

static uint64_t seed;

static uint32_t pick(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % n;
}

/* A text of up to 20 pieces of an alphabet. */
static struct str garbage(char *to, const char *const *pieces, uint32_t n_pieces)
{
    uint32_t n = pick(20), len = 0;
    for (uint32_t i = 0; i < n; i++) {
        const char *piece = pieces[pick(n_pieces)];
        memcpy(to + len, piece, strlen(piece));
        len += (uint32_t)strlen(piece);
    }
    to[len] = '\0';
    return str_make(to, len);
}

TEST(robustness, regex)
{
    static const char *const pieces[] = {"a", "b",  "[",   "]",   "(",    ")",     "^",        "$",  ".",   "*",  "+",
                                         "?", "\\", "&&",  "-",   "{",    "}",     "1",        ",",  "|",   "(?", "<",
                                         ":", "i",  "\\Q", "\\E", "\\p{", "\\u00", "\xC3\xA9", "\n", "\xFF"};
    seed = 5;
    for (int i = 0; i < 20000; i++) {
        char pattern[128], text[128], error[256] = "";
        struct str p = garbage(pattern, pieces, sizeof pieces / sizeof *pieces);
        struct str t = garbage(text, pieces, sizeof pieces / sizeof *pieces);
        struct regex *r = regex_compile(p, error, sizeof error);
        if (r)
            regex_find(r, t, 0, error, sizeof error);
        else
            CHECK(error[0] != '\0');
        regex_free(r);
    }
}

TEST(robustness, json)
{
    static const char *const pieces[] = {"{",  "}",    "[",    "]", ",",  ":",   "\"",   "\"a\"",    "1",    "-",  ".",
                                         "e5", "true", "null", " ", "\\", "\\u", "d83d", "\xC3\xA9", "\xFF", "\n", "0"};
    seed = 6;
    for (int i = 0; i < 20000; i++) {
        char text[128], error[256] = "";
        struct arena a;
        struct buf first, second;
        arena_init(&a, 0);
        buf_init(&first, 0);
        buf_init(&second, 0);
        const struct json *j =
            json_parse(&a, garbage(text, pieces, sizeof pieces / sizeof *pieces), error, sizeof error);
        CHECK(j || error[0]);
        if (j && j->kind != JSON_MISSING) {
            /* What was printed reads the same again. */
            json_print(&first, j);
            const struct json *again = json_parse(&a, buf_str(&first), error, sizeof error);
            REQUIRE(again != NULL);
            json_print(&second, again);
            CHECK(str_eq(buf_str(&first), buf_str(&second)));
        }
        buf_free(&first);
        buf_free(&second);
        arena_free(&a);
    }
}

TEST(robustness, texts)
{
    static const char *const pieces[] = {"a",        "B",
                                         " ",        "''",
                                         "%",        "\xF0\x9F\x98\x80",
                                         "\xC3\x9F", "\xED\xA0\x80",
                                         "\xFF",     "\xC3",
                                         "http://",  "/",
                                         "?",        "#",
                                         "[",        "]",
                                         "@",        ":",
                                         "&",        "=",
                                         "\\",       "\\u004b",
                                         "0",        "x"};
    static const char *const calls[] = {"UCASE('%s')",
                                        "LCASE('%s')",
                                        "INITCAP('%s')",
                                        "MASK('%s')",
                                        "LEN('%s')",
                                        "SUBSTRING('%s', 2, 3)",
                                        "INSTR('%s', 'a', -2)",
                                        "LPAD('%s', 7, '%s')",
                                        "SPLIT('%s', '')",
                                        "REPLACE('%s', '', 'x')",
                                        "URL_EXTRACT_HOST('%s')",
                                        "URL_EXTRACT_PARAMETER('%s', 'a')",
                                        "URL_DECODE_PARAM('%s')",
                                        "CHR('%s')",
                                        "ENCODE('%s', 'base64', 'utf8')",
                                        "ENCODE('%s', 'utf8', 'ascii')",
                                        "TO_JSON_STRING('%s')",
                                        "SPLIT_TO_MAP('%s', 'a', '=')",
                                        "TRIM('%s')"};
    seed = 7;
    for (int i = 0; i < 4000; i++) {
        char text[128], call[512];
        garbage(text, pieces, sizeof pieces / sizeof *pieces);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(call, sizeof call, calls[pick(sizeof calls / sizeof *calls)], text, text);
#pragma GCC diagnostic pop
        CHECK(call_text(call) != NULL);
    }
}

TEST(robustness, memory)
{
    struct diag d = DIAG_INIT;
    REQUIRE(functions_init(true, &d) == STATUS_OK);
    bool done = false;
    for (long n = 1; !done && n < 200; n++) {
        struct arena a;
        struct resolved_call call;
        arena_init(&a, 0);
        diag_clear(&d);
        struct arg_info args[2] = {{&TYPE_INT, 0}, {&TYPE_DOUBLE, 0}};
        mem_fail_after(n);
        enum status st = function_resolve(&a, function_find(STR("GREATEST")), args, 2, NULL, NULL, &call, &d);
        mem_fail_after(0);
        CHECK(st == STATUS_OK || st == STATUS_NOMEM);
        done = st == STATUS_OK;
        arena_free(&a);
    }
    CHECK(done);
    done = false;
    for (long n = 1; !done && n < 200; n++) {
        diag_clear(&d);
        struct arg_info args[2] = {{&TYPE_INT, 0}, {&TYPE_STRING, 0}};
        struct resolved_call call;
        struct arena a;
        arena_init(&a, 0);
        mem_fail_after(n);
        enum status st = function_resolve(&a, function_find(STR("GREATEST")), args, 2, NULL, NULL, &call, &d);
        mem_fail_after(0);
        CHECK(st == STATUS_STATEMENT || st == STATUS_NOMEM);
        done = st == STATUS_STATEMENT;
        arena_free(&a);
    }
    CHECK(done);
}

/* Each function is in the registry once, with signatures that parse, names and a way to run. */
TEST(robustness, tables)
{
    struct diag d = DIAG_INIT;
    size_t n = 0;
    REQUIRE(functions_init(true, &d) == STATUS_OK);
    const struct function *const *all = functions_all(&n);
    uint32_t scalar = 0, aggregate = 0, table = 0;
    for (size_t i = 0; i < n; i++) {
        const struct function *f = all[i];
        bool test = strcmp(f->category, "TEST") == 0;
        scalar += !test && f->kind == FUNCTION_SCALAR;
        aggregate += !test && f->kind == FUNCTION_AGGREGATE;
        table += !test && f->kind == FUNCTION_TABLE;
        CHECK(f->description && f->n_variants > 0);
        CHECK(str_eq_nocase(str_from(f->name), str_from(f->declared_name)));
        const struct signature *s = function_signatures(f);
        REQUIRE(s != NULL);
        for (uint32_t v = 0; v < f->n_variants; v++) {
            const struct function_variant *variant = &f->variants[v];
            CHECK(f->kind == FUNCTION_AGGREGATE ? variant->aggregate != NULL : variant->fn != NULL);
            CHECK(s[v].computed == (variant->result_type != NULL));
            if (variant->aggregate)
                CHECK(variant->aggregate->merge && variant->aggregate->init && variant->aggregate->result);
        }
    }
    CHECK_INT(scalar, 129);
    CHECK_INT(aggregate, 18);
    CHECK_INT(table, 2);
}
