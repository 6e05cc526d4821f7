/* SPDX-License-Identifier: Apache-2.0 */
/* Rule tests themselves: a wrong expectation fails, with its place and what was found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "detect/rule_test.h"
#include "detect/ruleset.h"

static const char detector[] =
	"type: detector\nid: A\nproduced_event: {name: alpha, version: 1.0, fields: [{name: n, type: int32}, "
	"{name: exe, type: string}]}\n"
	"requirements: {events: [{name: shmat, data_filters: [shmid!=9]}]}\n"
	"threat: {description: d, severity: high}\nauto_populate: {threat: true}\n"
	"conditions: [getEventData(\"shmid\") < 9]\n"
	"output: {fields: [{name: n, expression: getEventData(\"shmid\")}, "
	"{name: exe, expression: workload.process.executable.path}]}\n";

struct outcome {
	struct rule_test_count count;
	struct err_list problems;
};

static void run(struct outcome *out, const char *text)
{
	const struct builtin_file files[] = { { "a.yaml", detector, sizeof(detector) - 1 } };
	struct arena arena = { 0 };
	struct yaml_file file;
	struct err err = { 0 };
	struct ruleset *ruleset;

	*out = (struct outcome){ 0 };
	ruleset = ruleset_load_texts(files, 1, NULL, &out->problems);
	assert_int_equal(out->problems.errors, 0);
	assert_int_equal(yaml_parse("t.yaml", str_of(text), &arena, &file, &err), 0);
	assert_int_equal(rule_test_run(ruleset, &file, &out->problems, &out->count, NULL), 0);
	ruleset_free(ruleset);
	arena_free(&arena);
}

#define TEST(event, expect) \
	"type: rule_test\ndetector: A\ntests:\n  - name: it\n    event: {name: shmat, " event \
	"}\n" \
	"    expect: " expect "\n"

static void expectations_hold(void **state)
{
	static const char *const texts[] = {
		TEST("data: {shmid: 7}", "[{event: alpha, severity: high, data: {n: 7}}]"),
		TEST("data: {shmid: 0x7}, process: {executable: /x/y}",
		     "[{data: {n: 07, exe: /x/y}}]"),
		TEST("data: {shmid: 9}", "[]"),
		TEST("data: {shmid: 10}", "[]"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct outcome out;

		run(&out, texts[i]);
		err_list_print(stderr, &out.problems);
		assert_int_equal(out.count.passed, 1);
		assert_int_equal(out.count.failed, 0);
		err_list_free(&out.problems);
	}
}

static void wrong_expectations_fail(void **state)
{
	static const struct {
		const char *text, *message, *hint;
		uint32_t line;
	} cases[] = {
		{ TEST("data: {shmid: 7}", "[]"), "alpha fired", "", 4 },
		{ TEST("data: {shmid: 7}", "[{event: beta}]"), "alpha fired instead", "", 6 },
		{ TEST("data: {shmid: 7}", "[{data: {n: 8}}]"), "n is 7, expected 8", "", 6 },
		{ TEST("data: {shmid: 7}", "[{data: {m: 8}}]"), "no field 'm'", "", 6 },
		{ TEST("data: {shmid: 7}", "[{data: {n: null}}]"), "n is 7, expected <nil>", "",
		  6 },
		{ TEST("data: {shmid: 7}", "[{severity: low}]"), "severity is high", "", 6 },
		{ TEST("data: {shmid: 7}", "[{event: alpha}, {event: alpha}]"), "nothing fired", "",
		  6 },
		{ TEST("data: {shmid: 10}", "[{event: alpha}]"), "nothing fired",
		  "condition 0 did not hold", 6 },
		{ TEST("data: {shmid: 9}", "[{event: alpha}]"), "nothing fired",
		  "no event passed its filters", 6 },
		{ TEST("data: {shmidd: 7}", "[]"), "no field 'shmidd'", "shmid", 5 },
		{ TEST("data: {shmid: SHM_EXECC}", "[]"), "neither a number nor a constant",
		  "SHM_EXEC", 5 },
		{ TEST("data: {shmid: 5000000000}", "[]"), "does not fit", "", 5 },
		{ "type: rule_test\ndetector: B\ntests: [{name: x, event: {name: shmat}}]\n",
		  "there is no detector 'B'", "", 2 },
		{ "type: rule_test\ntests: [{name: x, event: {name: shmatt}}]\n",
		  "event 'shmatt' not found", "shmat", 2 },
		{ "type: rule_test\ntests: []\n", "tests are missing", "", 2 },
		{ "type: rule_test\ntest: []\n", "unknown key 'test'", "tests", 2 },
		{ "type: rule_test\ntests: [{name: x}]\n", "no event goes in", "", 2 },
		{ TEST("data: {shmid: 7}, repeat: 300", "[]"), "a test keeps 256 detections",
		  "fewer events", 5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct outcome out;

		run(&out, cases[i].text);
		if (out.count.passed || !out.count.failed || !out.problems.errors ||
		    !strstr(out.problems.items[0].message, cases[i].message) ||
		    !strstr(out.problems.items[0].hint, cases[i].hint) ||
		    out.problems.items[0].line != cases[i].line) {
			err_list_print(stderr, &out.problems);
			fail_msg("case %zu: %u passed, %u failed", i, out.count.passed,
				 out.count.failed);
		}
		err_list_free(&out.problems);
	}
}

/* With the index and without it rules must say the same: a count is not enough. */
static void detections_are_compared_whole(void **state)
{
	static const struct wire_header first = { .time = 7 }, second = { .time = 8 };
	static const struct event_state crossed = { "crossed", 1, 7, 3, 0 },
					again = { "again", 1, 7, 3, 0 },
					more = { "crossed", 1, 7, 4, 0 },
					partial = { "crossed", 1, 7, 3, 2 };
	static const struct event_field fields[] = { { .name = "n" }, { .name = "exe" } };
	static const struct event_def alpha = { .name = "alpha",
						.fields = fields,
						.field_count = 2 },
				      beta = { .name = "beta", .fields = fields, .field_count = 2 };
	const struct value values[] = { value_int(7), value_str(STR("/x")) },
			   number[] = { value_int(8), value_str(STR("/x")) },
			   text[] = { value_int(7), value_str(STR("/y")) },
			   absent[] = { value_int(7), value_null() };
	const struct event base = {
		.def = &alpha, .wire = &first, .values = values, .rule = STR("A"), .state = &crossed
	};
	struct event others[] = { base, base, base, base, base, base, base, base, base };
	struct buf is = { 0 };

	(void)state;
	others[0].def = &beta;
	others[1].wire = &second;
	others[2].values = number;
	others[3].values = text;
	others[4].values = absent;
	others[5].rule = STR("B");
	others[6].state = &again;
	others[7].state = &more;
	others[8].state = &partial;
	detection_print(&base, &is);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct buf other = { 0 };

		detection_print(&others[i], &other);
		assert_string_not_equal(buf_cstr(&is), buf_cstr(&other));
		buf_free(&other);
	}
	buf_free(&is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expectations_hold),
		cmocka_unit_test(wrong_expectations_fail),
		cmocka_unit_test(detections_are_compared_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
