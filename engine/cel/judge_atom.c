/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tests of one value exclude each other. Every answer "true" is a proof; where the value
 * may be a double, bounds that are negated prove nothing (NaN).
 */
#include <math.h>

#include "index_part.h"
#include "judge_part.h"

enum { KIND_NUMBERS = CEL_KIND_WHOLE | CEL_KIND_DOUBLE };

/* ---- kinds ------------------------------------------------------------------------------ */

static uint8_t kind_of(struct value value)
{
	switch ((enum value_tag)value.tag) {
	case VALUE_NULL: return CEL_KIND_NULL;
	case VALUE_BOOL: return CEL_KIND_BOOL;
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DOUBLE: return KIND_NUMBERS; /* they compare by value */
	case VALUE_STRING: return CEL_KIND_TEXT;
	default: return CEL_KIND_OTHER;
	}
}

/* The kinds it can be asked of without an error. */
static uint8_t asked_of(const struct normal_atom *atom)
{
	switch ((enum atom_kind)atom->kind) {
	case ATOM_TRUTH: return CEL_KIND_BOOL;
	case ATOM_PREFIX:
	case ATOM_SUFFIX:
	case ATOM_CONTAINS: return CEL_KIND_TEXT;
	case ATOM_LESS:
	case ATOM_LESS_EQUAL:
	case ATOM_GREATER:
	case ATOM_GREATER_EQUAL: return KIND_NUMBERS;
	case ATOM_MASKED: return atom->total ? CEL_KIND_ANY : CEL_KIND_WHOLE;
	default: return CEL_KIND_ANY;
	}
}

uint8_t judge_faults(const struct normal_atom *atom)
{
	return CEL_KIND_ANY & ~asked_of(atom);
}

uint8_t judge_kinds(const struct normal_atom *atom)
{
	switch ((enum atom_kind)atom->kind) {
	case ATOM_EQUAL: return atom->negated ? CEL_KIND_ANY : kind_of(atom->constant);
	case ATOM_PRESENT: return atom->negated ? CEL_KIND_NULL : CEL_KIND_ANY & ~CEL_KIND_NULL;
	case ATOM_MASKED:
		return CEL_KIND_WHOLE |
		       (atom->total && atom->otherwise != atom->negated ? CEL_KIND_ANY : 0);
	default: return asked_of(atom);
	}
}

/* ---- constants -------------------------------------------------------------------------- */

static bool number_of(struct value value, long double *out)
{
	switch ((enum value_tag)value.tag) {
	case VALUE_INT: *out = (long double)value.i; return true;
	case VALUE_UINT: *out = (long double)value.u; return true;
	case VALUE_DOUBLE: *out = (long double)value.d; return !isnan(value.d);
	default: return false;
	}
}

/* The atom is true only of its constant, by CEL's ==. */
static bool is_one_value(const struct normal_atom *atom)
{
	return (atom->kind == ATOM_EQUAL && !atom->negated) || atom->kind == ATOM_TRUTH;
}

static bool holds(const struct normal_atom *atom, struct value value)
{
	struct arena arena = { .limit = 1 << 20 };
	struct cel_run run = { .arena = &arena, .budget = CEL_BUDGET };
	struct cel_match match = { .run = &run };
	bool result = match_atom(&match, atom, &value) == CEL_TRUE;

	arena_free(&arena);
	return result;
}

/* As int, uint or double the same number may fare differently: any of them counts. */
static bool may_hold(const struct normal_atom *atom, struct value value)
{
	long double number;

	if (!number_of(value, &number))
		return value.tag == VALUE_DOUBLE || holds(atom, value);
	return holds(atom, value) || holds(atom, value_double((double)number)) ||
	       (number >= INT64_MIN && number <= INT64_MAX && number == floorl(number) &&
		holds(atom, value_int((int64_t)number))) ||
	       (number >= 0 && number <= UINT64_MAX && number == floorl(number) &&
		holds(atom, value_uint((uint64_t)number)));
}

/* ---- bounds ----------------------------------------------------------------------------- */

struct bound {
	bool upper, strict;
	long double at;
};

static bool bound_of(const struct normal_atom *atom, bool whole, struct bound *out)
{
	static const struct bound bounds[ATOM_KIND_COUNT] = {
		[ATOM_LESS] = { true, true, 0 },
		[ATOM_LESS_EQUAL] = { true, false, 0 },
		[ATOM_GREATER] = { false, true, 0 },
		[ATOM_GREATER_EQUAL] = { false, false, 0 },
	};

	if (atom->kind < ATOM_LESS || atom->kind > ATOM_GREATER_EQUAL || (atom->negated && !whole))
		return false;
	*out = bounds[atom->kind];
	if (atom->negated)
		*out = (struct bound){ !out->upper, !out->strict, 0 };
	return number_of(atom->constant, &out->at);
}

