/* SPDX-License-Identifier: Apache-2.0 */
/* A strict reader of the JSON Schema that spoor writes, see json_schema.h. */
#include "json_schema.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
	const struct place *above;
	char name[64];
};

static char problem[1024];

static _Noreturn void die(const char *what, const char *detail)
{
	fprintf(stderr, "json schema: %s: %s\n", what, detail);
	abort();
}

/* ---- yaml ------------------------------------------------------------------------------ */

static json_t *number_of(const char *text)
{
	char *end;
	long long whole = strtoll(text, &end, 0);

	if (*text && !*end)
		return json_integer(whole);
	if (!strpbrk(text, "0123456789") || strspn(text, "0123456789.eE+-") != strlen(text))
		return NULL;
	double real = strtod(text, &end);

	return *end ? NULL : json_real(real);
}

static json_t *scalar_of(const struct yaml_node *node)
{
	json_t *number = NULL;

	if (node->null)
		return json_null();
	if (node->style == YAML_PLAIN && !node->tag) {
		if (!strcmp(node->text.data, "true") || !strcmp(node->text.data, "false"))
			return json_boolean(node->text.data[0] == 't');
		number = number_of(node->text.data);
	}
	return number ? number : json_stringn(node->text.data, node->text.len);
}

json_t *json_of_yaml(const struct yaml_node *node)
{
	json_t *out;

	if (!node)
		return json_null();
	if (node->kind == YAML_SCALAR)
		return scalar_of(node);
	out = node->kind == YAML_LIST ? json_array() : json_object();
	for (uint32_t i = 0; i < node->count; i++) {
		if (node->kind == YAML_LIST)
			json_array_append_new(out, json_of_yaml(node->items[i]));
		else
			json_object_set_new(out, node->pairs[i].key->text.data,
					    json_of_yaml(node->pairs[i].value));
	}
	return out;
}

/* ---- keywords -------------------------------------------------------------------------- */

struct check {
	const json_t *root;
	const struct place *place;
	const json_t *schema; /* the one that holds the keyword */
};

static bool valid(const json_t *root, const json_t *schema, const json_t *value,
		  const struct place *place);

static bool is_type(const json_t *value, const char *type)
{
	static const struct {
		const char *name;
		bool types[8];
	} table[] = {
		{ "object", { [JSON_OBJECT] = true } },
		{ "array", { [JSON_ARRAY] = true } },
		{ "string", { [JSON_STRING] = true } },
		{ "number", { [JSON_INTEGER] = true, [JSON_REAL] = true } },
		{ "boolean", { [JSON_TRUE] = true, [JSON_FALSE] = true } },
		{ "null", { [JSON_NULL] = true } },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(table[i].name, type))
			return table[i].types[json_typeof(value)];
	die("unknown type", type);
}

static bool key_type(const struct check *check, const json_t *want, const json_t *value)
{
	(void)check;
	if (json_is_string(want))
		return is_type(value, json_string_value(want));
	for (size_t i = 0; i < json_array_size(want); i++)
		if (is_type(value, json_string_value(json_array_get(want, i))))
			return true;
	return false;
}

static bool key_enum(const struct check *check, const json_t *want, const json_t *value)
{
	(void)check;
	for (size_t i = 0; i < json_array_size(want); i++)
		if (json_equal(json_array_get(want, i), value))
			return true;
	return false;
}

static bool key_const(const struct check *check, const json_t *want, const json_t *value)
{
	(void)check;
	return json_equal(want, value);
}

static bool key_pattern(const struct check *check, const json_t *want, const json_t *value)
{
	regex_t regex;
	bool fine = true;

	(void)check;
	if (regcomp(&regex, json_string_value(want), REG_EXTENDED | REG_NOSUB))
		die("pattern", json_string_value(want));
	if (json_is_string(value))
		fine = regexec(&regex, json_string_value(value), 0, NULL, 0) == 0;
	regfree(&regex);
	return fine;
}

static bool key_min_length(const struct check *check, const json_t *want, const json_t *value)
{
	(void)check;
	return !json_is_string(value) ||
	       (json_int_t)json_string_length(value) >= json_integer_value(want);
}

static bool key_max_length(const struct check *check, const json_t *want, const json_t *value)
{
	(void)check;
	return !json_is_string(value) ||
	       (json_int_t)json_string_length(value) <= json_integer_value(want);
}

static bool key_min_items(const struct check *check, const json_t *want, const json_t *value)
{
	(void)check;
	return !json_is_array(value) ||
	       (json_int_t)json_array_size(value) >= json_integer_value(want);
}

static bool key_required(const struct check *check, const json_t *want, const json_t *value)
{
	(void)check;
	for (size_t i = 0; json_is_object(value) && i < json_array_size(want); i++)
		if (!json_object_get(value, json_string_value(json_array_get(want, i))))
			return false;
	return true;
}

static bool inside(const struct check *check, const json_t *schema, const json_t *value,
		   const char *name)
{
	struct place place = { .above = check->place };

	snprintf(place.name, sizeof(place.name), "%s", name);
	return valid(check->root, schema, value, &place);
}

static bool key_properties(const struct check *check, const json_t *want, const json_t *value)
{
	const char *name;
	json_t *schema;

	json_object_foreach((json_t *)want, name, schema)
	{
		const json_t *member = json_object_get(value, name);

		if (member && !inside(check, schema, member, name))
			return false;
	}
	return true;
}

