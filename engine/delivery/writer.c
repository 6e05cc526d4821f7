/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that writes the spool: takes what the pipeline has queued, and what outputs
 * have acknowledged, and puts it into the database in one transaction, so that one sync of the
 * disk serves them all. A transaction that fails is tried again with the same rows, for as long as
 * it takes: meanwhile the queue fills, and its policy decides.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/common.h"
#include "delivery/fault.h"
#include "delivery/private.h"
#include "delivery/writer.h"

enum {
	TICK_MS = 500,		/* acknowledgements alone are written as often as this */
	HOUSEKEEPING_MS = 1000, /* what is too old */
	DRAIN_MS = 5,
	ROOM_MS = 20, /* between looks for room, under the policy block */
	RETRY_LEAST_MS = 50,
	RETRY_MOST_MS = 2000,
	LOG_BYTES_MOST = 16 * 1024 * 1024, /* of the write-ahead log, then it is moved */
};

/* ---- the parts of a transaction ------------------------------------------------------ */

static int write_rows(struct writer *w)
{
	struct row row;
	size_t at = w->at;
	int r = 0;

	while (r == 0 && queue_next(w->buffer, &at, &row)) {
		enum admission admission = room_admit(w, &row);

		if (admission == ADMIT_WAIT)
			break;
		if (admission == ADMIT_DROP) {
			loss_add(&w->refused, row.sequence, row.time);
		} else {
			r = spool_add(w->spool, &row);
			w->rows++;
		}
		spool_settle(w->spool, 1);
		w->at_next = at;
	}
	FAULT(rows_added);
	return r;
}

/*
 * What is not told now is kept in the spool, in the transaction that settles it: whoever opens the
 * spool after a kill tells it.
 */
static int write_loss(struct writer *w, enum loss_reason reason, bool due)
{
	struct loss loss = w->losses[reason];
	int r = 0;

	if (reason == LOSS_SPOOL_FULL)
		loss_merge(&loss, &w->refused);
	if (loss.count && due) {
		r = loss_write(w->delivery, w->spool, reason, "", &loss);
		w->rows++;
		w->told |= 1u << reason;
		loss = (struct loss){ 0 };
	}
	if (r == 0 && loss.count != w->kept[reason])
		r = spool_store_untold(w->spool, loss_reason_names[reason], &loss);
	return r;
}

/* One record a second at most for each reason, so that a flood is not answered with another. */
static int write_losses(struct writer *w)
{
	bool due = clock_now() >= w->tell_at || w->delivery->draining;
	int r = 0;

	spool_settle(w->spool, w->unsettled);
	for (unsigned i = 0; i < LOSS_REASONS && r == 0; i++)
		r = write_loss(w, (enum loss_reason)i, due);
	FAULT(losses_written);
	return r;
}

static int write_outputs(struct writer *w)
{
	struct delivery *d = w->delivery;
	int r = 0;

	pthread_mutex_lock(&d->outputs_lock);
	for (uint32_t i = 0; i < d->output_count && r == 0; i++)
		r = output_write(d->outputs[i], w->spool);
	pthread_mutex_unlock(&d->outputs_lock);
	return r;
}

static void outputs_written(struct writer *w, bool committed)
{
	struct delivery *d = w->delivery;

	pthread_mutex_lock(&d->outputs_lock);
	for (uint32_t i = 0; i < d->output_count; i++)
		output_written(d->outputs[i], committed);
	pthread_mutex_unlock(&d->outputs_lock);
}

/* ---- the transaction ------------------------------------------------------------------- */

static int write_all(struct writer *w)
{
	int r = spool_begin(w->spool);

	FAULT(transaction_begun);
	if (r == 0)
		r = write_outputs(w);
	if (r == 0)
		r = room_make(w);
	if (r == 0)
		r = write_rows(w);
	if (r == 0)
		r = write_losses(w);
	if (r == 0)
		r = spool_commit(w->spool);
	if (r < 0)
		spool_rollback(w->spool);
	return r;
}

