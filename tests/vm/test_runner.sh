# SPDX-License-Identifier: Apache-2.0
# tests/vm/run itself: it must tell success, failure, a panic and a hang apart.
. "$TOP/tests/vm/vm.sh"

# run_script NAME: runs the script on standard input; leaves $status, $TMP/out, $TMP/err
run_script() {
	cat >"$TMP/script"
	"$TOP/tests/vm/run" "$kernel" "$TMP/script" "$TMP/given" >"$TMP/out" 2>"$TMP/err"
	status=$?
}
echo given >"$TMP/given"

run_script <<'EOS'
cat /given
id -u
[ -s /sys/kernel/btf/vmlinux ] && echo btf
[ -r /sys/kernel/debug/kprobes/list ] && echo kprobes
[ -r /sys/kernel/tracing/available_events ] && echo tracing
exit 3
EOS
is "$status" 3 "the status is that of the script"
is "$(tr '\n' ' ' <"$TMP/out")" "given 0 btf kprobes tracing " \
	"the script runs as root, on a kernel with BTF, and sees its files"

run_script <<'EOS'
echo before
echo c >/proc/sysrq-trigger
EOS
is "$status" 98 "a panic is noticed"
grep -q 'vm: the kernel panicked' "$TMP/err"
ok $? "and said"
is "$(cat "$TMP/out")" before "what was printed before it is kept"

VM_TIMEOUT=10
export VM_TIMEOUT
run_script <<'EOS'
sleep 1000
EOS
is "$status" 99 "a hang is ended"

done_testing
