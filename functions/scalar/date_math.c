/* Arithmetic of dates and times, and their numbers. Units are of fixed length: days and finer. */
#include "functions/functions_int.h"
#include "functions/text.h"

/* count * unit in milliseconds. */
static bool interval(struct call *c, struct str unit, int32_t count, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"DAYS", 86400000}, {"HOURS", 3600000}, {"MINUTES", 60000}, {"SECONDS", 1000}, {"MILLISECONDS", 1}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (str_eq_nocase(unit, str_from(units[i].name))) {
            *ms = count * units[i].ms;
            return true;
        }
    }
    return call_error(c, "Unsupported time unit: " STR_FMT, STR_ARG(unit));
}

static bool date_move(struct call *c, const struct value *args, int sign, struct value *result)
{
    int64_t ms;
    if (!interval(c, args[0].str, args[1].i32, &ms))
        return false;
    ms = args[2].i32 * MS_PER_DAY + sign * ms;
    *result = (struct value){.kind = KIND_DATE, .i32 = (int32_t)(ms / MS_PER_DAY)}; /* towards zero */
    return true;
}

static bool time_move(struct call *c, const struct value *args, int sign, struct value *result)
{
    int64_t ms, of_day;
    if (!interval(c, args[0].str, args[1].i32, &ms))
        return false;
    date_split_ms(args[2].i32 + sign * ms, &of_day);
    *result = (struct value){.kind = KIND_TIME, .i32 = (int32_t)of_day};
    return true;
}

static bool timestamp_move(struct call *c, const struct value *args, int sign, struct value *result)
{
    int64_t ms;
    if (!interval(c, args[0].str, args[1].i32, &ms))
        return false;
    *result = (struct value){.kind = KIND_TIMESTAMP, .i64 = (int64_t)((uint64_t)args[2].i64 + (uint64_t)(sign * ms))};
    return true;
}

#define MOVE(name, move, sign)                                                                                         \
    static bool name(struct call *c, const struct value *args, struct value *result)                                   \
    {                                                                                                                  \
        return move(c, args, sign, result);                                                                            \
    }
MOVE(date_add, date_move, 1)
MOVE(date_sub, date_move, -1)
MOVE(time_add, time_move, 1)
MOVE(time_sub, time_move, -1)
MOVE(timestamp_add, timestamp_move, 1)
MOVE(timestamp_sub, timestamp_move, -1)

static bool from_days(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    *result = (struct value){.kind = KIND_DATE, .i32 = args[0].i32};
    return true;
}

static bool from_unixtime(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    *result = (struct value){.kind = KIND_TIMESTAMP, .i64 = args[0].i64};
    return true;
}

static bool unix_date(struct call *c, const struct value *args, struct value *result)
{
    int64_t rest;
    *result = value_int(c->n_args ? args[0].i32 : (int32_t)date_split_ms(c->now_ms, &rest));
    return true;
}

static bool unix_timestamp(struct call *c, const struct value *args, struct value *result)
{
    *result = value_bigint(c->n_args ? args[0].i64 : c->now_ms);
    return true;
}

#define TIME(upper, lower, text)                                                                                       \
    .name = (upper), .declared_name = (lower), .category = "DATE / TIME", .description = (text)
#define MOVES(type, what, fn) VARIANTS(CALL_NOT_NULL("(UNIT unit, INT interval, " type " " what ") -> " type, fn))

static const struct function table[] = {
    {TIME("DATEADD", "dateadd", "A DATE and a number of units"), MOVES("DATE", "date", date_add)},
    {TIME("DATESUB", "datesub", "A DATE less a number of units"), MOVES("DATE", "date", date_sub)},
    {TIME("FROM_DAYS", "from_days", "The DATE that is so many days after 1970-01-01"),
     VARIANTS(CALL_NOT_NULL("(INT days) -> DATE", from_days))},
    {TIME("FROM_UNIXTIME", "from_unixtime", "The TIMESTAMP that is so many milliseconds after 1970-01-01"),
     VARIANTS(CALL_NOT_NULL("(BIGINT milliseconds) -> TIMESTAMP", from_unixtime))},
    {TIME("TIMEADD", "timeadd", "A TIME and a number of units, within the day"), MOVES("TIME", "time", time_add)},
    {TIME("TIMESUB", "timesub", "A TIME less a number of units, within the day"), MOVES("TIME", "time", time_sub)},
    {TIME("TIMESTAMPADD", "timestampadd", "A TIMESTAMP and a number of units"),
     MOVES("TIMESTAMP", "timestamp", timestamp_add)},
    {TIME("TIMESTAMPSUB", "timestampsub", "A TIMESTAMP less a number of units"),
     MOVES("TIMESTAMP", "timestamp", timestamp_sub)},
    {TIME("UNIX_DATE", "unix_date", "Days since 1970-01-01, of a DATE or now"),
     VARIANTS({.signature = "() -> INT", .fn = unix_date, .nondeterministic = true},
              CALL_NOT_NULL("(DATE date) -> INT", unix_date))},
    {TIME("UNIX_TIMESTAMP", "unix_timestamp", "Milliseconds since 1970-01-01, of a TIMESTAMP or now"),
     VARIANTS({.signature = "() -> BIGINT", .fn = unix_timestamp, .nondeterministic = true},
              CALL_NOT_NULL("(TIMESTAMP timestamp) -> BIGINT", unix_timestamp))},
};

const struct function_family functions_date_math = FAMILY(table);
