/* SPDX-License-Identifier: Apache-2.0 */
/* Loading `sequence`: its steps, what they refer to of each other, and what is kept for that. */
#include <errno.h>

#include "base/suggest.h"
#include "load_memory.h"
#include "parts.h"

enum { KEEPS_MAX = 64, ROOM_MAX = 2048, NO_INPUT = INPUTS_MAX };

/* ---- prepare: steps and their names ---------------------------------------- */

static const struct step_text *step_text_at(const struct sequence_text *text, uint32_t number)
{
	const struct step_text *steps = text->steps.items;

	return number < text->steps.count ? &steps[number] : &text->until;
}

/* NULL: that event is not there, which has been told. */
static const struct event_def *event_of_step(const struct detector *d,
					     const struct memory_step *step)
{
	return step->input < d->input_count ? d->inputs[step->input].def : NULL;
}

/* Of an event that is asked for and left out: why has been told. */
static void step_left_out(struct report *report, const struct pending *pending,
			  const struct step_text *text, const char *event)
{
	if (!pending->broken && !pending->detector->skipped)
		report_error(report, text->event ? text->event : text->node, "unknown-event", NULL,
			     "no step can be about '%s': it is left out", event);
}

static void step_not_asked_for(struct report *report, const struct pending *pending,
			       const struct step_text *text)
{
	const struct maps *inputs = &pending->text->requirements.events;
	const struct input_text *items = inputs->items;
	struct err err = { .level = ERR_ERROR, .rule = "unknown-event" };
	struct suggest suggest;

	suggest_start(&suggest, text->event->text);
	for (uint32_t i = 0; i < inputs->count; i++) {
		if (str_equal(text->event->text, items[i].name->text)) {
			step_left_out(report, pending, text, text->event->text.data);
			return;
		}
		suggest_try(&suggest, items[i].name->text);
	}
	err_set(&err, -EINVAL, "'%s' is not among requirements.events", text->event->text.data);
	if (suggest.best.data)
		err_hint(&err, "did you mean '%s'?", suggest.best.data);
	report_add(report, text->event, &err);
}

/* The input that a step is about; it need not be named if there is only one. */
static uint8_t find_input(struct report *report, const struct pending *pending,
			  const struct step_text *text)
{
	const struct maps *inputs = &pending->text->requirements.events;
	const struct input_text *items = inputs->items;
	const struct detector *d = pending->detector;

	if (!text->event && inputs->count == 1 && d->input_count == 1)
		return 0;
	for (uint32_t i = 0; text->event && i < d->input_count; i++)
		if (str_equal(text->event->text, str_of(d->inputs[i].def->name)))
			return (uint8_t)i;
	if (text->event)
		step_not_asked_for(report, pending, text);
	else if (inputs->count == 1)
		step_left_out(report, pending, text, items[0].name->text.data);
	else
		report_error(report, text->node, "missing-key", "event: NAME",
			     "the detector reads several events: of which one is this?");
	return NO_INPUT;
}

static void read_repeat(struct report *report, const struct repeat_text *text,
			struct step_config *step)
{
	step->min = 1;
	if (!text->node)
		return;
	step->repeats = true;
	if (text->min)
		step->min = (uint32_t)memory_read_size(report, text->min, 1, STATE_REPEAT_MAX);
	if (text->max)
		step->max = (uint32_t)memory_read_size(report, text->max, 1, STATE_REPEAT_MAX);
	if (step->max && step->max < step->min)
		report_error(report, text->max, "value", NULL, "max is less than min");
}

static void prepare_step(struct loader *loader, struct report *report, struct memory *memory,
			 const struct step_text *text, struct step_config *step)
{
	struct str name = schema_text(text->as);

	step->absent = text->absent;
	step->within_previous = memory_read_duration(text->within_previous);
	step->name = name.len ? arena_str(&loader->ruleset->arena, name.data, name.len).data
			      : "step";
	step->keeps = arena_array(&loader->ruleset->arena, struct keep_config, KEEPS_MAX);
	read_repeat(report, &text->repeat, step);
	if (!name.len)
		return;
	if (text->absent)
		report_error(report, text->as, "value", "what is absent has no fields",
			     "'as' is for steps that happen");
	/* Reserves the name itself; what is asked for are its parts. */
	memory_own_name(loader, report, memory, text->as, name,
			(struct state_ref){ REF_STEP_COUNT, step->number, 0 }, "int");
}

