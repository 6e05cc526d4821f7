/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions: the language, what matches, what is refused, and linear time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/common.h"
#include "cel/internal.h"
#include "cel/regex.h"

struct match {
	const char *pattern, *subject;
	bool matches;
};

static const struct match matches[] = {
	{ "", "", true },
	{ "", "abc", true },
	{ "abc", "xabcx", true },
	{ "abc", "ab", false },
	{ "^abc$", "abc", true },
	{ "^abc$", "abc\n", false },
	{ "a$", "ba", true },
	{ "(?m)^b$", "a\nb\nc", true },
	{ "^b$", "a\nb\nc", false },
	{ "\\Ab", "ab", false },
	{ "b\\z", "ab", true },
	{ "a.c", "a\nc", false },
	{ "(?s)a.c", "a\nc", true },
	{ "[^a]", "\n", true },
	{ "a{2,3}", "a", false },
	{ "^a{2,3}$", "aaa", true },
	{ "^a{2,3}$", "aaaa", false },
	{ "^a{2,}$", "aaaaa", true },
	{ "a{,3}", "a{,3}", true },
	{ "a{,3}", "aa", false },
	{ "a{x", "a{x", true },
	{ "^(a|ab)(c|bcd)$", "abcd", true },
	{ "^(?:a*)*$", "aaaa", true },
	{ "^(a?){30}a{30}$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true },
	{ "\\bfoo\\b", "a foo b", true },
	{ "\\bfoo\\b", "afoo", false },
	{ "\\Boo", "foo", true },
	{ "(?i)stra\xc3\x9f"
	  "e",
	  "STRA\xe1\xba\x9e"
	  "E",
	  true },
	{ "(?i)k", "\xe2\x84\xaa", true },
	{ "(?i)[k-l]", "L", true },
	{ "(?i:a)b", "Ab", true },
	{ "(?i:a)b", "AB", false },
	{ "\\d+", "a1", true },
	{ "\\D", "1", false },
	{ "\\s", "\v", false },
	{ "[[:space:]]", "\v", true },
	{ "\\w", "_", true },
	{ "\\W", "a", false },
	{ "[\\d-x]", "-", true },
	{ "[]a]", "]", true },
	{ "[^]a]", "]", false },
	{ "[a-]", "-", true },
	{ "[[:^alpha:]]", "a", false },
	{ "\\x41\\x{42}\\103", "ABC", true },
	{ "\\Qa.b\\E+", "a.bb", true },
	{ "\\Qa.b\\E", "axb", false },
	{ "\\pL", "\xc3\xa9", true },
	{ "^\\p{Greek}+$", "\xce\xb1\xce\xb2", true },
	{ "\\P{Greek}", "\xce\xb1", false },
	{ "\\p{^Greek}", "\xce\xb1", false },
	{ "\\pN", "\xc2\xbd", true },
	{ "^.$", "\xc3\xa9", true },
	{ "^..$", "\xc3\xa9", false },
	{ "(?P<n>a)b", "ab", true },
	{ "(?<n>a)b", "ab", true },
	{ "(?U)a+", "a", true },
	{ "a|b|", "x", true },
	{ "()", "", true },
	{ "a**", NULL, false },
	/* A byte that is no UTF-8 is one U+FFFD, so a pattern cannot be evaded by one. */
	{ "^/tmp/.*\\.sh$",
	  "/tmp/a\xff"
	  "b.sh",
	  true },
	{ "^.$", "\xff", true },
	{ "^..$", "\xe2\x82", true },
	{ "^.$", "\xe2\x82", false },
	{ "\\x{fffd}", "\xff", true },
	{ "[^a]", "\xff", true },
	{ "\xef\xbf\xbd", "a\x80", true },
	/* Refused. */
	{ "(", NULL, false },
	{ ")", NULL, false },
	{ "[a", NULL, false },
	{ "*", NULL, false },
	{ "a{2}{3}", NULL, false },
	{ "a++", NULL, false },
	{ "(?=a)", NULL, false },
	{ "(?!a)", NULL, false },
	{ "(?<=a)", NULL, false },
	{ "(?>a)", NULL, false },
	{ "(a)\\1", NULL, false },
	{ "\\8", NULL, false },
	{ "\\Z", NULL, false },
	{ "\\G", NULL, false },
	{ "\\K", NULL, false },
	{ "\\h", NULL, false },
	{ "\\R", NULL, false },
	{ "\\X", NULL, false },
	{ "\\C", NULL, false },
	{ "\\e", NULL, false },
	{ "\\cA", NULL, false },
	{ "(?#c)", NULL, false },
	{ "(?x)a", NULL, false },
	{ "(?R)", NULL, false },
	{ "(?|a)", NULL, false },
	{ "(?'n'a)", NULL, false },
	{ "(*FAIL)", NULL, false },
	{ "a{1001}", NULL, false },
	{ "(a{100}){100}", NULL, false },
	{ "[b-a]", NULL, false },
	{ "[[:nope:]]", NULL, false },
	{ "\\p{Nope}", NULL, false },
	{ "(?P<n>a)(?P<n>b)", NULL, false },
	{ "\\x{110000}", NULL, false },
	{ "\\", NULL, false },
	{ "\xff", NULL, false },
	{ "\\_", NULL, false },
	{ "a{3,2}", NULL, false },
};

static int match(const char *pattern, struct str subject, bool dynamic)
{
	struct arena arena = { .limit = 0 };
	struct cel_run run = { .arena = &arena, .budget = CEL_BUDGET };
	const char *problem = NULL;
	uint64_t effort = REGEX_EFFORT;
	uint32_t at;
	const struct regex *regex = regex_compile(&arena, str_of(pattern), dynamic, &effort,
						  &problem, &at);
	int result = regex ? regex_match(regex, &run, subject) : -2;

	assert_true(regex || problem);
	arena_free(&arena);
	return result;
}

static void test_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
		const struct match *m = &matches[i];
		int want = m->subject ? m->matches : -2;

		/* By the table of states, and by stepping the instructions. */
		for (int dynamic = 0; dynamic < 2; dynamic++) {
			int got = match(m->pattern, str_of(m->subject ? m->subject : ""), dynamic);

			if (got != want)
				fail_msg("/%s/ on '%s': %d, expected %d", m->pattern,
					 m->subject ? m->subject : "", got, want);
		}
	}
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The ones that hang backtracking engines. */
static void test_linear_time(void **state)
{
	static const char *const patterns[] = { "^(a+)+$",	   "^(a|a)*$",
						"^(a*)*b",	   "(x+x+)+y",
						"^(a?){20}a{20}$", "(.*)(.*)(.*)(.*)(.*)z$" };
	enum { LEN = 100000 };
	char *text = malloc(LEN);

	(void)state;
	memset(text, 'a', LEN);
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		double start = milliseconds(), best = 1e9;

		for (int turn = 0; turn < 5; turn++) {
			start = milliseconds();
			assert_true(match(patterns[i], (struct str){ text, LEN }, false) >= 0);
			best = MIN(best, milliseconds() - start);
		}
		/* A millisecond on an idle machine; the rest is for sanitizers and a busy one. */
		if (best > 20)
			fail_msg("/%s/ took %.1f ms", patterns[i], best);
	}
	free(text);
}

