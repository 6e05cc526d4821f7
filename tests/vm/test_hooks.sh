# SPDX-License-Identifier: Apache-2.0
# Every kind of hook gives the same events, on Debian's kernel: see hooks_guest.sh, which runs in
# the machine.
. "$TOP/tests/vm/vm.sh"

"$TOP/tests/vm/run" "$kernel" "$TOP/tests/vm/hooks_guest.sh" "$B/spoor-static=/spoor" \
	"$B/tests/live/workload" "$TOP/tests/vm/same.sed" "$TOP/tests/tap.sh=/tests/tap.sh"
