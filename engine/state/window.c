/* SPDX-License-Identifier: Apache-2.0 */
/* Windows, see window.h. The log is a ring in one piece of the slab that doubles as it fills. */
#include "window.h"

#include "base/common.h"

/* ---- the log ---------------------------------------- */

struct item {
	uint64_t time;
	uint64_t events;
	double sums[];
};

static inline uint32_t item_size(const struct window_shape *shape)
{
	return (uint32_t)(sizeof(struct item) + shape->sums * sizeof(double));
}

static inline struct item *item_at(const struct window_log *log, const struct window_shape *shape,
				   uint32_t number)
{
	uint32_t at = log->first + number;

	if (at >= log->capacity)
		at -= log->capacity;
	return (void *)(log->items + (size_t)at * item_size(shape));
}

bool window_is_full(const struct window_log *log)
{
	return log->count == log->capacity && log->size < SLAB_PIECE_MAX && !log->coarse;
}

/* A piece of twice the size; the items begin at its beginning. */
bool window_grow(struct window_log *log, const struct window_shape *shape, struct slab *slab)
{
	uint32_t size = log->size ? log->size * 2 : SLAB_PIECE_MIN, item = item_size(shape);
	char *piece;

	while (size < item * 2)
		size *= 2;
	piece = size <= SLAB_PIECE_MAX ? slab_alloc(slab, size) : NULL;
	if (!piece)
		return false;
	for (uint32_t i = 0; i < log->count; i++)
		memcpy(piece + (size_t)i * item, item_at(log, shape, i), item);
	slab_release(slab, log->items, log->size);
	log->items = piece;
	log->size = size;
	log->capacity = size / item;
	log->first = 0;
	return true;
}

static void merge(struct item *into, const struct item *item, uint32_t sums)
{
	into->time = MAX(into->time, item->time);
	into->events += item->events;
	for (uint32_t i = 0; i < sums; i++)
		into->sums[i] += item->sums[i];
}

static bool same_pane(const struct window_shape *shape, uint64_t a, uint64_t b)
{
	uint64_t pane = MAX(shape->length / WINDOW_PANES, 1u);

	return a / pane == b / pane;
}

/* Neighbours in the same pane become one; all of them do if that makes no room. */
static void log_merge(struct window_log *log, const struct window_shape *shape)
{
	uint32_t kept = 0, before = log->count;

	for (uint32_t i = 1; i < before; i++) {
		struct item *last = item_at(log, shape, kept), *item = item_at(log, shape, i);

		if (same_pane(shape, last->time, item->time))
			merge(last, item, shape->sums);
		else if (++kept != i)
			memcpy(item_at(log, shape, kept), item, item_size(shape));
	}
	log->count = kept + 1;
	log->coarse = true;
	if (log->count < log->capacity)
		return;
	/* There was no memory for all panes: the two oldest are one from now on. */
	merge(item_at(log, shape, 1), item_at(log, shape, 0), shape->sums);
	log->first = log->first + 1 == log->capacity ? 0 : log->first + 1;
	log->count--;
}

/* Makes the place of a time among the items and returns it. */
static struct item *log_place(struct window_log *log, const struct window_shape *shape,
			      uint64_t time)
{
	uint32_t at = log->count++;

	if (at && time >= log->newest)
		return item_at(log, shape, at);
	for (; at; at--) {
		struct item *before = item_at(log, shape, at - 1);

		if (before->time <= time)
			break;
		memcpy(item_at(log, shape, at), before, item_size(shape));
	}
	return item_at(log, shape, at);
}

static void add(struct item *item, uint64_t time, const double *values, uint32_t sums)
{
	item->time = MAX(item->time, time);
	item->events++;
	for (uint32_t i = 0; i < sums; i++)
		item->sums[i] += values[i];
}

bool window_add(struct window_log *log, const struct window_shape *shape, uint64_t time,
		const double *values, struct window_totals *totals)
{
	bool exact = true;

	if (!log->capacity)
		return false; /* not even a first piece: the event is forgotten */
	totals->events++;
	for (uint32_t i = 0; i < shape->sums; i++)
		totals->sums[i] += values[i];
	if (log->coarse && same_pane(shape, log->newest, time)) {
		add(item_at(log, shape, log->count - 1), time, values, shape->sums);
		log->newest = MAX(log->newest, time);
		return true;
	}
	if (log->count == log->capacity) {
		exact = log->size == SLAB_PIECE_MAX || log->coarse;
		log_merge(log, shape);
	}
	struct item *item = log_place(log, shape, time);

	memset(item, 0, item_size(shape));
	add(item, time, values, shape->sums);
	log->oldest = log->count == 1 ? time : MIN(log->oldest, time);
	log->newest = log->count == 1 ? time : MAX(log->newest, time);
	return exact;
}

void window_expire(struct window_log *log, const struct window_shape *shape, uint64_t until,
		   struct window_totals *totals)
{
	if (log->count && log->oldest > until)
		return;
	while (log->count) {
		const struct item *item = item_at(log, shape, 0);

		log->oldest = item->time;
		if (item->time > until)
			return;
		totals->events -= item->events;
		for (uint32_t i = 0; i < shape->sums; i++)
			totals->sums[i] -= item->sums[i];
		log->first = log->first + 1 == log->capacity ? 0 : log->first + 1;
		log->count--;
	}
	/* What fractions have left behind. */
	for (uint32_t i = 0; i < shape->sums; i++)
		totals->sums[i] = 0;
	log->coarse = false;
}

