/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON Schema for editors: what the loader takes the schema takes; what the loader refuses
 * for its form (keys, kinds, words) the schema refuses; and contrib/schema is up to date.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../support/json_schema.h"
#include "base/common.h"
#include "detect/builtin.h"
#include "detect/rule_file.h"
#include "detect/rule_test.h"
#include "policy/editor_schema.h"
#include "policy/policy_file.h"

static json_t *schema;

static int make(void **state)
{
	(void)state;
	schema = editor_schema(true);
	return schema ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	json_decref(schema);
	return 0;
}

/* What the schema says of a text; it must be YAML. */
static const char *schema_says(const char *text, size_t len)
{
	struct arena arena = { 0 };
	struct yaml_file file;
	struct err err = { 0 };
	const char *problem;
	json_t *value;

	assert_int_equal(yaml_parse("x", (struct str){ text, (uint32_t)len }, &arena, &file, &err),
			 0);
	value = json_of_yaml(file.root);
	problem = json_schema_check(schema, value);
	json_decref(value);
	arena_free(&arena);
	return problem;
}

/* ---- the file in contrib ---------------------------------------------------------------- */

static void committed_is_current(void **state)
{
	char path[512];
	json_t *now = editor_schema(false), *then;
	json_error_t error;

	(void)state;
	snprintf(path, sizeof(path), "%s/contrib/schema/spoor-rules.json", getenv("TOP") ?: ".");
	then = json_load_file(path, 0, &error);
	if (!then || !json_equal(now, then))
		fail_msg("contrib/schema/spoor-rules.json is not what the tables say: run `make "
			 "schema`");
	json_decref(now);
	json_decref(then);
}

static void well_formed(void **state)
{
	const char *name;
	json_t *definition;

	(void)state;
	json_schema_lint(schema);
	/* Every key has its hover text. */
	json_object_foreach(json_object_get(schema, "definitions"), name, definition)
	{
		const char *key;
		json_t *property;

		json_object_foreach(
			json_object_get(definition, "properties"), key,
			property) if (!json_string_length(json_object_get(property, "description")))
			fail_msg("%s.%s has no description", name, key);
	}
}

/* ---- rules ------------------------------------------------------------------------------ */

static void check_builtin(const struct builtin_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *problem = schema_says(files[i].data, files[i].len);

		if (problem)
			fail_msg("%s: %s", files[i].path, problem);
	}
}

static void builtin_rules_are_valid(void **state)
{
	(void)state;
	check_builtin(builtin_files, builtin_file_count);
	check_builtin(builtin_tests, builtin_test_count);
}

#define DETECTOR(more) \
	"{type: detector, id: A, produced_event: {name: a, version: 1.0.0}, requirements: " \
	"{events: [{name: shmat}]}" more "}"
#define POLICY(more) "{type: policy, name: a, scope: [global], rules: [{event: shmat}]" more "}"

