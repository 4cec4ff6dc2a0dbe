/* JSON Schema texts (draft 7) and columns, by the conventions of Kafka Connect's converter: "oneOf" with null for what may be
 * null, "connect.type" for what JSON cannot tell, "connect.index" for the order of fields, the name of a logical type in "title".
 *
 * Nothing is validated. What no column type stands for (tuples, unions, recursion) is left out, as ksqlDB leaves it out. */
#include "formats/formats_int.h"
#include "formats/tree.h"

enum { MAX_DEPTH = 100, MAX_TYPES = 10000, MAX_PRECISION = 38 };
#define CONNECT "org.apache.kafka.connect.data."

/* ---- from a schema to types ----------------------------------------------------------------------------------- */

/* A document: what "#" means. */
struct document {
    const struct tree *root;
    uint32_t n_references;
    const struct schema_reference *references;
};

struct loader {
    struct arena *a;
    struct registry *registry;
    bool keep_case;
    uint32_t n_types; /* references can make a short text a large type */
    enum status st;   /* not OK: the registry or memory failed */
    struct diag *d;
};

/* Schemas within which another one is, innermost first: one that is within itself has no type. */
struct around {
    const struct around *up;
    const struct tree *schema;
    int depth;
};

static const struct type *type_of(struct loader *l, const struct document *doc, const struct tree *schema,
                                  const struct around *up);

static void fail(struct loader *l, enum status st)
{
    if (l->st == STATUS_OK)
        l->st = st;
}

static void *checked(struct loader *l, const void *p)
{
    if (!p)
        fail(l, diag_nomem(l->d));
    return (void *)(uintptr_t)p;
}

/* A step of a JSON pointer: ~1 is /, ~0 is ~. */
static const struct tree *pointer_step(struct loader *l, const struct tree *t, struct str step)
{
    struct buf name;
    const struct tree *found = NULL;
    buf_init(&name, 0);
    for (uint32_t i = 0; i < step.len; i++) {
        bool escaped = step.p[i] == '~' && i + 1 < step.len && (step.p[i + 1] == '0' || step.p[i + 1] == '1');
        buf_putc(&name, !escaped ? step.p[i] : step.p[i + 1] == '0' ? '~' : '/');
        i += escaped;
    }
    if (name.failed)
        fail(l, diag_nomem(l->d));
    else
        found = tree_get(t, buf_z(&name));
    buf_free(&name);
    return found;
}

static const struct tree *follow_pointer(struct loader *l, const struct tree *t, struct str pointer)
{
    const char *p = pointer.p, *end = p + pointer.len;
    while (t && p < end) {
        if (*p++ != '/')
            return NULL;
        const char *slash = memchr(p, '/', (size_t)(end - p)), *stop = slash ? slash : end;
        t = pointer_step(l, t, str_make(p, (size_t)(stop - p)));
        p = stop;
    }
    return t;
}

/* The document that a schema reference names; NULL: there is none of that name. */
static const struct document *referenced(struct loader *l, const struct document *doc, struct str name)
{
    const struct registered_schema *schema;
    struct document *out;
    for (uint32_t i = 0; i < doc->n_references; i++) {
        const struct schema_reference *r = &doc->references[i];
        if (!l->registry || !str_eq(r->name, name))
            continue;
        enum status st = registry_by_subject(l->registry, r->subject, r->version, &schema, l->d);
        if (st != STATUS_OK) {
            fail(l, st);
            return NULL;
        }
        out = checked(l, ARENA_NEW(l->a, struct document));
        if (!out || tree_parse(l->a, schema->text, &out->root, NULL) != STATUS_OK)
            return NULL;
        out->n_references = schema->n_references;
        out->references = schema->references;
        return out;
    }
    return NULL;
}

