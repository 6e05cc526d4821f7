/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Small numbers both sides of the collector agree on: one dense slot per event of
 * include/events, the reasons of loss, the bits of the system call filter.
 *
 * Include wire.h first (it needs vmlinux.h or <linux/types.h> before it).
 */
#ifndef SPOOR_BPF_SHARED_H
#define SPOOR_BPF_SHARED_H

/* SLOT_msgget: index of an event in tables the BPF side keeps. 0 is no event. */
enum event_slot {
	SLOT_NONE,
#define EVENT(name, id, version, sets) SLOT_##name,
#include "each_event.h"
	SLOT_COUNT
};

/* Why a record was lost. */
enum loss_reason {
	LOSS_RING_FULL,	      /* no room in the ring buffer */
	LOSS_RETPROBE_MISSED, /* the kernel had no kretprobe instance left */
	LOSS_REASON_COUNT
};

enum {
	SYSCALL_NUMBERS = 512, /* numbers from here on are never traced */
	CPU_SLOTS = 1024,      /* processors beyond share slots */
	PENDING_MAX = 8,       /* objects of programs, each with marks of its own */
};

/* syscall_filter[number]: which calls a program has to look at. */
enum {
	FILTER_EXIT = 1 << 0,	     /* 64-bit calls, at return */
	FILTER_EXIT_COMPAT = 1 << 1, /* 32-bit calls, at return */
	FILTER_ENTER = 1 << 2,	     /* 64-bit calls, at entry */
	FILTER_ENTER_COMPAT = 1 << 3,
};

/* What programs look at while running; user space may change it at any time. */
struct settings {
	__u32 own_pid; /* the sensor's thread group, as the init namespace sees it */
	__u32 pad[15];
	__u8 mode[64];			      /* by slot: enum hook_mode that delivers it */
	__u8 syscall_filter[SYSCALL_NUMBERS]; /* FILTER_* bits */
	__u8 syscall_slot[SYSCALL_NUMBERS];   /* x86-64 number to slot */
	__u8 syscall32_slot[SYSCALL_NUMBERS]; /* i386 number to slot */
};

/* A cache line per processor, so that counting never bounces lines. */
struct cpu_counters {
	__u64 seq;
	__u64 pad[7];
};

_Static_assert(SLOT_COUNT <= 64, "settings.mode and wanted_slots");

#endif
