/* Avro for cases: JSON values to the bytes that a schema makes of them, and back, by avro-c: a second opinion on the codec, which
 * has nothing in common with this. avro-c forgets logical types, defaults and foreign attributes, so a value is walked together
 * with the JSON of its type. Names are resolved by avro-c alone, as the specification has it: without a fallback to no namespace. */
#include "cli/test/schemas.h"
#include "functions/codec.h"
#include "functions/text.h"

#include <avro.h>

struct codec {
    struct arena *a;
    struct diag *d;
    avro_schema_t frame; /* a record: a field for each referenced schema, and the last for the schema itself */
    avro_value_iface_t *class;
    avro_value_t whole, value;      /* of the frame; its last field */
    const struct json *text, *type; /* the JSON of the frame; of its last field's type */
    bool is_strict;                 /* texts and numbers are not taken for each other */
};

enum { MAX_DEPTH = 200 };

static const struct str no_text = {NULL, 0};

/* ---- schemas --------------------------------------------------------------------------------------------- */

/* The fields of the frame. A type must not be defined twice. */
static bool put_fields(struct codec *c, struct registry *registry, const struct registered_schema *schema,
                       struct buf *out)
{
    const struct registered_schema *found;
    for (uint32_t i = 0; i < schema->n_references; i++) {
        const struct schema_reference *ref = &schema->references[i];
        if (registry_by_subject(registry, ref->subject, ref->version, &found, c->d) != STATUS_OK)
            return false;
        bool is_there = out->len && memmem(out->p, out->len, found->text.p, found->text.len);
        if (!is_there && !put_fields(c, registry, found, out))
            return false;
    }
    buf_printf(out, "%s{\"name\":\"f%zu\",\"type\":", out->len ? "," : "", out->len);
    buf_puts(out, schema->text);
    buf_putc(out, '}');
    return !out->failed;
}

static const struct json *nth(const struct json *list, size_t n)
{
    JSON_EACH (list, child)
        if (n-- == 0)
            return child;
    return NULL;
}

static avro_schema_t target(avro_schema_t schema)
{
    return is_avro_link(schema) ? avro_schema_link_target(schema) : schema;
}

/* The JSON that defines `wanted` somewhere within a schema. */
static const struct json *find_type(avro_schema_t schema, const struct json *text, avro_schema_t wanted)
{
    const struct json *found = schema == wanted ? text : NULL, *fields = json_member(text, "fields");
    int at = 0;
    if (is_avro_array(schema))
        return find_type(avro_schema_array_items(schema), json_member(text, "items"), wanted);
    if (is_avro_map(schema))
        return find_type(avro_schema_map_values(schema), json_member(text, "values"), wanted);
    for (const struct json *j = is_avro_union(schema) ? text->first : NULL; j && !found; j = j->next)
        found = find_type(avro_schema_union_branch(schema, at++), j, wanted);
    for (const struct json *j = fields && is_avro_record(schema) ? fields->first : NULL; j && !found; j = j->next)
        found = find_type(avro_schema_record_field_get_by_index(schema, at++), json_member(j, "type"), wanted);
    return found;
}

/* The JSON of a type for which there may be only a name. */
static const struct json *definition(const struct codec *c, avro_schema_t schema, const struct json *type)
{
    bool is_known = json_member(type, "fields") || json_member(type, "size");
    schema = target(schema);
    return !is_known && is_avro_named_type(schema) ? find_type(c->frame, c->text, schema) : type;
}

/* avro-c makes a record with all its fields: it must hold itself only in arrays, maps and unions. */
static bool is_finite(avro_schema_t schema, int depth)
{
    schema = target(schema);
    for (size_t i = 0; is_avro_record(schema) && i < avro_schema_record_size(schema); i++)
        if (depth > MAX_DEPTH || !is_finite(avro_schema_record_field_get_by_index(schema, (int)i), depth + 1))
            return false;
    return true;
}

