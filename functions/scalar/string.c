/* Functions of texts. Positions and lengths count UTF-16 units; plain ASCII takes a short way. Many have a twin for
 * BYTES. */
#include "functions/codec.h"
#include "functions/functions_int.h"
#include "functions/md5.h"
#include "functions/text.h"

#include <stdlib.h>
#include <sys/random.h>

static bool return_like(struct call *c, const struct value *like, struct str s, struct value *result)
{
    return like->kind == KIND_BYTES ? return_bytes(c, s, result) : return_text(c, s, result);
}

/* ---- CHR, CONCAT, ELT, FIELD
 * -------------------------------------------------------------------------------------------- */

static bool chr_code(struct call *c, const struct value *args, struct value *result)
{
    struct buf out;
    if (args[0].i32 < 0 || args[0].i32 > 0x10FFFF) {
        *result = VALUE_NULL;
        return true;
    }
    buf_init(&out, 0);
    text_put_code_point(&out, (uint32_t)args[0].i32);
    return return_buf(c, &out, result);
}

static bool hex_unit(struct str s, uint32_t at, uint16_t *out)
{
    char digits[5] = {0}, *end;
    if (at + 6 > s.len || s.p[at] != '\\' || s.p[at + 1] != 'u')
        return false;
    memcpy(digits, s.p + at + 2, 4);
    for (int i = 0; i < 4; i++)
        if (!strchr("0123456789abcdefABCDEF", digits[i]))
            return false;
    *out = (uint16_t)strtol(digits, &end, 16);
    return true;
}

/* Text that starts with a \uXXXX escape; further ones are resolved, the rest stays. */
static bool chr_text(struct call *c, const struct value *args, struct value *result)
{
    struct str s = args[0].str;
    uint16_t *units = arena_alloc(c->arena, (size_t)s.len * sizeof *units);
    uint32_t n = 0;
    if (!units)
        return return_nomem(c);
    *result = VALUE_NULL;
    if (s.len < 6 || s.p[0] != '\\' || s.p[1] != 'u')
        return true;
    for (uint32_t at = 0; at < s.len;) {
        if (s.p[at] != '\\') {
            struct units rest;
            if (!units_from(c->arena, str_make(s.p + at, 1), &rest))
                return return_nomem(c);
            units[n++] = rest.p[0];
            at++;
        } else if (hex_unit(s, at, &units[n])) {
            n++;
            at += 6;
        } else {
            return call_error(c, "Unable to parse unicode value: " STR_FMT, STR_ARG(s));
        }
    }
    return return_text(c, units_to(c->arena, units, n), result);
}

static bool join(struct call *c, const struct value *args, uint32_t n, struct str separator, struct value *result)
{
    uint64_t len = 0;
    bool first = true;
    for (uint32_t i = 0; i < n; i++)
        len += value_is_null(&args[i]) ? 0 : (uint64_t)args[i].str.len + separator.len;
    char *p = len <= UINT32_MAX ? arena_alloc(c->arena, len) : NULL, *to = p;
    if (!p)
        return return_nomem(c);
    for (uint32_t i = 0; i < n; i++) {
        if (value_is_null(&args[i]))
            continue;
        if (!first && separator.len)
            to = mempcpy(to, separator.p, separator.len);
        if (args[i].str.len)
            to = mempcpy(to, args[i].str.p, args[i].str.len);
        first = false;
    }
    struct str joined = str_make(p, (size_t)(to - p));
    return c->result_type->kind == KIND_BYTES ? return_bytes(c, joined, result) : return_text(c, joined, result);
}

static bool concat(struct call *c, const struct value *args, struct value *result)
{
    return join(c, args, c->n_args, (struct str){NULL, 0}, result);
}

static bool concat_ws(struct call *c, const struct value *args, struct value *result)
{
    if (c->n_args < 2)
        return call_error(c, "Function Concat_WS expects at least two input arguments.");
    *result = VALUE_NULL;
    return value_is_null(&args[0]) || join(c, args + 1, c->n_args - 1, args[0].str, result);
}

static bool elt(struct call *c, const struct value *args, struct value *result)
{
    bool found = !value_is_null(&args[0]) && args[0].i32 >= 1 && (uint32_t)args[0].i32 < c->n_args;
    *result = found ? args[args[0].i32] : VALUE_NULL;
    return true;
}

