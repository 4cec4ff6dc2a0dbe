/* Text to DATE, TIME and TIMESTAMP, as ksqlDB casts it: java.time's strict ISO parsers for the first two, the pattern
 * yyyy-MM-dd'T'HH:mm:ss.SSS, after missing parts have been filled in, for the last. Error texts name the same place and
 * cause as java.time does. */
#include "datetime.h"

#include <stdio.h>

static const char DATE_HELP[] = "Required format is: \"yyyy-MM-dd\", for example '2020-05-26'. "
                                "Partials are also supported, for example '2020-05'";
static const char TIME_HELP[] = "Required format is: \"HH:mm:ss.SSS\", for example '01:34:20.123' or '01:34:20'. "
                                "Partials are also supported, for example '01:34'";
static const char TIMESTAMP_HELP[] =
    "Required format is: \"yyyy-MM-dd'T'HH:mm:ss.SSS\", with an optional numeric 4-digit timezone, for example: "
    "'2020-05-26T23:59:58.000' or with tz: '2020-05-26T23:59:58.000+0200'. A trailing 'Z' instead of tz indicates the "
    "zero UTC offset. Partials are also supported, for example \"2020-05-26\"";

enum {
    SHOWN_MAX = 64, /* java.time shows no more of a text */
    TEXT_MAX = 256  /* longer texts are cut: none of them is right */
};

/* A short text in the making. What does not fit is dropped. */
struct text {
    char p[TEXT_MAX];
    uint32_t len;
};

static void text_put(struct text *t, struct str s)
{
    uint32_t n = s.len < TEXT_MAX - t->len ? s.len : TEXT_MAX - t->len;
    if (n)
        memcpy(t->p + t->len, s.p, n);
    t->len += n;
}

