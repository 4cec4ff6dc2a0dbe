/* Strict scanning of JSON text: values are passed and checked, nothing is built. The messages are those of Jackson's
 * byte parser, without the place in the text. */
#include "formats/json_int.h"

enum { MAX_DEPTH = 1000, MAX_NUMBER = 1000 };

static const char value_expected[] =
    "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

static const char *fault(struct json_reader *r, enum json_fault_kind kind, const char *at, const char *text)
{
    if (r->fault == FAULT_NONE) {
        r->fault = kind;
        r->fault_at = at;
        r->fault_text = text;
    }
    return NULL;
}

/* ---- strings ------------------------------------------------------------------------------------------ */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* p at the backslash. */
static const char *skip_escape(struct json_reader *r, const char *p)
{
    if (r->end - p < 2)
        return fault(r, FAULT_END, NULL, " in character escape sequence");
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case 'u':
        for (int i = 2; i < 6; i++) {
            if (p + i == r->end)
                return fault(r, FAULT_END, NULL, " in character escape sequence");
            if (!is_hex(p[i]))
                return fault(r, FAULT_CHARACTER, p + i, "expected a hex-digit for character escape sequence");
        }
        return p + 6;
    default:
        return fault(r, FAULT_ESCAPE, p + 1, NULL);
    }
}

static const char *skip_string(struct json_reader *r, const char *p, unsigned *flags, const char *what)
{
    const char *begin = p;
    for (;;) {
        p = json_string_stop(p, r->end, flags);
        if (p == r->end)
            return fault(r, FAULT_END, NULL, ": was expecting closing quote");
        if (*p == '"')
            break;
        if (*p != '\\')
            return fault(r, FAULT_CONTROL, p, what);
        *flags |= STRING_ESCAPES;
        p = skip_escape(r, p);
        if (!p)
            return NULL;
    }
    if (*flags & STRING_HIGH && !str_is_utf8(str_make(begin, (size_t)(p - begin))))
        return fault(r, FAULT_UTF8, begin, NULL);
    return p + 1;
}

const char *json_skip_string(struct json_reader *r, const char *p, unsigned *flags)
{
    return skip_string(r, p, flags, "string value");
}

/* ---- numbers ------------------------------------------------------------------------------------------ */

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && (unsigned char)(*p - '0') <= 9)
        p++;
    return p;
}

static const char *number_fault(struct json_reader *r, const char *p, const char *text)
{
    return p == r->end ? fault(r, FAULT_END, NULL, " in a Number value") : fault(r, FAULT_NUMBER, p, text);
}

/* The exponent and the scale of a BigDecimal have 32 bits. */
static bool exponent_fits(const char *p, const char *end, int64_t n_fraction)
{
    bool negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    int64_t value = 0;
    for (; p < end; p++) {
        value = value * 10 + (*p - '0');
        if (value > INT32_MAX)
            return false;
    }
    int64_t scale = n_fraction + (negative ? value : -value);
    return scale <= INT32_MAX && scale >= INT32_MIN;
}

const char *json_skip_number(struct json_reader *r, const char *p, struct json_number *number)
{
    number->is_float = false;
    if (p < r->end && *p == '-')
        p++;
    const char *digits = p;
    p = skip_digits(p, r->end);
    int64_t n_digits = p - digits, n_fraction = 0;
    if (n_digits == 0)
        return number_fault(r, p, "expected digit (0-9) to follow minus sign, for valid numeric value");
    if (*digits == '0' && n_digits > 1)
        return fault(r, FAULT_TEXT, NULL, "Invalid numeric value: Leading zeroes not allowed");
    if (p < r->end && *p == '.') {
        number->is_float = true;
        const char *fraction = p + 1;
        p = skip_digits(fraction, r->end);
        n_fraction = p - fraction;
        if (n_fraction == 0)
            return number_fault(r, p, "Decimal point not followed by a digit");
        n_digits += n_fraction;
    }
    if (p < r->end && (*p | 32) == 'e') {
        number->is_float = true;
        const char *exponent = ++p;
        if (p < r->end && (*p == '-' || *p == '+'))
            p++;
        const char *begin = p;
        p = skip_digits(p, r->end);
        if (p == begin)
            return number_fault(r, p, "Exponent indicator not followed by a digit");
        n_digits += p - begin;
        if (!exponent_fits(exponent, p, n_fraction))
            return fault(r, FAULT_TEXT, NULL, "Number has an exponent that is out of range");
    }
    if (n_digits > MAX_NUMBER)
        return fault(r, FAULT_TEXT, NULL, "Number value length exceeds the maximum allowed (1000)");
    return p;
}

