#!/usr/bin/env bash
# Formats with schemas from end to end with a schema registry, which is killed and started again meanwhile. On the embedded log.
#
#   WEIR=... tests/registry/registry.sh WORK_DIR
set -uo pipefail
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
weir=${WEIR:?the binary} work=${1:?a folder}
mkdir -p "$work"
registry_pid=0 port=0 run_pid=0

fail() { echo "FAILED: $*"; exit 1; }

start_registry() { # on the port that it had before
    python3 "$here/registry.py" --port "$port" --state "$work/schemas.json" "$@" >"$work/port" 2>"$work/registry.log" &
    registry_pid=$!
    for _ in $(seq 100); do
        read -r _ port <"$work/port" && return
        sleep 0.1
    done
    fail "the registry does not start: $(cat "$work/registry.log")"
}

stop_registry() {
    [[ $registry_pid == 0 ]] || { kill -9 "$registry_pid"; wait "$registry_pid"; } 2>/dev/null
    registry_pid=0
}

stop_all() {
    stop_registry
    [[ $run_pid == 0 ]] || kill -9 "$run_pid" 2>/dev/null
}
trap stop_all EXIT

ask() { # METHOD PATH [BODY]
    python3 - "$1" "http://127.0.0.1:$port$2" "${3:-}" <<'END'
import sys, urllib.request, urllib.error
method, url, body = sys.argv[1:]
try:
    print(urllib.request.urlopen(urllib.request.Request(url, method=method, data=body.encode() or None)).read().decode())
except urllib.error.HTTPError as e:
    print(e.read().decode())
END
}

sql() { # NAME [OPTION...]: runs standard input as a script, drained; exit status in $status, output in $work/NAME
    local name=$1
    shift
    cat >"$work/$name.sql"
    timeout 60 "$weir" run "$work/$name.sql" --drain --data "$work/data" --output json \
        --set "ksql.schema.registry.url=http://127.0.0.1:$port" "$@" >"$work/$name" 2>&1
    status=$?
}

ran() { [[ $status == 0 ]] || fail "$1: exit status $status: $(cat "$work/$1")"; }
refused() { # NAME TEXT
    [[ $status == 1 ]] || fail "$1: exit status $status: $(cat "$work/$1")"
    grep -qF -- "$2" "$work/$1" || fail "$1: not '$2': $(cat "$work/$1")"
}
equal() { [[ $2 == "$3" ]] || fail "$1: '$2', not '$3'"; }
values() { "$weir" consume "$1" --from-beginning --drain --data "$work/data" | tr '\0' '~' | sort | tr '\n' ' '; }

# ---- records and schemas ----

start_registry
sql insert <<'END'
CREATE STREAM s (k INT KEY, a STRING, b DECIMAL(6,2), c ARRAY<MAP<STRING,DATE>>, d BYTES)
    WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON_SR');
INSERT INTO s (k, a, b) VALUES (1, 'x', 1.5);
INSERT INTO s (k, a, b) VALUES (2, 'y', 100.25);
INSERT INTO s (a) VALUES ('z');
END
ran insert
equal "records" "$(values s | tr -d '\001\002')" \
    '~~~~{"A":"x","B":1.50,"C":null,"D":null} ~~~~{"A":"y","B":100.25,"C":null,"D":null} ~~~~{"A":"z","B":null,"C":null,"D":null} '
equal "schema of the key" "$(ask GET /subjects/s-key/versions/1)" \
    '{"id": 1, "schema": "{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"integer\",\"connect.type\":\"int32\"}]}", "schemaType": "JSON", "subject": "s-key", "version": 1}'

sql print <<'END'
PRINT s FROM BEGINNING LIMIT 1;
END
ran print
grep -q '^Value format: JSON_SR$' "$work/print" && grep -q 'key: 1, value: {"A":"x","B":1.50,"C":null,"D":null}, partition: 0' "$work/print" ||
    fail "PRINT: $(cat "$work/print")"
sql print_bytes --set ksql.schema.registry.url=http://127.0.0.1:1 <<'END'
PRINT s FROM BEGINNING LIMIT 1;
END
ran print_bytes
grep -q '^Value format: AVRO or PROTOBUF or JSON_SR$' "$work/print_bytes" || fail "PRINT: $(cat "$work/print_bytes")"

