/* JSON_SR: JSON text behind a zero byte and the id of its schema. The text is what JSON has; the schema is only for others to
 * look at, and what is read is not checked against it. The schema text itself: json_sr_schema.c. */
#include "formats/json_int.h"

/* ---- reading ------------------------------------------------------------------------------------------------ */

static enum row_state json_sr_row(struct decoder *dec, struct decode_run *run, struct str payload)
{
    int32_t id;
    if (schema_header_get(payload, &id))
        return json_decoder_row(dec, run, str_make(payload.p + SCHEMA_HEADER, payload.len - SCHEMA_HEADER));
    buf_puts(run->reason,
             STR("The record does not begin with a zero byte and the id of its schema, as JSON_SR does. Data "
                 "without them has the format JSON."));
    return ROW_BAD;
}

const struct decoder_ops json_sr_decoder_ops = {
    .size = sizeof(struct json_decoder),
    .open = json_decoder_open,
    .close = json_decoder_close,
    .row = json_sr_row,
};

/* ---- writing ------------------------------------------------------------------------------------------------ */

struct json_sr_encoder {
    struct json_encoder json;
    int32_t id;
};

/* A schema that was given may have more columns than are written: they are there, as nulls. */
static enum status open_given(struct json_encoder *j, const struct schema_site *site, struct diag *d)
{
    enum status st = STATUS_OK;
    struct encoder *enc = &j->base;
    const struct registered_schema *schema;
    const struct schema_column *columns;
    uint32_t n;
    TRY(registry_by_id(site->registry, enc->spec.schema_id, &schema, d));
    TRY(columns_from_schema(&enc->spec, site->registry, schema, site->is_key, &enc->arena, &columns, &n, d));
    st = json_encoder_open_with(j, columns, n, d);
done:
    return st;
}

static enum status json_sr_encoder_open(struct encoder *enc, struct diag *d)
{
    enum status st = STATUS_OK;
    struct json_sr_encoder *j = (struct json_sr_encoder *)enc;
    const struct schema_site *site = enc->spec.site;
    TRY(schema_register(&enc->spec, enc->columns, enc->n_columns, &j->id, d));
    if (enc->spec.schema_id && enc->spec.wrapped && site && site->registry)
        st = open_given(&j->json, site, d);
    else
        st = json_encoder_open_with(&j->json, NULL, 0, d);
done:
    return st;
}

static enum status json_sr_encode(struct encoder *enc, const struct column *columns, uint32_t row, struct buf *out,
                                  bool *is_null, struct diag *d)
{
    size_t at = out->len;
    schema_header_put(out, ((const struct json_sr_encoder *)enc)->id);
    enum status st = json_encoder_row(enc, columns, row, out, is_null, d);
    if (st != STATUS_OK || *is_null)
        out->len = at;
    return st;
}

const struct encoder_ops json_sr_encoder_ops = {
    .size = sizeof(struct json_sr_encoder), .open = json_sr_encoder_open, .row = json_sr_encode};
