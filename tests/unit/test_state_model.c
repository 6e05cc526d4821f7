/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detectors with memory against the naive evaluator of tests/support/model.c: random detectors,
 * and for each of them random streams of events, with ties, losses, keys that are null and (for
 * thresholds) events out of order. SPOOR_STREAMS says how many; `make model` runs a million.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cel/random.h"
#include "../support/model.h"
#include "detect/ruleset.h"
#include "state/internal.h"

enum { STREAMS_DEFAULT = 6000, STREAMS_PER_RULE = 300, MADE_MAX = 64, RECORD_MAX = 512 };

static const uint64_t second = 1000000000;
/* Between two streams nothing of the first is left. */
static const uint64_t break_ns = 3600 * 1000000000ULL;

struct trial {
	struct random random;
	struct model_rule rule;
	struct model *model;
	struct ruleset *ruleset;
	struct buf yaml, found, wanted, story;
	struct arena arena;
	uint64_t now;
};

/* ---- random rules ---------------------------------------- */

static uint32_t below(struct trial *t, uint32_t n)
{
	return random_below(&t->random, n);
}

static bool chance(struct trial *t, uint32_t percent)
{
	return below(t, 100) < percent;
}

static void random_by(struct trial *t)
{
	t->rule.by_pid = chance(t, 70);
	t->rule.by_uid = chance(t, 20);
	t->rule.by_value = chance(t, 20);
	t->rule.nullable = chance(t, 50);
}

static void random_measure(struct trial *t, struct model_measure *m, uint8_t type)
{
	static const int most[] = { [MEASURE_COUNT] = 6,
				    [MEASURE_DISTINCT] = 4,
				    [MEASURE_SUM] = 12,
				    [MEASURE_AVG] = 3,
				    [MEASURE_RATIO] = 2 };

	*m = (struct model_measure){ .type = type, .of = -1, .to = -1, .least = -1, .most = -1 };
	if ((type == MEASURE_COUNT && chance(t, 40)) || type == MEASURE_RATIO)
		m->of = (int8_t)below(t, 3);
	if (type == MEASURE_RATIO && chance(t, 60))
		m->to = (int8_t)below(t, 3);
	if (chance(t, 85))
		m->least = 1 + (int32_t)below(t, (uint32_t)most[type]);
	if (chance(t, 20))
		m->most = m->least + (int32_t)below(t, 4);
	if (m->least < 0 && m->most < 0)
		m->least = 1;
}

static void random_threshold(struct trial *t)
{
	uint8_t types[] = { MEASURE_COUNT, MEASURE_DISTINCT, MEASURE_SUM, MEASURE_AVG,
			    MEASURE_RATIO };

	t->rule.window = (2 + below(t, 12)) * second;
	t->rule.every = chance(t, 40) ? (1 + below(t, 8)) * second : 0;
	t->rule.tumbling = chance(t, 30);
	t->rule.closing = chance(t, 60);
	t->rule.measure_count = 1 + (chance(t, 30) ? 1 + below(t, MODEL_MEASURES - 1) : 0);
	for (uint32_t i = 0; i < t->rule.measure_count; i++) {
		uint32_t pick = i + below(t, ARRAY_SIZE(types) - i);
		uint8_t type = types[pick];

		types[pick] = types[i];
		types[i] = type;
		random_measure(t, &t->rule.measures[i], type);
	}
}

static void random_step(struct trial *t, struct model_step *step)
{
	*step = (struct model_step){ .def = (uint8_t)below(t, 2),
				     .kind = (uint8_t)below(t, 3),
				     .min = 1 };
}

/* What is wrong is refused: the rest of what can be written. */
static void random_sequence(struct trial *t)
{
	struct model_rule *rule = &t->rule;
	uint32_t happen = 0, last = 0;

	rule->within = (3 + below(t, 15)) * second;
	rule->any_order = chance(t, 25);
	rule->partials = 1 + below(t, 3);
	rule->has_until = chance(t, 30);
	rule->despite_loss = chance(t, 30);
	random_step(t, &rule->until);
	rule->step_count = 2 + below(t, MODEL_STEPS - 1);
	for (uint32_t i = 0; i < rule->step_count; i++) {
		struct model_step *step = &rule->steps[i];

		random_step(t, step);
		step->absent = !rule->any_order && chance(t, 25);
		if (step->absent && chance(t, 40))
			step->within_previous = (1 + below(t, 6)) * second;
		if (step->absent)
			continue;
		last = i;
		step->repeats = chance(t, 25);
		step->min = step->repeats ? 1 + below(t, 3) : 1;
		if (happen && !rule->any_order && chance(t, 25))
			step->within_previous = (1 + below(t, 5)) * second;
		step->refers = happen && !rule->any_order && chance(t, 25);
		happen++;
	}
	for (uint32_t i = 0; i < last && !rule->any_order; i++)
		if (rule->steps[i].repeats && !rule->steps[i].absent && chance(t, 40))
			rule->steps[i].max = rule->steps[i].min + below(t, 3);
	for (uint32_t i = 0, before = 0; i < rule->step_count; i++) {
		rule->steps[i].refers |= rule->steps[i].absent && before && chance(t, 25);
		before += !rule->steps[i].absent;
	}
	if (!happen || (happen == 1 && rule->step_count == 1)) {
		rule->steps[0].absent = false;
		rule->steps[0].within_previous = 0;
	}
}

