/* Values: one SQL value outside a column. Used for literals, nested data, row-at-a-time functions and state.
 *
 * A value is plain data: copying the struct shares what it points to. Strings and nested parts are borrowed, usually
 * from the arena of the batch or the plan. The kind of a non-null value always equals the kind of its SQL type;
 * DECIMALs carry no scale: their type does. */
#ifndef WEIR_CORE_VALUE_H
#define WEIR_CORE_VALUE_H

#include "type.h"

typedef __int128 int128;

struct value {
    uint8_t kind; /* enum type_kind; KIND_NULL is SQL NULL, whatever the type */
    union {
        bool boolean;
        int32_t i32;              /* INT, DATE, TIME */
        int64_t i64;              /* BIGINT, TIMESTAMP */
        double f64;
        struct str str;           /* STRING, BYTES, UNIT */
        const int128 *decimal;    /* the unscaled number */
        const struct nested *nested; /* ARRAY, MAP, STRUCT */
    };
};

/* ARRAY: n items. STRUCT: one item a field, in the order of the type. MAP: n items and their n keys, in the order in
 * which a Java HashMap would list them (see value_map_order), without duplicates. */
struct nested {
    uint32_t n;
    struct value *items;
    struct value *keys; /* MAP only */
};

#define VALUE_NULL ((struct value){.kind = KIND_NULL})
static inline bool value_is_null(const struct value *v)
{
    return v->kind == KIND_NULL;
}

/* Deep copy; false when memory is out. */
bool value_copy(struct arena *a, struct value *to, const struct value *from);
/* Equality as Java's equals: NaN equals NaN, 0.0 differs from -0.0, nulls equal nulls, kinds must match. DECIMALs of
 * one type compare by their unscaled number. */
bool value_eq(const struct value *x, const struct value *y);
/* Order as Java's compareTo for scalars of one kind (strings by UTF-16 unit, bytes unsigned, NaN highest).
 * Neither may be null or nested. */
int value_cmp(const struct value *x, const struct value *y);
uint64_t value_hash(const struct value *v); /* xxh3; equal values hash alike */
int32_t value_java_hash(const struct value *v); /* as Java's hashCode of the boxed value */

/* Sorts the entries of a map as a java.util.HashMap with these keys, inserted in this order, lists them; of equal keys
 * the last wins. `n` is updated. False when memory is out. Algorithm: java.util.HashMap's documented table: slot =
 * (h ^ h>>>16) & (size-1), size a power of two >= 16 doubled when n exceeds 0.75 of it. */
bool value_map_order(struct arena *a, struct value *keys, struct value *items, uint32_t *n);
/* The same for a HashMap that was made for `capacity` entries: its table may be smaller than 16. */
bool value_map_order_sized(struct arena *a, struct value *keys, struct value *items, uint32_t *n, uint32_t capacity);

/* Writes the value as CAST(x AS STRING) shows it; `t` is its type. Null prints "null". */
void value_print(struct buf *out, const struct value *v, const struct type *t);
/* The same inside of lists, maps and structs: there decimals may have an exponent, and times are those of java.sql. */
void value_print_element(struct buf *out, const struct value *v, const struct type *t);

/* ---- number texts, as Java writes and reads them ------------------------------------------------------- */
void print_double(struct buf *out, double d);                            /* Double.toString, shortest digits */
void print_decimal(struct buf *out, int128 unscaled, unsigned scale);    /* BigDecimal.toPlainString */
void print_decimal_sci(struct buf *out, int128 unscaled, unsigned scale);/* BigDecimal.toString */
bool parse_i64(struct str s, int64_t *out);       /* Long.parseLong: optional sign, digits, all of `s` */
bool parse_double(struct str s, double *out);     /* Double.parseDouble */
/* A decimal text with optional sign, point and exponent into an exact number: value = unscaled * 10^-scale (scale may be negative).
 * False for bad text or more than 38 digits. */
bool parse_decimal(struct str s, int128 *unscaled, int *scale);
/* Rescales HALF_UP; false on overflow of 128 bits. */
bool decimal_rescale(int128 v, int from_scale, int to_scale, int128 *out);
int decimal_digits(int128 v); /* number of decimal digits of |v|; 1 for 0 */
int128 decimal_pow10(unsigned n); /* n <= 38 */

#endif
