/* Measures the Kafka log on a running broker: writing records of 168 bytes in transactions of 100,000, reading them back (CPU
 * of this process a record, and what is left of it without librdkafka's own threads), tiny transactions, and the time from
 * a commit to a waiting reader.
 *
 *     kafka_bench BOOTSTRAP [MILLIONS] [NAME=VALUE ...]      options go to the log */
#include "topics/topics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { KEY = 8, VALUE = 160, TRANSACTION = 100000, CALL = 4096, PARTS = 4, SMALL = 300, PINGS = 100, OPTIONS = 32 };

static struct diag d = DIAG_INIT;
static char topic[64];

static void must(enum status st)
{
    if (st == STATUS_OK)
        return;
    fprintf(stderr, "kafka_bench: %s: %s\n", status_name(st), d.message);
    exit(1);
}

static double thread_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct moment {
    double wall, cpu, thread;
};

static struct moment now(void)
{
    return (struct moment){(double)clock_mono_ns() / 1e9, (double)clock_cpu_ns() / 1e9, thread_cpu()};
}

static void report(const char *what, double n, struct moment since)
{
    struct moment t = now();
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%-24s %6.3f M/s   %6.3f us CPU a record (%.3f in our thread)   %.2f s   %ld MB\n", what,
           n / (t.wall - since.wall) / 1e6, (t.cpu - since.cpu) / n * 1e6, (t.thread - since.thread) / n * 1e6,
           t.wall - since.wall, usage.ru_maxrss / 1024);
}

/* Values look like JSON orders: neither all the same nor random. */
static struct record *make_records(void)
{
    struct record *records = calloc(CALL, sizeof *records);
    char *text = malloc((size_t)CALL * (KEY + VALUE + 1));
    if (!records || !text)
        exit(1);
    for (int i = 0; i < CALL; i++) {
        char *p = text + (size_t)i * (KEY + VALUE);
        snprintf(p, KEY + 1, "%08d", i * 7919 % 100000);
        int n = snprintf(p + KEY, VALUE,
                         "{\"ordertime\":%d,\"orderid\":%d,\"itemid\":\"Item_%d\",\"orderunits\":%d.%03d,"
                         "\"address\":{\"city\":\"City_%d\",\"zipcode\":%d},\"note\":\"",
                         1500000000 + i, i * 31, i % 700, i % 10, i * 37 % 1000, i % 90, 10000 + i * 13 % 80000);
        memset(p + KEY + n, 'a' + i % 26, (size_t)(VALUE - n - 2));
        memcpy(p + KEY + VALUE - 2, "\"}", 2);
        records[i] =
            (struct record){.key = str_make(p, KEY), .value = str_make(p + KEY, VALUE), .ts = 1700000000000 + i};
    }
    return records;
}

static void write_all(struct log *log, const struct record *records, int64_t total, int32_t partition)
{
    struct log_writer *w;
    must(writer_open(log, "kafka-bench", &w, &d));
    struct moment start = now();
    for (int64_t done = 0; done < total; done += TRANSACTION) {
        must(writer_begin(w, &d));
        for (int n = 0, call = 0; n < TRANSACTION; n += CALL, call++)
            must(writer_append(w, topic, partition < 0 ? -1 : call % PARTS, records,
                               (size_t)(TRANSACTION - n < CALL ? TRANSACTION - n : CALL), &d));
        must(writer_commit(w, &d));
    }
    report(partition < 0 ? "write, by key" : "write", (double)total, start);
    writer_close(w);
}

static struct log_reader *open_reader(struct log *log, bool at_end)
{
    struct log_reader *r;
    must(reader_open(log, &r, &d));
    for (int32_t p = 0; p < PARTS; p++) {
        int64_t end = 0;
        if (at_end)
            must(topic_offsets(log, topic, p, NULL, &end, NULL, &d));
        must(reader_assign(r, topic, p, end, &d));
    }
    return r;
}

/* Reads all; `work_ns`: the time that the reader of a batch takes for each of its records. */
static void read_all(struct log *log, int64_t total, int work_ns)
{
    struct log_reader *r = open_reader(log, false);
    char what[40];
    snprintf(what, sizeof what, work_ns ? "read, %d ns work" : "read", work_ns);
    struct moment start = now();
    uint64_t sum = 0;
    for (int64_t n = 0; n < total;) {
        struct record_batch *b = NULL;
        must(reader_poll(r, 1000, BATCH_ROWS, &b, &d));
        for (uint32_t i = 0; b && i < b->n; i++)
            sum += (unsigned char)b->records[i].value.p[20];
        n += b ? b->n : 0;
        for (int64_t until = clock_mono_ns() + (b ? (int64_t)b->n * work_ns : 0); work_ns && clock_mono_ns() < until;)
            ;
        record_batch_drop(b);
    }
    report(what, (double)total, start);
    if (sum == 1)
        puts("");
    reader_close(r);
}

