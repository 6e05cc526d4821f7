/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which test finds a rule. Each rule offers some: its clauses with known atoms, the intervals
 * its comparisons leave of a number, the guards before its conditions. The choice weighs how
 * often a test is met, knowing nothing of the events but what normal_chance says, and what it
 * costs to look at its subject, which all rules that use it share; so it is made in rounds,
 * each knowing who shared what in the round before.
 *
 * Invariant: whatever is chosen must be met for the rule to hold.
 */
#include <errno.h>

#include "base/buf.h"
#include "index_part.h"

enum {
	ROUNDS = 3,
	COST_PROBE = 10, /* ns: a subject's tables */
	COST_OTHER = 6,	 /* a test that no table holds */
	COST_TRY = 12,	 /* trying a rule */
	SHARE_MAX = 16,
	SUBJECTS_MAX = 16, /* of one rule, for its intervals */
};

struct option {
	enum access access;
	uint32_t number;	   /* clause or guard */
	uint32_t subject;	   /* of an interval or guard */
	struct interval range;	   /* of an interval */
	struct normal_atom *atoms; /* of a guard */
};

struct chooser {
	struct builder *builder;
	struct interner tests; /* all tests that were offered */
	uint32_t *shares;      /* rules that offered a test */
	uint32_t *users;       /* of each subject: rules that may use it, or do */
	uint32_t *chosen;
	struct buf key;
	bool failed;
};

/* ---- tests ------------------------------------------------------------------ */

static struct str atom_key(struct chooser *chooser, char what, uint32_t subject,
			   const struct normal_atom *atom)
{
	struct buf *key = &chooser->key;

	buf_clear(key);
	buf_char(key, what);
	buf_add(key, &subject, sizeof(subject));
	buf_char(key, (char)atom->kind);
	buf_char(key, (char)(atom->negated | atom->total << 1 | atom->otherwise << 2));
	buf_add(key, &atom->mask, sizeof(atom->mask));
	normal_key_value(key, atom->constant);
	chooser->failed |= key->truncated;
	return (struct str){ key->data, (uint32_t)key->len };
}

static struct str range_key(struct chooser *chooser, const struct option *option)
{
	struct buf *key = &chooser->key;

	buf_clear(key);
	buf_char(key, 'r');
	buf_add(key, &option->subject, sizeof(option->subject));
	buf_add(key, &option->range.low, sizeof(option->range.low));
	buf_add(key, &option->range.high, sizeof(option->range.high));
	return (struct str){ key->data, (uint32_t)key->len };
}

/* A table can hold it, so that it costs nothing while it is not met. */
bool index_fits_table(const struct normal_atom *atom)
{
	struct bit_test test = { .mask = atom->mask,
				 .bits = atom->constant.u,
				 .other = atom->negated };
	uint64_t bits;
	bool negative;

	switch ((enum atom_kind)atom->kind) {
	case ATOM_EQUAL:
		return !atom->negated &&
		       (atom->constant.tag == VALUE_STRING || atom->constant.tag == VALUE_BOOL ||
			atom->constant.tag == VALUE_NULL ||
			number_of_constant(atom->constant, &bits, &negative));
	case ATOM_TRUTH:
	case ATOM_PREFIX:
	case ATOM_SUFFIX:
	case ATOM_CONTAINS:
	case ATOM_PRESENT: return !atom->negated;
	case ATOM_MASKED:
		return bit_test_fits(&test) && !(atom->total && atom->otherwise != atom->negated);
	default: return false;
	}
}

/* ---- what a rule offers ------------------------------------------------------ */

typedef void (*option_fn)(struct chooser *chooser, const struct option *option, void *ctx);

static bool offers_clause(const struct chooser *chooser, uint32_t number)
{
	const struct cel_index *index = chooser->builder->index;
	const struct index_clause *clause = &index->clauses[number];

	if (!clause->count || clause->normal->negated)
		return false;
	for (uint32_t i = 0; i < clause->count; i++) {
		uint32_t atom = index->clause_atoms[clause->first + i];

		if (!index->subjects[index->atoms[atom].subject].stable)
			return false;
	}
	return true;
}

/* The clause says no more than that its subject is in an interval. */
static bool is_interval(const struct cel_index *index, uint32_t number, uint32_t *subject,
			struct interval *out)
{
	const struct index_clause *clause = &index->clauses[number];
	const struct index_atom *atom;

	if (clause->whole != INDEX_NONE || clause->count != 1 || clause->normal->negated)
		return false;
	atom = &index->atoms[index->clause_atoms[clause->first]];
	*subject = atom->subject;
	return index->subjects[atom->subject].stable && interval_of(&atom->normal, out);
}

