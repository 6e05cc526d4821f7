/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages a record passes, in order. Everything they work on is borrowed from the
 * sensor (spoor.c); the pipeline owns only its batch arena and its counts.
 */
#ifndef ENGINE_PIPELINE_H
#define ENGINE_PIPELINE_H

#include "base/arena.h"
#include "source.h"
#include "spoor.h"

struct ruleset;
struct policies;
struct stores;
struct outputs;
struct delivery;
struct suppress;

struct pipeline {
	const struct source_ops *source_ops;
	struct source *source;
	struct ruleset *ruleset;
	struct policies *policies;
	struct stores *stores;
	struct outputs *outputs;
	struct delivery *delivery;	/* NULL: none */
	struct suppress *suppress;	/* NULL: nothing is held back */
	struct capture_writer *capture; /* NULL: not recording */
	int capture_error;		/* of the first capture_write that failed */
	struct clock clock;
	const struct host *host; /* the records' */
	uint64_t sequence;	 /* of the last alert */
	spoor_event_fn on_event;
	void *on_event_ctx;
	struct arena arena; /* temporaries of one event */
	uint64_t events, alerts, printed;
};

/* A suppress_fn: an event of the sensor's own, for all outputs whatever the policies say. */
void pipeline_report(void *ctx, const struct event *event);
/* A source_sink: ctx is a struct pipeline. */
void pipeline_take(void *ctx, const struct wire_header *record, const struct event_given *given);

/* A source_soon: ctx is a struct pipeline. */
void pipeline_soon(void *ctx, const struct wire_header *record);

/* No event has come, and it is `now` (boot ns): what rules have waited for is overdue. */
void pipeline_tick(struct pipeline *pipeline, uint64_t now);
/* No event will come any more. */
void pipeline_finish(struct pipeline *pipeline);

#endif
