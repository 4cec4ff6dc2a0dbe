#!/usr/bin/env bash
# Two servers of one service share its work on Kafka. One of them at a time is killed and started again while orders arrive, and in the
# end one is left alone; everything must be there exactly once.
#   servers.sh WEIR WORK_DIR ROUNDS LOG_OPTION...
set -uo pipefail
weir=${1:?} dir=${2:?} rounds=${3:?} where=("${@:4}")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
declare -a pids=()
fail() { echo "two servers: $*"; tail -n 3 "$dir"/server.*.log; exit 1; }
trap 'for p in "${pids[@]}"; do kill -9 "$p" 2>/dev/null; done' EXIT

mkdir -p "$dir"
sed "s/PREFIX/TWO/g" "$here/queries.sql" >"$dir/two.sql"
sed "s/PREFIX/ONE/g" "$here/queries.sql" >"$dir/one.sql"
server() { # NUMBER
    XDG_STATE_HOME=$dir/state$1 "$weir" run "$dir/two.sql" --service-id two --stats --set cache.max.bytes.buffering=0 "${where[@]}" \
        >>"$dir/server.$1.log" 2>&1 &
    pids[$1]=$!
}
undisturbed() {
    timeout 120 "$weir" run "$dir/one.sql" --service-id one --drain --set cache.max.bytes.buffering=0 "${where[@]}" \
        >"$dir/one.log" 2>&1 || fail "$(tail -n 3 "$dir/one.log")"
}
"$weir" datagen orders --topic made --records $(((rounds + 1) * 4000)) --keys 50 --data "$dir/made" || fail "datagen"
"$weir" consume made --from-beginning --drain --data "$dir/made" >"$dir/orders.ndjson" || fail "consume"
split -l 4000 -d -a 4 "$dir/orders.ndjson" "$dir/slice."
: | "$weir" produce orders2 --partitions 4 "${where[@]}" || fail "produce"
sed -i "s/'orders'/'orders2'/" "$dir/one.sql" "$dir/two.sql"
server 0
for ((i = 0; i < 300; i++)); do # the statements are the first server's; the second finds them
    "$weir" consume TWO_FILTER --drain "${where[@]}" >/dev/null 2>&1 && break
    sleep 0.1
done
sleep 1
server 1
for ((round = 0; round < rounds; round++)); do
    "$weir" produce orders2 --key userid "${where[@]}" <"$dir/slice.$(printf %04d "$round")" || fail "produce"
    sleep "0.$(printf %03d $((RANDOM % 900)))"
    victim=$((round % 2))
    kill -9 "${pids[$victim]}" || fail "server $victim ended by itself"
    wait "${pids[$victim]}" 2>/dev/null
    server "$victim"
done
# All that comes now is read by the two of them: there is no slot that nobody has.
split -n l/3 -d -a 4 "$dir/slice.$(printf %04d "$rounds")" "$dir/last."
for piece in "$dir"/last.*; do
    sleep 2
    "$weir" produce orders2 --key userid "${where[@]}" <"$piece" || fail "produce"
done
undisturbed
expected=$("$weir" consume ONE_FILTER --from-beginning --drain --output json "${where[@]}" | wc -l)
for ((i = 0; ; i++)); do
    now=$("$weir" consume TWO_FILTER --from-beginning --drain --output json "${where[@]}" | wc -l)
    if ((now >= expected)); then break; fi
    ((i < 120)) || fail "the two have written $now of $expected"
    sleep 0.5
done
kill -INT "${pids[0]}" "${pids[1]}"
wait "${pids[0]}" "${pids[1]}" 2>/dev/null
for number in 0 1; do
    read_here=$(sed -n 's/.*TWO_FILTER.*records_in=\([0-9]*\).*/\1/p' "$dir/server.$number.log" | tail -n 1)
    echo "two servers: server $number read ${read_here:-0} orders in the end"
done
# What comes while both are gone is for the last run, which has to wait for the slots that the other one had.
"$weir" produce orders2 --key userid "${where[@]}" <"$dir/slice.0000" || fail "produce"
XDG_STATE_HOME=$dir/state1 timeout 120 "$weir" run "$dir/two.sql" --service-id two --drain --set cache.max.bytes.buffering=0 "${where[@]}" \
    >>"$dir/server.1.log" 2>&1 || fail "the last run failed"
undisturbed
for topic in FILTER BY_KEY BY_ITEM; do
    "$weir" consume "TWO_$topic" --from-beginning --drain --output json "${where[@]}" >"$dir/two.$topic" || fail "$topic"
    "$weir" consume "ONE_$topic" --from-beginning --drain --output json "${where[@]}" >"$dir/one.$topic" || fail "$topic"
    mode=records
    if [[ $topic == BY_ITEM ]]; then mode=counts; fi
    python3 "$here/compare.py" "$mode" "$dir/two.$topic" "$dir/one.$topic" || fail "$topic differs"
done
