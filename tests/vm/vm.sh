# SPDX-License-Identifier: Apache-2.0
# For the scripts that need a virtual machine: `. "$TOP/tests/vm/vm.sh"` sets `kernel`, or ends the
# program: skipped, with the reason, on somebody's machine without qemu or network, failed in CI.
. "$TOP/tests/tap.sh"

vm_missing() {
	[ "${CI:-}" = true ] || skip_all "$1"
	ok 1 "a virtual machine can be had: $1"
	done_testing
	exit 1
}

for program in qemu-system-x86_64 busybox cpio; do
	command -v $program >/dev/null || vm_missing "$program is not installed: make setup"
done
kernel=$("$TOP/tests/vm/kernel" 2>"$TMP/kernel-error") || vm_missing "$(cat "$TMP/kernel-error")"
