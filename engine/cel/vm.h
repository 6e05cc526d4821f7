/* SPDX-License-Identifier: Apache-2.0 */
/* What single instructions do: here where it is short and often done, else in vm_ops.c. */
#ifndef CEL_VM_H
#define CEL_VM_H

#include "internal.h"

/* The value of a field, read from the event when it is first asked for. */
static inline const struct value *run_slot(struct cel_run *run, uint32_t slot)
{
	if (UNLIKELY(!(run->known[slot / 64] >> (slot % 64) & 1))) {
		run->load(run, slot);
		run->known[slot / 64] |= 1ULL << (slot % 64);
	}
	return &run->slots[slot];
}

static inline uint64_t load_64(const char *at)
{
	uint64_t bytes;

	memcpy(&bytes, at, sizeof(bytes));
	return bytes;
}

static inline uint32_t load_32(const char *at)
{
	uint32_t bytes;

	memcpy(&bytes, at, sizeof(bytes));
	return bytes;
}

/* Most texts of conditions are short: for them a call costs more than the comparison. */
static inline bool bytes_equal(const char *a, const char *b, uint32_t len)
{
	if (len >= 8) {
		for (uint32_t at = 0; at < len - 8; at += 8)
			if (load_64(a + at) != load_64(b + at))
				return false;
		return load_64(a + len - 8) == load_64(b + len - 8);
	}
	if (len >= 4)
		return load_32(a) == load_32(b) && load_32(a + len - 4) == load_32(b + len - 4);
	return !len || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
}

static inline bool text_starts(const struct value *text, const struct value *part)
{
	return text->len >= part->len && bytes_equal(text->str, part->str, part->len);
}

static inline bool text_ends(const struct value *text, const struct value *part)
{
	return text->len >= part->len &&
	       (!part->len ||
		bytes_equal(text->str + (text->len - part->len), part->str, part->len));
}

static inline bool text_equal(const struct value *a, const struct value *b)
{
	return a->len == b->len && bytes_equal(a->str, b->str, a->len);
}

/* The first error among the operands, or that they are of the wrong kind. */
static inline struct value vm_operand_error(const struct value *a, const struct value *b)
{
	return value_is_error(*a) ? *a : value_is_error(*b) ? *b : ERROR_NO_OVERLOAD;
}

static inline struct value vm_starts_with(const struct value *a, const struct value *b)
{
	if (UNLIKELY(a->tag != VALUE_STRING || b->tag != VALUE_STRING))
		return vm_operand_error(a, b);
	return value_bool(text_starts(a, b));
}

static inline struct value vm_ends_with(const struct value *a, const struct value *b)
{
	if (UNLIKELY(a->tag != VALUE_STRING || b->tag != VALUE_STRING))
		return vm_operand_error(a, b);
	return value_bool(text_ends(a, b));
}

/* Absent is null; a field that is there without a value says so in aux. */
static inline struct value vm_has_slot(const struct value *slot)
{
	return value_bool(slot->tag != VALUE_NULL || slot->aux == CEL_PRESENT);
}

/* The machine alone, with the budget that run has. */
struct value vm_run(const struct cel_program *program, struct cel_run *run);
void vm_variable(struct cel_run *run, const struct variable *variable, struct value *to);
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
