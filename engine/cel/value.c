/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values: making them in the run's arena, copying, comparing, and finding one inside another.
 *
 * Invariant: equality is never an error; what costs more than a few bytes takes steps from
 * the budget, and a budget that runs out ends the evaluation (see vm.c), whatever was returned.
 */
#include <math.h>
#include <stdarg.h>

#include "internal.h"

enum { BYTES_PER_STEP = 64 };

const struct value value_none = { .tag = VALUE_OPTIONAL };

/* ---- making --------------------------------------------------------------- */

struct value cel_error(struct cel_run *run, const char *format, ...)
{
	char text[256];
	va_list args;
	int len;
	struct str copy;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	copy = arena_str(run->arena, text, MIN((size_t)MAX(len, 0), sizeof(text) - 1));
	if (!copy.data)
		return ERROR_MEMORY;
	return (struct value){ .tag = VALUE_ERROR, .len = copy.len, .str = copy.data };
}

struct value value_text_of(struct cel_run *run, const char *data, size_t len)
{
	struct str copy;

	if (!cel_spend(run, len / BYTES_PER_STEP))
		return ERROR_BUDGET;
	copy = arena_str(run->arena, data, len);
	return copy.data ? value_str(copy) : ERROR_MEMORY;
}

struct value_list *list_new(struct cel_run *run, uint32_t capacity)
{
	struct value_list *list;

	if (!cel_spend(run, capacity / 4))
		return NULL;
	list = arena_alloc(run->arena, sizeof(*list) + (size_t)capacity * sizeof(struct value));
	if (list)
		list->count = 0;
	return list;
}

struct value_map *map_new(struct cel_run *run, uint32_t capacity)
{
	struct value_map *map;

	if (!cel_spend(run, capacity / 2))
		return NULL;
	map = arena_alloc(run->arena, sizeof(*map) + (size_t)capacity * sizeof(struct value_entry));
	if (map)
		map->count = 0;
	return map;
}

struct value value_of_list(const struct value_list *list)
{
	return (struct value){ .tag = VALUE_LIST, .len = list->count, .list = list };
}

struct value value_of_map(const struct value_map *map)
{
	return (struct value){ .tag = VALUE_MAP, .len = map->count, .map = map };
}

struct value value_list_of(struct cel_run *run, const struct value *items, uint32_t count)
{
	struct value_list *list = list_new(run, count);

	if (!list)
		return ERROR_MEMORY;
	if (count)
		memcpy(list->items, items, count * sizeof(*items));
	list->count = count;
	return value_of_list(list);
}

struct value value_time(struct cel_run *run, int64_t seconds, int32_t nanos, int32_t offset)
{
	struct cel_time *time;

	if (seconds < TIME_SECONDS_MIN || seconds > TIME_SECONDS_MAX)
		return ERROR_TEXT("timestamp overflow");
	time = arena_alloc(run->arena, sizeof(*time));
	if (!time)
		return ERROR_MEMORY;
	*time = (struct cel_time){ seconds, nanos, offset };
	return (struct value){ .tag = VALUE_TIMESTAMP, .object = time };
}

struct value value_optional(struct cel_run *run, struct value v)
{
	struct value *copy;

	if (value_is_error(v))
		return v;
	copy = arena_alloc(run->arena, sizeof(*copy));
	if (!copy)
		return ERROR_MEMORY;
	*copy = v;
	return (struct value){ .tag = VALUE_OPTIONAL, .object = copy };
}

/* ---- copying -------------------------------------------------------------- */

static bool copy_list(struct arena *arena, struct value v, struct value *out)
{
	struct value_list *list = arena_alloc(arena,
					      sizeof(*list) + v.list->count * sizeof(struct value));

	if (!list)
		return false;
	list->count = v.list->count;
	for (uint32_t i = 0; i < list->count; i++)
		if (!value_copy(arena, v.list->items[i], &list->items[i]))
			return false;
	out->list = list;
	return true;
}

static bool copy_map(struct arena *arena, struct value v, struct value *out)
{
	struct value_map *map = arena_alloc(
		arena, sizeof(*map) + v.map->count * sizeof(struct value_entry));

	if (!map)
		return false;
	map->count = v.map->count;
	for (uint32_t i = 0; i < map->count; i++)
		if (!value_copy(arena, v.map->entries[i].key, &map->entries[i].key) ||
		    !value_copy(arena, v.map->entries[i].value, &map->entries[i].value))
			return false;
	out->map = map;
	return true;
}

static bool copy_object(struct arena *arena, const void *object, size_t size, struct value *out)
{
	void *copy = arena_alloc(arena, size);

	if (!copy)
		return false;
	memcpy(copy, object, size);
	out->object = copy;
	return true;
}

