/* What must never happen: a crash when memory runs out at any point, or on long and deep statements. */
#include "tests/unit/planner/harness.h"

#include <stdio.h>
#include <stdlib.h>

static const char script[] =
    "CREATE TYPE AD AS STRUCT<CITY STRING, ZIP INT>;"
    "CREATE STREAM S (K STRING KEY, V INT, A ARRAY<INT>, AD AD) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', "
    "PARTITIONS=3);"
    "CREATE TABLE T (ID INT PRIMARY KEY, N STRING) WITH (KAFKA_TOPIC='t', FORMAT='JSON', PARTITIONS=2);"
    "CREATE STREAM P AS SELECT UCASE(K) AS U, V + 1.5 AS W, AD->CITY FROM S WHERE V IN (1, '2') PARTITION BY UCASE(K);"
    "CREATE TABLE C AS SELECT AD->CITY, COUNT(*) AS N, SUM(V) AS T FROM S WINDOW TUMBLING (SIZE 1 HOUR) WHERE ROWTIME "
    "> "
    "'2020-01-01' GROUP BY AD->CITY HAVING COUNT(*) > 1;"
    "CREATE TABLE D AS SELECT N, COUNT(*) AS M FROM T GROUP BY N HAVING N <> 'x';"
    "CREATE STREAM E AS SELECT K, EXPLODE(A) AS X, TRANSFORM(A, Q => Q + V) AS Y FROM S;"
    "INSERT INTO P SELECT K AS U, V + 2.5 AS W, 'x' AS CITY FROM S PARTITION BY K;"
    "INSERT INTO S (K, V, A) VALUES ('a', 1, ARRAY[1, 2]);"
    "SELECT * FROM S EMIT CHANGES LIMIT 1;"
    "SELECT * FROM D WHERE N = 'a';"
    "ALTER STREAM S ADD COLUMN Z DATE;"
    "CREATE STREAM R AS SELECT UCASE(K) AS U, V FROM S PARTITION BY UCASE(K);"
    "CREATE OR REPLACE STREAM R AS SELECT UCASE(K) AS U, V, AD->CITY FROM S PARTITION BY UCASE(K);"
    "CREATE TABLE F (ID INT PRIMARY KEY, M STRING, R INT) WITH (KAFKA_TOPIC='f', VALUE_FORMAT='JSON', PARTITIONS=3);"
    "CREATE TABLE G (ID INT PRIMARY KEY, O STRING) WITH (KAFKA_TOPIC='g', FORMAT='JSON', PARTITIONS=3);"
    "CREATE STREAM J AS SELECT * FROM S LEFT JOIN F ON S.V = F.ID WHERE S.ROWTIME > '2020-01-01' AND M = 'x';"
    "CREATE STREAM L AS SELECT ROWKEY AS A, S.V, S.AD->CITY, S.ROWOFFSET FROM S FULL JOIN R WITHIN 1 SECOND GRACE "
    "PERIOD 1 SECOND ON S.K = R.U;"
    "CREATE TABLE N AS SELECT F.ID, T.N, O FROM F JOIN T ON F.R + 1 = T.ID JOIN G ON F.ID = G.ID;"
    "DROP TYPE AD;";

static enum status run_with_failure(long n)
{
    struct session s;
    session_open(&s);
    mem_fail_after(n);
    enum status st = session_run(&s, script);
    struct buf out;
    buf_init(&out, 0);
    if (st == STATUS_OK && s.last.statement)
        planner_explain(&out, &s.last);
    mem_fail_after(0);
    if (st != STATUS_OK && st != STATUS_NOMEM)
        unit_check_text(s.diag.message, "", "message after a failed allocation", __FILE__, __LINE__);
    buf_free(&out);
    session_close(&s);
    return st;
}

TEST(robust, out_of_memory_anywhere)
{
    enum status st = STATUS_NOMEM;
    long n = 1;
    for (; st != STATUS_OK && n < 20000; n += n < 400 ? 1 : 7) {
        st = run_with_failure(n);
        if (st != STATUS_OK && st != STATUS_NOMEM)
            unit_check_int(st, STATUS_NOMEM, "status of a failed allocation", __FILE__, __LINE__);
    }
    CHECK_INT(st, STATUS_OK);
    CHECK(n > 50);
}

