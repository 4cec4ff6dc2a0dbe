/* JSON functions. A text that is no JSON gives null and an entry in the processing log. */
#include "functions/codec.h"
#include "functions/functions_int.h"
#include "functions/json_text.h"
#include "functions/text.h"

#include <ctype.h>
#include <stdlib.h>

static const struct json *parse(struct call *c, struct str text)
{
    return json_parse(c->arena, text, c->error, sizeof c->error);
}

/* Texts as they are, everything else as JSON. */
static bool return_plain(struct call *c, const struct json *j, struct value *result)
{
    struct buf out;
    if (j->kind == JSON_STRING)
        return return_text(c, j->text.len ? j->text : STR(""), result);
    buf_init(&out, 0);
    json_print(&out, j);
    return return_buf(c, &out, result);
}

static bool return_json(struct call *c, const struct json *j, struct value *result)
{
    struct buf out;
    buf_init(&out, 0);
    json_print(&out, j);
    return return_buf(c, &out, result);
}

/* ---- EXTRACTJSONFIELD
 * -------------------------------------------------------------------------------------------------- */

struct step {
    struct str name; /* p NULL: an index */
    uint32_t index;
};
struct path {
    struct step *steps;
    uint32_t n;
    struct str text;
};

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == ':' || c == '@' || (unsigned char)c >= 0x80;
}

static bool path_name(struct str s, uint32_t *at, struct step *out)
{
    uint32_t from = *at;
    while (*at < s.len && is_name_char(s.p[*at]))
        (*at)++;
    out->name = str_make(s.p + from, *at - from);
    return *at > from;
}

static bool path_index(struct str s, uint32_t *at, struct step *out)
{
    uint32_t from = *at;
    uint64_t index = 0;
    for (; *at < s.len && isdigit((unsigned char)s.p[*at]) && index < UINT32_MAX; (*at)++)
        index = index * 10 + (uint64_t)(s.p[*at] - '0');
    if (*at == from)
        return path_name(s, at, out); /* [name] */
    out->index = index > UINT32_MAX ? UINT32_MAX : (uint32_t)index;
    return true;
}

static bool path_quoted(struct arena *a, struct str s, uint32_t *at, struct step *out)
{
    char *name = arena_alloc(a, s.len);
    uint32_t n = 0;
    for (; name && *at < s.len && s.p[*at] != '"'; (*at)++) {
        if (s.p[*at] == '\\' && *at + 1 < s.len && (s.p[*at + 1] == '"' || s.p[*at + 1] == '\\'))
            (*at)++;
        name[n++] = s.p[*at];
    }
    out->name = str_make(name, n);
    return name && *at < s.len && s.p[(*at)++] == '"';
}

/* $ then .name, [0], ["name"]. */
static bool path_parse(struct arena *a, struct str s, struct path *out)
{
    uint32_t at = 1;
    out->steps = ARENA_ARRAY(a, struct step, s.len);
    out->n = 0;
    out->text = s;
    if (!out->steps || s.len == 0 || s.p[0] != '$')
        return false;
    while (at < s.len) {
        struct step *step = &out->steps[out->n++];
        char c = s.p[at++];
        if (c == '.') {
            if (!path_name(s, &at, step))
                return false;
            continue;
        }
        if (c != '[' || at == s.len)
            return false;
        bool ok = s.p[at] == '"' ? (at++, path_quoted(a, s, &at, step)) : path_index(s, &at, step);
        if (!ok || at == s.len || s.p[at++] != ']')
            return false;
    }
    return true;
}

static const struct json *child_at(const struct json *j, const struct step *step)
{
    uint32_t i = 0;
    JSON_EACH (j, child) {
        if (step->name.p ? j->kind == JSON_OBJECT && str_eq(child->key, step->name)
                         : j->kind == JSON_ARRAY && i == step->index)
            return child;
        i++;
    }
    return NULL;
}

