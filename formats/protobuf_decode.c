/* PROTOBUF and PROTOBUF_NOSR, reading: which message a record holds, and its program.
 *
 * Without a registry the schema is that of the columns. With one, the record says which schema and which message of it
 * was written; programs are kept by both, and a record's is nearly always that of the record before. */
#include "formats/protobuf_program.h"

struct known_writer { /* of records: a message of a schema */
    int32_t id;
    uint32_t n_path;
    int32_t path[PROTO_MAX_PATH];
    const struct read_program *prog; /* NULL: it cannot be read, `refusal` says why */
    const char *refusal;
    struct known_writer *next;
};

struct known_schema {
    int32_t id;
    const struct proto_file *file; /* NULL: not a schema that can be read */
    const char *refusal;
    struct known_schema *next;
};

struct protobuf_decoder {
    struct decoder base;
    bool has_registry;
    enum proto_known bare;           /* the payload is such a message; PROTO_PLAIN: it is a message of fields */
    bool is_struct;                  /* the payload is the message of the only column */
    const struct read_program *prog; /* without a registry */
    struct known_writer *writers, *last;
    struct known_schema *schemas;
    struct value *values; /* of the record that is read */
};

/* ---- schemas of the registry ------------------------------------------------------------------------------- */

static const char *text_of(struct arena *a, struct buf *b)
{
    const char *text = arena_printf(a, "%s", buf_z(b));
    b->len = 0;
    return text;
}

static struct known_schema *load_schema(struct protobuf_decoder *p, struct decode_run *run, int32_t id)
{
    struct arena *a = &p->base.arena;
    const struct registered_schema *schema = NULL;
    struct diag d = DIAG_INIT;
    struct registry *r = p->base.spec.site ? p->base.spec.site->registry : NULL;
    enum status st = r ? registry_by_id(r, id, &schema, &d) : diag_set(&d, STATUS_NOT_FOUND, "there is no registry");
    if (st == STATUS_IO || st == STATUS_NOMEM) {
        run->status = st;
        return NULL;
    }
    if (st != STATUS_OK) { /* not kept: it may come */
        buf_printf(run->reason, "Error retrieving Protobuf schema for id %d: %s", (int)id, d.message);
        return NULL;
    }
    struct known_schema *known = ARENA_NEW(a, struct known_schema);
    if (known && schema->type != SCHEMA_PROTOBUF)
        st = diag_set(&d, STATUS_INVALID, "it is not a Protobuf schema but %s", schema_type_name(schema->type));
    else if (known)
        st = proto_parse(r, schema, a, &known->file, &d);
    if (!known || st == STATUS_IO || st == STATUS_NOMEM) {
        run->status = known ? st : STATUS_NOMEM;
        return NULL;
    }
    known->id = id;
    if (st != STATUS_OK)
        known->refusal = arena_printf(a, "Error retrieving Protobuf schema for id %d: %s", (int)id, d.message);
    if (a->failed) {
        run->status = STATUS_NOMEM;
        return NULL;
    }
    known->next = p->schemas;
    return p->schemas = known;
}

static struct known_schema *schema_of(struct protobuf_decoder *p, struct decode_run *run, int32_t id)
{
    for (struct known_schema *s = p->schemas; s; s = s->next)
        if (s->id == id)
            return s;
    return load_schema(p, run, id);
}

/* ---- messages of records ----------------------------------------------------------------------------------- */

static bool read_path(struct wire *w, int32_t *path, uint32_t *n_path)
{
    uint64_t v;
    if (!wire_get_varint(w, &v))
        return false;
    int64_t n = zigzag_decode(v);
    if (n == 0) { /* the first message */
        path[0] = 0;
        *n_path = 1;
        return true;
    }
    if (n < 0 || n > PROTO_MAX_PATH) {
        w->error = "its list of message indexes is malformed";
        return false;
    }
    *n_path = (uint32_t)n;
    for (uint32_t i = 0; i < *n_path; i++) {
        if (!wire_get_varint(w, &v))
            return false;
        int64_t index = zigzag_decode(v);
        path[i] = index < 0 || index > INT32_MAX ? -1 : (int32_t)index;
    }
    return true;
}

static struct known_writer *load_writer(struct protobuf_decoder *p, struct decode_run *run, int32_t id,
                                        const int32_t *path, uint32_t n_path)
{
    struct arena *a = &p->base.arena;
    const struct known_schema *schema = schema_of(p, run, id);
    struct known_writer *writer = schema ? ARENA_NEW(a, struct known_writer) : NULL;
    if (!writer) {
        if (schema)
            run->status = STATUS_NOMEM;
        return NULL;
    }
    *writer = (struct known_writer){.id = id, .n_path = n_path, .next = p->writers};
    memcpy(writer->path, path, n_path * sizeof *path);
    const struct proto_message *m = schema->file ? proto_at(schema->file, path, n_path) : NULL;
    if (m) {
        run->status = read_compile(a, m, p->base.root.type, p->base.root.fields, &writer->prog, run->reason);
        if (run->status != STATUS_OK)
            return NULL;
        if (!writer->prog)
            writer->refusal = text_of(a, run->reason);
    } else {
        writer->refusal = schema->file ? "The schema has no message with the indexes of the record" : schema->refusal;
    }
    if (a->failed) {
        run->status = STATUS_NOMEM;
        return NULL;
    }
    return p->writers = writer;
}

