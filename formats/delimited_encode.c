/* DELIMITED, writing: as Apache Commons CSV's printer quotes at least. */
#include "formats/formats_int.h"

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool needs_quotes(struct str s, bool first, char delimiter)
{
    if (s.len == 0)
        return first;
    if ((first && !is_alphanumeric(s.p[0])) || (unsigned char)s.p[0] <= '#')
        return true;
    for (uint32_t i = 0; i < s.len; i++)
        if (s.p[i] == '\n' || s.p[i] == '\r' || s.p[i] == '"' || s.p[i] == delimiter)
            return true;
    return (unsigned char)s.p[s.len - 1] <= ' ';
}

static void put_quoted(struct buf *out, struct str s)
{
    buf_putc(out, '"');
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] == '"')
            buf_putc(out, '"');
        buf_putc(out, s.p[i]);
    }
    buf_putc(out, '"');
}

static void put_text(struct buf *out, struct str s, bool first, char delimiter)
{
    if (needs_quotes(s, first, delimiter))
        put_quoted(out, s);
    else
        buf_puts(out, s);
}

/* What is not text is written in place, and again where it turns out to need quotes (a negative number in front). */
static void put_plain(struct buf *out, const struct column *c, uint32_t row)
{
    switch (c->type->kind) {
    case KIND_BOOLEAN:
        buf_puts(out, c->u8[row] ? STR("true") : STR("false"));
        break;
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        buf_put_i64(out, c->i32[row]);
        break;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        buf_put_i64(out, c->i64[row]);
        break;
    case KIND_DOUBLE:
        print_double(out, c->f64[row]);
        break;
    case KIND_DECIMAL:
        print_decimal(out, c->i128[row], c->type->scale);
        break;
    default: /* KIND_BYTES */
        base64_put(out, c->str[row]);
    }
}

static void put_number(struct buf *out, const struct column *c, uint32_t row, bool first, char delimiter)
{
    if (!buf_reserve(out, 2))
        return;
    size_t start = out->len;
    put_plain(out, c, row);
    size_t len = out->len - start;
    if (out->failed || !needs_quotes(str_make(out->p + start, len), first, delimiter) || !buf_reserve(out, 2))
        return;
    /* None of these texts has a quote in it. */
    memmove(out->p + start + 1, out->p + start, len);
    out->p[start] = out->p[start + len + 1] = '"';
    out->len += 2;
}

static enum status delimited_encode(struct encoder *enc, const struct column *columns, uint32_t row, struct buf *out,
                                    bool *is_null, struct diag *d)
{
    (void)is_null;
    (void)d;
    char delimiter = enc->spec.delimiter ? enc->spec.delimiter : ',';
    for (uint32_t i = 0; i < enc->n_columns; i++) {
        if (i)
            buf_putc(out, delimiter);
        if (column_is_null(&columns[i], row))
            continue;
        if (columns[i].type->kind == KIND_STRING)
            put_text(out, columns[i].str[row], i == 0, delimiter);
        else
            put_number(out, &columns[i], row, i == 0, delimiter);
    }
    return STATUS_OK;
}

const struct encoder_ops delimited_encoder_ops = {.size = sizeof(struct encoder), .row = delimited_encode};
