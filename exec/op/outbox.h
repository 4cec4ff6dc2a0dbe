/* Records on their way out: bytes of a batch's keys and values in one reused buffer, appended in one call. */
#ifndef WEIR_EXEC_OP_OUTBOX_H
#define WEIR_EXEC_OP_OUTBOX_H

#include "exec/exec_int.h"

struct outbox {
    struct buf bytes;
    struct record *records;
    size_t *key_at, *value_at; /* SIZE_MAX: null */
    uint32_t n, cap;
};
void outbox_free(struct outbox *o);
/* Makes room for n records; false: no memory. */
bool outbox_begin(struct outbox *o, uint32_t n);
/* A record: its key is the bytes from `key_at` on, its value those from `value_at` on (SIZE_MAX: null) to the end. The
 * key ends at `key_end`. */
void outbox_add(struct outbox *o, size_t key_at, size_t key_end, size_t value_at, int64_t ts,
                const struct headers *headers);
/* Appends them to the topic, by key. */
enum status outbox_send(struct outbox *o, struct op *op, const char *topic, int32_t partition,
                        struct diag *d) MUST_CHECK;

#endif
