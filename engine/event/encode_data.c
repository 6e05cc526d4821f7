/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data[] of an event. Built-in events: every Tracee field is printed, with the zero of its
 * type (pointers: null) if it was not captured; own fields only if they were. Produced events:
 * what the detector computed, the kind chosen by the value as Tracee does it.
 */
#include "event/encode_data.h"

#define KNOWN_EVENTS
#include "base/common.h"
#include "event.h"
#include "event/encode.h"
#include "event/helper.h"
#include "event/json.h"
#include "event/object.h"

/* Copied whole, so that the copy needs no call: text beyond len is overwritten later. */
struct name_text {
	char text[47];
	uint8_t len;
};

#define NAME_TEXT(literal) \
	{ \
		literal, sizeof(literal) - 1 \
	}

/* ,{"name":"key"," of every field of every known event. */
#define EVENT(name, ...)	     static const struct name_text texts_of_##name[] = {
#define FIELD(type, name, ...)	     NAME_TEXT(",{\"name\":\"" #name "\",\""),
#define ARG(type, member, name, ...) NAME_TEXT(",{\"name\":\"" #name "\",\""),
#define END(name) \
	} \
	;
#include "each_event.h"

static const struct name_text *const name_texts[] = {
#define EVENT(name, ...) texts_of_##name,
#include "each_event.h"
};

struct key_text {
	char text[23];
	uint8_t len;
};

/* int32": of every type. */
static const struct key_text key_texts[] = {
#define TYPE(name, c_type, tracee_name, key, cel_type) [FIELD_##name] = NAME_TEXT(key "\":"),
#include "types.def"
#undef TYPE
};

enum { PIECE = 512 };

#define PUT(at, literal) (memcpy((at), "" literal, sizeof(literal) - 1), (at) + sizeof(literal) - 1)

static void finish(struct buf *out, const char *at)
{
	out->len = (size_t)(at - out->data);
}

/* NULL for events that are not built in. */
static const struct name_text *texts_of(const struct event_def *def)
{
	uintptr_t index = ((uintptr_t)def - (uintptr_t)event_table) / sizeof(*def);

	return index < event_table_count ? name_texts[index] : NULL;
}

/* Up to the quote before the key. `first`: no comma. */
static void add_name(struct buf *out, const char *name, const struct name_text *text, bool first)
{
	if (text) {
		char *at = buf_room(out, PIECE);

		if (!at)
			return;
		memcpy(at, text->text + first, sizeof(text->text));
		out->len += text->len - first;
		return;
	}
	buf_str(out, first ? STR("{\"name\":") : STR(",{\"name\":"));
	json_text(out, str_of(name));
	buf_lit(out, ",\"");
}

/* ---- fields of a record ------------------------------ */

static char *put_key(char *at, uint8_t type)
{
	memcpy(at, key_texts[type].text, sizeof(key_texts[type].text));
	return at + key_texts[type].len;
}

static char *put_signed(char *at, uint8_t type, int64_t number)
{
	at = put_key(at, type);
	if (type == FIELD_i32)
		return text_int(at, number);
	*at = '"';
	at = text_int(at + 1, number);
	*at = '"';
	return at + 1;
}

static char *put_unsigned(char *at, uint8_t type, uint64_t number)
{
	at = put_key(at, type);
	if (type == FIELD_u32 || type == FIELD_u16 || type == FIELD_u8)
		return text_uint(at, number);
	*at = '"';
	at = text_uint(at + 1, number);
	*at = '"';
	return at + 1;
}

