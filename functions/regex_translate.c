/* Java pattern syntax to PCRE2's: class set operations, properties, line ends, word boundaries; what only PCRE2 has is
 * refused, as Java refuses it. Each element is looked at alone; nothing is optimised. */
#include "functions/regex.h"
#include "functions/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEPTH_LIMIT = 100 };

struct translator {
    struct str in;
    uint32_t at;
    struct buf *out;
    bool has_flags; /* (?s), (?m) or the like: then . and $ are left to PCRE2 */
    bool bad;
    char *error;
    size_t error_size;
};

static bool fail(struct translator *t, const char *what)
{
    if (!t->bad)
        snprintf(t->error, t->error_size, "%s near index %u\n" STR_FMT, what, t->at, STR_ARG(t->in));
    t->bad = true;
    return false;
}

static bool more(const struct translator *t)
{
    return t->at < t->in.len;
}

static char peek(const struct translator *t, uint32_t ahead)
{
    return t->at + ahead < t->in.len ? t->in.p[t->at + ahead] : '\0';
}

static void put(struct translator *t, const char *s)
{
    buf_puts(t->out, str_from(s));
}

/* ---- escapes: `in_class` tells whether brackets are around
 * ------------------------------------------------------------- */

static bool hex_digits(struct translator *t, int n, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < n; i++) {
        char c = peek(t, 0);
        if (!isxdigit((unsigned char)c))
            return fail(t, "Illegal hexadecimal escape sequence");
        *out = *out << 4 | (uint32_t)(isdigit((unsigned char)c) ? c - '0' : (c | 32) - 'a' + 10);
        t->at++;
    }
    return true;
}

/* Behind \u: four digits, perhaps a second half. */
static bool unicode_escape(struct translator *t)
{
    uint32_t c, low;
    if (!hex_digits(t, 4, &c))
        return false;
    if (c >= 0xD800 && c < 0xDC00 && peek(t, 0) == '\\' && peek(t, 1) == 'u') {
        t->at += 2;
        if (!hex_digits(t, 4, &low))
            return false;
        c = ((c - 0xD7C0) << 10) + (low & 0x3FF);
    }
    if (c >= 0xD800 && c < 0xE000)
        c = 0xFFFD;
    buf_printf(t->out, "\\x{%x}", c);
    return true;
}

/* Behind \0: one to three octal digits. */
static bool octal_escape(struct translator *t)
{
    uint32_t c = 0;
    int n = 0;
    while (n < 3 && peek(t, 0) >= '0' && peek(t, 0) <= '7' && c * 8 + (uint32_t)(peek(t, 0) - '0') <= 0377) {
        c = c * 8 + (uint32_t)(peek(t, 0) - '0');
        t->at++;
        n++;
    }
    if (n == 0)
        return fail(t, "Illegal octal escape sequence");
    buf_printf(t->out, "\\x{%x}", c);
    return true;
}

/* POSIX and java.lang.Character names, as sets. */
static const struct {
    const char *java, *set;
} families[] = {
    {"Lower", "a-z"},
    {"Upper", "A-Z"},
    {"ASCII", "\\x00-\\x7F"},
    {"Alpha", "a-zA-Z"},
    {"Digit", "0-9"},
    {"Alnum", "a-zA-Z0-9"},
    {"Punct", "!-\\/:-@\\[-`{-~"},
    {"Graph", "!-~"},
    {"Print", " -~"},
    {"Blank", " \\t"},
    {"Cntrl", "\\x00-\\x1F\\x7F"},
    {"XDigit", "0-9a-fA-F"},
    {"Space", " \\t-\\r"},
    {"javaLowerCase", "\\p{Ll}"},
    {"javaUpperCase", "\\p{Lu}"},
    {"javaWhitespace", "\\t-\\r\\x1C-\\x1F\\p{Z}"},
    {"javaLetter", "\\p{L}"},
    {"javaDigit", "\\p{Nd}"},
    {"javaLetterOrDigit", "\\p{L}\\p{Nd}"},
    {"IsAlphabetic", "\\p{L}\\p{Nl}"},
    {"IsLetter", "\\p{L}"},
    {"IsDigit", "\\p{Nd}"},
    {"IsUppercase", "\\p{Lu}"},
    {"IsLowercase", "\\p{Ll}"},
    {"IsWhite_Space", "\\s\\p{Z}"},
    {"IsPunctuation", "\\p{P}"},
    {"IsControl", "\\p{Cc}"},
};

