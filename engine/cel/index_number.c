/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of many numbers a subject equals, in which of many intervals it lies, which of many bit
 * tests it passes; for ints and uints. Equality is one look-up in a hash table; intervals hang
 * on the nodes of a tree over their bounds, so that finding all that hold the subject takes one
 * binary search and a walk over nodes that have some; bit tests are sorted by a bit they need.
 *
 * Doubles do not come here: an int and a double compare as doubles, which is not exact.
 */
#include <math.h>

#include "index_part.h"

/* Below this every whole double is one int and the other way round. */
#define DOUBLE_WHOLE_MAX 0x1p53

enum { BITS = 64 };

/* A row of targets or tests: items[first[i]] to items[first[i + 1]]. */
struct rows {
	uint32_t *first;
	uint32_t *items;
};

struct number_table {
	struct number_equal *equals;
	uint32_t *slots; /* number in equals + 1 */
	uint32_t slot_mask;
	/* Segments between bounds: segment i begins at starts[i]; 0 is what lies before them. */
	int64_t *starts;
	uint32_t start_count;
	uint32_t leaf;	  /* node of segment 0; the root is 1 */
	struct rows held; /* targets of a node's intervals */
	uint32_t *up;	  /* nearest node above that has some; 0: none */
	struct bit_test *bits;
	struct rows set, clear; /* tests that need the bit set, or clear */
	uint64_t set_bits, clear_bits;
};

/* ---- what the atoms say ---------------------------------------------------- */

bool number_of_constant(struct value constant, uint64_t *bits, bool *negative)
{
	double d = constant.d;

	*negative = false;
	switch ((enum value_tag)constant.tag) {
	case VALUE_UINT: *bits = constant.u; return true;
	case VALUE_INT:
		*bits = constant.u;
		*negative = constant.i < 0;
		return true;
	case VALUE_DOUBLE:
		if (!(d > -DOUBLE_WHOLE_MAX && d < DOUBLE_WHOLE_MAX) || trunc(d) != d)
			return false;
		*bits = (uint64_t)(int64_t)d;
		*negative = d < 0;
		return true;
	default: return false;
	}
}

/* The greatest whole number that is not above the constant. */
static bool floor_of(struct value constant, int64_t *out, bool *whole)
{
	*whole = true;
	switch ((enum value_tag)constant.tag) {
	case VALUE_INT: *out = constant.i; return true;
	case VALUE_UINT: *out = constant.i; return constant.u <= INT64_MAX;
	case VALUE_DOUBLE:
		if (!(constant.d > -DOUBLE_WHOLE_MAX && constant.d < DOUBLE_WHOLE_MAX))
			return false;
		*out = (int64_t)floor(constant.d);
		*whole = floor(constant.d) == constant.d;
		return true;
	default: return false;
	}
}

bool interval_of(const struct normal_atom *atom, struct interval *out)
{
	int64_t floor;
	bool whole, upwards, with;

	if (atom->kind < ATOM_LESS || atom->kind > ATOM_GREATER_EQUAL ||
	    !floor_of(atom->constant, &floor, &whole))
		return false;
	upwards = (atom->kind == ATOM_GREATER || atom->kind == ATOM_GREATER_EQUAL) != atom->negated;
	with = (atom->kind == ATOM_LESS_EQUAL || atom->kind == ATOM_GREATER_EQUAL) != atom->negated;
	/* Bounds at the ends of the range could not be told from "no bound". */
	if (floor <= INT64_MIN + 1 || floor >= INT64_MAX - 1)
		return false;
	*out = (struct interval){ .low = INT64_MIN, .high = INT64_MAX };
	if (upwards)
		out->low = whole && with ? floor : floor + 1;
	else
		out->high = whole && !with ? floor - 1 : floor;
	return true;
}

/* ---- asking --------------------------------------------------------------- */

static inline uint32_t hash_number(uint64_t bits)
{
	return (uint32_t)((bits * 0x9e3779b97f4a7c15ULL) >> 32);
}

/* 7 and 7u are two tests: there may be several. */
static void probe_equal(const struct number_table *table, struct value value, hit_fn hit, void *ctx)
{
	bool negative = value.tag == VALUE_INT && value.i < 0;

	for (uint32_t at = hash_number(value.u) & table->slot_mask; table->slots[at];
	     at = (at + 1) & table->slot_mask) {
		const struct number_equal *equal = &table->equals[table->slots[at] - 1];

		if (equal->bits == value.u && equal->negative == negative)
			hit(ctx, equal->target);
	}
}

