/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cost of conditions: the machine beside the reference evaluator of the tests, on the same
 * event in the same run. Counts allocations during evaluation, which must be none.
 */
#include <stdio.h>
#include <time.h>

#include "../cel/oracle.h"

enum { SLOTS = 4, TURNS = 200000, REPEATS = 7 };

/* Counted by the linker's wrapping of malloc (engine/build.mk). */
static unsigned long allocations;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	allocations++;
	return __real_malloc(size);
}

static const struct bench {
	const char *name, *text;
	double limit; /* ns it may take; 0: none is set */
} benches[] = {
	{ "string equal", "getEventData('a') == '/etc/ld.so.preload'", 10 },
	{ "int compare", "getEventData('b') > 1000", 10 },
	{ "prefix", "getEventData('a').startsWith('/tmp/')", 10 },
	{ "bits", "math.bitAnd(getEventData('b'), 512) != 0", 0 },
	{ "in a list", "getEventData('a') in ['/bin/sh', '/bin/bash', '/bin/dash', '/usr/bin/zsh']",
	  0 },
	{ "and of three",
	  "getEventData('b') != 3 && getEventData('c') == 'openat' && "
	  "getEventData('a').startsWith('/tmp/')",
	  15 },
	{ "or of three",
	  "getEventData('b') == 3 || getEventData('c') == 'x' || getEventData('a') == '/etc/shadow'",
	  0 },
	{ "exists over 10",
	  "['a','b','c','d','e','f','g','h','i','j'].exists(x, getEventData('c') == x)", 0 },
	{ "regex", "getEventData('a').matches(r'^/(tmp|var/tmp|dev/shm)/.*\\.sh$')", 0 },
	{ "variable field", "v == 577", 0 },
};

static struct value given[SLOTS];

static int resolve(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	(void)ctx;
	(void)err;
	*out = (struct cel_slot){ .number = (uint32_t)(name.data[0] - 'a'), .type = "dyn" };
	return 0;
}

static void load(struct cel_run *run, uint32_t slot)
{
	run->slots[slot] = given[slot];
}

static void get_variable(struct cel_run *run, const void *data, struct value *out)
{
	(void)run;
	(void)data;
	*out = value_int(577);
}

/* Time of this thread alone: others may run in between. */
static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double time_machine(const struct cel_program *program, struct cel_run *run)
{
	double best = 1e18;

	for (int repeat = 0; repeat < REPEATS; repeat++) {
		double start = now();

		for (int turn = 0; turn < TURNS; turn++) {
			struct value v = cel_eval(program, run);

			__asm__ volatile("" : : "r"(v.u), "r"(&v) : "memory");
		}
		best = MIN(best, (now() - start) / TURNS);
	}
	return best;
}

static double time_oracle(const struct oracle *oracle, struct cel_run *run)
{
	double best = 1e18;

	for (int repeat = 0; repeat < REPEATS; repeat++) {
		double start = now();

		for (int turn = 0; turn < TURNS / 20; turn++) {
			run->budget = CEL_BUDGET;
			oracle_eval(oracle, run);
			arena_reset(run->arena);
		}
		best = MIN(best, (now() - start) / (TURNS / 20));
	}
	return best;
}

static void run_bench(const struct cel_env *env, const struct bench *bench, struct cel_run *run)
{
	struct arena arena = { .limit = 0 };
	struct cel_source source = { .text = str_of(bench->text) };
	const struct cel_program *program;
	struct oracle *oracle;
	struct err err = { .code = 0 };
	double machine, walk;
	unsigned long before;

	if (cel_compile(env, &source, "bool", &arena, &program, &err) < 0) {
		err_print(stderr, &err);
		return;
	}
	oracle = oracle_compile(env, &source, "bool", &arena, &err);
	cel_eval(program, run);
	before = allocations;
	machine = time_machine(program, run);
	before = allocations - before;
	walk = time_oracle(oracle, run);
	printf("  %-16s %8.1f ns %9.1f ns %6.1f x %6lu%s\n", bench->name, machine, walk,
	       walk / machine, before,
	       bench->limit && machine > bench->limit ? "  (above its goal)" : "");
	arena_free(&arena);
}

/* bench_cel [WORD]: those whose name contains it. */
int main(int argc, char **argv)
{
	struct cel_env *env = cel_env_new();
	struct arena temporary = { .limit = 0 };
	struct value slots[SLOTS];
	uint64_t known = 0;
	struct cel_run run = { .arena = &temporary, .slots = slots, .known = &known, .load = load };

	given[0] = value_str(STR("/tmp/some/long/path/of/a/script.sh"));
	given[1] = value_int(577);
	given[2] = value_str(STR("openat"));
	if (!env || cel_env_slots(env, "getEventData", "hasData", resolve, NULL) ||
	    cel_env_variable(env, "v", "int", get_variable))
		return 1;
	printf("conditions:        machine       oracle          allocations\n");
	for (size_t i = 0; i < ARRAY_SIZE(benches); i++)
		if (argc < 2 || strstr(benches[i].name, argv[1]))
			run_bench(env, &benches[i], &run);
	cel_env_free(env);
	arena_free(&temporary);
	return 0;
}
