/* SPDX-License-Identifier: Apache-2.0 */
/* Running the tests of rules, see rule_test.h. */
#include "rule_test.h"

#include <errno.h>

#include "base/buf.h"
#include "base/suggest.h"
#include "coverage.h"
#include "golden.h"
#include "event/object.h"
#include "ruleset.h"
#include "store.h"
#include "test_event.h"

enum { DETECTIONS_MAX = 256, SOON = 1000000, REPEAT_ROOM = 4096 };

struct expect_text {
	const struct yaml_node *node;
	const struct yaml_node *event, *severity, *data;
	const struct yaml_node *phase, *events, *lost; /* of detectors with memory */
};

struct symbol_text {
	const struct yaml_node *node;
	const struct yaml_node *address, *name, *module;
};

struct case_text {
	const struct yaml_node *node;
	const struct yaml_node *name;
	struct test_event_text event; /* short for one event */
	struct maps events;	      /* struct test_event_text */
	struct maps processes;	      /* struct test_process_text */
	struct maps symbols;	      /* struct symbol_text */
	const struct yaml_node *advance;
	bool finish;
	struct maps expect; /* struct expect_text */
};

struct file_text {
	const struct yaml_node *node;
	const struct yaml_node *type, *detector, *description;
	struct maps tests; /* struct case_text */
};

#define AT(type, member) offsetof(struct type, member)

static const struct schema_key expect_keys[] = {
	{ "event", KEY_TEXT, false, AT(expect_text, event), NULL, NULL, NULL,
	  "the produced event; default: that of the detector" },
	{ "severity", KEY_TEXT, false, AT(expect_text, severity), NULL, NULL, NULL,
	  "severity of its threat" },
	{ "data", KEY_ANY, false, AT(expect_text, data), NULL, NULL, NULL,
	  "fields: values; null: absent" },
	{ "phase", KEY_TEXT, false, AT(expect_text, phase), NULL, NULL, NULL,
	  "detectors with memory: crossed, again, closed, complete, absent" },
	{ "events", KEY_TEXT, false, AT(expect_text, events), NULL, NULL, NULL,
	  "detectors with memory: how many events counted" },
	{ "lost", KEY_TEXT, false, AT(expect_text, lost), NULL, NULL, NULL,
	  "detectors with memory: how many may be missing" },
};
static const struct schema expect_schema = { "expect", expect_keys, ARRAY_SIZE(expect_keys),
					     sizeof(struct expect_text) };

static const struct schema_key symbol_keys[] = {
	{ "address", KEY_TEXT, true, AT(symbol_text, address), NULL, NULL, NULL,
	  "address in the kernel" },
	{ "name", KEY_TEXT, true, AT(symbol_text, name), NULL, NULL, NULL, "name of the symbol" },
	{ "module", KEY_TEXT, false, AT(symbol_text, module), NULL, NULL, NULL,
	  "its module, system" },
};
static const struct schema symbol_schema = { "a symbol", symbol_keys, ARRAY_SIZE(symbol_keys),
					     sizeof(struct symbol_text) };

static const struct schema_key case_keys[] = {
	{ "name", KEY_TEXT, true, AT(case_text, name), NULL, "a test needs a name", NULL,
	  "what is shown" },
	{ "event", KEY_MAP, false, AT(case_text, event), &test_event_schema, NULL, NULL,
	  "the event that goes in" },
	{ "events", KEY_MAPS, false, AT(case_text, events), &test_event_schema, NULL, NULL,
	  "the events that go in" },
	{ "processes", KEY_MAPS, false, AT(case_text, processes), &test_process_schema, NULL, NULL,
	  "other processes that are known" },
	{ "advance", KEY_TEXT, false, AT(case_text, advance), NULL, NULL, NULL,
	  "the clock goes on by so much after the last event, as 60s" },
	{ "finish", KEY_BOOL, false, AT(case_text, finish), NULL, NULL, NULL,
	  "the sensor stops at the end" },
	{ "symbols", KEY_MAPS, false, AT(case_text, symbols), &symbol_schema, NULL, NULL,
	  "symbols of the kernel that are known" },
	{ "expect", KEY_MAPS, false, AT(case_text, expect), &expect_schema, NULL, NULL,
	  "the detections that come out, in order; [] for none" },
};
static const struct schema case_schema = { "a test", case_keys, ARRAY_SIZE(case_keys),
					   sizeof(struct case_text) };

