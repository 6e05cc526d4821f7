/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named points at which a test ends the process with SIGKILL. Only builds with SPOOR_FAULTS have
 * them (tests/build.mk makes one for the crash tests); in all others they are nothing.
 */
#ifndef DELIVERY_FAULT_H
#define DELIVERY_FAULT_H

/* All of them, for tests that go through the list. */
#define FAULT_POINTS(X) \
	X(queue_taken) \
	X(transaction_begun) \
	X(row_added) \
	X(rows_added) \
	X(losses_written) \
	X(cursor_written) \
	X(dead_written) \
	X(before_commit) \
	X(after_commit) \
	X(rows_trimmed) \
	X(checkpointed) \
	X(batch_read) \
	X(before_send) \
	X(after_send) \
	X(acknowledged) \
	X(retry_found)

#ifdef SPOOR_FAULTS
/* Ends the process when the point chosen by fault_arm is reached for the n-th time. */
void fault_reach(const char *name);
/* name: NULL for none; count: from 1. Before any thread of delivery is started. */
void fault_arm(const char *name, unsigned count);
#define FAULT(name) fault_reach(#name)
#else
#define FAULT(name) ((void)0)
#endif

#endif
