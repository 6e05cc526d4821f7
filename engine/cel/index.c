/* SPDX-License-Identifier: Apache-2.0 */
/* The index of many rules: adding rules, and running them on an event. */
#include "index.h"

#include <errno.h>

#include "index_parts.h"
#include "vm.h"

struct run_state {
	const struct cel_index *index;
	struct cel_run *run;
	struct cel_index_state *state;
	uint32_t *rules;
	uint32_t count;
	bool exact; /* of the look-up at hand */
};

struct cel_index_state {
	uint32_t epoch; /* of the event at hand; marks of another are old */
	uint32_t *clause_marks, *rule_marks, *attribute_marks;
	struct value *values; /* of attributes that are no fields */
};

/* ---- making --------------------------------------------------------------- */

struct cel_index *cel_index_new(const struct cel_env *env)
{
	struct cel_index *index = calloc(1, sizeof(*index));

	if (!index)
		return NULL;
	index->env = env;
	for (uint32_t i = 0; i < ATTRIBUTE_BUCKETS; i++)
		index->buckets[i] = UINT32_MAX;
	return index;
}

void cel_index_free(struct cel_index *index)
{
	if (!index)
		return;
	arena_free(&index->arena);
	free(index);
}

uint32_t cel_index_rules(const struct cel_index *index)
{
	return index->rules;
}

static int compile_error_code(const struct err *err)
{
	return err->code ? err->code : -EINVAL;
}

/* All conditions of a rule share a scratch arena: their trees are looked at together. */
static int add_rule(struct cel_index *index, struct arena *scratch,
		    const struct cel_source *conditions, uint32_t count, struct err *err)
{
	struct node **roots = arena_array(scratch, struct node *, count + 1);
	struct compile compile = {
		.env = index->env,
		.arena = &index->arena,
		.scratch = scratch,
		.err = err,
	};

	if (!roots)
		return err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		compile.source = &conditions[i];
		compile.nesting = 0;
		compile.infer = (struct inference){ .arena = scratch };
		roots[i] = compile_tree(&compile, "bool", true);
		if (!roots[i])
			return compile_error_code(err);
	}
	if (!terms_collect(index, &compile, roots, count, index->rules))
		return compile_error_code(err);
	return (int)index->rules++;
}

int cel_index_add(struct cel_index *index, const struct cel_source *conditions, uint32_t count,
		  struct err *err)
{
	struct arena scratch = { .limit = 256 * 1024 * 1024 };
	uint32_t clauses = index->clauses.count;
	int number = add_rule(index, &scratch, conditions, count, err);

	if (number < 0)
		index->clauses.count = clauses; /* half a rule is none */
	arena_free(&scratch);
	return number;
}

struct cel_index_state *cel_index_state_new(const struct cel_index *index)
{
	struct cel_index_state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->clause_marks = calloc(index->clauses.count + 1, sizeof(uint32_t));
	state->rule_marks = calloc(index->rules + 1, sizeof(uint32_t));
	state->attribute_marks = calloc(index->attribute_count + 1, sizeof(uint32_t));
	state->values = calloc(index->attribute_count + 1, sizeof(struct value));
	if (state->clause_marks && state->rule_marks && state->attribute_marks && state->values)
		return state;
	cel_index_state_free(state);
	return NULL;
}

void cel_index_state_free(struct cel_index_state *state)
{
	if (!state)
		return;
	free(state->clause_marks);
	free(state->rule_marks);
	free(state->attribute_marks);
	free(state->values);
	free(state);
}

/* ---- attributes ----------------------------------------------------------- */

static const struct value *attribute_value(struct run_state *s, uint32_t number)
{
	const struct attribute *attribute = &s->index->attributes[number];
	struct cel_index_state *state = s->state;

	if (LIKELY(attribute->slot >= 0))
		return run_slot(s->run, (uint64_t)attribute->slot);
	if (state->attribute_marks[number] != state->epoch) {
		state->attribute_marks[number] = state->epoch;
		state->values[number] = cel_eval(attribute->program, s->run);
		s->run->budget = CEL_BUDGET;
	}
	return &state->values[number];
}

/* ---- clauses -------------------------------------------------------------- */

static void rule_matched(struct run_state *s, uint32_t rule)
{
	if (s->state->rule_marks[rule] == s->state->epoch)
		return;
	s->state->rule_marks[rule] = s->state->epoch;
	s->rules[s->count++] = rule;
}

