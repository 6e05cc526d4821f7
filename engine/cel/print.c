/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value as JSON text, as protobuf's JSON form has it where that makes sense: bytes as
 * base64, durations in seconds, timestamps in RFC 3339. Numbers stay numbers.
 */
#include <math.h>

#include "base/buf.h"
#include "internal.h"

static void print_escaped(struct buf *out, unsigned char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *found = c ? strchr(plain, c) : NULL;

	if (found)
		buf_printf(out, "\\%c", letters[found - plain]);
	else
		buf_printf(out, "\\u%04x", c);
}

/* Bytes that are no UTF-8 come out as U+FFFD: the text is valid JSON whatever the value. */
static void print_string(struct buf *out, struct str text)
{
	uint32_t size;

	buf_char(out, '"');
	for (uint32_t at = 0; at < text.len; at += size) {
		unsigned char c = (unsigned char)text.data[at];

		if (utf8_decode(text.data + at, text.len - at, &size) == 0xfffd && size == 1)
			buf_lit(out, "\xef\xbf\xbd");
		else if (c < ' ' || c == '"' || c == '\\' || c == 0x7f)
			print_escaped(out, c);
		else
			buf_add(out, text.data + at, size);
	}
	buf_char(out, '"');
}

static void print_base64(struct buf *out, struct str bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	buf_char(out, '"');
	for (uint32_t at = 0; at < bytes.len; at += 3) {
		uint32_t left = MIN(bytes.len - at, 3u), bits = 0;

		for (uint32_t i = 0; i < 3; i++)
			bits = bits << 8 | (i < left ? (unsigned char)bytes.data[at + i] : 0);
		for (uint32_t i = 0; i < 4; i++)
			buf_char(out, i <= left ? digits[bits >> (18 - 6 * i) & 63] : '=');
	}
	buf_char(out, '"');
}

static void print_double(struct buf *out, double d)
{
	char text[NUMBER_TEXT_MAX];
	uint32_t len = number_format(d, text);

	if (isnan(d) || isinf(d))
		buf_printf(out, "\"%s\"", isnan(d) ? "NaN" : d < 0 ? "-Infinity" : "Infinity");
	else
		buf_add(out, text, len);
}

static void print_list(struct buf *out, const struct value_list *list)
{
	buf_char(out, '[');
	for (uint32_t i = 0; i < list->count; i++) {
		if (i)
			buf_char(out, ',');
		cel_print(out, list->items[i]);
	}
	buf_char(out, ']');
}

/* Keys of JSON objects are strings. */
static void print_key(struct buf *out, struct value key)
{
	if (key.tag == VALUE_STRING) {
		cel_print(out, key);
		return;
	}
	buf_char(out, '"');
	cel_print(out, key);
	buf_char(out, '"');
}

static void print_map(struct buf *out, const struct value_map *map)
{
	buf_char(out, '{');
	for (uint32_t i = 0; i < map->count; i++) {
		if (i)
			buf_char(out, ',');
		print_key(out, map->entries[i].key);
		buf_char(out, ':');
		cel_print(out, map->entries[i].value);
	}
	buf_char(out, '}');
}

/* Getters need a run; the fields that are set are printed. */
static void print_message(struct buf *out, const struct cel_object *object)
{
	struct arena arena = { .limit = 16 * 1024 * 1024 };
	struct cel_run run = { .arena = &arena, .budget = CEL_BUDGET };
	bool first = true;

	buf_char(out, '{');
	for (uint32_t i = 0; i < object->type->field_count; i++) {
		const struct cel_field *field = &object->type->fields[i];

		if (!message_has(&run, object, field).b)
			continue;
		if (!first)
			buf_char(out, ',');
		first = false;
		print_string(out, str_of(field->name));
		buf_char(out, ':');
		cel_print(out, message_field(&run, object, field));
	}
	buf_char(out, '}');
	arena_free(&arena);
}

static void print_time(struct buf *out, struct value v)
{
	char text[64];

	buf_char(out, '"');
	buf_add(out, text,
		v.tag == VALUE_TIMESTAMP ? time_format(value_as_time(v), text)
					 : duration_format(v.i, text));
	buf_char(out, '"');
}

void cel_print(struct buf *out, struct value value)
{
	switch ((enum value_tag)value.tag) {
	case VALUE_NULL: buf_lit(out, "null"); break;
	case VALUE_BOOL: buf_str(out, value.b ? STR("true") : STR("false")); break;
	case VALUE_INT: buf_int(out, value.i); break;
	case VALUE_UINT: buf_uint(out, value.u); break;
	case VALUE_DOUBLE: print_double(out, value.d); break;
	case VALUE_STRING:
	case VALUE_TYPE:
	case VALUE_ERROR: print_string(out, value_text(value)); break;
	case VALUE_BYTES: print_base64(out, value_text(value)); break;
	case VALUE_TIMESTAMP:
	case VALUE_DURATION: print_time(out, value); break;
	case VALUE_LIST: print_list(out, value.list); break;
	case VALUE_MAP: print_map(out, value.map); break;
	case VALUE_MESSAGE: print_message(out, value.object); break;
	case VALUE_OPTIONAL:
		if (value.object)
			cel_print(out, *(const struct value *)value.object);
		else
			buf_lit(out, "null");
		break;
	default: buf_lit(out, "null"); break;
	}
}
