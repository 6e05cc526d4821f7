/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Inside the collector: what live.c (the source), plan.c and kernel.c (which hooks),
 * attach.c (attaching them), ring.c (the reader), existing.c (processes and cgroups)
 * and check.c (the doctor) share.
 */
#ifndef SPOOR_BPF_LIVE_H
#define SPOOR_BPF_LIVE_H

#include <linux/types.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/err.h"
#include "source.h"

#include "common/shared.h"

struct spoor_bpf;
struct bpf_link;

/* ---- attach.c ------------------------------------------------------------------ */

enum {
	LINKS_MAX = 128,
	OBJECTS_MAX = PENDING_MAX,
	WANTED_MAX = SLOT_COUNT,
	PROGRAM_NAME_MAX = 64,
	SYMBOL_MAX = 96
};

struct object; /* loaded programs, their plan and their links */

/*
 * What is in the kernel. Events that come to be wanted later bring objects of their own
 * programs, which use the maps of the first.
 */
struct collector {
	struct object *objects[OBJECTS_MAX];
	uint32_t count, detached;
	const struct event_def *wanted[WANTED_MAX];
	size_t wanted_count;
	bool host_names; /* records have them */
};

/*
 * Loads the programs that `want` needs and are not there yet, attaches them, and detaches
 * those not needed any more; what stays is not touched, so none of its events is missed.
 * On failure all is as it was. -ENOTSUP: this kernel cannot (err says what).
 */
int collector_want(struct collector *collector, const struct source_want *want, struct err *err);
/* The object whose maps all use. */
struct spoor_bpf *collector_first(const struct collector *collector);
/* Detaches everything, for good; the maps stay to be read. */
void collector_detach(struct collector *collector);
/* Times the kernel skipped one of our programs because it was running already on that processor. */
uint64_t collector_missed(const struct collector *collector);
void collector_free(struct collector *collector);

/* ---- ring.c -------------------------------------------------------------------- */

struct ring_reader {
	int map_fd, epoll_fd;
	uint64_t *consumer;	  /* our position, the kernel reads it */
	const uint64_t *producer; /* the kernel's position */
	const char *data;	  /* mapped twice in a row: records never wrap */
	size_t bytes, page;
	source_soon soon; /* NULL: nobody is told of records ahead */
	void *soon_ctx;
};

int ring_open(struct ring_reader *ring, int map_fd, size_t bytes, struct err *err);
void ring_close(struct ring_reader *ring);
/* Bytes that wait. */
uint64_t ring_waiting(const struct ring_reader *ring);
/* Sleeps until the ring fills up or the time is over. */
void ring_wait(struct ring_reader *ring, int timeout_ms);
/* Hands over at most `most` records; returns how many. */
uint32_t ring_read(struct ring_reader *ring, uint32_t most, source_sink sink, void *ctx);

/* ---- existing.c ---------------------------------------------------------------- */

struct existing;

enum { CGROUP_MOUNT_MAX = 256 };

/* cgroup_subsystem: as in maps.h, the hierarchy whose ids records carry. */
/* sequence: numbers of records made in user space (WIRE_CPU_NONE), shared with the caller. */
struct existing *existing_new(int cgroup_subsystem, const char *mount, uint64_t *sequence);
void existing_free(struct existing *existing);
/* All processes the iterator shows, and their cgroups. Returns the number of records. */
uint32_t existing_all(struct existing *existing, int iterator_fd, source_sink sink, void *ctx);
/* The System V objects alone, from the same iterator. */
uint32_t existing_objects(struct existing *existing, int iterator_fd, source_sink sink, void *ctx);
/* The process and the cgroup of one record. */
void existing_one(struct existing *existing, const struct wire_header *record, source_sink sink,
		  void *ctx);

/* existing_ipc.c: the objects of all IPC namespaces, told one by one. */
struct ipc_listing {
	uint64_t *sequence; /* numbers of records come from here */
	uint32_t namespaces;
	bool closed; /* one could not be read */
};

/*
 * The objects of the IPC namespace that /proc/PID lives in, if that is `ipc_ns`. Returns how many
 * records went to the sink.
 */
uint32_t existing_ipc(struct ipc_listing *listing, uint32_t pid, uint32_t ipc_ns, source_sink sink,
		      void *ctx);
/* After the last: says so, if these are all. */
uint32_t existing_ipc_end(const struct ipc_listing *listing, source_sink sink, void *ctx);
/*
 * Which hierarchy names containers here: -1 the unified one, else the kernel's index
 * of a v1 controller. mount gets its mount point, "" if there is none.
 */
int cgroup_choose(char mount[CGROUP_MOUNT_MAX]);

#endif
