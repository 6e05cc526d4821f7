/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one key did within a time that moves along: numbers that are added up (struct window_log),
 * and values that are counted once (struct distinct). Memory comes from the rule's slab, and both
 * go on, less exact, when there is no more of it.
 */
#ifndef STATE_WINDOW_H
#define STATE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slab.h"

/*
 * A log of additions, oldest first. It is exact until it is as large as a slab's piece can be
 * (4,096 additions of one event each, fewer if numbers are added up); then it moves on in steps of
 * a WINDOW_PANES-th of its length.
 */
enum { WINDOW_PANES = 64, WINDOW_CLASSES = SLAB_CLASSES + 1 };

struct window_shape {
	uint64_t length;  /* ns */
	uint32_t sums;	  /* numbers added up beside the number of events */
	uint16_t item[2]; /* bytes of one, exact and coarse */
	uint16_t tail;	  /* items of a tail */
	/* Items of pieces of each size (their class; 0: no piece), exact and coarse. */
	uint16_t capacity[2][WINDOW_CLASSES];
};

/*
 * Half a cache line. The newest items stand in a tail that the user keeps beside it, and move to
 * the piece together when the tail is full: most events touch nothing else.
 */
struct window_log {
	uint64_t oldest, newest; /* times of the ends; newest: of all events there were, 0: none */
	uint64_t events;	 /* in the window */
	uint32_t piece : 26, class : 4;		   /* of the slab */
	uint32_t coarse : 1;			   /* items stand for more than one event */
	uint32_t mark : 1;			   /* the user's own */
	uint32_t first : 13, count : 13, tail : 6; /* in the piece; in the tail, which are newer */
};

/* tail: bytes there are for it; 0: none. */
void window_shape_init(struct window_shape *shape, uint64_t length, uint32_t sums, size_t tail);
/* An event at `time` needs room that is not there, and window_grow may make it. */
static inline bool window_needs_room(const struct window_log *log, const struct window_shape *shape,
				     uint64_t time)
{
	bool late = time < log->newest;

	return (log->tail == shape->tail || late) && !log->coarse &&
	       log->count + log->tail + (late || !shape->tail) > shape->capacity[0][log->class] &&
	       log->class < WINDOW_CLASSES - 1;
}
/* Makes the piece larger; false: the slab has no memory. */
bool window_grow(struct window_log *log, const struct window_shape *shape, struct slab *slab);

/* The user's memory: all of these belong to a log. */
struct window {
	struct window_log *log;
	const struct window_shape *shape;
	struct slab *slab;
	uint64_t *tail;
	double *sums; /* of what is in the window */
};

/*
 * Adds an event at `time`, which may be somewhat earlier than the last one. `values` has a number
 * for each sum. False: there was no memory for it to be exact.
 */
bool window_add(const struct window *window, uint64_t time, const double *values);
/* An event will be added: fetches what that will touch, if it is more than the log. */
void window_fetch(const struct window_log *log, const struct window_shape *shape,
		  const struct slab *slab);
/* Takes out what happened at `until` or before. */
void window_drop(const struct window *window, uint64_t until);
static inline void window_expire(const struct window *window, uint64_t until)
{
	if (window->log->events && window->log->oldest <= until)
		window_drop(window, until);
}
/* Time of the oldest; 0: it is empty. */
static inline uint64_t window_oldest(const struct window_log *log)
{
	return log->events ? log->oldest : 0;
}
void window_free(struct window_log *log, struct slab *slab);

/* The different values seen last, each with the time it was last seen. */
enum { DISTINCT_MAX = 1024, DISTINCT_FEW = 1 };

struct distinct_seen {
	uint64_t hash, last;
	uint16_t older, newer; /* plus one */
	uint16_t next;	       /* in its bucket, plus one */
	uint16_t unused;
};

/* A few stand in it, more in a piece of the slab. */
struct distinct {
	uint32_t piece;				  /* of the slab */
	uint16_t capacity, count, oldest, newest; /* capacity 0: no piece */
	struct distinct_seen few[DISTINCT_FEW];
};

/*
 * `most`: how many are kept; the one seen longest ago is forgotten then. False: the slab has no
 * memory for another, and nothing has been done.
 */
bool distinct_add(struct distinct *set, struct slab *slab, uint32_t most, uint64_t hash,
		  uint64_t time);
/* The same of one that found no memory: the one seen longest ago is forgotten for it. */
void distinct_replace(struct distinct *set, struct slab *slab, uint64_t hash, uint64_t time);
void distinct_expire(struct distinct *set, const struct slab *slab, uint64_t until);
void distinct_free(struct distinct *set, struct slab *slab);

#endif
