/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a value inside another: indexing, selecting, has() and `in`. */
#include <math.h>

#include "internal.h"

const struct value *map_find(struct cel_run *run, const struct value_map *map, struct value key)
{
	if (run && !cel_spend(run, map->count / 16))
		return NULL;
	for (uint32_t i = 0; i < map->count; i++) {
		const struct value *other = &map->entries[i].key;

		if (other->tag == VALUE_STRING && key.tag == VALUE_STRING) {
			if (str_equal(value_text(*other), value_text(key)))
				return &map->entries[i].value;
		} else if (values_equal(NULL, *other, key)) {
			return &map->entries[i].value;
		}
	}
	return NULL;
}

/* A key as the messages of errors have it. */
static struct value no_such_key(struct cel_run *run, struct value key)
{
	switch (key.tag) {
	case VALUE_STRING:
		return cel_error(run, "no such key: %.*s", (int)MIN(key.len, 100u), key.str);
	case VALUE_INT: return cel_error(run, "no such key: %lld", (long long)key.i);
	case VALUE_UINT: return cel_error(run, "no such key: %llu", (unsigned long long)key.u);
	case VALUE_BOOL: return cel_error(run, "no such key: %s", key.b ? "true" : "false");
	default: return ERROR_TEXT("no such key");
	}
}

/* ---- indexing ------------------------------------------------------------- */

/* The element, or NULL with *error. Whole numbers of any kind are positions. */
static const struct value *list_at(struct cel_run *run, const struct value_list *list,
				   struct value index, struct value *error)
{
	uint64_t at = UINT64_MAX;

	if (index.tag == VALUE_INT)
		at = (uint64_t)index.i; /* a negative one is far out of range */
	else if (index.tag == VALUE_UINT)
		at = index.u;
	else if (index.tag == VALUE_DOUBLE && index.d >= 0 && index.d < 0x1p32 &&
		 trunc(index.d) == index.d)
		at = (uint64_t)index.d;
	else if (index.tag == VALUE_DOUBLE) {
		*error = cel_error(run, "unsupported index value %g in list", index.d);
		return NULL;
	} else {
		*error = ERROR_NO_OVERLOAD;
		return NULL;
	}
	if (at < list->count)
		return &list->items[at];
	*error = cel_error(run, "index out of bounds: %lld", (long long)at);
	return NULL;
}

struct value values_index(struct cel_run *run, struct value container, struct value index)
{
	const struct value *found;
	struct value error;

	if (value_is_error(container))
		return container;
	if (value_is_error(index))
		return index;
	switch (container.tag) {
	case VALUE_LIST:
		found = list_at(run, container.list, index, &error);
		return found ? *found : error;
	case VALUE_MAP:
		found = map_find(run, container.map, index);
		return found ? *found : no_such_key(run, index);
	case VALUE_OPTIONAL: return values_index_optional(run, container, index);
	case VALUE_NULL: return no_such_key(run, index);
	default: return ERROR_NO_OVERLOAD;
	}
}

struct value values_index_optional(struct cel_run *run, struct value container, struct value index)
{
	const struct value *found = NULL;
	struct value error = value_null();

	if (value_is_error(container))
		return container;
	if (value_is_error(index))
		return index;
	if (container.tag == VALUE_OPTIONAL) {
		if (!container.object)
			return container;
		container = *(const struct value *)container.object;
	}
	if (container.tag == VALUE_LIST) {
		if (index.tag != VALUE_INT && index.tag != VALUE_UINT && index.tag != VALUE_DOUBLE)
			return ERROR_NO_OVERLOAD;
		found = list_at(run, container.list, index, &error);
	} else if (container.tag == VALUE_MAP) {
		found = map_find(run, container.map, index);
	} else {
		return ERROR_NO_OVERLOAD;
	}
	return found ? value_optional(run, *found) : value_none;
}

/* ---- messages ------------------------------------------------------------- */

struct value message_field(struct cel_run *run, const struct cel_object *object,
			   const struct cel_field *field)
{
	struct value out = value_null();

	if (object->literal) {
		const struct value *v = &object->literal[field - object->type->fields];

		if (v->tag != VALUE_TAG_COUNT)
			return *v;
	}
	field->get(run, object->data, &out);
	return out;
}

