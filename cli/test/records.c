/* Records as cases write them: JSON values to the bytes of a format, and bytes back to JSON values for the comparison.
 *
 * JSON keeps the text of the case, so that 1.10 stays 1.10; DELIMITED is plain text; KAFKA goes by the column's type; formats with a
 * registry go by the schema that is registered (schemas.h). */
#include "cli/test/schemas.h"
#include "functions/codec.h"

#include <math.h>

static struct side side_of(const struct world *w, const struct source *s, bool is_key)
{
    if (!s)
        return (struct side){.format = FORMAT_JSON, .is_key = is_key};
    const struct format_spec *spec = is_key ? &s->formats.key : &s->formats.value;
    return (struct side){.format = spec->kind,
                         .columns = is_key ? s->schema.columns : source_value_columns(s),
                         .n_columns = is_key ? s->schema.n_keys : source_n_values(s),
                         .window = is_key ? s->formats.window : WINDOW_NONE,
                         .window_size = is_key ? s->formats.window_size : 0,
                         .wrapped = spec->wrapped,
                         .is_key = is_key,
                         .spec = spec,
                         .registry = w->registry,
                         .topic = s->topic};
}

struct side side_key(const struct world *w, const struct source *s)
{
    return side_of(w, s, true);
}

struct side side_value(const struct world *w, const struct source *s)
{
    return side_of(w, s, false);
}

/* ---- to bytes -------------------------------------------------------------------------------------------- */

static void put_big_endian(struct buf *out, uint64_t v, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        buf_putc(out, (char)(v >> (8 * i)));
}

/* Texts without quotes, anything else as JSON. */
static void put_plain(struct buf *out, const struct json *j)
{
    if (j->kind == JSON_STRING)
        buf_puts(out, j->text);
    else
        json_print_as_written(out, j);
}

static enum status put_kafka(struct arena *a, struct buf *out, const struct side *side, const struct json *j,
                             struct diag *d)
{
    enum type_kind kind = side->n_columns == 1 ? side->columns[0].type->kind : KIND_STRING;
    int64_t whole = 0;
    double number = 0;
    bool ok = true;
    if (j->kind == JSON_TRUE || j->kind == JSON_FALSE)
        whole = j->kind == JSON_TRUE;
    switch (kind) {
    case KIND_INT:
        ok = parse_i64(j->text, &whole) && whole == (int32_t)whole;
        put_big_endian(out, (uint64_t)whole, 4);
        break;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        ok = parse_i64(j->text, &whole);
        put_big_endian(out, (uint64_t)whole, 8);
        break;
    case KIND_DOUBLE: {
        uint64_t bits;
        ok = parse_double(j->text, &number);
        memcpy(&bits, &number, sizeof bits);
        put_big_endian(out, bits, 8);
        break;
    }
    case KIND_BYTES: {
        struct str bytes = base64_decode(a, j->text);
        ok = j->kind == JSON_STRING && bytes.p;
        buf_puts(out, bytes);
        break;
    }
    default:
        put_plain(out, j);
    }
    return ok ? STATUS_OK
              : diag_set(d, STATUS_DATA, "the case's value '" STR_FMT "' is not of type %s", STR_ARG(j->text),
                         type_base_name(kind));
}

/* JSON null is the null payload in every format. */
static enum status side_from_json(struct arena *a, const struct side *side, const struct json *j, struct buf *out,
                                  bool *is_null, struct diag *d)
{
    *is_null = !j || j->kind == JSON_NULL;
    if (*is_null)
        return STATUS_OK;
    switch (side->format) {
    case FORMAT_KAFKA:
        return put_kafka(a, out, side, j, d);
    case FORMAT_DELIMITED:
        put_plain(out, j);
        return STATUS_OK;
    case FORMAT_NONE:
        *is_null = true;
        return STATUS_OK;
    case FORMAT_JSON:
        json_print_as_written(out, j);
        return STATUS_OK;
    default:
        return schema_encode(a, side, j, out, d);
    }
}

bool window_from_json(const struct json *node, struct test_window *out)
{
    const struct json *start = json_member(node, "start"), *end = json_member(node, "end");
    *out = (struct test_window){.given = node && node->kind == JSON_OBJECT};
    if (!out->given)
        return true;
    out->is_session = str_eq_nocase(json_text(node, "type"), STR("session"));
    return start && end && parse_i64(start->text, &out->start) && parse_i64(end->text, &out->end);
}

static enum status headers_from_json(struct arena *a, const struct json *list, const struct headers **out,
                                     struct diag *d)
{
    struct headers *headers = ARENA_NEW(a, struct headers);
    struct record_header *items = ARENA_ARRAY(a, struct record_header, list->n);
    if (!headers || !items)
        return diag_nomem(d);
    *headers = (struct headers){list->n, items};
    JSON_EACH (list, j) {
        struct str value = json_text(j, "VALUE");
        *items++ =
            (struct record_header){.key = json_text(j, "KEY"), .value = base64_decode(a, value), .is_null = !value.p};
    }
    *out = headers;
    return a->failed ? diag_nomem(d) : STATUS_OK;
}