static void wrong_files_are_refused(void **state)
{
	static const struct {
		const char *text, *problem; /* NULL: none */
	} cases[] = {
		{ DETECTOR(""), NULL },
		{ DETECTOR(", threat: {description: x, severity: High}"), NULL },
		{ DETECTOR(", auto_populate: {threat: yes}, conditions: ~"), NULL },
		{ DETECTOR(", condition: [x]"), ": additionalProperties" },
		{ DETECTOR(", conditions: x"), "/conditions: type" },
		{ DETECTOR(", conditions: [[x]]"), "/conditions/0: type" },
		{ DETECTOR(", threat: {severity: high}"), "/threat: required" },
		{ DETECTOR(", threat: {description: x, severity: hi}"), "/threat/severity: enum" },
		{ DETECTOR(", auto_populate: {threat: maybe}"), "/auto_populate/threat: pattern" },
		{ DETECTOR(", output: {fields: [{name: a}]}"), "/output/fields/0: required" },
		{ "{type: detector}", ": required" },
		{ "{type: detektor, id: A}", "/type: enum" },
		{ "{id: A}", ": required" },
		{ "[a]", ": type" },
		{ "{type: string_list, name: lower, values: [a]}", "/name: pattern" },
		{ "{type: string_list, name: UPPER_1, values: [a, 1]}", NULL },
		{ POLICY(""), NULL },
		{ POLICY(", defaultActions: [log, drop]"), "/defaultActions/1: enum" },
		{ "{type: policy, name: A_b, scope: [global], rules: [{event: a}]}",
		  "/name: pattern" },
		{ "{type: policy, name: a, scope: [], rules: [{event: a}]}", "/scope: minItems" },
		{ "{apiVersion: tracee.aquasec.com/v1beta1, kind: Policy, metadata: {name: a}, "
		  "spec: {scope: [global], rules: [{event: a}]}}",
		  NULL },
		{ "{apiVersion: v2, kind: Policy, metadata: {name: a}, spec: {scope: [global], "
		  "rules: [{event: a}]}}",
		  "/apiVersion: enum" },
		{ "{type: rule_test, tests: [{name: a, event: {name: shmat}}]}", NULL },
		{ "{type: rule_test, tests: [{name: a, event: {name: shmat, dat: {}}}]}",
		  "/tests/0/event: additionalProperties" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *problem = schema_says(cases[i].text, strlen(cases[i].text));

		if (!cases[i].problem != !problem || (problem && strcmp(problem, cases[i].problem)))
			fail_msg("%s\nschema says %s, expected %s", cases[i].text,
				 problem ? problem : "nothing",
				 cases[i].problem ? cases[i].problem : "nothing");
	}
}

/* ---- recorded files --------------------------------------------------------------------- */

struct tally {
	unsigned both_take, both_refuse, meaning;
};

/* Whether all that the loader has against the text is of a kind that a schema can see. */
static bool loader_reads(const struct yaml_file *file, struct err_list *problems)
{
	struct arena arena = { 0 };
	struct report report = { .problems = problems, .file = file, .arena = &arena };
	const struct yaml_node *kind = yaml_get(file->root, "kind");
	struct detector_text detector = { 0 };
	struct list_text list = { 0 };
	enum rule_type type = RULE_POLICY;

	if (!kind || kind->kind != YAML_SCALAR || strcmp(kind->text.data, "Policy") != 0)
		type = rule_file_type(&report, file);
	if (type == RULE_DETECTOR)
		detector_text_read(&report, file, &detector);
	else if (type == RULE_LIST)
		list_text_read(&report, file, &list);
	else if (type == RULE_POLICY)
		policy_text_check(&report, file);
	arena_free(&arena);
	return report.errors == 0;
}

/* Beyond a schema: uniqueness, references between keys, sizes of numbers, order of versions. */
static bool is_of_form(const struct err *err)
{
	static const char *const forms[] = { "unknown-key", "missing-key", "kind" };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (strcmp(err->rule, forms[i]) == 0)
			return true;
	return strcmp(err->rule, "value") == 0 && !strstr(err->message, "version") &&
	       !strstr(err->message, "condition ");
}

static void compare(struct tally *tally, const char *name, const char *text, size_t len)
{
	struct arena arena = { 0 };
	struct err_list problems = { 0 };
	struct yaml_file file;
	struct err err = { 0 };
	const char *problem;
	bool fine, form = false;

	if (yaml_parse(name, (struct str){ text, (uint32_t)len }, &arena, &file, &err)) {
		arena_free(&arena);
		return;
	}
	fine = loader_reads(&file, &problems);
	for (uint32_t i = 0; i < problems.count; i++)
		form |= is_of_form(&problems.items[i]);
	problem = schema_says(text, len);
	if (fine && problem)
		fail_msg("%s: valid, but the schema says %s", name, problem);
	if (form && !problem)
		fail_msg("%s: the schema takes it, the loader does not: %s", name,
			 problems.items[0].message);
	if (fine)
		tally->both_take++;
	else if (problem)
		tally->both_refuse++;
	else
		tally->meaning++;
	err_list_free(&problems);
	arena_free(&arena);
}

static const char *vectors(char path[512], const char *name)
{
	snprintf(path, 512, "%s/%s", getenv("TRACEE_VECTORS") ?: "/work/shared/tracee/vectors",
		 name);
	return path;
}

static void compare_folder(struct tally *tally, const char *folder)
{
	DIR *entries = opendir(folder);

	for (struct dirent *entry; entries && (entry = readdir(entries));) {
		struct arena arena = { 0 };
		struct err err = { 0 };
		char path[2048];
		struct str text;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (strstr(entry->d_name, ".y") && !yaml_read_file(path, &arena, &text, &err))
			compare(tally, path, text.data, text.len);
		arena_free(&arena);
	}
	if (entries)
		closedir(entries);
}

static void recorded_detectors(void **state)
{
	struct tally tally = { 0 };
	char path[512];
	DIR *folders = opendir(vectors(path, "detectors/load"));

	(void)state;
	if (!folders)
		skip();
	for (struct dirent *entry; (entry = readdir(folders));) {
		char folder[1024];

		snprintf(folder, sizeof(folder), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.')
			compare_folder(&tally, folder);
	}
	closedir(folders);
	print_message("%u valid for both, %u wrong for both, %u wrong in meaning alone\n",
		      tally.both_take, tally.both_refuse, tally.meaning);
	assert_true(tally.both_take > 50 && tally.both_refuse > 20);
}

static void recorded_policies(void **state)
{
	struct tally tally = { 0 };
	char path[512];
	json_t *rows = json_load_file(vectors(path, "policies.json"), 0, NULL), *row, *file;
	size_t i, k;

	(void)state;
	if (!rows)
		skip();
	json_array_foreach(rows, i, row)
	{
		const json_t *text = json_object_get(row, "text");
		const char *id = json_string_value(json_object_get(row, "id")) ?: "policy";

		if (json_is_string(text))
			compare(&tally, id, json_string_value(text), json_string_length(text));
		json_array_foreach(json_object_get(row, "files"), k, file)
		{
			text = json_object_get(file, "text");
			if (json_is_string(text))
				compare(&tally, id, json_string_value(text),
					json_string_length(text));
		}
	}
	json_decref(rows);
	print_message("%u valid for both, %u wrong for both, %u wrong in meaning alone\n",
		      tally.both_take, tally.both_refuse, tally.meaning);
	assert_true(tally.both_take > 100 && tally.both_refuse > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(committed_is_current),
		cmocka_unit_test(well_formed),
		cmocka_unit_test(builtin_rules_are_valid),
		cmocka_unit_test(wrong_files_are_refused),
		cmocka_unit_test(recorded_detectors),
		cmocka_unit_test(recorded_policies),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
