# SPDX-License-Identifier: Apache-2.0
# A named pipe is opened once: its writer may be short and gone, and does not lose its reader.
. "$TOP/tests/tap.sh"

cd "$TOP/tests/cases" || exit 1
event=$(head -n 1 known-events/input.json)

replay() {
	timeout 10 "$B/spoor" replay -e '*' -o none "$TMP/in" 2>&1 | tail -n 1
}

mkfifo "$TMP/in"
for lines in 1 2 3 4 5 6 7 8 9 10 1000 2000; do
	yes "$event" | head -n "$lines" >"$TMP/lines"
	(cat "$TMP/lines" >"$TMP/in" || echo "the writer lost its reader") 2>&1 &
	is "$(replay)" "spoor: $lines events seen, 0 lost, 0 alerts, $lines events printed" \
		"$lines of $lines lines"
	wait
done
done_testing
