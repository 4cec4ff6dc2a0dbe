/* Dates in the manner of SimpleDateFormat. The pattern is read along with the text. */
#include "functions/simple_date.h"
#include "functions/datetime_format_int.h"

#include <ctype.h>
#include <stdio.h>

struct parser {
    struct str pattern, text;
    uint32_t at, text_at;
    int64_t now_ms;
    int64_t year, month, day, year_day; /* month from 0 */
    int64_t hour, half, minute, second, ms;
    bool by_year_day, by_half, before_christ;
    int64_t offset_ms;
    char *error;
    size_t error_size;
};

static bool fail(struct parser *p, const char *format, ...) PRINTF_LIKE(2, 3);
static bool fail(struct parser *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->error, p->error_size, format, args);
    va_end(args);
    return false;
}

static bool unparseable(struct parser *p)
{
    return fail(p, "Unparseable date: " STR_FMT, STR_ARG(p->text));
}

/* ---- pattern
 * ----------------------------------------------------------------------------------------------------------------- */

static uint32_t run_length(const struct parser *p, uint32_t at)
{
    uint32_t n = 0;
    while (at + n < p->pattern.len && p->pattern.p[at + n] == p->pattern.p[at])
        n++;
    return n;
}

static bool is_number(char letter, uint32_t count)
{
    return strchr("DFHKSWdhkmsuwyY", letter) || ((letter == 'M' || letter == 'L') && count < 3);
}

/* A number that another one follows takes only as many digits as it has letters; 0: any. */
static uint32_t most_digits(const struct parser *p, uint32_t count)
{
    uint32_t next = p->at;
    if (next >= p->pattern.len || !isalpha((unsigned char)p->pattern.p[next]))
        return 0;
    return is_number(p->pattern.p[next], run_length(p, next)) ? count : 0;
}

/* ---- text
 * ---------------------------------------------------------------------------------------------------------------------
 */

static char next_char(const struct parser *p)
{
    return p->text_at < p->text.len ? p->text.p[p->text_at] : '\0';
}

static bool literal(struct parser *p, char c)
{
    if (next_char(p) != c || p->text_at == p->text.len)
        return unparseable(p);
    p->text_at++;
    return true;
}

static bool number(struct parser *p, uint32_t count, int64_t *out)
{
    uint32_t most = most_digits(p, count), n = 0;
    if (most == 0)
        while (isspace((unsigned char)next_char(p)))
            p->text_at++;
    *out = 0;
    while (isdigit((unsigned char)next_char(p)) && (most == 0 || n < most)) {
        *out = *out * 10 + (next_char(p) - '0');
        if (*out > INT32_MAX)
            return unparseable(p);
        p->text_at++;
        n++;
    }
    return n > 0 || unparseable(p);
}

/* The longest of the names, full or cut to three letters; its index. */
static bool name(struct parser *p, const char *const *names, int n, int64_t *out)
{
    struct str rest = str_make(p->text.p + p->text_at, p->text.len - p->text_at);
    size_t best = 0;
    for (int i = 0; i < n; i++) {
        size_t full = strlen(names[i]), lengths[2] = {full, full < 3 ? full : 3};
        for (int k = 0; k < 2; k++) {
            if (lengths[k] > best && lengths[k] <= rest.len &&
                str_eq_nocase(str_make(names[i], lengths[k]), str_make(rest.p, lengths[k]))) {
                best = lengths[k];
                *out = i;
            }
        }
    }
    p->text_at += (uint32_t)best;
    return best > 0 || unparseable(p);
}

static bool offset(struct parser *p)
{
    struct str rest = str_make(p->text.p + p->text_at, p->text.len - p->text_at);
    uint32_t len = 0;
    while (len < rest.len && (isalnum((unsigned char)rest.p[len]) || strchr("+-:/_", rest.p[len])))
        len++;
    for (; len > 0; len--) {
        struct zone *z = zone_open(str_make(rest.p, len));
        if (!z && len == 3)
            z = str_eq_nocase(str_make(rest.p, 3), STR("PST"))   ? zone_open(STR("America/Los_Angeles"))
                : str_eq_nocase(str_make(rest.p, 3), STR("EST")) ? zone_open(STR("America/New_York"))
                                                                 : NULL;
        if (!z)
            continue;
        p->offset_ms = zone_offset_ms(z, p->now_ms);
        zone_close(z);
        p->text_at += len;
        return true;
    }
    return unparseable(p);
}

