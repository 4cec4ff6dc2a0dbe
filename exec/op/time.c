/* The time of a row from one of its columns: milliseconds, a TIMESTAMP, or a text in a pattern. */
#include "exec/op/source.h"

#include "functions/datetime_format.h"

#include <stdio.h>

struct time_reader {
    enum timestamp_kind kind;
    struct datetime_pattern *pattern; /* TS_STRING */
    struct zone *zone;                /* of texts that name none: the system's */
};

enum status time_reader_open(const struct timestamp_spec *spec, const struct type *type, struct arena *a,
                             struct time_reader **out, struct diag *d)
{
    (void)type;
    struct time_reader *t = ARENA_NEW(a, struct time_reader);
    *out = t;
    if (!t)
        return diag_nomem(d);
    t->kind = spec->kind;
    if (spec->kind != TS_STRING)
        return STATUS_OK;
    char error[256] = "";
    t->zone = zone_open_system();
    if (!t->zone)
        return diag_nomem(d);
    t->pattern = datetime_pattern_compile(a, spec->format, true, error, sizeof error);
    if (t->pattern)
        return STATUS_OK;
    return a->failed ? diag_nomem(d) : diag_set(d, STATUS_INVALID, "%s", error);
}

void time_reader_close(struct time_reader *t)
{
    if (t)
        zone_close(t->zone);
}

enum time_result time_read(struct time_reader *t, const struct column *c, uint32_t row, int64_t *ts, char *error,
                           size_t error_size)
{
    if (column_is_null(c, row)) {
        snprintf(error, error_size, "the timestamp column is null");
        return TIME_NONE;
    }
    if (t->kind != TS_STRING)
        *ts = c->i64[row];
    else if (!timestamp_parse(t->pattern, c->str[row], t->zone, ts, error, error_size))
        return TIME_NONE;
    if (*ts >= 0)
        return TIME_OK;
    snprintf(error, error_size, "the timestamp is negative: %lld", (long long)*ts);
    return TIME_NEGATIVE;
}
