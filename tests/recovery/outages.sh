# Outages: the broker is killed and started again, or stands still for longer than a transaction may last, while one process
# `weir run` reads, aggregates and repartitions, and must go on by itself. At last both are killed.

# The lines of a file from a number on, a few at a time, as a slow source gives them.
outage_trickle() { # FILE FIRST_LINE
    local lines
    tail -n "+$2" "$1" | while mapfile -n 100 lines && ((${#lines[@]})); do
        printf '%s' "${lines[@]}"
        sleep 0.05
    done
}

# Writes a file's lines. A `weir produce` that gives up tells how far it got; the next one goes on behind that.
outage_feed() { # FILE LOG LOG_OPTION...
    local written=0 tries n rc
    for ((tries = 0; tries < 10; tries++)); do
        outage_trickle "$1" $((written + 1)) | "$weir" produce orders --key userid "${@:3}" 2>"$2.try"
        rc=$?
        cat "$2.try" >>"$2"
        if [[ $rc == 0 ]]; then return; fi
        n=$(sed -n 's/.*all lines up to number \([0-9]*\).*/\1/p' "$2.try")
        written=$((written + ${n:-0}))
    done
    echo "weir produce failed ten times:"
    cat "$2.try"
    return 1
}

outage_random() { # LEAST MOST: sleeps so many milliseconds
    local ms=$(($1 + RANDOM % ($2 - $1)))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

# Waits until the disturbed run has caught up with the calm one: as many orders counted.
outage_caught_up() { # DIR LOG_OPTION...
    local dir=$1 until=$((SECONDS + 60)) topic
    for topic in FILTER BY_KEY BY_ITEM; do
        until [[ $("$weir" consume "D_$topic" --from-beginning --drain "${@:2}" | wc -l) -ge \
            $("$weir" consume "C_$topic" --from-beginning --drain "${@:2}" | wc -l) ]]; do
            ((SECONDS < until)) || { echo "D_$topic does not catch up:"; tail -n 20 "$dir/disturbed.log"; return 1; }
            sleep 0.2
        done
    done
}

# One round: orders arrive, and the broker has an outage.
outage_round() { # KIND(kill|pause|both) DIR SLICE LOG_OPTION...
    local broker=$here/broker/broker.sh data=$outage_broker feeder rc=0
    outage_feed "$3" "$2/produce.log" "${@:4}" &
    feeder=$!
    outage_random 100 900
    case $1 in
    pause)
        "$broker" pause "$data" || rc=1
        sleep 15
        "$broker" resume "$data" || rc=1 ;;
    *)
        "$broker" kill "$data" || rc=1
        if [[ $1 == both ]]; then kill -9 "$outage_weir"; wait "$outage_weir" 2>/dev/null; fi
        outage_random 0 1500
        "$broker" restart "$data" >>"$2/broker.log" 2>&1 || rc=1 ;;
    esac
    if [[ $1 == both ]]; then outage_run "$2" "${@:4}"; fi
    wait "$feeder" || rc=1
    kill -0 "$outage_weir" 2>/dev/null || { echo "weir has ended:"; tail -n 20 "$2/disturbed.log"; return 1; }
    return $rc
}

outage_run() { # DIR LOG_OPTION...
    "$weir" run "$1/disturbed.sql" --service-id disturbed --set cache.max.bytes.buffering=0 "${@:2}" >>"$1/disturbed.log" 2>&1 &
    outage_weir=$!
}

# A broker must be there to begin with: waits until all queries run.
outage_started() { # DIR
    local until=$((SECONDS + 60))
    until grep -q 'CTAS_D_BY_ITEM' "$1/disturbed.log"; do
        ((SECONDS < until)) || { echo "weir does not start:"; tail -n 20 "$1/disturbed.log"; return 1; }
        sleep 0.1
    done
}

# Every line of the orders is in the topic once, however often its producer had to begin again: DIR LOG_OPTION...
outage_none_doubled() {
    "$weir" consume orders --from-beginning --drain "${@:2}" | sort >"$1/produced" || return 1
    sort "$1/orders.ndjson" | cmp - "$1/produced"
}

# Waits until a line of the log of a run matches: DIR PATTERN
outage_told() {
    local until=$((SECONDS + 60))
    until grep -q "$2" "$1/patient.log"; do
        ((SECONDS < until)) || { echo "weir does not tell '$2':"; tail -n 20 "$1/patient.log"; return 1; }
        sleep 0.1
    done
}

# With nothing to do, too, weir waits for a broker, tells of an outage, and of its end: DIR BROKER_DATA LOG_OPTION...
outage_idle() {
    local dir=$1 broker=$here/broker/broker.sh data=$2 pid rc=0
    mkdir -p "$dir"
    echo "CREATE STREAM S (A INT) WITH (KAFKA_TOPIC='idle', VALUE_FORMAT='JSON', PARTITIONS=1); CREATE STREAM T AS SELECT * FROM S;" \
        >"$dir/patient.sql"
    "$broker" kill "$data"
    "$weir" run "$dir/patient.sql" --service-id patient "${@:3}" >>"$dir/patient.log" 2>&1 &
    pid=$!
    outage_told "$dir" 'waiting for it' && "$broker" restart "$data" >>"$dir/broker.log" 2>&1 &&
        outage_told "$dir" 'Created query' && "$broker" kill "$data" && outage_told "$dir" 'held up' &&
        "$broker" restart "$data" >>"$dir/broker.log" 2>&1 && outage_told "$dir" 'queries go on' || rc=1
    kill -TERM "$pid" || rc=1
    wait "$pid"
    [[ $? == 143 ]] || { echo "it did not end as it should:"; tail -n 20 "$dir/patient.log"; rc=1; }
    return $rc
}

# The series: DIR BROKER_DATA KILLS LOG_OPTION...
outage_series() {
    local dir=$1 kills=$3 round=0 kind rc=0 where=("${@:4}") kinds=()
    outage_broker=$2
    for ((; round < kills; round++)); do kinds+=(kill); done
    kinds+=(pause both)
    recovery_prepare "$dir" ${#kinds[@]} "${where[@]}" || return 1
    outage_run "$dir" "${where[@]}"
    outage_started "$dir" || rc=1
    round=0
    for kind in "${kinds[@]}"; do
        [[ $rc == 0 ]] || break
        outage_round "$kind" "$dir" "$dir/slice.$(printf %04d $round)" "${where[@]}" ||
            { echo "round $round ($kind) failed"; rc=1; }
        round=$((round + 1))
    done
    if [[ $rc == 0 ]]; then
        timeout 120 "$weir" run "$dir/calm.sql" --service-id calm --drain --set cache.max.bytes.buffering=0 "${where[@]}" \
            >"$dir/calm.log" 2>&1 || { tail -n 5 "$dir/calm.log"; rc=1; }
    fi
    if [[ $rc == 0 ]]; then outage_caught_up "$dir" "${where[@]}" || rc=1; fi
    kill -TERM "$outage_weir" 2>/dev/null
    wait "$outage_weir"
    if grep -q 'has failed' "$dir/disturbed.log"; then tail -n 20 "$dir/disturbed.log"; rc=1; fi
    if [[ $rc == 0 ]]; then recovery_compare "$dir" 0 "${where[@]}" && outage_none_doubled "$dir" "${where[@]}" || rc=1; fi
    return $rc
}
