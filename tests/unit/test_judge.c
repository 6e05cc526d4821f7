/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging conditions: what is found in examples, and that nothing is claimed which an event
 * refutes. Random conditions over fields of random kinds; SEED and COUNT (sets of conditions) in
 * the environment choose others and more.
 */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* after those it needs */
#include <cmocka.h>

#include "../cel/random.h"
#include "base/common.h"
#include "cel/judge.h"

enum { SETS = 20000, CONDITIONS = 4, EVENTS = 60, SLOTS = 2 };

struct seen {
	struct cel_finding items[16];
	uint32_t count;
};

static void keep(void *ctx, const struct cel_finding *finding)
{
	struct seen *seen = ctx;

	if (seen->count < ARRAY_SIZE(seen->items))
		seen->items[seen->count++] = *finding;
}

static const struct cel_program *compile(const struct cel_env *env, const char *text,
					 struct arena *arena)
{
	struct cel_source source = { .text = arena_str(arena, text, strlen(text)) };
	const struct cel_program *program = NULL;
	struct err err = { 0 };

	return cel_compile(env, &source, "bool", arena, &program, &err) ? NULL : program;
}

/* ---- examples ----------------------------------------------------------------------------- */

static const struct cel_guard_term seven = { CEL_TEST_EQUAL, { .tag = VALUE_UINT, .u = 7 } };
static const struct cel_guard_term temporary = {
	CEL_TEST_PREFIX, { .tag = VALUE_STRING, .len = 5, .str = "/tmp/" }
};

/* f0 is an int32 that may be absent, f1 a text, f2 a uint32, f3 is 7, f4 begins with /tmp/. */
static const struct cel_domain domains[] = {
	{ 0, CEL_KIND_WHOLE | CEL_KIND_NULL, INT32_MIN, INT32_MAX, NULL, 0, { 0 } },
	{ 1, CEL_KIND_TEXT | CEL_KIND_NULL, -HUGE_VALL, HUGE_VALL, NULL, 0, { 0 } },
	{ 2, CEL_KIND_WHOLE, 0, UINT32_MAX, NULL, 0, { 0 } },
	{ 3, CEL_KIND_WHOLE, 7, 7, &seven, 1, { "f3=7", 4 } },
	{ 4, CEL_KIND_TEXT, -HUGE_VALL, HUGE_VALL, &temporary, 1, { "f4=/tmp/*", 9 } },
};

#define F(n) "getEventData('f" #n "')"

