/* The AVRO encoder, and the format's table of schema operations. A message is written by the schema of its columns, which
 * is registered when the encoder is made, or by a registered schema that the statement names. */
#include "formats/avro_int.h"

struct avro_encoder {
    struct encoder base;
    bool bare;
    int32_t id;
    struct write_op root; /* of the column when bare, else of a record */
};

static enum status parse_writer(struct avro_encoder *v, struct avro_type **wire, struct diag *d)
{
    struct encoder *enc = &v->base;
    const struct registered_schema *schema;
    const struct schema_site *site = enc->spec.site;
    enum status st;
    if (!site || !site->registry)
        return format_lacks_registry(d, STATUS_INVALID, (struct span){0}, FORMAT_AVRO, site ? site->topic : "");
    TRY(schema_register(&enc->spec, enc->columns, enc->n_columns, &v->id, d));
    TRY(registry_by_id(site->registry, v->id, &schema, d));
    TRY(av_parse(site->registry, schema, &enc->arena, wire, d));
done:
    return st;
}

static enum status avro_encode_open(struct encoder *enc, struct diag *d)
{
    struct avro_encoder *v = (struct avro_encoder *)enc;
    struct avro_type *wire;
    enum status st;
    v->bare = av_is_bare(&enc->spec, enc->n_columns);
    TRY(parse_writer(v, &wire, d));
    if (v->bare)
        return av_plan(&enc->arena, wire, enc->columns[0].type, enc->columns[0].name, &v->root, d);
    struct field *fields = ARENA_ARRAY(&enc->arena, struct field, enc->n_columns);
    if (!fields)
        return diag_nomem(d);
    for (uint32_t i = 0; i < enc->n_columns; i++)
        fields[i] = (struct field){enc->columns[i].name, enc->columns[i].type};
    const struct type *side = type_struct(&enc->arena, fields, enc->n_columns);
    if (!side)
        return diag_nomem(d);
    st = av_plan(&enc->arena, wire, side, STR("value"), &v->root, d);
    if (st == STATUS_OK && v->root.code != WRITE_RECORD)
        st = diag_set(d, STATUS_INVALID, "Columns cannot be written as Avro type %s", av_wire_name(wire->kind));
done:
    return st;
}

static enum status avro_encode(struct encoder *enc, const struct column *columns, uint32_t row, struct buf *out,
                               bool *is_null, struct diag *d)
{
    const struct avro_encoder *v = (const struct avro_encoder *)enc;
    struct value value;
    size_t len = out->len;
    enum status st = STATUS_OK;
    if (v->bare && column_is_null(&columns[0], row)) {
        *is_null = true;
        return STATUS_OK;
    }
    schema_header_put(out, v->id);
    if (v->bare) {
        value = column_get(&columns[0], row);
        TRY(av_write(&v->root, &value, out, d));
        return STATUS_OK;
    }
    if (v->root.branch >= 0)
        av_put_long(out, v->root.branch);
    for (uint32_t i = 0; i < v->root.n; i++) {
        const struct write_op *part = &v->root.ops[i];
        value = part->field == NO_FIELD ? VALUE_NULL : column_get(&columns[part->field], row);
        TRY(av_write(part, &value, out, d));
    }
done:
    if (st != STATUS_OK)
        out->len = len;
    return st;
}

const struct encoder_ops avro_encoder_ops = {
    .size = sizeof(struct avro_encoder), .open = avro_encode_open, .row = avro_encode};

const struct schema_ops avro_schema_ops = {
    .type = SCHEMA_AVRO, .columns_from = av_columns_from, .columns_to = av_columns_to};