bool value_copy(struct arena *arena, struct value v, struct value *out)
{
	struct value inner, copy = v;
	bool copied = true;

	switch ((enum value_tag)v.tag) {
	case VALUE_STRING:
	case VALUE_BYTES:
	case VALUE_TYPE:
	case VALUE_ERROR:
		copy.str = arena_str(arena, v.str, v.len).data;
		copied = copy.str != NULL;
		break;
	case VALUE_TIMESTAMP:
		copied = copy_object(arena, v.object, sizeof(struct cel_time), &copy);
		break;
	case VALUE_LIST: copied = copy_list(arena, v, &copy); break;
	case VALUE_MAP: copied = copy_map(arena, v, &copy); break;
	case VALUE_OPTIONAL:
		if (v.object) {
			copied = value_copy(arena, *(const struct value *)v.object, &inner) &&
				 copy_object(arena, &inner, sizeof(inner), &copy);
		}
		break;
	default: break; /* the rest holds no memory, or (messages) what its maker owns */
	}
	if (copied)
		*out = copy;
	return copied;
}

/* ---- names ---------------------------------------------------------------- */

struct str value_type_name(struct value v)
{
	static const struct str names[] = {
		[VALUE_NULL] = STR("null_type"),
		[VALUE_BOOL] = STR("bool"),
		[VALUE_INT] = STR("int"),
		[VALUE_UINT] = STR("uint"),
		[VALUE_DOUBLE] = STR("double"),
		[VALUE_STRING] = STR("string"),
		[VALUE_BYTES] = STR("bytes"),
		[VALUE_TIMESTAMP] = STR("google.protobuf.Timestamp"),
		[VALUE_DURATION] = STR("google.protobuf.Duration"),
		[VALUE_LIST] = STR("list"),
		[VALUE_MAP] = STR("map"),
		[VALUE_MESSAGE] = STR("message"),
		[VALUE_TYPE] = STR("type"),
		[VALUE_OPTIONAL] = STR("optional_type"),
		[VALUE_ERROR] = STR("error"),
	};

	if (v.tag == VALUE_MESSAGE)
		return str_of(((const struct cel_object *)v.object)->type->name);
	return names[v.tag];
}

/* ---- order ---------------------------------------------------------------- */

#define ORDER(a, b) ((a) < (b) ? ORDER_LESS : (a) > (b) ? ORDER_GREATER : ORDER_EQUAL)

static enum order order_doubles(double a, double b)
{
	return isnan(a) || isnan(b) ? ORDER_NAN : ORDER(a, b);
}

static enum order order_int_uint(int64_t a, uint64_t b)
{
	return a < 0 ? ORDER_LESS : ORDER((uint64_t)a, b);
}

/* As cel-go: outside the range of the integer it is decided, inside it compares as double. */
static enum order order_int_double(int64_t a, double b)
{
	if (b < -0x1p63)
		return ORDER_GREATER;
	if (b > 0x1p63)
		return ORDER_LESS;
	return order_doubles((double)a, b);
}

static enum order order_uint_double(uint64_t a, double b)
{
	if (b < 0)
		return ORDER_GREATER;
	if (b > 0x1p64)
		return ORDER_LESS;
	return order_doubles((double)a, b);
}

static enum order reverse(enum order order)
{
	return order == ORDER_LESS ? ORDER_GREATER : order == ORDER_GREATER ? ORDER_LESS : order;
}

static enum order order_numbers(struct value a, struct value b)
{
	switch (a.tag) {
	case VALUE_INT:
		return b.tag == VALUE_UINT     ? order_int_uint(a.i, b.u)
		       : b.tag == VALUE_DOUBLE ? order_int_double(a.i, b.d)
					       : ORDER_NONE;
	case VALUE_UINT:
		return b.tag == VALUE_INT      ? reverse(order_int_uint(b.i, a.u))
		       : b.tag == VALUE_DOUBLE ? order_uint_double(a.u, b.d)
					       : ORDER_NONE;
	case VALUE_DOUBLE:
		return b.tag == VALUE_INT    ? reverse(order_int_double(b.i, a.d))
		       : b.tag == VALUE_UINT ? reverse(order_uint_double(b.u, a.d))
					     : ORDER_NONE;
	default: return ORDER_NONE;
	}
}

static enum order order_texts(struct value a, struct value b)
{
	uint32_t len = MIN(a.len, b.len);
	int order = len ? memcmp(a.str, b.str, len) : 0;

	return order ? ORDER(order, 0) : ORDER(a.len, b.len);
}

static enum order order_times(const struct cel_time *a, const struct cel_time *b)
{
	return a->seconds != b->seconds ? ORDER(a->seconds, b->seconds) : ORDER(a->nanos, b->nanos);
}

