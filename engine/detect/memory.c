/* SPDX-License-Identifier: Apache-2.0 */
/* The memories of a ruleset's detectors as a whole: made after loading, kept over reloads. */
#include <errno.h>

#include "ruleset.h"

struct base_events {
	uint16_t ids[UINT8_MAX];
	uint32_t count;
};

static const struct detector *producer_of(const struct ruleset *ruleset,
					  const struct event_def *def)
{
	for (uint32_t i = 0; i < ruleset->detector_count; i++)
		if (&ruleset->detectors[i]->def == def)
			return ruleset->detectors[i];
	return NULL;
}

static void add_base(struct base_events *base, uint16_t id)
{
	for (uint32_t i = 0; i < base->count; i++)
		if (base->ids[i] == id)
			return;
	if (base->count < ARRAY_SIZE(base->ids))
		base->ids[base->count++] = id;
}

/* The built-in events below a detector: whose loss it feels. */
static void collect_base(const struct ruleset *ruleset, const struct detector *d, uint32_t depth,
			 struct base_events *base)
{
	for (uint32_t i = 0; i < d->input_count; i++) {
		const struct event_def *def = d->inputs[i].def;
		const struct detector *producer = producer_of(ruleset, def);

		if (!producer)
			add_base(base, def->id);
		else if (depth < DETECT_DEPTH_MAX)
			collect_base(ruleset, producer, depth + 1, base);
	}
}

static struct state *new_state(const struct ruleset *ruleset)
{
	struct state *state = state_new(ruleset->fixed);

	if (state)
		state_set_slack(state, ruleset->slack);
	return state;
}

static int remember(struct ruleset *ruleset, struct detector *d)
{
	struct state_config *config = &d->memory->config;
	struct base_events base = { 0 };
	uint16_t *ids;

	collect_base(ruleset, d, 0, &base);
	ids = arena_array(&ruleset->arena, uint16_t, base.count + 1);
	if (!ids)
		return -ENOMEM;
	memcpy(ids, base.ids, base.count * sizeof(*ids));
	config->base = ids;
	config->base_count = base.count;
	for (size_t i = 0; i < ARRAY_SIZE(ruleset->states); i++) {
		if (!ruleset->states[i])
			ruleset->states[i] = new_state(ruleset);
		d->memory->rules[i] = ruleset->states[i] ? state_add(ruleset->states[i], config)
							 : NULL;
		if (!d->memory->rules[i])
			return -ENOMEM;
	}
	return 0;
}

static int remember_fact(struct ruleset *ruleset, struct fact *fact)
{
	for (size_t i = 0; i < ARRAY_SIZE(ruleset->states); i++) {
		if (!ruleset->states[i])
			ruleset->states[i] = new_state(ruleset);
		fact->rules[i] = ruleset->states[i] ? state_add(ruleset->states[i], &fact->config)
						    : NULL;
		if (!fact->rules[i])
			return -ENOMEM;
	}
	return 0;
}

int ruleset_remember(struct ruleset *ruleset)
{
	for (uint32_t i = 0; i < ruleset->fact_count; i++)
		if (remember_fact(ruleset, ruleset->facts[i]))
			return -ENOMEM;
	for (uint32_t i = 0; i < ruleset->detector_count; i++)
		if (ruleset->detectors[i]->memory && remember(ruleset, ruleset->detectors[i]))
			return -ENOMEM;
	return 0;
}

void ruleset_adopt(struct ruleset *ruleset, struct ruleset *old)
{
	if (ruleset->states[0] && old->states[0])
		state_adopt(ruleset->states[0], old->states[0]);
}

void ruleset_memory(const struct ruleset *ruleset, struct state_stats *out)
{
	*out = (struct state_stats){ 0 };
	if (ruleset->states[0])
		state_total(ruleset->states[0], out);
}

void ruleset_forget(struct ruleset *ruleset)
{
	for (size_t i = 0; i < ARRAY_SIZE(ruleset->states); i++)
		if (ruleset->states[i])
			state_forget(ruleset->states[i]);
}

int ruleset_memory_save(const struct ruleset *ruleset, const char *path, uint64_t epoch_ns)
{
	return ruleset->states[0] ? state_save(ruleset->states[0], path, epoch_ns) : 0;
}

int ruleset_memory_load(struct ruleset *ruleset, const char *path, uint64_t epoch_ns)
{
	return ruleset->states[0] ? state_load(ruleset->states[0], path, epoch_ns) : 0;
}
