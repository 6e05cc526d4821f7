/* SPDX-License-Identifier: Apache-2.0 */
/* Windows, see window.h. The log is a ring in one piece of the slab that doubles as it fills. */
#include "window.h"

#include "base/common.h"

/* ---- the log ---------------------------------------- */

/*
 * An item is a time, if it is coarse a number of events, and the sums: exact logs, which are many,
 * spend nothing on what is always one.
 */
enum { TIME, EVENTS };

static size_t piece_size(uint32_t class)
{
	return class ? (size_t)SLAB_PIECE_MIN << (class - 1) : 0;
}

void window_shape_init(struct window_shape *shape, uint64_t length, uint32_t sums, size_t tail)
{
	*shape = (struct window_shape){ .length = length, .sums = sums };
	for (uint32_t coarse = 0; coarse < 2; coarse++) {
		shape->item[coarse] = (uint16_t)((1 + coarse + sums) * sizeof(uint64_t));
		for (uint32_t class = 1; class < WINDOW_CLASSES; class ++)
			shape->capacity[coarse][class] = (uint16_t)(piece_size(class) /
								    shape->item[coarse]);
	}
	shape->tail = (uint16_t)(tail / shape->item[0]);
}

static inline uint64_t *item_at(const struct window_log *log, const struct window_shape *shape,
				const struct slab *slab, uint32_t number)
{
	uint32_t at = log->first + number, capacity = shape->capacity[log->coarse][log->class];

	if (at >= capacity)
		at -= capacity;
	return (void *)((char *)slab_piece(slab, log->piece) +
			(size_t)at * shape->item[log->coarse]);
}

static inline double *item_sums(uint64_t *item, bool coarse)
{
	return (double *)(item + 1 + coarse);
}

static inline uint64_t item_events(const uint64_t *item, bool coarse)
{
	return coarse ? item[EVENTS] : 1;
}

/* A piece of twice the size; the items begin at its beginning. */
bool window_grow(struct window_log *log, const struct window_shape *shape, struct slab *slab)
{
	uint32_t class = log->class + 1;
	char *piece;

	/* The least piece holds two tails, and two items even when they are coarse. */
	while (class < WINDOW_CLASSES &&
	       (shape->capacity[1][class] < 2 || shape->capacity[0][class] < shape->tail * 2))
		class ++;
	piece = class < WINDOW_CLASSES ? slab_alloc(slab, piece_size(class)) : NULL;
	if (!piece)
		return false;
	for (uint32_t i = 0; i < log->count; i++)
		memcpy(piece + (size_t)i * shape->item[0], item_at(log, shape, slab, i),
		       shape->item[0]);
	if (log->class)
		slab_release(slab, slab_piece(slab, log->piece), piece_size(log->class));
	log->piece = slab_number(slab, piece);
	log->class = class;
	log->first = 0;
	return true;
}

/* Items `into` and `item` are coarse and become one. */
static void merge(uint64_t *into, uint64_t *item, uint32_t sums)
{
	into[TIME] = MAX(into[TIME], item[TIME]);
	into[EVENTS] += item[EVENTS];
	for (uint32_t i = 0; i < sums; i++)
		item_sums(into, true)[i] += item_sums(item, true)[i];
}

static bool same_pane(const struct window_shape *shape, uint64_t a, uint64_t b)
{
	uint64_t pane = MAX(shape->length / WINDOW_PANES, 1u);

	return a / pane == b / pane;
}

/* The most there are, each of another pane, with what is somewhat late. */
enum { PANES_MAX = WINDOW_PANES + 2, SUMS_MAX = 32, WORDS_MAX = 2 + SUMS_MAX };

/*
 * Neighbours in the same pane become one, and the oldest do if that makes no room; then all items
 * are coarse.
 */
static void log_merge(struct window_log *log, const struct window_shape *shape,
		      const struct slab *slab)
{
	uint32_t capacity = shape->capacity[1][log->class], room = MIN(capacity - 1u, PANES_MAX);
	uint64_t panes[PANES_MAX + 1][WORDS_MAX];
	uint32_t kept = 0;

	for (uint32_t i = 0; i < log->count; i++) {
		uint64_t *item = item_at(log, shape, slab, i), one[WORDS_MAX];

		one[TIME] = item[TIME];
		one[EVENTS] = item_events(item, log->coarse);
		memcpy(one + 2, item_sums(item, log->coarse), shape->sums * sizeof(double));
		if (kept && same_pane(shape, panes[kept - 1][TIME], one[TIME])) {
			merge(panes[kept - 1], one, shape->sums);
			continue;
		}
		memcpy(panes[kept++], one, shape->item[1]);
		if (kept <= room)
			continue;
		/* There is no memory for all panes: the two oldest are one. */
		merge(panes[1], panes[0], shape->sums);
		memmove(panes[0], panes[1], --kept * sizeof(panes[0]));
	}
	log->coarse = true;
	log->first = 0;
	log->count = kept & 0x1fff;
	for (uint32_t i = 0; i < kept; i++)
		memcpy(item_at(log, shape, slab, i), panes[i], shape->item[1]);
	if (kept)
		log->oldest = panes[0][TIME];
}