/* How many starts are not above the number. */
static inline uint32_t segment_of(const struct number_table *table, int64_t number)
{
	const int64_t *base = table->starts;
	uint32_t count = table->start_count;

	while (count > 1) {
		uint32_t half = count / 2;

		base += base[half - 1] <= number ? half : 0;
		count -= half;
	}
	return (uint32_t)(base - table->starts) + (*base <= number);
}

static void probe_intervals(const struct number_table *table, struct value value, hit_fn hit,
			    void *ctx)
{
	bool beyond = value.tag == VALUE_UINT && value.u > INT64_MAX;
	uint32_t node = table->leaf + segment_of(table, beyond ? INT64_MAX : value.i);

	if (table->held.first[node] == table->held.first[node + 1])
		node = table->up[node];
	for (; node; node = table->up[node])
		for (uint32_t i = table->held.first[node]; i < table->held.first[node + 1]; i++)
			hit(ctx, table->held.items[i]);
}

static void probe_bits(const struct number_table *table, const struct rows *rows, uint64_t bits,
		       uint64_t number, hit_fn hit, void *ctx)
{
	for (; bits; bits &= bits - 1) {
		uint32_t bit = (uint32_t)__builtin_ctzll(bits);

		for (uint32_t i = rows->first[bit]; i < rows->first[bit + 1]; i++) {
			const struct bit_test *test = &table->bits[rows->items[i]];

			if (((number & test->mask) == test->bits) != test->other)
				hit(ctx, test->target);
		}
	}
}

void number_table_probe(const struct number_table *table, struct value value, hit_fn hit, void *ctx)
{
	if (table->slots)
		probe_equal(table, value, hit, ctx);
	if (table->start_count)
		probe_intervals(table, value, hit, ctx);
	probe_bits(table, &table->set, table->set_bits & value.u, value.u, hit, ctx);
	probe_bits(table, &table->clear, table->clear_bits & ~value.u, value.u, hit, ctx);
}

/* ---- building: equality --------------------------------------------------- */

static bool add_equals(struct number_table *table, const struct number_tests *tests,
		       struct arena *arena)
{
	uint32_t size = 4;

	if (!tests->equal_count)
		return true;
	while (size < 2 * (uint64_t)tests->equal_count)
		size *= 2;
	table->equals = arena_array(arena, struct number_equal, tests->equal_count);
	table->slots = arena_array(arena, uint32_t, size);
	table->slot_mask = size - 1;
	if (!table->equals || !table->slots)
		return false;
	memcpy(table->equals, tests->equals, tests->equal_count * sizeof(*table->equals));
	for (uint32_t i = 0; i < tests->equal_count; i++) {
		uint32_t at = hash_number(table->equals[i].bits) & table->slot_mask;

		while (table->slots[at])
			at = (at + 1) & table->slot_mask;
		table->slots[at] = i + 1;
	}
	return true;
}

/* ---- building: intervals -------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

static bool add_starts(struct number_table *table, const struct number_tests *tests,
		       struct arena *arena)
{
	uint32_t count = 0, kept = 0;
	int64_t *starts = arena_array(arena, int64_t, 2 * (size_t)tests->interval_count);

	if (!starts)
		return false;
	for (uint32_t i = 0; i < tests->interval_count; i++) {
		if (tests->intervals[i].low != INT64_MIN)
			starts[count++] = tests->intervals[i].low;
		if (tests->intervals[i].high != INT64_MAX)
			starts[count++] = tests->intervals[i].high + 1;
	}
	qsort(starts, count, sizeof(*starts), by_number);
	for (uint32_t i = 0; i < count; i++)
		if (!kept || starts[i] != starts[kept - 1])
			starts[kept++] = starts[i];
	table->starts = starts;
	table->start_count = kept;
	return true;
}

/* Nodes that together make up segments first to last; calls visit for each. */
static void cover(const struct number_table *table, const struct interval *interval,
		  void (*visit)(struct number_table *table, uint32_t node, uint32_t target))
{
	uint32_t first = interval->low == INT64_MIN ? 0 : segment_of(table, interval->low);
	uint32_t last = interval->high == INT64_MAX ? table->start_count
						    : segment_of(table, interval->high);

	if (first > last)
		return;
	for (first += table->leaf, last += table->leaf + 1; first < last; first /= 2, last /= 2) {
		if (first & 1)
			visit((struct number_table *)table, first++, interval->target);
		if (last & 1)
			visit((struct number_table *)table, --last, interval->target);
	}
}