/* Anything that is a number; returns NULL for other types. */
static char *put_number(char *at, const struct event *event, uint8_t type, const void *data)
{
	switch (type) {
	case FIELD_i32: return put_signed(at, type, *(const int32_t *)data);
	case FIELD_i64: return put_signed(at, type, *(const int64_t *)data);
	case FIELD_u32: return put_unsigned(at, type, *(const uint32_t *)data);
	case FIELD_u16: return put_unsigned(at, type, *(const uint16_t *)data);
	case FIELD_u8: return put_unsigned(at, type, *(const uint8_t *)data);
	case FIELD_u64:
	case FIELD_pointer: return put_unsigned(at, type, *(const uint64_t *)data);
	case FIELD_time: {
		uint64_t time = *(const uint64_t *)data;

		return put_unsigned(at, type, time ? time + event->clock->boot_epoch_ns : 0);
	}
	case FIELD_bool:
		at = put_key(at, type);
		return *(const uint8_t *)data ? PUT(at, "true") : PUT(at, "false");
	default: return NULL;
	}
}

static void add_strings(struct buf *out, const char *data, uint32_t len)
{
	const char *end = data + len;

	if (!len) {
		buf_lit(out, "{}");
		return;
	}
	buf_lit(out, "{\"value\":[");
	for (const char *at = data; at < end;) {
		uint32_t item = (uint32_t)strlen(at);

		if (at > data)
			buf_char(out, ',');
		json_text(out, (struct str){ at, item });
		at += item + 1;
	}
	buf_lit(out, "]}");
}

static void add_numbers(struct buf *out, uint8_t type, struct str data)
{
	uint32_t size = field_item_size(type);
	bool quoted = type == FIELD_u64s;

	if (!data.len) {
		buf_lit(out, "{}");
		return;
	}
	buf_lit(out, "{\"value\":[");
	for (uint32_t i = 0; i < data.len / size; i++) {
		if (i)
			buf_char(out, ',');
		if (quoted)
			buf_char(out, '"');
		field_item_write(out, type, data.data, i);
		if (quoted)
			buf_char(out, '"');
	}
	buf_lit(out, "]}");
}

/* Its name, or its number if it has none. */
static void add_syscall(struct buf *out, int number)
{
	struct str name = syscall_name(number);

	buf_char(out, '"');
	if (name.len)
		buf_str(out, name);
	else
		buf_int(out, number);
	buf_char(out, '"');
}

/* What is not a number. data: the field in the record, NULL if it was not captured. */
static void add_other(struct buf *out, const struct event *event, uint8_t type, const void *data)
{
	static const struct wire_ref nothing;
	const struct wire_ref *ref = data ? data : &nothing;
	struct str text = { (const char *)event->wire + ref->offset, ref->len };

	buf_add(out, key_texts[type].text, key_texts[type].len);
	switch (type) {
	case FIELD_timespec: {
		const struct wire_timespec *time = data;

		buf_lit(out, "{\"value\":");
		json_double(out, time ? (double)time->sec + (double)time->nsec / 1e9 : 0);
		buf_char(out, '}');
		break;
	}
	case FIELD_str: json_text(out, text); break;
	case FIELD_bytes: json_base64(out, text); break;
	case FIELD_strs: add_strings(out, text.data, text.len); break;
	case FIELD_i16s:
	case FIELD_i32s:
	case FIELD_u64s: add_numbers(out, type, text); break;
	case FIELD_syscall: add_syscall(out, data ? *(const int32_t *)data : 0); break;
	default: buf_str(out, text);
	}
}

/* Any scalar as the 64 bits decoding looks at. */
static uint64_t number_at(uint8_t type, const void *data)
{
	switch (type) {
	/* As 64 bits, which a negative number shows when it has no name. */
	case FIELD_i32: return (uint64_t)(int64_t) * (const int32_t *)data;
	case FIELD_u32: return *(const uint32_t *)data;
	case FIELD_i64:
	case FIELD_u64: return *(const uint64_t *)data;
	case FIELD_u16: return *(const uint16_t *)data;
	case FIELD_u8: return *(const uint8_t *)data;
	case FIELD_pointer: return *(const uint64_t *)data;
	default: return 0;
	}
}

