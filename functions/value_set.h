/* A set of values by Java's equality, in the order of insertion. For functions that drop duplicates. */
#ifndef WEIR_FUNCTIONS_VALUE_SET_H
#define WEIR_FUNCTIONS_VALUE_SET_H

#include "core/core.h"

struct value_set {
    const struct value **items; /* distinct, in order; borrowed */
    uint32_t n;
    uint32_t *slots; /* index + 1; 0: free */
    uint32_t mask;
};

bool value_set_init(struct value_set *s, struct arena *a, uint32_t room); /* false: no memory */
bool value_set_has(const struct value_set *s, const struct value *v);
bool value_set_add(struct value_set *s, const struct value *v); /* false: it was there; at most `room` adds */
int64_t value_set_index(const struct value_set *s, const struct value *v); /* in `items`; -1: not there */

#endif
