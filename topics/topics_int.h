/* What topics.c and the two logs (embedded/, kafka/) share: the table of operations behind topics.h, and the heads of
 * the public structs. Private to topics/.
 *
 * A log implements every operation of `struct log_ops`, and puts the matching head first in its own structs. topics.c
 * has checked before it calls one: pointers that may not be NULL, topic names (topic_name_check), partition >= 0
 * (>= -1 in writer_append), n_partitions 1..LOG_MAX_PARTITIONS, 1 <= max_records <= BATCH_ROWS, n_slots > 0, and that a
 * writer is used in order (begin, append*, commit | abort). Whether topic and partition exist is the log's to check:
 * STATUS_NOT_FOUND. */
#ifndef WEIR_TOPICS_INT_H
#define WEIR_TOPICS_INT_H

#include "topics/topics.h"

enum { LOG_MAX_PARTITIONS = 100000, LOG_MAX_TOPIC_NAME = 249 };

struct log_ops {
    const char *kind; /* "embedded" or "kafka" */
    void (*close)(struct log *log);

    enum status (*topic_create)(struct log *log, const struct topic_spec *spec, struct diag *d);
    enum status (*topic_delete)(struct log *log, const char *name, struct diag *d);
    enum status (*topic_describe)(struct log *log, const char *name, struct topic_spec *out, struct diag *d);
    enum status (*topic_list)(struct log *log, struct arena *a, struct topic_spec **out, size_t *n, struct diag *d);
    /* None of the three result pointers is NULL here. */
    enum status (*topic_offsets)(struct log *log, const char *name, int32_t partition, int64_t *begin, int64_t *end,
                                 int64_t *uncommitted_end, struct diag *d);
    enum status (*topic_offset_for_time)(struct log *log, const char *name, int32_t partition, int64_t ts,
                                         int64_t *offset, struct diag *d);
    enum status (*topic_truncate)(struct log *log, const char *name, int32_t partition, int64_t offset, struct diag *d);

    enum status (*reader_open)(struct log *log, struct log_reader **out, struct diag *d);
    void (*reader_close)(struct log_reader *r);
    enum status (*reader_assign)(struct log_reader *r, const char *topic, int32_t partition, int64_t offset,
                                 struct diag *d);
    void (*reader_unassign)(struct log_reader *r, const char *topic, int32_t partition);
    void (*reader_pause)(struct log_reader *r, const char *topic, int32_t partition, bool paused);
    /* *out is NULL on entry. */
    enum status (*reader_poll)(struct log_reader *r, int timeout_ms, uint32_t max_records, struct record_batch **out,
                               struct diag *d);
    void (*reader_wake)(struct log_reader *r);

    enum status (*writer_open)(struct log *log, const char *id, struct log_writer **out, struct diag *d);
    void (*writer_close)(struct log_writer *w); /* an open transaction was aborted before */
    enum status (*writer_begin)(struct log_writer *w, struct diag *d);
    enum status (*writer_append)(struct log_writer *w, const char *topic, int32_t partition,
                                 const struct record *records, size_t n, struct diag *d);
    enum status (*writer_commit)(struct log_writer *w,
                                 struct diag *d); /* the transaction is over, whatever comes back */
    void (*writer_abort)(struct log_writer *w);   /* only called with a transaction open */

    enum status (*membership_join)(struct log *log, const char *service_id, const char *server_id, int32_t n_slots,
                                   struct membership **out, struct diag *d);
    enum status (*membership_poll)(struct membership *m, int timeout_ms, uint8_t *owned, bool *changed, struct diag *d);
    void (*membership_release_done)(struct membership *m);
    enum status (*membership_fence)(struct membership *m, struct log_writer *w, struct diag *d);
    void (*membership_leave)(struct membership *m);
};

/* The heads. `*_open`, `log_open_*` and `membership_join` of the log set `ops`; topics.c keeps the rest. */
struct log {
    const struct log_ops *ops;
};
struct log_reader {
    const struct log_ops *ops;
};
struct log_writer {
    const struct log_ops *ops;
    bool in_transaction;     /* kept by topics.c */
    uint32_t next_partition; /* of keyless records: see writer_partition */
};
struct membership {
    const struct log_ops *ops;
};

/* The partition for a record appended with partition -1: by its key, or the next one in turn if it has none. */
int32_t writer_partition(struct log_writer *w, const struct record *r, int32_t n_partitions);
/* STATUS_INVALID unless the name is one that Kafka takes. */
enum status topic_name_check(const char *name, struct diag *d) MUST_CHECK;

#endif
