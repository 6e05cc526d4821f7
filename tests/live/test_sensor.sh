# SPDX-License-Identifier: Apache-2.0
# The whole sensor on this kernel: hook to alert. Wants root; the workload says what it did.
. "$TOP/tests/tap.sh"

[ "$(id -u)" = 0 ] || skip_all "watching the kernel wants root"
[ -r /sys/kernel/btf/vmlinux ] || skip_all "this kernel has no BTF"

spoor=$B/spoor
workload=$B/tests/live/workload
ipc=msgget,msgsnd,msgrcv,msgctl,shmget,shmat,shmdt,shmctl,semget,semop,semctl,semtimedop
work=$(mktemp -d)
sensors=
trap 'for s in $sensors; do kill $s 2>/dev/null; done; rm -rf "$work"' EXIT

# start NAME ARGUMENTS...: a sensor in the background, watching when this returns
start() {
	name=$1
	shift
	: >"$work/$name.err" # the words of the one before are not its own
	"$spoor" "$@" >"$work/$name.out" 2>"$work/$name.err" &
	sensor=$!
	sensors="$sensors $sensor"
	left=300
	until grep -q 'stop with Ctrl-C' "$work/$name.err" || ! kill -0 $sensor 2>/dev/null || [ $left = 0 ]; do
		sleep 0.1
		left=$((left - 1))
	done
}

# stop NAME PID: with Ctrl-C; leaves the status in $status
stop() {
	kill -INT "$2" 2>/dev/null
	wait "$2"
	status=$?
	sensors=$(echo "$sensors" | sed "s/ $2\$//; s/ $2 / /")
}

# ---- every call, exactly ----------

start calls run --events $ipc --output "tracee-json:$work/calls.json"
"$workload" calls 1000 >"$work/calls.done"
ok $? "the workload ran"
stop calls $sensor
is $status 0 "the sensor stopped with 0"
grep '"name":"workload"' "$work/calls.json" >"$work/own.json"
for call in $(echo $ipc | tr , ' '); do
	is "$(grep -c "\"name\":\"$call\",\"policies\"" "$work/own.json")" \
		"$(sed -n "s/^done $call //p" "$work/calls.done")" "every $call was seen, once"
done
is "$(grep -c events_lost "$work/calls.json")" 0 "nothing was lost"
grep -q ' 0 lost' "$work/calls.err"
ok $? "and the summary says so"

# ---- 32-bit calls ----------

start compat run --events $ipc,ipc --output "tracee-json:$work/compat.json"
"$workload" compat >"$work/compat.done"
ok $? "32-bit calls can be made"
stop compat $sensor
grep '"name":"workload"' "$work/compat.json" | grep -q '"name":"msgget".*"compat":true'
ok $? "a 32-bit msgget is seen, with compat"
grep '"name":"workload"' "$work/compat.json" | grep -q '"name":"ipc","policies".*"compat":true'
ok $? "so is ipc(2)"

# ---- recorded, replayed, the same bytes ----------

start live run --events '*' --output "json:$work/live.json"
live=$sensor
start record record -o "$work/ipc.capture" --events '*'
recorder=$sensor
"$workload" all >/dev/null
"$workload" processes 5 >/dev/null
stop record $recorder
is $status 0 "two sensors run side by side: the recorder stopped with 0"
stop live $live
is $status 0 "and the other too"
"$spoor" replay --quiet --events '*' --output "json:$work/first.json" "$work/ipc.capture"
is $? 0 "the capture replays"
"$spoor" replay --quiet --events '*' --output json - <"$work/ipc.capture" >"$work/second.json"
cmp -s "$work/first.json" "$work/second.json"
ok $? "twice, to the same bytes, from a file and from standard input"

# ---- a run that records and prints gives what its capture replays to ----------

start both record -o "$work/both.capture" --events '*' --output "json:$work/both.json"
"$workload" all >/dev/null
stop both $sensor
"$spoor" replay --quiet --events '*' --output "json:$work/again.json" "$work/both.capture"
[ -s "$work/both.json" ] && cmp -s "$work/both.json" "$work/again.json"
ok $? "what was printed live is what the capture replays to, byte for byte"

# ---- nothing disappears: read, or counted as lost ----------

