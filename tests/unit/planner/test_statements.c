/* Statements: catalog changes, sinks, INSERT VALUES, and the rules that refuse them. */
#include "tests/unit/planner/harness.h"

#include <stdio.h>

static const char setup[] =
    "CREATE STREAM S (K STRING KEY, V INT, A ARRAY<INT>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=3);"
    "CREATE TABLE T (ID INT PRIMARY KEY, N STRING) WITH (KAFKA_TOPIC='t', FORMAT='JSON', PARTITIONS=2);"
    "CREATE STREAM W (K STRING KEY, V INT) WITH (KAFKA_TOPIC='w', VALUE_FORMAT='JSON', WINDOW_TYPE='TUMBLING', "
    "WINDOW_SIZE='10 SECONDS', PARTITIONS=1);"
    "CREATE SOURCE STREAM RO (K STRING KEY, V INT) WITH (KAFKA_TOPIC='ro', VALUE_FORMAT='JSON', PARTITIONS=1);"
    "CREATE STREAM H (K STRING KEY, V INT, HS BYTES HEADER('x')) WITH (KAFKA_TOPIC='h', VALUE_FORMAT='JSON', "
    "PARTITIONS=1);"
    "CREATE STREAM \"low\" (V INT) WITH (KAFKA_TOPIC='low', VALUE_FORMAT='JSON', PARTITIONS=1);"
    "CREATE STREAM CS AS SELECT K, V FROM S;"
    "INSERT INTO CS SELECT K, V FROM S;";

#define WHOLE "Could not determine output schema for query due to error: "

