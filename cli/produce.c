/* weir produce: lines of standard input become records of a topic, many at a time, in transactions. */
#include "cli/cli.h"
#include "formats/formats.h"

#include <errno.h>
#include <unistd.h>

enum { LINES = BATCH_ROWS, READ_SIZE = 1 << 20, COMMIT_LINES = 100000 };
static const size_t MAX_LINE = (size_t)256 << 20;

struct produce {
    const char *topic, *key_field, *timestamp_field;
    struct log *log;
    struct log_writer *writer;
    struct decoder *decoder;            /* NULL: no field is read */
    struct schema_column columns[2];
    uint32_t n_fields, key_index, timestamp_index;
    struct arena arena;
    struct str lines[LINES];
    struct record records[LINES];
    uint8_t states[LINES];
    uint32_t n;
    int64_t total, uncommitted;
    char bad_reason[256];
    int64_t bad_line;
};

static void bad_line(void *data, uint32_t row, const char *reason)
{
    struct produce *p = data;
    if (!p->bad_line) {
        p->bad_line = p->total + row + 1;
        snprintf(p->bad_reason, sizeof p->bad_reason, "%s", reason);
    }
}

/* The lines' key and timestamp fields into the records. */
static enum status read_fields(struct produce *p, struct diag *d)
{
    struct column out[2];
    const struct decode_sink sink = {bad_line, p};
    if (decode(p->decoder, p->lines, p->n, &p->arena, out, p->states, &sink) != STATUS_OK)
        return diag_nomem(d);
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->states[i] == ROW_BAD)
            return diag_set(d, STATUS_DATA, "line %lld: %s", (long long)p->bad_line, p->bad_reason);
        if (p->key_field && !column_is_null(&out[p->key_index], i))
            p->records[i].key = out[p->key_index].str[i];
        if (p->timestamp_field) {
            if (column_is_null(&out[p->timestamp_index], i))
                return diag_set(d, STATUS_DATA, "line %lld has no field %s", (long long)(p->total + i + 1),
                                p->timestamp_field);
            p->records[i].ts = out[p->timestamp_index].i64[i];
        }
    }
    return STATUS_OK;
}

static enum status flush_lines(struct produce *p, bool commit, struct diag *d)
{
    enum status st = STATUS_OK;
    if (p->n && !p->uncommitted)
        TRY(writer_begin(p->writer, d));
    for (uint32_t i = 0; i < p->n; i++)
        p->records[i] = (struct record){.value = p->lines[i], .ts = -1};
    if (p->n && p->decoder)
        TRY(read_fields(p, d));
    if (p->n)
        TRY(writer_append(p->writer, p->topic, -1, p->records, p->n, d));
    p->total += p->n;
    p->uncommitted += p->n;
    p->n = 0;
    if (p->uncommitted && (commit || p->uncommitted >= COMMIT_LINES)) {
        TRY(writer_commit(p->writer, d));
        p->uncommitted = 0;
    }
done:
    arena_clear(&p->arena);
    return st;
}

/* Cuts in[0..len) into lines; returns how many bytes were used. At the end of the input a last line needs no newline. */
static enum status take_lines(struct produce *p, const char *in, size_t len, bool at_end, size_t *used, struct diag *d)
{
    enum status st = STATUS_OK;
    size_t at = 0;
    while (at < len) {
        const char *newline = memchr(in + at, '\n', len - at);
        if (!newline && !at_end)
            break;
        size_t end = newline ? (size_t)(newline - in) : len;
        if (end > at)
            p->lines[p->n++] = str_make(in + at, end - at);
        at = newline ? end + 1 : end;
        if (p->n == LINES)
            TRY(flush_lines(p, false, d));
    }
    *used = at;
done:
    return st;
}

static enum status pump(struct produce *p, struct diag *d)
{
    enum status st = STATUS_OK;
    struct buf in;
    buf_init(&in, MAX_LINE);
    for (bool at_end = false; !at_end;) {
        if (!buf_reserve(&in, READ_SIZE)) {
            st = diag_set(d, STATUS_DATA, "line %lld is longer than %zu bytes", (long long)p->total + 1, MAX_LINE);
            goto done;
        }
        ssize_t got = read(STDIN_FILENO, in.p + in.len, in.cap - in.len);
        if (got < 0 && errno == EINTR && !cli_interrupted)
            continue;
        if (got < 0 && errno != EINTR) {
            st = diag_set(d, STATUS_IO, "cannot read standard input: %s", strerror(errno));
            goto done;
        }
        at_end = got <= 0;
        in.len += got > 0 ? (size_t)got : 0;
        size_t used = 0;
        TRY(take_lines(p, in.p, in.len, at_end, &used, d));
        /* The lines point into the buffer: write them before it moves. At the end of what is there now (a person types, a pipe pauses) commit. */
        TRY(flush_lines(p, at_end || in.len < READ_SIZE / 2, d));
        memmove(in.p, in.p + used, in.len - used);
        in.len -= used;
    }
done:
    buf_free(&in);
    return st;
}

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

static enum status ensure_topic(struct produce *p, int64_t partitions, struct diag *d)
{
    struct topic_spec spec;
    enum status st = topic_describe(p->log, p->topic, &spec, d);
    if (st != STATUS_NOT_FOUND)
        return st;
    spec = (struct topic_spec){.name = p->topic, .n_partitions = (int32_t)partitions};
    st = topic_create(p->log, &spec, d);
    return st == STATUS_EXISTS ? STATUS_OK : st;
}

static int usage(FILE *out)
{
    fprintf(out, "usage: weir produce TOPIC [OPTION...] <LINES\n\n"
                 "Writes every line of standard input as a record's value, exactly once.\n\n"
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
    static struct produce p; /* large */
    struct cli_log log = {0};
    int64_t partitions = 1;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'k': p.key_field = optarg; break;
        case 't': p.timestamp_field = optarg; break;
        case 'p':
            if (!cli_number("partitions", optarg, 1, &partitions))
                return EXIT_USAGE;
            break;
        case 'h': return usage(stdout);
        default:
            if (!cli_log_option(&log, c, optarg))
                return usage(stderr);
        }
    }
    if (argc - optind != 1)
        return usage(stderr);
    p.topic = argv[optind];

    enum status st;
    struct diag d = DIAG_INIT;
    cli_catch_signals();
    arena_init(&p.arena, 0);
    TRY(cli_log_open(&log, &p.log, &d));
    TRY(ensure_topic(&p, partitions, &d));
    TRY(open_decoder(&p, &d));
    TRY(writer_open(p.log, NULL, &p.writer, &d));
    TRY(pump(&p, &d));
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "%lld records written to %s\n", (long long)p.total, p.topic);
done:
    if (p.writer)
        writer_close(p.writer);
    if (p.decoder)
        decoder_destroy(p.decoder);
    arena_free(&p.arena);
    if (p.log)
        log_close(p.log);
    return st == STATUS_OK ? EXIT_OK : cli_fail(&d, STR(""));
}
