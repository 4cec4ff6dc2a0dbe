/* JSON_SR: records, JSON Schema texts to columns and back. */
#include "formats/tree.h"
#include "util.h"

#include <stdio.h>

static const struct format_spec wrapped = {.kind = FORMAT_JSON_SR, .wrapped = true}, bare = {.kind = FORMAT_JSON_SR};

/* ---- records ------------------------------------------------------------------------------------------------------- */

static const char *read(const struct format_spec *spec, const char *schema, const char *text, size_t len)
{
    static char payload[4096];
    memcpy(payload, "\0\0\0\1\2", 5);
    memcpy(payload + 5, text, len);
    return decoded(spec, schema, payload, len + 5);
}

#define CHECK_READ(spec, schema, text, expected) CHECK_TEXT(read(&spec, schema, text, strlen(text)), expected)

TEST(json_sr, reading)
{
    CHECK_READ(wrapped, "A INT, B STRING", "{\"a\":1,\"B\":\"x\"}", "1|x");
    CHECK_READ(wrapped, "A INT", "{}", "null");
    CHECK_READ(wrapped, "A INT", "null", "NULL");
    CHECK_READ(bare, "A INT", "12", "12");
    CHECK_READ(bare, "A ARRAY<STRING>", "[\"x\",null]", "[x, null]");
    CHECK_TEXT(decoded(&wrapped, "A INT", NULL, SIZE_MAX), "NULL");
    CHECK(!strncmp(read(&wrapped, "A INT", "", 0), "BAD:", 4));
    CHECK(!strncmp(read(&wrapped, "A INT", "{\"a\":", 5), "BAD:", 4));
}

TEST(json_sr, no_header)
{
    static const char expected[] =
        "BAD: The record does not begin with a zero byte and the id of its schema, as JSON_SR does. "
        "Data without them has the format JSON.";
    CHECK_TEXT(decoded(&wrapped, "A INT", "{\"a\":1}", 7), expected);
    CHECK_TEXT(decoded(&wrapped, "A INT", "\0\0\0\1", 4), expected);
    CHECK_TEXT(decoded(&wrapped, "A INT", "\1\0\0\0\1{}", 7), expected);
    CHECK_TEXT(decoded(&wrapped, "A INT", "", 0), expected);
}

struct written {
    struct side side;
    struct registry *registry;
    struct schema_site site;
};

static void written_init(struct written *w, const char *columns)
{
    side_init(&w->side, columns);
    REQUIRE(registry_open_memory(&w->registry, NULL) == STATUS_OK);
    w->site = (struct schema_site){w->registry, "t", false};
}

static void written_free(struct written *w)
{
    registry_close(w->registry);
    side_free(&w->side);
}

/* A row of values, encoded; bytes below a blank are shown as ~. */
static const char *write_row(struct written *w, struct format_spec spec, const struct value *values)
{
    static char text[2048];
    struct encoder *enc = NULL;
    struct diag d = DIAG_INIT;
    struct column columns[8];
    struct buf out;
    bool is_null = false;
    spec.site = &w->site;
    buf_init(&out, 0);
    REQUIRE(columns_from_values(&w->side, values, columns));
    enum status st = encoder_create(&spec, w->side.columns, w->side.n, &enc, &d);
    if (st == STATUS_OK)
        st = encode(enc, columns, 0, &out, &is_null, &d);
    size_t n = 0;
    for (; n < out.len && n < sizeof text - 1; n++)
        text[n] = out.p[n] < ' ' ? '~' : out.p[n];
    text[n] = 0;
    if (is_null || st != STATUS_OK) {
        CHECK_INT(out.len, 0);
        snprintf(text, sizeof text, "%s", is_null ? "NULL" : d.message);
    }
    encoder_destroy(enc);
    buf_free(&out);
    return text;
}

