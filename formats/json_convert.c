/* JSON values to SQL values by ksqlDB's rules of coercion. The text has been checked: nothing here can meet bad syntax.
 *
 * An object is passed twice: first to find, for each field of the STRUCT, the member that counts (equal names: the last;
 * a name that is equal before one that is equal in capitals), then to convert those in the order of the fields. So values
 * that do not count are never an error, and the first error in the order of the fields is the one reported. */
#include "formats/json_int.h"

enum { LINEAR_FIELDS = 8, NAME_ON_STACK = 256 };

/* ---- fields by name ----------------------------------------------------------------------------------- */

bool json_shape_create(struct decode_node *node, struct arena *a)
{
    if (node->element && !json_shape_create(node->element, a))
        return false;
    if (node->type->kind != KIND_STRUCT)
        return true;
    uint32_t n = node->type->n_fields;
    struct json_shape *shape = ARENA_NEW(a, struct json_shape);
    if (!shape)
        return false;
    node->extra = shape;
    map_init(&shape->by_name);
    shape->start = arena_alloc(a, n * sizeof *shape->start);
    shape->rank = ARENA_ARRAY(a, uint8_t, n);
    if (!shape->start || !shape->rank)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (!json_shape_create(&node->fields[i], a))
            return false;
        if (n > LINEAR_FIELDS && !map_put(&shape->by_name, node->type->fields[i].name, (void *)(uintptr_t)(i + 1)))
            return false;
    }
    return true;
}

void json_shape_clear(struct decode_node *node)
{
    if (node->element)
        json_shape_clear(node->element);
    struct json_shape *shape = node->extra;
    if (!shape)
        return;
    map_free(&shape->by_name);
    for (uint32_t i = 0; i < node->type->n_fields; i++)
        json_shape_clear(&node->fields[i]);
}

static int find_exact(const struct decode_node *node, struct str name)
{
    const struct json_shape *shape = node->extra;
    if (node->type->n_fields > LINEAR_FIELDS)
        return (int)(uintptr_t)map_get(&shape->by_name, name) - 1;
    return type_field(node->type, name);
}

bool json_find_field(const struct decode_node *node, struct str raw, unsigned flags, struct arena *scratch,
                     struct json_match *match)
{
    struct str name = flags & STRING_ESCAPES ? json_unescape(scratch, raw) : raw;
    char space[NAME_ON_STACK], *upper = name.len <= sizeof space ? space : arena_alloc(scratch, name.len);
    if (!name.p || !upper)
        return false;
    match->exact = find_exact(node, name);
    match->upper = find_exact(node, str_make(upper, json_upper(name, upper)));
    return true;
}

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

