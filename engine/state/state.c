/* SPDX-License-Identifier: Apache-2.0 */
/* Time, losses, and the rules' memories as a whole; what a rule does is in the file of its kind. */
#include <errno.h>

#include "internal.h"

static const struct state_ops *const kinds[] = { [STATE_THRESHOLD] = &threshold_ops,
						 [STATE_SEQUENCE] = &sequence_ops,
						 [STATE_FACT] = &fact_ops };

const struct state_ops *rule_ops(const struct state_rule *rule)
{
	return kinds[rule->config->kind];
}

/* ---- life ---------------------------------------- */

struct state *state_new(bool fixed)
{
	struct state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state_set_secret(state, fixed ? (struct digest){ 1, 2 } : digest_secret());
	state->next_due = UINT64_MAX;
	state->soon.least = SOON_KEYS_MIN;
	return state;
}

void state_forget(struct state *state)
{
	state->now = 0;
	state->next_due = UINT64_MAX;
	state->loss_count = 0;
	state->forks_lost = 0;
	state->soon = (struct soon){ .least = state->soon.least };
	for (uint32_t i = 0; i < state->rule_count; i++) {
		struct state_rule *rule = state->rules[i];

		keys_free(&rule->keys);
		slab_free(&rule->slab);
		held_free(rule);
		rule->keys.evicted = rule->keys.expired = 0;
		rule->stats = (struct state_stats){ 0 };
		rule->started = rule->begun = false;
	}
}

static void rule_free(struct state_rule *rule)
{
	keys_free(&rule->keys);
	slab_free(&rule->slab);
	held_free(rule);
	free(rule);
}

void state_free(struct state *state)
{
	if (!state)
		return;
	for (uint32_t i = 0; i < state->rule_count; i++)
		rule_free(state->rules[i]);
	free(state->rules);
	free(state);
}

struct state_rule *state_add(struct state *state, const struct state_config *config)
{
	const struct state_limits *limits = &config->limits;
	struct state_rule *rule = calloc(1, sizeof(*rule));

	if (rule && state->rule_count == state->rule_capacity) {
		uint32_t larger = state->rule_capacity ? state->rule_capacity * 2 : 16;
		struct state_rule **rules = realloc(state->rules,
						    larger * sizeof(struct state_rule *));

		if (!rules) {
			free(rule);
			return NULL;
		}
		state->rules = rules;
		state->rule_capacity = larger;
	}
	if (!rule)
		return NULL;
	rule->config = config;
	rule->state = state;
	rule->keys.capacity = (uint32_t)(limits->keys ? limits->keys : STATE_KEYS_DEFAULT);
	rule->keys.secret = state->secret;
	rule->keys.release = rule_ops(rule)->release;
	rule->keys.ctx = rule;
	rule->slab.budget = MAX(limits->bytes ? limits->bytes : (uint64_t)STATE_BYTES_DEFAULT,
				(uint64_t)SLAB_PAGE);
	rule_ops(rule)->prepare(rule);
	state->rules[state->rule_count++] = rule;
	return rule;
}

bool rule_start(struct state_rule *rule)
{
	if (LIKELY(rule->started))
		return true;
	if (rule->failed)
		return false;
	rule->failed = keys_start(&rule->keys) != 0 ||
		       (rule->config->kind == STATE_SEQUENCE && !held_start(rule));
	rule->started = !rule->failed;
	return rule->started;
}

void *state_rule_owner(const struct state_rule *rule)
{
	return rule->config->owner;
}

void state_set_secret(struct state *state, struct digest secret)
{
	state->secret = secret;
	digest_key_init(&state->key, secret);
	for (uint32_t i = 0; i < state->rule_count; i++)
		state->rules[i]->keys.secret = secret;
}

void state_set_slack(struct state *state, uint64_t slack)
{
	state->slack = slack;
}

uint64_t state_now(const struct state *state)
{
	return state->now;
}

/* ---- memory ---------------------------------------- */

bool rule_make_room(struct state_rule *rule, const struct entry *keep)
{
	return keys_evict(&rule->keys, keep, keys_owner(&rule->keys, keep), KEYS_BYTES);
}

