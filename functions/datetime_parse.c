/* Texts to fields, by the items of a pattern. An item that does not fit ends it all, unless it is in an optional part:
 * then that part is left out. Letters match in any case. */
#include "functions/datetime_format_int.h"

#include <ctype.h>
#include <stdio.h>

struct scanner {
    const struct datetime_pattern *p;
    struct str in;
    uint32_t at;
    uint32_t error_at; /* where the item that failed began */
    struct dt_parsed *out;
};

static bool miss(struct scanner *s, uint32_t at)
{
    s->error_at = at;
    return false;
}

/* A second, different value of a field does not fit. */
static bool set_field(struct scanner *s, enum dt_field f, int64_t value, uint32_t start)
{
    struct dt_parsed *d = s->out;
    if ((d->present >> f & 1) && d->values[f] != value)
        return miss(s, start);
    d->present |= 1u << f;
    d->values[f] = value;
    return true;
}

static bool is_digit(struct str s, uint32_t at)
{
    return at < s.len && s.p[at] >= '0' && s.p[at] <= '9';
}

/* ---- numbers
 * ---------------------------------------------------------------------------------------------------------------- */

static bool scan_sign(struct scanner *s, const struct dt_item *item, bool *negative, bool *positive)
{
    char c = s->at < s->in.len ? s->in.p[s->at] : '\0';
    *negative = c == '-';
    *positive = c == '+';
    if (!*negative && !*positive)
        return true;
    if (item->sign == DT_NOT_NEGATIVE || (item->sign == DT_NORMAL && *positive))
        return miss(s, s->at);
    s->at++;
    return true;
}

/* Digits for this field: as many as there are, less those that belong to the fields behind it. */
static bool scan_digits(struct scanner *s, const struct dt_item *item, int64_t *value, uint32_t *width)
{
    uint32_t from = s->at, most = (uint32_t)item->max + item->subsequent, n = 0;
    while (n < most && is_digit(s->in, from + n))
        n++;
    if (n < item->min)
        return miss(s, from);
    if (item->subsequent)
        n = n > item->subsequent + (uint32_t)item->min ? n - item->subsequent : item->min;
    *value = 0;
    for (uint32_t i = 0; i < n; i++)
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, s->in.p[from + i] - '0', value))
            return miss(s, from);
    *width = n;
    s->at = from + n;
    return true;
}

static bool scan_number(struct scanner *s, const struct dt_item *item)
{
    uint32_t start = s->at, width;
    bool negative, positive;
    int64_t value;
    if (s->at == s->in.len)
        return miss(s, start);
    if (!scan_sign(s, item, &negative, &positive) || !scan_digits(s, item, &value, &width))
        return false;
    if (negative && value == 0)
        return miss(s, start);
    if (item->sign == DT_EXCEEDS_PAD && !negative && (positive ? width <= item->min : width > item->min))
        return miss(s, start);
    if (item->kind == DT_REDUCED_YEAR)
        value += 2000;
    return set_field(s, item->field, negative ? -value : value, start);
}

static bool scan_fraction(struct scanner *s, const struct dt_item *item)
{
    uint32_t start = s->at;
    int64_t nano = 0;
    for (uint32_t i = 0; i < 9; i++) {
        bool asked = i < item->min;
        if (asked && !is_digit(s->in, start + i))
            return miss(s, start);
        nano = nano * 10 + (asked ? s->in.p[start + i] - '0' : 0);
    }
    s->at = start + item->min;
    return set_field(s, DT_NANO, nano, start);
}

/* ---- texts
 * --------------------------------------------------------------------------------------------------------------------
 */

static bool starts_nocase(struct str s, uint32_t at, struct str prefix)
{
    return s.len - at >= prefix.len && str_eq_nocase(str_make(s.p + at, prefix.len), prefix);
}

/* The longest name that fits. */
static bool scan_text(struct scanner *s, const struct dt_item *item)
{
    const struct dt_field_info *info = &dt_fields[item->field];
    uint32_t start = s->at;
    size_t best = 0;
    int64_t value = 0;
    char room[32];
    for (int64_t v = info->min; v <= info->max; v++) {
        const char *name = dt_name(s->p, item->field, item->style, v, room);
        if (name && strlen(name) > best && starts_nocase(s->in, start, str_from(name))) {
            best = strlen(name);
            value = v;
        }
    }
    if (best == 0)
        return miss(s, start);
    s->at += (uint32_t)best;
    return set_field(s, item->field, value, start);
}