/* As text, if this field is decoded in this style. */
static bool add_decoded(struct buf *out, const struct event *event, const struct event_field *field,
			const void *data, struct encode_style style)
{
	const struct names *names = names_find(field->names);

	if (field->type == FIELD_pointer && data) {
		buf_lit(out, "str\":\"0x");
		buf_hex(out, number_at(field->type, data));
	} else if (names && field->type == FIELD_u64s) {
		const struct wire_ref *ref = data;

		buf_lit(out, "str_array\":");
		helpers_write(out, ref ? (const char *)event->wire + ref->offset : NULL,
			      ref ? ref->len / 8 : 0);
		return true;
	} else if (names && (style.own || names_of_tracee(names))) {
		uint64_t number = data ? number_at(field->type, data) : 0;

		/* Names hold nothing that JSON escapes. */
		buf_lit(out, "str\":\"");
		names_write(out, names, style.own ? number : names_known(names, number));
	} else {
		return false;
	}
	buf_char(out, '"');
	return true;
}

/* Types of which an absent value prints as null. */
static bool has_no_zero(uint8_t type)
{
	return type == FIELD_pointer || type == FIELD_i32s || field_is_object(type);
}

static void add_field(struct buf *out, const struct event *event, const struct event_field *field,
		      const void *data, struct encode_style style)
{
	static const uint64_t zero;

	if (style.decoded && add_decoded(out, event, field, data, style))
		return;
	if (!data && has_no_zero(field->type)) {
		buf_lit(out, "value\":null");
		return;
	}
	char *at = buf_room(out, PIECE);

	if (!at)
		return;
	at = put_number(at, event, field->type, data ? data : &zero);
	if (at)
		finish(out, at);
	else
		add_other(out, event, field->type, data);
}

static void add_record(struct buf *out, const struct event *event, struct encode_style style)
{
	const struct event_def *def = event->def;
	const struct name_text *texts = texts_of(def);
	bool first = true;

	for (unsigned i = 0; i < def->field_count; i++) {
		const struct event_field *field = &def->fields[i];
		bool present = event->wire->present >> i & 1;

		if (field->owner == OWN && !(present && style.own))
			continue;
		add_name(out, field->name, texts ? &texts[i] : NULL, first);
		add_field(out, event, field,
			  present ? (const char *)event->wire + field->offset : NULL, style);
		buf_char(out, '}');
		first = false;
	}
}

/* ---- produced values ------------------------------ */

static void add_plain(struct buf *out, const struct value *value, unsigned depth);

enum { PLAIN_DEPTH_MAX = 16 };

static void add_plain_list(struct buf *out, const struct value_list *list, unsigned depth)
{
	buf_char(out, '[');
	for (uint32_t i = 0; i < list->count; i++) {
		if (i)
			buf_char(out, ',');
		add_plain(out, &list->items[i], depth);
	}
	buf_char(out, ']');
}

static void add_plain_map(struct buf *out, const struct value_map *map, unsigned depth)
{
	buf_char(out, '{');
	for (uint32_t i = 0; i < map->count; i++) {
		const struct value *key = &map->entries[i].key;

		if (i)
			buf_char(out, ',');
		if (key->tag == VALUE_STRING) {
			add_plain(out, key, depth);
		} else {
			buf_char(out, '"');
			add_plain(out, key, depth);
			buf_char(out, '"');
		}
		buf_char(out, ':');
		add_plain(out, &map->entries[i].value, depth);
	}
	buf_char(out, '}');
}

/* A value as ordinary JSON: what Tracee's form has no kind for. */
static void add_plain(struct buf *out, const struct value *value, unsigned depth)
{
	if (depth > PLAIN_DEPTH_MAX) {
		buf_lit(out, "null");
		return;
	}
	switch (value->tag) {
	case VALUE_BOOL: buf_str(out, value->b ? STR("true") : STR("false")); break;
	case VALUE_INT: buf_int(out, value->i); break;
	case VALUE_UINT: buf_uint(out, value->u); break;
	case VALUE_DOUBLE: json_double(out, value->d); break;
	case VALUE_STRING: json_text(out, (struct str){ value->str, value->len }); break;
	case VALUE_BYTES: json_base64(out, (struct str){ value->str, value->len }); break;
	case VALUE_LIST: add_plain_list(out, value->list, depth + 1); break;
	case VALUE_MAP: add_plain_map(out, value->map, depth + 1); break;
	default: buf_lit(out, "null");
	}
}

