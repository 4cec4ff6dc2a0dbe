/* Private to the PROTOBUF formats: what a message and columns are compiled to, once per schema, so that reading and
 * writing records only follow it.
 *
 * A message that is read has a row of slots, one a field of the STRUCT (or column) that it becomes. Fields that nobody
 * wants are still checked, as a reader that reads messages as a whole would refuse them. */
#ifndef WEIR_FORMATS_PROTOBUF_PROGRAM_H
#define WEIR_FORMATS_PROTOBUF_PROGRAM_H

#include "formats/protobuf_wire.h"

enum read_shape { READ_ONE, READ_LIST, READ_MAP };

enum read_op { /* fields that most records consist of are read without further questions */
    READ_ANY, /* all questions */
    READ_NO_VARINT,
    READ_NO_TEXT, /* checked only, as the one before */
    READ_BOOLEAN,
    READ_INT,
    READ_BIGINT,
    READ_DOUBLE,
    READ_TEXT,
    READ_BYTES,
};

struct read_field {
    uint32_t number;
    uint8_t op;    /* enum read_op */
    uint8_t tag;   /* of one byte, for those that are not READ_ANY */
    uint8_t type;  /* enum proto_type */
    uint8_t shape; /* enum read_shape */
    uint8_t known; /* enum proto_known, of MESSAGE and GROUP */
    uint8_t wire;  /* of a single value */
    uint8_t kind;  /* enum type_kind, of the value or element; KIND_NULL: it is only checked */
    bool packable, checks_utf8;
    uint32_t slot;
    int32_t in_union; /* the slot of the STRUCT that stands for the oneof, whose item `slot` this is; -1: none */
    const struct read_program *sub; /* MESSAGE and GROUP, if not known by itself */
    const struct proto_enum *values;
    const struct type *t; /* of the value or element; NULL: only checked */
};

enum { READ_DENSE = 128 };

struct read_program {
    uint32_t n_fields, n_slots;
    struct read_field *fields;
    uint16_t by_number[READ_DENSE]; /* index + 1; fields of larger numbers are searched */
    bool has_large_numbers;
    struct value *defaults;         /* of the slots: what they are if the field is not there */
    uint32_t *union_sizes;          /* by slot: items of a union's STRUCT; 0: not a union */
    uint32_t n_finish;
    uint32_t *finish;               /* slots to look at in the end: maps, texts that point into the schema */
};

/* Compiles a message for the fields of `t`, a STRUCT. `nodes`: what is wanted of them, NULL: all. A writer's schema whose
 * values are not of the types that are read: *out is NULL, and `refusal` says why. */
enum status read_compile(struct arena *a, const struct proto_message *m, const struct type *t,
                         const struct decode_node *nodes, const struct read_program **out, struct buf *refusal) MUST_CHECK;

/* Reads a message into `values` (n_slots of them), which it initialises. False: w->error, or memory ran out in `a`. */
bool read_message(struct wire *w, const struct read_program *prog, struct arena *a, struct value *values);

/* ---- writing ----------------------------------------------------------------------------------------------- */

enum write_op { WRITE_ANY, WRITE_BOOLEAN, WRITE_INT, WRITE_BIGINT, WRITE_DOUBLE, WRITE_BYTES };

struct write_field {
    uint32_t number, source; /* which column, or field of the STRUCT */
    uint8_t op;              /* enum write_op: columns that need no further questions */
    uint8_t tag;             /* of one byte, for those that are not WRITE_ANY */
    uint8_t type;
    uint8_t shape;
    uint8_t known;
    bool packed, presence;
    const struct write_program *sub;
    const struct proto_enum *values;
    const struct type *t; /* of the value or element */
};

struct write_program {
    uint32_t n_fields;
    struct write_field *fields;
};

/* Compiles columns (fields of `t`) for a message. STATUS_INVALID: they cannot be written so. */
enum status write_compile(struct arena *a, const struct proto_message *m, const struct type *t,
                          const struct write_program **out, struct diag *d) MUST_CHECK;
/* Writes a field of a message from a value, which may be null. False: `d` says what cannot be written. */
bool write_field(struct buf *out, const struct write_field *f, const struct value *v, struct diag *d);
/* A field of a message from the cell of a column. */
bool write_cell(struct buf *out, const struct write_field *f, const struct column *c, uint32_t row, struct diag *d);
/* The fields of a message from the items of a STRUCT. */
bool write_message(struct buf *out, const struct write_program *prog, const struct value *items, struct diag *d);

/* ---- names of types ---------------------------------------------------------------------------------------- */

/* Whether values of the field, or its elements, can be values of the kind. */
bool read_fits(enum type_kind from, enum type_kind to);
const char *connect_type_name(enum type_kind kind); /* as Kafka Connect calls it: "int64" */
/* The field of the oneof that a column of this name (its STRUCT) stands for: index of the oneof, or -1. */
int32_t proto_find_union(const struct proto_message *m, struct str name);

#endif
