/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters that decide nothing: examples, and random filters with random values, none of which may
 * refute what is said. SEED and COUNT (sets of filters) in the environment choose others.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/common.h"
#include "filter/filter.h"

enum { SETS = 30000, VALUES = 60 };

static const struct event_def *def;

static int find_event(void **state)
{
	(void)state;
	def = event_by_name(STR("shmget"));
	return def ? 0 : -1;
}

static int add(struct filters *filters, bool data, const char *text, struct err *err)
{
	struct str field, expression;

	filter_split(str_of(text), &field, &expression);
	return data ? filters_add_data(filters, field, expression, err)
		    : filters_add_scope(filters, field, expression, err);
}

/* ---- examples ----------------------------------------------------------------------------- */

static const struct {
	const char *filters[3]; /* of one field; the first letter: d data, s scope */
	enum filter_judgement judgement;
} examples[] = {
	{ { "dkey=5" }, FILTER_DECIDES },
	{ { "dkey=0x1f" }, FILTER_NEVER },
	{ { "dkey=007" }, FILTER_NEVER },
	{ { "dkey=abc" }, FILTER_NEVER },
	{ { "dkey=abc,5" }, FILTER_DECIDES },
	{ { "dkey=1*" }, FILTER_DECIDES },
	{ { "dkey=0*" }, FILTER_DECIDES },
	{ { "dkey=x*" }, FILTER_NEVER },
	{ { "dkey=5000000000" }, FILTER_NEVER },
	{ { "dkey!=5000000000" }, FILTER_ALWAYS },
	{ { "dkey!=0x1f" }, FILTER_ALWAYS },
	{ { "dkey!=5" }, FILTER_DECIDES },
	{ { "dkey>10", "dkey<5" }, FILTER_DECIDES }, /* either is meant */
	{ { "dkey>4", "dkey<6" }, FILTER_DECIDES },
	{ { "dkey>4", "dkey<5" }, FILTER_NEVER },
	{ { "dkey>=-2147483648" }, FILTER_ALWAYS },
	{ { "dkey>2147483647" }, FILTER_NEVER },
	{ { "dsize>=0" }, FILTER_ALWAYS },
	{ { "dsize>0" }, FILTER_DECIDES },
	{ { "dsize=-1" }, FILTER_NEVER },
	{ { "suid>=0" }, FILTER_ALWAYS },
	{ { "suid<0" }, FILTER_NEVER },
	{ { "suid=0" }, FILTER_DECIDES },
	{ { "scomm=123456789012345" }, FILTER_DECIDES },
	{ { "scomm=1234567890123456" }, FILTER_NEVER },
	{ { "scomm!=1234567890123456" }, FILTER_ALWAYS },
	{ { "scontainerName=1234567890123456" }, FILTER_DECIDES },
	{ { "scontainer", "shost" }, FILTER_ALWAYS },
	{ { "scontainer" }, FILTER_DECIDES },
};

static void examples_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		struct arena arena = { 0 };
		struct filters *filters = filters_new(def, &(struct filter_options){ 0 }, &arena);
		const char *first = examples[i].filters[0];
		struct str field, expression;
		char why[FILTER_WHY_MAX] = "";
		struct err err = { 0 };
		enum filter_judgement found;

		for (size_t k = 0; k < 3 && examples[i].filters[k]; k++)
			if (add(filters, first[0] == 'd', examples[i].filters[k] + 1, &err))
				fail_msg("%s: %s", examples[i].filters[k], err.message);
		filter_split(str_of(first + 1), &field, &expression);
		found = first[0] == 'd' ? filters_judge_data(filters, field, why)
					: filters_judge_scope(filters, field, why);
		if (found != examples[i].judgement)
			fail_msg("%s: %d (%s), expected %d", first, found, why,
				 examples[i].judgement);
		assert_true((found == FILTER_DECIDES) == !why[0] || found == FILTER_DECIDES);
		arena_free(&arena);
	}
}

