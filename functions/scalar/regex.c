/* Functions of regular expressions. A literal pattern is compiled once; another one again when it changes. */
#include "functions/regex.h"
#include "functions/functions_int.h"
#include "functions/text.h"

struct site {
    struct regex *regex;
    char *pattern; /* of `regex`, when it did not come from a literal */
    uint32_t pattern_len;
};

/* REGEXP_REPLACE has the pattern second, like REGEXP_SPLIT_TO_ARRAY; the others first. */
static bool prepare(struct call *c, const struct value *const *args, uint32_t pattern)
{
    char unused[64];
    struct site *site = ARENA_NEW(c->state_arena, struct site);
    if (!site)
        return false;
    c->state = site;
    if (!args[pattern] || value_is_null(args[pattern]))
        return true;
    struct str text = args[pattern]->str;
    site->regex = regex_compile(text, unused, sizeof unused); /* a bad one is reported by each call */
    if (site->regex && !(site->pattern = mem_alloc(text.len)))
        return false;
    if (site->regex && text.len)
        memcpy(site->pattern, text.p, text.len);
    site->pattern_len = text.len;
    return true;
}

static bool prepare_first(struct call *c, const struct value *const *args)
{
    return prepare(c, args, 0);
}

static bool prepare_second(struct call *c, const struct value *const *args)
{
    return prepare(c, args, 1);
}

static void release(struct call *c)
{
    struct site *site = c->state;
    if (!site)
        return;
    regex_free(site->regex);
    mem_free(site->pattern);
    *site = (struct site){NULL, NULL, 0};
}

/* NULL after call_error. */
static struct regex *regex_of(struct call *c, struct str pattern)
{
    struct site *site = c->state;
    if (site->regex && str_eq(pattern, str_make(site->pattern, site->pattern_len)))
        return site->regex;
    struct regex *r = regex_compile(pattern, c->error, sizeof c->error);
    char *copy = r ? mem_alloc(pattern.len) : NULL;
    if (!copy) {
        regex_free(r);
        return NULL;
    }
    if (pattern.len)
        memcpy(copy, pattern.p, pattern.len);
    release(c);
    *site = (struct site){r, copy, pattern.len};
    return r;
}

static enum regex_result find(struct call *c, struct regex *r, struct str text, uint32_t from)
{
    return regex_find(r, text, from, c->error, sizeof c->error);
}

/* Where to look for the next match: behind this one, and behind a character more if it was empty. */
static uint32_t next_from(struct str text, uint32_t start, uint32_t end)
{
    if (start == end && end < text.len)
        text_next(text, &end);
    else if (start == end)
        end++;
    return end;
}

static struct value group_text(const struct regex *r, struct str text, uint32_t group)
{
    uint32_t start, end;
    if (!regex_group(r, group, &start, &end))
        return VALUE_NULL;
    return value_text(end > start ? str_make(text.p + start, end - start) : STR(""));
}

/* ---- EXTRACT
 * ------------------------------------------------------------------------------------------------------------- */

static bool extract(struct call *c, const struct value *args, struct value *result)
{
    struct regex *r = regex_of(c, args[0].str);
    int64_t group = c->n_args == 3 ? args[2].i32 : 0;
    *result = VALUE_NULL;
    if (!r)
        return false;
    if (group < 0)
        return call_error(c, "No group %lld", (long long)group);
    if (group > regex_groups(r))
        return true;
    enum regex_result found = find(c, r, args[1].str, 0);
    if (found == REGEX_MATCH)
        *result = group_text(r, args[1].str, (uint32_t)group);
    return found != REGEX_ERROR;
}

static bool extract_all(struct call *c, const struct value *args, struct value *result)
{
    struct regex *r = regex_of(c, args[0].str);
    struct str text = args[1].str;
    int64_t group = c->n_args == 3 ? args[2].i32 : 0;
    uint32_t start, end, from = 0, cap = 0;
    *result = VALUE_NULL;
    if (!r)
        return false;
    if (group < 0)
        return call_error(c, "No group %lld", (long long)group);
    if (group > regex_groups(r))
        return true;
    struct nested *list = return_array(c, 0, result);
    while (list && from <= text.len) {
        enum regex_result found = find(c, r, text, from);
        if (found != REGEX_MATCH)
            return found != REGEX_ERROR;
        if (list->n == cap) {
            struct value *more = ARENA_ARRAY(c->arena, struct value, cap = cap ? cap * 2 : 8);
            if (!more)
                return return_nomem(c);
            if (list->n)
                memcpy(more, list->items, list->n * sizeof *more);
            list->items = more;
        }
        list->items[list->n++] = group_text(r, text, (uint32_t)group);
        regex_group(r, 0, &start, &end);
        from = next_from(text, start, end);
    }
    return list != NULL;
}

/* ---- REPLACE
 * --------------------------------------------------------------------------------------------------------------- */

static bool put_group(struct call *c, const struct regex *r, struct str text, int64_t group, struct buf *out)
{
    if (group < 0 || group > regex_groups(r))
        return call_error(c, "No group %lld", (long long)group);
    struct value v = group_text(r, text, (uint32_t)group);
    if (!value_is_null(&v))
        buf_puts(out, v.str);
    return true;
}

static bool is_digit(struct str s, uint32_t at)
{
    return at < s.len && s.p[at] >= '0' && s.p[at] <= '9';
}

