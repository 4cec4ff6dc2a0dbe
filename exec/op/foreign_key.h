/* What the two halves of a join by a foreign key say to each other. A change of a left row is told to the right table's
 * partition of the key as a subscription, with an instruction; the answer carries the right row, and the hash of the
 * left row's value as it was when it asked, so that what is out of date by then can be told. */
#ifndef WEIR_EXEC_OP_FOREIGN_KEY_H
#define WEIR_EXEC_OP_FOREIGN_KEY_H

#include "exec/op/repartition.h"
#include "exec/op/table_rows.h"

enum instruction {
    UNSUBSCRIBE,            /* silently */
    UNSUBSCRIBE_AND_ANSWER, /* with no row */
    SUBSCRIBE_AND_ANSWER,
    SUBSCRIBE_ANSWER_FOUND, /* only if there is a row */
};

/* Behind the keys of a subscription (the foreign key) there are the left key's columns, then these. Places from the
 * end. */
enum { SUBSCRIPTION_PARTITION = 1, SUBSCRIPTION_HASH, SUBSCRIPTION_INSTRUCTION, SUBSCRIPTION_EXTRA = 3 };
/* Of an answer: behind the left key's and the right row's columns. */
enum { ANSWER_PARTITION = 1, ANSWER_HASH, ANSWER_FOUND, ANSWER_EXTRA = 3 };

static inline const struct column *column_from_end(const struct batch *b, uint32_t place)
{
    return &b->columns[b->n_columns - place];
}

/* ---- subscriptions.c: the side of the subscriptions ------------------------------------------------------------- */

struct subscription {
    const struct entry *entry;
    int64_t hash;
    int32_t partition;
};
/* Who has subscribed to a foreign key (its bytes, hash as in exec/key.h), by the left key's serialised bytes; in `a`,
 * until the store changes. */
enum status subscriptions_find(struct op *side, struct str key, uint64_t hash, struct arena *a,
                               struct subscription **out, size_t *n, struct diag *d) MUST_CHECK;
/* The left key's columns of a subscription. False: no memory. */
bool subscription_key(const struct subscription *s, struct column *columns, uint32_t n_keys, uint32_t row,
                      struct arena *a);

#endif