sql queries <<'END'
CREATE STREAM t AS SELECT k, a, b * 2 AS b FROM s EMIT CHANGES;
CREATE TABLE g WITH (FORMAT='JSON_SR') AS SELECT a, COUNT(*) AS n, SUM(b) AS total FROM t GROUP BY a EMIT CHANGES;
CREATE STREAM plain WITH (VALUE_FORMAT='JSON', KEY_FORMAT='KAFKA') AS SELECT k, a, b FROM t EMIT CHANGES;
INSERT INTO t SELECT k, UCASE(a) AS a, b FROM s WHERE k = 1 EMIT CHANGES;
SELECT k, a, b FROM t EMIT CHANGES;
END
ran queries
sql again <<'END'
SELECT k, a, b FROM t EMIT CHANGES;
SELECT * FROM g EMIT CHANGES;
END
ran again
equal "rows" "$(sort "$work/again" | tr '\n' ' ')" \
    '{"A":"X","N":1,"TOTAL":1.50} {"A":"x","N":1,"TOTAL":3.00} {"A":"y","N":1,"TOTAL":200.50} {"A":"z","N":1,"TOTAL":0.00} {"K":1,"A":"X","B":1.50} {"K":1,"A":"x","B":3.00} {"K":2,"A":"y","B":200.50} {"K":null,"A":"z","B":null} '
equal "plain JSON" "$(values PLAIN)" '{"A":"X","B":1.50} {"A":"x","B":3.00} {"A":"y","B":200.50} {"A":"z","B":null} '

# ---- records without a schema are bad, the others go on ----

printf '%s\n' '{"A":"no header"}' | "$weir" produce s --data "$work/data" || fail "produce"
sql bad <<'END'
INSERT INTO s (k, a) VALUES (3, 'after');
END
ran bad
sql caught_up <<<'SHOW TOPICS;' # the queries may have been at the end before the record came
ran caught_up
values T | grep -q after || fail "the query did not go on behind a bad record: $(values T)"
"$weir" consume default_ksql_processing_log --from-beginning --drain --data "$work/data" | grep -c 'zero byte' | grep -qx 2 ||
    fail "the processing log: $("$weir" consume default_ksql_processing_log --from-beginning --drain --data "$work/data")"

# ---- the other formats ----

sql formats <<'END'
CREATE STREAM fa (k STRUCT<x INT> KEY, a STRING, b DECIMAL(6,2), c MAP<STRING,DATE>, d BYTES, e STRUCT<f DOUBLE>)
    WITH (KAFKA_TOPIC='fa', PARTITIONS=1, FORMAT='AVRO');
INSERT INTO fa (k, a, b, c, e) VALUES (STRUCT(x := 1), 'x', 1.5, MAP('k' := '2020-01-02'), STRUCT(f := 0.5));
INSERT INTO fa (a) VALUES ('no key');
CREATE STREAM fp WITH (KEY_FORMAT='JSON_SR', VALUE_FORMAT='PROTOBUF') AS SELECT * FROM fa EMIT CHANGES;
CREATE STREAM fj WITH (FORMAT='JSON_SR') AS SELECT * FROM fp EMIT CHANGES;
CREATE STREAM back WITH (KEY_FORMAT='JSON', VALUE_FORMAT='JSON') AS SELECT * FROM fj EMIT CHANGES;
PRINT fa FROM BEGINNING LIMIT 1;
END
ran formats
sql formats_print <<'END'
PRINT FP FROM BEGINNING LIMIT 1;
END
ran formats_print
equal "through all formats" "$(values BACK)" \
    '{"A":"no key","B":null,"C":{},"D":"","E":null} {"A":"x","B":1.50,"C":{"k":18263},"D":"","E":{"F":0.5}} '
grep -q '^Key format: AVRO$' "$work/formats" && grep -q 'key: {"X":1}, value: {"A":"x","B":1.50,"C":{"k":18263},"D":null,"E":{"F":0.5}}' "$work/formats" ||
    fail "PRINT of AVRO: $(cat "$work/formats")"
