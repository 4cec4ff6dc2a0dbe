/* Variable states that are arrays: values in, new values out; nothing is changed in place. */
#ifndef WEIR_FUNCTIONS_LIST_STATE_H
#define WEIR_FUNCTIONS_LIST_STATE_H

#include "functions/functions.h"

static inline uint32_t list_n(const struct value *list) /* null: empty */
{
    return value_is_null(list) ? 0 : list->nested->n;
}
static inline const struct value *list_items(const struct value *list)
{
    return value_is_null(list) ? NULL : list->nested->items;
}
bool aggregate_error(struct aggregate_call *c, const char *format, ...) PRINTF_LIKE(2, 3); /* always false */
/* An ARRAY of n null items; NULL after aggregate_error. */
struct value *list_new(struct aggregate_call *c, uint32_t n, struct value *out);
/* `list` with `item` put in before position `at`, and the last one dropped when there would be more than `most`. */
bool list_insert(struct aggregate_call *c, const struct value *list, uint32_t at, const struct value *item,
                 uint32_t most, struct value *out);
bool list_remove(struct aggregate_call *c, const struct value *list, uint32_t at, struct value *out);
bool list_result(struct aggregate_call *c, const void *state, struct value *out); /* the state itself; null gives [] */
void list_init(const struct aggregate_call *c, void *state);
uint32_t variable_size(const struct aggregate_call *c); /* 0 */
/* A STRUCT of n fields, copied. */
bool struct_new(struct aggregate_call *c, const struct value *fields, uint32_t n, struct value *out);

#endif
