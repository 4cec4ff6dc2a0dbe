/* Dates and times to texts, by the items of a pattern. */
#include "functions/datetime_format_int.h"

#include <stdio.h>

struct printer {
    const struct datetime_pattern *p;
    bool has_date, has_time;
    struct zone *zone; /* NULL: there is none */
    int64_t utc_ms;
    int64_t days, ms_of_day;
    struct civil_date date;
    struct buf *out;
    char *error;
    size_t error_size;
};

static bool fail(struct printer *p, const char *format, ...) PRINTF_LIKE(2, 3);
static bool fail(struct printer *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->error, p->error_size, format, args);
    va_end(args);
    return false;
}

/* ---- field values
 * ----------------------------------------------------------------------------------------------------------- */

static int64_t weekday(int64_t days) /* 1: Monday */
{
    return ((days + 3) % 7 + 7) % 7 + 1;
}

/* Weeks start on Sunday; the first one holds January 1st. */
static int64_t week_start(int64_t days)
{
    return days - weekday(days) % 7;
}

static int64_t week_year(const struct printer *p)
{
    int64_t next = week_start(date_to_days(p->date.year + 1, 1, 1));
    return p->days >= next ? p->date.year + 1 : p->date.year;
}

static int64_t date_value(const struct printer *p, enum dt_field f)
{
    const struct civil_date *d = &p->date;
    switch (f) {
    case DT_DAY_OF_WEEK:
        return weekday(p->days);
    case DT_LOCAL_DAY_OF_WEEK:
        return weekday(p->days) % 7 + 1;
    case DT_DAY:
        return d->day;
    case DT_DAY_OF_YEAR:
        return p->days - date_to_days(d->year, 1, 1) + 1;
    case DT_MODIFIED_JULIAN:
        return p->days + 40587;
    case DT_WEEK_OF_MONTH_ALIGNED:
        return (d->day - 1) / 7 + 1;
    case DT_MONTH:
        return d->month;
    case DT_QUARTER:
        return (d->month + 2) / 3;
    case DT_YEAR_OF_ERA:
        return d->year > 0 ? d->year : 1 - d->year;
    case DT_YEAR:
        return d->year;
    case DT_ERA:
        return d->year > 0;
    case DT_WEEK_OF_MONTH:
        return (week_start(p->days) - week_start(date_to_days(d->year, d->month, 1))) / 7 + 1;
    case DT_WEEK_YEAR:
        return week_year(p);
    default: /* DT_WEEK_OF_YEAR */
        return (week_start(p->days) - week_start(date_to_days(week_year(p), 1, 1))) / 7 + 1;
    }
}

static int64_t time_value(const struct printer *p, enum dt_field f)
{
    int64_t hour = p->ms_of_day / 3600000;
    switch (f) {
    case DT_NANO:
        return p->ms_of_day % 1000 * 1000000;
    case DT_NANO_OF_DAY:
        return p->ms_of_day * 1000000;
    case DT_MILLI_OF_DAY:
        return p->ms_of_day;
    case DT_SECOND:
        return p->ms_of_day / 1000 % 60;
    case DT_MINUTE:
        return p->ms_of_day / 60000 % 60;
    case DT_HOUR_AMPM:
        return hour % 12;
    case DT_CLOCK_HOUR_AMPM:
        return hour % 12 ? hour % 12 : 12;
    case DT_HOUR:
        return hour;
    case DT_CLOCK_HOUR:
        return hour ? hour : 24;
    default: /* DT_AMPM */
        return hour / 12;
    }
}

static bool value_of(struct printer *p, enum dt_field f, int64_t *out)
{
    if (dt_fields[f].is_time ? !p->has_time : !p->has_date)
        return fail(p, "Unsupported field: %s", dt_fields[f].name);
    *out = dt_fields[f].is_time ? time_value(p, f) : date_value(p, f);
    return true;
}

/* ---- items
 * ---------------------------------------------------------------------------------------------------------------------
 */