/* ---- values ------------------------------------------------------------------------------------------- */

enum json_step json_next_member(struct json_reader *r, const char **at, bool first, struct str *name, unsigned *flags)
{
    const char *p = json_space(*at, r->end);
    if (p < r->end && *p == '}') {
        *at = p + 1;
        return JSON_CLOSED;
    }
    if (!first) {
        if (p < r->end && *p != ',') {
            fault(r, FAULT_CHARACTER, p, "was expecting comma to separate Object entries");
            return JSON_FAULT;
        }
        p = json_space(p < r->end ? p + 1 : p, r->end);
    }
    if (p == r->end) {
        fault(r, FAULT_END, NULL, ": expected close marker for Object");
        return JSON_FAULT;
    }
    if (*p != '"') {
        fault(r, FAULT_CHARACTER, p, "was expecting double-quote to start field name");
        return JSON_FAULT;
    }
    *flags = 0;
    const char *begin = p + 1;
    p = skip_string(r, begin, flags, "name");
    if (!p)
        return JSON_FAULT;
    *name = str_make(begin, (size_t)(p - 1 - begin));
    p = json_space(p, r->end);
    if (p == r->end) {
        fault(r, FAULT_END, NULL, " within/between Object entries");
        return JSON_FAULT;
    }
    if (*p != ':') {
        fault(r, FAULT_CHARACTER, p, "was expecting a colon to separate field name and value");
        return JSON_FAULT;
    }
    *at = json_space(p + 1, r->end);
    return JSON_NEXT;
}

enum json_step json_next_element(struct json_reader *r, const char **at, bool first)
{
    const char *p = json_space(*at, r->end);
    if (p == r->end) {
        fault(r, FAULT_END, NULL, ": expected close marker for Array");
        return JSON_FAULT;
    }
    if (*p == ']') {
        *at = p + 1;
        return JSON_CLOSED;
    }
    if (!first) {
        if (*p != ',') {
            fault(r, FAULT_CHARACTER, p, "was expecting comma to separate Array entries");
            return JSON_FAULT;
        }
        p = json_space(p + 1, r->end);
    }
    *at = p;
    return JSON_NEXT;
}

static const char *skip_nested(struct json_reader *r, const char *p)
{
    if (++r->depth > MAX_DEPTH)
        return fault(r, FAULT_TEXT, NULL, "Document nesting depth (1001) exceeds the maximum allowed (1000)");
    bool object = *p == '{';
    enum json_step step;
    p++;
    for (bool first = true;; first = false) {
        struct str name;
        unsigned flags;
        step = object ? json_next_member(r, &p, first, &name, &flags) : json_next_element(r, &p, first);
        if (step != JSON_NEXT)
            break;
        p = json_skip(r, p);
        if (!p)
            return NULL;
    }
    r->depth--;
    return step == JSON_CLOSED ? p : NULL;
}

static const char *skip_word(struct json_reader *r, const char *p, struct str word)
{
    if ((size_t)(r->end - p) < word.len || memcmp(p, word.p, word.len) != 0)
        return fault(r, FAULT_TOKEN, p, NULL);
    return p + word.len;
}

const char *json_skip(struct json_reader *r, const char *p)
{
    unsigned flags = 0;
    struct json_number number;
    if (p == r->end)
        return fault(r, FAULT_END, NULL, "");
    switch (*p) {
    case '"':
        return json_skip_string(r, p + 1, &flags);
    case '{':
    case '[':
        return skip_nested(r, p);
    case 't':
        return skip_word(r, p, STR("true"));
    case 'f':
        return skip_word(r, p, STR("false"));
    case 'n':
        return skip_word(r, p, STR("null"));
    default:
        if (*p == '-' || (*p >= '0' && *p <= '9'))
            return json_skip_number(r, p, &number);
        if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z'))
            return fault(r, FAULT_TOKEN, p, NULL);
        return fault(r, FAULT_CHARACTER, p, value_expected);
    }
}

