/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the index, each against the plain test it stands for: random literals over few
 * letters, so that they share beginnings, ends and grams, and random numbers close together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* after those it needs */
#include <cmocka.h>

#include "../cel/random.h"
#include "cel/index_part.h"

enum { LITERALS_MAX = 60, TESTS_MAX = 60, ROUNDS = 400, SUBJECTS = 60, TEXT_MAX = 80 };

struct hits {
	uint8_t seen[TESTS_MAX];
	uint32_t count;
};

/* As the index does: false for what was met before. */
static bool note(void *ctx, uint32_t target)
{
	struct hits *hits = ctx;

	assert_in_range(target, 0, TESTS_MAX - 1);
	if (hits->seen[target])
		return false;
	hits->seen[target] = 1;
	hits->count++;
	return true;
}

/* ---- texts ------------------------------------------------------------------ */

static uint32_t random_text(struct random *random, char *out, uint32_t most)
{
	static const char letters[] = "ab/\xc3";
	uint32_t len = random_below(random, most + 1), kinds = 1 + random_below(random, 4);

	for (uint32_t i = 0; i < len; i++)
		out[i] = letters[random_below(random, kinds)];
	return len;
}

/* Distinct in kind and text, as the index makes them. */
static uint32_t random_literals(struct random *random, struct arena *arena, const uint8_t *kinds,
				uint32_t kind_count, struct literal *out)
{
	uint32_t wanted = 1 + random_below(random, LITERALS_MAX), count = 0;
	uint32_t most = 1 + random_below(random, 40);

	for (uint32_t i = 0; i < wanted; i++) {
		char text[TEXT_MAX];
		uint32_t len = random_text(random, text, most);
		struct literal literal = { arena_str(arena, text, len),
					   kinds[random_below(random, kind_count)], count };
		bool known = false;

		for (uint32_t k = 0; k < count; k++)
			known |= out[k].kind == literal.kind &&
				 str_equal(out[k].text, literal.text);
		if (!known)
			out[count++] = literal;
	}
	return count;
}

/* Random letters, with literals in it now and then. */
static struct str random_subject(struct random *random, const struct literal *literals,
				 uint32_t count, char *out)
{
	uint32_t len = 0;

	for (uint32_t parts = random_below(random, 5); parts; parts--) {
		const struct literal *literal = &literals[random_below(random, count)];

		if (random_below(random, 2))
			len += random_text(random, out + len, 12);
		else if (len + literal->text.len < TEXT_MAX) {
			memcpy(out + len, literal->text.data, literal->text.len);
			len += literal->text.len;
		}
		if (len > TEXT_MAX)
			break;
	}
	return (struct str){ len ? out : NULL, len };
}

static bool literal_holds(const struct literal *literal, struct str text)
{
	struct str want = literal->text;

	if (want.len > text.len)
		return false;
	switch (literal->kind) {
	case ATOM_EQUAL: return str_equal(want, text);
	case ATOM_PREFIX: return !want.len || memcmp(text.data, want.data, want.len) == 0;
	case ATOM_SUFFIX:
		return !want.len ||
		       memcmp(text.data + text.len - want.len, want.data, want.len) == 0;
	default: return !want.len || memmem(text.data, text.len, want.data, want.len);
	}
}

static void check_literals(const struct hits *hits, const struct literal *literals, uint32_t count,
			   struct str text)
{
	for (uint32_t i = 0; i < count; i++)
		if (literal_holds(&literals[i], text) != hits->seen[i])
			fail_msg("kind %u '%.*s' in '%.*s': table says %u", literals[i].kind,
				 (int)literals[i].text.len, literals[i].text.data, (int)text.len,
				 text.data, hits->seen[i]);
}

static void texts(void **state)
{
	static const uint8_t kinds[] = { ATOM_EQUAL, ATOM_PREFIX, ATOM_SUFFIX };
	struct random random = { 7 };
	uint32_t found = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct arena arena = { .limit = 0 };
		struct literal literals[LITERALS_MAX];
		uint32_t count = random_literals(&random, &arena, kinds, 3, literals);
		struct text_table *table = text_table_new(literals, count, &arena);

		assert_non_null(table);
		for (int i = 0; i < SUBJECTS; i++) {
			char text[2 * TEXT_MAX];
			struct str subject = random_subject(&random, literals, count, text);
			struct hits hits = { .count = 0 };

			text_table_probe(table, subject, note, &hits);
			check_literals(&hits, literals, count, subject);
			found += hits.count;
		}
		arena_free(&arena);
	}
	assert_true(found > ROUNDS * SUBJECTS / 2);
}

