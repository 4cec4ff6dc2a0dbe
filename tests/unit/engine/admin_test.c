/* Statements that look: SHOW, DESCRIBE, EXPLAIN, PRINT, ASSERT TOPIC. */
#include "tests/unit/engine/fixture.h"

#define STREAM_H                                                                                                       \
    "CREATE STREAM s (id STRING KEY, n INT, h ARRAY<STRUCT<key STRING, value BYTES>> HEADERS)"                         \
    " WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"

static bool has(const struct fixture *f, const char *text)
{
    struct buf copy = f->out;
    return strstr(buf_z(&copy), text) != NULL;
}

TEST(engine_admin, show)
{
    FIXTURE(f);
    RUNS(&f, STREAM_H
         "CREATE TABLE t AS SELECT id, COUNT(*) AS c FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY id EMIT CHANGES;");
    fixture_wait(&f);
    GIVES(&f, "SHOW STREAMS; LIST TABLES;", "= Streams\nS|s|KAFKA|JSON|false\n= Tables\nT|T|KAFKA|JSON|true\n");
    GIVES(&f, "SHOW TOPICS;", "= Topics\nT|1|1\ndefault_ksql_processing_log|1|1\ns|1|1\n");
    RUNS(&f, "SHOW ALL TOPICS;");
    CHECK(has(&f, "_confluent-ksql-default__command_topic|1|1\n"));
    RUNS(&f, "SHOW QUERIES;");
    CHECK(has(&f, "CTAS_T_1|DRAINED|T|"));
    CHECK(has(&f, "|CREATE TABLE t AS SELECT id, COUNT(*) AS c FROM s"));
    RUNS(&f, "SHOW FUNCTIONS;");
    CHECK(has(&f, "\nCOUNT|AGGREGATE|") && has(&f, "\nEXPLODE|TABLE|") && has(&f, "\nUCASE|SCALAR|"));
    FAILS(&f, "SHOW CONNECTORS;", "not supported yet: LIST CONNECTORS");
}

TEST(engine_admin, describe)
{
    FIXTURE(f);
    RUNS(&f, STREAM_H "CREATE TABLE t AS SELECT id, COUNT(*) AS c FROM s GROUP BY id EMIT CHANGES;");
    fixture_wait(&f);
    GIVES(&f, "DESCRIBE s;",
          "= stream S (topic s, key KAFKA, value JSON)\nID|STRING|key\nN|INTEGER|\n"
          "H|ARRAY<STRUCT<`KEY` STRING, `VALUE` BYTES>>|headers\n");
    GIVES(&f, "DESCRIBE TABLES;", "= table T (topic T, key KAFKA, value JSON)\nID|STRING|primary key\nC|BIGINT|\n");
    RUNS(&f, "INSERT INTO s (id, n) VALUES ('a', 1);"); /* with HEADERS it needs a list */
    RUNS(&f, "DESCRIBE s EXTENDED;");
    CHECK(has(&f, "Kafka topic|s (partitions: 1, replication: 1, records: 1)\n"));
    CHECK(has(&f, "Read by|CTAS_T_1 (DRAINED)\n"));
    CHECK(has(&f, "Timestamp field|Not set - using <ROWTIME>\n"));
    RUNS(&f, "DESCRIBE t EXTENDED;");
    CHECK(has(&f, "Written by|CTAS_T_1 (DRAINED)\n"));
    RUNS(&f, "SHOW TABLES EXTENDED;");
    CHECK(has(&f, "= table T (topic T, key KAFKA, value JSON)\n") && has(&f, "Written by|CTAS_T_1 (DRAINED)\n"));
    CHECK(!has(&f, "= stream S"));
    RUNS(&f, "DESCRIBE FUNCTION ucase;");
    CHECK(has(&f, "= UCASE: "));
    FAILS(&f, "DESCRIBE nope;", "Could not find STREAM/TABLE 'NOPE' in the Metastore");
    FAILS(&f, "DESCRIBE FUNCTION nope;", "Can't find any functions with the name 'NOPE'");
}

TEST(engine_admin, explain)
{
    FIXTURE(f);
    RUNS(&f, STREAM_H "CREATE TABLE t AS SELECT id, COUNT(*) AS c FROM s GROUP BY id EMIT CHANGES;");
    RUNS(&f, "EXPLAIN SELECT n FROM s WHERE n > 1 EMIT CHANGES;");
    CHECK(has(&f, "logical plan:\n") && has(&f, "physical plan:\n") && has(&f, " > [ PROJECT ] | Schema: N INTEGER"));
    RUNS(&f, "EXPLAIN SELECT c AS d FROM t WHERE id = 'a';");
    CHECK(has(&f, "pull query: the last state of each key of T (topic T), which CTAS_T_1 keeps\n"));
    CHECK(has(&f, "where: (ID = 'a')\nselect: `D` := C\n"));
    RUNS(&f, "EXPLAIN CTAS_T_1;");
    CHECK(has(&f, "id: CTAS_T_1\n") && has(&f, "[ AGGREGATE ]"));
    FAILS(&f, "EXPLAIN nope;", "Query with id:nope does not exist, use SHOW QUERIES to view the full set of queries.");
    FAILS(&f, "EXPLAIN CREATE STREAM x (n INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');",
          "The provided statement does not run a ksql query");
    FAILS(&f, "EXPLAIN SELECT nope FROM s EMIT CHANGES;", "");
    RUNS(&f, "EXPLAIN CREATE STREAM x AS SELECT id, n FROM s EMIT CHANGES;");
    GIVES(&f, "SHOW STREAMS;", "= Streams\nS|s|KAFKA|JSON|false\n"); /* it was only explained */
}

