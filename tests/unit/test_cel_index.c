/* SPDX-License-Identifier: Apache-2.0 */
/* The index of many rules: what is true comes in order, and the plan says how it is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>

#include "base/buf.h"
#include "base/common.h"
#include "cel/index.h"

static struct value given[3];

static int resolve(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	(void)ctx;
	if (name.len != 1 || name.data[0] < 'a' || name.data[0] > 'c')
		return err_set(err, -EINVAL, "no such field");
	*out = (struct cel_slot){ .number = (uint32_t)(name.data[0] - 'a'), .type = "dyn" };
	return 0;
}

static void load(struct cel_run *run, uint32_t slot)
{
	run->slots[slot] = given[slot];
}

static const struct {
	const char *conditions[2];
	const char *plan; /* a part of it */
} rules[] = {
	{ { "getEventData('a') == '/etc/shadow'" }, "(hash)" },
	{ { "getEventData('a').startsWith('/etc/')", "getEventData('b') > 3" },
	  "trie of prefixes" },
	{ { "getEventData('a').endsWith('.so') || getEventData('b') == 7" }, "trie of suffixes" },
	{ { "getEventData('a').matches('^/etc/sh.*w$')" }, "matches(\"^/etc/sh.*w$\")" },
	{ { "math.bitAnd(getEventData('b'), 4) != 0" }, "(bits)" },
	{ { "getEventData('b') >= 7", "getEventData('b') < 9" }, "breakpoints" },
	{ { "upper(getEventData('a')) == '/ETC/SHADOW'" }, "upper(getEventData(\"a\"))" },
	{ { "getEventData('c') == null" }, "(hash)" },
	{ { "true" }, "always true" },
	{ { "false" }, "never true" },
	{ { "getEventData('a') != 'x'" }, "tested on every event" },
	{ { "getEventData('a').contains('hado')" }, "one scan" },
	{ { "getEventData('c').startsWith('x') || getEventData('b') == 8" }, "trie of prefixes" },
	{ { "getEventData('c').startsWith('x')" }, "trie of prefixes" },
	{ { "!getEventData('c').startsWith('x')" }, "tested on every event" },
};

static struct cel_index *make_index(const struct cel_env *env)
{
	struct cel_index *index = cel_index_new(env);
	struct err err = { .code = 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct cel_source sources[2] = { { .text = str_of(rules[i].conditions[0]) },
						 { .text = str_of(rules[i].conditions[1]) } };
		uint32_t count = rules[i].conditions[1] ? 2 : 1;

		assert_int_equal(cel_index_add(index, sources, count, &err), (int)i);
	}
	return index;
}

static void test_rules(void **state)
{
	static const uint32_t shadow[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11 };
	struct cel_env *env = cel_env_new();
	struct arena arena = { .limit = 0 };
	struct value slots[3];
	uint64_t known = 0;
	struct cel_run run = { .arena = &arena, .slots = slots, .known = &known, .load = load };
	uint32_t found[ARRAY_SIZE(rules)];
	struct cel_index_state *index_state;
	struct cel_index *index;

	(void)state;
	assert_int_equal(cel_env_slots(env, "getEventData", "hasData", resolve, NULL), 0);
	index = make_index(env);
	assert_int_equal(cel_index_build(index), 0);
	index_state = cel_index_state_new(index);
	given[0] = value_str(STR("/etc/shadow"));
	given[1] = value_int(7);
	given[2] = value_null();
	assert_int_equal(cel_index_run(index, index_state, &run, found), ARRAY_SIZE(shadow));
	assert_memory_equal(found, shadow, sizeof(shadow));
	/* Nothing is left from the event before. */
	known = 0;
	given[0] = given[1] = value_null();
	given[2] = value_int(1);
	assert_int_equal(cel_index_run(index, index_state, &run, found), 2);
	assert_int_equal(found[0], 8);
	assert_int_equal(found[1], 10);
	cel_index_state_free(index_state);
	cel_index_free(index);
	cel_env_free(env);
	arena_free(&arena);
}

static void test_plan(void **state)
{
	struct cel_env *env = cel_env_new();
	struct cel_index *index;
	struct buf text = { 0 };

	(void)state;
	assert_int_equal(cel_env_slots(env, "getEventData", "hasData", resolve, NULL), 0);
	index = make_index(env);
	assert_int_equal(cel_index_build(index), 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(rules); i++) {
		buf_clear(&text);
		cel_index_explain(index, i, &text);
		if (!strstr(buf_cstr(&text), rules[i].plan))
			fail_msg("%s: %s", rules[i].conditions[0], buf_cstr(&text));
	}
	buf_free(&text);
	cel_index_free(index);
	cel_env_free(env);
}

static void test_mistake(void **state)
{
	struct cel_env *env = cel_env_new();
	struct cel_index *index = cel_index_new(env);
	struct cel_source source = { .text = STR("nope == 1"), .path = "a.yaml", .line = 3 };
	struct err err = { .code = 0 };

	(void)state;
	assert_int_equal(cel_index_add(index, &source, 1, &err), -EINVAL);
	assert_int_equal(err.line, 3);
	assert_int_equal(cel_index_rules(index), 0);
	assert_int_equal(cel_index_build(index), 0);
	cel_index_free(index);
	cel_env_free(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
