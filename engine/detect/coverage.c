/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rule tests have shown of the rules: conditions that were never true or never false in
 * them, filters that passed or stopped every event. Counted per test, without the index.
 */
#include "coverage.h"

#include <errno.h>

#include "parts.h"

static void note(struct condition *conditions, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		conditions[i].seen_true |= conditions[i].hits > 0;
		conditions[i].seen_false |= conditions[i].misses > 0;
	}
}

static uint32_t step_count(const struct detector *d)
{
	return d->memory ? d->memory->step_count : 0;
}

void coverage_note(struct ruleset *ruleset)
{
	for (uint32_t i = 0; i < ruleset->detector_count; i++) {
		struct detector *d = ruleset->detectors[i];

		note(d->conditions, d->condition_count);
		for (uint32_t k = 0; k < step_count(d); k++) {
			note(d->memory->steps[k].conditions, d->memory->steps[k].condition_count);
			note(d->memory->steps[k].late, d->memory->steps[k].late_count);
		}
	}
}

static void tell(struct err_list *problems, const char *path, uint32_t line, uint32_t column,
		 const char *hint, const char *message)
{
	struct err err = { .level = ERR_WARNING, .rule = "uncovered" };

	err_set(&err, -EINVAL, "%s", message);
	err_at(&err, path, line, column);
	err_hint(&err, "%s", hint);
	err_list_add(problems, &err);
}

/* Conditions that are told of together: of the detector, or of a step. */
struct telling {
	struct err_list *problems;
	struct coverage *coverage;
	char whose[48]; /* "", " of step 2", " of until" */
	const struct condition *condition;
};

static void tell_condition(const struct telling *telling, bool first)
{
	const struct condition *c = telling->condition;
	char message[400], hint[200];
	bool reached = c->seen_true || c->seen_false;

	snprintf(message, sizeof(message), "condition %u%s was never %s: %.*s", c->number,
		 telling->whose,
		 !reached	? "asked"
		 : c->seen_true ? "false"
				: "true",
		 (int)MIN(c->text.len, 300u), c->text.data);
	if (!reached)
		snprintf(hint, sizeof(hint), "write a test in which all before it hold");
	else
		snprintf(hint, sizeof(hint), "write a test in which %s%s",
			 first ? "" : "all before it hold and ",
			 c->seen_true ? "it does not, and nothing is expected" : "it does");
	tell(telling->problems, c->path, c->line, 0, hint, message);
}

/* Of a condition that was both: else it says enough. */
static void tell_operand(void *ctx, const struct part *part)
{
	const struct telling *telling = ctx;
	const struct condition *c = telling->condition;
	bool reached = part->seen_true || part->seen_false;
	char message[400], hint[200];

	telling->coverage->operands++;
	telling->coverage->decided += part->seen_true && part->seen_false;
	if ((part->seen_true && part->seen_false) || !c->seen_true || !c->seen_false)
		return;
	snprintf(message, sizeof(message), "in condition %u%s, this was never %s: %.*s", c->number,
		 telling->whose,
		 !reached	   ? "asked"
		 : part->seen_true ? "false"
				   : "true",
		 (int)MIN(part->text.len, 300u), part->text.data);
	snprintf(hint, sizeof(hint), "write a test in which it %s, and what stands before it %s",
		 part->seen_true ? "does not hold" : "holds", "does not decide");
	tell(telling->problems, c->path, part->line, part->column, hint, message);
}

/* first: nothing that is asked stands before them. True: all have been true. */
static bool tell_conditions(struct telling *telling, const struct condition *conditions,
			    uint32_t count, bool first)
{
	bool held = true;

	for (uint32_t i = 0; i < count; i++) {
		const struct condition *c = telling->condition = &conditions[i];

		held &= c->seen_true;
		telling->coverage->conditions++;
		telling->coverage->covered += c->seen_true && c->seen_false;
		if (!c->seen_true || !c->seen_false)
			tell_condition(telling, first && i == 0);
		if (c->parts)
			parts_each(c->parts, tell_operand, telling);
	}
	return held;
}

/* Absent ones and `until` as well: a test is wanted in which they come and nothing fires. */
static void tell_step(struct telling *telling, const struct detector *d, uint32_t number)
{
	const struct sequence_config *config = d->memory->config.sequence;
	const struct memory_step *step = &d->memory->steps[number];
	bool until = number == config->step_count;
	char name[32], message[400];

	snprintf(name, sizeof(name), until ? "until" : "step %u", number + 1);
	snprintf(telling->whose, sizeof(telling->whose), " of %s", name);
	bool held = tell_conditions(telling, step->conditions, step->condition_count, false);

	held &= tell_conditions(telling, step->late, step->late_count, false);
	telling->coverage->steps++;
	telling->coverage->came += step->came && held;
	if (step->came || !held)
		return;
	snprintf(message, sizeof(message), "no test has an event that is %s of %s", name,
		 d->id.data);
	tell(telling->problems, d->path, step->line, 0,
	     until || config->steps[number].absent
		     ? "write a test in which it comes, and nothing is expected"
		     : "write a test in which it comes",
	     message);
}

static void tell_filters(struct err_list *problems, const struct detector *d,
			 const struct input *input)
{
	char message[300], hint[200];

	if (!input->passed && !input->stopped) {
		snprintf(message, sizeof(message), "no test has an event %s for %s",
			 input->def->name, d->id.data);
		snprintf(hint, sizeof(hint), "write a test with it: event: {name: %s}",
			 input->def->name);
	} else if (filters_empty(input->filters) || (input->passed && input->stopped)) {
		return;
	} else {
		snprintf(message, sizeof(message), "the filters of %s %s every event",
			 input->def->name, input->passed ? "passed" : "stopped");
		snprintf(hint, sizeof(hint), "write a test with an event that they %s",
			 input->passed ? "stop, and nothing is expected" : "pass");
	}
	tell(problems, d->path, input->line, 0, hint, message);
}

void coverage_tell(const struct ruleset *ruleset, bool named, struct err_list *problems,
		   struct coverage *coverage)
{
	for (uint32_t i = 0; i < ruleset->detector_count; i++) {
		const struct detector *d = ruleset->detectors[i];
		struct telling telling = { .problems = problems, .coverage = coverage };

		if (named && !d->tested)
			continue;
		for (uint32_t k = 0; k < d->input_count; k++)
			tell_filters(problems, d, &d->inputs[k]);
		tell_conditions(&telling, d->conditions, d->condition_count, true);
		for (uint32_t k = 0; k < step_count(d); k++)
			tell_step(&telling, d, k);
	}
	err_list_sort(problems);
}
