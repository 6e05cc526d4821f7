/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, changing and ending delivery; its threads are in writer.c and output.c. */
#include "delivery/delivery.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/common.h"
#include "delivery/private.h"
#include "delivery/writer.h"

/* ---- the configuration --------------------------------------------------------------- */

struct delivery_config *delivery_config_new(void)
{
	struct delivery_config *config = calloc(1, sizeof(*config));

	if (config)
		config->users = 1;
	return config;
}

struct delivery_config *delivery_config_hold(struct delivery_config *config)
{
	atomic_fetch_add(&config->users, 1);
	return config;
}

void delivery_config_release(struct delivery_config *config)
{
	if (!config || atomic_fetch_sub(&config->users, 1) != 1)
		return;
	for (uint32_t i = 0; i < config->output_count; i++)
		if (config->outputs[i].format->close)
			config->outputs[i].format->close(config->outputs[i].format_state);
	arena_free(&config->arena);
	free(config);
}

/* ---- outputs ------------------------------------------------------------------------- */

static int output_prepare(struct output *o, struct err *err)
{
	struct delivery *d = o->delivery;

	if (getrandom(&o->random, sizeof(o->random), 0) != sizeof(o->random) || !o->random)
		o->random = clock_now() | 1;
	if (outbox_open(&o->outbox, o->wants) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	int r = spool_open(d->config->path, SPOOL_READER, &o->spool, err);

	return r < 0 ? r : o->wants->transport->open(&o->wants->settings, &o->state, err);
}

DEFINE_CLEANUP(struct output *, output_close)

int output_open(struct delivery *delivery, struct delivery_config *config,
		const struct delivery_output *wants, struct output **out, struct err *err)
{
	autoclean(output_closep) struct output *o = calloc(1, sizeof(*o));

	if (!o)
		return err_set(err, -ENOMEM, "out of memory");
	o->delivery = delivery;
	o->config = delivery_config_hold(config);
	o->wants = wants;
	o->limit = wants->batch_records;
	o->tokens = (double)wants->burst;
	o->tokens_at = clock_now();
	o->changes_end = &o->changes;
	o->stats.name = wants->name;
	o->stats.transport = wants->transport->name;
	o->stats.format = wants->format->name;
	pthread_mutex_init(&o->reading, NULL);
	pthread_mutex_init(&o->lock, NULL);
	int r = output_prepare(o, err);

	if (r < 0)
		return r;
	*out = take(o);
	return 0;
}

int output_start(struct output *output)
{
	int r = pthread_create(&output->thread, NULL, output_run, output);

	output->started = r == 0;
	return -r;
}

static void changes_free(struct change *change)
{
	while (change) {
		struct change *next = change->next;

		free(change);
		change = next;
	}
}

void output_close(struct output *o)
{
	if (!o)
		return;
	if (o->started)
		pthread_join(o->thread, NULL);
	if (o->state)
		o->wants->transport->close(o->state, clock_now());
	spool_close(o->spool);
	outbox_free(&o->outbox);
	changes_free(o->pending);
	changes_free(o->changes);
	changes_free(o->writing);
	pthread_mutex_destroy(&o->reading);
	pthread_mutex_destroy(&o->lock);
	delivery_config_release(o->config);
	free(o);
}

/* ---- the spool ----------------------------------------------------------------------- */

/*
 * A damaged spool is put aside, with its log: a sensor that does not start protects nobody. What is
 * no spool of ours never gets here.
 */
static int put_aside(const char *path, struct err *err)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char from[ERR_PATH_MAX], to[ERR_PATH_MAX];
	unsigned long long now = clock_epoch() / CLOCK_SECOND;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		snprintf(from, sizeof(from), "%s%s", path, suffixes[i]);
		snprintf(to, sizeof(to), "%s.damaged-%llu%s", path, now, suffixes[i]);
		if (rename(from, to) < 0 && !i)
			return err->code;
	}
	fprintf(stderr, "spoor: %s; it is kept as %s.damaged-%llu, and a new one is begun\n",
		err->message, path, now);
	*err = (struct err){ 0 };
	return 0;
}

