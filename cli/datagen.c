/* weir datagen: fills a topic with made-up records, the same ones every time.
 *
 * `orders` are those of the benchmark: 168 bytes of JSON, keyed by user, ten a millisecond of event time; with --stats
 * it tells what the benchmark's queries must find in them. `users` are the rows of a table that orders can be joined
 * with. */
#include "cli/cli.h"

#include <stdlib.h>

enum { CHUNK = BATCH_ROWS, COMMIT_RECORDS = 100000, MINUTE_MS = 60000, RECORDS_PER_MS = 10 };
#define FIRST_MS INT64_C(1700000000000)
#define DAY_MS INT64_C(86400000)

struct datagen {
    struct log *log;
    struct log_writer *writer;
    const char *topic;
    int64_t n, n_keys, rate;
    uint64_t random; /* xorshift64 */
    bool users;
    struct buf bytes; /* of one chunk */
    struct record records[CHUNK];
    struct {
        size_t key, key_end, value_end;
    } places[CHUNK];
    /* what the benchmark's queries must find */
    int64_t *minute_of_user;
    int64_t minute, over1, over5, groups, groups_in_minute;
};

static uint64_t next_random(struct datagen *g)
{
    g->random ^= g->random << 13;
    g->random ^= g->random >> 7;
    g->random ^= g->random << 17;
    return g->random;
}

static void count_order(struct datagen *g, int64_t user, unsigned hundredths, int64_t ts)
{
    if (ts / MINUTE_MS != g->minute) {
        g->minute = ts / MINUTE_MS;
        g->groups_in_minute = 0;
    }
    g->over5 += hundredths > 500;
    if (hundredths <= 100)
        return;
    g->over1++;
    if (g->minute_of_user[user] != g->minute) {
        g->minute_of_user[user] = g->minute;
        g->groups++;
        g->groups_in_minute++;
    }
}

static int64_t put_order(struct datagen *g, int64_t i)
{
    uint64_t r = next_random(g);
    int64_t ts = FIRST_MS + i / RECORDS_PER_MS;
    int64_t user = (int64_t)((r >> 20) % (uint64_t)g->n_keys);
    unsigned hundredths = (unsigned)((r >> 40) % 10 * 100 + (r >> 33) % 100);
    struct buf *b = &g->bytes;
    buf_puts(b, STR("{\"ordertime\":"));
    buf_put_i64(b, ts);
    buf_puts(b, STR(",\"orderid\":"));
    buf_put_i64(b, i);
    buf_puts(b, STR(",\"itemid\":\"Item_"));
    buf_put_i64(b, (int64_t)(r % 1000));
    buf_puts(b, STR("\",\"userid\":\"User_"));
    buf_put_i64(b, user);
    buf_puts(b, STR("\",\"orderunits\":"));
    buf_put_i64(b, hundredths / 100);
    buf_putc(b, '.');
    buf_putc(b, (char)('0' + hundredths / 10 % 10));
    buf_putc(b, (char)('0' + hundredths % 10));
    buf_puts(b, STR(",\"address\":{\"city\":\"City_"));
    buf_put_i64(b, (uint32_t)(r >> 12) % 100);
    buf_puts(b, STR("\",\"state\":\"State_"));
    buf_put_i64(b, (uint32_t)(r >> 15) % 50);
    buf_puts(b, STR("\",\"zipcode\":"));
    buf_put_i64(b, (uint32_t)(r >> 18) % 90000 + 10000);
    buf_puts(b, STR("}}"));
    count_order(g, user, hundredths, ts);
    return ts;
}

static int64_t put_user(struct datagen *g, int64_t i)
{
    uint64_t r = next_random(g);
    struct buf *b = &g->bytes;
    buf_puts(b, STR("{\"userid\":\"User_"));
    buf_put_i64(b, i % g->n_keys);
    buf_puts(b, STR("\",\"name\":\"Name_"));
    buf_put_i64(b, (int64_t)(r % 100000));
    buf_puts(b, STR("\",\"region\":\"Region_"));
    buf_put_i64(b, (int64_t)((r >> 20) % 10));
    buf_puts(b, STR("\",\"level\":"));
    buf_put_i64(b, (int64_t)((r >> 40) % 100));
    buf_putc(b, '}');
    return FIRST_MS - DAY_MS + i;
}

/* The key, `User_n`, stands inside the value: it is found again rather than printed twice. */
static void find_key(struct datagen *g, size_t from, size_t i)
{
    const char *start = memmem(g->bytes.p + from, g->bytes.len - from, "User_", 5);
    const char *end = memchr(start, '"', (size_t)(g->bytes.p + g->bytes.len - start));
    g->places[i].key = (size_t)(start - g->bytes.p);
    g->places[i].key_end = (size_t)(end - g->bytes.p);
    g->places[i].value_end = g->bytes.len;
}

static enum status write_chunk(struct datagen *g, int64_t first, size_t n, struct diag *d)
{
    g->bytes.len = 0;
    for (size_t i = 0; i < n; i++) {
        size_t from = g->bytes.len;
        g->records[i] =
            (struct record){.ts = g->users ? put_user(g, first + (int64_t)i) : put_order(g, first + (int64_t)i)};
        if (g->bytes.failed)
            return diag_nomem(d);
        find_key(g, from, i);
    }
    size_t value = 0;
    for (size_t i = 0; i < n; i++) { /* the buffer does not move any more */
        g->records[i].key = str_make(g->bytes.p + g->places[i].key, g->places[i].key_end - g->places[i].key);
        g->records[i].value = str_make(g->bytes.p + value, g->places[i].value_end - value);
        value = g->places[i].value_end;
    }
    return writer_append(g->writer, g->topic, -1, g->records, n, d);
}

