/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions: lexed, parsed, checked, compiled and evaluated on an event, under limits. The
 * first byte chooses the dialect, whether it is a condition, and the event. What compiles is
 * also given to the reference evaluator, and both must agree.
 */
#include <stdint.h>
#include <stdlib.h>

#include "../cel/oracle.h"
#include "../cel/random.h"

#define CHECK(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

enum { STEPS = 20000 };

static const uint32_t dialects[] = { 0, CEL_TRACEE, CEL_UNCHECKED, CEL_SAME_NUMBERS };

/* An error says where it is, inside the source. */
static void check_error(const struct err *err)
{
	CHECK(err->code < 0 && err->message[0] && err->line >= 1 && err->column >= 1);
	CHECK(err->caret >= 1 && err->caret <= strlen(err->source) + 1);
}

static void check_same(struct value a, struct value b)
{
	struct buf left = { 0 }, right = { 0 };

	CHECK(a.tag == b.tag);
	if (a.tag == VALUE_ERROR)
		return;
	cel_print(&left, a);
	cel_print(&right, b);
	CHECK(left.truncated || right.truncated ||
	      (left.len == right.len && memcmp(left.data, right.data, left.len) == 0));
	buf_free(&left);
	buf_free(&right);
}

static void evaluate(const struct cel_program *program, const struct oracle *oracle,
		     struct arena *arena, uint64_t seed)
{
	struct random random = { seed * 2654435761u + 1 };
	struct value slots[RANDOM_SLOTS], machine, reference;
	uint64_t known = 0;
	struct cel_run run = { .arena = arena, .slots = slots, .known = &known };
	struct random_event event;
	bool spent;

	random_event(&random, arena, &event);
	random_bind(&run, &event);
	run.budget = STEPS;
	machine = cel_run_program(program, &run);
	spent = !run.budget;
	random_bind(&run, &event);
	run.budget = 20 * STEPS;
	reference = oracle_eval(oracle, &run);
	if (!spent && run.budget)
		check_same(machine, reference);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct cel_env *envs[ARRAY_SIZE(dialects)];
	struct arena arena = { .limit = 512 * 1024 * 1024 };
	struct err err = { .code = 0 }, oracle_err = { .code = 0 };
	const struct cel_program *program;
	const struct oracle *oracle;
	struct cel_source source;
	const char *want;
	uint32_t dialect;

	if (!len || len > 20000)
		return 0;
	dialect = data[0] % ARRAY_SIZE(dialects);
	if (!envs[dialect])
		envs[dialect] = random_env(dialects[dialect]);
	CHECK(envs[dialect]);
	want = data[0] / ARRAY_SIZE(dialects) % 2 ? "bool" : NULL;
	source = (struct cel_source){ .text = { (const char *)data + 1, (uint32_t)(len - 1) } };
	oracle = oracle_compile(envs[dialect], &source, want, &arena, &oracle_err);
	if (cel_compile(envs[dialect], &source, want, &arena, &program, &err) < 0) {
		check_error(&err);
	} else {
		CHECK(oracle);
		for (uint64_t seed = 0; seed < 3; seed++)
			evaluate(program, oracle, &arena, seed + data[0]);
	}
	arena_free(&arena);
	return 0;
}