grep -q '^Value format: PROTOBUF$' "$work/formats_print" && grep -q 'value: {"A":"x","B":1.50,' "$work/formats_print" ||
    fail "PRINT of PROTOBUF: $(cat "$work/formats_print")"

# ---- what the registry refuses ----

ask PUT /test/mode '{"mode": "refuse"}' >/dev/null
sql refuse <<'END'
CREATE STREAM u (a STRING) WITH (KAFKA_TOPIC='u', PARTITIONS=1, VALUE_FORMAT='JSON_SR');
END
refused refuse 'Could not register schema for topic: Schema being registered is incompatible with an earlier schema for subject "u-value"'
ask PUT /test/mode '{"mode": "ok"}' >/dev/null
"$weir" consume u --from-beginning --drain --data "$work/data" >"$work/u" 2>&1 && [[ -s $work/u ]] && fail "the topic of a refused statement"

sql overrides <<'END'
SET 'ksql.schema.registry.url' = 'http://127.0.0.1:1';
END
refused overrides "Cannot override property 'ksql.schema.registry.url'"
sql unknown --set ksql.schema.registry.speed=high <<<'SHOW TOPICS;'
refused unknown 'Unknown property: ksql.schema.registry.speed'
sql nowhere --set ksql.schema.registry.url=http://127.0.0.1:1 <<'END'
CREATE STREAM u (a STRING) WITH (KAFKA_TOPIC='u', PARTITIONS=1, VALUE_FORMAT='JSON_SR');
END
refused nowhere 'Could not register schema for topic: The schema registry http://127.0.0.1:1 cannot be reached'
mkdir -p "$work/none"
cat >"$work/none.sql" <<'END'
CREATE STREAM u (a STRING) WITH (KAFKA_TOPIC='u', PARTITIONS=1, VALUE_FORMAT='JSON_SR');
END
timeout 60 "$weir" run "$work/none.sql" --drain --data "$work/none" >"$work/none.log" 2>&1
status=$?
[[ $status == 1 ]] && grep -qF "Cannot create topic 'u' with format JSON_SR without configuring 'ksql.schema.registry.url'" "$work/none.log" ||
    fail "without a registry: $(cat "$work/none.log")"

# ---- an existing subject is let be; what is dropped with its topic goes ----

ask PUT /test/ids/77 '{"subject": "v-value", "schemaType": "JSON", "schema": "{\"type\":\"object\",\"properties\":{\"A\":{\"type\":\"string\"}}}"}' >/dev/null
sql existing <<'END'
CREATE STREAM v (a STRING) WITH (KAFKA_TOPIC='v', PARTITIONS=1, VALUE_FORMAT='JSON_SR');
CREATE STREAM w AS SELECT * FROM v EMIT CHANGES;
END
ran existing
ask GET /subjects/v-value/versions/latest | grep -q '"id": 77' || fail "the schema of an existing topic: $(ask GET /subjects/v-value/versions/latest)"
ask GET /subjects | grep -q W-value || fail "subjects: $(ask GET /subjects)"
sql drop <<'END'
DROP STREAM w DELETE TOPIC;
END
ran drop
ask GET /subjects | grep -qE 'W-value' && fail "the schemas of a deleted topic: $(ask GET /subjects)"
ask GET /subjects | grep -q 'v-value' || fail "the schemas of another topic: $(ask GET /subjects)"

# ---- columns of the latest schema, as it was when the statement was carried out ----

ask PUT /test/ids/80 '{"subject": "found-value", "schemaType": "JSON", "schema": "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}"}' >/dev/null
inferring() {
    sql "$1" <<'END'
CREATE STREAM found (k INT KEY) WITH (KAFKA_TOPIC='found', PARTITIONS=1, VALUE_FORMAT='JSON_SR');
DESCRIBE found;
END
    ran "$1"
}
inferring infer
ask PUT /test/ids/81 '{"subject": "found-value", "schemaType": "JSON", "schema": "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"string\"}}}"}' >/dev/null
inferring infer_again
equal "columns after the schema has changed" "$(cat "$work/infer_again")" "$(sed '/Stream created/d' "$work/infer")"
grep -q '\bA\b' "$work/infer" || fail "columns: $(cat "$work/infer")"
"$weir" consume _confluent-ksql-default__command_topic --from-beginning --drain --data "$work/data" | tail -n 1 |
    grep -qF '(K INTEGER KEY, A STRING)' || fail "the recorded statement"

