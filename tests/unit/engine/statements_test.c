/* Statements one after the other: scripts, errors, sessions. */
#include "tests/unit/engine/fixture.h"

#define STREAM_N STREAM_S "\n"
#define ROWS                                                                                                           \
    "INSERT INTO s (ROWTIME, id, n) VALUES (10, 'a', 1);\n"                                                            \
    "INSERT INTO s (ROWTIME, id, n) VALUES (20, 'b', 2);\n"                                                            \
    "INSERT INTO s (ROWTIME, id, n) VALUES (30, 'a', 3);\n"

TEST(engine_statements, a_script_end_to_end)
{
    FIXTURE(f);
    GIVES(&f,
          STREAM_N ROWS "CREATE TABLE sums AS SELECT id, SUM(n) AS total FROM s GROUP BY id EMIT CHANGES;\n"
                        "CREATE STREAM big AS SELECT id, n * 10 AS m FROM s WHERE n > 1 EMIT CHANGES;\n"
                        "SELECT id, m, ROWTIME AS t FROM big EMIT CHANGES;\n"
                        "SELECT * FROM s WHERE id = 'b' EMIT CHANGES LIMIT 1;\n"
                        "SELECT * FROM sums;\n",
          "# Stream created\n"
          "# Created query with ID CTAS_SUMS_1\n"
          "# Created query with ID CSAS_BIG_2\n"
          "( ID STRING, M INTEGER, T BIGINT )\nb|20|20\na|30|30\nend\n"
          "( ID STRING, N INTEGER )\nb|2\nlimit\n"
          "( ID STRING, TOTAL INTEGER )\na|4\nb|2\nend\n");
    fixture_wait(&f);
    CHECK_TEXT(fixture_topic(&f, "BIG"), "{\"M\":20}\n{\"M\":30}\n");
}

TEST(engine_statements, empty_texts)
{
    FIXTURE(f);
    GIVES(&f, "", "");
    GIVES(&f, " -- nothing\n /* at all */ \n", "");
    FAILS(&f, ";", "line 1:1");
}

TEST(engine_statements, insert_values_of_all_types)
{
    FIXTURE(f);
    RUNS(&f, "CREATE STREAM s (k1 STRING KEY, b BOOLEAN, i INT, l BIGINT, d DOUBLE, x DECIMAL(6,2), t STRING, y BYTES,"
             " a ARRAY<INT>, m MAP<STRING,INT>, r STRUCT<p INT, q STRING>, dt DATE, ti TIME, ts TIMESTAMP)"
             " WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);");
    RUNS(&f, "INSERT INTO s VALUES ('k', true, -1, 5000000000, 1.5, 12.34, 'it''s', 'AAEC', ARRAY[1, NULL, 3],"
             " MAP('a' := 1), STRUCT(p := 1, q := 'x'), '2020-05-26', '23:59:58', '2020-05-26T23:59:58.123');");
    RUNS(&f, "INSERT INTO s (k1) VALUES ('empty');");
    RUNS(&f, "INSERT INTO s (i, k1) VALUES (1 + 2 * 3, CONCAT('a', 'b'));");
    RUNS(&f, "INSERT INTO s (i) VALUES (8);");
    GIVES(&f, "SELECT k1, b, i, l, d, x, t, a, m, r, dt, ti, ts FROM s EMIT CHANGES;",
          "( K1 STRING, B BOOLEAN, I INTEGER, L BIGINT, D DOUBLE, X DECIMAL(6, 2), T STRING, A ARRAY<INTEGER>, "
          "M MAP<STRING, INTEGER>, R STRUCT<`P` INTEGER, `Q` STRING>, DT DATE, TI TIME, TS TIMESTAMP )\n"
          "k|true|-1|5000000000|1.5|12.34|it's|[1, null, 3]|{a=1}|Struct{P=1,Q=x}|2020-05-26|23:59:58|"
          "2020-05-26T23:59:58.123\n"
          "empty|null|null|null|null|null|null|null|null|null|null|null|null\n"
          "ab|null|7|null|null|null|null|null|null|null|null|null|null\n"
          "null|null|8|null|null|null|null|null|null|null|null|null|null\nend\n");
    GIVES(&f, "SELECT FROM_BYTES(y, 'hex') AS h FROM s EMIT CHANGES LIMIT 1;", "( H STRING )\n000102\nlimit\n");
    FAILS(&f, "INSERT INTO s (k1, i) VALUES ('k', 'text');", "Failed to insert values into 'S'.");
    FAILS(&f, "INSERT INTO nowhere VALUES (1);", "Cannot insert values into an unknown stream/table: `NOWHERE`");
    CHECK_INT(fixture_count(&f, "s"), 4);
}

