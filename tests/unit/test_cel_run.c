/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluating: slots are loaded once, absence is null, time and memory are bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <time.h>

#include "base/buf.h"
#include "base/common.h"
#include "cel/cel.h"

struct fixture {
	struct cel_env *env;
	struct arena program, temporary;
	struct value slots[4], given[4];
	uint64_t known;
	struct cel_run run;
};

static unsigned loads;

static int resolve(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	static const char *const types[] = { "int", "string", "bool", "list(string)" };

	(void)ctx;
	(void)err;
	*out = (struct cel_slot){ .number = (uint32_t)(name.data[0] - 'a') };
	out->type = types[out->number];
	return 0;
}

static void load(struct cel_run *run, uint32_t slot)
{
	const struct value *given = run->user;

	loads++;
	run->slots[slot] = given[slot];
}

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){ .env = cel_env_new() };
	if (cel_env_slots(fixture.env, "getEventData", "hasData", resolve, NULL))
		return -1;
	fixture.run = (struct cel_run){ .arena = &fixture.temporary,
					.slots = fixture.slots,
					.known = &fixture.known,
					.user = fixture.given,
					.load = load };
	loads = 0;
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	cel_env_free(fixture->env);
	arena_free(&fixture->program);
	arena_free(&fixture->temporary);
	return 0;
}

static struct value eval_as(struct fixture *fixture, const char *text, const char *want)
{
	struct cel_source source = { .text = str_of(text) };
	const struct cel_program *program;
	struct err err = { .code = 0 };

	if (cel_compile(fixture->env, &source, want, &fixture->program, &program, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	return cel_eval(program, &fixture->run);
}

static struct value eval(struct fixture *fixture, const char *text)
{
	return eval_as(fixture, text, NULL);
}

static void test_slots_load_once(void **state)
{
	struct fixture *fixture = *state;

	fixture->given[0] = value_int(7);
	assert_true(eval(fixture, "getEventData('a') == 7 && getEventData('a') < 9").b);
	assert_int_equal(loads, 1);
	assert_true(eval(fixture, "getEventData('a') + 1 == 8").b);
	assert_int_equal(loads, 1);
	assert_true(eval(fixture, "true || getEventData('b') == ''").b);
	assert_int_equal(loads, 1);
}

static void test_absent_is_null(void **state)
{
	struct fixture *fixture = *state;

	assert_true(eval(fixture, "getEventData('b') == null").b);
	assert_false(eval(fixture, "getEventData('b') == 'x'").b);
	assert_true(eval(fixture, "getEventData('b') != 'x'").b);
	assert_false(eval(fixture, "getEventData('b') in ['x']").b);
	assert_false(eval(fixture, "hasData('b')").b);
	assert_int_equal(eval(fixture, "getEventData('b').startsWith('x')").tag, VALUE_ERROR);
	assert_int_equal(eval(fixture, "getEventData('a') < 3").tag, VALUE_ERROR);
	assert_true(eval(fixture, "getEventData('a') < 3 || true").b);
	/* A bool field may stand alone; absent, it is no match. */
	assert_int_equal(eval_as(fixture, "getEventData('c')", "bool").tag, VALUE_ERROR);
}

static void test_present_without_value(void **state)
{
	struct fixture *fixture = *state;

	fixture->given[1] = (struct value){ .tag = VALUE_NULL, .aux = CEL_PRESENT };
	assert_true(eval(fixture, "hasData('b') && getEventData('b') == null").b);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#define TEN	    "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
#define NEST(inner) TEN ".all(a, " TEN ".all(b, " TEN ".all(c, " TEN ".all(d, " inner "))))"

/* Loops end by the budget, in an error, soon. */
static void test_budget(void **state)
{
	struct fixture *fixture = *state;
	double start = seconds();

	fixture->given[0] = value_int(1);
	assert_int_equal(eval(fixture, NEST(NEST("getEventData('a') == 1"))).tag, VALUE_ERROR);
	assert_true(seconds() - start < 2);
	assert_true(eval(fixture, NEST("getEventData('a') == 1")).b);
}

/* x + x, forty times over: would be a terabyte. */
static void test_memory(void **state)
{
	struct fixture *fixture = *state;
	struct buf text = { 0 };

	fixture->given[1] = value_string("abcdefgh", 8);
	for (int i = 0; i < 40; i++)
		buf_printf(&text, "cel.bind(v%d, %s%d + %s%d, ", i + 1, "v", i, "v", i);
	buf_lit(&text, "v40.size()");
	for (int i = 0; i < 40; i++)
		buf_char(&text, ')');
	struct buf whole = { 0 };

	buf_printf(&whole, "cel.bind(v0, getEventData('b'), %s)", buf_cstr(&text));
	assert_int_equal(eval(fixture, buf_cstr(&whole)).tag, VALUE_ERROR);
	assert_true(fixture->temporary.held < 64 * 1024 * 1024);
	buf_free(&text);
	buf_free(&whole);
}

static void test_arena_limit(void **state)
{
	struct fixture *fixture = *state;

	fixture->temporary.limit = 1;
	fixture->given[1] = value_string("abc", 3);
	assert_int_equal(eval(fixture, "getEventData('b') + getEventData('b')").tag, VALUE_ERROR);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_slots_load_once),
		TEST(test_absent_is_null),
		TEST(test_present_without_value),
		TEST(test_budget),
		TEST(test_memory),
		TEST(test_arena_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
