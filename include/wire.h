/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * The bytes of a record: what the BPF side writes into the ring, what a capture
 * file holds and what the engine reads in place. One layout, no translation.
 *
 *   | struct wire_header | struct ev_NAME (events/NAME.def) | tail bytes |
 *
 * Invariants: records are 8-byte aligned; wire_header.size counts everything; a
 * wire_ref points inside the record (offset from its first byte); field i of
 * the event was captured exactly if bit i of `present` is set. Little-endian.
 *
 * Both sides include this file: user space after <linux/types.h>, BPF after
 * vmlinux.h.
 */
#ifndef SPOOR_WIRE_H
#define SPOOR_WIRE_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum {
	WIRE_COMM_LEN = 16,
	WIRE_CPU_NONE = 0xffff,	      /* events_lost, *_existing: a stream of their own */
	WIRE_FIELDS_MAX = 64,	      /* bits in `present` */
	WIRE_HOST_NAME_LEN = 64,      /* all that a host name may have */
	WIRE_RECORD_MAX = 256 * 1024, /* a larger record is refused */
};

/* Bytes behind the fixed part: strings without NUL, arrays element by element. */
struct wire_ref {
	__u32 offset; /* from the first byte of the record */
	__u32 len;    /* bytes; for `strs` every string is followed by a NUL */
};

struct wire_timespec {
	__s64 sec;
	__s64 nsec;
};

/* wire_header.flags */
enum {
	WIRE_COMPAT = 1 << 0,		 /* 32-bit system call on a 64-bit kernel */
	WIRE_CONTAINER_STARTED = 1 << 1, /* the container's entry point has been executed */
	WIRE_CONTEXT = 1 << 2,		 /* gid, loginuid, namespaces, cgroup are known */
	WIRE_KERNEL_THREAD = 1 << 3,
	WIRE_HOOK_SHIFT = 8, /* enum hook_mode that made the record, 4 bits */
	WIRE_HOOK_MASK = 0xf << WIRE_HOOK_SHIFT,
};

/* How an event reached us; also the value of --hook. */
enum hook_mode {
	HOOK_NONE,	 /* replayed JSON or made in user space */
	HOOK_FENTRY,	 /* fentry and fexit on the function */
	HOOK_KPROBE,	 /* kprobe and kretprobe */
	HOOK_TRACEPOINT, /* per-syscall and scheduler tracepoints */
	HOOK_RAW,	 /* tp_btf sys_enter and sys_exit */
};

/* All ids are those of the init namespaces unless named ns_. */
struct wire_header {
	__u32 size;	  /* of the whole record in bytes, a multiple of 8 */
	__u16 id;	  /* event id, see events/ */
	__u16 cpu;	  /* WIRE_CPU_NONE: made in user space, seq counts those */
	__u64 seq;	  /* per CPU, counts lost records too: a gap is an exact loss */
	__u64 time;	  /* CLOCK_BOOTTIME, ns; of the call's return for system calls */
	__u64 present;	  /* bit i: field i was captured */
	__u64 user;	  /* bit i: field i was read from user memory this time (U, TOCTOU) */
	__u64 start_time; /* of the thread, CLOCK_BOOTTIME, ns */
	__u64 leader_start_time; /* of the thread group leader */
	__u64 parent_start_time; /* of the parent's thread group leader */
	__u64 cgroup_id;
	__u32 pid; /* thread group id */
	__u32 tid;
	__u32 ppid;
	__u32 ns_pid; /* the same in the task's own pid namespace */
	__u32 ns_tid;
	__u32 ns_ppid; /* 0 if the parent lives in another pid namespace */
	__u32 uid;     /* real */
	__u32 euid;
	__u32 gid;
	__u32 loginuid; /* 4294967295: never set */
	__u32 mnt_ns;	/* inode numbers of the namespaces */
	__u32 pid_ns;
	__u32 ipc_ns;
	__u32 user_ns;
	__u32 net_ns;
	__s32 syscall; /* x86-64 number of the call the task is in, -1 none */
	__u32 flags;
	char comm[WIRE_COMM_LEN]; /* NUL-padded */
	/*
	 * Where in the record the host name of the task's UTS namespace stands, WIRE_HOST_NAME_LEN
	 * bytes, NUL-padded; 0: it was not asked for.
	 */
	__u32 host_name;
};

