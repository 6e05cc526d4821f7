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
	struct str field; /* PART_CEL: the field that is all of it; without data: it is more */
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

enum state_kind { STATE_THRESHOLD, STATE_SEQUENCE, STATE_FACT };

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
	/* Filled in by state_add: the times a match keeps of this step, and how far in they are. */
	uint32_t room, times_at;
};

struct sequence_config {
	struct step_config *steps;  /* all, as written; `until` after them */
	uint32_t step_count;	    /* without `until` */
	uint16_t positive;	    /* how many must happen */
	struct step_config **order; /* these */
	bool has_until, any_order, despite_loss;
	bool has_trailing; /* something must be absent at the end */
	uint64_t within;
	uint32_t keep_count; /* kept values of all steps */
};

/*
 * A fact: something that rules say of an entity (a process, a user, ...) and others ask for.
 */
enum fact_kind {
	FACT_LABEL,    /* it has it or not */
	FACT_VARIABLE, /* a value, or a list of different ones */
	FACT_SCORE,    /* a number that halves in a time */
	FACT_SEEN,     /* it has been seen */
};

enum { STATE_LIST_MAX = 64 }; /* values of a list */

struct fact_config {
	uint8_t kind;		/* enum fact_kind */
	bool inherit;		/* by processes that are started */
	struct state_by by;	/* the entity */
	uint64_t half_life;	/* FACT_SCORE, ns */
	uint64_t learn, forget; /* FACT_SEEN, ns; forget 0: never */
};

/* Limits of one rule; 0: the default. */
struct state_limits {
	uint64_t keys, bytes, partials;
};

enum {
	STATE_KEYS_DEFAULT = 16384,
	STATE_BYTES_DEFAULT = 16 << 20,
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
		struct fact_config *fact;
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
	REF_FACT,	/* not of a match: index: which of the client's facts */
};

struct state_ref {
	uint16_t kind; /* enum state_ref_kind */
	uint16_t step, index;
};

struct state_input;

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
	/*
	 * Sets up the run of an event that was held, and feeds the rule with it (state_feed). Never
	 * called while an event is at hand.
	 */
	void (*again)(void *ctx, struct state_rule *rule, struct state_input *input);
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
/* Events may come so much later (ns) than others of the same time; at first 0. */
void state_set_slack(struct state *state, uint64_t slack);
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
/* Evaluates with a fresh budget. */
struct value state_evaluate(const struct cel_program *program, struct cel_run *run);

/* ---- facts: rule is one of kind STATE_FACT ---- */

/* What is known of the event's entity: bool of a label, value, list or null, double of a score. */
struct value fact_get(struct state_rule *rule, const struct state_input *input);
/* ttl: ns, 0: for as long as the entity lives. */
void fact_set(struct state_rule *rule, const struct state_input *input, struct value value,
	      uint64_t ttl);
/* Adds a value to the list, unless it is there; the oldest goes when there are STATE_LIST_MAX. */
void fact_add(struct state_rule *rule, const struct state_input *input, struct value value,
	      uint64_t ttl);
void fact_clear(struct state_rule *rule, const struct state_input *input);
/* The score afterwards; *before: that before. False: the event has no entity. */
bool fact_score(struct state_rule *rule, const struct state_input *input, double amount,
		double *before, double *after);
/* The label came with the process, from one that started it. */
bool fact_is_inherited(struct state_rule *rule, const struct state_input *input);
/* True for what has not been seen before, once learning is over. */
bool fact_first_seen(struct state_rule *rule, const struct state_input *input,
		     const struct state_client *client);
/* A process starts another, and ends. */
void state_fork(struct state *state, uint32_t pid, uint64_t start, uint32_t child,
		uint64_t child_start);
void state_exit(struct state *state, uint32_t pid, uint64_t start);
/*
 * What FACT_SEEN rules know, to a file and back: 0 or a negative errno. epoch_ns: of boot. A file
 * that is not there is -ENOENT, one that is damaged -EBADMSG; then nothing is read.
 */
int state_save(const struct state *state, const char *path, uint64_t epoch_ns);
int state_load(struct state *state, const char *path, uint64_t epoch_ns);

/* It is `now` (boot ns): whatever is due happens. Going back is no harm. */
void state_advance(struct state *state, uint64_t now, const struct state_client *client);
/* Nothing more will come: episodes end. */
void state_finish(struct state *state, const struct state_client *client);
/*
 * A record that will be an event after STATE_SOON - 1 others: memory that it will need is fetched
 * ahead, with no other effect. It need not have been checked but for its size.
 */
enum { STATE_SOON = 4 };
void state_soon(struct state *state, const struct wire_header *wire);
/* Records of an event were lost up to `time`; id 0: it is not known of which. */
void state_lost(struct state *state, uint64_t time, uint16_t id, uint64_t count);
uint64_t state_now(const struct state *state);

struct state_stats {
	uint64_t keys, keys_max, bytes, bytes_max;
	uint64_t evicted;  /* keys given up for others */
	uint64_t expired;  /* keys whose time was over */
	uint64_t late;	   /* events too old to count, or to be put in order */
	uint64_t unheld;   /* steps given up before they could be put in order */
	uint64_t inexact;  /* windows that memory was too small for */
	uint64_t replaced; /* sequences begun that were given up for newer ones of the same key */
	uint64_t withheld; /* absence that was not told because events were lost */
};
void state_rule_stats(const struct state_rule *rule, struct state_stats *out);
/* Of all rules together. */
void state_total(const struct state *state, struct state_stats *out);

#endif
