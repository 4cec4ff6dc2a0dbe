/* Batches: what flows between operators. Up to BATCH_ROWS rows as typed columns.
 *
 * A batch is counted: batch_keep / batch_drop. Whoever is handed a batch borrows it; who keeps it longer than the call
 * takes a count. Everything a batch points to lives in its arena or in the owners that it keeps (record batches that
 * were fetched, other batches). Columns may be shared between batches in that way, so a column is not written to after
 * the operator that made it has passed it on. One thread at a time.
 *
 * Rows of a stream are ROW_APPEND. Rows of a table are ROW_UPSERT or ROW_DELETE (a tombstone: value columns are all null), and
 * may come with their previous state in `before`.
 *
 * `selection` picks rows without copying: when it is not NULL the live rows are selection[0..n_selected), ascending
 * indexes into the columns. Use BATCH_EACH. */
#ifndef WEIR_CORE_BATCH_H
#define WEIR_CORE_BATCH_H

#include "value.h"

enum { BATCH_ROWS = 4096 };

enum row_kind { ROW_APPEND, ROW_UPSERT, ROW_DELETE };

/* One column: `data` by kind, and a validity bit a row (`valid` NULL: no nulls). Cells of null rows are undefined.
 *   BOOLEAN u8 · INT DATE TIME i32 · BIGINT TIMESTAMP i64 · DOUBLE f64 · DECIMAL int128 · STRING BYTES struct str
 *   ARRAY MAP STRUCT: const struct nested * (why not offsets and children: ARCHITECTURE.md) */
struct column {
    const struct type *type;
    uint64_t *valid;
    union {
        void *data;
        uint8_t *u8;
        int32_t *i32;
        int64_t *i64;
        double *f64;
        int128 *i128;
        struct str *str;
        const struct nested **nested;
    };
};

struct record_header {
    struct str key;
    struct str value;
    bool is_null; /* the value is null */
};
struct headers { /* of one record; immutable, shared */
    uint32_t n;
    const struct record_header *items;
};

struct batch {
    int refs;
    uint32_t n_rows;      /* physical rows in the columns */
    uint32_t n_selected;  /* live rows; == n_rows when selection is NULL */
    uint16_t *selection;
    uint32_t n_columns;   /* as in the schema of the step: keys first */
    struct column *columns;
    const int64_t *ts;    /* ROWTIME of each row */
    const int64_t *window_start, *window_end; /* windowed keys only, else NULL */
    const uint8_t *kinds; /* enum row_kind; NULL: all ROW_APPEND */
    const uint8_t *null_value; /* 1: the message value was null (streams keep such rows); NULL: none */
    const uint8_t *null_key;   /* 1: the message key was null; NULL: none */
    const int32_t *partition;  /* ROWPARTITION, ROWOFFSET: only where the plan reads them, else NULL */
    const int64_t *offset;
    const struct headers *const *headers; /* NULL: none; single entries may be NULL */
    struct batch *before;      /* previous state of the same rows (same n_rows, columns), or NULL; kept by batch_own */
    const uint8_t *has_before; /* 1: the row existed before; only with `before` */
    struct arena arena;
    struct batch_owner *owners;
};

#define BATCH_EACH(b, i, row)                                                                                          \
    for (uint32_t i = 0, row = 0; i < (b)->n_selected && (row = (b)->selection ? (b)->selection[i] : i, 1); i++)

struct batch *batch_create(uint32_t n_columns); /* refs 1, no rows, columns zeroed; NULL: no memory */
struct batch *batch_keep(struct batch *b);
void batch_drop(void *batch); /* void: fits batch_own */
/* Calls drop(thing) when the batch goes: for fetched records, parents whose columns are shared. False: no memory
 * (then `drop` was called at once). */
bool batch_own(struct batch *b, void *thing, void (*drop)(void *));
/* A batch with the same rows, system columns and selection as `parent`, sharing them (parent is kept), but room for
 * `n_columns` columns of its own. */
struct batch *batch_derive(struct batch *parent, uint32_t n_columns);

/* Allocates data (and, when `nullable`, validity, all bits set) for `rows` rows in the arena. False: no memory. */
bool column_init(struct column *c, const struct type *type, uint32_t rows, bool nullable, struct arena *a);
size_t type_cell_size(enum type_kind kind); /* bytes of a cell */
static inline bool column_is_null(const struct column *c, uint32_t row)
{
    return c->valid && !(c->valid[row >> 6] >> (row & 63) & 1);
}
static inline void column_set_null(struct column *c, uint32_t row) /* valid must not be NULL */
{
    c->valid[row >> 6] &= ~(UINT64_C(1) << (row & 63));
}
static inline void column_set_valid(struct column *c, uint32_t row)
{
    c->valid[row >> 6] |= UINT64_C(1) << (row & 63);
}
/* One cell as a value; strings and nested parts are borrowed from the column. */
struct value column_get(const struct column *c, uint32_t row);
/* Stores a value (of the column's kind, or null: then `valid` must be there). Nothing is copied deeply. */
void column_set(struct column *c, uint32_t row, const struct value *v);

#endif
