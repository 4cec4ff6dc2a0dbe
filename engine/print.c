/* PRINT: the records of a topic, a line each, in the order in which they come:
 *     rowtime: 2022/03/18 15:53:22.989 Z, key: 18, value: {"a": 1}, partition: 0
 * with a line about the formats in front, whenever it becomes clearer what they are. */
#include "engine/engine_int.h"
#include "engine/framed.h"
#include "engine/guess.h"

enum { WAIT_MS = 20 };

struct print {
    struct session *session;
    const struct ast_print *statement;
    const struct engine_sink *sink;
    struct log_reader *reader;
    int32_t n_partitions;
    int64_t *positions, *ends; /* ends: where a drained engine stops; else INT64_MAX */
    int64_t interval, n_seen, n_printed;
    struct guess key, value;
    struct framed *framed;
    struct buf line;
};

static enum status unknown_topic(struct print *p, struct diag *d)
{
    struct arena a;
    struct topic_spec *topics;
    size_t n = 0;
    struct str name = p->statement->topic.text;
    enum status st =
        diag_set_at(d, STATUS_INVALID, p->statement->topic.span,
                    "Could not find topic '" STR_FMT "', or the KSQL user does not have permissions to read "
                    "the topic. Topic names are case-sensitive.",
                    STR_ARG(name));
    arena_init(&a, 0);
    if (topic_list(p->session->engine->log, &a, &topics, &n, NULL) != STATUS_OK)
        n = 0;
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(name, str_from(topics[i].name)))
            diag_hint(d, "Did you mean '%s'?", topics[i].name);
    arena_free(&a);
    return st;
}

static enum status assign(struct print *p, const char *topic, struct arena *a, struct diag *d)
{
    enum status st = STATUS_OK;
    struct topic_spec spec;
    struct log *log = p->session->engine->log;
    st = topic_describe(log, topic, &spec, NULL);
    if (st == STATUS_NOT_FOUND || st == STATUS_INVALID)
        return unknown_topic(p, d);
    if (st != STATUS_OK)
        TRY(topic_describe(log, topic, &spec, d));
    p->n_partitions = spec.n_partitions;
    p->ends = ARENA_ARRAY(a, int64_t, spec.n_partitions);
    p->positions = ARENA_ARRAY(a, int64_t, spec.n_partitions);
    if (!p->ends || !p->positions)
        return diag_nomem(d);
    TRY(reader_open(log, &p->reader, d));
    for (int32_t i = 0; i < spec.n_partitions; i++) {
        int64_t begin, end;
        TRY(topic_offsets(log, topic, i, &begin, &end, &p->ends[i], d)); /* commits under way are waited for */
        p->positions[i] = p->statement->from_beginning ? begin : end;
        TRY(reader_assign(p->reader, topic, i, p->positions[i], d));
    }
done:
    return st;
}

static bool at_ends(const struct print *p)
{
    if (!p->session->engine->options.drain)
        return false;
    for (int32_t i = 0; i < p->n_partitions; i++)
        if (p->positions[i] < p->ends[i])
            return false;
    return true;
}

static enum status send_line(struct print *p, struct diag *d)
{
    enum status st = p->line.failed ? STATUS_NOMEM : STATUS_OK;
    if (st == STATUS_OK && p->sink && p->sink->line)
        st = p->sink->line(p->sink->data, buf_str(&p->line));
    p->line.len = 0;
    return st == STATUS_OK ? st : diag_set(d, st, "cannot write the records");
}

static enum status send_formats(struct print *p, const char *side, const struct guess *g, struct diag *d)
{
    buf_printf(&p->line, "%s format: ", side);
    guess_print_formats(g, &p->line);
    return send_line(p, d);
}

