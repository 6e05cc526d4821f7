/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thresholds. A key's episode begins with the crossing and ends when the window has been empty;
 * until then it fires again only if `every` says so, and counts what it will tell at the end.
 */
#include "internal.h"

#include <math.h>

_Static_assert((int)STATE_DISTINCT_MAX <= (int)DISTINCT_MAX, "a set can hold what rules ask for");

/* log.mark: the episode has fired. Tumbling: log.oldest is the start of the window. */
struct episode {
	struct window_log log;
	double sums[]; /* in the window; then the sets; then, if it slides, the tail of the log */
};

/* What only an episode that has fired has; apart, for they are few. */
struct total {
	uint64_t first;		 /* event of the episode */
	uint64_t events;	 /* since the first */
	uint64_t next;		 /* not again before; 0: not again */
	struct kept_event *kept; /* closing is wanted */
	double sums[]; /* of the episode; then as uint16_t the most different values in a window */
};

/* What one event adds. */
struct addition {
	double sums[STATE_MEASURES_MAX * 2];
	uint64_t hashes[STATE_MEASURES_MAX];
	bool has[STATE_MEASURES_MAX]; /* a hash */
	bool any;
};

/* What a firing knows; nothing of the table. */
struct snapshot {
	double values[STATE_MEASURES_MAX];
	bool has[STATE_MEASURES_MAX];
};

static struct total *total_of(const struct state_rule *rule, const struct entry *entry)
{
	return keys_rest(&rule->keys, entry);
}

static struct distinct *sets_of(const struct state_rule *rule, struct episode *episode)
{
	return (struct distinct *)(episode->sums + rule->shape.sums);
}

static struct window window_of(struct state_rule *rule, struct episode *episode)
{
	return (struct window){ &episode->log, &rule->shape, &rule->slab,
				(uint64_t *)(sets_of(rule, episode) + rule->sets), episode->sums };
}

static uint16_t *most_of(const struct state_rule *rule, struct total *total)
{
	return (uint16_t *)(total->sums + rule->shape.sums);
}

/* What is left of the entry's last cache line, or another one. */
static size_t tail_size(size_t size, size_t item)
{
	enum { LINE = 64, FEW = 6 };
	size_t used = (sizeof(struct entry) + size) % LINE, left = used ? LINE - used : 0;

	return left >= item * FEW ? left : left + LINE;
}

static void threshold_prepare(struct state_rule *rule)
{
	static const uint8_t sums[] = { [MEASURE_COUNT] = 1,
					[MEASURE_DISTINCT] = 0,
					[MEASURE_SUM] = 1,
					[MEASURE_AVG] = 2,
					[MEASURE_RATIO] = 2 };
	const struct threshold_config *config = rule->config->threshold;
	size_t size, tail;
	uint32_t count = 0;

	for (uint32_t i = 0; i < config->measure_count; i++) {
		struct measure_config *measure = &config->measures[i];

		measure->sum = (uint16_t)count;
		rule->sets += measure->kind == MEASURE_DISTINCT;
		if (measure->kind != MEASURE_COUNT || measure->of)
			count += sums[measure->kind];
	}
	size = sizeof(struct episode) + count * sizeof(double) +
	       rule->sets * sizeof(struct distinct);
	tail = config->tumbling ? 0 : tail_size(size, (1 + count) * sizeof(double));
	window_shape_init(&rule->shape, config->window, count, tail);
	rule->keys.payload_size = (uint32_t)(size + tail);
	rule->keys.rest_size = (uint32_t)(sizeof(struct total) + count * sizeof(double) +
					  rule->sets * sizeof(uint16_t) + 7) &
			       ~7U;
}

static void episode_reset(struct state_rule *rule, struct entry *entry)
{
	struct episode *episode = (struct episode *)entry->payload;
	struct distinct *sets = sets_of(rule, episode);
	uint64_t before = rule->slab.used;

	if (episode->log.mark)
		kept_event_free(&rule->slab, total_of(rule, entry)->kept);
	window_free(&episode->log, &rule->slab);
	for (uint32_t i = 0; i < rule->sets; i++)
		distinct_free(&sets[i], &rule->slab);
	rule_book(rule, entry, before);
	memset(episode, 0, rule->keys.payload_size);
}

