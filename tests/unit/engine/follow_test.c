/* Servers of one service: what another one records is followed, and recording goes one at a time. The other server is a writer
 * of the command topic, which takes over from the engine's own as a server would. */
#include "tests/unit/engine/fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define COMMANDS "_confluent-ksql-default__command_topic"
#define STREAM_S "CREATE STREAM s (id STRING KEY, n INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"
#define INSERT(n) "INSERT INTO s (id, n) VALUES ('k', " #n ");"

static struct log_writer *take_over(struct log *log)
{
    struct log_writer *w;
    REQUIRE(writer_open(log, COMMANDS "-writer", &w, NULL) == STATUS_OK);
    return w;
}

static enum status try_record(struct log *log, const char *json)
{
    const struct record r = {.value = str_from(json), .ts = 1000};
    struct log_writer *w = take_over(log);
    enum status st = writer_begin(w, NULL);
    if (st == STATUS_OK)
        st = writer_append(w, COMMANDS, 0, &r, 1, NULL);
    if (st == STATUS_OK)
        st = writer_commit(w, NULL);
    writer_close(w);
    return st;
}

/* The other server records a statement; quotes in it are single ones. */
static void other(struct fixture *f, int number, const char *statement)
{
    char json[1000];
    snprintf(json, sizeof json, "{\"statement\":\"%s\",\"queryNumber\":%d,\"properties\":{}}", statement, number);
    CHECK_INT(try_record(f->log, json), STATUS_OK);
}

static void make_topic(struct fixture *f, const char *name)
{
    const struct topic_spec spec = {.name = name, .n_partitions = 1};
    CHECK_INT(topic_create(f->log, &spec, NULL), STATUS_OK);
}

static bool has(const struct fixture *f, const char *text)
{
    return strstr(buf_z((struct buf *)&f->out), text) != NULL;
}

TEST(engine_follow, queries_of_others)
{
    struct fixture f;
    fixture_open(&f);
    RUNS(&f, STREAM_S INSERT(1) INSERT(2));
    other(&f, 1, "CREATE TABLE t AS SELECT n, COUNT(*) AS c FROM s GROUP BY n EMIT CHANGES;");
    make_topic(&f, "T");
    other(&f, 2, "PAUSE CTAS_T_1;");
    RUNS(&f, "SHOW QUERIES;");
    CHECK(has(&f, "CTAS_T_1|PAUSED|T|"));
    other(&f, 3, "RESUME ALL;");
    fixture_wait(&f);
    CHECK_TEXT(fixture_topic(&f, "T"), "{\"C\":1}\n{\"C\":1}\n");
    RUNS(&f, "CREATE STREAM u AS SELECT id, n FROM s EMIT CHANGES;");
    CHECK(has(&f, "Created query with ID CSAS_U_4"));
    fixture_wait(&f);
    CHECK_INT(fixture_count(&f, "U"), 2);
    RUNS(&f, INSERT(4) INSERT(6)); /* of which a query that has drained takes no notice */
    other(&f, 5, "CREATE OR REPLACE STREAM u AS SELECT id, n FROM s WHERE n > 5 EMIT CHANGES;");
    fixture_wait(&f);
    CHECK_INT(fixture_count(&f, "U"), 3);
    other(&f, 6, "INSERT INTO u SELECT id, n * 10 AS n FROM s EMIT CHANGES;");
    fixture_wait(&f);
    CHECK_INT(fixture_count(&f, "U"), 7);
    other(&f, 7, "TERMINATE ALL;");
    GIVES(&f, "SHOW QUERIES;", "= Queries\n");
    CHECK_TEXT(buf_z(&f.notices), "");
    fixture_close(&f);
}

TEST(engine_follow, nothing_is_deleted)
{
    const char *changelog = "_confluent-ksql-default_query_CTAS_T_1-Aggregate-Aggregate-Materialize-changelog";
    struct fixture f;
    fixture_open(&f);
    RUNS(&f, STREAM_S INSERT(1) "CREATE TABLE t AS SELECT n, COUNT(*) AS c FROM s GROUP BY n EMIT CHANGES;");
    fixture_wait(&f);
    CHECK_INT(fixture_count(&f, changelog), 1);
    other(&f, 2, "DROP TABLE t DELETE TOPIC;");
    GIVES(&f, "SHOW QUERIES; SHOW TABLES;", "= Queries\n= Tables\n");
    CHECK_INT(fixture_count(&f, changelog), 1); /* that is for the other server */
    CHECK_INT(fixture_count(&f, "T"), 1);
    RUNS(&f, "CREATE TABLE t AS SELECT n, COUNT(*) AS c FROM s GROUP BY n EMIT CHANGES;");
    CHECK(has(&f, "Created query with ID CTAS_T_3"));
    fixture_wait(&f);
    CHECK_INT(fixture_count(&f, "T"), 2);
    fixture_reopen(&f);
    fixture_wait(&f);
    CHECK_INT(fixture_count(&f, COMMANDS), 4);
    CHECK_TEXT(buf_z(&f.notices), "");
    fixture_close(&f);
}

