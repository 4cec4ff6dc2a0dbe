/* The positions topic. A record's key is the task's name, its value: stream time and offsets, 64-bit little-endian. The record
 * with the key "log" holds the number of the log. */
#include "exec/positions.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>

static const struct str LOG_KEY = {"log", 3};

struct positions {
    struct log *log;
    char topic[256];
    struct log_reader *reader;
    int64_t next;
    struct map values; /* task -> struct str *, the record's value, owned */
    pthread_mutex_t mutex;
};

static enum status take_record(struct positions *p, const struct record *r, struct diag *d)
{
    if (!r->key.p)
        return STATUS_OK;
    mem_free(map_remove(&p->values, r->key));
    if (!r->value.p)
        return STATUS_OK;
    struct str *copy = mem_alloc(sizeof *copy + r->value.len);
    if (!copy)
        return diag_nomem(d);
    memcpy(copy + 1, r->value.p, r->value.len);
    *copy = str_make((const char *)(copy + 1), r->value.len);
    if (map_put(&p->values, r->key, copy))
        return STATUS_OK;
    mem_free(copy);
    return diag_nomem(d);
}

/* After an error all is read again: what the reader has handed out may not have been taken in. */
static enum status read_more(struct positions *p, struct diag *d)
{
    enum status st = STATUS_OK;
    int64_t begin, end, uncommitted;
    struct record_batch *b = NULL;
    TRY(topic_offsets(p->log, p->topic, 0, &begin, &end, &uncommitted, d));
    if (!p->reader) {
        TRY(reader_open(p->log, &p->reader, d));
        p->next = begin;
        TRY(reader_assign(p->reader, p->topic, 0, begin, d));
    }
    while (p->next < uncommitted) {
        TRY(reader_poll(p->reader, 100, BATCH_ROWS, &b, d));
        if (!b)
            continue;
        for (uint32_t i = 0; i < b->n; i++)
            TRY(take_record(p, &b->records[i], d));
        p->next = b->next_offset;
        record_batch_drop(b);
        b = NULL;
    }
done:
    if (b)
        record_batch_drop(b);
    if (st != STATUS_OK && p->reader) {
        reader_close(p->reader);
        p->reader = NULL;
    }
    return st;
}

/* Several servers may do this at the same time: then the last number counts for all, from their next start on. */
static enum status number_log(struct positions *p, struct diag *d)
{
    enum status st = STATUS_OK;
    struct log_writer *w = NULL;
    char number[8];
    const struct record record = {.key = LOG_KEY, .value = {number, sizeof number}, .ts = -1};
    if (getrandom(number, sizeof number, 0) != sizeof number)
        return diag_set(d, STATUS_IO, "no random numbers can be had");
    TRY(writer_open(p->log, NULL, &w, d));
    TRY(writer_begin(w, d));
    TRY(writer_append(w, p->topic, 0, &record, 1, d));
    TRY(writer_commit(w, d));
    TRY(take_record(p, &record, d));
done:
    if (w)
        writer_close(w);
    return st;
}

uint64_t positions_log_id(const struct positions *p)
{
    uint64_t id = 0;
    const struct str *value = map_get(&p->values, LOG_KEY);
    if (value && value->len == sizeof id)
        memcpy(&id, value->p, sizeof id);
    return id;
}

enum status positions_open(struct log *log, const char *topic, struct positions **out, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct topic_spec spec = {.name = topic, .n_partitions = 1, .compact = true};
    struct positions *p = mem_calloc(1, sizeof *p);
    if (!p)
        return diag_nomem(d);
    p->log = log;
    snprintf(p->topic, sizeof p->topic, "%s", topic);
    map_init(&p->values);
    pthread_mutex_init(&p->mutex, NULL);
    TRY(topic_ensure(log, &spec, NULL, d));
    TRY(read_more(p, d));
    if (!map_get(&p->values, LOG_KEY))
        TRY(number_log(p, d));
    *out = p;
    p = NULL;
done:
    positions_close(p);
    return st;
}

void positions_close(struct positions *p)
{
    if (!p)
        return;
    if (p->reader)
        reader_close(p->reader);
    MAP_EACH (&p->values, entry) {
        mem_free(entry->value);
    }
    map_free(&p->values);
    pthread_mutex_destroy(&p->mutex);
    mem_free(p);
}

enum status positions_refresh(struct positions *p, struct diag *d)
{
    pthread_mutex_lock(&p->mutex);
    enum status st = read_more(p, d);
    pthread_mutex_unlock(&p->mutex);
    return st;
}

bool positions_get(struct positions *p, struct str task, struct arena *a, struct position *out)
{
    pthread_mutex_lock(&p->mutex);
    const struct str *value = map_get(&p->values, task);
    bool found = value && value->len >= 8 && value->len % 8 == 0;
    if (found) {
        out->n = value->len / 8 - 1;
        out->offsets = ARENA_ARRAY(a, int64_t, out->n);
        found = out->offsets != NULL;
        memcpy(&out->stream_time, value->p, 8);
        if (found && out->n)
            memcpy(out->offsets, value->p + 8, (size_t)out->n * 8);
    }
    pthread_mutex_unlock(&p->mutex);
    return found;
}

enum status positions_append(struct positions *p, struct log_writer *w, struct str task,
                             const struct position *position, struct diag *d)
{
    int64_t value[1 + 64];
    struct record record = {.key = task, .ts = -1};
    if (position) {
        if (position->n > 64)
            return diag_set(d, STATUS_UNSUPPORTED, "not supported yet: a task with more than 64 sources");
        value[0] = position->stream_time;
        memcpy(value + 1, position->offsets, (size_t)position->n * 8);
        record.value = str_make((const char *)value, (1 + (size_t)position->n) * 8);
    }
    return writer_append(w, p->topic, 0, &record, 1, d);
}
