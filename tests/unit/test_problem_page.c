/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Problems for programs: what we rely on of SARIF 2.1.0 (3.27 result, 3.30 region, 3.49
 * reportingDescriptor), and the table of diagnostics.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/diagnostic.h"
#include "page/problem_page.h"

static void add(struct err_list *list, enum err_level level, const char *rule, const char *path,
		uint32_t line, uint32_t column, const char *message, const char *hint)
{
	struct err err = { .level = level, .rule = rule };

	err_set(&err, -1, "%s", message);
	err_hint(&err, "%s", hint);
	err_at(&err, path, line, column);
	if (line)
		snprintf(err.source, sizeof(err.source), "the line");
	err_list_add(list, &err);
}

static struct err_list problems(void)
{
	struct err_list list = { 0 };

	add(&list, ERR_ERROR, "unknown-key", "rules/a b.yaml", 3, 7, "unknown key 'x'", "did you");
	add(&list, ERR_WARNING, "no-test", "rules/\xc3\xa4#%.yaml", 0, 0, "no test", "");
	add(&list, ERR_ERROR, NULL, "", 0, 0, "bytes \xff\xfe", "");
	return list;
}

static const json_t *at(const json_t *object, const char *path)
{
	char name[64];

	while (object && *path) {
		size_t len = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		object = name[0] >= '0' && name[0] <= '9'
				 ? json_array_get(object, strtoul(name, NULL, 10))
				 : json_object_get(object, name);
		path += len + (path[len] == '.');
	}
	return object;
}

static const char *text_at(const json_t *object, const char *path)
{
	const char *text = json_string_value(at(object, path));

	return text ? text : "(none)";
}

static void check_uri(const char *uri)
{
	assert_true(*uri);
	for (; *uri; uri++) {
		assert_non_null(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789-._~/%",
				       *uri));
		if (*uri == '%')
			assert_int_equal(strspn(uri + 1, "0123456789ABCDEF") >= 2, true);
	}
}

static void check_result(const json_t *result, const json_t *rules)
{
	const json_t *index = at(result, "ruleIndex"), *place, *region;
	const char *level = text_at(result, "level");

	assert_true(!strcmp(level, "error") || !strcmp(level, "warning"));
	assert_true(json_string_length(at(result, "message.text")) > 0);
	assert_true(json_is_integer(index));
	assert_string_equal(text_at(json_array_get(rules, (size_t)json_integer_value(index)), "id"),
			    text_at(result, "ruleId"));
	place = at(result, "locations.0.physicalLocation");
	if (!place)
		return;
	check_uri(text_at(place, "artifactLocation.uri"));
	region = at(place, "region");
	if (!region)
		return;
	assert_true(json_integer_value(at(region, "startLine")) >= 1);
	assert_true(json_integer_value(at(region, "startColumn")) >= 1);
}

static void sarif_is_what_scanners_read(void **state)
{
	struct err_list list = problems();
	json_t *log = problems_sarif(&list, "1.2.3");
	const json_t *run = at(log, "runs.0"), *results = at(run, "results");
	const json_t *rules = at(run, "tool.driver.rules"), *place;

	(void)state;
	assert_string_equal(text_at(log, "version"), "2.1.0");
	assert_string_equal(text_at(log, "$schema"),
			    "https://json.schemastore.org/sarif-2.1.0.json");
	assert_string_equal(text_at(run, "tool.driver.name"), "spoor");
	assert_string_equal(text_at(run, "tool.driver.version"), "1.2.3");
	assert_string_equal(text_at(run, "columnKind"), "unicodeCodePoints");
	assert_true(json_is_true(at(run, "invocations.0.executionSuccessful")));
	assert_int_equal(json_array_size(rules), diagnostic_count);
	assert_int_equal(json_array_size(results), 3);
	for (size_t i = 0; i < json_array_size(results); i++)
		check_result(json_array_get(results, i), rules);
	for (size_t i = 0; i < json_array_size(rules); i++)
		assert_true(json_string_length(at(json_array_get(rules, i), "help.text")) > 0);
	place = at(results, "0.locations.0.physicalLocation");
	assert_string_equal(text_at(place, "artifactLocation.uri"), "rules/a%20b.yaml");
	assert_int_equal(json_integer_value(at(place, "region.startLine")), 3);
	assert_int_equal(json_integer_value(at(place, "region.startColumn")), 7);
	assert_string_equal(text_at(place, "region.snippet.text"), "the line");
	assert_string_equal(text_at(results, "0.message.text"), "unknown key 'x'\nhint: did you");
	assert_string_equal(text_at(results, "1.locations.0.physicalLocation.artifactLocation.uri"),
			    "rules/%C3%A4%23%25.yaml");
	assert_null(at(results, "1.locations.0.physicalLocation.region"));
	assert_null(at(results, "2.locations"));
	assert_int_equal(json_integer_value(at(run, "properties.errors")), 2);
	json_decref(log);
	err_list_free(&list);
}

static void json_has_every_key(void **state)
{
	static const char *const keys[] = { "path", "line",    "column", "level",
					    "rule", "message", "hint",	 "source" };
	struct err_list list = problems();
	json_t *all = problems_json(&list);

	(void)state;
	assert_int_equal(json_array_size(all), 3);
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			assert_non_null(json_object_get(json_array_get(all, i), keys[k]));
	assert_string_equal(text_at(all, "2.message"), "bytes ??");
	json_decref(all);
	err_list_free(&list);
}

static void table_is_sorted_and_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < diagnostic_count; i++) {
		const struct diagnostic *d = &diagnostics[i];

		assert_true(d->id[0] && d->title[0] && d->help[0]);
		assert_ptr_equal(diagnostic_find(d->id), d);
		if (i)
			assert_true(strcmp(d[-1].id, d->id) < 0);
	}
	assert_null(diagnostic_find("nothing"));
	assert_null(diagnostic_find(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sarif_is_what_scanners_read),
		cmocka_unit_test(json_has_every_key),
		cmocka_unit_test(table_is_sorted_and_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
