/* SPDX-License-Identifier: Apache-2.0 */
/* What a detector with memory adds to a detector. Private to engine/detect. */
#ifndef DETECT_MEMORY_H
#define DETECT_MEMORY_H

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

#endif