static bool prepare_path(struct call *c, const struct value *const *args)
{
    if (!args[1] || value_is_null(args[1]))
        return true;
    struct path *path = ARENA_NEW(c->state_arena, struct path);
    if (!path)
        return false;
    if (path_parse(c->state_arena, args[1]->str, path))
        c->state = path;
    return !c->state_arena->failed;
}

static bool extract_json_field(struct call *c, const struct value *args, struct value *result)
{
    struct path own;
    const struct path *path = c->state;
    *result = VALUE_NULL;
    if (!path) {
        if (!path_parse(c->arena, args[1].str, &own))
            return c->arena->failed ? return_nomem(c)
                                    : call_error(c, "Invalid JSON path: '" STR_FMT "'", STR_ARG(args[1].str));
        path = &own;
    }
    const struct json *j = parse(c, args[0].str);
    if (!j)
        return false;
    for (uint32_t i = 0; i < path->n && j; i++)
        j = child_at(j, &path->steps[i]);
    return !j || j->kind == JSON_NULL || j->kind == JSON_MISSING || return_plain(c, j, result);
}

/* ---- arrays, objects
 * ---------------------------------------------------------------------------------------------------------- */

static bool is_json_string(struct call *c, const struct value *args, struct value *result)
{
    const struct json *j = value_is_null(&args[0]) ? NULL : parse(c, args[0].str);
    *result = value_boolean(j && j->kind != JSON_MISSING);
    return !c->arena->failed || return_nomem(c);
}

static bool json_array_length(struct call *c, const struct value *args, struct value *result)
{
    const struct json *j = parse(c, args[0].str);
    if (!j)
        return false;
    *result = j->kind == JSON_ARRAY ? value_int((int32_t)j->n) : VALUE_NULL;
    return true;
}

/* Kinds must match: a whole number never equals one with a point. */
static bool equals(const struct json *j, const struct value *v)
{
    int64_t whole;
    double real;
    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
        return j->kind == JSON_NULL;
    case KIND_BOOLEAN:
        return j->kind == (v->boolean ? JSON_TRUE : JSON_FALSE);
    case KIND_INT:
        return j->kind == JSON_INTEGER && parse_i64(j->text, &whole) && whole == v->i32;
    case KIND_BIGINT:
        return j->kind == JSON_INTEGER && parse_i64(j->text, &whole) && whole == v->i64;
    case KIND_DOUBLE:
        return j->kind == JSON_DECIMAL && parse_double(j->text, &real) && real == v->f64;
    case KIND_STRING:
        return j->kind == JSON_STRING && str_eq(j->text, v->str);
    default:
        return false;
    }
}

static bool json_array_contains(struct call *c, const struct value *args, struct value *result)
{
    const struct json *j = value_is_null(&args[0]) ? NULL : parse(c, args[0].str);
    bool found = false;
    if (j && j->kind == JSON_ARRAY) {
        JSON_EACH (j, child) {
            found = found || equals(child, &args[1]);
        }
    }
    *result = value_boolean(found);
    return !c->arena->failed || return_nomem(c);
}

static bool json_items(struct call *c, const struct value *args, struct value *result)
{
    const struct json *j = parse(c, args[0].str);
    uint32_t i = 0;
    *result = VALUE_NULL;
    if (!j || j->kind != JSON_ARRAY)
        return j != NULL;
    struct nested *list = return_array(c, j->n, result);
    if (!list)
        return false;
    JSON_EACH (j, child) {
        if (!return_json(c, child, &list->items[i++]))
            return false;
    }
    return true;
}

static bool json_keys(struct call *c, const struct value *args, struct value *result)
{
    const struct json *j = parse(c, args[0].str);
    uint32_t i = 0;
    *result = VALUE_NULL;
    if (!j || j->kind != JSON_OBJECT)
        return j != NULL;
    struct nested *list = return_array(c, j->n, result);
    if (!list)
        return false;
    JSON_EACH (j, child) {
        list->items[i++] = value_text(child->key);
    }
    return true;
}

