/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant lists as hash tables, for `in`. Only texts and whole numbers: then an item is in
 * the list exactly if one of equal hash is equal to it, since 1 and 1u hash alike.
 */
#include "internal.h"

struct value_set {
	const struct value_list *list;
	uint32_t mask;
	uint32_t places[]; /* 1 + index in the list; 0: empty */
};

static uint64_t load(const char *data, uint32_t len)
{
	uint64_t word = 0;

	memcpy(&word, data, len);
	return word;
}

/* Mixes the length, the first and the last eight bytes: enough to tell paths apart. */
static uint32_t hash(struct value v)
{
	uint64_t h = v.tag == VALUE_STRING ? v.len : v.u;

	if (v.tag == VALUE_STRING && v.len) {
		uint32_t len = MIN(v.len, 8u);

		h = (h + load(v.str, len)) * 0x9e3779b97f4a7c15u;
		h ^= load(v.str + v.len - len, len) * 0xc2b2ae3d27d4eb4fu;
	}
	h *= 0x9e3779b97f4a7c15u;
	return (uint32_t)(h >> 32);
}

static bool can_hold(const struct value_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i].tag != VALUE_STRING && list->items[i].tag != VALUE_INT &&
		    list->items[i].tag != VALUE_UINT)
			return false;
	return list->count >= SET_COUNT_MIN && list->count < 1u << 24;
}

const struct value_set *set_make(struct arena *arena, const struct value_list *list)
{
	struct value_set *set;
	uint32_t size = 16;

	if (!can_hold(list))
		return NULL;
	while (size < list->count * 2)
		size *= 2;
	set = arena_zalloc(arena, sizeof(*set) + size * sizeof(set->places[0]));
	if (!set)
		return NULL;
	set->list = list;
	set->mask = size - 1;
	for (uint32_t i = 0; i < list->count; i++) {
		uint32_t at = hash(list->items[i]) & set->mask;

		while (set->places[at])
			at = (at + 1) & set->mask;
		set->places[at] = i + 1;
	}
	return set;
}

static bool equal(struct value a, struct value b)
{
	if (a.tag == VALUE_STRING && b.tag == VALUE_STRING)
		return str_equal(value_text(a), value_text(b));
	return values_equal(NULL, a, b);
}

struct value set_in(struct cel_run *run, struct value item, const struct value_set *set)
{
	if (item.tag != VALUE_STRING && item.tag != VALUE_INT && item.tag != VALUE_UINT)
		return values_in(run, item,
				 (struct value){ .tag = VALUE_LIST,
						 .len = set->list->count,
						 .list = set->list });
	for (uint32_t at = hash(item) & set->mask; set->places[at]; at = (at + 1) & set->mask)
		if (equal(item, set->list->items[set->places[at] - 1]))
			return value_bool(true);
	return value_bool(false);
}
