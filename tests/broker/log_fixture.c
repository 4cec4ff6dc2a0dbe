/* What the tests of logs share: see log_tests.h. */
#include "tests/broker/log_tests.h"

#include <stdio.h>
#include <unistd.h>

const char *fresh_name(const char *stem)
{
    static char names[8][64];
    static int next;
    static int64_t start;
    if (!start)
        start = clock_wall_ms();
    char *name = names[next % 8];
    snprintf(name, sizeof names[0], "%s-%llx-%d", stem, (unsigned long long)start * 32768 + (unsigned)getpid() % 32768,
             next++);
    return name;
}

const char *fresh_topic(struct log *log, const char *stem, int32_t n_partitions)
{
    struct topic_spec spec = {.name = fresh_name(stem), .n_partitions = n_partitions};
    OK(topic_create(log, &spec, d));
    return spec.name;
}

struct log_writer *writer_new(struct log *log, const char *id)
{
    struct log_writer *w = NULL;
    OK(writer_open(log, id, &w, d));
    REQUIRE(w != NULL);
    return w;
}

struct log_reader *reader_at(struct log *log, const char *topic, int32_t partition, int64_t offset)
{
    struct log_reader *r = NULL;
    OK(reader_open(log, &r, d));
    REQUIRE(r != NULL);
    OK(reader_assign(r, topic, partition, offset, d));
    return r;
}

enum status append_numbered(struct log_writer *w, const char *topic, int32_t partition, int first, int n)
{
    enum status st = STATUS_OK;
    for (int i = first; i < first + n && st == STATUS_OK; i++) {
        char key[32], value[32];
        struct record r = {.ts = 1000 + i};
        r.key = str_make(key, (size_t)snprintf(key, sizeof key, "k%d", i));
        r.value = str_make(value, (size_t)snprintf(value, sizeof value, "v%d", i));
        st = writer_append(w, topic, partition, &r, 1, NULL);
    }
    return st;
}

void commit_numbered(struct log_writer *w, const char *topic, int32_t partition, int first, int n)
{
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, partition, first, n));
    OK(writer_commit(w, d));
}

void fill_topic(struct log *log, const char *topic, int32_t n_partitions, int n)
{
    struct log_writer *w = writer_new(log, fresh_name("id"));
    OK(writer_begin(w, d));
    for (int32_t p = 0; p < n_partitions; p++)
        OK(append_numbered(w, topic, p, 0, n));
    OK(writer_commit(w, d));
    writer_close(w);
}

long number_of(const struct record *r)
{
    int64_t n;
    bool good = r->value.len > 1 && r->value.p[0] == 'v' && parse_i64(str_make(r->value.p + 1, r->value.len - 1), &n);
    return good ? (long)n : -1;
}

void wait_until_seen(struct log *log, const char *topic, int32_t partition)
{
    int64_t end = 0, all = -1;
    for (int i = 0; i < 500 && end != all; i++) {
        if (i)
            clock_sleep_ms(10);
        OK(topic_offsets(log, topic, partition, NULL, &end, &all, d));
    }
    CHECK_INT(end, all);
}

long read_to_end(struct log *log, const char *topic, int32_t partition, long long *sum)
{
    int64_t begin = 0, end = 0, until = clock_mono_ns() + (int64_t)WAIT_MS * 1000000;
    long n = 0;
    OK(topic_offsets(log, topic, partition, &begin, NULL, &end, d));
    struct log_reader *r = reader_at(log, topic, partition, begin);
    *sum = 0;
    for (int64_t at = begin; at < end;) {
        struct record_batch *b = NULL;
        OK(reader_poll(r, 200, BATCH_ROWS, &b, d));
        for (uint32_t i = 0; b && i < b->n; i++, n++) {
            CHECK(b->records[i].offset >= at);
            at = b->records[i].offset + 1;
            *sum += number_of(&b->records[i]);
        }
        if (b) {
            CHECK(b->next_offset >= at);
            at = b->next_offset;
        }
        record_batch_drop(b);
        if (clock_mono_ns() > until) {
            n = -1;
            break;
        }
    }
    reader_close(r);
    return n;
}

struct record_batch *next_records(struct log_reader *r, uint32_t max)
{
    for (int64_t until = clock_mono_ns() + (int64_t)WAIT_MS * 1000000; clock_mono_ns() < until;) {
        struct record_batch *b = NULL;
        OK(reader_poll(r, 200, max, &b, d));
        if (b && b->n)
            return b;
        record_batch_drop(b);
    }
    return NULL;
}
