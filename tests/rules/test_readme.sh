# SPDX-License-Identifier: Apache-2.0
# The examples of rules/README.md: a block of YAML after a line "`FILE`:" is that file; all of them
# are checked, and the tests among them pass. Blocks without a name that hold whole keys of a
# detector are tried in a detector.
. "$TOP/tests/tap.sh"

spoor=$B/spoor

awk -v top="$TMP/" '
/^`[a-z_\/-]*\.yaml`:$/ { gsub(/[`:]/, ""); file = top $0; next }
/^```yaml$/ { inside = 1; if (file == "") file = top "parts/" ++parts ".yaml"; next }
/^```$/ { if (inside) close(file); inside = 0; file = ""; next }
inside {
	if (!(file in made)) {
		folder = file
		sub("/[^/]*$", "", folder)
		system("mkdir -p " folder)
		made[file] = 1
	}
	print >file
}' "$TOP/rules/README.md"

[ "$(ls "$TMP/my-rules" | wc -l)" -ge 3 ]
ok $? 'there are examples'
"$spoor" check "$TMP/my-rules" >"$TMP/out" 2>&1
is "$(tail -n 1 "$TMP/out" | cut -d' ' -f1-4)" '0 errors, 0 warnings' 'the examples are without a mistake'
"$spoor" test "$TMP/my-rules" >"$TMP/out" 2>&1
is $? 0 'their tests pass'
tail -n 1 "$TMP/out" | grep -q '^[1-9][0-9]* passed, 0 failed'
ok $? 'there are tests among them'

# Parts of detectors.
for part in "$TMP"/parts/*.yaml; do
	grep -q '^threshold:\|^sequence:\|^set:\|^label:\|^score:\|^first_seen:' "$part" || continue
	mkdir -p "$TMP/whole"
	{
		printf 'type: detector\nid: X-%s\nproduced_event: {name: x%s, version: 1.0.0}\n' \
			"${part##*/}" "$(basename "$part" .yaml)"
		printf 'requirements: {events: [{name: msgsnd}, {name: msgrcv}]}\n'
		cat "$part"
	} >"$TMP/whole/${part##*/}"
done
"$spoor" check "$TMP/whole" >"$TMP/out" 2>&1
is "$(tail -n 1 "$TMP/out" | cut -d' ' -f1-2)" '0 errors,' 'the parts are without a mistake'

done_testing