/* A pattern of too many states is stepped through, within the budget. */
static void test_many_states(void **state)
{
	struct str subject = STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbb");

	(void)state;
	assert_int_equal(match("(a|b)*a(a|b){19}b$", subject, false), 1);
	assert_int_equal(match("(a|b)*a(a|b){60}$", subject, false), 0);
}

static void test_search(void **state)
{
	static const struct {
		const char *pattern, *subject;
		uint32_t places[4];
	} cases[] = {
		{ "a(b*)", "xabbc", { 1, 4, 2, 4 } },
		{ "(a|ab)(?:c|bcd)", "abcd", { 0, 4, 0, 1 } },
		{ "a*?(a*)", "aaa", { 0, 3, 0, 3 } },
		{ "(x)?y", "y", { 0, 1, UINT32_MAX, UINT32_MAX } },
		{ "\\b(\\w+)$", "ab cd", { 3, 5, 3, 5 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct arena arena = { .limit = 0 };
		struct cel_run run = { .arena = &arena, .budget = CEL_BUDGET };
		const char *problem;
		uint64_t effort = REGEX_EFFORT;
		uint32_t at, places[8];
		const struct regex *regex = regex_compile(&arena, str_of(cases[i].pattern), true,
							  &effort, &problem, &at);

		assert_non_null(regex);
		assert_int_equal(regex_search(regex, &run, str_of(cases[i].subject), 0, places), 1);
		if (memcmp(places, cases[i].places, sizeof(cases[i].places)) != 0)
			fail_msg("/%s/: %d %d %d %d", cases[i].pattern, (int)places[0],
				 (int)places[1], (int)places[2], (int)places[3]);
		arena_free(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_linear_time),
		cmocka_unit_test(test_many_states),
		cmocka_unit_test(test_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
