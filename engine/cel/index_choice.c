/* SPDX-License-Identifier: Apache-2.0 */
/* A clause of many atoms on one subject (`x in LIST`), answered by tables of its own. */
#include <errno.h>

#include "index_part.h"

/* All atoms must be on one subject, and of kinds that tables hold exactly. */
static bool suits(const struct cel_index *index, const struct index_clause *clause)
{
	uint32_t subject = index->atoms[index->clause_atoms[clause->first]].subject;

	for (uint32_t i = 0; i < clause->count; i++) {
		const struct index_atom *atom =
			&index->atoms[index->clause_atoms[clause->first + i]];
		bool text = atom->normal.constant.tag == VALUE_STRING &&
			    (atom->normal.kind == ATOM_EQUAL || atom->normal.kind == ATOM_PREFIX ||
			     atom->normal.kind == ATOM_SUFFIX ||
			     atom->normal.kind == ATOM_CONTAINS);
		bool number = atom->normal.kind == ATOM_EQUAL &&
			      (atom->normal.constant.tag == VALUE_INT ||
			       atom->normal.constant.tag == VALUE_UINT);

		if (atom->subject != subject || atom->normal.negated || !(text || number))
			return false;
	}
	return true;
}

/* Sorts the atoms into rows for the tables; -ENOMEM or 0. */
struct sorting {
	struct literal *texts, *searched;
	struct number_equal *numbers;
	uint32_t text_count, searched_count, number_count;
};

static int sort_atoms(struct builder *builder, const struct index_clause *clause,
		      struct choice *choice, struct sorting *out)
{
	const struct cel_index *index = builder->index;
	struct arena *scratch = builder->scratch;

	out->texts = arena_array(scratch, struct literal, clause->count);
	out->searched = arena_array(scratch, struct literal, clause->count);
	out->numbers = arena_array(scratch, struct number_equal, clause->count);
	if (!out->texts || !out->searched || !out->numbers)
		return -ENOMEM;
	for (uint32_t i = 0; i < clause->count; i++) {
		const struct normal_atom *atom =
			&index->atoms[index->clause_atoms[clause->first + i]].normal;
		struct number_equal number = { .target = i };
		struct literal literal = { value_text(atom->constant), atom->kind, i };

		choice->wants_text |= atom->kind != ATOM_EQUAL;
		if (atom->constant.tag != VALUE_STRING) {
			number_of_constant(atom->constant, &number.bits, &number.negative);
			out->numbers[out->number_count++] = number;
		} else if (atom->kind == ATOM_CONTAINS) {
			out->searched[out->searched_count++] = literal;
		} else {
			out->texts[out->text_count++] = literal;
		}
	}
	return 0;
}

int choice_new(struct builder *builder, const struct index_clause *clause, struct choice **out)
{
	struct sorting sorting = { .text_count = 0 };
	struct number_tests numbers = { .equal_count = 0 };
	struct choice *choice;

	*out = NULL;
	if (clause->whole != INDEX_NONE || clause->count < CHOICE_MIN ||
	    !suits(builder->index, clause))
		return 0;
	choice = arena_new(builder->arena, struct choice);
	if (!choice || sort_atoms(builder, clause, choice, &sorting))
		return -ENOMEM;
	choice->subject =
		builder->index->atoms[builder->index->clause_atoms[clause->first]].subject;
	numbers.equals = sorting.numbers;
	numbers.equal_count = sorting.number_count;
	if (sorting.text_count)
		choice->text = text_table_new(sorting.texts, sorting.text_count, builder->arena);
	if (sorting.searched_count)
		choice->search = search_new(sorting.searched, sorting.searched_count,
					    builder->arena);
	if (sorting.number_count)
		choice->numbers = number_table_new(&numbers, builder->arena);
	if (!choice->text != !sorting.text_count || !choice->search != !sorting.searched_count ||
	    !choice->numbers != !sorting.number_count)
		return -ENOMEM;
	*out = choice;
	return 0;
}

static bool note(void *ctx, uint32_t target)
{
	(void)target;
	*(bool *)ctx = true;
	return false;
}

bool choice_knows(const struct value *value)
{
	return value->tag != VALUE_DOUBLE;
}

enum cel_verdict choice_test(const struct choice *choice, const struct value *value)
{
	bool found = false;

	if (value_is_error(*value))
		return CEL_FAULT;
	if (value->tag == VALUE_STRING) {
		if (choice->text)
			text_table_probe(choice->text, value_text(*value), note, &found);
		if (!found && choice->search)
			search_probe(choice->search, value_text(*value), note, &found);
		return found ? CEL_TRUE : CEL_FALSE;
	}
	if (choice->numbers && (value->tag == VALUE_INT || value->tag == VALUE_UINT))
		number_table_probe(choice->numbers, *value, note, &found);
	if (found)
		return CEL_TRUE;
	return choice->wants_text ? CEL_FAULT : CEL_FALSE;
}
