/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random sets of rules on random events: the index answers the rules whose conditions the
 * reference evaluator finds true, no more and no fewer. SEED, COUNT (rule sets) in the environment.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cel/index.h"
#include "oracle.h"
#include "random.h"

enum { COUNT = 1500, RULES_MAX = 40, CONDITIONS_MAX = 3, EVENTS = 40 };

struct rule {
	struct buf texts[CONDITIONS_MAX];
	struct cel_source sources[CONDITIONS_MAX];
	struct oracle *oracles[CONDITIONS_MAX];
	uint32_t count;
};

struct state {
	struct random random;
	struct cel_env *env;
	unsigned long rules, pairs, matches, different;
};

/* ---- rules as people write them ------------------------------------------- */

static const char *const texts[] = { "",	  "a",	 "ab",	  "abc",    "/tmp/",
				     "/tmp/x.sh", ".sh", "/etc/", "passwd", "/etc/passwd",
				     "\xc3\xa9",  "12",	 "t",	  "/" };
static const char *const numbers[] = {
	"0",  "1",   "-1",  "7",   "12", "4096", "9223372036854775807", "-9223372036854775807",
	"1u", "12u", "1.5", "12.0"
};
static const char *const patterns[] = { "^/tmp/",	"\\\\.sh$",  "^abc$",	"tmp",
					"^/(tmp|var)/", "[a-c]+12?", "(?i)ABC", "^/etc/.*wd$",
					"a|b",		"x.sh$",     "^$" };
static const char *const comparisons[] = { "==", "==", "==", "!=", "<", "<=", ">", ">=" };

#define PICK(random, list) (list)[random_below(random, ARRAY_SIZE(list))]

static void field(struct random *random, struct buf *out)
{
	static const char *const expressions[] = { "i",	       "u",	   "s",		 "x",
						   "s.size()", "upper(s)", "dirname(s)", "y",
						   "m['a']",   "l[0]" };

	if (random_below(random, 4))
		buf_printf(out, "getEventData('f%u')", random_below(random, RANDOM_SLOTS));
	else
		buf_printf(out, "dyn(%s)", PICK(random, expressions));
}

static void predicate(struct random *random, struct buf *out)
{
	static const char *const methods[] = { "startsWith", "endsWith", "contains" };

	switch (random_below(random, 11)) {
	case 0:
	case 1:
		field(random, out);
		buf_printf(out, " == '%s'", PICK(random, texts));
		break;
	case 2:
		field(random, out);
		buf_printf(out, " %s %s", PICK(random, comparisons), PICK(random, numbers));
		break;
	case 3:
		buf_printf(out, "%s %s ", PICK(random, numbers), PICK(random, comparisons));
		field(random, out);
		break;
	case 4:
	case 5:
		field(random, out);
		buf_printf(out, ".%s('%s')", PICK(random, methods), PICK(random, texts));
		break;
	case 6:
		field(random, out);
		buf_printf(out, " in ['%s', '%s', %s, null]", PICK(random, texts),
			   PICK(random, texts), PICK(random, numbers));
		break;
	case 7:
		field(random, out);
		buf_printf(out, ".matches('%s')", PICK(random, patterns));
		break;
	case 8:
		buf_lit(out, "math.bitAnd(");
		field(random, out);
		buf_printf(
			out, ", %s) %s %s", random_below(random, 2) ? "4097" : "7u",
			random_below(random, 2) ? "==" : "!=", random_below(random, 2) ? "0" : "1");
		break;
	case 9: buf_printf(out, "hasData('f%u')", random_below(random, RANDOM_SLOTS)); break;
	default: random_condition(random, out, 2); break;
	}
}

static void condition(struct random *random, struct buf *out, uint32_t depth)
{
	uint32_t count = 1 + random_below(random, 3);
	const char *operation = random_below(random, 2) ? " && " : " || ";

	if (!random_below(random, 5))
		buf_char(out, '!');
	buf_char(out, '(');
	for (uint32_t i = 0; i < count; i++) {
		if (i)
			buf_printf(out, "%s", operation);
		if (depth && !random_below(random, 3))
			condition(random, out, depth - 1);
		else
			predicate(random, out);
	}
	buf_char(out, ')');
}

/* ---- comparing ------------------------------------------------------------ */

