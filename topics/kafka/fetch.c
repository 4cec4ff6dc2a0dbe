/* Taking messages from librdkafka and sorting them by partition; what its errors mean; keeping its fetcher going.
 *
 * Pausing holds messages back in the partition's list. Only when that has grown past HELD_BYTES is the partition paused in
 * librdkafka too, which throws away what it has prefetched of it.
 *
 * Two habits of librdkafka 2.0.2 shape this file. consume_batch_queue waits until the array is full, so waiting is done for one
 * message and the rest is taken without waiting. And a fetcher that found the queue full looks again only after a second
 * unless something wakes it: see wake_fetcher. */
#include "topics/kafka/reader_int.h"

enum {
    HELD_BYTES = 8 << 20, /* of one paused partition */
    FULL_QUEUE = 8192,    /* messages: a queue that was longer may have stopped the fetcher */
    WAKE_EVERY_MS = 10,
    WAKES = 10 /* in a row, without seeing the queue grow */
};

/* The position has fallen out of the log. Records that were removed from the front are skipped, as the first record that is
 * left is the next one; a log that ends before our position has lost records, and going on would hide that. */
static enum status out_of_range(struct kafka_reader *r, struct partition *p, struct diag *d)
{
    int64_t begin, end, next = partition_tail(p);
    enum status st = partition_range(r, p->topic->name, p->number, &begin, &end, d);
    if (st != STATUS_OK)
        return st;
    if (next >= begin)
        return diag_set(d, STATUS_IO, "Records of %s [%d] are lost: it was read up to %lld, and now ends at %lld",
                        p->topic->name, (int)p->number, (long long)next, (long long)end);
    return partition_restart(r, p, begin, d);
}

static enum status take_error(struct kafka_reader *r, struct partition *p, const rd_kafka_message_t *m, struct diag *d)
{
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        p->eof = m->offset;
        return STATUS_OK;
    }
    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        return out_of_range(r, p, d);
    return kafka_fail(r->log, r->client, m->err, rd_kafka_message_errstr(m), d, "cannot read %s [%d]", p->topic->name,
                      (int)p->number);
}

/* The partition that a message belongs to, or NULL: it is no longer assigned, or an error without a place. */
static struct partition *owner(const rd_kafka_message_t *m)
{
    struct topic *t = m->rkt ? rd_kafka_topic_opaque(m->rkt) : NULL;
    return t && m->partition >= 0 && m->partition < t->n_partitions ? t->partitions[m->partition] : NULL;
}

/* Moves the records at the head of `m` that belong to one partition to its list; returns how many. */
static uint32_t take_run(struct kafka_reader *r, struct partition *p, rd_kafka_message_t **m, uint32_t n)
{
    uint32_t run = 0;
    size_t bytes = 0;
    do {
        bytes += m[run]->len + m[run]->key_len;
        run++;
    } while (run < n && !m[run]->err && m[run]->partition == m[0]->partition && m[run]->rkt == m[0]->rkt);
    if (!partition_reserve(p, run))
        return 0;
    memcpy(p->list + p->last, m, run * sizeof *m);
    p->last += run;
    p->bytes += (int64_t)(bytes + (size_t)run * MESSAGE_OVERHEAD);
    if (!p->paused)
        r->n_ready += run;
    return run;
}

/* What there was no memory for is fetched again. */
static enum status close_gaps(struct kafka_reader *r, struct diag *d)
{
    enum status st = diag_nomem(d);
    for (uint32_t i = 0; i < r->n_parts; i++)
        if (r->parts[i]->has_gap) {
            enum status failed = partition_restart(r, r->parts[i], partition_tail(r->parts[i]), NULL);
            st = failed == STATUS_OK ? st : failed;
            r->parts[i]->has_gap = false;
        }
    return st;
}

/* Sorts the taken messages by partition. Every message finds an owner or is destroyed, also after an error. */
static enum status sort_out(struct kafka_reader *r, uint32_t n, struct diag *d)
{
    enum status st = STATUS_OK;
    bool has_gaps = false;
    for (uint32_t i = 0; i < n;) {
        rd_kafka_message_t *m = r->taken[i];
        struct partition *p = owner(m);
        uint32_t run = 0;
        if (p && !m->err && !p->has_gap) {
            run = take_run(r, p, r->taken + i, n - i);
            p->has_gap = run == 0;
            has_gaps |= p->has_gap;
        } else if (p && m->err) {
            enum status failed = take_error(r, p, m, d);
            st = st == STATUS_OK ? failed : st;
        }
        if (run == 0)
            rd_kafka_message_destroy(m);
        i += run ? run : 1;
    }
    return has_gaps ? close_gaps(r, d) : st;
}

/* Paused partitions that hold too much are paused in librdkafka; drained ones are fetched again. */
static void balance(struct kafka_reader *r)
{
    for (uint32_t i = 0; i < r->n_parts; i++) {
        struct partition *p = r->parts[i];
        if (p->paused && p->bytes > HELD_BYTES)
            partition_fetch_pause(r, p, true);
        else if (p->fetch_paused && p->bytes < HELD_BYTES / 4)
            partition_fetch_pause(r, p, false);
    }
}

/* A fetcher that has stopped at a full queue sleeps up to a second, though the queue may be empty long before. Any
 * request to its broker wakes it, so when the queue has shrunk to half one is sent, and not waited for. librdkafka chooses the
 * broker; with several it may take a few. */
static void wake_fetcher(struct kafka_reader *r)
{
    size_t n = rd_kafka_queue_length(r->queue);
    if (n > r->queued) {
        r->longest = n;
        r->wakes = WAKES;
    }
    r->queued = n;
    if (r->longest < FULL_QUEUE || n > r->longest / 2 || r->n_parts == 0 || r->wakes == 0)
        return;
    int64_t now = clock_mono_ns();
    if (now - r->last_wake < WAKE_EVERY_MS * INT64_C(1000000))
        return;
    const struct rd_kafka_metadata *md;
    if (rd_kafka_metadata(r->client->rk, 0, r->parts[0]->topic->rkt, &md, 1) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(md);
    r->last_wake = now;
    r->wakes--;
}

enum status reader_take(struct kafka_reader *r, int timeout_ms, bool *more, struct diag *d)
{
    ssize_t n = 0, rest;
    *more = false;
    if (timeout_ms > 0) {
        n = rd_kafka_consume_batch_queue(r->queue, timeout_ms, r->taken, 1);
        n = n > 0 ? n : 0;
    }
    rest = rd_kafka_consume_batch_queue(r->queue, 0, r->taken + n, (size_t)(BATCH_ROWS - n));
    n += rest > 0 ? rest : 0;
    *more = n == BATCH_ROWS;
    enum status st = sort_out(r, (uint32_t)n, d);
    rd_kafka_poll(r->client->rk, 0);
    if (r->client->failed) {
        enum status failed = kafka_fail(r->log, NULL, r->client->failed, r->client->failed_text, d, "cannot read");
        r->client->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
        st = st == STATUS_OK ? failed : st;
    }
    balance(r);
    wake_fetcher(r);
    return st;
}