TEST(engine_statements, if_not_exists_and_if_exists)
{
    FIXTURE(f);
    RUNS(&f, STREAM_N);
    RUNS(&f, "CREATE STREAM IF NOT EXISTS s (id STRING KEY, other INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');");
    CHECK(strstr(buf_z(&f.out), "already exists") != NULL);
    FAILS(&f, STREAM_N, "Cannot add stream 'S': A stream with the same name already exists");
    GIVES(&f, "DROP STREAM IF EXISTS nope;", "# Source `NOPE` does not exist.\n");
    FAILS(&f, "DROP STREAM nope;", "Stream NOPE does not exist.");
    CHECK_INT(fixture_count(&f, COMMANDS), 1);
}

TEST(engine_statements, an_error_leaves_nothing_behind)
{
    FIXTURE(f);
    RUNS(&f, STREAM_N);
    FAILS(&f, "CREATE STREAM t AS SELECT nope FROM s EMIT CHANGES;", "");
    FAILS(&f, "CREATE TABLE t AS SELECT id, COUNT(*) FROM s EMIT CHANGES;", "");
    FAILS(&f, "CREATE STREAM t AS SELECT * FROM missing EMIT CHANGES;", "");
    FAILS(&f, "CREATE STREAM t (id INT KEY) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');", "");
    FAILS(&f, "INSERT INTO s SELECT n FROM s EMIT CHANGES;", "");
    CHECK_INT(fixture_count(&f, "T"), -1);
    CHECK_INT(fixture_count(&f, "t"), -1);
    CHECK_INT(fixture_count(&f, COMMANDS), 1);
    GIVES(&f, "SHOW QUERIES;", "= Queries\n");
    GIVES(&f, "SHOW TABLES;", "= Tables\n");
    /* the statements before the bad one stay */
    FAILS(&f, "CREATE STREAM u AS SELECT * FROM s EMIT CHANGES; SELECT nope FROM u EMIT CHANGES; DROP STREAM u;", "");
    CHECK_INT(fixture_count(&f, "U"), 0);
    CHECK_INT(fixture_count(&f, COMMANDS), 2);
}

TEST(engine_statements, errors_know_their_place_in_the_script)
{
    FIXTURE(f);
    FAILS(&f, STREAM_N "\n  CREATE STREAM t AS SELECT\n    nope FROM s EMIT CHANGES;", "");
    CHECK_INT(f.d.where.line, 4);
    CHECK_INT(f.d.where.column, 5);
    FAILS(&f, "SHOW STREAMS;  CREATE STREAM t AS SELECT nope FROM s EMIT CHANGES;", "");
    CHECK_INT(f.d.where.line, 1);
    CHECK_INT(f.d.where.column, 42);
    FAILS(&f, "SHOW STREAMS;\nSELECT nope FROM s EMIT CHANGES;", "");
    CHECK_INT(f.d.where.line, 2);
    CHECK_INT(f.d.where.column, 8);
    FAILS(&f, "SHOW STREAMS;\n  DROP STREAM nope;", "");
    CHECK_INT(f.d.where.line, 2);
    FAILS(&f, "SHOW STREAMS;\n  SHO STREAMS;", "");
    CHECK_INT(f.d.where.line, 2);
    RUNS(&f, "DEFINE c = 'nope';");
    FAILS(&f, "SHOW STREAMS;\n   SELECT ${c} FROM s EMIT CHANGES;", "");
    CHECK_INT(f.d.where.line, 2);
    CHECK_INT(f.d.where.column, 4);
}

