-- PREFIX becomes the run's own, so that a disturbed and a calm run read one topic and write beside each other.
-- Orders are of 2023: a broker would soon delete what windowed tables hold, unless it is told to keep it.
CREATE STREAM PREFIX_ORDERS (userid STRING KEY, ordertime BIGINT, orderid BIGINT, itemid STRING, orderunits DOUBLE)
  WITH (KAFKA_TOPIC = 'orders', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'JSON', TIMESTAMP = 'ordertime');
CREATE STREAM PREFIX_FILTER AS
  SELECT userid, orderid, orderunits FROM PREFIX_ORDERS WHERE orderunits > 5.0 EMIT CHANGES;
CREATE TABLE PREFIX_BY_KEY WITH (RETENTION_MS = 3153600000000) AS
  SELECT userid, COUNT(*) AS n, SUM(orderid) AS total FROM PREFIX_ORDERS
  WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY userid EMIT CHANGES;
CREATE TABLE PREFIX_BY_ITEM WITH (RETENTION_MS = 3153600000000) AS
  SELECT itemid, COUNT(*) AS n, SUM(orderid) AS total FROM PREFIX_ORDERS
  WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY itemid EMIT CHANGES;
