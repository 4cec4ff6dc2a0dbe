#!/usr/bin/env bash
# Measures weir on the orders of the peers, and prints one line a run, in their form.
#
#   ./dev bench [filter|agg|aggfinal|session|join]... [--log kafka|embedded] [--records N] [--eos|--alo]
#               [--commit-ms MS] [--workers N] [--set NAME=VALUE]
#
# The input is written once and kept in $WEIR_BENCH_HOME (default: ~/.cache/weir/bench). With --log kafka a broker is
# started on loopback unless WEIR_BENCH_BOOTSTRAP names one. `seconds` and CPU are of the whole weir process, from its start to its last commit.
set -euo pipefail
build=$(cd "${1:?build folder}" && pwd)
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
weir=$build/weir
home=${WEIR_BENCH_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/weir/bench}
log=embedded records=5000000 guarantee=exactly_once_v2 commit_ms=2000 queries=() more=()
partitions=4 keys=100000

die() { echo "bench: $*" >&2; exit 1; }
while [[ $# -gt 0 ]]; do
    case $1 in
    filter | agg | aggfinal | session | join) queries+=("$1") ;;
    --log) log=${2:?}; shift ;;
    --records) records=${2:?}; shift ;;
    --eos) guarantee=exactly_once_v2 ;;
    --alo) guarantee=at_least_once ;;
    --commit-ms) commit_ms=${2:?}; shift ;;
    --workers) more+=(--workers "${2:?}"); shift ;;
    --set) more+=(--set "${2:?}"); shift ;;
    *) die "unknown argument: $1" ;;
    esac
    shift
done
[[ ${#queries[@]} -gt 0 ]] || queries=(filter agg)
[[ $log == kafka || $log == embedded ]] || die "--log is kafka or embedded"
mkdir -p "$home"

source_sql="CREATE STREAM orders (userid STRING KEY, ordertime BIGINT, orderid BIGINT, itemid STRING, orderunits DOUBLE,
  address STRUCT<city STRING, state STRING, zipcode INT>) WITH (KAFKA_TOPIC='@TOPIC@', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON');
CREATE TABLE users (userid STRING PRIMARY KEY, region STRING) WITH (KAFKA_TOPIC='@USERS@', VALUE_FORMAT='JSON');"
query_sql() {
    case $1 in
    filter) echo "CREATE STREAM SINK AS SELECT userid, orderunits AS units, address->city AS city FROM orders
        WHERE orderunits > 5.0 EMIT CHANGES;" ;;
    agg) echo "CREATE TABLE SINK AS SELECT userid, COUNT(*) AS n, SUM(orderunits) AS units FROM orders
        WINDOW TUMBLING (SIZE 1 MINUTE) WHERE orderunits > 1.0 GROUP BY userid EMIT CHANGES;" ;;
    aggfinal) echo "CREATE TABLE SINK AS SELECT userid, COUNT(*) AS n, SUM(orderunits) AS units FROM orders
        WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 1 DAY, GRACE PERIOD 0 SECONDS) WHERE orderunits > 1.0
        GROUP BY userid EMIT FINAL;" ;;
    session) echo "CREATE TABLE SINK AS SELECT userid, COUNT(*) AS n FROM orders WINDOW SESSION (1 SECOND)
        WHERE orderunits > 1.0 GROUP BY userid EMIT CHANGES;" ;;
    join) echo "CREATE STREAM SINK AS SELECT o.userid AS userid, o.orderunits AS units, u.region AS region FROM orders o
        LEFT JOIN users u ON o.userid = u.userid EMIT CHANGES;" ;;
    esac
}

topic=orders_${records}_${keys}_${partitions}
users=users_of_$topic
expected=$home/$log-$topic.facts
if [[ $log == kafka ]]; then
    if [[ -n ${WEIR_BENCH_BOOTSTRAP:-} ]]; then
        expected=$home/kafka-$(cksum <<<"$WEIR_BENCH_BOOTSTRAP" | cut -d' ' -f1)-$topic.facts
    else
        WEIR_BENCH_BOOTSTRAP=$("$here/../tests/broker/broker.sh" start 0 "$home/kafka") || die "no broker"
        trap '"$here/../tests/broker/broker.sh" stop "$home/kafka" >/dev/null' EXIT
    fi
    where=(--bootstrap-server "$WEIR_BENCH_BOOTSTRAP")
else
    where=(--data "$home/$topic")
fi
if [[ ! -f $expected ]]; then
    codec=()
    if [[ $log == kafka ]]; then codec=(--kafka compression.codec=none); else rm -rf "${home:?}/$topic"; fi # as the peers' input
    "$weir" datagen orders --topic "$topic" --records "$records" --keys "$keys" --partitions "$partitions" --stats \
        "${codec[@]}" "${where[@]}" >"$expected.tmp"
    "$weir" datagen users --topic "$users" --records "$keys" --keys "$keys" --partitions "$partitions" "${codec[@]}" "${where[@]}"
    mv "$expected.tmp" "$expected"
fi
field() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" <<<"$2"; }

for query in "${queries[@]}"; do
    run=bench_${query}_$$_$RANDOM
    script=$(mktemp)
    { sed "s/@TOPIC@/$topic/; s/@USERS@/$users/" <<<"$source_sql"; query_sql "$query" | sed "s/SINK/${run^^}/"; } >"$script"
    stats=$(mktemp)
    start=$(date +%s.%N)
    "$weir" run "$script" --drain --stats --service-id "$run" --set commit.interval.ms="$commit_ms" \
        --set processing.guarantee="$guarantee" "${more[@]}" "${where[@]}" >/dev/null 2>"$stats" ||
        { cat "$stats" >&2; die "$query failed"; }
    end=$(date +%s.%N)
    line=$(cat "$stats" | tr '\n' ' ')
    want_read=$records
    if [[ $query == join ]]; then want_read=$((records + keys)); fi
    read=$(field records_in "$line") out=$(field records_out "$line")
    rm -f "$script" "$stats"
    awk -v q="$query" -v l="$log" -v n="$read" -v s="$start" -v e="$end" -v cpu="$(field cpu_seconds "$line")" \
        -v rss="$(field rss_mb "$line")" -v out="$out" -v g="$guarantee" -v c="$commit_ms" 'BEGIN {
        t = e - s
        printf "peer=weir query=%s log=%s records=%d seconds=%.2f rate=%.0f cpu_us_per_record=%.2f rss_mb=%d out=%d guarantee=%s commit_ms=%d\n",
            q, l, n, t, n / t, cpu * 1e6 / n, rss, out, g == "at_least_once" ? "alo" : "eos", c }'
    [[ $read == "$want_read" ]] || die "$read records were read, not $want_read"
    want=$(cat "$expected")
    case $query in
    filter) [[ $out == $(field over5 "$want") ]] || die "$out records came out, not $(field over5 "$want")" ;;
    agg) ((out >= $(field groups "$want") && out <= $(field over1 "$want"))) || die "$out records came out" ;;
    join) [[ $out == "$records" ]] || die "$out records came out, not $records" ;;
    aggfinal) ((out >= $(field closed "$want") && out <= $(field groups "$want"))) || die "$out records came out" ;;
    esac
done
