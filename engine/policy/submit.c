/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy of Tracee's gets to see, see submit.h. */
#include "submit.h"

#include "detect/detect.h"

bool submit_has(const struct policy *policy, const struct event_def *def)
{
	for (uint32_t i = 0; i < policy->submitted_count; i++)
		if (policy->submitted[i]->id == def->id)
			return true;
	return false;
}

static void add(struct policy *policy, const struct event_def *def)
{
	if (!submit_has(policy, def))
		policy->submitted[policy->submitted_count++] = def;
}

static void add_required(struct policy *policy, const struct detector_info *info)
{
	for (uint32_t i = 0; i < info->input_count; i++)
		if (i >= 64 || !(info->optional_inputs >> i & 1))
			add(policy, info->inputs[i]);
}

bool submit_collect(struct policy *policy, const struct ruleset *ruleset, struct arena *arena)
{
	uint32_t detectors = ruleset_detector_count(ruleset);
	size_t most = policy->selection.count;
	struct detector_info info;

	for (uint32_t i = 0; i < detectors; i++) {
		ruleset_detector(ruleset, i, &info);
		most += info.input_count;
	}
	policy->submitted = arena_array(arena, const struct event_def *, most + 1);
	if (!policy->submitted)
		return false;
	for (uint32_t i = 0; i < policy->selection.count; i++)
		add(policy, policy->selection.rules[i].def);
	/* What is added is looked at in its turn. */
	for (uint32_t at = 0; at < policy->submitted_count; at++)
		for (uint32_t i = 0; i < detectors; i++) {
			ruleset_detector(ruleset, i, &info);
			if (info.produces == policy->submitted[at])
				add_required(policy, &info);
		}
	return true;
}