TEST(json_sr, writing)
{
    struct written w;
    const struct value row[] = {{.kind = KIND_INT, .i32 = 5}, {.kind = KIND_STRING, .str = STR("x")}, VALUE_NULL};
    written_init(&w, "A INT, B STRING, C DOUBLE");
    CHECK_TEXT(write_row(&w, wrapped, row), "~~~~~{\"A\":5,\"B\":\"x\",\"C\":null}");
    const struct registered_schema *s;
    CHECK_INT(registry_by_subject(w.registry, STR("t-value"), 0, &s, NULL), STATUS_OK);
    CHECK(s->id == 1 && s->type == SCHEMA_JSON);
    written_free(&w);

    written_init(&w, "A INT");
    CHECK_TEXT(write_row(&w, wrapped, row), "~~~~~{\"A\":5}");
    CHECK_TEXT(write_row(&w, bare, row), "~~~~~5");
    CHECK_TEXT(write_row(&w, bare, row + 2), "NULL");
    w.site.registry = NULL;
    CHECK_TEXT(write_row(&w, bare, row),
               "Cannot create topic 't' with format JSON_SR without configuring 'ksql.schema.registry.url'");
    written_free(&w);
}

static void give(struct written *w, int32_t id, const char *text)
{
    int32_t got;
    const struct registered_schema s = {.id = id, .type = SCHEMA_JSON, .text = str_from(text)};
    CHECK_INT(registry_add(w->registry, STR("given"), &s, &got, NULL), STATUS_OK);
}

TEST(json_sr, writing_with_a_given_schema)
{
    struct written w;
    const struct value row[] = {{.kind = KIND_BIGINT, .i64 = 5}, {.kind = KIND_STRING, .str = STR("x")}};
    struct format_spec spec = wrapped;
    written_init(&w, "`c1` BIGINT, `c3` STRING");
    give(&w, 40,
         "{\"type\":\"object\",\"properties\":{\"c1\":{\"type\":\"integer\"},\"c2\":{\"type\":\"string\"},"
         "\"c3\":{\"type\":\"string\"},\"c4\":{\"type\":\"boolean\"}}}");
    give(&w, 41, "{\"type\":\"object\",\"properties\":{\"other\":{\"type\":\"integer\"}}}");
    spec.schema_id = 40;
    CHECK_TEXT(write_row(&w, spec, row), "~~~~({\"c1\":5,\"c3\":\"x\",\"c4\":null,\"c2\":null}");
    spec.schema_id = 41;
    CHECK_TEXT(write_row(&w, spec, row), "~~~~){\"c1\":5,\"c3\":\"x\"}");
    spec.schema_id = 42;
    CHECK_TEXT(write_row(&w, spec, row), "Schema 42 not found");
    written_free(&w);
}

/* ---- schemas ------------------------------------------------------------------------------------------------------- */

static const char *columns_text(const struct format_spec *spec, struct registry *r, const struct registered_schema *s,
                                bool is_key)
{
    static char text[4096];
    struct arena a;
    struct buf out;
    struct diag d = DIAG_INIT;
    const struct schema_column *columns;
    uint32_t n;
    arena_init(&a, 0);
    buf_init(&out, 0);
    enum status st = columns_from_schema(spec, r, s, is_key, &a, &columns, &n, &d);
    if (st == STATUS_OK) {
        const struct schema schema = {.n_columns = n, .n_keys = is_key ? n : 0, .columns = columns};
        schema_print(&out, &schema);
    }
    snprintf(text, sizeof text, "%s%s", st == STATUS_OK ? buf_z(&out) : "refused: ", d.message);
    buf_free(&out);
    arena_free(&a);
    return text;
}

static const char *columns_of(const struct format_spec *spec, const char *schema)
{
    const struct registered_schema s = {.id = 3, .type = SCHEMA_JSON, .text = str_from(schema)};
    return columns_text(spec, NULL, &s, false);
}

#define OBJECT(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"

