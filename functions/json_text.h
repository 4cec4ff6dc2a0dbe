/* JSON documents as trees: strict syntax, numbers as they were written. (Records are read by formats/, not by this.) */
#ifndef WEIR_FUNCTIONS_JSON_TEXT_H
#define WEIR_FUNCTIONS_JSON_TEXT_H

#include "core/core.h"

enum json_kind {
    JSON_MISSING, /* the whole text is blank */
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_INTEGER, /* text: the digits */
    JSON_DECIMAL, /* text: with point or exponent */
    JSON_STRING,  /* text: unescaped */
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json {
    enum json_kind kind;
    struct str text;
    struct str key; /* as a member of an object */
    uint32_t n;
    struct json *first; /* of the children; of equal keys only the last is there, at the place of the first */
    struct json *next;
};

/* None where there is no parent. */
#define JSON_EACH(parent, child)                                                                                       \
    for (const struct json *child = (parent) ? (parent)->first : NULL; child; child = child->next)

/* For the JSON functions: what stands behind the first value is ignored. NULL: bad syntax (error set), or no memory. */
const struct json *json_parse(struct arena *a, struct str text, char *error, size_t error_size);
/* For files: the whole text is one value, comments count as blanks, and errors name the line. */
const struct json *json_parse_file(struct arena *a, struct str text, char *error, size_t error_size);

/* Compact; decimals as java.math.BigDecimal prints them. */
void json_print(struct buf *out, const struct json *j);
void json_print_as_written(struct buf *out, const struct json *j); /* the same, numbers as they were read */
void json_print_string(struct buf *out, struct str s);             /* quoted and escaped */

#endif