/* Goes where "$ref" leads; NULL: nowhere. */
static const struct tree *dereference(struct loader *l, const struct document **doc, const struct tree *schema)
{
    struct str ref;
    for (int i = 0; i < MAX_DEPTH; i++) {
        if (!tree_text(schema, "$ref", &ref))
            return schema;
        const char *hash = ref.len ? memchr(ref.p, '#', ref.len) : NULL;
        struct str name = hash ? str_make(ref.p, (size_t)(hash - ref.p)) : ref;
        if (name.len)
            *doc = referenced(l, *doc, name);
        if (!*doc)
            return NULL;
        schema = hash ? follow_pointer(l, (*doc)->root, str_make(hash + 1, ref.len - name.len - 1)) : (*doc)->root;
        if (!schema)
            return NULL;
    }
    return NULL;
}

static bool is_null_type(const struct tree *schema)
{
    struct str type;
    return tree_text(schema, "type", &type) && str_eq(type, STR("null"));
}

/* Of a union of null and one other schema, that one; NULL: of several. Others are what they are. */
static const struct tree *without_null(const struct tree *schema)
{
    const struct tree *either = tree_get(schema, "oneOf"), *only = NULL;
    if (!either)
        either = tree_get(schema, "anyOf");
    if (!either || either->kind != TREE_ARRAY)
        return schema;
    for (uint32_t i = 0; i < either->n; i++) {
        if (is_null_type(&either->items[i]))
            continue;
        if (only)
            return NULL;
        only = &either->items[i];
    }
    return only;
}

/* What a schema without "type" is about. */
static bool implied_type(const struct tree *schema, struct str *out)
{
    *out = tree_get(schema, "properties") ? STR("object") : tree_get(schema, "items") ? STR("array") : STR("string");
    return tree_get(schema, "properties") || tree_get(schema, "items") || tree_get(schema, "enum");
}

/* "type" as a text, or as a list of one and null. */
static bool type_name(const struct tree *schema, struct str *out)
{
    const struct tree *type = tree_get(schema, "type");
    if (!type)
        return implied_type(schema, out);
    if (type->kind != TREE_ARRAY)
        return tree_text(schema, "type", out);
    *out = (struct str){NULL, 0};
    for (uint32_t i = 0; i < type->n; i++) {
        const struct tree *one = &type->items[i];
        bool is_null = one->kind == TREE_TEXT && str_eq(one->text, STR("null"));
        if (one->kind != TREE_TEXT || (!is_null && out->p))
            return false;
        if (!is_null)
            *out = one->text;
    }
    return out->p != NULL;
}

static bool is_titled(const struct tree *schema, struct str title)
{
    struct str have;
    return tree_text(schema, "title", &have) && str_eq(have, title);
}

static int64_t parameter(const struct tree *schema, const char *name, int64_t otherwise)
{
    struct str text;
    int64_t v;
    return tree_text(tree_get(schema, "connect.parameters"), name, &text) && parse_i64(text, &v) ? v : otherwise;
}

static const struct type *decimal_of(struct loader *l, const struct tree *schema)
{
    int64_t precision = parameter(schema, "connect.decimal.precision", MAX_PRECISION);
    int64_t scale = parameter(schema, "scale", 0);
    if (precision < 1 || precision > MAX_PRECISION || scale < 0 || scale > precision)
        return NULL;
    return checked(l, type_decimal(l->a, (unsigned)precision, (unsigned)scale));
}

static const struct type *scalar_of(struct loader *l, const struct tree *schema, struct str type)
{
    struct str connect = {NULL, 0};
    bool is_typed = tree_text(schema, "connect.type", &connect) && connect.len;
    if (str_eq(connect, STR("bytes")))
        return is_titled(schema, STR(CONNECT "Decimal")) ? decimal_of(l, schema) : &TYPE_BYTES;
    if (str_eq(type, STR("string")))
        return &TYPE_STRING;
    if (str_eq(type, STR("boolean")))
        return &TYPE_BOOLEAN;
    if (is_titled(schema, STR(CONNECT "Date")))
        return &TYPE_DATE;
    if (is_titled(schema, STR(CONNECT "Time")))
        return &TYPE_TIME;
    if (is_titled(schema, STR(CONNECT "Timestamp")))
        return &TYPE_TIMESTAMP;
    if (is_typed && (str_eq(connect, STR("int8")) || str_eq(connect, STR("int16")) || str_eq(connect, STR("int32"))))
        return &TYPE_INT;
    if (is_typed && str_eq(connect, STR("int64")))
        return &TYPE_BIGINT;
    if (is_typed && str_starts(connect, STR("float")))
        return &TYPE_DOUBLE;
    return str_eq(type, STR("integer")) ? &TYPE_BIGINT : str_eq(type, STR("number")) ? &TYPE_DOUBLE : NULL;
}

