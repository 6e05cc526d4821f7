/* SPDX-License-Identifier: Apache-2.0 */
/* Values of recorded cases: from JSON, and compared with JSON. */
#include "vectors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cel/cel.h"

int tally_end(const struct tally *tally)
{
	printf("%u passed, %u failed, %u skipped\n", tally->passed, tally->failed, tally->skipped);
	return tally->failed ? 1 : 0;
}

bool json_flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* ---- from JSON ------------------------------------------------------------ */

static struct value text_value(struct arena *arena, const json_t *json)
{
	return value_str(arena_str(arena, json_string_value(json), json_string_length(json)));
}

static int hex(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static struct value bytes_value(struct arena *arena, const json_t *json)
{
	const char *text = json_string_value(json);
	size_t len = json_string_length(json) / 2;
	char *bytes = arena_alloc(arena, len + 1);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(hex(text[2 * i]) * 16 + hex(text[2 * i + 1]));
	return value_bytes(bytes, (uint32_t)len);
}

static bool list_value(struct arena *arena, const json_t *json, struct value *out)
{
	size_t count = json_array_size(json);
	struct value_list *list = arena_zalloc(arena, sizeof(*list) + count * sizeof(struct value));

	list->count = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		if (!value_of_json(arena, json_array_get(json, i), &list->items[i]))
			return false;
	*out = (struct value){ .tag = VALUE_LIST, .len = list->count, .list = list };
	return true;
}

static bool map_value(struct arena *arena, const json_t *json, struct value *out)
{
	size_t count = json_array_size(json);
	struct value_map *map = arena_zalloc(arena,
					     sizeof(*map) + count * sizeof(struct value_entry));

	map->count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		const json_t *pair = json_array_get(json, i);

		if (!value_of_json(arena, json_array_get(pair, 0), &map->entries[i].key) ||
		    !value_of_json(arena, json_array_get(pair, 1), &map->entries[i].value))
			return false;
	}
	*out = (struct value){ .tag = VALUE_MAP, .len = map->count, .map = map };
	return true;
}

/* "seconds", with "nanos" beside it */
static bool time_value(struct arena *arena, const json_t *json, struct value *out)
{
	long long seconds = strtoll(json_text(json, "value"), NULL, 10);
	const json_t *inner = json_object_get(json, "value");
	json_int_t nanos = json_integer_value(json_object_get(json, "nanos"));

	if (json_is_object(inner)) {
		seconds = strtoll(json_text(inner, "seconds"), NULL, 10);
		nanos = json_integer_value(json_object_get(inner, "nanos"));
	} else if (json_object_get(json, "seconds")) {
		seconds = strtoll(json_text(json, "seconds"), NULL, 10);
	}
	if (strcmp(json_text(json, "type"), "duration") == 0) {
		*out = (struct value){ .tag = VALUE_DURATION, .i = seconds * 1000000000 + nanos };
		return true;
	}
	struct cel_time *time = arena_zalloc(arena, sizeof(*time));

	*time = (struct cel_time){ seconds, (int32_t)nanos, 0 };
	*out = (struct value){ .tag = VALUE_TIMESTAMP, .object = time };
	return true;
}

static double double_of_text(const char *text)
{
	if (strcmp(text, "NaN") == 0)
		return NAN;
	if (strstr(text, "Infinity"))
		return text[0] == '-' ? -INFINITY : INFINITY;
	return strtod(text, NULL);
}

/* ---- messages of google.protobuf that stand for a value -------------------------- */

/* A message is a list of [name, payload], in the order they were written. */
static const json_t *field_of(const json_t *fields, const char *name)
{
	const json_t *found = NULL;
	size_t i;
	json_t *field;

	json_array_foreach(fields, i, field) if (strcmp(json_string_value(json_array_get(field, 0)),
							name) == 0)
		found = json_array_get(field, 1);
	return found;
}

static bool json_message(struct arena *arena, const json_t *fields, struct value *out);

static bool json_items(struct arena *arena, const json_t *fields, struct value *out)
{
	size_t count = json_array_size(fields), i;
	struct value_list *list = arena_zalloc(arena, sizeof(*list) + count * sizeof(*out));
	json_t *field;

	json_array_foreach(fields, i,
			   field) if (!json_message(arena, json_array_get(field, 1),
						    &list->items[list->count++])) return false;
	*out = (struct value){ .tag = VALUE_LIST, .len = list->count, .list = list };
	return true;
}

