/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A condition's operands of && and ||, each a program of its own: beside the condition they are
 * evaluated again in rule tests, to tell which of them was never true or never false. Nobody else
 * has any.
 */
#ifndef DETECT_PARTS_H
#define DETECT_PARTS_H

#include "ruleset.h"

struct part {
	const struct cel_program *program; /* of an operand; NULL: it has items */
	struct str text;
	uint32_t line, column;
	bool is_and;
	bool seen_true, seen_false;
	struct part *items;
	uint32_t count;
};

/* Of a condition that compiles; NULL: it is one operand, or there is no memory. */
struct part *parts_new(struct loader *loader, struct report *report, const struct cel_env *env,
		       const struct yaml_node *node);
/* Evaluates them as the condition does, an operand only if those before it do not decide. */
void parts_note(struct part *part, struct cel_run *run);
/* Walks the operands in the order they are written. */
void parts_each(const struct part *part, void (*visit)(void *ctx, const struct part *part),
		void *ctx);

#endif
