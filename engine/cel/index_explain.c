/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the index does with a rule, for people: `spoor check --explain-plan`. Costs are
 * estimates in ns, from the same figures that index_choose.c weighs.
 */
#include "base/buf.h"
#include "index_part.h"

enum { TEXT_MAX = 90, COST_PROBE = 10, COST_TRY = 12 };

/* ---- words -------------------------------------------------------------------- */

/* How tests of this kind are answered for all rules at once. */
static const char *method_of(const struct target *target)
{
	static const char *const methods[ATOM_KIND_COUNT] = {
		[ATOM_EQUAL] = "hash",
		[ATOM_TRUTH] = "value",
		[ATOM_PREFIX] = "prefix tree",
		[ATOM_SUFFIX] = "suffix tree",
		[ATOM_CONTAINS] = "Aho-Corasick",
		[ATOM_MASKED] = "bits",
		[ATOM_PRESENT] = "presence",
	};

	if (target->range)
		return "range tree";
	return index_fits_table(&target->atom) ? methods[target->atom.kind] : "one by one";
}

/* One line of source, blanks run together. */
static void put_text(struct buf *out, struct str text)
{
	bool blank = false;
	uint32_t put = 0;

	for (uint32_t i = 0; i < text.len && put < TEXT_MAX; i++) {
		if ((unsigned char)text.data[i] <= ' ') {
			blank = put > 0;
			continue;
		}
		if (blank)
			buf_char(out, ' ');
		buf_char(out, text.data[i]);
		put += 1u + blank;
		blank = false;
	}
	if (put >= TEXT_MAX)
		buf_printf(out, "...");
}

/* Something that is asked to be false. */
static void put_clause(struct buf *out, const struct normal_clause *clause)
{
	bool compound = memchr(clause->text.data, ' ', clause->text.len) != NULL;

	if (!clause->want)
		buf_printf(out, compound ? "!(" : "!");
	put_text(out, clause->text);
	if (!clause->want && compound)
		buf_char(out, ')');
}

/* The code that a clause runs; NULL: none. */
static const struct normal_subject *code_of(const struct index_clause *clause)
{
	const struct normal_subject *subject = clause->normal->whole;

	if (!subject && clause->count)
		subject = clause->normal->atoms[0].subject;
	return subject && subject->kind == SUBJECT_PROGRAM ? subject : NULL;
}

/* ---- who shares what ------------------------------------------------------------ */

/* The subject by which a rule is found; INDEX_NONE: it is always tried. */
static uint32_t found_by(const struct cel_index *index, const struct index_rule *rule)
{
	const struct index_clause *clause = &index->clauses[rule->clause];

	if (rule->access == ACCESS_ALWAYS)
		return INDEX_NONE;
	return rule->access == ACCESS_CLAUSE
		       ? index->atoms[index->clause_atoms[clause->first]].subject
		       : rule->subject;
}

static const struct probe *probe_of(const struct cel_index *index, uint32_t subject)
{
	for (uint32_t i = 0; i < index->probe_count; i++)
		if (index->probes[i].subject == subject)
			return &index->probes[i];
	return NULL;
}

/* A target of the rule, to say how it is found. */
static const struct target *target_of(const struct cel_index *index, uint32_t rule, uint32_t *count)
{
	const struct target *found = NULL;

	*count = 0;
	for (uint32_t i = 0; i < index->target_count; i++) {
		const struct target *target = &index->targets[i];

		for (uint32_t k = 0; k < target->count; k++)
			if (target->rules[k] == rule) {
				found = target;
				++*count;
			}
	}
	return found;
}

/* ---- a rule ---------------------------------------------------------------------- */

static void put_range(const struct index_rule *rule, struct buf *out)
{
	if (rule->range.low != INT64_MIN)
		buf_printf(out, " from %lld", (long long)rule->range.low);
	if (rule->range.high != INT64_MAX)
		buf_printf(out, " to %lld", (long long)rule->range.high);
}

static void put_access(const struct cel_index *index, uint32_t number, const char *indent,
		       struct buf *out)
{
	const struct index_rule *rule = &index->rules[number];
	uint32_t subject = found_by(index, rule), tests;
	const struct target *target = target_of(index, number, &tests);
	const struct probe *probe = subject == INDEX_NONE ? NULL : probe_of(index, subject);

	if (!target || !probe) {
		buf_printf(
			out,
			"%stried on every event, which costs less than to look up what it asks for\n",
			indent);
		return;
	}
	buf_printf(out, "%sfound by  ", indent);
	if (rule->access == ACCESS_CLAUSE)
		put_clause(out, index->clauses[rule->clause].normal);
	else if (rule->access == ACCESS_GUARD)
		buf_printf(out, "its filter");
	else
		put_text(out, index->subjects[subject].normal->text);
	if (rule->access == ACCESS_INTERVAL)
		put_range(rule, out);
	buf_printf(out, "\n%s          %s of ", indent, method_of(target));
	put_text(out, index->subjects[subject].normal->text);
	buf_printf(out, ", looked at once for %u rule%s", probe->rules,
		   probe->rules == 1 ? "" : "s");
	if (tests > 1)
		buf_printf(out, "; %u tests, any will do", tests);
	buf_char(out, '\n');
}

