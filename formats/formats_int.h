/* Private to formats/: what decoders and encoders of all kinds have in common.
 *
 * A decoder is a struct that begins with struct decoder; its kind gives a table of operations. The plan of what to
 * decode is a tree of nodes: the root stands for the side, its fields for the columns, theirs for the fields of STRUCT
 * columns. */
#ifndef WEIR_FORMATS_FORMATS_INT_H
#define WEIR_FORMATS_FORMATS_INT_H

#include "formats/formats.h"

struct decode_node {
    const struct type *type;     /* the root's is a STRUCT of the columns */
    struct decode_node *fields;  /* STRUCT: one a field */
    struct decode_node *element; /* ARRAY: of the element; MAP: of the value */
    const uint32_t *outputs;     /* columns that take the value itself */
    uint32_t n_outputs;
    bool wanted; /* something takes the value or a part of it */
    void *extra; /* the format's own */
};

/* The batch that is being decoded. */
struct decode_run {
    struct arena *a;
    struct column *out;
    uint32_t row;
    struct buf *reason; /* text for ROW_BAD */
    enum status status; /* STATUS_OK, or what keeps the whole batch from being decoded now */
};

struct decoder;
struct decoder_ops {
    size_t size; /* of the struct that begins with struct decoder */
    enum status (*open)(struct decoder *dec, struct diag *d);
    void (*close)(struct decoder *dec); /* may be NULL */
    /* Decodes one payload that is not null. Cells are valid (not null) before the call. ROW_OK: every output cell was
     * set. run->status other than OK: decode fails with it (STATUS_IO), whatever is returned. Memory that ran out shows in run->a->failed or run->reason->failed, with ROW_BAD. */
    enum row_state (*row)(struct decoder *dec, struct decode_run *run, struct str payload);
};

struct decoder {
    const struct decoder_ops *ops;
    struct format_spec spec;
    struct arena arena; /* the plan */
    uint32_t n_columns, n_fields;
    const struct schema_column *columns;
    const struct type **types; /* of the outputs */
    struct decode_node root;
    struct buf reason;
};

/* Stores a value in all the outputs of a node and of the nodes inside it. */
void decode_emit(struct decode_run *run, const struct decode_node *node, const struct value *v);

struct encoder_ops {
    size_t size;
    enum status (*open)(struct encoder *enc, struct diag *d); /* may be NULL */
    void (*close)(struct encoder *enc);                       /* may be NULL */
    /* As encode(); that `out` failed is seen by the caller. */
    enum status (*row)(struct encoder *enc, const struct column *columns, uint32_t row, struct buf *out, bool *is_null,
                       struct diag *d);
};

struct encoder {
    const struct encoder_ops *ops;
    struct format_spec spec;
    struct arena arena;
    uint32_t n_columns;
    const struct schema_column *columns;
};

/* Schema texts of a format with a registry: columns_from_schema and columns_to_schema. */
struct schema_ops {
    enum schema_type type;
    enum status (*columns_from)(const struct format_spec *spec, struct registry *r, const struct registered_schema *schema,
                              bool is_key, struct arena *a, const struct schema_column **columns, uint32_t *n,
                              struct diag *d);
    enum status (*columns_to)(const struct format_spec *spec, const struct schema_column *columns, uint32_t n,
                                bool is_key, struct buf *out, struct diag *d);
};

extern const struct decoder_ops json_decoder_ops, delimited_decoder_ops, kafka_decoder_ops, row_decoder_ops;
extern const struct encoder_ops json_encoder_ops, delimited_encoder_ops, kafka_encoder_ops, row_encoder_ops;
extern const struct decoder_ops json_sr_decoder_ops;
extern const struct encoder_ops json_sr_encoder_ops;
extern const struct schema_ops json_sr_schema_ops;
extern const struct decoder_ops avro_decoder_ops;
extern const struct encoder_ops avro_encoder_ops;
extern const struct schema_ops avro_schema_ops;
extern const struct decoder_ops protobuf_decoder_ops;
extern const struct encoder_ops protobuf_encoder_ops;
extern const struct schema_ops protobuf_schema_ops;

/* ---- texts shared by the formats (text.c, base64.c) ------------------------------------------------------ */

void base64_put(struct buf *out, struct str bytes); /* standard alphabet, padded */
/* Jackson's MIME-NO-LINEFEEDS: padding is required, blanks may stand between groups of four. `out` has room for
 * len / 4 * 3 bytes; returns the number of bytes, or -1. */
int64_t base64_decode_mime(struct str text, char *out);
/* java.util.Base64's basic decoder: padding may be absent, nothing else is let through. Room for len / 4 * 3 + 2. */
int64_t base64_decode_basic(struct str text, char *out);

/* As new String(bytes, UTF_8): ill-formed parts become U+FFFD. {NULL, 0} when memory is out. */
struct str utf8_repair(struct arena *a, struct str s);

/* Reads a decimal text of any length (BigDecimal's constructor) and fits it into `t` without rounding. On failure
 * writes ksqlDB's reason. */
bool decimal_text_fit(struct str text, const struct type *t, int128 *out, struct buf *reason);

/* Checks of ksqlDB on numbers that stand for times and dates. */
bool time_from_millis(int64_t millis, int32_t *out, struct buf *reason);
int32_t date_saturated(int64_t days); /* saturates */

#endif
