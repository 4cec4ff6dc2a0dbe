/* Between lexer and grammar: what one token of look-ahead cannot tell. Two neighbours decide
 *   - constructors: MAP( STRUCT( ARRAY[ are tokens of their own, so that the words stay free as names; likewise IF;
 *   - signs: where only an operand can stand, a minus and the number behind it are one number;
 *   - `define in = '..'`: a reserved word in small letters is a fine name for a variable;
 *   - the statements of test scripts, which are unknown elsewhere. */
#include "parser/parser_int.h"

void tokens_init(struct tokens *t, struct str text, bool test_statements)
{
    *t = (struct tokens){.test_statements = test_statements, .before = TK_SEMI, .before_that = TK_SEMI};
    lexer_init(&t->lexer, text);
}

static bool is_number(int kind)
{
    return kind == TK_INTEGER_VALUE || kind == TK_DECIMAL_VALUE || kind == TK_FLOATING_POINT_VALUE;
}

/* Can an expression end with this token? Then a minus behind it subtracts. */
static bool ends_operand(int kind)
{
    switch (kind) {
    case TK_IDENT:
    case TK_TEXT:
    case TK_VARIABLE:
    case TK_RP:
    case TK_RSQ:
    case TK_END:
    case TK_NULL:
    case TK_TRUE:
    case TK_FALSE:
        return true;
    default:
        return is_number(kind) || keyword_is_free(kind);
    }
}

static bool is_small(struct token t)
{
    for (uint32_t i = 0; i < t.len; i++) {
        if (t.p[i] >= 'A' && t.p[i] <= 'Z')
            return false;
    }
    return true;
}

static int constructor_kind(int kind, int next)
{
    if (next == TK_LP && kind == TK_MAP)
        return TK_MAP_LP;
    if (next == TK_LP && kind == TK_STRUCT)
        return TK_STRUCT_LP;
    if (next == TK_LSQ && kind == TK_ARRAY)
        return TK_ARRAY_LSQ;
    if (next == TK_NOT && kind == TK_IF)
        return TK_IF_NOT;
    if (next == TK_EXISTS && kind == TK_IF)
        return TK_IF_EXISTS;
    return kind;
}

static bool starts_statement(int before)
{
    return before == TK_SEMI || before == TK_EXPLAIN;
}

static bool is_test_word(const struct tokens *t)
{
    int kind = t->current.kind;
    if (kind == TK_RUN)
        return starts_statement(t->before);
    return t->before == TK_ASSERT && starts_statement(t->before_that) &&
           (kind == TK_VALUES || kind == TK_NULL || kind == TK_STREAM || kind == TK_TABLE);
}

static void join_sign(struct tokens *t)
{
    struct token sign = t->current, digits = t->next;
    t->current = digits;
    t->current.p = sign.p;
    t->current.len = (uint32_t)(digits.p - sign.p) + digits.len;
    t->current.line = sign.line;
    t->current.column = sign.column;
    t->next = lexer_next(&t->lexer);
}

void tokens_advance(struct tokens *t)
{
    if (!token_given(t->next)) {
        t->next = lexer_next(&t->lexer);
    } else {
        t->before_that = t->before;
        t->before = t->current.kind;
    }
    t->current = t->next;
    t->next = lexer_next(&t->lexer);
    if (t->current.kind == TK_MINUS && is_number(t->next.kind) && !ends_operand(t->before))
        join_sign(t);
    else if (t->before == TK_DEFINE && keyword_kind(str_make(t->current.p, t->current.len)) && is_small(t->current))
        t->current.kind = TK_IDENT;
    else if (!t->test_statements && is_test_word(t))
        t->current.kind = TK_BAD;
    else
        t->current.kind = (uint16_t)constructor_kind(t->current.kind, t->next.kind);
}