static bool scan_literal(struct scanner *s, struct str text)
{
    if (!starts_nocase(s->in, s->at, text))
        return miss(s, s->at);
    s->at += text.len;
    return true;
}

/* ---- zones
 * ----------------------------------------------------------------------------------------------------------------------
 */

static bool two_digits(struct scanner *s, uint32_t at, int32_t most, int32_t *out)
{
    if (!is_digit(s->in, at) || !is_digit(s->in, at + 1))
        return false;
    *out = (s->in.p[at] - '0') * 10 + (s->in.p[at + 1] - '0');
    return *out <= most;
}

static bool set_offset(struct scanner *s, int32_t seconds, uint32_t end)
{
    s->out->has_offset = true;
    s->out->offset_s = seconds;
    s->at = end;
    return true;
}

/* Sign and hours, then minutes (`minutes`: 2 must, 1 may, 0 no) and perhaps seconds. */
static bool scan_hours(struct scanner *s, bool colon, int minutes, bool seconds)
{
    uint32_t at = s->at;
    int32_t h, m = 0, sec = 0;
    char sign = at < s->in.len ? s->in.p[at] : '\0';
    if ((sign != '+' && sign != '-') || !two_digits(s, at + 1, 18, &h))
        return miss(s, at);
    uint32_t end = at + 3, next = end + colon;
    bool more = minutes > 0 && (!colon || (end < s->in.len && s->in.p[end] == ':')) && two_digits(s, next, 59, &m);
    if (more)
        end = next + 2;
    else if (minutes == 2)
        return miss(s, at);
    next = end + colon;
    if (more && seconds && (!colon || (end < s->in.len && s->in.p[end] == ':')) && two_digits(s, next, 59, &sec))
        end = next + 2;
    int32_t total = (h * 60 + m) * 60 + sec;
    if (total > 18 * 3600)
        return miss(s, at);
    return set_offset(s, sign == '-' ? -total : total, end);
}

static bool scan_offset(struct scanner *s, const struct dt_item *item)
{
    unsigned n = item->style;
    bool colon = n == 3 || n == 5;
    const char *zero = item->letter == 'X' || (item->letter == 'Z' && n == 5) ? "Z"
                       : item->letter == 'Z'                                  ? "+0000"
                       : n == 1                                               ? "+00"
                       : colon                                                ? "+00:00"
                                                                              : "+0000";
    if (item->letter == 'Z' && n < 4)
        colon = false;
    if (starts_nocase(s->in, s->at, str_from(zero)))
        return set_offset(s, 0, s->at + (uint32_t)strlen(zero));
    return scan_hours(s, colon, n == 1 && item->letter != 'Z' ? 1 : 2, n == 4 || n == 5);
}

/* GMT, GMT+1, GMT+01:00. */
static bool scan_localized(struct scanner *s, const struct dt_item *item)
{
    uint32_t start = s->at, at;
    int32_t h, m = 0;
    if (!starts_nocase(s->in, s->at, STR("GMT")))
        return miss(s, start);
    at = s->at + 3;
    if (at == s->in.len || (s->in.p[at] != '+' && s->in.p[at] != '-'))
        return set_offset(s, 0, at);
    bool negative = s->in.p[at++] == '-';
    if (item->style == 4) {
        if (!two_digits(s, at, 18, &h) || at + 2 >= s->in.len || s->in.p[at + 2] != ':' ||
            !two_digits(s, at + 3, 59, &m))
            return miss(s, start);
        at += 5;
    } else {
        if (!is_digit(s->in, at))
            return miss(s, start);
        h = s->in.p[at++] - '0';
        if (is_digit(s->in, at))
            h = h * 10 + (s->in.p[at++] - '0');
        if (at < s->in.len && s->in.p[at] == ':' && two_digits(s, at + 1, 59, &m))
            at += 3;
    }
    int32_t total = (h * 60 + m) * 60;
    return total <= 18 * 3600 ? set_offset(s, negative ? -total : total, at) : miss(s, start);
}

static bool is_zone_char(char c)
{
    return isalnum((unsigned char)c) || c == '/' || c == '_' || c == '-' || c == '+' || c == ':';
}

