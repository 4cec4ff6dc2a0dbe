/* The words of grammar/keywords.def: lookup by name, and what messages call a token. */
#include "parser/parser_int.h"

#include <stdlib.h>

struct keyword {
    const char *word;
    uint8_t len;
    uint16_t kind;
};

#define WORD(name, use) {#name, sizeof(#name) - 1, TK_##name},
static const struct keyword keywords[] = {
#include "grammar/keywords_sorted.inc"
};
#undef WORD

#define WORD(name, use) #name,
static const char *const words[] = {
#include "grammar/keywords_sorted.inc"
    NULL};
#undef WORD

enum { N_KEYWORDS = sizeof keywords / sizeof keywords[0], MAX_KEYWORD = 16 };

static int compare(const void *key, const void *entry)
{
    const struct str *word = key;
    const struct keyword *k = entry;
    return str_cmp(*word, str_make(k->word, k->len));
}

int keyword_kind(struct str word)
{
    char upper[MAX_KEYWORD];
    if (word.len == 0 || word.len > MAX_KEYWORD)
        return 0;
    for (uint32_t i = 0; i < word.len; i++)
        upper[i] = word.p[i] >= 'a' && word.p[i] <= 'z' ? (char)(word.p[i] - 'a' + 'A') : word.p[i];
    struct str key = str_make(upper, word.len);
    const struct keyword *k = bsearch(&key, keywords, N_KEYWORDS, sizeof keywords[0], compare);
    return k ? k->kind : 0;
}

bool keyword_is_free(int kind)
{
    enum { RESERVED, FREE };
    switch (kind) {
#define WORD(name, use)                                                                                                \
    case TK_##name:                                                                                                    \
        return use == FREE;
#include "grammar/keywords_sorted.inc"
#undef WORD
    default:
        return false;
    }
}

bool sql_is_reserved(struct str word)
{
    int kind = keyword_kind(word);
    return kind != 0 && !keyword_is_free(kind);
}

const char *const *sql_keywords(void)
{
    return words;
}

static const char *kind_name(int kind)
{
    switch (kind) {
#define WORD(name, use)                                                                                                \
    case TK_##name:                                                                                                    \
        return "'" #name "'";
#include "grammar/keywords_sorted.inc"
#undef WORD
    case TOKEN_END:
        return "<EOF>";
    case TK_SEMI:
        return "';'";
    case TK_LP:
        return "'('";
    case TK_COMMA:
        return "','";
    case TK_RP:
        return "')'";
    case TK_DOT:
        return "'.'";
    case TK_LSQ:
        return "'['";
    case TK_RSQ:
        return "']'";
    case TK_ARROW:
        return "'=>'";
    case TK_DEREF:
        return "'->'";
    case TK_ASSIGN:
        return "':='";
    case TK_EQ:
        return "'='";
    case TK_NE:
        return "NEQ";
    case TK_LT:
        return "'<'";
    case TK_LE:
        return "'<='";
    case TK_GT:
        return "'>'";
    case TK_GE:
        return "'>='";
    case TK_PLUS:
        return "'+'";
    case TK_MINUS:
        return "'-'";
    case TK_STAR:
        return "'*'";
    case TK_SLASH:
        return "'/'";
    case TK_PERCENT:
        return "'%'";
    case TK_CONCAT:
        return "'||'";
    case TK_TEXT:
        return "STRING";
    case TK_INTEGER_VALUE:
        return "INTEGER_VALUE";
    case TK_DECIMAL_VALUE:
        return "DECIMAL_VALUE";
    case TK_FLOATING_POINT_VALUE:
        return "FLOATING_POINT_VALUE";
    case TK_VARIABLE:
        return "VARIABLE";
    case TK_IDENT:
        return "IDENTIFIER, DIGIT_IDENTIFIER, QUOTED_IDENTIFIER, BACKQUOTED_IDENTIFIER";
    default:
        return NULL;
    }
}

void token_kind_print(struct buf *out, int kind)
{
    const char *name = kind_name(kind);
    if (name)
        buf_puts(out, str_from(name));
}