static const struct {
    const char *sql;
    enum status st;
    const char *message;
} refused[] = {
    /* names */
    {"SELECT * FROM NOPE EMIT CHANGES;", STATUS_STATEMENT, "Exception while preparing statement: NOPE does not exist."},
    {"SELECT * FROM LOW EMIT CHANGES;", STATUS_STATEMENT,
     "Exception while preparing statement: LOW does not exist.\nDid you mean \"low\"? Hint: wrap the source name in "
     "double "
     "quotes to make it case-sensitive."},
    {"SELECT * FROM \"s\" EMIT CHANGES;", STATUS_STATEMENT,
     "Exception while preparing statement: s does not exist.\nDid you mean S? Hint: try removing double quotes from "
     "the "
     "source name."},
    {"INSERT INTO NOPE SELECT * FROM S;", STATUS_STATEMENT,
     "Exception while preparing statement: Line: 1, Col: 13: Source `NOPE` does not exist."},
    {"SELECT CAST(V AS FOO) FROM S EMIT CHANGES;", STATUS_STATEMENT,
     "Failed to prepare statement: Cannot resolve unknown type: FOO"},
    {"SELECT * FROM S EMIT CHANGES LIMIT 4294967296;", STATUS_PARSE,
     "Failed to prepare statement: Value must be integer for command: LIMIT"},
    {"CREATE STREAM X (D DECIMAL(4294967296, 1)) WITH (KAFKA_TOPIC='x', FORMAT='JSON');", STATUS_PARSE,
     "Failed to prepare statement: Value must be integer for command: DECIMAL(PRECISION)"},
    {"SELECT STRUCT(X := STRUCT(Y := 1))->Z->* FROM S EMIT CHANGES;", STATUS_STATEMENT,
     "Field Z was not found on STRUCT."},
    /* what is typed when */
    {"SELECT * FROM S WHERE TRUE AND V EMIT CHANGES;", STATUS_STATEMENT,
     "Type error in WHERE expression: Should evaluate to boolean but is (true AND V) (INTEGER) instead."},
    {"SELECT * FROM S WHERE K = 1 AND TRUE EMIT CHANGES;", STATUS_STATEMENT,
     "Error in WHERE expression: Cannot compare K (STRING) to 1 (INTEGER) with EQUAL."},
    {"SELECT * FROM S WHERE V BETWEEN 1 AND 'a' EMIT CHANGES;", STATUS_STATEMENT,
     "Invalid Predicate: Cannot compare V (INTEGER) to 'a' (STRING) with LESS_THAN_OR_EQUAL.. expression: (V BETWEEN 1 "
     "AND 'a'), schema:`K` STRING KEY, `V` INTEGER, `A` ARRAY<INTEGER>"},
    /* CREATE */
    {"CREATE STREAM X (V INT) WITH (VALUE_FORMAT='JSON');", STATUS_STATEMENT,
     "Failed to prepare statement: Missing required property \"KAFKA_TOPIC\" which has no default value."},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='x');", STATUS_STATEMENT,
     "Statement is missing the 'VALUE_FORMAT' property from the WITH clause. Either provide one or set a default via "
     "the "
     "'ksql.persistence.default.format.value' config."},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='FOO');", STATUS_STATEMENT, "Unknown format: FOO"},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='x', FORMAT='JSON', BAR='1', BAZ=2);", STATUS_STATEMENT,
     "Failed to prepare statement: Invalid config variable(s) in the WITH clause: BAR,BAZ"},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='x', FORMAT='JSON', PARTITIONS='a');", STATUS_STATEMENT,
     "Failed to prepare statement: Invalid value a for property PARTITIONS: Not a number of type INT"},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='x', FORMAT='JSON', WRAP_SINGLE_VALUE='a');", STATUS_STATEMENT,
     "Failed to prepare statement: Invalid value a for property WRAP_SINGLE_VALUE: Expected value to be either true or "
     "false"},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='x', FORMAT='JSON', WINDOW_TYPE='HOPPING');", STATUS_STATEMENT,
     "Failed to prepare statement: HOPPING windows require 'WINDOW_SIZE' to be provided in the WITH clause. For "
     "example: "
     "'WINDOW_SIZE'='10 SECONDS'"},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='x', FORMAT='JSON', WINDOW_TYPE='HOPPING', WINDOW_SIZE='1 BOBS');",
     STATUS_STATEMENT,
     "Failed to prepare statement: Configuration WINDOW_SIZE is invalid: Invalid duration: '1 BOBS'. Unknown time "
     "unit: "
     "'BOBS'\nSupported time units are: NANOSECONDS, MICROSECONDS, MILLISECONDS, SECONDS, MINUTES, HOURS, DAYS"},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='x', FORMAT='JSON', WINDOW_SIZE='1 SECOND');", STATUS_STATEMENT,
     "Failed to prepare statement: 'WINDOW_SIZE' should not be set for SESSION windows."},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='x', FORMAT='JSON', WINDOW_TYPE='SESSION', PARTITIONS=1);",
     STATUS_STATEMENT, "Windowed sources require a key column."},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);", STATUS_STATEMENT,
     "A Kafka topic with the name 's' already exists, with different partition/replica configuration than required. "
     "KSQL "
     "expects 1 partitions (topic has 3), 1 replication factor (topic has 1)."},
    {"CREATE STREAM X (ROWTIME BIGINT) WITH (KAFKA_TOPIC='s', FORMAT='JSON');", STATUS_STATEMENT,
     "'ROWTIME' is a reserved column name. You cannot use it as a name for a column."},
    {"CREATE STREAM X WITH (KAFKA_TOPIC='s', FORMAT='JSON');", STATUS_STATEMENT, "No columns supplied."},
    {"CREATE TABLE X (V INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON');", STATUS_STATEMENT,
     "Tables require a PRIMARY KEY. Please define the PRIMARY KEY."},
    {"CREATE STREAM T (V INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON');", STATUS_INVALID,
     "Cannot add stream 'T': A table with the same name already exists"},
    {"CREATE STREAM X (V INT, W INT) WITH (KAFKA_TOPIC='s', FORMAT='KAFKA');", STATUS_STATEMENT,
     "Value format does not support schema.\nformat: KAFKA\nschema: Persistence{columns=[`V` INTEGER, `W` INTEGER], "
     "features=[]}\nreason: The 'KAFKA' format only supports a single field. Got: [`V` INTEGER, `W` INTEGER]"},
    {"CREATE STREAM X (K MAP<STRING, INT> KEY, V INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON');", STATUS_STATEMENT,
     "Map keys, including types that contain maps, are not supported as they may lead to unexpected behavior due to "
     "inconsistent serialization. Key column name: `K`. Column type: MAP<STRING, INTEGER>. See "
     "https://github.com/confluentinc/ksql/issues/6621 for more."},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', TIMESTAMP='Q');", STATUS_STATEMENT,
     "The TIMESTAMP column set in the WITH clause does not exist in the schema: 'Q'"},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', TIMESTAMP='V');", STATUS_STATEMENT,
     "Timestamp column, `V`, should be LONG(INT64), TIMESTAMP, or a String with a timestamp_format specified."},
    {"CREATE STREAM X (V STRING) WITH (KAFKA_TOPIC='s', FORMAT='JSON', TIMESTAMP='V');", STATUS_STATEMENT,
     "A String timestamp field has been specified without also specifying the timestamp_format"},
    {"CREATE STREAM X (V NOTYPE) WITH (KAFKA_TOPIC='s', FORMAT='JSON');", STATUS_STATEMENT,
     "Failed to prepare statement: Cannot resolve unknown type: NOTYPE"},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', VALUE_DELIMITER=',');", STATUS_STATEMENT,
     "JSON does not support the following configs: [delimiter]"},
    {"CREATE STREAM X (V INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='KAFKA', WRAP_SINGLE_VALUE=true);", STATUS_STATEMENT,
     "Format 'KAFKA' does not support 'WRAP_SINGLE_VALUE' set to 'true'."},
    /* CREATE AS */
    {"CREATE STREAM X AS SELECT V FROM S;", STATUS_STATEMENT,
     WHOLE
     "Key missing from projection (ie, SELECT). \nThe query used to build `X` must include the key column K in its "
     "projection (eg, SELECT K...)."},
    {"CREATE STREAM X AS SELECT K FROM S;", STATUS_STATEMENT, WHOLE "The projection contains no value columns."},
    {"CREATE STREAM X AS SELECT K, K AS K2, V FROM S;", STATUS_STATEMENT,
     WHOLE
     "The projection contains a key column (`K`) more than once, aliased as: K and K2.\nEach key column must only be "
     "in the projection once. If you intended to copy the key into the value, then consider using the AS_VALUE "
     "function to indicate which key reference should be copied."},
    {"CREATE TABLE X AS SELECT K, V FROM S;", STATUS_STATEMENT,
     WHOLE "Invalid result type. Your SELECT query produces a STREAM. Please use CREATE STREAM AS SELECT statement "
           "instead."},
    {"CREATE STREAM X AS SELECT K, COUNT(*) FROM S GROUP BY K;", STATUS_STATEMENT,
     WHOLE
     "Invalid result type. Your SELECT query produces a TABLE. Please use CREATE TABLE AS SELECT statement instead."},
    {"CREATE STREAM X AS SELECT K, ROWTIME FROM S;", STATUS_STATEMENT,
     WHOLE "Reserved column name in select: `ROWTIME`. Please remove or alias the column."},
    {"CREATE STREAM X AS SELECT K, V AS ROWTIME FROM S;", STATUS_STATEMENT,
     WHOLE "`ROWTIME` is a reserved column name. You cannot use it as an alias for a column."},
    {"CREATE STREAM X AS SELECT K, V FROM S WINDOW TUMBLING (SIZE 1 SECOND);", STATUS_STATEMENT,
     WHOLE "Line: 1, Col: 39: WINDOW clause requires a GROUP BY clause."},
    {"CREATE STREAM X AS SELECT K, V FROM W PARTITION BY V;", STATUS_STATEMENT,
     WHOLE "Implicit repartitioning of windowed sources is not supported. See "
           "https://github.com/confluentinc/ksql/issues/4385."},
    {"CREATE STREAM X AS SELECT K, V FROM S PARTITION BY V, NULL;", STATUS_STATEMENT,
     WHOLE "Cannot PARTITION BY multiple columns including NULL"},
    {"CREATE TABLE X AS SELECT * FROM T PARTITION BY N;", STATUS_STATEMENT,
     WHOLE
     "Cannot repartition a TABLE source. If this is a join, make sure that the criteria uses the TABLE's key column "
     "ID instead of [T.N]"},
    {"CREATE STREAM S AS SELECT K, V FROM S;", STATUS_INVALID,
     WHOLE "Cannot add stream 'S': A stream with the same name already exists"},
    /* aggregates */
    {"CREATE TABLE X AS SELECT K, V, COUNT(*) FROM S GROUP BY K;", STATUS_STATEMENT,
     WHOLE
     "Non-aggregate SELECT expression(s) not part of GROUP BY: V\nEither add the column(s) to the GROUP BY or remove "
     "them from the SELECT."},
    {"CREATE TABLE X AS SELECT K FROM S GROUP BY K;", STATUS_STATEMENT,
     WHOLE "GROUP BY requires aggregate functions in either the SELECT or HAVING clause."},
    {"CREATE TABLE X AS SELECT K, COUNT(*) FROM S GROUP BY K HAVING V > 1;", STATUS_STATEMENT,
     WHOLE
     "Non-aggregate HAVING expression not part of GROUP BY: V\nConsider switching the HAVING clause to a WHERE clause "
     "before the GROUP BY."},
    {"CREATE TABLE X AS SELECT K, SUM(COUNT(V)) FROM S GROUP BY K;", STATUS_STATEMENT,
     WHOLE "Aggregate functions can not be nested: SUM(COUNT(V))"},
    {"CREATE TABLE X AS SELECT COUNT(*) FROM S GROUP BY SUM(V);", STATUS_STATEMENT,
     WHOLE "GROUP BY does not support aggregate functions: SUM is an aggregate function."},
    {"CREATE TABLE X AS SELECT COUNT(*) FROM S GROUP BY K;", STATUS_STATEMENT,
     WHOLE
     "Key missing from projection (ie, SELECT). \nThe query used to build `X` must include the grouping expression K "
     "in its projection (eg, SELECT K...)."},
    {"CREATE TABLE X AS SELECT COUNT(*) FROM S;", STATUS_STATEMENT,
     WHOLE "CREATE TABLE AS SELECT statement does not support aggregate function [COUNT(ROWTIME)] without a GROUP BY "
           "clause."},
    {"CREATE TABLE X AS SELECT N, MAX(ID) FROM T GROUP BY N;", STATUS_STATEMENT,
     WHOLE "The aggregation function MAX cannot be applied to a table source, only to a stream source."},
    {"CREATE TABLE X AS SELECT N, COUNT(*) FROM T WINDOW TUMBLING (SIZE 1 DAY) GROUP BY N;", STATUS_STATEMENT,
     WHOLE "Windowing not supported for table aggregations."},
    {"CREATE TABLE X AS SELECT K, COUNT(*) FROM S GROUP BY K EMIT FINAL;", STATUS_STATEMENT,
     WHOLE "EMIT FINAL is only supported for windowed aggregations."},
    {"CREATE TABLE X AS SELECT K, MAX(WINDOWSTART) FROM S WINDOW TUMBLING (SIZE 1 DAY) GROUP BY K;", STATUS_STATEMENT,
     WHOLE
     "Window bounds column WINDOWSTART can only be used in the SELECT clause of windowed aggregations and can not be "
     "passed to aggregate functions.\nSee https://github.com/confluentinc/ksql/issues/4397"},
    {"CREATE STREAM X AS SELECT K, EXPLODE(EXPLODE(A)) FROM S;", STATUS_STATEMENT,
     WHOLE "Table functions cannot be nested: EXPLODE(EXPLODE(S.A))"},
    {"CREATE TABLE X AS SELECT K, EXPLODE(A), COUNT(*) FROM S GROUP BY K;", STATUS_STATEMENT,
     WHOLE "Table functions cannot be used with aggregations."},
    /* INSERT */
    {"INSERT INTO CS SELECT K, V AS Z FROM S;", STATUS_STATEMENT,
     "Incompatible schema between results and sink.\nResult schema is `K` STRING KEY, `Z` INTEGER\nSink schema is `K` "
     "STRING KEY, `V` INTEGER"},
    {"INSERT INTO T SELECT K, V FROM S;", STATUS_STATEMENT,
     "Exception while preparing statement: INSERT INTO can only be used to insert into a stream. T is a table."},
    {"INSERT INTO RO SELECT K, V FROM S;", STATUS_STATEMENT,
     "Exception while preparing statement: Cannot insert into read-only stream: RO"},
    {"INSERT INTO CS WITH (QUERY_ID='CSAS_1') SELECT K, V FROM S;", STATUS_STATEMENT,
     "Query IDs must not start with a reserved query ID prefix (INSERTQUERY_, CTAS_, CSAS_, CST_). Got 'CSAS_1'."},
    {"INSERT INTO NOPE VALUES (1);", STATUS_INVALID, "Cannot insert values into an unknown stream/table: `NOPE`"},
    {"INSERT INTO W VALUES ('a', 1);", STATUS_INVALID, "Cannot insert values into windowed stream/table!"},
    {"INSERT INTO RO VALUES ('a', 1);", STATUS_INVALID, "Cannot insert values into read-only stream: RO"},
    {"INSERT INTO H VALUES ('a', 1, NULL);", STATUS_INVALID, "Cannot insert into HEADER columns: HS"},
    {"INSERT INTO S (K, V) VALUES ('a', '1');", STATUS_STATEMENT,
     "Failed to insert values into 'S'. Expected type INTEGER for field `V` but got STRING(1)"},
    {"INSERT INTO S (K, Q) VALUES ('a', 1);", STATUS_STATEMENT,
     "Failed to insert values into 'S'. Column name `Q` does not exist."},
    {"INSERT INTO S VALUES ('a');", STATUS_STATEMENT,
     "Failed to insert values into 'S'. Expected a value for each column. Expected Columns: [`K`, `V`, `A`]. Got "
     "['a']"},
    {"INSERT INTO S (V) VALUES (K);", STATUS_STATEMENT,
     "Failed to insert values into 'S'. Unsupported column reference in insert value: K"},
    {"INSERT INTO T (N) VALUES ('x');", STATUS_STATEMENT,
     "Failed to insert values into 'T'. Value for primary key column(s) ID is required for tables"},
    /* DROP, ALTER, types */
    {"DROP STREAM NOPE;", STATUS_INVALID, "Stream NOPE does not exist."},
    {"DROP STREAM T;", STATUS_INVALID, "Incompatible data source type is table, but statement was DROP stream"},
    {"DROP STREAM S;", STATUS_INVALID,
     "Cannot drop S.\nThe following queries read from this source: [INSERTQUERY_1].\nThe following queries write into "
     "this "
     "source: [].\nYou need to terminate them before dropping S."},
    {"DROP STREAM RO DELETE TOPIC;", STATUS_STATEMENT, "Cannot delete topic for read-only source: RO"},
    {"ALTER STREAM NOPE ADD COLUMN X INT;", STATUS_INVALID, "Source NOPE does not exist."},
    {"ALTER STREAM CS ADD COLUMN X INT;", STATUS_INVALID,
     "ALTER command is not supported for CREATE ... AS statements."},
    {"ALTER STREAM S ADD COLUMN V INT;", STATUS_INVALID,
     "Cannot add column `V` to schema. A column with the same name already exists."},
    {"ALTER STREAM RO ADD COLUMN X INT;", STATUS_INVALID,
     "Cannot alter stream 'RO': ALTER operations are not supported on source streams."},
    {"DROP TYPE NOPE;", STATUS_INVALID, "Type NOPE does not exist."},
    /* OR REPLACE */
    {"CREATE OR REPLACE STREAM S (K STRING KEY, V STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');", STATUS_INVALID,
     "Cannot upgrade data source: DataSource '`S`' has schema = `K` STRING KEY, `V` INTEGER, `A` ARRAY<INTEGER> which "
     "is "
     "not upgradeable to `K` STRING KEY, `V` STRING. (The following columns are changed, missing or reordered: [`V` "
     "INTEGER, `A` ARRAY<INTEGER>])"},
};