static const char *const type_words[] = { "rule_test", NULL };

static const struct schema_key file_keys[] = {
	{ "type", KEY_TEXT, true, AT(file_text, type), NULL, NULL, NULL,
	  "what the file holds: tests of rules", .words = type_words, .match = MATCH_TRIM },
	{ "detector", KEY_TEXT, false, AT(file_text, detector), NULL, NULL, NULL,
	  "id of the detector whose detections count; default: all" },
	{ "description", KEY_TEXT, false, AT(file_text, description), NULL, NULL, NULL,
	  "what is tested" },
	{ "tests", KEY_MAPS, true, AT(file_text, tests), &case_schema, "tests are missing", NULL,
	  "the tests" },
};
const struct schema rule_test_schema = { "a rule test", file_keys, ARRAY_SIZE(file_keys),
					 sizeof(struct file_text) };

/* One test's run. */
struct trial {
	struct ruleset *ruleset;
	struct report *report;
	struct arena arena;
	const struct event_def *only; /* NULL: all detections count */
	const struct event *made[DETECTIONS_MAX];
	uint32_t made_count;
	uint32_t beyond; /* detections there was no room for */
	uint64_t now;	 /* time of the last event; 0: there was none */
	struct stores *stores;
	struct golden *golden; /* NULL: what differs is a failure */
};

/* Texts of the stores may have changed by the end of the test. */
static const struct value *keep_values(struct trial *trial, const struct event *event)
{
	struct value *values = arena_array(&trial->arena, struct value,
					   event->def->field_count + 1u);

	for (uint32_t i = 0; values && i < event->def->field_count; i++) {
		struct value value = event->values[i];

		if (value.tag == VALUE_STRING && value.len)
			value.str = arena_str(&trial->arena, value.str, value.len).data;
		values[i] = value;
	}
	return values;
}

static void keep_detection(void *ctx, const struct event *produced)
{
	struct trial *trial = ctx;
	struct event *copy = arena_new(&trial->arena, struct event);

	if (!copy || (trial->only && produced->def != trial->only))
		return;
	if (trial->made_count == DETECTIONS_MAX) {
		trial->beyond++;
		return;
	}
	*copy = *produced;
	copy->values = keep_values(trial, produced);
	trial->made[trial->made_count++] = copy;
}

static const struct event_def *event_of(struct ruleset *ruleset, struct report *report,
					const struct yaml_node *name)
{
	const struct event_def *def = ruleset_event(ruleset, name->text);
	struct err err = { .level = ERR_ERROR, .rule = "unknown-event" };
	struct suggest suggest;

	if (def)
		return def;
	suggest_start(&suggest, name->text);
	for (size_t i = 0; i < event_table_count; i++)
		suggest_try(&suggest, str_of(event_table[i].name));
	for (uint32_t i = 0; i < ruleset->detector_count; i++)
		suggest_try(&suggest, str_of(ruleset->detectors[i]->def.name));
	err_set(&err, -EINVAL, "event '%s' not found", name->text.data);
	if (suggest.best.data)
		err_hint(&err, "did you mean '%s'?", suggest.best.data);
	report_add(report, name, &err);
	return NULL;
}

/*
 * One step of a test, without the index as well: what fires must be the same; and all conditions
 * are counted. event: NULL: the clock moves to `now`, UINT64_MAX: the sensor stops.
 */
static void run_step(struct trial *trial, const struct event *event, uint64_t now)
{
	struct ruleset *ruleset = trial->ruleset;

	if (event)
		ruleset_run(ruleset, event, trial->stores, &trial->arena, keep_detection, trial);
	else if (now != UINT64_MAX)
		ruleset_advance(ruleset, now, trial->stores, &trial->arena, keep_detection, trial);
	else
		ruleset_finish(ruleset, trial->stores, &trial->arena, keep_detection, trial);
}

static void print_state(struct buf *out, const struct event_state *state)
{
	buf_printf(out, " %s, %llu events from %llu to %llu, %llu lost", state->phase,
		   (unsigned long long)state->events, (unsigned long long)state->first,
		   (unsigned long long)state->last, (unsigned long long)state->lost);
}

void detection_print(const struct event *event, struct buf *out)
{
	buf_printf(out, "%s {", event->def->name);
	for (uint32_t i = 0; i < event->def->field_count; i++) {
		buf_printf(out, "%s%s: ", i ? ", " : "", event->def->fields[i].name);
		cel_print(out, event->values[i]);
	}
	buf_printf(out, "} by %.*s at %llu", (int)event->rule.len, event->rule.data,
		   (unsigned long long)event->wire->time);
	if (event->state)
		print_state(out, event->state);
}