# sum_lost EVENT FILE: what the events_lost records of the file say of it
sum_lost() {
	grep '"name":"events_lost","policies"' "$2" | grep "\"str\":\"$1\"" |
		grep -o '"name":"lost","u_int64":"[0-9]*' | grep -o '[0-9]*$' |
		awk '{ sum += $1 } END { printf "%d\n", sum }'
}
start flood run --ring 1M --events msgget --output "tracee-json:$work/flood.json"
kill -STOP $sensor
"$workload" rate 1 >"$work/flood.done"
kill -INT $sensor # the sensor ends with a full ring behind it
kill -CONT $sensor
wait $sensor
is $? 0 "a sensor stopped behind a flood ends with 0"
done=$(sed -n "s/^done msgget //p" "$work/flood.done")
seen=$(grep -c '"name":"msgget","policies"' "$work/flood.json")
lost=$(sum_lost msgget "$work/flood.json")
[ "$lost" -gt 0 ] && [ $((seen + lost)) -ge "$done" ]
ok $? "seen $seen + lost $lost are the $done calls that were made"
rm -f "$work/flood.json"

# ---- rules loaded again: new events are collected, no old one is missed ----------

# rule NAME EVENT: a detector of every EVENT of the workload
rule() {
	cat >"$work/rules/$1.yaml" <<END
type: detector
id: LIVE-$1
produced_event:
  name: $1
  version: 1.0.0
requirements:
  events:
    - name: $2
conditions:
  - workload.process.thread.name == "workload"
END
}
# reload PATTERN COUNT: as many lines with it as the sensor has written then
reload() {
	kill -HUP $sensor
	left=100
	until [ "$(grep -c "$1" "$work/reload.err")" = "$2" ] || [ $left = 0 ]; do
		sleep 0.1
		left=$((left - 1))
	done
}
mkdir "$work/rules"
rule live_msgget msgget
start reload run --detectors "$work/rules" --events msgget,detectors --output "tracee-json:$work/reload.json"
"$workload" calls 3000 >/dev/null &
busy=$!
rule live_semctl semctl # wants a hook at entry, which was not there before
reload 'loaded 2 detectors' 1
rm "$work/rules/live_semctl.yaml"
reload 'loaded 1 detectors' 1
rule live_semctl semctl
reload 'loaded 2 detectors' 2
echo broken >"$work/rules/broken.yaml"
reload 'the old ones stay' 1
wait $busy
"$workload" calls 5 >/dev/null
stop reload $sensor
is $status 0 "a sensor that loaded its rules again stopped with 0"
count() { grep '"name":"workload"' "$work/reload.json" | grep -c "\"name\":\"$1\",\"policies\""; }
is "$(count msgget)" 3005 "no event was missed while rules were loaded"
is "$(count live_msgget)" 3005 "nor an alert of a rule that stayed"
[ "$(count live_semctl)" -ge 5 ]
ok $? "events that only the new rules need are collected"

# ---- the host names of UTS namespaces: only where a policy asks for them ----------

# named FILE: its events, without repetition
named() {
	grep -o '"id":[0-9]*,"name":"[a-z_]*","policies"' "$1" | cut -d'"' -f 6 | sort -u | tr '\n' ' '
}
cat >"$work/named.yaml" <<END
apiVersion: tracee.aquasec.com/v1beta1
kind: Policy
metadata: {name: named}
spec:
  scope: [uts=a-host-of-more-than-15-bytes, comm!=sh]
  rules: [{event: msgget}, {event: "sched_process_*"}]
END
start uts record -o "$work/uts.capture" --policy "$work/named.yaml" --output "tracee-json:$work/uts.json"
unshare --uts sh -c "hostname a-host-of-more-than-15-bytes && $workload calls 1" >/dev/null
"$workload" calls 2 >/dev/null
stop uts $sensor
is "$(named "$work/uts.json")" "msgget sched_process_exec sched_process_exit " \
	"a scope with a host name selects all that happens in the namespace"
is "$(grep -c '"name":"msgget","policies"' "$work/uts.json")" 1 "and nothing else"
"$spoor" replay --quiet --policy "$work/named.yaml" --output "tracee-json:$work/named.json" "$work/uts.capture"
cmp -s "$work/uts.json" "$work/named.json"
ok $? "a capture of it has the names, too"

