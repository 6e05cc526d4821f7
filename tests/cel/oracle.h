/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference evaluator: walks the checked tree, nothing folded, nothing compiled. Slow and
 * plain; what the machine answers must be what this answers.
 */
#ifndef TESTS_CEL_ORACLE_H
#define TESTS_CEL_ORACLE_H

#include "cel/internal.h"

struct oracle; /* a checked expression */

/* In arena; NULL with err filled: it does not compile. */
struct oracle *oracle_compile(const struct cel_env *env, const struct cel_source *source,
			      const char *want, struct arena *arena, struct err *err);
/*
 * Like cel_eval, but with the budget that run has: it evaluates what the machine skips, so it
 * may take more steps. A budget of 0 afterwards: it ran out and the result means nothing.
 */
struct value oracle_eval(const struct oracle *oracle, struct cel_run *run);

#endif