/* The directory of the spool, if only that is missing. */
static void make_folder(const char *path)
{
	char folder[ERR_PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof(folder))
		return;
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = 0;
	mkdir(folder, 0700); /* what goes wrong, opening the file tells */
}

static int open_spool(struct delivery *d, struct spool **out, struct err *err)
{
	const char *path = d->config->path;

	make_folder(path);
	int r = spool_lock(path, &d->lock_fd, err);

	if (r < 0)
		return r;
	d->mark = mark_open(d->lock_fd);
	r = spool_open(path, SPOOL_WRITER, out, err);
	if (r == -EBADMSG && put_aside(path, err) == 0)
		r = spool_open(path, SPOOL_WRITER, out, err);
	return r;
}

/* What was handed over before, and is neither in the spool nor counted. */
static void find_ended(struct delivery *d, const struct spool_summary *summary, uint64_t life,
		       uint64_t settled)
{
	uint64_t taken = mark_taken(d->mark, life);
	bool numbered = d->sequence > summary->sequence;

	if (taken > settled)
		d->ended_with = (struct loss){ .count = taken - settled,
					       .first = numbered ? summary->sequence + 1 : 0,
					       .last = numbered ? d->sequence : 0,
					       .since = summary->newest,
					       .until = clock_epoch() };
}

/* What the process before this one had counted and not told: the writer tells it. */
static void take_untold(void *ctx, struct str reason, const struct loss *loss)
{
	struct writer *w = ctx;

	for (unsigned i = 0; i < LOSS_REASONS; i++)
		if (str_equal(reason, str_of(loss_reason_names[i]))) {
			w->losses[i] = *loss;
			w->kept[i] = loss->count;
		}
}

static int read_state(struct delivery *d, struct spool *spool, struct err *err)
{
	struct spool_summary summary;
	uint64_t life = 0, settled = 0;
	int r = spool_summary(spool, &summary);

	if (r == 0)
		r = spool_life(spool, &life, &settled);
	if (r == 0)
		r = spool_untold(spool, take_untold, d->writer);
	if (r < 0)
		return err_set(err, r, "cannot read the spool %s: %s", d->config->path,
			       spool_error(spool));
	d->committed = spool_next(spool) - 1;
	d->sequence = MAX(summary.sequence, mark_sequence(d->mark));
	find_ended(d, &summary, life, settled);
	d->stats.lost[LOSS_SENSOR_ENDED] = d->ended_with.count;
	d->stats.spool_bytes = summary.bytes;
	d->stats.spool_limit = d->config->spool_bytes;
	return 0;
}

/*
 * Where each output goes on. Rows that were deleted while it was not configured are lost to it,
 * which it is told.
 */
static int find_cursor(struct delivery *d, struct spool *spool, struct output *o)
{
	uint64_t cursor = 0, first = 0;
	int r = spool_output(spool, o->wants->name, &cursor);

	if (r == 0)
		r = spool_first(spool, &first);
	if (!first)
		first = spool_next(spool);
	if (r == 0 && first > cursor + 1) {
		struct loss loss = { .count = first - 1 - cursor };

		o->stats.dropped[LOSS_NOT_CONFIGURED] += loss.count;
		cursor = first - 1;
		r = loss_write(d, spool, LOSS_NOT_CONFIGURED, o->wants->name, &loss);
	}
	o->cursor = o->scanned = o->written = o->writing_cursor = cursor;
	return r;
}

static int find_cursors(struct delivery *d, struct spool *spool, struct output **outputs,
			uint32_t count)
{
	int r = 0;

	for (uint32_t i = 0; i < count && r == 0; i++)
		r = find_cursor(d, spool, outputs[i]);
	return r;
}

/* Ends the transaction one way or the other. */
static int finish(struct delivery *d, struct spool *spool, int r, struct err *err)
{
	if (r == 0)
		r = spool_commit(spool);
	if (r == 0) {
		pthread_mutex_lock(&d->lock);
		d->committed = MAX(d->committed, spool_next(spool) - 1);
		pthread_cond_broadcast(&d->changed);
		pthread_mutex_unlock(&d->lock);
		return 0;
	}
	err_set(err, r, "cannot write the spool %s: %s", d->config->path, spool_error(spool));
	spool_rollback(spool);
	return r;
}

