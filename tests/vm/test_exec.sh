# SPDX-License-Identifier: Apache-2.0
# Programs that start and end, on Debian's kernel: see exec_guest.sh, which runs in the machine, and
# tests/live/exec.sh.
. "$TOP/tests/vm/vm.sh"

loader=/lib64/ld-linux-x86-64.so.2
module=$(dirname "$kernel")/overlay.ko
[ -e "$module" ] || module=
libc=/lib/x86_64-linux-gnu/libc.so.6
"$TOP/tests/vm/run" "$kernel" "$TOP/tests/vm/exec_guest.sh" "$B/spoor-static=/spoor" \
	"$B/tests/live/launch" /bin/true=/dynamic "$loader=$loader" "$libc=$libc" \
	${module:+"$module"} "$TOP/tests/tap.sh=/tests/tap.sh" "$TOP/tests/live/exec.sh=/tests/exec.sh"
