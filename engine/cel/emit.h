/* SPDX-License-Identifier: Apache-2.0 */
/* The state of writing a program; emit.c and the fusing of instructions share it. */
#ifndef CEL_EMIT_H
#define CEL_EMIT_H

#include "internal.h"

struct emit {
	struct compile *compile;
	bool trial; /* for constant folding: what fails is left as it is */
	struct instruction *code;
	uint32_t count, capacity;
	struct value *constants;
	uint32_t constant_count, constant_capacity;
	uint16_t next; /* first free register */
	uint32_t most; /* registers ever used */
};

uint32_t emit_code(struct emit *emit, struct instruction instruction);
uint16_t emit_register(struct emit *emit);
uint16_t emit_constant(struct emit *emit, struct value value);
/* A register or constant that holds the value of the node. */
uint16_t emit_operand(struct emit *emit, struct node *node);

/* A field compared with a constant. */
struct fused {
	uint16_t opcode; /* slot_X; the next two are and_slot_X and or_slot_X */
	uint16_t slot;
	struct value constant;
};

/* Is the node such a predicate? fuse.c. */
bool fuse_predicate(const struct node *node, struct fused *out);

#endif
