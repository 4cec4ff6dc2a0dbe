/* The tree: what the text means. */
#include "parser/parser.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>

static struct arena arena;

static const struct ast_expr *expr(const char *text)
{
    const struct ast_expr *e = NULL;
    struct diag d = DIAG_INIT;
    arena_clear(&arena);
    if (parser_expression(&arena, str_from(text), &e, &d) != STATUS_OK)
        fprintf(stderr, "\n%s: %s\n", text, d.message);
    return e;
}

static const char *printed(const char *text)
{
    const struct ast_expr *e = expr(text);
    return e ? ast_expr_text(&arena, e).p : "";
}

static const void *statement(const char *text, enum ast_stmt_kind kind)
{
    const struct ast_stmt *s = NULL;
    struct diag d = DIAG_INIT;
    arena_clear(&arena);
    if (parser_statement(&arena, str_from(text), &(struct parse_options){.test_statements = true}, &s, &d) != STATUS_OK)
        fprintf(stderr, "\n%s: %s\n", text, d.message);
    REQUIRE(s != NULL);
    CHECK_INT(s->kind, kind);
    return s;
}

static bool is(struct str s, const char *text)
{
    return str_eq(s, str_from(text));
}

TEST(tree, literals)
{
    CHECK_INT(expr("12")->kind, AST_INT);
    CHECK_INT(expr("-2147483648")->kind, AST_INT);
    CHECK_INT(expr("-2147483648")->integer, INT32_MIN);
    CHECK_INT(expr("2147483648")->kind, AST_BIGINT);
    CHECK_INT(expr("- /* x */ 9223372036854775808")->integer, INT64_MIN);
    CHECK_INT(expr("1.50")->kind, AST_DECIMAL);
    CHECK(is(expr("-1.50")->text, "-1.50"));
    CHECK(is(expr("DECIMAL '1e3'")->text, "1e3"));
    CHECK_INT(expr("1e3")->kind, AST_DOUBLE);
    CHECK(fabs(expr("-1.5E-1")->number + 0.15) < 1e-12);
    CHECK(is(expr("'a''b'")->text, "a'b"));
    CHECK(is(expr("''")->text, ""));
    CHECK_INT(expr("NULL")->kind, AST_NULL);
    CHECK(expr("True")->boolean);
    CHECK_INT(expr("${x}")->kind, AST_VARIABLE);
    CHECK_INT(expr("a - 1")->kind, AST_ARITHMETIC);
    CHECK_INT(expr("a -1")->kind, AST_ARITHMETIC);
    CHECK_INT(expr("date -1")->kind, AST_ARITHMETIC);
}

TEST(tree, names)
{
    CHECK(is(expr("aB_1@c")->text, "AB_1@C"));
    CHECK(is(expr("`a``b`")->text, "a`b"));
    CHECK(is(expr("\"a\"\"b\"")->text, "a\"b"));
    CHECK(expr("\"a\"")->quoted);
    CHECK(is(expr("1abc")->text, "1ABC"));
    CHECK(is(expr("s.\"c\"")->source, "S"));
    CHECK(is(expr("emit")->text, "EMIT"));
    CHECK(is(expr("`f`(1)")->text, "f"));
    CHECK(is(expr("ucase(1)")->text, "UCASE"));
}

TEST(tree, precedence)
{
    CHECK_TEXT(printed("NOT a = 1 AND b OR c"), "(((NOT (A = 1)) AND B) OR C)");
    CHECK_TEXT(printed("a || b + c * -d"), "concat(A, (B + (C * -D)))");
    CHECK_TEXT(printed("a - b - c"), "((A - B) - C)");
    CHECK_TEXT(printed("a NOT BETWEEN 1 AND 2 AND b NOT IN (1) OR c NOT LIKE 'x'"),
               "(((NOT (A BETWEEN 1 AND 2)) AND (NOT (B IN (1)))) OR (NOT (C LIKE 'x')))");
    CHECK_TEXT(printed("a->b[1]->c"), "A->B[1]->C");
    CHECK_TEXT(printed("-a->b"), "-A->B");
    CHECK_TEXT(printed("-(-1)"), "- -1");
    CHECK_TEXT(printed("(a)"), "A");
}

