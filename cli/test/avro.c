/* Avro for cases: JSON values to the bytes that a schema makes of them, and back. It is made from the schema's text alone and has
 * nothing in common with the codec that it checks. Schemas are trees of nodes; types that are spoken of by name are found in a map. */
#include "cli/test/schemas.h"
#include "functions/codec.h"

enum kind {
    A_NULL,
    A_BOOLEAN,
    A_INT,
    A_LONG,
    A_FLOAT,
    A_DOUBLE,
    A_BYTES,
    A_STRING,
    A_FIXED,
    A_ENUM,
    A_ARRAY,
    A_MAP,
    A_RECORD,
    A_UNION
};

struct node;
struct member {
    struct str name;
    const struct node *type;
    const struct json *otherwise; /* the default; NULL: none */
};
struct node {
    enum kind kind;
    bool is_decimal;
    bool is_entry; /* RECORD: of a map that is written as a list of these */
    unsigned scale;
    uint32_t size; /* FIXED */
    const struct json *symbols;
    const struct node *element; /* ARRAY, MAP */
    uint32_t n;                 /* RECORD, UNION */
    struct member *members;
};

struct schema_reader {
    struct arena *a;
    struct map names; /* full name -> struct node * */
    struct diag *d;
};

enum { MAX_DEPTH = 200 };

/* ---- schemas --------------------------------------------------------------------------------------------- */

static const struct node *read_node(struct schema_reader *r, const struct json *j, struct str space, int depth);

static const struct node *refuse(struct schema_reader *r, const char *why, struct str what)
{
    (void)!diag_set(r->d, STATUS_INVALID, "a schema of the case: %s: " STR_FMT, why, STR_ARG(what));
    return NULL;
}

static bool simple_kind(struct str name, enum kind *out)
{
    static const char *const names[] = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"};
    for (int i = A_NULL; i <= A_STRING; i++)
        if (str_eq(name, str_from(names[i]))) {
            *out = (enum kind)i;
            return true;
        }
    return false;
}

static struct str full_name(struct arena *a, struct str name, struct str space)
{
    if (!space.len || memchr(name.p, '.', name.len))
        return name;
    return str_printf(a, STR_FMT "." STR_FMT, STR_ARG(space), STR_ARG(name));
}

static const struct node *read_name(struct schema_reader *r, struct str name, struct str space)
{
    struct node *node = ARENA_NEW(r->a, struct node);
    const struct node *known;
    if (node && simple_kind(name, &node->kind))
        return node;
    known = map_get(&r->names, full_name(r->a, name, space));
    if (!known)
        known = map_get(&r->names, name);
    return known ? known : refuse(r, "unknown type", name);
}

static struct str space_of(struct str name, struct str space)
{
    const char *dot = name.len ? memrchr(name.p, '.', name.len) : NULL;
    return dot ? str_make(name.p, (size_t)(dot - name.p)) : space;
}

static bool read_members(struct schema_reader *r, const struct json *list, bool named, struct str space,
                         struct node *node, int depth)
{
    node->n = list ? list->n : 0;
    node->members = ARENA_ARRAY(r->a, struct member, node->n);
    struct member *m = node->members;
    if (!m)
        return false;
    JSON_EACH (list, j) {
        *m = (struct member){.name = json_text(j, "name"), .otherwise = named ? json_member(j, "default") : NULL};
        m->type = read_node(r, named ? json_member(j, "type") : j, space, depth + 1);
        if (!m++->type)
            return false;
    }
    return true;
}

static void read_decimal(const struct json *j, struct node *node)
{
    const struct json *scale = json_member(j, "scale");
    int64_t n = 0;
    if (!str_eq(json_text(j, "logicalType"), STR("decimal")))
        return;
    if (scale)
        (void)parse_i64(scale->text, &n);
    node->is_decimal = true;
    node->scale = (unsigned)n;
}

