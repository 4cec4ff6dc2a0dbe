/* JSON scalars to SQL values by ksqlDB's rules of coercion, and the words for values of the wrong kind. */
#include "formats/json_convert_int.h"

/* ---- errors ------------------------------------------------------------------------------------------- */

static void put_path(struct buf *out, const struct json_path *path)
{
    if (!path) {
        buf_putc(out, '$');
        return;
    }
    put_path(out, path->up);
    if (path->name.p)
        buf_printf(out, "." STR_FMT "%s", STR_ARG(path->name), path->is_entry ? ".value" : "");
    else
        buf_printf(out, "[%u]", path->index);
}

/* Ends a reason that is in the buffer already. */
static const char *fail(struct json_context *c, const struct json_path *path)
{
    buf_puts(c->run->reason, STR(", path: "));
    put_path(c->run->reason, path);
    return NULL;
}

/* Types as ksqlDB's formatter of Connect schemas names them. */
static void put_schema(struct buf *out, const struct type *t)
{
    switch (t->kind) {
    case KIND_INT:
        buf_puts(out, STR("INT"));
        break;
    case KIND_STRING:
        buf_puts(out, STR("VARCHAR"));
        break;
    case KIND_ARRAY:
        buf_puts(out, STR("ARRAY<"));
        put_schema(out, t->element);
        buf_putc(out, '>');
        break;
    case KIND_MAP:
        buf_puts(out, STR("MAP<"));
        put_schema(out, t->key);
        buf_puts(out, STR(", "));
        put_schema(out, t->element);
        buf_putc(out, '>');
        break;
    case KIND_STRUCT:
        buf_puts(out, t->n_fields ? STR("STRUCT<") : STR("STRUCT< "));
        for (uint32_t i = 0; i < t->n_fields; i++) {
            buf_printf(out, "%s" STR_FMT " ", i ? ", " : "", STR_ARG(t->fields[i].name));
            put_schema(out, t->fields[i].type);
        }
        buf_putc(out, '>');
        break;
    default:
        type_print(out, t);
    }
}

static const char *node_class(const char *p, const char *end)
{
    switch (*p) {
    case '"':
        return "TextNode";
    case '{':
        return "ObjectNode";
    case '[':
        return "ArrayNode";
    case 't':
    case 'f':
        return "BooleanNode";
    default:
        return json_number_class(str_make(p, (size_t)(end - p)));
    }
}

const char *json_wrong_kind(struct json_context *c, const struct type *t, const char *source,
                            const struct json_path *path)
{
    buf_printf(c->run->reason, "Can't convert type. sourceType: %s, requiredType: ", source);
    switch (t->kind) {
    case KIND_BOOLEAN:
    case KIND_INT:
    case KIND_BIGINT:
    case KIND_DOUBLE:
        buf_puts(c->run->reason, str_from(type_base_name(t->kind)));
        break;
    default:
        put_schema(c->run->reason, t);
    }
    return fail(c, path);
}

const char *json_wrong_value(struct json_context *c, const struct type *t, const char *p, const struct json_path *path)
{
    return json_wrong_kind(c, t, node_class(p, json_skip(&c->reader, p)), path);
}

static const char *wrong_kind_at(struct json_context *c, const struct type *t, const char *p, const char *end,
                                 const struct json_path *path)
{
    return json_wrong_kind(c, t, node_class(p, end), path);
}

static const char *bad_text(struct json_context *c, const struct type *t, const struct json_path *path)
{
    buf_printf(c->run->reason, "Can't coerce string to type. targetType: %s", type_base_name(t->kind));
    return fail(c, path);
}

/* ---- scalars ------------------------------------------------------------------------------------------ */

/* The text of a string value; escapes are resolved into `a`. */
static bool text_of(const char *p, const char *end, struct arena *a, struct str *s)
{
    *s = str_make(p + 1, (size_t)(end - p - 2));
    if (s->len && memchr(s->p, '\\', s->len))
        *s = json_unescape(a, *s);
    return s->p != NULL;
}

static bool string_value(struct json_context *c, const char *p, const char *end, struct value *out)
{
    if (!out)
        return true; /* anything is a text */
    if (*p == '"')
        return text_of(p, end, c->run->a, &out->str);
    struct str raw = str_make(p, (size_t)(end - p));
    if (*p == '{' || *p == '[') {
        c->text->len = 0;
        if (!json_put_text(&c->reader, c->text, p, c->scratch)) {
            c->run->a->failed = true;
            return false;
        }
        out->str = str_dup(c->run->a, buf_str(c->text));
    } else if (*p == 't' || *p == 'f') {
        out->str = raw;
    } else {
        out->str = json_number_text(c->run->a, raw);
    }
    return out->str.p != NULL;
}

