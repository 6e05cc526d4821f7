/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detectors with memory as the simplest possible program: everything is kept in lists, and each
 * question is answered by looking at all of it again. What engine/state does must be the same.
 */
#ifndef SUPPORT_MODEL_H
#define SUPPORT_MODEL_H

#include "base/buf.h"

enum {
	MODEL_STEPS = 5,
	MODEL_MEASURES = 3,
	MODEL_EVENTS = 64,
	MODEL_KEYS = 32,
	MODEL_PARTIALS = 8
};

/* What the model knows of an event. */
struct model_event {
	uint8_t def;  /* 0 msgsnd, 1 msgrcv, 2 events_lost */
	uint8_t kind; /* msqid: what steps and measures ask for */
	int8_t value; /* msgsz; -1: the field is absent */
	uint8_t pid, uid;
	uint64_t time; /* ns */
};

struct model_measure {
	uint8_t type;	     /* as enum measure_kind */
	int8_t of, to;	     /* kind of event that counts; -1: any */
	int32_t least, most; /* bounds; -1: none */
};

struct model_step {
	uint8_t def, kind;
	bool absent, repeats, refers; /* refers: its value is that of step 0 */
	uint32_t min, max;
	uint64_t within_previous;
};

struct model_rule {
	bool by_pid, by_uid, by_value, nullable;
	/* A threshold. */
	uint64_t window, every;
	bool tumbling, closing;
	struct model_measure measures[MODEL_MEASURES];
	uint32_t measure_count;
	/* A sequence. */
	struct model_step steps[MODEL_STEPS], until;
	uint32_t step_count; /* 0: it is a threshold */
	bool any_order, has_until, despite_loss;
	uint64_t within;
	uint32_t partials;
};

struct model;

/* The rule as a detector's YAML. */
void model_write(const struct model_rule *rule, struct buf *out);
struct model *model_new(const struct model_rule *rule);
/* As new. */
void model_clear(struct model *model);
void model_free(struct model *model);
/* What fires, a line each, is appended to `out`. */
void model_feed(struct model *model, const struct model_event *event, struct buf *out);
void model_advance(struct model *model, uint64_t now, struct buf *out);
/* A line, as of a detection. */
void model_line(struct buf *out, const char *phase, uint64_t first, uint64_t last, uint64_t events,
		uint64_t lost);

/* And what is known besides, behind it; below 0: null. */
void model_value(struct buf *out, double value);

#endif
