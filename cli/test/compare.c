/* What came out against what a case expects, as strictly as ksqlDB's own runner: count and order a topic; key, value,
 * window, headers, and the timestamp where one is given. Numbers: whole ones by value, DOUBLEs within 1e-6, others
 * digit for digit (1.0 is not 1.00). A member that is not there counts as null, but the number of members must be
 * right. */
#include "cli/test/test.h"
#include "functions/codec.h"

#include <math.h>

/* ---- values: `type` is what the column is declared as, or NULL; `exact` false: any numbers within 1e-6 ----- */

static bool compare_json(const struct json *actual, const struct json *expected, const struct type *type, bool exact);

static bool is_whole(struct str number)
{
    for (uint32_t i = 0; i < number.len; i++)
        if (memchr(".eE", number.p[i], 3))
            return false;
    return true;
}

static bool same_decimal(struct str x, struct str y)
{
    int128 a, b;
    int a_scale, b_scale;
    if (!parse_decimal(x, &a, &a_scale) || !parse_decimal(y, &b, &b_scale))
        return str_eq(x, y);
    return a == b && a_scale == b_scale;
}

static bool close_doubles(struct str x, struct str y)
{
    double a, b;
    return parse_double(x, &a) && parse_double(y, &b) && (a == b || fabs(a - b) < 1e-6);
}

static bool compare_number(struct str actual, const struct json *expected, const struct type *type, bool exact)
{
    double number;
    if (expected->kind == JSON_STRING)
        return !is_whole(actual) && same_decimal(actual, expected->text);
    if (!json_is_number(expected))
        return false;
    if (!is_whole(actual))
        return exact && !(type && type->kind == KIND_DOUBLE) ? same_decimal(actual, expected->text)
                                                             : close_doubles(actual, expected->text);
    if (is_whole(expected->text))
        return same_decimal(actual, expected->text);
    return parse_double(expected->text, &number) && trunc(number) == number && close_doubles(actual, expected->text);
}

static bool compare_lists(const struct json *actual, const struct json *expected, const struct type *type, bool exact)
{
    const struct json *e = expected->first;
    const struct type *element = type && type->kind == KIND_ARRAY ? type->element : NULL;
    if (actual->n != expected->n)
        return false;
    JSON_EACH (actual, child) {
        if (!compare_json(child, e, element, exact))
            return false;
        e = e->next;
    }
    return true;
}

/* By the expected name, then by the same in capitals. */
static const struct json *find_member(const struct json *object, struct str name)
{
    JSON_EACH (object, child)
        if (str_eq(child->key, name))
            return child;
    JSON_EACH (object, child)
        if (str_eq_nocase(child->key, name))
            return child;
    return NULL;
}

static const struct type *member_type(const struct type *type, struct str name)
{
    if (type && type->kind == KIND_MAP)
        return type->element;
    for (uint32_t i = 0; type && type->kind == KIND_STRUCT && i < type->n_fields; i++)
        if (str_eq_nocase(type->fields[i].name, name))
            return type->fields[i].type;
    return NULL;
}

static bool compare_objects(const struct json *actual, const struct json *expected, const struct type *type, bool exact)
{
    static const struct json missing = {.kind = JSON_NULL};
    if (actual->n != expected->n)
        return false;
    JSON_EACH (expected, child) {
        const struct json *found = find_member(actual, child->key);
        if (!compare_json(found ? found : &missing, child, member_type(type, child->key), exact))
            return false;
    }
    return true;
}

static bool compare_json(const struct json *actual, const struct json *expected, const struct type *type, bool exact)
{
    if (!expected)
        return actual->kind == JSON_NULL;
    switch (actual->kind) {
    case JSON_MISSING:
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        return actual->kind == expected->kind;
    case JSON_STRING:
        return expected->kind == JSON_STRING && str_eq(actual->text, expected->text);
    case JSON_INTEGER:
    case JSON_DECIMAL:
        return compare_number(actual->text, expected, type, exact);
    case JSON_ARRAY:
        return expected->kind == JSON_ARRAY && compare_lists(actual, expected, type, exact);
    case JSON_OBJECT:
        return expected->kind == JSON_OBJECT && compare_objects(actual, expected, type, exact);
    }
    return false;
}

/* ---- records --------------------------------------------------------------------------------------------- */

struct comparison {
    struct world *w;
    struct side key_side, value_side;
    bool exact, any_zero_ts;
    struct buf *reason;
};

/* The type of the whole side; NULL: not known (or no memory, then doubles are compared more strictly). */
static const struct type *side_type(struct arena *a, const struct side *side)
{
    if (side->n_columns == 1 && !side->wrapped)
        return side->columns[0].type;
    struct field *fields = ARENA_ARRAY(a, struct field, side->n_columns);
    for (uint32_t i = 0; fields && i < side->n_columns; i++)
        fields[i] = (struct field){side->columns[i].name, side->columns[i].type};
    return fields ? type_struct(a, fields, side->n_columns) : NULL;
}

/* DELIMITED: a case may write a bare number for a text of one column. */
static bool compare_side(struct arena *a, const struct side *side, const struct json *actual,
                         const struct json *expected, bool exact)
{
    if (actual->kind == JSON_STRING && expected && side->format == FORMAT_DELIMITED && json_is_number(expected))
        return str_eq(actual->text, expected->text);
    return compare_json(actual, expected, side_type(a, side), exact);
}

static bool compare_headers(struct arena *a, const struct headers *actual, const struct json *expected)
{
    uint32_t n = expected ? expected->n : 0, i = 0;
    if ((actual ? actual->n : 0) != n)
        return false;
    JSON_EACH (expected, j) {
        const struct record_header *h = &actual->items[i++];
        struct str value = json_text(j, "VALUE");
        if (!str_eq(h->key, json_text(j, "KEY")) || h->is_null != !value.p ||
            (value.p && !str_eq(h->value, base64_decode(a, value))))
            return false;
    }
    return true;
}

