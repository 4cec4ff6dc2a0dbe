/* Text to tokens. Knows the shapes of words, names, texts, numbers and comments, and keeps line and column (in code
 * points). A character that fits nothing becomes a token of its own, so that the grammar reports it. What depends on the
 * neighbours of a token is decided in tokens.c. */
#include "parser/parser_int.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_word_part(char c)
{
    return is_word_start(c) || is_digit(c) || c == '@';
}

void lexer_init(struct lexer *l, struct str text)
{
    *l = (struct lexer){.text = text, .line = 1, .column = 1};
}

static char peek(const struct lexer *l, uint32_t at)
{
    return at < l->text.len ? l->text.p[at] : '\0';
}

/* Moves on to `end`, counting lines and code points. */
static void move_to(struct lexer *l, uint32_t end)
{
    for (; l->pos < end; l->pos++) {
        unsigned char c = (unsigned char)l->text.p[l->pos];
        if (c == '\n') {
            l->line++;
            l->column = 1;
        } else if ((c & 0xC0) != 0x80) {
            l->column++;
        }
    }
}

static struct token take(struct lexer *l, uint32_t end, int kind, enum token_shape shape)
{
    struct token t = {l->text.p + l->pos, end - l->pos, l->line, l->column, (uint16_t)kind, (uint16_t)shape};
    move_to(l, end);
    return t;
}

static uint32_t line_end(const struct lexer *l, uint32_t at)
{
    while (at < l->text.len && l->text.p[at] != '\n' && l->text.p[at] != '\r')
        at++;
    return at;
}

/* The end of a comment that starts here, or 0. */
static uint32_t block_comment_end(struct lexer *l)
{
    if (l->no_comment_end)
        return 0;
    for (uint32_t at = l->pos + 2; at + 1 < l->text.len; at++) {
        if (l->text.p[at] == '*' && l->text.p[at + 1] == '/')
            return at + 2;
    }
    l->no_comment_end = true;
    return 0;
}

static void skip_blanks(struct lexer *l)
{
    for (;;) {
        char c = peek(l, l->pos);
        uint32_t end = l->pos;
        if (l->pos >= l->text.len)
            return;
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            end = l->pos + 1;
        } else if (c == '-' && peek(l, l->pos + 1) == '-') {
            end = line_end(l, l->pos);
            if (peek(l, l->pos + 2) == '@' && l->on_directive) {
                struct token t = {l->text.p + l->pos, end - l->pos, l->line, l->column, 0, 0};
                l->on_directive(l->context, t);
            }
        } else if (c == '/' && peek(l, l->pos + 1) == '*') {
            end = block_comment_end(l);
        }
        if (end <= l->pos)
            return;
        move_to(l, end);
    }
}

/* 'text', "name" or `name`; a doubled quote stands for itself. One without an end is a character of no meaning. */
static struct token quoted(struct lexer *l, char quote)
{
    uint32_t at = l->pos + 1;
    for (; at < l->text.len; at++) {
        if (l->text.p[at] != quote)
            continue;
        if (peek(l, at + 1) != quote)
            break;
        at++;
    }
    if (at >= l->text.len)
        return take(l, l->pos + 1, TK_BAD, SHAPE_BAD);
    if (quote == '\'')
        return take(l, at + 1, TK_TEXT, SHAPE_PLAIN);
    return take(l, at + 1, TK_IDENT, quote == '"' ? SHAPE_QUOTED : SHAPE_BACKQUOTED);
}

/* ${name} */
static struct token variable(struct lexer *l)
{
    uint32_t at = l->pos + 2;
    if (peek(l, l->pos + 1) == '{' && is_word_start(peek(l, at))) {
        while (at < l->text.len && is_word_part(l->text.p[at]))
            at++;
        if (peek(l, at) == '}')
            return take(l, at + 1, TK_VARIABLE, SHAPE_VARIABLE);
    }
    return take(l, l->pos + 1, TK_BAD, SHAPE_BAD);
}

static uint32_t digits_end(const struct lexer *l, uint32_t at)
{
    while (is_digit(peek(l, at)))
        at++;
    return at;
}

