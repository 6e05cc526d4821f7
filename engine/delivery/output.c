/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread of one output: fills its outbox from the spool, sends, does with each record what the
 * receiver said of it, waits when the receiver does not take them. Nothing here
 * is shared with another output, so a dead one holds up nobody.
 */
#include <errno.h>
#include <sys/random.h>

#include "base/common.h"
#include "delivery/fault.h"
#include "delivery/private.h"

enum {
	RETRY_AFTER_MOST_MS = 3600 * 1000,
	LOOK_MS = 2000,	      /* between looks for dead letters to be retried */
	SPOOL_WAIT_MS = 1000, /* after a failure to read the spool */
	BACKOFF_SHIFT_MOST = 16,
};

const char *const output_failure_names[FAILURE_COUNT] = { "unreachable", "retry", "too_large",
							  "refused" };
const uint32_t latency_bounds[LATENCY_BUCKETS] = { 1,	2,   5,	  10,	20,   50,
						   100, 200, 500, 1000, 5000, 30000 };

static bool must_leave(const struct output *o)
{
	return o->delivery->ending || o->leaving;
}

/* ---- waiting ------------------------------------------------------------------------ */

/*
 * Until the deadline (CLOCK_MONOTONIC ns), or, if rows is set, until the spool has more. The
 * beginning of the drain ends one wait, so that each output tries once more.
 */
static void wait_until(struct output *o, uint64_t deadline, bool rows)
{
	struct delivery *d = o->delivery;
	struct timespec until = clock_timespec(deadline);
	int r = 0;

	pthread_mutex_lock(&d->lock);
	while (r == 0 && !must_leave(o) && !(rows && d->committed > o->scanned) &&
	       !(rows && d->flushed) && !(d->draining && !o->drain_seen))
		r = pthread_cond_timedwait(&d->changed, &d->lock, &until);
	o->drain_seen = d->draining;
	pthread_mutex_unlock(&d->lock);
}

static void wait_ms(struct output *o, uint64_t ms)
{
	wait_until(o, clock_now() + ms * CLOCK_MS, false);
}

static uint64_t random_below(struct output *o, uint64_t bound)
{
	o->random ^= o->random << 13;
	o->random ^= o->random >> 7;
	o->random ^= o->random << 17;
	return bound ? o->random % bound : 0;
}

/* Doubles with every failure; half of it is chance, so that a fleet does not come back as one. */
static uint64_t backoff_ms(struct output *o, uint32_t retry_after_ms)
{
	uint64_t least = o->wants->backoff_least, most = o->wants->backoff_most;
	uint64_t delay = MIN(least << MIN(o->failures - 1, (uint32_t)BACKOFF_SHIFT_MOST), most);

	delay = delay - delay / 2 + random_below(o, delay / 2 + 1);
	return MAX(delay, (uint64_t)MIN(retry_after_ms, (uint32_t)RETRY_AFTER_MOST_MS));
}

/* ---- what the receiver said ------------------------------------------------------------ */

static void tell(struct output *o, const char *answer)
{
	fprintf(stderr, "spoor: output %s: %s; alerts wait in the spool meanwhile\n",
		o->wants->name, answer[0] ? answer : "the receiver takes no records");
}

static void note_outcome(struct output *o, const struct transport_batch *batch, bool progress)
{
	bool was_failing = o->failures > 0;

	o->failures = progress ? 0 : o->failures + 1;
	pthread_mutex_lock(&o->lock);
	o->stats.failures = o->failures;
	memcpy(o->stats.answer, batch->answer, sizeof(o->stats.answer));
	o->stats.answer[sizeof(o->stats.answer) - 1] = 0;
	pthread_mutex_unlock(&o->lock);
	if (o->failures == 1)
		tell(o, o->stats.answer);
	else if (was_failing && progress)
		fprintf(stderr, "spoor: output %s: delivers again\n", o->wants->name);
}

static void note_latency(struct output *o, uint64_t ns)
{
	unsigned bucket = 0;

	while (bucket < LATENCY_BUCKETS && ns > latency_bounds[bucket] * CLOCK_MS)
		bucket++;
	o->stats.latency[bucket]++;
	o->stats.latency_ns += ns;
	o->stats.batches++;
}

