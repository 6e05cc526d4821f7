/* SPDX-License-Identifier: Apache-2.0 */
/* Which conditions and filters the rule tests have seen both ways: `spoor test --coverage`. */
#ifndef DETECT_COVERAGE_H
#define DETECT_COVERAGE_H

#include "detect.h"

struct coverage {
	uint32_t conditions, covered; /* in all; those that were both true and false */
	uint32_t operands, decided;   /* the same of operands of && and || in them */
	uint32_t steps, came;	      /* of sequences, `until` too; those that an event was */
};

/* After each test, before its counts are forgotten. */
void coverage_note(struct ruleset *ruleset);
/*
 * A warning, with its place, for all that no test has shown. Adds to the sums. named: only of
 * detectors that a test names.
 */
void coverage_tell(const struct ruleset *ruleset, bool named, struct err_list *problems,
		   struct coverage *coverage);

#endif
