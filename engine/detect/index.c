/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who reads what: from an event's id to its detectors, and for each event an index (cel/index.h)
 * that finds the detectors which may fire, from their filters and conditions.
 */
#include <errno.h>

#include "ruleset.h"

/* ---- listeners ------------------------------------------------------------------------ */

static uint32_t highest_id(const struct ruleset *ruleset)
{
	uint32_t highest = 0;

	for (uint32_t i = 0; i < ruleset->detector_count; i++) {
		const struct detector *d = ruleset->detectors[i];

		highest = MAX(highest, d->def.id);
		for (uint32_t k = 0; k < d->input_count; k++)
			highest = MAX(highest, d->inputs[k].def->id);
	}
	return highest;
}

/* Where each slot's field is in an event. */
static int16_t *map_slots(struct ruleset *ruleset, const struct event_def *def)
{
	int16_t *fields = arena_alloc(&ruleset->arena, sizeof(*fields) * (ruleset->slot_count + 1));

	for (uint32_t i = 0; fields && i < ruleset->slot_count; i++)
		fields[i] = ruleset->refs[i].kind
				    ? -1
				    : (int16_t)event_field_index(def, ruleset->slots[i]);
	return fields;
}

static int add_listener(struct ruleset *ruleset, struct detector *d, const struct input *input,
			struct condition **conditions, uint32_t condition_count, uint16_t step)
{
	struct listeners **at = &ruleset->by_event[input->def->id];
	struct listeners *l = *at;

	if (!l) {
		l = arena_new(&ruleset->arena, struct listeners);
		if (!l)
			return -ENOMEM;
		l->def = input->def;
		*at = l;
	}
	/* Powers of two are the capacities. */
	if ((l->count & (l->count - 1)) == 0) {
		struct subscription *items = arena_array(&ruleset->arena, struct subscription,
							 l->count ? l->count * 2 : 1);

		if (!items)
			return -ENOMEM;
		if (l->count)
			memcpy(items, l->items, l->count * sizeof(*items));
		l->items = items;
	}
	l->items[l->count++] = (struct subscription){
		.detector = d,
		.filters = filters_empty(input->filters) ? NULL : input->filters,
		.input = (uint8_t)(input - d->inputs),
		.step = step,
		.conditions = conditions,
		.condition_count = condition_count,
	};
	return 0;
}

/* The conditions of the detector that are asked of each event, then those of a step. */
static struct condition **conditions_of(struct ruleset *ruleset, const struct detector *d,
					const struct memory_step *step)
{
	uint32_t more = step ? step->condition_count : 0;
	struct condition **all = arena_array(&ruleset->arena, struct condition *,
					     d->early + more + 1);

	for (uint32_t i = 0; all && i < d->early; i++)
		all[i] = &d->conditions[i];
	for (uint32_t i = 0; all && i < more; i++)
		all[d->early + i] = &step->conditions[i];
	return all;
}

static int add_step(struct ruleset *ruleset, struct detector *d, uint32_t number)
{
	const struct memory_step *step = &d->memory->steps[number];
	struct condition **conditions = conditions_of(ruleset, d, step);

	return conditions ? add_listener(ruleset, d, &d->inputs[step->input], conditions,
					 d->early + step->condition_count, (uint16_t)number)
			  : -ENOMEM;
}

/*
 * Steps that happen from the last to the first, so that an event moves no sequence on twice; then
 * what must be absent, and `until`.
 */
static int add_steps(struct ruleset *ruleset, struct detector *d)
{
	const struct sequence_config *config = d->memory->config.sequence;
	int code = 0;

	for (uint32_t i = config->step_count; !code && i; i--)
		if (!config->steps[i - 1].absent)
			code = add_step(ruleset, d, i - 1);
	for (uint32_t i = 0; !code && i < d->memory->step_count; i++)
		if (i == config->step_count || config->steps[i].absent)
			code = add_step(ruleset, d, i);
	return code;
}

static int add_detector(struct ruleset *ruleset, struct detector *d)
{
	struct condition **conditions = conditions_of(ruleset, d, NULL);
	int code = conditions ? 0 : -ENOMEM;

	if (d->memory && d->memory->step_count)
		return add_steps(ruleset, d);
	for (uint32_t i = 0; !code && i < d->input_count; i++)
		code = add_listener(ruleset, d, &d->inputs[i], conditions, d->early, 0);
	return code;
}

static int add_listeners(struct ruleset *ruleset)
{
	ruleset->event_limit = highest_id(ruleset) + 1;
	ruleset->by_event = arena_array(&ruleset->arena, struct listeners *, ruleset->event_limit);
	if (!ruleset->by_event)
		return -ENOMEM;
	for (uint32_t i = 0; i < ruleset->detector_count; i++)
		if (add_detector(ruleset, ruleset->detectors[i]))
			return -ENOMEM;
	return 0;
}

static int collect_reads(struct ruleset *ruleset)
{
	uint32_t limit = ruleset->event_limit, count = 0;

	for (uint32_t i = 0; i < limit; i++)
		count += ruleset->by_event[i] != NULL;
	ruleset->reads = arena_array(&ruleset->arena, const struct event_def *, count + 1);
	if (!ruleset->reads)
		return -ENOMEM;
	for (uint32_t i = 0; i < limit; i++)
		if (ruleset->by_event[i] && event_is_known(ruleset->by_event[i]->def))
			ruleset->reads[ruleset->read_count++] = ruleset->by_event[i]->def;
	return 0;
}

