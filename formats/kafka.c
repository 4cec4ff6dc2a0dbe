/* KAFKA: one bare value in the encoding of Kafka's own serializers. NONE: no column and no bytes; it shares the code,
 * as a KAFKA side without columns is the same thing. */
#include "formats/formats_int.h"

static uint64_t big_endian(const char *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

static bool has_size(struct str payload, uint32_t size, const char *reader, struct buf *reason)
{
    if (payload.len == size)
        return true;
    buf_printf(reason, "Size of data received by %s is not %u", reader, size);
    return false;
}

static enum row_state kafka_row(struct decoder *dec, struct decode_run *run, struct str payload)
{
    if (dec->n_columns == 0) {
        buf_puts(run->reason, STR("Data should be null for a VoidDeserializer."));
        return ROW_BAD;
    }
    const struct decode_node *node = &dec->root.fields[0];
    struct value v = {.kind = (uint8_t)node->type->kind};
    switch (node->type->kind) {
    case KIND_INT:
        if (!has_size(payload, 4, "IntegerDeserializer", run->reason))
            return ROW_BAD;
        v.i32 = (int32_t)big_endian(payload.p, 4);
        break;
    case KIND_BIGINT:
        if (!has_size(payload, 8, "LongDeserializer", run->reason))
            return ROW_BAD;
        v.i64 = (int64_t)big_endian(payload.p, 8);
        break;
    case KIND_DOUBLE: {
        if (!has_size(payload, 8, "Deserializer", run->reason))
            return ROW_BAD;
        uint64_t bits = big_endian(payload.p, 8);
        memcpy(&v.f64, &bits, sizeof bits);
        break;
    }
    case KIND_STRING:
        v.str = node->wanted ? utf8_repair(run->a, payload) : payload;
        if (run->a->failed)
            return ROW_BAD;
        break;
    default: /* KIND_BYTES: the only other type that the format accepts */
        v.str = payload;
    }
    decode_emit(run, node, &v);
    return ROW_OK;
}

const struct decoder_ops kafka_decoder_ops = {.size = sizeof(struct decoder), .row = kafka_row};

/* ---- writing ------------------------------------------------------------------------------------------ */

static void put_big_endian(struct buf *out, uint64_t v, unsigned n)
{
    char bytes[8];
    for (unsigned i = 0; i < n; i++)
        bytes[i] = (char)(v >> (8 * (n - 1 - i)));
    buf_put(out, bytes, n);
}

static enum status kafka_encode(struct encoder *enc, const struct column *columns, uint32_t row, struct buf *out,
                                bool *is_null, struct diag *d)
{
    (void)d;
    if (enc->n_columns == 0 || column_is_null(&columns[0], row)) {
        *is_null = true;
        return STATUS_OK;
    }
    switch (columns[0].type->kind) {
    case KIND_INT:
        put_big_endian(out, (uint32_t)columns[0].i32[row], 4);
        break;
    case KIND_BIGINT:
        put_big_endian(out, (uint64_t)columns[0].i64[row], 8);
        break;
    case KIND_DOUBLE: {
        uint64_t bits;
        memcpy(&bits, &columns[0].f64[row], sizeof bits);
        put_big_endian(out, bits, 8);
        break;
    }
    default:
        buf_puts(out, columns[0].str[row]);
    }
    return STATUS_OK;
}

const struct encoder_ops kafka_encoder_ops = {.size = sizeof(struct encoder), .row = kafka_encode};
