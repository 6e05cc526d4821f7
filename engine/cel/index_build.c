/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building an index: subjects, atoms and clauses of all rules are numbered, equal ones once;
 * each rule becomes a list of steps, clauses in the order of its conditions.
 */
#include <errno.h>

#include "base/buf.h"
#include "index_part.h"

/* ---- subjects -------------------------------------------------------------- */

uint32_t builder_subject(struct builder *builder, const struct normal_subject *normal)
{
	struct cel_index *index = builder->index;
	struct str key = normal->key.data ? normal->key
					  : (struct str){ (const char *)&normal, sizeof(normal) };
	uint32_t number = intern(&builder->subjects, key), parent = INDEX_NONE;
	struct index_subject *subjects;

	if (number == INDEX_NONE || number < index->subject_count)
		return number;
	subjects = index_grow(builder->arena, index->subjects, number, sizeof(*subjects));
	if (!subjects)
		return INDEX_NONE;
	index->subjects = subjects;
	index->subject_count++;
	subjects[number] =
		(struct index_subject){ .normal = normal,
					.parent = INDEX_NONE,
					.kind = normal->kind,
					.slot = normal->kind == SUBJECT_SLOT ? normal->slot : 0,
					.stable = normal->stable };
	if (normal->kind == SUBJECT_FIELD || normal->kind == SUBJECT_SELECT) {
		parent = builder_subject(builder, normal->parent);
		if (parent == INDEX_NONE)
			return INDEX_NONE;
		index->subjects[number].parent = parent;
	}
	return number;
}

/* ---- atoms ------------------------------------------------------------------ */

static uint32_t add_atom(struct builder *builder, const struct normal_atom *normal)
{
	struct cel_index *index = builder->index;
	uint32_t subject = builder_subject(builder, normal->subject), number;
	struct buf key = { 0 };
	struct index_atom *atoms;

	if (subject == INDEX_NONE)
		return INDEX_NONE;
	buf_add(&key, &subject, sizeof(subject));
	buf_char(&key, (char)normal->kind);
	buf_char(&key, (char)(normal->negated | normal->total << 1 | normal->otherwise << 2));
	buf_add(&key, &normal->mask, sizeof(normal->mask));
	normal_key_value(&key, normal->constant);
	number = key.truncated
			 ? INDEX_NONE
			 : intern(&builder->atoms, (struct str){ key.data, (uint32_t)key.len });
	buf_free(&key);
	if (number == INDEX_NONE || number < index->atom_count)
		return number;
	atoms = index_grow(builder->arena, index->atoms, number, sizeof(*atoms));
	if (!atoms)
		return INDEX_NONE;
	index->atoms = atoms;
	atoms[index->atom_count++] = (struct index_atom){ *normal, subject };
	return number;
}

/* ---- clauses ---------------------------------------------------------------- */

enum { CLAUSE_HEAD = 3 }; /* words of a clause's key before its atoms */

static bool put_clause(struct builder *builder, const struct normal_clause *normal,
		       const uint32_t *words, uint32_t whole)
{
	struct cel_index *index = builder->index;
	struct index_clause *clauses = index_grow(builder->arena, index->clauses,
						  index->clause_count, sizeof(*clauses));
	uint32_t count = normal->count, cost = 0;

	if (!clauses)
		return false;
	index->clauses = clauses;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t *atoms = index_grow(builder->arena, index->clause_atoms,
					     builder->clause_atom_count, sizeof(*atoms));

		if (!atoms)
			return false;
		index->clause_atoms = atoms;
		atoms[builder->clause_atom_count++] = words[CLAUSE_HEAD + i];
		cost += 3 + (i ? 0 : normal->atoms[0].subject->cost);
	}
	if (count >= CHOICE_MIN)
		cost = 8 + normal->atoms[0].subject->cost;
	if (whole != INDEX_NONE)
		cost = normal->whole->cost;
	clauses[index->clause_count++] = (struct index_clause){
		.normal = normal,
		.first = builder->clause_atom_count - count,
		.count = count,
		.whole = whole,
		.cost = (uint16_t)MIN(cost, (uint32_t)UINT16_MAX),
		.memo = whole == INDEX_NONE && count > 2,
	};
	return true;
}

