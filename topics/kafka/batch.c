/* Record batches over messages of librdkafka: nothing is copied but what a record needs beside the message. A batch owns its
 * messages and keeps their client. Headers are unpacked into the batch's arena, only for records that have some. */
#include "topics/kafka/kafka_int.h"

struct kafka_batch {
    struct record_batch head;
    struct kafka_client *client;
    rd_kafka_message_t **messages; /* behind the records */
    struct arena arena;            /* headers */
};

static void batch_destroy(struct record_batch *b)
{
    struct kafka_batch *kb = (struct kafka_batch *)b;
    for (uint32_t i = 0; i < b->n; i++)
        rd_kafka_message_destroy(kb->messages[i]);
    kafka_client_drop(kb->client);
    arena_free(&kb->arena);
    mem_free(kb);
}

/* False only if the message surely has no headers. Asking librdkafka costs an allocation a message, so the message's own bytes
 * are looked at first. In Kafka's record format v2 the value stands between its length, as a zigzag varint, and the
 * number of headers. Older formats have no such varint there, which is what the comparison finds out. */
static bool may_have_headers(const rd_kafka_message_t *m)
{
    const unsigned char *value = m->payload;
    size_t length = 2 * m->len, n = 1;
    if (!value || m->len == 0)
        return true;
    for (size_t rest = length; rest >= 0x80; rest >>= 7)
        n++;
    for (const unsigned char *p = value - n; p < value; p++, length >>= 7)
        if (*p != ((length & 0x7f) | (p < value - 1 ? 0x80 : 0)))
            return true;
    return value[m->len] != 0;
}

/* The headers of a message; false when memory is out. */
static bool unpack_headers(struct arena *a, const rd_kafka_message_t *m, const struct headers **out)
{
    rd_kafka_headers_t *list;
    *out = NULL;
    if (!may_have_headers(m))
        return true;
    if (rd_kafka_message_headers(m, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    size_t n = rd_kafka_header_cnt(list);
    if (n == 0)
        return true;
    struct headers *h = ARENA_NEW(a, struct headers);
    struct record_header *items = ARENA_ARRAY(a, struct record_header, n);
    if (!h || !items)
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *name;
        const void *value;
        size_t size;
        rd_kafka_header_get_all(list, i, &name, &value, &size);
        items[i].key = str_from(name);
        items[i].value = str_make(value, size);
        items[i].is_null = value == NULL;
    }
    h->n = (uint32_t)n;
    h->items = items;
    *out = h;
    return true;
}

static bool fill_record(struct arena *a, const rd_kafka_message_t *m, struct record *r)
{
    rd_kafka_timestamp_type_t type;
    r->key = str_make(m->key, m->key_len);
    r->value = str_make(m->payload, m->len);
    r->ts = rd_kafka_message_timestamp(m, &type);
    r->offset = m->offset;
    return unpack_headers(a, m, &r->headers);
}

struct record_batch *kafka_batch_create(struct kafka_client *c, const char *topic, int32_t partition,
                                        rd_kafka_message_t *const *messages, uint32_t n, int64_t next_offset)
{
    size_t name_size = strlen(topic) + 1;
    struct kafka_batch *kb = mem_alloc(sizeof *kb + n * (sizeof(struct record) + sizeof *kb->messages) + name_size);
    if (!kb) {
        for (uint32_t i = 0; i < n; i++)
            rd_kafka_message_destroy(messages[i]);
        return NULL;
    }
    memset(kb, 0, sizeof *kb);
    struct record_batch *b = &kb->head;
    b->records = (struct record *)(kb + 1);
    kb->messages = (rd_kafka_message_t **)(b->records + n);
    b->topic = memcpy(kb->messages + n, topic, name_size);
    if (n)
        memcpy(kb->messages, messages, n * sizeof *messages);
    kb->client = kafka_client_keep(c);
    arena_init(&kb->arena, 0);
    b->refs = 1;
    b->n = n;
    b->partition = partition;
    b->next_offset = next_offset;
    b->destroy = batch_destroy;
    for (uint32_t i = 0; i < n; i++)
        if (!fill_record(&kb->arena, messages[i], &b->records[i])) {
            batch_destroy(b);
            return NULL;
        }
    return b;
}