static uint64_t new_life(void)
{
	uint64_t life;

	if (getrandom(&life, sizeof(life), 0) != sizeof(life))
		life = clock_epoch();
	return life >> 1 | 1;
}

/* The first transaction: with it what was lost before is told, and another life begins. */
static int begin(struct delivery *d, struct spool *spool, struct err *err)
{
	uint64_t life = new_life();
	int r = spool_begin(spool);

	if (r == 0)
		r = find_cursors(d, spool, d->outputs, d->output_count);
	if (r == 0 && d->ended_with.count)
		r = loss_write(d, spool, LOSS_SENSOR_ENDED, "", &d->ended_with);
	if (r == 0)
		r = spool_begin_life(spool, life);
	r = finish(d, spool, r, err);
	if (r == 0)
		mark_begin(d->mark, life);
	return r;
}

/* ---- start --------------------------------------------------------------------------- */

static int open_outputs(struct delivery *d, struct delivery_config *config, struct output **out,
			struct err *err)
{
	for (uint32_t i = 0; i < config->output_count; i++) {
		config->outputs[i].settings.host_name = d->host->name;
		int r = output_open(d, config, &config->outputs[i], &out[i], err);

		if (r == 0)
			continue;
		while (i-- > 0)
			output_close(out[i]);
		return r;
	}
	return 0;
}

static struct delivery *delivery_new(struct delivery_config *config, const struct host *host,
				     const char *version)
{
	struct delivery *d = calloc(1, sizeof(*d));
	pthread_condattr_t attributes;

	if (!d)
		return NULL;
	d->config = delivery_config_hold(config);
	d->host = host;
	d->version = version;
	d->lock_fd = -1;
	d->line.limit = ROW_JSON_MAX;
	pthread_mutex_init(&d->outputs_lock, NULL);
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&d->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return d;
}

DEFINE_CLEANUP(struct delivery *, delivery_close)

int delivery_start(struct delivery *d, struct err *err)
{
	int r = pthread_create(&d->writer_thread, NULL, writer_run, d->writer);

	d->writer_started = r == 0;
	for (uint32_t i = 0; i < d->output_count && r == 0; i++)
		r = -output_start(d->outputs[i]);
	return r == 0 ? 0 : err_set(err, -r, "cannot start a thread: %s", strerror(r));
}

int delivery_open(struct delivery_config *config, const struct host *host, const char *version,
		  struct delivery **out, struct err *err)
{
	autoclean(delivery_closep) struct delivery *d = delivery_new(config, host, version);

	if (!d || !(d->writer = calloc(1, sizeof(*d->writer))))
		return err_set(err, -ENOMEM, "out of memory");
	d->writer->delivery = d;
	int r = open_spool(d, &d->writer->spool, err);

	if (r == 0)
		r = read_state(d, d->writer->spool, err);
	if (r == 0 && queue_open(&d->queue, config->queue_bytes, config->full) < 0)
		r = err_set(err, -ENOMEM, "out of memory for a queue of %llu bytes",
			    (unsigned long long)config->queue_bytes);
	d->queue.stop = config->stop;
	if (r == 0)
		r = open_outputs(d, config, d->outputs, err);
	if (r < 0)
		return r;
	d->output_count = config->output_count;
	r = begin(d, d->writer->spool, err);
	if (r < 0)
		return r;
	*out = take(d);
	return 0;
}

const struct delivery_config *delivery_settings(const struct delivery *delivery)
{
	return delivery->config;
}

uint64_t delivery_sequence(const struct delivery *delivery)
{
	return delivery->sequence;
}

/* ---- reload -------------------------------------------------------------------------- */

static struct output *find_running(struct delivery *d, const char *name)
{
	for (uint32_t i = 0; i < d->output_count; i++)
		if (!d->outputs[i]->leaving && !strcmp(d->outputs[i]->wants->name, name))
			return d->outputs[i];
	return NULL;
}

