# SPDX-License-Identifier: Apache-2.0
# Every detector of System V IPC alerts on Debian's kernel by kprobes and by fentry: see
# trigger_guest.sh, which runs in the machine.
. "$TOP/tests/vm/vm.sh"

"$TOP/tests/vm/run" "$kernel" "$TOP/tests/vm/trigger_guest.sh" "$B/spoor-static=/spoor" \
	"$B/tests/vm/ipcrm=/usr/bin/ipcrm" "$TOP/tests/tap.sh=/tests/tap.sh"