static const char *wrong_kind(struct json_context *c, const struct type *t, const char *source,
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

/* Where the bytes of a value go: with the batch if it is kept, else away. */
static struct arena *arena_of(struct json_context *c, const struct value *out)
{
    return out ? c->run->a : c->scratch;
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
        return wrong_kind(c, t, node_class(p, end), path);
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
        return wrong_kind(c, t, node_class(p, end), path);
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
        return wrong_kind(c, t, node_class(p, end), path);
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
        return wrong_kind(c, t, node_class(p, end), path);
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

static const char *convert_scalar(struct json_context *c, const struct type *t, const char *p,
                                  const struct json_path *path, struct value *out)
{
    const char *end = json_skip(&c->reader, p);
    struct value ignored, *v = out ? out : &ignored;
    v->kind = (uint8_t)t->kind;
    switch (t->kind) {
    case KIND_BOOLEAN:
        if (*p != 't' && *p != 'f')
            return wrong_kind(c, t, node_class(p, end), path);
        v->boolean = *p == 't';
        return end;
    case KIND_DOUBLE:
        return convert_double(c, t, p, end, path, v);
    case KIND_DECIMAL:
        return convert_decimal(c, t, p, end, path, arena_of(c, out), v);
    case KIND_BYTES:
        return convert_bytes(c, t, p, end, path, arena_of(c, out), v);
    case KIND_STRING:
        return string_value(c, p, end, out) ? end : NULL;
    default:
        return convert_integer(c, t, p, end, path, v);
    }
}

/* ---- nested values ------------------------------------------------------------------------------------ */

/* The value of a field, and into its outputs. p NULL: missing. */
static bool convert_field(struct json_context *c, const struct decode_node *node, const char *p,
                          const struct json_path *path, struct value *out)
{
    struct value v = VALUE_NULL;
    if (!p) {
        decode_emit(c->run, node, &v);
    } else {
        bool keep = out || node->n_outputs;
        if (!json_convert(c, node, p, path, keep ? &v : NULL))
            return false;
    }
    if (out)
        *out = v;
    return true;
}

static void take_member(struct json_shape *shape, int field, uint8_t rank, const char *value)
{
    if (field < 0 || rank < shape->rank[field])
        return;
    shape->rank[field] = rank;
    shape->start[field] = value;
}

static const char *find_members(struct json_context *c, const struct decode_node *node, const char *p)
{
    struct json_shape *shape = node->extra;
    struct str name;
    unsigned flags;
    memset(shape->rank, 0, node->type->n_fields);
    enum json_step step;
    p++;
    for (bool first = true; (step = json_next_member(&c->reader, &p, first, &name, &flags)) == JSON_NEXT; first = false) {
        struct json_match match;
        if (!json_find_field(node, name, flags, c->scratch, &match))
            return NULL;
        take_member(shape, match.upper, 1, p);
        take_member(shape, match.exact, 2, p);
        p = json_skip(&c->reader, p);
    }
    return p;
}

static const char *convert_struct(struct json_context *c, const struct decode_node *node, const char *p,
                                  const struct json_path *path, struct value *out)
{
    const struct type *t = node->type;
    if (*p != '{')
        return wrong_kind(c, t, node_class(p, json_skip(&c->reader, p)), path);
    const struct json_shape *shape = node->extra;
    const char *end = find_members(c, node, p);
    if (!end)
        return NULL;
    struct nested *nested = NULL;
    if (out) {
        nested = arena_alloc(c->run->a, sizeof *nested);
        struct value *items = arena_alloc(c->run->a, t->n_fields * sizeof *items);
        if (!nested || !items)
            return NULL;
        *nested = (struct nested){.n = t->n_fields, .items = items};
        out->kind = KIND_STRUCT;
        out->nested = nested;
    }
    for (uint32_t i = 0; i < t->n_fields; i++) {
        struct json_path here = {.up = path, .name = t->fields[i].name};
        if (!convert_field(c, &node->fields[i], shape->rank[i] ? shape->start[i] : NULL, &here,
                           nested ? &nested->items[i] : NULL))
            return NULL;
    }
    return end;
}

static uint32_t count_elements(struct json_reader *r, const char *p)
{
    uint32_t n = 0;
    bool object = *p++ == '{';
    struct str name;
    unsigned flags;
    while ((object ? json_next_member(r, &p, n == 0, &name, &flags) : json_next_element(r, &p, n == 0)) == JSON_NEXT) {
        p = json_skip(r, p);
        n++;
    }
    return n;
}

static const char *convert_array(struct json_context *c, const struct decode_node *node, const char *p,
                                 const struct json_path *path, struct value *out)
{
    if (*p != '[')
        return wrong_kind(c, node->type, node_class(p, json_skip(&c->reader, p)), path);
    if (!out && node->element->type->kind == KIND_STRING)
        return json_skip(&c->reader, p);
    struct nested *nested = NULL;
    if (out) {
        uint32_t n = count_elements(&c->reader, p);
        nested = arena_alloc(c->run->a, sizeof *nested);
        struct value *items = arena_alloc(c->run->a, n * sizeof *items);
        if (!nested || !items)
            return NULL;
        *nested = (struct nested){.n = n, .items = items};
        out->kind = KIND_ARRAY;
        out->nested = nested;
    }
    struct json_path here = {.up = path};
    p++;
    for (; json_next_element(&c->reader, &p, here.index == 0) == JSON_NEXT; here.index++) {
        p = json_convert(c, node->element, p, &here, nested ? &nested->items[here.index] : NULL);
        if (!p)
            return NULL;
    }
    return p;
}

/* First only the places of the values are put into a map; when it is in order and without duplicates they are converted. */
static const char *convert_map(struct json_context *c, const struct decode_node *node, const char *p,
                               const struct json_path *path, struct value *out)
{
    if (*p != '{')
        return wrong_kind(c, node->type, node_class(p, json_skip(&c->reader, p)), path);
    if (!out && node->element->type->kind == KIND_STRING)
        return json_skip(&c->reader, p);
    struct arena *a = arena_of(c, out);
    const char *begin = p;
    uint32_t n = count_elements(&c->reader, p), i = 0;
    struct nested *nested = arena_alloc(a, sizeof *nested);
    struct value *keys = arena_alloc(a, n * sizeof *keys), *items = arena_alloc(a, n * sizeof *items);
    if (!nested || !keys || !items)
        return NULL;
    struct str name;
    unsigned flags;
    p++;
    for (; json_next_member(&c->reader, &p, i == 0, &name, &flags) == JSON_NEXT; i++) {
        keys[i] = (struct value){.kind = KIND_STRING,
                                 .str = flags & STRING_ESCAPES ? json_unescape(a, name) : name};
        if (!keys[i].str.p)
            return NULL;
        items[i] = (struct value){.kind = KIND_BIGINT, .i64 = p - begin};
        p = json_skip(&c->reader, p);
    }
    if (!value_map_order(a, keys, items, &n)) {
        a->failed = true;
        return NULL;
    }
    *nested = (struct nested){.n = n, .items = items, .keys = keys};
    for (i = 0; i < n; i++) {
        struct json_path here = {.up = path, .name = keys[i].str, .is_entry = true};
        if (!json_convert(c, node->element, begin + items[i].i64, &here, out ? &items[i] : NULL))
            return NULL;
    }
    if (out) {
        out->kind = KIND_MAP;
        out->nested = nested;
    }
    return p;
}

const char *json_convert(struct json_context *c, const struct decode_node *node, const char *p,
                         const struct json_path *path, struct value *out)
{
    const char *end;
    if (*p == 'n') {
        if (out)
            *out = VALUE_NULL;
        decode_emit(c->run, node, &VALUE_NULL);
        return p + 4;
    }
    switch (node->type->kind) {
    case KIND_ARRAY:
        end = convert_array(c, node, p, path, out);
        break;
    case KIND_MAP:
        end = convert_map(c, node, p, path, out);
        break;
    case KIND_STRUCT:
        end = convert_struct(c, node, p, path, out);
        break;
    default:
        end = convert_scalar(c, node->type, p, path, out);
    }
    if (end)
        for (uint32_t i = 0; i < node->n_outputs; i++)
            column_set(&c->run->out[node->outputs[i]], c->run->row, out);
    return end;
}

bool json_convert_missing(struct json_context *c, const struct decode_node *node, struct value *out)
{
    if (node->type->kind != KIND_STRING) {
        wrong_kind(c, node->type, "MissingNode", NULL);
        return false;
    }
    *out = (struct value){.kind = KIND_STRING, .str = STR("")};
    decode_emit(c->run, node, out);
    return true;
}
