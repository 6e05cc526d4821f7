/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many rules at once: which of them are true on an event, at a cost that grows with what the
 * event could match, not with the number of rules.
 *
 * A rule is a conjunction of conditions. Each is normalised to alternatives of tests (an
 * expression against constants); of each alternative one test that is seldom true is looked up
 * in an index of all rules (hash, tries, one scan, breakpoints, bits), and only where that hits
 * are the others tested. Every distinct expression is evaluated at most once per event.
 *
 * Exact: a rule is answered exactly if all its conditions evaluate to true.
 */
#ifndef CEL_INDEX_H
#define CEL_INDEX_H

#include "cel.h"

struct cel_index;
struct cel_index_state;

/* An empty index over expressions of env, which must outlive it. NULL: out of memory. */
struct cel_index *cel_index_new(const struct cel_env *env);
void cel_index_free(struct cel_index *index);

/*
 * Adds a rule that is true if all conditions are. Returns its number, counted from 0, or a
 * negative errno with err filled (a condition that does not compile).
 */
int cel_index_add(struct cel_index *index, const struct cel_source *conditions, uint32_t count,
		  struct err *err);
/* After the last rule, before the first run. 0 or -ENOMEM. */
int cel_index_build(struct cel_index *index);
uint32_t cel_index_rules(const struct cel_index *index);

/* What one thread needs to run it. NULL: out of memory. */
struct cel_index_state *cel_index_state_new(const struct cel_index *index);
void cel_index_state_free(struct cel_index_state *state);

/*
 * Writes the numbers of the rules that are true, in ascending order, to rules, which has room for
 * all; returns how many. run is set up for the event as for cel_eval. Allocates only from
 * run->arena.
 */
uint32_t cel_index_run(const struct cel_index *index, struct cel_index_state *state,
		       struct cel_run *run, uint32_t *rules);

/* How the rule is found, for a person: what is looked up, what is tested then. */
struct buf;
void cel_index_explain(const struct cel_index *index, uint32_t rule, struct buf *out);

#endif
