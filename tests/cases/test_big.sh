# SPDX-License-Identifier: Apache-2.0
# A recording of any size is read as a stream: memory does not grow with it.
. "$TOP/tests/tap.sh"

cd "$TOP/tests/cases" || exit 1
event=$(head -n 1 known-events/input.json)
flat=$(head -n 1 legacy/input.json)
broken='{"name":"openat"}'

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
lines 60000
before=$(peak)
lines 600000
after=$(peak)
exec 3>&-
wait "$pid"
is "$?" 1 "150 MB are read; malformed lines are bad input"
grown=$((after - before))
ok "$((grown >= 2048))" "memory does not grow: $before KiB, then $after"
is "$(tail -n 1 "$TMP/err")" \
	"spoor: 440000 events seen, 0 lost, 0 alerts, 440000 events printed, 220000 malformed" \
	"every line is counted"
is "$(grep -c 'line skipped' "$TMP/err")" 10 "the first malformed lines are told"
is "$(sed -n 1p "$TMP/err")" \
	"spoor: standard input:3: line skipped: 'timestamp' is missing" \
	"with their number"

# ---- a record may have 256 KiB, whatever of it is one string ----

# long TYPE LENGTH: an event with a string so long, alone or in an object
long() {
	x=$(head -c "$2" /dev/zero | tr '\0' x)
	case $1 in
	text) data="{\"name\":\"pathname\",\"str\":\"$x\"}" name=openat ;;
	object)
		data="{\"sa_family\":\"AF_UNIX\",\"sun_path\":\"$x\"}"
		data="{\"name\":\"remote_addr\",\"sockaddr\":$data}" name=security_socket_connect
		;;
	esac
	task='"unique_id":1,"pid":9'
	printf '{"timestamp":"2026-02-01T08:00:00Z","name":"%s","policies":{"matched":[""]},' $name
	printf '"workload":{"process":{%s,"host_pid":9,"thread":{%s,"host_tid":9,"tid":9,' "$task" \
		'"start_time":"2026-02-01T07:59:59Z","name":"t","unique_id":1'
	printf '"syscall":"connect"}}},"data":[%s]}\n' "$data"
}
for type in text object; do
	for size in 43000 50000 200000 260000; do
		long $type $size >"$TMP/long.json"
		"$B/spoor" replay -q -e '*' -o json - <"$TMP/long.json" >"$TMP/out" 2>"$TMP/err"
		is "$? $(grep -o 'xxx*"' "$TMP/out" | wc -c)" "0 $((size + 2))" "$type: a string of $size bytes"
	done
	long $type 262144 >"$TMP/long.json"
	"$B/spoor" replay -q -e '*' -o json - <"$TMP/long.json" >"$TMP/out" 2>"$TMP/err"
	is "$? $(grep -c 'larger than.* a record may be' "$TMP/err")" "1 1" "$type: one that is too long"
done

done_testing
