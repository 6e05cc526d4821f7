/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matching an event: probes find the rules that may hold, the rest of their steps decides.
 *
 * Invariant: a subject, a clause of several atoms and a target are worked out at most once for
 * an event; stamps that carry another event's number are out of date, so nothing is cleared.
 */
#include "index_part.h"

/* ---- subjects ---------------------------------------------------------------- */

static struct value compute(struct cel_match *match, const struct index_subject *subject)
{
	const struct normal_subject *normal = subject->normal;
	struct cel_run *run = match->run;
	struct value value = value_null();

	switch ((enum subject_kind)subject->kind) {
	case SUBJECT_SLOT: return *run_slot(run, normal->slot);
	case SUBJECT_VARIABLE: vm_variable(run, normal->variable, &value); return value;
	case SUBJECT_FIELD:
		return vm_field(run, *match_value(match, subject->parent), normal->field);
	case SUBJECT_SELECT:
		return value_select(run, *match_value(match, subject->parent), *normal->name);
	case SUBJECT_PROGRAM: return cel_eval(normal->program, run);
	case SUBJECT_GETTER: normal->get(run, normal->data, &value); return value;
	}
	return value;
}

const struct value *match_computed(struct cel_match *match, uint32_t number)
{
	const struct index_subject *subject = &match->index->subjects[number];

	if (match->subject_stamps[number] != match->generation) {
		match->values[number] = compute(match, subject);
		if (subject->stable)
			match->subject_stamps[number] = match->generation;
	}
	return &match->values[number];
}

/* ---- atoms ------------------------------------------------------------------- */

static inline enum cel_verdict verdict_of(bool holds)
{
	return holds ? CEL_TRUE : CEL_FALSE;
}

static enum cel_verdict verdict_of_value(struct value value, bool negated)
{
	return value.tag != VALUE_BOOL ? CEL_FAULT : verdict_of(value.b != negated);
}

static enum cel_verdict test_order(const struct normal_atom *atom, const struct value *value)
{
	static const uint8_t operations[ATOM_KIND_COUNT] = {
		[ATOM_LESS] = OPERATION_less,
		[ATOM_LESS_EQUAL] = OPERATION_less_equal,
		[ATOM_GREATER] = OPERATION_greater,
		[ATOM_GREATER_EQUAL] = OPERATION_greater_equal,
	};

	return verdict_of_value(values_compare(operations[atom->kind], *value, atom->constant),
				atom->negated);
}

static enum cel_verdict test_masked(const struct normal_atom *atom, const struct value *value)
{
	bool holds;

	if (value_is_error(*value))
		return CEL_FAULT;
	if (value->tag == VALUE_INT || value->tag == VALUE_UINT)
		holds = (value->u & atom->mask) == atom->constant.u;
	else if (atom->total)
		holds = atom->otherwise;
	else
		return CEL_FAULT;
	return verdict_of(holds != atom->negated);
}

enum cel_verdict match_atom(struct cel_match *match, const struct normal_atom *atom,
			    const struct value *value)
{
	switch ((enum atom_kind)atom->kind) {
	case ATOM_EQUAL:
		if (value->tag == VALUE_STRING && atom->constant.tag == VALUE_STRING)
			return verdict_of(text_equal(value, &atom->constant) != atom->negated);
		if (value->tag == VALUE_INT && atom->constant.tag == VALUE_INT)
			return verdict_of((value->i == atom->constant.i) != atom->negated);
		match->run->budget = CEL_BUDGET;
		return verdict_of_value(vm_equal(match->run, *value, atom->constant),
					atom->negated);
	case ATOM_TRUTH:
		return value->tag == VALUE_BOOL ? verdict_of(value->b == atom->constant.b)
						: CEL_FAULT;
	case ATOM_PREFIX:
		return verdict_of_value(vm_starts_with(value, &atom->constant), atom->negated);
	case ATOM_SUFFIX:
		return verdict_of_value(vm_ends_with(value, &atom->constant), atom->negated);
	case ATOM_CONTAINS:
		match->run->budget = CEL_BUDGET;
		return verdict_of_value(vm_contains(match->run, value, &atom->constant),
					atom->negated);
	case ATOM_MASKED: return test_masked(atom, value);
	case ATOM_PRESENT: return verdict_of_value(vm_has_slot(value), atom->negated);
	default: return test_order(atom, value);
	}
}

/* ---- clauses ----------------------------------------------------------------- */

/* Any true one, else an error, else false. */
static enum cel_verdict test_atoms(struct cel_match *match, const struct index_clause *clause)
{
	const struct cel_index *index = match->index;
	enum cel_verdict verdict = CEL_FALSE;

	for (uint32_t i = 0; i < clause->count; i++) {
		const struct index_atom *atom =
			&index->atoms[index->clause_atoms[clause->first + i]];
		enum cel_verdict one = match_atom(match, &atom->normal,
						  match_value(match, atom->subject));

		if (one == CEL_TRUE)
			return CEL_TRUE;
		if (one == CEL_FAULT)
			verdict = CEL_FAULT;
	}
	return verdict;
}

