/* Avro schema texts into graphs of types, with Connect's attributes for maps, decimals, dates and times.
 *
 * The text is read where it is, by looking members up in raw JSON: schemas are small, and read once. Names are taken as
 * they are: whether they are well-formed was the registry's to check. */
#include "formats/avro_int.h"
#include "formats/json_int.h"

enum { MAX_DEPTH = 100, MAX_REFERENCES = 200, MAX_SCALE = 1000 };

struct parser {
    struct registry *r;
    struct arena *a;
    struct diag *d;
    struct map names; /* full name -> struct avro_type * */
    uint32_t depth, n_references;
    const char *end; /* of the text at hand */
};

static const char *const wire_names[] = {"null",   "boolean", "int",  "long",  "float", "double", "bytes",
                                         "string", "fixed",   "enum", "array", "map",   "record", "union"};

const char *av_wire_name(enum wire_kind kind)
{
    return wire_names[kind];
}

static enum status refuse(struct parser *s, const char *what, struct str text)
{
    return diag_set(s->d, STATUS_INVALID, "Not an Avro schema: %s" STR_FMT, what, STR_ARG(text));
}

/* ---- raw JSON ----------------------------------------------------------------------------------------- */

/* The value of a member of the object at p, as raw text; p NULL: it has none. */
static struct str member(struct parser *s, const char *p, const char *name)
{
    struct json_reader reader = {.end = s->end};
    struct str raw, found = {NULL, 0};
    unsigned flags;
    p++;
    for (bool first = true; json_next_member(&reader, &p, first, &raw, &flags) == JSON_NEXT; first = false) {
        const char *end = json_skip(&reader, p);
        if (str_eq(raw, str_from(name)))
            found = str_make(p, (size_t)(end - p));
        p = end;
    }
    return found;
}

/* The text of a raw string; p NULL: it is none. */
static struct str string_of(struct parser *s, struct str raw)
{
    if (!raw.p || raw.len < 2 || raw.p[0] != '"')
        return (struct str){NULL, 0};
    return json_unescape(s->a, str_make(raw.p + 1, raw.len - 2));
}

static struct str string_member(struct parser *s, const char *p, const char *name)
{
    return string_of(s, member(s, p, name));
}

/* A whole number, also as a string, as Connect's parameters have it. -1: it is none. */
static int64_t number_of(struct parser *s, struct str raw)
{
    struct str text = raw.p && raw.p[0] == '"' ? string_of(s, raw) : raw;
    int64_t n;
    return text.p && parse_i64(text, &n) && n >= 0 && n <= INT32_MAX ? n : -1;
}

static uint32_t count_elements(struct parser *s, const char *p)
{
    struct json_reader reader = {.end = s->end};
    uint32_t n = 0;
    p++;
    while (json_next_element(&reader, &p, n == 0) == JSON_NEXT) {
        p = json_skip(&reader, p);
        n++;
    }
    return n;
}

/* ---- names -------------------------------------------------------------------------------------------- */

static struct str namespace_of(struct str full)
{
    const char *dot = full.len ? memrchr(full.p, '.', full.len) : NULL;
    return dot ? str_make(full.p, (size_t)(dot - full.p)) : (struct str){"", 0};
}

static struct str full_name(struct parser *s, struct str name, struct str space)
{
    if (space.len == 0 || (name.len && memchr(name.p, '.', name.len)))
        return name;
    return str_printf(s->a, STR_FMT "." STR_FMT, STR_ARG(space), STR_ARG(name));
}

static enum status define(struct parser *s, const char *p, struct str *space, struct avro_type *t)
{
    struct str name = string_member(s, p, "name"), own = string_member(s, p, "namespace");
    if (!name.p)
        return refuse(s, "a type has no name", STR(""));
    struct str full = full_name(s, name, own.p ? own : *space);
    *space = namespace_of(full);
    t->name = space->len ? str_make(full.p + space->len + 1, full.len - space->len - 1) : full;
    return !s->a->failed && map_put(&s->names, full, t) ? STATUS_OK : diag_nomem(s->d);
}