static bool json_records(struct call *c, const struct value *args, struct value *result)
{
    const struct json *j = parse(c, args[0].str);
    uint32_t i = 0;
    *result = VALUE_NULL;
    if (!j || j->kind != JSON_OBJECT)
        return j != NULL;
    struct nested *map = new_map(c, j->n);
    if (!map)
        return false;
    JSON_EACH (j, child) {
        map->keys[i] = value_text(child->key);
        if (!return_plain(c, child, &map->items[i++]))
            return false;
    }
    return return_map(c, map, result);
}

/* ---- JSON_CONCAT
 * -------------------------------------------------------------------------------------------------------------------
 */

static void print_joined(struct buf *out, const struct json *const *docs, uint32_t n)
{
    const char *separator = "";
    buf_putc(out, '[');
    for (uint32_t i = 0; i < n; i++) {
        const struct json *from = docs[i]->kind == JSON_ARRAY ? docs[i]->first : docs[i];
        for (const struct json *j = from; j; j = docs[i]->kind == JSON_ARRAY ? j->next : NULL) {
            buf_puts(out, str_from(separator));
            json_print(out, j);
            separator = ",";
        }
    }
    buf_putc(out, ']');
}

/* Members of all objects; later ones win, at the place of the first of their name. */
static void print_merged(struct buf *out, const struct json *const *docs, uint32_t n)
{
    const char *separator = "";
    buf_putc(out, '{');
    for (uint32_t i = 0; i < n; i++) {
        JSON_EACH (docs[i], child) {
            const struct json *last = child, *same;
            bool seen = false;
            struct step step = {.name = child->key};
            for (uint32_t k = 0; k < i && !seen; k++)
                seen = child_at(docs[k], &step) != NULL;
            for (uint32_t k = i + 1; k < n; k++)
                if ((same = child_at(docs[k], &step)))
                    last = same;
            if (seen)
                continue;
            buf_puts(out, str_from(separator));
            json_print_string(out, child->key);
            buf_putc(out, ':');
            json_print(out, last);
            separator = ",";
        }
    }
    buf_putc(out, '}');
}

static bool json_concat(struct call *c, const struct value *args, struct value *result)
{
    const struct json **docs = ARENA_ARRAY(c->arena, const struct json *, c->n_args);
    bool objects = true;
    struct buf out;
    *result = VALUE_NULL;
    if (!docs)
        return return_nomem(c);
    for (uint32_t i = 0; i < c->n_args; i++) {
        if (!(docs[i] = parse(c, args[i].str)))
            return false;
        if (docs[i]->kind == JSON_MISSING)
            return true;
        objects = objects && docs[i]->kind == JSON_OBJECT;
    }
    if (c->n_args == 0)
        return true;
    buf_init(&out, 0);
    if (objects)
        print_merged(&out, docs, c->n_args);
    else
        print_joined(&out, docs, c->n_args);
    return return_buf(c, &out, result);
}

/* ---- TO_JSON_STRING
 * -------------------------------------------------------------------------------------------------------------------
 */

static void print_value(struct buf *out, struct arena *a, const struct value *v, const struct type *t);

struct named {
    struct str name;
    const struct value *value;
    const struct type *type;
};

static int by_name(const void *x, const void *y)
{
    const struct named *a = x, *b = y;
    return str_cmp_utf16(a->name, b->name);
}

static void print_named(struct buf *out, struct arena *a, struct named *members, uint32_t n)
{
    if (n)
        qsort(members, n, sizeof *members, by_name);
    buf_putc(out, '{');
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_putc(out, ',');
        json_print_string(out, members[i].name);
        buf_putc(out, ':');
        print_value(out, a, members[i].value, members[i].type);
    }
    buf_putc(out, '}');
}

static void print_members(struct buf *out, struct arena *a, const struct nested *in, const struct type *t)
{
    struct named *members = ARENA_ARRAY(a, struct named, in->n);
    for (uint32_t i = 0; members && i < in->n; i++) {
        bool map = t->kind == KIND_MAP;
        members[i].name = map ? (in->keys[i].kind == KIND_STRING ? in->keys[i].str : STR("null")) : t->fields[i].name;
        members[i].type = map ? t->element : t->fields[i].type;
        members[i].value = &in->items[i];
    }
    if (members)
        print_named(out, a, members, in->n);
    else
        out->failed = true;
}

