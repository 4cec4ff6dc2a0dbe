/* Signature text to structure, and back to the way messages print it. Signatures are our own constants, so that bad
 * text is a bug; the parser still only says no. */
#include "functions/functions_int.h"

#include <ctype.h>
#include <stdlib.h>

enum { MAX_ITEMS = 12 };

struct parser {
    const char *p;
    struct arena *a;
};

static bool parse_type(struct parser *s, struct sig_type *out);

static void skip(struct parser *s)
{
    while (*s->p == ' ')
        s->p++;
}

static bool accept(struct parser *s, const char *token)
{
    skip(s);
    size_t len = strlen(token);
    if (strncmp(s->p, token, len) != 0)
        return false;
    s->p += len;
    return true;
}

static struct str word(struct parser *s)
{
    skip(s);
    const char *start = s->p;
    while (isalnum((unsigned char)*s->p) || *s->p == '_')
        s->p++;
    return str_make(start, (size_t)(s->p - start));
}

static bool plain_kind(struct str name, enum type_kind *kind)
{
    static const struct {
        const char *name;
        enum type_kind kind;
    } names[] = {{"BOOLEAN", KIND_BOOLEAN},     {"INT", KIND_INT},       {"BIGINT", KIND_BIGINT},
                 {"DECIMAL", KIND_DECIMAL},     {"DOUBLE", KIND_DOUBLE}, {"STRING", KIND_STRING},
                 {"BYTES", KIND_BYTES},         {"DATE", KIND_DATE},     {"TIME", KIND_TIME},
                 {"TIMESTAMP", KIND_TIMESTAMP}, {"UNIT", KIND_UNIT}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq(name, str_from(names[i].name))) {
            *kind = names[i].kind;
            return true;
        }
    }
    return false;
}

static bool keep_items(struct parser *s, struct sig_type *out, const struct sig_type *items, uint32_t n_items)
{
    out->items = arena_dup(s->a, items, n_items * sizeof *items);
    return out->items != NULL;
}

static bool parse_struct(struct parser *s, struct sig_type *out)
{
    struct sig_type items[MAX_ITEMS];
    struct str names[MAX_ITEMS];
    out->kind = SIG_STRUCT;
    if (accept(s, ">"))
        return true;
    do {
        if (out->n == MAX_ITEMS)
            return false;
        names[out->n] = word(s);
        if (!parse_type(s, &items[out->n++]))
            return false;
    } while (accept(s, ","));
    out->names = arena_dup(s->a, names, out->n * sizeof *names);
    return out->names && accept(s, ">") && keep_items(s, out, items, out->n);
}

static bool parse_lambda(struct parser *s, struct sig_type *out)
{
    struct sig_type items[MAX_ITEMS];
    out->kind = SIG_LAMBDA;
    do {
        if (out->n == MAX_ITEMS - 1 || !parse_type(s, &items[out->n++]))
            return false;
    } while (accept(s, ","));
    return accept(s, ")") && (accept(s, "=>") || accept(s, "->")) && parse_type(s, &items[out->n]) &&
           keep_items(s, out, items, out->n + 1);
}

static bool parse_decimal_size(struct parser *s, struct sig_type *out)
{
    if (!accept(s, "("))
        return true;
    out->precision = (uint16_t)atoi(word(s).p);
    if (!accept(s, ","))
        return false;
    out->scale = (uint16_t)atoi(word(s).p);
    return accept(s, ")");
}

static bool parse_type(struct parser *s, struct sig_type *out)
{
    *out = (struct sig_type){.kind = SIG_PLAIN};
    struct sig_type items[2];
    struct str name = word(s);
    if (name.len == 1 && name.p[0] >= 'A' && name.p[0] <= 'Z') {
        out->kind = SIG_GENERIC;
        out->generic = name.p[0];
        return true;
    }
    if (str_eq(name, STR("ANY"))) {
        out->kind = SIG_ANY;
        return true;
    }
    if (str_eq(name, STR("ARRAY"))) {
        out->kind = SIG_ARRAY;
        return accept(s, "<") && parse_type(s, &items[0]) && accept(s, ">") && keep_items(s, out, items, 1);
    }
    if (str_eq(name, STR("MAP"))) {
        out->kind = SIG_MAP;
        return accept(s, "<") && parse_type(s, &items[0]) && accept(s, ",") && parse_type(s, &items[1]) &&
               accept(s, ">") && keep_items(s, out, items, 2);
    }
    if (str_eq(name, STR("STRUCT")))
        return accept(s, "<") && parse_struct(s, out);
    if (str_eq(name, STR("LAMBDA")))
        return accept(s, "(") && parse_lambda(s, out);
    return plain_kind(name, &out->base) && (out->base != KIND_DECIMAL || parse_decimal_size(s, out));
}

