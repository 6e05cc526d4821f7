/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protobuf's well-known messages. An expression can make one, google.protobuf.Int32Value{value: 1},
 * but what it gets is the value that the message stands for: nothing in CEL sees the message.
 */
#include "internal.h"

typedef struct value (*known_fn)(struct cel_run *run, const struct value *fields);

/* Fields that are unset have VALUE_TAG_COUNT. */
static bool is_set(const struct value *field)
{
	return field->tag != VALUE_TAG_COUNT;
}

#define SCALAR(name, zero) \
	static struct value name(struct cel_run *run, const struct value *fields) \
	{ \
		(void)run; \
		return is_set(fields) ? fields[0] : zero; \
	}
SCALAR(bool_value, value_bool(false))
SCALAR(bytes_value, value_bytes("", 0))
SCALAR(double_value, value_double(0))
SCALAR(int64_value, value_int(0))
SCALAR(string_value, value_string("", 0))
SCALAR(uint64_value, value_uint(0))

static struct value int32_value(struct cel_run *run, const struct value *fields)
{
	struct value v = int64_value(run, fields);

	return v.tag == VALUE_INT && v.i != (int32_t)v.i ? ERROR_TEXT("integer beyond 32 bits") : v;
}

static struct value uint32_value(struct cel_run *run, const struct value *fields)
{
	struct value v = uint64_value(run, fields);

	return v.tag == VALUE_UINT && v.u > UINT32_MAX ? ERROR_TEXT("integer beyond 32 bits") : v;
}

static struct value float_value(struct cel_run *run, const struct value *fields)
{
	struct value v = double_value(run, fields);

	return v.tag == VALUE_DOUBLE ? value_double((float)v.d) : v;
}

/* ---- JSON's values ---------------------------------------------------------- */

enum { JSON_DEPTH_MAX = 100 };

static struct value json_of(struct cel_run *run, struct value v, uint32_t depth);

static struct value json_list(struct cel_run *run, struct value v, uint32_t depth)
{
	struct value_list *list = list_new(run, v.list->count);

	if (!list)
		return ERROR_MEMORY;
	for (uint32_t i = 0; i < v.list->count; i++) {
		list->items[i] = json_of(run, v.list->items[i], depth);
		if (value_is_error(list->items[i]))
			return list->items[i];
		list->count++;
	}
	return value_of_list(list);
}

static struct value json_map(struct cel_run *run, struct value v, uint32_t depth)
{
	struct value_map *map = map_new(run, v.map->count);

	if (!map)
		return ERROR_MEMORY;
	for (uint32_t i = 0; i < v.map->count; i++) {
		struct value_entry entry = v.map->entries[i];

		if (entry.key.tag != VALUE_STRING)
			return ERROR_TEXT("a key that JSON does not have");
		entry.value = json_of(run, entry.value, depth);
		if (value_is_error(entry.value))
			return entry.value;
		map->entries[map->count++] = entry;
	}
	return value_of_map(map);
}

/* Integers that a double cannot hold are text in JSON. */
static struct value json_integer(struct cel_run *run, struct value v)
{
	bool negative = v.tag == VALUE_INT && v.i < 0;
	uint64_t size = negative ? -(uint64_t)v.i : v.u;
	char text[24];

	if (size < 1ULL << 53)
		return value_double(negative ? -(double)size : (double)size);
	snprintf(text, sizeof(text), "%s%llu", negative ? "-" : "", (unsigned long long)size);
	return value_text_of(run, text, strlen(text));
}

static struct value json_of(struct cel_run *run, struct value v, uint32_t depth)
{
	if (!cel_spend(run, 1) || depth == JSON_DEPTH_MAX)
		return ERROR_BUDGET;
	switch (v.tag) {
	case VALUE_NULL:
	case VALUE_BOOL:
	case VALUE_DOUBLE:
	case VALUE_STRING:
	case VALUE_ERROR: return v;
	case VALUE_INT:
	case VALUE_UINT: return json_integer(run, v);
	case VALUE_LIST: return json_list(run, v, depth + 1);
	case VALUE_MAP: return json_map(run, v, depth + 1);
	default: return ERROR_TEXT("a value that JSON does not have");
	}
}

/* The field that is set; fields are a oneof, so the last one wins. */
static struct value json_value(struct cel_run *run, const struct value *fields)
{
	enum { FIELDS = 6 };

	for (uint32_t i = FIELDS; i-- > 0;)
		if (is_set(&fields[i]))
			return json_of(run, fields[i], 0);
	return value_null();
}

static struct value json_struct(struct cel_run *run, const struct value *fields)
{
	if (is_set(fields))
		return json_of(run, fields[0], 0);
	struct value_map *map = map_new(run, 0);

	return map ? value_of_map(map) : ERROR_MEMORY;
}

