/* The time of a row from one of its columns: milliseconds, a TIMESTAMP, or a text in a pattern. */
#include "exec/op/source.h"

#include <stdio.h>

struct time_reader {
    enum timestamp_kind kind;
};

enum status time_reader_open(const struct timestamp_spec *spec, const struct type *type, struct arena *a,
                             struct time_reader **out, struct diag *d)
{
    struct time_reader *t = ARENA_NEW(a, struct time_reader);
    *out = t;
    if (!t)
        return diag_nomem(d);
    t->kind = spec->kind;
    (void)type;
    return spec->kind == TS_STRING ? diag_set(d, STATUS_UNSUPPORTED, "Timestamps in texts cannot be read yet") : STATUS_OK;
}

void time_reader_close(struct time_reader *t)
{
    (void)t;
}

bool time_read(struct time_reader *t, const struct column *c, uint32_t row, int64_t *ts, char *error, size_t error_size)
{
    if (column_is_null(c, row)) {
        snprintf(error, error_size, "the timestamp column is null");
        return false;
    }
    if (t->kind != TS_STRING) {
        *ts = c->i64[row];
        if (*ts >= 0)
            return true;
        snprintf(error, error_size, "the timestamp is negative: %lld", (long long)*ts);
        return false;
    }
    return false;
}