static const struct node *read_named(struct schema_reader *r, const struct json *j, struct str type, struct str space,
                                     int depth)
{
    struct str name = json_text(j, "name"), own = json_text(j, "namespace");
    struct node *node = ARENA_NEW(r->a, struct node);
    if (own.p)
        space = own;
    name = full_name(r->a, name, space);
    space = space_of(name, space);
    if (!node || !map_put(&r->names, name, node))
        return NULL;
    const struct json *size = json_member(j, "size");
    int64_t bytes = 0;
    if (str_eq(type, STR("enum"))) {
        node->kind = A_ENUM;
        node->symbols = json_member(j, "symbols");
    } else if (str_eq(type, STR("fixed"))) {
        node->kind = A_FIXED;
        if (size && parse_i64(size->text, &bytes))
            node->size = (uint32_t)bytes;
        read_decimal(j, node);
    } else {
        node->kind = A_RECORD;
        node->is_entry = str_eq(json_text(j, "connect.internal.type"), STR("MapEntry"));
        if (!read_members(r, json_member(j, "fields"), true, space, node, depth))
            return NULL;
    }
    return node;
}

static const struct node *read_object(struct schema_reader *r, const struct json *j, struct str space, int depth)
{
    const struct json *type = json_member(j, "type");
    struct node *node;
    if (!type)
        return refuse(r, "a type without type", (struct str){NULL, 0});
    if (type->kind != JSON_STRING)
        return read_node(r, type, space, depth + 1);
    struct str name = type->text;
    if (str_eq(name, STR("record")) || str_eq(name, STR("enum")) || str_eq(name, STR("fixed")))
        return read_named(r, j, name, space, depth);
    bool is_array = str_eq(name, STR("array"));
    if (!is_array && !str_eq(name, STR("map"))) {
        const struct node *found = read_name(r, name, space);
        node = found ? arena_dup(r->a, found, sizeof *found) : NULL;
        if (node && node->kind == A_BYTES)
            read_decimal(j, node);
        return node;
    }
    node = ARENA_NEW(r->a, struct node);
    if (!node)
        return NULL;
    node->kind = is_array ? A_ARRAY : A_MAP;
    node->element = read_node(r, json_member(j, is_array ? "items" : "values"), space, depth + 1);
    return node->element ? node : NULL;
}

static const struct node *read_node(struct schema_reader *r, const struct json *j, struct str space, int depth)
{
    if (!j || depth > MAX_DEPTH)
        return refuse(r, "not a type", (struct str){NULL, 0});
    if (j->kind == JSON_STRING)
        return read_name(r, j->text, space);
    if (j->kind == JSON_OBJECT)
        return read_object(r, j, space, depth);
    struct node *node = ARENA_NEW(r->a, struct node);
    if (!node || j->kind != JSON_ARRAY)
        return refuse(r, "not a type", j->text);
    node->kind = A_UNION;
    return read_members(r, j, false, space, node, depth) ? node : NULL;
}

static const struct node *read_text(struct schema_reader *r, struct str text)
{
    char error[256];
    const struct json *j = json_parse_file(r->a, text, error, sizeof error);
    return j ? read_node(r, j, (struct str){NULL, 0}, 0) : refuse(r, "no JSON", text);
}

/* Named types of referenced schemas first. */
static bool read_references(struct schema_reader *r, struct registry *registry, const struct registered_schema *schema)
{
    for (uint32_t i = 0; i < schema->n_references; i++) {
        const struct schema_reference *ref = &schema->references[i];
        const struct registered_schema *found;
        if (registry_by_subject(registry, ref->subject, ref->version, &found, r->d) != STATUS_OK ||
            !read_references(r, registry, found) || !read_text(r, found->text))
            return false;
    }
    return true;
}

static const struct node *read_schema(struct arena *a, struct registry *registry,
                                      const struct registered_schema *schema, struct diag *d)
{
    struct schema_reader r = {.a = a, .d = d};
    map_init(&r.names);
    const struct node *node = read_references(&r, registry, schema) ? read_text(&r, schema->text) : NULL;
    map_free(&r.names);
    if (!node && d->code == STATUS_OK)
        (void)diag_nomem(d);
    return node;
}

