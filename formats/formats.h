/* Formats: records to columns and back.
 *
 * A decoder is made once per source step and partition; it decodes only the columns (or fields inside of STRUCT columns) that are asked for, a
 * batch of records at a time, straight into columns. Strings point into the record where the format allows. An encoder is
 * made once per sink and writes one row at a time into a buffer.
 * Threads: a decoder or encoder belongs to one thread at a time. */
#ifndef WEIR_FORMATS_H
#define WEIR_FORMATS_H

#include "formats/registry.h"

enum format_kind { FORMAT_NONE, FORMAT_KAFKA, FORMAT_DELIMITED, FORMAT_JSON, FORMAT_JSON_SR, FORMAT_AVRO,
                   FORMAT_PROTOBUF, FORMAT_PROTOBUF_NOSR, FORMAT_ROW /* internal topics: row.h */ };

/* By name in any case ("json"); false: unknown. */
bool format_by_name(struct str name, enum format_kind *out);
const char *format_name(enum format_kind kind); /* "JSON" */

/* Protobuf's scalars have no null of their own. */
enum proto_nulls { PROTO_NULLS_NONE /* 0, "" and false stand for it */, PROTO_NULLS_OPTIONAL, PROTO_NULLS_WRAPPER };

/* Where the schemas of a side of a topic are: under the subject "<topic>-key" or "<topic>-value". */
struct schema_site {
    struct registry *registry;
    const char *topic;
    bool is_key;
};

struct format_spec {
    enum format_kind kind;
    char delimiter;        /* DELIMITED; 0: ',' */
    bool wrapped;          /* a single column is written as {"A": 1} rather than 1; several always are */
    enum proto_nulls nulls;
    int32_t schema_id;     /* formats with a registry: what is written has this schema; 0: the one of the columns */
    const char *full_name; /* of the record or message in the schema of the columns; NULL: ksqlDB's default */
    const struct schema_site *site; /* formats with a registry: not part of plans; who opens a codec sets it. Borrowed */
};
bool format_has_registry(enum format_kind kind);      /* AVRO, JSON_SR, PROTOBUF */
enum schema_type format_schema_type(enum format_kind kind); /* of those */
enum format_kind format_of_schema(enum schema_type type);   /* the reverse */
/* The format with the place of its schemas, which is put into *site and must live as long as codecs. */
struct format_spec format_at(const struct format_spec *format, struct registry *registry, const char *topic, bool is_key,
                             struct schema_site *site);
/* Records that such a format has no registry; returns `code`. */
enum status format_lacks_registry(struct diag *d, enum status code, struct span where, enum format_kind kind,
                                  const char *topic);

/* ---- columns and schema texts ----------------------------------------------------------------------------- */

/* The columns that a schema of the registry stands for, as ksqlDB infers them (rules.md 7.3), in `a`; names keep their case with
 * spec->schema_id, else are in capitals. STATUS_INVALID: the schema cannot be columns, with ksqlDB's reason. References are looked up
 * in `r`. */
enum status columns_from_schema(const struct format_spec *spec, struct registry *r, const struct registered_schema *schema,
                              bool is_key, struct arena *a, const struct schema_column **columns, uint32_t *n_columns,
                              struct diag *d) MUST_CHECK;
/* The text of the schema that these columns are written with, as ksqlDB would register it. */
enum status columns_to_schema(const struct format_spec *spec, const struct schema_column *columns, uint32_t n_columns,
                                bool is_key, struct buf *out, struct diag *d) MUST_CHECK;
/* The subject of a side of a topic, in `out`, which is initialised. False: no memory. */
bool schema_subject(struct buf *out, const char *topic, bool is_key);
/* The id to write these columns with: spec->schema_id, or that of their schema, which is registered if need be. */
enum status schema_register(const struct format_spec *spec, const struct schema_column *columns, uint32_t n_columns,
                            int32_t *id, struct diag *d) MUST_CHECK;
/* Makes the schema spec->schema_id one of the subject's, under the same id. `code`: that it would get another. */
enum status schema_adopt(const struct format_spec *spec, enum status code, struct diag *d) MUST_CHECK;

/* What stands before a message: a zero byte and the schema's id, 4 bytes, big end first. */
enum { SCHEMA_HEADER = 5 };
void schema_header_put(struct buf *out, int32_t id);
/* False: no such header. */
bool schema_header_get(struct str payload, int32_t *id);

/* ---- decoding --------------------------------------------------------------------------------------------- */

/* Whether the format can hold these columns of a key (`is_key`) or value. On failure `reason` has ksqlDB's text
 * (rules.md 7.1, for example "The 'KAFKA' format does not support type 'BOOLEAN'"). `columns` are those of the side. */
bool format_accepts(enum format_kind kind, const struct schema_column *columns, uint32_t n, bool is_key,
                    struct buf *reason);

/* What to decode: one output column each. `column` counts within the side's columns. A path leads through STRUCT fields by
 * index; n_path 0 is the column itself. `type` is that of what is reached. */
struct decode_field {
    uint32_t column;
    uint32_t n_path;
    const uint32_t *path;
    const struct type *type;
};

enum row_state { ROW_OK, ROW_NULL /* null key or value: all cells null */, ROW_BAD };

struct decoder;
/* `columns`: all columns of the side, in schema order (borrowed for the decoder's life). */
enum status decoder_create(const struct format_spec *spec, const struct schema_column *columns, uint32_t n_columns,
                           const struct decode_field *fields, uint32_t n_fields, struct decoder **out,
                           struct diag *d) MUST_CHECK;
void decoder_destroy(struct decoder *dec);

struct decode_sink { /* where bad records are reported: text is valid during the call */
    void (*bad)(void *data, uint32_t row, const char *reason);
    void *data;
};
/* Decodes payloads[0..n) (p NULL: null) into out[0..n_fields), which it initialises in `a`. states[row] is set; cells of rows that are not ROW_OK are null.
 * The payloads must stay valid as long as the columns; nothing is read behind their ends. Columns that the query does not
 * read are still checked where ksqlDB would refuse the record for them. STATUS_NOMEM; STATUS_IO: the registry has to be asked
 * for a schema, and cannot be reached: nothing is decoded, and the same call may succeed later. */
enum status decode(struct decoder *dec, const struct str *payloads, uint32_t n, struct arena *a, struct column *out,
                   uint8_t *states, const struct decode_sink *sink) MUST_CHECK;

/* ---- encoding --------------------------------------------------------------------------------------------- */

struct encoder;
/* A format with a registry finds its schema here, or registers it (STATUS_IO: the registry cannot be reached).
 * `columns`: the side's columns; row cells are taken from columns[first..] of the batch given to encode. */
enum status encoder_create(const struct format_spec *spec, const struct schema_column *columns, uint32_t n_columns,
                           struct encoder **out, struct diag *d) MUST_CHECK;
void encoder_destroy(struct encoder *enc);
/* Appends one row's bytes to `out`. *is_null: the payload is null (a null single key; NONE). STATUS_DATA with `d` for a row
 * that the format cannot express. */
enum status encode(struct encoder *enc, const struct column *columns, uint32_t row, struct buf *out, bool *is_null,
                   struct diag *d) MUST_CHECK;

#endif
