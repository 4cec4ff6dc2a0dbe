# Conformance: the project's own cases, which must all pass (those of incorrect/ must all fail), and the public ones of ksqlDB where $WEIR_QTT has them, of which at
# least as many must pass as tests/conformance/floor says. Whatever passes has to pass at any batch size, after its state
# was rebuilt between any two records, and has to fail once an expected value is falsified.

# conformance_run LOG FAILURES OPTION... PATH...: sets conf_passed, conf_failed, conf_skipped.
conformance_run() {
    local log=$1 failures=$2 line
    shift 2
    "$weir" test --failures "$failures" "$@" >"$log" 2>&1
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1)
    read -r conf_passed _ conf_failed _ conf_skipped _ <<<"${line:-0 passed, 0 failed, 0 skipped}"
    if [[ -z $line ]]; then
        echo "weir test ended early:"
        tail -n 20 "$log"
        return 1
    fi
}

# conformance_same WORK WHAT OPTION... PATH...: no case may fail that is not in WORK/plain.failures, or in WHAT.except. Prints
# those, and counts 1 check.
conformance_same() {
    local work=$1 what=$2
    shift 2
    local new=$work/$what.new except=$here/conformance/$what.except
    if ! conformance_run "$work/$what.log" "$work/$what.failures" "$@"; then
        failed=$((failed + 1))
        return
    fi
    [[ -f $except ]] || except=/dev/null
    LC_ALL=C join -t $'\t' -v 2 <(cut -f1 "$work/plain.failures" | cat - "$except" | LC_ALL=C sort -u) \
        <(LC_ALL=C sort "$work/$what.failures") >"$new"
    if [[ -s $new ]]; then
        echo "$(wc -l <"$new") cases pass, but not with $what; the first:"
        head -n 10 "$new"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}

# conformance_variants WORK PATH...: every way to run the same cases. Needs plain.failures.
conformance_variants() {
    local work=$1
    shift
    conformance_same "$work" batch-3 --batch 3 "$@"
    conformance_same "$work" batch-4096 --batch 4096 "$@"
    conformance_same "$work" restore --restore "$@"
}

suite_conformance() {
    local work=$1 passed=0 failed=0 skipped=0 floor own=$here/conformance/cases
    local -a public sample
    mkdir -p "$work/own" "$work/public"

    conformance_run "$work/own/plain.log" "$work/own/plain.failures" "$own" || failed=$((failed + 1))
    passed=$((passed + conf_passed)) failed=$((failed + conf_failed)) skipped=$((skipped + conf_skipped))
    cat "$work/own/plain.failures"
    conformance_variants "$work/own" "$own"
    conformance_run "$work/own/mutate.log" "$work/own/mutate.failures" --mutate "$own" || failed=$((failed + 1))
    passed=$((passed + conf_passed)) failed=$((failed + conf_failed))
    cat "$work/own/mutate.failures"

    conformance_run "$work/own/incorrect.log" "$work/own/incorrect.failures" "$here/conformance/incorrect" || failed=$((failed + 1))
    if ((conf_passed > 0 || conf_failed == 0)); then
        echo "$conf_passed of the incorrect cases pass:"
        "$weir" test -v "$here/conformance/incorrect" | grep '^passed '
        failed=$((failed + 1))
    else
        passed=$((passed + conf_failed))
    fi

    if [[ ! -d ${WEIR_QTT:-} ]]; then
        echo "skipped: the public conformance cases: \$WEIR_QTT is not a folder"
        echo "passed $passed failed $failed skipped $((skipped + 1))"
        return
    fi
    public=("$WEIR_QTT/query-validation-tests" "$WEIR_QTT/sql-tests" "$WEIR_QTT/sql-test-runner")
    floor=$(<"$here/conformance/floor")
    conformance_run "$work/public/plain.log" "$work/public/plain.failures" "${public[@]}" || failed=$((failed + 1))
    echo "# conformance: $conf_passed public cases passed, $conf_failed failed, $conf_skipped disabled; at least $floor must pass"
    if ((conf_passed < floor)); then
        echo "only $conf_passed public cases pass; tests/conformance/floor asks for $floor"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
        if ((conf_passed > floor)); then echo "# conformance: tests/conformance/floor can be raised to $conf_passed"; fi
    fi
    conformance_variants "$work/public" "${public[@]}"
    sample=("$WEIR_QTT"/query-validation-tests/{a,g,h,j,s,t}*.json)
    conformance_run "$work/public/mutate.log" "$work/public/mutate.failures" --mutate "${sample[@]}" || failed=$((failed + 1))
    if ((conf_failed > 0)); then
        echo "$conf_failed cases pass with a falsified expectation; the first:"
        head -n 10 "$work/public/mutate.failures"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
    echo "passed $passed failed $failed skipped $skipped"
}
