/* The log: topics of records, on Apache Kafka or in one SQLite file. Everything that must last is a record in a topic.
 *
 * All of exactly-once rests on one primitive of this interface:
 *
 *     writer_begin -> writer_append(topic, partition, records)* -> writer_commit | writer_abort
 *
 * A commit is atomic over all topics and partitions appended to; readers never see records of an open or aborted
 * transaction. Nothing above this folder knows which log it runs on.
 *
 * Threads: a `struct log` may be shared by threads. A reader, and a writer, belong to one thread at a time.
 * Errors: STATUS_IO (disk, broker; may be retried), STATUS_FULL (no space: the transaction was not written), STATUS_NOT_FOUND
 * (topic, partition), STATUS_EXISTS, STATUS_ABORTED (the transaction is gone: begin again from the last committed
 * positions), STATUS_FENCED (another writer with the same id has taken over: stop), STATUS_TIMEOUT. */
#ifndef WEIR_TOPICS_H
#define WEIR_TOPICS_H

#include "core/core.h"

struct log;
struct log_reader;
struct log_writer;

/* ---- records ------------------------------------------------------------------------------------------ */

/* One record. `key.p` NULL: no key; `value.p` NULL: a tombstone (empty, but not null, is p != NULL, len 0). */
struct record {
    struct str key, value;
    int64_t ts;                    /* milliseconds; -1 in an append: the log's clock */
    int64_t offset;                /* set by the log */
    const struct headers *headers; /* NULL: none */
};

/* Records of one partition in ascending offsets, as fetched. Counted; everything its records point to lives as long
 * as it does. Kept and dropped from any thread. */
struct record_batch {
    int refs; /* atomic */
    uint32_t n;
    int32_t partition;
    const char *topic;      /* lives as long as the batch */
    struct record *records;
    int64_t next_offset;    /* where reading goes on: behind the last record and any markers */
    void (*destroy)(struct record_batch *);
};
struct record_batch *record_batch_keep(struct record_batch *b);
void record_batch_drop(void *b); /* void: fits batch_own */

/* The partition that Java's default partitioner gives a key: (murmur2(key) & 0x7fffffff) % n. */
int32_t partition_for_key(struct str key, int32_t n_partitions);
uint32_t murmur2(const void *data, size_t len); /* seed 0x9747b28c, as org.apache.kafka.common.utils.Utils */

/* ---- opening ------------------------------------------------------------------------------------------ */

struct embedded_options {
    const char *path;      /* the SQLite file; NULL: in memory, gone when closed */
    bool sync_full;        /* true: a commit also survives power loss (synchronous=FULL); false: only the death of the process */
};
enum status log_open_embedded(const struct embedded_options *options, struct log **out, struct diag *d) MUST_CHECK;

struct kafka_option { const char *name, *value; }; /* librdkafka's names, or ksqlDB's with `ksql.streams.` in front */
struct kafka_options {
    const char *bootstrap_servers;
    const struct kafka_option *options;
    size_t n_options;
};
enum status log_open_kafka(const struct kafka_options *options, struct log **out, struct diag *d) MUST_CHECK;
void log_close(struct log *log); /* all readers and writers must be gone */
const char *log_kind(const struct log *log); /* "embedded" or "kafka" */

/* ---- topics ------------------------------------------------------------------------------------------- */

struct topic_spec {
    const char *name;        /* at most 249 bytes of [a-zA-Z0-9._-] */
    int32_t n_partitions;
    int16_t replicas;        /* 0: the broker's default; the embedded log always has 1 */
    bool compact;            /* cleanup.policy compact; with retention_ms also delete */
    int64_t retention_ms;    /* 0: the log's default; -1: for ever */
    int64_t retention_bytes; /* a partition; 0: the log's default; -1: no limit */
};
enum status topic_create(struct log *log, const struct topic_spec *spec, struct diag *d) MUST_CHECK; /* STATUS_EXISTS */
/* As topic_create, but a topic that is there already is a success, whatever its settings. *created (may be NULL): it was not. */
enum status topic_ensure(struct log *log, const struct topic_spec *spec, bool *created, struct diag *d) MUST_CHECK;
enum status topic_delete(struct log *log, const char *name, struct diag *d) MUST_CHECK;
/* Fills `out` (name borrowed from the argument). STATUS_NOT_FOUND without touching `d`. */
enum status topic_describe(struct log *log, const char *name, struct topic_spec *out, struct diag *d) MUST_CHECK;
/* All topics, sorted by name, in the arena; internal ones (of weir and of Kafka) included. */
enum status topic_list(struct log *log, struct arena *a, struct topic_spec **out, size_t *n, struct diag *d) MUST_CHECK;
/* First offset and the offset behind the last committed record (read-committed end); `uncommitted_end` (may be NULL) is behind open
 * transactions too: who takes over a partition waits until it can read that far. */
