/* SPDX-License-Identifier: Apache-2.0 */
/* Mistakes in the keys of detectors with memory: each is told at its place, with what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "detect/ruleset.h"

static const struct {
	const char *body, *message, *hint; /* what of each must be there */
	uint32_t line;			   /* of the body, from 1 */
} cases[] = {
	{ "threshold: {count: 3}", "a threshold needs a window", "window", 1 },
	{ "threshold: {window: 10, count: 3}", "'10' is not a length of time", "10s or 1m30s", 1 },
	{ "threshold: {window: 10s}", "a threshold needs a bound", "at_least", 1 },
	{ "threshold: {window: 10s, cuont: 3}", "unknown key 'cuont'", "did you mean 'count'", 1 },
	{ "threshold: {window: 10s, count: x}", "expected a number from 1 to", "", 1 },
	{ "threshold: {window: 10s, count: 0}", "expected a number from 1 to", "", 1 },
	{ "threshold: {window: 10s, count: 1.5}", "found '1.5'", "", 1 },
	{ "threshold: {window: 10s, sum: 3}", "'sum' must be a map", "at_least", 1 },
	{ "threshold: {window: 10s, sum: {at_least: 3}}", "sum needs 'of'", "of:", 1 },
	{ "threshold: {window: 10s, ratio: {of: 'true', at_least: 3}}", "ratio needs 'to'", "", 1 },
	{ "threshold: {window: 10s, count: {to: 'true', at_least: 3}}", "'to' is for ratio", "",
	  1 },
	{ "threshold: {window: 10s, count: {samples: 3, at_least: 3}}", "'samples' is for avg", "",
	  1 },
	{ "threshold: {window: 10s, distinct: {of: '1', at_least: 5000}}", "at most 1022",
	  "one by one", 1 },
	{ "threshold: {window: 10s, kind: slidng, count: 3}", "no kind of window", "tumbling", 1 },
	{ "threshold:\n  window: 10s\n  count: 3\n  by: [proces]", "no 'proces' to count by",
	  "did you mean 'process'", 4 },
	{ "threshold: {window: 10s, count: 3, by: ['getEventData(\"msgiz\")']}", "no field 'msgiz'",
	  "did you mean 'msgsz'", 1 },
	{ "threshold: {window: 10s, count: 3, by: ['?getEventData(\"msgiz\")']}",
	  "no field 'msgiz'", "did you mean 'msgsz'", 1 },
	{ "threshold: {window: 10s, count: 3, by: ['state(\"count\")']}", "no state yet",
	  "conditions and output", 1 },
	{ "threshold: {window: 10s, count: [{at_least: 3}, {at_least: 4}]}",
	  "the name 'count' is taken", "name:", 1 },
	{ "threshold: {window: 10s, count: {name: A b, at_least: 3}}", "cannot be a name",
	  "lower-case", 1 },
	{ "threshold: {window: 10s, count: 3}\nlimits: {keys: 0}", "from 1 to", "", 2 },
	{ "threshold: {window: 10s, count: 3}\nlimits: {bytes: 1K}", "from 65536 to", "", 2 },
	{ "limits: {keys: 5}", "for detectors that remember something", "", 1 },
	{ "conditions: ['state(\"count\") > 3']", "this detector remembers nothing", "threshold",
	  1 },
	{ "threshold: {window: 10s, count: 3}\nconditions: ['state(\"cuont\") > 3']",
	  "the state has no 'cuont'", "did you mean 'count'", 2 },
	{ "threshold: {window: 10s, count: 3}\nconditions: ['state(\"phase\") > 3']",
	  "which '>' does not take", "", 2 },
	{ "threshold: {window: 10s, count: 3}\nsequence: {within: 1s, steps: [{}, {}]}",
	  "either threshold or sequence", "two detectors", 2 },
	{ "sequence: {steps: [{}, {}]}", "needs a time it must happen in", "within", 1 },
	{ "sequence: {within: 1s}", "a sequence needs steps", "", 1 },
	{ "sequence: {within: 1s, steps: [{}]}", "needs two steps", "threshold", 1 },
	{ "sequence: {within: 1s, steps: [{absent: true}]}", "never begins", "", 1 },
	{ "sequence: {within: 1s, steps: [{event: msgsdn}, {}]}", "not among requirements",
	  "did you mean 'msgsnd'", 1 },
	{ "sequence: {within: 1s, steps: [{as: a}, {as: a}]}", "the name 'a' is taken", "", 1 },
	{ "sequence: {within: 1s, steps: [{as: a, conditions: ['state(\"b.msqid\") == 1']}, {as: b}]}",
	  "does not come before", "", 1 },
	{ "sequence: {within: 1s, steps: [{as: a}, {conditions: ['state(\"a.msqdi\") == 1']}]}",
	  "no field 'msqdi'", "did you mean 'msqid'", 1 },
	{ "sequence: {within: 1s, steps: [{}, {repeat: {max: 3}}]}", "no meaning for the last step",
	  "min-th", 1 },
	{ "sequence: {within: 1s, steps: [{repeat: {min: 3, max: 2}}, {}]}", "max is less than min",
	  "", 1 },
	{ "sequence: {within: 1s, any_order: true, steps: [{}, {absent: true}]}", "in any order",
	  "", 1 },
	{ "sequence: {within: 1s, by: [uid], steps: [{}, {by: [uid, gid]}]}", "as many parts", "",
	  1 },
	{ "sequence: {within: 1s, steps: [{keep: {x: '1'}}, {}]}", "by the name of the step",
	  "as:", 1 },
	{ "sequence: {within: 1s, steps: [{within_previous: 1s}, {}]}", "no step before the first",
	  "", 1 },
	{ "set: [{name: x}]", "either 'value' or 'add'", "value:", 1 },
	{ "set: [{name: x, value: '1', scope: proces}]", "'proces' is no scope", "tree", 1 },
	{ "set: [{name: x, value: '1'}, {name: x, value: '2', scope: user}]", "has another scope",
	  "line", 1 },
	{ "label: [web]\nconditions: ['hasLabel(\"wbe\")']", "no detector gives a label 'wbe'",
	  "did you mean 'web'", 2 },
	{ "conditions: ['variable(\"x\") == 1']", "no detector gives a variable 'x'", "", 1 },
	{ "score: {name: r, half_life: 1m}", "score needs 'add'", "", 1 },
	{ "score: {name: r, add: 1}", "needs a half-life", "", 1 },
	{ "first_seen: {learn: 1h}", "first_seen needs 'by'", "", 1 },
	{ "conditions: ['true', {a: b}, {c: d}]", "found a map in it", "must be quoted", 1 },
	{ "descendant_of: [Y, {a: b}, {c: d}]", "found a map in it", "must be quoted", 1 },
	{ "descendant_of: [Y]", "there is no detector 'Y'", "", 1 },
};