/* ---- to bytes -------------------------------------------------------------------------------------------- */

struct writer {
    struct arena *a;
    struct buf *out;
    struct diag *d;
};

static bool write_value(struct writer *w, const struct node *t, const struct json *j);

static bool misfit(struct writer *w, const char *type, const struct json *j)
{
    (void)!diag_set(w->d, STATUS_DATA, "the case's value '" STR_FMT "' is no Avro %s", STR_ARG(j->text), type);
    return false;
}

static void put_long(struct buf *out, int64_t v)
{
    uint64_t zigzag = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
    for (; zigzag >= 0x80; zigzag >>= 7)
        buf_putc(out, (char)(zigzag | 0x80));
    buf_putc(out, (char)zigzag);
}

static void put_little_endian(struct buf *out, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_putc(out, (char)(v >> (8 * i)));
}

static bool write_number(struct writer *w, const struct node *t, const struct json *j)
{
    int64_t whole;
    double number;
    if (t->kind == A_INT || t->kind == A_LONG) {
        if (!parse_i64(j->text, &whole) || (t->kind == A_INT && whole != (int32_t)whole))
            return misfit(w, "int", j);
        put_long(w->out, whole);
        return true;
    }
    if (!parse_double(j->text, &number))
        return misfit(w, "double", j);
    if (t->kind == A_FLOAT) {
        float shorter = (float)number;
        uint32_t bits;
        memcpy(&bits, &shorter, sizeof bits);
        put_little_endian(w->out, bits, 4);
    } else {
        uint64_t bits;
        memcpy(&bits, &number, sizeof bits);
        put_little_endian(w->out, bits, 8);
    }
    return true;
}

static bool write_decimal(struct writer *w, const struct node *t, const struct json *j)
{
    int128 v;
    int scale;
    if (!parse_decimal(j->text, &v, &scale) || scale > (int)t->scale)
        return misfit(w, "decimal", j);
    for (; scale < (int)t->scale; scale++)
        v *= 10;
    int bytes = 1;
    while (bytes < 16 && (v >> (8 * bytes - 1)) != 0 && (v >> (8 * bytes - 1)) != -1)
        bytes++;
    if (t->kind == A_FIXED)
        bytes = t->size > 16 ? 16 : (int)t->size;
    else
        put_long(w->out, bytes);
    for (uint32_t i = 16; t->kind == A_FIXED && i < t->size; i++)
        buf_putc(w->out, v < 0 ? (char)0xff : 0);
    for (int i = bytes - 1; i >= 0; i--)
        buf_putc(w->out, (char)((unsigned __int128)v >> (8 * i)));
    return true;
}

static bool write_bytes(struct writer *w, const struct node *t, const struct json *j)
{
    if (t->is_decimal)
        return write_decimal(w, t, j);
    struct str bytes = base64_decode(w->a, j->text);
    if (j->kind != JSON_STRING || !bytes.p || (t->kind == A_FIXED && bytes.len != t->size))
        return misfit(w, "bytes", j);
    if (t->kind == A_BYTES)
        put_long(w->out, bytes.len);
    buf_puts(w->out, bytes);
    return true;
}

/* Anything has a text. */
static bool write_string(struct writer *w, const struct json *j)
{
    struct buf text;
    buf_init(&text, 0);
    if (j->kind == JSON_STRING)
        buf_puts(&text, j->text);
    else
        json_print_as_written(&text, j);
    put_long(w->out, (int64_t)text.len);
    buf_puts(w->out, buf_str(&text));
    buf_free(&text);
    return true;
}

static bool write_enum(struct writer *w, const struct node *t, const struct json *j)
{
    int64_t at = 0;
    JSON_EACH (t->symbols, symbol) {
        if (str_eq(symbol->text, j->text)) {
            put_long(w->out, at);
            return true;
        }
        at++;
    }
    return misfit(w, "enum", j);
}

