/* Records with registered schemas as text: one decoder for each schema that is met, and an encoder for JSON. */
#include "engine/framed.h"

enum { MAX_SCHEMAS = 100 };

struct known {
    enum format_kind kind; /* FORMAT_NONE: there is no such schema */
    struct schema_site site;
    struct arena arena;      /* of the columns */
    struct decoder *decoder; /* NULL: it cannot be decoded */
    struct encoder *encoder;
    uint32_t n_columns;
};

struct framed {
    struct registry *registry; /* NULL: it is not asked any more */
    struct map schemas;        /* id, 4 bytes -> struct known *, owned */
};

struct framed *framed_create(struct registry *registry)
{
    struct framed *f = mem_calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->registry = registry;
    map_init(&f->schemas);
    return f;
}

static void known_destroy(struct known *k)
{
    if (!k)
        return;
    decoder_destroy(k->decoder);
    encoder_destroy(k->encoder);
    arena_free(&k->arena);
    mem_free(k);
}

void framed_destroy(struct framed *f)
{
    if (!f)
        return;
    MAP_EACH (&f->schemas, entry)
        known_destroy(entry->value);
    map_free(&f->schemas);
    mem_free(f);
}

static enum status open_codecs(struct known *k, const struct registered_schema *schema, bool wrapped)
{
    enum status st = STATUS_OK;
    const struct schema_column *columns;
    const struct format_spec json = {.kind = FORMAT_JSON, .wrapped = wrapped};
    const struct format_spec spec = {.kind = k->kind, .wrapped = wrapped, .schema_id = schema->id, .site = &k->site};
    TRY(columns_from_schema(&spec, k->site.registry, schema, false, &k->arena, &columns, &k->n_columns, NULL));
    struct decode_field *fields = ARENA_ARRAY(&k->arena, struct decode_field, k->n_columns);
    if (!fields)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < k->n_columns; i++)
        fields[i] = (struct decode_field){.column = i, .type = columns[i].type};
    TRY(decoder_create(&spec, columns, k->n_columns, fields, k->n_columns, &k->decoder, NULL));
    TRY(encoder_create(&json, columns, k->n_columns, &k->encoder, NULL));
done:
    return st;
}

static void open_known(struct known *k, const struct registered_schema *schema)
{
    k->kind = format_of_schema(schema->type);
    if (k->kind == FORMAT_JSON_SR || open_codecs(k, schema, true) == STATUS_OK || k->decoder)
        return;
    enum status ignored =
        open_codecs(k, schema, false); /* it is not of a record; if this fails as well, its bytes are shown */
    (void)ignored;
}

static struct known *learn(struct framed *f, int32_t id)
{
    const struct registered_schema *schema;
    enum status st = f->schemas.n_live < MAX_SCHEMAS ? registry_by_id(f->registry, id, &schema, NULL) : STATUS_NOMEM;
    if (st == STATUS_IO)
        f->registry = NULL; /* rather than to wait for it at each record */
    struct known *k = st == STATUS_OK || st == STATUS_NOT_FOUND ? mem_calloc(1, sizeof *k) : NULL;
    if (!k)
        return NULL;
    k->site = (struct schema_site){.registry = f->registry, .topic = ""};
    arena_init(&k->arena, 0);
    if (st == STATUS_OK)
        open_known(k, schema);
    if (map_put(&f->schemas, str_make((const char *)&id, sizeof id), k))
        return k;
    known_destroy(k);
    return NULL;
}

static struct known *find(struct framed *f, struct str record)
{
    int32_t id;
    if (!schema_header_get(record, &id))
        return NULL;
    struct known *k = map_get(&f->schemas, str_make((const char *)&id, sizeof id));
    if (!k && f->registry)
        k = learn(f, id);
    return k && k->kind != FORMAT_NONE ? k : NULL;
}

const char *framed_format(struct framed *f, struct str record)
{
    const struct known *k = find(f, record);
    return k ? format_name(k->kind) : NULL;
}

static bool print_decoded(struct known *k, struct str record, struct buf *out)
{
    struct arena a;
    uint8_t state;
    bool is_null, ok = false;
    size_t at = out->len;
    if (!k->encoder)
        return false;
    arena_init(&a, 0);
    struct column *columns = ARENA_ARRAY(&a, struct column, k->n_columns);
    if (columns && decode(k->decoder, &record, 1, &a, columns, &state, NULL) == STATUS_OK && state == ROW_OK)
        ok = encode(k->encoder, columns, 0, out, &is_null, NULL) == STATUS_OK;
    if (ok && is_null)
        buf_puts(out, STR("null"));
    if (!ok)
        out->len = at;
    arena_free(&a);
    return ok;
}

bool framed_print(struct framed *f, struct str record, struct buf *out)
{
    struct known *k = find(f, record);
    if (!k)
        return false;
    if (k->kind != FORMAT_JSON_SR)
        return print_decoded(k, record, out);
    buf_puts(out, str_make(record.p + SCHEMA_HEADER, record.len - SCHEMA_HEADER));
    return true;
}
