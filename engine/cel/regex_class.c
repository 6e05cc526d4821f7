/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of code points as sorted ranges. */
#include "regex.h"

struct class_row {
	uint32_t first, last;
	const char *name;
};

#include "unicode_class.inc"

static bool spend(struct class *class)
{
	if (!*class->effort)
		class->failed = true;
	else
		--*class->effort;
	return !class->failed;
}

void class_add(struct class *class, uint32_t first, uint32_t last)
{
	if (!spend(class))
		return;
	if (class->count == class->capacity) {
		uint32_t capacity = class->capacity ? class->capacity * 2 : 8;
		struct range *ranges = arena_array(class->arena, struct range, capacity);

		if (!ranges) {
			class->failed = true;
			return;
		}
		if (class->count)
			memcpy(ranges, class->ranges, class->count * sizeof(*ranges));
		class->ranges = ranges;
		class->capacity = capacity;
	}
	class->ranges[class->count++] = (struct range){ first, last };
}

void class_add_class(struct class *class, const struct class *other)
{
	for (uint32_t i = 0; i < other->count; i++)
		class_add(class, other->ranges[i].first, other->ranges[i].last);
}

static int range_order(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

void class_clean(struct class *class)
{
	uint32_t kept = 0;

	if (!class->count)
		return;
	qsort(class->ranges, class->count, sizeof(*class->ranges), range_order);
	for (uint32_t i = 1; i < class->count; i++) {
		struct range *last = &class->ranges[kept], *next = &class->ranges[i];

		if (next->first <= last->last + 1)
			last->last = MAX(last->last, next->last);
		else
			class->ranges[++kept] = *next;
	}
	class->count = kept + 1;
}

void class_negate(struct class *class)
{
	struct class result = { .arena = class->arena,
				.effort = class->effort,
				.failed = class->failed };
	uint32_t next = 0;

	class_clean(class);
	for (uint32_t i = 0; i < class->count; i++) {
		if (class->ranges[i].first > next)
			class_add(&result, next, class->ranges[i].first - 1);
		next = class->ranges[i].last + 1;
	}
	if (next <= RUNE_MAX)
		class_add(&result, next, RUNE_MAX);
	*class = result;
}

void class_fold(struct class *class)
{
	struct class added = { .arena = class->arena, .effort = class->effort };

	class_clean(class);
	for (uint32_t i = 0; i < class->count; i++) {
		uint32_t rune = class->ranges[i].first, last = class->ranges[i].last;

		for (; rune_fold_from(&rune) && rune <= last && spend(&added); rune++)
			for (uint32_t other = rune_fold_next(rune); other != rune;
			     other = rune_fold_next(other))
				if (!class_has(class, other))
					class_add(&added, other, other);
	}
	class_add_class(class, &added);
	class->failed |= added.failed;
	class_clean(class);
}

bool class_has(const struct class *class, uint32_t rune)
{
	uint32_t low = 0, high = class->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (class->ranges[middle].last < rune)
			low = middle + 1;
		else
			high = middle;
	}
	return low < class->count && class->ranges[low].first <= rune;
}

static bool add_rows(struct class *class, const struct class_row *rows, size_t count,
		     struct str name, bool prefix)
{
	bool found = false;

	for (size_t i = 0; i < count; i++) {
		struct str row = str_of(rows[i].name);

		if (prefix && row.len > name.len)
			row.len = name.len;
		if (str_equal(row, name)) {
			class_add(class, rows[i].first, rows[i].last);
			found = true;
		}
	}
	return found;
}

bool class_add_property(struct class *class, struct str name)
{
	if (str_equal(name, STR("Any"))) {
		class_add(class, 0, RUNE_MAX);
		return true;
	}
	if (name.len <= 2)
		return name.len && add_rows(class, category_rows, ARRAY_SIZE(category_rows), name,
					    name.len == 1);
	return add_rows(class, script_rows, ARRAY_SIZE(script_rows), name, false);
}
