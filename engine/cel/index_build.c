/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building the index: of every alternative the test that is looked up is chosen, and the keys
 * of all are put into tables by attribute.
 */
#include <errno.h>

#include "index_parts.h"

bool pairs_add(struct pairs *pairs, struct str text, uint64_t number, uint32_t clause)
{
	if (pairs->count == pairs->capacity) {
		uint32_t capacity = pairs->capacity ? pairs->capacity * 2 : 16;
		struct pair *items = realloc(pairs->items, capacity * sizeof(*items));

		if (!items)
			return false;
		pairs->items = items;
		pairs->capacity = capacity;
	}
	pairs->items[pairs->count++] = (struct pair){ text, number, clause };
	return true;
}

bool postings_add(struct cel_index *index, const struct pair *pairs, uint32_t count,
		  struct postings *out)
{
	*out = (struct postings){ index->posting_count, count };
	for (uint32_t i = 0; i < count; i++) {
		uint32_t *items = index_grow(&index->arena, index->postings, index->posting_count,
					     &index->posting_capacity, sizeof(*items));

		if (!items)
			return false;
		index->postings = items;
		items[index->posting_count++] = pairs[i].clause;
	}
	return true;
}

/* ---- choosing ------------------------------------------------------------- */

enum { NEVER = 1000000 };

/* A value that a table of keys can hold: equal to an int, a text, a bool or null. */
static bool is_key(struct value v)
{
	return v.tag == VALUE_STRING || v.tag == VALUE_BOOL || v.tag == VALUE_NULL ||
	       v.tag == VALUE_INT || (v.tag == VALUE_UINT && v.u <= INT64_MAX);
}

static uint32_t equal_cost(const struct test *test)
{
	uint32_t cost = 5;

	for (uint32_t i = 0; i < test->count; i++) {
		if (!is_key(test->values[i]))
			return NEVER;
		cost += test->values[i].tag == VALUE_STRING ? 5
			: test->values[i].tag == VALUE_INT || test->values[i].tag == VALUE_UINT
				? 10
				: 1000;
	}
	return cost;
}

/* Short parts occur often. */
static uint32_t part_cost(const struct test *test, uint32_t base)
{
	uint32_t cost = base;

	for (uint32_t i = 0; i < test->count; i++) {
		if (!test->values[i].len)
			return NEVER;
		cost += 5 + 60 / MIN(test->values[i].len, 30u);
	}
	return cost;
}

/* Fits an int, and is not at the end of the range, where it says nothing. */
static bool limit_fits(const struct test *test)
{
	struct value limit = test->values[0];

	if (limit.tag != VALUE_INT && (limit.tag != VALUE_UINT || limit.u > INT64_MAX))
		return false;
	return limit.i != INT64_MIN && limit.i != INT64_MAX;
}

/* math.bitAnd(x, MASK) != 0 */
static bool is_any_bit(const struct test *test)
{
	return test->kind == TEST_BITS && test->negate && !test->values[1].u && test->values[0].u;
}

/* How often is it true, roughly, and what does it cost to find out? NEVER: it has no table. */
static uint32_t lookup_cost(const struct test *test)
{
	if (is_any_bit(test))
		return 400 + 10 * (uint32_t)__builtin_popcountll(test->values[0].u);
	if (test->negate)
		return test->kind == TEST_TRUE ? 2000 : NEVER;
	switch ((enum test_kind)test->kind) {
	case TEST_TRUE: return 1500;
	case TEST_EQUAL: return equal_cost(test);
	case TEST_PREFIX: return part_cost(test, 20);
	case TEST_SUFFIX: return part_cost(test, 25);
	case TEST_CONTAINS: return part_cost(test, 60);
	case TEST_MATCHES: return test->hint ? lookup_cost(test->hint) + 20 : NEVER;
	case TEST_BITS: return test->values[1].u ? 400 : NEVER;
	default: return limit_fits(test) ? 500 : NEVER;
	}
}

