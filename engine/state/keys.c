/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of keys, see keys.h. */
#include "keys.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/common.h"

/* How far down a line a victim is looked for before the oldest is taken all the same. */
enum { SECOND_CHANCES = 8, BUCKETS_MIN = 16, LINE = 64, HUGE_FROM = 4 << 20 };

struct entry *keys_at(const struct keys *keys, uint32_t number)
{
	struct entry *entry = (void *)(keys->entries + keys->entry_size * number);

	return entry->used ? entry : NULL;
}

static inline struct entry *entry_at(const struct keys *keys, uint32_t number)
{
	return (void *)(keys->entries + keys->entry_size * number);
}

static inline struct entry_links *links_of(const struct keys *keys, const struct entry *entry)
{
	return (void *)((char *)entry + keys->links_at);
}

static inline uint32_t number_of(const struct keys *keys, const struct entry *entry)
{
	return (uint32_t)((size_t)((const char *)entry - keys->entries) / keys->entry_size);
}

/* ---- life ---------------------------------------- */

/* Memory that is there when it is touched. */
static void *reserve(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	/* Large tables are read at random: their pages are worth being large. */
	if (size >= HUGE_FROM)
		madvise(memory, size, MADV_HUGEPAGE);
	return memory;
}

static void unreserve(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

static uint32_t buckets_for(uint32_t capacity)
{
	uint32_t count = BUCKETS_MIN;

	/* Twice as many: the wrong entry at the head of a chain is a cache miss for nothing. */
	while (count / 2 < capacity && count < 1U << 31)
		count *= 2;
	return count;
}

static size_t links_offset(const struct keys *keys)
{
	return (sizeof(struct entry) + keys->payload_size + 7) & ~(size_t)7;
}

size_t keys_entry_size(const struct keys *keys)
{
	size_t size = links_offset(keys) + sizeof(struct entry_links);

	return (size + LINE - 1) & ~(size_t)(LINE - 1);
}

/* 0 means none in buckets, so that fresh memory is empty: numbers are kept plus one. */
int keys_start(struct keys *keys)
{
	uint32_t buckets = buckets_for(keys->capacity);

	if (keys->entries)
		return 0;
	keys->links_at = links_offset(keys);
	keys->entry_size = keys_entry_size(keys);
	keys->bucket_mask = buckets - 1;
	keys->entries = reserve(keys->entry_size * keys->capacity);
	keys->buckets = reserve(buckets * sizeof(uint32_t));
	keys->owner_buckets = reserve(buckets * sizeof(uint32_t));
	keys->timers = reserve(keys->capacity * sizeof(uint32_t));
	keys->owners = reserve(keys->capacity * sizeof(*keys->owners));
	for (uint32_t i = 0; i < KEYS_CLASSES; i++)
		keys->classes[i] = KEYS_NONE;
	keys->unused = keys->owner_unused = keys->oldest = keys->newest = KEYS_NONE;
	if (keys->entries && keys->buckets && keys->owner_buckets && keys->timers && keys->owners)
		return 0;
	keys_free(keys);
	return -ENOMEM;
}

void keys_free(struct keys *keys)
{
	uint32_t buckets = keys->bucket_mask + 1;

	unreserve(keys->entries, keys->entry_size * keys->capacity);
	unreserve(keys->buckets, buckets * sizeof(uint32_t));
	unreserve(keys->owner_buckets, buckets * sizeof(uint32_t));
	unreserve(keys->timers, keys->capacity * sizeof(uint32_t));
	unreserve(keys->owners, keys->capacity * sizeof(*keys->owners));
	keys->entries = NULL;
	keys->buckets = keys->owner_buckets = keys->timers = NULL;
	keys->owners = NULL;
	keys->high = keys->owner_high = keys->count = keys->timer_count = 0;
}

/* ---- timers: a heap of entry numbers ---------------------------------------- */

static void timer_put(struct keys *keys, uint32_t at, uint32_t number)
{
	keys->timers[at] = number;
	entry_at(keys, number)->timer_at = at + 1;
}

static uint64_t timer_time(const struct keys *keys, uint32_t at)
{
	return links_of(keys, entry_at(keys, keys->timers[at]))->timer;
}

static void timer_up(struct keys *keys, uint32_t at)
{
	uint32_t number = keys->timers[at];
	uint64_t time = links_of(keys, entry_at(keys, number))->timer;

	for (; at && timer_time(keys, (at - 1) / 2) > time; at = (at - 1) / 2)
		timer_put(keys, at, keys->timers[(at - 1) / 2]);
	timer_put(keys, at, number);
}

static void timer_down(struct keys *keys, uint32_t at)
{
	uint32_t number = keys->timers[at];
	uint64_t time = links_of(keys, entry_at(keys, number))->timer;

	for (uint32_t child; (child = at * 2 + 1) < keys->timer_count; at = child) {
		if (child + 1 < keys->timer_count &&
		    timer_time(keys, child + 1) < timer_time(keys, child))
			child++;
		if (timer_time(keys, child) >= time)
			break;
		timer_put(keys, at, keys->timers[child]);
	}
	timer_put(keys, at, number);
}

static void timer_remove(struct keys *keys, struct entry *entry)
{
	uint32_t at = entry->timer_at - 1, last = --keys->timer_count;

	entry->timer_at = 0;
	links_of(keys, entry)->timer = 0;
	if (at == last)
		return;
	timer_put(keys, at, keys->timers[last]);
	timer_up(keys, at);
	timer_down(keys, entry_at(keys, keys->timers[at])->timer_at - 1);
}

void keys_timer(struct keys *keys, struct entry *entry, uint64_t time)
{
	if (entry->timer_at && time == links_of(keys, entry)->timer)
		return;
	if (entry->timer_at)
		timer_remove(keys, entry);
	if (!time)
		return;
	links_of(keys, entry)->timer = time;
	timer_put(keys, keys->timer_count++, number_of(keys, entry));
	timer_up(keys, keys->timer_count - 1);
}

struct entry *keys_timer_first(const struct keys *keys, uint64_t *time)
{
	struct entry *first = keys->timer_count ? entry_at(keys, keys->timers[0]) : NULL;

	if (first)
		*time = links_of(keys, first)->timer;
	return first;
}

/* ---- owners ---------------------------------------- */

uint32_t keys_owner_of(uint32_t uid)
{
	return uid < 65536 ? uid : 65536 + uid / 65536;
}

static uint32_t class_of(uint32_t count)
{
	return 31 - (uint32_t)__builtin_clz(count);
}

static void class_leave(struct keys *keys, uint32_t at)
{
	struct keys_owner *owner = &keys->owners[at];

	if (owner->class_previous != KEYS_NONE)
		keys->owners[owner->class_previous].class_next = owner->class_next;
	else
		keys->classes[class_of(owner->count)] = owner->class_next;
	if (owner->class_next != KEYS_NONE)
		keys->owners[owner->class_next].class_previous = owner->class_previous;
}

static void class_join(struct keys *keys, uint32_t at)
{
	struct keys_owner *owner = &keys->owners[at];
	uint32_t *head = &keys->classes[class_of(owner->count)];

	owner->class_previous = KEYS_NONE;
	owner->class_next = *head;
	if (*head != KEYS_NONE)
		keys->owners[*head].class_previous = at;
	*head = at;
}

/* It holds so many entries more: 1 or -1. */
static void owner_count(struct keys *keys, uint32_t at, int change)
{
	struct keys_owner *owner = &keys->owners[at];
	uint32_t before = owner->count, after = (uint32_t)((int64_t)before + change);

	if (before && after && class_of(before) == class_of(after)) {
		owner->count = after;
		return;
	}
	if (before)
		class_leave(keys, at);
	owner->count = after;
	if (after)
		class_join(keys, at);
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
	struct keys_owner *owner = &keys->owners[entry->owner];
	uint32_t self = number_of(keys, entry);

	links_of(keys, entry)->owner_newer = KEYS_NONE;
	links_of(keys, entry)->owner_older = owner->newest;
	if (owner->newest != KEYS_NONE)
		links_of(keys, entry_at(keys, owner->newest))->owner_newer = self;
	else
		owner->oldest = self;
	owner->newest = self;
}

static void owner_leave(struct keys *keys, struct entry *entry)
{
	struct keys_owner *owner = &keys->owners[entry->owner];

	if (links_of(keys, entry)->owner_older != KEYS_NONE)
		links_of(keys, entry_at(keys, links_of(keys, entry)->owner_older))->owner_newer =
			links_of(keys, entry)->owner_newer;
	else
		owner->oldest = links_of(keys, entry)->owner_newer;
	if (links_of(keys, entry)->owner_newer != KEYS_NONE)
		links_of(keys, entry_at(keys, links_of(keys, entry)->owner_newer))->owner_older =
			links_of(keys, entry)->owner_older;
	else
		owner->newest = links_of(keys, entry)->owner_older;
}

/* ---- the line for expiry ---------------------------------------- */

static void line_join(struct keys *keys, struct entry *entry)
{
	uint32_t self = number_of(keys, entry);

	links_of(keys, entry)->queued = entry->deadline;
	links_of(keys, entry)->newer = KEYS_NONE;
	links_of(keys, entry)->older = keys->newest;
	if (keys->newest != KEYS_NONE)
		links_of(keys, entry_at(keys, keys->newest))->newer = self;
	else
		keys->oldest = self;
	keys->newest = self;
}

static void line_leave(struct keys *keys, struct entry *entry)
{
	if (links_of(keys, entry)->older != KEYS_NONE)
		links_of(keys, entry_at(keys, links_of(keys, entry)->older))->newer =
			links_of(keys, entry)->newer;
	else
		keys->oldest = links_of(keys, entry)->newer;
	if (links_of(keys, entry)->newer != KEYS_NONE)
		links_of(keys, entry_at(keys, links_of(keys, entry)->newer))->older =
			links_of(keys, entry)->older;
	else
		keys->newest = links_of(keys, entry)->older;
}

/* ---- entries ---------------------------------------- */

static inline uint32_t *bucket_of(struct keys *keys, struct digest key)
{
	return &keys->buckets[key.low & keys->bucket_mask];
}

struct entry *keys_find(struct keys *keys, struct digest key)
{
	for (uint32_t at = *bucket_of(keys, key); at;) {
		struct entry *entry = entry_at(keys, at - 1);

		__builtin_prefetch((const char *)entry + LINE);
		if (digest_equal(entry->key, key))
			return entry;
		at = entry->next;
	}
	return NULL;
}

void keys_remove(struct keys *keys, struct entry *entry)
{
	uint32_t self = number_of(keys, entry), *link = bucket_of(keys, entry->key);

	if (keys->release)
		keys->release(keys->ctx, entry);
	while (*link != self + 1)
		link = &entry_at(keys, *link - 1)->next;
	*link = entry->next;
	if (entry->timer_at)
		timer_remove(keys, entry);
	line_leave(keys, entry);
	owner_leave(keys, entry);
	owner_count(keys, entry->owner, -1);
	if (!keys->owners[entry->owner].count)
		owner_forget(keys, entry->owner);
	entry->used = false;
	entry->next = keys->unused;
	keys->unused = self;
	keys->count--;
}

/* The owner's oldest that was not used lately. */
static struct entry *victim_of(struct keys *keys, struct keys_owner *owner,
			       const struct entry *keep)
{
	for (uint32_t i = 0; i < SECOND_CHANCES; i++) {
		struct entry *entry = entry_at(keys, owner->oldest);

		if (!entry->touched && entry != keep)
			return entry;
		entry->touched = false;
		owner_leave(keys, entry);
		owner_join(keys, entry);
	}
	struct entry *entry = entry_at(keys, owner->oldest);

	if (entry != keep)
		return entry;
	return links_of(keys, entry)->owner_newer == KEYS_NONE
		       ? NULL
		       : entry_at(keys, links_of(keys, entry)->owner_newer);
}

bool keys_evict(struct keys *keys, const struct entry *keep, uint32_t owner_id)
{
	uint32_t class = KEYS_CLASSES, at;
	struct entry *victim;

	while (class && keys->classes[class - 1] == KEYS_NONE)
		class --;
	if (!class)
		return false;
	at = keys->classes[class - 1];
	/* Whoever asks for room gives it, if it is one of those who hold most. */
	for (uint32_t own = *owner_bucket(keys, owner_id); own; own = keys->owners[own - 1].next)
		if (keys->owners[own - 1].id == owner_id &&
		    class_of(keys->owners[own - 1].count) == class - 1)
			at = own - 1;
	victim = victim_of(keys, &keys->owners[at], keep);
	if (!victim)
		return false;
	keys_remove(keys, victim);
	keys->evicted++;
	return true;
}

struct entry *keys_add(struct keys *keys, struct digest key, uint32_t owner, uint64_t deadline)
{
	uint32_t number, *bucket = bucket_of(keys, key);
	struct entry *entry;

	if (keys->count == keys->capacity)
		keys_evict(keys, NULL, owner);
	number = keys->unused;
	if (number != KEYS_NONE)
		keys->unused = entry_at(keys, number)->next;
	else
		number = keys->high++;
	entry = entry_at(keys, number);
	memset(entry, 0, keys->entry_size);
	entry->key = key;
	entry->used = true;
	entry->deadline = deadline;
	entry->next = *bucket;
	*bucket = number + 1;
	entry->owner = owner_find(keys, owner);
	line_join(keys, entry);
	owner_join(keys, entry);
	owner_count(keys, entry->owner, 1);
	keys->count++;
	return entry;
}

void keys_expire(struct keys *keys, uint64_t now, uint32_t most)
{
	while (most-- && keys->oldest != KEYS_NONE) {
		struct entry *entry = entry_at(keys, keys->oldest);

		if (links_of(keys, entry)->queued > now)
			return;
		if (entry->deadline <= now && !entry->timer_at) {
			keys_remove(keys, entry);
			keys->expired++;
			continue;
		}
		line_leave(keys, entry);
		line_join(keys, entry);
		links_of(keys, entry)->queued = MAX(entry->deadline, now + 1);
	}
}
