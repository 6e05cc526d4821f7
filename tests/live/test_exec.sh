# SPDX-License-Identifier: Apache-2.0
# Programs that start and end, on this kernel: see exec.sh.
. "$TOP/tests/tap.sh"

[ "$(id -u)" = 0 ] || skip_all "watching the kernel wants root"
[ -r /sys/kernel/btf/vmlinux ] || skip_all "this kernel has no BTF"

work=$(readlink -f "$(mktemp -d /tmp/XXXXXX)")
sensor=
trap '[ -z "$sensor" ] || kill $sensor 2>/dev/null; rm -rf "$work"' EXIT
spoor=$B/spoor
launch=$B/tests/live/launch
dynamic=$(readlink -f /bin/true)
loader=$(readlink -f /lib64/ld-linux-x86-64.so.2)

. "$TOP/tests/live/exec.sh"
exec_test

overlay_test

done_testing
