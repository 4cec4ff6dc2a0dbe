/* weir produce: lines of standard input become records of a topic, in transactions.
 *
 * Two threads: one reads lines and finds their keys and times, one writes. A chunk of lines goes from the first to the
 * second. A transaction is committed every 100,000 lines, and when the input pauses.
 *
 * On Kafka a transaction may be lost to an outage. Its chunks are therefore kept until it is committed, and are written again
 * when the brokers are back. */
#include "cli/cli.h"
#include "cli/lines.h"
#include "formats/formats.h"

#include <pthread.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    LINES = BATCH_ROWS,
    COMMIT_LINES = 100000,
    COMMIT_BYTES = 32 << 20,
    PAUSE_MS = 50,
    AHEAD = 4,            /* chunks that are read before they can be written */
    KEPT_CHUNKS = 60,     /* of an open transaction */
    PATIENCE_MS = 120000, /* with brokers that are away */
    RETRY_MIN_MS = 100,
    RETRY_MAX_MS = 1000
};

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
    bool is_patient; /* a lost transaction is written again */
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
    struct chunk *chunks; /* a ring: from `first` on those of the open transaction, then those to be written */
    uint32_t n_chunks, first, n_open, n_full;
    bool closing;
    enum status st; /* of the writing thread, with its diag */
    struct diag d;
    /* the writing thread's own; read by the other one when it has ended */
    uint32_t n_appended; /* of the open chunks: in the writer's present transaction */
    bool has_begun, is_committing;
    int64_t open_records, open_bytes, open_line; /* of the open chunks; the number of their last line */
    int64_t written, written_line;               /* committed: records, and the number of their last line */
};

static struct chunk *chunk_at(const struct produce *p, uint32_t i)
{
    return &p->chunks[(p->first + i) % p->n_chunks];
}

/* ---- the reading thread
 * ---------------------------------------------------------------------------------------------- */