/* Numbers the steps that must happen, and says between which of them the absent ones stand. */
static void number_steps(struct sequence_config *config, const struct sequence_text *text)
{
	for (uint32_t i = 0; i < config->step_count; i++) {
		struct step_config *step = &config->steps[i];

		step->gap = config->positive;
		if (step_text_at(text, i)->absent)
			continue;
		step->number = config->positive;
		config->order[config->positive++] = step;
	}
}

static void check_absent(struct report *report, const struct step_text *text,
			 const struct step_config *step, struct sequence_config *config)
{
	if (config->any_order)
		report_error(report, text->node, "value", NULL,
			     "nothing can be absent between steps in any order");
	if (text->repeat.node)
		report_error(report, text->repeat.node, "value", NULL,
			     "what is absent is not repeated");
	if (text->keep)
		report_error(report, text->keep, "value", NULL,
			     "nothing can be kept of what is absent");
	if (step->gap == config->positive)
		config->has_trailing = true;
}

static void check_step(struct report *report, const struct step_text *text,
		       const struct step_config *step, const struct sequence_config *config)
{
	bool last = step->number + 1 == config->positive;

	if (step->within_previous && (config->any_order || !step->number) && !step->repeats)
		report_error(report, text->within_previous, "value", NULL,
			     config->any_order ? "there is no previous step in any order"
					       : "there is no step before the first");
	if (step->max && (last || config->any_order))
		report_error(report, text->repeat.max, "value",
			     "it fires at its min-th match; what comes later is not waited for",
			     "'max' has no meaning for %s",
			     last ? "the last step" : "steps in any order");
}

static void check_steps(struct report *report, const struct sequence_text *text,
			struct sequence_config *config)
{
	uint32_t room = 0;

	for (uint32_t i = 0; i < config->step_count; i++) {
		const struct step_config *step = &config->steps[i];

		if (step->absent)
			check_absent(report, step_text_at(text, i), step, config);
		else
			check_step(report, step_text_at(text, i), step, config);
		if (!step->absent && (config->any_order || !step->number))
			room += step->max ? step->max + 1 : step->min;
	}
	if (room > ROOM_MAX)
		report_error(report, text->steps.node, "limit", NULL,
			     "all repetitions together are at most %d", ROOM_MAX);
	if (!config->positive)
		report_error(report, text->steps.node, "value", "add a step that happens",
			     "a sequence of what is absent never begins");
	else if (config->positive == 1 && config->step_count == 1)
		report_error(report, text->steps.node, "value", "use threshold to count one event",
			     "a sequence needs two steps");
}

static struct sequence_config *new_config(struct loader *loader, const struct sequence_text *text)
{
	struct arena *arena = &loader->ruleset->arena;
	struct sequence_config *config = arena_new(arena, struct sequence_config);

	if (!config)
		return NULL;
	config->step_count = text->steps.count;
	config->steps = arena_array(arena, struct step_config, text->steps.count + 1);
	config->order = arena_array(arena, struct step_config *, text->steps.count + 1);
	config->within = memory_read_duration(text->within);
	config->any_order = text->any_order;
	config->despite_loss = text->despite_loss;
	config->has_until = text->until.node != NULL;
	return config->steps && config->order ? config : NULL;
}

