/* JSON documents as trees, by the scanner of the JSON format: first the whole text is checked, then it is taken apart. */
#include "formats/tree.h"

#include "formats/json_int.h"

struct maker {
    struct arena *a;
    struct json_reader reader;
};

struct member {
    struct member *next;
    struct str name;
    struct tree value;
};

static const char *make(struct maker *m, const char *p, struct tree *out);

/* The checked text behind a bracket; members come as a list first, since nobody knows how many there are. */
static const char *make_members(struct maker *m, const char *p, struct tree *out)
{
    struct member *first = NULL, **last = &first;
    enum json_step step;
    bool is_object = out->kind == TREE_OBJECT;
    for (;;) {
        struct str name = {NULL, 0};
        unsigned flags = 0;
        step = is_object ? json_next_member(&m->reader, &p, !first, &name, &flags)
                         : json_next_element(&m->reader, &p, !first);
        if (step != JSON_NEXT)
            break;
        struct member *item = ARENA_NEW(m->a, struct member);
        if (!item)
            return NULL;
        *last = item;
        last = &item->next;
        out->n++;
        if (is_object)
            item->name = json_unescape(m->a, name);
        p = make(m, p, &item->value);
        if (!p)
            return NULL;
    }
    struct tree *items = ARENA_ARRAY(m->a, struct tree, out->n);
    struct str *names = ARENA_ARRAY(m->a, struct str, out->n);
    if (step != JSON_CLOSED || !items || !names)
        return NULL;
    out->items = items;
    out->names = names;
    for (const struct member *item = first; item; item = item->next) {
        *items++ = item->value;
        *names++ = item->name;
    }
    return p;
}

static const char *make_text(struct maker *m, const char *p, struct tree *out)
{
    unsigned flags = 0;
    const char *end = json_skip_string(&m->reader, p + 1, &flags);
    if (!end)
        return NULL;
    out->kind = TREE_TEXT;
    out->text = json_unescape(m->a, str_make(p + 1, (size_t)(end - p) - 2));
    return out->text.p ? end : NULL;
}

static const char *make_number(struct maker *m, const char *p, struct tree *out)
{
    struct json_number number = {false};
    const char *end = json_skip_number(&m->reader, p, &number);
    if (!end)
        return NULL;
    out->kind = TREE_NUMBER;
    out->text = str_dup(m->a, str_make(p, (size_t)(end - p)));
    out->is_whole = !number.is_float && parse_i64(out->text, &out->whole);
    return out->text.p ? end : NULL;
}

static const char *make(struct maker *m, const char *p, struct tree *out)
{
    *out = (struct tree){.kind = TREE_NULL};
    switch (*p) {
    case '{':
        out->kind = TREE_OBJECT;
        return make_members(m, p + 1, out);
    case '[':
        out->kind = TREE_ARRAY;
        return make_members(m, p + 1, out);
    case '"':
        return make_text(m, p, out);
    case 't':
    case 'f':
        out->kind = TREE_BOOLEAN;
        out->boolean = *p == 't';
        return json_skip(&m->reader, p);
    case 'n':
        return json_skip(&m->reader, p);
    default:
        return make_number(m, p, out);
    }
}

static enum status not_json(const struct json_reader *r, struct diag *d)
{
    struct buf reason;
    buf_init(&reason, 0);
    if (r->fault == FAULT_NONE)
        buf_puts(&reason, STR("it is no JSON document"));
    else
        json_print_fault(r, &reason);
    enum status st = reason.failed ? diag_nomem(d) : diag_set(d, STATUS_DATA, "%s", buf_z(&reason));
    buf_free(&reason);
    return st;
}

enum status tree_parse(struct arena *a, struct str text, const struct tree **out, struct diag *d)
{
    struct maker m = {.a = a, .reader = {.end = text.p + text.len}};
    const char *p = text.len ? json_root(text) : NULL, *end = NULL;
    *out = NULL;
    if (p && p < m.reader.end)
        end = json_skip(&m.reader, p);
    if (!end || !json_root_ends(&m.reader, p, end) || json_space(end, m.reader.end) != m.reader.end)
        return not_json(&m.reader, d);
    m.reader = (struct json_reader){.end = m.reader.end};
    struct tree *root = ARENA_NEW(a, struct tree);
    if (!root || !make(&m, p, root) || a->failed)
        return diag_nomem(d);
    *out = root;
    return STATUS_OK;
}

/* Of members with one name the last counts. */
const struct tree *tree_get(const struct tree *t, const char *name)
{
    if (!t || t->kind != TREE_OBJECT)
        return NULL;
    for (uint32_t i = t->n; i-- > 0;)
        if (str_eq(t->names[i], str_from(name)))
            return &t->items[i];
    return NULL;
}

bool tree_text(const struct tree *t, const char *name, struct str *out)
{
    const struct tree *member = tree_get(t, name);
    if (!member || member->kind != TREE_TEXT)
        return false;
    *out = member->text;
    return true;
}

bool tree_int(const struct tree *t, const char *name, int32_t *out)
{
    const struct tree *member = tree_get(t, name);
    if (!member || !member->is_whole || member->whole < INT32_MIN || member->whole > INT32_MAX)
        return false;
    *out = (int32_t)member->whole;
    return true;
}

void tree_put_text(struct buf *out, struct str s)
{
    json_put_string(out, s, false);
}
