/* SPDX-License-Identifier: Apache-2.0 */
/* The naive evaluator, see model.h. Nothing here is clever, or shares code with what it checks. */
#include "model.h"

#include <assert.h>

#include "state/state.h"

struct match {
	struct model_event event;
	uint32_t serial;
};

struct matches {
	uint32_t count;
	struct match items[MODEL_EVENTS * 2];
};

struct run {
	struct matches steps[MODEL_STEPS];
	int stage; /* the step (of those that happen) that matched last */
	uint64_t last;
	uint32_t serial;
	bool done;
};

struct key {
	bool used;
	int pid, uid, value;
	/* threshold */
	struct matches window, episode;
	uint64_t start, last, next;
	bool fired;
	uint32_t most; /* different values */
	/* sequence: the one that moved last first */
	uint32_t run_count;
	uint64_t blocked; /* until then; 0: not */
	struct run runs[MODEL_PARTIALS * MODEL_STEPS * 2];
};

struct loss {
	uint64_t time;
};

struct model {
	struct model_rule rule;
	struct key keys[MODEL_KEYS];
	struct loss losses[MODEL_EVENTS * 4];
	uint32_t loss_count, serial;
	uint64_t now;
	int happen[MODEL_STEPS]; /* steps that must happen */
	int happen_count;
};

struct model *model_new(const struct model_rule *rule)
{
	struct model *model = calloc(1, sizeof(*model));

	assert(model);
	model->rule = *rule;
	for (uint32_t i = 0; i < rule->step_count; i++)
		if (!rule->steps[i].absent)
			model->happen[model->happen_count++] = (int)i;
	return model;
}

/* What is large is not looked at beyond its count. */
static void clear_key(struct key *key)
{
	memset(key, 0, offsetof(struct key, window));
	key->window.count = key->episode.count = 0;
	memset(&key->start, 0, offsetof(struct key, runs) - offsetof(struct key, start));
}

static struct run *new_run(struct key *key)
{
	struct run *run = &key->runs[key->run_count++];

	for (int i = 0; i < MODEL_STEPS; i++)
		run->steps[i].count = 0;
	memset(&run->stage, 0, sizeof(*run) - offsetof(struct run, stage));
	return run;
}

void model_clear(struct model *model)
{
	for (uint32_t i = 0; i < MODEL_KEYS; i++)
		clear_key(&model->keys[i]);
	model->loss_count = model->serial = 0;
	model->now = 0;
}

void model_free(struct model *model)
{
	free(model);
}

void model_line(struct buf *out, const char *phase, uint64_t first, uint64_t last, uint64_t events,
		uint64_t lost)
{
	buf_printf(out, "%s %llu-%llu %llu lost %llu\n", phase, (unsigned long long)first,
		   (unsigned long long)last, (unsigned long long)events, (unsigned long long)lost);
}

/* Behind the last line. */
void model_value(struct buf *out, double value)
{
	out->len--;
	if (value < 0)
		buf_lit(out, " null\n");
	else
		buf_printf(out, " %.9g\n", value);
}

static uint64_t lost_since(const struct model *model, uint64_t time)
{
	uint64_t lost = 0;

	for (uint32_t i = 0; i < model->loss_count; i++)
		lost += model->losses[i].time > time;
	return lost;
}

/* NULL: the event has no key. */
static struct key *key_of(struct model *model, const struct model_event *event, bool make)
{
	const struct model_rule *rule = &model->rule;
	int pid = rule->by_pid ? event->pid : 0, uid = rule->by_uid ? event->uid : 0;
	int value = rule->by_value ? event->value : 0;

	if (value < 0 && !rule->nullable)
		return NULL;
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		struct key *key = &model->keys[i];

		if (key->used && key->pid == pid && key->uid == uid && key->value == value)
			return key;
	}
	for (uint32_t i = 0; make && i < MODEL_KEYS; i++) {
		struct key *key = &model->keys[i];

		if (key->used)
			continue;
		clear_key(key);
		key->used = true;
		key->pid = pid;
		key->uid = uid;
		key->value = value;
		return key;
	}
	assert(!make);
	return NULL;
}

