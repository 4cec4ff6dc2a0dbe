/* The two conversions between doubles and decimal text that need big tables; the C++ standard library has them.
 * Private to core/. */
#ifndef WEIR_CORE_SHORTEST_H
#define WEIR_CORE_SHORTEST_H

#ifdef __cplusplus
extern "C" {
#endif

enum { SHORTEST_MAX = 32 };

/* Writes a finite double as D[.DDD]e[+-]XX, with the fewest digits that read back as the same number and, of those,
 * the nearest. Returns the length; no NUL. */
int shortest_print(char *out, double d);

/* Reads the decimal (or, without its 0x, hexadecimal) floating-point number that is all of [p, end): 1. Else 0.
 * 2: the number is too large or too small for a double; `out` is then not set. */
int shortest_parse(const char *p, const char *end, int is_hex, double *out);

#ifdef __cplusplus
}
#endif

#endif
