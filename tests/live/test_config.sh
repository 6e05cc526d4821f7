# SPDX-License-Identifier: Apache-2.0
# A running sensor with a configuration: destinations changed by SIGHUP go on where they were,
# what cannot change is told, /metrics and health answer, and a sensor that is killed loses nothing
# unseen.
. "$TOP/tests/tap.sh"

[ "$(id -u)" = 0 ] || skip_all "watching the kernel wants root"
[ -r /sys/kernel/btf/vmlinux ] || skip_all "this kernel has no BTF"

spoor=$B/spoor
cd "$TMP" || exit 1
port=$(($$ % 20000 + 20000))
sensor=
trap 'kill -KILL $sensor 2>/dev/null' EXIT

# until_true COMMAND...: within 30 s
until_true() {
	left=300
	while ! "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.1
	done
}

cat >rule.yaml <<EOF
type: detector
id: T-1
produced_event: {name: test_call, version: 1.0.0, fields: [{name: result, type: int64}]}
requirements: {events: [{name: msgget}]}
conditions: [workload.process.thread.name == "workload"]
output: {fields: [{name: result, expression: 'getEventData("returnValue")'}]}
threat: {name: A call of the test, description: of the test, severity: low}
auto_populate: {threat: true}
EOF

# config COMMIT_INTERVAL MEMORY DESTINATIONS...
config() {
	cat >spoor.yaml <<EOF
detectors: [$TMP/rule.yaml]
spool: {path: $TMP/spool.db, commit_interval: $1, memory: $2, drain_timeout: 5s}
server: {http-address: "127.0.0.1:$port", metrics: true, healthz: true}
output:
  destinations:
EOF
	shift 2
	for destination; do
		echo "    - $destination" >>spoor.yaml
	done
}

start() {
	: >err # the words of the one before are not its own
	"$spoor" run -c spoor.yaml >out 2>err &
	sensor=$!
	until_true grep -q 'stop with Ctrl-C' err || sed 's/^/# /' err
}

make_alerts() {
	"$B/tests/live/workload" calls "$1" >/dev/null
}

get() {
	busybox wget -q -O - "http://127.0.0.1:$port$1"
}

metric() {
	get /metrics | awk -v name="$1" '$1 == name { print $2 }'
}

# is_metric NAME VALUE
is_metric() {
	[ "$(metric "$1")" = "$2" ]
}

# sequences FILE: of the alerts in it, on one line
sequences() {
	sed -n 's/.*"name":"test_call".*"sequence":\([0-9]*\).*/\1/p' "$1" | tr '\n' ' '
}

has() {
	[ "$(sequences "$1")" = "$2" ]
}

# ---- what is served ----------

config 20ms 1M "{name: a, type: file, format: json, path: $TMP/a.json}" \
	"{name: b, type: syslog, url: 'tcp://127.0.0.1:1', retry_min: 50ms, retry_max: 100ms}"
start
make_alerts 5
until_true has a.json "1 2 3 4 5 "
ok $? "alerts are delivered, numbered from 1"
until_true is_metric 'spoor_output_sent_total{output="a"}' 5
ok $? "and counted"
is "$(metric 'spoor_output_waiting{output="b"}')" 5 "what waits is counted for the other"
is "$(get /healthz)" OK "it is healthy"
until_true sh -c "! busybox wget -q -O - http://127.0.0.1:$port/readyz"
ok $? "and not ready while a receiver is away"
get /metrics >metrics
if tree=$("$TOP/tests/unpack" promtool-1 prometheus 2>missing); then
	"$tree/usr/bin/promtool" check metrics <metrics >said 2>&1
	is "$? $(cat said)" "0 " "promtool takes its metrics"
else
	skip "promtool takes its metrics" "$(cat missing)"
fi

# ---- other destinations, by SIGHUP ----------

config 60s 2M "{name: a, type: file, format: json, path: $TMP/a2.json}" \
	"{name: b, type: file, format: json, path: $TMP/b.json}"
sed -i 's/healthz: true/healthz: false/' spoor.yaml
kill -HUP $sensor
until_true has b.json "1 2 3 4 5 "
ok $? "another transport of the same name gets what waited"
make_alerts 3
until_true has a2.json "6 7 8 "
ok $? "a destination that moves goes on behind what it had"
until_true has b.json "1 2 3 4 5 6 7 8 "
ok $? "in order, nothing twice"
for key in spool.memory spool.commit_interval server; do
	grep -q "spoor.yaml: warning: '$key' has changed, which a running sensor does not follow" err
	ok $? "that $key has changed is told"
done
is "$(grep -c 'has changed' err)" 3 "and nothing else"

echo 'spol: {}' >>spoor.yaml
kill -HUP $sensor
until_true grep -q "the old ones stay" err
ok $? "a wrong configuration is refused"
make_alerts 1
until_true has a2.json "6 7 8 9 "
ok $? "and the old one goes on"
kill -INT $sensor
wait $sensor
is $? 0 "it ends with 0"
grep -q 'output b: 9 sent' err
ok $? "and says what was delivered"

# ---- killed with alerts in memory ----------

config 60s 1M "{name: a, type: file, format: json, path: $TMP/a2.json}"
start
make_alerts 4
until_true is_metric spoor_alerts_total 4
ok $? "four more, not yet on the disk"
kill -KILL $sensor
wait $sensor 2>/dev/null
has a2.json "6 7 8 9 "
ok $? "the sensor is killed, and they are gone"
config 20ms 1M "{name: a, type: file, format: json, path: $TMP/a2.json}"
start
make_alerts 1
until_true has a2.json "6 7 8 9 14 "
ok $? "the next one's numbers show the gap"
is "$(sed -n 's/.*"name":"alerts_lost".*"name":"lost","u_int64":"\([0-9]*\)".*"name":"reason","str":"\([a-z_]*\)".*/\1 \2/p' a2.json)" \
	"4 sensor_ended" "and an alerts_lost tells it"
until_true is_metric 'spoor_spool_lost_total{reason="sensor_ended"}' 4
ok $? "as do the metrics"
kill -INT $sensor
wait $sensor

# ---- what was learnt is kept where systemd says, unless the configuration says it ----
mkdir state
{ cat rule.yaml && echo 'first_seen: {by: [process], learn: 1h, forget: 30d}'; } >learns.yaml
cat >learn.yaml <<EOF
detectors: [$TMP/learns.yaml]
quiet: true
duration: 1
output: {none: true}
EOF
STATE_DIRECTORY=$TMP/state:$TMP/other "$spoor" run -c learn.yaml >out 2>&1
is "$? $(ls state)" "0 seen" "what was learnt is kept in systemd's state directory"
echo "memory: $TMP/learnt" >>learn.yaml
rm state/seen
STATE_DIRECTORY=$TMP/state "$spoor" run -c learn.yaml >out 2>&1
is "$? $(ls state; ls learnt)" "0 learnt" "a file that the configuration names is what counts"

done_testing
