-- A stream of orders, the large ones picked out, and units per user and minute.
CREATE STREAM orders (
    userid STRING KEY,
    ordertime BIGINT,
    orderid BIGINT,
    itemid STRING,
    orderunits DOUBLE,
    address STRUCT<city STRING, state STRING, zipcode INT>
  ) WITH (KAFKA_TOPIC = 'orders', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'JSON', TIMESTAMP = 'ordertime');

CREATE STREAM large_orders AS
  SELECT userid, orderid, orderunits, address->city AS city
  FROM orders
  WHERE orderunits > 9.5
  EMIT CHANGES;

CREATE TABLE units_per_minute AS
  SELECT userid, COUNT(*) AS orders, SUM(orderunits) AS units
  FROM orders
  WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 0 SECONDS)
  GROUP BY userid
  EMIT FINAL;
