/* Columns and schema ids from the registry. */
#include "tests/unit/planner/harness.h"

#include <string.h>

struct schemas {
    struct session s;
    struct registry *registry;
};

static void open_all(struct schemas *t)
{
    session_open(&t->s);
    t->s.topic_partitions = 1;
    if (registry_open_memory(&t->registry, NULL) != STATUS_OK)
        CU_FAIL_FATAL("registry");
    t->s.context.registry = t->registry;
}

static void close_all(struct schemas *t)
{
    session_close(&t->s);
    registry_close(t->registry);
}

static void add(struct schemas *t, const char *subject, enum schema_type type, int32_t id, const char *text)
{
    const struct registered_schema schema = {.id = id, .type = type, .text = str_from(text)};
    int32_t got;
    CHECK_INT(registry_add(t->registry, str_from(subject), &schema, &got, NULL), STATUS_OK);
}

static const char *columns_of(struct schemas *t, const char *name)
{
    static struct buf text;
    const struct source *s = catalog_source(t->s.catalog, str_from(name));
    buf_free(&text);
    buf_init(&text, 0);
    if (s)
        schema_print(&text, &s->schema);
    return buf_z(&text);
}

#define OBJECT(members) "{\"type\":\"object\",\"properties\":{" members "}}"
#define TEXT(name) "\"" name "\":{\"type\":\"string\"}"
#define NUMBER(name) "\"" name "\":{\"type\":\"integer\",\"connect.type\":\"int32\"}"

TEST(planner_schemas, columns_of_both_sides_of_one_and_of_none)
{
    struct schemas t;
    open_all(&t);
    add(&t, "t-key", SCHEMA_JSON, 0, "{\"type\":\"string\"}");
    add(&t, "t-value", SCHEMA_JSON, 0, OBJECT(TEXT("old")));
    add(&t, "t-value", SCHEMA_JSON, 0, OBJECT(TEXT("name") "," NUMBER("Age")));
    CHECK_INT(session_run(&t.s, "CREATE STREAM a WITH (KAFKA_TOPIC='t', FORMAT='JSON_SR');"), STATUS_OK);
    CHECK_TEXT(columns_of(&t, "A"), "`ROWKEY` STRING KEY, `NAME` STRING, `AGE` INTEGER");
    CHECK(str_eq(t.s.last.filled, STR("CREATE STREAM A (ROWKEY STRING KEY, NAME STRING, AGE INTEGER) WITH "
                                      "(KAFKA_TOPIC='t', FORMAT='JSON_SR');")));
    CHECK(str_eq(catalog_source(t.s.catalog, STR("A"))->sql, t.s.last.filled));
    CHECK_INT(session_run(&t.s, "CREATE TABLE b (id INT PRIMARY KEY, h BYTES HEADER('x')) WITH (KAFKA_TOPIC='t', "
                                "VALUE_FORMAT='JSON_SR');"),
              STATUS_OK);
    CHECK_TEXT(columns_of(&t, "B"), "`ID` INTEGER KEY, `NAME` STRING, `AGE` INTEGER, `H` BYTES HEADER('x')");
    CHECK_INT(session_run(&t.s, "CREATE STREAM c (x INT) WITH (KAFKA_TOPIC='t', FORMAT='JSON_SR');"), STATUS_OK);
    CHECK_TEXT(columns_of(&t, "C"), "`ROWKEY` STRING KEY, `X` INTEGER");
    CHECK_INT(session_run(&t.s, "CREATE STREAM d (x INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR');"), STATUS_OK);
    CHECK_TEXT(columns_of(&t, "D"), "`X` INTEGER");
    CHECK(!t.s.last.filled.p);
    close_all(&t);
}

