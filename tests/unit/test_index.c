/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of rules: what it finds and answers, and what conditions answer alone, is what the
 * reference evaluator answers for every condition of every rule. Random rule sets and events;
 * SEED and COUNT (pairs of a rule set and an event) in the environment choose others and more.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* after those it needs */
#include <cmocka.h>

#include "../cel/oracle.h"
#include "../cel/random.h"
#include "base/common.h"
#include "cel/index.h"

enum {
	PAIRS = 6000,
	RULES_MAX = 400,
	CONDITIONS_MAX = 3,
	GUARDS_MAX = 2,
	TERMS_MAX = 3,
	EVENTS = 40,
};

/* ---- random conditions of the kinds that are indexed ----------------------- */

static const char *const text_constants[] = {
	"''",	   "'a'",	    "'abc'",   "'/tmp/x.sh'",
	"'/etc/'", "'/etc/passwd'", "'/tmp/'", "'.sh'",
	"'wd'",	   "'\xc3\xa9'",    "'12'",    "'/var/log/a'",
	"'/v'",	   "'/'",	    "'log'",   "'/etc/passwd/and/some/more'",
	"'passwd'"
};
static const char *const number_constants[] = { "0",
						"1",
						"-1",
						"7",
						"12",
						"4096",
						"7u",
						"0u",
						"1.5",
						"7.0",
						"0.5",
						"9223372036854775807",
						"-9223372036854775808",
						"9223372036854775808u",
						"18446744073709551615u",
						"1e300" };
static const char *const patterns[] = {
	"'^/tmp/'",	      "'wd$'",	     "'^/etc/passwd$'", "'/(tmp|etc)/'", "'a'",
	"'(?i)ABC'",	      "'^/.*/log/'", "'a?b*'",		"'^$'",		 "'x\\\\.sh|log'",
	"'\\\\bpasswd\\\\b'", "'[a-c]+'",    "'(abc)+'",	"'(?m)^/etc'",	 "'\xc3\xa9.'"
};

/*
 * Holes: {F} a field or something with a value of any kind, {S} a text constant, {N} a number,
 * {P} a pattern, {L} a list of texts, {M} a list of numbers, {C} any constant, {A} a condition.
 */
static const char *const forms[] = {
	"{F} == {S}",
	"{F} == {S}",
	"{F} == {N}",
	"{F} == {C}",
	"{C} == {F}",
	"{F} != {S}",
	"{F} != {N}",
	"{F} in {L}",
	"{F} in {M}",
	"!({F} in {L})",
	"!({F} in {M})",
	"{F}.startsWith({S})",
	"{F}.startsWith({S})",
	"{F}.endsWith({S})",
	"{F}.contains({S})",
	"{F}.contains({S})",
	"{F}.matches({P})",
	"{F} < {N}",
	"{F} <= {N}",
	"{F} > {N}",
	"{F} >= {N}",
	"{N} < {F}",
	"{N} >= {F}",
	"{F} > {N} && {F} <= {N}",
	"math.bitAnd({F}, 7) != 0",
	"math.bitAnd({F}, 4096) == 0",
	"math.bitAnd({F}, 12) == 12",
	"math.bitAnd(6u, {F}) != 2u",
	"math.bitAnd({F}, 1) == 5",
	"hasData('f{D}')",
	"{F} == null",
	"{F} != null",
	"{F}",
	"{F} == true",
	"{L}.exists(v, {F} == v)",
	"{L}.exists(v, {F}.startsWith(v))",
	"!{L}.exists(v, {F}.startsWith(v))",
	"!{L}.exists(v, {F}.contains(v) && {A})",
	"{L}.all(v, !{F}.endsWith(v))",
	"{M}.all(v, {F} > v)",
	"[{F}, {F}].exists(v, v == {C})",
	"![{F}, {F}].exists(v, v == {C})",
	"[{F}, {F}, {F}].all(v, v != {C})",
	"{L}.exists(v, {M}.exists(w, {F} == w || {F} == v))",
	"({A}) && ({A})",
	"({A}) && ({A})",
	"({A}) || ({A})",
	"({A}) && ({A}) && ({A})",
	"({A}) || ({A}) || ({A})",
	"!({A})",
	"({A}) ? ({A}) : ({A})",
	"({A}) == true",
	"cel.bind(z, {F}, z == {C} || ({A}))",
	"{X}",
};

