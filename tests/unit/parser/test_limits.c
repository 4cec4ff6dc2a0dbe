/* Hostile and huge texts, and memory that runs out. */
#include "parser/parser.h"
#include "tests/unit/parser/corpus.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static void repeat(struct buf *out, const char *piece, int n)
{
    for (int i = 0; i < n; i++)
        buf_puts(out, str_from(piece));
}

/* Parses before piece*n middle after*n behind; the status. */
static enum status nested(const char *before, const char *piece, const char *middle, const char *after,
                          const char *behind, int n, struct diag *d)
{
    struct arena a;
    struct script script;
    struct buf text;
    arena_init(&a, 0);
    buf_init(&text, 0);
    repeat(&text, before, 1);
    repeat(&text, piece, n);
    repeat(&text, middle, 1);
    repeat(&text, after, n);
    repeat(&text, behind, 1);
    diag_clear(d);
    enum status st = parser_parse(&a, buf_str(&text), NULL, &script, d);
    for (uint32_t i = 0; st == STATUS_OK && i < script.n; i++)
        st = parser_prepare(script.statements[i], d);
    buf_free(&text);
    arena_free(&a);
    return st;
}

static const char *const nestings[][5] = {
    {"SELECT ", "(", "a", ")", " FROM s;"},
    {"SELECT ", "NOT ", "a", "", " FROM s;"},
    {"SELECT ", "- ", "a", "", " FROM s;"},
    {"SELECT ", "a + (", "a", ")", " FROM s;"},
    {"SELECT ", "a OR NOT a AND a = b || c + d * - (", "a", ")", " FROM s;"},
    {"SELECT ", "f(a, ", "a", ")", " FROM s;"},
    {"SELECT ", "f(a, x => ", "x", ")", " FROM s;"},
    {"SELECT ", "ARRAY[", "a", "]", " FROM s;"},
    {"SELECT ", "MAP(1 := ", "a", ")", " FROM s;"},
    {"SELECT ", "STRUCT(x := ", "a", ")", " FROM s;"},
    {"SELECT ", "CASE WHEN a THEN ", "a", " END", " FROM s;"},
    {"SELECT ", "CASE ", "a", " WHEN a THEN b END", " FROM s;"},
    {"SELECT ", "CAST(", "a", " AS INT)", " FROM s;"},
    {"SELECT a", "[1]", "", "", " FROM s;"},
    {"SELECT a", "->b", "", "", " FROM s;"},
    {"SELECT CAST(a AS ", "ARRAY<", "INT", ">", ") FROM s;"},
    {"SELECT CAST(a AS ", "MAP<STRING, ", "INT", ">", ") FROM s;"},
    {"CREATE STREAM s (a ", "STRUCT<x ", "INT", ">", ");"},
    {"SELECT CAST(a AS INT ", "ARRAY ", "", "", ") FROM s;"},
    {"", "EXPLAIN ", "SHOW TABLES;", "", ""},
};

TEST(limits, nesting)
{
    for (size_t i = 0; i < sizeof nestings / sizeof nestings[0]; i++) {
        const char *const *n = nestings[i];
        struct diag d;
        CHECK_INT(nested(n[0], n[1], n[2], n[3], n[4], 100, &d), STATUS_OK);
        for (int levels = 10000; levels <= 300000; levels *= 30) {
            enum status st = nested(n[0], n[1], n[2], n[3], n[4], levels, &d);
            CHECK_INT(st, STATUS_INVALID);
            CHECK_TEXT(d.message, "Error processing statement: Statement is too large to parse. This may be caused by "
                                  "having too many nested expressions in the statement.");
        }
    }
}

/* Chains of one operator are long, not deep. */
TEST(limits, chains)
{
    static const char *const links[] = {" OR b = 1", " AND NOT b",  " + b - 1",    " * b / c",
                                        " || b",     " OR b AND c", " - (b + (c))"};
    struct diag d;
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        for (int n = 1; n <= 300000; n = n * 10 + n / 3)
            CHECK_INT(nested("SELECT a", links[i], "", "", " FROM s;", n, &d), STATUS_OK);
}

/* Open ends: nothing closes what was opened. */
TEST(limits, unclosed)
{
    struct diag d;
    static const char *const pieces[] = {"(",  "[",       "'",     "''", "\"", "`",  "/*",          "*/", "--",
                                         "${", "$",       "CASE ", "a,", "<",  "||", ".",           ";",  "x",
                                         "-",  "SELECT ", "\n",    ")",  "1",  "1e", "\xe2\x82\xac"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        enum status st = nested("SELECT ", pieces[i], "", "", "", 300000, &d);
        CHECK(st == STATUS_PARSE || st == STATUS_INVALID);
        CHECK(d.message[0] != '\0');
    }
}

