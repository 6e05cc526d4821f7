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
# Paths that a user can forge would be holes.
! grep -n -E 'executable(\.path)? in [A-Z]' "$TOP"/rules/detectors/*.yaml
ok $? "trusted programs are known by context.program"
tr -d '\n' >"$TMP/forged.json" <<'END'
{"timestamp":"2026-01-01T00:00:00Z","name":"shmat","workload":{"process":{
"executable":{"path":"/opt/ltp/x"},"host_pid":7,"pid":7,"real_user":{"id":1000},
"thread":{"name":"x","host_tid":7,"tid":7}}},"data":[{"name":"shmid","int32":3},
{"name":"shmaddr","pointer":"0"},{"name":"shmflg","int32":32768},
{"name":"returnValue","int64":"140311589834752"}],
"namespaces":{"mnt":1,"pid":1,"ipc":1,"user":4026532177,"net":1}}
END
sed 's/4026532177/4026531837/' "$TMP/forged.json" >"$TMP/known.json"
"$B/spoor" replay -o json "$TMP/forged.json" 2>"$TMP/err" |
	grep -q '"name":"ipc_exec_segment".*"name":"forgeable","bool":true'
ok $? "what is mounted over known software is no exception"
! grep -q error "$TMP/err"
ok $? "and no rule had errors"
"$B/spoor" replay -o json "$TMP/known.json" 2>/dev/null | grep -c ipc_exec_segment >"$TMP/count"
is "$(cat "$TMP/count")" 0 "known software is"
done_testing