/* Its number; INDEX_NONE: no memory. */
static uint32_t add_clause(struct builder *builder, const struct normal_clause *normal)
{
	struct cel_index *index = builder->index;
	uint32_t size = CLAUSE_HEAD + normal->count, number;
	uint32_t *words = arena_array(builder->scratch, uint32_t, size);
	uint32_t whole = INDEX_NONE;

	if (!words)
		return INDEX_NONE;
	if (normal->whole) {
		whole = builder_subject(builder, normal->whole);
		if (whole == INDEX_NONE)
			return INDEX_NONE;
	}
	words[0] = whole;
	words[1] = normal->negated;
	words[2] = normal->want;
	for (uint32_t i = 0; i < normal->count; i++) {
		words[CLAUSE_HEAD + i] = add_atom(builder, &normal->atoms[i]);
		if (words[CLAUSE_HEAD + i] == INDEX_NONE)
			return INDEX_NONE;
	}
	number = intern(&builder->clauses,
			(struct str){ (const char *)words, size * (uint32_t)sizeof(*words) });
	if (number == INDEX_NONE || number < index->clause_count)
		return number;
	return put_clause(builder, normal, words, whole) ? number : INDEX_NONE;
}

/* ---- rules ------------------------------------------------------------------ */

/* The atom that is all of a clause. */
static uint32_t only_atom(const struct cel_index *index, uint32_t number)
{
	const struct index_clause *clause = &index->clauses[number];
	bool is_atom = clause->whole == INDEX_NONE && clause->count == 1 &&
		       !clause->normal->negated;

	return is_atom ? index->clause_atoms[clause->first] : INDEX_NONE;
}

static bool add_step(struct builder *builder, struct index_rule *rule, uint32_t clause,
		     uint32_t condition)
{
	struct cel_index *index = builder->index;
	struct index_step *steps = index_grow(builder->arena, index->steps, index->step_count,
					      sizeof(*steps));
	uint32_t at = index->step_count;

	if (!steps)
		return false;
	index->steps = steps;
	/* Cheap ones first, within the condition: their order does not matter there. */
	for (; at > rule->first_step && steps[at - 1].condition == condition &&
	       index->clauses[steps[at - 1].clause].cost > index->clauses[clause].cost;
	     at--)
		steps[at] = steps[at - 1];
	steps[at] = (struct index_step){ .clause = clause,
					 .atom = only_atom(index, clause),
					 .condition = (uint16_t)condition };
	index->step_count++;
	rule->step_count++;
	return true;
}

/* A program that was not compiled as a condition: a clause of unknown contents. */
static const struct cel_normal *opaque_form(struct builder *builder,
					    const struct cel_program *program)
{
	struct normal_subject *subject = arena_new(builder->arena, struct normal_subject);
	struct normal_clause *clause = arena_new(builder->arena, struct normal_clause);
	struct cel_normal *normal = arena_new(builder->arena, struct cel_normal);

	if (!subject || !clause || !normal)
		return NULL;
	*subject =
		(struct normal_subject){ .kind = SUBJECT_PROGRAM, .program = program, .cost = 50 };
	*clause = (struct normal_clause){ .whole = subject, .want = true };
	*normal = (struct cel_normal){ clause, 1 };
	return normal;
}

static bool add_rule(struct builder *builder, uint32_t number)
{
	struct cel_index *index = builder->index;
	const struct cel_rule *source = &builder->rules[number];
	struct index_rule *rule = &index->rules[number];

	*rule = (struct index_rule){ .first_step = index->step_count,
				     .source = source,
				     .condition_count = source->condition_count };
	for (uint32_t i = 0; i < source->condition_count; i++) {
		const struct cel_normal *normal = source->conditions[i]->normal;

		if (!normal)
			normal = opaque_form(builder, source->conditions[i]);
		if (!normal || i > UINT16_MAX)
			return false;
		for (uint32_t k = 0; k < normal->count; k++) {
			uint32_t clause = add_clause(builder, &normal->clauses[k]);

			if (clause == INDEX_NONE || !add_step(builder, rule, clause, i))
				return false;
		}
	}
	return true;
}