sed 's/scope:.*/scope: [comm=workload]/' "$work/named.yaml" >"$work/changing.yaml"
start reload run --policy "$work/changing.yaml" --output "tracee-json:$work/names.json"
unshare --uts sh -c "hostname a-host-of-more-than-15-bytes && $workload calls 1" >/dev/null
cp "$work/named.yaml" "$work/changing.yaml"
reload 'the old ones stay' 1
grep -q 'start the sensor again with these rules' "$work/reload.err"
ok $? "rules that ask for names later are refused, and say what to do"
unshare --uts sh -c "hostname a-host-of-more-than-15-bytes && $workload calls 1" >/dev/null
stop reload $sensor
is "$(grep -c '"name":"msgget","policies"' "$work/names.json")" 2 "and the old ones go on"

# ---- nobody reads ----------

mkfifo "$work/pipe"
head -n 1 "$work/pipe" >/dev/null &
: >"$work/pipe.err"
"$spoor" run --events msgget --output json >"$work/pipe" 2>"$work/pipe.err" &
piped=$!
sensors="$sensors $piped"
left=300
until grep -q 'stop with Ctrl-C' "$work/pipe.err" || [ $left = 0 ]; do
	sleep 0.1
	left=$((left - 1))
done
left=50
while kill -0 $piped 2>/dev/null && [ $left != 0 ]; do
	"$workload" calls 10 >/dev/null
	sleep 0.1
	left=$((left - 1))
done
[ $left != 0 ]
ok $? "a sensor whose only reader is gone stops"
wait $piped
is $? 1 "and says so by its status"

# ---- every built-in detector ----------

start alerts run --output "json:$work/alerts.json"
"$spoor" trigger all >"$work/trigger.out" 2>&1
is $? 0 "spoor trigger all"
left=10 # within a second
# Building blocks have no severity and make no alert. What takes minutes is not done here.
detectors=$("$spoor" list detectors | awk '
	/ (info|low|medium|high|critical) / && ($3 == "live" || $3 == "partly") { print $1 }')
missing() {
	for detector in $detectors; do
		! grep -q "^$detector  *later " "$work/trigger.out" || continue
		grep -q "\"name\":\"$detector\",\"policies\"" "$work/alerts.json" || echo "$detector"
	done
}
until [ -z "$(missing)" ] || [ $left = 0 ]; do
	sleep 0.1
	left=$((left - 1))
done
is "$(missing)" "" "every built-in detector alerted within a second"
[ -n "$detectors" ]
ok $? "and there are some"
stop alerts $sensor

# ---- what is wrong is said, with the documented status ----------

# refused STATUS TEXT NAME ARGUMENTS...
refused() {
	want=$1 text=$2 name=$3
	shift 3
	timeout 20 "$spoor" "$@" >"$work/refused.out" 2>"$work/refused.err" </dev/null
	is $? "$want" "$name: exit status"
	grep -q -e "$text" "$work/refused.err"
	ok $? "$name: says '$text'"
	grep -q -e "$text" "$work/refused.err" || sed 's/^/# /' "$work/refused.err"
}
printf 'type: detector\nid: X\nproduced_event:\n  name: x\n version: 1\n' >"$work/broken.yaml"
head -c -5 "$work/ipc.capture" >"$work/cut.capture"
refused 2 "did you mean msgsnd" "an unknown event" run --events msgsend
refused 1 "$work/none" "a missing directory" run --detectors "$work/none"
refused 1 "broken.yaml:5:" "broken YAML" run --detectors "$work/broken.yaml"
refused 1 "cut off" "a truncated capture" replay "$work/cut.capture"
refused 1 "no-such-file" "a missing capture" replay "$work/no-such-file"
refused 2 "did you mean --events" "a misspelt option" run --event msgget
refused 2 "did you mean 'spoor replay'" "a misspelt command" repaly
refused 1 "cannot write the capture" "a capture in a missing directory" record -o "$work/none/x"
refused 2 "expected 64K to 2G" "a ring that is too small" run --ring 1
refused 2 "expected 64K to 2G" "a ring that is too large" run --ring 6G
refused 2 "no such format" "an unknown format" run --output jsn
if command -v setpriv >/dev/null; then
	cp "$spoor" "$work/spoor"
	chmod 755 "$work" "$work/spoor"
	setpriv --reuid=65534 --regid=65534 --clear-groups "$work/spoor" run >"$work/user.out" 2>"$work/user.err"
	is $? 3 "no root: exit status"
	grep -q -i -e root -e sudo -e CAP_ "$work/user.err"
	ok $? "no root: says what it needs"
else
	skip "no root" "setpriv is not installed"
fi

done_testing
