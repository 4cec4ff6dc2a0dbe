/* Variable substitution. */
#include "parser/parser.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static const struct {
    const char *name, *value;
} variables[] = {
    {"name", "my_stream"}, {"quoted", "`x y`"},     {"text", "'it's'"}, {"number", "-1.5e3"},
    {"bad", "a; DROP"},    {"outer", "<${inner}>"}, {"inner", "deep"},  {"loop", "${loop}${loop}"},
    {"bare", "it's"},      {"yes", "TRUE"},         {"id", "`ok_1`"},
};

static bool lookup(void *context, struct str name, struct str *value)
{
    (void)context;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        if (str_eq(name, str_from(variables[i].name))) {
            *value = str_from(variables[i].value);
            return true;
        }
    }
    return false;
}

/* The substituted text, or the message. */
static const char *substituted(struct arena *a, const char *text)
{
    static struct diag d;
    const struct ast_stmt *s;
    struct str out;
    diag_clear(&d);
    arena_clear(a);
    if (parser_statement(a, str_from(text), NULL, &s, &d) == STATUS_OK &&
        parser_substitute(a, s, lookup, NULL, &out, &d) == STATUS_OK)
        return str_dup(a, out).p;
    return d.message;
}

TEST(variables, places)
{
    struct arena a;
    arena_init(&a, 0);
    CHECK_TEXT(substituted(&a, "SELECT ${id}.x, a FROM ${name} b;"), "SELECT `ok_1`.x, a FROM my_stream b;");
    CHECK_TEXT(substituted(&a, "SELECT ${number}, ${text}, ${yes} FROM s;"), "SELECT -1.5e3, 'it''s', TRUE FROM s;");
    CHECK_TEXT(substituted(&a, "SELECT '${bare} ${outer} ${none} $' FROM s;"),
               "SELECT 'it''s <deep> ${none} $' FROM s;");
    CHECK_TEXT(substituted(&a, "SET 'a'='${name}';"), "SET 'a'='my_stream';");
    CHECK_TEXT(substituted(&a, "DEFINE x = '${name}';"), "DEFINE x = 'my_stream';");
    CHECK_TEXT(substituted(&a, "PRINT '${name}-x';"), "PRINT 'my_stream-x';");
    CHECK_TEXT(substituted(&a, "SELECT a FROM s -- ${name}\n;"), "SELECT a FROM s -- ${name}\n;");
    arena_free(&a);
}

TEST(variables, refused)
{
    struct arena a;
    arena_init(&a, 0);
    CHECK_TEXT(substituted(&a, "SELECT a FROM ${bad};"),
               "Illegal argument at Line: 1, Col: 15. Identifier names cannot start with '@' and may only contain "
               "alphanumeric values and '_'. Got: 'a; DROP'");
    CHECK_TEXT(substituted(&a, "SELECT a FROM ${none};"),
               "Illegal argument at Line: 1, Col: 15. Identifier names cannot start with '@' and may only contain "
               "alphanumeric values and '_'. Got: '${none}'");
    CHECK_TEXT(substituted(&a, "SELECT ${name} FROM s;"), "Illegal argument at Line: 1, Col: 8. Got: 'my_stream'");
    CHECK_TEXT(substituted(&a, "SELECT\n${none} FROM s;"), "Illegal argument at Line: 2, Col: 1. Got: '${none}'");
    CHECK_TEXT(substituted(&a, "SELECT '${loop}${loop}' FROM s;"),
               "Illegal argument: the value of a variable is too large.");
    arena_free(&a);
}
