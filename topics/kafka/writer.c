/* Writing: one producer of librdkafka a writer, transactional if it has an id, else idempotent. Partitions are chosen here, so
 * that they are the Java client's. After any error that leaves a transaction in doubt the producer is thrown away; a new one
 * with the same id first settles the old transaction at the coordinator.
 *
 * librdkafka takes a timestamp of 0 for "now": 1970-01-01T00:00:00.000 is written as .001. */
#include "topics/kafka/kafka_int.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BATCH_BYTES = 1000000, /* batch.size, until a topic with a smaller limit comes */
    BATCH_OVERHEAD = 128,  /* of a batch with one record, beside key, value and headers */
    QUEUE_WAIT_MS = 10,
    BLOCKED_MS = 60000, /* nothing has moved for so long: give up */
    COMMIT_MS = 30000,
    INIT_MS = 15000,
    FLUSH_STEPS_MS = 200,
    LIMIT_AGE_MS = 5000 /* a topic's limit is asked for again, at most so often */
};

struct writer_topic {
    rd_kafka_topic_t *rkt;
    char *name;
    int32_t n_partitions;
    int64_t limit;       /* bytes a record may have */
    int64_t limit_asked; /* ms, monotonic */
};

struct kafka_writer {
    struct log_writer head;
    struct kafka_log *log;
    char *id;
    struct kafka_client *client; /* NULL: broken, to be made again */
    struct map topics;
    struct writer_topic *last; /* the topic of the last append */
    int64_t batch_bytes;
    int64_t timeout_ms;  /* transaction.timeout.ms; users may set it */
    int64_t began;       /* ms, monotonic */
    bool group_moved_on; /* membership_fence has failed in this transaction */
    bool fenced;         /* another writer has our id: for ever */
};

static int64_t mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

/* The coordinator has closed our transaction for its age, which looks like fencing to librdkafka. */
static bool has_expired(const struct kafka_writer *w)
{
    return mono_ms() - w->began >= w->timeout_ms;
}

/* ---- the producer ---------------------------------------------------------------------------------------- */

static void topics_clear(struct kafka_writer *w)
{
    MAP_EACH (&w->topics, e) {
        struct writer_topic *t = e->value;
        rd_kafka_topic_destroy(t->rkt);
        mem_free(t->name);
        mem_free(t);
    }
    map_free(&w->topics);
    map_init(&w->topics);
    w->last = NULL;
}

static void producer_close(struct kafka_writer *w)
{
    if (!w->client)
        return;
    topics_clear(w);
    rd_kafka_purge(w->client->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_poll(w->client->rk, 0);
    kafka_client_drop(w->client);
    w->client = NULL;
}

static enum status producer_create(struct kafka_writer *w, struct diag *d)
{
    char batch[32], timeout[32];
    snprintf(batch, sizeof batch, "%lld", (long long)w->batch_bytes);
    snprintf(timeout, sizeof timeout, "%d", KAFKA_TRANSACTION_MS);
    const struct kafka_option defaults[] = {
        {"linger.ms", "5"},
        {"compression.codec", "lz4"},
        {"batch.num.messages", "1000000"},
        {"queue.buffering.max.messages", "500000"},
        {"queue.buffering.max.kbytes", "65536"},
        {"message.max.bytes", "200000000"},
        {"retry.backoff.ms", "5"},
        {w->id ? "transaction.timeout.ms" : NULL, timeout},
        {NULL, NULL},
    };
    const struct kafka_option forced[] = {
        {"enable.idempotence", "true"},
        {"delivery.report.only.error", "true"},
        {"batch.size", batch},
        {w->id ? "transactional.id" : NULL, w->id},
        {NULL, NULL},
    };
    enum status st = kafka_client_create(w->log, CLIENT_WRITER, defaults, forced, &w->client, d);
    size_t size = sizeof timeout;
    if (st == STATUS_OK &&
        rd_kafka_conf_get(rd_kafka_conf(w->client->rk), "transaction.timeout.ms", timeout, &size) == RD_KAFKA_CONF_OK)
        w->timeout_ms = strtoll(timeout, NULL, 10);
    return st;
}

/* Fences earlier writers of the id, and waits until their transactions are settled. */
static enum status init_transactions(struct kafka_writer *w, struct diag *d)
{
    int64_t until = mono_ms() + INIT_MS;
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_init_transactions(w->client->rk, INIT_MS);
        if (!error)
            return STATUS_OK;
        if (rd_kafka_error_is_retriable(error) && mono_ms() < until) {
            rd_kafka_error_destroy(error);
            continue;
        }
        return kafka_fail_error(w->log, w->client, error, d, "cannot start transactions");
    }
}

