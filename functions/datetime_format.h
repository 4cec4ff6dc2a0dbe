/* Patterns of dates and times in the language of java.time.format.DateTimeFormatter, as ksqlDB uses them: FORMAT_*,
 * PARSE_TIME, PARSE_TIMESTAMP, TIMESTAMP_FORMAT. Texts are parsed without regard to case. (PARSE_DATE has a language of
 * its own: simple_date.h.)
 *
 * A pattern is immutable and may be shared; the zones that are passed in belong to one thread. */
#ifndef WEIR_FUNCTIONS_DATETIME_FORMAT_H
#define WEIR_FUNCTIONS_DATETIME_FORMAT_H

#include "functions/zone.h"

struct datetime_pattern;

/* `root` is the locale of timestamp parsing: full names of months and days equal the short ones there. NULL: a bad
 * pattern (error), or no memory. */
struct datetime_pattern *datetime_pattern_compile(struct arena *a, struct str pattern, bool root, char *error,
                                                  size_t error_size);

/* Text to milliseconds since 1970. What the text does not give is taken from 1970-01-01T00:00, and from `zone`. Errors
 * have the wording of Java: "Text 'x' could not be parsed at index 0". */
bool timestamp_parse(const struct datetime_pattern *p, struct str text, struct zone *zone, int64_t *ms, char *error,
                     size_t error_size);
bool date_parse(const struct datetime_pattern *p, struct str text, int32_t *days, char *error, size_t error_size);
bool time_parse(const struct datetime_pattern *p, struct str text, int32_t *ms, char *error, size_t error_size);

bool timestamp_format(const struct datetime_pattern *p, int64_t ms, struct zone *zone, struct buf *out, char *error,
                      size_t error_size);
bool date_format(const struct datetime_pattern *p, int32_t days, struct buf *out, char *error, size_t error_size);
bool time_format(const struct datetime_pattern *p, int32_t ms, struct buf *out, char *error, size_t error_size);

#endif
