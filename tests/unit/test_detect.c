/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detectors from text, run on hand-made events: what fires, what comes out, chains, errors at
 * load with their places.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "detect/ruleset.h"

enum { MADE_MAX = 64 };

/* A ruleset from texts, and what it made of the last event. */
struct fixture {
	struct builtin_file files[8];
	size_t file_count;
	struct err_list problems;
	struct ruleset *ruleset;
	struct arena arena;
	const struct event *made[MADE_MAX];
	uint32_t made_count;
};

static void add_file(struct fixture *f, const char *path, const char *text)
{
	f->files[f->file_count++] = (struct builtin_file){ path, text, (uint32_t)strlen(text) };
}

static void load(struct fixture *f, bool compat)
{
	struct ruleset_options options = { .compat_tracee = compat };

	f->ruleset = ruleset_load_texts(f->files, f->file_count, &options, &f->problems);
	assert_non_null(f->ruleset);
}

static void load_clean(struct fixture *f)
{
	load(f, false);
	err_list_print(stderr, &f->problems);
	assert_int_equal(f->problems.errors, 0);
}

static void fixture_free(struct fixture *f)
{
	ruleset_free(f->ruleset);
	err_list_free(&f->problems);
	arena_free(&f->arena);
}

static void keep(void *ctx, const struct event *produced)
{
	struct fixture *f = ctx;

	if (f->made_count < MADE_MAX)
		f->made[f->made_count++] = produced;
}

struct record {
	struct wire_header header;
	struct ev_shmat body;
};

/* shmat of segment 7 by pid 100; everything but perm_key is there. */
static uint32_t feed(struct fixture *f)
{
	static const struct clock clock = { .boot_epoch_ns = 1700000000000000000 };
	static struct record record;
	static struct event event;

	record = (struct record){
		.header = { .size = sizeof(record),
			    .id = EV_shmat,
			    .time = 5000000000,
			    .present = ~FIELD_BIT(shmat, perm_key),
			    .pid = 100,
			    .ns_pid = 100,
			    .uid = 1000,
			    .flags = WIRE_CONTEXT,
			    .comm = "tester" },
		.body = { .shmid = 7, .shmaddr = 4096, .shmflg = 0100000, .returnValue = -22 },
	};
	event = (struct event){ .def = event_by_id(EV_shmat),
				.wire = &record.header,
				.clock = &clock };
	f->made_count = 0;
	return ruleset_run(f->ruleset, &event, NULL, &f->arena, keep, f);
}

#define DETECTOR(id, event, input, rest) \
	"type: detector\nid: " id "\nproduced_event: {name: " event ", version: 1.0}\n" \
	"requirements: {events: [{name: " input "}]}\n" rest

static struct value field_of(const struct event *event, const char *name)
{
	int index = event_field_index(event->def, str_of(name));

	assert_true(index >= 0);
	return event_field_value(event, (unsigned)index, NULL);
}

/* ---- firing ------------------------------------------------------------------------ */