enum status record_from_json(struct world *w, const struct json *node, const struct source *s, struct record *out,
                             struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena *a = &w->arena;
    struct side key = side_key(w, s), value = side_value(w, s);
    const struct json *ts = json_member(node, "timestamp"), *headers = json_member(node, "headers");
    struct test_window window;
    struct buf key_bytes, value_bytes;
    bool null_key, null_value;
    *out = (struct record){.ts = 0};
    buf_init(&key_bytes, 0);
    buf_init(&value_bytes, 0);
    TRY(side_from_json(a, &key, json_member(node, "key"), &key_bytes, &null_key, d));
    TRY(side_from_json(a, &value, json_member(node, "value"), &value_bytes, &null_value, d));
    if (!window_from_json(json_member(node, "window"), &window) || (ts && !parse_i64(ts->text, &out->ts)))
        TRY(diag_set(d, STATUS_INVALID, "an input has a bad window or timestamp"));
    if (window.given && window.is_session)
        put_big_endian(&key_bytes, (uint64_t)window.end, 8);
    if (window.given)
        put_big_endian(&key_bytes, (uint64_t)window.start, 8);
    if (headers)
        TRY(headers_from_json(a, headers, &out->headers, d));
    if (!null_key)
        out->key = str_dup(a, buf_str(&key_bytes));
    if (!null_value)
        out->value = str_dup(a, buf_str(&value_bytes));
    if (a->failed || key_bytes.failed || value_bytes.failed)
        st = diag_nomem(d);
done:
    buf_free(&key_bytes);
    buf_free(&value_bytes);
    return st;
}

/* ---- from bytes ------------------------------------------------------------------------------------------ */

static uint64_t big_endian(const char *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

bool window_split(const struct side *side, struct str *key, struct test_window *out)
{
    *out = (struct test_window){.given = side->window != WINDOW_NONE, .is_session = side->window == WINDOW_SESSION};
    uint32_t len = out->is_session ? 16 : 8;
    if (!out->given)
        return true;
    if (key->len < len)
        return false;
    key->len -= len;
    const char *at = key->p + key->len;
    if (out->is_session) {
        out->end = (int64_t)big_endian(at, 8);
        at += 8;
    }
    out->start = (int64_t)big_endian(at, 8);
    if (!out->is_session)
        out->end = out->start + side->window_size;
    return true;
}

static struct json *make_node(struct arena *a, enum json_kind kind, struct buf *text)
{
    struct json *j = ARENA_NEW(a, struct json);
    if (j)
        *j = (struct json){.kind = kind, .text = str_dup(a, buf_str(text))};
    buf_free(text);
    return j;
}

static const struct json *kafka_to_json(struct arena *a, const struct side *side, struct str bytes)
{
    struct buf text;
    enum type_kind kind = side->n_columns == 1 ? side->columns[0].type->kind : KIND_STRING;
    bool number = (kind == KIND_INT && bytes.len == 4) || (kind == KIND_BIGINT && bytes.len == 8) ||
                  (kind == KIND_TIMESTAMP && bytes.len == 8) || (kind == KIND_DOUBLE && bytes.len == 8);
    buf_init(&text, 0);
    if (number && kind == KIND_DOUBLE) {
        uint64_t bits = big_endian(bytes.p, 8);
        double value;
        memcpy(&value, &bits, sizeof value);
        print_double(&text, value);
        number = isfinite(value);
    } else if (number) {
        buf_put_i64(&text, kind == KIND_INT ? (int32_t)big_endian(bytes.p, 4) : (int64_t)big_endian(bytes.p, 8));
    } else if (kind == KIND_BYTES) {
        buf_puts(&text, base64_encode(a, bytes));
    } else {
        buf_puts(&text, bytes);
    }
    return make_node(a, number ? JSON_INTEGER : JSON_STRING, &text);
}

const struct json *side_to_json(struct arena *a, const struct side *side, struct str bytes)
{
    static const struct json null_node = {.kind = JSON_NULL};
    const struct json *tree;
    char error[256];
    struct buf text;
    if (!bytes.p)
        return &null_node;
    if (side->format == FORMAT_KAFKA)
        return kafka_to_json(a, side, bytes);
    if (side->format == FORMAT_JSON && (tree = json_parse_file(a, bytes, error, sizeof error)))
        return tree;
    if (side->format > FORMAT_JSON && (tree = schema_decode(a, side, bytes)))
        return tree;
    buf_init(&text, 0);
    buf_puts(&text, bytes);
    return make_node(a, JSON_STRING, &text);
}