/* ---- all -------------------------------------------------------------------- */

static int collect_always(struct builder *builder)
{
	struct cel_index *index = builder->index;

	for (uint32_t i = 0; i < index->rule_count; i++) {
		struct word *always;

		if (index->rules[i].access != ACCESS_ALWAYS)
			continue;
		if (!index->always_count || index->always[index->always_count - 1].at != i / 64) {
			always = index_grow(builder->arena, index->always, index->always_count,
					    sizeof(*always));
			if (!always)
				return -ENOMEM;
			index->always = always;
			always[index->always_count++].at = i / 64;
		}
		index->always[index->always_count - 1].bits |= 1ULL << (i % 64);
	}
	return 0;
}

static int make_choices(struct builder *builder)
{
	for (uint32_t i = 0; i < builder->index->clause_count; i++) {
		struct index_clause *clause = &builder->index->clauses[i];
		int code = choice_new(builder, clause, &clause->choice);

		if (code)
			return code;
	}
	return 0;
}

static int build(struct builder *builder)
{
	struct cel_index *index = builder->index;
	int code;

	for (uint32_t i = 0; i < builder->rule_count; i++)
		if (!add_rule(builder, i))
			return -ENOMEM;
	code = make_choices(builder);
	if (!code)
		code = index_choose(builder);
	if (!code)
		code = index_probes(builder);
	if (!code)
		code = collect_always(builder);
	(void)index;
	return code;
}

int cel_index_new(const struct cel_rule *rules, uint32_t count, struct arena *arena,
		  const struct cel_index **out)
{
	struct arena scratch = { .limit = 0 };
	struct builder builder = { .index = arena_new(arena, struct cel_index),
				   .arena = arena,
				   .scratch = &scratch,
				   .rules = rules,
				   .rule_count = count };
	int code = -ENOMEM;

	builder.subjects.arena = builder.atoms.arena = &scratch;
	builder.clauses.arena = builder.targets.arena = &scratch;
	if (builder.index) {
		builder.index->rule_count = count;
		builder.index->rules = arena_array(arena, struct index_rule, count + 1);
	}
	if (builder.index && builder.index->rules)
		code = build(&builder);
	arena_free(&scratch);
	if (!code)
		*out = builder.index;
	return code;
}

struct cel_match *cel_match_new(const struct cel_index *const *indexes, uint32_t count,
				struct arena *arena)
{
	struct cel_match *match = arena_new(arena, struct cel_match);
	uint32_t subjects = 1, clauses = 1, targets = 1, rules = 1;

	for (uint32_t i = 0; i < count; i++) {
		subjects = MAX(subjects, indexes[i]->subject_count);
		clauses = MAX(clauses, indexes[i]->clause_count);
		targets = MAX(targets, indexes[i]->target_count);
		rules = MAX(rules, indexes[i]->rule_count);
	}
	if (!match)
		return NULL;
	match->stamp_counts[0] = subjects;
	match->stamp_counts[1] = clauses;
	match->stamp_counts[2] = targets;
	match->subject_stamps = arena_array(arena, uint32_t, subjects);
	match->clause_stamps = arena_array(arena, uint32_t, clauses);
	match->target_stamps = arena_array(arena, uint32_t, targets);
	match->values = arena_array(arena, struct value, subjects);
	match->verdicts = arena_array(arena, uint8_t, clauses);
	match->words = arena_array(arena, uint64_t, rules / 64 + 1);
	match->summary = arena_array(arena, uint64_t, rules / 4096 + 1);
	return match->subject_stamps && match->clause_stamps && match->target_stamps &&
			       match->values && match->verdicts && match->words && match->summary
		       ? match
		       : NULL;
}