TEST(limits, wide_statements)
{
    struct diag d;
    int big = 10 << 20, n = 1 << 20;
    CHECK_INT(nested("SELECT * FROM s WHERE a IN (1", ",1234567", "", "", ");", big / 8, &d), STATUS_OK);
    CHECK_INT(nested("SELECT '", "x", "", "", "' FROM s;", big, &d), STATUS_OK);
    CHECK_INT(nested("SELECT '", "''", "", "", "' FROM s;", big / 2, &d), STATUS_OK);
    CHECK_INT(nested("", " ", "", "", "SHOW TABLES;", big, &d), STATUS_OK);
    CHECK_INT(nested("SELECT ", "a", "", "", " FROM s;", big, &d), STATUS_OK);
    CHECK_INT(nested("INSERT INTO s VALUES (1", ", 'abc'", "", "", ");", n / 7, &d), STATUS_OK);
    CHECK_INT(nested("SELECT a", ", f(b, 1) AS c", "", "", " FROM s;", n / 15, &d), STATUS_OK);
    CHECK_INT(nested("", "SHOW TABLES;", "", "", "", n / 12, &d), STATUS_OK);
    CHECK_INT(nested("SELECT k FROM s GROUP BY a", ", b", "", "", ";", n / 3, &d), STATUS_PARSE);
    CHECK_TEXT(d.message, "Failed to prepare statement: Duplicate GROUP BY expression: B");
}

TEST(limits, bytes)
{
    struct arena a;
    struct script script;
    struct diag d = DIAG_INIT;
    arena_init(&a, 0);
    CHECK_INT(parser_parse(&a, STR("SELECT '\xff' FROM s;"), NULL, &script, &d), STATUS_PARSE);
    CHECK_TEXT(d.message, "The text is not valid UTF-8.");
    diag_clear(&d);
    CHECK_INT(parser_parse(&a, STR("SELECT 'a\0b' FROM s;"), NULL, &script, &d), STATUS_OK);
    CHECK_INT(((const struct ast_stmt_query *)script.statements[0])->query->items[0].expr->text.len, 3);
    CHECK_INT(parser_parse(&a, STR("SELECT a\0 FROM s;"), NULL, &script, &d), STATUS_PARSE);
    CHECK_INT(d.where.column, 9);
    diag_clear(&d);
    CHECK_INT(parser_parse(&a, (struct str){NULL, 0}, NULL, &script, &d), STATUS_OK);
    CHECK_INT(script.n, 0);
    CHECK_INT(parser_parse(&a, STR(" -- x\n/* y */ "), NULL, &script, &d), STATUS_OK);
    CHECK_INT(script.n, 0);
    arena_free(&a);
}

/* Every prefix of every statement, and every statement with one character taken out: no crash, and a message. */
TEST(limits, broken_statements)
{
    for (int i = 0; corpus[i]; i++) {
        size_t len = strlen(corpus[i]);
        for (size_t cut = 0; cut < len; cut++) {
            struct arena a;
            struct script script;
            struct diag d = DIAG_INIT;
            char text[2048];
            arena_init(&a, 0);
            enum status st = parser_parse(&a, str_make(corpus[i], cut), NULL, &script, &d);
            CHECK((st == STATUS_OK) == (d.message[0] == '\0'));
            memcpy(text, corpus[i], cut);
            memcpy(text + cut, corpus[i] + cut + 1, len - cut - 1);
            diag_clear(&d);
            st = parser_parse(&a, str_make(text, len - 1), NULL, &script, &d);
            CHECK((st == STATUS_OK) == (d.message[0] == '\0'));
            for (uint32_t k = 0; st == STATUS_OK && k < script.n; k++)
                st = parser_prepare(script.statements[k], &d);
            arena_free(&a);
        }
    }
}

static bool find_x(void *context, struct str name, struct str *value)
{
    (void)context;
    (void)name;
    *value = STR("xyz");
    return true;
}

/* One statement with the nth allocation failing: NOMEM or success, never a crash or a leak. */
static enum status run_once(const char *text)
{
    struct arena a;
    const struct ast_stmt *s;
    struct diag d = DIAG_INIT;
    struct str out;
    struct buf formatted;
    arena_init(&a, 0);
    buf_init(&formatted, 0);
    enum status st = parser_statement(&a, str_from(text), &(struct parse_options){.test_statements = true}, &s, &d);
    if (st == STATUS_OK)
        st = parser_prepare(s, &d);
    if (st == STATUS_OK)
        ast_format_stmt(&formatted, s);
    if (st == STATUS_OK && parser_substitute(&a, s, find_x, NULL, &out, &d) == STATUS_NOMEM)
        st = STATUS_NOMEM;
    if (formatted.failed)
        st = STATUS_NOMEM;
    buf_free(&formatted);
    arena_free(&a);
    return st;
}

TEST(limits, memory_runs_out)
{
    static const char *const broken[] = {"SELECT 99999999999999999999 FROM s;",
                                         "SELECT a b c FROM d;",
                                         "CREATE TABLE s (a INT KEY, h INT HEADERS);",
                                         "SELECT F(a, (x, x) => x) FROM s GROUP BY a, a;",
                                         "FOO;",
                                         NULL};
    for (int set = 0; set < 2; set++) {
        const char *const *texts = set ? broken : corpus;
        for (int i = 0; texts[i]; i++) {
            enum status expected = run_once(texts[i]);
            for (long n = 1;; n++) {
                mem_fail_after(n);
                enum status st = run_once(texts[i]);
                mem_fail_after(0);
                if (st == expected)
                    break;
                CHECK_INT(st, STATUS_NOMEM);
                if (st != STATUS_NOMEM || n > 10000)
                    break;
            }
        }
    }
}
