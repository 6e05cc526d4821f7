/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the kinds that getters give, see messages.h. */
#include "messages.h"

void give_message(struct cel_run *run, struct value *out, const struct cel_message *type,
		  const void *data)
{
	struct cel_object *object = arena_alloc(run->arena, sizeof(*object));

	if (!object) {
		*out = cel_error(run, "out of memory");
		return;
	}
	*object = (struct cel_object){ .type = type, .data = data };
	*out = (struct value){ .tag = VALUE_MESSAGE, .object = object };
}

void give_text(struct value *out, struct str text)
{
	*out = text.data ? value_str(text) : EMPTY_STRING;
}

void give_time(struct cel_run *run, struct value *out, uint64_t epoch_ns)
{
	struct cel_time *time = arena_alloc(run->arena, sizeof(*time));

	if (!time) {
		*out = cel_error(run, "out of memory");
		return;
	}
	*time = (struct cel_time){ .seconds = (int64_t)(epoch_ns / 1000000000),
				   .nanos = (int32_t)(epoch_ns % 1000000000) };
	*out = (struct value){ .tag = VALUE_TIMESTAMP, .object = time };
}

struct value_list *give_list(struct cel_run *run, struct value *out, uint32_t count)
{
	struct value_list *list = arena_alloc(run->arena,
					      sizeof(*list) + count * sizeof(struct value));

	if (!list) {
		*out = cel_error(run, "out of memory");
		return NULL;
	}
	list->count = count;
	*out = (struct value){ .tag = VALUE_LIST, .len = count, .list = list };
	return list;
}

void give_empty_list(struct value *out)
{
	static const struct value_list none = { 0 };

	*out = (struct value){ .tag = VALUE_LIST, .list = &none };
}

bool is_set(const void *data)
{
	return data != NULL;
}

bool never(const void *data)
{
	(void)data;
	return false;
}

struct value optional_uint(bool present, uint64_t value)
{
	return present ? value_uint(value) : value_null();
}

struct value text_or_empty(struct str text)
{
	return text.data ? value_str(text) : EMPTY_STRING;
}

void get_null(struct cel_run *run, const void *data, struct value *out)
{
	(void)run, (void)data;
	*out = value_null();
}

void get_empty_string(struct cel_run *run, const void *data, struct value *out)
{
	(void)run, (void)data;
	*out = EMPTY_STRING;
}

void get_zero(struct cel_run *run, const void *data, struct value *out)
{
	(void)run, (void)data;
	*out = value_uint(0);
}

void get_int_zero(struct cel_run *run, const void *data, struct value *out)
{
	(void)run, (void)data;
	*out = value_int(0);
}

void get_empty_list(struct cel_run *run, const void *data, struct value *out)
{
	(void)run, (void)data;
	give_empty_list(out);
}

void get_empty_map(struct cel_run *run, const void *data, struct value *out)
{
	static const struct value_map none = { 0 };

	(void)run, (void)data;
	*out = (struct value){ .tag = VALUE_MAP, .map = &none };
}
