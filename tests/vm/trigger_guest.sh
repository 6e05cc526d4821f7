# SPDX-License-Identifier: Apache-2.0
# Runs as root in the virtual machine (test_trigger.sh): all triggers under the sensor, once for
# each kind of hook that reaches the kernel's objects.
TOP=
. /tests/tap.sh

# Building blocks have no severity and make no alert.
/spoor list detectors | awk '/^ipc_/ && / (info|low|medium|high|critical) / { print $1 }' >/tmp/all

# wait_for COMMAND...: as long as that fails, for a minute at most
wait_for() {
	left=600
	until "$@" || ! kill -0 $sensor 2>/dev/null || [ $left = 0 ]; do
		sleep 0.1
		left=$((left - 1))
	done
}

watching() {
	grep -q watching /tmp/err
}

# Those of /tmp/wanted that have not alerted, in /tmp/missing.
all_there() {
	sed -n 's/^{"timestamp":"[^"]*","id":[0-9]*,"name":"\([a-z0-9_]*\)".*/\1/p' /tmp/alerts |
		sort -u | grep -v -x -F -f - /tmp/wanted >/tmp/missing
	[ ! -s /tmp/missing ]
}

for kind in kprobe fentry; do
	: >/tmp/err
	/spoor run --hook $kind --events detectors,cred_change --output "json:/tmp/alerts" >/tmp/out 2>/tmp/err &
	sensor=$!
	wait_for watching
	/spoor doctor cred_change --hook $kind | grep -q "$kind  *commit_creds .*first kind"
	ok $? "$kind: doctor has commit_creds"
	/spoor trigger all >/tmp/triggers 2>&1
	is $? 0 "$kind: spoor trigger all"
	grep '^ipc_' /tmp/triggers | sed 's/^/# /'
	# What takes minutes is said to be left out.
	sed -n 's/^\([a-z0-9_]*\)  *later .*/\1/p' /tmp/triggers >/tmp/later
	grep -v -x -F -f /tmp/later /tmp/all >/tmp/wanted
	wait_for all_there
	is "$(cat /tmp/missing)" "" "$kind: each of $(grep -c . /tmp/wanted) detectors alerted"
	# A process that was nobody's is given the credentials of root.
	grep '"name":"ipc_root_after_spray"' /tmp/alerts | grep '"how","str":"credentials"' |
		grep -q '"syscall","str":"setresuid"'
	ok $? "$kind: IPC-05 saw the credentials change"
	change='"old_uid","u_int32":65534.*"new_uid","u_int32":0.*"new_cap_effective","u_int64":"[1-9]'
	grep '"name":"cred_change"' /tmp/alerts | grep "$change" | grep '"exec","bool":false' |
		grep -q "\"hook\":\"$kind\""
	ok $? "$kind: cred_change has both sides"
	kill -INT $sensor
	wait $sensor
	is $? 0 "$kind: the sensor ran and stopped"
	sed 's/^/# /' /tmp/err
done
[ "$(grep -c . /tmp/wanted)" -gt 30 ]
ok $? "and these are all that are built in"
is "$(cat /tmp/later)" ipc_orphan_reattach "but one, which takes ten minutes"

done_testing