/* ---- filters as guards ------------------------------------------------------------------ */

static void get_scope(struct cel_run *run, const void *data, struct value *out)
{
	*out = scope_field_value(data, run->object, SCOPE_AS_NAMED);
}

static void get_scope_compat(struct cel_run *run, const void *data, struct value *out)
{
	*out = scope_field_value(data, run->object, SCOPE_AS_DETECTORS);
}

static int make_guard(struct ruleset *ruleset, const struct subscription *subscription,
		      const struct event_def *def, const struct filter_need *need,
		      struct cel_guard *out)
{
	static const uint8_t tests[] = {
		[STRING_EXACT] = CEL_TEST_EQUAL,
		[STRING_PREFIX] = CEL_TEST_PREFIX,
		[STRING_SUFFIX] = CEL_TEST_SUFFIX,
		[STRING_CONTAINS] = CEL_TEST_CONTAINS,
	};
	struct cel_guard_term *terms = arena_array(&ruleset->arena, struct cel_guard_term,
						   need->count);
	struct str name = str_of(need->scope ? need->scope->name : def->fields[need->field].name);

	if (!terms)
		return -ENOMEM;
	for (uint32_t i = 0; i < need->count; i++)
		terms[i] = (struct cel_guard_term){ tests[need->terms[i].form],
						    need->terms[i].value };
	*out = (struct cel_guard){ .terms = terms, .term_count = need->count, .text = name };
	if (!need->scope)
		return ruleset_slot(ruleset, name, &out->slot);
	out->get = subscription->detector->compat ? get_scope_compat : get_scope;
	out->data = need->scope;
	return 0;
}

static int make_guards(struct ruleset *ruleset, const struct event_def *def,
		       const struct subscription *subscription, struct cel_rule *rule)
{
	struct filter_need *needs;
	struct cel_guard *guards;
	uint32_t count;
	int code = subscription->filters
			   ? filters_needs(subscription->filters, &ruleset->arena, &needs, &count)
			   : 0;

	if (code || !subscription->filters)
		return code;
	guards = arena_array(&ruleset->arena, struct cel_guard, count + 1);
	if (!guards)
		return -ENOMEM;
	for (uint32_t i = 0; !code && i < count; i++)
		code = make_guard(ruleset, subscription, def, &needs[i], &guards[i]);
	rule->guards = guards;
	rule->guard_count = count;
	return code;
}

/* ---- the indexes ------------------------------------------------------------------------- */

static int make_rule(struct ruleset *ruleset, const struct event_def *def,
		     const struct subscription *subscription, struct cel_rule *out)
{
	uint32_t count = subscription->condition_count;
	const struct cel_program **programs = arena_array(&ruleset->arena,
							  const struct cel_program *, count + 1);

	if (!programs)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		programs[i] = subscription->conditions[i]->program;
	out->conditions = programs;
	out->condition_count = count;
	return make_guards(ruleset, def, subscription, out);
}

static int make_index(struct ruleset *ruleset, struct listeners *l)
{
	struct cel_rule *rules = arena_array(&ruleset->arena, struct cel_rule, l->count);

	if (!rules)
		return -ENOMEM;
	for (uint32_t i = 0; i < l->count; i++)
		if (make_rule(ruleset, l->def, &l->items[i], &rules[i]))
			return -ENOMEM;
	return cel_index_new(rules, l->count, &ruleset->arena, &l->index);
}

/* Guards may add slots, so the maps come after all indexes. */
static int make_indexes(struct ruleset *ruleset)
{
	for (uint32_t i = 0; i < ruleset->event_limit; i++)
		if (ruleset->by_event[i] && make_index(ruleset, ruleset->by_event[i]))
			return -ENOMEM;
	for (uint32_t i = 0; i < ruleset->event_limit; i++) {
		struct listeners *l = ruleset->by_event[i];

		if (!l)
			continue;
		l->fields = map_slots(ruleset, l->def);
		if (!l->fields)
			return -ENOMEM;
	}
	return 0;
}

/* One for each level of a chain. */
static int make_scratch(struct ruleset *ruleset)
{
	autoclean(freep)
		const struct cel_index **indexes = calloc(ruleset->event_limit, sizeof(*indexes));
	uint32_t count = 0;

	if (!indexes)
		return -ENOMEM;
	for (uint32_t i = 0; i < ruleset->event_limit; i++)
		if (ruleset->by_event[i])
			indexes[count++] = ruleset->by_event[i]->index;
	for (uint32_t i = 0; i <= DETECT_DEPTH_MAX; i++) {
		ruleset->values[i] = arena_array(&ruleset->arena, struct value,
						 ruleset->slot_count + 1);
		ruleset->known[i] = arena_array(&ruleset->arena, uint64_t,
						ruleset->slot_count / 64 + 1);
		ruleset->matches[i] = cel_match_new(indexes, count, &ruleset->arena);
		if (!ruleset->values[i] || !ruleset->known[i] || !ruleset->matches[i])
			return -ENOMEM;
	}
	return 0;
}

int ruleset_index(struct ruleset *ruleset)
{
	int code = add_listeners(ruleset);

	if (!code)
		code = make_indexes(ruleset);
	if (!code)
		code = make_scratch(ruleset);
	return code ? code : collect_reads(ruleset);
}
