/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running an event through the ruleset: index, filters, conditions, outputs, produced event;
 * then the produced event in turn, to DETECT_DEPTH_MAX levels.
 *
 * Nothing here allocates but from the batch arena, compares strings or takes a lock. A
 * field is decoded when the first expression asks for it, once per event.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "event/object.h"
#include "parts.h"
#include "run.h"
#include "store.h"

/* ---- errors ---------------------------------------------------------------------------- */

static const struct value no_memory = { .tag = VALUE_ERROR,
					.str = "out of memory for this event",
					.len = 28 };

void fault_note(struct ruleset *ruleset, struct detector *d, struct value error, const char *format,
		...)
{
	struct str text = error.tag == VALUE_ERROR ? (struct str){ error.str, error.len }
						   : STR("it has no value of its type");
	size_t len = sizeof(d->fault);
	va_list args;
	int used;

	d->errors++;
	if (d->fault[0])
		return;
	va_start(args, format);
	used = vsnprintf(d->fault, len, format, args);
	va_end(args);
	if (used >= 0 && (size_t)used < len)
		snprintf(d->fault + used, len - (size_t)used, ": %.*s", (int)text.len, text.data);
	ruleset->faults++;
}

static void condition_fault(struct ruleset *ruleset, struct detector *d,
			    struct condition *condition, struct cel_run *run)
{
	condition->errors++;
	if (d->fault[0])
		d->errors++;
	else /* the index does not say why */
		fault_note(ruleset, d, cel_eval(condition->program, run), "condition %u (line %u)",
			   condition->number, condition->line);
}

/* ---- outputs -------------------------------------------------------------------------- */

static struct value text_of(struct value value, struct arena *arena)
{
	char scratch[32];
	struct str text = filter_render(value, scratch, arena);
	struct str kept = text.data == scratch ? arena_str(arena, text.data, text.len) : text;

	return kept.data ? value_str(kept) : value_null();
}

/* The integer fits the type; *out in the type's own signedness. */
static bool to_integer(struct value value, uint8_t type, struct value *out)
{
	bool negative = value.tag == VALUE_INT && value.i < 0;

	if (value.tag != VALUE_INT && value.tag != VALUE_UINT)
		return false;
	switch (type) {
	case FIELD_i32:
		if (negative ? value.i < INT32_MIN : value.u > INT32_MAX)
			return false;
		break;
	case FIELD_i64:
		if (!negative && value.u > INT64_MAX)
			return false;
		break;
	case FIELD_u32:
		if (negative || value.u > UINT32_MAX)
			return false;
		break;
	default:
		if (negative)
			return false;
	}
	*out = type == FIELD_i32 || type == FIELD_i64 ? value_int(value.i) : value_uint(value.u);
	return true;
}

/* As Tracee prints a result whatever was declared. */
static uint8_t natural_type(struct value value, bool compat)
{
	switch (value.tag) {
	case VALUE_TYPE:
	case VALUE_STRING: return FIELD_str;
	case VALUE_BOOL: return FIELD_bool;
	case VALUE_BYTES: return FIELD_bytes;
	case VALUE_INT:
		if (value.i >= INT32_MIN && value.i <= INT32_MAX)
			return FIELD_i32;
		return compat ? FIELD_none : FIELD_i64;
	case VALUE_UINT: return value.u <= UINT32_MAX ? FIELD_u32 : FIELD_u64;
	case VALUE_DOUBLE: return compat ? FIELD_none : FIELD_timespec;
	case VALUE_LIST: return compat ? FIELD_none : FIELD_strs;
	case VALUE_MAP: /* an input's field that is an object stays one */
		return !compat && field_is_object(value.kind) ? value.kind : FIELD_none;
	default: return FIELD_none;
	}
}