static bool print_number(struct printer *p, const struct dt_item *item)
{
    int64_t v;
    char room[24], *end = room + sizeof room, *digits = end;
    if (!value_of(p, item->field, &v))
        return false;
    uint64_t rest = v < 0 ? (uint64_t)-v : (uint64_t)v;
    if (item->kind == DT_REDUCED_YEAR)
        rest %= 100;
    do
        *--digits = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    size_t n = (size_t)(end - digits);
    if (n > item->max)
        return fail(p, "Field %s cannot be printed as the value %lld exceeds the maximum print width of %u",
                    dt_fields[item->field].name, (long long)v, item->max);
    if (v < 0 && item->sign == DT_NOT_NEGATIVE && item->kind == DT_NUMBER)
        return fail(p, "Field %s cannot be printed as the value %lld cannot be negative according to the SignStyle",
                    dt_fields[item->field].name, (long long)v);
    if (v < 0 && item->kind == DT_NUMBER)
        buf_putc(p->out, '-');
    else if (item->sign == DT_EXCEEDS_PAD && n > item->min)
        buf_putc(p->out, '+');
    for (size_t i = n; i < item->min; i++)
        buf_putc(p->out, '0');
    buf_put(p->out, digits, n);
    return true;
}

static bool print_fraction(struct printer *p, const struct dt_item *item)
{
    int64_t nano;
    char digits[16];
    if (!value_of(p, DT_NANO, &nano))
        return false;
    snprintf(digits, sizeof digits, "%09lld", (long long)nano);
    buf_put(p->out, digits, item->min);
    return true;
}

static bool print_text(struct printer *p, const struct dt_item *item)
{
    int64_t v;
    char room[32];
    if (!value_of(p, item->field, &v))
        return false;
    const char *name = dt_name(p->p, item->field, item->style, v, room);
    buf_puts(p->out, str_from(name ? name : ""));
    return true;
}

static bool print_day_period(struct printer *p)
{
    int64_t hour;
    if (!value_of(p, DT_HOUR, &hour))
        return false;
    bool exact = p->ms_of_day % 3600000 == 0;
    buf_puts(p->out, exact && hour == 0        ? STR("midnight")
                     : exact && hour == 12     ? STR("noon")
                     : hour >= 6 && hour < 12  ? STR("in the morning")
                     : hour >= 12 && hour < 18 ? STR("in the afternoon")
                     : hour >= 18 && hour < 21 ? STR("in the evening")
                                               : STR("at night"));
    return true;
}

static bool offset_of(struct printer *p, int32_t *seconds)
{
    if (!p->zone)
        return fail(p, "Unsupported field: OffsetSeconds");
    *seconds = zone_offset_ms(p->zone, p->utc_ms) / 1000;
    return true;
}

static bool print_offset(struct printer *p, const struct dt_item *item)
{
    int32_t offset;
    unsigned n = item->style;
    if (!offset_of(p, &offset))
        return false;
    bool colon = n == 3 || n == 5;
    if (item->letter == 'Z' && n < 4)
        colon = false;
    bool seconds = n == 4 || n == 5;
    if (offset == 0 && (item->letter == 'X' || (item->letter == 'Z' && n == 5))) {
        buf_putc(p->out, 'Z');
        return true;
    }
    int32_t abs = offset < 0 ? -offset : offset, minutes = abs / 60 % 60;
    buf_printf(p->out, "%c%02d", offset < 0 ? '-' : '+', abs / 3600);
    if (n > 1 || minutes || item->letter == 'Z')
        buf_printf(p->out, "%s%02d", colon ? ":" : "", minutes);
    if (seconds && abs % 60)
        buf_printf(p->out, "%s%02d", colon ? ":" : "", abs % 60);
    return true;
}

