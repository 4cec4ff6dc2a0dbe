/* Functions that format and parse dates and times. A call site keeps its last pattern and zone compiled. */
#include "functions/datetime_format.h"
#include "functions/functions_int.h"
#include "functions/simple_date.h"
#include "functions/text.h"

#include <stdio.h>

struct site {
    struct arena arena; /* of the pattern */
    struct datetime_pattern *pattern;
    struct str pattern_text;
    struct zone *zone;
    char zone_text[64];
};

static bool prepare(struct call *c, const struct value *const *args)
{
    (void)args;
    struct site *site = ARENA_NEW(c->state_arena, struct site);
    if (!site)
        return false;
    arena_init(&site->arena, 0);
    c->state = site;
    return true;
}

static void release(struct call *c)
{
    struct site *site = c->state;
    if (!site)
        return;
    arena_free(&site->arena);
    zone_close(site->zone);
    site->pattern = NULL;
    site->zone = NULL;
}

/* NULL after call_error. */
static struct datetime_pattern *pattern_of(struct call *c, struct str text, bool root)
{
    struct site *site = c->state;
    if (site->pattern && str_eq(site->pattern_text, text))
        return site->pattern;
    arena_clear(&site->arena);
    site->pattern = NULL;
    site->pattern_text = str_dup(&site->arena, text);
    if (!site->pattern_text.p) {
        return_nomem(c);
        return NULL;
    }
    site->pattern = datetime_pattern_compile(&site->arena, text, root, c->error, sizeof c->error);
    return site->pattern;
}

/* An empty id is the zone of the system. NULL after call_error. */
static struct zone *zone_of(struct call *c, struct str id)
{
    struct site *site = c->state;
    if (site->zone && str_eq(str_from(site->zone_text), id))
        return site->zone;
    zone_close(site->zone);
    site->zone = id.len ? zone_open(id) : zone_open_system();
    if (!site->zone)
        call_error(c, "Invalid time zone: " STR_FMT, STR_ARG(id));
    else
        snprintf(site->zone_text, sizeof site->zone_text, STR_FMT, STR_ARG(id));
    return site->zone;
}

/* Puts the frame of ksqlDB around the error of a row. */
static bool reframe(struct call *c, const char *format, ...) PRINTF_LIKE(2, 3);
static bool reframe(struct call *c, const char *format, ...)
{
    char cause[sizeof c->error], frame[256];
    va_list args;
    va_start(args, format);
    vsnprintf(frame, sizeof frame, format, args);
    va_end(args);
    memcpy(cause, c->error, sizeof cause);
    snprintf(c->error, sizeof c->error, "%s: %.*s", frame, (int)(sizeof c->error - strlen(frame) - 3), cause);
    return false;
}

/* ---- format
 * -------------------------------------------------------------------------------------------------------------- */

static bool finish(struct call *c, bool ok, const char *what, struct str pattern, struct buf *out, struct value *result)
{
    if (ok)
        return return_buf(c, out, result);
    buf_free(out);
    return reframe(c, "Failed to format %s with formatter '" STR_FMT "'", what, STR_ARG(pattern));
}

static bool format_millis(struct call *c, int64_t ms, struct str pattern, struct str zone_id, struct value *result)
{
    struct buf out;
    struct datetime_pattern *p = pattern_of(c, pattern, false);
    struct zone *zone = p ? zone_of(c, zone_id) : NULL;
    buf_init(&out, 0);
    bool ok = zone && timestamp_format(p, ms, zone, &out, c->error, sizeof c->error);
    return finish(c, ok, "timestamp", pattern, &out, result);
}

static bool format_timestamp(struct call *c, const struct value *args, struct value *result)
{
    return format_millis(c, args[0].i64, args[1].str, c->n_args == 3 ? args[2].str : STR("GMT"), result);
}

static bool timestamp_to_string(struct call *c, const struct value *args, struct value *result)
{
    return format_millis(c, args[0].i64, args[1].str, c->n_args == 3 ? args[2].str : STR(""), result);
}