static const struct json *find(const struct json *object, struct str name)
{
    JSON_EACH (object, child)
        if (str_eq(child->key, name))
            return child;
    JSON_EACH (object, child)
        if (str_eq_nocase(child->key, name))
            return child;
    return NULL;
}

static bool write_record(struct writer *w, const struct node *t, const struct json *j)
{
    static const struct json null_node = {.kind = JSON_NULL};
    if (j->kind != JSON_OBJECT)
        return misfit(w, "record", j);
    for (uint32_t i = 0; i < t->n; i++) {
        const struct member *m = &t->members[i];
        const struct json *value = find(j, m->name);
        if (!value)
            value = m->otherwise ? m->otherwise : &null_node;
        if (!write_value(w, m->type, value))
            return false;
    }
    return true;
}

/* An entry of a map that is a list of records. */
static bool write_entry(struct writer *w, const struct node *t, const struct json *child)
{
    struct json key = {.kind = JSON_STRING, .text = child->key};
    return t->kind == A_RECORD && t->n == 2 && write_value(w, t->members[0].type, &key) &&
           write_value(w, t->members[1].type, child);
}

static bool write_children(struct writer *w, const struct node *t, const struct json *j)
{
    if (j->kind != JSON_OBJECT && (t->kind == A_MAP || j->kind != JSON_ARRAY))
        return misfit(w, t->kind == A_MAP ? "map" : "array", j);
    if (j->n)
        put_long(w->out, j->n);
    JSON_EACH (j, child) {
        struct json key = {.kind = JSON_STRING, .text = child->key};
        if (t->kind == A_ARRAY && j->kind == JSON_OBJECT) {
            if (!write_entry(w, t->element, child))
                return misfit(w, "list of entries", j);
            continue;
        }
        if ((t->kind == A_MAP && !write_string(w, &key)) || !write_value(w, t->element, child))
            return false;
    }
    put_long(w->out, 0);
    return true;
}

static bool could_be(const struct node *t, const struct json *j)
{
    switch (t->kind) {
    case A_NULL:
        return j->kind == JSON_NULL;
    case A_BOOLEAN:
        return j->kind == JSON_TRUE || j->kind == JSON_FALSE;
    case A_ARRAY:
        return j->kind == JSON_ARRAY || (j->kind == JSON_OBJECT && t->element->kind == A_RECORD);
    case A_MAP:
    case A_RECORD:
        return j->kind == JSON_OBJECT;
    case A_STRING:
    case A_ENUM:
        return j->kind == JSON_STRING;
    case A_BYTES:
    case A_FIXED:
        return t->is_decimal ? json_is_number(j) : j->kind == JSON_STRING;
    case A_INT:
    case A_LONG:
        return j->kind == JSON_INTEGER;
    default:
        return json_is_number(j);
    }
}

/* The first branch that fits; else the first that is not null. */
static bool write_union(struct writer *w, const struct node *t, const struct json *j)
{
    uint32_t chosen = t->n;
    for (uint32_t i = 0; i < t->n && chosen == t->n; i++)
        if (could_be(t->members[i].type, j))
            chosen = i;
    for (uint32_t i = 0; i < t->n && chosen == t->n && j->kind != JSON_NULL; i++)
        if (t->members[i].type->kind != A_NULL)
            chosen = i;
    if (chosen == t->n)
        return misfit(w, "union", j);
    put_long(w->out, chosen);
    return write_value(w, t->members[chosen].type, j);
}

static bool write_value(struct writer *w, const struct node *t, const struct json *j)
{
    switch (t->kind) {
    case A_NULL:
        return j->kind == JSON_NULL || misfit(w, "null", j);
    case A_BOOLEAN:
        if (j->kind != JSON_TRUE && j->kind != JSON_FALSE)
            return misfit(w, "boolean", j);
        buf_putc(w->out, j->kind == JSON_TRUE);
        return true;
    case A_INT:
    case A_LONG:
    case A_FLOAT:
    case A_DOUBLE:
        return write_number(w, t, j);
    case A_BYTES:
    case A_FIXED:
        return write_bytes(w, t, j);
    case A_STRING:
        return j->kind == JSON_NULL ? misfit(w, "string", j) : write_string(w, j);
    case A_ENUM:
        return write_enum(w, t, j);
    case A_ARRAY:
    case A_MAP:
        return write_children(w, t, j);
    case A_RECORD:
        return write_record(w, t, j);
    case A_UNION:
        return write_union(w, t, j);
    }
    return false;
}

