/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences. What has happened so far is a partial match; a key holds a few, the one that moved
 * last first. An event moves one of them on, and never the same one twice: the steps it may be are
 * tried from the last to the first, and `until` comes after them.
 *
 * A step that is counted in a sliding time (the first; all with any_order) keeps the times of its
 * matches, so that what is too old falls out one by one.
 */
#include "internal.h"

struct step_state {
	uint64_t time;	      /* of the last match */
	uint32_t count;	      /* matches */
	uint16_t first, held; /* of the times that are kept, a ring of step_config.room */
};

/* Behind it: a step_state for each step that must happen, the kept values, the rings of times. */
struct partial {
	struct partial *older;
	uint64_t first, last;
	uint64_t serial; /* of the event that moved it last */
	uint32_t events;
	uint16_t stage;		 /* the step that has matched last */
	bool done;		 /* only what must be absent is waited for */
	struct kept_event *kept; /* done: the event that completed it */
	struct step_state steps[];
};

struct waiting {
	struct partial *newest;
	uint64_t blocked_from, blocked; /* what must not come first has come: nothing begins then */
};

static const struct sequence_config *config_of(const struct state_rule *rule)
{
	return rule->config->sequence;
}

/* Texts among them are pieces of the slab. */
static struct value *values_of(const struct sequence_config *config, struct partial *partial)
{
	return (struct value *)(partial->steps + config->positive);
}

/* ---- sliding times ---------------------------------------- */

/* The times of a step in a partial match. */
struct times {
	struct step_state *state;
	uint64_t *at;
	uint32_t room; /* 0: it is not counted in a sliding time */
};

static struct times times_of(const struct step_config *step, struct partial *partial)
{
	return (struct times){ &partial->steps[step->number],
			       (uint64_t *)((char *)partial + step->times_at), step->room };
}

static uint32_t room_of(const struct sequence_config *config, const struct step_config *step)
{
	if (!step->repeats || (!config->any_order && step->number))
		return 0;
	return step->max ? step->max + 1 : step->min;
}

static uint64_t *time_at(const struct times *times, uint32_t number)
{
	uint32_t at = times->state->first + number;

	return &times->at[at >= times->room ? at - times->room : at];
}

static void forget_first(const struct times *times)
{
	times->state->first++;
	if (times->state->first == times->room)
		times->state->first = 0;
	times->state->held--;
}

static void times_forget(const struct times *times, uint64_t before)
{
	while (times->state->held && *time_at(times, 0) < before)
		forget_first(times);
}

/* In order, also what comes late. */
static void times_add(const struct times *times, uint64_t time)
{
	uint32_t at;

	if (times->state->held == times->room)
		forget_first(times);
	for (at = times->state->held++; at; at--) {
		uint64_t before = *time_at(times, at - 1);

		if (before <= time)
			break;
		*time_at(times, at) = before;
	}
	*time_at(times, at) = time;
}

/* ---- partial matches ---------------------------------------- */

static void sequence_prepare(struct state_rule *rule)
{
	const struct sequence_config *config = config_of(rule);
	uint32_t size = (uint32_t)(sizeof(struct partial) +
				   config->positive * sizeof(struct step_state) +
				   config->keep_count * sizeof(struct value));

	for (uint32_t i = 0; i < config->positive; i++) {
		config->order[i]->room = room_of(config, config->order[i]);
		config->order[i]->times_at = size;
		size += config->order[i]->room * (uint32_t)sizeof(uint64_t);
	}
	rule->partial_size = size;
	rule->partials = (uint32_t)rule->config->limits.partials;
	if (!rule->partials)
		rule->partials = 1;
	rule->keys.payload_size = sizeof(struct waiting);
}

static void partial_clear(struct state_rule *rule, struct partial *partial)
{
	const struct sequence_config *config = config_of(rule);

	for (uint32_t i = 0; i < config->keep_count; i++)
		value_drop(rule, &values_of(config, partial)[i]);
	kept_event_free(&rule->slab, partial->kept);
}

static void partial_free(struct state_rule *rule, struct partial *partial)
{
	partial_clear(rule, partial);
	slab_release(&rule->slab, partial, rule->partial_size);
}

static struct entry *entry_with(struct waiting *waiting)
{
	return (struct entry *)((char *)waiting - offsetof(struct entry, payload));
}

