/* What is found again when an engine is closed and opened over the same log. */
#include "tests/unit/engine/fixture.h"

#include <stdio.h>

#define INSERT(n) "INSERT INTO s (id, n) VALUES ('k', " #n ");"

TEST(engine_replay, catalog_and_queries)
{
    FIXTURE(f);
    RUNS(&f, "CREATE TYPE pair AS STRUCT<x INT, y INT>; " STREAM_S
             "CREATE TABLE sums AS SELECT id, SUM(n) AS total FROM s GROUP BY id EMIT CHANGES;" INSERT(1) INSERT(2));
    fixture_reopen(&f);
    GIVES(&f, "SHOW TYPES; SHOW STREAMS; SHOW TABLES;",
          "= Types\nPAIR|STRUCT<`X` INTEGER, `Y` INTEGER>\n= Streams\nS|s|KAFKA|JSON|false\n"
          "= Tables\nSUMS|SUMS|KAFKA|JSON|false\n");
    fixture_wait(&f);
    GIVES(&f, "SELECT * FROM sums;", "( ID STRING, TOTAL INTEGER )\nk|3\nend\n");
    RUNS(&f, INSERT(4));
    fixture_reopen(&f);
    fixture_wait(&f); /* the state goes on, and nothing is read twice */
    GIVES(&f, "SELECT * FROM sums;", "( ID STRING, TOTAL INTEGER )\nk|7\nend\n");
    RUNS(&f, "CREATE STREAM t AS SELECT id, n FROM s EMIT CHANGES;");
    CHECK_TEXT(buf_z(&f.out), "# Created query with ID CSAS_T_3\n"); /* numbers go on */
}

TEST(engine_replay, a_terminated_query_is_not_started_again)
{
    FIXTURE(f);
    RUNS(&f, STREAM_S INSERT(1) "CREATE STREAM t AS SELECT id, n FROM s EMIT CHANGES;");
    fixture_wait(&f);
    GIVES(&f, "TERMINATE CSAS_T_1;", "# Query terminated.\n");
    RUNS(&f, INSERT(2));
    fixture_reopen(&f);
    fixture_wait(&f);
    CHECK_TEXT(fixture_topic(&f, "T"), "{\"N\":1}\n");
    GIVES(&f, "SHOW QUERIES; SHOW STREAMS;", "= Queries\n= Streams\nS|s|KAFKA|JSON|false\nT|T|KAFKA|JSON|false\n");
    FAILS(&f, "TERMINATE CSAS_T_1;", "Unknown queryId: CSAS_T_1");
    RUNS(&f,
         "INSERT INTO t SELECT id, n FROM s EMIT CHANGES; INSERT INTO t SELECT id, n + 1 AS n FROM s EMIT CHANGES;");
    fixture_wait(&f);
    GIVES(&f, "TERMINATE ALL; SHOW QUERIES;", "# All queries terminated.\n= Queries\n");
    CHECK_INT(fixture_count(&f, "T"), 5);
    fixture_reopen(&f);
    fixture_wait(&f);
    GIVES(&f, "SHOW QUERIES;", "= Queries\n");
    CHECK_INT(fixture_count(&f, "T"), 5);
}

TEST(engine_replay, dropped_sources)
{
    FIXTURE(f);
    RUNS(&f, STREAM_S INSERT(1) "CREATE STREAM t AS SELECT id, n FROM s EMIT CHANGES;");
    fixture_wait(&f);
    FAILS(&f, "DROP STREAM s;", "Cannot drop S.");
    GIVES(&f, "DROP STREAM t DELETE TOPIC;", "# Source `T` (topic: T) was dropped.\n");
    CHECK_INT(fixture_count(&f, "T"), -1);
    GIVES(&f, "SHOW QUERIES;", "= Queries\n");
    fixture_reopen(&f);
    fixture_wait(&f);
    GIVES(&f, "SHOW QUERIES; SHOW STREAMS;", "= Queries\n= Streams\nS|s|KAFKA|JSON|false\n");
    RUNS(&f, "CREATE STREAM t AS SELECT id, n * 2 AS m FROM s EMIT CHANGES;"); /* from the beginning, as a new one */
    fixture_wait(&f);
    CHECK_TEXT(fixture_topic(&f, "T"), "{\"M\":2}\n");
    RUNS(&f, "DROP STREAM t; DROP STREAM s;");
    fixture_reopen(&f);
    GIVES(&f, "SHOW STREAMS;", "= Streams\n");
    CHECK_INT(fixture_count(&f, "s"), 1);
    CHECK_TEXT(buf_z(&f.notices), "");
}