static const struct read_program *writer_of(struct protobuf_decoder *p, struct decode_run *run, struct wire *w)
{
    int32_t id, path[PROTO_MAX_PATH];
    uint32_t n_path;
    if (!schema_header_get(str_make((const char *)w->p, (size_t)(w->end - w->p)), &id)) {
        w->error = "it does not begin with a zero byte and the id of a schema";
        return NULL;
    }
    w->p += SCHEMA_HEADER;
    if (!read_path(w, path, &n_path))
        return NULL;
    struct known_writer *writer = p->last;
    if (!writer || writer->id != id || writer->n_path != n_path || memcmp(writer->path, path, n_path * sizeof *path)) {
        for (writer = p->writers; writer; writer = writer->next)
            if (writer->id == id && writer->n_path == n_path && !memcmp(writer->path, path, n_path * sizeof *path))
                break;
        if (!writer)
            writer = load_writer(p, run, id, path, n_path);
        if (!writer)
            return NULL;
        p->last = writer;
    }
    if (!writer->prog)
        buf_puts(run->reason, str_from(writer->refusal));
    return writer->prog;
}

/* ---- records ----------------------------------------------------------------------------------------------- */

static enum row_state bad(struct decode_run *run, const struct wire *w)
{
    if (run->reason->len == 0)
        buf_printf(run->reason, "Error deserializing Protobuf message: %s", w->error ? w->error : "no memory");
    return ROW_BAD;
}

static enum row_state protobuf_row(struct decoder *dec, struct decode_run *run, struct str payload)
{
    struct protobuf_decoder *p = (struct protobuf_decoder *)dec;
    const struct decode_node *root = &dec->root;
    struct wire w = wire_of(payload);
    if (p->bare != PROTO_PLAIN) {
        struct value v;
        if (!known_read(&w, p->bare, root->fields[0].type, run->a, &v))
            return bad(run, &w);
        decode_emit(run, &root->fields[0], &v);
        return ROW_OK;
    }
    const struct read_program *prog = p->has_registry ? writer_of(p, run, &w) : p->prog;
    if (!prog)
        return bad(run, &w);
    struct value *values = p->values;
    if (p->is_struct) { /* becomes a value of its own */
        values = arena_alloc(run->a, prog->n_slots * sizeof *values);
        if (!values)
            return ROW_BAD;
    }
    if (!read_message(&w, prog, run->a, values))
        return bad(run, &w);
    if (p->is_struct) {
        struct nested *nested = ARENA_NEW(run->a, struct nested);
        if (!nested)
            return ROW_BAD;
        *nested = (struct nested){.n = prog->n_slots, .items = values};
        struct value v = {.kind = KIND_STRUCT, .nested = nested};
        decode_emit(run, &root->fields[0], &v);
        return ROW_OK;
    }
    for (uint32_t i = 0; i < dec->n_columns; i++)
        decode_emit(run, &root->fields[i], &values[i]);
    return ROW_OK;
}

static enum status plan_columns(struct protobuf_decoder *p, struct diag *d)
{
    struct decoder *dec = &p->base;
    const struct proto_file *file;
    const struct decode_node *node = &dec->root;
    struct buf refusal;
    enum status st = proto_layout(&dec->arena, &dec->spec, dec->columns, dec->n_columns, &file, d);
    if (st != STATUS_OK)
        return st;
    const struct proto_message *m = file->messages[0];
    p->bare = m->known;
    if (p->bare != PROTO_PLAIN)
        return STATUS_OK;
    p->is_struct = proto_is_bare(&dec->spec, dec->columns, dec->n_columns);
    if (p->is_struct)
        node = &node->fields[0];
    buf_init(&refusal, 0);
    st = read_compile(&dec->arena, m, node->type, node->n_outputs ? NULL : node->fields, &p->prog, &refusal);
    if (st != STATUS_OK)
        st = diag_nomem(d);
    else if (!p->prog) /* two columns, of different types, whose names differ in case only */
        st = diag_set(d, STATUS_INVALID, "%s", buf_z(&refusal));
    buf_free(&refusal);
    return st;
}

static enum status protobuf_open(struct decoder *dec, struct diag *d)
{
    struct protobuf_decoder *p = (struct protobuf_decoder *)dec;
    p->values = ARENA_ARRAY(&dec->arena, struct value, dec->n_columns);
    if (!p->values)
        return diag_nomem(d);
    p->has_registry = format_has_registry(dec->spec.kind);
    return p->has_registry ? STATUS_OK : plan_columns(p, d);
}

const struct decoder_ops protobuf_decoder_ops = {
    .size = sizeof(struct protobuf_decoder), .open = protobuf_open, .row = protobuf_row};