/* The longest text from here on that is a zone. */
static bool scan_zone(struct scanner *s)
{
    uint32_t start = s->at, len = 0;
    int32_t seconds;
    while (start + len < s->in.len && len < sizeof s->out->zone - 1 && is_zone_char(s->in.p[start + len]))
        len++;
    for (; len > 0; len--) {
        struct str id = str_make(s->in.p + start, len);
        if (parse_zone_offset(id, &seconds))
            return set_offset(s, seconds, start + len);
        struct zone *z = zone_open(id);
        if (!z)
            continue;
        zone_close(z);
        memcpy(s->out->zone, id.p, len);
        s->out->zone[len] = '\0';
        s->at = start + len;
        return true;
    }
    return miss(s, start);
}

/* Short names, for the regions that people mean by them. */
static bool scan_zone_name(struct scanner *s)
{
    static const struct {
        const char *name, *region;
    } names[] = {{"PST", "America/Los_Angeles"}, {"PDT", "America/Los_Angeles"}, {"MST", "America/Denver"},
                 {"MDT", "America/Denver"},      {"CST", "America/Chicago"},     {"CDT", "America/Chicago"},
                 {"EST", "America/New_York"},    {"EDT", "America/New_York"},    {"GMT", "Europe/London"},
                 {"BST", "Europe/London"},       {"CET", "Europe/Paris"},        {"CEST", "Europe/Paris"},
                 {"EET", "Europe/Athens"},       {"EEST", "Europe/Athens"},      {"MSK", "Europe/Moscow"},
                 {"IST", "Asia/Kolkata"},        {"JST", "Asia/Tokyo"},          {"KST", "Asia/Seoul"},
                 {"HKT", "Asia/Hong_Kong"},      {"SGT", "Asia/Singapore"},      {"AEST", "Australia/Sydney"},
                 {"AEDT", "Australia/Sydney"},   {"NZST", "Pacific/Auckland"},   {"NZDT", "Pacific/Auckland"}};
    size_t best = 0;
    const char *region = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = strlen(names[i].name);
        uint32_t end = s->at + (uint32_t)len;
        if (len > best && starts_nocase(s->in, s->at, str_from(names[i].name)) &&
            !(end < s->in.len && (isalnum((unsigned char)s->in.p[end]) || strchr("+-/", s->in.p[end])))) {
            best = len;
            region = names[i].region;
        }
    }
    if (!region)
        return scan_zone(s);
    snprintf(s->out->zone, sizeof s->out->zone, "%s", region);
    s->at += (uint32_t)best;
    return true;
}

/* ---- items
 * -----------------------------------------------------------------------------------------------------------------------
 */

static bool scan_item(struct scanner *s, const struct dt_item *item)
{
    uint32_t start = s->at;
    for (uint32_t i = 0; item->pad && i < item->pad && s->at < s->in.len && s->in.p[s->at] == ' '; i++)
        s->at++;
    switch (item->kind) {
    case DT_LITERAL:
        return scan_literal(s, item->text);
    case DT_NUMBER:
    case DT_REDUCED_YEAR:
        return scan_number(s, item);
    case DT_FRACTION:
        return scan_fraction(s, item);
    case DT_TEXT:
        return scan_text(s, item);
    case DT_OFFSET:
        return scan_offset(s, item);
    case DT_LOCALIZED_OFFSET:
        return scan_localized(s, item);
    case DT_ZONE_ID:
        return scan_zone(s);
    case DT_ZONE_NAME:
        return scan_zone_name(s);
    default:
        return miss(s, start);
    }
}

/* Items [from, to). */
static bool scan_items(struct scanner *s, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const struct dt_item *item = &s->p->items[i];
        if (item->kind == DT_OPTIONAL) {
            struct dt_parsed kept = *s->out;
            uint32_t at = s->at;
            if (!scan_items(s, i + 1, item->jump)) {
                *s->out = kept;
                s->at = at;
            }
            i = item->jump;
        } else if (!scan_item(s, item)) {
            return false;
        }
    }
    return true;
}

bool dt_parse(const struct datetime_pattern *p, struct str text, struct dt_parsed *out, char *error, size_t error_size)
{
    struct scanner s = {.p = p, .in = text, .out = out};
    memset(out, 0, sizeof *out);
    bool ok = scan_items(&s, 0, p->n);
    if (ok && s.at == text.len)
        return true;
    int shown = (int)(text.len > 64 ? 64 : text.len);
    snprintf(error, error_size, "Text '%.*s%s' could not be parsed%s at index %u", shown, text.p ? text.p : "",
             text.len > 64 ? "..." : "", ok ? ", unparsed text found" : "", ok ? s.at : s.error_at);
    return false;
}