TEST(statements, refused)
{
    struct session s;
    session_open(&s);
    CHECK_INT(session_run(&s, setup), STATUS_OK);
    unit_check_text(s.diag.message, "", "setup", __FILE__, __LINE__);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        session_refuses(&s, refused[i].sql, refused[i].st, refused[i].message);
        CHECK(s.diag.where.line == 1);
    }
    CHECK(catalog_source(s.catalog, STR("X")) == NULL);
    session_close(&s);
}

TEST(statements, drop_ends_the_own_query)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    REQUIRE(
        session_run(&s, "CREATE TABLE C AS SELECT K, COUNT(*) AS N FROM S GROUP BY K; DROP TABLE C DELETE TOPIC;") ==
        STATUS_OK);
    CHECK_TEXT(s.last.ddl->terminates, "CTAS_C_2");
    CHECK_TEXT(s.last.ddl->drop_topic, "C");
    CHECK(catalog_query(s.catalog, STR("CTAS_C_2")) == NULL);
    CHECK(session_run(&s, "DROP TABLE IF EXISTS C;") == STATUS_OK);
    CHECK_INT(s.last.kind, PLANNED_NOTHING);
    CHECK_TEXT(s.last.message, "Source `C` does not exist.");
    session_close(&s);
}

TEST(statements, insert_values_coerces)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, "CREATE STREAM I (V BIGINT, D DECIMAL(5, 2), K STRING KEY, T TIMESTAMP, ST STRUCT<A INT, B "
                            "STRING>) WITH (KAFKA_TOPIC='i', VALUE_FORMAT='JSON', PARTITIONS=1);") == STATUS_OK);
    REQUIRE(session_run(&s, "INSERT INTO I (ROWTIME, K, V, D, T, ST) VALUES (5, 'k', 7, 1.5, '1970-01-01T00:00:01', "
                            "STRUCT(A := 1, B := 'x'));") == STATUS_OK);
    const struct planned_insert *in = s.last.insert;
    CHECK_INT(in->rowtime, 5);
    CHECK(str_eq(in->values[0].str, STR("k")));
    CHECK_INT(in->values[1].i64, 7);
    CHECK(*in->values[2].decimal == 150);
    CHECK_INT(in->values[3].i64, 1000);
    CHECK_INT(in->values[4].nested->items[0].i32, 1);
    s.context.now_ms = 99;
    REQUIRE(session_run(&s, "INSERT INTO I VALUES ('k', NULL, NULL, NULL, NULL);") == STATUS_OK);
    CHECK_INT(s.last.insert->rowtime, 99);
    CHECK(value_is_null(&s.last.insert->values[1]));
    session_close(&s);
}