static void attempt_begin(struct writer *w)
{
	w->refused = (struct loss){ 0 };
	w->at_next = w->at;
	w->rows = w->told = 0;
	w->stuck = false;
}

static void losses_written(struct writer *w)
{
	loss_merge(&w->losses[LOSS_SPOOL_FULL], &w->refused);
	for (unsigned i = 0; i < LOSS_REASONS; i++) {
		if (w->told & 1u << i)
			w->losses[i] = (struct loss){ 0 };
		w->kept[i] = w->losses[i].count;
	}
	if (w->told)
		w->tell_at = clock_now() + CLOCK_SECOND;
	w->unsettled = 0;
}

static void attempt_done(struct writer *w)
{
	struct delivery *d = w->delivery;

	room_dropped(w);
	losses_written(w);
	w->at = w->at_next;
	outputs_written(w, true);
	pthread_mutex_lock(&d->lock);
	d->committed = MAX(d->committed, spool_next(w->spool) - 1);
	d->stats.lost[LOSS_SPOOL_FULL] += w->refused.count;
	d->stats.committed += w->rows;
	d->stats.commits++;
	d->stats.spool_bytes = w->used;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	FAULT(after_commit);
	if (spool_log_bytes(w->spool) > LOG_BYTES_MOST)
		spool_checkpoint(w->spool);
}

static void note_failure(struct writer *w, int code)
{
	struct delivery *d = w->delivery;
	bool new_failure = !w->failures++;
	const char *what = code == -ENOSPC ? "the disk is full" : spool_error(w->spool);

	pthread_mutex_lock(&d->lock);
	d->stats.commit_failures++;
	d->stats.spool_failing = true;
	snprintf(d->stats.spool_error, sizeof(d->stats.spool_error), "%s", what);
	pthread_mutex_unlock(&d->lock);
	if (new_failure)
		fprintf(stderr,
			"spoor: the spool %s cannot be written: %s; alerts wait in memory\n",
			d->config->path, what);
}

static void note_success(struct writer *w)
{
	struct delivery *d = w->delivery;

	if (!w->failures)
		return;
	w->failures = 0;
	pthread_mutex_lock(&d->lock);
	d->stats.spool_failing = false;
	d->stats.spool_error[0] = 0;
	pthread_mutex_unlock(&d->lock);
	fprintf(stderr, "spoor: the spool is written again\n");
}

static int attempt(struct writer *w)
{
	uint64_t start = clock_now();

	attempt_begin(w);
	int r = write_all(w);

	if (r < 0) {
		room_undo(w);
		outputs_written(w, false);
		note_failure(w, r);
		return r;
	}
	note_success(w);
	attempt_done(w);
	pthread_mutex_lock(&w->delivery->lock);
	w->delivery->stats.commit_ns += clock_now() - start;
	pthread_mutex_unlock(&w->delivery->lock);
	return 0;
}

/* ---- the loop --------------------------------------------------------------------------- */

static bool has_rows(const struct writer *w)
{
	size_t at = w->at;
	struct row row;

	return w->buffer && queue_next(w->buffer, &at, &row);
}

static bool has_losses(const struct writer *w)
{
	for (unsigned i = 0; i < LOSS_REASONS; i++)
		if (w->losses[i].count)
			return true;
	return false;
}

static bool outputs_have(struct writer *w, bool *running)
{
	struct delivery *d = w->delivery;
	bool news = false;

	*running = false;
	pthread_mutex_lock(&d->outputs_lock);
	for (uint32_t i = 0; i < d->output_count; i++) {
		news |= output_has_news(d->outputs[i]);
		pthread_mutex_lock(&d->lock);
		*running |= d->outputs[i]->started && !d->outputs[i]->ended;
		pthread_mutex_unlock(&d->lock);
	}
	pthread_mutex_unlock(&d->outputs_lock);
	return news;
}

