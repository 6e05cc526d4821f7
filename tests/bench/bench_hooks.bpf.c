// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Floors for bench_hooks: the least a raw hook costs, and the least a record of 256
 * bytes costs on top of it. They do nothing else.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { RECORD_BYTES = 256 };

/* The number of the call the record is for; the rest of the machine stays out. */
int traced_syscall = -1;
__u64 reserved_failed = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} ring SEC(".maps");

SEC("tp_btf/sys_exit")
int BPF_PROG(empty_exit, struct pt_regs *regs, long ret)
{
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(empty_enter, struct pt_regs *regs, long number)
{
	return 0;
}

static __always_inline int record_write(struct pt_regs *regs, long value, bool stamped)
{
	__u64 *record;

	if (regs->orig_ax != (unsigned long)traced_syscall)
		return 0;
	record = bpf_ringbuf_reserve(&ring, RECORD_BYTES, 0);
	if (!record) {
		__sync_fetch_and_add(&reserved_failed, 1);
		return 0;
	}
	if (stamped)
		value = bpf_ktime_get_boot_ns();
	for (int i = 0; i < RECORD_BYTES / 8; i++)
		record[i] = value;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(record_exit, struct pt_regs *regs, long ret)
{
	return record_write(regs, ret, false);
}

/* The same with the one thing every record needs: when. */
SEC("tp_btf/sys_exit")
int BPF_PROG(stamped_exit, struct pt_regs *regs, long ret)
{
	return record_write(regs, ret, true);
}