struct value message_has(struct cel_run *run, const struct cel_object *object,
			 const struct cel_field *field)
{
	struct value v;

	if (object->literal) {
		v = object->literal[field - object->type->fields];
		if (v.tag == VALUE_TAG_COUNT)
			return value_bool(false);
		return value_bool(v.tag == VALUE_MESSAGE || !value_is_zero(run, v));
	}
	if (!object->data)
		return value_bool(false);
	if (field->has)
		return value_bool(field->has(object->data));
	v = message_field(run, object, field);
	if (v.tag == VALUE_MESSAGE) {
		const struct cel_object *inner = v.object;

		return value_bool(inner->data || inner->literal);
	}
	return value_bool(!value_is_zero(run, v));
}

static const struct cel_field *find_field(const struct cel_object *object, struct str name)
{
	int index = env_field(object->type, name);

	return index < 0 ? NULL : &object->type->fields[index];
}

static struct value no_such_field(struct cel_run *run, struct str field)
{
	return cel_error(run, "no such field '%.*s'", (int)MIN(field.len, 100u), field.data);
}

struct value value_select(struct cel_run *run, struct value operand, struct str field)
{
	const struct cel_field *found;
	const struct value *entry;

	switch (operand.tag) {
	case VALUE_ERROR: return operand;
	case VALUE_MAP:
		entry = map_find(run, operand.map, value_str(field));
		return entry ? *entry : no_such_key(run, value_str(field));
	case VALUE_MESSAGE:
		found = find_field(operand.object, field);
		return found ? message_field(run, operand.object, found)
			     : no_such_field(run, field);
	case VALUE_OPTIONAL: return value_select_optional(run, operand, field);
	default: return no_such_key(run, value_str(field));
	}
}

struct value value_select_optional(struct cel_run *run, struct value operand, struct str field)
{
	const struct cel_field *found;
	const struct value *entry;

	if (operand.tag == VALUE_OPTIONAL) {
		if (!operand.object)
			return operand;
		operand = *(const struct value *)operand.object;
	}
	switch (operand.tag) {
	case VALUE_ERROR: return operand;
	case VALUE_MAP:
		entry = map_find(run, operand.map, value_str(field));
		return entry ? value_optional(run, *entry) : value_none;
	case VALUE_MESSAGE:
		found = find_field(operand.object, field);
		if (!found)
			return no_such_field(run, field);
		if (!message_has(run, operand.object, found).b)
			return value_none;
		return value_optional(run, message_field(run, operand.object, found));
	default: return no_such_key(run, value_str(field));
	}
}

struct value value_has(struct cel_run *run, struct value operand, struct str field)
{
	const struct cel_field *found;

	if (operand.tag == VALUE_OPTIONAL) {
		if (!operand.object)
			return value_bool(false);
		operand = *(const struct value *)operand.object;
	}
	switch (operand.tag) {
	case VALUE_ERROR: return operand;
	case VALUE_MAP: return value_bool(map_find(run, operand.map, value_str(field)) != NULL);
	case VALUE_MESSAGE:
		found = find_field(operand.object, field);
		return found ? message_has(run, operand.object, found) : no_such_field(run, field);
	default: return value_bool(false);
	}
}

/* ---- in ------------------------------------------------------------------- */

struct value values_in(struct cel_run *run, struct value item, struct value container)
{
	if (value_is_error(item))
		return item;
	if (value_is_error(container))
		return container;
	if (container.tag == VALUE_MAP)
		return value_bool(map_find(run, container.map, item) != NULL);
	if (container.tag != VALUE_LIST)
		return ERROR_NO_OVERLOAD;
	if (!cel_spend(run, container.list->count / 16))
		return ERROR_BUDGET;
	for (uint32_t i = 0; i < container.list->count; i++) {
		struct value other = container.list->items[i];

		if (item.tag == VALUE_STRING && other.tag == VALUE_STRING) {
			if (str_equal(value_text(item), value_text(other)))
				return value_bool(true);
		} else if (values_equal(run, item, other)) {
			return value_bool(true);
		}
	}
	return value_bool(false);
}
