/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging conditions before any event: parts that can never hold, and parts that always do,
 * from what is known of the fields and from what the conditions before ask for. Only what is
 * certain is found; what is not found may still be so.
 */
#ifndef CEL_JUDGE_H
#define CEL_JUDGE_H

#include "index.h"

/* Kinds of values, as a set. */
enum cel_kinds {
	CEL_KIND_NULL = 1,
	CEL_KIND_BOOL = 2,
	CEL_KIND_WHOLE = 4, /* int and uint */
	CEL_KIND_DOUBLE = 8,
	CEL_KIND_TEXT = 16,
	CEL_KIND_OTHER = 32,
	CEL_KIND_ANY = 63,
};

/* What a field may be when the conditions are asked. */
struct cel_domain {
	uint32_t slot;
	uint8_t kinds;
	long double low, high;		    /* of CEL_KIND_WHOLE */
	const struct cel_guard_term *terms; /* one of them holds; NULL: nothing is known */
	uint32_t term_count;
	struct str why; /* where that comes from: a filter; "" its type alone */
};

enum cel_judgement {
	CEL_NEVER,
	CEL_ALWAYS,
	CEL_ALWAYS_IF_THERE, /* unless the field is absent, when it is an error */
};

/* Each part of a condition is judged once; the first that is never true ends it. */
struct cel_finding {
	enum cel_judgement judgement;
	uint32_t condition, part; /* numbers, from 0 */
	uint32_t parts;		  /* of the condition */
	struct str text;	  /* of the part, as in the source */
	struct str why;		  /* the filter or part that decides; "" it stands for itself */
	int32_t why_condition;	  /* its condition; -1: not a condition */
};
typedef void (*cel_finding_fn)(void *ctx, const struct cel_finding *finding);

/* Conditions are compiled as "bool"; domains of other slots are unknown. 0 or -ENOMEM. */
int cel_judge(const struct cel_program *const *conditions, uint32_t count,
	      const struct cel_domain *domains, uint32_t domain_count, cel_finding_fn found,
	      void *ctx);

#endif
