/* What the files of the Kafka reader share: its partitions and their lists of messages. Private to reader.c, partition.c and
 * fetch.c. */
#ifndef WEIR_TOPICS_KAFKA_READER_INT_H
#define WEIR_TOPICS_KAFKA_READER_INT_H

#include "topics/kafka/kafka_int.h"

enum { MESSAGE_OVERHEAD = 400 }; /* bytes of librdkafka's own a message */

struct partition {
    struct topic *topic;
    int32_t number;
    bool paused;        /* by the caller */
    bool fetch_paused;  /* in librdkafka */
    bool has_gap;       /* memory was out for a message: to be fetched again from there */
    rd_kafka_message_t **list; /* to be delivered: list[first..last) */
    uint32_t first, last, cap;
    int64_t bytes;      /* of the list, with overhead */
    int64_t position;   /* next_offset of the last batch */
    int64_t eof;        /* the end that was reached when the fetcher last looked; -1: not yet */
};

struct topic {
    rd_kafka_topic_t *rkt;
    char *name;
    struct partition **partitions; /* by number; NULL: not assigned */
    int32_t n_partitions;
};

struct kafka_reader {
    struct log_reader head;
    struct kafka_log *log;
    struct kafka_client *client;
    rd_kafka_queue_t *queue;
    struct map topics;
    struct partition **parts; /* all assigned, in the order of their turns */
    uint32_t n_parts, cap_parts, turn;
    uint32_t n_ready;         /* messages in lists of partitions that are not paused */
    int woken;                /* atomic */
    size_t queued, longest;   /* messages in the queue: now, and at most since it last began to grow */
    int64_t last_wake;
    int wakes;
    rd_kafka_message_t *taken[BATCH_ROWS];
};

static inline uint32_t partition_length(const struct partition *p)
{
    return p->last - p->first;
}

/* ---- partition.c ----------------------------------------------------------------------------------------- */

/* Destroys the messages that are not delivered yet. */
void partition_clear(struct kafka_reader *r, struct partition *p);
/* Room for `more` messages at the end of the list; false: no memory. */
bool partition_reserve(struct partition *p, uint32_t more);
void partition_remove(struct kafka_reader *r, struct partition *p); /* it has been stopped */
/* Stops and resumes fetching, where it is not so already. Drops what librdkafka has prefetched. */
void partition_fetch_pause(struct kafka_reader *r, struct partition *p, bool paused);
void partition_stop(struct kafka_reader *r, struct partition *p);
/* Fetches from `offset` on; the list and the position stay. */
enum status partition_restart(struct kafka_reader *r, struct partition *p, int64_t offset, struct diag *d) MUST_CHECK;
int64_t partition_tail(const struct partition *p); /* the offset behind the list */
/* First offset and uncommitted end: a commit shows in the committed one only a moment after it has been promised, and what
 * was promised may be read from. */
enum status partition_range(struct kafka_reader *r, const char *topic, int32_t number, int64_t *begin, int64_t *end,
                            struct diag *d) MUST_CHECK;

/* ---- fetch.c --------------------------------------------------------------------------------------------- */

/* Takes what librdkafka has and sorts it into the lists, waiting up to timeout_ms for the first message. *more: there was
 * enough, look again. */
enum status reader_take(struct kafka_reader *r, int timeout_ms, bool *more, struct diag *d) MUST_CHECK;

#endif