static void threshold_release(void *ctx, struct entry *entry)
{
	episode_reset(ctx, entry);
}

/* ---- what an event adds ---------------------------------------- */

static bool holds(struct state_rule *rule, const struct cel_program *program,
		  const struct measure_config *measure, const struct state_input *input,
		  const struct state_client *client)
{
	struct value value = program ? state_evaluate(program, input->run) : value_bool(true);

	if (value.tag == VALUE_BOOL)
		return value.b;
	client->fault(client->ctx, rule, measure->name, value);
	return false;
}

/* A number, or NAN: null, or a failure that has been told. */
static double number(struct state_rule *rule, const struct measure_config *measure,
		     const struct state_input *input, const struct state_client *client)
{
	struct value value = state_evaluate(measure->of, input->run);

	switch (value.tag) {
	case VALUE_NULL: return NAN;
	case VALUE_INT: return (double)value.i;
	case VALUE_UINT: return (double)value.u;
	case VALUE_DOUBLE:
		if (isfinite(value.d))
			return value.d;
	}
	client->fault(client->ctx, rule, measure->name, value);
	return NAN;
}

static void add_hash(struct state_rule *rule, const struct measure_config *measure,
		     const struct state_input *input, const struct state_client *client,
		     uint32_t which, struct addition *out)
{
	struct value value = state_evaluate(measure->of, input->run);
	uint64_t words[DIGEST_WORDS];
	uint32_t count;

	if (value.tag == VALUE_NULL)
		return;
	count = digest_value(rule->state->secret, value, words);
	if (!count) {
		client->fault(client->ctx, rule, measure->name, value);
		return;
	}
	out->hashes[which] = digest_hash(&rule->state->key, words, count);
	out->has[which] = out->any = true;
}

static void add_measure(struct state_rule *rule, const struct measure_config *measure,
			const struct state_input *input, const struct state_client *client,
			uint32_t which, struct addition *out)
{
	double *sum = &out->sums[measure->sum], value;

	switch ((enum measure_kind)measure->kind) {
	case MEASURE_DISTINCT: add_hash(rule, measure, input, client, which, out); return;
	case MEASURE_COUNT:
		if (measure->of)
			*sum = holds(rule, measure->of, measure, input, client);
		out->any |= !measure->of || *sum != 0;
		return;
	case MEASURE_RATIO:
		sum[0] = holds(rule, measure->of, measure, input, client);
		sum[1] = holds(rule, measure->to, measure, input, client);
		out->any |= sum[0] != 0 || sum[1] != 0;
		return;
	case MEASURE_SUM:
	case MEASURE_AVG: break;
	}
	value = number(rule, measure, input, client);
	if (isnan(value))
		return;
	sum[0] = value;
	if (measure->kind == MEASURE_AVG)
		sum[1] = 1;
	out->any = true;
}

static bool read_addition(struct state_rule *rule, const struct state_input *input,
			  const struct state_client *client, struct addition *out)
{
	const struct threshold_config *config = rule->config->threshold;
	uint32_t set = 0;

	memset(out->sums, 0, rule->shape.sums * sizeof(double));
	memset(out->has, 0, sizeof(out->has));
	out->any = false;
	for (uint32_t i = 0; i < config->measure_count; i++) {
		add_measure(rule, &config->measures[i], input, client, set, out);
		set += config->measures[i].kind == MEASURE_DISTINCT;
	}
	return out->any;
}

/* ---- what it comes to ---------------------------------------- */

/* Over the window, or over the whole episode. False: there is no value. */
static bool measure_value(const struct measure_config *measure, uint64_t events, const double *sums,
			  double distinct, double *out)
{
	const double *sum = &sums[measure->sum];

	switch ((enum measure_kind)measure->kind) {
	case MEASURE_COUNT: *out = measure->of ? *sum : (double)events; return true;
	case MEASURE_DISTINCT: *out = distinct; return true;
	case MEASURE_SUM: *out = *sum; return true;
	case MEASURE_AVG:
		*out = sum[1] > 0 ? sum[0] / sum[1] : 0;
		return sum[1] > 0 && sum[1] >= (double)measure->samples;
	case MEASURE_RATIO: break;
	}
	*out = sum[1] > 0 ? sum[0] / sum[1] : 0;
	return sum[1] > 0;
}

