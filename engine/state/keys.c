/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of keys, see keys.h. */
#include "keys.h"

#include <errno.h>

#include "base/common.h"
#include "base/pages.h"

/* How far down a line a victim is looked for before the oldest is taken all the same. */
enum { SECOND_CHANCES = 8, BUCKETS_MIN = 16, LINE = 64, GROUP = 16, GROUPS_MIN = 4 };

static inline struct entry *slot_at(const struct keys_table *table, size_t size, uint32_t slot)
{
	return (void *)(table->slots + size * slot);
}

static inline struct entry_place *place_of(const struct keys *keys, const struct entry *entry)
{
	return &keys->places[entry->number];
}

/* Of a number that is in use. */
static inline struct entry *entry_at(const struct keys *keys, uint32_t number)
{
	return slot_at(&keys->table, keys->entry_size, keys->places[number].slot - 1);
}

struct entry *keys_at(const struct keys *keys, uint32_t number)
{
	return keys->places[number].slot ? entry_at(keys, number) : NULL;
}

uint32_t keys_owner(const struct keys *keys, const struct entry *entry)
{
	return keys->owners[place_of(keys, entry)->owner].id;
}

/* ---- the table ---------------------------------------- */

/* Seven of eight slots are used at most: then a group that is full is rare. */
static uint32_t fits(uint32_t groups)
{
	return groups * (GROUP / 8 * 7);
}

static size_t table_size(uint32_t groups, size_t entry_size)
{
	return (size_t)groups * (GROUP * (entry_size + 1) + sizeof(uint32_t));
}

/* All empty. False: there is no memory. */
static bool table_make(struct keys_table *table, uint32_t groups, size_t entry_size)
{
	struct keys_table made = { .groups = groups };

	made.mapped = table_size(groups, entry_size);
	made.memory = pages_reserve(made.mapped, 0);
	if (!made.memory)
		return false;
	made.slots = made.memory;
	made.tags = (uint8_t *)made.slots + entry_size * groups * GROUP;
	made.overflow = (uint32_t *)(made.tags + (size_t)groups * GROUP);
	*table = made;
	return true;
}

static void table_free(struct keys_table *table)
{
	pages_free(table->memory, table->mapped);
	*table = (struct keys_table){ 0 };
}

static inline uint8_t tag_of(struct digest key)
{
	return (uint8_t)(0x80 | key.high);
}

static inline uint32_t group_of(const struct keys_table *table, struct digest key)
{
	return (uint32_t)key.low & (table->groups - 1);
}

static const uint64_t byte_tops = 0x8080808080808080ULL, byte_ones = 0x0101010101010101ULL;

/* The top bit of each byte that is equal; now and then of the one behind such a byte as well. */
static inline uint64_t bytes_equal(uint64_t word, uint8_t byte)
{
	uint64_t x = word ^ (byte_ones * byte);

	return (x - byte_ones) & ~x & byte_tops;
}

/* A bit for each byte, of its top bit. */
static inline uint32_t bits_of(uint64_t tops)
{
	return (uint32_t)((tops >> 7) * 0x0102040810204080ULL >> 56);
}

/* A bit for each slot of the group that has this tag; see bytes_equal. No branch to foretell. */
static inline uint32_t slots_tagged(const struct keys_table *table, uint32_t group, uint8_t tag)
{
	uint64_t word[2];

	memcpy(word, table->tags + (size_t)group * GROUP, sizeof(word));
	return bits_of(bytes_equal(word[0], tag)) | bits_of(bytes_equal(word[1], tag)) << 8;
}

static inline uint32_t slots_empty(const struct keys_table *table, uint32_t group)
{
	uint64_t word[2];

	memcpy(word, table->tags + (size_t)group * GROUP, sizeof(word));
	return bits_of(~word[0] & byte_tops) | bits_of(~word[1] & byte_tops) << 8;
}

/* A slot for a key that is not there: in its group, or as near behind it as can be. */
static uint32_t table_place(struct keys_table *table, struct digest key)
{
	uint32_t group = group_of(table, key);

	for (;; group = (group + 1) & (table->groups - 1)) {
		uint32_t empty = slots_empty(table, group);

		if (empty) {
			uint32_t slot = group * GROUP + (uint32_t)__builtin_ctz(empty);

			table->tags[slot] = tag_of(key);
			return slot;
		}
		table->overflow[group]++;
	}
}

static void table_leave(struct keys_table *table, struct digest key, uint32_t slot)
{
	for (uint32_t group = group_of(table, key); group != slot / GROUP;
	     group = (group + 1) & (table->groups - 1))
		table->overflow[group]--;
	table->tags[slot] = 0;
}

