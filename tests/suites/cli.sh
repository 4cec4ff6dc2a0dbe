# The program as a user meets it: commands, exit codes, outputs, and what happens with bad input. On the embedded log.

cli_check() { # NAME COMMAND...: the command must succeed; its output is shown if not
    local name=$1
    shift
    if "$@" >"$cli_dir/out" 2>&1; then
        cli_passed=$((cli_passed + 1))
    else
        cli_failed=$((cli_failed + 1))
        echo "FAILED: $name"
        head -c 2000 "$cli_dir/out"
        echo
    fi
}

# expect STATUS PATTERN COMMAND...: the exit status, and a pattern in what is printed on either output
expect() {
    local status=$1 pattern=$2 got=0
    shift 2
    timeout 120 "$@" >"$cli_dir/expect" 2>&1 </dev/null || got=$?
    head -c 2000 "$cli_dir/expect"
    [[ $got == "$status" ]] || { echo "(exit status $got, not $status)"; return 1; }
    grep -qE -- "$pattern" "$cli_dir/expect" || { echo "(no match for: $pattern)"; return 1; }
}

sql() { # DIR [OPTION...]: runs standard input as a script, drained
    local dir=$1
    shift
    cat >"$cli_dir/script.sql"
    timeout 120 "$weir" run "$cli_dir/script.sql" --drain --data "$dir" "$@"
}

cli_round_trip() {
    local dir=$cli_dir/round
    printf '%s\n' '{"id": "a", "n": 1, "t": 5}' '{"id": "b", "n": 2, "t": 6}' '{"id": "a", "n": 3, "t": 7}' |
        "$weir" produce numbers --key id --timestamp t --partitions 1 --data "$dir" || return 1
    sql "$dir" --output json >"$cli_dir/rows" <<'END' || return 1
CREATE STREAM numbers (id STRING KEY, n INT) WITH (KAFKA_TOPIC='numbers', VALUE_FORMAT='JSON');
CREATE TABLE sums AS SELECT id, SUM(n) AS total, COUNT(*) AS c FROM numbers GROUP BY id EMIT CHANGES;
SELECT id, n * 10 AS m, ROWTIME AS t FROM numbers WHERE n <> 2 EMIT CHANGES;
END
    diff - "$cli_dir/rows" <<'END' || return 1
{"ID":"a","M":10,"T":5}
{"ID":"a","M":30,"T":7}
END
    "$weir" consume SUMS --from-beginning --drain --output json --data "$dir" | sed 's/"offset":[0-9]*,//' |
        sort | tail -n 1 | grep -q '"timestamp":7,"key":"a","value":"{\\"TOTAL\\":4,\\"C\\":2}"' ||
        { "$weir" consume SUMS --from-beginning --drain --output json --data "$dir"; return 1; }
}