static enum status named(struct parser *s, struct str name, struct str space, struct avro_type **out)
{
    for (int kind = WIRE_NULL; kind <= WIRE_STRING; kind++) {
        if (str_eq(name, str_from(wire_names[kind]))) {
            *out = ARENA_NEW(s->a, struct avro_type);
            if (!*out)
                return diag_nomem(s->d);
            (*out)->kind = (enum wire_kind)kind;
            return STATUS_OK;
        }
    }
    struct str full = full_name(s, name, space);
    if (!full.p)
        return diag_nomem(s->d);
    *out = map_get(&s->names, full);
    if (!*out)
        *out = map_get(&s->names, name);
    return *out ? STATUS_OK : refuse(s, "undefined name: ", name);
}

/* ---- types -------------------------------------------------------------------------------------------- */

static enum status parse_type(struct parser *s, const char *p, struct str space, struct avro_type **out);

static enum status parse_element(struct parser *s, const char *p, const char *name, struct str space,
                                 struct avro_type *t)
{
    struct str raw = member(s, p, name);
    struct avro_type *element;
    if (!raw.p)
        return refuse(s, "no type of elements in ", str_from(wire_names[t->kind]));
    enum status st = parse_type(s, raw.p, space, &element);
    t->element = element;
    return st;
}

static enum status parse_field(struct parser *s, const char *p, struct str space, struct avro_field *field)
{
    struct avro_type *type;
    if (*p != '{')
        return refuse(s, "a field is no object", STR(""));
    struct str raw = member(s, p, "type");
    field->name = string_member(s, p, "name");
    if (s->a->failed)
        return diag_nomem(s->d);
    if (!field->name.p || !raw.p)
        return refuse(s, "a field has no name or type", STR(""));
    struct str preset = member(s, p, "default");
    if (preset.p)
        field->preset = str_dup(s->a, preset);
    enum status st = parse_type(s, raw.p, space, &type);
    field->type = type;
    return st;
}

static enum status parse_record(struct parser *s, const char *p, struct str space, struct avro_type *t)
{
    struct json_reader reader = {.end = s->end};
    enum status st = define(s, p, &space, t);
    struct str raw = member(s, p, "fields"), internal = string_member(s, p, "connect.internal.type");
    if (st != STATUS_OK)
        return st;
    if (!raw.p || raw.p[0] != '[')
        return refuse(s, "a record has no fields: ", t->name);
    t->is_entry = (internal.p && str_eq(internal, STR("MapEntry"))) ||
                  (str_eq(t->name, STR("MapEntry")) && str_eq(space, STR("io.confluent.connect.avro")));
    struct avro_field *fields = ARENA_ARRAY(s->a, struct avro_field, count_elements(s, raw.p));
    if (!fields)
        return diag_nomem(s->d);
    t->fields = fields;
    p = raw.p + 1;
    for (uint32_t i = 0; st == STATUS_OK && json_next_element(&reader, &p, i == 0) == JSON_NEXT; i++) {
        st = parse_field(s, p, space, &fields[i]);
        p = json_skip(&reader, p);
        t->n = i + 1;
    }
    return st;
}

static enum status parse_symbols(struct parser *s, const char *p, struct str space, struct avro_type *t)
{
    struct json_reader reader = {.end = s->end};
    struct str raw = member(s, p, "symbols");
    enum status st = define(s, p, &space, t);
    if (st != STATUS_OK)
        return st;
    if (!raw.p || raw.p[0] != '[')
        return refuse(s, "an enum has no symbols: ", t->name);
    t->n = count_elements(s, raw.p);
    struct str *symbols = ARENA_ARRAY(s->a, struct str, t->n);
    if (!symbols)
        return diag_nomem(s->d);
    t->symbols = symbols;
    p = raw.p + 1;
    for (uint32_t i = 0; json_next_element(&reader, &p, i == 0) == JSON_NEXT; i++) {
        const char *end = json_skip(&reader, p);
        symbols[i] = string_of(s, str_make(p, (size_t)(end - p)));
        if (!symbols[i].p)
            return s->a->failed ? diag_nomem(s->d) : refuse(s, "an enum has a symbol that is no text: ", t->name);
        p = end;
    }
    return STATUS_OK;
}

