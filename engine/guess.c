/* Which formats bytes could be. Nothing here needs a schema, so Avro and Protobuf are told by the marker that registry
 * clients write: a zero byte and a schema id. A windowed key is text with one or two plausible times behind it. */
#include "engine/guess.h"

enum format {
    G_SESSION,
    G_HOPPING,
    G_TUMBLING, /* of a text key */
    G_SCHEMA,   /* Avro, Protobuf or JSON_SR, in a registry's frame */
    G_JSON,
    G_INT,
    G_BIGINT,
    G_DOUBLE,
    G_STRING,
    G_BYTES,
    N_FORMATS,
};
static const char *const NAMES[N_FORMATS] = {
    "SESSION(KAFKA_STRING)",
    "HOPPING(KAFKA_STRING)",
    "TUMBLING(KAFKA_STRING)",
    "AVRO or PROTOBUF or JSON_SR",
    "JSON",
    "KAFKA_INT",
    "KAFKA_BIGINT",
    "KAFKA_DOUBLE",
    "KAFKA_STRING",
    "UNRECOGNIZED_BYTES",
};
#define BIT(f) (1u << (f))
#define MAX_PLAUSIBLE_MS INT64_C(4102444800000) /* 2100-01-01 */
enum { FRAME_BYTES = 5, TIME_BYTES = 8, MAX_JSON_DEPTH = 1000 };

static int64_t be64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return (int64_t)__builtin_bswap64(v);
}

static int32_t be32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return (int32_t)__builtin_bswap32(v);
}

/* Text that one would print: UTF-8, no control characters but white space. */
static bool is_text(struct str s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return false;
    }
    return str_is_utf8(s);
}

/* ---- JSON: well-formed by its brackets, texts and words; numbers are not looked into
 * --------------------------------- */

static uint32_t skip_blanks(struct str s, uint32_t at)
{
    while (at < s.len && (s.p[at] == ' ' || s.p[at] == '\t' || s.p[at] == '\n' || s.p[at] == '\r'))
        at++;
    return at;
}

/* Behind the text that begins at `at`; 0: it does not end. */
static uint32_t skip_text(struct str s, uint32_t at)
{
    for (at++; at < s.len && s.p[at] != '"'; at++)
        at += s.p[at] == '\\';
    return at < s.len ? at + 1 : 0;
}

static uint32_t skip_word(struct str s, uint32_t at)
{
    static const char *const words[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++)
        if (str_starts(str_make(s.p + at, s.len - at), str_from(words[i])))
            return at + (uint32_t)strlen(words[i]);
    uint32_t end = at;
    while (end < s.len && strchr("+-.0123456789eE", s.p[end]) && s.p[end])
        end++;
    return end > at && s.p[at] != '+' && s.p[at] != '.' && (s.p[at] | 0x20) != 'e' ? end : 0;
}

/* Brackets that are open are a stack of bits: 1 for objects. */
static bool is_json(struct str s)
{
    uint8_t stack[MAX_JSON_DEPTH / 8 + 1] = {0};
    uint32_t depth = 0, at = skip_blanks(s, 0);
    bool value_wanted = true, may_close = false;
    while (at < s.len) {
        bool in_object = depth && (stack[depth / 8] >> depth % 8 & 1);
        char c = s.p[at];
        if (depth && (c == '}' || c == ']') && (!value_wanted || may_close) && (c == '}') == in_object) {
            depth--;
            at++;
            value_wanted = may_close = false;
        } else if (!value_wanted) {
            if (!depth || c != ',')
                return false;
            at++;
            value_wanted = true;
        } else {
            may_close = false;
            if (in_object) { /* a name first */
                at = c == '"' ? skip_text(s, at) : 0;
                at = at ? skip_blanks(s, at) : 0;
                if (!at || at >= s.len || s.p[at] != ':')
                    return false;
                at = skip_blanks(s, at + 1);
                if (at >= s.len)
                    return false;
                c = s.p[at];
            }
            if (c == '{' || c == '[') {
                if (++depth >= MAX_JSON_DEPTH)
                    return false;
                stack[depth / 8] = (uint8_t)((stack[depth / 8] & ~(1 << depth % 8)) | (c == '{') << depth % 8);
                at++;
                may_close = true;
            } else {
                at = c == '"' ? skip_text(s, at) : skip_word(s, at);
                if (!at)
                    return false;
                value_wanted = false;
            }
        }
        at = skip_blanks(s, at);
    }
    return depth == 0 && !value_wanted && s.len > 0;
}

