# SPDX-License-Identifier: Apache-2.0
# A recording of any size is read as a stream: memory does not grow with it.
. "$TOP/tests/tap.sh"

event='{"timestamp":"2026-02-01T08:00:00Z","id":258,"name":"openat","policies":{"matched":["p"]},"workload":{"process":{"executable":{"path":"/usr/bin/cat"},"unique_id":3380383663,"host_pid":4301,"pid":4301,"real_user":{"id":1000},"thread":{"start_time":"2026-02-01T07:00:00.123456789Z","name":"cat","unique_id":3380383663,"host_tid":4301,"tid":4301,"syscall":"openat"},"ancestors":[{"unique_id":1615339113,"host_pid":4242,"pid":4242}]}},"data":[{"name":"dirfd","int32":-100},{"name":"pathname","str":"/etc/passwd"},{"name":"flags","int32":0},{"name":"mode","u_int32":0},{"name":"returnValue","int64":"3"}]}'
flat='{"timestamp":1785751260250000000,"processId":4301,"threadId":4301,"hostProcessId":4301,"hostThreadId":4301,"userId":1000,"processName":"cat","eventId":"43","eventName":"connect","args":[{"name":"sockfd","type":"int32","value":5},{"name":"addr","type":"SockAddr","value":{"sa_family":"AF_INET","sin_addr":"1.2.3.4","sin_port":"443"}}],"returnValue":0}'
broken='{"timestamp":"2026-02-01T08:00:00Z","id":258,"name":"openat","data":[{"name":"dirfd","int32":"x"}]}'

peak() {
	awk '/^VmHWM/ { print $2 }' "/proc/$pid/status"
}

lines() {
	yes "$event
$flat
$broken" | head -n "$1" >&3
}

mkfifo "$TMP/in"
"$B/spoor" replay -e '*' -o json - <"$TMP/in" >/dev/null 2>"$TMP/err" &
pid=$!
exec 3>"$TMP/in"
lines 30000
before=$(peak)
lines 300000
after=$(peak)
exec 3>&-
wait "$pid"
is "$?" 1 "150 MB are read; malformed lines are bad input"
grown=$((after - before))
ok "$((grown >= 2048))" "memory does not grow: $before KiB, then $after"
is "$(tail -n 1 "$TMP/err")" \
	"spoor: 220000 events seen, 0 lost, 0 alerts, 220000 events printed, 110000 malformed" \
	"every line is counted"
is "$(grep -c 'line skipped' "$TMP/err")" 10 "the first malformed lines are told"
is "$(sed -n 1p "$TMP/err")" \
	"spoor: standard input:3:94: line skipped: field 'dirfd': expected int32, found text that is not its number" \
	"with their number"
done_testing
