/* The wording of errors, with their places. */
#include "parser/parser.h"
#include "tests/unit/unit.h"

#include <stdio.h>

/* The message of parsing, then preparing, `text`; "" if nothing is wrong. */
static const char *message_of(const char *text, struct diag *d)
{
    struct arena a;
    struct script script;
    arena_init(&a, 0);
    diag_clear(d);
    enum status st = parser_parse(&a, str_from(text), NULL, &script, d);
    for (uint32_t i = 0; st == STATUS_OK && i < script.n; i++)
        st = parser_prepare(script.statements[i], d);
    CHECK_INT(st, d->code);
    arena_free(&a);
    return d->message;
}

#define CHECK_MESSAGE(text, expected)                                                                                  \
    do {                                                                                                               \
        struct diag d_;                                                                                                \
        CHECK_TEXT(message_of((text), &d_), (expected));                                                               \
    } while (0)

TEST(errors, unknown_statement)
{
    CHECK_MESSAGE("RUN SCRIPT 'foo';", "line 1:1: Syntax Error\nUnknown statement 'RUN'\nDid you mean 'PRINT'?");
    CHECK_MESSAGE("SELCT * FROM a;", "line 1:1: Syntax Error\nUnknown statement 'SELCT'\nDid you mean 'SELECT'?");
    CHECK_MESSAGE("LIST TOPICS;\n crate STREAM x;",
                  "line 2:2: Syntax Error\nUnknown statement 'crate'\nDid you mean 'CREATE'?");
    CHECK_MESSAGE(";", "line 1:1: Syntax Error\nUnknown statement ';'\nDid you mean 'SET'?");
}

TEST(errors, no_viable_choice)
{
    CHECK_MESSAGE("ASSERT VALUES foo (id INT) VALUES (123);",
                  "line 1:8: Syntax Error\nSyntax error at or near 'VALUES' at line 1:8");
    CHECK_MESSAGE("SELECT FROM a;", "line 1:8: Syntax Error\nSyntax error at or near 'FROM' at line 1:8");
    CHECK_MESSAGE("SELECT a + FROM a;", "line 1:12: Syntax Error\nSyntax error at or near 'FROM' at line 1:12");
    CHECK_MESSAGE("SELECT a 5 FROM a;", "line 1:10: Syntax Error\nSyntax error at or near '5' at line 1:10");
    CHECK_MESSAGE("SELECT CAST(a AS NULL) FROM a;",
                  "line 1:18: Syntax Error\nSyntax error at or near 'NULL' at line 1:18");
    CHECK_MESSAGE("SELECT * FROM a WHERE a IN ( );",
                  "line 1:30: Syntax Error\nSyntax error at or near ')' at line 1:30");
    CHECK_MESSAGE("CREATE FOO x;", "line 1:8: Syntax Error\nSyntax error at or near 'FOO' at line 1:8");
    CHECK_MESSAGE("DROP x;", "line 1:6: Syntax Error\nSyntax error at or near 'x' at line 1:6");
    CHECK_MESSAGE("CREATE STREAM x FOO;", "line 1:17: Syntax Error\nSyntax error at or near 'FOO' at line 1:17");
    CHECK_MESSAGE("SELECT a # b FROM c;", "line 1:10: Syntax Error\nSyntax error at or near '#' at line 1:10");
    CHECK_MESSAGE("SELECT 'abc FROM c;", "line 1:8: Syntax Error\nSyntax error at or near ''' at line 1:8");
    CHECK_MESSAGE("SELECT \xc3\xa4, \xe2\x82\xac FROM c;",
                  "line 1:8: Syntax Error\nSyntax error at or near '\xc3\xa4' at line 1:8");
}

TEST(errors, expecting)
{
    CHECK_MESSAGE("CREATE STREAM INPUT (K VARCHAR (KEY)) WITH (x='y');",
                  "line 1:33: Syntax Error\nExpecting {'STRING', INTEGER_VALUE}");
    CHECK_MESSAGE("SET x = 'y';", "line 1:5: Syntax Error\nExpecting STRING");
    CHECK_MESSAGE("CREATE STREAM x (a INT b INT);", "line 1:24: Syntax Error\nExpecting {',', ')'}");
    CHECK_MESSAGE("SELECT a b c FROM d;", "line 1:12: Syntax Error\nExpecting {',', 'FROM'}");
    CHECK_MESSAGE("SHOW TABLES foo;", "line 1:13: Syntax Error\nExpecting ';'");
    CHECK_MESSAGE("SELECT * FROM S1 ORDER BY k DESC;", "line 1:24: Syntax Error\n");
}