static bool key_additional(const struct check *check, const json_t *want, const json_t *value)
{
	const json_t *known = json_object_get(check->schema, "properties");
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)value, name, member)
	{
		if (json_object_get(known, name))
			continue;
		if (json_is_false(want) || !inside(check, want, member, name))
			return false;
	}
	return true;
}

static bool key_items(const struct check *check, const json_t *want, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++) {
		char name[32];

		snprintf(name, sizeof(name), "%zu", i);
		if (!inside(check, want, json_array_get(value, i), name))
			return false;
	}
	return true;
}

/* What was wrong with an alternative is no problem if another one fits. */
static bool forget(bool known_before)
{
	if (!known_before)
		problem[0] = 0;
	return true;
}

static bool key_any_of(const struct check *check, const json_t *want, const json_t *value)
{
	bool known = problem[0] != 0;

	for (size_t i = 0; i < json_array_size(want); i++)
		if (valid(check->root, json_array_get(want, i), value, check->place))
			return forget(known);
	return false;
}

static bool key_all_of(const struct check *check, const json_t *want, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(want); i++)
		if (!valid(check->root, json_array_get(want, i), value, check->place))
			return false;
	return true;
}

static bool key_if(const struct check *check, const json_t *want, const json_t *value)
{
	const json_t *then = json_object_get(check->schema, "then");
	bool known = problem[0] != 0;

	if (!valid(check->root, want, value, check->place))
		return forget(known);
	return valid(check->root, then, value, check->place);
}

static bool key_ref(const struct check *check, const json_t *want, const json_t *value)
{
	static const char prefix[] = "#/definitions/";
	const char *name = json_string_value(want);
	const json_t *target;

	if (!name || strncmp(name, prefix, sizeof(prefix) - 1))
		die("$ref", name ? name : "no text");
	target = json_object_get(json_object_get(check->root, "definitions"),
				 name + sizeof(prefix) - 1);
	if (!target)
		die("$ref to nowhere", name);
	return !value || valid(check->root, target, value, check->place);
}

static bool key_nothing(const struct check *check, const json_t *want, const json_t *value)
{
	(void)check, (void)want, (void)value;
	return true;
}

static const struct {
	const char *name;
	bool (*check)(const struct check *check, const json_t *want, const json_t *value);
} keywords[] = {
	{ "type", key_type },
	{ "enum", key_enum },
	{ "const", key_const },
	{ "pattern", key_pattern },
	{ "minLength", key_min_length },
	{ "maxLength", key_max_length },
	{ "minItems", key_min_items },
	{ "required", key_required },
	{ "properties", key_properties },
	{ "additionalProperties", key_additional },
	{ "items", key_items },
	{ "anyOf", key_any_of },
	{ "allOf", key_all_of },
	{ "if", key_if },
	{ "then", key_nothing }, /* of if */
	{ "$ref", key_ref },
	{ "$schema", key_nothing },
	{ "title", key_nothing },
	{ "description", key_nothing },
	{ "examples", key_nothing },
	{ "definitions", key_nothing },
	{ "enumDescriptions", key_nothing }, /* VS Code's own */
};

static void print_place(const struct place *place)
{
	if (!place)
		return;
	print_place(place->above);
	snprintf(problem + strlen(problem), sizeof(problem) - strlen(problem), "/%s", place->name);
}

static bool valid(const json_t *root, const json_t *schema, const json_t *value,
		  const struct place *place)
{
	struct check check = { root, place, schema };
	const char *name;
	json_t *want;

	if (!json_is_object(schema))
		die("not a schema", "");
	json_object_foreach((json_t *)schema, name, want)
	{
		size_t i = 0;

		while (i < sizeof(keywords) / sizeof(keywords[0]) && strcmp(keywords[i].name, name))
			i++;
		if (i == sizeof(keywords) / sizeof(keywords[0]))
			die("unknown keyword", name);
		if (keywords[i].check(&check, want, value))
			continue;
		if (!problem[0]) {
			print_place(place);
			snprintf(problem + strlen(problem), sizeof(problem) - strlen(problem),
				 ": %s", name);
		}
		return false;
	}
	return true;
}

const char *json_schema_check(const json_t *schema, const json_t *value)
{
	problem[0] = 0;
	return valid(schema, schema, value, NULL) ? NULL : problem;
}

/* Schemas stand below these keywords; values of all others are data. */
static void lint(const json_t *root, const json_t *schema)
{
	struct check check = { root, NULL, schema };
	const json_t *ref = json_object_get(schema, "$ref");
	const json_t *pattern = json_object_get(schema, "pattern");
	static const char *const single[] = { "items", "if", "then", "additionalProperties" };
	static const char *const many[] = { "anyOf", "allOf" };
	static const char *const named[] = { "properties", "definitions" };
	const char *name;
	json_t *inner;

	if (ref)
		key_ref(&check, ref, NULL);
	if (pattern)
		key_pattern(&check, pattern, json_null());
	for (size_t i = 0; i < 4; i++)
		if (json_is_object(json_object_get(schema, single[i])))
			lint(root, json_object_get(schema, single[i]));
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < json_array_size(json_object_get(schema, many[i])); k++)
			lint(root, json_array_get(json_object_get(schema, many[i]), k));
	for (size_t i = 0; i < 2; i++)
		json_object_foreach(json_object_get(schema, named[i]), name, inner)
			lint(root, inner);
}

void json_schema_lint(const json_t *root)
{
	lint(root, root);
}