/* Twice as large; false: there is no memory. */
static bool table_grow(struct keys *keys)
{
	struct keys_table old = keys->table;
	struct keys_table *table = &keys->table;

	if (!table_make(table, old.groups * 2, keys->entry_size))
		return false;
	for (uint32_t i = 0; i < old.groups * GROUP; i++) {
		const struct entry *entry = slot_at(&old, keys->entry_size, i);
		uint32_t slot;

		if (!old.tags[i])
			continue;
		slot = table_place(table, entry->key);
		memcpy(slot_at(table, keys->entry_size, slot), entry, keys->entry_size);
		keys->places[entry->number].slot = slot + 1;
	}
	table_free(&old);
	return true;
}

/* ---- life ---------------------------------------- */

static uint32_t buckets_for(uint32_t capacity)
{
	uint32_t count = BUCKETS_MIN;

	while (count < capacity && count < 1U << 31)
		count *= 2;
	return count;
}

static uint32_t groups_for(uint32_t capacity)
{
	uint32_t groups = GROUPS_MIN;

	while (fits(groups) < capacity)
		groups *= 2;
	return groups;
}

static size_t entry_size_of(const struct keys *keys)
{
	return (sizeof(struct entry) + keys->payload_size + LINE - 1) & ~(size_t)(LINE - 1);
}

uint64_t keys_bytes(const struct keys *keys)
{
	return keys->table.mapped +
	       (uint64_t)keys->high * (sizeof(struct entry_place) + keys->rest_size);
}

uint64_t keys_bytes_max(const struct keys *keys)
{
	return table_size(groups_for(keys->capacity), entry_size_of(keys)) +
	       (uint64_t)keys->capacity * (sizeof(struct entry_place) + keys->rest_size);
}

/* Numbers in buckets are kept plus one, so that fresh memory is empty. */
int keys_start(struct keys *keys)
{
	uint32_t buckets = buckets_for(keys->capacity);

	if (keys->places)
		return 0;
	keys->entry_size = entry_size_of(keys);
	keys->bucket_mask = buckets - 1;
	keys->places = pages_reserve(keys->capacity * sizeof(*keys->places), PAGES_HUGE);
	keys->rests = pages_reserve((size_t)keys->capacity * keys->rest_size + 1, SIZE_MAX);
	keys->owner_buckets = pages_reserve(buckets * sizeof(uint32_t), SIZE_MAX);
	keys->timers = pages_reserve(keys->capacity * sizeof(*keys->timers), SIZE_MAX);
	keys->owners = pages_reserve(keys->capacity * sizeof(*keys->owners), SIZE_MAX);
	memset(keys->classes, 0xff, sizeof(keys->classes));
	keys->unused = keys->owner_unused = keys->oldest = keys->newest = keys->hint = KEYS_NONE;
	if (keys->places && keys->rests && keys->owner_buckets && keys->timers && keys->owners &&
	    table_make(&keys->table, GROUPS_MIN, keys->entry_size))
		return 0;
	keys_free(keys);
	return -ENOMEM;
}

void keys_free(struct keys *keys)
{
	uint32_t buckets = keys->bucket_mask + 1;

	table_free(&keys->table);
	pages_free(keys->places, keys->capacity * sizeof(*keys->places));
	pages_free(keys->rests, (size_t)keys->capacity * keys->rest_size + 1);
	pages_free(keys->owner_buckets, buckets * sizeof(uint32_t));
	pages_free(keys->timers, keys->capacity * sizeof(*keys->timers));
	pages_free(keys->owners, keys->capacity * sizeof(*keys->owners));
	keys->places = NULL;
	keys->rests = NULL;
	keys->owner_buckets = NULL;
	keys->timers = NULL;
	keys->owners = NULL;
	keys->high = keys->owner_high = keys->count = keys->timer_count = 0;
	keys->booked = 0;
}

/* ---- timers: a heap ---------------------------------------- */

static void timer_put(struct keys *keys, uint32_t at, struct keys_timer timer)
{
	keys->timers[at] = timer;
	keys->places[timer.number].timer_at = at;
}

static uint32_t timer_up(struct keys *keys, uint32_t at)
{
	struct keys_timer timer = keys->timers[at];

	for (; at && keys->timers[(at - 1) / 2].time > timer.time; at = (at - 1) / 2)
		timer_put(keys, at, keys->timers[(at - 1) / 2]);
	timer_put(keys, at, timer);
	return at;
}

