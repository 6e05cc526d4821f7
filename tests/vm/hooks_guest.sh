# SPDX-License-Identifier: Apache-2.0
# Runs as root in the virtual machine (test_hooks.sh). The same program, in an IPC namespace of its
# own so that object ids are the same, is watched four times, each time through another kind of
# hook. Tracee's fields must be equal from all four. Our own extra fields come from the
# kernel's objects, which only function hooks reach: they must be equal within each pair.
TOP=
. /tests/tap.sh

events=msgget,msgsnd,msgrcv,msgctl,shmget,shmat,shmdt,shmctl,semget,semop,semctl,semtimedop,ipc
events=$events,sched_process_fork,sched_process_exec,sched_process_exit
events=$events,unshare,setns,sched_setaffinity,shm_protect,proc_open
# No surprises from where the loader puts things: the addresses are arguments.
echo 0 >/proc/sys/kernel/randomize_va_space

# The workload's events, sorted (it forks, and who is first is nobody's fault), then a value a
# line, for a readable difference.
comparable() {
	grep '"name":"workload"' "$1" | sed -E -f /same.sed | sort | sed 's/,/,\n/g'
}

# watch KIND: leaves KIND.tracee and KIND.own, comparable
watch() {
	: >/tmp/err
	/spoor run --hook "$1" --events $events --output "tracee-json:/tmp/$1.t" \
		--output "json:/tmp/$1.j" >/tmp/out 2>>/tmp/err &
	sensor=$!
	left=600
	until grep -q watching /tmp/err || ! kill -0 $sensor 2>/dev/null || [ $left = 0 ]; do
		sleep 0.1
		left=$((left - 1))
	done
	cp /sys/kernel/debug/kprobes/list "/tmp/$1.kprobes"
	unshare -i /workload all >/tmp/workload 2>&1
	ok $? "$1: the program ran"
	kill -INT $sensor 2>/dev/null
	wait $sensor
	is $? 0 "$1: the sensor ran and stopped"
	sed 's/^/# /' /tmp/err
	comparable "/tmp/$1.t" >"/tmp/$1.tracee"
	comparable "/tmp/$1.j" >"/tmp/$1.own"
	# Nothing compared with nothing would be equal.
	for event in $(echo $events | tr , ' '); do
		grep -q "\"name\":\"$event\"" "/tmp/$1.own" || echo "# no $event"
	done >/tmp/absent
	[ ! -s /tmp/absent ]
	ok $? "$1: every call was seen"
	cat /tmp/absent
}

for kind in kprobe fentry tracepoint raw; do
	watch $kind
done
for kind in fentry tracepoint raw; do
	same /tmp/$kind.tracee /tmp/kprobe.tracee "$kind gives the events that kprobe gives"
done
same /tmp/fentry.own /tmp/kprobe.own "fentry sees of the kernel's objects what kprobe sees"
same /tmp/raw.own /tmp/tracepoint.own "raw sees of user memory what tracepoint sees"
# Where a value was read from differs between the pairs; the values do not.
for kind in kprobe raw; do
	awk '/^"origin":/ { skip = 1 } !skip { sub(/^"hook":0[,}]/, "\"hook\":0"); print } /\]\}\}?$/ { skip = 0 }' \
		"/tmp/$kind.own" >"/tmp/$kind.values"
done
same /tmp/raw.values /tmp/kprobe.values "from the caller's memory come the values the kernel used"

# The pairs differ as they should: objects and sizes here, only the caller's memory there.
grep -q '"name":"perm_key"' /tmp/kprobe.own && grep -q '"name":"msg_size"' /tmp/kprobe.own
ok $? "kprobe gives the kernel's own objects and sizes"
grep -q '"origin":{"user":\["msg_type"' /tmp/raw.own
ok $? "raw says that a message's type is from the caller's memory"

for symbol in __x64_sys_msgget do_msgsnd; do
	grep -q -w "$symbol" /tmp/kprobe.kprobes
	ok $? "the kernel lists a probe on $symbol with --hook kprobe"