enum status test_avro_encode(struct arena *a, struct registry *registry, const struct registered_schema *schema,
                             const struct json *j, struct buf *out, struct diag *d)
{
    const struct node *t = read_schema(a, registry, schema, d);
    struct writer w = {a, out, d};
    if (!t)
        return d->code;
    if (!write_value(&w, t, j))
        return d->code ? d->code : diag_set(d, STATUS_DATA, "a value of the case does not fit its schema");
    return out->failed ? diag_nomem(d) : STATUS_OK;
}

/* ---- from bytes ------------------------------------------------------------------------------------------ */

struct reader {
    struct arena *a;
    const unsigned char *at, *end;
};

static struct json *read_value(struct reader *r, const struct node *t, int depth);

static bool get_long(struct reader *r, int64_t *out)
{
    uint64_t zigzag = 0;
    for (unsigned shift = 0; r->at < r->end && shift < 70; shift += 7) {
        unsigned char byte = *r->at++;
        if (shift < 64)
            zigzag |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
            return true;
        }
    }
    return false;
}

static bool get_bytes(struct reader *r, int64_t n, struct str *out)
{
    if (n < 0 || n > r->end - r->at)
        return false;
    *out = str_make((const char *)r->at, (size_t)n);
    r->at += n;
    return true;
}

static struct json *leaf(struct reader *r, enum json_kind kind, struct str text)
{
    struct json *j = ARENA_NEW(r->a, struct json);
    if (j)
        *j = (struct json){.kind = kind, .text = str_dup(r->a, text)};
    return j;
}

static struct json *leaf_of(struct reader *r, enum json_kind kind, struct buf *text)
{
    struct json *j = leaf(r, kind, buf_str(text));
    buf_free(text);
    return j;
}

static struct json *read_whole(struct reader *r)
{
    int64_t v;
    struct buf text;
    if (!get_long(r, &v))
        return NULL;
    buf_init(&text, 0);
    buf_put_i64(&text, v);
    return leaf_of(r, JSON_INTEGER, &text);
}

static struct json *read_float(struct reader *r, bool is_double)
{
    struct str bytes;
    double v;
    float shorter;
    struct buf text;
    if (!get_bytes(r, is_double ? 8 : 4, &bytes))
        return NULL;
    memcpy(is_double ? (void *)&v : (void *)&shorter, bytes.p,
           bytes.len); /* the machine is little endian, as Avro is */
    if (!is_double)
        v = shorter;
    buf_init(&text, 0);
    print_double(&text, v);
    return leaf_of(r, v - v == 0 ? JSON_DECIMAL : JSON_STRING, &text);
}

static struct json *read_decimal_value(struct reader *r, const struct node *t, struct str bytes)
{
    struct buf text;
    unsigned __int128 v = bytes.len && bytes.p[0] < 0 ? ~(unsigned __int128)0 : 0;
    for (uint32_t i = 0; i < bytes.len; i++)
        v = v << 8 | (unsigned char)bytes.p[i];
    buf_init(&text, 0);
    print_decimal(&text, (int128)v, t->scale);
    return leaf_of(r, t->scale ? JSON_DECIMAL : JSON_INTEGER, &text);
}

static struct json *read_bytes(struct reader *r, const struct node *t)
{
    int64_t n = t->size;
    struct str bytes;
    if ((t->kind != A_FIXED && !get_long(r, &n)) || !get_bytes(r, n, &bytes))
        return NULL;
    if (t->is_decimal)
        return read_decimal_value(r, t, bytes);
    return leaf(r, JSON_STRING, t->kind == A_STRING ? bytes : base64_encode(r->a, bytes));
}

