/* Private to formats/: Avro schemas as trees, and the programs that read and write Avro's binary encoding.
 *
 * A schema text becomes a graph of struct avro_type (named types may contain themselves). From that come the columns that
 * it stands for (avro_columns.c), a program that reads records with it into columns (avro_compile.c, avro_read.c), and
 * one that writes columns with it (avro_plan.c, avro_write.c). Only the features of Avro and of Connect's attributes that
 * reach columns are kept: no documentation, aliases or sort orders. Functions begin with av_: avro_ is the prefix of
 * Apache's library, which tests compare with. */
#ifndef WEIR_FORMATS_AVRO_INT_H
#define WEIR_FORMATS_AVRO_INT_H

#include "formats/formats_int.h"

/* ---- schemas (avro_schema.c) -------------------------------------------------------------------------- */

enum wire_kind { WIRE_NULL, WIRE_BOOLEAN, WIRE_INT, WIRE_LONG, WIRE_FLOAT, WIRE_DOUBLE, WIRE_BYTES, WIRE_STRING,
                 WIRE_FIXED, WIRE_ENUM, WIRE_ARRAY, WIRE_MAP, WIRE_RECORD, WIRE_UNION };
enum logical_kind { LOGICAL_NONE, LOGICAL_DECIMAL, LOGICAL_DATE, LOGICAL_TIME, LOGICAL_TIMESTAMP };

struct avro_type;
struct avro_field {
    struct str name;
    const struct avro_type *type;
    struct str preset; /* the default as JSON text; p NULL: none */
};

struct read_op;
struct avro_type {
    enum wire_kind kind;
    enum logical_kind logical;
    uint32_t precision, scale; /* LOGICAL_DECIMAL; the precision may be beyond what columns hold */
    struct str name;           /* RECORD, ENUM, FIXED: without namespace */
    uint32_t n;                /* fields, members, symbols; FIXED: bytes */
    const struct avro_field *fields;
    const struct avro_type **members;
    const struct str *symbols;
    const struct avro_type *element; /* ARRAY; MAP: of the values */
    bool is_entry;     /* a record of Connect that stands for an entry of a map */
    bool busy;         /* for walks over types that contain themselves */
    struct read_op *skip; /* passes a value; made on demand */
};

const char *av_wire_name(enum wire_kind kind); /* "int" */
/* Parses a schema with all that it refers to. STATUS_INVALID: it is none; STATUS_IO from the registry. */
enum status av_parse(struct registry *r, const struct registered_schema *schema, struct arena *a,
                       struct avro_type **out, struct diag *d) MUST_CHECK;
/* An array whose elements are key and value: for a MAP column. */
bool av_is_entries(const struct avro_type *t);
/* The only member beside null; NULL: there are several, or none. */
const struct avro_type *av_optional(const struct avro_type *t);
/* Connect's name for a member of a union. */
struct str av_member_name(const struct avro_type *t);
/* The field or member with this name, else one that differs in case only, of `n`; -1: none. */
int av_find(struct str name, uint32_t n, struct str (*name_at)(const void *of, uint32_t i), const void *of);
struct str av_field_name(const void *fields, uint32_t i);  /* of: struct avro_field[] */
struct str av_struct_name(const void *type, uint32_t i);   /* of: struct type */

/* As columns_from_schema and columns_to_schema (avro_columns.c, avro_text.c). */
enum status av_columns_from(const struct format_spec *spec, struct registry *r,
                              const struct registered_schema *schema, bool is_key, struct arena *a,
                              const struct schema_column **columns, uint32_t *n_columns, struct diag *d) MUST_CHECK;
enum status av_columns_to(const struct format_spec *spec, const struct schema_column *columns, uint32_t n,
                            bool is_key, struct buf *out, struct diag *d) MUST_CHECK;

/* ---- binary values ------------------------------------------------------------------------------------ */

/* A number of 1 to 10 bytes; returns its end, NULL: it has none. */
static inline const char *av_get_long(const char *p, const char *end, int64_t *out)
{
    uint64_t v = 0;
    if (__builtin_expect(p < end && (unsigned char)*p < 0x80, 1)) {
        v = (unsigned char)*p;
        *out = (int64_t)(v >> 1 ^ (0 - (v & 1)));
        return p + 1;
    }
    for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
        uint64_t byte = (unsigned char)*p++;
        v |= (byte & 0x7F) << shift;
        if (byte < 0x80) {
            *out = (int64_t)(v >> 1 ^ (0 - (v & 1)));
            return p;
        }
    }
    return NULL;
}

static inline void av_put_long(struct buf *out, int64_t value)
{
    uint64_t v = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
    if (!buf_reserve(out, 10))
        return;
    char *p = out->p + out->len;
    for (; v >= 0x80; v >>= 7)
        *p++ = (char)(v | 0x80);
    *p++ = (char)v;
    out->len = (size_t)(p - out->p);
}