static const char *const fields[] = {
	"getEventData('f{D}')",
	"getEventData('f{D}')",
	"getEventData('f{D}')",
	"getEventData('f{D}')",
	"getEventData('f{D}')",
	"dyn(s)",
	"dyn(i)",
	"dyn(u)",
	"dyn(d)",
	"x",
	"x.a",
	"n",
	"dyn(e)",
	"dyn(basename(s))",
	"dyn(i % 5)",
	"dyn(m)['a']",
	"dyn(b)",
};

static void form(struct random *random, struct buf *out, char hole, uint32_t depth);

#define PICK(array) (array)[random_below(random, ARRAY_SIZE(array))]

static void list(struct random *random, struct buf *out, const char *const *items, uint32_t count)
{
	uint32_t len = 1 + random_below(random, random_below(random, 4) ? 4 : 12);

	for (uint32_t i = 0; i < len; i++)
		buf_printf(out, "%s%s", i ? ", " : "[", items[random_below(random, count)]);
	buf_char(out, ']');
}

static void hole_text(struct random *random, struct buf *out, const char *text, uint32_t depth)
{
	while (*text) {
		if (text[0] == '{' && text[1] && text[2] == '}') {
			form(random, out, text[1], depth ? depth - 1 : 0);
			text += 3;
		} else {
			buf_char(out, *text++);
		}
	}
}

static void form(struct random *random, struct buf *out, char hole, uint32_t depth)
{
	switch (hole) {
	case 'F': hole_text(random, out, PICK(fields), depth); break;
	case 'D': buf_uint(out, random_below(random, RANDOM_SLOTS)); break;
	case 'S': buf_printf(out, "%s", PICK(text_constants)); break;
	case 'N': buf_printf(out, "%s", PICK(number_constants)); break;
	case 'P': buf_printf(out, "%s", PICK(patterns)); break;
	case 'L': list(random, out, text_constants, ARRAY_SIZE(text_constants)); break;
	case 'M': list(random, out, number_constants, ARRAY_SIZE(number_constants)); break;
	case 'C':
		buf_printf(out, "%s",
			   random_below(random, 2)   ? PICK(text_constants)
			   : random_below(random, 3) ? PICK(number_constants)
			   : random_below(random, 2) ? "null"
						     : "true");
		break;
	case 'X': random_condition(random, out, 3); break;
	default:
		/* The simple ones come first in the table. */
		hole_text(random, out,
			  forms[random_below(random, depth ? (uint32_t)ARRAY_SIZE(forms) : 34)],
			  depth);
		break;
	}
}

/* ---- guards ----------------------------------------------------------------- */

static void get_third(struct cel_run *run, const void *data, struct value *out)
{
	const struct random_event *event = run->object;

	*out = event->slots[*(const uint32_t *)data];
}

static struct value guard_constant(struct random *random, enum cel_test *test)
{
	static const char *const texts[] = { "a", "/tmp/", "abc", "/etc/passwd", "wd", "/", "" };

	*test = random_below(random, 4);
	if (random_below(random, 4))
		return value_str(str_of(PICK(texts)));
	*test = CEL_TEST_EQUAL;
	return random_below(random, 3) ? value_int(random_below(random, 13))
				       : value_bool(random_below(random, 2));
}

/* What a caller would test; what the guard says nothing about holds here. */
static bool term_holds(const struct cel_guard_term *term, struct value value)
{
	struct value c = term->constant;

	if (value.tag == VALUE_NULL)
		return false;
	if (c.tag == VALUE_INT && (value.tag == VALUE_INT || value.tag == VALUE_UINT))
		return cel_equal(value, c);
	if (value.tag != c.tag)
		return true;
	if (term->test == CEL_TEST_EQUAL)
		return cel_equal(value, c);
	if (value.len < c.len)
		return false;
	if (term->test == CEL_TEST_CONTAINS)
		return memmem(value.str, value.len, c.str, c.len) != NULL;
	return !c.len ||
	       memcmp(term->test == CEL_TEST_PREFIX ? value.str : value.str + value.len - c.len,
		      c.str, c.len) == 0;
}

/* ---- rule sets --------------------------------------------------------------- */

