/* SPDX-License-Identifier: Apache-2.0 */
/* What single instructions do, where it is more than a line; vm_ops.c. */
#ifndef CEL_VM_H
#define CEL_VM_H

#include "internal.h"

/* The first error among the operands, or that they are of the wrong kind. */
static inline struct value vm_operand_error(const struct value *a, const struct value *b)
{
	return value_is_error(*a) ? *a : value_is_error(*b) ? *b : ERROR_NO_OVERLOAD;
}

static inline struct value vm_starts_with(const struct value *a, const struct value *b)
{
	if (UNLIKELY(a->tag != VALUE_STRING || b->tag != VALUE_STRING))
		return vm_operand_error(a, b);
	return value_bool(a->len >= b->len && (!b->len || memcmp(a->str, b->str, b->len) == 0));
}

static inline struct value vm_ends_with(const struct value *a, const struct value *b)
{
	if (UNLIKELY(a->tag != VALUE_STRING || b->tag != VALUE_STRING))
		return vm_operand_error(a, b);
	return value_bool(a->len >= b->len &&
			  (!b->len || memcmp(a->str + a->len - b->len, b->str, b->len) == 0));
}

void vm_variable(struct cel_run *run, const struct variable *variable, struct value *to);
struct value vm_has_slot(const struct value *slot);
struct value vm_field(struct cel_run *run, struct value operand, const struct cel_field *field);
struct value vm_has_field(struct cel_run *run, struct value operand, const struct cel_field *field);
struct value vm_equal(struct cel_run *run, struct value a, struct value b);
struct value vm_contains(struct cel_run *run, const struct value *a, const struct value *b);
struct value vm_bit_and(const struct value *a, const struct value *b);
struct value vm_matches(struct cel_run *run, struct value subject, const struct regex *regex);
struct value vm_call(struct cel_run *run, const struct call_site *site, const struct value *args);
/* aggregate == NULL: `count` elements (pairs), none optional. */
struct value vm_list(struct cel_run *run, const struct value *items, uint32_t count,
		     const struct aggregate *aggregate);
struct value vm_map(struct cel_run *run, const struct value *pairs, uint32_t count,
		    const struct aggregate *aggregate, bool lenient);
struct value vm_message(struct cel_run *run, const struct value *fields,
			const struct aggregate *aggregate);
struct value vm_no_bool(struct value v);

/* Folds; false: leave the fold. */
bool vm_fold_start(const struct value *range, struct value *loop, struct value *error);
bool vm_fold_next(struct cel_run *run, struct value *loop, bool two);
bool vm_fold_list(struct cel_run *run, const struct value *range, struct value *to);
bool vm_fold_map(struct cel_run *run, const struct value *range, struct value *to);
bool vm_fold_append(const struct value *item, struct value *to);
bool vm_fold_put(const struct value *key, const struct value *value, struct value *to);
bool vm_fold_merge(struct cel_run *run, const struct value *map, const struct value *range,
		   struct value *to);
bool vm_fold_count(const struct value *condition, struct value *to);

/* Optionals; false: go to the target. */
bool vm_optional_get(struct value optional, struct value *to, struct value *otherwise);
bool vm_optional_else(struct value optional, bool unwrap, struct value *to);

#endif
