/* Keys as bytes, for state stores: equal keys have equal bytes, and bytes sort as ksqlDB's serialised keys of one
 * column do (text by UTF-8, numbers big-endian two's complement), which is the order in which closed windows are
 * emitted.
 *
 * A column is a byte 1 and its content, or a byte 0 for null. Fixed-size content is big-endian. Text is as it is when
 * it ends the key; before other columns it ends with the bytes 0 0, and a zero byte within is written 0 255. */
#ifndef WEIR_EXEC_KEY_H
#define WEIR_EXEC_KEY_H

#include "core/core.h"

/* The keys of a batch's live rows, by their place in the selection: keys[i] and hashes[i], in `a`. keys[i].p is NULL
 * for a null key: the message had none, or its only column is null. */
enum status keys_encode(const struct schema_column *columns, uint32_t n_keys, const struct batch *b, struct arena *a,
                        struct str **keys, uint64_t **hashes) MUST_CHECK;
/* The same for windowed keys: the window's bounds stand behind each key that is not null, KEY_BOUNDS bytes. */
enum { KEY_BOUNDS = 16 };
enum status keys_add_bounds(const struct batch *b, struct arena *a, struct str *keys, uint64_t *hashes) MUST_CHECK;
/* Back into row `row` of the columns (which have validity); text points into `key`, nested values into `a`. False: bad
 * bytes or no memory. */
bool key_decode(struct str key, uint32_t n_keys, struct column *columns, uint32_t row, struct arena *a);

#endif
