/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Differences between kernels, each behind a name. Nothing else in bpf/ tests for
 * a kernel version or a field that may be missing.
 *
 * Two ways to read kernel memory: typed pointers that the verifier follows by BTF
 * (about 1 ns a load), and LOAD() for addresses it knows nothing about, which is
 * bpf_rdonly_cast where the kernel has it and bpf_probe_read_kernel (about 35 ns)
 * where not.
 */
#ifndef SPOOR_BPF_KERNEL_H
#define SPOOR_BPF_KERNEL_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "wire.h"

#include "common/shared.h"

/* NR_msgget: x86-64 number of a system call. */
enum {
#define EVENT(name, id, version, sets) NR_##name
#define SYSCALL(number, number32)      = number
#define END(name)		       ,
#include "each_event.h"
};

#define INLINE static __always_inline

extern void *bpf_rdonly_cast(const void *address, __u32 type_id) __ksym __weak;
extern const volatile bool has_rdonly_cast;

/* The value of a field of the object at a bare address; 0 where it cannot be read. */
#define LOAD(type, address, field) \
	({ \
		const void *load_from = (const void *)(address); \
		/* + 0: without const */ \
		__typeof__(((type *)0)->field + 0) load_value = 0; \
		if (has_rdonly_cast) \
			load_value = ((type *)bpf_rdonly_cast(load_from, \
							      bpf_core_type_id_kernel(type))) \
					     ->field; \
		else \
			bpf_core_read(&load_value, sizeof(((type *)0)->field), \
				      &((type *)load_from)->field); \
		load_value; \
	})

/* ---- names that changed -------------------------------------------------------- */

/* struct kernfs_node.id was a union before 5.5; the sensor starts at 5.12. */
INLINE __u64 cgroup_number(struct task_struct *task, int subsystem)
{
	struct css_set *set = task->cgroups;

	if (subsystem < 0)
		return set->dfl_cgrp->kn->id;
	if (subsystem > 15)
		return 0;
	return set->subsys[subsystem]->cgroup->kn->id;
}

/* Is it of the hierarchy whose ids cgroup_number() gives? */
INLINE bool cgroup_is_numbered(struct cgroup *cgroup, int subsystem)
{
	const struct cgroup_root *root = cgroup->root;

	return subsystem < 0 ? root->hierarchy_id == 0 : root->subsys_mask >> subsystem & 1;
}

struct task_struct___audit {
	kuid_t loginuid;
} __attribute__((preserve_access_index));

/* Kernels without CONFIG_AUDIT have no login uid. */
INLINE __u32 task_loginuid(struct task_struct *task)
{
	struct task_struct___audit *audited = (void *)task;

	if (bpf_core_field_exists(audited->loginuid))
		return audited->loginuid.val;
	return 0xffffffff;
}

/* Change time of an inode in ns: three layouts so far (before 6.6, before 6.11, now). */
struct inode___first {
	struct timespec64 i_ctime;
} __attribute__((preserve_access_index));

struct inode___second {
	struct timespec64 __i_ctime;
} __attribute__((preserve_access_index));

struct inode___third {
	time64_t i_ctime_sec;
	__u32 i_ctime_nsec;
} __attribute__((preserve_access_index));

/* From 6.13 on this bit of the nanoseconds says that somebody has asked for the time. */
enum { CTIME_QUERIED = 0x80000000 };

INLINE __u64 inode_ctime(__u64 inode)
{
	if (bpf_core_field_exists(struct inode___third, i_ctime_sec))
		return LOAD(struct inode___third, inode, i_ctime_sec) * 1000000000ULL +
		       (LOAD(struct inode___third, inode, i_ctime_nsec) & ~CTIME_QUERIED);
	if (bpf_core_field_exists(struct inode___second, __i_ctime))
		return LOAD(struct inode___second, inode, __i_ctime.tv_sec) * 1000000000ULL +
		       LOAD(struct inode___second, inode, __i_ctime.tv_nsec);
	return LOAD(struct inode___first, inode, i_ctime.tv_sec) * 1000000000ULL +
	       LOAD(struct inode___first, inode, i_ctime.tv_nsec);
}

/*
 * The file a stacking file system (overlayfs) maps into memory in place of the one that
 * was opened: since 6.5 it is part of a struct backing_file, which since 6.7 keeps the
 * path it was opened by (before, f_path was that path).
 */
struct backing_file___user {
	struct path user_path;
} __attribute__((preserve_access_index));

/*
 * Files the kernel opened for itself. Of mapped files only backing files are; their own
 * flag, FMODE_BACKING, is another bit in every other kernel.
 */
enum { FILE_NOACCOUNT = 1 << 29 };

/* What a file was opened as, whatever stands behind it: addresses of dentry and vfsmount. */
struct opened {
	__u64 dentry, mount;
};

INLINE void file_opened(__u64 file, struct opened *opened)
{
	if (bpf_core_field_exists(struct backing_file___user, user_path) &&
	    LOAD(struct file, file, f_mode) & FILE_NOACCOUNT) {
		opened->dentry = (__u64)LOAD(struct backing_file___user, file, user_path.dentry);
		opened->mount = (__u64)LOAD(struct backing_file___user, file, user_path.mnt);
		return;
	}
	opened->dentry = (__u64)LOAD(struct file, file, f_path.dentry);
	opened->mount = (__u64)LOAD(struct file, file, f_path.mnt);
}

struct task_struct___exec {
	unsigned in_execve : 1;
} __attribute__((preserve_access_index));

/* Does the kernel say whether a task is inside execve? */
INLINE bool exec_is_told(void)
{
	return bpf_core_field_exists(((struct task_struct___exec *)0)->in_execve);
}

/* Is the task inside execve? Where the kernel does not say: it may be. */
INLINE bool task_in_exec(struct task_struct *task)
{
	struct task_struct___exec *view = (void *)task;

	if (bpf_core_field_exists(view->in_execve))
		return BPF_CORE_READ_BITFIELD_PROBED(view, in_execve);
	return true;
}

enum { TASK_COMPAT = 2 /* TS_COMPAT in thread_info.status */, TASK_KTHREAD = 0x00200000 };

/* Is the task inside a 32-bit system call (also int 0x80 from 64-bit code)? */
INLINE bool task_in_compat(struct task_struct *task)
{
	return task->thread_info.status & TASK_COMPAT;
}

#endif
