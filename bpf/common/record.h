/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writing a record: reserve it in the ring, fill the header, fill the event, send.
 *
 * Invariant: every path that wants to send a record either sends it or counts it in
 * `losses`; both consume one sequence number of the processor.
 */
#ifndef SPOOR_BPF_RECORD_H
#define SPOOR_BPF_RECORD_H

#include "common/maps.h"

INLINE bool wanted(__u32 slot)
{
	return wanted_slots[slot & 63];
}

/* What the sensor itself does is not reported. */
INLINE bool is_sensor(struct task_struct *task)
{
	return (__u32)task->tgid == settings.own_pid;
}

/* Place of a record in the order of its processor. */
struct place {
	__u32 cpu;
	__u64 seq;
};

/*
 * alone: nothing of ours can run on this processor until we are done, so counting need not
 * be atomic, which costs as much as filling half the record. A program that may be preempted by
 * another must not say so.
 */
INLINE struct place place_take(bool alone)
{
	struct place place;

	place.cpu = bpf_get_smp_processor_id() & (CPU_SLOTS - 1);
	if (alone && raw_runs_alone)
		place.seq = cpu_counters[place.cpu].seq++;
	else
		place.seq = __sync_fetch_and_add(&cpu_counters[place.cpu].seq, 1);
	return place;
}