/* Makes the place of a time among the items and returns it; late: it may not be the last. */
static uint64_t *log_place(const struct window *w, uint64_t time, bool late)
{
	uint32_t at = w->log->count++;

	for (; late && at; at--) {
		uint64_t *before = item_at(w->log, w->shape, w->slab, at - 1);

		if (before[TIME] <= time)
			break;
		memcpy(item_at(w->log, w->shape, w->slab, at), before,
		       w->shape->item[w->log->coarse]);
	}
	return item_at(w->log, w->shape, w->slab, at);
}

/* True: the event has become a part of the last item. */
static bool add_to_last(const struct window *w, uint64_t time, const double *values)
{
	struct window_log *log = w->log;
	uint64_t *last = log->count ? item_at(log, w->shape, w->slab, log->count - 1u) : NULL;

	if (!last || !same_pane(w->shape, last[TIME], time))
		return false;
	last[TIME] = MAX(last[TIME], time);
	last[EVENTS]++;
	for (uint32_t i = 0; i < w->shape->sums; i++)
		item_sums(last, true)[i] += values[i];
	return true;
}

/* To the piece, which there is. False: it becomes coarse for want of memory. */
static bool add_to_piece(const struct window *w, uint64_t time, const double *values, bool late)
{
	struct window_log *log = w->log;
	bool exact = true;
	uint64_t *item;

	if (log->coarse && add_to_last(w, time, values))
		return true;
	if (log->count == w->shape->capacity[log->coarse][log->class]) {
		exact = log->class == WINDOW_CLASSES - 1 || log->coarse;
		log_merge(log, w->shape, w->slab);
	}
	item = log_place(w, time, late);
	item[TIME] = time;
	if (log->coarse)
		item[EVENTS] = 1;
	memcpy(item_sums(item, log->coarse), values, w->shape->sums * sizeof(double));
	return exact;
}

static inline uint64_t *tail_at(const struct window *w, uint32_t number)
{
	return (void *)((char *)w->tail + (size_t)number * w->shape->item[0]);
}

/* As a whole, if there is room for it in one stretch. */
static bool move_tail(const struct window *w)
{
	struct window_log *log = w->log;
	uint32_t capacity = w->shape->capacity[0][log->class];

	if (log->coarse || (uint32_t)(log->first + log->count + log->tail) > capacity)
		return false;
	memcpy(item_at(log, w->shape, w->slab, log->count), w->tail,
	       log->tail * (size_t)w->shape->item[0]);
	log->count += log->tail;
	log->tail = 0;
	return true;
}

static bool flush_tail(const struct window *w)
{
	uint32_t count = w->log->tail;
	bool exact = true;

	if (move_tail(w))
		return true;
	w->log->tail = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t *item = tail_at(w, i);

		exact &= add_to_piece(w, item[TIME], item_sums(item, false), false);
	}
	return exact;
}

/* What does not fit the tail. */
static bool add_elsewhere(const struct window *w, uint64_t time, const double *values, bool late)
{
	bool exact = flush_tail(w);

	return add_to_piece(w, time, values, late) && exact;
}

bool window_add(const struct window *w, uint64_t time, const double *values)
{
	struct window_log *log = w->log;
	bool late = time < log->newest, exact = true;
	bool in_tail = !late && !log->coarse && w->shape->tail;

	log->newest = MAX(log->newest, time);
	if (UNLIKELY((!in_tail || log->tail == w->shape->tail) && !log->class))
		return false; /* not even a first piece: the event is forgotten */
	if (!log->events || time < log->oldest)
		log->oldest = time;
	log->events++;
	for (uint32_t i = 0; i < w->shape->sums; i++)
		w->sums[i] += values[i];
	if (UNLIKELY(!in_tail))
		return add_elsewhere(w, time, values, late);
	if (UNLIKELY(log->tail == w->shape->tail)) {
		exact = flush_tail(w);
		if (log->coarse)
			return add_to_piece(w, time, values, false) && exact;
	}
	uint64_t *item = tail_at(w, log->tail++);

	item[TIME] = time;
	for (uint32_t i = 0; i < w->shape->sums; i++)
		item_sums(item, false)[i] = values[i];
	return exact;
}

