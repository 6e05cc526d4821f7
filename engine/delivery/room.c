/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much the spool may hold. What every output has delivered is history and goes first,
 * from the oldest on; then the policy decides. Rows that an output has in its outbox are never
 * deleted: they may be on their way, and nobody could say whether they are lost.
 */
#include <errno.h>

#include "base/common.h"
#include "delivery/writer.h"

enum {
	TRIM_ROWS = 2000,      /* deleted in one transaction, at least */
	ROW_OVERHEAD = 200,    /* bytes of a row besides its line, about */
	LEAST_BYTES = 1 << 20, /* room that is made beyond what is needed */
};

/* Bytes that a row takes, with what pages waste. */
static uint64_t cost_of(const struct row *row)
{
	return (row->json.len + ROW_OVERHEAD) + (row->json.len + ROW_OVERHEAD) / 8;
}

static uint64_t incoming(const struct writer *w)
{
	return w->buffer ? w->buffer->used + w->buffer->used / 8 : 0;
}

/* ---- outputs --------------------------------------------------------------------------- */

/* Everything up to here is delivered to all. */
static uint64_t delivered_through(struct writer *w)
{
	struct delivery *d = w->delivery;
	uint64_t through = spool_next(w->spool) - 1;

	if (!w->locked)
		pthread_mutex_lock(&d->outputs_lock);
	for (uint32_t i = 0; i < d->output_count; i++)
		through = MIN(through, d->outputs[i]->writing_cursor);
	if (!w->locked)
		pthread_mutex_unlock(&d->outputs_lock);
	return through;
}

static void lock_outputs(struct writer *w)
{
	struct delivery *d = w->delivery;

	pthread_mutex_lock(&d->outputs_lock);
	for (uint32_t i = 0; i < d->output_count; i++)
		pthread_mutex_lock(&d->outputs[i]->reading);
	w->locked = true;
	w->drop_count = 0;
	for (uint32_t i = 0; i < d->output_count; i++)
		w->drops[w->drop_count++] = (struct drop){ .output = d->outputs[i] };
}

static void unlock_outputs(struct writer *w)
{
	struct delivery *d = w->delivery;

	if (!w->locked)
		return;
	for (uint32_t i = 0; i < d->output_count; i++)
		pthread_mutex_unlock(&d->outputs[i]->reading);
	pthread_mutex_unlock(&d->outputs_lock);
	w->locked = false;
}

/* ---- giving up what is not delivered ------------------------------------------------------ */

/* The first stretch from `first` on that no output has in its outbox; false: there is none. */
static bool find_stretch(const struct writer *w, uint64_t first, struct spool_range *range)
{
	range->first = first;
	for (bool moved = true; moved;) {
		moved = false;
		for (uint32_t i = 0; i < w->drop_count; i++) {
			const struct output *o = w->drops[i].output;

			if (range->first > o->cursor && range->first <= o->scanned) {
				range->first = o->scanned + 1;
				moved = true;
			}
		}
	}
	range->last = spool_next(w->spool) - 1;
	for (uint32_t i = 0; i < w->drop_count; i++) {
		const struct output *o = w->drops[i].output;

		if (o->cursor >= range->first && o->scanned > o->cursor)
			range->last = MIN(range->last, (uint64_t)o->cursor);
	}
	return range->first <= range->last;
}

struct count_lost {
	struct writer *writer;
	uint64_t last;
};

/* An output gets it no more. A report is no alert; but what it tells is told by the next one. */
static void drop_row(struct drop *drop, const struct row *row, const struct loss_report *report)
{
	if (!report) {
		loss_add(&drop->loss, row->sequence, row->time);
		drop->alerts++;
	} else if (!*report->output || !strcmp(report->output, drop->output->wants->name)) {
		loss_merge(&drop->loss, &report->loss);
	}
}

static bool count_lost(void *ctx, const struct row *row)
{
	struct count_lost *count = ctx;
	struct loss_report report;
	bool reports = loss_read(row, &report);

	for (uint32_t i = 0; i < count->writer->drop_count; i++) {
		struct drop *drop = &count->writer->drops[i];

		if (row->position <= MAX((uint64_t)drop->output->scanned, drop->through) ||
		    drop->output->leaving || !output_wants(drop->output->wants, row))
			continue;
		drop_row(drop, row, reports ? &report : NULL);
	}
	return row->position < count->last;
}

/* Deletes a stretch, and counts for every output what it now will never get. */
static int drop_stretch(struct writer *w, const struct spool_range *range, uint64_t *through)
{
	int r = spool_trim_bound(w->spool, range, through);

	if (r < 0 || !*through)
		return r;
	struct count_lost count = { w, *through };

	r = spool_read(w->spool, range->first - 1, range->count, count_lost, &count);
	for (uint32_t i = 0; i < w->drop_count; i++)
		w->drops[i].through = MAX(w->drops[i].through, *through);
	return r < 0 ? r : spool_trim(w->spool, range->first, *through);
}

/*
 * Nothing behind its cursor is in its outbox, nor in that of the one it follows after a reload: it
 * cannot be given back what was dropped before.
 */
static bool is_idle(struct delivery *d, const struct output *o)
{
	pthread_mutex_lock(&d->lock);
	bool follows = o->predecessor && !o->predecessor->ended;

	pthread_mutex_unlock(&d->lock);
	return !follows && o->cursor == o->scanned;
}