cli_again_is_the_same() { # a script can be run again: nothing is done twice
    local dir=$cli_dir/again i
    echo '{"n": 1}' | "$weir" produce t --data "$dir" || return 1
    for i in 1 2; do
        sql "$dir" >/dev/null <<'END' || return 1
CREATE STREAM t (n INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');
CREATE STREAM u AS SELECT n + 1 AS m FROM t EMIT CHANGES;
END
    done
    [[ $("$weir" consume U --from-beginning --drain --data "$dir") == '{"M":2}' ]]
}

cli_bad_records() { # bad records go to the processing log, the good ones on
    local dir=$cli_dir/bad
    printf '%s\n' '{"n": 1}' 'rubbish' '{"n": "x"}' $'{"n": "\xff"}' '{"n": 2}' | "$weir" produce t --data "$dir" || return 1
    sql "$dir" >/dev/null <<'END' || return 1
CREATE STREAM t (n INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');
CREATE STREAM u AS SELECT n FROM t EMIT CHANGES;
END
    [[ $("$weir" consume U --from-beginning --drain --data "$dir" | tr '\n' ' ') == '{"N":1} {"N":2} ' ]] || return 1
    [[ $("$weir" consume default_ksql_processing_log --from-beginning --drain --data "$dir" | wc -l) == 3 ]]
}

cli_deep_sql() {
    { printf 'SELECT '; printf '(%.0s' $(seq 10000); printf 1; printf ')%.0s' $(seq 10000); echo ' FROM x EMIT CHANGES;'; } >"$cli_dir/deep.sql"
    expect 1 'too large to parse' "$weir" run "$cli_dir/deep.sql" --drain --data "$cli_dir/deep"
}

cli_large_sql() {
    { printf 'SELECT a'; head -c 10000000 /dev/zero | tr '\0' ' '; echo ' FROM nowhere EMIT CHANGES;'; } >"$cli_dir/large.sql"
    expect 1 'NOWHERE does not exist' "$weir" run "$cli_dir/large.sql" --drain --data "$cli_dir/large"
}

cli_bad_utf8() {
    printf "SELECT '\xff' FROM x EMIT CHANGES;\n" >"$cli_dir/utf8.sql"
    expect 1 'UTF-8' "$weir" run "$cli_dir/utf8.sql" --drain --data "$cli_dir/utf8"
}

cli_large_record() { # 64 MB in one record
    local dir=$cli_dir/huge
    { printf '{"s": "'; head -c 67108864 /dev/zero | tr '\0' x; echo '"}'; } | "$weir" produce t --data "$dir" || return 1
    sql "$dir" >/dev/null <<'END' || return 1
CREATE STREAM t (s STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');
CREATE STREAM u AS SELECT LEN(s) AS n FROM t EMIT CHANGES;
END
    [[ $("$weir" consume U --from-beginning --drain --data "$dir") == '{"N":67108864}' ]]
}

cli_full_disk() { # a file size limit stands in for the disk's end: an error, and what was committed stays
    local dir=$cli_dir/full got=0 before after
    "$weir" datagen orders --records 1000 --data "$dir" || return 1
    (ulimit -f 8192; trap '' XFSZ; exec "$weir" datagen orders --records 1000000 --data "$dir") >"$cli_dir/full.log" 2>&1 || got=$?
    [[ $got == 1 ]] || { echo "exit status $got"; cat "$cli_dir/full.log"; return 1; }
    grep -qiE 'full|space|large' "$cli_dir/full.log" || { cat "$cli_dir/full.log"; return 1; }
    before=$("$weir" consume orders --from-beginning --drain --data "$dir" | wc -l)
    "$weir" datagen orders --records 1000 --data "$dir" || return 1
    after=$("$weir" consume orders --from-beginning --drain --data "$dir" | wc -l)
    [[ $after == $((before + 1000)) && $before -ge 1000 ]] || { echo "$before, then $after records"; return 1; }
}

cli_idle_memory() { # under 30 MB with a query that waits
    local dir=$cli_dir/idle pid rss
    echo '{"n": 1}' | "$weir" produce t --data "$dir" || return 1
    printf '%s\n' "CREATE STREAM t (n INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');" \
        "CREATE STREAM u AS SELECT n FROM t EMIT CHANGES;" >"$cli_dir/idle.sql"
    "$weir" run "$cli_dir/idle.sql" --data "$dir" >/dev/null 2>&1 &
    pid=$!
    sleep 1.5
    rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
    kill -TERM "$pid"
    wait "$pid"
    echo "# idle: $((rss / 1024)) MB"
    ((rss < 30 * 1024))
}

# ---- lines in and out ----

cli_pieces() { # FILE: its bytes in pieces of random sizes, now and then with a pause
    local at=0 size n
    size=$(stat -c %s "$1")
    RANDOM=7
    while ((at < size)); do
        n=$((RANDOM % 20000 + 1))
        tail -c +$((at + 1)) "$1" | head -c "$n"
        ((at += n))
        if ((RANDOM % 16 == 0)); then sleep 0.06; fi
    done
}

cli_lines_in_pieces() { # no line is lost or doubled, wherever the input is cut
    local dir=$cli_dir/pieces i
    for ((i = 1; i <= 4000; i++)); do
        printf '{"id":"k%d","n":%d,"pad":"%*s"}\n' $((i % 7)) "$i" $((i * 37 % 300)) x
        if ((i % 50 == 0)); then echo; fi
    done >"$cli_dir/lines"
    printf '{"id":"last","n":0}' >>"$cli_dir/lines"
    cli_pieces "$cli_dir/lines" | "$weir" produce t --key id --timestamp n --data "$dir" || return 1
    { grep -v '^$' "$cli_dir/lines" | tr -d '\n'; } >"$cli_dir/want"
    "$weir" consume t --from-beginning --drain --data "$dir" | tr -d '\n' | cmp - "$cli_dir/want" || return 1
    [[ $("$weir" consume t --from-beginning --drain --data "$dir" | wc -l) == 4001 ]] || return 1
    "$weir" consume t --from-beginning --drain --output json --limit 1 --data "$dir" | grep -q '"timestamp":1,"key":"k1"'
}

cli_line_ends() { # LF, CR LF, empty lines, bytes that are no text, a last line without end
    local dir=$cli_dir/ends
    printf 'a\r\nb\n\r\n\nc\rd\n\xff\xfe\nlast' | "$weir" produce t --data "$dir" || return 1
    printf 'a\nb\nc\rd\n\xff\xfe\nlast\n' >"$cli_dir/want"
    "$weir" consume t --from-beginning --drain --data "$dir" | cmp - "$cli_dir/want" || return 1
    printf '' | "$weir" produce empty --data "$dir" || return 1
    printf '\n\n' | "$weir" produce empty --data "$dir" || return 1
    [[ -z $("$weir" consume empty --from-beginning --drain --data "$dir") ]]
}

cli_bad_line() { # the lines before a bad one are written, and the message says so
    local dir=$cli_dir/badline got=0
    printf '%s\n' '{"n": 1}' '' '{"n": 2}' 'bad' '{"n": 3}' >"$cli_dir/lines"
    "$weir" produce t --key n --data "$dir" <"$cli_dir/lines" >"$cli_dir/got" 2>&1 || got=$?
    cat "$cli_dir/got"
    [[ $got == 1 ]] && grep -q 'line 4: ' "$cli_dir/got" && grep -q '2 records were written: all lines up to number 3' "$cli_dir/got" || return 1
    [[ $("$weir" consume t --from-beginning --drain --data "$dir" | wc -l) == 2 ]] || return 1
    if echo '{"n": 1}' | "$weir" produce u --timestamp t --data "$dir" 2>"$cli_dir/got"; then return 1; fi
    grep -q 'line 1: the field of --timestamp is missing' "$cli_dir/got"
}

cli_produce_interrupted() { # whole lines are kept, half of one is not
    local dir=$cli_dir/half pid writer got=0
    mkfifo "$cli_dir/fifo" || return 1
    { printf 'one\ntwo\npart'; sleep 3; } >"$cli_dir/fifo" &
    writer=$!
    "$weir" produce t --data "$dir" <"$cli_dir/fifo" &
    pid=$!
    sleep 1
    kill -TERM "$pid"
    wait "$pid" || got=$?
    wait "$writer"
    [[ $got == 143 ]] || { echo "exit status $got"; return 1; }
    [[ $("$weir" consume t --from-beginning --drain --data "$dir" | tr '\n' ' ') == 'one two ' ]]
}

# ---- the life of weir run ----

cli_run_script() { # a script with a query that does not end
    cat >"$cli_dir/live.sql" <<'END'
CREATE STREAM t (n INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM u AS SELECT n + 1 AS m FROM t EMIT CHANGES;
END
}

cli_signal() { # SIGNAL STATUS SELECT(yes|no): what was committed is there, nothing twice, and the end comes within a second
    local dir=$cli_dir/signal-$1-$3 pid got=0 began
    cli_run_script
    if [[ $3 == yes ]]; then echo 'SELECT n FROM t EMIT CHANGES; SHOW STREAMS;' >>"$cli_dir/live.sql"; fi
    "$weir" run "$cli_dir/live.sql" --data "$dir" >"$cli_dir/live.out" 2>&1 &
    pid=$!
    sleep 0.7
    echo '{"n": 1}' | "$weir" produce t --data "$dir"
    sleep 0.7
    began=${EPOCHREALTIME/[.,]/}
    kill "-$1" "$pid"
    wait "$pid" || got=$?
    local took=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
    cat "$cli_dir/live.out"
    [[ $got == "$2" ]] || { echo "exit status $got"; return 1; }
    ((took < 1000)) || { echo "$took ms"; return 1; }
    if grep -q Streams "$cli_dir/live.out"; then echo "went on"; return 1; fi
    [[ $("$weir" consume U --from-beginning --drain --data "$dir") == '{"M":2}' ]] || return 1
    "$weir" run "$cli_dir/live.sql" --drain --data "$dir" >/dev/null || return 1
    [[ $("$weir" consume U --from-beginning --drain --data "$dir") == '{"M":2}' ]]
}

cli_failing_query() { # told at once on standard error; the others go on; the exit status tells
    local dir=$cli_dir/failing pid got=0
    printf '%s\n' '{"n": 1, "t": 5}' '{"n": 2, "t": -5}' | "$weir" produce bad --timestamp t --data "$dir" || return 1
    cli_run_script
    cat >>"$cli_dir/live.sql" <<'END'
CREATE STREAM b (n INT) WITH (KAFKA_TOPIC='bad', VALUE_FORMAT='JSON');
CREATE STREAM c AS SELECT n FROM b EMIT CHANGES;
END
    "$weir" run "$cli_dir/live.sql" --data "$dir" >"$cli_dir/live.out" 2>"$cli_dir/live.err" &
    pid=$!
    sleep 1
    grep -q 'query CSAS_C_3 has failed: .*negative' "$cli_dir/live.err" || { cat "$cli_dir/live.err"; kill "$pid"; return 1; }
    echo '{"n": 1}' | "$weir" produce t --data "$dir"
    sleep 0.5
    kill -TERM "$pid"
    wait "$pid" || got=$?
    [[ $got == 1 && $(grep -c 'has failed:' "$cli_dir/live.err") == 1 ]] || { echo "exit status $got"; cat "$cli_dir/live.err"; return 1; }
    [[ $("$weir" consume U --from-beginning --drain --data "$dir") == '{"M":2}' ]] || return 1
    expect 1 'has failed' "$weir" run "$cli_dir/live.sql" --drain --data "$dir"
}

cli_stats() {
    local dir=$cli_dir/stats
    cli_run_script
    echo '{"n": 1}' | "$weir" produce t --data "$dir" || return 1
    "$weir" run "$cli_dir/live.sql" --drain --stats --data "$dir" >/dev/null 2>"$cli_dir/live.err" || return 1
    grep -q '^query=CSAS_U_1 state=DRAINED records_in=1 records_out=1 errors=0 ' "$cli_dir/live.err" &&
        grep -qE '^cpu_seconds=[0-9.]+ rss_mb=[0-9]+$' "$cli_dir/live.err"
}

# ---- looking ----

cli_looking() { # pull queries, PRINT, ASSERT TOPIC and SHOW over what another run has left
    local dir=$cli_dir/looking
    printf '%s\n' '{"id": "a", "n": 1, "t": 5}' '{"id": "b", "n": 2, "t": 6}' '{"id": "a", "n": 3, "t": 60007}' |
        "$weir" produce numbers --key id --timestamp t --partitions 3 --data "$dir" || return 1
    sql "$dir" >/dev/null <<'END' || return 1
CREATE STREAM numbers (id STRING KEY, n INT) WITH (KAFKA_TOPIC='numbers', VALUE_FORMAT='JSON');
CREATE TABLE sums AS SELECT id, SUM(n) AS total FROM numbers GROUP BY id EMIT CHANGES;
CREATE TABLE per_minute AS SELECT id, COUNT(*) AS c FROM numbers WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY id EMIT CHANGES;
END
    sql "$dir" --output json >"$cli_dir/rows" <<'END' || return 1
SELECT * FROM sums WHERE id = 'a';
SELECT total FROM sums WHERE total < 3;
SELECT * FROM per_minute WHERE id = 'a' AND WINDOWSTART > 0;
PRINT numbers FROM BEGINNING LIMIT 1;
SHOW TYPES;
ASSERT TOPIC numbers WITH (PARTITIONS=3);
END
    grep -v '^Topic' "$cli_dir/rows" | sed 's/key: [ab].*$/key/; s/^rowtime: .*, key/rowtime, key/' | diff - <(cat <<'END'
{"ID":"a","TOTAL":4}
{"TOTAL":2}
{"ID":"a","WINDOWSTART":60000,"WINDOWEND":120000,"C":1}
Key format: KAFKA_STRING
Value format: JSON or KAFKA_STRING
rowtime, key
END
    ) || return 1
    echo "ASSERT TOPIC nope TIMEOUT 10 MILLISECONDS;" >"$cli_dir/assert.sql"
    expect 1 'Topic nope does not exist' "$weir" run "$cli_dir/assert.sql" --drain --data "$dir" || return 1
    echo "SELECT id, ARRAY[total, NULL] AS both, STRUCT(t := total) AS s FROM sums WHERE id = 'a';" |
        sql "$dir" --output csv >"$cli_dir/got" || return 1
    echo 'a,"[4,null]","{""T"":4}"' | diff - "$cli_dir/got" || return 1
    echo "SHOW QUERIES;" | sql "$dir" --output csv >"$cli_dir/got" || return 1
    cat "$cli_dir/got"
    grep -qE '^CTAS_SUMS_1,[A-Z]+,SUMS,.*,"CREATE TABLE sums AS SELECT id, SUM' "$cli_dir/got"
}

cli_controls() { # a paused query stays so over a restart; a terminated one does not come back
    local dir=$cli_dir/controls
    cli_run_script
    echo '{"n": 1}' | "$weir" produce t --data "$dir" || return 1
    { cat "$cli_dir/live.sql"; } | sql "$dir" >/dev/null || return 1
    echo 'PAUSE CSAS_U_1;' | sql "$dir" >/dev/null || return 1
    echo '{"n": 2}' | "$weir" produce t --data "$dir" || return 1
    echo 'SHOW QUERIES;' | sql "$dir" >"$cli_dir/got" || return 1
    grep -q PAUSED "$cli_dir/got" || return 1
    [[ $("$weir" consume U --from-beginning --drain --data "$dir" | wc -l) == 1 ]] || return 1
    echo 'RESUME ALL;' | sql "$dir" >/dev/null || return 1
    [[ $("$weir" consume U --from-beginning --drain --data "$dir" | wc -l) == 2 ]] || return 1
    echo 'TERMINATE CSAS_U_1;' | sql "$dir" >/dev/null || return 1
    echo '{"n": 3}' | "$weir" produce t --data "$dir" || return 1
    echo 'SHOW STREAMS;' | sql "$dir" >/dev/null || return 1
    [[ $("$weir" consume U --from-beginning --drain --data "$dir" | wc -l) == 2 ]]
}

cli_wrong_settings() {
    local dir=$cli_dir/wrong
    cli_run_script
    expect 1 'Unknown property: no.such' "$weir" run "$cli_dir/live.sql" --drain --data "$dir" --set no.such=1 || return 1
    expect 1 'Invalid value soon for configuration commit.interval.ms' "$weir" run "$cli_dir/live.sql" --drain \
        --data "$dir" --set commit.interval.ms=soon || return 1
    expect 1 'at_least_once' "$weir" run "$cli_dir/live.sql" --drain --data "$dir" --set processing.guarantee=twice || return 1
    expect 2 '--set needs NAME=VALUE' "$weir" run "$cli_dir/live.sql" --set x || return 1
    expect 1 'table, json or csv' "$weir" run "$cli_dir/live.sql" --drain --data "$dir" --output xml
}

cli_foreign_command() { # what others wrote to the command topic is told, not obeyed
    local dir=$cli_dir/foreign
    echo 'SHOW STREAMS;' | sql "$dir" >/dev/null || return 1
    echo 'rubbish' | "$weir" produce _confluent-ksql-default__command_topic --data "$dir" || return 1
    echo 'SHOW STREAMS;' >"$cli_dir/show.sql"
    expect 1 'command topic .* is damaged at offset 0' "$weir" run "$cli_dir/show.sql" --drain --data "$dir"
}

cli_memory_budget() { # state many times as large as the budget gives the same records as all of it in memory, over a restart
    local dir=$cli_dir/budget budget half topic
    mkdir -p "$dir"
    python3 - "$dir" <<'END' || return 1
import random, sys
random.seed(7)
for half in (1, 2):
    with open(f"{sys.argv[1]}/half.{half}", "w") as out:
        for i in range((half - 1) * 25000, half * 25000):
            late = random.randrange(60000) if i % 10 == 0 else 0
            key = random.choice((9, 300, 20000))
            print(f'{{"id": "user {random.randrange(key)}", "t": {100000 + i * 5 - late}, "v": {i % 977}}}', file=out)
END
    for budget in 1 0; do
        for half in 1 2; do
            "$weir" produce visits --key id --timestamp t --partitions 1 --data "$dir/$budget" <"$dir/half.$half" || return 1
            sql "$dir/$budget" --set weir.memory.budget.mb=$budget --set commit.interval.ms=100 \
                --set cache.max.bytes.buffering=0 >/dev/null <<'END' || return 1
CREATE STREAM visits (id STRING KEY, v INT) WITH (KAFKA_TOPIC='visits', VALUE_FORMAT='JSON');
CREATE TABLE everything AS SELECT id, COUNT(*) AS n, SUM(v) AS s FROM visits GROUP BY id EMIT CHANGES;
CREATE TABLE windows AS SELECT id, COUNT(*) AS n, COLLECT_LIST(v) AS l FROM visits
  WINDOW TUMBLING (SIZE 5 SECONDS) GROUP BY id EMIT CHANGES;
CREATE TABLE sessions AS SELECT id, COUNT(*) AS n, SUM(v) AS s FROM visits
  WINDOW SESSION (2 SECONDS) GROUP BY id EMIT CHANGES;
CREATE TABLE closed AS SELECT id, COUNT(*) AS n, SUM(v) AS s FROM visits
  WINDOW SESSION (2 SECONDS, GRACE PERIOD 20 SECONDS) GROUP BY id EMIT FINAL;
END
        done
        for topic in EVERYTHING WINDOWS SESSIONS CLOSED; do
            "$weir" consume $topic --from-beginning --drain --output json --data "$dir/$budget" >"$dir/$topic.$budget" || return 1
        done
    done
    [[ -n $(find "$dir/1/state" -name '*SESSIONS*.db' -size +1M) ]] || { echo "(nothing is in the snapshot)"; return 1; }
    for topic in EVERYTHING WINDOWS SESSIONS CLOSED; do
        [[ $(wc -l <"$dir/$topic.0") -gt 10000 ]] || { echo "(too little in $topic)"; return 1; }
        cmp "$dir/$topic.0" "$dir/$topic.1" || return 1
    done
}

cli_query_settings() { # what a session has set holds for the queries that it makes
    local dir=$cli_dir/settings
    seq 5000 | sed 's/.*/{"k":1}/' | "$weir" produce t --data "$dir" || return 1
    printf '%s\n' "CREATE STREAM t (k INT) WITH (kafka_topic='t', value_format='json');" \
        "CREATE TABLE few AS SELECT k, COUNT(*) n FROM t GROUP BY k;" \
        "SET 'ksql.streams.cache.max.bytes.buffering'='0';" \
        "CREATE TABLE every AS SELECT k, COUNT(*) n FROM t GROUP BY k;" >"$dir/s.sql"
    "$weir" run "$dir/s.sql" --data "$dir" --drain >"$dir/out" 2>&1 || { cat "$dir/out"; return 1; }
    [[ $("$weir" consume EVERY --from-beginning --drain --data "$dir" | wc -l) == 5000 ]] || { echo "(not every change)"; return 1; }
    (($("$weir" consume FEW --from-beginning --drain --data "$dir" | wc -l) < 2500)) || { echo "(not coalesced)"; return 1; }
    echo "SET 'commit.interval.ms'='soon';" >"$dir/bad.sql"
    expect 1 "Invalid value soon for configuration commit.interval.ms: Not a number" "$weir" run "$dir/bad.sql" --data "$dir"
}

suite_cli() {
    cli_dir=$1 cli_passed=0 cli_failed=0
    local command
    for command in run test produce consume datagen; do
        cli_check "$command --help" expect 0 "usage: weir $command" "$weir" "$command" --help
        cli_check "$command with a wrong option" expect 2 "usage" "$weir" "$command" --no-such-option
    done
    cli_check "no command" expect 2 "usage" "$weir"
    cli_check "an unknown command" expect 2 "no such command: fly" "$weir" fly
    cli_check "a script that is not there" expect 1 "cannot open" "$weir" run "$1/none.sql" --data "$1/none"
    cli_check "records through a query and back" cli_round_trip
    cli_check "a script run again does nothing twice" cli_again_is_the_same
    cli_check "bad records" cli_bad_records
    cli_check "SQL nested 10,000 deep" cli_deep_sql
    cli_check "a statement of 10 MB" cli_large_sql
    cli_check "SQL that is not UTF-8" cli_bad_utf8
    cli_check "a record of 64 MB" cli_large_record
    cli_check "a full disk" cli_full_disk
    [[ ${cli_sanitized:-} ]] || cli_check "memory while idle" cli_idle_memory
    cli_check "a small memory budget" cli_memory_budget
    cli_check "lines in random pieces" cli_lines_in_pieces
    cli_check "ends of lines" cli_line_ends
    cli_check "a bad line" cli_bad_line
    cli_check "produce interrupted in a line" cli_produce_interrupted
    cli_check "Ctrl-C while queries run" cli_signal INT 130 no
    cli_check "Ctrl-C during a SELECT" cli_signal INT 130 yes
    cli_check "SIGTERM while queries run" cli_signal TERM 143 no
    cli_check "SIGTERM during a SELECT" cli_signal TERM 143 yes
    cli_check "a failing query" cli_failing_query
    cli_check "--stats" cli_stats
    cli_check "pull queries, PRINT, ASSERT TOPIC, SHOW" cli_looking
    cli_check "PAUSE, RESUME and TERMINATE over restarts" cli_controls
    cli_check "wrong settings" cli_wrong_settings
    cli_check "settings of a query" cli_query_settings
    WEIR=$weir cli_check "joins" "$here/joins.sh" "$1/joins" --data "$1/joins/data"
    WEIR=$weir cli_check "formats with schemas, and a registry that comes and goes" "$here/registry/registry.sh" "$1/registry"
    cli_check "a damaged command topic" cli_foreign_command
    echo "passed $cli_passed failed $cli_failed skipped 0"
}