static void add(struct matches *matches, const struct model_event *event, uint32_t serial)
{
	assert(matches->count < MODEL_EVENTS * 2);
	matches->items[matches->count++] = (struct match){ *event, serial };
}

static void keep_last(struct matches *matches, uint32_t count)
{
	uint32_t drop = matches->count > count ? matches->count - count : 0;

	memmove(matches->items, matches->items + drop,
		(matches->count - drop) * sizeof(matches->items[0]));
	matches->count -= drop;
}

static void drop_before(struct matches *matches, uint64_t time)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < matches->count; i++)
		if (matches->items[i].event.time >= time)
			matches->items[kept++] = matches->items[i];
	matches->count = kept;
}

static uint64_t oldest(const struct matches *matches)
{
	uint64_t time = UINT64_MAX;

	for (uint32_t i = 0; i < matches->count; i++)
		time = MIN(time, matches->items[i].event.time);
	return time;
}

/* ---- threshold ---------------------------------------- */

static bool counts(int kind, const struct model_event *event)
{
	return kind < 0 || event->kind == kind;
}

/* The measure takes something from the event. */
static bool takes(const struct model_measure *m, const struct model_event *event)
{
	switch (m->type) {
	case MEASURE_COUNT: return counts(m->of, event);
	case MEASURE_RATIO: return counts(m->of, event) || counts(m->to, event);
	default: return event->value >= 0;
	}
}

static uint32_t different(const struct matches *matches)
{
	bool seen[128] = { false };
	uint32_t count = 0;

	for (uint32_t i = 0; i < matches->count; i++) {
		int value = matches->items[i].event.value;

		if (value >= 0 && !seen[value])
			seen[value] = ++count;
	}
	return count;
}

/* -1: it has none. */
static double value_of(const struct model_measure *m, const struct matches *matches)
{
	double of = 0, to = 0;

	for (uint32_t i = 0; i < matches->count; i++) {
		const struct model_event *event = &matches->items[i].event;

		if (m->type == MEASURE_SUM || m->type == MEASURE_AVG) {
			of += event->value >= 0 ? event->value : 0;
			to += event->value >= 0;
		} else {
			of += counts(m->of, event);
			to += counts(m->to, event);
		}
	}
	if (m->type == MEASURE_DISTINCT)
		return different(matches);
	if (m->type == MEASURE_COUNT || m->type == MEASURE_SUM)
		return of;
	return to > 0 ? of / to : -1;
}

static bool holds(const struct model_measure *m, const struct matches *matches)
{
	double value = value_of(m, matches);

	return value >= 0 && (m->least < 0 || value >= m->least) &&
	       (m->most < 0 || value <= m->most);
}

static bool crossed(const struct model *model, const struct matches *matches)
{
	for (uint32_t i = 0; i < model->rule.measure_count; i++) {
		const struct model_measure *m = &model->rule.measures[i];

		if ((m->least >= 0 || m->most >= 0) && !holds(m, matches))
			return false;
	}
	return true;
}

/* `most`: of different values, if it is over. */
static void threshold_line(const struct model *model, const struct key *key, const char *phase,
			   bool over, struct buf *out)
{
	const struct matches *matches = over ? &key->episode : &key->window;
	uint64_t first = oldest(&key->episode);

	model_line(out, phase, first, key->last, key->episode.count, lost_since(model, first));
	for (uint32_t i = 0; i < model->rule.measure_count; i++) {
		const struct model_measure *m = &model->rule.measures[i];
		bool most = over && m->type == MEASURE_DISTINCT;

		model_value(out, most ? key->most : value_of(m, matches));
	}
}

static uint64_t end_of(const struct model *model, const struct key *key)
{
	return (model->rule.tumbling ? key->start : key->last) + model->rule.window;
}

static void close_key(struct model *model, struct key *key, struct buf *out)
{
	if (key->fired && model->rule.closing)
		threshold_line(model, key, "closed", true, out);
	clear_key(key);
}

