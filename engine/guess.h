/* Guessing the format of keys and values from their bytes, for PRINT. */
#ifndef WEIR_ENGINE_GUESS_H
#define WEIR_ENGINE_GUESS_H

#include "core/core.h"

/* Formats that all bytes seen so far could be, as a set of bits. */
struct guess {
    uint32_t possible;
    bool seen;   /* something that is not null */
    bool is_key; /* keys may be windowed */
    const char *schema_format; /* what those with a schema in a registry are; NULL: it is not known which */
};
void guess_init(struct guess *g, bool is_key);
/* Takes bytes into account (p NULL: null, tells nothing). True: the set is smaller now, or this was the first. */
bool guess_narrow(struct guess *g, struct str bytes);
/* Whether they are taken for records with a schema in a registry. */
bool guess_is_framed(const struct guess *g);
/* "JSON or KAFKA_STRING" */
void guess_print_formats(const struct guess *g, struct buf *out);
/* The bytes as the first of the formats shows them; null: <null>. */
void guess_print(const struct guess *g, struct str bytes, struct buf *out);

#endif
