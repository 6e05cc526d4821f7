# SPDX-License-Identifier: Apache-2.0
# CEL's conformance tests and what Tracee itself answered, where they are at hand (they are no
# part of this repository).
. "$TOP/tests/tap.sh"
conformance=${CEL_CONFORMANCE:-/work/shared/cel/conformance}
vectors=${TRACEE_VECTORS:-/work/shared/tracee/vectors}

report() {
	ok "$1" "$2: $(tail -n 1 "$TMP/out")"
	[ "$1" = 0 ] || sed 's/^/# /' "$TMP/out"
}

if [ -d "$conformance" ]; then
	for class in core ext proto; do
		"$B/cel-conformance" --class $class "$conformance"/*.json >"$TMP/out" 2>&1
		report $? "conformance, class $class"
	done
	"$B/cel-conformance" --verbose "$conformance"/*.json | grep -B1 '^    not listed' >"$TMP/out"
	[ $? = 1 ]
	report $? "differences.def names every test that is not met"
else
	skip "conformance" "no tests in $conformance"
fi
if [ -f "$vectors/cel.json" ]; then
	"$B/tracee-vectors" --kind cel "$vectors/cel.json" >"$TMP/out" 2>&1
	report $? "as Tracee"
else
	skip "as Tracee" "no recorded cases in $vectors"
fi
done_testing