static void says_differently(struct trial *trial, const struct yaml_node *node,
			     const struct event *indexed, const struct event *plain)
{
	struct buf with = { 0 }, without = { 0 };

	detection_print(indexed, &with);
	detection_print(plain, &without);
	if (strcmp(buf_cstr(&with), buf_cstr(&without)) != 0)
		report_error(trial->report, node, "index", "this is a mistake of spoor: report it",
			     "with the index of rules %s, without it %s", buf_cstr(&with),
			     buf_cstr(&without));
	buf_free(&with);
	buf_free(&without);
}

static void run_both(struct trial *trial, const struct event *event, uint64_t now,
		     const struct yaml_node *node)
{
	const struct event *plain[DETECTIONS_MAX];
	uint32_t made = trial->made_count, count;

	trial->ruleset->plain = true;
	run_step(trial, event, now);
	trial->ruleset->plain = false;
	count = trial->made_count - made;
	memcpy(plain, trial->made + made, count * sizeof(*plain));
	trial->made_count = made;
	trial->beyond = 0;
	run_step(trial, event, now);
	if (trial->beyond)
		report_error(trial->report, node, "limit", "test with fewer events",
			     "a test keeps %d detections, and there were more", DETECTIONS_MAX);
	else if (count != trial->made_count - made)
		report_error(trial->report, node, "index", "this is a mistake of spoor: report it",
			     "%u detections with the index of rules, %u without",
			     trial->made_count - made, count);
	for (uint32_t i = 0; i < MIN(count, trial->made_count - made); i++)
		says_differently(trial, node, trial->made[made + i], plain[i]);
}

static void feed_one(struct trial *trial, const struct test_event_text *text,
		     const struct event_def *def)
{
	struct event *event = test_event_make(trial->report, text, def, trial->stores, trial->now,
					      &trial->arena);

	if (!event)
		return;
	if (!event->values)
		stores_update(trial->stores, event->wire);
	run_both(trial, event, 0, text->node);
}

/* The first is at its time, or soon after the event before. */
static void feed(struct trial *trial, const struct test_event_text *text)
{
	const struct event_def *def = text->name
					      ? event_of(trial->ruleset, trial->report, text->name)
					      : NULL;
	uint32_t before = trial->report->errors, count;
	uint64_t every, after = text->after ? test_time(trial->report, text->after) : SOON;

	count = def ? test_event_repeat(trial->report, text, &every) : 0;
	if (text->time)
		trial->now = test_epoch + test_time(trial->report, text->time);
	else
		trial->now = trial->now ? trial->now + after : test_epoch;
	for (uint32_t i = 0; i < count && trial->report->errors == before; i++) {
		struct test_event_text nth = test_event_nth(text, i, &trial->arena);

		trial->now += i ? every : 0;
		feed_one(trial, &nth, def);
	}
}

/* A number as values of events are written, so that 0x... works. */
static void learn_symbols(struct report *report, const struct maps *symbols, struct stores *stores)
{
	const struct symbol_text *items = symbols->items;

	for (uint32_t i = 0; i < symbols->count; i++) {
		struct err err = { .level = ERR_ERROR, .rule = "value" };
		struct value address = value_null();

		if (test_value(items[i].address, FIELD_u64, NULL, &address, &err))
			report_add(report, items[i].address, &err);
		else
			stores_add_symbol(stores, address.u, items[i].name->text,
					  items[i].module ? items[i].module->text : STR("system"));
	}
}

/* ---- comparing ------------------------------------------------------------------------ */

static void unexpected(struct trial *trial, const struct case_text *text, const struct event *event)
{
	report_error(trial->report, text->node, "unexpected", NULL, "%s: %s fired",
		     text->name->text.data, event->def->name);
}

/* Members may come in any order. `wanted`: as JSON. */
static void compare_object(struct trial *trial, const struct case_text *text,
			   const struct yaml_pair *pair, struct value found, struct str wanted)
{
	struct buf is = { 0 };

	if (cel_equal(found, object_value(wanted, &trial->arena)))
		return;
	if (trial->golden) {
		golden_value(trial->golden, pair->value, found);
		return;
	}
	cel_print(&is, found);
	report_error(trial->report, pair->value, "differs", NULL, "%s: %s is %s, expected %.*s",
		     text->name->text.data, pair->key->text.data, buf_cstr(&is), (int)wanted.len,
		     wanted.data);
	buf_free(&is);
}

