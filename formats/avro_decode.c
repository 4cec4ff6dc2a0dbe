/* The AVRO decoder: finds the program for the schema that a message names, and runs it. Programs are kept by id for the
 * decoder's life; a message nearly always has the id of the one before. */
#include "formats/avro_int.h"

enum { MAX_EMPTIES = 1 << 16 };

struct program {
    int32_t id;
    const struct read_op *root; /* NULL: the schema cannot be read */
    const char *problem;
};

struct avro_decoder {
    struct decoder base;
    bool bare;
    struct map programs; /* id, 4 bytes -> struct program * */
    const struct program *last;
};

static enum status avro_decode_open(struct decoder *dec, struct diag *d)
{
    struct avro_decoder *v = (struct avro_decoder *)dec;
    const struct schema_site *site = dec->spec.site;
    map_init(&v->programs);
    v->bare = av_is_bare(&dec->spec, dec->n_columns);
    dec->root.wanted = true; /* parts of it are; it has no output itself */
    if (site && site->registry)
        return STATUS_OK;
    return format_lacks_registry(d, STATUS_INVALID, (struct span){0}, FORMAT_AVRO, site ? site->topic : "");
}

static void avro_decode_close(struct decoder *dec)
{
    map_free(&((struct avro_decoder *)dec)->programs);
}

static struct program *compile_schema(struct avro_decoder *v, const struct registered_schema *schema, enum status *st)
{
    struct decoder *dec = &v->base;
    struct diag d = DIAG_INIT;
    struct avro_type *writer;
    struct program *made = ARENA_NEW(&dec->arena, struct program);
    *st = made ? av_parse(dec->spec.site->registry, schema, &dec->arena, &writer, &d) : STATUS_NOMEM;
    if (*st == STATUS_IO || *st == STATUS_NOMEM)
        return NULL;
    made->id = schema->id;
    if (*st == STATUS_OK) {
        made->root = av_compile(&dec->arena, writer, v->bare ? &dec->root.fields[0] : &dec->root);
        if (!made->root)
            *st = STATUS_NOMEM;
    } else {
        made->problem = arena_printf(&dec->arena, "%s", d.message);
        *st = made->problem ? STATUS_OK : STATUS_NOMEM;
    }
    return *st == STATUS_OK ? made : NULL;
}

static const struct program *find_program(struct avro_decoder *v, int32_t id, enum status *st, struct buf *reason)
{
    struct str key = str_make((const char *)&id, sizeof id);
    const struct registered_schema *schema;
    struct program *found = map_get(&v->programs, key);
    struct diag d = DIAG_INIT;
    if (found)
        return v->last = found;
    *st = registry_by_id(v->base.spec.site->registry, id, &schema, &d);
    if (*st == STATUS_OK)
        found = compile_schema(v, schema, st);
    if (found && !map_put(&v->programs, key, found)) {
        *st = STATUS_NOMEM;
        found = NULL;
    }
    if (*st != STATUS_OK && *st != STATUS_IO && *st != STATUS_NOMEM) {
        *st = STATUS_OK;
        buf_printf(reason, "Error retrieving Avro %s schema for id %d: %s", v->base.spec.site->is_key ? "key" : "value",
                   (int)id, d.message);
    }
    return found ? v->last = found : NULL;
}

static enum row_state bad(struct decode_run *run, int32_t id)
{
    if (run->reason->len == 0 && !run->a->failed)
        buf_printf(run->reason, "Error deserializing Avro message for id %d", (int)id);
    return ROW_BAD;
}

static enum row_state avro_row(struct decoder *dec, struct decode_run *run, struct str payload)
{
    struct avro_decoder *v = (struct avro_decoder *)dec;
    int32_t id;
    if (!schema_header_get(payload, &id)) {
        buf_puts(run->reason, STR("Unknown magic byte!"));
        return ROW_BAD;
    }
    const struct program *program = v->last;
    if (!program || program->id != id)
        program = find_program(v, id, &run->status, run->reason);
    if (!program)
        return ROW_BAD;
    if (!program->root) {
        buf_puts(run->reason, str_from(program->problem));
        return ROW_BAD;
    }
    struct read_run c = {.run = run, .end = payload.p + payload.len, .empties = MAX_EMPTIES};
    const struct read_op *op = program->root;
    const char *p = payload.p + SCHEMA_HEADER;
    if (!v->bare && (op->code == READ_NULL || (op->is_optional && p < c.end && *p == op->null_byte)))
        return ROW_NULL;
    return av_read(&c, op, p, NULL) ? ROW_OK : bad(run, id);
}

const struct decoder_ops avro_decoder_ops = {
    .size = sizeof(struct avro_decoder), .open = avro_decode_open, .close = avro_decode_close, .row = avro_row};
