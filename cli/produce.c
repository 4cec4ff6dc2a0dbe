/* weir produce: lines of standard input become records of a topic, in transactions.
 *
 * Two threads: one reads lines and finds their keys and times, one writes. A chunk of lines goes from the first to the
 * second. A transaction is committed every 100,000 lines, and when the input pauses. */
#include "cli/cli.h"
#include "cli/lines.h"
#include "formats/formats.h"

#include <pthread.h>
#include <unistd.h>

enum { LINES = BATCH_ROWS, COMMIT_LINES = 100000, PAUSE_MS = 50, N_CHUNKS = 4 };

struct chunk {
    struct line_block *block; /* what the records point into; NULL: none */
    struct arena arena;       /* keys */
    uint32_t n;
    bool commit; /* behind these records */
    int64_t last_line;
    struct str lines[LINES];
    int64_t numbers[LINES];
    struct record records[LINES];
};

struct produce {
    const char *topic, *key_field, *timestamp_field;
    struct log *log;
    struct log_writer *writer;
    struct line_reader in;
    struct decoder *decoder; /* NULL: no field is read */
    struct schema_column columns[2];
    uint32_t n_fields, key_index, timestamp_index;
    uint8_t states[LINES];
    char bad_reason[256];
    uint32_t bad_row;
    bool is_bad;
    /* between the threads, under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct chunk *chunks; /* a ring: [first, first + n) are to be written */
    uint32_t first, n_full;
    bool closing;
    enum status st; /* of the writing thread, with its diag */
    struct diag d;
    int64_t written, written_line; /* committed: records, and the number of their last line */
};

/* ---- the reading thread
 * ---------------------------------------------------------------------------------------------- */

/* The next chunk to fill; NULL: the writer has failed. */
static struct chunk *free_chunk(struct produce *p)
{
    pthread_mutex_lock(&p->mutex);
    while (p->n_full == N_CHUNKS && p->st == STATUS_OK)
        pthread_cond_wait(&p->changed, &p->mutex);
    struct chunk *c = p->st == STATUS_OK ? &p->chunks[(p->first + p->n_full) % N_CHUNKS] : NULL;
    pthread_mutex_unlock(&p->mutex);
    return c;
}

static void hand_over(struct produce *p)
{
    pthread_mutex_lock(&p->mutex);
    p->n_full++;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mutex);
}

static void note_bad(void *data, uint32_t row, const char *reason)
{
    struct produce *p = data;
    if (p->is_bad && p->bad_row <= row)
        return;
    p->is_bad = true;
    p->bad_row = row;
    snprintf(p->bad_reason, sizeof p->bad_reason, "%s", reason);
}

/* The lines' key and timestamp fields into the records. At a bad line the chunk ends. */
static enum status read_fields(struct produce *p, struct chunk *c, struct diag *d)
{
    struct column out[2];
    const struct decode_sink sink = {note_bad, p};
    if (decode(p->decoder, c->lines, c->n, &c->arena, out, p->states, &sink) != STATUS_OK) {
        c->n = 0;
        return diag_nomem(d);
    }
    for (uint32_t i = 0; i < c->n; i++) {
        if (p->timestamp_field && p->states[i] != ROW_BAD && column_is_null(&out[p->timestamp_index], i))
            note_bad(p, i, "the field of --timestamp is missing or null");
        if (p->is_bad && p->bad_row == i) {
            c->n = i;
            return diag_set(d, STATUS_DATA, "line %lld: %s", (long long)c->numbers[i], p->bad_reason);
        }
        if (p->key_field && !column_is_null(&out[p->key_index], i))
            c->records[i].key = out[p->key_index].str[i];
        if (p->timestamp_field)
            c->records[i].ts = out[p->timestamp_index].i64[i];
    }
    return STATUS_OK;
}

