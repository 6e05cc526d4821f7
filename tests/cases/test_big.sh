# SPDX-License-Identifier: Apache-2.0
# A recording of any size is read as a stream: memory does not grow with it.
. "$TOP/tests/tap.sh"

cd "$TOP/tests/cases" || exit 1
event=$(head -n 1 known-events/input.json)
flat=$(head -n 1 legacy/input.json)
broken='{"name":"openat"}'

peak() {
	awk '/^VmHWM/ { print $2 }' "/proc/$pid/status"
}

lines() {
	yes "$event
$flat
$broken" | head -n "$1" >&3
}

mkfifo "$TMP/in"
"$B/spoor" replay -e '*' -o json - <"$TMP/in" >/dev/null 2>"$TMP/err" &
pid=$!
exec 3>"$TMP/in"
lines 60000
before=$(peak)
lines 600000
after=$(peak)
exec 3>&-
wait "$pid"
is "$?" 1 "150 MB are read; malformed lines are bad input"
grown=$((after - before))
ok "$((grown >= 2048))" "memory does not grow: $before KiB, then $after"
is "$(tail -n 1 "$TMP/err")" \
	"spoor: 440000 events seen, 0 lost, 0 alerts, 440000 events printed, 220000 malformed" \
	"every line is counted"
is "$(grep -c 'line skipped' "$TMP/err")" 10 "the first malformed lines are told"
is "$(sed -n 1p "$TMP/err")" \
	"spoor: standard input:3: line skipped: 'timestamp' is missing" \
	"with their number"
done_testing