static void unknown_field(struct report *report, const struct yaml_node *key,
			  const struct event_def *def)
{
	struct err err = { .level = ERR_ERROR, .rule = "field" };
	struct suggest suggest;

	suggest_start(&suggest, key->text);
	for (unsigned i = 0; i < def->field_count; i++)
		suggest_try(&suggest, str_of(def->fields[i].name));
	err_set(&err, -EINVAL, "%s has no field '%s'", def->name, key->text.data);
	if (suggest.best.data)
		err_hint(&err, "did you mean '%s'?", suggest.best.data);
	report_add(report, key, &err);
}

static void compare_field(struct trial *trial, const struct case_text *text,
			  const struct event *event, const struct yaml_pair *pair)
{
	int index = event_field_index(event->def, pair->key->text);
	struct err err = { .level = ERR_ERROR, .rule = "field" };
	char found_scratch[32], wanted_scratch[32];
	struct value found, wanted = value_null();
	struct str found_text, wanted_text;

	if (index < 0) {
		unknown_field(trial->report, pair->key, event->def);
		return;
	}
	found = event_field_value(event, (unsigned)index, &trial->arena);
	if (!pair->value->null &&
	    test_value(pair->value, found.tag == VALUE_NULL ? FIELD_str : found.kind, &trial->arena,
		       &wanted, &err)) {
		report_add(trial->report, pair->value, &err);
		return;
	}
	if (found.tag == VALUE_MAP && wanted.tag == VALUE_STRING) {
		compare_object(trial, text, pair, found, (struct str){ wanted.str, wanted.len });
		return;
	}
	found_text = filter_render(found, found_scratch, &trial->arena);
	wanted_text = filter_render(wanted, wanted_scratch, &trial->arena);
	if (str_equal(found_text, wanted_text))
		return;
	if (trial->golden)
		golden_value(trial->golden, pair->value, found);
	else
		report_error(trial->report, pair->value, "differs", NULL,
			     "%s: %s is %.*s, expected %.*s", text->name->text.data,
			     pair->key->text.data, (int)found_text.len, found_text.data,
			     (int)wanted_text.len, wanted_text.data);
}

/* With --update, the word that came out takes the place of the one in the file. */
static bool rewrite(struct trial *trial, const struct yaml_node *node, const char *word)
{
	if (trial->golden)
		golden_word(trial->golden, node, str_of(word));
	return trial->golden != NULL;
}

static void compare_number(struct trial *trial, const struct case_text *text,
			   const struct yaml_node *node, const char *what, uint64_t found)
{
	char number[32];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)found);
	if (node && !str_equal(node->text, str_of(number)) && !rewrite(trial, node, number))
		report_error(trial->report, node, "differs", NULL, "%s: %s is %s, expected %s",
			     text->name->text.data, what, number, node->text.data);
}

static void compare_state(struct trial *trial, const struct case_text *text,
			  const struct expect_text *expect, const struct event *event)
{
	const struct event_state *state = event->state;

	if (!state) {
		if (expect->phase || expect->events || expect->lost)
			report_error(trial->report, expect->node, "differs", NULL,
				     "%s: %s has no memory", text->name->text.data,
				     event->def->name);
		return;
	}
	if (expect->phase && !str_equal(expect->phase->text, str_of(state->phase)) &&
	    !rewrite(trial, expect->phase, state->phase))
		report_error(trial->report, expect->phase, "differs", NULL,
			     "%s: phase is %s, expected %s", text->name->text.data, state->phase,
			     expect->phase->text.data);
	compare_number(trial, text, expect->events, "events", state->events);
	compare_number(trial, text, expect->lost, "lost", state->lost);
}

