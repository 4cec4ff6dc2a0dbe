--@test: records run through a chain of queries
CREATE STREAM readings (sensor INT KEY, celsius DOUBLE) WITH (kafka_topic='readings', value_format='JSON');
CREATE STREAM hot AS SELECT sensor, celsius FROM readings WHERE celsius > 30;
CREATE TABLE hot_counts AS SELECT sensor, COUNT(*) AS n FROM hot GROUP BY sensor;

ASSERT TABLE hot_counts (sensor INT PRIMARY KEY, n BIGINT) WITH (kafka_topic='HOT_COUNTS', value_format='JSON');

INSERT INTO readings (sensor, celsius, rowtime) VALUES (1, 31.5, 10);
INSERT INTO readings (sensor, celsius, rowtime) VALUES (1, 29.9, 20);
INSERT INTO readings (sensor, celsius, rowtime) VALUES (1, 40, 30);
ASSERT VALUES hot (sensor, celsius, rowtime) VALUES (1, 31.5, 10);
ASSERT VALUES hot_counts (sensor, n, rowtime) VALUES (1, 1, 10);
ASSERT VALUES hot_counts (sensor, n, rowtime) VALUES (1, 2, 30);

--@test: a replaced query keeps its state
SET 'ksql.create.or.replace.enabled' = 'true';
CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='JSON');
CREATE TABLE t AS SELECT k, COUNT(v) AS n FROM s GROUP BY k;
INSERT INTO s (k, v) VALUES (1, 1);
ASSERT VALUES t (k, n) VALUES (1, 1);
CREATE OR REPLACE TABLE t AS SELECT k, COUNT(v) AS n FROM s WHERE v > 5 GROUP BY k;
INSERT INTO s (k, v) VALUES (1, 1);
INSERT INTO s (k, v) VALUES (1, 6);
ASSERT VALUES t (k, n) VALUES (1, 2);

--@test: a tombstone is asserted
CREATE TABLE t (k INT PRIMARY KEY, v INT) WITH (kafka_topic='t', value_format='JSON');
CREATE TABLE u AS SELECT * FROM t WHERE v > 0;
INSERT INTO t (k, v) VALUES (1, 1);
INSERT INTO t (k, v) VALUES (1, -1);
ASSERT VALUES u (k, v) VALUES (1, 1);
ASSERT NULL VALUES u (k) KEY (1);

--@test: an assertion that does not hold
--@expected.error: java.lang.AssertionError
--@expected.message: Expected record does not match actual
CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='JSON');
INSERT INTO s (k, v) VALUES (1, 1);
ASSERT VALUES s (k, v) VALUES (1, 2);

--@test: a record too few
--@expected.error: java.lang.AssertionError
--@expected.message: Expected another record
CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='JSON');
ASSERT VALUES s (k, v) VALUES (1, 2);

--@test: a source that is not there
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: NOWHERE does not exist
CREATE STREAM o AS SELECT * FROM nowhere;

--@test: a state is kept only for a query that reads the same columns
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Plan step of type StreamAggregate must have matching columns not part of aggregate. Values differ: [`K`, `ROWTIME`] vs. [`K`, `ROWTIME`, `V`]
SET 'ksql.create.or.replace.enabled' = 'true';
CREATE STREAM s (k INT KEY, v INT, w INT) WITH (kafka_topic='s', value_format='JSON');
CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;
CREATE OR REPLACE TABLE t AS SELECT k, COUNT(*) AS n FROM s WHERE v > 5 GROUP BY k;

--@test: a condition on a column that is read anyway may come and go
SET 'ksql.create.or.replace.enabled' = 'true';
CREATE STREAM s (k INT KEY, v INT, w INT) WITH (kafka_topic='s', value_format='JSON');
CREATE TABLE t AS SELECT k, SUM(v) AS n FROM s GROUP BY k;
INSERT INTO s (k, v) VALUES (1, 2);
CREATE OR REPLACE TABLE t AS SELECT k, SUM(v) AS n FROM s WHERE v > 5 GROUP BY k HAVING SUM(v) > 8;
INSERT INTO s (k, v) VALUES (1, 3);
INSERT INTO s (k, v) VALUES (1, 6);
INSERT INTO s (k, v) VALUES (1, 7);
CREATE OR REPLACE TABLE t AS SELECT k, SUM(v) AS n FROM s GROUP BY k;
INSERT INTO s (k, v) VALUES (1, 1);
ASSERT VALUES t (k, n) VALUES (1, 2);
ASSERT VALUES t (k, n) VALUES (1, 15);
ASSERT VALUES t (k, n) VALUES (1, 16);

--@test: other aggregates of the same columns
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: must have matching aggregate functions. Values differ: [MAX(V), MIN(W)] vs. [MIN(V), MAX(W)]
SET 'ksql.create.or.replace.enabled' = 'true';
CREATE STREAM s (k INT KEY, v INT, w INT) WITH (kafka_topic='s', value_format='JSON');
CREATE TABLE t AS SELECT k, MAX(v) AS n, MIN(w) AS m FROM s GROUP BY k;
CREATE OR REPLACE TABLE t AS SELECT k, MIN(v) AS n, MAX(w) AS m FROM s GROUP BY k;

--@test: windows that end with EMIT FINAL
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Upgrades not yet supported for TableSuppress
SET 'ksql.create.or.replace.enabled' = 'true';
CREATE STREAM s (k INT KEY, v INT, w INT) WITH (kafka_topic='s', value_format='JSON');
CREATE TABLE t AS SELECT v, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY v EMIT FINAL;
CREATE OR REPLACE TABLE t AS SELECT v, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 SECOND) WHERE v > 0 GROUP BY v EMIT FINAL;

--@test: a stream becomes no table
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: DataSource '`T`' has type = KSTREAM which is not upgradeable to KTABLE
SET 'ksql.create.or.replace.enabled' = 'true';
CREATE STREAM s (k INT KEY, v INT, w INT) WITH (kafka_topic='s', value_format='JSON');
CREATE STREAM t AS SELECT k, v FROM s;
CREATE OR REPLACE TABLE t AS SELECT k, COUNT(*) AS v FROM s GROUP BY k;

--@test: another key expression
--@expected.error: io.confluent.ksql.util.KsqlException
--@expected.message: Plan step of type StreamSelectKey must have matching keyExpressions
SET 'ksql.create.or.replace.enabled' = 'true';
CREATE STREAM s (k INT KEY, v INT, w INT) WITH (kafka_topic='s', value_format='JSON');
CREATE STREAM t AS SELECT v + 1 AS x, k FROM s PARTITION BY v + 1;
CREATE OR REPLACE STREAM t AS SELECT v + 2 AS x, k FROM s PARTITION BY v + 2;