uint64_t window_oldest(const struct window_log *log, const struct window_shape *shape)
{
	(void)shape;
	return log->count ? log->oldest : 0;
}

void window_free(struct window_log *log, struct slab *slab)
{
	slab_release(slab, log->items, log->size);
	*log = (struct window_log){ 0 };
}

/* ---- different values ---------------------------------------- */

/* In the piece: `capacity` values, then as many buckets of their numbers plus one. */
struct seen {
	uint64_t hash, last;
	uint16_t older, newer; /* plus one */
	uint16_t next;	       /* in its bucket, plus one */
	uint16_t unused;
};

static inline struct seen *seen_at(const struct distinct *set, uint32_t number)
{
	return (struct seen *)set->piece + number;
}

static inline uint16_t *seen_bucket(const struct distinct *set, uint64_t hash)
{
	uint16_t *buckets = (uint16_t *)(seen_at(set, set->capacity));

	return &buckets[hash & (set->capacity - 1u)];
}

/* In the order of `last`: a value that comes late is put where it belongs. */
static void order_join(struct distinct *set, uint16_t number)
{
	struct seen *seen = seen_at(set, number);
	uint16_t older = set->newest, newer = 0;

	while (older && seen_at(set, older - 1u)->last > seen->last) {
		newer = older;
		older = seen_at(set, older - 1u)->older;
	}
	seen->older = older;
	seen->newer = newer;
	*(older ? &seen_at(set, older - 1u)->newer : &set->oldest) = (uint16_t)(number + 1);
	*(newer ? &seen_at(set, newer - 1u)->older : &set->newest) = (uint16_t)(number + 1);
}

static void order_leave(struct distinct *set, const struct seen *seen)
{
	*(seen->older ? &seen_at(set, seen->older - 1u)->newer : &set->oldest) = seen->newer;
	*(seen->newer ? &seen_at(set, seen->newer - 1u)->older : &set->newest) = seen->older;
}

static void seen_link(struct distinct *set, uint16_t number)
{
	uint16_t *bucket = seen_bucket(set, seen_at(set, number)->hash);

	seen_at(set, number)->next = *bucket;
	*bucket = (uint16_t)(number + 1);
}

/* The last of the array takes the place of the one that goes. */
static void seen_remove(struct distinct *set, uint16_t number)
{
	struct seen *seen = seen_at(set, number);
	uint16_t last = (uint16_t)(set->count - 1), *link = seen_bucket(set, seen->hash);

	order_leave(set, seen);
	while (*link != number + 1)
		link = &seen_at(set, *link - 1u)->next;
	*link = seen->next;
	set->count--;
	if (number == last)
		return;
	struct seen *moved = seen_at(set, last);

	link = seen_bucket(set, moved->hash);
	while (*link != last + 1)
		link = &seen_at(set, *link - 1u)->next;
	*link = (uint16_t)(number + 1);
	*(moved->older ? &seen_at(set, moved->older - 1u)->newer
		       : &set->oldest) = (uint16_t)(number + 1);
	*(moved->newer ? &seen_at(set, moved->newer - 1u)->older
		       : &set->newest) = (uint16_t)(number + 1);
	*seen = *moved;
}

static bool set_grow(struct distinct *set, struct slab *slab)
{
	uint32_t capacity = set->capacity ? set->capacity * 2u : 2;
	uint32_t size = (uint32_t)(capacity * (sizeof(struct seen) + sizeof(uint16_t)));
	struct distinct larger = *set;

	larger.piece = capacity <= DISTINCT_MAX ? slab_alloc(slab, size) : NULL;
	if (!larger.piece)
		return false;
	memset(larger.piece, 0, size);
	if (set->count)
		memcpy(larger.piece, set->piece, set->count * sizeof(struct seen));
	larger.capacity = (uint16_t)capacity;
	larger.size = size;
	for (uint16_t i = 0; i < set->count; i++)
		seen_link(&larger, i);
	slab_release(slab, set->piece, set->size);
	*set = larger;
	return true;
}

void distinct_add(struct distinct *set, struct slab *slab, uint32_t most, uint64_t hash,
		  uint64_t time)
{
	if (set->capacity)
		for (uint16_t at = *seen_bucket(set, hash); at; at = seen_at(set, at - 1u)->next) {
			struct seen *seen = seen_at(set, at - 1u);

			if (seen->hash != hash)
				continue;
			if (time <= seen->last)
				return;
			order_leave(set, seen);
			seen->last = time;
			order_join(set, (uint16_t)(at - 1));
			return;
		}
	if (set->count == most || (set->count == set->capacity && !set_grow(set, slab))) {
		if (!set->count || seen_at(set, set->oldest - 1u)->last > time)
			return;
		seen_remove(set, (uint16_t)(set->oldest - 1));
	}
	*seen_at(set, set->count) = (struct seen){ .hash = hash, .last = time };
	seen_link(set, set->count++);
	order_join(set, (uint16_t)(set->count - 1));
}

void distinct_expire(struct distinct *set, uint64_t until)
{
	while (set->oldest && seen_at(set, set->oldest - 1u)->last <= until)
		seen_remove(set, (uint16_t)(set->oldest - 1));
}

void distinct_free(struct distinct *set, struct slab *slab)
{
	slab_release(slab, set->piece, set->size);
	*set = (struct distinct){ 0 };
}
