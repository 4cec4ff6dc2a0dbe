/* JSON text to trees and back. */
#include "functions/json_text.h"
#include "functions/text.h"
#include "functions/value_set.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEPTH_LIMIT = 1000, NUMBER_LIMIT = 1000 };

struct reader {
    struct arena *a;
    const char *p, *end;
    const char *start;
    char *error;
    size_t error_size;
    bool is_file; /* see json_parse_file */
    bool failed;
};

static struct json *fail(struct reader *r, const char *what)
{
    int line = 1;
    for (const char *p = r->start; r->is_file && p < r->p; p++)
        line += *p == '\n';
    if (!r->failed && r->is_file)
        snprintf(r->error, r->error_size, "line %d: %s", line, what);
    else if (!r->failed)
        snprintf(r->error, r->error_size, "Invalid JSON format: %s at offset %td", what, r->p - r->start);
    r->failed = true;
    return NULL;
}

static bool skip_comment(struct reader *r)
{
    if (!r->is_file || r->end - r->p < 2 || r->p[0] != '/' || (r->p[1] != '/' && r->p[1] != '*'))
        return false;
    bool line = r->p[1] == '/';
    const char *stop = memmem(r->p + 2, (size_t)(r->end - r->p - 2), line ? "\n" : "*/", line ? 1 : 2);
    r->p = stop ? stop + (line ? 1 : 2) : r->end;
    return true;
}

static void skip_blanks(struct reader *r)
{
    do {
        while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
            r->p++;
    } while (skip_comment(r));
}

static struct json *new_node(struct reader *r, enum json_kind kind)
{
    struct json *j = ARENA_NEW(r->a, struct json);
    if (!j)
        return fail(r, "out of memory");
    j->kind = kind;
    return j;
}

static bool literal(struct reader *r, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0)
        return false;
    r->p += len;
    return true;
}

/* ---- numbers, strings ------------------------------------------------------------------------------------------- */

static bool digits(struct reader *r)
{
    const char *from = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return r->p > from;
}

static struct json *number(struct reader *r)
{
    const char *from = r->p;
    bool decimal = false;
    r->p += *r->p == '-';
    const char *whole = r->p;
    if (!digits(r) || (*whole == '0' && r->p - whole > 1))
        return fail(r, "bad number");
    if (r->p < r->end && *r->p == '.') {
        r->p++;
        decimal = true;
        if (!digits(r))
            return fail(r, "bad number");
    }
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        r->p++;
        decimal = true;
        if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
            r->p++;
        if (!digits(r))
            return fail(r, "bad number");
    }
    if (r->p - from > NUMBER_LIMIT)
        return fail(r, "number too long");
    struct json *j = new_node(r, decimal ? JSON_DECIMAL : JSON_INTEGER);
    if (j)
        j->text = str_make(from, (size_t)(r->p - from));
    return j;
}

static bool hex4(struct reader *r, uint32_t *out)
{
    *out = 0;
    if (r->end - r->p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = *r->p++;
        char lower = (char)(c | 32);
        if (c >= '0' && c <= '9')
            *out = *out << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            *out = *out << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return false;
    }
    return true;
}

static bool unicode_escape(struct reader *r, struct buf *out)
{
    uint32_t c, low;
    if (!hex4(r, &c))
        return false;
    if (c >= 0xD800 && c < 0xDC00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u') {
        const char *back = r->p;
        r->p += 2;
        if (!hex4(r, &low))
            return false;
        if (low >= 0xDC00 && low < 0xE000)
            c = ((c - 0xD7C0) << 10) + (low & 0x3FF);
        else
            r->p = back;
    }
    text_put_code_point(out, c);
    return true;
}

static bool escape(struct reader *r, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (r->p == r->end)
        return false;
    char c = *r->p++;
    if (c == 'u')
        return unicode_escape(r, out);
    const char *at = c ? strchr(from, c) : NULL;
    if (at)
        buf_putc(out, to[at - from]);
    return at != NULL;
}

