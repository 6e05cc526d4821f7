/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schema of tables of keys, see schema_json.h. */
#include "schema_json.h"

#include <ctype.h>

#include "buf.h"

static json_t *property(json_t *definitions, const struct schema_key *key);

json_t *schema_json_ref(const char *name)
{
	return json_pack("{s:o}", "$ref", json_sprintf("#/definitions/%s", name));
}

/* ---- scalars ---------------------------------------------------------------------- */

static void put_letter(struct buf *out, char c, enum key_match match)
{
	if (match != MATCH_EXACT && isalpha((unsigned char)c))
		buf_printf(out, "[%c%c]", tolower((unsigned char)c), toupper((unsigned char)c));
	else if (strchr("^$.[]|()*+?{}\\", c))
		buf_printf(out, "\\%c", c);
	else
		buf_char(out, c);
}

void schema_json_words(struct buf *out, const char *const *words, enum key_match match, bool empty)
{
	buf_printf(out, "%s", match == MATCH_TRIM ? "^\\s*(" : "^(");
	for (size_t i = 0; words[i]; i++) {
		if (i)
			buf_char(out, '|');
		for (const char *c = words[i]; *c; c++)
			put_letter(out, *c, match);
	}
	buf_printf(out, "%s%s", empty ? "|" : "", match == MATCH_TRIM ? ")\\s*$" : ")$");
}

/* The words to choose from, and a pattern for the other ways to write them. */
static void add_words(json_t *out, const struct schema_key *key)
{
	json_t *words = json_array();
	struct buf pattern = { 0 };

	for (size_t i = 0; key->words[i]; i++)
		json_array_append_new(words, json_string(key->words[i]));
	schema_json_words(&pattern, key->words, key->match, !key->required);
	json_object_set_new(
		out, "anyOf",
		json_pack("[{s:o} {s:s}]", "enum", words, "pattern", buf_cstr(&pattern)));
	buf_free(&pattern);
}

static void add_pattern(json_t *out, const struct schema_key *key)
{
	if (key->required)
		json_object_set_new(out, "pattern", json_string(key->pattern));
	else
		json_object_set_new(out, "pattern", json_sprintf("^$|%s", key->pattern));
}

/* Any scalar is a text; nothing at all is one unless it must be there. */
static json_t *text(const struct schema_key *key, bool in_list)
{
	json_t *types = json_pack("[s]", "string"), *out;

	if (!key->words || strpbrk(key->words[0], "0123456789")) {
		json_array_append_new(types, json_string("number"));
		json_array_append_new(types, json_string("boolean"));
	}
	if (!key->required || in_list)
		json_array_append_new(types, json_string("null"));
	out = json_pack("{s:o}", "type", types);
	if (key->required && !in_list)
		json_object_set_new(out, "minLength", json_integer(1));
	if (key->words)
		add_words(out, key);
	if (key->pattern)
		add_pattern(out, key);
	if (key->longest)
		json_object_set_new(out, "maxLength", json_integer(key->longest));
	if (key->example)
		json_object_set_new(out, "examples", json_pack("[s]", key->example));
	if (key->def) /* names that are known, and any other */
		json_object_set_new(
			out, "anyOf",
			json_pack("[o {s:s}]", schema_json_ref(key->def), "type", "string"));
	return out;
}

static json_t *boolean(void)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on",
					     "off",  "y",     "n",   NULL };
	struct buf pattern = { 0 };
	json_t *out;

	/* YAML 1.1's words, which an editor may take for strings. */
	schema_json_words(&pattern, words, MATCH_FOLD, false);
	out = json_pack("{s:[s s s] s:s}", "type", "boolean", "null", "string", "pattern",
			buf_cstr(&pattern));
	buf_free(&pattern);
	return out;
}

/* ---- maps and lists --------------------------------------------------------------- */

static bool has_required(const struct schema *schema)
{
	for (uint32_t i = 0; i < schema->count; i++)
		if (schema->keys[i].required)
			return true;
	return false;
}

/* A definition is of a map that is there; if nothing in it is required it may be empty. */
static json_t *map(json_t *definitions, const struct schema_key *key)
{
	json_t *ref = schema_json_ref(schema_json_define(definitions, key->of));

	if (key->required || !has_required(key->of))
		return ref;
	return json_pack("{s:[o {s:s}]}", "anyOf", ref, "type", "null");
}

static json_t *list(const struct schema_key *key, json_t *items)
{
	json_t *out = json_pack("{s:[s] s:o}", "type", "array", "items", items);

	if (key->required)
		json_object_set_new(out, "minItems", json_integer(1));
	else
		json_array_append_new(json_object_get(out, "type"), json_string("null"));
	return out;
}

static json_t *value(json_t *definitions, const struct schema_key *key)
{
	switch ((enum key_kind)key->kind) {
	case KEY_TEXT: return text(key, false);
	case KEY_BOOL: return boolean();
	case KEY_TEXTS: return list(key, text(key, true));
	case KEY_MAP: return map(definitions, key);
	case KEY_MAPS: return list(key, schema_json_ref(schema_json_define(definitions, key->of)));
	case KEY_PROPERTIES:
		return json_pack("{s:[s s] s:{s:[s s s s]}}", "type", "object", "null",
				 "additionalProperties", "type", "string", "number", "boolean",
				 "null");
	case KEY_ANY: break;
	}
	return json_object();
}

static json_t *property(json_t *definitions, const struct schema_key *key)
{
	json_t *out = value(definitions, key);

	json_object_set_new(out, "description", json_string(key->doc));
	return out;
}

/* "a field of produced_event": "field_of_produced_event". */
static const char *definition_name(const struct schema *schema, struct buf *out)
{
	const char *what = schema->what;

	if (!strncmp(what, "a ", 2) || !strncmp(what, "an ", 3))
		what = strchr(what, ' ') + 1;
	for (; *what; what++)
		buf_char(out, isalnum((unsigned char)*what) ? *what : '_');
	return buf_cstr(out);
}

const char *schema_json_define(json_t *definitions, const struct schema *schema)
{
	json_t *properties = json_object(), *required = json_array(), *out;
	struct buf scratch = { 0 };
	const char *name = definition_name(schema, &scratch), *kept;

	if (!json_object_get(definitions, name)) {
		out = json_pack("{s:s s:[s] s:b s:o}", "description", schema->what, "type",
				"object", "additionalProperties", 0, "properties", properties);
		json_object_set_new(definitions, name, out);
		for (uint32_t i = 0; i < schema->count; i++) {
			const struct schema_key *key = &schema->keys[i];

			json_object_set_new(properties, key->name, property(definitions, key));
			if (key->required)
				json_array_append_new(required, json_string(key->name));
		}
		if (json_array_size(required))
			json_object_set(out, "required", required);
		else
			json_array_append_new(json_object_get(out, "type"), json_string("null"));
	} else {
		json_decref(properties);
	}
	json_decref(required);
	kept = json_object_iter_key(json_object_iter_at(definitions, name));
	buf_free(&scratch);
	return kept;
}