/* total: of the whole episode; NULL: of the window. */
static void take_snapshot(const struct state_rule *rule, struct episode *episode,
			  struct total *total, struct snapshot *out)
{
	const struct threshold_config *config = rule->config->threshold;
	const struct distinct *set = sets_of(rule, episode);
	const uint16_t *most = total ? most_of(rule, total) : NULL;
	const double *sums = total ? total->sums : episode->sums;
	uint64_t events = total ? total->events : episode->log.events;

	for (uint32_t i = 0; i < config->measure_count; i++) {
		const struct measure_config *measure = &config->measures[i];
		double distinct = 0;

		if (measure->kind == MEASURE_DISTINCT) {
			distinct = total ? *most++ : set->count;
			set++;
		}
		out->has[i] = measure_value(measure, events, sums, distinct, &out->values[i]);
	}
}

static bool is_crossed(const struct threshold_config *config, const struct snapshot *snapshot)
{
	for (uint32_t i = 0; i < config->measure_count; i++) {
		const struct measure_config *m = &config->measures[i];
		double value = snapshot->values[i];

		if (!m->has_least && !m->has_most && !m->has_above && !m->has_below)
			continue;
		if (!snapshot->has[i] || (m->has_least && value < m->least) ||
		    (m->has_most && value > m->most) || (m->has_above && value <= m->above) ||
		    (m->has_below && value >= m->below))
			return false;
	}
	return true;
}

static bool threshold_read(const struct state_match *match, struct state_ref ref,
			   struct cel_run *run, struct value *out)
{
	const struct measure_config *measure = &match->rule->config->threshold->measures[ref.index];
	const struct snapshot *snapshot = match->data;

	(void)run;
	if (!snapshot->has[ref.index])
		*out = value_null();
	else if (measure->kind == MEASURE_COUNT || measure->kind == MEASURE_DISTINCT ||
		 (measure->kind == MEASURE_SUM && fabs(snapshot->values[ref.index]) < 9e15 &&
		  floor(snapshot->values[ref.index]) == snapshot->values[ref.index]))
		*out = value_int((int64_t)snapshot->values[ref.index]);
	else
		*out = value_double(snapshot->values[ref.index]);
	return true;
}

/* ---- firing ---------------------------------------- */

static void fire(struct state_rule *rule, const struct snapshot *snapshot,
		 struct event_state summary, const struct event *event, struct cel_run *run,
		 const struct state_client *client)
{
	struct state_match match = { rule, event, summary, snapshot };

	client->fire(client->ctx, rule, run, &match);
}

static uint64_t episode_end(const struct state_rule *rule, const struct episode *episode)
{
	const struct threshold_config *config = rule->config->threshold;

	return (config->tumbling ? episode->log.oldest : episode->log.newest) + config->window;
}

/* The last act of an episode that has fired; its entry must not be used afterwards. */
static void close_episode(struct state_rule *rule, struct entry *entry,
			  const struct state_client *client)
{
	struct episode *episode = (struct episode *)entry->payload;
	struct total *total = total_of(rule, entry);
	struct kept_event *kept = take(total->kept);
	struct event_state summary = { "closed", total->first, episode->log.newest, total->events,
				       rule_lost(rule, total->first) };
	uint64_t end = MIN(episode_end(rule, episode), rule->state->now);
	struct snapshot snapshot;
	struct event event;

	take_snapshot(rule, episode, total, &snapshot);
	keys_remove(&rule->keys, entry);
	if (!kept)
		return;
	kept_event_show(rule, kept, client->stores, end, &event);
	fire(rule, &snapshot, summary, &event, NULL, client);
	kept_event_free(&rule->slab, kept);
}

static void threshold_ring(struct state_rule *rule, struct entry *entry,
			   const struct state_client *client)
{
	const struct episode *episode = (const struct episode *)entry->payload;
	uint64_t end = episode_end(rule, episode);

	if (end > rule_watermark(rule))
		rule_timer(rule, entry, end);
	else
		close_episode(rule, entry, client);
}