TEST(planner_schemas, a_recorded_statement_asks_nobody)
{
    struct schemas t;
    open_all(&t);
    t.s.context.recorded = true;
    t.s.context.registry = NULL;
    CHECK_INT(session_run(&t.s, "CREATE STREAM a (`k` INT KEY, `v` STRING) WITH (KAFKA_TOPIC='t', FORMAT='JSON_SR', "
                                "KEY_SCHEMA_ID=4, VALUE_SCHEMA_ID=5);"
                                "CREATE STREAM b WITH (VALUE_SCHEMA_ID=7) AS SELECT * FROM a;"),
              STATUS_OK);
    CHECK_TEXT(columns_of(&t, "A"), "`k` INTEGER KEY, `v` STRING");
    const struct source *a = catalog_source(t.s.catalog, STR("A")), *b = catalog_source(t.s.catalog, STR("B"));
    REQUIRE(a && b);
    CHECK_INT(a->formats.key.schema_id, 4);
    CHECK_INT(a->formats.value.schema_id, 5);
    CHECK_INT(b->formats.key.schema_id, 0);
    CHECK_INT(b->formats.value.schema_id, 7);
    close_all(&t);
}

TEST(planner_schemas, ids_keep_the_case_of_names)
{
    struct schemas t;
    open_all(&t);
    add(&t, "elsewhere", SCHEMA_JSON, 42, OBJECT(TEXT("name")));
    CHECK_INT(session_run(&t.s, "CREATE STREAM a WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR', VALUE_SCHEMA_ID=42);"),
              STATUS_OK);
    CHECK_TEXT(columns_of(&t, "A"), "`name` STRING");
    CHECK(str_eq(t.s.last.filled, STR("CREATE STREAM A (`name` STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR', "
                                      "VALUE_SCHEMA_ID=42);")));
    session_refuses(
        &t.s, "CREATE TABLE b WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR', VALUE_SCHEMA_ID=42);", STATUS_STATEMENT,
        "Tables require a PRIMARY KEY. Please define the PRIMARY KEY.\nUse a partial schema to define the "
        "primary key and still load the value columns from the Schema Registry, for example:\n\tCREATE TABLE B "
        "(ID INT PRIMARY KEY) WITH (...);");
    close_all(&t);
}

TEST(planner_schemas, a_record_is_one_whatever_the_session_says)
{
    struct schemas t;
    open_all(&t);
    add(&t, "t-value", SCHEMA_JSON, 0, OBJECT(TEXT("a")));
    session_set(&t.s, "ksql.persistence.wrap.single.values", "false");
    CHECK_INT(session_run(&t.s, "CREATE STREAM a WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR');"), STATUS_OK);
    CHECK(catalog_source(t.s.catalog, STR("A"))->formats.value.wrapped);
    CHECK(str_eq(t.s.last.filled, STR("CREATE STREAM A (A STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR', "
                                      "WRAP_SINGLE_VALUE=true);")));
    close_all(&t);
}