static const struct {
	const char *conditions[3];
	const char *found; /* "never 1: why" or "always 0: why"; "" nothing */
} examples[] = {
	/* by the type of the field */
	{ { F(0) " == '5'" }, "never 0: " },
	{ { F(1) " == 5" }, "never 0: " },
	{ { F(1) " in [1, 2]" }, "never 0: " },
	{ { F(0) ".startsWith('x')" }, "never 0: " },
	{ { F(1) " > 5" }, "never 0: " },
	{ { F(0) " == 5000000000" }, "never 0: " },
	{ { F(0) " == 1.5" }, "never 0: " },
	{ { F(2) " < 0" }, "never 0: " },
	{ { F(2) " == -1" }, "never 0: " },
	{ { F(2) " >= 0" }, "always 0: " },
	{ { F(2) " != -1" }, "always 0: " },
	{ { F(2) " > -1" }, "always 0: " },
	{ { F(0) " >= -2147483648" }, "always, if there 0: " },
	{ { F(0) " != 'x'" }, "always 0: " },
	{ { "hasData('f2')" }, "always 0: " },
	{ { "hasData('f0')" }, "" },
	{ { F(0) " == null" }, "" },
	{ { F(2) " == null" }, "never 0: " },
	{ { F(0) " == 5" }, "" },
	{ { F(1) " == '5'" }, "" },
	/* by itself */
	{ { F(0) " == 1 && " F(0) " == 2" }, "never 0: getEventData('f0') == 1" },
	{ { F(0) " != 1 || " F(0) " != 2" }, "always 0: " },
	{ { F(0) " == 1 || " F(0) " == 2" }, "" },
	{ { F(0) " > 5 && " F(0) " < 5" }, "never 0: getEventData('f0') > 5" },
	{ { F(0) " > 5 && " F(0) " < 6" }, "never 0: getEventData('f0') > 5" },
	{ { F(0) " >= 5 && " F(0) " <= 5" }, "" },
	{ { F(0) " > 5 || " F(0) " < 10" }, "always, if there 0: " },
	{ { "math.bitAnd(" F(0) ", 4) == 2" }, "never 0: " },
	{ { "math.bitAnd(" F(0) ", 4) == 4 && math.bitAnd(" F(0) ", 6) == 2" },
	  "never 0: math.bitAnd(getEventData('f0'), 4) == 4" },
	{ { F(1) ".startsWith('/a') && " F(1) ".startsWith('/b')" },
	  "never 0: getEventData('f1').startsWith('/a')" },
	{ { F(1) ".startsWith('/a') && " F(1) ".startsWith('/ab')" }, "" },
	{ { F(1) ".endsWith('.sh') && !" F(1) ".contains('sh')" },
	  "never 0: getEventData('f1').endsWith('.sh')" },
	{ { "1 == 2" }, "never 0: " },
	{ { "true" }, "always 0: " },
	{ { "x.a == 1 && x.a == 2" }, "never 0: x.a == 1" },
	{ { "s.startsWith('a') && s == 'b'" }, "never 0: s.startsWith('a')" },
	/* by a condition before */
	{ { F(0) " == 1", F(0) " in [2, 3]" }, "never 1: getEventData('f0') == 1" },
	{ { F(0) " in [1, 2]", F(0) " in [2, 3]" }, "" },
	{ { F(0) " in [1, 2]", "!(" F(0) " in [1, 2, 3])" },
	  "never 1: getEventData('f0') in [1, 2]" },
	{ { F(0) " > 0", F(0) " > 0" }, "always 1: getEventData('f0') > 0" },
	{ { F(0) " > 5", F(0) " > 0" }, "always 1: getEventData('f0') > 5" },
	{ { F(0) " > 5", "hasData('f0')" }, "always 1: getEventData('f0') > 5" },
	{ { F(0) " == null", F(0) " > 5" }, "never 1: getEventData('f0') == null" },
	{ { "!hasData('f0')", F(0) " != 5" }, "always 1: hasData('f0')" },
	{ { "s == 'a'", F(0) " == 1", "s == 'b'" }, "never 2: s == 'a'" },
	{ { F(0) " == 1", "x.a == 2 || " F(0) " == 3" }, "" },
	/* by a filter */
	{ { F(3) " == 7" }, "always 0: f3=7" },
	{ { F(3) " == 8" }, "never 0: f3=7" },
	{ { F(4) ".startsWith('/tmp/x')" }, "" },
	{ { F(4) ".startsWith('/tmp')" }, "always 0: f4=/tmp/*" },
	{ { F(4) " == '/etc/passwd'" }, "never 0: f4=/tmp/*" },
	/* what may not be claimed */
	{ { "!(x.a < 5) && !(x.a >= 5)" }, "" }, /* NaN */
	{ { "x.a > 1 && x.a < 2" }, "" },	 /* 1.5 */
	{ { F(0) " != 1 || x.a != 2" }, "" },
	{ { "!(" F(1) " == 'a' || " F(1) " == 'b')" }, "" },
};

static void describe(const struct seen *seen, struct buf *out)
{
	static const char *const names[] = { "never", "always", "always, if there" };

	buf_clear(out);
	if (seen->count)
		buf_printf(out, "%s %u: %.*s", names[seen->items[0].judgement],
			   seen->items[0].condition, (int)seen->items[0].why.len,
			   seen->items[0].why.data);
}

static void examples_are_judged(void **state)
{
	struct cel_env *env = random_env(0);
	struct arena arena = { 0 };
	struct buf found = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		const struct cel_program *programs[3];
		struct seen seen = { 0 };
		uint32_t count = 0;

		for (; count < 3 && examples[i].conditions[count]; count++) {
			programs[count] = compile(env, examples[i].conditions[count], &arena);
			if (!programs[count])
				fail_msg("does not compile: %s", examples[i].conditions[count]);
		}
		assert_int_equal(
			cel_judge(programs, count, domains, ARRAY_SIZE(domains), keep, &seen), 0);
		describe(&seen, &found);
		if (strcmp(buf_cstr(&found), examples[i].found))
			fail_msg("%s ...\n   found '%s'\nexpected '%s'", examples[i].conditions[0],
				 buf_cstr(&found), examples[i].found);
	}
	buf_free(&found);
	arena_free(&arena);
	cel_env_free(env);
}

/* ---- no claim is wrong -------------------------------------------------------------------- */

static const char *const texts[] = { "'a'", "'/tmp/x.sh'", "'/tmp/'", "'.sh'", "''", "'ab'" };
static const char *const numbers[] = { "0",  "1",   "-1",  "7",	  "12",	  "7u",
				       "0u", "1.5", "7.0", "255", "4096", "9223372036854775807" };
