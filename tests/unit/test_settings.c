/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from text: what each kind takes, what it says to what it does not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>

#include "base/common.h"
#include "base/settings.h"
#include "encode/use.h"

static const struct {
	uint8_t kind;
	const char *text;
	int64_t number; /* if it is taken */
	const char *message;
} cases[] = {
	{ SETTING_TEXT, "", 0, NULL },
	{ SETTING_BOOL, "true", 1, NULL },
	{ SETTING_BOOL, "no", 0, NULL },
	{ SETTING_BOOL, "1", 0, "found '1', expected true or false" },
	{ SETTING_NUMBER, "0", 0, NULL },
	{ SETTING_NUMBER, "9223372036854775807", INT64_MAX, NULL },
	{ SETTING_NUMBER, "9223372036854775808", 0,
	  "found '9223372036854775808', expected a number from 0 to 2^63-1" },
	{ SETTING_NUMBER, "-1", 0, "found '-1', expected a number from 0 to 2^63-1" },
	{ SETTING_NUMBER, "", 0, "found '', expected a number from 0 to 2^63-1" },
	{ SETTING_NUMBER, "5K", 0, "found '5K', expected a number from 0 to 2^63-1" },
	{ SETTING_SIZE, "64K", 65536, NULL },
	{ SETTING_SIZE, "9999999999G", 0,
	  "found '9999999999G', expected a size in bytes, such as 4096, 64K or 16M" },
	{ SETTING_DURATION, "500ms", 500, NULL },
	{ SETTING_DURATION, "1h", 3600000, NULL },
	{ SETTING_DURATION, "5", 0,
	  "found '5', expected a duration, such as 500ms, 10s, 5m or 1h" },
	{ SETTING_CHOICE, "red", 0, NULL },
	{ SETTING_CHOICE, "blue", 2, NULL },
	{ SETTING_CHOICE, "re", 0, "found 're', expected one of: red green blue" },
};

static void test_kinds(void **state)
{
	(void)state;
	struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct setting_key key = { .name = "k",
					   .kind = cases[i].kind,
					   .choices = "red green blue" };
		struct setting_value value = { 0 };
		struct err err = { 0 };
		int r = setting_parse(&key, str_of(cases[i].text), &arena, &value, &err);

		assert_int_equal(r, cases[i].message ? -EINVAL : 0);
		assert_string_equal(err.message, cases[i].message ? cases[i].message : "");
		assert_int_equal(value.number, cases[i].number);
		assert_int_equal(value.given, !cases[i].message);
	}
	arena_free(&arena);
}

static void test_lists(void **state)
{
	(void)state;
	struct setting_key texts = { .kind = SETTING_TEXTS }, pairs = { .kind = SETTING_PAIRS };
	struct setting_value value;
	struct arena arena = { 0 };
	struct err err = { 0 };

	assert_int_equal(setting_parse(&texts, STR("a,,b c"), &arena, &value, &err), 0);
	assert_int_equal(value.count, 3);
	assert_true(str_equal(value.texts[1], STR("")));
	assert_true(str_equal(value.texts[2], STR("b c")));
	assert_int_equal(setting_parse(&texts, STR(""), &arena, &value, &err), 0);
	assert_int_equal(value.count, 0);
	assert_int_equal(setting_parse(&pairs, STR("a=1,b=x=y"), &arena, &value, &err), 0);
	assert_int_equal(value.count, 2);
	assert_true(str_equal(value.pairs[1].key, STR("b")));
	assert_true(str_equal(value.pairs[1].value, STR("x=y")));
	assert_int_equal(setting_parse(&pairs, STR("a=1,b"), &arena, &value, &err), -EINVAL);
	assert_string_equal(err.message, "found 'b', expected name=value");
	arena_free(&arena);
}

static void refused(const char *format, struct setting_pair pair, const char *message,
		    const char *hint, uint32_t blame)
{
	struct format_use use;
	struct err err = { 0 };
	uint32_t at = 77;

	assert_int_not_equal(format_use_open(&use, format_by_name(str_of(format)), &pair,
					     pair.key.data ? 1 : 0, &at, &err),
			     0);
	assert_string_equal(err.message, message);
	assert_string_equal(err.hint, hint);
	assert_int_equal(at, blame);
	assert_null(use.format);
}

static void test_formats(void **state)
{
	(void)state;
	refused("cef", (struct setting_pair){ STR("facilty"), STR("x") },
		"there is no setting 'facilty'", "did you mean 'facility'?", 0);
	refused("gelf", (struct setting_pair){ STR("facility"), STR("x") },
		"there is no setting 'facility'", "the format 'gelf' has no settings", 0);
	refused("rfc5424", (struct setting_pair){ STR("bom"), STR("x") },
		"setting 'bom': found 'x', expected true or false", "", 0);
	refused("template", (struct setting_pair){ { 0 }, { 0 } },
		"the format 'template' wants the setting 'file'",
		"file: the template; what it may use stands in engine/encode/README.md", 0);
	refused("template", (struct setting_pair){ STR("file"), STR("/no/such/file") },
		"cannot read the template: No such file or directory", "", 0);
}

/* Every fallback is a value that its own key takes. */
static void test_fallbacks(void **state)
{
	(void)state;
	struct arena arena = { 0 };

	for (size_t i = 0; formats[i]; i++)
		assert_non_null(settings_default(formats[i]->keys, formats[i]->key_count, &arena));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_fallbacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