static void put_step(const struct cel_index *index, const struct index_step *step,
		     const char *indent, struct buf *out)
{
	const struct index_clause *clause = &index->clauses[step->clause];
	const struct normal_subject *code = code_of(clause);

	buf_printf(out, "%s%s  ", indent, code ? "residual" : "tested  ");
	put_clause(out, clause->normal);
	buf_printf(out, "\n%s          ", indent);
	if (code)
		buf_printf(out, "%u instructions%s", code->program->code_count,
			   code->stable ? " at most once an event, for all rules"
					: " each time, as it asks what may change");
	if (code && !clause->normal->whole && clause->count > 1)
		buf_printf(out, ", then ");
	if (clause->choice)
		buf_printf(out, "one look-up among %u constants", clause->count);
	else if (!code || (!clause->normal->whole && clause->count > 1))
		buf_printf(out, "%u comparison%s", clause->count, clause->count == 1 ? "" : "s");
	buf_printf(out, ", about %u ns\n", clause->cost);
}

/* What one event costs: the rule's share of looking, and trying it. */
void cel_index_cost(const struct cel_index *index, uint32_t number, struct cel_cost *out)
{
	const struct index_rule *rule = &index->rules[number];
	uint32_t subject = found_by(index, rule);
	const struct probe *probe = subject == INDEX_NONE ? NULL : probe_of(index, subject);

	*out = (struct cel_cost){ .found = COST_TRY, .indexed = probe != NULL };
	for (uint32_t i = 0; i < rule->step_count; i++) {
		const struct index_step *step = &index->steps[rule->first_step + i];

		if (!step->answered)
			out->found += index->clauses[step->clause].cost;
	}
	if (!probe)
		return;
	out->event = (double)(COST_PROBE + index->subjects[subject].normal->cost) /
		     MAX(probe->rules, 1u);
	out->by = rule->access == ACCESS_CLAUSE ? index->clauses[rule->clause].normal->text
						: index->subjects[subject].normal->text;
}

static void put_cost(const struct cel_index *index, uint32_t number, const char *indent,
		     struct buf *out)
{
	struct cel_cost cost;

	cel_index_cost(index, number, &cost);
	if (cost.indexed)
		buf_printf(out, "%scost      about %.1f ns an event, %u more when found\n", indent,
			   cost.event, cost.found);
	else
		buf_printf(out, "%scost      about %u ns an event\n", indent, cost.found);
}

void cel_index_explain(const struct cel_index *index, uint32_t number, const char *indent,
		       struct buf *out)
{
	const struct index_rule *rule = &index->rules[number];

	put_access(index, number, indent, out);
	for (uint32_t i = 0; i < rule->step_count; i++) {
		const struct index_step *step = &index->steps[rule->first_step + i];

		if (!step->answered)
			put_step(index, step, indent, out);
	}
	put_cost(index, number, indent, out);
}

/* ---- all rules --------------------------------------------------------------------- */

static void put_probe(const struct cel_index *index, const struct probe *probe, const char *indent,
		      struct buf *out)
{
	static const char *const methods[] = { "hash",	       "prefix tree", "suffix tree",
					       "Aho-Corasick", "range tree",  "bits",
					       "value",	       "presence",    "one by one" };
	const char *separator = ": ";

	buf_printf(out, "%s", indent);
	put_text(out, index->subjects[probe->subject].normal->text);
	buf_printf(out, " finds %u rule%s", probe->rules, probe->rules == 1 ? "" : "s");
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		uint32_t count = 0;

		for (uint32_t k = 0; k < index->target_count; k++)
			count += index->targets[k].subject == probe->subject &&
				 strcmp(method_of(&index->targets[k]), methods[i]) == 0;
		if (count)
			buf_printf(out, "%s%s %u", separator, methods[i], count);
		if (count)
			separator = ", ";
	}
	buf_char(out, '\n');
}

void cel_index_summary(const struct cel_index *index, const char *indent, struct buf *out)
{
	uint32_t always = 0;

	for (uint32_t i = 0; i < index->always_count; i++)
		always += (uint32_t)__builtin_popcountll(index->always[i].bits);
	for (uint32_t i = 0; i < index->probe_count; i++)
		put_probe(index, &index->probes[i], indent, out);
	if (always)
		buf_printf(out, "%s%u rule%s tried on every event\n", indent, always,
			   always == 1 ? "" : "s");
}
