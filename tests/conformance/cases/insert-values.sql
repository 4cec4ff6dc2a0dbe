--@test: values of every type
CREATE STREAM s (k INT KEY, b BOOLEAN, i INT, l BIGINT, d DOUBLE, e DECIMAL(5, 2), v STRING, y BYTES, da DATE, ti TIME, ts TIMESTAMP, a ARRAY<INT>, m MAP<STRING, INT>, st STRUCT<f INT, g STRING>) WITH (kafka_topic='s', value_format='JSON');
CREATE STREAM o AS SELECT * FROM s;
INSERT INTO s VALUES (1, true, 2, 3, 1.5, 1.5, 'x', 'AQ==', '2020-01-02', '10:11', '2020-01-02T03:04:05', ARRAY[1, 2], MAP('a' := 1), STRUCT(f := 1, g := 'z'));
ASSERT VALUES o (k, b, i, l, d, e, v, y, da, ti, ts, a, m, st) VALUES (1, true, 2, 3, 1.5, 1.50, 'x', 'AQ==', '2020-01-02', '10:11', '2020-01-02T03:04:05', ARRAY[1, 2], MAP('a' := 1), STRUCT(f := 1, g := 'z'));

--@test: keys stand before values, whatever their order
CREATE STREAM s (v STRING, k INT KEY, w INT) WITH (kafka_topic='s', value_format='JSON');
CREATE STREAM o AS SELECT * FROM s;
INSERT INTO s VALUES (1, 'x', 2);
ASSERT VALUES o (k, v, w) VALUES (1, 'x', 2);

--@test: some columns, in another order, and a time
CREATE STREAM s (k INT KEY, v STRING, w INT) WITH (kafka_topic='s', value_format='JSON');
CREATE STREAM o AS SELECT * FROM s;
INSERT INTO s (w, rowtime, k) VALUES (2, 1234, 1);
ASSERT VALUES o (rowtime, k, v, w) VALUES (1234, 1, NULL, 2);

--@test: expressions
CREATE STREAM s (k INT KEY, v STRING, w DOUBLE) WITH (kafka_topic='s', value_format='JSON');
CREATE STREAM o AS SELECT * FROM s;
INSERT INTO s VALUES (1 + 1, UCASE('x') || 'y', CAST('1.5' AS DOUBLE) * 2);
ASSERT VALUES o (k, v, w) VALUES (2, 'Xy', 3.0);

--@test: wider numbers
CREATE STREAM s (k BIGINT KEY, v DOUBLE, w DECIMAL(10, 2)) WITH (kafka_topic='s', value_format='JSON');
CREATE STREAM o AS SELECT * FROM s;
INSERT INTO s VALUES (1, 2, 3);
ASSERT VALUES o (k, v, w) VALUES (1, 2.0, 3.00);

--@test: a number as a text
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Expected type STRING for field `V` but got INTEGER(1)
CREATE STREAM s (k INT KEY, v STRING) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s VALUES (1, 1);

--@test: a text as a number
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Expected type INTEGER for field `V` but got STRING(1)
CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s VALUES (1, '1');

--@test: too many values
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Expected a value for each column. Expected Columns: [`K`, `V`]. Got [1, 2, 3]
CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s VALUES (1, 2, 3);

--@test: more values than columns
--@expected.error: io.confluent.ksql.parser.exception.ParseFailedException
--@expected.message: Expected number columns and values to match: 2, 1
CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s (k, v) VALUES (1);

--@test: a column that is not there
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Column name `Z` does not exist.
CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s (k, z) VALUES (1, 2);

--@test: a table without the key
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Value for primary key column(s) K is required for tables
CREATE TABLE s (k INT PRIMARY KEY, v INT) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s (v) VALUES (1);

--@test: a pseudo column
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Inserting into column `ROWPARTITION` is not allowed.
CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s (k, rowpartition) VALUES (1, 1);

--@test: what is not there
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Cannot insert values into an unknown stream/table: `NOPE`
INSERT INTO nope VALUES (1);

--@test: header columns
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Cannot insert into HEADER columns: H
CREATE STREAM s (k INT KEY, h BYTES HEADER('a')) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s VALUES (1, 'AQ==');

--@test: a windowed stream
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Cannot insert values into windowed stream/table!
CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='JSON', window_type='SESSION');
INSERT INTO s VALUES (1, 1);

--@test: a column as a value
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Unsupported column reference in insert value: V
CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s VALUES (1, v);

--@test: a time that is none
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Timestamp format must be yyyy-mm-ddThh:mm:ss[.S]
CREATE STREAM s (k INT KEY, v TIMESTAMP) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s VALUES (1, 'noon');

--@test: a decimal that does not fit
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Expected type DECIMAL(4, 2) for field `V` but got DECIMAL(1.234)
CREATE STREAM s (k INT KEY, v DECIMAL(4, 2)) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s VALUES (1, 1.234);

--@test: a switch against values
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: The server has disabled INSERT INTO ... VALUES functionality.
SET 'ksql.insert.into.values.enabled' = 'false';
CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s VALUES (1, 1);

--@test: a deletion of a table's row
CREATE TABLE t (k INT PRIMARY KEY, v INT) WITH (kafka_topic='t', value_format='JSON');
CREATE TABLE o AS SELECT * FROM t;
INSERT INTO t VALUES (1, 1);
INSERT INTO t VALUES (1, NULL);
ASSERT VALUES o (k, v) VALUES (1, 1);
ASSERT VALUES o (k, v) VALUES (1, NULL);

--@test: decimals in a map
CREATE STREAM s (k INT KEY, v MAP<STRING, DECIMAL(4, 2)>) WITH (kafka_topic='s', value_format='JSON');
CREATE STREAM o AS SELECT * FROM s;
INSERT INTO s VALUES (1, MAP('zz' := 1.5, 'b' := 2.0, 'a' := 30.1));
ASSERT VALUES o (k, v) VALUES (1, MAP('zz' := 1.50, 'b' := 2.00, 'a' := 30.10));

--@test: decimals in a list that do not fit
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Expected type ARRAY<DECIMAL(4, 2)> for field `V` but got ARRAY([1.500, 2.125])
CREATE STREAM s (k INT KEY, v ARRAY<DECIMAL(4, 2)>) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s VALUES (1, ARRAY[1.5, 2.125]);