static struct partial *partial_begin(struct state_rule *rule, struct partial *partial,
				     uint64_t time)
{
	memset(partial, 0, rule->partial_size);
	partial->first = time;
	return partial;
}

/* NULL: there is no memory. */
static struct partial *partial_new(struct state_rule *rule, struct entry *entry, uint64_t time)
{
	struct partial *partial = rule_alloc(rule, entry, rule->partial_size);

	if (partial)
		return partial_begin(rule, partial, time);
	rule->stats.inexact++;
	return NULL;
}

static void link_partial(struct waiting *waiting, struct partial *partial)
{
	partial->older = waiting->newest;
	waiting->newest = partial;
}

static void unlink_partial(struct waiting *waiting, struct partial *partial)
{
	struct partial **link = &waiting->newest;

	while (*link != partial)
		link = &(*link)->older;
	*link = partial->older;
}

static void drop_partial(struct state_rule *rule, struct waiting *waiting, struct partial *partial)
{
	uint64_t before = rule->slab.used;

	unlink_partial(waiting, partial);
	partial_free(rule, partial);
	rule_book(rule, entry_with(waiting), before);
}

/* It is nobody's from now on, and freed in the end. */
static void take_partial(struct state_rule *rule, struct waiting *waiting, struct partial *partial)
{
	const struct sequence_config *config = config_of(rule);
	size_t bytes = slab_size(rule->partial_size);

	unlink_partial(waiting, partial);
	for (uint32_t i = 0; i < config->keep_count; i++)
		if (value_has_text(&values_of(config, partial)[i]))
			bytes += slab_size(values_of(config, partial)[i].len);
	if (partial->kept)
		bytes += slab_size(kept_event_size(partial->kept));
	keys_book(&rule->keys, entry_with(waiting), -(int64_t)bytes);
}

static void sequence_release(void *ctx, struct entry *entry)
{
	struct waiting *waiting = (struct waiting *)entry->payload;

	while (waiting->newest)
		drop_partial(ctx, waiting, waiting->newest);
}

/* ---- values that later conditions ask for ---------------------------------------- */

static void keep_values(struct state_rule *rule, struct entry *entry, struct partial *partial,
			const struct step_config *step, const struct state_input *input,
			const struct state_client *client)
{
	for (uint32_t i = 0; i < step->keep_count; i++) {
		const struct keep_config *keep = &step->keeps[i];
		struct value value = keep->program ? state_evaluate(keep->program, input->run)
						   : event_field_value(input->event, keep->field,
								       input->run->arena);

		if (value.tag == VALUE_ERROR) {
			client->fault(client->ctx, rule, step->name, value);
			value = value_null();
		}
		value_keep(rule, entry, value,
			   &values_of(config_of(rule), partial)[step->keep_first + i]);
	}
}

static bool sequence_read(const struct state_match *match, struct state_ref ref,
			  struct cel_run *run, struct value *out)
{
	const struct sequence_config *config = config_of(match->rule);
	struct partial *partial = (struct partial *)match->data; /* which is only read */
	const struct step_config *step = config->order[ref.step];
	const struct step_state *state = &partial->steps[ref.step];

	switch ((enum state_ref_kind)ref.kind) {
	case REF_STEP_TIME:
		if (state->count)
			*out = state_time_value(match, run, state->time);
		return true;
	case REF_STEP_COUNT: *out = value_int(state->count); return true;
	case REF_KEPT: /* the output may outlive the partial match */
		*out = value_show(values_of(config, partial)[step->keep_first + ref.index],
				  run->arena);
		return true;
	default: return false;
	}
}

/* ---- does it fit ---------------------------------------- */

static struct state_match match_of(const struct state_rule *rule, const struct partial *partial,
				   const struct event *event, const char *phase)
{
	return (struct state_match){
		.rule = rule,
		.event = event,
		.summary = { phase, partial->first, partial->last, partial->events,
			     rule_lost(rule, partial->first) },
		.data = partial,
	};
}