/* ---- fields ------------------------------------------------------------------------------------------------------- */

struct placed {
    int64_t index;
    struct field field;
};

/* Members without an index come as Java's HashMap lists them; an index puts a member where it says. */
static uint32_t *listing(struct loader *l, const struct tree *properties, uint32_t *n)
{
    struct value *names = checked(l, ARENA_ARRAY(l->a, struct value, properties->n));
    struct value *places = checked(l, ARENA_ARRAY(l->a, struct value, properties->n));
    uint32_t *out = checked(l, ARENA_ARRAY(l->a, uint32_t, properties->n));
    *n = properties->n;
    if (!names || !places || !out)
        return NULL;
    for (uint32_t i = 0; i < *n; i++) {
        names[i] = (struct value){.kind = KIND_STRING, .str = properties->names[i]};
        places[i] = (struct value){.kind = KIND_INT, .i32 = (int32_t)i};
    }
    if (!value_map_order(l->a, names, places, n)) {
        fail(l, diag_nomem(l->d));
        return NULL;
    }
    for (uint32_t i = 0; i < *n; i++)
        out[i] = (uint32_t)places[i].i32;
    return out;
}

static void insert(struct placed *list, uint32_t n, struct placed item)
{
    for (; n > 0 && list[n - 1].index > item.index; n--)
        list[n] = list[n - 1];
    list[n] = item;
}

static struct str field_name(struct loader *l, struct str name)
{
    struct str out = l->keep_case ? name : str_upper_ascii(l->a, name);
    checked(l, out.p);
    return out;
}

static const struct type *struct_of(struct loader *l, const struct document *doc, const struct tree *schema,
                                    const struct around *up)
{
    const struct tree *properties = tree_get(schema, "properties");
    uint32_t n, n_fields = 0;
    if (!properties || properties->kind != TREE_OBJECT)
        return NULL;
    const uint32_t *order = listing(l, properties, &n);
    struct placed *list = checked(l, ARENA_ARRAY(l->a, struct placed, n));
    struct field *fields = checked(l, ARENA_ARRAY(l->a, struct field, n));
    for (uint32_t i = 0; order && list && fields && i < n && l->st == STATUS_OK; i++) {
        const struct tree *property = &properties->items[order[i]];
        struct placed item = {.index = i};
        int32_t index;
        if (tree_int(property, "connect.index", &index))
            item.index = index;
        item.field.type = type_of(l, doc, property, up);
        if (!item.field.type)
            continue;
        item.field.name = field_name(l, properties->names[order[i]]);
        insert(list, n_fields++, item);
    }
    if (l->st != STATUS_OK || !n_fields)
        return NULL;
    for (uint32_t i = 0; i < n_fields; i++)
        fields[i] = list[i].field;
    return checked(l, type_struct(l->a, fields, n_fields));
}

static const struct type *object_of(struct loader *l, const struct document *doc, const struct tree *schema,
                                    const struct around *up)
{
    struct str connect;
    if (!tree_text(schema, "connect.type", &connect) || !str_eq(connect, STR("map")))
        return struct_of(l, doc, schema, up);
    const struct type *element = type_of(l, doc, tree_get(schema, "additionalProperties"), up);
    return element ? checked(l, type_map(l->a, &TYPE_STRING, element)) : NULL;
}

