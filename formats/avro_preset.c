/* Defaults of an Avro schema, from JSON to binary: what is written where a row has no value and null is not possible. */
#include "formats/avro_int.h"
#include "formats/json_int.h"

enum { MAX_DEPTH = 100 };

struct preset {
    struct json_reader reader;
    struct arena *a; /* for texts */
    struct buf *out;
    uint32_t depth;
};

/* Returns the end of the value at p; NULL: it does not fit the type, or memory is out. */
static const char *put(struct preset *c, const struct avro_type *t, const char *p);

static struct str raw_at(struct preset *c, const char *p)
{
    const char *end = json_skip(&c->reader, p);
    return end ? str_make(p, (size_t)(end - p)) : (struct str){NULL, 0};
}

static bool put_whole(struct preset *c, const struct avro_type *t, struct str raw)
{
    int64_t n;
    if (!parse_i64(raw, &n) || (t->kind == WIRE_INT && n != (int32_t)n))
        return false;
    av_put_long(c->out, n);
    return true;
}

static bool put_float(struct preset *c, const struct avro_type *t, struct str raw)
{
    double d;
    bool named = raw.p[0] == '"' && raw.len > 2; /* "NaN" */
    if (!parse_double(named ? str_make(raw.p + 1, raw.len - 2) : raw, &d))
        return false;
    float f = (float)d;
    if (t->kind == WIRE_FLOAT)
        buf_put(c->out, &f, sizeof f);
    else
        buf_put(c->out, &d, sizeof d);
    return true;
}

/* Bytes are texts of the characters U+0000 to U+00FF. */
static bool latin_bytes(struct preset *c, struct str text, struct str *out)
{
    char *bytes = arena_alloc(c->a, text.len);
    uint32_t n = 0;
    if (!bytes)
        return false;
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char b = (unsigned char)text.p[i];
        if (b >= 0xC4)
            return false;
        if (b >= 0xC2)
            b = (unsigned char)(b << 6 | ((unsigned char)text.p[++i] & 0x3F));
        bytes[n++] = (char)b;
    }
    *out = str_make(bytes, n);
    return true;
}

static bool put_text(struct preset *c, const struct avro_type *t, struct str raw)
{
    if (raw.p[0] != '"')
        return false;
    struct str text = json_unescape(c->a, str_make(raw.p + 1, raw.len - 2));
    if (!text.p)
        return false;
    if (t->kind == WIRE_ENUM) {
        for (uint32_t i = 0; i < t->n; i++) {
            if (str_eq(t->symbols[i], text)) {
                av_put_long(c->out, i);
                return true;
            }
        }
        return false;
    }
    if (t->kind != WIRE_STRING && !latin_bytes(c, text, &text))
        return false;
    if (t->kind == WIRE_FIXED && text.len != t->n)
        return false;
    if (t->kind != WIRE_FIXED)
        av_put_long(c->out, text.len);
    buf_puts(c->out, text);
    return true;
}

static const char *put_elements(struct preset *c, const struct avro_type *t, const char *p)
{
    bool is_map = t->kind == WIRE_MAP;
    struct str name;
    unsigned flags;
    if (*p != (is_map ? '{' : '['))
        return NULL;
    enum json_step step;
    p++;
    for (bool first = true;; first = false) {
        step =
            is_map ? json_next_member(&c->reader, &p, first, &name, &flags) : json_next_element(&c->reader, &p, first);
        if (step != JSON_NEXT)
            break;
        av_put_long(c->out, 1); /* a block each */
        if (is_map) {
            name = json_unescape(c->a, name);
            av_put_long(c->out, name.len);
            buf_puts(c->out, name);
        }
        p = put(c, t->element, p);
        if (!p)
            return NULL;
    }
    av_put_long(c->out, 0);
    return step == JSON_CLOSED ? p : NULL;
}

/* The value of a field in the object at p; NULL: it has none. */
static const char *member_at(struct preset *c, const char *p, struct str name)
{
    struct str raw;
    unsigned flags;
    const char *found = NULL;
    p++;
    for (bool first = true; json_next_member(&c->reader, &p, first, &raw, &flags) == JSON_NEXT; first = false) {
        if (str_eq(raw, name))
            found = p;
        p = json_skip(&c->reader, p);
    }
    return found;
}

static const char *put_record(struct preset *c, const struct avro_type *t, const char *p)
{
    if (*p != '{')
        return NULL;
    for (uint32_t i = 0; i < t->n; i++) {
        const struct avro_field *field = &t->fields[i];
        const char *value = member_at(c, p, field->name), *end = c->reader.end;
        if (!value && field->preset.p) {
            value = field->preset.p;
            c->reader.end = value + field->preset.len;
        }
        value = value ? put(c, field->type, value) : NULL;
        c->reader.end = end;
        if (!value)
            return NULL;
    }
    return json_skip(&c->reader, p);
}

static const char *put(struct preset *c, const struct avro_type *t, const char *p)
{
    struct str raw = raw_at(c, p);
    bool ok = true;
    if (!raw.p || ++c->depth > MAX_DEPTH)
        return NULL;
    switch (t->kind) {
    case WIRE_NULL:
        ok = str_eq(raw, STR("null"));
        break;
    case WIRE_BOOLEAN:
        ok = str_eq(raw, STR("true")) || str_eq(raw, STR("false"));
        buf_putc(c->out, raw.p[0] == 't');
        break;
    case WIRE_INT:
    case WIRE_LONG:
        ok = put_whole(c, t, raw);
        break;
    case WIRE_FLOAT:
    case WIRE_DOUBLE:
        ok = put_float(c, t, raw);
        break;
    case WIRE_UNION: /* a default is of the first branch */
        av_put_long(c->out, 0);
        ok = put(c, t->members[0], p) != NULL;
        break;
    case WIRE_ARRAY:
    case WIRE_MAP:
        ok = put_elements(c, t, p) != NULL;
        break;
    case WIRE_RECORD:
        ok = put_record(c, t, p) != NULL;
        break;
    default:
        ok = put_text(c, t, raw);
    }
    c->depth--;
    return ok ? raw.p + raw.len : NULL;
}

enum status av_preset(struct arena *a, const struct avro_field *field, struct str *out, struct diag *d)
{
    struct buf b;
    buf_init(&b, 0);
    struct preset c = {.reader = {.end = field->preset.p + field->preset.len}, .a = a, .out = &b};
    bool ok = put(&c, field->type, field->preset.p) != NULL;
    *out = str_dup(a, buf_str(&b));
    bool failed = b.failed || a->failed;
    buf_free(&b);
    if (failed)
        return diag_nomem(d);
    return ok ? STATUS_OK
              : diag_set(d, STATUS_INVALID, "Invalid default for field " STR_FMT ": " STR_FMT, STR_ARG(field->name),
                         STR_ARG(field->preset));
}