static bool field(struct call *c, const struct value *args, struct value *result)
{
    *result = value_int(0);
    for (uint32_t i = 1; i < c->n_args && !value_is_null(&args[0]); i++) {
        if (value_eq(&args[0], &args[i])) {
            *result = value_int((int32_t)i);
            break;
        }
    }
    return true;
}

/* ---- case, length, trim
 * --------------------------------------------------------------------------------------------------- */

static bool lcase(struct call *c, const struct value *args, struct value *result)
{
    return return_text(c, text_lower(c->arena, args[0].str), result);
}

static bool ucase(struct call *c, const struct value *args, struct value *result)
{
    return return_text(c, text_upper(c->arena, args[0].str), result);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The first character of each word in capitals, the rest small. Blanks in front are lost. */
static bool initcap(struct call *c, const struct value *args, struct value *result)
{
    struct str s = text_lower(c->arena, args[0].str);
    struct buf out;
    uint32_t at = 0;
    if (!s.p)
        return return_nomem(c);
    buf_init(&out, 0);
    while (at < s.len && is_space(s.p[at]))
        at++;
    for (bool start = true; at < s.len; start = is_space(s.p[at - 1])) {
        uint32_t from = at, code = text_next(s, &at);
        struct str one = str_make(s.p + from, at - from);
        if (start && code < 0x10000)
            one = text_upper(c->arena, one);
        buf_puts(&out, one);
    }
    return return_buf(c, &out, result);
}

static bool len(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    *result = value_int((int32_t)(args[0].kind == KIND_BYTES ? args[0].str.len : text_utf16_len(args[0].str)));
    return true;
}

static bool trim(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    *result = value_text(text_trim(args[0].str));
    return true;
}

/* ---- INSTR
 * ------------------------------------------------------------------------------------------------------------------ */

static int64_t find_units(const struct units *s, const struct units *needle, int64_t from)
{
    for (int64_t i = from; i + needle->n <= s->n; i++)
        if (memcmp(s->p + i, needle->p, (size_t)needle->n * sizeof *s->p) == 0)
            return i;
    return -1;
}

static void reverse(struct units *u)
{
    for (uint32_t i = 0; i < u->n / 2; i++) {
        uint16_t unit = u->p[i];
        u->p[i] = u->p[u->n - 1 - i];
        u->p[u->n - 1 - i] = unit;
    }
}

static bool instr(struct call *c, const struct value *args, struct value *result)
{
    struct units s, needle;
    *result = value_int(0);
    for (uint32_t i = 0; i < c->n_args; i++)
        if (value_is_null(&args[i]))
            return true;
    int64_t position = c->n_args > 2 ? args[2].i32 : 1, occurrence = c->n_args > 3 ? args[3].i32 : 1;
    if (!units_from(c->arena, args[0].str, &s) || !units_from(c->arena, args[1].str, &needle))
        return return_nomem(c);
    bool backwards = position < 0;
    if (backwards) {
        position = -position;
        reverse(&s);
        reverse(&needle);
    }
    if (position > s.n)
        return true;
    int64_t at = position > 0 ? position - 2 : -1;
    for (int64_t i = 0; i < occurrence; i++)
        if ((at = find_units(&s, &needle, at + 1)) < 0)
            return true;
    if (occurrence > 0)
        *result = value_int((int32_t)(backwards ? s.n - at - needle.n + 1 : at + 1));
    return true;
}

/* ---- LPAD, RPAD, SUBSTRING
 * ----------------------------------------------------------------------------------------------------- */

enum { PAD_LIMIT = 64 << 20 };

/* Units of a text, or bytes widened to units, so that both types share the code. */
static bool any_units(struct call *c, const struct value *v, struct units *out)
{
    if (v->kind == KIND_STRING)
        return units_from(c->arena, v->str, out);
    out->n = v->str.len;
    out->p = arena_alloc(c->arena, (size_t)out->n * sizeof *out->p);
    for (uint32_t i = 0; out->p && i < out->n; i++)
        out->p[i] = (unsigned char)v->str.p[i];
    return out->p != NULL;
}

static bool return_units(struct call *c, const struct value *like, const uint16_t *p, uint32_t n, struct value *result)
{
    if (like->kind == KIND_STRING)
        return return_text(c, units_to(c->arena, p, n), result);
    char *bytes = arena_alloc(c->arena, n);
    for (uint32_t i = 0; bytes && i < n; i++)
        bytes[i] = (char)p[i];
    return return_bytes(c, str_make(bytes, n), result);
}

static bool pad(struct call *c, const struct value *args, bool left, struct value *result)
{
    struct units s, padding;
    int32_t target = args[1].i32;
    *result = VALUE_NULL;
    if (target < 0 || args[2].str.len == 0)
        return true;
    if (target > PAD_LIMIT)
        return call_error(c, "Padded length %d is too large", target);
    uint16_t *out = arena_alloc(c->arena, (size_t)target * sizeof *out);
    if (!out || !any_units(c, &args[0], &s) || !any_units(c, &args[2], &padding))
        return return_nomem(c);
    uint32_t n = (uint32_t)target, keep = s.n < n ? s.n : n, fill = n - keep;
    memcpy(out + (left ? fill : 0), s.p, (size_t)keep * sizeof *out);
    for (uint32_t i = 0; i < fill; i++)
        out[left ? i : keep + i] = padding.p[i % padding.n];
    return return_units(c, &args[0], out, n, result);
}

static bool lpad(struct call *c, const struct value *args, struct value *result)
{
    return pad(c, args, true, result);
}

static bool rpad(struct call *c, const struct value *args, struct value *result)
{
    return pad(c, args, false, result);
}

/* The part of n units that a position and a length mean. */
static void part(int64_t n, int64_t position, int64_t length, uint32_t *start, uint32_t *count)
{
    int64_t from = position > 0 ? position - 1 : position < 0 ? n + position : 0;
    from = from < 0 ? 0 : from > n ? n : from;
    length = length < 0 ? 0 : length > n - from ? n - from : length;
    *start = (uint32_t)from;
    *count = (uint32_t)length;
}

static bool substring(struct call *c, const struct value *args, struct value *result)
{
    int64_t length = c->n_args == 3 ? args[2].i32 : INT64_MAX;
    struct str s = args[0].str;
    uint32_t start, count;
    if (args[0].kind == KIND_BYTES || text_is_ascii(s)) {
        part(s.len, args[1].i32, length, &start, &count);
        return return_like(c, &args[0], count ? str_make(s.p + start, count) : STR(""), result);
    }
    struct units u;
    if (!units_from(c->arena, s, &u))
        return return_nomem(c);
    part(u.n, args[1].i32, length, &start, &count);
    return return_text(c, units_to(c->arena, u.p + start, count), result);
}

/* ---- REPLACE, SPLIT
 * ---------------------------------------------------------------------------------------------------------------- */

/* An empty search text is found before every unit and at the end. */
static bool replace_empty(struct call *c, struct str s, struct str by, struct value *result)
{
    struct buf out;
    buf_init(&out, 0);
    for (uint32_t at = 0; at < s.len;) {
        uint32_t from = at;
        text_next(s, &at);
        buf_puts(&out, by);
        buf_put(&out, s.p + from, at - from);
    }
    buf_puts(&out, by);
    return return_buf(c, &out, result);
}

static bool replace(struct call *c, const struct value *args, struct value *result)
{
    struct str s = args[0].str, search = args[1].str;
    struct buf out;
    int64_t at = text_find(s, search, 0);
    uint32_t from = 0;
    if (search.len == 0)
        return replace_empty(c, s, args[2].str, result);
    *result = args[0];
    if (at < 0)
        return true;
    buf_init(&out, 0);
    for (; at >= 0; at = text_find(s, search, from)) {
        buf_put(&out, s.p + from, (size_t)at - from);
        buf_puts(&out, args[2].str);
        from = (uint32_t)at + search.len;
    }
    buf_put(&out, s.p + from, s.len - from);
    return return_buf(c, &out, result);
}

static bool split_units(struct call *c, const struct value *v, struct value *result)
{
    struct units u;
    if (!any_units(c, v, &u))
        return return_nomem(c);
    struct nested *list = return_array(c, u.n, result);
    for (uint32_t i = 0; list && i < u.n; i++)
        if (!return_units(c, v, u.p + i, 1, &list->items[i]))
            return false;
    return list != NULL;
}

static bool split(struct call *c, const struct value *args, struct value *result)
{
    struct str s = args[0].str, delimiter = args[1].str;
    if (delimiter.len == 0 && s.len > 0)
        return split_units(c, &args[0], result);
    size_t n = 1;
    for (int64_t at = 0; delimiter.len && (at = text_find(s, delimiter, (uint32_t)at)) >= 0; at += delimiter.len)
        n++;
    struct nested *list = return_array(c, n, result);
    uint32_t from = 0;
    for (size_t i = 0; list && i < n; i++) {
        int64_t at = i + 1 < n ? text_find(s, delimiter, from) : s.len;
        uint32_t count = (uint32_t)at - from;
        if (!return_like(c, &args[0], count ? str_make(s.p + from, count) : STR(""), &list->items[i]))
            return false;
        from = (uint32_t)at + delimiter.len;
    }
    return list != NULL;
}

static bool split_to_map(struct call *c, const struct value *args, struct value *result)
{
    struct str s = args[0].str, entry_end = args[1].str, key_end = args[2].str;
    *result = VALUE_NULL;
    if (entry_end.len == 0 || key_end.len == 0 || str_eq(entry_end, key_end))
        return true;
    size_t room = 1;
    for (int64_t at = 0; (at = text_find(s, entry_end, (uint32_t)at)) >= 0; at += entry_end.len)
        room++;
    struct nested *map = new_map(c, room);
    if (!map)
        return false;
    map->n = 0;
    for (uint32_t from = 0; from <= s.len;) {
        int64_t end = text_find(s, entry_end, from);
        struct str entry = str_make(s.p + from, (end < 0 ? s.len : (uint32_t)end) - from);
        int64_t at = text_find(entry, key_end, 0);
        if (at >= 0) {
            uint32_t start = (uint32_t)at + key_end.len;
            int64_t next = text_find(entry, key_end, start);
            map->keys[map->n] = value_text(str_make(entry.p, (size_t)at));
            map->items[map->n++] =
                value_text(str_make(entry.p + start, (next < 0 ? entry.len : (uint32_t)next) - start));
        }
        if (end < 0)
            break;
        from = (uint32_t)end + entry_end.len;
    }
    return return_map(c, map, result);
}

/* ---- MD5, UUID
 * -------------------------------------------------------------------------------------------------------------------------
 */

static bool md5_text(struct call *c, const struct value *args, struct value *result)
{
    uint8_t digest[16];
    md5(args[0].str, digest);
    return return_text(c, hex_encode(c->arena, str_make((char *)digest, sizeof digest), false), result);
}

static bool return_uuid(struct call *c, const uint8_t *b, struct value *result)
{
    return return_text(c,
                       str_printf(c->arena, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                                  b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
                                  b[13], b[14], b[15]),
                       result);
}

static bool uuid_random(struct call *c, const struct value *args, struct value *result)
{
    uint8_t bytes[16];
    (void)args;
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return call_error(c, "No random numbers");
    bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
    return return_uuid(c, bytes, result);
}

static bool uuid_bytes(struct call *c, const struct value *args, struct value *result)
{
    *result = VALUE_NULL;
    return args[0].str.len != 16 || return_uuid(c, (const uint8_t *)args[0].str.p, result);
}

/* ---- table
 * ------------------------------------------------------------------------------------------------------------------------------
 */

#define TEXT(upper, lower, text) .name = (upper), .declared_name = (lower), .category = "STRING", .description = (text)

static const struct function table[] = {
    {TEXT("CHR", "Chr", "The character of a Unicode code point"),
     VARIANTS(CALL_NOT_NULL("(INT decimalCode) -> STRING", chr_code),
              CALL_NOT_NULL("(STRING utf16Code) -> STRING", chr_text))},
    {TEXT("CONCAT", "concat", "Joins texts or bytes; nulls are left out"),
     VARIANTS(CALL("(STRING... inputs) -> STRING", concat), CALL("(BYTES... inputs) -> BYTES", concat))},
    {TEXT("CONCAT_WS", "concat_ws", "Joins texts or bytes with a separator between; nulls are left out"),
     VARIANTS(CALL("(STRING... inputs) -> STRING", concat_ws), CALL("(BYTES... inputs) -> BYTES", concat_ws))},
    {TEXT("ELT", "elt", "The nth of the texts"), VARIANTS(CALL("(INT n, STRING... args) -> STRING", elt))},
    {TEXT("FIELD", "field", "The position of a text among others, 0 if it is not there"),
     VARIANTS(CALL("(STRING str, STRING... args) -> INT", field))},
    {TEXT("INITCAP", "initcap", "Starts each word with a capital"),
     VARIANTS(CALL_NOT_NULL("(STRING str) -> STRING", initcap))},
    {TEXT("INSTR", "instr", "The position of a text in another, 0 if it is not there"),
     VARIANTS(CALL("(STRING str, STRING substring) -> INT", instr),
              CALL("(STRING str, STRING substring, INT position) -> INT", instr),
              CALL("(STRING str, STRING substring, INT position, INT occurrence) -> INT", instr))},
    {TEXT("LCASE", "lcase", "Small letters"), VARIANTS(CALL_NOT_NULL("(STRING input) -> STRING", lcase))},
    {TEXT("LEN", "len", "The length of a text or of bytes"),
     VARIANTS(CALL_NOT_NULL("(STRING input) -> INT", len), CALL_NOT_NULL("(BYTES input) -> INT", len))},
    {TEXT("LPAD", "LPad", "Fills up or cuts to a length, at the left"),
     VARIANTS(CALL_NOT_NULL("(STRING input, INT targetLen, STRING padding) -> STRING", lpad),
              CALL_NOT_NULL("(BYTES input, INT targetLen, BYTES padding) -> BYTES", lpad))},
    {TEXT("MD5", "md5", "The MD5 digest in hexadecimal"), VARIANTS(CALL_NOT_NULL("(STRING s) -> STRING", md5_text))},
    {TEXT("REPLACE", "replace", "Replaces a text wherever it occurs"),
     VARIANTS(CALL_NOT_NULL("(STRING str, STRING oldStr, STRING newStr) -> STRING", replace))},
    {TEXT("RPAD", "RPad", "Fills up or cuts to a length, at the right"),
     VARIANTS(CALL_NOT_NULL("(STRING input, INT targetLen, STRING padding) -> STRING", rpad),
              CALL_NOT_NULL("(BYTES input, INT targetLen, BYTES padding) -> BYTES", rpad))},
    {TEXT("SPLIT", "split", "Cuts at a delimiter; empty parts are kept"),
     VARIANTS(CALL_NOT_NULL("(STRING string, STRING delimiter) -> ARRAY<STRING>", split),
              CALL_NOT_NULL("(BYTES bytes, BYTES delimiter) -> ARRAY<BYTES>", split))},
    {TEXT("SPLIT_TO_MAP", "split_to_map", "Makes a map of a text such as a:1,b:2"),
     VARIANTS(CALL_NOT_NULL("(STRING input, STRING entryDelimiter, STRING kvDelimiter) -> MAP<STRING, STRING>",
                            split_to_map))},
    {TEXT("SUBSTRING", "substring", "A part of a text or of bytes"),
     VARIANTS(CALL_NOT_NULL("(STRING str, INT pos) -> STRING", substring),
              CALL_NOT_NULL("(STRING str, INT pos, INT length) -> STRING", substring),
              CALL_NOT_NULL("(BYTES bytes, INT pos) -> BYTES", substring),
              CALL_NOT_NULL("(BYTES bytes, INT pos, INT length) -> BYTES", substring))},
    {TEXT("TRIM", "trim", "Drops blanks at both ends"), VARIANTS(CALL_NOT_NULL("(STRING input) -> STRING", trim))},
    {TEXT("UCASE", "ucase", "Capital letters"), VARIANTS(CALL_NOT_NULL("(STRING input) -> STRING", ucase))},
    {TEXT("UUID", "uuid", "A random UUID, or that of 16 bytes"),
     VARIANTS({.signature = "() -> STRING", .fn = uuid_random, .nondeterministic = true},
              CALL_NOT_NULL("(BYTES bytes) -> STRING", uuid_bytes))},
};

const struct function_family functions_string = FAMILY(table);
