/* DELIMITED, reading: one line of separated values, as Apache Commons CSV's default format reads it.
 *
 * The first record that is not an empty line counts; what follows is looked at only for broken quoting, which makes the
 * whole record bad. */
#include "formats/formats_int.h"

struct delimited_decoder {
    struct decoder base;
    char delimiter;
};

struct csv {
    const char *p, *end;
    char delimiter;
    unsigned line;   /* from 1, for messages */
    struct arena *a; /* for values with quotes inside */
    struct buf *reason;
};

enum token { TOKEN_VALUE, TOKEN_LAST /* of its record */, TOKEN_NONE /* the end of the text */, TOKEN_BAD };

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static void skip_line_end(struct csv *c)
{
    c->p += c->end - c->p > 1 && c->p[0] == '\r' && c->p[1] == '\n' ? 2 : 1;
    c->line++;
}

/* At what ends a value: passes it. */
static enum token end_value(struct csv *c)
{
    if (c->p == c->end)
        return TOKEN_LAST;
    if (*c->p == c->delimiter) {
        c->p++;
        return TOKEN_VALUE;
    }
    skip_line_end(c);
    return TOKEN_LAST;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F);
}

static struct str without_doubled_quotes(struct csv *c, const char *begin, const char *end)
{
    char *out = arena_alloc(c->a, (size_t)(end - begin));
    if (!out)
        return (struct str){NULL, 0};
    size_t n = 0;
    for (const char *p = begin; p < end; p++) {
        out[n++] = *p;
        if (*p == '"')
            p++;
    }
    return str_make(out, n);
}

/* Behind the closing quote: only blanks may come before the delimiter. */
static enum token end_quoted(struct csv *c)
{
    while (c->p < c->end && *c->p != c->delimiter && !is_line_end(*c->p)) {
        if (!is_blank(*c->p)) {
            buf_printf(c->reason, "(line %u) invalid char between encapsulated token and delimiter", c->line);
            return TOKEN_BAD;
        }
        c->p++;
    }
    return end_value(c);
}

static enum token quoted(struct csv *c, struct str *value)
{
    unsigned first_line = c->line;
    const char *begin = ++c->p;
    bool doubled = false;
    for (;; c->p++) {
        if (c->p == c->end) {
            buf_printf(c->reason, "(startline %u) EOF reached before encapsulated token finished", first_line);
            return TOKEN_BAD;
        }
        c->line += *c->p == '\n';
        if (*c->p != '"')
            continue;
        if (c->p + 1 == c->end || c->p[1] != '"')
            break;
        doubled = true;
        c->p++;
    }
    *value = str_make(begin, (size_t)(c->p - begin));
    if (doubled) {
        *value = without_doubled_quotes(c, begin, c->p);
        if (!value->p)
            return TOKEN_BAD;
    }
    c->p++;
    return end_quoted(c);
}

static enum token unquoted(struct csv *c, struct str *value)
{
    const char *begin = c->p;
    while (c->p < c->end && *c->p != c->delimiter && !is_line_end(*c->p))
        c->p++;
    *value = str_make(begin, (size_t)(c->p - begin));
    return end_value(c);
}

static enum token next_value(struct csv *c, bool first, struct str *value)
{
    if (first) {
        while (c->p < c->end && is_line_end(*c->p))
            skip_line_end(c);
        if (c->p == c->end)
            return TOKEN_NONE;
    }
    return c->p < c->end && *c->p == '"' ? quoted(c, value) : unquoted(c, value);
}

/* ---- values ------------------------------------------------------------------------------------------- */

static bool not_a_number(struct str s, struct buf *reason)
{
    buf_printf(reason, "For input string: \"" STR_FMT "\"", STR_ARG(s));
    return false;
}

static bool parse_long(struct str s, int64_t min, int64_t max, int64_t *out, struct buf *reason)
{
    return (parse_i64(s, out) && *out >= min && *out <= max) || not_a_number(s, reason);
}

static bool parse_bytes(struct str s, struct arena *a, struct str *out, struct buf *reason)
{
    char *bytes = arena_alloc(a, ((size_t)s.len + 3) / 4 * 3);
    if (!bytes)
        return false;
    int64_t n = base64_decode_basic(s, bytes);
    if (n < 0) {
        buf_puts(reason, STR("Illegal base64 text"));
        return false;
    }
    *out = str_make(bytes, (size_t)n);
    return true;
}