/* ---- running ---------------------------------------- */

static void keep(void *ctx, const struct event *produced)
{
	struct trial *t = ctx;
	const struct event_state *state = produced->state;

	assert_non_null(state);
	model_line(&t->found, state->phase, state->first, state->last, state->events, state->lost);
	for (uint32_t i = 0; i < produced->def->field_count; i++) {
		struct value value = produced->values[i];

		model_value(&t->found, value.tag == VALUE_INT	   ? (double)value.i
				       : value.tag == VALUE_DOUBLE ? value.d
								   : -1);
	}
}

static struct wire_header *make_record(struct trial *t, const struct model_event *event)
{
	static const struct event_def *defs[3];
	const struct event_def *def;
	struct wire_header *h;

	if (!defs[0]) {
		defs[0] = event_by_name(STR("msgsnd"));
		defs[1] = event_by_name(STR("msgrcv"));
		defs[2] = event_by_name(STR("events_lost"));
	}
	def = defs[event->def];
	h = arena_zalloc(&t->arena, RECORD_MAX);
	assert_non_null(h);
	h->size = (uint32_t)((sizeof(*h) + def->body_size + 7) & ~7u);
	h->id = def->id;
	h->time = event->time;
	h->pid = h->tid = event->pid;
	h->uid = event->uid;
	h->flags = WIRE_CONTEXT;
	return h;
}

static void set_field(struct wire_header *h, const struct event_def *def, const char *name,
		      uint64_t value)
{
	int index = event_field_index(def, str_of(name));

	assert_true(index >= 0);
	memcpy((char *)h + def->fields[index].offset, &value,
	       def->fields[index].type == FIELD_i32 ? 4 : 8);
	h->present |= 1ULL << index;
}

static void fill_record(struct wire_header *h, const struct event_def *def,
			const struct model_event *event)
{
	if (event->def == 2) {
		int index = event_field_index(def, STR("lost_event"));
		struct wire_ref ref = { h->size, 6 };

		set_field(h, def, "lost", 1);
		memcpy((char *)h + def->fields[index].offset, &ref, sizeof(ref));
		memcpy((char *)h + h->size, "msgsnd", 6);
		h->size += 8;
		h->present |= 1ULL << index;
		return;
	}
	set_field(h, def, "msqid", event->kind);
	if (event->value >= 0)
		set_field(h, def, "msgsz", (uint64_t)event->value);
}

