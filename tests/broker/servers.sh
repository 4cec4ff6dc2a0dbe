#!/usr/bin/env bash
# Servers of one service record their statements one at a time, and follow each other's, on the broker at $WEIR_TEST_BOOTSTRAP:
# two that start a new script in the same instant, again and again; then a third one whose statements the two carry on.
#   WEIR=path/of/weir servers.sh WORK_DIR [ROUNDS]
set -uo pipefail
where=(--bootstrap-server "${WEIR_TEST_BOOTSTRAP:?}")
work=${1:?}/servers rounds=${2:-10}
declare -a pids=()
fail() { echo "servers on Kafka: $*"; tail -n 5 "$work"/server.*.log; exit 1; }
kill_all() { for p in "${pids[@]}"; do kill -9 "$p" 2>/dev/null; done; }

mkdir -p "$work"
server() { # NUMBER SERVICE SCRIPT
    XDG_STATE_HOME=$work/state.$2.$1 "$WEIR" run "$3" --service-id "$2" --stats "${where[@]}" >"$work/server.$2.$1.log" 2>&1 &
    pids[$1]=$!
}
stop_servers() { # NUMBER...
    local number
    for number; do kill -INT "${pids[$number]}" || fail "server $number ended by itself"; done
    for number; do
        wait "${pids[$number]}"
        [[ $? == 130 ]] || fail "server $number failed"
        unset "pids[$number]"
    done
}
consume() { "$WEIR" consume "$1" --from-beginning --drain "${where[@]}" 2>/dev/null; }
statements() { consume "_confluent-ksql-$1_command_topic" | sed 's/^{"statement":"\([^;]*\);.*/\1/'; }
# Waits until a command prints what is expected: SECONDS TEXT COMMAND...
until_gives() {
    local left=$(($1 * 10)) expected=$2 got
    shift 2
    while got=$("$@"); [[ $got != "$expected" ]]; do
        ((left-- > 0)) || fail "$*: $got"
        sleep 0.1
    done
}
sum() { consume "$1" | grep -o '"N":[0-9]*' | awk -F: '{n += $2; c++} END {print c " " n}'; }
numbers() { for ((i = 1; i <= 200; i++)); do echo "{\"id\": \"k$((i % 10))\", \"n\": $i}"; done | "$WEIR" produce "$1" --partitions 4 --key id "${where[@]}" >/dev/null; }

# ---- the same new script, at once ----

same_script() (
    trap kill_all EXIT
    numbers numbers || fail "produce"
    for ((round = 0; round < rounds; round++)); do
        cat >"$work/same.sql" <<END
CREATE TYPE pair AS STRUCT<x INT, y INT>;
CREATE STREAM numbers (id STRING KEY, n INT) WITH (KAFKA_TOPIC='numbers', VALUE_FORMAT='JSON');
CREATE STREAM out$round (id STRING KEY, n INT) WITH (KAFKA_TOPIC='out$round', VALUE_FORMAT='JSON', PARTITIONS=4);
SET 'ksql.persistence.default.format.value' = 'DELIMITED';
CREATE OR REPLACE STREAM large$round AS SELECT id, n AS value FROM numbers WHERE n > 100 EMIT CHANGES;
ALTER STREAM numbers ADD COLUMN p pair;
INSERT INTO out$round SELECT id, n FROM numbers WHERE n > 100 EMIT CHANGES;
END
        service=same$round
        server 0 "$service" "$work/same.sql"
        server 1 "$service" "$work/same.sql"
        until_gives 20 "100 15050" sum "out$round"
        until_gives 5 "100" eval "consume LARGE$round | wc -l"
        stop_servers 0 1
        until_gives 1 "$(grep -v SET "$work/same.sql" | tr -d ';')" statements "$service"
    done
)

# ---- following ----

counts() { "$WEIR" consume COUNTS --from-beginning --drain --output json "${where[@]}" 2>/dev/null |
    sed -n 's/.*\\"C\\":\([0-9]*\).*/\1/p' | sort -n | tail -n 5 | tr '\n' ' '; }
following() (
    trap kill_all EXIT
    cat >"$work/two.sql" <<END
CREATE STREAM numbers (id STRING KEY, n INT) WITH (KAFKA_TOPIC='others', VALUE_FORMAT='JSON');
CREATE TABLE sums AS SELECT n % 3 AS g, COUNT(*) AS c FROM numbers GROUP BY n % 3 EMIT CHANGES;
CREATE STREAM halted AS SELECT id, n FROM numbers EMIT CHANGES;
CREATE STREAM dropped AS SELECT id, n FROM numbers EMIT CHANGES;
END
    cat >"$work/third.sql" <<END
CREATE TABLE counts AS SELECT n % 5 AS g, COUNT(*) AS c FROM numbers GROUP BY n % 5 EMIT CHANGES;
TERMINATE CTAS_SUMS_1;
DROP TABLE sums DELETE TOPIC;
PAUSE CSAS_HALTED_2;
DROP STREAM dropped;
END
    numbers others || fail "produce"
    server 0 follow "$work/two.sql"
    server 1 follow "$work/two.sql"
    until_gives 20 "200 20100" sum HALTED
    server 2 follow "$work/third.sql"
    until_gives 20 "40 40 40 40 40 " counts
    until_gives 10 "Source \`DROPPED\` (topic: DROPPED) was dropped." tail -n 1 "$work/server.follow.2.log"
    kill -9 "${pids[2]}" || fail "the third server ended by itself"
    wait "${pids[2]}" 2>/dev/null
    unset "pids[2]"
    numbers others || fail "produce"
    until_gives 30 "80 80 80 80 80 " counts # the other two have taken over its part of the query
    [[ $(sum HALTED) == "200 20100" ]] || fail "a query that was paused goes on"
    stop_servers 0 1
    for number in 0 1; do
        states=$(sed -n 's/^query=\([A-Z_0-9]*\) state=\([A-Z]*\).*/\1 \2/p' "$work/server.follow.$number.log" | tr '\n' ' ')
        [[ $states == "CSAS_HALTED_2 PAUSED CTAS_COUNTS_4 RUNNING " ]] || fail "server $number ended with $states"
        ! grep -q "^weir:" "$work/server.follow.$number.log" || fail "server $number had trouble"
    done
    left=$("$WEIR" run - --service-id other "${where[@]}" <<<"SHOW ALL TOPICS;" | grep -c "CTAS_SUMS_1\|CSAS_DROPPED\| SUMS ")
    [[ $left == 0 ]] || fail "$left topics of terminated queries are left"
)

following &
other=$!
same_script
same=$?
wait "$other" && exit $same
exit 1
