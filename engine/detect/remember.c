/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detectors with memory at run time: what engine/state wants to know is told, and when it fires,
 * so does the detector: with the event at hand, or with one that was kept when time is up.
 */
#include "parts.h"
#include "run.h"

static void forget_slots(const struct memory *memory, struct cel_run *run)
{
	for (uint32_t i = 0; i < memory->slot_count; i++)
		run->known[memory->slots[i] / 64] &= ~(1ULL << (memory->slots[i] % 64));
}

/* As the sequence is about to ask them. */
static void late_note(struct memory_step *step, struct cel_run *run)
{
	for (uint32_t i = 0; i < step->late_count; i++) {
		struct condition *c = &step->late[i];
		struct value value;

		if (c->parts)
			parts_note(c->parts, run);
		value = state_evaluate(c->program, run);
		c->hits += value.tag == VALUE_BOOL && value.b;
		c->misses += value.tag == VALUE_BOOL && !value.b;
		if (value.tag != VALUE_BOOL || !value.b)
			return;
	}
}

static void show(void *ctx, struct cel_run *run, const struct state_match *match)
{
	const struct remembering *remembering = ctx;
	struct detect_run *detect = (struct detect_run *)run;
	const struct state_match *before = detect->match;
	const struct state_rule *rule = match ? match->rule : before ? before->rule : NULL;

	detect->match = match;
	if (rule)
		forget_slots(((struct detector *)state_rule_owner(rule))->memory, run);
	if (match && remembering->step && remembering->step->late_count)
		late_note(remembering->step, run);
}

static void fire(void *ctx, struct state_rule *rule, struct cel_run *run,
		 const struct state_match *match)
{
	struct remembering *remembering = ctx;
	struct chain *chain = remembering->chain;
	struct detector *d = state_rule_owner(rule);
	struct event_state *state = arena_new(chain->arena, struct event_state);
	struct event *event = arena_new(chain->arena, struct event);
	struct fired fired = { 0 }, *above = chain->fired;
	struct memory_step *step = remembering->step;
	struct detect_run timed;

	if (!state || !event)
		return;
	*state = match->summary;
	*event = *match->event;
	if (!run) {
		run_prepare(chain, event, remembering->level, &timed);
		run = &timed.cel;
		chain->fired = &fired;
	}
	remembering->step = NULL; /* no condition of a step is asked any more */
	show(ctx, run, match);
	detector_fire(chain, d, event, run, remembering->level, state);
	show(ctx, run, NULL);
	remembering->step = step;
	chain->fired = above;
}

/* NULL: the detector has no sequence. */
static struct memory_step *step_at(const struct detector *d, uint32_t number)
{
	return d->memory->step_count ? &d->memory->steps[number] : NULL;
}

static void again(void *ctx, struct state_rule *rule, struct state_input *input)
{
	struct remembering remembering = *(struct remembering *)ctx;
	struct chain *chain = remembering.chain;
	struct fired fired = { 0 }, *above = chain->fired;
	struct state_client client = client_of(&remembering);
	struct detect_run run;

	remembering.step = step_at(state_rule_owner(rule), input->step);
	run_prepare(chain, input->event, remembering.level, &run);
	input->run = &run.cel;
	chain->fired = &fired;
	state_feed(rule, input, &client);
	chain->fired = above;
}

static void fault(void *ctx, struct state_rule *rule, const char *what, struct value error)
{
	struct remembering *remembering = ctx;

	fault_note(remembering->chain->ruleset, state_rule_owner(rule), error, "%s", what);
}

struct state_client client_of(struct remembering *remembering)
{
	return (struct state_client){ .ctx = remembering,
				      .show = show,
				      .fire = fire,
				      .again = again,
				      .fault = fault,
				      .stores = remembering->chain->stores };
}

void detector_remember(struct chain *chain, const struct subscription *s, const struct event *event,
		       struct cel_run *run, uint32_t level)
{
	struct remembering remembering = { chain, level, step_at(s->detector, s->step) };
	struct state_client client = client_of(&remembering);
	struct state_input input = {
		.event = event, .run = run, .input = s->input, .step = s->step
	};

	if (remembering.step)
		remembering.step->came = true;
	state_feed(s->detector->memory->rules[chain->ruleset->plain], &input, &client);
}

/* ---- time -------------------------------------------------------------------------------- */

static struct str text_field(const struct wire_header *wire, struct wire_ref ref)
{
	return (struct str){ (const char *)wire + ref.offset, ref.len };
}

static void note_loss(struct state *state, const struct wire_header *wire)
{
	const struct ev_events_lost *lost = (const void *)(wire + 1);
	const struct event_def *def = NULL;

	if (!(wire->present & FIELD_BIT(events_lost, lost)))
		return;
	if (wire->present & FIELD_BIT(events_lost, lost_event))
		def = event_by_name(text_field(wire, lost->lost_event));
	state_lost(state, wire->time, def ? def->id : 0, lost->lost);
}

/* A thread is no process. */
static void note_fork(struct state *state, const struct wire_header *wire)
{
	const struct ev_sched_process_fork *fork = (const void *)(wire + 1);

	if (fork->child_tid == fork->child_pid)
		state_fork(state, (uint32_t)fork->parent_process_pid,
			   fork->parent_process_start_time, (uint32_t)fork->child_pid,
			   fork->start_time);
}

void chain_settle(struct chain *chain, const struct event *event)
{
	const struct wire_header *wire = event->wire;
	const struct ev_sched_process_exit *ended = (const void *)(wire + 1);
	struct state *state = chain->ruleset->states[chain->ruleset->plain];

	/* After the rules: the child gets what they said of its parent for making it. */
	if (event->def->id == EV_sched_process_fork)
		note_fork(state, wire);
	if (event->def->id == EV_sched_process_exit && ended->process_group_exit)
		state_exit(state, wire->pid, wire->leader_start_time);
}

void ruleset_soon(struct ruleset *ruleset, const struct wire_header *record)
{
	if (ruleset->states[0])
		state_soon(ruleset->states[ruleset->plain], record);
}

void chain_advance(struct chain *chain, const struct event *event)
{
	struct remembering remembering = { chain, 0, NULL };
	struct state_client client = client_of(&remembering);
	struct state *state = chain->ruleset->states[chain->ruleset->plain];

	if (event->def->id == EV_events_lost)
		note_loss(state, event->wire);
	state_advance(state, event->wire->time, &client);
}

uint32_t ruleset_advance(struct ruleset *ruleset, uint64_t now, const struct stores *stores,
			 struct arena *arena, detect_sink sink, void *ctx)
{
	struct chain chain = {
		.ruleset = ruleset, .stores = stores, .arena = arena, .sink = sink, .ctx = ctx
	};
	struct remembering remembering = { &chain, 0, NULL };
	struct state_client client = client_of(&remembering);

	if (ruleset->states[0])
		state_advance(ruleset->states[ruleset->plain], now, &client);
	return chain.made;
}

uint32_t ruleset_finish(struct ruleset *ruleset, const struct stores *stores, struct arena *arena,
			detect_sink sink, void *ctx)
{
	struct chain chain = {
		.ruleset = ruleset, .stores = stores, .arena = arena, .sink = sink, .ctx = ctx
	};
	struct remembering remembering = { &chain, 0, NULL };
	struct state_client client = client_of(&remembering);

	if (ruleset->states[0])
		state_finish(ruleset->states[ruleset->plain], &client);
	return chain.made;
}
