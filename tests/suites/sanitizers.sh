# The unit tests, the suite of the commands and the conformance cases again, in a build with the address and undefined behaviour sanitizers.
suite_sanitizers() {
    local passed=0 failed=0 skipped=0 program line p f dev=$root/build/dev
    export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
    if ! "$root/dev" build dev; then
        echo "passed 0 failed 1 skipped 0"
        return
    fi
    for program in "$dev"/tests/unit_*; do
        [[ -x $program && -f $program ]] || continue
        timeout 900 "$program" >"$1/log" 2>&1
        line=$(grep -E '^unit: ' "$1/log" | tail -n 1)
        if [[ -z $line ]] || grep -qE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$1/log"; then
            echo "$(basename "$program"):"
            tail -n 60 "$1/log"
            failed=$((failed + 1))
            continue
        fi
        read -r _ p _ f _ <<<"${line//,/}"
        passed=$((passed + p)) failed=$((failed + f))
        if [[ $f != 0 ]]; then cat "$1/log"; fi
    done
    mkdir -p "$1/cli"
    weir=$dev/weir cli_sanitized=yes ASAN_OPTIONS=$ASAN_OPTIONS:log_path=$1/report UBSAN_OPTIONS=$UBSAN_OPTIONS:log_path=$1/report \
        suite_cli "$1/cli" >"$1/log" 2>&1
    line=$(grep -E '^passed [0-9]+ failed [0-9]+ skipped [0-9]+$' "$1/log" | tail -n 1)
    read -r _ p _ f _ <<<"${line:-passed 0 failed 1 skipped 0}"
    passed=$((passed + p)) failed=$((failed + f))
    if [[ $f != 0 ]]; then cat "$1/log"; fi
    if compgen -G "$1/report.*" >/dev/null; then
        cat "$1"/report.*
        failed=$((failed + 1))
    fi
    if [[ -d $WEIR_QTT ]]; then
        # What fails is known to the conformance suite; here nothing may crash.
        timeout 900 "$dev/weir" test "$WEIR_QTT/query-validation-tests" --failures "$1/failures" >"$1/log" 2>&1
        if ! grep -qE '^[0-9]+ passed, ' "$1/log" || grep -qE 'crashed|timed out' "$1/failures" ||
            grep -qE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$1/log"; then
            grep -E 'crashed|timed out' "$1/failures" | head -n 20
            tail -n 40 "$1/log"
            failed=$((failed + 1))
        else
            passed=$((passed + 1))
        fi
    else
        echo "skipped: conformance cases under the sanitizers: $WEIR_QTT is not there"
        skipped=$((skipped + 1))
    fi
    echo "passed $passed failed $failed skipped $skipped"
}
