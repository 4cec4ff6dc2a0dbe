/* Tests of what topics/topics.h promises, for any log: topics, transactions, reading, membership (log_*_tests.c). What
 * needs a broker's help (failures, several members) is in test_*.c. A program opens its log and instantiates them:
 *
 *     #define RUN(name) TEST(embedded, name) { log_test_##name(the_log()); }
 *     LOG_TESTS(RUN)
 *
 * Every test makes topics of its own, so a log may be shared and may live on. */
#ifndef WEIR_TESTS_LOG_TESTS_H
#define WEIR_TESTS_LOG_TESTS_H

#include "tests/unit/unit.h"
#include "topics/topics.h"

#define LOG_TESTS(X)                                                                                                   \
    X(topic_life)                                                                                                      \
    X(topic_names)                                                                                                     \
    X(topic_sorted_list)                                                                                               \
    X(records_as_written)                                                                                              \
    X(partition_by_key)                                                                                                \
    X(abort_leaves_nothing)                                                                                            \
    X(open_transaction_is_unseen)                                                                                      \
    X(atomic_over_topics)                                                                                              \
    X(empty_transactions)                                                                                              \
    X(second_writer_fences)                                                                                            \
    X(plain_writer)                                                                                                    \
    X(append_to_nowhere)                                                                                               \
    X(assign_checks_offsets)                                                                                           \
    X(assign_again_moves)                                                                                              \
    X(unassign_stops)                                                                                                  \
    X(pause_keeps_place)                                                                                               \
    X(fair_partitions)                                                                                                 \
    X(batch_outlives_reader)                                                                                           \
    X(wake_ends_waiting)                                                                                               \
    X(offset_for_time)                                                                                                 \
    X(no_memory_loses_nothing)                                                                                         \
    X(truncate_moves_begin)                                                                                            \
    X(large_record)                                                                                                    \
    X(many_records_once)                                                                                               \
    X(follow_while_written)                                                                                            \
    X(member_owns_all)

#define DECLARE(name) void log_test_##name(struct log *log);
LOG_TESTS(DECLARE)
#undef DECLARE

/* ---- helpers, also for tests of one log ------------------------------------------------------------------ */

/* A topic name that was not used before; 8 of them live at a time. */
const char *fresh_name(const char *stem);
const char *fresh_topic(struct log *log, const char *stem, int32_t n_partitions);
struct log_writer *writer_new(struct log *log, const char *id);
struct log_reader *reader_at(struct log *log, const char *topic, int32_t partition, int64_t offset);
/* Appends records "k<i>" -> "v<i>", i from first, to one partition (-1: by key) in the open transaction. */
enum status append_numbered(struct log_writer *w, const char *topic, int32_t partition, int first, int n);
/* Opens a transaction, appends as above, and commits. */
void commit_numbered(struct log_writer *w, const char *topic, int32_t partition, int first, int n);
/* Records 0 to n - 1 in each partition, in one transaction of a writer of its own. */
void fill_topic(struct log *log, const char *topic, int32_t n_partitions, int n);
/* Waits until nothing of the partition is in an open transaction: a broker shows a commit a moment after it has promised it. */
void wait_until_seen(struct log *log, const char *topic, int32_t partition);
/* Reads one partition up to its uncommitted end, checks ascending offsets; returns the number of records, and in *sum
 * the sum of the i of "v<i>". -1: it did not get there in time. */
long read_to_end(struct log *log, const char *topic, int32_t partition, long long *sum);
/* The i of "v<i>"; -1: the value is none. */
long number_of(const struct record *r);
enum { WAIT_MS = 20000 };
/* The next batch with records; NULL after WAIT_MS. */
struct record_batch *next_records(struct log_reader *r, uint32_t max);

#define OK(expr)                                                                                                       \
    do {                                                                                                               \
        struct diag ok_diag = DIAG_INIT, *d __attribute__((unused)) = &ok_diag;                                        \
        enum status ok_status = (expr);                                                                                \
        CHECK_INT(ok_status, STATUS_OK);                                                                               \
        if (ok_status != STATUS_OK)                                                                                    \
            CHECK_TEXT(ok_diag.message, "");                                                                           \
    } while (0)

#endif