static enum status fill_chunk(struct produce *p, struct chunk *c, struct diag *d)
{
    arena_clear(&c->arena);
    enum status st = lines_next(&p->in, c->lines, c->numbers, LINES, &c->n, &c->block, d);
    for (uint32_t i = 0; i < c->n; i++)
        c->records[i] = (struct record){.value = c->lines[i], .ts = -1};
    if (st == STATUS_OK && c->n && p->decoder)
        st = read_fields(p, c, d);
    c->last_line = c->n ? c->numbers[c->n - 1] : 0;
    return st;
}

/* Reads all there is. What was good before an error is handed over too, and committed. */
static enum status read_all(struct produce *p, struct diag *d)
{
    enum status st = STATUS_OK;
    int64_t last_commit = clock_mono_ns();
    for (bool more = true; more;) {
        struct chunk *c = free_chunk(p);
        if (!c)
            return STATUS_CANCELLED;
        st = fill_chunk(p, c, d);
        more = st == STATUS_OK && c->n > 0;
        c->commit = !more;
        if (more && lines_would_wait(&p->in, 0)) { /* a person types, a pipe is slow */
            int64_t since = (clock_mono_ns() - last_commit) / 1000000;
            c->commit = since >= PAUSE_MS || lines_would_wait(&p->in, (int)(PAUSE_MS - since));
        }
        if (c->commit)
            last_commit = clock_mono_ns();
        hand_over(p);
    }
    return st;
}

/* ---- the writing thread
 * ---------------------------------------------------------------------------------------------- */

static enum status write_chunk(struct produce *p, const struct chunk *c, int64_t *open, int64_t *last_line,
                               struct diag *d)
{
    enum status st = STATUS_OK;
    if (c->n) {
        if (!*open)
            TRY(writer_begin(p->writer, d));
        *open += c->n;
        *last_line = c->last_line;
        TRY(writer_append(p->writer, p->topic, -1, c->records, c->n, d));
    }
    if (*open && (c->commit || *open >= COMMIT_LINES)) {
        TRY(writer_commit(p->writer, d));
        p->written += *open; /* read by the other thread when this one has ended */
        p->written_line = *last_line;
        *open = 0;
    }
done:
    return st;
}

static void *write_all(void *data)
{
    struct produce *p = data;
    int64_t open = 0, last_line = 0;
    for (;;) {
        pthread_mutex_lock(&p->mutex);
        while (!p->n_full && !p->closing)
            pthread_cond_wait(&p->changed, &p->mutex);
        struct chunk *c = p->n_full ? &p->chunks[p->first] : NULL;
        pthread_mutex_unlock(&p->mutex);
        if (!c)
            return NULL;
        enum status st = write_chunk(p, c, &open, &last_line, &p->d);
        line_block_drop(c->block);
        c->block = NULL;
        pthread_mutex_lock(&p->mutex);
        p->first = (p->first + 1) % N_CHUNKS;
        p->n_full--;
        p->st = st;
        pthread_cond_broadcast(&p->changed);
        pthread_mutex_unlock(&p->mutex);
        if (st != STATUS_OK)
            return NULL;
    }
}

static enum status pump(struct produce *p, struct diag *d)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, write_all, p) != 0)
        return diag_set(d, STATUS_IO, "cannot start a thread");
    enum status st = read_all(p, d);
    pthread_mutex_lock(&p->mutex);
    p->closing = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    pthread_join(thread, NULL);
    if (p->st != STATUS_OK) {
        *d = p->d;
        st = p->st;
    }
    if (st != STATUS_OK)
        diag_hint(d, "%lld records were written: all lines up to number %lld", (long long)p->written,
                  (long long)p->written_line);
    return st;
}

/* ---- opening
 * --------------------------------------------------------------------------------------------------------- */

