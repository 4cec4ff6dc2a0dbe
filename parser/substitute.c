/* Variables: the text of a statement with ${x} replaced. Only the places that the builder noted are looked at, so a
 * value can never become syntax. Values may hold variables again, to a bounded depth. */
#include "parser/parser_int.h"

#include <math.h>

enum { MAX_ROUNDS = 16, MAX_VALUE = 1 << 20, MAX_STATEMENT = 64 << 20 };

struct substitution {
    variable_lookup lookup;
    void *context;
    struct diag *diag;
    struct buf *out;
};

/* The name inside ${name} at `at`, and where it ends; false if there is none. */
static bool variable_at(struct str s, uint32_t at, struct str *name, uint32_t *end)
{
    if (at + 3 >= s.len || s.p[at] != '$' || s.p[at + 1] != '{')
        return false;
    const char *close = memchr(s.p + at + 2, '}', s.len - at - 2);
    if (!close)
        return false;
    *end = (uint32_t)(close - s.p) + 1;
    *name = str_make(s.p + at + 2, *end - at - 3);
    return name->len > 0;
}

/* One pass over `in`. Quotes in values are doubled: all of them, or (`keep_outer`) all but a pair around the value. */
static bool replace(const struct substitution *s, struct str in, bool keep_outer, struct buf *out)
{
    bool changed = false;
    struct str name, value;
    uint32_t end;
    for (uint32_t i = 0; i < in.len;) {
        if (!variable_at(in, i, &name, &end) || !s->lookup(s->context, name, &value)) {
            buf_putc(out, in.p[i++]);
            continue;
        }
        bool outer = keep_outer && value.len >= 2 && value.p[0] == '\'' && value.p[value.len - 1] == '\'';
        for (uint32_t k = 0; k < value.len; k++) {
            bool is_outer = outer && (k == 0 || k == value.len - 1);
            buf_puts(out, value.p[k] == '\'' && !is_outer ? STR("''") : str_make(value.p + k, 1));
        }
        changed = true;
        i = end;
    }
    return changed;
}

/* Replaces until nothing is left to replace. `out` must be empty. */
static enum status replace_all(const struct substitution *s, struct str in, bool keep_outer, struct buf *out)
{
    struct buf next;
    buf_init(&next, MAX_VALUE);
    bool changed = replace(s, in, keep_outer, out);
    for (int round = 0; changed && round < MAX_ROUNDS && memmem(out->p, out->len, "${", 2); round++) {
        next.len = 0;
        changed = replace(s, buf_str(out), keep_outer, &next);
        if (next.failed)
            break;
        struct buf swap = *out;
        *out = next;
        next = swap;
    }
    bool failed = next.failed || out->failed;
    buf_free(&next);
    if (failed)
        return diag_set(s->diag, STATUS_PARSE, "Illegal argument: the value of a variable is too large.");
    return STATUS_OK;
}

static bool is_name(struct str s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && ((c >= '0' && c <= '9') || c == '@')))
            return false;
    }
    return s.len > 0;
}

static struct str without_quotes(struct str s)
{
    if (s.len >= 2 && (s.p[0] == '"' || s.p[0] == '`') && s.p[s.len - 1] == s.p[0])
        return str_make(s.p + 1, s.len - 2);
    return s;
}

static bool is_literal(struct str s)
{
    double number;
    if (s.len >= 2 && s.p[0] == '\'' && s.p[s.len - 1] == '\'')
        return true;
    if (str_eq_nocase(s, STR("true")) || str_eq_nocase(s, STR("false")))
        return true;
    for (uint32_t i = 0; i < s.len; i++) {
        if (!strchr("0123456789+-.eE", s.p[i]) || s.p[i] == '\0')
            return false;
    }
    return parse_double(s, &number) && isfinite(number);
}

static enum status put_hole(const struct substitution *s, const struct ast_hole *hole, struct str text)
{
    enum status st;
    struct buf value;
    buf_init(&value, MAX_VALUE);
    TRY(replace_all(s, text, hole->kind == HOLE_LITERAL, &value));
    if (hole->kind == HOLE_NAME && !is_name(without_quotes(buf_str(&value))))
        TRY(diag_set_at(s->diag, STATUS_PARSE, hole->span,
                        "Illegal argument at Line: %u, Col: %u. Identifier names cannot start with '@' and may only "
                        "contain alphanumeric values and '_'. Got: '" STR_FMT "'",
                        hole->span.line, hole->span.column, STR_ARG(buf_str(&value))));
    if (hole->kind == HOLE_LITERAL && !is_literal(buf_str(&value)))
        TRY(diag_set_at(s->diag, STATUS_PARSE, hole->span, "Illegal argument at Line: %u, Col: %u. Got: '" STR_FMT "'",
                        hole->span.line, hole->span.column, STR_ARG(buf_str(&value))));
    buf_puts(s->out, buf_str(&value));
done:
    buf_free(&value);
    return st;
}

enum status parser_substitute(struct arena *a, const struct ast_stmt *stmt, variable_lookup lookup, void *context,
                              struct str *out, struct diag *d)
{
    enum status st = STATUS_OK;
    struct buf text;
    struct substitution s = {lookup, context, d, &text};
    struct str in = stmt->text;
    uint32_t done_to = 0;
    *out = in;
    if (stmt->n_holes == 0)
        return STATUS_OK;
    buf_init(&text, MAX_STATEMENT);
    for (uint32_t i = 0; i < stmt->n_holes; i++) {
        const struct ast_hole *hole = &stmt->holes[i];
        uint32_t begin = hole->span.begin - stmt->span.begin, end = hole->span.end - stmt->span.begin;
        buf_puts(&text, str_make(in.p + done_to, begin - done_to));
        if (hole->kind == HOLE_STRING)
            buf_putc(&text, '\'');
        uint32_t inset = hole->kind == HOLE_STRING ? 1 : 0;
        TRY(put_hole(&s, hole, str_make(in.p + begin + inset, end - begin - 2 * inset)));
        if (hole->kind == HOLE_STRING)
            buf_putc(&text, '\'');
        done_to = end;
    }
    buf_puts(&text, str_make(in.p + done_to, in.len - done_to));
    *out = text.failed ? (struct str){0} : str_dup(a, buf_str(&text));
    if (!out->p)
        st = diag_nomem(d);
done:
    buf_free(&text);
    return st;
}
