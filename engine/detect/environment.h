/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules can say: the variables, fields, constants and functions that conditions
 * see beside CEL's own. Names and types of Tracee's part are Tracee's exactly; ours
 * are `context`, `origin`, `hasBits`, `process.related` and the kernel's constants.
 */
#ifndef DETECT_ENVIRONMENT_H
#define DETECT_ENVIRONMENT_H

#include "cel/cel.h"
#include "event.h"
#include "state/state.h"

struct stores;

/* One run of CEL over an event; cel.object is the event, cel.user the stores. */
struct detect_run {
	struct cel_run cel;
	const struct event *event;
	const int16_t *fields; /* slot number to position in the event, -1: it has no such field */
	struct value item;     /* of output.for_each; null in all other expressions */
	const struct state_ref *refs;	 /* slots that are state(...); NULL: none is */
	const struct state_match *match; /* what those read; NULL: null */
	/* The memories of the facts that slots are; by the index of the reference. */
	struct state_rule *(*fact)(void *ctx, uint32_t index);
	void *fact_ctx;
};

/* Who answers the names given to state, variable, hasLabel and score. */
struct environment_memory {
	cel_resolve_fn state, variable, label, score;
};

/*
 * A new environment with options of cel.h. resolve and ctx answer the names given to
 * getEventData and hasData, memory and ctx those of what rules remember (NULL: there is nothing).
 * NULL: out of memory. cel_env_free frees it.
 */
struct cel_env *environment_new(uint32_t options, cel_resolve_fn resolve,
				const struct environment_memory *memory, void *ctx);

/*
 * One that takes what Tracee's own does, for asking whether it would refuse an expression: its
 * variables and functions, no constants, any name of a field. Nothing is evaluated in it.
 */
struct cel_env *environment_new_tracee(void);

/* detect_run's cel.load. */
void environment_load(struct cel_run *run, uint32_t slot);

/* environment_fields.c: declare the message types, and the variables that have them. */
int environment_messages(struct cel_env *env);
/* tracee: only those that Tracee has. */
int environment_variables(struct cel_env *env, bool tracee);
/* `item`, for the output fields of a detector that has output.for_each. 0 or -ENOMEM. */
int environment_item(struct cel_env *env);

/* All functions of ours; the message types they give must be declared before. */
int environment_declare_functions(struct cel_env *env);

/* environment_functions.c */
extern const struct cel_function environment_functions[];
extern const uint32_t environment_function_count;
extern const uint32_t environment_tracee_count; /* so many of them, the first, are Tracee's */
/* The row of a function that asks a store this sensor does not have; NULL: it is none. */
const struct cel_function *environment_absent(struct str name);
/* Facts of this host for system.info(), read once. */
void environment_learn_host(void);

struct environment_constant {
	const char *name;
	int64_t value;
};

/* The kernel's constants by name, sorted. */
extern const struct environment_constant environment_constants[];
extern const size_t environment_constant_count;

/* True if the event has a workload: anything but an event nobody caused. */
bool event_has_workload(const struct event *event);

#endif