TEST(engine_follow, types_columns_and_properties)
{
    struct fixture f;
    fixture_open(&f);
    RUNS(&f, STREAM_S);
    other(&f, 1, "CREATE TYPE pair AS STRUCT<x INT, y INT>;");
    other(&f, 2, "ALTER STREAM s ADD COLUMN p pair;");
    GIVES(&f, "SHOW TYPES; DESCRIBE s;",
          "= Types\nPAIR|STRUCT<`X` INTEGER, `Y` INTEGER>\n= stream S (topic s, key KAFKA, value JSON)\nID|STRING|key\n"
          "N|INTEGER|\nP|STRUCT<`X` INTEGER, `Y` INTEGER>|\n");
    CHECK_INT(try_record(f.log, "{\"statement\":\"CREATE STREAM d (n INT) WITH (KAFKA_TOPIC='d', PARTITIONS=1);\","
                                "\"properties\":{\"ksql.persistence.default.format.value\":\"DELIMITED\"}}"),
              STATUS_OK);
    GIVES(&f, "SHOW STREAMS;", "= Streams\nS|s|KAFKA|JSON|false\nD|d|KAFKA|DELIMITED|false\n");
    CHECK_INT(fixture_count(&f, "d"), -1); /* nothing is created either */
    other(&f, 4, "DROP STREAM d;");
    other(&f, 5, "DROP STREAM s;");
    other(&f, 6, "DROP TYPE pair;");
    GIVES(&f, "SHOW STREAMS; SHOW TYPES;", "= Streams\n= Types\n");
    CHECK_TEXT(buf_z(&f.notices), "");
    fixture_close(&f);
}

/* Taken over between two statements: the second is planned again, whatever kind it is. */
TEST(engine_follow, a_writer_that_was_taken_over)
{
    static const char *const statements[] = {
        STREAM_S,
        "ALTER STREAM s ADD COLUMN m INT;",
        "CREATE STREAM t AS SELECT id, n, m FROM s EMIT CHANGES;",
        "CREATE TYPE pair AS STRUCT<x INT, y INT>;",
        "ALTER STREAM s ADD COLUMN p pair;",
        "CREATE OR REPLACE STREAM t AS SELECT id, n, m FROM s WHERE n > 1 EMIT CHANGES;",
        "INSERT INTO t SELECT id, n, m FROM s EMIT CHANGES;",
        "PAUSE CSAS_T_2;",
        "RESUME ALL;",
        "TERMINATE ALL;",
        "DROP STREAM t DELETE TOPIC;",
        "DROP STREAM s;",
        "DROP TYPE pair;",
    };
    const size_t n = sizeof statements / sizeof *statements;
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < n; i++) {
        RUNS(&f, statements[i]);
        writer_close(take_over(f.log));
    }
    CHECK_INT(fixture_count(&f, COMMANDS), (int64_t)n);
    GIVES(&f, "SHOW STREAMS; SHOW QUERIES; SHOW TYPES;", "= Streams\n= Queries\n= Types\n");
    fixture_reopen(&f);
    GIVES(&f, "SHOW STREAMS; SHOW QUERIES; SHOW TYPES;", "= Streams\n= Queries\n= Types\n");
    CHECK_TEXT(buf_z(&f.notices), "");
    fixture_close(&f);
}

TEST(engine_follow, the_same_statement)
{
    struct fixture f;
    fixture_open(&f);
    RUNS(&f, STREAM_S);
    other(&f, 1, "CREATE STREAM t AS SELECT id, n FROM s EMIT CHANGES;");
    make_topic(&f, "T");
    CHECK_INT(fixture_run_again(&f, "CREATE STREAM t AS SELECT id, n FROM s EMIT CHANGES;"), STATUS_OK);
    CHECK_INT(fixture_count(&f, COMMANDS), 2);
    FAILS(&f, "CREATE STREAM t AS SELECT id, n FROM s EMIT CHANGES;",
          "Could not determine output schema for query due to error: Cannot add stream 'T'");
    CHECK_INT(fixture_count(&f, COMMANDS), 2);
    other(&f, 7, "DROP STREAM t;");
    RUNS(&f, "CREATE STREAM t AS SELECT id, n FROM s EMIT CHANGES;");
    CHECK(has(&f, "Created query with ID CSAS_T_8"));
    fixture_close(&f);
}

struct racer {
    struct log *log;
    atomic_int stop;
    atomic_int recorded;
    atomic_int statements; /* of the engine; it must not stay far behind, whose tries are bounded */
};

