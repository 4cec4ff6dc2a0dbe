#!/usr/bin/env bash
# A script of queries over topics of the broker at $WEIR_TEST_BOOTSTRAP, with results checked by what is in the topics.
#   WEIR=path/of/weir end_to_end.sh WORK_DIR
set -euo pipefail
where=(--bootstrap-server "${WEIR_TEST_BOOTSTRAP:?}")
work=${1:?}
fail() { echo "end to end on Kafka: $*"; exit 1; }

printf '%s\n' '{"id": "a", "n": 1, "t": 5}' '{"id": "b", "n": 2, "t": 6}' '{"id": "a", "n": 3, "t": 7}' 'rubbish' |
    "$WEIR" produce numbers --partitions 3 "${where[@]}"
cat >"$work/numbers.sql" <<'END'
CREATE STREAM numbers (id STRING, n INT, t BIGINT) WITH (KAFKA_TOPIC='numbers', VALUE_FORMAT='JSON', TIMESTAMP='t');
CREATE STREAM large AS SELECT id, n FROM numbers WHERE n > 1 EMIT CHANGES;
CREATE TABLE sums AS SELECT id, SUM(n) AS total, COUNT(*) AS c FROM numbers GROUP BY id EMIT CHANGES;
END
"$WEIR" run "$work/numbers.sql" --drain "${where[@]}" >"$work/run.log" 2>&1 || fail "$(cat "$work/run.log")"
"$WEIR" run "$work/numbers.sql" --drain "${where[@]}" >"$work/run.log" 2>&1 || fail "again: $(cat "$work/run.log")"
large=$("$WEIR" consume LARGE --from-beginning --drain "${where[@]}" | sort | tr '\n' ' ')
[[ $large == '{"ID":"a","N":3} {"ID":"b","N":2} ' ]] || fail "LARGE holds $large"
sums=$("$WEIR" consume SUMS --from-beginning --drain --output json "${where[@]}" | grep '"key":"a"' | tail -n 1)
[[ $sums == *'"timestamp":7,"key":"a","value":"{\"TOTAL\":4,\"C\":2}"'* ]] || fail "SUMS ends with $sums"
errors=$("$WEIR" consume default_ksql_processing_log --from-beginning --drain "${where[@]}" | grep -c rubbish) || true
[[ $errors == 2 ]] || fail "$errors entries in the processing log, not one of each query"
