# SPDX-License-Identifier: Apache-2.0
# A locked-down kernel: with lockdown=integrity (what Secure Boot brings) the sensor works, with
# lockdown=confidentiality it cannot and says so.
. "$TOP/tests/vm/vm.sh"

# boot LEVEL: runs the script on standard input on a kernel locked down that far
boot() {
	cat >"$TMP/script"
	VM_APPEND="lsm=lockdown,yama,bpf lockdown=$1" "$TOP/tests/vm/run" "$kernel" \
		"$TMP/script" "$B/spoor-static=/spoor" >"$TMP/out" 2>"$TMP/err"
	is $? 0 "$1: the script ran"
	sed 's/^/# /' "$TMP/out" "$TMP/err"
}

# said TEXT NAME
said() {
	grep -q -e "$1" "$TMP/out"
	ok $? "$2"
}

boot confidentiality <<'EOS'
cat /sys/kernel/security/lockdown
/spoor run --duration 5
echo "status $?"
/spoor doctor | grep -A 1 lockdown
EOS
said '\[confidentiality\]' "confidentiality: the kernel is locked down"
said '^status 3$' "confidentiality: the exit status says that the host lacks something"
said '^    hint: ' "confidentiality: there is advice"
said 'lockdown .*MISSING' "confidentiality: doctor says why"
said 'boot with' "confidentiality: and what to do"

boot integrity <<'EOS'
cat /sys/kernel/security/lockdown
/spoor run --duration 20 >/tmp/alerts 2>/tmp/said &
sensor=$!
left=300
until grep -q watching /tmp/said || [ $left = 0 ]; do
	sleep 0.1
	left=$((left - 1))
done
/spoor trigger ipc_private_excl
sleep 1
kill -TERM $sensor
wait $sensor
echo "status $?"
cat /tmp/alerts /tmp/said
EOS
said '\[integrity\]' "integrity: the kernel is locked down"
said '^status 0$' "integrity: the sensor ran"
said "ipc_private_excl *\*\*\* LOW" "integrity: and alerted"

done_testing