static const struct type *array_of(struct loader *l, const struct document *doc, const struct tree *schema,
                                   const struct around *up)
{
    struct str connect;
    if (tree_text(schema, "connect.type", &connect) && str_eq(connect, STR("map")))
        return NULL; /* entries as a list */
    const struct type *element = type_of(l, doc, tree_get(schema, "items"), up);
    return element ? checked(l, type_array(l->a, element)) : NULL;
}

static bool is_within(const struct tree *schema, const struct around *up)
{
    while (up && up->schema != schema)
        up = up->up;
    return up != NULL;
}

/* NULL: no type stands for it, or l->st says what has failed. */
static const struct type *type_of(struct loader *l, const struct document *doc, const struct tree *schema,
                                  const struct around *up)
{
    struct str type;
    for (int i = 0; i < 3 && schema; i++) { /* a reference to a union of references */
        schema = dereference(l, &doc, schema);
        schema = schema ? without_null(schema) : NULL;
    }
    const struct around here = {.up = up, .schema = schema, .depth = up ? up->depth + 1 : 0};
    if (!schema || schema->kind != TREE_OBJECT || l->st != STATUS_OK || is_within(schema, up) ||
        here.depth > MAX_DEPTH || ++l->n_types > MAX_TYPES || !type_name(schema, &type))
        return NULL;
    if (str_eq(type, STR("object")))
        return object_of(l, doc, schema, &here);
    if (str_eq(type, STR("array")))
        return array_of(l, doc, schema, &here);
    return scalar_of(l, schema, type);
}

/* ---- from types to columns ------------------------------------------------------------------------------------ */

static enum status refuse(const struct type *t, struct diag *d)
{
    if (!t)
        return diag_set(d, STATUS_INVALID, "Schema does not include any columns with types that ksqlDB supports.");
    return diag_set(d, STATUS_INVALID,
                    "Schema returned from schema registry is anonymous type. To use this schema with ksqlDB, set "
                    "'WRAP_SINGLE_VALUE=false' in the WITH clause properties.");
}

static enum status columns_from(const struct format_spec *spec, struct registry *r,
                                const struct registered_schema *schema, bool is_key, struct arena *a,
                                const struct schema_column **columns, uint32_t *n, struct diag *d)
{
    struct loader l = {.a = a, .registry = r, .keep_case = spec->schema_id != 0, .d = d};
    struct document doc = {.n_references = schema->n_references, .references = schema->references};
    struct diag own = DIAG_INIT;
    enum status st = tree_parse(a, schema->text, &doc.root, &own);
    if (st != STATUS_OK)
        return st == STATUS_NOMEM
                   ? diag_nomem(d)
                   : diag_set(d, STATUS_INVALID, "Schema %d cannot be read: %s", (int)schema->id, own.message);
    const struct type *t = type_of(&l, &doc, doc.root, NULL);
    if (l.st != STATUS_OK)
        return l.st;
    if (!t || (spec->wrapped && t->kind != KIND_STRUCT))
        return refuse(t, d);
    const struct field whole = {is_key ? STR("ROWKEY") : STR("ROWVAL"), t};
    const struct field *fields = spec->wrapped ? t->fields : &whole;
    *n = spec->wrapped ? t->n_fields : 1;
    struct schema_column *out = ARENA_ARRAY(a, struct schema_column, *n);
    if (!out)
        return diag_nomem(d);
    for (uint32_t i = 0; i < *n; i++)
        out[i] = (struct schema_column){
            .name = fields[i].name, .type = fields[i].type, .role = is_key ? ROLE_KEY : ROLE_VALUE};
    *columns = out;
    return STATUS_OK;
}

/* ---- from columns to a schema ----------------------------------------------------------------------------------- */

static void put_logical(struct buf *out, const char *name, const char *type, const char *connect)
{
    buf_printf(out, "{\"title\":\"" CONNECT "%s\",\"type\":\"%s\",\"connect.version\":1,\"connect.type\":\"%s\"", name,
               type, connect);
}

