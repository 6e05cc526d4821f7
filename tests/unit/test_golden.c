/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `spoor test --update`: what a test file becomes, byte by byte. Every result is run again and
 * must pass, and a second update changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/common.h"
#include "detect/golden.h"
#include "detect/rule_test.h"
#include "detect/ruleset.h"

static const char detector[] =
	"type: detector\nid: A\nproduced_event: {name: alpha, version: 1.0, fields: [{name: n, type: int32}, "
	"{name: exe, type: string}, {name: none, type: string, optional: true}]}\n"
	"requirements: {events: [{name: shmat, data_filters: [shmid!=9]}]}\n"
	"threat: {description: d, severity: high}\nauto_populate: {threat: true}\n"
	"conditions: [getEventData(\"shmid\") < 9]\n"
	"output: {fields: [{name: n, expression: getEventData(\"shmid\")}, "
	"{name: exe, expression: workload.process.executable.path}]}\n";

static struct ruleset *rules(void)
{
	const struct builtin_file files[] = { { "a.yaml", detector, sizeof(detector) - 1 } };
	struct err_list problems = { 0 };
	struct ruleset *ruleset = ruleset_load_texts(files, 1, NULL, &problems);

	assert_non_null(ruleset);
	assert_int_equal(problems.errors, 0);
	return ruleset;
}

/* What --update makes of the text; errors: that many are left. */
static void update(struct ruleset *ruleset, const char *text, struct buf *out, uint32_t errors)
{
	struct arena arena = { 0 };
	struct yaml_file file;
	struct err err = { 0 };
	struct err_list problems = { 0 };
	struct rule_test_count count = { 0 };
	struct golden golden = { .file = &file };

	assert_int_equal(yaml_parse("t.yaml", str_of(text), &arena, &file, &err), 0);
	assert_int_equal(rule_test_run(ruleset, &file, &problems, &count, &golden), 0);
	if (problems.errors != errors)
		err_list_print(stderr, &problems);
	assert_int_equal(problems.errors, errors);
	assert_true(golden_apply(&golden, out));
	golden_free(&golden);
	err_list_free(&problems);
	arena_free(&arena);
}

static void run(struct ruleset *ruleset, const char *text)
{
	struct arena arena = { 0 };
	struct yaml_file file;
	struct err err = { 0 };
	struct err_list problems = { 0 };
	struct rule_test_count count = { 0 };

	assert_int_equal(yaml_parse("t.yaml", str_of(text), &arena, &file, &err), 0);
	assert_int_equal(rule_test_run(ruleset, &file, &problems, &count, NULL), 0);
	err_list_print(stderr, &problems);
	assert_int_equal(problems.errors, 0);
	err_list_free(&problems);
	arena_free(&arena);
}

#define HEAD "type: rule_test\ndetector: A # the one\n\ntests:\n"