TEST(engine_replay, replaced_queries)
{
    FIXTURE(f);
    RUNS(&f, STREAM_S INSERT(1) "CREATE STREAM t AS SELECT id, n FROM s EMIT CHANGES;");
    fixture_wait(&f);
    RUNS(&f, "CREATE OR REPLACE STREAM t AS SELECT id, n FROM s WHERE n > 2 EMIT CHANGES;" INSERT(2) INSERT(3));
    fixture_reopen(&f);
    fixture_wait(&f);
    CHECK_TEXT(fixture_topic(&f, "T"), "{\"N\":1}\n{\"N\":3}\n");
    RUNS(&f, "EXPLAIN CSAS_T_1;");
    CHECK(strstr(buf_z(&f.out), "N > 2") != NULL);
}

TEST(engine_replay, properties_of_then)
{
    FIXTURE(f);
    RUNS(&f, "SET 'ksql.persistence.default.format.value' = 'DELIMITED';"
             "CREATE STREAM s (n INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1);"
             "INSERT INTO s VALUES (1); SET 'auto.offset.reset' = 'latest'; CREATE STREAM t AS SELECT n FROM s EMIT "
             "CHANGES;");
    fixture_wait(&f);
    fixture_reopen(&f);
    fixture_wait(&f);
    RUNS(&f, "INSERT INTO s VALUES (2);");
    fixture_reopen(&f);
    fixture_wait(&f);
    GIVES(&f, "SHOW STREAMS;", "= Streams\nS|s|KAFKA|DELIMITED|false\nT|T|KAFKA|DELIMITED|false\n");
    CHECK_TEXT(fixture_topic(&f, "T"), "2\n");
    FAILS(&f, "CREATE STREAM u (n INT) WITH (KAFKA_TOPIC='s');", ""); /* a new session has the defaults */
}

TEST(engine_replay, pause_and_resume)
{
    FIXTURE(f);
    RUNS(&f, STREAM_S INSERT(1) "CREATE STREAM t AS SELECT id, n FROM s EMIT CHANGES;");
    fixture_wait(&f);
    GIVES(&f, "PAUSE CSAS_T_1;", "# Query paused.\n");
    RUNS(&f, INSERT(2));
    fixture_reopen(&f);
    fixture_wait(&f); /* a paused query is not waited for */
    RUNS(&f, "SHOW QUERIES;");
    CHECK(strstr(buf_z(&f.out), "CSAS_T_1|PAUSED|T|") != NULL);
    CHECK_INT(fixture_count(&f, "T"), 1);
    GIVES(&f, "RESUME ALL;", "# All queries resumed.\n");
    fixture_wait(&f);
    CHECK_TEXT(fixture_topic(&f, "T"), "{\"N\":1}\n{\"N\":2}\n");
    fixture_reopen(&f);
    fixture_wait(&f);
    RUNS(&f, "SHOW QUERIES;");
    CHECK(strstr(buf_z(&f.out), "CSAS_T_1|DRAINED|T|") != NULL);
    FAILS(&f, "PAUSE nobody;", "Unknown queryId: nobody");
}