static void feed_threshold(struct model *model, const struct model_event *event, struct buf *out)
{
	const struct model_rule *rule = &model->rule;
	struct key *key = key_of(model, event, false);
	bool any = false;

	for (uint32_t i = 0; i < rule->measure_count; i++)
		any |= takes(&rule->measures[i], event);
	if (!any || (rule->by_value && event->value < 0 && !rule->nullable))
		return;
	if (key &&
	    (rule->tumbling ? event->time < key->start : event->time + rule->window <= key->last))
		return;
	if (key && MAX(event->time, model->now) >= end_of(model, key))
		close_key(model, key, out);
	key = key_of(model, event, true);
	if (!key->window.count)
		key->start = event->time;
	key->last = MAX(key->last, event->time);
	add(&key->window, event, 0);
	if (!rule->tumbling)
		drop_before(&key->window,
			    key->last >= rule->window ? key->last - rule->window + 1 : 0);
	if (key->fired)
		add(&key->episode, event, 0);
	if (key->fired)
		key->most = MAX(key->most, different(&key->window));
	if ((key->fired && (!rule->every || event->time < key->next)) ||
	    !crossed(model, &key->window))
		return;
	if (!key->fired) {
		key->episode = key->window;
		key->most = different(&key->window);
	}
	key->next = event->time + rule->every;
	threshold_line(model, key, key->fired ? "again" : "crossed", false, out);
	key->fired = true;
}

/* ---- sequence ---------------------------------------- */

static const struct model_step *happening(const struct model *model, int number)
{
	return &model->rule.steps[model->happen[number]];
}

static bool fits(const struct model_step *step, const struct model_event *event)
{
	return step->def == event->def && step->kind == event->kind;
}

static bool refers_right(const struct model_step *step, const struct run *run,
			 const struct model_event *event)
{
	const struct matches *first = &run->steps[0];

	if (!step->refers)
		return true;
	return first->count && first->items[first->count - 1].event.value == event->value;
}

static uint64_t first_of(const struct model *model, const struct run *run)
{
	uint64_t first = UINT64_MAX;

	for (int i = 0; i < model->happen_count; i++)
		first = MIN(first, oldest(&run->steps[i]));
	return first;
}

static uint32_t size_of(const struct model *model, const struct run *run)
{
	uint32_t count = 0;

	for (int i = 0; i < model->happen_count; i++)
		count += run->steps[i].count;
	return count;
}

static void remove_run(struct key *key, uint32_t at)
{
	memmove(&key->runs[at], &key->runs[at + 1],
		(key->run_count - at - 1) * sizeof(key->runs[0]));
	key->run_count--;
}

static void to_front(struct key *key, uint32_t at)
{
	struct run run = key->runs[at];

	memmove(&key->runs[1], &key->runs[0], at * sizeof(key->runs[0]));
	key->runs[0] = run;
}

/* Of the first step only so many matches matter. */
static uint32_t room(const struct model_step *step)
{
	return !step->repeats ? 1 : step->max ? step->max + 1 : step->min;
}

static void slide(const struct model *model, struct run *run, uint64_t now)
{
	if (run->stage || run->done || !happening(model, 0)->repeats)
		return;
	drop_before(&run->steps[0], now > model->rule.within ? now - model->rule.within : 0);
	keep_last(&run->steps[0], room(happening(model, 0)));
}

static void drop_old(const struct model *model, struct key *key, uint64_t now)
{
	for (uint32_t i = 0; i < key->run_count;) {
		struct run *run = &key->runs[i];

		slide(model, run, now);
		if (!run->done &&
		    (!size_of(model, run) || now > first_of(model, run) + model->rule.within))
			remove_run(key, i);
		else
			i++;
	}
}

static bool has_absent_at(const struct model *model, int gap)
{
	int happened = 0;
	bool found = false;

	for (uint32_t i = 0; i < model->rule.step_count; i++) {
		found |= model->rule.steps[i].absent && happened == gap;
		happened += !model->rule.steps[i].absent;
	}
	return found;
}