TEST(tree, message_style)
{
    CHECK_TEXT(printed("CAST(`x y` AS INT)"), "CAST(x y AS INTEGER)");
    CHECK_TEXT(printed("CAST(a AS DECIMAL(4,2))"), "CAST(A AS DECIMAL(4, 2))");
    CHECK_TEXT(printed("count(*)"), "COUNT(*)");
    CHECK_TEXT(printed("sum(*)"), "SUM()");
    CHECK_TEXT(printed("map('k' := v)"), "MAP('k':=V)");
    CHECK_TEXT(printed("struct(f := v, `g` := 1.5e0)"), "STRUCT(F:=V, g:=1.5E0)");
    CHECK_TEXT(printed("CASE WHEN a THEN 'it''s' ELSE null END"), "(CASE WHEN A THEN 'it''s' ELSE null END)");
    CHECK_TEXT(printed("f(a, x => x, (x, y) => y)"), "F(A, (X) => X, (X, Y) => Y)");
    CHECK_TEXT(printed("s.a IS NOT NULL"), "(S.A IS NOT NULL)");
    CHECK_TEXT(printed("a IS DISTINCT FROM b"), "(A IS DISTINCT FROM B)");
    CHECK_TEXT(printed("a LIKE 'p' ESCAPE 'e'"), "(A LIKE 'p' ESCAPE 'e')");
    CHECK_TEXT(printed("0e0"), "0E0");
    CHECK_TEXT(printed("-123.25e-30"), "-1.2325E-28");
}

TEST(tree, lambda_arguments)
{
    const struct ast_expr *e = expr("f(a, (x, y) => x + s.x + y + z)");
    const struct ast_expr *lambda = e->args[1];
    CHECK_INT(lambda->kind, AST_LAMBDA);
    CHECK_INT(lambda->n_names, 2);
    const struct ast_expr *sum = lambda->args[0];
    CHECK_INT(sum->args[1]->kind, AST_COLUMN);                       /* z */
    CHECK_INT(sum->args[0]->args[1]->kind, AST_LAMBDA_VAR);          /* y */
    CHECK_INT(sum->args[0]->args[0]->args[1]->kind, AST_COLUMN);     /* s.x */
    CHECK_INT(sum->args[0]->args[0]->args[0]->kind, AST_LAMBDA_VAR); /* x */
}

TEST(tree, spans)
{
    struct script script;
    struct diag d = DIAG_INIT;
    const char *text = "-- c\nSHOW TABLES ;\n\n /* x */ EXPLAIN  SELECT \xc3\xa4"
                       "x FROM t;";
    text = "-- c\nSHOW TABLES ;\n\n /* \xc3\xa4 */ EXPLAIN  SELECT a, bc FROM t;  ";
    arena_clear(&arena);
    REQUIRE(parser_parse(&arena, str_from(text), NULL, &script, &d) == STATUS_OK);
    REQUIRE(script.n == 2);
    CHECK(is(script.statements[0]->text, "SHOW TABLES ;"));
    CHECK_INT(script.statements[0]->span.end - script.statements[0]->span.begin, strlen("SHOW TABLES"));
    CHECK_INT(script.statements[1]->span.line, 4);
    CHECK_INT(script.statements[1]->span.column, 10);
    const struct ast_explain *e = (const struct ast_explain *)script.statements[1];
    CHECK(is(e->statement->text, "SELECT a, bc FROM t;"));
    CHECK_INT(e->statement->span.column, 19);
    const struct ast_query *q = ((const struct ast_stmt_query *)e->statement)->query;
    CHECK_INT(q->items[1].span.column, 29);
    CHECK_INT(q->items[1].span.end - q->items[1].span.begin, 2);
}

