/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: all targets on one subject, sorted into tables, so that its value is looked at once
 * for all rules. What a table cannot hold is tested one by one.
 */
#include <errno.h>

#include "index_part.h"

/* ---- asking ------------------------------------------------------------------ */

static void hit_all(struct cel_match *match, const struct target_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		match_hit(match, list->items[i]);
}

/* A guard's test of a value of another kind says nothing: the caller's own test will. */
static bool guard_may_hold(const struct normal_atom *atom, const struct value *value)
{
	if (value->tag == VALUE_NULL)
		return false;
	return value->tag != atom->constant.tag || cel_equal(*value, atom->constant);
}

static bool target_holds(struct cel_match *match, const struct target *target,
			 const struct value *value)
{
	if (target->range)
		return true; /* the rule's own steps decide */
	if (target->guard)
		return guard_may_hold(&target->atom, value);
	return match_atom(match, &target->atom, value) == CEL_TRUE;
}

static void test_each(struct cel_match *match, const struct target_list *list,
		      const struct value *value)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (target_holds(match, &match->index->targets[list->items[i]], value))
			match_hit(match, list->items[i]);
}

static void probe_number(struct cel_match *match, const struct probe *probe,
			 const struct value *value)
{
	if (probe->numbers)
		number_table_probe(probe->numbers, *value, match_hit, match);
	hit_all(match, &probe->odd_texts);
}

static void probe_text(struct cel_match *match, const struct probe *probe,
		       const struct value *value)
{
	if (probe->text)
		text_table_probe(probe->text, value_text(*value), match_hit, match);
	if (probe->search)
		search_probe(probe->search, value_text(*value), match_hit, match);
	hit_all(match, &probe->odd_numbers);
}

void probe_run(struct cel_match *match, const struct probe *probe)
{
	const struct value *value = match_value(match, probe->subject);

	switch ((enum value_tag)value->tag) {
	case VALUE_STRING: probe_text(match, probe, value); break;
	case VALUE_INT:
	case VALUE_UINT: probe_number(match, probe, value); break;
	case VALUE_NULL: hit_all(match, &probe->nulls); break;
	case VALUE_BOOL:
		hit_all(match, value->b ? &probe->trues : &probe->falses);
		hit_all(match, &probe->odd_texts);
		hit_all(match, &probe->odd_numbers);
		break;
	default:
		if (value->tag == VALUE_DOUBLE)
			test_each(match, &probe->numerics, value);
		hit_all(match, &probe->odd_texts);
		hit_all(match, &probe->odd_numbers);
		break;
	}
	if (UNLIKELY(value_is_error(*value)) && probe->all.count) {
		match->unsure = true;
		hit_all(match, &probe->all);
	}
	if (value->tag != VALUE_NULL || value->aux == CEL_PRESENT)
		hit_all(match, &probe->present);
	test_each(match, &probe->others, value);
}

/* ---- building ---------------------------------------------------------------- */

/* Of one subject, while its tables are filled. */
struct filling {
	struct builder *builder;
	struct probe *probe;
	struct literal *texts, *searched;
	uint32_t text_count, searched_count;
	struct number_tests numbers;
	bool failed;
};

static void put(struct filling *filling, struct target_list *list, uint32_t target)
{
	uint32_t *items = index_grow(filling->builder->arena, list->items, list->count,
				     sizeof(*items));

	if (!items) {
		filling->failed = true;
		return;
	}
	list->items = items;
	items[list->count++] = target;
}

#define PUT_TEST(array, counter, ...) \
	do { \
		void *grown = index_grow(filling->builder->scratch, array, counter, \
					 sizeof(*(array))); \
		if (grown) { \
			array = grown; \
			(array)[(counter)++] = (__typeof__(*(array))){ __VA_ARGS__ }; \
		} else { \
			filling->failed = true; \
		} \
	} while (0)

static void put_literal(struct filling *filling, const struct target *target, uint32_t number)
{
	struct str text = value_text(target->atom.constant);

	if (target->guard)
		put(filling, &filling->probe->odd_texts, number);
	if (target->shadowed)
		return;
	if (target->atom.kind == ATOM_CONTAINS)
		PUT_TEST(filling->searched, filling->searched_count, text, target->atom.kind,
			 number);
	else
		PUT_TEST(filling->texts, filling->text_count, text, target->atom.kind, number);
}

static void put_number(struct filling *filling, const struct target *target, uint32_t number)
{
	struct number_tests *numbers = &filling->numbers;
	const struct normal_atom *atom = &target->atom;
	uint64_t bits;
	bool negative;

	if (target->range) {
		PUT_TEST(numbers->intervals, numbers->interval_count, target->interval.low,
			 target->interval.high, number);
	} else if (atom->kind == ATOM_MASKED) {
		PUT_TEST(numbers->bits, numbers->bit_count, atom->mask, atom->constant.u,
			 atom->negated, number);
	} else {
		number_of_constant(atom->constant, &bits, &negative);
		PUT_TEST(numbers->equals, numbers->equal_count, bits, negative, number);
	}
	put(filling, &filling->probe->numerics, number);
	if (target->guard)
		put(filling, &filling->probe->odd_numbers, number);
}

