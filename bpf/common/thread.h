/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What we remember of a thread between the entry of a call (or a function inside it)
 * and its return. Task storage: it follows the thread wherever it is scheduled and
 * dies with it. Only events that need something from before the return use it.
 */
#ifndef SPOOR_BPF_THREAD_H
#define SPOOR_BPF_THREAD_H

#include "common/object.h"

enum { SEMBUF_MAX = 16 };

/* thread_state.have */
enum {
	HAVE_OBJECT = 1 << 0, /* object: as it was at entry */
	HAVE_TYPE = 1 << 1,   /* message_type: the kernel's copy */
	HAVE_OPS = 1 << 2,    /* operations: the kernel's copy */
	HAVE_COMM = 1 << 3,   /* previous_comm: the thread's name before execve */
};

/* kprobe mode: slots of the call whose return we wait for, and of what an ipc(2) stands for. */
struct pending {
	__u32 call, other;
};

struct thread_state {
	struct pending pending[PENDING_MAX]; /* by object */
	__u32 have;
	__s64 message_type;
	struct ipc_object object;
	struct sembuf operations[SEMBUF_MAX];
	char previous_comm[WIRE_COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread_state);
} threads SEC(".maps");

INLINE struct thread_state *thread_get(struct task_struct *task)
{
	return bpf_task_storage_get(&threads, task, NULL, 0);
}

INLINE struct thread_state *thread_make(struct task_struct *task)
{
	return bpf_task_storage_get(&threads, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

#endif