/* The families of above; others go through, without "Is". */
static bool property(struct translator *t, bool negated, bool in_class)
{
    struct str name;
    if (peek(t, 0) == '{') {
        uint32_t from = ++t->at;
        while (more(t) && peek(t, 0) != '}')
            t->at++;
        if (!more(t))
            return fail(t, "Unclosed character family");
        name = str_make(t->in.p + from, t->at++ - from);
    } else {
        name = str_make(t->in.p + t->at, more(t) ? 1 : 0);
        t->at++;
    }
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (!str_eq(name, str_from(families[i].java)))
            continue;
        if (in_class && negated)
            return fail(t, "Negated character family in a class is not supported");
        if (!in_class)
            put(t, negated ? "[^" : "[");
        put(t, families[i].set);
        if (!in_class)
            put(t, "]");
        return true;
    }
    if (name.len > 2 && memcmp(name.p, "Is", 2) == 0)
        name = str_make(name.p + 2, name.len - 2);
    buf_printf(t->out, "\\%c{" STR_FMT "}", negated ? 'P' : 'p', STR_ARG(name));
    return true;
}

/* \Q...\E: every character between is literal. */
static void quoted(struct translator *t)
{
    while (more(t) && !(peek(t, 0) == '\\' && peek(t, 1) == 'E')) {
        char c = peek(t, 0);
        if ((unsigned char)c < 0x80 && !isalnum((unsigned char)c))
            buf_putc(t->out, '\\');
        buf_putc(t->out, c);
        t->at++;
    }
    t->at = t->at + 2 < t->in.len ? t->at + 2 : t->in.len;
}

/* A boundary between word characters of any script and others, which JDK 17 has. */
static const char word_boundary[] =
    "(?:(?<=[\\p{L}\\p{Nd}_])(?![\\p{L}\\p{Nd}_])|(?<![\\p{L}\\p{Nd}_])(?=[\\p{L}\\p{Nd}_]))";
static const char no_boundary[] =
    "(?:(?<=[\\p{L}\\p{Nd}_])(?=[\\p{L}\\p{Nd}_])|(?<![\\p{L}\\p{Nd}_])(?![\\p{L}\\p{Nd}_]))";

/* Behind the backslash. */
static bool escape(struct translator *t, bool in_class)
{
    char c = peek(t, 0);
    if (!more(t))
        return fail(t, "Unexpected internal error");
    t->at++;
    switch (c) {
    case 'u':
        return unicode_escape(t);
    case '0':
        return octal_escape(t);
    case 'p':
    case 'P':
        return property(t, c == 'P', in_class);
    case 'Q':
        quoted(t);
        return true;
    case 'b':
    case 'B':
        if (in_class)
            return fail(t, "Illegal/unsupported escape sequence");
        put(t, c == 'b' ? word_boundary : no_boundary);
        return true;
    default:
        break;
    }
    if (isalpha((unsigned char)c) && !strchr("ADGHNRSVWXZacdefhknrstvwxz", c))
        return fail(t, "Illegal/unsupported escape sequence");
    buf_putc(t->out, '\\');
    buf_putc(t->out, c);
    return true;
}

/* ---- classes: each becomes an expression for exactly one character
 * -------------------------------------------------------- */

static bool class(struct translator *t, int depth);

/* Plain items up to what ends them, as one bracket; the rest as alternatives. */
static bool class_union(struct translator *t, int depth, bool first)
{
    struct buf alternatives, *outer = t->out, plain;
    bool ok = true;
    buf_init(&alternatives, 0);
    buf_init(&plain, 0);
    while (ok && more(t) && !(peek(t, 0) == ']' && !first) && !(peek(t, 0) == '&' && peek(t, 1) == '&')) {
        char c = peek(t, 0);
        first = false;
        t->out = c == '[' ? &alternatives : &plain;
        if (c == '[') {
            buf_putc(&alternatives, '|');
            ok = class(t, depth + 1);
        } else if (c == '\\') {
            t->at++;
            ok = escape(t, true);
        } else {
            if (c == ']' || (c == '^' && plain.len == 0))
                buf_putc(&plain, '\\');
            buf_putc(&plain, c);
            t->at++;
        }
    }
    t->out = outer;
    if (plain.len) {
        buf_puts(outer, alternatives.len ? STR("(?:[") : STR("["));
        buf_puts(outer, buf_str(&plain));
        buf_putc(outer, ']');
        buf_puts(outer, buf_str(&alternatives));
        buf_puts(outer, alternatives.len ? STR(")") : STR(""));
    } else if (alternatives.len) {
        buf_puts(outer, STR("(?:"));
        buf_put(outer, alternatives.p + 1, alternatives.len - 1);
        buf_putc(outer, ')');
    } else {
        ok = ok && fail(t, "Bad class syntax");
    }
    buf_free(&alternatives);
    buf_free(&plain);
    return ok;
}