TEST(robust, many_columns)
{
    struct session s;
    struct buf sql;
    session_open(&s);
    buf_init(&sql, 0);
    buf_puts(&sql, STR("CREATE STREAM S (K INT KEY"));
    for (int i = 0; i < 1500; i++)
        buf_printf(&sql, ", C%d STRUCT<A INT, B INT>", i);
    buf_puts(&sql, STR(") WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1); SELECT "));
    for (int i = 0; i < 1500; i++)
        buf_printf(&sql, "%sC%d->A AS X%d", i ? ", " : "", i, i);
    buf_puts(&sql, STR(" FROM S EMIT CHANGES;"));
    CHECK_INT(session_run(&s, buf_z(&sql)), STATUS_OK);
    CHECK_INT(s.last.plan->stages[0].sources[0]->schema.n_columns, 1500);
    buf_free(&sql);
    session_close(&s);
}

/* SELECT first link link ... WHERE or HAVING likewise. */
static enum status plan_chain(struct session *s, const char *before, const char *link, int n, const char *after)
{
    struct buf sql;
    buf_init(&sql, 0);
    buf_puts(&sql, str_from(before));
    for (int i = 0; i < n; i++)
        buf_puts(&sql, str_from(link));
    buf_puts(&sql, str_from(after));
    enum status st = session_run(s, buf_z(&sql));
    buf_free(&sql);
    return st;
}

TEST(robust, long_chains)
{
    static const char *const chains[][3] = {
        {"SELECT V", " + 1", " AS X FROM S EMIT CHANGES;"},
        {"SELECT V", " - V * 2 + D", " AS X FROM S EMIT CHANGES;"},
        {"SELECT T", " || 'x'", " AS X FROM S EMIT CHANGES;"},
        {"SELECT T", " + T", " AS X FROM S EMIT CHANGES;"},
        {"SELECT V FROM S WHERE V = 1", " OR V = 2", " EMIT CHANGES;"},
        {"SELECT V FROM S WHERE V <> 1", " AND T LIKE 'a%'", " EMIT CHANGES;"},
        {"SELECT V, COUNT(*) AS C FROM S GROUP BY V HAVING COUNT(*) > 1", " AND V > 1 AND COUNT(*) < 9",
         " EMIT CHANGES;"},
        {"SELECT V, COUNT(*) AS C FROM S GROUP BY V HAVING V > 1", " AND V < 9", " EMIT CHANGES;"},
        {"INSERT INTO S (K, T) VALUES (1, 'x'", " || 'x'", ");"},
    };
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        struct session s;
        session_open(&s);
        REQUIRE(session_run(&s, "CREATE STREAM S (K INT KEY, V INT, T STRING, D DOUBLE) WITH (KAFKA_TOPIC='s', "
                                "VALUE_FORMAT='JSON', PARTITIONS=1);") == STATUS_OK);
        CHECK_INT(plan_chain(&s, chains[i][0], chains[i][1], 900, chains[i][2]), STATUS_OK);
        CHECK_INT(plan_chain(&s, chains[i][0], chains[i][1], 20000, chains[i][2]), STATUS_OK);
        session_close(&s);
    }
}

TEST(robust, snapshots_are_independent)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, "CREATE STREAM S (V INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);") ==
            STATUS_OK);
    struct catalog *live = s.catalog;
    s.catalog = catalog_clone(live);
    REQUIRE(s.catalog != NULL);
    REQUIRE(session_run(&s, "DROP STREAM S; CREATE STREAM S (V STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');") ==
            STATUS_OK);
    CHECK_INT(catalog_source(live, STR("S"))->schema.columns[0].type->kind, KIND_INT);
    CHECK_INT(catalog_source(s.catalog, STR("S"))->schema.columns[0].type->kind, KIND_STRING);
    catalog_destroy(live);
    session_close(&s);
}
