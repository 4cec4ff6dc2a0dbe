# Recovery: weir is killed (SIGKILL) at random moments while orders arrive, or the broker is killed or stands still under a weir
# that goes on; what it has written in the end must equal a run that was left alone. WEIR_KILL_ROUNDS (50) rounds of kills of
# weir with every change emitted, a fifth of that with coalescing; WEIR_OUTAGE_ROUNDS (5) rounds of kills of the broker.

# shellcheck source=/dev/null
source "$here/recovery/outages.sh"

# The two scripts, a slice of orders for every round, and the topic: DIR ROUNDS LOG_OPTION...
recovery_prepare() {
    local dir=$1 rounds=$2 where=("${@:3}")
    local lines=$((rounds * 2000))
    mkdir -p "$dir"
    sed "s/PREFIX/D/g" "$here/recovery/queries.sql" >"$dir/disturbed.sql"
    sed "s/PREFIX/C/g" "$here/recovery/queries.sql" >"$dir/calm.sql"
    "$weir" datagen orders --topic made --records "$lines" --keys 50 --data "$dir/made" || return 1
    "$weir" consume made --from-beginning --drain --data "$dir/made" >"$dir/orders.ndjson" || return 1
    rm -rf "$dir/made"
    split -l $((lines / rounds)) -d -a 4 "$dir/orders.ndjson" "$dir/slice."
    : | "$weir" produce orders --partitions 4 "${where[@]}"
}

# Compares what the disturbed and the calm run have written: DIR CACHE_BYTES LOG_OPTION...
recovery_compare() {
    local dir=$1 cache=$2 topic mode ok=0 where=("${@:3}")
    for topic in FILTER BY_KEY BY_ITEM; do
        "$weir" consume "D_$topic" --from-beginning --drain --output json "${where[@]}" >"$dir/d.$topic" || return 1
        "$weir" consume "C_$topic" --from-beginning --drain --output json "${where[@]}" >"$dir/c.$topic" || return 1
        mode=records
        if [[ $topic != FILTER && $cache != 0 ]]; then mode=last; fi
        if [[ $topic == BY_ITEM && $cache == 0 ]]; then mode=counts; fi # the order of arrival behind a repartition is free
        python3 "$here/recovery/compare.py" "$mode" "$dir/d.$topic" "$dir/c.$topic" || ok=1
    done
    return $ok
}

# One series of kills on one log: DIR ROUNDS CACHE_BYTES LOG_OPTION...
recovery_series() {
    local dir=$1 rounds=$2 cache=$3 round pid where=("${@:4}")
    local -a run=(--set "cache.max.bytes.buffering=$cache" "${where[@]}")
    recovery_prepare "$dir" "$rounds" "${where[@]}" || return 1
    for ((round = 0; round < rounds; round++)); do
        "$weir" run "$dir/disturbed.sql" --service-id disturbed "${run[@]}" >>"$dir/disturbed.log" 2>&1 &
        pid=$!
        "$weir" produce orders --key userid "${where[@]}" \
            <"$dir/slice.$(printf %04d "$round")" || { kill -9 "$pid"; return 1; }
        sleep "0.$(printf %03d $((RANDOM % 400)))"
        kill -9 "$pid" 2>/dev/null || { echo "it ended by itself:"; tail -n 5 "$dir/disturbed.log"; return 1; }
        wait "$pid" 2>/dev/null
    done
    timeout 120 "$weir" run "$dir/disturbed.sql" --service-id disturbed --drain "${run[@]}" >>"$dir/disturbed.log" 2>&1 ||
        { tail -n 5 "$dir/disturbed.log"; return 1; }
    timeout 120 "$weir" run "$dir/calm.sql" --service-id calm --drain "${run[@]}" >"$dir/calm.log" 2>&1 ||
        { tail -n 5 "$dir/calm.log"; return 1; }
    recovery_compare "$dir" "$cache" "${where[@]}"
}

# Counts a series as passed or failed, in its caller's variables: NAME COMMAND...
recovery_count() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "# recovery: $name: as undisturbed"
    else
        failed=$((failed + 1))
        echo "FAILED: recovery: $name"
    fi
}

# The next series on Kafka starts with a new broker and an empty log: DIR PORT
recovery_new_broker() {
    "$here/broker/broker.sh" stop "$1/kafka"
    rm -rf "$1/kafka"
    "$here/broker/broker.sh" start "$2" "$1/kafka" >"$1/broker.log" 2>&1 || { echo "the broker did not start again:"; tail -n 5 "$1/broker.log"; }
}

suite_recovery() {
    local -x KAFKA_JVM=-XX:TieredStopAtLevel=1
    local rounds=${WEIR_KILL_ROUNDS:-50} passed=0 failed=0 skipped=0 address log cache n
    local -A where=([embedded]="--data DIR/data")
    if address=$("$here/broker/broker.sh" start 0 "$1/kafka" 2>"$1/broker.log"); then
        where[kafka]="--bootstrap-server $address"
    else
        tail -n 5 "$1/broker.log"
        echo "skipped: recovery on Kafka: no broker could be started: $(tail -n 1 "$1/broker.log")"
        if [[ ${CI:-} == true ]]; then failed=$((failed + 1)); else skipped=$((skipped + 1)); fi
    fi
    for log in "${!where[@]}"; do
        for cache in 0 10485760; do
            n=$rounds
            if [[ $cache != 0 ]]; then n=$(((rounds + 4) / 5)); fi
            local dir=$1/$log-$cache
            # shellcheck disable=SC2086
            recovery_count "$log, $n kills, cache.max.bytes.buffering=$cache" \
                recovery_series "$dir" "$n" "$cache" ${where[$log]//DIR/$dir}
            if [[ $log == kafka ]]; then recovery_new_broker "$1" "${address##*:}"; fi
        done
    done
    if [[ -n ${where[kafka]:-} ]]; then
        # shellcheck disable=SC2086
        recovery_count "kafka, two servers, one of them killed 8 times" \
            "$here/recovery/servers.sh" "$weir" "$1/servers" 8 ${where[kafka]}
        recovery_new_broker "$1" "${address##*:}"
        n=${WEIR_OUTAGE_ROUNDS:-5}
        # shellcheck disable=SC2086
        recovery_count "kafka, the broker killed $n times, standing still, and killed with weir" \
            outage_series "$1/outages" "$1/kafka" "$n" ${where[kafka]}
        # shellcheck disable=SC2086
        recovery_count "kafka, a broker that comes late, and goes and comes while there is nothing to do" \
            outage_idle "$1/idle" "$1/kafka" ${where[kafka]}
        "$here/broker/broker.sh" stop "$1/kafka"
    fi
    echo "passed $passed failed $failed skipped $skipped"
}