static bool is_closing(const struct state_rule *rule, const struct entry *entry)
{
	return ((const struct episode *)entry->payload)->log.mark && total_of(rule, entry)->kept;
}

static void threshold_finish(struct state_rule *rule, struct entry *entry,
			     const struct state_client *client)
{
	if (is_closing(rule, entry))
		close_episode(rule, entry, client);
}

/* From now on the episode is counted as a whole: so far it is what is in the window. */
static void begin_episode(struct state_rule *rule, struct entry *entry,
			  const struct state_input *input)
{
	struct episode *episode = (struct episode *)entry->payload;
	struct total *total = total_of(rule, entry);
	const struct distinct *sets = sets_of(rule, episode);

	*total = (struct total){ .events = MAX(episode->log.events, 1u) };
	total->first = rule->config->threshold->tumbling ? episode->log.oldest
							 : window_oldest(&episode->log);
	if (!total->first) /* there was no memory for a log */
		total->first = episode->log.newest;
	for (uint32_t i = 0; i < rule->sets; i++)
		most_of(rule, total)[i] = sets[i].count;
	memcpy(total->sums, episode->sums, rule->shape.sums * sizeof(double));
	episode->log.mark = true;
	if (!rule->config->threshold->closing)
		return;
	total->kept = kept_event_new(rule, entry, input);
	if (total->kept)
		rule_timer(rule, entry, episode_end(rule, episode));
	else
		rule->stats.inexact++;
}

/* ---- counting ---------------------------------------- */

/* Keys are given up for a log that grows. */
static void make_room(struct state_rule *rule, struct entry *entry, uint64_t time)
{
	struct episode *episode = (struct episode *)entry->payload;

	for (int i = 0; i < ROOM_TRIES && window_needs_room(&episode->log, &rule->shape, time);
	     i++) {
		uint64_t before = rule->slab.used;

		if (window_grow(&episode->log, &rule->shape, &rule->slab))
			rule_book(rule, entry, before);
		else if (!rule_make_room(rule, entry))
			break;
	}
}

/* And for a value that is another. */
static void add_value(struct state_rule *rule, const struct entry *entry, struct distinct *set,
		      uint32_t most, uint64_t hash, uint64_t time)
{
	uint64_t before = rule->slab.used;

	for (int i = 0; !distinct_add(set, &rule->slab, most, hash, time); i++) {
		if (i == ROOM_TRIES || !rule_make_room(rule, entry)) {
			distinct_replace(set, &rule->slab, hash, time);
			rule->stats.inexact++;
			return;
		}
		before = rule->slab.used;
	}
	rule_book(rule, entry, before);
}

static void count_in_window(struct state_rule *rule, struct entry *entry, uint64_t time,
			    const struct addition *addition)
{
	const struct threshold_config *config = rule->config->threshold;
	struct episode *episode = (struct episode *)entry->payload;
	struct distinct *sets = sets_of(rule, episode);
	uint32_t set = 0;

	if (config->tumbling) {
		episode->log.newest = MAX(episode->log.newest, time);
		episode->log.events++;
		for (uint32_t i = 0; i < rule->shape.sums; i++)
			episode->sums[i] += addition->sums[i];
	} else {
		struct window window = window_of(rule, episode);

		if (window_needs_room(&episode->log, &rule->shape, time))
			make_room(rule, entry, time);
		rule->stats.inexact += !window_add(&window, time, addition->sums);
	}
	for (uint32_t i = 0; set < rule->sets; i++) {
		if (config->measures[i].kind != MEASURE_DISTINCT)
			continue;
		if (addition->has[set])
			add_value(rule, entry, &sets[set], config->measures[i].keep,
				  addition->hashes[set], time);
		set++;
	}
}

static void count_in_episode(struct state_rule *rule, struct entry *entry, uint64_t time,
			     const struct addition *addition)
{
	const struct distinct *sets = sets_of(rule, (struct episode *)entry->payload);
	struct total *total = total_of(rule, entry);
	uint16_t *most = most_of(rule, total);

	total->first = MIN(total->first, time);
	total->events++;
	for (uint32_t i = 0; i < rule->shape.sums; i++)
		total->sums[i] += addition->sums[i];
	for (uint32_t i = 0; i < rule->sets; i++)
		most[i] = MAX(most[i], sets[i].count);
}