static void timer_down(struct keys *keys, uint32_t at)
{
	struct keys_timer timer = keys->timers[at];

	for (uint32_t child; (child = at * 2 + 1) < keys->timer_count; at = child) {
		if (child + 1 < keys->timer_count &&
		    keys->timers[child + 1].time < keys->timers[child].time)
			child++;
		if (keys->timers[child].time >= timer.time)
			break;
		timer_put(keys, at, keys->timers[child]);
	}
	timer_put(keys, at, timer);
}

static void timer_remove(struct keys *keys, struct entry *entry)
{
	uint32_t at = place_of(keys, entry)->timer_at, last = --keys->timer_count;

	entry->timed = false;
	if (at == last)
		return;
	timer_put(keys, at, keys->timers[last]);
	timer_down(keys, timer_up(keys, at));
}

void keys_timer(struct keys *keys, struct entry *entry, uint64_t time)
{
	if (entry->timed && time == keys->timers[place_of(keys, entry)->timer_at].time)
		return;
	if (entry->timed)
		timer_remove(keys, entry);
	if (!time)
		return;
	entry->timed = true;
	keys->timers[keys->timer_count] = (struct keys_timer){ .time = time,
							       .number = entry->number };
	timer_up(keys, keys->timer_count++);
}

struct entry *keys_timer_first(const struct keys *keys, uint64_t *time)
{
	if (!keys->timer_count)
		return NULL;
	*time = keys->timers[0].time;
	return entry_at(keys, keys->timers[0].number);
}

/* ---- owners ---------------------------------------- */

uint32_t keys_owner_of(uint32_t uid)
{
	return uid < 65536 ? uid : 65536 + uid / 65536;
}

static uint32_t class_of(uint64_t amount)
{
	return 63 - (uint32_t)__builtin_clzll(amount);
}

static void class_leave(struct keys *keys, uint32_t at, enum keys_goods goods)
{
	const struct keys_owner *owner = &keys->owners[at];
	uint32_t next = owner->class_next[goods], previous = owner->class_previous[goods];

	if (previous != KEYS_NONE)
		keys->owners[previous].class_next[goods] = next;
	else
		keys->classes[goods][class_of(owner->holds[goods])] = next;
	if (next != KEYS_NONE)
		keys->owners[next].class_previous[goods] = previous;
}

static void class_join(struct keys *keys, uint32_t at, enum keys_goods goods)
{
	struct keys_owner *owner = &keys->owners[at];
	uint32_t *head = &keys->classes[goods][class_of(owner->holds[goods])];

	owner->class_previous[goods] = KEYS_NONE;
	owner->class_next[goods] = *head;
	if (*head != KEYS_NONE)
		keys->owners[*head].class_previous[goods] = at;
	*head = at;
}

/* It holds so much more, or less. */
static void owner_hold(struct keys *keys, uint32_t at, enum keys_goods goods, int64_t change)
{
	struct keys_owner *owner = &keys->owners[at];
	uint64_t before = owner->holds[goods], after = before + (uint64_t)change;

	if (before && after && class_of(before) == class_of(after)) {
		owner->holds[goods] = after;
		return;
	}
	if (before)
		class_leave(keys, at, goods);
	owner->holds[goods] = after;
	if (after)
		class_join(keys, at, goods);
}

void keys_book(struct keys *keys, const struct entry *entry, int64_t bytes)
{
	struct entry_place *place = place_of(keys, entry);

	place->bytes += (uint64_t)bytes;
	keys->booked += (uint64_t)bytes;
	owner_hold(keys, place->owner, KEYS_BYTES, bytes);
}

static uint32_t *owner_bucket(struct keys *keys, uint32_t id)
{
	uint64_t hash = ((uint64_t)id ^ keys->secret.high) * 0x9e3779b97f4a7c15ULL;

	return &keys->owner_buckets[(hash >> 32) & keys->bucket_mask];
}

static uint32_t owner_find(struct keys *keys, uint32_t id)
{
	uint32_t *bucket = owner_bucket(keys, id), at = *bucket;

	for (; at; at = keys->owners[at - 1].next)
		if (keys->owners[at - 1].id == id)
			return at - 1;
	at = keys->owner_unused;
	if (at != KEYS_NONE)
		keys->owner_unused = keys->owners[at].next;
	else
		at = keys->owner_high++;
	keys->owners[at] = (struct keys_owner){
		.id = id, .oldest = KEYS_NONE, .newest = KEYS_NONE, .next = *bucket
	};
	*bucket = at + 1;
	return at;
}

static void owner_forget(struct keys *keys, uint32_t at)
{
	struct keys_owner *owner = &keys->owners[at];
	uint32_t *link = owner_bucket(keys, owner->id);

	while (*link != at + 1)
		link = &keys->owners[*link - 1].next;
	*link = owner->next;
	owner->next = keys->owner_unused;
	keys->owner_unused = at;
}