static bool json_entries(struct arena *arena, const json_t *fields, struct value *out)
{
	size_t count = json_array_size(fields), i;
	struct value_map *map = arena_zalloc(arena,
					     sizeof(*map) + count * sizeof(struct value_entry));
	json_t *field;

	json_array_foreach(fields, i, field)
	{
		const json_t *pair = json_array_get(field, 1);
		struct value_entry *entry = &map->entries[map->count++];

		entry->key = text_value(arena, json_object_get(field_of(pair, "key"), "str"));
		if (!json_message(arena, field_of(pair, "value"), &entry->value))
			return false;
	}
	*out = (struct value){ .tag = VALUE_MAP, .len = map->count, .map = map };
	return true;
}

/* google.protobuf.Value */
static bool json_message(struct arena *arena, const json_t *fields, struct value *out)
{
	const json_t *payload;

	*out = value_null();
	if ((payload = field_of(fields, "number_value")))
		*out = value_double(strtod(json_text(payload, "num"), NULL));
	else if ((payload = field_of(fields, "string_value")))
		*out = text_value(arena, json_object_get(payload, "str"));
	else if ((payload = field_of(fields, "bool_value")))
		*out = value_bool(strcmp(json_text(payload, "word"), "true") == 0);
	else if ((payload = field_of(fields, "list_value")))
		return json_items(arena, payload, out);
	else if ((payload = field_of(fields, "struct_value")))
		return json_entries(arena, payload, out);
	return true;
}

static bool wrapper(struct arena *arena, const char *message, const json_t *payload,
		    struct value *out)
{
	const char *number = payload ? json_text(payload, "num") : "0";

	if (strncmp(message, "UInt", 4) == 0)
		*out = value_uint(strtoull(number, NULL, 10));
	else if (strncmp(message, "Int", 3) == 0)
		*out = value_int(strtoll(number, NULL, 10));
	else if (strcmp(message, "DoubleValue") == 0 || strcmp(message, "FloatValue") == 0)
		*out = value_double(strtod(number, NULL));
	else if (strcmp(message, "BoolValue") == 0)
		*out = value_bool(payload && strcmp(json_text(payload, "word"), "true") == 0);
	else if (strcmp(message, "StringValue") == 0)
		*out = payload ? text_value(arena, json_object_get(payload, "str"))
			       : value_string("", 0);
	else if (strcmp(message, "BytesValue") == 0)
		*out = payload ? bytes_value(arena, json_object_get(payload, "hex"))
			       : value_bytes("", 0);
	else
		return false;
	return true;
}

static bool object_value(struct arena *arena, const json_t *json, struct value *out)
{
	static const char package[] = "google.protobuf.";
	const char *message = json_text(json, "message");
	const json_t *fields = json_object_get(json, "fields");

	if (strncmp(message, package, strlen(package)) != 0)
		return false;
	message += strlen(package);
	if (strcmp(message, "Value") == 0)
		return json_message(arena, fields, out);
	if (strcmp(message, "ListValue") == 0)
		return json_items(arena, fields, out);
	if (strcmp(message, "Struct") == 0)
		return json_entries(arena, fields, out);
	return wrapper(arena, message, field_of(fields, "value"), out);
}

bool value_of_json(struct arena *arena, const json_t *json, struct value *out)
{
	const char *type = json_text(json, "type"), *text = json_text(json, "value");
	const json_t *value = json_object_get(json, "value");

	if (strcmp(type, "null") == 0)
		*out = value_null();
	else if (strcmp(type, "bool") == 0)
		*out = value_bool(json_is_true(value));
	else if (strcmp(type, "int") == 0)
		*out = value_int(strtoll(text, NULL, 10));
	else if (strcmp(type, "uint") == 0)
		*out = value_uint(strtoull(text, NULL, 10));
	else if (strcmp(type, "double") == 0)
		*out = value_double(double_of_text(text));
	else if (strcmp(type, "string") == 0)
		*out = text_value(arena, value);
	else if (strcmp(type, "bytes") == 0)
		*out = bytes_value(
			arena, json_object_get(json, "hex") ? json_object_get(json, "hex") : value);
	else if (strcmp(type, "list") == 0)
		return list_value(arena, value, out);
	else if (strcmp(type, "map") == 0)
		return map_value(arena, value, out);
	else if (strcmp(type, "timestamp") == 0 || strcmp(type, "duration") == 0)
		return time_value(arena, json, out);
	else if (strcmp(type, "object") == 0)
		return object_value(arena, json, out);
	else if (strcmp(type, "type") == 0)
		*out = (struct value){ .tag = VALUE_TYPE,
				       .len = (uint32_t)json_string_length(value),
				       .str = json_string_value(value) };
	else
		return false;
	return true;
}

