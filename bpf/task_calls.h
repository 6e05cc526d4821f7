/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls that matter around System V IPC without being part of it: new namespaces,
 * processors, protection of segments, files of /proc. Their records, made at their return.
 */
#ifndef SPOOR_BPF_TASK_CALLS_H
#define SPOOR_BPF_TASK_CALLS_H

#include "ipc_events.h"

INLINE void exit_unshare(struct call *call)
{
	EVENT_BEGIN(unshare, 0)
	SET(unshare, record, flags, (__s32)call->arg[0]);
	EVENT_END(unshare)
	record_send(record);
}

INLINE void exit_setns(struct call *call)
{
	EVENT_BEGIN(setns, 0)
	SET(setns, record, fd, (__s32)call->arg[0]);
	SET(setns, record, nstype, (__s32)call->arg[1]);
	EVENT_END(setns)
	record_send(record);
}

INLINE void exit_sched_setaffinity(struct call *call)
{
	__s32 whom = call->arg[0];

	EVENT_BEGIN(sched_setaffinity, 0)
	SET(sched_setaffinity, record, pid, whom);
	SET(sched_setaffinity, record, cpusetsize, call->arg[1]);
	SET(sched_setaffinity, record, mask, call->arg[2]);
	if (whom == 0 || whom == (__s32)record->header.ns_tid)
		SET(sched_setaffinity, record, cpus, call->task->nr_cpus_allowed);
	EVENT_END(sched_setaffinity)
	record_send(record);
}

/* ---- segments -------------------------------------------------------------------- */

enum { OPENED_TO_WRITE = 2, /* FMODE_WRITE */ TO_WRITE = 2 /* PROT_WRITE */ };

/* The segment attached at an address: its file carries the id, and how it was attached. */
struct segment_search {
	__u64 namespace;
	__u64 end; /* of the area that was found */
	__s32 id;
	bool readonly;
};

static long segment_of_area(struct task_struct *task, struct vm_area_struct *area,
			    struct segment_search *search)
{
	struct file *file = area->vm_file;
	__u64 data;

	search->end = area->vm_end;
	if (!file)
		return 0;
	data = (__u64)file->private_data;
	if (data && (__u64)LOAD(struct shm_file_data, data, ns) == search->namespace) {
		search->id = LOAD(struct shm_file_data, data, id);
		search->readonly = !(file->f_mode & OPENED_TO_WRITE);
	}
	return 0;
}

enum { AREAS_MAX = 32 };

/*
 * The first segment that is attached between two addresses; with `write`, the first that was
 * attached to be read only, if there is one. Its identifier is -1 if there is none, or it
 * cannot be told. Looks at the area of the first address and at those that follow it without a gap.
 */
INLINE void segment_between(struct task_struct *task, __u64 address, __u64 end, bool write,
			    struct segment_search *found)
{
	struct nsproxy *nsproxy = task->nsproxy;
	struct segment_search search = {};

	found->id = -1;
	if (!has_find_vma || !nsproxy)
		return;
	search.namespace = (__u64)nsproxy->ipc_ns;
	for (int i = 0; i < AREAS_MAX; i++) {
		search.end = 0;
		search.id = -1;
		bpf_find_vma(task, address, segment_of_area, &search, 0);
		if (search.id >= 0 && (found->id < 0 || search.readonly))
			*found = search;
		if (found->id >= 0 && (!write || found->readonly))
			break;
		if (search.end <= address || search.end >= end)
			break;
		address = search.end;
	}
}

INLINE __s32 segment_at(struct task_struct *task, __u64 address)
{
	struct segment_search found = {};

	segment_between(task, address, address, false, &found);
	return found.id;
}

INLINE void exit_shm_protect(struct call *call)
{
	struct segment_search found = {};

	if (!wanted(SLOT_shm_protect))
		return;
	segment_between(call->task, call->arg[0], call->arg[0] + call->arg[1],
			call->arg[2] & TO_WRITE, &found);
	if (found.id < 0)
		return;
	EVENT_BEGIN(shm_protect, 0)
	SET(shm_protect, record, addr, call->arg[0]);
	SET(shm_protect, record, len, call->arg[1]);
	SET(shm_protect, record, prot, (__s32)call->arg[2]);
	SET(shm_protect, record, shmid, found.id);
	SET(shm_protect, record, readonly, found.readonly);
	EVENT_END(shm_protect)
	record_send(record);
}

