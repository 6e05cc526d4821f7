/* SPDX-License-Identifier: Apache-2.0 */
/* Suppression: what passes, what is counted, and that the count is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/common.h"
#include "delivery/suppress.h"

static struct event_def def = { .id = 7001, .name = "some_alert", .version = "1.0.0" };
static struct threat threat = { .severity = SEVERITY_HIGH };
static const struct clock no_clock;
static struct wire_header wire;

struct told {
	uint32_t reports;
	uint64_t suppressed, passed;
};

static void tell(void *ctx, const struct event *event)
{
	struct told *told = ctx;

	assert_string_equal(event->def->name, "alerts_suppressed");
	told->reports++;
	told->suppressed += event_field_value(event, 0, NULL).u;
	told->passed += event_field_value(event, 1, NULL).u;
	const char *why = NULL;

	assert_int_equal(wire_check(event->wire, event->wire->size, &why), 0);
	struct value detector = event_field_value(event, 4, NULL);

	assert_true(str_equal((struct str){ detector.str, detector.len }, STR("RULE-1")));
}

/* An alert of the rule at a second, by a process and a user. */
static bool pass(struct suppress *s, uint64_t second, uint32_t pid, uint32_t uid)
{
	wire = (struct wire_header){
		.size = sizeof(wire), .time = second * 1000000000, .pid = pid, .uid = uid
	};
	struct event event = { .def = &def,
			       .wire = &wire,
			       .threat = &threat,
			       .rule = STR("RULE-1"),
			       .clock = &no_clock };

	return suppress_pass(s, &event);
}

static void test_window(void **state)
{
	(void)state;
	static const struct suppress_key user = { .part = SUPPRESS_USER };
	const struct suppress_rule rule = {
		.keys = &user, .key_count = 1, .window_ns = 60ULL * 1000000000, .limit = 2
	};
	struct told told = { 0 };
	struct suppress *s = suppress_new(&rule, 1, tell, &told);

	assert_true(pass(s, 100, 1, 1000));
	assert_true(pass(s, 101, 2, 1000));
	for (int i = 0; i < 10; i++)
		assert_false(pass(s, 102, 3, 1000));
	assert_true(pass(s, 102, 3, 0)); /* another user */
	assert_int_equal(told.reports, 0);
	/* The window is over: its count is told before the next one passes. */
	assert_true(pass(s, 160, 1, 1000));
	assert_int_equal(told.reports, 1);
	assert_int_equal(told.suppressed, 10);
	assert_int_equal(told.passed, 2);
	assert_int_equal(suppress_count(s), 10);
	/* Nothing held back: nothing to tell. */
	suppress_advance(s, UINT64_MAX);
	assert_int_equal(told.reports, 1);
	suppress_free(s);
}

/* More keys than places: nothing is forgotten silently. */
static void test_flood(void **state)
{
	(void)state;
	static const struct suppress_key pid = { .part = SUPPRESS_PID };
	const struct suppress_rule rule = {
		.keys = &pid, .key_count = 1, .window_ns = 3600ULL * 1000000000, .limit = 1
	};
	struct told told = { 0 };
	struct suppress *s = suppress_new(&rule, 1, tell, &told);
	uint64_t passed = 0, held = 0;

	for (uint32_t i = 0; i < 50000; i++)
		for (int k = 0; k < 3; k++)
			*(pass(s, 100, i, 0) ? &passed : &held) += 1;
	suppress_advance(s, UINT64_MAX);
	assert_int_equal(told.suppressed, held);
	assert_int_equal(told.passed + (passed - told.passed), passed);
	assert_int_equal(passed + held, 150000);
	assert_int_equal(suppress_count(s), held);
	suppress_free(s);
}

static void test_other_rules(void **state)
{
	(void)state;
	static const struct str name = { "other_alert", 11 };
	const struct suppress_rule rule = { .detectors = { &name, 1 },
					    .window_ns = 1000000000,
					    .limit = 1 };
	struct told told = { 0 };
	struct suppress *s = suppress_new(&rule, 1, tell, &told);

	for (int i = 0; i < 10; i++)
		assert_true(pass(s, 100, 1, 1));
	suppress_free(s);
}

/* Lists are told apart by what is in them, wherever they stand. */
static void test_lists(void **state)
{
	(void)state;
	static const struct event_field field = { .name = "paths", .type = FIELD_strs };
	static const struct event_def listing = {
		.id = 7002, .name = "l", .version = "1.0.0", .fields = &field, .field_count = 1
	};
	static const struct suppress_key paths = { .part = SUPPRESS_FIELD, .field = STR("paths") };
	const struct suppress_rule rule = {
		.keys = &paths, .key_count = 1, .window_ns = 60ULL * 1000000000, .limit = 1
	};
	static const char *const texts[] = { "/a", "/b", "/a" };
	struct told told = { 0 };
	struct suppress *s = suppress_new(&rule, 1, tell, &told);
	struct value_list *list = calloc(1, sizeof(*list) + sizeof(struct value));
	struct value value = { .tag = VALUE_LIST, .len = list->count = 1, .list = list };

	wire = (struct wire_header){ .size = sizeof(wire), .time = 1000000000 };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct event event = { .def = &listing,
				       .wire = &wire,
				       .values = &value,
				       .threat = &threat,
				       .rule = STR("RULE-1"),
				       .clock = &no_clock };

		list->items[0] = value_str(str_of(texts[i]));
		assert_int_equal(suppress_pass(s, &event), i < 2);
	}
	free(list);
	suppress_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_other_rules),
		cmocka_unit_test(test_lists),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("suppress", tests, NULL, NULL);
}
