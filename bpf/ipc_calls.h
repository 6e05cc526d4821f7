/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a system call to its records (ipc_events.h, task_calls.h): ipc(2), the i386 multiplexer,
 * is turned into the call it stands for, so that nobody hides behind int 0x80; and what a
 * control call is about to change is kept from its entry.
 */
#ifndef SPOOR_BPF_IPC_CALLS_H
#define SPOOR_BPF_IPC_CALLS_H

#include "task_calls.h"

/* ---- ipc(2): all of the above through one door --------------------------------- */

INLINE void exit_ipc(struct call *call)
{
	EVENT_BEGIN(ipc, 0)
	SET(ipc, record, call, (__u32)call->arg[0]);
	SET(ipc, record, first, (__s32)call->arg[1]);
	SET(ipc, record, second, call->arg[2]);
	SET(ipc, record, third, call->arg[3]);
	SET(ipc, record, ptr, call->arg[4]);
	SET(ipc, record, fifth, (__s32)call->arg[5]);
	EVENT_END(ipc)
	record_send(record);
}

/* First argument of ipc(2), low half. */
enum {
	IPC_SEMOP = 1,
	IPC_SEMGET = 2,
	IPC_SEMCTL = 3,
	IPC_SEMTIMEDOP = 4,
	IPC_MSGSND = 11,
	IPC_MSGRCV = 12,
	IPC_MSGGET = 13,
	IPC_MSGCTL = 14,
	IPC_SHMAT = 21,
	IPC_SHMDT = 22,
	IPC_SHMGET = 23,
	IPC_SHMCTL = 24,
};

/* The event of the call an ipc(2) stands for. */
INLINE __u32 ipc_slot(__u64 call)
{
	switch (call & 0xffff) {
	case IPC_SEMOP: return SLOT_semop;
	case IPC_SEMGET: return SLOT_semget;
	case IPC_SEMCTL: return SLOT_semctl;
	case IPC_SEMTIMEDOP: return SLOT_semtimedop;
	case IPC_MSGSND: return SLOT_msgsnd;
	case IPC_MSGRCV: return SLOT_msgrcv;
	case IPC_MSGGET: return SLOT_msgget;
	case IPC_MSGCTL: return SLOT_msgctl;
	case IPC_SHMAT: return SLOT_shmat;
	case IPC_SHMDT: return SLOT_shmdt;
	case IPC_SHMGET: return SLOT_shmget;
	case IPC_SHMCTL: return SLOT_shmctl;
	}
	return SLOT_NONE;
}

INLINE void call_becomes(struct call *call, __u32 slot, __s32 number, __u64 a, __u64 b, __u64 c,
			 __u64 d)
{
	call->slot = slot;
	call->number = number;
	call->arg[0] = a;
	call->arg[1] = b;
	call->arg[2] = c;
	call->arg[3] = d;
}

/* Old form of msgrcv: pointer and type come through memory. */
INLINE void demultiplex_msgrcv(struct call *call, __u32 version)
{
	__u64 first = call->arg[1], size = call->arg[2], flags = call->arg[3];
	__u64 pointer = call->arg[4], type = call->arg[5];
	struct {
		__u32 pointer;
		__s32 type;
	} old;

	if (version == 0 && !bpf_probe_read_user(&old, sizeof(old), (void *)pointer)) {
		pointer = old.pointer;
		type = (__u32)old.type;
		call->user |= 1 << 1 | 1 << 3;
	}
	call_becomes(call, SLOT_msgrcv, NR_msgrcv, first, pointer, size, type);
	call->arg[4] = flags;
}

/* Gives the address where the kernel stored it: the third argument points there. */
INLINE void demultiplex_shmat(struct call *call)
{
	__u64 where = call->arg[3];
	__s32 address;

	call_becomes(call, SLOT_shmat, NR_shmat, call->arg[1], call->arg[4], call->arg[2], 0);
	if (call->ret == 0 && !bpf_probe_read_user(&address, sizeof(address), (void *)where)) {
		call->ret = address;
		call->user |= USER_RET;
	}
}

/* The fourth argument of semctl is what `ptr` points to. */
INLINE void demultiplex_semctl(struct call *call)
{
	__u32 value = 0;

	if (!bpf_probe_read_user(&value, sizeof(value), (void *)call->arg[4]))
		call->user |= 1 << 3;
	call_becomes(call, SLOT_semctl, NR_semctl, call->arg[1], call->arg[2],
		     call->arg[3] & ~IPC_64, value);
}

/* Turns an ipc(2) call into the one it stands for (ipc/syscall.c has the meaning). */
INLINE void demultiplex(struct call *call)
{
	__u32 version = call->arg[0] >> 16;
	__u64 first = call->arg[1], second = call->arg[2], third = call->arg[3];
	__u64 pointer = call->arg[4], fifth = call->arg[5];

	call->user = 0;
	switch (call->arg[0] & 0xffff) {
	case IPC_SEMOP: return call_becomes(call, SLOT_semop, NR_semop, first, pointer, second, 0);
	case IPC_SEMTIMEDOP:
		call->old_time = true;
		return call_becomes(call, SLOT_semtimedop, NR_semtimedop, first, pointer, second,
				    fifth);
	case IPC_SEMGET: return call_becomes(call, SLOT_semget, NR_semget, first, second, third, 0);
	case IPC_SEMCTL: return demultiplex_semctl(call);
	case IPC_MSGSND:
		return call_becomes(call, SLOT_msgsnd, NR_msgsnd, first, pointer, second, third);
	case IPC_MSGRCV: return demultiplex_msgrcv(call, version);
	case IPC_MSGGET: return call_becomes(call, SLOT_msgget, NR_msgget, first, second, 0, 0);
	case IPC_MSGCTL:
		return call_becomes(call, SLOT_msgctl, NR_msgctl, first, second & ~IPC_64, pointer,
				    0);
	case IPC_SHMAT:
		if (version == 1) /* refused by the kernel */
			break;
		return demultiplex_shmat(call);
	case IPC_SHMDT: return call_becomes(call, SLOT_shmdt, NR_shmdt, pointer, 0, 0, 0);
	case IPC_SHMGET: return call_becomes(call, SLOT_shmget, NR_shmget, first, second, third, 0);
	case IPC_SHMCTL:
		return call_becomes(call, SLOT_shmctl, NR_shmctl, first, second & ~IPC_64, pointer,
				    0);
	}
	call->slot = SLOT_NONE;
}