static bool has_absent(const struct model *model)
{
	return (uint32_t)model->happen_count < model->rule.step_count;
}

static void tell(const struct model *model, const struct run *run, const char *phase,
		 struct buf *out)
{
	uint64_t first = first_of(model, run), lost = lost_since(model, first);

	if (lost && has_absent(model) && !model->rule.despite_loss)
		return;
	model_line(out, phase, first, run->last, size_of(model, run), lost);
}

static void finished(struct model *model, struct key *key, struct buf *out)
{
	uint32_t done = 0;

	if (!has_absent_at(model, model->happen_count)) {
		tell(model, &key->runs[0], "complete", out);
		remove_run(key, 0);
		return;
	}
	for (uint32_t i = 0; i < key->run_count; i++)
		done += key->runs[i].done;
	if (done >= model->rule.partials)
		remove_run(key, 0);
	else
		key->runs[0].done = true;
}

static void limit(const struct model *model, struct key *key)
{
	uint32_t waiting = 0;

	for (uint32_t i = 0; i < key->run_count;) {
		bool same = key->runs[i].stage == key->runs[0].stage && !key->runs[i].done;

		if (same && ++waiting > model->rule.partials)
			remove_run(key, i);
		else
			i++;
	}
}

/* The first of the runs that the event moves on: one at this step already, or at the one before. */
static uint32_t choose(const struct model *model, const struct key *key, int number, bool again,
		       const struct model_event *event)
{
	const struct model_step *step = happening(model, number);
	uint32_t at = 0;

	for (; at < key->run_count; at++) {
		const struct run *run = &key->runs[at];
		bool repeats = run->stage == number && step->repeats;
		bool next = number && run->stage == number - 1 &&
			    run->steps[number - 1].count >= happening(model, number - 1)->min;

		if (!run->done && (again ? repeats : next) &&
		    (!step->within_previous || event->time - run->last <= step->within_previous) &&
		    refers_right(step, run, event))
			break;
	}
	return at;
}

static void feed_step(struct model *model, int number, const struct model_event *event,
		      struct buf *out)
{
	const struct model_step *step = happening(model, number);
	struct key *key = key_of(model, event, number == 0);
	uint32_t at;

	if (!key)
		return;
	drop_old(model, key, event->time);
	at = choose(model, key, number, true, event);
	if (at == key->run_count)
		at = choose(model, key, number, false, event);
	if (at == key->run_count) {
		if (number || (key->blocked && event->time <= key->blocked))
			return;
		new_run(key);
	}
	to_front(key, at);
	struct run *run = &key->runs[0];

	run->stage = number;
	run->last = event->time;
	run->serial = model->serial;
	add(&run->steps[number], event, model->serial);
	if (step->max && run->steps[number].count > step->max) {
		remove_run(key, 0);
		return;
	}
	slide(model, run, event->time);
	limit(model, key);
	if (number == model->happen_count - 1 && run->steps[number].count >= step->min)
		finished(model, key, out);
}

static uint64_t absent_until(const struct model *model, const struct model_step *step,
			     const struct run *run)
{
	return step->within_previous ? run->last + step->within_previous
				     : first_of(model, run) + model->rule.within;
}

static void feed_absent(struct model *model, const struct model_step *step, int gap,
			const struct model_event *event)
{
	struct key *key = key_of(model, event, gap == 0);

	if (!key)
		return;
	drop_old(model, key, event->time);
	if (!gap)
		key->blocked = MAX(key->blocked,
				   event->time + (step->within_previous ? step->within_previous
									: model->rule.within));
	for (uint32_t i = 0; gap && i < key->run_count;) {
		const struct run *run = &key->runs[i];

		if (run->stage == gap - 1 &&
		    run->steps[gap - 1].count >= happening(model, gap - 1)->min &&
		    run->serial != model->serial &&
		    (!run->done || event->time <= absent_until(model, step, run)) &&
		    refers_right(step, run, event))
			remove_run(key, i);
		else
			i++;
	}
}

