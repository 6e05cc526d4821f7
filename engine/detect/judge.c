/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warnings of `spoor check` about a detector that compiles: filters and conditions that always
 * or never hold, and what is therefore never asked. Only what is certain is said.
 */
#include "judge.h"

#include <errno.h>
#include <math.h>

#include "cel/judge.h"

enum { FINDINGS_MAX = 64, WHAT_MAX = 600 };

/* What cel_judge found for one of the events that a detector reads. */
struct findings {
	struct cel_finding items[FINDINGS_MAX];
	uint32_t count;
};

struct judged {
	struct loader *loader;
	struct report *report;
	const struct detector *detector;
	const struct detector_text *text;
	struct findings *findings; /* one per input */
};

/* ---- filters ------------------------------------------------------------------------------ */

static struct str field_of(struct str filter)
{
	struct str field, expression;

	filter_split(filter, &field, &expression);
	return field;
}

/* The filters of one field are judged together, where the last of them stands. */
static bool is_last_of(const struct texts *texts, uint32_t index)
{
	struct str field = field_of(texts->items[index]->text);

	for (uint32_t i = index + 1; i < texts->count; i++)
		if (str_equal(field, field_of(texts->items[i]->text)))
			return false;
	return true;
}

static void judge_filters(struct judged *judged, const struct filters *filters,
			  const struct texts *texts, bool data)
{
	for (uint32_t i = 0; i < texts->count; i++) {
		const struct yaml_node *node = texts->items[i];
		enum filter_judgement judgement;
		char why[FILTER_WHY_MAX];

		if (!is_last_of(texts, i))
			continue;
		judgement = data ? filters_judge_data(filters, field_of(node->text), why)
				 : filters_judge_scope(filters, field_of(node->text), why);
		filter_warn(judged->report, node, judgement, why);
	}
}

/* ---- what is known of fields -------------------------------------------------------------- */

static uint8_t kinds_of(uint8_t type)
{
	switch (type) {
	case FIELD_i32:
	case FIELD_u32:
	case FIELD_u16:
	case FIELD_i64:
	case FIELD_u64:
	case FIELD_pointer:
	case FIELD_time: return CEL_KIND_WHOLE;
	case FIELD_bool: return CEL_KIND_BOOL;
	case FIELD_timespec: return CEL_KIND_DOUBLE;
	case FIELD_str: return CEL_KIND_TEXT;
	case FIELD_none: return CEL_KIND_ANY;
	default: return CEL_KIND_OTHER;
	}
}

/* The filters on a field, as they are written. */
static struct str filters_text(struct arena *arena, const struct texts *texts, struct str field)
{
	struct str found = STR("");

	for (uint32_t i = 0; i < texts->count; i++) {
		struct str text = texts->items[i]->text;
		char *both;

		if (!str_equal(field_of(text), field))
			continue;
		if (!found.len) {
			found = text;
			continue;
		}
		both = arena_alloc(arena, (size_t)found.len + text.len + 3);
		if (!both)
			return found;
		found.len = (uint32_t)snprintf(both, (size_t)found.len + text.len + 3, "%.*s, %.*s",
					       (int)found.len, found.data, (int)text.len,
					       text.data);
		found.data = both;
	}
	return found;
}

static void set_terms(struct cel_domain *domain, const struct filter_need *need,
		      struct arena *arena)
{
	static const uint8_t tests[] = {
		[STRING_EXACT] = CEL_TEST_EQUAL,
		[STRING_PREFIX] = CEL_TEST_PREFIX,
		[STRING_SUFFIX] = CEL_TEST_SUFFIX,
		[STRING_CONTAINS] = CEL_TEST_CONTAINS,
	};
	struct cel_guard_term *terms = arena_array(arena, struct cel_guard_term, need->count + 1);

	for (uint32_t i = 0; terms && i < need->count; i++) {
		bool number = need->terms[i].value.tag != VALUE_STRING;

		/* A term of text says nothing about numbers, nor the other way round. */
		if (domain->kinds != (number ? CEL_KIND_WHOLE : CEL_KIND_TEXT))
			return;
		terms[i] = (struct cel_guard_term){ tests[need->terms[i].form],
						    need->terms[i].value };
	}
	domain->terms = terms;
	domain->term_count = terms ? need->count : 0;
}

/* A field of the event, behind the filters of the input. */
static void make_domain(const struct input *input, const struct texts *filters, int field,
			struct arena *arena, struct cel_domain *out)
{
	const struct event_field *known = &input->def->fields[field];
	struct filter_need *needs;
	uint32_t count;

