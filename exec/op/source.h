/* Reading records: what the source operator and its time extraction share. */
#ifndef WEIR_EXEC_OP_SOURCE_H
#define WEIR_EXEC_OP_SOURCE_H

#include "exec/rows.h"

/* Takes the time of rows from a column; not for TS_RECORD and TS_WALL_CLOCK. */
struct time_reader;
enum status time_reader_open(const struct timestamp_spec *spec, const struct type *type, struct arena *a,
                             struct time_reader **out, struct diag *d) MUST_CHECK;
void time_reader_close(struct time_reader *t);
enum time_result {
    TIME_OK,
    TIME_NONE,     /* a null, or a text that is no time; the reason is in `error` */
    TIME_NEGATIVE, /* before 1970, which no record can be: the same */
};
enum time_result time_read(struct time_reader *t, const struct column *c, uint32_t row, int64_t *ts, char *error,
                           size_t error_size);

#endif