static enum status open_decoder(struct produce *p, struct diag *d)
{
    static const struct format_spec json = {.kind = FORMAT_JSON, .wrapped = true};
    struct decode_field fields[2];
    if (p->key_field) {
        p->key_index = p->n_fields;
        p->columns[p->n_fields++] = (struct schema_column){.name = str_from(p->key_field), .type = &TYPE_STRING};
    }
    if (p->timestamp_field) {
        p->timestamp_index = p->n_fields;
        p->columns[p->n_fields++] = (struct schema_column){.name = str_from(p->timestamp_field), .type = &TYPE_BIGINT};
    }
    for (uint32_t i = 0; i < p->n_fields; i++)
        fields[i] = (struct decode_field){.column = i, .type = p->columns[i].type};
    if (!p->n_fields)
        return STATUS_OK;
    return decoder_create(&json, p->columns, p->n_fields, fields, p->n_fields, &p->decoder, d);
}

static enum status open_all(struct produce *p, struct cli_log *log, int64_t partitions, struct diag *d)
{
    enum status st = STATUS_OK;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->changed, NULL);
    line_reader_init(&p->in, STDIN_FILENO, &cli_interrupted);
    p->chunks = mem_calloc(N_CHUNKS, sizeof *p->chunks);
    if (!p->chunks)
        return diag_nomem(d);
    for (int i = 0; i < N_CHUNKS; i++)
        arena_init(&p->chunks[i].arena, 0);
    TRY(cli_log_open(log, &p->log, d));
    TRY(cli_ensure_topic(p->log, p->topic, partitions, d));
    TRY(open_decoder(p, d));
    TRY(writer_open(p->log, NULL, &p->writer, d));
done:
    return st;
}

static void close_all(struct produce *p)
{
    if (p->writer)
        writer_close(p->writer);
    if (p->decoder)
        decoder_destroy(p->decoder);
    for (int i = 0; p->chunks && i < N_CHUNKS; i++) {
        line_block_drop(p->chunks[i].block);
        arena_free(&p->chunks[i].arena);
    }
    mem_free(p->chunks);
    line_reader_free(&p->in);
    pthread_mutex_destroy(&p->mutex);
    pthread_cond_destroy(&p->changed);
    if (p->log)
        log_close(p->log);
}

static int usage(FILE *out)
{
    fprintf(out,
            "usage: weir produce TOPIC [OPTION...] <LINES\n\n"
            "Writes every line of standard input as a record's value. A line ends with LF or CR LF; empty lines are\n"
            "skipped. Lines are written in transactions: after an error a message tells how many have been.\n\n"
            "  --key FIELD                   lines are JSON; this field is the key\n"
            "  --timestamp FIELD             lines are JSON; this field is the time (ms since 1970)\n"
            "  --partitions N                for a topic that does not exist yet (default: 1)\n" CLI_LOG_HELP);
    return out == stdout ? EXIT_OK : EXIT_USAGE;
}

int cmd_produce(int argc, char **argv)
{
    static const struct option options[] = {{"key", required_argument, NULL, 'k'},
                                            {"timestamp", required_argument, NULL, 't'},
                                            {"partitions", required_argument, NULL, 'p'},
                                            CLI_LOG_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    struct produce p = {0};
    struct cli_log log = {0};
    int64_t partitions = 1;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'k':
            p.key_field = optarg;
            break;
        case 't':
            p.timestamp_field = optarg;
            break;
        case 'p':
            if (!cli_number("partitions", optarg, 1, &partitions))
                return EXIT_USAGE;
            break;
        case 'h':
            return usage(stdout);
        default:
            if (!cli_log_option(&log, c, optarg))
                return usage(stderr);
        }
    }
    if (argc - optind != 1)
        return usage(stderr);
    p.topic = argv[optind];

    struct diag d = DIAG_INIT;
    cli_catch_signals();
    enum status st = open_all(&p, &log, partitions, &d);
    if (st == STATUS_OK)
        st = pump(&p, &d);
    if (st == STATUS_OK && isatty(STDERR_FILENO))
        fprintf(stderr, "%lld records written to %s\n", (long long)p.written, p.topic);
    close_all(&p);
    return st == STATUS_OK ? cli_exit_code() : cli_fail(&d, STR(""));
}
