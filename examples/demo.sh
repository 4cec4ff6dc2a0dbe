#!/usr/bin/env bash
# ./dev demo: makes orders, runs examples/demo.sql over them, and shows what came out. Everything lives in a temporary folder.
set -euo pipefail
weir=${1:?path of weir}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
data=$(mktemp -d "${TMPDIR:-/tmp}/weir-demo.XXXXXX")
trap 'rm -rf "$data"' EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[[ -t 1 ]] || say() { printf '\n%s\n' "$*"; }

say "1. A million orders of 20 users, ten a millisecond of event time:"
"$weir" datagen orders --records 1000000 --keys 20 --partitions 4 --data "$data"
"$weir" consume orders --from-beginning --limit 2 --data "$data"

say "2. Two queries, run until they have read all of it (examples/demo.sql):"
"$weir" run "$here/demo.sql" --drain --stats --data "$data"

say "3. Large orders (the first three):"
"$weir" consume LARGE_ORDERS --from-beginning --limit 3 --data "$data"

say "4. Units per user and minute, one row a closed window (the first ten):"
cat >"$data/show.sql" <<'END'
SELECT userid, windowstart, windowend, orders, units FROM units_per_minute EMIT CHANGES LIMIT 10;
END
"$weir" run "$data/show.sql" --drain --data "$data"
