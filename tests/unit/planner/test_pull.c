/* What pull queries refuse, and what depends on whether tables may be scanned. */
#include "tests/unit/planner/harness.h"

static const char setup[] =
    "CREATE STREAM S (K STRING KEY, I INT, V INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);"
    "CREATE TABLE ONE AS SELECT K, COUNT(*) AS C FROM S GROUP BY K;"
    "CREATE TABLE NUM AS SELECT I, COUNT(*) AS C FROM S GROUP BY I;"
    "CREATE TABLE TWO AS SELECT K, I, COUNT(*) AS C FROM S GROUP BY K, I;"
    "CREATE TABLE WIN AS SELECT K, COUNT(*) AS C FROM S WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY K;"
    "CREATE TABLE SES AS SELECT K, COUNT(*) AS C FROM S WINDOW SESSION (1 SECOND) GROUP BY K;";

enum mode { ANY_MODE, NO_SCANS, NO_RANGES };

static const struct {
    const char *sql;
    enum mode mode;
    const char *message; /* it starts so; NULL: accepted */
} cases[] = {
    {"SELECT ROWOFFSET, ROWPARTITION FROM ONE;", ANY_MODE,
     "Pull queries don't support the following columns in SELECT clauses: `ROWOFFSET`, `ROWPARTITION`\n"},
    {"SELECT *, ROWPARTITION FROM ONE;", ANY_MODE,
     "Pull queries don't support the following columns in SELECT clauses: `ROWPARTITION`\n"},
    {"SELECT * FROM S WHERE V > 1 AND ROWOFFSET < 3;", ANY_MODE,
     "Pull queries don't support the following columns in WHERE clauses: `ROWOFFSET`\n"},
    {"SELECT *, K FROM ONE;", ANY_MODE, "Pull queries only support wildcards"},
    {"SELECT C, K, C FROM ONE;", ANY_MODE, "Duplicate value columns found in schema: `C` BIGINT"},
    {"SELECT K, K FROM ONE;", ANY_MODE, "Duplicate key columns found in schema: `K` STRING KEY"},
    {"SELECT * FROM NUM WHERE I IN (1, '2');", ANY_MODE,
     "'2' can not be converted to the type of the key column: I INTEGER KEY"},
    {"SELECT * FROM NUM WHERE I IN (1, NULL);", ANY_MODE, "Primary key columns can not be NULL: (I = null)"},
    {"SELECT * FROM NUM WHERE I = 1 OR I = 2.5;", ANY_MODE,
     "2.5 can not be converted to the type of the key column: I INTEGER KEY"},
    {"SELECT * FROM NUM WHERE I IN (1, 2, 3 + 4);", NO_SCANS, NULL},
    {"SELECT * FROM NUM WHERE C LIKE 'a';", ANY_MODE,
     "The column type for Like condition must be VARCHAR. The column type is BIGINT.  See "},
    {"SELECT * FROM ONE WHERE C BETWEEN 1 AND 'b';", ANY_MODE,
     "Invalid expression: Cannot compare C (BIGINT) to 'b' (STRING) with LESS_THAN_OR_EQUAL."},
    {"SELECT * FROM SES;", ANY_MODE, "Table scan unsupported on session tables"},
    {"SELECT * FROM SES WHERE C > 1;", ANY_MODE, "Table scan unsupported on session tables"},
    {"SELECT * FROM SES WHERE K = 'a' AND WINDOWSTART > 5;", ANY_MODE, NULL},
    {"SELECT * FROM ONE WHERE K IS NULL OR NOT (C = 1) OR LEN(K) = 1;", ANY_MODE, NULL},
    {"SELECT * FROM ONE;", NO_SCANS, "Missing WHERE clause.  See https://cnfl.io/queries for more info.\n"},
    {"SELECT * FROM ONE WHERE C = 1;", NO_SCANS, "WHERE clause missing key column for disjunct: (C = 1).  See "},
    {"SELECT * FROM ONE WHERE K = 'a' OR (C = 1 AND C < 2);", NO_SCANS,
     "WHERE clause missing key column for disjunct: ((C = 1) AND (C < 2)).  See "},
    {"SELECT * FROM ONE WHERE K IS NULL;", NO_SCANS, "Unsupported expression in WHERE clause: (K IS NULL).  See "},
    {"SELECT * FROM ONE WHERE K <> 'a';", NO_SCANS,
     "Bound on key columns '[`K` STRING KEY]' must currently be '='.  See "},
    {"SELECT * FROM ONE WHERE K = 'a' AND K IN ('a', 'b');", NO_SCANS,
     "A comparison condition on the key column cannot be combined with other comparisons such as an IN predicate.  "},
    {"SELECT * FROM ONE WHERE K = CAST(C AS STRING);", NO_SCANS,
     "A comparison must be between a key column and a resolvable expression.  See "},
    {"SELECT * FROM ONE WHERE LEN(K) = 2;", NO_SCANS, "A comparison must directly reference a key column.  See "},
    {"SELECT * FROM ONE WHERE 'a' LIKE 'b';", NO_SCANS, "Like condition must be between strings.  See "},
    {"SELECT * FROM TWO WHERE K = 'a';", NO_SCANS,
     "Multi-column sources must specify every key in the WHERE clause. Specified: [`K`] Expected: [`K` STRING KEY, `I` "
     "INTEGER KEY].  See "},
    {"SELECT * FROM TWO WHERE K = 'a' AND I = 2;", NO_SCANS, NULL},
    {"SELECT * FROM TWO WHERE K = 'a' AND I > 2;", NO_SCANS, "Query requires table scan to be enabled."},
    {"SELECT * FROM NUM WHERE I > 2;", NO_SCANS, "Query requires table scan to be enabled."},
    {"SELECT * FROM ONE WHERE 'b' > K;", NO_SCANS, NULL},
    {"SELECT * FROM ONE WHERE K > 'b';", NO_RANGES, "Query requires table scan to be enabled."},
    {"SELECT * FROM WIN WHERE K = 'a' AND WINDOWSTART <> 1;", NO_SCANS, "Unsupported `WINDOWSTART` bounds: NOT_EQUAL."},
    {"SELECT * FROM WIN WHERE K = 'a' AND WINDOWEND < 1 AND WINDOWEND <= 2;", NO_SCANS,
     "Duplicate `WINDOWEND` bounds on: LESS_THAN_OR_EQUAL."},
    {"SELECT * FROM WIN WHERE K = 'a' AND WINDOWEND < 1 AND WINDOWEND = 2;", NO_SCANS,
     "`(WINDOWEND = 2)` cannot be combined with other `WINDOWEND` bounds."},
    {"SELECT * FROM WIN WHERE K = 'a' AND WINDOWEND < 1 AND 2 < WINDOWEND AND WINDOWSTART = 5;", NO_SCANS, NULL},
};

