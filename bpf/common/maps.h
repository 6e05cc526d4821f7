/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps and settings shared by all themes, which make up one object: build.mk includes
 * every .bpf.c of this folder in one unit (libbpf 1.1 cannot link two files that use
 * the same kernel function).
 *
 * Invariant: a sequence number is taken before the record is reserved, so that
 * numbers of a processor = records of that processor + losses of that processor.
 */
#ifndef SPOOR_BPF_MAPS_H
#define SPOOR_BPF_MAPS_H

#include "common/kernel.h"

/* The kernel asks for a GPL-compatible licence; it must be exactly this spelling. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* ---- settings, fixed before loading: branches on them cost nothing ------------- */

/* The kernel has bpf_rdonly_cast (6.2): pointers are read in place, not copied. */
const volatile bool has_rdonly_cast SEC(".rodata") = false;
/* bpf_find_vma (5.17) is there. */
const volatile bool has_find_vma SEC(".rodata") = false;
/* sched_process_exit says whether the thread is the last of its process (6.16). */
const volatile bool exit_tells_last SEC(".rodata") = false;
/* Send the environment of programs too. */
const volatile bool wants_environment SEC(".rodata") = false;
/* Records end with the name of the task's UTS namespace. */
const volatile bool wants_host_names SEC(".rodata") = false;
/* By slot: send this event. Programs lose the code for all others when they are loaded. */
const volatile __u8 wanted_slots[64] SEC(".rodata") = {};
/* Which of the collector's objects these programs belong to; each serves other events. */
const volatile __u32 object_number SEC(".rodata") = 0;
/* Index of the cgroup v1 controller whose hierarchy names containers; -1: cgroup v2. */
const volatile int cgroup_subsystem SEC(".rodata") = -1;
/* Wake the reader when this many bytes wait for it. */
const volatile __u64 wakeup_bytes SEC(".rodata") = 4 << 20;

/*
 * Programs on sys_enter and sys_exit cannot be preempted, and every processor has a slot of
 * its own in cpu_counters.
 */
const volatile bool raw_runs_alone SEC(".rodata") = false;

/* ---- settings that may change while we run ------------------------------------- */

struct settings settings SEC(".data") = {};

/*
 * The namespaces the kernel began with, where most tasks live. The objects are static, so an
 * address means the same for good; comparing it costs less than following three pointers. Learnt
 * from kthreadd, which never leaves them; all 0 where it cannot be seen.
 */
struct {
	__u64 nsproxy; /* address */
	__u32 mnt_ns, ipc_ns, net_ns;
} first_namespaces SEC(".data") = {};

/* ---- what the reader looks at -------------------------------------------------- */

struct cpu_counters cpu_counters[CPU_SLOTS] SEC(".data.cpus") = {};

/* Grows with every loss; when it stands still the reader need not look closer. */
__u64 lost_total SEC(".data") = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} ring SEC(".maps");

/* Losses by (slot, reason), a counter per processor. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOT_COUNT *LOSS_REASON_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} losses SEC(".maps");

#endif