/* ---- reading (avro_compile.c, avro_read.c, avro_skip.c) ----------------------------------------------- */

enum read_code {
    READ_NULL, READ_BOOLEAN, READ_INT, READ_TIME, READ_LONG, READ_WHOLE_DOUBLE, READ_FLOAT, READ_DOUBLE, READ_STRING,
    READ_BYTES, READ_FIXED, READ_ENUM, READ_DECIMAL, READ_TEXT,
    READ_UNION, READ_UNION_STRUCT, READ_ARRAY, READ_MAP, READ_ENTRIES, READ_STRUCT, READ_MISFIT,
    SKIP_NUMBER, SKIP_BYTES, SKIP_SIZED, SKIP_ENUM, SKIP_UNION, SKIP_ARRAY, SKIP_MAP, SKIP_RECORD,
};

enum { NO_FIELD = UINT32_MAX };

/* Reads one value of the writer's into a node of the plan, or passes over it. */
struct read_op {
    uint8_t code;
    uint8_t wire;     /* enum wire_kind */
    bool strict;      /* has to run even if nobody takes the value: it may refuse it */
    bool is_optional; /* a branch of a union comes first: null_byte, or value_byte and the value */
    char null_byte, value_byte;
    int32_t direct;   /* the column that takes the value, if it is one of a scalar; else -1 */
    uint32_t field;   /* in the STRUCT that takes it; NO_FIELD: none */
    uint32_t n;       /* of ops, symbols; bytes of FIXED */
    uint32_t least;   /* bytes of the shortest element; 0: it may have none */
    uint32_t scale;   /* of the writer's decimals */
    const struct decode_node *node;
    struct read_op **ops; /* record: its fields; union: its members; array, map: [0] the element */
    const struct str *symbols;
    uint32_t n_missing;
    const struct decode_node **missing; /* fields that the writer does not have */
    const char *misfit;
};

/* NULL: no memory. */
struct read_op *av_compile(struct arena *a, struct avro_type *writer, struct decode_node *node);

struct read_run {
    struct decode_run *run;
    const char *end;
    uint32_t depth;
    uint32_t empties; /* elements without bytes that may still come */
};

/* Reads one value; *out gets it unless NULL. Returns its end; NULL: run->reason has why if it is more than bad encoding, or
 * memory is out. */
const char *av_read(struct read_run *c, const struct read_op *op, const char *p, struct value *out);
const char *av_skip(struct read_run *c, const struct read_op *op, const char *p);
/* The operation for the branch that a union takes, and behind it; NULL: there is no such branch. */
const struct read_op *av_branch(struct read_run *c, const struct read_op *op, const char **p);
/* Moves to the next block of an array or map, with *n elements; 0: the end. *bytes of it, where they are told, else -1. */
const char *av_block(struct read_run *c, uint32_t least, const char *p, uint64_t *n, int64_t *bytes);
/* Two's complement, big end first; false: more than 128 bits. */
bool av_get_decimal(struct str bytes, int128 *out);

/* ---- writing (avro_plan.c, avro_write.c) -------------------------------------------------------------- */

enum write_code {
    WRITE_NULL, WRITE_BOOLEAN, WRITE_INT, WRITE_LONG, WRITE_FLOAT, WRITE_DOUBLE, WRITE_SIZED, WRITE_FIXED, WRITE_ENUM,
    WRITE_DECIMAL, WRITE_ARRAY, WRITE_MAP, WRITE_ENTRIES, WRITE_RECORD, WRITE_UNION_STRUCT,
};

/* Writes one value of a column or a part of it. */
struct write_op {
    uint8_t code;
    int32_t branch;      /* of the union around it; -1: none */
    int32_t null_branch; /* -1: null is not possible */
    uint32_t field;      /* column or field of the STRUCT that it comes from; NO_FIELD: none */
    uint32_t n;
    struct write_op *ops;
    const struct type *type;      /* of the value */
    const struct avro_type *wire; /* without the union around it */
    struct str preset; /* for null; p NULL: there is none. Binary, with the branch */
    struct str name;   /* for messages */
};

/* What writes values of `type` as `wire`. STATUS_INVALID: they cannot be. */
enum status av_plan(struct arena *a, const struct avro_type *wire, const struct type *type, struct str name,
                      struct write_op *op, struct diag *d) MUST_CHECK;
/* A value of a schema's default, in binary. STATUS_INVALID: the text does not fit the type. */
enum status av_preset(struct arena *a, const struct avro_field *field, struct str *out, struct diag *d) MUST_CHECK;
enum status av_write(const struct write_op *op, const struct value *v, struct buf *out, struct diag *d) MUST_CHECK;

/* A column that stands for the whole message, rather than for a field of a record. */
static inline bool av_is_bare(const struct format_spec *spec, uint32_t n_columns)
{
    return !spec->wrapped && n_columns == 1;
}

#endif
