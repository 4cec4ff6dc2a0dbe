/* Text to tree to text: the formatter's text parses to a tree that formats alike. */
#include "tests/unit/parser/corpus.h"
#include "parser/parser.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

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
        if (getenv("SHOW"))
            fprintf(stderr, "%s\n", buf_z(&first));
        buf_free(&first);
        buf_free(&second);
        arena_free(&a);
    }
}