const char *json_root(struct str payload)
{
    const char *p = payload.p, *end = p + payload.len;
    if (payload.len >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    return json_space(p, end);
}

static bool continues_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x7F;
}

bool json_root_ends(struct json_reader *r, const char *begin, const char *end)
{
    if (end == r->end || *begin == '"' || *begin == '{' || *begin == '[')
        return true;
    if (*begin == 't' || *begin == 'f' || *begin == 'n') {
        if (!continues_word(*end))
            return true;
        fault(r, FAULT_TOKEN, begin, NULL);
        return false;
    }
    if (json_is_space(*end))
        return true;
    fault(r, FAULT_CHARACTER, end, "Expected space separating root-level values");
    return false;
}

/* ---- messages ----------------------------------------------------------------------------------------- */

/* A character as ('x' (code 120)). */
static void put_character(struct buf *out, const char *p, const char *end)
{
    unsigned char c = (unsigned char)*p;
    if (c < 0x20) {
        buf_printf(out, "CTRL-CHAR, code %u", c);
        return;
    }
    unsigned more = c < 0xC0 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3, code = more ? c & (0x3Fu >> more) : c;
    if (c >= 0x80 && (end - p <= (int)more || !str_is_utf8(str_make(p, more + 1)))) {
        buf_printf(out, "byte 0x%02x", c);
        return;
    }
    for (unsigned i = 1; i <= more; i++)
        code = code << 6 | ((unsigned char)p[i] & 0x3F);
    buf_printf(out, "'%.*s' (code %u", (int)more + 1, p, code);
    buf_printf(out, code > 0xFF ? " / 0x%x)" : ")", code);
}

static void put_token(struct buf *out, const char *p, const char *end)
{
    uint32_t n = 0;
    while (p + n < end && n < 256 && continues_word(p[n]))
        n++;
    buf_puts(out, STR("Unrecognized token '"));
    struct str token = str_make(p, n);
    buf_puts(out, str_is_utf8(token) ? token : STR("?"));
    buf_puts(out, STR("': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"));
}

/* Bytes of the character at p, 0: it is none. */
static unsigned character_len(const char *p, const char *end)
{
    for (unsigned n = 1; n <= 4 && n <= (size_t)(end - p); n++)
        if (str_is_utf8(str_make(p, n)))
            return n;
    return 0;
}

static void put_utf8_fault(struct buf *out, const char *p, const char *end)
{
    unsigned len;
    while (p < end && (len = character_len(p, end)) != 0)
        p += len;
    if (p == end)
        return;
    unsigned char lead = (unsigned char)*p;
    bool starts = lead >= 0xC2 && lead <= 0xF4 && p + 1 < end;
    buf_printf(out, "Invalid UTF-8 %s byte 0x%02x", starts ? "middle" : "start", starts ? (unsigned char)p[1] : lead);
}

void json_print_fault(const struct json_reader *r, struct buf *out)
{
    switch (r->fault) {
    case FAULT_NONE:
        break;
    case FAULT_END:
        buf_printf(out, "Unexpected end-of-input%s", r->fault_text);
        break;
    case FAULT_CHARACTER:
    case FAULT_NUMBER:
        buf_puts(out, STR("Unexpected character ("));
        put_character(out, r->fault_at, r->end);
        buf_printf(out, ")%s: %s", r->fault == FAULT_NUMBER ? " in numeric value" : "", r->fault_text);
        break;
    case FAULT_TOKEN:
        put_token(out, r->fault_at, r->end);
        break;
    case FAULT_CONTROL:
        buf_puts(out, STR("Illegal unquoted character (("));
        put_character(out, r->fault_at, r->end);
        buf_printf(out, ")): has to be escaped using backslash to be included in %s", r->fault_text);
        break;
    case FAULT_ESCAPE:
        buf_puts(out, STR("Unrecognized character escape "));
        put_character(out, r->fault_at, r->end);
        break;
    case FAULT_UTF8:
        put_utf8_fault(out, r->fault_at, r->end);
        break;
    case FAULT_TEXT:
        buf_puts(out, str_from(r->fault_text));
        break;
    }
}
