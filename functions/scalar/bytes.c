/* Bytes to texts and numbers, and back. */
#include "functions/codec.h"
#include "functions/functions_int.h"
#include "functions/text.h"

enum encoding { ENCODING_HEX, ENCODING_UTF8, ENCODING_ASCII, ENCODING_BASE64, ENCODING_UNKNOWN };

static enum encoding encoding_named(struct str name)
{
    static const char *const names[] = {"hex", "utf8", "ascii", "base64"};
    for (int i = 0; i < ENCODING_UNKNOWN; i++)
        if (str_eq_nocase(name, str_from(names[i])))
            return (enum encoding)i;
    return ENCODING_UNKNOWN;
}

/* Characters beyond ASCII become '?', one a UTF-16 unit pair or character. */
static struct str ascii_bytes(struct arena *a, struct str text)
{
    char *out = arena_alloc(a, text.len);
    uint32_t n = 0;
    for (uint32_t at = 0; out && at < text.len; n++) {
        uint32_t c = text_next(text, &at);
        out[n] = (char)(c < 0x80 ? c : '?');
    }
    return str_make(out, n);
}

/* What is not well-formed becomes U+FFFD. */
static struct str repaired_text(struct arena *a, struct str bytes, bool ascii)
{
    struct buf out;
    if (ascii ? text_is_ascii(bytes) : str_is_utf8(bytes))
        return bytes.len ? bytes : STR("");
    buf_init(&out, 0);
    for (uint32_t at = 0; at < bytes.len;) {
        if (ascii) {
            unsigned char c = (unsigned char)bytes.p[at++];
            text_put_code_point(&out, c < 0x80 ? c : 0xFFFD);
        } else {
            text_put_code_point(&out, text_next(bytes, &at));
        }
    }
    return text_take(a, &out);
}

static bool unknown_encoding(struct call *c, const char *what, struct str name)
{
    return call_error(
        c, "Unknown %sencoding type '" STR_FMT "'. Supported formats are 'hex', 'utf8', 'ascii', and 'base64'.", what,
        STR_ARG(name));
}

static bool decoded(struct call *c, struct str bytes, struct str text, struct value *result)
{
    *result = (struct value){.kind = KIND_BYTES, .str = bytes};
    if (bytes.p)
        return true;
    return c->arena->failed ? return_nomem(c) : call_error(c, "Malformed text: " STR_FMT, STR_ARG(text));
}

static bool to_bytes(struct call *c, const struct value *args, struct value *result)
{
    struct str s = args[0].str;
    switch (encoding_named(args[1].str)) {
    case ENCODING_HEX:
        return decoded(c, hex_decode(c->arena, s), s, result);
    case ENCODING_UTF8:
        return decoded(c, s.len ? s : STR(""), s, result);
    case ENCODING_ASCII:
        return decoded(c, ascii_bytes(c->arena, s), s, result);
    case ENCODING_BASE64:
        return decoded(c, base64_decode(c->arena, s), s, result);
    default:
        return unknown_encoding(c, "", args[1].str);
    }
}

static bool encoded(struct call *c, struct str bytes, enum encoding encoding, bool upper, struct value *result)
{
    switch (encoding) {
    case ENCODING_HEX:
        return return_text(c, hex_encode(c->arena, bytes, upper), result);
    case ENCODING_UTF8:
    case ENCODING_ASCII:
        return return_text(c, repaired_text(c->arena, bytes, encoding == ENCODING_ASCII), result);
    default:
        return return_text(c, base64_encode(c->arena, bytes), result);
    }
}

static bool from_bytes(struct call *c, const struct value *args, struct value *result)
{
    enum encoding to = encoding_named(args[1].str);
    return to == ENCODING_UNKNOWN ? unknown_encoding(c, "", args[1].str) : encoded(c, args[0].str, to, true, result);
}

/* ---- ENCODE
 * ------------------------------------------------------------------------------------------------------------- */

/* Plain digits, 0x.. (an odd number is completed in front), or X'..'. */
static struct str encode_hex_decode(struct call *c, struct str s)
{
    if (s.len >= 2 && s.p[0] == '0' && s.p[1] == 'x') {
        s = str_make(s.p + 2, s.len - 2);
        if (s.len % 2 == 1) {
            char *even = arena_alloc(c->arena, (size_t)s.len + 1);
            if (!even)
                return (struct str){NULL, 0};
            even[0] = '0';
            memcpy(even + 1, s.p, s.len);
            s = str_make(even, (size_t)s.len + 1);
        }
    } else if (s.len >= 3 && (s.p[0] | 32) == 'x' && s.p[1] == '\'' && s.p[s.len - 1] == '\'') {
        s = str_make(s.p + 2, s.len - 3);
    }
    return hex_decode(c->arena, s);
}