static const char *const forms[] = {
	"{F} == {S}",
	"{F} == {N}",
	"{F} != {S}",
	"{F} != {N}",
	"{F} in [{S}, {S}]",
	"{F} in [{N}, {N}, {S}]",
	"!({F} in [{N}, {N}])",
	"{F}.startsWith({S})",
	"{F}.endsWith({S})",
	"{F}.contains({S})",
	"!{F}.startsWith({S})",
	"!{F}.contains({S})",
	"{F} < {N}",
	"{F} <= {N}",
	"{F} > {N}",
	"{F} >= {N}",
	"!({F} < {N})",
	"!({F} >= {N})",
	"math.bitAnd({F}, 7) == 3",
	"math.bitAnd({F}, 5) != 4",
	"math.bitAnd({F}, 8) == 1",
	"hasData('f{D}')",
	"!hasData('f{D}')",
	"{F} == null",
	"{F} != null",
	"{F} == true",
	"{F} || {F} == {N}",
	"{F} == {N} || {F} == {S}",
	"{F} != {N} || {F} != {N}",
	"{F} > {N} || {F} < {N}",
	"{F} > {N} && {F} < {N}",
	"{F} == {N} ? {F} == {S} : {F} != {N}",
};

#define PICK(random, table) table[random_below(random, ARRAY_SIZE(table))]

static void write_form(struct random *random, const char *form, struct buf *out)
{
	buf_clear(out);
	for (; *form; form++) {
		if (form[0] != '{') {
			buf_char(out, *form);
			continue;
		}
		switch (form[1]) {
		case 'F':
			buf_printf(out, "getEventData('f%u')", random_below(random, SLOTS));
			break;
		case 'D': buf_printf(out, "%u", random_below(random, SLOTS)); break;
		case 'S': buf_printf(out, "%s", PICK(random, texts)); break;
		default: buf_printf(out, "%s", PICK(random, numbers)); break;
		}
		form += 2;
	}
}

static const struct value values[] = {
	{ .tag = VALUE_NULL },
	{ .tag = VALUE_BOOL, .b = true },
	{ .tag = VALUE_BOOL, .b = false },
	{ .tag = VALUE_INT, .i = 0 },
	{ .tag = VALUE_INT, .i = 1 },
	{ .tag = VALUE_INT, .i = -1 },
	{ .tag = VALUE_INT, .i = 7 },
	{ .tag = VALUE_INT, .i = 8 },
	{ .tag = VALUE_INT, .i = 12 },
	{ .tag = VALUE_INT, .i = INT64_MAX },
	{ .tag = VALUE_UINT, .u = 3 },
	{ .tag = VALUE_UINT, .u = 7 },
	{ .tag = VALUE_UINT, .u = 255 },
	{ .tag = VALUE_UINT, .u = 4096 },
	{ .tag = VALUE_UINT, .u = UINT64_MAX },
	{ .tag = VALUE_DOUBLE, .d = 1.5 },
	{ .tag = VALUE_DOUBLE, .d = 7 },
	{ .tag = VALUE_DOUBLE, .d = 0 },
	{ .tag = VALUE_DOUBLE, .d = 1e300 },
	{ .tag = VALUE_DOUBLE, .d = (double)NAN },
	{ .tag = VALUE_STRING, .len = 1, .str = "a" },
	{ .tag = VALUE_STRING, .len = 2, .str = "ab" },
	{ .tag = VALUE_STRING, .len = 9, .str = "/tmp/x.sh" },
	{ .tag = VALUE_STRING, .len = 5, .str = "/tmp/" },
	{ .tag = VALUE_STRING, .len = 3, .str = ".sh" },
	{ .tag = VALUE_STRING, .len = 0, .str = "" },
	{ .tag = VALUE_STRING, .len = 8, .str = "x/tmp/.s" },
	{ .tag = VALUE_BYTES, .len = 1, .str = "a" },
};

static uint8_t kind_of(struct value value)
{
	switch (value.tag) {
	case VALUE_NULL: return CEL_KIND_NULL;
	case VALUE_BOOL: return CEL_KIND_BOOL;
	case VALUE_INT:
	case VALUE_UINT: return CEL_KIND_WHOLE;
	case VALUE_DOUBLE: return CEL_KIND_DOUBLE;
	case VALUE_STRING: return CEL_KIND_TEXT;
	default: return CEL_KIND_OTHER;
	}
}

static bool in_domain(const struct cel_domain *domain, struct value value)
{
	long double number = value.tag == VALUE_INT ? (long double)value.i : (long double)value.u;

	return (domain->kinds & kind_of(value)) &&
	       (kind_of(value) != CEL_KIND_WHOLE ||
		(number >= domain->low && number <= domain->high));
}