static void offer_intervals(struct chooser *chooser, const struct index_rule *rule, option_fn visit,
			    void *ctx)
{
	const struct cel_index *index = chooser->builder->index;
	struct option options[SUBJECTS_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < rule->step_count; i++) {
		struct interval range;
		uint32_t subject, at = 0;

		if (!is_interval(index, index->steps[rule->first_step + i].clause, &subject,
				 &range))
			continue;
		while (at < count && options[at].subject != subject)
			at++;
		if (at == SUBJECTS_MAX)
			continue;
		if (at == count)
			options[count++] = (struct option){ .access = ACCESS_INTERVAL,
							    .subject = subject,
							    .range = range };
		options[at].range.low = MAX(options[at].range.low, range.low);
		options[at].range.high = MIN(options[at].range.high, range.high);
	}
	for (uint32_t i = 0; i < count; i++)
		visit(chooser, &options[i], ctx);
}

/* The subject of a guard; INDEX_NONE: no memory. */
static uint32_t guard_subject(struct chooser *chooser, const struct cel_guard *guard)
{
	struct normal_subject subject = { .kind = SUBJECT_SLOT,
					  .stable = true,
					  .cost = 6,
					  .slot = guard->slot,
					  .text = guard->text },
			      *copy;
	struct node node = { .kind = NODE_SLOT, .slot.number = guard->slot };
	const void *both[2] = { (const void *)guard->get, guard->data };
	struct cel_index *index = chooser->builder->index;
	struct buf key = { 0 };
	uint32_t number;

	if (guard->get) {
		subject.kind = SUBJECT_GETTER;
		subject.cost = 10;
		subject.get = guard->get;
		subject.data = guard->data;
		buf_add(&key, both, sizeof(both));
	} else {
		normal_key(&key, &node);
	}
	subject.key = (struct str){ key.data, (uint32_t)key.len };
	number = key.data ? builder_subject(chooser->builder, &subject) : INDEX_NONE;
	if (number != INDEX_NONE && index->subjects[number].normal == &subject) {
		copy = arena_new(chooser->builder->arena, struct normal_subject);
		subject.key = (struct str){ 0 }; /* lives in the buffer */
		if (copy)
			*copy = subject;
		else
			number = INDEX_NONE;
		index->subjects[MIN(number, index->subject_count - 1)].normal = copy;
	}
	buf_free(&key);
	return number;
}

static struct normal_atom guard_atom(const struct cel_guard_term *term)
{
	static const uint8_t kinds[] = {
		[CEL_TEST_EQUAL] = ATOM_EQUAL,
		[CEL_TEST_PREFIX] = ATOM_PREFIX,
		[CEL_TEST_SUFFIX] = ATOM_SUFFIX,
		[CEL_TEST_CONTAINS] = ATOM_CONTAINS,
	};

	return (struct normal_atom){ .kind = kinds[term->test], .constant = term->constant };
}

static void each_option(struct chooser *chooser, const struct index_rule *rule, option_fn visit,
			void *ctx)
{
	const struct cel_index *index = chooser->builder->index;

	for (uint32_t i = 0; i < rule->source->guard_count; i++) {
		const struct cel_guard *guard = &rule->source->guards[i];
		struct option option = { .access = ACCESS_GUARD, .number = i };

		if (!guard->term_count)
			continue;
		option.subject = guard_subject(chooser, guard);
		if (option.subject == INDEX_NONE)
			chooser->failed = true;
		else
			visit(chooser, &option, ctx);
	}
	offer_intervals(chooser, rule, visit, ctx);
	for (uint32_t i = 0; i < rule->step_count; i++) {
		struct option option = { .access = ACCESS_CLAUSE,
					 .number = index->steps[rule->first_step + i].clause };

		if (offers_clause(chooser, option.number))
			visit(chooser, &option, ctx);
	}
}