static void owner_join(struct keys *keys, struct entry *entry)
{
	struct keys_owner *owner = &keys->owners[place_of(keys, entry)->owner];
	uint32_t self = entry->number;

	place_of(keys, entry)->owner_newer = KEYS_NONE;
	place_of(keys, entry)->owner_older = owner->newest;
	if (owner->newest != KEYS_NONE)
		keys->places[owner->newest].owner_newer = self;
	else
		owner->oldest = self;
	owner->newest = self;
}

static void owner_leave(struct keys *keys, struct entry *entry)
{
	struct keys_owner *owner = &keys->owners[place_of(keys, entry)->owner];

	if (place_of(keys, entry)->owner_older != KEYS_NONE)
		keys->places[place_of(keys, entry)->owner_older].owner_newer =
			place_of(keys, entry)->owner_newer;
	else
		owner->oldest = place_of(keys, entry)->owner_newer;
	if (place_of(keys, entry)->owner_newer != KEYS_NONE)
		keys->places[place_of(keys, entry)->owner_newer].owner_older =
			place_of(keys, entry)->owner_older;
	else
		owner->newest = place_of(keys, entry)->owner_older;
}

/* ---- the line for expiry ---------------------------------------- */

static void line_join(struct keys *keys, struct entry *entry)
{
	uint32_t self = entry->number;

	place_of(keys, entry)->queued = entry->deadline;
	place_of(keys, entry)->newer = KEYS_NONE;
	place_of(keys, entry)->older = keys->newest;
	if (keys->newest != KEYS_NONE)
		keys->places[keys->newest].newer = self;
	else
		keys->oldest = self;
	keys->newest = self;
}

static void line_leave(struct keys *keys, struct entry *entry)
{
	if (place_of(keys, entry)->older != KEYS_NONE)
		keys->places[place_of(keys, entry)->older].newer = place_of(keys, entry)->newer;
	else
		keys->oldest = place_of(keys, entry)->newer;
	if (place_of(keys, entry)->newer != KEYS_NONE)
		keys->places[place_of(keys, entry)->newer].older = place_of(keys, entry)->older;
	else
		keys->newest = place_of(keys, entry)->older;
}

/* ---- entries ---------------------------------------- */

struct entry *keys_in_slot(const struct keys *keys, uint32_t slot, struct digest key)
{
	struct entry *entry;

	if (slot >= keys->table.groups * GROUP)
		return NULL;
	entry = slot_at(&keys->table, keys->entry_size, slot);
	return entry->used && digest_equal(entry->key, key) ? entry : NULL;
}

struct entry *keys_find(struct keys *keys, struct digest key)
{
	const struct keys_table *table = &keys->table;
	uint32_t group = group_of(table, key);
	struct entry *hinted = keys_in_slot(keys, keys->hint, key);

	if (hinted)
		return hinted;
	for (uint32_t tries = table->groups; tries; tries--) {
		uint32_t tagged = slots_tagged(table, group, tag_of(key));

		for (; tagged; tagged &= tagged - 1) {
			struct entry *entry = slot_at(table, keys->entry_size,
						      group * GROUP +
							      (uint32_t)__builtin_ctz(tagged));

			__builtin_prefetch((const char *)entry + LINE);
			if (digest_equal(entry->key, key))
				return entry;
		}
		if (!table->overflow[group])
			return NULL;
		group = (group + 1) & (table->groups - 1);
	}
	return NULL;
}

void keys_fetch(const struct keys *keys, struct digest key)
{
	if (keys->table.groups)
		__builtin_prefetch(keys->table.tags + (size_t)group_of(&keys->table, key) * GROUP);
}

/* Of the group alone where it belongs, the first there that has its tag. */
uint32_t keys_fetch_entry(const struct keys *keys, struct digest key)
{
	enum { FETCHED = 4 * LINE };
	const struct keys_table *table = &keys->table;
	uint32_t group = group_of(table, key);
	uint32_t tagged = table->groups ? slots_tagged(table, group, tag_of(key)) : 0;
	uint32_t slot;

	if (!tagged)
		return KEYS_NONE;
	slot = group * GROUP + (uint32_t)__builtin_ctz(tagged);
	fetch_ahead(slot_at(table, keys->entry_size, slot), MIN(keys->entry_size, (size_t)FETCHED));
	return slot;
}