TEST(json_sr_schema, to_columns)
{
    struct format_spec by_id = wrapped;
    by_id.schema_id = 1;
    CHECK_TEXT(columns_of(&wrapped, OBJECT("\"c1\":{\"type\":\"integer\"}")), "`C1` BIGINT");
    CHECK_TEXT(columns_of(&by_id, OBJECT("\"c1\":{\"type\":\"integer\"}")), "`c1` BIGINT");
    CHECK_TEXT(columns_of(&wrapped, OBJECT("\"a\":{\"type\":\"integer\",\"connect.type\":\"int32\"},"
                                           "\"b\":{\"type\":\"integer\",\"connect.type\":\"int8\"},"
                                           "\"c\":{\"type\":\"number\"},"
                                           "\"d\":{\"type\":\"number\",\"connect.type\":\"float32\"},"
                                           "\"e\":{\"type\":\"number\",\"connect.type\":\"int64\"},"
                                           "\"f\":{\"type\":\"boolean\"},"
                                           "\"g\":{\"type\":\"string\"},"
                                           "\"h\":{\"type\":\"string\",\"connect.type\":\"bytes\"},"
                                           "\"i\":{\"type\":[\"null\",\"string\"]},"
                                           "\"j\":{\"enum\":[\"x\"]},"
                                           "\"k\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"boolean\"}]}")),
               "`A` INTEGER, `B` INTEGER, `C` DOUBLE, `D` DOUBLE, `E` BIGINT, `F` BOOLEAN, `G` STRING, `H` BYTES, `I` "
               "STRING, `J` "
               "STRING, `K` BOOLEAN");
    CHECK_TEXT(columns_of(&wrapped, "{\"oneOf\":[{\"type\":\"null\"}," OBJECT("\"a\":{\"type\":\"string\"}") "]}"),
               "`A` STRING");
    CHECK_TEXT(columns_of(&bare, "{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"integer\",\"connect.type\":\"int32\"}]}"),
               "`ROWVAL` INTEGER");
    const struct registered_schema key = {.text = STR(OBJECT("\"f1\":{\"type\":\"string\"}"))};
    CHECK_TEXT(columns_text(&bare, NULL, &key, true), "`ROWKEY` STRUCT<`F1` STRING> KEY");
    CHECK_TEXT(columns_text(&wrapped, NULL, &key, true), "`F1` STRING KEY");
}

TEST(json_sr_schema, nested_and_logical)
{
    CHECK_TEXT(
        columns_of(
            &wrapped,
            OBJECT(
                "\"a\":{\"type\":\"array\",\"items\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"string\"}]}},"
                "\"b\":{\"type\":\"object\",\"connect.type\":\"map\",\"additionalProperties\":{\"type\":\"number\"}},"
                "\"c\":" OBJECT("\"d\":" OBJECT("\"e\":{\"type\":\"boolean\"}")))),
        "`A` ARRAY<STRING>, `B` MAP<STRING, DOUBLE>, `C` STRUCT<`D` STRUCT<`E` BOOLEAN>>");
    CHECK_TEXT(
        columns_of(&wrapped, OBJECT("\"a\":{\"type\":\"number\",\"title\":\"org.apache.kafka.connect.data.Decimal\","
                                    "\"connect.type\":\"bytes\",\"connect.parameters\":{\"scale\":\"2\","
                                    "\"connect.decimal.precision\":\"6\"}},"
                                    "\"b\":{\"type\":\"integer\",\"title\":\"org.apache.kafka.connect.data.Date\","
                                    "\"connect.type\":\"int32\"},"
                                    "\"c\":{\"type\":\"integer\",\"title\":\"org.apache.kafka.connect.data.Time\","
                                    "\"connect.type\":\"int32\"},"
                                    "\"d\":{\"type\":\"integer\",\"title\":\"org.apache.kafka.connect.data.Timestamp\","
                                    "\"connect.type\":\"int64\"}")),
        "`A` DECIMAL(6, 2), `B` DATE, `C` TIME, `D` TIMESTAMP");
}

TEST(json_sr_schema, order)
{
    CHECK_TEXT(columns_of(&wrapped, OBJECT("\"A\":{\"type\":\"string\",\"connect.index\":2},"
                                           "\"B\":{\"type\":\"string\",\"connect.index\":0},"
                                           "\"C\":{\"type\":\"string\",\"connect.index\":1}")),
               "`B` STRING, `C` STRING, `A` STRING");
    /* Without an index: as a Java HashMap lists the names. */
    CHECK_TEXT(columns_of(&wrapped, OBJECT("\"zebra\":{\"type\":\"string\"},\"b\":{\"type\":\"string\"},"
                                           "\"apple\":{\"type\":\"string\"},\"a\":{\"type\":\"string\"}")),
               "`ZEBRA` STRING, `APPLE` STRING, `A` STRING, `B` STRING");
}