TEST(engine_replay, source_tables)
{
    FIXTURE(f);
    RUNS(&f, "CREATE STREAM w (id STRING KEY, n INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);"
             "INSERT INTO w VALUES ('a', 1); INSERT INTO w VALUES ('b', 2); INSERT INTO w VALUES ('a', 3);"
             "CREATE SOURCE TABLE t (id STRING PRIMARY KEY, n INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');");
    fixture_wait(&f);
    fixture_append(&f, "t", "b", NULL);
    fixture_reopen(&f);
    fixture_wait(&f);
    GIVES(&f, "SELECT * FROM t;", "( ID STRING, N INTEGER )\na|3\nend\n");
    RUNS(&f, "SHOW QUERIES;");
    FAILS(&f, "TERMINATE CST_T_1;", "Cannot terminate query 'CST_T_1' because it is linked to a source table.");
    FAILS(&f, "PAUSE CST_T_1;", "Cannot pause query 'CST_T_1' because it is linked to a source table.");
    RUNS(&f, "DROP TABLE t;");
    fixture_reopen(&f);
    GIVES(&f, "SHOW QUERIES;", "= Queries\n");
}

/* ---- scripts that are run again
 * ------------------------------------------------------------------------------------------ */

TEST(engine_replay, a_script_again)
{
    static const char *const script =
        "CREATE TYPE pair AS STRUCT<x INT>;\n"
        "CREATE STREAM s (id STRING KEY, n INT, p pair) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);\n"
        "ALTER STREAM s ADD COLUMN more INT;\n"
        "CREATE OR REPLACE STREAM t AS SELECT id, n, more FROM s EMIT CHANGES;\n"
        "CREATE STREAM u (id STRING KEY, n INT) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON', PARTITIONS=1);\n"
        "INSERT INTO u SELECT id, n FROM s EMIT CHANGES;\n"
        "CREATE TABLE IF NOT EXISTS v AS SELECT n, COUNT(*) AS c FROM s GROUP BY n EMIT CHANGES;\n";
    FIXTURE(f);
    CHECK_INT(fixture_run_again(&f, script), STATUS_OK);
    RUNS(&f, "INSERT INTO s (id, n) VALUES ('a', 1);");
    fixture_wait(&f);
    int64_t commands = fixture_count(&f, COMMANDS);
    CHECK_INT(commands, 7);
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            fixture_reopen(&f);
        CHECK_INT(fixture_run_again(&f, script), STATUS_OK);
        CHECK_TEXT(f.d.message, "");
        fixture_wait(&f);
        CHECK_INT(fixture_count(&f, COMMANDS), commands);
    }
    CHECK_TEXT(fixture_topic(&f, "T"), "{\"N\":1,\"MORE\":null}\n");
    CHECK_TEXT(fixture_topic(&f, "u"), "{\"N\":1}\n");
    FAILS(&f, "CREATE TYPE pair AS STRUCT<x INT>;",
          "Cannot register custom type 'PAIR' since it is already registered");
    FAILS(&f, "ALTER STREAM s ADD COLUMN more INT;", "");
    CHECK_INT(fixture_run_again(&f, "CREATE TYPE pair AS STRUCT<x INT, y INT>;"), STATUS_INVALID);
}

TEST(engine_replay, a_changed_script)
{
    FIXTURE(f);
    RUNS(&f, STREAM_S);
    CHECK(fixture_run_again(&f, "CREATE STREAM s (id STRING KEY) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');") !=
          STATUS_OK);
    RUNS(&f, "CREATE STREAM t AS SELECT id, n FROM s EMIT CHANGES;");
    CHECK_INT(fixture_run_again(&f, "CREATE OR REPLACE STREAM t AS SELECT id, n FROM s WHERE n > 1 EMIT CHANGES;"),
              STATUS_OK);
    CHECK_INT(fixture_run_again(&f, "CREATE OR REPLACE STREAM t AS SELECT id, n FROM s WHERE n > 2 EMIT CHANGES;"),
              STATUS_OK);
    int64_t commands = fixture_count(&f, COMMANDS);
    CHECK_INT(fixture_run_again(&f, "CREATE OR REPLACE STREAM t AS SELECT id, n FROM s WHERE n > 2 EMIT CHANGES;"),
              STATUS_OK);
    CHECK_INT(fixture_count(&f, COMMANDS), commands);
    CHECK_INT(fixture_run_again(&f, "CREATE OR REPLACE STREAM t AS SELECT id, n FROM s WHERE n > 1 EMIT CHANGES;"),
              STATUS_OK);
    CHECK_INT(fixture_count(&f, COMMANDS), commands + 1); /* back to what it was is a change */
    RUNS(&f, "DROP STREAM t;");
    CHECK_INT(fixture_run_again(&f, "CREATE STREAM t AS SELECT id, n FROM s EMIT CHANGES;"), STATUS_OK);
    CHECK_TEXT(buf_z(&f.out), "# Created query with ID CSAS_T_6\n");
}