/* ---- fields
 * ----------------------------------------------------------------------------------------------------------------------
 */

/* From 80 years ago to 20 years ahead. A clock of an earlier year is not the true one (tests stop it). */
static int64_t two_digit_year(const struct parser *p, int64_t year)
{
    enum { EARLIEST = 2025 };
    int64_t rest, now = date_from_days(date_split_ms(p->now_ms, &rest)).year;
    int64_t start = (now > EARLIEST ? now : EARLIEST) - 80;
    int64_t century = start / 100 * 100;
    return year >= start - century ? century + year : century + 100 + year;
}

static bool field(struct parser *p, char letter, uint32_t count)
{
    static const char *const halves[] = {"AM", "PM"}, *const eras[] = {"BC", "AD"};
    int64_t v = 0;
    if (is_number(letter, count) && !number(p, count, &v))
        return false;
    switch (letter) {
    case 'y':
    case 'Y':
        p->year = count > 2 || v >= 100 ? v : two_digit_year(p, v);
        return true;
    case 'M':
    case 'L':
        if (count >= 3 ? !name(p, dt_months, 12, &v) : (v--, false))
            return false;
        p->month = v;
        p->by_year_day = false;
        return true;
    case 'd':
        p->day = v;
        p->by_year_day = false;
        return true;
    case 'D':
        p->year_day = v;
        p->by_year_day = true;
        return true;
    case 'H':
    case 'k':
        p->hour = letter == 'k' && v == 24 ? 0 : v;
        p->by_half = false;
        return true;
    case 'h':
    case 'K':
        p->hour = letter == 'h' && v == 12 ? 0 : v;
        p->by_half = true;
        return true;
    case 'a':
        return name(p, halves, 2, &p->half);
    case 'm':
        p->minute = v;
        return true;
    case 's':
        p->second = v;
        return true;
    case 'S':
        p->ms = v;
        return true;
    case 'E':
        return name(p, dt_days, 7, &v);
    case 'G':
        if (!name(p, eras, 2, &v))
            return false;
        p->before_christ = v == 0;
        return true;
    case 'F':
    case 'W':
    case 'u':
    case 'w':
        return true;
    case 'X':
    case 'Z':
    case 'z':
        return offset(p);
    default:
        return fail(p, "Illegal pattern component: %.*s", (int)count, p->pattern.p + p->at - count);
    }
}

static bool quoted(struct parser *p)
{
    p->at++;
    if (p->at < p->pattern.len && p->pattern.p[p->at] == '\'') {
        p->at++;
        return literal(p, '\'');
    }
    for (; p->at < p->pattern.len; p->at++) {
        if (p->pattern.p[p->at] == '\'' && !(p->at + 1 < p->pattern.len && p->pattern.p[p->at + 1] == '\'')) {
            p->at++;
            return true;
        }
        p->at += p->pattern.p[p->at] == '\'';
        if (!literal(p, p->pattern.p[p->at]))
            return false;
    }
    return fail(p, "Unterminated quote");
}

static int64_t result(const struct parser *p)
{
    int64_t year = p->before_christ ? 1 - p->year : p->year;
    int64_t days;
    if (p->by_year_day) {
        days = date_to_days(year, 1, 1) + p->year_day - 1;
    } else {
        int64_t month = p->month < 0 ? p->month - 11 : p->month; /* rounds down */
        days = date_to_days(year + month / 12, (int)(p->month - month / 12 * 12) + 1, 1) + p->day - 1;
    }
    int64_t hour = p->by_half ? p->hour + 12 * p->half : p->hour;
    return days * MS_PER_DAY + ((hour * 60 + p->minute) * 60 + p->second) * 1000 + p->ms - p->offset_ms;
}

bool simple_date_parse(struct str pattern, struct str text, int64_t now_ms, int64_t *ms, char *error, size_t error_size)
{
    struct parser p = {.pattern = pattern,
                       .text = text,
                       .now_ms = now_ms,
                       .year = 1970,
                       .day = 1,
                       .error = error,
                       .error_size = error_size};
    while (p.at < pattern.len) {
        char c = pattern.p[p.at];
        if (isalpha((unsigned char)c)) {
            uint32_t count = run_length(&p, p.at);
            p.at += count;
            if (!field(&p, c, count))
                return false;
        } else if (c == '\'' ? !quoted(&p) : (p.at++, !literal(&p, c))) {
            return false;
        }
    }
    *ms = result(&p);
    return true;
}
