/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's System V objects, read where they are: the ids table of the caller's
 * ipc namespace is an xarray from index to object. We hold no lock; what we read is
 * checked (the object's own id must be the one asked for), never trusted.
 */
#ifndef SPOOR_BPF_OBJECT_H
#define SPOOR_BPF_OBJECT_H

#include "common/kernel.h"

/* Declares one that is not there yet. Its fields are not cleared: 80 bytes for nothing. */
#define OBJECT(name) \
	struct ipc_object name; \
	name.found = 0

/* Index into ipc_namespace.ids. */
enum object_kind { OBJECT_SEM, OBJECT_MSG, OBJECT_SHM };

struct ipc_object {
	__u32 found;
	__s32 key, id;
	__u32 seq, uid, gid, cuid, cgid, mode;
	__s32 creator, last; /* shm: process ids */
	__u32 sems;
	__u64 first, second, third; /* msg: qnum cbytes qbytes; shm: segsz nattch */
};

enum {
	INDEX_MASK = 0x7fff,		/* low bits of an id: its index */
	INDEX_MASK_EXTENDED = 0xffffff, /* booted with ipcmni_extend */
	XARRAY_LEVELS = 4,		/* 6 bits each cover 24 */
};

/* Slot `index` of the tree below `head`; 0 if there is none. */
INLINE __u64 xarray_at(__u64 head, __u32 index)
{
	__u64 entry = head;

	if ((entry & 3) != 2) /* no node: the only entry, at index 0 */
		return index == 0 ? entry : 0;
	for (int level = 0; level < XARRAY_LEVELS; level++) {
		__u64 node = entry - 2;
		__u32 shift = LOAD(struct xa_node, node, shift) & 31;

		if (level == 0 && index >> shift > 63)
			return 0;
		node += ((index >> shift) & 63) * sizeof(void *);
		entry = (__u64)LOAD(struct xa_node, node, slots[0]);
		if ((entry & 3) != 2 || shift == 0)
			break;
	}
	return entry & 3 ? 0 : entry;
}

/* Works on a typed pointer and on a copy alike. */
INLINE void permission_take(struct ipc_object *object, const struct kern_ipc_perm *permission)
{
	object->key = permission->key;
	object->id = permission->id;
	object->seq = permission->seq;
	object->uid = permission->uid.val;
	object->gid = permission->gid.val;
	object->cuid = permission->cuid.val;
	object->cgid = permission->cgid.val;
	object->mode = permission->mode;
}

INLINE void permission_read(struct ipc_object *object, __u64 address)
{
	__u64 copy[14] = {};

	if (has_rdonly_cast) {
		permission_take(object,
				bpf_rdonly_cast((void *)address,
						bpf_core_type_id_kernel(struct kern_ipc_perm)));
		return;
	}
	bpf_probe_read_kernel(copy, sizeof(copy), (void *)address);
	permission_take(object, (const struct kern_ipc_perm *)copy);
}

/* A process id as the init namespace has it. */
INLINE __s32 pid_number(struct pid *pid)
{
	__u64 upid = (__u64)pid;

	if (!upid)
		return 0;
	return LOAD(struct upid, upid + bpf_core_field_offset(struct pid, numbers), nr);
}

INLINE void object_sizes(struct ipc_object *object, enum object_kind kind, __u64 address)
{
	if (kind == OBJECT_MSG) {
		object->first = LOAD(struct msg_queue, address, q_qnum);
		object->second = LOAD(struct msg_queue, address, q_cbytes);
		object->third = LOAD(struct msg_queue, address, q_qbytes);
	} else if (kind == OBJECT_SHM) {
		object->first = LOAD(struct shmid_kernel, address, shm_segsz);
		object->second = LOAD(struct shmid_kernel, address, shm_nattch);
		object->creator = pid_number(LOAD(struct shmid_kernel, address, shm_cprid));
		object->last = pid_number(LOAD(struct shmid_kernel, address, shm_lprid));
	} else {
		object->sems = LOAD(struct sem_array, address, sem_nsems);
	}
}

INLINE bool object_try(struct ipc_object *object, enum object_kind kind, __u64 head, __s32 id,
		       __u32 index, bool any)
{
	__u64 address = xarray_at(head, index);

	if (!address)
		return false;
	permission_read(object, address);
	if (!any && object->id != id)
		return false;
	object_sizes(object, kind, address);
	object->found = 1;
	return true;
}

/*
 * The tree of a kind of objects. Constant indices: the size of an element differs between
 * kernels, and only an access that is constant in the source is relocated.
 */
INLINE __u64 object_tree(struct ipc_namespace *namespace, enum object_kind kind)
{
	switch (kind) {
	case OBJECT_SEM: return (__u64) namespace->ids[0].ipcs_idr.idr_rt.xa_head;
	case OBJECT_MSG: return (__u64) namespace->ids[1].ipcs_idr.idr_rt.xa_head;
	case OBJECT_SHM: return (__u64) namespace->ids[2].ipcs_idr.idr_rt.xa_head;
	}
	return 0;
}

/*
 * Reads the object `id` of the task's ipc namespace. any: id is an index, as the STAT
 * commands take it, and whatever sits there is meant.
 */
INLINE void object_read(struct ipc_object *object, struct task_struct *task, enum object_kind kind,
			__s32 id, bool any)
{
	struct nsproxy *nsproxy = task->nsproxy;
	__u64 head;

	object->found = 0;
	if (id < 0 || !nsproxy)
		return;
	head = object_tree(nsproxy->ipc_ns, kind);
	if (!object_try(object, kind, head, id, id & INDEX_MASK, any) &&
	    (id & INDEX_MASK_EXTENDED) != (id & INDEX_MASK))
		object_try(object, kind, head, id, id & INDEX_MASK_EXTENDED, any);
}

#endif