/* It has ended and told all it had to tell, and nobody waits for that any more. */
static bool is_over(struct delivery *d, struct output *o)
{
	pthread_mutex_lock(&d->lock);
	bool over = o->leaving && o->ended;

	for (uint32_t i = 0; i < d->output_count; i++)
		over &= d->outputs[i]->predecessor != o;
	pthread_mutex_unlock(&d->lock);
	return over && !output_has_news(o);
}

/* Its counts are those of the one that now has its name. */
static void leave_counts(struct delivery *d, struct output *o)
{
	struct output *heir = find_running(d, o->wants->name);

	if (!heir)
		return;
	pthread_mutex_lock(&heir->lock);
	output_stats_add(&heir->stats, &o->stats);
	pthread_mutex_unlock(&heir->lock);
}

static void reap(struct delivery *d)
{
	for (uint32_t i = 0; i < d->output_count;) {
		struct output *o = d->outputs[i];

		if (!is_over(d, o)) {
			i++;
			continue;
		}
		leave_counts(d, o);
		output_close(o);
		memmove(&d->outputs[i], &d->outputs[i + 1],
			(--d->output_count - i) * sizeof(d->outputs[0]));
	}
}

/* With outputs_lock: old ones leave, new ones follow those of the same name. */
static void exchange(struct delivery *d, struct output **fresh, uint32_t count)
{
	uint32_t old = d->output_count;

	for (uint32_t i = 0; i < count; i++) {
		struct output *before = find_running(d, fresh[i]->wants->name);

		fresh[i]->predecessor = before;
		if (before)
			fresh[i]->cursor = fresh[i]->scanned = fresh[i]->written =
				fresh[i]->writing_cursor = before->writing_cursor;
	}
	for (uint32_t i = 0; i < old; i++)
		d->outputs[i]->leaving = true;
	for (uint32_t i = 0; i < count; i++)
		d->outputs[d->output_count++] = fresh[i];
}

/* Outputs the spool does not know yet begin at its end; done through a connection of our own. */
static int add_cursors(struct delivery *d, struct output **fresh, uint32_t count, struct err *err)
{
	struct spool *spool = NULL;
	int r = spool_open(d->config->path, SPOOL_WRITER, &spool, err);

	if (r == 0) {
		r = spool_begin(spool);
		if (r == 0)
			r = find_cursors(d, spool, fresh, count);
		r = finish(d, spool, r, err);
	}
	spool_close(spool);
	return r;
}

static void release(struct delivery *d, struct output **outputs, uint32_t count)
{
	pthread_mutex_lock(&d->lock);
	for (uint32_t i = 0; i < count; i++)
		outputs[i]->held = false;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

/* Their threads wait for `release`: from here on nothing can fail. */
static int start_held(struct output **outputs, uint32_t count, struct err *err)
{
	for (uint32_t i = 0; i < count; i++) {
		outputs[i]->held = true;
		int r = output_start(outputs[i]);

		if (r < 0)
			return err_set(err, r, "cannot start a thread: %s", strerror(-r));
	}
	return 0;
}

static void abandon(struct delivery *d, struct output **outputs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		outputs[i]->leaving = true;
	release(d, outputs, count);
	for (uint32_t i = 0; i < count; i++)
		output_close(outputs[i]);
}

/* Is there room for those of a reload, when those that have ended are gone? */
static bool make_room(struct delivery *d, uint32_t count)
{
	pthread_mutex_lock(&d->outputs_lock);
	reap(d);
	bool fits = d->output_count + count <= ARRAY_SIZE(d->outputs);

	pthread_mutex_unlock(&d->outputs_lock);
	return fits;
}

int delivery_reload(struct delivery *d, struct delivery_config *config, struct err *err)
{
	struct output *fresh[DELIVERY_OUTPUTS_MAX] = { 0 };
	uint32_t count = config->output_count;
	int r;

	if (!make_room(d, count))
		return err_set(err, -EBUSY, "outputs of the reload before are still ending");
	if ((r = open_outputs(d, config, fresh, err)) < 0)
		return r;
	if ((r = add_cursors(d, fresh, count, err)) < 0 ||
	    (r = start_held(fresh, count, err)) < 0) {
		abandon(d, fresh, count);
		return r;
	}
	pthread_mutex_lock(&d->outputs_lock);
	exchange(d, fresh, count);
	release(d, fresh, count);
	pthread_mutex_unlock(&d->outputs_lock);
	return 0;
}

/* ---- end ----------------------------------------------------------------------------- */

static bool all_ended(const struct delivery *d)
{
	for (uint32_t i = 0; i < d->output_count; i++)
		if (d->outputs[i]->started && !d->outputs[i]->ended)
			return false;
	return true;
}

void delivery_drain(struct delivery *d)
{
	enum { GRACE_MS = 200 };
	uint64_t deadline = clock_now() + d->config->drain_ms * CLOCK_MS;
	struct timespec until = clock_timespec(deadline + GRACE_MS * CLOCK_MS);

	if (d->draining || !d->writer_started)
		return;
	pthread_mutex_lock(&d->lock);
	d->drain_deadline = deadline;
	d->draining = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	queue_shut(&d->queue);

	pthread_mutex_lock(&d->lock);
	while (!(d->flushed && all_ended(d)) &&
	       pthread_cond_timedwait(&d->changed, &d->lock, &until) == 0)
		;
	d->ending = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->writer_thread, NULL);
	d->writer_started = false;
}