TEST(json_sr_schema, references)
{
    CHECK_TEXT(columns_of(&wrapped,
                          "{\"definitions\":{\"a/b~\":{\"type\":\"string\"}},\"type\":\"object\",\"properties\":{\"x\":"
                          "{\"$ref\":\"#/definitions/a~1b~0\"},\"y\":{\"$ref\":\"#/definitions/none\"},"
                          "\"z\":{\"oneOf\":[{\"type\":\"null\"},{\"$ref\":\"#/definitions/a~1b~0\"}]}}}"),
               "`X` STRING, `Z` STRING");
    /* Schemas that hold themselves end. */
    CHECK_TEXT(columns_of(&wrapped, OBJECT("\"x\":{\"type\":\"string\"},\"self\":{\"$ref\":\"#\"}")), "`X` STRING");
    CHECK_TEXT(columns_of(&wrapped, "{\"$ref\":\"#\"}"),
               "refused: Schema does not include any columns with types that ksqlDB supports.");

    struct registry *r;
    int32_t id;
    const struct registered_schema other = {.type = SCHEMA_JSON,
                                            .text = STR("{\"definitions\":{\"n\":{\"type\":\"number\"}}}")};
    REQUIRE(registry_open_memory(&r, NULL) == STATUS_OK);
    CHECK_INT(registry_add(r, STR("other"), &other, &id, NULL), STATUS_OK);
    const struct schema_reference to = {STR("other.json"), STR("other"), 1};
    const struct registered_schema s = {
        .text = STR(OBJECT("\"x\":{\"$ref\":\"other.json#/definitions/n\"}")), .n_references = 1, .references = &to};
    CHECK_TEXT(columns_text(&wrapped, r, &s, false), "`X` DOUBLE");
    registry_close(r);
}

TEST(json_sr_schema, references_that_multiply)
{
    struct buf text;
    buf_init(&text, 0);
    buf_puts(&text, STR("{\"$ref\":\"#/d/0\",\"d\":{"));
    for (int i = 0; i < 60; i++)
        buf_printf(&text, "\"%d\":" OBJECT("\"a\":{\"$ref\":\"#/d/%d\"},\"b\":{\"$ref\":\"#/d/%d\"}") ",", i, i + 1,
                   i + 1);
    buf_puts(&text, STR("\"60\":{\"type\":\"string\"}}}"));
    CHECK(!strncmp(columns_of(&wrapped, buf_z(&text)), "`A` STRUCT<", 11)); /* some of it, and soon */
    buf_free(&text);
}

TEST(json_sr_schema, refused)
{
    static const char none[] = "refused: Schema does not include any columns with types that ksqlDB supports.";
    CHECK_TEXT(columns_of(&wrapped, "{\"type\":\"integer\"}"),
               "refused: Schema returned from schema registry is anonymous type. To use this schema with ksqlDB, set "
               "'WRAP_SINGLE_VALUE=false' in the WITH clause properties.");
    CHECK_TEXT(columns_of(&wrapped, "{}"), none);
    CHECK_TEXT(columns_of(&wrapped, "true"), none);
    CHECK_TEXT(columns_of(&wrapped, "{\"type\":\"object\"}"), none);
    CHECK_TEXT(
        columns_of(&wrapped,
                   OBJECT("\"a\":{\"type\":\"array\"},\"b\":{\"type\":\"null\"},\"c\":7,\"d\":{\"oneOf\":["
                          "{\"type\":\"string\"},{\"type\":\"number\"}]},\"e\":{\"type\":[\"string\",\"number\"]},"
                          "\"f\":{\"type\":\"object\",\"connect.type\":\"map\"},\"g\":{\"type\":\"odd\"}")),
        none);
    CHECK(!strncmp(columns_of(&wrapped, "{\"type\""), "refused: Schema 3 cannot be read: ", 34));
    CHECK(!strncmp(columns_of(&wrapped, ""), "refused: Schema 3 cannot be read: ", 34));
    CHECK(!strncmp(columns_of(&wrapped, "{} x"), "refused: Schema 3 cannot be read: ", 34));
    static char deep[40000];
    for (size_t i = 0; i + 40 < sizeof deep; i += 24)
        memcpy(deep + i, "{\"type\":\"array\",\"items\":", 25);
    CHECK(!strncmp(columns_of(&wrapped, deep), "refused: Schema 3 cannot be read: ", 34));
}