static struct value json_list_value(struct cel_run *run, const struct value *fields)
{
	return is_set(fields) ? json_of(run, fields[0], 0) : value_list_of(run, NULL, 0);
}

/* ---- the others ------------------------------------------------------------- */

static int64_t integer(const struct value *field)
{
	return is_set(field) && field->tag == VALUE_INT ? field->i : 0;
}

static struct value timestamp(struct cel_run *run, const struct value *fields)
{
	int64_t seconds = integer(&fields[0]), nanos = integer(&fields[1]);

	if (seconds < TIME_SECONDS_MIN || seconds > TIME_SECONDS_MAX || nanos < 0 ||
	    nanos >= 1000000000)
		return ERROR_TEXT("timestamp out of range");
	return value_time(run, seconds, (int32_t)nanos, 0);
}

static struct value duration(struct cel_run *run, const struct value *fields)
{
	int64_t seconds = integer(&fields[0]), nanos = integer(&fields[1]), result;

	(void)run;
	if (nanos <= -1000000000 || nanos >= 1000000000 ||
	    __builtin_mul_overflow(seconds, 1000000000, &result) ||
	    __builtin_add_overflow(result, nanos, &result))
		return ERROR_TEXT("duration out of range");
	return value_duration(result);
}

/* What is packed is not known here: no message of an event holds one. */
static struct value any(struct cel_run *run, const struct value *fields)
{
	(void)run, (void)fields;
	return ERROR_TEXT("conversion of a google.protobuf.Any whose type is not known");
}

#define FIELD(name, type) \
	{ \
		name, type, NULL, NULL \
	}
static const struct cel_field bool_fields[] = { FIELD("value", "bool") };
static const struct cel_field bytes_fields[] = { FIELD("value", "bytes") };
static const struct cel_field double_fields[] = { FIELD("value", "double") };
static const struct cel_field int_fields[] = { FIELD("value", "int") };
static const struct cel_field string_fields[] = { FIELD("value", "string") };
static const struct cel_field uint_fields[] = { FIELD("value", "uint") };
static const struct cel_field list_fields[] = { FIELD("values", "list(dyn)") };
static const struct cel_field struct_fields[] = { FIELD("fields", "map(string, dyn)") };
static const struct cel_field time_fields[] = { FIELD("seconds", "int"), FIELD("nanos", "int") };
static const struct cel_field any_fields[] = { FIELD("type_url", "string"),
					       FIELD("value", "bytes") };
static const struct cel_field json_fields[] = {
	FIELD("null_value", "google.protobuf.NullValue"),
	FIELD("number_value", "double"),
	FIELD("string_value", "string"),
	FIELD("bool_value", "bool"),
	FIELD("struct_value", "map(string, dyn)"),
	FIELD("list_value", "list(dyn)"),
};

#define KNOWN(name, fields, make) \
	{ \
		{ "google.protobuf." name, fields, ARRAY_SIZE(fields) }, make \
	}
static const struct known {
	struct cel_message message;
	known_fn make;
} known[] = {
	KNOWN("Any", any_fields, any),
	KNOWN("BoolValue", bool_fields, bool_value),
	KNOWN("BytesValue", bytes_fields, bytes_value),
	KNOWN("DoubleValue", double_fields, double_value),
	KNOWN("Duration", time_fields, duration),
	KNOWN("FloatValue", double_fields, float_value),
	KNOWN("Int32Value", int_fields, int32_value),
	KNOWN("Int64Value", int_fields, int64_value),
	KNOWN("ListValue", list_fields, json_list_value),
	KNOWN("StringValue", string_fields, string_value),
	KNOWN("Struct", struct_fields, json_struct),
	KNOWN("Timestamp", time_fields, timestamp),
	KNOWN("UInt32Value", uint_fields, uint32_value),
	KNOWN("UInt64Value", uint_fields, uint64_value),
	KNOWN("Value", json_fields, json_value),
};

const struct cel_message *known_message(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_equal(str_of(known[i].message.name), name))
			return &known[i].message;
	return NULL;
}

static const struct known *known_of(const struct cel_message *message)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (message == &known[i].message)
			return &known[i];
	return NULL;
}

bool message_is_known(const struct cel_message *message)
{
	return known_of(message) != NULL;
}

struct value message_make(struct cel_run *run, const struct cel_message *message,
			  const struct value *fields)
{
	const struct known *type = known_of(message);
	struct cel_object *object;

	if (type)
		return type->make(run, fields);
	object = arena_alloc(run->arena, sizeof(*object));
	if (!object)
		return ERROR_MEMORY;
	*object = (struct cel_object){ .type = message, .literal = fields };
	return (struct value){ .tag = VALUE_MESSAGE, .object = object };
}
