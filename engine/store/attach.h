/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has which segments attached, so that their count falls when a process ends or executes: the
 * kernel then detaches what is attached, without a call. Bounded; what it has no room for is not
 * known, and the count is right again at the next call about the segment. Private to engine/store.
 */
#ifndef STORE_ATTACH_H
#define STORE_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

struct attaches;

struct attacher {
	uint32_t pid;
	uint64_t start_time; /* of the leader, boot ns */
};

struct attached {
	uint32_t ipc_ns;
	int32_t id;
	uint32_t count; /* how often, > 0 */
};

/* NULL: out of memory. */
struct attaches *attaches_new(void);
/* NULL is fine. */
void attaches_free(struct attaches *attaches);
void attaches_add(struct attaches *attaches, struct attacher who, uint32_t ipc_ns, int32_t id);
void attaches_remove(struct attaches *attaches, struct attacher who, uint32_t ipc_ns, int32_t id);
/* Calls each for what the process has attached. */
void attaches_each(struct attaches *attaches, struct attacher who,
		   void (*each)(void *ctx, const struct attached *attached), void *ctx);
/* The child has attached what its parent has. */
void attaches_inherit(struct attaches *attaches, struct attacher parent, struct attacher child);
/* It has nothing attached any more. */
void attaches_drop(struct attaches *attaches, struct attacher who);
/* How many were forgotten for want of room. */
uint64_t attaches_evicted(const struct attaches *attaches);

#endif