/* Calls visit for the tests of an option. */
static void each_test(struct chooser *chooser, const struct index_rule *rule,
		      const struct option *option,
		      void (*visit)(struct chooser *chooser, const struct target *test,
				    struct str key, void *ctx),
		      void *ctx)
{
	const struct cel_index *index = chooser->builder->index;

	if (option->access == ACCESS_INTERVAL) {
		struct target test = { .subject = option->subject,
				       .range = true,
				       .interval = option->range };

		visit(chooser, &test, range_key(chooser, option), ctx);
	} else if (option->access == ACCESS_GUARD) {
		const struct cel_guard *guard = &rule->source->guards[option->number];

		for (uint32_t i = 0; i < guard->term_count; i++) {
			struct target test = { .subject = option->subject,
					       .guard = true,
					       .atom = guard_atom(&guard->terms[i]) };

			visit(chooser, &test, atom_key(chooser, 'g', test.subject, &test.atom),
			      ctx);
		}
	} else {
		const struct index_clause *clause = &index->clauses[option->number];

		for (uint32_t i = 0; i < clause->count; i++) {
			const struct index_atom *atom =
				&index->atoms[index->clause_atoms[clause->first + i]];
			struct target test = { .subject = atom->subject, .atom = atom->normal };

			visit(chooser, &test, atom_key(chooser, 'a', test.subject, &test.atom),
			      ctx);
		}
	}
}

/* ---- weighing ---------------------------------------------------------------- */

static void count_test(struct chooser *chooser, const struct target *test, struct str key,
		       void *ctx)
{
	uint32_t number = intern(&chooser->tests, key), *shares;

	(void)ctx;
	if (number == INDEX_NONE) {
		chooser->failed = true;
		return;
	}
	if (number + 1 == chooser->tests.count) {
		shares = index_grow(chooser->builder->scratch, chooser->shares, number,
				    sizeof(*shares));
		if (!shares) {
			chooser->failed = true;
			return;
		}
		chooser->shares = shares;
	}
	chooser->shares[number]++;
	chooser->users[test->subject]++;
}

static void count_option(struct chooser *chooser, const struct option *option, void *ctx)
{
	each_test(chooser, ctx, option, count_test, NULL);
}

static uint32_t range_chance(const struct interval *range)
{
	if (range->low == INT64_MIN || range->high == INT64_MAX)
		return 450;
	if (range->low > range->high)
		return 0;
	return (uint64_t)range->high - (uint64_t)range->low < 1000 ? 80 : 250;
}

/* Trying a rule: most end at one of the first steps. */
static double cost_of_trying(const struct cel_index *index, const struct index_rule *rule)
{
	double cost = 0;

	for (uint32_t i = 0; i < rule->step_count; i++)
		cost += index->clauses[index->steps[rule->first_step + i].clause].cost;
	return rule->step_count ? COST_TRY + MIN(cost, 1000.0) / 4 : 0;
}

struct weighing {
	const struct index_rule *rule;
	double cost; /* of the option at hand, then of the best */
	double trying;
	struct option best;
	uint32_t subject; /* last one weighed: tests of one option share it */
};

static void weigh_test(struct chooser *chooser, const struct target *test, struct str key,
		       void *ctx)
{
	struct weighing *weighing = ctx;
	const struct index_subject *subject = &chooser->builder->index->subjects[test->subject];
	uint32_t number = intern(&chooser->tests, key);
	uint32_t share = number == INDEX_NONE ? 1 : MAX(chooser->shares[number], 1u);
	double chance = (test->range ? range_chance(&test->interval) : normal_chance(&test->atom)) /
			1000.0;

	weighing->cost += chance * weighing->trying * MIN(share, (uint32_t)SHARE_MAX);
	if (!test->range && !index_fits_table(&test->atom))
		weighing->cost += (double)COST_OTHER / share;
	if (weighing->subject != test->subject)
		weighing->cost += (double)(COST_PROBE + subject->normal->cost) /
				  MAX(chooser->users[test->subject], 1u);
	weighing->subject = test->subject;
}

static void weigh_option(struct chooser *chooser, const struct option *option, void *ctx)
{
	struct weighing *weighing = ctx;
	double best = weighing->cost;

	weighing->cost = 0;
	weighing->subject = INDEX_NONE;
	each_test(chooser, weighing->rule, option, weigh_test, weighing);
	if (weighing->cost < best)
		weighing->best = *option;
	else
		weighing->cost = best;
}

static void use_test(struct chooser *chooser, const struct target *test, struct str key, void *ctx)
{
	(void)key;
	(void)ctx;
	chooser->chosen[test->subject]++;
}

/* ---- taking ------------------------------------------------------------------ */

static void take_test(struct chooser *chooser, const struct target *test, struct str key, void *ctx)
{
	struct builder *builder = chooser->builder;
	struct cel_index *index = builder->index;
	uint32_t number = intern(&builder->targets, key);
	uint32_t rule = (uint32_t)((struct index_rule *)ctx - index->rules), *rules;
	struct target *targets;

	if (number == index->target_count) {
		targets = index_grow(builder->arena, index->targets, number, sizeof(*targets));
		if (!targets) {
			chooser->failed = true;
			return;
		}
		index->targets = targets;
		targets[index->target_count] = *test;
		targets[index->target_count++].twin = INDEX_NONE;
	}
	if (number == INDEX_NONE) {
		chooser->failed = true;
		return;
	}
	targets = &index->targets[number];
	if (targets->count && targets->rules[targets->count - 1] == rule)
		return;
	rules = index_grow(builder->arena, targets->rules, targets->count, sizeof(*rules));
	if (!rules) {
		chooser->failed = true;
		return;
	}
	targets->rules = rules;
	rules[targets->count++] = rule;
}