TEST(errors, reserved_missing_and_end)
{
    CHECK_MESSAGE(
        "SHOW TABLES FROM;",
        "line 1:13: Syntax Error\n\"FROM\" is a reserved keyword and it can't be used as an identifier. You can "
        "use it as an identifier by escaping it as 'FROM' ");
    CHECK_MESSAGE("SELECT * FROM x", "line 1:16: Syntax Error\nmissing ';' at '<EOF>'");
    CHECK_MESSAGE("SELECT * FROM x SELECT * FROM y;", "line 1:17: Syntax Error\nmissing ';' at 'SELECT'");
    CHECK_MESSAGE("CREATE STREAM x (a INT",
                  "line 1:23: Syntax Error\nSyntax error at or near \";\"\n'}', ']', or ')' is missing");
}

TEST(errors, context_is_the_failing_line)
{
    struct diag d;
    message_of("SHOW TABLES;\nCREATE STREAM x (a INT b);\nSHOW TABLES;", &d);
    CHECK_TEXT(d.context, "CREATE STREAM x (a INT b);");
    CHECK_INT(d.where.line, 2);
    CHECK_INT(d.where.column, 24);
    CHECK_INT(d.where.begin, 13 + 23);
    CHECK_INT(d.where.end, 13 + 24);
}

TEST(errors, mistakes)
{
    CHECK_MESSAGE("SELECT 1 FROM a;\nSELECT 9223372036854775808 FROM a;",
                  "Failed to prepare statement: line 2:9: Invalid numeric literal: 9223372036854775808");
    CHECK_MESSAGE("SELECT -9223372036854775808 FROM a;", "");
    CHECK_MESSAGE("SELECT -1e400 FROM a;", "Failed to prepare statement: line 1:9: Number overflows DOUBLE: -1e400");
    CHECK_MESSAGE("SELECT * FROM a LIMIT 1.5;",
                  "Failed to prepare statement: Value must be integer for command: LIMIT");
    CHECK_MESSAGE("SELECT CAST(a AS DECIMAL(1.0, 2)) FROM a;",
                  "Failed to prepare statement: Value must be integer for command: DECIMAL(PRECISION)");
    CHECK_MESSAGE("PRINT x INTERVAL 1e1;", "Failed to prepare statement: Value must be integer for command: INTERVAL");
    CHECK_MESSAGE(
        "SELECT * FROM `a b`;",
        "Illegal argument at Line: 1, Col: 15. Source names may only contain alphanumeric values, '_' or '-'. Got: "
        "'a b'");
    CHECK_MESSAGE("SELECT x.a FROM b y;",
                  "Failed to prepare statement: 'X' is not a valid stream/table name or alias.");
    CHECK_MESSAGE("SELECT x.* FROM b y;",
                  "Failed to prepare statement: 'X' is not a valid stream/table name or alias.");
    CHECK_MESSAGE("SELECT b.*, y.a FROM b y;", "");
    CHECK_MESSAGE("INSERT INTO t (k) VALUES (FOO.bar);",
                  "Failed to prepare statement: 'FOO' is not a valid stream/table name or alias.");
    CHECK_MESSAGE("SELECT * FROM a WHERE\n b LIKE 'x' ESCAPE 'ab';",
                  "Failed to prepare statement: Line: 2, Col: 2: Expected single character escape but got: ab");
    CHECK_MESSAGE("SELECT * FROM a WHERE b LIKE 'x' ESCAPE '\xe2\x82\xac';", "");
    CHECK_MESSAGE("SELECT DATE '2020-01-01' FROM a;",
                  "Failed to prepare statement: Unknown type: DATE, location:Line: 1, Col: 8");
    CHECK_MESSAGE("CREATE STREAM x AS SELECT * FROM a LIMIT 1;",
                  "Failed to prepare statement: CREATE STREAM AS SELECT statements don't support LIMIT clause.");
    CHECK_MESSAGE("CREATE TABLE x AS SELECT * FROM a LIMIT 1;",
                  "Failed to prepare statement: CREATE TABLE AS SELECT statements don't support LIMIT clause.");
    CHECK_MESSAGE("SELECT a FROM b GROUP BY ();",
                  "Failed to prepare statement: GROUP BY requires at least one expression");
    CHECK_MESSAGE("SELECT a FROM b PARTITION BY a + 1, c, a+1;",
                  "Failed to prepare statement: Duplicate PARTITION BY expression: (A + 1)");
    CHECK_MESSAGE("INSERT INTO t VALUES ();",
                  "Failed to prepare statement: Expected some values for INSERT INTO statement.");
    CHECK_MESSAGE("CREATE STREAM s (a INT, b INT, A STRING, b INT, b INT);",
                  "Failed to prepare statement: Duplicate column names: `A`, `B`");
    CHECK_MESSAGE("SELECT F(a, (x, y, x) => x) FROM b;",
                  "Failed to prepare statement: Lambda arguments have duplicates: [X, Y, X]");
    CHECK_MESSAGE("ASSERT SCHEMA;",
                  "Failed to prepare statement: ASSERT SCHEMA statements much include a subject name or an id");
    CHECK_MESSAGE("ASSERT SCHEMA ID 1.5;", "Failed to prepare statement: ID must be an integer");
    struct diag d;
    message_of("SELECT * FROM a JOIN b WITHIN 1 DAY;", &d);
    CHECK(strstr(d.message, "Failed to prepare statement: Invalid join criteria specified.") == d.message);
}