/* The step's conditions that refer to earlier ones. */
static bool conditions_hold(struct state_rule *rule, const struct partial *partial,
			    const struct step_config *step, const struct state_input *input,
			    const struct state_client *client)
{
	struct state_match match;
	bool hold = true;

	if (!step->condition_count)
		return true;
	match = match_of(rule, partial, input->event, "begun");
	client->show(client->ctx, input->run, &match);
	for (uint32_t i = 0; hold && i < step->condition_count; i++) {
		struct value value = state_evaluate(step->conditions[i], input->run);

		if (value.tag == VALUE_ERROR)
			client->fault(client->ctx, rule, step->name, value);
		hold = value.tag == VALUE_BOOL && value.b;
	}
	client->show(client->ctx, input->run, NULL);
	return hold;
}

/* In any order it has no beginning: matches fall out one by one. */
static bool is_over(const struct state_rule *rule, const struct partial *partial, uint64_t time)
{
	const struct sequence_config *config = config_of(rule);

	return !partial->done && !config->any_order && time > partial->first + config->within;
}

static bool in_time(const struct partial *partial, const struct step_config *step, uint64_t time)
{
	return time >= partial->last &&
	       (!step->within_previous || time - partial->last <= step->within_previous);
}

/* The first step, if it repeats, is counted in a sliding time: what is too old falls out. */
static void slide(const struct sequence_config *config, struct partial *partial, uint64_t time)
{
	struct times times = times_of(config->order[0], partial);

	if (!times.room || partial->stage || partial->done)
		return;
	times_forget(&times, time > config->within ? time - config->within : 0);
	times.state->count = partial->events = times.state->held;
	if (times.state->held)
		partial->first = *time_at(&times, 0);
}

static void drop_old(struct state_rule *rule, struct waiting *waiting, uint64_t time)
{
	time = MAX(time, rule_watermark(rule));
	if (waiting->blocked < rule_watermark(rule))
		waiting->blocked = 0;
	for (struct partial *partial = waiting->newest, *older; partial; partial = older) {
		older = partial->older;
		slide(config_of(rule), partial, time);
		/* A late event may still be of its time. */
		if (is_over(rule, partial, rule_watermark(rule)))
			drop_partial(rule, waiting, partial);
	}
}

/* ---- what must be absent at the end ---------------------------------------- */

/* Until when an event of this kind ends it. */
static uint64_t absent_until(const struct sequence_config *config, const struct step_config *absent,
			     const struct partial *partial)
{
	return absent->within_previous ? partial->last + absent->within_previous
				       : partial->first + config->within;
}

/* When it is certain that nothing came; 0: nothing need be absent at the end. */
static uint64_t certain_at(const struct sequence_config *config, const struct partial *partial)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < config->step_count; i++)
		if (config->steps[i].absent && config->steps[i].gap == config->positive)
			at = MAX(at, absent_until(config, &config->steps[i], partial));
	return at ? at + 1 : 0;
}

static void set_timer(struct state_rule *rule, struct entry *entry)
{
	const struct waiting *waiting = (const struct waiting *)entry->payload;
	uint64_t first = 0;

	for (const struct partial *p = waiting->newest; p; p = p->older) {
		uint64_t at = p->done ? certain_at(config_of(rule), p) : 0;

		if (at && (!first || at < first))
			first = at;
	}
	rule_timer(rule, entry, first);
}

/* ---- the entry ---------------------------------------- */

static struct entry *entry_of(struct state_rule *rule, struct digest key, uint32_t uid,
			      uint64_t time)
{
	struct entry *entry = keys_find(&rule->keys, key);

	return entry ? entry
		     : keys_add(&rule->keys, key, keys_owner_of(uid),
				time + config_of(rule)->within + 1);
}

/* After a change: until when it is of use; forgotten if it is of none. */
static void settle(struct state_rule *rule, struct entry *entry)
{
	const struct waiting *waiting = (const struct waiting *)entry->payload;
	uint64_t until = 0, within = config_of(rule)->within;

	if (!waiting->newest && !waiting->blocked) {
		keys_remove(&rule->keys, entry);
		return;
	}
	for (const struct partial *p = waiting->newest; p; p = p->older) {
		/* What slides is of use for as long as its last match is. */
		bool slides = config_of(rule)->any_order || !p->stage;

		until = MAX(until, slides ? p->last : p->first);
	}
	keys_touch(entry, MAX(until + within, waiting->blocked) + 1);
	if (config_of(rule)->has_trailing)
		set_timer(rule, entry);
}

/* ---- firing ---------------------------------------- */