/* ---- the set
 * --------------------------------------------------------------------------------------------------------- */

static bool is_time(const char *p)
{
    int64_t ms = be64(p);
    return ms >= 0 && ms <= MAX_PLAUSIBLE_MS;
}

static bool is_windowed(struct str s, uint32_t n_times)
{
    uint32_t suffix = n_times * TIME_BYTES;
    if (s.len <= suffix || !is_text(str_make(s.p, s.len - suffix)) || is_text(s))
        return false;
    const char *times = s.p + s.len - suffix;
    if (n_times == 1)
        return is_time(times);
    return is_time(times) && is_time(times + TIME_BYTES) &&
           be64(times) >= be64(times + TIME_BYTES); /* the end is first */
}

static uint32_t formats_of(struct str s, bool is_key)
{
    uint32_t set = BIT(G_BYTES);
    if (is_key && is_windowed(s, 2))
        set |= BIT(G_SESSION);
    if (is_key && is_windowed(s, 1))
        set |= BIT(G_HOPPING) | BIT(G_TUMBLING);
    if (s.len > FRAME_BYTES && s.p[0] == 0)
        set |= BIT(G_SCHEMA);
    if (is_json(s) && str_is_utf8(s))
        set |= BIT(G_JSON);
    if (s.len == 4)
        set |= BIT(G_INT);
    if (s.len == 8)
        set |= BIT(G_BIGINT) | BIT(G_DOUBLE);
    if (is_text(s))
        set |= BIT(G_STRING);
    return set;
}

void guess_init(struct guess *g, bool is_key)
{
    *g = (struct guess){.possible = BIT(N_FORMATS) - 1, .is_key = is_key};
}

bool guess_narrow(struct guess *g, struct str bytes)
{
    if (!bytes.p)
        return false;
    uint32_t before = g->possible;
    bool first = !g->seen;
    g->possible &= formats_of(bytes, g->is_key);
    g->seen = true;
    return first || g->possible != before;
}

static int best(const struct guess *g)
{
    int f = 0;
    while (f < G_BYTES && !(g->possible & BIT(f)))
        f++;
    return f;
}

bool guess_is_framed(const struct guess *g)
{
    return g->seen && best(g) == G_SCHEMA;
}

void guess_print_formats(const struct guess *g, struct buf *out)
{
    bool any = false;
    if (!g->seen) {
        buf_puts(out, STR("\xC2\xAF\\_(\xE3\x83\x84)_/\xC2\xAF - no data processed"));
        return;
    }
    for (int f = 0; f < N_FORMATS; f++) {
        if (!(g->possible & BIT(f)) || (f == G_BYTES && any))
            continue;
        buf_printf(out, "%s%s", any ? " or " : "", f == G_SCHEMA && g->schema_format ? g->schema_format : NAMES[f]);
        any = true;
    }
}

/* ---- showing
 * --------------------------------------------------------------------------------------------------------- */

static void put_bytes(struct str s, struct buf *out)
{
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c < 0x7f && c != '\\')
            buf_putc(out, (char)c);
        else
            buf_printf(out, "\\x%02X", c);
    }
}

static void put_windowed(struct str s, bool session, struct buf *out)
{
    uint32_t suffix = session ? 2 * TIME_BYTES : TIME_BYTES;
    const char *times = s.p + s.len - suffix;
    buf_putc(out, '[');
    buf_put(out, s.p, s.len - suffix);
    buf_printf(out, "@%lld/", (long long)be64(session ? times + TIME_BYTES : times));
    if (session)
        buf_printf(out, "%lld]", (long long)be64(times));
    else
        buf_puts(out, STR("-]")); /* the size of the window is not known */
}

void guess_print(const struct guess *g, struct str s, struct buf *out)
{
    if (!s.p) {
        buf_puts(out, STR("<null>"));
        return;
    }
    switch (best(g)) {
    case G_SESSION:
        put_windowed(s, true, out);
        break;
    case G_HOPPING:
    case G_TUMBLING:
        put_windowed(s, false, out);
        break;
    case G_INT:
        buf_printf(out, "%d", (int)be32(s.p));
        break;
    case G_BIGINT:
        buf_put_i64(out, be64(s.p));
        break;
    case G_DOUBLE: {
        int64_t bits = be64(s.p);
        double v;
        memcpy(&v, &bits, sizeof v);
        print_double(out, v);
        break;
    }
    case G_JSON:
    case G_STRING:
        buf_puts(out, s);
        break;
    default:
        put_bytes(s, out);
        break;
    }
}
