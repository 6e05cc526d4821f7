/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules remember: counts over time, steps of a sequence that have happened, labels, variables.
 *
 * One struct state belongs to a ruleset. The time is that of events: it moves when an event is
 * seen (state_advance) or, live, when the clock does; whatever is to happen at a time happens then.
 * Everything a rule remembers is bounded by its limits and given up by quota (keys.h).
 *
 * The rules' expressions are evaluated here, but what their names mean is the client's matter.
 */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include "base/timespan.h"
#include "cel/cel.h"
#include "digest.h"
#include "event.h"

struct state;
struct state_rule;
struct stores;

/* ---- keys ---------------------------------------- */

/* What a part of a key is: an expression, or something known well enough to have a name. */
enum state_part {
	PART_CEL,
#define PART(name, text, doc) PART_##name,
#include "parts.def"
#undef PART
	STATE_PARTS
};

struct state_by_part {
	uint8_t part;  /* enum state_part */
	bool nullable; /* null is a value like others; else the event does not count */
	const struct cel_program *program; /* PART_CEL */
};

/* A tuple; no parts: all events have the same key. */
struct state_by {
	const struct state_by_part *parts;
	uint32_t count;
};

enum { STATE_PARTS_MAX = 8, STATE_MEASURES_MAX = 16, STATE_DISTINCT_MAX = 1024 };

/* The part of that name, PART_CEL if there is none. */
enum state_part state_part_parse(struct str name);
const char *state_part_name(enum state_part part); /* NULL: there is no such part */

/* ---- rules ---------------------------------------- */

enum state_kind { STATE_THRESHOLD, STATE_SEQUENCE };

enum measure_kind { MEASURE_COUNT, MEASURE_DISTINCT, MEASURE_SUM, MEASURE_AVG, MEASURE_RATIO };

struct measure_config {
	const char *name;
	uint8_t kind; /* enum measure_kind */
	/* What is counted (a condition) or taken; NULL with MEASURE_COUNT: every event. */
	const struct cel_program *of;
	const struct cel_program
		*to; /* MEASURE_RATIO: events that hold `of` by those that hold this */
	bool has_least, has_most, has_above, has_below;
	double least, most, above, below; /* all that are there must hold */
	uint64_t samples;		  /* MEASURE_AVG: of so many values at least */
	uint32_t keep;			  /* MEASURE_DISTINCT: values that are told apart */
	uint16_t sum;			  /* where it is among the sums; filled in by state_add */
};

struct threshold_config {
	struct state_by by;
	uint64_t window, every; /* ns; every 0: once until the window has been empty */
	bool tumbling, closing;
	struct measure_config *measures;
	uint32_t measure_count;
};

/* A value of a step's event that later conditions and the output may ask for. */
struct keep_config {
	const struct cel_program *program; /* NULL: a field of the event */
	uint16_t field;
};

/* A step, one that must be absent, or the `until` of a sequence. */
struct step_config {
	const char *name;
	struct state_by by;
	/* Those that refer to earlier steps; the others are asked before the event gets here. */
	const struct cel_program **conditions;
	uint32_t condition_count;
	bool absent, repeats; /* repeats: more than one match belongs to it */
	uint16_t gap;	 /* absent: it stands before this step (the number of steps: at the end) */
	uint16_t number; /* else: its place among the steps that must happen */
	uint32_t min, max;	  /* matches; max 0: any number */
	uint64_t within_previous; /* ns since the match before; 0: any time */
	struct keep_config *keeps;
	uint16_t keep_count, keep_first; /* keep_first: place among all kept values */
};

struct sequence_config {
	struct step_config *steps;  /* all, as written; `until` after them */
	uint32_t step_count;	    /* without `until` */
	uint16_t positive;	    /* how many must happen */
	struct step_config **order; /* these */
	bool has_until, any_order, despite_loss;
	bool has_trailing; /* something must be absent at the end */
	uint64_t within;
	uint64_t lead;	     /* how long what must be absent at the beginning must have been */
	uint32_t keep_count; /* kept values of all steps */
};

/* Limits of one rule; 0: the default. */
struct state_limits {
	uint64_t keys, bytes, partials;
};

