/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a YAML tree by a table of keys, see schema.h. */
#include "schema.h"

#include <errno.h>
#include <stdarg.h>

#include "suggest.h"

void report_add(struct report *report, const struct yaml_node *node, struct err *err)
{
	if (!err->code)
		err->code = -EINVAL;
	if (!err->line && !err->source[0])
		yaml_err_node(err, report->file, node);
	if (err->level == ERR_ERROR)
		report->errors++;
	err_list_add(report->problems, err);
}

static void add(struct report *report, const struct yaml_node *node, const char *rule,
		const char *hint, enum err_level level, const char *format, va_list args)
{
	struct err err = { .code = -EINVAL, .level = level, .rule = rule };

	vsnprintf(err.message, sizeof(err.message), format, args);
	if (hint)
		err_hint(&err, "%s", hint);
	report_add(report, node, &err);
}

void report_error(struct report *report, const struct yaml_node *node, const char *rule,
		  const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(report, node, rule, hint, ERR_ERROR, format, args);
	va_end(args);
}

void report_warning(struct report *report, const struct yaml_node *node, const char *rule,
		    const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(report, node, rule, hint, ERR_WARNING, format, args);
	va_end(args);
}

struct str schema_text(const struct yaml_node *node)
{
	return node ? node->text : STR("");
}

static const struct schema_key *find_key(const struct schema *schema, struct str name)
{
	for (uint32_t i = 0; i < schema->count; i++)
		if (str_equal(name, str_of(schema->keys[i].name)))
			return &schema->keys[i];
	return NULL;
}

/* {a: b, c}: the comma ended the value, c was meant to be part of it. */
static bool is_torn(const struct yaml_pair *pair)
{
	return pair->value->null && pair->value->start == pair->value->end &&
	       memchr(pair->key->text.data, ' ', pair->key->text.len);
}

static void unknown_key(struct report *report, const struct schema *schema,
			const struct yaml_pair *pair)
{
	struct err err = { .level = report->compat ? ERR_WARNING : ERR_ERROR,
			   .rule = "unknown-key" };
	struct suggest suggest;
	size_t len = 0;

	const struct yaml_node *key = pair->key;

	suggest_start(&suggest, key->text);
	for (uint32_t i = 0; i < schema->count; i++)
		suggest_try(&suggest, str_of(schema->keys[i].name));
	err_set(&err, -EINVAL, "unknown key '%s' in %s", key->text.data, schema->what);
	if (suggest.best.data) {
		err_hint(&err, "did you mean '%s'?", suggest.best.data);
	} else if (is_torn(pair)) {
		err_hint(&err, "within { } a text with a comma must be quoted");
	} else {
		len = (size_t)snprintf(err.hint, sizeof(err.hint), "known keys are");
		for (uint32_t i = 0; i < schema->count && len < sizeof(err.hint); i++)
			len += (size_t)snprintf(err.hint + len, sizeof(err.hint) - len, "%s %s",
						i ? "," : "", schema->keys[i].name);
	}
	report_add(report, key, &err);
}

static void wrong_kind(struct report *report, const struct yaml_node *node, const char *name,
		       const char *wanted)
{
	report_error(report, node, "kind", NULL, "'%s' must be %s, found %s", name, wanted,
		     yaml_describe(node));
}

static void read_text(struct report *report, const struct schema_key *key,
		      const struct yaml_node *value, const struct yaml_node **out)
{
	struct err err = { .level = ERR_ERROR, .rule = "value" };

	if (value->kind != YAML_SCALAR) {
		wrong_kind(report, value, key->name, "a string");
		return;
	}
	if (value->null || value->text.len == 0)
		return;
	*out = value;
	if (key->check && key->check(value, report->compat, &err))
		report_add(report, value, &err);
}

static void read_bool(struct report *report, const struct schema_key *key,
		      const struct yaml_node *value, bool *out)
{
	if (!value->null && !yaml_bool(value, out))
		wrong_kind(report, value, key->name, "true or false");
}