static bool oracle_matches(const struct rule *rule, struct cel_run *run)
{
	for (uint32_t i = 0; i < rule->count; i++) {
		struct value v;

		run->budget = (uint64_t)CEL_BUDGET * 100;
		v = oracle_eval(rule->oracles[i], run);
		if (v.tag != VALUE_BOOL || !v.b)
			return false;
	}
	return true;
}

static void report(struct state *state, const struct cel_index *index, const struct rule *rules,
		   uint32_t number, bool expected)
{
	struct buf plan = { 0 };

	if (state->different++ >= 5)
		return;
	printf("# expected %s:\n", expected ? "true" : "not true");
	for (uint32_t i = 0; i < rules[number].count; i++)
		printf("#   %s\n", buf_cstr((struct buf *)&rules[number].texts[i]));
	cel_index_explain(index, number, &plan);
	printf("%s", buf_cstr(&plan));
	buf_free(&plan);
}

static void try_event(struct state *state, const struct cel_index *index,
		      struct cel_index_state *index_state, const struct rule *rules, uint32_t count,
		      struct arena *arena)
{
	struct value slots[RANDOM_SLOTS];
	uint64_t known = 0;
	struct cel_run run = { .arena = arena, .slots = slots, .known = &known };
	uint32_t found[RULES_MAX], found_count, at = 0;
	struct random_event event;

	random_event(&state->random, arena, &event);
	random_bind(&run, &event);
	found_count = cel_index_run(index, index_state, &run, found);
	for (uint32_t i = 0; i < count; i++) {
		bool by_index = at < found_count && found[at] == i;
		bool by_oracle = oracle_matches(&rules[i], &run);

		at += by_index;
		state->pairs++;
		state->matches += by_oracle;
		if (by_index != by_oracle)
			report(state, index, rules, i, by_oracle);
	}
}

/* A rule that compiles; the index and the oracles have it. */
static bool add_rule(struct state *state, struct cel_index *index, struct rule *rule,
		     struct arena *arena)
{
	struct err err = { .code = 0 };

	rule->count = 1 + random_below(&state->random, CONDITIONS_MAX);
	for (uint32_t i = 0; i < rule->count; i++) {
		buf_clear(&rule->texts[i]);
		condition(&state->random, &rule->texts[i], 2);
		rule->sources[i] = (struct cel_source){ .text = { rule->texts[i].data,
								  (uint32_t)rule->texts[i].len } };
		rule->oracles[i] = oracle_compile(state->env, &rule->sources[i], "bool", arena,
						  &err);
		if (!rule->oracles[i])
			return false;
	}
	return cel_index_add(index, rule->sources, rule->count, &err) >= 0;
}

static void try_set(struct state *state, struct arena *rule_arena, struct arena *arena)
{
	static struct rule rules[RULES_MAX];
	struct cel_index *index = cel_index_new(state->env);
	struct cel_index_state *index_state;
	uint32_t wanted = 1 + random_below(&state->random, RULES_MAX), count = 0;

	for (uint32_t i = 0; i < wanted; i++)
		count += add_rule(state, index, &rules[count], rule_arena);
	state->rules += count;
	if (cel_index_rules(index) != count || cel_index_build(index)) {
		printf("# cannot be built\n");
		state->different++;
	}
	index_state = cel_index_state_new(index);
	for (int i = 0; i < EVENTS; i++) {
		try_event(state, index, index_state, rules, count, arena);
		arena_reset(arena);
	}
	cel_index_state_free(index_state);
	cel_index_free(index);
	arena_reset(rule_arena);
}

static unsigned long setting(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : fallback;
}

int main(void)
{
	struct state state = { .random = { setting("SEED", 362436069) } };
	unsigned long count = setting("COUNT", COUNT);
	struct arena rules = { .limit = 0 }, arena = { .limit = 0 };
	bool good;

	state.env = random_env(0);
	for (unsigned long i = 0; i < count; i++)
		try_set(&state, &rules, &arena);
	good = !state.different && state.matches > state.pairs / 100;
	printf("%sok 1 - the index answers the rules that are true\n", good ? "" : "not ");
	printf("# %lu rules, %lu pairs of rule and event, %lu of them true, %lu different\n1..1\n",
	       state.rules, state.pairs, state.matches, state.different);
	cel_env_free(state.env);
	arena_free(&rules);
	arena_free(&arena);
	return !good;
}
