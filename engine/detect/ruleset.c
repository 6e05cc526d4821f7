/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The finished ruleset: the index from events to those who read them, the scratch of
 * runs, and what others may ask about it.
 */
#include "ruleset.h"

#include <errno.h>

/* ---- index ------------------------------------------------------------------------- */

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
		fields[i] = (int16_t)event_field_index(def, ruleset->slots[i]);
	return fields;
}

static int add_listener(struct ruleset *ruleset, struct detector *d, const struct input *input)
{
	struct listeners **at = &ruleset->by_event[input->def->id];
	struct listeners *l = *at;

	if (!l) {
		l = arena_new(&ruleset->arena, struct listeners);
		if (!l)
			return -ENOMEM;
		l->def = input->def;
		l->fields = map_slots(ruleset, input->def);
		if (!l->fields)
			return -ENOMEM;
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
	l->items[l->count++] =
		(struct subscription){ d, filters_empty(input->filters) ? NULL : input->filters };
	return 0;
}

static int collect_reads(struct ruleset *ruleset)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < MIN(ruleset->event_limit, (uint32_t)PRODUCED_ID_FIRST); i++)
		count += ruleset->by_event[i] != NULL;
	ruleset->reads = arena_array(&ruleset->arena, const struct event_def *, count + 1);
	if (!ruleset->reads)
		return -ENOMEM;
	for (uint32_t i = 0; i < MIN(ruleset->event_limit, (uint32_t)PRODUCED_ID_FIRST); i++)
		if (ruleset->by_event[i])
			ruleset->reads[ruleset->read_count++] = ruleset->by_event[i]->def;
	return 0;
}

int ruleset_index(struct ruleset *ruleset)
{
	ruleset->event_limit = highest_id(ruleset) + 1;
	ruleset->by_event = arena_array(&ruleset->arena, struct listeners *, ruleset->event_limit);
	if (!ruleset->by_event)
		return -ENOMEM;
	for (uint32_t i = 0; i < ruleset->detector_count; i++) {
		struct detector *d = ruleset->detectors[i];

		for (uint32_t k = 0; k < d->input_count; k++)
			if (add_listener(ruleset, d, &d->inputs[k]))
				return -ENOMEM;
	}
	for (uint32_t i = 0; i <= DETECT_DEPTH_MAX; i++) {
		ruleset->values[i] = arena_array(&ruleset->arena, struct value,
						 ruleset->slot_count + 1);
		ruleset->known[i] = arena_array(&ruleset->arena, uint64_t,
						ruleset->slot_count / 64 + 1);
		if (!ruleset->values[i] || !ruleset->known[i])
			return -ENOMEM;
	}
	return collect_reads(ruleset);
}

/* ---- for others ---------------------------------------------------------------------- */

void ruleset_free(struct ruleset *ruleset)
{
	if (!ruleset)
		return;
	for (uint32_t i = 0; i < ruleset->env_count; i++)
		cel_env_free(ruleset->envs[i]);
	arena_free(&ruleset->arena);
	free(ruleset);
}

const struct event_def *const *ruleset_events(const struct ruleset *ruleset, size_t *count)
{
	*count = ruleset->read_count;
	return ruleset->reads;
}

const struct event_def *ruleset_event(const struct ruleset *ruleset, struct str name)
{
	const struct event_def *def = event_by_name(name);

	for (uint32_t i = 0; !def && i < ruleset->detector_count; i++)
		if (str_equal(name, str_of(ruleset->detectors[i]->def.name)))
			def = &ruleset->detectors[i]->def;
	return def;
}

uint32_t ruleset_detector_count(const struct ruleset *ruleset)
{
	return ruleset->detector_count;
}

void ruleset_detector(const struct ruleset *ruleset, uint32_t index, struct detector_info *out)
{
	const struct detector *d = ruleset->detectors[index];

	*out = (struct detector_info){
		.id = d->id.data,
		.path = d->path,
		.produces = &d->def,
		.threat = d->threat,
		.inputs = d->input_defs,
		.input_count = d->input_count,
		.conditions = d->condition_texts,
		.condition_count = d->condition_count,
		.data_filters = d->data_filters,
		.scope_filters = d->scope_filters,
		.data_filter_count = d->data_filter_count,
		.scope_filter_count = d->scope_filter_count,
		.evaluated = d->evaluated,
		.fired = d->fired,
		.errors = d->errors,
	};
}
