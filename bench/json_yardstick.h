/* JSON as simdjson reads it: what the decoder is measured against, and what its grammar is checked against. */
#ifndef WEIR_BENCH_JSON_YARDSTICK_H
#define WEIR_BENCH_JSON_YARDSTICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct yardstick;
struct yardstick *yardstick_create(void);
void yardstick_destroy(struct yardstick *y);

/* Reads ordertime, userid and orderunits of an order by the On-Demand interface, after a copy to padded memory. False:
 * bad. Members behind the last one of these are only partly checked. */
bool yardstick_order(struct yardstick *y, const char *p, size_t len, int64_t *time, const char **user, size_t *user_len,
                     double *units);
/* Whether all of the text is one valid JSON document (DOM parser: everything is checked). */
bool yardstick_valid(struct yardstick *y, const char *p, size_t len);

#ifdef __cplusplus
}
#endif

#endif
