/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cost of many rules on one event that matches none: by the index, and one condition after the
 * other, in the same run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/common.h"
#include "cel/index.h"

enum { SLOTS = 4, REPEATS = 7 };

/* Counted by the linker's wrapping of malloc (engine/build.mk). */
static unsigned long allocations;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	allocations++;
	return __real_malloc(size);
}

/* Shapes of rules; %u is the number of the rule. */
static const char *const shapes[] = {
	"getEventData('a') == '/etc/secret-%u.conf'",
	"getEventData('a').startsWith('/opt/vendor%u/bin/')",
	"getEventData('a').endsWith('/tool%u.so')",
	"getEventData('a').contains('/cache%u/')",
	"getEventData('c') == 'open%u' && getEventData('b') > 1000",
	"getEventData('a') in ['/bin/sh%u', '/bin/bash%u', '/usr/bin/zsh%u']",
	"getEventData('b') == 1000%u && getEventData('a').startsWith('/tmp/')",
	"getEventData('a').matches(r'^/srv/%u/.*\\.sh$')",
	"getEventData('c') == 'exec%u' && math.bitAnd(getEventData('d'), 512) != 0",
	"basename(getEventData('a')) == 'miner%u'",
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

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void write_rule(struct buf *out, uint32_t number)
{
	const char *at = shapes[number % ARRAY_SIZE(shapes)], *hole;

	buf_clear(out);
	while ((hole = strstr(at, "%u"))) {
		buf_add(out, at, (size_t)(hole - at));
		buf_uint(out, number);
		at = hole + 2;
	}
	buf_add(out, at, strlen(at));
}

struct rules {
	struct cel_index *index;
	const struct cel_program **programs;
	struct arena arena;
	uint32_t count;
};

static bool make_rules(const struct cel_env *env, struct rules *rules)
{
	struct buf text = { 0 };
	struct err err = { .code = 0 };
	bool good = true;

	rules->index = cel_index_new(env);
	rules->programs = calloc(rules->count, sizeof(*rules->programs));
	for (uint32_t i = 0; i < rules->count && good; i++) {
		struct cel_source source;

		write_rule(&text, i);
		source = (struct cel_source){ .text = { text.data, (uint32_t)text.len } };
		good = cel_index_add(rules->index, &source, 1, &err) >= 0 &&
		       cel_compile(env, &source, "bool", &rules->arena, &rules->programs[i],
				   &err) == 0;
	}
	if (!good)
		err_print(stderr, &err);
	buf_free(&text);
	return good && cel_index_build(rules->index) == 0;
}

static double time_index(const struct rules *rules, struct cel_run *run, unsigned long *allocated)
{
	struct cel_index_state *state = cel_index_state_new(rules->index);
	uint32_t *found = calloc(rules->count, sizeof(*found)), turns = 200000;
	double best = 1e18;
	unsigned long before;

	cel_index_run(rules->index, state, run, found);
	before = allocations;
	for (int repeat = 0; repeat < REPEATS; repeat++) {
		double start = now();

		for (uint32_t turn = 0; turn < turns; turn++)
			if (cel_index_run(rules->index, state, run, found))
				printf("a rule matches\n");
		best = MIN(best, (now() - start) / turns);
	}
	*allocated = allocations - before;
	cel_index_state_free(state);
	free(found);
	return best;
}

static double time_one_by_one(const struct rules *rules, struct cel_run *run)
{
	double best = 1e18;
	uint32_t turns = 2000000 / rules->count / 10 + 1;

	for (int repeat = 0; repeat < REPEATS; repeat++) {
		double start = now();

		for (uint32_t turn = 0; turn < turns; turn++) {
			for (uint32_t i = 0; i < rules->count; i++) {
				struct value v = cel_eval(rules->programs[i], run);

				__asm__ volatile("" : : "r"(&v) : "memory");
			}
			arena_reset(run->arena);
		}
		best = MIN(best, (now() - start) / turns);
	}
	return best;
}

static int run_size(const struct cel_env *env, uint32_t count, struct cel_run *run)
{
	struct rules rules = { .count = count };
	unsigned long allocated = 0;
	double start = now(), made, index, single;

	if (!make_rules(env, &rules))
		return 1;
	made = (now() - start) / 1e6;
	index = time_index(&rules, run, &allocated);
	single = time_one_by_one(&rules, run);
	printf("  %6u rules %9.1f ns %11.1f ns %7.1f x %8lu %9.1f ms to load\n", count, index,
	       single, single / index, allocated, made);
	cel_index_free(rules.index);
	free(rules.programs);
	arena_free(&rules.arena);
	return 0;
}

int main(void)
{
	static const uint32_t sizes[] = { 10, 100, 1000, 10000 };
	struct cel_env *env = cel_env_new();
	struct arena temporary = { .limit = 0 };
	struct value slots[SLOTS];
	uint64_t known = 0;
	struct cel_run run = { .arena = &temporary, .slots = slots, .known = &known, .load = load };
	int status = 0;

	given[0] = value_str(STR("/usr/lib/x86_64-linux-gnu/libc.so.6"));
	given[1] = value_int(577);
	given[2] = value_str(STR("openat"));
	given[3] = value_int(0x8241);
	if (!env || cel_env_slots(env, "getEventData", "hasData", resolve, NULL))
		return 1;
	printf("rules on one event:    index    one by one          allocations\n");
	for (size_t i = 0; i < ARRAY_SIZE(sizes) && !status; i++)
		status = run_size(env, sizes[i], &run);
	cel_env_free(env);
	arena_free(&temporary);
	return status;
}
