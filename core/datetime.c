/* The calendar, and dates and times to text. The day count is the usual one with years that begin in March, so that the
 * leap day comes last (era of 400 years = 146097 days). */
#include "datetime.h"

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t date_to_days(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = floor_div(y, 400), year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct civil_date date_from_days(int64_t days)
{
    days += 719468;
    int64_t era = floor_div(days, 146097), day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct civil_date date;
    date.day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    date.month = (int)(month < 10 ? month + 3 : month - 9);
    date.year = year_of_era + era * 400 + (date.month <= 2);
    return date;
}

int date_month_days(int64_t year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

int64_t date_split_ms(int64_t ts, int64_t *ms_of_day)
{
    int64_t days = floor_div(ts, MS_PER_DAY);
    *ms_of_day = ts % MS_PER_DAY + (ts % MS_PER_DAY < 0 ? MS_PER_DAY : 0);
    return days;
}

static char *put_padded(char *p, unsigned width, unsigned v)
{
    for (unsigned i = width; i-- > 0; v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + width;
}

/* At least four digits; wider years carry a sign. */
static void print_year(struct buf *out, int64_t year)
{
    char digits[4];
    int64_t distance = year < 0 ? -year : year;
    if (year < 0)
        buf_putc(out, '-');
    if (distance > 9999) {
        if (year > 0)
            buf_putc(out, '+');
        buf_put_i64(out, distance);
        return;
    }
    put_padded(digits, 4, (unsigned)distance);
    buf_put(out, digits, sizeof digits);
}

static void print_month_day(struct buf *out, struct civil_date date)
{
    char text[6], *p = text;
    *p++ = '-';
    p = put_padded(p, 2, (unsigned)date.month);
    *p++ = '-';
    put_padded(p, 2, (unsigned)date.day);
    buf_put(out, text, sizeof text);
}

void print_date(struct buf *out, int32_t days)
{
    struct civil_date date = date_from_days(days);
    print_year(out, date.year);
    print_month_day(out, date);
}

static char *put_hms(char *p, unsigned seconds)
{
    p = put_padded(p, 2, seconds / 3600);
    *p++ = ':';
    p = put_padded(p, 2, seconds / 60 % 60);
    *p++ = ':';
    return put_padded(p, 2, seconds % 60);
}

void print_time(struct buf *out, int32_t ms)
{
    char text[8];
    int64_t ms_of_day;
    date_split_ms(ms, &ms_of_day);
    unsigned seconds = (unsigned)(ms_of_day / 1000);
    put_hms(text, seconds);
    buf_put(out, text, seconds % 60 ? 8 : 5);
}

/* The pattern of TIMESTAMPs counts years of an era: 1 BC is 0001. */
void print_timestamp(struct buf *out, int64_t ts)
{
    char text[13], *p = text;
    int64_t ms_of_day;
    struct civil_date date = date_from_days(date_split_ms(ts, &ms_of_day));
    print_year(out, date.year > 0 ? date.year : 1 - date.year);
    print_month_day(out, date);
    *p++ = 'T';
    p = put_hms(p, (unsigned)(ms_of_day / 1000));
    *p++ = '.';
    put_padded(p, 3, (unsigned)(ms_of_day % 1000));
    buf_put(out, text, sizeof text);
}