TEST(tree, query)
{
    const struct ast_stmt_query *s =
        statement("SELECT a x, b.*, c->* FROM s AS t LEFT JOIN u WITHIN (1 DAY, 2 HOURS) GRACE "
                  "PERIOD 3 MINUTES ON t.a = u.b WINDOW HOPPING (SIZE 5 SECONDS, ADVANCE BY 1 "
                  "SECOND) GROUP BY a, b EMIT FINAL LIMIT 7",
                  STMT_QUERY);
    const struct ast_query *q = s->query;
    CHECK_INT(q->n_items, 3);
    CHECK(is(q->items[0].alias.text, "X"));
    CHECK_INT(q->items[1].kind, ITEM_SOURCE_STAR);
    CHECK_INT(q->items[2].kind, ITEM_STRUCT_STAR);
    CHECK(is(q->from.alias.text, "T"));
    REQUIRE(q->n_joins == 1);
    CHECK_INT(q->joins[0].type, JOIN_LEFT);
    CHECK_INT(q->joins[0].before.ms, 86400000);
    CHECK_INT(q->joins[0].after.ms, 7200000);
    CHECK_INT(q->joins[0].grace.ms, 180000);
    CHECK(q->joins[0].source.alias.text.p == NULL);
    CHECK_INT(q->window->kind, WINDOW_HOPPING);
    CHECK_INT(q->window->advance.ms, 1000);
    CHECK(!ast_duration_given(&q->window->grace));
    CHECK_INT(q->group_by.n, 2);
    CHECK(!ast_keys_given(&q->partition_by));
    CHECK_INT(q->emit, EMIT_FINAL);
    CHECK_INT(q->limit, 7);
}

TEST(tree, statements)
{
    const struct ast_create_source *c =
        statement("create or replace source table t (a int primary key, b bytes header('h')) with ('Kafka_Topic'='x')",
                  STMT_CREATE_SOURCE);
    CHECK(c->is_table && c->or_replace && c->is_source && c->has_elements && !c->if_not_exists);
    CHECK_INT(c->elements[0].role, AST_ROLE_PRIMARY_KEY);
    CHECK(is(c->elements[1].header, "h"));
    CHECK(is(c->with.items[0].name.text, "KAFKA_TOPIC"));
    const struct ast_describe *d = statement("DESCRIBE tables EXTENDED", STMT_DESCRIBE);
    CHECK_INT(d->what, DESCRIBE_TABLES);
    d = statement("DESCRIBE `TABLES`", STMT_DESCRIBE);
    CHECK_INT(d->what, DESCRIBE_SOURCE);
    const struct ast_print *p = statement("PRINT myTopic", STMT_PRINT);
    CHECK(is(p->topic.text, "myTopic"));
    CHECK_INT(p->interval, 1);
    const struct ast_setting *define = statement("DEFINE format = 'it''s'", STMT_DEFINE);
    CHECK(is(define->name.text, "format"));
    CHECK(is(define->value, "it's"));
    define = statement("DEFINE stream = 'x'", STMT_DEFINE);
    CHECK(is(define->name.text, "stream"));
    const struct ast_query_control *q = statement("TERMINATE q_1", STMT_TERMINATE);
    CHECK(is(q->query.text, "q_1"));
    const struct ast_insert_values *v = statement("ASSERT NULL VALUES t (a) KEY (1)", STMT_ASSERT_NULL_VALUES);
    CHECK_INT(v->n_values, 1);
}

