/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What filters need at least, so that others can tell early that an event will not pass.
 *
 * Invariant: an event that passes has one of the terms of every need. Where that cannot be
 * said in terms (exclusions, ranges) there is no need.
 */
#include <errno.h>

#include "private.h"

struct needs {
	const struct filters *filters;
	struct arena *arena;
	struct filter_need *items;
	uint32_t count;
	bool failed;
};

static struct filter_need *add(struct needs *needs, uint32_t terms)
{
	struct filter_need *need = &needs->items[needs->count];

	*need = (struct filter_need){
		.field = -1, .terms = arena_array(needs->arena, struct filter_term, terms)
	};
	if (!need->terms) {
		needs->failed = true;
		return NULL;
	}
	needs->count++;
	return need;
}

/* NULL: nothing is needed, or no memory. */
static struct filter_need *add_texts(struct needs *needs, const struct string_filter *filter)
{
	struct filter_need *need;

	if (!filter->count || filter->has_negative)
		return NULL;
	need = add(needs, filter->count);
	for (uint32_t i = 0; need && i < filter->count; i++)
		need->terms[need->count++] = (struct filter_term){
			filter->terms[i].form, value_str(filter->terms[i].text)
		};
	return need;
}

static bool is_choice(const struct number_filter *filter)
{
	struct number_filter unset;

	number_filter_init(&unset, filter->type, filter->compat);
	return filter->enabled && filter->equal.count && !filter->unequal.count &&
	       filter->min == unset.min && filter->max == unset.max;
}

/* Negative ones have no form that signed and unsigned share. */
static struct filter_need *add_numbers(struct needs *needs, const struct number_filter *filter,
				       bool with_zero)
{
	struct filter_need *need;

	if (!is_choice(filter))
		return NULL;
	for (uint32_t i = 0; i < filter->equal.count; i++) {
		uint64_t bits = number_filter_bits(filter, filter->equal.items[i]);

		if (bits > INT64_MAX || (!bits && !with_zero))
			return NULL;
	}
	need = add(needs, filter->equal.count);
	for (uint32_t i = 0; need && i < filter->equal.count; i++)
		need->terms[need->count++] = (struct filter_term){
			STRING_EXACT, value_uint(number_filter_bits(filter, filter->equal.items[i]))
		};
	return need;
}

static void add_data(struct needs *needs, const struct data_filter *data)
{
	struct filter_need *need = data->numeric ? add_numbers(needs, &data->numbers, true)
						 : add_texts(needs, &data->text);

	if (need)
		need->field = data->field;
}

static void add_container(struct needs *needs, const struct scope_filter *scope)
{
	const struct filters *f = needs->filters;
	bool host = scope->field->kind == SCOPE_HOST;
	struct filter_need *need;

	if (host ? f->any_container : f->any_host && !scope->started)
		return;
	need = add(needs, 1);
	if (!need)
		return;
	need->scope = scope->field;
	need->terms[need->count++] = (struct filter_term){ STRING_EXACT, value_bool(!host) };
}

static void add_scope(struct needs *needs, const struct scope_filter *scope)
{
	struct filter_need *need = NULL;

	switch ((enum scope_kind)scope->field->kind) {
	case SCOPE_INT64:
	case SCOPE_UINT64: need = add_numbers(needs, &scope->numbers, true); break;
	case SCOPE_STRING:
		/* filter.c lets this one pass always. */
		if (!needs->filters->compat ||
		    !str_equal(str_of(scope->field->name), STR("containerImageDigest")))
			need = add_texts(needs, &scope->text);
		break;
	case SCOPE_CONTAINER:
	case SCOPE_HOST: add_container(needs, scope); return;
	case SCOPE_BOOL: return;
	}
	if (need)
		need->scope = scope->field;
}

int filters_needs(const struct filters *f, struct arena *arena, struct filter_need **out,
		  uint32_t *count)
{
	struct needs needs = { .filters = f, .arena = arena };
	struct filter_need *result;

	needs.items = arena_array(arena, struct filter_need, f->scope_count + f->data_count + 1);
	if (!needs.items)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->scope_count; i++)
		add_scope(&needs, &f->scope[i]);
	for (uint32_t i = 0; i < f->data_count; i++)
		add_data(&needs, &f->data[i]);
	/* A return value that is missing counts as 0. */
	result = f->result_field < 0 ? NULL : add_numbers(&needs, &f->result, false);
	if (result)
		result->field = f->result_field;
	if (needs.failed)
		return -ENOMEM;
	*out = needs.items;
	*count = needs.count;
	return 0;
}
