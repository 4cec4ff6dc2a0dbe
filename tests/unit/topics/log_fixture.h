/* For tests of the embedded log: a log in a folder of its own, or in memory, and short ways to write and read. Where
 * the status does not matter to a test, it must be STATUS_OK: the helpers check that. */
#ifndef WEIR_TESTS_LOG_FIXTURE_H
#define WEIR_TESTS_LOG_FIXTURE_H

#include "tests/unit/unit.h"

#include "topics/embedded/embedded_int.h"

struct fixture {
    char folder[64]; /* empty: in memory */
    char path[128];
    struct log *log;
    struct diag d;
};

void fixture_open(struct fixture *f, bool in_memory);
void fixture_reopen(struct fixture *f); /* not in memory */
void fixture_close(struct fixture *f);
void check_integrity(struct fixture *f);                         /* as SQLite sees it */
int64_t count_pages(struct fixture *f, enum db_statement which); /* DB_ALL_PAGES or DB_FREE_PAGES */
/* Lets the housekeeping of a log begin at once, and never rest. */
void hurry_house(struct log *log);
struct log *fixture_second(struct fixture *f); /* another log on the same file */

/* Runs the body once in memory and once in a file, with `struct fixture *f`. */
#define LOG_TEST(suite, name)                                                                                          \
    static void suite##_##name##_body(struct fixture *f);                                                              \
    TEST(suite, name)                                                                                                  \
    {                                                                                                                  \
        for (int in_memory = 0; in_memory < 2; in_memory++) {                                                          \
            struct fixture f;                                                                                          \
            fixture_open(&f, in_memory != 0);                                                                          \
            suite##_##name##_body(&f);                                                                                 \
            fixture_close(&f);                                                                                         \
        }                                                                                                              \
    }                                                                                                                  \
    static void suite##_##name##_body(struct fixture *f)

#define FILE_TEST(suite, name)                                                                                         \
    static void suite##_##name##_body(struct fixture *f);                                                              \
    TEST(suite, name)                                                                                                  \
    {                                                                                                                  \
        struct fixture f;                                                                                              \
        fixture_open(&f, false);                                                                                       \
        suite##_##name##_body(&f);                                                                                     \
        fixture_close(&f);                                                                                             \
    }                                                                                                                  \
    static void suite##_##name##_body(struct fixture *f)

#define OK(f, call) unit_check_ok((f), (call), #call, __FILE__, __LINE__)
void unit_check_ok(struct fixture *f, enum status st, const char *what, const char *file, int line);

/* `size` bytes (up to NOISE_MOST) that do not pack, nor together with those of other `n` nearby. */
enum { NOISE_MOST = 1 << 20 };
struct str noise(size_t n, size_t size);
void make_topic(struct fixture *f, const char *name, int32_t n_partitions, bool compact);
struct record text_record(const char *key, const char *value, int64_t ts); /* NULL: null */
struct log_writer *open_writer(struct log *log, const char *id);
struct log_reader *open_reader(struct log *log, const char *topic, int32_t partition, int64_t offset);
/* One transaction with one record. */
void put(struct fixture *f, const char *topic, int32_t partition, const char *key, const char *value);
/* One transaction with records named "k<i>" = "v<i>", i from `first`. */
void put_many(struct log *log, const char *topic, int32_t partition, int first, int n);
int64_t end_of(struct log *log, const char *topic, int32_t partition);
int64_t begin_of(struct log *log, const char *topic, int32_t partition);
/* Everything that there is, as "offset:key=value offset:key=value ..."; `max_records` a poll. Static buffer. */
const char *read_all(struct log *log, const char *topic, int32_t partition, uint32_t max_records);
/* Reads on, and checks that records follow each other as put_many made them, up to `end`. */
void check_sequence(struct log *log, const char *topic, int32_t partition, int64_t begin, int64_t end);

#endif