static void read_texts(struct report *report, const struct schema_key *key,
		       const struct yaml_node *value, struct texts *out)
{
	struct err err = { .level = ERR_ERROR, .rule = "value" };

	if (value->null)
		return;
	if (value->kind != YAML_LIST) {
		wrong_kind(report, value, key->name, "a list of strings");
		return;
	}
	*out = (struct texts){ value, value->items, value->count };
	for (uint32_t i = 0; i < value->count; i++) {
		if (value->items[i]->kind != YAML_SCALAR) {
			report_error(report, value->items[i], "kind",
				     "a text with \": \" in it must be quoted",
				     "'%s' must be a list of strings, found %s in it", key->name,
				     yaml_describe(value->items[i]));
			out->count = MIN(out->count, i); /* nobody looks at what follows */
		} else if (key->check && key->check(value->items[i], report->compat, &err)) {
			report_add(report, value->items[i], &err);
			err = (struct err){ .level = ERR_ERROR, .rule = "value" };
		}
	}
}

static void read_properties(struct report *report, const struct schema_key *key,
			    const struct yaml_node *value, const struct yaml_node **out)
{
	if (value->null)
		return;
	if (value->kind != YAML_MAP) {
		wrong_kind(report, value, key->name, "a map");
		return;
	}
	for (uint32_t i = 0; i < value->count; i++)
		if (value->pairs[i].value->kind != YAML_SCALAR)
			wrong_kind(report, value->pairs[i].value, value->pairs[i].key->text.data,
				   "a string");
	*out = value;
}

static void read_maps(struct report *report, const struct schema_key *key,
		      const struct yaml_node *value, struct maps *out)
{
	if (value->null)
		return;
	if (value->kind != YAML_LIST) {
		wrong_kind(report, value, key->name, "a list");
		return;
	}
	char *items = arena_zalloc(report->arena, (size_t)key->of->size * (value->count + 1));

	if (!items)
		return;
	*out = (struct maps){ value, items, value->count };
	for (uint32_t i = 0; i < value->count; i++)
		schema_read(report, key->of, value->items[i], items + (size_t)key->of->size * i);
}

static void read_value(struct report *report, const struct schema_key *key,
		       const struct yaml_node *value, void *member)
{
	switch ((enum key_kind)key->kind) {
	case KEY_TEXT: read_text(report, key, value, member); break;
	case KEY_BOOL: read_bool(report, key, value, member); break;
	case KEY_TEXTS: read_texts(report, key, value, member); break;
	case KEY_MAP:
		if (!value->null)
			schema_read(report, key->of, value, member);
		break;
	case KEY_MAPS: read_maps(report, key, value, member); break;
	case KEY_PROPERTIES: read_properties(report, key, value, member); break;
	case KEY_ANY: *(const struct yaml_node **)member = value->null ? NULL : value; break;
	}
}

/* All kinds but bool begin with a node that is NULL when nothing was given. */
static bool is_missing(const struct schema_key *key, const void *member)
{
	if (key->kind == KEY_BOOL)
		return false;
	if (key->kind == KEY_TEXTS)
		return ((const struct texts *)member)->count == 0;
	if (key->kind == KEY_MAPS)
		return ((const struct maps *)member)->count == 0;
	return *(const struct yaml_node *const *)member == NULL;
}

void schema_read(struct report *report, const struct schema *schema, const struct yaml_node *map,
		 void *out)
{
	uint32_t before = report->errors;
	char hint[256];

	if (!map) {
		report_error(report, NULL, "missing-key", NULL, "%s is empty", schema->what);
		return;
	}
	if (map->kind != YAML_MAP && !map->null) {
		wrong_kind(report, map, schema->what, "a map");
		return;
	}
	*(const struct yaml_node **)out = map;
	for (uint32_t i = 0; i < map->count; i++) {
		const struct schema_key *key = find_key(schema, map->pairs[i].key->text);

		if (key)
			read_value(report, key, map->pairs[i].value, (char *)out + key->offset);
		else
			unknown_key(report, schema, &map->pairs[i]);
	}
	for (uint32_t i = 0; i < schema->count; i++) {
		const struct schema_key *key = &schema->keys[i];
		const struct yaml_node *value = yaml_get(map, key->name);

		if (!key->required || !is_missing(key, (char *)out + key->offset))
			continue;
		/* A value of the wrong kind has been reported already. */
		if (value && value->kind != YAML_SCALAR && value->count && report->errors > before)
			continue;
		snprintf(hint, sizeof(hint), "%s: %s", key->name, key->doc);
		report_error(report, value ? value : map, "missing-key", hint, "%s",
			     key->missing ? key->missing : "missing required field");
	}
}
