/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading an event in place: field values without copying, and the check that makes a
 * record from outside as trustworthy as one from the ring. Everything but wire_check
 * relies on a checked record.
 */
#include "event.h"

#include <errno.h>

#include "base/arena.h"
#include "base/common.h"
#include "event/object.h"

/* The layout of struct value_list is a count and then the items. */
static struct value_list *list_new(struct arena *arena, size_t count)
{
	struct value_list *list =
		arena ? arena_alloc(arena, sizeof(*list) + count * sizeof(struct value)) : NULL;

	if (list)
		list->count = (uint32_t)count;
	return list;
}

static struct value value_of_list(const struct value_list *list)
{
	return list ? (struct value){ .tag = VALUE_LIST, .len = list->count, .list = list }
		    : value_null();
}

static struct value read_strings(const char *data, uint32_t len, struct arena *arena)
{
	size_t count = 0;

	for (uint32_t i = 0; i < len; i++)
		count += data[i] == 0;
	struct value_list *list = list_new(arena, count);

	for (size_t i = 0; list && i < count; i++) {
		size_t item = strlen(data);

		list->items[i] = value_string(data, (uint32_t)item);
		data += item + 1;
	}
	return value_of_list(list);
}

static struct value read_numbers(uint8_t type, const char *data, uint32_t len, struct arena *arena)
{
	struct value_list *list = list_new(arena, len / field_item_size(type));

	for (uint32_t i = 0; list && i < list->count; i++)
		list->items[i] = field_item(type, data, i);
	return value_of_list(list);
}

static struct value read_ref(const struct wire_header *wire, const void *at, uint8_t type,
			     struct arena *arena)
{
	const struct wire_ref *ref = at;
	const char *data = (const char *)wire + ref->offset;

	switch (type) {
	case FIELD_str: return value_string(data, ref->len);
	case FIELD_bytes: return value_bytes(data, ref->len);
	case FIELD_strs: return read_strings(data, ref->len, arena);
	case FIELD_i16s:
	case FIELD_i32s:
	case FIELD_u64s: return read_numbers(type, data, ref->len, arena);
	default: return object_value((struct str){ data, ref->len }, arena);
	}
}

/* Boot time to epoch; 0 stays 0: not known. */
static uint64_t epoch_time(uint64_t boot_time, const struct clock *clock)
{
	return boot_time ? boot_time + clock->boot_epoch_ns : 0;
}

static double seconds_of(const struct wire_timespec *time)
{
	return (double)time->sec + (double)time->nsec / 1e9;
}

static struct value read_field(const struct event *event, const struct event_field *field,
			       struct arena *arena)
{
	const void *at = (const char *)event->wire + field->offset;

	switch (field->type) {
	case FIELD_i32:
	case FIELD_syscall: return value_int(*(const int32_t *)at);
	case FIELD_u32: return value_uint(*(const uint32_t *)at);
	case FIELD_u16: return value_uint(*(const uint16_t *)at);
	case FIELD_u8: return value_uint(*(const uint8_t *)at);
	case FIELD_i64: return value_int(*(const int64_t *)at);
	case FIELD_u64:
	case FIELD_pointer: return value_uint(*(const uint64_t *)at);
	case FIELD_time: return value_uint(epoch_time(*(const uint64_t *)at, event->clock));
	case FIELD_bool: return value_bool(*(const uint8_t *)at != 0);
	case FIELD_timespec: return value_double(seconds_of(at));
	default: return read_ref(event->wire, at, field->type, arena);
	}
}

struct value event_field_value(const struct event *event, unsigned index, struct arena *arena)
{
	if (index >= event->def->field_count)
		return value_null();
	if (event->values)
		return event->values[index];
	if (!(event->wire->present >> index & 1))
		return value_null();
	const struct event_field *field = &event->def->fields[index];
	struct value value = read_field(event, field, arena);

	value.kind = field->type;
	return value;
}

bool event_field_from_user(const struct event *event, unsigned index)
{
	if (event->values || index >= event->def->field_count)
		return false;
	return (event->wire->present & event->wire->user) >> index & 1;
}

/* ---- records from outside ------------------------------ */

static const char *ref_fault(const struct wire_header *record, const struct event_def *def,
			     const struct event_field *field)
{
	const struct wire_ref *ref = (const void *)((const char *)record + field->offset);
	const char *data = (const char *)record + ref->offset;
	uint32_t fixed = (uint32_t)(sizeof(*record) + def->body_size);

	if (ref->len == 0 && !field_is_object(field->type))
		return ref->offset <= record->size ? NULL
						   : "a field refers to bytes outside its record";
	if (ref->offset < fixed || ref->offset > record->size ||
	    ref->len > record->size - ref->offset)
		return "a field refers to bytes outside its record";
	if (field->type == FIELD_strs && data[ref->len - 1] != 0)
		return "a list of strings does not end with a NUL";
	if (field_item_size(field->type) && ref->len % field_item_size(field->type))
		return "a list of numbers ends within one";
	if (field_is_object(field->type) && !object_check((struct str){ data, ref->len }))
		return "an object is not one line of JSON";
	return NULL;
}

static const char *fields_fault(const struct wire_header *record, const struct event_def *def)
{
	uint64_t known = def->field_count < 64 ? (1ULL << def->field_count) - 1 : ~0ULL;

	if (record->present & ~known)
		return "it has more fields than its event";
	for (unsigned i = 0; i < def->field_count; i++) {
		const struct event_field *field = &def->fields[i];
		const char *why = NULL;

		if (record->present >> i & 1 && field_is_ref(field->type))
			why = ref_fault(record, def, field);
		if (why)
			return why;
	}
	return NULL;
}

_Static_assert(FIELD_str == FIELD_timespec + 1 && FIELD_sockaddr == FIELD_str + 6,
	       "types.def: the types that refer to bytes behind the fixed part come last");

static const char *record_fault(const struct wire_header *record, size_t available)
{
	if (available < sizeof(*record))
		return "it is shorter than a record header";
	if (record->size < sizeof(*record) || record->size % 8)
		return "its size is impossible";
	if (record->size > WIRE_RECORD_MAX)
		return "it is larger than a record may be";
	if (record->size > available)
		return "it is longer than what is there";
	const struct event_def *def = event_by_id(record->id);

	if (!def)
		return "its event id is unknown";
	if (record->size - sizeof(*record) < def->body_size)
		return "it is shorter than its event";
	if (record->host_name && (record->size < WIRE_HOST_NAME_LEN ||
				  record->host_name > record->size - WIRE_HOST_NAME_LEN))
		return "its host name is outside of it";
	return fields_fault(record, def);
}

struct str event_host_name(const struct event *event)
{
	const struct wire_header *wire = event->wire;
	const char *name = (const char *)wire + wire->host_name;

	if (event->given)
		return event->given->host_name;
	if (!wire->host_name)
		return (struct str){ 0 };
	return (struct str){ name, (uint32_t)strnlen(name, WIRE_HOST_NAME_LEN) };
}

int wire_check(const struct wire_header *record, size_t available, const char **why)
{
	const char *fault = record_fault(record, available);

	if (!fault)
		return 0;
	*why = fault;
	return -EBADMSG;
}