/* The next chunk to fill; NULL: the writer has failed. */
static struct chunk *free_chunk(struct produce *p)
{
    pthread_mutex_lock(&p->mutex);
    while (p->n_full == AHEAD && p->st == STATUS_OK)
        pthread_cond_wait(&p->changed, &p->mutex);
    struct chunk *c = p->st == STATUS_OK ? chunk_at(p, p->n_open + p->n_full) : NULL;
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

/* Appends those of the open chunks that the writer's transaction does not hold yet. */
static enum status write_open(struct produce *p, bool commit, struct diag *d)
{
    enum status st = STATUS_OK;
    for (; p->n_appended < p->n_open; p->n_appended++) {
        const struct chunk *c = chunk_at(p, p->n_appended);
        if (!c->n)
            continue;
        if (!p->has_begun)
            TRY(writer_begin(p->writer, d));
        p->has_begun = true;
        TRY(writer_append(p->writer, p->topic, -1, c->records, c->n, d));
    }
    if (p->has_begun && commit) {
        p->is_committing = true;
        TRY(writer_commit(p->writer, d));
        p->is_committing = p->has_begun = false;
    }
done:
    return st;
}

/* Whether the transaction is gone for certain, and may get through if it is written again. */
static bool may_try_again(const struct produce *p, enum status st)
{
    bool outage = st == STATUS_IO || st == STATUS_TIMEOUT;
    return p->is_patient && !cli_interrupted && (st == STATUS_ABORTED || (outage && !p->is_committing));
}

static enum status write_patiently(struct produce *p, bool commit, struct diag *d)
{
    int64_t began = clock_mono_ns();
    int wait = RETRY_MIN_MS;
    for (;;) {
        enum status st = write_open(p, commit, d);
        if (st == STATUS_OK || !may_try_again(p, st) || (clock_mono_ns() - began) / 1000000 > PATIENCE_MS)
            return st;
        if (!p->is_committing)
            writer_abort(p->writer);
        p->is_committing = p->has_begun = false;
        p->n_appended = 0;
        if (wait == RETRY_MIN_MS)
            fprintf(stderr, "weir: %s; trying again\n", d->message);
        diag_clear(d);
        clock_sleep_ms(wait);
        wait = wait * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : wait * 2;
    }
}

/* The first of the chunks to be written becomes one of the open ones. */
static void open_chunk(struct produce *p, const struct chunk *c)
{
    pthread_mutex_lock(&p->mutex);
    p->n_full--;
    p->n_open++;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    for (uint32_t i = 0; i < c->n; i++)
        p->open_bytes += c->lines[i].len;
    p->open_records += c->n;
    if (c->n)
        p->open_line = c->last_line;
}

/* The open chunks are not needed any more. */
static void release_chunks(struct produce *p)
{
    for (uint32_t i = 0; i < p->n_open; i++) {
        line_block_drop(chunk_at(p, i)->block);
        chunk_at(p, i)->block = NULL;
    }
    pthread_mutex_lock(&p->mutex);
    p->first = (p->first + p->n_open) % p->n_chunks;
    p->n_open = 0;
    pthread_mutex_unlock(&p->mutex);
    p->n_appended = 0;
}

static enum status write_chunk(struct produce *p, const struct chunk *c, struct diag *d)
{
    open_chunk(p, c);
    bool commit =
        c->commit || p->open_records >= COMMIT_LINES || p->open_bytes >= COMMIT_BYTES || p->n_open == KEPT_CHUNKS;
    enum status st = write_patiently(p, commit, d);
    if (st != STATUS_OK)
        return st;
    if (commit) {
        p->written += p->open_records;
        p->written_line = p->open_records ? p->open_line : p->written_line;
        p->open_records = p->open_bytes = 0;
    }
    if (commit || !p->is_patient)
        release_chunks(p);
    return STATUS_OK;
}

static void *write_all(void *data)
{
    struct produce *p = data;
    for (;;) {
        pthread_mutex_lock(&p->mutex);
        while (!p->n_full && !p->closing)
            pthread_cond_wait(&p->changed, &p->mutex);
        struct chunk *c = p->n_full ? chunk_at(p, p->n_open) : NULL;
        pthread_mutex_unlock(&p->mutex);
        if (!c)
            return NULL;
        enum status st = write_chunk(p, c, &p->d);
        if (st == STATUS_OK)
            continue;
        pthread_mutex_lock(&p->mutex);
        p->st = st;
        pthread_cond_broadcast(&p->changed);
        pthread_mutex_unlock(&p->mutex);
        return NULL;
    }
}

/* What a person needs to go on from where it failed. */
static void tell_written(const struct produce *p, struct diag *d)
{
    char doubt[128] = "";
    if (p->is_committing && p->st == STATUS_IO)
        snprintf(doubt, sizeof doubt, "; whether those up to number %lld were is not known", (long long)p->open_line);
    diag_hint(d, "%lld records were written: all lines up to number %lld%s", (long long)p->written,
              (long long)p->written_line, doubt);
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
        tell_written(p, d);
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

/* On Kafka only a writer with an id has transactions. Nobody else may have this one. */
static enum status open_writer(struct produce *p, struct diag *d)
{
    uint64_t random;
    char id[64];
    if (!p->is_patient)
        return writer_open(p->log, NULL, &p->writer, d);
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return diag_set(d, STATUS_IO, "the system gives no random numbers");
    snprintf(id, sizeof id, "weir-produce-%016llx", (unsigned long long)random);
    return writer_open(p->log, id, &p->writer, d);
}

static enum status open_all(struct produce *p, struct cli_log *log, int64_t partitions, struct diag *d)
{
    enum status st = STATUS_OK;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->changed, NULL);
    line_reader_init(&p->in, STDIN_FILENO, &cli_interrupted);
    p->is_patient = log->bootstrap_servers != NULL;
    p->n_chunks = AHEAD + (p->is_patient ? KEPT_CHUNKS : 1);
    p->chunks = mem_calloc(p->n_chunks, sizeof *p->chunks);
    if (!p->chunks)
        return diag_nomem(d);
    for (uint32_t i = 0; i < p->n_chunks; i++)
        arena_init(&p->chunks[i].arena, 0);
    TRY(cli_log_open(log, &p->log, d));
    TRY(cli_ensure_topic(p->log, p->topic, partitions, d));
    TRY(open_decoder(p, d));
    TRY(open_writer(p, d));
done:
    return st;
}

static void close_all(struct produce *p)
{
    if (p->writer)
        writer_close(p->writer);
    if (p->decoder)
        decoder_destroy(p->decoder);
    for (uint32_t i = 0; p->chunks && i < p->n_chunks; i++) {
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
