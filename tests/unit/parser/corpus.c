/* Statements that together use every rule of the grammar. */
#include "tests/unit/parser/corpus.h"

#include <stddef.h>

const char *const corpus[] = {
    "SELECT * FROM s;",
    "SELECT s.*, a, b AS c, d e, f->*, s.g->h, `x y` FROM s s EMIT CHANGES LIMIT 3;",
    "SELECT a + b * -c - d / e % f, a || b || 'x''y', -5, - 5, +a, - -5, -(-a) FROM s WHERE NOT a = 1 AND b <> 2 OR c "
    "!= 3;",
    "SELECT * FROM s WHERE a < 1 AND a <= 2 AND a > 3 AND a >= 4 AND a IS NULL AND b IS NOT NULL AND a IS DISTINCT "
    "FROM b "
    "AND a IS NOT DISTINCT FROM 3;",
    "SELECT * FROM s WHERE a BETWEEN 1 AND 2 AND a NOT BETWEEN 3 AND 4 AND a IN (1, 2) AND a NOT IN (3) AND a LIKE "
    "'x%' AND "
    "a NOT LIKE '!_' ESCAPE '!';",
    "SELECT 1, 2147483648, -9223372036854775808, 1.50, .5, 1., 1e3, 1.5E-3, DECIMAL '15', DECIMAL '1.5', null, TRUE, "
    "false "
    "FROM s;",
    "SELECT CASE WHEN a = 1 THEN 'x' WHEN b THEN 'y' ELSE 'z' END, CASE WHEN a THEN 1 END, CASE a WHEN 1 THEN 2 END, "
    "CASE a WHEN 1 THEN 2 ELSE 3 END FROM s;",
    "SELECT CAST(a AS INT), CAST(a AS DECIMAL(4, 2)), CAST(a AS ARRAY<MAP<STRING, STRUCT<x INT, `y` BYTES>>>), "
    "CAST(a AS STRUCT<>), CAST(a AS VARCHAR(10)), CAST(a AS VARCHAR(STRING)), CAST(a AS INT ARRAY), CAST(a AS \"my "
    "type\") "
    "FROM s;",
    "SELECT ARRAY[1, 2], ARRAY[], MAP('a' := 1, 'b' := 2), MAP(), STRUCT(a := 1, `b` := 2), STRUCT(), a[1], "
    "a['x'][-1]->b "
    "FROM s;",
    "SELECT COUNT(*), COUNT(), F(a, b), DATEADD(DAYS, 1, d), TRANSFORM(a, x => x + 1), REDUCE(a, 0, (s1, x) => s1 + "
    "x), "
    "TRANSFORM(m, (k) => k), TRANSFORM(m, (k, v) => UCASE(k), (k, v) => TRANSFORM(v, y => y + k)), F(DAY, "
    "MILLISECOND, YEARS) FROM s;",
    "SELECT array, map, struct, date, time, key, id, type, if, map[1], \"Aa\", 1abc, timestamp - 1 FROM show;",
    "SELECT a AT TIME ZONE 'UTC' FROM s;",
    "SELECT * FROM a JOIN b ON a.x = b.x INNER JOIN c AS cc WITHIN 1 HOUR ON a.x = cc.x LEFT JOIN d WITHIN (1 DAY, 2 "
    "MINUTES) "
    "GRACE PERIOD 5 SECONDS ON a.x = d.x RIGHT OUTER JOIN e ON a.x = e.x FULL OUTER JOIN f WITHIN 10 MILLISECONDS ON "
    "a.x = f.x;",
    "SELECT * FROM a LEFT OUTER JOIN b ON a.x = b.x FULL JOIN c ON a.x = c.x RIGHT JOIN d ON b.x = d.x EMIT CHANGES;",
    "SELECT k, COUNT(*) FROM s WINDOW TUMBLING (SIZE 1 HOUR) WHERE a > 1 GROUP BY k HAVING COUNT(*) > 1 EMIT FINAL;",
    "SELECT k FROM s WINDOW w HOPPING (SIZE 1 HOUR, ADVANCE BY 5 MINUTES, RETENTION 7 DAYS, GRACE PERIOD 1 SECOND) "
    "GROUP "
    "BY (k, j) EMIT CHANGES;",
    "SELECT k FROM s WINDOW SESSION (30 SECONDS, GRACE PERIOD 0 MILLISECONDS) GROUP BY (k), j PARTITION BY k, j;",
    "SELECT k FROM s WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 1 DAY) PARTITION BY (a + 1);",
    "SELECT k FROM s PARTITION BY (a, b) HAVING a > 1;",
    "CREATE STREAM s (id INT KEY, v STRING, h ARRAY<STRUCT<key STRING, value BYTES>> HEADERS) WITH (kafka_topic = 't', "
    "'value_format'='JSON', partitions=1, wrap_single_value=true);",
    "CREATE OR REPLACE TABLE IF NOT EXISTS t (id INT PRIMARY KEY, h BYTES HEADER('x')) WITH (x=1.5, y=null);",
    "CREATE SOURCE STREAM s WITH (KAFKA_TOPIC='t');",
    "CREATE OR REPLACE SOURCE TABLE s (id INT PRIMARY KEY) WITH (KAFKA_TOPIC='t');",
    "CREATE STREAM s;",
    "CREATE STREAM s AS SELECT * FROM t;",
    "CREATE OR REPLACE TABLE IF NOT EXISTS t WITH (a='b') AS SELECT a, COUNT(*) FROM s GROUP BY a;",
    "CREATE SINK CONNECTOR IF NOT EXISTS c WITH ('connector.class'='x', a=1);",
    "CREATE SOURCE CONNECTOR `c-1` WITH ('connector.class'='x', \"b\"=true);",
    "CREATE TYPE IF NOT EXISTS address AS STRUCT<street STRING, zip INT>;",
    "INSERT INTO s SELECT * FROM t EMIT CHANGES;",
    "INSERT INTO s WITH (QUERY_ID='q') SELECT a FROM t PARTITION BY a;",
    "INSERT INTO s (a, `b`, rowtime) VALUES (1, 'x', -3);",
    "INSERT INTO s VALUES (1 + 2, ARRAY[1], STRUCT(a := 1), F('x'), null);",
    "DROP STREAM s;",
    "DROP TABLE IF EXISTS s DELETE TOPIC;",
    "DROP CONNECTOR IF EXISTS c;",
    "DROP CONNECTOR c;",
    "DROP TYPE IF EXISTS t;",
    "DROP TYPE t;",
    "ALTER STREAM s ADD COLUMN a INT, ADD b STRING;",
    "ALTER TABLE s ADD c DECIMAL(3,1);",
    "LIST PROPERTIES;",
    "SHOW ALL TOPICS EXTENDED;",
    "SHOW TOPICS;",
    "LIST STREAMS EXTENDED;",
    "LIST TABLES;",
    "LIST FUNCTIONS;",
    "LIST CONNECTORS;",
    "LIST SOURCE CONNECTORS;",
    "LIST SINK CONNECTORS;",
    "LIST CONNECTOR PLUGINS;",
    "LIST TYPES;",
    "LIST VARIABLES;",
    "SHOW QUERIES EXTENDED;",
    "DESCRIBE s EXTENDED;",
    "DESCRIBE s;",
    "DESCRIBE STREAMS EXTENDED;",
    "DESCRIBE TABLES;",
    "DESCRIBE FUNCTION f;",
    "DESCRIBE CONNECTOR c;",
    "PRINT 'my-topic' FROM BEGINNING INTERVAL 3 LIMIT 5;",
    "PRINT myTopic SAMPLE 2;",
    "TERMINATE CSAS_X_0;",
    "TERMINATE ALL;",
    "PAUSE q;",
    "RESUME `q 1`;",
    "SET 'a.b'='c''d';",
    "UNSET 'a.b';",
    "ALTER SYSTEM 'a'='b';",
    "DEFINE myVar = 'x';",
    "DEFINE topic = 'x';",
    "UNDEFINE myVar;",
    "EXPLAIN SELECT * FROM s;",
    "EXPLAIN CTAS_X_1;",
    "EXPLAIN EXPLAIN CREATE STREAM a AS SELECT * FROM b;",
    "ASSERT TOPIC foo WITH (PARTITIONS=1, REPLICAS=2) TIMEOUT 10 SECONDS;",
    "ASSERT NOT EXISTS TOPIC 'foo';",
    "ASSERT SCHEMA SUBJECT foo ID 3 TIMEOUT 10 SECONDS;",
    "ASSERT NOT EXISTS SCHEMA SUBJECT 'foo';",
    "ASSERT SCHEMA ID 3;",
    "ASSERT VALUES s (a, b) VALUES (1, 2);",
    "ASSERT NULL VALUES s (a) KEY (1);",
    "ASSERT STREAM s (a INT KEY) WITH (kafka_topic='x');",
    "ASSERT TABLE s;",
    "RUN SCRIPT 'x.sql';",
    "SELECT ${a}, '${b}', x.${c} FROM ${d} WHERE ${e}.f = ${g};",
    NULL,
};
