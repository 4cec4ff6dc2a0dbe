/* What the tests of AVRO share: a registry with schemas, payloads with their header. */
#ifndef WEIR_TESTS_FORMATS_AVRO_UTIL_H
#define WEIR_TESTS_FORMATS_AVRO_UTIL_H

#include "util.h"

struct avro_fixture {
    struct registry *registry;
    struct schema_site site;
    struct format_spec spec; /* AVRO, wrapped */
};

static inline void avro_open(struct avro_fixture *f)
{
    REQUIRE(registry_open_memory(&f->registry, NULL) == STATUS_OK);
    f->site = (struct schema_site){f->registry, "t", false};
    f->spec = (struct format_spec){.kind = FORMAT_AVRO, .wrapped = true, .site = &f->site};
}

static inline void avro_close(struct avro_fixture *f)
{
    registry_close(f->registry);
}

static inline int32_t avro_add(struct avro_fixture *f, const char *text)
{
    int32_t id = 0;
    struct registered_schema s = {.type = SCHEMA_AVRO, .text = str_from(text)};
    REQUIRE(registry_add(f->registry, STR("t-value"), &s, &id, NULL) == STATUS_OK);
    return id;
}

/* The record `bytes` of the schema as the columns see it: as decoded() prints it. */
static inline const char *avro_decoded(bool wrapped, const char *schema, const char *columns, const void *bytes,
                                       size_t len)
{
    struct avro_fixture f;
    struct buf payload;
    avro_open(&f);
    f.spec.wrapped = wrapped;
    buf_init(&payload, 0);
    schema_header_put(&payload, avro_add(&f, schema));
    buf_put(&payload, bytes, len);
    const char *shown = decoded(&f.spec, columns, payload.p, payload.len);
    buf_free(&payload);
    avro_close(&f);
    return shown;
}

#define AVRO(schema, columns, bytes) avro_decoded(true, schema, columns, bytes, sizeof(bytes) - 1)
#define AVRO_BARE(schema, columns, bytes) avro_decoded(false, schema, columns, bytes, sizeof(bytes) - 1)
#define RECORD(fields) "{\"type\":\"record\",\"name\":\"r\",\"namespace\":\"n.s\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"

#endif