static void feed_until(struct model *model, const struct model_event *event)
{
	struct key *key = key_of(model, event, false);

	if (key && !model->rule.any_order)
		drop_old(model, key, event->time);
	for (uint32_t i = 0; key && i < key->run_count;)
		if (key->runs[i].serial != model->serial)
			remove_run(key, i);
		else
			i++;
}

static void feed_any(struct model *model, int number, const struct model_event *event,
		     struct buf *out)
{
	struct key *key = key_of(model, event, true);
	uint64_t since = event->time > model->rule.within ? event->time - model->rule.within : 0;
	bool all = true;

	if (!key)
		return;
	if (!key->run_count)
		new_run(key);
	struct run *run = &key->runs[0];

	run->last = event->time;
	run->serial = model->serial;
	add(&run->steps[number], event, model->serial);
	for (int i = 0; i < model->happen_count; i++) {
		drop_before(&run->steps[i], since);
		keep_last(&run->steps[i], room(happening(model, i)));
		all &= run->steps[i].count >= happening(model, i)->min;
	}
	if (all)
		finished(model, key, out);
}

static void feed_sequence(struct model *model, const struct model_event *event, struct buf *out)
{
	const struct model_rule *rule = &model->rule;
	int gap = 0;

	for (int i = model->happen_count - 1; i >= 0; i--) {
		if (!fits(happening(model, i), event))
			continue;
		if (rule->any_order)
			feed_any(model, i, event, out);
		else
			feed_step(model, i, event, out);
	}
	for (uint32_t i = 0; i < rule->step_count; i++) {
		if (rule->steps[i].absent && fits(&rule->steps[i], event))
			feed_absent(model, &rule->steps[i], gap, event);
		gap += !rule->steps[i].absent;
	}
	if (rule->has_until && fits(&rule->until, event))
		feed_until(model, event);
}

/* ---- time ---------------------------------------- */

/* When nothing has come for a run that waits for that. */
static uint64_t certain(const struct model *model, const struct run *run)
{
	uint64_t at = 0;
	int gap = 0;

	for (uint32_t i = 0; i < model->rule.step_count; i++) {
		const struct model_step *step = &model->rule.steps[i];

		if (step->absent && gap == model->happen_count)
			at = MAX(at, absent_until(model, step, run));
		gap += !step->absent;
	}
	return at;
}

void model_advance(struct model *model, uint64_t now, struct buf *out)
{
	model->now = MAX(model->now, now);
	for (uint32_t i = 0; i < MODEL_KEYS; i++) {
		struct key *key = &model->keys[i];

		if (!key->used)
			continue;
		if (!model->rule.step_count && end_of(model, key) <= model->now)
			close_key(model, key, out);
		for (uint32_t k = 0; k < key->run_count;) {
			const struct run *run = &key->runs[k];

			if (!run->done || certain(model, run) >= model->now) {
				k++;
				continue;
			}
			tell(model, run, "absent", out);
			remove_run(key, k);
		}
	}
}

void model_feed(struct model *model, const struct model_event *event, struct buf *out)
{
	model->serial++;
	if (event->def == 2) {
		assert(model->loss_count < MODEL_EVENTS * 4);
		model->losses[model->loss_count++].time = MAX(event->time, model->now);
	}
	model_advance(model, event->time, out);
	if (event->def == 2)
		return;
	if (model->rule.step_count)
		feed_sequence(model, event, out);
	else
		feed_threshold(model, event, out);
}

/* ---- as YAML ---------------------------------------- */

static const char *const defs[] = { "msgsnd", "msgrcv" };

static void write_by(const struct model_rule *rule, struct buf *out)
{
	const char *comma = "";

	buf_lit(out, "  by: [");
	if (rule->by_pid) {
		buf_lit(out, "process");
		comma = ", ";
	}
	if (rule->by_uid) {
		buf_printf(out, "%suid", comma);
		comma = ", ";
	}
	if (rule->by_value)
		buf_printf(out, "%s'%sgetEventData(\"msgsz\")'", comma, rule->nullable ? "?" : "");
	buf_lit(out, "]\n");
}

