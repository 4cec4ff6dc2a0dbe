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
    cli_check "memory while idle" cli_idle_memory
    echo "passed $cli_passed failed $cli_failed skipped 0"
}
