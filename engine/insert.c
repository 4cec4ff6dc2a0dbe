/* INSERT VALUES: one record, encoded as the target's formats say, in a transaction of its own. */
#include "engine/engine_int.h"

/* Encodes the key or value columns of the target, whose values are given. */
static enum status encode_side(struct engine *e, const struct planned_insert *i, bool is_key, struct arena *a,
                               struct buf *out, bool *is_null, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct source *target = i->target;
    uint32_t first = is_key ? 0 : target->schema.n_keys, n = is_key ? target->schema.n_keys : source_n_values(target);
    struct schema_site site;
    const struct format_spec format =
        registry_format(e, is_key ? &target->formats.key : &target->formats.value, target->topic, is_key, &site);
    struct encoder *encoder = NULL;
    const struct schema_column *schema = i->target->schema.columns + first;
    struct column *columns = ARENA_ARRAY(a, struct column, n);
    if (!columns)
        return diag_nomem(d);
    for (uint32_t c = 0; c < n; c++) {
        if (!column_init(&columns[c], schema[c].type, 1, true, a))
            return diag_nomem(d);
        column_set(&columns[c], 0, &i->values[first + c]);
    }
    TRY(encoder_create(&format, schema, n, &encoder, d));
    TRY(encode(encoder, columns, 0, out, is_null, d));
    if (out->failed)
        st = diag_nomem(d);
done:
    if (encoder)
        encoder_destroy(encoder);
    return st;
}

static bool all_null(const struct value *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!value_is_null(&values[i]))
            return false;
    return true;
}

static enum status write_record(struct engine *e, const char *topic, const struct record *record, struct diag *d)
{
    enum status st = STATUS_OK;
    if (!e->inserts)
        TRY(writer_open(e->log, NULL, &e->inserts, d));
    TRY(writer_begin(e->inserts, d));
    st = writer_append(e->inserts, topic, -1, record, 1, d);
    if (st == STATUS_OK)
        return writer_commit(e->inserts, d);
    writer_abort(e->inserts);
done:
    return st;
}

enum status insert_values(struct engine *e, const struct planned_insert *insert, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct source *target = insert->target;
    struct arena a;
    struct buf key, value;
    bool null_key = target->schema.n_keys == 0, null_value = source_n_values(target) == 0;
    arena_init(&a, 0);
    buf_init(&key, 0);
    buf_init(&value, 0);
    if (!null_key && !(target->schema.n_keys == 1 && all_null(insert->values, 1)))
        TRY(encode_side(e, insert, true, &a, &key, &null_key, d));
    else
        null_key = true;
    if (!null_value)
        TRY(encode_side(e, insert, false, &a, &value, &null_value, d));
    const struct record record = {
        .key = null_key ? (struct str){NULL, 0} : str_make(buf_z(&key), key.len),
        .value = null_value ? (struct str){NULL, 0} : str_make(buf_z(&value), value.len),
        .ts = insert->rowtime,
    };
    TRY(write_record(e, target->topic, &record, d));
done:
    buf_free(&key);
    buf_free(&value);
    arena_free(&a);
    return st;
}
