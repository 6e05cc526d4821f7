/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records of variable length: put together in a buffer of the processor, then sent
 * with one copy. Only for rare events (exec): the copy and the look-ups cost more
 * than a reservation in place. The tracepoints that use it run with preemption off,
 * so nobody else writes to the buffer meanwhile.
 *
 * Invariant: whatever a text claims to be, at most DRAFT_TEXT_MAX bytes of it are
 * taken, and `used` never passes DRAFT_BYTES.
 */
#ifndef SPOOR_BPF_PATH_H
#define SPOOR_BPF_PATH_H

#include "common/record.h"

enum {
	DRAFT_TEXT_MAX = 4096, /* PATH_MAX */
	DRAFT_ARGUMENTS_MAX = 8192,
	DRAFT_BYTES = 65536,   /* more than all texts of an event together; a power of two */
	PATH_PARTS_MAX = 2048, /* more do not fit into PATH_MAX */
	NAME_BYTES = 256,
};

struct draft {
	__u32 used; /* bytes of `bytes` */
	__u32 pad;
	__u8 bytes[DRAFT_BYTES + DRAFT_ARGUMENTS_MAX];
	/* A path is put together from its end: where we are on the way to the root. */
	struct opened at;
	__u32 position; /* in path: where it begins so far */
	__u8 path[DRAFT_TEXT_MAX + NAME_BYTES];
};

/* One per processor; the size is set before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct draft);
} drafts SEC(".maps");

INLINE struct draft *draft_get(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&drafts, &cpu);
}

/* Where the next text goes; NULL when full. */
INLINE __u8 *draft_room(struct draft *draft, __u32 *at)
{
	__u32 used = draft->used;

	if (used > DRAFT_BYTES - 1)
		return NULL;
	*at = used;
	return &draft->bytes[used];
}

INLINE bool draft_took(struct draft *draft, long len, struct wire_ref *ref, __u32 at)
{
	if (len < 0 || len > DRAFT_ARGUMENTS_MAX)
		return false;
	ref->offset = at;
	ref->len = len;
	draft->used = at + len;
	return true;
}

/* A string of the kernel, without its NUL. */
INLINE bool draft_string(struct draft *draft, const void *address, struct wire_ref *ref)
{
	__u32 at = 0;
	__u8 *room = draft_room(draft, &at);

	if (!room)
		return false;
	return draft_took(draft, bpf_probe_read_kernel_str(room, DRAFT_TEXT_MAX, address) - 1, ref,
			  at);
}

/* Strings of user memory that follow each other, each with its NUL (argv). */
INLINE bool draft_user(struct draft *draft, __u64 from, __u64 to, struct wire_ref *ref)
{
	__u32 at = 0;
	__u64 len = to - from;
	__u8 *room = draft_room(draft, &at);

	if (!room || from >= to)
		return false;
	if (len > DRAFT_ARGUMENTS_MAX - 1)
		len = DRAFT_ARGUMENTS_MAX - 1;
	len &= DRAFT_ARGUMENTS_MAX - 1;
	if (bpf_probe_read_user(room, len, (void *)from))
		return false;
	/* A list cut in the middle must still end with a NUL. */
	draft->bytes[(at + len - 1) & (DRAFT_BYTES - 1)] = 0;
	return draft_took(draft, len, ref, at);
}

/* Step from a mount's root to where it is mounted; false at the root of all. */
INLINE bool path_leave_mount(struct draft *draft)
{
	__u64 mount = draft->at.mount - bpf_core_field_offset(struct mount, mnt);
	__u64 parent = (__u64)LOAD(struct mount, mount, mnt_parent);

	if (parent == mount || !parent)
		return false;
	draft->at.dentry = (__u64)LOAD(struct mount, mount, mnt_mountpoint);
	draft->at.mount = parent + bpf_core_field_offset(struct mount, mnt);
	return true;
}

/* Puts a dentry's name before what is there already; false: no room. */
INLINE bool path_prepend(struct draft *draft, __u64 dentry, bool slash)
{
	__u32 len = LOAD(struct dentry, dentry, d_name.len) & (NAME_BYTES - 1);
	__u32 position = draft->position;

	if (position > DRAFT_TEXT_MAX || len + slash > position)
		return false;
	position = (position - len - slash) & (2 * DRAFT_TEXT_MAX - 1);
	if (position > DRAFT_TEXT_MAX)
		return false;
	if (slash)
		draft->path[position] = '/';
	bpf_probe_read_kernel(&draft->path[position + slash], len,
			      LOAD(struct dentry, dentry, d_name.name));
	draft->position = position;
	return true;
}

/*
 * One step towards the root; false when there. A global function: the verifier looks at
 * it once, not at every step of every path. It does not take addresses as arguments.
 */
__noinline int path_step(struct draft *draft)
{
	__u64 dentry, parent;

	if (!draft)
		return false;
	dentry = draft->at.dentry;
	parent = (__u64)LOAD(struct dentry, dentry, d_parent);
	if (dentry == (__u64)LOAD(struct vfsmount, draft->at.mount, mnt_root) || dentry == parent)
		return path_leave_mount(draft);
	draft->at.dentry = parent;
	return path_prepend(draft, dentry, true);
}

/* Writes the path of draft->at. */
__noinline int path_write(struct draft *draft, struct wire_ref *ref)
{
	__u32 position, at = 0;
	__u8 *room;

	if (!draft || !ref)
		return false;
	draft->position = DRAFT_TEXT_MAX;
	for (int i = 0; i < PATH_PARTS_MAX; i++)
		if (!path_step(draft))
			break;
	if (draft->position == DRAFT_TEXT_MAX)
		path_prepend(draft, draft->at.dentry, false);
	room = draft_room(draft, &at);
	position = draft->position;
	if (!room || position > DRAFT_TEXT_MAX)
		return false;
	bpf_probe_read_kernel(room, DRAFT_TEXT_MAX - position, &draft->path[position]);
	return draft_took(draft, DRAFT_TEXT_MAX - position, ref, at);
}

/*
 * The path of a file from the root of its mount tree. What lies in no tree (memfd,
 * socket, pipe) has just its name, which may be empty; so has the root, a slash.
 */
INLINE bool draft_path(struct draft *draft, __u64 dentry, __u64 vfsmount, struct wire_ref *ref)
{
	draft->at.dentry = dentry;
	draft->at.mount = vfsmount;
	return path_write(draft, ref);
}

#endif
