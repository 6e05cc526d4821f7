/* SPDX-License-Identifier: Apache-2.0 */
/* Work on texts that Tracee's functions and the strings extension share. */
#include "lib_text.h"

uint32_t text_offset(struct str text, int64_t index)
{
	uint32_t at = 0, size;

	for (; index > 0; index--) {
		if (at >= text.len)
			return UINT32_MAX;
		utf8_decode(text.data + at, text.len - at, &size);
		at += size;
	}
	return at;
}

/* Next occurrence of what at or after `from`; an empty one is behind one more character. */
static uint32_t find_next(struct str text, struct str what, uint32_t from, uint32_t *size)
{
	const char *found;

	*size = what.len;
	if (!what.len) {
		uint32_t step;

		if (from >= text.len)
			return UINT32_MAX;
		utf8_decode(text.data + from, text.len - from, &step);
		return from + step;
	}
	found = from <= text.len ? memmem(text.data + from, text.len - from, what.data, what.len)
				 : NULL;
	return found ? (uint32_t)(found - text.data) : UINT32_MAX;
}

static uint32_t count_parts(struct str text, struct str separator, int64_t limit)
{
	uint32_t count = 1, from = 0, size, at;

	while ((limit < 0 || count < limit) &&
	       (at = find_next(text, separator, from, &size)) != UINT32_MAX) {
		/* The empty separator gives characters, and nothing behind the last. */
		if (!separator.len && at == text.len)
			break;
		count++;
		from = at + size;
	}
	return count;
}

struct value text_split(struct cel_run *run, struct str text, struct str separator, int64_t limit)
{
	struct value_list *list;
	uint32_t count, from = 0;

	if (!cel_spend(run, text.len / 8))
		return ERROR_BUDGET;
	count = limit == 0 || (!separator.len && !text.len) ? 0
							    : count_parts(text, separator, limit);
	list = list_new(run, count);
	if (!list)
		return ERROR_MEMORY;
	while (list->count < count) {
		uint32_t size = 0, at = text.len;

		if (list->count + 1 < count)
			at = find_next(text, separator, from, &size);
		list->items[list->count++] = value_string(text.data + from, at - from);
		from = at + size;
	}
	return value_of_list(list);
}

struct value text_join(struct cel_run *run, const struct value_list *list, struct str separator)
{
	uint64_t len = 0;
	char *text, *at;

	for (uint32_t i = 0; i < list->count; i++) {
		if (list->items[i].tag != VALUE_STRING)
			return ERROR_NO_OVERLOAD;
		len += list->items[i].len + (i ? separator.len : 0);
	}
	if (!cel_spend(run, len / 16 + list->count))
		return ERROR_BUDGET;
	text = at = len < UINT32_MAX ? arena_alloc(run->arena, len + 1) : NULL;
	if (!text)
		return ERROR_MEMORY;
	for (uint32_t i = 0; i < list->count; i++) {
		if (i && separator.len)
			at = mempcpy(at, separator.data, separator.len);
		if (list->items[i].len)
			at = mempcpy(at, list->items[i].str, list->items[i].len);
	}
	return value_string(text, (uint32_t)len);
}

struct replacement {
	struct str text, old, new;
	int64_t limit;
	char *out; /* NULL: only measure */
	uint64_t len;
};

static void emit(struct replacement *replacement, const char *data, uint32_t len)
{
	if (replacement->out && len)
		memcpy(replacement->out + replacement->len, data, len);
	replacement->len += len;
}

static void replace(struct replacement *replacement)
{
	struct str text = replacement->text;
	uint32_t from = 0, size, at;
	int64_t done = 0;

	replacement->len = 0;
	if (!replacement->old.len && replacement->limit != 0) {
		emit(replacement, replacement->new.data, replacement->new.len);
		done++;
	}
	while ((replacement->limit < 0 || done < replacement->limit) &&
	       (at = find_next(text, replacement->old, from, &size)) != UINT32_MAX) {
		emit(replacement, text.data + from, at - from);
		emit(replacement, replacement->new.data, replacement->new.len);
		from = at + size;
		done++;
	}
	emit(replacement, text.data + from, text.len - from);
}

struct value text_replace(struct cel_run *run, struct str text, struct str old, struct str new,
			  int64_t limit)
{
	struct replacement replacement = { text, old, new, limit, NULL, 0 };

	if (!cel_spend(run, text.len / 8))
		return ERROR_BUDGET;
	replace(&replacement);
	if (!cel_spend(run, replacement.len / 16))
		return ERROR_BUDGET;
	if (replacement.len < UINT32_MAX)
		replacement.out = arena_alloc(run->arena, replacement.len + 1);
	if (!replacement.out)
		return ERROR_MEMORY;
	replace(&replacement);
	return value_string(replacement.out, (uint32_t)replacement.len);
}

struct str text_trim(struct str text)
{
	uint32_t size;

	while (text.len && rune_is_space(utf8_decode(text.data, text.len, &size)))
		text = (struct str){ text.data + size, text.len - size };
	while (text.len) {
		uint32_t start = text.len - 1;

		while (start && text.len - start < 4 &&
		       ((unsigned char)text.data[start] & 0xc0) == 0x80)
			start--;
		if (!rune_is_space(utf8_decode(text.data + start, text.len - start, &size)) ||
		    start + size != text.len)
			break;
		text.len = start;
	}
	return text;
}

/* ---- growing texts -------------------------------------------------------- */

void text_add(struct text *text, const char *data, size_t len)
{
	if (text->failed || !len)
		return;
	if (text->capacity - text->len < len) {
		uint64_t capacity = MAX((uint64_t)text->capacity * 2, text->len + len + 64);
		char *grown = NULL;

		if (capacity < UINT32_MAX && cel_spend(text->run, capacity / 16))
			grown = arena_alloc(text->run->arena, capacity);
		if (!grown) {
			text->failed = true;
			return;
		}
		if (text->len)
			memcpy(grown, text->data, text->len);
		text->data = grown;
		text->capacity = (uint32_t)capacity;
	}
	memcpy(text->data + text->len, data, len);
	text->len += (uint32_t)len;
}

struct value text_value(const struct text *text)
{
	return text->failed ? ERROR_MEMORY : value_string(text->data, text->len);
}
