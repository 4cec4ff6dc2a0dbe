/* Pull queries: tables as they are at the last commit. */
#include "tests/unit/engine/fixture.h"

#include <stdio.h>

#define ROWS                                                                                                           \
    "INSERT INTO s (ROWTIME, id, n) VALUES (1000, 'a', 1); INSERT INTO s (ROWTIME, id, n) VALUES (2000, 'b', 2);"      \
    "INSERT INTO s (ROWTIME, id, n) VALUES (61000, 'a', 3); INSERT INTO s (ROWTIME, id, n) VALUES (62000, 'c', NULL);"

TEST(engine_pull, an_unwindowed_table)
{
    FIXTURE(f);
    RUNS(&f,
         STREAM_S ROWS "CREATE TABLE t AS SELECT id, SUM(n) AS total, COUNT(*) AS c FROM s GROUP BY id EMIT CHANGES;");
    fixture_wait(&f);
    GIVES(&f, "SELECT * FROM t;", "( ID STRING, TOTAL INTEGER, C BIGINT )\na|4|2\nb|2|1\nc|0|1\nend\n");
    GIVES(&f, "SELECT id, c + 1 AS d, ROWTIME AS t FROM t WHERE id = 'a';",
          "( ID STRING, D BIGINT, T BIGINT )\na|3|61000\nend\n");
    GIVES(&f, "SELECT total FROM t WHERE id IN ('b', 'c', 'x') AND total > 0;", "( TOTAL INTEGER )\n2\nend\n");
    GIVES(&f, "SELECT id FROM t WHERE id > 'a';", "( ID STRING )\nb\nc\nend\n");
    GIVES(&f, "SELECT id FROM t WHERE c / 0 = 1;", "( ID STRING )\nend\n");
    GIVES(&f, "SELECT id FROM t LIMIT 2;", "( ID STRING )\na\nb\nend\n");
    GIVES(&f, "SELECT id FROM t WHERE c = 1 LIMIT 1;", "( ID STRING )\nb\nend\n");
    GIVES(&f, "SELECT id FROM t LIMIT 0;", "( ID STRING )\nend\n");
    FAILS(&f, "SELECT nope FROM t;", "");
    FAILS(&f, "SELECT COUNT(*) FROM t GROUP BY id;", "Pull queries don't support GROUP BY clauses.");
}

TEST(engine_pull, windowed_tables)
{
    FIXTURE(f);
    RUNS(&f, STREAM_S ROWS
         "CREATE TABLE tu AS SELECT id, COUNT(*) AS c FROM s WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY id EMIT CHANGES;"
         "CREATE TABLE ho AS SELECT id, COUNT(*) AS c FROM s WINDOW HOPPING (SIZE 1 MINUTE, ADVANCE BY 30 SECONDS)"
         " GROUP BY id EMIT CHANGES;"
         "CREATE TABLE se AS SELECT id, COUNT(*) AS c FROM s WINDOW SESSION (2 MINUTES) GROUP BY id EMIT CHANGES;");
    fixture_wait(&f);
    GIVES(&f, "SELECT * FROM tu WHERE id = 'a';",
          "( ID STRING, WINDOWSTART BIGINT, WINDOWEND BIGINT, C BIGINT )\na|0|60000|1\na|60000|120000|1\nend\n");
    GIVES(&f, "SELECT id, c FROM tu WHERE WINDOWSTART >= 60000;", "( ID STRING, C BIGINT )\na|1\nc|1\nend\n");
    GIVES(&f, "SELECT WINDOWSTART AS w FROM tu WHERE id = 'a' AND WINDOWEND <= 60000;", "( W BIGINT )\n0\nend\n");
    GIVES(&f, "SELECT WINDOWSTART AS w, WINDOWEND AS e FROM ho WHERE id = 'a' AND WINDOWSTART > 0;",
          "( W BIGINT, E BIGINT )\n30000|90000\n60000|120000\nend\n");
    GIVES(&f, "SELECT * FROM se WHERE id = 'a';",
          "( ID STRING, WINDOWSTART BIGINT, WINDOWEND BIGINT, C BIGINT )\na|1000|61000|2\nend\n");
}

TEST(engine_pull, deleted_rows_are_gone)
{
    FIXTURE(f);
    RUNS(&f,
         "CREATE TABLE base (id STRING PRIMARY KEY, n INT) WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON', PARTITIONS=1);"
         "CREATE TABLE t AS SELECT id, n FROM base WHERE n > 1 EMIT CHANGES;");
    fixture_append(&f, "b", "x", "{\"N\": 5}");
    fixture_append(&f, "b", "y", "{\"N\": 6}");
    fixture_append(&f, "b", "z", "{\"N\": 7}");
    fixture_append(&f, "b", "x", NULL);
    fixture_append(&f, "b", "y", "{\"N\": 0}"); /* leaves the table, too */
    fixture_reopen(&f);
    fixture_wait(&f);
    GIVES(&f, "SELECT * FROM t;", "( ID STRING, N INTEGER )\nz|7\nend\n");
    FAILS(&f, "SELECT * FROM base;", "The `BASE` table isn't queryable.");
    RUNS(&f, "TERMINATE ALL;");
    FAILS(&f, "SELECT * FROM t;", "The `T` table isn't queryable.");
}

static void insert_keys(struct fixture *f, int from, int to)
{
    struct log_writer *w;
    char key[20];
    REQUIRE(writer_open(f->log, NULL, &w, NULL) == STATUS_OK);
    REQUIRE(writer_begin(w, NULL) == STATUS_OK);
    for (int i = from; i < to; i++) {
        snprintf(key, sizeof key, "k%05d", i);
        const struct record r = {.key = str_from(key), .value = STR("{\"N\": 1}"), .ts = 1000};
        REQUIRE(writer_append(w, "s", 0, &r, 1, NULL) == STATUS_OK);
    }
    REQUIRE(writer_commit(w, NULL) == STATUS_OK);
    writer_close(w);
}

static int64_t lines_of(const struct fixture *f)
{
    int64_t n = 0;
    for (size_t i = 0; i < f->out.len; i++)
        n += f->out.p[i] == '\n';
    return n;
}

TEST(engine_pull, many_rows_while_the_query_runs)
{
    enum { KEYS = 10000 };
    FIXTURE(f);
    RUNS(&f, STREAM_S "CREATE TABLE t AS SELECT id, COUNT(*) AS c FROM s GROUP BY id EMIT CHANGES;");
    f.drain = false;
    fixture_reopen(&f);
    insert_keys(&f, 0, KEYS);
    int64_t n = 0, tries = 0;
    while (n < KEYS && tries++ < 1000) { /* what is committed only grows, and is never seen in part */
        RUNS(&f, "SELECT id FROM t WHERE c = 1;");
        int64_t now = lines_of(&f) - 2;
        CHECK(now >= n);
        n = now;
        clock_sleep_ms(5);
    }
    CHECK_INT(n, KEYS);
    insert_keys(&f, 0, KEYS / 2);
    for (tries = 0; n != KEYS / 2 && tries < 1000; tries++) {
        RUNS(&f, "SELECT id FROM t WHERE c = 1;");
        n = lines_of(&f) - 2;
        clock_sleep_ms(5);
    }
    CHECK_INT(n, KEYS / 2);
    RUNS(&f, "SELECT id FROM t LIMIT 5000;");
    CHECK_INT(lines_of(&f), 5002);
}
