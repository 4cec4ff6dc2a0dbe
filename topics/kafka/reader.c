/* Reading: one client of librdkafka a reader, in its simple mode (no group, no coordinator). All partitions share one fetch
 * queue, so prefetching is bounded for the reader as a whole; the messages are sorted here by partition, and a batch is the head
 * of one partition's list.
 *
 * Pausing holds messages back in the partition's list. Only when that has grown past HELD_BYTES is the partition paused in
 * librdkafka too, which throws away what it has prefetched of it.
 *
 * Two habits of librdkafka 2.0.2 shape this file. consume_batch_queue waits until the array is full, so waiting is done for one
 * message and the rest is taken without waiting. And a fetcher that found the queue full looks again only after a second
 * unless something wakes it: see wake_fetcher. */
#include "topics/kafka/kafka_int.h"

#include <stdio.h>

enum {
    HELD_BYTES = 8 << 20,    /* of one paused partition */
    MESSAGE_OVERHEAD = 400,  /* bytes of librdkafka's own a message */
    HELD_MESSAGES = 32768,   /* of partitions that are not paused, while others have none */
    FULL_QUEUE = 8192,       /* messages: a queue that was longer may have stopped the fetcher */
    WAKE_EVERY_MS = 10,
    WAKES = 10               /* in a row, without seeing the queue grow */
};