/* ---- return -------------------------------------------------------------------- */

INLINE void call_exit(struct call *call)
{
	if (call->slot == SLOT_ipc) {
		call->number = -1;
		exit_ipc(call);
		demultiplex(call);
	}
	switch (call->slot) {
	case SLOT_msgget: call->number = NR_msgget; return exit_msgget(call);
	case SLOT_msgsnd: call->number = NR_msgsnd; return exit_msgsnd(call);
	case SLOT_msgrcv: call->number = NR_msgrcv; return exit_msgrcv(call);
	case SLOT_msgctl: call->number = NR_msgctl; return exit_msgctl(call);
	case SLOT_shmget: call->number = NR_shmget; return exit_shmget(call);
	case SLOT_shmat: call->number = NR_shmat; return exit_shmat(call);
	case SLOT_shmdt: call->number = NR_shmdt; return exit_shmdt(call);
	case SLOT_shmctl: call->number = NR_shmctl; return exit_shmctl(call);
	case SLOT_semget: call->number = NR_semget; return exit_semget(call);
	case SLOT_semop: call->number = NR_semop; return exit_semop(call);
	case SLOT_semctl: call->number = NR_semctl; return exit_semctl(call);
	case SLOT_semtimedop: call->number = NR_semtimedop; return exit_semtimedop(call);
	case SLOT_unshare: call->number = NR_unshare; return exit_unshare(call);
	case SLOT_setns: call->number = NR_setns; return exit_setns(call);
	case SLOT_sched_setaffinity:
		call->number = NR_sched_setaffinity;
		return exit_sched_setaffinity(call);
	case SLOT_shm_protect: call->number = NR_shm_protect; return exit_shm_protect(call);
	case SLOT_proc_open: call->number = NR_proc_open; return exit_proc_open(call);
	}
}

/* ---- entry: what the call is about to change ----------------------------------- */

/* STAT commands take an index, INFO commands no object at all. */
INLINE void entry_object(struct call *call, struct thread_state *state, enum object_kind kind,
			 __s32 id, __u32 command, __u32 stat, __u32 stat_any, __u32 info)
{
	if (command == COMMAND_INFO || command == info)
		return;
	object_read(&state->object, call->task, kind, id, command == stat || command == stat_any);
	if (state->object.found)
		state->have |= HAVE_OBJECT;
}

enum {
	MSG_STAT_INDEX = 11,
	MSG_INFO_ALL = 12,
	MSG_STAT_ANY_INDEX = 13,
	SHM_STAT_INDEX = 13,
	SHM_INFO_ALL = 14,
	SHM_STAT_ANY_INDEX = 15,
	SEM_STAT_INDEX = 18,
	SEM_INFO_ALL = 19,
	SEM_STAT_ANY_INDEX = 20,
};

INLINE void entry_shmdt(struct call *call, struct thread_state *state, __u64 address)
{
	__s32 id = segment_at(call->task, address);

	if (id < 0)
		return;
	object_read(&state->object, call->task, OBJECT_SHM, id, false);
	if (state->object.found)
		state->have |= HAVE_OBJECT;
}

/* Arguments of the control call hidden in an ipc(2); no user memory is read. */
INLINE void demultiplex_entry(struct call *call)
{
	__u64 first = call->arg[1], second = call->arg[2], third = call->arg[3];
	__u64 pointer = call->arg[4];

	switch (call->arg[0] & 0xffff) {
	case IPC_MSGCTL: return call_becomes(call, SLOT_msgctl, 0, first, second & ~IPC_64, 0, 0);
	case IPC_SHMCTL: return call_becomes(call, SLOT_shmctl, 0, first, second & ~IPC_64, 0, 0);
	case IPC_SEMCTL:
		return call_becomes(call, SLOT_semctl, 0, first, second, third & ~IPC_64, 0);
	case IPC_SHMDT: return call_becomes(call, SLOT_shmdt, 0, pointer, 0, 0, 0);
	}
	call->slot = SLOT_NONE;
}

INLINE void call_enter(struct call *call, struct thread_state *state)
{
	state->have = 0;
	if (call->slot == SLOT_ipc)
		demultiplex_entry(call);
	switch (call->slot) {
	case SLOT_msgctl:
		return entry_object(call, state, OBJECT_MSG, call->arg[0], call->arg[1],
				    MSG_STAT_INDEX, MSG_STAT_ANY_INDEX, MSG_INFO_ALL);
	case SLOT_shmctl:
		return entry_object(call, state, OBJECT_SHM, call->arg[0], call->arg[1],
				    SHM_STAT_INDEX, SHM_STAT_ANY_INDEX, SHM_INFO_ALL);
	case SLOT_semctl:
		return entry_object(call, state, OBJECT_SEM, call->arg[0], call->arg[2],
				    SEM_STAT_INDEX, SEM_STAT_ANY_INDEX, SEM_INFO_ALL);
	case SLOT_shmdt: return entry_shmdt(call, state, call->arg[0]);
	}
}

#endif