static bool format_date(struct call *c, const struct value *args, struct value *result)
{
    struct buf out;
    struct datetime_pattern *p = pattern_of(c, args[1].str, false);
    buf_init(&out, 0);
    bool ok = p && date_format(p, args[0].i32, &out, c->error, sizeof c->error);
    return finish(c, ok, "date", args[1].str, &out, result);
}

static bool format_time(struct call *c, const struct value *args, struct value *result)
{
    struct buf out;
    struct datetime_pattern *p = pattern_of(c, args[1].str, false);
    buf_init(&out, 0);
    bool ok = p && time_format(p, args[0].i32, &out, c->error, sizeof c->error);
    return finish(c, ok, "time", args[1].str, &out, result);
}

/* ---- parse
 * ---------------------------------------------------------------------------------------------------------------- */

static bool parse_millis(struct call *c, const struct value *args, struct str zone_id, int64_t *ms)
{
    struct datetime_pattern *p = pattern_of(c, args[1].str, true);
    struct zone *zone = p ? zone_of(c, zone_id) : NULL;
    if (zone && timestamp_parse(p, args[0].str, zone, ms, c->error, sizeof c->error))
        return true;
    return reframe(c, "Failed to parse timestamp '" STR_FMT "' at timezone '" STR_FMT "' with formatter '" STR_FMT "'",
                   STR_ARG(args[0].str), STR_ARG(zone_id), STR_ARG(args[1].str));
}

static bool parse_timestamp_text(struct call *c, const struct value *args, struct value *result)
{
    result->kind = KIND_TIMESTAMP;
    return parse_millis(c, args, c->n_args == 3 ? args[2].str : STR("GMT"), &result->i64);
}

static bool string_to_timestamp(struct call *c, const struct value *args, struct value *result)
{
    result->kind = KIND_BIGINT;
    return parse_millis(c, args, c->n_args == 3 ? args[2].str : STR(""), &result->i64);
}

static bool parse_time_text(struct call *c, const struct value *args, struct value *result)
{
    struct datetime_pattern *p = pattern_of(c, args[1].str, false);
    result->kind = KIND_TIME;
    return (p && time_parse(p, args[0].str, &result->i32, c->error, sizeof c->error)) ||
           reframe(c, "Failed to parse time '" STR_FMT "' with formatter '" STR_FMT "'", STR_ARG(args[0].str),
                   STR_ARG(args[1].str));
}

static bool string_to_date(struct call *c, const struct value *args, struct value *result)
{
    struct datetime_pattern *p = pattern_of(c, args[1].str, false);
    result->kind = KIND_INT;
    return (p && date_parse(p, args[0].str, &result->i32, c->error, sizeof c->error)) ||
           reframe(c, "Failed to parse date '" STR_FMT "' with formatter '" STR_FMT "'", STR_ARG(args[0].str),
                   STR_ARG(args[1].str));
}

static bool parse_date_text(struct call *c, const struct value *args, struct value *result)
{
    int64_t ms = 0, rest = 0;
    bool ok = simple_date_parse(args[1].str, args[0].str, c->now_ms, &ms, c->error, sizeof c->error);
    *result = (struct value){.kind = KIND_DATE, .i32 = (int32_t)date_split_ms(ms, &rest)};
    if (ok && rest != 0)
        ok = call_error(c, "Date format contains time field.");
    return ok || reframe(c, "Failed to parse date '" STR_FMT "' with formatter '" STR_FMT "'", STR_ARG(args[0].str),
                         STR_ARG(args[1].str));
}

/* ---- zones
 * ----------------------------------------------------------------------------------------------------------------- */