static void put_schema(struct buf *out, const struct format_spec *spec, const char *columns)
{
    struct side s;
    side_init(&s, columns);
    CHECK_INT(columns_to_schema(spec, s.columns, s.n, false, out, NULL), STATUS_OK);
    side_free(&s);
}

static const char *schema_of(const struct format_spec *spec, const char *columns)
{
    static char text[4096];
    struct buf out;
    buf_init(&out, 0);
    put_schema(&out, spec, columns);
    snprintf(text, sizeof text, "%s", buf_z(&out));
    buf_free(&out);
    return text;
}

#define OPTIONAL(type, index) "{\"oneOf\":[{\"type\":\"null\"}," type "],\"connect.index\":" index "}"

TEST(json_sr_schema, from_columns)
{
    CHECK_TEXT(schema_of(&bare, "A INT"),
               "{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"integer\",\"connect.type\":\"int32\"}]}");
    CHECK_TEXT(schema_of(&wrapped, "A STRING, `b\"` STRUCT<C BOOLEAN>"),
               OBJECT("\"A\":" OPTIONAL("{\"type\":\"string\"}", "0") ",\"b\\\"\":" OPTIONAL(
                   OBJECT("\"C\":" OPTIONAL("{\"type\":\"boolean\"}", "0")), "1")));
    struct format_spec named = wrapped;
    named.full_name = "my.Order";
    CHECK_TEXT(schema_of(&named, "A STRING"),
               "{\"title\":\"my.Order\",\"type\":\"object\",\"properties\":{\"A\":" OPTIONAL("{\"type\":\"string\"}",
                                                                                             "0") "}}");
}

TEST(json_sr_schema, there_and_back)
{
    static const char columns[] = "`A` BOOLEAN, `B` INTEGER, `C` BIGINT, `D` DOUBLE, `E` STRING, `F` BYTES, `G` DATE, "
                                  "`H` TIME, `I` TIMESTAMP, `J` DECIMAL(6, "
                                  "2), `z` ARRAY<MAP<STRING, STRUCT<`q` DECIMAL(38, 0), `p` ARRAY<ARRAY<DATE>>>>>, `K` "
                                  "STRUCT<`Z` INTEGER, `Y` BIGINT, `X` "
                                  "STRING>";
    static const char written[] =
        "A BOOLEAN, B INT, C BIGINT, D DOUBLE, E STRING, F BYTES, G DATE, H TIME, I TIMESTAMP, J DECIMAL(6,2), `z` "
        "ARRAY<MAP<STRING,STRUCT<`q` DECIMAL(38,0),`p` ARRAY<ARRAY<DATE>>>>>, K STRUCT<Z INT,Y BIGINT,X STRING>";
    struct format_spec by_id = wrapped;
    by_id.schema_id = 1;
    CHECK_TEXT(columns_of(&by_id, schema_of(&wrapped, written)), columns);
    CHECK_TEXT(columns_of(&bare, schema_of(&bare, "A MAP<STRING,DECIMAL(4,1)>")),
               "`ROWVAL` MAP<STRING, DECIMAL(4, 1)>");
}

