/* SPDX-License-Identifier: Apache-2.0 */
/* See object.h. */
#include "event/object.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/common.h"
#include "event/json.h"

/* ---- lists of numbers ------------------------------ */

struct value field_item(uint8_t type, const char *data, uint32_t index)
{
	int16_t i16;
	int32_t i32;
	uint64_t u64;

	switch (type) {
	case FIELD_i16s:
		memcpy(&i16, data + (size_t)index * sizeof(i16), sizeof(i16));
		return value_int(i16);
	case FIELD_i32s:
		memcpy(&i32, data + (size_t)index * sizeof(i32), sizeof(i32));
		return value_int(i32);
	default:
		memcpy(&u64, data + (size_t)index * sizeof(u64), sizeof(u64));
		return value_uint(u64);
	}
}

void field_item_write(struct buf *out, uint8_t type, const char *data, uint32_t index)
{
	struct value item = field_item(type, data, index);

	if (item.tag == VALUE_INT)
		buf_int(out, item.i);
	else
		buf_uint(out, item.u);
}

/* ---- text ------------------------------ */

struct str event_object_text(const struct event *event, unsigned index)
{
	const struct event_field *field = &event->def->fields[index];

	if (event->values || !field_is_object(field->type) || !(event->wire->present >> index & 1))
		return (struct str){ 0 };
	const struct wire_ref *ref = (const void *)((const char *)event->wire + field->offset);

	return (struct str){ (const char *)event->wire + ref->offset, ref->len };
}

/* The tree of a copy; NULL if it is not JSON or there is no memory. */
static const struct json *parse(struct str text, struct arena *arena)
{
	struct json_fault fault;
	char *copy = arena_alloc(arena, text.len + 1u);

	if (!copy)
		return NULL;
	memcpy(copy, text.data, text.len);
	return json_parse(arena, copy, text.len, &fault);
}

bool object_check(struct str text)
{
	struct arena arena = { 0 };

	for (uint32_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < ' ')
			return false;
	const struct json *tree = parse(text, &arena);
	bool fine = tree && (tree->type == JSON_OBJECT || tree->type == JSON_NULL);

	arena_free(&arena);
	return fine;
}

/* What encoding/json escapes beyond Tracee's own writer. */
static void write_text(struct buf *out, struct str text, uint8_t type)
{
	size_t start = out->len;

	json_text(out, text);
	if (type == FIELD_sockaddr || type == FIELD_credentials)
		return;
	for (size_t i = start; i < out->len; i++) {
		char c = out->data[i];

		if (c != '<' && c != '>' && c != '&')
			continue;
		char *at = buf_room(out, 5);

		if (!at)
			return;
		memmove(out->data + i + 6, out->data + i + 1, out->len - i - 1);
		memcpy(out->data + i, c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : "\\u0026", 6);
		out->len += 5;
		i += 5;
	}
}

void object_write(struct buf *out, const struct json *tree, uint8_t type)
{
	switch (tree->type) {
	case JSON_NULL: buf_lit(out, "null"); return;
	case JSON_FALSE: buf_lit(out, "false"); return;
	case JSON_TRUE: buf_lit(out, "true"); return;
	case JSON_NUMBER: buf_str(out, tree->text); return;
	case JSON_STRING: write_text(out, tree->text, type); return;
	default: break;
	}
	buf_char(out, tree->type == JSON_ARRAY ? '[' : '{');
	for (const struct json *item = tree->first; item; item = item->next) {
		if (item != tree->first)
			buf_char(out, ',');
		if (tree->type == JSON_OBJECT) {
			write_text(out, item->key, type);
			buf_char(out, ':');
		}
		object_write(out, item, type);
	}
	buf_char(out, tree->type == JSON_ARRAY ? ']' : '}');
}

/* ---- values ------------------------------ */

static struct value value_of(const struct json *tree, struct arena *arena);

static struct value number_of(const struct json *number)
{
	char text[64];
	int64_t i;
	uint64_t u;

	if (json_int(number, &i) == 0)
		return value_int(i);
	if (json_uint(number, &u) == 0)
		return value_uint(u);
	if (number->text.len >= sizeof(text))
		return value_null();
	memcpy(text, number->text.data, number->text.len);
	text[number->text.len] = 0;
	return value_double(strtod(text, NULL));
}

static uint32_t count_of(const struct json *tree)
{
	uint32_t count = 0;

	for (const struct json *item = tree->first; item; item = item->next)
		count++;
	return count;
}

static struct value list_of(const struct json *tree, struct arena *arena)
{
	uint32_t count = count_of(tree);
	struct value_list *list = arena_alloc(arena, sizeof(*list) + count * sizeof(struct value));

	if (!list)
		return value_null();
	list->count = 0;
	for (const struct json *item = tree->first; item; item = item->next)
		list->items[list->count++] = value_of(item, arena);
	return (struct value){ .tag = VALUE_LIST, .len = count, .list = list };
}

/* A later member of the same name replaces the earlier one: keys of a map are distinct. */
static void put_entry(struct value_map *map, struct str key, struct value value)
{
	uint32_t at = 0;

	while (at < map->count &&
	       !str_equal((struct str){ map->entries[at].key.str, map->entries[at].key.len }, key))
		at++;
	map->count += at == map->count;
	map->entries[at] = (struct value_entry){ value_str(key), value };
}

static struct value map_of(const struct json *tree, struct arena *arena)
{
	uint32_t count = count_of(tree);
	struct value_map *map = arena_alloc(arena,
					    sizeof(*map) + count * sizeof(struct value_entry));

	if (!map)
		return value_null();
	map->count = 0;
	for (const struct json *item = tree->first; item; item = item->next)
		put_entry(map, item->key, value_of(item, arena));
	return (struct value){ .tag = VALUE_MAP, .len = map->count, .map = map };
}

static struct value value_of(const struct json *tree, struct arena *arena)
{
	switch (tree->type) {
	case JSON_FALSE:
	case JSON_TRUE: return value_bool(tree->type == JSON_TRUE);
	case JSON_NUMBER: return number_of(tree);
	case JSON_STRING: return value_str(tree->text);
	case JSON_ARRAY: return list_of(tree, arena);
	case JSON_OBJECT: return map_of(tree, arena);
	default: return value_null();
	}
}

struct value object_value(struct str text, struct arena *arena)
{
	const struct json *tree = arena ? parse(text, arena) : NULL;

	return tree ? value_of(tree, arena) : value_null();
}
