/* Binding of expressions: result types, planned casts, and what is refused. */
#include "tests/unit/planner/harness.h"

#include <stdio.h>

static const struct {
    const char *sql, *type, *bound; /* bound NULL: not looked at */
} good[] = {
    {"I + 1", "INTEGER", "(I + 1)"},
    {"I + B", "BIGINT", "(CAST(I AS BIGINT) + B)"},
    {"I + D", "DOUBLE", "(CAST(I AS DOUBLE) + D)"},
    {"DEC + D", "DOUBLE", "(CAST(DEC AS DOUBLE) + D)"},
    {"DEC + DEC", "DECIMAL(5, 2)", "(DEC + DEC)"},
    {"DEC * DEC", "DECIMAL(9, 4)", NULL},
    {"DEC / DEC", "DECIMAL(11, 7)", NULL},
    {"DEC % DEC", "DECIMAL(4, 2)", NULL},
    {"I * DEC", "DECIMAL(15, 2)", "(CAST(I AS DECIMAL(10, 0)) * DEC)"},
    {"B + DEC", "DECIMAL(22, 2)", NULL},
    {"S + 'x'", "STRING", "(S + 'x')"},
    {"-I", "INTEGER", "-I"},
    {"1.50", "DECIMAL(3, 2)", "1.50"},
    {"0.01", "DECIMAL(3, 2)", "0.01"},
    {"0.0 + 1.5", "DECIMAL(3, 1)", NULL},
    {"I IN ('0.25')", "BOOLEAN", NULL},
    {"3000000000", "BIGINT", "3000000000"},
    {"1e3", "DOUBLE", "1000.0"},
    {"I = B", "BOOLEAN", "(CAST(I AS BIGINT) = B)"},
    {"I < D", "BOOLEAN", "(CAST(I AS DOUBLE) < D)"},
    {"DEC > 1", "BOOLEAN", "(DEC > 1)"},
    {"DA = '2020-01-01'", "BOOLEAN", "(DA = 2020-01-01)"},
    {"DA < TS", "BOOLEAN", "(CAST(DA AS TIMESTAMP) < TS)"},
    {"I BETWEEN 1 AND 2.5", "BOOLEAN", NULL},
    {"I IN (1, '2', B)", "BOOLEAN", "(CAST(I AS BIGINT) IN (1, 2, B))"},
    {"BO IN ('tr', false)", "BOOLEAN", "(BO IN (true, false))"},
    {"NOT BO", "BOOLEAN", "(NOT BO)"},
    {"BO AND I > 1 OR BO", "BOOLEAN", "((BO AND (I > 1)) OR BO)"},
    {"S LIKE 'a%' ESCAPE '!'", "BOOLEAN", "(S LIKE 'a%' ESCAPE '!')"},
    {"S IS NULL", "BOOLEAN", "(S IS NULL)"},
    {"CASE WHEN BO THEN 1 ELSE NULL END", "INTEGER", "(CASE WHEN BO THEN 1 ELSE null END)"},
    {"ARRAY[1, 2.5, D]", "ARRAY<DOUBLE>", "ARRAY[1.0, 2.5, D]"},
    {"ARRAY[NULL, '1', 'x']", "ARRAY<STRING>", NULL},
    {"ARRAY[1, '2']", "ARRAY<INTEGER>", "ARRAY[1, 2]"},
    {"MAP('a' := 1, 'b' := B)", "MAP<STRING, BIGINT>", "MAP('a':=1, 'b':=B)"},
    {"STRUCT(X := I, Y := S)", "STRUCT<`X` INTEGER, `Y` STRING>", "STRUCT(X:=I, Y:=S)"},
    {"ARRAY[STRUCT(X := 1), STRUCT(X := B, Y := 'q')]", "ARRAY<STRUCT<`X` BIGINT, `Y` STRING>>", NULL},
    {"A[1]", "INTEGER", "A[1]"},
    {"A[B]", "INTEGER", "A[CAST(B AS INTEGER)]"},
    {"M['k']", "INTEGER", "M['k']"},
    {"ST->G->H", "STRING", "ST->G->H"},
    {"CAST(I AS STRING)", "STRING", "CAST(I AS STRING)"},
    {"CAST(NULL AS DATE)", "DATE", "null"},
    {"ROWPARTITION", "INTEGER", "ROWPARTITION"},
    {"UCASE(S)", "STRING", "UCASE(S)"},
    {"S || 'x'", "STRING", NULL},
    {"ABS(I)", "INTEGER", NULL},
    {"TRANSFORM(A, X => X + I)", "ARRAY<INTEGER>", "TRANSFORM(A, ($0) => ($0 + I))"},
    {"REDUCE(A, B, (ACC, X) => ACC + X)", "BIGINT", NULL},
    {"TRANSFORM(A, X => A[X] + ARRAY_LENGTH(FILTER(A, Y => Y > X)))", "ARRAY<INTEGER>", NULL},
};

TEST(expr, types_and_casts)
{
    struct session s;
    session_open(&s);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const struct expr *e = session_expr(&s, good[i].sql);
        struct buf type, text;
        buf_init(&type, 0);
        buf_init(&text, 0);
        if (e) {
            type_print(&type, e->type);
            expr_print(&text, e);
        }
        unit_check_text(e ? buf_z(&type) : s.diag.message, good[i].type, good[i].sql, __FILE__, __LINE__);
        if (e && good[i].bound)
            unit_check_text(buf_z(&text), good[i].bound, good[i].sql, __FILE__, __LINE__);
        buf_free(&type);
        buf_free(&text);
    }
    session_close(&s);
}