static void put_optional(struct buf *out, const struct type *t, int64_t index);

static void put_field(struct buf *out, struct str name, const struct type *t, uint32_t index)
{
    if (index)
        buf_putc(out, ',');
    tree_put_text(out, name);
    buf_putc(out, ':');
    put_optional(out, t, index);
}

static void put_type(struct buf *out, const struct type *t)
{
    switch (t->kind) {
    case KIND_BOOLEAN:
        buf_puts(out, STR("{\"type\":\"boolean\"}"));
        return;
    case KIND_INT:
        buf_puts(out, STR("{\"type\":\"integer\",\"connect.type\":\"int32\"}"));
        return;
    case KIND_BIGINT:
        buf_puts(out, STR("{\"type\":\"integer\",\"connect.type\":\"int64\"}"));
        return;
    case KIND_DOUBLE:
        buf_puts(out, STR("{\"type\":\"number\",\"connect.type\":\"float64\"}"));
        return;
    case KIND_BYTES:
        buf_puts(out, STR("{\"type\":\"string\",\"connect.type\":\"bytes\"}"));
        return;
    case KIND_DATE:
        put_logical(out, "Date", "integer", "int32");
        break;
    case KIND_TIME:
        put_logical(out, "Time", "integer", "int32");
        break;
    case KIND_TIMESTAMP:
        put_logical(out, "Timestamp", "integer", "int64");
        break;
    case KIND_DECIMAL:
        put_logical(out, "Decimal", "number", "bytes");
        buf_printf(out, ",\"connect.parameters\":{\"scale\":\"%d\",\"connect.decimal.precision\":\"%d\"}", t->scale,
                   t->precision);
        break;
    case KIND_ARRAY:
        buf_puts(out, STR("{\"type\":\"array\",\"items\":"));
        put_optional(out, t->element, -1);
        break;
    case KIND_MAP:
        buf_puts(out, STR("{\"type\":\"object\",\"additionalProperties\":"));
        put_optional(out, t->element, -1);
        buf_puts(out, STR(",\"connect.type\":\"map\""));
        break;
    case KIND_STRUCT:
        buf_puts(out, STR("{\"type\":\"object\",\"properties\":{"));
        for (uint32_t i = 0; i < t->n_fields; i++)
            put_field(out, t->fields[i].name, t->fields[i].type, i);
        buf_putc(out, '}');
        break;
    default:
        buf_puts(out, STR("{\"type\":\"string\"}"));
        return;
    }
    buf_putc(out, '}');
}

static void put_optional(struct buf *out, const struct type *t, int64_t index)
{
    buf_puts(out, STR("{\"oneOf\":[{\"type\":\"null\"},"));
    put_type(out, t);
    buf_putc(out, ']');
    if (index >= 0)
        buf_printf(out, ",\"connect.index\":%lld", (long long)index);
    buf_putc(out, '}');
}

static enum status columns_to(const struct format_spec *spec, const struct schema_column *columns, uint32_t n,
                              bool is_key, struct buf *out, struct diag *d)
{
    (void)is_key;
    (void)d;
    if (!spec->wrapped && n == 1) {
        put_optional(out, columns[0].type, -1);
        return STATUS_OK;
    }
    buf_putc(out, '{');
    if (spec->full_name) {
        buf_puts(out, STR("\"title\":"));
        tree_put_text(out, str_from(spec->full_name));
        buf_putc(out, ',');
    }
    buf_puts(out, STR("\"type\":\"object\",\"properties\":{"));
    for (uint32_t i = 0; i < n; i++)
        put_field(out, columns[i].name, columns[i].type, i);
    buf_puts(out, STR("}}"));
    return STATUS_OK;
}

const struct schema_ops json_sr_schema_ops = {
    .type = SCHEMA_JSON, .columns_from = columns_from, .columns_to = columns_to};
