/* Measures the embedded log: writing in transactions of 100,000 records, reading them back, tiny transactions, and the
 * time from a commit to a waiting reader.
 *
 *     log_bench [FOLDER] [MILLIONS]      FOLDER "-": in memory (default: the current one); records of 170 bytes */
#include "topics/topics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { KEY = 20, VALUE = 150, TRANSACTION = 100000, CALL = 4096, PARTS = 4, SMALL = 2000, PINGS = 300 };

static struct diag d = DIAG_INIT;

static void must(enum status st)
{
    if (st == STATUS_OK)
        return;
    fprintf(stderr, "log_bench: %s: %s\n", status_name(st), d.message);
    exit(1);
}

static double seconds(int64_t (*clock)(void), int64_t since)
{
    return (double)(clock() - since) / 1e9;
}

static void report(const char *what, double n, const char *unit, int64_t wall, int64_t cpu)
{
    double w = seconds(clock_mono_ns, wall), c = seconds(clock_cpu_ns, cpu);
    printf("%-28s %8.3f %s/s wall   %8.3f %s/s a core   (%.2f s, %.2f s CPU)\n", what, n / w, unit, n / c, unit, w, c);
}

static struct record *make_records(void)
{
    struct record *records = calloc(CALL, sizeof *records);
    char *text = malloc((size_t)CALL * (KEY + VALUE));
    if (!records || !text)
        exit(1);
    for (int i = 0; i < CALL; i++) {
        char *p = text + (size_t)i * (KEY + VALUE);
        memset(p, 'a' + i % 26, KEY + VALUE);
        snprintf(p, KEY, "key-%08d", i);
        records[i] = (struct record){.key = str_make(p, KEY), .value = str_make(p + KEY, VALUE), .ts = i};
    }
    return records;
}

static void write_all(struct log *log, const struct record *records, int64_t total)
{
    struct log_writer *w;
    int64_t wall = clock_mono_ns(), cpu = clock_cpu_ns();
    must(writer_open(log, "bench", &w, &d));
    for (int64_t done = 0; done < total; done += TRANSACTION) {
        must(writer_begin(w, &d));
        for (int n = 0, call = 0; n < TRANSACTION; n += CALL, call++)
            must(writer_append(w, "bench", call % PARTS, records,
                               (size_t)(TRANSACTION - n < CALL ? TRANSACTION - n : CALL), &d));
        must(writer_commit(w, &d));
    }
    report("write, 100 k a transaction", (double)total / 1e6, "M", wall, cpu);
    writer_close(w);
}

static void read_all(struct log *log, int64_t total)
{
    struct log_reader *r;
    int64_t n = 0, bytes = 0;
    int64_t wall = clock_mono_ns(), cpu = clock_cpu_ns();
    must(reader_open(log, &r, &d));
    for (int p = 0; p < PARTS; p++)
        must(reader_assign(r, "bench", p, 0, &d));
    while (n < total) {
        struct record_batch *b;
        must(reader_poll(r, 1000, BATCH_ROWS, &b, &d));
        if (!b)
            exit(1);
        for (uint32_t i = 0; i < b->n; i++)
            bytes += b->records[i].key.len + b->records[i].value.len;
        n += b->n;
        record_batch_drop(b);
    }
    report("read", (double)n / 1e6, "M", wall, cpu);
    if (bytes != total * (KEY + VALUE))
        exit(1);
    reader_close(r);
}

static void write_small(struct log *log, const struct record *records)
{
    struct log_writer *w;
    int64_t wall = clock_mono_ns(), cpu = clock_cpu_ns();
    must(writer_open(log, "small", &w, &d));
    for (int i = 0; i < SMALL; i++) {
        must(writer_begin(w, &d));
        for (int p = 0; p < PARTS; p++)
            must(writer_append(w, "small", p, records, 2, &d));
        must(writer_commit(w, &d));
    }
    report("transactions of 8 records", SMALL / 1e3, "k", wall, cpu);
    writer_close(w);
}

static int64_t sent_ns;
static void *ping(void *arg)
{
    struct log *log = arg;
    struct log_writer *w;
    struct record x = {.key = STR("k"), .value = STR("v"), .ts = 1};
    must(writer_open(log, NULL, &w, &d));
    for (int i = 0; i < PINGS; i++) {
        clock_sleep_ms(2);
        must(writer_begin(w, &d));
        must(writer_append(w, "ping", 0, &x, 1, &d));
        __atomic_store_n(&sent_ns, clock_mono_ns(), __ATOMIC_RELEASE);
        must(writer_commit(w, &d));
    }
    writer_close(w);
    return NULL;
}

static int compare(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return a < b ? -1 : a > b;
}

static void latency(struct log *log)
{
    pthread_t thread;
    struct log_reader *r;
    int64_t ns[PINGS];
    must(reader_open(log, &r, &d));
    must(reader_assign(r, "ping", 0, 0, &d));
    if (pthread_create(&thread, NULL, ping, log) != 0)
        exit(1);
    for (int i = 0; i < PINGS; i++) {
        struct record_batch *b;
        must(reader_poll(r, 1000, 1, &b, &d));
        ns[i] = clock_mono_ns() - __atomic_load_n(&sent_ns, __ATOMIC_ACQUIRE);
        record_batch_drop(b);
    }
    pthread_join(thread, NULL);
    qsort(ns, PINGS, sizeof *ns, compare);
    printf("commit to waiting reader     median %.3f ms, 99 %% %.3f ms\n", (double)ns[PINGS / 2] / 1e6,
           (double)ns[PINGS * 99 / 100] / 1e6);
    reader_close(r);
}

static void remove_log(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char name[4200];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

int main(int argc, char **argv)
{
    static const char *const topics[] = {"bench", "small", "ping"};
    char path[4096];
    const char *folder = argc > 1 ? argv[1] : ".";
    bool in_memory = strcmp(folder, "-") == 0;
    int64_t total = (argc > 2 ? atoll(argv[2]) : 5) * 1000000;
    struct log *log;
    snprintf(path, sizeof path, "%s/log_bench.db", folder);
    remove_log(path);
    must(log_open_embedded(&(struct embedded_options){.path = in_memory ? NULL : path}, &log, &d));
    for (int i = 0; i < 3; i++)
        must(topic_create(log, &(struct topic_spec){.name = topics[i], .n_partitions = PARTS}, &d));
    struct record *records = make_records();
    write_all(log, records, total);
    read_all(log, total);
    read_all(log, total);
    write_small(log, records);
    latency(log);
    int64_t begin = clock_mono_ns();
    log_close(log);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("close %.3f s, peak memory %ld MB\n", seconds(clock_mono_ns, begin), usage.ru_maxrss / 1024);
    free((char *)(uintptr_t)records[0].key.p);
    free(records);
    if (!in_memory)
        remove_log(path);
    return 0;
}