/* ---- files of /proc ---------------------------------------------------------------- */

enum {
	PROC_MAGIC = 0x9fa0, /* PROC_SUPER_MAGIC */
	PROC_NAME_MAX = 32,
	PROC_FILES_MAX = 1 << 20, /* a descriptor above is not looked up */
};

/* Literals: clang turns them into stores. */
#define PROC_SYSVIPC_PATH "/proc/sysvipc/"
#define PROC_KERNEL_PATH  "/proc/sys/kernel/"

/* The file behind a descriptor of the task; 0: none. */
INLINE __u64 file_of(struct task_struct *task, __u32 number)
{
	struct files_struct *files = task->files;
	struct fdtable *table;
	__u64 slots;

	if (!files || number >= PROC_FILES_MAX)
		return 0;
	table = files->fdt;
	if (number >= LOAD(struct fdtable, table, max_fds))
		return 0;
	slots = (__u64)LOAD(struct fdtable, table, fd) + number * sizeof(void *);
	bpf_probe_read_kernel(&slots, sizeof(slots), (const void *)slots);
	return slots;
}

INLINE __u64 name_word(__u64 dentry)
{
	__u64 word = 0;

	bpf_probe_read_kernel_str(&word, sizeof(word), LOAD(struct dentry, dentry, d_name.name));
	return word;
}

/* Names of at most seven bytes, as name_word gives them. */
#define WORD(a, b, c, d, e, f, g) \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | \
	 (__u64)(f) << 40 | (__u64)(g) << 48)

enum proc_folder { PROC_OTHER, PROC_SYSVIPC, PROC_KERNEL };

INLINE enum proc_folder proc_folder_of(__u64 dentry)
{
	__u64 parent = (__u64)LOAD(struct dentry, dentry, d_parent);
	__u64 word = name_word(parent);

	if (word == WORD('s', 'y', 's', 'v', 'i', 'p', 'c'))
		return PROC_SYSVIPC;
	if (word != WORD('k', 'e', 'r', 'n', 'e', 'l', 0))
		return PROC_OTHER;
	parent = (__u64)LOAD(struct dentry, parent, d_parent);
	return name_word(parent) == WORD('s', 'y', 's', 0, 0, 0, 0) ? PROC_KERNEL : PROC_OTHER;
}

INLINE void exit_proc_open(struct call *call)
{
	__u64 file, dentry, super;
	enum proc_folder folder;
	__u32 prefix;
	long len;

	if (!wanted(SLOT_proc_open) || call->ret < 0)
		return;
	file = file_of(call->task, call->ret);
	if (!file)
		return;
	dentry = (__u64)LOAD(struct file, file, f_path.dentry);
	super = dentry ? (__u64)LOAD(struct dentry, dentry, d_sb) : 0;
	if (!super || LOAD(struct super_block, super, s_magic) != PROC_MAGIC)
		return;
	folder = proc_folder_of(dentry);
	if (folder == PROC_OTHER)
		return;
	EVENT_BEGIN(proc_open, 24 + PROC_NAME_MAX)
	if (folder == PROC_SYSVIPC) {
		prefix = sizeof(PROC_SYSVIPC_PATH) - 1;
		__builtin_memcpy(record->bytes, PROC_SYSVIPC_PATH, sizeof(PROC_SYSVIPC_PATH) - 1);
	} else {
		prefix = sizeof(PROC_KERNEL_PATH) - 1;
		__builtin_memcpy(record->bytes, PROC_KERNEL_PATH, sizeof(PROC_KERNEL_PATH) - 1);
	}
	len = bpf_probe_read_kernel_str(record->bytes + prefix, PROC_NAME_MAX,
					LOAD(struct dentry, dentry, d_name.name));
	record->body.path.offset = offsetof(__typeof__(*record), bytes);
	record->body.path.len = prefix + (len > 0 ? len - 1 : 0);
	present |= FIELD_BIT(proc_open, path);
	SET(proc_open, record, flags, LOAD(struct file, file, f_flags));
	EVENT_END(proc_open)
	record_send(record);
}

#endif
