#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes include/syscalls.def from Tracee's event facts (events.json):
#	contrib/make-syscalls.sh /work/shared/tracee/events.json > include/syscalls.def
# Needs jq. The result is committed: the build does not run this. Calls younger than those
# facts are listed here, from the kernel's system call table.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 EVENTS.json" >&2; exit 2; }

cat <<'HEAD'
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls, made by contrib/make-syscalls.sh: change that, not this.
 *
 * SYSCALL_NAME(x86-64 number, i386 number, name, Tracee's printed event id)
 *	Rows are sorted by x86-64 number; -1: the architecture lacks it. Id 0: Tracee has no event.
 */
HEAD
{
	jq -r '.[] | select(.syscall and .internal_id < 700)
		| [if (.sets | index("32bit_unique")) then -1 else .internal_id end,
		   (.sys32_id // -1), .name, .proto_id] | @tsv' "$1"
	while read -r number name; do
		printf '%s\t%s\t%s\t0\n' "$number" "$number" "$name"
	done <<-'YOUNGER'
		449 futex_waitv
		450 set_mempolicy_home_node
		451 cachestat
		452 fchmodat2
		454 futex_wake
		455 futex_wait
		456 futex_requeue
		457 statmount
		458 listmount
		459 lsm_get_self_attr
		460 lsm_set_self_attr
		461 lsm_list_modules
		462 mseal
		463 setxattrat
		464 getxattrat
		465 listxattrat
		466 removexattrat
		467 open_tree_attr
		468 file_getattr
		469 file_setattr
	YOUNGER
	printf '335\t-1\turetprobe\t0\n336\t-1\tuprobe\t0\n453\t-1\tmap_shadow_stack\t0\n'
} | sort -t '	' -k1,1n -k2,2n -k3,3 |
	awk -F '\t' '{ printf "SYSCALL_NAME(%d, %d, %s, %d)\n", $1, $2, $3, $4 }'