TEST(pull, where_clauses)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s.n_properties = 0;
        session_set(&s, "ksql.query.pull.table.scan.enabled", cases[i].mode == ANY_MODE ? "true" : "false");
        session_set(&s, "ksql.query.pull.range.scan.enabled", cases[i].mode == NO_RANGES ? "false" : "true");
        enum status st = session_run(&s, cases[i].sql);
        const char *wanted = cases[i].message ? cases[i].message : "";
        bool ok = cases[i].message ? st == STATUS_STATEMENT && strstr(s.diag.message, wanted) == s.diag.message
                                   : st == STATUS_OK;
        if (!ok)
            CHECK_TEXT(st == STATUS_OK ? "accepted" : s.diag.message, wanted);
        CHECK(ok);
    }
    session_close(&s);
}

TEST(pull, long_clauses)
{
    struct session s;
    struct buf sql;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    session_set(&s, "ksql.query.pull.table.scan.enabled", "false");
    buf_init(&sql, 0);
    buf_puts(&sql, STR("SELECT * FROM NUM WHERE I IN (0"));
    for (int i = 1; i < 5000; i++)
        buf_printf(&sql, ", %d", i);
    buf_puts(&sql, STR(");"));
    CHECK(session_run(&s, buf_z(&sql)) == STATUS_OK);
    /* 2^40 disjuncts: nobody takes that apart. */
    buf_free(&sql);
    buf_init(&sql, 0);
    buf_puts(&sql, STR("SELECT * FROM NUM WHERE I = 1"));
    for (int i = 0; i < 40; i++)
        buf_printf(&sql, " AND (I = %d OR C = %d)", i, i);
    buf_puts(&sql, STR(";"));
    CHECK(session_run(&s, buf_z(&sql)) == STATUS_STATEMENT);
    CHECK(strstr(s.diag.message, "Query requires table scan to be enabled.") == s.diag.message);
    buf_free(&sql);
    session_close(&s);
}

TEST(pull, limits_can_be_forbidden)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    session_set(&s, "ksql.query.pull.limit.clause.enabled", "false");
    CHECK(session_run(&s, "SELECT * FROM ONE LIMIT 8;") == STATUS_STATEMENT);
    CHECK(strstr(s.diag.message, "LIMIT clause in pull queries is currently disabled.") == s.diag.message);
    CHECK(session_run(&s, "SELECT * FROM S EMIT CHANGES LIMIT 8;") == STATUS_OK);
    session_close(&s);
}
