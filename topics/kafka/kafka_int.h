/* What the files of the Kafka log share: clients of librdkafka, their configuration, and its errors as statuses.
 *
 * A `kafka_client` is one instance of librdkafka (threads, connections). It is counted, because fetched messages point into
 * it: a record batch keeps its client, so that it may outlive the reader. */
#ifndef WEIR_TOPICS_KAFKA_INT_H
#define WEIR_TOPICS_KAFKA_INT_H

#include "topics/topics_int.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

enum client_role { CLIENT_ADMIN, CLIENT_READER, CLIENT_WRITER, CLIENT_MEMBER };

enum {
    KAFKA_TIMEOUT_MS = 15000,    /* one administrative request */
    KAFKA_CONNECT_MS = 8000,     /* until the first answer of a broker */
    KAFKA_PROBE_MS = 500,        /* for an answer of one that could not be reached */
    KAFKA_TRANSACTION_MS = 10000 /* the coordinator aborts older transactions */
};

struct kafka_client {
    int refs; /* atomic */
    rd_kafka_t *rk;
    pthread_mutex_t lock;
    char last_log[400]; /* the latest warning or error of librdkafka, under `lock` */
    /* Told by callbacks, in the thread that polls. Writers: records that could not be delivered, and why the last one.
     * Readers: a partition that cannot be read any more. */
    long n_failed;
    rd_kafka_resp_err_t failed;
    char failed_text[300]; /* readers */
};

struct kafka_log {
    struct log head;
    struct arena arena; /* options and addresses */
    const char *bootstrap;
    struct kafka_option *options;
    size_t n_options;
    struct kafka_client *admin;       /* sees committed records only */
    pthread_mutex_t lock;
    struct kafka_client *uncommitted; /* sees all; made when first needed, under `lock` */
};

/* ---- options.c ----------------------------------------------------------------------------------------- */

/* Puts the user's options that concern `role` into `conf`, under librdkafka's names. */
enum status kafka_options_apply(const struct kafka_log *log, enum client_role role, rd_kafka_conf_t *conf,
                                struct diag *d) MUST_CHECK;
/* One setting of our own. */
enum status kafka_option_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct diag *d) MUST_CHECK;

/* ---- client.c ------------------------------------------------------------------------------------------ */

/* `defaults` give way to the user's options, `forced` do not. Both end with a NULL name. */
enum status kafka_client_create(const struct kafka_log *log, enum client_role role, const struct kafka_option *defaults,
                                const struct kafka_option *forced, struct kafka_client **out,
                                struct diag *d) MUST_CHECK;
struct kafka_client *kafka_client_keep(struct kafka_client *c);
void kafka_client_drop(struct kafka_client *c); /* the last one waits for librdkafka's threads */

enum status kafka_status(rd_kafka_resp_err_t err);
/* Records "Kafka at ADDRESS: <what>: <text>" (text NULL: librdkafka's for `err`), and what the client logged last where the
 * error is about the connection. Returns kafka_status(err). */
enum status kafka_fail(const struct kafka_log *log, struct kafka_client *c, rd_kafka_resp_err_t err, const char *text,
                       struct diag *d, const char *what, ...) PRINTF_LIKE(6, 7);
/* The same for an error object, which it destroys. */
enum status kafka_fail_error(const struct kafka_log *log, struct kafka_client *c, rd_kafka_error_t *error,
                             struct diag *d, const char *what);

/* ---- admin.c ------------------------------------------------------------------------------------------- */

/* Number of partitions, asked from a broker. STATUS_NOT_FOUND without touching `d`. */
enum status kafka_partition_count(struct kafka_log *log, const char *topic, int32_t *n, struct diag *d) MUST_CHECK;
/* The largest record batch that the topic takes (max.message.bytes); 0 if the broker does not tell. */
int64_t kafka_topic_limit(struct kafka_log *log, const char *topic);
/* The client that sees open transactions' records; owned by the log. */
enum status kafka_uncommitted_client(struct kafka_log *log, struct kafka_client **out, struct diag *d) MUST_CHECK;
/* First offset and end (as `c` is isolated). STATUS_NOT_FOUND with a message. */
enum status kafka_watermarks(struct kafka_log *log, struct kafka_client *c, const char *topic, int32_t partition,
                             int64_t *begin, int64_t *end, struct diag *d) MUST_CHECK;

enum status kafka_topic_create(struct log *log, const struct topic_spec *spec, struct diag *d);
enum status kafka_topic_delete(struct log *log, const char *name, struct diag *d);
enum status kafka_topic_describe(struct log *log, const char *name, struct topic_spec *out, struct diag *d);
enum status kafka_topic_list(struct log *log, struct arena *a, struct topic_spec **out, size_t *n, struct diag *d);
enum status kafka_topic_offsets(struct log *log, const char *name, int32_t partition, int64_t *begin, int64_t *end,
                                int64_t *uncommitted_end, struct diag *d);
enum status kafka_topic_offset_for_time(struct log *log, const char *name, int32_t partition, int64_t ts,
                                        int64_t *offset, struct diag *d);
enum status kafka_topic_truncate(struct log *log, const char *name, int32_t partition, int64_t offset, struct diag *d);

/* ---- batch.c ------------------------------------------------------------------------------------------- */

/* A batch of `n` messages of one partition, which it takes over (also when it fails: NULL, no memory). n may be 0. */
struct record_batch *kafka_batch_create(struct kafka_client *c, const char *topic, int32_t partition,
                                        rd_kafka_message_t *const *messages, uint32_t n, int64_t next_offset);

/* ---- reader.c, writer.c, membership.c ------------------------------------------------------------------ */

enum status kafka_reader_open(struct log *log, struct log_reader **out, struct diag *d);
void kafka_reader_close(struct log_reader *r);
enum status kafka_reader_assign(struct log_reader *r, const char *topic, int32_t partition, int64_t offset,
                                struct diag *d);
void kafka_reader_unassign(struct log_reader *r, const char *topic, int32_t partition);
void kafka_reader_pause(struct log_reader *r, const char *topic, int32_t partition, bool paused);
enum status kafka_reader_poll(struct log_reader *r, int timeout_ms, uint32_t max_records, struct record_batch **out,
                              struct diag *d);
void kafka_reader_wake(struct log_reader *r);

enum status kafka_writer_open(struct log *log, const char *id, struct log_writer **out, struct diag *d);
void kafka_writer_close(struct log_writer *w);
enum status kafka_writer_begin(struct log_writer *w, struct diag *d);
enum status kafka_writer_append(struct log_writer *w, const char *topic, int32_t partition,
                                const struct record *records, size_t n, struct diag *d);
enum status kafka_writer_commit(struct log_writer *w, struct diag *d);
void kafka_writer_abort(struct log_writer *w);
/* Adds consumer offsets of a group to the open transaction. STATUS_FENCED: the group has moved on. */
enum status kafka_writer_send_offsets(struct log_writer *w, const rd_kafka_topic_partition_list_t *offsets,
                                      const rd_kafka_consumer_group_metadata_t *group, struct diag *d) MUST_CHECK;

enum status kafka_membership_join(struct log *log, const char *service_id, const char *server_id, int32_t n_slots,
                                  struct membership **out, struct diag *d);
enum status kafka_membership_poll(struct membership *m, int timeout_ms, uint8_t *owned, bool *changed,
                                  struct diag *d);
void kafka_membership_release_done(struct membership *m);
enum status kafka_membership_fence(struct membership *m, struct log_writer *w, struct diag *d);
void kafka_membership_leave(struct membership *m);

#endif