/* `decimal` is where the number is put that the value then points to. */
static bool parse_value(struct str s, const struct type *t, struct decode_run *run, int128 *decimal, struct value *v)
{
    int64_t number = 0;
    v->kind = (uint8_t)t->kind;
    switch (t->kind) {
    case KIND_BOOLEAN:
        v->boolean = str_eq_nocase(s, STR("true"));
        return true;
    case KIND_INT:
        if (!parse_long(s, INT32_MIN, INT32_MAX, &number, run->reason))
            return false;
        v->i32 = (int32_t)number;
        return true;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        return parse_long(s, INT64_MIN, INT64_MAX, &v->i64, run->reason);
    case KIND_DATE:
        if (!parse_long(s, INT64_MIN, INT64_MAX, &number, run->reason))
            return false;
        v->i32 = date_saturated(number);
        return true;
    case KIND_TIME:
        return parse_long(s, INT64_MIN, INT64_MAX, &number, run->reason) &&
               time_from_millis(number, &v->i32, run->reason);
    case KIND_DOUBLE:
        return parse_double(s, &v->f64) || not_a_number(s, run->reason);
    case KIND_DECIMAL:
        v->decimal = decimal;
        return decimal_text_fit(s, t, decimal, run->reason);
    case KIND_BYTES:
        return parse_bytes(s, run->a, &v->str, run->reason);
    default:
        v->str = s;
        return true;
    }
}

/* A value of a column that exists. Empty, quoted or not, is null. */
static bool store(const struct decode_node *node, struct decode_run *run, struct str s)
{
    struct value v = VALUE_NULL;
    int128 decimal;
    if (s.len && !parse_value(s, node->type, run, &decimal, &v))
        return false;
    decode_emit(run, node, &v);
    return true;
}

static bool check_rest(struct csv *c)
{
    const char *quote = c->p < c->end ? memchr(c->p, '"', (size_t)(c->end - c->p)) : NULL;
    if (!quote)
        return true;
    enum token token = TOKEN_LAST;
    struct str ignored;
    do
        token = next_value(c, token == TOKEN_LAST, &ignored);
    while (token != TOKEN_NONE && token != TOKEN_BAD);
    return token != TOKEN_BAD;
}

static bool bad_count(const struct decoder *dec, uint32_t got, struct buf *reason)
{
    buf_printf(reason, "Column count mismatch on deserialization. expected: %u, got: %u", dec->n_columns, got);
    return false;
}

/* Cells are stored as they come; a bad record's are set to null by the caller. ksqlDB looks at the number of values
 * before it converts any, which shows only in the message. */
static bool read_record(struct decoder *dec, struct decode_run *run, struct csv *c)
{
    uint32_t n = 0;
    bool converted = true;
    enum token token;
    do {
        struct str value = {NULL, 0};
        token = next_value(c, n == 0, &value);
        if (token == TOKEN_BAD)
            return false;
        if (token == TOKEN_NONE) {
            buf_puts(run->reason, STR("No fields in record"));
            return false;
        }
        if (n < dec->n_columns && converted)
            converted = store(&dec->root.fields[n], run, value);
        n++;
    } while (token == TOKEN_VALUE);
    size_t conversion = run->reason->len;
    if (!check_rest(c)) {
        /* Only the text about the quoting counts. */
        if (conversion)
            memmove(run->reason->p, run->reason->p + conversion, run->reason->len - conversion);
        run->reason->len -= conversion;
        return false;
    }
    if (n != dec->n_columns) {
        run->reason->len = 0;
        return bad_count(dec, n, run->reason);
    }
    return converted;
}

static enum row_state delimited_row(struct decoder *dec, struct decode_run *run, struct str payload)
{
    struct str text = utf8_repair(run->a, payload);
    if (run->a->failed)
        return ROW_BAD;
    struct csv c = {.p = text.p,
                    .end = text.p + text.len,
                    .delimiter = ((struct delimited_decoder *)dec)->delimiter,
                    .line = 1,
                    .a = run->a,
                    .reason = run->reason};
    return read_record(dec, run, &c) ? ROW_OK : ROW_BAD;
}

static enum status delimited_open(struct decoder *dec, struct diag *d)
{
    (void)d;
    ((struct delimited_decoder *)dec)->delimiter = dec->spec.delimiter ? dec->spec.delimiter : ',';
    return STATUS_OK;
}

const struct decoder_ops delimited_decoder_ops = {
    .size = sizeof(struct delimited_decoder), .open = delimited_open, .row = delimited_row};
