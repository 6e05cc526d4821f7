/* SPDX-License-Identifier: Apache-2.0 */
/* Random expressions that mostly type-check, and the environment they speak of. */
#ifndef TESTS_CEL_RANDOM_H
#define TESTS_CEL_RANDOM_H

#include "base/buf.h"
#include "cel/cel.h"

struct random {
	uint64_t state;
};

uint32_t random_below(struct random *random, uint32_t limit);
/* Appends an expression of at most `depth` levels, a bool one. */
void random_condition(struct random *random, struct buf *out, uint32_t depth);
/* The same of any type. */
void random_expression(struct random *random, struct buf *out, uint32_t depth);

enum { RANDOM_SLOTS = 8 };

/* Variables b i u d s y l t m x n e, slots f0 to f7. NULL: out of memory. */
struct cel_env *random_env(uint32_t options);

/* What one evaluation sees; filled anew by random_event. */
struct random_event {
	struct value variables[12];
	struct value slots[RANDOM_SLOTS]; /* as load gives them */
};
void random_event(struct random *random, struct arena *arena, struct random_event *out);
/* Makes run read the event; slots and known must have room for RANDOM_SLOTS. */
void random_bind(struct cel_run *run, const struct random_event *event);

#endif
