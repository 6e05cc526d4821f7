# SPDX-License-Identifier: Apache-2.0
# For test scripts: `. "$TOP/tests/tap.sh"`, then ok, is or skip for each test, and `done_testing`
# last, which prints the plan: a script that dies before it fails.

# A file, so that a test at the end of a pipe counts as well.
tap_count=${TMP:-/tmp}/tap-count
: >"$tap_count"

tap_number() {
	echo >>"$tap_count"
	wc -l <"$tap_count"
}

# ok STATUS NAME: e.g. `grep -q x file; ok $? "has x"`
ok() {
	if [ "$1" = 0 ]; then
		echo "ok $(tap_number) - $2"
	else
		echo "not ok $(tap_number) - $2"
	fi
}

# is FOUND EXPECTED NAME
is() {
	[ "$1" = "$2" ]
	ok $? "$3"
	if [ "$1" != "$2" ]; then
		echo "#    found: $1"
		echo "# expected: $2"
	fi
}

# same FILE EXPECTED-FILE NAME
same() {
	difference=$(diff -u "$2" "$1" 2>&1)
	ok $? "$3"
	[ -z "$difference" ] || echo "$difference" | sed 's/^/# /' | head -n "${4:-60}"
}

# skip NAME REASON
skip() {
	echo "ok $(tap_number) - $1 # SKIP $1: $2"
}

# skip_all REASON: nothing here can run
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

done_testing() {
	echo "1..$(wc -l <"$tap_count")"
}
