/* From parsed fields to a date and a time, in the SMART style of java.time: ranges are checked, days beyond the end of
 * a month are moved to it, 24:00 is the end of the day, fields that contradict the date are errors. */
#include "functions/datetime_format_int.h"

#include <stdio.h>

#define NANO_PER_SECOND INT64_C(1000000000)
#define NANO_PER_DAY (86400 * NANO_PER_SECOND)

struct resolver {
    struct dt_parsed *d;
    struct str text;
    char *error;
    size_t error_size;
};

static bool fail(struct resolver *r, const char *format, ...) PRINTF_LIKE(2, 3);
static bool fail(struct resolver *r, const char *format, ...)
{
    va_list args;
    char why[256];
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    snprintf(r->error, r->error_size, "Text '%.*s%s' could not be parsed: %s",
             (int)(r->text.len > 64 ? 64 : r->text.len), r->text.p ? r->text.p : "", r->text.len > 64 ? "..." : "",
             why);
    return false;
}

static bool has(const struct dt_parsed *d, enum dt_field f)
{
    return d->present >> f & 1;
}

static void drop(struct dt_parsed *d, enum dt_field f)
{
    d->present &= ~(1u << f);
}

static bool in_range(struct resolver *r, enum dt_field f, int64_t value)
{
    const struct dt_field_info *info = &dt_fields[f];
    if (value >= info->min && value <= info->max)
        return true;
    /* Where the greatest value depends, Java shows both limits. */
    const char *max = f == DT_DAY                     ? "28/31"
                      : f == DT_DAY_OF_YEAR           ? "365/366"
                      : f == DT_YEAR_OF_ERA           ? "999999999/1000000000"
                      : f == DT_WEEK_OF_MONTH_ALIGNED ? "4/5"
                                                      : NULL;
    return max ? fail(r, "Invalid value for %s (valid values %lld - %s): %lld", info->name, (long long)info->min, max,
                      (long long)value)
               : fail(r, "Invalid value for %s (valid values %lld - %lld): %lld", info->name, (long long)info->min,
                      (long long)info->max, (long long)value);
}

/* Sets a derived field; another value of it is a contradiction. */
static bool put(struct resolver *r, enum dt_field from, enum dt_field to, int64_t value)
{
    struct dt_parsed *d = r->d;
    if (has(d, to) && d->values[to] != value)
        return fail(r, "Conflict found: %s %lld differs from %s %lld while resolving  %s", dt_fields[to].name,
                    (long long)d->values[to], dt_fields[to].name, (long long)value, dt_fields[from].name);
    d->present |= 1u << to;
    d->values[to] = value;
    return true;
}

/* ---- date
 * -------------------------------------------------------------------------------------------------------------------
 */

static bool is_leap(int64_t year)
{
    return date_month_days(year, 2) == 29;
}

static bool resolve_era(struct resolver *r)
{
    struct dt_parsed *d = r->d;
    if (!has(d, DT_YEAR_OF_ERA))
        return !has(d, DT_ERA) || in_range(r, DT_ERA, d->values[DT_ERA]);
    int64_t year = d->values[DT_YEAR_OF_ERA];
    if (!in_range(r, DT_YEAR_OF_ERA, year))
        return false;
    if (has(d, DT_ERA) && d->values[DT_ERA] == 0)
        year = 1 - year;
    drop(d, DT_YEAR_OF_ERA);
    drop(d, DT_ERA);
    return put(r, DT_YEAR_OF_ERA, DT_YEAR, year);
}

static void set_date(struct dt_parsed *d, int64_t days)
{
    d->has_date = true;
    d->days = days;
}

static bool resolve_month_day(struct resolver *r)
{
    struct dt_parsed *d = r->d;
    int64_t year = d->values[DT_YEAR], month = d->values[DT_MONTH], day = d->values[DT_DAY];
    if (!in_range(r, DT_YEAR, year) || !in_range(r, DT_MONTH, month) || !in_range(r, DT_DAY, day))
        return false;
    int last = date_month_days(year, (int)month);
    set_date(d, date_to_days(year, (int)month, day > last ? last : (int)day));
    drop(d, DT_YEAR);
    drop(d, DT_MONTH);
    drop(d, DT_DAY);
    return true;
}