TEST(statements, replace_keeps_the_query)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    REQUIRE(session_run(&s, "CREATE STREAM R AS SELECT K, V FROM S;") == STATUS_OK);
    REQUIRE(session_run(&s, "CREATE OR REPLACE STREAM R AS SELECT K, V, A FROM S WHERE V > 1;") == STATUS_OK);
    CHECK(s.last.replaces_query);
    CHECK_TEXT(s.last.query_id, "CSAS_R_2");
    CHECK_INT(catalog_source(s.catalog, STR("R"))->schema.n_columns, 3);
    CHECK_INT(session_run(&s, "CREATE OR REPLACE STREAM R AS SELECT V, K, A FROM S PARTITION BY V;"), STATUS_INVALID);
    session_close(&s);
}

TEST(statements, pull_needs_a_keeper)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    CHECK_INT(session_run(&s, "SELECT * FROM T;"), STATUS_STATEMENT);
    CHECK(strstr(s.diag.message, "The `T` table isn't queryable.") == s.diag.message);
    REQUIRE(session_run(&s, "CREATE TABLE C AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;") == STATUS_OK);
    REQUIRE(session_run(&s, "SELECT N, K FROM C WHERE K = 'a' LIMIT 2;") == STATUS_OK);
    CHECK_INT(s.last.kind, PLANNED_PULL);
    CHECK_TEXT(s.last.pull->query_id, "CTAS_C_2");
    CHECK_INT(s.last.pull->limit, 2);
    CHECK(!s.last.pull->is_key[0] && s.last.pull->is_key[1]);
    CHECK(session_run(&s, "SELECT * FROM S;") == STATUS_OK);
    CHECK(s.last.kind == PLANNED_PUSH && s.last.ends);
    session_close(&s);
}