bool sequence_prepare(struct loader *loader, struct report *report, struct pending *pending)
{
	const struct sequence_text *text = &pending->text->sequence;
	struct memory *memory = pending->detector->memory;
	struct sequence_config *config = new_config(loader, text);
	uint32_t count = text->steps.count + (text->until.node != NULL);

	memory->steps = arena_array(&loader->ruleset->arena, struct memory_step, count + 1);
	if (!config || !memory->steps)
		return false;
	memory->config.kind = STATE_SEQUENCE;
	memory->config.sequence = config;
	if (text->steps.count > STATE_STEPS_MAX) {
		report_error(report, text->steps.node, "limit", NULL,
			     "a sequence has at most %d steps", STATE_STEPS_MAX);
		return true;
	}
	number_steps(config, text);
	memory->step_count = count;
	for (uint32_t i = 0; i < count; i++) {
		prepare_step(loader, report, memory, step_text_at(text, i), &config->steps[i]);
		memory->steps[i].line = step_text_at(text, i)->node->line;
		memory->steps[i].input = find_input(report, pending, step_text_at(text, i));
	}
	check_steps(report, text, config);
	return true;
}

/* ---- state("STEP.what") ---------------------------------------- */

static struct step_config *named_step(const struct sequence_config *config, struct str name)
{
	for (uint32_t i = 0; i < config->positive; i++)
		if (str_equal(str_of(config->order[i]->name), name) &&
		    strcmp(config->order[i]->name, "step") != 0)
			return config->order[i];
	return NULL;
}

/* A field of the step's event, kept from now on. */
static int keep_field(const struct memory *memory, const struct detector *d,
		      struct step_config *step, struct str field, struct err *err)
{
	const struct sequence_config *config = memory->config.sequence;
	const struct memory_step *place = &memory->steps[step - config->steps];
	const struct event_def *def = event_of_step(d, place);
	int index = def ? event_field_index(def, field) : 0;

	if (index < 0)
		return loader_unknown_field(def, field, err);
	if (step->keep_count == KEEPS_MAX)
		return err_set(err, -EINVAL, "at most %d values of a step are kept", KEEPS_MAX);
	step->keeps[step->keep_count++] = (struct keep_config){ .field = (uint16_t)index };
	return 0;
}

int sequence_name(struct loader *loader, struct memory *memory, struct str name,
		  struct memory_name *out, struct err *err)
{
	const char *dot = memchr(name.data, '.', name.len);
	struct str first = { name.data, dot ? (uint32_t)(dot - name.data) : 0 }, rest;
	struct step_config *step = dot ? named_step(memory->config.sequence, first) : NULL;

	if (!step)
		return -ENOENT;
	rest = (struct str){ dot + 1, name.len - first.len - 1 };
	if (step->number >= loader->step_at)
		return err_set(err, -EINVAL, "step '%s' does not come before this one", step->name);
	*out = (struct memory_name){ .name = name,
				     .ref = { REF_KEPT, step->number, step->keep_count },
				     .type = "dyn" };
	if (str_equal(rest, STR("time"))) {
		out->ref.kind = REF_STEP_TIME;
		out->type = "google.protobuf.Timestamp";
	} else if (str_equal(rest, STR("count"))) {
		out->ref.kind = REF_STEP_COUNT;
		out->type = "int";
	} else {
		return keep_field(memory, loader->compiling, step, rest, err);
	}
	out->ref.index = 0;
	return 0;
}

/* ---- compile ---------------------------------------- */

static void compile_keeps(struct loader *loader, struct report *report, struct memory *memory,
			  const struct step_text *text, struct step_config *step,
			  const struct cel_env *env)
{
	const struct yaml_node *keep = text->keep;
	char name[256];

	for (uint32_t i = 0; keep && i < keep->count && !step->absent; i++) {
		const struct yaml_pair *pair = &keep->pairs[i];

		if (!text->as) {
			report_error(report, keep, "missing-key", "as: NAME",
				     "what is kept is asked for by the name of the step");
			return;
		}
		if (step->keep_count == KEEPS_MAX) {
			report_error(report, keep, "limit", NULL, "at most %d values are kept",
				     KEEPS_MAX);
			return;
		}
		snprintf(name, sizeof(name), "%s.%s", step->name, pair->key->text.data);
		memory_add_name(loader, memory, str_of(name),
				(struct state_ref){ REF_KEPT, step->number, step->keep_count },
				"dyn");
		step->keeps[step->keep_count++].program = compile_expression(
			loader, report, env, pair->value, 0, "keep", NULL);
	}
}