TEST(planner_schemas, what_cannot_be_columns)
{
    struct schemas t;
    open_all(&t);
    add(&t, "p-value", SCHEMA_PROTOBUF, 0, "syntax = \"proto3\"; message M {int32 a = 1;}");
    add(&t, "n-value", SCHEMA_JSON, 0, "{\"type\":\"integer\"}");
    add(&t, "bad-value", SCHEMA_JSON, 0, "{\"type\":");
    session_refuses(&t.s, "CREATE STREAM a WITH (KAFKA_TOPIC='p', VALUE_FORMAT='JSON_SR');", STATUS_STATEMENT,
                    "Value schema is not in the expected format. You may want to set VALUE_FORMAT to 'PROTOBUF'.\n"
                    "expected format: JSON_SR\nactual format from Schema Registry: PROTOBUF");
    CHECK(session_run(&t.s, "CREATE STREAM a WITH (KAFKA_TOPIC='n', VALUE_FORMAT='JSON_SR');") == STATUS_STATEMENT &&
          strstr(t.s.diag.message, "Schema returned from schema registry is anonymous type"));
    CHECK(session_run(&t.s, "CREATE STREAM a WITH (KAFKA_TOPIC='bad', VALUE_FORMAT='JSON_SR');") == STATUS_STATEMENT &&
          strstr(t.s.diag.message,
                 "Unable to verify if the value schema for topic: bad is compatible with ksqlDB.\nReason: "));
    CHECK(session_run(&t.s, "CREATE STREAM a WITH (KAFKA_TOPIC='none', VALUE_FORMAT='JSON_SR');") == STATUS_STATEMENT &&
          strstr(t.s.diag.message, "Schema for message values on topic 'none' does not exist in the Schema Registry.\n"
                                   "Subject: none-value\nPossible causes include:"));
    CHECK(session_run(&t.s, "CREATE STREAM a (x INT) WITH (KAFKA_TOPIC='none', KEY_FORMAT='JSON_SR', KEY_SCHEMA_ID=9, "
                            "VALUE_FORMAT='JSON');") == STATUS_STATEMENT &&
          strstr(t.s.diag.message, "Schema for message keys on topic 'none' does not exist in the Schema Registry.\n"
                                   "Schema Id: 9\n"));
    CHECK_INT(
        session_run(&t.s, "CREATE STREAM a WITH (KAFKA_TOPIC='n', VALUE_FORMAT='JSON_SR', WRAP_SINGLE_VALUE=false);"),
        STATUS_OK);
    CHECK_TEXT(columns_of(&t, "A"), "`ROWVAL` BIGINT");
    t.s.context.registry = NULL;
    session_refuses(&t.s, "CREATE STREAM b WITH (KAFKA_TOPIC='n', VALUE_FORMAT='JSON_SR');", STATUS_STATEMENT,
                    "Cannot create topic 'n' with format JSON_SR without configuring 'ksql.schema.registry.url'");
    close_all(&t);
}

TEST(planner_schemas, the_schema_that_a_query_writes)
{
    struct schemas t;
    open_all(&t);
    add(&t, "x", SCHEMA_JSON, 1, OBJECT(TEXT("a") "," NUMBER("b")));
    add(&t, "x", SCHEMA_PROTOBUF, 2, "syntax = \"proto3\"; message M {int32 a = 1;}");
    CHECK_INT(session_run(&t.s, "CREATE STREAM s (k INT KEY, `a` STRING, `b` STRING) WITH (KAFKA_TOPIC='t', "
                                "VALUE_FORMAT='JSON_SR');"
                                "CREATE STREAM good WITH (VALUE_SCHEMA_ID=1) AS SELECT k, `a` FROM s;"),
              STATUS_OK);
    CHECK_INT(t.s.last.plan->stages[0].root->sink.formats.value.schema_id, 1);
    CHECK(session_run(&t.s, "CREATE STREAM bad WITH (VALUE_SCHEMA_ID=1) AS SELECT * FROM s;") == STATUS_STATEMENT &&
          strstr(t.s.diag.message,
                 "The following value columns are changed, missing or reordered: [`b` STRING]. Schema "
                 "from schema registry is [`a` STRING, `b` INTEGER]"));
    CHECK(session_run(&t.s, "CREATE STREAM bad WITH (VALUE_SCHEMA_ID=2) AS SELECT * FROM s;") == STATUS_STATEMENT &&
          strstr(t.s.diag.message, "Format and fetched schema type using VALUE_SCHEMA_ID 2 are different. Format: "
                                   "[JSON_SR], Fetched schema type: [PROTOBUF]."));
    CHECK(session_run(&t.s, "CREATE STREAM bad WITH (KEY_SCHEMA_ID=1) AS SELECT * FROM s;") == STATUS_STATEMENT &&
          strstr(t.s.diag.message, "KEY_SCHEMA_ID is provided but format KAFKA doesn't support registering in Schema "
                                   "Registry"));
    close_all(&t);
}