static bool print_localized(struct printer *p, const struct dt_item *item)
{
    int32_t offset;
    if (!offset_of(p, &offset))
        return false;
    buf_puts(p->out, STR("GMT"));
    if (offset == 0)
        return true;
    int32_t abs = offset < 0 ? -offset : offset;
    char sign = offset < 0 ? '-' : '+';
    if (item->style == 4)
        buf_printf(p->out, "%c%02d:%02d", sign, abs / 3600, abs / 60 % 60);
    else if (abs / 60 % 60)
        buf_printf(p->out, "%c%d:%02d", sign, abs / 3600, abs / 60 % 60);
    else
        buf_printf(p->out, "%c%d", sign, abs / 3600);
    return true;
}

static bool print_zone(struct printer *p, const struct dt_item *item)
{
    if (!p->zone)
        return fail(p, "Unable to extract ZoneId from temporal");
    if (item->kind == DT_ZONE_ID)
        buf_puts(p->out, zone_id(p->zone));
    else
        zone_print_name(p->out, p->zone, p->utc_ms, item->style == 4);
    return true;
}

static bool print_item(struct printer *p, const struct dt_item *item)
{
    switch (item->kind) {
    case DT_LITERAL:
        buf_puts(p->out, item->text);
        return true;
    case DT_NUMBER:
    case DT_REDUCED_YEAR:
        return print_number(p, item);
    case DT_FRACTION:
        return print_fraction(p, item);
    case DT_TEXT:
        return print_text(p, item);
    case DT_DAY_PERIOD:
        return print_day_period(p);
    case DT_OFFSET:
        return print_offset(p, item);
    case DT_LOCALIZED_OFFSET:
        return print_localized(p, item);
    case DT_ZONE_ID:
    case DT_ZONE_NAME:
        return print_zone(p, item);
    default:
        return true;
    }
}

static bool print_padded(struct printer *p, const struct dt_item *item)
{
    size_t from = p->out->len;
    if (!print_item(p, item))
        return false;
    size_t n = p->out->len - from;
    if (item->pad == 0 || n == item->pad)
        return true;
    if (n > item->pad)
        return fail(p, "Cannot print as output of %zu characters exceeds pad width of %u", n, item->pad);
    size_t blanks = item->pad - n;
    if (!buf_reserve(p->out, blanks))
        return true;
    memmove(p->out->p + from + blanks, p->out->p + from, n);
    memset(p->out->p + from, ' ', blanks);
    p->out->len += blanks;
    return true;
}

/* An optional part that cannot be printed is left out. */
static bool print_items(struct printer *p, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const struct dt_item *item = &p->p->items[i];
        if (item->kind == DT_OPTIONAL) {
            size_t len = p->out->len;
            if (!print_items(p, i + 1, item->jump))
                p->out->len = len;
            i = item->jump;
        } else if (!print_padded(p, item)) {
            return false;
        }
    }
    return true;
}

bool timestamp_format(const struct datetime_pattern *pattern, int64_t ms, struct zone *zone, struct buf *out,
                      char *error, size_t error_size)
{
    struct printer p = {.p = pattern,
                        .has_date = true,
                        .has_time = true,
                        .zone = zone,
                        .utc_ms = ms,
                        .out = out,
                        .error = error,
                        .error_size = error_size};
    int64_t local;
    if (__builtin_add_overflow(ms, (int64_t)zone_offset_ms(zone, ms), &local))
        return fail(&p, "Exceeds the range of dates");
    p.days = date_split_ms(local, &p.ms_of_day);
    p.date = date_from_days(p.days);
    return print_items(&p, 0, pattern->n);
}

bool date_format(const struct datetime_pattern *pattern, int32_t days, struct buf *out, char *error, size_t error_size)
{
    struct printer p = {.p = pattern,
                        .has_date = true,
                        .days = days,
                        .date = date_from_days(days),
                        .out = out,
                        .error = error,
                        .error_size = error_size};
    return print_items(&p, 0, pattern->n);
}

bool time_format(const struct datetime_pattern *pattern, int32_t ms, struct buf *out, char *error, size_t error_size)
{
    struct printer p = {
        .p = pattern, .has_time = true, .ms_of_day = ms, .out = out, .error = error, .error_size = error_size};
    return print_items(&p, 0, pattern->n);
}
