/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging conditions, see judge.h. Each part of a condition (a clause of its normal form) is
 * compared with what is known by then: the domain of the field, and the parts before, which
 * hold where this one is asked.
 */
#include "judge.h"

#include <errno.h>
#include <math.h>

#include "index_part.h"
#include "judge_part.h"

/* One of the atoms is true; all speak of the same subject. */
struct fact {
	const struct normal_atom *atoms;
	uint32_t count;
	uint32_t condition;
	struct str text;
};

struct judge {
	const struct cel_domain *domains;
	uint32_t domain_count;
	cel_finding_fn found;
	void *ctx;
	struct arena arena;
	struct fact *facts;
	uint32_t fact_count;
	struct cel_finding finding; /* about the part at hand */
};

enum {
	FACTS_MAX = 500,
	ATOMS_MAX = 300, /* of a part; larger ones are not judged, they would take long */
};

static const struct cel_domain anything = { .kinds = CEL_KIND_ANY,
					    .low = -HUGE_VALL,
					    .high = HUGE_VALL };

/* ---- what is known ------------------------------------------------------------------------ */

static bool same_subject(const struct normal_subject *a, const struct normal_subject *b)
{
	return a == b || (a->key.data && a->stable && str_equal(a->key, b->key));
}

/* Known before any condition. Unknown fields, and all that is no field, may be anything. */
static const struct cel_domain *domain_of(const struct judge *judge,
					  const struct normal_subject *subject)
{
	for (uint32_t i = 0; subject->kind == SUBJECT_SLOT && i < judge->domain_count; i++)
		if (judge->domains[i].slot == subject->slot)
			return &judge->domains[i];
	return &anything;
}

/* What is known by itself of the subject rules out this alternative. */
static bool ruled_out(const struct judge *judge, const struct normal_atom *alternative,
		      uint8_t kinds)
{
	for (uint32_t i = 0; i < judge->fact_count; i++) {
		const struct fact *fact = &judge->facts[i];

		if (fact->count == 1 && same_subject(fact->atoms->subject, alternative->subject) &&
		    judge_excludes(fact->atoms, alternative, kinds))
			return true;
	}
	return false;
}

static bool excluded_by(const struct judge *judge, const struct normal_atom *atom,
			const struct fact *fact, uint8_t kinds)
{
	for (uint32_t i = 0; i < fact->count; i++)
		if (!judge_excludes(atom, &fact->atoms[i], kinds) &&
		    (fact->count == 1 || !ruled_out(judge, &fact->atoms[i], kinds)))
			return false;
	return true;
}

/* Notes why for the finding. */
static bool because(struct judge *judge, struct str why, int32_t condition)
{
	judge->finding.why = why;
	judge->finding.why_condition = condition;
	return true;
}

static bool outside_terms(const struct normal_atom *atom, const struct cel_domain *domain)
{
	static const uint8_t kinds[] = {
		[CEL_TEST_EQUAL] = ATOM_EQUAL,
		[CEL_TEST_PREFIX] = ATOM_PREFIX,
		[CEL_TEST_SUFFIX] = ATOM_SUFFIX,
		[CEL_TEST_CONTAINS] = ATOM_CONTAINS,
	};

	for (uint32_t i = 0; i < domain->term_count; i++) {
		struct normal_atom term = { .subject = atom->subject,
					    .kind = kinds[domain->terms[i].test],
					    .constant = domain->terms[i].constant };

		if (!judge_excludes(atom, &term, domain->kinds))
			return false;
	}
	return domain->term_count > 0;
}

/* The atom can not be true where the part at hand is asked. */
static bool is_dead(struct judge *judge, const struct normal_atom *atom)
{
	const struct cel_domain *domain = domain_of(judge, atom->subject);

	if (!atom->subject->stable)
		return false;
	if (judge_outside(atom, domain) || outside_terms(atom, domain))
		return because(judge, domain->why, -1);
	for (uint32_t i = 0; i < judge->fact_count; i++) {
		const struct fact *fact = &judge->facts[i];

		if (same_subject(fact->atoms->subject, atom->subject) &&
		    excluded_by(judge, atom, fact, domain->kinds))
			return because(judge, fact->text, (int32_t)fact->condition);
	}
	return false;
}

/* The kinds that the subject can still have. */
static uint8_t kinds_left(const struct judge *judge, const struct normal_subject *subject)
{
	uint8_t kinds = domain_of(judge, subject)->kinds;

	for (uint32_t i = 0; i < judge->fact_count; i++) {
		const struct fact *fact = &judge->facts[i];
		uint8_t some = 0;

		if (!same_subject(fact->atoms->subject, subject))
			continue;
		for (uint32_t k = 0; k < fact->count; k++)
			some |= judge_kinds(&fact->atoms[k]);
		kinds &= some;
	}
	return kinds;
}

/* ---- one part ----------------------------------------------------------------------------- */

static struct normal_atom opposite(const struct normal_atom *atom)
{
	struct normal_atom other = *atom;

	if (atom->kind == ATOM_TRUTH)
		other.constant = value_bool(!atom->constant.b);
	else
		other.negated = !atom->negated;
	return other;
}

