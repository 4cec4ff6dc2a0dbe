/* Time zones as java.time.ZoneId knows them: offsets, and regions of the tz database (rules from ICU). A zone remembers
 * the last period without a change of its offset, so that most look-ups are two comparisons. One thread at a time. */
#ifndef WEIR_FUNCTIONS_ZONE_H
#define WEIR_FUNCTIONS_ZONE_H

#include "core/core.h"

struct zone;
/* NULL: there is no such zone (regions are case-sensitive), or no memory. */
struct zone *zone_open(struct str id);
struct zone *zone_open_system(void);
void zone_close(struct zone *z); /* NULL is allowed */
struct str zone_id(const struct zone *z);
int32_t zone_offset_ms(struct zone *z, int64_t utc_ms); /* east of UTC */
/* A time in a gap is moved on by its length; of two possible instants the earlier one is meant. */
int64_t zone_to_utc(struct zone *z, int64_t local_ms);
/* PDT, Pacific Daylight Time. */
void zone_print_name(struct buf *out, struct zone *z, int64_t utc_ms, bool full);

#endif