/* A number, or text that Long.parseLong takes: 1. 0: wrong kind; -1: bad text; -2: no memory. */
static int integer_value(struct json_context *c, const char *p, const char *end, int64_t *v)
{
    struct str s;
    if (*p == '-' || (*p >= '0' && *p <= '9')) {
        *v = json_number_i64(str_make(p, (size_t)(end - p)));
        return 1;
    }
    if (*p != '"')
        return 0;
    if (!text_of(p, end, c->scratch, &s))
        return -2;
    return parse_i64(s, v) ? 1 : -1;
}

static const char *convert_integer(struct json_context *c, const struct type *t, const char *p, const char *end,
                                   const struct json_path *path, struct value *v)
{
    int64_t number = 0;
    int found = integer_value(c, p, end, &number);
    if (found == 1 && t->kind == KIND_INT && *p == '"' && number != (int32_t)number)
        found = -1;
    if (found == -1)
        return bad_text(c, t, path);
    if (found == -2)
        return NULL;
    if (found == 0)
        return wrong_kind_at(c, t, p, end, path);
    if (t->kind == KIND_TIME) {
        if (!time_from_millis(number, &v->i32, c->run->reason))
            return fail(c, path);
    } else if (t->kind == KIND_DATE) {
        v->i32 = date_saturated(number);
    } else if (t->kind == KIND_INT) {
        v->i32 = (int32_t)number;
    } else {
        v->i64 = number;
    }
    return end;
}

static const char *convert_double(struct json_context *c, const struct type *t, const char *p, const char *end,
                                  const struct json_path *path, struct value *v)
{
    struct str s;
    if (*p == '-' || (*p >= '0' && *p <= '9')) {
        v->f64 = json_number_f64(str_make(p, (size_t)(end - p)));
        return end;
    }
    if (*p != '"')
        return wrong_kind_at(c, t, p, end, path);
    if (!text_of(p, end, c->scratch, &s))
        return NULL;
    return parse_double(s, &v->f64) ? end : bad_text(c, t, path);
}

static const char *convert_decimal(struct json_context *c, const struct type *t, const char *p, const char *end,
                                   const struct json_path *path, struct arena *a, struct value *v)
{
    struct str s = str_make(p, (size_t)(end - p));
    if (*p == '"') {
        if (!text_of(p, end, c->scratch, &s))
            return NULL;
    } else if (*p != '-' && !(*p >= '0' && *p <= '9')) {
        return wrong_kind_at(c, t, p, end, path);
    }
    int128 *decimal = arena_alloc(a, sizeof *decimal);
    if (!decimal)
        return NULL;
    v->decimal = decimal;
    return decimal_text_fit(s, t, decimal, c->run->reason) ? end : fail(c, path);
}

static const char *convert_bytes(struct json_context *c, const struct type *t, const char *p, const char *end,
                                 const struct json_path *path, struct arena *a, struct value *v)
{
    struct str s;
    if (*p != '"')
        return wrong_kind_at(c, t, p, end, path);
    if (!text_of(p, end, c->scratch, &s))
        return NULL;
    char *bytes = arena_alloc(a, (size_t)s.len / 4 * 3);
    if (!bytes)
        return NULL;
    int64_t n = base64_decode_mime(s, bytes);
    if (n < 0) {
        buf_puts(c->run->reason, STR("Value is not a valid Base64 encoded string: "));
        buf_puts(c->run->reason, s);
        return fail(c, path);
    }
    v->str = str_make(bytes, (size_t)n);
    return end;
}

const char *json_convert_scalar(struct json_context *c, const struct type *t, const char *p,
                                const struct json_path *path, struct value *out)
{
    const char *end = json_skip(&c->reader, p);
    struct value ignored, *v = out ? out : &ignored;
    v->kind = (uint8_t)t->kind;
    switch (t->kind) {
    case KIND_BOOLEAN:
        if (*p != 't' && *p != 'f')
            return wrong_kind_at(c, t, p, end, path);
        v->boolean = *p == 't';
        return end;
    case KIND_DOUBLE:
        return convert_double(c, t, p, end, path, v);
    case KIND_DECIMAL:
        return convert_decimal(c, t, p, end, path, json_arena_of(c, out), v);
    case KIND_BYTES:
        return convert_bytes(c, t, p, end, path, json_arena_of(c, out), v);
    case KIND_STRING:
        return string_value(c, p, end, out) ? end : NULL;
    default:
        return convert_integer(c, t, p, end, path, v);
    }
}