static bool to_strings(struct value value, struct arena *arena, struct value *out)
{
	uint32_t count = value.tag == VALUE_LIST ? value.list->count : 0;
	struct value_list *list;

	if (value.tag != VALUE_LIST)
		return false;
	list = arena_alloc(arena, sizeof(*list) + count * sizeof(struct value));
	if (!list)
		return false;
	list->count = count;
	for (uint32_t i = 0; i < count; i++) {
		list->items[i] = text_of(value.list->items[i], arena);
		if (list->items[i].tag == VALUE_NULL)
			return false;
	}
	*out = (struct value){ .tag = VALUE_LIST, .len = count, .list = list };
	return true;
}

static bool is_simple(struct value value)
{
	return value.tag == VALUE_STRING || value.tag == VALUE_INT || value.tag == VALUE_UINT ||
	       value.tag == VALUE_BOOL || value.tag == VALUE_DOUBLE;
}

/* Turns an expression's result into the declared type. */
static bool coerce(struct value value, uint8_t type, struct arena *arena, struct value *out)
{
	switch (type) {
	case FIELD_str:
		*out = value.tag == VALUE_STRING ? value
		       : value.tag == VALUE_TYPE ? value_string(value.str, value.len)
		       : is_simple(value)	 ? text_of(value, arena)
						 : value_null();
		return out->tag == VALUE_STRING;
	case FIELD_bool: *out = value; return value.tag == VALUE_BOOL;
	case FIELD_bytes:
		*out = value_bytes(value.str, value.len);
		return value.tag == VALUE_BYTES || value.tag == VALUE_STRING;
	case FIELD_timespec:
		*out = value.tag == VALUE_INT	 ? value_double((double)value.i)
		       : value.tag == VALUE_UINT ? value_double((double)value.u)
						 : value;
		return out->tag == VALUE_DOUBLE;
	case FIELD_strs: return to_strings(value, arena, out);
	default:
		if (!field_is_object(type))
			return to_integer(value, type, out);
		*out = value;
		return value.tag == VALUE_MAP;
	}
}

/* On failure *out is the error, or null. */
static bool output_value(const struct chain *chain, const struct detector *d,
			 const struct output_field *output, struct cel_run *run, struct value *out)
{
	uint8_t type = output->type;
	struct value value, done;

	run->budget = CEL_BUDGET;
	value = *out = cel_eval(output->program, run);
	if (value.tag == VALUE_ERROR || value.tag == VALUE_NULL)
		return false;
	if (d->compat || type == FIELD_none)
		type = natural_type(value, d->compat);
	if (type == FIELD_none || !coerce(value, type, chain->arena, &done))
		return false;
	done.kind = type;
	*out = done;
	return true;
}

/* All output values, or NULL if a required one has none: then there is no detection. */
static struct value *output_values(const struct chain *chain, struct detector *d,
				   struct cel_run *run)
{
	struct value *values = arena_array(chain->arena, struct value, d->def.field_count + 1);

	if (!values)
		fault_note(chain->ruleset, d, no_memory, "output");
	for (uint32_t i = 0; values && i < d->output_count; i++) {
		if (output_value(chain, d, &d->outputs[i], run, &values[i]))
			continue;
		if (!d->outputs[i].optional) {
			fault_note(chain->ruleset, d, values[i], "output field '%s'",
				   d->def.fields[i].name);
			return NULL;
		}
		values[i] = value_null();
	}
	return values;
}

/* ---- conditions ------------------------------------------------------------------------ */

static bool condition_holds(struct ruleset *ruleset, struct detector *d,
			    struct condition *condition, struct cel_run *run)
{
	struct value value;

	if (condition->parts)
		parts_note(condition->parts, run);
	run->budget = CEL_BUDGET;
	value = cel_eval(condition->program, run);
	if (value.tag == VALUE_ERROR) {
		condition_fault(ruleset, d, condition, run);
		return false;
	}
	if (value.tag != VALUE_BOOL || !value.b) {
		condition->misses++;
		return false;
	}
	condition->hits++;
	return true;
}

static bool all_hold(struct ruleset *ruleset, const struct subscription *s, struct cel_run *run)
{
	for (uint32_t i = 0; i < s->condition_count; i++)
		if (!condition_holds(ruleset, s->detector, s->conditions[i], run))
			return false;
	return true;
}