	out->kinds = kinds_of(known->type);
	if (known->type == FIELD_none)
		return;
	filters_span(input->filters, (uint32_t)field, &out->low, &out->high);
	out->why = filters_text(arena, filters, str_of(known->name));
	if (field >= 64 || !(filters_fields(input->filters) >> field & 1)) {
		out->kinds |= CEL_KIND_NULL;
		return;
	}
	if (filters_needs(input->filters, arena, &needs, &count))
		return;
	for (uint32_t i = 0; i < count; i++)
		if (needs[i].field == field && !needs[i].scope)
			set_terms(out, &needs[i], arena);
}

/* One per slot; the caller frees them. */
static struct cel_domain *make_domains(struct judged *judged, uint32_t number)
{
	const struct ruleset *ruleset = judged->loader->ruleset;
	const struct input *input = &judged->detector->inputs[number];
	const struct input_text *texts = judged->text->requirements.events.items;
	struct arena *arena = &judged->loader->tree;
	/* Not of the arena, whose memory is not aligned for long double. */
	struct cel_domain *domains = calloc(ruleset->slot_count + 1, sizeof(*domains));

	for (uint32_t slot = 0; domains && slot < ruleset->slot_count; slot++) {
		int field = event_field_index(input->def, ruleset->slots[slot]);

		domains[slot] = (struct cel_domain){ .slot = slot,
						     .kinds = CEL_KIND_NULL,
						     .low = -HUGE_VALL,
						     .high = HUGE_VALL,
						     .why = STR("") };
		if (ruleset->refs && ruleset->refs[slot].kind)
			domains[slot].kinds = CEL_KIND_ANY;
		else if (field >= 0)
			make_domain(input, &texts[number].data_filters, field, arena,
				    &domains[slot]);
	}
	return domains;
}

/* ---- findings ----------------------------------------------------------------------------- */

static void keep(void *ctx, const struct cel_finding *finding)
{
	struct findings *findings = ctx;

	if (findings->count < FINDINGS_MAX)
		findings->items[findings->count++] = *finding;
}

static const struct cel_finding *find(const struct findings *findings,
				      const struct cel_finding *like)
{
	for (uint32_t i = 0; i < findings->count; i++) {
		const struct cel_finding *f = &findings->items[i];

		if (f->condition == like->condition && f->part == like->part &&
		    (f->judgement == CEL_NEVER) == (like->judgement == CEL_NEVER))
			return f;
	}
	return NULL;
}

static const struct cel_finding *never_of(const struct findings *findings)
{
	for (uint32_t i = 0; i < findings->count; i++)
		if (findings->items[i].judgement == CEL_NEVER)
			return &findings->items[i];
	return NULL;
}

/* Conditions are numbered as they are asked, and shown as they are written. */
static uint32_t written(const struct judged *judged, uint32_t condition)
{
	return judged->detector->conditions[condition].number;
}

/* Points at the part of the condition. */
static void place(struct judged *judged, const struct cel_finding *f, struct err *err)
{
	const struct yaml_node *node =
		judged->text->conditions.items[written(judged, f->condition)];
	const char *at = f->text.len ? memmem(node->text.data, node->text.len, f->text.data,
					      f->text.len)
				     : NULL;

	yaml_err_offset(
		err, judged->report->file,
		at ? yaml_offset(judged->report->file, node, (uint32_t)(at - node->text.data))
		   : node->start);
}

static void add_reason(const struct judged *judged, const struct cel_finding *f, char *out,
		       size_t size)
{
	const char *verb = f->judgement == CEL_NEVER ? "excludes it" : "says so already";
	int len = (int)MIN(f->why.len, 200u);

	if (f->why_condition >= 0 && (uint32_t)f->why_condition == f->condition)
		snprintf(out, size, ": `%.*s` before it %s", len, f->why.data, verb);
	else if (f->why_condition >= 0)
		snprintf(out, size, ": condition %u, `%.*s`, %s",
			 written(judged, (uint32_t)f->why_condition), len, f->why.data, verb);
	else if (f->why.len)
		snprintf(out, size, ": the filter %.*s %s", len, f->why.data, verb);
	else
		snprintf(out, size, "%s", "");
}

