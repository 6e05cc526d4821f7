/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of a sequence that came before what they follow. Records of different processors may be
 * out of order by the slack; what found nothing to move on (or must not happen) is held for that
 * long, and looked at again when something older comes after all. Nothing else waits: a sequence
 * whose events come in order is told at once.
 */
#include "internal.h"

/* The watermark: what is older has been seen. */
static bool is_over(const struct state_rule *rule, const struct held *held)
{
	return held->time < rule_watermark(rule);
}

static void drop(struct state_rule *rule, uint32_t number)
{
	kept_event_free(rule, rule->held[number].event);
	rule->held[number] = rule->held[--rule->held_count];
}

static uint32_t oldest(const struct state_rule *rule)
{
	uint32_t at = 0;

	for (uint32_t i = 1; i < rule->held_count; i++)
		if (rule->held[i].time < rule->held[at].time)
			at = i;
	return at;
}

static void make_room(struct state_rule *rule)
{
	for (uint32_t i = rule->held_count; i; i--)
		if (is_over(rule, &rule->held[i - 1]))
			drop(rule, i - 1);
	if (rule->held_count < HELD_MAX)
		return;
	drop(rule, oldest(rule));
	rule->stats.unheld++;
}

void held_add(struct state_rule *rule, struct digest key, const struct state_input *input,
	      uint64_t time)
{
	struct held held = {
		.key = key, .time = time, .serial = rule->state->serial, .step = input->step
	};

	if (!rule->state->slack || is_over(rule, &held))
		return;
	if (!rule->held)
		rule->held = calloc(HELD_MAX, sizeof(*rule->held));
	if (!rule->held)
		return;
	if (rule->held_count == HELD_MAX)
		make_room(rule);
	held.event = kept_event_new(rule, NULL, input);
	if (held.event)
		rule->held[rule->held_count++] = held;
	else
		rule->stats.unheld++;
}

void held_wake(struct state_rule *rule, struct digest key, uint64_t time)
{
	for (uint32_t i = 0; i < rule->held_count; i++) {
		struct held *held = &rule->held[i];

		if (held->time < time || held->serial == rule->state->serial ||
		    !digest_equal(held->key, key) || is_over(rule, held))
			continue;
		held->due = true;
		rule->state->held_due = true;
	}
}

/* In the order of their times. False: none is due. */
static bool take_due(struct state_rule *rule, struct held *out)
{
	uint32_t at = HELD_MAX;

	for (uint32_t i = 0; i < rule->held_count; i++)
		if (rule->held[i].due &&
		    (at == HELD_MAX || rule->held[i].time < rule->held[at].time))
			at = i;
	if (at == HELD_MAX)
		return false;
	*out = rule->held[at];
	rule->held[at] = rule->held[--rule->held_count];
	return true;
}

/* It is fed again: what it wakes is newer, so this ends. */
static void feed_due(struct state_rule *rule, const struct state_client *client)
{
	struct held held;

	while (take_due(rule, &held)) {
		struct state_input input = { .input = kept_event_input(held.event),
					     .step = held.step };
		uint64_t serial = rule->state->serial;
		struct event event;

		kept_event_show(rule, held.event, client->stores, 0, &event);
		input.event = &event;
		/* It is the same event: it may not move again what it has moved. */
		rule->state->serial = held.serial;
		client->again(client->ctx, rule, &input);
		rule->state->serial = serial;
		kept_event_free(rule, held.event);
	}
}

void held_feed(struct state *state, const struct state_client *client)
{
	state->held_due = false;
	for (uint32_t i = 0; i < state->rule_count; i++)
		if (state->rules[i]->held_count)
			feed_due(state->rules[i], client);
}

void held_free(struct state_rule *rule)
{
	free(rule->held); /* what it points to is in the slab */
	rule->held = NULL;
	rule->held_count = 0;
}