/* Behind the opening quote. Without escapes the text is borrowed. */
static bool string(struct reader *r, struct str *out)
{
    const char *from = r->p;
    while (r->p < r->end && *r->p != '"' && *r->p != '\\' && (unsigned char)*r->p >= 0x20)
        r->p++;
    if (r->p < r->end && *r->p == '"') {
        *out = str_make(from, (size_t)(r->p++ - from));
        return true;
    }
    struct buf text;
    bool ok = true;
    buf_init(&text, 0);
    buf_put(&text, from, (size_t)(r->p - from));
    while (ok && r->p < r->end && *r->p != '"') {
        char c = *r->p++;
        if (c == '\\')
            ok = escape(r, &text);
        else if ((unsigned char)c < 0x20)
            ok = false;
        else
            buf_putc(&text, c);
    }
    ok = ok && r->p < r->end;
    r->p += ok;
    *out = text_take(r->a, &text);
    if (!ok || !out->p)
        fail(r, ok ? "out of memory" : "bad string");
    return ok && out->p;
}

/* ---- structure ------------------------------------------------------------------------------------------------ */

static struct json *value(struct reader *r, int depth);

/* Lets the last of equal keys win, at the place of the first. */
static bool merge_keys(struct reader *r, struct json *object)
{
    struct value_set keys;
    struct json **members = ARENA_ARRAY(r->a, struct json *, object->n), **link = &object->first;
    struct value *values = ARENA_ARRAY(r->a, struct value, object->n);
    if (!members || !values || !value_set_init(&keys, r->a, object->n))
        return fail(r, "out of memory") != NULL;
    uint32_t at = 0;
    for (struct json *child = object->first; child; child = child->next) {
        values[at] = value_text(child->key);
        int64_t seen = value_set_index(&keys, &values[at]);
        if (seen >= 0) {
            members[seen] = child;
        } else {
            members[keys.n] = child;
            value_set_add(&keys, &values[at]);
        }
        at++;
    }
    if (keys.n == object->n)
        return true;
    object->n = keys.n;
    for (uint32_t i = 0; i < keys.n; i++) {
        *link = members[i];
        link = &members[i]->next;
    }
    *link = NULL;
    return true;
}

static bool member(struct reader *r, struct str *key)
{
    skip_blanks(r);
    if (r->p == r->end || *r->p != '"')
        return fail(r, "a name was expected") != NULL;
    r->p++;
    if (!string(r, key))
        return false;
    skip_blanks(r);
    if (r->p == r->end || *r->p != ':')
        return fail(r, "':' was expected") != NULL;
    r->p++;
    return true;
}

/* Behind the opening bracket. */
static struct json *children(struct reader *r, enum json_kind kind, int depth)
{
    char close = kind == JSON_ARRAY ? ']' : '}';
    struct json *parent = new_node(r, kind);
    struct json **link = parent ? &parent->first : NULL;
    if (!parent || depth > DEPTH_LIMIT)
        return parent ? fail(r, "nested too deeply") : NULL;
    skip_blanks(r);
    if (r->p < r->end && *r->p == close) {
        r->p++;
        return parent;
    }
    for (;;) {
        struct str key = {NULL, 0};
        if (kind == JSON_OBJECT && !member(r, &key))
            return NULL;
        struct json *child = value(r, depth);
        if (!child)
            return NULL;
        child->key = key;
        *link = child;
        link = &child->next;
        parent->n++;
        skip_blanks(r);
        if (r->p == r->end || (*r->p != ',' && *r->p != close))
            return fail(r, "',' was expected");
        if (*r->p++ == close)
            break;
    }
    return kind == JSON_ARRAY || parent->n < 2 || merge_keys(r, parent) ? parent : NULL;
}

static struct json *value(struct reader *r, int depth)
{
    skip_blanks(r);
    if (r->p == r->end)
        return fail(r, "unexpected end");
    struct json *j;
    switch (*r->p) {
    case '{':
        r->p++;
        return children(r, JSON_OBJECT, depth + 1);
    case '[':
        r->p++;
        return children(r, JSON_ARRAY, depth + 1);
    case '"':
        r->p++;
        j = new_node(r, JSON_STRING);
        return j && string(r, &j->text) ? j : NULL;
    case 't':
        return literal(r, "true") ? new_node(r, JSON_TRUE) : fail(r, "unknown word");
    case 'f':
        return literal(r, "false") ? new_node(r, JSON_FALSE) : fail(r, "unknown word");
    case 'n':
        return literal(r, "null") ? new_node(r, JSON_NULL) : fail(r, "unknown word");
    default:
        return *r->p == '-' || (*r->p >= '0' && *r->p <= '9') ? number(r) : fail(r, "unexpected character");
    }
}