static void print_scalar(struct buf *out, struct arena *a, const struct value *v, const struct type *t)
{
    struct buf text;
    switch (t->kind) {
    case KIND_STRING:
        json_print_string(out, v->str);
        return;
    case KIND_BYTES:
        json_print_string(out, base64_encode(a, v->str));
        return;
    case KIND_DATE:
    case KIND_TIME:
    case KIND_TIMESTAMP:
        buf_init(&text, 0);
        value_print(&text, v, t);
        json_print_string(out, buf_str(&text));
        buf_free(&text);
        return;
    case KIND_DECIMAL:
        print_decimal(out, *v->decimal, t->scale);
        return;
    default:
        if (t->kind == KIND_DOUBLE && (v->f64 != v->f64 || v->f64 - v->f64 != 0)) {
            buf_putc(out, '"');
            print_double(out, v->f64);
            buf_putc(out, '"');
            return;
        }
        value_print(out, v, t);
    }
}

static void print_value(struct buf *out, struct arena *a, const struct value *v, const struct type *t)
{
    if (value_is_null(v)) {
        buf_puts(out, STR("null"));
    } else if (t->kind == KIND_ARRAY) {
        buf_putc(out, '[');
        for (uint32_t i = 0; i < v->nested->n; i++) {
            if (i)
                buf_putc(out, ',');
            print_value(out, a, &v->nested->items[i], t->element);
        }
        buf_putc(out, ']');
    } else if (type_is_nested(t)) {
        print_members(out, a, v->nested, t);
    } else {
        print_scalar(out, a, v, t);
    }
}

static bool to_json_string(struct call *c, const struct value *args, struct value *result)
{
    struct buf out;
    buf_init(&out, 0);
    print_value(&out, c->arena, &args[0], c->arg_types[0]);
    return return_buf(c, &out, result);
}

#define JSON(upper, lower, text) .name = (upper), .declared_name = (lower), .category = "JSON", .description = (text)

static const struct function table[] = {
    {JSON("EXTRACTJSONFIELD", "extractjsonfield", "The value at a path of a JSON text"),
     VARIANTS({.signature = "(STRING input, STRING path) -> STRING",
               .fn = extract_json_field,
               .null_in_null_out = true,
               .prepare = prepare_path})},
    {JSON("IS_JSON_STRING", "is_json_string", "Whether a text is JSON"),
     VARIANTS(CALL("(STRING input) -> BOOLEAN", is_json_string))},
    {JSON("JSON_ARRAY_CONTAINS", "json_array_contains", "Whether a JSON array has a value"),
     VARIANTS(CALL("(STRING json, T val) -> BOOLEAN", json_array_contains))},
    {JSON("JSON_ARRAY_LENGTH", "json_array_length", "The number of elements of a JSON array"),
     VARIANTS(CALL_NOT_NULL("(STRING jsonArray) -> INT", json_array_length))},
    {JSON("JSON_CONCAT", "json_concat", "Merges JSON objects, or joins JSON arrays"),
     VARIANTS(CALL_NOT_NULL("(STRING... jsonStrings) -> STRING", json_concat))},
    {JSON("JSON_ITEMS", "json_items", "The elements of a JSON array"),
     VARIANTS(CALL_NOT_NULL("(STRING jsonItems) -> ARRAY<STRING>", json_items))},
    {JSON("JSON_KEYS", "json_keys", "The names in a JSON object"),
     VARIANTS(CALL_NOT_NULL("(STRING jsonObj) -> ARRAY<STRING>", json_keys))},
    {JSON("JSON_RECORDS", "json_records", "The members of a JSON object as a map"),
     VARIANTS(CALL_NOT_NULL("(STRING jsonObj) -> MAP<STRING, STRING>", json_records))},
    {JSON("TO_JSON_STRING", "to_json_string", "A value as JSON"), VARIANTS(CALL("(T val) -> STRING", to_json_string))},
};

const struct function_family functions_json = FAMILY(table);