struct rule_set {
	struct cel_rule rules[RULES_MAX];
	const struct cel_program *conditions[RULES_MAX][CONDITIONS_MAX];
	struct cel_guard guards[RULES_MAX][GUARDS_MAX];
	struct cel_guard_term terms[RULES_MAX][GUARDS_MAX][TERMS_MAX];
	struct str texts[RULES_MAX][CONDITIONS_MAX];
	struct oracle *oracles[RULES_MAX][CONDITIONS_MAX];
	uint32_t count;
	struct arena arena;
	const struct cel_index *index;
	struct cel_match *match;
};

struct state {
	struct random random;
	struct cel_env *env;
	struct rule_set set;
	uint64_t pairs, rules, found, held, faults, refused;
};

static const uint32_t third = 3;

static bool add_condition(struct state *state, uint32_t rule)
{
	struct rule_set *set = &state->set;
	uint32_t *count = &set->rules[rule].condition_count;
	struct buf text = { 0 };
	struct err err = { 0 };
	struct cel_source source;

	form(&state->random, &text, 'A', 1 + random_below(&state->random, 3));
	set->texts[rule][*count] = arena_str(&set->arena, text.data, text.len);
	buf_free(&text);
	source = (struct cel_source){ .text = set->texts[rule][*count] };
	if (cel_compile(state->env, &source, "bool", &set->arena, &set->conditions[rule][*count],
			&err)) {
		state->refused++;
		return false;
	}
	set->oracles[rule][*count] = oracle_compile(state->env, &source, "bool", &set->arena, &err);
	assert_non_null(set->oracles[rule][*count]);
	(*count)++;
	return true;
}

static void add_guards(struct state *state, uint32_t rule)
{
	struct random *random = &state->random;
	struct rule_set *set = &state->set;
	uint32_t count = random_below(random, 3) ? 0 : 1 + random_below(random, GUARDS_MAX);

	for (uint32_t i = 0; i < count; i++) {
		struct cel_guard *guard = &set->guards[rule][i];

		*guard = (struct cel_guard){ .terms = set->terms[rule][i],
					     .term_count = 1 + random_below(random, TERMS_MAX) };
		if (random_below(random, 3)) {
			guard->slot = random_below(random, RANDOM_SLOTS);
		} else {
			guard->get = get_third;
			guard->data = &third;
		}
		for (uint32_t k = 0; k < guard->term_count; k++)
			set->terms[rule][i][k].constant = guard_constant(
				random, &set->terms[rule][i][k].test);
	}
	set->rules[rule].guards = set->guards[rule];
	set->rules[rule].guard_count = count;
}

static void make_rules(struct state *state)
{
	struct rule_set *set = &state->set;
	uint32_t sizes[] = { 1, 3, 10, 40, RULES_MAX };

	memset(set->rules, 0, sizeof(set->rules));
	set->count = 1 + random_below(&state->random, sizes[random_below(&state->random, 5)]);
	for (uint32_t i = 0; i < set->count; i++) {
		uint32_t wanted = 1 + random_below(&state->random, CONDITIONS_MAX);

		set->rules[i].conditions = set->conditions[i];
		while (set->rules[i].condition_count < wanted)
			add_condition(state, i);
		add_guards(state, i);
	}
	assert_int_equal(cel_index_new(set->rules, set->count, &set->arena, &set->index), 0);
	set->match = cel_match_new(&set->index, 1, &set->arena);
	assert_non_null(set->match);
}

/* ---- comparing --------------------------------------------------------------- */

static const struct random_event *shown;

struct answer {
	enum cel_verdict verdict;
	uint32_t condition;
	bool ran_out;
};

static struct value condition_value(const struct rule_set *set, uint32_t rule, uint32_t condition,
				    struct cel_run *run)
{
	run->budget = (uint64_t)CEL_BUDGET * 1000;
	return oracle_eval(set->oracles[rule][condition], run);
}

static void show_slots(void)
{
	for (int i = 0; i < RANDOM_SLOTS; i++) {
		struct buf slot = { 0 };

		cel_print(&slot, shown->slots[i]);
		printf("# f%d tag %d %s\n", i, shown->slots[i].tag, buf_cstr(&slot));
		buf_free(&slot);
	}
}

/* The condition alone; the machine may run out of a budget that the reference has more of. */
static void compare_alone(const struct rule_set *set, uint32_t rule, uint32_t condition,
			  struct value expected, struct cel_run *run)
{
	struct value got = cel_eval(set->conditions[rule][condition], run);
	struct str text = set->texts[rule][condition];

