# SPDX-License-Identifier: Apache-2.0
# Runs as root in the virtual machine (test_exec.sh).
TOP=
. /tests/tap.sh

spoor=/spoor
launch=/launch
dynamic=/dynamic
loader=/lib64/ld-linux-x86-64.so.2
work=/tmp/work
# The kernel does not say which thread is the last (see is_last_thread in bpf/process.bpf.c).
many_last=1
mkdir "$work"

. /tests/exec.sh
exec_test
[ ! -e /overlay.ko ] || insmod /overlay.ko
overlay_test

# ---- the kernel itself starts programs, here to take a core dump ----------

watch helper
echo '|/launch nothing case-helper' >/proc/sys/kernel/core_pattern
"$run" killed killed-11 11 >/dev/null
ok $? "a program was killed"
unwatch
exec_of case-helper
has "a program that the kernel started" '{"name":"invoked_from_kernel","bool":true}' \
	"$(text cmdpath /launch)" '{"name":"prev_comm","str":"kworker/'

done_testing