static void try_clause(struct run_state *s, uint32_t number)
{
	const struct clause *clause = &s->index->clauses.items[number];
	uint32_t i = s->exact && clause->exact ? 1 : 0;

	/* Another key has led here already, or another alternative of the rule was true. */
	if (s->state->clause_marks[number] == s->state->epoch ||
	    s->state->rule_marks[clause->rule] == s->state->epoch)
		return;
	s->state->clause_marks[number] = s->state->epoch;
	s->run->budget = CEL_BUDGET;
	for (; i < clause->count; i++) {
		const struct test *test = &clause->tests[i];

		if (test_value(test, s->run, *attribute_value(s, test->attribute)) <= 0)
			return;
	}
	rule_matched(s, clause->rule);
}

static void try_postings(struct run_state *s, struct postings postings)
{
	for (uint32_t i = 0; i < postings.count; i++)
		try_clause(s, s->index->postings[postings.from + i]);
}

/* ---- look-ups ------------------------------------------------------------- */

static void find_text(struct run_state *s, const struct access *access, struct str text)
{
	const struct key_table *table = &access->texts;
	uint32_t hash, at;

	if (table->mask != UINT32_MAX) {
		hash = key_hash_text(text);
		for (at = hash & table->mask; table->entries[at].postings.count;
		     at = (at + 1) & table->mask)
			if (table->entries[at].number == hash &&
			    str_equal(table->entries[at].text, text))
				try_postings(s, table->entries[at].postings);
	}
	if (access->prefixes)
		trie_find(access->prefixes, text, s, try_postings);
	if (access->suffixes)
		trie_find(access->suffixes, text, s, try_postings);
	if (access->parts && cel_spend(s->run, text.len / 16))
		scan_find(access->parts, text, s, try_postings);
}

static void find_key_number(struct run_state *s, const struct key_table *table, uint64_t number)
{
	if (table->mask == UINT32_MAX)
		return;
	for (uint32_t at = key_hash_number(number) & table->mask; table->entries[at].postings.count;
	     at = (at + 1) & table->mask)
		if (table->entries[at].number == number)
			try_postings(s, table->entries[at].postings);
}

/* Those whose limit is passed come first: above ascending, below descending. */
static void find_limits(struct run_state *s, const struct access *access, int64_t number)
{
	for (uint32_t i = 0; i < access->above.count && access->above.numbers[i] < number; i++)
		try_clause(s, access->above.clauses[i]);
	for (uint32_t i = 0; i < access->below.count && access->below.numbers[i] > number; i++)
		try_clause(s, access->below.clauses[i]);
}

static void find_bits(struct run_state *s, const struct access *access, uint64_t bits)
{
	for (; bits; bits &= bits - 1)
		try_postings(s, access->bits[__builtin_ctzll(bits)]);
}

static void find_number(struct run_state *s, const struct access *access, struct value v)
{
	bool huge = v.tag == VALUE_UINT && v.u > INT64_MAX;

	if (!huge) /* numbers that are looked up fit an int */
		find_key_number(s, &access->numbers, v.u);
	s->exact = false; /* limits are tested once more, and so are bits */
	find_limits(s, access, huge ? INT64_MAX : v.i);
	if (huge)
		try_postings(s, access->odd);
	if (access->bits)
		find_bits(s, access, v.u);
}

static void find(struct run_state *s, const struct access *access)
{
	struct value v = *attribute_value(s, access->attribute);

	s->exact = true;
	switch (v.tag) {
	case VALUE_STRING: find_text(s, access, value_text(v)); break;
	case VALUE_INT:
	case VALUE_UINT: find_number(s, access, v); break;
	case VALUE_BOOL: try_postings(s, v.b ? access->if_true : access->if_false); break;
	case VALUE_NULL: try_postings(s, access->if_null); break;
	case VALUE_DOUBLE:
		s->exact = false;
		try_postings(s, access->odd);
		break;
	default: break; /* an error, or what equals none of the constants that are looked up */
	}
}

static int number_order(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

static void next_epoch(const struct cel_index *index, struct cel_index_state *state)
{
	if (++state->epoch)
		return;
	/* Once in four billion events the marks of old ones could look new. */
	memset(state->clause_marks, 0, index->clauses.count * sizeof(uint32_t));
	memset(state->rule_marks, 0, index->rules * sizeof(uint32_t));
	memset(state->attribute_marks, 0, index->attribute_count * sizeof(uint32_t));
	state->epoch = 1;
}

uint32_t cel_index_run(const struct cel_index *index, struct cel_index_state *state,
		       struct cel_run *run, uint32_t *rules)
{
	struct run_state s = { .index = index, .run = run, .state = state, .rules = rules };

	next_epoch(index, state);
	run->budget = CEL_BUDGET;
	for (uint32_t i = 0; i < index->always_count; i++)
		rule_matched(&s, index->always[i]);
	for (uint32_t i = 0; i < index->access_count; i++)
		find(&s, &index->accesses[i]);
	s.exact = false;
	try_postings(&s, index->loose);
	if (s.count > 1)
		qsort(rules, s.count, sizeof(*rules), number_order);
	return s.count;
}