/* False where the schema is malformed, with avro-c's or our own reason in avro_strerror. */
static bool open_frame(struct codec *c, struct str text)
{
    char error[256];
    avro_schema_t frame;
    c->text = json_parse_file(c->a, text, error, sizeof error);
    if (!c->text)
        avro_set_error("%s", error);
    if (!c->text || avro_schema_from_json_length(text.p, text.len, &frame))
        return false;
    c->frame = frame;
    size_t last = avro_schema_record_size(frame) - 1;
    c->type = json_member(nth(json_member(c->text, "fields"), last), "type");
    if (is_finite(frame, 0))
        c->class = avro_generic_class_from_schema(frame);
    else
        avro_set_error("a record without end");
    return c->class && !avro_generic_value_new(c->class, &c->whole) &&
           !avro_value_get_by_index(&c->whole, last, &c->value, NULL);
}

static bool open_codec(struct codec *c, struct registry *registry, const struct registered_schema *schema)
{
    struct str text = no_text;
    struct buf fields;
    buf_init(&fields, 0);
    if (put_fields(c, registry, schema, &fields))
        text = str_printf(c->a, "{\"type\":\"record\",\"name\":\"weir_frame\",\"fields\":[%s]}", buf_z(&fields));
    buf_free(&fields);
    bool ok = text.p && open_frame(c, text);
    if (text.p && !ok)
        (void)!diag_set(c->d, STATUS_INVALID, "a schema of the case: %s: " STR_FMT, avro_strerror(),
                        STR_ARG(schema->text));
    return ok;
}

static void close_codec(struct codec *c)
{
    if (c->whole.iface)
        avro_value_decref(&c->whole);
    if (c->class)
        avro_value_iface_decref(c->class);
    if (c->frame)
        avro_schema_decref(c->frame);
}

/* -1: not a decimal. */
static int scale_of(const struct json *type)
{
    const struct json *scale = json_member(type, "scale");
    int64_t n = 0;
    if (!str_eq(json_text(type, "logicalType"), STR("decimal")))
        return -1;
    return scale && parse_i64(scale->text, &n) && n > 0 && n <= INT32_MAX ? (int)n : 0;
}

/* ---- to bytes: false where a value does not fit ------------------------------------------------------------ */

static bool set_value(struct codec *c, avro_value_t *v, const struct json *type, const struct json *j);

static struct str text_of(struct codec *c, const struct json *j)
{
    struct buf text;
    buf_init(&text, 0);
    if (j->kind == JSON_STRING)
        buf_puts(&text, j->text);
    else
        json_print_as_written(&text, j);
    return text_take(c->a, &text);
}

static struct str decimal_bytes(struct codec *c, const avro_value_t *v, int to, const struct json *j)
{
    int128 n;
    int scale;
    int64_t size = 1;
    bool fits = (json_is_number(j) || !c->is_strict) && parse_decimal(j->text, &n, &scale) && scale <= to;
    for (; fits && n && scale < to; scale++)
        fits = !__builtin_mul_overflow(n, (int128)10, &n);
    while (fits && size < 16 && n >> (8 * size - 1) != 0 && n >> (8 * size - 1) != -1)
        size++;
    if (fits && avro_value_get_type(v) == AVRO_FIXED) {
        fits = size <= avro_schema_fixed_size(avro_value_get_schema(v));
        size = avro_schema_fixed_size(avro_value_get_schema(v));
    }
    char *bytes = fits ? arena_alloc(c->a, (size_t)size) : NULL;
    for (int64_t i = size; bytes && i > 0; n >>= 8)
        bytes[--i] = (char)n;
    return str_make(bytes, (size_t)size);
}

static bool set_bytes(struct codec *c, avro_value_t *v, const struct json *type, const struct json *j)
{
    struct str bytes = scale_of(type) >= 0      ? decimal_bytes(c, v, scale_of(type), j)
                       : j->kind == JSON_STRING ? base64_decode(c->a, j->text)
                                                : no_text;
    bool is_fixed = avro_value_get_type(v) == AVRO_FIXED;
    return bytes.p && !(is_fixed ? avro_value_set_fixed(v, (void *)bytes.p, bytes.len)
                                 : avro_value_set_bytes(v, (void *)bytes.p, bytes.len));
}

