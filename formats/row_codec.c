/* FORMAT_ROW as a decoder and an encoder: rows of the ROW format (row.h) as payloads of internal topics. Unlike the
 * formats of users, its columns that are not read are passed over without a look. A side without columns has a null
 * payload. */
#include "formats/formats_int.h"
#include "formats/row_int.h"

struct row_decoder {
    struct decoder base;
    uint32_t last; /* columns [0, last) hold all that is wanted */
    bool *direct;  /* by column: one output, the column itself */
};

static enum status row_open(struct decoder *dec, struct diag *d)
{
    struct row_decoder *r = (struct row_decoder *)dec;
    r->direct = ARENA_ARRAY(&dec->arena, bool, dec->n_columns);
    if (!r->direct)
        return diag_nomem(d);
    for (uint32_t i = 0; i < dec->n_columns; i++) {
        const struct decode_node *node = &dec->root.fields[i];
        if (node->wanted)
            r->last = i + 1;
        r->direct[i] = node->n_outputs == 1;
        for (uint32_t k = 0; node->type->kind == KIND_STRUCT && k < node->type->n_fields; k++)
            if (node->fields[k].wanted)
                r->direct[i] = false;
    }
    return STATUS_OK;
}

static bool read_struct(struct decode_run *run, const struct decode_node *node, struct row_cursor *c);

/* A cell of which something is wanted. */
static bool read_cell(struct decode_run *run, const struct decode_node *node, struct row_cursor *c)
{
    if (node->n_outputs == 0) /* parts of a STRUCT only */
        return read_struct(run, node, c);
    struct value v;
    if (!row_get_cell(c, node->type, run->a, &v))
        return false;
    decode_emit(run, node, &v);
    return true;
}

static bool read_struct(struct decode_run *run, const struct decode_node *node, struct row_cursor *c)
{
    const char *bitmap;
    if (!row_take(c, (node->type->n_fields + 7) / 8, &bitmap))
        return false;
    for (uint32_t i = 0; i < node->type->n_fields; i++) {
        const struct decode_node *field = &node->fields[i];
        if (bitmap_has(bitmap, i))
            decode_emit(run, field, &VALUE_NULL);
        else if (field->wanted ? !read_cell(run, field, c) : !row_skip_cell(c, field->type))
            return false;
    }
    return true;
}

static enum row_state bad(struct decode_run *run)
{
    buf_puts(run->reason, STR("The bytes are not a row of this schema"));
    return ROW_BAD;
}

static enum row_state row_row(struct decoder *dec, struct decode_run *run, struct str payload)
{
    const struct row_decoder *r = (const struct row_decoder *)dec;
    struct row_cursor c = row_cursor(payload);
    const char *bitmap;
    if (!row_take(&c, (dec->n_columns + 7) / 8, &bitmap))
        return bad(run);
    for (uint32_t i = 0; i < r->last; i++) {
        const struct decode_node *node = &dec->root.fields[i];
        bool ok = true;
        if (bitmap_has(bitmap, i))
            decode_emit(run, node, &VALUE_NULL);
        else if (!node->wanted)
            ok = row_skip_cell(&c, node->type);
        else if (r->direct[i])
            ok = row_get_column_cell(&c, &run->out[node->outputs[0]], run->row, run->a);
        else
            ok = read_cell(run, node, &c);
        if (!ok)
            return bad(run);
    }
    return ROW_OK;
}

const struct decoder_ops row_decoder_ops = {.size = sizeof(struct row_decoder), .open = row_open, .row = row_row};

static enum status row_encode(struct encoder *enc, const struct column *columns, uint32_t row, struct buf *out,
                              bool *is_null, struct diag *d)
{
    (void)d;
    *is_null = enc->n_columns == 0;
    row_put_columns(out, columns, enc->n_columns, row);
    return STATUS_OK;
}

const struct encoder_ops row_encoder_ops = {.size = sizeof(struct encoder), .row = row_encode};
