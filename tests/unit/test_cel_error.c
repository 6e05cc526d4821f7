/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with an expression: where, what was found, and the nearest name that exists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/common.h"
#include "cel/cel.h"

static int resolve(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	(void)ctx;
	if (str_equal(name, STR("pathname"))) {
		*out = (struct cel_slot){ .number = 0, .type = "string" };
		return 0;
	}
	err_set(err, -EINVAL, "no field '%.*s'", (int)name.len, name.data);
	err_hint(err, "did you mean 'pathname'?");
	return -EINVAL;
}

static void get_name(struct cel_run *run, const void *data, struct value *out)
{
	(void)run;
	(void)data;
	*out = value_string("x", 1);
}

static const struct cel_field fields[] = { { "name", "string", get_name, NULL },
					   { "pid", "wrapper(uint)", get_name, NULL } };
static const struct cel_message message = { "demo.Event", fields, ARRAY_SIZE(fields) };

struct mistake {
	const char *text;
	uint32_t line, column;
	const char *message, *hint; /* parts of them */
};

static const struct mistake mistakes[] = {
	{ "1 +", 1, 4, "found the end, expected an expression", "" },
	{ "(1", 1, 3, "expected ')'", "" },
	{ "a b", 1, 3, "found 'b', expected an operator or the end", "" },
	{ "true and false", 1, 6, "found 'and'", "write '&&'" },
	{ "x = 1", 1, 3, "found '='", "'==' compares" },
	{ "x & 1", 1, 3, "found '&'", "math.bitAnd" },
	{ "'abc", 1, 1, "without its closing quote", "" },
	{ "'a\\qb'", 1, 3, "escape", "" },
	{ "b'\\u0041'", 1, 3, "escape that bytes do not have", "" },
	{ "9223372036854775808", 1, 1, "does not fit int", "" },
	{ "1e999", 1, 1, "does not fit double", "" },
	{ "if", 1, 1, "reserved", "" },
	{ "[1, 2", 1, 6, "']' in the list", "" },
	{ "{'a' 1}", 1, 6, "expected ':'", "" },
	{ "even.name", 1, 1, "found 'even', which is not declared", "did you mean 'event'?" },
	{ "event.nmae", 1, 7, "found 'nmae', which is not a field of demo.Event", "'name'" },
	{ "event.name.x", 1, 12, "type string, which has no fields", "" },
	{ "statsWith('a')", 1, 1, "no such function", "startsWith" },
	{ "'a'.statsWith('b')", 1, 5, "no such method", "did you mean 'startsWith'?" },
	{ "math.bitand(1, 2)", 1, 6, "found 'math.bitand('", "'math.bitAnd'" },
	{ "'a'.basename()", 1, 5, "", "function, not a method" },
	{ "'a'.startsWith(1)", 1, 5, "called with string.(int)", "string.(string) -> bool" },
	{ "'a' == 1", 1, 5, "found string == int", "convert" },
	{ "1 == null", 1, 3, "found int == null_type", "never be null" },
	{ "1 in [ 'a' ]", 1, 3, "found int in list(string)", "" },
	{ "true ? 1 : 'a'", 1, 6, "expected the same type", "" },
	{ "1 && true", 1, 1, "found int, expected bool", "" },
	{ "getEventData('pathnam')", 1, 14, "no field 'pathnam'", "'pathname'" },
	{ "'x'.matches('a(')", 1, 13, "a ( without its )", "RE2" },
	{ "has(event)", 1, 5, "not a field", "" },
	{ "[1].all(x.y, true)", 1, 11, "name of a variable", "" },
	{ "event.name ==\n  'a' &&\n  evnt.name == 'b'", 3, 3, "'evnt'", "'event'" },
	{ "'\xc3\xa9\xc3\xa9' + 1", 1, 6, "found string + int", "" },
};

static struct cel_env *make_env(void)
{
	struct cel_env *env = cel_env_new();

	assert_non_null(env);
	assert_int_equal(cel_env_message(env, &message), 0);
	assert_int_equal(cel_env_variable(env, "event", "demo.Event", get_name), 0);
	assert_int_equal(cel_env_slots(env, "getEventData", "hasData", resolve, NULL), 0);
	return env;
}