struct partition {
    struct topic *topic;
    int32_t number;
    bool paused;        /* by the caller */
    bool fetch_paused;  /* in librdkafka */
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

static uint32_t length(const struct partition *p)
{
    return p->last - p->first;
}

/* ---- partitions ----------------------------------------------------------------------------------------- */

static void list_clear(struct kafka_reader *r, struct partition *p)
{
    if (!p->paused)
        r->n_ready -= length(p);
    for (uint32_t i = p->first; i < p->last; i++)
        rd_kafka_message_destroy(p->list[i]);
    p->first = p->last = 0;
    p->bytes = 0;
}

/* Room for `more` messages at the end. */
static bool list_reserve(struct partition *p, uint32_t more)
{
    if (p->cap - p->last >= more)
        return true;
    uint32_t n = length(p), cap = p->cap ? p->cap : 256;
    if (n)
        memmove(p->list, p->list + p->first, n * sizeof *p->list);
    p->first = 0;
    p->last = n;
    while (cap < n + more)
        cap *= 2;
    rd_kafka_message_t **list = cap == p->cap ? p->list : mem_realloc(p->list, cap * sizeof *list);
    if (!list)
        return false;
    p->list = list;
    p->cap = cap;
    return true;
}

static struct partition *find(struct kafka_reader *r, const char *topic, int32_t number)
{
    struct topic *t = map_get(&r->topics, str_from(topic));
    return t && number < t->n_partitions ? t->partitions[number] : NULL;
}

static struct topic *topic_get(struct kafka_reader *r, const char *name)
{
    struct topic *t = map_get(&r->topics, str_from(name));
    if (t)
        return t;
    t = mem_calloc(1, sizeof *t);
    if (!t)
        return NULL;
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(r->client->rk);
    rd_kafka_topic_conf_set_opaque(conf, t);
    t->name = mem_strdup(name);
    t->rkt = rd_kafka_topic_new(r->client->rk, name, conf);
    if (!t->rkt)
        rd_kafka_topic_conf_destroy(conf);
    if (!t->name || !t->rkt || !map_put(&r->topics, str_from(name), t)) {
        if (t->rkt)
            rd_kafka_topic_destroy(t->rkt);
        mem_free(t->name);
        mem_free(t);
        return NULL;
    }
    return t;
}

/* The partition's struct, made if it is not there. NULL: no memory. */
static struct partition *partition_get(struct kafka_reader *r, struct topic *t, int32_t number)
{
    if (number >= t->n_partitions) {
        struct partition **grown = mem_realloc(t->partitions, ((size_t)number + 1) * sizeof(struct partition *));
        if (!grown)
            return NULL;
        memset(grown + t->n_partitions, 0, (size_t)(number + 1 - t->n_partitions) * sizeof(struct partition *));
        t->partitions = grown;
        t->n_partitions = number + 1;
    }
    if (t->partitions[number])
        return t->partitions[number];
    if (r->n_parts == r->cap_parts) {
        uint32_t cap = r->cap_parts ? 2 * r->cap_parts : 16;
        struct partition **grown = mem_realloc(r->parts, cap * sizeof(struct partition *));
        if (!grown)
            return NULL;
        r->parts = grown;
        r->cap_parts = cap;
    }
    struct partition *p = mem_calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->topic = t;
    p->number = number;
    r->parts[r->n_parts++] = p;
    t->partitions[number] = p;
    return p;
}

static void partition_remove(struct kafka_reader *r, struct partition *p)
{
    list_clear(r, p);
    p->topic->partitions[p->number] = NULL;
    for (uint32_t i = 0; i < r->n_parts; i++)
        if (r->parts[i] == p)
            r->parts[i] = r->parts[--r->n_parts];
    mem_free(p->list);
    mem_free(p);
}

static void fetch_pause(struct kafka_reader *r, struct partition *p, bool paused)
{
    if (p->fetch_paused == paused)
        return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, p->topic->name, p->number);
    if (paused)
        rd_kafka_pause_partitions(r->client->rk, list);
    else
        rd_kafka_resume_partitions(r->client->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    p->fetch_paused = paused;
}

static void stop(struct kafka_reader *r, struct partition *p)
{
    fetch_pause(r, p, false);
    rd_kafka_consume_stop(p->topic->rkt, p->number);
}

/* ---- opening, closing, assigning ------------------------------------------------------------------------ */

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
        {"isolation.level", "read_committed"},  {"enable.auto.commit", "false"}, {"enable.auto.offset.store", "false"},
        {"enable.partition.eof", "true"},       {"auto.offset.reset", "error"},  {NULL, NULL},
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
        stop(r, r->parts[0]);
        partition_remove(r, r->parts[0]);
    }
    MAP_EACH(&r->topics, e) {
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

/* First offset and uncommitted end: a commit shows in the committed one only a moment after it has been promised, and what
 * was promised may be read from. */
static enum status range(struct kafka_reader *r, const char *topic, int32_t number, int64_t *begin, int64_t *end,
                         struct diag *d)
{
    struct kafka_client *c;
    enum status st = kafka_uncommitted_client(r->log, &c, d);
    return st != STATUS_OK ? st : kafka_watermarks(r->log, c, topic, number, begin, end, d);
}

/* Below the first record becomes the first; above the end is an error. */
static enum status clamp_offset(struct kafka_reader *r, const char *topic, int32_t number, int64_t *offset,
                                struct diag *d)
{
    int64_t begin, end;
    int32_t n = 0;
    enum status st = kafka_partition_count(r->log, topic, &n, d);
    if (st == STATUS_NOT_FOUND || (st == STATUS_OK && number >= n))
        return diag_set(d, STATUS_NOT_FOUND, "Topic %s has no partition %d", topic, (int)number);
    if (st == STATUS_OK)
        st = range(r, topic, number, &begin, &end, d);
    if (st != STATUS_OK)
        return st;
    if (*offset > end)
        return diag_set(d, STATUS_INVALID, "Offset %lld of %s [%d] is behind its end, %lld", (long long)*offset, topic,
                        (int)number, (long long)end);
    if (*offset < begin)
        *offset = begin;
    return STATUS_OK;
}

static enum status start_at(struct kafka_reader *r, struct partition *p, int64_t offset, struct diag *d)
{
    p->position = offset;
    p->eof = -1;
    if (rd_kafka_consume_start_queue(p->topic->rkt, p->number, offset, r->queue) == 0)
        return STATUS_OK;
    return kafka_fail(r->log, r->client, rd_kafka_last_error(), NULL, d, "cannot read %s [%d]", p->topic->name,
                      (int)p->number);
}

enum status kafka_reader_assign(struct log_reader *reader, const char *topic, int32_t partition, int64_t offset,
                                struct diag *d)
{
    struct kafka_reader *r = (struct kafka_reader *)reader;
    enum status st = clamp_offset(r, topic, partition, &offset, d);
    if (st != STATUS_OK)
        return st;
    struct topic *t = topic_get(r, topic);
    struct partition *p = t && partition < t->n_partitions ? t->partitions[partition] : NULL;
    if (p) {
        stop(r, p);
        list_clear(r, p);
    } else {
        p = t ? partition_get(r, t, partition) : NULL;
    }
    if (!p)
        return diag_nomem(d);
    st = start_at(r, p, offset, d);
    if (st != STATUS_OK)
        partition_remove(r, p);
    return st;
}

void kafka_reader_unassign(struct log_reader *reader, const char *topic, int32_t partition)
{
    struct kafka_reader *r = (struct kafka_reader *)reader;
    struct partition *p = find(r, topic, partition);
    if (p) {
        stop(r, p);
        partition_remove(r, p);
    }
}

void kafka_reader_pause(struct log_reader *reader, const char *topic, int32_t partition, bool paused)
{
    struct kafka_reader *r = (struct kafka_reader *)reader;
    struct partition *p = find(r, topic, partition);
    if (!p || p->paused == paused)
        return;
    p->paused = paused;
    if (paused)
        r->n_ready -= length(p);
    else
        r->n_ready += length(p);
}

void kafka_reader_wake(struct log_reader *reader)
{
    struct kafka_reader *r = (struct kafka_reader *)reader;
    __atomic_store_n(&r->woken, 1, __ATOMIC_RELEASE);
    rd_kafka_queue_yield(r->queue);
}

/* ---- taking messages from librdkafka -------------------------------------------------------------------- */

/* The position has fallen out of the log. Records that were removed from the front are skipped, as the first record that is
 * left is the next one; a log that ends before our position has lost records, and going on would hide that. */
static enum status out_of_range(struct kafka_reader *r, struct partition *p, struct diag *d)
{
    int64_t begin, end, next = length(p) ? p->list[p->last - 1]->offset + 1 : p->position;
    enum status st = range(r, p->topic->name, p->number, &begin, &end, d);
    if (st != STATUS_OK)
        return st;
    if (next >= begin)
        return diag_set(d, STATUS_IO, "Records of %s [%d] are lost: it was read up to %lld, and now ends at %lld",
                        p->topic->name, (int)p->number, (long long)next, (long long)end);
    stop(r, p);
    int64_t position = p->position;
    st = start_at(r, p, begin, d);
    p->position = position;
    return st;
}

static enum status take_error(struct kafka_reader *r, struct partition *p, const rd_kafka_message_t *m,
                              struct diag *d)
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
    if (!list_reserve(p, run))
        return 0;
    memcpy(p->list + p->last, m, run * sizeof *m);
    p->last += run;
    p->bytes += (int64_t)(bytes + (size_t)run * MESSAGE_OVERHEAD);
    if (!p->paused)
        r->n_ready += run;
    return run;
}

