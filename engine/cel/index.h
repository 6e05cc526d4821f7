/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index: many rules over the same events, found by what they ask for instead of one by
 * one. A rule is a list of conditions, all of which must hold; the index looks at each value
 * that rules compare with constants once, and answers which rules may hold.
 *
 * What fires is exactly what cel_eval says, condition by condition. Only the books differ: a rule
 * that the index rules out counts as "does not hold", although one of its conditions might have
 * ended in an error (where a computed value is the error the rule is tried, and it is counted);
 * and parts of a condition that the index answers take no steps from the budget.
 *
 * An index is immutable and may be shared; what belongs to one event is in struct cel_match.
 */
#ifndef CEL_INDEX_H
#define CEL_INDEX_H

#include "cel.h"

struct cel_index;
struct cel_match;
struct buf;

/* ---- building ------------------------------------------------------------- */

enum cel_test { CEL_TEST_EQUAL, CEL_TEST_PREFIX, CEL_TEST_SUFFIX, CEL_TEST_CONTAINS };

struct cel_guard_term {
	enum cel_test test;
	struct value
		constant; /* string; for CEL_TEST_EQUAL also an int or uint below 2^63, or a bool */
};

/*
 * A test that the caller makes before the conditions (a filter), as far as the index may use
 * it: a rule whose guard fails is not offered. Text terms say nothing about a value that is
 * neither text nor null, number terms nothing about one that is neither number nor null; then
 * the rule is offered. The caller tests for itself what is offered.
 */
struct cel_guard {
	cel_get_fn get;	  /* called with data; NULL: the slot is read */
	const void *data; /* guards with the same get and data ask for the same value */
	uint32_t slot;
	const struct cel_guard_term *terms; /* one of them must hold */
	uint32_t term_count;
	struct str text; /* for explanations */
};

struct cel_rule {
	const struct cel_program *const *conditions; /* compiled as "bool" */
	uint32_t condition_count;
	const struct cel_guard *guards; /* all must hold */
	uint32_t guard_count;
};

/*
 * The rules are numbered by their place. Everything that the index keeps lives in arena, or
 * belongs to the programs and guards, which must outlive it. 0 or -ENOMEM.
 */
int cel_index_new(const struct cel_rule *rules, uint32_t count, struct arena *arena,
		  const struct cel_index **out);

/* ---- matching ------------------------------------------------------------- */

/*
 * Room for one event at a time, for any index given to it here; events that are worked on at
 * once (one inside the other) need one each. NULL: out of memory.
 */
struct cel_match *cel_match_new(const struct cel_index *const *indexes, uint32_t count,
				struct arena *arena);

/*
 * Looks at the event and finds the rules that may hold. run must be set up for the event and
 * stay as it is until the last cel_match_next. Allocates nothing but from run->arena, where
 * getters and functions make values.
 */
void cel_match_start(struct cel_match *match, const struct cel_index *index, struct cel_run *run);
/* The next of them, ascending; false: there are no more. */
bool cel_match_next(struct cel_match *match, uint32_t *rule);

enum cel_verdict { CEL_FALSE, CEL_TRUE, CEL_FAULT };

/*
 * The conditions of a rule that cel_match_next gave, in order up to the first that does not
 * hold: its number in *condition, and whether it is false or ends in an error.
 */
enum cel_verdict cel_match_holds(struct cel_match *match, uint32_t rule, uint32_t *condition);

/* ---- explaining ----------------------------------------------------------- */

/* How the index treats the rule, as lines of text that begin with `indent`. */
void cel_index_explain(const struct cel_index *index, uint32_t rule, const char *indent,
		       struct buf *out);
/* What a rule costs, in ns, as far as the index can tell. */
struct cel_cost {
	double event;	/* each event */
	uint32_t found; /* more, if it is found; or tried on every event: all there is */
	bool indexed;
	struct str by; /* what finds it, as in the source */
};
void cel_index_cost(const struct cel_index *index, uint32_t rule, struct cel_cost *out);
/* What is in it: tables, their sizes, rules that always run. */
void cel_index_summary(const struct cel_index *index, const char *indent, struct buf *out);

#endif
