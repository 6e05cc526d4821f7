/* SPDX-License-Identifier: Apache-2.0 */
/* One event on its way through the ruleset. Private to run.c and remember.c. */
#ifndef DETECT_RUN_H
#define DETECT_RUN_H

#include "ruleset.h"

/* What has fired on one event so far; a detector that reads it twice may fire twice in a row. */
struct fired {
	const struct detector *last;
	uint32_t repeat;
};

struct chain {
	struct ruleset *ruleset;
	const struct stores *stores;
	struct arena *arena;
	detect_sink sink;
	void *ctx;
	uint32_t made;
	struct fired *fired; /* on the event at hand */
};

/* ---- run.c ---- */

/* Sets up `out` for an event that somebody listens to, on a level whose scratch is not in use. */
void run_prepare(struct chain *chain, const struct event *event, uint32_t level,
		 struct detect_run *out);
/*
 * The conditions on its state, its output, its event, and what follows from that. state: NULL for
 * a detector without memory.
 */
void detector_fire(struct chain *chain, struct detector *d, const struct event *event,
		   struct cel_run *run, uint32_t level, const struct event_state *state);
/* Counts, and keeps what the first one was: an error may hide what should be detected. */
void fault_note(struct ruleset *ruleset, struct detector *d, struct value error, const char *format,
		...) PRINTF_LIKE(4, 5);

/* ---- effects.c ---- */

/* Its process comes from one that it must come from. */
bool effects_descend(struct chain *chain, const struct effects *effects,
		     const struct state_input *input);
/* All conditions hold: does it fire? Then what it leaves behind is left. */
bool effects_take(struct chain *chain, struct detector *d, const struct state_input *input,
		  const struct state_client *client);

/* ---- remember.c ---- */

struct remembering {
	struct chain *chain;
	uint32_t level;
	struct memory_step *step; /* that the event may be; NULL: none */
};

/* What engine/state asks of us. */
struct state_client client_of(struct remembering *remembering);

/* The event passed the conditions of a detector with memory. */
void detector_remember(struct chain *chain, const struct subscription *s, const struct event *event,
		       struct cel_run *run, uint32_t level);
/* The event's time has come; and if it tells of a loss, that is noted. */
void chain_advance(struct chain *chain, const struct event *event);
/* And it is over: a process that has ended is forgotten. */
void chain_settle(struct chain *chain, const struct event *event);

#endif
