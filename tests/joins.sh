#!/usr/bin/env bash
# Joins end to end on one log, everything but the orders there from the start, weir killed (SIGKILL) while the orders arrive.
#   WEIR=path/of/weir joins.sh WORK_DIR LOG_OPTION...
# Times are such that each result is known: order i is of user u(i % 5) and item x(i % 4), at 1000 i + 1000 ms; users are renamed at 201,000 ms,
# which is told before the orders of after that; there is a click of each user at 101,000 ms.
set -uo pipefail
work=${1:?}
log=("${@:2}")
orders=500
mkdir -p "$work"
fail() { echo "joins: $*"; exit 1; }
weir() { local command=$1; shift; "$WEIR" "$command" "$@" "${log[@]}"; }
rows() { weir consume "$1" --from-beginning --drain --output json; }

cat >"$work/joins.sql" <<'END'
CREATE TABLE j_users (id VARCHAR PRIMARY KEY, name VARCHAR) WITH (KAFKA_TOPIC='j_users', VALUE_FORMAT='JSON', PARTITIONS=3);
CREATE TABLE j_items (id VARCHAR PRIMARY KEY, price INT) WITH (KAFKA_TOPIC='j_items', VALUE_FORMAT='JSON', PARTITIONS=3);
CREATE STREAM j_orders (uid VARCHAR KEY, n INT, item VARCHAR) WITH (KAFKA_TOPIC='j_orders', VALUE_FORMAT='JSON', PARTITIONS=3);
CREATE STREAM j_clicks (uid VARCHAR KEY, page VARCHAR) WITH (KAFKA_TOPIC='j_clicks', VALUE_FORMAT='JSON', PARTITIONS=3);
CREATE STREAM j_named AS SELECT o.uid, o.n, u.name FROM j_orders o LEFT JOIN j_users u ON o.uid = u.id;
CREATE STREAM j_priced AS SELECT o.item, o.n, i.price FROM j_orders o JOIN j_items i ON o.item = i.id;
CREATE STREAM j_near AS SELECT o.uid, o.n, c.page FROM j_orders o JOIN j_clicks c WITHIN 10 SECONDS GRACE PERIOD 1 HOUR ON o.uid = c.uid;
CREATE TABLE j_last AS SELECT uid, LATEST_BY_OFFSET(item) AS item, COUNT(*) AS c FROM j_orders GROUP BY uid;
CREATE TABLE j_bought AS SELECT l.uid, l.c, i.price FROM j_last l LEFT JOIN j_items i ON l.item = i.id;
CREATE TABLE j_both AS SELECT ROWKEY AS id, u.name, l.c FROM j_users u FULL OUTER JOIN j_last l ON u.id = l.uid;
END
name_users() { # old|new TIME
    for i in 1 2 3 4 9; do echo "{\"id\":\"u$i\",\"name\":\"$1$i\",\"t\":$2}"; done |
        weir produce j_users --key id --timestamp t --partitions 3 || exit 1
}
name_users old 1
for i in 0 1 2; do echo "{\"id\":\"x$i\",\"price\":$((i + 10)),\"t\":1}"; done | weir produce j_items --key id --timestamp t --partitions 3 || exit 1
for i in 0 1 2 3 4; do echo "{\"uid\":\"u$i\",\"page\":\"p\",\"t\":101000}"; done | weir produce j_clicks --key uid --timestamp t --partitions 3 || exit 1
: | weir produce j_orders --partitions 3 || exit 1
for ((i = 0; i < orders; i++)); do
    echo "{\"uid\":\"u$((i % 5))\",\"n\":$i,\"item\":\"x$((i % 4))\",\"t\":$((i * 1000 + 1000))}"
done >"$work/orders"

