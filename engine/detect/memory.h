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

struct memory {
	struct state_config config;
	struct state_rule *rules[2]; /* with the index; without, for rule tests */
	struct memory_name *names;
	uint32_t name_count;
	uint32_t *slots; /* those its expressions read */
	uint32_t slot_count, slot_capacity;
};

#endif