/* What comes of the atom where it is no error: always true, unless null is left. */
static bool always(struct judge *judge, const struct normal_atom *atom)
{
	struct normal_atom not = opposite(atom);
	uint8_t left = kinds_left(judge, atom->subject), faults = judge_faults(atom) & left;

	if (!atom->subject->stable || (faults & ~CEL_KIND_NULL) || (faults && faults == left))
		return false;
	judge->finding.judgement = faults ? CEL_ALWAYS_IF_THERE : CEL_ALWAYS;
	return is_dead(judge, &not );
}

/* a != x || a != y */
static bool always_together(struct judge *judge, const struct normal_atom *a,
			    const struct normal_atom *b)
{
	struct normal_atom not_a = opposite(a), not_b = opposite(b);
	uint8_t left = kinds_left(judge, a->subject);
	uint8_t faults = (judge_faults(a) | judge_faults(b)) & left;

	if (!a->subject->stable || !same_subject(a->subject, b->subject) ||
	    (faults & ~CEL_KIND_NULL) || !judge_excludes(&not_a, &not_b, left))
		return false;
	judge->finding.judgement = faults ? CEL_ALWAYS_IF_THERE : CEL_ALWAYS;
	return because(judge, STR(""), -1);
}

/* An exact disjunction that is true whatever comes. */
static bool is_always(struct judge *judge, const struct normal_clause *clause)
{
	for (uint32_t i = 0; i < clause->count; i++)
		if (always(judge, &clause->atoms[i]))
			return true;
	for (uint32_t i = 0; i < clause->count && clause->count <= 32; i++)
		for (uint32_t k = 0; k < i; k++)
			if (always_together(judge, &clause->atoms[i], &clause->atoms[k]))
				return true;
	return false;
}

static bool is_never(struct judge *judge, const struct normal_clause *clause)
{
	for (uint32_t i = 0; i < clause->count; i++)
		if (!is_dead(judge, &clause->atoms[i]))
			return false;
	return clause->count > 0;
}

static bool one_subject(const struct normal_clause *clause)
{
	for (uint32_t i = 1; i < clause->count; i++)
		if (!same_subject(clause->atoms[0].subject, clause->atoms[i].subject))
			return false;
	return clause->count && clause->atoms[0].subject->stable;
}

static void learn(struct judge *judge, const struct normal_clause *clause)
{
	if (judge->fact_count < FACTS_MAX && one_subject(clause))
		judge->facts[judge->fact_count++] = (struct fact){ clause->atoms, clause->count,
								   judge->finding.condition,
								   clause->text };
}

static void tell(struct judge *judge, enum cel_judgement judgement)
{
	judge->finding.judgement = judgement;
	judge->found(judge->ctx, &judge->finding);
}

/* false: it never holds, so nothing behind it is asked. */
static bool judge_clause(struct judge *judge, const struct normal_clause *clause)
{
	if (is_never(judge, clause)) {
		tell(judge, CEL_NEVER);
		return false;
	}
	if (clause->exact && is_always(judge, clause))
		tell(judge, judge->finding.judgement);
	else
		learn(judge, clause);
	return true;
}

/* "none of these" is each of them not. */
static bool judge_none(struct judge *judge, const struct normal_clause *clause)
{
	struct normal_atom *atoms = arena_array(&judge->arena, struct normal_atom, clause->count);
	uint32_t spare = 0;

	for (uint32_t i = 0; atoms && i < clause->count; i++) {
		struct normal_clause one = {
			.atoms = &atoms[i], .count = 1, .exact = true, .text = clause->text
		};

		atoms[i] = opposite(&clause->atoms[i]);
		if (is_never(judge, &one)) {
			tell(judge, CEL_NEVER);
			return false;
		}
		if (is_always(judge, &one))
			spare++;
		else
			learn(judge, &one);
	}
	if (spare == clause->count)
		tell(judge, judge->finding.judgement);
	return true;
}

/* ---- all of them -------------------------------------------------------------------------- */

static bool judge_condition(struct judge *judge, const struct cel_normal *normal)
{
	if (normal->constant) {
		because(judge, STR(""), -1);
		tell(judge, normal->value ? CEL_ALWAYS : CEL_NEVER);
		return normal->value;
	}
	for (uint32_t i = 0; i < normal->count; i++) {
		const struct normal_clause *clause = &normal->clauses[i];

		judge->finding.part = i;
		judge->finding.parts = normal->count;
		judge->finding.text = clause->text;
		if (clause->count > ATOMS_MAX)
			continue;
		if (!(clause->negated ? judge_none(judge, clause) : judge_clause(judge, clause)))
			return false;
	}
	return true;
}

int cel_judge(const struct cel_program *const *conditions, uint32_t count,
	      const struct cel_domain *domains, uint32_t domain_count, cel_finding_fn found,
	      void *ctx)
{
	struct judge judge = {
		.domains = domains, .domain_count = domain_count, .found = found, .ctx = ctx
	};

	judge.facts = arena_array(&judge.arena, struct fact, FACTS_MAX);
	for (uint32_t i = 0; judge.facts && i < count; i++) {
		judge.finding = (struct cel_finding){ .condition = i, .why_condition = -1 };
		if (conditions[i]->normal && !judge_condition(&judge, conditions[i]->normal))
			break;
	}
	arena_free(&judge.arena);
	return judge.facts ? 0 : -ENOMEM;
}