static const struct json *find_member(const struct json *object, struct str name)
{
    const struct json *found = NULL;
    JSON_EACH (object, child)
        if (str_eq(child->key, name) || (!found && str_eq_nocase(child->key, name)))
            found = child;
    return found;
}

static bool set_record(struct codec *c, avro_value_t *v, const struct json *type, const struct json *j)
{
    static const struct json null_node = {.kind = JSON_NULL};
    avro_value_t item;
    size_t at = 0;
    JSON_EACH (json_member(type, "fields"), field) {
        const struct json *value = find_member(j, json_text(field, "name"));
        if (!value)
            value = json_member(field, "default");
        if (j->kind != JSON_OBJECT || avro_value_get_by_index(v, at++, &item, NULL) ||
            !set_value(c, &item, json_member(field, "type"), value ? value : &null_node))
            return false;
    }
    return j->kind == JSON_OBJECT;
}

/* A map may be a list of records with a key and a value. */
static bool set_children(struct codec *c, avro_value_t *v, const struct json *type, const struct json *j)
{
    bool is_map = avro_value_get_type(v) == AVRO_MAP, is_entries = !is_map && j->kind == JSON_OBJECT, fits = true;
    avro_value_t item;
    type = json_member(type, is_map ? "values" : "items");
    JSON_EACH (j, child) {
        struct str name = str_dup(c->a, child->key);
        fits = fits && name.p &&
               !(is_map ? avro_value_add(v, name.p, &item, NULL, NULL) : avro_value_append(v, &item, NULL));
        if (!fits || !is_entries) {
            fits = fits && set_value(c, &item, type, child);
            continue;
        }
        const struct json *fields = json_member(definition(c, avro_value_get_schema(&item), type), "fields");
        struct json value = *child, key = {.kind = JSON_STRING, .text = child->key, .next = &value};
        key.key = json_text(nth(fields, 0), "name");
        value.key = json_text(nth(fields, 1), "name");
        value.next = NULL;
        fits =
            fields && fields->n == 2 && set_value(c, &item, type, &(struct json){.kind = JSON_OBJECT, .first = &key});
    }
    return fits && (j->kind == JSON_OBJECT || (!is_map && j->kind == JSON_ARRAY));
}

/* The first branch that the value fits as it is; else the first that can be made of it. */
static bool set_union(struct codec *c, avro_value_t *v, const struct json *type, const struct json *j)
{
    bool was_strict = c->is_strict, fits = false;
    avro_schema_t schema = avro_value_get_schema(v);
    int n = (int)avro_schema_union_size(schema);
    avro_value_t branch;
    for (int i = 0; i < (was_strict ? n : 2 * n) && !fits; i++) {
        if (is_avro_null(avro_schema_union_branch(schema, i % n)) != (j->kind == JSON_NULL))
            continue;
        c->is_strict = was_strict || i < n;
        diag_clear(c->d); /* what was wrong with the last branch is told */
        fits = !avro_value_set_branch(v, i % n, &branch) && !avro_value_reset(&branch) &&
               set_value(c, &branch, nth(type, (size_t)(i % n)), j);
    }
    c->is_strict = was_strict;
    return fits;
}