/* The letter to the dead ones; false: no memory, it stays. */
static bool bury(struct output *o, const struct letter *letter, const char *reason)
{
	struct dead_letter dead = {
		.number = letter->number,
		.output = str_of(o->wants->name),
		.died = clock_epoch(),
		.attempts = letter->attempts + 1,
		.reason = str_of(reason),
		.row = letter->row,
	};

	return output_change(o, letter->number ? CHANGE_BURY_AGAIN : CHANGE_BURY, &dead) == 0;
}

static bool finish_done(struct output *o, const struct letter *letter)
{
	struct dead_letter dead = { .number = letter->number };

	return !letter->number || output_change(o, CHANGE_UNBURY, &dead) == 0;
}

static const char *reason_of(const struct transport_batch *batch, uint32_t i)
{
	if (batch->records[i].why)
		return batch->records[i].why;
	return batch->answer[0] ? batch->answer : "refused by the receiver";
}

/* True if the letter is finished, one way or the other. */
static bool settle(struct output *o, const struct transport_batch *batch, uint32_t i,
		   struct letter *letter, struct output_stats *tally)
{
	tally->retried += letter->attempts > 0;
	switch (batch->records[i].result) {
	case DELIVERY_DONE:
		tally->sent++;
		tally->bytes += letter->len;
		return finish_done(o, letter);
	case DELIVERY_REFUSED:
		tally->failed[FAILURE_REFUSED]++;
		tally->dead++;
		return bury(o, letter, reason_of(batch, i));
	case DELIVERY_TOO_LARGE:
		tally->failed[FAILURE_TOO_LARGE]++;
		tally->dead += batch->count == 1;
		return batch->count == 1 && bury(o, letter, "too large for the receiver");
	case DELIVERY_RETRY: tally->failed[FAILURE_RETRY]++; break;
	}
	letter->attempts++;
	return false;
}

/* Where the cursor may stand: before the first that is not finished. */
static uint64_t cursor_now(const struct output *o)
{
	const struct outbox *w = &o->outbox;

	if (!w->count)
		return w->through;
	return w->letters[0].number ? o->cursor : w->letters[0].row.position - 1;
}

/* The receiver wants fewer at once, or could have more again. */
static bool adapt_limit(struct output *o, const struct transport_batch *batch, uint32_t done)
{
	bool shrink = false;

	for (uint32_t i = 0; i < batch->count; i++)
		shrink |= batch->records[i].result == DELIVERY_TOO_LARGE && batch->count > 1;
	if (shrink)
		o->limit = batch->count / 2;
	else if (!done && o->careful)
		o->limit = 1;
	else if (done == batch->count && o->limit < o->outbox.capacity)
		o->limit = MIN(o->limit * 2, o->outbox.capacity);
	return shrink;
}

static void add_tally(struct output *o, const struct output_stats *tally)
{
	pthread_mutex_lock(&o->lock);
	o->stats.sent += tally->sent;
	o->stats.bytes += tally->bytes;
	o->stats.retried += tally->retried;
	o->stats.dead += tally->dead;
	for (unsigned i = 0; i < FAILURE_COUNT; i++)
		o->stats.failed[i] += tally->failed[i];
	pthread_mutex_unlock(&o->lock);
}

/* What is finished gets position 0; returns how many. `letters`: those of the batch. */
static uint32_t settle_all(struct output *o, const struct transport_batch *batch,
			   struct letter *letters, int sent)
{
	struct output_stats tally = { 0 };
	uint32_t finished = 0;

	for (uint32_t i = 0; i < batch->count; i++)
		if (settle(o, batch, i, &letters[i], &tally)) {
			letters[i].row.position = 0;
			finished++;
		}
	if (sent < 0) {
		tally.failed[FAILURE_UNREACHABLE] = tally.failed[FAILURE_RETRY];
		tally.failed[FAILURE_RETRY] = 0;
	}
	add_tally(o, &tally);
	return finished;
}

/* ---- one batch ----------------------------------------------------------------------- */