void delivery_close(struct delivery *d)
{
	if (!d)
		return;
	delivery_drain(d);
	d->ending = true;
	for (uint32_t i = 0; i < d->output_count; i++)
		output_close(d->outputs[i]);
	if (d->writer)
		spool_close(d->writer->spool);
	free(d->writer);
	if (d->queue.buffers[0].data)
		queue_close(&d->queue);
	buf_free(&d->line);
	mark_close(d->mark);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	pthread_mutex_destroy(&d->outputs_lock);
	delivery_config_release(d->config);
	free(d);
}

/* ---- counters ------------------------------------------------------------------------ */

static void output_counts(struct delivery *d, struct output *o, struct output_stats *out)
{
	uint64_t committed = d->committed, now = clock_epoch();

	pthread_mutex_lock(&o->lock);
	*out = o->stats;
	out->waiting = committed > o->cursor ? committed - o->cursor : 0;
	out->oldest_ns = o->oldest && now > o->oldest ? now - o->oldest : 0;
	pthread_mutex_unlock(&o->lock);
	/* Counters do not begin anew when the outputs are loaded again. */
	for (uint32_t i = 0; i < d->output_count; i++) {
		struct output *before = d->outputs[i];

		if (!before->leaving || strcmp(before->wants->name, o->wants->name) != 0)
			continue;
		pthread_mutex_lock(&before->lock);
		output_stats_add(out, &before->stats);
		pthread_mutex_unlock(&before->lock);
	}
}

void delivery_stats(struct delivery *d, struct delivery_stats *out)
{
	struct queue_stats queue;

	queue_stats(&d->queue, &queue);
	pthread_mutex_lock(&d->outputs_lock);
	pthread_mutex_lock(&d->lock);
	*out = d->stats;
	pthread_mutex_unlock(&d->lock);
	out->queue = queue;
	out->lost[LOSS_QUEUE_FULL] += queue.dropped;
	out->output_count = 0;
	for (uint32_t i = 0; i < d->output_count; i++)
		if (!d->outputs[i]->leaving && out->output_count < DELIVERY_OUTPUTS_MAX)
			output_counts(d, d->outputs[i], &out->outputs[out->output_count++]);
	pthread_mutex_unlock(&d->outputs_lock);
}

uint64_t delivery_lost(struct delivery *d)
{
	struct queue_stats queue;

	queue_stats(&d->queue, &queue);
	pthread_mutex_lock(&d->lock);
	uint64_t lost = d->stats.lost[LOSS_QUEUE_FULL] + d->stats.lost[LOSS_SPOOL_FULL];

	pthread_mutex_unlock(&d->lock);
	return lost + queue.dropped;
}
