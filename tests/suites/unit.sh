# Unit tests: every program unit_* of the build.
suite_unit() {
    local program passed=0 failed=0 line p f
    for program in "$build"/tests/unit_*; do
        [[ -x $program && -f $program ]] || continue
        timeout 600 "$program" >"$1/$(basename "$program").log" 2>&1
        line=$(grep -E '^unit: ' "$1/$(basename "$program").log" | tail -n 1)
        if [[ -z $line ]]; then
            echo "$(basename "$program") died:"
            tail -n 40 "$1/$(basename "$program").log"
            failed=$((failed + 1))
            continue
        fi
        read -r _ p _ f _ <<<"${line//,/}"
        passed=$((passed + p)) failed=$((failed + f))
        if [[ $f != 0 ]]; then
            cat "$1/$(basename "$program").log"
            echo "FAILED: $f of these (one of them alone: $program SUITE.TEST)"
        fi
    done
    echo "passed $passed failed $failed skipped 0"
}