	if ((got.tag == VALUE_BOOL && expected.tag == VALUE_BOOL && got.b == expected.b) ||
	    (got.tag == VALUE_ERROR && (run->budget == 0 || expected.tag != VALUE_BOOL)))
		return;
	show_slots();
	fail_msg("%.*s: alone tag %d %d, expected tag %d %d", (int)text.len, text.data, got.tag,
		 got.b, expected.tag, expected.b);
}

static struct answer plain(const struct rule_set *set, uint32_t rule, struct cel_run *run)
{
	for (uint32_t i = 0; i < set->rules[rule].condition_count; i++) {
		struct value value = condition_value(set, rule, i, run);
		bool ran_out = run->budget == 0;

		compare_alone(set, rule, i, value, run);
		if (value.tag != VALUE_BOOL)
			return (struct answer){ CEL_FAULT, i, ran_out };
		if (!value.b)
			return (struct answer){ CEL_FALSE, i, false };
	}
	return (struct answer){ CEL_TRUE, set->rules[rule].condition_count, false };
}

static bool guards_hold(const struct cel_rule *rule, const struct random_event *event)
{
	for (uint32_t i = 0; i < rule->guard_count; i++) {
		const struct cel_guard *guard = &rule->guards[i];
		bool holds = false;

		for (uint32_t k = 0; k < guard->term_count; k++)
			holds |= term_holds(&guard->terms[k],
					    event->slots[guard->get ? third : guard->slot]);
		if (!holds)
			return false;
	}
	return true;
}

static void show_guards(const struct state *state, uint32_t rule)
{
	const struct cel_rule *r = &state->set.rules[rule];

	for (uint32_t i = 0; i < r->guard_count; i++)
		for (uint32_t k = 0; k < r->guards[i].term_count; k++) {
			struct buf text = { 0 };

			cel_print(&text, r->guards[i].terms[k].constant);
			printf("# guard %u %s slot %u test %d %s\n", i,
			       r->guards[i].get ? "getter" : "slot", r->guards[i].slot,
			       r->guards[i].terms[k].test, buf_cstr(&text));
			buf_free(&text);
		}
}

static void show(const struct state *state, uint32_t rule, const char *what, struct answer plain,
		 struct answer indexed)
{
	struct buf text = { 0 };

	cel_index_explain(state->set.index, rule, "    ", &text);
	for (uint32_t i = 0; i < state->set.rules[rule].condition_count; i++)
		printf("# %.*s\n", (int)state->set.texts[rule][i].len,
		       state->set.texts[rule][i].data);
	show_guards(state, rule);
	show_slots();
	printf("%s\n", buf_cstr(&text));
	buf_free(&text);
	fail_msg("%s: plain %d at %u, index %d at %u", what, plain.verdict, plain.condition,
		 indexed.verdict, indexed.condition);
}

static void compare(struct state *state, const struct random_event *event, struct cel_run *run)
{
	struct rule_set *set = &state->set;
	struct answer answers[RULES_MAX];
	uint32_t rule, from = 0;

	shown = event;
	random_bind(run, event);
	for (uint32_t i = 0; i < set->count; i++)
		answers[i] = plain(set, i, run);
	random_bind(run, event);
	cel_match_start(set->match, set->index, run);
	for (;;) {
		bool more = cel_match_next(set->match, &rule);
		struct answer got = { CEL_FALSE, 0, false };

		/* Those passed over must not hold. */
		for (; from < (more ? rule : set->count); from++)
			if (answers[from].verdict == CEL_TRUE &&
			    guards_hold(&set->rules[from], event))
				show(state, from, "not found", answers[from], got);
		if (!more)
			break;
		assert_int_equal(from, rule);
		from++;
		state->found++;
		got.verdict = cel_match_holds(set->match, rule, &got.condition);
		state->held += got.verdict == CEL_TRUE;
		state->faults += got.verdict == CEL_FAULT;
		if (!answers[rule].ran_out && guards_hold(&set->rules[rule], event) &&
		    (got.verdict != answers[rule].verdict ||
		     got.condition != answers[rule].condition))
			show(state, rule, "different", answers[rule], got);
	}
	state->pairs++;
	state->rules += set->count;
}

/* ---- cases ------------------------------------------------------------------- */

struct fixture {
	struct cel_env *env;
	struct arena arena, batch;
	const struct cel_program *programs[8][2];
	struct cel_rule rules[8];
	uint32_t count;
	const struct cel_index *index;
	struct cel_match *match;
	struct random_event event;
	struct value slots[RANDOM_SLOTS];
	uint64_t known;
	struct cel_run run;
};