TEST(statements, formats_with_schemas_need_a_registry)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, "CREATE STREAM PB (K STRING KEY, V INT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='PROTOBUF', "
                            "PARTITIONS=1);") == STATUS_OK);
    CHECK_INT(session_run(&s, "CREATE STREAM X AS SELECT K, NOPE FROM PB;"), STATUS_STATEMENT);
    CHECK_INT(session_run(&s, "CREATE STREAM X AS SELECT K, V FROM PB;"), STATUS_STATEMENT);
    CHECK_TEXT(s.diag.message,
               "Cannot create topic 'a' with format PROTOBUF without configuring 'ksql.schema.registry.url'");
    session_close(&s);
}

TEST(statements, limits_of_aggregates_come_from_properties)
{
    struct session s;
    session_open(&s);
    session_set(&s, "ksql.functions.collect_list.limit", "7");
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    REQUIRE(session_run(&s, "SELECT K, COLLECT_LIST(V), COUNT(V) FROM S GROUP BY K EMIT CHANGES;") == STATUS_OK);
    const struct step *aggregate = s.last.plan->sink->inputs[0]->inputs[0];
    CHECK_INT(aggregate->aggregate.calls[0].limit, 7);
    CHECK_INT(aggregate->aggregate.calls[1].limit, 0);
    session_close(&s);
}

TEST(statements, types)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, "CREATE TYPE ADDRESS AS STRUCT<CITY STRING>; CREATE STREAM X (A ADDRESS) WITH "
                            "(KAFKA_TOPIC='x', VALUE_FORMAT='JSON', PARTITIONS=1); DROP TYPE ADDRESS;") == STATUS_OK);
    CHECK_INT(catalog_source(s.catalog, STR("X"))->schema.columns[0].type->kind, KIND_STRUCT);
    CHECK(catalog_type(s.catalog, STR("ADDRESS")) == NULL);
    session_close(&s);
}
