/* Dates and times of the proleptic Gregorian calendar: days since 1970-01-01, milliseconds, and the texts that CAST
 * writes and reads. Patterns (FORMAT_TIMESTAMP ...) and named time zones are not here. */
#ifndef WEIR_CORE_DATETIME_H
#define WEIR_CORE_DATETIME_H

#include "str.h"

#define MS_PER_DAY INT64_C(86400000)

struct civil_date {
    int64_t year;   /* 0 is 1 BC */
    int month, day; /* from 1 */
};

/* Days since 1970-01-01. `month` is 1..12; `day` may lie outside of the month and then counts on. */
int64_t date_to_days(int64_t year, int month, int day);
struct civil_date date_from_days(int64_t days);
int date_month_days(int64_t year, int month);
/* Division by a day, rounded down, and the rest: 0 <= *ms_of_day < MS_PER_DAY. */
int64_t date_split_ms(int64_t ts, int64_t *ms_of_day);

void print_date(struct buf *out, int32_t days);    /* 2020-05-26; +12345-01-01 */
void print_time(struct buf *out, int32_t ms);      /* 00:01, 16:43:40; milliseconds are not shown */
void print_timestamp(struct buf *out, int64_t ts); /* 2020-05-26T23:59:58.000, in UTC */

/* Text to time, with missing parts filled in: `2020` and `2020-05` are dates, a TIMESTAMP without T is midnight.
 * Zones are offsets: Z, +2, +02, -0230, +02:00, also behind UTC, GMT or UT. STATUS_INVALID with ksqlDB's message for
 * other texts; `d` may be NULL. */
enum status parse_date(struct str text, int32_t *days, struct diag *d) MUST_CHECK;
enum status parse_time(struct str text, int32_t *ms, struct diag *d) MUST_CHECK;
enum status parse_timestamp(struct str text, int64_t *ts, struct diag *d) MUST_CHECK;
/* An offset as java.time.ZoneId.of takes it (see above), in seconds east of UTC; false: not an offset. */
bool parse_zone_offset(struct str text, int32_t *seconds);

#endif