void rule_book(struct state_rule *rule, const struct entry *entry, uint64_t before)
{
	if (rule->slab.used != before)
		keys_book(&rule->keys, entry, (int64_t)(rule->slab.used - before));
}

void *rule_alloc(struct state_rule *rule, const struct entry *entry, size_t size)
{
	for (int i = 0; size <= SLAB_PIECE_MAX; i++) {
		uint64_t before = rule->slab.used;
		void *piece = slab_alloc(&rule->slab, size);

		if (piece)
			rule_book(rule, entry, before);
		if (piece || i == ROOM_TRIES || !rule_make_room(rule, entry))
			return piece;
	}
	return NULL;
}

void state_rule_stats(const struct state_rule *rule, struct state_stats *out)
{
	uint64_t held_most, held = held_bytes(rule, &held_most);

	*out = rule->stats;
	out->keys = rule->keys.count;
	out->keys_max = rule->keys.capacity;
	out->bytes = keys_bytes(&rule->keys) + (uint64_t)rule->slab.untouched * SLAB_PAGE + held;
	out->bytes_max = keys_bytes_max(&rule->keys) + rule->slab.budget + held_most;
	out->evicted = rule->keys.evicted;
	out->expired = rule->keys.expired;
}

void state_total(const struct state *state, struct state_stats *out)
{
	*out = (struct state_stats){ 0 };
	for (uint32_t i = 0; i < state->rule_count; i++) {
		struct state_stats one;

		state_rule_stats(state->rules[i], &one);
		out->keys += one.keys;
		out->bytes += one.bytes;
		out->evicted += one.evicted;
		out->late += one.late;
		out->inexact += one.inexact;
		out->replaced += one.replaced;
		out->unheld += one.unheld;
		out->withheld += one.withheld;
	}
}

/* ---- losses ---------------------------------------- */

static struct loss *loss_at(struct state *state, uint32_t number)
{
	return &state->losses[(state->loss_first + number) % LOSSES_KEPT];
}

/* Of the oldest two, one is left that stands for both. */
static void merge_losses(struct state *state)
{
	struct loss *oldest = loss_at(state, 0), *second = loss_at(state, 1);

	second->count += oldest->count;
	if (second->id != oldest->id)
		second->id = 0;
	state->loss_first = (state->loss_first + 1) % LOSSES_KEPT;
	state->loss_count--;
}

void state_lost(struct state *state, uint64_t time, uint16_t id, uint64_t count)
{
	if (!id || id == EV_sched_process_fork)
		state->forks_lost = MAX(time, state->now);
	if (state->loss_count == LOSSES_KEPT)
		merge_losses(state);
	*loss_at(state, state->loss_count++) =
		(struct loss){ .time = MAX(time, state->now), .count = count, .id = id };
}

static bool is_felt(const struct state_config *config, uint16_t id)
{
	for (uint32_t i = 0; id && i < config->base_count; i++)
		if (config->base[i] == id)
			return true;
	return !id;
}

uint64_t rule_lost(const struct state_rule *rule, uint64_t from)
{
	struct state *state = rule->state;
	uint64_t lost = 0;

	for (uint32_t i = state->loss_count; i; i--) {
		const struct loss *loss = loss_at(state, i - 1);

		if (loss->time <= from)
			break;
		if (is_felt(rule->config, loss->id))
			lost += loss->count;
	}
	return lost;
}

/* ---- time ---------------------------------------- */

void rule_timer(struct state_rule *rule, struct entry *entry, uint64_t time)
{
	keys_timer(&rule->keys, entry, time);
	if (time && time < rule->state->next_due)
		rule->state->next_due = time;
}

/* The rule whose timer rings first; *due: when. NULL: none has a timer. */
static struct state_rule *first_due(const struct state *state, uint64_t *due)
{
	struct state_rule *first = NULL;

	*due = UINT64_MAX;
	for (uint32_t i = 0; i < state->rule_count; i++) {
		uint64_t time;

		if (keys_timer_first(&state->rules[i]->keys, &time) && time < *due) {
			first = state->rules[i];
			*due = time;
		}
	}
	return first;
}

