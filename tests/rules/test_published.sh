# SPDX-License-Identifier: Apache-2.0
# The example detectors that Tracee publishes, unchanged: they load, and fire when recordings are
# replayed, by themselves and as a chain of three. (They are no part of this repository.)
. "$TOP/tests/tap.sh"
vectors=${TRACEE_VECTORS:-/work/shared/tracee/vectors}
examples=$vectors/detectors/load/243-examples-dir
[ -d "$examples" ] || skip_all "no recorded cases in $vectors"

# One event of each kind: a shell, netcat on the host, in a container, in one with a name; ls.
exec_of() {
	printf '{"timestamp":"2026-01-02T03:04:05Z","name":"sched_process_exec","workload":{"process":'
	printf '{"executable":{"path":"%s"},"unique_id":7,"host_pid":70,"pid":7,"real_user":{"id":0},' "$1"
	printf '"thread":{"name":"%s","unique_id":7,"host_tid":70,"tid":7},' "${1##*/}"
	printf '"ancestors":[{"unique_id":6,"host_pid":60,"pid":6}]}%s},' "$2"
	printf '"data":[{"name":"pathname","str":"%s"}]}\n' "$1"
}
{
	exec_of /bin/bash ''
	exec_of /usr/bin/nc ''
	exec_of /usr/bin/nc ',"container":{"id":"0123456789ab","started":true}'
	exec_of /usr/bin/nc ',"container":{"id":"0123456789ab","name":"web","started":true}'
	exec_of /usr/bin/ls ''
} >"$TMP/input.json"

cat >"$TMP/want" <<'END'
shell_execution_detected
netcat_execution
suspicious_binary_execution
netcat_execution
netcat_in_container
suspicious_binary_execution
netcat_execution
netcat_in_container
netcat_privileged_alert
suspicious_binary_execution
END

for compat in '' '--compat tracee'; do
	"$B/spoor" replay $compat -e tag=detectors -d "$examples" -o json "$TMP/input.json" >"$TMP/out" 2>"$TMP/err"
	ok $? "loads and replays${compat:+ in the mode of Tracee}"
	sed -n 's/^{"timestamp":"[^"]*","id":[0-9]*,"name":"\([^"]*\)".*/\1/p' "$TMP/out" >"$TMP/names"
	same "$TMP/names" "$TMP/want" "each fires on its event${compat:+ in the mode of Tracee}"
done
# What the third of the chain was made from, link by link.
sed -n 's/.*"name":"netcat_privileged_alert".*"detected_from":\(.*\)/\1/p' "$TMP/out" |
	grep -o '"id":[0-9]*,"name":"[a-z_]*"' | sed 's/.*:"//; s/"//' | tr '\n' ' ' >"$TMP/links"
is "$(cat "$TMP/links")" 'netcat_in_container netcat_execution sched_process_exec ' \
	'a chain of three tells its links'
done_testing