static void compare(struct trial *trial, const struct case_text *text,
		    const struct expect_text *expect, const struct event *event)
{
	static const char *const severities[] = { "info", "low", "medium", "high", "critical" };
	const struct yaml_node *data = expect->data;
	const char *severity = event->threat ? severities[event->threat->severity] : "none";

	if (expect->event && !str_equal(expect->event->text, str_of(event->def->name)) &&
	    !rewrite(trial, expect->event, event->def->name))
		report_error(trial->report, expect->event, "differs", NULL, "%s: %s fired instead",
			     text->name->text.data, event->def->name);
	if (expect->severity && strcasecmp(expect->severity->text.data, severity) != 0 &&
	    !(event->threat && rewrite(trial, expect->severity, severity)))
		report_error(trial->report, expect->severity, "differs", NULL, "%s: severity is %s",
			     text->name->text.data, severity);
	for (uint32_t i = 0; data && data->kind == YAML_MAP && i < data->count; i++)
		compare_field(trial, text, event, &data->pairs[i]);
	compare_state(trial, text, expect, event);
}

/* Why nothing came out: the first condition that did not hold. */
static void missing(struct trial *trial, const struct case_text *text,
		    const struct expect_text *expect, const struct detector *detector)
{
	char hint[512] = "";

	for (uint32_t i = 0; detector && i < detector->condition_count; i++) {
		const struct condition *c = &detector->conditions[i];

		if (!c->misses && !c->errors)
			continue;
		snprintf(hint, sizeof(hint), "condition %u %s: %.*s", c->number,
			 c->errors ? "ended in an error" : "did not hold", (int)c->text.len,
			 c->text.data);
		break;
	}
	if (!hint[0] && detector && !detector->evaluated)
		snprintf(hint, sizeof(hint), "no event passed its filters");
	report_error(trial->report, expect->node, "missing", hint[0] ? hint : NULL,
		     "%s: nothing fired", text->name->text.data);
}

static void compare_all(struct trial *trial, const struct case_text *text,
			const struct detector *detector)
{
	const struct expect_text *expect = text->expect.items;

	uint32_t same = MIN(text->expect.count, trial->made_count);

	for (uint32_t i = 0; i < same; i++)
		compare(trial, text, &expect[i], trial->made[i]);
	if (trial->golden) {
		if (same < text->expect.count || same < trial->made_count)
			golden_expect(trial->golden, text->node, same, trial->made + same,
				      trial->made_count - same, !detector, &trial->arena);
		return;
	}
	for (uint32_t i = same; i < text->expect.count; i++)
		missing(trial, text, &expect[i], detector);
	for (uint32_t i = same; i < trial->made_count; i++)
		unexpected(trial, text, trial->made[i]);
}

/* ---- running ------------------------------------------------------------------------------ */

static void forget(struct condition *conditions, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		conditions[i].hits = conditions[i].misses = conditions[i].errors = 0;
}

/* Counters say what held in this test alone. */
static void forget_counts(struct ruleset *ruleset)
{
	for (uint32_t i = 0; i < ruleset->detector_count; i++) {
		struct detector *d = ruleset->detectors[i];

		forget(d->conditions, d->condition_count);
		for (uint32_t k = 0; d->memory && k < d->memory->step_count; k++) {
			forget(d->memory->steps[k].conditions, d->memory->steps[k].condition_count);
			forget(d->memory->steps[k].late, d->memory->steps[k].late_count);
		}
		d->evaluated = d->fired = d->errors = 0;
	}
}

/* A process and its parent for each thing that is named, and as many containers. */
static struct stores *trial_stores(const struct case_text *text)
{
	const struct test_event_text *events = text->events.items;
	uint32_t room = 2 * (text->processes.count + text->events.count + 1) + 16;

	for (uint32_t i = 0; i < text->events.count; i++)
		room += events[i].repeat ? REPEAT_ROOM : 0;
	return stores_new(room, room);
}

static int run_case(struct ruleset *ruleset, struct report *report, const struct case_text *text,
		    struct detector *detector, const struct rule_test_count *count,
		    struct golden *golden)
{
	struct trial trial = { .ruleset = ruleset,
			       .report = report,
			       .golden = golden,
			       .only = detector ? &detector->def : NULL,
			       .stores = trial_stores(text) };
	const struct test_process_text *processes = text->processes.items;
	const struct test_event_text *events = text->events.items;
	uint32_t before = report->errors;