static const struct {
    const char *sql, *message;
} bad[] = {
    {"NOPE", "Line: 1, Col: 8: SELECT column 'NOPE' cannot be resolved."},
    {"T.NOPE", "Line: 1, Col: 8: SELECT column 'T.NOPE' cannot be resolved."},
    {"BO + 1", "Error processing expression: (BO + 1). Unsupported arithmetic types. BOOLEAN INTEGER"},
    {"I + NULL", "Error processing expression: (I + null). Arithmetic on types INTEGER and null are not supported."},
    {"I = 'x'", "Cannot compare I (INTEGER) to 'x' (STRING) with EQUAL."},
    {"A < A", "Cannot compare A (ARRAY<INTEGER>) to A (ARRAY<INTEGER>) with LESS_THAN."},
    {"I <> NULL", "Comparison with NULL not supported: INTEGER <> NULL\nUse 'IS NULL' or 'IS NOT NULL' instead."},
    {"CASE WHEN I THEN 1 END", "WHEN operand type should be boolean.\nType for 'I' is INTEGER"},
    {"CASE WHEN BO THEN 1 WHEN BO THEN B END",
     "Invalid Case expression. Type for all 'THEN' clauses should be the same.\nTHEN expression 'WHEN BO THEN B' has "
     "type: BIGINT.\nPrevious THEN expression(s) type: INTEGER."},
    {"CASE WHEN BO THEN 1 ELSE S END",
     "Invalid Case expression. Type for the default clause should be the same as for 'THEN' clauses.\nTHEN type: "
     "INTEGER.\nDEFAULT type: STRING."},
    {"CASE WHEN BO THEN NULL END", "Invalid Case expression. All case branches have NULL type"},
    {"ARRAY[I, S]", "operator does not exist: INTEGER = STRING (S)\nHint: You might need to add explicit type casts."},
    {"ARRAY[1, 'x']", "invalid input syntax for type INTEGER: \"x\"."},
    {"I[1]", "Subscript expression (I[1]) do not apply to INTEGER."},
    {"ST[1]", "Subscript expression (ST[1]) do not apply to STRUCT<`F` INTEGER, `G` STRUCT<`H` STRING>>. Use the "
              "dereference operator for STRUCTS: ST->1"},
    {"ST->NO", "Could not find field 'NO' in 'ST'."},
    {"NO_SUCH(I)", "Can't find any functions with the name 'NO_SUCH'"},
    {"NULL", "Can't infer a type of null. Please explicitly cast it to a required type, e.g. CAST(null AS VARCHAR)."},
    {"STRUCT(X := 1, X := 2)", "Duplicate field names found in STRUCT: '`X` INTEGER' and '`X` INTEGER'"},
    {"TRANSFORM(A, I => I)", "Exception while preparing statement: Lambda function argument can't be a column name: I"},
};

TEST(expr, refused)
{
    struct session s;
    session_open(&s);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct expr *e = session_expr(&s, bad[i].sql);
        unit_check_text(e ? "no error" : s.diag.message, bad[i].message, bad[i].sql, __FILE__, __LINE__);
        CHECK(e || s.diag.where.line > 0);
    }
    session_close(&s);
}

TEST(expr, late_errors_are_framed)
{
    struct session s;
    session_open(&s);
    CHECK(session_expr(&s, "CAST(BO AS INT)") == NULL);
    CHECK(strncmp(s.diag.message, "Invalid Select: Cast of BOOLEAN to INTEGER is not supported. expression: ", 70) ==
          0);
    CHECK_INT(session_run(&s, "SELECT I FROM T WHERE I IN ('x') EMIT CHANGES;"), STATUS_STATEMENT);
    CHECK(strstr(s.diag.message, "Invalid Predicate: invalid input syntax for type INTEGER: \"x\".") == s.diag.message);
    CHECK_INT(session_run(&s, "SELECT I FROM T WHERE I > 'x' EMIT CHANGES;"), STATUS_STATEMENT);
    CHECK_TEXT(s.diag.message,
               "Error in WHERE expression: Cannot compare I (INTEGER) to 'x' (STRING) with GREATER_THAN.");
    CHECK_TEXT(s.diag.context, "(I > 'x')");
    CHECK_INT(session_run(&s, "SELECT I FROM T WHERE I + 1 EMIT CHANGES;"), STATUS_STATEMENT);
    CHECK_TEXT(s.diag.message,
               "Type error in WHERE expression: Should evaluate to boolean but is (I + 1) (INTEGER) instead.");
    session_close(&s);
}

TEST(expr, times_written_as_text)
{
    struct session s;
    session_open(&s);
    (void)session_expr(&s, "I");
    CHECK_INT(session_run(&s, "SELECT I FROM T WHERE ROWTIME >= '1970-01-02' EMIT CHANGES;"), STATUS_OK);
    const struct expr *e = s.last.plan->sink->inputs[0]->inputs[0]->filter.predicate;
    CHECK_INT(e->args[1]->value.kind, KIND_BIGINT);
    CHECK_INT(e->args[1]->value.i64, MS_PER_DAY);
    CHECK_INT(session_run(&s, "SELECT I FROM T WHERE ROWTIME >= 'soon' EMIT CHANGES;"), STATUS_STATEMENT);
    CHECK(strstr(s.diag.message, "Failed to parse timestamp 'soon'") != NULL);
    session_close(&s);
}
