/* The embedded log: what its files share.
 *
 * One SQLite file. Tables (db.c): `topic`; `part`, one row a partition with its first and next offset; `entry`, one row
 * a chunk of records, ordered by (partition, last offset); `chunk`, the blobs, in the order they were written, so that
 * small transactions touch few pages; `writer`, the epochs of transactional ids. The entries of a partition follow each
 * other without gaps in offsets: a missing one is noticed. Every row carries a checksum of itself, and an entry that of
 * its chunk.
 *
 * Connections: one that writes (under write_mutex), one for look-ups (under query_mutex), one a reader.
 * In memory, SQLite's own locking would make readers and writers spin; memory_lock orders them instead.
 * Locks are taken in the order commit_mutex | house_mutex, write_mutex | query_mutex, memory_lock, wait_mutex. */
#ifndef WEIR_EMBEDDED_INT_H
#define WEIR_EMBEDDED_INT_H

#include "topics/embedded/chunk.h"
#include "topics/topics_int.h"

#include <pthread.h>
#include <sqlite3.h>

/* ---- db.c: connections and statements ----------------------------------------------------------------- */

#define PART_COLUMNS "id, start, stop, bytes, clean, clean_bytes, sum"
#define ENTRY_COLUMNS "part, last, base, n, bytes, max_ts, born, chunk, hash, sum"
#define TOPIC_COLUMNS "id, n_partitions, compact, retention_ms, retention_bytes, name, sum"