static void check_mistake(const struct cel_env *env, const struct mistake *mistake)
{
	struct arena arena = { .limit = 0 };
	struct cel_source source = { .text = str_of(mistake->text), .path = "rule.yaml" };
	const struct cel_program *program = NULL;
	struct err err = { .code = 0 };

	if (cel_compile(env, &source, NULL, &arena, &program, &err) != -EINVAL)
		fail_msg("compiles: %s", mistake->text);
	if (err.line != mistake->line || err.column != mistake->column ||
	    !strstr(err.message, mistake->message) || !strstr(err.hint, mistake->hint))
		fail_msg("%s\n%u:%u: %s (%s)", mistake->text, err.line, err.column, err.message,
			 err.hint);
	assert_null(program);
	assert_string_equal(err.path, "rule.yaml");
	arena_free(&arena);
}

static void test_mistakes(void **state)
{
	struct cel_env *env = make_env();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++)
		check_mistake(env, &mistakes[i]);
	cel_env_free(env);
}

/* The place is that in the file, not in the expression. */
static void test_place_in_file(void **state)
{
	struct cel_env *env = make_env();
	struct arena arena = { .limit = 0 };
	struct cel_source source = { .text = STR("true &&\nevnt"),
				     .path = "a.yaml",
				     .line = 10,
				     .column = 15,
				     .indent = 6 };
	const struct cel_program *program;
	struct err err = { .code = 0 };

	(void)state;
	assert_int_equal(cel_compile(env, &source, NULL, &arena, &program, &err), -EINVAL);
	assert_int_equal(err.line, 11);
	assert_int_equal(err.column, 7);
	assert_string_equal(err.source, "evnt");
	assert_int_equal(err.caret, 1);
	source.text = STR("evnt");
	assert_int_equal(cel_compile(env, &source, NULL, &arena, &program, &err), -EINVAL);
	assert_int_equal(err.line, 10);
	assert_int_equal(err.column, 15);
	arena_free(&arena);
	cel_env_free(env);
}

static void test_wanted_type(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} conditions[] = {
		{ "true", true },
		{ "1", false },
		{ "dyn(true)", false },
		{ "getEventData('pathname')", false },
		{ "getEventData('pathname') == 'x'", true },
	};
	struct cel_env *env = make_env();
	struct arena arena = { .limit = 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(conditions); i++) {
		struct cel_source source = { .text = str_of(conditions[i].text) };
		const struct cel_program *program;
		struct err err = { .code = 0 };
		int code = cel_compile(env, &source, "bool", &arena, &program, &err);

		if ((code == 0) != conditions[i].good)
			fail_msg("%s: %s", conditions[i].text, err.message);
	}
	arena_free(&arena);
	cel_env_free(env);
}

/* "(((...", "!!!...", 1+1+..., long source: refused, none runs out of stack. */
static void test_limits(void **state)
{
	static const struct {
		const char *open, *middle, *close;
		unsigned times;
		bool good;
	} shapes[] = {
		{ "(", "1", ")", 200, true },	      { "(", "1", ")", 100000, false },
		{ "[", "1", "]", 200, true },	      { "[", "1", "]", 50000, false },
		{ "!", "true", "", 99000, true },     { "1+", "1", "", 300, true },
		{ "1+", "1", "", 49000, false },      { "true||", "true", "", 10000, true },
		{ "x.", "y", "", 40000, false },      { "true?1:", "1", "", 100, true },
		{ "true?1:", "1", "", 14000, false }, { "", "' ", "", 60000, false },
	};
	struct cel_env *env = make_env();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		size_t size = shapes[i].times * (strlen(shapes[i].open) + strlen(shapes[i].close)) +
			      99;
		char *text = malloc(size), *at = text;
		struct arena arena = { .limit = 0 };
		struct cel_source source;
		const struct cel_program *program;
		struct err err = { .code = 0 };
		int code;

		for (unsigned k = 0; k < shapes[i].times; k++)
			at = mempcpy(at, shapes[i].open, strlen(shapes[i].open));
		at = mempcpy(at, shapes[i].middle, strlen(shapes[i].middle));
		for (unsigned k = 0; k < shapes[i].times; k++)
			at = mempcpy(at, shapes[i].close, strlen(shapes[i].close));
		source = (struct cel_source){ .text = { text, (uint32_t)(at - text) } };
		code = cel_compile(env, &source, NULL, &arena, &program, &err);
		if ((code == 0) != shapes[i].good)
			fail_msg("shape %zu: %s", i, err.message);
		arena_free(&arena);
		free(text);
	}
	cel_env_free(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_place_in_file),
		cmocka_unit_test(test_wanted_type),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