/* One record for each output that has lost something. */
static int tell_drops(struct writer *w)
{
	int r = 0;

	for (uint32_t i = 0; i < w->drop_count && r == 0; i++) {
		struct drop *drop = &w->drops[i];

		drop->idle = is_idle(w->delivery, drop->output) &&
			     drop->through > drop->output->cursor;
		if (drop->idle)
			r = spool_move_cursor(w->spool, drop->output->wants->name, drop->through);
		if (r == 0 && drop->loss.count)
			r = loss_write(w->delivery, w->spool, w->why, drop->output->wants->name,
				       &drop->loss);
	}
	return r;
}

/* Gives up the oldest rows: until `bytes` are free, or all that came by `arrived`. */
static int drop_oldest(struct writer *w, uint64_t bytes, uint64_t arrived, enum loss_reason why)
{
	struct spool_range range = { .count = TRIM_ROWS, .arrived = arrived };
	uint64_t first, through, goal = w->used > bytes ? w->used - bytes : 0;
	int r = spool_first(w->spool, &first);

	lock_outputs(w);
	while (r == 0 && first && (arrived || w->used > goal)) {
		if (!find_stretch(w, first, &range))
			break;
		r = drop_stretch(w, &range, &through);
		if (r < 0 || !through)
			break;
		first = through + 1;
		r = spool_used(w->spool, &w->used);
	}
	w->why = why;
	return r < 0 ? r : tell_drops(w);
}

/* ---- making room ----------------------------------------------------------------------------- */

/* History: delivered to everybody. */
static int trim_delivered(struct writer *w, uint64_t arrived, bool *any)
{
	struct spool_range range = { .last = delivered_through(w),
				     .count = TRIM_ROWS,
				     .arrived = arrived };
	uint64_t through = 0;
	int r = spool_trim_bound(w->spool, &range, &through);

	*any = r == 0 && through;
	return *any ? MIN(spool_trim(w->spool, 0, through), 0) : r;
}

static int trim_for_room(struct writer *w, uint64_t needed)
{
	uint64_t limit = w->delivery->config->spool_bytes;
	bool any = true;
	int r = 0;

	while (r == 0 && any && w->used + needed > limit) {
		r = trim_delivered(w, 0, &any);
		if (r == 0)
			r = spool_used(w->spool, &w->used);
	}
	return r;
}

static int trim_old(struct writer *w)
{
	uint64_t age = w->delivery->config->spool_age_ms * CLOCK_MS, now = clock_epoch(), first;
	struct spool_range old = { .last = INT64_MAX, .count = 1 };
	bool any;

	if (!age || now < age || !w->look)
		return 0;
	w->look = false;
	old.arrived = now - age;
	int r = trim_delivered(w, old.arrived, &any);

	if (r == 0)
		r = spool_trim_bound(w->spool, &old, &first);
	if (r < 0 || !first)
		return r;
	return drop_oldest(w, 0, old.arrived, LOSS_TOO_OLD);
}

/* An empty spool takes what is in memory, whatever dead letters leave it. */
static int find_limit(struct writer *w)
{
	uint64_t first = 0, limit = w->delivery->config->spool_bytes;
	int r = spool_first(w->spool, &first);

	w->limit = first ? limit : MAX(limit, w->used + 2 * incoming(w));
	return r;
}

int room_make(struct writer *w)
{
	struct delivery_config *config = w->delivery->config;
	uint64_t needed = incoming(w);
	int r = spool_used(w->spool, &w->used);

	if (r == 0)
		r = trim_old(w);
	if (r == 0)
		r = trim_for_room(w, needed);
	if (r == 0 && w->used + needed > config->spool_bytes && config->full == FULL_DROP_OLDEST &&
	    !w->locked)
		r = drop_oldest(w, needed + LEAST_BYTES, 0, LOSS_SPOOL_FULL);
	return r < 0 ? r : find_limit(w);
}

enum admission room_admit(struct writer *w, const struct row *row)
{
	const struct delivery_config *config = w->delivery->config;
	uint64_t limit = w->limit;

	w->used += cost_of(row);
	if (config->full == FULL_DROP_LEAST)
		limit = limit / 100 * full_mark(row->severity);
	if (w->used <= limit || config->full == FULL_DROP_OLDEST)
		return ADMIT_YES;
	w->used -= cost_of(row);
	w->stuck = config->full == FULL_BLOCK;
	return w->stuck ? ADMIT_WAIT : ADMIT_DROP;
}

void room_dropped(struct writer *w)
{
	for (uint32_t i = 0; w->locked && i < w->drop_count; i++) {
		struct output *o = w->drops[i].output;

		pthread_mutex_lock(&o->lock);
		o->stats.dropped[w->why] += w->drops[i].alerts;
		if (w->drops[i].through > o->scanned)
			o->scanned = w->drops[i].through;
		if (w->drops[i].idle)
			o->cursor = o->writing_cursor = w->drops[i].through;
		pthread_mutex_unlock(&o->lock);
	}
	unlock_outputs(w);
}

void room_undo(struct writer *w)
{
	unlock_outputs(w);
}

bool room_is_due(struct writer *w, uint64_t next)
{
	if (clock_now() < w->look_at)
		return false;
	w->look_at = next;
	w->look = true;
	return true;
}
