#!/usr/bin/env bash
# Runs the test suites and ends with one line: N passed, N failed, N skipped.
#
#   tests/run.sh BUILD_DIR [SUITE...]
#
# A suite is a function suite_NAME below. It prints what it does and ends with a line "passed P failed F skipped S".
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "${1:?build folder}" && pwd)
shift
root=$(dirname "$here")
weir=$build/weir
shared=${WEIR_SHARED:-$root/../shared}
work=$(mktemp -d "${TMPDIR:-/tmp}/weir-test.XXXXXX")
export WEIR_QTT=$shared/qtt XDG_STATE_HOME=$work/state

# shellcheck source=/dev/null
for file in "$here"/suites/*.sh; do source "$file"; done

default=(unit cli conformance broker recovery sanitizers)
suites=("${@:-${default[@]}}")
[[ $# -gt 0 ]] || suites=("${default[@]}")

total_passed=0 total_failed=0 total_skipped=0 failed_suites=()
for suite in "${suites[@]}"; do
    declare -F "suite_$suite" >/dev/null || { echo "no such suite: $suite" >&2; exit 2; }
    echo "== $suite"
    start=$SECONDS
    mkdir -p "$work/$suite"
    "suite_$suite" "$work/$suite" >"$work/$suite.log" 2>&1
    status=$?
    last=$(grep -E '^passed [0-9]+ failed [0-9]+ skipped [0-9]+$' "$work/$suite.log" | tail -n 1)
    if [[ -z $last ]]; then
        echo "suite $suite ended early (exit status $status)" >>"$work/$suite.log"
        last="passed 0 failed 1 skipped 0"
    fi
    read -r _ p _ f _ s <<<"$last"
    ((total_passed += p, total_failed += f, total_skipped += s))
    if ((f > 0)); then
        failed_suites+=("$suite")
        tail -n 200 "$work/$suite.log"
    else
        grep -E '^(#|skipped:)' "$work/$suite.log" || true
    fi
    echo "== $suite: $p passed, $f failed, $s skipped ($((SECONDS - start)) s)"
done

for suite in "${failed_suites[@]+"${failed_suites[@]}"}"; do
    echo "FAILED: $suite (run it alone: ./dev test $suite)"
done
if [[ ${#failed_suites[@]} == 0 ]]; then rm -rf "$work"; else echo "logs: $work"; fi
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[[ $total_failed == 0 && $total_passed -gt 0 ]]
