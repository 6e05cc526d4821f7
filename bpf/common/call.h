/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A system call at its return (or entry), the same however we were hooked: the
 * arguments are in the registers the entry code saved, which stay as they were until
 * the call is over. 32-bit calls use other registers and other numbers.
 */
#ifndef SPOOR_BPF_CALL_H
#define SPOOR_BPF_CALL_H

#include "common/record.h"
#include "common/thread.h"

struct call {
	struct task_struct *task;
	__u64 arg[6];
	__s64 ret;
	__u32 slot;
	__u32 flags;  /* of the record */
	__s32 number; /* x86-64 number for the header; -1: there is none */
	__u32 user;   /* bit i: arg[i] came from user memory; bit 7: ret did */
	bool compat;
	bool raw;	  /* we are on sys_enter or sys_exit */
	bool old_time;	  /* timeouts are 2 x 32 bits */
	bool kernel_copy; /* functions inside the call are hooked too */
};

enum { USER_RET = 1 << 7 };

INLINE void call_arguments(struct call *call, const struct pt_regs *regs)
{
	if (call->compat) {
		call->arg[0] = (__u32)regs->bx;
		call->arg[1] = (__u32)regs->cx;
		call->arg[2] = (__u32)regs->dx;
		call->arg[3] = (__u32)regs->si;
		call->arg[4] = (__u32)regs->di;
		call->arg[5] = (__u32)regs->bp;
	} else {
		call->arg[0] = regs->di;
		call->arg[1] = regs->si;
		call->arg[2] = regs->dx;
		call->arg[3] = regs->r10;
		call->arg[4] = regs->r8;
		call->arg[5] = regs->r9;
	}
}

enum { X32_BIT = 0x40000000 };

/* The event of the call that the registers name; SLOT_NONE if it is none of ours. */
INLINE __u32 call_slot(struct task_struct *task, const struct pt_regs *regs)
{
	__u32 number = regs->orig_ax;
	bool compat = task_in_compat(task);

	if (!compat)
		number &= ~X32_BIT;
	if (number >= SYSCALL_NUMBERS)
		return SLOT_NONE;
	return compat ? settings.syscall32_slot[number] : settings.syscall_slot[number];
}

/* The call the task is in, by its saved registers; false if it is none of ours. */
INLINE bool call_begin(struct call *call, struct task_struct *task, const struct pt_regs *regs,
		       __s64 ret, enum hook_mode mode)
{
	if (is_sensor(task))
		return false;
	call->task = task;
	call->compat = task_in_compat(task);
	call->slot = call_slot(task, regs);
	if (call->slot == SLOT_NONE || settings.mode[call->slot & 63] != mode)
		return false;
	call->flags = mode << WIRE_HOOK_SHIFT | (call->compat ? WIRE_COMPAT : 0);
	call->ret = call->compat ? (__s32)ret : ret;
	call->raw = mode == HOOK_RAW;
	call->user = 0;
	call->old_time = false;
	call->kernel_copy = mode == HOOK_FENTRY || mode == HOOK_KPROBE;
	call_arguments(call, regs);
	return true;
}

#endif