PRINTF_LIKE(2, 3)
static void text_printf(struct text *t, const char *format, ...)
{
    char piece[TEXT_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    if (n > 0)
        text_put(t, str_make(piece, (size_t)n < sizeof piece ? (size_t)n : sizeof piece - 1));
}

/* A scan over a text: stops at the first error. */
struct scan {
    struct str text;
    uint32_t at;
    int64_t error_at; /* -1: none */
};

static struct scan scan_begin(struct str text)
{
    return (struct scan){.text = text, .error_at = -1};
}

static bool scan_fail(struct scan *s, uint32_t at)
{
    if (s->error_at < 0)
        s->error_at = at;
    return false;
}

static int digit_at(const struct scan *s, uint32_t at)
{
    return at < s->text.len && s->text.p[at] >= '0' && s->text.p[at] <= '9' ? s->text.p[at] - '0' : -1;
}

static bool scan_char(struct scan *s, char c)
{
    if (s->error_at >= 0 || s->at >= s->text.len || s->text.p[s->at] != c)
        return scan_fail(s, s->at);
    s->at++;
    return true;
}

static bool scan_number(struct scan *s, unsigned width, int *out)
{
    int value = 0;
    for (unsigned i = 0; i < width; i++) {
        int digit = digit_at(s, s->at + i);
        if (s->error_at >= 0 || digit < 0)
            return scan_fail(s, s->at);
        value = value * 10 + digit;
    }
    s->at += width;
    *out = value;
    return true;
}

/* Four digits, or a sign and, after a plus, more than four. At most `max` digits. */
static bool scan_year(struct scan *s, uint32_t max, int64_t *year)
{
    uint32_t begin = s->at, n = 0;
    char sign = s->at < s->text.len ? s->text.p[s->at] : '\0';
    bool is_signed = sign == '+' || sign == '-';
    int64_t value = 0;
    s->at += is_signed;
    for (int digit; n < max && (digit = digit_at(s, s->at)) >= 0; n++, s->at++)
        value = value > INT64_C(100000000000) ? value : value * 10 + digit;
    if (n < 4)
        return scan_fail(s, begin + is_signed);
    if ((n > 4) != (sign == '+') && sign != '-')
        return scan_fail(s, begin);
    *year = sign == '-' ? -value : value;
    return sign != '-' || value != 0 || scan_fail(s, begin);
}

struct fields {
    int64_t year;
    int month, day, hour, minute, second, nano;
};

static enum status fail(struct diag *d, const char *kind, struct str text, const struct text *cause, const char *help)
{
    return diag_set(d, STATUS_INVALID, "Failed to parse %s '" STR_FMT "': %.*s\n%s", kind, STR_ARG(text),
                    (int)cause->len, cause->p, help);
}

/* Begins the cause in words: where the scan ended. A scan that went well leaves the rest to the checks of ranges. */
static void describe(struct text *cause, const struct scan *s)
{
    uint32_t shown = s->text.len;
    if (shown > SHOWN_MAX) {
        shown = SHOWN_MAX;
        while (shown > 0 && ((unsigned char)s->text.p[shown] & 0xC0) == 0x80)
            shown--;
    }
    text_printf(cause, "Text '%.*s%s' could not be parsed", (int)shown, shown ? s->text.p : "",
                shown < s->text.len ? "..." : "");
    if (s->error_at >= 0)
        text_printf(cause, " at index %lld", (long long)s->error_at);
    else if (s->at < s->text.len)
        text_printf(cause, ", unparsed text found at index %u", s->at);
}

static bool out_of_range(struct text *cause, const char *field, const char *range, int64_t v)
{
    if (cause)
        text_printf(cause, ": Invalid value for %s (valid values %s): %lld", field, range, (long long)v);
    return false;
}

static bool day_missing(struct text *cause, const struct fields *f)
{
    static const char *const months[] = {"JANUARY", "FEBRUARY", "MARCH",     "APRIL",   "MAY",      "JUNE",
                                         "JULY",    "AUGUST",   "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"};
    if (!cause)
        return false;
    if (f->day == 29)
        text_printf(cause, ": Invalid date 'February 29' as '%lld' is not a leap year", (long long)f->year);
    else
        text_printf(cause, ": Invalid date '%s %d'", months[f->month - 1], f->day);
    return false;
}

/* The checks add to `cause`, which may be NULL. Strict dates must exist; otherwise a day up to 31 becomes the last one
 * of its month. */
static bool check_date(struct fields *f, bool strict, int64_t min_year, struct text *cause)
{
    if (f->year < min_year || f->year > 999999999)
        return out_of_range(cause, min_year > 0 ? "YearOfEra" : "Year",
                            min_year > 0 ? "1 - 999999999/1000000000" : "-999999999 - 999999999", f->year);
    if (f->month < 1 || f->month > 12)
        return out_of_range(cause, "MonthOfYear", "1 - 12", f->month);
    if (f->day < 1 || f->day > 31)
        return out_of_range(cause, "DayOfMonth", "1 - 28/31", f->day);
    int last = date_month_days(f->year, f->month);
    if (f->day > last && strict)
        return day_missing(cause, f);
    if (f->day > last)
        f->day = last;
    return true;
}

static bool check_time(struct fields *f, bool strict, struct text *cause)
{
    if (!strict && f->hour == 24 && f->minute == 0 && f->second == 0 && f->nano == 0)
        f->hour = 0;
    if (f->hour > 23)
        return out_of_range(cause, "HourOfDay", "0 - 23", f->hour);
    if (f->minute > 59)
        return out_of_range(cause, "MinuteOfHour", "0 - 59", f->minute);
    if (f->second > 59)
        return out_of_range(cause, "SecondOfMinute", "0 - 59", f->second);
    return true;
}

static int32_t ms_of_day(const struct fields *f)
{
    return ((f->hour * 60 + f->minute) * 60 + f->second) * 1000 + f->nano / 1000000;
}

/* Parts between hyphens, empty ones at the end not counted; "" has one. */
static unsigned count_parts(struct str text)
{
    unsigned parts = 1;
    uint32_t len = text.len;
    while (len > 0 && text.p[len - 1] == '-')
        len--;
    if (len == 0)
        return text.len ? 0 : 1;
    for (uint32_t i = 0; i < len; i++)
        parts += text.p[i] == '-';
    return parts;
}

static void complete_date(struct text *out, struct str text)
{
    unsigned parts = count_parts(text);
    text_put(out, text);
    if (parts == 1)
        text_put(out, STR("-01-01"));
    else if (parts == 2)
        text_put(out, STR("-01"));
}

static bool scan_date(struct scan *s, uint32_t year_digits, struct fields *f)
{
    return scan_year(s, year_digits, &f->year) && scan_char(s, '-') && scan_number(s, 2, &f->month) &&
           scan_char(s, '-') && scan_number(s, 2, &f->day);
}

enum status parse_date(struct str text, int32_t *days, struct diag *d)
{
    struct text full, cause;
    full.len = cause.len = 0;
    complete_date(&full, text);
    struct fields f = {0};
    struct scan s = scan_begin(str_make(full.p, full.len));
    bool scanned = scan_date(&s, 10, &f) && s.at == s.text.len;
    bool valid = scanned && check_date(&f, true, -999999999, NULL);
    int64_t count = valid ? date_to_days(f.year, f.month, f.day) : 0;
    if (valid && count == (int32_t)count) {
        *days = (int32_t)count;
        return STATUS_OK;
    }
    describe(&cause, &s);
    if (scanned && check_date(&f, true, -999999999, &cause))
        text_put(&cause, STR(": the date is out of range"));
    return fail(d, "date", text, &cause, DATE_HELP);
}

/* Seconds and fraction may be missing. Digits beyond nanoseconds stay unread. */
static bool scan_iso_time(struct scan *s, struct fields *f)
{
    if (!scan_number(s, 2, &f->hour) || !scan_char(s, ':') || !scan_number(s, 2, &f->minute))
        return false;
    uint32_t begin = s->at;
    struct scan seconds = *s;
    if (!scan_char(&seconds, ':') || !scan_number(&seconds, 2, &f->second)) {
        f->second = 0;
        s->at = begin;
        return true;
    }
    *s = seconds;
    if (s->at == s->text.len || s->text.p[s->at] != '.')
        return true;
    s->at++;
    int unit = 100000000;
    for (int digit; unit > 0 && (digit = digit_at(s, s->at)) >= 0; unit /= 10, s->at++)
        f->nano += digit * unit;
    return true;
}

enum status parse_time(struct str text, int32_t *ms, struct diag *d)
{
    struct fields f = {0};
    struct scan s = scan_begin(text);
    struct text cause;
    cause.len = 0;
    bool scanned = scan_iso_time(&s, &f) && s.at == text.len;
    if (scanned && check_time(&f, true, NULL)) {
        *ms = ms_of_day(&f);
        return STATUS_OK;
    }
    describe(&cause, &s);
    if (scanned)
        check_time(&f, true, &cause);
    return fail(d, "time", text, &cause, TIME_HELP);
}

static bool two_digits(struct str s, uint32_t at, int32_t *out)
{
    struct scan scan = scan_begin(s);
    scan.at = at;
    int value;
    if (!scan_number(&scan, 2, &value))
        return false;
    *out = value;
    return true;
}

/* +h, +hh, +hh:mm, +hhmm, +hh:mm:ss, +hhmmss; within 18 hours. */
static bool parse_signed_offset(struct str s, int32_t *seconds)
{
    int32_t hours = 0, minutes = 0, rest = 0;
    if (s.len == 2 && s.p[1] >= '0' && s.p[1] <= '9') {
        hours = s.p[1] - '0';
    } else {
        bool colon = s.len > 3 && s.p[3] == ':', ok = two_digits(s, 1, &hours);
        uint32_t step = colon ? 3 : 2, n_parts = s.len == 3 ? 1 : s.len == 3 + step ? 2 : s.len == 3 + 2 * step ? 3 : 0;
        if (n_parts > 1)
            ok &= two_digits(s, 3 + colon, &minutes);
        if (n_parts > 2)
            ok &= (!colon || s.p[6] == ':') && two_digits(s, 3 + step + colon, &rest);
        if (!ok || n_parts == 0)
            return false;
    }
    int32_t total = hours * 3600 + minutes * 60 + rest;
    if (minutes > 59 || rest > 59 || total > 18 * 3600)
        return false;
    *seconds = s.p[0] == '-' ? -total : total;
    return true;
}

bool parse_zone_offset(struct str text, int32_t *seconds)
{
    static const char *const prefixes[] = {"UTC", "GMT", "UT"};
    if (text.len > 0 && (text.p[0] == '+' || text.p[0] == '-'))
        return parse_signed_offset(text, seconds);
    bool is_utc = str_eq(text, STR("Z"));
    for (unsigned i = 0; i < sizeof prefixes / sizeof *prefixes && !is_utc; i++) {
        struct str prefix = str_from(prefixes[i]);
        if (!str_starts(text, prefix))
            continue;
        struct str rest = str_make(text.p + prefix.len, text.len - prefix.len);
        if (rest.len > 0)
            return (rest.p[0] == '+' || rest.p[0] == '-') && parse_signed_offset(rest, seconds);
        is_utc = true;
    }
    if (is_utc)
        *seconds = 0;
    return is_utc;
}

static int64_t find_char(struct str s, char c)
{
    const char *p = s.len ? memchr(s.p, c, s.len) : NULL;
    return p ? p - s.p : -1;
}

static bool is_blank(struct str s)
{
    for (uint32_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] > ' ')
            return false;
    return true;
}

