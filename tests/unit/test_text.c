/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside, made fit for a person. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "base/common.h"
#include "base/text.h"

static const struct {
	const char *found, *shown;
} rows[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "f\xc3\xbcr \xe2\x82\xac \xf0\x9f\x8e\x89", "f\xc3\xbcr \xe2\x82\xac \xf0\x9f\x8e\x89" },
	{ "bad \xff\xfe record", "bad ?? record" },
	{ "\xe2\x82", "??" },		       /* cut */
	{ "\xc0\xaf \xed\xa0\x80", "?? ???" }, /* too long a form, a surrogate */
	{ "one\ntwo\t\x1b[31mred\x7f", "one two  [31mred " },
	{ "\xc2\x9b"
	  "31m \xc2\xa0",
	  "  31m \xc2\xa0" }, /* CSI of eight bits */
};

static void test_clean(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[64];
		size_t len = strlen(rows[i].found);

		memcpy(text, rows[i].found, len + 1);
		text_clean(text, len);
		assert_string_equal(text, rows[i].shown);
		assert_true(text_is_utf8(text, len));
	}
}

/* An answer holds several texts. */
static void test_clean_keeps_ends(void **state)
{
	(void)state;
	char texts[] = "a\xff\0b\x01";

	text_clean(texts, sizeof(texts));
	assert_memory_equal(texts, "a?\0b ", sizeof(texts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_clean_keeps_ends),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
