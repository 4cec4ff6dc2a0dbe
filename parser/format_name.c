/* Names, texts and types as SQL that parses to the same: in quotes where they are needed. */
#include "parser/parser_int.h"

/* Free words that have a meaning somewhere a name may stand. */
static bool is_tricky(struct str word)
{
    switch (keyword_kind(word)) {
    case TK_ARRAY:
    case TK_MAP:
    case TK_STRUCT:
    case TK_IF:
    case TK_EMIT:
    case TK_PARTITION:
    case TK_ESCAPE:
    case TK_GRACE:
    case TK_SESSION:
    case TK_COLUMN:
    case TK_FUNCTION:
    case TK_TABLES:
    case TK_SHOW:
    case TK_EXPLAIN:
    case TK_SET:
    case TK_ASSERT:
    case TK_ALTER:
    case TK_DEFINE:
    case TK_UNDEFINE:
    case TK_INTERVAL:
        return true;
    default:
        return false;
    }
}

static bool is_variable(struct str s)
{
    return s.len > 3 && s.p[0] == '$' && s.p[1] == '{' && s.p[s.len - 1] == '}';
}

static bool is_plain(struct str s, bool any_case)
{
    for (uint32_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        bool letter = (c >= 'A' && c <= 'Z') || (any_case && c >= 'a' && c <= 'z') || c == '_';
        if (!letter && !(i > 0 && ((c >= '0' && c <= '9') || c == '@')))
            return false;
    }
    return s.len > 0 && !sql_is_reserved(s) && !is_tricky(s);
}

void ast_format_name(struct buf *out, struct str name)
{
    if (is_plain(name, false) || is_variable(name))
        buf_puts(out, name);
    else
        name_print_quoted(out, name);
}

/* A name whose case is not folded (topics, query ids, variables). */
void format_raw_name(struct buf *out, struct str name)
{
    if (is_plain(name, true) || is_variable(name))
        buf_puts(out, name);
    else
        name_print_quoted(out, name);
}

void ast_format_text(struct buf *out, struct str s)
{
    buf_putc(out, '\'');
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\'')
            buf_putc(out, '\'');
        buf_putc(out, s.p[i]);
    }
    buf_putc(out, '\'');
}

/* ---- types -------------------------------------------------------------------------------------------------- */

void ast_format_type(struct buf *out, const struct ast_type *t)
{
    switch (t->kind) {
    case AST_TYPE_NAME:
        ast_format_name(out, t->name.text);
        break;
    case AST_TYPE_DECIMAL:
        buf_printf(out, "DECIMAL(%lld, %lld)", (long long)t->precision, (long long)t->scale);
        break;
    case AST_TYPE_ARRAY:
        buf_puts(out, STR("ARRAY<"));
        ast_format_type(out, t->element);
        buf_putc(out, '>');
        break;
    case AST_TYPE_MAP:
        buf_puts(out, STR("MAP<"));
        ast_format_type(out, t->key);
        buf_puts(out, STR(", "));
        ast_format_type(out, t->element);
        buf_putc(out, '>');
        break;
    case AST_TYPE_STRUCT:
        buf_puts(out, STR("STRUCT<"));
        for (uint32_t i = 0; i < t->n_fields; i++) {
            buf_puts(out, i ? STR(", ") : STR(""));
            ast_format_name(out, t->fields[i].name.text);
            buf_putc(out, ' ');
            ast_format_type(out, t->fields[i].type);
        }
        buf_putc(out, '>');
        break;
    }
}