/* The clause that finds the rule need not be asked again if it is what it was found by. */
static void mark_answered(struct cel_index *index, const struct index_rule *rule, uint32_t clause)
{
	for (uint32_t i = 0; i < rule->step_count; i++) {
		struct index_step *step = &index->steps[rule->first_step + i];

		if (step->clause == clause && index->clauses[clause].whole == INDEX_NONE)
			step->answered = true;
	}
}

static void take_option(struct chooser *chooser, struct index_rule *rule,
			const struct option *option)
{
	struct cel_index *index = chooser->builder->index;

	rule->access = (uint8_t)option->access;
	rule->subject = option->subject;
	rule->range = option->range;
	if (option->access == ACCESS_CLAUSE) {
		rule->clause = option->number;
		mark_answered(index, rule, option->number);
	} else if (option->access == ACCESS_GUARD) {
		rule->guard = option->number;
	}
	if (option->access != ACCESS_ALWAYS)
		each_test(chooser, rule, option, take_test, rule);
}

/* ---- all --------------------------------------------------------------------- */

static struct option choose(struct chooser *chooser, const struct index_rule *rule)
{
	double trying = cost_of_trying(chooser->builder->index, rule);
	struct weighing weighing = {
		.rule = rule, .cost = trying, .trying = trying, .best = { .access = ACCESS_ALWAYS }
	};

	each_option(chooser, rule, weigh_option, &weighing);
	return weighing.best;
}

/* Subjects of guards come to light while options are walked: there is room for them all. */
static uint32_t subject_limit(const struct builder *builder)
{
	uint32_t limit = builder->index->subject_count + 1;

	for (uint32_t i = 0; i < builder->rule_count; i++)
		limit += builder->rules[i].guard_count;
	return limit;
}

static void choose_all(struct chooser *chooser, uint32_t limit)
{
	struct cel_index *index = chooser->builder->index;

	for (uint32_t i = 0; i < index->rule_count; i++)
		each_option(chooser, &index->rules[i], count_option, &index->rules[i]);
	for (int round = 0; round < ROUNDS && !chooser->failed; round++) {
		bool last = round == ROUNDS - 1;

		memset(chooser->chosen, 0, limit * sizeof(*chooser->chosen));
		for (uint32_t i = 0; i < index->rule_count && !chooser->failed; i++) {
			struct option option = choose(chooser, &index->rules[i]);

			if (last)
				take_option(chooser, &index->rules[i], &option);
			else if (option.access != ACCESS_ALWAYS)
				each_test(chooser, &index->rules[i], &option, use_test, NULL);
		}
		memcpy(chooser->users, chooser->chosen, limit * sizeof(*chooser->users));
	}
}

/*
 * A guard may ask for the same text as an atom. They are two targets, as only the guard's is
 * met by what is no text; but a table holds a text once.
 */
static void join_twins(struct chooser *chooser)
{
	struct cel_index *index = chooser->builder->index;

	for (uint32_t i = 0; i < index->target_count && !chooser->failed; i++) {
		struct target *target = &index->targets[i];
		struct str key;
		uint32_t twin;

		if (!target->guard || target->atom.constant.tag != VALUE_STRING)
			continue;
		key = atom_key(chooser, 'a', target->subject, &target->atom);
		twin = chooser->failed ? INDEX_NONE : intern_find(&chooser->builder->targets, key);
		if (twin == INDEX_NONE)
			continue;
		index->targets[twin].twin = i;
		target->shadowed = true;
	}
}

int index_choose(struct builder *builder)
{
	uint32_t limit = subject_limit(builder);
	struct chooser chooser = { .builder = builder, .tests.arena = builder->scratch };

	chooser.users = arena_array(builder->scratch, uint32_t, limit);
	chooser.chosen = arena_array(builder->scratch, uint32_t, limit);
	if (!chooser.users || !chooser.chosen)
		return -ENOMEM;
	choose_all(&chooser, limit);
	if (!chooser.failed)
		join_twins(&chooser);
	buf_free(&chooser.key);
	return chooser.failed ? -ENOMEM : 0;
}