static void add_rule(struct fixture *f, const char *first, const char *second)
{
	const char *texts[2] = { first, second };
	struct cel_rule *rule = &f->rules[f->count];
	struct err err = { 0 };

	for (int i = 0; i < 2 && texts[i]; i++) {
		struct cel_source source = { .text = str_of(texts[i]) };

		if (cel_compile(f->env, &source, "bool", &f->arena, &f->programs[f->count][i],
				&err))
			fail_msg("%s: %s", texts[i], err.message);
		rule->condition_count++;
	}
	rule->conditions = f->programs[f->count++];
}

static void fixture_start(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->env = random_env(0);
	assert_non_null(f->env);
}

static void fixture_index(struct fixture *f)
{
	assert_int_equal(cel_index_new(f->rules, f->count, &f->arena, &f->index), 0);
	f->match = cel_match_new(&f->index, 1, &f->arena);
	assert_non_null(f->match);
	f->run = (struct cel_run){ .arena = &f->batch, .slots = f->slots, .known = &f->known };
}

static void fixture_free(struct fixture *f)
{
	cel_env_free(f->env);
	arena_free(&f->arena);
	arena_free(&f->batch);
}

/* "0 3:1!": rule 0 holds, rule 3 ends in an error at condition 1. */
static const char *found(struct fixture *f)
{
	static char text[128];
	uint32_t rule, condition, len = 0;

	random_bind(&f->run, &f->event);
	cel_match_start(f->match, f->index, &f->run);
	text[0] = 0;
	while (cel_match_next(f->match, &rule)) {
		enum cel_verdict verdict = cel_match_holds(f->match, rule, &condition);

		if (verdict == CEL_FALSE)
			continue;
		len += (uint32_t)snprintf(text + len, sizeof(text) - len, "%s%u", len ? " " : "",
					  rule);
		if (verdict == CEL_FAULT)
			len += (uint32_t)snprintf(text + len, sizeof(text) - len, ":%u!",
						  condition);
	}
	return text;
}

static void test_order_and_errors(void **ctx)
{
	struct fixture f;

	(void)ctx;
	fixture_start(&f);
	add_rule(&f, "getEventData('f1') == 'b'", NULL);
	add_rule(&f, "getEventData('f0') == 'a'", "getEventData('f2').startsWith('x')");
	add_rule(&f, "getEventData('f0') == 'a'", "getEventData('f1') == 'b'");
	add_rule(&f, "1 / getEventData('f3') == 7", NULL);
	add_rule(&f, "getEventData('f3') == 1 || 1 / getEventData('f3') > 0", "true");
	fixture_index(&f);
	f.event.slots[0] = value_string("a", 1);
	f.event.slots[1] = value_string("b", 1);
	f.event.slots[2] = value_int(4);
	f.event.slots[3] = value_int(0);
	/* Rule 1: a number does not start with a text; 3: a computed value is an error. */
	assert_string_equal(found(&f), "0 1:1! 2 3:0! 4:0!");
	f.event.slots[2] = value_string("xyz", 3);
	f.event.slots[3] = value_int(1);
	assert_string_equal(found(&f), "0 1 2 4");
	f.event.slots[0] = value_null();
	assert_string_equal(found(&f), "0 4");
	/* An event whose rules nobody asked for leaves nothing behind. */
	random_bind(&f.run, &f.event);
	cel_match_start(f.match, f.index, &f.run);
	f.event.slots[1] = value_null();
	assert_string_equal(found(&f), "4");
	fixture_free(&f);
}

static uint32_t loads[RANDOM_SLOTS], calls;

static void count_load(struct cel_run *run, uint32_t slot)
{
	loads[slot]++;
	run->slots[slot] = value_string("zz", 2);
}

static void slow(struct cel_run *run, const struct value *args, uint32_t count, struct value *out)
{
	(void)run, (void)count;
	calls++;
	*out = value_bool(args[0].len == 2);
}

static const struct cel_function functions[] = {
	{ "slow", "(dyn) -> bool", slow, "", NULL, NULL, CEL_PURE },
	{ "impure", "(dyn) -> bool", slow, "", NULL, NULL, CEL_IMPURE },
};

