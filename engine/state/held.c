/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of a sequence that came before what they follow. Records of different processors may be
 * out of order by the slack; what found nothing to move on (or must not happen) is held for that
 * long, and looked at again when something older comes after all. Nothing else waits: a sequence
 * whose events come in order is told at once.
 *
 * They stand in a ring in the order they came, and leave it at its front: by then most are too
 * old. Of one user at most a part is held, so that a flood finds no room before others do not.
 */
#include "internal.h"

enum { HELD_MAX = 256, HELD_OWNER_MAX = HELD_MAX / 4 };

struct held {
	struct digest key;
	uint64_t time, serial;
	struct kept_event *event; /* NULL: it has been looked at again */
	uint32_t owner;
	uint16_t step;
	bool due;
};

struct held_ring {
	uint32_t first, count;
	uint32_t tags[HELD_MAX]; /* of their keys: what looks for one passes over the others */
	struct slab slab;	 /* of its own: what sequences have taken is not missing here */
	struct held items[HELD_MAX];
};

bool held_start(struct state_rule *rule)
{
	if (rule->state->slack && !rule->held)
		rule->held = calloc(1, sizeof(*rule->held));
	if (rule->held)
		rule->held->slab.budget = (size_t)HELD_MAX * SLAB_PIECE_MAX;
	return rule->held || !rule->state->slack;
}

void held_free(struct state_rule *rule)
{
	if (rule->held)
		slab_free(&rule->held->slab);
	free(take(rule->held));
}

uint64_t held_bytes(const struct state_rule *rule, uint64_t *most)
{
	*most = rule->held ? sizeof(*rule->held) + rule->held->slab.budget : 0;
	return rule->held ? sizeof(*rule->held) + (uint64_t)rule->held->slab.untouched * SLAB_PAGE
			  : 0;
}

static struct held *held_at(struct held_ring *ring, uint32_t number)
{
	return &ring->items[(ring->first + number) % HELD_MAX];
}

/* The watermark: what is older has been seen. */
static bool is_over(const struct state_rule *rule, const struct held *held)
{
	return held->time < rule_watermark(rule);
}

static void drop_first(struct state_rule *rule)
{
	kept_event_free(&rule->held->slab, held_at(rule->held, 0)->event);
	rule->held->first = (rule->held->first + 1) % HELD_MAX;
	rule->held->count--;
}

static void drop_old(struct state_rule *rule)
{
	struct held_ring *ring = rule->held;

	while (ring->count && (!held_at(ring, 0)->event || is_over(rule, held_at(ring, 0))))
		drop_first(rule);
}

static bool has_its_share(struct held_ring *ring, uint32_t owner)
{
	uint32_t count = 0;

	for (uint32_t i = 0; ring->count >= HELD_OWNER_MAX && i < ring->count; i++)
		count += held_at(ring, i)->event && held_at(ring, i)->owner == owner;
	return count >= HELD_OWNER_MAX;
}

void held_add(struct state_rule *rule, struct digest key, const struct state_input *input,
	      uint64_t time)
{
	struct held_ring *ring = rule->held;
	struct held held = { .key = key,
			     .time = time,
			     .serial = rule->state->serial,
			     .owner = keys_owner_of(input->event->wire->uid),
			     .step = input->step };

	if (!ring || is_over(rule, &held))
		return;
	drop_old(rule);
	if (!has_its_share(ring, held.owner))
		held.event = kept_event_in(&ring->slab, input);
	if (!held.event) {
		rule->stats.unheld++;
		return;
	}
	if (ring->count == HELD_MAX) {
		rule->stats.unheld += held_at(ring, 0)->event != NULL;
		drop_first(rule);
	}
	ring->tags[(ring->first + ring->count) % HELD_MAX] = (uint32_t)key.low;
	*held_at(ring, ring->count++) = held;
}

void held_wake(struct state_rule *rule, struct digest key, uint64_t time)
{
	struct held_ring *ring = rule->held;

	for (uint32_t i = 0; ring && i < ring->count; i++) {
		struct held *held;

		if (LIKELY(ring->tags[(ring->first + i) % HELD_MAX] != (uint32_t)key.low))
			continue;
		held = held_at(ring, i);
		if (!held->event || held->time < time || held->serial == rule->state->serial ||
		    !digest_equal(held->key, key) || is_over(rule, held))
			continue;
		held->due = true;
		rule->state->held_due = true;
	}
}

/* The oldest that is due; NULL: none is. */
static struct held *find_due(struct held_ring *ring)
{
	struct held *oldest = NULL;

	for (uint32_t i = 0; i < ring->count; i++) {
		struct held *held = held_at(ring, i);

		if (held->event && held->due && (!oldest || held->time < oldest->time))
			oldest = held;
	}
	return oldest;
}

/* It is fed again: what it wakes is newer, so this ends. */
static void feed_due(struct state_rule *rule, const struct state_client *client)
{
	struct held *found;

	while ((found = find_due(rule->held))) {
		struct held held = *found;
		struct state_input input = { .input = kept_event_input(held.event),
					     .step = held.step };
		uint64_t serial = rule->state->serial;
		struct event event;

		found->event = NULL;
		kept_event_show(rule, held.event, client->stores, 0, &event);
		input.event = &event;
		/* It is the same event: it may not move again what it has moved. */
		rule->state->serial = held.serial;
		client->again(client->ctx, rule, &input);
		rule->state->serial = serial;
		kept_event_free(&rule->held->slab, held.event);
	}
}

void held_feed(struct state *state, const struct state_client *client)
{
	state->held_due = false;
	for (uint32_t i = 0; i < state->rule_count; i++)
		if (state->rules[i]->held)
			feed_due(state->rules[i], client);
}
