/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random expressions on random events: the machine answers what the reference evaluator
 * answers. SEED and COUNT in the environment choose others and more.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "oracle.h"
#include "random.h"

enum { COUNT = 100000, EVENTS = 3 };

struct state {
	struct random random;
	struct cel_env *env;
	unsigned long compiled, refused, errors, different;
};

/* As == has it, but NaN is NaN, and the kind counts. */
static bool same(struct value a, struct value b)
{
	struct buf left = { 0 }, right = { 0 };
	bool equal;

	if (a.tag != b.tag)
		return false;
	if (a.tag == VALUE_ERROR)
		return true;
	cel_print(&left, a);
	cel_print(&right, b);
	equal = left.len == right.len && memcmp(left.data, right.data, left.len) == 0;
	buf_free(&left);
	buf_free(&right);
	return equal;
}

static void report(struct state *state, struct str text, struct value machine, struct value oracle)
{
	struct buf left = { .limit = 2000 }, right = { .limit = 2000 };

	cel_print(&left, machine);
	cel_print(&right, oracle);
	if (state->different++ < 10)
		printf("# %.*s\n# machine: %s\n# oracle:  %s\n", (int)text.len, text.data,
		       buf_cstr(&left), buf_cstr(&right));
	buf_free(&left);
	buf_free(&right);
}

static void compare(struct state *state, struct str text, const struct cel_program *program,
		    const struct oracle *oracle, struct arena *arena)
{
	struct value slots[RANDOM_SLOTS];
	uint64_t known = 0;
	struct cel_run run = { .arena = arena, .slots = slots, .known = &known };
	struct random_event event;
	struct value left, right;

	random_event(&state->random, arena, &event);
	random_bind(&run, &event);
	left = cel_eval(program, &run);
	random_bind(&run, &event);
	run.budget = (uint64_t)CEL_BUDGET * 1000;
	right = oracle_eval(oracle, &run);
	state->errors += left.tag == VALUE_ERROR;
	/* The machine may run out of its budget where the oracle has more. */
	if (left.tag == VALUE_ERROR &&
	    str_equal((struct str){ left.str, left.len }, STR("cost limit exceeded")))
		return;
	if (!same(left, right))
		report(state, text, left, right);
}

static void try_one(struct state *state, struct arena *arena)
{
	struct buf text = { 0 };
	bool condition = random_below(&state->random, 2);
	const char *want = condition ? "bool" : NULL;
	struct err err = { .code = 0 };
	struct cel_source source;
	const struct cel_program *program;
	const struct oracle *oracle;

	if (condition)
		random_condition(&state->random, &text, 1 + random_below(&state->random, 4));
	else
		random_expression(&state->random, &text, 1 + random_below(&state->random, 4));
	source = (struct cel_source){ .text = { text.data, (uint32_t)text.len } };
	oracle = oracle_compile(state->env, &source, want, arena, &err);
	if (cel_compile(state->env, &source, want, arena, &program, &err) == 0 && oracle) {
		state->compiled++;
		for (int i = 0; i < EVENTS; i++)
			compare(state, source.text, program, oracle, arena);
	} else {
		state->refused++;
	}
	buf_free(&text);
}

static unsigned long setting(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : fallback;
}

int main(void)
{
	struct state state = { .random = { setting("SEED", 88172645463325252) } };
	unsigned long count = setting("COUNT", COUNT);
	struct arena arena = { .limit = 0 };
	bool good;

	state.env = random_env(0);
	for (unsigned long i = 0; i < count; i++) {
		try_one(&state, &arena);
		arena_reset(&arena);
	}
	good = !state.different && state.compiled > count / 4;
	printf("%sok 1 - the machine answers what the oracle answers\n", good ? "" : "not ");
	printf("# %lu expressions, %lu compiled, %lu refused, %lu of %lu evaluations errors, "
	       "%lu different\n1..1\n",
	       count, state.compiled, state.refused, state.errors, state.compiled * EVENTS,
	       state.different);
	cel_env_free(state.env);
	arena_free(&arena);
	return !good;
}
