/* The processing log: bad records and failed expressions become JSON records of a topic, as ksqlDB's.
 * Workers add entries from their threads; a thread of its own writes them, so that a flood of bad records does not hold
 * up queries. The queue is bounded: entries beyond it are counted, and the count is written instead. */
#include "engine/engine_int.h"

#include <pthread.h>

enum { FLUSH_MS = 100 };
static const size_t QUEUE_BYTES = 8 << 20;

struct processing_log {
    struct log *log;
    char topic[256];
    struct log_writer *writer;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct buf queue; /* entries, each behind its length */
    uint64_t n_lost;
    bool closing, started;
};

static void put_text(struct buf *out, const char *name, struct str s)
{
    buf_printf(out, "\"%s\":", name);
    if (!s.p) {
        buf_puts(out, STR("null"));
        return;
    }
    buf_putc(out, '"');
    bool utf8 = str_is_utf8(s);
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < 0x20 || (c >= 0x80 && !utf8))
            buf_printf(out, "\\u%04x", c);
        else
            buf_putc(out, (char)c);
    }
    buf_putc(out, '"');
}

static void put_entry(struct buf *out, const struct processing_error *e)
{
    static const char *const kinds[] = {"deserializationError", "recordProcessingError", "serializationError",
                                        "recordProcessingError"};
    buf_puts(out, STR("{\"level\":\"ERROR\","));
    buf_printf(out, "\"logger\":\"processing.%s.%s\",\"time\":%lld,\"message\":{\"type\":%d,\"%s\":{", e->query_id,
               e->logger, (long long)clock_wall_ms(), (int)e->kind, kinds[e->kind]);
    put_text(out, "errorMessage", str_from(e->message));
    buf_putc(out, ',');
    put_text(out, "record", e->record);
    buf_putc(out, ',');
    put_text(out, "topic", str_from(e->topic));
    buf_printf(out, ",\"partition\":%d,\"offset\":%lld}}}", (int)e->partition, (long long)e->offset);
}

void processing_log_add(void *data, const struct processing_error *e)
{
    struct processing_log *l = data;
    struct buf entry;
    buf_init(&entry, 0);
    put_entry(&entry, e);
    pthread_mutex_lock(&l->mutex);
    if (entry.failed || l->queue.len + entry.len + sizeof(uint32_t) > QUEUE_BYTES) {
        l->n_lost++;
    } else {
        uint32_t len = (uint32_t)entry.len;
        buf_put(&l->queue, &len, sizeof len);
        buf_puts(&l->queue, buf_str(&entry));
    }
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->mutex);
    buf_free(&entry);
}

/* Writes all entries of `batch` in one transaction. What cannot be written is lost to the log, not to the queries. */
static void write_entries(struct processing_log *l, const struct buf *batch, uint64_t lost)
{
    struct diag d = DIAG_INIT;
    if (writer_begin(l->writer, &d) != STATUS_OK)
        return;
    enum status st = STATUS_OK;
    for (size_t at = 0; at < batch->len && st == STATUS_OK;) {
        uint32_t len;
        memcpy(&len, batch->p + at, sizeof len);
        const struct record record = {.value = str_make(batch->p + at + sizeof len, len), .ts = -1};
        st = writer_append(l->writer, l->topic, 0, &record, 1, &d);
        at += sizeof len + len;
    }
    if (lost) {
        char text[100];
        int len = snprintf(text, sizeof text, "{\"level\":\"ERROR\",\"lostEntries\":%llu}", (unsigned long long)lost);
        const struct record record = {.value = str_make(text, (size_t)len), .ts = -1};
        if (st == STATUS_OK)
            st = writer_append(l->writer, l->topic, 0, &record, 1, &d);
    }
    if (st != STATUS_OK || writer_commit(l->writer, &d) != STATUS_OK)
        writer_abort(l->writer);
}

static void *run(void *data)
{
    struct processing_log *l = data;
    bool closing = false;
    while (!closing) {
        struct buf batch;
        pthread_mutex_lock(&l->mutex);
        while (!l->queue.len && !l->n_lost && !l->closing)
            pthread_cond_wait(&l->wake, &l->mutex);
        closing = l->closing;
        pthread_mutex_unlock(&l->mutex);
        if (!closing)
            clock_sleep_ms(FLUSH_MS); /* more will come: one transaction for all */
        pthread_mutex_lock(&l->mutex);
        batch = l->queue;
        uint64_t lost = l->n_lost;
        buf_init(&l->queue, 0);
        l->n_lost = 0;
        closing = l->closing;
        pthread_mutex_unlock(&l->mutex);
        if (batch.len || lost)
            write_entries(l, &batch, lost);
        buf_free(&batch);
    }
    return NULL;
}

enum status processing_log_open(struct log *log, const char *topic, struct processing_log **out, struct diag *d)
{
    enum status st = STATUS_OK;
    struct processing_log *l = mem_calloc(1, sizeof *l);
    if (!l)
        return diag_nomem(d);
    l->log = log;
    snprintf(l->topic, sizeof l->topic, "%s", topic);
    buf_init(&l->queue, 0);
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->wake, NULL);
    const struct topic_spec spec = {.name = l->topic, .n_partitions = 1};
    TRY(topic_ensure(log, &spec, NULL, d));
    TRY(writer_open(log, NULL, &l->writer, d));
    if (pthread_create(&l->thread, NULL, run, l) != 0) {
        st = diag_set(d, STATUS_IO, "cannot start a thread");
        goto done;
    }
    l->started = true;
    *out = l;
    l = NULL;
done:
    processing_log_close(l);
    return st;
}

void processing_log_close(struct processing_log *l)
{
    if (!l)
        return;
    if (l->started) {
        pthread_mutex_lock(&l->mutex);
        l->closing = true;
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->mutex);
        pthread_join(l->thread, NULL);
    }
    if (l->writer)
        writer_close(l->writer);
    buf_free(&l->queue);
    pthread_mutex_destroy(&l->mutex);
    pthread_cond_destroy(&l->wake);
    mem_free(l);
}