static enum status producer_open(struct kafka_writer *w, struct diag *d)
{
    enum status st = producer_create(w, d);
    if (st == STATUS_OK && w->id)
        st = init_transactions(w, d);
    if (st != STATUS_OK)
        producer_close(w);
    return st;
}

enum status kafka_writer_open(struct log *log, const char *id, struct log_writer **out, struct diag *d)
{
    struct kafka_writer *w = mem_calloc(1, sizeof *w);
    if (!w)
        return diag_nomem(d);
    w->head.ops = log->ops;
    w->log = (struct kafka_log *)log;
    w->batch_bytes = BATCH_BYTES;
    map_init(&w->topics);
    w->id = id ? mem_strdup(id) : NULL;
    enum status st = id && !w->id ? diag_nomem(d) : producer_open(w, d);
    if (st != STATUS_OK) {
        kafka_writer_close(&w->head);
        return st;
    }
    *out = &w->head;
    return STATUS_OK;
}

void kafka_writer_close(struct log_writer *writer)
{
    struct kafka_writer *w = (struct kafka_writer *)writer;
    producer_close(w);
    map_free(&w->topics);
    mem_free(w->id);
    mem_free(w);
}

enum status kafka_writer_begin(struct log_writer *writer, struct diag *d)
{
    struct kafka_writer *w = (struct kafka_writer *)writer;
    if (w->fenced)
        return diag_set(d, STATUS_FENCED, "Another writer has taken over the id %s", w->id);
    enum status st = w->client ? STATUS_OK : producer_open(w, d);
    if (st != STATUS_OK)
        return st;
    w->began = mono_ms();
    w->group_moved_on = false;
    w->client->n_failed = 0;
    if (!w->id)
        return STATUS_OK;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(w->client->rk);
    if (!error)
        return STATUS_OK;
    st = kafka_fail_error(w->log, w->client, error, d, "cannot begin a transaction");
    producer_close(w);
    return st;
}

/* ---- topics ---------------------------------------------------------------------------------------------- */

static void limit_ask(struct kafka_writer *w, struct writer_topic *t)
{
    int64_t limit = kafka_topic_limit(w->log, t->name);
    t->limit = limit > 0 ? limit - BATCH_OVERHEAD : INT32_MAX;
    t->limit_asked = mono_ms();
}

/* The producer must know the partitions before the first record: it would keep records aside until then, in no
 * order, and create the topic where the broker is set so. */
static enum status learn_partitions(struct kafka_writer *w, struct writer_topic *t, struct diag *d)
{
    enum status st = kafka_partition_count(w->log, t->name, &t->n_partitions, d);
    if (st == STATUS_NOT_FOUND)
        return diag_set(d, st, "Topic %s does not exist", t->name);
    if (st != STATUS_OK)
        return st;
    const struct rd_kafka_metadata *md;
    rd_kafka_resp_err_t err = rd_kafka_metadata(w->client->rk, 0, t->rkt, &md, KAFKA_TIMEOUT_MS);
    if (err)
        return kafka_fail(w->log, w->client, err, NULL, d, "cannot read the metadata of %s", t->name);
    rd_kafka_metadata_destroy(md);
    return STATUS_OK;
}

static enum status topic_open(struct kafka_writer *w, const char *name, struct writer_topic **out, struct diag *d)
{
    struct writer_topic *t = mem_calloc(1, sizeof *t);
    if (!t)
        return diag_nomem(d);
    t->name = mem_strdup(name);
    t->rkt = rd_kafka_topic_new(w->client->rk, name, NULL);
    enum status st = t->name && t->rkt ? learn_partitions(w, t, d) : diag_nomem(d);
    if (st == STATUS_OK && !map_put(&w->topics, str_from(name), t))
        st = diag_nomem(d);
    if (st != STATUS_OK) {
        if (t->rkt)
            rd_kafka_topic_destroy(t->rkt);
        mem_free(t->name);
        mem_free(t);
        return st;
    }
    limit_ask(w, t);
    *out = t;
    return STATUS_OK;
}

