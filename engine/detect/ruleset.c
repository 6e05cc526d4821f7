/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The finished ruleset: what others may ask about it.
 */
#include "ruleset.h"

/* ---- for others ---------------------------------------------------------------------- */

void ruleset_free(struct ruleset *ruleset)
{
	if (!ruleset)
		return;
	for (uint32_t i = 0; i < ruleset->env_count; i++)
		cel_env_free(ruleset->envs[i]);
	for (size_t i = 0; i < ARRAY_SIZE(ruleset->states); i++)
		state_free(ruleset->states[i]);
	arena_free(&ruleset->arena);
	free(ruleset);
}

const struct event_def *const *ruleset_events(const struct ruleset *ruleset, size_t *count)
{
	*count = ruleset->read_count;
	return ruleset->reads;
}

bool ruleset_reads_host_names(const struct ruleset *ruleset)
{
	bool reads = false;

	for (uint32_t i = 0; i < ruleset->detector_count; i++)
		for (uint32_t k = 0; k < ruleset->detectors[i]->input_count; k++)
			reads |= filters_read_host_name(ruleset->detectors[i]->inputs[k].filters);
	return reads;
}

const struct event_def *ruleset_event(const struct ruleset *ruleset, struct str name)
{
	const struct event_def *def = event_by_name(name);

	if (def && !event_is_detection(def))
		return def;
	for (uint32_t i = 0; i < ruleset->detector_count; i++)
		if (str_equal(name, str_of(ruleset->detectors[i]->def.name)))
			return &ruleset->detectors[i]->def;
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
		.optional_inputs = d->optional_inputs,
		.conditions = d->condition_texts,
		.condition_count = d->condition_count,
		.data_filters = d->data_filters,
		.scope_filters = d->scope_filters,
		.data_filter_count = d->data_filter_count,
		.scope_filter_count = d->scope_filter_count,
		.lacks = d->lacks,
		.partly_live = d->partly_live,
		.needs_environment = d->needs_environment,
		.evaluated = d->evaluated,
		.fired = d->fired,
		.errors = d->errors,
		.memory_lines = d->memory_lines,
		.memory_line_count = d->memory_line_count,
		.has_memory = d->memory != NULL,
	};
	if (d->memory)
		state_rule_stats(d->memory->rules[0], &out->memory);
}

bool ruleset_has_faults(const struct ruleset *ruleset)
{
	return ruleset->faults > 0;
}

void ruleset_faults(struct ruleset *ruleset, FILE *out)
{
	for (uint32_t i = 0; i < ruleset->detector_count; i++) {
		struct detector *d = ruleset->detectors[i];

		if (!d->fault[0] || d->fault_told)
			continue;
		fprintf(out, "spoor: %s: detector %.*s did not decide about an event: %s\n",
			d->path, (int)d->id.len, d->id.data, d->fault);
		d->fault_told = true;
	}
	ruleset->faults = 0;
}

uint64_t ruleset_outputs_refused(const struct ruleset *ruleset)
{
	return ruleset->outputs_refused;
}