/* The same of a detector that the index found. */
static bool rest_holds(struct ruleset *ruleset, const struct subscription *s, struct cel_run *run,
		       struct cel_match *match, uint32_t rule)
{
	uint32_t at;
	enum cel_verdict verdict = cel_match_holds(match, rule, &at);

	for (uint32_t i = 0; i < at; i++)
		s->conditions[i]->hits++;
	if (verdict == CEL_TRUE)
		return true;
	if (verdict == CEL_FAULT)
		condition_fault(ruleset, s->detector, s->conditions[at], run);
	else
		s->conditions[at]->misses++;
	return false;
}

/* ---- events ----------------------------------------------------------------------------- */

/* Tracee adds ancestors only where not even the parent is there, which no live event is. */
static bool adds_ancestry(const struct detector *d, const struct event *input)
{
	return d->ancestry && !(d->compat && event_has_parent(input));
}

static struct event *make_event(const struct chain *chain, const struct detector *d,
				const struct event *input, const struct value *values,
				uint32_t repeat)
{
	struct event *event = arena_alloc(chain->arena, sizeof(*event));

	if (!event)
		return NULL;
	*event = *input;
	event->def = &d->def;
	event->values = values;
	event->detected_from = input;
	event->rule = d->id;
	event->repeat = repeat;
	event->threat = d->populate_threat ? d->threat : NULL;
	event->print_detected_from = d->detected_from;
	/* The workload is the input's: what a producer added stays. */
	event->print_ancestry = input->print_ancestry || adds_ancestry(d, input);
	event->policies = NULL;
	event->policy_count = 0;
	return event;
}

static void run_level(struct chain *chain, const struct event *event, uint32_t level);

/* One detection, unless an output that is required has no value. */
static void fire_one(struct chain *chain, struct detector *d, const struct event *event,
		     struct cel_run *run, uint32_t level, const struct event_state *state)
{
	struct fired *fired = chain->fired;
	const struct value *values;
	struct event *made;

	fired->repeat = fired->last == d ? fired->repeat + 1 : 0;
	fired->last = d;
	values = output_values(chain, d, run);
	if (!values)
		return;
	made = make_event(chain, d, event, values, fired->repeat);
	if (!made) {
		fault_note(chain->ruleset, d, no_memory, "output");
		return;
	}
	made->state = state;
	if (chain->made >= DETECT_OUTPUTS_MAX) {
		chain->ruleset->outputs_refused++;
		return;
	}
	chain->made++;
	d->fired++;
	chain->sink(chain->ctx, made);
	if (level + 1 < DETECT_DEPTH_MAX)
		run_level(chain, made, level + 1);
}

/* False: it does not fire after all, or makes no event. */
static bool leaves_behind(struct chain *chain, struct detector *d, const struct event *event,
			  struct cel_run *run, uint32_t level)
{
	struct remembering remembering = { chain, level, NULL };
	struct state_client client = client_of(&remembering);
	struct state_input input = { .event = event, .run = run };

	if (!effects_take(chain, d, &input, &client))
		return false;
	d->fired += d->effects->silent;
	return !d->effects->silent;
}

void detector_fire(struct chain *chain, struct detector *d, const struct event *event,
		   struct cel_run *run, uint32_t level, const struct event_state *state)
{
	struct detect_run *detect = (struct detect_run *)run;
	struct value list;

	for (uint32_t i = d->early; i < d->condition_count; i++)
		if (!condition_holds(chain->ruleset, d, &d->conditions[i], run))
			return;
	if (d->effects && !leaves_behind(chain, d, event, run, level))
		return;
	if (!d->for_each) {
		fire_one(chain, d, event, run, level, state);
		return;
	}
	run->budget = CEL_BUDGET;
	list = cel_eval(d->for_each, run);
	if (list.tag != VALUE_LIST) {
		fault_note(chain->ruleset, d, list, "output.for_each");
		return;
	}
	for (uint32_t i = 0; i < list.len; i++) {
		if (chain->made >= DETECT_OUTPUTS_MAX) {
			chain->ruleset->outputs_refused += list.len - i;
			break;
		}
		detect->item = list.list->items[i];
		fire_one(chain, d, event, run, level, state);
	}
	detect->item = value_null();
}

