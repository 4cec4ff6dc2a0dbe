/* An engine over an in-memory log, and a sink that writes down what it is given:
 *     # message     = title, then a|b a row, for tables      ( A STRING, B INTEGER ) then a|b a row, for queries, then
 * end > line of PRINT */
#ifndef WEIR_TESTS_ENGINE_FIXTURE_H
#define WEIR_TESTS_ENGINE_FIXTURE_H

#include "engine/engine.h"
#include "tests/unit/unit.h"

struct fixture {
    struct log *log;
    struct engine *engine;
    struct session *session;
    struct registry *registry; /* of the next engine that is opened; borrowed */
    bool drain;
    bool stop;               /* what the sink answers when asked */
    int64_t stop_after_rows; /* -1: never */
    struct buf out;          /* of the last run */
    struct buf notices;      /* since the engine was opened */
    struct diag d;           /* of the last run */
};

/* A fixture for the rest of the block. */
#define FIXTURE(f)                                                                                                     \
    struct fixture f __attribute__((cleanup(fixture_close)));                                                          \
    fixture_open(&f)
void fixture_open(struct fixture *f); /* drained, nothing in the log */
void fixture_close(struct fixture *f);
/* Closes the engine and opens it again on the same log. */
void fixture_reopen(struct fixture *f);
enum status fixture_try_open(struct fixture *f);
void fixture_shut(struct fixture *f); /* the engine only */

struct engine_sink fixture_sink(struct fixture *f);
enum status fixture_run(struct fixture *f, const char *sql);
enum status fixture_run_again(struct fixture *f, const char *sql); /* repeatable */
void fixture_wait(struct fixture *f);                              /* until the queries have drained; none may fail */

/* Runs, and compares what came. `message`: the beginning of the error's. */
#define RUNS(f, sql) fixture_runs((f), (sql), NULL, __FILE__, __LINE__)
#define GIVES(f, sql, expected) fixture_runs((f), (sql), (expected), __FILE__, __LINE__)
#define FAILS(f, sql, message) fixture_fails((f), (sql), (message), __FILE__, __LINE__)
void fixture_runs(struct fixture *f, const char *sql, const char *expected, const char *file, int line);
void fixture_fails(struct fixture *f, const char *sql, const char *message, const char *file, int line);

#define COMMANDS "_confluent-ksql-default__command_topic"
#define STREAM_S "CREATE STREAM s (id STRING KEY, n INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"

/* Values of a topic's records, a line each (partition 0). */
const char *fixture_topic(struct fixture *f, const char *topic);                               /* in f->out */
int64_t fixture_count(struct fixture *f, const char *topic);                                   /* -1: no such topic */
void fixture_append(struct fixture *f, const char *topic, const char *key, const char *value); /* NULL: null */

#endif