TEST(planner_schemas, keys_that_are_inserted)
{
    struct schemas t;
    open_all(&t);
    add(&t, "t-key", SCHEMA_JSON, 0, "{\"type\":\"string\"}");
    CHECK_INT(session_run(&t.s, "CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC='t', KEY_FORMAT='JSON_SR', "
                                "VALUE_FORMAT='JSON');"
                                "CREATE STREAM good (k STRING KEY, v INT) WITH (KAFKA_TOPIC='t', KEY_FORMAT='JSON_SR', "
                                "VALUE_FORMAT='JSON');"
                                "INSERT INTO good (k, v) VALUES ('a', 1);"),
              STATUS_OK);
    session_refuses(&t.s, "INSERT INTO s (k, v) VALUES (1, 1);", STATUS_INVALID,
                    "Cannot INSERT VALUES into data source `S`. ksqlDB generated schema would overwrite existing key "
                    "schema.\n\tExisting Schema: [`ROWKEY` STRING KEY]\n\tksqlDB Generated: [`K` INTEGER KEY]");
    close_all(&t);
}

TEST(planner_schemas, replaced_sources)
{
    struct schemas t;
    open_all(&t);
    add(&t, "x", SCHEMA_JSON, 1, OBJECT(TEXT("a")));
    add(&t, "x", SCHEMA_JSON, 2, OBJECT(TEXT("a") "," NUMBER("b")));
    CHECK_INT(session_run(&t.s, "CREATE STREAM s WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR', VALUE_SCHEMA_ID=1);"
                                "CREATE OR REPLACE STREAM s WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR', "
                                "VALUE_SCHEMA_ID=2);"
                                "CREATE STREAM p (a INT) WITH (KAFKA_TOPIC='p', VALUE_FORMAT='PROTOBUF');"),
              STATUS_OK);
    CHECK_TEXT(columns_of(&t, "S"), "`a` STRING, `b` INTEGER");
    session_refuses(&t.s,
                    "CREATE OR REPLACE STREAM p (a INT) WITH (KAFKA_TOPIC='p', VALUE_FORMAT='PROTOBUF', "
                    "VALUE_SCHEMA_FULL_NAME='x.Y');",
                    STATUS_INVALID,
                    "Cannot upgrade data source: DataSource '`P`' has topic = p which is not upgradeable to p");
    close_all(&t);
}

static enum status run_with_failure(long n)
{
    static const char script[] = "CREATE STREAM a WITH (KAFKA_TOPIC='t', KEY_FORMAT='AVRO', VALUE_FORMAT='JSON_SR');"
                                 "CREATE TABLE b (k INT PRIMARY KEY) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='PROTOBUF');"
                                 "CREATE STREAM c WITH (VALUE_SCHEMA_ID=2) AS SELECT rowkey, NAME AS `name` FROM a;"
                                 "INSERT INTO a (rowkey, name) VALUES (1, 'x');";
    struct schemas t;
    open_all(&t);
    add(&t, "t-key", SCHEMA_AVRO, 0, "\"long\"");
    add(&t, "t-value", SCHEMA_JSON, 2, OBJECT(TEXT("name")));
    add(&t, "u-value", SCHEMA_PROTOBUF, 0,
        "syntax = \"proto3\"; message M { message N { string x = 1; } repeated N n = 1; }");
    mem_fail_after(n);
    enum status st = session_run(&t.s, script);
    mem_fail_after(0);
    if (st == STATUS_OK)
        CHECK_TEXT(columns_of(&t, "B"), "`K` INTEGER KEY, `N` ARRAY<STRUCT<`X` STRING>>");
    close_all(&t);
    return st;
}

TEST(planner_schemas, out_of_memory_anywhere)
{
    enum status st = STATUS_NOMEM;
    long n = 1;
    for (; st == STATUS_NOMEM && n < 20000; n++)
        st = run_with_failure(n);
    CHECK_INT(st, STATUS_OK);
    CHECK(n > 10);
}