/* How many of `wanted` the rate allows now; waits until it is one at least. 0: told to stop. */
static uint32_t take_tokens(struct output *o, uint32_t wanted)
{
	double rate = (double)o->wants->rate, burst = (double)MAX(o->wants->burst, UINT64_C(1));

	if (!o->wants->rate)
		return wanted;
	for (;;) {
		uint64_t now = clock_now();

		o->tokens = MIN(burst, o->tokens + (double)(now - o->tokens_at) * rate / 1e9);
		o->tokens_at = now;
		if (o->tokens >= 1)
			return (uint32_t)MIN(o->tokens, (double)wanted);
		uint64_t wait = (uint64_t)((1 - o->tokens) * 1e9 / rate) + CLOCK_MS;

		wait_until(o, now + wait, false);
		pthread_mutex_lock(&o->lock);
		o->stats.throttled_ns += clock_now() - now;
		pthread_mutex_unlock(&o->lock);
		if (must_leave(o))
			return 0;
	}
}

static uint64_t send_deadline(const struct output *o)
{
	uint64_t deadline = clock_now() + o->wants->timeout_ms * CLOCK_MS;

	return o->delivery->draining ? MIN(deadline, o->delivery->drain_deadline) : deadline;
}

/* The letter cannot be formatted: it never will. */
static void bury_broken(struct output *o, uint32_t at)
{
	add_tally(o, &(struct output_stats){ .failed[FAILURE_REFUSED] = 1, .dead = 1 });
	if (!bury(o, &o->outbox.letters[at], "cannot be written in this output's format"))
		return;
	o->outbox.letters[at].row.position = 0;
	outbox_compact(&o->outbox, at + 1);
	output_acknowledge(o, cursor_now(o));
}

/* Sends the batch; what became of it stands in its records. */
static int exchange(struct output *o, struct transport_batch *batch)
{
	batch->deadline = send_deadline(o);
	o->last_try = o->delivery->draining;
	for (uint32_t i = 0; i < batch->count; i++)
		batch->records[i].key = o->delivery->host->machine_id;
	FAULT(before_send);
	uint64_t start = clock_now();
	int r = transport_send(o->wants->transport, o->state, batch);

	FAULT(after_send);
	pthread_mutex_lock(&o->lock);
	note_latency(o, clock_now() - start);
	pthread_mutex_unlock(&o->lock);
	o->unreachable = r < 0;
	return r;
}

static void deliver(struct output *o)
{
	struct transport_batch batch;
	uint32_t limit, from = suspect_choose(o, &limit);

	limit = take_tokens(o, limit);
	if (!limit)
		return;
	if (!outbox_batch(&o->outbox, from, limit, o->wants->batch_bytes, &batch)) {
		bury_broken(o, from);
		return;
	}
	int r = exchange(o, &batch);
	bool its_fault = suspect_judge(o, &batch, from);
	uint32_t done = settle_all(o, &batch, o->outbox.letters + from, r);
	bool shrunk = adapt_limit(o, &batch, done);

	o->tokens -= o->wants->rate ? done : 0;
	outbox_compact(&o->outbox, from + batch.count);
	output_acknowledge(o, cursor_now(o));
	if (!its_fault)
		note_outcome(o, &batch, done || shrunk);
	FAULT(acknowledged);
	if (!done && !shrunk && !o->suspect.probe)
		wait_ms(o, backoff_ms(o, batch.retry_after_ms));
	else if (batch.retry_after_ms)
		wait_ms(o, MIN(batch.retry_after_ms, (uint32_t)RETRY_AFTER_MOST_MS));
}

/* ---- the loop -------------------------------------------------------------------------- */

static void spool_failed(struct output *o)
{
	fprintf(stderr, "spoor: output %s: cannot read the spool: %s\n", o->wants->name,
		spool_error(o->spool));
	wait_ms(o, SPOOL_WAIT_MS);
}

/* Dead letters that a person wants to be sent again. */
static bool refill_dead(struct output *o)
{
	uint64_t now = clock_now();

	if (now < o->look_at)
		return false;
	o->look_at = now + LOOK_MS * CLOCK_MS;
	if (outbox_fill_dead(&o->outbox, o->wants, o->spool) < 0)
		spool_failed(o);
	if (o->outbox.count)
		FAULT(retry_found);
	return o->outbox.count > 0;
}

