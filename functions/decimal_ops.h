/* DECIMAL arithmetic and conversion on 128-bit unscaled numbers, with BigDecimal's results or a refusal. Used by casts,
 * by functions and by exec/expr. All functions return false where the result cannot be represented. */
#ifndef WEIR_FUNCTIONS_DECIMAL_OPS_H
#define WEIR_FUNCTIONS_DECIMAL_OPS_H

#include "core/core.h"

/* v * 10^-scale into DECIMAL(to): the value itself must be below 10^(p - s); then it is rounded HALF_UP. `error` gets
 * ksqlDB's overflow text. */
bool decimal_fit(int128 v, int scale, const struct type *to, int128 *out, char *error, size_t error_size);
bool decimal_from_double(double d, const struct type *to, int128 *out, char *error, size_t error_size);
double decimal_to_double(int128 v, unsigned scale);
/* Truncates to a whole number, and keeps the low bits. */
int64_t decimal_to_i64(int128 v, unsigned scale);
/* Compares numerically, whatever the scales. */
int decimal_cmp(int128 x, unsigned x_scale, int128 y, unsigned y_scale);
/* Exact results in the scale of `to`, which is the SQL result type; precision is checked. */
bool decimal_add(int128 x, unsigned x_scale, int128 y, unsigned y_scale, const struct type *to, int128 *out);
bool decimal_sub(int128 x, unsigned x_scale, int128 y, unsigned y_scale, const struct type *to, int128 *out);
bool decimal_mul(int128 x, unsigned x_scale, int128 y, unsigned y_scale, const struct type *to, int128 *out);
bool decimal_div(int128 x, unsigned x_scale, int128 y, unsigned y_scale, const struct type *to, int128 *out);
bool decimal_mod(int128 x, unsigned x_scale, int128 y, unsigned y_scale, const struct type *to, int128 *out);

enum decimal_rounding { DECIMAL_HALF_UP, DECIMAL_HALF_DOWN, DECIMAL_TRUNCATE, DECIMAL_FLOOR, DECIMAL_CEIL };
/* v * 10^-scale rounded to `places` digits behind the point (may be negative), as a number of scale max(places, 0).
 * HALF_UP and HALF_DOWN are by magnitude. */
bool decimal_round(int128 v, int scale, int places, enum decimal_rounding how, int128 *out);

#endif