TEST(errors, key_kinds_and_headers)
{
    struct diag d;
    message_of("CREATE TABLE INPUT (ID INT KEY, NAME STRING);", &d);
    CHECK_TEXT(d.message, "Line: 1, Col: 21: Column `ID` is a 'KEY' column: please use 'PRIMARY KEY' for tables.\n"
                          "Tables have PRIMARY KEYs, which are unique and NON NULL.\n"
                          "Streams have KEYs, which have no uniqueness or NON NULL constraints.");
    CHECK_TEXT(d.context, "`ID`");
    CHECK_INT(d.code, STATUS_PARSE);
    CHECK(strstr(message_of("CREATE STREAM S (ID INT PRIMARY KEY);", &d),
                 "Column `ID` is a 'PRIMARY KEY' column: please use 'KEY' for streams.") != NULL);
    CHECK_MESSAGE("CREATE STREAM s (h ARRAY<INT> HEADERS);",
                  "Failed to prepare statement: Invalid type for HEADERS column: expected ARRAY<STRUCT<`KEY` STRING, "
                  "`VALUE` BYTES>>, got ARRAY<INTEGER>");
    CHECK_MESSAGE("CREATE STREAM s (h STRING HEADER('k'));",
                  "Failed to prepare statement: Invalid type for HEADER('k') column: expected BYTES, got STRING");
    CHECK_MESSAGE("CREATE STREAM s (h ARRAY<STRUCT<key VARCHAR, value BYTES>> HEADERS);", "");
}

TEST(errors, only_one_statement_fails)
{
    struct arena a;
    struct script script;
    struct diag d = DIAG_INIT;
    arena_init(&a, 0);
    REQUIRE(parser_parse(&a, STR("SHOW TABLES; SELECT 99999999999999999999 FROM a; SHOW TABLES;"), NULL, &script, &d) ==
            STATUS_OK);
    CHECK_INT(script.n, 3);
    CHECK_INT(parser_prepare(script.statements[0], &d), STATUS_OK);
    CHECK_INT(parser_prepare(script.statements[2], &d), STATUS_OK);
    CHECK_INT(parser_prepare(script.statements[1], &d), STATUS_PARSE);
    arena_free(&a);
}

TEST(errors, hints)
{
    struct diag d;
    message_of("SELECT 'abc FROM c;", &d);
    CHECK_TEXT(d.hint, "the closing ' is missing");
    message_of("SELECT a AS Values FROM c;", &d);
    CHECK_TEXT(d.hint, "Values is a reserved word; as a name it is written `Values`");
    message_of("SELECT a b c FROM c;", &d);
    CHECK_TEXT(d.hint, "");
}

TEST(errors, rendering)
{
    struct diag d;
    struct buf out;
    const char *text = "SHOW TABLES;\n  SELECT \xc3\xa4\x01 FROM x;";
    message_of(text, &d);
    diag_hint(&d, "try this");
    buf_init(&out, 0);
    diag_render(&out, &d, str_from(text), false);
    CHECK_TEXT(buf_z(&out), "error: line 2:10: Syntax Error\nSyntax error at or near '\xc3\xa4' at line 2:10\n"
                            "     2 |   SELECT \xc3\xa4  FROM x;\n"
                            "       |          ^\n"
                            "hint: try this\n");
    buf_free(&out);
}

TEST(errors, rendering_long_lines)
{
    struct diag d = DIAG_INIT;
    struct buf out, text;
    buf_init(&text, 0);
    buf_init(&out, 0);
    for (int i = 0; i < 1000; i++)
        buf_puts(&text, STR("0123456789"));
    diag_set_at(&d, STATUS_PARSE, (struct span){1, 5001, 5000, 5003}, "here");
    diag_render(&out, &d, buf_str(&text), true);
    CHECK(strstr(buf_z(&out), "^^^\033[0m\n") != NULL);
    CHECK(out.len < 400);
    out.len = 0;
    diag_render(&out, &d, STR("short"), false);
    CHECK_TEXT(buf_z(&out), "error: here\n");
    buf_free(&out);
    buf_free(&text);
}
