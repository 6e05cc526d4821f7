/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What else decides whether a detector fires, and what it leaves behind when it does: first_seen,
 * score, set, label. What is left behind is seen by conditions from the next event on, and at once
 * by detectors that read the event it makes.
 */
#include "run.h"

#include <math.h>

static struct state_rule *rule_of(const struct chain *chain, const struct fact *fact)
{
	return fact->rules[chain->ruleset->plain];
}

bool effects_descend(struct chain *chain, const struct effects *effects,
		     const struct state_input *input)
{
	for (uint32_t i = 0; i < effects->ancestor_count; i++)
		if (fact_is_inherited(rule_of(chain, effects->ancestors[i]), input))
			return true;
	return effects->ancestor_count == 0;
}

/* A slot that has been read is read anew. */
static void forget(const struct fact *fact, struct cel_run *run)
{
	if (fact->slot)
		run->known[(fact->slot - 1) / 64] &= ~(1ULL << ((fact->slot - 1) % 64));
}

static bool score_reached(struct chain *chain, struct detector *d, const struct state_input *input)
{
	const struct effects *effects = d->effects;
	struct value amount = state_evaluate(effects->amount, input->run);
	double number = amount.tag == VALUE_INT	     ? (double)amount.i
			: amount.tag == VALUE_UINT   ? (double)amount.u
			: amount.tag == VALUE_DOUBLE ? amount.d
						     : NAN;
	double before, after;

	if (!isfinite(number)) {
		fault_note(chain->ruleset, d, amount, "score");
		return !effects->has_least;
	}
	if (!fact_score(rule_of(chain, effects->score), input, number, &before, &after))
		return !effects->has_least;
	forget(effects->score, input->run);
	return !effects->has_least || (before < effects->at_least && after >= effects->at_least);
}

static void act(struct chain *chain, struct detector *d, const struct action *action,
		const struct state_input *input)
{
	struct state_rule *rule = rule_of(chain, action->fact);
	struct value value = action->value ? state_evaluate(action->value, input->run)
					   : value_null();

	if (value.tag == VALUE_ERROR) {
		fault_note(chain->ruleset, d, value, "set '%s'", action->fact->name.data);
		return;
	}
	switch ((enum action_kind)action->kind) {
	case ACTION_SET: fact_set(rule, input, value, action->ttl); break;
	case ACTION_ADD: fact_add(rule, input, value, action->ttl); break;
	case ACTION_CLEAR: fact_clear(rule, input); break;
	}
}

bool effects_take(struct chain *chain, struct detector *d, const struct state_input *input,
		  const struct state_client *client)
{
	const struct effects *effects = d->effects;

	if (effects->seen && !fact_first_seen(rule_of(chain, effects->seen), input, client))
		return false;
	if (effects->score && !score_reached(chain, d, input))
		return false;
	for (uint32_t i = 0; i < effects->action_count; i++)
		act(chain, d, &effects->actions[i], input);
	return true;
}