static bool resolve_year_day(struct resolver *r)
{
    struct dt_parsed *d = r->d;
    int64_t year = d->values[DT_YEAR], day = d->values[DT_DAY_OF_YEAR];
    if (!in_range(r, DT_YEAR, year) || !in_range(r, DT_DAY_OF_YEAR, day))
        return false;
    if (day == 366 && !is_leap(year))
        return fail(r, "Invalid date 'DayOfYear 366' as '%lld' is not a leap year", (long long)year);
    set_date(d, date_to_days(year, 1, 1) + day - 1);
    drop(d, DT_YEAR);
    drop(d, DT_DAY_OF_YEAR);
    return true;
}

/* Fields that were given beside the date must agree with it. */
static bool check_date(struct resolver *r)
{
    struct dt_parsed *d = r->d;
    struct civil_date date = date_from_days(d->days);
    int64_t weekday = ((d->days + 3) % 7 + 7) % 7 + 1;
    const struct {
        enum dt_field field;
        int64_t value;
    } derived[] = {{DT_DAY_OF_WEEK, weekday},
                   {DT_LOCAL_DAY_OF_WEEK, weekday % 7 + 1},
                   {DT_QUARTER, (date.month + 2) / 3},
                   {DT_YEAR, date.year},
                   {DT_MONTH, date.month},
                   {DT_DAY, date.day},
                   {DT_DAY_OF_YEAR, d->days - date_to_days(date.year, 1, 1) + 1}};
    struct buf shown;
    buf_init(&shown, 0);
    print_date(&shown, (int32_t)d->days);
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof derived / sizeof *derived; i++) {
        enum dt_field f = derived[i].field;
        if (has(d, f) && d->values[f] != derived[i].value)
            ok = fail(r, "Conflict found: Field %s %lld differs from %s %lld derived from %s", dt_fields[f].name,
                      (long long)d->values[f], dt_fields[f].name, (long long)derived[i].value, buf_z(&shown));
        drop(d, f);
    }
    buf_free(&shown);
    return ok;
}

static bool resolve_date(struct resolver *r)
{
    struct dt_parsed *d = r->d;
    if (!resolve_era(r))
        return false;
    if (has(d, DT_MODIFIED_JULIAN)) {
        set_date(d, d->values[DT_MODIFIED_JULIAN] - 40587);
        drop(d, DT_MODIFIED_JULIAN);
    } else if (has(d, DT_YEAR) && has(d, DT_MONTH) && has(d, DT_DAY)) {
        if (!resolve_month_day(r))
            return false;
    } else if (has(d, DT_YEAR) && has(d, DT_DAY_OF_YEAR)) {
        if (!resolve_year_day(r))
            return false;
    }
    return !d->has_date || check_date(r);
}

/* ---- time
 * -----------------------------------------------------------------------------------------------------------------------
 */

/* Hours that count from 1. */
static bool resolve_clock(struct resolver *r, enum dt_field clock, enum dt_field hour, int64_t most)
{
    struct dt_parsed *d = r->d;
    if (!has(d, clock))
        return true;
    int64_t value = d->values[clock];
    drop(d, clock);
    return (value == 0 || in_range(r, clock, value)) && put(r, clock, hour, value == most ? 0 : value);
}

static bool resolve_ampm(struct resolver *r)
{
    struct dt_parsed *d = r->d;
    if (!has(d, DT_AMPM) || !has(d, DT_HOUR_AMPM))
        return true;
    int64_t half = d->values[DT_AMPM], hour = d->values[DT_HOUR_AMPM];
    drop(d, DT_AMPM);
    drop(d, DT_HOUR_AMPM);
    return in_range(r, DT_AMPM, half) && in_range(r, DT_HOUR_AMPM, hour) && put(r, DT_AMPM, DT_HOUR, half * 12 + hour);
}