static void count_held(struct number_table *table, uint32_t node, uint32_t target)
{
	(void)target;
	table->held.first[node + 1]++;
}

/* first[node] moves on while filling and is put back afterwards. */
static void put_held(struct number_table *table, uint32_t node, uint32_t target)
{
	table->held.items[table->held.first[node]++] = target;
}

static void sum_up(uint32_t *first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		first[i + 1] += first[i];
}

static void put_back(uint32_t *first, uint32_t count)
{
	memmove(first + 1, first, count * sizeof(*first));
	first[0] = 0;
}

static bool add_intervals(struct number_table *table, const struct number_tests *tests,
			  struct arena *arena)
{
	uint32_t nodes;

	if (!tests->interval_count)
		return true;
	if (!add_starts(table, tests, arena))
		return false;
	for (table->leaf = 1; table->leaf < table->start_count + 1; table->leaf *= 2)
		;
	nodes = 2 * table->leaf;
	table->held.first = arena_array(arena, uint32_t, nodes + 2);
	table->up = arena_array(arena, uint32_t, nodes + 1);
	if (!table->held.first || !table->up)
		return false;
	for (uint32_t i = 0; i < tests->interval_count; i++)
		cover(table, &tests->intervals[i], count_held);
	sum_up(table->held.first, nodes);
	table->held.items = arena_array(arena, uint32_t, table->held.first[nodes] + 1);
	if (!table->held.items)
		return false;
	for (uint32_t i = 0; i < tests->interval_count; i++)
		cover(table, &tests->intervals[i], put_held);
	put_back(table->held.first, nodes);
	for (uint32_t node = 2; node < nodes; node++) {
		uint32_t above = node / 2;

		table->up[node] = table->held.first[above] == table->held.first[above + 1]
					  ? table->up[above]
					  : above;
	}
	return true;
}

/* ---- building: bits ------------------------------------------------------- */

/* Bits the number must have set for the test to hold; any: one of them is enough. */
static uint64_t needs_set(const struct bit_test *test, bool *any)
{
	*any = test->other;
	return test->other ? (test->bits ? 0 : test->mask) : test->bits;
}

/* Calls visit(bit, set?) for the rows a test belongs to; false: it belongs to none. */
static bool rows_of(const struct bit_test *test, uint64_t *set, uint64_t *clear)
{
	bool any;
	uint64_t bits = needs_set(test, &any);

	*set = *clear = 0;
	if (test->bits & ~test->mask)
		return test->other; /* never equal */
	if (bits)
		*set = any ? bits : bits & -bits;
	else if (!test->other && test->mask)
		*clear = test->mask & -test->mask;
	return bits || *clear;
}

static bool fill_rows(struct number_table *table, uint32_t count, bool set, struct arena *arena)
{
	struct rows *rows = set ? &table->set : &table->clear;

	rows->first = arena_array(arena, uint32_t, BITS + 2);
	if (!rows->first)
		return false;
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < count; i++) {
			uint64_t bits[2];

			rows_of(&table->bits[i], &bits[1], &bits[0]);
			for (uint64_t b = bits[set]; b; b &= b - 1) {
				uint32_t bit = (uint32_t)__builtin_ctzll(b);

				if (pass)
					rows->items[rows->first[bit]++] = i;
				else
					rows->first[bit + 1]++;
			}
			*(set ? &table->set_bits : &table->clear_bits) |= bits[set];
		}
		if (pass) {
			put_back(rows->first, BITS);
			return true;
		}
		sum_up(rows->first, BITS);
		rows->items = arena_array(arena, uint32_t, rows->first[BITS] + 1);
		if (!rows->items)
			return false;
	}
	return true;
}

bool bit_test_fits(const struct bit_test *test)
{
	uint64_t set, clear;

	return !(test->bits & ~test->mask) && rows_of(test, &set, &clear);
}

struct number_table *number_table_new(const struct number_tests *tests, struct arena *arena)
{
	struct number_table *table = arena_new(arena, struct number_table);

	if (!table)
		return NULL;
	table->bits = arena_array(arena, struct bit_test, tests->bit_count + 1);
	if (!table->bits)
		return NULL;
	if (tests->bit_count)
		memcpy(table->bits, tests->bits, tests->bit_count * sizeof(*table->bits));
	return add_equals(table, tests, arena) && add_intervals(table, tests, arena) &&
			       fill_rows(table, tests->bit_count, true, arena) &&
			       fill_rows(table, tests->bit_count, false, arena)
		       ? table
		       : NULL;
}