/* The partial match, which is in no entry any more, is told and freed. */
static void tell(struct state_rule *rule, struct partial *partial, const char *phase,
		 const struct event *event, struct cel_run *run, const struct state_client *client)
{
	const struct sequence_config *config = config_of(rule);
	struct state_match match = match_of(rule, partial, event, phase);
	bool absence = config->step_count > config->positive;

	if (match.summary.lost && absence && !config->despite_loss) {
		rule->stats.withheld++;
	} else {
		client->fire(client->ctx, rule, run, &match);
	}
	partial_free(rule, partial);
}

static void sequence_ring(struct state_rule *rule, struct entry *entry,
			  const struct state_client *client)
{
	const struct sequence_config *config = config_of(rule);
	struct waiting *waiting = (struct waiting *)entry->payload;
	struct partial *due = waiting->newest;
	uint64_t at;
	struct event event;

	while (due && (!due->done || certain_at(config, due) > rule_watermark(rule)))
		due = due->older;
	if (due)
		take_partial(rule, waiting, due);
	settle(rule, entry);
	if (!due)
		return;
	at = certain_at(config, due) - 1;
	if (!due->kept) {
		partial_free(rule, due);
		return;
	}
	kept_event_show(rule, due->kept, client->stores, at, &event);
	tell(rule, due, "absent", &event, NULL, client);
}

/* Nobody knows whether what must be absent would have come. */
static void sequence_finish(struct state_rule *rule, struct entry *entry,
			    const struct state_client *client)
{
	(void)rule, (void)entry, (void)client;
}

static uint32_t count_done(const struct waiting *waiting)
{
	uint32_t count = 0;

	for (const struct partial *p = waiting->newest; p; p = p->older)
		count += p->done;
	return count;
}

/* All steps have matched. Nothing may use the entry afterwards. */
static void complete(struct state_rule *rule, struct entry *entry, struct partial *partial,
		     const struct state_input *input, const struct state_client *client)
{
	struct waiting *waiting = (struct waiting *)entry->payload;

	if (config_of(rule)->has_trailing) {
		if (count_done(waiting) >= rule->partials) {
			/* Those that wait already do not wait longer for it. */
			drop_partial(rule, waiting, partial);
			rule->stats.replaced++;
			settle(rule, entry);
			return;
		}
		partial->done = true;
		partial->kept = kept_event_new(rule, entry, input);
		rule->stats.inexact += !partial->kept;
		settle(rule, entry);
		return;
	}
	take_partial(rule, waiting, partial);
	settle(rule, entry);
	tell(rule, partial, "complete", input->event, input->run, client);
}

/* ---- moving on ---------------------------------------- */

/* The event is a match of the step. */
static void match_step(struct state_rule *rule, struct entry *entry, struct partial *partial,
		       const struct step_config *step, const struct state_input *input,
		       uint64_t time, const struct state_client *client)
{
	struct times times = times_of(step, partial);

	partial->last = MAX(partial->last, time);
	partial->serial = rule->state->serial;
	partial->stage = step->number;
	partial->events++;
	times.state->time = MAX(times.state->time, time);
	times.state->count++;
	if (times.room)
		times_add(&times, time);
	keep_values(rule, entry, partial, step, input, client);
}

/* At most so many wait at a step: those that have waited longest go. */
static void limit_partials(struct state_rule *rule, struct waiting *waiting,
			   const struct partial *moved)
{
	uint32_t count = 0;

	for (struct partial *p = waiting->newest, *older; p; p = older) {
		older = p->older;
		if (p->stage != moved->stage || p->done || ++count <= rule->partials)
			continue;
		drop_partial(rule, waiting, p);
		rule->stats.replaced++;
	}
}

/* The partial has moved: it is the newest now, and may be complete. */
static void moved(struct state_rule *rule, struct entry *entry, struct partial *partial,
		  const struct state_input *input, const struct state_client *client)
{
	const struct sequence_config *config = config_of(rule);
	struct waiting *waiting = (struct waiting *)entry->payload;
	uint16_t last = (uint16_t)(config->positive - 1);

	limit_partials(rule, waiting, partial);
	if (partial->stage == last && partial->steps[last].count >= config->order[last]->min)
		complete(rule, entry, partial, input, client);
	else
		settle(rule, entry);
}