/* A topic that takes less than our batches needs a producer that makes smaller ones. */
static enum status fit_batches(struct kafka_writer *w, const struct writer_topic *t, struct diag *d)
{
    if (t->limit >= w->batch_bytes)
        return STATUS_OK;
    w->batch_bytes = t->limit > 1024 ? t->limit : 1024;
    if (!w->id) {
        rd_kafka_flush(w->client->rk, COMMIT_MS);
        producer_close(w);
        return producer_open(w, d);
    }
    enum status st =
        diag_set(d, STATUS_ABORTED, "Topic %s takes batches of at most %lld bytes: begin again with smaller ones",
                 t->name, (long long)t->limit);
    producer_close(w);
    return st;
}

static enum status topic_get(struct kafka_writer *w, const char *name, struct writer_topic **out, struct diag *d)
{
    if (!w->client)
        return diag_set(d, STATUS_ABORTED, "the transaction was aborted");
    if (w->last && strcmp(w->last->name, name) == 0) {
        *out = w->last;
        return STATUS_OK;
    }
    struct writer_topic *t = map_get(&w->topics, str_from(name));
    if (!t) {
        enum status st = topic_open(w, name, &t, d);
        if (st != STATUS_OK)
            return st;
        bool plain = !w->id && t->limit < w->batch_bytes;
        st = fit_batches(w, t, d);
        if (st != STATUS_OK)
            return st;
        if (plain) /* a new producer, which has no topics yet */
            return topic_get(w, name, out, d);
    }
    *out = w->last = t;
    return STATUS_OK;
}

/* ---- appending ------------------------------------------------------------------------------------------- */

static size_t record_size(const struct record *r)
{
    size_t n = (size_t)r->key.len + r->value.len;
    for (uint32_t i = 0; r->headers && i < r->headers->n; i++)
        n += (size_t)r->headers->items[i].key.len + r->headers->items[i].value.len + 10;
    return n;
}

static rd_kafka_headers_t *pack_headers(const struct headers *h)
{
    rd_kafka_headers_t *list = rd_kafka_headers_new(h->n);
    for (uint32_t i = 0; i < h->n; i++) {
        const struct record_header *item = &h->items[i];
        rd_kafka_header_add(list, item->key.p ? item->key.p : "", (ssize_t)item->key.len,
                            item->is_null   ? NULL
                            : item->value.p ? item->value.p
                                            : "",
                            item->is_null ? 0 : (ssize_t)item->value.len);
    }
    return list;
}