static void print_node(struct buf *out, const struct json *j)
{
    if (j)
        json_print_as_written(out, j);
    else
        buf_puts(out, STR("null"));
}

static bool differs(struct comparison *c, size_t row, const char *what, const struct json *expected,
                    const struct json *actual)
{
    buf_printf(c->reason, "record %zu: %s: expected ", row + 1, what);
    print_node(c->reason, expected);
    buf_puts(c->reason, STR(", but was "));
    print_node(c->reason, actual);
    return false;
}

static bool compare_window(struct comparison *c, size_t row, const struct json *expected,
                           const struct test_window *actual)
{
    struct test_window want;
    bool same = window_from_json(expected, &want) && want.given == actual->given &&
                (!want.given ||
                 (want.is_session == actual->is_session && want.start == actual->start && want.end == actual->end));
    if (!same && actual->given)
        buf_printf(c->reason, "record %zu: window: expected " STR_FMT ", but was %lld..%lld%s", row + 1,
                   STR_ARG(expected ? expected->text : STR("none")), (long long)actual->start, (long long)actual->end,
                   actual->is_session ? " session" : "");
    else if (!same)
        buf_printf(c->reason, "record %zu: window: expected one, but there was none", row + 1);
    return same;
}

static bool compare_record(struct comparison *c, size_t row, const struct json *expected, const struct record *actual)
{
    struct arena *a = &c->w->arena;
    struct str key_bytes = actual->key;
    struct test_window window = {0};
    const struct json *ts = json_member(expected, "timestamp"), *want_key = json_member(expected, "key"),
                      *want_value = json_member(expected, "value"), *headers = json_member(expected, "headers");
    if (key_bytes.p && !window_split(&c->key_side, &key_bytes, &window)) {
        buf_printf(c->reason, "record %zu: the key is too short for a windowed one", row + 1);
        return false;
    }
    const struct json *key = side_to_json(a, &c->key_side, key_bytes),
                      *value = side_to_json(a, &c->value_side, actual->value);
    int64_t want_ts;
    if (!key || !value)
        return buf_puts(c->reason, STR("out of memory")), false;
    if (!compare_side(a, &c->key_side, key, want_key, c->exact))
        return differs(c, row, "key", want_key, key);
    if (!compare_side(a, &c->value_side, value, want_value, c->exact))
        return differs(c, row, "value", want_value, value);
    if (!compare_window(c, row, json_member(expected, "window"), &window))
        return false;
    if (ts && parse_i64(ts->text, &want_ts) && want_ts != actual->ts && !(want_ts == 0 && c->any_zero_ts)) {
        buf_printf(c->reason, "record %zu: timestamp: expected %lld, but was %lld", row + 1, (long long)want_ts,
                   (long long)actual->ts);
        return false;
    }
    if (!compare_headers(a, actual->headers, headers)) {
        buf_printf(c->reason, "record %zu: headers differ", row + 1);
        return false;
    }
    return true;
}

static void print_record(struct comparison *c, const struct record *r)
{
    struct str key = r->key;
    struct test_window window;
    if (key.p)
        (void)window_split(&c->key_side, &key, &window);
    const struct json *k = side_to_json(&c->w->arena, &c->key_side, key),
                      *v = side_to_json(&c->w->arena, &c->value_side, r->value);
    print_node(c->reason, k);
    buf_puts(c->reason, STR(" -> "));
    print_node(c->reason, v);
}

/* Compares the records of one topic with those of `outputs` that name it. */
static bool compare_topic(struct world *w, const struct json *outputs, struct str name, bool any_zero_ts,
                          struct buf *reason)
{
    struct str z = str_dup(&w->arena, name);
    const struct test_topic *topic = z.p ? world_topic(w, z.p) : NULL;
    const struct source *source = z.p ? world_source_of(w, z.p) : NULL;
    const char *exact = world_property(w, "use.exact.numeric.comparison");
    struct comparison c = {
        w, side_key(w, source), side_value(w, source), !exact || strcmp(exact, "false"), any_zero_ts, reason};
    size_t n = topic ? topic->records.n : 0, expected = 0;
    buf_printf(reason, "topic " STR_FMT ": ", STR_ARG(name));
    JSON_EACH (outputs, o)
        if (str_eq(json_text(o, "topic"), name)) {
            if (expected < n && !compare_record(&c, expected, o, &topic->records.items[expected]))
                return false;
            if (expected == n) {
                buf_printf(reason, "only %zu records, but then was expected: ", n);
                print_node(reason, json_member(o, "key"));
                buf_puts(reason, STR(" -> "));
                print_node(reason, json_member(o, "value"));
                return false;
            }
            expected++;
        }
    if (expected < n) {
        buf_printf(reason, "%zu records, but only %zu were expected; the next is ", n, expected);
        print_record(&c, &topic->records.items[expected]);
        return false;
    }
    return true;
}

bool compare_outputs(struct world *w, const struct json *outputs, bool any_zero_ts, struct buf *reason)
{
    JSON_EACH (outputs, o) {
        struct str name = json_text(o, "topic");
        bool seen = false;
        for (const struct json *before = outputs->first; before != o && !seen; before = before->next)
            seen = str_eq(json_text(before, "topic"), name);
        size_t start = reason->len;
        if (seen)
            continue;
        if (!compare_topic(w, outputs, name, any_zero_ts, reason)) {
            if (w->first_error[0])
                buf_printf(reason, " (processing log: %s)", w->first_error);
            return false;
        }
        reason->len = start;
    }
    return true;
}