/* What has left the window by the time of its newest event. */
static void forget_old(struct state_rule *rule, struct episode *episode, uint64_t newest)
{
	uint64_t until = newest > rule->shape.length ? newest - rule->shape.length : 0;
	struct distinct *sets = sets_of(rule, episode);
	struct window window = window_of(rule, episode);

	if (rule->config->threshold->tumbling)
		return;
	window_expire(&window, until);
	for (uint32_t i = 0; i < rule->sets; i++)
		distinct_expire(&sets[i], &rule->slab, until);
}

/* The key's entry with a window that the event can be in; NULL: the event is too old. */
static struct entry *open_window(struct state_rule *rule, struct digest key, uint32_t uid,
				 uint64_t time, const struct state_client *client)
{
	const struct threshold_config *config = rule->config->threshold;
	struct entry *entry = keys_find(&rule->keys, key);
	struct window_log *log = entry ? &((struct episode *)entry->payload)->log : NULL;

	if (log && (config->tumbling ? time < log->oldest : time + config->window <= log->newest)) {
		rule->stats.late++;
		return NULL;
	}
	if (log && MAX(time, rule_watermark(rule)) >= entry->deadline) {
		if (!is_closing(rule, entry)) {
			episode_reset(rule, entry);
		} else {
			close_episode(rule, entry, client);
			entry = keys_find(&rule->keys, key);
		}
	}
	if (!entry)
		entry = keys_add(&rule->keys, key, keys_owner_of(uid), time + config->window);
	log = &((struct episode *)entry->payload)->log;
	if (config->tumbling && !log->newest)
		log->oldest = time;
	keys_touch(entry,
		   (config->tumbling ? log->oldest : MAX(log->newest, time)) + config->window);
	return entry;
}

static void fire_if_due(struct state_rule *rule, struct entry *entry,
			const struct state_input *input, uint64_t time,
			const struct state_client *client)
{
	const struct threshold_config *config = rule->config->threshold;
	struct episode *episode = (struct episode *)entry->payload;
	bool again = episode->log.mark;
	struct total *total = total_of(rule, entry);
	struct snapshot snapshot;

	if (again && (!config->every || time < total->next))
		return;
	take_snapshot(rule, episode, NULL, &snapshot);
	if (!is_crossed(config, &snapshot))
		return;
	if (!again)
		begin_episode(rule, entry, input);
	total->next = time + config->every;
	fire(rule, &snapshot,
	     (struct event_state){ again ? "again" : "crossed", total->first, episode->log.newest,
				   total->events, rule_lost(rule, total->first) },
	     input->event, input->run, client);
}

static void threshold_feed(struct state_rule *rule, const struct state_input *input, uint64_t time,
			   const struct state_client *client)
{
	struct addition addition;
	struct entry *entry;
	struct digest key;

	if (!read_addition(rule, input, client, &addition) ||
	    !state_key(rule, &rule->config->threshold->by, input, client, &key))
		return;
	entry = open_window(rule, key, input->event->wire->uid, time, client);
	if (!entry)
		return;
	struct episode *episode = (struct episode *)entry->payload;

	forget_old(rule, episode, MAX(episode->log.newest, time));
	count_in_window(rule, entry, time, &addition);
	if (episode->log.mark)
		count_in_episode(rule, entry, time, &addition);
	fire_if_due(rule, entry, input, time, client);
}

static void threshold_soon(const struct state_rule *rule, const struct entry *entry)
{
	const struct episode *episode = (const struct episode *)entry->payload;

	window_fetch(&episode->log, &rule->shape, &rule->slab);
}

const struct state_ops threshold_ops = {
	.prepare = threshold_prepare,
	.soon = threshold_soon,
	.feed = threshold_feed,
	.ring = threshold_ring,
	.finish = threshold_finish,
	.release = threshold_release,
	.read = threshold_read,
};
