/* SPDX-License-Identifier: Apache-2.0 */
/* How a rule is found, for a person. */
#include "base/buf.h"
#include "index_parts.h"

static const char *const symbols[] = {
	[TEST_EQUAL] = "==",  [TEST_LESS] = "<",	   [TEST_LESS_EQUAL] = "<=",
	[TEST_GREATER] = ">", [TEST_GREATER_EQUAL] = ">=",
};

static const char *const methods[] = {
	[TEST_PREFIX] = "startsWith",
	[TEST_SUFFIX] = "endsWith",
	[TEST_CONTAINS] = "contains",
	[TEST_MATCHES] = "matches",
};

enum { SHOWN_MAX = 8 };

static void print_values(const struct test *test, struct buf *out)
{
	for (uint32_t i = 0; i < test->count && i < SHOWN_MAX; i++) {
		if (i)
			buf_lit(out, ", ");
		cel_print(out, test->values[i]);
	}
	if (test->count > SHOWN_MAX)
		buf_printf(out, ", ... %u more", test->count - SHOWN_MAX);
}

static void print_one(const struct test *test, struct str text, struct buf *out)
{
	switch ((enum test_kind)test->kind) {
	case TEST_TRUE: buf_str(out, text); break;
	case TEST_BITS:
		buf_lit(out, "math.bitAnd(");
		buf_str(out, text);
		buf_lit(out, ", ");
		cel_print(out, test->values[0]);
		buf_lit(out, ") == ");
		cel_print(out, test->values[1]);
		break;
	case TEST_PREFIX:
	case TEST_SUFFIX:
	case TEST_CONTAINS:
	case TEST_MATCHES:
		buf_str(out, text);
		buf_printf(out, ".%s(", methods[test->kind]);
		print_values(test, out);
		buf_char(out, ')');
		break;
	default:
		buf_str(out, text);
		buf_printf(out, " %s ", test->count == 1 ? symbols[test->kind] : "in [");
		print_values(test, out);
		if (test->count != 1)
			buf_char(out, ']');
		break;
	}
}

void test_print(const struct cel_index *index, const struct test *test, struct buf *out)
{
	if (test->negate)
		buf_lit(out, "not ");
	print_one(test, index->attributes[test->attribute].text, out);
}

static const char *lookup_name(const struct test *test)
{
	static const char *const names[] = {
		[TEST_TRUE] = "evaluated once for all rules",
		[TEST_EQUAL] = "hash",
		[TEST_PREFIX] = "trie of prefixes",
		[TEST_SUFFIX] = "trie of suffixes",
		[TEST_CONTAINS] = "one scan for all parts",
		[TEST_LESS] = "breakpoints",
		[TEST_LESS_EQUAL] = "breakpoints",
		[TEST_GREATER] = "breakpoints",
		[TEST_GREATER_EQUAL] = "breakpoints",
		[TEST_BITS] = "bits",
	};

	return names[test->kind == TEST_MATCHES ? test->hint->kind : test->kind];
}

/* Nanoseconds a test takes, as measured on one machine: for comparing rules. */
static uint32_t estimate(const struct cel_index *index, const struct test *test)
{
	const struct attribute *attribute = &index->attributes[test->attribute];
	uint32_t cost = test->kind == TEST_MATCHES ? 50 : test->kind == TEST_CONTAINS ? 15 : 4;

	return cost + (attribute->slot < 0 ? 3 * attribute->program->code_count + 5 : 0);
}

static void explain_clause(const struct cel_index *index, const struct clause *clause,
			   struct buf *out)
{
	uint32_t from = clause->loose ? 0 : 1, cost = 0;

	if (!clause->count) {
		buf_lit(out, "  always true\n");
		return;
	}
	if (clause->loose) {
		buf_lit(out, "  looked up: nothing; tested on every event\n");
	} else {
		buf_lit(out, "  looked up: ");
		test_print(index, &clause->tests[0], out);
		buf_printf(out, " (%s)\n", lookup_name(&clause->tests[0]));
		if (clause->tests[0].hint) {
			buf_lit(out, "         by: ");
			test_print(index, clause->tests[0].hint, out);
			buf_char(out, '\n');
		}
	}
	for (uint32_t i = from; i < clause->count; i++) {
		buf_str(out, i == from ? STR("     tested: ") : STR("             "));
		test_print(index, &clause->tests[i], out);
		buf_char(out, '\n');
		cost += estimate(index, &clause->tests[i]);
	}
	if (clause->count > from)
		buf_printf(out, "             about %u ns, where the look-up hits\n", cost);
}

void cel_index_explain(const struct cel_index *index, uint32_t rule, struct buf *out)
{
	bool any = false;

	for (uint32_t i = 0; i < index->clauses.count; i++) {
		if (index->clauses.items[i].rule != rule)
			continue;
		if (any)
			buf_lit(out, "or\n");
		any = true;
		explain_clause(index, &index->clauses.items[i], out);
	}
	if (!any)
		buf_lit(out, "  never true\n");
}