/* Splits off the zone and writes date, T and a full time to `out`. */
static struct str complete_timestamp(struct text *out, struct str text)
{
    static const struct str midnight = {"00:00:00.000", 12};
    int64_t t = find_char(text, 'T');
    if (t < 0) {
        complete_date(out, text);
        text_put(out, STR("T"));
        text_put(out, midnight);
        return STR("");
    }
    struct str time = str_make(text.p + t + 1, text.len - (size_t)t - 1), zone = STR("");
    int64_t sign = find_char(time, '+');
    if (sign < 0)
        sign = find_char(time, '-');
    if (sign >= 0) {
        zone = str_make(time.p + sign, time.len - (size_t)sign);
        time.len = (uint32_t)sign;
    }
    if (time.len > 0 && time.p[time.len - 1] == 'Z')
        time.len--;
    text_put(out, str_make(text.p, (size_t)t + 1));
    text_put(out, time);
    if (time.len < midnight.len)
        text_put(out, str_make(midnight.p + time.len, midnight.len - time.len));
    return zone;
}

static bool scan_timestamp(struct scan *s, struct fields *f)
{
    int ms = 0;
    bool ok = scan_date(s, 19, f) && scan_char(s, 'T') && scan_number(s, 2, &f->hour) && scan_char(s, ':') &&
              scan_number(s, 2, &f->minute) && scan_char(s, ':') && scan_number(s, 2, &f->second) &&
              scan_char(s, '.') && scan_number(s, 3, &ms);
    f->nano = ms * 1000000;
    return ok && s->at == s->text.len;
}