static bool passes(const struct subscription *s, const struct event *event, struct arena *arena)
{
	if (s->filters && !filters_match(s->filters, event, arena))
		return false;
	s->detector->evaluated++;
	return true;
}

static void hit(struct chain *chain, const struct subscription *s, const struct event *event,
		struct cel_run *run, uint32_t level)
{
	struct state_input input = { .event = event, .run = run };

	if (s->detector->effects && !effects_descend(chain, s->detector->effects, &input))
		return;
	if (s->detector->memory)
		detector_remember(chain, s, event, run, level);
	else
		detector_fire(chain, s->detector, event, run, level, NULL);
}

static void run_plain(struct chain *chain, const struct listeners *l, const struct event *event,
		      struct cel_run *run, uint32_t level)
{
	for (uint32_t i = 0; i < l->count; i++) {
		struct input *input = &l->items[i].detector->inputs[l->items[i].input];
		bool passed = passes(&l->items[i], event, chain->arena);

		input->passed |= passed;
		input->stopped |= !passed;
		if (passed && all_hold(chain->ruleset, &l->items[i], run))
			hit(chain, &l->items[i], event, run, level);
	}
}

static void run_indexed(struct chain *chain, const struct listeners *l, const struct event *event,
			struct cel_run *run, uint32_t level)
{
	struct cel_match *match = chain->ruleset->matches[level];
	uint32_t i;

	cel_match_start(match, l->index, run);
	while (cel_match_next(match, &i))
		if (passes(&l->items[i], event, chain->arena) &&
		    rest_holds(chain->ruleset, &l->items[i], run, match, i))
			hit(chain, &l->items[i], event, run, level);
}

static struct state_rule *fact_memory(void *ctx, uint32_t index)
{
	const struct ruleset *ruleset = ctx;

	return ruleset->facts[index]->rules[ruleset->plain];
}

void run_prepare(struct chain *chain, const struct event *event, uint32_t level,
		 struct detect_run *out)
{
	struct ruleset *ruleset = chain->ruleset;

	*out = (struct detect_run){
		.cel = { .object = event,
			 .user = (void *)chain->stores,
			 .arena = chain->arena,
			 .slots = ruleset->values[level],
			 .known = ruleset->known[level],
			 .load = environment_load },
		.event = event,
		.fields = ruleset->by_event[event->def->id]->fields,
		.refs = ruleset->refs,
		.fact = fact_memory,
		.fact_ctx = ruleset,
	};
	memset(out->cel.known, 0, (ruleset->slot_count / 64 + 1) * sizeof(uint64_t));
}

static void run_level(struct chain *chain, const struct event *event, uint32_t level)
{
	struct ruleset *ruleset = chain->ruleset;
	const struct listeners *l = event->def->id < ruleset->event_limit
					    ? ruleset->by_event[event->def->id]
					    : NULL;
	struct fired fired = { 0 }, *above = chain->fired;
	struct detect_run run;

	/* Another definition: a recorded detection, where a loaded detector makes the event. */
	if (!l || l->def != event->def)
		return;
	run_prepare(chain, event, level, &run);
	chain->fired = &fired;
	if (ruleset->plain)
		run_plain(chain, l, event, &run.cel, level);
	else
		run_indexed(chain, l, event, &run.cel, level);
	chain->fired = above;
}

uint32_t ruleset_run(struct ruleset *ruleset, const struct event *event,
		     const struct stores *stores, struct arena *arena, detect_sink sink, void *ctx)
{
	struct chain chain = {
		.ruleset = ruleset, .stores = stores, .arena = arena, .sink = sink, .ctx = ctx
	};

	if (ruleset->states[0])
		chain_advance(&chain, event);
	run_level(&chain, event, 0);
	if (ruleset->states[0])
		chain_settle(&chain, event);
	return chain.made;
}
