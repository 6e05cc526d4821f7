/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rule tests have shown of the rules: conditions that were never true or never false in
 * them, filters that passed or stopped every event. Counted per test, without the index.
 */
#include "coverage.h"

#include <errno.h>

#include "parts.h"

void coverage_note(struct ruleset *ruleset)
{
	for (uint32_t i = 0; i < ruleset->detector_count; i++) {
		struct detector *d = ruleset->detectors[i];

		for (uint32_t k = 0; k < d->condition_count; k++) {
			struct condition *c = &d->conditions[k];

			c->seen_true |= c->hits > 0;
			c->seen_false |= c->misses > 0;
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

static void tell_condition(struct err_list *problems, const struct detector *d, uint32_t index)
{
	const struct condition *c = &d->conditions[index];
	char message[400], hint[200];
	bool reached = c->seen_true || c->seen_false;

	snprintf(message, sizeof(message), "condition %u was never %s: %.*s", c->number,
		 !reached	? "asked"
		 : c->seen_true ? "false"
				: "true",
		 (int)MIN(c->text.len, 300u), c->text.data);
	if (!reached)
		snprintf(hint, sizeof(hint), "write a test in which all before it hold");
	else
		snprintf(hint, sizeof(hint), "write a test in which %s%s",
			 index ? "all before it hold and " : "",
			 c->seen_true ? "it does not, and nothing is expected" : "it does");
	tell(problems, c->path, c->line, 0, hint, message);
}

struct telling {
	struct err_list *problems;
	struct coverage *coverage;
	const struct condition *condition;
};

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
	snprintf(message, sizeof(message), "in condition %u, this was never %s: %.*s", c->number,
		 !reached	   ? "asked"
		 : part->seen_true ? "false"
				   : "true",
		 (int)MIN(part->text.len, 300u), part->text.data);
	snprintf(hint, sizeof(hint), "write a test in which it %s, and what stands before it %s",
		 part->seen_true ? "does not hold" : "holds", "does not decide");
	tell(telling->problems, c->path, part->line, part->column, hint, message);
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

		if (named && !d->tested)
			continue;
		for (uint32_t k = 0; k < d->input_count; k++)
			tell_filters(problems, d, &d->inputs[k]);
		for (uint32_t k = 0; k < d->condition_count; k++) {
			const struct condition *c = &d->conditions[k];

			coverage->conditions++;
			coverage->covered += c->seen_true && c->seen_false;
			if (!c->seen_true || !c->seen_false)
				tell_condition(problems, d, k);
			if (c->parts)
				parts_each(c->parts, tell_operand,
					   &(struct telling){ problems, coverage, c });
		}
	}
	err_list_sort(problems);
}
