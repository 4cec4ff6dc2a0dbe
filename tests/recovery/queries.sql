-- PREFIX becomes the run's own, so that a disturbed and a calm run read one topic and write beside each other.
CREATE STREAM PREFIX_ORDERS (userid STRING KEY, ordertime BIGINT, orderid BIGINT, itemid STRING, orderunits DOUBLE)
  WITH (KAFKA_TOPIC = 'orders', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'JSON', TIMESTAMP = 'ordertime');
CREATE STREAM PREFIX_FILTER AS
  SELECT userid, orderid, orderunits FROM PREFIX_ORDERS WHERE orderunits > 5.0 EMIT CHANGES;
CREATE TABLE PREFIX_BY_KEY AS
  SELECT userid, COUNT(*) AS n, SUM(orderid) AS total FROM PREFIX_ORDERS
  WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY userid EMIT CHANGES;
CREATE TABLE PREFIX_BY_ITEM AS
  SELECT itemid, COUNT(*) AS n, SUM(orderid) AS total FROM PREFIX_ORDERS
  WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY itemid EMIT CHANGES;