static bool set_by_type(struct codec *c, avro_value_t *v, const struct json *type, const struct json *j,
                        struct str text)
{
    int64_t n = 0;
    double number = 0;
    bool may_be_number = json_is_number(j) || !c->is_strict, may_be_text = j->kind == JSON_STRING || !c->is_strict;
    bool is_whole = may_be_number && parse_i64(j->text, &n),
         is_number = may_be_number && parse_double(j->text, &number);
    switch (avro_value_get_type(v)) {
    case AVRO_NULL:
        return j->kind == JSON_NULL && !avro_value_set_null(v);
    case AVRO_BOOLEAN:
        return (j->kind == JSON_TRUE || j->kind == JSON_FALSE) && !avro_value_set_boolean(v, j->kind == JSON_TRUE);
    case AVRO_INT32:
        return is_whole && n == (int32_t)n && !avro_value_set_int(v, (int32_t)n);
    case AVRO_INT64:
        return is_whole && !avro_value_set_long(v, n);
    case AVRO_FLOAT:
    case AVRO_DOUBLE: /* a type refuses what is meant for the other */
        return is_number && (!avro_value_set_float(v, (float)number) || !avro_value_set_double(v, number));
    case AVRO_BYTES:
    case AVRO_FIXED:
        return set_bytes(c, v, type, j);
    case AVRO_STRING:
        return may_be_text && j->kind != JSON_NULL && !avro_value_set_string_len(v, text.p, text.len + (size_t)1);
    case AVRO_ENUM:
        n = may_be_text ? avro_schema_enum_get_by_name(avro_value_get_schema(v), text.p) : -1;
        return n >= 0 && !avro_value_set_enum(v, (int)n);
    case AVRO_RECORD:
        return set_record(c, v, type, j);
    case AVRO_UNION:
        return set_union(c, v, type, j);
    default:
        return set_children(c, v, type, j);
    }
}

static bool set_value(struct codec *c, avro_value_t *v, const struct json *type, const struct json *j)
{
    avro_schema_t schema = avro_value_get_schema(v);
    struct str text = text_of(c, j);
    bool fits = text.p && set_by_type(c, v, definition(c, schema, type), j, text);
    if (text.p && !fits && c->d->code == STATUS_OK) /* the innermost of them speaks */
        (void)!diag_set(c->d, STATUS_DATA, "the case's value '" STR_FMT "' is no Avro %s", STR_ARG(text),
                        avro_schema_type_name(schema));
    return fits;
}

enum status test_avro_encode(struct arena *a, struct registry *registry, const struct registered_schema *schema,
                             const struct json *j, struct buf *out, struct diag *d)
{
    struct codec c = {.a = a, .d = d};
    size_t size = 0;
    bool ok = open_codec(&c, registry, schema) && set_value(&c, &c.value, c.type, j) &&
              !avro_value_sizeof(&c.value, &size) && buf_reserve(out, size);
    avro_writer_t writer = ok ? avro_writer_memory(out->p + out->len, (int64_t)size) : NULL;
    ok = writer && !avro_value_write(writer, &c.value);
    if (writer)
        avro_writer_free(writer);
    out->len += ok ? size : 0;
    close_codec(&c);
    return ok ? STATUS_OK : d->code ? d->code : diag_nomem(d);
}

/* ---- from bytes: NULL where they are malformed --------------------------------------------------------------- */

static struct json *get_value(struct codec *c, const avro_value_t *v, const struct json *type);

static struct json *leaf(struct codec *c, enum json_kind kind, struct str text)
{
    struct json *j = ARENA_NEW(c->a, struct json);
    if (j)
        *j = (struct json){.kind = kind, .text = text};
    return j;
}

/* Of records, maps and arrays. A list of a map's entries becomes an object. */
static struct json *get_children(struct codec *c, const avro_value_t *v, const struct json *type)
{
    bool is_record = avro_value_get_type(v) == AVRO_RECORD, is_array = avro_value_get_type(v) == AVRO_ARRAY;
    avro_schema_t schema = avro_value_get_schema(v);
    const struct json *fields = json_member(type, "fields"), *inner = json_member(type, is_array ? "items" : "values");
    const struct json *items = is_array ? definition(c, avro_schema_array_items(schema), inner) : NULL;
    bool is_entries = str_eq(json_text(items, "connect.internal.type"), STR("MapEntry"));
    struct json *out = leaf(c, is_array && !is_entries ? JSON_ARRAY : JSON_OBJECT, no_text),
                **tail = out ? &out->first : NULL;
    avro_value_t item;
    size_t n = 0;
    (void)avro_value_get_size(v, &n);
    for (size_t i = 0; out && i < n; i++) {
        const char *name = NULL;
        struct json *child = NULL;
        if (!avro_value_get_by_index(v, i, &item, &name))
            child = get_value(c, &item, is_record ? json_member(nth(fields, i), "type") : inner);
        if (!child || (is_entries && child->n != 2))
            return NULL;
        struct str key = is_entries ? child->first->text : str_dup(c->a, str_from(name));
        child = is_entries ? child->first->next : child;
        child->key = key;
        *tail = child;
        tail = &child->next;
        out->n++;
    }
    return out;
}