void window_fetch(const struct window_log *log, const struct window_shape *shape,
		  const struct slab *slab)
{
	enum { FETCHED = 128 };

	if (log->class && (log->tail == shape->tail || log->coarse))
		fetch_ahead(item_at(log, shape, slab, log->count), FETCHED);
}

/* The oldest item; NULL: there is none. */
static uint64_t *oldest_item(const struct window *w)
{
	if (w->log->count)
		return item_at(w->log, w->shape, w->slab, 0);
	return w->log->tail ? w->tail : NULL;
}

static void drop_oldest(const struct window *w)
{
	struct window_log *log = w->log;

	if (!log->count) {
		log->tail--;
		memmove(w->tail, tail_at(w, 1), log->tail * (size_t)w->shape->item[0]);
		return;
	}
	log->count--;
	log->first++;
	if (!log->count || log->first == w->shape->capacity[log->coarse][log->class])
		log->first = 0;
}

void window_drop(const struct window *w, uint64_t until)
{
	struct window_log *log = w->log;
	uint64_t *item;

	while ((item = oldest_item(w))) {
		bool coarse = log->coarse;

		log->oldest = item[TIME];
		if (item[TIME] > until)
			return;
		log->events -= item_events(item, coarse);
		for (uint32_t i = 0; i < w->shape->sums; i++)
			w->sums[i] -= item_sums(item, coarse)[i];
		drop_oldest(w);
	}
	/* What fractions have left behind. */
	for (uint32_t i = 0; i < w->shape->sums; i++)
		w->sums[i] = 0;
	log->coarse = false;
}

void window_free(struct window_log *log, struct slab *slab)
{
	if (log->class)
		slab_release(slab, slab_piece(slab, log->piece), piece_size(log->class));
	*log = (struct window_log){ 0 };
}

/* ---- different values ---------------------------------------- */

/* In the piece: `capacity` values, then as many buckets of their numbers plus one. */
static inline struct distinct_seen *seen_at(struct distinct *set, const struct slab *slab,
					    uint32_t number)
{
	struct distinct_seen *all = set->capacity ? slab_piece(slab, set->piece) : set->few;

	return all + number;
}

static inline uint16_t *seen_bucket(struct distinct *set, const struct slab *slab, uint64_t hash)
{
	uint16_t *buckets = (uint16_t *)(seen_at(set, slab, set->capacity));

	return &buckets[hash & (set->capacity - 1u)];
}

/* NULL: it is not among them. */
static struct distinct_seen *seen_find(struct distinct *set, const struct slab *slab, uint64_t hash)
{
	if (!set->capacity) {
		for (uint32_t i = 0; i < set->count; i++)
			if (set->few[i].hash == hash)
				return &set->few[i];
		return NULL;
	}
	for (uint16_t at = *seen_bucket(set, slab, hash); at;) {
		struct distinct_seen *seen = seen_at(set, slab, at - 1u);

		if (seen->hash == hash)
			return seen;
		at = seen->next;
	}
	return NULL;
}

/* In the order of `last`: a value that comes late is put where it belongs. */
static void order_join(struct distinct *set, const struct slab *slab, uint16_t number)
{
	struct distinct_seen *seen = seen_at(set, slab, number);
	uint16_t older = set->newest, newer = 0;

	while (older && seen_at(set, slab, older - 1u)->last > seen->last) {
		newer = older;
		older = seen_at(set, slab, older - 1u)->older;
	}
	seen->older = older;
	seen->newer = newer;
	*(older ? &seen_at(set, slab, older - 1u)->newer : &set->oldest) = (uint16_t)(number + 1);
	*(newer ? &seen_at(set, slab, newer - 1u)->older : &set->newest) = (uint16_t)(number + 1);
}

static void order_leave(struct distinct *set, const struct slab *slab,
			const struct distinct_seen *seen)
{
	*(seen->older ? &seen_at(set, slab, seen->older - 1u)->newer : &set->oldest) = seen->newer;
	*(seen->newer ? &seen_at(set, slab, seen->newer - 1u)->older : &set->newest) = seen->older;
}