static enum status parse_union(struct parser *s, const char *p, struct str space, struct avro_type **out)
{
    struct json_reader reader = {.end = s->end};
    uint32_t n = count_elements(s, p);
    struct avro_type *t = *out = ARENA_NEW(s->a, struct avro_type);
    const struct avro_type **members = ARENA_ARRAY(s->a, const struct avro_type *, n);
    if (!t || !members)
        return diag_nomem(s->d);
    if (n == 0)
        return refuse(s, "an empty union", STR(""));
    *t = (struct avro_type){.kind = WIRE_UNION, .n = n, .members = members};
    p++;
    for (uint32_t i = 0; json_next_element(&reader, &p, i == 0) == JSON_NEXT; i++) {
        struct avro_type *one;
        enum status st = parse_type(s, p, space, &one);
        if (st != STATUS_OK)
            return st;
        if (one->kind == WIRE_UNION)
            return refuse(s, "a union inside of a union", STR(""));
        members[i] = one;
        p = json_skip(&reader, p);
    }
    return STATUS_OK;
}

static void take_decimal(struct parser *s, const char *p, struct avro_type *t)
{
    int64_t precision = number_of(s, member(s, p, "precision")), scale = number_of(s, member(s, p, "scale"));
    struct str parameters = member(s, p, "connect.parameters");
    if (parameters.p && parameters.p[0] == '{') {
        if (precision < 0)
            precision = number_of(s, member(s, parameters.p, "connect.decimal.precision"));
        if (scale < 0)
            scale = number_of(s, member(s, parameters.p, "scale"));
    }
    t->logical = LOGICAL_DECIMAL;
    t->precision = precision > 0 ? (uint32_t)precision : 64; /* Connect's default */
    t->scale = scale > 0 ? (uint32_t)scale : 0;
    if (t->scale > MAX_SCALE)
        t->logical = LOGICAL_NONE;
}

/* What Avro calls a logical type, or Connect by a name of its own. */
static void take_logical(struct parser *s, const char *p, struct avro_type *t)
{
    static const struct {
        enum logical_kind logical;
        enum wire_kind wire;
        const char *avro, *connect;
    } logicals[] = {
        {LOGICAL_DECIMAL, WIRE_BYTES, "decimal", "org.apache.kafka.connect.data.Decimal"},
        {LOGICAL_DECIMAL, WIRE_FIXED, "decimal", "org.apache.kafka.connect.data.Decimal"},
        {LOGICAL_DATE, WIRE_INT, "date", "org.apache.kafka.connect.data.Date"},
        {LOGICAL_TIME, WIRE_INT, "time-millis", "org.apache.kafka.connect.data.Time"},
        {LOGICAL_TIMESTAMP, WIRE_LONG, "timestamp-millis", "org.apache.kafka.connect.data.Timestamp"},
    };
    struct str avro = string_member(s, p, "logicalType"), connect = string_member(s, p, "connect.name");
    for (size_t i = 0; i < sizeof logicals / sizeof *logicals; i++) {
        if (t->kind != logicals[i].wire ||
            !(str_eq(avro, str_from(logicals[i].avro)) || str_eq(connect, str_from(logicals[i].connect))))
            continue;
        if (logicals[i].logical == LOGICAL_DECIMAL)
            take_decimal(s, p, t);
        else
            t->logical = logicals[i].logical;
    }
}

static enum status parse_fixed(struct parser *s, const char *p, struct str space, struct avro_type *t)
{
    int64_t size = number_of(s, member(s, p, "size"));
    if (size < 0)
        return refuse(s, "a fixed has no size", STR(""));
    t->n = (uint32_t)size;
    return define(s, p, &space, t);
}

static enum status parse_object(struct parser *s, const char *p, struct str space, struct avro_type **out)
{
    struct str raw = member(s, p, "type");
    if (!raw.p)
        return refuse(s, "an object has no type", STR(""));
    if (raw.p[0] != '"')
        return parse_type(s, raw.p, space, out);
    struct str name = string_of(s, raw);
    if (!name.p)
        return diag_nomem(s->d);
    enum wire_kind kind = WIRE_NULL;
    for (int k = WIRE_FIXED; k <= WIRE_RECORD; k++)
        if (str_eq(name, str_from(wire_names[k])) || (k == WIRE_RECORD && str_eq(name, STR("error"))))
            kind = (enum wire_kind)k;
    enum status st = STATUS_OK;
    if (kind == WIRE_NULL) {
        st = named(s, name, space, out);
    } else {
        *out = ARENA_NEW(s->a, struct avro_type);
        if (!*out)
            return diag_nomem(s->d);
        (*out)->kind = kind;
        if (kind == WIRE_RECORD)
            st = parse_record(s, p, space, *out);
        else if (kind == WIRE_ENUM)
            st = parse_symbols(s, p, space, *out);
        else if (kind == WIRE_FIXED)
            st = parse_fixed(s, p, space, *out);
        else
            st = parse_element(s, p, kind == WIRE_ARRAY ? "items" : "values", space, *out);
    }
    if (st == STATUS_OK)
        take_logical(s, p, *out);
    return st == STATUS_OK && s->a->failed ? diag_nomem(s->d) : st;
}

