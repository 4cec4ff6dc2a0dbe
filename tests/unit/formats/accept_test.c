/* Names of formats, and which columns they take. */
#include "util.h"

static const char *reason(enum format_kind kind, const char *schema, bool is_key)
{
    static char text[512];
    struct side s;
    struct buf b;
    side_init(&s, schema);
    buf_init(&b, 0);
    bool ok = format_accepts(kind, s.columns, s.n, is_key, &b);
    strncpy(text, ok ? "ok" : buf_z(&b), sizeof text - 1);
    CHECK(!ok || b.len == 0);
    buf_free(&b);
    side_free(&s);
    return text;
}

TEST(formats, names)
{
    enum format_kind kind;
    CHECK(format_by_name(STR("json"), &kind) && kind == FORMAT_JSON);
    CHECK(format_by_name(STR("Protobuf_NoSR"), &kind) && kind == FORMAT_PROTOBUF_NOSR);
    CHECK(format_by_name(STR("NONE"), &kind) && kind == FORMAT_NONE);
    CHECK(!format_by_name(STR("JSO"), &kind));
    CHECK(!format_by_name(STR("ROW"), &kind)); /* internal */
    CHECK(!format_by_name(STR(""), &kind));
    CHECK_TEXT(format_name(FORMAT_JSON_SR), "JSON_SR");
}

TEST(formats, accepts)
{
    CHECK_TEXT(reason(FORMAT_NONE, "", true), "ok");
    CHECK_TEXT(
        reason(FORMAT_NONE, "K INT, L STRING", true),
        "The 'NONE' format can only be used when no columns are defined. Got: [`K` INTEGER KEY, `L` STRING KEY]");
    CHECK_TEXT(reason(FORMAT_KAFKA, "A INT, B STRING", false),
               "The 'KAFKA' format only supports a single field. Got: [`A` INTEGER, `B` STRING]");
    CHECK_TEXT(reason(FORMAT_KAFKA, "A BOOLEAN", false), "The 'KAFKA' format does not support type 'BOOLEAN'");
    CHECK_TEXT(reason(FORMAT_KAFKA, "A DECIMAL(4,2)", false), "The 'KAFKA' format does not support type 'DECIMAL'");
    CHECK_TEXT(reason(FORMAT_KAFKA, "A BYTES", false), "ok");
    CHECK_TEXT(reason(FORMAT_KAFKA, "", false), "ok");
    CHECK_TEXT(reason(FORMAT_DELIMITED, "A INT, K ARRAY<INT>", false),
               "The 'DELIMITED' format does not support type 'ARRAY', column: `K`");
    CHECK_TEXT(reason(FORMAT_DELIMITED, "A DECIMAL(4,2), B BYTES, C TIME", false), "ok");
    CHECK_TEXT(reason(FORMAT_JSON, "A STRUCT<B ARRAY<MAP<INT,STRING>>>", false),
               "JSON only supports MAP types with STRING keys");
    CHECK_TEXT(reason(FORMAT_JSON, "A MAP<STRING,MAP<STRING,INT>>", false), "ok");
    CHECK_TEXT(reason(FORMAT_AVRO, "A MAP<INT,INT>", false), "Avro only supports MAPs with STRING keys");
    CHECK_TEXT(reason(FORMAT_AVRO, "`1X` INT", false),
               "Schema is not compatible with Avro: Illegal initial character: 1X");
    CHECK_TEXT(reason(FORMAT_AVRO, "A STRUCT<`A-B` INT>", false),
               "Schema is not compatible with Avro: Illegal character in: A-B");
    CHECK_TEXT(reason(FORMAT_PROTOBUF, "A MAP<INT,INT>", false),
               "PROTOBUF format only supports MAP types with STRING keys. See "
               "https://github.com/confluentinc/ksql/issues/6177.");
}

TEST(formats, refused_at_creation)
{
    struct side s;
    struct diag d = DIAG_INIT;
    struct decoder *dec;
    struct encoder *enc;
    side_init(&s, "A BOOLEAN");
    CHECK_INT(decoder_create(&kafka_spec, s.columns, 1, NULL, 0, &dec, &d), STATUS_INVALID);
    CHECK_TEXT(d.message, "The 'KAFKA' format does not support type 'BOOLEAN'");
    CHECK(dec == NULL);
    diag_clear(&d);
    const struct format_spec avro = {.kind = FORMAT_AVRO};
    CHECK_INT(encoder_create(&avro, s.columns, 1, &enc, &d), STATUS_INVALID); /* no registry */
    CHECK(enc == NULL);
    side_free(&s);
}