static void mistakes_are_told(void **state)
{
	static const char head[] =
		"type: detector\nid: XX\nproduced_event: {name: xx, version: 1.0}\n"
		"requirements: {events: [{name: msgsnd}]}\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[2048];
		struct builtin_file file = { "x.yaml", text, 0 };
		struct err_list problems = { 0 };
		struct ruleset *ruleset;
		bool found = false;

		file.len = (size_t)snprintf(text, sizeof(text), "%s%s\n", head, cases[i].body);
		ruleset = ruleset_load_texts(&file, 1, NULL, &problems);
		for (uint32_t k = 0; k < problems.count; k++) {
			const struct err *err = &problems.items[k];

			found |= strstr(err->message, cases[i].message) &&
				 strstr(err->hint, cases[i].hint) && err->column &&
				 err->line == 4 + cases[i].line;
		}
		if (!found) {
			fprintf(stderr, "%s\nwanted: %s / %s\n", cases[i].body, cases[i].message,
				cases[i].hint);
			err_list_print(stderr, &problems);
		}
		assert_true(found);
		err_list_free(&problems);
		ruleset_free(ruleset);
	}
}

/* What is said of steps, beside the event that is not there: nothing. */
static const struct {
	const char *events, *steps, *message;
} unknown[] = {
	{ "{name: msg.et}", "{as: a}, {conditions: ['state(\"a.key\") == 1']}", "event 'msg.et'" },
	{ "{name: msg.et}", "{as: a, keep: {x: 1}}, {conditions: ['state(\"a.x\") == 1']}",
	  "event 'msg.et'" },
	{ "{name: msgget}, {name: shmta}",
	  "{event: msgget}, {event: shmta, as: a}, "
	  "{event: msgget, conditions: ['state(\"a.shmid\") == 1']}",
	  "event 'shmta'" },
	{ "{name: msgget}, {name: msgsnd, min_version: 9.0, dependency: optional}",
	  "{event: msgget}, {event: msgsnd}", "no step can be about 'msgsnd'" },
};

static void unknown_events_are_told_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		char text[2048];
		struct builtin_file file = { "x.yaml", text, 0 };
		struct err_list problems = { 0 };

		file.len = (size_t)snprintf(
			text, sizeof(text),
			"type: detector\nid: XX\nproduced_event: {name: xx, version: 1.0}\n"
			"requirements: {events: [%s]}\nsequence: {within: 1s, steps: [%s]}\n",
			unknown[i].events, unknown[i].steps);
		ruleset_free(ruleset_load_texts(&file, 1, NULL, &problems));
		if (problems.errors != 1)
			err_list_print(stderr, &problems);
		assert_int_equal(problems.errors, 1);
		for (uint32_t k = 0; k < problems.count; k++)
			if (problems.items[k].level == ERR_ERROR)
				assert_non_null(
					strstr(problems.items[k].message, unknown[i].message));
		err_list_free(&problems);
	}
}

/* Inputs are numbered in a byte. */
static void events_are_bounded(void **state)
{
	(void)state;
	for (unsigned count = 255; count <= 256; count++) {
		struct builtin_file file = { "x.yaml", NULL, 0 };
		struct err_list problems = { 0 };
		struct buf text = { 0 };

		buf_printf(&text, "type: detector\nid: XX\nrequirements:\n  events:\n");
		for (unsigned i = 0; i < count; i++)
			buf_printf(&text, "    - {name: %s}\n", event_table[i].name);
		buf_printf(&text, "produced_event: {name: xx, version: 1.0}\n"
				  "threshold: {window: 1s, count: 2}\n");
		file.data = text.data;
		file.len = (uint32_t)text.len;
		ruleset_free(ruleset_load_texts(&file, 1, NULL, &problems));
		assert_int_equal(problems.errors, count - 255);
		if (problems.errors) {
			assert_non_null(strstr(problems.items[0].message, "at most 255 events"));
			assert_int_equal(problems.items[0].line, 5);
		}
		err_list_free(&problems);
		buf_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_told),
		cmocka_unit_test(unknown_events_are_told_once),
		cmocka_unit_test(events_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
