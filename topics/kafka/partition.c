/* The partitions of a reader: what is assigned, from where it is read, what is paused, and the messages that wait. */
#include "topics/kafka/reader_int.h"

void partition_clear(struct kafka_reader *r, struct partition *p)
{
    if (!p->paused)
        r->n_ready -= partition_length(p);
    for (uint32_t i = p->first; i < p->last; i++)
        rd_kafka_message_destroy(p->list[i]);
    p->first = p->last = 0;
    p->bytes = 0;
}

bool partition_reserve(struct partition *p, uint32_t more)
{
    if (p->cap - p->last >= more)
        return true;
    uint32_t n = partition_length(p), cap = p->cap ? p->cap : 256;
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

void partition_remove(struct kafka_reader *r, struct partition *p)
{
    partition_clear(r, p);
    p->topic->partitions[p->number] = NULL;
    for (uint32_t i = 0; i < r->n_parts; i++)
        if (r->parts[i] == p)
            r->parts[i] = r->parts[--r->n_parts];
    mem_free(p->list);
    mem_free(p);
}

void partition_fetch_pause(struct kafka_reader *r, struct partition *p, bool paused)
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

void partition_stop(struct kafka_reader *r, struct partition *p)
{
    partition_fetch_pause(r, p, false);
    rd_kafka_consume_stop(p->topic->rkt, p->number);
}

enum status partition_range(struct kafka_reader *r, const char *topic, int32_t number, int64_t *begin, int64_t *end,
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
        st = partition_range(r, topic, number, &begin, &end, d);
    if (st != STATUS_OK)
        return st;
    if (*offset > end)
        return diag_set(d, STATUS_INVALID, "Offset %lld of %s [%d] is behind its end, %lld", (long long)*offset, topic,
                        (int)number, (long long)end);
    if (*offset < begin)
        *offset = begin;
    return STATUS_OK;
}

static enum status partition_start(struct kafka_reader *r, struct partition *p, int64_t offset, struct diag *d)
{
    p->position = offset;
    p->eof = -1;
    if (rd_kafka_consume_start_queue(p->topic->rkt, p->number, offset, r->queue) == 0)
        return STATUS_OK;
    return kafka_fail(r->log, r->client, rd_kafka_last_error(), NULL, d, "cannot read %s [%d]", p->topic->name,
                      (int)p->number);
}

enum status partition_restart(struct kafka_reader *r, struct partition *p, int64_t offset, struct diag *d)
{
    int64_t position = p->position;
    partition_stop(r, p);
    enum status st = partition_start(r, p, offset, d);
    p->position = position;
    return st;
}

int64_t partition_tail(const struct partition *p)
{
    return partition_length(p) ? p->list[p->last - 1]->offset + 1 : p->position;
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
        partition_stop(r, p);
        partition_clear(r, p);
    } else {
        p = t ? partition_get(r, t, partition) : NULL;
    }
    if (!p)
        return diag_nomem(d);
    st = partition_start(r, p, offset, d);
    if (st != STATUS_OK)
        partition_remove(r, p);
    return st;
}

void kafka_reader_unassign(struct log_reader *reader, const char *topic, int32_t partition)
{
    struct kafka_reader *r = (struct kafka_reader *)reader;
    struct partition *p = find(r, topic, partition);
    if (p) {
        partition_stop(r, p);
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
        r->n_ready -= partition_length(p);
    else
        r->n_ready += partition_length(p);
}