static bool to_instant(const struct fields *f, int32_t zone_seconds, int64_t *ts)
{
    int64_t days = date_to_days(f->year, f->month, f->day);
    return !__builtin_mul_overflow(days, MS_PER_DAY, ts) &&
           !__builtin_add_overflow(*ts, ms_of_day(f) - zone_seconds * INT64_C(1000), ts);
}

enum status parse_timestamp(struct str text, int64_t *ts, struct diag *d)
{
    struct text full, cause;
    full.len = cause.len = 0;
    struct str zone = complete_timestamp(&full, text);
    int32_t seconds = 0;
    if (!is_blank(zone) && !parse_zone_offset(zone, &seconds)) {
        text_printf(&cause,
                    "Failed to parse timezone '" STR_FMT "': Invalid ID for ZoneOffset, invalid format: " STR_FMT,
                    STR_ARG(zone), STR_ARG(zone));
        return fail(d, "timestamp", text, &cause, TIMESTAMP_HELP);
    }
    struct fields f = {0};
    struct scan s = scan_begin(str_make(full.p, full.len));
    bool scanned = scan_timestamp(&s, &f);
    int64_t instant;
    if (scanned && check_date(&f, false, 1, NULL) && check_time(&f, false, NULL) && to_instant(&f, seconds, &instant)) {
        *ts = instant;
        return STATUS_OK;
    }
    describe(&cause, &s);
    if (scanned && check_date(&f, false, 1, &cause) && check_time(&f, false, &cause))
        text_put(&cause, STR(": long overflow"));
    return fail(d, "timestamp", text, &cause, TIMESTAMP_HELP);
}