static bool parse_params(struct parser *s, struct signature *out)
{
    struct sig_param params[MAX_ITEMS];
    bool literals = false;
    while (!accept(s, ")")) {
        if (accept(s, ";")) {
            literals = true;
        } else if (out->n_params && !accept(s, ",")) {
            return false;
        }
        if (out->n_params == MAX_ITEMS || !parse_type(s, &params[out->n_params].type))
            return false;
        if (accept(s, "..."))
            out->variadic = (int)out->n_params;
        params[out->n_params++].name = word(s);
        if (!literals)
            out->n_columns = out->n_params;
    }
    out->params = arena_dup(s->a, params, out->n_params * sizeof *params);
    return out->params != NULL;
}

bool signature_parse(struct arena *a, const char *text, struct signature *out)
{
    struct parser s = {text, a};
    *out = (struct signature){.variadic = -1};
    if (!accept(&s, "(") || !parse_params(&s, out) || !accept(&s, "->") || !parse_type(&s, &out->result))
        return false;
    out->computed = accept(&s, "*");
    skip(&s);
    return *s.p == '\0';
}

bool sig_has_generic(const struct sig_type *t)
{
    if (t->kind == SIG_GENERIC || t->kind == SIG_ANY)
        return true;
    uint32_t n = t->kind == SIG_ARRAY ? 1 : t->kind == SIG_MAP ? 2 : t->kind == SIG_LAMBDA ? t->n + 1 : t->n;
    for (uint32_t i = 0; i < n; i++)
        if (sig_has_generic(&t->items[i]))
            return true;
    return false;
}

/* ---- printing --------------------------------------------------------------------------------------------- */

static void print_list(struct buf *out, const struct sig_type *items, uint32_t n, const struct str *names)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_puts(out, STR(", "));
        if (names) {
            buf_puts(out, names[i]);
            buf_putc(out, ' ');
        }
        signature_type_print(out, &items[i]);
    }
}

void signature_type_print(struct buf *out, const struct sig_type *t)
{
    switch (t->kind) {
    case SIG_PLAIN:
        /* The declared style, which differs from that of values' types. */
        buf_puts(out, t->base == KIND_INT      ? STR("INT")
                      : t->base == KIND_STRING ? STR("VARCHAR")
                                               : str_from(type_base_name(t->base)));
        break;
    case SIG_GENERIC:
        buf_putc(out, t->generic);
        break;
    case SIG_ANY:
        buf_puts(out, STR("ANY"));
        break;
    case SIG_ARRAY:
    case SIG_MAP:
        buf_puts(out, t->kind == SIG_ARRAY ? STR("ARRAY<") : STR("MAP<"));
        print_list(out, t->items, t->kind == SIG_ARRAY ? 1 : 2, NULL);
        buf_putc(out, '>');
        break;
    case SIG_STRUCT:
        buf_puts(out, STR("STRUCT<"));
        print_list(out, t->items, t->n, t->names);
        buf_putc(out, '>');
        break;
    case SIG_LAMBDA:
        buf_puts(out, STR("LAMBDA ("));
        print_list(out, t->items, t->n, NULL);
        buf_puts(out, STR(") => "));
        signature_type_print(out, &t->items[t->n]);
        break;
    }
}

void function_print_variant(struct buf *out, const struct function *f, const struct function_variant *v)
{
    const struct signature *all = function_signatures(f);
    buf_puts(out, str_from(f->declared_name));
    buf_putc(out, '(');
    const struct signature *s = all ? &all[v - f->variants] : NULL;
    for (uint32_t i = 0; s && i < s->n_params; i++) {
        if (i)
            buf_puts(out, STR(", "));
        signature_type_print(out, &s->params[i].type);
        if ((int)i == s->variadic)
            buf_puts(out, STR("..."));
        if (s->params[i].name.len) {
            buf_putc(out, ' ');
            buf_puts(out, s->params[i].name);
        }
    }
    buf_putc(out, ')');
}
