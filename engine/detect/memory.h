/* SPDX-License-Identifier: Apache-2.0 */
/* What a detector with memory adds to a detector. Private to engine/detect. */
#ifndef DETECT_MEMORY_H
#define DETECT_MEMORY_H

#include "base/yaml.h"
#include "state/state.h"

/* What state("name") may name. */
struct memory_name {
	struct str name;
	struct state_ref ref;
	const char *type; /* as CEL has it */
};

/* What a step asks of its events, before the sequence is looked at. */
struct memory_step {
	uint8_t input; /* number of its event among the detector's */
	struct condition *conditions;
	uint32_t condition_count;
	/* For coverage.h alone: those about earlier steps, which the sequence asks itself. */
	struct condition *late;
	uint32_t late_count;
	uint32_t line; /* where the file has it */
	bool came;     /* in any rule test, an event passed the conditions */
};

struct memory {
	struct state_config config;
	struct state_rule *rules[2]; /* with the index; without, for rule tests */
	struct memory_name *names;
	uint32_t name_count;
	struct memory_step *steps; /* of a sequence: all, then `until` */
	uint32_t step_count;
	uint32_t *slots; /* those its expressions read */
	uint32_t slot_count, slot_capacity;
};

/* What detectors say of entities, under one name in all of them. */
struct fact {
	struct str name;
	struct state_config config; /* config.fact is set */
	struct state_rule *rules[2];
	uint32_t slot; /* that conditions read it by, plus one; 0: none does */
	const char *path;
	uint32_t line; /* where it was first named */
};

enum action_kind { ACTION_SET, ACTION_ADD, ACTION_CLEAR };

/* What a detector does when it fires. */
struct action {
	uint8_t kind; /* enum action_kind */
	struct fact *fact;
	const struct yaml_node *text;	 /* of value, while loading */
	const struct cel_program *value; /* NULL: a label */
	uint64_t ttl;
};

/* What decides beside its conditions whether a detector fires, and what it leaves behind. */
struct effects {
	struct fact *seen;  /* first_seen; NULL: not wanted */
	struct fact *score; /* NULL: none */
	const struct cel_program *amount;
	bool has_least;
	double at_least;
	struct fact **ancestors; /* descendant_of: one of these labels must be inherited */
	uint32_t ancestor_count;
	struct action *actions;
	uint32_t action_count, action_capacity;
	bool silent;
};

#endif