static bool encode(struct call *c, const struct value *args, struct value *result)
{
    enum encoding from = encoding_named(args[1].str), to = encoding_named(args[2].str);
    struct str s = args[0].str, bytes = s.len ? s : STR("");
    if (from == ENCODING_UNKNOWN || to == ENCODING_UNKNOWN || from == to)
        return from == to && from != ENCODING_UNKNOWN
                   ? return_text(c, bytes, result)
                   : unknown_encoding(c, from == ENCODING_UNKNOWN ? "input " : "output ",
                                      from == ENCODING_UNKNOWN ? args[1].str : args[2].str);
    if (from == ENCODING_HEX)
        bytes = encode_hex_decode(c, s);
    else if (from == ENCODING_ASCII)
        bytes = ascii_bytes(c->arena, s);
    else if (from == ENCODING_BASE64)
        bytes = base64_decode_lenient(c->arena, s);
    return decoded(c, bytes, s, result) && encoded(c, bytes, to, false, result);
}

/* ---- numbers
 * ---------------------------------------------------------------------------------------------------------------- */

static bool read_number(struct call *c, const struct value *args, uint32_t size, uint64_t *out)
{
    struct str bytes = args[0].str;
    bool little = false;
    if (c->n_args == 2) {
        little = str_eq_nocase(args[1].str, STR("LITTLE_ENDIAN"));
        if (!little && !str_eq_nocase(args[1].str, STR("BIG_ENDIAN")))
            return call_error(c, "Byte order must be BIG_ENDIAN or LITTLE_ENDIAN");
    }
    if (bytes.len != size)
        return call_error(c, "Number of bytes must be equal to %u, but found %u", size, bytes.len);
    *out = 0;
    for (uint32_t i = 0; i < size; i++)
        *out = *out << 8 | (unsigned char)bytes.p[little ? size - 1 - i : i];
    return true;
}

static bool int_from_bytes(struct call *c, const struct value *args, struct value *result)
{
    uint64_t bits;
    if (!read_number(c, args, 4, &bits))
        return false;
    *result = value_int((int32_t)(uint32_t)bits);
    return true;
}

static bool bigint_from_bytes(struct call *c, const struct value *args, struct value *result)
{
    uint64_t bits;
    if (!read_number(c, args, 8, &bits))
        return false;
    *result = value_bigint((int64_t)bits);
    return true;
}

static bool double_from_bytes(struct call *c, const struct value *args, struct value *result)
{
    uint64_t bits;
    if (!read_number(c, args, 8, &bits))
        return false;
    *result = value_double(0);
    memcpy(&result->f64, &bits, sizeof bits);
    return true;
}

#define NUMBER_VARIANTS(type, fn)                                                                                      \
    VARIANTS(CALL_NOT_NULL("(BYTES value) -> " type, fn), CALL_NOT_NULL("(BYTES value, STRING byteOrder) -> " type, fn))

static const struct function table[] = {
    {.name = "TO_BYTES",
     .declared_name = "to_bytes",
     .category = "STRING",
     .description = "A text in an encoding (hex, utf8, ascii, base64) to bytes",
     VARIANTS(CALL_NOT_NULL("(STRING value, STRING encoding) -> BYTES", to_bytes))},
    {.name = "FROM_BYTES",
     .declared_name = "from_bytes",
     .category = "STRING",
     .description = "Bytes to a text in an encoding (hex, utf8, ascii, base64)",
     VARIANTS(CALL_NOT_NULL("(BYTES value, STRING encoding) -> STRING", from_bytes))},
    {.name = "ENCODE",
     .declared_name = "encode",
     .category = "STRING",
     .description = "A text from one encoding (hex, utf8, ascii, base64) to another",
     VARIANTS(CALL_NOT_NULL("(STRING str, STRING inputEncoding, STRING outputEncoding) -> STRING", encode))},
    {.name = "INT_FROM_BYTES",
     .declared_name = "int_from_bytes",
     .category = "CONVERSIONS",
     .description = "Four bytes to an INT",
     NUMBER_VARIANTS("INT", int_from_bytes)},
    {.name = "BIGINT_FROM_BYTES",
     .declared_name = "bigint_from_bytes",
     .category = "CONVERSIONS",
     .description = "Eight bytes to a BIGINT",
     NUMBER_VARIANTS("BIGINT", bigint_from_bytes)},
    {.name = "DOUBLE_FROM_BYTES",
     .declared_name = "double_from_bytes",
     .category = "CONVERSIONS",
     .description = "Eight bytes to a DOUBLE",
     NUMBER_VARIANTS("DOUBLE", double_from_bytes)},
};

const struct function_family functions_bytes = FAMILY(table);