/* Behind the dollar sign: {name}, or as many digits as make a group that exists. */
static bool put_reference(struct call *c, const struct regex *r, struct str text, struct str by, uint32_t *at,
                          struct buf *out)
{
    if (*at < by.len && by.p[*at] == '{') {
        uint32_t from = ++*at;
        while (*at < by.len && by.p[*at] != '}')
            (*at)++;
        struct str name = str_make(by.p + from, *at - from);
        int32_t group = regex_group_number(r, name);
        if (*at == by.len || group < 0)
            return call_error(c, "No group with name {" STR_FMT "}", STR_ARG(name));
        (*at)++;
        return put_group(c, r, text, group, out);
    }
    if (!is_digit(by, *at))
        return call_error(c, "Illegal group reference");
    int64_t group = by.p[(*at)++] - '0';
    while (is_digit(by, *at) && group * 10 + (by.p[*at] - '0') <= regex_groups(r))
        group = group * 10 + (by.p[(*at)++] - '0');
    return put_group(c, r, text, group, out);
}

static bool put_replacement(struct call *c, const struct regex *r, struct str text, struct str by, struct buf *out)
{
    for (uint32_t at = 0; at < by.len;) {
        char ch = by.p[at++];
        if (ch == '\\') {
            if (at == by.len)
                return call_error(c, "character to be escaped is missing");
            buf_putc(out, by.p[at++]);
        } else if (ch == '$') {
            if (!put_reference(c, r, text, by, &at, out))
                return false;
        } else {
            buf_putc(out, ch);
        }
    }
    return true;
}

static bool replace(struct call *c, const struct value *args, struct value *result)
{
    struct str text = args[0].str;
    struct regex *r = regex_of(c, args[1].str);
    uint32_t from = 0, done = 0, start, end;
    struct buf out;
    if (!r)
        return false;
    buf_init(&out, 0);
    while (from <= text.len) {
        enum regex_result found = find(c, r, text, from);
        if (found == REGEX_NO_MATCH)
            break;
        if (found == REGEX_ERROR || !regex_group(r, 0, &start, &end)) {
            buf_free(&out);
            return false;
        }
        buf_put(&out, text.p + done, start - done);
        if (!put_replacement(c, r, text, args[2].str, &out)) {
            buf_free(&out);
            return false;
        }
        done = end;
        from = next_from(text, start, end);
    }
    buf_put(&out, text.p + done, text.len - done);
    return return_buf(c, &out, result);
}

/* ---- SPLIT
 * -------------------------------------------------------------------------------------------------------------------
 */

static bool push_part(struct call *c, struct nested *list, uint32_t *cap, struct str part)
{
    if (list->n == *cap) {
        struct value *more = ARENA_ARRAY(c->arena, struct value, *cap = *cap ? *cap * 2 : 8);
        if (!more)
            return return_nomem(c);
        if (list->n)
            memcpy(more, list->items, list->n * sizeof *more);
        list->items = more;
    }
    list->items[list->n++] = value_text(part.len ? part : STR(""));
    return true;
}

/* Empty parts are kept. But a pattern that matches the empty text splits as String.split does: no empty part in front
 * for an empty match, none at the end. */
static bool split(struct call *c, const struct value *args, struct value *result)
{
    struct str text = args[0].str;
    struct regex *r = regex_of(c, args[1].str);
    uint32_t from = 0, done = 0, cap = 0, start, end;
    if (!r)
        return false;
    enum regex_result found = find(c, r, STR(""), 0);
    bool empty = found == REGEX_MATCH;
    struct nested *list = return_array(c, 0, result);
    if (!list || found == REGEX_ERROR)
        return false;
    while (from <= text.len && (found = find(c, r, text, from)) == REGEX_MATCH) {
        regex_group(r, 0, &start, &end);
        from = next_from(text, start, end);
        if (empty && start == end && (end == 0 || end == text.len))
            continue;
        if (!push_part(c, list, &cap, str_make(text.p + done, start - done)))
            return false;
        done = end;
    }
    if (found == REGEX_ERROR || !push_part(c, list, &cap, str_make(text.p + done, text.len - done)))
        return false;
    while (empty && list->n > 1 && list->items[list->n - 1].str.len == 0)
        list->n--;
    return true;
}

#define REGEX(upper, lower, text)                                                                                      \
    .name = (upper), .declared_name = (lower), .category = "REGULAR EXPRESSION", .description = (text)
#define PATTERN(text, function, preparer)                                                                              \
    {                                                                                                                  \
        .signature = (text), .fn = (function), .null_in_null_out = true, .prepare = (preparer), .release = release     \
    }

static const struct function table[] = {
    {REGEX("REGEXP_EXTRACT", "regexp_extract", "The first match of a pattern, or a group of it"),
     VARIANTS(PATTERN("(STRING pattern, STRING input) -> STRING", extract, prepare_first),
              PATTERN("(STRING pattern, STRING input, INT group) -> STRING", extract, prepare_first))},
    {REGEX("REGEXP_EXTRACT_ALL", "regexp_extract_all", "All matches of a pattern, or a group of them"),
     VARIANTS(PATTERN("(STRING pattern, STRING input) -> ARRAY<STRING>", extract_all, prepare_first),
              PATTERN("(STRING pattern, STRING input, INT group) -> ARRAY<STRING>", extract_all, prepare_first))},
    {REGEX("REGEXP_REPLACE", "regexp_replace", "Replaces all matches of a pattern"),
     VARIANTS(PATTERN("(STRING str, STRING regexp, STRING newStr) -> STRING", replace, prepare_second))},
    {REGEX("REGEXP_SPLIT_TO_ARRAY", "regexp_split_to_array", "Splits a text at the matches of a pattern"),
     VARIANTS(PATTERN("(STRING string, STRING regexp) -> ARRAY<STRING>", split, prepare_second))},
};

const struct function_family functions_regex = FAMILY(table);