static enum cel_verdict test_clause(struct cel_match *match, const struct index_clause *clause)
{
	enum cel_verdict verdict;

	if (clause->whole != INDEX_NONE) {
		const struct value *value = match_value(match, clause->whole);

		return value->tag != VALUE_BOOL ? CEL_FAULT
						: verdict_of(value->b == clause->normal->want);
	}
	const struct value *value = clause->choice ? match_value(match, clause->choice->subject)
						   : NULL;

	if (value && choice_knows(value))
		verdict = choice_test(clause->choice, value);
	else
		verdict = test_atoms(match, clause);
	if (clause->normal->negated && verdict != CEL_FAULT)
		verdict = verdict_of(verdict == CEL_FALSE);
	return verdict;
}

static enum cel_verdict clause_verdict(struct cel_match *match, uint32_t number)
{
	const struct index_clause *clause = &match->index->clauses[number];

	if (!clause->memo)
		return test_clause(match, clause);
	if (match->clause_stamps[number] != match->generation) {
		match->verdicts[number] = (uint8_t)test_clause(match, clause);
		match->clause_stamps[number] = match->generation;
	}
	return match->verdicts[number];
}

/* ---- rules ------------------------------------------------------------------- */

bool match_hit(void *ctx, uint32_t number)
{
	struct cel_match *match = ctx;
	const struct target *target = &match->index->targets[number];

	if (match->target_stamps[number] == match->generation)
		return false;
	match->target_stamps[number] = match->generation;
	for (uint32_t i = 0; i < target->count; i++) {
		uint32_t rule = target->rules[i];

		match->words[rule / 64] |= 1ULL << (rule % 64);
		match->summary[rule / 4096] |= 1ULL << (rule / 64 % 64);
	}
	if (UNLIKELY(target->twin != INDEX_NONE))
		match_hit(match, target->twin);
	return true;
}

/* Numbers begin anew after four thousand million events. */
static void next_generation(struct cel_match *match)
{
	if (++match->generation)
		return;
	memset(match->subject_stamps, 0, match->stamp_counts[0] * sizeof(uint32_t));
	memset(match->clause_stamps, 0, match->stamp_counts[1] * sizeof(uint32_t));
	memset(match->target_stamps, 0, match->stamp_counts[2] * sizeof(uint32_t));
	match->generation = 1;
}

static inline bool next_rule(struct cel_match *match, uint32_t *rule)
{
	uint32_t end = match->index->rule_count / 4096 + 1;

	for (; match->at < end; match->at++) {
		uint64_t *summary = &match->summary[match->at], *word;
		uint32_t at;

		if (!*summary)
			continue;
		at = match->at * 64 + (uint32_t)__builtin_ctzll(*summary);
		word = &match->words[at];
		*rule = at * 64 + (uint32_t)__builtin_ctzll(*word);
		*word &= *word - 1;
		if (!*word)
			*summary &= *summary - 1;
		return true;
	}
	return false;
}

bool cel_match_next(struct cel_match *match, uint32_t *rule)
{
	return next_rule(match, rule);
}

/* What the caller did not ask for of the event before. */
static inline void drop_rest(struct cel_match *match)
{
	uint32_t rule;

	while (match->index && next_rule(match, &rule))
		;
}

void cel_match_start(struct cel_match *match, const struct cel_index *index, struct cel_run *run)
{
	drop_rest(match);
	next_generation(match);
	match->index = index;
	match->run = run;
	match->at = 0;
	match->unsure = false;
	for (uint32_t i = 0; i < index->always_count; i++) {
		uint32_t at = index->always[i].at;

		match->words[at] |= index->always[i].bits;
		match->summary[at / 64] |= 1ULL << (at % 64);
	}
	for (uint32_t i = 0; i < index->probe_count; i++)
		probe_run(match, &index->probes[i]);
}

static inline enum cel_verdict step_verdict(struct cel_match *match, const struct index_step *step)
{
	const struct index_atom *atom;

	if (step->atom == INDEX_NONE)
		return clause_verdict(match, step->clause);
	atom = &match->index->atoms[step->atom];
	return match_atom(match, &atom->normal, match_value(match, atom->subject));
}

enum cel_verdict cel_match_holds(struct cel_match *match, uint32_t number, uint32_t *condition)
{
	const struct cel_index *index = match->index;
	const struct index_rule *rule = &index->rules[number];
	const struct index_step *step = &index->steps[rule->first_step];
	const struct index_step *end = step + rule->step_count;
	bool fault = false;

	for (*condition = 0; step < end; step++) {
		enum cel_verdict verdict;

		if (step->condition != *condition) {
			if (fault)
				return CEL_FAULT;
			*condition = step->condition;
		}
		if (step->answered && LIKELY(!match->unsure))
			continue;
		verdict = step_verdict(match, step);
		if (verdict == CEL_FALSE)
			return CEL_FALSE;
		fault |= verdict == CEL_FAULT;
	}
	if (fault)
		return CEL_FAULT;
	*condition = rule->condition_count;
	return CEL_TRUE;
}
