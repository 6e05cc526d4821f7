# SPDX-License-Identifier: Apache-2.0
# The built-in policies: each detector that alerts is selected by one of them, just one, so that
# none is lost by an exception and none is told under two names.
. "$TOP/tests/tap.sh"

"$B/spoor" list detectors | awk '/ (info|low|medium|high|critical) / { print $1 }' | sort >"$TMP/all"
"$B/spoor" list policies --json >"$TMP/policies"
is $? 0 "they load"
tr '{' '\n' <"$TMP/policies" | awk '
	match($0, /"name": *"[^"]*"/) { policy = substr($0, RSTART + 8, RLENGTH - 8) }
	match($0, /"event": *"[^"]*"/) { split(substr($0, RSTART, RLENGTH), part, "\""); print part[4], policy }
' | sort -u | cut -d ' ' -f 1 >"$TMP/selected"
[ "$(grep -c . "$TMP/all")" -gt 40 ]
ok $? "there are detectors"
uniq "$TMP/selected" | comm -13 - "$TMP/all" >"$TMP/missing"
same "$TMP/missing" /dev/null "each is selected"
uniq -d "$TMP/selected" >"$TMP/twice"
same "$TMP/twice" /dev/null "none by two policies"
done_testing