/* ---- against JSON --------------------------------------------------------- */

static bool same_items(struct value a, struct value b);

/* Stricter than ==: the kind must be the same; NaN is NaN. */
static bool same(struct value a, struct value b)
{
	if (a.tag != b.tag)
		return false;
	if (a.tag == VALUE_DOUBLE)
		return (isnan(a.d) && isnan(b.d)) || (a.d == b.d && signbit(a.d) == signbit(b.d));
	if (a.tag == VALUE_LIST || a.tag == VALUE_MAP)
		return same_items(a, b);
	return cel_equal(a, b);
}

static bool has_entry(const struct value_map *map, const struct value_entry *entry)
{
	for (uint32_t i = 0; i < map->count; i++)
		if (same(map->entries[i].key, entry->key))
			return same(map->entries[i].value, entry->value);
	return false;
}

static bool same_items(struct value a, struct value b)
{
	if (a.tag == VALUE_LIST) {
		if (a.list->count != b.list->count)
			return false;
		for (uint32_t i = 0; i < a.list->count; i++)
			if (!same(a.list->items[i], b.list->items[i]))
				return false;
		return true;
	}
	if (a.map->count != b.map->count)
		return false;
	for (uint32_t i = 0; i < a.map->count; i++)
		if (!has_entry(b.map, &a.map->entries[i]))
			return false;
	return true;
}

bool value_is_json(struct value v, const json_t *json)
{
	struct arena arena = { .limit = 0 };
	struct value want;
	bool result = value_of_json(&arena, json, &want) && same(v, want);

	arena_free(&arena);
	return result;
}

/* ---- types ---------------------------------------------------------------- */

static bool print_type(struct buf *out, const json_t *json);

static bool print_types(struct buf *out, const json_t *array)
{
	size_t i;
	json_t *item;

	buf_char(out, '(');
	json_array_foreach(array, i, item)
	{
		if (i)
			buf_lit(out, ", ");
		if (!print_type(out, item))
			return false;
	}
	buf_char(out, ')');
	return true;
}

static bool print_wrapped(struct buf *out, const char *name, const json_t *inner)
{
	buf_printf(out, "%s(", name);
	if (!print_type(out, inner))
		return false;
	buf_char(out, ')');
	return true;
}

static bool print_type(struct buf *out, const json_t *json)
{
	const json_t *inner;

	if (json_is_string(json)) {
		const char *name = json_string_value(json);

		buf_printf(out, "%s",
			   strcmp(name, "null") == 0	    ? "null_type"
			   : strcmp(name, "timestamp") == 0 ? "google.protobuf.Timestamp"
			   : strcmp(name, "duration") == 0  ? "google.protobuf.Duration"
							    : name);
		return true;
	}
	if ((inner = json_object_get(json, "list")))
		return print_wrapped(out, "list", inner);
	if ((inner = json_object_get(json, "wrapper")))
		return print_wrapped(out, "wrapper", inner);
	if ((inner = json_object_get(json, "type")))
		return print_wrapped(out, "type", inner);
	if ((inner = json_object_get(json, "map"))) {
		buf_lit(out, "map");
		return print_types(out, inner);
	}
	if (json_object_get(json, "param") || json_object_get(json, "message")) {
		buf_printf(out, "%s%s", json_text(json, "param"), json_text(json, "message"));
		return true;
	}
	if (json_object_get(json, "abstract")) {
		buf_printf(out, "%s", json_text(json, "abstract"));
		return print_types(out, json_object_get(json, "params"));
	}
	return false;
}

const char *type_of_json(struct arena *arena, const json_t *json)
{
	struct buf text = { .limit = 4096 };
	struct str copy = { 0 };

	if (print_type(&text, json))
		copy = arena_str(arena, text.data, text.len);
	buf_free(&text);
	return copy.data;
}