/* Cheap tests first, once the first has led here. */
static uint32_t test_cost(const struct cel_index *index, const struct test *test)
{
	static const uint32_t costs[] = {
		[TEST_TRUE] = 2,	  [TEST_EQUAL] = 1,	 [TEST_PREFIX] = 2,
		[TEST_SUFFIX] = 2,	  [TEST_CONTAINS] = 10,	 [TEST_MATCHES] = 20,
		[TEST_LESS] = 1,	  [TEST_LESS_EQUAL] = 1, [TEST_GREATER] = 1,
		[TEST_GREATER_EQUAL] = 1, [TEST_BITS] = 1,
	};
	const struct attribute *attribute = &index->attributes[test->attribute];

	return costs[test->kind] + (attribute->slot < 0 ? 5 + attribute->program->code_count : 0);
}

static void swap_tests(struct test *a, struct test *b)
{
	struct test copy = *a;

	*a = *b;
	*b = copy;
}

/* In what a clause is looked up, first; the rest by cost. */
static void order_tests(const struct cel_index *index, struct clause *clause)
{
	uint32_t best = 0, best_cost = UINT32_MAX;

	for (uint32_t i = 0; i < clause->count; i++) {
		uint32_t cost = lookup_cost(&clause->tests[i]);

		cost += index->attributes[clause->tests[i].attribute].slot < 0 ? 15 : 0;
		if (cost < best_cost) {
			best = i;
			best_cost = cost;
		}
	}
	swap_tests(&clause->tests[0], &clause->tests[best]);
	clause->loose = best_cost >= NEVER;
	clause->exact = !clause->loose && clause->tests[0].kind != TEST_MATCHES &&
			clause->tests[0].kind < TEST_LESS;
	for (uint32_t i = 2; i < clause->count; i++)
		for (uint32_t k = i; k > 1 && test_cost(index, &clause->tests[k]) <
						      test_cost(index, &clause->tests[k - 1]);
		     k--)
			swap_tests(&clause->tests[k], &clause->tests[k - 1]);
}

/* ---- keys of one attribute, while they are gathered ----------------------- */

enum key_list {
	KEYS_TEXT,
	KEYS_NUMBER,
	KEYS_TRUE,
	KEYS_FALSE,
	KEYS_NULL,
	KEYS_PREFIX,
	KEYS_SUFFIX,
	KEYS_PART,
	KEYS_ABOVE,
	KEYS_BELOW,
	KEYS_BIT,
	KEYS_ODD,
	KEY_LISTS
};

struct gathered {
	struct pairs lists[KEY_LISTS];
};

static bool gather_equal(struct gathered *to, const struct test *test, uint32_t clause)
{
	bool good = true, number = false;

	for (uint32_t i = 0; i < test->count && good; i++) {
		struct value v = test->values[i];

		if (v.tag == VALUE_STRING) {
			good = pairs_add(&to->lists[KEYS_TEXT], value_text(v), 0, clause);
		} else if (v.tag == VALUE_BOOL) {
			good = pairs_add(&to->lists[v.b ? KEYS_TRUE : KEYS_FALSE],
					 (struct str){ 0 }, 0, clause);
		} else if (v.tag == VALUE_NULL) {
			good = pairs_add(&to->lists[KEYS_NULL], (struct str){ 0 }, 0, clause);
		} else {
			good = pairs_add(&to->lists[KEYS_NUMBER], (struct str){ 0 }, v.u, clause);
			number = true;
		}
	}
	/* A double may equal a whole number. */
	return good && (!number || pairs_add(&to->lists[KEYS_ODD], (struct str){ 0 }, 0, clause));
}

static bool gather_parts(struct gathered *to, const struct test *test, uint32_t clause)
{
	enum key_list list = test->kind == TEST_PREFIX	 ? KEYS_PREFIX
			     : test->kind == TEST_SUFFIX ? KEYS_SUFFIX
							 : KEYS_PART;

	for (uint32_t i = 0; i < test->count; i++)
		if (!pairs_add(&to->lists[list], value_text(test->values[i]), 0, clause))
			return false;
	return true;
}

/* x == W needs a bit of W, which is not 0 here; x != 0 needs any of the mask. */
static bool gather_bits(struct gathered *to, const struct test *test, uint32_t clause)
{
	uint64_t bits = test->values[1].u & -test->values[1].u;

	if (test->negate)
		bits = test->values[0].u;
	for (; bits; bits &= bits - 1)
		if (!pairs_add(&to->lists[KEYS_BIT], (struct str){ 0 },
			       (uint64_t)__builtin_ctzll(bits), clause))
			return false;
	return true;
}