static bool can_move(struct state_rule *rule, struct partial *partial,
		     const struct step_config *step, bool again, const struct state_input *input,
		     uint64_t time, const struct state_client *client)
{
	const struct sequence_config *config = config_of(rule);
	uint16_t number = step->number;
	bool fits = again ? partial->stage == number && step->repeats
			  : number && partial->stage + 1 == number &&
				    partial->steps[number - 1].count >=
					    config->order[number - 1]->min;

	return !partial->done && !is_over(rule, partial, time) && fits &&
	       partial->serial != rule->state->serial && in_time(partial, step, time) &&
	       conditions_hold(rule, partial, step, input, client);
}

/* The one that the event moves on: at best one that is at this step already. NULL: none. */
static struct partial *find_partial(struct state_rule *rule, const struct waiting *waiting,
				    const struct step_config *step, const struct state_input *input,
				    uint64_t time, const struct state_client *client)
{
	for (int again = 1; again >= 0; again--)
		for (struct partial *p = waiting->newest; p; p = p->older)
			if (can_move(rule, p, step, again, input, time, client))
				return p;
	return NULL;
}

/*
 * Of those that have only begun, the one that has waited longest if there are as many as may wait:
 * the next one takes its place. NULL: there is room.
 */
static struct partial *find_replaced(const struct state_rule *rule, const struct waiting *waiting)
{
	struct partial *oldest = NULL;
	uint32_t count = 0;

	for (struct partial *p = waiting->newest; p; p = p->older) {
		if (p->stage || p->done)
			continue;
		oldest = p;
		count++;
	}
	return count >= rule->partials ? oldest : NULL;
}

static struct partial *begin(struct state_rule *rule, struct entry *entry, uint64_t time)
{
	struct waiting *waiting = (struct waiting *)entry->payload;
	struct partial *replaced = find_replaced(rule, waiting);
	uint64_t before;

	if (!replaced)
		return partial_new(rule, entry, time);
	unlink_partial(waiting, replaced);
	before = rule->slab.used;
	partial_clear(rule, replaced);
	rule_book(rule, entry, before);
	rule->stats.replaced += !is_over(rule, replaced, time);
	return partial_begin(rule, replaced, time);
}

/* Something that waits for the step has moved on to later events already. */
static bool is_late(const struct waiting *waiting, const struct step_config *step, uint64_t time)
{
	for (const struct partial *p = waiting->newest; p; p = p->older)
		if (!p->done && time < p->last && p->stage >= step->number)
			return true;
	return false;
}

static void feed_step(struct state_rule *rule, struct entry *entry, const struct step_config *step,
		      const struct state_input *input, uint64_t time,
		      const struct state_client *client)
{
	const struct sequence_config *config = config_of(rule);
	struct waiting *waiting = (struct waiting *)entry->payload;
	struct partial *partial = find_partial(rule, waiting, step, input, time, client);

	if (!partial && !step->number &&
	    !(waiting->blocked && time >= waiting->blocked_from && time <= waiting->blocked))
		partial = begin(rule, entry, time);
	else if (partial)
		unlink_partial(waiting, partial);
	if (!partial) {
		if (is_late(waiting, step, time))
			rule->stats.late++;
		else if (step->number)
			held_add(rule, entry->key, input, time);
		settle(rule, entry);
		return;
	}
	link_partial(waiting, partial);
	match_step(rule, entry, partial, step, input, time, client);
	if (step->max && partial->steps[step->number].count > step->max) {
		drop_partial(rule, waiting, partial); /* it happens too often */
		settle(rule, entry);
		return;
	}
	held_wake(rule, entry->key, time);
	slide(config, partial, time);
	moved(rule, entry, partial, input, client);
}

static void feed_absent(struct state_rule *rule, struct entry *entry,
			const struct step_config *step, const struct state_input *input,
			uint64_t time, const struct state_client *client)
{
	const struct sequence_config *config = config_of(rule);
	struct waiting *waiting = (struct waiting *)entry->payload;
	uint16_t before = (uint16_t)(step->gap - 1);

	if (!step->gap)
		waiting->blocked_from = waiting->blocked ? MIN(waiting->blocked_from, time) : time;
	if (!step->gap)
		waiting->blocked = MAX(
			waiting->blocked,
			time + (step->within_previous ? step->within_previous : config->within));
	for (struct partial *p = waiting->newest, *older; step->gap && p; p = older) {
		older = p->older;
		if (p->stage != before || p->steps[before].count < config->order[before]->min ||
		    p->serial == rule->state->serial || time < p->last || is_over(rule, p, time) ||
		    (p->done && time > absent_until(config, step, p)) ||
		    !conditions_hold(rule, p, step, input, client))
			continue;
		drop_partial(rule, waiting, p);
	}
	settle(rule, entry);
}