enum {
	STATE_KEYS_DEFAULT = 16384,
	STATE_KEYS_MAX = 4 << 20,
	STATE_STEPS_MAX = 32,
	STATE_REPEAT_MAX = 1024, /* of a step that is counted in a sliding time */
};

struct state_config {
	enum state_kind kind;
	struct digest text; /* of the rule as written: two that are equal remember the same */
	void *owner;	    /* the client's: its detector */
	struct state_limits limits;
	const struct event_def *const *inputs; /* events the detector reads */
	const uint16_t *base;		       /* built-in events whose loss it feels */
	uint32_t base_count;
	union {
		struct threshold_config *threshold;
		struct sequence_config *sequence;
	};
};

/* ---- what a rule knows when it fires ---------------------------------------- */

enum state_ref_kind {
	REF_NONE,
	REF_MEASURE, /* index: which */
	REF_PHASE,
	REF_FIRST, /* times of the first and last event that counted */
	REF_LAST,
	REF_EVENTS,	/* how many counted since the first */
	REF_LOST,	/* events that may be missing in that time */
	REF_STEP_TIME,	/* of the last match of step `step` */
	REF_STEP_COUNT, /* its matches */
	REF_KEPT,	/* index: which kept value of step `step` */
};

struct state_ref {
	uint16_t kind; /* enum state_ref_kind */
	uint16_t step, index;
};

struct state_match {
	const struct state_rule *rule;
	const struct event *event; /* the one that completed it, or one kept for this */
	struct event_state summary;
	const void *data; /* the rule's own */
};

/* What state("...") is; null if there is no such value. */
void state_read(const struct state_match *match, struct state_ref ref, struct cel_run *run,
		struct value *out);

struct state_client {
	void *ctx;
	/* Expressions read this match from now on; NULL: none. */
	void (*show)(void *ctx, struct cel_run *run, const struct state_match *match);
	/* The rule fires. run: that of the event at hand; NULL: the time has come. */
	void (*fire)(void *ctx, struct state_rule *rule, struct cel_run *run,
		     const struct state_match *match);
	/* An expression of the rule ended in an error, or has a value that cannot be used. */
	void (*fault)(void *ctx, struct state_rule *rule, const char *what, struct value error);
	const struct stores *stores;
};

/* ---- life ---------------------------------------- */

/* fixed: the secret is always the same, for tests. NULL: out of memory. */
struct state *state_new(bool fixed);
void state_free(struct state *state);
/* Everything: time, losses, what the rules remember. */
void state_forget(struct state *state);
/* config must outlive it. NULL: out of memory. */
struct state_rule *state_add(struct state *state, const struct state_config *config);
/* Takes over from `old` what rules of equal text remember. Both have their rules. */
void state_adopt(struct state *state, struct state *old);
void *state_rule_owner(const struct state_rule *rule);

struct state_input {
	const struct event *event;
	struct cel_run *run; /* set up for the event */
	uint8_t input;	     /* its number among the detector's */
	uint16_t step;	     /* sequences: which of config->steps it is */
};

/* An event that passed the rule's filters and conditions. */
void state_feed(struct state_rule *rule, const struct state_input *input,
		const struct state_client *client);
/* It is `now` (boot ns): whatever is due happens. Going back is no harm. */
void state_advance(struct state *state, uint64_t now, const struct state_client *client);
/* Nothing more will come: episodes end. */
void state_finish(struct state *state, const struct state_client *client);
/* Records of an event were lost up to `time`; id 0: it is not known of which. */
void state_lost(struct state *state, uint64_t time, uint16_t id, uint64_t count);
uint64_t state_now(const struct state *state);

struct state_stats {
	uint64_t keys, keys_max, bytes, bytes_max;
	uint64_t evicted;   /* keys given up for others */
	uint64_t expired;   /* keys whose time was over */
	uint64_t null_keys; /* events without a key */
	uint64_t late;	    /* events too old to count */
	uint64_t partial;   /* verdicts with events missing */
	uint64_t inexact;   /* windows that memory was too small for */
	uint64_t partials;  /* sequences begun */
	uint64_t replaced;  /* of these: given up for newer ones of the same key */
	uint64_t withheld;  /* absence that was not told because events were lost */
};
void state_rule_stats(const struct state_rule *rule, struct state_stats *out);

#endif