TEST(engine_admin, print)
{
    FIXTURE(f);
    RUNS(&f,
         "CREATE STREAM s (id STRING KEY, n INT) WITH (KAFKA_TOPIC='Some.Topic', VALUE_FORMAT='JSON', PARTITIONS=1);"
         "INSERT INTO s (ROWTIME, id, n) VALUES (1647617602989, 'a', 1);"
         "INSERT INTO s (ROWTIME, id, n) VALUES (0, NULL, 2); INSERT INTO s (ROWTIME, id, n) VALUES (60000, 'c', 3);");
    GIVES(&f, "PRINT 'Some.Topic' FROM BEGINNING;",
          "> Key format: KAFKA_STRING\n> Value format: JSON or KAFKA_STRING\n"
          "> rowtime: 2022/03/18 15:33:22.989 Z, key: a, value: {\"N\":1}, partition: 0\n"
          "> rowtime: 1970/01/01 00:00:00.000 Z, key: <null>, value: {\"N\":2}, partition: 0\n"
          "> rowtime: 1970/01/01 00:01:00.000 Z, key: c, value: {\"N\":3}, partition: 0\n");
    RUNS(&f, "PRINT 'Some.Topic' FROM BEGINNING INTERVAL 2;");
    CHECK(has(&f, "{\"N\":1}") && !has(&f, "{\"N\":2}") && has(&f, "{\"N\":3}"));
    RUNS(&f, "PRINT 'Some.Topic' FROM BEGINNING LIMIT 1;");
    CHECK(has(&f, "{\"N\":1}") && !has(&f, "{\"N\":2}"));
    GIVES(&f, "PRINT 'Some.Topic';", ""); /* from the end, which is where a drained engine stops */
    GIVES(&f, "PRINT 'Some.Topic' FROM BEGINNING LIMIT 0;", "");
    FAILS(&f, "PRINT 'some.topic';",
          "Could not find topic 'some.topic', or the KSQL user does not have permissions to read "
          "the topic. Topic names are case-sensitive.");
    CHECK_TEXT(f.d.hint, "Did you mean 'Some.Topic'?");
    FAILS(&f, "PRINT '!';", "Could not find topic '!'");
}

TEST(engine_admin, assert_topic)
{
    FIXTURE(f);
    RUNS(&f, STREAM_H);
    GIVES(&f, "ASSERT TOPIC s;", "# Topic s exists.\n");
    GIVES(&f, "ASSERT TOPIC 's' WITH (PARTITIONS=1, REPLICAS=1) TIMEOUT 10 SECONDS;", "# Topic s exists.\n");
    GIVES(&f, "ASSERT NOT EXISTS TOPIC nope TIMEOUT 0 SECONDS;", "# Topic nope does not exist.\n");
    FAILS(&f, "ASSERT TOPIC nope TIMEOUT 1 MILLISECONDS;", "Topic nope does not exist");
    FAILS(&f, "ASSERT NOT EXISTS TOPIC s TIMEOUT 1 MILLISECONDS;", "Topic s exists");
    FAILS(&f, "ASSERT TOPIC s WITH (PARTITIONS=2) TIMEOUT 1 MILLISECONDS;",
          "Mismatched configuration for topic s: For config PARTITIONS, expected 2 got 1");
    FAILS(&f, "ASSERT TOPIC s WITH (COLOUR=2) TIMEOUT 1 MILLISECONDS;", "Cannot assert unknown topic property: COLOUR");
    int64_t started = clock_mono_ns();
    FAILS(&f, "ASSERT TOPIC nope TIMEOUT 60 MILLISECONDS;", "Topic nope does not exist");
    CHECK(clock_mono_ns() - started >= 60 * 1000000);
}

TEST(engine_admin, bad_records_are_in_the_processing_log)
{
    FIXTURE(f);
    RUNS(&f, "CREATE STREAM s (n INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);");
    fixture_append(&f, "s", NULL, "{\"n\": \"\\u0001 \\\"x\\\"\"}");
    fixture_append(&f, "s", NULL, "\xff");
    RUNS(&f, "CREATE STREAM t AS SELECT n FROM s EMIT CHANGES;");
    fixture_wait(&f);
    fixture_shut(&f); /* the last entries are written */
    const char *entries = fixture_topic(&f, "default_ksql_processing_log");
    CHECK(strstr(entries, "\"logger\":\"processing.CSAS_T_1.KsqlTopic.Source\"") != NULL);
    CHECK(strstr(entries, "\"topic\":\"s\",\"partition\":0,\"offset\":1") != NULL);
    CHECK(strstr(entries, "\\\"x\\\\\\\"") != NULL);
    CHECK_INT(fixture_count(&f, "default_ksql_processing_log"), 2);
    CHECK_INT(fixture_count(&f, "T"), 0);
}
