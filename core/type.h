/* SQL types and schemas. Types are immutable and compared by structure; they live in an arena or in static storage.
 * The scalar types without parameters are the constants TYPE_*. */
#ifndef WEIR_CORE_TYPE_H
#define WEIR_CORE_TYPE_H

#include "str.h"

enum type_kind {
    KIND_NULL, /* the type of a literal NULL: fits everything */
    KIND_BOOLEAN,
    KIND_INT,
    KIND_BIGINT,
    KIND_DECIMAL,
    KIND_DOUBLE,
    KIND_STRING,
    KIND_BYTES,
    KIND_DATE,      /* days since 1970-01-01 */
    KIND_TIME,      /* milliseconds since midnight */
    KIND_TIMESTAMP, /* milliseconds since 1970-01-01T00:00Z */
    KIND_ARRAY,
    KIND_MAP,
    KIND_STRUCT,
    KIND_LAMBDA,    /* only while functions are resolved */
    KIND_UNIT,      /* a bare time unit as a function argument; its value is a KIND_STRING in capitals, plural */
};

struct type;
struct field {
    struct str name; /* as resolved: upper case unless it was quoted */
    const struct type *type;
};

struct type {
    enum type_kind kind;
    uint16_t precision, scale;  /* DECIMAL */
    const struct type *key;     /* MAP */
    const struct type *element; /* ARRAY element, MAP value */
    uint32_t n_fields;          /* STRUCT */
    const struct field *fields;
};

extern const struct type TYPE_NULL, TYPE_BOOLEAN, TYPE_INT, TYPE_BIGINT, TYPE_DOUBLE, TYPE_STRING, TYPE_BYTES,
    TYPE_DATE, TYPE_TIME, TYPE_TIMESTAMP, TYPE_LAMBDA, TYPE_UNIT;

/* Constructors; NULL when memory is out. Arguments are borrowed, and must live as long as the arena. */
const struct type *type_decimal(struct arena *a, unsigned precision, unsigned scale);
const struct type *type_array(struct arena *a, const struct type *element);
const struct type *type_map(struct arena *a, const struct type *key, const struct type *value);
const struct type *type_struct(struct arena *a, const struct field *fields, uint32_t n);
const struct type *type_copy(struct arena *a, const struct type *t); /* deep */

bool type_eq(const struct type *x, const struct type *y); /* deep; DECIMALs by precision and scale */
static inline bool type_is_nested(const struct type *t)
{
    return t->kind == KIND_ARRAY || t->kind == KIND_MAP || t->kind == KIND_STRUCT;
}
static inline bool type_is_numeric(const struct type *t)
{
    return t->kind >= KIND_INT && t->kind <= KIND_DOUBLE;
}
/* Index of the field, or -1. Exact names. */
int type_field(const struct type *t, struct str name);

/* Writes the name as ksqlDB's messages do: INTEGER, DECIMAL(4, 2), ARRAY<STRING>, MAP<STRING, INTEGER>,
 * STRUCT<`F` STRING, ...>. */
void type_print(struct buf *out, const struct type *t);
const char *type_base_name(enum type_kind kind); /* INTEGER, BIGINT, ..., DECIMAL, ARRAY, MAP, STRUCT; "null" */

/* ---- schemas ------------------------------------------------------------------------------------------ */

enum window_kind { WINDOW_NONE, WINDOW_TUMBLING, WINDOW_HOPPING, WINDOW_SESSION };

enum column_role { ROLE_KEY, ROLE_VALUE, ROLE_HEADERS, ROLE_HEADER };

struct schema_column {
    struct str name;
    const struct type *type;
    enum column_role role;
    struct str header; /* ROLE_HEADER: which one */
};

/* The columns of a source or of a plan step: key columns first (`n_keys` of them), then the others in order. */
struct schema {
    uint32_t n_columns, n_keys;
    const struct schema_column *columns;
    enum window_kind window; /* a windowed key carries window start and end beside the key columns */
    int64_t window_size;     /* ms; TUMBLING and HOPPING; 0 if not known */
};

int schema_find(const struct schema *s, struct str name); /* index or -1; exact */
/* `K` STRING KEY, `V` INTEGER   (no brackets) */
void schema_print(struct buf *out, const struct schema *s);
/* An identifier as messages show it: `name` in backquotes, inner ones doubled. */
void name_print_quoted(struct buf *out, struct str name);
bool schema_eq(const struct schema *x, const struct schema *y);

#endif
