/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters on values and on events, in our default meaning and in Tracee's (compat); thousands of
 * recorded cases more are run by tests/rules/test_vectors.sh where they are at hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "filter/filter.h"

static struct arena arena;

/* ---- numbers ------------------------------------------------------------------ */

struct number_case {
	const char *expressions[3];
	int64_t value;
	bool match, compat_match;
};

static void numbers_match(void **state)
{
	static const struct number_case cases[] = {
		{ { NULL }, 5, true, true },
		{ { "=5" }, 5, true, true },
		{ { "=5" }, 6, false, false },
		{ { "=5,6" }, 6, true, true },
		{ { "=-5" }, -5, true, true },
		{ { "!=5" }, 5, false, false },
		/* Alone, != means everything but; Tracee matches nothing. */
		{ { "!=5" }, 6, true, false },
		{ { "!=5", "!=6" }, 7, true, false },
		{ { "=5", "!=6" }, 7, false, false },
		{ { ">5" }, 6, true, true },
		{ { ">5" }, 5, false, false },
		{ { ">=5" }, 5, true, true },
		{ { "<5" }, 4, true, true },
		{ { "<=5" }, 5, true, true },
		{ { "<=5" }, 6, false, false },
		{ { ">5", "<8" }, 7, true, true },
		{ { ">5", "<8" }, 8, false, false },
		/* Nothing is in both: either is meant; Tracee matches nothing. */
		{ { ">8", "<5" }, 3, true, false },
		{ { ">8", "<5" }, 9, true, false },
		{ { ">8", "<5" }, 6, false, false },
		{ { ">=8", "<=5" }, 8, true, true },
		{ { ">5", "<6" }, 5, false, false },
		/* Bounds of one operator are or-ed. */
		{ { ">5", ">8" }, 6, true, true },
		{ { ">5", "!=7" }, 7, false, false },
		{ { ">5", "!=7" }, 8, true, true },
		{ { "<0" }, -1, true, true },
		{ { "=9223372036854775807" }, INT64_MAX, true, true },
		{ { "=-9223372036854775808" }, INT64_MIN, true, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int compat = 0; compat < 2; compat++) {
			struct number_filter filter;
			struct err err = { 0 };

			number_filter_init(&filter, NUMBER_INT64, compat);
			for (size_t k = 0; k < 3 && cases[i].expressions[k]; k++)
				assert_int_equal(number_filter_add(&filter,
								   str_of(cases[i].expressions[k]),
								   &arena, &err),
						 0);
			if (number_filter_match(&filter, (uint64_t)cases[i].value) !=
			    (compat ? cases[i].compat_match : cases[i].match))
				fail_msg("case %zu, compat %d", i, compat);
		}
}

static void unsigned_numbers_reach_their_ends(void **state)
{
	struct number_filter filter;
	struct err err = { 0 };

	(void)state;
	number_filter_init(&filter, NUMBER_UINT64, false);
	assert_int_equal(number_filter_add(&filter, STR(">9223372036854775808"), &arena, &err), 0);
	assert_true(number_filter_match(&filter, UINT64_MAX));
	assert_false(number_filter_match(&filter, 1));
	number_filter_init(&filter, NUMBER_UINT32, false);
	assert_int_equal(number_filter_add(&filter, STR(">=0"), &arena, &err), 0);
	assert_true(number_filter_match(&filter, 0));
	assert_true(number_filter_match(&filter, 7));
}

static void wrong_numbers_are_refused(void **state)
{
	static const struct {
		enum number_type type;
		const char *expression;
	} cases[] = {
		{ NUMBER_INT64, "" },
		{ NUMBER_INT64, "=" },
		{ NUMBER_INT64, "!" },
		{ NUMBER_INT64, "=a" },
		{ NUMBER_INT64, "=0x10" },
		{ NUMBER_INT64, "=5," },
		{ NUMBER_INT64, "==5" },
		{ NUMBER_INT64, "=1.5" },
		{ NUMBER_INT64, "= 5" },
		{ NUMBER_UINT64, "=-1" },
		{ NUMBER_UINT64, "=+5" },
		{ NUMBER_UINT64, "<0" },
		{ NUMBER_INT64, "~5" },
		{ NUMBER_INT32, "=2147483648" },
		{ NUMBER_UINT32, "=4294967296" },
		{ NUMBER_INT64, "=9223372036854775808" },
		{ NUMBER_UINT64, "=18446744073709551616" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct number_filter filter;
		struct err err = { 0 };

		number_filter_init(&filter, cases[i].type, false);
		if (number_filter_add(&filter, str_of(cases[i].expression), &arena, &err) !=
		    -EINVAL)
			fail_msg("'%s' was taken", cases[i].expression);
		assert_true(err.message[0] != 0);
	}
}

/* ---- strings -------------------------------------------------------------------- */

static void strings_match(void **state)
{
	static const struct {
		const char *expressions[3];
		const char *value;
		bool match;
	} cases[] = {
		{ { NULL }, "x", true },
		{ { "=abc" }, "abc", true },
		{ { "=abc" }, "abcd", false },
		{ { "=ab*" }, "abcd", true },
		{ { "=ab*" }, "xab", false },
		{ { "=*cd" }, "abcd", true },
		{ { "=*bc*" }, "abcd", true },
		{ { "=*bc*" }, "acbd", false },
		/* Only the outermost stars mean something. */
		{ { "=a*c" }, "a*c", true },
		{ { "=a*c" }, "abc", false },
		{ { "=**c" }, "b*c", true },
		{ { "!=abc" }, "abc", false },
		{ { "!=abc" }, "x", true },
		{ { "!=ab*,x" }, "abz", false },
		{ { "!=ab*,x" }, "y", true },
		/* What is asked for beats what is excluded. */
		{ { "=abc", "!=ab*" }, "abc", true },
		{ { "=abc", "!=ab*" }, "abd", false },
		{ { "=abc", "!=b" }, "z", true },
		{ { "=a" }, "", false },
		{ { "!=a" }, "", true },
		{ { "=A" }, "a", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct string_filter filter = { 0 };
		struct err err = { 0 };

		for (size_t k = 0; k < 3 && cases[i].expressions[k]; k++)
			assert_int_equal(string_filter_add(&filter, str_of(cases[i].expressions[k]),
							   &arena, &err),
					 0);
		if (string_filter_match(&filter, str_of(cases[i].value)) != cases[i].match)
			fail_msg("case %zu", i);
	}
}

static void wrong_strings_are_refused(void **state)
{
	static const char *const cases[] = { "",    "=",   "!=",  "a",	"<a", ">a",  "=*",
					     "=**", "=a,", "=,a", "=,", "!a", "!=*", "=a,*" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct string_filter filter = { 0 };
		struct err err = { 0 };

		if (string_filter_add(&filter, str_of(cases[i]), &arena, &err) != -EINVAL)
			fail_msg("'%s' was taken", cases[i]);
		assert_true(err.message[0] && err.hint[0]);
	}
}

/* ---- events ------------------------------------------------------------------------ */

struct record {
	struct wire_header header;
	struct ev_shmget body;
};

static struct event shmget_event(struct record *record)
{
	static const struct clock clock = { 0 };

	*record = (struct record){ .header = { .size = sizeof(*record), .id = EV_shmget } };
	record->header.present = FIELD_BIT(shmget, key) | FIELD_BIT(shmget, size) |
				 FIELD_BIT(shmget, shmflg) | FIELD_BIT(shmget, returnValue);
	record->header.uid = 1000;
	record->header.ns_pid = 42;
	record->header.pid = 142;
	record->header.ppid = 7;
	memcpy(record->header.comm, "tester", 6);
	record->body.key = -2;
	record->body.size = 4096;
	record->body.returnValue = -13;
	return (struct event){ .def = event_by_id(EV_shmget),
			       .wire = &record->header,
			       .clock = &clock };
}

struct event_case {
	const char *filter; /* data.FIELD.., scope.FIELD.., retval.. */
	bool match;
};

static int add(struct filters *filters, const char *text, struct err *err)
{
	struct str field, expression;

	filter_split(str_of(text), &field, &expression);
	if (strncmp(text, "retval", 6) == 0)
		return filters_add_return(filters, expression, err);
	if (strncmp(text, "data.", 5) == 0)
		return filters_add_data(filters, (struct str){ field.data + 5, field.len - 5 },
					expression, err);
	return filters_add_scope(filters, (struct str){ field.data + 6, field.len - 6 }, expression,
				 err);
}

static void events_match(void **state)
{
	static const struct event_case cases[] = {
		{ "data.key=-2", true },
		{ "data.key!=-2", false },
		{ "data.key=5", false },
		{ "data.key=-2,5", true },
		{ "data.key=-*", true },
		{ "data.size=4096", true },
		{ "data.size=04096", false },
		{ "data.size>4095", true },
		{ "data.size<=4096", true },
		{ "data.size<4096", false },
		{ "data.perm_uid!=5", false }, /* absent: no match at all */
		{ "retval<0", true },
		{ "retval=-13", true },
		{ "retval!=0", true },
		{ "retval>0", false },
		{ "scope.uid=1000", true },
		{ "scope.uid!=0", true },
		{ "scope.pid=42", true },
		{ "scope.hostPid=142", true },
		{ "scope.hostParentProcessId=7", true },
		{ "scope.comm=test*", true },
		{ "scope.comm!=tester", false },
		{ "scope.container", false },
		{ "scope.host", true },
		{ "scope.containerName=x", false },
	};
	struct record record;
	struct event event = shmget_event(&record);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct filter_options options = { 0 };
		struct filters *filters = filters_new(event.def, &options, &arena);
		struct err err = { 0 };

		if (add(filters, cases[i].filter, &err))
			fail_msg("%s: %s", cases[i].filter, err.message);
		if (filters_match(filters, &event, &arena) != cases[i].match)
			fail_msg("%s", cases[i].filter);
	}
}

static void fields_are_anded(void **state)
{
	struct record record;
	struct event event = shmget_event(&record);
	struct filter_options options = { 0 };
	struct filters *filters = filters_new(event.def, &options, &arena);
	struct err err = { 0 };

	(void)state;
	assert_true(filters_empty(filters));
	assert_true(filters_match(filters, &event, &arena));
	assert_int_equal(add(filters, "data.key=-2", &err), 0);
	assert_true(filters_match(filters, &event, &arena));
	assert_int_equal(add(filters, "scope.uid=0", &err), 0);
	assert_false(filters_match(filters, &event, &arena));
	assert_int_equal(add(filters, "scope.uid=1000", &err), 0);
	assert_true(filters_match(filters, &event, &arena));
	assert_false(filters_empty(filters));
	assert_int_equal(filters_fields(filters), FIELD_BIT(shmget, key));
}

static void tracee_takes_the_process_for_its_parent(void **state)
{
	struct record record;
	struct event event = shmget_event(&record);
	struct filter_options options = { .compat_tracee = true };
	struct filters *filters = filters_new(event.def, &options, &arena);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(add(filters, "scope.hostParentProcessId=142", &err), 0);
	assert_true(filters_match(filters, &event, &arena));
}

static void wrong_names_bring_a_suggestion(void **state)
{
	struct filter_options options = { 0 };
	struct filters *filters = filters_new(event_by_id(EV_shmget), &options, &arena);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(add(filters, "data.shmflag=1", &err), -EINVAL);
	assert_string_equal(err.hint, "did you mean shmflg?");
	assert_int_equal(add(filters, "scope.contaner", &err), -EINVAL);
	assert_string_equal(err.hint, "did you mean container?");
	assert_int_equal(add(filters, "scope.container=true", &err), -EINVAL);
	assert_non_null(strstr(err.hint, "container=started"));
	assert_int_equal(add(filters, "data.key", &err), -EINVAL);
	assert_non_null(strstr(err.message, "missing field or operator"));
}

static void requirement_strings_are_split_as_tracee_does(void **state)
{
	static const struct {
		const char *text, *field, *expression;
	} cases[] = {
		{ "a=b", "a", "=b" },	{ "a!=b", "a", "!=b" }, { "a=b!=c", "a=b", "!=c" },
		{ "a<=b", "a", "<=b" }, { "a>b", "a", ">b" },	{ "container", "container", "" },
		{ "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct str field, expression;

		filter_split(str_of(cases[i].text), &field, &expression);
		assert_true(str_equal(field, str_of(cases[i].field)));
		assert_true(str_equal(expression, str_of(cases[i].expression)));
	}
}

static void values_are_rendered_as_go_prints_them(void **state)
{
	struct value_list *list = arena_zalloc(&arena, sizeof(*list) + 2 * sizeof(struct value));
	char scratch[32];

	(void)state;
	list->count = 2;
	list->items[0] = value_string("a b", 3);
	list->items[1] = value_int(-5);
	assert_true(str_equal(filter_render(value_int(-1), scratch, &arena), STR("-1")));
	assert_true(str_equal(filter_render(value_uint(UINT64_MAX), scratch, &arena),
			      STR("18446744073709551615")));
	assert_true(str_equal(filter_render(value_bool(true), scratch, &arena), STR("true")));
	assert_true(str_equal(filter_render(value_bytes("\x7f"
							"E",
							2),
					    scratch, &arena),
			      STR("[127 69]")));
	assert_true(
		str_equal(filter_render((struct value){ .tag = VALUE_LIST, .len = 2, .list = list },
					scratch, &arena),
			  STR("[a b -5]")));
	assert_true(str_equal(filter_render(value_null(), scratch, &arena), STR("<nil>")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_match),
		cmocka_unit_test(unsigned_numbers_reach_their_ends),
		cmocka_unit_test(wrong_numbers_are_refused),
		cmocka_unit_test(strings_match),
		cmocka_unit_test(wrong_strings_are_refused),
		cmocka_unit_test(events_match),
		cmocka_unit_test(fields_are_anded),
		cmocka_unit_test(tracee_takes_the_process_for_its_parent),
		cmocka_unit_test(wrong_names_bring_a_suggestion),
		cmocka_unit_test(requirement_strings_are_split_as_tracee_does),
		cmocka_unit_test(values_are_rendered_as_go_prints_them),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_free(&arena);
	return failed;
}