void keys_remove(struct keys *keys, struct entry *entry)
{
	struct entry_place *place = place_of(keys, entry);

	if (keys->release)
		keys->release(keys->ctx, entry);
	if (entry->timed)
		timer_remove(keys, entry);
	line_leave(keys, entry);
	owner_leave(keys, entry);
	keys_book(keys, entry, -(int64_t)place->bytes);
	owner_hold(keys, place->owner, KEYS_ENTRIES, -1);
	if (!keys->owners[place->owner].holds[KEYS_ENTRIES])
		owner_forget(keys, place->owner);
	table_leave(&keys->table, entry->key, place->slot - 1);
	entry->used = false;
	place->slot = 0;
	place->newer = keys->unused;
	keys->unused = entry->number;
	keys->count--;
}

static bool may_go(const struct keys *keys, const struct entry *entry, const struct entry *keep,
		   enum keys_goods goods)
{
	return entry != keep && (goods == KEYS_ENTRIES || place_of(keys, entry)->bytes);
}

/* The owner's oldest that was not used lately, of those that hold any. */
static struct entry *victim_of(struct keys *keys, struct keys_owner *owner,
			       const struct entry *keep, enum keys_goods goods)
{
	struct entry *entry;
	uint32_t newer;

	for (uint32_t i = 0; i < SECOND_CHANCES; i++) {
		entry = entry_at(keys, owner->oldest);
		if (!entry->touched && may_go(keys, entry, keep, goods))
			return entry;
		entry->touched = false;
		owner_leave(keys, entry);
		owner_join(keys, entry);
	}
	entry = entry_at(keys, owner->oldest);
	if (may_go(keys, entry, keep, goods))
		return entry;
	newer = place_of(keys, entry)->owner_newer;
	if (newer == KEYS_NONE || !may_go(keys, entry_at(keys, newer), keep, goods))
		return NULL;
	return entry_at(keys, newer);
}

/* Of those who hold most: whoever asks for room, if it is one of them. NONE: nobody holds any. */
static uint32_t owner_to_give(struct keys *keys, uint32_t owner_id, enum keys_goods goods)
{
	uint32_t class = KEYS_CLASSES;

	while (class && keys->classes[goods][class - 1] == KEYS_NONE)
		class --;
	if (!class)
		return KEYS_NONE;
	for (uint32_t own = *owner_bucket(keys, owner_id); own; own = keys->owners[own - 1].next)
		if (keys->owners[own - 1].id == owner_id && keys->owners[own - 1].holds[goods] &&
		    class_of(keys->owners[own - 1].holds[goods]) == class - 1)
			return own - 1;
	return keys->classes[goods][class - 1];
}

bool keys_evict(struct keys *keys, const struct entry *keep, uint32_t owner_id,
		enum keys_goods goods)
{
	uint32_t at = owner_to_give(keys, owner_id, goods);
	struct entry *victim = at == KEYS_NONE ? NULL
					       : victim_of(keys, &keys->owners[at], keep, goods);

	if (!victim)
		return false;
	keys_remove(keys, victim);
	keys->evicted++;
	return true;
}

static uint32_t number_take(struct keys *keys)
{
	uint32_t number = keys->unused;

	if (number == KEYS_NONE)
		return keys->high++;
	keys->unused = keys->places[number].newer;
	return number;
}

struct entry *keys_add(struct keys *keys, struct digest key, uint32_t owner, uint64_t deadline)
{
	struct entry *entry;
	uint32_t number, slot;

	if (keys->count == keys->capacity ||
	    (keys->count == fits(keys->table.groups) && !table_grow(keys)))
		keys_evict(keys, NULL, owner, KEYS_ENTRIES);
	number = number_take(keys);
	slot = table_place(&keys->table, key);
	entry = slot_at(&keys->table, keys->entry_size, slot);
	memset(entry, 0, keys->entry_size);
	entry->key = key;
	entry->used = true;
	entry->deadline = deadline;
	entry->number = number;
	keys->places[number] = (struct entry_place){ .slot = slot + 1 };
	keys->places[number].owner = owner_find(keys, owner);
	line_join(keys, entry);
	owner_join(keys, entry);
	owner_hold(keys, keys->places[number].owner, KEYS_ENTRIES, 1);
	keys->count++;
	return entry;
}

void keys_expire(struct keys *keys, uint64_t now, uint32_t most)
{
	while (most-- && keys->oldest != KEYS_NONE) {
		struct entry *entry;

		if (keys->places[keys->oldest].queued > now)
			return;
		entry = entry_at(keys, keys->oldest);
		if (entry->deadline <= now && !entry->timed) {
			keys_remove(keys, entry);
			keys->expired++;
			continue;
		}
		line_leave(keys, entry);
		line_join(keys, entry);
		place_of(keys, entry)->queued = MAX(entry->deadline, now + 1);
	}
}
