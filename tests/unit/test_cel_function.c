/* SPDX-License-Identifier: Apache-2.0 */
/* Every function has a text, and the example in its row gives the result in its row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/common.h"
#include "cel/cel.h"

struct count {
	struct cel_env *env;
	unsigned functions, examples;
};

static void check_example(struct count *count, const struct cel_function *function)
{
	struct arena arena = { .limit = 0 };
	struct cel_source source = { .text = str_of(function->example) };
	struct cel_run run = { .arena = &arena };
	const struct cel_program *program;
	struct buf text = { 0 };
	struct err err = { .code = 0 };

	if (cel_compile(count->env, &source, NULL, &arena, &program, &err) < 0)
		fail_msg("%s: %s: %s", function->name, function->example, err.message);
	cel_print(&text, cel_eval(program, &run));
	if (strcmp(buf_cstr(&text), function->result) != 0)
		fail_msg("%s gives %s, its row says %s", function->example, buf_cstr(&text),
			 function->result);
	count->examples++;
	buf_free(&text);
	arena_free(&arena);
}

static void check_function(void *ctx, const struct cel_function *function)
{
	struct count *count = ctx;

	/* Operators and what macros call are not written by their names. */
	if (!strpbrk(function->name, "_@!-") && !function->doc)
		fail_msg("%s %s is not explained", function->name, function->signature);
	count->functions++;
	if (function->example && function->result)
		check_example(count, function);
}

static void test_examples(void **state)
{
	struct count count = { .env = cel_env_new() };

	(void)state;
	assert_non_null(count.env);
	cel_env_each_function(count.env, check_function, &count);
	assert_true(count.functions > 200);
	assert_true(count.examples > 120);
	cel_env_free(count.env);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_examples) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