static void *record_types(void *data)
{
    struct racer *r = data;
    char json[200];
    while (!atomic_load(&r->stop)) {
        if (atomic_load(&r->recorded) > atomic_load(&r->statements) + 20) {
            clock_sleep_ms(1);
            continue;
        }
        snprintf(json, sizeof json, "{\"statement\":\"CREATE TYPE o%d AS INT;\",\"queryNumber\":0}",
                 atomic_load(&r->recorded));
        if (try_record(r->log, json) == STATUS_OK)
            atomic_fetch_add(&r->recorded, 1);
        clock_sleep_ms(2);
    }
    return NULL;
}

TEST(engine_follow, two_at_once)
{
    enum { LEAST = 30, MOST = 5000 };
    struct fixture f;
    char sql[200];
    pthread_t thread;
    fixture_open(&f);
    struct racer r = {.log = f.log};
    REQUIRE(pthread_create(&thread, NULL, record_types, &r) == 0);
    int statements = 0;
    for (; statements < LEAST || (atomic_load(&r.recorded) < LEAST && statements < MOST); statements++) {
        snprintf(sql, sizeof sql, "CREATE TYPE m%d AS INT;", statements);
        RUNS(&f, sql);
        atomic_store(&r.statements, statements + 1);
    }
    atomic_store(&r.stop, 1);
    pthread_join(thread, NULL);
    int all = statements + atomic_load(&r.recorded);
    CHECK_INT(fixture_count(&f, COMMANDS), all);
    for (int i = 0; i < 2; i++) {
        RUNS(&f, "SHOW TYPES;");
        int n = 0;
        for (const char *at = buf_z(&f.out); (at = strchr(at, '|')); at++)
            n++;
        CHECK_INT(n, all);
        CHECK_TEXT(buf_z(&f.notices), "");
        fixture_reopen(&f);
    }
    fixture_close(&f);
}

TEST(engine_follow, what_cannot_be_applied)
{
    struct fixture f;
    fixture_open(&f);
    RUNS(&f, STREAM_S);
    other(&f, 1, "DROP STREAM nobody;");
    other(&f, 2, "CREATE STREAM;");
    other(&f, 3, "CREATE TYPE x AS INT;");
    GIVES(&f, "SHOW TYPES;", "= Types\nX|INTEGER\n");
    CHECK(strstr(buf_z(&f.notices), "a recorded statement is left out: Stream NOBODY does not exist.") != NULL);
    f.notices.len = 0;
    fixture_append(&f, COMMANDS, NULL, "rubbish");
    for (int i = 0; i < 2; i++) {
        GIVES(&f, "SHOW STREAMS;", "= Streams\nS|s|KAFKA|JSON|false\n");
        const char *first = strstr(buf_z(&f.notices), "cannot follow what other servers record, and will try again: "
                                                      "The command topic " COMMANDS " is damaged at offset 4: ");
        CHECK(first != NULL);
        CHECK(first && !strstr(first + 1, "cannot follow")); /* told once */
        clock_sleep_ms(1050);
    }
    writer_close(take_over(f.log));
    FAILS(&f, "DROP STREAM s;", "The command topic " COMMANDS " is damaged at offset 4: ");
    CHECK_INT(fixture_count(&f, COMMANDS), 5);
    fixture_close(&f);
}

/* A query whose topic has vanished fails; those beside it go on. */
TEST(engine_follow, a_topic_that_vanishes)
{
    struct fixture f;
    int stop = 0;
    bool failed;
    fixture_open(&f);
    fixture_shut(&f);
    f.drain = false;
    REQUIRE(fixture_try_open(&f) == STATUS_OK);
    RUNS(&f, STREAM_S
         "CREATE STREAM t AS SELECT id, n FROM s EMIT CHANGES; CREATE STREAM u AS SELECT id, n FROM s EMIT CHANGES;");
    CHECK_INT(topic_delete(f.log, "T", NULL), STATUS_OK);
    RUNS(&f, INSERT(1));
    for (int i = 0; i < 500 && fixture_count(&f, "U") < 1; i++)
        clock_sleep_ms(10);
    CHECK_INT(fixture_count(&f, "U"), 1);
    RUNS(&f, "SHOW QUERIES;");
    CHECK(has(&f, "CSAS_T_1|ERROR|"));
    CHECK(has(&f, "CSAS_U_2|RUNNING|"));
    other(&f, 3, "TERMINATE CSAS_T_1;");
    RUNS(&f, "SHOW QUERIES;");
    CHECK(!has(&f, "CSAS_T_1"));
    RUNS(&f, "TERMINATE CSAS_U_2;");
    CHECK(engine_wait(f.engine, &stop, &failed));
    CHECK(!failed);
    fixture_close(&f);
}