	if (!trial.stores)
		return -ENOMEM;
	stores_set_clock(trial.stores, &test_clock);
	forget_counts(ruleset);
	ruleset_forget(ruleset);
	for (uint32_t i = 0; i < text->processes.count; i++)
		test_process_learn(report, &processes[i], trial.stores, &trial.arena);
	learn_symbols(report, &text->symbols, trial.stores);
	if (text->event.node)
		feed(&trial, &text->event);
	for (uint32_t i = 0; i < text->events.count; i++)
		feed(&trial, &events[i]);
	if (text->advance)
		run_both(&trial, NULL, trial.now + test_time(report, text->advance), text->node);
	if (text->finish)
		run_both(&trial, NULL, UINT64_MAX, text->node);
	if (!trial.now)
		report_error(report, text->node, "value", "give `event` or `events`",
			     "%s: no event goes in", text->name->text.data);
	for (uint32_t i = 0; count->sink && i < trial.made_count; i++)
		count->sink(count->ctx, trial.made[i]);
	/* What a mistake in the test made come out is worth neither keeping nor comparing. */
	if (report->errors == before)
		compare_all(&trial, text, detector);
	coverage_note(ruleset);
	arena_free(&trial.arena);
	stores_free(trial.stores);
	return 0;
}

static struct detector *find_detector(struct ruleset *ruleset, struct str id)
{
	for (uint32_t i = 0; i < ruleset->detector_count; i++)
		if (str_equal(ruleset->detectors[i]->id, id))
			return ruleset->detectors[i];
	return NULL;
}

static void unknown_detector(struct ruleset *ruleset, struct report *report,
			     const struct yaml_node *id)
{
	const char *broken = ruleset_broken_detector(ruleset, id->text);
	struct err err = { .level = ERR_ERROR, .rule = "value" };
	struct suggest suggest;

	suggest_start(&suggest, id->text);
	for (uint32_t i = 0; i < ruleset->detector_count; i++)
		suggest_try(&suggest, ruleset->detectors[i]->id);
	err_set(&err, -EINVAL, "there is no detector '%s'", id->text.data);
	if (broken)
		err_hint(&err, "%s has it, with mistakes of its own", broken);
	else if (suggest.best.data)
		err_hint(&err, "did you mean '%s'?", suggest.best.data);
	report_add(report, id, &err);
}

static int run_cases(struct ruleset *ruleset, struct report *report, const struct file_text *text,
		     struct rule_test_count *count, struct golden *golden)
{
	const struct case_text *cases = text->tests.items;
	struct detector *detector = NULL;

	if (text->detector) {
		detector = find_detector(ruleset, text->detector->text);
		if (!detector) {
			unknown_detector(ruleset, report, text->detector);
			count->failed += text->tests.count;
			return 0;
		}
		detector->tested = true;
	}
	for (uint32_t i = 0; i < text->tests.count; i++) {
		uint32_t before = report->errors;
		int code = run_case(ruleset, report, &cases[i], detector, count, golden);

		if (code)
			return code;
		*(report->errors == before ? &count->passed : &count->failed) += 1;
	}
	return 0;
}

int rule_test_run(struct ruleset *ruleset, const struct yaml_file *file, struct err_list *problems,
		  struct rule_test_count *count, struct golden *golden)
{
	struct arena arena = { 0 };
	struct report report = { .problems = problems, .file = file, .arena = &arena };
	struct file_text text = { 0 };
	int code = 0;

	schema_read(&report, &rule_test_schema, file->root, &text);
	if (report.errors)
		count->failed++;
	else
		code = run_cases(ruleset, &report, &text, count, golden);
	arena_free(&arena);
	return code;
}

static void check_names(struct ruleset *ruleset, struct report *report,
			const struct case_text *text)
{
	const struct test_event_text *events = text->events.items;
	const struct expect_text *expect = text->expect.items;

	if (text->event.name)
		event_of(ruleset, report, text->event.name);
	for (uint32_t i = 0; i < text->events.count; i++)
		if (events[i].name)
			event_of(ruleset, report, events[i].name);
	for (uint32_t i = 0; i < text->expect.count; i++)
		if (expect[i].event)
			event_of(ruleset, report, expect[i].event);
}

void rule_test_check(struct ruleset *ruleset, const struct yaml_file *file,
		     struct err_list *problems)
{
	struct arena arena = { 0 };
	struct report report = { .problems = problems, .file = file, .arena = &arena };
	struct file_text text = { 0 };
	const struct case_text *cases;

	schema_read(&report, &rule_test_schema, file->root, &text);
	if (text.detector && !find_detector(ruleset, text.detector->text))
		unknown_detector(ruleset, &report, text.detector);
	cases = text.tests.items;
	for (uint32_t i = 0; i < text.tests.count; i++)
		check_names(ruleset, &report, &cases[i]);
	arena_free(&arena);
}