static void seen_link(struct distinct *set, const struct slab *slab, uint16_t number)
{
	uint16_t *bucket;

	if (!set->capacity)
		return;
	bucket = seen_bucket(set, slab, seen_at(set, slab, number)->hash);
	seen_at(set, slab, number)->next = *bucket;
	*bucket = (uint16_t)(number + 1);
}

static void seen_unlink(struct distinct *set, const struct slab *slab, uint16_t number)
{
	uint16_t *link;

	if (!set->capacity)
		return;
	link = seen_bucket(set, slab, seen_at(set, slab, number)->hash);
	while (*link != number + 1)
		link = &seen_at(set, slab, *link - 1u)->next;
	*link = seen_at(set, slab, number)->next;
}

/* The last of the array takes the place of the one that goes. */
static void seen_remove(struct distinct *set, const struct slab *slab, uint16_t number)
{
	uint16_t last = (uint16_t)(set->count - 1);
	struct distinct_seen *seen = seen_at(set, slab, number), *moved;

	order_leave(set, slab, seen);
	seen_unlink(set, slab, number);
	set->count--;
	if (number == last)
		return;
	moved = seen_at(set, slab, last);
	seen_unlink(set, slab, last);
	*(moved->older ? &seen_at(set, slab, moved->older - 1u)->newer
		       : &set->oldest) = (uint16_t)(number + 1);
	*(moved->newer ? &seen_at(set, slab, moved->newer - 1u)->older
		       : &set->newest) = (uint16_t)(number + 1);
	*seen = *moved;
	seen_link(set, slab, number);
}

static size_t seen_size(uint32_t capacity)
{
	return capacity * (sizeof(struct distinct_seen) + sizeof(uint16_t));
}

static bool set_grow(struct distinct *set, struct slab *slab)
{
	uint32_t capacity = MAX(set->capacity * 2u, DISTINCT_FEW * 2u);
	struct distinct larger = *set;
	char *piece = capacity <= DISTINCT_MAX ? slab_alloc(slab, seen_size(capacity)) : NULL;

	if (!piece)
		return false;
	memset(piece, 0, seen_size(capacity));
	memcpy(piece, seen_at(set, slab, 0), set->count * sizeof(struct distinct_seen));
	larger.capacity = (uint16_t)capacity;
	larger.piece = slab_number(slab, piece);
	for (uint16_t i = 0; i < set->count; i++)
		seen_link(&larger, slab, i);
	if (set->capacity)
		slab_release(slab, slab_piece(slab, set->piece), seen_size(set->capacity));
	*set = larger;
	return true;
}

/* It is seen again. */
static void seen_touch(struct distinct *set, const struct slab *slab, struct distinct_seen *seen,
		       uint64_t time)
{
	if (time <= seen->last)
		return;
	if (seen->newer) {
		order_leave(set, slab, seen);
		seen->last = time;
		order_join(set, slab, (uint16_t)(seen - seen_at(set, slab, 0)));
	}
	seen->last = time;
}

/* There is room. */
static void seen_add(struct distinct *set, const struct slab *slab, uint64_t hash, uint64_t time)
{
	*seen_at(set, slab, set->count) = (struct distinct_seen){ .hash = hash, .last = time };
	seen_link(set, slab, set->count++);
	order_join(set, slab, (uint16_t)(set->count - 1));
}

void distinct_replace(struct distinct *set, struct slab *slab, uint64_t hash, uint64_t time)
{
	if (!set->count || seen_at(set, slab, set->oldest - 1u)->last > time)
		return;
	seen_remove(set, slab, (uint16_t)(set->oldest - 1));
	seen_add(set, slab, hash, time);
}

bool distinct_add(struct distinct *set, struct slab *slab, uint32_t most, uint64_t hash,
		  uint64_t time)
{
	uint32_t capacity = set->capacity ? set->capacity : DISTINCT_FEW;
	struct distinct_seen *seen = seen_find(set, slab, hash);

	if (seen)
		seen_touch(set, slab, seen, time);
	else if (set->count == most)
		distinct_replace(set, slab, hash, time);
	else if (set->count < capacity || set_grow(set, slab))
		seen_add(set, slab, hash, time);
	else
		return false;
	return true;
}

void distinct_expire(struct distinct *set, const struct slab *slab, uint64_t until)
{
	while (set->oldest && seen_at(set, slab, set->oldest - 1u)->last <= until)
		seen_remove(set, slab, (uint16_t)(set->oldest - 1));
}

void distinct_free(struct distinct *set, struct slab *slab)
{
	if (set->capacity)
		slab_release(slab, slab_piece(slab, set->piece), seen_size(set->capacity));
	*set = (struct distinct){ 0 };
}
