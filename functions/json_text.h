/* JSON documents as trees, for the JSON functions: strict syntax, numbers as they were written, text behind the first
 * value ignored. (Records are read by formats/, not by this.) */
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
    const struct json *first; /* of the children; of equal keys only the last is there, at the place of the first */
    const struct json *next;
};

#define JSON_EACH(parent_node, child) for (const struct json *child = (parent_node)->first; child; child = child->next)

/* NULL: bad syntax (error set), or no memory. */
const struct json *json_parse(struct arena *a, struct str text, char *error, size_t error_size);
void json_print(struct buf *out, const struct json *j); /* compact */
void json_print_string(struct buf *out, struct str s);  /* quoted and escaped */

#endif
