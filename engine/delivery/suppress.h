/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fewer alerts of the same kind: of those that share a detector and a key, `limit` pass within
 * `window`; the rest is counted, and an alerts_suppressed event tells the count when the window
 * ends. Works on the pipeline's thread, in event time, in memory of fixed size.
 */
#ifndef DELIVERY_SUPPRESS_H
#define DELIVERY_SUPPRESS_H

#include "delivery/delivery.h"

enum suppress_part {
	SUPPRESS_PROCESS,
	SUPPRESS_PID,
	SUPPRESS_USER,
	SUPPRESS_CONTAINER,
	SUPPRESS_FIELD
};

/* One part of the key. */
struct suppress_key {
	enum suppress_part part;
	struct str field; /* SUPPRESS_FIELD: name of a field of the detection's data */
};

struct suppress_rule {
	struct names_wanted detectors; /* by name or id */
	const struct suppress_key *keys;
	uint32_t key_count; /* 0: all alerts of a detector are the same */
	uint64_t window_ns;
	uint32_t limit; /* alerts that pass in a window, 1 at least */
};

struct suppress;

/* Called with an alerts_suppressed event; valid during the call. */
typedef void (*suppress_fn)(void *ctx, const struct event *event);

/* The rules must live as long. NULL: out of memory. */
struct suppress *suppress_new(const struct suppress_rule *rules, uint32_t count, suppress_fn fn,
			      void *ctx);
/* May this alert pass? May first end windows, so that their counts come before it. */
bool suppress_pass(struct suppress *suppress, const struct event *event);
/* Ends the windows that are over at `now` (epoch ns); UINT64_MAX: all. */
void suppress_advance(struct suppress *suppress, uint64_t now);
/* How many were suppressed so far. */
uint64_t suppress_count(const struct suppress *suppress);
/* NULL is fine. */
void suppress_free(struct suppress *suppress);

#endif
