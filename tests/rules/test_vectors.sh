# SPDX-License-Identifier: Apache-2.0
# Recorded cases of Tracee, where they are at hand (they are no part of this repository).
. "$TOP/tests/tap.sh"
vectors=${TRACEE_VECTORS:-/work/shared/tracee/vectors}

[ -d "$vectors" ] || skip_all "no recorded cases in $vectors"

run() {
	"$B/tracee-vectors" --kind "$1" "$vectors/$2" >"$TMP/out" 2>&1
	status=$?
	ok "$status" "$1: $(tail -n 1 "$TMP/out")"
	[ "$status" = 0 ] || sed 's/^/# /' "$TMP/out"
}

run load detectors/index.json
run filters filters.json
run policies policies.json
run flags flags.json
run scenarios detectors/scenarios.json
run register detectors/register.json
run autopopulate detectors/autopopulate.json
run builtin detectors/builtin_defs.json
run builtin detectors/builtin_events.json
run builtin detectors/on_event.json
done_testing