/* Strictly more than the number, or less: inclusive limits move by one. */
static bool gather_limit(struct gathered *to, const struct test *test, uint32_t clause)
{
	int64_t number = test->values[0].i;
	bool above = test->kind == TEST_GREATER || test->kind == TEST_GREATER_EQUAL;

	if (test->kind == TEST_GREATER_EQUAL)
		number--;
	if (test->kind == TEST_LESS_EQUAL)
		number++;
	return pairs_add(&to->lists[above ? KEYS_ABOVE : KEYS_BELOW], (struct str){ 0 },
			 (uint64_t)number, clause) &&
	       pairs_add(&to->lists[KEYS_ODD], (struct str){ 0 }, 0, clause);
}

static bool gather(struct gathered *to, const struct test *test, uint32_t clause)
{
	switch ((enum test_kind)test->kind) {
	case TEST_TRUE:
		return pairs_add(&to->lists[test->negate ? KEYS_FALSE : KEYS_TRUE],
				 (struct str){ 0 }, 0, clause);
	case TEST_EQUAL: return gather_equal(to, test, clause);
	case TEST_PREFIX:
	case TEST_SUFFIX:
	case TEST_CONTAINS: return gather_parts(to, test, clause);
	case TEST_MATCHES: return gather(to, test->hint, clause);
	case TEST_BITS: return gather_bits(to, test, clause);
	default: return gather_limit(to, test, clause);
	}
}

/* ---- tables --------------------------------------------------------------- */

static int pair_order(const void *a, const void *b)
{
	const struct pair *left = a, *right = b;
	uint32_t len = MIN(left->text.len, right->text.len);
	int order = len ? memcmp(left->text.data, right->text.data, len) : 0;

	if (order)
		return order;
	if (left->text.len != right->text.len)
		return left->text.len < right->text.len ? -1 : 1;
	return left->number < right->number ? -1 : left->number > right->number;
}

static bool same_key(const struct pair *a, const struct pair *b)
{
	return a->number == b->number && str_equal(a->text, b->text);
}

static bool build_table(struct cel_index *index, struct pairs *pairs, bool texts,
			struct key_table *out)
{
	uint32_t size = 8;

	out->mask = UINT32_MAX;
	if (!pairs->count)
		return true;
	while (size < pairs->count * 2)
		size *= 2;
	out->entries = arena_array(&index->arena, struct key_entry, size);
	if (!out->entries)
		return false;
	out->mask = size - 1;
	qsort(pairs->items, pairs->count, sizeof(*pairs->items), pair_order);
	for (uint32_t i = 0, next; i < pairs->count; i = next) {
		const struct pair *pair = &pairs->items[i];
		uint32_t hash = texts ? key_hash_text(pair->text) : key_hash_number(pair->number);
		uint32_t at = hash & out->mask;

		for (next = i + 1; next < pairs->count && same_key(pair, &pairs->items[next]);)
			next++;
		while (out->entries[at].postings.count)
			at = (at + 1) & out->mask;
		out->entries[at].text = pair->text;
		out->entries[at].number = texts ? hash : pair->number;
		if (!postings_add(index, pair, next - i, &out->entries[at].postings))
			return false;
	}
	return true;
}

static int limit_order(const void *a, const void *b)
{
	int64_t left = (int64_t)((const struct pair *)a)->number;
	int64_t right = (int64_t)((const struct pair *)b)->number;

	return left < right ? -1 : left > right;
}

static bool build_limits(struct cel_index *index, struct pairs *pairs, bool descending,
			 struct limits *out)
{
	out->numbers = arena_array(&index->arena, int64_t, pairs->count + 1);
	out->clauses = arena_array(&index->arena, uint32_t, pairs->count + 1);
	if (!out->numbers || !out->clauses)
		return false;
	if (pairs->count)
		qsort(pairs->items, pairs->count, sizeof(*pairs->items), limit_order);
	for (uint32_t i = 0; i < pairs->count; i++) {
		const struct pair *pair = &pairs->items[descending ? pairs->count - 1 - i : i];

		out->numbers[i] = (int64_t)pair->number;
		out->clauses[i] = pair->clause;
	}
	out->count = pairs->count;
	return true;
}