void encode_plain(struct buf *out, const struct value *value)
{
	add_plain(out, value, 0);
}

static bool all_strings(const struct value_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i].tag != VALUE_STRING)
			return false;
	return true;
}

static bool all_int32(const struct value_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i].tag != VALUE_INT ||
		    list->items[i].i != (int32_t)list->items[i].i)
			return false;
	return true;
}

static void add_value_list(struct buf *out, const struct value_list *list)
{
	if (!list->count) {
		buf_lit(out, "str_array\":{}");
		return;
	}
	bool known = true;

	if (all_strings(list))
		buf_lit(out, "str_array\":{\"value\":");
	else if (all_int32(list))
		buf_lit(out, "int32_array\":{\"value\":");
	else
		known = false;
	if (!known)
		buf_lit(out, "list\":");
	add_plain_list(out, list, 0);
	if (known)
		buf_char(out, '}');
}

static void add_quoted(struct buf *out, const struct value *value)
{
	buf_char(out, '"');
	add_plain(out, value, 0);
	buf_char(out, '"');
}

static void add_value(struct buf *out, const struct value *value)
{
	switch (value->tag) {
	case VALUE_INT:
		if (value->kind != FIELD_i64 && value->i == (int32_t)value->i) {
			buf_lit(out, "int32\":");
			buf_int(out, value->i);
		} else {
			buf_lit(out, "int64\":");
			add_quoted(out, value);
		}
		return;
	case VALUE_UINT:
		if (value->kind != FIELD_u64 && value->u <= UINT32_MAX) {
			buf_lit(out, "u_int32\":");
			buf_uint(out, value->u);
		} else {
			buf_lit(out, "u_int64\":");
			add_quoted(out, value);
		}
		return;
	case VALUE_LIST: add_value_list(out, value->list); return;
	case VALUE_STRING: buf_lit(out, "str\":"); break;
	case VALUE_BOOL: buf_lit(out, "bool\":"); break;
	case VALUE_BYTES: buf_lit(out, "bytes\":"); break;
	case VALUE_DOUBLE: buf_lit(out, "double\":"); break;
	case VALUE_MAP:
		if (field_is_object(value->kind))
			buf_add(out, key_texts[value->kind].text, key_texts[value->kind].len);
		else
			buf_lit(out, "struct\":");
		break;
	default: buf_lit(out, "value\":");
	}
	add_plain(out, value, 0);
}

/* As names, if it is a number of which the input had a field decoded so. */
static bool add_value_decoded(struct buf *out, const struct event *event, unsigned index)
{
	const struct value *value = &event->values[index];
	const struct names *names = names_fit(value) ? event_field_names(event, index) : NULL;

	if (!names)
		return false;
	buf_lit(out, "str\":\"");
	names_write(out, names, value->u);
	buf_char(out, '"');
	return true;
}

/* A field that was skipped (optional, and its expression failed) is not printed. */
static void add_produced(struct buf *out, const struct event *event, struct encode_style style)
{
	bool first = true;
	bool decoded = style.decoded && style.own;

	for (unsigned i = 0; i < event->def->field_count; i++) {
		if (event->values[i].tag == VALUE_NULL)
			continue;
		add_name(out, event->def->fields[i].name, NULL, first);
		if (!decoded || !add_value_decoded(out, event, i))
			add_value(out, &event->values[i]);
		buf_char(out, '}');
		first = false;
	}
}

void encode_data(struct buf *out, const struct event *event, struct encode_style style)
{
	size_t before = out->len;

	buf_lit(out, ",\"data\":[");
	size_t start = out->len;

	if (event->values)
		add_produced(out, event, style);
	else
		add_record(out, event, style);
	if (out->len == start)
		out->len = before;
	else
		buf_char(out, ']');
}
