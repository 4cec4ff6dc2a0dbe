/* Private to the PROTOBUF formats: what a message looks like, wherever that is known from (columns, or a schema text),
 * and the files that work on it.
 *
 *   columns -> model             protobuf_layout.c    the layout that Kafka Connect gives to columns
 *   text -> model                protobuf_parse.cpp   the only file that knows libprotobuf
 *   model -> text                protobuf_print.c
 *   model -> columns             protobuf_columns.c
 *   model + columns -> programs  protobuf_plan.c (reading), protobuf_write_plan.c (writing)
 *
 * Models are immutable once made, may be recursive, and live in the arena that they were made in. */
#ifndef WEIR_FORMATS_PROTOBUF_INT_H
#define WEIR_FORMATS_PROTOBUF_INT_H

#ifdef __cplusplus
extern "C" {
#endif

#include "formats/formats_int.h"

enum proto_type { /* of what a field holds on the wire */
    PROTO_DOUBLE,
    PROTO_FLOAT,
    PROTO_INT32,
    PROTO_INT64,
    PROTO_UINT32,
    PROTO_UINT64,
    PROTO_SINT32,
    PROTO_SINT64,
    PROTO_FIXED32,
    PROTO_FIXED64,
    PROTO_SFIXED32,
    PROTO_SFIXED64,
    PROTO_BOOL,
    PROTO_ENUM,
    PROTO_STRING,
    PROTO_BYTES,
    PROTO_MESSAGE,
    PROTO_GROUP,
};
const char *proto_type_name(enum proto_type type); /* "int32" */

enum proto_known { /* messages that stand for something else than a STRUCT */
    PROTO_PLAIN,
    PROTO_VALUE, /* of one field, and stands for its value: google.protobuf.Int32Value and the like; absent is null */
    PROTO_DECIMAL,
    PROTO_DATE,
    PROTO_TIME,
    PROTO_TIMESTAMP,
    PROTO_MAP_ENTRY, /* key and value */
};

struct proto_enum_value {
    struct str name;
    int32_t number;
};
struct proto_enum {
    struct str name;
    uint32_t n;
    const struct proto_enum_value *values; /* as declared */
};

struct proto_field {
    struct str name;
    uint32_t number;
    enum proto_type type;
    bool repeated, packed; /* packed: how it is written; both ways are read */
    bool optional;         /* scalars: absent is null. The word `optional` */
    bool presence;         /* scalars: a zero is not the same as absent, and is written */
    bool checks_utf8;      /* STRING */
    int32_t oneof;         /* index into the message's; -1: in none */
    const struct proto_message *message; /* MESSAGE, GROUP */
    const struct proto_enum *values;     /* ENUM */
    uint16_t precision, scale;           /* of a DECIMAL; precision 0: not told */
    struct value fallback;               /* what stands for an absent scalar; of the kind that proto_kind says */
};

struct proto_message {
    struct str name;      /* within its parent */
    struct str full_name; /* with packages and parents */
    enum proto_known known;
    uint32_t n_fields, n_oneofs, n_nested;
    const struct proto_field *fields; /* as declared */
    const struct str *oneofs;
    const struct proto_message *const *nested; /* declared inside of it, map entries too: what indexes count in */
};

/* A schema text, or the schema of columns. */
struct proto_file {
    struct str package; /* "" if none */
    uint32_t n_messages;
    const struct proto_message *const *messages;
};

/* The kind of the values of a field's elements: INT for int32, BIGINT for uint32, STRING for enums, STRUCT, ...;
 * PROTO_VALUE: the kind of what is inside, an ARRAY possibly. */
enum type_kind proto_kind(const struct proto_field *f);
/* Of a field of a wrapper or map entry, by its position. */
static inline bool proto_is_map(const struct proto_field *f)
{
    return f->repeated && f->type == PROTO_MESSAGE && f->message->known == PROTO_MAP_ENTRY;
}
/* The field that a column of this name is read from or written to: the exact name first, then in any case. NULL: none. */
const struct proto_field *proto_find(const struct proto_message *m, struct str name);

/* ---- columns to a model (protobuf_layout.c) --------------------------------------------------------------- */

/* One message for the columns. With `bare`, it is that of the single column itself: of a STRUCT its fields, of others
 * the message that stands for the type. STATUS_NOMEM. */
enum status proto_layout(struct arena *a, const struct format_spec *spec, const struct schema_column *columns,
                         uint32_t n, const struct proto_file **out, struct diag *d) MUST_CHECK;
/* The single column is not a field of a message, but the message itself: bare scalars, arrays and maps are not, as
 * a wrapper message and a message of one field look alike. */
bool proto_is_bare(const struct format_spec *spec, const struct schema_column *columns, uint32_t n);

/* ---- texts ------------------------------------------------------------------------------------------------ */

enum { PROTO_MAX_DEPTH = 100 /* of messages inside of messages, as Java's reader has it */, PROTO_MAX_PATH = 16 };

/* Reads a schema text, with what it refers to. STATUS_INVALID: it cannot be read; STATUS_IO, STATUS_NOMEM.
 * `r` may be NULL for schemas without references. */
enum status proto_parse(struct registry *r, const struct registered_schema *schema, struct arena *a,
                        const struct proto_file **out, struct diag *d) MUST_CHECK;
/* The message that was chosen: by full name, or the first. NULL: it is not there. *path gets the indexes that lead to it,
 * *n_path their number. */
const struct proto_message *proto_choose(const struct proto_file *file, const char *full_name, int32_t *path,
                                         uint32_t *n_path);
const struct proto_message *proto_at(const struct proto_file *file, const int32_t *path, uint32_t n_path);
/* The text of a model that was made from columns. */
void proto_print(struct buf *out, const struct proto_file *file);

#ifdef __cplusplus
}
#endif

#endif
