/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking ahead. With many keys nearly all of an event's cost is waiting for memory, one read
 * after the other: the tags that find its key, the entry, what that points to. The record is in
 * the ring before its time, so each of these is fetched while the events before it are handled,
 * one step an event. Before event n:
 *
 *	of record n+3	its keys are guessed, and the tags that find them fetched
 *		  n+2	the entries that have these tags are fetched
 *		  n+1	what the entries point to is fetched
 *		  n	the tables are told where to look first (keys.hint)
 *
 * Whose keys it will ask for is guessed: rules that events of this kind led to lately. A guess
 * that is wrong costs a read for nothing, so a rule that most of them do not reach is left out.
 */
#include "internal.h"

enum { HEAT_A_USE = 4, HEAT_MAX = 64, FETCHED = 256 };

static struct soon_event *event_of(struct soon *soon, uint16_t id)
{
	return &soon->events[id % SOON_EVENTS];
}

/* ---- who asks ---------------------------------------- */

static void add_rule(struct soon_event *entry, struct state_rule *rule, const struct state_by *by,
		     const struct wire_header *wire)
{
	struct soon_rule *added = &entry->rules[entry->count];
	/* Fields are those of the record; what a detection has is made later. */
	const struct event_def *def = event_by_id(wire->id);

	if (!def || entry->count == SOON_RULES || !by_is_in_record(by, def, added->fields))
		return;
	added->rule = rule;
	added->by = by;
	added->heat = HEAT_A_USE;
	entry->count++;
	rule->state->soon.rules++;
}

/* One record less is looked at for its rules. */
static void cool(struct soon *soon, struct soon_event *entry)
{
	for (uint32_t i = 0; i < entry->count;) {
		if (--entry->rules[i].heat) {
			i++;
			continue;
		}
		entry->rules[i] = entry->rules[--entry->count];
		soon->rules--;
	}
}

void soon_note(struct state_rule *rule, const struct state_by *by, const struct event *event)
{
	uint16_t id = event->wire->id;
	struct soon_event *entry = event_of(&rule->state->soon, id);

	if (entry->id != id && entry->count) {
		/* Another kind of event is there, for as long as it comes more often. */
		cool(&rule->state->soon, entry);
		return;
	}
	entry->id = id;
	for (uint32_t i = 0; i < entry->count; i++) {
		struct soon_rule *known = &entry->rules[i];

		if (known->rule != rule || known->by != by)
			continue;
		known->heat = (uint8_t)MIN(known->heat + HEAT_A_USE, HEAT_MAX);
		return;
	}
	add_rule(entry, rule, by, event->wire);
}

/* ---- what for ---------------------------------------- */

/* The record's keys are those of the newest step. */
static void guess_keys(struct state *state, const struct wire_header *wire, uint32_t step)
{
	struct soon *soon = &state->soon;
	struct soon_event *known = event_of(soon, wire->id);
	struct event *event = &soon->event;

	soon->counts[step] = 0;
	if (known->id != wire->id || !known->count)
		return;
	/* Records mostly lie one behind the other. */
	fetch_ahead((const char *)wire + wire->size, FETCHED);
	event->wire = wire;
	event->def = event_by_id(wire->id);
	if (!event->def || wire->size < sizeof(*wire) + event->def->body_size)
		return;
	cool(soon, known);
	for (uint32_t i = 0; i < known->count; i++) {
		const struct soon_rule *rule = &known->rules[i];
		struct soon_key *key = &soon->keys[step][soon->counts[step]];

		key->rule = rule->rule;
		if (!by_guess(state, rule->by, event, rule->fields, &key->key))
			continue;
		keys_fetch(&key->rule->keys, key->key);
		soon->counts[step]++;
	}
	event->wire = NULL;
}

static void fetch_entries(struct soon *soon, uint32_t step)
{
	for (uint32_t i = 0; i < soon->counts[step]; i++) {
		struct soon_key *key = &soon->keys[step][i];

		key->slot = keys_fetch_entry(&key->rule->keys, key->key);
	}
}

static void fetch_rest(const struct soon *soon, uint32_t step)
{
	for (uint32_t i = 0; i < soon->counts[step]; i++) {
		const struct soon_key *key = &soon->keys[step][i];
		const struct state_ops *ops = rule_ops(key->rule);
		const struct entry *entry =
			ops->soon ? keys_in_slot(&key->rule->keys, key->slot, key->key) : NULL;

		if (entry)
			ops->soon(key->rule, entry);
	}
}

/* The event is next. */
static void hint(const struct soon *soon, uint32_t step)
{
	for (uint32_t i = 0; i < soon->counts[step]; i++)
		soon->keys[step][i].rule->keys.hint = soon->keys[step][i].slot;
}

void state_soon(struct state *state, const struct wire_header *wire)
{
	struct soon *soon = &state->soon;
	uint32_t newest;

	if (!soon->rules)
		return;
	newest = soon->at = (soon->at + 1) % STATE_SOON;
	guess_keys(state, wire, newest);
	fetch_entries(soon, (newest + STATE_SOON - 1) % STATE_SOON);
	fetch_rest(soon, (newest + STATE_SOON - 2) % STATE_SOON);
	hint(soon, (newest + STATE_SOON - 3) % STATE_SOON);
}