static bool build_bits(struct cel_index *index, struct pairs *pairs, struct access *access)
{
	uint32_t i = 0;

	if (!pairs->count)
		return true;
	access->bits = arena_array(&index->arena, struct postings, BITS_PER_NUMBER);
	if (!access->bits)
		return false;
	qsort(pairs->items, pairs->count, sizeof(*pairs->items), limit_order);
	for (uint32_t bit = 0; bit < BITS_PER_NUMBER; bit++) {
		uint32_t from = i;

		while (i < pairs->count && pairs->items[i].number == bit)
			i++;
		if (!postings_add(index, pairs->items + from, i - from, &access->bits[bit]))
			return false;
	}
	return true;
}

static bool build_list(struct cel_index *index, const struct pairs *pairs, struct postings *out)
{
	return postings_add(index, pairs->items, pairs->count, out);
}

static bool build_access(struct cel_index *index, struct gathered *from, struct access *to)
{
	struct pairs *lists = from->lists;

	if (lists[KEYS_PREFIX].count &&
	    !(to->prefixes = trie_build(index, &lists[KEYS_PREFIX], false)))
		return false;
	if (lists[KEYS_SUFFIX].count &&
	    !(to->suffixes = trie_build(index, &lists[KEYS_SUFFIX], true)))
		return false;
	if (lists[KEYS_PART].count && !(to->parts = scan_build(index, &lists[KEYS_PART])))
		return false;
	return build_table(index, &lists[KEYS_TEXT], true, &to->texts) &&
	       build_table(index, &lists[KEYS_NUMBER], false, &to->numbers) &&
	       build_limits(index, &lists[KEYS_ABOVE], false, &to->above) &&
	       build_limits(index, &lists[KEYS_BELOW], true, &to->below) &&
	       build_bits(index, &lists[KEYS_BIT], to) &&
	       build_list(index, &lists[KEYS_TRUE], &to->if_true) &&
	       build_list(index, &lists[KEYS_FALSE], &to->if_false) &&
	       build_list(index, &lists[KEYS_NULL], &to->if_null) &&
	       build_list(index, &lists[KEYS_ODD], &to->odd);
}

/* ---- all ------------------------------------------------------------------ */

struct build {
	struct gathered *attributes; /* one per attribute */
	bool *used;
	struct pairs loose, always;
};

static bool gather_clause(struct cel_index *index, struct build *build, uint32_t number)
{
	struct clause *clause = &index->clauses.items[number];
	uint32_t attribute;

	if (!clause->count)
		return pairs_add(&build->always, (struct str){ 0 }, 0, clause->rule);
	order_tests(index, clause);
	if (clause->loose)
		return pairs_add(&build->loose, (struct str){ 0 }, 0, number);
	attribute = clause->tests[0].attribute;
	build->used[attribute] = true;
	return gather(&build->attributes[attribute], &clause->tests[0], number);
}

static bool build_all(struct cel_index *index, struct build *build)
{
	struct postings always;

	for (uint32_t i = 0; i < index->clauses.count; i++)
		if (!gather_clause(index, build, i))
			return false;
	index->accesses = arena_array(&index->arena, struct access, index->attribute_count + 1);
	if (!index->accesses)
		return false;
	for (uint32_t i = 0; i < index->attribute_count; i++) {
		struct access *access = &index->accesses[index->access_count];

		if (!build->used[i])
			continue;
		access->attribute = i;
		index->access_count++;
		if (!build_access(index, &build->attributes[i], access))
			return false;
	}
	if (!build_list(index, &build->loose, &index->loose) ||
	    !build_list(index, &build->always, &always))
		return false;
	index->always = index->postings + always.from;
	index->always_count = always.count;
	return true;
}

int cel_index_build(struct cel_index *index)
{
	struct build build = {
		.attributes = calloc(index->attribute_count + 1, sizeof(struct gathered)),
		.used = calloc(index->attribute_count + 1, sizeof(bool)),
	};
	bool built = build.attributes && build.used && build_all(index, &build);

	for (uint32_t i = 0; build.attributes && i < index->attribute_count; i++)
		for (uint32_t k = 0; k < KEY_LISTS; k++)
			free(build.attributes[i].lists[k].items);
	free(build.attributes);
	free(build.used);
	free(build.loose.items);
	free(build.always.items);
	index->built = built;
	return built ? 0 : -ENOMEM;
}
