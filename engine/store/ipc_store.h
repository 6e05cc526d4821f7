/* SPDX-License-Identifier: Apache-2.0 */
/* The store of System V IPC objects, private to engine/store; ipc.h is what others see. */
#ifndef STORE_IPC_STORE_H
#define STORE_IPC_STORE_H

#include "ipc.h"
#include "store.h"

struct ipc_store;

/* capacity: objects; 0: the default. NULL: out of memory. */
struct ipc_store *ipc_store_new(uint32_t capacity);
/* NULL is fine. */
void ipc_store_free(struct ipc_store *store);
/* Learns from a record of one of the twelve calls, of an object that existed, or of a loss. */
void ipc_store_update(struct ipc_store *store, const struct wire_header *record);

/*
 * A process has ended that a child outlives: what it made last, 1024 objects, is the child's to
 * remove now; what is beyond stays its own. Times: boot ns, of the leader.
 */
void ipc_store_leave(struct ipc_store *store, uint32_t pid, uint64_t start_time, uint32_t heir,
		     uint64_t heir_start_time);

/* Are there objects that are this process's to remove? */
bool ipc_store_keeps(const struct ipc_store *store, uint32_t pid, uint64_t start_time);

/*
 * A process has started a child with a copy of its memory: what it has attached, that has attached,
 * too. And a process has ended, or executes a program: it has nothing attached any more.
 */
void ipc_store_fork(struct ipc_store *store, uint32_t pid, uint64_t start_time, uint32_t child,
		    uint64_t child_start_time);
void ipc_store_detach(struct ipc_store *store, uint32_t pid, uint64_t start_time);

/* Fills the members of *out that are its own. */
void ipc_store_stats(const struct ipc_store *store, struct store_stats *out);

/* Of the stores; kept in process.c. */
const struct ipc_store *stores_ipc(const struct stores *stores);

#endif
