-- PREFIX becomes the run's own, so that a disturbed and a calm run read one topic and write beside each other.
-- The orders' own times are not used: they are of 2023, and Kafka, whose transaction markers are of today, would close a
-- segment at every commit, and compact what these tests want to count.
CREATE STREAM PREFIX_ORDERS (userid STRING KEY, ordertime BIGINT, orderid BIGINT, itemid STRING, orderunits DOUBLE)
  WITH (KAFKA_TOPIC = 'orders', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'JSON');
CREATE STREAM PREFIX_FILTER AS
  SELECT userid, orderid, orderunits FROM PREFIX_ORDERS WHERE orderunits > 5.0 EMIT CHANGES;
CREATE TABLE PREFIX_BY_KEY AS
  SELECT userid, COUNT(*) AS n, SUM(orderid) AS total FROM PREFIX_ORDERS
  WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY userid EMIT CHANGES;
CREATE TABLE PREFIX_BY_ITEM AS
  SELECT itemid, COUNT(*) AS n, SUM(orderid) AS total FROM PREFIX_ORDERS
  WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY itemid EMIT CHANGES;
