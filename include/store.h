/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores: what the engine remembers of processes and containers. Fixed capacity,
 * allocated at start, least recently used entry replaced (and counted).
 */
#ifndef SPOOR_STORE_H
#define SPOOR_STORE_H

#include "event.h"

/* Identity is pid + start time; survives pid reuse. Valid until the batch ends. */
struct process {
	uint32_t pid, ns_pid, ppid;
	uint64_t start_time, parent_start_time; /* boot ns */
	uint32_t maker_pid; /* who started it, which outlives the maker's end; 0: not known */
	uint64_t maker_start_time; /* ... with it the identity */
	uint32_t uid, gid;
	uint64_t cgroup_id;
	uint64_t exit_time;    /* 0: running */
	struct str executable; /* data == NULL: unknown */
	char comm[WIRE_COMM_LEN];
	const char *argv; /* NUL after each */
	uint32_t argv_len;
};

struct container {
	bool started; /* it has run a program since it was made, or was there before us */
	struct str id, name, image_id, image_name, image_digest;
	struct str runtime; /* docker containerd crio podman lxc garden, from the cgroup path */
};

struct stores; /* engine/store */

/* Capacities: 0 for the default. NULL: out of memory. */
struct stores *stores_new(uint32_t process_capacity, uint32_t container_capacity);
/* NULL is fine. */
void stores_free(struct stores *stores);
/* Set before the first record: entity hashes are made from epoch times. */
void stores_set_clock(struct stores *stores, const struct clock *clock);
/* Learn from a record. Every record passes here before any rule sees it. */
void stores_update(struct stores *stores, const struct wire_header *record);
/*
 * True if the stores know the process and the cgroup of this record. After the loss of an exec
 * no process is known until something new is learnt of it.
 */
bool stores_know(const struct stores *stores, const struct wire_header *record);

/* NULL if unknown. */
const struct process *process_find(const struct stores *stores, uint32_t pid, uint64_t start_time);
/* The latest process with this pid. */
const struct process *process_find_pid(const struct stores *stores, uint32_t pid);
/* By Tracee's unique_id (entity hash of the thread group leader). */
const struct process *process_find_hash(const struct stores *stores, uint32_t hash);
const struct process *process_parent(const struct stores *stores, const struct process *process);
/*
 * The process that started it: its first parent as far as we know, whoever is given it when that
 * ends. Its parent of now, if the maker is no longer known.
 */
const struct process *process_maker(const struct stores *stores, const struct process *process);
/* Generations that are looked at: an event must not cost what somebody has built. */
enum { ANCESTORS_MAX = 256 };
/* Fills up to `max` children of a process; returns how many. */
uint32_t process_children(const struct stores *stores, const struct process *process,
			  const struct process **out, uint32_t max);
/*
 * The ancestors of the event's process that are known without a gap, the parent first: at most
 * `max`. 0 if the process or its parent is not known.
 */
uint32_t event_ancestors(const struct event *event, const struct stores *stores,
			 const struct process **out, uint32_t max);
/* The record itself names a parent. */
bool event_has_parent(const struct event *event);
enum { ANCESTRY_DEPTH = 5 }; /* what auto_populate.process_ancestry adds */
/*
 * One is an ancestor of the other, over ANCESTORS_MAX generations at most, or they have the same
 * parent (init excepted).
 */
bool process_related(const struct stores *stores, const struct process *a, const struct process *b);

/* NULL: not known. Valid until the next event. */
const struct container *container_find(const struct stores *stores, uint64_t cgroup_id);
const struct container *container_find_id(const struct stores *stores, struct str id);

/* For recordings that name the container of a cgroup, but not its path. What is known stays. */
void stores_set_container(struct stores *stores, uint64_t cgroup_id, struct str id);

/*
 * The part of a cgroup path that names a container, and its runtime (docker, containerd,
 * crio, podman, garden, ecs, or "" when the path does not tell). data == NULL: none.
 */
struct str container_id_of_path(struct str cgroup_path, struct str *runtime);

struct symbol {
	uint64_t address;
	struct str name, module; /* "system": the kernel proper */
};

/*
 * The kernel's symbols are read from this file (/proc/kallsyms) when somebody asks for one. Without
 * it none is known: those of this kernel say nothing about a recording. The path must stay.
 */
void stores_use_kernel_symbols(struct stores *stores, const char *path);
/* One more, for tests. False: out of memory. */
bool stores_add_symbol(struct stores *stores, uint64_t address, struct str name, struct str module);
/* All names of exactly this address, at most `max`. Valid until a symbol is added. */
uint32_t symbols_at(const struct stores *stores, uint64_t address, struct symbol *out,
		    uint32_t max);
/* The address of the first symbol of that name; 0: unknown. */
uint64_t symbol_address(const struct stores *stores, struct str name);

struct store_stats {
	uint64_t processes, process_evicted, containers, container_evicted;
	uint64_t ipc_objects, ipc_evicted, attaches_evicted;
};
/* Writes all of *out. */
void stores_stats(const struct stores *stores, struct store_stats *out);

#endif
