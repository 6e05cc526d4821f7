#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Golden runs. Each folder here is a case: `cmd` holds the arguments of build/spoor, as one would
# type them in a shell, and it runs in that folder, on the file stdin if there is one. want.out is
# its standard output, want.err its standard error (no file: nothing), want.status its exit status
# (no file: 0). The version of the sensor and the name of this host are written as VERSION and HOST.
#
#	tests/cases/test_cases.sh [--update] [CASE...]	--update writes the result into want.*
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
B=$(cd "${B:-$TOP/build}" && pwd) || exit 1
# shellcheck source=tests/tap.sh
. "$TOP/tests/tap.sh"

update=
[ "${1:-}" != --update ] || { update=1; shift; }
made=
[ -n "${TMP:-}" ] || made=$(mktemp -d)
work=${TMP:-$made}
trap '[ -z "$made" ] || rm -rf "$made"' EXIT
[ -x "$B/spoor" ] || skip_all "$B/spoor is not built"
version=$(cat "$TOP/VERSION")
host=$(uname -n)

# Names of this host and build do not belong into expected output.
neutral() {
	sed -e "s/\"version\":\"$version\"/\"version\":\"VERSION\"/g" \
		-e "s/\"host\":\"$host\"/\"host\":\"HOST\"/g" "$1"
}

# run FOLDER: leaves out, err and status in $work
run() {
	(
		cd "$1" || exit 99
		eval "set -- $(cat cmd)"
		input=/dev/null
		[ ! -f stdin ] || input=stdin
		"$B/spoor" "$@" <$input >"$work/raw.out" 2>"$work/raw.err"
	)
	echo $? >"$work/status"
	neutral "$work/raw.out" >"$work/out"
	neutral "$work/raw.err" >"$work/err"
}

# keep FILE WANTED EMPTY: the file becomes the wanted one, which is absent if it says EMPTY
keep() {
	if [ "$(cat "$1")" = "$3" ]; then rm -f "$2"; else cp "$1" "$2"; fi
}

# wanted FILE EMPTY: its contents, or EMPTY where it is absent
wanted() {
	if [ -f "$1" ]; then cat "$1"; else printf '%s' "$2"; fi
}

cd "$TOP/tests/cases" || exit 1
[ $# -gt 0 ] || set -- */
for folder in "$@"; do
	name=${folder%/}
	[ -f "$name/cmd" ] || continue
	run "$name"
	if [ -n "$update" ]; then
		keep "$work/out" "$name/want.out" ''
		keep "$work/err" "$name/want.err" ''
		keep "$work/status" "$name/want.status" 0
		echo "# $name: written"
		continue
	fi
	is "$(cat "$work/status")" "$(wanted "$name/want.status" 0)" "$name: exit status"
	wanted "$name/want.out" '' >"$work/want"
	same "$work/out" "$work/want" "$name: output"
	wanted "$name/want.err" '' >"$work/want"
	same "$work/err" "$work/want" "$name: messages"
done
done_testing
