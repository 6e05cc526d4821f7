# SPDX-License-Identifier: Apache-2.0
# Runs as root in the virtual machine (test_hooks.sh). The same program, in an IPC namespace of its
# own so that object ids are the same, is watched four times, each time through another kind of
# hook. Tracee's fields must be equal from all four. Our own extra fields come from the
# kernel's objects, which only function hooks reach: they must be equal within each pair.
TOP=
. /tests/tap.sh

events=msgget,msgsnd,msgrcv,msgctl,shmget,shmat,shmdt,shmctl,semget,semop,semctl,semtimedop,ipc
events=$events,sched_process_fork,sched_process_exec,sched_process_exit
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
		grep -q "\"name\":\"$event\"" "/tmp/$1.tracee" || echo "# no $event"
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

done_testing
