/* Private to formats/: what json_convert.c (names, nested values) and json_scalar.c (scalars, errors) share. */
#ifndef WEIR_FORMATS_JSON_CONVERT_INT_H
#define WEIR_FORMATS_JSON_CONVERT_INT_H

#include "formats/json_int.h"

/* Where what a value points to goes: with the batch if it is kept, else away with the record. */
static inline struct arena *json_arena_of(struct json_context *c, const struct value *out)
{
    return out ? c->run->a : c->scratch;
}

/* The end of the scalar at p, not null, converted for a column of type `t`. `out` NULL: only checked. NULL: as
 * json_convert. */
const char *json_convert_scalar(struct json_context *c, const struct type *t, const char *p,
                                const struct json_path *path, struct value *out);

/* Words the reason "Can't convert type. ..." for a node of Jackson's class `source`, or for the value at p; return
 * NULL. */
const char *json_wrong_kind(struct json_context *c, const struct type *t, const char *source,
                            const struct json_path *path);
const char *json_wrong_value(struct json_context *c, const struct type *t, const char *p, const struct json_path *path);

#endif