/* Those that ask for the state are left to it. */
static void compile_step_conditions(struct loader *loader, struct report *report,
				    const struct step_text *text, struct step_config *step,
				    struct memory_step *place, const struct cel_env *env,
				    uint32_t number)
{
	struct arena *arena = &loader->ruleset->arena;
	uint32_t count = text->conditions.count;
	char what[128];

	place->conditions = arena_array(arena, struct condition, count + 1);
	place->late = arena_array(arena, struct condition, count + 1);
	step->conditions = arena_array(arena, const struct cel_program *, count + 1);
	for (uint32_t i = 0; place->conditions && place->late && step->conditions && i < count;
	     i++) {
		const struct yaml_node *node = text->conditions.items[i];
		struct condition condition = {
			.text = arena_str(arena, node->text.data, node->text.len),
			.path = loader->compiling->path,
			.number = i,
			.line = node->line,
		};

		snprintf(what, sizeof(what), "condition %u of step %u is invalid", i, number);
		loader->reads_state = false;
		condition.program = compile_expression(loader, report, env, node, 0, what, "bool");
		if (loader->options.coverage && condition.program)
			condition.parts = parts_new(loader, report, env, node);
		if (!loader->reads_state) {
			place->conditions[place->condition_count++] = condition;
			continue;
		}
		step->conditions[step->condition_count++] = condition.program;
		if (loader->options.coverage)
			place->late[place->late_count++] = condition;
	}
}

static void compile_by(struct loader *loader, struct report *report,
		       const struct sequence_text *text, const struct step_text *step,
		       const struct cel_env *env, struct state_by *out)
{
	if (step->by.node && step->by.count != text->by.count)
		report_error(report, step->by.node, "value", NULL,
			     "the key of a step has as many parts as that of the sequence: %u",
			     text->by.count);
	memory_compile_by(loader, report, env, step->by.node ? &step->by : &text->by, out);
}

static void warn_unread(struct report *report, const struct pending *pending)
{
	const struct memory *memory = pending->detector->memory;
	const struct input_text *inputs = pending->text->requirements.events.items;

	for (uint32_t i = 0; i < pending->detector->input_count; i++) {
		bool read = false;

		for (uint32_t k = 0; k < memory->step_count; k++)
			read |= memory->steps[k].input == i;
		if (!read)
			report_warning(report, inputs[i].name, "unused-event", NULL,
				       "no step is about %s",
				       pending->detector->inputs[i].def->name);
	}
}

void sequence_compile(struct loader *loader, struct report *report, struct pending *pending,
		      const struct cel_env *env)
{
	const struct sequence_text *text = &pending->text->sequence;
	struct memory *memory = pending->detector->memory;
	struct sequence_config *config = memory->config.sequence;

	for (uint32_t i = 0; i < memory->step_count; i++) {
		const struct step_text *step = step_text_at(text, i);
		struct step_config *out = &config->steps[i];

		loader->only = event_of_step(pending->detector, &memory->steps[i]);
		loader->before_state = true;
		compile_by(loader, report, text, step, env, &out->by);
		compile_keeps(loader, report, memory, step, out, env);
		loader->before_state = false;
		loader->step_at = i == config->step_count ? UINT32_MAX
				  : config->any_order	  ? 0
				  : out->absent		  ? out->gap
							  : out->number;
		compile_step_conditions(loader, report, step, out, &memory->steps[i], env, i + 1);
		if (out->absent && !out->gap && out->condition_count)
			report_error(report, step->conditions.node, "value", NULL,
				     "there is no state before the first step");
		loader->step_at = UINT32_MAX;
		loader->only = NULL;
	}
	warn_unread(report, pending);
}

void sequence_finish(struct memory *memory)
{
	struct sequence_config *config = memory->config.sequence;

	config->keep_count = 0;
	for (uint32_t i = 0; i < config->positive; i++) {
		config->order[i]->keep_first = (uint16_t)config->keep_count;
		config->keep_count += config->order[i]->keep_count;
	}
}
