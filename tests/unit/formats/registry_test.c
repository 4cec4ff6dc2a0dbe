/* The registry in memory, and what is the same for all of them. */
#include "util.h"

static int32_t add(struct registry *r, const char *subject, enum schema_type type, const char *text, int32_t as)
{
    int32_t id = -1;
    struct registered_schema s = {.id = as, .type = type, .text = str_from(text)};
    CHECK_INT(registry_add(r, str_from(subject), &s, &id, NULL), STATUS_OK);
    return id;
}

TEST(registry, ids_and_versions)
{
    struct registry *r;
    const struct registered_schema *s;
    REQUIRE(registry_open_memory(&r, NULL) == STATUS_OK);
    CHECK_INT(add(r, "t-value", SCHEMA_AVRO, "\"int\"", 0), 1);
    CHECK_INT(add(r, "t-value", SCHEMA_AVRO, "\"long\"", 0), 2);
    CHECK_INT(add(r, "t-value", SCHEMA_AVRO, "\"int\"", 0), 1);
    CHECK_INT(add(r, "u-value", SCHEMA_AVRO, "\"int\"", 0), 1);
    CHECK_INT(add(r, "u-value", SCHEMA_JSON, "\"int\"", 0), 3);
    CHECK_INT(add(r, "u-key", SCHEMA_PROTOBUF, "x", 42), 42);
    CHECK_INT(add(r, "u-key", SCHEMA_PROTOBUF, "y", 0), 43);

    CHECK_INT(registry_by_subject(r, STR("t-value"), 0, &s, NULL), STATUS_OK);
    CHECK(s->id == 2 && s->version == 2 && s->type == SCHEMA_AVRO && str_eq(s->text, STR("\"long\"")));
    CHECK_INT(registry_by_subject(r, STR("t-value"), 1, &s, NULL), STATUS_OK);
    CHECK(s->id == 1 && s->version == 1);
    CHECK_INT(registry_by_subject(r, STR("t-value"), 3, &s, NULL), STATUS_NOT_FOUND);
    CHECK_INT(registry_by_id(r, 42, &s, NULL), STATUS_OK);
    CHECK(s->id == 42 && s->type == SCHEMA_PROTOBUF && str_eq(s->text, STR("x")));

    struct diag d = DIAG_INIT;
    CHECK_INT(registry_by_id(r, 44, &s, &d), STATUS_NOT_FOUND);
    CHECK(s == NULL);
    CHECK_TEXT(d.message, "Schema 44 not found");
    CHECK_INT(registry_remove(r, STR("t-value"), NULL), STATUS_OK);
    CHECK_INT(registry_remove(r, STR("t-value"), NULL), STATUS_OK);
    CHECK_INT(registry_by_subject(r, STR("t-value"), 0, &s, NULL), STATUS_NOT_FOUND);
    CHECK_INT(registry_by_id(r, 2, &s, NULL), STATUS_OK);
    registry_close(r);
}

TEST(registry, references_are_a_part_of_the_schema)
{
    struct registry *r;
    const struct registered_schema *got;
    int32_t one, other;
    struct schema_reference to = {STR("a.proto"), STR("a"), 1};
    struct registered_schema s = {.type = SCHEMA_PROTOBUF, .text = STR("x"), .n_references = 1, .references = &to};
    REQUIRE(registry_open_memory(&r, NULL) == STATUS_OK);
    CHECK_INT(registry_add(r, STR("s"), &s, &one, NULL), STATUS_OK);
    to.version = 2;
    CHECK_INT(registry_add(r, STR("s"), &s, &other, NULL), STATUS_OK);
    CHECK(one != other);
    CHECK_INT(registry_by_id(r, one, &got, NULL), STATUS_OK);
    CHECK(got->n_references == 1 && got->references[0].version == 1 && str_eq(got->references[0].name, STR("a.proto")));
    registry_close(r);
}

TEST(registry, header)
{
    struct buf b;
    int32_t id = 0;
    buf_init(&b, 0);
    schema_header_put(&b, 0x01020304);
    CHECK(b.len == SCHEMA_HEADER && memcmp(b.p, "\0\1\2\3\4", 5) == 0);
    CHECK(schema_header_get(buf_str(&b), &id) && id == 0x01020304);
    CHECK(!schema_header_get(str_make(b.p, 4), &id));
    b.p[0] = 1;
    CHECK(!schema_header_get(buf_str(&b), &id));
    buf_free(&b);
}
