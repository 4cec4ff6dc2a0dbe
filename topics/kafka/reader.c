/* Reading: one client of librdkafka a reader, in its simple mode (no group, no coordinator). All partitions share one fetch
 * queue, so prefetching is bounded for the reader as a whole; the messages are sorted here by partition (fetch.c), and a batch
 * is the head of one partition's list. */
#include "topics/kafka/reader_int.h"

enum { HELD_MESSAGES = 32768 }; /* of partitions that are not paused, while others have none */

enum status kafka_reader_open(struct log *log, struct log_reader **out, struct diag *d)
{
    static const struct kafka_option defaults[] = {
        {"queued.min.messages", "10000000"},
        {"queued.max.messages.kbytes", "16384"},
        {"fetch.message.max.bytes", "1048576"},
        {"fetch.max.bytes", "16777216"},
        {"receive.message.max.bytes", "200000000"},
        {"fetch.wait.max.ms", "50"},
        {"fetch.error.backoff.ms", "50"},
        {"check.crcs", "false"},
        {NULL, NULL},
    };
    static const struct kafka_option forced[] = {
        {"isolation.level", "read_committed"}, {"enable.auto.commit", "false"}, {"enable.auto.offset.store", "false"},
        {"enable.partition.eof", "true"},      {"auto.offset.reset", "error"},  {NULL, NULL},
    };
    struct kafka_reader *r = mem_calloc(1, sizeof *r);
    if (!r)
        return diag_nomem(d);
    r->log = (struct kafka_log *)log;
    enum status st = kafka_client_create(r->log, CLIENT_READER, defaults, forced, &r->client, d);
    if (st != STATUS_OK) {
        mem_free(r);
        return st;
    }
    r->head.ops = log->ops;
    r->queue = rd_kafka_queue_new(r->client->rk);
    map_init(&r->topics);
    *out = &r->head;
    return STATUS_OK;
}

void kafka_reader_close(struct log_reader *reader)
{
    struct kafka_reader *r = (struct kafka_reader *)reader;
    while (r->n_parts) {
        partition_stop(r, r->parts[0]);
        partition_remove(r, r->parts[0]);
    }
    MAP_EACH (&r->topics, e) {
        struct topic *t = e->value;
        rd_kafka_topic_destroy(t->rkt);
        mem_free(t->partitions);
        mem_free(t->name);
        mem_free(t);
    }
    map_free(&r->topics);
    rd_kafka_queue_destroy(r->queue);
    mem_free(r->parts);
    kafka_client_drop(r->client);
    mem_free(r);
}

void kafka_reader_wake(struct log_reader *reader)
{
    struct kafka_reader *r = (struct kafka_reader *)reader;
    __atomic_store_n(&r->woken, 1, __ATOMIC_RELEASE);
    rd_kafka_queue_yield(r->queue);
}

/* ---- delivering ------------------------------------------------------------------------------------------ */

/* Something to tell: records, or an end beyond the position (markers and aborted records were passed). */
static bool is_ready(const struct partition *p)
{
    return !p->paused && (partition_length(p) || p->eof > p->position);
}

static struct partition *next_ready(struct kafka_reader *r)
{
    for (uint32_t i = 0; i < r->n_parts; i++) {
        struct partition *p = r->parts[(r->turn + i) % r->n_parts];
        if (is_ready(p)) {
            r->turn = (r->turn + i) % r->n_parts;
            return p;
        }
    }
    return NULL;
}

/* How far librdkafka has got with a partition whose list is empty: behind markers as well. */
static int64_t consumed(struct kafka_reader *r, const struct partition *p)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_add(list, p->topic->name, p->number);
    int64_t offset = rd_kafka_position(r->client->rk, list) == RD_KAFKA_RESP_ERR_NO_ERROR ? at->offset : -1;
    rd_kafka_topic_partition_list_destroy(list);
    return offset;
}

/* The place behind the first `n` messages of the list, and behind what follows if the list is then empty. */
static int64_t place_behind(struct kafka_reader *r, const struct partition *p, uint32_t n)
{
    int64_t next = n ? p->list[p->first + n - 1]->offset + 1 : p->position;
    if (n < partition_length(p))
        return next;
    int64_t position = consumed(r, p);
    next = position > next ? position : next;
    return p->eof > next ? p->eof : next;
}

static enum status deliver(struct kafka_reader *r, struct partition *p, uint32_t max_records, struct record_batch **out,
                           struct diag *d)
{
    uint32_t n = partition_length(p) < max_records ? partition_length(p) : max_records;
    rd_kafka_message_t **m = p->list + p->first;
    int64_t next = place_behind(r, p, n), first = n ? m[0]->offset : 0;
    for (uint32_t i = 0; i < n; i++)
        p->bytes -= (int64_t)(m[i]->len + m[i]->key_len) + MESSAGE_OVERHEAD;
    p->first += n;
    r->n_ready -= n;
    r->turn++;
    *out = kafka_batch_create(r->client, p->topic->name, p->number, m, n, next);
    if (*out) {
        p->position = next;
        return STATUS_OK;
    }
    if (n) { /* the messages are gone: they are fetched again */
        partition_clear(r, p);
        enum status st = partition_restart(r, p, first, d);
        if (st != STATUS_OK)
            return st;
    }
    return diag_nomem(d);
}

/* Whether some partition has nothing here although its records may wait behind another's in the queue. */
static bool is_one_sided(const struct kafka_reader *r)
{
    if (r->n_ready >= HELD_MESSAGES || r->n_parts == 1)
        return false;
    for (uint32_t i = 0; i < r->n_parts; i++)
        if (!r->parts[i]->paused && partition_length(r->parts[i]) == 0)
            return true;
    return false;
}

/* Takes without waiting, until there is a full batch, and something of every partition that has something. */
static enum status gather(struct kafka_reader *r, uint32_t max_records, struct diag *d)
{
    enum status st = STATUS_OK;
    bool more = true;
    while (st == STATUS_OK && more && (r->n_ready < max_records || is_one_sided(r)))
        st = reader_take(r, 0, &more, d);
    return st;
}

enum status kafka_reader_poll(struct log_reader *reader, int timeout_ms, uint32_t max_records,
                              struct record_batch **out, struct diag *d)
{
    struct kafka_reader *r = (struct kafka_reader *)reader;
    int64_t until = clock_mono_ns() + (int64_t)timeout_ms * 1000000;
    enum status st = gather(r, max_records, d);
    bool more;
    while (st == STATUS_OK) {
        struct partition *p = next_ready(r);
        if (p)
            return deliver(r, p, max_records, out, d);
        int64_t left_ms = (until - clock_mono_ns() + 999999) / 1000000;
        if (left_ms <= 0 || __atomic_exchange_n(&r->woken, 0, __ATOMIC_ACQ_REL))
            break;
        st = reader_take(r, left_ms > 1000 ? 1000 : (int)left_ms, &more, d);
    }
    return st;
}