/* Only when everything of the last one is in the spool: it is not given back before. */
static void take_buffer(struct writer *w)
{
	struct loss loss;

	if (has_rows(w))
		return;
	w->buffer = queue_take(&w->delivery->queue, &loss);
	w->at = 0;
	loss_merge(&w->losses[LOSS_QUEUE_FULL], &loss);
	w->unsettled += loss.count;
	FAULT(queue_taken);
}

static bool is_due(struct writer *w)
{
	uint64_t now = clock_now();
	bool running, draining = w->delivery->draining;

	if (has_rows(w) || (has_losses(w) && (draining || now >= w->tell_at)))
		return true;
	if (now < w->tick_at && !draining)
		return false;
	w->tick_at = now + TICK_MS * CLOCK_MS;
	return outputs_have(w, &running) || room_is_due(w, now + HOUSEKEEPING_MS * CLOCK_MS);
}

static void pause_ms(struct writer *w, uint64_t ms)
{
	struct delivery *d = w->delivery;
	struct timespec until = clock_timespec(clock_now() + ms * CLOCK_MS);

	pthread_mutex_lock(&d->lock);
	while (!d->ending && pthread_cond_timedwait(&d->changed, &d->lock, &until) == 0)
		;
	pthread_mutex_unlock(&d->lock);
}

/* The first alert after a pause is written at once, those that follow together. */
static void wait_for_work(struct writer *w)
{
	struct queue *queue = &w->delivery->queue;
	uint64_t commit = w->delivery->config->commit_ms * CLOCK_MS;

	if (w->delivery->draining) {
		pause_ms(w, DRAIN_MS);
		return;
	}
	if (!has_rows(w))
		queue_wait(queue, false, w->tick_at);
	if (clock_now() < w->written_at + commit)
		queue_wait(queue, true, w->written_at + commit);
}

static void wait_after_failure(struct writer *w)
{
	pause_ms(w,
		 MIN((uint64_t)RETRY_LEAST_MS << MIN(w->failures, 10u), (uint64_t)RETRY_MOST_MS));
}

/* What is in memory at the end of a drain that the disk did not allow. */
static void give_up(struct writer *w)
{
	struct delivery *d = w->delivery;
	uint64_t count = 0;
	struct row row;

	while (has_rows(w) || (take_buffer(w), has_rows(w)))
		for (; queue_next(w->buffer, &w->at, &row); count++)
			;
	pthread_mutex_lock(&d->lock);
	d->stats.lost[LOSS_QUEUE_FULL] += count;
	pthread_mutex_unlock(&d->lock);
	if (count)
		fprintf(stderr, "spoor: %" PRIu64 " alerts could not be written and are lost: %s\n",
			count,
			d->stats.spool_error[0] ? d->stats.spool_error : "the spool is full");
}

/* Draining: has everything been written, and has everybody ended? */
static bool is_finished(struct writer *w)
{
	struct delivery *d = w->delivery;

	if (!d->draining || !queue_is_shut(&d->queue))
		return false;
	bool running, news = outputs_have(w, &running);

	take_buffer(w); /* what was put before it was shut */
	if (has_rows(w) || has_losses(w))
		return false;
	if (!d->flushed) {
		pthread_mutex_lock(&d->lock);
		d->flushed = true;
		pthread_cond_broadcast(&d->changed);
		pthread_mutex_unlock(&d->lock);
	}
	return !running && !news;
}

void *writer_run(void *ctx)
{
	struct writer *w = ctx;

	for (;;) {
		wait_for_work(w);
		take_buffer(w);
		if (is_due(w)) {
			if (attempt(w) < 0)
				wait_after_failure(w);
			else if (w->stuck)
				pause_ms(w, ROOM_MS);
			w->written_at = clock_now();
		}
		if (w->delivery->ending && (w->failures || w->stuck)) {
			give_up(w);
			break;
		}
		if (is_finished(w))
			break;
	}
	spool_checkpoint(w->spool);
	return NULL;
}