static void pace(const struct datagen *g, int64_t started_ns, int64_t written)
{
    if (!g->rate)
        return;
    int64_t due = started_ns + (int64_t)((double)written / (double)g->rate * 1e9);
    for (int64_t left; !cli_interrupted && (left = (due - clock_mono_ns()) / 1000000) > 0;)
        clock_sleep_ms(left > 100 ? 100 : (int)left);
}

static enum status generate(struct datagen *g, struct diag *d)
{
    enum status st = STATUS_OK;
    int64_t chunk = g->rate && g->rate / 10 < CHUNK ? g->rate / 10 + 1 : CHUNK;
    int64_t commit_every = g->rate ? chunk : COMMIT_RECORDS, open = 0, started = clock_mono_ns();
    for (int64_t done = 0; done < g->n && !cli_interrupted;) {
        int64_t n = g->n - done < chunk ? g->n - done : chunk;
        if (!open)
            TRY(writer_begin(g->writer, d));
        TRY(write_chunk(g, done, (size_t)n, d));
        done += n;
        open += n;
        if (open >= commit_every || done == g->n) {
            TRY(writer_commit(g->writer, d));
            open = 0;
            pace(g, started, done);
        }
    }
    if (open)
        TRY(writer_commit(g->writer, d));
done:
    return st;
}

static enum status write_all(struct datagen *g, struct cli_log *log, int64_t partitions, bool stats, struct diag *d)
{
    enum status st = STATUS_OK;
    int64_t started = clock_mono_ns();
    buf_init(&g->bytes, 0);
    g->minute_of_user = mem_calloc((size_t)g->n_keys, sizeof *g->minute_of_user);
    if (!g->minute_of_user)
        return diag_nomem(d);
    TRY(cli_log_open(log, &g->log, d));
    TRY(cli_ensure_topic(g->log, g->topic, partitions, d));
    TRY(writer_open(g->log, NULL, &g->writer, d));
    TRY(generate(g, d));
    if (stats)
        printf("records=%lld over1=%lld over5=%lld groups=%lld closed=%lld seconds=%.2f\n", (long long)g->n,
               (long long)g->over1, (long long)g->over5, (long long)g->groups,
               (long long)(g->groups - g->groups_in_minute), (double)(clock_mono_ns() - started) / 1e9);
done:
    if (g->writer)
        writer_close(g->writer);
    buf_free(&g->bytes);
    mem_free(g->minute_of_user);
    if (g->log)
        log_close(g->log);
    return st;
}

static int usage(FILE *out)
{
    fprintf(out, "usage: weir datagen orders|users [OPTION...]\n\n"
                 "  --topic NAME                  where to write (default: the kind's name)\n"
                 "  --records N                   how many (default: 1000)\n"
                 "  --keys N                      number of users (default: 100000)\n"
                 "  --rate N                      records a second (default: as fast as possible)\n"
                 "  --partitions N                for a topic that does not exist yet (default: 1)\n"
                 "  --stats                       tell what the benchmark's queries must find\n" CLI_LOG_HELP);
    return out == stdout ? EXIT_OK : EXIT_USAGE;
}

int cmd_datagen(int argc, char **argv)
{
    static const struct option options[] = {{"topic", required_argument, NULL, 't'},
                                            {"records", required_argument, NULL, 'n'},
                                            {"keys", required_argument, NULL, 'k'},
                                            {"rate", required_argument, NULL, 'r'},
                                            {"partitions", required_argument, NULL, 'p'},
                                            {"stats", no_argument, NULL, 's'},
                                            CLI_LOG_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    static struct datagen g = {
        .n = 1000, .n_keys = 100000, .random = UINT64_C(88172645463325252), .minute = -1}; /* large */
    struct cli_log log = {0};
    int64_t partitions = 1;
    bool stats = false;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        bool ok = true;
        switch (c) {
        case 't':
            g.topic = optarg;
            break;
        case 'n':
            ok = cli_number("records", optarg, 0, &g.n);
            break;
        case 'k':
            ok = cli_number("keys", optarg, 1, &g.n_keys);
            break;
        case 'r':
            ok = cli_number("rate", optarg, 1, &g.rate);
            break;
        case 'p':
            ok = cli_number("partitions", optarg, 1, &partitions);
            break;
        case 's':
            stats = true;
            break;
        case 'h':
            return usage(stdout);
        default:
            if (!cli_log_option(&log, c, optarg))
                return usage(stderr);
        }
        if (!ok)
            return EXIT_USAGE;
    }
    const char *kind = argc - optind == 1 ? argv[optind] : "";
    g.users = !strcmp(kind, "users");
    if (!g.users && strcmp(kind, "orders") != 0)
        return usage(stderr);
    if (!g.topic)
        g.topic = kind;

    struct diag d = DIAG_INIT;
    cli_catch_signals();
    enum status st = write_all(&g, &log, partitions, stats, &d);
    return st == STATUS_OK ? cli_exit_code() : cli_fail(&d, STR(""));
}