static bool resolve_of_day(struct resolver *r)
{
    struct dt_parsed *d = r->d;
    enum dt_field f = has(d, DT_NANO_OF_DAY) ? DT_NANO_OF_DAY : DT_MILLI_OF_DAY;
    if (!has(d, f))
        return true;
    int64_t value = d->values[f];
    if (!in_range(r, f, value))
        return false;
    drop(d, f);
    d->has_time = true;
    d->nano_of_day = f == DT_NANO_OF_DAY ? value : value * 1000000;
    return true;
}

/* From the hour down without a gap. */
static bool resolve_hour(struct resolver *r)
{
    struct dt_parsed *d = r->d;
    bool minute = has(d, DT_MINUTE), second = has(d, DT_SECOND), nano = has(d, DT_NANO);
    if (d->has_time || !has(d, DT_HOUR) || (!minute && (second || nano)) || (!second && nano))
        return true;
    int64_t h = d->values[DT_HOUR], m = minute ? d->values[DT_MINUTE] : 0, s = second ? d->values[DT_SECOND] : 0,
            n = nano ? d->values[DT_NANO] : 0;
    if (h == 24 && m == 0 && s == 0 && n == 0) {
        h = 0;
        d->excess_days = 1;
    }
    if (!in_range(r, DT_HOUR, h) || !in_range(r, DT_MINUTE, m) || !in_range(r, DT_SECOND, s) ||
        !in_range(r, DT_NANO, n))
        return false;
    d->has_time = true;
    d->nano_of_day = ((h * 60 + m) * 60 + s) * NANO_PER_SECOND + n;
    drop(d, DT_HOUR);
    drop(d, DT_MINUTE);
    drop(d, DT_SECOND);
    drop(d, DT_NANO);
    return true;
}

static bool check_rest(struct resolver *r)
{
    for (int f = 0; f < DT_FIELDS; f++)
        if (dt_fields[f].is_time && has(r->d, (enum dt_field)f) && !in_range(r, (enum dt_field)f, r->d->values[f]))
            return false;
    return true;
}

static bool dt_resolve(struct dt_parsed *d, struct str text, char *error, size_t error_size)
{
    struct resolver r = {d, text, error, error_size};
    if (!resolve_date(&r) || !resolve_clock(&r, DT_CLOCK_HOUR, DT_HOUR, 24) ||
        !resolve_clock(&r, DT_CLOCK_HOUR_AMPM, DT_HOUR_AMPM, 12) || !resolve_ampm(&r) || !resolve_of_day(&r) ||
        !resolve_hour(&r) || !check_rest(&r))
        return false;
    if (d->has_date && d->has_time) {
        d->days += d->excess_days;
        d->excess_days = 0;
    }
    return true;
}

/* ---- results
 * -------------------------------------------------------------------------------------------------------------------------
 */

/* Applies the fields that are left to 1970-01-01: year, month, day, day of the year, day of the week. */
static bool complete_date(struct resolver *r, int64_t *days)
{
    struct dt_parsed *d = r->d;
    int64_t year = has(d, DT_YEAR) ? d->values[DT_YEAR] : 1970, month = has(d, DT_MONTH) ? d->values[DT_MONTH] : 1,
            day = has(d, DT_DAY) ? d->values[DT_DAY] : 1;
    *days = d->days;
    if (d->has_date)
        return true;
    if (!in_range(r, DT_YEAR, year) || !in_range(r, DT_MONTH, month) || !in_range(r, DT_DAY, day))
        return false;
    if (day > date_month_days(year, (int)month))
        return fail(r, "Invalid date '%s %d'", dt_months[month - 1], (int)day);
    *days = date_to_days(year, (int)month, (int)day);
    if (has(d, DT_DAY_OF_YEAR)) {
        if (!in_range(r, DT_DAY_OF_YEAR, d->values[DT_DAY_OF_YEAR]))
            return false;
        if (d->values[DT_DAY_OF_YEAR] == 366)
            return fail(r, "Day of year 366 needs a leap year");
        *days = date_to_days(year, 1, 1) + d->values[DT_DAY_OF_YEAR] - 1;
    }
    if (has(d, DT_DAY_OF_WEEK)) {
        int64_t monday = *days - ((*days + 3) % 7 + 7) % 7;
        *days = monday + d->values[DT_DAY_OF_WEEK] - 1;
    }
    return true;
}

