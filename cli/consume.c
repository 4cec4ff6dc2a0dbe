/* weir consume: prints committed records of a topic, one a line. */
#include "cli/cli.h"
#include "cli/text.h"

#include <unistd.h>

struct consume {
    struct log *log;
    struct log_reader *reader;
    const char *topic;
    int32_t n_partitions;
    int64_t *ends; /* --drain: stop a partition here */
    int64_t *positions;
    int64_t limit; /* -1: none */
    bool json;
    struct buf out;
};

static void put_hex_or_text(struct buf *out, struct str s)
{
    if (!s.p || str_is_utf8(s)) {
        put_json_text(out, s);
        return;
    }
    buf_puts(out, STR("\"0x"));
    for (uint32_t i = 0; i < s.len; i++)
        buf_printf(out, "%02x", (unsigned char)s.p[i]);
    buf_putc(out, '"');
}

static void put_record(struct consume *c, int32_t partition, const struct record *r)
{
    if (!c->json) {
        if (r->value.p)
            buf_puts(&c->out, r->value);
        else
            buf_puts(&c->out, STR("<null>"));
        buf_putc(&c->out, '\n');
        return;
    }
    buf_printf(&c->out, "{\"partition\":%d,\"offset\":%lld,\"timestamp\":%lld,\"key\":", (int)partition,
               (long long)r->offset, (long long)r->ts);
    put_hex_or_text(&c->out, r->key);
    buf_puts(&c->out, STR(",\"value\":"));
    put_hex_or_text(&c->out, r->value);
    buf_puts(&c->out, STR("}\n"));
}

static enum status flush_out(struct consume *c, struct diag *d)
{
    if (c->out.failed)
        return diag_nomem(d);
    if (c->out.len && fwrite(c->out.p, 1, c->out.len, stdout) != c->out.len)
        return diag_set(d, STATUS_IO, "cannot write to standard output");
    c->out.len = 0;
    return fflush(stdout) ? diag_set(d, STATUS_IO, "cannot write to standard output") : STATUS_OK;
}

static enum status assign(struct consume *c, bool from_beginning, struct diag *d)
{
    enum status st = STATUS_OK;
    struct topic_spec spec;
    st = topic_describe(c->log, c->topic, &spec, d);
    if (st == STATUS_NOT_FOUND)
        return diag_set(d, st, "there is no topic %s", c->topic);
    TRY(st);
    c->n_partitions = spec.n_partitions;
    c->ends = mem_calloc((size_t)spec.n_partitions, sizeof *c->ends);
    c->positions = mem_calloc((size_t)spec.n_partitions, sizeof *c->positions);
    if (!c->ends || !c->positions)
        return diag_nomem(d);
    for (int32_t i = 0; i < spec.n_partitions; i++) {
        int64_t begin, end;
        TRY(topic_offsets(c->log, c->topic, i, &begin, &end, &c->ends[i], d)); /* commits under way are waited for */
        c->positions[i] = from_beginning ? begin : end;
        TRY(reader_assign(c->reader, c->topic, i, c->positions[i], d));
    }
done:
    return st;
}

static bool drained(const struct consume *c)
{
    for (int32_t i = 0; i < c->n_partitions; i++)
        if (c->positions[i] < c->ends[i])
            return false;
    return true;
}

static enum status pump(struct consume *c, bool drain, struct diag *d)
{
    enum status st = STATUS_OK;
    struct record_batch *b = NULL;
    while (!cli_interrupted && c->limit != 0 && !(drain && drained(c))) {
        TRY(reader_poll(c->reader, 100, BATCH_ROWS, &b, d));
        if (!b)
            continue;
        for (uint32_t i = 0; i < b->n && c->limit != 0; i++) {
            if (drain && b->records[i].offset >= c->ends[b->partition])
                break;
            put_record(c, b->partition, &b->records[i]);
            c->limit -= c->limit > 0;
        }
        c->positions[b->partition] = b->next_offset;
        record_batch_drop(b);
        b = NULL;
        TRY(flush_out(c, d));
    }
done:
    record_batch_drop(b);
    return st;
}

static enum status consume(struct consume *c, struct cli_log *log, bool from_beginning, bool drain, struct diag *d)
{
    enum status st = STATUS_OK;
    buf_init(&c->out, 0);
    TRY(cli_log_open(log, &c->log, d));
    TRY(reader_open(c->log, &c->reader, d));
    TRY(assign(c, from_beginning, d));
    TRY(pump(c, drain, d));
done:
    if (c->reader)
        reader_close(c->reader);
    mem_free(c->ends);
    mem_free(c->positions);
    buf_free(&c->out);
    if (c->log)
        log_close(c->log);
    return st;
}

static int usage(FILE *out)
{
    fprintf(out, "usage: weir consume TOPIC [OPTION...]\n\nPrints the value of every record, a line each.\n\n"
                 "  --from-beginning              start with the first record, not behind the last\n"
                 "  --drain                       stop at the present end\n"
                 "  --limit N                     stop after N records\n"
                 "  --output json                 print partition, offset, timestamp, key and value\n" CLI_LOG_HELP);
    return out == stdout ? EXIT_OK : EXIT_USAGE;
}

int cmd_consume(int argc, char **argv)
{
    static const struct option options[] = {{"from-beginning", no_argument, NULL, 'b'},
                                            {"drain", no_argument, NULL, 'd'},
                                            {"limit", required_argument, NULL, 'l'},
                                            {"output", required_argument, NULL, 'o'},
                                            CLI_LOG_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    struct consume c = {.limit = -1};
    struct cli_log log = {0};
    bool from_beginning = false, drain = false;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'b':
            from_beginning = true;
            break;
        case 'd':
            drain = true;
            break;
        case 'l':
            if (!cli_number("limit", optarg, 0, &c.limit))
                return EXIT_USAGE;
            break;
        case 'o':
            c.json = !strcmp(optarg, "json");
            if (!c.json && strcmp(optarg, "text") != 0) {
                fprintf(stderr, "weir: --output is text or json, not '%s'\n", optarg);
                return EXIT_USAGE;
            }
            break;
        case 'h':
            return usage(stdout);
        default:
            if (!cli_log_option(&log, o, optarg))
                return usage(stderr);
        }
    }
    if (argc - optind != 1)
        return usage(stderr);
    c.topic = argv[optind];

    struct diag d = DIAG_INIT;
    cli_catch_signals();
    enum status st = consume(&c, &log, from_beginning, drain, &d);
    return st == STATUS_OK ? cli_exit_code() : cli_fail(&d, STR(""));
}