static void tell(struct judged *judged, const struct cel_finding *f, const char *only)
{
	struct err err = { .level = ERR_WARNING,
			   .rule = f->judgement == CEL_NEVER ? "never-true" : "always-true" };
	char what[WHAT_MAX], reason[WHAT_MAX];

	if (f->parts > 1)
		snprintf(what, sizeof(what), "`%.*s` in condition %u", (int)MIN(f->text.len, 300u),
			 f->text.data, written(judged, f->condition));
	else
		snprintf(what, sizeof(what), "condition %u", written(judged, f->condition));
	add_reason(judged, f, reason, sizeof(reason));
	err_set(&err, -EINVAL, "%s %s%s%s%s", what,
		f->judgement == CEL_NEVER    ? "never holds"
		: f->judgement == CEL_ALWAYS ? "always holds"
					     : "always holds where the field is there",
		*only ? " for " : "", only, reason);
	if (f->judgement == CEL_NEVER)
		err_hint(&err, "%s",
			 *only ? "the event need not be required, or the condition is not meant"
			       : "the detector never fires");
	else if (f->judgement == CEL_ALWAYS)
		err_hint(&err, "leave it out, or write what is meant");
	else
		err_hint(&err, "hasData(\"...\") asks whether a field is there");
	place(judged, f, &err);
	report_add(judged->report, NULL, &err);
}

static void unreachable(struct judged *judged, const struct cel_finding *never)
{
	uint32_t next = never->condition + 1, count = judged->detector->condition_count, number;

	if (next >= count)
		return;
	number = written(judged, next);
	report_warning(judged->report, judged->text->conditions.items[number], "unreachable", NULL,
		       "condition %u%s never asked: condition %u never holds", number,
		       next + 1 < count ? " and those behind it are" : " is",
		       written(judged, never->condition));
}

/* Its conditions tell the events apart, so it means to pass some of them over. */
static bool asks_name(const struct judged *judged)
{
	const struct texts *conditions = &judged->text->conditions;

	for (uint32_t i = 0; i < conditions->count; i++)
		if (strstr(conditions->items[i]->text.data, "event.name"))
			return true;
	return false;
}

/* The same for all events the detector reads, or else each for itself. */
static void tell_never(struct judged *judged)
{
	const struct cel_finding *first = never_of(&judged->findings[0]);
	uint32_t inputs = judged->detector->input_count, same = 0;

	for (uint32_t i = 0; i < inputs; i++) {
		same += first && find(&judged->findings[i], first) != NULL;
	}
	for (uint32_t i = 0; i < inputs; i++) {
		const struct cel_finding *never = never_of(&judged->findings[i]);

		if (never && (same < inputs ? !asks_name(judged) : i == 0))
			tell(judged, never,
			     same < inputs ? judged->detector->inputs[i].def->name : "");
	}
	if (first && same == inputs)
		unreachable(judged, first);
}

static void tell_always(struct judged *judged)
{
	const struct findings *first = &judged->findings[0];

	for (uint32_t i = 0; i < first->count; i++) {
		bool all = first->items[i].judgement != CEL_NEVER;

		for (uint32_t k = 1; all && k < judged->detector->input_count; k++)
			all = find(&judged->findings[k], &first->items[i]) != NULL;
		if (all)
			tell(judged, &first->items[i], "");
	}
}

/* ---- the whole ------------------------------------------------------------------------------ */

static void judge_conditions(struct judged *judged)
{
	const struct detector *d = judged->detector;
	struct arena *arena = &judged->loader->tree;
	const struct cel_program **programs = arena_array(arena, const struct cel_program *,
							  d->condition_count + 1);

	judged->findings = arena_array(arena, struct findings, d->input_count);
	if (!programs || !judged->findings)
		return;
	for (uint32_t i = 0; i < d->condition_count; i++)
		programs[i] = d->conditions[i].program;
	for (uint32_t i = 0; i < d->input_count; i++) {
		autoclean(freep) struct cel_domain *domains = make_domains(judged, i);

		if (!domains ||
		    cel_judge(programs, d->condition_count, domains,
			      judged->loader->ruleset->slot_count, keep, &judged->findings[i]))
			return;
	}
	tell_never(judged);
	tell_always(judged);
}

void detector_judge(struct loader *loader, struct report *report, const struct pending *pending)
{
	const struct input_text *inputs = pending->text->requirements.events.items;
	struct judged judged = { .loader = loader,
				 .report = report,
				 .detector = pending->detector,
				 .text = pending->text };

	/* Left out inputs would shift the others. */
	if (!pending->detector->input_count ||
	    pending->detector->input_count != pending->text->requirements.events.count)
		return;
	for (uint32_t i = 0; i < pending->detector->input_count; i++) {
		const struct filters *filters = pending->detector->inputs[i].filters;

		judge_filters(&judged, filters, &inputs[i].data_filters, true);
		judge_filters(&judged, filters, &inputs[i].scope_filters, false);
	}
	judge_conditions(&judged);
}