static void feed_until(struct state_rule *rule, struct entry *entry, const struct step_config *step,
		       const struct state_input *input, uint64_t time,
		       const struct state_client *client)
{
	struct waiting *waiting = (struct waiting *)entry->payload;

	for (struct partial *p = waiting->newest, *older; p; p = older) {
		older = p->older;
		if (p->serial != rule->state->serial && time >= p->last &&
		    !is_over(rule, p, time) && conditions_hold(rule, p, step, input, client))
			drop_partial(rule, waiting, p);
	}
	settle(rule, entry);
}

/* ---- any order ---------------------------------------- */

static bool all_matched(const struct sequence_config *config, struct partial *partial,
			uint64_t time)
{
	uint64_t since = time > config->within ? time - config->within : 0;
	bool all = true;

	partial->first = time;
	partial->events = 0;
	for (uint32_t i = 0; i < config->positive; i++) {
		struct times times = times_of(config->order[i], partial);
		struct step_state *state = times.state;

		if (times.room) {
			times_forget(&times, since);
			state->count = state->held;
		} else if (state->time < since) {
			state->count = 0;
		} else {
			state->count = MIN(state->count, 1u);
		}
		all &= state->count >= config->order[i]->min;
		if (!state->count)
			continue;
		partial->events += state->count;
		partial->first = MIN(partial->first,
				     times.room ? *time_at(&times, 0) : state->time);
	}
	return all;
}

static void feed_any(struct state_rule *rule, struct entry *entry, const struct step_config *step,
		     const struct state_input *input, uint64_t time,
		     const struct state_client *client)
{
	const struct sequence_config *config = config_of(rule);
	struct waiting *waiting = (struct waiting *)entry->payload;
	struct partial *partial = waiting->newest;

	if (!partial) {
		partial = partial_new(rule, entry, time);
		if (partial)
			link_partial(waiting, partial);
	}
	if (!partial) {
		settle(rule, entry);
		return;
	}
	match_step(rule, entry, partial, step, input, time, client);
	if (all_matched(config, partial, partial->last))
		complete(rule, entry, partial, input, client);
	else
		settle(rule, entry);
}

/* ---- the whole ---------------------------------------- */

static void sequence_feed(struct state_rule *rule, const struct state_input *input, uint64_t time,
			  const struct state_client *client)
{
	const struct sequence_config *config = config_of(rule);
	const struct step_config *step = &config->steps[input->step];
	bool until = input->step == config->step_count;
	bool begins = !until && (config->any_order || (step->absent ? !step->gap : !step->number));
	struct entry *entry;
	struct digest key;

	if (!state_key(rule, &step->by, input, client, &key))
		return;
	entry = begins ? entry_of(rule, key, input->event->wire->uid, time)
		       : keys_find(&rule->keys, key);
	if (!entry) {
		held_add(rule, key, input, time);
		return;
	}
	if (!config->any_order)
		drop_old(rule, (struct waiting *)entry->payload, time);
	if (!config->any_order && (until || (step->absent && step->gap)))
		held_add(rule, key, input, time);
	if (until)
		feed_until(rule, entry, step, input, time, client);
	else if (config->any_order)
		feed_any(rule, entry, step, input, time, client);
	else if (step->absent)
		feed_absent(rule, entry, step, input, time, client);
	else
		feed_step(rule, entry, step, input, time, client);
}

static void sequence_soon(const struct state_rule *rule, const struct entry *entry)
{
	enum { FETCHED = 256 };
	const struct partial *newest = ((const struct waiting *)entry->payload)->newest;

	if (newest)
		fetch_ahead(newest, MIN(rule->partial_size, (uint32_t)FETCHED));
}

const struct state_ops sequence_ops = {
	.prepare = sequence_prepare,
	.soon = sequence_soon,
	.feed = sequence_feed,
	.ring = sequence_ring,
	.finish = sequence_finish,
	.release = sequence_release,
	.read = sequence_read,
};
