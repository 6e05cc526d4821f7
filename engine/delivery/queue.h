/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the pipeline and the spool: finished alerts in memory, bounded in bytes. Two
 * buffers: the pipeline fills one while the spool's thread writes the other away, so that the lock
 * is held only for a copy, or to exchange the two, and never while anything waits for a disk.
 *
 * What does not fit is dropped as `full` says, and counted: the spool's thread turns the counts
 * into a record that receivers see.
 */
#ifndef DELIVERY_QUEUE_H
#define DELIVERY_QUEUE_H

#include <pthread.h>
#include <signal.h>

#include "delivery/loss.h"
#include "delivery/row.h"

/* What to do when there is no room, in memory or in the spool. */
enum full_policy {
	FULL_BLOCK,	  /* the pipeline waits */
	FULL_DROP_NEWEST, /* what comes is dropped */
	FULL_DROP_OLDEST, /* what has waited longest is dropped */
	FULL_DROP_LEAST,  /* the less severe, the earlier: full_mark() */
	FULL_POLICIES
};

/* As they are written in the configuration, in the order of the enum, space-separated. */
#define FULL_POLICY_NAMES "block drop-newest drop-oldest drop-severity"

/* Parts in 100 of the room that alerts of a severity may use under FULL_DROP_LEAST. */
unsigned full_mark(int severity);

struct queue_buffer {
	char *data;
	size_t size, head, tail, used;
	uint32_t count;
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct queue_buffer buffers[2];
	unsigned filling; /* index of the buffer the pipeline fills */
	enum full_policy full;
	const volatile sig_atomic_t *stop; /* not 0: nobody waits for room any more; may be NULL */
	bool waiting, poked, closed;
	struct loss loss; /* what was dropped since the last queue_take */
	uint64_t taken;	  /* put and not refused, ever */
	uint64_t dropped; /* ever */
	uint64_t blocked; /* ns the pipeline has waited for room */
};

/* size: bytes of each buffer; memory is touched only as far as it is used. 0 or -ENOMEM. */
int queue_open(struct queue *queue, size_t size, enum full_policy full);
void queue_close(struct queue *queue);

/* Copies the row. False: it was dropped, and counted. Never allocates. */
bool queue_put(struct queue *queue, const struct row *row);
/* A row that nobody could keep: counts it like one that did not fit. Always false. */
bool queue_refuse(struct queue *queue, const struct row *row);
/* From now on nothing is taken any more: queue_put refuses, nobody waits for room. */
void queue_shut(struct queue *queue);
bool queue_is_shut(struct queue *queue);
/* Wakes the thread that waits in queue_wait. */
void queue_poke(struct queue *queue);

/*
 * For the spool's thread: waits until there is something, a poke or the deadline (CLOCK_MONOTONIC
 * ns). half: not for anything, but for half a buffer.
 */
void queue_wait(struct queue *queue, bool half, uint64_t deadline);
/* Exchanges the buffers. The full one is the caller's until the next call. */
struct queue_buffer *queue_take(struct queue *queue, struct loss *loss);
/* The rows of a buffer in order: *at from 0. False: no more. Strings point into it. */
bool queue_next(const struct queue_buffer *buffer, size_t *at, struct row *row);

struct queue_stats {
	uint64_t records, bytes, size; /* waiting now; bytes there may be */
	uint64_t taken, dropped, blocked;
};
void queue_stats(struct queue *queue, struct queue_stats *out);

#endif