static void random_domain(struct random *random, uint32_t slot, struct cel_domain *out)
{
	static const uint8_t kinds[] = { CEL_KIND_ANY,
					 CEL_KIND_WHOLE,
					 CEL_KIND_WHOLE | CEL_KIND_NULL,
					 CEL_KIND_TEXT,
					 CEL_KIND_TEXT | CEL_KIND_NULL,
					 CEL_KIND_BOOL,
					 CEL_KIND_DOUBLE,
					 CEL_KIND_WHOLE | CEL_KIND_DOUBLE };

	*out = (struct cel_domain){
		.slot = slot, .kinds = PICK(random, kinds), .low = -HUGE_VALL, .high = HUGE_VALL
	};
	if (out->kinds != CEL_KIND_ANY && random_below(random, 2)) {
		out->low = random_below(random, 2) ? 0 : 7;
		out->high = random_below(random, 2) ? 255 : UINT32_MAX;
	}
}

struct set {
	struct buf texts[CONDITIONS];
	const struct cel_program *programs[CONDITIONS];
	struct cel_domain domains[SLOTS];
	uint32_t count;
};

/* The claim is about events for which the conditions before hold. */
static void refute(const struct set *set, const struct cel_finding *finding, struct cel_run *run,
		   const struct random_event *event)
{
	uint32_t n = finding->condition;
	struct value value;

	if (finding->judgement != CEL_NEVER && finding->parts > 1)
		return;
	for (uint32_t i = 0; i <= n; i++) {
		random_bind(run, event);
		run->budget = CEL_BUDGET;
		value = cel_eval(set->programs[i], run);
		if (i < n && !(value.tag == VALUE_BOOL && value.b))
			return;
	}
	bool holds = value.tag == VALUE_BOOL && value.b;

	if (finding->judgement == CEL_ALWAYS_IF_THERE && value.tag == VALUE_ERROR)
		return;
	if (holds == (finding->judgement != CEL_NEVER))
		return;
	for (uint32_t i = 0; i <= n; i++)
		print_message("condition %u: %s\n", i, buf_cstr((struct buf *)&set->texts[i]));
	fail_msg("condition %u is said to hold %s, and does%s (f0 %d %" PRId64 ", f1 %d %" PRId64
		 ")",
		 n, finding->judgement == CEL_NEVER ? "never" : "always", holds ? "" : " not",
		 event->slots[0].tag, event->slots[0].i, event->slots[1].tag, event->slots[1].i);
}

static void try_events(struct random *random, const struct set *set, const struct seen *seen,
		       struct arena *arena)
{
	struct value slots[RANDOM_SLOTS];
	uint64_t known = 0;
	struct cel_run run = { .arena = arena, .slots = slots, .known = &known };
	struct random_event event;

	random_event(random, arena, &event);
	for (uint32_t i = 0; i < EVENTS; i++) {
		for (uint32_t slot = 0; slot < SLOTS; slot++)
			do
				event.slots[slot] = PICK(random, values);
			while (!in_domain(&set->domains[slot], event.slots[slot]));
		for (uint32_t k = 0; k < seen->count; k++)
			refute(set, &seen->items[k], &run, &event);
	}
}

static uint64_t number_of(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : fallback;
}

static void no_claim_is_refuted(void **state)
{
	struct random random = { number_of("SEED", 7) * 2654435761u + 1 };
	struct cel_env *env = random_env(0);
	struct arena arena = { 0 };
	struct set set = { 0 };
	uint64_t claims = 0;

	(void)state;
	for (uint64_t sets = number_of("COUNT", SETS); sets > 0; sets--) {
		struct seen seen = { 0 };

		for (uint32_t i = 0; i < SLOTS; i++)
			random_domain(&random, i, &set.domains[i]);
		set.count = 0;
		while (set.count < CONDITIONS) {
			write_form(&random, PICK(&random, forms), &set.texts[set.count]);
			set.programs[set.count] = compile(env, buf_cstr(&set.texts[set.count]),
							  &arena);
			set.count += set.programs[set.count] != NULL;
		}
		assert_int_equal(
			cel_judge(set.programs, set.count, set.domains, SLOTS, keep, &seen), 0);
		claims += seen.count;
		if (seen.count)
			try_events(&random, &set, &seen, &arena);
		arena_reset(&arena);
	}
	print_message("%" PRIu64 " claims, none refuted\n", claims);
	assert_true(claims > 100);
	for (uint32_t i = 0; i < CONDITIONS; i++)
		buf_free(&set.texts[i]);
	arena_free(&arena);
	cel_env_free(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_are_judged),
		cmocka_unit_test(no_claim_is_refuted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
