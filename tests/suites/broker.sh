# A real Apache Kafka: the interface of topics/ and its behaviour when the broker dies, then scripts end to end.
suite_broker() {
    local -x KAFKA_JVM=-XX:TieredStopAtLevel=1
    local passed=0 failed=0 line p f
    if ! "$here/broker/broker.sh" run 0 true >"$1/broker.log" 2>&1; then
        tail -n 5 "$1/broker.log"
        echo "skipped: the tests on Kafka: no broker could be started: $(tail -n 1 "$1/broker.log")"
        if [[ ${CI:-} == true ]]; then echo "passed 0 failed 1 skipped 0"; else echo "passed 0 failed 0 skipped 1"; fi
        return
    fi
    timeout 900 "$here/broker/broker.sh" run 0 "$build/tests/broker/broker_kafka" >"$1/kafka.log" 2>&1
    line=$(grep -E '^unit: ' "$1/kafka.log" | tail -n 1)
    if [[ -z $line ]]; then
        echo "broker_kafka died:"
        tail -n 40 "$1/kafka.log"
        failed=1
    else
        read -r _ p _ f _ <<<"${line//,/}"
        passed=$((passed + p)) failed=$((failed + f))
        if [[ $f != 0 ]]; then cat "$1/kafka.log"; fi
    fi
    if WEIR=$weir timeout 300 "$here/broker/broker.sh" run 0 "$here/broker/end_to_end.sh" "$1"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
    if WEIR=$weir timeout 300 "$here/broker/broker.sh" run 0 bash -c '"$1/joins.sh" "$2" --bootstrap-server "$WEIR_TEST_BOOTSTRAP"' \
        joins "$here" "$1/joins"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
    if WEIR=$weir timeout 300 "$here/broker/broker.sh" run 0 "$here/broker/servers.sh" "$1"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
    echo "passed $passed failed $failed skipped 0"
}