#define DB_STATEMENTS(X)                                                                                               \
    X(BEGIN, "BEGIN")                                                                                                  \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                                                  \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")                                                                                            \
    X(DATA_VERSION, "PRAGMA data_version")                                                                             \
    X(SCRUB, "UPDATE scrub SET n = n + 1")                                                                             \
    X(TOPIC_FIND, "SELECT " TOPIC_COLUMNS " FROM topic WHERE name = ?1")                                               \
    X(TOPIC_GET, "SELECT " TOPIC_COLUMNS " FROM topic WHERE id = ?1")                                                  \
    X(TOPIC_LIST, "SELECT " TOPIC_COLUMNS " FROM topic WHERE name IS NOT NULL ORDER BY name")                          \
    X(TOPIC_PUT, "INSERT OR REPLACE INTO topic(" TOPIC_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")                 \
    X(TOPIC_NEXT_ID, "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'topic'")                     \
    X(TOPIC_NAMELESS, "SELECT " TOPIC_COLUMNS " FROM topic WHERE name IS NULL LIMIT 1")                                \
    X(TOPIC_REMOVE, "DELETE FROM topic WHERE id = ?1")                                                                 \
    X(PART_GET, "SELECT " PART_COLUMNS " FROM part WHERE id = ?1")                                                     \
    X(PART_PUT, "INSERT OR REPLACE INTO part(" PART_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")                    \
    X(PART_REMOVE, "DELETE FROM part WHERE id BETWEEN ?1 AND ?2")                                                      \
    X(ENTRY_FROM, "SELECT " ENTRY_COLUMNS " FROM entry WHERE part = ?1 AND last >= ?2 ORDER BY last")                  \
    X(ENTRY_RANGE, "SELECT " ENTRY_COLUMNS " FROM entry WHERE part BETWEEN ?1 AND ?2 ORDER BY part, last")             \
    X(ENTRY_PUT, "INSERT INTO entry(" ENTRY_COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")               \
    X(ENTRY_REMOVE, "DELETE FROM entry WHERE part = ?1 AND last = ?2")                                                 \
    X(CHUNK_PUT, "INSERT INTO chunk(data) VALUES(?1)")                                                                 \
    X(CHUNK_GET, "SELECT data FROM chunk WHERE id = ?1")                                                               \
    X(CHUNK_REMOVE, "DELETE FROM chunk WHERE id = ?1")                                                                 \
    X(WRITER_GET, "SELECT epoch, sum FROM writer WHERE id = ?1")                                                       \
    X(WRITER_PUT, "INSERT OR REPLACE INTO writer(id, epoch, sum) VALUES(?1, ?2, ?3)")                                  \
    X(FREE_PAGES, "PRAGMA freelist_count")                                                                             \
    X(ALL_PAGES, "PRAGMA page_count")                                                                                  \
    X(VACUUM, "PRAGMA incremental_vacuum(512)")

enum db_statement {
#define X(name, text) DB_##name,
    DB_STATEMENTS(X)
#undef X
        DB_N_STATEMENTS
};

struct embedded;
struct db {
    sqlite3 *handle;
    struct embedded *log;
    sqlite3_stmt *statements[DB_N_STATEMENTS]; /* prepared at first use */
    int64_t busy_since_ns;
    int busy_limit_ms; /* how long to wait for other processes */
};

enum { DB_PAGE = 8192, DB_BUSY_MS = 30000, DB_FORMAT = 1, DB_APPLICATION = 0x77656972 };

enum status db_open(struct embedded *log, struct db *db, int cache_kib, struct diag *d) MUST_CHECK;
void db_close(struct db *db);
/* The statement, reset and ready to be bound. */
enum status db_statement(struct db *db, enum db_statement which, sqlite3_stmt **out, struct diag *d) MUST_CHECK;
/* Steps: *row tells whether there is one (may be NULL for statements without rows). On an error, and behind the last
 * row, the statement is reset. */
enum status db_step(struct db *db, sqlite3_stmt *s, bool *row, struct diag *d) MUST_CHECK;
enum status db_run(struct db *db, enum db_statement which, struct diag *d) MUST_CHECK; /* no parameters, no rows */
/* The single number that a statement without parameters gives. */
enum status db_number(struct db *db, enum db_statement which, int64_t *out, struct diag *d) MUST_CHECK;
enum status db_exec(struct db *db, const char *sql, struct diag *d) MUST_CHECK;
enum status db_error(struct db *db, int rc, struct diag *d);
/* A read transaction around look-ups that must agree. */
enum status db_read_begin(struct db *db, struct diag *d) MUST_CHECK;
void db_read_end(struct db *db);
/* The one write transaction of this process: takes write_mutex. write_end commits if `st` is STATUS_OK, else rolls
 * back; it returns `st` or the error of the commit, and wakes readers after a commit. */
enum status write_begin(struct embedded *log, struct diag *d) MUST_CHECK;
enum status write_end(struct embedded *log, enum status st, struct diag *d);

/* ---- rows.c: the rows of the tables -------------------------------------------------------------------- */

/* A partition's id has its topic's in the upper bits. Topic ids are never used twice. */
enum { PART_BITS = 20 };
static inline int64_t part_id(int64_t topic_id, int32_t partition)
{
    return topic_id << PART_BITS | partition;
}

struct topic_row {
    int64_t id;
    int64_t n_partitions, compact, retention_ms, retention_bytes; /* -1: no limit */
    char name[LOG_MAX_TOPIC_NAME + 1]; /* empty: deleted, its records are still being removed */
};
struct part_row {
    int64_t id;
    int64_t start, stop; /* first and next offset */
    int64_t bytes;       /* of all chunks */
    int64_t clean;       /* compaction has dealt with what is below this offset, ... */
    int64_t clean_bytes; /* ... and left this many bytes */
};
struct entry_row {
    int64_t part, last, base; /* offsets base..last, with holes after compaction */
    int64_t n;                /* records; 0: no chunk */
    int64_t bytes, max_ts;
    int64_t born; /* wall clock at the append, ms */
    int64_t chunk, hash;
};

/* All loads check the row's checksum: STATUS_IO with the place. *_get: STATUS_NOT_FOUND without touching `d`. */
enum status topic_row_load(struct db *db, sqlite3_stmt *s, struct topic_row *out, struct diag *d) MUST_CHECK;
enum status topic_row_find(struct db *db, const char *name, struct topic_row *out, struct diag *d) MUST_CHECK;
enum status topic_row_put(struct db *db, const struct topic_row *row, struct diag *d) MUST_CHECK;
/* The topic by name and a partition of it; STATUS_NOT_FOUND with a message. */
enum status part_find(struct db *db, const char *name, int32_t partition, struct topic_row *topic, struct part_row *out,
                      struct diag *d) MUST_CHECK;
enum status part_get(struct db *db, int64_t id, struct part_row *out, struct diag *d) MUST_CHECK;
enum status part_put(struct db *db, const struct part_row *row, struct diag *d) MUST_CHECK;
/* Entries in order: bind with entry_from, then entry_next until *more is false; leave early with sqlite3_reset. */
enum status entry_from(struct db *db, int64_t part, int64_t offset, sqlite3_stmt **out, struct diag *d) MUST_CHECK;
enum status entry_next(struct db *db, sqlite3_stmt *s, struct entry_row *out, bool *more, struct diag *d) MUST_CHECK;
enum status entry_put(struct db *db, const struct entry_row *row, struct diag *d) MUST_CHECK;
enum status entry_remove(struct db *db, const struct entry_row *row, struct diag *d) MUST_CHECK; /* and its chunk */
/* Stores the blob and its entry; fills row->n, bytes, max_ts, chunk and hash. */
enum status chunk_put(struct db *db, struct entry_row *row, const struct chunk_blob *blob, struct diag *d) MUST_CHECK;
/* Reads the chunk of an entry into `to` (row->bytes long) and checks it. */
enum status chunk_get(struct db *db, const struct entry_row *row, char *to, struct diag *d) MUST_CHECK;
/* STATUS_IO: what is wrong with the file, and where. */
enum status log_damaged(struct db *db, int64_t part, int64_t offset, const char *what, struct diag *d);

/* ---- the log ------------------------------------------------------------------------------------------- */

struct commit_request;
struct membership_owner;
struct compaction;

struct embedded {
    struct log head;
    char *path; /* as given; NULL: in memory */
    char *uri;  /* what SQLite opens */
    bool sync_full;

    pthread_mutex_t write_mutex;
    struct db writing;
    bool scrub_first; /* a failed commit may have left a valid one behind in the WAL: write over it */
    int wal_pages;    /* after the last commit; atomic */
    pthread_mutex_t query_mutex;
    struct db query;
    pthread_rwlock_t memory_lock; /* in memory only */

    pthread_mutex_t wait_mutex; /* waiting readers (wait.c) */
    pthread_cond_t wait_cond;
    uint64_t commits;        /* atomic: grows with every commit that is noticed */
    bool is_watched;         /* a waiting reader looks for other processes' commits */
    int64_t watched_version; /* the data_version of `query` that was last told; under query_mutex */

    pthread_mutex_t commit_mutex; /* group commit (commit.c) */
    pthread_cond_t commit_cond;
    struct commit_request *queue_head, *queue_tail;
    bool has_leader;

    pthread_mutex_t house_mutex; /* house.c */
    pthread_cond_t house_cond;
    pthread_t house_thread;
    bool house_runs, house_stops, house_has_work;
    int house_start_ms, house_period_ms, house_wal_pages; /* when it does what; tests are in more of a hurry */
    int64_t opened_ns;
    uint32_t compact_slots; /* of a key table, and ... */
    int64_t compact_window; /* ... offsets that are marked together; tests need less */
    struct db house;        /* for checkpoints, by the house thread only */

    pthread_mutex_t member_mutex;
    struct membership_owner *owners; /* in memory: services that are joined */
};

static inline struct embedded *embedded_of(struct log *log)
{
    return (struct embedded *)log;
}
static inline const char *embedded_name(const struct embedded *log)
{
    return log->path ? log->path : "in memory";
}

/* wait.c */
enum status embedded_waiting_init(struct embedded *log, struct diag *d) MUST_CHECK;
void embedded_waiting_destroy(struct embedded *log);
void log_notify(struct embedded *log); /* something was committed: wakes all readers */
static inline uint64_t log_commits(struct embedded *log)
{
    return __atomic_load_n(&log->commits, __ATOMIC_ACQUIRE);
}
/* Waits until other than `seen` commits are noticed, *woken (under wait_mutex) is set, or the time is over. */
void log_wait(struct embedded *log, uint64_t seen, const bool *woken, int64_t deadline_ns);
void log_wake(struct embedded *log, bool *woken);
bool pthread_init_cond(pthread_cond_t *cond); /* on the monotonic clock */

/* catalog.c */
/* STATUS_NOT_FOUND without touching `d`. */
enum status topic_look_up(struct embedded *log, const char *name, struct topic_row *out, struct diag *d) MUST_CHECK;
enum status embedded_topic_create(struct log *log, const struct topic_spec *spec, struct diag *d);
enum status embedded_topic_delete(struct log *log, const char *name, struct diag *d);
enum status embedded_topic_describe(struct log *log, const char *name, struct topic_spec *out, struct diag *d);
enum status embedded_topic_list(struct log *log, struct arena *a, struct topic_spec **out, size_t *n, struct diag *d);
enum status embedded_topic_offsets(struct log *log, const char *name, int32_t partition, int64_t *begin, int64_t *end,
                                   int64_t *uncommitted_end, struct diag *d);
enum status embedded_topic_offset_for_time(struct log *log, const char *name, int32_t partition, int64_t ts,
                                           int64_t *offset, struct diag *d);
enum status embedded_topic_truncate(struct log *log, const char *name, int32_t partition, int64_t offset,
                                    struct diag *d);

/* reader.c */
enum status embedded_reader_open(struct log *log, struct log_reader **out, struct diag *d);
void embedded_reader_close(struct log_reader *r);
enum status embedded_reader_assign(struct log_reader *r, const char *topic, int32_t partition, int64_t offset,
                                   struct diag *d);
void embedded_reader_unassign(struct log_reader *r, const char *topic, int32_t partition);
void embedded_reader_pause(struct log_reader *r, const char *topic, int32_t partition, bool paused);
enum status embedded_reader_poll(struct log_reader *r, int timeout_ms, uint32_t max_records, struct record_batch **out,
                                 struct diag *d);
void embedded_reader_wake(struct log_reader *r);

/* writer.c */
enum { SPILL_BYTES = 64 << 20 }; /* a transaction larger than this goes to a temporary file until it commits */
struct embedded_membership;
struct pending_chunk { /* closed, waiting for the commit */
    struct pending_chunk *next;
    struct chunk_blob blob; /* blob.p NULL: in the spill file at spill_at */
    int64_t spill_at;
};
struct part_buffer { /* what a transaction appends to one partition */
    struct part_buffer *next_used;
    int64_t part;
    bool is_used; /* in this transaction */
    struct chunk_builder builder;
    struct pending_chunk *first, *last;
};
struct writer_topic {
    struct topic_row row;
    uint64_t checked_in;          /* the transaction in which the row was looked up */
    struct part_buffer **buffers; /* n_partitions */
    struct writer_topic *next;
};
struct embedded_writer {
    struct log_writer head;
    struct embedded *log;
    char *id; /* NULL: not transactional */
    int64_t epoch;
    bool is_fenced;
    uint64_t transaction;
    enum status failed; /* an append of this transaction that was not complete: it cannot be committed */
    struct writer_topic *topics;
    struct part_buffer *used, *used_last; /* in the order of their first append */
    size_t pending_bytes;                 /* in memory, of closed chunks */
    size_t open_bytes;                    /* likewise, of chunks that are being built */
    int spill_fd;                         /* -1: none */
    int64_t spill_size;
    struct embedded_membership *fence;
};
enum status embedded_writer_open(struct log *log, const char *id, struct log_writer **out, struct diag *d);
void embedded_writer_close(struct log_writer *w);
enum status embedded_writer_begin(struct log_writer *w, struct diag *d);
enum status embedded_writer_append(struct log_writer *w, const char *topic, int32_t partition,
                                   const struct record *records, size_t n, struct diag *d);
enum status embedded_writer_commit(struct log_writer *w, struct diag *d);
void embedded_writer_abort(struct log_writer *w);
/* spill.c */
/* Temporary files without a name; beside the log, or in memory as that is. */
enum status nameless_open(const struct embedded *log, int *fd, struct diag *d) MUST_CHECK;
enum status nameless_write(const struct embedded *log, int fd, const void *p, size_t size, int64_t at,
                           struct diag *d) MUST_CHECK;
enum status nameless_read(const struct embedded *log, int fd, void *to, size_t size, int64_t at,
                          struct diag *d) MUST_CHECK;
enum status spill_pending(struct embedded_writer *w, struct diag *d) MUST_CHECK; /* moves closed chunks to the file */
enum status spill_read(struct embedded_writer *w, const struct pending_chunk *chunk, char *to,
                       struct diag *d) MUST_CHECK;
void spill_clear(struct embedded_writer *w);

/* commit.c: assigns offsets and stores what the writer has pending; those who commit at once share a SQLite transaction
 */
enum status embedded_commit(struct embedded_writer *w, struct diag *d) MUST_CHECK;

/* retention.c: one bounded step under an open write transaction; *more: there is more to do. */
enum { STEP_BYTES = 2 << 20, STEP_ENTRIES = 512 };
/* Removes entries that lie wholly below `part->start`; the caller stores the row. */
enum status remove_below_start(struct db *db, struct part_row *part, bool *more, struct diag *d) MUST_CHECK;
void part_forget(struct part_row *part, const struct entry_row *entry); /* is removed: what is counted */
enum status remove_deleted_topic(struct embedded *log, bool *more, struct diag *d) MUST_CHECK;
/* Moves the start of a partition as the topic's limits say. */
enum status apply_retention(struct db *db, const struct topic_row *topic, struct part_row *part, int64_t now_ms,
                            struct diag *d) MUST_CHECK;
enum { TOMBSTONE_MS = 24 * 3600 * 1000 }; /* how long compaction keeps them, as Kafka's delete.retention.ms */
bool compaction_is_due(const struct part_row *part);
/* compact.c: one run over a partition, in bounded steps that take what locks they need themselves. It may be given up
 * between any two of them. `all`: however little there is to gain. STATUS_NOT_FOUND: the partition is gone. */
enum status compaction_create(struct embedded *log, int64_t part, int64_t now_ms, bool all, struct compaction **out,
                              struct diag *d) MUST_CHECK;
enum status compaction_step(struct compaction *c, bool *more, struct diag *d) MUST_CHECK;
void compaction_destroy(struct compaction *c);

/* house.c: retention, compaction, checkpoints and giving back pages, in a thread that starts when there is work */
void house_init(struct embedded *log);
void house_note(struct embedded *log); /* after a commit */
void house_stop(struct embedded *log);
int house_count_pages(void *log, sqlite3 *handle, const char *name, int pages); /* SQLite's WAL hook */
/* Everything that is due at `now_ms`, at once. For tests. `compact_all`: however little there is to gain. */
enum status embedded_maintain(struct log *log, int64_t now_ms, bool compact_all, struct diag *d) MUST_CHECK;
/* Bounds the file, for tests of a full disk. 0: no bound. */
enum status embedded_limit_pages(struct log *log, int64_t pages, struct diag *d) MUST_CHECK;

/* membership.c */
enum status embedded_membership_join(struct log *log, const char *service_id, const char *server_id, int32_t n_slots,
                                     struct membership **out, struct diag *d);
enum status embedded_membership_poll(struct membership *m, int timeout_ms, uint8_t *owned, bool *changed,
                                     struct diag *d);
void embedded_membership_release_done(struct membership *m);
enum status embedded_membership_fence(struct membership *m, struct log_writer *w, struct diag *d);
void embedded_membership_leave(struct membership *m);
bool membership_holds(struct embedded_membership *m);
void membership_unfence(struct embedded_writer *w); /* the transaction is over */

#endif