/* At the opening bracket. A&&B: what follows is an A, and a B. */
static bool class(struct translator *t, int depth)
{
    if (depth > DEPTH_LIMIT)
        return fail(t, "Class nested too deeply");
    t->at++;
    bool negated = peek(t, 0) == '^';
    t->at += negated;
    if (negated)
        put(t, "(?:(?!");
    struct buf *outer = t->out, part, all;
    buf_init(&part, 0);
    buf_init(&all, 0);
    t->out = &part;
    bool ok = class_union(t, depth, true), several = false;
    while (ok && peek(t, 0) == '&' && peek(t, 1) == '&') {
        several = true;
        buf_printf(&all, "(?=" STR_FMT ")", STR_ARG(buf_str(&part)));
        part.len = 0;
        t->at += 2;
        ok = class_union(t, depth, false);
    }
    t->out = outer;
    buf_puts(outer, several ? STR("(?:") : STR(""));
    buf_puts(outer, buf_str(&all));
    buf_puts(outer, buf_str(&part));
    buf_puts(outer, several ? STR(")") : STR(""));
    buf_free(&part);
    buf_free(&all);
    if (negated)
        put(t, ")[\\s\\S])");
    if (ok && peek(t, 0) != ']')
        return fail(t, "Unclosed character class");
    t->at++;
    return ok;
}

/* A class without nesting and set operations goes through as one bracket, which is faster. */
static bool simple_class(struct translator *t)
{
    uint32_t at = t->at + 1;
    at += at < t->in.len && t->in.p[at] == '^';
    for (bool first = true; at < t->in.len; at++, first = false) {
        char c = t->in.p[at], next = at + 1 < t->in.len ? t->in.p[at + 1] : '\0';
        if (c == ']' && !first)
            return true;
        if (c == '[' || (c == '&' && next == '&') || (c == '\\' && (next == 'Q' || next == 'P')))
            return false;
        at += c == '\\';
    }
    return false;
}

static bool copy_class(struct translator *t)
{
    buf_putc(t->out, t->in.p[t->at++]);
    if (peek(t, 0) == '^')
        buf_putc(t->out, t->in.p[t->at++]);
    for (bool first = true; peek(t, 0) != ']' || first; first = false) {
        char c = peek(t, 0);
        if (!more(t))
            return fail(t, "Unclosed character class");
        t->at++;
        if (c == '\\') {
            if (!escape(t, true))
                return false;
            continue;
        }
        if (c == ']')
            buf_putc(t->out, '\\');
        buf_putc(t->out, c);
    }
    buf_putc(t->out, ']');
    t->at++;
    return true;
}

/* ---- the rest
 * --------------------------------------------------------------------------------------------------------------- */

/* At "(": only what Java knows may follow "(?". Flags that PCRE2 has no use for are dropped. */
static bool group(struct translator *t)
{
    t->at++;
    put(t, "(");
    if (peek(t, 0) == '*')
        return fail(t, "Dangling meta character '*'");
    if (peek(t, 0) != '?')
        return true;
    t->at++;
    put(t, "?");
    char c = peek(t, 0);
    if (c == '<' && (peek(t, 1) == '=' || peek(t, 1) == '!' || isalpha((unsigned char)peek(t, 1))))
        return true;
    if (c != '\0' && strchr(":=!>", c))
        return true;
    if (!isalpha((unsigned char)c) && c != '-')
        return fail(t, "Unknown inline modifier");
    for (; isalpha((unsigned char)peek(t, 0)) || peek(t, 0) == '-'; t->at++) {
        c = peek(t, 0);
        if (!strchr("idmsuxU-", c))
            return fail(t, "Unknown inline modifier");
        if (strchr("imsx-", c))
            buf_putc(t->out, c);
    }
    return peek(t, 0) == ')' || peek(t, 0) == ':' || fail(t, "Unknown inline modifier");
}

static bool element(struct translator *t)
{
    char c = peek(t, 0);
    switch (c) {
    case '\\':
        t->at++;
        return escape(t, false);
    case '[':
        return simple_class(t) ? copy_class(t) : class(t, 0);
    case '(':
        return group(t);
    case '.':
        put(t, t->has_flags ? "." : "[^\\n\\r\\x{85}\\x{2028}\\x{2029}]");
        t->at++;
        return true;
    case '$':
        put(t, t->has_flags ? "$" : "(?:\\z|(?=\\r\\n\\z)|(?=[\\r\\x{85}\\x{2028}\\x{2029}]\\z)|(?<!\\r)(?=\\n\\z))");
        t->at++;
        return true;
    default:
        buf_putc(t->out, c);
        t->at++;
        return true;
    }
}

/* Is there an inline flag that changes what . and $ mean? */
static bool uses_flags(struct str s)
{
    for (uint32_t i = 0; i + 2 < s.len; i++) {
        if (s.p[i] != '(' || s.p[i + 1] != '?')
            continue;
        for (uint32_t k = i + 2; k < s.len && (isalpha((unsigned char)s.p[k]) || s.p[k] == '-'); k++)
            if (s.p[k] == 's' || s.p[k] == 'm' || s.p[k] == 'd')
                return true;
    }
    return false;
}

bool regex_translate(struct str java, struct buf *out, char *error, size_t error_size)
{
    struct translator t = {
        .in = java, .out = out, .has_flags = uses_flags(java), .error = error, .error_size = error_size};
    while (more(&t))
        if (!element(&t))
            return false;
    if (out->failed)
        snprintf(error, error_size, "Out of memory");
    return !out->failed;
}