static rd_kafka_resp_err_t produce(struct kafka_writer *w, const struct writer_topic *t, int32_t partition,
                                   const struct record *r)
{
    int64_t ts = r->ts < 0 ? 0 : r->ts ? r->ts : 1;
    if (!r->headers || !r->headers->n)
        return rd_kafka_producev(w->client->rk, RD_KAFKA_V_RKT(t->rkt), RD_KAFKA_V_PARTITION(partition),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_VALUE((void *)(uintptr_t)r->value.p, (size_t)r->value.len),
                                 RD_KAFKA_V_KEY(r->key.p, (size_t)r->key.len), RD_KAFKA_V_TIMESTAMP(ts),
                                 RD_KAFKA_V_END);
    rd_kafka_headers_t *headers = pack_headers(r->headers);
    rd_kafka_resp_err_t err = rd_kafka_producev(w->client->rk, RD_KAFKA_V_RKT(t->rkt), RD_KAFKA_V_PARTITION(partition),
                                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                                RD_KAFKA_V_VALUE((void *)(uintptr_t)r->value.p, (size_t)r->value.len),
                                                RD_KAFKA_V_KEY(r->key.p, (size_t)r->key.len), RD_KAFKA_V_TIMESTAMP(ts),
                                                RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (err)
        rd_kafka_headers_destroy(headers);
    return err;
}

/* The producer's memory is full: waits until it has sent some. */
static rd_kafka_resp_err_t produce_blocking(struct kafka_writer *w, const struct writer_topic *t, int32_t partition,
                                            const struct record *r)
{
    rd_kafka_resp_err_t err;
    int before = rd_kafka_outq_len(w->client->rk);
    int64_t moved = mono_ms();
    while ((err = produce(w, t, partition, r)) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(w->client->rk, QUEUE_WAIT_MS);
        int now = rd_kafka_outq_len(w->client->rk);
        if (now < before || rd_kafka_fatal_error(w->client->rk, NULL, 0))
            moved = mono_ms();
        before = now;
        if (mono_ms() - moved > BLOCKED_MS)
            return RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    return err;
}

static enum status too_large(struct writer_topic *t, size_t size, struct diag *d)
{
    return diag_set(d, STATUS_DATA, "A record of %zu bytes is larger than topic %s takes (max.message.bytes)", size,
                    t->name);
}

/* The producer is of no use any more. Its transaction is gone; if it was not fenced, a new producer goes on. */
static enum status producer_died(struct kafka_writer *w, struct diag *d)
{
    char text[256] = "";
    rd_kafka_resp_err_t err = rd_kafka_fatal_error(w->client->rk, text, sizeof text);
    w->fenced = w->id && kafka_status(err) == STATUS_FENCED && !has_expired(w);
    enum status st = w->fenced ? STATUS_FENCED : w->id ? STATUS_ABORTED : STATUS_IO;
    diag_set(d, st, "Kafka at %s: the transaction was aborted: %s", w->log->bootstrap, text);
    producer_close(w);
    return st;
}

/* What an append that was refused means for the transaction. */
static enum status append_failed(struct kafka_writer *w, struct writer_topic *t, rd_kafka_resp_err_t err,
                                 const struct record *r, struct diag *d)
{
    if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return too_large(t, record_size(r), d);
    if (kafka_status(err) == STATUS_NOT_FOUND)
        return kafka_fail(w->log, w->client, err, NULL, d, "cannot append to %s", t->name);
    if (err == RD_KAFKA_RESP_ERR__FATAL)
        return producer_died(w, d);
    if (err == RD_KAFKA_RESP_ERR__STATE && w->id) /* librdkafka has seen an error that aborts the transaction */
        return diag_set(d, STATUS_ABORTED, "Kafka at %s: the transaction was aborted", w->log->bootstrap);
    return kafka_fail(w->log, w->client, err, NULL, d, "cannot append to %s", t->name);
}

static enum status append_one(struct kafka_writer *w, struct writer_topic *t, int32_t partition, const struct record *r,
                              struct diag *d)
{
    size_t size = record_size(r);
    if (__builtin_expect((int64_t)size > t->limit, 0)) {
        if (mono_ms() - t->limit_asked > LIMIT_AGE_MS)
            limit_ask(w, t);
        if ((int64_t)size > t->limit)
            return too_large(t, size, d);
    }
    if (partition < 0)
        partition = writer_partition(&w->head, r, t->n_partitions);
    rd_kafka_resp_err_t err = produce(w, t, partition, r);
    if (__builtin_expect(err == RD_KAFKA_RESP_ERR__QUEUE_FULL, 0))
        err = produce_blocking(w, t, partition, r);
    if (kafka_status(err) == STATUS_NOT_FOUND && learn_partitions(w, t, NULL) == STATUS_OK)
        err = produce(w, t, partition, r); /* the topic was deleted and is here again */
    return err ? append_failed(w, t, err, r, d) : STATUS_OK;
}

enum status kafka_writer_append(struct log_writer *writer, const char *topic, int32_t partition,
                                const struct record *records, size_t n, struct diag *d)
{
    struct kafka_writer *w = (struct kafka_writer *)writer;
    struct writer_topic *t = NULL;
    enum status st = topic_get(w, topic, &t, d);
    if (st == STATUS_OK && partition >= t->n_partitions)
        st = learn_partitions(w, t, d);
    if (st == STATUS_OK && partition >= t->n_partitions)
        return diag_set(d, STATUS_NOT_FOUND, "Topic %s has no partition %d", topic, (int)partition);
    for (size_t i = 0; i < n && st == STATUS_OK; i++)
        st = append_one(w, t, partition, &records[i], d);
    return st;
}

enum status kafka_writer_send_offsets(struct log_writer *writer, const rd_kafka_topic_partition_list_t *offsets,
                                      const rd_kafka_consumer_group_metadata_t *group, struct diag *d)
{
    struct kafka_writer *w = (struct kafka_writer *)writer;
    if (!w->id)
        return diag_set(d, STATUS_INVALID, "a plain writer has no transactions to fence");
    if (!w->client)
        return diag_set(d, STATUS_ABORTED, "the transaction was aborted");
    rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(w->client->rk, offsets, group, KAFKA_TIMEOUT_MS);
    if (!error)
        return STATUS_OK;
    if (rd_kafka_error_is_fatal(error)) { /* a group that has moved on is not fatal */
        rd_kafka_error_destroy(error);
        return producer_died(w, d);
    }
    enum status st = kafka_fail_error(w->log, w->client, error, d, "cannot add the slots to the transaction");
    w->group_moved_on = st == STATUS_FENCED;
    return st;
}

/* ---- the end of a transaction ---------------------------------------------------------------------------- */

/* Aborts what librdkafka says must be aborted; if even that fails the next producer settles it. */
static void abort_now(struct kafka_writer *w)
{
    rd_kafka_error_t *error = rd_kafka_abort_transaction(w->client->rk, KAFKA_TIMEOUT_MS);
    if (error) {
        rd_kafka_error_destroy(error);
        producer_close(w);
    }
}

static enum status commit_failed(struct kafka_writer *w, rd_kafka_error_t *error, struct diag *d)
{
    rd_kafka_resp_err_t err = rd_kafka_error_code(error), fatal = rd_kafka_fatal_error(w->client->rk, NULL, 0);
    bool abortable = rd_kafka_error_txn_requires_abort(error);
    enum status st = kafka_status(fatal ? fatal : err);
    if (w->group_moved_on)
        st = STATUS_FENCED;
    else if (st == STATUS_FENCED && has_expired(w))
        st = STATUS_ABORTED;
    else if (abortable)
        st = STATUS_ABORTED;
    else if (st != STATUS_FENCED)
        st = STATUS_IO;
    diag_set(d, st, "Kafka at %s: cannot commit: %s", w->log->bootstrap, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    if (abortable) {
        abort_now(w);
        return st;
    }
    /* In doubt, or fenced. A new producer settles the former before anybody reads on. */
    producer_close(w);
    w->fenced = st == STATUS_FENCED;
    if (!w->fenced && producer_open(w, NULL) != STATUS_OK)
        producer_close(w);
    return st;
}

/* Sends what is buffered. librdkafka's own flush looks only every 10 ms whether all is sent, since deliveries that went well
 * are not reported to us; that is too long for a small transaction, so it is asked in short steps at first. */
static void flush_soon(struct kafka_writer *w)
{
    int64_t until = mono_ms() + FLUSH_STEPS_MS;
    while (rd_kafka_flush(w->client->rk, 1) == RD_KAFKA_RESP_ERR__TIMED_OUT && mono_ms() < until)
        ;
}

static enum status commit_transaction(struct kafka_writer *w, struct diag *d)
{
    if (!w->client)
        return diag_set(d, STATUS_ABORTED, "the transaction was aborted");
    flush_soon(w);
    int64_t until = mono_ms() + COMMIT_MS;
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_commit_transaction(w->client->rk, KAFKA_TIMEOUT_MS);
        if (!error)
            return STATUS_OK;
        if (!rd_kafka_error_is_retriable(error) || mono_ms() >= until)
            return commit_failed(w, error, d);
        rd_kafka_error_destroy(error);
    }
}

static enum status commit_plain(struct kafka_writer *w, struct diag *d)
{
    flush_soon(w);
    rd_kafka_resp_err_t err = rd_kafka_flush(w->client->rk, COMMIT_MS);
    if (!err && w->client->n_failed)
        err = w->client->failed;
    if (!err)
        err = rd_kafka_fatal_error(w->client->rk, NULL, 0);
    if (!err)
        return STATUS_OK;
    enum status st = kafka_fail(w->log, w->client, err, NULL, d, "records were not written");
    producer_close(w);
    return st == STATUS_DATA || st == STATUS_NOT_FOUND || st == STATUS_INVALID ? st : STATUS_IO;
}

enum status kafka_writer_commit(struct log_writer *writer, struct diag *d)
{
    struct kafka_writer *w = (struct kafka_writer *)writer;
    if (w->id)
        return commit_transaction(w, d);
    return w->client ? commit_plain(w, d) : STATUS_OK;
}

void kafka_writer_abort(struct log_writer *writer)
{
    struct kafka_writer *w = (struct kafka_writer *)writer;
    if (!w->client)
        return;
    if (w->id)
        abort_now(w);
    else
        rd_kafka_purge(w->client->rk, RD_KAFKA_PURGE_F_QUEUE);
}
