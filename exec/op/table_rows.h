/* Tables that are kept: the present row of each key in the store of an operator, which takes changes, hands them on
 * with the previous rows, at once or coalesced at flush, and can be asked for rows. Of table sources and of the sides
 * of joins. A later arrival wins whatever its time. */
#ifndef WEIR_EXEC_OP_TABLE_ROWS_H
#define WEIR_EXEC_OP_TABLE_ROWS_H

#include "exec/rows.h"

struct table_rows;
struct table_rows_options {
    const char *store;
    const struct schema *schema; /* of the table */
    bool windowed;               /* the bounds of windows are part of the key */
    bool silent;                 /* changes are not handed on */
    bool old;                    /* rows are asked for as they were handed on */
    bool partition, offset;      /* of its record are known of each row */
};
/* The operator, with its store. */
enum status table_rows_open(struct op *op, const struct table_rows_options *options, struct table_rows **out,
                            struct diag *d) MUST_CHECK;
void table_rows_close(struct table_rows *t); /* NULL is fine */
/* Applies the changes; emits them unless they are coalesced. The batch has kinds. Rows without a key change nothing. */
enum status table_rows_push(struct table_rows *t, struct batch *b, struct diag *d) MUST_CHECK;
/* Emits what was held back, and writes the changelog. */
enum status table_rows_flush(struct table_rows *t, struct diag *d) MUST_CHECK;

/* Rows for the rows of a batch, whose first columns are the table's keys: those that are present, or (`handed_on`) what
 * those below know of, who will be told of the changes that are held back at flush. All in the batch's arena, by row. */
struct table_found {
    const struct entry **entries; /* present rows only; NULL: there is none; until the store changes */
    uint8_t *is_there;
    int64_t *ts;
    struct column *values; /* the table's value columns; null where there is none */
};
enum status table_rows_find(struct table_rows *t, struct batch *b, bool handed_on, struct table_found *f,
                            struct diag *d) MUST_CHECK;

#endif