/* ---- a command topic that others have written to
 * ------------------------------------------------------------------------- */

static void refuses(const char *record, const char *message)
{
    FIXTURE(f);
    fixture_shut(&f);
    fixture_append(&f, COMMANDS, NULL, record);
    CHECK_INT(fixture_try_open(&f), STATUS_INVALID);
    if (strncmp(f.d.message, message, strlen(message)) != 0)
        CHECK_TEXT(f.d.message, message);
}

TEST(engine_replay, damaged_commands)
{
    refuses("rubbish", "The command topic " COMMANDS " is damaged at offset 0: ");
    refuses("{\"statement\": \"DROP\"", "The command topic " COMMANDS " is damaged at offset 0: ");
    refuses("{\"queryNumber\": 1}", "The command topic " COMMANDS " is damaged at offset 0: not a statement");
    refuses(NULL, "The command topic " COMMANDS " is damaged at offset 0: not a statement");
    refuses("", "The command topic " COMMANDS " is damaged at offset 0: ");
}

TEST(engine_replay, commands_that_cannot_be_carried_out)
{
    FIXTURE(f);
    RUNS(&f, STREAM_S);
    fixture_append(&f, COMMANDS, NULL, "{\"statement\":\"CREATE STREAM;\"}");
    fixture_append(&f, COMMANDS, NULL, "{\"statement\":\"DROP STREAM nobody;\",\"queryNumber\":2,\"properties\":{}}");
    fixture_append(&f, COMMANDS, NULL, "{\"statement\":\"SHOW STREAMS;\",\"properties\":{\"no.such\":\"1\"}}");
    fixture_append(&f, COMMANDS, NULL, "{\"statement\":\"DROP STREAM s;\",\"extra\":1}");
    fixture_reopen(&f);
    CHECK(strstr(buf_z(&f.notices), "Statement: CREATE STREAM;") != NULL);
    CHECK(strstr(buf_z(&f.notices), "a recorded statement is left out: Stream NOBODY does not exist.") != NULL);
    CHECK(strstr(buf_z(&f.notices), "Unknown property: no.such") != NULL);
    GIVES(&f, "SHOW STREAMS;", "= Streams\n");
}

TEST(engine_replay, a_topic_that_is_gone)
{
    FIXTURE(f);
    RUNS(&f, STREAM_S "CREATE STREAM t AS SELECT id, n FROM s EMIT CHANGES;"
                      "CREATE STREAM o (n INT) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON', PARTITIONS=1);"
                      "CREATE STREAM p AS SELECT n FROM o EMIT CHANGES; INSERT INTO o VALUES (1);");
    fixture_shut(&f);
    CHECK_INT(topic_delete(f.log, "s", NULL), STATUS_OK);
    REQUIRE(fixture_try_open(&f) == STATUS_OK);
    int stop = 0;
    bool failed;
    CHECK(engine_wait(f.engine, &stop, &failed));
    CHECK_TEXT(fixture_topic(&f, "P"), "{\"N\":1}\n"); /* the others go on */
}

TEST(engine_replay, many_queries)
{
    char sql[200];
    FIXTURE(f);
    RUNS(&f, STREAM_S INSERT(1));
    for (int i = 0; i < 100; i++) {
        snprintf(sql, sizeof sql, "CREATE STREAM t%d AS SELECT id, n + %d AS n FROM s EMIT CHANGES;", i, i);
        RUNS(&f, sql);
    }
    fixture_reopen(&f);
    fixture_wait(&f);
    CHECK_TEXT(fixture_topic(&f, "T99"), "{\"N\":100}\n");
    CHECK_TEXT(fixture_topic(&f, "T0"), "{\"N\":1}\n");
}
