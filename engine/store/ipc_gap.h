/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store of System V objects does not know: objects whose making was lost, and those it
 * gave up for want of room. Private to engine/store.
 */
#ifndef STORE_IPC_GAP_H
#define STORE_IPC_GAP_H

#include "ipc.h"

enum {
	GAP_BITS = 1 << 20,    /* of a generation of what was given up */
	GAP_EVICTED = 1 << 16, /* so many are in one; those before the last but one are forgotten */
};

struct ipc_gaps {
	uint64_t lost[IPC_KINDS]; /* boot ns; when the making of some was last lost; 0: never */
	uint64_t listed;	  /* when all there are were told */
	/* Identities that were given up, as bits by hash: the newer and the older ones. */
	uint64_t *evicted[2]; /* pages_reserve()d: nothing until something is given up */
	uint32_t evicted_count;
};

/* 0, or -ENOMEM. */
int ipc_gaps_init(struct ipc_gaps *gaps);
void ipc_gaps_free(struct ipc_gaps *gaps);
/* Records of this event were lost: the calls that make objects matter. "": any. time: boot ns. */
void ipc_gaps_lose(struct ipc_gaps *gaps, struct str event, uint64_t time);
/* An object was given up that was still there; hash: of its identity. */
void ipc_gaps_evict(struct ipc_gaps *gaps, uint64_t hash);
/* May an object be there that the store does not know? Rarely true though there is none. */
bool ipc_gaps_may_hide(const struct ipc_gaps *gaps, enum ipc_kind kind, uint64_t hash);

#endif
