/* PROTOBUF and PROTOBUF_NOSR, writing: which message rows are written as, and what stands in front of it. */
#include "formats/protobuf_program.h"

struct protobuf_encoder {
    struct encoder base;
    int32_t id;
    uint32_t n_path;
    int32_t path[PROTO_MAX_PATH];
    enum proto_known bare; /* the payload is such a message; PROTO_PLAIN: it is a message of fields */
    bool is_struct;        /* the payload is the message of the only column */
    const struct write_program *prog;
};

static enum status chosen_message(struct protobuf_encoder *p, const struct proto_message **out, struct diag *d)
{
    struct encoder *enc = &p->base;
    const struct format_spec *spec = &enc->spec;
    const struct proto_file *file;
    const struct registered_schema *schema;
    enum status st = STATUS_OK;
    if (format_has_registry(spec->kind))
        TRY(schema_register(spec, enc->columns, enc->n_columns, &p->id, d));
    if (spec->schema_id) {
        if (!spec->site || !spec->site->registry)
            TRY(diag_set(d, STATUS_INVALID, "A schema of id %d needs a registry", (int)spec->schema_id));
        TRY(registry_by_id(spec->site->registry, spec->schema_id, &schema, d));
        TRY(proto_parse(spec->site->registry, schema, &enc->arena, &file, d));
        *out = proto_choose(file, spec->full_name, p->path, &p->n_path);
    } else {
        TRY(proto_layout(&enc->arena, spec, enc->columns, enc->n_columns, &file, d));
        *out = proto_choose(file, NULL, p->path, &p->n_path);
    }
    if (!*out)
        st = diag_set(d, STATUS_INVALID, "The schema of id %d has no message '%s'", (int)p->id,
                      spec->full_name ? spec->full_name : "");
done:
    return st;
}

static enum status protobuf_open(struct encoder *enc, struct diag *d)
{
    struct protobuf_encoder *p = (struct protobuf_encoder *)enc;
    const struct proto_message *m = NULL;
    enum status st = chosen_message(p, &m, d);
    if (st != STATUS_OK)
        return st;
    bool bare = proto_is_bare(&enc->spec, enc->columns, enc->n_columns);
    p->bare = bare ? m->known : PROTO_PLAIN;
    if (p->bare != PROTO_PLAIN)
        return STATUS_OK;
    p->is_struct = bare;
    const struct type *t = enc->n_columns ? enc->columns[0].type : NULL;
    if (!bare) {
        struct field *fields = ARENA_ARRAY(&enc->arena, struct field, enc->n_columns);
        for (uint32_t i = 0; fields && i < enc->n_columns; i++)
            fields[i] = (struct field){enc->columns[i].name, enc->columns[i].type};
        t = fields ? type_struct(&enc->arena, fields, enc->n_columns) : NULL;
        if (!t)
            return diag_nomem(d);
    }
    return write_compile(&enc->arena, m, t, &p->prog, d);
}

static void put_header(struct buf *out, const struct protobuf_encoder *p)
{
    schema_header_put(out, p->id);
    if (p->n_path == 1 && p->path[0] == 0) {
        buf_putc(out, 0);
        return;
    }
    wire_put_varint(out, zigzag_encode(p->n_path));
    for (uint32_t i = 0; i < p->n_path; i++)
        wire_put_varint(out, zigzag_encode(p->path[i]));
}

static enum status protobuf_encode(struct encoder *enc, const struct column *columns, uint32_t row, struct buf *out,
                                   bool *is_null, struct diag *d)
{
    struct protobuf_encoder *p = (struct protobuf_encoder *)enc;
    bool bare_side = !enc->spec.wrapped && enc->n_columns == 1 && enc->spec.kind == FORMAT_PROTOBUF_NOSR;
    if (bare_side && column_is_null(&columns[0], row)) {
        *is_null = true;
        return STATUS_OK;
    }
    if (format_has_registry(enc->spec.kind))
        put_header(out, p);
    if (p->bare != PROTO_PLAIN || p->is_struct) {
        struct value v = column_get(&columns[0], row);
        if (p->bare != PROTO_PLAIN)
            known_write(out, p->bare, enc->columns[0].type, &v);
        return p->bare != PROTO_PLAIN || write_message(out, p->prog, v.nested->items, d) ? STATUS_OK : STATUS_DATA;
    }
    for (uint32_t i = 0; i < p->prog->n_fields; i++) {
        const struct write_field *f = &p->prog->fields[i];
        if (!write_cell(out, f, &columns[f->source], row, d))
            return STATUS_DATA;
    }
    return STATUS_OK;
}

const struct encoder_ops protobuf_encoder_ops = {
    .size = sizeof(struct protobuf_encoder), .open = protobuf_open, .row = protobuf_encode};