/* The end of an exponent at `at`, or `at` if there is none. */
static uint32_t exponent_end(const struct lexer *l, uint32_t at)
{
    if (peek(l, at) != 'e' && peek(l, at) != 'E')
        return at;
    uint32_t first = at + 1 + (peek(l, at + 1) == '+' || peek(l, at + 1) == '-');
    uint32_t end = digits_end(l, first);
    return end > first ? end : at;
}

/* 1  1.5  1.  .5  1e5, or a name that starts with digits: whichever is longest. */
static struct token number(struct lexer *l)
{
    uint32_t whole = digits_end(l, l->pos), end = whole, word = l->pos;
    int kind = TK_INTEGER_VALUE;
    if (peek(l, end) == '.') {
        end = digits_end(l, end + 1);
        kind = TK_DECIMAL_VALUE;
    }
    uint32_t exponent = exponent_end(l, end);
    if (exponent > end) {
        end = exponent;
        kind = TK_FLOATING_POINT_VALUE;
    }
    while (is_word_part(peek(l, word)))
        word++;
    if (whole > l->pos && word > end)
        return take(l, word, TK_IDENT, SHAPE_DIGITS_FIRST);
    return take(l, end, kind, SHAPE_PLAIN);
}

static struct token word(struct lexer *l)
{
    uint32_t end = l->pos;
    while (is_word_part(peek(l, end)))
        end++;
    int kind = keyword_kind(str_make(l->text.p + l->pos, end - l->pos));
    return take(l, end, kind ? kind : TK_IDENT, SHAPE_PLAIN);
}

static struct token one(struct lexer *l, int kind)
{
    return take(l, l->pos + 1, kind, SHAPE_PLAIN);
}

/* `both` if the next character is `second`, else `alone`. */
static struct token pair(struct lexer *l, char second, int both, int alone)
{
    if (peek(l, l->pos + 1) == second)
        return take(l, l->pos + 2, both, SHAPE_PLAIN);
    return alone == TK_BAD ? take(l, l->pos + 1, TK_BAD, SHAPE_BAD) : one(l, alone);
}

/* A character that means nothing, with all its bytes. */
static struct token unknown(struct lexer *l)
{
    uint32_t end = l->pos + 1;
    while (end < l->text.len && ((unsigned char)l->text.p[end] & 0xC0) == 0x80)
        end++;
    return take(l, end, TK_BAD, SHAPE_BAD);
}

struct token lexer_next(struct lexer *l)
{
    skip_blanks(l);
    if (l->pos >= l->text.len)
        return take(l, l->text.len, TOKEN_END, SHAPE_PLAIN);
    char c = l->text.p[l->pos], after = peek(l, l->pos + 1);
    if (is_word_start(c))
        return word(l);
    if (is_digit(c) || (c == '.' && is_digit(after)))
        return number(l);
    switch (c) {
    case '\'':
    case '"':
    case '`':
        return quoted(l, c);
    case '$':
        return variable(l);
    case ';':
        return one(l, TK_SEMI);
    case '(':
        return one(l, TK_LP);
    case ')':
        return one(l, TK_RP);
    case ',':
        return one(l, TK_COMMA);
    case '.':
        return one(l, TK_DOT);
    case '[':
        return one(l, TK_LSQ);
    case ']':
        return one(l, TK_RSQ);
    case '+':
        return one(l, TK_PLUS);
    case '*':
        return one(l, TK_STAR);
    case '/':
        return one(l, TK_SLASH);
    case '%':
        return one(l, TK_PERCENT);
    case '-':
        return pair(l, '>', TK_DEREF, TK_MINUS);
    case '=':
        return pair(l, '>', TK_ARROW, TK_EQ);
    case ':':
        return pair(l, '=', TK_ASSIGN, TK_BAD);
    case '|':
        return pair(l, '|', TK_CONCAT, TK_BAD);
    case '!':
        return pair(l, '=', TK_NE, TK_BAD);
    case '>':
        return pair(l, '=', TK_GE, TK_GT);
    case '<':
        return after == '>' ? pair(l, '>', TK_NE, TK_LT) : pair(l, '=', TK_LE, TK_LT);
    default:
        return unknown(l);
    }
}