static void fires_when_all_conditions_hold(void **state)
{
	static const struct {
		const char *conditions;
		bool fires;
	} cases[] = {
		{ "", true },
		{ "conditions: ['true', 'true']", true },
		{ "conditions: ['true', 'false']", false },
		{ "conditions: ['getEventData(\"shmid\") == 7']", true },
		{ "conditions: ['getEventData(\"shmid\") == 8']", false },
		{ "conditions: ['hasBits(getEventData(\"shmflg\"), SHM_EXEC)']", true },
		{ "conditions: ['anyBits(getEventData(\"shmflg\"), SHM_EXEC + SHM_RND)']", true },
		{ "conditions: ['hasBits(getEventData(\"shmflg\"), SHM_EXEC + SHM_RND)']", false },
		{ "conditions: ['getEventData(\"perm_key\") == null']", true },
		{ "conditions: ['hasData(\"perm_key\")']", false },
		{ "conditions: ['hasData(\"shmid\") && !hasBits(getEventData(\"perm_key\"), 0)']",
		  true },
		{ "conditions: ['getEventData(\"returnValue\") == -EINVAL']", true },
		/* An error counts as false. */
		{ "conditions: ['1 / (getEventData(\"shmid\") - 7) == 1']", false },
		{ "conditions: ['workload.process.pid == 100u']", true },
		{ "conditions: ['workload.process.real_user.id == 1000u']", true },
		{ "conditions: ['workload.process.thread.name == \"tester\"']", true },
		{ "conditions: ['context.euid == 0']", true },
		{ "conditions: ['event.name == \"shmat\"']", true },
		{ "conditions: ['workload.container.id == \"\"']", true },
		{ "conditions: ['has(workload.container)']", false },
		{ "conditions: ['event.data.exists(d, d.name == \"shmid\" && d.int32 == 7)']",
		  true },
		{ "conditions: ['timestamp.getFullYear() == 2023']", true },
		{ "conditions: ['origin(\"shmid\") == \"K\" && origin(\"perm_key\") == \"\"']",
		  true },
		{ "conditions: ['process.related(1)']", true },
		{ "conditions: ['event.workload.process.ancestors.size() == 0']", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f = { 0 };
		char text[1024];

		snprintf(text, sizeof(text), "%s%s\n", DETECTOR("A", "a_event", "shmat", ""),
			 cases[i].conditions);
		add_file(&f, "a.yaml", text);
		load_clean(&f);
		if (feed(&f) != cases[i].fires)
			fail_msg("%s", cases[i].conditions);
		fixture_free(&f);
	}
}

static void errors_are_counted(void **state)
{
	struct fixture f = { 0 };
	struct detector_info info;

	(void)state;
	add_file(&f, "a.yaml",
		 DETECTOR("A", "a_event", "shmat",
			  "conditions: ['1 / (getEventData(\"shmid\") - 7) == 1']\n"));
	add_file(&f, "b.yaml", DETECTOR("B", "b_event", "shmat", ""));
	load_clean(&f);
	assert_int_equal(feed(&f), 1);
	ruleset_detector(f.ruleset, 0, &info);
	assert_int_equal(info.evaluated, 1);
	assert_int_equal(info.fired, 0);
	assert_int_equal(info.errors, 1);
	ruleset_detector(f.ruleset, 1, &info);
	assert_int_equal(info.fired, 1);
	assert_int_equal(info.errors, 0);
	fixture_free(&f);
}

static void makes_the_event_it_declares(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	add_file(
		&f, "a.yaml",
		"type: detector\nid: A\n"
		"produced_event:\n  name: a_event\n  version: 1.2.3\n  tags: [one, two]\n"
		"  fields: [{name: later, type: string}, {name: id, type: uint64}, {name: text, type: string}]\n"
		"requirements: {events: [{name: shmat}]}\n"
		"threat:\n  name: N\n  description: D\n  severity: HIGH\n"
		"  mitre: {technique: {id: T1}, tactic: {name: T}}\n  properties: {z: 1, a: yes}\n"
		"auto_populate: {threat: true, detected_from: true}\n"
		"output:\n  fields:\n    - {name: id, expression: getEventData(\"shmid\")}\n"
		"    - {name: text, expression: getEventData(\"shmid\")}\n"
		"    - {name: gone, expression: getEventData(\"perm_key\"), optional: true}\n");
	load_clean(&f);
	assert_int_equal(feed(&f), 1);
	const struct event *made = f.made[0];

	assert_string_equal(made->def->name, "a_event");
	assert_true(event_in_set(made->def, STR("two")) &&
		    event_in_set(made->def, STR("detectors")));
	/* Output fields in their order, then what is only declared. */
	assert_string_equal(made->def->fields[0].name, "id");
	assert_string_equal(made->def->fields[2].name, "gone");
	assert_string_equal(made->def->fields[3].name, "later");
	assert_int_equal(field_of(made, "id").tag, VALUE_UINT);
	assert_int_equal(field_of(made, "id").u, 7);
	assert_int_equal(field_of(made, "id").kind, FIELD_u64);
	assert_true(str_equal(
		(struct str){ field_of(made, "text").str, field_of(made, "text").len }, STR("7")));
	assert_int_equal(field_of(made, "gone").tag, VALUE_NULL);
	assert_int_equal(field_of(made, "later").tag, VALUE_NULL);
	assert_true(made->print_detected_from);
	assert_string_equal(made->detected_from->def->name, "shmat");
	assert_int_equal(made->threat->severity, SEVERITY_HIGH);
	assert_int_equal(made->threat->property_count, 2);
	assert_true(str_equal(made->threat->properties[0].key, STR("a")));
	assert_true(str_equal(made->threat->properties[0].value, STR("yes")));
	fixture_free(&f);
}

static void outputs_take_the_declared_type_or_drop_the_detection(void **state)
{
	static const struct {
		const char *type, *expression;
		bool fires, fires_in_tracee;
	} cases[] = {
		{ "string", "\"x\"", true, true },
		{ "string", "5", true, true },
		{ "string", "true", true, true },
		{ "string", "[1]", false, false },
		{ "int32", "5", true, true },
		{ "int32", "3000000000", false, false },
		{ "int64", "3000000000", true, false },
		{ "uint32", "5", true, true },
		{ "uint32", "-5", false, true },
		{ "uint64", "5", true, true },
		{ "uint64", "18446744073709551615u", true, true },
		{ "bool", "true", true, true },
		{ "bool", "1", false, true },
		{ "bytes", "b\"x\"", true, true },
		{ "double", "1.5", true, false },
		{ "double", "1", true, true },
		{ "string", "null", false, false },
		{ "string", "getEventData(\"perm_key\")", false, false },
		{ "\"[]string\"", "[\"a\", \"b\"]", true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int compat = 0; compat < 2; compat++) {
			struct fixture f = { 0 };
			char text[1024];

			if (compat && field_type_parse(str_of(cases[i].type), true) == FIELD_none)
				continue;
			snprintf(
				text, sizeof(text),
				"type: detector\nid: A\nproduced_event: {name: a, version: 1.0, fields: "
				"[{name: f, type: %s}]}\nrequirements: {events: [{name: shmat}]}\n"
				"output: {fields: [{name: f, expression: '%s'}]}\n",
				cases[i].type, cases[i].expression);
			add_file(&f, "a.yaml", text);
			load(&f, compat);
			assert_int_equal(f.problems.errors, 0);
			if (feed(&f) != (compat ? cases[i].fires_in_tracee : cases[i].fires))
				fail_msg("%s as %s, compat %d", cases[i].expression, cases[i].type,
					 compat);
			fixture_free(&f);
		}
}

/* ---- chains ---------------------------------------------------------------------------- */

static void chains_work_in_any_order_of_files(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	add_file(&f, "a.yaml",
		 DETECTOR("C", "third", "second", "conditions: ['getEventData(\"n\") == 8']\n"));
	add_file(
		&f, "b.yaml",
		"type: detector\nid: B\nproduced_event: {name: second, version: 1.0, fields: [{name: n, type: "
		"int32}]}\n"
		"requirements: {events: [{name: first, data_filters: [n=7]}]}\n"
		"output: {fields: [{name: n, expression: getEventData(\"n\") + 1}]}\n");
	add_file(
		&f, "c.yaml",
		"type: detector\nid: A\nproduced_event: {name: first, version: 1.0, fields: [{name: n, type: "
		"int32}]}\n"
		"requirements: {events: [{name: shmat}]}\n"
		"output: {fields: [{name: n, expression: getEventData(\"shmid\")}]}\n");
	load_clean(&f);
	assert_int_equal(feed(&f), 3);
	assert_string_equal(f.made[0]->def->name, "first");
	assert_string_equal(f.made[1]->def->name, "second");
	assert_string_equal(f.made[2]->def->name, "third");
	fixture_free(&f);
}

static void chains_end_after_five_levels(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	add_file(&f, "a.yaml",
		 "type: detector\nid: A\nproduced_event: {name: again, version: 1.0}\n"
		 "requirements: {events: [{name: shmat}, {name: again}]}\n");
	load_clean(&f);
	assert_int_equal(feed(&f), DETECT_DEPTH_MAX);
	fixture_free(&f);
}

/* Each of 8 detectors reads the events of all: 8^5 without a bound. */
static void detections_of_one_event_are_bounded(void **state)
{
	struct fixture f = { 0 };
	char texts[8][512];

	(void)state;
	for (int i = 0; i < 8; i++) {
		int len = snprintf(
			texts[i], sizeof(texts[i]),
			"type: detector\nid: A%d\nproduced_event: {name: e%d, version: 1.0}\n"
			"requirements: {events: [{name: shmat}",
			i, i);

		for (int k = 0; k < 8; k++)
			len += snprintf(texts[i] + len, sizeof(texts[i]) - (size_t)len,
					", {name: e%d}", k);
		snprintf(texts[i] + len, sizeof(texts[i]) - (size_t)len, "]}\n");
		add_file(&f, "a.yaml", texts[i]);
	}
	load_clean(&f);
	assert_int_equal(feed(&f), DETECT_OUTPUTS_MAX);
	assert_true(f.ruleset->outputs_refused > 0);
	fixture_free(&f);
}

/* ---- loading ---------------------------------------------------------------------------- */

struct load_case {
	const char *text;
	uint32_t line, column;
	const char *message, *hint;
};

static void mistakes_have_a_place_and_a_hint(void **state)
{
	static const struct load_case cases[] = {
		{ DETECTOR("A", "a", "shmatt", ""), 4, 32, "event 'shmatt' not found", "'shmat'" },
		{ DETECTOR("A", "a", "shmat", "condition: []\n"), 5, 1, "unknown key 'condition'",
		  "'conditions'" },
		{ DETECTOR("A", "a", "shmat", "conditions:\n  - getEventData(\"shmidd\") == 1\n"),
		  6, 18, "event shmat has no field 'shmidd'", "'shmid'" },
		{ DETECTOR("A", "a", "shmat", "conditions:\n  - basenam(\"x\") == \"x\"\n"), 6, 5,
		  "basenam", "basename" },
		{ DETECTOR("A", "a", "shmat", "conditions:\n  - SHM_EXE == 1\n"), 6, 5, "SHM_EXE",
		  "SHM_EXEC" },
		{ DETECTOR("A", "a", "shmat", "conditions:\n  - getEventData(\"shmid\")\n"), 6, 5,
		  "bool", "" },
		{ DETECTOR("A", "a", "shmat", "conditions:\n  - ''\n"), 6, 5,
		  "condition 0 is empty", "" },
		{ DETECTOR("A", "msgget", "shmat", ""), 3, 24, "definition name already exists",
		  "" },
		{ "type: detectr\n", 1, 7, "invalid type 'detectr'", "type: detector" },
		{ "id: A\n", 1, 1, "missing required field 'type'", "" },
		{ "type: detector\nproduced_event: {name: a, version: 1.0}\n"
		  "requirements: {events: [{name: shmat}]}\n",
		  1, 1, "detector ID is required", "" },
		{ "type: detector\nid: A\nproduced_event: {name: a, version: v1}\n"
		  "requirements: {events: [{name: shmat}]}\n",
		  3, 36, "version must be in format", "" },
		{ "type: detector\nid: A\nproduced_event: {name: a, version: 1.0}\n"
		  "requirements: {events: [{name: shmat, data_filters: [shmi=5]}]}\n",
		  4, 54, "invalid event data field: shmi", "shmid" },
		{ "type: detector\nid: A\nproduced_event: {name: a, version: 1.0}\n"
		  "requirements: {events: []}\n",
		  4, 24, "at least one event requirement is required", "" },
		{ DETECTOR("A", "a", "shmat", "threat: {description: d, severity: sever}\n"), 5, 36,
		  "invalid severity 'sever'", "" },
		{ DETECTOR("A", "a", "shmat", "output: {fields: [{name: x, expression: 1 +}]}\n"),
		  5, 44, "output field 'x' has invalid CEL expression", "" },
		{ "type: string_list\nname: lower\n", 2, 7, "must be uppercase", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f = { 0 };
		const struct err *err;

		add_file(&f, "a.yaml", cases[i].text);
		load(&f, false);
		assert_true(f.problems.errors > 0);
		err = &f.problems.items[0];
		if (err->line != cases[i].line || err->column != cases[i].column ||
		    !strstr(err->message, cases[i].message) || !strstr(err->hint, cases[i].hint)) {
			err_print(stderr, err);
			fail_msg("case %zu: expected %u:%u %s", i, cases[i].line, cases[i].column,
				 cases[i].message);
		}
		assert_string_equal(err->path, "a.yaml");
		assert_true(err->source[0] && err->caret);
		assert_int_equal(ruleset_detector_count(f.ruleset), 0);
		fixture_free(&f);
	}
}

static void one_run_shows_all_mistakes_and_keeps_what_is_whole(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	add_file(&f, "a.yaml",
		 DETECTOR("A", "a", "shmat",
			  "conditions: [getEventData(\"x\") == 1, nope == 2, 'true']\n"));
	add_file(&f, "b.yaml", DETECTOR("B", "b", "shmat", ""));
	add_file(&f, "c.yaml", "a: [\n");
	load(&f, false);
	assert_int_equal(f.problems.errors, 3);
	assert_int_equal(ruleset_detector_count(f.ruleset), 1);
	assert_int_equal(feed(&f), 1);
	fixture_free(&f);
}

static void tracee_mode_warns_of_unknown_keys(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	add_file(&f, "a.yaml",
		 DETECTOR("A", "a", "shmat",
			  "extra: 1\nconditions: ['getEventData(\"nosuch\") == null']\n"));
	load(&f, true);
	assert_int_equal(f.problems.errors, 0);
	assert_int_equal(f.problems.warnings, 1);
	assert_int_equal(feed(&f), 1);
	fixture_free(&f);
}

static void lists_are_seen_and_missed(void **state)
{
	struct fixture f = { 0 }, g = { 0 };

	(void)state;
	add_file(&f, "a.yaml",
		 DETECTOR("A", "a", "shmat",
			  "conditions: [workload.process.thread.name in NAMES]\n"));
	add_file(&f, "z.yaml", "type: string_list\nname: NAMES\nvalues: [other, tester]\n");
	load_clean(&f);
	assert_int_equal(feed(&f), 1);
	fixture_free(&f);

	add_file(&g, "a.yaml",
		 DETECTOR("A", "a", "shmat",
			  "conditions: [workload.process.thread.name in NAMS]\n"));
	add_file(&g, "z.yaml", "type: string_list\nname: NAMES\nvalues: [other, tester]\n");
	load(&g, false);
	assert_int_equal(g.problems.errors, 1);
	assert_non_null(strstr(g.problems.items[0].hint, "NAMES"));
	fixture_free(&g);
}

static void a_second_list_of_a_name_is_refused(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	add_file(&f, "a.yaml", "type: string_list\nname: NAMES\nvalues: [x]\n");
	add_file(&f, "b.yaml", "type: string_list\nname: NAMES\nvalues: [y]\n");
	load(&f, false);
	assert_int_equal(f.problems.errors, 1);
	assert_non_null(strstr(f.problems.items[0].message, "duplicate list name 'NAMES'"));
	assert_non_null(strstr(f.problems.items[0].hint, "a.yaml"));
	fixture_free(&f);
}

static void severe_rules_on_user_memory_alone_are_warned_of(void **state)
{
	static const struct {
		const char *condition;
		uint32_t warnings;
	} cases[] = {
		{ "getEventData(\"timeout\") != null", 1 },
		{ "getEventData(\"timeout\") != null && getEventData(\"returnValue\") == 0", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f = { 0 };
		char text[1024];

		snprintf(text, sizeof(text), "%sconditions: ['%s']\n",
			 DETECTOR("A", "a", "semtimedop",
				  "threat: {description: d, severity: high}\n"),
			 cases[i].condition);
		add_file(&f, "a.yaml", text);
		load(&f, false);
		assert_int_equal(f.problems.errors, 0);
		assert_int_equal(f.problems.warnings, cases[i].warnings);
		fixture_free(&f);
	}
}

static void tables_are_in_order(void **state)
{
	(void)state;
	for (size_t i = 1; i < environment_constant_count; i++)
		assert_true(strcmp(environment_constants[i - 1].name,
				   environment_constants[i].name) < 0);
}

static void the_builtin_rules_load(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	f.ruleset = ruleset_load_builtin(NULL, &f.problems);
	assert_non_null(f.ruleset);
	err_list_print(stderr, &f.problems);
	assert_int_equal(f.problems.errors + f.problems.warnings, 0);
	assert_true(ruleset_detector_count(f.ruleset) >= 16);
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_when_all_conditions_hold),
		cmocka_unit_test(errors_are_counted),
		cmocka_unit_test(makes_the_event_it_declares),
		cmocka_unit_test(outputs_take_the_declared_type_or_drop_the_detection),
		cmocka_unit_test(chains_work_in_any_order_of_files),
		cmocka_unit_test(chains_end_after_five_levels),
		cmocka_unit_test(detections_of_one_event_are_bounded),
		cmocka_unit_test(mistakes_have_a_place_and_a_hint),
		cmocka_unit_test(one_run_shows_all_mistakes_and_keeps_what_is_whole),
		cmocka_unit_test(tracee_mode_warns_of_unknown_keys),
		cmocka_unit_test(lists_are_seen_and_missed),
		cmocka_unit_test(a_second_list_of_a_name_is_refused),
		cmocka_unit_test(severe_rules_on_user_memory_alone_are_warned_of),
		cmocka_unit_test(tables_are_in_order),
		cmocka_unit_test(the_builtin_rules_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
