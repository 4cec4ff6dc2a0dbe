/* URL functions. The syntax is that of java.net.URI: RFC 2396 with IPv6 hosts, and characters beyond ASCII. */
#include "functions/functions_int.h"
#include "functions/text.h"

#include <ctype.h>

/* Parts point into the text; p NULL: absent. */
struct url {
    struct str scheme, path, query, fragment, host;
    int32_t port; /* -1: absent */
};

/* ---- syntax
 * -------------------------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_escape(struct str s, uint32_t at)
{
    return at + 2 < s.len && hex_digit(s.p[at + 1]) >= 0 && hex_digit(s.p[at + 2]) >= 0;
}

/* Only letters, digits, `marks`, %XX and what lies beyond ASCII. */
static bool has_only(struct str s, const char *marks)
{
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '%' ? !is_escape(s, i) : c < 0x80 && !isalnum(c) && (c == '\0' || !strchr(marks, c)))
            return false;
    }
    return true;
}

static const char any_marks[] = "-_.!~*'();/?:@&=+$,[]";
static const char path_marks[] = "-_.!~*'():@&=+$,;/";

static int64_t find_any(struct str s, const char *set)
{
    for (uint32_t i = 0; i < s.len; i++)
        if (s.p[i] && strchr(set, s.p[i]))
            return i;
    return -1;
}

static struct str rest(struct str s, int64_t from)
{
    return str_make(s.p + from, s.len - (size_t)from);
}

/* Labels of letters, digits and hyphens; the last starts with a letter; or four numbers. */
static bool is_host(struct str s)
{
    uint32_t start = 0, numbers = 0, labels = 0;
    bool last_alpha = false;
    if (s.len > 1 && s.p[s.len - 1] == '.')
        s.len--;
    for (uint32_t i = 0; i <= s.len; i++) {
        if (i < s.len && s.p[i] != '.') {
            if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '-')
                return false;
            continue;
        }
        if (i == start || s.p[start] == '-' || s.p[i - 1] == '-')
            return false;
        int32_t value = 0;
        bool digits = i - start <= 3;
        for (uint32_t k = start; k < i; k++) {
            digits = digits && isdigit((unsigned char)s.p[k]);
            value = value < 1000 ? value * 10 + (s.p[k] - '0') : value;
        }
        numbers += digits && value <= 255;
        labels++;
        last_alpha = isalpha((unsigned char)s.p[start]);
        start = i + 1;
    }
    return last_alpha || (numbers == 4 && labels == 4);
}

static bool is_ipv6(struct str s)
{
    if (s.len < 4 || s.p[0] != '[' || s.p[s.len - 1] != ']')
        return false;
    for (uint32_t i = 1; i + 1 < s.len; i++)
        if (hex_digit(s.p[i]) < 0 && s.p[i] != ':' && s.p[i] != '.' && s.p[i] != '%')
            return false;
    return true;
}

/* [user@]host[:port]. An authority that is none of that is allowed, and has no host. */
static void read_authority(struct str s, struct url *out)
{
    int64_t at = find_any(s, "@");
    struct str host = at >= 0 ? rest(s, at + 1) : s, port = {NULL, 0};
    int64_t bracket = host.len && host.p[0] == '[' ? find_any(host, "]") : -1;
    int64_t colon =
        bracket >= 0 ? (bracket + 1 < host.len && host.p[bracket + 1] == ':' ? bracket + 1 : -1) : find_any(host, ":");
    if (colon >= 0) {
        port = rest(host, colon + 1);
        host.len = (uint32_t)colon;
    }
    int64_t number = -1;
    if (port.len &&
        (!parse_i64(port, &number) || number < 0 || number > INT32_MAX || !isdigit((unsigned char)port.p[0])))
        return;
    if (!is_host(host) && !is_ipv6(host))
        return;
    out->host = host;
    out->port = (int32_t)number;
}

static bool read_hierarchy(struct str s, struct url *out)
{
    int64_t at = find_any(s, "?");
    if (at >= 0) {
        out->query = rest(s, at + 1);
        s.len = (uint32_t)at;
        if (!has_only(out->query, any_marks))
            return false;
    }
    if (s.len >= 2 && s.p[0] == '/' && s.p[1] == '/') {
        s = rest(s, 2);
        at = find_any(s, "/");
        struct str authority = str_make(s.p, at >= 0 ? (size_t)at : s.len);
        if (!has_only(authority, "-_.!~*'();:@&=+$,[]"))
            return false;
        read_authority(authority, out);
        s = rest(s, authority.len);
        if (authority.len == 0 && s.len == 0 && !out->query.p && !out->fragment.p)
            return false;
    }
    out->path = s;
    return has_only(s, path_marks);
}

static bool is_scheme(struct str s)
{
    for (uint32_t i = 0; i < s.len; i++)
        if (!isalpha((unsigned char)s.p[i]) && (i == 0 || (!isdigit((unsigned char)s.p[i]) && !strchr("+-.", s.p[i]))))
            return false;
    return s.len > 0;
}

static bool url_parse(struct str s, struct url *out)
{
    *out = (struct url){.port = -1};
    int64_t at = find_any(s, "#");
    if (at >= 0) {
        out->fragment = rest(s, at + 1);
        s.len = (uint32_t)at;
        if (!has_only(out->fragment, any_marks))
            return false;
    }
    at = find_any(s, ":/?");
    if (at < 0 || s.p[at] != ':')
        return read_hierarchy(s, out);
    out->scheme = str_make(s.p, (size_t)at);
    s = rest(s, at + 1);
    if (!is_scheme(out->scheme) || s.len == 0)
        return false;
    return s.p[0] == '/' ? read_hierarchy(s, out) : has_only(s, any_marks);
}