for ((round = 0; round < 5; round++)); do
    if [[ $round == 2 ]]; then name_users new 201000; fi
    "$WEIR" run "$work/joins.sql" "${log[@]}" >>"$work/run.log" 2>&1 &
    pid=$!
    sed -n "$((round * 100 + 1)),$((round * 100 + 100))p" "$work/orders" | weir produce j_orders --key uid --timestamp t || exit 1
    sleep "0.$((RANDOM % 900 + 100))"
    kill -9 $pid || { tail -n 5 "$work/run.log"; fail "weir ended by itself"; }
    wait $pid 2>/dev/null
done
timeout 120 "$WEIR" run "$work/joins.sql" --drain "${log[@]}" >>"$work/run.log" 2>&1 || { tail -n 5 "$work/run.log"; fail "the last run failed"; }

rows J_NAMED >"$work/named"
rows J_PRICED >"$work/priced"
rows J_NEAR >"$work/near"
for topic in J_LAST J_BOUGHT J_BOTH; do rows $topic >"$work/${topic,,}"; done
python3 - "$work" <<'END'
import json, sys
work = sys.argv[1]
def rows(name):
    return [(r["key"], json.loads(r["value"]) if r["value"] is not None else None, r["timestamp"])
            for r in map(json.loads, open(f"{work}/{name}"))]
def check(what, got, wanted):
    if got != wanted:
        odd = [x for x in got if x not in wanted][:3], [x for x in wanted if x not in got][:3]
        sys.exit(f"joins: {what}: {len(got)} rows, not {len(wanted)}, or others: {odd}")
def last(name):
    return {k: v for k, v, t in rows(name)}
def name(i):
    return None if i % 5 == 0 else ("new" if i >= 200 else "old") + str(i % 5)
n = 500
check("stream-table", sorted((v["N"], k, v["NAME"], t) for k, v, t in rows("named")),
      [(i, f"u{i % 5}", name(i), 1000 * i + 1000) for i in range(n)])
check("stream-table, another key", sorted((v["N"], k, v["PRICE"]) for k, v, t in rows("priced")),
      [(i, f"x{i % 4}", 10 + i % 4) for i in range(n) if i % 4 < 3])
check("stream-stream", sorted((v["N"], k, t) for k, v, t in rows("near")),
      [(i, f"u{i % 5}", max(1000 * i + 1000, 101000)) for i in range(90, 111)])
check("the table of orders", {k: (v["ITEM"], v["C"]) for k, v in last("j_last").items()},
      {f"u{i % 5}": (f"x{i % 4}", 100) for i in range(n - 5, n)})
check("foreign key", {k: (v["C"], v["PRICE"]) for k, v in last("j_bought").items()},
      {f"u{i % 5}": (100, 10 + i % 4 if i % 4 < 3 else None) for i in range(n - 5, n)})
check("full outer", {k: (v["NAME"], v["C"]) for k, v in last("j_both").items()},
      {f"u{i}": (f"new{i}" if i else None, 100 if i < 5 else None) for i in (0, 1, 2, 3, 4, 9)})
END
[[ $? == 0 ]] || exit 1

# What a query counts is what it reads and writes, not what its stages tell each other.
cat >"$work/counted.sql" <<'END'
CREATE TABLE j_items (id VARCHAR PRIMARY KEY, price INT) WITH (KAFKA_TOPIC='j_items', VALUE_FORMAT='JSON');
CREATE TABLE j_last (uid VARCHAR PRIMARY KEY, item VARCHAR, c BIGINT) WITH (KAFKA_TOPIC='J_LAST', VALUE_FORMAT='JSON');
CREATE TABLE j_counted AS SELECT l.uid, l.c, i.price FROM j_last l JOIN j_items i ON l.item = i.id;
END
timeout 120 "$WEIR" run "$work/counted.sql" --service-id counted --drain --stats "${log[@]}" >"$work/counted.log" 2>&1 ||
    { tail -n 5 "$work/counted.log"; fail "the counted run failed"; }
wanted="records_in=$(($(wc -l <"$work/j_last") + 3)) records_out=$(rows J_COUNTED | wc -l) "
grep -qF "$wanted" "$work/counted.log" || { cat "$work/counted.log"; fail "expected was $wanted"; }