done
grep -w -e __x64_sys_msgget -e do_msgsnd /tmp/kprobe.kprobes | sed 's/^/# /'
/spoor doctor --hook kprobe >/tmp/doctor
for hook in 'kprobe __x64_sys_msgget' 'kretprobe __x64_sys_msgget' 'kprobe do_msgsnd'; do
	grep -q -w "$hook" /tmp/doctor
	ok $? "doctor's plan for --hook kprobe has $hook"
done
is "$(grep -c . /tmp/fentry.kprobes)" 0 "and none with --hook fentry"
is "$(grep -c . /sys/kernel/debug/kprobes/list)" 0 "and none when the sensor is gone"

# Rules loaded again: hooks come and go, and the calls whose hooks stay are all seen.
rule() {
	echo "{type: detector, id: VM-$1, produced_event: {name: vm_$1, version: 1.0.0}," \
		"requirements: {events: [{name: $1}]}," \
		"conditions: ['workload.process.thread.name == \"workload\"']}" >/tmp/rules/$1.yaml
}
# reload COUNT: until that many detectors are loaded
reload() {
	kill -HUP $sensor
	left=600
	until tail -n 1 /tmp/err | grep -q "loaded $1 detectors" || [ $left = 0 ]; do
		sleep 0.1
		left=$((left - 1))
	done
}
reloaded() {
	grep '"name":"workload"' /tmp/reload.t | grep -c "\"name\":\"$1\",\"policies\""
}
mkdir /tmp/rules
for kind in kprobe fentry; do
	rm -f /tmp/rules/* /tmp/reload.t
	rule msgget
	: >/tmp/err
	/spoor run --hook $kind --detectors /tmp/rules --events msgget,detectors \
		--output tracee-json:/tmp/reload.t >/tmp/out 2>>/tmp/err &
	sensor=$!
	left=600
	until grep -q watching /tmp/err || ! kill -0 $sensor 2>/dev/null || [ $left = 0 ]; do
		sleep 0.1
		left=$((left - 1))
	done
	/workload calls 1000 >/dev/null &
	busy=$!
	rule msgctl # wants its entry as well
	rule semop # and this a function inside the call
	reload 3
	/workload calls 2 >/dev/null
	cp /sys/kernel/debug/kprobes/list /tmp/more.kprobes
	rm /tmp/rules/semop.yaml
	reload 2
	cp /sys/kernel/debug/kprobes/list /tmp/fewer.kprobes
	rule semop
	reload 3
	wait $busy
	/workload calls 2 >/dev/null
	kill -INT $sensor
	wait $sensor
	is $? 0 "$kind: loaded rules again and stopped"
	is "$(reloaded msgget)" 1004 "$kind: no call was missed while rules were loaded"
	[ "$(reloaded vm_msgctl)" -ge 4 ] && [ "$(reloaded vm_semop)" -ge 4 ]
	ok $? "$kind: calls that only the new rules need are seen"
	sed 's/^/# /' /tmp/err
	[ $kind = kprobe ] || continue
	grep -q -w __x64_sys_semop /tmp/more.kprobes &&
		! grep -q -w __x64_sys_semop /tmp/fewer.kprobes
	ok $? "a probe nobody needs any more is gone"
done

# ---- more sleepers than the kernel has return probes for -------------------------------------

: >/tmp/err
/spoor run --hook kprobe --events msgrcv,events_lost --output tracee-json:/tmp/sleepers.json \
	>/tmp/out 2>/tmp/err &
sensor=$!
left=600
until grep -q watching /tmp/err || ! kill -0 $sensor 2>/dev/null || [ $left = 0 ]; do
	sleep 0.1
	left=$((left - 1))
done
/workload sleepers 60 >/tmp/workload 2>&1
ok $? "60 receivers slept at once"
kill -INT $sensor
wait $sensor
sed "s/^/# /" /tmp/err
seen=$(grep -c '"name":"msgrcv","policies"' /tmp/sleepers.json)
lost=$(sed -n 's/.*"name":"lost","u_int64":"\([0-9]*\)".*"kretprobe_missed".*/\1/p' \
	/tmp/sleepers.json | awk '{ sum += $1 } END { print sum + 0 }')
echo "# $seen seen, $lost lost"
is $((seen + lost)) 60 "kprobe: returns that found no probe are counted, each"

done_testing