static enum json_kind put_bytes(struct codec *c, struct buf *out, const struct json *type, struct str bytes)
{
    int scale = scale_of(type);
    unsigned __int128 v = bytes.len && bytes.p[0] < 0 ? ~(unsigned __int128)0 : 0;
    for (uint32_t i = 0; i < bytes.len; i++)
        v = v << 8 | (unsigned char)bytes.p[i];
    if (scale >= 0)
        print_decimal(out, (int128)v, (unsigned)scale);
    else
        buf_puts(out, base64_encode(c->a, bytes));
    return scale < 0 ? JSON_STRING : scale ? JSON_DECIMAL : JSON_INTEGER;
}

static struct json *get_value(struct codec *c, const avro_value_t *v, const struct json *type)
{
    avro_schema_t schema = avro_value_get_schema(v);
    enum json_kind kind = JSON_STRING;
    const void *p = "";
    const char *z = "";
    size_t n = 0;
    int32_t small = 0;
    int64_t whole = 0;
    float single = 0;
    double number = 0;
    avro_value_t branch;
    struct buf text;
    buf_init(&text, 0);
    type = definition(c, schema, type);
    switch (avro_value_get_type(v)) {
    case AVRO_NULL:
        kind = JSON_NULL;
        break;
    case AVRO_BOOLEAN:
        kind = !avro_value_get_boolean(v, &small) && small ? JSON_TRUE : JSON_FALSE;
        break;
    case AVRO_INT32:
    case AVRO_INT64:
        kind = JSON_INTEGER;
        buf_put_i64(&text, !avro_value_get_int(v, &small) || avro_value_get_long(v, &whole) ? small : whole);
        break;
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        number = !avro_value_get_float(v, &single) || avro_value_get_double(v, &number) ? single : number;
        kind = number - number == 0 ? JSON_DECIMAL : JSON_STRING;
        print_double(&text, number);
        break;
    case AVRO_STRING:
        if (!avro_value_get_string(v, &z, &n))
            buf_put(&text, z, n - 1);
        break;
    case AVRO_ENUM:
        if (avro_value_get_enum(v, &small) || small < 0 || small >= avro_schema_enum_number_of_symbols(schema))
            return NULL;
        buf_puts(&text, str_from(avro_schema_enum_get(schema, small)));
        break;
    case AVRO_BYTES:
    case AVRO_FIXED:
        if (!avro_value_get_bytes(v, &p, &n) || !avro_value_get_fixed(v, &p, &n))
            kind = put_bytes(c, &text, type, str_make(p, n));
        break;
    case AVRO_UNION:
        if (avro_value_get_discriminant(v, &small) || avro_value_get_current_branch(v, &branch))
            return NULL;
        return get_value(c, &branch, nth(type, (size_t)small));
    default:
        return get_children(c, v, type);
    }
    return leaf(c, kind, text_take(c->a, &text));
}

const struct json *test_avro_decode(struct arena *a, struct registry *registry, const struct registered_schema *schema,
                                    struct str bytes)
{
    struct diag d = DIAG_INIT;
    struct codec c = {.a = a, .d = &d};
    struct json *out = NULL;
    avro_reader_t reader = open_codec(&c, registry, schema) ? avro_reader_memory(bytes.p, bytes.len) : NULL;
    if (reader && !avro_value_read(reader, &c.value) && avro_skip(reader, 1)) /* nothing is left */
        out = get_value(&c, &c.value, c.type);
    if (reader)
        avro_reader_free(reader);
    close_codec(&c);
    return out;
}