static void write_measure(const struct model_measure *m, uint32_t number, struct buf *out)
{
	static const char *const names[] = { "count", "distinct", "sum", "avg", "ratio" };

	buf_printf(out, "  %s: [{name: m%u", names[m->type], number);
	if (m->type == MEASURE_DISTINCT || m->type == MEASURE_SUM || m->type == MEASURE_AVG)
		buf_lit(out, ", of: getEventData(\"msgsz\")");
	else if (m->of >= 0 || m->type == MEASURE_RATIO)
		buf_printf(out, ", of: %s getEventData(\"msqid\") == %d",
			   m->of < 0 ? "true ||" : "", m->of);
	if (m->type == MEASURE_RATIO)
		buf_printf(out, ", to: %s getEventData(\"msqid\") == %d",
			   m->to < 0 ? "true ||" : "", m->to);
	if (m->least >= 0)
		buf_printf(out, ", at_least: %d", m->least);
	if (m->most >= 0)
		buf_printf(out, ", at_most: %d", m->most);
	buf_lit(out, "}]\n");
}

static void write_step(const struct model_step *step, const char *intro, const char *name,
		       struct buf *out)
{
	buf_printf(out, "%s{event: %s, conditions: ['getEventData(\"msqid\") == %u'", intro,
		   defs[step->def], step->kind);
	if (step->refers)
		buf_lit(out, ", 'getEventData(\"msgsz\") == state(\"a.msgsz\")'");
	buf_lit(out, "]");
	if (name)
		buf_printf(out, ", as: %s", name);
	if (step->absent)
		buf_lit(out, ", absent: true");
	if (step->repeats)
		buf_printf(out, ", repeat: {min: %u", step->min);
	if (step->repeats && step->max)
		buf_printf(out, ", max: %u", step->max);
	buf_printf(out, "%s", step->repeats ? "}" : "");
	if (step->within_previous)
		buf_printf(out, ", within_previous: %lluns",
			   (unsigned long long)step->within_previous);
	buf_lit(out, "}\n");
}

static void write_sequence(const struct model_rule *rule, struct buf *out)
{
	bool named = false;

	buf_printf(out, "sequence:\n  within: %lluns\n", (unsigned long long)rule->within);
	write_by(rule, out);
	if (rule->any_order)
		buf_lit(out, "  any_order: true\n");
	if (rule->despite_loss)
		buf_lit(out, "  despite_loss: true\n");
	if (rule->has_until)
		write_step(&rule->until, "  until: ", NULL, out);
	buf_lit(out, "  steps:\n");
	for (uint32_t i = 0; i < rule->step_count; i++) {
		bool name = !rule->steps[i].absent && !named;

		write_step(&rule->steps[i], "    - ", name ? "a" : NULL, out);
		named |= name;
	}
	buf_printf(out, "limits: {partials: %u}\n", rule->partials);
}

void model_write(const struct model_rule *rule, struct buf *out)
{
	buf_lit(out, "type: detector\nid: M\nproduced_event: {name: m, version: 1.0.0}\n"
		     "requirements: {events: [{name: msgsnd}, {name: msgrcv}]}\n");
	if (rule->step_count) {
		write_sequence(rule, out);
		return;
	}
	buf_printf(out, "threshold:\n  window: %lluns\n", (unsigned long long)rule->window);
	write_by(rule, out);
	if (rule->tumbling)
		buf_lit(out, "  kind: tumbling\n");
	if (rule->every)
		buf_printf(out, "  every: %lluns\n", (unsigned long long)rule->every);
	if (rule->closing)
		buf_lit(out, "  closing: true\n");
	for (uint32_t i = 0; i < rule->measure_count; i++)
		write_measure(&rule->measures[i], i, out);
	buf_lit(out, "output:\n  fields:\n");
	for (uint32_t i = 0; i < rule->measure_count; i++)
		buf_printf(out, "    - {name: m%u, expression: state(\"m%u\"), optional: true}\n",
			   i, i);
}
