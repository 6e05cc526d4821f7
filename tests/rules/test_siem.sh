# SPDX-License-Identifier: Apache-2.0
# What every built-in detector detects in its tests, in every format: written at once and converted
# from the canonical JSON it is the same bytes; ECS and OCSF pass their schemas' validator, where
# that is at hand (it is no part of this repository).
. "$TOP/tests/tap.sh"
validator=${SIEM_VALIDATOR:-/work/shared/siem/validate.py}

"$B/spoor" test --to json >"$TMP/json" 2>"$TMP/err"
ok $? "the tests of the built-in rules pass, as JSON"
# Some are only there for what they leave to others.
grep -l '^silent: true' "$TOP"/rules/detectors/*.yaml | xargs sed -n 's/^id: //p' >"$TMP/building"
"$B/spoor" list detectors | awk 'NR > 1 { print $2 }' | sort -u | grep -v -x -F -f "$TMP/building" >"$TMP/all"
sed 's/.*"rule":{"id":"//; s/".*//' "$TMP/json" | sort -u | comm -13 - "$TMP/all" >"$TMP/silent"
same "$TMP/silent" /dev/null "every built-in detector detects something in its tests"

for format in $("$B/spoor" list formats | awk 'NR > 1 && !/^ / && $1 != "template" { print $1 }'); do
	"$B/spoor" test --to "$format" >"$TMP/direct" 2>"$TMP/err"
	"$B/spoor" convert --to "$format" "$TMP/json" >"$TMP/converted"
	cmp -s "$TMP/direct" "$TMP/converted"
	ok $? "$format: at once and from JSON the same bytes"
done

for schema in ecs ocsf; do
	if ! command -v python3 >/dev/null; then
		skip "$schema: the schema's validator takes it" "no python3"
	elif [ ! -e "$validator" ]; then
		skip "$schema: the schema's validator takes it" "no $validator"
	else
		"$B/spoor" convert --to $schema "$TMP/json" >"$TMP/records"
		is "$(python3 "$validator" $schema "$TMP/records")" "$(wc -l <"$TMP/json") valid" \
			"$schema: the schema's validator takes all of it"
	fi
done
done_testing
