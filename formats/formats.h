/* Formats: records to columns and back.
 *
 * A decoder is made once per source step and partition; it decodes only the columns (or fields inside of STRUCT columns) that are asked for, a
 * batch of records at a time, straight into columns. Strings point into the record where the format allows. An encoder is
 * made once per sink and writes one row at a time into a buffer.
 * Threads: a decoder or encoder belongs to one thread at a time. */
#ifndef WEIR_FORMATS_H
#define WEIR_FORMATS_H

#include "core/core.h"

enum format_kind { FORMAT_NONE, FORMAT_KAFKA, FORMAT_DELIMITED, FORMAT_JSON, FORMAT_JSON_SR, FORMAT_AVRO,
                   FORMAT_PROTOBUF, FORMAT_PROTOBUF_NOSR, FORMAT_ROW /* internal topics: row.h */ };

/* By name in any case ("json"); false: unknown. */
bool format_by_name(struct str name, enum format_kind *out);
const char *format_name(enum format_kind kind); /* "JSON" */
/* Formats that cannot be used yet (they need a schema registry or Protobuf). */
bool format_is_built(enum format_kind kind);

struct format_spec {
    enum format_kind kind;
    char delimiter;        /* DELIMITED; 0: ',' */
    bool wrapped;          /* a single column is written as {"A": 1} rather than 1; several always are */
};

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
 * read are still checked where ksqlDB would refuse the record for them. STATUS_NOMEM only. */
enum status decode(struct decoder *dec, const struct str *payloads, uint32_t n, struct arena *a, struct column *out,
                   uint8_t *states, const struct decode_sink *sink) MUST_CHECK;

struct encoder;
/* `columns`: the side's columns; row cells are taken from columns[first..] of the batch given to encode. */
enum status encoder_create(const struct format_spec *spec, const struct schema_column *columns, uint32_t n_columns,
                           struct encoder **out, struct diag *d) MUST_CHECK;
void encoder_destroy(struct encoder *enc);
/* Appends one row's bytes to `out`. *is_null: the payload is null (a null single key; NONE). STATUS_DATA with `d` for a row
 * that the format cannot express. */
enum status encode(struct encoder *enc, const struct column *columns, uint32_t row, struct buf *out, bool *is_null,
                   struct diag *d) MUST_CHECK;

#endif
