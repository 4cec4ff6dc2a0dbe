/* Objects and arrays as texts of STRING columns: objects as compact JSON, arrays as the texts of their elements between
 * brackets. */
#include "formats/json_int.h"

static struct str string_at(const char *p, const char *end, unsigned flags, struct arena *scratch)
{
    struct str raw = str_make(p + 1, (size_t)(end - p - 2));
    return flags & STRING_ESCAPES ? json_unescape(scratch, raw) : raw;
}

static bool put_compact(struct json_reader *r, struct buf *out, const char **p, struct arena *scratch);

/* The members by name: of equal names the first gives the place and the last the value, as in a LinkedHashMap. */
static bool collect(struct json_reader *r, const char **p, struct map *members, struct arena *scratch)
{
    struct str name;
    unsigned flags;
    for (bool first = true; json_next_member(r, p, first, &name, &flags) == JSON_NEXT; first = false) {
        if (flags & STRING_ESCAPES)
            name = json_unescape(scratch, name);
        if (!name.p || !map_put(members, name, (void *)(uintptr_t)*p))
            return false;
        *p = json_skip(r, *p);
    }
    return true;
}

static bool put_object(struct json_reader *r, struct buf *out, const char **p, struct arena *scratch)
{
    struct map members;
    map_init(&members);
    ++*p;
    bool ok = collect(r, p, &members, scratch);
    buf_putc(out, '{');
    bool first = true;
    MAP_EACH (&members, e) {
        if (!ok)
            break;
        if (!first)
            buf_putc(out, ',');
        first = false;
        json_put_string(out, e->key, false);
        buf_putc(out, ':');
        const char *value = (const char *)e->value;
        ok = put_compact(r, out, &value, scratch);
    }
    buf_putc(out, '}');
    map_free(&members);
    return ok;
}

static bool put_array(struct json_reader *r, struct buf *out, const char **p, struct arena *scratch)
{
    ++*p;
    buf_putc(out, '[');
    for (bool first = true; json_next_element(r, p, first) == JSON_NEXT; first = false) {
        if (!first)
            buf_putc(out, ',');
        if (!put_compact(r, out, p, scratch))
            return false;
    }
    buf_putc(out, ']');
    return true;
}

static bool put_scalar(struct json_reader *r, struct buf *out, const char **p, struct arena *scratch, bool quoted)
{
    const char *begin = *p;
    unsigned flags = 0;
    struct str text;
    if (*begin == '"') {
        *p = json_skip_string(r, begin + 1, &flags);
        text = string_at(begin, *p, flags, scratch);
        if (text.p && quoted)
            json_put_string(out, text, false);
        else
            buf_puts(out, text);
        return text.p != NULL;
    }
    *p = json_skip(r, begin);
    text = str_make(begin, (size_t)(*p - begin));
    if (*begin == '-' || (*begin >= '0' && *begin <= '9'))
        text = json_number_text(scratch, text);
    buf_puts(out, text);
    return text.p != NULL;
}

static bool put_compact(struct json_reader *r, struct buf *out, const char **p, struct arena *scratch)
{
    if (**p == '{')
        return put_object(r, out, p, scratch);
    if (**p == '[')
        return put_array(r, out, p, scratch);
    return put_scalar(r, out, p, scratch, true);
}

static bool put_text(struct json_reader *r, struct buf *out, const char **p, struct arena *scratch)
{
    if (**p == '{')
        return put_object(r, out, p, scratch);
    if (**p != '[')
        return put_scalar(r, out, p, scratch, false);
    ++*p;
    buf_putc(out, '[');
    for (bool first = true; json_next_element(r, p, first) == JSON_NEXT; first = false) {
        if (!first)
            buf_puts(out, STR(", "));
        if (!put_text(r, out, p, scratch))
            return false;
    }
    buf_putc(out, ']');
    return true;
}

bool json_put_text(struct json_reader *r, struct buf *out, const char *p, struct arena *scratch)
{
    return put_text(r, out, &p, scratch) && !out->failed;
}