static void searches(void **state)
{
	static const uint8_t kinds[] = { ATOM_CONTAINS };
	struct random random = { 11 };
	uint32_t found = 0, none = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct arena arena = { .limit = 0 };
		struct literal literals[LITERALS_MAX];
		uint32_t count = random_literals(&random, &arena, kinds, 1, literals);
		struct search *search = search_new(literals, count, &arena);

		assert_non_null(search);
		for (int i = 0; i < SUBJECTS; i++) {
			char text[2 * TEXT_MAX];
			struct str subject = random_subject(&random, literals, count, text);
			struct hits hits = { .count = 0 };

			search_probe(search, subject, note, &hits);
			check_literals(&hits, literals, count, subject);
			found += hits.count;
			none += !hits.count;
		}
		arena_free(&arena);
	}
	assert_true(found > ROUNDS * SUBJECTS && none > ROUNDS);
}

/* A subject that keeps the automaton in its longest literals takes time linear in its length. */
static void searches_stay_linear(void **state)
{
	enum { LONG = 200, SIZE = 1 << 20 };
	struct arena arena = { .limit = 0 };
	struct literal literals[LITERALS_MAX];
	char *text = malloc(SIZE), *letters = malloc(LONG);
	struct hits hits = { .count = 0 };
	struct search *search;

	(void)state;
	memset(text, 'a', SIZE);
	for (uint32_t i = 100; i < SIZE; i += 101)
		text[i] = (char)('b' + i % 20); /* grams of the literals, never one of them */
	memset(letters, 'a', LONG);
	for (uint32_t i = 0; i < LITERALS_MAX; i++) {
		struct str own;

		letters[LONG - 1] = (char)('b' + i % 20);
		own = arena_str(&arena, letters + i, LONG - i);
		literals[i] = (struct literal){ own, ATOM_CONTAINS, i };
	}
	search = search_new(literals, LITERALS_MAX, &arena);
	assert_non_null(search);
	/* Had it to start anew at each byte, this would be 60 * 200 * 1,000,000 steps. */
	search_probe(search, (struct str){ text, SIZE }, note, &hits);
	assert_int_equal(hits.count, 0);
	free(text);
	free(letters);
	arena_free(&arena);
}

/* ---- numbers ---------------------------------------------------------------- */

static const int64_t edges[] = { INT64_MIN, INT64_MIN + 1, -5,	     -1, 0, 1, 2, 3, 7, 8, 64,
				 100,	    INT64_MAX - 1, INT64_MAX };

static int64_t some_number(struct random *random)
{
	return random_below(random, 2) ? edges[random_below(random, ARRAY_SIZE(edges))]
				       : (int64_t)random_below(random, 40) - 20;
}

static struct value some_value(struct random *random)
{
	switch (random_below(random, 4)) {
	case 0: return value_uint((uint64_t)some_number(random));
	case 1: return value_uint(1ULL << random_below(random, 64));
	default: return value_int(some_number(random));
	}
}

/* Equal atoms would be one target, but one number may be several. */
static uint32_t random_equals(struct random *random, struct number_equal *out)
{
	uint32_t count = random_below(random, 20);

	for (uint32_t i = 0; i < count; i++) {
		struct value value = some_value(random);

		out[i].target = i;
		assert_true(number_of_constant(value, &out[i].bits, &out[i].negative));
	}
	return count;
}

static uint32_t random_intervals(struct random *random, uint32_t first, struct interval *out)
{
	uint32_t count = random_below(random, 20);

	for (uint32_t i = 0; i < count; i++) {
		out[i] = (struct interval){ INT64_MIN, INT64_MAX, first + i };
		do {
			if (random_below(random, 3))
				out[i].low = (int64_t)random_below(random, 60) - 30;
			if (random_below(random, 3))
				out[i].high = (int64_t)random_below(random, 60) - 30;
		} while (out[i].low == INT64_MIN && out[i].high == INT64_MAX);
	}
	return count;
}

static uint32_t random_bits(struct random *random, uint32_t first, struct bit_test *out)
{
	uint32_t wanted = random_below(random, 20), count = 0;

	while (count < wanted) {
		uint64_t mask = (uint64_t)random_below(random, 32) << random_below(random, 60);
		struct bit_test test = { mask, random_below(random, 2) ? mask & -mask : 0,
					 random_below(random, 2), first + count };

		if (random_below(random, 3) == 0)
			test.bits = mask;
		if (bit_test_fits(&test))
			out[count++] = test;
	}
	return count;
}

