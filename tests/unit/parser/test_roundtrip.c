/* Text to tree to text: the formatter's text parses to a tree that formats alike. */
#include "tests/unit/parser/corpus.h"
#include "parser/parser.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static const struct parse_options options = {.test_statements = true};

static bool format(struct arena *a, const char *text, struct buf *out, struct diag *d)
{
    const struct ast_stmt *s;
    if (parser_statement(a, str_from(text), &options, &s, d) != STATUS_OK)
        return false;
    ast_format_stmt(out, s);
    return true;
}

TEST(roundtrip, corpus)
{
    for (int i = 0; corpus[i]; i++) {
        struct arena a;
        struct buf first, second;
        struct diag d = DIAG_INIT;
        arena_init(&a, 0);
        buf_init(&first, 0);
        buf_init(&second, 0);
        bool ok = format(&a, corpus[i], &first, &d);
        if (!ok)
            fprintf(stderr, "\n%s\n  %s\n", corpus[i], d.message);
        CHECK(ok);
        ok = ok && format(&a, buf_z(&first), &second, &d);
        if (!ok)
            fprintf(stderr, "\n%s\n  %s\n", buf_z(&first), d.message);
        CHECK(ok);
        if (ok)
            CHECK_TEXT(buf_z(&second), buf_z(&first));
        buf_free(&first);
        buf_free(&second);
        arena_free(&a);
    }
}

/* A random piece of a random statement: from one blank to another. */
static void put_piece(struct buf *out, uint32_t *seed)
{
    int n = 0;
    while (corpus[n])
        n++;
    *seed = *seed * 1664525 + 1013904223;
    const char *text = corpus[(*seed >> 8) % (uint32_t)n];
    size_t len = strlen(text) - 1, from, to;
    *seed = *seed * 1664525 + 1013904223;
    from = (*seed >> 8) % len;
    *seed = *seed * 1664525 + 1013904223;
    to = from + (*seed >> 8) % (len - from + 1);
    while (from > 0 && text[from - 1] != ' ')
        from--;
    while (to < len && text[to] != ' ')
        to++;
    buf_put(out, text + from, to - from);
    buf_putc(out, ' ');
}

/* Statements spliced from pieces of the corpus: most do not parse; those that do must survive the round trip. */
TEST(roundtrip, spliced)
{
    uint32_t seed = 1;
    int n_parsed = 0;
    for (int i = 0; i < 30000; i++) {
        struct arena a;
        struct buf text, first, second;
        struct diag d = DIAG_INIT;
        arena_init(&a, 0);
        buf_init(&text, 0);
        buf_init(&first, 0);
        buf_init(&second, 0);
        buf_puts(&text, i % 2 ? STR("SELECT ") : STR(""));
        for (int k = 0; k <= i % 4; k++)
            put_piece(&text, &seed);
        buf_puts(&text, i % 2 ? STR(" FROM s") : STR(""));
        if (format(&a, buf_z(&text), &first, &d)) {
            n_parsed++;
            CHECK(format(&a, buf_z(&first), &second, &d));
            CHECK_TEXT(buf_z(&second), buf_z(&first));
        }
        buf_free(&text);
        buf_free(&first);
        buf_free(&second);
        arena_free(&a);
    }
    CHECK(n_parsed > 1000);
}

/* a OP b OP b ...; `links` are taken in turn. */
static const struct ast_expr *chain(struct arena *a, const char *const links[2], int n)
{
    const struct ast_expr *e = NULL;
    struct diag d = DIAG_INIT;
    struct buf text;
    buf_init(&text, 0);
    buf_puts(&text, STR("A"));
    for (int i = 0; i < n; i++)
        buf_puts(&text, str_from(links[i % 2]));
    CHECK_INT(parser_expression(a, str_dup(a, buf_str(&text)), &e, &d), STATUS_OK);
    REQUIRE(e != NULL);
    buf_free(&text);
    return e;
}

TEST(roundtrip, long_chains)
{
    static const char *const links[][2] = {{" OR B", " OR C"}, {" AND B", " AND C"}, {" || B", " || C"},
                                           {" + B", " - C"},   {" * B", " % C"},     {" + B", " * C"}};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        for (int n = 97; n < 120; n++) {
            struct arena a;
            struct buf text, again, message;
            struct diag d = DIAG_INIT;
            const struct ast_expr *back;
            arena_init(&a, 0);
            buf_init(&text, 0);
            buf_init(&again, 0);
            buf_init(&message, 0);
            const struct ast_expr *e = chain(&a, links[i], n);
            ast_format_expr(&text, e);
            CHECK_INT(parser_expression(&a, buf_str(&text), &back, &d), STATUS_OK);
            CHECK(ast_expr_eq(e, back));
            ast_format_expr(&again, back);
            CHECK_TEXT(buf_z(&again), buf_z(&text));
            /* messages have a pair of brackets an operator, whatever the tree is */
            ast_expr_print(&message, e);
            int open = 0;
            for (size_t at = 0; at < message.len; at++)
                open += message.p[at] == '(';
            CHECK_INT(open, n);
            buf_free(&text);
            buf_free(&again);
            buf_free(&message);
            arena_free(&a);
        }
    }
}

TEST(roundtrip, chains_differ_by_their_operators)
{
    static const char *const plus_minus[2] = {" + B", " - B"}, *const plus[2] = {" + B", " + B"};
    struct arena a;
    arena_init(&a, 0);
    const struct ast_expr *x = chain(&a, plus_minus, 150), *y = chain(&a, plus, 150);
    CHECK(x->n_args > 2);
    CHECK_INT(x->n_args, y->n_args);
    CHECK(ast_expr_eq(x, chain(&a, plus_minus, 150)));
    CHECK(!ast_expr_eq(x, y));
    arena_free(&a);
}