/* ---- nothing that is said is refuted ------------------------------------------------------ */

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 20) % limit;
}

#define PICK(table) table[random_below(ARRAY_SIZE(table))]

static const char *const fields[] = { "key", "size", "shmflg", "returnValue", "perm_mode" };
static const char *const operators[] = { "=", "=", "!=", "<", "<=", ">", ">=" };
static const char *const numbers[] = { "0",
				       "1",
				       "5",
				       "6",
				       "-1",
				       "2147483647",
				       "-2147483648",
				       "4294967295",
				       "4294967296",
				       "0x1f",
				       "007",
				       "1*",
				       "*7",
				       "*-*",
				       "abc",
				       "-5*",
				       "18446744073709551615",
				       "9223372036854775807" };
static const int64_t values[] = { 0,  1,  4,  5,  6,	     7,		-1,	    -5,
				  17, 31, 64, 10, INT32_MAX, INT32_MIN, UINT32_MAX, INT64_MAX };

/* The record of an event in which the field is this number, cut to its type. */
static void set_number(struct wire_header *h, const struct event_field *field, int64_t number)
{
	bool small = field->type == FIELD_i32 || field->type == FIELD_u32;

	memcpy((char *)h + field->offset, &number, field->type == FIELD_u16 ? 2 : small ? 4 : 8);
}

static void refute(struct filters *filters, int field, enum filter_judgement said,
		   const struct buf *text, struct arena *arena)
{
	static const struct clock clock = { 0 };
	size_t size = (sizeof(struct wire_header) + def->body_size + 7) & ~(size_t)7;
	struct wire_header *h = arena_zalloc(arena, size);
	struct event event = { .def = def, .wire = h, .clock = &clock };

	h->size = (uint32_t)size;
	h->id = def->id;
	h->present = ~0ULL;
	for (int i = 0; i < VALUES; i++) {
		int64_t number = i % 2 ? PICK(values) : (int64_t)random_below(400) - 100;

		set_number(h, &def->fields[field], number);
		if (filters_match(filters, &event, arena) == (said == FILTER_NEVER))
			fail_msg("%s is said to pass %s, and %" PRId64 " refutes it",
				 buf_cstr((struct buf *)text),
				 said == FILTER_NEVER ? "never" : "always", number);
	}
}

static uint64_t number_of(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : fallback;
}

static void nothing_is_refuted(void **state)
{
	struct buf text = { 0 };
	uint64_t said = 0;

	(void)state;
	random_state = number_of("SEED", 5) * 2654435761u + 1;
	for (uint64_t sets = number_of("COUNT", SETS); sets > 0; sets--) {
		struct arena arena = { 0 };
		struct filters *filters = filters_new(def, &(struct filter_options){ 0 }, &arena);
		const char *name = PICK(fields);
		int field = event_field_index(def, str_of(name));
		char why[FILTER_WHY_MAX];
		enum filter_judgement judgement;
		bool fine = true; /* a filter with a mistake is not judged */

		assert_true(field >= 0);
		buf_clear(&text);
		for (uint32_t k = 1 + random_below(3); k > 0; k--) {
			struct err err = { 0 };
			char one[128];

			snprintf(one, sizeof(one), "%s%s%s", name, PICK(operators), PICK(numbers));
			if (random_below(3) == 0)
				snprintf(one + strlen(one), sizeof(one) - strlen(one), ",%s",
					 PICK(numbers));
			fine &= add(filters, true, one, &err) == 0;
			buf_printf(&text, "%s ", one);
		}
		judgement = filters_judge_data(filters, str_of(name), why);
		if (fine && judgement != FILTER_DECIDES) {
			said++;
			refute(filters, field, judgement, &text, &arena);
		}
		arena_free(&arena);
	}
	print_message("%" PRIu64 " filters decide nothing, none refuted\n", said);
	assert_true(said > 100);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_are_judged),
		cmocka_unit_test(nothing_is_refuted),
	};

	return cmocka_run_group_tests(tests, find_event, NULL);
}
