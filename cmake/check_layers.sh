#!/usr/bin/env bash
# Fails if a module includes a header of a module that stands below it, or a private header (*_int.h) of another one.
set -euo pipefail
cd "$1"
order=(core grammar parser functions formats planner topics state exec engine server cli)
bad=0
for i in "${!order[@]}"; do
    m=${order[$i]}
    [[ -d $m ]] || continue
    for ((j = i + 1; j < ${#order[@]}; j++)); do
        if grep -rnE "#include \"${order[$j]}/" "$m" --include='*.[chy]' --include='*.cpp'; then
            echo "error: $m/ may not include ${order[$j]}/ (see ARCHITECTURE.md)" >&2
            bad=1
        fi
    done
    if grep -rnE '#include "[a-z_/]*_int\.h"' "$m" --include='*.[ch]' --include='*.cpp' | grep -v "\"$m/"; then
        echo "error: a private header of another module is included above" >&2
        bad=1
    fi
done
exit $bad