/* For whole numbers, the last that is still in. */
static struct bound to_whole(struct bound bound)
{
	long double at = bound.upper ? floorl(bound.at) : ceill(bound.at);

	if (bound.strict && at == bound.at)
		at += bound.upper ? -1 : 1;
	return (struct bound){ bound.upper, false, at };
}

static bool bounds_exclude(struct bound a, struct bound b, bool whole)
{
	struct bound up, low;

	if (a.upper == b.upper)
		return false;
	up = a.upper ? a : b;
	low = a.upper ? b : a;
	if (whole) {
		up = to_whole(up);
		low = to_whole(low);
	}
	return up.at < low.at || (up.at == low.at && (up.strict || low.strict));
}

/* ---- pairs ------------------------------------------------------------------------------ */

static bool begins(struct str text, struct str with)
{
	return with.len <= text.len && memcmp(text.data, with.data, with.len) == 0;
}

static bool ends(struct str text, struct str with)
{
	return with.len <= text.len &&
	       memcmp(text.data + text.len - with.len, with.data, with.len) == 0;
}

/* Every text that meets `a` (not negated) meets what `b` compares with. */
static bool text_implies(const struct normal_atom *a, const struct normal_atom *b)
{
	struct str x = value_text(a->constant), y = value_text(b->constant);

	if (y.len == 0)
		return true;
	if (b->kind == ATOM_CONTAINS)
		return memmem(x.data, x.len, y.data, y.len) != NULL;
	if (a->kind != b->kind)
		return false;
	return a->kind == ATOM_PREFIX ? begins(x, y) : ends(x, y);
}

static bool is_text_test(const struct normal_atom *atom)
{
	return atom->kind == ATOM_PREFIX || atom->kind == ATOM_SUFFIX ||
	       atom->kind == ATOM_CONTAINS;
}

static bool texts_exclude(const struct normal_atom *a, const struct normal_atom *b)
{
	if (a->negated && b->negated)
		return false;
	if (a->negated)
		return text_implies(b, a);
	if (b->negated)
		return text_implies(a, b);
	return a->kind == b->kind && a->kind != ATOM_CONTAINS && !text_implies(a, b) &&
	       !text_implies(b, a);
}

/* It is met by whole numbers alone, and by those with these bits. */
static bool is_bits(const struct normal_atom *atom)
{
	return atom->kind == ATOM_MASKED && !atom->negated && judge_kinds(atom) == CEL_KIND_WHOLE;
}

static bool bits_exclude(const struct normal_atom *a, const struct normal_atom *b)
{
	if (is_bits(a) && is_bits(b))
		return ((a->constant.u ^ b->constant.u) & a->mask & b->mask) != 0;
	if (!is_bits(a))
		return is_bits(b) && bits_exclude(b, a);
	/* b is "not these bits", and a says it has them. */
	return b->negated && (b->mask & ~a->mask) == 0 &&
	       (a->constant.u & b->mask) == b->constant.u;
}

/* By itself: x & 4 is never 2. */
static bool is_impossible(const struct normal_atom *atom)
{
	return is_bits(atom) && (atom->constant.u & ~atom->mask) != 0;
}

bool judge_excludes(const struct normal_atom *a, const struct normal_atom *b, uint8_t kinds)
{
	bool whole = !(kinds & judge_kinds(a) & judge_kinds(b) & CEL_KIND_DOUBLE);
	struct bound x, y;

	if (!(judge_kinds(a) & judge_kinds(b) & kinds) || is_impossible(a) || is_impossible(b))
		return true;
	if (is_one_value(a))
		return !may_hold(b, a->constant);
	if (is_one_value(b))
		return !may_hold(a, b->constant);
	if (is_text_test(a) && is_text_test(b))
		return texts_exclude(a, b);
	if (a->kind == ATOM_MASKED && b->kind == ATOM_MASKED)
		return bits_exclude(a, b);
	return bound_of(a, whole, &x) && bound_of(b, whole, &y) && bounds_exclude(x, y, whole);
}

bool judge_outside(const struct normal_atom *atom, const struct cel_domain *domain)
{
	uint8_t kinds = judge_kinds(atom) & domain->kinds;
	struct bound bound;
	long double number;

	if (!kinds || is_impossible(atom))
		return true;
	if (kinds != CEL_KIND_WHOLE)
		return false;
	if (is_one_value(atom) && number_of(atom->constant, &number))
		return number < domain->low || number > domain->high || number != floorl(number);
	if (is_bits(atom))
		return domain->low >= 0 && (long double)atom->constant.u > domain->high;
	if (!bound_of(atom, true, &bound))
		return false;
	bound = to_whole(bound);
	return bound.upper ? bound.at < domain->low : bound.at > domain->high;
}
