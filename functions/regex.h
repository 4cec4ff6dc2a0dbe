/* Java's regular expressions (java.util.regex of JDK 17), run by PCRE2. */
#ifndef WEIR_FUNCTIONS_REGEX_H
#define WEIR_FUNCTIONS_REGEX_H

#include "core/core.h"

/* Rewrites a Java pattern for PCRE2 in UTF mode. False: `error` says what is wrong with it. */
bool regex_translate(struct str java, struct buf *out, char *error, size_t error_size);

struct regex;
struct regex *regex_compile(struct str java, char *error, size_t error_size); /* NULL: bad pattern, or no memory */
void regex_free(struct regex *r);                                             /* NULL is allowed */
uint32_t regex_groups(const struct regex *r);                                 /* without group 0 */
int32_t regex_group_number(const struct regex *r, struct str name);           /* -1: there is none */

enum regex_result { REGEX_NO_MATCH, REGEX_MATCH, REGEX_ERROR };
/* The next match at or behind byte `from`. The groups are valid until the next call. */
enum regex_result regex_find(struct regex *r, struct str text, uint32_t from, char *error, size_t error_size);
bool regex_group(const struct regex *r, uint32_t group, uint32_t *start, uint32_t *end); /* false: did not take part */

#endif