static int64_t complete_time(const struct dt_parsed *d)
{
    if (d->has_time)
        return d->nano_of_day;
    int64_t h = has(d, DT_HOUR) ? d->values[DT_HOUR] : has(d, DT_HOUR_AMPM) ? d->values[DT_HOUR_AMPM] : 0;
    if (has(d, DT_AMPM))
        h += 12 * d->values[DT_AMPM];
    int64_t m = has(d, DT_MINUTE) ? d->values[DT_MINUTE] : 0, s = has(d, DT_SECOND) ? d->values[DT_SECOND] : 0;
    return ((h * 60 + m) * 60 + s) * NANO_PER_SECOND + (has(d, DT_NANO) ? d->values[DT_NANO] : 0);
}

/* In the zone of the text, or else in the one that was given. */
static bool to_instant(struct resolver *r, int64_t local_ms, struct zone *zone, int64_t *ms)
{
    struct dt_parsed *d = r->d;
    if (d->zone[0]) {
        struct zone *parsed = zone_open(str_from(d->zone));
        if (!parsed)
            return fail(r, "Unknown time-zone ID: %s", d->zone);
        *ms = zone_to_utc(parsed, local_ms);
        zone_close(parsed);
        return true;
    }
    *ms = d->has_offset ? local_ms - d->offset_s * INT64_C(1000) : zone_to_utc(zone, local_ms);
    return true;
}

bool timestamp_parse(const struct datetime_pattern *p, struct str text, struct zone *zone, int64_t *ms, char *error,
                     size_t error_size)
{
    struct dt_parsed d;
    struct resolver r = {&d, text, error, error_size};
    int64_t days;
    if (!dt_parse(p, text, &d, error, error_size) || !dt_resolve(&d, text, error, error_size) ||
        !complete_date(&r, &days))
        return false;
    if (days > INT64_MAX / MS_PER_DAY - 2 || days < INT64_MIN / MS_PER_DAY + 2)
        return fail(&r, "long overflow");
    return to_instant(&r, days * MS_PER_DAY + complete_time(&d) / 1000000, zone, ms);
}

bool date_parse(const struct datetime_pattern *p, struct str text, int32_t *days, char *error, size_t error_size)
{
    struct dt_parsed d;
    struct resolver r = {&d, text, error, error_size};
    if (!dt_parse(p, text, &d, error, error_size) || !dt_resolve(&d, text, error, error_size))
        return false;
    if (!d.has_date)
        return fail(&r, "Unable to obtain LocalDate from TemporalAccessor");
    if (d.days > INT32_MAX || d.days < INT32_MIN)
        return fail(&r, "integer overflow");
    *days = (int32_t)d.days;
    return true;
}

bool time_parse(const struct datetime_pattern *p, struct str text, int32_t *ms, char *error, size_t error_size)
{
    struct dt_parsed d;
    struct resolver r = {&d, text, error, error_size};
    if (!dt_parse(p, text, &d, error, error_size) || !dt_resolve(&d, text, error, error_size))
        return false;
    bool date_field = d.has_date;
    for (int f = 0; f < DT_FIELDS; f++)
        date_field = date_field || (!dt_fields[f].is_time && has(&d, (enum dt_field)f));
    if (date_field)
        return fail(&r, "Time format contains date field.");
    if (!d.has_time)
        return fail(&r, "Unable to obtain LocalTime from TemporalAccessor");
    *ms = (int32_t)(d.nano_of_day / 1000000);
    return true;
}
