/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One schema for all rule files, so that an editor needs one setting: the key `type` says which
 * of them a file is.
 */
#include "editor_schema.h"

#include "base/buf.h"
#include "base/schema_json.h"
#include "detect/rule_file.h"
#include "detect/rule_test.h"
#include "policy_file.h"

static const struct {
	const char *type;
	const struct schema *schema;
} files[] = {
	{ "detector", &detector_schema },
	{ "string_list", &list_schema },
	{ "policy", &policy_schema },
	{ "rule_test", &rule_test_schema },
};

static json_t *type_is(const char *word)
{
	struct buf pattern = { 0 };
	json_t *out;

	schema_json_words(&pattern, (const char *const[]){ word, NULL }, MATCH_TRIM, false);
	out = json_pack("{s:{s:{s:s s:s}} s:[s]}", "properties", "type", "type", "string",
			"pattern", buf_cstr(&pattern), "required", "type");
	buf_free(&pattern);
	return out;
}

static json_t *kind_is_policy(void)
{
	return json_pack("{s:{s:{s:s}} s:[s s]}", "properties", "kind", "const", "Policy",
			 "required", "kind", "apiVersion");
}

/* `type` is one of ours, whatever else the file says. */
static json_t *type_property(void)
{
	const char *words[ARRAY_SIZE(files) + 1] = { NULL };
	json_t *names = json_array(), *out;
	struct buf pattern = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		words[i] = files[i].type;
		json_array_append_new(names, json_string(files[i].type));
	}
	schema_json_words(&pattern, words, MATCH_TRIM, false);
	out = json_pack("{s:s s:[{s:o} {s:s s:s}]}", "description", "what the file holds", "anyOf",
			"enum", names, "type", "string", "pattern", buf_cstr(&pattern));
	buf_free(&pattern);
	return out;
}

static json_t *choices(json_t *definitions)
{
	json_t *all = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		json_array_append_new(
			all, json_pack("{s:o s:o}", "if", type_is(files[i].type), "then",
				       schema_json_ref(
					       schema_json_define(definitions, files[i].schema))));
	json_array_append_new(
		all,
		json_pack("{s:o s:o}", "if", kind_is_policy(), "then",
			  schema_json_ref(schema_json_define(definitions, &policy_crd_schema))));
	return all;
}

/* ---- names of events ------------------------------------------------------------------ */

static void add_name(json_t *out, const char *name, const char *what)
{
	json_array_append_new(json_object_get(out, "enum"), json_string(name));
	json_array_append_new(json_object_get(out, "enumDescriptions"), json_string(what));
}

static void add_sets(json_t *out, json_t *seen, const char *sets)
{
	while (*sets) {
		int len = (int)strcspn(sets, " ");
		char name[128];

		snprintf(name, sizeof(name), "%.*s", len, sets);
		if (len && !json_object_get(seen, name)) {
			json_object_set_new(seen, name, json_true());
			add_name(out, name, "a set of events");
		}
		sets += len + (sets[len] == ' ');
	}
}

static json_t *event_names(bool names, bool sets)
{
	json_t *out = json_pack("{s:s s:[] s:[]}", "type", "string", "enum", "enumDescriptions");
	json_t *seen = json_object();

	for (size_t i = 0; names && i < event_table_count; i++)
		add_name(out, event_table[i].name, event_table[i].intro);
	for (size_t i = 0; names && sets && i < event_table_count; i++)
		add_sets(out, seen, event_table[i].sets);
	json_decref(seen);
	if (json_array_size(json_object_get(out, "enum")))
		return out;
	json_decref(out); /* an empty enum would be wrong */
	return json_pack("{s:s}", "type", "string");
}

json_t *editor_schema(bool names)
{
	json_t *definitions = json_object(), *all;

	json_object_set_new(definitions, "event_name", event_names(names, false));
	json_object_set_new(definitions, "event_selection", event_names(names, true));
	all = choices(definitions);
	return json_pack(
		"{s:s s:s s:s s:s s:{s:o} s:[{s:[s]} o] s:o s:o}", "$schema",
		"http://json-schema.org/draft-07/schema#", "title", "spoor rules", "description",
		"Detectors, string lists, policies and rule tests; made by `spoor check "
		"--schema`.",
		"type", "object", "properties", "type", type_property(), "anyOf", "required",
		"type", kind_is_policy(), "allOf", all, "definitions", definitions);
}