# ---- the registry goes away and comes back while a query runs ----

cat >"$work/outage.sql" <<'END'
CREATE STREAM numbers (n INT) WITH (KAFKA_TOPIC='numbers', PARTITIONS=1, VALUE_FORMAT='JSON');
CREATE STREAM doubles WITH (VALUE_FORMAT='JSON_SR') AS SELECT n * 2 AS m FROM numbers EMIT CHANGES;
END
outage_run() {
    "$weir" run "$work/outage.sql" --data "$work/outage" --set "ksql.schema.registry.url=http://127.0.0.1:$port" >"$work/outage.log" 2>&1 &
    run_pid=$!
}
await() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || fail "waiting for: $* ($(cat "$work/outage.log"))"
        sleep 0.1
    done
}
doubles() { [[ $("$weir" consume DOUBLES --from-beginning --drain --data "$work/outage" | wc -l) == "$1" ]]; }

outage_run
await 20 grep -q 'CSAS_DOUBLES' "$work/outage.log"
printf '%s\n' '{"n":1}' '{"n":2}' | "$weir" produce numbers --data "$work/outage" || fail "produce"
await 20 doubles 2
stop_registry
printf '%s\n' '{"n":3}' | "$weir" produce numbers --data "$work/outage" || fail "produce"
await 20 doubles 3 # what is known already needs no registry
kill -TERM "$run_pid"
wait "$run_pid"
outage_run
await 20 grep -q 'queries are held up: The schema registry .* cannot be reached' "$work/outage.log"
printf '%s\n' '{"n":4}' | "$weir" produce numbers --data "$work/outage" || fail "produce"
sleep 1
doubles 3 || fail "a record without a schema"
start_registry
await 20 doubles 4
await 20 grep -q 'queries go on' "$work/outage.log"
kill -TERM "$run_pid"
wait "$run_pid"
status=$?
[[ $status == 143 ]] || fail "exit status $status"
run_pid=0
equal "after the outage" "$("$weir" consume DOUBLES --from-beginning --drain --data "$work/outage" | tr '\0' '~' | sed 's/^[^{]*//' | tr '\n' ' ')" \
    '{"M":2} {"M":4} {"M":6} {"M":8} '
[[ $(grep -c 'held up' "$work/outage.log") == 1 ]] || fail "$(cat "$work/outage.log")"

# ---- the same for records that cannot be read without it ----

cat >"$work/insert.sql" <<'END'
CREATE STREAM avro (n INT) WITH (KAFKA_TOPIC='avro', PARTITIONS=1, VALUE_FORMAT='AVRO');
INSERT INTO avro VALUES (1);
INSERT INTO avro VALUES (2);
END
timeout 60 "$weir" run "$work/insert.sql" --drain --data "$work/outage2" --set "ksql.schema.registry.url=http://127.0.0.1:$port" >"$work/insert.log" 2>&1 ||
    fail "INSERT VALUES: $(cat "$work/insert.log")"
stop_registry
{ head -n 1 "$work/insert.sql"; echo "CREATE STREAM plain WITH (VALUE_FORMAT='JSON') AS SELECT n FROM avro EMIT CHANGES;"; } >"$work/outage.sql"
"$weir" run "$work/outage.sql" --data "$work/outage2" --set "ksql.schema.registry.url=http://127.0.0.1:$port" >"$work/outage.log" 2>&1 &
run_pid=$!
await 20 grep -q 'queries are held up: The schema registry' "$work/outage.log"
sleep 1
start_registry
await 20 grep -q 'queries go on' "$work/outage.log"
kill -TERM "$run_pid"
wait "$run_pid"
run_pid=0
equal "after the outage" "$("$weir" consume PLAIN --from-beginning --drain --data "$work/outage2" | tr '\n' ' ')" '{"N":1} {"N":2} '
[[ $(grep -c 'held up' "$work/outage.log") == 1 ]] || fail "$(cat "$work/outage.log")"
echo "ok"