enum status topic_offsets(struct log *log, const char *name, int32_t partition, int64_t *begin, int64_t *end,
                          int64_t *uncommitted_end, struct diag *d) MUST_CHECK;
/* The first offset whose record has this timestamp or a later one; the end if there is none. */
enum status topic_offset_for_time(struct log *log, const char *name, int32_t partition, int64_t ts, int64_t *offset,
                                  struct diag *d) MUST_CHECK;
/* Removes records below `offset`: repartition topics behind their positions, changelogs behind a snapshot. */
enum status topic_truncate(struct log *log, const char *name, int32_t partition, int64_t offset,
                           struct diag *d) MUST_CHECK;

/* ---- reading (committed records only) ------------------------------------------------------------------ */

enum status reader_open(struct log *log, struct log_reader **out, struct diag *d) MUST_CHECK;
void reader_close(struct log_reader *r);
/* Starts to read a partition at `offset` (below the first record: at the first; above the end: STATUS_INVALID).
 * Assigning again moves. */
enum status reader_assign(struct log_reader *r, const char *topic, int32_t partition, int64_t offset,
                          struct diag *d) MUST_CHECK;
void reader_unassign(struct log_reader *r, const char *topic, int32_t partition);
/* Stops and resumes delivery of a partition without losing its place (back-pressure). */
void reader_pause(struct log_reader *r, const char *topic, int32_t partition, bool paused);
/* The next records of some assigned partition, at most `max_records` (<= BATCH_ROWS) and of one partition, into *out
 * (the caller drops it). A batch without records only moves the place (next_offset) over markers and aborted records. Partitions are served fairly. *out is NULL when nothing came within timeout_ms (0: look only). */
enum status reader_poll(struct log_reader *r, int timeout_ms, uint32_t max_records, struct record_batch **out,
                        struct diag *d) MUST_CHECK;
/* Wakes a reader that waits in reader_poll; from any thread. */
void reader_wake(struct log_reader *r);

/* ---- writing ------------------------------------------------------------------------------------------ */

/* A writer with an id is transactional, and fences every earlier writer of that id. `id` NULL: a plain writer: appends
 * are committed by writer_commit (at least once on Kafka, atomic in the embedded log). */
enum status writer_open(struct log *log, const char *id, struct log_writer **out, struct diag *d) MUST_CHECK;
void writer_close(struct log_writer *w); /* aborts what is open */
enum status writer_begin(struct log_writer *w, struct diag *d) MUST_CHECK;
/* Appends in order. The records and all they point to are copied before the call returns. `partition` -1: each by its
 * key, keyless ones round the partitions. May block when buffers are full (bounded memory). A record larger than the log
 * takes is STATUS_DATA, and the transaction can go on without it. */
enum status writer_append(struct log_writer *w, const char *topic, int32_t partition, const struct record *records,
                          size_t n, struct diag *d) MUST_CHECK;
/* On any error but STATUS_OK nothing of the transaction is visible, then or later. (STATUS_IO from Kafka: it is not known
 * whether the commit got through, but that is settled by now: read the positions again, they tell. From a plain Kafka
 * writer: some may be visible.) A commit is seen by readers a moment after it has returned. */
enum status writer_commit(struct log_writer *w, struct diag *d) MUST_CHECK;
void writer_abort(struct log_writer *w);

/* ---- membership ---------------------------------------------------------------------------------------- */

/* Work is given out in slots. On Kafka the members of a service join one consumer group over a topic with a partition a slot;
 * owning the partition is owning the slot. Embedded: one process owns all; a second one is refused with STATUS_EXISTS.
 * `server_id`: who comes back under the same name, after a crash as well, has its slots again at once (and whoever has the name
 * is thrown out); but they are also kept for it some seconds after it has left. NULL: a new member each time. */
struct membership;
enum status membership_join(struct log *log, const char *service_id, const char *server_id, int32_t n_slots,
                            struct membership **out, struct diag *d) MUST_CHECK;
/* Serves the group. *changed is set when the owned set differs from the last call's; `owned` has a byte a slot (1: ours). STATUS_IO:
 * no broker can be reached; `owned` is filled in all the same. */
enum status membership_poll(struct membership *m, int timeout_ms, uint8_t *owned, bool *changed,
                            struct diag *d) MUST_CHECK;
/* The slots to be taken away are given up when the caller has committed and says so; until then membership_poll reports them
 * as 0 in `owned` and the group waits. */
void membership_release_done(struct membership *m);
/* Makes the open transaction of `w` depend on this membership: its commit fails with STATUS_FENCED when the group has moved on. */
enum status membership_fence(struct membership *m, struct log_writer *w, struct diag *d) MUST_CHECK;
void membership_leave(struct membership *m);

#endif