/* A field is read once, and not at all if no rule needs it; a shared computation runs once. */
static void test_work_is_shared(void **ctx)
{
	static const char *const shared = "slow(getEventData('f1'))";
	struct fixture f;
	uint32_t rule, condition;

	(void)ctx;
	fixture_start(&f);
	assert_int_equal(cel_env_functions(f.env, functions, ARRAY_SIZE(functions)), 0);
	add_rule(&f, "getEventData('f0') == 'zz'", shared);
	add_rule(&f, shared, "getEventData('f0').endsWith('z')");
	add_rule(&f, "getEventData('f0').startsWith('z')", "impure(getEventData('f1'))");
	add_rule(&f, "getEventData('f0').contains('z')", "impure(getEventData('f1'))");
	add_rule(&f, "getEventData('f0') == 'other'", "getEventData('f7') == 'rare'");
	fixture_index(&f);
	f.run.load = count_load;
	cel_match_start(f.match, f.index, &f.run);
	while (cel_match_next(f.match, &rule))
		assert_int_equal(cel_match_holds(f.match, rule, &condition), CEL_TRUE);
	assert_int_equal(loads[0], 1);
	assert_int_equal(loads[1], 1);
	assert_int_equal(loads[7], 0);
	/* once for the pure one, each time for the other */
	assert_int_equal(calls, 3);
	fixture_free(&f);
}

static void test_explanation(void **ctx)
{
	struct fixture f;
	struct buf text = { 0 };

	(void)ctx;
	fixture_start(&f);
	add_rule(&f, "getEventData('f0') == 'a' && upper(s).size() > 3", NULL);
	add_rule(&f, "getEventData('f1') > 10 && getEventData('f1') <= 20", NULL);
	add_rule(&f, "true", NULL);
	for (int i = 0; i < 4; i++)
		add_rule(&f, "getEventData('f1') == 5 && s != ''", NULL);
	fixture_index(&f);
	cel_index_explain(f.index, 0, "", &text);
	assert_non_null(strstr(buf_cstr(&text), "found by  getEventData('f0') == 'a'\n"));
	assert_non_null(strstr(buf_cstr(&text), "hash of getEventData('f0')"));
	assert_non_null(strstr(buf_cstr(&text), "residual  upper(s).size() > 3"));
	buf_clear(&text);
	cel_index_explain(f.index, 1, "", &text);
	assert_non_null(strstr(buf_cstr(&text), "found by  getEventData('f1') from 11 to 20\n"));
	assert_non_null(strstr(buf_cstr(&text), "range tree"));
	buf_clear(&text);
	cel_index_explain(f.index, 2, "", &text);
	assert_non_null(strstr(buf_cstr(&text), "tried on every event"));
	buf_clear(&text);
	cel_index_summary(f.index, "", &text);
	assert_non_null(strstr(buf_cstr(&text), "1 rule tried on every event"));
	buf_free(&text);
	fixture_free(&f);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void test_random_rules(void **ctx)
{
	struct state *state = calloc(1, sizeof(*state));
	uint64_t wanted = number_from("COUNT", PAIRS);
	struct value slots[RANDOM_SLOTS];
	uint64_t known = 0;
	struct arena batch = { .limit = 0 };
	struct cel_run run = { .arena = &batch, .slots = slots, .known = &known };

	(void)ctx;
	assert_non_null(state);
	state->random.state = number_from("SEED", 88172645463325252ULL);
	state->env = random_env(0);
	assert_non_null(state->env);
	while (state->pairs < wanted) {
		make_rules(state);
		for (int i = 0; i < EVENTS; i++) {
			struct random_event event;

			random_event(&state->random, &batch, &event);
			compare(state, &event, &run);
			arena_reset(&batch);
		}
		arena_reset(&state->set.arena);
	}
	arena_free(&state->set.arena);
	print_message("%" PRIu64 " rule sets on events, %" PRIu64 " rules: %" PRIu64
		      " tried, %" PRIu64 " held, %" PRIu64 " errors; %" PRIu64
		      " conditions refused\n",
		      state->pairs, state->rules, state->found, state->held, state->faults,
		      state->refused);
	assert_true(state->held > state->rules / 100);
	assert_true(state->found < state->rules * 9 / 10);
	cel_env_free(state->env);
	arena_free(&batch);
	free(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_errors),
		cmocka_unit_test(test_work_is_shared),
		cmocka_unit_test(test_explanation),
		cmocka_unit_test(test_random_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