static void put_equal(struct filling *filling, const struct target *target, uint32_t number)
{
	struct value constant = target->atom.constant;

	switch ((enum value_tag)constant.tag) {
	case VALUE_STRING: put_literal(filling, target, number); break;
	case VALUE_NULL: put(filling, &filling->probe->nulls, number); break;
	case VALUE_BOOL:
		put(filling, constant.b ? &filling->probe->trues : &filling->probe->falses, number);
		break;
	default: put_number(filling, target, number); break;
	}
}

static void put_target(struct filling *filling, uint32_t number)
{
	const struct target *target = &filling->builder->index->targets[number];
	bool other = !target->range && !index_fits_table(&target->atom);

	if (filling->builder->index->subjects[target->subject].kind == SUBJECT_PROGRAM)
		put(filling, &filling->probe->all, number);
	if (other || (target->guard && target->atom.constant.tag == VALUE_BOOL)) {
		put(filling, &filling->probe->others, number);
		return;
	}
	if (target->range) {
		put_number(filling, target, number);
		return;
	}
	switch ((enum atom_kind)target->atom.kind) {
	case ATOM_EQUAL:
	case ATOM_TRUTH: put_equal(filling, target, number); break;
	case ATOM_MASKED: put_number(filling, target, number); break;
	case ATOM_PRESENT: put(filling, &filling->probe->present, number); break;
	default: put_literal(filling, target, number); break;
	}
}

static bool make_tables(struct filling *filling)
{
	struct probe *probe = filling->probe;
	struct arena *arena = filling->builder->arena;
	const struct number_tests *numbers = &filling->numbers;
	bool has_numbers = numbers->equal_count || numbers->interval_count || numbers->bit_count;

	if (filling->text_count)
		probe->text = text_table_new(filling->texts, filling->text_count, arena);
	if (filling->searched_count)
		probe->search = search_new(filling->searched, filling->searched_count, arena);
	if (has_numbers)
		probe->numbers = number_table_new(numbers, arena);
	return !filling->failed && !probe->text == !filling->text_count &&
	       !probe->search == !filling->searched_count && !probe->numbers == !has_numbers;
}

/* Targets of each subject, in order. */
static uint32_t *sort_targets(const struct cel_index *index, struct arena *scratch, uint32_t *first)
{
	uint32_t *order = arena_array(scratch, uint32_t, index->target_count + 1);

	if (!order)
		return NULL;
	for (uint32_t i = 0; i < index->target_count; i++)
		first[index->targets[i].subject + 1]++;
	for (uint32_t i = 0; i < index->subject_count; i++)
		first[i + 1] += first[i];
	for (uint32_t i = 0; i < index->target_count; i++)
		order[first[index->targets[i].subject]++] = i;
	memmove(first + 1, first, index->subject_count * sizeof(*first));
	first[0] = 0;
	return order;
}

/* A rule may have several targets on a subject, in any order: each is counted once. */
static uint32_t count_rules(struct builder *builder, const uint32_t *targets, uint32_t count)
{
	const struct cel_index *index = builder->index;
	uint8_t *seen = arena_array(builder->scratch, uint8_t, index->rule_count + 1);
	uint32_t rules = 0;

	for (uint32_t i = 0; seen && i < count; i++) {
		const struct target *target = &index->targets[targets[i]];

		for (uint32_t k = 0; k < target->count; k++) {
			rules += !seen[target->rules[k]];
			seen[target->rules[k]] = true;
		}
	}
	return rules;
}

int index_probes(struct builder *builder)
{
	struct cel_index *index = builder->index;
	uint32_t *first = arena_array(builder->scratch, uint32_t, index->subject_count + 2);
	uint32_t *order = first ? sort_targets(index, builder->scratch, first) : NULL;

	if (!order)
		return -ENOMEM;
	for (uint32_t i = 0; i < index->subject_count; i++) {
		struct probe *probes;
		struct filling filling = { .builder = builder };

		if (first[i] == first[i + 1])
			continue;
		probes = index_grow(builder->arena, index->probes, index->probe_count,
				    sizeof(*probes));
		if (!probes)
			return -ENOMEM;
		index->probes = probes;
		filling.probe = &probes[index->probe_count++];
		filling.probe->subject = i;
		filling.probe->rules = count_rules(builder, order + first[i],
						   first[i + 1] - first[i]);
		for (uint32_t k = first[i]; k < first[i + 1]; k++)
			put_target(&filling, order[k]);
		if (!make_tables(&filling))
			return -ENOMEM;
	}
	return 0;
}