static void feed(struct trial *t, const struct model_event *event)
{
	static const struct clock clock = { 0 };
	struct wire_header *h = make_record(t, event);
	struct event e = { .def = event_by_id(h->id), .wire = h, .clock = &clock };

	fill_record(h, e.def, event);
	/* Told of before or not, and mistaken or not, what is fetched ahead changes nothing. */
	for (uint32_t i = below(t, 6); i; i--) {
		h->pid ^= chance(t, 10);
		ruleset_soon(t->ruleset, h);
	}
	h->pid = event->pid;
	ruleset_run(t->ruleset, &e, NULL, &t->arena, keep, t);
	arena_reset(&t->arena);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lines in order of the alphabet: keys whose time is up at once have no order. */
static void sort_lines(struct buf *buf)
{
	char *lines[MADE_MAX * 4];
	struct buf sorted = { 0 };
	size_t count = 0;

	for (char *at = (char *)buf_cstr(buf); *at && count < ARRAY_SIZE(lines);) {
		char *end = strchr(at, '\n');

		*end = 0;
		lines[count++] = at;
		at = end + 1;
	}
	qsort(lines, count, sizeof(*lines), by_text);
	for (size_t i = 0; i < count; i++)
		buf_printf(&sorted, "%s\n", lines[i]);
	buf_free(buf);
	*buf = sorted;
}

static void compare(struct trial *t)
{
	if (!t->found.len && !t->wanted.len)
		return;
	sort_lines(&t->found);
	sort_lines(&t->wanted);
	if (strcmp(buf_cstr(&t->found), buf_cstr(&t->wanted)) != 0) {
		fprintf(stderr, "%s\n%sfound:\n%swanted:\n%s", buf_cstr(&t->yaml),
			buf_cstr(&t->story), buf_cstr(&t->found), buf_cstr(&t->wanted));
		fail();
	}
	buf_clear(&t->found);
	buf_clear(&t->wanted);
}

static struct model_event one_event(struct trial *t)
{
	struct model_event event = { .def = (uint8_t)below(t, 2),
				     .kind = (uint8_t)below(t, 3),
				     .value = (int8_t)((int)below(t, 5) - 1),
				     .pid = (uint8_t)(1 + below(t, 3)),
				     .uid = (uint8_t)below(t, 2),
				     .time = t->now };

	if (chance(t, 3))
		event.def = 2;
	if (!t->rule.step_count && chance(t, 5))
		event.time -= below(t, 4) * second;
	return event;
}

static void run_stream(struct trial *t)
{
	uint32_t events = 1 + below(t, MODEL_EVENTS - 1);
	struct model *model = t->model;

	model_clear(model);
	buf_clear(&t->story);
	t->now += break_ns;
	model_advance(model, t->now, &t->wanted);
	ruleset_advance(t->ruleset, t->now, NULL, &t->arena, keep, t);
	for (uint32_t i = 0; i < events; i++) {
		struct model_event event;

		t->now += chance(t, 30) ? 0 : below(t, 4) * second;
		event = one_event(t);
		buf_printf(&t->story, "%llu %s kind %u value %d pid %u uid %u\n",
			   (unsigned long long)event.time,
			   event.def == 2 ? "lost"
			   : event.def	  ? "msgrcv"
					  : "msgsnd",
			   event.kind, event.value, event.pid, event.uid);
		model_feed(model, &event, &t->wanted);
		feed(t, &event);
		compare(t);
	}
	buf_printf(&t->story, "and %llu passes\n", (unsigned long long)(t->now + break_ns));
	t->now += break_ns;
	model_advance(model, t->now, &t->wanted);
	ruleset_advance(t->ruleset, t->now, NULL, &t->arena, keep, t);
	arena_reset(&t->arena);
	compare(t);
}

/* Whoever holds memory is known to. */
static void check_books(const struct trial *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->ruleset->states); i++)
		for (uint32_t k = 0; k < t->ruleset->states[i]->rule_count; k++)
			assert_int_equal(t->ruleset->states[i]->rules[k]->keys.booked,
					 t->ruleset->states[i]->rules[k]->slab.used);
}

static void run_rule(struct trial *t, uint32_t streams)
{
	struct err_list problems = { 0 };
	struct ruleset_options options = { .fixed_secret = true };
	struct builtin_file file;

	t->rule = (struct model_rule){ 0 };
	random_by(t);
	if (chance(t, 50))
		random_threshold(t);
	else
		random_sequence(t);
	buf_clear(&t->yaml);
	model_write(&t->rule, &t->yaml);
	file = (struct builtin_file){ "m.yaml", buf_cstr(&t->yaml), t->yaml.len };
	t->ruleset = ruleset_load_texts(&file, 1, &options, &problems);
	if (problems.errors) {
		fprintf(stderr, "%s", buf_cstr(&t->yaml));
		err_list_print(stderr, &problems);
	}
	assert_int_equal(problems.errors, 0);
	err_list_free(&problems);
	for (size_t i = 0; i < ARRAY_SIZE(t->ruleset->states); i++)
		t->ruleset->states[i]->soon.least = 0;
	t->now = break_ns;
	t->model = model_new(&t->rule);
	for (uint32_t i = 0; i < streams; i++) {
		run_stream(t);
		check_books(t);
	}
	model_free(t->model);
	ruleset_free(t->ruleset);
}

static void the_model_agrees(void **state)
{
	const char *wanted = getenv("SPOOR_STREAMS"), *seed = getenv("SPOOR_SEED");
	uint32_t streams = wanted ? (uint32_t)strtoul(wanted, NULL, 10) : STREAMS_DEFAULT;
	struct trial t = { .random = { .state = seed ? strtoull(seed, NULL, 10) : 1 } };

	(void)state;
	for (uint32_t done = 0; done < streams; done += STREAMS_PER_RULE)
		run_rule(&t, STREAMS_PER_RULE);
	buf_free(&t.yaml);
	buf_free(&t.found);
	buf_free(&t.wanted);
	buf_free(&t.story);
	arena_free(&t.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_model_agrees) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