static void ring_due(struct state *state, const struct state_client *client)
{
	struct state_rule *rule;
	uint64_t due;

	while ((rule = first_due(state, &state->next_due)) &&
	       state->next_due <= rule_watermark(rule)) {
		struct entry *entry = keys_timer_first(&rule->keys, &due);

		keys_timer(&rule->keys, entry, 0);
		rule_ops(rule)->ring(rule, entry, client);
	}
}

void state_advance(struct state *state, uint64_t now, const struct state_client *client)
{
	if (UNLIKELY(state->held_due))
		held_feed(state, client);
	state->serial++;
	state->stores = client->stores;
	if (now > state->now)
		state->now = now;
	if (UNLIKELY(state->now >= state->next_due && state->now - state->next_due >= state->slack))
		ring_due(state, client);
}

void state_finish(struct state *state, const struct state_client *client)
{
	held_feed(state, client);
	for (uint32_t i = 0; i < state->rule_count; i++) {
		struct state_rule *rule = state->rules[i];

		for (uint32_t k = 0; k < rule->keys.high; k++) {
			struct entry *entry = keys_at(&rule->keys, k);

			if (entry)
				rule_ops(rule)->finish(rule, entry, client);
		}
	}
}

/* ---- events ---------------------------------------- */

void state_feed(struct state_rule *rule, const struct state_input *input,
		const struct state_client *client)
{
	uint64_t time = input->event->wire->time;

	if (!rule_start(rule))
		return;
	keys_expire(&rule->keys, rule_watermark(rule), EXPIRE_PER_EVENT);
	/* Recordings need not know the time. */
	rule_ops(rule)->feed(rule, input, time ? time : rule->state->now, client);
}

struct value state_time_value(const struct state_match *match, struct cel_run *run, uint64_t time)
{
	struct cel_time *out = arena_alloc(run->arena, sizeof(*out));
	uint64_t epoch = time + match->event->clock->boot_epoch_ns;

	if (!out)
		return cel_error(run, "out of memory");
	*out = (struct cel_time){ .seconds = (int64_t)(epoch / 1000000000),
				  .nanos = (int32_t)(epoch % 1000000000) };
	return (struct value){ .tag = VALUE_TIMESTAMP, .object = out };
}

void state_read(const struct state_match *match, struct state_ref ref, struct cel_run *run,
		struct value *out)
{
	*out = value_null();
	switch ((enum state_ref_kind)ref.kind) {
	case REF_PHASE: *out = value_str(str_of(match->summary.phase)); break;
	case REF_FIRST: *out = state_time_value(match, run, match->summary.first); break;
	case REF_LAST: *out = state_time_value(match, run, match->summary.last); break;
	case REF_EVENTS: *out = value_int((int64_t)match->summary.events); break;
	case REF_LOST: *out = value_int((int64_t)match->summary.lost); break;
	default: rule_ops(match->rule)->read(match, ref, run, out);
	}
}

/* ---- reload ---------------------------------------- */

static struct state_rule *find_equal(const struct state *state, const struct state_config *config)
{
	for (uint32_t i = 0; i < state->rule_count; i++)
		if (state->rules[i]->config->kind == config->kind && state->rules[i]->started &&
		    digest_equal(state->rules[i]->config->text, config->text) &&
		    !memcmp(&state->rules[i]->config->limits, &config->limits,
			    sizeof(config->limits)))
			return state->rules[i];
	return NULL;
}

void state_adopt(struct state *state, struct state *old)
{
	state->now = old->now;
	state->serial = old->serial;
	state->forks_lost = old->forks_lost;
	state->held_due = old->held_due;
	state_set_secret(state, old->secret);
	memcpy(state->losses, old->losses, sizeof(state->losses));
	state->loss_first = old->loss_first;
	state->loss_count = old->loss_count;
	for (uint32_t i = 0; i < state->rule_count; i++) {
		struct state_rule *rule = state->rules[i];
		struct state_rule *from = find_equal(old, rule->config);

		if (!from)
			continue;
		rule->keys = take(from->keys);
		rule->slab = take(from->slab);
		rule->held = take(from->held);
		rule->stats = from->stats;
		rule->begun = from->begun;
		rule->since = from->since;
		rule->started = true;
		rule->keys.ctx = rule;
		/* Nothing may start it again: it is about to be freed. */
		from->started = false;
		from->failed = true;
	}
	first_due(state, &state->next_due);
}