static struct json *read_symbol(struct reader *r, const struct node *t)
{
    int64_t at;
    if (!get_long(r, &at))
        return NULL;
    JSON_EACH (t->symbols, symbol)
        if (at-- == 0)
            return leaf(r, JSON_STRING, symbol->text);
    return NULL;
}

static struct json *add_child(struct json *parent, struct json ***tail, struct json *child)
{
    if (!child)
        return NULL;
    **tail = child;
    *tail = &child->next;
    parent->n++;
    return child;
}

static struct json *read_record(struct reader *r, const struct node *t, int depth)
{
    struct json *out = leaf(r, JSON_OBJECT, (struct str){NULL, 0}), **tail = out ? &out->first : NULL;
    for (uint32_t i = 0; out && i < t->n; i++) {
        struct json *child = add_child(out, &tail, read_value(r, t->members[i].type, depth));
        if (!child)
            return NULL;
        child->key = t->members[i].name;
    }
    return out;
}

static struct json *read_child(struct reader *r, const struct node *t, int depth)
{
    int64_t n;
    struct str key = {NULL, 0};
    const struct json *entry;
    struct json *child;
    if (t->kind == A_MAP && (!get_long(r, &n) || !get_bytes(r, n, &key)))
        return NULL;
    child = read_value(r, t->element, depth);
    if (!child)
        return NULL;
    child->key = str_dup(r->a, key);
    if (!t->element->is_entry)
        return child;
    entry = child;
    child = entry->first->next;
    child->key = entry->first->text;
    return child;
}

static struct json *read_children(struct reader *r, const struct node *t, int depth)
{
    bool is_object = t->kind == A_MAP || t->element->is_entry;
    struct json *out = leaf(r, is_object ? JSON_OBJECT : JSON_ARRAY, (struct str){NULL, 0}),
                **tail = out ? &out->first : NULL;
    int64_t n, size;
    while (out && get_long(r, &n)) {
        if (n == 0)
            return out;
        if (n < 0 && !get_long(r, &size))
            return NULL;
        for (n = n < 0 ? -n : n; n > 0; n--)
            if (!add_child(out, &tail, read_child(r, t, depth)))
                return NULL;
    }
    return NULL;
}

static struct json *read_value(struct reader *r, const struct node *t, int depth)
{
    int64_t branch;
    if (depth > MAX_DEPTH)
        return NULL;
    switch (t->kind) {
    case A_NULL:
        return leaf(r, JSON_NULL, (struct str){NULL, 0});
    case A_BOOLEAN:
        return r->at < r->end ? leaf(r, *r->at++ ? JSON_TRUE : JSON_FALSE, (struct str){NULL, 0}) : NULL;
    case A_INT:
    case A_LONG:
        return read_whole(r);
    case A_FLOAT:
    case A_DOUBLE:
        return read_float(r, t->kind == A_DOUBLE);
    case A_BYTES:
    case A_FIXED:
    case A_STRING:
        return read_bytes(r, t);
    case A_ENUM:
        return read_symbol(r, t);
    case A_ARRAY:
    case A_MAP:
        return read_children(r, t, depth + 1);
    case A_RECORD:
        return read_record(r, t, depth + 1);
    case A_UNION:
        return get_long(r, &branch) && branch >= 0 && branch < t->n ? read_value(r, t->members[branch].type, depth + 1)
                                                                    : NULL;
    }
    return NULL;
}

const struct json *test_avro_decode(struct arena *a, struct registry *registry, const struct registered_schema *schema,
                                    struct str bytes)
{
    struct diag d = DIAG_INIT;
    const struct node *t = read_schema(a, registry, schema, &d);
    struct reader r = {a, (const unsigned char *)bytes.p, (const unsigned char *)bytes.p + bytes.len};
    struct json *out = t ? read_value(&r, t, 0) : NULL;
    return r.at == r.end ? out : NULL;
}