/* ---- functions
 * ------------------------------------------------------------------------------------------------------------------ */

static bool parse(struct call *c, struct str text, struct url *out)
{
    return url_parse(text.p ? text : STR(""), out) ||
           call_error(c, "URL input has invalid syntax: " STR_FMT, STR_ARG(text));
}

/* %XX to bytes, which must be UTF-8: other sequences become U+FFFD. */
static struct str decode(struct arena *a, struct str s, bool plus)
{
    struct buf bytes, out;
    buf_init(&bytes, 0);
    buf_init(&out, 0);
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] == '%' && is_escape(s, i)) {
            buf_putc(&bytes, (char)(hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2])));
            i += 2;
        } else {
            buf_putc(&bytes, s.p[i] == '+' && plus ? ' ' : s.p[i]);
        }
    }
    struct str raw = buf_str(&bytes);
    for (uint32_t at = 0; at < raw.len;)
        text_put_code_point(&out, text_next(raw, &at));
    out.failed = out.failed || bytes.failed;
    buf_free(&bytes);
    return text_take(a, &out);
}

static bool return_part(struct call *c, struct str part, bool encoded, struct value *result)
{
    *result = VALUE_NULL;
    if (!part.p)
        return true;
    return return_text(c, encoded ? decode(c->arena, part, false) : part, result);
}

#define EXTRACT(name, part, encoded)                                                                                   \
    static bool name(struct call *c, const struct value *args, struct value *result)                                   \
    {                                                                                                                  \
        struct url u;                                                                                                  \
        return parse(c, args[0].str, &u) && return_part(c, u.part, encoded, result);                                   \
    }
EXTRACT(extract_fragment, fragment, true)
EXTRACT(extract_host, host, false)
EXTRACT(extract_path, path, true)
EXTRACT(extract_protocol, scheme, false)
EXTRACT(extract_query, query, true)

static bool extract_port(struct call *c, const struct value *args, struct value *result)
{
    struct url u;
    if (!parse(c, args[0].str, &u))
        return false;
    *result = u.port < 0 ? VALUE_NULL : value_int(u.port);
    return true;
}

static bool extract_parameter(struct call *c, const struct value *args, struct value *result)
{
    struct url u;
    struct str name = args[1].str;
    *result = VALUE_NULL;
    if (!parse(c, args[0].str, &u))
        return false;
    struct str query = u.query.p ? decode(c->arena, u.query, false) : STR("");
    if (!query.p)
        return return_nomem(c);
    for (;;) {
        int64_t end = find_any(query, "&");
        struct str item = str_make(query.p, end < 0 ? query.len : (size_t)end);
        int64_t at = find_any(item, "=");
        if (item.len && str_eq(name, str_make(item.p, at < 0 ? item.len : (size_t)at)))
            return return_text(c, at < 0 ? STR("") : rest(item, at + 1), result);
        if (end < 0)
            return true;
        query = rest(query, end + 1);
    }
}

static bool encode_param(struct call *c, const struct value *args, struct value *result)
{
    struct str s = args[0].str;
    struct buf out;
    buf_init(&out, 0);
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        if (ch == ' ')
            buf_putc(&out, '+');
        else if (ch < 0x80 && (isalnum(ch) || (ch && strchr("-_.*", ch))))
            buf_putc(&out, (char)ch);
        else
            buf_printf(&out, "%%%02X", ch);
    }
    return return_buf(c, &out, result);
}

static bool decode_param(struct call *c, const struct value *args, struct value *result)
{
    struct str s = args[0].str;
    for (uint32_t i = 0; i < s.len; i++)
        if (s.p[i] == '%' && !is_escape(s, i))
            return call_error(c, "url_decode udf encountered an encoding exception while decoding: " STR_FMT,
                              STR_ARG(s));
    return return_text(c, decode(c->arena, s, true), result);
}

#define URL(upper, lower, text, signature, fn)                                                                         \
    {                                                                                                                  \
        .name = (upper), .declared_name = (lower), .category = "URL", .description = (text),                           \
        VARIANTS(CALL_NOT_NULL(signature, fn))                                                                         \
    }

static const struct function table[] = {
    URL("URL_DECODE_PARAM", "url_decode_param", "Undoes the encoding of a URL parameter", "(STRING input) -> STRING",
        decode_param),
    URL("URL_ENCODE_PARAM", "url_encode_param", "Encodes a text as a URL parameter", "(STRING input) -> STRING",
        encode_param),
    URL("URL_EXTRACT_FRAGMENT", "url_extract_fragment", "What is behind the # of a URL", "(STRING input) -> STRING",
        extract_fragment),
    URL("URL_EXTRACT_HOST", "url_extract_host", "The host of a URL", "(STRING input) -> STRING", extract_host),
    URL("URL_EXTRACT_PARAMETER", "url_extract_parameter", "A parameter of a URL",
        "(STRING input, STRING paramToFind) -> STRING", extract_parameter),
    URL("URL_EXTRACT_PATH", "url_extract_path", "The path of a URL", "(STRING input) -> STRING", extract_path),
    URL("URL_EXTRACT_PORT", "url_extract_port", "The port of a URL", "(STRING input) -> INT", extract_port),
    URL("URL_EXTRACT_PROTOCOL", "url_extract_protocol", "The scheme of a URL", "(STRING input) -> STRING",
        extract_protocol),
    URL("URL_EXTRACT_QUERY", "url_extract_query", "The query of a URL", "(STRING input) -> STRING", extract_query),
};

const struct function_family functions_url = FAMILY(table);
