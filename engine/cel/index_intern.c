/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for byte strings, so that what is equal is one; used while an index is built. */
#include "index_part.h"

enum { SLOTS_FIRST = 64 };

uint64_t index_hash(const void *data, size_t len)
{
	const unsigned char *at = data;
	uint64_t hash = 0x9e3779b97f4a7c15ULL ^ len;

	for (; len >= 8; at += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
		hash ^= hash >> 32;
	}
	for (; len; at++, len--)
		hash = (hash ^ *at) * 0x100000001b3ULL;
	hash ^= hash >> 29;
	hash *= 0xbf58476d1ce4e5b9ULL;
	return hash ^ hash >> 32;
}

void *index_grow(struct arena *arena, void *items, uint32_t count, size_t size)
{
	void *larger;

	if (count & (count - 1))
		return items;
	larger = arena_zalloc(arena, size * (count ? (size_t)count * 2 : 1));
	if (larger && count)
		memcpy(larger, items, size * count);
	return larger;
}

static void place(struct interner *interner, uint32_t entry)
{
	uint32_t mask = interner->slot_count - 1;
	uint32_t at = (uint32_t)interner->entries[entry].hash & mask;

	while (interner->slots[at])
		at = (at + 1) & mask;
	interner->slots[at] = entry + 1;
}

/* At most half full. */
static bool make_room(struct interner *interner)
{
	uint32_t count = interner->slot_count ? interner->slot_count * 2 : SLOTS_FIRST;
	struct interned *entries;

	if (interner->count * 2 >= interner->slot_count) {
		uint32_t *slots = arena_array(interner->arena, uint32_t, count);

		if (!slots)
			return false;
		interner->slots = slots;
		interner->slot_count = count;
		for (uint32_t i = 0; i < interner->count; i++)
			place(interner, i);
	}
	entries = index_grow(interner->arena, interner->entries, interner->count,
			     sizeof(*interner->entries));
	if (entries)
		interner->entries = entries;
	return entries != NULL;
}

uint32_t intern_find(const struct interner *interner, struct str key)
{
	uint64_t hash = index_hash(key.data, key.len);
	uint32_t mask = interner->slot_count - 1;

	if (!interner->slot_count)
		return INDEX_NONE;
	for (uint32_t at = (uint32_t)hash & mask; interner->slots[at]; at = (at + 1) & mask) {
		const struct interned *entry = &interner->entries[interner->slots[at] - 1];

		if (entry->hash == hash && str_equal(entry->key, key))
			return interner->slots[at] - 1;
	}
	return INDEX_NONE;
}

uint32_t intern(struct interner *interner, struct str key)
{
	uint32_t known = intern_find(interner, key);
	struct str copy;

	if (known != INDEX_NONE)
		return known;
	copy = arena_str(interner->arena, key.data, key.len);
	if (!copy.data || !make_room(interner))
		return INDEX_NONE;
	interner->entries[interner->count] = (struct interned){ index_hash(key.data, key.len),
								copy };
	place(interner, interner->count);
	return interner->count++;
}