TEST(engine_statements, properties)
{
    FIXTURE(f);
    FAILS(&f, "SET 'no.such.thing' = '1';", "Unknown property: no.such.thing");
    FAILS(&f, "UNSET 'no.such.thing';", "Unknown property: no.such.thing");
    FAILS(&f, "SET 'auto.offset.reset' = 'soon';", "Invalid value soon for configuration auto.offset.reset");
    RUNS(&f, "SET 'ksql.streams.fetch.min.bytes' = '1';");
    RUNS(&f, STREAM_N ROWS);
    RUNS(&f, "SET 'auto.offset.reset' = 'latest';");
    GIVES(&f, "SELECT n FROM s EMIT CHANGES;", "( N INTEGER )\nend\n");
    RUNS(&f, "SET 'ksql.streams.auto.offset.reset' = 'earliest';");
    RUNS(&f, "SHOW PROPERTIES;");
    CHECK(strstr(buf_z(&f.out), "ksql.streams.auto.offset.reset|KSQL STREAMS|SESSION|latest\n") != NULL);
    CHECK(strstr(buf_z(&f.out), "ksql.streams.fetch.min.bytes|KSQL STREAMS|SESSION|1\n") != NULL);
    CHECK(strstr(buf_z(&f.out), "ksql.service.id|KSQL||default_\n") != NULL);
    RUNS(&f, "UNSET 'auto.offset.reset';");
    GIVES(&f, "SELECT n FROM s EMIT CHANGES LIMIT 1;", "( N INTEGER )\n1\nlimit\n");
}

TEST(engine_statements, variables)
{
    FIXTURE(f);
    RUNS(&f, STREAM_N ROWS);
    GIVES(&f, "DEFINE src = 's'; DEFINE most = '2'; SHOW VARIABLES;", "= Variables\nsrc|s\nmost|2\n");
    GIVES(&f, "SELECT n FROM ${src} WHERE n <= ${most} EMIT CHANGES;", "( N INTEGER )\n1\n2\nend\n");
    GIVES(&f, "SELECT id FROM s WHERE id <> '${src}' EMIT CHANGES LIMIT 1;", "( ID STRING )\na\nlimit\n");
    GIVES(&f, "DEFINE most = '1'; SELECT n AS ${src} FROM s WHERE n <= ${most} EMIT CHANGES;",
          "( S INTEGER )\n1\nend\n");
    FAILS(&f, "SELECT ${src} FROM s EMIT CHANGES;", "Illegal argument at Line: 1, Col: 8. Got: 's'");
    RUNS(&f, "CREATE STREAM made AS SELECT id, n + ${most} AS y FROM ${src} EMIT CHANGES;");
    CHECK(strstr(fixture_topic(&f, COMMANDS), "${") == NULL); /* recorded with the values in it */
    RUNS(&f, "UNDEFINE src; UNDEFINE most;");
    GIVES(&f, "SHOW VARIABLES;", "= Variables\n");
    FAILS(&f, "SELECT * FROM ${src} EMIT CHANGES;", "");
}

TEST(engine_statements, nobody_reads)
{
    FIXTURE(f);
    struct str text =
        STR(STREAM_N ROWS "SHOW STREAMS; DESCRIBE s; PRINT s FROM BEGINNING LIMIT 1; SELECT * FROM s EMIT CHANGES;");
    struct diag d = DIAG_INIT;
    CHECK_INT(session_run(f.session, text, false, NULL, &d), STATUS_INVALID);
    CHECK_TEXT(d.message, "The statement gives rows, but there is nobody to read them");
}

TEST(engine_statements, a_reader_may_go)
{
    FIXTURE(f);
    RUNS(&f, STREAM_N ROWS);
    f.drain = false; /* nothing ends by itself now */
    fixture_reopen(&f);
    f.stop = true;
    FAILS(&f, "SELECT * FROM s EMIT CHANGES; SHOW STREAMS;", "The statement was cancelled");
    CHECK_INT(f.d.code, STATUS_CANCELLED);
    CHECK(strstr(buf_z(&f.out), "Streams") == NULL);
    FAILS(&f, "PRINT s;", "The statement was cancelled");
    f.stop = false;
    f.stop_after_rows = 1;
    RUNS(&f, "SELECT id FROM s EMIT CHANGES;");
    CHECK(strncmp(buf_z(&f.out), "( ID STRING )\na\n", 16) == 0);
}

TEST(engine_statements, a_pull_query_on_a_stream_ends)
{
    FIXTURE(f);
    RUNS(&f, STREAM_N ROWS);
    f.drain = false;
    fixture_reopen(&f);
    GIVES(&f, "SELECT n FROM s; SET 'auto.offset.reset' = 'latest'; SELECT n FROM s WHERE n = 3;",
          "( N INTEGER )\n1\n2\n3\nend\n( N INTEGER )\n3\nend\n");
}