/* Sorts the taken messages by partition. Every message finds an owner or is destroyed, also after an error. */
static enum status sort_out(struct kafka_reader *r, uint32_t n, struct diag *d)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < n;) {
        rd_kafka_message_t *m = r->taken[i];
        struct partition *p = owner(m);
        uint32_t run = 0;
        if (p && !m->err) {
            run = take_run(r, p, r->taken + i, n - i);
            if (run == 0)
                st = diag_nomem(d);
        } else if (p) {
            enum status failed = take_error(r, p, m, d);
            st = st == STATUS_OK ? failed : st;
        }
        if (run == 0)
            rd_kafka_message_destroy(m);
        i += run ? run : 1;
    }
    return st;
}

/* Paused partitions that hold too much are paused in librdkafka; drained ones are fetched again. */
static void balance(struct kafka_reader *r)
{
    for (uint32_t i = 0; i < r->n_parts; i++) {
        struct partition *p = r->parts[i];
        if (p->paused && p->bytes > HELD_BYTES)
            fetch_pause(r, p, true);
        else if (p->fetch_paused && p->bytes < HELD_BYTES / 4)
            fetch_pause(r, p, false);
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

/* Takes what is there, waiting up to timeout_ms for the first message. *more: there was enough, look again. */
static enum status take(struct kafka_reader *r, int timeout_ms, bool *more, struct diag *d)
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

/* ---- delivering ----------------------------------------------------------------------------------------- */

/* Something to tell: records, or an end beyond the position (markers and aborted records were passed). */
static bool is_ready(const struct partition *p)
{
    return !p->paused && (length(p) || p->eof > p->position);
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

static enum status deliver(struct kafka_reader *r, struct partition *p, uint32_t max_records,
                           struct record_batch **out, struct diag *d)
{
    uint32_t n = length(p) < max_records ? length(p) : max_records;
    int64_t next = p->position;
    rd_kafka_message_t **m = p->list + p->first;
    for (uint32_t i = 0; i < n; i++)
        p->bytes -= (int64_t)(m[i]->len + m[i]->key_len) + MESSAGE_OVERHEAD;
    if (n)
        next = m[n - 1]->offset + 1;
    p->first += n;
    r->n_ready -= n;
    if (length(p) == 0) {
        int64_t position = consumed(r, p);
        next = position > next ? position : next;
        next = p->eof > next ? p->eof : next;
        p->first = p->last = 0;
    }
    p->position = next;
    r->turn++;
    *out = kafka_batch_create(r->client, p->topic->name, p->number, m, n, next);
    return *out ? STATUS_OK : diag_nomem(d);
}

/* Whether some partition has nothing here although its records may wait behind another's in the queue. */
static bool is_one_sided(const struct kafka_reader *r)
{
    if (r->n_ready >= HELD_MESSAGES || r->n_parts == 1)
        return false;
    for (uint32_t i = 0; i < r->n_parts; i++)
        if (!r->parts[i]->paused && length(r->parts[i]) == 0)
            return true;
    return false;
}

/* Takes without waiting, until there is a full batch, and something of every partition that has something. */
static enum status gather(struct kafka_reader *r, uint32_t max_records, struct diag *d)
{
    enum status st = STATUS_OK;
    bool more = true;
    while (st == STATUS_OK && more && (r->n_ready < max_records || is_one_sided(r)))
        st = take(r, 0, &more, d);
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
        st = take(r, left_ms > 1000 ? 1000 : (int)left_ms, &more, d);
    }
    return st;
}