static void check_numbers(const struct number_tests *tests, const struct hits *hits,
			  struct value value)
{
	struct value low, high;

	for (uint32_t i = 0; i < tests->equal_count; i++) {
		const struct number_equal *equal = &tests->equals[i];
		bool holds = value.u == equal->bits &&
			     (value.tag == VALUE_INT && value.i < 0) == equal->negative;

		assert_int_equal(hits->seen[equal->target], holds);
	}
	for (uint32_t i = 0; i < tests->interval_count; i++) {
		const struct interval *interval = &tests->intervals[i];

		low = value_int(interval->low);
		high = value_int(interval->high);
		assert_int_equal(hits->seen[interval->target],
				 values_compare(OPERATION_greater_equal, value, low).b &&
					 (interval->high == INT64_MAX ||
					  values_compare(OPERATION_less_equal, value, high).b));
	}
	for (uint32_t i = 0; i < tests->bit_count; i++) {
		const struct bit_test *test = &tests->bits[i];

		assert_int_equal(hits->seen[test->target],
				 ((value.u & test->mask) == test->bits) != test->other);
	}
}

static void numbers(void **state)
{
	struct random random = { 13 };
	uint32_t found = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct arena arena = { .limit = 0 };
		struct number_equal equals[TESTS_MAX];
		struct interval intervals[TESTS_MAX];
		struct bit_test bits[TESTS_MAX];
		struct number_tests tests = { .equals = equals,
					      .intervals = intervals,
					      .bits = bits };
		struct number_table *table;

		tests.equal_count = random_equals(&random, equals);
		tests.interval_count = random_intervals(&random, tests.equal_count, intervals);
		tests.bit_count = random_bits(&random, tests.equal_count + tests.interval_count,
					      bits);
		table = number_table_new(&tests, &arena);
		assert_non_null(table);
		for (int i = 0; i < SUBJECTS; i++) {
			struct value value = some_value(&random);
			struct hits hits = { .count = 0 };

			number_table_probe(table, value, note, &hits);
			check_numbers(&tests, &hits, value);
			found += hits.count;
		}
		arena_free(&arena);
	}
	assert_true(found > ROUNDS * SUBJECTS);
}

/* ---- patterns --------------------------------------------------------------- */

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *literals; /* kind before each: = ^ $ or ~ (within) */
		bool exact;
	} cases[] = {
		{ "abc", "~abc", true },
		{ "^abc", "^abc", true },
		{ "abc$", "$abc", true },
		{ "^/etc/passwd$", "=/etc/passwd", true },
		{ "^/(bin|sbin)/", "~bin~sbin", false },
		{ "^/var/.*\\.so$", "^/var/", false },
		{ "^/home/[a-z]+/", "^/home/", false },
		{ "a(b)c", "~abc", true },
		{ "(?:ab)+", "~ab", false },
		{ "x(?:abcd)*y", "~x", false },
		{ "\\babcd\\b", "~abcd", false },
		{ "foo.bar", "~foo", false },
		{ "foo.*longer", "~longer", false },
		{ "\xc3\xa9t\xc3\xa9", "~\xc3\xa9t\xc3\xa9", true },
		{ "ab\xef\xbf\xbd", "~ab", false },
		{ "foo|[0-9]", NULL, false },
		{ "(?i)abc", NULL, false },
		{ "^$", NULL, false },
		{ "[ab]", NULL, false },
		{ "(?i)x|yy", NULL, false },
		{ "a?", NULL, false },
		{ "abc**", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct arena arena = { .limit = 0 };
		struct normal_literals literals;
		uint64_t effort = 1000000;
		char text[256] = "";
		bool known = normal_regex(&arena, str_of(cases[i].pattern), &effort, &literals);

		for (uint32_t k = 0; known && k < literals.count; k++) {
			char kind = literals.kinds[k] == ATOM_EQUAL    ? '='
				    : literals.kinds[k] == ATOM_PREFIX ? '^'
				    : literals.kinds[k] == ATOM_SUFFIX ? '$'
								       : '~';

			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%c%.*s", kind,
				 (int)literals.items[k].len, literals.items[k].str);
		}
		if (known != (cases[i].literals != NULL))
			fail_msg("%s: %s", cases[i].pattern, text);
		if (known) {
			assert_string_equal(text, cases[i].literals);
			assert_int_equal(literals.exact, cases[i].exact);
		}
		arena_free(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),    cmocka_unit_test(searches),
		cmocka_unit_test(numbers),  cmocka_unit_test(searches_stay_linear),
		cmocka_unit_test(patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
