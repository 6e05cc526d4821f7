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
 * (2,048 additions of one event each); then it moves on in steps of a WINDOW_PANES-th of its
 * length.
 */
enum { WINDOW_PANES = 64 };

struct window_shape {
	uint64_t length; /* ns */
	uint32_t sums;	 /* numbers added up beside the number of events */
};

struct window_log {
	char *items;
	uint32_t first, count, capacity;
	uint32_t size; /* bytes of the piece */
	bool coarse;
	uint64_t oldest, newest; /* times of the ends, if it holds any: to leave the items alone */
};

/* What is in the window. */
struct window_totals {
	uint64_t events;
	double sums[];
};

/* The log is full and could be larger. */
bool window_is_full(const struct window_log *log);
/* Makes it larger; false: the slab has no memory. */
bool window_grow(struct window_log *log, const struct window_shape *shape, struct slab *slab);
/*
 * Adds an event at `time`, which may be somewhat earlier than the last one. `values` has a number
 * for each sum. False: there was no memory for it to be exact.
 */
bool window_add(struct window_log *log, const struct window_shape *shape, uint64_t time,
		const double *values, struct window_totals *totals);
/* Takes out what happened at `until` or before. */
void window_expire(struct window_log *log, const struct window_shape *shape, uint64_t until,
		   struct window_totals *totals);
/* Time of the oldest; 0: it is empty. */
uint64_t window_oldest(const struct window_log *log, const struct window_shape *shape);
void window_free(struct window_log *log, struct slab *slab);

/* The different values seen last, each with the time it was last seen. */
enum { DISTINCT_MAX = 1024 };

struct distinct {
	char *piece;
	uint32_t size; /* bytes of the piece */
	uint16_t capacity, count, oldest, newest;
};

/* `most`: how many are kept; the one seen longest ago is forgotten then. */
void distinct_add(struct distinct *set, struct slab *slab, uint32_t most, uint64_t hash,
		  uint64_t time);
void distinct_expire(struct distinct *set, uint64_t until);
void distinct_free(struct distinct *set, struct slab *slab);

#endif