static bool refill_rows(struct output *o)
{
	pthread_mutex_lock(&o->reading);
	uint64_t before = o->cursor;
	int r = outbox_fill(&o->outbox, o->wants, o->spool, o->scanned);

	o->scanned = o->outbox.through;
	pthread_mutex_unlock(&o->reading);
	if (r < 0) {
		spool_failed(o);
		return false;
	}
	FAULT(batch_read);
	pthread_mutex_lock(&o->lock);
	o->stats.filtered += o->outbox.filtered;
	o->oldest = o->outbox.count ? o->outbox.letters[0].row.arrived : 0;
	pthread_mutex_unlock(&o->lock);
	if (!o->outbox.count) {
		o->careful = false;
		if (o->outbox.through > before)
			output_acknowledge(o, o->outbox.through);
	}
	return o->outbox.count || o->outbox.through > before;
}

/* Dead letters whose end is not yet in the spool would be found again. */
static bool refill(struct output *o)
{
	return (!output_has_changes(o) && refill_dead(o)) || refill_rows(o);
}

static bool is_over(struct output *o)
{
	struct delivery *d = o->delivery;

	pthread_mutex_lock(&d->lock);
	/* Dead letters are looked for once at least. */
	bool drained = d->flushed && o->look_at && !o->outbox.count && o->scanned >= d->committed;
	bool over = must_leave(o) ||
		    (d->draining && (drained || (o->last_try && o->failures && o->unreachable) ||
				     clock_now() >= d->drain_deadline));

	pthread_mutex_unlock(&d->lock);
	return over;
}

void output_stats_add(struct output_stats *total, const struct output_stats *more)
{
	total->sent += more->sent;
	total->bytes += more->bytes;
	total->batches += more->batches;
	total->retried += more->retried;
	total->dead += more->dead;
	total->filtered += more->filtered;
	total->throttled_ns += more->throttled_ns;
	total->latency_ns += more->latency_ns;
	for (unsigned i = 0; i < ARRAY_SIZE(total->failed); i++)
		total->failed[i] += more->failed[i];
	for (unsigned i = 0; i < ARRAY_SIZE(total->dropped); i++)
		total->dropped[i] += more->dropped[i];
	for (unsigned i = 0; i < ARRAY_SIZE(total->latency); i++)
		total->latency[i] += more->latency[i];
}

/* The output of this name before a reload has what is not yet in the spool: the cursor. */
static void wait_for_predecessor(struct output *o)
{
	struct delivery *d = o->delivery;
	struct output *before = o->predecessor;

	if (!before)
		return;
	pthread_mutex_lock(&d->lock);
	while (!before->ended)
		pthread_cond_wait(&d->changed, &d->lock);
	o->scanned = o->cursor = MAX(o->cursor, before->cursor);
	o->predecessor = NULL; /* may be freed from here on */
	pthread_mutex_unlock(&d->lock);
}

static void end(struct output *o)
{
	struct delivery *d = o->delivery;
	uint64_t deadline = d->draining ? MAX(d->drain_deadline, clock_now() + 100 * CLOCK_MS)
					: clock_now() + o->wants->timeout_ms * CLOCK_MS;

	o->wants->transport->close(take(o->state), deadline);
	pthread_mutex_lock(&d->lock);
	o->ended = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	queue_poke(&d->queue);
}

/* Of what is there nothing else may pass: more is read, or the suspect's time is waited for. */
static void rest(struct output *o)
{
	struct suspect *s = &o->suspect;
	uint32_t before = o->outbox.count;
	bool room = !outbox_is_full(&o->outbox);

	if (room)
		refill_rows(o);
	if (o->outbox.count > before)
		return;
	wait_until(o, s->again_at, room && !o->delivery->draining);
	if (o->delivery->draining || clock_now() >= s->again_at) {
		s->probe = s->passed = false;
		s->skip = 1;
	}
}

static void wait_for_release(struct output *o)
{
	struct delivery *d = o->delivery;

	pthread_mutex_lock(&d->lock);
	while (o->held)
		pthread_cond_wait(&d->changed, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

void *output_run(void *ctx)
{
	struct output *o = ctx;

	wait_for_release(o);
	wait_for_predecessor(o);
	while (!is_over(o)) {
		if (o->outbox.count || refill(o)) {
			if (suspect_rests(o))
				rest(o);
			else if (o->outbox.count)
				deliver(o);
		} else {
			wait_until(o, o->look_at, true);
		}
	}
	end(o);
	return NULL;
}
