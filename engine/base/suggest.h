/* SPDX-License-Identifier: Apache-2.0 */
/* "did you mean": the candidate nearest to a misspelt name. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include "value.h"

struct suggest {
	struct str wanted;
	struct str best; /* data == NULL: nothing near enough */
	uint32_t distance;
};

/* Start, try every candidate, then read `best`. */
void suggest_start(struct suggest *suggest, struct str wanted);
void suggest_try(struct suggest *suggest, struct str candidate);

#endif