static void put_time(struct buf *out, int64_t ts)
{
    int64_t ms;
    if (ts < 0) {
        buf_puts(out, STR("N/A"));
        return;
    }
    struct civil_date day = date_from_days(date_split_ms(ts, &ms));
    buf_printf(out, "%04lld/%02d/%02d %02lld:%02lld:%02lld.%03lld Z", (long long)day.year, day.month, day.day,
               (long long)(ms / 3600000), (long long)(ms / 60000 % 60), (long long)(ms / 1000 % 60),
               (long long)(ms % 1000));
}

/* Takes bytes into account; true: more is known now. */
static bool narrow(struct print *p, struct guess *g, struct str bytes)
{
    bool news = guess_narrow(g, bytes);
    if (!bytes.p || g->schema_format || !guess_is_framed(g))
        return news;
    g->schema_format = framed_format(p->framed, bytes);
    return news || g->schema_format;
}

static void print_side(struct print *p, const struct guess *g, struct str bytes)
{
    if (!bytes.p || !guess_is_framed(g) || !framed_print(p->framed, bytes, &p->line))
        guess_print(g, bytes, &p->line);
}

static enum status print_record(struct print *p, const struct record *r, int32_t partition, struct diag *d)
{
    buf_puts(&p->line, STR("rowtime: "));
    put_time(&p->line, r->ts);
    buf_puts(&p->line, STR(", key: "));
    print_side(p, &p->key, r->key);
    buf_puts(&p->line, STR(", value: "));
    print_side(p, &p->value, r->value);
    buf_printf(&p->line, ", partition: %d", (int)partition);
    p->n_printed++;
    return send_line(p, d);
}

static bool limit_reached(const struct print *p)
{
    return p->statement->has_limit && p->n_printed >= p->statement->limit;
}

static enum status print_batch(struct print *p, const struct record_batch *b, struct diag *d)
{
    enum status st = STATUS_OK;
    bool drain = p->session->engine->options.drain, key_news = false, value_news = false;
    uint32_t n = b->n;
    while (drain && n && b->records[n - 1].offset >= p->ends[b->partition])
        n--;
    for (uint32_t i = 0; i < n; i++) {
        key_news |= narrow(p, &p->key, b->records[i].key);
        value_news |= narrow(p, &p->value, b->records[i].value);
    }
    if (n && (key_news || p->n_seen == 0))
        TRY(send_formats(p, "Key", &p->key, d));
    if (n && (value_news || p->n_seen == 0))
        TRY(send_formats(p, "Value", &p->value, d));
    for (uint32_t i = 0; i < n && !limit_reached(p); i++)
        if (p->n_seen++ % p->interval == 0)
            TRY(print_record(p, &b->records[i], b->partition, d));
done:
    return st;
}

static enum status pump(struct print *p, struct diag *d)
{
    enum status st = STATUS_OK;
    struct record_batch *b = NULL;
    while (!limit_reached(p) && !at_ends(p) && !sink_stopped(p->session->engine, p->sink)) {
        TRY(reader_poll(p->reader, WAIT_MS, BATCH_ROWS, &b, d));
        if (!b)
            continue;
        TRY(print_batch(p, b, d));
        p->positions[b->partition] = b->next_offset;
        record_batch_drop(b);
        b = NULL;
    }
done:
    if (b)
        record_batch_drop(b);
    return st;
}

enum status print_topic(struct session *s, const struct ast_print *statement, const struct engine_sink *sink,
                        struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena a;
    struct print p = {.session = s, .statement = statement, .sink = sink};
    p.interval = statement->interval > 0 ? statement->interval : 1;
    guess_init(&p.key, true);
    guess_init(&p.value, false);
    arena_init(&a, 0);
    buf_init(&p.line, 0);
    const char *topic = str_dup(&a, statement->topic.text).p;
    p.framed = framed_create(s->engine->registry);
    if (!topic || !p.framed) {
        st = diag_nomem(d);
        goto done;
    }
    TRY(assign(&p, topic, &a, d));
    TRY(pump(&p, d));
done:
    if (p.reader)
        reader_close(p.reader);
    framed_destroy(p.framed);
    buf_free(&p.line);
    arena_free(&a);
    return st;
}