static void mutate(char *text, size_t *len, size_t cap, uint64_t *state)
{
    static const char *const tokens[] = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         "\"",
                                         ":",
                                         ",",
                                         "null",
                                         "\"$ref\":",
                                         "\"#\"",
                                         "\"type\"",
                                         "\"object\"",
                                         "\"array\"",
                                         "\"items\":",
                                         "\"oneOf\":[",
                                         "\\u00",
                                         "\xFF",
                                         "1e999",
                                         "\"connect.index\":-1,"};
    const char *token = tokens[random_next(state) % (sizeof tokens / sizeof *tokens)];
    size_t at = random_next(state) % (*len + 1), n = strlen(token);
    if (random_next(state) % 3 == 0) {
        size_t cut = random_next(state) % 9;
        cut = cut > *len - at ? *len - at : cut;
        memmove(text + at, text + at + cut, *len - at - cut);
        *len -= cut;
    } else if (*len + n < cap) {
        memmove(text + at + n, text + at, *len - at);
        memcpy(text + at, token, n);
        *len += n;
    }
}

TEST(json_sr_schema, mutated)
{
    uint64_t state = 11;
    struct buf good;
    buf_init(&good, 0);
    put_schema(&good, &wrapped,
               "A BOOLEAN, B ARRAY<MAP<STRING,DECIMAL(4,2)>>, C STRUCT<D DATE, E STRUCT<F BYTES>>, G TIMESTAMP");
    for (int i = 0; i < 20000; i++) {
        char *text = mem_alloc(good.len + 200);
        size_t len = good.len;
        REQUIRE(text != NULL);
        memcpy(text, good.p, len);
        for (uint64_t n = random_next(&state) % 5; n > 0; n--)
            mutate(text, &len, good.len + 200, &state);
        char *exact = mem_alloc(len + 1);
        REQUIRE(exact != NULL);
        memcpy(exact, text, len);
        const struct registered_schema s = {.text = str_make(exact, len)};
        columns_text(&wrapped, NULL, &s, false);
        mem_free(exact);
        mem_free(text);
    }
    buf_free(&good);
}

TEST(json_sr_schema, out_of_memory)
{
    struct buf text;
    buf_init(&text, 0);
    put_schema(&text, &wrapped, "A BOOLEAN, B ARRAY<MAP<STRING,DECIMAL(4,2)>>, C STRUCT<D DATE, E STRUCT<F BYTES>>");
    const struct registered_schema s = {.text = buf_str(&text)};
    for (long nth = 1; nth < 1000; nth++) {
        struct arena a;
        const struct schema_column *columns;
        uint32_t n;
        arena_init(&a, 0);
        mem_fail_after(nth);
        enum status st = columns_from_schema(&wrapped, NULL, &s, false, &a, &columns, &n, NULL);
        mem_fail_after(0);
        arena_free(&a);
        if (st == STATUS_OK)
            break;
        CHECK_INT(st, STATUS_NOMEM);
        CHECK(nth < 999);
    }
    buf_free(&text);
}

/* ---- trees --------------------------------------------------------------------------------------------------------- */

TEST(tree, members)
{
    struct arena a;
    const struct tree *t;
    struct str text;
    int32_t number;
    arena_init(&a, 0);
    REQUIRE(tree_parse(
                &a,
                STR(" {\"a\" : [1, -2.5, true, null, {\"b\": \"\\u00e9\\n\"}], \"a\\\"\": 12, \"e\": {}, \"a\": 5} "),
                &t, NULL) == STATUS_OK);
    CHECK(t->kind == TREE_OBJECT && t->n == 4);
    CHECK(tree_int(t, "a", &number) && number == 5); /* the last one */
    CHECK(tree_int(t, "a\"", &number) && number == 12);
    const struct tree *list = &t->items[0];
    CHECK(list->kind == TREE_ARRAY && list->n == 5);
    CHECK(list->items[0].is_whole && list->items[0].whole == 1 && !list->items[1].is_whole);
    CHECK(list->items[2].boolean && list->items[3].kind == TREE_NULL);
    CHECK(tree_text(&list->items[4], "b", &text) && str_eq(text, STR("\xC3\xA9\n")));
    CHECK(tree_get(t, "none") == NULL && tree_get(list, "a") == NULL && tree_get(NULL, "a") == NULL);
    CHECK(tree_get(t, "e")->n == 0);
    struct diag d = DIAG_INIT;
    CHECK_INT(tree_parse(&a, STR("[1,]"), &t, &d), STATUS_DATA);
    CHECK(d.message[0] && t == NULL);
    arena_free(&a);
}