static const struct {
	const char *before, *after; /* NULL: as before */
} cases[] = {
	/* What holds stays as it is written. */
	{ HEAD "  - name: it   # x\n    event: {name: shmat, data: {shmid: 0x7}}\n    expect:\n"
	       "      - data: {n: 0x7}   # seven\n",
	  NULL },
	/* One value. */
	{ HEAD "  - name: it\n    event: {name: shmat, data: {shmid: 7}}\n    expect:\n"
	       "      - severity: low # why\n        data: {n: 0x8, exe: '/x' }  # eight\n",
	  HEAD
	  "  - name: it\n    event: {name: shmat, data: {shmid: 7}}\n    expect:\n"
	  "      - severity: high # why\n        data: {n: 7, exe: /usr/bin/test }  # eight\n" },
	/* A block of values, one of them to be absent. */
	{ HEAD "  - name: it\n    event: {name: shmat, data: {shmid: 7}}\n    expect:\n"
	       "      - data:\n          n: 8\n\n          none: x # not there\n",
	  HEAD "  - name: it\n    event: {name: shmat, data: {shmid: 7}}\n    expect:\n"
	       "      - data:\n          n: 7\n\n          none: null # not there\n" },
	/* A test begun with its event alone. */
	{ HEAD
	  "  - name: it\n    event: {name: shmat, data: {shmid: 7}}\n    # to do\n  - name: that\n"
	  "    event: {name: shmat, data: {shmid: 9}}\n    expect: []\n",
	  HEAD "  - name: it\n    event: {name: shmat, data: {shmid: 7}}\n    expect:\n"
	       "      - severity: high\n        data: {n: 7, exe: /usr/bin/test}\n    # to do\n"
	       "  - name: that\n    event: {name: shmat, data: {shmid: 9}}\n    expect: []\n" },
	/* The same within braces. */
	{ HEAD "  - {name: it, event: {name: shmat, data: {shmid: 7}}}\n",
	  HEAD "  - {name: it, event: {name: shmat, data: {shmid: 7}}, expect: [{severity: high, "
	       "data: {n: 7, exe: /usr/bin/test}}]}\n" },
	/* Nothing was expected. */
	{ HEAD "  - name: it\n    expect: [] # none\n    event: {name: shmat, data: {shmid: 7}}\n",
	  HEAD "  - name: it\n    expect:\n      - severity: high\n        data: {n: 7, exe: "
	       "/usr/bin/test} # none\n    event: {name: shmat, data: {shmid: 7}}\n" },
	{ HEAD "  - name: it\n    event: {name: shmat, data: {shmid: 7}}\n    expect:\n",
	  HEAD "  - name: it\n    event: {name: shmat, data: {shmid: 7}}\n    expect:\n"
	       "      - severity: high\n        data: {n: 7, exe: /usr/bin/test}\n" },
	/* Nothing came. */
	{ HEAD "  - name: it\n    event: {name: shmat, data: {shmid: 9}}\n    expect:\n"
	       "      - data: {n: 9}\n      - data: {n: 10}\n\n# end\n",
	  HEAD
	  "  - name: it\n    event: {name: shmat, data: {shmid: 9}}\n    expect: []\n\n# end\n" },
	{ HEAD
	  "  - name: it\n    expect: [{data: {n: 9}}]\n    event: {name: shmat, data: {shmid: 9}}\n",
	  HEAD "  - name: it\n    expect: []\n    event: {name: shmat, data: {shmid: 9}}\n" },
	/* One too many, one too few. */
	{ HEAD "  - name: it\n    event: {name: shmat, data: {shmid: 7}}\n    expect:\n"
	       "    - data: {n: 7} # first\n    - data: {n: 8}\n",
	  HEAD "  - name: it\n    event: {name: shmat, data: {shmid: 7}}\n    expect:\n"
	       "    - data: {n: 7}\n" },
	{ HEAD
	  "  - name: it\n    events:\n      - {name: shmat, data: {shmid: 7}}\n"
	  "      - {name: shmat, data: {shmid: 6}, process: {executable: \"/a b\"}}\n    expect:\n"
	  "    - data: {n: 7} # first\n",
	  HEAD
	  "  - name: it\n    events:\n      - {name: shmat, data: {shmid: 7}}\n"
	  "      - {name: shmat, data: {shmid: 6}, process: {executable: \"/a b\"}}\n    expect:\n"
	  "    - data: {n: 7}\n    - severity: high\n      data: {n: 6, exe: \"/a b\"} # first\n" },
	{ HEAD
	  "  - name: it\n    events: [{name: shmat, data: {shmid: 7}}, {name: shmat, data: {shmid: 6}}]\n"
	  "    expect: [{data: {n: 7}}]\n",
	  HEAD
	  "  - name: it\n    events: [{name: shmat, data: {shmid: 7}}, {name: shmat, data: {shmid: 6}}]\n"
	  "    expect: [{data: {n: 7}}, {severity: high, data: {n: 6, exe: /usr/bin/test}}]\n" },
	/* Without a detector, detections are named. */
	{ "type: rule_test\ntests:\n- name: it\n  event: {name: shmat, data: {shmid: 7}}\n",
	  "type: rule_test\ntests:\n- name: it\n  event: {name: shmat, data: {shmid: 7}}\n  expect:\n"
	  "    - event: alpha\n      severity: high\n      data: {n: 7, exe: /usr/bin/test}\n" },
};

static void results_are_written(void **state)
{
	struct ruleset *ruleset = rules();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *want = cases[i].after ? cases[i].after : cases[i].before;
		struct buf out = { 0 }, again = { 0 };

		update(ruleset, cases[i].before, &out, 0);
		if (strcmp(buf_cstr(&out), want))
			fail_msg("became\n%s\nexpected\n%s", buf_cstr(&out), want);
		run(ruleset, buf_cstr(&out));
		update(ruleset, buf_cstr(&out), &again, 0);
		assert_string_equal(buf_cstr(&again), want);
		buf_free(&out);
		buf_free(&again);
	}
	ruleset_free(ruleset);
}

/* What came of a test that is wrong itself is nothing to keep. */
static void mistakes_stay(void **state)
{
	static const char *const texts[] = {
		HEAD "  - name: it\n    event: {name: shmta}\n    expect: [{data: {n: 7}}]\n",
		HEAD
		"  - name: it\n    event: {name: shmat, data: {shmid: many}}\n    expect: []\n",
	};
	struct ruleset *ruleset = rules();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct arena arena = { 0 };
		struct yaml_file file;
		struct err err = { 0 };
		struct err_list problems = { 0 };
		struct rule_test_count count = { 0 };
		struct golden golden = { .file = &file };

		assert_int_equal(yaml_parse("t.yaml", str_of(texts[i]), &arena, &file, &err), 0);
		assert_int_equal(rule_test_run(ruleset, &file, &problems, &count, &golden), 0);
		assert_true(problems.errors > 0);
		assert_int_equal(count.failed, 1);
		assert_int_equal(golden.count, 0);
		golden_free(&golden);
		err_list_free(&problems);
		arena_free(&arena);
	}
	ruleset_free(ruleset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_are_written),
		cmocka_unit_test(mistakes_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