static __noinline int loss_count(__u32 slot, __u32 reason)
{
	__u32 key = slot * LOSS_REASON_COUNT + reason;
	__u64 *count = bpf_map_lookup_elem(&losses, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
	__sync_fetch_and_add(&lost_total, 1);
	return 0;
}

/* Id numbers of a task: in the init namespace and in its own. */
struct upid_view {
	__u32 level;
	__u64 ns;    /* address of the pid namespace */
	__u32 inode; /* of that namespace */
	__u32 number;
};

/*
 * Number of `pid` in the innermost namespace it lives in. numbers[] is indexed by a
 * variable, which typed pointers do not allow.
 */
INLINE void pid_innermost(struct pid *pid, struct upid_view *view)
{
	__u64 upid;

	view->level = pid->level;
	upid = (__u64)pid + bpf_core_field_offset(struct pid, numbers) +
	       /* At most 32 levels; the mask is for verifiers that lose count in products. */
	       ((__u64)(view->level & 63) * bpf_core_type_size(struct upid) & 1023);
	view->number = LOAD(struct upid, upid, nr);
	view->ns = (__u64)LOAD(struct upid, upid, ns);
}

/* Inode of the first pid namespace: PROC_PID_INIT_INO of linux/proc_ns.h. */
#define INIT_PID_NS 0xeffffffcu

INLINE void header_ids(struct wire_header *header, struct task_struct *task,
		       struct task_struct *leader, struct task_struct *parent)
{
	struct pid *pid = task->thread_pid;
	struct upid_view own, other;

	header->pid = task->tgid;
	header->tid = task->pid;
	header->ppid = parent->tgid;
	if (pid->level == 0) { /* the host itself: one namespace, one number */
		header->ns_pid = header->pid;
		header->ns_tid = header->tid;
		header->ns_ppid = header->ppid;
		header->pid_ns = INIT_PID_NS;
		return;
	}
	pid_innermost(pid, &own);
	header->ns_tid = own.number;
	header->pid_ns = LOAD(struct pid_namespace, own.ns, ns.inum);
	pid_innermost(leader->thread_pid, &other);
	header->ns_pid = other.number;
	pid_innermost(parent->thread_pid, &other);
	header->ns_ppid = other.level == own.level && other.ns == own.ns ? other.number : 0;
}

INLINE void header_namespaces(struct wire_header *header, struct task_struct *task)
{
	struct nsproxy *nsproxy = task->nsproxy;

	if (!nsproxy) { /* the task is past exit_task_namespaces */
		header->mnt_ns = 0;
		header->ipc_ns = 0;
		header->net_ns = 0;
	} else if ((__u64)nsproxy == first_namespaces.nsproxy) {
		__u32 net_ns = first_namespaces.net_ns;

		/* Keeps clang from sharing one load between a map and a kernel object. */
		barrier_var(net_ns);
		header->mnt_ns = first_namespaces.mnt_ns;
		header->ipc_ns = first_namespaces.ipc_ns;
		header->net_ns = net_ns;
	} else {
		header->mnt_ns = nsproxy->mnt_ns->ns.inum;
		header->ipc_ns = nsproxy->ipc_ns->ns.inum;
		header->net_ns = nsproxy->net_ns->ns.inum;
	}
}

/* A task past exit_task_namespaces has none. */
INLINE void host_name_read(void *to, struct task_struct *task)
{
	struct nsproxy *nsproxy = task->nsproxy;

	__builtin_memset(to, 0, WIRE_HOST_NAME_LEN);
	if (nsproxy)
		bpf_probe_read_kernel(to, WIRE_HOST_NAME_LEN, nsproxy->uts_ns->name.nodename);
}

/* Everything but size, id, place and fields. */
INLINE void header_task(struct wire_header *header, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct task_struct *parent = leader->real_parent->group_leader;
	const struct cred *cred = task->cred;

	header_ids(header, task, leader, parent);
	header_namespaces(header, task);
	header->start_time = task->start_boottime;
	header->leader_start_time = leader->start_boottime;
	header->parent_start_time = parent->start_boottime;
	header->cgroup_id = cgroup_number(task, cgroup_subsystem);
	header->uid = cred->uid.val;
	header->euid = cred->euid.val;
	header->gid = cred->gid.val;
	header->user_ns = cred->user_ns->ns.inum;
	header->loginuid = task_loginuid(task);
	*(__u64 *)&header->comm[0] = *(__u64 *)&task->comm[0];
	*(__u64 *)&header->comm[8] = *(__u64 *)&task->comm[8];
}

/* The caller sets the time. */
INLINE void header_fill(struct wire_header *header, struct task_struct *task, __u16 id, __u32 size,
			struct place place, __s32 syscall, __u32 flags)
{
	header->size = size;
	header->id = id;
	header->cpu = place.cpu;
	header->seq = place.seq;
	header->syscall = syscall;
	header->flags = flags | WIRE_CONTEXT |
			(task->flags & TASK_KTHREAD ? WIRE_KERNEL_THREAD : 0);
	header->host_name = 0;
	header->user = 0;
	header_task(header, task);
}

/*
 * RECORD(msgget, 0) declares the type of a whole record with `tail` bytes behind the
 * event; its fields are zeroed by record_begin, since an unset field must not show
 * what the ring held before.
 */
#define RECORD(event, tail) \
	struct { \
		struct wire_header header; \
		struct ev_##event body; \
		__u8 bytes[tail]; \
	} __attribute__((aligned(8)))

/* Reserves; on failure counts the loss and gives NULL. alone: see place_take. */
#define record_begin(event, record, task, syscall_number, flag_bits, alone) \
	({ \
		struct place record_place = place_take(alone); \
		if (wants_host_names) \
			(record) = bpf_ringbuf_reserve(&ring, \
						       sizeof(*(record)) + WIRE_HOST_NAME_LEN, 0); \
		else \
			(record) = bpf_ringbuf_reserve(&ring, sizeof(*(record)), 0); \
		if (record) { \
			__builtin_memset(&(record)->body, 0, \
					 sizeof(*(record)) - sizeof(struct wire_header)); \
			header_fill(&(record)->header, task, EV_##event, sizeof(*(record)), \
				    record_place, syscall_number, flag_bits); \
			if (wants_host_names) { \
				host_name_read((record) + 1, task); \
				(record)->header.host_name = sizeof(*(record)); \
				(record)->header.size += WIRE_HOST_NAME_LEN; \
			} \
		} else { \
			loss_count(SLOT_##event, LOSS_RING_FULL); \
		} \
		(record) != NULL; \
	})

/*
 * Submit without waking anybody: the reader comes by every few milliseconds. Only a
 * ring that fills up faster than that wakes it, looked at once in 64 records.
 */
INLINE __u64 record_wakeup(__u64 seq)
{
	if ((seq & 63) == 0 && bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > wakeup_bytes)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/*
 * The clock is read last: it waits for all loads before it, while the stores to the ring,
 * whose lines the reader had, come through meanwhile.
 */
#define record_send(record) \
	((record)->header.time = bpf_ktime_get_boot_ns(), \
	 bpf_ringbuf_submit(record, record_wakeup((record)->header.seq)))

/* A field and its bit at once: SET(msgget, record, key, value). */
#define SET(event, record, field, value) \
	((record)->body.field = (value), present |= FIELD_BIT(event, field))

#endif
