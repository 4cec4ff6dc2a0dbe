/* JSON values to SQL values by ksqlDB's rules of coercion. The text has been checked: nothing here can meet bad syntax.
 *
 * An object is passed twice: first to find, for each field of the STRUCT, the member that counts (equal names: the
 * last; a name that is equal before one that is equal in capitals), then to convert those in the order of the fields.
 * So values that do not count are never an error, and the first error in the order of the fields is the one reported.
 */
#include "formats/json_convert_int.h"

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
    for (bool first = true; (step = json_next_member(&c->reader, &p, first, &name, &flags)) == JSON_NEXT;
         first = false) {
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
        return json_wrong_value(c, t, p, path);
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
        return json_wrong_value(c, node->type, p, path);
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

/* First only the places of the values are put into a map; when it is in order and without duplicates they are
 * converted. */
static const char *convert_map(struct json_context *c, const struct decode_node *node, const char *p,
                               const struct json_path *path, struct value *out)
{
    if (*p != '{')
        return json_wrong_value(c, node->type, p, path);
    if (!out && node->element->type->kind == KIND_STRING)
        return json_skip(&c->reader, p);
    struct arena *a = json_arena_of(c, out);
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
        keys[i] = (struct value){.kind = KIND_STRING, .str = flags & STRING_ESCAPES ? json_unescape(a, name) : name};
        if (!keys[i].str.p)
            return NULL;
        items[i] = (struct value){.kind = KIND_BIGINT, .i64 = p - begin};
        p = json_skip(&c->reader, p);
    }
    if (!value_map_order_sized(a, keys, items, &n, n)) {
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
        end = json_convert_scalar(c, node->type, p, path, out);
    }
    if (end)
        for (uint32_t i = 0; i < node->n_outputs; i++)
            column_set(&c->run->out[node->outputs[i]], c->run->row, out);
    return end;
}

bool json_convert_missing(struct json_context *c, const struct decode_node *node, struct value *out)
{
    if (node->type->kind != KIND_STRING) {
        json_wrong_kind(c, node->type, "MissingNode", NULL);
        return false;
    }
    *out = (struct value){.kind = KIND_STRING, .str = STR("")};
    decode_emit(c->run, node, out);
    return true;
}
