/* A recursive-descent JSON reader into an arena. */
#include "cli/test/json.h"
#include "cli/text.h"

enum { MAX_DEPTH = 500 };

struct reader {
    struct arena *a;
    const char *p, *end, *start;
    const char *error;
    int depth;
};

static struct json *read_value(struct reader *r);

static struct json *fail(struct reader *r, const char *message)
{
    if (!r->error)
        r->error = message;
    return NULL;
}

static void skip_blanks(struct reader *r)
{
    for (;;) {
        while (r->p < r->end && strchr(" \t\r\n", *r->p) && *r->p)
            r->p++;
        if (r->end - r->p < 2 || r->p[0] != '/' || (r->p[1] != '/' && r->p[1] != '*'))
            return;
        bool line = r->p[1] == '/';
        const char *stop = memmem(r->p + 2, (size_t)(r->end - r->p - 2), line ? "\n" : "*/", line ? 1 : 2);
        r->p = stop ? stop + (line ? 1 : 2) : r->end;
    }
}

static bool take(struct reader *r, char c)
{
    skip_blanks(r);
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static struct json *new_node(struct reader *r, enum json_kind kind)
{
    struct json *j = ARENA_NEW(r->a, struct json);
    if (!j)
        return fail(r, "out of memory");
    j->kind = kind;
    return j;
}

static int hex4(const char *p, const char *end)
{
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef", *at = memchr(digits, p[i] | 0x20, 16);
        if (!at || (p[i] < '0'))
            return -1;
        v = v * 16 + (int)(at - digits);
    }
    return v;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 63));
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    }
    return to;
}

/* One escape behind its backslash; NULL: bad. */
static char *read_escape(struct reader *r, char *to)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char c = r->p < r->end ? *r->p++ : 0;
    const char *at = c ? strchr(names, c) : NULL;
    if (at) {
        *to++ = meanings[at - names];
        return to;
    }
    int unit = c == 'u' ? hex4(r->p, r->end) : -1;
    if (unit < 0)
        return NULL;
    r->p += 4;
    uint32_t code = (uint32_t)unit;
    if (code >= 0xD800 && code < 0xDC00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u') {
        int low = hex4(r->p + 2, r->end);
        if (low >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
            r->p += 6;
        }
    }
    return put_utf8(to, code);
}

static bool read_text(struct reader *r, struct str *out)
{
    if (!take(r, '"'))
        return fail(r, "a text was expected"), false;
    const char *close = r->p;
    while (close < r->end && *close != '"')
        close += *close == '\\' ? 2 : 1;
    if (close >= r->end)
        return fail(r, "a text does not end"), false;
    char *to = arena_alloc(r->a, (size_t)(close - r->p) + 1), *start = to;
    if (!to)
        return fail(r, "out of memory"), false;
    while (r->p < close) {
        if (*r->p != '\\') {
            *to++ = *r->p++;
            continue;
        }
        r->p++;
        to = read_escape(r, to);
        if (!to)
            return fail(r, "bad escape in a text"), false;
    }
    *to = 0;
    r->p = close + 1;
    *out = str_make(start, (size_t)(to - start));
    return true;
}

static struct json *read_list(struct reader *r, enum json_kind kind, char close)
{
    struct json *list = new_node(r, kind), **tail = list ? &list->first : NULL;
    const char *start = r->p++;
    if (!list)
        return NULL;
    while (!take(r, close)) {
        struct str name = {NULL, 0};
        if (list->n && !take(r, ','))
            return fail(r, "a comma or the end of a list was expected");
        if (kind == JSON_OBJECT && (!read_text(r, &name) || !take(r, ':')))
            return fail(r, "a name and a colon were expected");
        struct json *item = read_value(r);
        if (!item)
            return NULL;
        item->name = name;
        *tail = item;
        tail = &item->next;
        list->n++;
    }
    list->text = str_make(start, (size_t)(r->p - start));
    return list;
}

static struct json *read_word(struct reader *r)
{
    static const struct { const char *word; enum json_kind kind; } words[] = {
        {"null", JSON_NULL}, {"false", JSON_FALSE}, {"true", JSON_TRUE}};
    for (int i = 0; i < 3; i++) {
        size_t len = strlen(words[i].word);
        if ((size_t)(r->end - r->p) >= len && !memcmp(r->p, words[i].word, len)) {
            r->p += len;
            return new_node(r, words[i].kind);
        }
    }
    const char *start = r->p;
    while (r->p < r->end && *r->p && strchr("+-.0123456789eE", *r->p))
        r->p++;
    struct json *j = r->p > start ? new_node(r, JSON_NUMBER) : fail(r, "a value was expected");
    if (j)
        j->text = str_make(start, (size_t)(r->p - start));
    return j;
}

static struct json *read_value(struct reader *r)
{
    struct json *j;
    skip_blanks(r);
    if (r->p == r->end)
        return fail(r, "the document ends too early");
    if (++r->depth > MAX_DEPTH)
        return fail(r, "the document is nested too deeply");
    if (*r->p == '{') {
        j = read_list(r, JSON_OBJECT, '}');
    } else if (*r->p == '[') {
        j = read_list(r, JSON_ARRAY, ']');
    } else if (*r->p == '"') {
        j = new_node(r, JSON_TEXT);
        if (j && !read_text(r, &j->text))
            j = NULL;
    } else {
        j = read_word(r);
    }
    r->depth--;
    return j;
}

enum status case_json_read(struct arena *a, struct str text, const struct json **out, struct diag *d)
{
    struct reader r = {.a = a, .p = text.p, .start = text.p, .end = text.p + text.len};
    *out = read_value(&r);
    skip_blanks(&r);
    if (*out && r.p != r.end)
        fail(&r, "something stands behind the document");
    if (!r.error)
        return STATUS_OK;
    int line = 1;
    for (const char *p = r.start; p < r.p; p++)
        line += *p == '\n';
    return diag_set(d, STATUS_INVALID, "line %d: %s", line, r.error);
}

const struct json *json_member(const struct json *object, const char *name)
{
    const struct json *found = NULL;
    if (object && object->kind == JSON_OBJECT)
        JSON_EACH(object, child)
            if (str_eq(child->name, str_from(name)))
                found = child;
    return found;
}

struct str json_text(const struct json *object, const char *name)
{
    const struct json *j = json_member(object, name);
    return j && j->kind == JSON_TEXT ? j->text : (struct str){NULL, 0};
}

void case_json_print(struct buf *out, const struct json *j)
{
    bool object = j->kind == JSON_OBJECT;
    switch (j->kind) {
    case JSON_NULL: buf_puts(out, STR("null")); return;
    case JSON_FALSE: buf_puts(out, STR("false")); return;
    case JSON_TRUE: buf_puts(out, STR("true")); return;
    case JSON_NUMBER: buf_puts(out, j->text); return;
    case JSON_TEXT: put_json_text(out, j->text); return;
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    buf_putc(out, object ? '{' : '[');
    JSON_EACH(j, child) {
        if (child != j->first)
            buf_putc(out, ',');
        if (object) {
            put_json_text(out, child->name);
            buf_putc(out, ':');
        }
        case_json_print(out, child);
    }
    buf_putc(out, object ? '}' : ']');
}