static void small_transactions(struct log *log, const struct record *records)
{
    struct log_writer *w;
    must(writer_open(log, "kafka-bench", &w, &d));
    struct moment start = now();
    for (int i = 0; i < SMALL; i++) {
        must(writer_begin(w, &d));
        must(writer_append(w, topic, i % PARTS, records, 10, &d));
        must(writer_commit(w, &d));
    }
    double each = (now().wall - start.wall) / SMALL;
    printf("transactions of 10       %6.2f ms each\n", each * 1e3);
    writer_close(w);
}

static int by_value(const void *x, const void *y)
{
    return (*(const double *)x > *(const double *)y) - (*(const double *)x < *(const double *)y);
}

struct reading {
    struct log_reader *r;
    double seen[PINGS];
};

static void *read_pings(void *arg)
{
    struct reading *reading = arg;
    for (int n = 0; n < PINGS;) {
        struct record_batch *b = NULL;
        struct diag mine = DIAG_INIT;
        if (reader_poll(reading->r, 1000, BATCH_ROWS, &b, &mine) != STATUS_OK)
            exit(1);
        if (b && b->n)
            reading->seen[n++] = now().wall;
        record_batch_drop(b);
    }
    return NULL;
}

static void latency(struct log *log, const struct record *records)
{
    static struct reading reading;
    static double times[PINGS];
    struct log_writer *w;
    pthread_t thread;
    must(writer_open(log, "kafka-bench", &w, &d));
    clock_sleep_ms(300);
    reading.r = open_reader(log, true);
    pthread_create(&thread, NULL, read_pings, &reading);
    clock_sleep_ms(300);
    for (int i = 0; i < PINGS; i++) {
        must(writer_begin(w, &d));
        times[i] = now().wall;
        must(writer_append(w, topic, i % PARTS, records, 1, &d));
        must(writer_commit(w, &d));
        clock_sleep_ms(20);
    }
    pthread_join(thread, NULL);
    for (int i = 0; i < PINGS; i++)
        times[i] = reading.seen[i] - times[i];
    qsort(times, PINGS, sizeof *times, by_value);
    printf("append to reader         %6.2f ms median, %.2f ms 99 %%\n", times[PINGS / 2] * 1e3,
           times[PINGS * 99 / 100] * 1e3);
    reader_close(reading.r);
    writer_close(w);
}

static void idle(struct log *log)
{
    struct log_reader *r = open_reader(log, true);
    struct record_batch *b = NULL;
    must(reader_poll(r, 1000, BATCH_ROWS, &b, &d));
    record_batch_drop(b);
    struct moment start = now();
    for (int i = 0; i < 3; i++) {
        b = NULL;
        must(reader_poll(r, 1000, BATCH_ROWS, &b, &d));
        record_batch_drop(b);
    }
    struct moment t = now();
    printf("an idle reader           %6.2f %% of a core\n", (t.cpu - start.cpu) / (t.wall - start.wall) * 100);
    reader_close(r);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: kafka_bench BOOTSTRAP [MILLIONS] [NAME=VALUE ...]\n");
        return 2;
    }
    int64_t total = (argc > 2 ? atoi(argv[2]) : 5) * INT64_C(1000000);
    struct kafka_option options[OPTIONS];
    size_t n = 0;
    for (int i = 3; i < argc && n < OPTIONS; i++) {
        char *eq = strchr(argv[i], '=');
        if (!eq)
            return 2;
        *eq = 0;
        options[n++] = (struct kafka_option){argv[i], eq + 1};
    }
    struct log *log;
    struct kafka_options o = {.bootstrap_servers = argv[1], .options = options, .n_options = n};
    must(log_open_kafka(&o, &log, &d));
    snprintf(topic, sizeof topic, "bench-%lld", (long long)clock_wall_ms());
    struct topic_spec spec = {.name = topic, .n_partitions = PARTS};
    must(topic_create(log, &spec, &d));
    struct record *records = make_records();
    write_all(log, records, total / 2, 0);
    write_all(log, records, total / 2, -1);
    read_all(log, total, 0);
    read_all(log, total, 500);
    read_all(log, total, 2000);
    small_transactions(log, records);
    latency(log, records);
    idle(log);
    must(topic_delete(log, topic, &d));
    log_close(log);
    return 0;
}