const struct json *json_parse(struct arena *a, struct str text, char *error, size_t error_size)
{
    const char *p = text.p ? text.p : "";
    struct reader r = {.a = a, .p = p, .end = p + text.len, .start = p, .error = error, .error_size = error_size};
    skip_blanks(&r);
    return r.p == r.end ? new_node(&r, JSON_MISSING) : value(&r, 0);
}

const struct json *json_parse_file(struct arena *a, struct str text, char *error, size_t error_size)
{
    const char *p = text.p ? text.p : "";
    struct reader r = {a, p, p + text.len, p, error, error_size, .is_file = true};
    const struct json *j = value(&r, 0);
    skip_blanks(&r);
    return j && r.p < r.end ? fail(&r, "something stands behind the document") : j;
}

/* ---- printing ------------------------------------------------------------------------------------------------- */

void json_print_string(struct buf *out, struct str s)
{
    static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    buf_putc(out, '"');
    for (uint32_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        const char *at = c ? strchr(special, c) : NULL;
        if (at) {
            buf_putc(out, '\\');
            buf_putc(out, letters[at - special]);
        } else if ((unsigned char)c < 0x20) {
            buf_printf(out, "\\u%04X", (unsigned)c);
        } else {
            buf_putc(out, c);
        }
    }
    buf_putc(out, '"');
}

/* BigDecimal.toString of a negative scale: 1.2E+3. */
static void print_large(struct buf *out, int128 v, int scale)
{
    char text[48];
    struct buf digits_of;
    buf_init(&digits_of, 0);
    print_decimal(&digits_of, v, 0);
    snprintf(text, sizeof text, "%s", buf_z(&digits_of));
    buf_free(&digits_of);
    const char *p = text + (text[0] == '-');
    size_t n = strlen(p);
    buf_printf(out, "%s%c%s%sE+%d", v < 0 ? "-" : "", p[0], n > 1 ? "." : "", p + 1, (int)n - 1 - scale);
}

/* Decimals as java.math.BigDecimal prints them; longer ones than we can hold as they were written. */
static void print_number(struct buf *out, const struct json *j)
{
    int128 v;
    int scale;
    if (j->kind == JSON_DECIMAL && parse_decimal(j->text, &v, &scale))
        scale < 0 ? print_large(out, v, scale) : print_decimal_sci(out, v, (unsigned)scale);
    else if (str_eq(j->text, STR("-0")))
        buf_putc(out, '0');
    else
        buf_puts(out, j->text);
}

static void print(struct buf *out, const struct json *j, bool as_written)
{
    switch (j->kind) {
    case JSON_MISSING:
        break;
    case JSON_NULL:
        buf_puts(out, STR("null"));
        break;
    case JSON_FALSE:
        buf_puts(out, STR("false"));
        break;
    case JSON_TRUE:
        buf_puts(out, STR("true"));
        break;
    case JSON_INTEGER:
    case JSON_DECIMAL:
        if (as_written)
            buf_puts(out, j->text);
        else
            print_number(out, j);
        break;
    case JSON_STRING:
        json_print_string(out, j->text);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        buf_putc(out, j->kind == JSON_ARRAY ? '[' : '{');
        JSON_EACH (j, child) {
            if (child != j->first)
                buf_putc(out, ',');
            if (j->kind == JSON_OBJECT) {
                json_print_string(out, child->key);
                buf_putc(out, ':');
            }
            print(out, child, as_written);
        }
        buf_putc(out, j->kind == JSON_ARRAY ? ']' : '}');
        break;
    }
}

void json_print(struct buf *out, const struct json *j)
{
    print(out, j, false);
}

void json_print_as_written(struct buf *out, const struct json *j)
{
    print(out, j, true);
}