static enum status parse_type(struct parser *s, const char *p, struct str space, struct avro_type **out)
{
    if (++s->depth > MAX_DEPTH)
        return refuse(s, "types are nested too deeply", STR(""));
    enum status st;
    *out = NULL;
    if (*p == '{') {
        st = parse_object(s, p, space, out);
    } else if (*p == '[') {
        st = parse_union(s, p, space, out);
    } else {
        struct json_reader reader = {.end = s->end};
        struct str name = string_of(s, str_make(p, (size_t)(json_skip(&reader, p) - p)));
        st = name.p ? named(s, name, space, out) : refuse(s, "a type is neither text, object nor array", STR(""));
    }
    s->depth--;
    return st;
}

/* ---- whole schemas ------------------------------------------------------------------------------------ */

static enum status parse_text(struct parser *s, const struct registered_schema *schema, struct avro_type **out)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < schema->n_references; i++) {
        const struct schema_reference *to = &schema->references[i];
        const struct registered_schema *other;
        struct avro_type *ignored;
        if (++s->n_references > MAX_REFERENCES)
            return refuse(s, "too many references", STR(""));
        TRY(registry_by_subject(s->r, to->subject, to->version, &other, s->d));
        TRY(parse_text(s, other, &ignored));
    }
    struct json_reader reader = {.end = schema->text.p + schema->text.len};
    const char *p = json_root(schema->text), *end = p == reader.end ? NULL : json_skip(&reader, p);
    if (!end || json_space(end, reader.end) != reader.end)
        return refuse(s, "no JSON", STR(""));
    s->end = reader.end;
    st = parse_type(s, p, STR(""), out);
done:
    return st;
}

enum status av_parse(struct registry *r, const struct registered_schema *schema, struct arena *a,
                     struct avro_type **out, struct diag *d)
{
    struct parser s = {.r = r, .a = a, .d = d};
    if (schema->type != SCHEMA_AVRO)
        return diag_set(d, STATUS_INVALID, "Not an Avro schema: its type is %s", schema_type_name(schema->type));
    map_init(&s.names);
    enum status st = parse_text(&s, schema, out);
    map_free(&s.names);
    return st;
}

/* ---- questions about types ---------------------------------------------------------------------------- */

static int entry_part(const struct avro_type *t, struct str name)
{
    return av_find(name, t->n, av_field_name, t->fields);
}

bool av_is_entries(const struct avro_type *t)
{
    const struct avro_type *e = t->element;
    return t->kind == WIRE_ARRAY && e->kind == WIRE_RECORD && e->n == 2 && entry_part(e, STR("key")) >= 0 &&
           entry_part(e, STR("value")) >= 0;
}

const struct avro_type *av_optional(const struct avro_type *t)
{
    const struct avro_type *only = NULL;
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->members[i]->kind == WIRE_NULL)
            continue;
        if (only)
            return NULL;
        only = t->members[i];
    }
    return only;
}

struct str av_member_name(const struct avro_type *t)
{
    return t->kind == WIRE_RECORD || t->kind == WIRE_ENUM || t->kind == WIRE_FIXED ? t->name
                                                                                   : str_from(wire_names[t->kind]);
}

int av_find(struct str name, uint32_t n, struct str (*name_at)(const void *of, uint32_t i), const void *of)
{
    int close = -1;
    for (uint32_t i = 0; i < n; i++) {
        struct str other = name_at(of, i);
        if (str_eq(name, other))
            return (int)i;
        if (close < 0 && str_eq_nocase(name, other))
            close = (int)i;
    }
    return close;
}

struct str av_field_name(const void *fields, uint32_t i)
{
    return ((const struct avro_field *)fields)[i].name;
}

struct str av_struct_name(const void *type, uint32_t i)
{
    return ((const struct type *)type)->fields[i].name;
}