TEST(tree, schema_and_types)
{
    const struct ast_element *elements;
    const struct ast_type *t;
    const struct type *type;
    uint32_t n;
    struct diag d = DIAG_INIT;
    struct buf out;
    arena_clear(&arena);
    CHECK_INT(parser_schema(&arena, STR("ID INT KEY, `f` STRUCT<a STRING, B DECIMAL(3,1)>"), &elements, &n, &d),
              STATUS_OK);
    CHECK_INT(n, 2);
    CHECK_INT(elements[0].role, AST_ROLE_KEY);
    CHECK_INT(parser_schema(&arena, STR(""), &elements, &n, &d), STATUS_OK);
    CHECK_INT(n, 0);
    CHECK_INT(parser_schema(&arena, STR("ID"), &elements, &n, &d), STATUS_PARSE);
    diag_clear(&d);
    buf_init(&out, 0);
    REQUIRE(parser_type_text(&arena, STR("map<varchar, struct<a int array, b decimal(3,1)>>"), &t, &d) == STATUS_OK);
    REQUIRE(parser_type(&arena, t, NULL, NULL, &type, &d) == STATUS_OK);
    type_print(&out, type);
    CHECK_TEXT(buf_z(&out), "MAP<STRING, STRUCT<`A` ARRAY<INTEGER>, `B` DECIMAL(3, 1)>>");
    buf_free(&out);
}

static const char *type_message(const char *text, struct diag *d)
{
    const struct ast_type *t;
    const struct type *type;
    arena_clear(&arena);
    diag_clear(d);
    REQUIRE(parser_type_text(&arena, str_from(text), &t, d) == STATUS_OK);
    enum status st = parser_type(&arena, t, NULL, NULL, &type, d);
    CHECK_INT(st, d->code);
    return d->message;
}

TEST(tree, type_errors)
{
    struct diag d;
    CHECK_TEXT(type_message("array<foo>", &d), "Cannot resolve unknown type: FOO");
    CHECK_TEXT(type_message("DECIMAL(0,0)", &d), "DECIMAL precision must be >= 1: DECIMAL(0,0)");
    CHECK_TEXT(type_message("DECIMAL(1,-1)", &d), "DECIMAL scale must be >= 0: DECIMAL(1,-1)");
    CHECK_TEXT(type_message("DECIMAL(1,2)", &d), "DECIMAL precision must be >= scale: DECIMAL(1,2)");
    CHECK_TEXT(type_message("STRUCT<f INT, F STRING>", &d),
               "Duplicate field names found in STRUCT: '`F` INTEGER' and '`F` STRING'");
}

TEST(tree, directives)
{
    struct script script;
    struct diag d = DIAG_INIT;
    arena_clear(&arena);
    REQUIRE(parser_parse(&arena, STR("--@test: one \nSHOW TABLES; --@ two\n-- three\nSELECT '--@no' FROM a;\n--@"),
                         NULL, &script, &d) == STATUS_OK);
    REQUIRE(script.n_directives == 3);
    CHECK(is(script.directives[0].text, "test: one"));
    CHECK(is(script.directives[1].text, "two"));
    CHECK_INT(script.directives[1].span.line, 2);
    CHECK_INT(script.directives[1].span.column, 14);
    CHECK(is(script.directives[2].text, ""));
}

TEST(tree, equality)
{
    struct arena other;
    const struct ast_expr *x;
    struct diag d = DIAG_INIT;
    arena_init(&other, 0);
    REQUIRE(parser_expression(&other, STR("f(a || 1e3, CAST(b AS MAP<STRING, INT>), x => x)"), &x, &d) == STATUS_OK);
    CHECK(ast_expr_eq(x, expr("F(CONCAT(A, 1000e0), cast(`B` as map<string,int>), X => X)")));
    CHECK(!ast_expr_eq(x, expr("F(CONCAT(A, 1001e0), cast(`B` as map<string,int>), X => X)")));
    CHECK(!ast_expr_eq(x, expr("F(CONCAT(A, 1000e0), cast(`B` as map<string,bigint>), X => X)")));
    CHECK(!ast_expr_eq(x, expr("F(CONCAT(A, 1000e0), cast(`B` as map<string,int>), Y => Y)")));
    arena_free(&other);
}

TEST(tree, keywords)
{
    const char *const *words = sql_keywords();
    CHECK(sql_is_reserved(STR("select")));
    CHECK(!sql_is_reserved(STR("date")));
    CHECK(!sql_is_reserved(STR("foo")));
    CHECK(!sql_is_reserved(STR("")));
    for (int i = 1; words[i]; i++)
        CHECK(strcmp(words[i - 1], words[i]) < 0);
}