enum order values_order(struct value a, struct value b)
{
	if (a.tag != b.tag)
		return order_numbers(a, b);
	switch (a.tag) {
	case VALUE_BOOL: return ORDER(a.b, b.b);
	case VALUE_INT:
	case VALUE_DURATION: return ORDER(a.i, b.i);
	case VALUE_UINT: return ORDER(a.u, b.u);
	case VALUE_DOUBLE: return order_doubles(a.d, b.d);
	case VALUE_STRING:
	case VALUE_BYTES: return order_texts(a, b);
	case VALUE_TIMESTAMP: return order_times(value_as_time(a), value_as_time(b));
	default: return ORDER_NONE;
	}
}

struct value values_compare(enum operation operation, struct value a, struct value b)
{
	enum order order;

	if (value_is_error(a))
		return a;
	if (value_is_error(b))
		return b;
	order = values_order(a, b);
	if (order == ORDER_NONE)
		return ERROR_NO_OVERLOAD;
	if (order == ORDER_NAN)
		return ERROR_TEXT("NaN values cannot be ordered");
	switch (operation) {
	case OPERATION_less: return value_bool(order == ORDER_LESS);
	case OPERATION_less_equal: return value_bool(order != ORDER_GREATER);
	case OPERATION_greater: return value_bool(order == ORDER_GREATER);
	default: return value_bool(order != ORDER_LESS);
	}
}

/* ---- equality ------------------------------------------------------------- */

static bool lists_equal(struct cel_run *run, const struct value_list *a, const struct value_list *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!values_equal(run, a->items[i], b->items[i]))
			return false;
	return true;
}

static bool maps_equal(struct cel_run *run, const struct value_map *a, const struct value_map *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct value *other = map_find(run, b, a->entries[i].key);

		if (!other || !values_equal(run, a->entries[i].value, *other))
			return false;
	}
	return true;
}

static bool messages_equal(struct cel_run *run, const struct cel_object *a,
			   const struct cel_object *b)
{
	if (a->type != b->type)
		return false;
	if (a->data == b->data && a->literal == b->literal)
		return true;
	if (!run)
		return false; /* its getters need one */
	for (uint32_t i = 0; i < a->type->field_count; i++) {
		const struct cel_field *field = &a->type->fields[i];
		bool has = message_has(run, a, field).b;

		if (has != message_has(run, b, field).b)
			return false;
		if (has &&
		    !values_equal(run, message_field(run, a, field), message_field(run, b, field)))
			return false;
	}
	return true;
}

static bool optionals_equal(struct cel_run *run, const struct value *a, const struct value *b)
{
	return a && b ? values_equal(run, *a, *b) : a == b;
}

bool values_equal(struct cel_run *run, struct value a, struct value b)
{
	if (run && !cel_spend(run, 1 + (a.tag >= VALUE_STRING ? a.len / BYTES_PER_STEP : 0)))
		return false;
	if (a.tag != b.tag)
		return order_numbers(a, b) == ORDER_EQUAL;
	switch ((enum value_tag)a.tag) {
	case VALUE_NULL: return true;
	case VALUE_STRING:
	case VALUE_BYTES:
	case VALUE_TYPE: return str_equal(value_text(a), value_text(b));
	case VALUE_LIST: return lists_equal(run, a.list, b.list);
	case VALUE_MAP: return maps_equal(run, a.map, b.map);
	case VALUE_MESSAGE: return messages_equal(run, a.object, b.object);
	case VALUE_OPTIONAL: return optionals_equal(run, a.object, b.object);
	default: return values_order(a, b) == ORDER_EQUAL;
	}
}

bool cel_equal(struct value a, struct value b)
{
	return values_equal(NULL, a, b);
}

bool value_is_zero(struct cel_run *run, struct value v)
{
	const struct cel_object *object = v.object;

	switch ((enum value_tag)v.tag) {
	case VALUE_NULL: return true;
	case VALUE_BOOL: return !v.b;
	case VALUE_DOUBLE: return v.d == 0;
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DURATION: return v.i == 0;
	case VALUE_STRING:
	case VALUE_BYTES: return v.len == 0;
	case VALUE_LIST: return v.list->count == 0;
	case VALUE_MAP: return v.map->count == 0;
	case VALUE_TIMESTAMP: return !value_as_time(v)->seconds && !value_as_time(v)->nanos;
	case VALUE_OPTIONAL: return !v.object;
	case VALUE_MESSAGE:
		if (!object->data && !object->literal)
			return true;
		for (uint32_t i = 0; i < object->type->field_count; i++)
			if (message_has(run, object, &object->type->fields[i]).b)
				return false;
		return true;
	default: return false;
	}
}