_Static_assert(sizeof(struct wire_header) == 160, "wire_header is part of the capture format");
_Static_assert(sizeof(struct wire_ref) == 8, "wire_ref is part of the capture format");

/*
 * Event bodies: struct ev_NAME, one member per field in the order of the event's
 * file, naturally aligned. A typo in a field name does not compile.
 */
#define FIELD_TYPE_i32	    __s32
#define FIELD_TYPE_u32	    __u32
#define FIELD_TYPE_syscall  __s32
#define FIELD_TYPE_u8	    __u8
#define FIELD_TYPE_u16	    __u16
#define FIELD_TYPE_i64	    __s64
#define FIELD_TYPE_u64	    __u64
#define FIELD_TYPE_pointer  __u64
#define FIELD_TYPE_time	    __u64
#define FIELD_TYPE_bool	    __u8
#define FIELD_TYPE_timespec struct wire_timespec
#define FIELD_TYPE_str	    struct wire_ref
#define FIELD_TYPE_strs	    struct wire_ref
#define FIELD_TYPE_bytes    struct wire_ref
#define FIELD_TYPE_i16s	    struct wire_ref
#define FIELD_TYPE_i32s	    struct wire_ref
#define FIELD_TYPE_u64s	    struct wire_ref
/* Objects. */
#define FIELD_TYPE_sockaddr	   struct wire_ref
#define FIELD_TYPE_credentials	   struct wire_ref
#define FIELD_TYPE_hooked_syscalls struct wire_ref
#define FIELD_TYPE_hooked_seq_ops  struct wire_ref
#define FIELD_TYPE_packet_metadata struct wire_ref
#define FIELD_TYPE_ipv4		   struct wire_ref
#define FIELD_TYPE_ipv6		   struct wire_ref
#define FIELD_TYPE_tcp		   struct wire_ref
#define FIELD_TYPE_udp		   struct wire_ref
#define FIELD_TYPE_icmp		   struct wire_ref
#define FIELD_TYPE_icmpv6	   struct wire_ref
#define FIELD_TYPE_dns		   struct wire_ref
#define FIELD_TYPE_dns_questions   struct wire_ref
#define FIELD_TYPE_dns_responses   struct wire_ref
#define FIELD_TYPE_http		   struct wire_ref
#define FIELD_TYPE_http_request	   struct wire_ref
#define FIELD_TYPE_http_response   struct wire_ref

#define EVENT(name, id, version, sets)				  struct ev_##name {
#define FIELD(type, name, standard, names, origin, captured, doc) FIELD_TYPE_##type name;
#define ARG(type, member, ...)					  FIELD_TYPE_##type member;
#define END(name) \
	} \
	;
#include "each_event.h"

/* EV_msgget: the id of an event. */
enum event_id {
#define EVENT(name, id, version, sets) EV_##name = id,
#include "each_event.h"
};

/* One byte per field, so that a member's offset is the field's position. */
#define EVENT(name, id, version, sets)				  struct positions_##name {
#define FIELD(type, name, standard, names, origin, captured, doc) char name;
#define ARG(type, member, ...)					  char member;
#define END(name) \
	} \
	;
#include "each_event.h"

/* FIELD_AT(msgget, key): position of a field: its slot and its bit in `present`. */
#define FIELD_AT(event, field)	__builtin_offsetof(struct positions_##event, field)
#define FIELD_BIT(event, field) (1ULL << FIELD_AT(event, field))

#endif