static bool convert_tz(struct call *c, const struct value *args, struct value *result)
{
    int64_t ts = args[0].i64;
    *result = args[0];
    struct zone *zone = zone_of(c, args[1].str.len ? args[1].str : STR("?"));
    if (!zone)
        return false;
    int64_t from = zone_offset_ms(zone, ts);
    if (!(zone = zone_of(c, args[2].str.len ? args[2].str : STR("?"))))
        return false;
    result->i64 = (int64_t)((uint64_t)ts + (uint64_t)(zone_offset_ms(zone, ts) - from));
    return true;
}

#define TIME(upper, lower, text)                                                                                       \
    .name = (upper), .declared_name = (lower), .category = "DATE / TIME", .description = (text)
#define SITE(text, function)                                                                                           \
    {                                                                                                                  \
        .signature = (text), .fn = (function), .null_in_null_out = true, .prepare = prepare, .release = release        \
    }

static const struct function table[] = {
    {TIME("CONVERT_TZ", "convert_tz", "The same time of day in another time zone"),
     VARIANTS(SITE("(TIMESTAMP timestamp, STRING fromTimeZone, STRING toTimeZone) -> TIMESTAMP", convert_tz))},
    {TIME("DATETOSTRING", "datetostring", "Days since 1970 as a text (deprecated: use FORMAT_DATE)"),
     VARIANTS(SITE("(INT epochDays, STRING formatPattern) -> STRING", format_date))},
    {TIME("FORMAT_DATE", "format_date", "A DATE as a text"),
     VARIANTS(SITE("(DATE date, STRING formatPattern) -> STRING", format_date))},
    {TIME("FORMAT_TIME", "format_time", "A TIME as a text"),
     VARIANTS(SITE("(TIME time, STRING formatPattern) -> STRING", format_time))},
    {TIME("FORMAT_TIMESTAMP", "format_timestamp", "A TIMESTAMP as a text"),
     VARIANTS(SITE("(TIMESTAMP timestamp, STRING formatPattern) -> STRING", format_timestamp),
              SITE("(TIMESTAMP timestamp, STRING formatPattern, STRING timeZone) -> STRING", format_timestamp))},
    {TIME("PARSE_DATE", "parse_date", "A text as a DATE"),
     VARIANTS(CALL_NOT_NULL("(STRING formattedDate, STRING formatPattern) -> DATE", parse_date_text))},
    {TIME("PARSE_TIME", "parse_time", "A text as a TIME"),
     VARIANTS(SITE("(STRING formattedTime, STRING formatPattern) -> TIME", parse_time_text))},
    {TIME("PARSE_TIMESTAMP", "parse_timestamp", "A text as a TIMESTAMP"),
     VARIANTS(SITE("(STRING formattedTimestamp, STRING formatPattern) -> TIMESTAMP", parse_timestamp_text),
              SITE("(STRING formattedTimestamp, STRING formatPattern, STRING timeZone) -> TIMESTAMP",
                   parse_timestamp_text))},
    {TIME("STRINGTODATE", "stringtodate", "A text as days since 1970 (deprecated: use PARSE_DATE)"),
     VARIANTS(SITE("(STRING formattedDate, STRING formatPattern) -> INT", string_to_date))},
    {TIME("STRINGTOTIMESTAMP", "stringtotimestamp", "A text as milliseconds (deprecated: use PARSE_TIMESTAMP)"),
     VARIANTS(
         SITE("(STRING formattedTimestamp, STRING formatPattern) -> BIGINT", string_to_timestamp),
         SITE("(STRING formattedTimestamp, STRING formatPattern, STRING timeZone) -> BIGINT", string_to_timestamp))},
    {TIME("TIMESTAMPTOSTRING", "timestamptostring", "Milliseconds as a text (deprecated: use FORMAT_TIMESTAMP)"),
     VARIANTS(SITE("(BIGINT epochMilli, STRING formatPattern) -> STRING", timestamp_to_string),
              SITE("(BIGINT epochMilli, STRING formatPattern, STRING timeZone) -> STRING", timestamp_to_string))},
};

const struct function_family functions_datetime = FAMILY(table);
